r"""
Recursive read hides a nested read

`read_recursive` lets a reader pass a writer that waits. A second read under the first then no longer hangs, but the
guard that lives too long is still there, and writers may wait without end. In 2025 it was tried against a fleet's
lock-ups: no cure, it only changed what was seen (Fly.io, 2025-05-28). Outside a diagnosis, mend the nested read.

## Bad
```rust
struct Catalog {
    table: parking_lot::RwLock<Vec<u32>>,
}
impl Catalog {
    fn size(&self) -> usize {
        // ruleid: read-recursive
        self.table.read_recursive().len()
    }
}
```
## Good
Take a plain read lock, and take it once: pass the guard on where it is needed.
```rust
struct Catalog {
    table: parking_lot::RwLock<Vec<u32>>,
}
impl Catalog {
    fn size(&self) -> usize {
        self.table.read().len()
    }
}
```
## In production
Hazard. Nothing hangs because of this call; a writer may wait for as long as readers keep coming.
## Not seen
Whether a caller does hold the lock already: then the call is needed as long as the caller is not changed.
"""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck import ir, witness
from lockcheck.analysis import Analysis
from lockcheck.finding import Finding
from lockcheck.rule import Meta, slug

META = Meta(code="LCK504", severity="note", languages=("rust",), reach="function", persona="pedantic")


def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each acquisition that passes waiting writers; the tree's own locks may have no other way."""
    for moment in analysis:
        event = moment.event
        if isinstance(event, ir.Acquire) and event.recursive and event.lock.evidence == "declared":
            yield witness.of_taken(
                analysis, slug(__name__), META, moment, event,
                "`{lock}` is read past waiting writers: that hides a read lock held too long, and starves writers",
                "take a plain read lock once and pass its guard on",
            )  # fmt: skip
