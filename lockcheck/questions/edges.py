"""Where a lock is waited for while another is held: the edges of the lock-order graph, wherever they come from.

In: an `Analysis`.  Out: `Edge`s between owners of locks, at moments.
Never: words for people, syntax, which edges make a cycle.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from lockcheck import ir
from lockcheck.analysis import Analysis, Hold, Moment, Reach
from lockcheck.analysis.hands import is_mark
from lockcheck.analysis.orders import is_unordered
from lockcheck.analysis.summaries import is_parameter
from lockcheck.analysis.ways import Site
from lockcheck.linker import Shared
from lockcheck.questions.conflict import (
    ALONE,
    conflicts,
    excludes_others,
    is_after_panic,
    is_freed,
    is_told_by_owner,
    let_go,
    same_lock,
)
from lockcheck.questions.sharing import named_once
from lockcheck.questions.variables import name_of

Counts = Callable[[str, str], bool]
"""Whether anybody asks for the edges of an owner held and one wanted."""


class Edge(NamedTuple):
    """At `moment` the lock of `reach` is waited for while `hold` is held; `gates` are other owners held then, `lets`
    those that others may hold too, for reading.

    `of_tests`: a test does it. `known` are the names of both as the functions know them that take them. Where one is a
    variable, `within` is the function whose variable it is, and `given` are its calls on the way to the moment, which
    `aside` says of (see `Order`).
    """

    held: str
    wanted: str
    moment: Moment
    hold: Hold
    sure: bool
    reach: Reach
    gates: frozenset[str]
    of_tests: bool = False
    known: tuple[str, str] = ("", "")
    within: int = -1
    given: tuple[Site, ...] = ()
    aside: str = ""
    lets: frozenset[str] = frozenset()

    @property
    def site(self) -> Site:
        """Where the function does it whose variable the lock is: what it calls, or the moment itself."""
        return self.given[0] if self.given else Site(self.moment.function, getattr(self.moment.event, "at", (0, 0)))

    @property
    def modes(self) -> tuple[str, str]:
        """The mode held and the mode wanted."""
        return self.hold.taken.mode, self.reach.mode

    @property
    def nearness(self) -> tuple[int, bool]:
        """Smaller is the plainer place of two: fewer calls on the way, a guard that is held on all ways."""
        return len(self.reach.trace), not self.sure

    @property
    def goes_down(self) -> bool:
        """Whether the lock that is wanted is one of many in what the held one guards, as a tree's children are."""
        held, wanted = self.hold.taken.lock.place, self.reach.lock.place
        below = wanted.way[len(held.way) :] if held == ir.Place(wanted.root, wanted.way[: len(held.way)]) else ()
        return any(part.startswith("[") for part in below)


def shared(analysis: Analysis) -> tuple[Shared, ...]:
    """Which owners of locks that are waited for, or held meanwhile, are one lock."""
    return analysis.once(_shared)


def _shared(analysis: Analysis) -> tuple[Shared, ...]:
    return analysis.shared(lambda: {owner for pair in orders(analysis) for owner in pair})


def orders(analysis: Analysis) -> set[tuple[str, str]]:
    """Which owners are waited for while which are held, in pairs of the held and the wanted."""
    found = set[tuple[str, str]]()
    for edge in every_edge(analysis, lambda held, wanted: (held, wanted) not in found):
        found.add((edge.held, edge.wanted))
    return found


def edges_by_first_names(analysis: Analysis, counts: Counts) -> Iterator[Edge]:
    """The edges that count, with one name for owners that are one lock: by these names they count."""
    one = named_once(shared(analysis))
    for edge in every_edge(analysis, lambda held, wanted: counts(one.get(held, held), one.get(wanted, wanted))):
        if one.keys().isdisjoint((edge.held, edge.wanted, *edge.gates, *edge.lets)):
            yield edge
        else:
            held, wanted = one.get(edge.held, edge.held), one.get(edge.wanted, edge.wanted)
            gates, lets = (frozenset(one.get(gate, gate) for gate in gates) for gates in (edge.gates, edge.lets))
            yield edge._replace(held=held, wanted=wanted, gates=gates, lets=lets)


