r"""
Yielding while a lock is held

A generator stands still at `yield` until somebody asks for more. Whoever does so decides how long the lock is held:
for the whole loop over it, for ever if the loop is left and the generator kept. The same thread may want the lock
meanwhile. The Cassandra driver stopped its event thread this way: each result was yielded under the condition that
the thread needed to deliver the next one.

## Bad
```python
import threading

class Cache:
    def __init__(self):
        self.lock = threading.Lock()

    def each(self):
        with self.lock:
            for row in self.rows:
                # ruleid: yield-while-locked
                yield row
```
## Good
Copy under the lock, yield without it.
```python
import threading

class Cache:
    def __init__(self):
        self.lock = threading.Lock()

    def each(self):
        with self.lock:
            rows = list(self.rows)
        yield from rows
```
A generator that is a context manager holds its lock over the `yield` on purpose, and is left alone.
## In production
Contention. Everybody waits for one slow consumer, which looks like a deadlock; it is one when the consumer, or what
it calls, wants the lock itself.
## Not seen
Generators that are handed a lock which their caller took.
"""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck import ir, witness
from lockcheck.analysis import Analysis
from lockcheck.analysis.paths import in_one_closure
from lockcheck.finding import Finding, graded
from lockcheck.rule import Meta, slug

META = Meta(code="LCK403", severity="warning", languages=("python",), reach="function")


def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each guard of a thread's lock that is alive at a yield, at the first one."""
    seen = set()
    for moment in analysis:
        if not isinstance(moment.event, ir.Yield) or analysis.runs_around(moment.function):
            continue
        for hold, sure in moment.held():
            lock = hold.taken.lock
            key = (hold.taken.site, lock.place)
            if lock.waits != "thread" or lock.family == "semaphore" or key in seen:
                continue
            if not in_one_closure(analysis, moment.function, hold.taken.site.at, analysis.site(moment).at):
                continue  # whoever holds it is the one who asks for the values
            seen.add(key)
            yield witness.of_hold(
                analysis, slug(__name__), META, moment, hold, witness.event_span(analysis, moment),
                "yields while `{lock}` is held: it stays taken until the next value is asked for, which may be never",
                "copy what is needed under the lock and yield without it",
                graded(lock.evidence, sure), "still held here",
                tuple(witness.taken_notes(analysis, moment, hold)),
            )  # fmt: skip
