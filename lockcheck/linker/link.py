"""One function linked: each call replaced by what it means.

In: a lowered body and all that is known of the tree.  Out: `Linked`, the same structure with the calls' meanings.
Never: asks what is held.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec import Struct, field

from lockcheck import ir
from lockcheck.effects import Effects
from lockcheck.effects.shapes import LIST, MAP
from lockcheck.linker import rounds
from lockcheck.linker.answers import part_asked
from lockcheck.linker.callees import Callees
from lockcheck.linker.closures import MOST_BODIES
from lockcheck.linker.ends import UNTOLD, taken_by
from lockcheck.linker.judged import Judged
from lockcheck.linker.objects.calls import Objects
from lockcheck.linker.objects.made import EACH
from lockcheck.linker.places import EMPTY_OPTION, bare, is_inside, oldest, plain, slot_of
from lockcheck.linker.rounds import Every
from lockcheck.linker.sides import Filled, Handed
from lockcheck.linker.spins import waiting
from lockcheck.linker.written import UNKNOWN

if TYPE_CHECKING:
    from lockcheck.linker import Program


class Linked(Struct, frozen=True):
    """A function's steps with their meanings.

    `elsewhere` are bodies that run at another time or on another thread (spawned, stored, returned). `result` is the
    place that the returned value is another name of, if it is one of the function's own parameters or a static.
    `unresolved` are the calls whose callee is not known. `around`: it runs around its caller's block, which stands
    where it yields. `starts` are the bodies of threads whose handles it keeps, and of closures, with the owner of the
    field and the value whose field it is; `ends` are fields that keep the two ends of one channel. `cut`: its closures
    call each other so often that not every call is followed. `handed` is where that by which signals are given goes on
    to; `kept` the places of such values that go into fields, by owner. `home`: parts of values that are other names of
    something in the object that made the values.
    `parts`: fields of a returned value that are other names of something in a parameter, or of a static. `lent`: what
    the parameters that are called are given, by parameter. `alone` are the objects that it made and handed nothing to
    that could be called, `inside` the elements of lists of one. `of_all`: the acquisitions and calls that come for
    every element of a list, with what stands for them all; `removed`: parts that were taken out of their lists,
    `thinned` the containers of which something was left out. `threads`: where the bodies stand that run on threads of
    their own, or as tasks. `fills` are the callables among the parameters that go into fields. `asks`: the part of its
    object on which alone its answer depends.
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
    around: bool = False
    starts: tuple[tuple[str, ir.Region, int], ...] = ()
    ends: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False
    handed: tuple[Handed, ...] = ()
    kept: Mapping[str, ir.Place] = field(default_factory=dict)
    home: Mapping[ir.Place, ir.Place] = field(default_factory=dict)
    parts: Mapping[ir.Path, ir.Place] = field(default_factory=dict)
    lent: Mapping[int, tuple[ir.Place | None, ...]] = field(default_factory=dict)
    alone: frozenset[int] = frozenset()
    inside: Mapping[int, int] = field(default_factory=dict)
    of_all: Mapping[ir.Range, Every] = field(default_factory=dict)
    removed: frozenset[str] = frozenset()
    thinned: frozenset[ir.Place] = frozenset()
    threads: frozenset[ir.Range] = frozenset()
    fills: tuple[Filled, ...] = ()
    asks: ir.Place | None = None

    def also_called(self, place: ir.Place) -> ir.Place | None:
        """A place by the first of its younger names that the text has; None where it has none."""
        named = [(a, b) for a, b in self.alias.items() if isinstance(a.root, int) and self.slots[a.root].name]
        for followed in (False, True):
            for younger, src in named:
                older = plain(oldest(src, self.alias) if followed else src)
                if older.root == place.root and place.way[: len(older.way)] == older.way:
                    return ir.Place(younger.root, younger.way + place.way[len(older.way) :])
        return None


_WRITTEN = (ir.YES, ir.NO, ir.NONE)


