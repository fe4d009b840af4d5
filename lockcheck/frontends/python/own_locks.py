"""What the text of a class says that is called a lock.

In: a class's name, its text, where its methods are.  Out: `OwnLock`.
Never: a parse; which of its methods do what.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from lockcheck import ir

_NAMED_AS_LOCK = re.compile(r"(?:Lock|RWlock|Mutex|Semaphore)$")
"""As `lock-class` in Python's table, which is not read to declare; no other class's text is looked at."""
_WAITS = re.compile(
    rb"\.wait\(|(?<!\w)sleep\(|\.create_future\(|\.(?:flock|lockf|setnx)\(|\bO_EXCL\b|(?<!\w)nx\s*=\s*True\b"
)
_ASKS_WHO = re.compile(rb"\b(?:get_ident|get_native_id|current_?[tT](?:hread|ask)|getcurrent|local)\b")
_QUEUES = re.compile(
    rb"\b_*(?:w(?:rit\w*?)?_*(?:wait|pend|want|queue|request)|(?:wait|pend|want|queue|request)\w*?_w(?:rit|\b))"
)
_YIELD = re.compile(rb"^([ \t]*)yield\b", re.MULTILINE)


class OwnLock(NamedTuple):
    """See the fields of these names of `ir.TypeDecl`."""

    waits: bool = False
    asks_who: bool = False
    queues: bool = False
    keeps: bool = False


def told(name: str, data: bytes, body: ir.Range, methods: Iterable[ir.Range]) -> OwnLock:
    """What a class's text says; `methods` are the texts of its methods."""
    if _NAMED_AS_LOCK.search(name) is None:
        return OwnLock()
    waits, asks, queues = (one.search(data, *body) is not None for one in (_WAITS, _ASKS_WHO, _QUEUES))
    return OwnLock(waits, asks, queues, any(_keeps(data[start:end]) for start, end in methods))


def _keeps(text: bytes) -> bool:
    """Whether a method takes something by name that it does not give back, or yields inside of a block."""
    by_name = text.count(b".acquire(") > text.count(b".release(")
    return by_name or any(_is_inside(text[: one.start()], len(one[1])) for one in _YIELD.finditer(text))


def _is_inside(before: bytes, depth: int) -> bool:
    """Whether what comes next, so far to the right, stands in a block that something was opened for."""
    for line in reversed(before.splitlines()):
        begins = line.lstrip()
        if begins and len(line) - len(begins) < depth:
            depth = len(line) - len(begins)
            if begins.startswith((b"with ", b"async with ")):
                return True
    return False
