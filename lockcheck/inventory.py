"""What locks there are and in which order they are taken, as plain values for the reports.

In: an `Analysis`, the languages' tables, the positions of offsets.  Out: `Inventory`, `OrderGraph`.
Never: decides whether something is a bug; opens a file; words of a report.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from msgspec import Struct, field

from lockcheck import ir
from lockcheck.analysis import Analysis, Moment, Site, Taken
from lockcheck.effects import Effects, LockType
from lockcheck.linker import Program
from lockcheck.linker.judged import names_function
from lockcheck.questions.cycles import Cycle, cycles, graph
from lockcheck.questions.edges import Edge
from lockcheck.questions.reached import Taking, Ways, path, takings, ways
from lockcheck.report.graph import Box, EdgePlace, OrderEdge, OrderGraph
from lockcheck.report.inventory import Inventory, LockEntry, Section, Seen, Spot
from lockcheck.report.reached import MissedLock, ReachedLock, Step, Touched
from lockcheck.source import Position, Span
from lockcheck.witness import event_span, owner_name, short_names

PLACES = 3
"""Of the places of one sort the first so many are kept."""

At = Callable[[str, int], Position]
"""The line and column of a byte offset in the file with this path."""


def inventory(analysis: Analysis, tables: Mapping[str, Effects], at: At) -> Inventory:
    """Every lock that is a field or a static of the tree, by owner, with what is done with it.

    `tables` says by language which types are locks.
    """
    book = _Book(analysis, at)
    declared = {owner: (kind, span) for owner, kind, span in _declared(analysis.program, tables)}
    for owner, (kind, _) in declared.items():
        if kind:
            book.locks[owner].kind = kind
    for moment in analysis:
        book.see(moment)
    for owner in book.locks.keys() & declared.keys():
        book.locks[owner].declared = _spot(declared[owner][1], at)
    names = short_names(book.locks)
    return Inventory(tuple(book.entry(owner, names) for owner in sorted(book.locks)), len(book.others))


# ---------------------------------------------------------------------------------------------------- declarations


def _declared(program: Program, tables: Mapping[str, Effects]) -> Iterator[tuple[str, str, Span]]:
    """The fields and statics: (owner, kind, where); the kind is empty where the type is not known to be a lock's."""
    for unit in program.units:
        effects = tables[unit.language]
        for decl in unit.types:
            if decl.kind in ("alias", "trait"):
                continue
            outer = ir.Type((*decl.module, decl.name), tuple(ir.Type((name,)) for name in decl.generics))
            for one in decl.fields:
                kind, owner = program.types.field(outer, one.name, effects)
                for part, lock in _locks_in(program, kind, effects):
                    yield f"{owner}.{one.name}{part}", lock.kind if lock is not None else "", Span(unit.path, *one.at)
        for static in unit.statics:
            kind = program.static_type(static.module, (static.name,), effects)
            name = "::".join((*static.module, static.name))
            for part, lock in _locks_in(program, kind, effects):
                yield name + part, lock.kind if lock is not None else "", Span(unit.path, *static.at)


def _locks_in(program: Program, kind: ir.Type | None, effects: Effects) -> Iterator[tuple[str, LockType | None]]:
    """The locks of a field by what stands behind its name: one, if any, but for tuples, whose parts have their own."""
    pair = next((one for one in program.types.behind(kind, effects) if one.path == ("[tuple]",)), None)
    if pair is None:
        yield "", _lock_in(program, kind, effects)
        return
    for number, part in enumerate(pair.args):
        yield from ((f".{number}{rest}", lock) for rest, lock in _locks_in(program, part, effects) if lock is not None)


def _lock_in(program: Program, kind: ir.Type | None, effects: Effects) -> LockType | None:
    """The lock that a type is, or is a collection of; nothing is looked for inside of guards and types of the tree."""
    last: ir.Type | None = None
    for last in program.types.behind(kind, effects):
        if program.types.is_guard(last, effects):
            return None
        lock = program.types.lock_type(last, effects)
        if lock is not None:
            inner = _lock_in(program, last.args[0], effects) if lock.family == "once" and last.args else None
            return inner or lock
    if last is None or last.path[-1] in ("[fn]", "[dyn]", "PhantomData") or last.path in program.names.types:
        return None
    found = (_lock_in(program, part, effects) for part in last.args)
    return next((lock for lock in found if lock is not None), None)


# ------------------------------------------------------------------------------------------------------- the moments


