"""Locks that nobody but one call of one function can have.

In: acquisitions.  Out: those that keep nobody out; whether one is the first of its lock.
Never: words for people, syntax.
"""

from __future__ import annotations

from collections.abc import Iterator, Set

from lockcheck import ir
from lockcheck.analysis import Analysis, Moment


def pointless(analysis: Analysis) -> Iterator[Moment]:
    """Acquisitions of locks that were made in the same call of the function and that it shows to nobody."""
    for moment in analysis:
        event = moment.event
        if isinstance(event, ir.Acquire) and event.fresh and not _is_shown(analysis, moment.function, event.lock.place):
            yield moment


def is_first(analysis: Analysis, moment: Moment) -> bool:
    """Whether a lock is taken that was made in the same call, and of which nothing was said in between: it is free."""
    event, body = moment.event, analysis.program.body(moment.function)
    if not isinstance(event, ir.Acquire) or not event.fresh or body is None:
        return False
    made, mine = None, {event.lock.place.root}
    for step in ir.steps_of(body.root):
        new = _new_name(step, mine)
        if isinstance(step, ir.Call) and step.at == event.at:
            break
        if new is not None:
            mine.add(new)
        elif isinstance(step, ir.Call) and step.dst in mine:
            made = step.at
        elif _names(step, mine, frozenset()):
            return False
    return made is not None and all(ir.within(made, loop) for loop in moment.loops)


def _is_shown(analysis: Analysis, number: int, lock: ir.Place) -> bool:
    """Whether the lock goes anywhere: into a field, a closure, a call, a result."""
    body, own = analysis.program.body(number), analysis.effects(number).lock_methods
    if body is None or not isinstance(lock.root, int):
        return True
    steps = list(ir.steps_of(body.root))
    mine, size = {lock.root}, 0
    while len(mine) > size:
        size = len(mine)
        mine |= {root for step in steps if (root := _new_name(step, mine)) is not None}
    given = range(analysis.program.parameters(number))
    if body.result in mine or any(root in given for root in mine):  # (who calls may have given another one)
        return True
    inner = [one for step in steps if isinstance(step, ir.Lambda) for one in ir.steps_of(step.body)]
    return any(_names(one, mine, frozenset()) for one in inner) or any(
        _names(step, mine, own) and _new_name(step, mine) is None for step in steps
    )


def _new_name(step: ir.Step, mine: Set[int | ir.Path]) -> int | None:
    """The variable that becomes another name of one of the slots."""
    if isinstance(step, ir.Move) and step.src.root in mine and isinstance(step.dst.root, int) and not step.dst.way:
        return step.dst.root
    return None


def _names(step: ir.Step, mine: Set[int | ir.Path], own: frozenset[str]) -> bool:
    """Whether a step hands on one of the slots, otherwise than by calling a lock's own method on it."""
    match step:
        case ir.Call(_, callee, operands):
            method = isinstance(callee, ir.Method) and callee.name in own
            return any(o.place is not None and o.place.root in mine for o in operands[1 if method else 0 :])
        case ir.Move(_, src):
            return src.root in mine
        case ir.New(_, _, parts):
            return any(o.place is not None and o.place.root in mine for _, o in parts)
        case ir.Yield(src=src):
            return src is not None and src.root in mine
        case _:
            return False
