"""On which thread a function runs, where it can be on one only: the program's first, or one that is started once.

In: edges of the lock order.  Out: whether one thread does all of them, so that no two ever wait for each other, or
several are seen to.
Never: words for people, syntax, which edges make a cycle.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from lockcheck import ir
from lockcheck.analysis import Analysis, Moment, Site
from lockcheck.linker import Linked
from lockcheck.questions.edges import Edge
from lockcheck.questions.gates import names_spoken
from lockcheck.questions.newborn import is_made_here

_DEEPEST = 12
"""Callers of callers are asked so often."""

_MOST = 200
"""Where more functions than this may call one, they are not looked for."""


class _Thread(NamedTuple):
    """What a function starts at a place in its text, or what a program begins with."""

    function: int
    at: ir.Range


class _Call(NamedTuple):
    """Where a function is called, and what places of the caller its parameters are."""

    site: Site
    given: tuple[ir.Place | None, ...]


class _Closure(NamedTuple):
    """Where a closure's body stands; `deferred`: it is a block that is waited for."""

    at: ir.Range
    deferred: bool


_FIRST = _Thread(-1, (0, 0))
"""The thread that a program begins with: of two programs each has its own, and they share no locks."""


class _Way(NamedTuple):
    """The thread, and what an object is there that somebody on it was given on the way.

    `seen`: other programs, if there are any, may go there on other threads.
    """

    thread: _Thread
    place: ir.Place | None
    seen: bool = False


def at_once(analysis: Analysis, edges: Sequence[Edge]) -> bool | None:
    """Whether two of the edges may be so at one time: not where one thread does all, which the program begins with, or
    which what begins so starts once.

    Nor where whoever makes the object starts it, with an object that nobody else has: then each has a thread of its
    own. Hardly (None) where a method starts the thread for its object, or where only programs that are not at hand may
    do otherwise. Of tasks nothing is said: one thread runs many, in turns.
    """
    if any(edge.given or edge.within >= 0 or "task" in _waits(edge) for edge in edges):
        return True
    ways, threads = list[_Way](), set[_Thread]()
    for edge in edges:
        way = _of_edge(analysis, edge)
        if way is None or threads - {way.thread}:
            return True
        ways.append(way)
        threads.add(way.thread)
    thread = threads.pop()
    never = None if any(way.seen for way in ways) else False
    if _begins_once(analysis, thread):
        return never
    places = [way.place for way in ways if way.place is not None]
    if len(places) < len(edges) or not _is_straight(analysis, thread.function, thread.at):
        return True
    if _is_of_one(analysis, thread, places, edges):
        return never
    return None if _is_started_by_object(analysis, thread, places) else True


def are_several(analysis: Analysis, edges: Sequence[Edge]) -> bool:
    """Whether the edges are seen to be the doing of several threads or tasks; of one function's variables that is asked
    before.
    """
    ways = [_of_edge(analysis, edge) for edge in edges if edge.within < 0]
    return None not in ways and (not ways or len({way.thread for way in ways if way is not None}) > 1)


def _is_started_by_object(analysis: Analysis, thread: _Thread, places: Sequence[ir.Place]) -> bool:
    """Whether a method starts a thread for its own object, and nobody is seen to call it more than once for each."""
    if not analysis.program.functions[thread.function][1].takes_self or any(place.root != 0 for place in places):
        return False
    calls = [call for call in _calls(analysis, thread.function) if call is not None]
    return all(_is_straight(analysis, call.site.function, call.site.at) for call in calls)


def _waits(edge: Edge) -> tuple[str, str]:
    return edge.hold.taken.lock.waits, edge.reach.lock.waits


def _root(edge: Edge) -> int:
    """The parameter in which both locks are; -1 where none is."""
    held, wanted = edge.hold.taken.lock.place.root, edge.reach.lock.place.root
    return held if isinstance(held, int) and held == wanted else -1


def _at(analysis: Analysis, moment: Moment) -> ir.Range:
    return analysis.site(moment).at


