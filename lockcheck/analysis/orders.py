"""Orders of locks of which only a caller knows the names: those that a function is given.

In: the moments of one function and the summaries of its callees.  Out: its `Order`s, in its own parameters' terms.
Never: which orders make a cycle, words for people.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Literal

from lockcheck import ir
from lockcheck.analysis.moments import Moment
from lockcheck.analysis.summaries import Order, Reach, Summary, discharged, freed_for, instantiate, is_parameter
from lockcheck.analysis.ways import Hold, Site, agreeing
from lockcheck.linker import Linked, Program

MOST_ORDERS = 12
"""Callers are told of at most so many pairs."""


def is_unordered(lock: ir.Lock) -> bool:
    """Whether an order says nothing of the lock: other threads have their own, or a permit besides."""
    return lock.family in ("once", "refcell") or (lock.family == "semaphore" and not lock.single)


def is_given(lock: ir.Lock, parameters: int) -> bool:
    """Whether a lock is a parameter itself, so that who calls has a name for it and the function has none."""
    place = lock.place
    return not lock.owner and isinstance(place.root, int) and place.root < parameters and not place.way


def told(
    program: Program, number: int, moments: Collection[Moment], linked: Linked, summarize: Callable[[int], Summary]
) -> tuple[Order, ...]:
    """The orders that callers must be told of: one of both locks at least is a parameter, the other one has a name."""
    parameters = program.parameters(number)
    if not parameters:
        return ()
    found: dict[tuple[object, ...], Order] = {}
    elsewhere = frozenset(body.at for body in linked.elsewhere)
    for moment in moments:
        for order in (*_own(moment, linked, parameters, summarize), *of_call(program, moment, linked, summarize)):
            if not any(is_given(lock, parameters) for lock in (order.held, order.wanted)):
                continue
            if not all(lock.owner or is_given(lock, parameters) for lock in (order.held, order.wanted)):
                continue
            if is_unordered(order.held) or is_unordered(order.wanted):
                continue
            key = (order.held.place, order.held.owner, order.wanted.place, order.wanted.owner, order.modes, order.aside)
            if key not in found and len(found) < MOST_ORDERS:
                found[key] = order._replace(aside=order.aside or _aside(moment, linked, elsewhere))
    return tuple(found.values())


def _aside(moment: Moment, linked: Linked, elsewhere: Collection[ir.Range]) -> Literal["", "thread", "perhaps"]:
    at: ir.Range = getattr(moment.event, "at", (0, 0))
    if any(ir.holds(thread, at[0]) for thread in linked.threads):
        return "thread"
    return "perhaps" if any(ir.holds(body, at[0]) for body in elsewhere) else ""


def may_tell(program: Program, number: int, moments: Iterable[Moment]) -> bool:
    """Whether a function may have orders to tell, without its summary: it takes, or hands on, locks it is given."""
    parameters = program.parameters(number)
    return bool(program.types.locks_given(number)) and any(_concerns(moment, parameters) for moment in moments)


def _concerns(moment: Moment, parameters: int) -> bool:
    event = moment.event
    if isinstance(event, ir.Acquire) and any(moment.ways):
        held = any(is_given(hold.taken.lock, parameters) for way in moment.ways for hold in way)
        return held or is_given(event.lock, parameters)
    handed = [place for place in event.paths if place is not None] if isinstance(event, ir.Invoke) else []
    return any(isinstance(place.root, int) and place.root < parameters and not place.way for place in handed)


def of_call(program: Program, moment: Moment, linked: Linked, summarize: Callable[[int], Summary]) -> Iterator[Order]:
    """The orders in which a call takes locks, as the function that makes it knows them.

    Only functions that are given locks have any: no other one's summary is asked for.
    """
    event = moment.event
    if not isinstance(event, ir.Invoke) or not event.certain:
        return
    here, knows_locks = Site(moment.function, event.at), any(event.locks)
    for target in event.targets:
        if not (knows_locks or program.types.locks_given(target)):
            continue
        for order in summarize(target).orders:
            when = discharged(order.reach.when, event)
            if when is None:
                continue
            held, wanted = (instantiate(lock, event, linked) for lock in (order.held, order.wanted))
            gates = tuple(instantiate(lock, event, linked) for lock in order.gates)
            if held.place != wanted.place:
                spread = order.reach.spread + (len(event.targets) > 1)
                reach = order.reach._replace(spread=spread, when=when)
                yield order._replace(held=held, wanted=wanted, gates=gates, reach=reach, trace=(here, *order.trace))


def _own(moment: Moment, linked: Linked, parameters: int, summarize: Callable[[int], Summary]) -> Iterator[Order]:
    """The orders that stand in the function itself."""
    if not isinstance(moment.event, (ir.Acquire, ir.Invoke)) or not any(moment.ways):
        return
    reaches = list(_reaches(moment, linked, summarize))
    held = moment.held() if reaches else []
    given = any(is_given(hold.taken.lock, parameters) for hold, _ in held)
    for reach in reaches:
        if given or is_given(reach.lock, parameters):
            yield from _pairs(moment, held, reach)


def _pairs(moment: Moment, held: Iterable[tuple[Hold, bool]], reach: Reach) -> Iterator[Order]:
    known = [hold for hold, _ in held if not is_parameter(hold.taken)]
    if any(hold.taken.lock.place == reach.lock.place for hold in known):
        return
    for hold in known:
        gates = tuple(other.taken.lock for other in known if other is not hold and other.taken.mode != "read")
        site = Site(moment.function, moment.event.at)  # type: ignore[union-attr]
        yield Order(hold.taken.lock, reach.lock, gates, hold.taken, reach, site, (), "")


def _reaches(moment: Moment, linked: Linked, summarize: Callable[[int], Summary]) -> Iterator[Reach]:
    """The acquisitions that an event is or comes to, for certain."""
    event = moment.event
    if isinstance(event, ir.Acquire) and not event.fallible:
        site, certain = Site(moment.function, event.at), event.lock.evidence != "named"
        yield Reach(event.lock, event.mode, event.recursive, (), site, frozenset(), certain)
    if isinstance(event, ir.Invoke) and event.certain:
        here = Site(moment.function, event.at)
        for target in event.targets:
            for reach in summarize(target).reaches:
                when = discharged(reach.when, event)
                if reach.certain and when is not None and agreeing(moment.ways, when):
                    lock, free = instantiate(reach.lock, event, linked), freed_for(reach, event, linked, ())
                    yield reach.through(event, here, lock, when, free)
