"""LCK104 in Python."""

from __future__ import annotations

from typing import Any

from lockcheck.export.python import _semgrep as sg
from lockcheck.export.words import Words

COVERAGE = "approximate"
CONFIDENCE = "HIGH"
CWE = "CWE-667: Improper Locking"
REFERENCES = ("https://docs.python.org/3/library/threading.html#lock-objects",)
LOSES = "a lock that only one function ever sees, but has a name; exit stacks"


def semgrep(words: Words) -> dict[str, Any]:
    """A lock made and taken in one expression."""
    kinds = sg.types(words, "mutex", "reentrant", "semaphore")
    made = [f"{kind}()" for kind in kinds]
    taken = [f"with {one}:\n    ..." for one in made] + [f"with {one} as $NAME:\n    ..." for one in made]
    return sg.both(sg.either([*taken, *(f"{one}.acquire(...)" for one in made)]))
