"""What runs later or elsewhere: closures, values to wait for, threads.

In: calls that take closures, waits.  Out: the bodies at the places where they run.
Never: what is a lock.
"""

from __future__ import annotations

from abc import abstractmethod

from msgspec.structs import replace

from lockcheck import ir
from lockcheck.effects.shapes import LIST, MAP, PRESENT, RESULT
from lockcheck.linker import rounds
from lockcheck.linker.elements import Elements
from lockcheck.linker.places import bare, plain, slot_of
from lockcheck.linker.written import NOTHING, UNKNOWN

MOST_BODIES = 200
"""So many times a function's closures are followed where they run: closures that call closures make that a product."""

_JUST = 4
"""So many steps may stand between a call that is awaited and the wait."""


class Closures(Elements):
    """Where the body of a closure runs, and what is handed to it."""

    @abstractmethod
    def region(self, region: ir.Region) -> ir.Region:
        """Link the steps of a region."""

    @abstractmethod
    def refine(self, step: ir.Refine) -> None:
        """What is known of a guard that may be missing, and of a value that nothing changes."""

    def hand_on(self, dst: int, src: ir.Place) -> None:
        """A name of a closure or of something to wait for is one too."""
        slot = slot_of(src)
        if slot in self.lambdas:
            self.lambdas[dst] = self.lambdas[slot]
        if slot in self.late:
            self.late[dst] = self.late[slot]
        if slot in self.keeping:
            self.keeping[dst] = self.keeping[slot]
        if slot in self.pending:
            self.pending[dst] = self.pending[slot]
        if slot in self.threads:
            self.threads[dst] = self.threads[slot]
        if slot in self.calling:
            self.calling[dst] = self.calling[slot]
        if slot in self.asks_self:
            self.asks_self[dst] = self.asks_self[slot]
        else:
            self.asks_self.pop(dst, None)

    def awaited(self, dst: int, src: ir.Place, at: ir.Range, name_at: ir.Range) -> None:
        slot = slot_of(src)
        waited = self.run_waiting(slot, dst) or self.waited_in.get(slot) or self.call_of(slot)
        if slot_of(src) in self.calling:
            self.out.append(ir.Callback(~self.calling[slot_of(src)], at, name_at))
        if not self.blocking:
            why = self.abroad.get(src.root, "") if isinstance(src.root, int) and not src.way else ""
            why = why or self.kept_for_others(src)
            self.out.append(ir.Suspend(at, name_at, self.tasks(src), why, waited, self.handle_kept(src)))
        self.learn(dst, self.type_of(src))
        self.name(ir.Place(dst), src)
        self.out.append(ir.Move(ir.Place(dst), plain(src)))

    def call_of(self, slot: int) -> ir.Range:
        """The call of a function of the tree that has just run and gave what is in a slot."""
        last = (one for one in self.out[: -_JUST - 1 : -1] if isinstance(one, ir.Invoke) and one.dst == slot)
        return next((one.at for one in last), (0, 0))

    def kept_for_others(self, src: ir.Place) -> str:
        """What a task waits for that awaits what a field holds, by its type; empty where the table does not say."""
        known = self.canon(src) if self.effects.awaits else None
        kind = self.type_of(known) if known is not None and known.way else None
        return self.effects.awaits.get(self.effects.separator.join(kind.path), "") if kind is not None else ""

    def run_waiting(self, slot: int, dst: int) -> ir.Range | None:
        """What runs when somebody waits for the value of a slot runs here; where it was called, if it is a call."""
        waited = self.run_pending(slot)
        if slot in self.lambdas and self.lambdas[slot].deferred:
            self.inline(self.lambdas[slot], ir.Place(dst), surely=True)
        return waited

    def run_pending(self, slot: int) -> ir.Range | None:
        """A call whose value is in a slot runs here, where it is waited for; where it is written, if there is one."""
        waiting = self.pending.pop(slot, None)
        if waiting is None:
            return None
        for given, wanted in self.brought.pop(waiting.dst, ()) if isinstance(waiting, ir.Invoke) else ():
            self.pending[given] = wanted
            self.run_pending(given)
        self.out.append(waiting)
        made = ir.Place(waiting.dst) if isinstance(waiting, ir.Invoke) else waiting.holder
        if made is not None and made != ir.Place(slot):
            self.out.append(ir.Move(ir.Place(slot), made))
        return waiting.at if isinstance(waiting, ir.Invoke) else None

    def inline(
        self,
        closure: ir.Lambda,
        dst: ir.Place | None,
        receiver: ir.Place | None = None,
        given: ir.Place | None = None,
        surely: bool = False,
    ) -> None:
        """The closure runs here: once, or (unless `surely`) not at all. `given` goes over to its first parameter."""
        done = self.closure_body(closure, receiver)
        used_up = closure.takes if not (closure.deferred or closure.owns) else ()
        captured = (ir.Place(closure.dst, (ir.captured(slot),)) for slot in used_up)
        nothing = ir.Region(tuple(ir.Release(place, closure.body.at) for place in captured), (), closure.body.at)
        if given is not None and closure.params:
            done = ir.Region(
                (ir.Move(ir.Place(closure.params[0]), given), *done.steps), done.slots, done.at, done.label
            )
        runs = ir.Region((done,), (), done.at)
        self.out.append(runs if surely else ir.Branch((ir.Arm(runs), ir.Arm(nothing))))
        if dst is not None:
            self.out.append(ir.Move(dst, ir.Place(closure.result)))
            if isinstance(dst.root, int) and not closure.deferred:
                self.hand_on(dst.root, ir.Place(closure.result))

    def closure_body(self, closure: ir.Lambda, receiver: ir.Place | None = None) -> ir.Region:
        """What runs when the closure does. What it has taken along ends with a block, and stays in a closure."""
        self.placed.add(closure.dst)
        if closure.dst in self.running or self.bodies >= MOST_BODIES:
            return ir.Region((), (), closure.body.at)
        self.running.add(closure.dst)
        self.bodies += 1
        if receiver is not None and closure.params:
            self.lent_parts(closure, receiver)
        around, self.open = self.open, []
        body = self.region(closure.body)
        self.open = around
        self.running.discard(closure.dst)
        if not closure.takes:
            return body
        homes = [slot for slot, known in self.lambdas.items() if known is closure]
        back = [ir.Move(ir.Place(t), ir.Place(home, (ir.captured(t),))) for t in closure.takes for home in homes]
        if closure.deferred or not closure.owns:  # (what takes a thing only to use it up runs once, and ends then)
            return ir.Region((*back, *body.steps), (*body.slots, *closure.takes), body.at, body.label)
        kept = [ir.Move(ir.Place(homes[-1], (ir.captured(t),)), ir.Place(t)) for t in closure.takes if homes]
        return ir.Region((*back, body, *kept), () if homes else closure.takes, body.at)

    def before(self, call: ir.Call, operand: ir.Operand) -> None:
        """Something to wait for that is waited for inside the callee runs here."""
        place, word = operand.place, call.word
        if slot_of(place) in self.calling and not call.awaited:
            self.calling[call.dst] = self.calling[slot_of(place)]
        if place is None or not isinstance(place.root, int) or place.way or place.root not in self.pending:
            return
        if word in self.effects.threads:
            gone = self.pending.pop(place.root)
            if isinstance(gone, ir.Acquire) and word in self.effects.limits:
                self.pending[call.dst] = replace(gone, fallible=True, bounded=True, optional=True)
                self.learn(call.dst, ir.Type((RESULT,), (self.type_of(place) or UNKNOWN, NOTHING)))
            if isinstance(gone, ir.Invoke) and word not in self.effects.limits:
                self.threads[call.dst] = ir.Lambda(call.dst, (), ir.Region((gone,), (), call.at), gone.dst)
                self.started.append(self.threads[call.dst].body)
            for taken in gone.operands if isinstance(gone, ir.Invoke) else ():
                if taken.moved and taken.place is not None:
                    self.out.append(ir.Release(taken.place, call.at))
        elif (call.awaited and word not in self.effects.same_methods) or word in self.effects.here:
            if (ran := self.run_pending(place.root)) is not None:
                self.waited_in[call.dst] = ran
        else:
            self.pending[call.dst] = gone = self.pending.pop(place.root)
            self.brought.setdefault(call.dst, []).append((place.root, gone))

    @abstractmethod
    def tasks(self, place: ir.Place | None) -> tuple[ir.Region, ...]:
        """The body of the task that is awaited by the value at a place."""

    @abstractmethod
    def handle_kept(self, place: ir.Place) -> str:
        """The owner of the field that keeps the handle of the task which is awaited by the value at a place."""

    def called_off(self, place: ir.Place | None) -> None:
        """A thread or task is told to stop: who waits for it waits for nothing that it wants."""
        self.stopped.add(self.canon(place))
        for slot in (slot_of(place), slot_of(self.canon(place))):
            for root in [root for root, body in self.threads.items() if body is self.threads.get(slot)]:
                del self.threads[root]
            self.spawned.pop(slot, None)

    @abstractmethod
    def wait(self, call: ir.Call, name: str, why: str, place: ir.Place | None, brief: bool = False) -> ir.Block:
        """A wait for whoever is behind the value at a place."""

    # ------------------------------------------------------------------------------------------- closures as operands

    def lent_parts(self, closure: ir.Lambda, receiver: ir.Place) -> None:
        """What a closure is given of the value it is called for: `list.retain(|one| …)`, behind a guard too."""
        inside = False
        for outer in self.program.types.behind(self.type_of(receiver), self.effects):
            shape = self.effects.shape(outer)
            if shape == MAP and len(closure.params) == len(outer.args) == 2:
                self.learn(closure.params[0], outer.args[0])
                self.lent_part(closure.params[1], receiver, f"[each {closure.params[1]}]", outer.args[1])
                return
            part = PRESENT.get(shape) if not inside else None
            part = f"[each {closure.params[0]}]" if shape == LIST else part
            if part is not None:
                self.lent_part(closure.params[0], receiver, part, outer.args[0] if outer.args else None)
                if isinstance(receiver.root, int) and receiver.root in self.passed and not receiver.way:
                    self.given[closure.params[0]] = self.given.get(receiver.root, closure.body.at)
                return
            inside = inside or self.program.types.is_guard(outer, self.effects)

    def lent_part(self, slot: int, whole: ir.Place, part: str, kind: ir.Type | None) -> None:
        """A closure's parameter is a part of a value."""
        self.learn(slot, kind)
        self.name(ir.Place(slot), ir.Place(whole.root, (*whole.way, part)))

    def is_lambda(self, operand: ir.Operand) -> bool:
        """Whether a closure is passed, or a reference to one: `&mut |row| …`."""
        place = operand.place
        return place is not None and place.root in self.lambdas and not bare(place).way

    def put_in_list(self, list_: int, operand: ir.Operand) -> None:
        """A closure, or something by its name, goes into a list."""
        place = operand.place
        if place is None:
            return
        if self.is_lambda(operand):
            self.in_lists.setdefault(list_, []).append(self.lambdas[slot_of(bare(place))])
        elif isinstance(place.root, tuple) and not place.way:
            self.in_lists.setdefault(list_, []).append(place.root)

    def lambda_operands(self, call: ir.Call) -> list[tuple[int, ir.Region, bool]]:
        """The closures among the arguments of a call into the tree; blocks to wait for run only when waited for.

        What a closure gives may be waited for in the callee, or outside of it: that is a body of its own (``~number``).
        """
        found: list[tuple[int, ir.Region, bool]] = []
        for number, operand in enumerate(call.operands):
            if not self.is_lambda(operand):
                continue
            assert operand.place is not None and isinstance(operand.place.root, int)
            closure = self.lambdas[operand.place.root]
            if not closure.deferred or call.awaited:
                body = _handed(closure, self.closure_body(closure))
                found.append((number, body, closure.dst in self.boxed))
                waited = self.run_by_waiting(closure) if call.awaited else ()
                if waited:
                    found.append((~number, ir.Region(waited, (), body.at), closure.dst in self.boxed))
        return found

    def run_by_waiting(self, closure: ir.Lambda) -> tuple[ir.Step, ...]:
        """What runs when the result of a closure is waited for."""
        before, self.out = self.out, []
        self.run_waiting(closure.result, closure.result)
        steps, self.out = tuple(self.out), before
        return steps

    def closures(self, call: ir.Call, receiver: ir.Place | None, unknown: bool = False) -> None:
        """Closures passed to a call outside the tree may run during the call, unless they are for elsewhere.

        `unknown`: nothing is known of the callee. What owns all that it uses, and what was passed in, is then taken
        to be kept for later; a closure that borrows cannot be.
        """
        word, together = call.word, list[ir.Lambda]()
        self.passed_by_name(call, receiver)
        self.parameters_run(call, receiver)
        if unknown:
            self.may_keep(call)
        for operand in _given(call):
            if not self.is_lambda(operand):
                continue
            assert operand.place is not None and isinstance(operand.place.root, int)
            closure = self.lambdas[operand.place.root]
            if word in self.effects.threads:
                if word not in self.effects.limits:
                    self.threads[call.dst] = closure
                continue
            if closure.dst in self.boxed and not word.startswith("call"):
                continue
            if unknown and closure.owns and not closure.deferred and word not in self.effects.familiar:
                continue
            if closure.deferred and not call.awaited and word not in self.effects.here:
                self.lambdas[call.dst] = closure
                continue
            if closure.deferred:
                together.append(closure)
                continue
            if word in self.effects.scoped:
                self.scope(closure, ir.Place(call.dst), receiver)
            else:
                before = len(self.out)
                self.inline(closure, ir.Place(call.dst), receiver, surely=word in self.effects.here)
                if word in self.effects.goes_over and closure.params:
                    runs = ir.Region(tuple(one for step in self.out[before:] for one in _inlined(step)), (), call.at)
                    self.for_all(rounds.of_closure(runs, closure.params[0]))
        self.side_by_side(call, together, receiver)

    def parameters_run(self, call: ir.Call, receiver: ir.Place | None) -> None:
        """A library call that runs what it is given calls a parameter of this function: `catch_unwind(f)`."""
        if call.word not in self.effects.here and call.word not in self.effects.goes_over:
            return
        for operand in _given(call):
            known = self.canon(operand.place) if not self.is_lambda(operand) else None
            root = known.root if known is not None and not known.way else None
            if isinstance(root, int) and root < self.program.parameters(self.number) and self.is_callable(root):
                given = (plain(receiver),) if receiver is not None else ()
                self.out.append(ir.Callback(root, call.at, call.name_at, given))

    def is_callable(self, slot: int) -> bool:
        """Whether the value of a slot is declared to be one that is called."""
        return any(outer.path == ("[fn]",) for outer in self.program.types.behind(self.slot_type(slot), self.effects))

    def may_keep(self, call: ir.Call) -> None:
        """Nothing is known of the callee: what a parameter brought in may be kept there, and is not taken to run."""
        if call.word not in self.effects.familiar:
            self.passed_on.difference_update(o.place.root for o in _given(call) if o.place and not o.place.way)

    def side_by_side(self, call: ir.Call, blocks: list[ir.Lambda], receiver: ir.Place | None) -> None:
        """Blocks that a call waits for: each runs without what the others have taken along."""
        arms = []
        for closure in blocks:
            steps, self.out = self.out, []
            blocking, self.blocking = self.blocking, self.blocking or not call.awaited
            self.out += (ir.Release(ir.Place(other.dst), call.at) for other in blocks if other is not closure)
            self.inline(closure, ir.Place(call.dst), receiver, surely=True)
            arms.append(ir.Arm(ir.Region(tuple(self.out), (), call.at)))
            self.out, self.blocking = steps, blocking
            if not call.awaited:
                self.placed.discard(closure.dst)
        if arms:
            self.out.append(ir.Branch(tuple(arms)))

    def passed_by_name(self, call: ir.Call, receiver: ir.Place | None) -> None:
        """`option.map(Type::method)`: a function given by its name runs with what the receiver holds."""
        if receiver is None or call.word in self.effects.threads:
            return
        for operand in call.operands[1:]:
            place = operand.place
            if place is None or not isinstance(place.root, tuple) or place.way or len(place.root) < 2:
                continue
            if "::".join(place.root[-2:]) in self.effects.same_functions and place.root[-1] not in self.effects.there:
                self.name(ir.Place(call.dst), receiver)
                continue
            given, name = ir.Operand(plain(receiver)), place.root[-1]
            targets = self.program.functions_named(self.context, place.root, None, self.effects)
            if targets:
                paths = (self.canon(receiver),)
                self.out.append(ir.Invoke(call.dst, tuple(targets), True, (given,), paths, call.at, call.name_at, name))
            elif why := self.effects.blocks_methods.get(".".join(place.root[-2:])):
                self.out.append(self.wait(call, name, why, receiver))

    def consume(self, call: ir.Call, skip: int = 0) -> None:
        """What was passed by value ends in the callee."""
        for operand in call.operands[skip:]:
            place = operand.place
            if operand.moved and place is not None and not self.is_lambda(operand) and not self.is_behind_guard(place):
                self.out.append(ir.Release(plain(place), call.at))

    def is_behind_guard(self, place: ir.Place) -> bool:
        """Whether a place is part of what a guard guards: its value is copied from there, and the guard stays."""
        wholes = (ir.Place(place.root, place.way[:cut]) for cut in range(len(place.way)))
        return any(self.program.types.is_guard(self.type_of(whole), self.effects) for whole in wholes)

    # ------------------------------------------------------------------------------------------------------ threads

    def keeps_task(self, place: ir.Place, handle: int) -> None:
        """A handle is kept by what it was spawned on."""
        if slot_of(place) >= 0 and handle in self.threads:
            self.threads[slot_of(place)] = self.threads[handle]

    def scope(self, closure: ir.Lambda, dst: ir.Place, receiver: ir.Place | None) -> None:
        """A scope ends when its threads do: they run on under the guards that its caller still holds at its end."""
        for slot in closure.params:
            self.scopes.setdefault(slot, [])
        self.inline(closure, dst, receiver, surely=True)
        for slot in closure.params:
            for thread in self.scopes.pop(slot, ()):
                self.inline(thread, None)

    def joined(self, call: ir.Call, scope: int) -> None:
        """A thread of a scope, which can be waited for before the scope ends."""
        for operand in call.operands[1:]:
            if self.is_lambda(operand):
                assert operand.place is not None and isinstance(operand.place.root, int)
                thread = self.lambdas[operand.place.root]
                self.placed.add(thread.dst)
                self.threads[call.dst] = thread
                self.scopes[scope].append(thread)


def _inlined(step: ir.Step) -> tuple[ir.Step, ...]:
    """What runs if a closure does that was put here: perhaps it does not."""
    return step.arms[0].body.steps if isinstance(step, ir.Branch) else (step,)


def _given(call: ir.Call) -> tuple[ir.Operand, ...]:
    """What a call gives to its callee: the arguments without a receiver."""
    own = isinstance(call.callee, ir.Method) and not call.word.startswith("call")
    return call.operands[1 if own else 0 :]


def _handed(closure: ir.Lambda, body: ir.Region) -> ir.Region:
    """What a closure does, with what it is given for good in its parameters."""
    if not closure.params:
        return body
    given = [ir.Move(ir.Place(slot), ir.Place(ir.HANDED, (str(n),))) for n, slot in enumerate(closure.params)]
    return ir.Region((*given, body), (), body.at)
