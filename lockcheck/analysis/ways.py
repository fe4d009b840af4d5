"""The ways to stand at a place: which guards are held there, and what is known of the values that were asked about.

In: places, guards, facts.  Out: `Ways` and what the steps do to them.
Never: syntax, a language's name, calls.

A way is a set of guards. Two ways that hold the same are one, of which only what both know is known: so facts are
remembered for as long as they tell ways apart that hold different guards, and cost nothing where nothing is held.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple, TypeAlias

from lockcheck import ir
from lockcheck.linker import owner_of_static
from lockcheck.linker.rounds import Every

MOST_WAYS = 16
"""More ways than that are merged into two: what is held on all of them, and what is held on any."""

LONGEST_WAY = 16


class Site(NamedTuple):
    """A place in a function: its number and a byte range in its file."""

    function: int
    at: ir.Range


class Taken(NamedTuple):
    """An acquisition that somebody holds: `site` where this function took it, `inner` the steps inside callees.

    `by_hand`: it is held until the lock is released by name.
    """

    lock: ir.Lock
    mode: str
    site: Site
    name: str
    optional: bool
    inner: tuple[Site, ...] = ()
    by_hand: bool = False


class Hold(NamedTuple):
    """A guard and the place of the function that holds it."""

    taken: Taken
    holder: ir.Place


def place_of(hold: Hold) -> ir.Range:
    """Where the function took it."""
    return hold.taken.site.at


def rank(hold: Hold) -> tuple[Site, str, tuple[Site, ...], str, str]:
    """By its acquisition; of several at one place, of which a call may have made any, nothing is left open."""
    taken = hold.taken
    return taken.site, repr(hold.holder), taken.inner, taken.mode, repr(taken.lock)


class Fact(NamedTuple):
    """The value at a place is (`truth`) or is not `value`: a named value, or where empty: there, or true."""

    place: ir.Place
    value: ir.Path
    truth: bool

    @property
    def is_missing(self) -> bool:
        """Whether the value is missing or false."""
        return self.value in ((), ir.NOTHING) and self.truth == bool(self.value)


Facts: TypeAlias = frozenset[Fact]
Ways: TypeAlias = Mapping[frozenset[Hold], Facts]
"""What is held on each way, and what is known there. No ways: the place cannot be reached."""

STARTED = ("[elsewhere]", "[thread]")
"""The root of the places of what a thread knows that another function has started."""

ELSEWHERE = ("[elsewhere]",)
"""The root of places that the function cannot name."""

NOWHERE: Ways = {}
START: Ways = {frozenset(): frozenset()}
BEFORE = "[before]"
"""Begins the way of a place whose fact was true when the function began, and that was written since."""
GIVEN = "[given]"
"""Stands in the way of a place that must be missing, or a part of it so and so, though it was given some value."""


# --------------------------------------------------------------------------------------------------------- facts


def verdict(fact: Fact) -> bool | None:
    """Whether a fact about a written value holds; None where the value is not written."""
    root, way = fact.place.root, fact.place.way
    if root == ir.STATIC:
        return fact.truth if fact.value == (*ir.STATIC, *way) else None
    if isinstance(root, int) or way:
        return None
    if root in (ir.YES.root, ir.NO.root, ir.NOTHING, ir.MADE.root):
        if fact.value == ir.NOTHING:
            return (root == ir.NOTHING) == fact.truth
        return None if fact.value or root == ir.MADE.root else (root == ir.YES.root) == fact.truth
    return (root == fact.value) == fact.truth if fact.value else None


def contradicts(facts: Iterable[Fact], other: Fact) -> bool:
    """Whether a fact cannot hold where others do. Named values exclude each other, but for two variables' values."""
    if (said := verdict(other)) is not None:
        return not said
    for fact in facts:
        if fact.place != other.place:
            continue
        if fact.value == other.value and fact.truth != other.truth:
            return True
        if fact.truth and other.truth and fact.value and other.value and fact.value != other.value:
            return fact.value[:1] != ir.STATIC
    return False


def agree(facts: Facts, others: Facts) -> bool:
    """Whether all of both can hold at once."""
    return not any(contradicts(facts, other) for other in others)


def known(ways: Ways, fact: Fact) -> Ways:
    """The ways on which a fact can hold, where it is known from here on."""
    said = verdict(fact)
    if said is not None:
        return ways if said else NOWHERE
    return {way: facts | {fact} for way, facts in ways.items() if not contradicts(facts, fact)}


