"""Condition variables: who waits for what, who wakes whom, what is held then.

In: an `Analysis`.  Out: waits without a loop, uses without the lock, waits under a lock that those need who wake.
Never: words for people.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from lockcheck import ir
from lockcheck.analysis import Analysis, Hold, Moment, Topic, called_by
from lockcheck.analysis.summaries import instantiate, is_parameter, parameter_of
from lockcheck.analysis.ways import Taken, below, common
from lockcheck.effects import Effects
from lockcheck.questions.afterwards import Named, head_at, named_after, tested_by
from lockcheck.questions.conflict import keeps_out, same_lock
from lockcheck.questions.paths import in_closure
from lockcheck.questions.rings import rings
from lockcheck.questions.waited import given_back

_MOST_CALLERS = 100
"""So many callers of a function, near and far, of the whole tree are asked what they hold."""


def _is_use(event: ir.Step) -> bool:
    return isinstance(event, (ir.Wait, ir.Signal)) and not event.of


USES = Topic(lambda _, table: called_by(table.signal_methods), _is_use)
"""Waits for condition variables, and their signals."""


def _uses(analysis: Analysis) -> list[Moment]:
    return [moment for moment in analysis.about(USES) if _is_use(moment.event)]


class Unlooped(NamedTuple):
    """At `moment` is a wait for ever whose critical section, begun by `hold`, does not look again after it.

    `outside`: what is waited for is looked at in a loop around the critical section, where nothing keeps it as it is.
    `blind`: a task looks at nothing under the lock, as one does that waits for whatever comes next. `alone`: all who
    call the function hold a lock that keeps others from waiting there too. `between`: nothing is looked at anywhere in
    the loop, whose other calls run while nobody waits.
    """

    moment: Moment
    hold: Hold
    sure: bool
    outside: bool = False
    blind: bool = False
    alone: bool = False
    between: bool = False


class Starved(NamedTuple):
    """At `moment` is a wait for ever under `hold`, which each of the `signals` that could end it needs.

    `before`: some of them have given it back when they come to the signal, and may be past it when the wait begins.
    """

    moment: Moment
    hold: Hold
    sure: bool
    signals: tuple[Moment, ...]
    before: bool


class Missed(NamedTuple):
    """`signal` may come between a look and the `wait` behind it: who gives it has not asked for the lock of `hold`."""

    signal: Moment
    wait: Moment
    hold: Hold


def unlooped(analysis: Analysis) -> Iterator[Unlooped]:
    """Waits in no loop, or in none of the critical section's that looks at nothing.

    Who waits with a guard that it was given is judged by its callers. Where the caller holds the lock, or calls the
    closure, the loop may be there. Tests see to it that they are woken.
    """
    for moment in analysis.once(_uses):
        event = moment.event
        if not isinstance(event, ir.Wait) or event.bounded or event.checked:
            continue
        if in_closure(analysis, moment.function, event.at) or analysis.of_tests(moment.function):
            continue
        mine = [(hold, sure) for hold, sure in moment.held() if given_back(moment, hold)]
        if mine and not moment.loops and is_parameter(mine[0][0].taken):
            yield from _unlooped_callers(analysis, moment.function, parameter_of(mine[0][0].taken))
        elif mine and not moment.loops:
            if not (_is_last(analysis, moment, event, mine[0][0]) or _starts_who_wakes(analysis, moment, mine[0][0])):
                blind = mine[0][0].taken.lock.waits == "task" and not _heads(moment, mine[0][0])
                alone = not blind and bool(_heads(moment, mine[0][0])) and _is_alone(analysis, moment, mine[0][0])
                yield Unlooped(moment, *mine[0], blind=blind, alone=alone)
        elif mine and _looked_at_outside(analysis, moment, event, [hold for hold, _ in mine]):
            yield Unlooped(moment, *mine[0], outside=True)
        elif mine and _looks_at_nothing(analysis, moment, event, mine[0][0]):
            yield Unlooped(moment, *mine[0], between=True)


def _is_alone(analysis: Analysis, moment: Moment, hold: Hold) -> bool:
    """Whether all who call a moment's function hold one lock there, and not that of the guard."""
    held = [_owners(call) for call in _calls_of(analysis, moment.function, near=False)]
    return bool(held) and bool(frozenset.intersection(*held) - {hold.taken.lock.owner})


