"""Which function a call means, and which two names are one lock.

In: the units' declarations, a way to get bodies, the crates, the languages' tables.  Out: `Program`.
Never: a word of syntax, what is held.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

from lockcheck import ir
from lockcheck.effects import Effects
from lockcheck.linker.ends import Endings
from lockcheck.linker.givers import givers
from lockcheck.linker.implied import Implementations, Locking
from lockcheck.linker.link import Linked, begun_elsewhere, link, wrapped
from lockcheck.linker.names import Names
from lockcheck.linker.objects.openers import openers
from lockcheck.linker.places import OF_METHOD, at_home, oldest, owner_of_static, parts_of_owner, plain
from lockcheck.linker.readings import CHANNELS, SINGLE, Reading, number_of_all, reading
from lockcheck.linker.results import NO_RESULT, Result, Results
from lockcheck.linker.shared import Shared, by_body, one_in
from lockcheck.linker.singles import singles
from lockcheck.linker.types import Context, Types
from lockcheck.linker.written import UNKNOWN, have_in_common, mentions

__all__ = [
    "NOTHING",
    "OF_METHOD",
    "SINGLE",
    "Linked",
    "Locking",
    "Program",
    "Reading",
    "Shared",
    "at_home",
    "number_of_all",
    "oldest",
    "owner_of_static",
    "parts_of_owner",
    "plain",
]

NOTHING = Linked((), ir.Region((), (), (0, 0)), -1, (), None, (), (), frozenset(), {})
"""A function without a body."""

_TRIES = 4
"""A function inside a cycle is linked at most so many times."""

_SHORT = 600
"""What functions of so many bytes give back is looked at; of longer ones only where they say that it is a lock."""

_NONE: frozenset[int] = frozenset()

_DEEPEST = 8
"""So many calls are followed on the stack to learn what a result is another name of."""


_LAST_WRITTEN = 16
"""So many functions' steps are kept as they were written: what is asked of one function is mostly asked in a row."""


class _DeeperError(Exception):
    """A function must be linked before those that are underway."""

    def __init__(self, number: int) -> None:
        self.number = number


