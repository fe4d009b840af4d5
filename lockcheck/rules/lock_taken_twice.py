r"""
Lock taken twice by one thread

A lock that is not re-entrant waits for its holder. When the holder is the same thread, or the same task, it waits
for ever. The first guard is often a temporary that nobody sees: 11 of 30 double locks studied by Qin et al.
(PLDI 2020) had it in a `match` or `if` head.

## Bad
```rust
fn next(&self) -> u64 {
    let queue = self.queue.lock().unwrap();
    // ruleid: lock-taken-twice
    queue.len() as u64 + *self.queue.lock().unwrap().first().unwrap()
}
```
```python
import threading

class Cluster:
    def __init__(self):
        self.lock = threading.Lock()

    def shutdown(self):
        with self.lock:
            self.open = False

    def connect(self):
        with self.lock:
            if not self.dial():
                # todoruleid: lock-taken-twice
                self.shutdown()
```
## Good
Take the lock once and use the guard.
```rust
fn next(&self) -> u64 {
    let queue = self.queue.lock().unwrap();
    queue.len() as u64 + *queue.first().unwrap()
}
```
```python
import threading

class Cluster:
    def __init__(self):
        self.lock = threading.Lock()

    def shutdown(self):
        with self.lock:
            self.open = False

    def connect(self):
        with self.lock:
            connected = self.dial()
        if not connected:
            self.shutdown()
```
## In production
Deadlock. The thread never comes back, and all who want the lock stop behind it: no processor time, no message. A
restart helps until the same code runs again.
## Not seen
Two names of one lock that are told apart only at run time, such as two indices of one array. What is only taken where
the code has asked who runs (`if self._owner == get_ident()`), and it is another: so a lock lets its holder in again.
"""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck import witness
from lockcheck.analysis import Analysis
from lockcheck.finding import Finding
from lockcheck.questions.conflict import Conflict, conflicts
from lockcheck.rule import Meta, slug

META = Meta(code="LCK201", severity="error", languages=("rust", "python"), reach="program")


def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each guard and event that waits for the same lock's exclusive side."""
    for conflict in conflicts(analysis):
        if conflict.by == "call" and conflict.kind == "twice":
            yield witness.of_conflict(
                analysis, slug(__name__), META, conflict,
                _RAISES if _tells(analysis, conflict) else _HANGS,
                "end the first guard's scope before, or pass the guard on instead of taking the lock again",
            )  # fmt: skip


_HANGS = "`{lock}` is taken again{via} while this {who} still holds it: it waits for itself"
_RAISES = "`{lock}` is taken again{via} while this task still holds it: it raises"


def _tells(analysis: Analysis, conflict: Conflict) -> bool:
    """Whether the lock's library lets nobody wait for what it has itself."""
    lock = analysis.effects(conflict.moment.function).lock(tuple(conflict.reach.lock.kind.split(".")))
    return lock is not None and lock.tells
