"""The forms in which words may be called, filled with the words, whatever the language.

In: forms with room for words, and the words.  Out: `Form`s.
Never: a form of one language.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from functools import cached_property

from msgspec import Struct


class Form(Struct, frozen=True, dict=True):
    """What finds a word where it may be called, behind a hint that is found faster and fits wherever this does, if any.

    Each is compiled when it is first looked for: that takes milliseconds, and many are never.
    """

    of_hint: str
    of_form: str

    @cached_property
    def hint(self) -> re.Pattern[bytes] | None:
        """The hint, where there is one."""
        return re.compile(self.of_hint.encode(), re.MULTILINE) if self.of_hint else None

    @cached_property
    def form(self) -> re.Pattern[bytes]:
        """The form itself."""
        return re.compile(self.of_form.encode(), re.MULTILINE)


def filled(told: Iterable[tuple[str, str, Collection[str]]], between: str) -> tuple[Form, ...]:
    """The forms that have words: each with its hint (or an empty one) and the words that stand in both for `{}`.

    `between` is what may stand between two parts of a path.
    """
    made = ((hint, form, _either(names, between)) for hint, form, names in told if names)
    return tuple(Form(hint.replace("{}", names), form.replace("{}", names)) for hint, form, names in made)


def _either(names: Iterable[str], between: str) -> str:
    """Longer names first, so that a call is not cut off at a shorter one."""
    ordered = sorted(names, key=lambda name: (-len(name), name))
    return "|".join(re.escape(name).replace("::", between) for name in ordered)
