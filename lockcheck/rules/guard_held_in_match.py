r"""
Guard of a `match` head alive in the arms

A temporary in a `match` head lives to the end of the whole `match`, in every edition. An arm that does not use what
the guard gave still runs with the lock held: what waits there makes everybody wait, and the lock order grows an
edge that nobody meant. Qin et al. (PLDI 2020) found 11 of 30 double locks behind such heads of `match` and `if`.

## Bad
```rust
struct Catalog {
    table: Mutex<HashMap<u32, u32>>,
    fallback: Mutex<u32>,
}
impl Catalog {
    fn get(&self, k: u32) -> u32 {
        // ruleid: guard-held-in-match
        match self.table.lock().unwrap().get(&k) {
            Some(v) => *v,
            None => *self.fallback.lock().unwrap(),
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
        match found {
            Some(v) => v,
            None => *self.fallback.lock().unwrap(),
        }
    }
}
```
## In production
Contention. Whoever wants the lock queues behind an arm that looks free of it; load shows it, a test does not.
## Not seen
An arm that uses a borrow of what is behind the guard needs the guard and is left alone. Where an arm takes the very
same lock, the deadlock itself is reported (LCK201 to LCK204). Code that allows
`clippy::significant_drop_in_scrutinee` is left alone: its author knows.
"""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck import witness
from lockcheck.analysis import Analysis
from lockcheck.finding import Finding
from lockcheck.questions.alive import under_heads
from lockcheck.rule import Meta, slug

META = Meta(
    code="LCK102",
    severity="warning",
    languages=("rust",),
    reach="program",
    lints=(("", "clippy::significant_drop_in_scrutinee"),),
)


def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each guard of a `match` head that is alive in an arm which waits for something else."""
    for alive in under_heads(analysis, "arm"):
        yield witness.of_alive(
            analysis, slug(__name__), META, alive,
            "guard of `{lock}` in a `match` head is alive in an arm, which {event}",
            "bind the result with `let` first: the guard ends with that statement",
        )  # fmt: skip