def _owners(moment: Moment) -> frozenset[str]:
    """The owners of the locks that are held at a moment and keep everybody else out."""
    held = (hold.taken for hold, sure in moment.held() if sure)
    return frozenset(one.lock.owner for one in held if one.lock.family == "mutex" and one.mode == "exclusive") - {""}


def _unlooped_callers(analysis: Analysis, number: int, given: int) -> Iterator[Unlooped]:
    """Calls, in no loop, of a function that waits with the guard that it is given: nobody looks again after it.

    Who calls with a guard that it was given itself is judged by its own callers, each function once.
    """
    waiting = [(number, given)]
    seen = set(waiting)
    for number, given in waiting:
        for call in _calls_of(analysis, number, near=False):
            event = call.event
            if not isinstance(event, ir.Invoke) or given >= len(event.operands):
                continue
            place = event.operands[given].place
            if place is None or call.loops or analysis.of_tests(call.function):
                continue
            mine = [(hold, sure) for hold, sure in call.held() if below(hold.holder, place)]
            if mine and is_parameter(mine[0][0].taken):
                above = (call.function, parameter_of(mine[0][0].taken))
                waiting += [above] if above not in seen else []
                seen.add(above)
            elif mine and not in_closure(analysis, call.function, event.at):
                yield Unlooped(call, *mine[0])


def _is_last(analysis: Analysis, moment: Moment, event: ir.Wait, hold: Hold) -> bool:
    """Whether a test under the lock comes to the wait, and behind it nobody names what was tested but to say it.

    Where no wait ends by itself, a wake-up cannot be lost then, and there is nothing that who is quicker takes away.
    Who tests it again relies on nothing. Where the test leaves the function instead of standing around the wait, it may
    be about something else: nothing may be named behind the wait then.
    """
    body, effects = analysis.program.body(moment.function), analysis.effects(moment.function)
    if body is None or not effects.waits_signalled:
        return False
    text, heads = analysis.once_of(moment.function, _text), _heads(moment, hold)
    arms = [arm for arm in text.arms if arm.body.at in heads]
    leaves = [] if arms else list(_leaving(text.arms, hold.taken.site.at[1], event.at[0]))
    arms = arms or leaves
    tested = frozenset().union(*map(tested_by, arms)) - {event.on.place}
    facts = {(f.place.root, f.truth) for f in common(moment.ways) if not f.place.way and not f.value}
    known = {root: truth for root, truth in facts if isinstance(root, int)}
    named = _variables(body, event.at[1], tested)
    variables = (one for one in named if not any(ir.within(one.at, at) for at in text.again))
    behind = [*named_after(body, event.at, tested, known), *variables]
    used = {one.place for one in behind if not any(ir.within(one.at, at) for at in text.plain)}
    about = used - text.locks if leaves else tested
    return bool(tested) and not any(below(one, two) or below(two, one) for one in about for two in used)


class _Text(NamedTuple):
    """What a function's text says, wherever it waits: the arms of its branches, the places where it looks at what it
    tests again, where it only says or returns a value, and what it calls a lock's methods on.
    """

    arms: Sequence[ir.Arm]
    again: Sequence[ir.Range]
    plain: Sequence[ir.Range]
    locks: frozenset[ir.Place | None]


def _text(analysis: Analysis, number: int) -> _Text:
    body, effects = analysis.program.body(number), analysis.effects(number)
    steps = list(ir.steps_of(body.root)) if body is not None else []
    arms = [arm for step in steps if isinstance(step, ir.Branch) for arm in step.arms]
    calls = [step for step in steps if isinstance(step, ir.Call)]
    returns = [step for step in steps if isinstance(step, ir.Leave) and step.label == ir.RETURN]
    plain = [step.at for step in returns if not any(ir.within(call.at, step.at) for call in calls)]
    plain += [call.at for call in calls if _is_act(effects, call.word, "logs")]
    locks = frozenset(call.operands[0].place for call in calls if call.operands and call.word in effects.lock_methods)
    return _Text(arms, [at for arm in arms if (at := head_at(arm))], plain, locks)


