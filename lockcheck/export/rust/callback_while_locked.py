"""LCK404 in Rust."""

from __future__ import annotations

from typing import Any

from lockcheck.export.rust import _semgrep as sg
from lockcheck.export.words import Words

COVERAGE = "approximate"
CONFIDENCE = "MEDIUM"
CWE = "CWE-667: Improper Locking"
REFERENCES = ("https://fbinfer.com/docs/all-issue-types/",)
LOSES = "wakers, callbacks that a pattern or a loop names, those in a loop over what is guarded, guards of a head"


def semgrep(words: Words) -> dict[str, Any]:
    """A parameter or a field is called while a guard with a name is alive, and the guard is not what it is given."""
    held = sg.taken(words.takes())
    parameter = sg.Event("$CB(...)", ({"pattern-inside": "fn $FN(..., $CB: $T, ...) { ... }"},), "$CB")
    field = sg.Event("$O.$CB(...)", (), "$CB")
    called = {"pattern-regex": r"\(\s*(\w+\s*\.\s*)+\w+\s*\)\s*\("}
    found = [_unless_given(words, held, parameter), sg.both(_unless_given(words, held, field), called)]
    return {
        **sg.both(sg.either(found), *sg.is_lock(words, "L"), *sg.OUTSIDE_TESTS),
        "paths": {"exclude": [sg.OF_TESTS]},
    }


def _unless_given(words: Words, held: sg.Held, event: sg.Event) -> sg.Part:
    given, part = (event.pattern.replace("(...)", f"(..., {sg.deep(what)}, ...)") for what in ("$G", "$PART"))
    made = (sg.deep("$G"), f"unsafe {{ {sg.deep('$G')} }}")  # the first does not look into `unsafe`
    parted = [f"let $PART = {one};\n...\n{sg.deep(part)};" for one in made]
    each = f"for $EACH in {sg.deep('$G')} {{ ... }}"
    return sg.both(sg.binding(words, held, event), *({"pattern-not-inside": one} for one in (given, each, *parted)))
