"""Types, the places where values live, and the marks that roots and ways are made of.

In: names and numbers.  Out: `Type`, `Place`, `Slot`, and the spellings that everybody who makes or reads a way shares.
Never: what happens to a value.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from msgspec import Struct

Range: TypeAlias = tuple[int, int]
"""Byte offsets (0-based, half open) into the file of the unit that the value belongs to."""

Path: TypeAlias = tuple[str, ...]
"""A dotted name as written or resolved: ("std", "sync", "Mutex")."""


def holds(outer: Range, offset: int) -> bool:
    """Whether an offset lies in a range."""
    return outer[0] <= offset < outer[1]


def within(inner: Range, outer: Range) -> bool:
    """Whether a range lies in another one, or is it."""
    return outer[0] <= inner[0] and inner[1] <= outer[1]


class Type(Struct, frozen=True, gc=False, array_like=True):
    """A type as far as locks need it: a name and its arguments. Lifetimes are left out, and so are references, but for
    what fields, results and arguments of types are: `[ref]` (somebody else owns its argument).

    Names in brackets are structural: `[tuple]`, `[list]` (arrays and slices), `[dyn]` (any of its arguments'
    implementations), `[fn]` (a callable: what it takes, where that is told, and last what it returns), `[self]` (the
    enclosing owner), `[super]` (what the enclosing owner is built on). Where a value's type is not declared but made:
    `[made]` is what a call of the first argument gives (the rest is what it is given), `[at]` what the path behind it
    is a name of, `[parameter]` what a method (its name comes first) of the owner gets as a parameter, `[any]` one of
    its arguments, `[way]` what is found from its argument on by names, `()` for a call and `[]` for an element;
    `[class]` is the type of a class that is kept as a value.
    """

    path: Path
    args: tuple[Type, ...] = ()


def substitute(kind: Type | None, given: Mapping[str, Type]) -> Type | None:
    """The type with others for its parameters, by their names."""
    if kind is None or not given:
        return kind
    if len(kind.path) == 1 and kind.path[0] in given:
        return given[kind.path[0]]
    return Type(kind.path, tuple(substitute(one, given) or one for one in kind.args)) if kind.args else kind


ONE = Type(("1",))
"""The type of the number that is written as one, among what something is made with."""
NOUGHT = Type(("0",))
"""The same of nought, and of a number below it."""


class Place(Struct, frozen=True, gc=False, array_like=True):
    """Where a value lives: a root and the way from it.

    The root is a slot's number, or the name of a static. The way is fields (`load`), indices (`[i]`, the text
    between the brackets) and calls of unknown getters (`inner()`).
    """

    root: int | Path
    way: Path = ()


OTHER = ("[any]",)
"""The way to any other value: a variable that is given what comes from there is not what it was before."""

KEYED = "[="
"""How the part of a way begins that is the element of a container for a key: the key's place stands behind it."""


ALL = "[all]"
"""The part of a way that is every element of a container, one after the other."""

SLICE = "[:]"
"""The part of a way that is a container with some of the elements of another one."""


def captured(slot: int | Path) -> str:
    """The part of a closure that is what it has taken along of a slot."""
    return f"captured {slot}"


def given_by(call: str, kinds: tuple[Type, ...]) -> str:
    """The part of a way that is what an unknown getter gives: one that is asked for types gives another for each."""
    return f"{call}::<{', '.join(map(_spelled, kinds))}>()" if kinds else f"{call}()"


def _spelled(kind: Type) -> str:
    inner = f"<{', '.join(map(_spelled, kind.args))}>" if kind.args else ""
    return "::".join(kind.path) + inner


def element_for(key: Place) -> str:
    """The part of a way that is the element of a container for the value at a place, which nothing changes."""
    return f"{KEYED}{'.'.join((str(key.root), *key.way))}]"


def key_of(part: str) -> Place | None:
    """The place of the key in a part of a way that `element_for` gave; None for any other part."""
    if not part.startswith(KEYED):
        return None
    root, *way = part[len(KEYED) : -1].split(".")
    return Place(int(root), tuple(way))


class Slot(Struct, frozen=True, gc=False, array_like=True):
    """A variable, a parameter or a temporary of one function. `name` is empty for temporaries.

    `why` says for people how long it lives (a key into the language's table of reasons: "local", "if-let", …).
    `fixed`: nothing can change what it is once it has its value, so what is known of it stays true.
    """

    name: str = ""
    type: Type | None = None
    why: str = ""
    at: Range = (0, 0)
    """Where a variable is named; nowhere where a parameter is taken apart at once."""
    fixed: bool = False


HANDED = ("[handed]",)
"""The root of what a closure is given for good by who calls it; the way is the number of its parameter."""
YES = Place(("[true]",))
"""The value that is written as true."""
NO = Place(("[false]",))
"""The value that is written as false."""
NOTHING: Path = ("[none]",)
NONE = Place(NOTHING)
"""The value that is written as missing."""
MADE = Place(("[made]",))
"""A value that was made just before: it is there, but nobody says whether it is true (a list may be empty)."""


LIKE = "[like]"
"""Begins the root of the place of a text of which is known how it begins and ends, and nothing else."""
LOCKED = "[locked]"
"""At the end of the way to a lock that a question is about: it is whether somebody holds it."""
GATHERED = "[gathered]"
"""Begins the way of what a function passes on of what it gathers: which one (its number), its name, and what the callee
takes in its place where nobody gives it (`?`: that is not told)."""
NOT = "[not]"
"""At the end of the way to a value that a question is about: it is about the opposite."""
STATIC = ("[static]",)
"""The root of what a question about a variable of a module or of a class is about; the way is its full name."""
ONESELF = ("[oneself]",)
"""The root of what is asked about where who runs, a thread or a task, is asked for: is it a certain one? The way is the
question's own."""
MAKE = "[make]"
"""The method by which what makes a lazy static holds it until it is made."""
NEXT = "[next]"
"""The method by which a loop asks for its next element."""
USE = "[use]"
"""The method by which a static is asked for what it stands for: a lazy one is made then, if it is not yet."""


SHIFTED = "[? "
"""Begins the part of a way that is a former element: its mark follows, and what it was."""


def before_shift(part: str) -> str:
    """What a part of a way was before its container was changed; the part itself where it was not."""
    return part[part.index("[", 1) : -1] if part.startswith(SHIFTED) else part