def _leaving(arms: Iterable[ir.Arm], start: int, end: int) -> Iterator[ir.Arm]:
    """Those arms between two places that a test decides about and that leave the function."""
    for arm in arms:
        if arm.role == "test" and start <= arm.body.at[0] and arm.body.at[1] <= end:
            if any(isinstance(step, ir.Leave) and step.label == ir.RETURN for step in ir.steps_of(arm.body)):
                yield arm


def _heads(moment: Moment, hold: Hold) -> set[ir.Range]:
    """The arms that a moment stands in, since a guard was taken."""
    return {arm.body.at for arm in moment.arms if hold.taken.site.at[1] <= arm.body.at[0]}


def _starts_who_wakes(analysis: Analysis, moment: Moment, hold: Hold) -> bool:
    """Whether a thread is started under the lock: it cannot get to its wake-up before the wait has begun."""
    effects, at = analysis.effects(moment.function), getattr(moment.event, "at", (0, 0))
    if not effects.waits_signalled:
        return False
    between = (one.event for one in analysis.moments(moment.function))
    calls = (one for one in between if isinstance(one, ir.Invoke) and hold.taken.site.at[0] < one.at[0] < at[0])
    return any(one.name.rpartition(effects.separator)[2] in effects.starts for one in calls)


def _variables(body: ir.Body, after: int, tested: frozenset[ir.Place]) -> Iterator[Named]:
    """Where variables that were tested themselves are named behind a place."""
    for slot, places in body.uses:
        if ir.Place(slot) in tested:
            yield from (Named(ir.Place(slot), (at, at)) for at in places if at >= after)


def _is_act(effects: Effects, word: str, what: str) -> bool:
    return word in effects.acts and effects.acts[word].what == what


def _looked_at_outside(analysis: Analysis, moment: Moment, event: ir.Wait, holds: list[Hold]) -> bool:
    """Whether the loops look at something before the critical section begins, which itself goes straight to the wait.

    Calls in it may look for it. A task takes a lock that is free without letting others run, so its look stays true.
    """
    linked, begins = analysis.program.linked(moment.function), min(hold.taken.site.at for hold in holds)
    loop = moment.loops[-1]
    if linked is None or holds[0].taken.lock.waits == "task" or begins[0] < loop[0]:
        return False
    steps = [step for step in ir.steps_of(linked.root, closures=False) if isinstance(step, (ir.Branch, ir.Invoke))]
    arms = [arm.body.at[0] for step in steps if isinstance(step, ir.Branch) for arm in step.arms]
    calls = [step.at[0] for step in steps if isinstance(step, ir.Invoke)]
    looks_inside = any(begins[0] < start < event.at[0] for start in (*arms, *calls))
    before = any(loop[0] < start < begins[0] for start in arms)
    if looks_inside or not before:
        return False
    return event.lock is None or not _held_by_callers(analysis, moment.function, event.lock)


def _looks_at_nothing(analysis: Analysis, moment: Moment, event: ir.Wait, hold: Hold) -> bool:
    """Whether a thread's loop only waits in its critical section, asks nothing before, and does something after it."""
    body, loop, begins = analysis.program.body(moment.function), moment.loops[-1], hold.taken.site.at
    if body is None or hold.taken.lock.waits == "task" or begins[0] < loop[0]:
        return False
    listed = list(ir.steps_of(body.root, closures=False))
    section = next((one for one in listed if isinstance(one, ir.Region) and hold.holder.root in one.slots), None)
    if section is None or any(isinstance(one, ir.Branch) and _is_in(one, loop, event.at[0]) for one in listed):
        return False
    calls = [one.at for one in listed if isinstance(one, (ir.Call, ir.Get, ir.Set)) and ir.within(one.at, loop)]
    inside = [at for at in calls if ir.within(at, section.at) and at[0] >= begins[1] and not ir.within(at, event.at)]
    return not inside and any(not ir.within(at, section.at) and at[0] > section.at[1] for at in calls)


def _is_in(branch: ir.Branch, loop: ir.Range, end: int) -> bool:
    """Whether a question is asked in a loop before a place."""
    return any(arm.role == "test" and loop[0] < arm.body.at[0] < end for arm in branch.arms)


