"""What is held when, in one function.

In: a linked function and the summaries of the functions it calls.  Out: `Moment`s, and the function's own `Summary`.
Never: syntax, a language's name, a rule.

A state is the set of ways to stand at a place, each the set of guards held there. Branches are union, a place that
cannot be reached has no ways; a guard held on every way is certain, on some way possible.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from lockcheck import ir
from lockcheck.linker import Linked, oldest, owner_of_static

MOST_WAYS = 16
"""More ways than that are merged into two: what is held on all of them, and what is held on any."""

MOST_REACHES = 96
"""A summary names at most so many acquisitions."""

LONGEST_WAY = 10


class Site(NamedTuple):
    """A place in a function: its number and a byte range in its file."""

    function: int
    at: ir.Range


class Taken(NamedTuple):
    """An acquisition that somebody holds: `site` where this function took it, `inner` the steps inside callees."""

    lock: ir.Lock
    mode: str
    site: Site
    name: str
    optional: bool
    inner: tuple[Site, ...] = ()


class Hold(NamedTuple):
    """A guard and the place of the function that holds it."""

    taken: Taken
    holder: ir.Place


Guards = tuple[tuple[int, Literal["thread", "task"]], ...]
"""Parameters by which guards come in, with how their locks wait."""

Ways = frozenset[frozenset[Hold]]
NOWHERE: Ways = frozenset()
START: Ways = frozenset([frozenset()])


class Reach(NamedTuple):
    """An acquisition that a call comes to: the lock as the caller sees it, the calls on the way, the place itself.

    `beside` are the numbers of the callee's parameters whose guards are still held then. `certain`: no call on the
    way was resolved by its name alone; `spread`: some call means one of several implementations.
    """

    lock: ir.Lock
    mode: str
    recursive: bool
    trace: tuple[Site, ...]
    site: Site
    beside: frozenset[int]
    certain: bool
    spread: bool = False


class Wait(NamedTuple):
    """A place where the thread lets go or waits, reached by a call."""

    why: str
    trace: tuple[Site, ...]
    site: Site


@dataclass(frozen=True)
class Summary:
    """What a call of a function does, in its own parameters' terms."""

    reaches: tuple[Reach, ...] = ()
    suspends: tuple[Wait, ...] = ()
    blocks: tuple[Wait, ...] = ()
    returns: tuple[tuple[ir.Path, Taken], ...] = ()
    fates: tuple[tuple[int, ir.Place | None], ...] = ()
    callbacks: tuple[tuple[int, tuple[Taken, ...]], ...] = ()
    passed_on: frozenset[int] = frozenset()
    capped: bool = False
    known: bool = True


EMPTY = Summary(known=False)
"""Of a function without a body, or one that is just being summarized."""


@dataclass
class Moment:
    """An event and the ways to stand there just before it. `arms` are the arms around it, outermost first."""

    event: ir.Step
    ways: Ways
    arms: tuple[ir.Arm, ...]
    function: int

    def held(self) -> list[tuple[Hold, bool]]:
        """Every guard that is held on some way, in order of acquisition, and whether on all."""
        some = frozenset[Hold]().union(*self.ways)
        every = frozenset.intersection(*self.ways) if self.ways else some
        certain = {hold.taken for hold in every} | _on_every_way(self.ways)
        listed = sorted(some, key=lambda h: (h.taken.site.at, repr(h.holder)))
        seen: set[Taken] = set()
        out = []
        for hold in listed:
            if hold.taken not in seen:
                seen.add(hold.taken)
                out.append((hold, hold.taken in certain))
        return out


def _on_every_way(ways: Ways) -> set[Taken]:
    sets = [{hold.taken for hold in way} for way in ways]
    return set.intersection(*sets) if sets else set()


