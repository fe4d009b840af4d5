"""Which lock is waited for under which: the lock-order graph and its cycles.

In: the `Edge`s of an `Analysis`.  Out: a graph of those that may hang, `Cycle`s of them.
Never: words for people, syntax.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations, product
from typing import NamedTuple

from lockcheck import ir
from lockcheck.analysis import Analysis
from lockcheck.analysis.order import components
from lockcheck.analysis.ways import Site
from lockcheck.questions import gates, threads
from lockcheck.questions.alone import Within, excluded, has_lock, may_have_lock, within
from lockcheck.questions.apart import are_apart, arguments, objects
from lockcheck.questions.conflict import kind_of
from lockcheck.questions.edges import Edge, edges_by_first_names
from lockcheck.questions.newborn import hands_itself_out, is_being_made, is_newborn, is_only_listed
from lockcheck.questions.siblings import in_own_order
from lockcheck.questions.variables import beside as beside_each_other

_ALTERNATIVES = 6
"""For a pair of locks at most so many edges of different modes and gates are kept."""


_MOST_SPREAD = 2
"""Through more calls that may each mean several functions a way is only one of many that nobody goes."""


class Cycle(NamedTuple):
    """Edges, each beginning where the one before ends; `with_writer`: needs further threads that wait to write.

    `perhaps`: nobody says for certain that what takes them runs on several threads, or that they have
    the same locks.
    """

    edges: tuple[Edge, ...]
    with_writer: bool
    perhaps: bool = False

    @property
    def steps(self) -> Iterator[tuple[Edge, Edge]]:
        """Each edge with the one that begins where it ends."""
        return zip(self.edges, self.edges[1:] + self.edges[:1], strict=True)


Graph = Mapping[str, Mapping[str, Sequence[Edge]]]


def graph(analysis: Analysis) -> Graph:
    """The edges of the tree, by the owner held and the owner wanted, in the order of the tree.

    Owners that are one lock go by the first of their names. Where it is known which owners stand on a cycle (see
    `Analysis.look_at`), the edges of others are not looked at.
    """
    return analysis.once(_graph)


def _graph(analysis: Analysis) -> Graph:
    edges: dict[str, dict[str, dict[tuple[object, ...], Edge]]] = defaultdict(lambda: defaultdict(dict))
    late: list[Edge] = []
    known = analysis.knots
    for edge in edges_by_first_names(analysis, lambda a, b: known is None or known.get(a, -1) == known.get(b)):
        if edge.held != edge.wanted and _made_here(analysis, edge):
            late.append(edge)
        elif edge.held != edge.wanted:
            _keep(analysis, edges[edge.held][edge.wanted], edge)
    pairs = {(a, b): None for a, after in edges.items() for b in after} | {(e.held, e.wanted): None for e in late}
    knots = knotted(pairs)
    for edge in late:
        counts = edge.held in knots and knots[edge.held] == knots.get(edge.wanted)
        if not (counts and _nobody_else_has(analysis, edge)):
            _keep(analysis, edges[edge.held][edge.wanted], edge)
    return {
        a: {b: tuple(kept.values()) for b, kept in after.items() if _says_something(a, b, kept.values(), knots)}
        for a, after in edges.items()
    }


def _keep(analysis: Analysis, kept: dict[tuple[object, ...], Edge], edge: Edge) -> None:
    """Of edges that are alike the plainest is kept."""
    if len(kept) >= _ALTERNATIVES and all(edge.nearness >= one.nearness for one in kept.values()):
        return
    aside = edge.within >= 0 and (edge.site, edge.aside)
    own = _calls_a_maker(analysis, edge), _was_taken_out(analysis, edge), in_own_order(analysis, edge)
    key = (
        *edge.modes,
        edge.gates,
        edge.lets,
        edge.of_tests,
        aside,
        *own,
        *objects(analysis, edge),
        *arguments(analysis, edge),
    )
    better = key not in kept or edge.nearness < kept[key].nearness
    if better and (key in kept or len(kept) < _ALTERNATIVES):
        kept[key] = edge


def _made_here(analysis: Analysis, edge: Edge) -> bool:
    """Whether a lock is in something that the function was not given, or for itself: nobody else may have it."""
    number = edge.moment.function
    given = analysis.program.parameters(number)
    locks = (edge.hold.taken.lock, edge.reach.lock) if edge.within < 0 else ()
    own = any(isinstance(lock.place.root, int) and lock.place.root >= given for lock in locks)
    return own or any(may_have_lock(analysis, number, lock) for lock in locks) or _calls_a_maker(analysis, edge)


def _calls_a_maker(analysis: Analysis, edge: Edge) -> bool:
    return any(analysis.is_maker(site.function) for site in (*edge.reach.trace[1:], edge.reach.site))


def _nobody_else_has(analysis: Analysis, edge: Edge) -> bool:
    """Whether somebody made what one of the locks is in, and has shown it to nobody yet, or has it for himself: there
    no two wait.

    It is the function of the edge, or what it calls to make an object.
    """
    number, at = edge.moment.function, analysis.site(edge.moment).at
    locks = edge.hold.taken.lock, edge.reach.lock
    if any(is_newborn(analysis, number, one.place, at) or has_lock(analysis, number, one) for one in locks):
        return True
    return _calls_a_maker(analysis, edge) and any(
        is_newborn(analysis, here.function, lock, here.at)
        or (is_being_made(analysis, here.function, lock) and not hands_itself_out(analysis, here.function))
        for here, lock in _on_the_way(analysis, edge)
    )


def _says_something(held: str, wanted: str, edges: Iterable[Edge], knots: Mapping[str, int]) -> bool:
    """Whether an edge is one of owners, or of variables that stand on some cycle: others tell nobody anything."""
    return (held in knots and wanted in knots) or any(edge.within < 0 for edge in edges)


def beside(analysis: Analysis, cycle: Cycle) -> list[list[Edge]]:
    """For each edge of a cycle the others by which it would hang as well, the nearest of each function."""
    alike = analysis.once(_of_cycles)
    return [list(_alike(analysis, cycle.edges, n, alike[_kind(edge)]).values()) for n, edge in enumerate(cycle.edges)]


def _alike(analysis: Analysis, edges: tuple[Edge, ...], number: int, others: Iterable[Edge]) -> dict[int, Edge]:
    """Those of some edges that may stand in the place of one in a cycle, by function."""
    found: dict[int, Edge] = {}
    mine = edges[number]
    for other in others:
        function = other.moment.function
        if other.within >= 0 or function == mine.moment.function or (mine.reach.certain and not other.reach.certain):
            continue
        known, instead = found.get(function), [*edges[:number], other, *edges[number + 1 :]]
        nearer = known is None or len(other.reach.trace) < len(known.reach.trace)
        nearer = nearer and not any(ask(analysis, other) and not ask(analysis, mine) for ask in _HARMLESS)
        if nearer and not _take_turns(instead) and not are_apart(analysis, instead):
            found[function] = other
    return found


def _of_cycles(analysis: Analysis) -> Mapping[tuple[object, ...], Sequence[Edge]]:
    """All edges that are like one of some cycle, in the order of the tree: gone through once for all cycles."""
    found: dict[tuple[object, ...], list[Edge]] = {_kind(e): [] for cycle in cycles(analysis) for e in cycle.edges}
    asked = {(edge.held, edge.wanted) for cycle in cycles(analysis) for edge in cycle.edges}
    for edge in edges_by_first_names(analysis, lambda held, wanted: (held, wanted) in asked):
        if _kind(edge) in found and not (_made_here(analysis, edge) and _nobody_else_has(analysis, edge)):
            found[_kind(edge)].append(edge)
    return found


def _kind(edge: Edge) -> tuple[object, ...]:
    return edge.held, edge.wanted, edge.modes


def cycles(analysis: Analysis) -> list[Cycle]:
    """The cycles that can hang: each pair taken in both orders, and one shortest cycle of each longer knot."""
    return analysis.once(_cycles)


def _cycles(analysis: Analysis) -> list[Cycle]:
    found: list[Cycle] = []
    edges = graph(analysis)
    seen: set[str] = set()
    for start in sorted(edges):
        if start in seen:
            continue
        for group in components(start, lambda n: sorted(edges.get(n, ()))):
            fresh = set(group) - seen
            seen.update(group)
            if len(group) > 1 and fresh:
                found += _of_knot(analysis, edges, sorted(group))
    return _once(found)


def _once(found: Iterable[Cycle]) -> list[Cycle]:
    """Each hang once, though several functions may give the locks to those that take them: the nearest of them."""
    best: dict[object, Cycle] = {}
    for cycle in sorted(found, key=lambda cycle: sum(len(edge.given) for edge in cycle.edges)):
        best.setdefault(frozenset((edge.hold.taken.site, edge.reach.site) for edge in cycle.edges), cycle)
    return list(best.values())


def knotted(pairs: Iterable[tuple[str, str]]) -> dict[str, int]:
    """The owners that stand on some cycle of (held, wanted), each with the number of its knot."""
    after: dict[str, dict[str, None]] = defaultdict(dict)
    for held, wanted in pairs:
        after[held][wanted] = None
    seen: set[str] = set()
    found: dict[str, int] = {}
    for start in sorted(after):
        if start in seen:
            continue
        for group in components(start, lambda n: [one for one in after.get(n, ()) if one not in seen]):
            seen.update(group)
            if len(group) > 1 or group[0] in after.get(group[0], ()):
                found.update(dict.fromkeys(group, len(found)))
    return found


def _of_knot(analysis: Analysis, edges: Graph, group: list[str]) -> list[Cycle]:
    pairs = [(a, b) for a in group for b in group if a < b and b in edges.get(a, ()) and a in edges.get(b, ())]
    found = [cycle for a, b in pairs if (cycle := _judged(analysis, [edges[a][b], edges[b][a]])) is not None]
    if pairs:
        return found
    way = _shortest(edges, group)
    cycle = _judged(analysis, [edges[a][b] for a, b in zip(way, way[1:] + way[:1], strict=True)]) if way else None
    return [cycle] if cycle is not None else []


def _shortest(edges: Graph, group: list[str]) -> list[str]:
    """The shortest way from one of the group back to it."""
    inside, best = set(group), list[str]()
    for start in group:
        before: dict[str, str] = {}
        waiting = deque([start])
        while waiting:
            node = waiting.popleft()
            for following in sorted(edges.get(node, ())):
                if following == start:
                    way = [node]
                    while way[-1] != start:
                        way.append(before[way[-1]])
                    if not best or len(way) < len(best):
                        best = way[::-1]
                    waiting.clear()
                    break
                if following in inside and following not in before:
                    before[following] = node
                    waiting.append(following)
    return best


def _judged(analysis: Analysis, choices: list[Sequence[Edge]]) -> Cycle | None:
    """The edges with which the cycle hangs, one for each step; None where a gate or mere reading makes it harmless.

    So does that one of two who are at work has the object for itself whose locks both want.

    A cycle may rest on one guess; what rests on two is none. A test's order counts against that of tests only: beside
    it nobody else is at work.
    """
    second: Cycle | None = None
    readers: Cycle | None = None
    for edges in product(*(sorted(some, key=lambda edge: edge.of_tests) for some in choices)):
        if _take_turns(edges):
            continue
        if len({(e.moment.function, e.hold.taken.site, e.given) for e in edges}) < len(edges) or _is_far_fetched(edges):
            continue
        together = _together(analysis, edges)
        if together is False:
            continue
        if len({edge.of_tests for edge in edges}) > 1:
            continue
        following = edges[1:] + edges[:1]
        excludes = [_exclude(a.reach.mode, b.hold.taken.mode) for a, b in zip(edges, following, strict=True)]
        if not any(excludes) and (readers is not None or not _is_closed_by_writers(analysis, edges)):
            continue
        if excluded(_within(analysis, edge) for edge in edges) or are_apart(analysis, edges):
            continue
        sure = bool(together) and not (_is_guarded(edges) or _seem_apart(analysis, edges))
        at_once = threads.at_once(analysis, edges) if sure else True
        if at_once is False:
            continue
        sure = sure and bool(at_once)
        if all(excludes) and sure:
            return Cycle(tuple(edges), False)
        rank = not sure, not all(excludes)
        if not any(excludes):
            readers = Cycle(tuple(edges), True, not sure)
        elif second is None or (second.perhaps, second.with_writer) > rank:
            second = Cycle(tuple(edges), not all(excludes), not sure)
    return second or readers


def _seem_apart(analysis: Analysis, edges: Sequence[Edge]) -> bool:
    """Whether two of those who are at work hardly have one object, or take turns; what costs most is asked last."""
    pairs = zip(edges, (*edges[1:], *edges[:1]), strict=True)
    return (
        any(_was_taken_out(analysis, edge) or _hardly_shared(analysis, edge) for edge in edges)
        or any(_is_new_there(analysis, *pair) for pair in pairs)
        or all(in_own_order(analysis, edge) for edge in edges)
        or gates.excluded(analysis, edges)
    )


def _is_closed_by_writers(analysis: Analysis, edges: Sequence[Edge]) -> bool:
    """Whether those who wait to write close a cycle of readers: somebody writes each lock, and goes before readers."""
    return all(
        edge.reach.lock.owner in analysis.written
        and kind_of("read", "read", edge.reach.lock, edge.reach.recursive) == "nested-read"
        for edge in edges
    )


def _is_guarded(edges: Sequence[Edge]) -> bool:
    """Whether one who waits has, besides, a lock that another one has: then these are of several objects."""
    return any(one.held in other.gates for one in edges for other in edges if one is not other)


def _take_turns(edges: Sequence[Edge]) -> bool:
    """Whether two of those who wait have one more lock, which one of them has for himself: only one of them can be."""
    return any(a.gates & (b.gates | b.lets) or b.gates & a.lets for a, b in combinations(edges, 2))


def _was_taken_out(analysis: Analysis, edge: Edge) -> bool:
    """Whether one of the locks is in an element that was taken out of its list: few others know it then."""
    locks = edge.hold.taken.lock, edge.reach.lock
    parts = [part for lock in locks for part in lock.place.way if part.startswith("[")]
    linked = analysis.program.linked(edge.moment.function) if parts else None
    return linked is not None and not linked.removed.isdisjoint(parts)


_HARMLESS = (_was_taken_out, in_own_order)
"""What one of a cycle's edges is not, none that stands beside it is said to be."""


