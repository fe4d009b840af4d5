"""The sources under one analysis: declared at once, lowered function by function when somebody asks.

In: sources, crates, settings.  Out: `Tree`, whose `analysis` rules read.
Never: opens a file, chooses rules, judges a finding.
"""

from __future__ import annotations

import hashlib
import posixpath
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from itertools import accumulate

from msgspec.structs import replace

from lockcheck import advisories, effects, ir, suppress
from lockcheck.analysis import Analysis
from lockcheck.analysis.asked import Asked
from lockcheck.config import Settings
from lockcheck.finding import Problem
from lockcheck.frontends import SUFFIXES, lower
from lockcheck.frontier import Frontier, Told
from lockcheck.linker import Locking, Program, crate_aliases
from lockcheck.linker.judged import names_function
from lockcheck.recall import Entry, Kept, digest_of, entry
from lockcheck.source import Crate, LockFile, Position, Source, UnreadableError, home
from lockcheck.units import declared
from lockcheck.unsaid import Texts, Unsaid, locking

_IMPORTS_FROM_SCOPE = 2018
"""The edition from which on an import's path begins in the scope where it stands; before, at the crate's root."""


class Tree:
    """The sources under one analysis: declared at once, lowered function by function when somebody asks."""

    def __init__(
        self,
        sources: Sequence[Source],
        crates: Sequence[Crate],
        settings: Settings,
        locked: Sequence[LockFile] = (),
        words: Collection[str] = (),
        declare: Callable[[Sequence[Source], Mapping[str, Crate | None]], Sequence[ir.Unit]] = declared,
        contents: Mapping[str, bytes] | None = None,
        before: Mapping[str, Entry] | None = None,
        kept: Kept | None = None,
    ) -> None:
        """Declares every source by means of `declare`. Never raises for what is in them.

        `contents` are digests of the sources' bytes, by path, `before` what was kept of files by a run with the same
        crates; `kept` has what followed from their declarations.
        `locked` says which versions of packages are in use; functions that call one of `words` are looked at too.
        """
        self.homes = _homes_of(sources, crates)
        self._asked = asked(settings, locked)
        self._contents, self._before = contents or {}, before or {}
        self.problems: list[Problem] = []
        self._sources = {source.path: source for source in sources}
        self._editions = {
            path: int(settings.edition or (crate.edition if crate else "2021")) for path, crate in self.homes.items()
        }
        options = frozenset(["refcell"] if settings.refcell else [])
        units = declare(sources, self.homes)
        for unit in units:
            self.problems += [Problem(unit.path, line, why) for line, why in unit.problems]
        self._macros: dict[str, tuple[ir.Macro, ...]] = {}
        self._implying: frozenset[str] = frozenset()
        languages = {unit.language for unit in units} or set(SUFFIXES.values())
        own = effects.Own(frozenset(settings.guard_types), settings.blocking_deny, settings.blocking_allow)
        tables = {name: effects.load(name, options, own) for name in sorted(languages)}
        rooted = {unit.crate for unit in units if 0 < self._editions[unit.path] < _IMPORTS_FROM_SCOPE}
        self.program = Program(units, self._body, tables, crate_aliases(_names_of_crates(crates)), self._has, rooted)
        self.tables = tables
        self._asked = replace(
            self._asked,
            data_plane=tuple(self._entries("data-plane", "data-plane", settings.data_plane, settings)),
            probes=tuple(self._entries("probe", "probes", settings.probes, settings)),
            may_block=frozenset(self._named(settings.blocking_allow)),
        )
        self.frontier = self._frontier(words, kept)
        self._macros.update(self.frontier.macros)
        self.looked_through: Mapping[int, bytes] = {}
        """The functions whose texts were looked through for what may run unsaid, each with `unsaid.words_in` it."""
        self.program.locking = self._locking(kept)
        self._implying = self.program.locking.traits
        self.analysis = Analysis(
            self.program,
            self.frontier.functions,
            self._asked,
            self._give_up,
            self._line,
            self.frontier.calling,
            self.frontier.naming,
            self.frontier.speaking,
        )

    def _frontier(self, words: Collection[str], kept: Kept | None) -> Frontier:
        """Where locks are to be looked for, and calls of `words`; what a run before kept of the files is known."""
        if kept is None:
            return Frontier(self.program, self.tables, self._sources, words)
        families = {one.path: one.families for one in self.entries}
        remember = partial(kept.of, Told, self._faces, holds=lambda _: True)
        return Frontier(self.program, self.tables, self._sources, words, remember, families)

    def _locking(self, kept: Kept | None) -> Locking:
        """What takes a lock though nobody calls it; as a run before found it, if what that looked into is the same."""
        texts = Texts(self.program, self.frontier.takes, self._text)
        if kept is None:
            return locking(self.program, texts)

        def make() -> Unsaid:
            found = locking(self.program, texts)
            return Unsaid(found, texts.looked_at, self._digest(texts.looked_at), texts.words(texts.looked_at))

        def holds(one: Unsaid) -> bool:
            return one.texts == self._digest(one.looked_at) or one.words == texts.words(one.looked_at)

        unsaid = kept.of(Unsaid, self._faces, make, holds)
        self.looked_through = dict(zip(unsaid.looked_at, unsaid.words, strict=True))
        return unsaid.locking

    def _digest(self, functions: Iterable[int]) -> bytes:
        """A digest of the texts of some functions."""
        firsts, made = self.first_of_unit, hashlib.blake2b(digest_size=16)
        for number in functions:
            unit = bisect_right(firsts, number) - 1
            made.update(digest_of(self.entries[unit], number - firsts[unit]))
        return made.digest()

    @cached_property
    def _faces(self) -> list[bytes]:
        """Digests of all that the files declare, and of the families of locks that they may use."""
        return [part for one in self.entries for part in (one.face, *map(str.encode, one.families))]

    @cached_property
    def entries(self) -> list[Entry]:
        """What is kept of each unit's file, in order."""
        units, known = self.program.units, self._contents
        return [entry(self._sources[one.path], one, known[one.path], self._before.get(one.path)) for one in units]

    @property
    def unsaid(self) -> list[str]:
        """By their full names the functions of the tree that take a lock though nobody calls them."""
        return sorted(map(self.program.full_name, self.program.locking.functions))

    @cached_property
    def first_of_unit(self) -> list[int]:
        """For each unit the number of its first function."""
        return [0, *accumulate(len(unit.functions) for unit in self.program.units)]

    @cached_property
    def _unit_of(self) -> dict[str, int]:
        return {unit.path: number for number, unit in enumerate(self.program.units)}

    def functions_of(self, path: str) -> range:
        """The numbers of a file's functions; none where it is not of this tree."""
        unit = self._unit_of.get(path)
        return range(self.first_of_unit[unit], self.first_of_unit[unit + 1]) if unit is not None else range(0)

    def _entries(self, word: str, key: str, patterns: Sequence[str], settings: Settings) -> list[int]:
        """The functions that patterns of the settings name, and those below a comment that marks them.

        A pattern that names none is a problem: it would be silent for ever.
        """
        names = [self.program.full_name(number) for number in range(len(self.program.functions))] if patterns else []
        found: set[int] = set()
        for pattern in patterns:
            named = [number for number, name in enumerate(names) if names_function(pattern, name)]
            found.update(named)
            if not named:
                place = settings.origin.get(key.replace("-", "_"), "settings")
                self.problems.append(Problem(place, 1, f"{key}: no function here is called {pattern!r}"))
        for path, source in self._sources.items():
            marks = [offset for said, offset in suppress.marked(source) if said == word]
            if marks:
                own = [(self.program.functions[n][1].name_at[0], n) for n in self.functions_of(path)]
                found.update(n for n in (_first_behind(offset, sorted(own)) for offset in marks) if n is not None)
        return sorted(found)

    def _named(self, patterns: Sequence[str]) -> Iterator[int]:
        """The functions that some of the patterns name."""
        for number in range(len(self.program.functions)) if patterns else ():
            if any(names_function(pattern, self.program.full_name(number)) for pattern in patterns):
                yield number

    def _line(self, path: str, offset: int) -> int:
        return self._sources[path].position(offset).line

    def data(self, path: str) -> bytes:
        """What is in one of the sources."""
        return self._sources[path].data

    def position(self, path: str, offset: int) -> Position:
        """Line and column of a byte offset in one of the sources."""
        return self._sources[path].position(offset)

    def _body(self, unit: ir.Unit, function: ir.Function) -> ir.Body | None:
        try:
            return lower(unit, self._sources[unit.path], function, self._editions[unit.path], self._macros,
                         self._implying)  # fmt: skip
        except RecursionError:
            line = self._sources[unit.path].position(function.at[0]).line
            self.problems.append(Problem(unit.path, line, f"`{function.name}` is nested too deep and was left out"))
            return None
        except UnreadableError as broken:
            line = self._sources[unit.path].position(function.at[0]).line + broken.line - 1
            self.problems.append(Problem(unit.path, line, f"`{function.name}` was left out: {broken.why}"))
            return None

    def _has(self, unit: ir.Unit, function: ir.Function, words: frozenset[str]) -> bool:
        """Whether one of the words stands in a function's text."""
        text = self._sources[unit.path].data[slice(*function.at)]
        return any(word.encode() in text for word in words)

    def _text(self, number: int) -> bytes:
        """What stands in a function."""
        unit, function = self.program.functions[number]
        return self._sources[unit.path].data[slice(*(function.body_at or (0, 0)))]

    def _give_up(self, number: int, why: str) -> None:
        unit, function = self.program.functions[number]
        line = self._sources[unit.path].position(function.at[0]).line
        self.problems.append(Problem(unit.path, line, f"`{function.name}`: {why}"))


