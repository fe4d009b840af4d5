r"""
Guard dropped where it is made

`let _ = lock()` binds nothing: the guard is dropped in the same statement, and what follows runs without the lock.
`let _guard = …` keeps it. rustc knows this for its own locks (`let_underscore_lock`), Clippy for parking_lot's;
for tokio's and others nobody says a word (rust-clippy issue 13869). In Python it is a lock that is made where it is
taken: the next call makes another one (pylint's W2101 sees it inside `with`).

## Bad
```rust
struct Tally {
    gate: Mutex<()>,
    count: AtomicU32,
}
impl Tally {
    fn add(&self) {
        // ruleid: guard-dropped-at-once
        let _ = self.gate.lock();
        self.count.fetch_add(1, Ordering::SeqCst);
    }
}
```
```python
import threading

class Counter:
    def add(self):
        # ruleid: guard-dropped-at-once
        with threading.Lock():
            self.count += 1
```
## Good
Give the guard a name that begins with an underscore.
```rust
struct Tally {
    gate: Mutex<()>,
    count: AtomicU32,
}
impl Tally {
    fn add(&self) {
        let _gate = self.gate.lock();
        self.count.fetch_add(1, Ordering::SeqCst);
    }
}
```
```python
import threading

class Counter:
    def __init__(self):
        self.lock = threading.Lock()
        self.count = 0

    def add(self):
        with self.lock:
            self.count += 1
```
## In production
Hazard. Nothing hangs; now and then two threads do at once what the lock should have kept apart, and data is torn.
## Not seen
A lock that another function makes anew for each who asks. The guard of a function that does more than take a lock is
`possible`, and so is a lock of its own in a test, which may be there to try the lock. `drop(self.gate.lock())` and a
bare `self.gate.lock();` say that they mean it.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from lockcheck import ir, witness
from lockcheck.analysis import Analysis, Site, Taken
from lockcheck.finding import CONFIDENCES, Edit, Finding, Fix
from lockcheck.questions.newborn import is_made_here
from lockcheck.questions.private import pointless
from lockcheck.rule import Meta, slug

META = Meta(code="LCK104", severity="error", languages=("rust", "python"), reach="function")


def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each guard that is thrown away by the pattern that seems to keep it."""
    for moment in analysis:
        event = moment.event
        if not isinstance(event, ir.Discard):
            continue
        for hold, _ in moment.held():
            if hold.holder == event.src and hold.taken.lock.evidence != "named" and _guards_data(hold.taken):
                found = witness.of_hold(
                    analysis,
                    slug(__name__),
                    META,
                    moment,
                    hold,
                    analysis.span(hold.taken.site),
                    "the guard of `{lock}` is dropped at once: `_` keeps nothing, what follows runs without the lock",
                    "give the guard a name, such as `_guard`, or write `drop(…)` if that is meant",
                    CONFIDENCES[_grade(analysis, moment.function, event, hold.taken)],
                    "dropped in this statement",
                )
                yield replace(found, fixes=_fixes(analysis, moment.function, event.name_at))
    for moment in pointless(analysis):
        event = moment.event
        if isinstance(event, ir.Acquire) and event.lock.family != "semaphore":
            found = witness.of_taken(
                analysis, slug(__name__), META, moment, event,
                "this lock is new for each call and nobody else has it: it keeps nobody out",
                "make the lock once, where all who need it find it: in `__init__`, in the class or in the module",
            )  # fmt: skip
            yield replace(found, confidence="possible") if analysis.of_tests(moment.function) else found


def _grade(analysis: Analysis, number: int, event: ir.Discard, taken: Taken) -> int:
    """How sure it is.

    Who assigns to `_`, where no name could stand, throws away what he knows to be there; who calls what does more than
    take a lock may call it for that; a test may want to see that the lock can be taken; and a lock that the function
    made for itself is there to wait for those who got it.
    """
    waits = event.name_at is None or analysis.of_tests(number) or is_made_here(analysis, number, taken.lock.place)
    if waits or any(_does_more(analysis, site) for site in taken.inner):
        return 0
    return 2 if taken.lock.evidence == "declared" else 1


def _does_more(analysis: Analysis, site: Site) -> bool:
    """Whether a function does anything that another function sees, besides what it does at a place."""
    acts = (ir.Acquire, ir.Invoke, ir.Callback, ir.Suspend, ir.Block)
    return any(
        isinstance(moment.event, acts) and not ir.within(moment.event.at, site.at)
        for moment in analysis.moments(site.function)
    )


def _fixes(analysis: Analysis, function: int, name_at: ir.Range | None) -> tuple[Fix, ...]:
    """Unsafe: from then on the lock is held for the rest of the block, where others may be taken."""
    if name_at is None:
        return ()
    edit = Edit(analysis.span(Site(function, name_at)), "_guard")
    return (Fix("keep the guard to the end of the block as `_guard`", "unsafe", (edit,)),)


def _guards_data(taken: Taken) -> bool:
    """Permits are also waited for as signals."""
    return taken.lock.family != "semaphore"
