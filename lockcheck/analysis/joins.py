"""What threads come to that somebody waits for: the acquisitions of their bodies, for callers who may hold the locks.

In: a walk over a function, and the bodies that run beside.  Out: `Reach`es, under the locks of the bodies' own, and
which of the function's parameters the bodies call.
Never: what is held where they are waited for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from lockcheck import ir
from lockcheck.analysis import hands
from lockcheck.analysis import ways as at
from lockcheck.analysis.summaries import Reach, Summary
from lockcheck.analysis.told import Told
from lockcheck.analysis.ways import START, Site, Ways

if TYPE_CHECKING:
    from lockcheck.analysis.held import Walk
    from lockcheck.linker import Linked


def reached_by(
    number: int, linked: Linked, parameters: int, body: ir.Region, summarize: Callable[[int], Summary]
) -> tuple[Reach, ...]:
    """The acquisitions that another thread's body comes to."""
    return tuple(_told_by(number, linked, parameters, body, summarize).reached())


def _told_by(
    number: int, linked: Linked, parameters: int, body: ir.Region, summarize: Callable[[int], Summary]
) -> Told:
    """What a walk over another thread's body finds."""
    from lockcheck.analysis.held import Walk

    walker = Walk(number, linked, summarize, True, Told(parameters))
    walker.region(body, START)
    return walker.told


def joined(walk: Walk, others: Iterable[ir.Region], where: ir.Range, ways: Ways) -> None:
    """A walk comes to a wait for threads: its function's callers are told what these come to."""
    told = walk.told
    for body in others:
        theirs = _told_by(walk.number, walk.linked, told.parameters, body, walk.summarize)
        told.awaits.update(slot for slot in theirs.callbacks if slot >= 0)
        told.awaits |= theirs.awaits
        for reach in theirs.reached():
            trace, when = (Site(walk.number, where), *reach.trace), told.of_parameters(at.common(ways))
            told.join(
                reach._replace(trace=trace, beside=walk.beside(ways), when=when, freed=hands.freed(ways), heard=-1)
            )


def given_on(walk: Walk, step: ir.Invoke, summary: Summary, ways: Ways) -> None:
    """A callee waits for a thread that calls what the callee was given: so does who calls it."""
    for number in sorted(summary.awaits):
        place = step.paths[number] if number < len(step.paths) else None
        if place is not None and not place.way and isinstance(place.root, int) and place.root < walk.told.parameters:
            walk.told.awaits.add(place.root)
    joined(walk, (body for _, body in awaited(step, summary)), step.at, ways)


def awaited(step: ir.Invoke, summary: Summary) -> list[tuple[int, ir.Region]]:
    """What a call gives to a callee that has it run by a thread and waits for that: the parameters and the bodies."""
    return [(number, body) for number, body, _ in step.lambdas if number in summary.awaits]
