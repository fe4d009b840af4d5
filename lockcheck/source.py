"""Text and positions: what every room above speaks of, and no language.

In: bytes of a file.  Out: `Source` (the text with its line table) and `Span` (where something is).
Never: opens a file, knows a syntax.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable
from functools import cached_property

from msgspec import Struct


class Span(Struct, frozen=True, order=True):
    """A half-open range of bytes, `start` to `end` (0-based), in the file named `path`."""

    path: str
    start: int
    end: int


class Position(Struct, frozen=True, order=True):
    """A place as people count: line and column from 1, the column in characters."""

    line: int
    column: int


class Source(Struct, frozen=True, dict=True):
    """One file: its path relative to the current folder (with `/`) and its bytes, which are valid UTF-8.

    `recoded`: these are not the bytes of the file, which has another encoding, or other line ends.
    """

    path: str
    data: bytes
    recoded: bool = False

    @cached_property
    def _starts(self) -> list[int]:
        """Byte offset at which each line begins."""
        starts = [0]
        at = self.data.find(b"\n")
        while at >= 0:
            starts.append(at + 1)
            at = self.data.find(b"\n", at + 1)
        return starts

    def position(self, offset: int) -> Position:
        """Line and column of a byte offset; an offset past the end means the end."""
        row = bisect.bisect_right(self._starts, offset) - 1
        begin = self._starts[row]
        column = len(self.data[begin:offset].decode("utf-8", "replace"))
        return Position(row + 1, column + 1)

    def offset(self, line: int, column: int) -> int:
        """The byte offset of a place (both from 1); the nearest one that there is for a place beyond the text."""
        begin, end = self.bounds(min(max(line, 1), self.lines))
        text = self.data[begin:end].decode("utf-8", "replace").rstrip("\r\n")
        return begin + len(text[: max(column, 1) - 1].encode("utf-8", "replace"))

    def bounds(self, number: int) -> tuple[int, int]:
        """Where a line (counted from 1) begins and where the next one does, as byte offsets."""
        end = self._starts[number] if number < len(self._starts) else len(self.data)
        return self._starts[number - 1], end

    def line(self, number: int) -> str:
        """The text of a line (counted from 1) without its line end."""
        begin, end = self.bounds(number)
        return self.data[begin:end].decode("utf-8", "replace").rstrip("\r\n")

    @property
    def lines(self) -> int:
        """How many lines the text has; an empty text has one."""
        return len(self._starts)

    def text(self, start: int, end: int) -> str:
        """The text between two byte offsets."""
        return self.data[start:end].decode("utf-8", "replace")


class Crate(Struct, frozen=True):
    """A unit that is compiled as one, or the folder that imports begin at.

    `name` is how other crates' code calls it, `folder` where its manifest is (relative, `/`, "." for the current
    folder), `edition` a year as text, `roots` the files at which compilation begins, and `dependencies` pair
    the name by which this crate's code calls another one with that one's folder. `suffix` is the ending of its files'
    names.
    """

    name: str
    folder: str
    edition: str
    roots: tuple[str, ...] = ()
    dependencies: tuple[tuple[str, str], ...] = ()
    suffix: str = ".rs"


class Package(Struct, frozen=True):
    """A package in a lock file: its name, the version in use, where that stands, and what the package depends on.

    `needs` pairs names with versions; the version is empty where the file holds only one of that name.
    """

    name: str
    version: str
    at: Span
    needs: tuple[tuple[str, str], ...] = ()


class LockFile(Struct, frozen=True):
    """The versions that a workspace is built with: the file, and its packages in order."""

    source: Source
    packages: tuple[Package, ...]

    @property
    def folder(self) -> str:
        """Where the file is: relative, with `/`, "." for the current folder."""
        return self.source.path.rpartition("/")[0] or "."

    def used_by(self, crate: str, name: str) -> tuple[Package, ...]:
        """The packages called `name` that a crate (as code spells it) needs itself; all where it is not listed."""
        every = tuple(one for one in self.packages if one.name == name)
        mine = [need for one in self.packages if one.name.replace("-", "_") == crate for need in one.needs]
        direct = {version for need, version in mine if need == name}
        return tuple(one for one in every if not direct or "" in direct or one.version in direct)


class UnreadableError(Exception):
    """A function's text is not in the language that it should be in: `line` (from 1, of the function), and why."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(why)
        self.line = line
        self.why = why


def home(path: str, crates: Iterable[Crate]) -> Crate | None:
    """The crate that a file belongs to: the one whose folder is the nearest above it; None outside of all."""
    around = [crate for crate in crates if path.endswith(crate.suffix) and _inside(path, crate.folder)]
    return max(around, key=lambda crate: _nearness(crate.folder), default=None)


def lock_file_of(path: str, files: Iterable[LockFile]) -> LockFile | None:
    """The lock file that speaks for a file: the nearest above it."""
    around = [one for one in files if _inside(path, one.folder)]
    return max(around, key=lambda one: _nearness(one.folder), default=None)


def _inside(path: str, folder: str) -> bool:
    """Whether a relative path is below a folder, which may be the current one (".") or above it ("..", "../..")."""
    if _nearness(folder) <= 0:
        return path.split("/").count("..") <= -_nearness(folder)
    return path.startswith(folder + "/")


def _nearness(folder: str) -> int:
    """Greater for the deeper one of two folders around the same file: 0 is the current one, -1 the one above."""
    parts = folder.split("/")
    return -parts.count("..") if set(parts) <= {".", ".."} else len(folder)
