r"""
Guard of an `if let` head alive in `else`

Up to edition 2021 a temporary in an `if let` head lives to the end of the whole `if`/`else`. A reader of the code
takes the guard for gone in the `else` branch; whatever waits there, waits with the lock held. The outage of
2024-09-01 was of this shape, and the same came back in December of that year (Fly.io infra log, 2024-12-14).

## Bad
```rust
struct Catalog {
    table: Mutex<HashMap<u32, u32>>,
    fallback: Mutex<u32>,
}
impl Catalog {
    fn get(&self, k: u32) -> u32 {
        // ruleid: guard-held-in-else
        if let Some(v) = self.table.lock().unwrap().get(&k) {
            *v
        } else {
            *self.fallback.lock().unwrap()
        }
    }
}
```
## Good
Bind what the head finds first, so that the guard ends with that statement.
```rust
struct Catalog {
    table: Mutex<HashMap<u32, u32>>,
    fallback: Mutex<u32>,
}
impl Catalog {
    fn get(&self, k: u32) -> u32 {
        let found = self.table.lock().unwrap().get(&k).copied();
        if let Some(v) = found {
            v
        } else {
            *self.fallback.lock().unwrap()
        }
    }
}
```
## In production
Contention. Whoever wants the lock queues behind an `else` that looks free of it; load shows it, a test does not.
## Not seen
An `else` that neither takes a lock nor waits is left alone. Where the `else` takes the very same lock, the deadlock
itself is reported (LCK201 to LCK204). From edition 2024 on the guard ends before `else`.
Code that allows `clippy::significant_drop_in_scrutinee` is left alone: its author knows.
"""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck import witness
from lockcheck.analysis import Analysis
from lockcheck.finding import Finding
from lockcheck.questions.alive import under_heads
from lockcheck.rule import Meta, slug

META = Meta(
    code="LCK101",
    severity="warning",
    languages=("rust",),
    reach="program",
    lints=(("", "clippy::significant_drop_in_scrutinee"),),
)


def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each guard of an `if let` head that is alive in `else` which waits for something else."""
    for alive in under_heads(analysis, "else"):
        yield witness.of_alive(
            analysis, slug(__name__), META, alive,
            "guard of `{lock}` in an `if let` head is alive in `else`, which {event}",
            "bind the result with `let` first: the guard ends with that statement",
        )  # fmt: skip
