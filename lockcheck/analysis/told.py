"""What a walk over a function has found so far of what its callers must know.

In: acquisitions, waits and calls of parameters as a walk comes to them, with the ways there.  Out: the same in terms of
the function's own parameters, the best witness of each under each condition.
Never: steps; how the walk comes to them.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct, field

from lockcheck import ir
from lockcheck.analysis import hands
from lockcheck.analysis import ways as at
from lockcheck.analysis.summaries import Reach, Stall, Wait, is_parameter
from lockcheck.analysis.ways import Fact, Facts, Taken, Ways, below

MOST_REACHES = 96
"""A summary names at most so many acquisitions."""

MOST_JOINS = 16
"""And so many that threads come to for which it waits."""

MOST_CONDITIONS = 8
"""One acquisition is known under at most so many conditions; beyond that, under what they have in common."""


_EMPTY = (ir.NO.root, ir.NOTHING)


Plainness = tuple[bool, bool, int]
"""Whether a witness is a guess, whether it is one of several, how many calls it goes through."""


class Told(Struct):
    """What is told so far; lives as long as one walk over a function of so many `parameters`."""

    parameters: int
    written: set[ir.Place] = field(default_factory=set)
    """The parameters, and parts of them, that were given a value up to here."""
    filled: set[ir.Place] = field(default_factory=set)
    """Those of them that were given more than nothing."""
    reaches: dict[tuple[object, ...], dict[Facts, Reach]] = field(default_factory=dict)
    suspends: dict[tuple[str, Facts], Wait] = field(default_factory=dict)
    blocks: dict[tuple[str, Facts], Wait] = field(default_factory=dict)
    calls: dict[tuple[str, Facts], Wait] = field(default_factory=dict)
    stalls: dict[tuple[ir.Place, str], Stall] = field(default_factory=dict)
    joins: dict[tuple[ir.Place, str, str], Reach] = field(default_factory=dict)
    awaits: set[int] = field(default_factory=set)
    """The parameters that threads call for which it waits."""
    callbacks: dict[int, dict[Taken, Facts]] = field(default_factory=dict)
    handed: dict[tuple[int, Taken], int] = field(default_factory=dict)
    passed_on: set[int] = field(default_factory=set)
    capped: bool = False

    def put(self, ways: Ways, dst: ir.Place, src: ir.Place | None = None) -> Ways:
        """A place is written: of a parameter's part, what was known before is still what the caller must know.

        What comes back from the closure that had taken it along (`src`) is what it was.
        """
        known = dst.root < self.parameters if isinstance(dst.root, int) else dst.root == ir.STATIC
        if not known or (src is not None and src.way == (ir.captured(dst.root),)):
            return ways
        if src is None or src.way or src.root not in _EMPTY:
            self.filled.add(dst)
        if dst in self.written:
            return ways
        self.written.add(dst)
        return at.overwritten(ways, dst)

    def of_parameters(self, facts: Facts, at_end: bool = False) -> Facts:
        """What a caller can know of it: before the call, or (`at_end`) after it."""
        mine = (f for f in facts if f.place.root in (ir.STATIC, ir.ONESELF) or 0 <= _slot(f.place) < self.parameters)
        told = (f for f in mine if f.place.way[-1:] != (ir.LOCKED,))
        if at_end:
            return frozenset(f for f in told if f.place.way[:1] != (at.BEFORE,))
        return frozenset(found for f in told if (found := self.at_begin(f)) is not None)

    def of_callee(self, when: Facts, known: Facts) -> Facts:
        """What a caller can know of a callee's condition, where so much is `known` at the call.

        What the function gave some value itself may be missing all the same, and a part of it may be anything: no
        caller knows, and that is told.
        """
        wanted = (fact.place for fact in when - known if self.is_doubtful(fact))
        doubts = frozenset(Fact(ir.Place(place.root, (at.GIVEN, *place.way)), (), False) for place in wanted)
        return self.of_parameters(when | known) | doubts

    def is_doubtful(self, fact: Fact) -> bool:
        """Whether a fact speaks of a value that the function gave itself, and would hardly be so."""
        *wholes, itself = _wholes(fact.place)
        return not self.filled.isdisjoint(wholes) or (fact.is_missing and itself in self.filled)

    def set_by_end(self, facts: Facts) -> Facts:
        """Of what is known at the end, what the function made true itself of parts of what it was given."""
        mine = (fact for fact in facts if 0 <= _slot(fact.place) < self.parameters and fact.place in self.written)
        return frozenset(fact for fact in mine if fact.place.way)

    def at_begin(self, fact: Fact) -> Fact | None:
        """A fact as one of when the function began; None where the function made it true itself."""
        place = fact.place
        if at.GIVEN in place.way:
            return fact
        if place.way[:1] == (at.BEFORE,):
            return fact._replace(place=ir.Place(place.root, place.way[1:]))
        return fact if self.written.isdisjoint(_wholes(place)) else None

    def is_news(self, lock: ir.Lock, mode: str, recursive: bool, when: Facts, rank: Plainness) -> bool:
        """Whether an acquisition would tell callers anything: of another one like it they know no better witness, and
        they are not told of many others already.
        """
        others = self.reaches.get((lock.place, lock.owner, mode, recursive))
        if others is None:
            self.capped = self.capped or len(self.reaches) >= MOST_REACHES
            return len(self.reaches) < MOST_REACHES
        known = others.get(when)
        return known is None or rank < plainness(known)

    def reach(self, reach: Reach) -> None:
        """An acquisition that is met."""
        if self.is_news(reach.lock, reach.mode, reach.recursive, reach.when, plainness(reach)):
            self.note(reach)

    def note(self, reach: Reach) -> None:
        """An acquisition that is news counts; under too many conditions, under what they have in common."""
        others = self.reaches.setdefault((reach.lock.place, reach.lock.owner, reach.mode, reach.recursive), {})
        known = others.get(reach.when)
        if known is None and any(w < reach.when and plainness(r) <= plainness(reach) for w, r in others.items()):
            return
        if known is None and len(others) >= MOST_CONDITIONS:
            when, best = reach.when.intersection(*others), min((*others.values(), reach), key=plainness)
            others.clear()
            others[when] = best._replace(when=when)
        elif known is not None:
            others[reach.when] = reach._replace(beside=reach.beside & known.beside)
        else:
            others[reach.when] = reach

    def wait(self, known: dict[tuple[str, Facts], Wait], wait: Wait, ways: Ways) -> None:
        """The first place of a kind that is met under a condition counts; under too many, what they have in common."""
        when, kind = self.of_parameters(at.common(ways) | wait.when), f"{wait.why} {wait.on}"
        others = [other for one, other in known if one == kind]
        if len(others) >= MOST_CONDITIONS:
            when = when.intersection(*others)
        key = kind, when
        if key not in known or (wait.certain and not known[key].certain):
            known[key] = wait._replace(when=when)

    def stall(self, stall: Stall) -> None:
        """The first wait on a place for one kind of thing counts."""
        self.stalls.setdefault((stall.on.place, stall.of), stall)

    def join(self, reach: Reach) -> None:
        """The first acquisition of a lock by a thread that is waited for counts, and only so many."""
        key = reach.lock.place, reach.lock.owner, reach.mode
        if key in self.joins or len(self.joins) < MOST_JOINS:
            self.joins.setdefault(key, reach)

    def reached(self) -> Iterator[Reach]:
        """All acquisitions that were met."""
        for others in self.reaches.values():
            yield from others.values()

    def called_back(self, slot: int, ways: Ways, moved: tuple[tuple[int, ir.Place], ...] = ()) -> dict[Taken, Facts]:
        """A parameter is called under what is held here; `moved` is what it is given for good, see `ir.Callback`."""
        under = self.callbacks.setdefault(slot, {})
        for taken in {h.taken for way in ways for h in way if not (hands.is_mark(h) or is_parameter(h.taken))}:
            when = self.wherever(ways, taken)
            under[taken] = when & under.get(taken, when)
        for number, place in moved:
            mine = {h.taken for way in ways for h in way if below(h.holder, place) and not is_parameter(h.taken)}
            self.handed.update(dict.fromkeys(((slot, taken) for taken in mine if not taken.by_hand), number))
        return under

    def pass_on(self, place: ir.Place | None) -> None:
        """A parameter goes on to a call that may do anything with it."""
        if place is not None and not place.way and isinstance(place.root, int) and place.root < self.parameters:
            self.passed_on.add(place.root)

    def wherever(self, ends: Ways, taken: Taken, at_end: bool = False) -> Facts:
        """What is known of the parameters wherever a guard is held."""
        with_it = {way: facts for way, facts in ends.items() if any(hold.taken == taken for hold in way)}
        return self.of_parameters(at.common(with_it), at_end)


def _wholes(place: ir.Place) -> Iterator[ir.Place]:
    """What a place is a part of, the place itself last."""
    return (ir.Place(place.root, place.way[:parts]) for parts in range(len(place.way) + 1))


def _slot(place: ir.Place) -> int:
    return place.root if isinstance(place.root, int) else -1


def plainness(reach: Reach) -> Plainness:
    """Smaller is the better witness of two."""
    return not reach.certain, reach.spread > 0, len(reach.trace)
