"""LCK104 in Rust."""

from __future__ import annotations

from typing import Any

from lockcheck.export.rust import _semgrep as sg
from lockcheck.export.words import Words

COVERAGE = "approximate"
CONFIDENCE = "MEDIUM"
CWE = "CWE-667: Improper Locking"
REFERENCES = ("https://doc.rust-lang.org/rustc/lints/listing/deny-by-default.html#let-underscore-lock",)
LOSES = "helpers that return guards, parts of tuples, whether it is a lock at all"


def semgrep(words: Words) -> dict[str, Any]:
    """`let _ =` of an acquisition with something after it."""
    take = (*words.takes(), *words.takes(bounded=True))
    call = "$L.$A(...)"
    held = sg.guard_text(words, take).replace(r"\(\)", r"\([^()]*(\([^()]*\))?[^()]*\)")
    return sg.both(
        sg.either([f"let _ = {sg.deep(call)};\n...\n$NEXT;", f"_ = {sg.deep(call)};\n...\n$NEXT;"]),
        sg.either([{"pattern-inside": "let _ = $HELD;\n..."}, {"pattern-inside": "_ = $HELD;\n..."}]),
        sg.regex("HELD", held),
        sg.regex("HELD", r"^(?!&|.*\bstd(in|out|err)\(\))"),
        sg.named("A", take),
        {"focus-metavariable": "$L"},
    )
