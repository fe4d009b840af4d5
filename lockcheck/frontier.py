"""Where to look: the functions whose bytes say that they may hold a lock.

In: the declarations, the languages' tables, the sources.  Out: `Frontier.functions`, all that need to be walked for
their own sake; what they call is found by its name as it is needed.
Never: parses, lowers or links a function. What is not in here cannot hold a guard: the findings are the same as
those of looking everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache, cached_property, partial
from itertools import chain
from typing import TYPE_CHECKING, TypeAlias

import msgspec
from msgspec import structs

from lockcheck import ir
from lockcheck.bystanders import Bystanders, bits, whose
from lockcheck.frontends import Finder, finder, macros_calling, macros_deciding, macros_of, macros_with
from lockcheck.source import Source

if TYPE_CHECKING:
    from lockcheck.effects import Effects
    from lockcheck.linker import Program

_FAMILIES = (("map", b"Dash"), ("watch", b"watch"))
"""Locks whose methods many other types have: their names count only in crates whose files have this word."""


_GUARD = "Guard"
"""Part of the names of guards' types: a function that has it in its head is looked at."""

_WORD = re.compile(rb"[\w\x80-\xff]+")
_CONSTANT = re.compile(rb"\b_*[A-Z][A-Z0-9_]*\b|[^\x00-\x7f]")
"""What may be a constant's name: one in capitals, or one that has other letters than those of English."""


def families_in(data: bytes) -> tuple[str, ...]:
    """The families of locks whose methods many other types have, and that a file has a word of."""
    return tuple(family for family, mark in _FAMILIES if mark in data)


class Told(msgspec.Struct, frozen=True, array_like=True):
    """What declarations say of where to look.

    `openers` are, by language, the words of functions that give a guard, and of what a block is opened with to take
    one; `taking` the macros whose expansion takes a lock, by language and families; `followed` those that call a
    function of the tree, leave or ask.
    """

    openers: dict[str, ir.Words]
    taking: dict[tuple[str, tuple[str, ...]], frozenset[str]]
    followed: frozenset[str]


Remember: TypeAlias = Callable[[Callable[[], Told]], Told]
"""Gives what a function makes of the declarations alone, perhaps without calling it."""


