"""Iterators of the tree: what asks for their elements runs their own function.

In: rounds of loops and calls of libraries on iterators.  Out: `Invoke`s of the tree's function that gives the next one.
Never: what an element is.
"""

from __future__ import annotations

from lockcheck import ir
from lockcheck.linker.invocations import Invocations
from lockcheck.linker.places import plain, slot_of


class Iterators(Invocations):
    """Values that give one element after the other when they are asked."""

    def passes_through(self, call: ir.Call, name: str, place: ir.Place | None) -> None:
        """A library's iterator around one of the tree asks that one in its turn; some calls ask at once."""
        if place is None or not (name in self.effects.iterators_around or name in self.effects.iterators_end):
            return
        source = self.sources.get(slot_of(place), place)
        targets = self.next_of(source)
        if not targets:
            return
        if name in self.effects.iterators_around:
            self.sources[call.dst] = source
        else:
            self.asked_for_next(source, targets, call.at, call.name_at)

    def next_round(self, call: ir.Call) -> None:
        """A loop asks for its next element."""
        place = call.operands[0].place
        source = self.sources.get(slot_of(place), place)
        targets = self.next_of(source) if source is not None else ()
        if source is not None and targets:
            self.asked_for_next(source, targets, call.at, call.name_at)

    def next_of(self, place: ir.Place) -> tuple[int, ...]:
        """The tree's function that gives the next element of the iterator at a place; none where it is a library's."""
        effects, functions = self.effects, self.program.functions
        for outer in self.program.types.behind(self.type_of(place), effects):
            if outer.path in self.program.names.types:
                found = self.program.types.methods(outer, effects.iterators_method, effects)
                mine = [n for n in found if (t := functions[n][1].trait) and t.path[-1] == effects.iterators_trait]
                return tuple(n for n in mine if functions[n][1].body_at is not None)
        return ()

    def asked_for_next(self, source: ir.Place, targets: tuple[int, ...], at: ir.Range, name_at: ir.Range) -> None:
        dst, operand = len(self.body.slots) - 1, ir.Operand(plain(source))
        name = self.effects.iterators_method
        self.out.append(ir.Invoke(dst, targets, True, (operand,), (self.canon(source),), at, name_at, name))
