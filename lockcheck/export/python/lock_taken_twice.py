"""LCK201 in Python."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lockcheck.export.python import _project as project
from lockcheck.export.python import _semgrep as sg
from lockcheck.export.words import Words

COVERAGE = "approximate"
CONFIDENCE = "HIGH"
CWE = "CWE-764: Multiple Locks of a Critical Resource"
REFERENCES = ("https://docs.python.org/3/library/threading.html#lock-objects",)
LOSES = "calls, locks made in other files or by functions, aliases, conditions around the lock, exit stacks"


def semgrep(words: Words) -> dict[str, Any]:
    """A lock that is not re-entrant, taken under itself."""
    found = []
    for lock, place in sg.declared(words, sg.types(words, "mutex")):
        found.append(sg.during(lock, place, [*sg.taken(lock), f"{lock}.acquire()"]))
    return sg.both(sg.either(found))


def semgrep_project(words: Words) -> Iterator[tuple[str, dict[str, Any]]]:
    """A call under the lock that comes to take it."""
    kinds, calls = sg.types(words, "mutex"), ["$CALL(...)"]
    found = [sg.during("$L", place, calls) for place in sg.where(project.taken(words, kinds))]
    with_it = ["$CALL(..., self, ...)"]
    found += [sg.during("$L", place, with_it) for place in sg.where(project.given(words, kinds))]
    found += [sg.during("@$L", place, calls) for place in sg.where(project.decorated(words, kinds))]
    if found:
        yield "project", sg.both(sg.either(found), {"focus-metavariable": "$CALL"})
