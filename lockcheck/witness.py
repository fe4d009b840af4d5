"""From moments to what people read: notes in execution order, names of locks, findings.

In: `Moment`s, `Conflict`s.  Out: `Finding`s.
Never: decides whether something is a bug; that is a rule's file.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from lockcheck import ir
from lockcheck.analysis import Analysis, Hold, Moment, Reach, Site, Taken
from lockcheck.analysis.summaries import Stall, Wait
from lockcheck.analysis.ways import ELSEWHERE, STARTED
from lockcheck.finding import EVIDENCES, Confidence, Finding, LockRef, Note, Reached, Severity, graded
from lockcheck.questions.alive import Alive
from lockcheck.questions.conflict import Conflict, confidence, is_after_panic
from lockcheck.questions.inlined import calls_to
from lockcheck.questions.reached import Ways, function_at, path, ways
from lockcheck.questions.sudden import Sudden
from lockcheck.rule import Meta
from lockcheck.source import Span

_VARIABLE = re.compile(r"\(\)#[\d.]+")
"""Which variable of a function it is, in the name of a lock: the function's number and the slot's."""
_TAKEN = {"exclusive": "guard", "write": "write guard", "read": "read guard", "upgradable": "upgradable guard"}
_TAKES = {
    "exclusive": "taken",
    "write": "taken for writing",
    "read": "taken for reading",
    "upgradable": "taken upgradably",
}


def lock_ref(analysis: Analysis, number: int, taken: Taken | Reach) -> LockRef:
    """The lock as people name it, seen from a function."""
    lock = taken.lock
    return LockRef(analysis.lock_name(number, lock), owner_name(lock.owner), lock.kind, taken.mode)


def owner_name(owner: str) -> str:
    """`crate::module::Catalog.load` for people: `Catalog.load`."""
    return owner.rpartition("::")[2]


def short_names(owners: Iterable[str]) -> dict[str, str]:
    """For each lock in full its name for people: the last part, with so many before it that no two locks share it."""
    parts, names = {owner: _VARIABLE.sub("()", owner).split("::") for owner in owners}, dict[str, str]()
    for many in range(1, 1 + max(map(len, parts.values()), default=0)):
        ends = {owner: "::".join(path[-many:]) for owner, path in parts.items() if owner not in names}
        known = Counter((*names.values(), *ends.values()))
        names.update((owner, end) for owner, end in ends.items() if known[end] == 1)
    return {owner: names.get(owner, owner) for owner in parts}


def taken_notes(analysis: Analysis, moment: Moment, hold: Hold) -> list[Note]:
    """Where the guard was taken, through which calls, and why it is still alive."""
    taken = hold.taken
    name = analysis.lock_name(moment.function, taken.lock)
    reason = analysis.reason(moment, hold)
    why = f"; {reason}" if reason else ""
    if analysis.site(moment) == taken.site:
        why = f" in the round before, which does not give it back{why}"
    if is_after_panic(moment, hold):
        why = f"{why}; where its last holder panicked, the error keeps it"
    notes = [Note(analysis.span(taken.site), f"{_TAKEN[taken.mode]} of `{name}` taken here{why}", "guard taken here")]
    for site in taken.inner:
        notes.append(Note(analysis.span(site), f"which `{analysis.title(site.function)}` takes here", "taken here"))
    return notes


def _calls_on(analysis: Analysis, site: Site) -> Note:
    title = analysis.title(site.function)
    return Note(analysis.span(site), f"`{title}` calls on here", f"via {title}")


def _runs(analysis: Analysis, site: Site) -> Note:
    return Note(analysis.span(site), "the closure is called here", "the closure is called here")


def _what_is_kept(act: ir.Act) -> str:
    """A callable without a name, for people: by the field that keeps it."""
    return f"what `{act.owner.rpartition('.')[2].partition('[')[0]}` keeps"


def _waits(analysis: Analysis, site: Site, lock: str, mode: str) -> Note:
    title = analysis.title(site.function)
    return Note(analysis.span(site), f"`{title}` waits for `{lock}` here", f"{_TAKES[mode]} via {title}")


def reach_notes(analysis: Analysis, reach: Reach) -> list[Note]:
    """The calls on the way to an acquisition, then the acquisition, for a reach through at least one call."""
    notes = []
    for site in reach.trace[1:]:
        notes.append(_calls_on(analysis, site))
    name = analysis.lock_name(reach.site.function, reach.lock)
    if reach.trace:
        notes.append(_waits(analysis, reach.site, name, reach.mode))
    return notes


def wait_notes(analysis: Analysis, wait: Wait | Stall, does: str, label: str) -> list[Note]:
    """The calls on the way to where a callee waits, then the place itself, for a wait through at least one call."""
    notes = [_calls_on(analysis, site) for site in wait.trace[1:]]
    if wait.trace:
        last = f"`{analysis.title(wait.site.function)}` {does} here"
        notes.append(Note(analysis.span(wait.site), last, label))
    return notes


def event_span(analysis: Analysis, moment: Moment) -> Span:
    """The primary place of an event: the callee's name, the method that takes the lock, the word that waits."""
    whole: ir.Range = getattr(moment.event, "at", (0, 0))
    at: ir.Range = getattr(moment.event, "name_at", whole)
    return analysis.span(Site(moment.function, at))


