"""What is done to every element of what is gone over.

In: the linked body of a loop, or of a closure that runs for each element.  Out: the steps that come for all of them.
Never: what is held.
"""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck import ir


def of_loop(loop: ir.Region) -> dict[ir.Range, str]:
    """The acquisitions and calls that each round of a loop comes to, with the part of their way that is the element."""
    mine = {slot for step in ir.steps_of(loop, closures=False) if isinstance(step, ir.Region) for slot in step.slots}
    for step in loop.steps:
        for arm in step.arms if isinstance(step, ir.Branch) else ():
            if arm.role == "body":
                return dict(_for_all(arm.body, {f"[each {slot}]" for slot in mine}))
    return {}


def of_closure(body: ir.Region, parameter: int) -> dict[ir.Range, str]:
    """The same for the body of a closure that is given each element as its parameter."""
    return dict(_for_all(body, {f"[each {parameter}]"}))


def _for_all(body: ir.Region, elements: set[str]) -> Iterator[tuple[ir.Range, str]]:
    steps: list[ir.Step] = []
    _straight(body, steps)
    for step in steps:
        match step:
            case ir.Acquire(lock, at=at):
                ways = [lock.place.way]
            case ir.Invoke(at=at, paths=paths):
                ways = [place.way for place in paths if place is not None]
            case _:
                continue
        yield from ((at, part) for way in ways for part in way if part in elements)


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