def every_edge(analysis: Analysis, counts: Counts = lambda *_: True) -> Iterator[Edge]:
    """All edges between owners that count, at all moments, in the order of the tree: the graph keeps only some of those
    that are alike.

    An event that hangs on its own thread's guard leads to no second lock, unless only owners say that it does.
    """
    hanging = {
        id(conflict.moment)
        for conflict in conflicts(analysis)
        if not (conflict.by == "call" and is_told_by_owner(conflict))
    }
    for moment in analysis:
        yield from (edge for edge in _of_call(analysis, moment) if counts(edge.held, edge.wanted))
        if not any(moment.ways) or id(moment) in hanging or isinstance(moment.event, ir.Register):
            continue  # (what is registered runs at a time of its own, under nothing that is held here)
        names = {hold: _name(analysis, moment, hold) for way in moment.ways for hold in way if not is_mark(hold)}
        for reach, held in moment.met(analysis.reaches(moment)) if any(names.values()) else ():
            pairs = [(hold, sure, name) for hold, sure in held if (name := names[hold])]
            yield from _edges(analysis, moment, pairs, reach, counts)


def _name(analysis: Analysis, moment: Moment, hold: Hold) -> str:
    return "" if is_parameter(hold.taken) else name_of(analysis, moment.function, hold.taken.lock)


def _edges(
    analysis: Analysis, moment: Moment, held: list[tuple[Hold, bool, str]], reach: Reach, counts: Counts
) -> Iterator[Edge]:
    wanted, asked = reach.lock, name_of(analysis, moment.function, reach.lock)
    if not asked or not any(kept != asked and counts(kept, asked) for _, _, kept in held):
        return
    if is_unordered(wanted) or any(_is_had(hold.taken.lock, reach) for hold, _, _ in held):
        return
    if not excludes_others(analysis, reach.site.function, wanted, False):
        return
    for hold, sure, kept in held:
        mine = hold.taken.lock
        if kept == asked or not counts(kept, asked) or is_unordered(mine):
            continue
        if is_freed(hold, reach) or let_go(moment, hold, reach):
            continue
        if not excludes_others(analysis, moment.function, mine, hold.taken.by_hand):
            continue
        within = -1 if mine.owner and wanted.owner else moment.function
        others = [other for other in held if other[0] is not hold and (within >= 0 or other[0].taken.lock.owner)]
        gates = frozenset(name for other, _, name in others if other.taken.mode in ALONE)
        lets = frozenset(name for other, sure, name in others if other.taken.mode not in ALONE and sure)
        of_tests = analysis.of_tests(moment.function)
        held_on = sure and not is_after_panic(moment, hold)
        yield Edge(kept, asked, moment, hold, held_on, reach, gates, of_tests, (kept, asked), within, lets=lets)


def _of_call(analysis: Analysis, moment: Moment) -> Iterator[Edge]:
    """The edges that a call makes by the locks that it gives: they stand where the callee waits."""
    number = moment.function
    for order in analysis.orders(moment):
        held, wanted = (name_of(analysis, number, lock) for lock in (order.held, order.wanted))
        there = (m for m in analysis.moments(order.site.function) if getattr(m.event, "at", None) == order.site.at)
        found = ((m, *pair) for m in there for pair in m.held() if pair[0].taken == order.taken)
        known = next(found, None)
        if not held or not wanted or held == wanted or known is None:
            continue
        inner, hold, sure = known
        gates = frozenset(name for lock in order.gates if (name := name_of(analysis, number, lock)))
        within = -1 if order.held.owner and order.wanted.owner else number
        of_tests = analysis.of_tests(number) or analysis.of_tests(order.site.function)
        names = held, wanted
        yield Edge(
            held, wanted, inner, hold, sure, order.reach, gates, of_tests, names, within, order.trace, order.aside
        )


def _is_had(lock: ir.Lock, reach: Reach) -> bool:
    """Whether a lock that is held is the one that is wanted; of a guess it is where they are of one owner."""
    return same_lock(lock, reach.lock) or (not reach.certain and lock.owner == reach.lock.owner)
