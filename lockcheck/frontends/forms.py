"""How the forms in which words may be called become patterns, whatever the language.

In: forms with room for words, and the words.  Out: compiled forms.
Never: a form of one language.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from lockcheck.ir import Form


def compiled(told: Iterable[tuple[str, str, Collection[str]]], between: str) -> tuple[Form, ...]:
    """The forms that have words: each with its hint (or an empty one) and the words that stand in both for `{}`.

    `between` is what may stand between two parts of a path.
    """
    spelled = ((hint, form, _either(names, between)) for hint, form, names in told if names)
    return tuple((_pattern(hint, names) if hint else None, _pattern(form, names)) for hint, form, names in spelled)


def _pattern(form: str, names: str) -> re.Pattern[bytes]:
    return re.compile(form.replace("{}", names).encode(), re.MULTILINE)


def _either(names: Iterable[str], between: str) -> str:
    """Longer names first, so that a call is not cut off at a shorter one."""
    ordered = sorted(names, key=lambda name: (-len(name), name))
    return "|".join(re.escape(name).replace("::", between) for name in ordered)
