"""Acquisitions that wait for a guard which the same thread holds.

In: an `Analysis`.  Out: `Conflict`s, each one guard and one event that comes to hang on it.
Never: words for people.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import takewhile
from typing import Literal, NamedTuple

from msgspec.structs import replace

from lockcheck import ir
from lockcheck.analysis import Analysis, Hold, Moment, Reach
from lockcheck.analysis.summaries import given_as, lets_in
from lockcheck.analysis.ways import ELSEWHERE, GIVEN, STARTED, Fact, Facts, Taken, below, common
from lockcheck.finding import CONFIDENCES, Confidence
from lockcheck.linker import Linked, parts_of_owner
from lockcheck.linker.shared import may_be_one
from lockcheck.questions.classes import leaves_class
from lockcheck.questions.newborn import is_newborn
from lockcheck.questions.passed import passed
from lockcheck.questions.unwritten import is_never_written
from lockcheck.questions.waited import has_waited

Kind = Literal["twice", "read-then-write", "write-then-read", "nested-read"]
_WAITS = (ir.Block, ir.Suspend)
_ORDER: tuple[Kind, ...] = ("twice", "read-then-write", "write-then-read", "nested-read")


class Conflict(NamedTuple):
    """`reach` needs what `hold` keeps from it. `sure`: the guard is held on every way to the event.

    `joins`: a thread needs it that the event's callee waits for. `maker`: the two are parts of one value, and this
    function, that makes such values, puts one lock into both. `asked`: what must be true, and is not known to be,
    for the event to come to the lock on any way. `caller`: the call by which the two are one.
    """

    kind: Kind
    moment: Moment
    hold: Hold
    sure: bool
    reach: Reach
    joins: bool = False
    maker: int | None = None
    asked: Facts = frozenset()
    caller: Moment | None = None

    @property
    def by(self) -> Literal["call", "end", "wait"]:
        """What comes to hang: what is written here, a value's end, or a thread that is waited for."""
        event = self.moment.event
        if self.joins or isinstance(event, _WAITS):
            return "wait"
        return "end" if isinstance(event, ir.Invoke) and event.implicit else "call"


def same_lock(one: ir.Lock, other: ir.Lock) -> bool:
    """Whether both names mean one lock for the function that sees them."""
    if one.place != other.place:
        return False
    root, way = one.place.root, one.place.way
    return "[?]" not in way and ir.ALL not in way and not _is_elsewhere(root)


def _is_elsewhere(root: int | ir.Path) -> bool:
    """Whether nobody says which value is at the root of a place."""
    return isinstance(root, tuple) and root[0] in (*ELSEWHERE, "[parameter]", "[unknown]")


def is_alike(moment: Moment, held: ir.Lock, other: ir.Lock) -> bool:
    """Whether the locks are of one owner, as a rule the same one, though nobody says of which instance.

    So it is where a value ends: it was made for the one whose lock it takes. And where an element of what a lock guards
    leads by a field to a lock of that owner; an element of the owner's own type has another, further down a tree.
    """
    if not held.owner or held.owner != other.owner:
        return False
    inside, way = held.place.way, other.place.way
    if isinstance(moment.event, ir.Invoke) and moment.event.implicit:
        return True
    if held.place.root != other.place.root or way[: len(inside)] != inside:
        return False
    between = way[len(inside) : -1]
    last = max((number for number, part in enumerate(between) if part.startswith("[")), default=len(between))
    return between[:1] == ("*",) and any(part.isidentifier() for part in between[last:])


def is_only_one(analysis: Analysis, moment: Moment, held: ir.Lock, reach: Reach) -> bool:
    """Whether a call leads by another way to a lock of an owner of which there seems to be one object only.

    Every call on the way is resolved: this is one guess, and two are none. Two objects that lie side by side
    (`left.rows` and `right.rows`) are two.
    """
    other = reach.lock
    if not held.owner or held.owner != other.owner or not reach.certain or not isinstance(moment.event, ir.Invoke):
        return False
    last = analysis.program.parameters(moment.function)
    made_here = any(isinstance(p.root, int) and p.root >= last for p in (held.place, other.place))
    from_static = isinstance(other.place.root, tuple) and isinstance(held.place.root, int)
    beside = not from_static and len(other.place.way) < len(held.place.way) + 2
    return not made_here and not beside and analysis.program.is_single(held.owner)


