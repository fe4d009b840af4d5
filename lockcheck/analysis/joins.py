"""What threads come to that somebody waits for: the acquisitions of their bodies, for callers who may hold the locks.

In: a walk over a function, and the bodies that run beside.  Out: `Reach`es, under the locks of the bodies' own.
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
    from lockcheck.analysis.held import Walk

    walker = Walk(number, linked, summarize, True, Told(parameters))
    walker.region(body, START)
    return tuple(walker.told.reached())


def joined(walk: Walk, others: Iterable[ir.Region], where: ir.Range, ways: Ways) -> None:
    """A walk comes to a wait for threads: its function's callers are told what these come to."""
    told = walk.told
    for body in others:
        for reach in reached_by(walk.number, walk.linked, told.parameters, body, walk.summarize):
            trace, when = (Site(walk.number, where), *reach.trace), told.of_parameters(at.common(ways))
            told.join(
                reach._replace(trace=trace, beside=walk.beside(ways), when=when, freed=hands.freed(ways), heard=-1)
            )
