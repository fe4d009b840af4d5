"""LCK101 in Rust."""

from __future__ import annotations

from lockcheck.export.rust import _semgrep as sg
from lockcheck.export.rust._heads import Head

COVERAGE = "approximate"
CONFIDENCE = "MEDIUM"
CWE = "CWE-667: Improper Locking"
REFERENCES = ("https://doc.rust-lang.org/edition-guide/rust-2024/temporary-if-let-scope.html",)
LOSES = "calls, macros, the edition (from 2024 on there is nothing to find)"

_HEAD = Head(lambda held, event: {"if": sg.otherwise(held, event)}, ("if",))
"""A guard of an `if let` head, and something that waits in what comes after `then`."""

semgrep, semgrep_project, ast_grep = _HEAD.semgrep, _HEAD.semgrep_project, _HEAD.ast_grep
