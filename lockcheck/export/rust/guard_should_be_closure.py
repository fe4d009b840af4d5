"""LCK501 in Rust."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lockcheck.export.rust import _semgrep as sg
from lockcheck.export.words import Words

COVERAGE = "approximate"
CONFIDENCE = "LOW"
CWE = "CWE-667: Improper Locking"
REFERENCES = ("https://doc.rust-lang.org/std/mem/fn.drop.html",)
LOSES = "guards that only outlive their last use, are shadowed or replaced; exits in `let … else`, closures, macros"

_EXITS = (
    "return ...;", "<... return $X ...>;", "<... $X? ...>;",
    "let $Y = match $E { $P => return $X };", "let $Y = match $E { $P => { ... return ...; } };",
)  # fmt: skip
_NEEDED = ("<... $G ...>;", "<... $F(...) ...>;")


def semgrep(words: Words) -> dict[str, Any]:
    """A guard of the exclusive side, with a name, whose end is told by something else than its block."""
    held = sg.taken(words.takes("write", "exclusive"))
    given = f"let $G = {sg.deep(held.pattern)};"
    return sg.both(
        sg.either(f"{given}\n...\n{way}" for way in _ways(words)),
        {"pattern-inside": "let $G = $HELD;\n..."},
        sg.regex("HELD", sg.guard_text(words, held)),
        sg.NAME,
        held.named,
        *sg.is_lock(words, "L"),
        {"focus-metavariable": "$L"},
    )


def _ways(words: Words) -> Iterator[str]:
    for drop in words.drops:
        yield f"{drop}($G);\n..."
    for leaving in _EXITS:
        for needed in _NEEDED:
            yield f"{leaving}\n...\n{needed}\n..."
    yield f"{sg.deep('$F(..., $G, ...)')};\n..."
