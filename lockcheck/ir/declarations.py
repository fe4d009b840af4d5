"""What a file declares: imports, types, statics, functions, macros; and the body that a function is lowered to.

In: places, types, and the steps of a body.  Out: `Unit`, which is all that is known of a file, and its parts.
Never: what a call means.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from msgspec import Struct

from lockcheck.ir.places import Path, Place, Range, Slot, Type
from lockcheck.ir.steps import Region


class Import(Struct, frozen=True, gc=False, array_like=True):
    """`name` in `module` means `target` (as written); the name `*` brings in everything of the target."""

    module: Path
    name: str
    target: Path


class Field(Struct, frozen=True, gc=False, array_like=True):
    """A field of a type, with where it is declared."""

    name: str
    type: Type
    at: Range
    shared: bool = False
    """All instances have the same one."""
    put: tuple[Type, ...] = ()
    """What is put into it, where it is a container that does not say itself what its elements are."""
    given: str = ""
    """The parameter of what makes the object that it always is, by name."""
    asked: Path = ()
    """What the methods of the type ask its value for, by name, where its type is not written; sorted."""
    made: Type | None = None
    """How its value is made, where its type is written and says what is in it."""


class TypeDecl(Struct, frozen=True, gc=False, array_like=True):
    """A type of the tree. `kind`: struct, enum, trait, alias. An alias has its meaning as the one field ``=``.

    `values` are the names of which a value of an enum is exactly one.
    """

    module: Path
    name: str
    kind: str
    generics: Path
    fields: tuple[Field, ...]
    bases: tuple[Type, ...]
    at: Range
    values: Path = ()
    waits: bool = False
    """It is called a lock, and its methods wait themselves for what no library's lock stands for."""
    copied: bool = False
    """It says that values of it are made from each other: two of them may share what is in them."""
    derived: Path = ()
    """The traits that it implements by asking each of its parts to do the same."""
    of: Type | None = None
    """The class that it is a value of itself, where it says so: calling the type calls that one's method."""
    asks_who: bool = False
    """It is called a lock, and its methods ask which thread or task runs."""
    queues: bool = False
    """It is called a lock, and counts who waits to write: who reads may wait for them too."""
    keeps: bool = False
    """It is called a lock, and a method of it leaves something taken, or has it for somebody's block."""


class Static(Struct, frozen=True, gc=False, array_like=True):
    """A variable that lives as long as the program."""

    module: Path
    name: str
    type: Type | None
    at: Range
    lists: tuple[Path, ...] = ()
    """What is named as functions are, if it is such a name or a table of them."""


class Param(Struct, frozen=True, gc=False, array_like=True):
    """A parameter; `by_value` where the callee becomes the owner.

    `optional`: a call may leave it out, and it is `default` then (true, false, nothing, or not told); `gathers`: it
    takes all arguments that are left.
    """

    name: str
    type: Type | None
    by_value: bool
    optional: bool = False
    gathers: bool = False
    default: Place | None = None
    alone: bool = False
    """While the function runs, nobody else can do anything with the value."""
    otherwise: Type | None = None
    """The type of what it is where a call leaves it out."""


TEXT = ("[text]",)
"""How a path begins that is not the name of something but a text."""


def part_called(name: str) -> str:
    """The name of the parameter that is the part of a value whose name a parameter is."""
    return f"{name}_of_lock"


CALLED = ".__call__()"
"""How the name of a function ends that a decorator puts round another one where the decorator is a class."""


class Decorator(Struct, frozen=True, gc=False, array_like=True):
    """What gets a function, by the name as written, and the names that it is called with before: each for which of its
    parameters (empty: for the next one), and the name as written (empty for anything else).
    """

    path: Path
    given: tuple[tuple[str, Path], ...] = ()

    def named(self, wrapper: Function) -> Iterator[tuple[str, Place]]:
        """What it is called with by name, for which parameter of what it puts round the function.

        A text is the name of a part of the function's first argument.
        """
        closed = [param.name for param in (wrapper.closed_params if wrapper.wraps else wrapper.params)]
        for position, (name, said) in enumerate(self.given):
            name = name or (closed[position] if position < len(closed) else "")
            part = part_called(name) if said[:1] == TEXT else name
            if said and part in closed:
                yield part, Place(0, said[1:]) if said[:1] == TEXT else Place(said)


class Function(Struct, frozen=True, gc=False, array_like=True):
    """A function as declared; its body is lowered when somebody needs it.

    `owner` is the type that it is a method of, `trait` the trait that it implements or is declared in.
    `bounds` say of the type parameters what they implement. `runs_when_awaited`: calling it only makes a value.
    """

    module: Path
    name: str
    owner: Type | None
    trait: Type | None
    generics: Path
    bounds: tuple[tuple[str, Type], ...]
    params: tuple[Param, ...]
    takes_self: bool
    returns: Type | None
    runs_when_awaited: bool
    at: Range
    name_at: Range
    body_at: Range | None
    made_once: str = ""
    """The static that this function makes, while all who want it wait."""
    of_type: bool = False
    """Its receiver is the type itself."""
    hook: str = ""
    """Nobody calls it: it runs when a value ends ("finalizer"), wherever that happens (see `Register`)."""
    by_hand: bool = False
    """It may leave a lock taken, or give back one that its caller took."""
    computed: bool = False
    """It looks like a field of its owner: reading the field runs it."""
    around: bool = False
    """A call makes a value; a block that is opened with it runs where the function yields."""
    wraps: Path = ()
    """It is what a decorator puts round a function: the name that it calls the function by, where it yields, and the
    other names that are the decorator's own. Its name is the decorator's with brackets."""
    closed: int = 0
    """So many of its last parameters are not its own: they are what its decorator is called with."""
    bare: bool = False
    """Its body does nothing but say that others are to do it."""
    wrapped_by: tuple[Decorator, ...] = ()
    """What (outermost first) got this one and put what it returned in its place."""
    of_tests: bool = False
    """It is there to try other code: nobody waits for it in production."""
    inner: bool = False
    """Only its own module can call it."""
    hands_on: Path = ()
    """The part of its object that it asks for what the object has not itself."""
    given: tuple[tuple[str, bytes], ...] = ()
    """It stands in a macro, whose names stand for this."""
    passes_on: Path = ()
    """As a decorator it calls nowhere what it stands round, and waits for nothing: calls of these names get it."""

    @property
    def own_params(self) -> tuple[Param, ...]:
        """The parameters but for those that are its decorator's."""
        return self.params[: len(self.params) - self.closed]

    @property
    def closed_params(self) -> tuple[Param, ...]:
        """The parameters that are its decorator's."""
        return self.params[len(self.params) - self.closed :]


