r"""
Poll that wakes itself

A `poll` that trips its own waker and returns Pending is polled again at once, and again: one processor at 100 %,
and nothing to see in the profile but the executor. In 2025 a TLS stream that was closed with bytes still buffered
made a proxy turn so (Fly.io, 2025-02-26; rustls pull request 1950, tokio-rustls issue 72).

## Bad
```rust
impl Future for Drain {
    type Output = ();
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.stream.is_empty() {
            return Poll::Ready(());
        }
        // todoruleid: self-waking-poll
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}
```
## Good
Wake only when something has changed, and let whoever has the news wake the task.
```rust
impl Future for Drain {
    type Output = ();
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.stream.is_empty() {
            return Poll::Ready(());
        }
        self.stream.poll_drained(cx)
    }
}
```
## In production
Hazard. One processor is busy for ever with one task that does nothing; the rest goes on, more slowly.
## Not seen
A `poll_read` that says it is ready, and polled its source without putting anything into the buffer, is possible, no
more: that is how the end of a stream looks too. A poll that sets something on the way (a flag, a counter, a budget)
does not come the same way again and is left alone; one that polls something else before is possible, no more: it may
have made some progress.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from operator import is_

from lockcheck import ir, witness
from lockcheck.analysis import Analysis, Moment, Site
from lockcheck.finding import Confidence, Finding
from lockcheck.questions.paths import arguments, follows, made_of, read_by
from lockcheck.rule import Meta, slug

META = Meta(
    code="LCK603", severity="warning", languages=("rust",), reach="function", persona="pedantic",
    words=("wake", "wake_by_ref", "Pending"),
)  # fmt: skip


def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each wake-up of the own task after which the function says that it waits."""
    seen = set()
    for moment in analysis:
        event = moment.event
        if not isinstance(event, ir.Act) or event.what != "wakes" or (moment.function, event.at) in seen:
            continue
        if _is_own(event) and _then_waits(analysis, moment, event):
            seen.add((moment.function, event.at))
            sure: Confidence = "possible" if _polls_others(analysis, moment.function, event) else "likely"
            yield Finding(
                META.code, slug(__name__), META.severity, sure, "declared", witness.event_span(analysis, moment),
                "wakes its own task and then returns Pending: it is polled again at once, without end",
                analysis.title(moment.function), label="wakes itself here",
                help="register the waker with what is waited for, and return Pending without waking",
            )  # fmt: skip
    for number in analysis.functions:
        yield from _empty_handed(analysis, number)


def _empty_handed(analysis: Analysis, number: int) -> Iterator[Finding]:
    """A `poll_read` that has polled its source, gives nothing to its buffer, and says that it is ready with success."""
    function = analysis.program.functions[number][1]
    body = analysis.program.body(number) if function.name == "poll_read" and len(function.params) == 3 else None
    if body is None:
        return
    calls = [step for step in ir.steps_of(body.root) if isinstance(step, ir.Call)]
    units = {call.dst for call in calls if call.word == "Ok" and all(one.place is None for one in call.operands)}
    ready = [call for call in calls if call.word == "Ready" and any(_names(call, unit) for unit in units)]

    def polls(step: ir.Step) -> bool:
        return isinstance(step, ir.Call) and step.word.startswith("poll") and _names(step, 1)

    def fills(step: ir.Step) -> bool:
        return _names(step, 2)

    for call in ready:
        if follows(body.root, polls, partial(is_, call), fills):
            yield Finding(
                META.code, slug(__name__), META.severity, "possible", "declared",
                analysis.span(Site(number, call.at)),
                "is ready although nothing was put into the buffer: the reader comes back at once, without end",
                analysis.title(number), label="ready without progress",
                help="poll the source again until it is pending, fills the buffer, or has come to its end",
            )  # fmt: skip


def _names(step: ir.Step, slot: int) -> bool:
    """Whether a step reads a variable."""
    return any(place.root == slot for place in read_by(step))


def _polls_others(analysis: Analysis, number: int, event: ir.Act) -> bool:
    """Whether the function hands its context on, so that there is something else that makes progress."""
    cx = event.place.root if event.place is not None else None
    given = (place.root for place in arguments(analysis, number) if isinstance(place.root, int))
    return cx in made_of(analysis, number, given)


def _is_own(event: ir.Act) -> bool:
    """Whether the waker is that of the context which the function was polled with."""
    return event.place is not None and "waker()" in event.place.way


def _then_waits(analysis: Analysis, moment: Moment, event: ir.Act) -> bool:
    pending = analysis.effects(moment.function).pending

    def says_pending(step: ir.Step) -> bool:
        return isinstance(step, ir.Move) and isinstance(step.src.root, tuple) and step.src.root[-1] in pending

    bodies = analysis.bodies(moment.function)
    return any(follows(body, partial(is_, event), says_pending, _changes(analysis, moment, body)) for body in bodies)


def _changes(analysis: Analysis, moment: Moment, body: ir.Region) -> Callable[[ir.Step], bool]:
    """Whether a step sets something that the next poll finds: a field, a counter, what a closure has from outside."""
    linked = analysis.program.linked(moment.function)
    own = {slot for step in ir.steps_of(body) if isinstance(step, ir.Region) for slot in step.slots}
    outer = {n for n, slot in enumerate(linked.slots if linked is not None else ()) if slot.name and n not in own}

    def changes(step: ir.Step) -> bool:
        if isinstance(step, ir.Act):
            return step.what in ("adds", "subtracts", "bits")
        changed = step.dst if isinstance(step, ir.Move) else step.src if isinstance(step, ir.Release) else None
        return changed is not None and (bool(changed.way) or changed.root in outer)

    return changes
