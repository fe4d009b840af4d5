"""LCK105 in Rust."""

from __future__ import annotations

from typing import Any

from lockcheck.export.rust import _semgrep as sg
from lockcheck.export.words import Words

COVERAGE = "approximate"
CONFIDENCE = "HIGH"
CWE = "CWE-772: Missing Release of Resource after Effective Lifetime"
REFERENCES = ("https://doc.rust-lang.org/std/mem/fn.forget.html",)
LOSES = "guards that come from a call or as a parameter, a leak that takes over the name, macros"


def semgrep(words: Words) -> dict[str, Any]:
    """A guard with a name that is forgotten, or leaked, in its block, or without a name at once."""
    held = sg.taken(words.takes())
    given = f"let $G = {sg.deep(held.pattern)};"
    named = sg.both(
        sg.either(f"{given}\n...\n{sg.deep(f'{leak}($G)')};" for leak in words.leaks),
        {"pattern-inside": "let $G = $HELD;\n..."},
        sg.regex("HELD", sg.guard_text(words, held)),
        sg.NAME,
        *held.named,
    )
    at_once = [
        sg.both(f"{leak}($HELD)", {"pattern": f"{leak}({sg.deep(held.pattern)})"}, *held.named,
                sg.regex("HELD", sg.guard_text(words, held)))
        for leak in words.leaks
    ]  # fmt: skip
    return sg.both(sg.either([named, *at_once]), *sg.is_lock(words, "L"), {"focus-metavariable": "$L"})