def maker_of_both(analysis: Analysis, moment: Moment, held: ir.Lock, other: ir.Lock) -> int | None:
    """What puts one lock into two parts of a value (`self.db` and `self.runner.db`); None where nothing is known to."""
    if held.kind != other.kind or held.place.root != other.place.root or _is_elsewhere(held.place.root):
        return None
    one, two = held.place.way, other.place.way
    base = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, two, strict=False)))
    first, second = one[base:], two[base:]
    if not (held.owner and other.owner and first and second and all(map(_is_field, (*first, *second)))):
        return None
    path = _whole(analysis, moment, held, first) or _whole(analysis, moment, other, second)
    if path is None or not may_be_one(analysis.program, held.owner, other.owner):
        return None
    for number in analysis.program.constructors(path):
        analysis.linked(number)
    return analysis.program.makes_one(path, first, second)


def _whole(analysis: Analysis, moment: Moment, lock: ir.Lock, way: ir.Path) -> ir.Path | None:
    """The type of the value from which a way leads to a lock: what declares its field, or whose method this is."""
    if len(way) == 1:
        return parts_of_owner(lock.owner)[0]
    function = analysis.program.functions[moment.function][1]
    owner = analysis.program.types.context(moment.function).owner
    mine = function.takes_self and lock.place.root == 0 and way == lock.place.way
    return owner.path if mine and owner is not None else None


def _is_field(part: str) -> bool:
    return part.isidentifier() or part.isdigit()


def is_among(analysis: Analysis, moment: Moment, taken: Taken, other: ir.Lock) -> bool:
    """Whether a loop, here or in a callee, comes to the locks of all elements of a list, one of which is held and still
    in the list.
    """
    linked, held, site = analysis.program.linked(moment.function), taken.lock.place, taken.site
    if linked is None or not (linked.of_all or ir.ALL in other.place.way):
        return False
    event = moment.event
    here = linked.of_all.get(event.at) if isinstance(event, (ir.Acquire, ir.Invoke)) else None
    every = here.of(other.place) if here is not None and here.of(held) is None else None
    around = linked.of_all.get(site.at) if site.function == moment.function else None
    mine = around.of(held) if around is not None and around != here else None
    return _is_one_of(mine or held, every or other.place) and _is_still_there(linked, held)


def _is_still_there(linked: Linked, held: ir.Place) -> bool:
    """Whether an element that a place is in is told, and is in its container as far as the function says."""
    containers = (ir.Place(held.root, held.way[:cut]) for cut in range(len(held.way)))
    return "[?]" not in held.way and linked.removed.isdisjoint(held.way) and linked.thinned.isdisjoint(containers)


def _is_one_of(mine: ir.Place, every: ir.Place) -> bool:
    """Whether a place is in one element of a list where another is in every one."""
    if ir.ALL not in every.way or mine.root != every.root or len(mine.way) != len(every.way):
        return False
    pairs = zip(mine.way, every.way, strict=True)
    return all(one == other or (other == ir.ALL and one.startswith("[")) for one, other in pairs)


ALONE = ("exclusive", "write")
"""The modes in which nobody else has the lock meanwhile."""


def kind_of(held: str, wanted: str, lock: ir.Lock, recursive: bool) -> Kind | None:
    """How the wanted mode hangs on the held one; None where it does not."""
    if lock.family == "reentrant" or (lock.family == "semaphore" and not lock.single):
        return None
    if (held in ALONE and wanted in ALONE) or held == wanted == "upgradable":
        return "twice"
    if wanted in ALONE:
        return "read-then-write"
    if held in ALONE:
        return "write-then-read"
    if held == "upgradable":
        return None
    waits_for_writers = lock.family == "rwlock" and not recursive and not lock.kind.startswith("spin")
    return "nested-read" if waits_for_writers or lock.family == "watch" else None


def keeps_out(taken: Taken, mode: str) -> bool:
    """Whether another thread that wants the lock of a guard in a mode waits for its end."""
    family = "mutex" if taken.lock.family == "reentrant" else taken.lock.family
    return kind_of(taken.mode, mode, replace(taken.lock, family=family), False) not in (None, "nested-read")


def conflicts(analysis: Analysis) -> list[Conflict]:
    """One conflict for each event, the worst; for each guard and callee only the first call."""
    return analysis.once(_listed)


def _listed(analysis: Analysis) -> list[Conflict]:
    return list(_conflicts(analysis))