def _is_of_one(analysis: Analysis, thread: _Thread, places: Sequence[ir.Place], edges: Sequence[Edge]) -> bool:
    """Whether a lock that one edge wants and the next one holds is in the object that is made where the thread is
    started: each object has one then.
    """

    def is_made(place: ir.Place, lock: ir.Lock) -> bool:
        return is_made_here(analysis, thread.function, ir.Place(place.root, place.way + lock.place.way))

    wanted = [is_made(*pair) for pair in zip(places, (edge.reach.lock for edge in edges), strict=True)]
    held = [is_made(*pair) for pair in zip(places, (edge.hold.taken.lock for edge in edges), strict=True)]
    return any(one and other for one, other in zip(wanted, held[1:] + held[:1], strict=True))


# --------------------------------------------------------------------------------------------------- who runs what


class _Known:
    """What was found out so far, by function and parameter, and which functions run at most once."""

    def __init__(self, _: Analysis) -> None:
        self.ways: dict[tuple[int, int], _Way | None] = {}
        self.once: dict[int, bool] = {}


def _of_edge(analysis: Analysis, edge: Edge) -> _Way | None:
    """On which thread an edge's function comes to its place. Who holds what he took outside of a closure runs that."""
    number, taken = edge.moment.function, edge.hold.taken.site
    since = taken.at if taken.function == number else None
    return _found(analysis, number, _at(analysis, edge.moment), _root(edge), 0, since)


def _found(
    analysis: Analysis, number: int, at: ir.Range, root: int, depth: int, since: ir.Range | None = None
) -> _Way | None:
    """On which thread a function comes to a place in its text; None where that is not known, or may be on several.

    `since`: the same one has come to that place before.
    """
    linked = analysis.linked(number)
    if linked is None:
        return None
    if any(ir.within(at, body.at) for body in linked.elsewhere) and not _is_here(linked, at):
        started = [body for body in linked.threads if ir.within(at, body)]
        thread = _Thread(number, min(started, key=lambda body: body[1] - body[0])) if started else None
        return _Way(thread, ir.Place(root) if root >= 0 else None) if thread is not None else None
    known = analysis.once(_Known).ways
    if (number, root) not in known:
        known[number, root] = None  # (who calls itself runs where the others do)
        known[number, root] = _by_callers(analysis, number, root, depth)
    way = known[number, root]
    closures = _closures_around(analysis, number, at) if way is not None else []
    if closures and not _is_here(linked, at):
        return None
    lent = (one for one in closures if not one.deferred and (since is None or ir.within(since, one.at)))
    return way if not any(lent) else None


def _is_here(linked: Linked, at: ir.Range) -> bool:
    """Whether what stands at a place runs where it is written, as far as is known."""
    return any(getattr(step, "at", None) == at for step in ir.steps_of(linked.root))


def _closures_around(analysis: Analysis, number: int, at: ir.Range) -> list[_Closure]:
    """The closures, and blocks that are waited for, in which a place stands: others may run what is in them."""
    inner = analysis.once_of(number, _inner)
    return [one for one in inner[1] if ir.within(at, one.at)] if inner is not None else []


def _inner(analysis: Analysis, number: int) -> tuple[list[ir.Range], list[_Closure]] | None:
    """The loops and the closures of a function; None where it has no body."""
    body = analysis.program.body(number)
    if body is None:
        return None
    steps = list(ir.steps_of(body.root))
    loops = [step.body.at for step in steps if isinstance(step, ir.Loop)]
    return loops, [_Closure(step.body.at, step.deferred) for step in steps if isinstance(step, ir.Lambda)]


def _by_callers(analysis: Analysis, number: int, root: int, depth: int) -> _Way | None:
    function = analysis.program.functions[number][1]
    if _is_begin(analysis, number):
        return _Way(_FIRST, None)
    if depth >= _DEEPEST or root >= len(function.params) or function.trait is not None or function.hook:
        return None
    found: set[_Way | None] = set()
    for call in _calls(analysis, number):
        if call is None or len(found) > 1:
            return None
        given = call.given[root] if 0 <= root < len(call.given) else None
        mine = given.root if given is not None and isinstance(given.root, int) else -1
        way = _found(analysis, call.site.function, call.site.at, mine, depth + 1)
        if way is not None and way.place is not None and given is not None:
            way = way._replace(place=ir.Place(way.place.root, way.place.way + given.way))
        found.add(way)
    way = found.pop() if len(found) == 1 else None
    return way._replace(seen=way.seen or _is_for_others(analysis, number)) if way is not None else None


