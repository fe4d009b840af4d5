"""What the last run of a project found out, file by file: enough to say the same again without reading the tree.

In: sources with their units, findings.  Out: `Index`, which is kept; what of it still holds for files that changed.
Never: opens a file, analyses anything.

A file may have changed and mean the same: comments, the order of lines between functions, a function at another place.
As long as all that was said about it stands where it stood, and it declares what it did, and the text of each function
is the same, or one that the run need not look at, as it did not before, the findings are those of the last run.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from itertools import accumulate
from typing import Any, TypeVar

import msgspec
from msgspec.structs import replace

from lockcheck import ir
from lockcheck.bystanders import Bystanders
from lockcheck.cache import Store
from lockcheck.finding import Finding, Problem, spans_of
from lockcheck.frontier import families_in
from lockcheck.source import Crate, Source, home
from lockcheck.units import declared, interface

T = TypeVar("T")

Stamp = tuple[int, ...]
"""By what a file is known to be as it was without being read (see `discover.stamp`); empty where it is not."""

DIGEST = 8
"""Bytes of the digest of a function's text."""


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """One file of a run: by what it is known, what it declared, the digests of its functions' texts, one after another.

    `families` are those of `frontier.families_in`. `speaks`: it has a word to us (`lockcheck: …`) in it. `problem` is
    why it could not be read; then all but path and stamp are empty. All places in it of which the run said something
    are in its first `said` bytes, of which `head` is a digest.
    """

    path: str
    stamp: Stamp
    content: bytes = b""
    face: bytes = b""
    bodies: bytes = b""
    families: tuple[str, ...] = ()
    speaks: bool = False
    problem: Problem | None = None
    said: int = 0
    head: bytes = b""


def digest_of(one: Entry, place: int) -> bytes:
    """The digest of the text of one of a file's functions."""
    return one.bodies[place * DIGEST : place * DIGEST + DIGEST]


