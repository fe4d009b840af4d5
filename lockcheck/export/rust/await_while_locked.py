"""LCK401 in Rust."""

from __future__ import annotations

from typing import Any

from lockcheck.export.rust import _semgrep as sg
from lockcheck.export.words import Words

COVERAGE = "approximate"
CONFIDENCE = "MEDIUM"
CWE = "CWE-667: Improper Locking"
REFERENCES = ("https://docs.rs/tokio/latest/tokio/sync/struct.Mutex.html#which-kind-of-mutex-should-you-use",)
LOSES = "macros such as `select!` and `join!`, helpers that return guards, `let … else`, the edition"


def semgrep(words: Words) -> dict[str, Any]:
    """An await under a guard whose acquisition was not awaited."""
    take = words.takes(waits="thread")
    found = [
        sg.binding(words, take, sg.AWAIT, "$W", awaited=False),
        sg.under_heads(words, take, sg.AWAIT, "$W", awaited=False),
        sg.both(
            sg.either([f"$F(..., {sg.deep(sg.TAKE)}, ...).await", f"{sg.TAKE}. ... .$F(...).await"]),
            {"pattern-not": f"$F(..., {sg.deep(sg.TAKE + '.await')}, ...).await"},
            {"pattern-not": f"{sg.TAKE}.await. ... .$F(...).await"},
            sg.named("A", take),
        ),
    ]
    return sg.both(sg.either(found))