class Pass(Judged, Callees):
    """The walk over the steps of one function."""

    def region(self, region: ir.Region) -> ir.Region:
        before, self.out = self.out, []
        self.open.append(region)
        for step in region.steps:
            self.step(step)
        self.ends(region.slots)
        self.open.pop()
        done, self.out = self.out, before
        return ir.Region(tuple(done), region.slots, region.at, region.label)

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
                before = len(self.out)
                self.call(step)
                if self.effects.own.denied or self.effects.own.may_block:
                    self.judge(step, before)
            case ir.Lambda():
                self.lambdas[step.dst] = step
                captured = ((ir.Place(step.dst, (ir.captured(taken),)), ir.Place(taken)) for taken in step.takes)
                self.out.extend(ir.Move(*pair) for pair in captured)
            case ir.Await(dst, src, at, name_at):
                self.awaited(dst, src, at, name_at)
            case ir.Refine():
                self.refine(step)
            case ir.Compute() | ir.Implied():
                self.operated(step)
            case ir.End() | ir.Discard() | ir.Release() | ir.Leave():
                self.ended(step)
            case ir.Region():
                self.out.append(self.region(step))
            case ir.Branch(arms):
                self.out.append(ir.Branch(tuple(map(self.arm, arms))))
            case ir.Loop(body, label):
                self.open.append(ir.Region((), (), body.at, label))
                round_ = self.region(body)
                self.open.pop()
                self.for_all(rounds.of_loop(round_))
                self.out.append(ir.Loop(waiting(round_, label), label))
            case _:
                self.out.append(step)

    def arm(self, arm: ir.Arm) -> ir.Arm:
        return ir.Arm(self.region(arm.body), arm.role, arm.head, arm.needs)

    def operated(self, step: ir.Compute | ir.Implied) -> None:
        """A sign or a word asks something of values."""
        if isinstance(step, ir.Compute):
            self.compute(step)
        else:
            self.implied(step)

    def ended(self, step: ir.End | ir.Discard | ir.Release | ir.Leave) -> None:
        """A value is overwritten, thrown away by name, or given back; or all those are whose regions are left."""
        match step:
            case ir.Leave(label):
                self.out += (*self.left_behind(step, label), step)
            case ir.End(place, at, sure):
                self.thrown(place, at, sure)
            case ir.Discard(src, at, name_at):
                self.out.append(ir.Discard(plain(src), at, name_at))
            case ir.Release(src, at):
                if not self.is_behind_guard(src):  # (what the guard guards gets another value, and the guard stays)
                    self.out.append(ir.Release(plain(src), at))

    def move(self, dst: ir.Place, src: ir.Place) -> None:
        if dst.way[-1:] == ("&",) and dst != src:  # (what a reference leads to keeps its names, and what it is)
            self.keeps_handle(dst, src)
            return
        if isinstance(dst.root, int) and not dst.way:
            self.learn(dst.root, EMPTY_OPTION if src == ir.NONE else self.type_of(src))
            self.hand_on(dst.root, src)
            self.taken(dst.root, src)
        self.keeps_handle(dst, src)
        if src.way[-1:] and src.way[-1].startswith("[each"):
            self.hands(ir.Place(src.root, src.way[:-1]))
        if dst.way:
            self.keeps_part(dst, src)
        if not self.is_missing(dst, src):
            self.name(dst, self.put_by_key.get(oldest(src, self.alias), src) if self.is_result(dst) else src)
        self.out.append(ir.Move(plain(dst), plain(src), is_inside(dst) or is_inside(src)))
        self.is_now(dst, src)

    def is_result(self, place: ir.Place) -> bool:
        """Whether a place is the function's result, or what becomes it or another value: the value of a `match`."""
        return not place.way and (place.root == self.body.result or self.is_of_arms(place.root))

    def is_of_arms(self, root: int | ir.Path) -> bool:
        """Whether a slot has no name of its own: what is put there on several ways are the arms' values."""
        return isinstance(root, int) and not self.body.slots[root].name and not self.effects.objects

    def is_missing(self, dst: ir.Place, src: ir.Place) -> bool:
        """Whether a result is nothing, or an error, on one of the ways to it: it is what it is on the others.

        Whether it is there is another question than whether that is.
        """
        missing = self.is_result(dst) and (src == ir.NONE or self.written.get(slot_of(src)) == ir.NO)
        if missing and isinstance(dst.root, int) and self.is_of_arms(dst.root):
            self.anew.add(dst.root)
        return missing

    def is_now(self, dst: ir.Place, src: ir.Place) -> None:
        """What a written value says of the place that it is put into."""
        said, about = self.asked(src), bare(dst)
        if said is None or isinstance(said.root, int) or said.way:
            return
        about = self.stands_for(about)
        if said == ir.MADE:
            self.out.append(ir.Assume(about, ir.NOTHING, False))
            return
        truth = said not in (ir.NO, ir.NONE)
        self.out.append(ir.Assume(about, said.root if truth and said != ir.YES else (), truth))

    def stands_for(self, place: ir.Place) -> ir.Place:
        """The place by which questions know what is written to it."""
        return place

    def refine(self, step: ir.Refine) -> None:
        """What is known of a guard that may be missing, and of a value that nothing changes."""
        if step.value == ir.NOTHING:
            self.is_nothing(step)
            return
        if step.present and len(step.value) > 1 and step.value[-1] in self.effects.missing.get(step.value[-2], ()):
            step = ir.Refine(step.place, False, True)
        place, value = step.place, self.named_value(step.value) if step.value else ()
        behind = self.is_guard(place)
        if not step.value and not behind:
            self.out.append(ir.Refine(bare(plain(place)), step.present, step.sure or self.is_option(place)))
        about = self.asked(place) if value or not step.value else None
        if about is not None and behind:
            about = ir.Place(about.root, (*about.way, "*"))
        if isinstance(place.root, int) and place.root in self.asks_lock:
            self.out.append(ir.Assume(self.asks_lock[place.root], (), step.present))
        elif isinstance(place.root, int) and place.root in self.asks_self:
            question, yes = self.asks_self[place.root]
            self.out.append(ir.Assume(question, (), step.present == yes))
        elif step.value and self.is_oneself(place):
            self.out.append(ir.Assume(self.oneself(str(place.root), *step.value), (), step.present))
        elif about is not None:
            self.out.append(ir.Assume(about, value, step.present))

    def may_be_empty(self, place: ir.Place) -> bool:
        """Whether a value that is there may be false, by its type."""
        kind = self.type_of(place)
        return kind is not None and kind.path[-1] in self.effects.may_be_empty

    def is_nothing(self, step: ir.Refine) -> None:
        """What is known where it was asked whether a value is nothing at all. What is not may still be empty."""
        if step.present or not self.may_be_empty(step.place):
            self.refine(ir.Refine(step.place, not step.present, step.sure))
        own = isinstance(step.place.root, int) and step.place.root in self.asks_lock.keys() | self.asks_self.keys()
        about = self.asked(step.place) if not own and not self.is_oneself(step.place) else None
        if about is not None:
            self.out.append(ir.Assume(about, step.value, step.present))

    def new(self, dst: int, path: ir.Path, parts: tuple[tuple[str, ir.Operand], ...]) -> None:
        kind = ir.Type(path) if path else None
        if path == ("[tuple]",):
            known = {name: self.type_of(one.place) for name, one in parts}
            size = max((int(name) + 1 for name in known), default=0)
            kind = ir.Type(path, tuple(known.get(str(number)) or UNKNOWN for number in range(size)))
        elif path == (LIST,):
            kind = ir.Type(path, tuple(self.type_of(o.place) or UNKNOWN for _, o in parts[:1]))
        self.learn(dst, self.program.types.resolve(kind, self.context, self.effects) if len(path) else None)
        self.given[dst] = UNTOLD
        for name, operand in parts:
            if operand.place is None:
                continue
            if path != (LIST,):
                self.name(ir.Place(dst, (name,)), operand.place)
            else:
                self.put_in_list(dst, operand)
            if operand.moved:
                self.out.append(ir.Move(plain(ir.Place(dst, (name,))), plain(operand.place)))
            self.is_now(ir.Place(dst, (name,)), operand.place)
            is_taken = isinstance(self.pending.get(slot_of(operand.place)), ir.Acquire)  # (as its result will say)
            if path == (LIST,) and not is_taken:
                self.hand_on(dst, operand.place)
                if len(parts) == 1 and (inner := slot_of(self.canon(operand.place))) >= 0:
                    self.inside[dst] = inner
            self.keeps_handle(ir.Place(dst, (name,)), operand.place)
            if path != ("[tuple]",) or dst in self.gone or dst == self.body.result:
                self.keeps_part(ir.Place(dst, (name,)), operand.place)
        self.keeps_ends(dst, parts)


