"""LCK105 in Python."""

from __future__ import annotations

from typing import Any

from lockcheck.export.python import _semgrep as sg
from lockcheck.export.words import Words

COVERAGE = "approximate"
CONFIDENCE = "MEDIUM"
CWE = "CWE-772: Missing Release of Resource after Effective Lifetime"
REFERENCES = (
    "https://docs.python.org/3/library/threading.html#using-locks-conditions-and-semaphores-in-the-with-statement",
)
LOSES = "ways through branches, handlers that miss an exception, locks made in other files"

_WAYS = (
    "$F(...)", "$X = $F(...)", "await $F(...)", "yield", "yield $Y", "return ...", "raise $ERROR", "break", "continue",
)  # fmt: skip
_HANDLERS = ("finally", "except", "except BaseException", "except BaseException as $ERROR")


def semgrep(words: Words) -> dict[str, Any]:
    """An acquisition and a release in one block, with a way out or a call that can fail between them."""
    found = []
    kinds = sg.types(words, "mutex", "reentrant", "semaphore")
    for lock, place in sg.declared(kinds):
        for take in (f"{lock}.acquire()", f"await {lock}.acquire()"):
            between = [f"{take}\n...\n{way}\n...\n{lock}.release()" for way in _WAYS]
            handled = [
                f"{take}\n...\ntry:\n    ...\n{handler}:\n    ...\n    {lock}.release()\n    ..."
                for handler in _HANDLERS
            ]
            safe = [{"pattern-not-inside": one} for one in handled]
            freed = f"{take}\n...\nif $IF:\n    ...\n    {lock}.release()\n    ...\n...\n{lock}.release()"
            found.append(sg.both(place, sg.either(between), {"pattern-not": freed}, *safe))
    return sg.both(sg.either(found))
