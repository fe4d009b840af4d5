"""Loops that try for a lock until they have it: who goes round in one waits, whatever the method is called.

In: the body of a loop, linked.  Out: the same, with the attempt as an acquisition that waits.
Never: what is held.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from lockcheck import ir

_Way: TypeAlias = Literal["with", "without", "again", "else"]
"""How a way through a round goes on: with the lock or without it, in the next round, or in some way that is no spin."""


def waiting(body: ir.Region, label: int) -> ir.Region:
    """The body of a loop that nobody leaves without the lock that it tries for first, as one that waits for it.

    A round that gets nothing must do nothing that could let somebody else go on: who gives a lock back between two
    attempts does not wait under it.
    """
    first = _first(body)
    if first is None or _Spin(first, label).through(body.steps) == "else":
        return body
    return _replaced(body, first)


class _Spin(Struct, frozen=True):
    """The ways through a round, by the attempt that it begins with and the label of the loop."""

    attempt: ir.Acquire
    label: int

    def through(self, steps: Sequence[ir.Step]) -> _Way:
        """How the way goes on after steps that begin without the lock."""
        way: _Way = "without"
        for step in steps:
            if way != "without":
                break
            way = self.after(step)
        return way

    def is_of_round(self, place: ir.Place) -> bool:
        """Whether a value was made since the attempt: slots are numbered in the order in which they are written."""
        since = self.attempt.holder.root if self.attempt.holder is not None else None
        return isinstance(since, int) and isinstance(place.root, int) and place.root >= since

    def after(self, step: ir.Step) -> _Way:
        """The same after one step."""
        match step:
            case ir.Region(inner):
                return self.through(inner)
            case ir.Branch(arms):
                ways = {self.through(arm.body.steps) for arm in arms} - {"again"}
                ordered: tuple[_Way, ...] = ("else", "without", "with")
                return next((way for way in ordered if way in ways), "again")
            case ir.Refine(place, True) if place == self.attempt.holder:
                return "with"
            case ir.Leave(label) if label == self.label:
                return "again"
            case ir.Release(src) | ir.Move(_, src):
                return "without" if self.is_of_round(src) else "else"
            case ir.Refine() | ir.Assume() | ir.Block() | ir.Suspend():
                return "without"
            case _:
                return "without" if step is self.attempt else "else"


def _first(body: ir.Region) -> ir.Acquire | None:
    """The attempt that a round begins with, where it comes back at once and its guard is a value."""
    first = body.steps[0] if body.steps else None
    while isinstance(first, ir.Region):
        first = first.steps[0] if first.steps else None
    plain = isinstance(first, ir.Acquire) and first.fallible and not (first.bounded or first.by_hand)
    return first if plain and isinstance(first, ir.Acquire) else None


def _replaced(body: ir.Region, attempt: ir.Acquire) -> ir.Region:
    """The body with the attempt that it begins with as a wait."""
    first = body.steps[0]
    wait = _replaced(first, attempt) if isinstance(first, ir.Region) else replace(attempt, fallible=False)
    return replace(body, steps=(wait, *body.steps[1:]))
