"""LCK103 in Rust."""

from __future__ import annotations

from lockcheck.export.rust import _semgrep as sg
from lockcheck.export.rust._heads import Head

COVERAGE = "approximate"
CONFIDENCE = "MEDIUM"
CWE = "CWE-667: Improper Locking"
REFERENCES = ("https://doc.rust-lang.org/reference/destructors.html#temporary-scopes",)
LOSES = "calls, macros, what the body borrows from the guard"

_HEAD = Head(
    lambda held, event: {kind: sg.then(held, event)[kind] for kind in ("while", "for")}, ("while", "for"), needed=True
)
"""A guard of a loop's head, and something that waits in the body that does without it."""

semgrep, semgrep_project, ast_grep = _HEAD.semgrep, _HEAD.semgrep_project, _HEAD.ast_grep
