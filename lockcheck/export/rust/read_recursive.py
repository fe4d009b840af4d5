"""LCK504 in Rust."""

from __future__ import annotations

from typing import Any

from lockcheck.export.rust import _ast_grep as ag
from lockcheck.export.rust import _semgrep as sg
from lockcheck.export.words import Words

COVERAGE = "exact"
CONFIDENCE = "HIGH"
CWE = "CWE-667: Improper Locking"
REFERENCES = ("https://docs.rs/lock_api/latest/lock_api/struct.RwLock.html#method.read_recursive",)
LOSES = "macros, whether it is a lock at all"


def semgrep(words: Words) -> dict[str, Any]:
    """The acquisitions that pass waiting writers are told by their names."""
    passing = set(words.takes()) - set(words.takes(recursive=False))
    return sg.both("$L.$A()", sg.named("A", passing), {"focus-metavariable": "$L"})


def ast_grep(words: Words) -> dict[str, Any]:
    """The same."""
    return {"rule": ag.call(set(words.takes()) - set(words.takes(recursive=False)))}
