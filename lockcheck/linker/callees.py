"""What a call means, by what its callee is: a method of a value, a named function, a value that is called.

In: a `Call`.  Out: what it means, by the rooms that know locks, the tree's functions and libraries.
Never: what is held.
"""

from __future__ import annotations

from msgspec.structs import replace

from lockcheck import ir
from lockcheck.effects import LockType
from lockcheck.effects.shapes import PRESENT, RESULT
from lockcheck.linker.acts import Acts
from lockcheck.linker.implied import Implied
from lockcheck.linker.locks import is_generic
from lockcheck.linker.objects.made import flowed
from lockcheck.linker.places import plain, slot_of
from lockcheck.linker.written import GUARD, UNKNOWN

_GUESSES = 3
"""By name alone at most so many functions are meant; more is as good as none."""


class Callees(Acts, Implied):
    """Calls by the kind of their callee."""

    def call(self, call: ir.Call) -> None:
        operands = call.operands
        if call.word == ir.NEXT:
            self.next_round(call)
            return
        self.passing.clear()
        for operand in operands:
            self.before(call, operand)
            self.note_passing(call, operand)
        self.leaves_out(call)
        match call.callee:
            case ir.Method(name):
                if name in self.effects.stops:
                    self.called_off(operands[0].place)
                if name in self.effects.hands_back:
                    self.may_leave(call)
                self.by_method(call, name)
                self.method(call, name)
            case ir.Named(path, _, owner):
                self.named(call, path, owner)
            case ir.Indirect(place):
                self.indirect(call, place)

    def indirect(self, call: ir.Call, place: ir.Place) -> None:
        if self.runs_kept(call, place):
            return
        self.closures(call, None)
        known, kind = self.canon(place), self.type_of(place)
        root = known.root if known is not None and not known.way else None
        if isinstance(root, int) and root < self.program.parameters(self.number):
            self.lends(root, [o.place for o in call.operands])
            given = tuple(plain(o.place) for o in call.operands if o.place is not None)
            moved = ((n, plain(o.place)) for n, o in enumerate(call.operands) if o.moved and o.place is not None)
            self.out.append(ir.Callback(root, call.at, call.name_at, given, tuple(moved)))
            self.calling[call.dst] = root
        else:
            self.stored_call(call, place, kind)
        for outer in self.program.types.behind(kind, self.effects):
            if outer.path == ("[fn]",) and outer.args:
                self.learn(call.dst, outer.args[-1])
        self.consume(call)

    def runs_kept(self, call: ir.Call, place: ir.Place) -> bool:
        """A closure, or a function by its name, that a variable, a part of a value or a list keeps, is called."""
        known = self.canon(place)
        kept: list[ir.Lambda | ir.Path] = []
        whole = isinstance(place.root, int) and not place.way and place.root in self.lambdas
        slot = place.root if whole else slot_of(known)
        if slot in self.lambdas:
            kept = [self.lambdas[slot]]
        elif known is not None and isinstance(known.root, tuple):
            kept = self.in_table(known.root) or ([known.root] if not known.way else [])
        elif known is not None and isinstance(known.root, int) and known.way and known.way[0].startswith("["):
            kept = self.in_lists.get(known.root, [])
        sure = len(kept) == 1 and (known is None or not known.way)
        return bool([one for one in kept if self.runs_one(call, one, sure)])

    def in_table(self, root: ir.Path) -> list[ir.Lambda | ir.Path]:
        """The functions that a static names, one or a table of them."""
        static = self.program.names.statics.get(root)
        return [self.program.names.resolve(static.module, path) for path in static.lists] if static is not None else []

    def runs_one(self, call: ir.Call, kept: ir.Lambda | ir.Path, sure: bool) -> bool:
        """One of the callables that a call may mean; False where it is none of the tree."""
        if isinstance(kept, tuple):
            targets = self.fitting(self.program.functions_named(self.context, kept, None, self.effects), call)
            if targets:
                self.invoke(replace(call, callee=ir.Named(kept)), targets, sure, None)
            return bool(targets)
        if kept.deferred:
            self.lambdas[call.dst] = kept
            return True
        with self.named_so({ir.Place(to): one.place for to, one in zip(kept.params, call.operands, strict=False)}):
            self.inline(kept, ir.Place(call.dst), surely=sure)
        return True

    def wraps_for_caller(self, call: ir.Call) -> bool:
        """Whether what a call keeps from its end is a guard that the function's own result has in it for its `Drop`."""
        returned = self.program.returned_type(self.number, None)
        return call.dst in self.gone and self.program.types.guard_mode(returned, self.effects) is not None

    # ------------------------------------------------------------------------------------------------------ methods

    def method(self, call: ir.Call, name: str) -> None:
        place = call.operands[0].place
        kind = self.type_of(place)
        effects = self.effects
        self.act(call, name, place, kind)
        self.passes_through(call, name, place)
        if name in effects.waits and self.condition_wait(call, kind):
            return
        if self.made_once(call, name, place):
            return
        inside = False
        for outer in self.program.types.behind(kind, effects):
            lock = self.program.types.lock_type(outer, effects) if not self.is_within(outer, name) else None
            if lock is not None and (taking := self.taking(lock, name, call)) is not None:
                listed = effects.lock(outer.path) is not None
                there = self.stood_for(place, outer)
                asked = place if there != place else None
                self.acquire(call, lock, taking, there, outer, "declared" if listed else "inferred", asked)
                return
            shape = effects.shape(outer)
            listed_here = name in effects.signals.get((outer.path[0], outer.path[-1]), ())
            own = name in effects.flow.get(shape, ()) and outer.path not in self.program.names.types
            methods = self.program.types.methods(outer, name, effects) if not (listed_here or own) else []
            targets = self.fitting(methods, call)
            if targets:
                self.tells_one(call, outer, targets)
                self.invoke(call, targets, not self.is_of_others(outer, targets), outer)
                if lock is not None and lock.by_hand and self.is_same_lock(targets[0], outer):
                    self.name(ir.Place(call.dst), place)
                return
            if lock is not None and name in effects.free:
                self.plain_result(call, name, outer, kind)
                return
            if name in effects.guard_consumes and not inside and self.consumed(call, outer):
                return
            if place is not None:
                self.hand_over(call, name, place, outer)
            if shape in effects.flow and name in effects.flow[shape]:
                said = effects.flow[shape][name]
                self.learn(call.dst, self.asked_for(call, outer) or flowed(said, outer))
                self.library(call, name, outer, carries=not inside)
                self.learn(call.dst, flowed(said, outer, self.passed_to(call)))
                self.made_by_closure(call, shape, said)
                return
            if self.signal(call, outer) or self.wait_or_block(call, f"{outer.path[-1]}.{name}", inside):
                return
            if self.program.types.is_guard(outer, effects):
                if not self.is_of_content(name, outer) and self.on_guard(call, name):
                    return
                inside = True
        self.unknown_method(call, name, kind)

    def made_by_closure(self, call: ir.Call, shape: str, said: ir.Type) -> None:
        """`found.map(|one| one.lock.clone())`: what the closure gives is what is there, if anything is."""
        gives = shape in PRESENT and "@" in (said.path[0], *(one.path[0] for one in said.args))
        for operand in call.operands[1:] if gives else ():
            if self.is_lambda(operand):
                self.name(ir.Place(call.dst), ir.Place(self.lambdas[slot_of(operand.place)].result))

    def is_of_content(self, name: str, guard: ir.Type) -> bool:
        """Whether what a guard guards is known to have a method of this name: `upgrade` of a `Weak` in a mutex."""
        content = guard.args[-1] if guard.args else UNKNOWN
        listed = content != UNKNOWN and name in self.effects.flow.get(content.path[-1], ())
        return listed or bool(self.program.types.methods(content, name, self.effects))

    def is_within(self, kind: ir.Type, name: str) -> bool:
        """Whether a method of a lock's own type, in the library that has it, calls another one."""
        owner = self.context.owner
        return (
            owner is not None and owner.path == kind.path and bool(self.program.types.methods(kind, name, self.effects))
        )

    def asked_for(self, call: ir.Call, kind: ir.Type) -> ir.Type | None:
        """`iterator.collect::<Vec<_>>()`: the type that is written, with what comes out of the iterator in it."""
        if not is_generic(call) or isinstance(call.callee, ir.Indirect):
            return None
        written = self.program.types.resolve(call.callee.generics[0], self.context, self.effects)
        return self.program.types.filled(written, kind, self.effects) if written is not None else None

    def unknown_method(self, call: ir.Call, name: str, kind: ir.Type | None) -> None:
        effects = self.effects
        last = next(reversed(list(self.program.types.behind(kind, effects))), None)
        elsewhere = last is not None and self.is_something_else(last)
        if (
            name in effects.named
            and len(call.operands) == 1
            and not elsewhere
            and not is_generic(call)
            and call.operands[0].place is not None
        ):
            taking = effects.named[name]
            family = "mutex" if taking.mode == "exclusive" else "rwlock"
            known = last is not None and len(last.path) > 1 and not last.path[0].startswith("[")
            kind_name = effects.separator.join(last.path) if last is not None and known else ""
            lock = LockType(kind_name, family, "thread", True, {})
            self.acquire(call, lock, taking, call.operands[0].place, None, "named")
            return
        if name in effects.blocks_unknown and last is None and len(call.operands) == 1 and not call.awaited:
            self.out.append(self.wait(call, name, effects.blocks_unknown[name], call.operands[0].place))
            return
        if name in effects.threads:
            place = self.canon(call.operands[0].place)
            if place is not None and isinstance(place.root, int) and place.root in self.scopes:
                self.joined(call, place.root)
            else:
                self.closures(call, None)
                if place is not None and last is not None and last.path[-1] in effects.task_sets:
                    self.keeps_task(place, call.dst)
            return
        known = name in effects.same_methods or name in effects.carries or name in effects.keeps
        if last is None and not known and name not in effects.common:
            guesses = [
                n for n in self.program.types.by_name(name, effects) if self.program.arity(n) == len(call.operands)
            ]
            if 0 < len(guesses) <= _GUESSES:
                self.may_keep(call)
                self.invoke(call, guesses, False, None)
                return
        if not known:
            self.unknown(call, name)
        if name in effects.by_type and call.kinds:
            written = self.program.types.resolve(call.kinds[0], self.context, effects)
            self.learn(call.dst, flowed(effects.by_type[name], kind or UNKNOWN, {"$": written}))
        if (
            kind is not None
            and name in effects.same_methods
            and name not in ("into", "to_owned", "ok", "iter", "into_iter")
        ):
            self.learn(call.dst, kind)
        if name in effects.same_methods and kind is None:
            self.types.setdefault(call.dst, None)
        through = self.program.types.is_guard(kind, effects) and not self.is_of_other_lock(name, last)
        self.library(call, name, kind, carries=name != "take" and not through, unknown=not known)

    def is_of_other_lock(self, name: str, content: ir.Type | None) -> bool:
        """Whether a method asks for the guard that is there already: of two locks with one name the other is meant.

        `#[cfg(…)] use parking_lot::Mutex; #[cfg(not(…))] use std::sync::Mutex;`: what is guarded has no such method.
        """
        return (
            name in self.effects.insists
            and content is not None
            and not self.program.types.is_guard(content, self.effects)
        )

    def is_same_lock(self, target: int, kind: ir.Type) -> bool:
        """Whether a method of a lock of the tree gives the lock itself, to be taken in another way."""
        given = self.program.returned_type(target, kind)
        return given is not None and given.path == kind.path

    def is_of_others(self, kind: ir.Type, targets: list[int]) -> bool:
        """Whether any type of any library may be behind it, by the trait called: the tree's are a guess then."""
        return kind.path == ("[dyn]",) and not any(self.is_by_own_trait(target) for target in targets)

    def is_by_own_trait(self, target: int) -> bool:
        """Whether a function is there by a trait of the tree."""
        function = self.program.functions[target][1]
        trait = function.trait
        return trait is not None and self.program.names.resolve(function.module, trait.path) in self.program.names.types

    def is_something_else(self, kind: ir.Type) -> bool:
        """Whether the type is known, and known to be no lock."""
        if kind.path[0].startswith("[") and kind.path != ("[dyn]",):
            return True
        if kind.path == ("[dyn]",):
            return any(a.path in self.program.names.types or a.path[0] in self.effects.known for a in kind.args)
        if kind.path[-1] in self.effects.prelude or kind.path[-1] in self.effects.flow_names:
            return True
        if kind.path in self.program.names.types:
            return True
        return len(kind.path) > 1 and kind.path[0] in self.effects.known

    # ---------------------------------------------------------------------------------------------- named functions

    def named(self, call: ir.Call, path: ir.Path, owner: ir.Type | None) -> None:
        effects = self.effects
        targets = self.fitting(self.program.functions_named(self.context, path, owner, effects), call)
        spelled = "::".join(path)
        short = "::".join(path[-2:])
        if not targets and (spelled in effects.drops or short in effects.drops):
            for operand in call.operands:
                if operand.moved and operand.place is not None:
                    self.finish(operand.place, self.endings(operand.place), call.name_at, path[-1])
                    part, whole = self.of_entry(operand.place)
                    dropped = whole if whole is not None and part != "*" else operand.place
                    self.out.append(ir.Release(plain(dropped), call.at))
            return
        if not targets and (spelled in effects.leaks or short in effects.leaks):
            for operand in call.operands:
                if operand.moved and operand.place is not None:
                    kept = self.wraps_for_caller(call)
                    self.out.append(ir.Move(ir.Place(call.dst if kept else ("[leaked]",)), plain(operand.place)))
            return
        if not targets and (spelled in effects.replaces or short in effects.replaces):
            self.replaced(call)
            return
        kind = self.program.owner_named(self.context, path, owner, effects)
        if kind is not None and self.on_type(call, path[-1], kind, bool(targets)):
            return
        if targets:
            self.invoke(call, targets, kind is None or not self.is_of_others(kind, targets), kind)
            return
        if path[-1].isupper() and self.runs_kept(call, ir.Place(path)):  # (a constant that is a function)
            return
        self.by_function(call, spelled, short)
        self.outside(call, path, spelled, short, kind)

    def on_type(self, call: ir.Call, name: str, kind: ir.Type, declared: bool) -> bool:
        """`Mutex::lock(&m)`, `MutexGuard::map(g, …)`, `Mutex::new(x)`."""
        effects, first = self.effects, call.operands[0] if call.operands else ir.Operand()
        lock = self.program.types.lock_type(kind, effects)
        if kind.path[-1] in effects.lazy and name in effects.lazy_asks:
            static = self.canon(first.place)
            self.asked_lazy.update([static.root] if static is not None and isinstance(static.root, tuple) else ())
            return False
        if kind.path[-1] in effects.lazy and name in effects.lazy_forces:
            self.made_once(call, name, first.place)
            return False
        if lock is not None and name in lock.methods and first.place is not None:
            taken = self.type_of(first.place)
            inner = next(
                (t for t in self.program.types.behind(taken, effects) if self.program.types.lock_type(t, effects)), kind
            )
            self.acquire(call, lock, lock.methods[name], first.place, inner, "declared")
            return True
        if self.program.types.is_guard(kind, effects) and first.place is not None and not declared:
            if name in effects.guard_unlocks:
                return True
            if name in effects.guard_releases:
                self.out.append(ir.Release(plain(first.place), call.at))
            elif name in effects.guard_modes:
                self.convert(call, name, first.place)
            else:
                self.closures(call, None)
                if first.moved:  # (of a guard that is lent, something else is asked: its lock)
                    self.out.append(ir.Move(ir.Place(call.dst), plain(first.place)))
                    maybe = name.startswith(("try_", "filter_"))
                    self.learn(call.dst, ir.Type((RESULT,), (ir.Type((GUARD,)),)) if maybe else ir.Type((GUARD,)))
            return True
        if (
            not declared
            and name in ("new", "default", "from", "const_new", "with_capacity", "new_with")
            and not call.awaited
        ):
            wraps = lock is not None or kind.path[-1] in effects.wrappers
            inner_kind = self.type_of(first.place) if wraps and not kind.args else None
            self.learn(call.dst, ir.Type(kind.path, (inner_kind,)) if inner_kind is not None else kind)
            if lock is not None and name != "from" and first.moved and first.place is not None:
                self.guarding[call.dst] = first.place
        return False
