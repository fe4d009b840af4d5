"""Questions about the ways through one function that are not about what is held.

In: steps.  Out: whether one step comes after another, which values are looked at, where variables are named.
Never: words for people, syntax.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

from msgspec import Struct, field

from lockcheck import ir
from lockcheck.analysis import Analysis, Hold, Moment

Test = Callable[[ir.Step], bool]


def follows(body: ir.Region, first: Test, then: Test, forgives: Test) -> bool:
    """Whether on some way a step of the kind `then` comes after one of the kind `first`, and on all that way nothing
    that `forgives`.
    """
    walk = _Follow(first, then, forgives)
    walk.region(body, frozenset([False]))
    return walk.found


class _Follow(Struct):
    """A walk whose states are whether the first step was met; a way that is forgiven is left."""

    first: Test
    then: Test
    forgives: Test
    exits: dict[int, frozenset[bool]] = field(default_factory=dict)
    found: bool = False

    def region(self, region: ir.Region, states: frozenset[bool]) -> frozenset[bool]:
        for step in region.steps:
            states = self.step(step, states)
        return states | self.exits.pop(region.label, frozenset()) if region.label >= 0 else states

    def step(self, step: ir.Step, states: frozenset[bool]) -> frozenset[bool]:
        match step:
            case ir.Region():
                return self.region(step, states)
            case ir.Branch(arms):
                return frozenset[bool]().union(*(self.region(arm.body, states) for arm in arms))
            case ir.Loop(body, label):
                once = self.region(body, states)
                self.region(body, states | once | self.exits.pop(label, frozenset()))
                self.exits.pop(label, None)
                return frozenset()
            case ir.Leave(label):
                self.exits[label] = self.exits.get(label, frozenset()) | states
                return frozenset()
            case _:
                pass
        if self.forgives(step):
            return frozenset()
        self.found = self.found or (True in states and self.then(step))
        return frozenset([True]) if states and self.first(step) else states


def looked_at(analysis: Analysis, number: int) -> frozenset[int]:
    """The slots of a function whose value somebody looks at, hands on or keeps."""
    return analysis.once_of(number, _looked_at)


def _looked_at(analysis: Analysis, number: int) -> frozenset[int]:
    body = analysis.program.body(number)
    if body is None:
        return frozenset()
    used = {slot for slot, _ in body.uses} | {body.result}
    for step in ir.steps_of(body.root):
        match step:
            case ir.Lambda(result=result, takes=takes):
                used.update((result, *takes))
            case _:
                used.update(place.root for place in read_by(step) if isinstance(place.root, int))
    return _sources(body, used, lambda dst: bool(dst.way) or isinstance(dst.root, tuple))


def tested(analysis: Analysis, number: int) -> frozenset[int]:
    """The slots of a function whose value one of its own tests asks about."""
    return analysis.once_of(number, _tested)


def _tested(analysis: Analysis, number: int) -> frozenset[int]:
    body = analysis.program.body(number)
    steps = ir.steps_of(body.root) if body is not None else ()
    places = {step.place for step in steps if isinstance(step, ir.Refine)}
    asked = {place.root for place in places if isinstance(place.root, int) and not place.way}
    return _sources(body, asked, places.__contains__) if body is not None else frozenset()


def _sources(body: ir.Body, used: set[int], goal: Callable[[ir.Place], bool]) -> frozenset[int]:
    """Those of a function's slots whose value comes to a slot in use, or to a place that is a goal."""
    moves: list[tuple[int, ir.Place]] = []
    for step in ir.steps_of(body.root):
        match step:
            case ir.Move(dst, src) if isinstance(src.root, int):
                moves.append((src.root, dst))
            case ir.Ref(dst, src) if isinstance(src.root, int):
                moves.append((src.root, ir.Place(dst)))
            case _:
                pass
    for _ in range(8):
        more = {src for src, dst in moves if dst.root in used or goal(dst)} - used
        if not more:
            break
        used |= more
    return frozenset(used)


def made_of(analysis: Analysis, number: int, slots: Iterable[int], new: Collection[str] = ()) -> frozenset[int]:
    """The slots from whose values those of some slots are made: what they were moved, borrowed or computed from.

    What calls of the names in `new` give is made of nothing else.
    """
    made = analysis.once_of(number, _made)
    found, waiting = set[int](), list(slots)
    while waiting:
        slot = waiting.pop()
        if slot not in found:
            found.add(slot)
            waiting += (source for source, word in made.get(slot, ()) if word not in new)
    return frozenset(found)


