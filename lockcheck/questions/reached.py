"""What a call of some functions leads to: the functions, the locks, and by which way.

In: an `Analysis` and the numbers of entry points.  Out: `Ways`.
Never: words for people.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from lockcheck import ir
from lockcheck.analysis import Analysis, Site
from lockcheck.source import Span


class Way(NamedTuple):
    """How a function is reached: the call, the function that the way began with, and whether a part of the way runs
    elsewhere (on another thread, in another task, later). An entry point itself has no call.
    """

    call: Site | None
    entry: int
    apart: bool


Ways = Mapping[int, Way]


class Taking(NamedTuple):
    """Where a lock is waited for, in a function that is reached."""

    site: Site
    lock: ir.Lock
    mode: str
    apart: bool


def ways(analysis: Analysis, entries: Iterable[int]) -> Ways:
    """The functions that the entries lead to, each by a shortest way; one that runs here before one that does not.

    A call that is resolved by its name alone leads nowhere.
    """
    found: dict[int, Way] = {}
    later: deque[tuple[int, Way]] = deque()
    waiting = deque((entry, Way(None, entry, False)) for entry in entries)
    while waiting or later:
        number, way = waiting.popleft() if waiting else later.popleft()
        if number in found:
            continue
        found[number] = way
        for target, site, apart in _calls(analysis, number):
            following = Way(site, way.entry, way.apart or apart)
            (later if following.apart else waiting).append((target, following))
    return found


def _calls(analysis: Analysis, number: int) -> Iterator[tuple[int, Site, bool]]:
    linked = analysis.program.linked(number)
    if linked is None:
        return
    bodies = [(linked.root, False), *((body, True) for body in linked.elsewhere)]
    while bodies:
        body, apart = bodies.pop(0)
        for step in body.steps:
            match step:
                case ir.Region():
                    bodies.append((step, apart))
                case ir.Branch(arms):
                    bodies += ((arm.body, apart) for arm in arms)
                case ir.Loop(body=inner):
                    bodies.append((inner, apart))
                case ir.Block(others=others) | ir.Suspend(others=others):
                    bodies += ((other, apart) for other in others)
                case ir.Invoke(targets=targets, certain=certain, lambdas=lambdas, at=at):
                    yield from ((target, Site(number, at), apart) for target in targets if certain)
                    bodies += ((inner, apart) for _, inner, _ in lambdas)
                case _:
                    pass


def path(found: Ways, number: int) -> list[Site]:
    """The calls from the entry to a function that is reached, in order; none for an entry itself."""
    sites: list[Site] = []
    call = found[number].call
    while call is not None and len(sites) <= len(found):
        sites.append(call)
        call = found[call.function].call
    return sites[::-1]


def takings(analysis: Analysis, found: Ways) -> dict[str, list[Taking]]:
    """Where the functions that are reached take each lock, by owner; the nearest first."""
    taken: dict[str, list[Taking]] = defaultdict(list)
    for number, way in found.items():
        for moment in analysis.moments(number):
            event = moment.event
            if isinstance(event, ir.Acquire) and event.lock.owner:
                site = Site(number, event.at)
                taken[event.lock.owner].append(Taking(site, event.lock, event.mode, way.apart))
    return {owner: sorted(places, key=lambda one: one.apart) for owner, places in sorted(taken.items())}


def function_at(analysis: Analysis, span: Span) -> int | None:
    """The innermost function around a place; None outside of all."""
    around = [
        (end - start, number)
        for start, end, number in analysis.once(_functions).get(span.path, ())
        if start <= span.start < end
    ]
    return min(around)[1] if around else None


def _functions(analysis: Analysis) -> dict[str, list[tuple[int, int, int]]]:
    index: dict[str, list[tuple[int, int, int]]] = defaultdict(list)
    for number, (unit, function) in enumerate(analysis.program.functions):
        index[unit.path].append((*function.at, number))
    return index
