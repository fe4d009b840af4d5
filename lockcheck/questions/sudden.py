"""What runs in the middle of anything else: finalizers where the language runs them anywhere, signal handlers.

In: an `Analysis`.  Out: `Sudden`s, each an acquisition that hangs if the thread holds the lock just then; `Wait`s, each
for a thread that may need a lock which is held just then.
Never: words for people, syntax.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from lockcheck import ir
from lockcheck.analysis import Analysis, Reach, Site, Topic, called_by
from lockcheck.analysis.summaries import Wait, lets_in


def _is_registered(event: ir.Step) -> bool:
    return isinstance(event, ir.Register)


HOOKS = Topic(lambda _, table: called_by(table.hook_calls), _is_registered)
"""What is handed over to be run at some time."""


class Sudden(NamedTuple):
    """`reach` is what comes to the lock, seen from `function`; `first` is its first step inside what runs suddenly.

    `way` are the calls after that. `registered` is where it was handed over to be run; None for a finalizer that the
    language finds by its name.
    """

    function: int
    reach: Reach
    first: Site
    way: tuple[Site, ...]
    registered: Site | None


def finalizers(analysis: Analysis) -> Iterator[Sudden]:
    """Finalizers that take a lock which is not re-entrant: by their name, and those that were registered.

    The own lock of an object that is at its end, and those of the parts that it made, nobody holds.
    """
    for number, (_, function) in enumerate(analysis.program.functions):
        if function.hook == "finalizer":
            for reach in analysis.summary(number).reaches:
                own = reach.lock.place.root == 0 and analysis.program.is_made_for(number, reach.lock.place.way)
                if not own and _waits_for_itself(reach):
                    yield _sudden(number, reach, reach.trace, None)
    yield from registered(analysis, "finalizer")


def waiting(analysis: Analysis) -> Iterator[tuple[int, Wait]]:
    """Finalizers, found by their name, that wait for what only other threads can end; the nearest of each step."""
    for number, (_, function) in enumerate(analysis.program.functions):
        if function.hook == "finalizer":
            yield from ((number, wait) for wait in _nearest(analysis, number))


def waiting_handlers(analysis: Analysis, when: str) -> Iterator[tuple[int, Wait]]:
    """The same of functions that are handed over to be run at some time, each once."""
    handed = (moment.event for moment in analysis.about(HOOKS))
    runs = (event.bodies for event in handed if isinstance(event, ir.Register) and event.when == when)
    steps = (step for bodies in runs for body in bodies for step in ir.steps_of(body))
    targets = (step.targets for step in steps if isinstance(step, ir.Invoke) and step.certain)
    for number in sorted({some[0] for some in targets if len(some) == 1}):
        yield from ((number, wait) for wait in _nearest(analysis, number))


def _nearest(analysis: Analysis, number: int) -> Iterable[Wait]:
    """The waits of a function for what only other threads can end, without a limit; of each step the nearest."""
    nearest: dict[Site, Wait] = {}
    for wait in analysis.summary(number).blocks:
        first = (*wait.trace, wait.site)[0]
        known = nearest.get(first)
        nearer = known is None or len(wait.trace) < len(known.trace)
        if nearer and not wait.bounded and wait.why in analysis.effects(number).by_threads:
            nearest[first] = wait
    return nearest.values()


def _waits_for_itself(reach: Reach) -> bool:
    """Whether a thread that has the lock stops where it wants it again; what is no task cannot wait for a task's."""
    lock = reach.lock
    return lock.family in ("mutex", "rwlock") and lock.waits == "thread" and not lets_in(reach.when)


def registered(analysis: Analysis, when: str) -> Iterator[Sudden]:
    """What is handed over to be run at some time and takes a lock which is not re-entrant.

    Of a lock without a name (of what was handed over too) nobody can say who else has it.
    """
    for moment in analysis.about(HOOKS):
        event = moment.event
        if isinstance(event, ir.Register) and event.when == when:
            here = Site(moment.function, event.at)
            for reach in analysis.reaches(moment):
                if _waits_for_itself(reach) and reach.lock.owner:
                    inside = tuple(site for site in reach.trace if site != here)
                    yield _sudden(moment.function, reach, inside, here)


def plainest(found: Iterable[Sudden]) -> Iterable[Sudden]:
    """Of the locks that one step of what runs suddenly comes to, the one with the surest and shortest way."""
    best: dict[Site, Sudden] = {}
    for one in found:
        known = best.get(one.first)
        if known is None or _doubt(one) < _doubt(known):
            best[one.first] = one
    return best.values()


def _doubt(one: Sudden) -> tuple[bool, bool, int]:
    return not one.reach.certain, one.reach.spread > 0, len(one.way)


def _sudden(number: int, reach: Reach, inside: tuple[Site, ...], registered: Site | None) -> Sudden:
    first, *way = (*inside, reach.site)
    return Sudden(number, reach, first, tuple(way), registered)
