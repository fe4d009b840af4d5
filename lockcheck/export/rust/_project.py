"""A project's locks in semgrep's patterns: how they are spelled, what hands their guards out, which calls take them.

In: `Reached`, `Words`.  Out: `Way`s of a lock; `Table`s.
Never: which rule they are for.

A tree has hundreds of locks, so that there is no pattern for each: `$O.$F0.$A()` stands for all fields, and a table
(one `metavariable-comparison`) says which names belong together. Of its language only literals, `and`, `or`, `not`,
`==` and `re.match` are to be relied on; texts cannot be put together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from lockcheck.effects import Mode
from lockcheck.export.known import Names, Reached
from lockcheck.export.rust import _semgrep as sg
from lockcheck.export.words import Words, in_modes, one_of

MODES: tuple[Mode, ...] = ("exclusive", "write", "read", "upgradable")
LONGEST = 3
"""Locks further away than so many fields are left out: code seldom spells such a way."""
MOST = 200
"""Names in one regular expression: of some thousands semgrep 1.182 says that it is invalid."""

Row = Mapping[str, tuple[str, ...]]
"""By metavariable, the names that it may be."""


@dataclass(frozen=True, slots=True)
class Way:
    """A guard of a project's lock, and which names the pattern's metavariables then have."""

    held: sg.Held
    row: Row


def fields(one: Reached, length: int) -> tuple[str, Row]:
    """The first parts of the way as a pattern, from `$O` unless it begins at a static, and what they are called."""
    names = [f"$F{number}" for number in range(length)]
    row = {f"F{number}": (part,) for number, part in enumerate(one.way[:length])}
    return ".".join(names if one.static else ["$O", *names]), row


def spellings(words: Words, one: Reached) -> Iterator[tuple[str, Row]]:
    """The lock by its fields, and by the methods that return it in place of what is left of the way."""
    yield fields(one, len(one.way))
    for length in range(0 if one.static else len(one.way)):
        getters = {name for other in _alike(words, one, length) for name in other.getters}
        if getters:
            before, row = fields(one, length)
            yield f"{before}.$GET()", {**row, "GET": tuple(sorted(getters))}


def handed_out(words: Words, one: Reached, *modes: Mode) -> Iterator[Way]:
    """The guard (of one of the modes) given by methods and functions for which the lock is what is left of the way."""
    for length in range(0 if one.static else len(one.way) + 1):
        (before, row), alike = fields(one, length), _alike(words, one, length)
        givers, lenders = _all((o.givers for o in alike), modes), _all((o.lenders for o in alike), modes)
        if givers:
            yield Way(sg.Held(f"{before}.$A(...)", givers, arguments=True), {**row, "A": givers})
        if lenders:
            yield Way(sg.Held(f"$A(&{before})", lenders, arguments=True, function=True), {**row, "A": lenders})


def _alike(words: Words, one: Reached, length: int) -> list[Reached]:
    """The locks that the rest of the way may lead to, from what the first parts of it name."""
    rest = one.way[length:]
    found = [other for other in words.reached if other.way == rest and other.waits == one.waits]
    if rest and not length:  # fields are called alike in many types, and a method belongs to one
        found = [other for other in found if other.owner == one.owner]
    return found


def _all(some: Iterator[Names], modes: tuple[Mode, ...]) -> tuple[str, ...]:
    return tuple(sorted({one for names in some for one in in_modes(names, *(modes or MODES))}))


def near(words: Words) -> Iterator[Reached]:
    """The locks that are spoken of."""
    return (one for one in words.reached if len(one.way) <= LONGEST)


def takers(one: Reached) -> tuple[str, ...]:
    """All that come to take the lock."""
    return tuple(sorted({name for names in (one.methods, one.functions) for some in names.values() for name in some}))


def united(rows: Iterable[Row], name: str) -> list[Row]:
    """The rows with those made one that differ in the names of one metavariable only."""
    found: dict[tuple[tuple[str, tuple[str, ...]], ...], set[str]] = {}
    for row in rows:
        rest = tuple(sorted((key, names) for key, names in row.items() if key != name))
        found.setdefault(rest, set()).update(row.get(name, ()))
    return [{**dict(rest), **({name: tuple(sorted(names))} if names else {})} for rest, names in found.items()]


def table(rows: Sequence[Row]) -> sg.Part:
    """The condition that one of the rows holds."""
    return _comparison(_any(rows))


def unless(rows: Sequence[Row]) -> sg.Part:
    """The condition that none does."""
    return _comparison(f"not ({_any(rows)})")


def _comparison(text: str) -> sg.Part:
    return {"metavariable-comparison": {"comparison": text}}


def _any(rows: Sequence[Row]) -> str:
    return " or ".join(sorted({_row(part) for row in rows for part in _parts(row)}))


def _parts(row: Row) -> Iterator[Row]:
    """The row in several of which none has too many names for the regular expressions of semgrep."""
    long = next((key for key in sorted(row) if len(row[key]) > MOST), None)
    if long is None:
        yield row
        return
    for start in range(0, len(row[long]), MOST):
        yield from _parts({**row, long: row[long][start : start + MOST]})


def _row(row: Row) -> str:
    """Of the text of a metavariable what comes last counts: a function may be called by a path."""
    said = [rf're.match("(?s)^(.*[:. ])?({one_of(row[key])})$", str(${key}))' for key in sorted(row)]
    return f"({' and '.join(said)})"
