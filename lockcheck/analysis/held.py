"""What is held when, in one function.

In: a linked function and the summaries of the functions it calls.  Out: `Moment`s, and the function's own `Summary`.
Never: syntax, a language's name, a rule.

Branches are the union of their ways; a guard held on every way is certain, on some way possible.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from msgspec import Struct, field
from msgspec.structs import replace

from lockcheck import ir
from lockcheck.analysis import hands
from lockcheck.analysis import ways as at
from lockcheck.analysis.joins import given_on, joined
from lockcheck.analysis.moments import Moment, is_question
from lockcheck.analysis.summaries import (
    Guards,
    Reach,
    Stall,
    Summary,
    Wait,
    discharged,
    freed_for,
    given_as,
    heard_by,
    instantiate,
    is_parameter,
    is_told,
    met,
    parameter_of,
    written_by,
)
from lockcheck.analysis.told import Told
from lockcheck.analysis.ways import (
    NOWHERE,
    START,
    Fact,
    Facts,
    Hold,
    Site,
    Taken,
    Ways,
    below,
)
from lockcheck.linker import Linked


class _Under(NamedTuple):
    """What holds where a call comes to something that its callee does: see `Reach`.

    `given`: the parameters whose guards go into the call for good, each with the number of the callee's parameter.
    """

    beside: frozenset[int]
    given: tuple[tuple[int, int], ...]
    when: Facts
    freed: tuple[ir.Lock, ...]


class Walk(Struct):
    """One walk over a function; lives as long as `walk` runs."""

    number: int
    linked: Linked
    summarize: Callable[[int], Summary]
    always: bool
    told: Told
    moments: dict[tuple[int, tuple[int, ...]], Moment] = field(default_factory=dict)
    exits: dict[int, Ways] = field(default_factory=dict)
    arms: tuple[ir.Arm, ...] = ()
    calm: set[ir.Range] = field(default_factory=set)
    """The calls of functions that raise nothing."""
    lost: set[ir.Range] = field(default_factory=set)
    """The calls of functions that never come back, on one side of a question; elsewhere they may in the end."""
    tried: bool = False
    """A lock was taken by name before, or was not."""
    given: list[ir.Place] = field(default_factory=list)
    """The locks that were given back by name, in order."""
    lent: dict[Hold, Facts] = field(default_factory=dict)
    """What is held where the caller's block runs that the function runs around, with what is known wherever it is."""
    loops: tuple[ir.Range, ...] = ()
    asked: bool = False
    """Something was asked before that may decide whether the walk comes to where it stands."""
    merged: bool = False
    """Somewhere there were more ways than are told apart."""
    answers: dict[int, ir.Place] = field(default_factory=dict)
    """The questions that callees answered by one part of an object alone, by the slot of the answer."""

    def joined(self, one: Ways, other: Ways) -> Ways:
        self.merged = self.merged or at.too_many(one, other)
        return at.joined(one, other)

    def moment(self, event: ir.Step, ways: Ways) -> None:
        key = (id(event), tuple(id(a) for a in self.arms))
        known = self.moments.get(key)
        if known is None:
            self.moments[key] = Moment(event, ways, self.arms, self.number, self.loops)
        else:
            known.ways = self.joined(known.ways, ways)

    # ------------------------------------------------------------------------------------------------------- steps

    def steps(self, steps: Iterable[ir.Step], ways: Ways) -> Ways:
        for step in steps:
            if not ways:
                return NOWHERE
            ways = self.step(step, ways)
        return ways

    def step(self, step: ir.Step, ways: Ways) -> Ways:
        match step:
            case ir.Move(dst, src, wrapped):
                if src.way == ir.OTHER:
                    ways = at.replaced(ways, dst.way)
                return at.moved(at.passed(self.told.put(ways, dst, src), dst, src, wrapped), dst, src)
            case ir.Invoke():
                return self.invoke(step, ways)
            case ir.Region():
                return self.region(step, ways)
            case ir.Branch(arms):
                return self.branch(arms, ways)
            case ir.Acquire():
                return self.acquire(step, ways)
            case ir.Release():
                return self.release(step, ways)
            case ir.Escape():
                return self.escape(step, ways)
            case ir.Yield():
                self.moment(step, ways)
                self.lend(ways)
                return ways
            case ir.Shift():
                return at.shifted(ways, step)
            case ir.Convert():
                self.moment(step, ways)
                return at.converted(ways, step)
            case ir.Loop(body, label):
                return self.loop(body, label, ways)
            case ir.Leave(label):
                self.leave(step, label, ways)
                return NOWHERE
            case ir.Refine(place, present, sure):
                return ways if present else at.absent(hands.failed(ways, place), place, sure)
            case ir.Assume():
                return self.assumed(step, ways)
            case ir.Suspend(where, why=why, on=on):
                self.moment(step, ways)
                self.told.wait(self.told.suspends, Wait(why, (), Site(self.number, where), on=on), ways)
                return ways
            case ir.Block():
                return self.block(step, ways)
            case ir.Callback(slot, moved=moved):
                if slot >= 0:
                    self.moment(step, ways)
                self.told.called_back(slot, ways, moved)
                return ways
            case ir.Wait(on, where, _, name, of=of):
                self.moment(step, ways)
                if of and not step.bounded:
                    self.told.stall(Stall(on, of, name, (), Site(self.number, where), not self.asked))
                return ways
            case ir.Act(("calls" | "tells" | "logs" | "spells") as what, at=where):
                self.moment(step, ways)
                self.told.wait(self.told.calls, Wait(what, (), Site(self.number, where)), ways)
                return ways
            case ir.Register() | ir.Discard() | ir.Act() | ir.Signal():
                self.moment(step, ways)
                return ways
            case _:
                return ways

    def lend(self, ways: Ways) -> None:
        """The caller's block runs here, if the function runs around one."""
        for hold in frozenset[Hold]().union(*ways) if self.linked.around else ():
            when = self.told.wherever(ways, hold.taken, True)
            self.lent[hold] = when & self.lent.get(hold, when)

    def release(self, step: ir.Release, ways: Ways) -> Ways:
        """A guard, or what was taken of a lock by name, is given back."""
        if step.at[0] < step.at[1]:
            self.moment(step, ways)
        if step.lock is None:
            return at.released(at.forgotten(ways, lambda place: below(place, step.src)), step.src)
        self.given.append(step.lock.place)
        return hands.unlocked(at.forgotten(ways, _held(step.lock).__eq__), step.lock, Site(self.number, step.at))

    def block(self, step: ir.Block, ways: Ways) -> Ways:
        """The thread waits, perhaps for other threads: what these come to is met here."""
        self.moment(step, ways)
        once = step.bounded and not self.loops  # (in a loop it may wait again)
        wait = Wait(step.why, (), Site(self.number, step.at), on=step.on, bounded=once)
        self.told.wait(self.told.blocks, wait, ways)
        joined(self, step.others, step.at, ways)
        return ways

    def escape(self, step: ir.Escape, ways: Ways) -> Ways:
        """An exception may leave here. What comes of it where that is rare is no matter of the function's callers."""
        after = hands.before(ways, step)
        if step.rarely:
            if any(hands.outlives(hold) for way in after for hold in way):
                self.moment(step, after)
        elif step.at not in self.calm:
            self.leave(step, step.label, after)
        return NOWHERE if step.at in self.lost else ways

    def leave(self, step: ir.Step, label: int, ways: Ways) -> None:
        """Control goes elsewhere; leaving the function with a lock that no scope gives back is an event."""
        if label in (ir.RETURN, ir.RAISED) and any(hands.outlives(hold) for way in ways for hold in way):
            self.moment(step, ways)
        self.exits[label] = self.joined(self.exits.get(label, NOWHERE), ways)

    def region(self, region: ir.Region, ways: Ways) -> Ways:
        after = self.steps(region.steps, ways)
        if region.slots:
            mine = frozenset(region.slots)
            after = at.dropped(after, mine)
            for label, left in self.exits.items():
                self.exits[label] = at.dropped(left, mine)
        if region.label >= 0 and region.label in self.exits:
            after = self.joined(after, self.exits.pop(region.label))
        return after

    def branch(self, arms: tuple[ir.Arm, ...], ways: Ways) -> Ways:
        after, around, given = NOWHERE, self.arms, len(self.given)
        self.asked = self.asked or is_question(arms)
        for arm in arms:
            if arm.role:
                self.arms = (*around, arm)
            after = self.joined(after, self.region(arm.body, ways))
            self.arms = around
        if len(self.given) > given and any(arm.role == "test" for arm in arms):
            return hands.settled(ways, after, frozenset(self.given[given:]))
        return after

    def loop(self, body: ir.Region, label: int, ways: Ways) -> Ways:
        """The body runs until it leaves; what one round keeps, the next one starts with."""
        seen, around = ways, self.loops
        self.loops = (*around, body.at)
        for _ in range(3):
            once = self.region(body, seen)
            left = self.joined(once, self.exits.pop(label, NOWHERE))
            again = self.joined(seen, at.next_round(left, body))
            if again == seen:
                break
            seen = again
        self.loops = around
        return NOWHERE

    def acquire(self, step: ir.Acquire, ways: Ways) -> Ways:
        self.moment(step, ways)
        site = Site(self.number, step.at)
        if not step.fallible:
            self.told.reach(
                Reach(
                    at.for_all(step.lock, self.linked.of_all.get(step.at)),
                    step.mode,
                    step.recursive,
                    (),
                    site,
                    self.beside(ways),
                    step.lock.evidence != "named" or self.is_given(step.lock.place),
                    when=self.told.of_parameters(at.common(ways)),
                    freed=hands.freed(ways),
                )
            )
        if step.holder is None:
            return ways
        self.tried = self.tried or step.by_hand
        taken = Taken(step.lock, step.mode, site, step.name, step.optional, (), step.by_hand)
        hold = Hold(taken, step.holder)
        mine = hands.having(ways, step.lock) if step.fallible and step.lock.family == "mutex" else NOWHERE
        rest = {way: facts for way, facts in ways.items() if way not in mine}
        if step.by_hand and not step.fallible:
            return at.known(hands.locked(rest, hold), Fact(_held(step.lock), (), True))
        return at.joined(mine, hands.locked(rest, hold) if step.by_hand else at.added(rest, hold))

    def is_given(self, place: ir.Place) -> bool:
        """Whether a lock is a parameter itself: whether it is one at all, the caller may know."""
        return isinstance(place.root, int) and place.root < self.told.parameters and not place.way

    def passed_in(self, ways: Ways) -> list[Hold]:
        """The guards that are held on some way and came in by a parameter."""
        return [hold for hold in frozenset[Hold]().union(*ways) if is_parameter(hold.taken)]

    def beside(self, ways: Ways) -> frozenset[int]:
        """The parameters whose guards are held on some way."""
        return frozenset(parameter_of(hold.taken) for hold in self.passed_in(ways))

    # ------------------------------------------------------------------------------------------------------- calls

    def invoke(self, step: ir.Invoke, ways: Ways) -> Ways:
        self.moment(step, ways)
        for _, body, _ in step.lambdas:
            if not step.targets:
                ways = self.joined(ways, self.region(body, ways))
        if self.tried and self.arms[-1:] and is_question(self.arms[-1:]) and self.never_back(step):
            self.lost.add(step.at)
        told = self.always or step.hands_out or step.guard is not None or any(ways)
        if not (told or any(self.does_something(body) for _, body, _ in step.lambdas)):
            return ways
        after, under = NOWHERE, dict[Facts, _Under | None]()
        for target in step.targets:
            after = self.joined(after, self.target(step, target, ways, under))
        if step.targets and not any(self.summarize(target).raises for target in step.targets):
            self.calm.add(step.at)
        return after if step.targets else ways

    def never_back(self, step: ir.Invoke) -> bool:
        """Whether all that the callee does in the end is raise."""
        return step.certain and len(step.targets) == 1 and not self.summarize(step.targets[0]).comes_back

    def does_something(self, body: ir.Region) -> bool:
        """Whether it matters under what a closure runs: not where all that it does is to give back a value."""
        return not all(
            isinstance(step, ir.Region)
            or (isinstance(step, (ir.Move, ir.Ref)) and (step.src.root == ir.HANDED or self.is_nameless(step.dst)))
            for step in ir.steps_of(body)
        )

    def is_nameless(self, dst: ir.Place | int) -> bool:
        """Whether nothing is known of what is put at a place, and nobody asks for it by a name."""
        root = dst.root if isinstance(dst, ir.Place) else dst
        return isinstance(root, int) and root >= self.told.parameters and not self.linked.slots[root].name

    def under(self, step: ir.Invoke, ways: Ways, when: Facts) -> _Under | None:
        """On which ways a call comes to what its callee does under a condition; None where it never does."""
        mine = discharged(when, step)
        fitting = at.agreeing(ways, mine) if mine is not None else NOWHERE
        if mine is None or not fitting:
            return None
        passed = [(parameter_of(h.taken), given_as(step, h)) for h in self.passed_in(fitting)]
        captured = (-1, *(number for number, _, _ in step.lambdas))
        kept = frozenset(parameter for parameter, number in passed if number in captured)
        given = tuple((parameter, number) for parameter, number in passed if number not in captured)
        return _Under(kept, given, self.told.of_callee(mine, at.common(fitting)), hands.freed(fitting))

    def target(self, step: ir.Invoke, target: int, ways: Ways, under: dict[Facts, _Under | None]) -> Ways:
        """The ways after one of a call's targets; `under` is what is known already of the targets' conditions."""
        summary = self.summarize(target)
        self.acquired_by(step, summary, ways, under)
        self.waited_by(step, summary, ways)
        given_on(self, step, summary, ways)
        self.passes_on(step, summary, ways)
        self.answered(step, summary)
        return self.results(step, summary, self.assigned(step, summary, self.closures(step, summary, ways)))

    def acquired_by(self, step: ir.Invoke, summary: Summary, ways: Ways, under: dict[Facts, _Under | None]) -> None:
        """The acquisitions that a callee, or a thread that it waits for, comes to are met here too."""
        here, fates, every = Site(self.number, step.at), dict(summary.fates), (*summary.reaches, *summary.joins)
        guess, spread = not step.certain, int(step.once or len(step.targets) > 1)
        told = {heard: is_told(heard, step, self.linked) for heard in {one.heard for one in every}}
        for number, reach in enumerate(every):
            if reach.when not in under:
                under[reach.when] = self.under(step, ways, reach.when)
            met_under = under[reach.when]
            if met_under is None or told[reach.heard]:
                continue
            kept, given, when, freed = met_under
            inside = instantiate(reach.lock, step, self.linked)
            inside = at.for_all(inside, self.linked.of_all.get(step.at))
            own = number < len(summary.reaches)
            rank = guess or not reach.certain, reach.spread + spread > 0, len(reach.trace) + 1
            if own and not self.told.is_news(inside, reach.mode, reach.recursive, when, rank):
                continue
            beside = kept.union(mine for mine, theirs in given if theirs in reach.beside or theirs not in fates)
            free, heard = freed_for(reach, step, self.linked, freed), heard_by(reach.heard, step, self.linked)
            mine = reach.through(step, here, inside, when, free, beside, heard)
            (self.told.note if own else self.told.join)(mine)

    def waited_by(self, step: ir.Invoke, summary: Summary, ways: Ways) -> None:
        """The waits that a callee comes to are met here too."""
        here, plain = Site(self.number, step.at), step.certain and len(step.targets) == 1
        for mine, theirs in self.waits_of(summary, plain):
            for wait, fitting in met(theirs, step, ways):
                through = wait._replace(trace=(here, *wait.trace), certain=wait.certain and plain)
                self.told.wait(mine, through, fitting)
        for stall in summary.stalls if plain else ():
            on, way = instantiate(stall.on, step, self.linked), (here, *stall.trace)
            self.told.stall(stall._replace(on=on, trace=way, plain=stall.plain and not self.asked))

    def closures(self, step: ir.Invoke, summary: Summary, ways: Ways) -> Ways:
        """The ways after the closures that a callee runs; those that it keeps run at another time, under nothing."""
        for number, body, boxed in step.lambdas:
            called = dict(summary.callbacks)
            if number >= 0 and any(reach.heard == number for reach in summary.reaches):
                called.setdefault(number, ())
            passed = _parameter(number)
            runs = number in called or (passed in called and not boxed)
            if runs or (not boxed and (passed in summary.passed_on or not summary.known)):
                handed = {taken: given for (one, taken), given in summary.handed if one == number}
                ways = self.callback(step, called.get(number, ()), handed, body, ways)
            else:
                aside = Walk(self.number, self.linked, self.summarize, False, Told(self.told.parameters), self.moments)
                aside.region(body, START)
                self.merged = self.merged or aside.merged
        return ways

    def assigned(self, step: ir.Invoke, summary: Summary, ways: Ways) -> Ways:
        """What the callee assigned to variables of modules and classes, and to parts of what it was given, is another
        value now, and what it sets is so.
        """
        writes = written_by(summary, step)
        for place in sorted(writes - self.told.written, key=repr):
            ways = self.told.put(ways, place)
        ways = at.forgotten(ways, lambda place: any(below(place, one) for one in writes)) if writes else ways
        for fact in sorted(discharged(summary.sets, step) or (), key=repr):
            ways = at.forgotten(self.told.put(ways, fact.place), fact.place.__eq__)
            ways = at.known(ways, fact)
        return ways

    def answered(self, step: ir.Invoke, summary: Summary) -> None:
        """The answer is the same for as long as the part of the object is on which it depends."""
        given = step.asked[0] if step.asked and step.certain and len(step.targets) == 1 else None
        if summary.asks is not None and given is not None:
            self.answers[step.dst] = ir.Place(given.root, given.way + summary.asks.way)

    def assumed(self, step: ir.Assume, ways: Ways) -> Ways:
        """The ways on which a condition may be as it is from here on.

        Where nobody holds a lock, none was taken by name.
        """
        place, fact = step.place, Fact(step.place, step.value, step.truth)
        if place.way[-1:] != (ir.LOCKED,):
            asked = self.answers.get(place.root) if isinstance(place.root, int) and not place.way else None
            ways = at.known(ways, fact._replace(place=asked)) if asked is not None else ways
            return at.known(ways, fact)
        ways = at.agreeing(ways, frozenset([fact]))
        return ways if step.truth else hands.untaken(ways, ir.Place(place.root, place.way[:-1]))

    def waits_of(self, summary: Summary, plain: bool) -> Iterator[tuple[dict[tuple[str, Facts], Wait], Iterable[Wait]]]:
        """What is known of each kind here, and what a callee adds to it.

        That a task lets go, without a word why, is only said of what is called for sure.
        """
        yield self.told.suspends, [wait for wait in summary.suspends if plain or wait.why]
        yield self.told.blocks, summary.blocks
        yield self.told.calls, summary.calls

    def passes_on(self, step: ir.Invoke, summary: Summary, ways: Ways) -> None:
        """A parameter that the callee calls is called under what is held here, and under what the callee holds."""
        for number, place in enumerate(step.paths if step.certain else ()):
            if number in summary.passed_on or not summary.known:
                self.told.pass_on(place)
        for number, called in summary.callbacks:
            passed = _parameter(number)
            place = step.paths[passed] if passed < len(step.paths) else None
            if place is None or place.way or not isinstance(place.root, int) or place.root >= self.told.parameters:
                continue
            under = self.told.called_back(place.root if number >= 0 else ~place.root, ways)
            for inner, given in called:
                when = discharged(given, step)
                if when is not None:
                    taken = self.lent_by(step, inner)
                    known = self.told.of_parameters(at.common(ways) | when)
                    under[taken] = known & under.get(taken, known)

    def lent_by(self, step: ir.Invoke, taken: Taken) -> Taken:
        """A guard of the callee under which it calls what it was given, as this function sees it."""
        lock = instantiate(taken.lock, step, self.linked)
        lock = lock if step.certain else replace(lock, evidence="named")
        return Taken(lock, taken.mode, Site(self.number, step.at), taken.name, False, (taken.site, *taken.inner))

    def callback(
        self, step: ir.Invoke, called: tuple[tuple[Taken, Facts], ...], handed: dict[Taken, int], body: ir.Region,
        ways: Ways,
    ) -> Ways:  # fmt: skip
        """A closure that the callee calls runs under what the callee holds then, or hands over to it."""
        inside, callee, mine = ways, ir.Place(("[callee]",)), ir.Place(ir.HANDED)
        for taken, given in called:
            when = discharged(given, step)
            if when is None:
                continue
            holder = ir.Place(ir.HANDED, (str(handed[taken]),)) if taken in handed else callee
            inside = at.added_where(inside, Hold(self.lent_by(step, taken), holder), when)
        after = self.region(body, inside)
        return self.joined(ways, at.released(at.released(after, callee), mine))

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
                    ways, carried = at.moved(ways, goal, operand.place), True
                    continue
            if number not in fates and step.guard is not None:
                ways, carried = at.moved(ways, ir.Place(step.dst), operand.place), True
                continue
            ways = at.released(ways, operand.place)
        for way, taken, given in summary.returns:
            when = discharged(given, step)
            if when is None:
                continue
            lock = instantiate(taken.lock, step, self.linked)
            maybe = taken.optional or (step.guard is not None and step.guard.optional)
            inner, hand = (taken.site, *taken.inner), taken.by_hand
            mine = Taken(lock, taken.mode, Site(self.number, step.at), step.name, maybe, inner, hand)
            ways, carried = at.added_where(ways, Hold(mine, ir.Place(step.dst, way)), when), True
        if step.guard is not None and not carried:
            ways = self.acquire(step.guard, ways)
        return self.by_name(step, summary, ways)

    def by_name(self, step: ir.Invoke, summary: Summary, ways: Ways) -> Ways:
        """What the callee gave back and what it left taken."""
        site = Site(self.number, step.at)
        for lock in summary.gives:
            ways = hands.unlocked(ways, instantiate(lock, step, self.linked), site)
        for taken in summary.keeps:
            lock, inner = instantiate(taken.lock, step, self.linked), (taken.site, *taken.inner)
            mine = Taken(lock, taken.mode, site, step.name, taken.optional, inner, True)
            ways = hands.locked(ways, Hold(mine, hands.KEPT))
        return ways


