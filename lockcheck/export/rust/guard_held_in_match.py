"""LCK102 in Rust."""

from __future__ import annotations

from lockcheck.export.rust import _semgrep as sg
from lockcheck.export.rust._heads import Head

COVERAGE = "approximate"
CONFIDENCE = "MEDIUM"
CWE = "CWE-667: Improper Locking"
REFERENCES = ("https://doc.rust-lang.org/reference/destructors.html#temporary-scopes",)
LOSES = "calls, macros, arms with `if`, what an arm borrows from the guard"

_HEAD = Head(lambda held, event: {"match": sg.then(held, event)["match"]}, ("match",), needed=True)
"""A guard of a `match` head, and something that waits in an arm that does without it."""

semgrep, semgrep_project, ast_grep = _HEAD.semgrep, _HEAD.semgrep_project, _HEAD.ast_grep