def _conflicts(analysis: Analysis) -> Iterator[Conflict]:
    seen: set[tuple[object, ...]] = set()
    for moment in analysis:
        if not any(moment.ways) or not isinstance(moment.event, (ir.Acquire, ir.Invoke, ir.Convert, ir.Act, *_WAITS)):
            continue
        found = [*_of(analysis, moment, False)] or [*_of(analysis, moment, isinstance(moment.event, ir.Invoke))]
        if not found:
            continue
        worst = min(found, key=_rank)
        event, taken = moment.event, worst.hold.taken
        again = event.name if isinstance(event, ir.Invoke) else event.at
        key = (taken.site, worst.kind, again)  # (a closure that is called for several locks is one text)
        if key not in seen:
            seen.add(key)
            known = common(moment.ways)
            yield worst._replace(asked=frozenset.intersection(*(one.reach.when for one in found)) - known)


def _of(analysis: Analysis, moment: Moment, joins: bool) -> Iterator[Conflict]:
    """The conflicts of an event, or (`joins`) of threads that its callee waits for."""
    for reach, held in moment.met(analysis.reaches(moment, joins)):
        for hold, sure in held:
            found = _conflict(analysis, moment, hold, sure, reach, joins)
            if found is not None:
                yield found


def _rank(conflict: Conflict) -> tuple[object, ...]:
    """The conflict that an event is reported for: the surest and worst, then that of the oldest guard."""
    reach = conflict.reach
    return (not reach.certain, _ORDER.index(conflict.kind), len(reach.trace), conflict.hold.taken.site, reach.site)


def _conflict(analysis: Analysis, moment: Moment, hold: Hold, sure: bool, reach: Reach, joins: bool) -> Conflict | None:
    taken = hold.taken
    same = same_lock(taken.lock, reach.lock) or is_among(analysis, moment, taken, reach.lock)
    caller = _passed(analysis, moment, taken.lock, reach) if not same else None
    met = (
        same
        or caller is not None
        or _met_elsewhere(hold, reach)
        or is_only_one(analysis, moment, taken.lock, reach)
        or is_alike(moment, taken.lock, reach.lock)
    )
    maker = maker_of_both(analysis, moment, taken.lock, reach.lock) if not met else None
    if not (met or maker is not None) or _handed_over(moment, hold, reach) or is_freed(hold, reach):
        return None
    if lets_in(reach.when) and not isinstance(moment.event, _WAITS):  # (who is waited for is somebody else)
        return None
    if is_signal(analysis, moment, hold) or _is_of_another_class(analysis, moment, hold, reach):
        return None
    if leaves_class(analysis, moment, reach):
        return None
    if not excludes_others(analysis, moment.function, taken.lock, taken.by_hand):
        return None
    lock = _as_known(analysis, moment, hold, reach)
    if (joins or isinstance(moment.event, _WAITS)) and lock.family == "reentrant":
        lock = replace(lock, family="mutex")  # it lets its holder in again, and no other thread
    kind = kind_of(taken.mode, reach.mode, lock, reach.recursive)
    return Conflict(kind, moment, hold, sure, reach, joins, maker, caller=caller) if kind is not None else None


def _passed(analysis: Analysis, moment: Moment, held: ir.Lock, reach: Reach) -> Moment | None:
    """The call that gives this function the variable by which it comes to the lock again; see `passed`."""
    variable = isinstance(reach.lock.place.root, tuple) and same_lock(reach.lock, reach.lock)
    return passed(analysis, moment.function, held, reach.lock) if variable and reach.certain else None


def is_signal(analysis: Analysis, moment: Moment, hold: Hold) -> bool:
    """Whether a function made the lock itself and takes it by name again: somebody else gives it back as a signal."""
    root, way = hold.taken.lock.place.root, hold.taken.lock.place.way
    again = isinstance(moment.event, ir.Acquire) and moment.event.by_hand and hold.taken.by_hand
    return again and isinstance(root, int) and not way and root >= analysis.program.parameters(moment.function)


def is_given_elsewhere(analysis: Analysis, conflict: Conflict) -> bool:
    """Whether the lock is taken by name, and code beside who takes it gives it back by name without having taken it.

    So threads use a lock to wait for each other; a pair of methods that lock and unlock looks the same, but where one
    call comes to its own lock again in a loop.
    """
    event, taken = conflict.moment.event, conflict.hold.taken
    again = isinstance(event, ir.Invoke) and event.at == taken.site.at
    if not ((again or isinstance(event, ir.Acquire)) and taken.by_hand and taken.lock.family == "mutex"):
        return False
    beside = again or (isinstance(event, ir.Acquire) and event.by_hand)
    takes = {conflict.moment.function, *(site.function for site in taken.inner[-1:])}
    return any(_others_give(analysis, number, taken.lock, beside) for number in sorted(takes))


