"""Which bytes a function must contain to be able to take a lock: looked for before anything is parsed.

In: the names of what takes locks.  Out: patterns over the bytes of Python.
Never: misses a call that `lower` could write; what it finds in comments and strings costs only time.
"""

from __future__ import annotations

from lockcheck.frontends.forms import BY_ITSELF, Form, filled
from lockcheck.ir import Words


def forms(words: Words) -> tuple[Form, ...]:
    """They find every place where one of the words may be called, or stands in the head of a `with`.

    What begins at a line's or a word's bound has a hint, which is found faster.
    """
    spelled = frozenset(name for name in words.functions if "::" in name)
    told = (
        ("", r"\.\s*(?:{})\b", (words.any | words.paths) - spelled),
        (ALWAYS, _WITH + r"\b(?<!\bas )(?:{})\b", words.alone),
        (BY_ITSELF, r"\b(?:{})\s*\(", words.functions | words.lenders),
        (r"\.(?:{})[ \t]*$", _NAMED + r"(?:{})[ \t]*$", words.alone),
        (BY_ITSELF, _VARIABLE + r"\b(?:{})\s*\(", words.made),
        (BY_ITSELF, r"\b(?:{})\b", words.spoken),
        (ALWAYS, _LOOKS_LIKE_ONE, ("",)),
        (ALWAYS, _SELF, ("",)),
    )
    return filled(told, r"\s*\.\s*")


_WITH = r"^[ \t]*(?:async[ \t]+)?with\b[^:]*(?::=[^:]*)*"
"""The head of a `with`, which always begins a line; prose seldom has the word there."""

_NAMED = r"^[ \t]*\w+[ \t]*=[ \t]*[\w.]+\."
"""A variable becomes another name of somebody's field: whatever it is called, a block may be opened with it."""

_VARIABLE = r"^[ \t]*\w[\w, \t]*(?::[^=\n]*)?=[^=\n]*"
"""A variable is given a value."""

ALWAYS = "with"
"""Stands in everything that the pattern finds and that has none of the words."""

_LOOKS_LIKE_ONE = _WITH + r"(?:[Ll]ock|LOCK|[Mm]utex|[Cc]ond|[Ss]em|(?:\b|_)cv\b)"
"""A `with` on something of a lock's name, wherever it comes from."""

_SELF = r"^[ \t]*(?:async[ \t]+)?with[ \t]+(?:self|cls)[ \t]*(?:as\b|[:,])"
"""A block is opened with the object itself."""