def _is_begin(analysis: Analysis, number: int) -> bool:
    """Whether a program begins with a function, and not one that is there to show or to try the crate."""
    unit, function = analysis.program.functions[number]
    effects = analysis.effects(number)
    return (
        function.owner is None
        and function.name == effects.begins
        and effects.trials.isdisjoint(unit.path.split("/")[:-1])
    )


def _calls(analysis: Analysis, number: int) -> Iterator[_Call | None]:
    """All calls of a function, its own left out; None where some may not be seen."""
    name = analysis.program.functions[number][1].name
    for one in _speaking(analysis, number):
        linked = analysis.linked(one) if one is not None else None
        if one is None or (linked is not None and any(word == name for word, _ in linked.unresolved)):
            yield None
        elif linked is not None and one != number and not analysis.of_tests(one):
            if name in names_spoken(analysis, one):
                yield None
            steps = (step for body in (linked.root, *linked.elsewhere) for step in ir.steps_of(body))
            calls = (step for step in steps if isinstance(step, ir.Invoke) and number in step.targets)
            yield from (_Call(Site(one, step.at), step.paths) for step in calls)


def _speaking(analysis: Analysis, number: int) -> Sequence[int | None]:
    """The functions that may call one: those in whose text its name stands, or of its module where no other can."""
    function = analysis.program.functions[number][1]
    named = analysis.naming(function.name)
    if function.inner:
        inside, functions = len(function.module), enumerate(analysis.program.functions)
        near = {one.module: n for n, (_, one) in functions if one.module[:inside] == function.module}
        mine = [one for n in near.values() for one in analysis.program.siblings(n)]
        named = frozenset(mine) if named is None else named.intersection(mine)
    return sorted(named) if named is not None and len(named) <= _MOST else [None]


def _is_for_others(analysis: Analysis, number: int) -> bool:
    """Whether other programs may call a function: its crate has the file, in its folder or above, that shows it."""
    mine, function = analysis.program.functions[number]
    library = analysis.effects(number).library
    paths = (unit.path.rpartition("/") for unit in analysis.program.units if unit.crate == mine.crate)
    above = (folder + slash for folder, slash, name in paths if name.partition(".")[0] == library)
    return not function.inner and (not library or any(mine.path.startswith(folder) for folder in above))


# -------------------------------------------------------------------------------------------------------- how often


def _begins_once(analysis: Analysis, thread: _Thread) -> bool:
    return thread == _FIRST or (
        _runs_once(analysis, thread.function) and _is_straight(analysis, thread.function, thread.at)
    )


def _runs_once(analysis: Analysis, number: int) -> bool:
    """Whether a function runs at most once: the program begins with it, or such a function calls it at one place."""
    known = analysis.once(_Known).once
    if number not in known:
        known[number] = False
        known[number] = _is_begin(analysis, number) or _is_called_once(analysis, number)
    return known[number]


def _is_called_once(analysis: Analysis, number: int) -> bool:
    sites = {call.site if call is not None else None for call in _calls(analysis, number)}
    if len(sites) != 1 or (site := sites.pop()) is None:
        return False
    return _runs_once(analysis, site.function) and _is_straight(analysis, *site)


def _is_straight(analysis: Analysis, number: int, at: ir.Range) -> bool:
    """Whether a function that runs once comes to a place at most once: in no loop, and in no closure.

    A block that is waited for runs once.
    """
    inner = analysis.once_of(number, _inner)
    if inner is None or any(ir.within(at, loop) for loop in inner[0]):
        return False
    return all(one.deferred or one.at == at for one in _closures_around(analysis, number, at))
