r"""
A signal's handler takes a lock that is not re-entrant

Python runs a signal's handler in the main thread, between any two steps of whatever runs there (page of `signal`).
When that is inside the critical section of the lock that the handler wants, the thread waits for itself. `logging`
and `print` take locks too; leave word instead (`queue.SimpleQueue`, a flag, `signal.set_wakeup_fd`) and let a thread
do the work.

## Bad
```python
import signal
import threading

LOCK = threading.Lock()
CLIENTS = []

def stop(number, frame):
    # ruleid: signal-handler-takes-lock
    with LOCK:
        CLIENTS.clear()

def add(client):
    with LOCK:
        CLIENTS.append(client)

def main():
    signal.signal(signal.SIGTERM, stop)
```
## Good
```python
import signal
import threading

LOCK = threading.Lock()
CLIENTS = []
STOPPED = []

def stop(number, frame):
    STOPPED.append(number)

def add(client):
    with LOCK:
        CLIENTS.append(client)

def main():
    signal.signal(signal.SIGTERM, stop)
```
## In production
Deadlock. It happens at shutdown, once in many: the process ignores SIGTERM until it is killed.
## Not seen
Handlers of an event loop (`loop.add_signal_handler`): they run between tasks, not in the middle of one. What the thread
needs that a handler waits for: that is `possible`. A lock that is found by a key is one of many, and a finding about it
only `possible`; what is only taken where another thread than a certain one runs is left out.
"""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck import witness
from lockcheck.analysis import Analysis
from lockcheck.finding import Finding
from lockcheck.questions.sudden import HOOKS, plainest, registered, waiting_handlers
from lockcheck.rule import Meta, slug

META = Meta(code="LCK407", severity="error", languages=("python",), reach="program", sees="tree")
TOPICS = (HOOKS,)


def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each step of a handler that comes to a lock; of several locks, for that with the surest way.

    A handler that waits for another thread may hang as well: nobody knows what that thread needs.
    """
    for one in plainest(registered(analysis, "signal")):
        yield witness.of_sudden(
            analysis, slug(__name__), META, one,
            "a signal's handler takes `{lock}`: it runs in the middle of anything, also where the lock is held",
            "leave word for a thread that does it, or use a lock that lets its holder in again", "the handler",
        )  # fmt: skip
    for number, wait in waiting_handlers(analysis, "signal"):
        yield witness.of_waiting(
            analysis, slug(__name__), META, number, wait,
            "a signal's handler {why}: it runs in the middle of anything, also under a lock that is needed for its end",
            "leave word for the main thread, and let that wait",
        )  # fmt: skip
