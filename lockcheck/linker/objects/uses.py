"""Which class of the tree a value is, by what is asked of it: where nothing else says so, and never for certain.

In: the names of fields and methods that code asks a value for.  Out: a type that is marked as guessed.
Never: decides what a guess is worth; what is found through one is `named` evidence and no certain call.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from typing import TYPE_CHECKING

from lockcheck import ir
from lockcheck.effects import Effects

if TYPE_CHECKING:
    from lockcheck.linker.types import Types

GUESS = ir.Type(("[guess]",))
"""The last argument of a type that is guessed."""

_FEWEST, _TELLING = 3, 2
"""So many names must be asked for, so many of them none that values of libraries have too."""


def is_guess(kind: ir.Type | None) -> bool:
    """Whether a type is only guessed."""
    return kind is not None and kind.args[-1:] == (GUESS,)


def guessed(kind: ir.Type | None) -> ir.Type | None:
    """The same type, marked as guessed."""
    return kind if kind is None or is_guess(kind) else ir.Type(kind.path, (*kind.args, GUESS))


class Uses:
    """The members of the tree's classes, by name."""

    def __init__(self, types: Types) -> None:
        self._types = types
        self._having: dict[str, set[ir.Path]] | None = None
        self._known: dict[frozenset[str], ir.Type | None] = {}

    def fitting(self, names: Collection[str], effects: Effects) -> ir.Type | None:
        """The one class that has all the names, or the one that all such classes are built on; guessed."""
        key = frozenset(name for name in names if not name.startswith("__"))
        if key not in self._known:
            self._known[key] = self._fitting(key, effects)
        return self._known[key]

    def _fitting(self, names: frozenset[str], effects: Effects) -> ir.Type | None:
        if len(names) < _FEWEST or len(names - effects.common) < _TELLING:
            return None
        having = self._members(effects)
        found = set[ir.Path].intersection(*(having.get(name, set()) for name in names))
        for path in sorted(found):
            if all(path == other or self._is_below(other, path, effects) for other in found):
                return ir.Type(path, (GUESS,))
        return None

    def _is_below(self, path: ir.Path, base: ir.Path, effects: Effects) -> bool:
        return any(above.path == base for above in self._types.made.bases(ir.Type(path), effects))

    def _members(self, effects: Effects) -> dict[str, set[ir.Path]]:
        if self._having is None:
            self._having = defaultdict(set)
            own: dict[ir.Path, set[str]] = defaultdict(set)
            for path, decl in self._types.names.types.items():
                own[path].update(field.name for field in decl.fields)
                own[path].update(self._types.method_names(path))
            for path in list(own):
                for kind in (ir.Type(path), *self._types.made.bases(ir.Type(path), effects)):
                    for name in own.get(kind.path, ()):
                        self._having[name].add(path)
        return self._having
