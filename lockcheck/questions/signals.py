"""Who ends a wait for a message, an event or a barrier, and which locks they ask for before.

In: an `Analysis`.  Out: `Starved`: waits under a lock that everybody needs who could end them.
Never: words for people.

Whoever waits for a message under a lock waits for ever when all who could send one must take that lock first. Said
is that only where all of them are known: what signals are given by is followed from the function that makes it and
the field that keeps it, into threads and into functions of the tree; where it goes on to anywhere else, nothing is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from lockcheck import ir
from lockcheck.analysis import Analysis, Hold, Moment, Topic, called_by
from lockcheck.analysis.moments import is_question
from lockcheck.analysis.summaries import Stall, instantiate
from lockcheck.linker.places import oldest
from lockcheck.linker.sides import Handed
from lockcheck.questions.conflict import keeps_out, same_lock
from lockcheck.questions.rings import EACH, Need, Ring, rings

_DEEPEST = 4
"""So many calls are followed to who gives a signal, and so many up to who calls that."""

SIGNALS = Topic(
    lambda _, table: called_by(table.gives_others),
    lambda event: isinstance(event, ir.Signal) and bool(event.of),
    late=True,
)
"""Signals by which what others wait for is given."""


class Starved(NamedTuple):
    """At `moment` is a wait under `hold`; each of `rings` could end it, after what it `needs`.

    Nothing decides between the acquisition and the wait whether to wait.
    """

    moment: Moment
    hold: Hold
    sure: bool
    stall: Stall
    rings: tuple[tuple[Ring, Need], ...]


def starved(analysis: Analysis) -> Iterator[Starved]:
    """One for each wait under a lock whose ends all need the lock."""
    for moment in analysis:
        for stall in stalls(analysis, moment) if any(moment.ways) else ():
            found = _starved(analysis, moment, stall)
            if found is not None:
                yield found
                break


def stalls(analysis: Analysis, moment: Moment) -> Sequence[Stall]:
    """The waits for what others give that the moment's event is or comes to."""
    event, linked = moment.event, analysis.program.linked(moment.function)
    if isinstance(event, ir.Wait) and event.of and not event.bounded:
        return [Stall(event.on, event.of, event.name, (), analysis.site(moment), True)]
    if not isinstance(event, ir.Invoke) or not event.certain or len(event.targets) != 1 or linked is None:
        return []
    here, found = analysis.site(moment), analysis.summary(event.targets[0]).stalls
    return [one._replace(on=instantiate(one.on, event, linked), trace=(here, *one.trace)) for one in found]


def waits_under_lock(analysis: Analysis) -> tuple[bool, bool]:
    """Whether a function that is looked at waits, under a lock, for what others give, and, if it does, whether those
    may be anywhere in the tree: by what a field or a static keeps.
    """
    moments = (moment for moment in analysis if any(moment.ways))
    found = [(moment, stall) for moment in moments for stall in stalls(analysis, moment)]
    far = any(_may_be_given_anywhere(analysis, *one) and _held_meanwhile(analysis, *one) for one in found)
    return bool(found), far


def _may_be_given_anywhere(analysis: Analysis, moment: Moment, stall: Stall) -> bool:
    linked = analysis.program.linked(moment.function)
    return bool(stall.on.owner) or (linked is not None and stall.on.place in linked.kept.values())


def _held_meanwhile(analysis: Analysis, moment: Moment, stall: Stall) -> list[tuple[Hold, bool]]:
    """The guards that a wait is to be reported for, each with whether it is held on all ways."""
    held = [(hold, sure) for hold, sure in moment.held() if _counts(hold, stall)] if stall.plain else []
    return [(hold, sure) for hold, sure in held if not _is_decided(analysis, moment, hold)]