def unheld(analysis: Analysis) -> Iterator[Moment]:
    """Waits and signals whose lock neither the function nor a caller of it holds on any way.

    A condition that is made around somebody else's lock is left alone: where that is held it has another name. So is
    one that was handed over, where any lock is held, and one that was taken elsewhere to be given back here.
    """
    for moment in analysis.once(_uses):
        event = moment.event
        if isinstance(event, (ir.Wait, ir.Signal)) and _is_named(analysis, moment, event.lock) and moment.ways:
            assert event.lock is not None
            if analysis.shares_unnamed(moment.function, event.lock.owner):
                continue
            locks = [hold.taken.lock for hold, _ in moment.held()]
            held = any(_may_be(analysis, moment, lock, event.lock) for lock in locks)
            held = held or (bool(locks) and _is_given(analysis, moment.function, event.lock))
            held = held or _gives_back_only(analysis, moment, event.lock)
            if not held and not _held_by_callers(analysis, moment.function, event.lock):
                yield moment


def _gives_back_only(analysis: Analysis, moment: Moment, lock: ir.Lock) -> bool:
    """Whether a function takes no such lock, and gives it back by name behind a moment: another began what it ends."""
    linked, at = analysis.program.linked(moment.function), getattr(moment.event, "at", (0, 0))
    steps = ir.steps_of(linked.root, closures=False) if linked is not None else ()
    named = [step for step in steps if isinstance(step, (ir.Acquire, ir.Release)) and step.lock is not None]
    mine = [step for step in named if step.lock is not None and same_lock(step.lock, lock)]
    return any(step.at > at for step in mine) and not any(isinstance(step, ir.Acquire) for step in mine)


def _is_given(analysis: Analysis, number: int, lock: ir.Lock) -> bool:
    """Whether a condition comes from outside: nobody here can know which lock it was made around."""
    root, way = lock.place.root, lock.place.way
    if not way:
        return isinstance(root, int) and root < analysis.program.parameters(number)
    return bool(lock.owner) and analysis.is_given(number, lock.owner)


def _may_be(analysis: Analysis, moment: Moment, held: ir.Lock, wanted: ir.Lock) -> bool:
    """Whether a lock that is held may be the wanted one.

    It is, it has no name here, a property gives it, or the wanted one is an element: which lock each of many conditions
    was made around nobody says.
    """
    made = any(part.endswith("()") for part in (*held.place.way, *wanted.place.way))
    one_of_many = wanted.place.way[-1:] and wanted.place.way[-1].startswith("[")
    alike = same_lock(held, wanted) or bool(one_of_many) or (made and held.kind == wanted.kind)
    return alike or not _is_named(analysis, moment, held)


def _is_named(analysis: Analysis, moment: Moment, lock: ir.Lock | None) -> bool:
    """Whether the function has a name for the lock, by which another use of it would be known."""
    linked, root = analysis.program.linked(moment.function), lock.place.root if lock is not None else None
    return isinstance(root, tuple) or (root is not None and linked is not None and bool(linked.slots[root].name))


def _calls_of(analysis: Analysis, number: int, near: bool) -> Iterator[Moment]:
    """The calls of a function, those in its own module first; unless only those `near` are wanted, all others too."""
    near_by = analysis.program.siblings(number)
    beside = (one for other in near_by for one in analysis.moments(other))
    yield from (one for one in beside if isinstance(one.event, ir.Invoke) and number in one.event.targets)
    if not near:
        yield from (one for one in analysis.calls_of(number) if one.function not in near_by)


def _held_by_callers(analysis: Analysis, number: int, lock: ir.Lock) -> bool:
    """Whether some caller of a function, at whatever distance, holds the lock at the call.

    It mostly is one of the same module: the tree is looked through only where none is. Where more come to it than are
    looked at nobody can say that none of them does.
    """
    return any(_held_by_some(analysis, number, lock, near) for near in (True, False))


