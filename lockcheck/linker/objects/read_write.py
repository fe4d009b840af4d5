"""Classes of the tree that are locks of readers and writers, made of a counter and something to wait on.

In: the types, a class.  Out: its `LockType`, or None.
Never: steps. Such a class is called a lock and has methods to take it and to give it back, for each of the two.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from msgspec.structs import replace

from lockcheck import ir
from lockcheck.effects import Effects, LockType, Mode, Taking, read_write_by_hand
from lockcheck.effects.kinds import view

if TYPE_CHECKING:
    from lockcheck.linker.types import Context, Types

_MODES: tuple[tuple[str, Mode], ...] = (("shared", "read"), ("alone", "write"))


def read_write_lock(types: Types, kind: ir.Type, effects: Effects) -> LockType | None:
    """The lock of readers and writers that a class is; None where it is none.

    Whoever has it and asks again is kept out, unless the class asks who that is, or keeps a lock that lets its holder
    in and may be held meanwhile.
    """
    if not effects.named_to_share or not effects.named_as_lock_class.search(kind.path[-1]):
        return None
    above = (kind, *types.made.bases(kind, effects))
    decls = [types.names.types[one.path] for one in above if one.path in types.names.types]
    if any(one.path not in types.names.types and one.path != ("object",) for one in above):
        return None  # (who knows what it is built on)
    names = sorted({name for one in above for name in types.method_names(one.path)})
    numbers = {name: types.made.methods(kind, name, effects)[0] for name in names}
    methods = dict(_methods(types, numbers, any(decl.queues for decl in decls), effects))
    takes = [types.functions[numbers[name]][1] for name, how in methods.items() if not how.gives]
    if not _is_whole(methods) or any(_must_be_told(one) for one in takes):
        return None
    at = types.context(numbers[next(iter(methods))])
    inside = [(decl.keeps, lock) for decl in decls for lock in _inside(types, decl, at, effects)]
    if not (inside or any(decl.waits for decl in decls)):
        return None  # (it keeps nobody waiting)
    lets_in = any(keeps and lock.family == "reentrant" for keeps, lock in inside)
    waits: Literal["thread", "task"] = "task" if any(one.runs_when_awaited for one in takes) else "thread"
    again = lets_in or any(decl.asks_who for decl in decls)
    lock = read_write_by_hand(effects.separator.join(kind.path), waits, methods, again)
    return replace(lock, views={name: view(lock, mode) for name, mode in _views(types, decls, at, effects)})


def _views(types: Types, decls: Sequence[ir.TypeDecl], at: Context, effects: Effects) -> Iterator[tuple[str, Mode]]:
    """The fields that keep what a block is opened with to take it in a mode."""
    for field in (field for decl in decls for field in decl.fields if field.name in effects.views):
        kind = types.resolve(field.type, at, effects)
        if kind is not None and _is_opened(types, kind, effects):
            yield from ((field.name, mode) for said, mode in _MODES if _finds(effects, said, "opens", field.name))


def _is_opened(types: Types, kind: ir.Type, effects: Effects) -> bool:
    """Whether a class of the tree says what happens where a block is opened with its object."""
    return any(types.made.methods(kind, name, effects) for name in effects.enters)


def _finds(effects: Effects, said: str, does: str, name: str) -> bool:
    return effects.named_to_share[f"{said}-{does}"].search(name) is not None


def _methods(types: Types, numbers: Mapping[str, int], queues: bool, effects: Effects) -> Iterator[tuple[str, Taking]]:
    """What each method does, by its name. `queues`: readers wait for writers that wait."""
    for name, number in numbers.items():
        function = types.functions[number][1]
        given = types.resolve(function.returns, types.context(number), effects)
        opens = function.around or (given is not None and _is_opened(types, given, effects))
        for said, mode in _MODES if not function.computed else ():
            passes, takes = mode == "read" and not queues, _finds(effects, said, "takes", name)
            if takes or (opens and _finds(effects, said, "opens", name)):
                yield name, Taking(mode, recursive=passes, hand=not opens, opens=opens)
            elif not opens and _finds(effects, said, "gives", name):
                yield name, Taking(mode, gives=True)


def _is_whole(methods: Mapping[str, Taking]) -> bool:
    """Whether it can be taken in both modes, and what is taken by name given back."""
    takes = {how.mode for how in methods.values() if not how.gives}
    by_hand = {how.mode for how in methods.values() if how.hand}
    gives = {how.mode for how in methods.values() if how.gives}
    return len(takes) == len(_MODES) and (gives >= by_hand or "write" in gives)


def _must_be_told(function: ir.Function) -> bool:
    """Whether a method wants to know more than how long to wait: which lock to take."""
    return any(not (param.optional or param.gathers) for param in function.params[1:])


def _inside(types: Types, decl: ir.TypeDecl, at: Context, effects: Effects) -> Iterator[LockType]:
    """The listed locks that a class keeps."""
    made = (types.resolve(field.type, at, effects) for field in decl.fields)
    locks = (types.lock_type(one, effects) for one in made if one is not None and one.path not in types.names.types)
    return (lock for lock in locks if lock is not None)