@dataclass
class Walk:
    """One walk over a function; lives as long as `walk` runs."""

    number: int
    linked: Linked
    parameters: int
    summarize: Callable[[int], Summary]
    always: bool
    moments: dict[tuple[int, tuple[int, ...]], Moment] = field(default_factory=dict)
    exits: dict[int, Ways] = field(default_factory=dict)
    arms: tuple[ir.Arm, ...] = ()
    reaches: dict[tuple[object, ...], Reach] = field(default_factory=dict)
    suspends: dict[str, Wait] = field(default_factory=dict)
    blocks: dict[str, Wait] = field(default_factory=dict)
    callbacks: dict[int, tuple[Taken, ...]] = field(default_factory=dict)
    at_end: Ways = NOWHERE
    capped: bool = False

    def moment(self, event: ir.Step, ways: Ways) -> None:
        key = (id(event), tuple(id(a) for a in self.arms))
        known = self.moments.get(key)
        if known is None:
            self.moments[key] = Moment(event, ways, self.arms, self.number)
        else:
            known.ways |= ways

    # ------------------------------------------------------------------------------------------------------- steps

    def steps(self, steps: Iterable[ir.Step], ways: Ways) -> Ways:
        for step in steps:
            if not ways:
                return NOWHERE
            ways = self.step(step, ways)
        return ways

    def step(self, step: ir.Step, ways: Ways) -> Ways:
        match step:
            case ir.Move(dst, src):
                return moved(ways, dst, src)
            case ir.Invoke():
                return self.invoke(step, ways)
            case ir.Region():
                return self.region(step, ways)
            case ir.Branch(arms):
                return self.branch(arms, ways)
            case ir.Acquire():
                return self.acquire(step, ways)
            case ir.Release(src):
                self.moment(step, ways)
                return released(ways, src)
            case ir.Convert():
                self.moment(step, ways)
                return converted(ways, step)
            case ir.Loop(body, label):
                return self.loop(body, label, ways)
            case ir.Leave(label):
                self.exits[label] = capped(self.exits.get(label, NOWHERE) | ways)
                return NOWHERE
            case ir.Refine(place, present, sure):
                return ways if present else absent(ways, place, sure)
            case ir.Suspend(at):
                self.moment(step, ways)
                self.suspends.setdefault("", Wait("", (), Site(self.number, at)))
                return ways
            case ir.Block(at, _, _, why):
                self.moment(step, ways)
                self.blocks.setdefault(why, Wait(why, (), Site(self.number, at)))
                return ways
            case ir.Callback(slot):
                self.moment(step, ways)
                held = tuple(h.taken for h in frozenset[Hold]().union(*ways) if not is_parameter(h.taken))
                self.callbacks[slot] = tuple(dict.fromkeys(self.callbacks.get(slot, ()) + held))
                return ways
            case ir.Discard():
                self.moment(step, ways)
                return ways
            case _:
                return ways

    def region(self, region: ir.Region, ways: Ways) -> Ways:
        after = self.steps(region.steps, ways)
        if region.slots:
            mine = frozenset(region.slots)
            after = dropped(after, mine)
            for label, left in self.exits.items():
                self.exits[label] = dropped(left, mine)
        if region.label >= 0 and region.label in self.exits:
            after = capped(after | self.exits.pop(region.label))
        return after

    def branch(self, arms: tuple[ir.Arm, ...], ways: Ways) -> Ways:
        after, around = NOWHERE, self.arms
        for arm in arms:
            if arm.role:
                self.arms = (*around, arm)
            after |= self.region(arm.body, ways)
            self.arms = around
        return capped(after)

    def loop(self, body: ir.Region, label: int, ways: Ways) -> Ways:
        """The body runs until it leaves; what one round keeps, the next one starts with."""
        seen = ways
        for _ in range(3):
            once = self.region(body, seen)
            again = capped(seen | next_round(once | self.exits.pop(label, NOWHERE), body))
            if again == seen:
                break
            seen = again
        return NOWHERE

    def acquire(self, step: ir.Acquire, ways: Ways) -> Ways:
        self.moment(step, ways)
        site = Site(self.number, step.at)
        if not step.fallible:
            self.reach(
                Reach(step.lock, step.mode, step.recursive, (), site, self.beside(ways), step.lock.evidence != "named")
            )
        if step.holder is None:
            return ways
        taken = Taken(step.lock, step.mode, site, step.name, step.optional)
        return added(ways, Hold(taken, step.holder))

    def beside(self, ways: Ways) -> frozenset[int]:
        """The parameters whose guards are held on some way."""
        some = frozenset[Hold]().union(*ways)
        return frozenset(parameter_of(h.taken) for h in some if is_parameter(h.taken))

    def reach(self, reach: Reach) -> None:
        key = (reach.lock.place, reach.lock.owner, reach.mode, reach.recursive)
        known = self.reaches.get(key)
        if known is None and len(self.reaches) >= MOST_REACHES:
            self.capped = True
            return
        if known is None or _plainness(reach) < _plainness(known):
            beside = reach.beside & known.beside if known is not None else reach.beside
            self.reaches[key] = reach._replace(beside=beside)

    # ------------------------------------------------------------------------------------------------------- calls

    def invoke(self, step: ir.Invoke, ways: Ways) -> Ways:
        self.moment(step, ways)
        for _, body, _ in step.lambdas:
            if not step.targets:
                ways = capped(ways | self.region(body, ways))
        if not (self.always or step.hands_out or step.guard is not None or step.lambdas or any(ways)):
            return ways
        after = NOWHERE
        for target in step.targets:
            after |= self.target(step, target, ways)
        return capped(after) if step.targets else ways

    def target(self, step: ir.Invoke, target: int, ways: Ways) -> Ways:
        summary = self.summarize(target)
        here = Site(self.number, step.at)
        for reach in summary.reaches:
            inside = instantiate(reach.lock, step, self.linked)
            beside = self.beside(ways)
            certain, spread = reach.certain and step.certain, reach.spread or len(step.targets) > 1
            trace = (here, *reach.trace)
            self.reach(reach._replace(lock=inside, trace=trace, beside=beside, certain=certain, spread=spread))
        for mine, theirs in ((self.suspends, summary.suspends), (self.blocks, summary.blocks)):
            for wait in theirs:
                mine.setdefault(wait.why, wait._replace(trace=(here, *wait.trace)))
        for number, body, boxed in step.lambdas:
            called = dict(summary.callbacks)
            if number in called or (not boxed and (number in summary.passed_on or not summary.known)):
                ways = self.callback(step, called, number, body, ways)
            else:
                Walk(self.number, self.linked, self.parameters, self.summarize, False, self.moments).region(body, START)
        return self.results(step, summary, ways)

    def callback(
        self, step: ir.Invoke, callbacks: dict[int, tuple[Taken, ...]], number: int, body: ir.Region, ways: Ways
    ) -> Ways:
        """A closure that the callee calls runs under what the callee holds then."""
        inside = ways
        for taken in callbacks.get(number, ()):
            lock = instantiate(taken.lock, step, self.linked)
            site = Site(self.number, step.at)
            held = Taken(lock, taken.mode, site, taken.name, False, (taken.site, *taken.inner))
            inside = added(inside, Hold(held, ir.Place(("[callee]",))))
        after = self.region(body, inside)
        return capped(ways | released(after, ir.Place(("[callee]",))))

    def results(self, step: ir.Invoke, summary: Summary, ways: Ways) -> Ways:
        """What the callee hands out, and what became of the guards that were passed in."""
        fates = dict(summary.fates)
        carried = False
        for number, operand in enumerate(step.operands):
            if not operand.moved or operand.place is None:
                continue
            holds = any(below(h.holder, operand.place) for way in ways for h in way)
            if not holds:
                continue
            fate = fates.get(number)
            if fate is not None:
                root = ir.Place(step.dst, fate.way) if fate.root == ("[result]",) else None
                kept = (
                    step.operands[fate.root].place
                    if isinstance(fate.root, int) and fate.root < len(step.operands)
                    else None
                )
                goal = root or (ir.Place(kept.root, kept.way + fate.way) if kept is not None else None)
                if goal is not None:
                    ways, carried = moved(ways, goal, operand.place), True
                    continue
            if number not in fates and step.guard is not None:
                ways, carried = moved(ways, ir.Place(step.dst), operand.place), True
                continue
            ways = released(ways, operand.place)
        for way, taken in summary.returns:
            lock = instantiate(taken.lock, step, self.linked)
            maybe = taken.optional or (step.guard is not None and step.guard.optional)
            mine = Taken(lock, taken.mode, Site(self.number, step.at), step.name, maybe, (taken.site, *taken.inner))
            ways, carried = added(ways, Hold(mine, ir.Place(step.dst, way))), True
        if step.guard is not None and not carried:
            ways = self.acquire(step.guard, ways)
        return ways


