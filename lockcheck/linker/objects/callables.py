"""Values that can be called: functions and methods by name, closures, what a field was given, targets of threads.

In: a place.  Out: the functions that calling its value runs, or a body that does.
Never: what is held.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import NamedTuple

from lockcheck import ir
from lockcheck.linker.callees import Callees
from lockcheck.linker.objects.forwarding import fitted
from lockcheck.linker.places import OF_METHOD, plain

_PASSED = 3
"""Of so many methods that a class is made with one may be the one that its object calls; more is as good as none."""
_HANDED = 40
"""Of so many methods that are handed over to be called later each may be the one that is called."""
_DISPLAYS = (("list",), ("dict",))


class Target(NamedTuple):
    """What a call of a value runs: the functions, the place of the receiver and the operands bound to them.

    `sure`: it can be nothing else.
    """

    functions: tuple[int, ...]
    receiver: ir.Place | None
    given: tuple[ir.Operand, ...] = ()
    sure: bool = True

    @property
    def first(self) -> tuple[ir.Operand, ...]:
        """The operands before those of the call."""
        return (*((ir.Operand(plain(self.receiver)),) if self.receiver is not None else ()), *self.given)


class Callables(Callees):
    """Values that can be called, where every value is a reference."""

    @abstractmethod
    def field_of(self, kind: ir.Type, name: str) -> tuple[ir.Field, ir.Path] | None:
        """A field as declared, with the module of its class: the first that says what it is."""

    @abstractmethod
    def like(self, place: ir.Place | None) -> ir.Place | None:
        """The element that the value at a place is, of what kept it before."""

    @abstractmethod
    def consists_of(self, place: ir.Place | None, element: ir.Place | None) -> None:
        """An element goes into a container."""

    @abstractmethod
    def kept_tasks(self, place: ir.Place | None) -> tuple[ir.Region, ...]:
        """The bodies of what runs beside that a field keeps, by what its class puts there."""

    @abstractmethod
    def goes_home(self, place: ir.Place | None) -> None:
        """Remember which parts of the value at a place are other names of something in the object that keeps it."""

    def target(self, place: ir.Place | None) -> Target | None:
        """What calling the value at a place runs; None where that is not known."""
        found, root = self.named_target(place), place.root if place is not None and not place.way else None
        given = self.bound.get(root, ()) if isinstance(root, int) else ()
        return found._replace(given=(*found.given, *given)) if found is not None else None

    def named_target(self, place: ir.Place | None) -> Target | None:
        """The same without what was bound to it beforehand."""
        known = self.canon(place)
        if known is None:
            return None
        if isinstance(known.root, int) and not known.way and known.root in self.named_like:
            return self.like_named(*self.named_like[known.root])
        names, made = self.program.names, self.program.types.made
        if handed := made.handed(self.type_of(known), self.effects)[: _HANDED + 1]:
            receiver = ir.Place(known.root, (*known.way, OF_METHOD))
            return Target(tuple(handed), receiver, sure=False) if len(handed) <= _HANDED else None
        if isinstance(known.root, tuple) and not known.way:
            if known.root in names.functions:
                return Target(tuple(names.functions[known.root][-1:]), None)
            kind = ir.Type(known.root[:-1])
            found = made.methods(kind, known.root[-1], self.effects) if kind.path in names.types else []
            return Target(tuple(found), None) if found else None
        if not known.way:
            return None
        owner = ir.Place(known.root, known.way[:-1])
        owner_kind = self.type_of(owner)
        if known.way[-1].startswith("["):
            return self.setting(known) or self.listed(owner)
        if owner_kind is None:
            return None
        name = known.way[-1]
        found = [n for n in made.methods(owner_kind, name, self.effects) if not self.is_computed(n, name)]
        return Target(tuple(found), owner) if found else self.given_to(owner, owner_kind, name)

    def like_named(self, place: ir.Place, begins: str, ends: str) -> Target | None:
        """An object's methods of a name that is put together when the program runs: `getattr(self, "do_" + name)`."""
        kind, types = self.type_of(place), self.program.types
        above = (kind, *types.made.bases(kind, self.effects)) if kind is not None else ()
        names = sorted({name for one in above for name in types.method_names(one.path)})
        fitting = [name for name in names if name.startswith(begins) and name.endswith(ends)]
        found = [number for name in fitting for number in types.made.methods(kind, name, self.effects)] if kind else []
        return Target(tuple(found), place, sure=False) if 0 < len(found) <= _HANDED else None

    def setting(self, place: ir.Place) -> Target | None:
        """What an object's settings hold by name, `self.config["done"]`: what it was made with, `done=self._done`."""
        kind = self.type_of(ir.Place(place.root, place.way[:-2])) if len(place.way) > 1 else None
        name = place.way[-1][2:-2] if place.way[-1][1:2] in ("'", '"') else ""
        found = self.program.types.made.set_for(kind, name, self.effects) if kind is not None and name else []
        receiver = ir.Place(place.root, (*place.way, OF_METHOD))
        return Target(tuple(found), receiver, sure=False) if 0 < len(found) <= _PASSED else None

    def listed(self, place: ir.Place) -> Target | None:
        """What an object keeps of its own methods where it is made: `self.steps = [self._read, self._sort]`."""
        owner = ir.Place(place.root, place.way[:-1])
        kind = self.type_of(owner) if place.way else None
        field = self.field_of(kind, place.way[-1]) if kind is not None else None
        each = field[0].type.args[-1:] if field is not None and field[0].type is not None else ()
        if kind is None or not each or field is None or field[0].type.path not in _DISPLAYS:
            return None
        paths = [one.path for one in (each[0].args if each[0].path == ("[any]",) else each)]
        names = [path[-1] for path in paths if len(path) == 3 and path[:2] in (("[at]", "self"), ("[at]", "cls"))]
        found = [number for name in names for number in self.program.types.made.methods(kind, name, self.effects)]
        return Target(tuple(found), owner, sure=False) if 0 < len(found) <= _HANDED else None

    def is_computed(self, number: int, name: str) -> bool:
        return self.program.types.made.is_computed(number, name)

    def given_to(self, owner: ir.Place, kind: ir.Type, name: str) -> Target | None:
        """The function that a field was given by name where it was made: `self.callback = self._done`.

        So it is where some of what it gets was given beforehand: `self.later = partial(self._done, row)`.
        """
        field = self.field_of(kind, name)
        raw, module = (field[0].type, field[1]) if field is not None else (None, ())
        passed = self.program.types.made.passed(kind, name, self.effects) if raw is not None else ()
        if 0 < len(passed) <= _PASSED:
            return Target(tuple(passed), ir.Place(owner.root, (*owner.way, name, OF_METHOD)), sure=False)
        given: tuple[ir.Operand, ...] = ()
        if raw is not None and raw.path == ("[made]",) and len(raw.args) > 1 and self.binds(raw.args[0].path, module):
            raw, given = raw.args[1], (ir.Operand(spread=True),)
        if raw is None or raw.path[0] != "[at]" or len(raw.path) < 2:
            return None
        path = raw.path[1:]
        if path[0] in ("self", "cls") and len(path) == 2 and path[1] != name:
            found = self.program.types.made.methods(kind, path[1], self.effects)
            return Target(tuple(found), owner, given) if found else None
        return None

    def binds(self, path: ir.Path, module: ir.Path) -> bool:
        """Whether calling what a path names in a module binds what it is given to a function."""
        return self.effects.separator.join(self.program.types.made.meaning(module, path)) in self.effects.binds

    def body_of(
        self, place: ir.Place | None, at: ir.Range, given: tuple[ir.Operand, ...] | None = None
    ) -> ir.Region | None:
        """A body that calls the value at a place; with `given` and nothing else, where that is known."""
        if place is not None and isinstance(place.root, int) and not place.way and place.root in self.lambdas:
            closure = self.lambdas[place.root]
            placed = closure.dst in self.placed
            body = self.closure_body(closure)
            if not placed:
                self.placed.discard(closure.dst)
            return body
        target = self.target(place)
        if target is None:
            return None
        operands, function = target.first, self.program.functions[target.functions[0]][1]
        if given is not None:
            operands = fitted((*operands, *given), function.params, len(target.functions) == 1)
        paths = tuple(self.canon(operand.place) for operand in operands)
        for place in paths:
            self.goes_home(place)
        asked = tuple(self.asked(operand.place) for operand in operands) if given is not None else ()
        runs = ir.Invoke(
            self.body.result, target.functions, target.sure, operands, paths, at, at, function.name, asked=asked
        )
        return ir.Region((runs,), (), at)

    def bodies_of(self, operands: tuple[ir.Operand, ...], at: ir.Range) -> tuple[ir.Region, ...]:
        """Bodies that call each operand that can be called."""
        found = (self.body_of(operand.place, at) for operand in operands if operand.place is not None)
        return tuple(body for body in found if body is not None)

    # ------------------------------------------------------------------------------------------- given to functions

    def lambda_operands(self, call: ir.Call) -> list[tuple[int, ir.Region, bool]]:
        """What the callee may call: it does so only where that can be seen, much is stored to be called later."""
        found = [(number, body, True) for number, body, _ in super().lambda_operands(call)]
        for number, operand in enumerate(call.operands):
            if operand.place is not None and not self.is_lambda(operand) and operand.place != ir.Place(0):
                target = self.target(operand.place)
                waits = target is not None and self.program.runs_when_awaited(target.functions[0])
                body = self.body_of(operand.place, call.at) if target is not None and not waits else None
                if body is not None:
                    found.append((number, body, True))
        return found

    def runs_here(self, call: ir.Call) -> None:
        """`sorted(rows, key=self.rank)`: a function of the tree is called before the call returns, or never."""
        for operand in call.operands:
            body = self.body_of(operand.place, call.at) if not self.is_lambda(operand) else None
            if body is not None:
                self.out.append(ir.Branch((ir.Arm(body), ir.Arm(ir.Region((), (), call.at)))))

    def runs_later(self, call: ir.Call) -> None:
        """`map(self.rank, rows)`: what is given runs where somebody goes through the result."""
        for operand in call.operands:
            if self.is_lambda(operand) and operand.place is not None:
                self.hand_on(call.dst, operand.place)
            elif (body := self.body_of(operand.place, call.at)) is not None:
                self.lambdas[call.dst] = ir.Lambda(call.dst, (), body, call.dst)
                self.placed.add(call.dst)

    # ------------------------------------------------------------------------------------------------------ threads

    def spawns(self, call: ir.Call, kind: str) -> None:
        """What is passed runs on another thread, or later."""
        bodies = (*self.bodies_of(call.operands, call.at), *self.given_bodies(call))
        if bodies:
            self.spawned[call.dst] = bodies
            self.out.append(ir.Register(kind, bodies, call.at, call.name_at, call.word))

    def given_bodies(self, call: ir.Call) -> Iterator[ir.Region]:
        """Bodies that call what this function was given and nobody knows more of, where it is passed on to a thread.

        Not where the name of a method of nobody knows what alone says that there is a thread.
        """
        params = self.program.functions[self.number][1].params
        if isinstance(call.callee, ir.Method) and self.type_of(call.operands[0].place) is None:
            return
        for operand in call.operands:
            place = self.canon(operand.place)
            root = place.root if place is not None and not place.way else None
            if isinstance(root, int) and root < len(params) and self.may_be_called(operand.place, root):
                yield ir.Region((ir.Callback(root, call.at, call.name_at),), (), call.at)

    def may_be_called(self, place: ir.Place | None, slot: int) -> bool:
        """Whether the parameter in a slot, at a place too, may be a callable of which nothing is known here."""
        own = slot == 0 and self.program.functions[self.number][1].takes_self
        return not own and self.target(place) is None and self.type_of(ir.Place(slot)) is None

    def tasks(self, place: ir.Place | None) -> tuple[ir.Region, ...]:
        for one in (place, self.canon(place)):
            if one is not None and isinstance(one.root, int) and one.root in self.spawned:
                return self.spawned[one.root]
        return super().tasks(place)

    def others(self, place: ir.Place | None) -> tuple[ir.Region, ...]:
        known, found = self.canon(place), self.tasks(place)
        if place is None or known is None or found:
            return found
        kind = self.type_of(known)
        runs = self.program.types.made.methods(kind, "run", self.effects) if kind is not None else []
        if runs:
            body = self.body_of(ir.Place(known.root, (*known.way, "run")), self.now)
            return (body,) if body is not None else ()
        return ()
