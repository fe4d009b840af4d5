"""What is known already: findings that a file or an older revision holds, and which ones are new.

In: a report, and entries.  Out: the report in which what is known does not count; the text of a baseline file.
Never: opens a file, analyses anything.

A finding is known by its identity (`report.fingerprint`) and its file. Where the file is gone, one of the same
identity in another file takes its place: the file was renamed. Within one change that also goes for a finding that is
gone from a file that is still there: its function was moved. A baseline lives too long to tell that from a new one.
"""

from __future__ import annotations

import collections
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from lockcheck.config import ConfigError
from lockcheck.finding import Finding
from lockcheck.report import Entry, Hidden, Report
from lockcheck.report.fingerprint import identity
from lockcheck.source import Source

SCHEMA = 1
_WORDS = ("code", "path", "function", "message", "fingerprint")


class Known(Struct, frozen=True):
    """What is known: entries, why what fits them does not count, and where they are from (a file, a revision)."""

    entries: tuple[Entry, ...]
    why: Literal["baseline", "base"]
    name: str


def entries(findings: Iterable[Finding], sources: Mapping[str, Source]) -> tuple[Entry, ...]:
    """The entries for these findings, by path, code, function and fingerprint."""
    counts: collections.Counter[tuple[str, str]] = collections.Counter()
    first: dict[tuple[str, str], Finding] = {}
    for finding in findings:
        key = (finding.span.path, identity(finding, sources[finding.span.path]))
        first.setdefault(key, finding)
        counts[key] += 1
    found = [
        Entry(one.code, path, one.function, one.message, name, counts[path, name])
        for (path, name), one in first.items()
    ]
    return tuple(sorted(found, key=lambda one: (one.path, one.code, one.function, one.fingerprint)))


def text(known: Iterable[Entry]) -> str:
    """A baseline file: one entry a line, so that changes of it are easy to review and to merge."""
    rows = [json.dumps({name: getattr(one, name) for name in (*_WORDS, "count")}, ensure_ascii=False) for one in known]
    return "".join(
        [f'{{"schema": {SCHEMA}, "tool": "lockcheck", "findings": [', ",".join(f"\n  {row}" for row in rows), "\n]}\n"]
    )


def read(path: str, content: str) -> tuple[Entry, ...]:
    """The entries of a baseline file. Raises ConfigError naming the file where it is none."""
    try:
        document: Any = json.loads(content)
        if document["schema"] != SCHEMA:
            raise ConfigError(f"{path}: a baseline of schema {document['schema']!r}; this version reads {SCHEMA}")
        return tuple(_entry(row) for row in document["findings"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ConfigError(f"{path}: is no baseline as `lockcheck baseline` writes it: {error}") from None


def _entry(row: Mapping[str, object]) -> Entry:
    code, path, function, message, fingerprint = (str(row[name]) for name in _WORDS)
    count = row["count"]
    if not isinstance(count, int) or count < 1:
        raise ValueError(f"count {count!r}")
    return Entry(code, path, function, message, fingerprint, count)


def compare(
    report: Report,
    known: Known,
    gone: Callable[[str], bool],
    fresh: Callable[[Finding], bool] = lambda _: False,
) -> tuple[Report, tuple[Entry, ...]]:
    """The report in which only what is not known counts, and the entries that fit nothing, with what is left of them.

    `gone` tells whether a file is there no more; `fresh` which of several findings of one identity are rather the new
    ones. Every entry hides as many findings as it counts.
    """
    left = {one: one.count for one in known.entries}
    at_home = {(one.path, one.fingerprint): one for one in known.entries}
    homeless: dict[str, list[Entry]] = {}
    for one in known.entries:
        if known.why == "base" or gone(one.path):
            homeless.setdefault(one.fingerprint, []).append(one)
    findings = {one: identity(one, report.sources[one.span.path]) for one in sorted(report.findings, key=fresh)}
    hidden: set[Finding] = set()

    def hide(finding: Finding, candidates: Iterable[Entry]) -> None:
        entry = next((one for one in candidates if left[one]), None)
        if entry is not None and finding not in hidden:
            left[entry] -= 1
            hidden.add(finding)

    for finding, name in findings.items():
        entry = at_home.get((finding.span.path, name))
        hide(finding, [entry] if entry else [])
    for finding, name in findings.items():
        hide(finding, homeless.get(name, ()))
    old = [Hidden(one, known.why, known.name) for one in report.findings if one in hidden]
    compared = replace(
        report,
        findings=tuple(one for one in report.findings if one not in hidden),
        hidden=_sorted([*report.hidden, *old]),
        since=", ".join(filter(None, (report.since, known.name))),
    )
    return compared, tuple(replace(one, count=number) for one, number in left.items() if number)


def _sorted(hidden: Iterable[Hidden]) -> tuple[Hidden, ...]:
    return tuple(
        sorted(hidden, key=lambda one: (one.finding.span.path, one.finding.span.start, one.finding.code, one.why))
    )
