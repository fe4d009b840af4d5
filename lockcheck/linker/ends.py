"""What runs where values come to their end: nobody writes the call.

In: slots at the end of their region, values that are thrown away or overwritten.  Out: `Invoke`s that are implicit.
Never: what is held.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

from lockcheck import ir
from lockcheck.effects import Effects
from lockcheck.effects.shapes import LIST, MAP, PRESENT
from lockcheck.linker.locks import Locks
from lockcheck.linker.places import bare, plain, slot_of
from lockcheck.linker.runs import Run, Runs
from lockcheck.linker.written import REF

UNTOLD: ir.Range = (0, 0)
"""Where nobody says from where a value comes."""
_THERE = frozenset(PRESENT.values())
"""Parts that are not there where a function mostly leaves early: because there is no value."""


class _Text(NamedTuple):
    """A function as written: the number of each step, by its identity; by slot the way through a branch on which it
    gets its value, and the numbers of the steps that move the value away, each with the regions around it that end by
    leaving the function.
    """

    order: dict[int, int]
    filled: dict[int, ir.Region]
    moves: dict[int, list[tuple[int, tuple[ir.Region, ...]]]]


class Endings(Runs):
    """What runs at the end of a value, by its type: its own function first, then those of its parts in order."""

    def found(self, kind: ir.Type, effects: Effects, depth: int) -> tuple[Run, ...]:
        if not effects.end_trait:
            return ()
        return (*self.own(kind, effects.end_trait, effects.end_method, effects), *self.parts(kind, effects, depth))

    def is_through(self, kind: ir.Type, effects: Effects) -> bool:
        shape = effects.shape(kind)
        return self.types.lock_type(kind, effects) is not None or shape in effects.end_owners


def _perhaps(ends: tuple[Run, ...]) -> tuple[Run, ...]:
    return tuple(end._replace(sure=False) for end in ends)


class Ends(Locks):
    """Where the values of one function end."""

    def ends(self, slots: tuple[int, ...]) -> None:
        """Values of the tree's own types may do something at their end: the last declared comes first."""
        finals = {slot: self.final(slot) for slot in slots}
        if not any(finals.values()):
            return
        for slot in reversed(slots):
            if finals[slot]:
                at = self.body.slots[slot].at if self.body.slots[slot].name else self.given[slot]
                self.finish(ir.Place(slot), finals[slot], at, self.body.slots[slot].name)
            else:
                self.out.append(ir.Release(ir.Place(slot), self.body.slots[slot].at))

    def final(self, slot: int) -> tuple[Run, ...]:
        """What runs at the end of a variable, or of a call's result, that still has its value then."""
        if slot in self.gone or slot in self.passed:
            return ()
        if slot < self.program.parameters(self.number):
            return self.of_parameter(slot)
        if not self.body.slots[slot].name:
            told = slot in self.given and slot not in self.used and self.given[slot] != UNTOLD
            return self.endings(ir.Place(slot)) if told else ()
        if slot in self.given:
            return self.endings(ir.Place(slot))
        known = self.alias.get(ir.Place(slot))
        if known is not None and (known.way or not isinstance(known.root, int) or self.body.slots[known.root].name):
            return ()
        return self.endings(ir.Place(slot))

    def of_parameter(self, slot: int) -> tuple[Run, ...]:
        """What runs at the end of a parameter that the function owns; whether something is in it, only callers know."""
        param = self.program.functions[self.number][1].params[slot]
        if not param.by_value or self.body.slots[slot].at == UNTOLD:
            return ()
        ends = self.endings(ir.Place(slot))
        return tuple(end if _THERE.isdisjoint(end.way[:1]) else end._replace(sure=False) for end in ends)

    @cached_property
    def text(self) -> _Text:
        """The steps as written."""
        text = _Text({}, {}, {})
        root = self.body.root
        for number, (step, arm, leaving) in enumerate(_each(root, root, ())):
            text.order[id(step)] = number
            dst = getattr(step, "dst", None)
            slot = dst.root if isinstance(dst, ir.Place) and not dst.way else dst
            if isinstance(slot, int):
                text.filled.setdefault(slot, arm)
            for slot in taken_by(step, self.effects):
                text.moves.setdefault(slot, []).append((number, leaving))
        return text

    def may_leave(self, call: ir.Call) -> None:
        """A call leaves the function where there is no value: what ends there, ends on one way only."""
        over = self.left_behind(call, None)
        if over:
            src = call.operands[0].place
            missing = [ir.Refine(bare(plain(src)), False, True)] if src is not None else []
            leaves = ir.Region((*missing, *over, ir.Leave(self.open[0].label, call.name_at)), (), call.at)
            self.out.append(ir.Branch((ir.Arm(leaves), ir.Arm(ir.Region((), (), call.at)))))

    def left_behind(self, step: ir.Step, label: int | None) -> list[ir.Step]:
        """What ends where a step leaves the regions up to the one with the label, or the function: the last declared
        comes first. Nothing where no value does anything at its end.
        """
        over, free, before = list[ir.Step](), list[int](), self.out
        if not self.effects.end_trait:
            return over
        for region in reversed(self.open):
            for slot in reversed(region.slots):
                ends = self.left_with(slot, step) if slot in self.given and self.body.slots[slot].name else ()
                if ends:
                    self.out = [ir.Region((), tuple(free), (0, 0))]
                    self.finish(ir.Place(slot), ends, self.body.slots[slot].at, self.body.slots[slot].name)
                    over, free = over + self.out, []
                free.append(slot)
            if region.label == label:
                break
        self.out = before
        return over

    def left_with(self, slot: int, step: ir.Step) -> tuple[Run, ...]:
        """What runs at the end of a variable that was given a value, and has it still where a step leaves early."""
        if slot in self.passed or slot < self.program.parameters(self.number):
            return ()
        ends = self.endings(ir.Place(slot))
        if not ends or not self.is_open(self.text.filled.get(slot)):
            return ()
        now = self.text.order.get(id(step), 0)
        if any(number <= now and all(map(self.is_open, way)) for number, way in self.text.moves.get(slot, ())):
            return ()
        return tuple(end for end in ends if _THERE.isdisjoint(end.way[:1]))

    def is_open(self, region: ir.Region | None) -> bool:
        """Whether the step that is just looked at stands in the region."""
        return any(region is one for one in self.open)

    def endings(self, place: ir.Place) -> tuple[Run, ...]:
        """What runs at the end of the value at a place."""
        ends = self.program.endings.of(self.type_of(place), self.effects)
        return _perhaps(ends) if place.root in self.doubtful else ends

    def hand_over(self, call: ir.Call, name: str, place: ir.Place, kind: ir.Type) -> None:
        """An element leaves its container, which is of the `kind`, for whoever calls, or ends inside the call; or the
        whole value goes there.
        """
        effects = self.effects
        shape = effects.shape(kind)
        if name in effects.end_passes.get(shape, ()) and isinstance(place.root, int) and not place.way:
            self.passed.add(place.root)
        if name in effects.carries and place.root in self.doubtful:
            self.doubtful.add(call.dst)
        if name in effects.end_gives.get(shape, ()) or name in effects.end_replaces.get(shape, ()):
            self.given[call.dst] = call.name_at
            if name in effects.end_replaces.get(shape, ()):
                self.doubtful.add(call.dst)
            if shape in (LIST, MAP):
                self.name(ir.Place(call.dst), ir.Place(place.root, (*place.way, f"[each {call.dst}]")))
                self.removed.add(f"[each {call.dst}]")
        elif name in effects.end_empties.get(shape, ()):
            self.finish(place, self.program.endings.of(kind, effects), call.name_at)

    def taken(self, dst: int, src: ir.Place | None) -> None:
        """A value that belongs to this function, or a part of one, goes on to another variable."""
        if src is not None and src.root in self.doubtful:
            self.doubtful.add(dst)
        if src is not None and src.root in self.given and "&" not in src.way and self.is_own(src):
            self.given[dst] = UNTOLD

    def is_own(self, place: ir.Place) -> bool:
        """Whether nothing on the way from the root to a place belongs to somebody else."""
        for cut in range(len(place.way)):
            kind = self.type_of(ir.Place(place.root, place.way[:cut]))
            if kind is not None and (kind.path == REF or kind.path[-1] in self.effects.end_shared):
                return False
        return True

    def thrown(self, place: ir.Place, at: ir.Range, sure: bool) -> None:
        """The value at a place is overwritten. `sure`: by nothing, so that there must have been something before."""
        kind = self.type_of(place)
        while kind is not None and kind.args and (kind.path == REF or self.program.types.is_guard(kind, self.effects)):
            kind = kind.args[-1]
        ends = self.program.endings.of(kind, self.effects)
        self.finish(place, ends if sure else _perhaps(ends), at)

    def finish(self, place: ir.Place, ends: tuple[Run, ...], at: ir.Range, name: str = "") -> None:
        """The calls that the end of the value at a place makes; `name` is that of the value."""
        for end in ends:
            part = ir.Place(place.root, place.way + end.way)
            dst, operand, path = len(self.body.slots) - 1, ir.Operand(part), self.canon(part)
            self.out.append(
                ir.Invoke(dst, end.targets, end.sure, (operand,), (path,), at, at, name or end.name, implicit=True)
            )
            if self.lambdas and path is not None:
                self.run_kept(path, end)

    def run_kept(self, whole: ir.Place, end: Run) -> None:
        """The closures that a value keeps, and that its end calls (`Defer(|| …)`), run there."""
        size, kept = len(whole.way), dict[str, int]()
        for part in self.alias:
            if part.root == whole.root and len(part.way) > size and part.way[:size] == whole.way:
                kept[part.way[size]] = slot_of(self.canon(part))
        found = [name for name, slot in kept.items() if slot in self.lambdas]
        called = self.program.calls_of_parts(end.targets[0]) if found else ()
        for name in found:
            if name in called:
                self.inline(self.lambdas[kept[name]], None, surely=end.sure)


