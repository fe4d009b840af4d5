r"""
Liveness probe that touches no lock

A watchdog asks the process to do something real, and restarts it when no answer comes. A probe that takes none of the
locks that the work needs answers from a healthy corpse: threads wait for ever, and it says that all is well. In 2024 a
supervisor that went through the same locks as the work ended a repeated deadlock within minutes (Fly.io infra log,
2024-12-14). The configuration, or a comment `lockcheck: probe` above the function, names the probes:

```toml
data-plane = ["*::handle_update"]
probes = ["Repl::ping"]
```

## Bad
```rust
// probes = ["Repl::ping"]
struct Repl {
    table: Mutex<Vec<u32>>,
}
impl Repl {
    // todoruleid: probe-misses-lock
    fn ping(&self) -> &'static str {
        "pong"
    }
    fn work(&self) {
        self.table.lock().unwrap().push(1);
    }
}
```
```python
# probes = ["Server.ping"]
import threading

class Server:
    def __init__(self):
        self._lock = threading.Lock()
        self._table = []

    # todoruleid: probe-misses-lock
    def ping(self):
        return "pong"

    def work(self):
        with self._lock:
            self._table.append(1)
```
## Good
Let the probe go the way of the work.
```rust
// probes = ["Repl::ping"]
struct Repl {
    table: Mutex<Vec<u32>>,
}
impl Repl {
    fn ping(&self) -> usize {
        self.table.lock().unwrap().len()
    }
    fn work(&self) {
        self.table.lock().unwrap().push(1);
    }
}
```
```python
# probes = ["Server.ping"]
import threading

class Server:
    def __init__(self):
        self._lock = threading.Lock()
        self._table = []

    def ping(self):
        with self._lock:
            return len(self._table)

    def work(self):
        with self._lock:
            self._table.append(1)
```
## In production
Hazard. The process hangs, the watchdog is content, and a person must find out.
## Not seen
Whether the watchdog allows for honest slow ways: to it, contention looks like a deadlock.
"""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck import ir, witness
from lockcheck.analysis import Analysis, Site
from lockcheck.finding import Finding
from lockcheck.questions.reached import takings, ways
from lockcheck.rule import Meta, slug

META = Meta(code="LCK701", severity="warning", languages=("rust", "python"), reach="program", sees="tree")

_MOST = 5
"""A message names at most so many locks."""


def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each declared probe that waits for none, or not for all, of the locks that can wedge the work."""
    wedgeable = _wedgeable(analysis) if analysis.asked.probes else set()
    for probe in analysis.asked.probes:
        taken = takings(analysis, ways(analysis, [probe]))
        touched = {owner for owner, places in taken.items() if any(not one.apart for one in places)}
        missed = sorted(wedgeable - touched)
        if missed:
            yield _finding(analysis, probe, missed, len(wedgeable))


def _wedgeable(analysis: Analysis) -> set[str]:
    """The locks that some thread keeps others from: of the data plane where one is declared, else of the whole tree."""
    entries = analysis.asked.data_plane
    numbers = ways(analysis, entries) if entries else analysis.functions
    return {
        event.lock.owner
        for number in numbers
        for moment in analysis.moments(number)
        if isinstance((event := moment.event), ir.Acquire) and _keeps_others_out(event)
    }


def _keeps_others_out(event: ir.Acquire) -> bool:
    lock = event.lock
    waits = not event.fallible and event.mode != "read" and lock.family in ("mutex", "rwlock", "reentrant")
    return waits and bool(lock.owner) and lock.evidence != "named"


def _finding(analysis: Analysis, probe: int, missed: list[str], every: int) -> Finding:
    title, name_at = analysis.title(probe), analysis.program.functions[probe][1].name_at
    names = ", ".join(f"`{witness.owner_name(owner)}`" for owner in missed[:_MOST])
    more = f" and {len(missed) - _MOST} more" if len(missed) > _MOST else ""
    none = len(missed) == every
    which = "none of the locks" if none else f"not all of the locks ({every - len(missed)} of {every})"
    return Finding(
        META.code, slug(__name__), META.severity if none else "note", "likely", "declared",
        analysis.span(Site(probe, name_at)),
        f"the probe `{title}` touches {which} that can wedge the process; it misses {names}{more}",
        title, label="answers although these are wedged", asked=True,
        help="let the probe take the locks that the work takes; see `lockcheck locks --reached-from`",
    )  # fmt: skip
