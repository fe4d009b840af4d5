"""Macros that the tree defines itself: an invocation's tokens held against the arms, and the text they expand to.

In: a `Macro` and the bytes of an invocation's arguments.  Out: the expansion, and where each part of it came from.
Never: parses Rust beyond its tokens, knows what is done with the text; a macro that is not plain expands to None.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, TypeAlias, Union

from msgspec import Struct

from lockcheck import ir

DEEPEST = 8
"""Macros inside expansions of macros are expanded down to this depth."""

LONGEST = 1 << 16
"""Bytes that one expansion may have."""

# ---------------------------------------------------------------------------------------------------------- tokens


class Token(NamedTuple):
    """`close` is the number of the token that ends the group which this one opens; else -1."""

    text: bytes
    start: int
    end: int
    close: int


_TOKEN = re.compile(
    rb"(?P<skip>(?:\s+|//[^\n]*|/\*.*?\*/)+)"
    rb'|b?r(?P<hash>#*)".*?"(?P=hash)|[bc]?"(?:[^"\\]|\\.)*"'
    rb"|b?'(?:[^'\\]|\\(?:x[0-9a-fA-F]{2}|u\{[^}]*\}|.))[^'\w]{0,3}'|'[A-Za-z_]\w*"
    rb"|(?:r\#)?[A-Za-z_\x80-\xff][\w\x80-\xff]*|\d\w*(?:\.\d\w*)?"
    rb"|=>|->|::|\.\.\.|\.\.=|\.\.|&&|\|\||[=!+\-*/%^&|]=|.",
    re.DOTALL,
)
_OPEN, _CLOSE = {b"(": b")", b"[": b"]", b"{": b"}"}, (b")", b"]", b"}")
_WORD = re.compile(rb"(?:r#)?[A-Za-z_\x80-\xff][\w\x80-\xff]*\Z")


@lru_cache(maxsize=2048)
def tokens(data: bytes) -> tuple[Token, ...] | None:
    """The tokens of a piece of source; None where its brackets do not fit."""
    found: list[Token] = []
    opened: list[int] = []
    for piece in _TOKEN.finditer(data):
        if piece["skip"] is not None:
            continue
        text = piece[0]
        if text in _OPEN:
            opened.append(len(found))
        elif text in _CLOSE:
            if not opened or _OPEN[found[opened[-1]].text] != text:
                return None
            first = opened.pop()
            found[first] = found[first]._replace(close=len(found))
        found.append(Token(text, piece.start(), piece.end(), -1))
    return None if opened else tuple(found)


def _after(found: Sequence[Token], at: int) -> int:
    """The number of the token behind the token tree that begins at `at`."""
    return max(found[at].close, at) + 1


# -------------------------------------------------------------------------------------------------------- patterns


class Fragment(NamedTuple):
    """`$name:kind`."""

    name: bytes
    kind: bytes


class Repeat(NamedTuple):
    """`$( items ) separator operator`; the separator may be empty."""

    items: tuple[Item, ...]
    separator: bytes
    operator: bytes


Item: TypeAlias = Union[bytes, Fragment, Repeat]
"""A part of a pattern; plain bytes are a token that must stand there."""

_KINDS = {b"expr", b"ident", b"ty", b"tt", b"path", b"pat", b"pat_param", b"literal", b"block", b"stmt", b"lifetime",
          b"vis", b"meta", b"expr_2021"}  # fmt: skip
_OPERATORS = (b"*", b"+", b"?")


@lru_cache(maxsize=2048)
def pattern(data: bytes) -> tuple[Item, ...] | None:
    """The pattern of an arm; None where it says something that is not understood."""
    found = tokens(data)
    return _items(found, 0, len(found)) if found is not None else None


def _items(found: Sequence[Token], at: int, end: int) -> tuple[Item, ...] | None:
    items: list[Item] = []
    while at < end:
        if found[at].text != b"$":
            items.append(found[at].text)
            at += 1
            continue
        made = _special(found, at + 1, end)
        if made is None:
            return None
        item, at = made
        items.append(item)
    return tuple(items)


def _special(found: Sequence[Token], at: int, end: int) -> tuple[Item, int] | None:
    """What stands behind a `$` in a pattern, and where it ends."""
    if at < end and found[at].text == b"(":
        inner, rest = _items(found, at + 1, found[at].close), repetition(found, found[at].close + 1, end)
        return (Repeat(inner, rest[0], rest[1]), rest[2]) if inner is not None and rest is not None else None
    if at + 2 < end and found[at + 1].text == b":" and found[at + 2].text in _KINDS:
        return Fragment(found[at].text, found[at + 2].text), at + 3
    return None


def repetition(found: Sequence[Token], at: int, end: int) -> tuple[bytes, bytes, int] | None:
    """Separator and operator behind `$( … )`, and where they end."""
    if at < end and found[at].text in _OPERATORS:
        return b"", found[at].text, at + 1
    if at + 1 < end and found[at + 1].text in _OPERATORS:
        return found[at].text, found[at + 1].text, at + 2
    return None


# -------------------------------------------------------------------------------------------------------- matching


class Bound(NamedTuple):
    """What a fragment stands for: the argument tokens from `first` up to `end`."""

    first: int
    end: int
    kind: bytes


Binding: TypeAlias = Union[Bound, "list[Binding]"]
"""A fragment of a repetition has one binding for each round."""


def match(items: tuple[Item, ...], given: Sequence[Token]) -> dict[bytes, Binding] | None:
    """What the fragments of a pattern stand for if all of `given` fits it."""
    names: dict[bytes, Binding] = {}
    return names if _match(items, given, 0, names) == len(given) else None


def _match(items: tuple[Item, ...], given: Sequence[Token], at: int, names: dict[bytes, Binding]) -> int | None:
    """Where the part of `given` ends that fits; repetitions take as much as they can."""
    for item in items:
        end: int | None
        if isinstance(item, bytes):
            end = at + 1 if at < len(given) and given[at].text == item else None
        elif isinstance(item, Fragment):
            end = _fragment(item.kind, given, at)
            names[item.name] = Bound(at, end if end is not None else at, item.kind)
        else:
            end = _rounds(item, given, at, names)
        if end is None:
            return None
        at = end
    return at


def _rounds(item: Repeat, given: Sequence[Token], at: int, names: dict[bytes, Binding]) -> int | None:
    rounds: list[dict[bytes, Binding]] = []
    after, begin = at, at
    while True:
        found: dict[bytes, Binding] = {}
        end = _match(item.items, given, begin, found)
        if end is None or end == begin:
            break
        rounds.append(found)
        after = begin = end
        if item.operator == b"?":
            break
        if item.separator:
            if end >= len(given) or given[end].text != item.separator:
                break
            begin = end + 1
    if item.operator == b"+" and not rounds:
        return None
    for name in _names(item.items):
        names[name] = [one[name] for one in rounds]
    return after


def _names(items: tuple[Item, ...]) -> Iterator[bytes]:
    for item in items:
        if isinstance(item, Fragment):
            yield item.name
        elif isinstance(item, Repeat):
            yield from _names(item.items)


_NO_EXPRESSION = {b"@", b"=>", b",", b";", b"=", b".", b"#", b")", b"]", b"}", b"+", b"/", b"%", b"^", b">", b"?", b"_",
                  b"$", b"as", b"else", b"in", b"where", b"struct", b"enum", b"impl", b"pub", b"use", b"mod", b"fn",
                  b"type", b"trait", b"let", b"mut"}  # fmt: skip
_ENDS = {
    b"expr": (b"=>", b",", b";"),
    b"stmt": (b"=>", b",", b";"),
    b"pat": (b"=>", b",", b"=", b"if", b"in"),
    b"pat_param": (b"=>", b",", b"=", b"if", b"in", b"|"),
    b"ty": (b"{", b",", b"=>", b":", b"=", b";", b"|", b"as", b"where", b">"),
}
"""What a fragment cannot contain outside of groups: with it ends what the fragment stands for."""


def _fragment(kind: bytes, given: Sequence[Token], at: int) -> int | None:
    """Where a fragment of this kind ends that begins at `at`; None where none begins there."""
    text = given[at].text if at < len(given) else b""
    if kind == b"vis":
        return at if text != b"pub" else _after(given, at + 1) if _is(given, at + 1, b"(") else at + 1
    if not text or text in _CLOSE:
        return None
    if kind == b"tt":
        return _after(given, at)
    if kind == b"ident":
        return at + 1 if _WORD.match(text) and text != b"_" else None
    if kind == b"lifetime":
        return at + 1 if text[:1] == b"'" and text[-1:] != b"'" else None
    if kind == b"block":
        return _after(given, at) if text == b"{" else None
    if kind == b"literal":
        return _literal(given, at)
    if kind in (b"path", b"meta"):
        return _path(given, at, kind == b"meta")
    return _until(kind if kind in _ENDS else b"expr", given, at)


def _is(given: Sequence[Token], at: int, text: bytes) -> bool:
    return at < len(given) and given[at].text == text


def _literal(given: Sequence[Token], at: int) -> int | None:
    if given[at].text == b"-" and at + 1 < len(given):
        at += 1
    text = given[at].text
    quoted = text[-1:] in (b'"', b"'", b"#")
    return at + 1 if quoted or text[:1].isdigit() or text in (b"true", b"false") else None


def _path(given: Sequence[Token], at: int, meta: bool) -> int | None:
    """A path with its type arguments; what an attribute says behind it."""
    begin = at
    while at < len(given):
        text = given[at].text
        if text == b"<":
            at = _angles(given, at)
        elif text == b"::" or (_WORD.match(text) and (at == begin or given[at - 1].text == b"::")):
            at += 1
        else:
            break
    if meta and at < len(given):
        said = given[at].text == b"=" and at + 1 < len(given)
        at = _until(b"expr", given, at + 1) or at if said else _after(given, at) if given[at].text in _OPEN else at
    return at if at > begin else None


def _angles(given: Sequence[Token], at: int) -> int:
    """The number of the token behind `< … >`."""
    depth = 0
    while at < len(given):
        depth += (given[at].text == b"<") - (given[at].text == b">")
        at = _after(given, at)
        if not depth:
            break
    return at


def _until(kind: bytes, given: Sequence[Token], at: int) -> int | None:
    """An expression, statement, pattern or type: up to what cannot be in it."""
    ends, begin = _ENDS[kind], at
    if kind == b"expr" and given[at].text in _NO_EXPRESSION:
        return None
    while at < len(given):
        text = given[at].text
        if text in _CLOSE or text in ends:
            break
        if text == b"<" and (kind == b"ty" or (at > begin and given[at - 1].text == b"::")):
            at = _angles(given, at)
        elif text == b"|" and kind in (b"expr", b"stmt") and _begins(given, begin, at):
            at = _parameters(given, at)
        else:
            at = _after(given, at)
    return at if at > begin else None


def _begins(given: Sequence[Token], begin: int, at: int) -> bool:
    """Whether an operand begins here, so that a `|` opens a closure's parameters."""
    return at == begin or given[at - 1].text in (b"move", b"async", b"=", b"return")


