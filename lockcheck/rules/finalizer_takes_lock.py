r"""
A value's end takes a lock that is held there

`Drop::drop` runs where a value ends: at the end of its block, in the opposite order of declaration, or at `drop(x)`.
Nobody writes the call, so nobody sees that it takes a lock. When the same thread still holds that lock, it waits for
itself. In Python a finalizer (`__del__`, what `weakref.ref` and `weakref.finalize` call) runs wherever the garbage
collector does, in any thread: of 86 lock bugs in the history of well-known packages 8 were of this kind.

## Bad
```rust
struct Office {
    open: Mutex<Vec<u32>>,
}
struct Ticket<'a> {
    office: &'a Office,
}
impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        self.office.open.lock().unwrap().clear();
    }
}
impl Office {
    fn issue(&self) -> usize {
        let open = self.open.lock().unwrap();
        // ruleid: finalizer-takes-lock
        let ticket = Ticket { office: self };
        open.len()
    }
}
```
```python
import threading

class Pool:
    def __init__(self):
        self.lock = threading.Lock()
        self.free = []

    def give_back(self, connection):
        with self.lock:
            self.free.append(connection)

class Cursor:
    def __init__(self, pool: Pool):
        self.pool = pool

    def __del__(self):
        # todoruleid: finalizer-takes-lock
        self.pool.give_back(self)
```
## Good
Declare the value before the guard, so that the guard ends first.
```rust
struct Office {
    open: Mutex<Vec<u32>>,
}
struct Ticket<'a> {
    office: &'a Office,
}
impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        self.office.open.lock().unwrap().clear();
    }
}
impl Office {
    fn issue(&self) -> usize {
        let ticket = Ticket { office: self };
        let open = self.open.lock().unwrap();
        open.len()
    }
}
```
```python
import threading

class Pool:
    def __init__(self):
        self.lock = threading.RLock()
        self.free = []

    def give_back(self, connection):
        with self.lock:
            self.free.append(connection)

class Cursor:
    def __init__(self, pool: Pool):
        self.pool = pool

    def __del__(self):
        self.pool.give_back(self)
```
## In production
Deadlock. The thread stops at a line that shows no call, and all who want the lock stop behind it.
## Not seen
What the thread needs that a Python finalizer waits for: that is `possible`. Whether the lock is ever held where a
Python finalizer can run. In Rust the end of a result that something is asked of (`map.remove(&k).is_some()`), of the
last `Arc` unless `upgrade` gave it, and of what a trait object is. Whether there was a value where one is
overwritten, whether what `upgrade` gives is the last one, and whether two values of one type belong to the same
owner: such findings are only `possible`, and so are those about a lock that is found by a key.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from lockcheck import witness
from lockcheck.analysis import Analysis
from lockcheck.finding import Finding
from lockcheck.questions.conflict import conflicts
from lockcheck.questions.sudden import HOOKS, finalizers, plainest, waiting
from lockcheck.rule import Meta, slug

META = Meta(code="LCK406", severity="error", languages=("rust", "python"), reach="program", sees="waits")
TOPICS = (HOOKS,)


def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each value whose end waits for a guard that is held there, and each finalizer that may.

    A finalizer that waits for another thread may as well: nobody knows what that thread needs.
    """
    for one in plainest(finalizers(analysis)):
        found = witness.of_sudden(
            analysis, slug(__name__), META, one,
            "a finalizer takes `{lock}`: it runs in the middle of anything, also where its thread holds that lock",
            "leave word for a thread that does it, or use a lock that lets its holder in again",
            "the finalizer",
        )  # fmt: skip
        yield replace(found, severity="warning")
    for number, wait in waiting(analysis):
        yield witness.of_waiting(
            analysis, slug(__name__), META, number, wait,
            "a finalizer {why}: it runs in the middle of anything, also under a lock that is needed to end the wait",
            "leave word for a thread that does it, or have the owner close it by name",
        )  # fmt: skip
    for conflict in conflicts(analysis):
        if conflict.by == "end":
            yield witness.of_conflict(
                analysis, slug(__name__), META, conflict,
                "the end of {event} takes `{lock}` while this thread still holds it: it waits for itself",
                "declare the value before the guard, or end the guard first",
            )  # fmt: skip
