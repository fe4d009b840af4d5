"""LCK503 in Python."""

from __future__ import annotations

from typing import Any

from lockcheck.export.python import _semgrep as sg
from lockcheck.export.words import Words

COVERAGE = "approximate"
CONFIDENCE = "HIGH"
CWE = "CWE-252: Unchecked Return Value"
REFERENCES = ("https://docs.python.org/3/library/threading.html#threading.Lock.acquire",)
LOSES = "locks made in other files or by functions, results kept in fields"

_LIMITS = ("acquire(..., timeout=$LIMIT, ...)", "acquire($BLOCKING, $LIMIT)")

_LOOKS = (
    "<... $KEPT ...>", "return <... $KEPT ...>", "$TO = <... $KEPT ...>", "if <... $KEPT ...>:\n    ...",
    "while <... $KEPT ...>:\n    ...", "assert <... $KEPT ...>",
)  # fmt: skip


def semgrep(words: Words) -> dict[str, Any]:
    """A bounded acquisition that is a statement, or whose name is never used again."""
    found = []
    limited = sg.regex("LIMIT", r"^(?!\(?-\s*1\)?$|None$)")
    kinds = sg.types(words, "mutex", "reentrant", "semaphore", waits="thread", silent=True)
    for lock, place in sg.declared(words, kinds):
        for take in (f"{lock}.{limit}" for limit in _LIMITS):
            kept = f"$KEPT = {take}\n..."
            asked = [{"pattern-not-inside": f"{kept}\n{one}\n..."} for one in _LOOKS]
            named = sg.both(kept, sg.regex("KEPT", r"^\w+$"), *asked)
            alone = sg.both(f"{take}\n...", {"pattern-not-inside": f"return {take}"})
            found.append(sg.both(*place, sg.either([alone, named]), limited, {"focus-metavariable": "$L"}))
    return {**sg.both(sg.either(found)), "options": sg.WHOLE_STATEMENTS}
