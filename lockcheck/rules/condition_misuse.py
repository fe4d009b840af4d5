r"""
A condition variable that is not used as one

`wait` gives the lock back and must find it held; what it waits for must be looked at again after it, in a loop inside
the critical section: the wake-up may have come before, or another thread may have been quicker. A `notify` without
the lock raises in Python, in a thread that nobody watches; in Rust, where what is waited for is not in the lock (a flag
beside a `Mutex<()>`), it is lost between the look and the wait. And `wait` gives back its own lock
only: whoever needs another one that is held here to come and notify never does.

## Bad
```python
import threading

class Box:
    def __init__(self):
        self.full = threading.Condition()

    def take(self):
        with self.full:
            if not self.rows:
                # ruleid: condition-misuse
                self.full.wait()
            return self.rows.pop()

    def put(self, row):
        self.rows.append(row)
        # ruleid: condition-misuse
        self.full.notify()
```
```rust
use std::sync::{Condvar, Mutex};

struct Store {
    rows: Mutex<Vec<u32>>,
    full: Condvar,
}
impl Store {
    fn take(&self) -> u32 {
        let rows = self.rows.lock().unwrap();
        // todoruleid: condition-misuse
        let mut rows = self.full.wait(rows).unwrap();
        rows.pop().unwrap()
    }
}
```
## Good
```python
import threading

class Box:
    def __init__(self):
        self.full = threading.Condition()

    def take(self):
        with self.full:
            while not self.rows:
                self.full.wait()
            return self.rows.pop()

    def put(self, row):
        with self.full:
            self.rows.append(row)
            self.full.notify()
```
```rust
use std::sync::{Condvar, Mutex};

struct Store {
    rows: Mutex<Vec<u32>>,
    full: Condvar,
}
impl Store {
    fn take(&self) -> u32 {
        let mut rows = self.rows.lock().unwrap();
        while rows.is_empty() {
            rows = self.full.wait(rows).unwrap();
        }
        rows.pop().unwrap()
    }
}
```
## In production
Deadlock. A thread waits for ever for a wake-up that came before it looked; or an exception ends a thread and nobody
notices.
## Not seen
Rust: signals without the lock where that guards a value, since the change may have been made under it; conditions that
a thread's closure knows by another name than the field. Where waits end only by a signal (Python), an `if` around a
wait after which the function only returns what was tested, or does not name it. Loops of the callers, and loops
outside of a critical section that calls or tests anything before it waits. Waits with a time limit, and waits of tests
outside a loop, are left alone.
"""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck import ir, witness
from lockcheck.analysis import Analysis, Moment, Site
from lockcheck.finding import Finding, LockRef, Note, graded
from lockcheck.questions.conditions import USES, Missed, Starved, missed, starved, unheld, unlooped
from lockcheck.rule import Meta, slug

META = Meta(code="LCK405", severity="warning", languages=("rust", "python"), reach="program", sees="tree")
TOPICS = (USES,)


def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each wait without a loop, each use without the lock, each wait that starves who would end it."""
    for bare in unlooped(analysis):
        doubtful = bare.blind or bare.alone or bare.between
        yield witness.of_hold(
            analysis, slug(__name__), META, bare.moment, bare.hold, witness.event_span(analysis, bare.moment),
            _OUTSIDE if bare.outside else _BETWEEN if bare.between else _UNLOOPED,
            "wait in a loop that looks at what is waited for, inside the critical section",
            "possible" if doubtful else graded(bare.hold.taken.lock.evidence, bare.sure and not bare.outside),
            "nothing is looked at after it",
            tuple(witness.taken_notes(analysis, bare.moment, bare.hold)),
        )  # fmt: skip
    for moment in unheld(analysis):
        yield _unheld(analysis, moment)
    for lost in missed(analysis):
        yield _missed(analysis, lost)
    for one in starved(analysis):
        event = one.moment.event
        if isinstance(event, ir.Wait) and (event.lock is not None or event.guard is not None):
            yield _starved(analysis, one)


_UNLOOPED = "waits outside a loop: the wake-up may have come before, or another thread may be quicker"
_BETWEEN = "waits for whatever comes next: a wake-up is lost that comes while `{lock}` is free"
_OUTSIDE = "what is waited for is looked at before `{lock}` is taken: a wake-up in between is lost"


def _unheld(analysis: Analysis, moment: Moment) -> Finding:
    event = moment.event
    assert isinstance(event, (ir.Wait, ir.Signal))
    name = analysis.lock_name(moment.function, event.on)
    return Finding(
        code=META.code, slug=slug(__name__), severity=META.severity, confidence=graded(event.on.evidence),
        evidence=event.on.evidence, span=witness.event_span(analysis, moment),
        message=f"`{event.name}` without its lock, `{name}`: it raises",
        function=analysis.title(moment.function),
        lock=LockRef(name, witness.owner_name(event.on.owner), event.on.kind, "exclusive"),
        label="its lock is not held here", help="hold the condition's lock around it",
    )  # fmt: skip


def _missed(analysis: Analysis, one: Missed) -> Finding:
    event = one.signal.event
    assert isinstance(event, ir.Signal)
    name = analysis.lock_name(one.signal.function, event.on)
    lock = analysis.lock_name(one.wait.function, one.hold.taken.lock)
    waits = Note(
        witness.event_span(analysis, one.wait), f"who waits here has looked before, under `{lock}`", "waits here"
    )
    return Finding(
        code=META.code, slug=slug(__name__), severity=META.severity, confidence=graded(event.on.evidence, False),
        evidence=event.on.evidence, span=witness.event_span(analysis, one.signal),
        message=f"`{event.name}` of `{name}` by who has not taken `{lock}`: "
        "a wake-up between another thread's look and its wait is lost",
        function=analysis.title(one.signal.function),
        lock=LockRef(name, witness.owner_name(event.on.owner), event.on.kind, "exclusive"),
        notes=(waits,), label="its lock is not taken before",
        help="take the lock after the change and before the wake-up, or keep what is waited for in it",
    )  # fmt: skip


def _starved(analysis: Analysis, one: Starved) -> Finding:
    notes = witness.taken_notes(analysis, one.moment, one.hold)
    before = len(notes)
    for signal in one.signals:
        at: ir.Range = getattr(signal.event, "at", (0, 0))
        here = analysis.span(Site(signal.function, at))
        notes.append(Note(here, f"`{analysis.title(signal.function)}` needs that lock to end the wait", "ended here"))
    grade = "possible" if one.before else graded(one.hold.taken.lock.evidence, one.sure)
    return witness.of_hold(
        analysis, slug(__name__), META, one.moment, one.hold, witness.event_span(analysis, one.moment),
        "waits while `{lock}` is held, which is needed wherever the wait could be ended: neither goes on",
        "let go of the other lock before the wait",
        grade, "gives back its own lock only", tuple(notes[: before + 4]),
    )  # fmt: skip
