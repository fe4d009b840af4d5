"""What was read to link a function, for those who remember what was found out of it.

In: the numbers of functions.  Out: `Reading`.
Never: why they were read.
"""

from __future__ import annotations

import hashlib

import msgspec

from lockcheck import ir

SINGLE = "[single]"
"""Begins the path by which it goes whether there is one value of a type only."""


def number_of_all(path: ir.Path) -> int:
    """The number, below -1, for which functions a module, or a type itself, has at all; see `SINGLE` too."""
    digest = hashlib.blake2b("::".join(path).encode("utf-8", "surrogateescape"), digest_size=6).digest()
    return -2 - int.from_bytes(digest, "little")


class Reading(msgspec.Struct, frozen=True, array_like=True):
    """What a function was made of: the functions whose steps were read to link it, those of which only was asked what
    their results are other names of, and those that it may call.
    """

    steps: tuple[int, ...]
    results: tuple[int, ...]
    calls: tuple[int, ...]

    @property
    def every(self) -> tuple[int, ...]:
        """All of these functions."""
        return (*self.steps, *self.results, *self.calls)

    def beside(self, other: Reading) -> Reading:
        """Both together."""
        if self == other:
            return self
        steps, calls = {*self.steps, *other.steps}, {*self.calls, *other.calls}
        results = {*self.results, *other.results} - steps
        return Reading(tuple(sorted(steps)), tuple(sorted(results)), tuple(sorted(calls)))
