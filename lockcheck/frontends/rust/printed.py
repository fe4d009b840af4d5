"""What a macro prints: which of its arguments, and of the names that stand in its text, by which trait.

In: the name of a macro and the bytes of its arguments.  Out: for each value that is printed what it is and the trait.
Never: knows the values.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Union

TRAITS = frozenset(("Display", "Debug"))
"""The traits by which values are printed, and the name of the method of both."""
METHOD = "fmt"

_ALL = {"dbg"}
"""Macros that print each argument as it is."""
_TEXT = re.compile(rb'\s*b?r?(#*)"(.*)"\1\s*\Z', re.DOTALL)
_HOLE = re.compile(rb"\{\{|\}\}|\{([^{}:]*)(?::([^{}]*))?\}")
_SIGN = re.compile(rb"([?%])\s*\Z")
_BY_SIGN = {b"?": "Debug", b"%": "Display"}
_NAME = re.compile(rb"\s*([A-Za-z_]\w*)\s*=")


class Printed(NamedTuple):
    """What is printed: an argument, by its number, or a variable that the text names. The range is where it stands."""

    what: Union[int, bytes]
    trait: str
    start: int
    end: int


def printed(name: str, pieces: Sequence[tuple[int, bytes]], fields: Sequence[bytes]) -> Iterator[Printed]:
    """What is printed of the arguments, each with where it begins; `fields` are what stands before their values."""
    texts = (n for n, (_, data) in enumerate(pieces) if _TEXT.match(data))
    text = -1 if name in _ALL else next(texts, len(pieces))
    for number, (start, data) in enumerate(pieces[:text] if text >= 0 else pieces):
        sign = _SIGN.search(fields[number])
        if sign or name in _ALL:
            yield Printed(number, _BY_SIGN[sign[1]] if sign else "Debug", start, start + len(data))
    if not 0 <= text < len(pieces):
        return
    named = {said[1]: number for number, data in enumerate(fields) if number > text and (said := _NAME.match(data))}
    said, begin = _TEXT.match(pieces[text][1]), pieces[text][0]
    following = iter(range(text + 1, len(pieces)))
    for hole in _HOLE.finditer(said[2]) if said is not None else ():
        if hole[0] in (b"{{", b"}}"):
            continue
        what, how = hole[1].strip(), (hole[2] or b"").strip()
        if b".*" in how:
            next(following, None)
        number = next(following, -1) if not what else named.get(what, text + 1 + int(what) if what.isdigit() else -1)
        trait = "Debug" if how.endswith(b"?") else "Display"
        if 0 <= number < len(pieces):
            start, data = pieces[number]
            yield Printed(number, trait, start, start + len(data))
        elif what and said is not None:
            start = begin + said.start(2) + hole.start(1)
            yield Printed(what, trait, start, start + len(what))
