"""LCK204 in Rust."""

from __future__ import annotations

from lockcheck.export.rust._conflict import Conflict

COVERAGE = "approximate"
CONFIDENCE = "MEDIUM"
CWE = "CWE-833: Deadlock"
REFERENCES = (
    "https://doc.rust-lang.org/std/sync/struct.RwLock.html",
    "https://docs.rs/lock_api/latest/lock_api/struct.RwLock.html#method.read",
)
LOSES = "calls, macros, aliases of the lock, the edition"

_CONFLICT = Conflict(("read",), ("read", "upgradable"), recursive=False)
"""A shared side taken under a shared guard; those that pass waiting writers may be."""

semgrep, semgrep_project, ast_grep = _CONFLICT.semgrep, _CONFLICT.semgrep_project, _CONFLICT.ast_grep
