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
LOSES = "blocks that go on, locks made in other files or by functions, what the project asks for"


def semgrep(words: Words) -> dict[str, Any]:
    """A lock that is taken and given back by name, and not right before a `try` whose `finally` gives it back."""
    found = []
    for lock, place in sg.declared(words, sg.types(words, "mutex", "reentrant")):
        for take in (f"{lock}.acquire()", f"await {lock}.acquire()"):
            pair, final = f"{take}\n...\n{lock}.release()", f"finally:\n    ...\n    {lock}.release()\n    ..."
            tries = (f"{take}\ntry:\n    ...\n{handler}{final}" for handler in ("", "except $E:\n    ...\n"))
            blocks = [{"pattern-not-inside": one} for one in tries]
            found.append(sg.both(*place, pair, *blocks, {"focus-metavariable": "$L"}))
    return sg.both(sg.either(found))
