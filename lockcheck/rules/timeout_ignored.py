r"""
Result of a bounded acquisition not looked at

`try_lock_for` comes back without the guard when the time is up. Code that does not look goes on without the lock, as
if it had it. Bounds were put on every write lock of a proxy in 2025 so that a blocked writer reports
(Fly.io, taming-rust-proxy): a result that nobody looks at reports nothing.

## Bad
```rust
struct Catalog {
    load: parking_lot::RwLock<u32>,
    count: AtomicU32,
}
impl Catalog {
    fn set(&self) {
        // ruleid: timeout-ignored
        let _load = self.load.try_write_for(Duration::from_secs(1));
        self.count.store(1, Ordering::SeqCst);
    }
}
```
```python
import threading

class Catalog:
    def __init__(self):
        self._lock = threading.Lock()
        self._load = {}

    def set(self, key):
        # todoruleid: timeout-ignored
        self._lock.acquire(timeout=1)
        self._load[key] = 1
        self._lock.release()
```
## Good
```rust
struct Catalog {
    load: parking_lot::RwLock<u32>,
    count: AtomicU32,
}
impl Catalog {
    fn set(&self) -> bool {
        let Some(_load) = self.load.try_write_for(Duration::from_secs(1)) else {
            return false;
        };
        self.count.store(1, Ordering::SeqCst);
        true
    }
}
```
```python
import threading

class Catalog:
    def __init__(self):
        self._lock = threading.Lock()
        self._load = {}

    def set(self, key):
        if not self._lock.acquire(timeout=1):
            return False
        try:
            self._load[key] = 1
        finally:
            self._lock.release()
        return True
```
Nor is the caller's limit kept where a lock is taken without it, under which the function then waits with it: who
comes second waits as long as the first may (kazoo's semaphore did, 87fe12f).
## In production
Hazard. Under load the time runs out, and the code does without the lock what it should do with it.
## Not seen
A result that is stored or returned: whoever gets it may look. A limit that is only told by what is left of it, and one
of another name than `timeout` and its like.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet

from msgspec.structs import replace

from lockcheck import ir, witness
from lockcheck.analysis import Analysis, Hold, Moment
from lockcheck.finding import Finding, Note
from lockcheck.questions.paths import looked_at, made_of
from lockcheck.questions.private import is_first
from lockcheck.rule import Meta, slug

META = Meta(code="LCK503", severity="warning", languages=("rust", "python"), reach="function")


def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each acquisition whose result nothing looks at, and each that a caller's limit does not bound."""
    seen = set()
    for moment in analysis:
        event = moment.event
        if not isinstance(event, ir.Acquire) or (moment.function, event.at) in seen:
            continue
        if not (event.bounded or _gives_back_a_try(analysis, moment.function, event)):
            continue
        holder = event.holder
        if event.lock.evidence == "named" or holder is None or holder.root in looked_at(analysis, moment.function):
            continue
        if is_first(analysis, moment):
            continue
        seen.add((moment.function, event.at))
        found = witness.of_taken(
            analysis, slug(__name__), META, moment, event,
            f"nobody looks whether `{{lock}}` was taken{_IN_TIME if event.bounded else _AT_ONCE} when it was not",
            "look at the result: `let Some(guard) = … else { … }`, `if … :`, and report when the time was up",
        )  # fmt: skip
        yield replace(found, confidence="possible") if _only_waits(analysis, moment.function, event) else found
    for number, moments in analysis.functions.items():
        for moment, hold in _unbounded(analysis, number, moments):
            yield witness.of_hold(
                analysis, slug(__name__), META, moment, hold, analysis.span(hold.taken.site),
                "the caller's limit bounds what is waited for under `{lock}`, not the wait for it: who comes second "
                "waits as long as the first may",
                "take the lock with what is left of the time, and say so when it was up",
                "possible", "waits without a limit",
                (Note(witness.event_span(analysis, moment), "the limit is for what is waited for here", "given here"),),
            )  # fmt: skip


_IN_TIME = " in time: the code goes on without it"
_AT_ONCE = ": the code goes on without it, and gives back what another thread has,"


