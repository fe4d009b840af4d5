"""LCK501 in Rust."""

from __future__ import annotations

from typing import Any

from lockcheck.export.rust import _semgrep as sg
from lockcheck.export.words import Words

COVERAGE = "hint"
CONFIDENCE = "LOW"
CWE = "CWE-667: Improper Locking"
REFERENCES = ("https://doc.rust-lang.org/std/mem/fn.drop.html",)
LOSES = "guards that outlive their last use, are handed on, shadowed or left early; what the project asks for"


def semgrep(words: Words) -> dict[str, Any]:
    """A guard of the exclusive side that ends by `drop`, with something after it."""
    held = sg.taken(words.takes("write", "exclusive"))
    given = f"let $G = {sg.deep(held.pattern)};"
    return sg.both(
        sg.either(f"{given}\n...\n{drop}($G);\n...\n$NEXT;" for drop in words.drops),
        {"pattern-inside": "let $G = $HELD;\n..."},
        sg.regex("HELD", sg.guard_text(words, held)),
        sg.NAME,
        held.named,
        *sg.is_lock(words, "L"),
        {"focus-metavariable": "$L"},
    )
