"""Locks that some way out of a function leaves taken although the function sees to giving them back.

In: an `Analysis`.  Out: `Leak`s, one for each acquisition, with the plainest way out.
Never: words for people.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from lockcheck import ir
from lockcheck.analysis import Analysis, Hold, Moment, Taken, Topic, called_by
from lockcheck.analysis.hands import LEAKED, is_mark, outlives
from lockcheck.analysis.summaries import instantiate
from lockcheck.effects import Effects
from lockcheck.linker import oldest
from lockcheck.questions.conflict import same_lock
from lockcheck.questions.paths import arguments, looked_at, tested
from lockcheck.questions.raised import Raised


class Leak(NamedTuple):
    """`hold` is still held where control leaves the function, at `out` in its file.

    `by_error`: only an exception from what is called there goes that way, `mild`: with which nobody reckons.
    """

    hold: Hold
    moment: Moment
    out: ir.Range
    by_error: bool
    mild: bool = False

    @property
    def rarely(self) -> bool:
        """Whether nothing raises there but what interrupts a thread that waits for a lock."""
        return isinstance(self.moment.event, ir.Escape) and self.moment.event.rarely

    @property
    def by_call(self) -> bool:
        """Whether a function was called to take the lock, and is called to give it back: it can be for later."""
        return bool(self.hold.taken.inner)

    @property
    def tidies(self) -> bool:
        """Whether it is an error of what is called while an error is handled."""
        return self.by_error and any(arm.role == "handler" for arm in self.moment.arms)

    @property
    def fails(self) -> bool:
        """Whether an exception leaves there, raised by what is called or by the function itself."""
        event = self.moment.event
        return self.by_error or (isinstance(event, ir.Leave) and event.label == ir.RAISED)


def passes_on(analysis: Analysis, leak: Leak) -> bool:
    """Whether the error comes out of a whole block, whose place it has then: one with handlers, or something to do."""
    linked = analysis.program.linked(leak.moment.function) if leak.fails else None
    steps = ir.steps_of(linked.root) if linked is not None else ()
    return any(isinstance(step, ir.Region) and step.at == leak.out for step in steps)


Releases = Mapping[ir.Place, "list[tuple[int, bool]]"]
"""Where a function gives each lock back by name (a byte offset), and whether it does so where an error passes: in a
handler, or on several ways out."""


def _ends(event: ir.Step) -> bool:
    out = isinstance(event, (ir.Leave, ir.Escape, ir.Invoke))
    return out or (isinstance(event, ir.Release) and event.lock is not None)


def _gives_by_call(analysis: Analysis, event: ir.Step) -> bool:
    """Whether a function is called that does nothing but give a lock back, and no other can be meant."""
    return isinstance(event, ir.Invoke) and len(event.targets) == 1 and analysis.only_releases(event.targets[0])


ENDS = Topic(
    lambda _, table: called_by(table.gives_back | table.takes_by_hand | table.enters | table.leaks),
    _ends,
    also=_gives_by_call,
)
"""Ways out with a lock that no scope gives back, and releases by name, in a function that is called for it or here."""


def leaks(analysis: Analysis) -> Iterator[Leak]:
    """One leak for each acquisition that some way out forgets."""
    functions: dict[int, list[Moment]] = defaultdict(list)
    for moment in analysis.about(ENDS):
        functions[moment.function].append(moment)
    given = _given_for_callers(analysis, functions)
    for number, moments in functions.items():
        found: dict[Taken, list[Leak]] = defaultdict(list)
        for moment in moments:
            if isinstance(moment.event, (ir.Leave, ir.Escape)) and not _goes_on(moment.event):
                by_error = isinstance(moment.event, ir.Escape)
                for hold, _ in moment.held():
                    if outlives(hold) and len(hold.taken.inner) < 2:
                        found[hold.taken].append(Leak(hold, moment, moment.event.at, by_error))
        by_name, by_call = [*_releases(moments)], [*_releases_by_call(analysis, moments)]
        released, hanging, lent = _released([*by_name, *by_call]), _hanging(moments), _lent(moments)
        function, enters = analysis.program.functions[number][1], analysis.effects(number).enters
        for taken, several in found.items():
            if taken.site.at in hanging or taken.lock.place in lent:
                continue
            forgotten = several[0].hold.holder.root == LEAKED.root
            if taken.inner:
                ours = [] if taken.lock.owner in given else _ours(taken, several, _released(by_call), frozenset())
            elif function.name in enters and function.owner is not None:  # (its partner is not called where it fails)
                ours = [leak._replace(mild=leak.by_error) for leak in several if leak.fails]
            else:
                around = function.around  # (its end is its own, whoever else gives back)
                ours = several if forgotten else _ours(taken, several, released, frozenset() if around else given)
            elsewhere = _is_given_back_beside if forgotten else _handed_on
            if any(not leak.by_error for leak in ours) and _is_told(analysis, number, taken):
                ours = [leak for leak in ours if leak.by_error]
            ours = [leak for leak in ours if not (leak.by_error and _is_named(analysis, leak))]
            if ours and not elsewhere(analysis, number, taken):
                yield _plainest(analysis, ours)


def _is_told(analysis: Analysis, number: int, taken: Taken) -> bool:
    """Whether a function's answer says that it leaves the lock taken."""
    return any(one.by_hand and one.site == taken.site for _, one, _ in analysis.summary(number).returns)


