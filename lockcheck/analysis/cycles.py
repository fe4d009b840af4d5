"""Which lock is waited for under which: the lock-order graph and its cycles.

In: an `Analysis`.  Out: `Edge`s between owners of locks, `Cycle`s of them.
Never: words for people, syntax.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations, product
from typing import NamedTuple

from lockcheck import ir
from lockcheck.analysis import Analysis, Hold, Moment, Reach
from lockcheck.analysis.alone import Within, excluded, within
from lockcheck.analysis.conflict import (
    conflicts,
    excludes_others,
    is_freed,
    is_told_by_owner,
    kind_of,
    let_go,
    same_lock,
)
from lockcheck.analysis.newborn import is_newborn
from lockcheck.analysis.order import components
from lockcheck.analysis.orders import is_unordered
from lockcheck.analysis.sharing import named_once
from lockcheck.analysis.summaries import is_parameter
from lockcheck.analysis.variables import beside as beside_each_other
from lockcheck.analysis.variables import name_of
from lockcheck.analysis.ways import Site
from lockcheck.linker import Shared, parts_of_owner
from lockcheck.linker.types import UNKNOWN, mentions

_ALTERNATIVES = 6
"""For a pair of locks at most so many edges of different modes and gates are kept."""


_MOST_SPREAD = 2
"""Through more calls that may each mean several functions a way is only one of many that nobody goes."""


class Edge(NamedTuple):
    """At `moment` the lock of `reach` is waited for while `hold` is held; `gates` are other owners held then.

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


