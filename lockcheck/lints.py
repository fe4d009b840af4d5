"""Where the code allows what another linter would find: `#[allow(clippy::await_holding_lock)]`.

In: a source and the name of a lint.  Out: the attributes that allow it, each with the stretch that it speaks for.
Never: knows what a lint means; parses more than comments, strings and brackets.

An attribute speaks for the item or the statement behind it, one with `!` for the block around it or the whole file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from lockcheck.source import Source


class Allowed(NamedTuple):
    """The attribute from byte `start` to `end` allows a lint between the bytes `begins` and `ends` of its file."""

    start: int
    end: int
    begins: int
    ends: int


class _Mark(NamedTuple):
    """A bracket or a separator; `other` is the number of the bracket that fits, -1 where there is none."""

    text: bytes
    start: int
    end: int
    other: int = -1


_TOKEN = re.compile(
    rb"""//[^\n]* | /\*.*?(?:\*/|\Z)
    | [bc]?r(?P<hashes>\#*)".*?(?:"(?P=hashes)|\Z) | [bc]?"(?:[^"\\]|\\.)*(?:"|\Z)
    | b?'(?:[^'\\\n\x80-\xff]|[\x80-\xff]{2,4}|\\[^\n]{1,10}?)'
    | (?P<mark>\#!?\s*\[ | [()\[\]{};,])""",
    re.VERBOSE | re.DOTALL,
)
_GOES_ON = re.compile(rb"\s*(?:\.|\?|else\b)")
"""Behind a block: the expression does not end with it."""
_ITEM = re.compile(
    rb"(?:pub|fn|async|unsafe|impl|mod|trait|extern|const|static|struct|enum|union|type|use|let|macro_rules)\b"
)
_BETWEEN = re.compile(rb"(?:\s+|//[^\n]*|/\*.*?\*/)*", re.DOTALL)


def allowed(source: Source, lint: str) -> Iterator[Allowed]:
    """The attributes of a Rust file that allow a lint, as it is written (`clippy::await_holding_lock`), in order."""
    if not source.path.endswith(".rs") or lint.encode() not in source.data:
        return
    said = re.compile(rb"\b(?:allow|expect)\s*\([^()]*(?<![\w:])" + re.escape(lint.encode()) + rb"\b")
    marks = _marks(source.data)
    around: list[int] = []
    for number, mark in enumerate(marks):
        if mark.text == b"{":
            around.append(number)
        elif mark.text == b"}" and around:
            around.pop()
        elif mark.text.startswith(b"#") and mark.other >= 0:
            end = marks[mark.other].end
            if not said.search(source.data, mark.start, end):
                continue
            if b"!" in mark.text:
                block = marks[around[-1]] if around else None
                close = marks[block.other].end if block is not None and block.other >= 0 else len(source.data)
                yield Allowed(mark.start, end, block.start if block is not None else 0, close)
            else:
                yield Allowed(mark.start, end, mark.start, _end(source.data, marks, mark.other + 1))


@lru_cache(maxsize=16)
def _marks(data: bytes) -> tuple[_Mark, ...]:
    found: list[_Mark] = []
    opened: list[int] = []
    for token in _TOKEN.finditer(data):
        text = token["mark"]
        if text is None:
            continue
        if text[-1:] in b"([{":
            opened.append(len(found))
        elif text in (b")", b"]", b"}") and opened:
            first = opened.pop()
            found[first] = found[first]._replace(other=len(found))
        found.append(_Mark(text, token.start(), token.end()))
    return tuple(found)


def _end(data: bytes, marks: tuple[_Mark, ...], at: int) -> int:
    """Where the item or the statement ends that stands behind an attribute, before the mark with this number."""
    while at < len(marks) and marks[at].text.startswith(b"#") and marks[at].other >= 0:
        at = marks[at].other + 1  # (another attribute of the same)
    begin = _BETWEEN.match(data, marks[at - 1].end)
    item = _ITEM.match(data, begin.end() if begin is not None else 0)
    binds = item is not None and item[0] == b"let"
    while at < len(marks):
        text, close = marks[at].text, marks[at].other
        if text in (b")", b"]", b"}", b";") or (text == b"," and item is None):
            return marks[at].start
        if close >= 0:
            end = marks[close].end
            if text == b"{" and not binds and not _GOES_ON.match(data, end):
                return end
            at = close
        at += 1
    return len(data)