def forgotten(ways: Ways, gone: Callable[[ir.Place], bool]) -> Ways:
    """Nothing is known any more of the places that are gone."""
    if not any(ways.values()):
        return ways
    return {way: frozenset(f for f in facts if not gone(f.place)) for way, facts in ways.items()}


def passed(ways: Ways, dst: ir.Place, src: ir.Place, wrapped: bool = False) -> Ways:
    """What is known of `src` is known of `dst`, and nothing else is any more.

    `wrapped`: but for whether it is there, or true.
    """
    if not any(ways.values()) or dst == src:
        return forgotten(ways, lambda place: below(place, dst))

    def go(facts: Facts) -> Facts:
        mine = (
            f._replace(place=ir.Place(dst.root, dst.way + f.place.way[len(src.way) :]))
            for f in facts
            if below(f.place, src) and not (wrapped and f.place == src and f.value in ((), ir.NOTHING))
        )
        return frozenset((*(f for f in facts if not below(f.place, dst)), *mine))

    return {way: go(facts) for way, facts in ways.items()}


def overwritten(ways: Ways, dst: ir.Place) -> Ways:
    """What is known of a place that is written now is what was known of it before."""

    def go(fact: Fact) -> Fact:
        mine = below(fact.place, dst)
        return fact._replace(place=ir.Place(dst.root, (BEFORE, *fact.place.way))) if mine else fact

    return {way: frozenset(map(go, facts)) for way, facts in ways.items()}


def agreeing(ways: Ways, when: Facts) -> Ways:
    """The ways on which all of `when` can hold."""
    return {way: facts for way, facts in ways.items() if agree(facts, when)} if when else ways


def common(ways: Ways) -> Facts:
    """What is known on every way."""
    return frozenset.intersection(*ways.values()) if ways else frozenset()


# ---------------------------------------------------------------------------------------------------------- ways


def joined(one: Ways, other: Ways) -> Ways:
    """The ways of both."""
    if not one or one is other:
        return other
    out = dict(one)
    for way, facts in other.items():
        out[way] = out[way] & facts if way in out else facts
    return capped(out)


def too_many(one: Ways, other: Ways) -> bool:
    """Whether both have more ways together than are told apart."""
    return len(one) + len(other) > MOST_WAYS and len(one.keys() | other.keys()) > MOST_WAYS


def each(ways: Ways, change: Callable[[frozenset[Hold]], frozenset[Hold]]) -> Ways:
    """Every way changed; those that then hold the same are one."""
    out: dict[frozenset[Hold], Facts] = {}
    for way, facts in ways.items():
        new = change(way)
        out[new] = out[new] & facts if new in out else facts
    return out


def capped(ways: Ways) -> Ways:
    """At most `MOST_WAYS` ways: beyond that, what all have in common and what any has."""
    if len(ways) <= MOST_WAYS:
        return ways
    facts = common(ways)
    return {frozenset.intersection(*ways): facts, frozenset[Hold]().union(*ways): facts}


def below(inner: ir.Place, outer: ir.Place) -> bool:
    """Whether a place is another one or a part of it."""
    return inner.root == outer.root and inner.way[: len(outer.way)] == outer.way


def added(ways: Ways, hold: Hold) -> Ways:
    """Every way holds this too."""
    return each(ways, lambda way: way | {hold})


def added_where(ways: Ways, hold: Hold, when: Facts) -> Ways:
    """The ways on which `when` is true hold this too; where it may be either, there are both."""
    if not when:
        return added(ways, hold)
    with_it = {way: facts | when for way, facts in agreeing(ways, when).items()}
    without = {way: facts for way, facts in ways.items() if not when <= facts}
    return joined(added(with_it, hold), without)


def moved(ways: Ways, dst: ir.Place, src: ir.Place) -> Ways:
    """What `src` or a part of it holds is held by `dst`."""
    if not any(h.holder.root == src.root for way in ways for h in way):
        return ways

    def go(hold: Hold) -> Hold:
        if not below(hold.holder, src):
            return hold
        return Hold(hold.taken, ir.Place(dst.root, (dst.way + hold.holder.way[len(src.way) :])[:LONGEST_WAY]))

    return each(ways, lambda way: frozenset(map(go, way)))


