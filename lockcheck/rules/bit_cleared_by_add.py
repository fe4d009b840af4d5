r"""
Bits of a word cleared by adding

Adding the two's complement of a flag clears it only where it is set. Where it is clear already, the addition carries
into the bits above: in 2025 two threads both cleared the flags of parking_lot's lock word, it ended as all ones, and
every thread of a proxy waited for a lock that nobody held (parking_lot issue 465; Fly.io, 2025-05-28).

## Bad
```rust
const WRITER: usize = 1;
const PARKED: usize = 2;
struct Word {
    state: AtomicUsize,
}
impl Word {
    fn gives_up(&self) {
        // todoruleid: bit-cleared-by-add
        let before = self.state.fetch_add(0usize.wrapping_sub(WRITER | PARKED), Ordering::Relaxed);
        if before & PARKED != 0 {
            self.wake();
        }
    }
    fn unlock(&self) {
        self.state.fetch_and(!(WRITER | PARKED), Ordering::Release);
    }
}
```
## Good
Clear each bit with `fetch_and`, where the thread that clears it owns it.
```rust
const WRITER: usize = 1;
const PARKED: usize = 2;
struct Word {
    state: AtomicUsize,
}
impl Word {
    fn gives_up(&self) {
        let before = self.state.fetch_and(!(WRITER | PARKED), Ordering::Relaxed);
        if before & PARKED != 0 {
            self.wake();
        }
    }
    fn unlock(&self) {
        self.state.fetch_and(!(WRITER | PARKED), Ordering::Release);
    }
}
```
## In production
Hazard. It needs two threads at the same bits at once; then the word is nonsense, every thread waits for a lock that
nobody holds, and no cycle detector sees a cycle.
## Not seen
Bits without a named constant, and whether the bit is known to be set where it is cleared: then it is correct, and
worth an allowance that says why.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from lockcheck import ir, witness
from lockcheck.analysis import Analysis, Moment, Topic
from lockcheck.finding import Confidence, Finding
from lockcheck.rule import Meta, slug

META = Meta(code="LCK601", severity="warning", languages=("rust",), reach="program", sees="tree")

_WORDS = frozenset(
    {"fetch_add", "fetch_sub", "fetch_and", "fetch_or", "fetch_xor", "compare_exchange", "compare_exchange_weak"}
)
"""Calls by which the functions that work on such words are found."""

_ACTS = Topic(lambda *_: _WORDS, lambda event: isinstance(event, ir.Act) and bool(event.names), constants=True)
TOPICS = (_ACTS,)


def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each addition or subtraction of flags that are elsewhere treated as bits.

    A flag that nobody else clears is most likely cleared by its owner: possible, no more. So is one that all take away
    by itself, be it by subtraction or as a bit, as who has set it gives it back.
    """
    acts = [(moment, moment.event) for moment in analysis.about(_ACTS) if isinstance(moment.event, ir.Act)]
    flags = {name for _, event in acts if event.what == "bits" for name in event.names}
    clearing = {(moment.function, event.at): event for moment, event in acts if _clears(event)}
    sites = Counter(name for event in clearing.values() for name in {*event.names})
    together = {name for event in clearing.values() if len({*event.names}) > 1 for name in event.names}
    seen = set()
    for moment, event in acts:
        site = (moment.function, event.at)
        if event.what == "bits" or site not in clearing or site in seen or not flags.issuperset(event.names):
            continue
        seen.add(site)
        own = len({*event.names}) == 1 and together.isdisjoint(event.names)
        yield _finding(analysis, moment, event, not own and any(sites[name] > 1 for name in event.names))


def _clears(event: ir.Act) -> bool:
    """Whether the act takes flags away, be it by arithmetic or as bits."""
    if not event.names:
        return False
    if event.what == "bits":
        return event.name == "fetch_and" and "!" in event.signs
    if event.what == "adds":
        return bool({"wrapping_neg", "wrapping_sub"} & {*event.signs}) or {"!", "+"} <= {*event.signs}
    return event.what == "subtracts" and set(event.signs) <= {"|"}


def _finding(analysis: Analysis, moment: Moment, event: ir.Act, elsewhere: bool) -> Finding:
    names = " | ".join(dict.fromkeys(name.rpartition("::")[2] for name in event.names))
    sure: Confidence = "likely" if elsewhere else "possible"
    return Finding(
        META.code, slug(__name__), META.severity, sure, "declared", witness.event_span(analysis, moment),
        f"clears `{names}` by arithmetic: where a bit is clear already, the word is corrupted",
        analysis.title(moment.function), label="carries into the bits above",
        help=f"write `fetch_and(!({names}), …)`, or clear each bit where it is owned",
    )  # fmt: skip
