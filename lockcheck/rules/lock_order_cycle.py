r"""
Locks taken in opposite orders

Here the second lock is waited for under the first, there the first under the second. Two threads that are each in
the middle wait for each other for ever. Each order looks right where it stands, often in different files; the
cure is one order for all. Of 59 blocking bugs studied in Rust projects 7 were of this kind (Qin et al., PLDI 2020).

## Bad
```rust
struct Bank {
    gold: Mutex<u32>,
    paper: Mutex<u32>,
}
impl Bank {
    fn melt(&self) {
        let mut gold = self.gold.lock().unwrap();
        // ruleid: lock-order-cycle
        *self.paper.lock().unwrap() += *gold;
        *gold = 0;
    }
    fn mint(&self) {
        let mut paper = self.paper.lock().unwrap();
        *self.gold.lock().unwrap() += *paper;
        *paper = 0;
    }
}
```
```python
import threading

class Bank:
    def __init__(self):
        self.books = threading.Lock()
        self.vault = threading.Lock()

    def pay(self):
        with self.books:
            # todoruleid: lock-order-cycle
            with self.vault:
                self.move()

    def count(self):
        with self.vault:
            with self.books:
                return self.total
```
## Good
Take both in one order everywhere, or let go of the first before the second is taken.
```rust
struct Bank {
    gold: Mutex<u32>,
    paper: Mutex<u32>,
}
impl Bank {
    fn melt(&self) {
        let mut gold = self.gold.lock().unwrap();
        *self.paper.lock().unwrap() += *gold;
        *gold = 0;
    }
    fn mint(&self) {
        let mut gold = self.gold.lock().unwrap();
        let mut paper = self.paper.lock().unwrap();
        *gold += *paper;
        *paper = 0;
    }
}
```
```python
import threading

class Bank:
    def __init__(self):
        self.books = threading.Lock()
        self.vault = threading.Lock()

    def pay(self):
        with self.books, self.vault:
            self.move()

    def count(self):
        with self.books, self.vault:
            return self.total
```
## In production
Deadlock. Under load two threads come at the wrong moment; both stop, then all who want either lock. Tests pass.
## Not seen
Locks are told apart by the type and field that they stand in, and objects by the fields of `self` that they are in, or
by the types that theirs was made with: of
two instances of one type only those are reported,
as `possible`, that a function is given and locks in the order in which it is given them (`a.merge(b)` here,
`b.merge(a)` there, `a.merge(a)`). One lock that is put into fields of two types is known where one function makes both,
or one type is made by a method of the other. A gate is seen where it is held in the same function; where all callers
hold it (in Rust), or both are given the one object that there is, the cycle is `possible`. An order that only a test
takes, and the code that it tries in the other, are no two threads; nor are two orders of the thread that a Rust
program begins with, or of one that is started once, as far as all calls are seen. That two threads are at work is
seen where these are started; elsewhere it is taken to be so, and the cycle `likely` at most.
"""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck import witness
from lockcheck.analysis import Analysis, Site
from lockcheck.finding import Confidence, Evidence, Finding, LockRef, Note
from lockcheck.questions.cycles import Cycle, beside, cycles
from lockcheck.questions.edges import Edge, shared
from lockcheck.questions.sharing import told
from lockcheck.questions.siblings import pairs
from lockcheck.questions.threads import are_several
from lockcheck.rule import Meta, slug
from lockcheck.source import Span

_ALSO = 3
"""So many other places are named where a thread takes two locks in the order of a cycle."""
META = Meta(code="LCK301", severity="error", languages=("rust", "python"), reach="program", sees="knots")


