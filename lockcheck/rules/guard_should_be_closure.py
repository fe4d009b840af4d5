r"""
Guard whose interval cannot be read off the code

A named guard lives to the end of its block, or to a `drop`, a shadowing or an early exit on the way. After its
lock-ups of 2025 a team turned the guards of write locks into closures, "so you can look at the code and see precisely
the interval in which the lock is held" (Fly.io, taming-rust-proxy, 2025-02-26). A project names the locks that must be
taken so, and how many lines a guard may live:

```toml
closure-only = ["Catalog.*"]
longest-section = 40
```

## Bad
```rust
struct Catalog {
    load: parking_lot::RwLock<Vec<u32>>,
}
impl Catalog {
    fn add(&self, x: u32) {
        // todoruleid: guard-should-be-closure
        let mut load = self.load.write();
        load.push(x);
        self.announce(x);
    }
    fn announce(&self, x: u32) {
        println!("{x}");
    }
}
```
```python
import threading

class Catalog:
    def __init__(self):
        self._lock = threading.Lock()
        self._load = []

    def add(self, x):
        # todoruleid: guard-should-be-closure
        self._lock.acquire()
        self._load.append(x)
        self._lock.release()
```
## Good
Let a closure, or a `with` block, be the critical section.
```rust
struct Catalog {
    load: parking_lot::RwLock<Vec<u32>>,
}
impl Catalog {
    fn with_load<R>(&self, work: impl FnOnce(&mut Vec<u32>) -> R) -> R {
        let mut load = self.load.write();
        work(&mut load)
    }
    fn add(&self, x: u32) {
        self.with_load(|load| load.push(x));
        self.announce(x);
    }
    fn announce(&self, x: u32) {
        println!("{x}");
    }
}
```
```python
import threading

class Catalog:
    def __init__(self):
        self._lock = threading.Lock()
        self._load = []

    def add(self, x):
        with self._lock:
            self._load.append(x)
```
## In production
Contention. The lock is held longer than anybody meant; who reads a stack dump does not see by whom.
## Not seen
Guards of temporaries, which LCK101 to LCK103 judge, and a guard that is never named again: that it lives to the end of
its block is all it is for. In Python, blocks with locks of modules: what they guard cannot be told; and a lock that is
taken right before the `try` whose `finally` gives it back, which can be read as well as a block. Tests, but for locks
that the project wants to be taken through a closure.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from lockcheck import ir, witness
from lockcheck.analysis import Analysis
from lockcheck.analysis.asked import fits
from lockcheck.finding import Finding, Note, graded
from lockcheck.questions.intervals import Interval, Reason, blocks, intervals, pairs
from lockcheck.questions.paths import is_given
from lockcheck.rule import Meta, slug
from lockcheck.source import Span

META = Meta(
    code="LCK501", severity="note", languages=("rust", "python"), reach="function",
    persona="pedantic", asked_by="closure-only",
)  # fmt: skip

_SAID: dict[Reason, tuple[str, str]] = {
    "outlives": ("it outlives its last use", "still held here"),
    "dropped": ("it ends by `drop`", "dropped here"),
    "shadowed": ("its name is taken by another value", "the name means something else from here on"),
    "replaced": ("another guard takes its place", "replaced here"),
    "leaves": ("the code leaves early under it", "leaves here, and lets go"),
    "handed": ("it is handed on", "handed on here"),
}
"""For each reason why an interval cannot be read: what the message says, and the note beside the place."""


def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each such guard of an exclusive mode, and for each guard of a lock that wants a closure."""
    seen = set()
    for asked in _not_in_closures(analysis):
        seen.add(asked.span.start)
        yield asked
    for one in intervals(analysis, ("write", "exclusive")):
        found = _finding(analysis, one) if not analysis.of_tests(one.moment.function) else None
        if found is not None and not any(found.span.start <= at < found.span.end for at in seen):
            yield found
    for listed, said in (
        (pairs(analysis), "it is given back by name: a block that holds it ends it on every way out"),
        (blocks(analysis), "the block goes on after the last use of what it guards"),
    ):
        yield from (_of_block(analysis, one, said) for one in listed if not analysis.of_tests(one.moment.function))


def _of_block(analysis: Analysis, one: Interval, said: str) -> Finding:
    number, taken = one.moment.function, one.hold.taken
    first, end = analysis.line(number, one.start), analysis.line(number, max(one.end - 1, one.start))
    last = f", last used on {analysis.line(number, one.last)}" if one.last >= 0 else ""
    path = analysis.span(taken.site).path
    notes = tuple(Note(Span(path, at, at + 1), _SAID[why][1], _SAID[why][1]) for why, at in one.reasons)
    return witness.of_hold(
        analysis, slug(__name__), META, one.moment, one.hold, analysis.span(taken.site),
        f"`{{lock}}` is held from line {first} to {end}{last}: {said}",
        "hold the lock in a `with` block that ends with the last use",
        graded(taken.lock.evidence, sure=False), "taken here", notes,
    )  # fmt: skip


def _finding(analysis: Analysis, one: Interval) -> Finding | None:
    number, taken = one.moment.function, one.hold.taken
    first, end = analysis.line(number, one.start), analysis.line(number, max(one.end - 1, one.start))
    longest = analysis.asked.longest_section
    said = [_SAID[reason][0] for reason, _ in one.reasons]
    if longest and end - first >= longest:
        said.append(f"it lives for more than {longest} lines")
    if not said or taken.lock.family in ("semaphore", "refcell"):
        return None
    last = f", last used on {analysis.line(number, one.last)}" if one.last >= 0 else ""
    path = analysis.span(taken.site).path
    notes = [
        Note(Span(path, at, at + 1), _SAID[reason][1], _SAID[reason][1]) for reason, at in one.reasons if at > one.start
    ]
    name = analysis.guard_name(one.moment, one.hold)
    return witness.of_hold(
        analysis, slug(__name__), META, one.moment, one.hold, analysis.span(taken.site),
        f"`{name}` holds `{{lock}}` from line {first} to {end}{last}: {', and '.join(said)}",
        "make the critical section a closure or a block of its own, that ends with the last use",
        graded(taken.lock.evidence, sure=False), "guard taken here", tuple(notes),
    )  # fmt: skip


def _not_in_closures(analysis: Analysis) -> Iterator[Finding]:
    """The acquisitions of locks that the project wants to be taken through a closure, and that hand a guard out."""
    wanted = analysis.asked.closure_only
    for moments in analysis.functions.values() if wanted else ():
        lent = {
            hold.taken.site
            for moment in moments
            if isinstance(moment.event, ir.Callback)
            for hold, _ in moment.held()
            if is_given(analysis, moment, hold)
        }
        for moment in moments:
            event = moment.event
            if isinstance(event, ir.Acquire) and fits(wanted, event.lock.owner) and analysis.site(moment) not in lent:
                found = witness.of_taken(
                    analysis, slug(__name__), META, moment, event,
                    "`{lock}` is taken by a guard, and the project wants it to be taken through a closure",
                    "use, or write, a method that takes the lock and calls a closure under it",
                )  # fmt: skip
                yield replace(found, severity="error", asked=True)