_MOST_RETURNS = 8
"""A summary names at most so many guards that a function hands out."""


def _parameter(number: int) -> int:
    """The parameter that a number in `ir.Callback.slot` or `ir.Invoke.lambdas` means: n, or ``~n`` for its result."""
    return number if number >= 0 else ~number


def _held(lock: ir.Lock) -> ir.Place:
    """What is asked about where it is asked whether somebody holds the lock."""
    return ir.Place(lock.place.root, (*lock.place.way, ir.LOCKED))


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
    walker = Walk(number, linked, summarize, always, Told(parameters))
    start = START
    for slot, waits in guards:
        passed = ir.Lock(ir.Place(("[parameter]",), (str(slot),)), "", "", waits, "mutex", "declared")
        start = at.added(start, Hold(Taken(passed, "exclusive", Site(number, named_at), "", False), ir.Place(slot)))
    ends = _ends(walker, start)
    for body in linked.elsewhere:
        aside = Walk(number, linked, summarize, False, Told(parameters), walker.moments, loops=(body.at,))
        aside.region(body, START)
        walker.merged = walker.merged or aside.merged
    return list(walker.moments.values()), _summary(walker, ends, guards)


def _ends(walker: Walk, start: Ways) -> Ways:
    """Walk the body; the ways at its end before the parameters are dropped (what the result and others hold)."""
    root = walker.linked.root
    after = walker.steps(root.steps, start)
    if after:
        walker.leave(ir.Leave(root.label, (root.at[1], root.at[1])), root.label, after)
    return walker.exits.pop(root.label, NOWHERE)


