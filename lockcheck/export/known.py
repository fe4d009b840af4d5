"""What only the analysis of a whole project knows, in the terms that patterns need: names and the fields they reach.

In: an `Analysis`.  Out: `Known`.
Never: syntax, a tool's way of writing patterns.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from msgspec import Struct, field

from lockcheck import ir
from lockcheck.analysis import Analysis
from lockcheck.export.spelled import Spelled, spelled

PLAIN = frozenset({"mutex", "rwlock"})
"""The families whose methods say by their names alone that a lock is taken: a map's `get` says nothing."""

Key = tuple[str, str, tuple[str, ...], bool, str]
Names = Mapping[str, frozenset[str]]
"""Names of functions by the mode in which they take a lock; a read that passes waiting writers is `recursive`."""


class Reached(Struct, frozen=True):
    """A lock as the functions see it that come to take it, through any number of calls.

    `language` is theirs. `owner` is the type that they belong to, empty for those that belong to none. `way` are the
    fields that lead to the lock, from the receiver for `methods`, from an argument for `functions`; for a static it is
    its name alone, and `static` is true. It `waits` as a "thread" or a "task". `givers` are methods that hand the guard
    out, `lenders` functions that do, `getters` methods without arguments that return the lock itself. The way of
    methods on the lock itself is empty.
    """

    language: str
    owner: str
    way: tuple[str, ...]
    static: bool
    waits: str
    methods: Names
    functions: Names
    givers: Names
    lenders: Names
    getters: frozenset[str] = frozenset()


class Known(Struct, frozen=True):
    """What is known of a project; empty where nobody asked.

    `fields`: by language, the last names of the fields and statics that are locks, and how each waits ("thread" or
    "task"), and `methods` those by which they are taken. `takers`: by language, the names of functions that take any
    lock, unless they say nothing.
    """

    reached: tuple[Reached, ...] = ()
    fields: Mapping[str, Mapping[str, frozenset[str]]] = field(default_factory=dict)
    methods: Mapping[str, frozenset[str]] = field(default_factory=dict)
    takers: Mapping[str, frozenset[str]] = field(default_factory=dict)
    spelled: tuple[Spelled, ...] = ()


NOTHING = Known()


def known(analysis: Analysis) -> Known:
    """All of it, of plain locks; not of calls that are resolved by names alone or mean one of several functions."""
    books: dict[Key, _Book] = defaultdict(_Book)
    takers: dict[str, set[str]] = defaultdict(set)
    for number, (unit, function) in enumerate(analysis.program.functions):
        summary = analysis.summary(number)
        common = analysis.effects(number).common
        for reach in summary.reaches:
            if not reach.certain or reach.spread or reach.lock.family not in PLAIN:
                continue
            if function.name not in common:
                takers[unit.language].add(function.name)
            mode = "recursive" if reach.recursive else reach.mode
            for key, kind in _key(analysis, number, reach.lock):
                getattr(books[key], kind)[mode].add(function.name)
        for path, taken, _ in summary.returns:
            for key, kind in _key(analysis, number, taken.lock) if not path and taken.lock.family in PLAIN else ():
                book = books[key]
                (book.givers if kind == "methods" else book.lenders)[taken.mode].add(function.name)
    getters = _getters(analysis)
    found = tuple(Reached(*key, *books[key].names(), frozenset(getters[key[:3]])) for key in sorted(books))
    names = {language: frozenset(names) for language, names in takers.items()}
    return Known(found, *_taken(analysis), names, spelled(analysis))


class _Book(Struct):
    """The functions of one lock while they are collected."""

    methods: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    functions: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    givers: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    lenders: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def names(self) -> tuple[Names, Names, Names, Names]:
        """All of them, frozen."""
        return _frozen(self.methods), _frozen(self.functions), _frozen(self.givers), _frozen(self.lenders)


def _frozen(names: Mapping[str, set[str]]) -> Names:
    return {mode: frozenset(names[mode]) for mode in sorted(names)}


def _key(analysis: Analysis, number: int, lock: ir.Lock) -> Iterator[tuple[Key, str]]:
    """Under which lock the function is entered, and as what. Nothing where the way is no plain fields."""
    unit, function = analysis.program.functions[number]
    way = tuple(part for part in lock.place.way if part not in ("*", "&"))
    if not all(part.isidentifier() or part.isdigit() for part in way):
        return
    root = lock.place.root
    owner = function.owner.path[-1] if function.owner is not None else ""
    if isinstance(root, tuple):
        if not root[0].startswith("["):
            yield (unit.language, "", (root[-1], *way), True, lock.waits), "functions"
    elif root < len(function.params):
        if function.takes_self and root == 0:
            yield (unit.language, owner, way, False, lock.waits), "methods"
        else:
            kind = function.params[root].type
            name = kind.path[-1] if kind is not None and way else ""
            yield (unit.language, name, way, False, lock.waits), "functions"


def _getters(analysis: Analysis) -> dict[tuple[str, str, tuple[str, ...]], set[str]]:
    """By language, owner and way, the methods whose result is the lock there, by their declared types."""
    found: dict[tuple[str, str, tuple[str, ...]], set[str]] = defaultdict(set)
    for number, (unit, function) in enumerate(analysis.program.functions):
        if function.owner is None or not function.takes_self or len(function.params) != 1:
            continue
        kinds = {kind for _, kind in analysis.effects(number).locks}
        place = analysis.program.result_place(number) if kinds & _names(function.returns) else None
        if place is not None and place.root == 0:
            way = tuple(part for part in place.way if part not in ("*", "&"))
            found[unit.language, function.owner.path[-1], way].add(function.name)
    return found


def _names(kind: ir.Type | None) -> set[str]:
    """The last names of a type and of its arguments."""
    return set() if kind is None else {kind.path[-1], *(name for part in kind.args for name in _names(part))}


def _taken(analysis: Analysis) -> tuple[dict[str, dict[str, frozenset[str]]], dict[str, frozenset[str]]]:
    """The last names of locks that are taken anywhere and are known to be locks, and the methods that take them."""
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    methods: dict[str, set[str]] = defaultdict(set)
    for moment in analysis:
        event = moment.event
        if isinstance(event, ir.Acquire) and event.lock.evidence != "named" and event.lock.family in PLAIN:
            place, language = event.lock.place, analysis.program.functions[moment.function][0].language
            methods[language].add(event.name)
            last = place.way[-1:] or (place.root[-1:] if isinstance(place.root, tuple) else ())
            for name in last:
                found[language][event.lock.waits].add(name)
    fields = {
        language: {waits: frozenset(names) for waits, names in kinds.items()} for language, kinds in found.items()
    }
    return fields, {language: frozenset(names) for language, names in methods.items()}