def _first_behind(offset: int, functions: Sequence[tuple[int, int]]) -> int | None:
    return next((number for at, number in functions if at > offset), None)


def _homes_of(sources: Sequence[Source], crates: Sequence[Crate]) -> dict[str, Crate | None]:
    """The crate of each source, by path; those of one folder are looked up once."""
    by_folder: dict[tuple[str, str], Crate | None] = {}
    found = {}
    for source in sources:
        folder, ending = posixpath.dirname(source.path), posixpath.splitext(source.path)[1]
        if (folder, ending) not in by_folder:
            by_folder[folder, ending] = home(source.path, crates)
        found[source.path] = by_folder[folder, ending]
    return found


def _names_of_crates(crates: Sequence[Crate]) -> Iterator[tuple[str, str, str]]:
    """How each crate's code calls the other crates of the tree."""
    by_folder = {(crate.folder, crate.suffix): crate.name.replace("-", "_") for crate in crates}
    for crate in crates:
        for alias, folder in crate.dependencies:
            name = by_folder.get((folder, crate.suffix))
            if name is not None:
                yield crate.name.replace("-", "_"), alias.replace("-", "_"), name


def asked(settings: Settings, locked: Sequence[LockFile]) -> Asked:
    """What the settings ask of the code, with what is known of the packages it is built with."""
    return Asked(
        settings.lock_order, settings.bounded, settings.closure_only, settings.longest_section,
        (*advisories.known(), *settings.advisories), tuple(locked),
    )  # fmt: skip
