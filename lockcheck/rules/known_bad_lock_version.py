r"""
Locked version with a known deadlock

The code is right and the library hangs. In 2025 a proxy's threads all waited for a lock that nobody held: parking_lot
before 0.12.4 corrupts the word of a lock when a timed writer gives up as the last reader leaves (issue 465). No cycle
detector sees that; the version in Cargo.lock and the call together tell. An advisory names the calls that come to
the fault, so that a team can tell whether it matters to them. A project can add its own:

```toml
[[advisories]]
id = "OURS-1"
package = "our-lock"
affected = ["<1.4"]
calls = ["lock_for"]
what = "a timed lock may never be given back"
cure = "update to 1.4"
source = "https://example.com/OURS-1"
```

## Bad
```rust
// Cargo.lock: parking_lot 0.12.3
struct Catalog {
    load: parking_lot::RwLock<u32>,
}
impl Catalog {
    fn set(&self) -> bool {
        // todoruleid: known-bad-lock-version
        self.load.try_write_for(LIMIT).map(|mut load| *load = 1).is_some()
    }
}
```
## Good
```rust
// Cargo.lock: parking_lot 0.12.5
struct Catalog {
    load: parking_lot::RwLock<u32>,
}
impl Catalog {
    fn set(&self) -> bool {
        self.load.try_write_for(LIMIT).map(|mut load| *load = 1).is_some()
    }
}
```
## In production
Hazard. It takes the moment that the advisory describes; then threads wait for ever, or one turns without end, and
no stack shows who is to blame.
## Not seen
Calls that dependencies make: where the project's own code makes none, the line of the lock file is reported.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from lockcheck import ir, witness
from lockcheck.advisories import Advisory
from lockcheck.analysis import Analysis, Moment, Topic
from lockcheck.finding import Finding, Note
from lockcheck.rule import Meta, slug
from lockcheck.source import LockFile, Package, lock_file_of

META = Meta(code="LCK602", severity="warning", languages=("rust",), reach="program", sees="tree")

Calls: TypeAlias = Mapping[tuple[str, str], Sequence[Moment]]
"""The events that could be an advisory's, by the path of the lock file that speaks for them and the callee's name."""


def _names(analysis: Analysis) -> frozenset[str]:
    return frozenset(name for _, _, one in analysis.asked.bad_versions for name in one.calls)


_AFFECTED = Topic(
    lambda analysis, _: _names(analysis), lambda event: isinstance(event, (ir.Acquire, ir.Convert, ir.Invoke))
)
TOPICS = (_AFFECTED,)


def check(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each affected call; one for all faults of a version that no call here comes to."""
    hit = analysis.asked.bad_versions
    calls = _calls(analysis, _names(analysis)) if hit else {}
    silent: dict[Package, list[Advisory]] = defaultdict(list)
    for file, package, one in hit:
        listed = [moment for name in one.calls for moment in calls.get((file.source.path, name), ())]
        found = [moment for moment in listed if _is_of(analysis, moment, package, file)]
        for moment in found:
            yield _at_call(analysis, moment, package, one)
        if not found:
            silent[package].append(one)
    for package, faults in silent.items():
        yield _at_version(package, faults)


def _calls(analysis: Analysis, names: frozenset[str]) -> Calls:
    found: dict[tuple[str, str], list[Moment]] = defaultdict(list)
    seen = set()
    for moment in analysis.about(_AFFECTED):
        event = moment.event
        if isinstance(event, (ir.Acquire, ir.Convert)) or (isinstance(event, ir.Invoke) and not event.targets):
            name = getattr(event, "name", "").rpartition("::")[2]
            span = witness.event_span(analysis, moment)
            if name in names and span not in seen:
                seen.add(span)
                file = lock_file_of(span.path, analysis.asked.lock_files)
                found[file.source.path if file is not None else "", name].append(moment)
    return found


def _is_of(analysis: Analysis, moment: Moment, package: Package, file: LockFile) -> bool:
    """Whether a call is one of this package in this version, as far as the lock's type and the crate tell."""
    event = moment.event
    own = analysis.program.functions[moment.function][0].crate
    if package not in file.used_by(own, package.name):
        return False
    return not isinstance(event, ir.Acquire) or event.lock.kind.partition("::")[0] == package.name.replace("-", "_")


def _at_call(analysis: Analysis, moment: Moment, package: Package, one: Advisory) -> Finding:
    event = moment.event
    evidence = event.lock.evidence if isinstance(event, ir.Acquire) else "declared"
    there = Note(package.at, f"{package.name} {package.version} is in use", "the version in use")
    return Finding(
        META.code, slug(__name__), META.severity, "certain" if isinstance(event, ir.Acquire) else "likely", evidence,
        witness.event_span(analysis, moment), f"{package.name} {package.version}: {one.what} ({one.id})",
        analysis.title(moment.function), label="comes to the fault", help=f"{one.cure}; see {one.source}",
        notes=(there,),
    )  # fmt: skip


def _at_version(package: Package, faults: Sequence[Advisory]) -> Finding:
    said = "; ".join(f"{one.what} ({one.id})" for one in faults)
    calls = [f"`{name}`" for one in faults for name in one.calls]
    unless = f"; no call of {', '.join(calls)} was seen here" if all(one.calls for one in faults) else ""
    return Finding(
        META.code, slug(__name__), "note" if unless else META.severity, "likely", "declared", package.at,
        f"{package.name} {package.version}: {said}{unless}", "", help=f"{faults[-1].cure}; see {faults[-1].source}",
    )  # fmt: skip