class _Record(Struct):
    """What is known of one lock so far; the places of an event by what it is called."""

    kind: str = ""
    declared: Spot | None = None
    taken: dict[str, set[Site]] = field(default_factory=lambda: defaultdict(set))
    ends: dict[Site, int] = field(default_factory=dict)
    acquired: dict[str, set[Site]] = field(default_factory=lambda: defaultdict(set))
    awaited: dict[str, set[Site]] = field(default_factory=lambda: defaultdict(set))
    called: dict[str, set[Site]] = field(default_factory=lambda: defaultdict(set))


class _Book(Struct):
    """All locks while the moments are read."""

    analysis: Analysis
    at: At
    locks: dict[str, _Record] = field(default_factory=lambda: defaultdict(_Record))
    others: set[Site] = field(default_factory=set)
    met: set[Taken] = field(default_factory=set)

    def see(self, moment: Moment) -> None:
        """Enter a moment under the lock that it takes and under those that are held."""
        event = moment.event
        if isinstance(event, ir.Acquire):
            self.take(event.lock, event.mode, Site(moment.function, event.at))
        elif isinstance(event, ir.Convert):
            for reach in self.analysis.reaches(moment):
                self.take(reach.lock, reach.mode, reach.site)
        held = [hold.taken for hold, _ in moment.held() if hold.taken.lock.owner]
        wanted = self.wanted(moment) if held else ()
        for taken in held:
            self.under(taken, moment, wanted)

    def take(self, lock: ir.Lock, mode: str, site: Site) -> None:
        """Enter an acquisition."""
        owner = lock.owner
        if not owner:
            self.others.add(site)
            return
        record = self.locks[owner]
        record.kind = record.kind or lock.kind
        record.taken["once" if lock.family == "once" else mode].add(site)
        record.ends.setdefault(site, site.at[1])

    def wanted(self, moment: Moment) -> Sequence[str]:
        """The owners of the locks that the moment's event asks for, whether or not it waits."""
        event = moment.event
        if isinstance(event, (ir.Convert, ir.Register)):
            return ()
        locks = [event.lock] if isinstance(event, ir.Acquire) else [r.lock for r in self.analysis.reaches(moment)]
        return [owner for lock in locks if (owner := lock.owner)]

    def under(self, taken: Taken, moment: Moment, wanted: Sequence[str]) -> None:
        """Enter an event under a lock that is held there; the wait for the lock itself is none."""
        event, record = moment.event, self.locks[taken.lock.owner]
        at: ir.Range = getattr(event, "at", taken.site.at)
        site = Site(moment.function, at)
        record.kind = record.kind or taken.lock.kind
        record.ends[taken.site] = max(record.ends.get(taken.site, taken.site.at[1]), at[1])
        for owner in wanted:
            record.acquired[owner].add(site)
        own = taken not in self.met and at[0] == taken.site.at[0]
        self.met.add(taken)
        if isinstance(event, ir.Suspend) and not own:
            record.awaited[self.analysis.title(moment.function)].add(site)
        name = self.callee(moment)
        if name:
            record.called[name].add(site)

    def callee(self, moment: Moment) -> str:
        """What a moment calls; empty where it is no call."""
        event = moment.event
        if isinstance(event, ir.Invoke):
            callee = self.analysis.callee(moment)
            return event.name if callee is None else self.analysis.title(callee)
        if isinstance(event, ir.Callback):
            linked = self.analysis.program.linked(moment.function)
            return linked.slots[event.slot].name if linked is not None else ""
        return event.name if isinstance(event, ir.Block) else ""

    # ---------------------------------------------------------------------------------------------------- results

    def entry(self, owner: str, names: Mapping[str, str]) -> LockEntry:
        """One lock's record as it is reported."""
        record = self.locks[owner]
        acquired = {names.get(other, owner_name(other)): sites for other, sites in record.acquired.items()}
        return LockEntry(
            names[owner], owner, record.kind, record.declared, self.seen(record.taken), self.longest(record),
            self.seen(acquired), self.seen(record.awaited), self.seen(record.called),
        )  # fmt: skip

    def seen(self, found: Mapping[str, set[Site]]) -> tuple[Seen, ...]:
        """The sorts of events, the most frequent first."""
        listed = [Seen(name, len(sites), tuple(self.spots(sites))) for name, sites in found.items()]
        return tuple(sorted(listed, key=lambda one: (-one.count, one.name)))

    def spots(self, sites: Iterable[Site]) -> Iterator[Spot]:
        """The first places, by path and offset."""
        for span in sorted(map(self.analysis.span, sites))[:PLACES]:
            yield _spot(span, self.at)

    def longest(self, record: _Record) -> Section | None:
        """The critical section over the most lines; the first of several."""
        sections = [self.section(site, end) for site, end in record.ends.items()]
        return min(sections, key=lambda one: (-one.lines, one.path, one.line, one.function), default=None)

    def section(self, site: Site, end: int) -> Section:
        """The lines from an acquisition to an offset behind its last event."""
        span = self.analysis.span(site)
        first, last = (self.at(span.path, offset).line for offset in (span.start, max(end - 1, span.start)))
        return Section(last - first + 1, self.analysis.title(site.function), span.path, first, last)


