"""A project's locks in semgrep's patterns: how they are spelled, and which calls come to take them.

In: `Words`.  Out: conditions on the texts of `$CLASS`, `$L` and `$CALL`.
Never: which rule they are for.

There is no pattern for each lock: `$L` stands for all, and one comparison says what may be written there, in the
methods of which class, and which calls then take it. Of the language of comparisons only `and`, `or`, `re.match` are
to be relied on, and no backslashes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

from lockcheck.export.spelled import Name, Spelled
from lockcheck.export.words import Words, one_of

_Texts = Callable[[Spelled], Iterator[str]]

Row = tuple[str, str, tuple[str, ...]]
"""The class (empty where it does not matter), and regular expressions for the lock's text and the calls'."""
MOST = 200
"""Names in one regular expression: of a few thousand semgrep 1.182 says that it cannot be compiled."""


def known(words: Words, kinds: Collection[str]) -> dict[bool, dict[str, Any]]:
    """The condition that `$L` is a lock of these types; by whether it speaks of `$CLASS`."""
    return _conditions((one.owner, text, ()) for one, text in _texts(words, kinds, _spellings))


def taken(words: Words, kinds: Collection[str]) -> dict[bool, dict[str, Any]]:
    """The condition that `$CALL` comes to take the lock `$L`."""
    return _conditions(row for row in _rows(words, kinds, _spellings) if row[2])


def given(words: Words, kinds: Collection[str]) -> dict[bool, dict[str, Any]]:
    """The condition that `$CALL` comes to take the lock `$L` of the receiver that it is given."""
    rows = ((one.owner, text, _given(one)) for one, text in _texts(words, kinds, _spellings))
    return _conditions(row for row in rows if row[2])


def decorated(words: Words, kinds: Collection[str]) -> dict[bool, dict[str, Any]]:
    """The condition that `$CALL` comes to take the lock that the decorator `$L` holds around a function."""
    return _conditions(row for row in _rows(words, kinds, _decorators) if row[2])


def _rows(words: Words, kinds: Collection[str], texts: _Texts) -> Iterator[Row]:
    return ((one.owner, text, _calls(one)) for one, text in _texts(words, kinds, texts))


def _texts(words: Words, kinds: Collection[str], texts: _Texts) -> Iterator[tuple[Spelled, str]]:
    for one in words.spelled:
        if one.kind in kinds and (text := "|".join(texts(one))):
            yield one, text


def _spellings(one: Spelled) -> Iterator[str]:
    """How the lock is written, and what a block can be opened with instead."""
    if not one.static:
        yield f"self[.]{'[.]'.join(one.way)}"
    else:
        yield f"(.*[.])?{one.way[-2]}[.]{one.way[-1]}"
        yield from [one.way[-1]] if one.alone else []
        yield from [f"(self|cls)[.]{one.way[-1]}"] if one.owner else []
    yield from (f"{text}[(].*" for text in _functions(one, one.openers))


def _decorators(one: Spelled) -> Iterator[str]:
    yield from (f"{text}([(].*)?" for text in _functions(one, one.decorators))


def _calls(one: Spelled) -> tuple[str, ...]:
    return tuple(_functions(one, one.takers))


def _given(one: Spelled) -> tuple[str, ...]:
    """Functions and methods of whatever else, by their names alone: they are given the receiver."""
    return tuple(_any_of("(.*[.])?", {name for _, name, _ in one.given if name.isidentifier()}))


def _functions(one: Spelled, names: Iterable[Name]) -> Iterator[str]:
    """How functions are written: those of a type by its name or by a receiver, others alone or behind a module."""
    groups: dict[str, set[str]] = defaultdict(set)
    for owner, name, module in names:
        if name.isidentifier():
            groups[_before(one, owner, module)].add(name)
    for before in sorted(groups):
        yield from _any_of(before, groups[before])


def _any_of(before: str, names: Collection[str]) -> Iterator[str]:
    ordered = sorted(names)
    for start in range(0, len(ordered), MOST):
        yield f"{before}({one_of(ordered[start : start + MOST])})"


def _before(one: Spelled, owner: str, module: tuple[str, ...]) -> str:
    if not one.static:
        return "(self|super[(].*[)])[.]"
    if not owner:
        return f"((.*[.])?({one_of(set(module))})[.])?"
    return f"((.*[.])?{owner}|self|cls)[.]" if owner == one.owner else f"(.*[.])?{owner}[.]"


def _conditions(rows: Iterable[Row]) -> dict[bool, dict[str, Any]]:
    owners: dict[tuple[bool, str, tuple[str, ...]], set[str]] = defaultdict(set)
    for owner, lock, calls in rows:
        owners[bool(owner), lock, calls].add(owner)
    found: dict[bool, list[str]] = defaultdict(list)
    for (inside, lock, calls), names in sorted(owners.items()):
        parts = [_is("CLASS", one_of(names))] if inside else []
        parts += [_is("L", lock)] + ([f"({' or '.join(_is('CALL', one) for one in calls)})"] if calls else [])
        found[inside].append(f"({' and '.join(parts)})")
    return {inside: {"metavariable-comparison": {"comparison": " or ".join(said)}} for inside, said in found.items()}


def _is(name: str, pattern: str) -> str:
    return f're.match("(?s)^({pattern})$", str(${name}))'