def first_of_each(entries: Iterable[Entry]) -> list[int]:
    """For each file of a run the number of its first function, then the number of all functions."""
    return [0, *accumulate(len(one.bodies) // DIGEST for one in entries)]


class Index(msgspec.Struct, frozen=True, array_like=True):
    """A run: its files by path, a digest of what else it depends on, all that the rules said, what went wrong, and
    the functions that it did not look at.
    """

    around: bytes
    entries: tuple[Entry, ...]
    findings: tuple[Finding, ...]
    problems: tuple[Problem, ...]
    bystanders: Bystanders | None


def content(data: bytes) -> bytes:
    """A digest of a file's bytes."""
    return hashlib.blake2b(data, digest_size=16).digest()


def bodies(unit: ir.Unit, data: bytes) -> bytes:
    """The digests of a unit's functions' texts, `DIGEST` bytes each, in order."""
    return b"".join(_digests(unit, data))


def _digests(unit: ir.Unit, data: bytes) -> Iterator[bytes]:
    for function in unit.functions:
        yield hashlib.blake2b(data[slice(*function.at)], digest_size=DIGEST).digest()


def entry(source: Source, unit: ir.Unit, digest: bytes, before: Entry | None = None) -> Entry:
    """What is kept of a file with this digest of its bytes; that is what was kept `before` if it is as it was."""
    data = source.data
    if before is not None and before.content == digest:
        return replace(before, stamp=())
    seen = interface(unit), bodies(unit, data), families_in(data), b"lockcheck:" in data
    return Entry(source.path, (), digest, *seen)


def index(
    around: bytes,
    entries: Iterable[Entry],
    findings: Sequence[Finding],
    problems: Sequence[Problem],
    bystanders: Bystanders | None,
    sources: Mapping[str, Source],
) -> Index:
    """What is kept of a run; `sources` by path, at least those that it said something of."""
    said: dict[str, int] = {}
    for span in (span for one in findings for span in spans_of(one)):
        said[span.path] = max(said.get(span.path, 0), span.end)
    marked = (_marked(one, said.get(one.path, 0), sources) for one in entries)
    return Index(around, tuple(marked), tuple(findings), tuple(problems), bystanders)


def _marked(one: Entry, said: int, sources: Mapping[str, Source]) -> Entry:
    """What is kept of a file, in the first bytes of which something was said."""
    if not said:
        return replace(one, said=0, head=b"") if one.said else one
    return replace(one, said=said, head=content(sources[one.path].data[:said]))


def decoded(data: bytes | None, kind: type[T]) -> T | None:
    """What was kept; None where there is nothing that can be read."""
    try:
        return msgspec.msgpack.decode(data, type=kind) if data is not None else None
    except msgspec.DecodeError:
        return None


class Kept:
    """What follows from declarations, kept from one run of a project to the next."""

    def __init__(self, store: Store, *base: bytes | str) -> None:
        """`base` is all that it depends on beside the declarations."""
        self._store = store
        self._base = base

    def of(self, kind: type[T], faces: Sequence[bytes], make: Callable[[], T], holds: Callable[[T], bool]) -> T:
        """What was made of declarations with these digests, if it still `holds`, or what is made now."""
        key = self._store.key(kind.__name__, *self._base, *faces)
        known = decoded(self._store.load([key]).get(key), kind)
        if known is not None and holds(known):
            return known
        made = make()
        self._store.save({key: msgspec.msgpack.encode(made)})
        return made


class Memory:
    """What the last run of the same project found out, and this one is to leave behind."""

    def __init__(self, store: Store, asked: str, stamps: Mapping[str, Stamp]) -> None:
        """`asked` are the settings and the rules; `stamps` are by path, for every file."""
        self._store = store
        self._stamps = stamps
        self._key = store.key("project", os.getcwd(), asked, *stamps)
        self._key_of_tables = store.key("manifests", os.getcwd())
        known = store.load([self._key, self._key_of_tables])
        self._last = decoded(known.get(self._key), Index)
        self.tables = decoded(known.get(self._key_of_tables), dict[bytes, Any]) or {}
        """What texts of manifests say, by their digests (see `discover.crates`)."""
        self._tables = frozenset(self.tables)

    @property
    def settled(self) -> dict[str, Problem | None]:
        """The files that are known to be as they were, with why they cannot be read."""
        entries = self._last.entries if self._last is not None else ()
        return {one.path: one.problem for one in entries if one.stamp and one.stamp == self._stamps[one.path]}

    def renewed(self, read: Sequence[Source | Problem], around: bytes, crates: Sequence[Crate]) -> Index | None:
        """The index of the tree as it is, where all that the run said still holds; None where it may not.

        `read` are the files that are not settled, `around` a digest of what else findings depend on.
        """
        if self._last is None or self._last.around != around:
            return None
        entries = {one.path: one for one in self._last.entries}
        for one in read:
            old = entries[one.path]
            if isinstance(one, Problem):
                new = old if one == old.problem else None
            else:
                new = old if content(one.data) == old.content else self._same(old, one, crates)
            if new is None:
                return None
            entries[one.path] = new
        made = replace(self._last, entries=tuple(entries.values()))
        self.keep(made, ())
        return made

    def _same(self, old: Entry, source: Source, crates: Sequence[Crate]) -> Entry | None:
        """What is kept of a file now, if it means what it did, and all that was said about it stands where it stood."""
        if old.problem is not None or old.speaks or source.path in self._broken:
            return None
        if old.said and content(source.data[: old.said]) != old.head:
            return None
        digest, homes = content(source.data), {source.path: home(source.path, crates)}
        (unit,) = declared([source], homes, self._store, contents={source.path: digest})
        new = replace(entry(source, unit, digest), said=old.said, head=old.head)
        alike = replace(new, content=old.content, bodies=old.bodies) == replace(old, stamp=())
        return new if alike and not unit.problems and self._stand_by(old, new, unit, source.data) else None

    def _stand_by(self, old: Entry, new: Entry, unit: ir.Unit, data: bytes) -> bool:
        """Whether the last run would not look at the functions of a file that have another text now, as it did not."""
        others = [n for n in range(len(unit.functions)) if digest_of(old, n) != digest_of(new, n)]
        known = self._last.bystanders if self._last is not None and others else None
        if known is None:
            return not others
        first = self._first_of[old.path]
        return all(known.has(first + n, unit, unit.functions[n], data) for n in others)

    @cached_property
    def _broken(self) -> set[str]:
        """The files of the last run in which something went wrong."""
        return {one.path for one in self._last.problems} if self._last is not None else set()

    @cached_property
    def _first_of(self) -> dict[str, int]:
        """For each file of the last run the number of its first function."""
        entries = self._last.entries if self._last is not None else ()
        return {one.path: first for one, first in zip(entries, first_of_each(entries), strict=False)}

    def entries(self, around: bytes) -> dict[str, Entry]:
        """What was kept of files, by path, where all else that it depends on is the same."""
        last = self._last
        return {one.path: one for one in last.entries} if last is not None and last.around == around else {}

    def keep(self, index: Index, unread: Iterable[Problem]) -> None:
        """Remember the index of this run, and its tables; `unread` are the files that could not be read."""
        if self.tables.keys() != self._tables:
            with suppress(OverflowError):  # (a number may be too large to be written down)
                self._store.save({self._key_of_tables: msgspec.msgpack.encode(self.tables)})
        entries = {one.path: replace(one, stamp=self._stamps[one.path]) for one in index.entries}
        entries.update((one.path, Entry(one.path, self._stamps[one.path], problem=one)) for one in unread)
        made = replace(index, entries=tuple(entries[path] for path in sorted(entries)))
        if made != self._last:
            self._store.save({self._key: msgspec.msgpack.encode(made)})
