"""A project's locks in semgrep's patterns: how they are spelled, what hands their guards out, which calls take them.

In: `Reached`, `Words`.  Out: `Way`s of a lock; conditions that hold for the rows of a `Table`.
Never: which rule they are for.

A tree has hundreds of locks, and semgrep looks for each pattern of a rule in the whole file. So there is no pattern for
each lock, nor for each way to spell one: `$L.$A(...)` stands for all. A condition says how `$L` is spelled
(`metavariable-pattern`: what is bound in it must be what it is elsewhere, though only one inside the other sees it),
and comparisons which names belong together. Of their language only literals, `and`, `or`, `not`, `==` and `re.match`
are to be relied on; texts cannot be put together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from lockcheck.effects import Mode
from lockcheck.export.known import Names, Reached
from lockcheck.export.rust import _semgrep as sg
from lockcheck.export.words import Words, in_modes, one_of

MODES: tuple[Mode, ...] = ("exclusive", "write", "read", "upgradable")
LONGEST = 3
"""Locks further away than so many fields are left out: code seldom spells such a way."""
MOST = 200
"""Names in one regular expression of a comparison."""
LONG = 20_000
"""Characters in one regular expression: of some thousands of names semgrep 1.182 says that it is invalid."""

Row = Mapping[str, tuple[str, ...]]
"""By metavariable, the names that it may be."""


Table = dict[str, dict[str, list[Row]]]
"""Rows by how the lock is spelled, and then by how that is spelled which goes with it ("" where nothing does)."""

TAKEN = sg.Held("$L.$A(...)", (), arguments=True)
LENT = sg.Held("$A(&$L)", (), arguments=True, function=True)
"""A guard that a method or a function gives; `$L` is told by the table."""


class Way(Struct, frozen=True):
    """A guard of a project's lock, how its `$L` is spelled, and which names the metavariables then have."""

    held: sg.Held
    lock: str
    row: Row


class Then(Struct, frozen=True):
    """What then waits for a lock: a pattern with `$B` in it, how its `$K` is spelled, if it has one, and the names."""

    pattern: str
    place: str
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
            yield Way(TAKEN, before, {**row, "A": givers})
        if lenders:
            yield Way(LENT, before, {**row, "A": lenders})


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


def named(table: Table, key: str) -> tuple[str, ...]:
    """All that a metavariable is called in a table."""
    return _named((row for places in table.values() for rows in places.values() for row in rows), key)


def _named(rows: Iterable[Row], key: str) -> tuple[str, ...]:
    return tuple(sorted({name for row in rows for name in row.get(key, ())}))


def only(table: Table, key: str, name: str) -> Table:
    """The rows in which a metavariable has that name, without it."""
    found: Table = {}
    for lock, places in table.items():
        for place, rows in places.items():
            kept = (row for row in rows if name in row.get(key, ()))
            rest: list[Row] = [{other: names for other, names in row.items() if other != key} for row in kept]
            if rest:
                found.setdefault(lock, {})[place] = rest
    return found


def one_of_many(key: str, names: tuple[str, ...]) -> sg.Part:
    """A metavariable for what is called is one of many names."""
    return sg.called(key, names) if len(one_of(names)) < LONG else _comparison(_any([{key: names}]))


def related(table: Table) -> sg.Part:
    """`$L` is spelled as one of the locks, `$K` as what goes with it, and the names are those of a row."""
    return _spelled("L", ((lock, _beside(places)) for lock, places in table.items()))


def _beside(places: Mapping[str, list[Row]]) -> Iterator[sg.Part]:
    """Cheap conditions first: a comparison is worked out to its end, and compiles its texts for each match."""
    every = [row for rows in places.values() for row in rows]
    fields = set.intersection(*(set(row) for row in every))
    yield from (one_of_many(key, _named(every, key)) for key in sorted(fields - {"A", "B"}))
    kept = {place: _comparison(_any(united(rows, "B"))) for place, rows in places.items()}
    if "" in kept:
        yield kept.pop("")
    if kept:
        yield _spelled("K", ((place, [condition]) for place, condition in kept.items()))


def _spelled(name: str, choices: Iterable[tuple[str, Iterable[sg.Part]]]) -> sg.Part:
    """A metavariable is one of the patterns, with conditions. What is bound outside stays what it is.

    A pattern alone would also match a part of it (`self.a` in `self.a.b`), so that all its text must be inside.
    """
    whole = {"pattern-regex": r"(?s)\A.+\Z"}
    found = [sg.both({"pattern-inside": pattern}, whole, *conditions) for pattern, conditions in choices]
    return {"metavariable-pattern": {"metavariable": f"${name}", **sg.either(found)}}


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
