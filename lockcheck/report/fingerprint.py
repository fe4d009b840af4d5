"""A finding's name that survives edits elsewhere in its file."""

from __future__ import annotations

import collections
import hashlib
import re
from collections.abc import Iterable

from lockcheck.finding import Finding

_NUMBERS = re.compile(r"\blines? \d+|(?<=\w):\d+(?::\d+)?")


def fingerprints(findings: Iterable[Finding]) -> list[str]:
    """For each finding 32 hexadecimal digits made of its code, path, function and message without line numbers.

    Equal ones are told apart by a counter, in the order given.
    """
    seen: collections.Counter[tuple[str, ...]] = collections.Counter()
    found = []
    for finding in findings:
        what = (finding.code, finding.span.path, finding.function, _NUMBERS.sub("", finding.message))
        parts = "\0".join((*what, str(seen[what]))).encode("utf-8", "surrogateescape")
        seen[what] += 1
        found.append(hashlib.blake2b(parts, digest_size=16).hexdigest())
    return found
