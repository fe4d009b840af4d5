"""What a project's settings ask of its code, for rules that need to know.

In: settings, as plain values.  Out: `Asked`, and how its patterns fit names.
Never: reads settings, judges.
"""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from functools import cached_property

from msgspec import Struct

from lockcheck.advisories import Advisory
from lockcheck.source import LockFile, Package


class Asked(Struct, frozen=True, dict=True):
    """The wishes of a project. Patterns may hold `*` and `?` for any text; empty means that nothing is asked.

    `lock_order` are patterns of locks in the order in which they may be taken, `bounded` of locks that must be
    waited for with a time limit, `closure_only` of locks that must be taken through a closure. `longest_section` is
    how many lines a named guard may live, 0 for any. `advisories` and `lock_files` say which versions are bad and
    which are in use. `data_plane` and `probes` are the numbers of the functions where input from outside comes in, and
    of those by which a watchdog asks whether the process lives, `may_block` of those that may wait under a lock.
    """

    lock_order: tuple[str, ...] = ()
    bounded: tuple[str, ...] = ()
    closure_only: tuple[str, ...] = ()
    longest_section: int = 0
    advisories: tuple[Advisory, ...] = ()
    lock_files: tuple[LockFile, ...] = ()
    data_plane: tuple[int, ...] = ()
    probes: tuple[int, ...] = ()
    may_block: frozenset[int] = frozenset()

    @cached_property
    def bad_versions(self) -> list[tuple[LockFile, Package, Advisory]]:
        """The packages in use that an advisory speaks of, in the order of the lock files."""
        return [
            (file, package, one)
            for file in self.lock_files
            for package in file.packages
            for one in self.advisories
            if one.affects(package.name, package.version)
        ]


def fits(patterns: Iterable[str], owner: str) -> bool:
    """Whether a lock, in full (`crate::module::Catalog.load`), is named by one of the patterns, in full or in short.

    A dot counts as `::`, and modules may be left out from the front.
    """
    modules = owner.split("::")
    names = {".".join(modules[number:]) for number in range(len(modules))}
    return bool(owner) and any(fnmatchcase(name, word.replace("::", ".")) for word in patterns for name in names)