def _goes_on(event: ir.Leave | ir.Escape) -> bool:
    """Whether an error only goes on that was told of where it came up."""
    return isinstance(event, ir.Leave) and event.label == ir.RAISED and event.at == (0, 0)


def _plainest(analysis: Analysis, several: list[Leak]) -> Leak:
    """The way out that says most plainly that the lock stays taken."""
    ranked = sorted(several, key=lambda leak: (leak.rarely, leak.by_error, leak.out))
    sure = (leak for leak in ranked if not leak.rarely and not (leak.by_error and _is_mild(analysis, leak)))
    return next(sure, None) or ranked[0]._replace(mild=ranked[0].by_error)


def _is_mild(analysis: Analysis, leak: Leak) -> bool:
    """Whether nobody reckons with an error of what is called there.

    By the names of both it writes a log, or tells somebody something without a wait (`self.event_queue.put(row)`); or
    what a log entry says is asked for, without a word of what it is about (`log.debug(self.title())`). It is an
    operator of the tree's own (`rows[n]`) which raises nothing itself, or takes away what was asked for before, under
    the lock (`if row in self.rows: self.rows.remove(row)`). It makes an object of the tree whose making raises nothing
    but what it finds wrong with what it was given, or one that says what went wrong, where that is handled.
    """
    number, at = leak.moment.function, leak.out
    linked, body = analysis.program.linked(number), analysis.program.body(number)
    if linked is None or body is None:
        return False
    effects = analysis.effects(number)
    made = [step for step in ir.steps_of(linked.root) if isinstance(step, ir.Invoke) and step.at == at]
    calls = [step for step in ir.steps_of(body.root) if isinstance(step, ir.Call) and step.at == at]
    if any(
        _called_on(body, call).endswith(_told_by(effects, call)) or _is_logged(effects, body, call) for call in calls
    ):
        return True
    if calls and all(_only_operates(analysis, effects, call, made) for call in calls):
        return True
    if any(_is_asked_before(effects, body, call, leak.hold.taken.site.at[0]) for call in calls):
        return True
    targets = [target for step in made for target in step.targets]
    handles = any(arm.role == "handler" and ir.within(at, arm.body.at) for arm in leak.moment.arms)
    only_made = all((handles and analysis.is_maker(target)) or _only_checks(analysis, target) for target in targets)
    return bool(targets) and only_made


