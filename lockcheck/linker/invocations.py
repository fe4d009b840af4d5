"""Calls of the tree's own functions.

In: a call and the functions that it can mean.  Out: `Invoke`.
Never: how the functions were found.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import TypeAlias

from lockcheck import ir
from lockcheck.linker.ends import Ends
from lockcheck.linker.places import WITHIN, of_caller, plain, slot_of
from lockcheck.linker.written import REF, UNKNOWN, has_trait

_Places: TypeAlias = "tuple[ir.Place | None, ...]"
_WRITTEN = (None, ir.YES, ir.NO, ir.NONE)


class Invocations(Ends):
    """What goes into a function of the tree and what comes out."""

    def given_as(self, place: ir.Place | None) -> ir.Place | None:
        """What a callee's questions about an argument are about."""
        return self.asked(place)

    def invoke(self, call: ir.Call, targets: list[int], certain: bool, receiver: ir.Type | None) -> None:
        targets = [n for n in targets if self.program.functions[n][1].body_at is not None] or targets
        self.passed_on -= self.passing  # (what these do with it, their summaries say)
        known = (self.canon(o.place) if o.place not in _WRITTEN else None for o in call.operands)
        paths = tuple(self.one_end(place) if place is not None else None for place in known)
        self.tells(call, targets, paths, receiver)
        self.goes_on(call, targets, paths)
        self.gives_away(call, targets[0])
        lambdas = self.run_by(call, targets, paths)
        self.hands_over(call, targets, certain, receiver)
        returned = self.program.returned_type(targets[0], receiver)
        self.learn(call.dst, self.program.types.as_iterator(returned, self.effects))
        self.given[call.dst] = call.name_at
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
            call.word or self.spoken(call),
            lambdas,
            self.guard_of(call, returned, paths),
            self.owners(call, targets[0]),
            hands_out=self.program.types.may_hold(_own(returned), self.effects)
            or has_trait(returned, (self.effects.iterators_trait,)),
            asked=tuple(self.given_as(o.place) for o in call.operands),
        )
        self.names_given(call, invoke)
        if not self.program.runs_when_awaited(targets[0]) or call.awaited:
            self.out.append(invoke)
        elif call.word not in self.effects.threads:
            self.pending[call.dst] = invoke

    def run_by(
        self, call: ir.Call, targets: list[int], paths: Sequence[ir.Place | None]
    ) -> tuple[tuple[int, ir.Region, bool], ...]:
        """See `ir.Invoke.lambdas`; what starts a thread runs none of them here."""
        if call.word in self.effects.threads and any(self.is_lambda(o) for o in call.operands):
            return ()
        return (*self.closures_given(call, targets[0]), *self.named_operands(call, targets, paths))

    def hands_over(self, call: ir.Call, targets: list[int], certain: bool, receiver: ir.Type | None) -> None:
        """What becomes of the operands in the callee; one that is made when it is asked for has the type it wants."""
        for parameter, operand in enumerate(call.operands):
            self.hands(operand.place, tuple(targets) if certain else (), parameter)
            if operand.place is not None and self.is_lazy(operand.place):
                self.made_for(call, operand.place, self.program.parameter_type(targets[0], parameter, receiver))

    def guard_of(self, call: ir.Call, returned: ir.Type | None, paths: Sequence[ir.Place | None]) -> ir.Acquire | None:
        """The guard that a call gives by the type of its result alone."""
        types = self.program.types
        mode = types.guard_mode(_own(returned), self.effects)
        if mode is None or returned is None or types.guard_in(returned, self.effects) is None:
            return None
        return self.by_type(call, mode, returned, paths[0] if paths else None)

    def names_given(self, call: ir.Call, invoke: ir.Invoke) -> None:
        """What a call's result is another name of."""
        paths, targets = invoke.paths, list(invoke.targets)
        if call.word == "clone" and not invoke.hands_out and len(call.operands) == 1:
            self.name(ir.Place(call.dst), call.operands[0].place)
        elif not invoke.hands_out:
            self.names_result(call.dst, targets, paths, invoke.certain, invoke.asked)
        elif paths and paths[0] is not None:
            inner = self.program.result_place(targets[0]) if len(targets) == 1 and invoke.certain else None
            behind = _of_caller(inner, paths, call.dst, invoke.asked, self.body.slots)
            promised = ir.Place(paths[0].root, (*paths[0].way, f"{call.word}()", "*"))
            self.name(ir.Place(call.dst), behind if behind is not None and "*" in behind.way else promised)

    def spoken(self, call: ir.Call) -> str:
        """What the text calls a value that is called."""
        place = call.callee.place if isinstance(call.callee, ir.Indirect) else None
        if place is None or place.way:
            return place.way[-1] if place is not None and not place.way[-1].startswith("[") else ""
        return self.body.slots[place.root].name if isinstance(place.root, int) else place.root[-1]

    def owners(self, call: ir.Call, target: int) -> tuple[str, ...]:
        """See `ir.Invoke.owners`; of the arguments, those that the callee takes as locks."""
        places = [one.place for one in call.operands]
        last = max(self.program.types.locks_given(target), default=0) if len(places) > 1 else 0
        return tuple(self.owner_by_any_name(place) if place else "" for place in places[: last + 1])

    def tells(
        self, call: ir.Call, targets: list[int], paths: Sequence[ir.Place | None], receiver: ir.Type | None
    ) -> None:
        """What closures among the arguments are given: of which types, and which places, as the callee says."""
        for number, operand in enumerate(call.operands):
            if not self.is_lambda(operand):
                continue
            closure = self.lambdas[slot_of(operand.place)]
            said = self.program.given_types(targets[0], number, receiver)
            for slot, kind in zip(closure.params, said, strict=False):
                self.learn(slot, kind if kind != UNKNOWN else None)
            for slot, place in zip(closure.params, self.lent_by(call, targets, paths, number), strict=False):
                self.name(ir.Place(slot), place)

    def lent_by(
        self, call: ir.Call, targets: list[int], paths: Sequence[ir.Place | None], number: int
    ) -> list[ir.Place | None]:
        """What the only callee gives to the callable that it gets as an argument, as this function names it."""
        lent = self.program.lent(targets[0], number) if len(targets) == 1 else ()
        return [_of_caller(place, tuple(paths), call.dst) for place in lent]

    def closures_given(self, call: ir.Call, target: int) -> Iterator[tuple[int, ir.Region, bool]]:
        """The closures among the arguments; what one gives goes into the callee's result, if anywhere."""
        for number, body, boxed in self.lambda_operands(call):
            waited = number < 0
            operand = ~number if waited else number
            closure = self.lambdas.get(slot_of(call.operands[operand].place))
            given = closure.result if closure is not None else -1
            goes_on = self.program.hands_on(target, operand, waited) if given >= 0 else None
            if goes_on:
                body = ir.Region((body, ir.Move(ir.Place(call.dst), ir.Place(given))), (), body.at)
            elif goes_on is False and (waited or (given not in self.lambdas and given not in self.pending)):
                body = ir.Region((body,), (given,), body.at)
            yield number, body, boxed

    def named_operands(
        self, call: ir.Call, targets: list[int], paths: Sequence[ir.Place | None]
    ) -> Iterator[tuple[int, ir.Region, bool]]:
        """The tree's functions that are passed by their names: what each does where the callee calls it.

        One that runs when it is awaited does so where the callee waits for what calling it gave (``~number``).
        """
        for number, operand in enumerate(call.operands):
            place = operand.place
            if place is None or place.way or not isinstance(place.root, tuple):
                continue
            found = self.program.functions_named(self.context, place.root, None, self.effects)
            if found:
                lent = self.lent_by(call, targets, paths, number)
                given = tuple(ir.Operand(one) for one in lent)
                dst, name = len(self.body.slots) - 1, place.root[-1]
                runs = ir.Invoke(dst, tuple(found), True, given, tuple(lent), call.at, call.name_at, name)
                waits = self.program.runs_when_awaited(found[0])
                yield ~number if waits else number, ir.Region((runs,), (), call.at), True

    def goes_on(self, call: ir.Call, targets: list[int], paths: Sequence[ir.Place | None]) -> None:
        """A parameter that the callee calls is called with what the callee gives."""
        for number, place in enumerate(paths):
            if place is None or place.way or not isinstance(place.root, int):
                continue
            if place.root < self.program.parameters(self.number) and self.program.given_types(
                self.number, place.root, None
            ):
                self.lends(place.root, self.lent_by(call, targets, paths, number))

    def fitting(self, targets: list[int], call: ir.Call) -> list[int]:
        """Those that take so many arguments; a type's own methods go before those of traits."""
        fit = [n for n in targets if self.program.parameters(n) == len(call.operands)]
        fit = [n for n in fit if self.program.functions[n][1].trait is None] or fit
        return fit if not fit or self.effects.objects else [n for n in fit if self.takes(n, call)]

    def takes(self, number: int, call: ir.Call) -> bool:
        """Whether a function of a trait for one type, `From<A>`, can take what it gets: not another type.

        What is lent may be what stands for the type that is wanted (`&Arc<A>` for `&A`).
        """
        function, types = self.program.functions[number][1], self.program.types
        if function.trait is None or not function.trait.args:
            return True
        own = int(function.takes_self)  # (whose method it is was asked before)
        for param, operand in zip(function.params[own:], call.operands[own:], strict=False):
            wanted = types.resolve(param.type, types.context(number), types.effects(number))
            while wanted is not None and wanted.path == REF:
                wanted = wanted.args[0]
            if wanted is None or wanted.path not in self.program.names.types:
                continue
            given = self.type_of(operand.place) if operand.place is not None else None
            every = list(types.behind(given, self.effects))[: 1 if param.by_value else None]
            if every and all(one.path != wanted.path for one in every) and self.is_something_else(every[-1]):
                return False
        return True

    @abstractmethod
    def is_something_else(self, kind: ir.Type) -> bool:
        """Whether the type is known, and known to be no lock."""

    def goes_over(self, operand: ir.Operand, number: int, targets: list[int]) -> bool:
        """Whether the callee becomes the owner: as written, and for a receiver as the callee declares."""
        return operand.moved or self.program.takes_by_value(targets[0], number)

    def gives_away(self, call: ir.Call, target: int) -> None:
        """A receiver that the callee becomes the owner of ends there, or where that puts it."""
        place = call.operands[0].place if isinstance(call.callee, ir.Method) and call.operands else None
        if place is None or place.way or not isinstance(place.root, int):
            return
        if self.program.takes_by_value(target, 0):
            self.passed.add(place.root)

    def names_result(self, dst: int, targets: list[int], paths: _Places, certain: bool, asked: _Places = ()) -> None:
        """What the result and its fields are other names of: parts of what the only callee was given."""
        if len(targets) != 1 or not certain:
            return
        self.name(ir.Place(dst), _of_caller(self.program.result_place(targets[0]), paths, dst, asked, self.body.slots))
        for way, inner in self.program.result_parts(targets[0]).items():
            self.names_part(dst, way, _of_caller(inner, paths, dst, asked, self.body.slots))

    def names_part(self, dst: int, way: ir.Path, known: ir.Place | None) -> None:
        """A part of a result is another name of something."""
        self.name(ir.Place(dst, way if len(way) == 1 else (WITHIN, *way)), known)

    def unknown(self, call: ir.Call, name: str) -> None:
        """A call that could not be resolved is still an event."""
        self.unresolved.append((name, call.name_at))
        self.hands_all(call.operands[1 if isinstance(call.callee, ir.Method) else 0 :])
        self.out.append(ir.Invoke(call.dst, (), False, (), (), call.at, call.name_at, name))

    def note_passing(self, call: ir.Call, operand: ir.Operand) -> None:
        """A parameter that goes on to another call may be called there; one that is only wrapped is kept."""
        word = call.word
        wraps = word[:1].isupper() or word in self.effects.threads or self.keeps_value(call)
        place = operand.place
        if wraps or place is None or not isinstance(place.root, int) or place.way not in ((), ("&",)):
            return
        if place.root < self.program.parameters(self.number) and place.root not in self.passed_on:
            self.passed_on.add(place.root)
            self.passing.add(place.root)

    def keeps_value(self, call: ir.Call) -> bool:
        """Whether the call only wraps what it is given: `Box::new(f)`, `Some(f)`."""
        match call.callee:
            case ir.Named(path):
                return "::".join(path[-2:]) in self.effects.same_functions
            case ir.Method(name):
                return name in self.effects.keeps or name in self.effects.same_methods
            case _:
                return False


def _own(returned: ir.Type | None) -> ir.Type | None:
    """What a caller gets for good: what it is lent stays with its owner."""
    return returned if returned is None or returned.path != REF else None


def _of_caller(
    inner: ir.Place | None, paths: _Places, dst: int, asked: _Places = (), slots: Sequence[ir.Slot] = ()
) -> ir.Place | None:
    """A place of the callee's parameters (or a static) as the caller names it; None where it has no name.

    An element that the callee chose may be another one the next time, but for what it was given as a key.
    """
    if inner is None:
        return inner
    if isinstance(inner.root, tuple):
        chosen = f"[each {dst}]"
        keyed = (of_caller(part, asked, slots, chosen) if part.startswith(ir.KEYED) else part for part in inner.way)
        return ir.Place(inner.root, tuple(keyed))
    base = paths[inner.root] if inner.root < len(paths) else None
    if base is None or len(base.way) >= 12:
        return None
    way = (
        of_caller(part, asked, slots, f"[each {dst}]") if part.startswith("[") and not part[1:-1].isdigit() else part
        for part in inner.way
    )
    return ir.Place(base.root, (*base.way, *way))
