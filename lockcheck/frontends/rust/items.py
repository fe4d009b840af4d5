"""Items that a macro of the same file makes: `getters!(Account, index => u32)`.

In: a macro's arms and the bytes of an invocation's arguments.  Out: the text that they make, where the arm has each
part of it, and what the arm's names stand for there.
Never: a macro of another file; parses Rust beyond its tokens.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from lockcheck import ir
from lockcheck.frontends.rust.expand import (
    LONGEST,
    Binding,
    Bound,
    Origin,
    Piece,
    Token,
    fitting,
    rounds_of,
    tokens,
)

Given: TypeAlias = "tuple[tuple[str, bytes], ...]"
"""Names of a macro's arm (without `$`), with what they stand for."""

_NAME = re.compile(rb"\$(\w+)")
_MAKES = re.compile(rb"\bfn\b")


@dataclass
class Made:
    """The text of an expansion; `pieces` say where in the file the arm has it, `rounds` what holds from where on."""

    text: bytes = b""
    pieces: list[Piece] = field(default_factory=list)
    rounds: list[tuple[int, Given]] = field(default_factory=list)

    def at(self, start: int, end: int) -> ir.Range:
        """Where the arm has a part of the text."""
        return self._place(start), self._place(max(start, end - 1)) + 1

    def _place(self, at: int) -> int:
        piece = self.pieces[max(0, bisect_right(self.pieces, at, key=lambda one: one.begin) - 1)]
        return min(piece.source + at - piece.begin, piece.source + piece.end - piece.begin)

    def given(self, at: int) -> Given:
        """What the names stand for in the round of repetitions that a place of the text belongs to."""
        number = bisect_right(self.rounds, at, key=lambda one: one[0]) - 1
        return self.rounds[number][1] if number >= 0 else ()


def make(macro: ir.Macro, given: bytes) -> Made | None:
    """What the first arm that fits makes of the arguments; None where it makes no function, or is not plain."""
    if not any(_MAKES.search(arm.gives) for arm in macro.arms):
        return None
    arguments = tokens(given)
    found = fitting(macro, arguments) if arguments is not None else None
    if arguments is None or found is None:
        return None
    arm, body, names = found
    writer = _Writer(arm, given, arguments)
    return writer.made() if writer.body(body, 0, len(body), names) else None


def with_given(data: bytes, start: int, given: Given) -> tuple[bytes, Origin]:
    """The text of a function in an arm, which begins at `start`, with what the arm's names stand for put in."""
    names, out, pieces, done = dict(given), bytearray(), list[Piece](), 0
    for found in _NAME.finditer(data):
        text = b"crate" if found[1] == b"crate" else names.get(found[1].decode())
        if text is not None:
            pieces.append(Piece(len(out), len(out) + found.start() - done, done))
            out += data[done : found.start()]
            pieces.append(Piece(len(out), len(out) + len(text), found.start()))
            out += text
            done = found.end()
    pieces.append(Piece(len(out), len(out) + len(data) - done, done))
    out += data[done:]
    return bytes(out), Origin(tuple(pieces), start, (start, start + len(data)), None, 0)


@dataclass
class _Writer:
    """An expansion being written, as the arm has it, spaces and all."""

    arm: ir.MacroArm
    arguments: bytes
    tokens: Sequence[Token]

    def __post_init__(self) -> None:
        self.out = bytearray()
        self.pieces: list[Piece] = []
        self.rounds: list[tuple[int, Given]] = []

    def made(self) -> Made:
        return Made(bytes(self.out), self.pieces, self.rounds)

    def body(self, body: Sequence[Token], at: int, end: int, names: Mapping[bytes, Binding]) -> bool:
        """Write the arm's tokens from `at` up to `end`; False where they are not plain."""
        here = tuple((name.decode(), self.spelled(bound)) for name, bound in names.items() if isinstance(bound, Bound))
        self.rounds.append((len(self.out), here))
        done = body[at].start if at < end else 0
        while at < end:
            if body[at].text != b"$" or at + 1 >= end:
                at += 1
                continue
            self.copy(done, body[at].start)
            if body[at + 1].text == b"(":
                after = self.repeated(body, at + 1, end, names)
                self.rounds.append((len(self.out), here))
            else:
                after = at + 2 if self.named(body[at], body[at + 1], names) else None
            if after is None or len(self.out) > LONGEST:
                return False
            at, done = after, body[after - 1].end
        self.copy(done, body[end - 1].end if end else 0)
        return True

    def copy(self, begin: int, end: int) -> None:
        """A part of the arm, as it stands there."""
        if end > begin:
            source = self.arm.gives_at + begin
            self.pieces.append(Piece(len(self.out), len(self.out) + end - begin, source))
            self.out += self.arm.gives[begin:end]

    def named(self, sign: Token, name: Token, names: Mapping[bytes, Binding]) -> bool:
        """What a name of the arm stands for; its place is that of the name."""
        bound = names.get(name.text)
        if name.text != b"crate" and not isinstance(bound, Bound):
            return False
        text = self.spelled(bound) if isinstance(bound, Bound) else b"crate"
        if text:
            self.pieces.append(Piece(len(self.out), len(self.out) + len(text), self.arm.gives_at + sign.start))
            self.out += text
        return True

    def spelled(self, bound: Bound) -> bytes:
        """The argument's own text."""
        if bound.first >= bound.end:
            return b""
        return self.arguments[self.tokens[bound.first].start : self.tokens[bound.end - 1].end]

    def repeated(self, body: Sequence[Token], at: int, end: int, names: Mapping[bytes, Binding]) -> int | None:
        """`$( … )`, once for each round; where it ends in the arm."""
        found = rounds_of(body, at, end, names)
        if found is None:
            return None
        separator, after, rounds = found
        for number, inner in enumerate(rounds):
            if number and separator:
                self.out += separator
            self.out += b" "
            if not self.body(body, at + 1, body[at].close, inner):
                return None
        return after
