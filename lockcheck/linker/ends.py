"""What runs where values come to their end: nobody writes the call.

In: slots at the end of their region, values that are thrown away or overwritten.  Out: `Invoke`s that are implicit.
Never: what is held.
"""

from __future__ import annotations

from lockcheck import ir
from lockcheck.effects import Effects
from lockcheck.effects.shapes import LIST, MAP
from lockcheck.linker.locks import Locks
from lockcheck.linker.runs import Run, Runs
from lockcheck.linker.written import REF

UNTOLD: ir.Range = (0, 0)
"""Where nobody says from where a value comes."""


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
        if slot in self.gone or slot in self.passed or slot < self.program.parameters(self.number):
            return ()
        if not self.body.slots[slot].name:
            told = slot in self.given and slot not in self.used and self.given[slot] != UNTOLD
            return self.endings(ir.Place(slot)) if told else ()
        if slot in self.given:
            return self.endings(ir.Place(slot))
        known = self.alias.get(ir.Place(slot))
        if known is not None and (known.way or not isinstance(known.root, int) or self.body.slots[known.root].name):
            return ()
        return self.endings(ir.Place(slot))

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
