r"""
Locks taken against the declared order

The project says in its configuration in which order locks are taken, and here one is waited for while a later one is
held. As soon as another thread takes the two in the declared order, both can wait for each other for ever. Which of
two orders is wrong no reader of one file can see: the list decides, before the second order is ever written. wgpu
keeps such a list by hand (`lock/rank.rs`).

A name is what `lockcheck locks` prints, with `*` and `?` for any text; the first that fits a lock gives its rank:

```toml
lock-order = ["Catalog.load", "Peers.*"]
```

## Bad
```rust
// lock-order = ["Bank.gold", "Bank.paper"]
struct Bank {
    gold: Mutex<u32>,
    paper: Mutex<u32>,
}
impl Bank {
    fn mint(&self) {
        let mut paper = self.paper.lock().unwrap();
        // todoruleid: declared-order-broken
        *self.gold.lock().unwrap() += *paper;
        *paper = 0;
    }
}
```
```python
# lock-order = ["Bank.books", "Bank.vault"]
import threading

class Bank:
    def __init__(self):
        self.books = threading.Lock()
        self.vault = threading.Lock()

    def count(self):
        with self.vault:
            # todoruleid: declared-order-broken
            with self.books:
                return self.total
```
## Good
Take the earlier one first, or let go of the later one before.
```rust
// lock-order = ["Bank.gold", "Bank.paper"]
struct Bank {
    gold: Mutex<u32>,
    paper: Mutex<u32>,
}
impl Bank {
    fn mint(&self) {
        let mut gold = self.gold.lock().unwrap();
        let mut paper = self.paper.lock().unwrap();
        *gold += *paper;
        *paper = 0;
    }
}
```
```python
# lock-order = ["Bank.books", "Bank.vault"]
import threading

class Bank:
    def __init__(self):
        self.books = threading.Lock()
        self.vault = threading.Lock()

    def count(self):
        with self.books:
            with self.vault:
                return self.total
```
## In production
Hazard. Nothing hangs as long as nobody takes the two in the declared order at the same time; then both threads do.
## Not seen
Locks are told apart by the type and field that they stand in, so one field's locks have no order among themselves.
A `try_lock` does not wait and may come in any order. Locks that the list does not name have no rank.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lockcheck import witness
from lockcheck.analysis import Analysis
from lockcheck.analysis.asked import fits
from lockcheck.finding import Confidence, Finding, LockRef
from lockcheck.questions.edges import Edge, every_edge
from lockcheck.rule import Meta, slug

META = Meta(code="LCK302", severity="warning", languages=("rust", "python"), reach="program")


def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each place at which an earlier lock is waited for under a later one, and each two locks."""
    order = analysis.asked.lock_order
    best: dict[tuple[object, ...], Edge] = {}
    for edge in every_edge(analysis) if order else ():
        held, wanted = rank(order, edge.held), rank(order, edge.wanted)
        if edge.within >= 0 or held is None or wanted is None or wanted >= held:
            continue  # (a variable's name is no lock's name)
        key = (witness.event_span(analysis, edge.moment), edge.held, edge.wanted)
        if key not in best or _clearness(edge) < _clearness(best[key]):
            best[key] = edge
    for edge in best.values():
        yield _finding(analysis, edge)


def rank(order: Sequence[str], owner: str) -> int | None:
    """Where the declared order puts a lock (in full: `crate::module::Catalog.load`); None where it does not say."""
    return next((n for n, word in enumerate(order) if fits((word,), owner)), None)


def _clearness(edge: Edge) -> tuple[bool, bool, int]:
    """Less for the edge that shows the break better."""
    return not edge.reach.certain, not edge.sure, len(edge.reach.trace)


def _finding(analysis: Analysis, edge: Edge) -> Finding:
    moment, lock = edge.moment, edge.reach.lock
    held, wanted = witness.owner_name(edge.held), witness.owner_name(edge.wanted)
    evidence = {edge.hold.taken.lock.evidence, lock.evidence}
    via = f" through `{getattr(moment.event, 'name', '')}`" if edge.reach.trace else ""
    return Finding(
        code=META.code, slug=slug(__name__), severity=META.severity, confidence=_confidence(edge),
        evidence=min(evidence, key=("named", "inferred", "declared").index), span=witness.event_span(analysis, moment),
        message=f"declared lock order broken: `{wanted}` comes before `{held}`, and is waited for under it{via}",
        function=analysis.title(moment.function),
        lock=LockRef(analysis.lock_name(moment.function, lock), wanted, lock.kind, edge.reach.mode),
        label=f"waits for `{wanted}` under `{held}`",
        help=f"take `{wanted}` before `{held}`, or let go of `{held}` first",
        notes=(*witness.taken_notes(analysis, moment, edge.hold), *witness.reach_notes(analysis, edge.reach)),
    )  # fmt: skip


def _confidence(edge: Edge) -> Confidence:
    evidence = {edge.hold.taken.lock.evidence, edge.reach.lock.evidence}
    if "named" in evidence or not edge.reach.certain:
        return "possible"
    return "likely" if not edge.sure or edge.reach.spread or "inferred" in evidence else "certain"
