r"""
Blocking work while a lock is held

Sleeping, joining, waiting for a message or a process, files and connections take as long as somebody else likes.
Everybody who wants the lock waits with the thread that holds it, and a watchdog cannot tell the crowd from a deadlock.
A pool of redis-py connected to its server under its lock: one slow host stopped all who wanted a connection (9205321).
A project says what else must not be called under a lock, and what may be although it waits:

```toml
blocking-deny = ["Client.fetch", "corp.rpc.*"]
blocking-allow = ["time.sleep", "Store.flush"]
```

## Bad
```rust
struct Store {
    index: Mutex<HashMap<u32, String>>,
}
impl Store {
    fn load(&self, k: u32) {
        let mut index = self.index.lock().unwrap();
        // todoruleid: block-while-locked
        let text = std::fs::read_to_string("data").unwrap();
        index.insert(k, text);
    }
}
```
```python
import threading

class Store:
    def __init__(self):
        self._lock = threading.Lock()
        self._index = {}

    def load(self, key):
        with self._lock:
            # todoruleid: block-while-locked
            time.sleep(1)
            self._index[key] = 1
```
## Good
Work first, then lock.
```rust
struct Store {
    index: Mutex<HashMap<u32, String>>,
}
impl Store {
    fn load(&self, k: u32) {
        let text = std::fs::read_to_string("data").unwrap();
        let mut index = self.index.lock().unwrap();
        index.insert(k, text);
    }
}
```
```python
import threading

class Store:
    def __init__(self):
        self._lock = threading.Lock()
        self._index = {}

    def load(self, key):
        time.sleep(1)
        with self._lock:
            self._index[key] = 1
```
## In production
Contention. Latency jumps for all who want the lock whenever the disk or the other side is slow.
## Not seen
Work on the very thing that the lock guards, such as a locked file, is what the lock is for. Whether somebody else
wants the lock at that time. What tasks await under a lock of tasks, other than connections and processes. Tests, which
may take their time, and what makes a static at its first use.
"""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck import ir, witness
from lockcheck.analysis import Analysis, Hold, Moment
from lockcheck.analysis.summaries import Wait
from lockcheck.finding import Finding, graded
from lockcheck.questions.classes import leaves_class
from lockcheck.rule import Meta, slug
from lockcheck.witness import taken_notes, wait_notes

META = Meta(code="LCK402", severity="warning", languages=("rust", "python"), reach="program", persona="pedantic")


def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each guard under which the thread blocks, at the first place; a task, under a lock of tasks."""
    seen = set()
    for moment in analysis:
        for wait, lets_go in _waits(analysis, moment):
            for hold, sure in moment.held(wait.when):
                lock = hold.taken.lock
                key = (hold.taken.site, lock.place)
                is_matter = lock.family not in ("once", "semaphore") and (not lets_go or lock.waits == "task")
                if key in seen or not is_matter or _awaited_lock(moment, hold):
                    continue
                seen.add(key)
                yield _finding(analysis, moment, hold, sure, wait)


def _finding(analysis: Analysis, moment: Moment, hold: Hold, sure: bool, wait: Wait) -> Finding:
    via = f" through `{getattr(moment.event, 'name', '')}`" if wait.trace else ""
    return witness.of_hold(
        analysis, slug(__name__), META, moment, hold, witness.event_span(analysis, moment),
        f"{wait.why}{via} while the guard of `{{lock}}` is held: whoever wants the lock waits too",
        "end the guard before, and take the lock again for the result",
        graded(hold.taken.lock.evidence, sure and not wait.trace) if wait.certain else "possible",
        "blocks under the lock",
        (*taken_notes(analysis, moment, hold), *wait_notes(analysis, wait, wait.why, "blocks here")),
    )  # fmt: skip


def _awaited_lock(moment: Moment, hold: Hold) -> bool:
    """Whether the guard is what the moment waits for: `block_on(lock.read())`."""
    at: ir.Range = getattr(moment.event, "at", (0, 0))
    return isinstance(moment.event, ir.Block) and ir.within(hold.taken.site.at, at)


def _waits(analysis: Analysis, moment: Moment) -> Iterator[tuple[Wait, bool]]:
    """What is waited for at the moment, itself or in what it calls, and whether other tasks run meanwhile."""
    event = moment.event
    if not any(moment.ways) or analysis.of_tests(moment.function):
        return
    if isinstance(event, (ir.Block, ir.Suspend)) and event.why:
        yield Wait(event.why, (), analysis.site(moment)), isinstance(event, ir.Suspend)
    named = (wait for wait in analysis.waits(moment, "blocks") if wait.why)
    blocks = [wait for wait in named if not (_is_once(analysis, wait) or _may(analysis, wait))]
    suspends = [wait for wait in analysis.waits(moment, "suspends") if wait.why]
    for found, lets_go in ((blocks, False), (suspends, True)):
        nearest = sorted(found, key=lambda wait: (not wait.certain, len(wait.trace), wait.why))
        first = next((wait for wait in nearest if not leaves_class(analysis, moment, wait)), None)
        if first is not None:
            yield first, lets_go


def _may(analysis: Analysis, wait: Wait) -> bool:
    """Whether the project has nothing against what leads to the wait."""
    return any(site.function in analysis.asked.may_block for site in (wait.site, *wait.trace))


def _is_once(analysis: Analysis, wait: Wait) -> bool:
    """Whether it comes by what makes a static at its first use, once for the whole process."""
    functions = analysis.program.functions
    return any(functions[site.function][1].made_once for site in (wait.site, *wait.trace))
