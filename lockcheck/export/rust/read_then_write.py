"""LCK202 in Rust."""

from __future__ import annotations

from typing import Any

from lockcheck.export.rust import _conflict
from lockcheck.export.words import Words

COVERAGE = "approximate"
CONFIDENCE = "MEDIUM"
CWE = "CWE-833: Deadlock"
REFERENCES = ("https://doc.rust-lang.org/std/sync/struct.RwLock.html#method.write",)
LOSES = "calls, macros, `let … else`, aliases of the lock, the edition"


def semgrep(words: Words) -> dict[str, Any]:
    """The exclusive side taken under a shared guard."""
    wanted = words.takes("write", "exclusive", fallible=False)
    return _conflict.semgrep(words, words.takes("read", "upgradable"), wanted)