def _parameters(given: Sequence[Token], at: int) -> int:
    """The number of the token behind `| … |`."""
    at += 1
    while at < len(given) and given[at].text != b"|":
        at = _after(given, at)
    return at + 1


# ------------------------------------------------------------------------------------------------------- expansion


class Piece(NamedTuple):
    """The bytes of an expansion from `begin` up to `end` are the argument's bytes from `source` on."""

    begin: int
    end: int
    source: int


class Expansion(NamedTuple):
    """The text that a macro stands for, the parts of it that are arguments, and whether it contains code that runs."""

    text: bytes
    pieces: tuple[Piece, ...]


def expand(macro: ir.Macro, given: bytes, crate: str) -> Expansion | None:
    """What the first arm that fits makes of the arguments; None where no arm fits or the arm is not plain."""
    arguments = tokens(given)
    found = fitting(macro, arguments) if arguments is not None else None
    if arguments is None or found is None:
        return None
    _, body, names = found
    writer = _Writer(given, arguments, b"crate" if macro.module[0] == crate else macro.module[0].encode())
    done = writer.body(body, 0, len(body), names)
    return Expansion(bytes(writer.out), tuple(writer.pieces)) if done else None


def fitting(
    macro: ir.Macro, arguments: Sequence[Token]
) -> tuple[ir.MacroArm, Sequence[Token], Mapping[bytes, Binding]] | None:
    """The first arm that fits the arguments, its tokens, and what its names stand for; None where one before it cannot
    be read.
    """
    for arm in macro.arms:
        items = pattern(arm.takes)
        if items is None:
            return None
        names, body = match(items, arguments), tokens(arm.gives)
        if names is not None and body is not None:
            return arm, body, names
    return None


