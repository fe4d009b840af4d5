"""Locks that some way out of a function leaves taken although the function sees to giving them back.

In: an `Analysis`.  Out: `Leak`s, one for each acquisition, with the plainest way out.
Never: words for people.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from lockcheck import ir
from lockcheck.analysis import Analysis, Hold, Moment, Taken, Topic
from lockcheck.analysis.conflict import same_lock
from lockcheck.analysis.hands import LEAKED, outlives
from lockcheck.analysis.paths import arguments


class Leak(NamedTuple):
    """`hold` is still held where control leaves the function, at `out` in its file.

    `by_error`: only an exception from what is called there goes that way.
    """

    hold: Hold
    moment: Moment
    out: ir.Range
    by_error: bool


def _ends(event: ir.Step) -> bool:
    return isinstance(event, (ir.Leave, ir.Escape)) or (isinstance(event, ir.Release) and event.lock is not None)


ENDS = Topic(lambda analysis: analysis.names(lambda table: table.gives_back | table.takes_by_hand | table.leaks), _ends)
"""Ways out with a lock that no scope gives back, and releases by name."""


def leaks(analysis: Analysis) -> Iterator[Leak]:
    """One leak for each acquisition that some way out forgets."""
    functions: dict[int, list[Moment]] = defaultdict(list)
    for moment in analysis.about(ENDS):
        functions[moment.function].append(moment)
    given = _given_for_callers(functions)
    for number, moments in functions.items():
        found: dict[Taken, list[Leak]] = defaultdict(list)
        for moment in moments:
            if isinstance(moment.event, (ir.Leave, ir.Escape)):
                by_error = isinstance(moment.event, ir.Escape)
                for hold, _ in moment.held():
                    if outlives(hold) and not hold.taken.inner:
                        found[hold.taken].append(Leak(hold, moment, moment.event.at, by_error))
        released, hanging = _released(moments), _hanging(moments)
        for taken, several in found.items():
            if taken.site.at in hanging:
                continue
            worst = min(several, key=lambda leak: (leak.by_error, leak.out))
            forgotten = worst.hold.holder.root == LEAKED.root
            if forgotten or (_is_ours(taken, released, given) and not _handed_on(analysis, number, taken)):
                yield worst


def _is_ours(taken: Taken, released: frozenset[ir.Place], given: frozenset[str]) -> bool:
    """Whether it is for this function to give the lock back: it does so on another way, and nobody else does."""
    return taken.lock.place in released and taken.lock.owner not in given


def _hanging(moments: list[Moment]) -> set[ir.Range]:
    """The acquisitions that wait for each other: a deadlock, and no matter of the ways out."""
    found = set()
    for moment in moments:
        event = moment.event
        if isinstance(event, ir.Acquire) and not event.fallible:
            again = [hold.taken.site.at for hold, _ in moment.held() if same_lock(hold.taken.lock, event.lock)]
            found.update([*again, event.at] if again else [])
    return found


def _released(moments: list[Moment]) -> frozenset[ir.Place]:
    """The locks that the function gives back by name where it is sure to hold them.

    Where it is not, the release hangs on the same condition as the acquisition, and nobody can tell by which ways.
    """
    return frozenset(
        lock.place
        for moment, lock in _releases(moments)
        if any(sure and same_lock(hold.taken.lock, lock) for hold, sure in moment.held())
    )


def _given_for_callers(functions: Mapping[int, list[Moment]]) -> frozenset[str]:
    """The owners of locks that some function gives back which it did not take: it is for somebody else's sake."""
    found = set()
    for moments in functions.values():
        for moment, lock in _releases(moments):
            if not any(same_lock(hold.taken.lock, lock) for hold, _ in moment.held()):
                found.add(lock.owner)
    return frozenset(found)


def _releases(moments: list[Moment]) -> Iterator[tuple[Moment, ir.Lock]]:
    for moment in moments:
        if isinstance(moment.event, ir.Release) and moment.event.lock is not None:
            yield moment, moment.event.lock


def _handed_on(analysis: Analysis, number: int, taken: Taken) -> bool:
    """Whether the function passes on how the lock is given back: `stack.callback(self.lock.release)`."""
    names = analysis.effects(number).gives_back
    place = taken.lock.place
    last = place.way[-1:] or (place.root[-1:] if isinstance(place.root, tuple) else ())
    given = (place.way for place in arguments(analysis, number) if place.way[-1:] and place.way[-1] in names)
    return any(not last or way[-2:-1] in ((), last) for way in given)
