"""Calls where every value is a reference: classes called to make objects, bases, properties, keyword arguments.

In: a call, a read field.  Out: what they mean.
Never: what is held.
"""

from __future__ import annotations

import re
import sys
from functools import cached_property
from itertools import takewhile

from msgspec.structs import replace

from lockcheck import ir
from lockcheck.effects import LockType, Taking
from lockcheck.effects.shapes import LIST, MAP
from lockcheck.linker.acts import UNTOLD
from lockcheck.linker.objects.constructions import Constructions
from lockcheck.linker.objects.forwarding import fitted, gathered, passed_on
from lockcheck.linker.objects.handles import PUTS
from lockcheck.linker.objects.lock_methods import BLOCK, CLOSES, OPENS
from lockcheck.linker.objects.made import CLASS, SETTER, flowed
from lockcheck.linker.objects.uses import guessed, is_guess
from lockcheck.linker.places import WITHIN, bare, plain, slot_of

LOGS = "logs"
"""The act of telling others what happens, in words."""
_GUESSES = 2
_ANYBODYS = 6
"""What more classes than that put in the place of a method that does nothing itself is anybody's code."""
_OVERRIDES = 12
"""And what more than that put in any method's place is not followed."""
_MAY_RAISE = (ir.Call, ir.Await, ir.Yield)
_WORD_AS_KEY = re.compile(r"""\[["'](\w+)["']\]""")
_LONGEST = 8
"""Ways to a part that are longer go on from part to part of one class."""


