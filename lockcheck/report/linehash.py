"""The fingerprint that GitHub's code scanning gives to a line, so that an upload need not compute it anew.

The method is that of the CodeQL action (`src/fingerprints.ts`): a polynomial over the 100 characters from the line's
beginning that are no spaces or tabs, and how many lines up to there had the same ones.
"""

from __future__ import annotations

import re

from lockcheck.source import Source

BLOCK = 100
_BASE = 37
_END = "\uffff"
_LINE_END = re.compile(r"\r\n?")


def line_hashes(source: Source, lines: frozenset[int]) -> dict[int, str]:
    """For each of the lines (from 1) `hash:count`, in hexadecimal and decimal digits."""
    blocks = _blocks(source)
    found = {}
    for line in lines:
        block = blocks[line - 1]
        found[line] = f"{_hash(block):x}:{blocks[:line].count(block)}"
    return found


def _blocks(source: Source) -> list[str]:
    """What is hashed of each line. Characters are those of UTF-16, as the action's language counts them."""
    text = source.data.decode("utf-8", "replace")
    text = _LINE_END.sub("\n", text.replace(" ", "").replace("\t", ""))
    units = "".join(_utf16(character) for character in text) if not text.isascii() else text
    units += _END + "\0" * BLOCK
    starts = [0, *(found.end() for found in re.finditer("\n", units))]
    return [units[start : start + BLOCK] for start in starts]


def _utf16(character: str) -> str:
    code = ord(character) - 0x10000
    return character if code < 0 else chr(0xD800 + (code >> 10)) + chr(0xDC00 + (code & 0x3FF))


def _hash(block: str) -> int:
    value = 0
    for unit in block:
        value = (value * _BASE + ord(unit)) & 0xFFFF_FFFF_FFFF_FFFF
    return value
