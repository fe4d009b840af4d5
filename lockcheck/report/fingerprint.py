"""A finding's name that survives edits around it: moved lines, a renamed file, another layout.

It is made of what the finding is about, never of where it stands or how its message is worded.
"""

from __future__ import annotations

import collections
import hashlib
import re
from collections.abc import Iterable, Mapping

from lockcheck.finding import Finding
from lockcheck.report import Report
from lockcheck.source import Source

_NAMES = re.compile(r"`([^`]*)`")
_LAYOUT = re.compile(r"\s+|,\s*(?=[)\]}>])")


def identity(finding: Finding, source: Source) -> str:
    """32 hexadecimal digits for the finding in this source; findings of one kind in one function may share them.

    They are made of the code, the function, the lock, the names in the message and the words of the primary place,
    without the space between them.
    """
    lock = finding.lock
    words = [
        finding.code,
        finding.function,
        *((lock.owner, lock.name, lock.mode) if lock else ()),
        *_NAMES.findall(finding.message),
        source.text(finding.span.start, finding.span.end),
    ]
    return _digest(_LAYOUT.sub("", word) for word in words)


def names(report: Report) -> dict[Finding, str]:
    """The fingerprint of every finding of a report, those included that do not count."""
    findings = sorted(
        [*report.findings, *(one.finding for one in report.hidden)],
        key=lambda one: (one.span.path, one.span.start, one.code, one.message),
    )
    return dict(zip(findings, fingerprints(findings, report.sources), strict=True))


def fingerprints(findings: Iterable[Finding], sources: Mapping[str, Source]) -> list[str]:
    """For each finding its identity; where that is taken by one before it, one that counts on from there."""
    seen: collections.Counter[str] = collections.Counter()
    found = []
    for finding in findings:
        name = identity(finding, sources[finding.span.path])
        found.append(_digest((name, str(seen[name]))) if seen[name] else name)
        seen[name] += 1
    return found


def _digest(words: Iterable[str]) -> str:
    return hashlib.blake2b("\0".join(words).encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()
