"""The moments and the summaries of the functions of a tree, each worked out when somebody asks.

In: a linked `Program`.  Out: `Moment`s of one function, its `Summary`.
Never: what rules make of them; words for people, but for why a function was given up.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Literal, TypeAlias

from msgspec import Raw, msgpack
from msgspec.structs import replace

from lockcheck import ir
from lockcheck.analysis import orders
from lockcheck.analysis.held import walk
from lockcheck.analysis.moments import Moment
from lockcheck.analysis.order import callees_first, components
from lockcheck.analysis.summaries import EMPTY, Reach, Summary
from lockcheck.analysis.told import MOST_REACHES
from lockcheck.analysis.ways import MOST_WAYS
from lockcheck.linker import Linked, Program, parts_of_owner
from lockcheck.linker.written import mentions

if TYPE_CHECKING:
    from lockcheck.board import Notes

_MERGED = f"more than {MOST_WAYS} ways to hold locks at one place; they are taken together, as certain or possible"
_CAPPED = f"comes to more than {MOST_REACHES} acquisitions; callers are told of no more"
_ROUNDS = 4
"""A summary that needs itself is computed again until it no longer grows, at most so often."""


_Note: TypeAlias = tuple[tuple[int, ...], dict[int, Summary]]
"""The summaries of functions that need each other, behind the functions in which places are that these name."""

_ENCODER, _DECODER = msgpack.Encoder(), msgpack.Decoder(_Note)
_NAMED = msgpack.Decoder(tuple[tuple[int, ...], Raw])
_SAID = msgpack.Decoder(tuple[tuple[int, ...], dict[int, Raw]])


def is_of_summaries(problem: str) -> bool:
    """Whether what went wrong matters to callers only: nobody is told of it where no summary is asked for."""
    return problem.endswith(_CAPPED)


def named_in(note: bytes) -> tuple[int, ...]:
    """The functions in which places are that a note of summaries names."""
    return _NAMED.decode(note)[0]


def summaries_in(note: bytes) -> dict[int, Summary]:
    """The summaries that a note holds, by function."""
    found: _Note = _DECODER.decode(note)
    return found[1]


def renumbered_in(note: bytes, now: Callable[[int], int]) -> bytes:
    """A note of summaries, by the numbers that functions have now."""
    named, every = _SAID.decode(note)
    moved = tuple(map(now, named))
    if moved == named:
        return _ENCODER.encode((named, {now(number): said for number, said in every.items()}))
    return _ENCODER.encode((moved, {now(n): one.renumbered(now) for n, one in summaries_in(note).items()}))


class Walked:
    """What is known of the functions so far."""

    def __init__(
        self,
        program: Program,
        wanted: Callable[[Collection[int]], Sequence[int]],
        give_up: Callable[[int, str], None] | None,
    ) -> None:
        """Nothing is known yet. `wanted` and `give_up`: see `Analysis`."""
        self.program = program
        self.consulted: set[int] = set()
        """The functions whose summaries somebody asked for since this was emptied."""
        self._wanted = wanted
        self._give_up = give_up or _ignored
        self._summaries: dict[int, Summary] = {}
        self._moments: dict[int, list[Moment]] = {}
        self._notes: Notes | None = None

    def share(self, notes: Notes) -> None:
        """Note the summaries that are worked out from now on, and take those that are noted."""
        self._notes = notes

    def moments(self, number: int) -> list[Moment]:
        """The events of one function with what is held just before each, in order of execution."""
        self.program.asked.add(number)
        if number not in self._moments:
            linked = self.program.linked(number)
            if linked is None:
                return []
            asked = set[int]()

            def known(callee: int) -> Summary:
                asked.add(callee)
                return self.summary(callee)

            found, said = self._walk(number, linked, known, False)
            self.program.note_calls(number, asked)
            if said.merged:
                self._give_up(number, _MERGED)
            self._moments[number] = found
        return self._moments[number]

    def let_go(self, number: int) -> None:
        """Nobody is likely to ask for a function's moments again; if somebody does, it is walked anew."""
        self._moments.pop(number, None)
        self._awaited.discard(number)
        self.program.let_go(number)

    def summary(self, number: int) -> Summary:
        """What a call of the function does. Functions that need themselves reach a fixed point."""
        self.consulted.add(number)
        if not self._knows(number):
            self._summarize(number)
        return self._summaries[number]

    def _summarize(self, number: int) -> None:
        """Work a summary out, and those that it needs; whose steps are read for that is the summary's business."""
        asked, self.program.asked = self.program.asked, set()
        try:
            for group in components(number, self._callees):
                if group[0] not in self._summaries:  # another process may have noted them meanwhile, all at once
                    self._fixed_point(callees_first(frozenset(group), min(group), self._called))
        finally:
            self.program.asked = asked

    def _knows(self, number: int) -> bool:
        """Whether a function's summary is known here, or noted."""
        if number not in self._summaries and self._notes is not None:
            said = self._notes.read(number)
            if said is not None:
                self._summaries.update(summaries_in(said))
        return number in self._summaries

    def _callees(self, number: int) -> tuple[int, ...]:
        """The functions whose summaries this one's needs and that are not known yet."""
        called = self._called(number) if not self._knows(number) else ()
        return tuple(target for target in called if not self._knows(target))

    def _called(self, number: int) -> tuple[int, ...]:
        """The functions that one calls, whoever knows their summaries."""
        linked = self.program.linked(number)
        return linked.callees if linked is not None else ()

    def _fixed_point(self, group: Sequence[int]) -> None:
        """The summaries of functions that call each other, computed until they no longer grow.

        After the first round a function is only walked again if a summary that it asked for is another one now.
        """
        for number in group:
            self._summaries[number] = EMPTY
        asked, walked, changed, clock = dict[int, set[int]](), dict[int, int](), dict[int, int](), 0
        for _ in range(_ROUNDS):
            before = clock
            for number in group:
                if number in walked and all(changed.get(n, 0) <= walked[number] for n in asked[number]):
                    continue
                asked[number], walked[number] = set(), clock
                found = self._walked(number, asked[number])
                if found != self._summaries[number]:
                    clock += 1
                    self._summaries[number], changed[number] = found, clock
            if clock == before:
                break
        for number in group:
            self.program.note_calls(number, asked[number])
            if number not in self._moments and (self._summaries[number].says_nothing or number not in self._awaited):
                self.program.let_go(number)
        if self._notes is not None:
            every = {number: self._summaries[number] for number in group}
            named = {site.function for one in every.values() for site in one.sites()}
            self._notes.write(group, _ENCODER.encode((tuple(named), every)))

    @cached_property
    def _awaited(self) -> set[int]:
        """The functions that will be walked for their own sake, as far as bytes tell; nobody let go of them yet."""
        return set(self._wanted(frozenset()))

    def _walked(self, number: int, asked: set[int]) -> Summary:
        """The summary of a function by those that are known now; `asked` is told of which functions it needs them."""
        linked = self.program.linked(number)
        if linked is None:
            return EMPTY

        def known(callee: int) -> Summary:
            asked.add(callee)
            return self._summaries.get(callee, EMPTY)

        moments, found = self._walk(number, linked, known, True)
        found = replace(found, orders=orders.told(self.program, number, moments, linked, known))
        reaches = tuple(one for one in found.reaches if not self._is_idle(number, one))
        found = replace(found, reaches=reaches) if len(reaches) < len(found.reaches) else found
        if found.capped:
            self._give_up(number, _CAPPED)
        return found if found.comes_back or not self._is_for_others(number, linked) else replace(found, comes_back=True)

    def _is_idle(self, number: int, reach: Reach) -> bool:
        """Whether nobody can hold the lock when the function comes to it."""
        other = bool(reach.spread) and is_of_another_class(self.program, number, reach.lock)
        return other or is_in_own(self.program, number, reach.lock)

    def _is_for_others(self, number: int, linked: Linked) -> bool:
        """Whether what the body does is not what a call does: others are to do it, or it runs bit by bit."""
        yields = any(isinstance(step, ir.Yield) for step in ir.steps_of(linked.root, closures=False))
        return yields or self.program.functions[number][1].bare

    def _walk(
        self, number: int, linked: Linked, summarize: Callable[[int], Summary], always: bool
    ) -> tuple[list[Moment], Summary]:
        """See `walk`; nothing where that goes too deep. What is given up is told."""
        if linked.cut:
            self._give_up(number, "has closures that call each other too often for every call to be followed")
        try:
            guards, at = self._guards_passed(number, always), self.program.functions[number][1].name_at
            return walk(number, linked, self.program.parameters(number), guards, at, summarize, always)
        except RecursionError:
            self._give_up(number, "nested too deep to be analysed")
            return [], EMPTY

    def _guards_passed(self, number: int, any_type: bool) -> tuple[tuple[int, Literal["thread", "task"]], ...]:
        """The parameters by which guards come in, and how their locks wait (as tasks where nothing is known).

        `any_type`: those too by which a caller may hand one in among other things, and that go into the result.
        """
        function, context = self.program.functions[number][1], self.program.types.context(number)
        effects = self.program.types.effects(number)
        found: list[tuple[int, Literal["thread", "task"]]] = []
        for slot, param in enumerate(function.params):
            kind = self.program.types.resolve(param.type, context, effects) if param.by_value else None
            if kind is not None and self.program.types.guard_mode(kind, effects) is not None:
                guard = self.program.types.guard_in(kind, effects)
                found.append((slot, self.program.types.waits_for(guard, effects)))
            elif any_type and param.by_value and _may_be_any(function, param.type):
                found.append((slot, "task"))
        return tuple(found)


