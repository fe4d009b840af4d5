"""LCK401 in Python."""

from __future__ import annotations

from typing import Any

from lockcheck.export.python import _semgrep as sg
from lockcheck.export.words import Words

COVERAGE = "approximate"
CONFIDENCE = "HIGH"
CWE = "CWE-667: Improper Locking"
REFERENCES = ("https://docs.python.org/3/library/asyncio-sync.html",)
LOSES = "locks made in other files or by functions, exit stacks, comprehensions"


def semgrep(words: Words) -> dict[str, Any]:
    """An await, `async for` or `async with` while a thread's lock is held."""
    waits = ["await $W", "async for $I in $W:\n    ...", "async with $W:\n    ...", "async with $W as $I:\n    ..."]
    kinds = sg.types(words, "mutex", "reentrant", "semaphore", waits="thread")
    return sg.both(sg.either(sg.during(lock, place, waits) for lock, place in sg.declared(words, kinds)))