def reached(analysis: Analysis, finding: Finding) -> Reached | None:
    """How input from outside gets to a finding, if one of the functions of its witness is reached by it."""
    found = analysis.once(_data_plane)
    for span in (finding.span, *(note.span for note in finding.notes)) if found else ():
        number = function_at(analysis, span)
        if number is None or number not in found:
            continue
        entry = found[number].entry
        title, at = analysis.title(entry), analysis.program.functions[entry][1].name_at
        calls = [_calls_on(analysis, site) for site in path(found, number)]
        first = Note(analysis.span(Site(entry, at)), f"input from outside comes in at `{title}`", "input comes in")
        return Reached(title, (first, *calls))
    return None


def _data_plane(analysis: Analysis) -> Ways:
    return ways(analysis, analysis.asked.data_plane)


def of_conflict(
    analysis: Analysis,
    slug: str,
    meta: Meta,
    conflict: Conflict,
    message: str,
    help_: str,
    severity: Severity | None = None,
) -> Finding:
    """The finding for a conflict. `message` may use {lock}, {via}, {event} and {who}, that waits."""
    moment, reach, taken = conflict.moment, conflict.reach, conflict.hold.taken
    name = analysis.lock_name(moment.function, taken.lock)
    word = getattr(moment.event, "name", "")
    called = f"`{word}`" if word or not isinstance(moment.event, ir.Act) else _what_is_kept(moment.event)
    via = f" through {called}" if reach.trace else ""
    guessed = "named" in (taken.lock.evidence, reach.lock.evidence) or not reach.certain
    weak = guessed or is_after_panic(moment, conflict.hold)
    grade = severity or meta.severity
    runs = (_runs(analysis, site) for site in calls_to(analysis, moment, taken.site))
    before = (*taken_notes(analysis, moment, conflict.hold), *_one_lock(analysis, conflict, name), *runs)
    evidence = min((taken.lock.evidence, reach.lock.evidence), key=EVIDENCES.index)
    return Finding(
        code=meta.code,
        slug=slug,
        severity="warning" if weak and grade == "error" else grade,
        confidence=confidence(analysis, conflict),
        evidence=evidence,
        span=event_span(analysis, moment),
        message=message.format(lock=name, via=via, event=called, who=reach.lock.waits),
        function=analysis.title(moment.function),
        lock=LockRef(name, owner_name(reach.lock.owner), reach.lock.kind, reach.mode),
        label=f"{_TAKES[reach.mode]} again{via}",
        help=help_,
        notes=(*before, *reach_notes(analysis, reach)),
        notes_before=len(before),
    )


def _one_lock(analysis: Analysis, conflict: Conflict, name: str) -> Iterator[Note]:
    """By what the wanted lock is the held one, where it goes by another name."""
    wanted = analysis.lock_name(conflict.moment.function, conflict.reach.lock)
    one = f"`{name}` and `{wanted}` are one lock"
    if conflict.maker is not None:
        unit, function = analysis.program.functions[conflict.maker]
        said = f"{one}: `{analysis.title(conflict.maker)}` puts it into both"
        yield Note(Span(unit.path, *function.name_at), said, "one lock for both")
    if conflict.caller is not None:
        said = f"{one} where `{analysis.title(conflict.caller.function)}` calls it"
        yield Note(event_span(analysis, conflict.caller), said, "called for that one here")


