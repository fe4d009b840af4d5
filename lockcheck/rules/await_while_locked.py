r"""
Awaiting while a thread's lock is held

While a task waits its thread runs other tasks. If one of them wants the same lock, it blocks that thread, and the
task that would let go may never run again. With a guard of tokio's own locks other tasks wait without blocking
their threads; with one of std's or parking_lot's they block.

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
A guard that lives in a struct which some other function keeps across an await. A plain function that runs a future
to its end (`block_on`) under its caller's guard is reported as possible only.
"""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck import ir, witness
from lockcheck.analysis import Analysis, Moment
from lockcheck.analysis.held import Wait
from lockcheck.finding import CONFIDENCES, Finding, Note
from lockcheck.rule import Meta, slug

META = Meta(code="LCK401", severity="warning", languages=("rust", "python"), reach="function")


def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each guard of a thread's lock that is alive at an await, at the first one."""
    seen = set()
    for moment in analysis:
        wait = _wait(analysis, moment) if any(moment.ways) else None
        for hold, sure in moment.held() if wait is not None else ():
            lock = hold.taken.lock
            key = (hold.taken.site, lock.place)
            if lock.waits != "thread" or key in seen or wait is None:
                continue
            seen.add(key)
            grade = {"declared": 2, "inferred": 1, "named": 0}[lock.evidence] if not wait.trace else 0
            via = f" through `{getattr(moment.event, 'name', '')}`" if wait.trace else ""
            yield witness.of_hold(
                analysis, slug(__name__), META, moment, hold, witness.event_span(analysis, moment),
                f"awaits{via} while the guard of `{{lock}}` is held: a task that wants the lock blocks the thread",
                "end the guard before the await, or use a lock whose guard may be held across it",
                CONFIDENCES[grade if sure else min(grade, 1)], "still held here",
                (*witness.taken_notes(analysis, moment, hold), *_notes(analysis, wait)),
            )  # fmt: skip


def _wait(analysis: Analysis, moment: Moment) -> Wait | None:
    """Where the moment awaits: itself, or in a plain function that it calls and that runs a future to its end."""
    event = moment.event
    if isinstance(event, ir.Suspend):
        return Wait("", (), analysis.site(moment))
    if not isinstance(event, ir.Invoke) or not event.certain or len(event.targets) != 1:
        return None
    if analysis.program.functions[event.targets[0]][1].runs_when_awaited:
        return None
    found = analysis.summary(event.targets[0]).suspends
    return found[0]._replace(trace=(analysis.site(moment), *found[0].trace)) if found else None


def _notes(analysis: Analysis, wait: Wait) -> Iterator[Note]:
    for site in wait.trace[1:]:
        yield Note(analysis.span(site), f"`{analysis.title(site.function)}` calls on here", "calls on")
    if wait.trace:
        yield Note(analysis.span(wait.site), f"`{analysis.title(wait.site.function)}` awaits here", "awaits here")