class Objects(Constructions):
    """What calls mean in a language of objects."""

    def call(self, call: ir.Call) -> None:
        before, self.now = len(self.out), call.at
        if call.word in self.effects.threads:
            self.spawns(call, self.effects.threads_when.get(call.word, "thread"))
        if isinstance(call.callee, ir.Method) and call.word in self.effects.operators:
            self.operator(call, call.word)
        else:
            super().call(call)
            self.handed_out(call)
            self.closes_group(call)
        if call.throws == -1:
            return
        if any(self.may_raise(step, call) for step in self.out[before:]) or self.will_raise(call):
            self.out.append(ir.Escape(call.throws, call.at))
            own = any(isinstance(step, ir.Invoke) and step.targets for step in self.out[before:])
            self.raising[call.at] = () if own else self.effects.steady_but.get(call.word, ())
        elif call.throws == ir.RAISED and any(_waits_for_lock(step) for step in self.out[before:]):
            self.out.append(ir.Escape(ir.RAISED, call.at, rarely=True))

    def are_caught(self, step: ir.Escape) -> bool:
        """Whether the handlers of a block name all that is raised in it, so that hardly an error goes on."""
        tried = (one for one in self.may_all_raise if ir.within(one.at, step.at))
        return all(isinstance(one, ir.Call) and self.is_caught(one, step.caught) for one in tried)

    @cached_property
    def may_all_raise(self) -> list[ir.Call | ir.Await | ir.Yield]:
        """The steps of which some raise."""
        return [one for one in ir.steps_of(self.body.root, closures=False) if isinstance(one, _MAY_RAISE)]

    def is_caught(self, call: ir.Call, caught: ir.Path) -> bool:
        """Whether a call raises nothing to reckon with, or what the handlers name."""
        return call.at not in self.raising or not frozenset(caught).isdisjoint(self.raising[call.at])

    def given_as(self, place: ir.Place | None) -> ir.Place | None:
        """The same; a lock that is handed over is there."""
        about = super().given_as(place)
        if about is None or not isinstance(about.root, int) or not about.way:
            return about
        kind = self.type_of(place)
        return ir.YES if kind is not None and self.program.types.lock_type(kind, self.effects) is not None else about

    def may_raise(self, step: ir.Step, call: ir.Call) -> bool:
        """Whether an exception is to be reckoned with. Library calls that are steady raise none: see `settled`."""
        if call.throws in self.settled and self.is_steady(call):
            return False
        if isinstance(step, ir.Invoke) and not step.targets and call.throws in self.settled:
            name, given = step.name.rpartition(".")[2], self.effects.steady_given
            steady = not self.effects.steady.isdisjoint((name, step.name))
            return not (steady or len(call.operands) >= given.get(name, sys.maxsize))
        if isinstance(step, ir.Block) and call.throws in self.settled:
            return step.at not in self.steady
        if isinstance(step, ir.Branch):
            inside = (one for arm in step.arms for one in ir.steps_of(arm.body))
            return not all(isinstance(one, (ir.Region, ir.Assume, ir.Acquire)) for one in inside)
        if isinstance(step, ir.Region):  # (a function within this one, which runs here)
            return any(self.may_raise(one, call) for one in step.steps)
        return isinstance(step, (ir.Invoke, ir.Block, ir.Callback))

    def is_steady(self, call: ir.Call) -> bool:
        """Whether it is a method of a type, or a function of such values, whose exceptions nobody reckons with."""
        told = [table.get(call.word, {}) for table in (self.effects.steady_of, self.effects.steady_endless)]
        kind = self.type_of(call.operands[0].place) if any(told) and call.operands else None
        if kind is None:
            return False
        given, spelled = len(call.operands), self.effects.separator.join(kind.path)
        most, endless = (table.get(spelled, 0) for table in told)
        return given <= most or (given <= endless and self.is_endless(call.operands[0].place))

    def will_raise(self, call: ir.Call) -> bool:
        """Whether a task of a function within this one is made and waited for: it raises what that does."""
        place = call.callee.place if isinstance(call.callee, ir.Indirect) and call.awaited else None
        task = self.lambdas.get(slot_of(place))
        steps = ir.steps_of(task.body, closures=False) if task is not None else ()
        return any(isinstance(step, (ir.Call, ir.Await)) for step in steps)

    def computed(self, kind: ir.Type, name: str) -> list[int]:
        """The functions that run where a field is read."""
        found = self.program.types.made.methods(kind, name, self.effects)
        return [number for number in found if self.is_computed(number, name)]

    def get(self, step: ir.Get) -> None:
        """A field is read: a property runs."""
        place = step.place
        kind = self.type_of(ir.Place(place.root, place.way[:-1]))
        targets = self.computed(kind, place.way[-1]) if kind is not None else []
        if targets and kind is not None:
            receiver = ir.Operand(ir.Place(place.root, place.way[:-1]))
            call = ir.Call(step.dst, ir.Method(place.way[-1]), (receiver,), step.at, step.name_at)
            self.invoke(call, targets, True, kind)
            given = ir.Place(step.dst)
            self.name(place, self.alias.get(given, given if step.dst in self.likes else None))
        elif kind is not None and len(place.way) <= 2:  # (`oldest` knows no names of longer ways)
            way = self.program.types.made.hands_on(kind, self.effects)
            if way and self.program.types.field(kind, place.way[-1], self.effects) == (None, ""):
                named = place if len(place.way) == 1 else ir.Place(place.root, (WITHIN, *place.way))
                self.alias.setdefault(named, ir.Place(place.root, (*place.way[:-1], *way, place.way[-1])))

    def owner_of(self, place: ir.Place) -> str:
        """What a property gives belongs to the field that it names."""
        owner = super().owner_of(place)
        if owner or not place.way:
            return owner
        kind = self.type_of(ir.Place(place.root, place.way[:-1]))
        targets = self.computed(kind, place.way[-1]) if kind is not None else []
        given = self.program.result_place(targets[0]) if len(targets) == 1 else None
        if given is None or given.root != 0 or given.way == place.way[-1:]:
            return ""
        return super().owner_of(ir.Place(place.root, place.way[:-1] + given.way))

    def set(self, step: ir.Set) -> None:
        """A field is given a value: a property's other function runs."""
        place, name = step.place, step.place.way[-1] + SETTER
        kind = self.type_of(ir.Place(place.root, place.way[:-1])) if name in self.program.types.named else None
        targets = self.program.types.made.methods(kind, name, self.effects) if kind is not None else []
        if targets:
            operands = (ir.Operand(ir.Place(place.root, place.way[:-1])), ir.Operand(step.src))
            call = ir.Call(self.body.result, ir.Method(place.way[-1]), operands, step.at, step.name_at)
            self.invoke(call, targets, True, kind)

    # ------------------------------------------------------------------------------------------------------ methods

    def method(self, call: ir.Call, name: str) -> None:
        place = call.operands[0].place
        kind = self.type_of(place)
        if isinstance(place and place.root, int) and place is not None and self.opened(call, name, place):
            return
        if self.on_stack(call, name, self.canon(place)) or self.on_closer(call, name, place):
            return
        if kind is not None and kind.path == (CLASS,):
            self.on_class(_with(call, call.callee, call.operands[1:]), kind.args[0], name)
            return
        if not self.is_inside(place, kind) and (self.waits_later(call, kind) or self.signal(call, kind)):
            return
        if (kind is None or name in BLOCK) and self.through_view(call, name, place, kind):
            return
        if name in self.effects.acts:
            self.does(call, name, place, kind)
        if name in self.effects.claims and len(call.operands) > 1 and call.operands[1].place is not None:
            self.out.append(ir.Refine(bare(plain(call.operands[1].place)), self.effects.claims[name]))
        types = takewhile(lambda outer: not self.hides(outer, name), self.program.types.behind(kind, self.effects))
        if any(self.by_type_of(call, name, outer, kind) for outer in types):
            return
        self.fill(place, kind, name, call.operands)
        if below := self.with_overrides(call, [], kind, name):
            self.invoke(call, below, True, kind)
        elif not (self.field_called(call, name, place, kind) or self.handed_on(call, name, kind)):
            self.unknown_method(call, name, kind)

    def handed_on(self, call: ir.Call, name: str, kind: ir.Type | None) -> bool:
        """Whether an object hands on to a part of its own what it is asked for: then the call is the part's."""
        place = call.operands[0].place
        if kind is None or place is None or len(place.way) > _LONGEST or name.startswith("__"):
            return False
        way = self.program.types.made.hands_on(kind, self.effects)
        if way:
            part = ir.Operand(ir.Place(place.root, place.way + way))
            self.method(_with(call, call.callee, (part, *call.operands[1:])), name)
        return bool(way)

    def hides(self, kind: ir.Type, name: str) -> bool:
        """Whether a class has a value by the name, in place of the methods of what it is built on."""
        decl = self.program.names.types.get(kind.path)
        kept = decl is not None and any(one.name == name and one.shared for one in decl.fields)
        return kept and name not in self.program.types.method_names(kind.path)

    def is_replaced(self, kind: ir.Type | None, name: str) -> bool:
        """Whether objects of a class may have something in place of a method: some method of it puts that there."""
        return any(not field.shared for field, _ in self.program.types.declared(kind, name, self.effects))

    def on_stack(self, call: ir.Call, name: str, stack: ir.Place | None) -> bool:
        """What is put on a stack of blocks is opened here, or called later, and closed with the stack's own block."""
        root = stack.root if stack is not None and not stack.way else None
        if root in self.stacked and (name in CLOSES or name in self.effects.empties):
            for later in reversed(self.on_close.get(root, ())):
                self.call(later)
            self.out.append(ir.Release(ir.Place(root), (call.at[1], call.at[1])))
        given = call.operands[1].place if name in self.effects.stack_calls and len(call.operands) > 1 else None
        if given is not None and given.way and isinstance(root, int):
            self.stacked.add(root)
            method = (ir.Operand(ir.Place(given.root, given.way[:-1])), *call.operands[2:])
            self.on_close.setdefault(root, []).append(_with(call, ir.Method(given.way[-1]), method))
            return True
        if name not in self.effects.stacks or len(call.operands) != 2 or not isinstance(root, int):
            return False
        self.stacked.add(root)
        self.call(_with(call, ir.Method(self.effects.stacks[name]), call.operands[1:]))
        self.out.append(ir.Move(ir.Place(root, (f"[entered {call.dst}]",)), ir.Place(call.dst)))
        return True

    def on_closer(self, call: ir.Call, name: str, place: ir.Place | None) -> bool:
        """A block that only closes a value at its end."""
        root = slot_of(place)
        if name not in BLOCK or place is None or place.way or root not in self.closers:
            return False
        if name in CLOSES:
            self.call(_with(call, ir.Method(self.closers[root]), call.operands))
        else:
            self.name(ir.Place(call.dst), place)
        return True

    def by_type_of(self, call: ir.Call, name: str, outer: ir.Type, kind: ir.Type | None) -> bool:
        """What a method of a type means, of the receiver's own (`kind`) or of one that it is built on."""
        place = call.operands[0].place
        lock = self.program.types.lock_type(outer, self.effects)
        if lock is not None and not self.is_inside(place, outer) and self.on_listed(call, name, lock, kind, outer):
            own = lock.methods.get(name)
            if own is None or not own.moment:
                return True
        self.learn(call.dst, self.effects.makes.get(self.effects.separator.join((*outer.path, name))))
        targets = self.program.types.methods(outer, name, self.effects)
        if targets and place is not None and self.is_computed(targets[0], name):
            value = ir.Place(place.root, (*place.way, name))
            self.indirect(_with(call, ir.Indirect(value), call.operands[1:]), value)
            return True
        if targets:
            self.invoke(call, self.with_overrides(call, targets, kind, name), not self.is_replaced(kind, name), kind)
            return True
        shape = self.effects.shape(outer)
        if shape in self.effects.flow and name in self.effects.flow[shape]:
            said = self.effects.flow[shape][name]
            given = flowed(said, outer)
            self.takes_after(call.dst, said, "1" if shape == MAP else "0", place)
            self.learn(call.dst, guessed(given) if is_guess(kind) else given)
            if place is not None and name in self.effects.by_key:
                element = self.element_of(call, kind)
                known = ir.Place(place.root, (*place.way, element)) if element.startswith(ir.KEYED) else None
                self.name(ir.Place(call.dst), known)
            self.closures(call, None)
            return True
        return self.wait_or_block(call, f"{outer.path[-1]}.{name}")

    def on_listed(self, call: ir.Call, name: str, lock: LockType, kind: ir.Type | None, outer: ir.Type) -> bool:
        """The same for a method of a lock. What the tree makes a lock of by hand runs before it is taken.

        But for one of readers and writers, whose own locks tell nothing else than it does itself.
        """
        place, targets = call.operands[0].place, []
        if lock.by_hand and any(how.mode == "read" for how in lock.methods.values()):
            return self.on_lock(call, name, lock, place, "inferred")
        if lock.by_hand and kind is not None and name in lock.methods:
            targets = self.program.types.made.methods(kind, name, self.effects)
        if targets:
            self.invoke(call, targets, True, kind)
        listed = "declared" if self.effects.lock(outer.path) is not None else "inferred"
        return self.on_lock(call, name, lock, place, "named" if lock.by_hand else listed)

    def waits_later(self, call: ir.Call, kind: ir.Type | None) -> bool:
        """A task's wait that is made here and handed on: who runs it may have a limit, or a loop."""
        lock = self.program.types.lock_type(kind, self.effects) if kind is not None else None
        if lock is None or lock.waits != "task" or call.awaited or call.word not in self.effects.waits:
            return False
        self.unknown(call, call.word)
        return True

    def through_view(self, call: ir.Call, name: str, place: ir.Place | None, kind: ir.Type | None) -> bool:
        """A field of a lock that is another name of it: `queue.mutex`, `rwlock.reader_lock`.

        Where its own type (`kind`) is known, that says what it is, but for a lock that the tree makes by hand.
        """
        known = self.canon(place)
        if known is None or known.way[-1:] == () or known.way[-1] not in self.effects.views:
            return False
        owner = ir.Place(known.root, known.way[:-1])
        for outer in self.program.types.behind(self.type_of(owner), self.effects):
            lock = self.program.types.lock_type(outer, self.effects)
            view = lock.views.get(known.way[-1]) if lock is not None else None
            if view is not None and (kind is None or view.by_hand):
                return self.on_lock(call, name, view, owner, "inferred" if view.by_hand else "declared")
        return False

    def does(self, call: ir.Call, name: str, place: ir.Place | None, kind: ir.Type | None) -> None:
        """An act by the type of the receiver, or by its name where the tree does not declare its type."""
        entry = self.effects.acts[name]
        if any(operand.name in entry.heeds for operand in call.operands):
            return
        if (kind is None or kind.path not in self.program.names.types) and self.called(place) in entry.variables:
            self.did(call, entry.what, place)
        else:
            self.act(call, name, place, kind)
        last = self.out[-1] if self.out else None
        if isinstance(last, ir.Act) and last.at == call.at and entry.what == LOGS:
            self.put_in_words(call)

    def put_in_words(self, call: ir.Call) -> None:
        """What a method is given to tell others, each says itself in words, where somebody listens."""
        before, self.out = self.out, []
        for operand in call.operands[1:]:
            if operand.place is not None and not operand.name and not operand.spread:
                self.operator(replace(call, operands=(operand,)), self.effects.says)
        said, self.out = tuple(self.out), before
        if said:
            self.out.append(ir.Branch((ir.Arm(ir.Region(said, (), call.at)), ir.Arm(ir.Region((), (), call.at)))))

    def called(self, place: ir.Place | None) -> str:
        """What the text calls the value at a place, in small letters."""
        return self.spelled(place).strip("_").lower()

    def spelled(self, place: ir.Place | None) -> str:
        """The same as written; a part of what a call gives by the variable that gets it: `rows, lock = find(key)`; what
        stands under a word by that word: `row["lock"]`.
        """
        known = self.canon(place)
        if place is not None and known is not None and known.way and known.way[-1].isdigit():
            known = place
        if known is None:
            return ""
        named = known.root[-1] if isinstance(known.root, tuple) else self.body.slots[known.root].name
        key = _WORD_AS_KEY.fullmatch(known.way[-1]) if known.way else None
        return key[1] if key is not None else known.way[-1] if known.way else named

    def fill(self, place: ir.Place | None, kind: ir.Type | None, name: str, operands: tuple[ir.Operand, ...]) -> None:
        """What is put into a variable's container says what its elements are."""
        if place is None or not isinstance(place.root, int) or place.way or kind is None or kind.args:
            return
        if name in PUTS and len(operands) > 1:
            element = self.type_of(operands[-1].place)
            filled = self.program.types.made.filled(kind, element, self.effects)
            if filled is not kind:
                self.types[place.root] = filled

    def field_called(self, call: ir.Call, name: str, place: ir.Place | None, kind: ir.Type | None) -> bool:
        """A field that holds something to call: what it was given by name, or nobody knows what."""
        if place is None or kind is None or self.declared(kind, name) is None:
            return False
        at = ir.Place(place.root, (*place.way, name))
        if self.class_called(_with(call, call.callee, call.operands[1:]), at):
            return True
        target = self.target(at)
        if target is not None:
            operands = (*target.first, *call.operands[1:])
            if not target.sure:
                self.did(call, "calls", at)
            self.invoke(_with(call, call.callee, operands), list(target.functions), target.sure, kind)
            return True
        if self.referred(_with(call, call.callee, call.operands[1:]), at):
            return True
        self.closures(call, None)
        self.did(call, "calls", at)
        self.unknown(call, name)
        return True

    def indirect(self, call: ir.Call, place: ir.Place) -> None:
        """A value is called: a class, a function or method that a variable is another name of, or nobody knows what."""
        closure = isinstance(place.root, int) and not place.way and place.root in self.lambdas
        if closure or self.class_called(call, place):
            if closure:
                super().indirect(call, place)
            return
        target = self.target(place)
        if self.is_listener(self.picked.get(slot_of(place))):
            self.did(call, "tells", place)
        if target is None and self.referred(call, place):
            return
        if target is None:
            if not self.operator(replace(call, operands=(ir.Operand(place), *call.operands)), "__call__"):
                super().indirect(call, place)
            return
        kind = self.type_of(target.receiver)
        operands = (*target.first, *call.operands)
        if not target.sure:
            self.did(call, "calls", place)
        name = self.program.functions[target.functions[0]][1].name
        callee = call.callee if call.word else ir.Named((name,))
        self.invoke(_with(call, callee, operands), list(target.functions), target.sure, kind)

    def wait_or_block(self, call: ir.Call, key: str, inside: bool = False) -> bool:
        if any(operand.name == "wait" and operand.place == ir.NO for operand in call.operands):
            return False
        before = len(self.out)
        done = super().wait_or_block(call, key, inside)
        last = self.out[-1] if len(self.out) > before else None
        if isinstance(last, ir.Block) and key in self.effects.ends:
            self.out[-1] = replace(last, others=self.bodies_of(call.operands[1:], call.at))
        elif isinstance(last, ir.Block) and any(operand.name != "wait" for operand in call.operands[1:]):
            self.out[-1] = replace(last, others=(), bounded=any(map(_is_limit, call.operands[1:])))
        return done

    def with_overrides(self, call: ir.Call, targets: list[int], kind: ir.Type | None, name: str) -> list[int]:
        """A method and what the classes below the receiver's put in its place; alone these where it only raises.

        What it does not do itself, and many classes put in its place, is anybody's code. A list is what it was made as.
        """
        if kind is None or len(targets) > 1 or kind.path[-1] in self.effects.flow_names:
            return targets
        bare = bool(targets) and self.program.functions[targets[0]][1].bare
        if not (bare or not targets) and call.operands[0].place != ir.Place(0):
            return targets
        mine = self.program.functions[self.number][1].name if call.operands[0].place == ir.Place(0) else ""
        found = []
        for path in self.program.types.made.below(kind.path, self.effects):
            own = self.program.types.methods(ir.Type(path), name, self.effects)
            own = own or ([] if targets else self.program.types.made.methods(ir.Type(path), name, self.effects))
            replaced = mine and self.program.types.methods(ir.Type(path), mine, self.effects)
            found += [n for n in own if not (replaced or n in found or self.program.functions[n][1].bare)]
        if bare and len(found) > _ANYBODYS:
            self.did(call, "calls", call.operands[0].place)
        if not 0 < len(found) <= _OVERRIDES:
            return targets
        return found if bare else [*targets, *found]

    def unknown_method(self, call: ir.Call, name: str, kind: ir.Type | None) -> None:
        place, effects = call.operands[0].place, self.effects
        by_name = kind is None and name in ("__enter__", "acquire", "release")
        if by_name and effects.named_as_lock.search(self.spelled(place)):
            taking = Taking("exclusive", hand=name == "acquire", gives=name == "release", asks=name == "acquire")
            lock = LockType("", "mutex", "thread", False, {name: taking})
            self.on_lock(call, name, lock, place, "named")
            return
        wrapped = self.wrapped.get(slot_of(place))
        if wrapped is not None and self.opens_wrapped(call, name, wrapped):
            return
        if effects.named_as_telling.search(name) and self.is_listener(place):
            self.did(call, "tells", place)
        if name in BLOCK:
            if name in OPENS and place is not None:
                self.learn(call.dst, kind)
                self.name(ir.Place(call.dst), place)
            return
        guesses = self.program.types.by_name(name, effects) if kind is None and name not in effects.common else []
        runs = [number for number in guesses if self.program.runs_when_awaited(number) == call.awaited]
        if 0 < len(guesses) <= _GUESSES and not name.startswith("__"):
            self.invoke(call, list(runs or guesses), False, None)
            return
        self.unknown(call, name)
        self.closures(call, None)

    def is_listener(self, place: ir.Place | None) -> bool:
        """Whether a value of which nothing is known is called one that listens, by its variable or by what keeps it."""
        known, kind = self.canon(place), self.type_of(place)
        if place is None or known is None or (kind is not None and kind.path not in UNTOLD):
            return False
        kept = [part for part in known.way if not part.startswith("[") and not part.isdigit()][-1:]
        slots = [self.body.slots[one.root].name for one in (place, known) if isinstance(one.root, int) and not one.way]
        return any(self.effects.named_as_listener.search(name) for name in (*kept, *slots))

    # ---------------------------------------------------------------------------------------------- named functions

    def named(self, call: ir.Call, path: ir.Path, owner: ir.Type | None) -> None:
        names, made = self.program.names, self.program.types.made
        if owner is not None:
            self.above(call, path[-1])
            return
        found = made.meaning(self.context.module, path, self.effects)
        if found in names.types or self.effects.lock(found) is not None:
            self.construct(call, found)
            return
        if found in names.functions:
            self.invoke(call, list(names.functions[found])[-1:], True, None)
            return
        if found[:-1] in names.statics and found != names.resolve(self.context.module, path):
            receiver = ir.Operand(ir.Place(found[:-1]))  # (a variable is another name of an object's method)
            self.method(_with(call, ir.Method(found[-1]), (receiver, *call.operands)), found[-1])
            return
        if len(path) > 1:
            front = self.absolute(ir.Place(path[:1], path[1:-1]))
            if isinstance(front.root, tuple) and front.root in names.types and not front.way:
                self.on_class(call, ir.Type(front.root), path[-1])
                return
            inside = front.root in names.statics or (isinstance(front.root, tuple) and names.is_inside(front.root))
            if inside or (path[-1] in ("acquire", "release") and self.effects.named_as_lock.search(path[-2])):
                receiver = ir.Operand(ir.Place(path[:1], path[1:-1]))
                self.method(_with(call, ir.Method(path[-1]), (receiver, *call.operands)), path[-1])
                return
        self.outside_call(call, found)

    def above(self, call: ir.Call, name: str) -> None:
        """`super().name(…)`."""
        owner = self.context.owner
        for outer in list(self.program.types.behind(owner, self.effects))[1:]:
            targets = self.program.types.methods(outer, name, self.effects)
            if targets:
                self.invoke(call, targets, True, owner)
                return
            lock = self.program.types.lock_type(outer, self.effects)
            if lock is not None and self.on_lock(call, name, lock, call.operands[0].place, "declared"):
                return
        if not self.makes_object(call, name):
            self.unknown(call, name)

    def on_class(self, call: ir.Call, kind: ir.Type, name: str) -> None:
        """`Class.method(…)`: the class is the receiver, or an instance is written first."""
        targets = self.program.types.made.methods(kind, name, self.effects)
        if not targets:
            self.unknown(call, name)
            return
        params = self.program.functions[targets[0]][1].params
        of_type = self.program.functions[targets[0]][1].of_type
        operands = (ir.Operand(ir.Place(kind.path)), *call.operands) if of_type and params else call.operands
        self.invoke(_with(call, ir.Method(name), operands), targets, True, kind)

    def outside_call(self, call: ir.Call, found: ir.Path) -> None:
        """A function of no file here."""
        spelled = ".".join(found)
        entry = self.effects.acts.get(found[-1]) if len(found) > 1 else None
        if entry is not None and found[-2] in entry.types:
            self.did(call, entry.what, None)
        waits, works = self.effects.blocks.get(spelled), self.effects.works.get(spelled)
        why = waits or works
        hook = self.effects.hooks.get(spelled)
        if hook is not None:
            self.hook(call, *hook)
        first = call.operands[0].place if call.operands else None
        if self.effects.is_maker(found):
            self.written[call.dst] = ir.MADE
        if spelled in self.effects.closers and first is not None:
            self.closers[call.dst] = self.effects.closers[spelled]
        if (spelled in self.effects.refers or spelled in self.effects.closers) and first is not None:
            self.learn(call.dst, self.type_of(first))
            self.name(ir.Place(call.dst), first)
        self.waits_outside(call, spelled)
        self.asked_by_function(call, spelled)
        self.closures(call, None)
        if spelled in self.effects.same_functions and first is not None:
            self.name(ir.Place(call.dst), first)
            self.hand_on(call.dst, first)
            self.bound[call.dst] = call.operands[1:]
            return
        if spelled in self.effects.picks and first is not None:
            self.picked[call.dst] = first
            by = self.canon(call.operands[1].place) if len(call.operands) > 1 else None
            if by is not None and isinstance(by.root, tuple) and by.root[0] == ir.LIKE:
                self.named_like[call.dst] = first, by.root[1], by.root[2]
        if spelled in self.effects.own_class_of and len(call.operands) == 1:
            kind = self.type_of(first)
            self.learn(call.dst, self.part_type(kind, self.effects.own_class) if kind is not None else None)
        self.learn(call.dst, self.of_elements(spelled, call))
        if not call.operands and found and found[-1] in self.effects.flow_names:
            self.empty.add(call.dst)
        if why is not None and not call.awaited:
            self.out.append(ir.Block(call.at, call.name_at, found[-1], why, brief=waits is None))
            if spelled in self.effects.steady:
                self.steady.add(call.at)
        else:
            self.unknown(call, spelled)
        self.waits_together(call, spelled)
        self.wraps_lock(call, found)
        if len(found) > 1 or spelled in self.effects.makes:
            self.learn(call.dst, self.effects.makes.get(spelled) or ir.Type(found))

    def hook(self, call: ir.Call, when: str, number: int, hands_over: bool) -> None:
        """What is handed over runs at a time of its own; with what stands behind it, where it `hands_over` that.

        An object's method holds it: that object comes to no end before the program does.
        """
        place = call.operands[number].place if number < len(call.operands) else None
        rest = call.operands[number + 1 :] if hands_over else None
        body, target = self.body_of(place, call.at, rest), self.target(place)
        held = target.receiver if target is not None else None
        runs = [self.program.functions[one][1] for one in target.functions] if target is not None else []
        bound = all(one.takes_self and not one.of_type for one in runs)
        mine = bound and held is not None and held == self.canon(call.operands[0].place)
        own = when == "finalizer" and number and mine
        bodies = (body,) if body is not None else ()
        self.out.append(ir.Register("exit" if own else when, bodies, call.at, call.name_at, call.word))

    def waits_outside(self, call: ir.Call, spelled: str) -> None:
        """What is awaited of a call waits for the world outside: by itself, or by what it is given to wait for."""
        places = (operand.place for operand in call.operands if operand.place is not None and not operand.place.way)
        given = (self.abroad.get(place.root, "") for place in places if isinstance(place.root, int))
        self.abroad[call.dst] = self.effects.awaits.get(spelled) or next((why for why in given if why), "")

    def of_elements(self, spelled: str, call: ir.Call) -> ir.Type | None:
        """What a library function gives that hands on the elements of its first argument."""
        said = self.effects.flow.get("[call]", {}).get(spelled)
        number = 1 if spelled in self.effects.lazily else 0  # (what is run for each of them comes first)
        source = call.operands[number].place if said is not None and len(call.operands) > number else None
        given = self.type_of(source)
        element = self.part_type(given, "[each]") if given is not None else None
        if said is not None and element is not None:
            self.takes_after(call.dst, said, "0", source)
        return flowed(said, ir.Type((LIST,), (element,))) if said is not None and element is not None else None

    # -------------------------------------------------------------------------------------------------- invocations

    def invoke(self, call: ir.Call, targets: list[int], certain: bool, receiver: ir.Type | None) -> None:
        function = self.program.functions[targets[0]][1]
        whole = _with(call, call.callee, fitted(call.operands, function.params, len(targets) == 1))
        for operand in whole.operands:
            self.goes_home(self.canon(operand.place))
        before = len(self.out)
        super().invoke(whole, targets, certain and not is_guess(receiver), receiver)
        if is_guess(receiver):
            self.types[call.dst] = guessed(self.types.get(call.dst))
        if function.around and call.dst in self.pending:
            self.out.append(self.pending.pop(call.dst))
        last = self.out[-1] if len(self.out) > before else None
        named = [self.effects.named_as_lock.search(param.name) is not None for param in function.params]
        if isinstance(last, ir.Invoke) and any(named):
            places = (one.place if is_one else None for one, is_one in zip(whole.operands, named, strict=False))
            last = self.out[-1] = replace(last, locks=tuple(self.given_lock(call, place) for place in places))
        if isinstance(last, ir.Invoke) and len(targets) == 1:
            last = self.out[-1] = self.forwarded(last, call, function.params)
        if isinstance(last, ir.Invoke) and last.lambdas and last.paths[:1] != (None,):
            self.alone.discard(slot_of(last.paths[0]))
        if isinstance(last, ir.Invoke) and (function.around or self.program.works_by_hand(targets[0])):
            last = self.out[-1] = replace(last, hands_out=True)
            if function.around:
                self.contexts[call.dst] = last
                self.out.pop()

    def forwarded(self, step: ir.Invoke, call: ir.Call, params: tuple[ir.Param, ...]) -> ir.Invoke:
        """A call with what it says of parameters that get what somebody gathers."""
        own = self.program.functions[self.number][1].params
        asked = passed_on(call.operands, params, own)
        rest = gathered(call.operands, params, own, self.given_as)
        if not (asked or rest):
            return step
        places = tuple(asked.get(slot, place) for slot, place in enumerate(step.asked))
        return replace(step, asked=places, gathered=rest)

    def closures(self, call: ir.Call, receiver: ir.Place | None, unknown: bool = False) -> None:
        """Closures passed to what is outside of the tree run there only where the table says so."""
        if call.word in self.effects.lazily:
            self.runs_later(call)
        elif call.word in self.effects.here:
            self.runs_here(call)
            super().closures(call, receiver, unknown)
        elif call.word in self.effects.threads:
            super().closures(call, receiver, unknown)


def _waits_for_lock(step: ir.Step) -> bool:
    """Whether the thread may have to wait for a lock, as long as it takes."""
    waits = isinstance(step, ir.Acquire) and not step.fallible and step.holder is not None
    return waits and step.lock.waits == "thread"  # type: ignore[union-attr]


def _is_limit(operand: ir.Operand) -> bool:
    """Whether an argument of a wait says how long it may take: by name, or a value that says neither yes nor no."""
    said = operand.name == "timeout" or not (operand.name or operand.spread or operand.place in (ir.YES, ir.NO))
    return said and operand.place != ir.NONE


def _with(call: ir.Call, callee: ir.Callee, operands: tuple[ir.Operand, ...]) -> ir.Call:
    return ir.Call(call.dst, callee, operands, call.at, call.name_at, call.awaited, call.throws)
