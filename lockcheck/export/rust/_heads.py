"""The three rules about guards that live for a head's sake, for the tools' languages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
    words: Words, places: dict[str, list[str]], same: Iterable[str], needed: Sequence[sg.Part] = ({},)
) -> dict[str, Any]:
    """A guard of a head and something that waits while it is alive.

    `places`: by the pattern of their container, patterns with `%E` where something waits. `same`: those where the same
    lock would be, which is a deadlock and the business of others. `needed`: conditions of which one must hold.
    """
    take, wanted = words.takes(fallible=False), (*words.takes(fallible=False), *words.blocks_methods)
    awaited = sg.regex("HEAD", rf"(?s)^.*\.\s*({one_of(take)})\s*\(\)\s*\.\s*await")
    found = []
    for container, patterns in places.items():
        locks = [pattern.replace("%E", sg.OTHER) for pattern in patterns]
        blocks = [pattern.replace("%E", f"{name}(...)") for pattern in patterns for name in words.blocks]
        waits = [pattern.replace("%E", sg.AWAIT) for pattern in patterns]
        for condition in needed:
            conditions: list[str | sg.Part] = [container, sg.regex("HEAD", sg.head_text(words, take))]
            conditions += [condition] if condition else []
            found.append(sg.both(sg.either(locks), sg.named("B", wanted), *conditions))
            found.append(sg.both(sg.either(blocks), *conditions))
            found.append(sg.both(sg.either(waits), awaited, *conditions))
    others = [pattern.replace("%E", event) for pattern in same for event in ("$L.$SAME()", *sg.SPAWNS)]
    without = [{"pattern-not": pattern} for pattern in others]
    return sg.both(sg.either(found), *without, sg.named("A", take), {"focus-metavariable": "$L"})
