"""Iterators of the tree: what asks for their elements runs their own function.

In: rounds of loops and calls of libraries on iterators.  Out: `Invoke`s of the tree's function that gives the next one.
Never: what an element is.
"""

from __future__ import annotations

from lockcheck import ir
from lockcheck.effects.shapes import LIST, OPTION, PRESENT
from lockcheck.linker.invocations import Invocations
from lockcheck.linker.places import Late, plain, slot_of
from lockcheck.linker.written import UNKNOWN

OVER = "[over]"
"""The part of an iterator that is the one which it asks for elements, to make its own of them."""


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

    def each_keeps(self, place: ir.Place) -> bool | None:
        """See `keeping`: what is known of the value, or told by its type; None where it is no such iterator."""
        told = self.program.types.each_holds(self.type_of(place), self.effects)
        return told or self.keeping.get(slot_of(place), told)

    def keeps_on(self, call: ir.Call, name: str, place: ir.Place) -> bool:
        """Whether what a method gives holds what its receiver holds, as `carries` and `gathers` say of most values.

        An iterator over a lock's content holds the lock, and with it every iterator around it: where that makes its own
        elements, the lock is held by another part (`OVER`) than they. A list of the elements, or one of them, does not.
        """
        effects, gives, slot = self.effects, self.effects.flow.get(LIST, {}).get(name, UNKNOWN), slot_of(place)
        kept = self.each_keeps(place)
        if kept is None or name in effects.carries:
            return name in effects.carries or name in effects.gathers
        if name in effects.iterators_around:
            self.keeping[call.dst] = kept
            made = gives == UNKNOWN or any("@" in one.path[0] for one in (gives, *gives.args))
            if made:
                self.out.append(ir.Move(ir.Place(call.dst, (OVER,)), plain(place)))
            return not made
        one = gives.path == (OPTION,) and not (name in effects.iterators_borrowed and self.body.slots[slot].name)
        return kept and (one or name in effects.gathers)

    def used_up(self, call: ir.Call, name: str, place: ir.Place) -> None:
        """An iterator over a lock's content ends with the call that asks it for all that it gives."""
        if name not in self.effects.iterators_end or self.each_keeps(place) is None:
            return
        self.stays_over(plain(place), ir.Place(call.dst))
        if name not in self.effects.iterators_borrowed:
            self.out.append(ir.Release(plain(place), call.at))

    def stays_over(self, place: ir.Place, whole: ir.Place) -> None:
        """Of an iterator that went into something only its elements did."""
        self.out.append(ir.Move(place, ir.Place(whole.root, (*whole.way, OVER))))

    def goes_into(self, whole: ir.Place, given: ir.Place, call: ir.Call) -> None:
        """What is put into something stays there with what it holds; of an iterator only its elements do."""
        kept, whole, given = self.each_keeps(given), plain(whole), plain(given)
        if kept is not False:
            self.out.append(ir.Move(whole, given))
        if kept is not None:
            self.stays_over(given, whole)
            self.out.append(ir.Release(given, call.at))

    def next_round(self, call: ir.Call) -> None:
        """A loop asks for its next element."""
        place = call.operands[0].place
        self.runs_late(place)
        source = self.sources.get(slot_of(place), place)
        targets = self.next_of(source) if source is not None else ()
        if source is not None and targets:
            self.asked_for_next(source, targets, call.at, call.name_at)
        elif ir.NEXT in self.effects.tellers:
            self.signal(call, self.type_of(place) or self.type_of(self.canon(place)))

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

    def puts_off(self, call: ir.Call, name: str, kind: ir.Type | None, unknown: bool) -> bool:
        """Whether closures are kept by what a call gives, to run when that is asked for an element, and not now.

        What nothing is known of, but that it has a method which only iterators and streams have, may go on to others
        with closures that own what they use. An iterator over a list is mostly asked where it is made, and again later
        if it got a name.
        """
        effects, place = self.effects, call.operands[0].place
        before = self.late.get(slot_of(place), ())
        if name not in effects.iterators_around:
            if before and name in effects.carries and name not in effects.iterators_end:
                self.late[call.dst] = before
            elif before:
                self.runs_late(place, again=name in effects.iterators_end)
            return False
        shape = effects.shape(kind) if kind is not None else ""
        mine = [self.lambdas[slot_of(one.place)] for one in call.operands[1:] if self.is_lambda(one)]
        lazy = unknown and not any(name in effects.flow.get(one, ()) for one in PRESENT)
        waits = any(one.waits for one in before) or (lazy and all(one.owns and not one.deferred for one in mine))
        if before or (mine and (shape == LIST or waits)):
            self.late[call.dst] = (*before, *(Late(one, waits) for one in mine))
        return waits and bool(mine)

    def runs_late(self, place: ir.Place | None, again: bool = True) -> None:
        """Somebody asks for the elements: what waits for that runs, and, in an iterator that has a name, the rest."""
        slot = slot_of(place)
        for one in self.late.get(slot, ()):
            if one.waits or (again and self.body.slots[slot].name):
                self.inline(one.closure, None)
