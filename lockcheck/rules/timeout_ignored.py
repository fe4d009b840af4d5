r"""
Result of a bounded acquisition not looked at

`try_lock_for` comes back without the guard when the time is up. Code that does not look goes on without the lock, as
if it had it. Bounds were put on every write lock of a proxy in 2025 so that a blocked writer reports
(Fly.io, taming-rust-proxy): a result that nobody looks at reports nothing.

## Bad
```rust
struct Catalog {
    load: parking_lot::RwLock<u32>,
    count: AtomicU32,
}
impl Catalog {
    fn set(&self) {
        // ruleid: timeout-ignored
        let _load = self.load.try_write_for(Duration::from_secs(1));
        self.count.store(1, Ordering::SeqCst);
    }
}
```
```python
import threading

class Catalog:
    def __init__(self):
        self._lock = threading.Lock()
        self._load = {}

    def set(self, key):
        # todoruleid: timeout-ignored
        self._lock.acquire(timeout=1)
        self._load[key] = 1
        self._lock.release()
```
## Good
```rust
struct Catalog {
    load: parking_lot::RwLock<u32>,
    count: AtomicU32,
}
impl Catalog {
    fn set(&self) -> bool {
        let Some(_load) = self.load.try_write_for(Duration::from_secs(1)) else {
            return false;
        };
        self.count.store(1, Ordering::SeqCst);
        true
    }
}
```
```python
import threading

class Catalog:
    def __init__(self):
        self._lock = threading.Lock()
        self._load = {}

    def set(self, key):
        if not self._lock.acquire(timeout=1):
            return False
        try:
            self._load[key] = 1
        finally:
            self._lock.release()
        return True
```
## In production
Hazard. Under load the time runs out, and the code does without the lock what it should do with it.
## Not seen
A result that is stored or returned: whoever gets it may look.
"""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck import ir, witness
from lockcheck.analysis import Analysis
from lockcheck.analysis.paths import looked_at
from lockcheck.finding import Finding
from lockcheck.rule import Meta, slug

META = Meta(code="LCK503", severity="warning", languages=("rust", "python"), reach="function")


def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each acquisition with a time limit whose result nothing looks at."""
    seen = set()
    for moment in analysis:
        event = moment.event
        if not isinstance(event, ir.Acquire) or not event.bounded or (moment.function, event.at) in seen:
            continue
        holder = event.holder
        if event.lock.evidence == "named" or holder is None or holder.root in looked_at(analysis, moment.function):
            continue
        seen.add((moment.function, event.at))
        yield witness.of_taken(
            analysis, slug(__name__), META, moment, event,
            "nobody looks whether `{lock}` was taken in time: the code goes on without it when it was not",
            "look at the result: `let Some(guard) = … else { … }`, `if … :`, and report when the time was up",
        )  # fmt: skip
