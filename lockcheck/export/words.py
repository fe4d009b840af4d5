"""The words of a language that patterns are made of: methods that take locks, and what follows them.

In: `Effects`.  Out: `Words`; its methods give names, `one_of` a regular expression of them.
Never: a tool's way of writing patterns.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from msgspec import Struct

from lockcheck.effects import Effects, Mode
from lockcheck.export.known import NOTHING, PLAIN, Known, Names, Reached
from lockcheck.export.spelled import Spelled


class Words(Struct, frozen=True):
    """The words of one language's table, and those of a project where it is known."""

    language: str
    effects: Effects
    known: Known = NOTHING

    @property
    def reached(self) -> tuple[Reached, ...]:
        """The project's locks with who takes them."""
        return tuple(one for one in self.known.reached if one.language == self.language)

    @property
    def spelled(self) -> tuple[Spelled, ...]:
        """The project's locks as its code spells them."""
        return tuple(one for one in self.known.spelled if one.language == self.language)

    @property
    def takers(self) -> tuple[str, ...]:
        """The project's functions that take a lock somewhere, except those whose names say nothing."""
        return tuple(sorted(self.known.takers.get(self.language, ())))

    def givers(self, waits: str = "") -> tuple[str, ...]:
        """The project's functions that return a guard (of locks that wait so, if that is asked)."""
        found = (one.givers.values() for one in self.reached if waits in ("", one.waits))
        names = {name for sets in found for some in sets for name in some}
        return tuple(sorted(names - self.effects.common))

    @property
    def used(self) -> frozenset[str]:
        """The methods by which the project takes its locks."""
        return self.known.methods.get(self.language, frozenset())

    def fields(self, waits: str = "") -> tuple[str, ...]:
        """The last names of the project's locks; empty where no project is known."""
        kinds = self.known.fields.get(self.language, {})
        return tuple(sorted({name for kind, names in kinds.items() if waits in ("", kind) for name in names}))

    def takes(
        self,
        *modes: Mode,
        waits: str = "",
        fallible: bool = True,
        recursive: bool = True,
        bounded: bool = False,
    ) -> tuple[str, ...]:
        """The methods that take a lock in one of the modes (any, if none is named) and keep it.

        `waits`: only of locks that wait so ("thread" or "task"). `fallible`: also those that may come back without
        the guard. `recursive`: also those that pass waiting writers. `bounded`: those that wait for a time, which are
        given that time; all others take no argument.
        """
        found = set()
        for lock in self.effects.locks.values():
            if lock.family not in PLAIN or (waits and lock.waits != waits):
                continue
            for name, taking in lock.methods.items():
                if taking.moment or taking.bounded != bounded or (modes and taking.mode not in modes):
                    continue
                if (fallible or not taking.fallible) and (recursive or not taking.recursive):
                    found.add(name)
        return tuple(sorted(found))

    @property
    def fallible(self) -> tuple[str, ...]:
        """Those that may come back without the guard."""
        return tuple(sorted(set(self.takes()) - set(self.takes(fallible=False))))

    @property
    def carries(self) -> tuple[str, ...]:
        """The methods that hand on a guard which the receiver holds.

        Not those that take a value out of what holds it: behind an acquisition that is what the lock guards.
        """
        out = {name for names in self.effects.end_gives.values() for name in names}
        return tuple(sorted(name for name in self.effects.carries - out if name.isidentifier() and name != "await"))

    @property
    def consumes(self) -> tuple[str, ...]:
        """The methods that end the guard in a closure."""
        return tuple(sorted(self.effects.guard_consumes))

    @property
    def drops(self) -> tuple[str, ...]:
        """The functions that end the value they are given."""
        return tuple(sorted(self.effects.drops))

    @property
    def waits(self) -> tuple[str, ...]:
        """The methods that give a guard back while they wait, and hand it on."""
        return tuple(sorted(self.effects.waits))

    @property
    def leaks(self) -> tuple[str, ...]:
        """The functions that keep the value they are given from ever ending."""
        return tuple(sorted(self.effects.leaks))

    @property
    def wakes(self) -> tuple[str, ...]:
        """The methods that wake a task."""
        return tuple(sorted(name for name, act in self.effects.acts.items() if act.what == "wakes"))

    @property
    def blocks(self) -> tuple[str, ...]:
        """The functions that make the thread wait."""
        return tuple(sorted(self.effects.blocks))

    @property
    def blocks_methods(self) -> tuple[str, ...]:
        """The methods without arguments that make the thread wait, whatever the receiver."""
        return tuple(sorted(self.effects.blocks_unknown))


def in_modes(names: Names, *modes: Mode, recursive: bool = True) -> tuple[str, ...]:
    """The functions that take a lock in one of the modes; `recursive`: also past waiting writers."""
    wanted = {*modes, *(["recursive"] if recursive and "read" in modes else [])}
    return tuple(sorted({name for mode in wanted for name in names.get(mode, ())}))


def one_of(names: Iterable[str]) -> str:
    """A regular expression that is one of the names."""
    return "|".join(re.escape(name) for name in sorted(names, key=lambda name: (-len(name), name)))
