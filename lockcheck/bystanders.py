"""Functions that no question of a run came to: whether one is still none of its business with another text.

In: what a run noted when it ended; a function with its text as that is now.  Out: yes or no.
Never: reads a tree, links, knows what a word means.

Most functions take no lock, and nobody who holds one comes to them. A run found that out by words alone: it looked for
some in every text, and went on from those that had one. So where the text of such a function has become another one
which has none of these words either, the run would go as it went.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

import msgspec

from lockcheck import ir
from lockcheck.frontends import Finder, finder
from lockcheck.unsaid import words_in


class Bystanders(msgspec.Struct, frozen=True, array_like=True):
    """What a run looked at, and for.

    `looked_at` has a bit for each function, by its number. `sought` are the words that were looked for in a crate's
    code: `crates` has, by language and crate, the place of its own there. Even within a name counted `heads`, in what
    stands before a body, `making`, in functions of a type that are not called on its values, and `pairs` where both
    were in the text, or one was the own type. Of the functions in `called` the words of calls in their bodies counted
    too (`unsaid.words_in`).
    """

    looked_at: bytes
    crates: Mapping[str, int]
    sought: Sequence[ir.Words]
    heads: Sequence[str]
    making: Sequence[str]
    pairs: Sequence[tuple[str, str]]
    called: Mapping[int, bytes]

    def has(self, number: int, unit: ir.Unit, function: ir.Function, data: bytes) -> bool:
        """Whether a function of a unit, which is in these bytes now, was one, and is one with the text that it has."""
        place = self.crates.get(whose(unit))
        if place is None or self.looked_at[number // 8] >> number % 8 & 1 or function.by_hand:
            return False
        if number in self.called and self.called[number] != words_in(data[slice(*(function.body_at or (0, 0)))]):
            return False
        text, own = data[slice(*function.at)], function.owner.path[-1] if function.owner is not None else ""
        if function.body_at is not None and _says(data[function.at[0] : function.body_at[0]], self.heads):
            return False
        if own and not function.takes_self and _says(text, self.making):
            return False
        if any(all(name == own or name.encode() in text for name in pair) for pair in self.pairs):
            return False
        return not _finder(unit.language, self.sought[place]).finds(data, *function.at)


def whose(unit: ir.Unit) -> str:
    """By what the words are kept that are looked for in a unit."""
    return f"{unit.language} {unit.crate}"


def bits(numbers: Iterable[int], length: int) -> bytes:
    """A bit for each number from 0 to below `length`, the lowest of each byte first: whether it is one of these."""
    found = bytearray(-(-length // 8))
    for number in numbers:
        if number >= 0:
            found[number // 8] |= 1 << number % 8
    return bytes(found)


def _says(text: bytes, words: Iterable[str]) -> bool:
    return any(word.encode() in text for word in words)


@lru_cache(maxsize=4)
def _finder(language: str, words: ir.Words) -> Finder:
    return finder(language, words)
