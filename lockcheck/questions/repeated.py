"""Conflicts that are one bug: many hold a lock where they call what waits for a thread that needs it.

In: an `Analysis`.  Out: its conflicts in which a thread is waited for, each with those that come to wait there too.
Never: words for people, syntax.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator

from lockcheck.analysis import Analysis
from lockcheck.questions.conflict import Conflict, conflicts


def waits(analysis: Analysis) -> Iterator[tuple[Conflict, list[Conflict]]]:
    """The conflicts whose event waits for somebody, with the others that call what waits: of those the nearest counts.

    Two are one bug where one lock is wanted at one place, by the same calls from the one that waits on.
    """
    found: dict[Hashable, tuple[Conflict, list[Conflict]]] = {}
    mine = (one for one in conflicts(analysis) if one.by == "wait" and one.kind != "nested-read")
    for one in sorted(mine, key=lambda one: (len(one.reach.trace), analysis.span(analysis.site(one.moment)))):
        trace = one.reach.trace if one.joins else ()
        keys: list[Hashable] = [_key(one, number) for number in range(1, len(trace))]
        first = next((key for key in keys if key in found), None)
        if first is not None:
            found[first][1].append(one)
        else:
            found[keys[0] if keys else id(one)] = (one, [])
    yield from found.values()


def _key(conflict: Conflict, number: int) -> Hashable:
    """The wanted lock and the way to it, but for the first calls."""
    lock, reach = conflict.reach.lock, conflict.reach
    return lock.owner or lock.place, reach.site, reach.trace[number:]
