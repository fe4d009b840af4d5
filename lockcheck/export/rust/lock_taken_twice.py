"""LCK201 in Rust."""

from __future__ import annotations

from lockcheck.export.rust._conflict import Conflict

COVERAGE = "approximate"
CONFIDENCE = "MEDIUM"
CWE = "CWE-764: Multiple Locks of a Critical Resource"
REFERENCES = ("https://doc.rust-lang.org/std/sync/struct.Mutex.html#method.lock",)
LOSES = "calls, macros, aliases of the lock, the edition"

_CONFLICT = Conflict(("exclusive", "write"), ("exclusive", "write"))
"""The exclusive side taken under itself."""

semgrep, semgrep_project, ast_grep = _CONFLICT.semgrep, _CONFLICT.semgrep_project, _CONFLICT.ast_grep
