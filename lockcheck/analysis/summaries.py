"""What a function does to whoever calls it, and what that means for one call.

In: nothing; a callee's `Summary` and the call.  Out: the caller's names for the callee's locks, the conditions that
the call's arguments do not rule out.
Never: walks a function.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal, NamedTuple

from msgspec import Struct
from msgspec.structs import astuple, replace

from lockcheck import ir
from lockcheck.analysis import ways as at
from lockcheck.analysis.ways import (
    ELSEWHERE,
    LONGEST_WAY,
    NOWHERE,
    Fact,
    Facts,
    Hold,
    Site,
    Taken,
    Ways,
    below,
    moved_to,
)
from lockcheck.linker import OF_METHOD, Linked, at_home, oldest
from lockcheck.linker.places import is_written_key, of_caller, plain

Guards = tuple[tuple[int, Literal["thread", "task"]], ...]
"""Parameters by which guards come in, with how their locks wait."""


class Reach(NamedTuple):
    """An acquisition that a call comes to: the lock as the caller sees it, the calls on the way, the place itself.

    `beside` are the numbers of the callee's parameters whose guards are still held then. `certain`: no call on the
    way was resolved by its name alone; `spread`: so many calls mean one of several implementations. `when`: what must
    be true of the parameters (of the caller's values, at a call) for it to come to this. `freed`: locks that were given
    back by name before, although a caller's guard of theirs may still seem to be held. `heard` is the parameter whose
    value calls on the way what somebody handed to it; none below 0.
    """

    lock: ir.Lock
    mode: str
    recursive: bool
    trace: tuple[Site, ...]
    site: Site
    beside: frozenset[int]
    certain: bool
    spread: int = 0
    when: Facts = frozenset()
    freed: tuple[ir.Lock, ...] = ()
    heard: int = -1

    def through(
        self,
        step: ir.Invoke,
        here: Site,
        lock: ir.Lock,
        when: Facts,
        freed: tuple[ir.Lock, ...],
        beside: frozenset[int] = frozenset(),
        heard: int = -1,
    ) -> Reach:
        """The same as a call comes to it, which stands `here`; `lock` and what follows are as the caller sees them."""
        certain, spread = self.certain and step.certain, self.spread + (step.once or len(step.targets) > 1)
        trace = (here, *self.trace)
        return Reach(lock, self.mode, self.recursive, trace, self.site, beside, certain, spread, when, freed, heard)


class Wait(NamedTuple):
    """A place where the thread lets go or waits, logs, or calls a callable that is kept somewhere, reached by a call.

    `when`: what must be true of the parameters (of the caller's values, at a call) for it to come to this. `certain`:
    no call on the way was resolved by its name alone, or means one of several functions. `on`: the owner of the field
    that keeps the handle of the thread which is waited for. `bounded`: it gives up after a time.
    """

    why: str
    trace: tuple[Site, ...]
    site: Site
    when: Facts = frozenset()
    certain: bool = True
    on: str = ""
    bounded: bool = False


class Stall(NamedTuple):
    """A wait for ever for what somebody must give (`of`, see `ir.Wait`) by what is at the place of `on`.

    `plain`: nothing is asked on the way that decides whether it comes to the wait.
    """

    on: ir.Lock
    of: str
    name: str
    trace: tuple[Site, ...]
    site: Site
    plain: bool


class Order(NamedTuple):
    """A lock is waited for while another is held, and who calls knows the name of one of both at least.

    `held`, `wanted` and `gates` (what else is held then) are locks as the function that is told of it sees them;
    `taken` and `reach` are both as the function sees them that does it, at `site`. `trace` are the calls on the way
    there. `aside`: it happens on a thread of its own, or perhaps does.
    """

    held: ir.Lock
    wanted: ir.Lock
    gates: tuple[ir.Lock, ...]
    taken: Taken
    reach: Reach
    site: Site
    trace: tuple[Site, ...]
    aside: Literal["", "thread", "perhaps"]

    @property
    def modes(self) -> tuple[str, str]:
        """The mode held and the mode wanted."""
        return self.taken.mode, self.reach.mode


class Summary(Struct, frozen=True, array_like=True):
    """What a call of a function does, in its own parameters' terms.

    `stalls` are its waits for what others give, `joins` what threads come to that it waits for,
    `awaits` the parameters that such a thread calls.
    `callbacks`: under which guards it calls a parameter, each with what must be true of the others for it to be held.
    `handed` are those of these guards that the parameter gets for good, and as which of its own parameters.
    `keeps` are the locks that it takes by name and leaves taken, `gives` those of its caller's that it gives back;
    `raises`: an exception may come out of it; not `comes_back`: nothing else ever does. `writes` are the variables of
    modules and classes that it assigns to, and the fields of what it was given that may have some value then, `sets`
    what it has made true, wherever it comes back, of parts of what it was given. `orders`: in which it takes locks that
    it is given. `asks`: the part of its object on which alone its answer depends, with the name of the question.
    """

    reaches: tuple[Reach, ...] = ()
    suspends: tuple[Wait, ...] = ()
    blocks: tuple[Wait, ...] = ()
    calls: tuple[Wait, ...] = ()
    stalls: tuple[Stall, ...] = ()
    joins: tuple[Reach, ...] = ()
    returns: tuple[tuple[ir.Path, Taken, Facts], ...] = ()
    fates: tuple[tuple[int, ir.Place | None], ...] = ()
    callbacks: tuple[tuple[int, tuple[tuple[Taken, Facts], ...]], ...] = ()
    passed_on: frozenset[int] = frozenset()
    capped: bool = False
    known: bool = True
    keeps: tuple[Taken, ...] = ()
    gives: tuple[ir.Lock, ...] = ()
    raises: bool = True
    comes_back: bool = True
    merged: bool = False
    writes: frozenset[ir.Place] = frozenset()
    orders: tuple[Order, ...] = ()
    handed: tuple[tuple[tuple[int, Taken], int], ...] = ()
    sets: Facts = frozenset()
    asks: ir.Place | None = None
    awaits: frozenset[int] = frozenset()

    def sites(self) -> Iterator[Site]:
        """All places that it names."""
        waiting = list[object](astuple(self))
        while waiting:
            one = waiting.pop()
            if isinstance(one, Site):
                yield one
            elif isinstance(one, (tuple, frozenset)):
                waiting += one

    def renumbered(self, now: Callable[[int], int]) -> Summary:
        """The same, with the numbers that functions have now in its places."""
        return Summary(*(_renumbered(one, now) for one in astuple(self)))

    @property
    def says_nothing(self) -> bool:
        """Whether a call takes no lock, gives none back, waits for nobody and calls nothing that it is given."""
        takes = self.reaches or self.returns or self.keeps or self.gives
        waits = self.suspends or self.blocks or self.stalls or self.joins or self.awaits
        return not (takes or waits or self.calls or self.callbacks)


def _renumbered(value: Any, now: Callable[[int], int]) -> Any:
    """A part of a summary, with other numbers in its places."""
    if isinstance(value, Site):
        return Site(now(value.function), value.at)
    if isinstance(value, tuple):
        parts = [_renumbered(one, now) for one in value]
        return type(value)._make(parts) if hasattr(value, "_make") else tuple(parts)
    return frozenset(_renumbered(one, now) for one in value) if isinstance(value, frozenset) else value


EMPTY = Summary(known=False)
"""Of a function without a body, or one that is just being summarized."""


def discharged(when: Facts, step: ir.Invoke) -> Facts | None:
    """What a condition on a callee's parameters means for the caller's values; None where the call rules it out."""
    found: set[Fact] = set()
    for fact in when:
        root = fact.place.root
        if root in (ir.STATIC, ir.ONESELF):
            found.add(fact)
            continue
        if fact.place.way[:1] == (ir.GATHERED,):
            fact, given = _of_gathered(fact, step)
        else:
            given = step.asked[root] if isinstance(root, int) and root < len(step.asked) else None
        if given is None:
            continue
        if given.way[-1:] == (ir.NOT,):
            if fact.value or fact.place.way:
                continue
            fact, given = fact._replace(truth=not fact.truth), ir.Place(given.root, given.way[:-1])
        mine = fact._replace(place=ir.Place(given.root, given.way + fact.place.way))
        said = at.verdict(mine)
        if said is False:
            return None
        if said is None and (isinstance(given.root, int) or given.root == ir.STATIC):
            found.add(mine)
    return frozenset(found)


def written_by(summary: Summary, step: ir.Invoke) -> frozenset[ir.Place]:
    """What a callee assigns to, as its caller names it."""
    found = set[ir.Place]()
    for place in summary.writes:
        root = place.root
        if root == ir.STATIC:
            found.add(place)
        elif isinstance(root, int) and root < len(step.asked) and (given := step.asked[root]) is not None:
            found.add(ir.Place(given.root, given.way + place.way))
    return frozenset(found)


def _of_gathered(fact: Fact, step: ir.Invoke) -> tuple[Fact, ir.Place | None]:
    """A fact about one of the arguments that the callee gathers and passes on, and what a call gives as that one.

    Where nobody gives anything it is what the callee's callee says; None where that is not known.
    """
    root, way = fact.place.root, fact.place.way
    number, name, otherwise = way[1:4]
    told, fact = dict(step.gathered), fact._replace(place=ir.Place(root, way[4:]))
    if number in told or name in told:
        return fact, told.get(number) or told.get(name)
    if "*" in told:
        passed = told["*"]
        return fact, ir.Place(passed.root, way[:4]) if passed is not None else None
    return fact, ir.Place((otherwise,)) if step.asked and otherwise != "?" else None


def lets_in(when: Facts) -> bool:
    """Whether it only comes to this where who runs is not a certain one: so a lock lets its holder in again."""
    return any(fact.place.root == ir.ONESELF and not fact.truth for fact in when)


def met(waits: Iterable[Wait], step: ir.Invoke, ways: Ways) -> Iterator[tuple[Wait, Ways]]:
    """The waits of a callee that a call comes to, and on which ways: those that its arguments do not rule out."""
    for wait in waits:
        when = discharged(wait.when, step)
        fitting = at.agreeing(ways, when) if when is not None else NOWHERE
        if when is not None and fitting:
            yield wait._replace(when=when), fitting


def freed_for(reach: Reach, step: ir.Invoke, caller: Linked, freed: tuple[ir.Lock, ...]) -> tuple[ir.Lock, ...]:
    """The locks that are free at a callee's acquisition, as the caller sees them; `freed`: at the call already."""
    mine = (instantiate(lock, step, caller) for lock in reach.freed)
    return tuple(dict.fromkeys((*mine, *freed))) if reach.freed else freed


def heard_by(heard: int, step: ir.Invoke, caller: Linked) -> int:
    """The slot of the caller's object that calls on the way what somebody handed to it; none below 0.

    `heard` is the callee's parameter that does (see `Reach`).
    """
    known = step.paths[0] if step.paths else None
    if known is None or known.way[-1:] != (OF_METHOD,):
        known = step.paths[heard] if 0 <= heard < len(step.paths) else None
    slot = known.root if known is not None and isinstance(known.root, int) else -1
    return caller.inside.get(slot, slot)


def is_told(heard: int, step: ir.Invoke, caller: Linked) -> bool:
    """Whether the caller itself says what is called on the way: what it gives, or nothing, to an object of its own.

    `heard` is the callee's parameter that calls it (see `Reach`).
    """
    return heard_by(heard, step, caller) in caller.alone or any(n == heard >= 0 for n, _, _ in step.lambdas)


def is_parameter(taken: Taken) -> bool:
    """Whether the guard is one that was passed in."""
    return taken.lock.place.root == ("[parameter]",)


def parameter_of(taken: Taken) -> int:
    """The number of the parameter that a passed guard came in by."""
    return int(taken.lock.place.way[0])


def given_as(step: ir.Invoke, hold: Hold) -> int:
    """The number of the operand by which a guard goes into a call for good; below 0 where it stays."""
    for number, operand in enumerate(step.operands):
        if operand.moved and operand.place is not None and below(hold.holder, operand.place):
            return number
    return -1


def _known(part: str, step: ir.Invoke, caller: Linked) -> str:
    """A part of a callee's way that is an element, as its caller knows it."""
    fixed = part == ir.ALL or not part.startswith("[") or is_written_key(part)
    return part if fixed else of_caller(part, step.asked, caller.slots, "[?]")


def instantiate(lock: ir.Lock, step: ir.Invoke, caller: Linked) -> ir.Lock:
    """A callee's lock as the caller sees it, by the caller's oldest name.

    What the caller cannot see keeps its owner only.
    """
    root = lock.place.root
    if isinstance(root, tuple):
        if not (lock.place.way and any(part.startswith("[") for part in lock.place.way)):
            return lock
        return moved_to(lock, ir.Place(root, tuple(_known(part, step, caller) for part in lock.place.way)))
    base = step.paths[root] if root < len(step.paths) else None
    if base is None or len(base.way) + len(lock.place.way) > LONGEST_WAY:
        return moved_to(lock, ir.Place(ELSEWHERE))
    inner = tuple(_known(part, step, caller) if part.startswith("[") else part for part in lock.place.way)
    place = plain(oldest(ir.Place(base.root, base.way + inner), caller.alias))
    place = at_home(place, caller.home) if caller.home else place
    if lock.thin and root == 0 and base == ir.Place(0):
        return replace(lock, place=place)
    if lock.thin and root == 0 and step.owners:
        return ir.Lock(place, step.owners[0], lock.kind, lock.waits, lock.family, lock.evidence, single=lock.single)
    if lock.evidence == "named" and not lock.place.way and root < len(step.locks):
        return replace(step.locks[root] or lock, place=place)
    if not (lock.owner or lock.place.way) and root < len(step.owners):
        return replace(lock, place=place, owner=step.owners[root])
    return moved_to(lock, place)
