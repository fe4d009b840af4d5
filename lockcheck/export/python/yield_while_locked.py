"""LCK403 in Python."""

from __future__ import annotations

from typing import Any

from lockcheck.export.python import _semgrep as sg
from lockcheck.export.words import Words

COVERAGE = "approximate"
CONFIDENCE = "HIGH"
CWE = "CWE-667: Improper Locking"
REFERENCES = ("https://docs.python.org/3/reference/expressions.html#yield-expressions",)
LOSES = "locks made in other files or by functions, exit stacks, context managers by other decorators"


def semgrep(words: Words) -> dict[str, Any]:
    """A yield while a lock is held, except in what is made a context manager."""
    managers = [
        {"pattern-not-inside": f"@{name}\n{kind}def $MANAGER(...):\n    ..."}
        for name in ("contextlib.contextmanager", "contextlib.asynccontextmanager", "pytest.fixture")
        for kind in ("", "async ")
    ]
    kinds = sg.types(words, "mutex", "reentrant", "semaphore", waits="thread")
    yields = ["yield", "yield $Y", "yield from $Y"]
    return sg.both(sg.either(sg.during(lock, place, yields, *managers) for lock, place in sg.declared(words, kinds)))