def _made(analysis: Analysis, number: int) -> Mapping[int, Sequence[tuple[int, str]]]:
    """Of each slot of a function those that its value is made of, with the name of the call that makes it, if any."""
    body = analysis.program.body(number)
    sources: dict[int, list[tuple[int, str]]] = defaultdict(list)
    for step in ir.steps_of(body.root) if body is not None else ():
        match step:
            case ir.Move(dst, src) if isinstance(dst.root, int) and isinstance(src.root, int):
                sources[dst.root].append((src.root, ""))
            case ir.Ref(dst, src) if isinstance(src.root, int):
                sources[dst].append((src.root, ""))
            case ir.Call(dst=dst) | ir.New(dst=dst) | ir.Await(dst=dst):
                word = step.word if isinstance(step, ir.Call) else ""
                sources[dst] += ((place.root, word) for place in read_by(step) if isinstance(place.root, int))
            case _:
                pass
    return sources


def arguments(analysis: Analysis, number: int) -> Sequence[ir.Place]:
    """What a function hands to others: the places of all arguments, receivers left out."""
    return analysis.once_of(number, _arguments)


def _arguments(analysis: Analysis, number: int) -> Sequence[ir.Place]:
    body, found = analysis.program.body(number), list[ir.Place]()
    for step in ir.steps_of(body.root) if body is not None else ():
        if isinstance(step, ir.Call):
            own = 1 if isinstance(step.callee, ir.Method) else 0
            found += (operand.place for operand in step.operands[own:] if operand.place is not None)
    return found


def closure_params(analysis: Analysis, number: int, inside: ir.Range | None) -> frozenset[int]:
    """The slots of the parameters of all closures in a function, but for those that the place `inside` is in."""
    inner = analysis.once_of(number, closures_of)
    others = (one for one in inner if inside is None or not ir.holds(one.body.at, inside[0]))
    return frozenset(slot for one in others for slot in one.params)


def closures_of(analysis: Analysis, number: int) -> Sequence[ir.Lambda]:
    """The closures that are written in a function."""
    body = analysis.program.body(number)
    return [step for step in ir.steps_of(body.root) if isinstance(step, ir.Lambda)] if body is not None else []


def read_by(step: ir.Step) -> Iterator[ir.Place]:
    """The places that a step reads other than by moving them as a whole."""
    match step:
        case ir.Call(_, callee, operands):
            if isinstance(callee, ir.Indirect):
                yield callee.place
            yield from (operand.place for operand in operands if operand.place is not None)
        case ir.New(_, _, parts):
            yield from (operand.place for _, operand in parts if operand.place is not None)
        case ir.Refine(place) | ir.Assume(place) | ir.Await(_, place) | ir.Yield(_, ir.Place() as place):
            yield place
        case ir.Lambda(takes=takes):
            yield from (ir.Place(slot) for slot in takes)
        case _:
            pass


def is_given(analysis: Analysis, moment: Moment, hold: Hold) -> bool:
    """Whether a callback that is called at a moment is given what a guard guards: it is the critical section.

    So it is where a copy is lent to it; a copy that it is given for good is nobody's but its own. What a function puts
    round another (`@synchronized`) hands its own parameters on; to what is kept somewhere they say nothing of a guard
    that is taken beside them.
    """
    event = moment.event
    given = event.given if isinstance(event, (ir.Callback, ir.Act)) else ()
    loans = {place.root for place in given if isinstance(place.root, int) and "&" in place.way}
    gifts = {place.root for place in given if isinstance(place.root, int)} - loans
    copies = analysis.effects(moment.function).owned
    slots = made_of(analysis, moment.function, loans) | made_of(analysis, moment.function, gifts, copies)
    beside = hold.taken.site.at if isinstance(event, ir.Act) else None
    lent = closure_params(analysis, moment.function, beside)
    return hold.holder.root in slots or bool(slots & lent)


def in_closure(analysis: Analysis, number: int, at: ir.Range) -> bool:
    """Whether a place is in a function within the function."""
    return bool(_closures_around(analysis, number, at))


def in_one_closure(analysis: Analysis, number: int, one: ir.Range, other: ir.Range) -> bool:
    """Whether two places are in the same functions within the function, or both in none."""
    return _closures_around(analysis, number, one) == _closures_around(analysis, number, other)


def _closures_around(analysis: Analysis, number: int, at: ir.Range) -> frozenset[ir.Range]:
    inner = analysis.once_of(number, closures_of)
    return frozenset(one.body.at for one in inner if ir.holds(one.body.at, at[0]))
