"""Where values live and what they are, while one function is linked: aliases, types, owners.

In: places as the front end wrote them.  Out: the oldest name of a place, its type, the owner of its last field.
Never: what a call means.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from lockcheck import ir
from lockcheck.effects import Effects
from lockcheck.effects.shapes import MAKERS, MAP, OPTION, PRESENT, RESULT
from lockcheck.linker.rounds import Every
from lockcheck.linker.types import Context
from lockcheck.linker.written import GUARD, UNKNOWN

if TYPE_CHECKING:
    from lockcheck.linker import Program
    from lockcheck.linker.sides import Filled, Handed

EMPTY_OPTION = ir.Type((OPTION,))
"""The type of `None` until more is known."""


class Late(NamedTuple):
    """What a closure does for each element of an iterator; `waits`: it did not run where it was given."""

    closure: ir.Lambda
    waits: bool


@dataclass
class Places(ABC):
    """The state of linking one function; lives as long as `link` runs."""

    program: Program
    number: int
    context: Context
    effects: Effects
    body: ir.Body
    types: dict[int, ir.Type | None] = field(default_factory=dict)
    alias: dict[ir.Place, ir.Place] = field(default_factory=dict)
    torn: dict[ir.Place, ir.Place] = field(default_factory=dict)
    """Names with two meanings, with the first of them."""
    written: dict[int, ir.Place] = field(default_factory=dict)
    lambdas: dict[int, ir.Lambda] = field(default_factory=dict)
    pending: dict[int, ir.Invoke | ir.Acquire] = field(default_factory=dict)
    brought: dict[int, list[tuple[int, ir.Invoke | ir.Acquire]]] = field(default_factory=dict)
    """What calls that nobody waits for yet were given to wait for, by their results: slots, and what is in them."""
    calling: dict[int, int] = field(default_factory=dict)
    """What calls of parameters gave, and values made of that, with the parameter."""
    waited_in: dict[int, ir.Range] = field(default_factory=dict)
    """Calls that a library's future waits for (`guard().instrument(span)`), by the slot of that future."""
    contexts: dict[int, ir.Invoke | ir.Acquire] = field(default_factory=dict)
    closing: dict[int, ir.Lock] = field(default_factory=dict)
    """Results with which a block can be opened that gives a lock back at its end."""
    bound: dict[int, tuple[ir.Operand, ...]] = field(default_factory=dict)
    picked: dict[int, ir.Place] = field(default_factory=dict)
    named_like: dict[int, tuple[ir.Place, str, str]] = field(default_factory=dict)
    """Parts of a value that are picked by a name of which is known how it begins and ends, with that value."""
    by_name: set[ir.Place] = field(default_factory=set)
    """Locks that were taken by name: the end of a block gives them back too."""
    stacked: set[int] = field(default_factory=set)
    """Stacks of blocks on which something was put."""
    on_close: dict[int, list[ir.Call]] = field(default_factory=dict)
    """What is called when such a stack is closed, in the order in which it was put there."""
    asks: dict[int, frozenset[str]] | None = None
    now: ir.Range = (0, 0)
    spawned: dict[int, tuple[ir.Region, ...]] = field(default_factory=dict)
    gathered: dict[int, tuple[ir.Region, ...]] = field(default_factory=dict)
    scopes: dict[int, list[ir.Lambda]] = field(default_factory=dict)
    """The threads of the scopes that are open, by the variable of the scope."""
    blocking: bool = False
    boxed: set[int] = field(default_factory=set)
    passed_on: set[int] = field(default_factory=set)
    """Parameters that go on to calls of which nobody knows what they do with them."""
    passing: set[int] = field(default_factory=set)
    """Those of them that were first passed on by the call that is just looked at."""
    of_all: dict[ir.Range, Every] = field(default_factory=dict)
    """What comes for every element of a list, by where it stands."""
    thinned: set[ir.Place] = field(default_factory=set)
    """Containers, by their oldest names, of which some elements are left out."""
    removed: set[str] = field(default_factory=set)
    """Elements, as parts of a way, that were taken out of their lists."""
    lent: dict[int, tuple[ir.Place | None, ...]] = field(default_factory=dict)
    """What is given to the parameters that are called, by the oldest names; None where that is not one thing."""
    gone: frozenset[int] = frozenset()
    """The slots whose whole value goes somewhere else."""
    open: list[ir.Region] = field(default_factory=list)
    """The regions around the step that is just looked at, the outermost first."""
    used: frozenset[int] = frozenset()
    """Results that something is asked of, or taken out of: what becomes of them is not known."""
    passed: set[int] = field(default_factory=set)
    """Values that go into a method of theirs as a whole."""
    doubtful: set[int] = field(default_factory=set)
    """Results that are there only where something was replaced."""
    given: dict[int, ir.Range] = field(default_factory=dict)
    """Results that belong to this function, with the names of the calls that gave them."""
    watched: frozenset[int] = frozenset()
    """Variables that change, but by assignments only: what they are is known as far as the last one says it."""
    anew: set[int] = field(default_factory=set)
    """Results that may be there, or true, whether what they came from is or not."""
    settled: frozenset[int] = frozenset()
    """Labels to which calls that are steady raise nothing: out of the function, or to handlers that others lead to."""
    threads: dict[int, ir.Lambda] = field(default_factory=dict)
    put_by_key: dict[ir.Place, ir.Place] = field(default_factory=dict)
    """The elements of maps that values are which are made here and put there."""
    put_in: list[tuple[ir.Place, ir.Place]] = field(default_factory=list)
    """Lists and maps, each with something that was put into it."""
    in_lists: dict[int, list[ir.Lambda | ir.Path]] = field(default_factory=dict)
    """The closures, and the functions by their names, that were put into lists."""
    late: dict[int, tuple[Late, ...]] = field(default_factory=dict)
    """What runs for each element of an iterator when somebody asks it for one."""
    sources: dict[int, ir.Place] = field(default_factory=dict)
    """Iterators of the tree around which a library's are, by the slot of the library's."""
    keeping: dict[int, bool] = field(default_factory=dict)
    """Iterators that hold a lock while they last, and whether each element that they give holds it too."""
    stopped: set[ir.Place | None] = field(default_factory=set)
    """Threads and tasks that were told to stop."""
    started: list[ir.Region] = field(default_factory=list)
    """The calls that tasks of their own make, which nobody here waits for."""
    abroad: dict[int, str] = field(default_factory=dict)
    """What a task waits for that awaits the value, where that is the world outside: words for people."""
    starts: list[tuple[str, ir.Lambda, int]] = field(default_factory=list)
    fills: list[Filled] = field(default_factory=list)
    drawn: dict[int, ir.Place] = field(default_factory=dict)
    """Where what a slot has was taken out."""
    channels: set[int] = field(default_factory=set)
    halves: dict[str, str] = field(default_factory=dict)
    handed: list[Handed] = field(default_factory=list)
    kept: dict[str, ir.Place] = field(default_factory=dict)
    home: dict[ir.Place, ir.Place] = field(default_factory=dict)
    empty: set[int] = field(default_factory=set)
    """New containers in which nothing is yet."""
    likes: dict[int, tuple[ir.Path, ir.Place]] = field(default_factory=dict)
    """Where in a value (`[]`: any element) something stands that was an element of something else, and of what."""
    sums: dict[int, tuple[tuple[str, ...], tuple[str, ...]]] = field(default_factory=dict)
    denied: dict[int, ir.Place | None] = field(default_factory=dict)
    placed: set[int] = field(default_factory=set)
    running: set[int] = field(default_factory=set)
    asked_lazy: set[ir.Path] = field(default_factory=set)
    """Lazy statics that the function has asked whether they are made: what follows reckons with both."""
    bodies: int = 0
    fresh: set[int] = field(default_factory=set)
    closers: dict[int, str] = field(default_factory=dict)
    """Names of values for a block that ends with a method of the value, and with nothing else."""
    guarding: dict[int, ir.Place] = field(default_factory=dict)
    """What locks guard that the function makes, by the lock."""
    wrapped: dict[int, ir.Place] = field(default_factory=dict)
    """The lock that something unknown was made of, by what was made."""
    kept_at: dict[int | ir.Path, ir.Place] = field(default_factory=dict)
    """Where locks that the function made are put, by what made them."""
    alone: set[int] = field(default_factory=set)
    """Objects that this function made and handed nothing to that could be called."""
    sized: set[int] = field(default_factory=set)
    """Containers that this function made to hold so many things at most."""
    inside: dict[int, int] = field(default_factory=dict)
    """Lists of one element that are made here, with the slot of that element."""
    transactions: list[int] = field(default_factory=list)
    """What blocks of transactions are open with, the outermost first: rows are free again at its end."""
    steady: set[ir.Range] = field(default_factory=set)
    raising: dict[ir.Range, tuple[str, ...]] = field(default_factory=dict)
    """The calls that may raise: the errors, any of which a handler names that reckons with all of it, if known."""
    shifted: dict[ir.Place, ir.Place] = field(default_factory=dict)
    """What names of former elements of containers stood for before the region that is just looked at."""
    left: dict[int, dict[ir.Place, ir.Place]] = field(default_factory=dict)
    """What they stand for behind regions, by the labels of these."""
    asks_lock: dict[int, ir.Place] = field(default_factory=dict)
    asks_self: dict[int, tuple[ir.Place, bool]] = field(default_factory=dict)
    """The answers whether who runs is a certain one: the question, and which answer says so."""
    out: list[ir.Step] = field(default_factory=list)
    unresolved: list[tuple[str, ir.Range]] = field(default_factory=list)

    def canon(self, place: ir.Place | None) -> ir.Place | None:
        """The place by its oldest name: aliases followed, what an Option or a variant adds left out."""
        if place is None:
            return None
        place = oldest(place, self.alias)
        if isinstance(place.root, tuple) and not place.root[0].startswith("["):
            place = ir.Place(self.program.names.resolve(self.context.module, place.root), place.way)
        return plain(place)

    def name(self, dst: ir.Place, src: ir.Place | None) -> None:
        """`dst` is another name of `src` from here on; a name with two meanings has none."""
        if src is None or dst in self.torn or src.root == dst.root:
            return
        known = self.alias.get(dst)
        if known is not None and known != src:
            if self.canon(known) == self.canon(src):  # (one part of whichever variant the value is)
                return
            del self.alias[dst]
            self.torn[dst] = known
            return
        self.alias[dst] = src

    @contextmanager
    def named_so(self, given: Mapping[ir.Place, ir.Place | None]) -> Iterator[None]:
        """Places are other names of what is given meanwhile, whatever else they are before and after."""
        before = {place: self.alias.pop(place, None) for place in given}
        self.alias.update((place, known) for place, known in given.items() if known is not None)
        yield
        for place, known in before.items():
            self.alias.pop(place, None)
            if known is not None:
                self.alias[place] = known

    def lends(self, parameter: int, given: Sequence[ir.Place | None]) -> None:
        """A parameter is called, here or further on, with the values at these places."""
        known = tuple(self.canon(place) for place in given)
        before = self.lent.setdefault(parameter, known)
        if before != known:
            self.lent[parameter] = tuple(
                one if one == other else None for one, other in zip(before, known, strict=False)
            )

    def type_of(self, place: ir.Place | None) -> ir.Type | None:
        if place is None:
            return None
        place = self.typed(place)
        if isinstance(place.root, int):
            kind = self.slot_type(place.root)
        else:
            kind = self.program.static_type(self.context.module, place.root, self.effects)
        for part in place.way:
            if kind is None:
                return None
            if part == "*":
                kind = self.program.types.guarded(kind, self.effects)
            elif part != "&":
                kind, _ = self.program.types.field(kind, part, self.effects)
        return kind

    def typed(self, place: ir.Place) -> ir.Place:
        """The place by the first of its names whose type is known; variables may name each other in a ring."""
        seen: list[int] = []
        while isinstance(place.root, int) and self.slot_type(place.root) is None and place.root not in seen:
            seen.append(place.root)
            known = self.alias.get(ir.Place(place.root))
            if known is None:
                break
            place = ir.Place(known.root, known.way + place.way)
        return place

    def slot_type(self, slot: int) -> ir.Type | None:
        known = self.types.get(slot, UNKNOWN)
        if known is UNKNOWN and slot not in self.types:
            declared = self.body.slots[slot].type
            known = self.program.types.resolve(declared, self.context, self.effects) if declared is not None else None
            self.types[slot] = known
        return known

    def learn(self, slot: int, kind: ir.Type | None) -> None:
        known = self.slot_type(slot)
        if kind is not None and (known is None or known is EMPTY_OPTION):
            self.types[slot] = kind
        elif kind is not None and known is not None and UNKNOWN in known.args:
            self.types[slot] = self.program.types.filled(known, kind, self.effects)

    def is_option(self, place: ir.Place | None) -> bool:
        """Whether the value at a place may be missing, and then holds nothing; nor does an error without a guard."""
        kind, types = self.type_of(place), self.program.types
        if kind is None or kind.path[-1] != RESULT or len(kind.args) != 2:
            return kind is not None and kind.path[-1] == OPTION
        return types.guard_mode(kind.args[0], self.effects) is not None and types.is_plain(kind.args[1], self.effects)

    def is_guard(self, place: ir.Place) -> bool:
        """Whether the value at a place is a guard, so that a question about it is about what stands behind it."""
        kind = self.type_of(place)
        return kind is not None and kind.path == (GUARD,)

    def asked(self, place: ir.Place | None, depth: int = 0) -> ir.Place | None:
        """What a question about the value at a place is about: the oldest name of a value that nothing changes.

        A written value stands for itself, `NOT` at the end of the way for the opposite. None where something may change
        the value unseen.
        """
        place = bare(place) if place is not None else None
        while place is not None and place.way[-1:] and place.way[-1].removesuffix("()") in self.effects.texts:
            place = ir.Place(place.root, place.way[:-1])
        if place is None or depth > 32 or not all(p.isidentifier() or p.isdigit() for p in place.way):
            return None
        if isinstance(place.root, tuple):
            return self.written_value(place)
        if not place.way and place.root in self.written:
            return self.written[place.root]
        if not place.way and place.root in self.denied:
            return _denied(self.asked(self.denied[place.root], depth + 1))
        slot = self.body.slots[place.root]
        if place.root in self.watched or (place.root in self.anew and not place.way):
            return place if not place.way else None
        if slot.name and not slot.fixed:
            return None
        known, rest = self.alias.get(ir.Place(place.root, place.way[:1])), place.way[1:]
        if known is None or not place.way:
            known, rest = self.alias.get(ir.Place(place.root)), place.way
        if known is None:
            return place
        older = self.asked(ir.Place(known.root, known.way + rest), depth + 1)
        passing = older is not None and self.is_passing(older.root) and slot.name
        if not place.way and (passing or (older is not None and self.is_guard(older))):
            return place  # (what a guard gives is asked about, not the guard)
        return older or (None if place.way else place)

    def is_passing(self, root: int | ir.Path) -> bool:
        """Whether a value is somewhere else soon: in a variable, from where it was put together."""
        return isinstance(root, int) and (root in self.watched or not self.body.slots[root].name)

    def written_value(self, place: ir.Place) -> ir.Place | None:
        """A truth value, a missing value, or a named value of one of the tree's types."""
        if place in (ir.YES, ir.NO, ir.NONE):
            return place
        named = self.named_value(place.root) if isinstance(place.root, tuple) and not place.way else ()
        return ir.Place(named) if named else None

    def named_value(self, path: ir.Path) -> ir.Path:
        """The full name of a value as spelled, if its type says that its named values exclude each other."""
        if path[0] == "Self" and self.context.owner is not None:
            full = self.context.owner.path + path[1:]
        else:
            full = self.program.names.resolve(self.context.module, path)
        decl = self.program.names.types.get(full[:-1])
        if decl is None:
            return self.named_elsewhere(full) if not self.effects.objects else ()
        return full if full[-1] in decl.values else ()

    def named_elsewhere(self, full: ir.Path) -> ir.Path:
        """A variant of another crate's enum, as its name tells: by the last two parts, wherever it is imported from."""
        kind, name = full[-2:] if len(full) > 1 else ("", "")
        is_variant = kind[:1].isupper() and name[:1].isupper() and not name.isupper()
        said = name in self.effects.there or name in self.effects.empty
        return ("[enum]", kind, name) if is_variant and not said else ()

    def owner_of(self, place: ir.Place) -> str:
        """The type that declares the place's last named part, and that part: how instances are compared.

        What a tuple keeps belongs to the field, or the static, that keeps the tuple.
        """
        known = self.canon(place)
        if known is not None and (static := owner_of_static(known)):
            return static
        for cut in range(len(place.way) - 1, -1, -1):
            part = place.way[cut]
            if part.startswith("[") or part in ("*", "&") or part.endswith("()") or self.is_of_pair(place, cut):
                continue
            base = ir.Place(place.root, place.way[:cut])
            kind = self.type_of(base)
            _, owner = self.program.types.field(kind, part, self.effects)
            if not owner and self.is_tuple(kind):
                owner = self.owner_of(self.canon(base) or base)
            elif not owner:
                owner, part = self.program.types.in_variant(kind, part, self.effects)
            behind = BEHIND if "*" in place.way[cut + 1 :] else ""
            return f"{owner}.{part}{behind}" if owner else ""
        return ""

    def is_of_pair(self, place: ir.Place, cut: int) -> bool:
        """Whether a part of a way is the value in a pair of key and value that a map gives: the map's element."""
        way = place.way
        if way[cut] != "1" or not cut or not way[cut - 1].startswith("["):
            return False
        every = self.program.types.behind(self.type_of(ir.Place(place.root, way[: cut - 1])), self.effects)
        value = next((one.args[-1] for one in every if one.args and self.effects.shape(one) == MAP), None)
        return value is not None and not self.is_tuple(value)

    def owner_by_any_name(self, place: ir.Place) -> str:
        """The same of a value that is known by another name: `let rows = self.rows.clone()`."""
        return self.owner_of(place) or self.owner_of(self.canon(place) or place)

    def is_tuple(self, kind: ir.Type | None) -> bool:
        """Whether a type is one of tuples, or stands for one; an Option or a Result may be around it."""
        for outer in self.program.types.behind(kind, self.effects):
            if outer.path[-1] in PRESENT and outer.args:
                return self.is_tuple(outer.args[0])
            if outer.path == ("[tuple]",):
                return True
        return False

    def is_thin(self, place: ir.Place) -> bool:
        """Whether the lock is what the type of `self` wraps: it is known by the field that the type stands in."""
        way = bare(place).way
        if place.root != 0 or len(way) != 1:
            return False
        kind = self.type_of(ir.Place(place.root))
        for outer in self.program.types.behind(kind, self.effects):
            decl = self.program.names.types.get(outer.path)
            for part in decl.fields if decl is not None else ():
                if part.name == way[0] and part.type.args:
                    return part.type.args[-1].path[0] in decl.generics if decl is not None else False
        return False


