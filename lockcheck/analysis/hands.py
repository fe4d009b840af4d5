"""Guards that nobody's scope ends: locks taken and given back by name, in one function or in several.

In: ways and locks.  Out: ways.
Never: syntax, calls.

A function may give back what its caller took. On such a way stands a mark, a `Hold` whose holder is `FREE`: the lock
is free although the caller's guard still seems to be held; taking it again takes the mark away. So it does where a
function tried to take the lock, got it and gave it back: it would not have got it, had its caller held it.
"""

from __future__ import annotations

from lockcheck import ir
from lockcheck.analysis import ways as at
from lockcheck.analysis.ways import NOWHERE, Fact, Hold, Site, Taken, Ways

FREE = ir.Place(("[free]",))
"""The holder of a mark."""

KEPT = ir.Place(("[kept]",))
"""The holder of a guard that a callee took and left taken."""

LEAKED = ir.Place(("[leaked]",))
"""The holder of what was forgotten on purpose."""


def is_mark(hold: Hold) -> bool:
    """Whether it says that a lock is free."""
    return hold.holder == FREE


def outlives(hold: Hold) -> bool:
    """Whether no scope's end gives the guard back: it was taken by name, or forgotten."""
    return (hold.taken.by_hand or hold.holder.root == LEAKED.root) and not is_mark(hold)


def unlocked(ways: Ways, lock: ir.Lock, site: Site) -> Ways:
    """One guard of a lock is given back on every way, whoever holds it; where nobody does, it is the caller's.

    Who got a plain lock by a try knows that no caller has it: a mark stays behind for the ways on which it came.
    """
    mark = Hold(Taken(lock, "exclusive", site, "", False, (), True), FREE)
    loose = lock.family == "semaphore"

    def go(way: frozenset[Hold]) -> frozenset[Hold]:
        mine = [hold for hold in way if hold.taken.lock.place == lock.place and not is_mark(hold)]
        if mine:
            last = max(mine, key=lambda hold: (hold.taken.by_hand, *at.rank(hold)))
            tried = last.taken.by_hand and last.taken.optional and lock.family == "mutex"
            return (way - {last}) | {mark} if tried else way - {last}
        return way if loose else way | {mark}

    return at.each(ways, go)


def locked(ways: Ways, hold: Hold) -> Ways:
    """A lock is taken by name on every way; where the caller's guard was given back, that one is whole again."""

    def go(way: frozenset[Hold]) -> frozenset[Hold]:
        marks = {one for one in way if is_mark(one) and one.taken.lock.place == hold.taken.lock.place}
        return way - marks if marks else way | {hold}

    return at.each(ways, go)


def having(ways: Ways, lock: ir.Lock) -> Ways:
    """The ways on which the lock is held: who tries to take it again there, does not get it."""

    def mine(hold: Hold) -> bool:
        return hold.taken.lock.place == lock.place and not is_mark(hold)

    return {way: facts for way, facts in ways.items() if any(map(mine, way))}


def freed(ways: Ways) -> tuple[ir.Lock, ...]:
    """The locks of the caller's that are free on every way."""
    if not ways:
        return ()
    first, *rest = ({hold.taken.lock for hold in way if is_mark(hold)} for way in ways)
    return tuple(sorted(first.intersection(*rest), key=repr))


def kept(ends: Ways, result: int) -> tuple[Taken, ...]:
    """What was taken by name and is still held on every way to a function's end, but not by what it returns."""
    if not ends:
        return ()
    first, *rest = (
        {hold.taken for hold in way if hold.taken.by_hand and hold.holder.root != result and not is_mark(hold)}
        for way in ends
    )
    return tuple(sorted(first.intersection(*rest), key=repr))


def answered(ends: Ways, result: int) -> tuple[Taken, ...]:
    """What was taken by name and is still held wherever a function's answer is true, and nowhere where it is not.

    So whoever asks knows by the answer whether the lock is taken, as with a lock's own try.
    """
    says = {said: Fact(ir.Place(result), (), said) for said in (True, False)}
    yes, no = ({way: facts for way, facts in ends.items() if says[said] in facts} for said in (True, False))
    free = {hold.taken for way in no for hold in way}
    told = no and len(yes) + len(no) == len(ends)
    return tuple(taken for taken in kept(yes, result) if taken not in free) if told else ()


def before(ways: Ways, step: ir.Escape) -> Ways:
    """The ways on which what `step` stands behind raises: what it took itself is not held."""
    begin, end = step.at

    def inside(hold: Hold) -> bool:
        return begin <= hold.taken.site.at[0] and hold.taken.site.at[1] <= end

    return at.each(ways, lambda way: frozenset(hold for hold in way if not inside(hold))) or NOWHERE


def settled(before: Ways, after: Ways, given: frozenset[ir.Place]) -> Ways:
    """The ways behind a test, on one side of which some locks were given back.

    What was taken on some ways only, and is given back on some ways only, is given back where it was taken: the
    condition that says so (`if locked: lock.release()`) is not known here, its writer knew it.
    """
    some = {hold for way in before for hold in way if hold.taken.by_hand and hold.taken.lock.place in given}
    maybe = {hold for hold in some if not all(hold in way for way in before)}
    return at.each(after, lambda way: way - maybe) if maybe else after


def failed(ways: Ways, place: ir.Place) -> Ways:
    """The ways on which taking a lock by name can have failed, of which `place` is the result: not if it waits."""

    def waited(hold: Hold) -> bool:
        return hold.taken.by_hand and not hold.taken.optional and hold.holder == place

    return {way: facts for way, facts in ways.items() if not any(map(waited, way))}


def untaken(ways: Ways, place: ir.Place) -> Ways:
    """The ways on which nobody holds the lock at a place: no try of it came to anything there."""

    def tried(hold: Hold) -> bool:
        return hold.taken.by_hand and hold.taken.optional and hold.taken.lock.place == place

    return at.each(ways, lambda way: frozenset(hold for hold in way if not tried(hold)))