def excludes_others(analysis: Analysis, number: int, lock: ir.Lock, by_hand: bool) -> bool:
    """Whether a function that takes a lock keeps others out by it.

    A semaphore's only permit may as well be a signal: then a function takes it `by_hand` without giving it back, or
    others give it that have not taken it.
    """
    if lock.family != "semaphore":
        return True
    returned = not by_hand or any(_gives(step, lock) for step in ir.steps_of(analysis.bodies(number)[0]))
    return lock.single and returned and not _others_give(analysis, number, lock, True)


def _others_give(analysis: Analysis, number: int, lock: ir.Lock, beside: bool) -> bool:
    """Whether closures of a function, or (`beside`) functions of its module, give back a lock they did not take."""
    bodies = analysis.bodies(number)
    inner = [step.body for one in bodies for step in ir.steps_of(one) if isinstance(step, ir.Lambda)]
    if any(_gives(step, lock) for one in (*inner, *bodies[1:]) for step in ir.steps_of(one)):
        return True
    others = analysis.program.siblings(number) if beside and lock.owner else ()
    found = (other for one in others if one != number for other in analysis.moments(one) if _gives(other.event, lock))
    return any(all(hold.taken.lock.owner != lock.owner for hold, _ in other.held()) for other in found)


def is_only_tried(analysis: Analysis, taken: Taken) -> bool:
    """Whether nobody waits for a lock: who took it only tried to, and so does all in his module that takes it."""
    if not (taken.optional and taken.lock.owner):
        return False
    beside = analysis.program.siblings((taken.inner[-1] if taken.inner else taken.site).function)
    events = (moment.event for one in beside for moment in analysis.moments(one))
    mine = (one for one in events if isinstance(one, ir.Acquire) and one.lock.owner == taken.lock.owner)
    return all(one.fallible for one in mine)


def _gives(step: ir.Step, lock: ir.Lock) -> bool:
    given = step.lock if isinstance(step, ir.Release) else None
    return given is not None and (given.place == lock.place or (bool(lock.owner) and given.owner == lock.owner))


def is_freed(hold: Hold, reach: Reach) -> bool:
    """Whether the guard's lock is given back by name on the way to the acquisition."""
    return any(lock.place == hold.taken.lock.place for lock in reach.freed)


def _as_known(analysis: Analysis, moment: Moment, hold: Hold, reach: Reach) -> ir.Lock:
    """The wanted lock; where a callee knew it by its name only, as the function that holds it knows it."""
    lock, mine = reach.lock, hold.taken.lock
    if lock.evidence != "named":
        return lock
    told = mine.evidence != "named" or mine.family == "reentrant"
    family = mine.family if told else analysis.family_of_own(moment.function, lock.place)
    return replace(lock, family=family) if family else lock


def _is_of_another_class(analysis: Analysis, moment: Moment, hold: Hold, reach: Reach) -> bool:
    """Whether one of several callees wants a field of a class that the object whose lock is held cannot be of."""
    one, other = hold.taken.lock, reach.lock
    named = reach.spread and same_lock(one, other) and one.owner and other.owner
    return bool(named) and not analysis.in_one_object(moment.function, one.owner, other.owner)


def _met_elsewhere(hold: Hold, reach: Reach) -> bool:
    """Whether a thread that is waited for, started by another function, needs the lock: told by the owner."""
    lock = reach.lock
    return lock.place.root == STARTED and bool(lock.owner) and lock.owner == hold.taken.lock.owner


def _handed_over(moment: Moment, hold: Hold, reach: Reach) -> bool:
    """Whether the guard goes into the call and is given back there before the acquisition."""
    event = moment.event
    if isinstance(event, ir.Convert):
        return below(hold.holder, event.src) or event.mode not in ALONE
    number = given_as(event, hold) if isinstance(event, ir.Invoke) else -1
    return number >= 0 and number not in reach.beside


def let_go(moment: Moment, hold: Hold, reach: Reach) -> bool:
    """The same, where the callee knows of the guard: when a closure has run that has captured it, nobody says."""
    event = moment.event
    captured = isinstance(event, ir.Invoke) and given_as(event, hold) in [number for number, _, _ in event.lambdas]
    return not captured and _handed_over(moment, hold, reach)


def is_after_panic(moment: Moment, hold: Hold) -> bool:
    """Whether a guard is in the error that a lock gives whose last holder panicked: what was asked for is missing."""
    known = [facts for way, facts in moment.ways.items() if hold in way]
    return bool(known) and all(any(_is_missing(fact, hold.holder) for fact in facts) for facts in known)


