"""Locks of what a function has made itself and shown to nobody yet: who else would hold them, or wait for them?

In: a lock's place and a place in the text of a function.  Out: whether nobody else can have the lock there.
Never: words for people, syntax.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Set
from typing import NamedTuple, TypeGuard

from lockcheck import ir
from lockcheck.analysis import Analysis
from lockcheck.effects import Effects
from lockcheck.effects.shapes import PRESENT
from lockcheck.linker import parts_of_owner
from lockcheck.linker.written import mentions


def is_newborn(analysis: Analysis, number: int, lock: ir.Place, at: ir.Range) -> bool:
    """Whether a function made what a lock is in, or the lock itself, and handed it to nobody before a place."""
    span = _span(analysis, number, lock)
    return span is not None and span.has(at)


def is_made_here(analysis: Analysis, number: int, lock: ir.Place) -> bool:
    """Whether a function made what a lock is in, or the lock itself, whoever else may have it by now."""
    span = _span(analysis, number, lock)
    return span is not None and span.made >= 0


def is_only_listed(analysis: Analysis, number: int, lock: ir.Lock, since: ir.Range, at: ir.Range) -> bool:
    """Whether a function made what a lock is in behind one place, and up to another has done no more than to put it
    into lists or maps: who does not look there meanwhile does not have it.

    What gives the lock out may have another name than its field.
    """
    way, name = lock.place.way, parts_of_owner(lock.owner)[1] if lock.owner else ""
    span = _span(analysis, number, ir.Place(lock.place.root, (*way[:-1], name) if way and name else way))
    return span is not None and span.made >= since[0] and span._replace(shown=span.told).has(at)


def is_being_made(analysis: Analysis, number: int, lock: ir.Place) -> bool:
    """Whether a lock is in the object that a function is there to make, whoever else may have that by now.

    It is in a field of the object, or in something that the function has made and put into one.
    """
    if not analysis.is_maker(number):
        return False
    if lock.root == 0:
        return True
    steps = analysis.once(_Spans).read(number).steps
    made = {step.dst for step in steps if _is_new(step, analysis.effects(number))}
    put = (step.src for step in steps if isinstance(step, ir.Move) and step.dst.root == 0)
    return lock.root in made and ir.Place(lock.root) in put


def _is_new(step: ir.Step, effects: Effects) -> TypeGuard[ir.New | ir.Call]:
    """Whether a step makes a value: in place, or by the name of what makes such."""
    called = isinstance(step, ir.Call) and isinstance(step.callee, ir.Named) and effects.is_maker(step.callee.path)
    return called or isinstance(step, ir.New)


def hands_itself_out(analysis: Analysis, number: int) -> bool:
    """Whether a method hands on its object, or a method of that."""
    types, effects, body = analysis.program.types, analysis.effects(number), analysis.program.body(number)
    owner, steps = types.context(number).owner, ir.steps_of(body.root) if body is not None else ()
    own = (place for step in steps for place in _given(step) if place.root == 0)
    return any(not place.way or not any(types.declared(owner, place.way[0], effects)) for place in own)


def _span(analysis: Analysis, number: int, lock: ir.Place) -> _Span | None:
    if not isinstance(lock.root, int) or lock.root < analysis.program.parameters(number):
        return None
    spans, key = analysis.once(_Spans), (number, lock.root, lock.way)
    if key not in spans.known:
        spans.known[key] = _Youth(analysis, number, lock.root, lock.way, spans.read(number)).span()
    return spans.known[key]


class _Span(NamedTuple):
    """From where a value is its function's alone to where it is shown first: bytes of the text, -1 for never."""

    made: int
    shown: int
    told: int
    """Where it is shown first otherwise than by putting it into a list or a map."""
    loops: tuple[ir.Range, ...]
    """The bodies of loops that begin after the making: what is shown in one is shown in each later round of it."""

    def has(self, at: ir.Range) -> bool:
        until = max([at[0], *(loop[1] for loop in self.loops if ir.within(at, loop))])
        return 0 <= self.made <= until and not 0 <= self.shown <= until


class _Read(NamedTuple):
    """A function as it is read for all locks in it: the steps as written, and whom a call at a place runs."""

    steps: tuple[ir.Step, ...]
    targets: Mapping[ir.Range, Set[int]]


class _Spans:
    """What was found out so far; of functions as they are read, only the last is kept."""

    def __init__(self, analysis: Analysis) -> None:
        self.analysis = analysis
        self.known: dict[tuple[int, int, tuple[str, ...]], _Span] = {}
        self._last: tuple[int, _Read] | None = None

    def read(self, number: int) -> _Read:
        if self._last is None or self._last[0] != number:
            body, linked = self.analysis.program.body(number), self.analysis.program.linked(number)
            targets: dict[ir.Range, set[int]] = defaultdict(set)
            for step in ir.steps_of(linked.root) if linked is not None else ():
                if isinstance(step, ir.Invoke):
                    targets[step.at].update(step.targets)
            steps = tuple(ir.steps_of(body.root, closures=False)) if body is not None else ()
            self._last = number, _Read(steps, targets)
        return self._last[1]


