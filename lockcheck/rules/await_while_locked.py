r"""
Awaiting while a thread's lock is held

While a task waits its thread runs other tasks. If one of them wants the same lock, it blocks that thread, and the
task that would let go may never run again. With a guard of tokio's own locks other tasks wait without blocking
their threads; with one of std's or parking_lot's they block (tokio's tutorial, Shared state).

## Bad
```rust
async fn greet(&self) {
    let peers = self.peers.lock().unwrap();
    // ruleid: await-while-locked
    dial(&peers).await;
}
```
```python
import threading

class Session:
    def __init__(self):
        self.lock = threading.Lock()

    async def refresh(self):
        with self.lock:
            # ruleid: await-while-locked
            self.token = await self.fetch()
```
## Good
Take what you need, let go, then wait.
```rust
async fn greet(&self) {
    let first = self.peers.lock().unwrap().first().cloned();
    dial(&first).await;
}
```
```python
import asyncio

class Session:
    def __init__(self):
        self.lock = asyncio.Lock()

    async def refresh(self):
        async with self.lock:
            self.token = await self.fetch()
```
## In production
Contention. Requests stall in groups while a worker thread is blocked; where all worker threads want the lock, or
there is only one, nothing runs any more: a deadlock.
## Not seen
A guard that lives in a struct which some other function keeps across an await. A plain function that runs a future to
its end (`block_on`) under its caller's guard is reported as possible only. A lock that its module only ever tries to
take holds up no thread, nor does an await of a function that awaits nothing. Code that allows
`clippy::await_holding_lock` (`clippy::await_holding_refcell_ref`, for a `RefCell`) is left alone: its author knows.
"""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck import ir, witness
from lockcheck.analysis import Analysis, Hold, Moment
from lockcheck.analysis.summaries import Wait
from lockcheck.finding import Finding, graded
from lockcheck.questions.conflict import is_after_panic
from lockcheck.questions.pauses import lets_others_run
from lockcheck.rule import Meta, slug
from lockcheck.witness import taken_notes, wait_notes

_STD_LIKE = "clippy::await_holding_lock"
META = Meta(
    code="LCK401",
    severity="warning",
    languages=("rust", "python"),
    reach="function",
    lints=(
        ("mutex", _STD_LIKE),
        ("rwlock", _STD_LIKE),
        ("reentrant", _STD_LIKE),
        ("refcell", "clippy::await_holding_refcell_ref"),
    ),
)


def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each guard of a thread's lock that is alive at an await, at the first one."""
    seen = set()
    for moment in analysis:
        wait = _wait(analysis, moment) if any(moment.ways) else None
        for hold, sure in moment.held(wait.when) if wait is not None else ():
            lock = hold.taken.lock
            key = (hold.taken.site, lock.owner or lock.place)  # (whichever of several a call of a trait's runs)
            if lock.waits != "thread" or key in seen or wait is None or _is_only_tried(analysis, hold):
                continue
            if isinstance(moment.event, ir.Suspend) and hold.taken.site.at == moment.event.call:
                continue  # what is awaited is the guard itself
            seen.add(key)
            via = f" through `{getattr(moment.event, 'name', '')}`" if wait.trace else ""
            doubtful = wait.trace or analysis.of_tests(moment.function)  # (a test's runtime runs nothing else)
            sure = sure and not is_after_panic(moment, hold)
            yield witness.of_hold(
                analysis, slug(__name__), META, moment, hold, witness.event_span(analysis, moment),
                f"awaits{via} while the guard of `{{lock}}` is held: {_then(lock)}",
                "end the guard before the await, or use a lock whose guard may be held across it",
                "possible" if doubtful else graded(lock.evidence, sure), "still held here",
                (*taken_notes(analysis, moment, hold), *wait_notes(analysis, wait, "awaits", "awaits here")),
            )  # fmt: skip


def _then(lock: ir.Lock) -> str:
    """What comes of it: a lock that lets its thread in again does not block it."""
    if lock.family == "reentrant":
        return "it lets other tasks of the same thread in, and whoever is on another thread waits"
    return "a task that wants the lock blocks the thread"


def _is_only_tried(analysis: Analysis, hold: Hold) -> bool:
    """Whether nobody in the module where the lock is taken ever waits for it: a task that wants it blocks nothing."""
    *_, site = (hold.taken.site, *hold.taken.inner)
    mine = next((one for one in _acquired(analysis, site.function) if one.at == site.at), None)
    if mine is None or not mine.fallible or not mine.lock.owner:
        return False
    beside = (one for number in analysis.program.siblings(site.function) for one in _acquired(analysis, number))
    return all(one.fallible for one in beside if one.lock.owner == mine.lock.owner)


def _acquired(analysis: Analysis, number: int) -> Iterator[ir.Acquire]:
    return (one.event for one in analysis.moments(number) if isinstance(one.event, ir.Acquire))


def _wait(analysis: Analysis, moment: Moment) -> Wait | None:
    """Where the moment awaits: itself, or in a plain function that it calls and that runs a future to its end."""
    if isinstance(moment.event, ir.Suspend):
        stops = lets_others_run(analysis, moment.function, moment.event)
        return Wait("", (), analysis.site(moment)) if stops else None
    callee = analysis.callee(moment)
    if callee is not None and analysis.program.functions[callee][1].runs_when_awaited:
        return None
    return next((wait for wait in analysis.waits(moment, "suspends") if wait.certain), None)