def _spot(span: Span, at: At) -> Spot:
    place = at(span.path, span.start)
    return Spot(span.path, place.line, place.column)


# ------------------------------------------------------------------------------------------------------ from entries


def touched(analysis: Analysis, tables: Mapping[str, Effects], at: At, pattern: str) -> Touched:
    """What the functions that a pattern names come to, and which locks of the tree they never touch."""
    program = analysis.program
    numbers = range(len(program.functions))
    entries = [number for number in numbers if names_function(pattern, program.full_name(number))]
    found = ways(analysis, entries)
    taken = takings(analysis, found)
    known = {entry.owner: entry for entry in inventory(analysis, tables, at).locks}
    names = short_names({*known, *taken})
    begun = tuple(_step(analysis, number, Site(number, program.functions[number][1].name_at), at) for number in entries)
    missed = (
        MissedLock(names[owner], owner, entry.kind, entry.declared)
        for owner, entry in known.items()
        if owner not in taken
    )
    reached = (_reached(analysis, names[owner], places[0], found, at) for owner, places in taken.items())
    return Touched(begun, tuple(reached), tuple(missed))


def _reached(analysis: Analysis, name: str, one: Taking, found: Ways, at: At) -> ReachedLock:
    number = one.site.function
    entry = found[number].entry
    start = _step(analysis, entry, Site(entry, analysis.program.functions[entry][1].name_at), at)
    calls = tuple(_step(analysis, site.function, site, at) for site in path(found, number))
    spot, title = _spot(analysis.span(one.site), at), analysis.title(number)
    return ReachedLock(name, one.lock.owner, one.lock.kind, one.mode, spot, title, one.apart, (start, *calls))


def _step(analysis: Analysis, number: int, site: Site, at: At) -> Step:
    spot = _spot(analysis.span(site), at)
    return Step(analysis.title(number), spot.path, spot.line, spot.column)


# -------------------------------------------------------------------------------------------------------- the order


def order(analysis: Analysis, at: At) -> OrderGraph:
    """Which lock is waited for under which, with the cycles that can hang."""
    found, hanging = graph(analysis), cycles(analysis)
    owners = {owner for held, after in found.items() for owner in (held, *after)}
    red = {(edge.held, edge.wanted) for cycle in hanging for edge in cycle.edges}
    edges = [
        OrderEdge(held, wanted, (held, wanted) in red, _places(analysis, alternatives, at))
        for held, after in sorted(found.items())
        for wanted, alternatives in sorted(after.items())
    ]
    return OrderGraph(tuple(sorted(short_names(owners).items())), tuple(edges), tuple(_boxes(hanging)))


def _places(analysis: Analysis, edges: Sequence[Edge], at: At) -> tuple[EdgePlace, ...]:
    found = []
    for edge in edges:
        span, since = event_span(analysis, edge.moment), analysis.span(edge.hold.taken.site)
        here, title = at(span.path, span.start), analysis.title(edge.moment.function)
        held, wanted = edge.modes
        certain, since_line = edge.sure and edge.reach.certain, at(since.path, since.start).line
        found.append(EdgePlace(span.path, here.line, here.column, title, since_line, held, wanted, certain))
    return tuple(sorted(found))


def _boxes(hanging: Sequence[Cycle]) -> list[Box]:
    """The cycles, those that have a lock in common together."""
    groups: list[tuple[set[str], list[tuple[str, ...]]]] = []
    for cycle in hanging:
        way = tuple(edge.held for edge in cycle.edges)
        locks, ways = set(way), [way]
        for group in [one for one in groups if one[0] & locks]:
            groups.remove(group)
            locks, ways = locks | group[0], [*group[1], *ways]
        groups.append((locks, ways))
    return sorted((Box(tuple(sorted(locks)), tuple(sorted(ways))) for locks, ways in groups), key=lambda box: box.locks)