def _plainness(reach: Reach) -> tuple[bool, bool, int]:
    """Smaller is the better witness of two."""
    return not reach.certain, reach.spread, len(reach.trace)


# ---------------------------------------------------------------------------------------------------- sets of ways


def capped(ways: Ways) -> Ways:
    """At most `MOST_WAYS` ways: beyond that, what all have in common and what any has."""
    if len(ways) <= MOST_WAYS:
        return ways
    return frozenset([frozenset.intersection(*ways), frozenset[Hold]().union(*ways)])


def below(inner: ir.Place, outer: ir.Place) -> bool:
    """Whether a place is another one or a part of it."""
    return inner.root == outer.root and inner.way[: len(outer.way)] == outer.way


def added(ways: Ways, hold: Hold) -> Ways:
    """Every way holds this too."""
    return frozenset(way | {hold} for way in ways)


def moved(ways: Ways, dst: ir.Place, src: ir.Place) -> Ways:
    """What `src` or a part of it holds is held by `dst`."""
    if not any(h.holder.root == src.root for way in ways for h in way):
        return ways

    def go(hold: Hold) -> Hold:
        if not below(hold.holder, src):
            return hold
        return Hold(hold.taken, ir.Place(dst.root, (dst.way + hold.holder.way[len(src.way) :])[:LONGEST_WAY]))

    return frozenset(frozenset(map(go, way)) for way in ways)


