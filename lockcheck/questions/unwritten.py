"""Locks that are read by many and that nobody of the tree waits for to write: readers of them wait for nobody.

In: an `Analysis`, a lock.  Out: whether it is such a one.
Never: words for people, syntax.
"""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck import ir
from lockcheck.analysis import Analysis
from lockcheck.effects import Effects
from lockcheck.linker import parts_of_owner


def is_never_written(analysis: Analysis, number: int, lock: ir.Lock) -> bool:
    """Whether a lock stands in a field by which all go to it that the tree has, and all of them only read.

    Who has the object for itself changes what it guards without the lock, and keeps nobody waiting; nor does who only
    tries to write.
    """
    if lock.family != "rwlock" or lock.evidence != "declared" or not lock.owner or lock.owner in analysis.written:
        return False
    path, name = parts_of_owner(lock.owner)
    decl = analysis.program.names.types.get(path)
    field = next((one for one in decl.fields if one.name == name), None) if decl is not None else None
    naming = analysis.naming(name) if field is not None and not field.shared else None
    if naming is None or not _stands_in(analysis, number, path, name):
        return False
    return all(_only_reads(analysis, one, lock.owner) for one in sorted(naming))


def _stands_in(analysis: Analysis, number: int, path: ir.Path, name: str) -> bool:
    """Whether the lock itself is the field, so that every object has one, and nobody else has that."""
    effects = analysis.effects(number)
    kind = analysis.program.types.field(ir.Type(path), name, effects)[0]
    return kind is not None and effects.lock(kind.path) is not None


def _only_reads(analysis: Analysis, number: int, owner: str) -> bool:
    """Whether a function that says a field's name waits for no lock to write by it, nor hands a lock on by it."""
    body, linked = analysis.program.body(number), analysis.linked(number)
    if body is None or linked is None:
        return body is None
    effects = analysis.effects(number)
    named = [place for step in ir.steps_of(body.root) for place in _handed(step, effects)]
    if any(_may_be_in(analysis, number, place, owner) for place in named):
        return False
    regions = (linked.root, *linked.elsewhere)
    taken = [step for region in regions for step in ir.steps_of(region) if isinstance(step, ir.Acquire)]
    written = [step.lock for step in taken if step.mode != "read" and step.waits]
    return not any(
        one.owner == owner if one.owner else _may_be_in(analysis, number, one.place, owner) for one in written
    )


def _handed(step: ir.Step, effects: Effects) -> Iterator[ir.Place]:
    """What a step gives to others, or another name, otherwise than by calling a lock's own method on it."""
    match step:
        case ir.Call(_, callee, operands):
            own = isinstance(callee, ir.Method) and (callee.name in effects.lock_methods or callee.name in effects.free)
            yield from (one.place for one in operands[1 if own else 0 :] if one.place is not None)
        case ir.Move(_, src) | ir.Ref(_, src):
            yield src
        case ir.New(_, _, parts):
            yield from (one.place for _, one in parts if one.place is not None)
        case _:
            pass


def _may_be_in(analysis: Analysis, number: int, place: ir.Place, owner: str) -> bool:
    """Whether a place may be the field: it is called so, and is not known to be one of another type."""
    path, name = parts_of_owner(owner)
    way = [part for part in place.way if part != "&"]
    if way[-1:] != [name]:
        return False
    kind = analysis.program.types.context(number).owner
    own = analysis.program.functions[number][1].takes_self and place.root == 0 and len(way) == 1
    return not own or kind is None or kind.path == path