class ObjectPass(Objects, Pass):
    """The walk over a function of a language of objects."""

    def stands_for(self, place: ir.Place) -> ir.Place:
        return self.static_asked(place) or place

    def move(self, dst: ir.Place, src: ir.Place) -> None:
        static = self.static_asked(dst)
        if static is not None:  # (whatever was known of it is over)
            self.out.append(ir.Move(static, ir.Place(static.root, ir.OTHER)))
        if isinstance(dst.root, tuple) and (not dst.way or src.root == ("[unknown]",)):
            self.is_now(dst, src)
        else:
            self.is_kept(dst, src)
            if dst.way and dst.way[-1].startswith("[") and self.canon(dst) != self.canon(src):
                self.shift(ir.Place(dst.root, dst.way[:-1]), dst.way[-1])
            super().move(dst, src)
            if dst.way and not src.way and src.root in self.fresh:
                self.kept_at[src.root] = dst

    def call(self, call: ir.Call) -> None:
        super().call(call)
        place = call.operands[0].place if call.operands and call.word in self.effects.shifts else None
        if place is not None and isinstance(call.callee, ir.Method):
            key = self.element_of(call, self.type_of(place)) if len(call.operands) > 1 else ""
            self.shift(place, key if key.startswith(ir.KEYED) else "")

    def shift(self, container: ir.Place, part: str) -> None:
        """Something else is in a container: what goes by an element of it keeps that, by another name."""
        known = self.canon(container)
        if known is not None:
            self.thinned.add(known)
        if known is None or not any(self.canon(one) == known for one in self.asked_for_elements):
            return
        step = ir.Shift(known, part, str(len(self.alias)))
        self.out.append(step)
        older = {name: plain(oldest(src, self.alias)) for name, src in self.alias.items()}
        newer = {name: step.of(place) for name, place in older.items() if step.of(place) is not place}
        for name in self.renamed(newer):
            self.shifted.setdefault(name, older[name])

    def arm(self, arm: ir.Arm) -> ir.Arm:
        around, self.shifted = self.shifted, {}
        done = super().arm(arm)
        self.renamed(self.shifted)
        self.shifted = around
        return done

    def renamed(self, names: Mapping[ir.Place, ir.Place]) -> dict[ir.Place, ir.Place]:
        """Names stand for something else from here on, those that still have one meaning; what they stood for."""
        before = {name: self.alias[name] for name in names if name in self.alias}
        self.alias.update((name, names[name]) for name in before)
        return before

    @cached_property
    def asked_for_elements(self) -> frozenset[ir.Place]:
        """The containers of which the function names an element, or asks for one by its key."""
        keyed, found = self.effects.flow.get(MAP, {}), set[ir.Place]()
        for step in ir.steps_of(self.body.root):
            asks = isinstance(step, ir.Call) and step.word in keyed
            for number, place in enumerate(_asked_of(step)):
                if asks and not number:
                    found.add(place)
                cut = next((at for at, part in enumerate(place.way) if part.startswith("[")), -1)
                if cut >= 0:
                    found.add(ir.Place(place.root, place.way[:cut]))
        return frozenset(found)

    def hands_out_element(self, step: ir.Yield, src: ir.Place) -> None:
        """A generator gives an element: what it returns when it is called is a container of such."""
        if not self.program.functions[self.number][1].around and step.at in self.own_yields:
            self.consists_of(ir.Place(self.body.result), src)

    @cached_property
    def own_yields(self) -> frozenset[ir.Range]:
        """Where the function itself yields, and no function within it."""
        return frozenset(one.at for one in ir.steps_of(self.body.root, closures=False) if isinstance(one, ir.Yield))

    def is_kept(self, dst: ir.Place, src: ir.Place) -> None:
        """A lock that is made where a container has none for a key, and put there, is what the container has for it."""
        if not dst.way[-1:] or not dst.way[-1].startswith(ir.KEYED) or src.way:
            return
        made, before = oldest(src, self.alias), self.torn.get(src)
        if before is not None and oldest(before, self.alias) == dst:  # (it was that, or was missing)
            self.alias[src] = self.torn.pop(src)
        elif made.root in self.fresh and not made.way:
            self.name(made, dst)

    def region(self, region: ir.Region) -> ir.Region:
        around, self.shifted = self.shifted, {}
        done = super().region(region)
        self.transactions = [one for one in self.transactions if one not in region.slots]
        last = region.steps[-1] if region.steps else None
        if isinstance(last, ir.Leave) and self.shifted:  # (what follows is come to on other ways)
            self.left.setdefault(last.label, {}).update(self.renamed(self.shifted))
            self.shifted = {}
        for name, before in self.renamed(self.left.pop(region.label, {})).items():
            self.shifted.setdefault(name, before)
        self.shifted.update(around)
        return done

    def new(self, dst: int, path: ir.Path, parts: tuple[tuple[str, ir.Operand], ...]) -> None:
        super().new(dst, path, parts)
        if path in ((), (LIST,)) and not parts:
            self.empty.add(dst)
        elif path == (LIST,) and len(parts) == 1:
            self.consists_of(ir.Place(dst), parts[0][1].place)
        self.written[dst] = ir.MADE
        for _, operand in parts:
            self.gather(ir.Place(dst), self.tasks(operand.place))

    def named_value(self, path: ir.Path) -> ir.Path:
        static = self.static_asked(ir.Place(path[:1], path[1:])) if not path[0].startswith("[") else None
        return (*static.root, *static.way) if static is not None else super().named_value(path)  # type: ignore[misc]

    def step(self, step: ir.Step) -> None:
        match step:
            case ir.Get():
                self.get(step)
            case ir.Set():
                self.set(step)
            case ir.Escape(caught=caught) if caught and self.are_caught(step):
                pass
            case ir.Yield(throws=throws, at=at) | ir.Await(throws=throws, at=at):
                if isinstance(step, ir.Yield) and step.src is not None:
                    self.hands_out_element(step, step.src)
                super().step(step)
                self.out.append(ir.Escape(throws, at))
            case _:
                super().step(step)