def converted(ways: Ways, step: ir.Convert) -> Ways:
    """What `src` holds is held by `dst` in another mode."""

    def go(hold: Hold) -> Hold:
        if not below(hold.holder, step.src):
            return hold
        return Hold(hold.taken._replace(mode=step.mode), step.dst)

    return frozenset(frozenset(map(go, way)) for way in ways)


def released(ways: Ways, src: ir.Place) -> Ways:
    """What `src`, a part of it or what it is a part of holds is given back."""
    return frozenset(frozenset(h for h in way if not (below(h.holder, src) or below(src, h.holder))) for way in ways)


def dropped(ways: Ways, slots: frozenset[int]) -> Ways:
    """What the slots hold is given back."""
    if not any(h.holder.root in slots for way in ways for h in way):
        return ways
    return frozenset(frozenset(h for h in way if h.holder.root not in slots) for way in ways)


def absent(ways: Ways, place: ir.Place, sure: bool) -> Ways:
    """The value at a place turned out to be missing: a guard that could fail to be there is not there."""
    return frozenset(
        frozenset(h for h in way if not ((sure or h.taken.optional) and below(h.holder, place))) for way in ways
    )


def next_round(ways: Ways, body: ir.Region) -> Ways:
    """The ways with which a loop's next round starts: what belongs to one round is another thing in the next."""
    if not any(ways):
        return ways
    mine = slots_of(body)

    def go(hold: Hold) -> Hold:
        place = hold.taken.lock.place
        if place.root in mine:
            place = ir.Place(("[elsewhere]",))
        elif any(part.startswith("[") and not part[1:-1].isdigit() for part in place.way):
            place = ir.Place(place.root, tuple(_renamed(part, mine) for part in place.way))
        else:
            return hold
        return Hold(hold.taken._replace(lock=_at(hold.taken.lock, place)), hold.holder)

    return frozenset(frozenset(map(go, way)) for way in ways)


def _renamed(part: str, mine: frozenset[int]) -> str:
    if part.startswith("[each "):
        return "[?]" if int(part[6:-1]) in mine else part
    return "[?]" if part.startswith("[") and not part[1:-1].isdigit() else part


def slots_of(region: ir.Region) -> frozenset[int]:
    """All slots that a region and those in it own."""
    found = set(region.slots)
    for step in region.steps:
        match step:
            case ir.Region():
                found |= slots_of(step)
            case ir.Branch(arms):
                for arm in arms:
                    found |= slots_of(arm.body)
            case ir.Loop(body):
                found |= slots_of(body)
            case _:
                pass
    return frozenset(found)


# -------------------------------------------------------------------------------------------- across calls


def is_parameter(taken: Taken) -> bool:
    """Whether the guard is one that was passed in."""
    return taken.lock.place.root == ("[parameter]",)


