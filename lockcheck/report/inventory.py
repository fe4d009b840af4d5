"""The locks of a tree, for people and for programs."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct, to_builtins

from lockcheck.report.text import Paint, counted, safe

SCHEMA = 1

MOST = 8
"""For people, at most so many names of one sort are printed below a lock."""


class Spot(Struct, frozen=True, order=True):
    """A place in a file; lines and columns count from 1."""

    path: str
    line: int
    column: int


class Seen(Struct, frozen=True):
    """Something that happens at `count` places, the first of which are `places`.

    `name` is a mode, another lock, or a function.
    """

    name: str
    count: int
    places: tuple[Spot, ...]


class Section(Struct, frozen=True):
    """A critical section: from the line of the acquisition to that of the last event under it."""

    lines: int
    function: str
    path: str
    line: int
    end_line: int


class LockEntry(Struct, frozen=True):
    """One lock: `name` for people, `owner` in full; `declared` is None where the tree does not declare it.

    `taken` has one entry for each mode. `acquired` are the locks that are asked for under it, through calls too,
    `awaited` the functions that let go of their thread under it, `called` what is called under it.
    """

    name: str
    owner: str
    kind: str
    declared: Spot | None
    taken: tuple[Seen, ...]
    longest: Section | None
    acquired: tuple[Seen, ...]
    awaited: tuple[Seen, ...]
    called: tuple[Seen, ...]


class Inventory(Struct, frozen=True):
    """All locks by owner, and how many acquisitions are of locks that are neither a field nor a static."""

    locks: tuple[LockEntry, ...]
    others: int = 0


def document(inventory: Inventory) -> str:
    """One JSON document; lines and columns count from 1."""
    found = {"schema": SCHEMA, "locks": [to_builtins(one) for one in inventory.locks], "others": inventory.others}
    return json.dumps(found, ensure_ascii=False, indent=2) + "\n"


def text(inventory: Inventory, paint: Paint) -> str:
    """A block for each lock, and a line that counts."""
    blocks = ["".join(f"{line}\n" for line in _lock(one, paint)) for one in inventory.locks]
    ending = f"{counted(len(inventory.locks), 'lock')}\n"
    if inventory.others:
        ending = f"{ending[:-1]}; {counted(inventory.others, 'acquisition')} of locks that are no field and no static\n"
    return "\n".join([*blocks, ending])


def _lock(lock: LockEntry, paint: Paint) -> Iterator[str]:
    place = _spot(lock.declared) if lock.declared else "not declared here"
    yield f"{paint(safe(lock.name), 'strong')}  {safe(lock.kind)}  {place}"
    if not lock.taken:
        yield "  not taken by this name"
    for one in lock.taken:
        yield f"  {one.name:<10} {one.count:>4}  {_places(one)}"
    if lock.longest is not None:
        part = lock.longest
        noun = "line" if part.lines == 1 else "lines"
        place = f"{safe(part.path)}:{part.line}-{part.end_line}"
        yield f"  {'longest':<10} {part.lines:>4}  {noun} in {safe(part.function)}: {place}"
    for head, names in (("acquires", lock.acquired), ("awaits in", lock.awaited), ("calls", lock.called)):
        yield from _names(head, names)


def _names(head: str, names: Sequence[Seen]) -> Iterator[str]:
    for one in names[:MOST]:
        yield f"  {head:<10} {one.count:>4}  {safe(one.name)}: {_places(one)}"
    if len(names) > MOST:
        yield f"  {head:<10}       and {len(names) - MOST} more"


def _places(seen: Seen) -> str:
    """The places, each path once: `src/a.rs:3, 7 and 2 more`."""
    more = f" and {seen.count - len(seen.places)} more" if seen.count > len(seen.places) else ""
    by_path = itertools.groupby(seen.places, key=lambda spot: spot.path)
    return ", ".join(f"{safe(path)}:{_lines(spots)}" for path, spots in by_path) + more


def _lines(spots: Iterable[Spot]) -> str:
    return ", ".join(dict.fromkeys(str(one.line) for one in spots))


def _spot(spot: Spot) -> str:
    return f"{safe(spot.path)}:{spot.line}"