def _held_by_some(analysis: Analysis, number: int, lock: ir.Lock, near: bool) -> bool:
    waiting = [(number, lock)]
    seen = set(waiting)
    while waiting:
        number, lock = waiting.pop()
        for call in _calls_of(analysis, number, near):
            event, linked = call.event, analysis.program.linked(call.function)
            if not isinstance(event, ir.Invoke) or linked is None:
                continue
            there = instantiate(lock, event, linked)
            if any(same_lock(hold.taken.lock, there) for hold, _ in call.held()):
                return True
            if (call.function, there) not in seen:
                seen.add((call.function, there))
                waiting.append((call.function, there))
        if not near and len(seen) > _MOST_CALLERS:
            return True
    return False


def starved(analysis: Analysis) -> Iterator[Starved]:
    """Waits under a lock that every signal of the tree needs that could end them."""
    signals = analysis.once(_signals)
    for moment in analysis.once(_uses):
        event = moment.event
        if not isinstance(event, ir.Wait) or event.bounded or not event.on.owner:
            continue
        wakers = signals.get(event.on.owner, [])
        for hold, sure in moment.held():
            owner = hold.taken.lock.owner
            alone = hold.taken.lock.family != "semaphore"  # (of which others may have a permit as well)
            if not (wakers and owner and alone) or given_back(moment, hold):
                continue
            earlier = [one for one in wakers if not _holds(one, hold.taken)]
            if all(_asks_before(analysis, one, hold.taken) for one in earlier):
                yield Starved(moment, hold, sure, tuple(wakers), bool(earlier))
                break


def missed(analysis: Analysis) -> Iterator[Missed]:
    """Signals for who waits with a lock that guards no value, by those who have not asked for that lock before.

    What is waited for is kept elsewhere, so only asking for the lock tells that who waits does wait.
    """
    signals = analysis.once(_signals)
    told: set[tuple[int, ir.Range]] = set()
    for moment in analysis.once(_uses):
        event = moment.event
        if not isinstance(event, ir.Wait) or not event.empty or event.bounded or not event.on.owner:
            continue
        holds = [hold for hold, _ in moment.held() if given_back(moment, hold) and hold.taken.lock.owner]
        if not holds or not (moment.loops or event.checked) or analysis.of_tests(moment.function):
            continue
        for signal in signals.get(event.on.owner, ()):
            site = signal.function, analysis.site(signal).at
            if site not in told and not _is_told_before(analysis, signal, holds[0].taken):
                told.add(site)
                yield Missed(signal, moment, holds[0])


def _is_told_before(analysis: Analysis, signal: Moment, taken: Taken) -> bool:
    """Whether who signals, or somebody who calls it for that, has asked for the lock before, or still holds it."""
    if analysis.of_tests(signal.function) or _holds(signal, taken) or _asks_before(analysis, signal, taken):
        return True
    here, seen, waiting = analysis.site(signal), {signal.function}, [signal.function]
    while waiting:
        for call in _calls_of(analysis, waiting.pop(), near=False):
            needs = (need for one in rings(analysis, call.function) if one.site == here for need in one.needs)
            if _holds(call, taken) or any(need.lock.owner == taken.lock.owner for need in needs):
                return True
            if call.function not in seen:
                seen.add(call.function)
                waiting.append(call.function)
    return False


def _signals(analysis: Analysis) -> Mapping[str, list[Moment]]:
    found: defaultdict[str, list[Moment]] = defaultdict(list)
    for moment in analysis.once(_uses):
        if isinstance(moment.event, ir.Signal) and moment.ways:
            found[moment.event.on.owner].append(moment)
    return found


def _holds(signal: Moment, taken: Taken) -> bool:
    """Whether who signals holds, of the same owner, what the guard keeps others out of."""
    both = ((one.taken.lock.owner, one.taken.mode) for one, _ in signal.held())
    return any(owner == taken.lock.owner and keeps_out(taken, mode) for owner, mode in both)


def _asks_before(analysis: Analysis, signal: Moment, taken: Taken) -> bool:
    """Whether who signals must ask for that on every way to the signal."""
    here = analysis.site(signal)
    before = (need for one in rings(analysis, signal.function) if one.site == here for need in one.needs)
    return any(need.lock.owner == taken.lock.owner and keeps_out(taken, need.mode) for need in before)
