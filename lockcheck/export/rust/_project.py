"""A project's locks in semgrep's patterns: how they are spelled, and what hands their guards out.

In: `Reached`, `Words`.  Out: `Held`s.
Never: which rule they are for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lockcheck.effects import Mode
from lockcheck.export.known import Names, Reached
from lockcheck.export.rust import _semgrep as sg
from lockcheck.export.words import Words, in_modes

MODES: tuple[Mode, ...] = ("exclusive", "write", "read", "upgradable")


def spelled(one: Reached) -> str:
    """The lock as code spells it: a static's name, or the way to it from `$O`."""
    return ".".join(one.way if one.static else ("$O", *one.way))


def spellings(words: Words, one: Reached) -> list[str]:
    """The same, and with the methods that return the lock in place of what is left of the way."""
    found = [spelled(one)]
    for length in range(0 if one.static else len(one.way)):
        getters = {name for other in _alike(words, one, length) for name in other.getters}
        found += [".".join(("$O", *one.way[:length], f"{name}()")) for name in sorted(getters)]
    return found


def name(one: Reached) -> str:
    """The name of a rule about the lock."""
    whole = ".".join(part for part in (one.owner, *one.way) if part) or "argument"
    return re.sub(r"[^\w]+", "-", f"{whole}-{one.waits}")


def handed_out(words: Words, one: Reached, *modes: Mode) -> Iterator[sg.Held]:
    """The guard (of one of the modes) given by methods and functions for which the lock is what is left of the way."""
    for length in range(0 if one.static else len(one.way) + 1):
        before, alike = ".".join(("$O", *one.way[:length])), _alike(words, one, length)
        givers, lenders = _all((o.givers for o in alike), modes), _all((o.lenders for o in alike), modes)
        if givers:
            yield sg.Held(f"{before}.$A(...)", givers, arguments=True)
        if lenders:
            yield sg.Held(f"$A(&{before})", lenders, arguments=True, function=True)


def _alike(words: Words, one: Reached, length: int) -> list[Reached]:
    """The locks that the rest of the way may lead to, from what the first parts of it name."""
    rest = one.way[length:]
    found = [other for other in words.reached if other.way == rest and other.waits == one.waits]
    if rest and not length:  # fields are called alike in many types, and a method belongs to one
        found = [other for other in found if other.owner == one.owner]
    return found


def _all(some: Iterator[Names], modes: tuple[Mode, ...]) -> tuple[str, ...]:
    return tuple(sorted({one for names in some for one in in_modes(names, *(modes or MODES))}))
