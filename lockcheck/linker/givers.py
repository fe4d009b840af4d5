"""Which functions give a guard to whoever calls them, by what they declare.

In: a `Program`, a language in which functions say what they return.  Out: the words by which they are called.
Never: steps. A type is resolved only where its written names can mean a guard.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lockcheck import ir
from lockcheck.effects import Effects
from lockcheck.linker.written import GUARD, mentions

if TYPE_CHECKING:
    from lockcheck.linker import Program


def givers(program: Program, language: str, effects: Effects) -> ir.Words:
    """The functions of a language that return a guard."""
    alone, whatever, free, paths = set[str](), set[str](), set[str](), set[str]()
    names = _names_of_guards(program, effects)
    with_own = names | {"Self"}
    for number, (unit, function) in enumerate(program.functions):
        if unit.language != language or function.returns is None:
            continue
        owner = function.owner
        own = owner is not None and (owner.path[0].startswith("[") or mentions(owner, names))
        if not mentions(function.returns, with_own if own else names):
            continue
        returned = program.returned_type(number, None)
        if program.types.may_hold(returned, effects):
            method = alone if len(function.params) == 1 else whatever
            (method if function.takes_self else free if owner is None else paths).add(function.name)
    return ir.Words(frozenset(alone - whatever), frozenset(whatever), frozenset(free), frozenset(paths))


def _names_of_guards(program: Program, effects: Effects) -> set[str]:
    """The last parts of all written names that can mean a guard, or a type of the tree that holds one.

    Aliases and other names in imports count as far as they lead to one.
    """
    types = program.types
    told = (path[-1] for path in (*types.holders, *types.own.guards))
    listed = (path[-1] for path in effects.guards_in_full)
    found = {GUARD, *effects.guards, *effects.guard_traits, *effects.own.guards, *told, *listed}
    aliases = [(decl.name, decl.fields[0].type) for decl in types.names.types.values() if decl.kind == "alias"]
    lines = (line for unit in program.units for line in unit.imports if line.target)
    renamed = [(line.target[-1], line.name) for line in lines if line.name != line.target[-1]]
    while True:
        meant = {name for of, name in renamed if of in found}
        meant.update(name for name, kind in aliases if mentions(kind, found))
        if meant <= found:
            return found
        found |= meant
