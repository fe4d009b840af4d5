"""The outline of a file without a parser: which statements begin where, and how far they reach.

In: the bytes of a file.  Out: `Outline`, its logical lines with their indentation.
Never: a tree, an error; text that is no Python gives an outline of what looks like it.

A full parse costs a hundred times as much (libcst reads about 25,000 lines a second) and most files of a tree only
matter for the names that they declare. `def`, `class` and `import` are reserved words, so a line that begins with
one is a statement wherever it stands outside of a string.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass

from lockcheck import ir

_TEXT = re.compile(
    rb"#[^\n]*"
    rb"|\"\"\"(?:[^\"\\]+|\\.|\"(?!\"\"))*(?:\"\"\"|\Z)"
    rb"|'''(?:[^'\\]+|\\.|'(?!''))*(?:'''|\Z)"
    rb"|\"(?:[^\"\\\n]+|\\.)*(?:\"|$)"
    rb"|'(?:[^'\\\n]+|\\.)*(?:'|$)",
    re.DOTALL | re.MULTILINE,
)
_LINE = re.compile(rb"^([ \t\f]*)([^\s#)\]}])", re.MULTILINE)
_PAREN = re.compile(rb"[()\[\]{}\n:;]")
_OPEN, _CLOSE = b"([{", b")]}"
_HASH, _BACKSLASH = ord("#"), ord("\\")

AROUND = frozenset({"contextmanager", "asynccontextmanager"})
"""Decorators that make a function one whose callers' blocks run where it yields."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line that may begin a statement: its indentation in columns, and the byte offsets of its text and end.

    `end` is where the next line of the same or less indentation begins (the end of its block).
    """

    indent: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Outline:
    """A file's lines. `masked` is its text with comments and the insides of strings blanked out, byte for byte."""

    masked: bytes
    lines: tuple[Line, ...]
    starts: tuple[int, ...]

    def inside(self, start: int, end: int) -> Iterator[Line]:
        """The lines that begin in a range of bytes, in order."""
        number = bisect_left(self.starts, start)
        while number < len(self.lines) and self.lines[number].start < end:
            yield self.lines[number]
            number += 1

    def block_end(self, line: Line) -> int:
        """Where the block of a line ends; what is inside brackets does not end it, however little it is indented."""
        end = line.end
        depth = _depth(self.masked, line.start, end)
        while depth > 0 and end < len(self.masked):
            number = bisect_left(self.starts, end)
            after = self.lines[number].end if number < len(self.lines) else len(self.masked)
            depth += _depth(self.masked, end, after)
            end = after
        return end

    def statement_end(self, start: int) -> int:
        """Where the logical line that begins at `start` ends: at its line end or `;`, brackets closed."""
        for at in self.outside(start):
            char = self.masked[at : at + 1]
            if char == b";" or (char == b"\n" and self.masked[at - 1] != _BACKSLASH):
                return at
        return len(self.masked)

    def header_end(self, start: int) -> int:
        """Where the header of a compound statement ends: behind its colon."""
        return next((at + 1 for at in self.outside(start) if self.masked[at : at + 1] == b":"), len(self.masked))

    def outside(self, start: int) -> Iterator[int]:
        """Where, from `start` on, a colon, semicolon or line end stands outside of all brackets."""
        depth = 0
        for sign in _PAREN.finditer(self.masked, start):
            if sign[0] in _OPEN:
                depth += 1
            elif sign[0] in _CLOSE:
                depth -= 1
            elif depth <= 0:
                yield sign.start()

    def closing(self, opening: int) -> int:
        """Where the bracket at `opening` is closed (the offset of its partner), or the end of the text."""
        depth = 0
        for sign in _PAREN.finditer(self.masked, opening):
            depth += (sign[0] in _OPEN) - (sign[0] in _CLOSE)
            if depth <= 0:
                return sign.start()
        return len(self.masked)


def _depth(masked: bytes, start: int, end: int) -> int:
    """How many brackets are opened and not closed in a range."""
    opened = sum(masked.count(sign, start, end) for sign in (b"(", b"[", b"{"))
    return opened - sum(masked.count(sign, start, end) for sign in (b")", b"]", b"}"))


def outline(data: bytes) -> Outline:
    """The outline of a file."""
    masked = mask(data)
    found = [(_columns(line[1]), line.start(2)) for line in _LINE.finditer(masked)]
    ends = [len(data)] * len(found)
    waiting: list[int] = []
    for number, (indent, start) in enumerate(found):
        while waiting and found[waiting[-1]][0] >= indent:
            ends[waiting.pop()] = start
        waiting.append(number)
    lines = tuple(Line(indent, start, end) for (indent, start), end in zip(found, ends, strict=True))
    return Outline(masked, lines, tuple(start for _, start in found))


def mask(data: bytes) -> bytes:
    """The text with comments and strings blanked out and all offsets kept.

    A string keeps its first quote and no line end: it is one piece of its line. Of a comment nothing is left.
    """
    out: list[bytes] = []
    done = 0
    for text in _TEXT.finditer(data):
        start, end = text.span()
        if data[start] == _HASH:
            out += data[done:start], b" " * (end - start)
        else:
            out += data[done : start + 1], b"_" * (end - start - 1)
        done = end
    out.append(data[done:])
    return b"".join(out)


def _columns(space: bytes) -> int:
    return len(space.expandtabs(8)) if b"\t" in space else len(space)


def trimmed(masked: bytes, span: ir.Range) -> ir.Range:
    """The range without the blank space at its ends."""
    start, end = span
    while start < end and masked[start] in b" \t\r\n\f\\":
        start += 1
    while end > start and masked[end - 1] in b" \t\r\n\f\\":
        end -= 1
    return start, end
