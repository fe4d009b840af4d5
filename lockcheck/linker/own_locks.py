"""The types of a tree that are locks themselves, those that are the guards of such, and those that keep a guard.

In: the types, with what they declare.  Out: `OwnLocks`; by path the holders of guards.
Never: steps. What a type is called says nothing, what it is made of does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from msgspec import msgpack

from lockcheck import ir
from lockcheck.effects import Effects, LockType, Mode, Taking
from lockcheck.linker.written import mentions

if TYPE_CHECKING:
    from lockcheck.linker.types import Types

_Gives: TypeAlias = Mapping[str, tuple[ir.Type, ir.Type]]
"""By the name of a method the guard that it gives, and what that comes in."""


class OwnLocks:
    """The types of a tree that are locks themselves, and their guards, by what they are made of.

    Such a type has what it guards in a cell of its own, and methods of a lock's names that give, for nothing, a value
    which stands for that content and has something to do at its end.
    """

    def __init__(self, types: Types) -> None:
        self.locks: dict[ir.Path, LockType] = {}
        self.guards: dict[ir.Path, Mode] = {}
        self._types = types
        self._kinds: set[str] = set()
        self._contents: dict[ir.Path, int] = {}

    def find(self) -> None:
        """Look for them, once it is known whose methods the functions are; until then there are none."""
        for effects in self._types.tables:
            self._find(effects)

    def has_kind(self, kind: str) -> bool:
        """Whether a lock's kind is a type of the tree: nobody says whom it lets in first."""
        return kind in self._kinds

    @property
    def digest(self) -> str:
        """Of all that is found."""
        found = sorted(self.locks.items(), key=lambda one: one[0]), sorted(self.guards.items())
        return hashlib.blake2b(msgpack.encode(found, order="deterministic"), digest_size=16).hexdigest()

    def content(self, kind: ir.Type, lock: LockType) -> tuple[ir.Type, ...]:
        """What a lock of a type guards, where that is told: of the tree's own, what is in its cell."""
        number = self._contents.get(kind.path, 0) if lock.by_hand else lock.content
        return (kind.args[number],) if -1 <= number < len(kind.args) and kind.args else ()

    def _find(self, effects: Effects) -> None:
        for path, decl in self._types.names.types.items():
            in_cell = decl.kind == "struct" and any(mentions(one.type, effects.cells) for one in decl.fields)
            if in_cell and effects.lock(path) is None:
                given = ((name, self._given(path, name, effects)) for name in self._types.method_names(path))
                gives = {name: found for name, found in given if found is not None}
                plain = {name: one.path for name, (one, all_) in gives.items() if one == all_ and name in effects.named}
                self.guards |= {guard: effects.named[name].mode for name, guard in plain.items()}
                if plain:
                    self.locks[path] = self._lock(path, gives, list(plain), effects)
                    self._contents[path] = _in_cell(decl, effects.cells)

    def _lock(self, path: ir.Path, gives: _Gives, plain: Sequence[str], effects: Effects) -> LockType:
        """What a lock of the tree does, by the guards that its methods give."""
        methods = {
            name: effects.named.get(name) or Taking(self.guards[guard.path], fallible=whole != guard)
            for name, (guard, whole) in gives.items()
            if guard.path in self.guards
        }
        family = "rwlock" if any(one.mode == "read" for one in methods.values()) else "mutex"
        first = (self._types.functions[self._types.declared_methods(path, name)[0]][1] for name in plain)
        kind, awaited = effects.separator.join(path), any(one.runs_when_awaited for one in first)
        self._kinds.add(kind)
        return LockType(kind, family, "task" if awaited else "thread", False, methods, by_hand=True)

    def _given(self, path: ir.Path, name: str, effects: Effects) -> tuple[ir.Type, ir.Type] | None:
        """What stands for something else and has something to do at its end, in what a method gives for nothing."""
        types = self._types
        number = types.declared_methods(path, name)[0]
        function = types.functions[number][1]
        if not function.takes_self or len(function.params) != 1 or function.trait is not None:
            return None
        given = types.resolve(function.returns, types.context(number), effects)
        for one in (given, *given.args) if given is not None else ():
            if one.path in types.derefs and effects.end_method in types.method_names(one.path):
                return one, given or one
        return None


def _in_cell(decl: ir.TypeDecl, cells: Collection[str]) -> int:
    """The number of the type parameter of which a value is in a type's cell; the first where that is not told."""
    waiting = [one.type for one in decl.fields if mentions(one.type, cells)]
    while waiting:
        kind = waiting.pop()
        if kind.path[-1] in cells:
            inside = (n for n, name in enumerate(decl.generics) for one in kind.args if mentions(one, (name,)))
            return next(inside, 0)
        waiting += kind.args
    return 0


def holders(types: Types) -> dict[ir.Path, str]:
    """The tree's own types that keep a guard in a field, with its mode."""
    guards = {name: mode for effects in types.tables for name, mode in effects.guards.items()}
    in_full = {path[-1]: effects for effects in types.tables for path in effects.guards_in_full}
    found: dict[ir.Path, str] = {}
    for _ in range(2):
        names = {path[-1]: mode for path, mode in found.items()} | guards
        for path, decl in types.names.types.items():
            fields = decl.fields if decl.kind in ("struct", "enum") else ()
            modes = (_mode_in(one.type, names) or _named_in(types, one.type, decl, in_full) for one in fields)
            mode = next((m for m in modes if m), None)
            if mode is not None:
                found.setdefault(path, mode)
    return found


def _mode_in(kind: ir.Type, names: Mapping[str, str]) -> str | None:
    """The mode of the guard that a type as written is or contains."""
    if not mentions(kind, names):
        return None
    if kind.path and kind.path[-1] in names:
        return names[kind.path[-1]]
    if kind.path in (("[dyn]",), ("[fn]",)):
        return None
    return next((m for m in (_mode_in(a, names) for a in kind.args) if m), None)


def _named_in(types: Types, kind: ir.Type, where: ir.TypeDecl, in_full: Mapping[str, Effects]) -> Mode | None:
    """The mode of the guard that a field's type as written is or contains, of those known in full, by last name."""
    if not mentions(kind, in_full):
        return None
    effects = in_full.get(kind.path[-1]) if kind.path else None
    if effects is not None:
        how, _ = effects.guards_in_full.get(types.names.resolve(where.module, kind.path), (None, None))
        if how is not None:
            return how.mode
    return next((m for m in (_named_in(types, one, where, in_full) for one in kind.args) if m), None)
