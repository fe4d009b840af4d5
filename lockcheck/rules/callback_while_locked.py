r"""
Callback called while a lock is held

Whoever wrote the callback does not know of the lock. Should it come back to the same object, it waits for itself;
should it take long, all wait. 12 of 86 lock bugs that were mended in Python packages were of this kind; Infer
reports it as arbitrary code under a lock.

## Bad
```rust
struct Bus {
    listeners: Mutex<Vec<Box<dyn Fn(u32)>>>,
    last: Mutex<u32>,
    hook: Box<dyn Fn(u32)>,
}
impl Bus {
    fn send(&self, x: u32) {
        let mut last = self.last.lock().unwrap();
        *last = x;
        // todoruleid: callback-while-locked
        (self.hook)(x);
    }
}
```
```python
import threading

class Bus:
    def __init__(self):
        self._lock = threading.Lock()
        self._last = None

    def send(self, x, done):
        with self._lock:
            self._last = x
            # todoruleid: callback-while-locked
            done(x)
```
## Good
Let go first.
```rust
struct Bus {
    listeners: Mutex<Vec<Box<dyn Fn(u32)>>>,
    last: Mutex<u32>,
    hook: Box<dyn Fn(u32)>,
}
impl Bus {
    fn send(&self, x: u32) {
        *self.last.lock().unwrap() = x;
        (self.hook)(x);
    }
}
```
```python
import threading

class Bus:
    def __init__(self):
        self._lock = threading.Lock()
        self._last = None

    def send(self, x, done):
        with self._lock:
            self._last = x
        done(x)
```
## In production
Contention, or a deadlock that somebody else's code makes: the lock is held for as long as the callback likes.
## Not seen
Methods of trait objects, which are calls like any other. A closure that is given what the guard guards is the
critical section itself (`with_write(|table| …)`) and is left alone, and so are a lock that lets its holder in again
and tests.
"""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck import ir, witness
from lockcheck.analysis import Analysis, Moment
from lockcheck.analysis.held import Wait
from lockcheck.analysis.paths import is_given
from lockcheck.finding import Finding, graded
from lockcheck.rule import Meta, slug
from lockcheck.witness import taken_notes, wait_notes

META = Meta(code="LCK404", severity="warning", languages=("rust", "python"), reach="function", persona="pedantic")

_LET_IN = ("semaphore", "reentrant")
"""What lets a callback in that comes back for it."""


def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each guard under which foreign code runs, at the first call."""
    seen = set()
    for moment in analysis:
        event = moment.event
        if not any(moment.ways) or analysis.of_tests(moment.function):
            continue
        through = _through(analysis, moment) if isinstance(event, ir.Invoke) else None
        if through is None and not isinstance(event, ir.Callback) and not _calls(event):
            continue
        for hold, sure in moment.held(through.when if through is not None else frozenset()):
            lock = hold.taken.lock
            if (hold.taken.site, lock.place) in seen or lock.family in _LET_IN or is_given(analysis, moment, hold):
                continue
            seen.add((hold.taken.site, lock.place))
            what = "waker" if isinstance(event, ir.Act) and event.what == "wakes" else "callback"
            via = f" through `{getattr(event, 'name', '')}`" if through is not None else ""
            on = wait_notes(analysis, through, "calls what is kept", "called here") if through is not None else []
            yield witness.of_hold(
                analysis, slug(__name__), META, moment, hold, witness.event_span(analysis, moment),
                f"a {what} is called{via} while `{{lock}}` is held: it may come back for the lock, or take its time",
                "end the guard before the call; take what is to be called out of the lock first",
                graded(lock.evidence, sure) if through is None else "possible", "called under the lock",
                (*taken_notes(analysis, moment, hold), *on),
            )  # fmt: skip


def _calls(event: ir.Step) -> bool:
    return isinstance(event, ir.Act) and event.what in ("calls", "wakes")


def _through(analysis: Analysis, moment: Moment) -> Wait | None:
    """The call of what is kept somewhere that a call comes to."""
    return min(analysis.waits(moment, "calls"), key=lambda wait: (not wait.certain, len(wait.trace)), default=None)
