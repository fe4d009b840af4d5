r"""
Read lock taken again under the own read guard

Most read-write locks let a waiting writer go before new readers (std says it may, parking_lot and tokio do). A writer
that comes between the two reads waits for the first, the second waits for the writer: both threads, and all after
them, hang. It needs the writer at the wrong moment, so tests pass. Lighthouse met it in the field (pull request 6412).

## Bad
```rust
fn stats(&self) -> (usize, usize) {
    let table = self.table.read().unwrap();
    // ruleid: nested-read
    (table.len(), self.table.read().unwrap().capacity())
}
fn clear(&self) {
    self.table.write().unwrap().clear();
}
```
```python
from readerwriterlock import rwlock

class Table:
    def __init__(self):
        self.lock = rwlock.RWLockFair()

    def size(self):
        with self.lock.gen_rlock():
            return len(self.rows)

    def is_full(self):
        with self.lock.gen_rlock():
            # todoruleid: nested-read
            return self.size() == self.limit
```
## Good
Read once and use the guard.
```rust
fn stats(&self) -> (usize, usize) {
    let table = self.table.read().unwrap();
    (table.len(), table.capacity())
}
fn clear(&self) {
    self.table.write().unwrap().clear();
}
```
```python
from readerwriterlock import rwlock

class Table:
    def __init__(self):
        self.lock = rwlock.RWLockFair()

    def is_full(self):
        with self.lock.gen_rlock():
            return len(self.rows) == self.limit
```
## In production
Deadlock. It runs for months; then a writer comes between the two reads, under load, and all who want the lock stop.
## Not seen
Whether a writer can really come between; where the tree has no writer at all the finding is a warning.
"""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck import witness
from lockcheck.analysis import Analysis
from lockcheck.finding import Finding
from lockcheck.questions.conflict import conflicts, nobody_else_has
from lockcheck.rule import Meta, slug

META = Meta(code="LCK204", severity="error", languages=("rust", "python"), reach="program", sees="waits")


def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each read guard and event that reads again."""
    for conflict in conflicts(analysis):
        lock = conflict.reach.lock
        reads_again = conflict.by == "call" and conflict.kind == "nested-read"
        if reads_again and not nobody_else_has(analysis, conflict):
            yield witness.of_conflict(
                analysis, slug(__name__), META, conflict,
                "`{lock}` is read again{via} under this thread's own read guard: a writer between the two hangs both",
                "use the first guard for both, or end it before reading again",
                severity="error" if (lock.owner or lock.place) in analysis.written else "warning",
            )  # fmt: skip
