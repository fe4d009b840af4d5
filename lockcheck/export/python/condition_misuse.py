"""LCK405 in Python."""

from __future__ import annotations

from typing import Any

from lockcheck.export.python import _semgrep as sg
from lockcheck.export.words import Words

COVERAGE = "approximate"
CONFIDENCE = "MEDIUM"
CWE = "CWE-662: Improper Synchronization"
REFERENCES = ("https://docs.python.org/3/library/threading.html#condition-objects",)
LOSES = "whether the lock is held by a caller, a loop around the call, other locks held meanwhile"


def semgrep(words: Words) -> dict[str, Any]:
    """A wait for ever that stands in no loop."""
    found = []
    for lock, place in sg.declared(words, _conditions(words)):
        loops = [{"pattern-not-inside": f"{loop}:\n    ..."} for loop in ("while $WHILE", "for $EACH in $OF")]
        found.append(sg.both(*place, sg.either([f"{lock}.wait()", f"await {lock}.wait()"]), *loops))
    return sg.both(sg.either(found))


def _conditions(words: Words) -> tuple[str, ...]:
    kinds = (lock.kind for lock in words.effects.locks.values())
    return tuple(sorted(kind for kind in kinds if kind.rpartition(".")[2].strip("_") == "Condition"))
