r"""
Write lock without a time limit

A writer that waits for ever tells nobody. After its lock-ups of 2025 a proxy team gave every write lock a limit, so
that a blocked writer reports, with a label, instead of hanging (Fly.io, taming-rust-proxy, 2025-02-26). A project
says for which locks it wants that; a name is what `lockcheck locks` prints, with `*` and `?` for any text:

```toml
bounded = ["Catalog.*"]
```

## Bad
```rust
// bounded = ["Catalog.load"]
struct Catalog {
    load: parking_lot::RwLock<u32>,
}
impl Catalog {
    fn set(&self) {
        // todoruleid: unbounded-write-lock
        *self.load.write() = 1;
    }
}
```
```python
# bounded = ["Catalog._lock"]
import threading

class Catalog:
    def __init__(self):
        self._lock = threading.Lock()
        self._load = {}

    def set(self, key):
        # todoruleid: unbounded-write-lock
        with self._lock:
            self._load[key] = 1
```
## Good
Wait for a time, and say so when it was not enough.
```rust
// bounded = ["Catalog.load"]
struct Catalog {
    load: parking_lot::RwLock<u32>,
}
impl Catalog {
    fn set(&self) -> Result<(), Busy> {
        let Some(mut load) = self.load.try_write_for(Duration::from_secs(5)) else {
            return Err(Busy);
        };
        *load = 1;
        Ok(())
    }
}
```
```python
# bounded = ["Catalog._lock"]
import threading

class Catalog:
    def __init__(self):
        self._lock = threading.Lock()
        self._load = {}

    def set(self, key):
        if not self._lock.acquire(timeout=5):
            raise TimeoutError("the catalog is busy")
        try:
            self._load[key] = 1
        finally:
            self._lock.release()
```
## In production
Hazard. Should a reader never let go, this thread waits without a word, and so does everybody behind it.
## Not seen
A limit that somebody else sets, such as a watchdog that interrupts the thread.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from lockcheck import ir, witness
from lockcheck.analysis import Analysis
from lockcheck.analysis.asked import fits
from lockcheck.finding import Finding
from lockcheck.rule import Meta, slug

META = Meta(
    code="LCK502", severity="warning", languages=("rust", "python"), reach="program",
    persona="auditor", asked_by="bounded",
)  # fmt: skip


def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each exclusive acquisition without a limit, of the locks that the project wants bounded."""
    bounded = analysis.asked.bounded
    for moment in analysis if bounded else ():
        event = moment.event
        if not isinstance(event, ir.Acquire) or event.fallible or event.bounded or event.mode == "read":
            continue
        if event.lock.family in ("mutex", "rwlock", "reentrant") and fits(bounded, event.lock.owner):
            found = witness.of_taken(
                analysis, slug(__name__), META, moment, event,
                "`{lock}` is waited for without a time limit, and the project wants one",
                "wait for a time (`try_write_for`, `try_lock_for`), and report when it was not enough",
            )  # fmt: skip
            yield replace(found, asked=True)
