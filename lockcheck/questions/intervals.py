"""Named guards, and how much of the time that they are held a reader can see.

In: an `Analysis`.  Out: `Interval`s: from the acquisition to the end, the last use, and what hides the end.
Never: words for people.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from lockcheck import ir
from lockcheck.analysis import Analysis, Hold, Moment, Taken
from lockcheck.questions.paths import in_closure

Reason = Literal["outlives", "dropped", "shadowed", "replaced", "leaves", "handed"]


class Interval(NamedTuple):
    """A guard in a variable. Offsets are into the function's file.

    `last` is where the variable, or what borrows from it, is named for the last time; -1 where it never is.
    `reasons` pair what makes the interval hard to read with where that is.
    """

    moment: Moment
    hold: Hold
    start: int
    end: int
    last: int
    reasons: tuple[tuple[Reason, int], ...]


def intervals(analysis: Analysis, modes: Sequence[str]) -> Iterator[Interval]:
    """The intervals of all guards of these modes that a variable holds, in the order of the tree."""
    for number, moments in analysis.functions.items():
        by_hand = {analysis.site(one) for one in moments if isinstance(one.event, ir.Acquire) and one.event.by_hand}
        held: dict[int, tuple[Hold, list[Moment]]] = {}
        for moment in moments:
            for hold, _ in moment.held():
                root, mine = hold.holder.root, hold.taken.site not in by_hand
                if isinstance(root, int) and not hold.holder.way and hold.taken.mode in modes and mine:
                    held.setdefault(root, (hold, []))[1].append(moment)
        body = analysis.program.body(number) if held else None
        if body is not None:
            view = _View(analysis, number, body)
            for slot, (hold, under) in held.items():
                if body.slots[slot].name and body.slots[slot].why == "local" and hold.taken.site.function == number:
                    yield view.interval(slot, hold, under)


def blocks(analysis: Analysis) -> Iterator[Interval]:
    """The blocks that hold a lock of an object beyond the last place in them that names the object.

    What a lock guards is taken to be the other parts of what it is a part of.
    """
    for number, moments in analysis.functions.items():
        linked = analysis.program.linked(number)
        held: dict[int, tuple[Hold, list[Moment]]] = {}
        for moment in moments:
            for hold, _ in moment.held():
                root = hold.holder.root
                block = isinstance(root, int) and linked is not None and linked.slots[root].why == "with"
                if isinstance(root, int) and block and isinstance(hold.taken.lock.place.root, int):
                    held.setdefault(root, (hold, []))[1].append(moment)
        body = analysis.program.body(number) if held else None
        if body is not None:
            view = _View(analysis, number, body)
            found = (view.block(slot, hold, under) for slot, (hold, under) in held.items())
            yield from (one for one in found if one is not None)


def pairs(analysis: Analysis) -> Iterator[Interval]:
    """The locks that a function takes by name, waiting as long as it takes, and gives back by name later on.

    A pair that is as good as a block is none of them: what follows is given back at its end, on whatever way out.
    """
    for number, moments in analysis.functions.items():
        given = [(one.event.lock.place, one.event.at) for one in moments
                 if isinstance(one.event, ir.Release) and one.event.lock is not None]  # fmt: skip
        for moment in moments:
            event = moment.event
            if not isinstance(event, ir.Acquire) or not event.by_hand or event.fallible:
                continue
            back = [at for place, at in given if place == event.lock.place]
            if back and all(at[0] > event.at[0] for at in back) and not in_closure(analysis, number, event.at):
                taken = Taken(event.lock, event.mode, analysis.site(moment), event.name, False)
                if not _is_block(analysis, number, taken) or _is_left_with(moments, taken):
                    end = max(at[1] for at in back)
                    yield Interval(moment, Hold(taken, ir.Place(("[by hand]",))), event.at[0], end, -1, ())


def _is_block(analysis: Analysis, number: int, taken: Taken) -> bool:
    """Whether the next release by name is written once, and ends every way out of what comes after the acquisition."""
    linked, begin = analysis.program.linked(number), taken.site.at[1]
    regions = [step for step in ir.steps_of(linked.root) if isinstance(step, ir.Region)] if linked is not None else []
    later = [at for one in regions for at in _releases(one.steps, taken.lock.place) if at[0] >= begin]
    behind = [_releases(ir.steps_of(one), taken.lock.place) for one in regions if one.at[0] >= begin]
    copies = later.count(min(later)) if later else 0
    return copies > 1 and any(inside.count(min(later)) == copies for inside in behind)


def _releases(steps: Iterable[ir.Step], place: ir.Place) -> list[ir.Range]:
    """Where a lock is given back by name. What runs on several ways out is among the steps as often."""
    return [
        step.at for step in steps if isinstance(step, ir.Release) and step.lock is not None and step.lock.place == place
    ]


def _is_left_with(moments: Sequence[Moment], taken: Taken) -> bool:
    """Whether the function is left with the lock taken."""
    escapes = (one for one in moments if isinstance(one.event, ir.Escape) and not one.event.rarely)
    ways_out = (*(one for one in moments if isinstance(one.event, ir.Leave)), *escapes)
    return any(hold.taken.site == taken.site for one in ways_out for hold, _ in one.held())


@dataclass
class _View:
    """One function's text as far as its variables tell of it."""

    analysis: Analysis
    number: int
    body: ir.Body

    def __post_init__(self) -> None:
        self.uses: Mapping[int, tuple[int, ...]] = dict(self.body.uses)
        self.steps = list(ir.steps_of(self.body.root, closures=False))
        self.made: dict[int, set[int]] = defaultdict(set)
        owned = self.analysis.effects(self.number).owned
        for step in ir.steps_of(self.body.root):
            match step:
                case ir.Move(dst, src) if isinstance(dst.root, int) and isinstance(src.root, int):
                    self.made[src.root].add(dst.root)
                case ir.Ref(dst, src) if isinstance(src.root, int):
                    self.made[src.root].add(dst)
                case ir.Call(dst=dst, operands=operands) if step.word not in owned:
                    for operand in operands:
                        if operand.place is not None and isinstance(operand.place.root, int):
                            self.made[operand.place.root].add(dst)
                case _:
                    pass

    def interval(self, slot: int, hold: Hold, under: Sequence[Moment]) -> Interval:
        start = hold.taken.site.at[0]
        drops = self.drops(slot)
        own = [at for one in self.borrowers(slot) for at in self.uses.get(one, ())]
        named = [at for at in own if not any(low <= at < high for low, high in drops)]
        home = self.home(slot)
        end = max((high for _, high in drops), default=home.at[1])
        later = (*(_place(moment)[0] for moment in under), *self.uses.get(slot, ()))
        end = home.at[1] if any(at > end for at in later) else end
        gone = next((at for reason, at in self.handed(slot, drops) if reason == "handed"), end)
        end = min(end, gone + 1) if not any(_place(moment)[0] > gone for moment in under) else end
        last = max((at for at in named if at < end), default=-1)
        reasons = self.reasons(slot, home, hold.taken.site.at, last, drops, under)
        return Interval(under[0], hold, start, end, last, tuple(reasons))

    def block(self, slot: int, hold: Hold, under: Sequence[Moment]) -> Interval | None:
        """A block with a lock of an object, if something that could take time comes after the object's last use."""
        home, root = self.home(slot), hold.taken.lock.place.root
        named = [at for at in self.uses.get(root if isinstance(root, int) else -1, ()) if ir.holds(home.at, at)]
        last = max(named, default=-1)
        rounds = rounds_of(home, last)
        after = [moment for moment in under if self.is_after(moment, last, under, rounds)]
        if last < hold.taken.site.at[1] or not after:
            return None
        start, at = hold.taken.site.at[0], _place(after[0])[0]
        return Interval(under[0], hold, start, home.at[1], last, (("outlives", at),))

    def borrowers(self, slot: int) -> set[int]:
        """The variable and all that may borrow from it."""
        found, waiting = set[int](), [slot]
        while waiting:
            one = waiting.pop()
            if one not in found:
                found.add(one)
                waiting += self.made[one]
        return found

    def home(self, slot: int) -> ir.Region:
        """The variable's block."""
        steps = ir.steps_of(self.body.root)
        return next((step for step in steps if isinstance(step, ir.Region) and slot in step.slots), self.body.root)

    def drops(self, slot: int) -> list[ir.Range]:
        """The calls that do nothing but end the guard."""
        drops = self.analysis.effects(self.number).drops
        return [
            step.at
            for step in self.steps
            if isinstance(step, ir.Call) and isinstance(step.callee, ir.Named) and _given(step, slot)
            and ("::".join(step.callee.path) in drops or "::".join(step.callee.path[-2:]) in drops)
        ]  # fmt: skip

    def reasons(
        self,
        slot: int,
        home: ir.Region,
        taken: ir.Range,
        last: int,
        drops: Sequence[ir.Range],
        under: Sequence[Moment],
    ) -> Iterator[tuple[Reason, int]]:
        yield from (("dropped", low) for low, _ in drops[:1])
        yield from self.handed(slot, drops)
        yield from self.shadowed(slot, under)
        final = max((_place(moment)[0] for moment in under), default=-1)
        start = self.body.slots[slot].at[1]
        exits = [at for at in self.exits(home) if at > max(start, taken[1]) and (at < last or at < final)]
        exits = [at for at in exits if not self.is_free(at, drops)]
        yield from (("leaves", at) for at in exits[:1])
        if last >= 0:
            rounds = [*rounds_of(home, last), *self.chains(taken, last)]
            after = (moment for moment in under if self.is_after(moment, last, under, rounds))
            yield from (("outlives", _place(moment)[0]) for moment in list(after)[:1])

    def handed(self, slot: int, drops: Sequence[ir.Range]) -> Iterator[tuple[Reason, int]]:
        """Where the guard goes on to somebody else, or another one takes its place."""
        waits = self.analysis.effects(self.number).waits
        back = {step.dst for step in self.steps if isinstance(step, ir.Call) and step.word in waits}
        found: list[tuple[Reason, int]] = []
        for step in self.steps:
            match step:
                case ir.Call(at=at) if _given(step, slot) and at not in drops and step.dst not in back:
                    found.append(("handed", at[0]))
                case ir.New(_, _, parts) if any(o.moved and o.place == ir.Place(slot) for _, o in parts):
                    found.append(("handed", self.uses.get(slot, (0,))[-1]))
                case ir.Move(dst, src) if src == ir.Place(slot) and (dst.way or dst.root == self.body.result):
                    found.append(("handed", self.uses.get(slot, (0,))[-1]))
                case ir.Release(src, at) if src == ir.Place(slot) and not back:
                    found.append(("replaced", at[0]))
                case _:
                    pass
        return iter(found[:1])

    def shadowed(self, slot: int, under: Sequence[Moment]) -> Iterator[tuple[Reason, int]]:
        mine = self.body.slots[slot]
        here = (number for step in self.steps if isinstance(step, ir.Region) for number in step.slots)
        later = [self.body.slots[number] for number in here if number > slot]
        for at in sorted(one.at for one in later if (one.name, one.why) == (mine.name, "local") and one.at > mine.at):
            if any(_place(moment)[0] > at[1] for moment in under):
                yield "shadowed", at[0]
                return

    def exits(self, home: ir.Region) -> list[int]:
        """Where the function, or a loop around a block, is left before its end."""
        root = self.body.root
        inner = {one.label for one in ir.steps_of(home) if isinstance(one, (ir.Region, ir.Loop)) and one is not root}
        leaves = (step for step in self.steps if isinstance(step, ir.Leave) and step.label not in inner)
        found = [step.at[0] for step in leaves if step.at != (0, 0)]
        found += [step.name_at[0] for step in self.steps if isinstance(step, ir.Call) and step.word == "?"]
        return sorted(found)

    def is_free(self, at: int, drops: Sequence[ir.Range]) -> bool:
        """Whether the guard was dropped before, in the same arm of a branch."""
        branches = (step for step in self.steps if isinstance(step, ir.Branch))
        around = (arm.body.at for step in branches for arm in step.arms if ir.holds(arm.body.at, at))
        inner = min(around, key=lambda one: one[1] - one[0], default=self.body.root.at)
        return any(ir.holds(inner, low) and high <= at for low, high in drops)

    def is_after(self, moment: Moment, last: int, under: Sequence[Moment], rounds: Sequence[ir.Range]) -> bool:
        """Whether an event that could take time comes after the last use, in another expression, and in no round of
        a loop that uses the guard again.
        """
        event, at = moment.event, _place(moment)
        if not isinstance(event, (ir.Suspend, ir.Block, ir.Acquire, ir.Callback)) and not self.is_call(event):
            return False
        if at[0] <= last or self.analysis.line(self.number, at[0]) == self.analysis.line(self.number, last):
            return False
        around = [_place(one) for one in under if ir.holds(_place(one), last)]
        return not any(ir.holds(one, at[0]) for one in (*around, *rounds))

    def chains(self, taken: ir.Range, last: int) -> list[ir.Range]:
        """The calls that the last use is written in (``guard.get(k).and_then(|it| it.row())``), whoever is called."""
        calls = (step.at for step in self.steps if isinstance(step, ir.Call))
        return [at for at in calls if ir.holds(at, last) and not ir.holds(at, taken[0])]

    def is_call(self, event: ir.Step) -> bool:
        """Whether a function of the tree is called that is more than a field with a body, or a new value."""
        if not isinstance(event, ir.Invoke) or event.implicit:
            return False
        called = [self.analysis.program.functions[target][1] for target in event.targets]
        makes = any(one.name != event.name for one in called)
        return not makes and any(not one.computed for one in called)


def _place(moment: Moment) -> ir.Range:
    at: ir.Range = getattr(moment.event, "at", (0, 0))
    return at


def rounds_of(home: ir.Region, offset: int) -> list[ir.Range]:
    """The bodies of the loops in a region that an offset lies in."""
    return [one.body.at for one in ir.steps_of(home) if isinstance(one, ir.Loop) and ir.holds(one.body.at, offset)]


def _given(call: ir.Call, slot: int) -> bool:
    """Whether the whole variable goes over to the callee."""
    return any(operand.moved and operand.place == ir.Place(slot) for operand in call.operands)
