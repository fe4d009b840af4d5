r"""
A way out that leaves the lock taken

A lock that is taken by hand must be given back on every way out of the function: an early `return`, a `raise`, an
exception from something that is called in between. One way forgotten, and the next who wants the lock waits for ever:
MongoDB's driver lost permits of its pool to an error between `acquire` and `try` (mongo-python-driver 83578dc).
`with` and guards see to it; `except Exception` does not see a cancelled task.

## Bad
```python
import threading

class Connection:
    def __init__(self):
        self.lock = threading.Lock()

    def request(self):
        # todoruleid: acquire-without-release
        self.lock.acquire()
        answer = self.receive()
        self.lock.release()
        return answer
```
```rust
use std::sync::Mutex;

struct Store {
    rows: Mutex<Vec<u32>>,
}
impl Store {
    fn flush(&self) {
        // todoruleid: acquire-without-release
        let rows = self.rows.lock().unwrap();
        std::mem::forget(rows);
    }
}
```
## Good
```python
import threading

class Connection:
    def __init__(self):
        self.lock = threading.Lock()

    def request(self):
        with self.lock:
            return self.receive()
```
```rust
use std::sync::Mutex;

struct Store {
    rows: Mutex<Vec<u32>>,
}
impl Store {
    fn flush(&self) {
        let rows = self.rows.lock().unwrap();
        drop(rows);
    }
}
```
## In production
Deadlock. It comes some time after an error that was handled and forgotten: the log shows the error, then nothing.
## Not seen
Locks that the function gives back on no way at all, or that another function of the tree gives back for it. Library
calls that raise only where something is wrong altogether, such as `list.append`.
"""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck import ir, witness
from lockcheck.analysis import Analysis, Site
from lockcheck.analysis.hands import LEAKED
from lockcheck.analysis.summaries import is_parameter, parameter_of
from lockcheck.finding import Finding, LockRef, Note, graded
from lockcheck.questions.leaks import ENDS, Leak, judged_elsewhere, leaks, passes_on, unguarded
from lockcheck.rule import Meta, slug

META = Meta(code="LCK105", severity="warning", languages=("rust", "python"), reach="function", sees="tree")
TOPICS = (ENDS,)


def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each acquisition that some way out of its function leaves taken."""
    done = set()
    for leak in leaks(analysis):
        taken = leak.hold.taken
        done.add(leak.moment.function)
        forgotten = leak.hold.holder.root == LEAKED.root
        if forgotten and (taken.lock.family == "semaphore" or _is_self(analysis, leak)):  # (fewer permits from then on)
            continue
        by_error = leak.by_error or passes_on(analysis, leak)
        message = "the guard of `{lock}` is never given back" if forgotten else _MESSAGES[by_error]
        rare = leak.rarely or (leak.by_call and by_error) or leak.mild
        doubtful = rare or analysis.of_tests(leak.moment.function) or judged_elsewhere(analysis, leak)
        confidence = "possible" if doubtful else graded(taken.lock.evidence, not (by_error or leak.by_call))
        yield witness.of_hold(
            analysis, slug(__name__), META, leak.moment, leak.hold, analysis.span(taken.site), message,
            "drop the guard" if forgotten else "take the lock in a `with` block, or give it back in a `finally`",
            confidence, "taken here",
            () if forgotten or leak.out == (0, 0) else (_way_out(analysis, leak),),
        )  # fmt: skip
    for number, at in unguarded(analysis):
        if number not in done:
            yield _unguarded(analysis, number, at)


def _unguarded(analysis: Analysis, number: int, at: ir.Range) -> Finding:
    title = analysis.title(number)
    return Finding(
        code=META.code, slug=slug(__name__), severity=META.severity, confidence="possible", evidence="named",
        span=analysis.span(Site(number, at)),
        message=f"an error in the caller's block leaves `{title}` taken: what comes after the `yield` is not run then",
        function=title, lock=LockRef(title, "", "a lock", "exclusive"),
        label="an error comes out here", help="put the `yield` into a `try`, and what gives it back into its `finally`",
    )  # fmt: skip


def _is_self(analysis: Analysis, leak: Leak) -> bool:
    """Whether the guard is of the type whose function it is: a type of guards takes its own values apart."""
    taken, number = leak.hold.taken, leak.moment.function
    function = analysis.program.functions[number][1]
    if function.owner is None or not is_parameter(taken):
        return False
    types = analysis.program.types
    said = function.params[parameter_of(taken)].type
    kind = types.resolve(said, types.context(number), analysis.effects(number))
    return kind is None or kind.path[-1] == function.owner.path[-1]


_MESSAGES = {
    False: "`{lock}` is taken here, and a way out of the function does not give it back",
    True: "`{lock}` is taken here, and an error on the way to its release leaves it taken",
}


def _way_out(analysis: Analysis, leak: Leak) -> Note:
    if passes_on(analysis, leak):
        said = "an error that comes out of here leaves the lock taken"
    elif leak.by_error:
        said = "an error here leaves the lock taken"
    elif leak.out[0] == leak.out[1]:
        said = "the end of the function is reached with the lock taken"
    else:
        said = "here the function is left with the lock taken"
    return Note(analysis.span(Site(leak.moment.function, leak.out)), said, "the lock is still taken")
