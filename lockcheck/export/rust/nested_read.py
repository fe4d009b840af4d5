"""LCK204 in Rust."""

from __future__ import annotations

from typing import Any

from lockcheck.export.rust import _conflict
from lockcheck.export.words import Words

COVERAGE = "approximate"
CONFIDENCE = "MEDIUM"
CWE = "CWE-833: Deadlock"
REFERENCES = (
    "https://doc.rust-lang.org/std/sync/struct.RwLock.html",
    "https://docs.rs/lock_api/latest/lock_api/struct.RwLock.html#method.read",
)
LOSES = "calls, macros, `let … else`, aliases of the lock, the edition"


def semgrep(words: Words) -> dict[str, Any]:
    """A shared side taken under a shared guard; those that pass waiting writers may be."""
    wanted = words.takes("read", "upgradable", fallible=False, recursive=False)
    return _conflict.semgrep(words, words.takes("read"), wanted)
