r"""
Read lock taken while the own write guard is alive

A reader waits for the writer to finish. When the writer is the same thread, it waits for ever. Most often a helper
that reads is called while the caller is still writing. std says only that `read` might panic there.

## Bad
```rust
fn add(&self, k: u32) -> usize {
    let mut table = self.table.write().unwrap();
    table.insert(k, 0);
    // ruleid: write-then-read
    self.table.read().unwrap().len()
}
```
```python
from readerwriterlock import rwlock

class Table:
    def __init__(self):
        self.lock = rwlock.RWLockFair()

    def add(self, row):
        with self.lock.gen_wlock():
            self.rows.append(row)
            # ruleid: write-then-read
            with self.lock.gen_rlock():
                return len(self.rows)
```
## Good
Read through the write guard, or end it first.
```rust
fn add(&self, k: u32) -> usize {
    let mut table = self.table.write().unwrap();
    table.insert(k, 0);
    table.len()
}
```
```python
from readerwriterlock import rwlock

class Table:
    def __init__(self):
        self.lock = rwlock.RWLockFair()

    def add(self, row):
        with self.lock.gen_wlock():
            self.rows.append(row)
            return len(self.rows)
```
## In production
Deadlock. The thread never comes back, and all who want the lock stop behind it: no processor time, no message. A
restart helps until the same code runs again.
## Not seen
A write guard that another function keeps alive in a container.
"""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck import witness
from lockcheck.analysis import Analysis
from lockcheck.finding import Finding
from lockcheck.questions.conflict import conflicts
from lockcheck.rule import Meta, slug

META = Meta(code="LCK203", severity="error", languages=("rust", "python"), reach="program")


def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each write guard and event that waits for the read lock."""
    for conflict in conflicts(analysis):
        if conflict.by == "call" and conflict.kind == "write-then-read":
            yield witness.of_conflict(
                analysis, slug(__name__), META, conflict,
                "`{lock}` is taken for reading{via} while this {who} still holds its write guard: it waits for itself",
                "read through the write guard, or end it before the read lock is taken",
            )  # fmt: skip
