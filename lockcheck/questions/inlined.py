"""Where closures run that a variable keeps: the calls on the way to what happens in them.

In: a moment, a place where its function was before.  Out: `Site`s of calls.
Never: words for people.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from lockcheck import ir
from lockcheck.analysis import Analysis, Moment
from lockcheck.analysis.ways import Site
from lockcheck.questions.paths import closures_of

_Trail: TypeAlias = "tuple[_Trail, Sequence[ir.Step], int] | None"
"""The steps among which one is, and its number there; before that the same of what is around these."""


def calls_to(analysis: Analysis, moment: Moment, before: Site) -> list[Site]:
    """The calls, outermost first, by which the closures run in which an event is and the place `before` is not.

    A closure that stands in its own call (`each(|one| …)`) needs no word.
    """
    number, at = moment.function, analysis.site(moment).at
    around = [one for one in analysis.once_of(number, closures_of) if ir.within(at, one.body.at)]
    closures = {one.result for one in around if before.function != number or not ir.within(before.at, one.body.at)}
    linked, body = analysis.linked(number), analysis.program.body(number)
    if not closures or linked is None or body is None:
        return []
    trails = (_trail(one, moment.event) for one in (linked.root, *linked.elsewhere))
    slots = reversed(list(_slots(next(filter(None, trails), None), closures)))
    calls = {one.dst: one for one in ir.steps_of(body.root) if isinstance(one, ir.Call)}
    ran = (calls[slot] for slot in slots if slot in calls)
    return [Site(number, one.name_at) for one in ran if not ir.within(at, one.at)]


def _slots(trail: _Trail, closures: set[int]) -> Iterator[int]:
    """The variables that get what closures give, known by their results' slots, on a trail: innermost first."""
    while trail is not None:
        trail, steps, number = trail
        match steps[number + 1 : number + 2]:
            case [ir.Move(ir.Place(int() as slot, ()), ir.Place(int() as result, ()))] if result in closures:
                yield slot


def _trail(root: ir.Region, event: ir.Step) -> _Trail:
    """The way to a step; None where it is not in there."""
    waiting: list[tuple[ir.Step, _Trail]] = [(root, None)]
    while waiting:
        step, trail = waiting.pop()
        if step is event:
            return trail
        match step:
            case ir.Region(steps):
                waiting += ((one, (trail, steps, number)) for number, one in enumerate(steps))
            case ir.Branch(arms):
                waiting += ((arm.body, trail) for arm in arms)
            case ir.Loop(body=inner):
                waiting.append((inner, trail))
            case _:
                pass
    return None
