"""Locks that stand in fields of several types: one value that is put into all of them.

In: a function that speaks of both types, or what a class is made with.  Out: `Shared`, from where an owner's lock is.
Never: which owners matter; that is the analysis' business.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from itertools import chain, combinations
from typing import TYPE_CHECKING, NamedTuple

from lockcheck import ir
from lockcheck.effects import Effects
from lockcheck.effects.shapes import LIST, MAP
from lockcheck.linker.link import Pass, walked
from lockcheck.linker.places import BEHIND, WITHIN, parts_of_owner
from lockcheck.linker.types import Context
from lockcheck.linker.written import mentions

if TYPE_CHECKING:
    from lockcheck.linker import Program


class Shared(NamedTuple):
    """The lock of an owner (`Places.owner_of`) is that of a source, as far as a function makes it so.

    The source is another owner, or a value of the function or part of one: ``#``, numbers and fields. `given`: the
    function is what makes values of the owner's type, and is given the lock.
    """

    owner: str
    source: str
    function: int
    given: bool


def suspects(program: Program, owners: Collection[str]) -> set[tuple[str, str]]:
    """The pairs of types, by name and in order, with fields that may be one lock: locks of the same values.

    One of the two must be kept behind a pointer. `owners` are the fields that matter.
    """
    alike: dict[ir.Type, dict[str, bool]] = defaultdict(dict)
    for owner in owners:
        for lock, pointed in _lock_of(program, owner):
            path, field = parts_of_owner(owner)
            name = path[-1] or field.removesuffix(BEHIND).rpartition("::")[2]
            alike[lock][name] = alike[lock].get(name, False) or pointed
    return {
        (first, second)
        for names in alike.values()
        for first, second in combinations(sorted(names), 2)
        if names[first] or names[second]
    }


def may_be_one(program: Program, first: str, second: str) -> bool:
    """Whether two owners' fields are pointers to locks of the same values."""
    return not {lock for lock, pointed in _lock_of(program, first) if pointed}.isdisjoint(
        lock for lock, pointed in _lock_of(program, second) if pointed
    )


def _lock_of(program: Program, owner: str) -> Iterator[tuple[ir.Type, bool]]:
    """The lock that an owner's field, or a static, is declared to be, and whether it is kept behind a pointer.

    Of a list or a map it is what every element is; `BEHIND` a lock, of what that guards.
    """
    whole = owner.removesuffix(BEHIND)
    for kind, table in _kinds_of(program, whole):
        locks = _locks_in(program, kind, table)
        if whole != owner:
            inside = [program.types.guarded(lock, table) for lock, _ in locks]
            locks = chain.from_iterable(_locks_in(program, one, table) for one in inside)
        yield from locks


def _kinds_of(program: Program, owner: str) -> Iterator[tuple[ir.Type, Effects]]:
    """The type of an owner's field or of a static, by the tables of languages that declare types."""
    decl, field = _declared(program, owner)
    for table in program.types.tables:
        if table.objects:
            continue
        if decl is not None and field is not None and decl.kind != "class" and not mentions(field.type, decl.generics):
            at = Context(decl.module, ir.Type((*decl.module, decl.name)))
            kind = program.types.resolve(field.type, at, table)
        else:
            kind = program.static_type((), tuple(owner.split("::")), table) if decl is None else None
        if kind is not None:
            yield kind, table


def _locks_in(program: Program, kind: ir.Type, table: Effects) -> Iterator[tuple[ir.Type, bool]]:
    """The lock that a type stands for, or that the elements of its lists and maps are; whether behind a pointer."""
    kinds = list(program.types.behind(kind, table))
    lock = next((one for one in kinds if program.types.lock_type(one, table) is not None), None)
    if lock is not None:
        yield lock, lock != kinds[0]
        return
    for one in kinds:
        if table.shape(one) in (LIST, MAP) and one.args:
            yield from _locks_in(program, one.args[-1], table)


