"""Whether two summaries of a function say the same, if what stands elsewhere in a file now counts for nothing.

In: summaries, the functions in files that changed.  Out: yes or no.
Never: what is held, a file.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import astuple

from lockcheck.analysis.summaries import Summary
from lockcheck.analysis.ways import Site

_Ranks: TypeAlias = Mapping[tuple[int, int], int]
"""Of each offset in a function that may have moved, how many others come before it."""


def alike(one: Summary, other: Summary, moved: Collection[int]) -> bool:
    """Whether both are the same but for offsets in the functions that may have `moved`, which have the same order."""
    return one == other or _said(astuple(one), _ranks(one, moved)) == _said(astuple(other), _ranks(other, moved))


def _ranks(summary: Summary, moved: Collection[int]) -> _Ranks:
    named = {(site.function, offset) for site in summary.sites() if site.function in moved for offset in site.at}
    return {place: rank for rank, place in enumerate(sorted(named))}


def _said(value: object, ranks: _Ranks) -> object:
    """A part of a summary, with ranks for the offsets that have one."""
    if isinstance(value, Site):
        number = value.function
        return number, tuple(ranks.get((number, offset), offset) for offset in value.at)
    if isinstance(value, tuple):
        return tuple([_said(part, ranks) for part in value])
    if isinstance(value, frozenset):
        return frozenset(_said(part, ranks) for part in value)
    return tuple([_said(part, ranks) for part in astuple(value)]) if isinstance(value, Struct) else value
