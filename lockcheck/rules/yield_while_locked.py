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
A generator that is a context manager holds its lock over the `yield` on purpose, and is left alone where its name says
so, where nobody else is to use it, and where it yields what the lock guards. Of another one whose lock lets nobody in
again it is `possible` that the block comes back for the lock (tqdm's `external_write_mode` was one, 86d4093).
A lock that everybody only tries for is left alone: nobody waits for it. Where tasks wait for the lock, it may be there
to let one stream come after the other: that is `possible`.
## In production
Contention. Everybody waits for one slow consumer, which looks like a deadlock; it is one when the consumer, or what
it calls, wants the lock itself.
## Not seen
Generators that are handed a lock which their caller took.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lockcheck import ir, witness
from lockcheck.analysis import Analysis
from lockcheck.finding import Finding, graded
from lockcheck.questions.conflict import is_only_tried
from lockcheck.questions.paths import in_one_closure
from lockcheck.rule import Meta, slug

META = Meta(code="LCK403", severity="warning", languages=("python",), reach="function")


def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each guard that is alive at a yield, at the first one.

    What prepares a test yields while that runs, and the test sees to it that it goes on.
    """
    seen = set()
    for moment in analysis:
        if not isinstance(moment.event, ir.Yield):
            continue
        around = analysis.runs_around(moment.function)
        if around and (moment.event.src is not None or not _serves_something_else(analysis, moment.function)):
            continue
        for hold, sure in moment.held():
            lock = hold.taken.lock
            key = (hold.taken.site, lock.place)
            tasks = lock.waits == "task"
            if (tasks and around) or lock.family in (_LET_IN if around else ("semaphore",)) or key in seen:
                continue
            if not in_one_closure(analysis, moment.function, hold.taken.site.at, analysis.site(moment).at):
                continue  # whoever holds it is the one who asks for the values
            if is_only_tried(analysis, hold.taken):
                continue
            seen.add(key)
            said = _AROUND if around else "it stays taken until the next value is asked for, which may be never"
            yield witness.of_hold(
                analysis, slug(__name__), META, moment, hold, witness.event_span(analysis, moment),
                f"yields while `{{lock}}` is held: {said}",
                "copy what is needed under the lock and yield without it",
                "possible" if around or tasks or analysis.of_tests(moment.function) else graded(lock.evidence, sure),
                "still held here",
                tuple(witness.taken_notes(analysis, moment, hold)),
            )  # fmt: skip


_AROUND = "the caller's block runs under it, and waits for ever where it comes back for the lock"
_LET_IN = ("semaphore", "reentrant")
_IS_FOR_LOCKING = re.compile(
    r"(?i)lock|acquir|hold|held|guard|exclusive|mutex|critical|sync|transact|atomic|section|reserv|access|safe|serial|own"
)


def _serves_something_else(analysis: Analysis, number: int) -> bool:
    """Whether a context manager is there for others, for something that its name does not say to be a lock."""
    function = analysis.program.functions[number][1]
    return not (function.wraps or function.name.startswith("_") or _IS_FOR_LOCKING.search(function.name))