class _Youth:
    """The walk from where a value is made to where it is shown; `mine` are the slots that have it, or lead to it."""

    def __init__(self, analysis: Analysis, number: int, root: int, way: tuple[str, ...], read: _Read) -> None:
        self.analysis, self.number, self.root, self.way, self.read = analysis, number, root, way, read
        self.effects, self.types = analysis.effects(number), analysis.program.types
        self.mine = {root}
        self.counted: set[int] = set()
        """Those of which every copy leads to the same value: whoever has one may keep another."""
        self.lent: set[int] = set()
        """Closures that use the value and take nothing along: only a function of the tree may be given one."""
        self.kind: ir.Type | None = None
        """The type of what is made, as soon as it is."""

    def span(self) -> _Span:
        made, shown, at, loops = -1, -1, 0, list[ir.Range]()
        for step in self.read.steps:
            if isinstance(step, (ir.Call, ir.Region, ir.Set)):
                at = max(at, step.at[0])
            elif isinstance(step, ir.Loop) and made >= 0:
                loops.append(step.body.at)
            if made < 0 and self.is_maker(step):
                made = at
            elif made >= 0 and self.shows(step):
                shown = shown if shown >= 0 else at
                if not self.lists(step):
                    return _Span(made, shown, at, tuple(loops))
        return _Span(made, shown, -1, tuple(loops))

    # ------------------------------------------------------------------------------------------------- its making

    def is_maker(self, step: ir.Step) -> bool:
        """Whether a step makes the value, which has the lock in itself and not behind a reference that others have."""
        context = self.types.context(self.number)
        match step:
            case ir.New(dst, path) if dst == self.root:
                kind = self.types.resolve(ir.Type(path), context, self.effects)
            case ir.Call(dst, ir.Named(path)) if dst == self.root and self.effects.objects:
                kind = self.types.resolve(ir.Type(path), context, self.effects)
            case ir.Call(dst, ir.Named(path)) if dst == self.root:
                kind = self.types.resolve(ir.Type(path[:-1]), context, self.effects) if len(path) > 1 else None
                if kind is not None and self.types.lock_type(kind, self.effects) is not None and not self.way:
                    return True
                kind = kind if self.is_derived(step, kind) else self.result(step)
            case _:
                return False
        self.kind = kind
        return (
            kind is not None
            and kind.path in self.types.names.types
            and self.types.is_own_part(kind, self.way, self.effects)
        )

    def is_derived(self, call: ir.Call, kind: ir.Type | None) -> bool:
        """Whether a call gives a value of a type by a function that nobody wrote: `Voyage::default()`."""
        decl = self.types.names.types.get(kind.path) if kind is not None else None
        return decl is not None and bool(decl.derived) and not call.operands and not self.targets(call)

    def result(self, call: ir.Call) -> ir.Type | None:
        """What a call gives for the caller alone: the same value of the tree whoever is called, not a reference."""
        kinds = {self.analysis.program.returned_type(one, None) for one in self.targets(call)}
        kind = kinds.pop() if len(kinds) == 1 else None
        return kind.args[0] if kind is not None and kind.path[-1] in PRESENT and kind.args else kind

    # ------------------------------------------------------------------------------------------------- its showing

    def shows(self, step: ir.Step) -> bool:
        """Whether somebody else may have the value after a step; else its new names are noted."""
        if self.lent and self.lends_on(step):
            return True
        match step:
            case ir.Move(dst, src) | ir.Ref(dst, src) if self.is_mine(src):
                return not self.goes_on(dst.root if isinstance(dst, ir.Place) else dst, src)
            case ir.New(dst, _, parts):
                return not all(self.goes_on(dst, one.place) for _, one in parts if self.is_mine(one.place))
            case ir.Call():
                return self.is_shown_to(step)
            case ir.Lambda(takes=takes, body=body):
                inner = (one for step in ir.steps_of(body) for one in ir.used_by(step))
                if self.mine.isdisjoint(takes) and not any(map(self.is_mine, inner)):
                    return False
                self.lent.add(step.dst)
                return not self.only_borrows(step) or any(self.shows(one) for one in ir.steps_of(body))
            case ir.Set(place, src):
                return self.is_mine(src) and not self.is_what_it_makes(place.root)
            case ir.Yield(src=src):
                return self.is_mine(src)
            case _:
                return False

    def lists(self, step: ir.Step) -> bool:
        """Whether a step that shows the value puts it into a list or a map, and no more."""
        match step:
            case ir.Move(dst=ir.Place(way=way)) | ir.Set(place=ir.Place(way=way)):
                return way[-1:] != () and way[-1].startswith("[")
            case ir.Call(callee=ir.Method(name)):
                return name in self.effects.keeps and not self.targets(step)
            case _:
                return False

    def is_mine(self, place: ir.Place | None) -> bool:
        return place is not None and place.root in self.mine

    def goes_on(self, dst: int | ir.Path, src: ir.Place | None) -> bool:
        """The value has another name from here on; False where that is not the function's own, or what it makes."""
        given = self.analysis.program.parameters(self.number)
        if isinstance(dst, tuple) or (0 <= dst < given and not self.is_what_it_makes(dst)):
            return False
        self.mine.add(dst)
        if src is not None and src.root in self.counted:
            self.counted.add(dst)
        return True

    def is_what_it_makes(self, root: int | ir.Path) -> bool:
        return root == 0 and self.analysis.is_maker(self.number)

    def is_shown_to(self, call: ir.Call) -> bool:
        """Whether a callee may keep the value; a copy that only this function has is another name."""
        for number, operand in enumerate(call.operands):
            place = operand.place
            if place is None or place.root not in self.mine:
                continue
            if self.effects.objects:
                if self.is_handed_out(call, number, place):
                    return True
            elif self.only_wraps(call):
                self.goes_on(call.dst, place)
                if isinstance(call.callee, ir.Named) and call.callee.path[-2:-1] and self.is_counting(call.callee.path):
                    self.counted.add(call.dst)
            elif operand.moved or (self.is_counted(place) and self.may_keep(call, number)):
                return True
        return False

    def only_borrows(self, closure: ir.Lambda) -> bool:
        """Whether a closure ends with the function: it takes nothing along."""
        return not (self.effects.objects or closure.owns or closure.deferred or closure.takes)

    def lends_on(self, step: ir.Step) -> bool:
        """Whether a closure that uses the value goes to where it may be kept, or run beside this function."""
        gone = any(place.root in self.lent for place in ir.used_by(step))
        return gone and not (isinstance(step, ir.Call) and self.targets(step))

    def is_counted(self, place: ir.Place) -> bool:
        """Whether who is lent the value at a place can keep another reference: it is no part of what that leads to."""
        return place.root in self.counted and all(part in ("&", "*") for part in place.way)

    def is_handed_out(self, call: ir.Call, number: int, place: ir.Place) -> bool:
        """The same where every value is a reference: whoever gets it may keep it, and a method its own object."""
        if number or not isinstance(call.callee, ir.Method):
            return self.way[: len(place.way)] == place.way or self.is_method(place)
        targets = self.targets(call)
        return not place.way and (not targets or any(hands_itself_out(self.analysis, one) for one in targets))

    def is_method(self, place: ir.Place) -> bool:
        """Whether a place is a method of the value: who gets that has the value."""
        if self.kind is None or len(place.way) != 1:
            return False
        return bool(self.types.methods(self.kind, place.way[0], self.effects))

    def is_counting(self, path: ir.Path) -> bool:
        return path[-2] in self.effects.end_shared

    def only_wraps(self, call: ir.Call) -> bool:
        """Whether a call's result is the value in another guise: `Arc::new(x)`, `Self(x)`, `x.clone()`."""
        match call.callee:
            case ir.Named(path):
                return "::".join(path[-2:]) in self.effects.same_functions or path[-1][:1].isupper()
            case ir.Method(name):
                return name in self.effects.same_methods
            case _:
                return False

    def may_keep(self, call: ir.Call, number: int) -> bool:
        """Whether a callee can make itself another reference of what it is lent."""
        if number or not isinstance(call.callee, ir.Method):
            return True
        types, functions = self.types, self.analysis.program.functions
        for target in self.targets(call):
            owner, first = types.context(target).owner, functions[target][1].params[0]
            decl = types.names.types.get(owner.path) if owner is not None else None
            copies = owner is not None and types.methods(owner, self.effects.copies, self.effects)
            counted = first.type is not None and mentions(first.type, self.effects.end_shared)
            if decl is None or decl.copied or copies or counted:
                return True
        return False

    def targets(self, call: ir.Call) -> Set[int]:
        return self.read.targets.get(call.at, frozenset())


def _given(step: ir.Step) -> Iterator[ir.Place]:
    """The places that a step names otherwise than to call a method there."""
    if isinstance(step, ir.Call) and isinstance(step.callee, ir.Method):
        yield from (one.place for one in step.operands[1:] if one.place is not None)
    else:
        yield from ir.used_by(step)