def _denied(place: ir.Place | None) -> ir.Place | None:
    """What a question about the opposite of the value at a place is about."""
    if place in (ir.YES, ir.NO):
        return ir.NO if place == ir.YES else ir.YES
    if place is None or isinstance(place.root, tuple):
        return None
    return ir.Place(place.root, place.way[:-1] if place.way[-1:] == (ir.NOT,) else (*place.way, ir.NOT))


WITHIN = "[within]"
"""Begins the way by which a part of a part of what a function put together is another name of something."""


def oldest(place: ir.Place, alias: Mapping[ir.Place, ir.Place]) -> ir.Place:
    """The place with its aliases followed, those of its first part before those of the whole."""
    place = bare(place)
    for _ in range(32):
        known = alias.get(ir.Place(place.root, place.way[:1])) if place.way else None
        rest = place.way[1:]
        if known is None and rest:
            known, rest = alias.get(ir.Place(place.root, (WITHIN, *place.way[:2]))), place.way[2:]
        if known is None:
            known, rest = alias.get(ir.Place(place.root)), place.way
        if known is None:
            return place
        place = bare(ir.Place(known.root, known.way + rest))
    return place


OF_METHOD = "__self__"
"""The part of a method, kept as a value, that is the object whose method it is."""


def at_home(place: ir.Place, home: Mapping[ir.Place, ir.Place]) -> ir.Place:
    """The place by the way through the object that made the value which it is a part of, where that is known."""
    for cut in range(len(place.way), 0, -1):
        known = home.get(ir.Place(place.root, place.way[:cut]))
        if known is not None:
            return ir.Place(known.root, known.way + place.way[cut:])
    return place


