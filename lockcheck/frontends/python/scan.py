"""The outline of a file without a parser: which statements begin where, and how far they reach.

In: the bytes of a file.  Out: `Outline`, its logical lines with their indentation.
Never: a tree, an error; text that is no Python gives an outline of what looks like it.

A full parse costs a hundred times as much (libcst reads about 25,000 lines a second) and most files of a tree only
matter for the names that they declare. `def`, `class` and `import` are reserved words, so a line that begins with
one is a statement wherever it stands outside of a string.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator

from msgspec import Struct

from lockcheck import ir

_TEXT = re.compile(
    rb"#[^\n]*"
    rb"|\"\"\"(?:[^\"\\]+|\\.|\"(?!\"\"))*(?:\"\"\"|\Z)"
    rb"|'''(?:[^'\\]+|\\.|'(?!''))*(?:'''|\Z)"
    rb"|\"(?:[^\"\\\n]+|\\.)*(?:\"|$)"
    rb"|'(?:[^'\\\n]+|\\.)*(?:'|$)",
    re.DOTALL | re.MULTILINE,
)
_LINE = re.compile(rb"^(?<!\\\n)(?<!\\\r\n)([ \t\f]*)([^\s#)\]}])", re.MULTILINE)
_PAREN = re.compile(rb"[()\[\]{}\n:;]")
_OPEN, _CLOSE = b"([{", b")]}"
_HASH, _BACKSLASH = ord("#"), ord("\\")

MODULE = "<module>"
"""The name of the function that stands for a module's own statements, as Python's own tracebacks call it."""

AROUND = frozenset({"contextmanager", "asynccontextmanager"})
"""Decorators that make a function one whose callers' blocks run where it yields."""


class Line(Struct, frozen=True):
    """A line that may begin a statement: its indentation in columns, and the byte offsets of its text and end.

    `end` is where the next line of the same or less indentation begins (the end of its block).
    """

    indent: int
    start: int
    end: int


class Outline(Struct, frozen=True):
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

    def suite_end(self, start: int) -> int:
        """Where the indented block ends in which the line that begins at `start` or before it stands."""
        number = bisect_right(self.starts, start) - 1
        indent = self.lines[number].indent if number >= 0 else 0
        rest = map(self.lines.__getitem__, range(number + 1, len(self.lines)))
        return next((one.start for one in rest if one.indent < indent), len(self.masked))

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


_DEFINITION = re.compile(rb"^[ \t]*((?:async[ \t]+)?def\b|class\b)", re.MULTILINE)
_GOES_ON = re.compile(rb"(?:else|elif|except|finally)\b")
_OWN = re.compile(rb"^[ \t]*with\b|\.(?:acquire|release)\b|\b(?:signal|finalize)\s*\(", re.MULTILINE)


def own_statements(text: Outline) -> ir.Range | None:
    """Where a module takes locks itself, or says what is to run in the middle of anything, as it is imported.

    From the first such statement of the module's own lines to the last, each with all that belongs to it. None:
    nowhere.
    """
    own: list[int] = []
    for start, end in _between(_definitions(text), len(text.masked)):
        own += (said.start() for said in _OWN.finditer(text.masked, start, end))
    if not own:
        return None
    heads = [one for one in text.lines if one.indent == 0]
    starts = [one.start for one in heads]
    first, last = bisect_right(starts, own[0]) - 1, bisect_right(starts, own[-1]) - 1
    while first > 0 and _GOES_ON.match(text.masked, starts[first]):
        first -= 1
    while last + 1 < len(heads) and _GOES_ON.match(text.masked, starts[last + 1]):
        last += 1
    return trimmed(text.masked, (starts[max(first, 0)], text.block_end(heads[last])))


def without_definitions(data: bytes, text: Outline) -> bytes:
    """The bytes of a file of which `text` is the outline, with `pass` for each function and class, all offsets kept."""
    out: list[bytes] = []
    done = 0
    for start, end in _definitions(text):
        begin = start
        number = bisect_left(text.starts, start)
        while number > 0 and text.masked[text.starts[number - 1] : text.starts[number - 1] + 1] == b"@":
            number -= 1
            begin = text.starts[number]
        blank = b"\n".join(b" " * len(one) for one in data[begin:end].split(b"\n"))
        at = start - begin
        out += data[done:begin], blank[:at], b"pass", blank[at + len(b"pass") :]
        done = end
    out.append(data[done:])
    return b"".join(out)


def _definitions(text: Outline) -> Iterator[ir.Range]:
    """The functions and classes that stand in no other one."""
    at = 0
    while (said := _DEFINITION.search(text.masked, at)) is not None:
        number = bisect_left(text.starts, said.start(1))
        if number == len(text.starts):
            return
        line = text.lines[number]
        end = text.block_end(line)
        at = end if end == len(text.masked) else max(text.masked.rfind(b"\n", 0, end) + 1, said.end())
        yield line.start, at


def _between(spans: Iterable[ir.Range], end: int) -> Iterator[ir.Range]:
    """What is left outside of the ranges, in order, up to an end."""
    at = 0
    for span in spans:
        yield at, span[0]
        at = span[1]
    yield at, end


def _columns(space: bytes) -> int:
    """How far a line is indented; a form feed begins anew."""
    space = space[space.rfind(b"\f") + 1 :]
    return len(space.expandtabs(8)) if b"\t" in space else len(space)


def trimmed(masked: bytes, span: ir.Range) -> ir.Range:
    """The range without the blank space at its ends."""
    start, end = span
    while start < end and masked[start] in b" \t\r\n\f\\":
        start += 1
    while end > start and masked[end - 1] in b" \t\r\n\f\\":
        end -= 1
    return start, end
