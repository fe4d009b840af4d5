"""LCK201 in Rust."""

from __future__ import annotations

from typing import Any

from lockcheck.export.rust import _conflict
from lockcheck.export.words import Words

COVERAGE = "approximate"
CONFIDENCE = "MEDIUM"
CWE = "CWE-764: Multiple Locks of a Critical Resource"
REFERENCES = ("https://doc.rust-lang.org/std/sync/struct.Mutex.html#method.lock",)
LOSES = "calls, macros, `let … else`, aliases of the lock, the edition"


def semgrep(words: Words) -> dict[str, Any]:
    """The exclusive side taken under itself."""
    wanted = words.takes("exclusive", "write", fallible=False)
    return _conflict.semgrep(words, words.takes("exclusive", "write"), wanted)
