"""Handles of what runs beside, where every value is a reference: futures, lists of threads, groups of tasks.

In: a call, and what the walk knows of what it is given.  Out: the bodies that a wait for its result is for; the wait
at the end of a group's block.
Never: whether who waits holds a lock.
"""

from __future__ import annotations

from msgspec.structs import replace

from lockcheck import ir
from lockcheck.linker.objects.lock_methods import CLOSES
from lockcheck.linker.objects.rows import Rows
from lockcheck.linker.objects.values import perhaps
from lockcheck.linker.places import slot_of

PUTS = frozenset({"append", "appendleft", "add", "insert", "put", "put_nowait", "setdefault"})
"""Methods by which a container gets another value."""


class Handles(Rows):
    """What is waited for by a value that stands for it, or for several."""

    def handed_out(self, call: ir.Call) -> None:
        """What a call that spawns returns is waited for by its own methods, and by what it was called on."""
        bodies = self.tasks(ir.Place(call.dst)) if call.word in self.effects.threads else ()
        receiver = call.operands[0].place if isinstance(call.callee, ir.Method) else None
        if bodies:
            gives, kind = self.effects.futures.get(call.word, ""), self.type_of(receiver)
            if gives and (kind is None or kind.path[-1] in self.effects.joins):
                self.types[call.dst] = ir.Type(tuple(gives.split(self.effects.separator)))
            if gives and kind is None and receiver is not None:  # (only its name says that it runs what it is given)
                bodies = self.spawned[call.dst] = tuple(perhaps(one) for one in bodies)
            self.gather(receiver, bodies)
        elif call.word in PUTS:
            for operand in call.operands[1:]:
                self.gather(receiver, self.tasks(operand.place))
            root = slot_of(self.canon(receiver))
            if root in self.empty or root in self.likes:
                self.consists_of(receiver, call.operands[-1].place)

    def hand_on(self, dst: int, src: ir.Place) -> None:
        super().hand_on(dst, src)
        if isinstance(src.root, int) and not src.way and src.root in self.spawned:
            self.spawned[dst] = self.spawned[src.root]

    def awaited(self, dst: int, src: ir.Place, at: ir.Range, name_at: ir.Range) -> None:
        """A task is waited for, the one that a field keeps too."""
        before = len(self.out)
        super().awaited(dst, src, at, name_at)
        for number, step in enumerate(self.out[before:], before):
            if isinstance(step, ir.Suspend) and step.at == at and not step.others:
                self.out[number] = replace(step, others=self.kept_tasks(src))

    def gather(self, place: ir.Place | None, bodies: tuple[ir.Region, ...]) -> None:
        """The value of a variable keeps handles of these."""
        known = self.canon(place)
        if bodies and known is not None and not known.way and isinstance(known.root, int):
            if known.root >= self.program.parameters(self.number):
                before = self.gathered.get(known.root, ())
                self.gathered[known.root] = (*before, *(one for one in bodies if one not in before))

    def tasks(self, place: ir.Place | None) -> tuple[ir.Region, ...]:
        """The bodies behind a handle; behind what keeps several, or one of its elements, all of them."""
        found, known = super().tasks(place), self.like(self.canon(place))
        if found or known is None or not isinstance(known.root, int):
            return found
        if not known.way:
            return self.spawned.get(known.root) or self.gathered.get(known.root, ())
        return self.gathered.get(known.root, ()) if all(one.startswith("[") for one in known.way) else ()

    def closes_group(self, call: ir.Call) -> None:
        """A block of a group ends when all is done that was started on the group."""
        place = call.operands[0].place if call.word in CLOSES and call.operands else None
        bodies = self.tasks(place) if place is not None else ()
        kind = self.type_of(place) if bodies else None
        why = self.effects.joins.get(kind.path[-1]) if kind is not None else None
        if why is not None and call.awaited:
            self.out.append(ir.Suspend(call.at, call.name_at, bodies))
        elif why is not None:
            self.out.append(ir.Block(call.at, call.name_at, call.word, why, bodies))

    def waits_together(self, call: ir.Call, spelled: str) -> None:
        """A function waits for all that it is given: on the spot, or where what it returns is awaited."""
        if spelled not in self.effects.together or any(operand.name == "timeout" for operand in call.operands):
            return
        bodies = tuple(body for operand in call.operands for body in self.tasks(operand.place))
        last = self.out[-1] if self.out else None
        if isinstance(last, ir.Block) and last.at == call.at:
            self.out[-1] = replace(last, others=bodies)
        elif bodies:
            self.spawned[call.dst] = bodies
