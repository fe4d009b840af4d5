"""How a project's code spells its locks, and who comes to take each, for patterns in a language without types.

In: an `Analysis`.  Out: `Spelled`.
Never: syntax, a tool's way of writing patterns.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from msgspec import Struct

from lockcheck import ir
from lockcheck.analysis import Analysis

Name = tuple[str, str, ir.Path]
"""A function: the type that it is a method of (empty where it is of none), what it is called, the module it is in."""
Where = tuple[str, ir.Path]
"""A lock wherever it is spelled: its owner and the way to it from a receiver, or nothing and the path of a static."""


class Spelled(Struct, frozen=True):
    """A lock as the functions of one type (or those of none) spell it.

    `language` is theirs, `owner` the type. `way` are the fields from the receiver to the lock; of a static the type or
    module that it stands in and its name, and `static` is true; `alone` says that it stands in a module. `kind` is
    the lock's type, with dots. `takers` come to take the lock, through any number of calls: for a lock behind the
    receiver they are called on the same, or are among `given` and get it as an argument. A block that is opened with
    one of `openers` runs with the lock held, and so does a function that one of `decorators` is put round.
    """

    language: str
    owner: str
    way: ir.Path
    static: bool
    alone: bool
    kind: str
    takers: frozenset[Name] = frozenset()
    given: frozenset[Name] = frozenset()
    openers: frozenset[Name] = frozenset()
    decorators: frozenset[Name] = frozenset()


def spelled(analysis: Analysis) -> tuple[Spelled, ...]:
    """Every lock that is known to be one, as often as it is spelled in another way."""
    seen, openers, decorators = _seen(analysis)
    takers, given = _takers(analysis)
    modules = {function.module for _, function in analysis.program.functions}
    lineages = _lineages(analysis)
    found = []
    for language, owner, where, kind in sorted(seen):
        static = not where[0]
        sets = [frozenset(one.get((language, where), ())) for one in (takers, given, openers, decorators)]
        if not static:
            sets[0] = _called(owner, sets[0], lineages)
        way = where[1][-2:] if static else where[1]
        found.append(Spelled(language, owner[-1] if owner else "", way, static, where[1][:-1] in modules, kind, *sets))
    return tuple(found)


_Lineages = dict[ir.Path, tuple[tuple[ir.Path, ...], frozenset[str]]]
"""By class, those above it, the nearest first, and the methods that it has itself."""


def _lineages(analysis: Analysis) -> _Lineages:
    methods: dict[ir.Path, set[str]] = defaultdict(set)
    first: dict[ir.Path, int] = {}
    for number, (_, function) in enumerate(analysis.program.functions):
        if function.owner is not None:
            methods[_owner(function)].add(function.name)
            first.setdefault(_owner(function), number)
    return {owner: (analysis.bases(number, owner), frozenset(methods[owner])) for owner, number in first.items()}


def _called(owner: ir.Path, takers: frozenset[Name], lineages: _Lineages) -> frozenset[Name]:
    """Those that a call on an object of the class can mean: what it has itself or inherits, and what overrides that."""
    own = (owner, *lineages[owner][0]) if owner in lineages else ()
    found = set()
    for of, name, module in takers:
        meant = next((one for one in own if one in lineages and name in lineages[one][1]), None)
        path = (*module, of)
        if path == meant or path not in lineages or owner in lineages[path][0]:
            found.add((of, name, module))
    return frozenset(found)


_Names = dict[tuple[str, Where], set[Name]]


def _seen(analysis: Analysis) -> tuple[set[tuple[str, ir.Path, Where, str]], _Names, _Names]:
    """The locks that are taken, by language and type of the function; what opens blocks under them, and decorators."""
    seen: set[tuple[str, ir.Path, Where, str]] = set()
    openers: _Names = defaultdict(set)
    decorators: _Names = defaultdict(set)
    for moment in analysis:
        unit, function = analysis.program.functions[moment.function]
        if isinstance(moment.event, ir.Acquire) and moment.event.lock.evidence != "named":
            lock = moment.event.lock
            for where in _where(function, lock):
                seen.add((unit.language, _owner(function), where, lock.kind))
        elif isinstance(moment.event, ir.Yield) and analysis.runs_around(moment.function):
            owner, name, module = _name(function)
            book = decorators if name.endswith("()") else openers
            for hold, sure in moment.held():
                for where in _where(function, hold.taken.lock) if sure else ():
                    book[unit.language, where].add((owner, name.removesuffix("()"), module))
    return seen, openers, decorators


def _takers(analysis: Analysis) -> tuple[_Names, _Names]:
    """Who takes each lock for certain, whoever calls; not who gives it back first. The second behind an argument."""
    found: _Names = defaultdict(set)
    given: _Names = defaultdict(set)
    for number, (unit, function) in enumerate(analysis.program.functions):
        if analysis.runs_around(number):
            continue
        for reach in analysis.summary(number).reaches:
            if reach.certain and not reach.spread and not reach.freed:
                name = _name(function, analysis.effects(number).maker)
                for where in _where(function, reach.lock):
                    found[unit.language, where].add(name)
                for where in _behind_argument(function, reach.lock):
                    given[unit.language, where].add(name)
    return found, given


def _owner(function: ir.Function) -> ir.Path:
    """The type that a function is a method of, in full; nothing for others."""
    return (*function.module, function.owner.path[-1]) if function.owner is not None else ()


def _name(function: ir.Function, maker: str = "") -> Name:
    """What makes an object is called by the type's name."""
    owner = function.owner.path[-1] if function.owner is not None else ""
    return ("", owner, function.module) if owner and function.name == maker else (owner, function.name, function.module)


def _where(function: ir.Function, lock: ir.Lock) -> Iterator[Where]:
    """The lock behind the function's receiver, or a static; nothing for any other."""
    root, way = lock.place.root, _fields(lock)
    if isinstance(root, tuple):
        if not root[0].startswith("[") and len(root) > 1 and not lock.place.way:
            yield "", root
    elif root == 0 and function.takes_self and way:
        yield lock.owner, way


def _behind_argument(function: ir.Function, lock: ir.Lock) -> Iterator[Where]:
    """The lock behind an argument that the function gets."""
    root, way = lock.place.root, _fields(lock)
    if isinstance(root, int) and function.takes_self <= root < len(function.params) and way:
        yield lock.owner, way


def _fields(lock: ir.Lock) -> ir.Path:
    """The fields that lead to the lock; nothing where the way is none of fields alone, or whose it is nobody knows."""
    way = tuple(part for part in lock.place.way if part not in ("*", "&"))
    return way if lock.owner and all(part.isidentifier() for part in way) else ()
