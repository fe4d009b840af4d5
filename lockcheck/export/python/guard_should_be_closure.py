"""LCK501 in Python."""

from __future__ import annotations

from typing import Any

from lockcheck.export.python import _semgrep as sg
from lockcheck.export.words import Words

COVERAGE = "approximate"
CONFIDENCE = "MEDIUM"
CWE = "CWE-667: Improper Locking"
REFERENCES = (
    "https://docs.python.org/3/library/threading.html#using-locks-conditions-and-semaphores-in-the-with-statement",
)
LOSES = "blocks that go on after the last use, locks made in other files or by functions, what the project asks for"


def semgrep(words: Words) -> dict[str, Any]:
    """A lock that is taken and given back by name, in one block or in its `finally`."""
    found = []
    for lock, place in sg.declared(sg.types(words, "mutex", "reentrant")):
        for take in (f"{lock}.acquire()", f"await {lock}.acquire()"):
            ways = [
                f"{take}\n...\n{lock}.release()",
                f"{take}\n...\ntry:\n    ...\nfinally:\n    ...\n    {lock}.release()\n    ...",
            ]
            found.append(sg.both(place, sg.either(ways), {"focus-metavariable": "$L"}))
    return sg.both(sg.either(found))
