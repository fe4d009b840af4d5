"""LCK101 in Rust."""

from __future__ import annotations

from typing import Any

from lockcheck.export.rust import _heads
from lockcheck.export.rust import _semgrep as sg
from lockcheck.export.words import Words

COVERAGE = "approximate"
CONFIDENCE = "MEDIUM"
CWE = "CWE-667: Improper Locking"
REFERENCES = ("https://doc.rust-lang.org/edition-guide/rust-2024/temporary-if-let-scope.html",)
LOSES = "calls, macros, the edition (from 2024 on there is nothing to find)"


def semgrep(words: Words) -> dict[str, Any]:
    """A guard of an `if let` head, and something that waits in what comes after `then`."""
    return _heads.semgrep(words, lambda event: {"if": sg.otherwise(_heads.taken(words), event)})