def _fates(walker: Walk, ends: Ways, guards: Guards) -> dict[int, ir.Place | None]:
    """What becomes of the guards that came in by parameters: see `Summary.fates`."""
    fates: dict[int, ir.Place | None] = dict.fromkeys(slot for slot, _ in guards)
    for hold in _handed_out(walker, ends):
        root, way = hold.holder.root, hold.holder.way
        if not is_parameter(hold.taken):
            continue
        if hold in walker.lent or root == walker.linked.result_slot >= 0:
            fates[parameter_of(hold.taken)] = ir.Place(("[result]",), way)
        elif isinstance(root, int) and root < walker.told.parameters and way:
            fates[parameter_of(hold.taken)] = hold.holder
    return fates


def _handed_out(walker: Walk, ends: Ways) -> list[Hold]:
    """What is held at the end, and where the caller's block runs, in order."""
    every = frozenset[Hold]().union(*ends).union(walker.lent)
    return sorted(every, key=at.rank)


def _returns(walker: Walk, ends: Ways) -> Iterator[tuple[ir.Path, Taken, Facts]]:
    """The guards that go to the caller (`Summary.returns`): of one lock in one mode, and what is known there."""
    result, told = walker.linked.result_slot, walker.told
    found: dict[tuple[ir.Path, ir.Place, str], tuple[Taken, Facts]] = {}
    for hold in _handed_out(walker, ends):
        taken, lent = hold.taken, walker.lent.get(hold)
        if is_parameter(taken) or hands.is_mark(hold) or (lent is None and not hold.holder.root == result >= 0):
            continue
        when = told.wherever(ends, taken, True) if lent is None else lent
        key = () if lent is not None else hold.holder.way, taken.lock.place, taken.mode
        first, known = found.get(key, (taken, when))
        found[key] = first, known & when
    for taken in hands.answered(ends, result):
        found.setdefault(((), taken.lock.place, taken.mode), (taken._replace(optional=True), frozenset()))
    for (way, _, _), (taken, when) in islice(found.items(), _MOST_RETURNS):
        yield way, taken, when