class Making(Struct, frozen=True, gc=False):
    """A value is made with parts of the object whose method does it, or with what a function has made: what its
    parameters get can be learned here. `owner` has no path where no method does it; a variable of the function has its
    type for an argument.
    """

    module: Path
    owner: Type
    made: Type


class Handing(Struct, frozen=True, gc=False, array_like=True):
    """A method of `owner` gives a method or a field of its object, `name`, to what is `called` (the last of its names).

    It is the argument number `slot` (from 0), or the one named `keyword`; `to` is whose method is called, as written.
    """

    module: Path
    owner: Type
    called: str
    slot: int
    keyword: str
    name: str
    to: Path = ()


class Showing(Struct, frozen=True, gc=False, array_like=True):
    """A method of `owner` gives a value of the type `shown` to what a value of the type `to` does when it is `called`.

    It is the argument number `slot` (from 0), or the one named `keyword`; or a field called so is given it (-1).
    """

    module: Path
    owner: Type
    to: Type
    called: str
    slot: int
    keyword: str
    shown: Type


class Patch(Struct, frozen=True, gc=False, array_like=True):
    """The function that `by` names is put in place of a method, `name`, of what `of` names (paths as written)."""

    module: Path
    of: Path
    name: str
    by: Path


class Deref(Struct, frozen=True, gc=False, array_like=True):
    """Values of `owner` stand for values of `target` (a smart pointer of the tree)."""

    module: Path
    owner: Type
    target: Type


class MacroArm(Struct, frozen=True, gc=False, array_like=True):
    """One way to write a macro: the source of what it takes and of what it gives, and where each begins."""

    takes: bytes
    takes_at: int
    gives: bytes
    gives_at: int


class Macro(Struct, frozen=True, gc=False, array_like=True):
    """A macro that the tree defines by patterns. `path` is its file; `exported`: other crates see it.

    `within`: the function's body outside of which it is not seen.
    """

    path: str
    module: Path
    name: str
    arms: tuple[MacroArm, ...]
    exported: bool
    within: Range | None
    at: Range


Macros: TypeAlias = Mapping[str, "tuple[Macro, ...]"]
"""The macros of the tree, by name."""


class Words(Struct, frozen=True, gc=False, array_like=True):
    """The names of what takes locks, for a front end to look for in bytes before it parses them.

    `alone`: methods that are called with nothing but their receiver; `any`: methods called with whatever;
    `functions`: free functions, called by name or path, or a path of two parts, called by just that; `paths`: functions
    of a type, called by its path only; `lenders`: called in any of these ways (by a path only where they begin with
    `::`), and run a closure that they are given, leave a lock taken, or only give one back; `macros`: of the tree,
    whose expansion takes a lock; `spoken`: named in any way at all; `made`: types, called for a variable of the
    function to be a lock.
    """

    alone: frozenset[str] = frozenset()
    any: frozenset[str] = frozenset()
    functions: frozenset[str] = frozenset()
    paths: frozenset[str] = frozenset()
    lenders: frozenset[str] = frozenset()
    macros: frozenset[str] = frozenset()
    spoken: frozenset[str] = frozenset()
    made: frozenset[str] = frozenset()


class Body(Struct, frozen=True, gc=False, array_like=True):
    """A lowered function: its slots (parameters first, in order), its steps, and the slot of what it returns.

    `uses` pairs each variable's slot with the places where it is named after it was made, in order. `unseen` are the
    variables that are given values somewhere of which no step says anything.
    """

    slots: tuple[Slot, ...]
    root: Region
    result: int
    uses: tuple[tuple[int, tuple[int, ...]], ...] = ()
    unseen: tuple[int, ...] = ()


class Unit(Struct, frozen=True, gc=False, array_like=True):
    """One file's declarations. `crate` names the compilation unit, for paths that begin at its root."""

    path: str
    language: str
    crate: str
    imports: tuple[Import, ...]
    types: tuple[TypeDecl, ...]
    statics: tuple[Static, ...]
    functions: tuple[Function, ...]
    derefs: tuple[Deref, ...]
    problems: tuple[tuple[int, str], ...]
    macros: tuple[Macro, ...] = ()
    makings: tuple[Making, ...] = ()
    patches: tuple[Patch, ...] = ()
    handings: tuple[Handing, ...] = ()
    showings: tuple[Showing, ...] = ()
    forced: Path = ()
    """The names of lazy statics that the file's code makes by asking for just that."""