class Cycle(NamedTuple):
    """Edges, each beginning where the one before ends; `with_writer`: needs a third thread that waits to write.

    `perhaps`: nobody says for certain that what takes them runs on several threads.
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
    """All edges of the tree, by the owner held and the owner wanted, in the order of the tree.

    Owners that are one lock go by the first of their names.
    """
    return analysis.once(_graph)


def _graph(analysis: Analysis) -> Graph:
    edges: dict[str, dict[str, dict[tuple[object, ...], Edge]]] = defaultdict(lambda: defaultdict(dict))
    late: list[Edge] = []
    for edge in _edges_by_first_names(analysis):
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
    aside = edge.within >= 0 and (edge.site, edge.aside)
    key = (*edge.modes, edge.gates, edge.of_tests, aside, *_objects(analysis, edge), *_arguments(analysis, edge))
    better = key not in kept or edge.nearness < kept[key].nearness
    if better and (key in kept or len(kept) < _ALTERNATIVES):
        kept[key] = edge


def _made_here(analysis: Analysis, edge: Edge) -> bool:
    """Whether a lock is in something that the function was not given: it may have made that itself."""
    given = analysis.program.parameters(edge.moment.function)
    locks = (edge.hold.taken.lock, edge.reach.lock) if edge.within < 0 else ()
    return any(isinstance(lock.place.root, int) and lock.place.root >= given for lock in locks)


def _nobody_else_has(analysis: Analysis, edge: Edge) -> bool:
    """Whether the function made what one of the locks is in, and has shown it to nobody yet: there no two wait."""
    number, at = edge.moment.function, analysis.site(edge.moment).at
    return any(is_newborn(analysis, number, lock.place, at) for lock in (edge.hold.taken.lock, edge.reach.lock))


def _says_something(held: str, wanted: str, edges: Iterable[Edge], knots: Mapping[str, int]) -> bool:
    """Whether an edge is one of owners, or of variables that stand on some cycle: others tell nobody anything."""
    return (held in knots and wanted in knots) or any(edge.within < 0 for edge in edges)


def shared(analysis: Analysis) -> tuple[Shared, ...]:
    """Which owners of locks that are waited for, or held meanwhile, are one lock."""
    return analysis.once(_shared)


def _shared(analysis: Analysis) -> tuple[Shared, ...]:
    return analysis.shared({owner for edge in every_edge(analysis) for owner in (edge.held, edge.wanted)})


def _edges_by_first_names(analysis: Analysis) -> Iterator[Edge]:
    """All edges, with one name for owners that are one lock."""
    one = named_once(shared(analysis))
    for edge in every_edge(analysis):
        held, wanted = one.get(edge.held, edge.held), one.get(edge.wanted, edge.wanted)
        gates = frozenset(one.get(gate, gate) for gate in edge.gates)
        yield edge._replace(held=held, wanted=wanted, gates=gates) if one else edge


def every_edge(analysis: Analysis) -> Iterator[Edge]:
    """All edges at all moments, in the order of the tree: the graph keeps only some of those that are alike.

    An event that hangs on its own thread's guard leads to no second lock, unless only owners say that it does.
    """
    hanging = {
        id(conflict.moment)
        for conflict in conflicts(analysis)
        if not (conflict.by == "call" and is_told_by_owner(conflict))
    }
    for moment in analysis:
        yield from _of_call(analysis, moment)
        if not any(moment.ways) or id(moment) in hanging or isinstance(moment.event, ir.Register):
            continue  # (what is registered runs at a time of its own, under nothing that is held here)
        names = {hold: _name(analysis, moment, hold) for hold, _ in moment.held()}
        for reach in analysis.reaches(moment) if any(names.values()) else ():
            pairs = [(hold, sure, name) for hold, sure in moment.held(reach.when) if (name := names.get(hold, ""))]
            yield from _edges(analysis, moment, pairs, reach)


def _name(analysis: Analysis, moment: Moment, hold: Hold) -> str:
    return "" if is_parameter(hold.taken) else name_of(analysis, moment.function, hold.taken.lock)


def _edges(analysis: Analysis, moment: Moment, held: list[tuple[Hold, bool, str]], reach: Reach) -> Iterator[Edge]:
    wanted, asked = reach.lock, name_of(analysis, moment.function, reach.lock)
    if not asked or is_unordered(wanted) or not excludes_others(analysis, reach.site.function, wanted, False):
        return
    for hold, sure, kept in held:
        if is_freed(hold, reach) or let_go(moment, hold, reach):
            continue
        mine = hold.taken.lock
        if kept == asked or same_lock(mine, wanted) or is_unordered(mine):
            continue
        if not excludes_others(analysis, moment.function, mine, hold.taken.by_hand):
            continue
        if any(_is_had(other.taken.lock, reach) for other, _, _ in held):
            continue
        within = -1 if mine.owner and wanted.owner else moment.function
        others = [other for other in held if other[0] is not hold and other[0].taken.mode in ("exclusive", "write")]
        gates = frozenset(name for other, _, name in others if within >= 0 or other.taken.lock.owner)
        of_tests = analysis.of_tests(moment.function)
        yield Edge(kept, asked, moment, hold, sure, reach, gates, of_tests, (kept, asked), within)


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


def beside(analysis: Analysis, cycle: Cycle) -> list[list[Edge]]:
    """For each edge of a cycle the others by which it would hang as well, the nearest of each function."""
    alike = analysis.once(_of_cycles)
    return [list(_alike(analysis, cycle.edges, n, alike[_kind(edge)]).values()) for n, edge in enumerate(cycle.edges)]


def _alike(analysis: Analysis, edges: tuple[Edge, ...], number: int, others: Iterable[Edge]) -> dict[int, Edge]:
    """Those of some edges that may stand in the place of one in a cycle, by function."""
    found: dict[int, Edge] = {}
    mine, rest = edges[number], [one for n, one in enumerate(edges) if n != number]
    for other in others:
        function = other.moment.function
        if other.within >= 0 or function == mine.moment.function or (mine.reach.certain and not other.reach.certain):
            continue
        known, gates = found.get(function), other.gates.intersection(*(one.gates for one in rest))
        nearer = known is None or len(other.reach.trace) < len(known.reach.trace)
        if nearer and not gates and not _are_apart(analysis, [*edges[:number], other, *edges[number + 1 :]]):
            found[function] = other
    return found


def _of_cycles(analysis: Analysis) -> Mapping[tuple[object, ...], Sequence[Edge]]:
    """All edges that are like one of some cycle, in the order of the tree: gone through once for all cycles."""
    found: dict[tuple[object, ...], list[Edge]] = {_kind(e): [] for cycle in cycles(analysis) for e in cycle.edges}
    for edge in _edges_by_first_names(analysis):
        if _kind(edge) in found:
            found[_kind(edge)].append(edge)
    return found


def _kind(edge: Edge) -> tuple[object, ...]:
    return edge.held, edge.wanted, edge.modes


def pairs(analysis: Analysis) -> list[Edge]:
    """The first place of each function where the lock of an object is waited for while that of another is held.

    Both objects are of one type and given by the caller, whose order decides; another caller's may be the other. It is
    left alone where the function asks whether both are one, or takes them the other way round elsewhere, as what
    decides the order itself does.
    """
    return analysis.once(_pairs)


def _pairs(analysis: Analysis) -> list[Edge]:
    found: dict[int, dict[tuple[str, int, int], Edge]] = defaultdict(dict)
    for moment in analysis:
        if not any(moment.ways) or isinstance(moment.event, ir.Register) or len(_given_at(analysis, moment)) < 2:
            continue
        for reach in analysis.reaches(moment):
            for hold, sure in moment.held(reach.when):
                taken, lock = hold.taken, reach.lock
                order = _of_callers(analysis, moment, taken.lock, reach)
                if order is not None and kind_of(taken.mode, reach.mode, lock, reach.recursive) is not None:
                    edge = Edge(lock.owner, lock.owner, moment, hold, sure, reach, frozenset())
                    found[moment.function].setdefault((lock.owner, *order), edge)
    return [
        next(iter(some.values()))
        for number, some in found.items()
        if not any((owner, b, a) in some for owner, a, b in some) and not analysis.compares(number)
    ]


def _given_at(analysis: Analysis, moment: Moment) -> set[int]:
    """The parameters that what is held at a moment, and what its event is about, are in."""
    match moment.event:
        case ir.Acquire(lock):
            places = [lock.place]
        case ir.Invoke(paths=paths):
            places = [place for place in paths if place is not None]
        case _:
            return set()
    places += [hold.taken.lock.place for way in moment.ways for hold in way]
    last = analysis.program.parameters(moment.function)
    return {place.root for place in places if isinstance(place.root, int) and place.root < last}


def _of_callers(analysis: Analysis, moment: Moment, held: ir.Lock, reach: Reach) -> tuple[int, int] | None:
    """The parameters that two locks of one owner are in, by the same way, where it is known what is called."""
    wanted = reach.lock
    mine, other = held.place, wanted.place
    if not held.owner or held.owner != wanted.owner or mine.way != other.way or is_unordered(wanted):
        return None
    if reach.spread or not reach.certain:
        return None
    last = analysis.program.parameters(moment.function)
    if not isinstance(mine.root, int) or not isinstance(other.root, int) or max(mine.root, other.root) >= last:
        return None
    return (mine.root, other.root) if mine.root != other.root else None


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
    for edges in product(*(sorted(some, key=lambda edge: edge.of_tests) for some in choices)):
        if frozenset.intersection(*(edge.gates for edge in edges)):
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
        if any(excludes) and excluded(_within(analysis, edge) for edge in edges):
            continue
        if _are_apart(analysis, edges):
            continue
        if all(excludes) and together:
            return Cycle(tuple(edges), False)
        rank = not together, not all(excludes)
        if any(excludes) and (second is None or (second.perhaps, second.with_writer) > rank):
            second = Cycle(tuple(edges), not all(excludes), not together)
    return second


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


def _objects(analysis: Analysis, edge: Edge) -> tuple[ir.Path, ir.Path]:
    """The fields in which the objects stand whose locks are held and wanted, each by its full name.

    Empty where nobody knows, and where the lock is the own one of the object whose method it is.
    """
    number = edge.moment.function
    owner, function = analysis.program.types.context(number).owner, analysis.program.functions[number][1]

    def of(place: ir.Place) -> ir.Path:
        way = tuple(part for part in place.way[:-1] if part not in ("*", "&"))
        known = owner is not None and function.takes_self and place.root == 0 and all(p.isidentifier() for p in way)
        return (*owner.path, *way) if known and owner is not None and way else ()

    return of(edge.hold.taken.lock.place), of(edge.reach.lock.place)


def _are_apart(analysis: Analysis, edges: Sequence[Edge]) -> bool:
    """Whether one waits for a lock of an object, and the next holds that of another, which stands beside it.

    What stands in two fields of one object are two, and so are their locks; of a generic type those of other arguments.
    """
    objects = [_objects(analysis, edge) for edge in edges]
    pairs = ((a[1], b[0]) for a, b in zip(objects, objects[1:] + objects[:1], strict=True))
    if any(one != other and one[:-1] == other[:-1] for one, other in pairs if one and other):
        return True
    made_with = [_arguments(analysis, edge) for edge in edges]
    known = [edge.known for edge in edges]
    following = zip(made_with, made_with[1:] + made_with[:1], known, known[1:] + known[:1], strict=True)
    return any(a[1] and b[0] and a[1] != b[0] for a, b, one, other in following if one[1] == other[0])


def _arguments(analysis: Analysis, edge: Edge) -> tuple[tuple[ir.Type, ...], tuple[ir.Type, ...]]:
    """What the types of the objects were made with whose locks are held and wanted; empty where not told."""
    number = edge.moment.function
    return _made_with(analysis, number, edge.hold.taken.lock), _made_with(analysis, number, edge.reach.lock)


def _made_with(analysis: Analysis, number: int, lock: ir.Lock) -> tuple[ir.Type, ...]:
    """The arguments of the type that declares a lock's field, of an object that a parameter of a function leads to."""
    types, (path, _), root = analysis.program.types, parts_of_owner(lock.owner), lock.place.root
    decl, params = types.names.types.get(path), analysis.program.functions[number][1].params
    if decl is None or not decl.generics or not isinstance(root, int) or root >= len(params):
        return ()
    effects, context = types.effects(number), types.context(number)
    kind = types.resolve(params[root].type, context, effects)
    for part in lock.place.way[:-1]:
        kind = types.field(kind, part, effects)[0] if part not in ("*", "&") else kind
    args = next((outer.args for outer in types.behind(kind, effects) if outer.path == path), ())
    told = args and not any(mentions(one, (*context.generics, "_")) or one == UNKNOWN for one in args)
    return args if told else ()


def _is_far_fetched(edges: Sequence[Edge]) -> bool:
    """Whether the edges rest on more than one guess, or one on call after call that may mean several functions."""
    guessed = sum(not edge.reach.certain and edge.reach.lock.evidence != "named" for edge in edges)
    return guessed > 1 or any(edge.reach.spread > _MOST_SPREAD for edge in edges)


def _exclude(wanted: str, held: str) -> bool:
    """Whether a wait in one mode hangs on a guard of the other, without anybody else."""
    return not (wanted == held == "read" or {wanted, held} == {"read", "upgradable"})