def _summary(walker: Walk, ends: Ways, guards: Guards) -> Summary:
    result, told = walker.linked.result_slot, walker.told
    reaches = tuple(r for r in told.reached() if r.lock.place.root != ("[parameter]",))
    sets = told.set_by_end(at.common(ends))
    fields = {place for place in told.filled if len(place.way) == 1}.difference(fact.place for fact in sets)
    return Summary(
        reaches,
        tuple(told.suspends.values()),
        tuple(told.blocks.values()),
        tuple(told.calls.values()),
        tuple(told.stalls.values()),
        tuple(told.joins.values()),
        tuple(_returns(walker, ends)),
        tuple(_fates(walker, ends, guards).items()),
        tuple((slot, tuple(sorted(under.items(), key=repr))) for slot, under in told.callbacks.items()),
        walker.linked.passed_on | told.passed_on,
        told.capped,
        keeps=hands.kept(ends, result),
        gives=hands.freed(ends),
        raises=bool(walker.exits.get(ir.RAISED)),
        comes_back=bool(ends) or not walker.exits.get(ir.RAISED),
        merged=walker.merged,
        handed=tuple(sorted(told.handed.items(), key=repr)),
        writes=frozenset(place for place in told.written if place.root == ir.STATIC or place in fields),
        sets=sets,
        asks=walker.linked.asks,
        awaits=frozenset(told.awaits),
    )