def _is_missing(fact: Fact, holder: ir.Place) -> bool:
    return not fact.truth and not fact.value and below(holder, fact.place)


def is_told_by_owner(conflict: Conflict) -> bool:
    """Whether only the owner says that both are one lock."""
    held, other = conflict.hold.taken.lock, conflict.reach.lock
    told = conflict.maker is not None or conflict.caller is not None
    seen = same_lock(held, other) or _is_one_of(held.place, other.place) or told
    return not seen and isinstance(conflict.moment.event, (ir.Invoke, ir.Acquire))


def _may_let_readers_in(analysis: Analysis, conflict: Conflict) -> bool:
    """Whether a second reader may not have to wait: nobody writes, or nobody says that a writer goes before readers.

    A lock that is a type of the tree may as well have its writers wait for all readers that come.
    """
    lock = conflict.reach.lock
    own = analysis.program.types.own.has_kind(lock.kind)
    return own or is_never_written(analysis, conflict.moment.function, lock)


def nobody_else_has(analysis: Analysis, conflict: Conflict) -> bool:
    """Whether the function has just made what the lock is in, and shown it to nobody yet."""
    moment = conflict.moment
    return is_newborn(analysis, moment.function, conflict.hold.taken.lock.place, analysis.site(moment).at)


def _given_value(analysis: Analysis, conflict: Conflict) -> bool:
    """Whether a field that must be missing or false, or answer so and so, was given something before.

    The function may have done it, or what it calls.
    """
    if any(GIVEN in fact.place.way for fact in conflict.asked):
        return True
    names = {name for fact in conflict.asked if (name := _hardly(fact)).isidentifier()}
    before = takewhile(lambda one: one is not conflict.moment.event, _steps(analysis, conflict.moment.function))
    for step in before if names else ():
        called = step.targets if isinstance(step, ir.Invoke) else ()
        for one in (step, *(inner for target in called for inner in _steps(analysis, target))):
            if isinstance(one, ir.Move) and one.src not in (ir.NONE, ir.NO) and {*one.dst.way[-1:]} & names:
                return True
    return False


def _hardly(fact: Fact) -> str:
    """The name of a field of which a fact would hardly be true once it has some value; empty where there is none."""
    way = fact.place.way
    if way[-1:] and way[-1].startswith("("):  # (an answer that depends on it)
        return way[-2]
    return way[-1] if way and fact.is_missing else ""


def _steps(analysis: Analysis, number: int) -> Iterator[ir.Step]:
    linked = analysis.program.linked(number)
    return ir.steps_of(linked.root, closures=False) if linked is not None else iter(())


def confidence(analysis: Analysis, conflict: Conflict) -> Confidence:
    """How sure the finding is: by the evidence that it is a lock, by the calls' resolution, by the ways.

    Fields of which nothing is known may decide on the way; one that was given a value is hardly missing.
    In a test nothing is: one that hangs is seen to hang by who runs it, so what is left is what data keeps apart.
    """
    taken, reach = conflict.hold.taken, conflict.reach
    by_fields = any(fact.place.way for fact in conflict.asked)
    if "named" in (taken.lock.evidence, reach.lock.evidence):
        both_plain = taken.mode == reach.mode == "exclusive" and not reach.trace
        of_both = {taken.mode, reach.mode} == {"read", "write"} and reach.lock.kind == ir.SOME_LOCK
        grade = 1 if both_plain or of_both else 0  # (what is known, and not called a lock, may keep versions)
    else:
        grade = 2 if {taken.lock.evidence, reach.lock.evidence} == {"declared"} else 1
    started = reach.lock.place.root == STARTED  # (who keeps a thread's handle has mostly started it)
    by_owner = is_told_by_owner(conflict) and not started
    if (reach.trace and not reach.certain) or by_owner or is_given_elsewhere(analysis, conflict):
        grade = 0
    if grade and conflict.kind == "nested-read" and _may_let_readers_in(analysis, conflict):
        grade = 0
    if grade and _given_value(analysis, conflict):
        grade = 0
    if grade and conflict.by == "wait" and has_waited(analysis, conflict.moment, conflict.hold):
        grade = 0
    of_many = any(part.startswith("[") or part.endswith("()") for part in taken.lock.place.way)
    doubtful = not conflict.sure or conflict.maker is not None or reach.spread or of_many or by_fields
    if doubtful or is_after_panic(conflict.moment, conflict.hold):
        grade = min(grade, 1)
    return CONFIDENCES[grade if not analysis.of_tests(conflict.moment.function) else 0]
