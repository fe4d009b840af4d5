"""What Python 2 wrote in another way, in the words of today.

In: the bytes of statements, and the same with strings and comments blanked out.  Out: as many bytes that a parser of
today reads, every name and bracket where it was.
Never: what is no Python of any version.

Only what stands in the way of a parser is spelled anew. What a statement says stays where it can: `print x` becomes
`pass; x`. `except OSError, error` and `print >>log, x` are read today as well, as something else that does no harm.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_FIRST = rb"(?m)(?:^|(?<=[;:]))[ \t]*"
_VALUE = rb"[\w.]+(?:\[[^\[\]\n]*\])*(?:\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))?"


def _blank(text: bytes) -> bytes:
    return b" " * len(text)


_SPELLED: tuple[tuple[re.Pattern[bytes], Callable[[bytes], bytes]], ...] = (
    (re.compile(_FIRST + rb"print(?=[ \t]*[\"'`]|[ \t]+[\w\[{~+-])"), lambda said: said.replace(b"print", b"pass;")),
    (re.compile(_FIRST + rb"exec[ \t](?=[ \t]*[\w\"'])"), lambda said: said[:-5] + b"pass;"),
    (re.compile(_FIRST + rb"raise[ \t]+" + _VALUE + rb"[ \t]*,"), lambda said: said[:-1] + b";"),
    (re.compile(rb"`[^`\n]*`"), lambda said: b"(" + said[1:-1] + b")"),
    (re.compile(rb"<>"), lambda said: b"!="),
    (re.compile(rb"(?<![\w.])0+(?=[1-9])(?=[0-7]+[lL]?\b)"), _blank),
    (re.compile(rb"(?<![\w.])(?:0[xX][0-9a-fA-F]+|\d+)[lL]\b"), lambda said: said[:-1] + b" "),
    (re.compile(rb"(?<!\w)[uU](?=[rR][\"'])"), _blank),
    (re.compile(rb"\basync\b(?![ \t]+(?:def|for|with)\b)"), lambda said: said[::-1]),
)  # fmt: skip
"""How something is found in the masked text, and what is put there, of the same length."""


def respelled(data: bytes, masked: bytes) -> bytes:
    """The same text as a parser of today reads it; as it is where nothing of Python 2 is in it."""
    out = bytearray(data)
    for pattern, anew in _SPELLED:
        for said in pattern.finditer(masked):
            for at, (old, new) in enumerate(zip(said[0], anew(said[0]), strict=True), said.start()):
                out[at] = out[at] if old == new else new  # (insides of strings stay)
    return bytes(out)
