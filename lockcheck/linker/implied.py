"""Methods of traits that run though nobody calls them: where values are printed, compared, added, converted.

In: the values, the trait.  Out: `Invoke`s of the functions that the values' types have for that, where they may take a
lock.
Never: a type that is not known.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from lockcheck import ir
from lockcheck.effects import Effects
from lockcheck.linker.library import Library
from lockcheck.linker.places import plain
from lockcheck.linker.runs import Run, Runs
from lockcheck.linker.types import Types
from lockcheck.linker.written import REF


class Locking(Struct, frozen=True):
    """The functions of a tree that run so and may take a lock, as far as texts say; by method the types with one."""

    functions: frozenset[int] = frozenset()
    owners: Mapping[str, frozenset[ir.Path]] = {}

    @property
    def traits(self) -> frozenset[str]:
        """The traits that such a function is of."""
        return frozenset(method.partition("::")[0] for method in self.owners)


class Implementations(Runs):
    """What a trait's method runs for a value: the type's own function, or those of its parts where it is derived."""

    def __init__(self, types: Types, method: str, locking: Locking) -> None:
        super().__init__(types)
        self._trait, _, self._name = method.partition("::")
        self._functions, self._owners = locking.functions, locking.owners.get(method, frozenset())

    def found(self, kind: ir.Type, effects: Effects, depth: int) -> tuple[Run, ...]:
        decl = self.types.names.types.get(kind.path)
        if decl is None:
            return self.parts(kind, effects, depth)
        if kind.path not in self._owners:
            return ()
        own = self.own(kind, self._trait, self._name, effects)
        if own:
            return own if self._functions.intersection(own[0].targets) else ()
        return self.parts(kind, effects, depth) if self._trait in decl.derived else ()

    def is_through(self, kind: ir.Type, effects: Effects) -> bool:
        shape = effects.shape(kind)
        shared = kind.path == REF or shape in effects.end_shared
        return shape in effects.implied_through and not (shared and self._name == effects.copies)


class Implied(Library):
    """Calls that nobody writes."""

    def implied(self, step: ir.Implied, whole: bool = True) -> None:
        """A method of a trait is run for the first of some values; not `whole`: only what it runs for their parts."""
        implementations = self.program.implementations(f"{step.trait}::{step.name}")
        kind = self.type_of(step.places[0]) if implementations is not None else None
        while kind is not None and kind.args and (kind.path == REF or self.program.types.is_guard(kind, self.effects)):
            kind = kind.args[-1]
        for run in implementations.of(kind, self.effects) if implementations is not None else ():
            if whole or run.way:
                self.runs(run, step)

    def runs(self, run: Run, step: ir.Implied) -> None:
        """The call of what runs for a part of the values."""
        takes = self.program.parameters(run.targets[0])
        places = (*step.places, *(None for _ in range(takes)))[:takes]
        parts = [ir.Place(one.root, one.way + run.way) if one is not None else None for one in places]
        dst, given = len(self.body.slots) - 1, tuple(ir.Operand(plain(one) if one else None) for one in parts)
        targets = self.fitting(
            list(run.targets), ir.Call(dst, ir.Method(step.name), tuple(map(ir.Operand, parts)), step.at, step.name_at)
        )
        if targets:
            paths, said = tuple(map(self.canon, parts)), f"{step.trait}{self.effects.separator}{step.name}"
            self.out.append(ir.Invoke(dst, tuple(targets), run.sure, given, paths, step.at, step.name_at, said))

    def by_method(self, call: ir.Call, name: str) -> None:
        """What a method of a library runs for its receiver, or for what it is given."""
        effects = self.effects
        if not self.program.locking.owners:
            return
        places = [one.place for one in call.operands]
        if name in effects.converts:
            self.converted(call, effects.converts[name])
        elif method := effects.implied_by.get(name, ""):  # (where the type has the method itself, that is called)
            self.implied(self.step_of(call, method, *places), whole=not method.endswith(f"::{name}"))
        elif (method := effects.implied_inside.get(name, "")) and len(places) > 1:
            own = self.program.functions[self.number][1].trait
            if own is not None and own.path[-1] == method.partition("::")[0]:
                self.implied(self.step_of(call, method, places[-1]))

    def by_function(self, call: ir.Call, spelled: str, short: str) -> None:
        """What a function of a library runs for what it is given first."""
        told = self.effects.implied_for if self.program.locking.owners else {}
        method = told.get(spelled) or told.get(short)
        if method is not None and call.operands:
            self.implied(self.step_of(call, method, call.operands[0].place))

    def step_of(self, call: ir.Call, method: str, *places: ir.Place | None) -> ir.Implied:
        """A trait's method that a call runs."""
        trait, _, name = method.partition("::")
        return ir.Implied(trait, name, places, call.at, call.name_at)

    def converted(self, call: ir.Call, method: str) -> None:
        """`x.into()`: the tree's conversion of such a value; where there are several, it may be any."""
        kind = self.type_of(call.operands[0].place)
        found = self.program.conversions(method).get(kind.path, ()) if kind is not None else ()
        if not self.program.locking.functions.isdisjoint(found):
            run = Run((), (*found,), "", len(found) == 1)
            self.runs(run, self.step_of(call, method, call.operands[0].place))
