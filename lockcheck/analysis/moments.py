"""What rules look at: an event, and what is held when it happens.

In: the ways to an event.  Out: the guards that are held there, and whether on every way.
Never: how a walk comes there; words for people.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from lockcheck import ir
from lockcheck.analysis import hands
from lockcheck.analysis import ways as at
from lockcheck.analysis.summaries import Reach
from lockcheck.analysis.ways import Facts, Hold, Taken, Ways


class Moment(Struct):
    """An event and the ways to stand there just before it.

    `arms` are the arms around it and `loops` the loops, as ranges of bytes, each outermost first; what runs
    elsewhere may run in a loop there.
    """

    event: ir.Step
    ways: Ways
    arms: tuple[ir.Arm, ...]
    function: int
    loops: tuple[ir.Range, ...] = ()

    def held(self, when: Facts = frozenset()) -> list[tuple[Hold, bool]]:
        """Every guard that is held on some way, in order of acquisition, and whether on all.

        `when`: only the ways on which this can be true.
        """
        return _held(at.agreeing(self.ways, when))

    def met(self, reaches: Iterable[Reach]) -> Iterator[tuple[Reach, list[tuple[Hold, bool]]]]:
        """Each acquisition that the event comes to, with every guard that is held when it does."""
        under: dict[Facts, list[tuple[Hold, bool]]] = {}
        by_ways: dict[frozenset[frozenset[Hold]], list[tuple[Hold, bool]]] = {}
        for reach in reaches:
            if reach.when not in under:
                ways = at.agreeing(self.ways, reach.when)
                key = frozenset(ways)
                if key not in by_ways:
                    by_ways[key] = _held(ways)
                under[reach.when] = by_ways[key]
            yield reach, under[reach.when]


def _held(ways: Ways) -> list[tuple[Hold, bool]]:
    """See `Moment.held`."""
    ways = at.each(ways, lambda way: frozenset(h for h in way if not hands.is_mark(h)))
    some = frozenset[Hold]().union(*ways)
    every = frozenset.intersection(*ways) if ways else some
    certain = {hold.taken for hold in every} | _on_every_way(ways)
    places = {hold.taken.site.at for hold in some}
    listed = sorted(some, key=at.place_of if len(places) == len(some) else at.rank) if len(some) > 1 else some
    seen: set[Taken] = set()
    out = []
    for hold in listed:
        if hold.taken not in seen:
            seen.add(hold.taken)
            out.append((hold, hold.taken in certain))
    return out


def is_question(arms: tuple[ir.Arm, ...]) -> bool:
    """Whether a branch asks something, other than whether a loop goes on with its next element."""
    return not any(arm.role == "body" for arm in arms)


def _on_every_way(ways: Ways) -> set[Taken]:
    sets = [{hold.taken for hold in way} for way in ways]
    return set.intersection(*sets) if sets else set()
