"""LCK401 in Rust."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lockcheck.export.rust import _ast_grep as ag
from lockcheck.export.rust import _semgrep as sg
from lockcheck.export.words import Words

COVERAGE = "approximate"
CONFIDENCE = "MEDIUM"
CWE = "CWE-667: Improper Locking"
REFERENCES = ("https://docs.rs/tokio/latest/tokio/sync/struct.Mutex.html#which-kind-of-mutex-should-you-use",)
LOSES = "macros such as `select!` and `join!`, helpers that return guards, the edition"


def semgrep(words: Words) -> dict[str, Any]:
    """An await under a guard whose acquisition was not awaited."""
    held = sg.taken(words.takes(waits="thread"), awaited=False)
    found = [
        sg.binding(words, held, sg.AWAIT),
        sg.under_heads(words, held, sg.AWAIT),
        sg.both(
            sg.either([f"$F(..., {sg.deep(held.pattern)}, ...).await", f"{held.pattern}. ... .$F(...).await"]),
            {"pattern-not": f"$F(..., {sg.deep(held.pattern + '.await')}, ...).await"},
            *({"pattern-not": f"$F(..., |{names}| $E, ...).await"} for names in ("", "$X", "$X, $Y")),
            {"pattern-not": f"{held.pattern}.await. ... .$F(...).await"},
            *held.named,
        ),
    ]
    return sg.both(sg.either(found), *sg.is_lock(words, "L", "thread"))


def semgrep_project(words: Words) -> Iterator[tuple[str, dict[str, Any]]]:
    """An await under a guard that a function of the project handed out."""
    givers = words.givers("thread")
    if givers:
        held = sg.Held("$O.$A(...)", givers, awaited=False, arguments=True)
        yield (
            "handed-out",
            sg.both(sg.either([sg.binding(words, held, sg.AWAIT), sg.under_heads(words, held, sg.AWAIT)])),
        )


def ast_grep(words: Words) -> dict[str, Any]:
    """The same."""
    ends = {"any": [ag.STOP, {"kind": "block"}, {"kind": "closure_expression"}]}
    inner = {"has": {"stopBy": ends, **ag.ACQUIRE}}
    rule = {"kind": "await_expression", "any": [ag.held(words), inner]}
    return {"rule": rule, "utils": ag.utils(words, words.takes(waits="thread"), awaited=False)}
