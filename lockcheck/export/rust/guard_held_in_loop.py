"""LCK103 in Rust."""

from __future__ import annotations

from typing import Any

from lockcheck.export.rust import _heads
from lockcheck.export.rust import _semgrep as sg
from lockcheck.export.words import Words

COVERAGE = "approximate"
CONFIDENCE = "MEDIUM"
CWE = "CWE-667: Improper Locking"
REFERENCES = ("https://doc.rust-lang.org/reference/destructors.html#temporary-scopes",)
LOSES = "calls, macros, what the body borrows from the guard"


def semgrep(words: Words) -> dict[str, Any]:
    """A guard of a loop's head, and something that waits in the body that does without it."""

    def places(event: sg.Event) -> dict[str, list[str]]:
        found = sg.then(_heads.taken(words), event)
        return {kind: found[kind] for kind in ("while", "for")}

    return _heads.semgrep(words, places, _heads.needless(words))