def parameter_of(taken: Taken) -> int:
    """The number of the parameter that a passed guard came in by."""
    return int(taken.lock.place.way[0])


def instantiate(lock: ir.Lock, step: ir.Invoke, caller: Linked) -> ir.Lock:
    """A callee's lock as the caller sees it, by the caller's oldest name.

    What the caller cannot see keeps its owner only.
    """
    root = lock.place.root
    if isinstance(root, tuple):
        return lock
    base = step.paths[root] if root < len(step.paths) else None
    if base is None or len(base.way) + len(lock.place.way) > LONGEST_WAY:
        return _at(lock, ir.Place(("[elsewhere]",)))
    inner = tuple("[?]" if part.startswith("[") else part for part in lock.place.way)
    place = oldest(ir.Place(base.root, base.way + inner), caller.alias)
    if lock.thin and root == 0 and step.owners:
        return ir.Lock(place, step.owners[0], lock.kind, lock.waits, lock.family, lock.evidence)
    return _at(lock, place)


def _at(lock: ir.Lock, place: ir.Place) -> ir.Lock:
    return ir.Lock(place, owner_of_static(place) or lock.owner, lock.kind, lock.waits, lock.family, lock.evidence)


def walk(
    number: int,
    linked: Linked,
    parameters: int,
    guards: Guards,
    named_at: ir.Range,
    summarize: Callable[[int], Summary],
    always: bool,
) -> tuple[list[Moment], Summary]:
    """The moments of a function and its summary.

    `guards` are the guards passed in, `named_at` where the function's name is. `summarize` gives callees' summaries;
    where `always` is False it is asked only where something is held, and the summary is not to be used.
    """
    walker = Walk(number, linked, parameters, summarize, always)
    start = START
    for slot, waits in guards:
        passed = ir.Lock(ir.Place(("[parameter]",), (str(slot),)), "", "", waits, "mutex", "declared")
        start = added(start, Hold(Taken(passed, "exclusive", Site(number, named_at), "", False), ir.Place(slot)))
    ends = _ends(walker, start)
    for body in linked.elsewhere:
        aside = Walk(number, linked, parameters, summarize, False, walker.moments)
        aside.region(body, START)
    return list(walker.moments.values()), _summary(walker, ends, guards)


def reached_by(
    number: int, linked: Linked, parameters: int, body: ir.Region, summarize: Callable[[int], Summary]
) -> tuple[Reach, ...]:
    """The acquisitions that another thread's body comes to."""
    walker = Walk(number, linked, parameters, summarize, True)
    walker.region(body, START)
    return tuple(walker.reaches.values())


def _ends(walker: Walk, start: Ways) -> Ways:
    """Walk the body; the ways at its end before the parameters are dropped (what the result and others hold)."""
    root = walker.linked.root
    after = walker.steps(root.steps, start)
    return capped(after | walker.exits.pop(root.label, NOWHERE))


def _summary(walker: Walk, ends: Ways, guards: Guards) -> Summary:
    result = walker.linked.result_slot
    some = frozenset[Hold]().union(*ends)
    returns: dict[tuple[ir.Path, ir.Place, str], Taken] = {}
    fates: dict[int, ir.Place | None] = dict.fromkeys(slot for slot, _ in guards)
    for hold in sorted(some, key=lambda h: (h.taken.site, repr(h.holder))):
        in_result = hold.holder.root == result and result >= 0
        if is_parameter(hold.taken):
            if in_result:
                fates[parameter_of(hold.taken)] = ir.Place(("[result]",), hold.holder.way)
            elif isinstance(hold.holder.root, int) and hold.holder.root < walker.parameters and hold.holder.way:
                fates[parameter_of(hold.taken)] = hold.holder
        elif in_result:
            returns.setdefault((hold.holder.way, hold.taken.lock.place, hold.taken.mode), hold.taken)
    listed = tuple((way, taken) for (way, _, _), taken in list(returns.items())[:8])
    reaches = tuple(r for r in walker.reaches.values() if r.lock.place.root != ("[parameter]",))
    return Summary(
        reaches,
        tuple(walker.suspends.values()),
        tuple(walker.blocks.values()),
        listed,
        tuple(fates.items()),
        tuple(walker.callbacks.items()),
        walker.linked.passed_on,
        walker.capped,
    )
