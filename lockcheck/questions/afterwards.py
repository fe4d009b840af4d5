"""What a function may still do with a value after one of its calls: on the ways that lead on from there.

In: a function's steps as its front end made them, a call, what is known where it is made.  Out: places that are named.
Never: what is held.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from msgspec import Struct, field

from lockcheck import ir


def named_after(body: ir.Body, call: ir.Range, tested: frozenset[ir.Place], known: Mapping[int, bool]) -> list[Named]:
    """The places that are read, assigned to or passed on after a call, up to where one of `tested` is tested again.

    `known` says of variables whether they are true at the call. A variable that is only read has no step: see
    `ir.Body.uses` for those.
    """
    walk = _After(body.result, call, tested, dict(known))
    walk.region(body.root)
    return walk.found


class Named(NamedTuple):
    """A place that is named, and where (an empty range where that is an assignment)."""

    place: ir.Place
    at: ir.Range


def tested_by(arm: ir.Arm) -> frozenset[ir.Place]:
    """The places that what decides about an arm, which stands first in it, reads or passes on."""
    found: set[ir.Place] = set()
    for step in _decides(arm):
        match step:
            case ir.Get(place=place) | ir.Refine(place):
                found.add(place)
            case ir.Call(operands=operands):
                found.update(one.place for one in operands if one.place is not None)
            case _:
                pass
    return frozenset(found)


def head_at(arm: ir.Arm) -> ir.Range | None:
    """Where what decides about an arm stands; None where that has no place of its own."""
    head = _head(arm)
    return head.at if head is not None else None


def _head(arm: ir.Arm) -> ir.Region | None:
    outer = arm.body.steps[0] if arm.role == "test" and arm.body.steps else None
    inner = outer.steps[0] if isinstance(outer, ir.Region) and outer.steps else None
    return inner if isinstance(inner, ir.Region) else None


def _decides(arm: ir.Arm) -> Iterator[ir.Step]:
    head = _head(arm)
    return ir.steps_of(head, closures=False) if head is not None else iter(())


class _After(Struct):
    """One walk; `here` says whether the way that is walked comes from the call."""

    result: int
    call: ir.Range
    tested: frozenset[ir.Place]
    known: dict[int, bool]
    here: bool = False
    left: set[int] = field(default_factory=set)
    found: list[Named] = field(default_factory=list)

    def region(self, region: ir.Region) -> None:
        for step in region.steps:
            self.step(step)
        self.here = self.here or region.label in self.left

    def step(self, step: ir.Step) -> None:
        match step:
            case ir.Region():
                self.region(step)
            case ir.Branch(arms):
                self.branch(arms)
            case ir.Loop(body, label):
                self.region(body)
                if self.here or label in self.left:
                    self.here = True
                    self.region(body)
                self.here = False
            case ir.Call(at=at, throws=throws) if at == self.call:
                self.here = True
                self.left.add(throws)
            case _ if self.here:
                self.comes_to(step)
            case _:
                pass

    def branch(self, arms: tuple[ir.Arm, ...]) -> None:
        before, after, known = self.here, False, dict(self.known)
        for arm in arms:
            self.here, self.known = before, dict(known)
            if self.here and self.looks_again(arm):
                self.here = False
            else:
                self.region(arm.body)
            after = after or self.here
        self.here = after

    def looks_again(self, arm: ir.Arm) -> bool:
        """Whether what decides about the arm looks at what was tested before."""
        return any(step.place in self.tested for step in _decides(arm) if isinstance(step, (ir.Get, ir.Refine)))

    def comes_to(self, step: ir.Step) -> None:
        match step:
            case ir.Leave(label):
                self.left.add(label)
                self.here = False
            case ir.Escape(label):
                self.left.add(label)
            case ir.Refine(place, present, value=()) if isinstance(place.root, int) and not place.way:
                self.here = self.known.get(place.root, present) == present
            case ir.Get(place=place, at=at):
                self.found.append(Named(place, at))
            case ir.Call(operands=operands, at=at, throws=throws):
                self.left.add(throws)
                self.found += (Named(one.place, at) for one in operands if one.place is not None)
            case ir.Move(dst):
                if isinstance(dst.root, int) and not dst.way:
                    self.known.pop(dst.root, None)
                elif dst.root != self.result:
                    self.found.append(Named(dst, (0, 0)))
            case ir.Lambda(body=body):
                inside = (one for one in ir.steps_of(body) if isinstance(one, ir.Get))
                self.found += (Named(one.place, one.at) for one in inside)
            case _:
                pass
