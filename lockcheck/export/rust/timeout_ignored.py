"""LCK503 in Rust."""

from __future__ import annotations

from typing import Any

from lockcheck.export.rust import _semgrep as sg
from lockcheck.export.words import Words

COVERAGE = "approximate"
CONFIDENCE = "MEDIUM"
CWE = "CWE-252: Unchecked Return Value"
REFERENCES = ("https://docs.rs/lock_api/latest/lock_api/struct.RwLock.html#method.try_write_for",)
LOSES = "a name that only a macro looks at, macros, whether it is a lock at all"


def semgrep(words: Words) -> dict[str, Any]:
    """A bounded acquisition that is a statement, or whose name is never used again."""
    take = "$L.$A(...)"
    used = f"let $G = {take};\n...\n{sg.deep('$G')};\n..."
    named = sg.both(f"let $G = {take};\n...\n$NEXT;", sg.NAME, {"pattern-not-inside": used})
    alone = sg.both(f"{take};\n...\n$NEXT;", {"pattern-not": f"let $P = {sg.deep(take)};\n...\n$NEXT;"})
    return sg.both(
        sg.either([alone, named]),
        sg.named("A", words.takes(bounded=True)),
        *sg.is_lock(words, "L"),
        {"focus-metavariable": "$L"},
    )