def of_taken(
    analysis: Analysis, slug: str, meta: Meta, moment: Moment, event: ir.Acquire, message: str, help_: str
) -> Finding:
    """The finding for an acquisition as such. `message` may use {lock}."""
    lock = event.lock
    name = analysis.lock_name(moment.function, lock)
    return Finding(
        code=meta.code,
        slug=slug,
        severity=meta.severity,
        confidence=graded(lock.evidence),
        evidence=lock.evidence,
        span=event_span(analysis, moment),
        message=message.replace("{lock}", name),
        function=analysis.title(moment.function),
        lock=LockRef(name, owner_name(lock.owner), lock.kind, event.mode),
        label=f"{_TAKES[event.mode]} here",
        help=help_,
    )


def of_sudden(analysis: Analysis, slug: str, meta: Meta, one: Sudden, message: str, help_: str, title: str) -> Finding:
    """The finding for what runs in the middle of anything else and takes a lock. `message` may use {lock}."""
    lock, notes = one.reach.lock, list[Note]()
    name, plain = analysis.lock_name(one.function, lock), one.reach.certain and not one.reach.spread
    among_many = any(part.startswith("[") for part in lock.place.way)
    nobodys = lock.place.root in (ELSEWHERE, STARTED) and not lock.owner  # (its own object's nobody else has by then)
    if one.registered is not None:
        notes.append(Note(analysis.span(one.registered), f"{title} is registered here", "registered here"))
    for site in one.way:
        last = site == one.reach.site
        notes.append(_waits(analysis, site, name, one.reach.mode) if last else _calls_on(analysis, site))
    return Finding(
        code=meta.code,
        slug=slug,
        severity=meta.severity,
        confidence=graded(lock.evidence, sure=False) if plain and not nobodys and not among_many else "possible",
        evidence=lock.evidence,
        span=analysis.span(one.first),
        message=message.replace("{lock}", name),
        function=analysis.title(one.first.function),
        lock=LockRef(name, owner_name(lock.owner), lock.kind, one.reach.mode),
        label="comes to the lock",
        help=help_,
        notes=tuple(notes),
    )


def of_waiting(analysis: Analysis, slug: str, meta: Meta, number: int, wait: Wait, message: str, help_: str) -> Finding:
    """The finding for a function that runs in the middle of anything else and waits there. `message` may use {why}."""
    first = (*wait.trace, wait.site)[0]
    return Finding(
        code=meta.code,
        slug=slug,
        severity="warning",
        confidence="possible",
        evidence="declared" if wait.certain else "named",
        span=analysis.span(first),
        message=message.replace("{why}", wait.why),
        function=analysis.title(number),
        label="waits",
        help=help_,
        notes=tuple(wait_notes(analysis, wait, wait.why, "waits here")),
    )


def of_hold(
    analysis: Analysis,
    slug: str,
    meta: Meta,
    moment: Moment,
    hold: Hold,
    span: Span,
    message: str,
    help_: str,
    grade: Confidence,
    label: str,
    notes: tuple[Note, ...] = (),
) -> Finding:
    """The finding for a guard that is alive at an event. `message` may use {lock}."""
    taken = hold.taken
    name = analysis.lock_name(moment.function, taken.lock)
    return Finding(
        code=meta.code,
        slug=slug,
        severity=meta.severity,
        confidence=grade,
        evidence=taken.lock.evidence,
        span=span,
        message=message.replace("{lock}", name),
        function=analysis.title(moment.function),
        lock=lock_ref(analysis, moment.function, taken),
        label=label,
        help=help_,
        notes=notes,
        lints=meta.lints_of(taken.lock.family),
    )


def of_alive(analysis: Analysis, slug: str, meta: Meta, alive: Alive, message: str, help_: str) -> Finding:
    """The finding for a guard that a head keeps alive, at its acquisition. `message` may use {lock} and {event}."""
    moment, taken = alive.moment, alive.hold.taken
    name = analysis.lock_name(moment.function, taken.lock)
    said = alive.why
    if alive.reach is not None:
        said = f"takes `{analysis.lock_name(moment.function, alive.reach.lock)}`"
    there = Note(event_span(analysis, moment), f"still held here, where the code {said}", "still held here")
    notes = [*taken_notes(analysis, moment, alive.hold), there]
    if alive.reach is not None:
        notes += reach_notes(analysis, alive.reach)
    return of_hold(
        analysis,
        slug,
        meta,
        moment,
        alive.hold,
        analysis.span(taken.site),
        message.format(lock=name, event=said),
        help_,
        graded(taken.lock.evidence, sure=False),
        "guard taken here",
        tuple(notes),
    )
