"""What is held at every event of a function, for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Literal

from msgspec import Struct, to_builtins

from lockcheck.report.text import Paint, safe

SCHEMA = 1


class ShownHeld(Struct, frozen=True):
    """A lock that is held: the guard's name ("" for a temporary), and where its acquisition expression begins."""

    lock: str
    guard: str
    mode: str
    certain: bool
    line: int
    column: int


class ShownMoment(Struct, frozen=True):
    """An event, where its expression begins (for a call its callee), and what is held just before it."""

    event: Literal["acquire", "release", "call", "suspend", "block"]
    name: str
    line: int
    column: int
    held: tuple[ShownHeld, ...]


class ShownCall(Struct, frozen=True):
    """A call whose callee is not known, and where the callee's name begins."""

    name: str
    line: int
    column: int


class ShownFunction(Struct, frozen=True):
    """A function, its moments in execution order, and its calls that could not be resolved, by place."""

    name: str
    path: str
    line: int
    moments: tuple[ShownMoment, ...]
    unresolved: tuple[ShownCall, ...] = ()


def document(functions: Sequence[ShownFunction], calls: bool = False) -> str:
    """One JSON document; lines and columns count from 1. `calls`: with the calls that could not be resolved."""
    found = [to_builtins(one) for one in functions]
    for one in found:
        if not calls:
            del one["unresolved"]
    return json.dumps({"schema": SCHEMA, "functions": found}, indent=2) + "\n"


def text(functions: Sequence[ShownFunction], paint: Paint, calls: bool = False) -> str:
    """A block for each function: one line for each moment, and below it what is held there.

    `calls`: at the end of each block the calls that could not be resolved.
    """
    return "\n".join(_function(one, paint, calls) for one in functions)


def _function(function: ShownFunction, paint: Paint, calls: bool) -> str:
    lines = [f"{paint(safe(function.name), 'strong')}  {safe(function.path)}:{function.line}\n"]
    for moment in function.moments:
        at = f"{moment.line}:{moment.column}"
        lines.append(f"  {paint(f'{at:>8}', 'frame')}  {moment.event:<8} {safe(moment.name)}\n")
        lines += [f"{'':12}{_held(one)}\n" for one in moment.held]
    for call in function.unresolved if calls else ():
        at = f"{call.line}:{call.column}"
        lines.append(f"  {paint(f'{at:>8}', 'frame')}  unknown  {safe(call.name)}\n")
    return "".join(lines)


def _held(held: ShownHeld) -> str:
    guard = f" as `{safe(held.guard)}`" if held.guard else ""
    sure = "holds" if held.certain else "may hold"
    return f"{sure} {safe(held.lock)} ({held.mode}){guard} since {held.line}:{held.column}"
