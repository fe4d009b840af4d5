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


BY_ITSELF = "{}"
"""A hint: the words themselves, spelled so that they are found fast."""


def filled(told: Iterable[tuple[str, str, Collection[str]]], between: str) -> tuple[Form, ...]:
    """The forms that have words: each with its hint (or an empty one) and the words that stand in both for `{}`.

    `between` is what may stand between two parts of a path.
    """
    found = []
    for hint, form, names in told:
        if names:
            spelled = _either(names, between)
            by_itself = r"\b(?:{})" if len({name[:1] for name in names}) > _MANY else "(?:{})"
            hint = by_itself if hint == BY_ITSELF else hint
            found.append(Form(hint.replace("{}", spelled), form.replace("{}", spelled)))
    return tuple(found)


_MANY = 12
"""Of so many letters one nearly always comes next: then words are looked for at words' beginnings only."""


_LETTER = re.compile("::|.")
"""What stands between the parts of a path counts as one letter."""

_DEEPEST = 20
"""Brackets are not put into so many others: names that begin with each other may be chosen to have it so."""


def _either(names: Iterable[str], between: str) -> str:
    """One of the names, a longer one before one that it begins with.

    What several begin with is written once, so that few ways are tried where no name stands: nearly everywhere.
    """
    return _one_of({tuple(_LETTER.findall(name)) for name in names}, between, 0)


def _one_of(names: Collection[tuple[str, ...]], between: str, depth: int) -> str:
    """One of some names, given letter by letter; without brackets around it."""
    first: dict[tuple[str, ...], list[tuple[str, ...]]] = {}
    for name in sorted(names, key=lambda name: (-len(name), name)):
        first.setdefault(name if depth > _DEEPEST else name[:1], []).append(name)
    ways = []
    for some in first.values():
        one, other = min(some), max(some)
        alike = next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), len(one))
        begin, rests = one[:alike], {name[alike:] for name in some}
        spelled = "".join(between if letter == "::" else re.escape(letter) for letter in begin)
        rest = f"(?:{_one_of(rests - {()}, between, depth + 1)})" if len(rests) > 1 else ""
        ways.append(spelled + rest + ("?" if rest and () in rests else ""))
    return "|".join(ways)
