"""Which locks some functions come to, by which way, and which they never touch: for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator

from msgspec import Struct, to_builtins

from lockcheck.report.inventory import Spot
from lockcheck.report.text import Paint, counted, safe

SCHEMA = 1


class Step(Struct, frozen=True):
    """A function on the way, and where it is entered: its name at the beginning, a call further on."""

    function: str
    path: str
    line: int
    column: int


class ReachedLock(Struct, frozen=True):
    """A lock that is taken: `at` is where, `function` in which function, `way` from the entry to there.

    `apart`: only on another thread, in another task or later.
    """

    name: str
    owner: str
    kind: str
    mode: str
    at: Spot
    function: str
    apart: bool
    way: tuple[Step, ...]


class MissedLock(Struct, frozen=True):
    """A lock of the tree that is not reached; `at` is where it is declared, if the tree declares it."""

    name: str
    owner: str
    kind: str
    at: Spot | None


class Touched(Struct, frozen=True):
    """What the functions that a pattern names come to."""

    entries: tuple[Step, ...]
    reached: tuple[ReachedLock, ...]
    missed: tuple[MissedLock, ...]


def document(found: Touched) -> str:
    """One JSON document; lines and columns count from 1."""
    return json.dumps({"schema": SCHEMA, **to_builtins(found)}, ensure_ascii=False, indent=2) + "\n"


def text(found: Touched, paint: Paint) -> str:
    """The entries, a block for each lock that is reached, a line for each that is not."""
    return "".join(f"{line}\n" for line in _lines(found, paint))


def _lines(found: Touched, paint: Paint) -> Iterator[str]:
    for entry in found.entries:
        yield f"from {paint(safe(entry.function), 'strong')}  {_spot(entry.path, entry.line)}"
    for lock in found.reached:
        apart = "  (elsewhere: spawned, stored or later)" if lock.apart else ""
        yield f"  {paint(safe(lock.name), 'strong')}  {lock.mode}  {_spot(lock.at.path, lock.at.line)}{apart}"
        for step in lock.way:
            yield f"      {safe(step.function)}  {_spot(step.path, step.line)}"
    if found.missed:
        yield "never touched"
    for missed in found.missed:
        place = f"  {_spot(missed.at.path, missed.at.line)}" if missed.at else ""
        yield f"  {paint(safe(missed.name), 'strong')}  {safe(missed.kind)}{place}"
    yield f"{counted(len(found.reached), 'lock')} reached, {len(found.missed)} not"


def _spot(path: str, line: int) -> str:
    return f"{safe(path)}:{line}"
