"""Which bytes a function must contain to be able to take a lock: looked for before anything is parsed.

In: the names of what takes locks.  Out: patterns over the bytes of Rust.
Never: misses a call that `lower` could write; what it finds in comments and strings costs only time.
"""

from __future__ import annotations

from lockcheck.frontends.forms import BY_ITSELF, Form, filled
from lockcheck.ir import Words


def forms(words: Words) -> tuple[Form, ...]:
    """They find every place where one of the words may be called, or passed by its path (`map(Mutex::lock)`).

    What begins with a dot or a colon is found fast; what begins with a type or at a word's bound has a hint. Those
    that have the same stand together (see `Finder`).
    """
    spelled = frozenset(name for name in words.functions if "::" in name)
    lent_by_path = frozenset(name[2:] for name in words.lenders if name.startswith("::"))
    lenders = frozenset(name for name in words.lenders if "::" not in name)
    by_type = words.alone | words.any
    told = (
        ("", r"\." + _GAP + r"(?:{})\s*(?:\(\s*[)/]|::|/)", words.alone),
        ("", r"\." + _GAP + r"(?:{})\s*(?:\(|::|/)", words.any - spelled),
        (_OF_PATH, _TYPE + _GAP + _OF_PATH, by_type - words.functions - words.paths - spelled),
        ("", _OF_PATH, (words.functions | words.paths) - spelled),
        (BY_ITSELF, r"\b(?:{})\s*(?:\(|::|/)", words.functions - spelled),
        (BY_ITSELF, r"\b(?:{})\b", spelled | words.spoken),
        (BY_ITSELF, r"\b(?:{})" + _GIVEN_A_CLOSURE, lenders),
        (BY_ITSELF, _BOUND + r"(?s:.*)\b(?:{})\b", lenders),
        (_OF_PATH, r"::" + _GAP + r"(?:{})" + _GIVEN_A_CLOSURE, lent_by_path),
        (_OF_PATH, _BOUND + r"(?s:.*)" + _OF_PATH, lent_by_path),
        (BY_ITSELF, r"\b(?:{})\s*!", words.macros),
    )
    return filled(told, _BETWEEN)


_GAP = r"\s*(?:/(?:/[^\n]*\n|\*[^*]*\*+(?:[^/*][^*]*\*+)*/)\s*)*"
"""White space and comments."""

_OF_PATH = r"::" + _GAP + r"(?:{})\b"
"""A word behind the colons of a path."""

_TYPE = r"(?:\b[A-Z_\x80-\xff][\w\x80-\xff]*|[>\])]|\$\w+)"
"""The end of what may be a type, before a path goes on to a method of it: no name that begins with a small letter."""

_GIVEN_A_CLOSURE = r"\s*(?:::\s*<[^;()]*>\s*)?\([^;{|()]*(?:[{|(]|\w\s*,?\s*\))"
"""Behind a name, a call that may be given a closure, a block, what another call gives, or at last a function's name."""

_BOUND = r"=\s*(?:move\s*)?(?:\||\basync\b)"
"""A closure or a block to wait for that gets a name."""


_BETWEEN = r"\s*::\s*(?:<[^;()]*>\s*::\s*)?"
"""Between two parts of a path, type arguments may stand."""
