"""What was read to link a function, for those who remember what was found out of it.

In: the numbers of functions.  Out: `Reading`.
Never: why they were read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Set

import msgspec

from lockcheck import ir

SINGLE = "[single]"
"""Begins the path by which it goes whether there is one value of a type only."""
CHANNELS = "[channels]"
"""Begins the path by which it goes which makers of a type may make a channel, by their texts."""


def number_of_all(path: ir.Path) -> int:
    """The number, below -1, for which functions a module, or a type itself, has; see `SINGLE`, `CHANNELS` too."""
    digest = hashlib.blake2b("::".join(path).encode("utf-8", "surrogateescape"), digest_size=6).digest()
    return -2 - int.from_bytes(digest, "little")


class Reading(msgspec.Struct, frozen=True, array_like=True):
    """What a function was made of: the functions whose steps were read to link it, those of which only was asked what
    their results are other names of, and those of which was asked what a call of them does. `named` are others that
    it may call: they are linked with it where it is called, and nothing of it depends on what they do.
    """

    steps: tuple[int, ...]
    results: tuple[int, ...]
    calls: tuple[int, ...]
    named: tuple[int, ...]

    @property
    def linking(self) -> tuple[int, ...]:
        """Those that were read to link it: what they do where they are called is not asked then."""
        return (*self.steps, *self.results)

    @property
    def read(self) -> tuple[int, ...]:
        """Those on which something of it depends."""
        return (*self.linking, *self.calls)

    def beside(self, other: Reading) -> Reading:
        """Both together."""
        if self == other:
            return self
        steps, calls = {*self.steps, *other.steps}, {*self.calls, *other.calls}
        return reading(steps, {*self.results, *other.results}, calls, {*self.named, *other.named})


def reading(steps: Set[int], results: Set[int], calls: Set[int], named: Set[int]) -> Reading:
    """Each function once, by the most that was read of it."""
    every = steps, results - steps, calls, named - calls
    return Reading(*(tuple(sorted(some)) for some in every))
