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
    spelled = frozenset(name for name in words.functions if "::" in name)
    lent_by_path = frozenset(name[2:] for name in words.lenders if name.startswith("::"))
    lenders = frozenset(name for name in words.lenders if "::" not in name)
    by_type = words.alone | words.any
    forms = (
        (r"\." + _GAP + r"(?:{})\s*(?:\(\s*[)/]|::|/)", words.alone),
        (r"\." + _GAP + r"(?:{})\s*(?:\(|::|/)", words.any - spelled),
        (_TYPE + _GAP + r"::" + _GAP + r"(?:{})\b", by_type - words.functions - words.paths - spelled),
        (r"::" + _GAP + r"(?:{})\b", (words.functions | words.paths) - spelled),
        (r"\b(?:{})\s*(?:\(|::|/)", words.functions - spelled),
        (r"\b(?:{})\b", spelled | words.spoken),
        (r"\b(?:{})" + _GIVEN_A_CLOSURE, lenders),
        (r"::" + _GAP + r"(?:{})" + _GIVEN_A_CLOSURE, lent_by_path),
        (_BOUND + r"(?s:.*)\b(?:{})\b", lenders),
        (_BOUND + r"(?s:.*)::" + _GAP + r"(?:{})\b", lent_by_path),
        (r"\b(?:{})\s*!", words.macros),
    )
    said = [form.replace("{}", _either(names)) for form, names in forms if names]
    return re.compile("|".join(said).encode() or rb"(?!)")


_GAP = r"\s*(?:/(?:/[^\n]*\n|\*[^*]*\*+(?:[^/*][^*]*\*+)*/)\s*)*"
"""White space and comments."""

_TYPE = r"(?:\b[A-Z_\x80-\xff][\w\x80-\xff]*|[>\])]|\$\w+)"
"""The end of what may be a type, before a path goes on to a method of it: no name that begins with a small letter."""

_GIVEN_A_CLOSURE = r"\s*(?:::\s*<[^;()]*>\s*)?\([^;{|()]*(?:[{|(]|\w\s*,?\s*\))"
"""Behind a name, a call that may be given a closure, a block, what another call gives, or at last a function's name."""

_BOUND = r"=\s*(?:move\s*)?(?:\||\basync\b)"
"""A closure or a block to wait for that gets a name."""


def _either(names: Iterable[str]) -> str:
    """Longer names first, so that a call is not cut off at a shorter one."""
    ordered = sorted(names, key=lambda name: (-len(name), name))
    return "|".join(re.escape(name).replace("::", _BETWEEN) for name in ordered)


_BETWEEN = r"\s*::\s*(?:<[^;()]*>\s*::\s*)?"
"""Between two parts of a path, type arguments may stand."""