def by_makers(program: Program, owners: Collection[str]) -> Iterator[Shared]:
    """What classes are made with, where that is always a field of the object that makes them."""
    for owner in sorted(owners):
        decl, field = _declared(program, owner)
        if decl is None or field is None or decl.kind != "class" or not field.given:
            continue
        for table in program.types.tables:
            path = (*decl.module, decl.name)
            makers = program.types.made.methods(ir.Type(path), table.maker, table) if table.objects else []
            for kind, way in program.types.made.given_by(path, path, field.name, table) if makers else ():
                other = _owner(program, program.types.made.follow(kind, way[:-1], table), way[-1], table)
                if other and other != owner:
                    yield Shared(owner, other, makers[0], True)


def by_body(program: Program, number: int) -> list[Shared]:
    """From where the locks in fields are, as far as a function puts them there.

    A field of a type whose locks are known by another field (`Places.is_thin`) is in none.
    """
    body = program.body(number)
    if body is None:
        return []
    state, _, _ = walked(program, number, body)
    found = list(_put_there(state))
    return [one for one in found if not _is_given_only(program, one, found)]


def _put_there(state: Pass) -> Iterator[Shared]:
    """What a function puts into fields, and into the lists and maps that fields and statics keep."""
    for named in (ir.Place(one.root, one.way[one.way[:1] == (WITHIN,) :]) for one in state.alias):
        owner = _field_with_lock(state, named)
        older = state.canon(named) if owner else None
        if older is not None and (isinstance(older.root, int) or older.root in state.program.names.statics):
            yield from _said(state, owner, older)
    for container, given in state.put_in:
        element, older = ir.Place(container.root, (*container.way, BEHIND)), state.canon(given)
        if older is not None and isinstance(older.root, int) and _is_lock(state, state.type_of(given)):
            yield from _said(state, state.owner_by_any_name(element), older)


def _is_given_only(program: Program, one: Shared, beside: Collection[Shared]) -> bool:
    """Whether a constructor puts one of its own parameters into one field: from where that is, its callers say."""
    sign, _, root = one.source.partition(".")
    if not (sign.startswith("#") and root.isdigit() and int(root) < program.parameters(one.function)):
        return False
    alone = all(other.owner == one.owner for other in beside if other.source == one.source)
    return alone and one.function in program.constructors(parts_of_owner(one.owner)[0])


def _said(state: Pass, owner: str, older: ir.Place) -> Iterator[Shared]:
    """That an owner's lock is what a place is, by its oldest name."""
    source = state.owner_of(older)
    if not source and all(part.isidentifier() or part.isdigit() for part in older.way):
        source = ".".join((f"#{state.number}", str(older.root), *older.way))
    if owner and source and source != owner:
        yield Shared(owner, source, state.number, False)


def one_in(program: Program, number: int, first: ir.Path, second: ir.Path) -> bool | None:
    """Whether a function puts one value into two parts of what it returns; None where it does not say."""
    body = program.body(number)
    if body is None:
        return None
    state, _, _ = walked(program, number, body)
    made = ir.Place(program.parameters(number))
    known = [state.canon(ir.Place(made.root, way)) for way in (first, second)]
    if any(one is None or one.root == made.root for one in known):
        return None
    return known[0] == known[1]


def _field_with_lock(state: Pass, place: ir.Place) -> str:
    """The owner of the lock that a place is, if it is a field with one; else empty."""
    if not place.way or not (place.way[-1].isidentifier() or place.way[-1].isdigit()):
        return ""
    if not _is_lock(state, state.type_of(place)):
        return ""
    return _owner(state.program, state.type_of(ir.Place(place.root, place.way[:-1])), place.way[-1], state.effects)


def _is_lock(state: Pass, kind: ir.Type | None) -> bool:
    types = state.program.types
    return any(types.lock_type(one, state.effects) is not None for one in types.behind(kind, state.effects))


def _owner(program: Program, kind: ir.Type | None, name: str, table: Effects) -> str:
    """The owner's name of a field of a type; empty where the type is of another's choice, or has no such field."""
    _, path = program.types.field(kind, name, table)
    decl, field = _declared(program, f"{path}.{name}") if path else (None, None)
    return f"{path}.{name}" if decl and field and not mentions(field.type, decl.generics) else ""


def _declared(program: Program, owner: str) -> tuple[ir.TypeDecl | None, ir.Field | None]:
    """The type of an owner, and its field."""
    path, name = parts_of_owner(owner)
    decl = program.names.types.get(path)
    return decl, next((one for one in decl.fields if one.name == name), None) if decl is not None else None