def _asked(step: ir.Step) -> Iterator[int]:
    """The slots that something is asked of, taken out of, or whose value goes somewhere else by a part."""
    yield from (place.root for place in _asked_of(step) if isinstance(place.root, int))


def _asked_of(step: ir.Step) -> Iterator[ir.Place]:
    """The places that something is asked of, taken out of, or whose value goes somewhere else."""
    return iter((step.src,)) if isinstance(step, ir.Await) else ir.used_by(step)


def wrapped(own: ir.Function, function: ir.Function, body: ir.Body, decorator: ir.Decorator) -> ir.Body:
    """A function's body inside a block that is opened with the function that a decorator puts round it.

    As it is where calling it only makes a value: it begins when that is asked for something, and the block is over.
    """
    if _only_makes(own, body) and not (own.runs_when_awaited and function.runs_when_awaited):
        return body
    made, guard = len(body.slots), len(body.slots) + 1
    slots = (*body.slots, ir.Slot(), ir.Slot("", None, "with", own.name_at), ir.Slot())
    given, makes = [], _decorating(own, function, decorator, made + 2)
    for slot, (param, _) in enumerate(zip(function.own_params, own.params, strict=False)):
        if param.gathers:
            break
        given.append(ir.Operand(ir.Place(slot)))
    if makes:
        given.append(ir.Operand(ir.Place(made + 2), name=function.closed_params[0].name))
    else:
        given += [ir.Operand(said, name=name) for name, said in decorator.named(function)]
    at, path = own.name_at, ("[root]", *function.module, function.name)
    opens = ir.Call(guard, ir.Method("__enter__"), (ir.Operand(ir.Place(made)),), at, at)
    inside = ir.Region((opens, body.root, ir.Release(ir.Place(guard), (at[1], at[1]))), (guard,), body.root.at)
    begins = ir.Call(made, ir.Named(path), tuple(given), at, at)
    root = ir.Region((*makes, begins, inside), (), body.root.at, body.root.label)
    return ir.Body(slots, root, body.result, body.uses)