def _may_be_any(function: ir.Function, kind: ir.Type | None) -> bool:
    """Whether a parameter is of whatever type the caller says, and goes into what the function gives back.

    So does one of whose type only a trait is told, by what that says of it: `impl Future<Output = T>` for a `T`.
    """
    if kind is None or function.returns is None:
        return False
    if kind.path == ("[dyn]",):
        return _of_any(function, kind.args)
    if kind.args or len(kind.path) != 1:
        return False
    of_owner = function.owner is not None and kind in function.owner.args
    if not (of_owner or kind.path[0] in function.generics):
        return False
    if mentions(function.returns, (kind.path[0], "Self" if of_owner else kind.path[0])):
        return True
    bounds = [bound for name, bound in function.bounds if name == kind.path[0]]
    return bool(bounds) and (function.returns.path[0] == kind.path[0] or _of_any(function, bounds))


def _of_any(function: ir.Function, traits: Iterable[ir.Type]) -> bool:
    """Whether what traits say of a type is of whatever type the caller says, and goes into the function's result."""
    assert function.returns is not None
    said = (one.path[0] for trait in traits if trait.path != ("[fn]",) for one in trait.args if len(one.path) == 1)
    return mentions(function.returns, [name for name in said if name in function.generics])


def in_one_object(program: Program, number: int, one: str, other: str) -> bool:
    """Whether two fields, by their owners in full, can be of one object; asked where a function's language says."""
    first, second = parts_of_owner(one)[0], parts_of_owner(other)[0]
    return program.types.made.in_one_object(first, second, program.types.effects(number))


def is_of_another_class(program: Program, number: int, lock: ir.Lock) -> bool:
    """Whether the lock is a field of the function's own object, of a class that this object cannot be of.

    So a base's method comes to the methods of all classes below, and the object is of one of them only.
    """
    owner = program.types.context(number).owner
    mine = lock.place.root == 0 and len(lock.place.way) == 1 and program.functions[number][1].takes_self
    return mine and owner is not None and not in_one_object(program, number, "::".join(owner.path) + ".", lock.owner)


def is_in_own(program: Program, number: int, lock: ir.Lock) -> bool:
    """Whether the lock is in a value that a function was given for itself: who holds it would use the value too.

    So what runs at a value's end need not wait for the value's own locks.
    """
    root, params = lock.place.root, program.functions[number][1].params
    if not isinstance(root, int) or root >= len(params) or not (params[root].alone and lock.place.way):
        return False
    types, effects = program.types, program.types.effects(number)
    kind = types.resolve(params[root].type, types.context(number), effects)
    return types.is_own_part(kind, lock.place.way, effects)


def _ignored(number: int, why: str) -> None:
    """Nobody wants to know which functions were given up."""
