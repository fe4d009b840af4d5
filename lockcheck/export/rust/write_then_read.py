"""LCK203 in Rust."""

from __future__ import annotations

from lockcheck.export.rust._conflict import Conflict

COVERAGE = "approximate"
CONFIDENCE = "MEDIUM"
CWE = "CWE-833: Deadlock"
REFERENCES = ("https://doc.rust-lang.org/std/sync/struct.RwLock.html#method.read",)
LOSES = "calls, macros, aliases of the lock, the edition"

_CONFLICT = Conflict(("write", "exclusive"), ("read", "upgradable"))
"""A shared side taken under the exclusive guard."""

semgrep, semgrep_project, ast_grep = _CONFLICT.semgrep, _CONFLICT.semgrep_project, _CONFLICT.ast_grep
