"""The other side of a wait: the thread behind a handle, the two ends of one channel, who gives signals.

In: moves of handles and of ends, waits.  Out: the bodies that are waited for, one place for both ends, `Wait` and
`Signal`, and where that by which signals are given goes on to.
Never: whether the other side needs what is held here.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from lockcheck import ir
from lockcheck.effects import Signalling
from lockcheck.linker.closures import Closures
from lockcheck.linker.objects.uses import is_guess
from lockcheck.linker.places import BEHIND, slot_of
from lockcheck.linker.written import NOTHING


class Handed(NamedTuple):
    """What signals are given by goes on at `place` (`owner` as of a lock) to a parameter of `targets`.

    No targets: to where nobody can follow it. `gives`: what can be given by it (see `ir.Wait.of`).
    """

    place: ir.Place
    owner: str
    gives: frozenset[str]
    targets: tuple[int, ...] = ()
    parameter: int = 0


class Filled(NamedTuple):
    """A callable among the parameters goes into the owner's field of what is at `whole`, to be called later."""

    owner: str
    parameter: int
    whole: ir.Place


class Sides(Closures):
    """Handles of threads, ends of channels, and signals."""

    def wait(self, call: ir.Call, name: str, why: str, place: ir.Place | None, brief: bool = False) -> ir.Block:
        """A wait for whoever is behind the value at a place."""
        return ir.Block(call.at, call.name_at, name, why, self.others(place), brief, self.waited_for(place))

    def others(self, place: ir.Place | None) -> tuple[ir.Region, ...]:
        """The body of the thread whose handle is at a place."""
        return self.tasks(place)

    def tasks(self, place: ir.Place | None) -> tuple[ir.Region, ...]:
        """The same of a task that is awaited."""
        if place is None:
            return ()
        root = place.root if place.root in self.threads else getattr(self.canon(place), "root", None)
        closure = self.threads.get(root) if isinstance(root, int) else None
        if closure is None:
            return ()
        return (self.thread_body(closure),)

    def thread_body(self, closure: ir.Lambda) -> ir.Region:
        """What a closure does, wherever it runs besides."""
        placed = closure.dst in self.placed
        body = self.closure_body(closure)
        if not placed:
            self.placed.discard(closure.dst)
        return body

    def keeps_handle(self, dst: ir.Place, src: ir.Place) -> None:
        """A thread's handle goes into a field: whoever finds it there can wait for the thread. So does a closure."""
        if not isinstance(src.root, int) or src.way or not (dst.way or dst.root != src.root):
            return
        closure = self.threads.get(src.root) or (self.lambdas.get(src.root) if not self.effects.objects else None)
        given = slot_of(self.canon(src)) if closure is None and not self.effects.objects else -1
        is_given = 0 <= given < self.program.parameters(self.number) and self.is_callable(given)
        owner = self.owner_by_any_name(dst) if closure is not None or is_given else ""
        root = (self.canon(dst) or dst).root if owner else -1
        if closure is not None and owner:
            self.starts.append((owner, closure, root if isinstance(root, int) else -1))
        elif owner:
            self.fills_field(owner, given, self.canon(dst) or dst)

    def fills_field(self, owner: str, parameter: int, place: ir.Place) -> None:
        """A callable among the parameters goes to a place within the owner's field."""
        way, name = place.way, owner.rpartition(".")[2].removesuffix(BEHIND)
        if isinstance(place.root, int) and place.root < self.program.parameters(self.number) and name in way:
            cut = len(way) - 1 - way[::-1].index(name)
            self.fills.append(Filled(owner, parameter, ir.Place(place.root, way[:cut])))

    def waited_for(self, place: ir.Place | None) -> str:
        """The owner of the field that a handle was found in, or taken out of with others."""
        known, seen = self.canon(place), set[int]()
        while known is not None and isinstance(known.root, int) and known.root in self.drawn.keys() - seen:
            seen.add(known.root)
            known = self.canon(self.drawn[known.root])
        if known is None or (isinstance(known.root, int) and not known.way):
            return ""
        asked = next((number for number, part in enumerate(known.way) if part.endswith("()")), len(known.way))
        return self.owner_of(ir.Place(known.root, known.way[:asked]))

    def handle_kept(self, place: ir.Place) -> str:
        """The same of a task's handle that is awaited; empty where it is none, or where the task was told to stop."""
        kinds = self.program.types.behind(self.type_of(place), self.effects)
        if not any(kind.path[-1] in self.effects.task_handles for kind in kinds) or self.canon(place) in self.stopped:
            return ""
        return self.waited_for(place)

    # ------------------------------------------------------------------------------------------------------- signals

    def signal(self, call: ir.Call, kind: ir.Type | None, guard: ir.Place | None = None) -> bool:
        """Something is waited for or rung. `guard` is what is passed on while it waits.

        True where that is all that the call does: of a condition variable.
        """
        place = call.operands[0].place
        for outer in self.program.types.behind(kind, self.effects):
            listed = self.effects.signals.get((outer.path[0], outer.path[-1]), {}).get(call.word, ())
            if not listed or place is None:
                continue
            known, spelled = self.one_end(self.canon(place) or place), self.effects.separator.join(outer.path)
            waits: Literal["thread", "task"] = "task" if call.awaited else "thread"
            evidence: Literal["declared", "named"] = "named" if is_guess(kind) else "declared"
            on = ir.Lock(known, self.owner_of(known) or self.owner_of(place), spelled, waits, "signal", evidence)
            for how in listed:
                self.tell(call, how, on, guard)
            return not listed[0].of
        return False

    def tell(self, call: ir.Call, how: Signalling, on: ir.Lock, guard: ir.Place | None) -> None:
        """One thing that a method waits for or gives."""
        lock, given = on if how.held else None, list(enumerate(call.operands[1:], 1))
        if how.does == "wake":
            self.out.append(ir.Signal(on, call.at, call.name_at, call.word, lock, how.of))
            return
        if (how.awaited and not call.awaited) or any(self.is_off(how, n, o) for n, o in given):
            return
        if how.sized and not self.has_size(call.operands[0].place):
            return
        why = self.effects.blocks_methods.get(f"[{how.of}]") if how.sized and not call.awaited else None
        if why is not None:
            self.out.append(self.wait(call, call.word, why, call.operands[0].place))
        limits = (o for n, o in given if o.name == "timeout" or (n == how.limit and not o.name))
        bounded = how.bounded or any(limit.place != ir.NONE for limit in limits)
        empty = guard is not None and self.guards_nothing(guard)
        self.out.append(ir.Wait(on, call.at, call.name_at, call.word, lock, guard, bounded, how.checked, how.of, empty))

    def guards_nothing(self, guard: ir.Place) -> bool:
        """Whether the lock of a guard has no value in it."""
        types = self.program.types
        kinds = (kind for kind in types.behind(self.type_of(guard), self.effects) if types.is_guard(kind, self.effects))
        return any(kind.args and kind.args[-1] == NOTHING for kind in kinds)

    def is_off(self, how: Signalling, number: int, operand: ir.Operand) -> bool:
        """Whether an argument may say that a call does not wait."""
        about = operand.name == "block" or (number == how.ask and not operand.name)
        return bool(how.ask) and about and operand.place != ir.YES

    def has_size(self, place: ir.Place | None) -> bool:
        """Whether what is at a place was made to hold so many things at most."""
        return place is not None

    def gives(self, place: ir.Place | None) -> frozenset[str] | None:
        """What can be given by the value at a place; None where it is nothing that signals are waited for or given by.

        Condition variables are left out.
        """
        given = self.effects.given_by_signals
        kinds = self.program.types.behind(self.type_of(place), self.effects)
        return next((given[key] for outer in kinds if (key := (outer.path[0], outer.path[-1])) in given), None)

    def hands(self, place: ir.Place | None, targets: tuple[int, ...] = (), parameter: int = 0) -> None:
        """A value goes on to a function of the tree, or to where nobody can follow it."""
        gives = self.gives(place)
        known = self.canon(place) if gives is not None else None
        if known is not None and gives is not None:
            one = self.one_end(known)
            self.handed.append(Handed(one, self.owner_of(one), gives, targets, parameter))

    def hands_all(self, operands: tuple[ir.Operand, ...]) -> None:
        """Values go on to where nobody can follow them."""
        for operand in operands:
            self.hands(operand.place)

    def keeps_part(self, part: ir.Place, src: ir.Place) -> None:
        """What signals are given by goes into a field, where others find it."""
        if self.gives(src) is None:
            return
        owner, known = self.owner_of(self.one_end(part)), self.canon(src)
        if owner and known is not None and isinstance(known.root, int):
            self.kept[owner] = self.one_end(known)
        elif known is not None:
            self.hands(src)

    # ------------------------------------------------------------------------------------------------------ channels

    def keeps_ends(self, dst: int, parts: tuple[tuple[str, ir.Operand], ...]) -> None:
        """Both ends of one channel go into the fields of one value."""
        ends: dict[int, list[str]] = {}
        for name, operand in parts:
            known = self.canon(operand.place)
            if known is not None and known.root in self.channels and known.way in (("0",), ("1",)):
                assert isinstance(known.root, int)
                ends.setdefault(known.root, []).append(name)
        for names in ends.values():
            owners = [self.owner_of(ir.Place(dst, (name,))) for name in sorted(names)]
            if len(owners) == 2 and all(owners):
                self.halves[owners[1]] = owners[0]

    def one_end(self, place: ir.Place) -> ir.Place:
        """Both ends of a channel are one place: that of the first by name."""
        if place.root in self.channels and place.way[:1] in (("0",), ("1",)):
            return ir.Place(place.root, place.way[1:])
        kind = self.type_of(ir.Place(place.root, place.way[:-1])) if place.way else None
        if kind is None:
            return place
        other = self.program.other_end(self.owner_of(place))
        return ir.Place(place.root, (*place.way[:-1], other.rpartition(".")[2])) if other else place