def begun_elsewhere(own: ir.Function, body: ir.Body, word: str) -> ir.Body:
    """A function's body where a decorator gives the function to a call of a name, and nobody here calls it."""
    made, at = len(body.slots), own.name_at
    begins = ir.Call(made + 1, ir.Named((word,)), (ir.Operand(ir.Place(made)),), at, at)
    steps = (ir.Lambda(made, (), body.root, body.result), begins)
    root = ir.Region(steps, (), body.root.at, body.root.label)
    return ir.Body((*body.slots, ir.Slot(), ir.Slot()), root, -1, body.uses)


def _decorating(own: ir.Function, function: ir.Function, decorator: ir.Decorator, dst: int) -> tuple[ir.Call, ...]:
    """Where a decorator is a class whose object has a say in what is put round a function: how that object is made."""
    owner = function.name.removesuffix(ir.CALLED)
    if owner == function.name or not function.closed_params:
        return ()
    said = ((name, path if path[:1] != ir.TEXT else ()) for name, path in decorator.given)
    given = tuple(ir.Operand(ir.Place(path) if path else None, name=name) for name, path in said)
    path = ("[root]", *function.module, *owner.split("."))
    return (ir.Call(dst, ir.Named(path), given, own.name_at, own.name_at),)


def _only_makes(function: ir.Function, body: ir.Body) -> bool:
    """Whether a call of a function runs nothing of it yet."""
    if function.runs_when_awaited:
        return True
    return not function.around and any(isinstance(s, ir.Yield) for s in ir.steps_of(body.root, closures=False))


