"""LCK105 in Python."""

from __future__ import annotations

from collections.abc import Iterator
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
_MOST = ("except Exception", "except Exception as $ERROR")
"""Handlers that miss only what ends the program, or a task. Who gives a permit back there keeps it otherwise."""
_LOOPS = ("while $WHILE", "for $EACH in $OF")


def semgrep(words: Words) -> dict[str, Any]:
    """An acquisition and a release in one block, with a way out or a call that can fail between them."""
    locks, permits = sg.types(words, "mutex", "reentrant"), sg.types(words, "semaphore")
    return sg.both(sg.either([*_found(words, locks, ()), *_found(words, permits, _MOST)]))


def _found(words: Words, kinds: tuple[str, ...], enough: tuple[str, ...]) -> Iterator[sg.Part]:
    """`enough`: handlers that will do where nothing comes before them and no task waits."""
    for lock, place in sg.declared(words, kinds):
        for take in (f"{lock}.acquire()", f"await {lock}.acquire()"):
            between = [f"{take}\n...\n{way}\n...\n{lock}.release()" for way in _WAYS]
            body = f"    ...\n    {lock}.release()\n    ..."
            safe = [f"{take}\n...\n{one}\n..." for one in _tries(_HANDLERS, body)]
            safe += [f"{take}\n{one}\n..." for one in _tries(enough, body) if not take.startswith("await")]
            # a `break` may lead to the release behind the loop
            safe += [f"{loop}:\n    ...\n    {take}\n    ...\n...\n{lock}.release()" for loop in _LOOPS]
            freed = f"{take}\n...\nif $IF:\n{body}\n...\n{lock}.release()"
            yield sg.both(
                *place, sg.either(between), {"pattern-not": freed}, *({"pattern-not-inside": one} for one in safe)
            )


def _tries(handlers: tuple[str, ...], body: str) -> Iterator[str]:
    """What gives back in a handler, whether a `finally` follows or not."""
    for handler in handlers:
        yield (tried := f"try:\n    ...\n{handler}:\n{body}")
        if handler != "finally":
            yield f"{tried}\nfinally:\n    ..."
