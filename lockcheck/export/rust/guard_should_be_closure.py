"""LCK501 in Rust."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lockcheck.export.rust import _semgrep as sg
from lockcheck.export.words import Words, one_of

COVERAGE = "approximate"
CONFIDENCE = "LOW"
CWE = "CWE-667: Improper Locking"
REFERENCES = ("https://doc.rust-lang.org/std/mem/fn.drop.html",)
LOSES = "guards that only outlive their last use, are shadowed or replaced; exits in `let … else`, closures, macros"

_LEAVES = sg.regex(
    "EXIT",
    r"(?s)^([^={]+=\s*match\b[^{]*\{)?(//[^\n]*\n|(?!//)[^{])*(\breturn\b|[\w)\]]\?\s*([;,.)}]|$))",
)
"""The text of a statement that leaves, outside comments and blocks: `...` finds what stands in a block by itself, and
takes the block and what is in it for one after the other. To semgrep the last expression of each block is a `return`,
so that only the text tells.
"""
_NEEDED = (("<... $G ...>;",), ("<... $F(...) ...>;", sg.regex("F", r"^(?!(Ok|Err|Some|None)\b)")))
"""What is left to do under the guard: it is named again, or something is called that is more than a result."""
_LATER = ("async { ... }", "async move { ... }")
"""What runs when the guard is gone."""


def semgrep(words: Words) -> dict[str, Any]:
    """A guard of the exclusive side, with a name, whose end is told by something else than its block.

    A pattern for each method: of a long function semgrep would keep each `let` with each pair of what comes later.
    """
    held = sg.taken(words.takes("write", "exclusive"))
    found = sg.both(
        sg.either(way for name in held.names for way in _ways(words, f"let $G = {sg.deep(f'$L.{name}()')};\n...\n")),
        {"pattern-inside": "let $G = $HELD;\n..."},
        sg.regex("HELD", sg.guard_text(words, held)),
        sg.NAME,
        *sg.is_lock(words, "L"),
        *sg.OUTSIDE_TESTS,
        {"focus-metavariable": "$L"},
    )
    return {**found, "paths": {"exclude": [sg.OF_TESTS]}}


def _ways(words: Words, given: str) -> Iterator[sg.Part]:
    """The guard is dropped by name, left early, or given away for good."""
    yield from (sg.both(f"{given}{drop}($G);\n...") for drop in words.drops)
    later = [{"pattern-not": f"{given}{one}"} for one in _LATER]
    for needed, *more in _NEEDED:
        yield sg.both(f"{given}$EXIT;\n...\n{needed}\n...", _LEAVES, *more, *later)
    waits = rf"(?s)^(?!.*\.\s*({one_of(words.waits)})$|{one_of(words.drops)}$)"
    yield sg.both(f"{given}{sg.deep('$F(..., $G, ...)')};\n...", sg.regex("F", waits))
