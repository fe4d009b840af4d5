"""Where the methods of a class hand over one of its methods or fields: `future.add_callback(self._done)`.

In: a file's text with strings and comments blanked out.  Out: who is called, and as which argument it gets which part.
Never: a parse; says what becomes of what is handed over.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import NamedTuple

_PART = re.compile(rb"(?<=[(,=])\s*(?:self|cls)\.(\w+)\s*(?=[,)])")
_NAME = re.compile(rb"(\w+)\s*\Z")
_KEYWORD = re.compile(rb"(\w+)\s*=\s*\Z")
_PASSED_ON = frozenset({b"partial"})
_FAR = 1000
_OPEN, _CLOSE = b"([{", b")]}"


class Argument(NamedTuple):
    """The part `name` of `self` goes to `called`, as the argument number `slot` (from 0) or the one named `keyword`."""

    called: str
    slot: int
    keyword: str
    name: str


def arguments(masked: bytes, start: int, end: int, names: Collection[str]) -> Iterator[Argument]:
    """Where one of the parts `names` of `self` is an argument, alone or as the function of a `partial`."""
    for said in _PART.finditer(masked, start, end):
        name = said[1].decode()
        found = _call_around(masked, said.start(), start) if name in names else None
        while found is not None and found[0] in _PASSED_ON and not found[1]:
            found = _call_around(masked, found[3], start)
        if found is not None:
            yield Argument(found[0].decode(), found[1], found[2], name)


def _call_around(masked: bytes, at: int, start: int) -> tuple[bytes, int, str, int] | None:
    """The call that a place is an argument of: its name, the argument's number and name, and where the call begins."""
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
