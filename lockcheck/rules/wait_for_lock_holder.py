r"""
Waiting for a thread that needs the lock held here

Joining a thread under a guard waits for everything that the thread still does. When it takes the same lock, neither
goes on. The same goes for a message, an event or a barrier, when all who could end the wait need the lock to come to
it. Tests pass as long as the other side is quick enough to be done before. Cassandra's driver waited for an answer
under the lock that its event thread needed to read it (python-driver 2db7cd7).

## Bad
```rust
fn stop(&self) {
    let rows = self.rows.lock().unwrap();
    let shared = self.rows.clone();
    let worker = thread::spawn(move || shared.lock().unwrap().clear());
    // ruleid: wait-for-lock-holder
    worker.join().unwrap();
    drop(rows);
}
```
```python
import threading

class Pool:
    def __init__(self):
        self.lock = threading.Lock()
        self.done = threading.Event()

    def work(self):
        with self.lock:
            self.rows.clear()
        self.done.set()

    def stop(self):
        worker = threading.Thread(target=self.work)
        worker.start()
        with self.lock:
            # todoruleid: wait-for-lock-holder
            worker.join()

    def pause(self):
        with self.lock:
            threading.Thread(target=self.work).start()
            # todoruleid: wait-for-lock-holder
            self.done.wait()
```
## Good
Let go of the lock before you wait.
```rust
fn stop(&self) {
    let rows = self.rows.lock().unwrap();
    let shared = self.rows.clone();
    let worker = thread::spawn(move || shared.lock().unwrap().clear());
    drop(rows);
    worker.join().unwrap();
}
```
```python
import threading

class Pool:
    def __init__(self):
        self.lock = threading.Lock()

    def work(self):
        with self.lock:
            self.rows.clear()

    def stop(self):
        worker = threading.Thread(target=self.work)
        worker.start()
        worker.join()
        with self.lock:
            self.rows = None
```
## In production
Deadlock. The thread that waits and the one that is waited for both stop, most often at shutdown or restart.
## Not seen
Threads and tasks whose handle comes from another module; channels and events that somebody gets of whom not all is
known. A wait that something decides on after the lock was taken. Condition variables are LCK405's, an await under a
thread's lock is LCK401's, and what a scoped thread waits for is reported inside its closure (LCK201 to LCK204).
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from lockcheck import witness
from lockcheck.analysis import Analysis
from lockcheck.finding import EVIDENCES, Finding, Note, graded
from lockcheck.questions.conflict import Conflict
from lockcheck.questions.repeated import waits
from lockcheck.questions.signals import SIGNALS, Starved, starved
from lockcheck.rule import Meta, slug

META = Meta(code="LCK303", severity="error", languages=("rust", "python"), reach="program", sees="waits")
TOPICS = (SIGNALS,)
_ALSO = 8
"""So many others are named that hold the lock where they come to the same wait."""

_FOR = {
    "message": "waits for a message",
    "room": "waits for room in a channel",
    "event": "waits for an event",
    "party": "waits at a barrier",
    "done": "waits until a queue is done",
}


def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each wait for a thread or a signal that needs the lock which is held meanwhile."""
    for conflict, others in waits(analysis):
        found = witness.of_conflict(
            analysis, slug(__name__), META, conflict,
            "waits for a thread that needs `{lock}` while this thread holds it: neither goes on",
            "end the guard before the wait",
        )  # fmt: skip
        yield replace(found, notes=(*found.notes, *(_also(analysis, one) for one in others[:_ALSO])))
    for one in starved(analysis):
        yield _starved(analysis, one)


def _also(analysis: Analysis, conflict: Conflict) -> Note:
    said = f"`{analysis.title(conflict.moment.function)}` holds it here, and comes to the same wait"
    return Note(witness.event_span(analysis, conflict.moment), said, "the same wait from here")


def _starved(analysis: Analysis, one: Starved) -> Finding:
    """The wait, the way to it, and of each who could end it the place where that one waits for the lock."""
    lock, name = one.hold.taken.lock, analysis.lock_name(one.moment.function, one.hold.taken.lock)
    notes = [
        *witness.taken_notes(analysis, one.moment, one.hold),
        *witness.wait_notes(analysis, one.stall, "waits", "waits"),
    ]
    for ring, need in one.rings[:4]:
        title = analysis.title(need.site.function)
        notes.append(Note(analysis.span(need.site), f"`{title}` needs `{name}` here", "needs the lock"))
        notes.append(Note(analysis.span(ring.site), "to come to where it would end the wait", "would end the wait"))
    evidence = min((lock.evidence, *(need.lock.evidence for _, need in one.rings)), key=EVIDENCES.index)
    sure = one.sure and not analysis.of_tests(one.moment.function)
    grade = graded(evidence, sure=False) if sure else "possible"
    return witness.of_hold(
        analysis, slug(__name__), META, one.moment, one.hold, witness.event_span(analysis, one.moment),
        f"{_FOR[one.stall.of]} while `{{lock}}` is held, which all need who could end the wait: neither goes on",
        "let go of the lock before the wait", grade, "waits under the lock", tuple(notes),
    )  # fmt: skip
