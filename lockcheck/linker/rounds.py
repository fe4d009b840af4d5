"""What is done to every element of what is gone over.

In: the linked body of a loop, or of a closure that runs for each element.  Out: the steps that come for all of them,
and where the element is that each is about.
Never: what is held.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from lockcheck import ir


class Every(NamedTuple):
    """What is done to `one`, an element's place in a loop or a closure, is done to each that `all` stands for."""

    one: ir.Place
    all: ir.Place

    def of(self, place: ir.Place) -> ir.Place | None:
        """What stands for all of what a place is in one of; None where it is in none."""
        cut = len(self.one.way)
        if place.root != self.one.root or place.way[:cut] != self.one.way:
            return None
        return ir.Place(self.all.root, self.all.way + place.way[cut:])


def of_loop(loop: ir.Region) -> dict[ir.Range, ir.Place]:
    """The acquisitions and calls that each round of a loop comes to, with the place of the element."""
    mine = {slot for step in ir.steps_of(loop, closures=False) if isinstance(step, ir.Region) for slot in step.slots}
    for step in loop.steps:
        for arm in step.arms if isinstance(step, ir.Branch) else ():
            if arm.role == "body":
                return dict(_for_all(arm.body, {f"[each {slot}]" for slot in mine}))
    return {}


def of_closure(body: ir.Region, parameter: int) -> dict[ir.Range, ir.Place]:
    """The same for the body of a closure that is given each element as its parameter."""
    return dict(_for_all(body, {f"[each {parameter}]"}))


def _for_all(body: ir.Region, elements: set[str]) -> Iterator[tuple[ir.Range, ir.Place]]:
    steps: list[ir.Step] = []
    _straight(body, steps)
    for step in steps:
        match step:
            case ir.Acquire(lock, at=at):
                places = [lock.place]
            case ir.Invoke(at=at, paths=paths):
                places = [place for place in paths if place is not None]
            case _:
                continue
        for place in places:
            cuts = (number for number, part in enumerate(place.way) if part in elements)
            yield from ((at, ir.Place(place.root, place.way[: cut + 1])) for cut in cuts)


def _straight(region: ir.Region, found: list[ir.Step]) -> bool:
    """Collect the steps that are come to whatever is decided; whether the region is gone through to its end."""
    for step in region.steps:
        match step:
            case ir.Region():
                if not _straight(step, found):
                    return False
            case ir.Leave():
                return False
            case ir.Branch(arms):
                if any(isinstance(inner, ir.Leave) for arm in arms for inner in ir.steps_of(arm.body, closures=False)):
                    return False
            case _:
                found.append(step)
    return True
