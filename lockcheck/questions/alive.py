"""Guards that live for the sake of a branch's head, in arms that do without them.

In: an `Analysis`.  Out: `Alive`s, one for each guard, with the first event that matters.
Never: words for people.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from lockcheck import ir
from lockcheck.analysis import Analysis, Hold, Moment, Reach
from lockcheck.questions.conflict import conflicts, is_after_panic, same_lock


class Alive(NamedTuple):
    """The guard `hold` is alive at `moment`, in an arm that does not use it; `reach` is the lock waited for there."""

    moment: Moment
    hold: Hold
    sure: bool
    reach: Reach | None
    why: str


_SHORTLY = ("once", "watch")
"""Families of locks that are held for a moment only: nobody queues behind who waits for one."""


def under_heads(analysis: Analysis, role: str) -> Iterator[Alive]:
    """The guards of heads that are alive in arms of a role, where something else is waited for.

    A guard that something waits for is a deadlock and is left to the rules for those.
    """
    worse = {(c.hold.taken.site, c.hold.taken.lock.place) for c in conflicts(analysis)}
    seen = set()
    for moment in analysis:
        arms = [arm for arm in moment.arms if arm.role == role and not arm.needs]
        if not arms or not any(moment.ways):
            continue
        for hold, sure in moment.held():
            root, key = hold.holder.root, (hold.taken.site, hold.taken.lock.place)
            if key in worse or key in seen or not isinstance(root, int):
                continue
            if any(arm.head[0] <= root < arm.head[1] for arm in arms) and not is_after_panic(moment, hold):
                found = _matters(analysis, moment, hold)
                if found is not None:
                    seen.add(key)
                    yield Alive(moment, hold, sure, *found)


def _matters(analysis: Analysis, moment: Moment, hold: Hold) -> tuple[Reach | None, str] | None:
    """What is waited for at the moment: another lock, another task, something that blocks."""
    event = moment.event
    if isinstance(event, ir.Suspend):
        return (None, "waits") if hold.taken.lock.waits == "task" else None
    if isinstance(event, ir.Block):
        return None if event.brief or not event.why else (None, event.why)
    for reach in analysis.reaches(moment):
        other = reach.lock
        if other.family in _SHORTLY:
            continue
        if reach.certain and not reach.spread and other.evidence != "named" and not same_lock(other, hold.taken.lock):
            return reach, "takes another lock"
    return None