def taken_by(step: ir.Step, effects: Effects) -> Iterator[int]:
    """The slots whose whole value a step moves somewhere else, goes on in its own method's result (`found.map_err(…)`),
    or in what a pattern binds.
    """
    yield from ir.moved_by(step)
    match step:
        case ir.Call(_, ir.Method(name), (ir.Operand(ir.Place(int(slot), ())), *_)) if name in effects.carries:
            yield slot
        case ir.Move(_, ir.Place(int(slot), way)) if not {"&", "*"}.intersection(way) and any("." in p for p in way):
            yield slot
        case _:
            pass


def _each(
    region: ir.Region, arm: ir.Region, leaving: tuple[ir.Region, ...]
) -> Iterator[tuple[ir.Step, ir.Region, tuple[ir.Region, ...]]]:
    """The steps in a region in order, each with the way through a branch that it stands on, and the regions around it
    that end by leaving the function.
    """
    leaving = (*leaving, region) if _leaves(region) else leaving
    for step in region.steps:
        yield step, arm, leaving
        match step:
            case ir.Region():
                yield from _each(step, arm, leaving)
            case ir.Branch(arms):
                for one in arms:
                    yield from _each(one.body, one.body, leaving)
            case ir.Loop(body) | ir.Lambda(body=body):
                yield from _each(body, body, leaving)
            case _:
                pass


def _leaves(region: ir.Region) -> bool:
    last = region.steps[-1] if region.steps else None
    return _leaves(last) if isinstance(last, ir.Region) else isinstance(last, ir.Leave) and last.label == ir.RETURN