def _is_named(analysis: Analysis, leak: Leak) -> bool:
    """Whether what is called, or tried, raises nothing at all that no handler around it names."""
    event, number = leak.moment.event, leak.moment.function
    if not isinstance(event, ir.Escape):
        return False
    raised = analysis.once(Raised)
    tried = (step.at for step in raised.tried(number) if step != event)
    places = {at: None for at in tried if ir.within(at, event.at)}
    several = [raised.at(number, at) for at in (places if event.caught else [event.at])]
    named = frozenset(event.caught)
    return bool(several) and all(one is not None and all(named & names for names in one) for one in several)


def _called_on(body: ir.Body, call: ir.Call) -> str:
    """What the text calls the receiver of a call, in small letters."""
    if isinstance(call.callee, ir.Named):
        return "".join(call.callee.path[-2:-1]).lower()
    place = call.operands[0].place if isinstance(call.callee, ir.Method) and call.operands else None
    if place is None:
        return ""
    root = place.root if isinstance(place.root, tuple) else (body.slots[place.root].name,)
    return (*root, *place.way)[-1].lower()


def _only_operates(analysis: Analysis, effects: Effects, call: ir.Call, made: Sequence[ir.Invoke]) -> bool:
    """Whether an operator is asked for, behind which no function of the tree raises anything itself."""
    if not isinstance(call.callee, ir.Method) or call.word not in effects.operators:
        return False
    bodies = [analysis.program.body(target) for step in made for target in step.targets]
    steps = (step for body in bodies if body is not None for step in ir.steps_of(body.root))
    return bool(bodies) and not any(isinstance(step, ir.Leave) and step.label == ir.RAISED for step in steps)


def _is_asked_before(effects: Effects, body: ir.Body, call: ir.Call, since: int) -> bool:
    """Whether somebody asked the receiver of a call, since an offset, whether it has what the call is about."""
    asks, on = effects.steady_asked.get(call.word, ()), call.operands[0].place if call.operands else None
    if on is None:
        return False
    before = (step for step in ir.steps_of(body.root) if isinstance(step, ir.Call) and step.word in asks)
    return any(since < step.at[0] < call.at[0] and step.operands[0].place == on for step in before)


def _is_logged(effects: Effects, body: ir.Body, call: ir.Call) -> bool:
    """Whether a call that is given nothing is in what a log entry is made of."""
    plain = len(call.operands) <= isinstance(call.callee, ir.Method)
    steps = (step for step in ir.steps_of(body.root) if isinstance(step, ir.Call)) if plain else ()
    around = (step for step in steps if step.at != call.at and ir.within(call.at, step.at))
    return any(_called_on(body, step).endswith(_loggers(effects, step)) for step in around)


def _loggers(effects: Effects, call: ir.Call) -> tuple[str, ...]:
    """What those are called, in small letters, whose method of that name makes a log entry."""
    act = effects.acts.get(call.word)
    return tuple(act.variables) if act is not None and act.what == "logs" else ()


def _told_by(effects: Effects, call: ir.Call) -> tuple[str, ...]:
    """What those are called, in small letters, of whom a call makes a log entry or a message."""
    single = len(call.operands) == 1 + isinstance(call.callee, ir.Method)
    told = effects.tellers.get(call.word, ()) if single else ()
    return (*_loggers(effects, call), *told)


def _only_checks(analysis: Analysis, number: int) -> bool:
    """Whether a function makes an object and calls nothing that raises but what it raises itself."""
    linked, body, effects = analysis.program.linked(number), analysis.program.body(number), analysis.effects(number)
    if linked is None or body is None or not analysis.is_maker(number):
        return False
    calls = (step for step in ir.steps_of(body.root) if isinstance(step, ir.Call))
    made = {call.at for call in calls if isinstance(call.callee, ir.Named) and effects.is_maker(call.callee.path)}
    return all(step.at in made for step in ir.steps_of(linked.root) if isinstance(step, ir.Escape))


def judged_elsewhere(analysis: Analysis, leak: Leak) -> bool:
    """Whether it is a try of which no test of the function asks, but something that is given the result may."""
    taken, number = leak.hold.taken, leak.moment.function
    body = analysis.program.body(number)
    if not taken.optional or body is None:
        return False
    calls = (step for step in ir.steps_of(body.root) if isinstance(step, ir.Call) and step.at == taken.site.at)
    results = frozenset(step.dst for step in calls)
    return results <= looked_at(analysis, number) - tested(analysis, number)


