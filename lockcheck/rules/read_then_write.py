r"""
Write lock taken while the own read guard is alive

A writer waits for all readers. When one of them is the same thread, it waits for ever, and every later reader
waits behind the writer. On 2024-09-01 this hung a fleet of proxies worldwide within seconds: the read guard lived
in an `if let` head, the write lock was taken some calls down in the `else` (Fly.io infra log, 2024-09-07).

## Bad
```rust
fn get(&self, k: u32) -> u32 {
    match self.load.read().unwrap().get(&k) {
        Some(v) => *v,
        None => {
            // ruleid: read-then-write
            self.load.write().unwrap().insert(k, 0);
            0
        }
    }
}
```
```python
from readerwriterlock import rwlock

class Catalog:
    def __init__(self):
        self.load = rwlock.RWLockFair()

    def init_for(self, key):
        with self.load.gen_wlock():
            self.rows[key] = key

    def get(self, key):
        with self.load.gen_rlock():
            if key not in self.rows:
                # todoruleid: read-then-write
                self.init_for(key)
```
## Good
Let the read guard end with its own statement; then write.
```rust
fn get(&self, k: u32) -> u32 {
    let found = self.load.read().unwrap().get(&k).copied();
    match found {
        Some(v) => v,
        None => {
            self.load.write().unwrap().insert(k, 0);
            0
        }
    }
}
```
```python
from readerwriterlock import rwlock

class Catalog:
    def __init__(self):
        self.load = rwlock.RWLockFair()

    def init_for(self, key):
        with self.load.gen_wlock():
            self.rows[key] = key

    def get(self, key):
        with self.load.gen_rlock():
            known = key in self.rows
        if not known:
            self.init_for(key)
```
## In production
Deadlock. The writer waits for its own guard, and every later reader waits behind the writer: within seconds all
threads that read stop. A restart helps until the same input comes again.
## Not seen
A read guard that another function keeps alive in a container.
"""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck import witness
from lockcheck.analysis import Analysis
from lockcheck.finding import Finding
from lockcheck.questions.conflict import conflicts
from lockcheck.rule import Meta, slug

META = Meta(code="LCK202", severity="error", languages=("rust", "python"), reach="program")


def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each read guard and event that waits for the write lock."""
    for conflict in conflicts(analysis):
        if conflict.by == "call" and conflict.kind == "read-then-write":
            yield witness.of_conflict(
                analysis, slug(__name__), META, conflict,
                "`{lock}` is taken for writing{via} while this {who} still holds its read guard: it waits for itself",
                "copy what the read guard gives into a variable, so that the guard ends before the write lock is taken",
            )  # fmt: skip