def _starved(analysis: Analysis, moment: Moment, stall: Stall) -> Starved | None:
    held = _held_meanwhile(analysis, moment, stall)
    rings = wakers(analysis, moment.function, stall) if held else None
    for hold, sure in held if rings else ():
        pairs = [(ring, _needed(analysis, ring, hold, stall, moment)) for ring in rings or ()]
        if all(need is not None and not _is_own(ring, moment.function) for ring, need in pairs):
            needed = {(ring.site, need.site): (ring, need) for ring, need in pairs if need is not None}
            return Starved(moment, hold, sure, stall, tuple(needed.values()))
    return None


def _is_decided(analysis: Analysis, moment: Moment, hold: Hold) -> bool:
    """Whether something is asked between the acquisition and the event, which may be whether to wait at all."""
    begins, ends = hold.taken.site.at[0], analysis.site(moment).at[0]
    steps = (step for body in analysis.bodies(moment.function) for step in ir.steps_of(body))
    arms = (step.arms for step in steps if isinstance(step, ir.Branch) and is_question(step.arms))
    return any(begins < arm.body.at[0] < ends for some in arms for arm in some)


def _counts(hold: Hold, stall: Stall) -> bool:
    """Whether the guard is one that the wait is to be reported for: a thread's lock over a task's wait is not."""
    lock = hold.taken.lock
    return lock.family != "once" and (stall.on.waits == "thread" or lock.waits == "task")


def _is_own(ring: Ring, function: int) -> bool:
    """Whether the function that waits gives the signal itself."""
    return ring.own and ring.site.function == function and ring.of != "party"


def _needed(analysis: Analysis, ring: Ring, hold: Hold, stall: Stall, moment: Moment) -> Need | None:
    """What the signal needs of what the guard keeps."""
    lock = hold.taken.lock
    if _is_one_of_many(lock):
        return None
    for need in sorted(ring.needs, key=lambda need: need.site):
        here = ring.function == moment.function and same_lock(lock, need.lock)
        beside = _is_beside(ring.on, need.lock) or _made_beside(analysis, ring, need.lock)
        owners = (need.lock.owner, _kept_as(analysis, ring, need.lock, stall.on.owner))
        by_owner = bool(lock.owner) and lock.owner in owners and beside
        if not keeps_out(hold.taken, need.mode) or not (here or (by_owner and _is_beside(stall.on, lock))):
            continue
        if not _is_one_of_many(need.lock) and not _is_over(analysis, ring, need, moment):
            return need
    return None


def _is_one_of_many(lock: ir.Lock) -> bool:
    """Whether another one may be meant the next time: an element, what a function gave."""
    return any(part.startswith("[") or part.endswith("()") for part in lock.place.way)


def _is_over(analysis: Analysis, ring: Ring, need: Need, moment: Moment) -> bool:
    """Whether a lock may have been asked for and given back before the one who waits began.

    In a thread of its own all counts, unless the waiting closure is made between; elsewhere what is still held at the
    signal does. What is worked off one by one asks for it each time.
    """
    if ring.of in EACH:
        return False
    at, function = analysis.site(moment).at, moment.function
    if need.site.function == ring.site.function == function:
        waits_in = [body.at for body in analysis.bodies(function) if ir.holds(body.at, at[0])]
        if any(need.site.at[0] < begin <= ring.site.at[0] for begin, _ in waits_in):
            return True
    return ring.own and not any(
        hold.taken.lock.place == need.lock.place or (need.lock.owner and hold.taken.lock.owner == need.lock.owner)
        for where in {ring.function, ring.site.function}
        for one in analysis.moments(where)
        if _comes_to(analysis, one, ring)
        for hold, _ in one.held()
    )


def _comes_to(analysis: Analysis, moment: Moment, ring: Ring) -> bool:
    """Whether a moment is a signal or a call that comes to it."""
    event = moment.event
    if isinstance(event, ir.Signal):
        return analysis.site(moment) == ring.site
    targets = event.targets if isinstance(event, ir.Invoke) else ()
    return any(one.site == ring.site for target in targets for one in rings(analysis, target))