def rounds_of(
    body: Sequence[Token], at: int, end: int, names: Mapping[bytes, Binding]
) -> tuple[bytes, int, list[Mapping[bytes, Binding]]] | None:
    """`$( … )`, of which the bracket is at `at`: what stands between two rounds, where it ends in the body, and what
    the names stand for in each round. None where it is not plain.
    """
    rest = repetition(body, body[at].close + 1, end)
    used = {body[n + 1].text for n in range(at + 1, body[at].close) if body[n].text == b"$"}
    lists = {name: bound for name in used if isinstance(bound := names.get(name), list)}
    if rest is None or len({len(bound) for bound in lists.values()}) != 1:
        return None
    separator, _, after = rest
    numbers = range(len(next(iter(lists.values()))))
    return separator, after, [{**names, **{name: bound[n] for name, bound in lists.items()}} for n in numbers]


_TIGHT_BEFORE = {b"", b"(", b"[", b"{", b",", b"=", b";", b"=>", b"return", b"$"}
_TIGHT_AFTER = {b"", b")", b"]", b"}", b",", b";", b"=>", b"$"}
_OPERATES = re.compile(rb"[&*!\-+/%^|<>=]+|\.\.=?|as|if|match|move|async|unsafe|loop|while|for|return|break|\{")


@dataclass
class _Writer:
    """An expansion being written."""

    given: bytes
    arguments: Sequence[Token]
    crate: bytes

    def __post_init__(self) -> None:
        self.out = bytearray()
        self.pieces: list[Piece] = []
        self.last = -1
        """The number of the argument token that would go on where the text ends; -1 where it ends with the body's."""

    def body(self, body: Sequence[Token], at: int, end: int, names: Mapping[bytes, Binding]) -> bool:
        """Write the body's tokens from `at` up to `end`; False where they are not plain."""
        while at < end:
            if len(self.out) > LONGEST:
                return False
            if body[at].text != b"$":
                self.own(body[at].text, tight=at > 0 and body[at - 1].end == body[at].start)
                at += 1
                continue
            after = self.special(body, at, end, names)
            if after is None:
                return False
            at = after
        return True

    def special(self, body: Sequence[Token], at: int, end: int, names: Mapping[bytes, Binding]) -> int | None:
        """Write what a `$` stands for; where it ends in the body, or None."""
        if at + 1 >= end:
            return None
        text = body[at + 1].text
        if text == b"(":
            return self.rounds(body, at + 1, end, names)
        if text == b"crate":
            self.own(self.crate, tight=False)
            return at + 2
        bound = names.get(text)
        if not isinstance(bound, Bound):
            return None
        before, after = body[at - 1].text if at else b"", body[at + 2].text if at + 2 < len(body) else b""
        self.argument(bound, alone=before in _TIGHT_BEFORE and after in _TIGHT_AFTER)
        return at + 2

    def rounds(self, body: Sequence[Token], at: int, end: int, names: Mapping[bytes, Binding]) -> int | None:
        found = rounds_of(body, at, end, names)
        if found is None:
            return None
        separator, after, rounds = found
        for number, inner in enumerate(rounds):
            if number and separator:
                self.own(separator, tight=False)
            if not self.body(body, at + 1, body[at].close, inner):
                return None
        return after

    def own(self, text: bytes, tight: bool) -> None:
        """A token of the body."""
        if not tight or self.last >= 0:
            self.out += b" "
        self.out += text
        self.last = -1

    def argument(self, bound: Bound, alone: bool) -> None:
        """The tokens that a fragment stands for; an expression is one operand, whatever stands in it."""
        if bound.first >= bound.end:
            return
        start, end = self.arguments[bound.first].start, self.arguments[bound.end - 1].end
        if self.last == bound.first and bound.kind == b"tt":
            piece = self.pieces.pop()
            self.out += self.given[piece.source + piece.end - piece.begin : end]
            self.pieces.append(Piece(piece.begin, len(self.out), piece.source))
            self.last = bound.end
            return
        self.out += b" "
        wrapped = not alone and bound.kind[:4] == b"expr" and self.operates(bound)
        self.out += b"(" * wrapped + self.given[start:end]
        self.pieces.append(Piece(len(self.out) - (end - start), len(self.out), start))
        self.out += b")" * wrapped
        self.last = -1 if wrapped else bound.end

    def operates(self, bound: Bound) -> bool:
        """Whether the expression is more than an operand: `&x`, `a + b`, a block."""
        at = bound.first
        while at < bound.end:
            if _OPERATES.fullmatch(self.arguments[at].text) and not _is(self.arguments, at - 1, b"::"):
                return True
            at = _after(self.arguments, at)
        return False