def link(program: Program, number: int, body: ir.Body) -> Linked:
    """Link a lowered function."""
    state, root, elsewhere = walked(program, number, body)
    result = state.canon(ir.Place(body.result)) if body.result >= 0 else None
    if result is not None and not result.way:  # (a lock that is made when first wanted is known by where it is kept)
        result = state.kept_at.get(result.root, result)
    parameters = program.parameters(number)
    own = result is not None and (isinstance(result.root, tuple) or result.root < parameters)
    starts = tuple((owner, state.thread_body(closure), root) for owner, closure, root in state.starts)
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
        program.functions[number][1].around,
        starts,
        state.halves,
        state.bodies >= MOST_BODIES,
        tuple(state.handed),
        state.kept,
        state.home,
        _parts(state, result, parameters) if result is not None and not own else {},
        state.lent,
        frozenset(state.alone),
        state.inside,
        state.of_all,
        frozenset(state.removed),
        frozenset(state.thinned),
        frozenset(closure.body.at for closure in state.threads.values()),
        tuple(dict.fromkeys(state.fills)),
        part_asked(program.functions[number][1], body, state.effects.operators),
    )


def walked(program: Program, number: int, body: ir.Body) -> tuple[Pass, ir.Region, list[ir.Region]]:
    """The state after the walk over a function, its steps, and the bodies that run at another time."""
    effects = program.types.effects(number)
    made = ObjectPass if effects.objects else Pass
    state = made(program, number, program.types.context(number), effects, body)
    every = [step for step in ir.steps_of(body.root) if type(step) in _WITH_VALUES]
    state.gone = frozenset(slot for step in every for slot in taken_by(step, state.effects))
    params = program.functions[number][1].params
    state.given = {slot: UNTOLD for slot, param in enumerate(params) if param.by_value}
    state.used = frozenset(slot for step in every for slot in _asked(step))
    state.watched = _watched(body, effects)
    state.settled = _passing(body.root).union(_fed(body.root, effects)) if effects.objects else frozenset()
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
    state.hands(ir.Place(body.result) if body.result >= 0 else None)
    return state, root, [*elsewhere, *state.started]


_WITH_VALUES = frozenset((ir.Call, ir.Move, ir.Ref, ir.New, ir.Lambda, ir.Await))
"""The steps that use values, or move them."""


def _parts(state: Pass, result: ir.Place, parameters: int) -> dict[ir.Path, ir.Place]:
    """The fields of a value that a function puts together which are names of what it was given, or of a static.

    So are those of a part that it puts together for that: `Handle(Arc::new(Inner { rows }))`, and what all elements of
    a value were elements of before.
    """
    found: dict[ir.Path, ir.Place] = {}
    waiting: list[tuple[ir.Path, int | ir.Path]] = [((), result.root)] if not result.way else []
    while waiting:
        way, root = waiting.pop()
        inside = state.canon(state.guarding.get(root)) if isinstance(root, int) and len(way) < _DEEPEST_PART else None
        if inside is not None and not inside.way:
            waiting.append(((*way, "*"), inside.root))
        for named in state.alias:
            if named.root != root or len(named.way) != 1 or named.way[0].startswith("["):
                continue
            older, part = state.canon(named), (*way, named.way[0])
            if older is None or (isinstance(older.root, tuple) and older.root[0][0] == "["):
                continue
            if isinstance(older.root, tuple) or older.root < parameters:
                found[part] = older
            elif not older.way and len(part) < _DEEPEST_PART:
                waiting.append((part, older.root))
    way, element = state.likes.get(result.root, ((), None)) if isinstance(result.root, int) else ((), None)
    known = state.like(element) if way[:1] == (EACH,) and isinstance(state, ObjectPass) else None
    if known is not None and (isinstance(known.root, tuple) or known.root < parameters):
        found[way] = known
    return found