def _is_beside(on: ir.Lock, lock: ir.Lock) -> bool:
    """Whether a lock belongs to the same value as what signals are given by, as far as its owner tells."""
    static = any(isinstance(one.place.root, tuple) and not one.place.root[0].startswith("[") for one in (on, lock))
    return static or not on.owner or on.place.root == lock.place.root


def _made_beside(analysis: Analysis, ring: Ring, lock: ir.Lock) -> bool:
    """Whether the function of a signal puts a lock, and what the signal is given by, into fields of one object."""
    linked = analysis.linked(ring.function)
    names = list(linked.alias.items()) if linked is not None else []
    homes = ({known.root for known, made in names if known.way and made == one.place} for one in (ring.on, lock))
    return bool(frozenset.intersection(*map(frozenset, homes)))


def _kept_as(analysis: Analysis, ring: Ring, lock: ir.Lock, owner: str) -> str:
    """The owner of the field that keeps a lock which the function of a signal made, in the object that it makes; empty
    where that is not the one whose field, with this `owner`, keeps what the signal is given by.
    """
    linked = analysis.linked(ring.function) if owner and not lock.owner else None
    names = linked.alias if linked is not None else {}
    kept = [(known, oldest(made, names)) for known, made in names.items() if len(known.way) == 1]
    whole, _, name = owner.rpartition(".")
    homes = {known.root for known, made in kept if known.way == (name,) and made.root == ring.on.place.root}
    field = next((known.way[0] for known, made in kept if known.root in homes and made == lock.place), "")
    return f"{whole}.{field}" if field else ""


# ------------------------------------------------------------------------------------------------------ who wakes


def wakers(analysis: Analysis, function: int, stall: Stall) -> Sequence[Ring] | None:
    """All signals that could end a wait in a function; None where not all are known, or it gives one itself."""
    on, root = stall.on, stall.on.place.root
    if on.owner:
        return _by_owner(analysis, on.owner, stall.of, set())
    if not isinstance(root, int) or root < analysis.program.parameters(function):
        return None
    if any(_is_own(ring, function) for ring in _given_by(analysis, function, on.place, stall.of, plain=True)):
        return None
    found = _local(analysis, function, on.place, stall.of, set())
    others = (ring for ring in found or () if not (ring.own and ring.site.function == function))
    return None if found is None else [*others]  # (at a barrier of its own the function meets others, not itself)


def _by_owner(analysis: Analysis, owner: str, of: str, seen: set[str]) -> Sequence[Ring] | None:
    """The signals that are given by what a field or a static keeps."""
    seen.add(owner)
    found: list[Ring] = []
    near = {*analysis.program.around(owner), *analysis.makers(owner)}
    for number in sorted(near | _ringing(analysis, owner, of)):
        linked = analysis.linked(number)
        if linked is None:
            continue
        if any(one.owner == owner and _escapes(analysis, one, of) for one in linked.handed):
            return None
        place = linked.kept.get(owner)
        inner = _local(analysis, number, place, of, seen) if place is not None else ()
        if inner is None:
            return None
        found += inner
        for ring in rings(analysis, number):
            if ring.of == of and ring.on.owner == owner:
                found += _by_callers(analysis, number, ring)
    started = {ring.site for ring in found if not ring.own}
    return [r for r in dict.fromkeys(found) if not (r.own and r.site in started and not _callers(analysis, r.function))]


def _ringing(analysis: Analysis, owner: str, of: str) -> set[int]:
    """The functions that may give signals by what a field or a static keeps.

    Whoever does names it, or was handed it by a function that does. So where nobody who names it comes to such a
    signal, and nobody hands it out, nobody else is looked at.
    """
    names = {one.partition("[")[0].rpartition(".")[2] for one in _both_ends(analysis, owner)}
    found = [analysis.naming(name) if name.isidentifier() else None for name in sorted(names)]
    near = {number for some in found for number in some or ()}
    alone = None not in found and all(_gives_none(analysis, number, names, owner, of) for number in sorted(near))
    return near.union(() if alone else (one.function for one in analysis.about(SIGNALS) if _gives(one, of)))


