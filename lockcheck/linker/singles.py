"""Types of which a program seems to have one value only: its services, not its rows.

In: the declared types of the tree.  Out: those that nothing keeps many of.
Never: looks into a function.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from lockcheck import ir
from lockcheck.effects import Effects
from lockcheck.effects.shapes import LIST, MAP
from lockcheck.linker.types import Context, Types

_WRAPS = 2
"""What has so few fields may be a wrapper that stands anywhere."""


def singles(units: Collection[ir.Unit], types: Types) -> frozenset[ir.Path]:
    """The types without parameters of which no list or map keeps values, no type has two, and none is in another one.

    Only those of languages that declare what is in a field. A type that leads to itself by fields has others inside.
    Nor are there two variables of such a type; where there is one, it may have as few fields as it likes.
    """
    inside = dict[ir.Path, set[ir.Path]]()
    known, many = _of_variables(units, types)
    for unit in units:
        effects = types.table(unit.language)
        for decl in unit.types:
            own = (*decl.module, decl.name)
            if _counts(decl) and len(decl.fields) > _WRAPS:
                known.add(own)
            seen, at = {own}, Context(decl.module, ir.Type(own), decl.generics)
            for field in decl.fields:
                here = set[ir.Path]()
                for path, kept_by_many in _in_type(types.resolve(field.type, at, effects), types, effects):
                    (many if kept_by_many or path in seen else here).add(path)
                seen |= here
                many.update(kind.path for one in field.put if (kind := types.resolve(one, at, effects)) is not None)
            inside[own] = seen - {own}
    return frozenset(one for one in known - many if not _leads_to(one, inside))


def _counts(decl: ir.TypeDecl) -> bool:
    return decl.kind in ("struct", "class") and not decl.generics


def _of_variables(units: Collection[ir.Unit], types: Types) -> tuple[set[ir.Path], set[ir.Path]]:
    """The types of the tree of which one variable that lives as long as the program has a value, and those of more."""
    one, more = set[ir.Path](), set[ir.Path]()
    for unit in units:
        effects = types.table(unit.language)
        for static in unit.statics:
            kind = types.resolve(static.type, Context(static.module), effects)
            for path, kept_by_many in _in_type(kind, types, effects):
                decl = types.names.types.get(path)
                if decl is not None and _counts(decl):
                    (more if kept_by_many or path in one else one).add(path)
    return one, more


def _leads_to(own: ir.Path, inside: Mapping[ir.Path, Collection[ir.Path]]) -> bool:
    """Whether a type is in what is in it."""
    seen, waiting = set[ir.Path](), list(inside.get(own, ()))
    while waiting:
        one = waiting.pop()
        if one == own:
            return True
        if one not in seen:
            seen.add(one)
            waiting += inside.get(one, ())
    return False


def _in_type(
    kind: ir.Type | None, types: Types, effects: Effects, many: bool = False
) -> Iterator[tuple[ir.Path, bool]]:
    """The types in a type, each with whether it is kept in a list or a map there."""
    if kind is None:
        return
    yield kind.path, many
    shape, lock = effects.shape(kind), types.lock_type(kind, effects)
    lists = shape in (LIST, MAP) or (lock is not None and lock.family == "map")
    for inner in kind.args:
        yield from _in_type(inner, types, effects, many or lists)
