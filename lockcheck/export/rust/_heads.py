"""The three rules about guards that live for a head's sake, for the tools' languages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lockcheck.export.rust import _semgrep as sg
from lockcheck.export.words import Words, one_of

NO_NAME = r"^(?!.*(?<![\w:])(?!(true|false|ref|mut|_)\b)[a-z]\w*(?!\s*[:({]|::))"
"""The text of a pattern that gives nothing a name."""


def borrows_nothing(words: Words, head: str = "HEAD") -> dict[str, Any]:
    """The head's value is not a borrow of what is behind the guard, by the last method that made it."""
    unwrapped = r"(\.\s*(unwrap|expect|ok|unwrap_or)\s*\([^()]*\)\s*)*\??"
    last = rf"\.\s*({one_of(words.effects.owned)})(::<.*>)?\s*\(([^()]|\([^()]*\))*\)\s*{unwrapped}$"
    taken = r"(take|replace|swap)\s*\(.*\)$"
    compared = r"^[^{|]*( [-+*/%<>]=? | == | != |\.\.)[^{|]*$"
    return sg.regex(head, rf"(?s)^.*{last}|^([\w:]*::)?{taken}|{compared}")


def needless(words: Words) -> tuple[sg.Part, sg.Part]:
    """Conditions of which one makes an arm do without the guard."""
    return sg.regex("P", NO_NAME), borrows_nothing(words)


def semgrep(
    words: Words, places: Callable[[sg.Event], dict[str, list[str]]], needed: Sequence[sg.Part] = ({},)
) -> dict[str, Any]:
    """A guard of a head and something that waits while it is alive.

    `places`: by kind of head, the patterns with an event in them. `needed`: conditions of which one must hold.
    """
    held = taken(words)
    wanted = sg.named("B", (*words.takes(fallible=False), *words.blocks_methods))
    awaited = sg.regex("HEAD", rf"(?s)^.*{held.text}\s*\.\s*await")
    found = []
    for kind, locks in places(_event("$M.$B()")).items():
        blocks = [pattern for name in words.blocks for pattern in places(_event(f"{name}(...)"))[kind]]
        head = (sg.CONTAINERS[kind], sg.regex("HEAD", sg.head_text(words, held)))
        for condition in needed:
            conditions = (*head, condition) if condition else head
            found.append(sg.both(sg.either(locks), wanted, *conditions))
            found.append(sg.both(sg.either(blocks), *conditions))
            found.append(sg.both(sg.either(places(sg.AWAIT)[kind]), awaited, *conditions))
    without = [
        {"pattern-not": pattern} for name in sg.SPAWNS for ones in places(_event(name)).values() for pattern in ones
    ]
    deadlock = _event("$L.$SAME()")
    kinds = places(deadlock)
    same = [pattern for kind in kinds for pattern in (*kinds[kind], *sg.then(held, deadlock)[kind])]
    without += [{"pattern-not": pattern} for pattern in dict.fromkeys(same)]
    return sg.both(sg.either(found), *without, held.named, {"focus-metavariable": "$L"})


def taken(words: Words) -> sg.Held:
    """What a head's guard is made by."""
    return sg.taken(words.takes(fallible=False))


def _event(pattern: str) -> sg.Event:
    return sg.Event(pattern, (), "")
