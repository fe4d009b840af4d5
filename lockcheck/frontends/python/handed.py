"""Where the methods of a class hand over one of its methods or fields: `future.add_callback(self._done)`.

In: a file's text with strings and comments blanked out.  Out: who is called, and as which argument it gets which part.
Never: a parse; says what becomes of what is handed over.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import NamedTuple, TypeAlias

_PART = re.compile(rb"(?<=[(,=])\s*(?:self|cls)\.(\w+)\s*(?=[,)])")
_NAME = re.compile(rb"(\w+)\s*\Z")
_KEYWORD = re.compile(rb"(\w+)\s*=\s*\Z")
_VARIABLE = re.compile(rb"^[ \t]*(\w+)\s*=\s*\Z", re.MULTILINE)
_NEXT = re.compile(rb"^[ \t]*(?:async[ \t]+)?def\b", re.MULTILINE)
_PASSED_ON = frozenset({b"partial", b"WeakMethod"})
_FAR = 1000
_OPEN, _CLOSE = b"([{", b")]}"


class Argument(NamedTuple):
    """The part `name` of `self` goes to `called`, as the argument number `slot` (from 0) or the one named `keyword`.

    `to` is what has the method that is called.
    """

    called: str
    slot: int
    keyword: str
    name: str
    to: tuple[str, ...]


def arguments(masked: bytes, start: int, end: int, names: Collection[str]) -> Iterator[Argument]:
    """Where one of the parts `names` of `self` is an argument, alone or as the function of a `partial`.

    What such a `partial` is put into first, a variable, is followed to the end of its function.
    """
    for said in _PART.finditer(masked, start, end):
        name = said[1].decode()
        found, begin = _handed(masked, said.start(), start) if name in names else (None, -1)
        several = [found] if found is not None else list(_by_variable(masked, begin, start, end))
        for called, slot, keyword, at in several:
            yield Argument(called.decode(), slot, keyword, name, tuple(_receiver(masked, at).split(".")))


class Shown(NamedTuple):
    """What the text `shown` names goes to a method or a field (-1) of what `to` names: see `ir.Showing`."""

    at: int
    to: str
    called: str
    slot: int
    keyword: str
    shown: str


_ITSELF = re.compile(rb"self(?=[ \t]*(?:[,)]|\r?$))", re.MULTILINE)
_AS_FIELD = re.compile(rb"[ \t]*((?:\w+\.)*\w+)\.(\w+)[ \t]*=[ \t]*self")
_OWN_AS_FIELD = re.compile(rb"self\.(\w+)[ \t]*\r?$", re.MULTILINE)
_TO_OWN = re.compile(rb"self\.(\w+)\([ \t]*([^\W\d]\w*)[ \t]*[,)]")


def shown(masked: bytes, start: int, end: int, methods: Collection[str], open_: Collection[str]) -> Iterator[Shown]:
    """Where `self` goes to a method or a field of something, one of the `methods` to a field, or a variable
    to one of those that are `open_` for anything.
    """
    for said in _ITSELF.finditer(masked, start, end):
        one = _itself(masked, said.start(), start)
        if one is not None:
            yield one
    for said in _OWN_AS_FIELD.finditer(masked, start, end):
        one = _as_field(masked, said.start()) if said[1].decode() in methods else None
        if one is not None and one.to != "self":
            yield one._replace(shown=f"self.{said[1].decode()}")
    for said in _TO_OWN.finditer(masked, start, end) if open_ else ():
        own = masked[said.start() - 1 : said.start()] not in _WORD_SIGNS
        if own and said[1].decode() in open_ and said[2] != b"self":
            yield Shown(said.start(), "self", said[1].decode(), 0, "", said[2].decode())


def _itself(masked: bytes, at: int, start: int) -> Shown | None:
    """What gets `self`, which stands at a place: a field, or what is called."""
    sign = masked[max(start, at - 80) : at].rstrip(b" \t")[-1:]
    end = at + len("self")
    if sign == b"=" and masked[end : end + 1] not in b",)" and (field := _as_field(masked, at)) is not None:
        return field
    if sign not in _BEFORE or (sign == b"(" and _METHOD.search(masked, max(start, at - 80), at) is None):
        return None
    found = _call_around(masked, at, start)
    if found is None:
        return None
    to = _receiver(masked, found[3])
    if not to or to.rpartition(".")[2][:1].isupper():
        return None
    return Shown(at, to, found[0].decode(), found[1], found[2], "self")


def _as_field(masked: bytes, at: int) -> Shown | None:
    """The field of something that is given what stands at a place, in a statement of its own."""
    said = _AS_FIELD.match(masked, masked.rfind(b"\n", 0, at) + 1)
    fits = said is not None and said.end() == at + len("self")
    return Shown(at, said[1].decode(), said[2].decode(), -1, "", "self") if said is not None and fits else None


_WORD_SIGNS = frozenset(bytes((one,)) for one in b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.")
_BEFORE = frozenset((b"(", b",", b"="))
_METHOD = re.compile(rb"\.\w+\([ \t]*\Z")
"""A method is called, and this is its first argument: no definition."""


def _handed(masked: bytes, at: int, start: int) -> tuple[_Around | None, int]:
    """The call that gets a value as an argument, alone or in a `partial`; without one, where the `partial` begins."""
    found, begin = _call_around(masked, at, start), -1
    while found is not None and found[0] in _PASSED_ON and not found[1]:
        begin = found[3]
        found = _call_around(masked, begin, start)
    return found, begin


def _by_variable(masked: bytes, begin: int, start: int, end: int) -> Iterator[_Around]:
    """The calls that get the variable which is given the value at `begin`."""
    said = _VARIABLE.search(masked, max(start, begin - 80), begin) if begin >= 0 else None
    if said is None:
        return
    stop = _NEXT.search(masked, begin, end)
    name = re.compile(rb"(?<=[(,=])\s*" + said[1] + rb"\s*(?=[,)])")
    for use in name.finditer(masked, begin, min(stop.start() if stop else end, begin + _FAR)):
        found, _ = _handed(masked, use.start(), start)
        if found is not None:
            yield found


def _receiver(masked: bytes, begin: int) -> str:
    """What has the method that is called by the dotted name which begins at a place."""
    return masked[begin : masked.find(b"(", begin)].decode().strip().rpartition(".")[0]


_Around: TypeAlias = tuple[bytes, int, str, int]
"""A call: its name, the argument's number and name, and where the call begins."""


def _call_around(masked: bytes, at: int, start: int) -> _Around | None:
    """The call that a place is an argument of."""
    depth, slot, comma = 0, 0, -1
    for place in range(at - 1, max(start, at - _FAR), -1):
        sign = masked[place : place + 1]
        if sign in _CLOSE:
            depth += 1
        elif sign == b"," and not depth:
            slot, comma = slot + 1, max(comma, place)
        elif sign in _OPEN:
            if depth:
                depth -= 1
                continue
            name = _NAME.search(masked, max(start, place - 80), place) if sign == b"(" else None
            named = _KEYWORD.search(masked, max(comma, place) + 1, at)
            begin = _begin(masked, name.start()) if name is not None else 0
            return (name[1], slot, named[1].decode() if named else "", begin) if name is not None else None
    return None


def _begin(masked: bytes, at: int) -> int:
    """Where the dotted name begins of which a word at `at` is the last."""
    while masked[at - 1 : at] == b".":
        before = _NAME.search(masked, max(0, at - 80), at - 1)
        if before is None:
            break
        at = before.start()
    return at
