"""Who has an object for itself: what it does with the object's locks, nobody else does meanwhile.

In: the places of one or two locks in a function.  Out: whose they are, and whether that function has it for itself.
Never: words for people, syntax.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations
from typing import NamedTuple

from lockcheck import ir
from lockcheck.analysis import Analysis
from lockcheck.analysis.walked import is_in_own
from lockcheck.questions.newborn import is_newborn

_DEEPEST = 4
"""Callers of callers are asked so often whether they have the object for themselves."""


class Within(NamedTuple):
    """Both locks are in the object that a parameter, of type `kind`, names. `alone`: nobody else can use it then."""

    kind: ir.Path
    alone: bool


def may_have_lock(analysis: Analysis, number: int, lock: ir.Lock) -> bool:
    """Whether a function says that it has what a lock is in for itself: asked first, since `has_lock` reads more."""
    root, params = lock.place.root, analysis.program.functions[number][1].params
    return isinstance(root, int) and root < len(params) and params[root].alone


def has_lock(analysis: Analysis, number: int, lock: ir.Lock) -> bool:
    """Whether a function has a lock for itself, in what it was given so: nobody else can hold it, or wait for it.

    Unless the function lends it to what it starts beside itself.
    """
    mine = may_have_lock(analysis, number, lock) and is_in_own(analysis.program, number, lock)
    return mine and not _starts_others(analysis, number)


def _starts_others(analysis: Analysis, number: int) -> bool:
    """Whether a function starts what runs beside it, or keeps it for later: it may lend what it has there."""
    linked = analysis.linked(number)
    return linked is None or bool(linked.elsewhere or linked.threads)


def excluded(found: Iterable[Within | None]) -> bool:
    """Whether two who are at work would be so in one object that one of them has for itself."""
    return any(a.kind == b.kind and (a.alone or b.alone) for a, b in combinations(filter(None, found), 2))


def within(analysis: Analysis, number: int, held: ir.Place, wanted: ir.Place) -> Within | None:
    """In whose object, one of a function's parameters, two places are; None where another object may share a lock.

    The locks are the object's own, or the program seems to have one such object, of which nobody makes another.
    """
    program, root = analysis.program, held.root
    params = program.functions[number][1].params
    if root != wanted.root or not isinstance(root, int) or root >= len(params):
        return None
    context, effects = program.types.context(number), program.types.effects(number)
    kind = program.types.resolve(params[root].type, context, effects)
    if kind is None or kind.path not in program.names.types:
        return None
    own = all(place.way and program.types.is_own_part(kind, place.way, effects) for place in (held, wanted))
    copied = program.names.types[kind.path].copied or program.types.methods(kind, effects.copies, effects)
    if not own and (copied or not program.is_single(f"{'::'.join(kind.path)}.")):
        return None
    return Within(kind.path, _has_alone(analysis, number, root))


def _has_alone(analysis: Analysis, number: int, parameter: int, depth: int = 0) -> bool:
    """Whether who runs a function has the object in a parameter for itself: it says so, or all who call it have."""
    program = analysis.program
    function = program.functions[number][1]
    if function.params[parameter].alone:
        return not _starts_others(analysis, number)
    if not function.inner or depth >= _DEEPEST:
        return False
    given = [
        (other, moment.event.paths[parameter] if parameter < len(moment.event.paths) else None, moment.event.at)
        for other in program.siblings(number)
        if other != number and not analysis.of_tests(other)
        for moment in analysis.moments(other)
        if isinstance(moment.event, ir.Invoke) and number in moment.event.targets
    ]
    return bool(given) and all(
        place is not None
        and isinstance(place.root, int)
        and (
            not place.way and _has_alone(analysis, other, place.root, depth + 1)
            if place.root < program.parameters(other)
            else is_newborn(analysis, other, place, at)
        )
        for other, place, at in given
    )
