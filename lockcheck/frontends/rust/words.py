"""Which bytes a function must contain to be able to take a lock: looked for before anything is parsed.

In: the names of what takes locks.  Out: a pattern over the bytes of Rust.
Never: misses a call that `lower` could write; what it finds in comments and strings costs only time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from lockcheck.ir import Words


def pattern(words: Words) -> re.Pattern[bytes]:
    """Finds every place where one of the words may be called, or passed by its path (`map(Mutex::lock)`)."""
    forms = (
        (r"\.\s*(?:{})\s*(?:\(\s*[)/]|::|/)", words.alone),
        (r"\.\s*(?:{})\b", words.any),
        (r"::\s*(?:{})\b", words.alone | words.any | words.functions),
        (r"\b(?:{})\s*(?:\(|::|/)", words.functions),
        (r"\b(?:{})\s*!", words.macros),
    )
    said = [form.format(_either(names)) for form, names in forms if names]
    return re.compile("|".join([*said, _COMMENT]).encode())


_COMMENT = r"(?:\.|::)\s*/[/*]"
"""A comment before the name, whatever the name is."""


def _either(names: Iterable[str]) -> str:
    """Longer names first, so that a call is not cut off at a shorter one."""
    return "|".join(re.escape(name) for name in sorted(names, key=lambda name: (-len(name), name)))
