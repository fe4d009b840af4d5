"""What a block can be opened with to take a lock, by names: where functions do not say what they return.

In: a `Program`, a language of objects, what stands in the texts of functions.  Out: the names.
Never: steps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from lockcheck import ir
from lockcheck.effects import Effects
from lockcheck.linker.types import Context

if TYPE_CHECKING:
    from lockcheck.linker import Program


def openers(program: Program, language: str, effects: Effects, says: Callable[[int, ir.Words], bool]) -> ir.Words:
    """The names of fields and variables that are locks, and of functions and classes that take one.

    What a block is opened with takes a lock only where something that does stands in its text.
    """
    units = [unit for unit in program.units if unit.language == language]
    renamed = [(line.target[-1], line.name) for unit in units for line in unit.imports if line.target]
    locks, typed = _named_as_locks(program, units, effects)
    while new := {name for of, name in renamed if of in locks} - locks:
        locks |= new
    methods, plain = set[str](), set[str]()
    own = _of_own_locks(program, units, effects)
    by_hand, of_locks = ir.Words(any=effects.takes_by_hand | effects.enters | own), ir.Words(spoken=frozenset(locks))
    waiting: dict[int, tuple[str, ir.Path]] = {}
    entering = program.types.called(effects.enters)
    for number, (unit, function) in enumerate(program.functions):
        if unit.language != language:
            continue
        owner = program.types.context(number).owner if number in entering else None
        if function.around:
            waiting[number] = function.name, ()
        elif owner is not None:
            waiting[number] = owner.path[-1], owner.path
        elif function.computed and says(number, of_locks):
            locks.add(function.name)
        elif function.by_hand and says(number, by_hand):
            (plain if function.owner is None else methods).add(function.name)
    listed = effects.words(frozenset()).any | own
    alone, words = set(locks), ir.Words(frozenset(locks), listed | methods, frozenset(plain))
    while waiting:
        taking = [number for number in waiting if says(number, words)]
        said = [waiting.pop(number) for number in taking]
        new = {name for name, _ in said}.union(*(typed.get(path, ()) for _, path in said))
        new = (new | {name for of, name in renamed if of in new}) - alone
        if not new:
            break
        alone |= new
        words = ir.Words(frozenset(new))
    return ir.Words(frozenset(alone), own)


def _of_own_locks(program: Program, units: Sequence[ir.Unit], effects: Effects) -> frozenset[str]:
    """The methods by which the tree's own locks of readers and writers are taken."""
    kinds = (ir.Type((*decl.module, decl.name)) for unit in units for decl in unit.types if decl.kind == "class")
    own = (
        program.types.lock_type(kind, effects) for kind in kinds if effects.named_as_lock_class.search(kind.path[-1])
    )
    return frozenset(name for one in own if one and one.by_hand for name, how in one.methods.items() if how.hand)


def _named_as_locks(
    program: Program, units: Sequence[ir.Unit], effects: Effects
) -> tuple[set[str], dict[ir.Path, set[str]]]:
    """The names of fields, variables, parameters and functions that are or give locks, and those of other types."""
    named = [
        (field.name, kind, Context(decl.module, ir.Type((*decl.module, decl.name))))
        for unit in units
        for decl in unit.types
        for field in decl.fields
        for kind in (field.type, *field.put)
    ]
    named += [(s.name, s.type, Context(s.module)) for unit in units for s in unit.statics if s.type is not None]
    found = [(name, program.types.resolve(made, at, effects)) for name, made, at in named]
    languages = {unit.language for unit in units}
    for number, (unit, function) in enumerate(program.functions):
        if unit.language in languages:
            at, params = program.types.context(number), function.params[function.takes_self :]
            found += [(one.name, program.types.resolve(one.type, at, effects)) for one in params if one.type]
            found += [(function.name, program.returned_type(number, None))] if function.returns is not None else []
    locks, typed = set[str](), dict[ir.Path, set[str]]()
    for name, known in found:
        for kind in program.types.behind(known, effects):
            typed.setdefault(kind.path, set()).add(name)
            if any(program.types.lock_type(one, effects) is not None for one in (kind, *kind.args)):
                locks.add(name)
    return locks, typed
