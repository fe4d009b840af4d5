"""Calls that take a lock, give it back, change its mode, or wait.

In: a call and what its receiver is.  Out: `Acquire`, `Release`, `Convert`, `Block`.
Never: which function of the tree a call means.
"""

from __future__ import annotations

from lockcheck import ir
from lockcheck.effects import LockType, Taking
from lockcheck.effects.shapes import LIST, OPTION, PRESENT, RESULT
from lockcheck.linker.places import bare, is_settled, owner_of_static, plain
from lockcheck.linker.sides import Sides
from lockcheck.linker.written import GUARD, REF, UNKNOWN


class Locks(Sides):
    """Locks and their guards."""

    def acquire(
        self, call: ir.Call, lock: LockType, taking: Taking, place: ir.Place | None, kind: ir.Type | None,
        evidence: str, asked: ir.Place | None = None,
    ) -> None:  # fmt: skip
        """A lock is taken; `asked`: what the method is called on, where that only stands for the lock at `place`."""
        known = self.canon(place) or ir.Place(call.dst)
        if lock.family == "once":
            known = ir.Place(known.root, (*known.way, "once"))
        elif lock.family == "watch" and place is not None:
            known = place = self.one_end(known)
        waits = "task" if call.awaited else lock.waits
        owner, thin = (self.owner_by_any_name(place), self.is_thin(place)) if place else ("", False)
        if asked is not None and self.is_newtype(asked):  # (it counts as the field that it stands in)
            owner = self.owner_by_any_name(asked) or owner
        named = ir.Lock(known, owner, lock.kind or ir.SOME_LOCK, waits, lock.family, evidence, thin, lock.single)  # type: ignore[arg-type]
        dst = ir.Place(call.dst)
        later = lock.waits == "task" and not (call.awaited or taking.sync or taking.fallible or taking.moment)
        step = ir.Acquire(
            named,
            taking.mode,
            dst,
            call.at,
            call.name_at,
            call.word,
            taking.fallible,
            taking.bounded,
            taking.recursive,
            taking.fallible or taking.maybe,
        )
        if later:
            self.pending[call.dst] = step
        else:
            self.out.append(step)
        self.closures(call, None)
        if taking.moment:
            self.out.append(ir.Release(dst, call.at))
            if lock.family == "once":
                self.name(dst, ir.Place(known.root, known.way[:-1]))
                self.learn(call.dst, kind.args[-1] if kind is not None and kind.args else None)
            return
        self.name(dst, ir.Place(known.root, (*known.way, *self.element_guarded(call, lock), "*")))
        inner = self.program.types.own.content(kind, lock) if kind is not None else ()
        guard = ir.Type((GUARD,), inner)
        if taking.maybe:
            self.learn(call.dst, ir.Type((OPTION,), (guard,)))
            return
        if taking.each:
            self.keeping[call.dst] = True
            self.learn(call.dst, ir.Type((LIST,), (guard,)))
            return
        guessed = evidence != "declared" and not lock.by_hand
        wrapped = lock.wraps or taking.fallible or lock.family == "map" or guessed
        self.learn(call.dst, ir.Type((RESULT,), (guard,)) if wrapped else guard)

    def element_guarded(self, call: ir.Call, lock: LockType) -> tuple[str, ...]:
        """The part of a way that is what a map's guard is asked for, of all that is in the map: one for each key."""
        if lock.family != "map" or len(call.operands) < 2:
            return ()
        key = self.asked(call.operands[1].place)
        settled = key is not None and is_settled(key, self.body.slots)
        return (ir.element_for(key) if key is not None and settled else f"[each {call.dst}]",)

    def stood_for(self, place: ir.Place | None, wanted: ir.Type) -> ir.Place | None:
        """Where what a value stands for is: `&self.rows` by the `deref` of its type, for `table.read()`."""
        effects, types = self.effects, self.program.types
        for outer in types.behind(self.type_of(place), effects) if place is not None else ():
            if outer == wanted or place is None or types.is_guard(outer, effects):
                break
            if outer.path in types.derefs:
                found = types.methods(outer, effects.stands_method, effects)
                part = self.program.result_place(found[0]) if len(found) == 1 and found[0] != self.number else None
                if part is None or part.root != 0 or not all(p.isidentifier() or p.isdigit() for p in part.way):
                    break
                place = ir.Place(place.root, place.way + part.way)
        return place

    def is_newtype(self, place: ir.Place) -> bool:
        """Whether the type of a value has but one field."""
        kinds = self.program.types.behind(self.type_of(place), self.effects)
        decl = next((decl for kind in kinds if (decl := self.program.names.types.get(kind.path))), None)
        return decl is not None and len(decl.fields) == 1

    def by_type(self, call: ir.Call, mode: str, kind: ir.Type, path: ir.Place | None) -> ir.Acquire:
        """The acquisition that a function's declared return type (a guard) promises."""
        word = call.word
        place = ir.Place(path.root, (*path.way, f"{word}()")) if path is not None else ir.Place((f"{word}()",))
        known = self.canon(place) or place
        named = self.program.types.guard_in(kind, self.effects)
        _, of = self.effects.guards_in_full.get(named.path, ("", None)) if named is not None else ("", None)
        family = of.family if of is not None else "mutex" if mode == "exclusive" else "rwlock"
        waits = self.program.types.waits_for(named, self.effects)
        lock = ir.Lock(known, owner_of_static(known), ir.SOME_LOCK, waits, family, "inferred")
        maybe = kind.path[-1] == OPTION or (
            kind.path[-1] == RESULT and self.program.types.guard_mode(kind.args[0], self.effects) is not None
        )
        return ir.Acquire(lock, mode, ir.Place(call.dst), call.at, call.name_at, word, optional=maybe)  # type: ignore[arg-type]

    def taking(self, lock: LockType, name: str, call: ir.Call) -> Taking | None:
        """How the method takes the lock; `read(buffer)` with arguments takes none."""
        taking = lock.methods.get(name)
        if taking is None or is_generic(call):
            return None
        if (
            lock.family in ("mutex", "rwlock")
            and len(call.operands) > 1
            and not taking.bounded
            and not name.startswith("try_")
        ):
            return None
        return taking

    def made_once(self, call: ir.Call, name: str, place: ir.Place | None) -> bool:
        """A lazy static: who uses it first makes it, and holds it so long. True where the call does nothing else."""
        makes = name == ir.MAKE
        if place is None or not isinstance(place.root, tuple):
            return makes
        kind = self.type_of(ir.Place(place.root))
        known = self.canon(ir.Place(place.root)) if kind is not None and kind.path[-1] in self.effects.lazy else None
        listed = known is not None and known.root in self.program.names.statics and known.root not in self.asked_lazy
        if kind is None or known is None or not listed:
            return makes or name == ir.USE
        lock = ir.Lock(
            ir.Place(known.root, ("once",)),
            owner_of_static(known),
            "::".join(kind.path),
            "thread",
            "once",
            "declared",
        )
        dst = ir.Place(call.dst)
        self.out.append(ir.Acquire(lock, "exclusive", dst, call.name_at, call.name_at, name))
        if not makes:
            self.out.append(ir.Release(dst, call.at))
            self.made_here(call, known, name in self.effects.lazy_forces)
        return makes or name == ir.USE

    def is_lazy(self, place: ir.Place) -> bool:
        """Whether a place is a whole static that is made when it is first used."""
        if not isinstance(place.root, tuple) or set(place.way) - {"&"}:
            return False
        kind = self.type_of(ir.Place(place.root))
        return kind is not None and kind.path[-1] in self.effects.lazy and bool(kind.args)

    def made_for(self, call: ir.Call, place: ir.Place, wanted: ir.Type | None) -> None:
        """A lazy static is lent to a call that wants what is in it, and not the static itself."""
        kind = self.type_of(ir.Place(place.root))
        while wanted is not None and wanted.path == REF:
            wanted = wanted.args[0]
        if kind is not None and wanted is not None and wanted.path == kind.args[0].path:
            self.made_once(call, ir.USE, place)

    def made_here(self, call: ir.Call, static: ir.Place, forced: bool) -> None:
        """Who uses a lazy static first runs what makes it. `forced`: so that it is made there, and later nowhere."""
        assert isinstance(static.root, tuple)
        maker = self.program.initialisers.get(static.root)
        if maker is not None and maker != self.number:
            sure, at = forced or static.root[-1] not in self.program.forced, call.name_at
            runs = ir.Invoke(call.dst, (maker,), sure, (), (), at, at, static.root[-1], once=True)
            nothing = ir.Region((), (), call.at)
            self.out.append(ir.Branch((ir.Arm(ir.Region((runs,), (), call.at)), ir.Arm(nothing))))

    # ------------------------------------------------------------------------------------------------------- guards

    def consumed(self, call: ir.Call, kind: ir.Type) -> bool:
        """`lock().map(|guard| …)`: the guard goes into the closure, or ends with the call."""
        place = call.operands[0].place
        if place is None or kind.path[-1] not in PRESENT or not kind.args:
            return False
        if self.program.types.guard_mode(kind.args[0], self.effects) is None:
            return False
        for operand in call.operands[1:]:
            if self.is_lambda(operand):
                assert operand.place is not None and isinstance(operand.place.root, int)
                self.inline(self.lambdas[operand.place.root], ir.Place(call.dst), None, plain(place))
        self.out.append(ir.Release(plain(place), call.at))
        return True

    def on_guard(self, call: ir.Call, name: str) -> bool:
        if name not in self.effects.guard_modes and name not in self.effects.guard_releases:
            return False
        place = call.operands[0].place
        if place is None or len(call.operands) > 1:
            return False
        if name in self.effects.guard_releases:
            self.out.append(ir.Release(plain(place), call.at))
        else:
            self.convert(call, name, place)
        return True

    def convert(self, call: ir.Call, name: str, place: ir.Place) -> None:
        """`upgrade`, `downgrade`: the same guard with another mode."""
        self.learn(call.dst, self.type_of(place))
        self.name(ir.Place(call.dst), place)
        mode = self.effects.guard_modes[name]
        self.out.append(ir.Convert(ir.Place(call.dst), plain(place), mode, call.at, call.name_at, name))

    # -------------------------------------------------------------------------------------------------------- waits

    def condition_wait(self, call: ir.Call, kind: ir.Type | None) -> bool:
        """`condvar.wait(guard)`: the lock is free while it waits; the guard comes back as the result."""
        names = [outer.path[-1] for outer in self.program.types.behind(kind, self.effects)]
        guard = call.operands[1] if len(call.operands) > 1 else None
        if names and not set(names) & self.effects.waits_types:
            return False
        if guard is None or guard.place is None or not self.holds_guard(guard.place):
            return False
        self.signal(call, kind, bare(plain(guard.place)))
        if guard.moved:
            timed = "timeout" in call.word
            dst = ir.Place(call.dst, ("0",)) if timed else ir.Place(call.dst)
            held = self.type_of(guard.place) or UNKNOWN
            self.learn(call.dst, ir.Type(("[tuple]",), (held, UNKNOWN)) if timed else held)
            self.out.append(ir.Move(dst, plain(guard.place)))
        self.closures(call, None)
        return True

    def holds_guard(self, place: ir.Place) -> bool:
        """Whether the value at a place is a guard, or for all that is known of its lock the result that has it."""
        types, kind = self.program.types, self.type_of(place)
        return any(types.is_guard(outer, self.effects) for outer in types.behind(kind, self.effects))

    def wait_or_block(self, call: ir.Call, key: str, inside: bool = False) -> bool:
        """`inside`: it is called on what a guard guards, so that its work is what the lock is for."""
        waits, works = self.effects.blocks_methods.get(key), self.effects.works_methods.get(key)
        why = waits or (None if inside else works)
        if why is None or call.awaited:
            return False
        self.closures(call, None)
        self.out.append(self.wait(call, call.word, why, call.operands[0].place, waits is None))
        self.consume(call, skip=1)
        return True


def is_generic(call: ir.Call) -> bool:
    """Whether type arguments are written: `reader.read::<u64>()` is no lock."""
    return not isinstance(call.callee, ir.Indirect) and bool(call.callee.generics)