def _only_waits(analysis: Analysis, number: int, event: ir.Acquire) -> bool:
    """Whether a permit is taken that the function gives back nowhere: it may be there to wait for somebody."""
    if event.lock.family != "semaphore" or not event.by_hand:
        return False
    given = (one.event.lock for one in analysis.moments(number) if isinstance(one.event, ir.Release))
    return not any(lock is not None and lock.place == event.lock.place for lock in given)


def _gives_back_a_try(analysis: Analysis, number: int, event: ir.Acquire) -> bool:
    """Whether the function gives back a lock that it only tried, by name, after it did something under it.

    A try that raises where the lock is taken needs nobody who looks.
    """
    if event.bounded or not (event.fallible and event.optional and event.by_hand) or event.lock.family != "mutex":
        return False
    under = [one for one in analysis.moments(number) if any(hold.taken.site.at == event.at for hold, _ in one.held())]
    given = any(isinstance(one.event, ir.Release) and one.event.lock is not None for one in under)
    return given and any(not isinstance(one.event, ir.Release) for one in under)


def _unbounded(analysis: Analysis, number: int, moments: Sequence[Moment]) -> Iterator[tuple[Moment, Hold]]:
    """The locks that a function takes without its own limit, each with the first wait under it that has the limit."""
    params = analysis.program.functions[number][1].params
    names = analysis.effects(number).limit_parameters
    limits = {slot for slot, param in enumerate(params) if param.name in names}
    if not limits or sum("timeout" in param.name for param in params) > 1:  # (one of several may be the lock's own)
        return
    under = [moment for moment in moments if any(moment.ways)]
    given = _given(analysis, number, limits) if under else frozenset()
    seen: set[ir.Range] = set()
    for moment in under:
        event = moment.event
        if getattr(event, "at", None) not in given or not _waits(analysis, moment):
            continue
        for hold, sure in moment.held():
            taken, own = hold.taken, event.lock if isinstance(event, ir.Wait) else None
            here = taken.site.function == number and not taken.inner and not taken.optional
            lets_go = own.place == taken.lock.place if own is not None else _lets_go(analysis, moment, taken.lock)
            if sure and here and taken.site.at not in seen and not lets_go:
                seen.add(taken.site.at)
                yield moment, hold


def _lets_go(analysis: Analysis, moment: Moment, lock: ir.Lock) -> bool:
    """Whether what the moment calls, or what it is given to run, is by its name a wait of the lock's own condition."""
    body, at = analysis.program.body(moment.function), getattr(moment.event, "at", (0, 0))
    steps = ir.steps_of(body.root, closures=False) if body is not None else ()
    calls = (step for step in steps if isinstance(step, ir.Call) and ir.within(step.at, at) and step.operands)
    waits = analysis.effects(moment.function).waits
    return any(call.word in waits and call.operands[0].place == lock.place for call in calls)


def _given(analysis: Analysis, number: int, limits: AbstractSet[int]) -> frozenset[ir.Range]:
    """The calls of a function that are given one of its limits, or what is made of it."""
    body = analysis.program.body(number)
    found = set()
    for step in ir.steps_of(body.root, closures=False) if body is not None else ():
        if isinstance(step, ir.Call):
            own = 1 if isinstance(step.callee, ir.Method) else 0
            roots = [one.place.root for one in step.operands[own:] if one.place is not None and not one.place.way]
            slots = [root for root in roots if isinstance(root, int)]
            if slots and not limits.isdisjoint(made_of(analysis, number, slots)):
                found.add(step.at)
    return frozenset(found)


def _waits(analysis: Analysis, moment: Moment) -> bool:
    """Whether the thread may wait at the moment for somebody, or where nobody knows what is called, by its name."""
    event = moment.event
    if isinstance(event, ir.Invoke):
        unknown = not event.targets and event.name.rpartition(".")[2] in analysis.effects(moment.function).waits
        return unknown or bool(analysis.waits(moment, "blocks"))
    return isinstance(event, (ir.Block, ir.Wait))