# --------------------------------------------------------------------------------------------------------- origins


class Origin(Struct, frozen=True):
    """Where the text of an expansion comes from: `base` is where the arguments begin, `whole` the invocation.

    Both are offsets into the text around, which is the file or (`outer`) another expansion.
    """

    pieces: tuple[Piece, ...]
    base: int
    whole: ir.Range
    outer: Origin | None
    depth: int

    def at(self, start: int, end: int) -> ir.Range:
        """The place in the file: an argument's own, or that of the invocation for what the macro's body says."""
        found = self._argument(start, end) or self.whole
        return self.outer.at(*found) if self.outer is not None else found

    def _argument(self, start: int, end: int) -> ir.Range | None:
        first, last = self._piece(start), self._piece(max(start, end - 1))
        if first is None or last is None:
            return None
        between = zip(self.pieces[first:last], self.pieces[first + 1 : last + 1], strict=True)
        if any(after.begin - before.end > 1 for before, after in between):
            return None
        begin = self.pieces[first].source + start - self.pieces[first].begin
        stop = self.pieces[last].source + end - self.pieces[last].begin
        return (begin + self.base, stop + self.base) if begin <= stop else None

    def _piece(self, at: int) -> int | None:
        number = bisect_right(self.pieces, at, key=lambda piece: piece.begin) - 1
        return number if number >= 0 and at < self.pieces[number].end else None


