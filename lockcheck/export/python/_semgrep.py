"""Shapes of Python code in semgrep's patterns: which names are locks, what is held, and what happens meanwhile.

In: `Words`.  Out: parts of a rule's body.
Never: which rule they are for.

What semgrep can do, measured with 1.182 and easy to break:

- A dotted name in a pattern is resolved through imports: `threading.Lock()` is `Lock()` after `from threading import
  Lock`, and `t.Lock()` after `import threading as t`.
- `with` in a pattern is `async with` too.
- `...` between statements looks into nested blocks as well.
- Of two patterns that both must match, the smaller range is reported, whichever it is: an event that can enclose a
  body must be narrowed first.
- `focus-metavariable: $...BODY` in a list of its own leaves the body to the patterns after it; `pattern-not-inside`
  speaks of the whole file, so a function defined in the body is told by the body around it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from lockcheck.export.python import _project as project
from lockcheck.export.words import Words, one_of

Part = dict[str, Any]


def regex(name: str, pattern: str) -> Part:
    """The text of a metavariable begins with what the regular expression says."""
    return {"metavariable-regex": {"metavariable": f"${name}", "regex": pattern}}


def either(patterns: Iterable[str | Part]) -> Part:
    """Any of the patterns."""
    return {"pattern-either": [one if isinstance(one, dict) else {"pattern": one} for one in patterns]}


def both(*parts: str | Part) -> Part:
    """All of the parts, each a pattern or a condition."""
    return {"patterns": [one if isinstance(one, dict) else {"pattern": one} for one in parts]}


def inside(*patterns: str) -> Part:
    """Within any of the patterns."""
    return either({"pattern-inside": pattern} for pattern in patterns)


WHOLE_STATEMENTS = {"implicit_deep_exprstmt": False}
"""Options of a rule: an expression as a statement is not looked for in initialisers, conditions and calls."""


def types(words: Words, *families: str, waits: str = "", silent: bool = False) -> tuple[str, ...]:
    """The dotted names of the types of these families (and of locks that wait so) that are taken by `acquire`.

    `silent`: only those where the result alone says whether the lock was taken.
    """
    listed = (lock for lock in words.effects.locks.values() if lock.family in families and "acquire" in lock.methods)
    found = {lock.kind for lock in listed if not (silent and lock.methods["acquire"].raises)}
    return tuple(sorted(one for one in found if waits in ("", words.effects.locks[_key(one)].waits)))


def _key(kind: str) -> tuple[str, str]:
    parts = kind.split(".")
    return parts[0], parts[-1]


def declared(words: Words, kinds: Collection[str]) -> Iterator[tuple[str, list[Part]]]:
    """How code spells a lock of these types, and what says so: that the same file makes it, or what a project knows."""
    made = [f"{kind}(...)" for kind in kinds]
    own = [
        f"class $CLASS(...):\n    ...\n    def $INIT(...):\n        ...\n        self.$L = {one}\n        ...\n    ..."
        for one in made
    ]
    shared = [f"class $CLASS(...):\n    ...\n    $L = {one}\n    ..." for one in made]
    alone = [f"$L = {one}\n..." for one in made]
    yield "self.$L", [inside(*own, *shared)]
    yield "cls.$L", [inside(*shared)]
    yield "$L", [inside(*alone)]
    yield from (("$L", place) for place in where(project.known(words, kinds)))


def where(conditions: Mapping[bool, Part]) -> Iterator[list[Part]]:
    """What a project knows, each condition with what it speaks of: where it does, the class around."""
    for in_class, condition in conditions.items():
        yield [*([inside("class $CLASS(...):\n    ...")] if in_class else []), condition]


def holds(lock: str) -> list[str]:
    """Blocks `$...BODY` that run with the lock held: as functions, where it is a decorator that holds it."""
    if lock.startswith("@"):
        return [f"{lock}\n{kind}def $DECORATED(...):\n    $...BODY" for kind in ("", "async ")]
    takes = (f"{lock}.acquire()", f"await {lock}.acquire()")
    guarded = [f"{take}\ntry:\n    $...BODY\nfinally:\n    ..." for take in takes]
    return [f"with {lock}:\n    $...BODY", f"with {lock} as $AS:\n    $...BODY", *guarded]


def bare(lock: str) -> list[str]:
    """What follows an acquisition in its block."""
    if lock.startswith("@"):
        return []
    return [f"{take}\n$...BODY" for take in (f"{lock}.acquire()", f"await {lock}.acquire()")]


def taken(lock: str) -> list[Part]:
    """The lock taken by `with`: told by its name in the head, since the whole statement would enclose a body too."""
    name = {"focus-metavariable": "$L"}
    return [both(f"with {lock}:\n    ...", name), both(f"with {lock} as $AGAIN:\n    ...", name)]


def during(lock: str, place: list[Part], events: Iterable[str | Part], *conditions: Part) -> Part:
    """An event while the lock is held: until it is released by name, and not in what is only defined there."""
    body = {"focus-metavariable": "$...BODY"}
    freed = [{"pattern-not-inside": f"{lock}.release()\n..."}]
    if lock.startswith("@"):
        return both(*place, either(both(hold, body) for hold in holds(lock)), either(events), *conditions)
    later = "    ...\n    def $LATER(...):\n        ...\n    ..."
    defined = [{"pattern-not-inside": f"with {lock}:\n{later}"}]
    ended = {"pattern-not-inside": f"try:\n    ...\nfinally:\n    ...\n    {lock}.release()\n    ...\n..."}
    events = list(events)
    blocks = both(either(both(hold, body) for hold in holds(lock)), either(events))
    after = both(either(both(hold, body) for hold in bare(lock)), either(events), ended)
    return both(*place, either([blocks, after]), *freed, *defined, *conditions)


def name_of(kinds: Iterable[str]) -> str:
    """A regular expression for the last names of types."""
    return one_of({kind.rpartition(".")[2] for kind in kinds})
