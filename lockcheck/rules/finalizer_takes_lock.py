r"""
A value's end takes a lock that is held there

`Drop::drop` runs where a value ends: at the end of its block, in the opposite order of declaration, or at `drop(x)`.
Nobody writes the call, so nobody sees that it takes a lock. When the same thread still holds that lock, it waits for
itself.

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
## In production
Deadlock. The thread stops at a line that shows no call, and all who want the lock stop behind it.
## Not seen
The end of temporaries, of values inside containers, and of what an assignment overwrites.
"""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck import witness
from lockcheck.analysis import Analysis
from lockcheck.analysis.conflict import conflicts
from lockcheck.finding import Finding
from lockcheck.rule import Meta, slug

META = Meta(code="LCK406", severity="error", languages=("rust",), reach="program")


def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each value whose end waits for a guard that is held there."""
    for conflict in conflicts(analysis):
        if conflict.by == "end":
            yield witness.of_conflict(
                analysis, slug(__name__), META, conflict,
                "the end of {event} takes `{lock}` while this thread still holds it: it waits for itself",
                "declare the value before the guard, or end the guard first",
            )  # fmt: skip