BEHIND = "[_]"
"""What an owner's name ends in for a lock that stands behind the lock of the owner's field."""


def owner_of_static(place: ir.Place) -> str:
    """The full name of the static that a place (by its oldest name) is, or is within: how instances are compared."""
    if isinstance(place.root, int) or place.root[0].startswith("["):
        return ""
    inside = all(part in ("*", "&", "once") or part.startswith("[") for part in place.way)
    return "::".join(place.root) + (BEHIND if "*" in place.way else "") if inside else ""


def parts_of_owner(owner: str) -> tuple[ir.Path, str]:
    """The type that declares an owner's field (see `Places.owner_of`), and the field; a static is in no type."""
    module, separator, last = owner.rpartition("::")
    path, dot, name = last.partition(".")
    return (tuple(f"{module}{separator}{path}".split("::")), name) if dot else (("",), owner)


def is_written_key(part: str) -> bool:
    """Whether a part of a way is the element for a key that is written out (`[0]`, `["a"]`), the same for everybody."""
    key = part[1:-1]
    text = key[:1] in ("'", '"') and key[-1:] == key[:1] and key.count(key[:1]) == 2
    return part[:1] == "[" and (text or key.isdigit())


def is_settled(key: ir.Place, slots: Sequence[ir.Slot]) -> bool:
    """Whether the value at a place is the same one all the time."""
    slot = slots[key.root] if isinstance(key.root, int) and key.root < len(slots) else ir.Slot("?")
    return (slot.fixed or not slot.name) and key.way[-1:] != (ir.NOT,)