def _hardly_shared(analysis: Analysis, edge: Edge) -> bool:
    """Whether the lock that is wanted is in an object that is just being made: hardly anybody else has that already."""
    ways = _on_the_way(analysis, edge) if _calls_a_maker(analysis, edge) else ()
    return any(is_being_made(analysis, here.function, lock) for here, lock in ways)


def _is_new_there(analysis: Analysis, edge: Edge, other: Edge) -> bool:
    """Whether an edge wants the lock of what is made under the one that is held, and only put into a list since then.

    Who holds such a lock, and does not look there himself, hardly holds this one.
    """
    number, taken, looks = edge.moment.function, edge.hold.taken, other.hold.taken.lock.place.way
    if taken.site.function != number or edge.within >= 0 or any(part.startswith("[") for part in looks):
        return False
    return is_only_listed(analysis, number, edge.reach.lock, taken.site.at, analysis.site(edge.moment).at)


def _on_the_way(analysis: Analysis, edge: Edge) -> Iterator[tuple[Site, ir.Place]]:
    """The functions that are called on the way to the lock that is wanted, each with what the lock is to it."""
    for site in (*edge.reach.trace[1:], edge.reach.site):
        moments = (one for one in analysis.moments(site.function) if getattr(one.event, "at", None) == site.at)
        reaches = (reach for moment in moments for reach in analysis.reaches(moment))
        yield from ((site, reach.lock.place) for reach in reaches if reach.site == edge.reach.site)


def _together(analysis: Analysis, edges: Sequence[Edge]) -> bool | None:
    """Whether what takes variables of one function can run at the same time; None where nobody says so for certain."""
    found: bool | None = True
    for one, other in combinations([edge for edge in edges if edge.within >= 0], 2):
        if one.within == other.within and found is not False:
            said = beside_each_other(analysis, one.within, one.site, other.site, (one.aside, other.aside))
            found = said if not said else found
    return found


def _within(analysis: Analysis, edge: Edge) -> Within | None:
    return within(analysis, edge.moment.function, edge.hold.taken.lock.place, edge.reach.lock.place)


def _is_far_fetched(edges: Sequence[Edge]) -> bool:
    """Whether the edges rest on more than one guess, or one on call after call that may mean several functions."""
    guessed = sum(not edge.reach.certain and edge.reach.lock.evidence != "named" for edge in edges)
    return guessed > 1 or any(edge.reach.spread > _MOST_SPREAD for edge in edges)


def _exclude(wanted: str, held: str) -> bool:
    """Whether a wait in one mode hangs on a guard of the other, without anybody else."""
    return not (wanted == held == "read" or {wanted, held} == {"read", "upgradable"})