class Frontier:
    """The words of locks of one tree, and where they are."""

    def __init__(
        self,
        program: Program,
        tables: Mapping[str, Effects],
        sources: Mapping[str, Source],
        calls: Iterable[str],
        remember: Remember | None = None,
        families: Mapping[str, tuple[str, ...]] | None = None,
    ) -> None:
        """`sources` by path; `calls` are further names whose callers must be looked at.

        `families` are those of each file (see `families_in`), by path, where somebody knows them.
        """
        from lockcheck.linker.objects.constructions import called_by_class

        self._program, self._tables = program, tables
        self._sources = sources
        self._calls = frozenset(calls)
        self._found: set[int] = set()
        self._lent: set[int] = set()
        self._searched = False
        self._classes = called_by_class(program.types)
        self._paths: Collection[str] | None = None
        self._settled: frozenset[str] = frozenset()
        self.macros: dict[str, tuple[ir.Macro, ...]] = {}
        """The tree's macros whose expansion takes a lock, calls what may (by its name), leaves or asks."""
        self._called: dict[tuple[str, frozenset[str]], Finder] = {}
        self._sought: set[tuple[str, str]] = set()
        self._pairs: set[tuple[str, str]] = set()
        self._openings: set[int] = set()
        self._said: dict[tuple[str, ir.Words], Finder] = {}
        self._in_file = families if families is not None else {one: families_in(sources[one].data) for one in sources}
        self.families = self._families(program.units)
        """Of each crate, the families of locks whose methods count in it."""
        macros = macros_of(program.units)
        tell = partial(self._tell, macros, [name for name, table in tables.items() if not table.objects])
        by_text = self._tell({}, [name for name, table in tables.items() if table.objects])
        self._told = _together(remember(tell) if remember is not None else tell(), by_text)
        openers = sorted(self._told.openers.items())
        self.openers = repr([(name, *map(sorted, structs.astuple(words))) for name, words in openers])
        """By language, the words of functions that give a guard, and of what a block is opened with to take one."""
        self.macros.update((name, macros[name]) for name in self._told.followed.union(*self._told.taking.values()))
        self._finders: dict[tuple[str, tuple[str, ...], tuple[str, ...]], Finder] = {}

    def _tell(self, macros: ir.Macros, languages: Collection[str]) -> Told:
        """What is to be known before anybody looks at functions of some languages.

        Where types are not declared, texts say what opens a block: that changes with them.
        """
        openers = {name: self._program.guard_givers(name, self._tables[name], self._says) for name in languages}
        taking: dict[tuple[str, tuple[str, ...]], frozenset[str]] = {}
        for unit in self._program.units:
            key = (unit.language, self.families[unit.crate])
            if unit.language in openers and key not in taking:
                taking[key] = macros_with(macros, finder(unit.language, self._words(*key, openers[unit.language])))
        followed = macros_calling(macros, self._own_names()) | macros_deciding(macros) if macros else frozenset[str]()
        return Told(openers, taking, followed)

    def _words(self, language: str, families: tuple[str, ...], openers: ir.Words) -> ir.Words:
        """What takes a lock in a language, where some families count."""
        return _joined(self._tables[language].words(frozenset(families)), openers, self._calls)

    def _finder(self, unit: ir.Unit, families: tuple[str, ...] | None = None) -> Finder:
        """What finds a lock being taken in a file; of the families only these count, or those of its crate."""
        whole = self.families[unit.crate]
        key = (unit.language, whole, whole if families is None else families)
        if key not in self._finders:
            words = self._words(unit.language, key[2], self._told.openers[unit.language])
            macros = ir.Words(macros=self._told.taking[unit.language, whole])
            self._finders[key] = finder(unit.language, _joined(words, macros))
        return self._finders[key]

    def _says(self, number: int, words: ir.Words) -> bool:
        """Whether one of the words stands in a function's bytes."""
        unit, function = self._program.functions[number]
        self._openings.add(number)
        if (unit.language, words) not in self._said:
            self._said[unit.language, words] = finder(unit.language, words)
        body = function.body_at
        found = self._said[unit.language, words]
        return body is not None and found.finds(self._sources[unit.path].data, *body)

    def takes(self, number: int) -> bool:
        """Whether a lock is taken in a function's bytes; one of a family only where its own file has the word."""
        unit, function = self._program.functions[number]
        data, body = self._sources[unit.path].data, function.body_at
        return body is not None and self._finder(unit, self._in_file[unit.path]).finds(data, *body)

    def _own_names(self) -> frozenset[bytes]:
        """The names of the tree's functions, without those that say nothing."""
        functions = (function for _, function in self._program.functions if function.body_at is not None)
        common = frozenset[str]().union(*(table.common for table in self._program.types.tables))
        return frozenset(function.name.encode() for function in functions if function.name not in common)

    def _families(self, units: Iterable[ir.Unit]) -> dict[str, tuple[str, ...]]:
        """The families of `_FAMILIES` that each crate may use."""
        found: dict[str, set[str]] = {}
        for unit in units:
            used = found.setdefault(unit.crate, set())
            used.update(self._in_file[unit.path])
        return {crate: tuple(sorted(used)) for crate, used in found.items()}

    def since(self, paths: Collection[str], functions: Collection[int], lenders: Collection[int]) -> None:
        """Look only into the files in `paths`: in all others a run found these functions, with these `lenders`."""
        self._paths, self._settled = frozenset(paths), self._names(lenders)
        self._found.update(n for n in functions if self._program.functions[n][0].path not in self._paths)

    def functions(self, lenders: Collection[int]) -> list[int]:
        """The numbers of the functions that may hold a guard, ascending.

        `lenders` are functions that are known to run what they are given under a guard of theirs (whoever calls one
        holds that guard in the closure), or to leave a lock taken. Asked again with more of them, more is found.
        """
        if not self._searched:
            self._searched = True
            self._found.update(self._numbers(self._finder, self._paths, alone=True))
        if not self._lent.issuperset(lenders):
            names = self._names(lenders) - self._names(self._lent)
            self._lent.update(lenders)
            for some, paths in ((names & self._settled, self._paths), (names - self._settled, None)):
                if some:
                    self._found.update(self._numbers(self._everywhere(ir.Words(lenders=some)), paths))
        return sorted(self._found)

    def may_call(self, number: int, names: frozenset[str], constants: bool = False) -> bool:
        """Whether a function's bytes say that it may call something of these names.

        `constants`: and that it may speak of a constant.
        """
        unit, function = self._program.functions[number]
        data, body = self._sources[unit.path].data, function.body_at
        if body is None or not self._calls_of(unit.language, names).finds(data, *body):
            return False
        return not constants or _CONSTANT.search(data, *body) is not None

    def calling(
        self, names: Callable[[Effects], frozenset[str]], constants: bool = False, settled: bool = False
    ) -> list[int]:
        """The numbers of the functions whose bytes say that they may call something of some names, ascending.

        `names` gives them for the table of a language. `constants`: and speak of a constant. `settled`: only those in
        files that are not as an earlier run found them.
        """
        wanted = {language: names(table) for language, table in self._tables.items()}
        self._sought.update((language, name) for language, some in wanted.items() for name in some)
        marks = {language: self._calls_of(language, some).marks for language, some in wanted.items()}
        with_any = {
            unit.path
            for unit in self._program.units
            if (not settled or self._paths is None or unit.path in self._paths)
            and any(mark in self._sources[unit.path].data for mark in marks[unit.language])
        }
        functions = enumerate(self._program.functions)
        near = ((n, wanted[unit.language]) for n, (unit, _) in functions if unit.path in with_any)
        return [n for n, some in near if self.may_call(n, some, constants)]

    def _calls_of(self, language: str, names: frozenset[str]) -> Finder:
        """What finds calls of something of these names."""
        if (language, names) not in self._called:
            self._called[language, names] = finder(language, ir.Words(any=names, functions=names))
        return self._called[language, names]

    def naming(self, name: str) -> frozenset[int] | None:
        """The functions in whose text a name stands; None where a macro or an import may stand for it.

        In a language of objects an attribute may be another one's name, which no text says: None there too.
        """
        spelled = name.encode()
        if name in self._renamed or spelled in self._in_macros:
            return None
        word = re.compile(rb"\b" + re.escape(spelled) + rb"\b")
        saying = [unit for unit in self._program.units if spelled in self._sources[unit.path].data]
        if any(self._tables[unit.language].objects for unit in saying):
            return None
        texts = ((self._sources[path].data, self._places[path]) for path in {unit.path: None for unit in saying})
        return frozenset(number for data, places in texts for number, at in places if word.search(data, *at))

    @cached_property
    def _places(self) -> Mapping[str, Sequence[tuple[int, ir.Range]]]:
        """The numbers of each file's functions and where they stand."""
        found: dict[str, list[tuple[int, ir.Range]]] = {unit.path: [] for unit in self._program.units}
        for number, (unit, function) in enumerate(self._program.functions):
            found[unit.path].append((number, function.at))
        return found

    @cached_property
    def _renamed(self) -> frozenset[str]:
        """What has another name somewhere, and these names."""
        imports = (line for unit in self._program.units for line in unit.imports if line.target)
        return frozenset(
            name for line in imports if line.target[-1] != line.name for name in (line.target[-1], line.name)
        )

    @cached_property
    def _in_macros(self) -> frozenset[bytes]:
        """The words of what macros give."""
        macros = (macro for unit in self._program.units for macro in unit.macros)
        return frozenset(word for macro in macros for arm in macro.arms for word in _WORD.findall(arm.gives))

    def speaking(self, pairs: Collection[tuple[str, str]]) -> list[int]:
        """The numbers of the functions whose bytes, or own type, speak of both types of a pair, ascending."""
        self._pairs.update(pairs)
        spelled = {name: name.encode() for pair in pairs for name in pair}
        near: dict[str, list[tuple[str, str]]] = {}
        for path, source in self._sources.items():
            says = cache(lambda name, data=source.data: spelled[name] in data)
            near[path] = [(one, other) for one, other in pairs if says(one) and says(other)]
        found = []
        for number, (unit, function) in enumerate(self._program.functions):
            if function.body_at is not None and near[unit.path]:
                text = self._sources[unit.path].data[slice(*function.at)]
                own = function.owner.path[-1] if function.owner is not None else ""
                if any(all(name == own or spelled[name] in text for name in pair) for pair in near[unit.path]):
                    found.append(number)
        return found

    def sought(self) -> Collection[tuple[str, str]]:
        """By language the names whose callers were looked for since this was last asked."""
        found, self._sought = self._sought, set()
        return found

    def bystanders(
        self,
        seen: Iterable[int],
        called: Mapping[int, bytes],
        lenders: Collection[int],
        sought: Collection[tuple[str, str]],
        names: frozenset[str],
    ) -> Bystanders:
        """The functions that a run had no reason to look at, and all that would have been one.

        `seen` are those that it looked at, `called` those of which it looked at words of calls, `lenders` those whose
        callers were looked for, as were those of the names `sought` (by language), and whoever says one of `names`.
        """
        languages = {language for language, _ in sought}
        calls = {one: frozenset(name for language, name in sought if language == one) for one in languages}
        crates: dict[str, int] = {}
        words: list[ir.Words] = []
        for unit in {whose(unit): unit for unit in self._program.units}.values():
            families = self.families[unit.crate]
            own = self._words(unit.language, families, self._told.openers[unit.language])
            macros = ir.Words(macros=self._told.taking[unit.language, families])
            looked_for = _joined(own, macros, calls.get(unit.language, frozenset()))
            looked_for = structs.replace(looked_for, lenders=self._names(lenders), spoken=names)
            words += [looked_for] if looked_for not in words else []
            crates[whose(unit)] = words.index(looked_for)
        looked_at = bits(chain(seen, self._openings), len(self._program.functions))
        making = sorted(self._program.channel_words())
        return Bystanders(looked_at, crates, words, [_GUARD], making, sorted(self._pairs), called)

    def _names(self, numbers: Collection[int]) -> frozenset[str]:
        """What functions are called by: a type's own functions, where they are no methods, by a path only."""
        functions = (self._program.functions[number] for number in numbers)
        classes = (name for number in numbers for name in self._classes.get(number, ()))
        return frozenset(classes).union(
            f"::{one.name}"
            if one.owner is not None and not one.takes_self and not self._tables[unit.language].objects
            else one.name
            for unit, one in functions
        )

    def _everywhere(self, words: ir.Words) -> Callable[[ir.Unit], Finder]:
        """What finds these words in each file."""
        made = {language: finder(language, words) for language in {unit.language for unit in self._program.units}}
        return lambda unit: made[unit.language]

    def _numbers(
        self, finders: Callable[[ir.Unit], Finder], paths: Collection[str] | None, alone: bool = False
    ) -> Iterator[int]:
        """The functions in whose bodies the file's finder finds something; `alone`: and those that need no word."""
        for number, (unit, function) in enumerate(self._program.functions):
            if function.body_at is None or number in self._found or (paths is not None and unit.path not in paths):
                continue
            data = self._sources[unit.path].data
            unnamed = bool(function.made_once or function.hook or self._program.wrapper_of(number))
            unnamed = unnamed or data.find(_GUARD.encode(), function.at[0], function.body_at[0]) >= 0
            if (alone and unnamed) or finders(unit).finds(data, *function.body_at):
                yield number


def _together(told: Told, others: Told) -> Told:
    """What is told of some languages, and of others."""
    return Told(told.openers | others.openers, told.taking | others.taking, told.followed | others.followed)


def _joined(words: ir.Words, others: ir.Words, calls: frozenset[str] = frozenset()) -> ir.Words:
    """Both together; a method that takes arguments somewhere may do so everywhere."""
    whatever = words.any | others.any | calls
    functions, paths = words.functions | others.functions | calls, words.paths | others.paths
    macros, made = words.macros | others.macros, words.made | others.made
    return ir.Words((words.alone | others.alone) - whatever, whatever, functions, paths, macros=macros, made=made)
