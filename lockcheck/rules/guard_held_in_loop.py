r"""
Guard of a loop head alive in the body

A temporary in a `while let` head lives through each round's body, one in a `for` head through the whole loop. The
classic is `while let Some(job) = queue.lock().unwrap().pop()`: the queue is locked while the job runs, so that all
workers take turns, and a job that waits for another one hangs. The Rust Book warns of it where its web server gets
workers.

## Bad
```rust
struct Pool {
    queue: Mutex<Vec<u32>>,
    done: Mutex<u32>,
}
impl Pool {
    fn work(&self) {
        // ruleid: guard-held-in-loop
        while let Some(job) = self.queue.lock().unwrap().pop() {
            *self.done.lock().unwrap() += job;
        }
    }
}
```
## Good
Take one thing out in a statement of its own.
```rust
struct Pool {
    queue: Mutex<Vec<u32>>,
    done: Mutex<u32>,
}
impl Pool {
    fn work(&self) {
        loop {
            let job = self.queue.lock().unwrap().pop();
            let Some(job) = job else { break };
            *self.done.lock().unwrap() += job;
        }
    }
}
```
## In production
Contention. The workers take turns: one works, the others wait, and more of them make nothing faster.
## Not seen
A loop over a borrow of what is behind the guard needs the guard and is left alone, and so is a body that neither
takes a lock nor waits. So is code that allows
`clippy::significant_drop_in_scrutinee`: its author knows.
"""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck import witness
from lockcheck.analysis import Analysis
from lockcheck.finding import Finding
from lockcheck.questions.alive import under_heads
from lockcheck.rule import Meta, slug

META = Meta(
    code="LCK103",
    severity="warning",
    languages=("rust",),
    reach="program",
    lints=(("", "clippy::significant_drop_in_scrutinee"),),
)


def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each guard of a loop head that is alive in the body which waits for something else."""
    for alive in under_heads(analysis, "body"):
        yield witness.of_alive(
            analysis, slug(__name__), META, alive,
            "guard of `{lock}` in a loop head is alive in the body, which {event}",
            "take what the body needs in a `let` statement of its own, or collect it before the loop",
        )  # fmt: skip