def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each cycle, at its first edge by file and line."""
    for cycle in cycles(analysis):
        edges = sorted(cycle.edges, key=lambda e: witness.event_span(analysis, e.moment))
        first = cycle.edges.index(edges[0])
        turned = cycle.edges[first:] + cycle.edges[:first]
        yield _finding(analysis, cycle, turned)
    for edge in pairs(analysis):
        if not analysis.of_tests(edge.moment.function):
            yield _of_pair(analysis, edge)


def _finding(analysis: Analysis, cycle: Cycle, edges: tuple[Edge, ...]) -> Finding:
    first = edges[0]
    owners = [owner for edge in edges for owner in edge.known]
    short = witness.short_names(dict.fromkeys(owners))
    separator = analysis.effects(first.moment.function).separator
    name_of = {owner: name.replace("::", separator) for owner, name in short.items()}
    names = [name_of[owner] for owner in owners[::2]]
    order = " -> ".join(f"`{name}`" for name in [*names, names[0]])
    writer = "; a thread that waits to write lets no more readers in" if cycle.with_writer else ""
    notes: list[Note] = []
    others = beside(analysis, cycle._replace(edges=edges))
    for number, edge in enumerate(edges):
        who = f"thread {number + 1}"
        notes += _thread(analysis, edge, who, name_of[edge.known[1]] if number else "")
        notes += [_also(analysis, one, who) for one in sorted(others[number], key=lambda edge: edge.nearness)[:_ALSO]]
    for edge, following in cycle.steps:
        notes += _one_lock(analysis, edge.known[1], following.known[0], separator)
    lock, evidence = (
        first.reach.lock,
        {e.hold.taken.lock.evidence for e in edges} | {e.reach.lock.evidence for e in edges},
    )
    return Finding(
        code=META.code,
        slug=slug(__name__),
        severity="warning" if cycle.with_writer or "named" in evidence else META.severity,
        confidence=_confidence(analysis, cycle, evidence),
        evidence=min(evidence, key=("named", "inferred", "declared").index),
        span=witness.event_span(analysis, first.moment),
        message=f"lock order cycle {order}: {len(edges)} threads can wait for each other for ever{writer}",
        function=analysis.title(first.moment.function),
        lock=LockRef(
            analysis.lock_name(first.moment.function, lock),
            witness.owner_name(first.known[1]),
            lock.kind,
            first.reach.mode,
        ),
        label=f"thread 1 waits for `{name_of[first.known[1]]}` here",
        notes=tuple(notes),
        help="take these locks in one order everywhere, or end the first guard before the second lock is taken",
    )


def _also(analysis: Analysis, edge: Edge, who: str) -> Note:
    said = f"`{analysis.title(edge.moment.function)}` does here what {who} does"
    return Note(witness.event_span(analysis, edge.moment), said, f"{who} also here")


def _of_pair(analysis: Analysis, edge: Edge) -> Finding:
    number, lock = edge.moment.function, edge.reach.lock
    held, wanted = (analysis.lock_name(number, one) for one in (edge.hold.taken.lock, lock))
    name = witness.owner_name(lock.owner)
    return Finding(
        code=META.code,
        slug=slug(__name__),
        severity="warning",
        confidence="possible",
        evidence=lock.evidence,
        span=witness.event_span(analysis, edge.moment),
        message=f"`{wanted}` is taken under `{held}`, both `{name}`, in the order in which the caller names them: "
        "who names them the other way round, or one of them twice, may wait for ever",
        function=analysis.title(number),
        lock=LockRef(wanted, name, lock.kind, edge.reach.mode),
        label=f"waits for `{wanted}` here",
        notes=tuple(_thread(analysis, edge, "this thread", "")),
        help="ask first whether both are one, and take their locks in an order of their own, such as by address",
    )


def _thread(analysis: Analysis, edge: Edge, who: str, wanted: str) -> list[Note]:
    """What one thread does: it takes a lock, and on some way waits for the next: `wanted`, if a note is to say so."""
    taken, *inner = witness.taken_notes(analysis, edge.moment, edge.hold)
    notes = [_gives(analysis, site, who) for site in edge.given]
    notes += [Note(taken.span, f"{who}: {taken.message}", f"{who} holds this"), *inner]
    if wanted:
        said = f"{who} then waits for `{wanted}`"
        notes.append(Note(witness.event_span(analysis, edge.moment), said, f"{who} waits here"))
    return [*notes, *witness.reach_notes(analysis, edge.reach)]


def _gives(analysis: Analysis, site: Site, who: str) -> Note:
    said = f"{who}: `{analysis.title(site.function)}` gives it the locks here"
    return Note(analysis.span(site), said, f"{who} is given the locks")


def _one_lock(analysis: Analysis, wanted: str, held: str, separator: str) -> Iterator[Note]:
    """By what two owners are one lock, if they are two."""
    both = "` and `".join(witness.short_names(sorted({held, wanted})).values()).replace("::", separator)
    makers = {one.function: one.given for one in told(shared(analysis), held, wanted)} if held != wanted else {}
    for number, given in makers.items():
        unit, function = analysis.program.functions[number]
        how = "is given it" if given else "puts it into both"
        said = f"`{both}` are one lock: `{analysis.title(number)}` {how}"
        yield Note(Span(unit.path, *function.name_at), said, "one lock for both")


def _confidence(analysis: Analysis, cycle: Cycle, evidence: set[Evidence]) -> Confidence:
    """Both orders alone are likely to hang at most: that two threads are there is certain only where they are seen."""
    if "named" in evidence or any(not e.reach.certain for e in cycle.edges):
        return "possible"
    tree = all(edge.goes_down for edge in cycle.edges)  # (it would have to be somewhere in itself)
    if tree or cycle.perhaps or cycle.with_writer or any(edge.reach.spread or edge.of_tests for edge in cycle.edges):
        return "possible"
    joined = any(a.known[1] != b.known[0] for a, b in cycle.steps)
    unsure = joined or "inferred" in evidence or any(not e.sure for e in cycle.edges)
    return "likely" if unsure or not are_several(analysis, cycle.edges) else "certain"