def unguarded(analysis: Analysis) -> Iterator[tuple[int, ir.Range]]:
    """Functions that run around their caller's block and are called a lock, each with the place where an error of the
    block comes out of it before it does what it has to do after the block.
    """
    for number, (_, function) in enumerate(analysis.program.functions):
        effects = analysis.effects(number)
        if not function.around or function.wraps or effects.named_as_locking.search(function.name) is None:
            continue
        body, steady = analysis.program.body(number), effects.steady
        steps = list(ir.steps_of(body.root, closures=False)) if body is not None else []
        calls = [step.at for step in steps if isinstance(step, ir.Call) and step.word not in steady]
        for step in sorted((one for one in steps if isinstance(one, ir.Yield)), key=lambda one: one.at):
            given = step.src is not None and isinstance(step.src.root, int)  # (it may be there to give something else)
            if step.throws == ir.RAISED and not given and any(at[0] >= step.at[1] for at in calls):
                yield number, step.at
                break


def _ours(taken: Taken, several: list[Leak], released: Releases, given: frozenset[str]) -> list[Leak]:
    """The ways out on which it is for this function to give the lock back: it does so on another way.

    What another function gives back too is handed over where this one ends well; where it fails, and it gives the
    lock back in a handler of its own, errors that come before that handler and pass it by are its own matter. So is
    what interrupts a thread that waits for another lock before such a handler. What a handler calls on its way to the
    release is there to tidy up, and nobody reckons with its errors.
    """
    place = taken.lock.place
    if place not in released:
        return []
    handler = max((offset for offset, handles in released[place] if handles), default=-1)
    others = taken.lock.owner in given

    def is_ours(leak: Leak) -> bool:
        before = leak.fails and leak.out[0] < handler
        return not (before and leak.tidies) and (before or not (others or leak.rarely))

    return [leak for leak in several if is_ours(leak)]


def _hanging(moments: list[Moment]) -> set[ir.Range]:
    """The acquisitions that wait for each other: a deadlock, and no matter of the ways out."""
    found = set()
    for moment in moments:
        event = moment.event
        if isinstance(event, ir.Acquire) and not event.fallible:
            again = [hold.taken.site.at for hold, _ in moment.held() if same_lock(hold.taken.lock, event.lock)]
            found.update([*again, event.at] if again else [])
    return found


def _released(releases: Iterable[tuple[Moment, ir.Lock]]) -> Releases:
    """The locks that the function gives back by name where it is sure to hold them.

    Where it is not, the release hangs on the same condition as the acquisition, and nobody can tell by which ways.
    """
    found: dict[ir.Place, list[tuple[int, bool]]] = defaultdict(list)
    written: dict[int, set[int]] = defaultdict(set)
    known = list(releases)
    for moment, _ in known:
        written[_begin(moment)].add(id(moment.event))
    for moment, lock in known:
        if any(sure and same_lock(hold.taken.lock, lock) for hold, sure in moment.held()):
            begin, handles = _begin(moment), any(arm.role == "handler" for arm in moment.arms)
            found[lock.place].append((begin, handles or len(written[begin]) > 1))
    return found


def _lent(moments: list[Moment]) -> frozenset[ir.Place]:
    """The locks of a scope's guards that are given back by name: taken again, it is the scope that gives them back."""
    return frozenset(
        lock.place
        for moment, lock in _releases(moments)
        if any(not outlives(hold) and same_lock(hold.taken.lock, lock) for hold, _ in moment.held())
    )


def _begin(moment: Moment) -> int:
    return _at(moment.event)[0]


def _at(event: ir.Step) -> ir.Range:
    at: ir.Range = getattr(event, "at", (0, 0))
    return at


