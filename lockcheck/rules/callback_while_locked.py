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
        // ruleid: callback-while-locked
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
Methods of trait objects, which are calls like any other, but for those that tell each one of a list something and give
nothing back, as listeners are told (`possible`). What a log handler is told by the record, so that it does not
come back; what `%s` and f-strings ask a value for. A closure that is given what the guard guards is the
critical section itself (`with_write(|table| …)`) and is left alone, and so are a lock that lets its holder in again
and tests.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice

from lockcheck import ir, witness
from lockcheck.analysis import Analysis, Hold, Moment, Reach, Site
from lockcheck.analysis.summaries import Wait
from lockcheck.finding import Finding, graded
from lockcheck.questions.classes import leaves_class
from lockcheck.questions.paths import is_given
from lockcheck.rule import Meta, slug
from lockcheck.witness import taken_notes, wait_notes

META = Meta(code="LCK404", severity="warning", languages=("rust", "python"), reach="function", persona="pedantic")

_LET_IN = ("semaphore", "reentrant")
"""What lets a callback in that comes back for it."""

_CALLED = {"wakes": "waker", "tells": "listener"}
_SAID = {"logs": "something is logged", "spells": "a value of any class says itself in words, and may log,"}
"""What matters only where something listens to what is logged that comes back for the lock."""


def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each guard under which foreign code runs, at the first call."""
    seen = set()
    for moment in analysis:
        if not any(moment.ways) or analysis.of_tests(moment.function):
            continue
        for run in _foreign(analysis, moment):
            for hold, sure in moment.held(run.when):
                lock = hold.taken.lock
                if (hold.taken.site, lock.place) in seen or lock.family in _LET_IN or is_given(analysis, moment, hold):
                    continue
                back = _comes_back(analysis, lock) if run.why in _SAID else None
                if run.why not in _SAID or back is not None:
                    seen.add((hold.taken.site, lock.place))
                    yield _finding(analysis, moment, hold, sure, run, back)


def _finding(analysis: Analysis, moment: Moment, hold: Hold, sure: bool, run: Wait, back: Reach | None) -> Finding:
    event = moment.event
    what = _CALLED.get(event.what if isinstance(event, ir.Act) else run.why, "callback")
    via = f" through `{getattr(event, 'name', '')}`" if run.trace else ""
    said = f"a {what} is called{via} while `{{lock}}` is held: it may come back for the lock, or take its time"
    if back is not None:
        said = f"{_SAID[run.why]}{via} while `{{lock}}` is held, and what listens here comes back for the lock"
    there = wait_notes(analysis, run, run.why if back is not None else "calls what is kept", "called here")
    returns = witness.reach_notes(analysis, back) if back is not None else []
    return witness.of_hold(
        analysis, slug(__name__), META, moment, hold, witness.event_span(analysis, moment), said,
        "end the guard before the call; take what is to be called out of the lock first",
        "possible" if run.trace or back is not None or run.why == "tells" else graded(hold.taken.lock.evidence, sure),
        "called under the lock", (*taken_notes(analysis, moment, hold), *there, *returns),
    )  # fmt: skip


def _foreign(analysis: Analysis, moment: Moment) -> Iterator[Wait]:
    """What the moment itself calls that is not its own, and the nearest such call that a callee comes to."""
    event = moment.event
    called = ("calls", "wakes", "tells", *_SAID)
    if isinstance(event, ir.Callback) or (isinstance(event, ir.Act) and event.what in called):
        why = event.what if isinstance(event, ir.Act) else "calls"
        yield Wait(why, (), analysis.site(moment))
    elif isinstance(event, ir.Invoke):
        found = sorted(analysis.waits(moment, "calls"), key=lambda wait: (not wait.certain, len(wait.trace)))
        for why in ("calls", "tells", *_SAID):
            mine = (wait for wait in found if wait.why == why and not leaves_class(analysis, moment, wait))
            yield from islice(mine, 1)


def _comes_back(analysis: Analysis, lock: ir.Lock) -> Reach | None:
    """How what listens when something is logged comes to a lock of the same owner."""
    return analysis.once(_listening).get(lock.owner) if lock.owner else None


def _listening(analysis: Analysis) -> Mapping[str, Reach]:
    found: dict[str, Reach] = {}
    for number in analysis.program.listeners("logs"):
        here = Site(number, analysis.program.functions[number][1].name_at)
        for reach in analysis.summary(number).reaches:
            if any(analysis.program.asks_own_thread(site.function) for site in (*reach.trace, reach.site)):
                continue  # (it is let in once by each thread)
            known = found.get(reach.lock.owner)
            if known is None or len(reach.trace) + 1 < len(known.trace):
                found[reach.lock.owner] = reach._replace(trace=(here, *reach.trace))
    return found