_DEEPEST_PART = 2
"""Fields of fields of what a function puts together are looked at."""


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
            case ir.Block(others=others) | ir.Suspend(others=others):
                waiting += others
            case ir.Invoke(targets=targets, lambdas=lambdas):
                found.update(dict.fromkeys(targets))
                waiting += (body for _, body, _ in lambdas)
            case _:
                pass
    return found


def _watched(body: ir.Body, effects: Effects) -> frozenset[int]:
    """The variables that are assigned written or new values, or whether a lock was taken, and parameters that are
    assigned anything, that nothing but assignments in the open changes.

    Where every value is a reference (`objects`), whoever is given a variable's value cannot change the variable.
    """
    found: set[int] = set()
    made: set[ir.Place] = {*_WRITTEN}
    objects, listed = effects.objects, list(ir.steps_of(body.root, closures=False))
    moves: list[tuple[int, ir.Place]] = []
    for step in listed:
        match step:
            case ir.Move(ir.Place(int(dst), ()), src):
                moves.append((dst, src))
            case ir.New(dst) | ir.Call(dst) if objects and _makes(step, effects):
                made.add(ir.Place(dst))
            case ir.Ref(dst, src) if objects and src in made:
                made.add(ir.Place(dst))
            case _:
                pass
    for dst, src in moves:
        slot = body.slots[dst]
        if slot.name and not slot.fixed and (src in made or (objects and slot.why == "param")):
            found.add(dst)
    found.difference_update(body.unseen)
    if not found:
        return frozenset()
    for step in listed:
        match step:
            case ir.Ref(_, src) if not objects:
                found.discard(slot_of(src))
            case ir.Call(operands=operands) if not objects:
                found.difference_update(slot_of(one.place) for one in operands if not one.moved)
            case ir.Lambda(takes=takes):
                found.difference_update(takes)
                found.difference_update(_named_in(step.body))
            case _:
                pass
    return frozenset(found)


def _makes(step: ir.New | ir.Call, effects: Effects) -> bool:
    """Whether a step makes a value, opens a block with one, or tries to take a lock and says whether it did, as far as
    its name says so.
    """
    if isinstance(step, ir.New):
        return True
    made = isinstance(step.callee, ir.Named) and effects.is_maker(step.callee.path)
    return made or step.word in effects.takes_by_hand or step.word in effects.enters


def _passing(root: ir.Region) -> frozenset[int]:
    """The labels by which an exception leaves the function, whatever is done on its way: no handler stops it."""
    found = {ir.RAISED}
    for outer in (step for step in ir.steps_of(root) if isinstance(step, ir.Region)):
        for number, region in enumerate(outer.steps):
            rest = outer.steps[number + 1 :]
            if not isinstance(region, ir.Region) or not rest:
                continue
            handled = any(arm.role == "handler" for one in rest if isinstance(one, ir.Branch) for arm in one.arms)
            if not handled and isinstance(rest[-1], ir.Leave) and rest[-1].label in found:
                found.add(region.label)
    return frozenset(found)


def _fed(root: ir.Region, effects: Effects) -> Iterator[int]:
    """The labels of handlers to which something leads that is known to raise."""
    for step in ir.steps_of(root):
        if isinstance(step, ir.Call) and step.word not in effects.steady:
            yield step.throws


def _named_in(region: ir.Region) -> Iterator[int]:
    """The slots that the steps of a closure speak of."""
    for step in ir.steps_of(region):
        match step:
            case ir.Move(dst, src):
                places = [dst, src]
            case ir.Ref(_, src) | ir.Release(src) | ir.Await(src=src):
                places = [src]
            case ir.Refine(place):
                places = [place]
            case ir.Call(operands=operands):
                places = [one.place for one in operands if one.place is not None]
            case ir.New(_, _, parts):
                places = [one.place for _, one in parts if one.place is not None]
            case _:
                continue
        yield from (place.root for place in places if isinstance(place.root, int))