def replaced(ways: Ways, path: ir.Path) -> Ways:
    """The ways on which a variable of a module has another value: what is held of the old one has no name there."""

    def is_old(lock: ir.Lock) -> bool:
        root = lock.place.root
        return not isinstance(root, int) and (*root, *lock.place.way)[: len(path)] == path

    def go(hold: Hold) -> Hold:
        lock = hold.taken.lock
        if not is_old(lock):
            return hold
        return Hold(hold.taken._replace(lock=moved_to(lock, ir.Place(ELSEWHERE))), hold.holder)

    return each(ways, lambda way: frozenset(map(go, way))) if any(ways) else ways


def shifted(ways: Ways, step: ir.Shift) -> Ways:
    """The ways behind a change of a container: what is held of its former elements has another name there."""

    def go(hold: Hold) -> Hold:
        lock = hold.taken.lock
        place = step.of(lock.place)
        return hold if place is lock.place else Hold(hold.taken._replace(lock=moved_to(lock, place)), hold.holder)

    return each(ways, lambda way: frozenset(map(go, way))) if any(ways) else ways


def converted(ways: Ways, step: ir.Convert) -> Ways:
    """What `src` holds is held by `dst` in another mode."""

    def go(hold: Hold) -> Hold:
        if not below(hold.holder, step.src):
            return hold
        return Hold(hold.taken._replace(mode=step.mode), step.dst)

    return each(ways, lambda way: frozenset(map(go, way)))


def released(ways: Ways, src: ir.Place) -> Ways:
    """What `src`, a part of it or what it is a part of holds is given back."""
    return each(ways, lambda way: frozenset(h for h in way if not (below(h.holder, src) or below(src, h.holder))))


def dropped(ways: Ways, slots: frozenset[int]) -> Ways:
    """What the slots hold is given back, and what is known of them forgotten."""
    ways = forgotten(ways, lambda place: place.root in slots)
    if not any(h.holder.root in slots for way in ways for h in way):
        return ways
    return each(ways, lambda way: frozenset(h for h in way if h.holder.root not in slots))


def absent(ways: Ways, place: ir.Place, sure: bool) -> Ways:
    """The value at a place turned out to be missing: a guard that could fail to be there is not there."""

    def kept(hold: Hold) -> bool:
        return not ((sure or hold.taken.optional) and below(hold.holder, place))

    return each(ways, lambda way: frozenset(filter(kept, way)))


def next_round(ways: Ways, body: ir.Region) -> Ways:
    """The ways with which a loop's next round starts: what belongs to one round is another thing in the next."""
    if not any(ways):
        return ways
    steps = list(ir.steps_of(body, closures=False))
    mine = frozenset(slot for step in steps if isinstance(step, ir.Region) for slot in step.slots)
    moves = (step.dst for step in steps if isinstance(step, ir.Move))
    mine |= {dst.root for dst in moves if isinstance(dst.root, int) and not dst.way}
    mine |= {step.dst for step in steps if isinstance(step, (ir.Ref, ir.Invoke))}

    def go(hold: Hold) -> Hold:
        place = hold.taken.lock.place
        if place.root in mine:
            place = ir.Place(ELSEWHERE)
        elif any(part.startswith("[") and not part[1:-1].isdigit() for part in place.way):
            place = ir.Place(place.root, tuple(_renamed(part, mine) for part in place.way))
        else:
            return hold
        return Hold(hold.taken._replace(lock=moved_to(hold.taken.lock, place)), hold.holder)

    return each(ways, lambda way: frozenset(map(go, way)))


def for_all(lock: ir.Lock, every: Every | None) -> ir.Lock:
    """A lock in an element that stands for every one of its list; as it is where it is not in that element."""
    place = every.of(lock.place) if every is not None else None
    return moved_to(lock, place) if place is not None else lock


def moved_to(lock: ir.Lock, place: ir.Place) -> ir.Lock:
    """The lock by another name."""
    owner = owner_of_static(place) or lock.owner
    return ir.Lock(place, owner, lock.kind, lock.waits, lock.family, lock.evidence, single=lock.single)


def _renamed(part: str, mine: frozenset[int]) -> str:
    if part.startswith("[each "):
        return "[?]" if int(part[6:-1]) in mine else part
    key = ir.key_of(part)
    if key is not None:
        return "[?]" if key.root in mine else part
    return "[?]" if part.startswith("[") and not part[1:-1].isdigit() else part
