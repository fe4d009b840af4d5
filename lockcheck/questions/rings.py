"""The signals that a function comes to, and what it asks for before each.

In: an `Analysis`.  Out: `Ring`s in a function's own terms.
Never: who waits for them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

from msgspec import Struct, field
from msgspec.structs import replace

from lockcheck import ir
from lockcheck.analysis import Analysis, Site
from lockcheck.analysis.order import components
from lockcheck.analysis.summaries import instantiate
from lockcheck.linker import Linked

AGAIN = frozenset(["room"])
"""What must be given again and again: locks taken between one time and the next count as well."""


EACH = frozenset(["done"])
"""What is given once for each thing that is worked off: what is asked for in one round counts, as in the next."""


class Need(NamedTuple):
    """A lock that is asked for on every way to a signal, and where."""

    lock: ir.Lock
    mode: str
    site: Site


class Ring(NamedTuple):
    """A signal that `on` gives (`of`, see `ir.Wait`), with what is asked for before, in the terms of `function`.

    `own`: in no thread of its own. A condition variable gives nothing: its `of` is empty.
    """

    on: ir.Lock
    of: str
    needs: frozenset[Need]
    site: Site
    own: bool
    function: int


def rings(analysis: Analysis, number: int, slot: int | None = None, plain: bool = False) -> tuple[Ring, ...]:
    """The signals that a function comes to, in its own terms, with what it asks for before each.

    With a `slot` only those that may be given by what is in it: calls that are handed nothing of it are not followed.
    `plain`: what is asked for before is left out, so that no other call is followed either.
    """
    return analysis.once(_Known).rings(number, slot, plain)


_Asked: TypeAlias = "tuple[int, int | None, bool]"
"""Whose rings are asked for: see `rings`."""

_Key: TypeAlias = "_Asked | int"
"""What is known of a function: its rings (see `rings`), or (the number alone) what a call of it asks for."""

_ROUNDS = 2
"""Functions that need each other are gone through so often."""


class _Known:
    """What every function is known to come to: callees first, so that nothing is asked for within another question."""

    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis
        self._rings: dict[_Asked, tuple[Ring, ...]] = {}
        self._needs: dict[int, frozenset[Need]] = {}

    def rings(self, number: int, slot: int | None, plain: bool) -> tuple[Ring, ...]:
        """See `rings`."""
        key = number, slot, plain
        if key not in self._rings:
            start: _Key = key
            for group in components(start, self._wanted):
                for _ in range(0 if self._knows(group[0]) else min(len(group), _ROUNDS)):
                    for one in sorted(group, key=str):
                        self._work_out(one)
        return self._rings[key]

    def ringing(self, key: _Asked) -> tuple[Ring, ...]:
        """The rings of a callee, as far as they are known."""
        return self._rings.get(key, ())

    def needs(self, number: int) -> frozenset[Need]:
        """What a call of the function asks for on every way, as far as that is known."""
        return self._needs.get(number, frozenset())

    def _knows(self, key: _Key) -> bool:
        return key in (self._needs if isinstance(key, int) else self._rings)

    def _wanted(self, key: _Key) -> Iterator[_Key]:
        """What must be known before."""
        before = None if self._knows(key) else self._before(key)
        if before is None:
            return
        for region in (before.linked.root, *(before.linked.elsewhere if not isinstance(key, int) else ())):
            for step in _calls(region):
                if not isinstance(key, int):
                    yield from before.coming(step)
                if not before.plain and before.is_sure(step):
                    yield step.targets[0]

    def _work_out(self, key: _Key) -> None:
        before = self._before(key)
        if isinstance(key, int):
            after = before.region(before.linked.root, frozenset()) if before is not None else None
            self._needs[key] = after or frozenset()
        else:
            self._rings[key] = before.everywhere() if before is not None else ()

    def _before(self, key: _Key) -> _Before | None:
        """The walk that answers; None where there is nothing to walk over."""
        number, slot, plain = (key, None, False) if isinstance(key, int) else key
        linked = self._analysis.linked(number)
        if linked is None or not (plain or slot is None or self.rings(number, slot, True)):
            return None
        names = None if slot is None else _names(linked, slot)
        return _Before(number, linked, self, frozenset() if isinstance(key, int) else names, plain)


def _names(linked: Linked, slot: int) -> frozenset[int]:
    """The slots by which a function may name what is in a slot, or a part of it."""
    pairs = [(one.root, other.root) for known in (linked.alias, linked.home) for one, other in known.items()]
    found, new = set[int](), {slot}
    while new:
        found |= new
        new = {one for one, other in pairs if other in found and isinstance(one, int)} - found
    return frozenset(found)


def _calls(region: ir.Region) -> Iterator[ir.Invoke]:
    """The calls in a region, those that stand in what is handed to others included."""
    for step in ir.steps_of(region, closures=False):
        if isinstance(step, ir.Invoke):
            yield step
            for _, body, _ in step.lambdas:
                yield from _calls(body)
        elif isinstance(step, ir.Register):
            for body in step.bodies:
                yield from _calls(body)


State = frozenset[Need] | None
"""What was asked for on every way; None where no way comes."""


def _both(one: State, other: State) -> State:
    if one is None or other is None:
        return other if one is None else one
    return one & other


class _Before(Struct):
    """A walk over one function's steps.

    `names` are the slots by which a signal must be given to count; None: all. `plain`: what is asked for before is not
    worked out.
    """

    number: int
    linked: Linked
    known: _Known
    names: frozenset[int] | None
    plain: bool
    own: bool = True
    found: list[Ring] = field(default_factory=list)
    exits: dict[int, State] = field(default_factory=dict)
    again: bool = False
    before: frozenset[Need] = frozenset()
    """What was asked for before the loop."""

    def everywhere(self) -> tuple[Ring, ...]:
        """The signals of the function's steps, and of the bodies in it that run at another time."""
        self.region(self.linked.root, frozenset())
        self.own = False
        for body in self.linked.elsewhere:
            self.exits.clear()
            self.region(body, frozenset())
        return tuple(dict.fromkeys(self.found))

    def region(self, region: ir.Region, state: State) -> State:
        for step in region.steps:
            if state is None:
                break
            state = self.step(step, state)
        return _both(state, self.exits.pop(region.label, None)) if region.label >= 0 else state

    def step(self, step: ir.Step, state: frozenset[Need]) -> State:
        match step:
            case ir.Region():
                return self.region(step, state)
            case ir.Branch(arms):
                after: State = None
                for arm in arms:
                    after = _both(after, self.region(arm.body, state))
                return after
            case ir.Loop(body, label):
                self.loop(body, label, state)
                return None
            case ir.Leave(label) | ir.Escape(label):
                self.exits[label] = _both(self.exits.get(label), state)
                return None if isinstance(step, ir.Leave) else state
            case ir.Acquire(lock, mode, at=at) if not (step.fallible or self.plain):
                return state | {Need(lock, mode, Site(self.number, at))}
            case ir.Signal(on, at, of=of) if self.names is None or on.place.root in self.names:
                self.ring(Ring(self.owned(on), of, state, Site(self.number, at), self.own, self.number))
            case ir.Register(bodies=bodies):
                self.aside(bodies)
            case ir.Invoke():
                return self.invoke(step, state)
            case _:
                pass
        return state

    def ring(self, ring: Ring) -> None:
        """What must be given again counts as it is in the later rounds of a loop, all else as in the first."""
        if self.again and ring.of not in AGAIN:
            return
        if ring.of in EACH:
            ring = ring._replace(needs=ring.needs - self.before)
        if self.again:
            self.found = [one for one in self.found if (one.site, one.of) != (ring.site, ring.of)]
        self.found.append(ring)

    def loop(self, body: ir.Region, label: int, state: frozenset[Need]) -> None:
        before, self.before = self.before, state
        once = _both(self.region(body, state), self.exits.pop(label, None))
        self.before = before
        if once is not None and not self.again:
            self.again = True
            self.region(body, once)
            self.exits.pop(label, None)
            self.again = False

    def aside(self, bodies: tuple[ir.Region, ...]) -> None:
        """Other threads ask for what they need themselves."""
        own, exits = self.own, self.exits
        for body in bodies:
            self.own, self.exits = False, {}
            self.region(body, frozenset())
        self.own, self.exits = own, exits

    def invoke(self, step: ir.Invoke, state: frozenset[Need]) -> State:
        for _, body, _ in step.lambdas:
            self.region(body, state)
        sure = self.is_sure(step)
        for ring in (ring for key in self.coming(step) for ring in self.known.ringing(key)):
            on = self.owned(instantiate(ring.on, step, self.linked))
            needs = self.seen(ring.needs, step) if sure else frozenset[Need]()
            needs = needs | state if ring.own else needs
            self.ring(Ring(on, ring.of, needs, ring.site, ring.own and self.own, self.number))
        if sure and not self.plain:
            state = state | self.seen(self.known.needs(step.targets[0]), step)
        return state

    def is_sure(self, step: ir.Invoke) -> bool:
        """Whether it is known whom a call runs."""
        return step.certain and len(step.targets) == 1

    def coming(self, step: ir.Invoke) -> Iterator[_Asked]:
        """What of the callees' signals counts."""
        handed = [n for n, place in enumerate(step.paths) if place is not None and place.root in (self.names or ())]
        for target in step.targets:
            for slot in (None,) if self.names is None else handed:
                yield target, slot, self.plain

    def seen(self, needs: frozenset[Need], step: ir.Invoke) -> frozenset[Need]:
        """A callee's needs as the caller sees them."""
        return frozenset(need._replace(lock=instantiate(need.lock, step, self.linked)) for need in needs)

    def owned(self, on: ir.Lock) -> ir.Lock:
        """With the owner of the place, where the caller knows it."""
        if on.owner:
            return on
        owner = next((one.owner for one in self.linked.handed if one.place == on.place and one.owner), "")
        return replace(on, owner=owner) if owner else on
