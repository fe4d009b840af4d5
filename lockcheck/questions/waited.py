"""Critical sections that wait for a condition, by which they give the lock back meanwhile.

In: an `Analysis`, moments, guards.  Out: whether a guard's lock is free while an event waits, and whether one did so.
Never: words for people.
"""

from __future__ import annotations

from lockcheck import ir
from lockcheck.analysis import Analysis, Hold, Moment
from lockcheck.analysis.ways import below


def given_back(moment: Moment, hold: Hold) -> bool:
    """Whether the guard's lock is free while the moment's event waits."""
    event = moment.event
    if not isinstance(event, ir.Wait):
        return False
    by_guard = event.guard is not None and below(hold.holder, event.guard)
    return by_guard or (event.lock is not None and _alike(hold.taken.lock.place, event.lock.place))


def _alike(one: ir.Place, other: ir.Place) -> bool:
    """Whether two places are one, or can be the same element of what holds many."""
    parts = zip(one.way, other.way, strict=False)
    alike = all(a == b or (a.startswith("[") and b.startswith("[")) for a, b in parts)
    return one.root == other.root and len(one.way) == len(other.way) and alike


def has_waited(analysis: Analysis, moment: Moment, hold: Hold) -> bool:
    """Whether a critical section has waited for a condition before a moment, and has woken nobody since.

    What it has waited for is, as a rule, the last that others do under the lock.
    """
    last = -1
    before = analysis.site(moment).at[0]
    for one in analysis.moments(moment.function):
        event = one.event
        if not isinstance(event, (ir.Wait, ir.Signal)) or event.of or not last < event.at[0] < before:
            continue
        if isinstance(event, ir.Signal):
            last = -1
        elif any(held.taken == hold.taken and given_back(one, held) for held, _ in one.held()):
            last = event.at[0]
    return last >= 0