# ---------------------------------------------------------------------------------------------------------- lookup


class Known(Struct, frozen=True):
    """The macros of the tree as one file sees them; `implying` are the traits of what the tree runs without a call."""

    macros: ir.Macros
    path: str
    crate: str
    implying: frozenset[str] = frozenset()

    def find(self, name: str, at: int) -> list[ir.Macro]:
        """The macros that `name!` can mean at a place of the file, the nearest definition first."""
        seen = [m for m in self.macros.get(name, ()) if self._sees(m, at)]
        return sorted(seen, key=lambda macro: self._nearness(macro, at), reverse=True)

    def _sees(self, macro: ir.Macro, at: int) -> bool:
        if macro.within is not None:
            return macro.path == self.path and macro.within[0] <= at < macro.within[1]
        return macro.module[0] == self.crate or (macro.exported and macro.name not in _STANDARD)

    def _nearness(self, macro: ir.Macro, at: int) -> tuple[bool, bool, bool, int]:
        here = macro.path == self.path
        before = here and macro.at[0] <= at
        return macro.within is not None, before, macro.module[0] == self.crate, macro.at[0] if before else 0


_STANDARD = {
    "write", "writeln", "vec", "concat", "stringify", "env", "cfg", "include_str", "line",
    "file", "column", "try", "thread_local", "ready", "lazy_static", "bitflags", "json", "quote", "pin_mut", "addr_of",
}  # fmt: skip
"""Names that another crate's code means something else by, whatever a crate of the tree defines."""
