"""One function linked: each call replaced by what it means.

In: a lowered body and all that is known of the tree.  Out: `Linked`, the same structure with the calls' meanings.
Never: asks what is held.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lockcheck import ir
from lockcheck.effects import Effects, LockType, Taking
from lockcheck.linker.types import GUARD, UNKNOWN, Context

if TYPE_CHECKING:
    from lockcheck.linker import Program

EMPTY_OPTION = ir.Type(("Option",))
"""The type of `None` until more is known."""

_GUESSES = 3
"""By name alone at most so many functions are meant; more is as good as none."""


@dataclass(frozen=True, slots=True)
class Linked:
    """A function's steps with their meanings.

    `elsewhere` are bodies that run at another time or on another thread (spawned, stored, returned).
    `result` is the place that the returned value is another name of, if it is one of the function's own parameters
    or a static. `unresolved` are the calls whose callee is not known.
    """

    slots: tuple[ir.Slot, ...]
    root: ir.Region
    result_slot: int
    elsewhere: tuple[ir.Region, ...]
    result: ir.Place | None
    unresolved: tuple[tuple[str, ir.Range], ...]
    callees: tuple[int, ...]
    passed_on: frozenset[int]
    alias: Mapping[ir.Place, ir.Place]


@dataclass
class Pass:
    """The state of linking one function; lives as long as `link` runs."""

    program: Program
    number: int
    context: Context
    effects: Effects
    body: ir.Body
    types: dict[int, ir.Type | None] = field(default_factory=dict)
    alias: dict[ir.Place, ir.Place] = field(default_factory=dict)
    torn: set[ir.Place] = field(default_factory=set)
    lambdas: dict[int, ir.Lambda] = field(default_factory=dict)
    pending: dict[int, ir.Invoke | ir.Acquire] = field(default_factory=dict)
    scopes: set[int] = field(default_factory=set)
    blocking: bool = False
    boxed: set[int] = field(default_factory=set)
    passed_on: set[int] = field(default_factory=set)
    gone: frozenset[int] = frozenset()
    threads: dict[int, ir.Lambda] = field(default_factory=dict)
    placed: set[int] = field(default_factory=set)
    out: list[ir.Step] = field(default_factory=list)
    unresolved: list[tuple[str, ir.Range]] = field(default_factory=list)

    # ------------------------------------------------------------------------------------------------------ places

    def canon(self, place: ir.Place | None) -> ir.Place | None:
        """The place by its oldest name: aliases followed, what an Option or a variant adds left out."""
        if place is None:
            return None
        place = oldest(place, self.alias)
        if isinstance(place.root, tuple) and not place.root[0].startswith("["):
            place = ir.Place(self.program.names.resolve(self.context.module, place.root), place.way)
        return plain(place)

    def name(self, dst: ir.Place, src: ir.Place | None) -> None:
        """`dst` is another name of `src` from here on; a name with two meanings has none."""
        if src is None or dst in self.torn or src.root == dst.root:
            return
        known = self.alias.get(dst)
        if known is not None and known != src:
            del self.alias[dst]
            self.torn.add(dst)
            return
        self.alias[dst] = src

    def type_of(self, place: ir.Place | None) -> ir.Type | None:
        if place is None:
            return None
        if isinstance(place.root, int):
            kind = self.slot_type(place.root)
            start = 0
            if (
                kind is None
                and (known := self.alias.get(ir.Place(place.root))) is not None
                and known.root != place.root
            ):
                return self.type_of(ir.Place(known.root, known.way + place.way))
        else:
            kind, start = self.program.static_type(self.context.module, place.root, self.effects), 0
        for part in place.way[start:]:
            if kind is None:
                return None
            if part in ("*", "&"):
                continue
            kind, _ = self.program.types.field(kind, part, self.effects)
        return kind

    def slot_type(self, slot: int) -> ir.Type | None:
        if slot not in self.types:
            declared = self.body.slots[slot].type
            self.types[slot] = self.program.types.resolve(declared, self.context, self.effects)
        return self.types[slot]

    def learn(self, slot: int, kind: ir.Type | None) -> None:
        known = self.slot_type(slot)
        if kind is not None and (known is None or known is EMPTY_OPTION):
            self.types[slot] = kind

    def owner_of(self, place: ir.Place) -> str:
        """The type that declares the place's last named part, and that part: how instances are compared."""
        if isinstance(place.root, tuple) and not place.way:
            return "::".join(place.root)
        for cut in range(len(place.way) - 1, -1, -1):
            part = place.way[cut]
            if part.startswith("[") or part in ("*", "&") or part.endswith("()"):
                continue
            base = ir.Place(place.root, place.way[:cut])
            kind = self.type_of(base)
            _, owner = self.program.types.field(kind, part, self.effects)
            return f"{owner}.{part}" if owner else ""
        return ""

    def is_thin(self, place: ir.Place) -> bool:
        """Whether the lock is what the type of `self` wraps: it is known by the field that the type stands in."""
        way = bare(place).way
        if place.root != 0 or len(way) != 1:
            return False
        kind = self.type_of(ir.Place(place.root))
        for outer in self.program.types.behind(kind, self.effects):
            decl = self.program.names.types.get(outer.path)
            for part in decl.fields if decl is not None else ():
                if part.name == way[0] and part.type.args:
                    return part.type.args[-1].path[0] in decl.generics if decl is not None else False
        return False

    # ------------------------------------------------------------------------------------------------------- steps

    def region(self, region: ir.Region) -> ir.Region:
        before, self.out = self.out, []
        for step in region.steps:
            self.step(step)
        self.ends(region.slots)
        done, self.out = self.out, before
        return ir.Region(tuple(done), region.slots, region.at, region.label)

    def ends(self, slots: tuple[int, ...]) -> None:
        """Values of the tree's own types may do something at their end: the last declared comes first."""
        finals = {slot: self.final(slot) for slot in slots}
        if not any(finals.values()):
            return
        for slot in reversed(slots):
            if finals[slot]:
                self.finish(ir.Place(slot), finals[slot], self.body.slots[slot].at, self.body.slots[slot].name)
            else:
                self.out.append(ir.Release(ir.Place(slot), self.body.slots[slot].at))

    def final(self, slot: int) -> list[int]:
        """What runs at the end of a variable that still has its value then."""
        if not self.body.slots[slot].name or slot in self.gone or slot < self.program.parameters(self.number):
            return []
        known = self.alias.get(ir.Place(slot))
        if known is not None and (known.way or not isinstance(known.root, int) or self.body.slots[known.root].name):
            return []
        return self.program.at_end(self.slot_type(slot), self.effects)

    def finish(self, place: ir.Place, targets: list[int], at: ir.Range, name: str) -> None:
        operand = ir.Operand(place)
        self.out.append(
            ir.Invoke(
                len(self.body.slots) - 1,
                tuple(targets),
                True,
                (operand,),
                (self.canon(place),),
                at,
                at,
                name,
                implicit=True,
            )
        )

    def step(self, step: ir.Step) -> None:
        match step:
            case ir.Move(dst, src):
                self.move(dst, src)
            case ir.Ref(dst, src):
                self.learn(dst, self.type_of(src))
                self.name(ir.Place(dst), src)
                self.hand_on(dst, src)
            case ir.New(dst, path, parts):
                self.new(dst, path, parts)
            case ir.Call():
                self.call(step)
            case ir.Lambda():
                self.lambdas[step.dst] = step
                for taken in step.takes:
                    self.out.append(ir.Move(ir.Place(step.dst, (f"captured {taken}",)), ir.Place(taken)))
            case ir.Await(dst, src, at, name_at):
                self.awaited(dst, src, at, name_at)
            case ir.Refine(place, present, sure):
                self.out.append(ir.Refine(bare(plain(place)), present, sure or self.is_option(place)))
            case ir.Discard(src, at):
                self.out.append(ir.Discard(plain(src), at))
            case ir.Release(src, at):
                self.out.append(ir.Release(plain(src), at))
            case ir.Region():
                self.out.append(self.region(step))
            case ir.Branch(arms):
                done = tuple(ir.Arm(self.region(a.body), a.role, a.head, a.needs) for a in arms)
                self.out.append(ir.Branch(done))
            case ir.Loop(body, label):
                self.out.append(ir.Loop(self.region(body), label))
            case _:
                self.out.append(step)

    def is_option(self, place: ir.Place | None) -> bool:
        """Whether the value at a place may be missing, and then holds nothing."""
        kind = self.type_of(place)
        return kind is not None and kind.path[-1] == "Option"

    def move(self, dst: ir.Place, src: ir.Place) -> None:
        if isinstance(dst.root, int) and not dst.way:
            self.learn(dst.root, EMPTY_OPTION if src.root == ("None",) else self.type_of(src))
            self.hand_on(dst.root, src)
        self.name(dst, src)
        self.out.append(ir.Move(plain(dst), plain(src)))

    def hand_on(self, dst: int, src: ir.Place) -> None:
        """A name of a closure or of something to wait for is one too."""
        if isinstance(src.root, int) and not src.way:
            if src.root in self.lambdas:
                self.lambdas[dst] = self.lambdas[src.root]
            if src.root in self.pending:
                self.pending[dst] = self.pending[src.root]
            if src.root in self.threads:
                self.threads[dst] = self.threads[src.root]

    def new(self, dst: int, path: ir.Path, parts: tuple[tuple[str, ir.Operand], ...]) -> None:
        kind = ir.Type(path) if path else None
        if path == ("[tuple]",):
            kind = ir.Type(path, tuple(self.type_of(o.place) or UNKNOWN for _, o in parts))
        elif path == ("[list]",):
            kind = ir.Type(path, tuple(self.type_of(o.place) or UNKNOWN for _, o in parts[:1]))
        self.learn(dst, self.program.types.resolve(kind, self.context, self.effects) if len(path) else None)
        for name, operand in parts:
            if operand.place is None:
                continue
            if path != ("[list]",):
                self.name(ir.Place(dst, (name,)), operand.place)
            if operand.moved:
                self.out.append(ir.Move(plain(ir.Place(dst, (name,))), plain(operand.place)))

    def awaited(self, dst: int, src: ir.Place, at: ir.Range, name_at: ir.Range) -> None:
        if isinstance(src.root, int) and not src.way:
            self.run_pending(src.root)
            if src.root in self.lambdas and self.lambdas[src.root].deferred:
                self.inline(self.lambdas[src.root], ir.Place(dst))
        if not self.blocking:
            self.out.append(ir.Suspend(at, name_at))
        self.learn(dst, self.type_of(src))
        self.name(ir.Place(dst), src)
        self.out.append(ir.Move(ir.Place(dst), plain(src)))

    def run_pending(self, slot: int) -> None:
        waiting = self.pending.pop(slot, None)
        if waiting is not None:
            self.out.append(waiting)
            made = ir.Place(waiting.dst) if isinstance(waiting, ir.Invoke) else waiting.holder
            if made is not None and made != ir.Place(slot):
                self.out.append(ir.Move(ir.Place(slot), made))

    def inline(
        self, closure: ir.Lambda, dst: ir.Place | None, receiver: ir.Place | None = None, given: ir.Place | None = None
    ) -> None:
        """The closure may run here: once, or not at all. `given` goes over to its first parameter."""
        done = self.closure_body(closure, receiver)
        nothing = ir.Region((), (), closure.body.at)
        if given is not None and closure.params:
            done = ir.Region(
                (ir.Move(ir.Place(closure.params[0]), given), *done.steps), done.slots, done.at, done.label
            )
        runs = ir.Region((done,), (), done.at)
        self.out.append(ir.Branch((ir.Arm(runs), ir.Arm(nothing))))
        if dst is not None:
            self.out.append(ir.Move(dst, ir.Place(closure.result)))

    def closure_body(self, closure: ir.Lambda, receiver: ir.Place | None = None) -> ir.Region:
        self.placed.add(closure.dst)
        if receiver is not None and closure.params:
            kind = self.type_of(receiver)
            for outer in self.program.types.behind(kind, self.effects):
                shape = self.effects.flow_names.get(outer.path[-1], outer.path[-1])
                part = {"Option": "Some.0", "Result": "Ok.0", "[list]": f"[each {closure.params[0]}]"}.get(shape)
                if part is not None:
                    self.learn(closure.params[0], outer.args[0] if outer.args else None)
                    self.name(ir.Place(closure.params[0]), ir.Place(receiver.root, (*receiver.way, part)))
                    break
                if self.program.types.is_guard(outer, self.effects):
                    break
        body = self.region(closure.body)
        back = [ir.Move(ir.Place(t), ir.Place(closure.dst, (f"captured {t}",))) for t in closure.takes]
        return ir.Region((*back, *body.steps), (*body.slots, *closure.takes), body.at, body.label)

    # ------------------------------------------------------------------------------------------------------- calls

    def call(self, call: ir.Call) -> None:
        operands = call.operands
        for operand in operands:
            self.before(call, operand)
            self.note_passing(call, operand)
        match call.callee:
            case ir.Method(name):
                self.method(call, name)
            case ir.Named(path, _, owner):
                self.named(call, path, owner)
            case ir.Indirect(place):
                self.indirect(call, place)

    def before(self, call: ir.Call, operand: ir.Operand) -> None:
        """Something to wait for that is waited for inside the callee runs here."""
        place = operand.place
        if place is None or not isinstance(place.root, int) or place.way or place.root not in self.pending:
            return
        word = _word(call)
        if word in self.effects.threads:
            gone = self.pending.pop(place.root)
            for taken in gone.operands if isinstance(gone, ir.Invoke) else ():
                if taken.moved and taken.place is not None:
                    self.out.append(ir.Release(taken.place, call.at))
        elif call.awaited or word in self.effects.here:
            self.run_pending(place.root)
        else:
            self.pending[call.dst] = self.pending.pop(place.root)

    def note_passing(self, call: ir.Call, operand: ir.Operand) -> None:
        """A parameter that goes on to another call may be called there; one that is only wrapped is kept."""
        word = _word(call)
        wraps = word[:1].isupper() or word in self.effects.threads or self.keeps_value(call)
        place = operand.place
        if wraps or place is None or not isinstance(place.root, int) or place.way not in ((), ("&",)):
            return
        if place.root < self.program.parameters(self.number):
            self.passed_on.add(place.root)

    def keeps_value(self, call: ir.Call) -> bool:
        """Whether the call only wraps what it is given: `Box::new(f)`, `Some(f)`."""
        match call.callee:
            case ir.Named(path):
                return "::".join(path[-2:]) in self.effects.same_functions
            case ir.Method(name):
                return name in self.effects.keeps or name in self.effects.same_methods
            case _:
                return False

    def indirect(self, call: ir.Call, place: ir.Place) -> None:
        root = place.root
        if isinstance(root, int) and not place.way and root in self.lambdas:
            closure = self.lambdas[root]
            if closure.deferred:
                self.lambdas[call.dst] = closure
            else:
                self.inline(closure, ir.Place(call.dst))
            return
        self.closures(call, None)
        known = self.canon(place)
        if known is not None and isinstance(known.root, int) and known.root < self.program.parameters(self.number):
            self.out.append(ir.Callback(known.root, call.at, call.name_at))
        kind = self.type_of(place)
        for outer in self.program.types.behind(kind, self.effects):
            if outer.path == ("[fn]",) and outer.args:
                self.learn(call.dst, outer.args[-1])
        self.consume(call)

    # ----------------------------------------------------------------------------------------------------- methods

    def method(self, call: ir.Call, name: str) -> None:
        place = call.operands[0].place
        kind = self.type_of(place)
        effects = self.effects
        if name in effects.waits and self.condition_wait(call, kind):
            return
        if self.made_once(call, name, place, kind):
            return
        inside = False
        for outer in self.program.types.behind(kind, effects):
            lock = self.program.types.lock_type(outer, effects)
            if lock is not None and (taking := self.taking(lock, name, call)) is not None:
                listed = effects.lock(outer.path) is not None
                self.acquire(call, lock, taking, place, outer, "declared" if listed else "inferred")
                return
            targets = self.fitting(self.program.types.methods(outer, name, effects), call)
            if targets:
                self.invoke(call, targets, True, outer)
                return
            if lock is not None and name in effects.free:
                self.plain_result(call, name, outer)
                return
            if name in effects.guard_consumes and not inside and self.consumed(call, outer):
                return
            shape = effects.flow_names.get(outer.path[-1], outer.path[-1])
            if shape in effects.flow and name in effects.flow[shape]:
                self.learn(call.dst, self.flow(effects.flow[shape][name], outer))
                self.library(call, name, outer, carries=not inside)
                return
            if self.wait_or_block(call, f"{outer.path[-1]}.{name}"):
                return
            if self.program.types.is_guard(outer, effects):
                if self.on_guard(call, name):
                    return
                inside = True
        self.unknown_method(call, name, kind)

    def made_once(self, call: ir.Call, name: str, place: ir.Place | None, kind: ir.Type | None) -> bool:
        """A lazy static: who uses it first makes it, and holds it so long. True for the making itself."""
        makes = name == "[make]"
        if place is None or not isinstance(place.root, tuple) or kind is None or kind.path[-1] not in self.effects.lazy:
            return makes
        known = self.canon(ir.Place(place.root))
        if known is None or known.root not in self.program.names.statics:
            return makes
        lock = ir.Lock(ir.Place(known.root, ("once",)), "", "::".join(kind.path), "thread", "once", "declared")
        dst = ir.Place(call.dst)
        self.out.append(ir.Acquire(lock, "exclusive", dst, call.name_at, call.name_at, name))
        if not makes:
            self.out.append(ir.Release(dst, call.at))
        return makes

    def fitting(self, targets: list[int], call: ir.Call) -> list[int]:
        """Those that take so many arguments; a type's own methods go before those of traits."""
        fit = [n for n in targets if self.program.parameters(n) == len(call.operands)]
        return [n for n in fit if self.program.functions[n][1].trait is None] or fit

    def taking(self, lock: LockType, name: str, call: ir.Call) -> Taking | None:
        """How the method takes the lock; `read(buffer)` with arguments takes none."""
        taking = lock.methods.get(name)
        if taking is None or _is_generic(call):
            return None
        if (
            lock.family in ("mutex", "rwlock")
            and len(call.operands) > 1
            and not taking.bounded
            and not name.startswith("try_")
        ):
            return None
        return taking

    def flow(self, said: ir.Type, receiver: ir.Type) -> ir.Type | None:
        """The result type that the table says, with the receiver's arguments put in."""
        word = said.path[0]
        if word == "R":
            return receiver
        if word.isdigit():
            return receiver.args[int(word)] if int(word) < len(receiver.args) else None
        return ir.Type(said.path, tuple(self.flow(a, receiver) or UNKNOWN for a in said.args))

    def plain_result(self, call: ir.Call, name: str, lock: ir.Type) -> None:
        """`get_mut`, `into_inner`: the way to the data that takes no lock."""
        if lock.args and name in ("get_mut", "into_inner", "get"):
            self.learn(call.dst, lock.args[-1])
        elif name == "clone":
            self.learn(call.dst, lock)
        self.library(call, name, lock)

    def consumed(self, call: ir.Call, kind: ir.Type) -> bool:
        """`lock().map(|guard| …)`: the guard goes into the closure, or ends with the call."""
        place = call.operands[0].place
        if place is None or kind.path[-1] not in ("Option", "Result") or not kind.args:
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

    def library(self, call: ir.Call, name: str, kind: ir.Type | None, carries: bool = True) -> None:
        """A method that is known or means nothing: the value goes on where the table says so.

        `carries`: it is called on the value itself, not through a guard.
        """
        place = call.operands[0].place
        if place is not None:
            if carries and name in self.effects.carries:
                self.out.append(ir.Move(ir.Place(call.dst), plain(place)))
            if name in self.effects.same_methods or name in ("take", "next", "get", "first", "last", "get_mut", "pop"):
                if name in ("get", "get_mut", "first", "last", "next", "pop"):
                    self.name(ir.Place(call.dst), ir.Place(place.root, (*place.way, f"[each {call.dst}]")))
                else:
                    self.name(ir.Place(call.dst), place)
                    self.hand_on(call.dst, place)
            elif len(call.operands) == 1:
                self.name(ir.Place(call.dst), ir.Place(place.root, (*place.way, f"{name}()")))
            if name in self.effects.empties:
                self.out.append(ir.Release(plain(place), call.at))
        if name in self.effects.alternatives and place is not None and kind is not None and kind.path[-1] == "Option":
            self.alternative(call, place)
            return
        consumed = name not in self.effects.carries
        self.closures(call, place if consumed else None)
        if name == "map" and kind is not None and kind.path[-1] in ("Option", "Result"):
            self.learn(call.dst, self.mapped(call, kind))
        for operand in call.operands[1:]:
            if (
                operand.place is not None
                and operand.place.root in self.threads
                and isinstance(place and place.root, int)
            ):
                self.threads[place.root] = self.threads[operand.place.root]  # type: ignore[index, union-attr]
            if operand.moved and operand.place is not None and place is not None and name in self.effects.keeps:
                self.out.append(ir.Move(plain(place), plain(operand.place)))
            elif operand.moved and operand.place is not None and name in ("or", "or_else", "unwrap_or"):
                self.out.append(ir.Move(ir.Place(call.dst), plain(operand.place)))
        self.consume(call, skip=1)

    def mapped(self, call: ir.Call, kind: ir.Type) -> ir.Type | None:
        """What `option.map(|x| …)` is, by what the closure returns."""
        for operand in call.operands[1:]:
            if self.is_lambda(operand):
                assert operand.place is not None and isinstance(operand.place.root, int)
                inner = self.slot_type(self.lambdas[operand.place.root].result)
                return ir.Type(kind.path, (inner,)) if inner is not None else None
        return None

    def alternative(self, call: ir.Call, place: ir.Place) -> None:
        """`option.unwrap_or_else(|| …)`: the closure runs where nothing is there."""
        before, self.out = self.out, []
        self.out.append(ir.Refine(bare(plain(place)), False, True))
        self.out.append(ir.Refine(ir.Place(call.dst), False, True))
        self.closures(call, None)
        steps, self.out = self.out, before
        missing = ir.Region(tuple(steps), (), call.at)
        self.out.append(ir.Branch((ir.Arm(missing), ir.Arm(ir.Region((), (), call.at)))))

    def unknown_method(self, call: ir.Call, name: str, kind: ir.Type | None) -> None:
        effects = self.effects
        last = next(reversed(list(self.program.types.behind(kind, effects))), None)
        elsewhere = last is not None and self.is_something_else(last)
        if (
            name in effects.named
            and len(call.operands) == 1
            and not elsewhere
            and not _is_generic(call)
            and call.operands[0].place is not None
        ):
            taking = effects.named[name]
            family = "mutex" if taking.mode == "exclusive" else "rwlock"
            lock = LockType("", family, "thread", True, {})
            self.acquire(call, lock, taking, call.operands[0].place, None, "named")
            return
        if name in effects.blocks_unknown and last is None and len(call.operands) == 1 and not call.awaited:
            others = self.others(call.operands[0].place)
            self.out.append(ir.Block(call.at, call.name_at, name, effects.blocks_unknown[name], others))
            return
        if name in effects.threads:
            place = self.canon(call.operands[0].place)
            if place is not None and place.root in self.scopes:
                self.joined(call)
            else:
                self.closures(call, None)
            return
        known = name in effects.same_methods or name in effects.carries or name in effects.keeps
        if last is None and not known and name not in effects.common:
            guesses = [n for n in self.program.types.by_name(name) if self.program.arity(n) == len(call.operands)]
            if 0 < len(guesses) <= _GUESSES:
                self.invoke(call, guesses, False, None)
                return
        if not known:
            self.unknown(call, name)
        if (
            kind is not None
            and name in effects.same_methods
            and name not in ("into", "to_owned", "ok", "iter", "into_iter")
        ):
            self.learn(call.dst, kind)
        if name in effects.same_methods and kind is None:
            self.types.setdefault(call.dst, None)
        through = self.program.types.is_guard(kind, effects)
        self.library(call, name, kind, carries=name != "take" and not through)

    def joined(self, call: ir.Call) -> None:
        """A thread of a scope: the scope's caller waits for it under its guards."""
        for operand in call.operands[1:]:
            if self.is_lambda(operand):
                assert operand.place is not None and isinstance(operand.place.root, int)
                self.inline(self.lambdas[operand.place.root], None)

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

    def condition_wait(self, call: ir.Call, kind: ir.Type | None) -> bool:
        """`condvar.wait(guard)`: the lock is free while it waits; the guard comes back as the result."""
        names = [outer.path[-1] for outer in self.program.types.behind(kind, self.effects)]
        guard = call.operands[1] if len(call.operands) > 1 else None
        if names and not set(names) & self.effects.waits_types:
            return False
        if (
            guard is None
            or guard.place is None
            or not self.program.types.is_guard(self.type_of(guard.place), self.effects)
        ):
            return False
        if guard.moved:
            timed = "timeout" in (_word(call) or "")
            dst = ir.Place(call.dst, ("0",)) if timed else ir.Place(call.dst)
            held = self.type_of(guard.place) or UNKNOWN
            self.learn(call.dst, ir.Type(("[tuple]",), (held, UNKNOWN)) if timed else held)
            self.out.append(ir.Move(dst, plain(guard.place)))
        self.closures(call, None)
        return True

    def wait_or_block(self, call: ir.Call, key: str) -> bool:
        why = self.effects.blocks_methods.get(key)
        if why is None or call.awaited:
            return False
        self.closures(call, None)
        self.out.append(ir.Block(call.at, call.name_at, _word(call), why, self.others(call.operands[0].place)))
        self.consume(call, skip=1)
        return True

    def others(self, place: ir.Place | None) -> tuple[ir.Region, ...]:
        """The body of the thread whose handle is at a place."""
        if place is None:
            return ()
        root = place.root if place.root in self.threads else getattr(self.canon(place), "root", None)
        closure = self.threads.get(root) if isinstance(root, int) else None
        if closure is None:
            return ()
        placed = closure.dst in self.placed
        body = self.closure_body(closure)
        if not placed:
            self.placed.discard(closure.dst)
        return (body,)

    # ------------------------------------------------------------------------------------------------ acquisitions

    def acquire(
        self, call: ir.Call, lock: LockType, taking: Taking, place: ir.Place | None, kind: ir.Type | None, evidence: str
    ) -> None:
        known = self.canon(place) or ir.Place(call.dst)
        if lock.family == "once":
            known = ir.Place(known.root, (*known.way, "once"))
        waits = "task" if call.awaited else lock.waits
        owner, thin = (self.owner_of(place), self.is_thin(place)) if place else ("", False)
        named = ir.Lock(known, owner, lock.kind or "a lock", waits, lock.family, evidence, thin)  # type: ignore[arg-type]
        dst = ir.Place(call.dst)
        later = lock.waits == "task" and not (call.awaited or taking.sync or taking.fallible or taking.moment)
        step = ir.Acquire(
            named,
            taking.mode,
            dst,
            call.at,
            call.name_at,
            _word(call),
            taking.fallible,
            taking.bounded,
            taking.recursive,
            taking.fallible,
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
        self.name(dst, ir.Place(known.root, (*known.way, "*")))
        inner = kind.args[-1:] if kind is not None else ()
        guard = ir.Type((GUARD,), tuple(inner))
        wrapped = lock.wraps or taking.fallible or lock.family == "map" or evidence != "declared"
        self.learn(call.dst, ir.Type(("Result",), (guard,)) if wrapped else guard)

    def by_type(self, call: ir.Call, mode: str, kind: ir.Type, path: ir.Place | None) -> ir.Acquire:
        """The acquisition that a function's declared return type (a guard) promises."""
        word = _word(call)
        place = ir.Place(path.root, (*path.way, f"{word}()")) if path is not None else ir.Place((f"{word}()",))
        known = self.canon(place) or place
        named = self.program.types.guard_in(kind, self.effects)
        listed = self.effects.lock((named.path[0], "Mutex")) if named is not None and len(named.path) > 1 else None
        waits = listed.waits if listed is not None else "task"
        lock = ir.Lock(known, "", "a lock", waits, "mutex" if mode == "exclusive" else "rwlock", "inferred")
        maybe = kind.path[-1] == "Option" or (
            kind.path[-1] == "Result" and self.program.types.guard_mode(kind.args[0], self.effects) is not None
        )
        return ir.Acquire(lock, mode, ir.Place(call.dst), call.at, call.name_at, word, optional=maybe)  # type: ignore[arg-type]

    # ------------------------------------------------------------------------------------------------ named functions

    def named(self, call: ir.Call, path: ir.Path, owner: ir.Type | None) -> None:
        effects = self.effects
        targets = self.fitting(self.program.functions_named(self.context, path, owner, effects), call)
        spelled = "::".join(path)
        short = "::".join(path[-2:])
        if not targets and (spelled in effects.drops or short in effects.drops):
            for operand in call.operands:
                if operand.moved and operand.place is not None:
                    if finals := self.program.at_end(self.type_of(operand.place), effects):
                        self.finish(operand.place, finals, call.name_at, path[-1])
                    self.out.append(ir.Release(plain(operand.place), call.at))
            return
        if not targets and (spelled in effects.leaks or short in effects.leaks):
            for operand in call.operands:
                if operand.moved and operand.place is not None:
                    self.out.append(ir.Move(ir.Place(("[leaked]",)), plain(operand.place)))
            return
        if not targets and (spelled in effects.replaces or short in effects.replaces):
            self.replaced(call)
            return
        kind = self.program.owner_named(self.context, path, owner, effects)
        if kind is not None and self.on_type(call, path[-1], kind, bool(targets)):
            return
        if targets:
            self.invoke(call, targets, True, kind)
            return
        self.outside(call, path, spelled, short, kind)

    def replaced(self, call: ir.Call) -> None:
        """`mem::replace(&mut a, b)`: the result is the old value, `a` becomes `b`."""
        first = call.operands[0].place if call.operands else None
        if first is not None:
            first = ir.Place(first.root, first.way[:-1]) if first.way[-1:] == ("&",) else first
            self.out.append(ir.Move(ir.Place(call.dst), plain(first)))
            self.learn(call.dst, self.type_of(first))
            if len(call.operands) > 1 and call.operands[1].place is not None:
                self.out.append(ir.Move(plain(first), plain(call.operands[1].place)))

    def on_type(self, call: ir.Call, name: str, kind: ir.Type, declared: bool) -> bool:
        """`Mutex::lock(&m)`, `MutexGuard::map(g, …)`, `Mutex::new(x)`."""
        effects, first = self.effects, call.operands[0] if call.operands else ir.Operand()
        lock = self.program.types.lock_type(kind, effects)
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
                self.out.append(ir.Move(ir.Place(call.dst), plain(first.place)))
                maybe = name.startswith(("try_", "filter_"))
                self.learn(call.dst, ir.Type(("Result",), (ir.Type((GUARD,)),)) if maybe else ir.Type((GUARD,)))
            return True
        if (
            not declared
            and name in ("new", "default", "from", "const_new", "with_capacity", "new_with")
            and not call.awaited
        ):
            wraps = lock is not None or kind.path[-1] in effects.wrappers
            inner_kind = self.type_of(first.place) if wraps and not kind.args else None
            self.learn(call.dst, ir.Type(kind.path, (inner_kind,)) if inner_kind is not None else kind)
        return False

    def outside(self, call: ir.Call, path: ir.Path, spelled: str, short: str, kind: ir.Type | None) -> None:
        """A function of no file here."""
        effects, word = self.effects, path[-1]
        resolved = "::".join(self.program.names.resolve(self.context.module, path))
        why = effects.blocks.get(resolved) or effects.blocks.get(spelled) or effects.blocks_names.get(word)
        same = spelled in effects.same_functions or short in effects.same_functions
        first = call.operands[0] if call.operands else ir.Operand()
        if word in effects.threads:
            self.closures(call, None)
            return
        if same and first.place is not None:
            self.learn(call.dst, self.constructed(word, short, self.type_of(first.place)))
            self.name(ir.Place(call.dst), first.place)
            self.hand_on(call.dst, first.place)
            if call.dst in self.lambdas and len(path) > 1:
                self.boxed.add(self.lambdas[call.dst].dst)
            if first.moved:
                self.out.append(ir.Move(ir.Place(call.dst), plain(first.place)))
            return
        if word[:1].isupper():
            self.variant(call, path)
            return
        self.closures(call, None)
        if why is not None and not call.awaited:
            self.out.append(ir.Block(call.at, call.name_at, word, why))
        elif kind is None or kind.path[0] not in effects.known:
            self.unknown(call, spelled)
        carried = len(path) > 1 and path[-2][:1].isupper()
        for operand in call.operands if carried else ():
            if operand.moved and operand.place is not None:
                self.out.append(ir.Move(ir.Place(call.dst), plain(operand.place)))
        self.consume(call, skip=len(call.operands) if carried else 0)
        if path[0] in ("std", "core", "io"):
            self.learn(
                call.dst, ir.Type((*path[:-1], word + "()")) if path[0] != "io" else ir.Type(("std", "io", word))
            )
        elif resolved.split("::")[0] in effects.known and kind is None:
            self.learn(call.dst, ir.Type((*self.program.names.resolve(self.context.module, path),)))
        elif not call.operands and not carried:
            self.name(ir.Place(call.dst), ir.Place((f"{spelled}()",)))

    def constructed(self, word: str, short: str, inner: ir.Type | None) -> ir.Type | None:
        if inner is None:
            return None
        wrap = {"Some": "Option", "Ok": "Result", "Err": ""}.get(word)
        if wrap is not None:
            return ir.Type((wrap,), (inner,)) if wrap else None
        if short.endswith(("::new", "::from", "::pin")):
            return ir.Type((short.partition("::")[0],), (inner,))
        return inner

    def variant(self, call: ir.Call, path: ir.Path) -> None:
        """`Variant(x)`, `Wrapper(x)`: a value put together."""
        kind = self.program.types.resolve(ir.Type(path), self.context, self.effects)
        if kind is not None and kind.path not in self.program.names.types:
            kind = self.program.types.resolve(ir.Type(path[:-1]), self.context, self.effects) if len(path) > 1 else None
        self.learn(call.dst, kind)
        for number, operand in enumerate(call.operands):
            if operand.place is None:
                continue
            part = ir.Place(call.dst, (str(number),))
            self.name(part, operand.place)
            if operand.moved:
                self.out.append(ir.Move(part, plain(operand.place)))

    # -------------------------------------------------------------------------------------------------- invocations

    def invoke(self, call: ir.Call, targets: list[int], certain: bool, receiver: ir.Type | None) -> None:
        word = _word(call)
        spawns = word in self.effects.threads and any(self.is_lambda(o) for o in call.operands)
        lambdas = [] if spawns else self.lambda_operands(call)
        paths = tuple(self.canon(o.place) for o in call.operands)
        returned = self.program.returned_type(targets[0], receiver)
        self.learn(call.dst, returned)
        mode = self.program.types.guard_mode(returned, self.effects)
        guard = None
        if (
            mode is not None
            and returned is not None
            and self.program.types.guard_in(returned, self.effects) is not None
        ):
            guard = self.by_type(call, mode, returned, paths[0] if paths else None)
        invoke = ir.Invoke(
            call.dst,
            tuple(targets),
            certain,
            tuple(
                ir.Operand(plain(o.place) if o.place else None, self.goes_over(o, n, targets))
                for n, o in enumerate(call.operands)
            ),
            paths,
            call.at,
            call.name_at,
            word,
            tuple(lambdas),
            guard,
            tuple(self.owner_of(o.place) if o.place else "" for o in call.operands[:1]),
            hands_out=mode is not None,
        )
        if word == "clone" and mode is None and len(call.operands) == 1:
            self.name(ir.Place(call.dst), call.operands[0].place)
        elif mode is None:
            self.name(ir.Place(call.dst), self.returned_place(targets, paths, certain))
        elif paths and paths[0] is not None:
            self.name(ir.Place(call.dst), ir.Place(paths[0].root, (*paths[0].way, f"{word}()", "*")))
        waits = self.program.runs_when_awaited(targets[0])
        if waits and not call.awaited:
            if word not in self.effects.threads:
                self.pending[call.dst] = invoke
            return
        self.out.append(invoke)

    def goes_over(self, operand: ir.Operand, number: int, targets: list[int]) -> bool:
        """Whether the callee becomes the owner: as written, and for a receiver as the callee declares."""
        return operand.moved or self.program.takes_by_value(targets[0], number)

    def returned_place(self, targets: list[int], paths: tuple[ir.Place | None, ...], certain: bool) -> ir.Place | None:
        """What the result is another name of, if the only callee hands out a part of what it was given."""
        if len(targets) != 1 or not certain:
            return None
        inner = self.program.result_place(targets[0])
        if inner is None:
            return None
        if isinstance(inner.root, tuple):
            return inner
        base = paths[inner.root] if inner.root < len(paths) else None
        return ir.Place(base.root, base.way + inner.way) if base is not None and len(base.way) < 8 else None

    def unknown(self, call: ir.Call, name: str) -> None:
        """A call that could not be resolved is still an event."""
        self.unresolved.append((name, call.name_at))
        self.out.append(ir.Invoke(call.dst, (), False, (), (), call.at, call.name_at, name))

    # ----------------------------------------------------------------------------------------------------- closures

    def is_lambda(self, operand: ir.Operand) -> bool:
        place = operand.place
        return place is not None and isinstance(place.root, int) and not place.way and place.root in self.lambdas

    def lambda_operands(self, call: ir.Call) -> list[tuple[int, ir.Region, bool]]:
        """The closures among the arguments of a call into the tree; blocks to wait for run only when waited for."""
        found: list[tuple[int, ir.Region, bool]] = []
        for number, operand in enumerate(call.operands):
            if not self.is_lambda(operand):
                continue
            assert operand.place is not None and isinstance(operand.place.root, int)
            closure = self.lambdas[operand.place.root]
            if not closure.deferred or call.awaited:
                found.append((number, self.closure_body(closure), closure.dst in self.boxed))
        return found

    def closures(self, call: ir.Call, receiver: ir.Place | None) -> None:
        """Closures passed to a call outside the tree may run during the call, unless they are for elsewhere."""
        word = _word(call)
        self.passed_by_name(call, receiver)
        own = 1 if isinstance(call.callee, ir.Method) and not word.startswith("call") else 0
        for operand in call.operands[own:]:
            if not self.is_lambda(operand):
                continue
            assert operand.place is not None and isinstance(operand.place.root, int)
            closure = self.lambdas[operand.place.root]
            if word in self.effects.threads:
                self.threads[call.dst] = closure
                continue
            if closure.dst in self.boxed and not word.startswith("call"):
                continue
            if closure.deferred and not call.awaited and word not in self.effects.here:
                self.lambdas[call.dst] = closure
                continue
            if word in self.effects.scoped:
                self.scopes.update(closure.params)
            before, self.blocking = self.blocking, self.blocking or (closure.deferred and not call.awaited)
            self.inline(closure, ir.Place(call.dst), receiver)
            self.blocking = before
            if closure.deferred and not call.awaited:
                self.placed.discard(closure.dst)

    def passed_by_name(self, call: ir.Call, receiver: ir.Place | None) -> None:
        """`option.map(Type::method)`: a function given by its name runs with what the receiver holds."""
        if receiver is None or _word(call) in self.effects.threads:
            return
        for operand in call.operands[1:]:
            place = operand.place
            if place is None or not isinstance(place.root, tuple) or place.way or len(place.root) < 2:
                continue
            targets = self.program.functions_named(self.context, place.root, None, self.effects)
            if targets:
                given = ir.Operand(plain(receiver))
                self.out.append(
                    ir.Invoke(
                        call.dst,
                        tuple(targets),
                        True,
                        (given,),
                        (self.canon(receiver),),
                        call.at,
                        call.name_at,
                        place.root[-1],
                    )
                )

    def consume(self, call: ir.Call, skip: int = 0) -> None:
        """What was passed by value ends in the callee."""
        for operand in call.operands[skip:]:
            if operand.moved and operand.place is not None and not self.is_lambda(operand):
                self.out.append(ir.Release(plain(operand.place), call.at))


def _is_generic(call: ir.Call) -> bool:
    """Whether type arguments are written: `reader.read::<u64>()` is no lock."""
    return not isinstance(call.callee, ir.Indirect) and bool(call.callee.generics)


def _word(call: ir.Call) -> str:
    """The callee's last name."""
    match call.callee:
        case ir.Method(name):
            return name
        case ir.Named(path):
            return path[-1]
        case _:
            return ""


def oldest(place: ir.Place, alias: Mapping[ir.Place, ir.Place]) -> ir.Place:
    """The place with its aliases followed, those of its first part before those of the whole."""
    place = bare(place)
    for _ in range(32):
        known = alias.get(ir.Place(place.root, place.way[:1])) if place.way else None
        rest = place.way[1:]
        if known is None:
            known, rest = alias.get(ir.Place(place.root)), place.way
        if known is None:
            return place
        place = bare(ir.Place(known.root, known.way + rest))
    return place


def bare(place: ir.Place) -> ir.Place:
    """The place without the references on the way."""
    return ir.Place(place.root, tuple(p for p in place.way if p != "&")) if "&" in place.way else place


def plain(place: ir.Place) -> ir.Place:
    """The place without what an Option, a Result or a variant adds to the way."""
    if not any("." in part for part in place.way):
        return place
    kept = []
    for part in place.way:
        head, dot, rest = part.partition(".")
        if not dot or part.startswith("["):
            kept.append(part)
        elif head not in ("Some", "Ok", "Err"):
            kept.append(rest)
    return ir.Place(place.root, tuple(kept))


def link(program: Program, number: int, body: ir.Body) -> Linked:
    """Link a lowered function."""
    state = Pass(program, number, program.types.context(number), program.types.effects(number), body)
    state.gone = frozenset(_moved_out(body.root))
    root = state.region(body.root)
    elsewhere = []
    seen: set[int] = set()
    while True:
        waiting = [c for c in state.lambdas.values() if c.dst not in state.placed and c.dst not in seen]
        if not waiting:
            break
        for closure in waiting:
            if closure.dst not in state.placed and closure.dst not in seen:
                seen.add(closure.dst)
                elsewhere.append(state.closure_body(closure))
    result = state.canon(ir.Place(body.result)) if body.result >= 0 else None
    parameters = program.parameters(number)
    own = result is not None and (isinstance(result.root, tuple) or result.root < parameters)
    return Linked(
        body.slots,
        root,
        body.result,
        tuple(elsewhere),
        result if own else None,
        tuple(state.unresolved),
        tuple(_callees(root)),
        frozenset(state.passed_on),
        state.alias,
    )


def _moved_out(region: ir.Region) -> set[int]:
    """The slots whose whole value goes somewhere else."""
    found: set[int] = set()

    def give(place: ir.Place | None) -> None:
        if place is not None and isinstance(place.root, int) and not place.way:
            found.add(place.root)

    waiting: list[ir.Step] = [region]
    while waiting:
        match waiting.pop():
            case ir.Region(steps):
                waiting += steps
            case ir.Branch(arms):
                waiting += (arm.body for arm in arms)
            case ir.Loop(body):
                waiting.append(body)
            case ir.Lambda(body=body, takes=takes):
                waiting.append(body)
                found.update(takes)
            case ir.Move(_, src):
                give(src)
            case ir.Call(operands=operands):
                for operand in operands:
                    give(operand.place if operand.moved else None)
            case ir.New(_, _, parts):
                for _, operand in parts:
                    give(operand.place if operand.moved else None)
            case _:
                pass
    return found


def _callees(region: ir.Region) -> dict[int, None]:
    """The functions that a body may call, each once, in order."""
    found: dict[int, None] = {}
    waiting: list[ir.Step] = [region]
    while waiting:
        match waiting.pop():
            case ir.Region(steps):
                waiting += reversed(steps)
            case ir.Branch(arms):
                waiting += (arm.body for arm in reversed(arms))
            case ir.Loop(body):
                waiting.append(body)
            case ir.Block(others=others):
                waiting += others
            case ir.Invoke(targets=targets, lambdas=lambdas):
                found.update(dict.fromkeys(targets))
                waiting += (body for _, body, _ in lambdas)
            case _:
                pass
    return found
