"""The tree's functions that run for a value without a call of them: its own, or those of its parts.

In: a type.  Out: `Run`s, each on a part of the value.
Never: when they run.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

from lockcheck import ir
from lockcheck.effects import Effects
from lockcheck.effects.shapes import LIST, MAP, PRESENT, RESULT
from lockcheck.linker.types import Types

_DEPTH = 4
"""Values inside values inside values are looked at so deep."""


class Run(NamedTuple):
    """What runs on the part of a value that `way` leads to. `sure`: the part is there.

    `name` is that of the part's type.
    """

    way: ir.Path
    targets: tuple[int, ...]
    name: str
    sure: bool = True


class Runs(ABC):
    """What runs for a value, by its type."""

    def __init__(self, types: Types) -> None:
        self.types = types
        self._known: dict[ir.Type, tuple[Run, ...]] = {}

    @abstractmethod
    def found(self, kind: ir.Type, effects: Effects, depth: int) -> tuple[Run, ...]:
        """What runs for a value of a type that is so deep in another one."""

    @abstractmethod
    def is_through(self, kind: ir.Type, effects: Effects) -> bool:
        """Whether a library's type hands on to what its argument stands for."""

    def of(self, kind: ir.Type | None, effects: Effects, depth: int = 0) -> tuple[Run, ...]:
        """What runs for a value of a type."""
        if kind is None or depth > _DEPTH:
            return ()
        known = self._known.get(kind)
        if known is None:
            self._known[kind] = ()  # (a type that is a part of itself is asked once)
            known = self.found(kind, effects, depth)
            if depth:
                del self._known[kind]
            else:
                self._known[kind] = known
        return known

    def own(self, kind: ir.Type, trait: str, name: str, effects: Effects) -> tuple[Run, ...]:
        """The function of the tree that is the type's own method of a trait."""
        if kind.path not in self.types.names.types:
            return ()
        functions = self.types.functions
        of_traits = ((n, functions[n][1].trait) for n in self.types.methods(kind, name, effects))
        mine = tuple(n for n, of in of_traits if of is not None and of.path[-1] == trait)
        return (Run((), mine, kind.path[-1]),) if mine else ()

    def parts(self, kind: ir.Type, effects: Effects, depth: int) -> tuple[Run, ...]:
        """What runs for each part of a value, in order."""
        found: list[Run] = []
        decl = self.types.names.types.get(kind.path)
        if decl is not None:
            for field in decl.fields if decl.kind in ("struct", "enum") else ():
                inner, _ = self.types.field(kind, field.name, effects)
                found += _under((field.name,), self.of(inner, effects, depth + 1), decl.kind == "struct")
            return tuple(found)
        shape = effects.shape(kind)
        if shape == "[tuple]":
            for number, inner in enumerate(kind.args):
                found += _under((str(number),), self.of(inner, effects, depth + 1))
        elif shape == MAP:
            for number, inner in enumerate(kind.args[:2]):
                found += _under(("[each end]", str(number)), self.of(inner, effects, depth + 1))
        elif kind.args and self.is_through(kind, effects):
            part = ("[each end]",) if shape == LIST else (PRESENT[shape],) if shape in PRESENT else ()
            found += _under(part, self.of(kind.args[-1 if shape != RESULT else 0], effects, depth + 1))
        return tuple(found)


def _under(way: ir.Path, runs: tuple[Run, ...], sure: bool = True) -> list[Run]:
    return [one._replace(way=way + one.way, sure=one.sure and sure) for one in runs]