def of_caller(part: str, asked: Sequence[ir.Place | None], slots: Sequence[ir.Slot], otherwise: str) -> str:
    """The element for a callee's key as the caller knows the key, by what it gives (see `ir.Invoke.asked`)."""
    key = ir.key_of(part)
    given = asked[key.root] if key is not None and isinstance(key.root, int) and key.root < len(asked) else None
    if key is None or given is None or not is_settled(given, slots):
        return otherwise
    return ir.element_for(ir.Place(given.root, given.way + key.way))


def bare(place: ir.Place) -> ir.Place:
    """The place without the references on the way."""
    return ir.Place(place.root, tuple(p for p in place.way if p != "&")) if "&" in place.way else place


def is_inside(place: ir.Place) -> bool:
    """Whether a place is what is in a value that may be missing, by its way (`Some.0`); of an error it is not asked."""
    return place.way[-1:] != () and place.way[-1] in _INSIDE


_INSIDE = frozenset(PRESENT.values())


def slot_of(place: ir.Place | None) -> int:
    """The slot that a place is the whole value of; none below 0."""
    known = bare(place) if place is not None else None
    return known.root if known is not None and isinstance(known.root, int) and not known.way else -1


def plain(place: ir.Place) -> ir.Place:
    """The place without what an Option, a Result or a variant adds to the way."""
    for part in place.way:
        if "." in part:
            break
    else:
        return place
    kept = []
    for part in place.way:
        head, dot, rest = part.partition(".")
        if not dot or part.startswith("["):
            kept.append(part)
        elif head not in MAKERS:
            kept.append(rest)
    return ir.Place(place.root, tuple(kept))