class Program:
    """The whole tree, linked function by function when somebody asks."""

    def __init__(self, units: Sequence[ir.Unit], bodies: Callable[[ir.Unit, ir.Function], ir.Body | None],
                 effects: Mapping[str, Effects], aliases: Mapping[tuple[str, str], str],
                 has: Callable[[ir.Unit, ir.Function, frozenset[str]], bool], rooted: Collection[str] = (),
                 ) -> None:  # fmt: skip
        """`bodies` lowers a function; None where it cannot. `aliases` are the crates' names for each other.

        `has` says whether one of some words stands in a function's text. `rooted`: see `Names`.
        """
        self.functions = [(unit, function) for unit in units for function in unit.functions]
        self.units = units
        self._made_one: dict[tuple[ir.Path, ir.Path, ir.Path], int | None] = {}
        self._by_module: dict[ir.Path, list[int]] = defaultdict(list)
        self.initialisers: dict[ir.Path, int] = {}
        """What makes a lazy static, by the static's full name."""
        self.forced = frozenset(name for unit in units for name in unit.forced)
        """The names of lazy statics that somebody makes early: who uses one later mostly finds it made."""
        for number, (_, function) in enumerate(self.functions):
            self._by_module[function.module].append(number)
            if function.made_once:
                self.initialisers[function.module + (function.made_once,)] = number
        self.names = Names(units, aliases, rooted)
        derefs = [(unit, deref) for unit in units for deref in unit.derefs]
        self.types = Types(self.names, self.functions, effects, derefs)
        self.types.made.returned = self.returned_type
        self.types.made.makings = [making for unit in units for making in unit.makings]
        self.types.made.handings = [handing for unit in units for handing in unit.handings]
        self.types.made.showings = [showing for unit in units for showing in unit.showings]
        self.endings = Endings(self.types)
        self.locking = Locking()
        """The functions that nobody calls by a word; whoever knows the texts says which there are."""
        self._implementations: dict[str, Implementations] = {}
        self._conversions: dict[str, dict[ir.Path, list[int]]] = {}
        self._lock_names = {kind for table in effects.values() for _, kind in table.locks}
        self._bodies = bodies
        self._written = lru_cache(maxsize=_LAST_WRITTEN)(self._lowered)
        self._has = has
        self._channels: frozenset[str] | None = None
        self._making: dict[int, bool] = {}
        self._singles: frozenset[ir.Path] | None = None
        self._linked: dict[int, Linked | None] = {}
        self.results = Results()
        """Those of functions whose steps were let go, or that other processes linked."""
        self._returned: dict[tuple[int, ir.Type | None], ir.Type | None] = {}
        self._underway: dict[int, int] = {}
        self._waiting = 0
        self._passing = {unit.language for unit in units if any(one.passes_on for one in unit.functions)}
        self._wrapping = {unit.language for unit in units if any(one.wraps or one.around for one in unit.functions)}
        self._wrapped: dict[int, dict[ir.Type | None, None]] | None = None
        self._listeners: dict[str, tuple[int, ...]] = {}
        self._entered = 0
        self._tries: dict[int, int] = {}
        self.asked: set[int] = set()
        """The functions whose steps somebody asked for, not to link another one, since this was emptied."""
        self._steps: dict[int, set[int]] = defaultdict(set)
        self._results: dict[int, set[int]] = defaultdict(set)
        self._calls: dict[int, set[int]] = defaultdict(set)
        self._untold: set[int] = set()
        """The functions whose readings changed since they were asked for."""

    def is_made_for(self, number: int, way: ir.Path) -> bool:
        """Whether what a way in a method's object leads to is its own: made by it, or by a part that it made.

        What a part was given when it was made belongs to somebody else; so does what is behind that.
        """
        kind, effects = self.types.context(number).owner, self.types.effects(number)
        for depth, part in enumerate(way):
            declared = next(self.types.declared(kind, part, effects), None)
            if declared is None:
                return depth > 0 or len(way) == 1
            field, decl = declared
            if kind is not None and field.given and self.types.made.is_new(kind, field.given, effects):
                kind = self.types.made.part(kind, part, effects)
                continue
            if depth + 1 == len(way):
                return not field.given
            made = self.types.made.meaning(decl.module, field.type.args[0].path) if _is_made(field.type) else ()
            if made not in self.names.types:
                return False
            kind = ir.Type(made)
        return True

    def linked(self, number: int) -> Linked | None:
        """A function's steps with their meanings; None where it has no body (or is just being linked).

        What is found inside a cycle of functions that need each other depends on where the cycle is entered. It is
        not kept, so that the same is found whatever was asked before. Chains of any length are linked from their
        far end on: only so many calls are followed on the stack.
        """
        self._note(number, self._steps)
        return self._known(number)

    def _known(self, number: int) -> Linked | None:
        """The same, and nobody is taken to have read the steps."""
        if number in self._linked:
            return self._linked[number]
        if len(self._underway) > self._waiting:
            return self._link(number)
        waiting = [number]
        try:
            while len(waiting) > 1 or number not in self._linked:
                try:
                    made = self._link(waiting[-1])
                except _DeeperError as deeper:
                    self._underway[waiting[-1]] = self._waiting
                    self._waiting += 1
                    waiting.append(deeper.number)
                    continue
                if len(waiting) == 1:
                    return made
                self._linked[waiting.pop()] = made
                self._free(waiting[-1])
        finally:
            for one in reversed(waiting[:-1]):
                self._free(one)
        return self._linked[number]

    def _note(self, number: int, read: dict[int, set[int]]) -> None:
        """The function that is just being linked, or else somebody, reads this one."""
        if self._underway:
            reader = next(reversed(self._underway))
            read[reader].add(number)
            self._untold.add(reader)
        else:
            self.asked.add(number)

    def note_calls(self, number: int, callees: Iterable[int]) -> None:
        """What these functions do was asked for to learn what happens in another one."""
        self._calls[number].update(callees)
        self._untold.add(number)

    def _free(self, number: int) -> None:
        """A function waits no longer for one that it needs."""
        self._waiting -= 1
        del self._underway[number]

    def _link(self, number: int) -> Linked | None:
        """The same for one function. Raises _DeeperError for one that must be linked before."""
        if self.functions[number][1].body_at is None:
            return None
        depth, before = len(self._underway), self._entered
        if number in self._underway:
            self._entered = min(self._entered, self._underway[number])
            return None
        if depth - self._waiting >= _DEEPEST:
            raise _DeeperError(number)
        self._underway[number], self._entered = depth, depth
        try:
            body = self.body(number)
            made = link(self, number, body) if body is not None else None
        finally:
            del self._underway[number]
            inner, self._entered = self._entered, min(before, self._entered)
        self._untold.add(number)
        whole = inner >= depth
        if not whole:
            self._tries[number] = self._tries.get(number, 0) + 1
        if whole or self._tries[number] >= _TRIES:
            self._linked[number] = made
        if whole and made is not None and self.functions[number][1].returns is not None:
            self.results.tell(number, self._told_of(number, made))
        return made

    def let_go(self, number: int) -> None:
        """Nobody is likely to ask for a function's steps again; if somebody does, it is linked anew.

        What depends on where a cycle was entered stays, and so do the steps in a language of objects: types are asked
        of them again and again there, and making them anew is a parse.
        """
        known = self._linked.get(number)
        if known is not None and self._tries.get(number, 0) < _TRIES and not self.types.effects(number).objects:
            self.results.keep(number, known, self._told_of(number, known))
            del self._linked[number]

    def readings(self) -> dict[int, Reading]:
        """What was read for each function that was linked, or walked, since this was asked."""
        found = {}
        for number in sorted(self._untold):
            known = self._linked.get(number)
            named = set(known.callees if known is not None else self.results.callees(number))
            steps, results = self._steps.get(number, _NONE) - {number}, self._results.get(number, _NONE)
            found[number] = reading(steps, results, self._calls.get(number, _NONE), named)
        self._untold.clear()
        return found

    def wrapper_of(self, number: int) -> tuple[int, ...]:
        """What decorators of the tree put round a function, outermost first."""
        return tuple(wrapper for wrapper, _ in self._wrappers(number))

    def _wrappers(self, number: int) -> Iterator[tuple[int, ir.Decorator]]:
        unit, function = self.functions[number]
        for one in function.wrapped_by if unit.language in self._wrapping else ():
            said = self.types.made.meaning(function.module, one.path)
            inside = (*function.owner.path, *one.path) if function.owner is not None else one.path
            names = (*function.module, ".".join(inside)), said, (*said[:-2], ".".join(said[-2:]))
            found = (self._wrapper_named(name) for name in names)
            for wrapper in next(filter(None, found), ())[:1]:
                yield wrapper, one

    def _wrapper_named(self, path: ir.Path) -> Sequence[int]:
        """What a decorator puts round a function: a function within it, or within what its objects are called by.

        What runs around a block does so around a function too.
        """
        functions, (*front, name) = self.names.functions, path
        found = functions.get((*front, f"{name}()"), ()) or functions.get((*front, f"{name}{ir.CALLED}"), ())
        return found or [one for one in functions.get(path, ()) if self.functions[one][1].around]

    def wrapped_owner(self, number: int) -> ir.Type | None:
        """The one class whose methods a decorator's function stands round; None where there are several."""
        if self._wrapped is None:
            self._wrapped = defaultdict(dict)
            for one in range(len(self.functions)):
                owner = self.types.context(one).owner if self.functions[one][1].takes_self else None
                for wrapper in self.wrapper_of(one) if owner is not None else ():
                    self._wrapped[wrapper][owner] = None
        owners = self._wrapped.get(number, {})
        return next(iter(owners)) if len(owners) == 1 else None

    def listeners(self, act: str) -> tuple[int, ...]:
        """The tree's functions that an act runs in the middle of it, whoever does it, in the order of the tree."""
        if act not in self._listeners:
            self._listeners[act] = tuple(dict.fromkeys(self._listening(act)))
        return self._listeners[act]

    def _listening(self, act: str) -> Iterator[int]:
        for path in self.names.types:
            kind = ir.Type(path)
            for table in self.types.tables:
                for base in self.types.made.bases(kind, table) if table.listeners else ():
                    known, names = table.listeners.get(base.path, ("", ()))
                    for name in sorted(names) if known == act else ():
                        yield from self.types.methods(kind, name, table)
        for unit in self.units:
            for patch in unit.patches:
                of = self.names.resolve(patch.module, patch.of)
                for table in self.types.tables:
                    known, names = table.listeners.get(of, ("", ()))
                    if known == act and patch.name in names:
                        yield from self.names.functions.get(self.names.resolve(patch.module, patch.by), ())

    def implementations(self, method: str) -> Implementations | None:
        """What runs where a trait's method is asked of a value; None where none of the tree's takes a lock."""
        if method not in self.locking.owners:
            return None
        if method not in self._implementations:
            self._implementations[method] = Implementations(self.types, method, self.locking)
        return self._implementations[method]

    def conversions(self, method: str) -> Mapping[ir.Path, Sequence[int]]:
        """The tree's functions by which values become others, by the type of what they are given."""
        if method in self.locking.owners and method not in self._conversions:
            found = self._conversions[method] = defaultdict(list)
            name = method.partition("::")[2]
            for number in self.types.called([name]):
                params = self.functions[number][1].params
                kind = self.types.resolve(params[0].type, self.types.context(number), self.types.effects(number))
                if len(params) == 1 and kind is not None:
                    found[kind.path].append(number)
        return self._conversions.get(method, {})

    def is_single(self, owner: str) -> bool:
        """Whether there seems to be one value only of the type that declares an owner's field."""
        if self._singles is None:
            self._singles = singles(self.units, self.types)
        path, _ = parts_of_owner(owner)
        self._note(number_of_all((SINGLE, *path)), self._steps)
        return path in self._singles

    def asks_own_thread(self, number: int) -> bool:
        """Whether a function's text names what its class or module keeps for each thread: it may know its caller."""
        self._note(number, self._steps)
        unit, function = self.functions[number]
        effects, context = self.types.effects(number), self.types.context(number)
        found = [(one.name, one.type, Context(one.module)) for one in unit.statics if one.module == function.module]
        for kind in self.types.behind(context.owner, effects):
            decl = self.names.types.get(kind.path)
            if decl is not None:
                found += [(one.name, one.type, Context(decl.module, kind)) for one in decl.fields]
        known = ((name, self.types.resolve(kind, at, effects)) for name, kind, at in found)
        names = {name for name, kind in known if kind and effects.separator.join(kind.path) in effects.own_thread}
        return bool(names) and self._has(unit, function, frozenset(names))

    def works_by_hand(self, number: int) -> bool:
        """Whether a function's text takes or gives locks by name. Where it does that is noted as read; where it does
        not, who calls the function is asked again once it does (see `lasting`).
        """
        if self.functions[number][1].by_hand:
            self._note(number, self._steps)
        return self.functions[number][1].by_hand

    def around(self, owner: str) -> Sequence[int]:
        """The functions of the module that declares the owner's field: those that can fill it."""
        decl = self.names.types.get(parts_of_owner(owner)[0])
        return self._all_of(decl.module) if decl is not None else ()

    def siblings(self, number: int) -> Sequence[int]:
        """The functions of a function's module, itself included."""
        return self._all_of(self.functions[number][1].module)

    def _all_of(self, module: ir.Path) -> Sequence[int]:
        """The functions of a module; that somebody asked which it has is noted."""
        self._note(number_of_all(module), self._steps)
        return self._by_module.get(module, ())

    def makers(self, path: ir.Path) -> Sequence[int]:
        """The functions of a type that are no methods of its values; that somebody asked which it has is noted."""
        self._note(number_of_all(path), self._steps)
        return self.types.makers(path)

    def other_end(self, owner: str) -> str:
        """The field that keeps the other end of the channel, one end of which is the owner's field."""
        path, _ = parts_of_owner(owner)
        if path not in self.names.types:
            return ""
        self._note(number_of_all((CHANNELS, *path)), self._steps)
        for number in self.makers(path):
            linked = self.linked(number) if self._may_make_channel(number) else None
            if linked is not None and owner in linked.ends:
                return linked.ends[owner]
        return ""

    def sets_with(self, number: int) -> Iterator[int]:
        """The sets in which a function is for what its text says: of a type's makers those that may make a channel.

        Who asked for them has read those that were in it; of the others only that they were not.
        """
        owner = self.types.context(number).owner
        if owner is not None and self.functions[number][1].body_at is not None and self._may_make_channel(number):
            yield number_of_all((CHANNELS, *owner.path))

    def _may_make_channel(self, number: int) -> bool:
        """Whether a function's text has a name by which channels are made."""
        if number not in self._making:
            self._making[number] = self._has(*self.functions[number], self.channel_words())
        return self._making[number]

    def channel_words(self) -> frozenset[str]:
        """The names by which channels are made, those of imports and of the tree's macros included."""
        if self._channels is None:
            every = (name for table in self.types.tables for name in table.channels)
            words = {name.rpartition("::")[2] for name in every}
            words |= {line.name for unit in self.units for line in unit.imports if words.intersection(line.target[-1:])}
            macros = [macro for unit in self.units for macro in unit.macros]
            spelled = [word.encode() for word in words]
            words |= {one.name for one in macros for arm in one.arms if any(word in arm.gives for word in spelled)}
            self._channels = frozenset(words)
        return self._channels

    def body(self, number: int) -> ir.Body | None:
        """A function's steps as its front end wrote them; only the last few are kept. None where it has no body."""
        self._note(number, self._steps)
        self._untold.add(number)
        return self._written(number)

    def _lowered(self, number: int) -> ir.Body | None:
        unit, function = self.functions[number]
        body = self._bodies(unit, function) if function.body_at is not None else None
        for wrapper, decorator in reversed(list(self._wrappers(number))):
            body = wrapped(function, self.functions[wrapper][1], body, decorator) if body is not None else None
        begins = self._begun_by(number) if function.wrapped_by and body is not None else ""
        return begun_elsewhere(function, body, begins) if body is not None and begins else body

    def _begun_by(self, number: int) -> str:
        """The call that runs a function on a thread of its own, where a decorator of the tree gives it to one."""
        unit, function = self.functions[number]
        if unit.language not in self._passing or function.runs_when_awaited:
            return ""
        effects = self.types.effects(number)
        for one in function.wrapped_by:
            said = self.types.made.meaning(function.module, one.path)
            found = (self.names.functions.get(path, []) for path in ((*function.module, *one.path), said))
            decorator = next((numbers[0] for numbers in found if numbers), None)
            words = self.functions[decorator][1].passes_on if decorator is not None and not one.given else ()
            begins = [word for word in words if word in effects.threads]
            if begins and all(word in begins or word in effects.same_functions for word in words):
                return begins[0]
        return ""

    def shared(self, number: int) -> tuple[Shared, ...]:
        """From where the locks in fields of types are, as far as a function puts them there; in order."""
        return tuple(sorted(set(by_body(self, number)))) if self.linked(number) is not None else ()

    def makes_one(self, path: ir.Path, first: ir.Path, second: ir.Path) -> int | None:
        """What makes values of a type and puts one value into these parts of each.

        None where no constructor of the type does, or one of them does otherwise.
        """
        key = (path, first, second)
        if key not in self._made_one:
            said = {number: one_in(self, number, first, second) for number in self.constructors(path)}
            sure = [number for number, one in said.items() if one]
            self._made_one[key] = sure[0] if sure and False not in said.values() else None
        return self._made_one[key]

    def constructors(self, path: ir.Path) -> Iterator[int]:
        """The functions of a type, no methods of its values, that return one."""
        for number in self.makers(path):
            returned = self.functions[number][1].returns
            if returned is not None and mentions(returned, (path[-1], "Self")):
                yield number

    def guard_givers(self, language: str, effects: Effects, says: Callable[[int, ir.Words], bool]) -> ir.Words:
        """The functions of a language that return a guard: a call of one is an acquisition.

        In a language of objects `alone` are the names that a block can be opened with to take a lock; `says` tells
        whether one of some words stands in the text of a function, by its number.
        """
        if effects.objects:
            return openers(self, language, effects, says)
        return givers(self, language, effects)

    # -------------------------------------------------------------------------------------------- about functions

    def title(self, number: int) -> str:
        """A function's name for people: `Catalog::get`."""
        function = self.functions[number][1]
        owner = function.owner
        if owner is not None and owner.path == ("[dyn]",) and owner.args:
            owner = owner.args[0]
        return f"{owner.path[-1]}::{function.name}" if owner is not None else function.name

    def full_name(self, number: int) -> str:
        """A function's name in full: `crate::module::Catalog::get`."""
        return "::".join((*self.functions[number][1].module, self.title(number)))

    def parameters(self, number: int) -> int:
        """How many parameters a function has, the receiver included."""
        return len(self.functions[number][1].params)

    def arity(self, number: int) -> int:
        """How many operands a method call of the function has."""
        return len(self.functions[number][1].params) if self.functions[number][1].takes_self else -1

    def takes_by_value(self, number: int, parameter: int) -> bool:
        """Whether a function becomes the owner of its receiver."""
        function = self.functions[number][1]
        return parameter == 0 and function.takes_self and bool(function.params) and function.params[0].by_value

    def runs_when_awaited(self, number: int) -> bool:
        """Whether calling the function only makes a value that runs when waited for."""
        return self.functions[number][1].runs_when_awaited

    def returned_type(self, number: int, receiver: ir.Type | None) -> ir.Type | None:
        """The type that a function returns, with the receiver's type arguments put in."""
        key = (number, receiver)
        if key in self._returned:
            return self._returned[key]
        found = self._returned_type(number, receiver)
        if self.types.made.settled:
            self._returned[key] = found
        return found

    def _returned_type(self, number: int, receiver: ir.Type | None) -> ir.Type | None:
        return self._for_receiver(number, self.functions[number][1].returns, receiver)

    def given_types(self, number: int, parameter: int, receiver: ir.Type | None) -> Sequence[ir.Type]:
        """The types of what a function gives to the callable that it gets as a parameter, `UNKNOWN` where not told."""
        called, generics = self._called(number, parameter, receiver), self.functions[number][1].generics
        return [one if not mentions(one, generics) else UNKNOWN for one in called.args[:-1]] if called else ()

    def hands_on(self, number: int, parameter: int, waited: bool = False) -> bool | None:
        """Whether a function's result may have in it what a callable gave that it was given; None: not told.

        `waited`: what came of waiting for that, which is what its type's bounds say of it (`R: Future<Output = T>`).
        """
        called, returned = self._called(number, parameter, None), self.returned_type(number, None)
        if called is None or not called.args:
            return None
        given = called.args[-1]
        bounds = self.types.context(number).bounds if waited else ()
        said = (given, *(part for name, bound in bounds if given.path == (name,) for part in bound.args))
        return returned is not None and any(have_in_common(one, returned) for one in said)

    def parameter_type(self, number: int, parameter: int, receiver: ir.Type | None) -> ir.Type | None:
        """The declared type of a function's parameter, with the receiver's type arguments put in."""
        params = self.functions[number][1].params
        return self._for_receiver(number, params[parameter].type, receiver) if parameter < len(params) else None

    def _called(self, number: int, parameter: int, receiver: ir.Type | None) -> ir.Type | None:
        """The callable that a function gets as a parameter, by its declared type."""
        behind = self.types.behind(self.parameter_type(number, parameter, receiver), self.types.effects(number))
        return next((outer for outer in behind if outer.path == ("[fn]",)), None)

    def _for_receiver(self, number: int, kind: ir.Type | None, receiver: ir.Type | None) -> ir.Type | None:
        """A type of a function's declaration, with the receiver's type arguments put in."""
        context, effects = self.types.context(number), self.types.effects(number)
        owner, bound = self.functions[number][1].owner, {}
        if owner is not None and receiver is not None:
            bound = {a.path[0]: b for a, b in zip(owner.args, receiver.args, strict=False) if len(a.path) == 1}
        told = {name for name, one in bound.items() if len(one.path) > 1}  # (more than their bounds say)
        bounds = tuple(one for one in context.bounds if one[0] not in told) if told else context.bounds
        at = Context(context.module, receiver or context.owner, context.generics, bounds)
        return ir.substitute(self.types.resolve(kind, at, effects), bound)

    def result_place(self, number: int) -> ir.Place | None:
        """The parameter's part (root: the parameter's number) or static that a function's result is a name of."""
        return self.result_of(number)[0]

    def result_parts(self, number: int) -> Mapping[ir.Path, ir.Place]:
        """The fields of a function's result that are such names themselves, where it puts the result together."""
        return self.result_of(number)[1]

    def calls_of_parts(self, number: int) -> frozenset[str]:
        """The fields of its first parameter that a function calls."""
        linked = self.linked(number)
        acts = (step for step in ir.steps_of(linked.root) if isinstance(step, ir.Act)) if linked is not None else ()
        called = (act.place for act in acts if act.what == "calls" and act.place is not None)
        return frozenset(place.way[0] for place in called if place.root == 0 and place.way)

    def lent(self, number: int, parameter: int) -> tuple[ir.Place | None, ...]:
        """What a function gives to a parameter that it calls, by its own names; None where that is not one thing."""
        linked = self.linked(number)
        return linked.lent.get(parameter, ()) if linked is not None else ()

    def result_of(self, number: int) -> Result:
        """Both together: all that others are told of a function's result."""
        function = self.functions[number][1]
        if function.returns is None or function.body_at is None:
            return NO_RESULT
        if _is_empty(function.returns, self.types.effects(number).prelude):
            return NO_RESULT
        self._note(number, self._results)
        known = self.results.of(number) if number not in self._linked else None
        if known is not None:
            return known
        if not self._tells_result(number):
            self.results.tell(number, NO_RESULT)
            return NO_RESULT
        return self._told_of(number, self._known(number))

    def _told_of(self, number: int, linked: Linked | None) -> Result:
        return (linked.result, linked.parts) if linked is not None and self._tells_result(number) else NO_RESULT

    def _tells_result(self, number: int) -> bool:
        """Whether a function is short enough to be looked at for its result, or says that this is a lock."""
        function = self.functions[number][1]
        start, end = function.body_at or (0, 0)
        kinds = [function.returns, *(param.type for param in function.params)]
        return end - start <= _SHORT or any(mentions(kind, self._lock_names) for kind in kinds if kind is not None)

    # ------------------------------------------------------------------------------------------------ about names

    def static_type(self, module: ir.Path, path: ir.Path, effects: Effects) -> ir.Type | None:
        """The type of a static, or of a value of an enum, as written in a module."""
        found = self.names.resolve(module, path)
        static = self.names.statics.get(found)
        if static is not None:
            return self.types.resolve(static.type, Context(static.module), effects)
        decl = self.names.types.get(found[:-1])
        return ir.Type(found[:-1]) if decl is not None and found[-1] in decl.values else None

    def owner_named(self, at: Context, path: ir.Path, owner: ir.Type | None, effects: Effects) -> ir.Type | None:
        """The type before the last part of a path, if it names one."""
        if owner is not None:
            return self.types.resolve(owner, at, effects)
        if len(path) < 2 or not (path[-2][:1].isupper() or path[-2] in at.generics):
            return None
        return self.types.resolve(ir.Type(path[:-1]), at, effects)

    def functions_named(self, at: Context, path: ir.Path, owner: ir.Type | None, effects: Effects) -> list[int]:
        """The functions of the tree that a path can mean."""
        kind = self.owner_named(at, path, owner, effects)
        if kind is not None:
            found = self.types.methods(kind, path[-1], effects)
            decl = self.names.types.get(kind.path)
            if not found and decl is not None and decl.kind == "trait":
                found = self.types.methods(ir.Type(("[dyn]",), (kind,)), path[-1], effects)
            if found or decl is not None:
                return found
        return list(self.names.functions.get(self.names.resolve(at.module, path), ()))


def crate_aliases(pairs: Iterable[tuple[str, str, str]]) -> dict[tuple[str, str], str]:
    """(crate, its name for another, that one's own name) as the mapping that `Program` takes."""
    return {(crate, alias): own for crate, alias, own in pairs}


def _is_empty(kind: ir.Type, around: Collection[str]) -> bool:
    """Whether values of a type as written have nothing in them: `()`, or that within one of the types `around`."""
    if kind.path == ("[tuple]",):
        return not kind.args
    return (
        kind.path[-1] in around
        and bool(kind.args)
        and not kind.path[0].startswith("[")
        and _is_empty(kind.args[0], around)
    )


def _is_made(kind: ir.Type) -> bool:
    return kind.path == ("[made]",) and bool(kind.args)