def _both_ends(analysis: Analysis, owner: str) -> set[str]:
    """The field, and the one that keeps the other end of its channel: both go by the name of one of them."""
    linked = [analysis.linked(number) for number in analysis.makers(owner)]
    pairs = (pair for one in linked if one is not None for pair in one.ends.items() if owner in pair)
    return {owner}.union(*pairs)


def _gives_none(analysis: Analysis, number: int, names: set[str], owner: str, of: str) -> bool:
    """Whether a function neither comes to a signal by what a field keeps nor hands that out by another name."""
    linked = analysis.linked(number)
    handed_out = (linked.result, *linked.parts.values()) if linked is not None else ()
    if any(place is not None and not names.isdisjoint(_parts(place)) for place in handed_out):
        return False
    return not any(ring.of == of and ring.on.owner == owner for ring in rings(analysis, number))


def _parts(place: ir.Place) -> tuple[str, ...]:
    return place.way if isinstance(place.root, int) else (*place.root, *place.way)


def _gives(moment: Moment, of: str) -> bool:
    return isinstance(moment.event, ir.Signal) and moment.event.of == of


def _local(analysis: Analysis, number: int, place: ir.Place, of: str, seen: set[str]) -> Sequence[Ring] | None:
    """The signals that are given by something that a function made itself, and by the fields that it puts it into."""
    linked, root = analysis.program.linked(number), place.root
    if linked is None or (isinstance(root, int) and root < analysis.program.parameters(number)):
        return None
    if any(one.place == place and _escapes(analysis, one, of) for one in linked.handed):
        return None
    found = _given_by(analysis, number, place, of)
    for owner in sorted(owner for owner, kept in linked.kept.items() if kept == place and owner not in seen):
        further = _by_owner(analysis, owner, of, seen)
        if further is None:
            return None
        found += further
    return found


def _given_by(analysis: Analysis, number: int, place: ir.Place, of: str, plain: bool = False) -> list[Ring]:
    """The signals that a function comes to which are given by what is at a place (`plain`: see `rings`)."""
    if not isinstance(place.root, int):
        found = rings(analysis, number, None, plain)
    elif plain or _given_by(analysis, number, place, of, plain=True):
        found = rings(analysis, number, place.root, plain)
    else:
        found = ()
    return [ring for ring in found if ring.of == of and ring.on.place == place]


def _escapes(analysis: Analysis, handed: Handed, of: str, depth: int = 0) -> bool:
    """Whether what signals are given by goes on to where nobody can follow it."""
    if of not in handed.gives:
        return False
    if not handed.targets or depth > _DEEPEST:
        return True
    for target in handed.targets:
        linked = analysis.linked(target)
        if linked is None or not analysis.gives_signals(target, handed.parameter):
            return True
        if any(place.root == handed.parameter for place in linked.kept.values()):
            return True
        further = (one for one in linked.handed if one.place.root == handed.parameter)
        if any(_escapes(analysis, one, of, depth + 1) for one in further):
            return True
    return False


def _by_callers(analysis: Analysis, number: int, ring: Ring, depth: int = 0) -> list[Ring]:
    """A signal as those come to it who call its function, where that is only called; as it is where nobody does.

    What runs when it is awaited and is called by nobody who awaits it is a task of its own.
    """
    callers = _callers(analysis, number) if ring.own and depth < _DEEPEST else []
    if not callers and analysis.program.runs_when_awaited(number):
        return [ring._replace(own=False)]
    found: list[Ring] = []
    for caller in callers:
        for one in rings(analysis, caller):
            if one.site == ring.site and one.of == ring.of:
                found += _by_callers(analysis, caller, one, depth + 1)
    return found or [ring]


def _callers(analysis: Analysis, number: int) -> list[int]:
    """The functions that call another one."""
    return sorted({moment.function for moment in analysis.calls_of(number)})
