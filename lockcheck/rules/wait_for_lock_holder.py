r"""
Waiting for a thread that needs the lock held here

Joining a thread under a guard waits for everything that the thread still does. When it takes the same lock, neither
goes on. Tests pass as long as the thread is quick enough to be done before.

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

    def work(self):
        with self.lock:
            self.rows.clear()

    def stop(self):
        worker = threading.Thread(target=self.work)
        worker.start()
        with self.lock:
            # todoruleid: wait-for-lock-holder
            worker.join()
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
Threads whose handle comes from another module, and waits for channels, events and barriers. What a scoped thread
waits for is reported inside its closure (LCK201 to LCK204).
"""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck import witness
from lockcheck.analysis import Analysis
from lockcheck.analysis.conflict import conflicts
from lockcheck.finding import Finding
from lockcheck.rule import Meta, slug

META = Meta(code="LCK303", severity="error", languages=("rust", "python"), reach="program")


def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each guard under which a thread is waited for that needs the lock."""
    for conflict in conflicts(analysis):
        if conflict.by == "wait" and conflict.kind != "nested-read":
            yield witness.of_conflict(
                analysis, slug(__name__), META, conflict,
                "waits for a thread that needs `{lock}` while this thread holds it: neither goes on",
                "end the guard before the wait",
            )  # fmt: skip