def _given_for_callers(analysis: Analysis, functions: Mapping[int, list[Moment]]) -> frozenset[str]:
    """The owners of locks that some function gives back which it did not take: it is for somebody else's sake.

    Not those that it takes again before it comes back; who calls a function that does nothing else gives it back.
    """
    found = set()
    for number, moments in functions.items():
        if analysis.only_releases(number):
            continue
        for moment, lock in (*_releases(moments), *_releases_by_call(analysis, moments)):
            held = any(same_lock(hold.taken.lock, lock) for hold, _ in moment.held())
            if not (held or _is_taken_behind(analysis, moment, lock)):
                found.add(lock.owner)
    return frozenset(found)


def _is_taken_behind(analysis: Analysis, moment: Moment, lock: ir.Lock) -> bool:
    """Whether a lock that is given back somewhere is taken again on a way from there: it is let go for a while."""
    at = _at(moment.event)
    for other in analysis.moments(moment.function):
        event = other.event
        if not isinstance(event, ir.Acquire) or event.at[0] <= at[0] or not same_lock(event.lock, lock):
            continue
        if lock.family == "semaphore" or any(is_mark(h) and h.taken.site.at == at for way in other.ways for h in way):
            return True
    return False


def _releases(moments: list[Moment]) -> Iterator[tuple[Moment, ir.Lock]]:
    for moment in moments:
        if isinstance(moment.event, ir.Release) and moment.event.lock is not None:
            yield moment, moment.event.lock


def _releases_by_call(analysis: Analysis, moments: list[Moment]) -> Iterator[tuple[Moment, ir.Lock]]:
    """The calls of functions that do nothing but give a lock back, with the lock as the caller knows it."""
    for moment in moments:
        event = moment.event
        if isinstance(event, ir.Invoke) and _gives_by_call(analysis, event):
            linked = analysis.program.linked(moment.function)
            if linked is not None:
                gives = analysis.summary(event.targets[0]).gives
                yield from ((moment, instantiate(lock, event, linked)) for lock in gives)


def _is_given_back_beside(analysis: Analysis, number: int, taken: Taken) -> bool:
    """Whether a function of the same module gives back, by hand, locks whose guards were forgotten: `force_unlock`."""
    names, field = analysis.effects(number).guard_releases, taken.lock.place.way[-1:]
    bodies = (analysis.program.body(other) for other in analysis.program.siblings(number))
    steps = (step for body in bodies if body is not None for step in ir.steps_of(body.root))
    calls = (step for step in steps if isinstance(step, ir.Call) and step.word in names)
    places = (call.operands[0].place for call in calls if call.operands)
    return any(place is not None and place.way[-1:] == field for place in places)


def _handed_on(analysis: Analysis, number: int, taken: Taken) -> bool:
    """Whether the function passes on how the lock is given back: `stack.callback(self.lock.release)`."""
    names = analysis.effects(number).gives_back
    place = taken.lock.place
    last = place.way[-1:] or (place.root[-1:] if isinstance(place.root, tuple) else ())
    given = (place.way for place in arguments(analysis, number) if place.way[-1:] and place.way[-1] in names)
    return any(not last or way[-2:-1] in ((), last) for way in given) or _taken_along(analysis, number, taken)


def _taken_along(analysis: Analysis, number: int, taken: Taken) -> bool:
    """Whether a function within the function passes the lock on: whoever runs it may give the lock back."""
    body, linked = analysis.program.body(number), analysis.program.linked(number)
    inner = [step.body for step in ir.steps_of(body.root) if isinstance(step, ir.Lambda)] if body is not None else []
    calls = [step for one in inner for step in ir.steps_of(one) if isinstance(step, ir.Call)]
    lock = taken.lock.place
    if isinstance(lock.root, tuple):  # (known by its full name, of which a call spells the end)
        names = (*lock.root, *lock.way)
        spelled = (call.callee.path[:-1] for call in calls if isinstance(call.callee, ir.Named))
        return any(name and name == names[-len(name) :] for name in spelled)
    places = (operand.place for call in calls for operand in call.operands if operand.place is not None)
    return linked is not None and any(oldest(place, linked.alias) == lock for place in places)
