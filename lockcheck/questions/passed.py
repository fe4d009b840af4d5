"""Variables that callers pass: by a call's word, a parameter is a variable that lives as long as the program.

In: an `Analysis`, a lock as a parameter leads to it, and one as a variable does.  Out: the call that says so.
Never: whether anything waits; words for people.
"""

from __future__ import annotations

from typing import NamedTuple

from lockcheck import ir
from lockcheck.analysis import Analysis, Moment
from lockcheck.linker.places import bare

_MOST = 60
"""So many functions are asked on the way; a parameter that more hand on is not looked for."""


class _Passed(NamedTuple):
    """A parameter, the place in a variable that it is by some call, and that call."""

    slot: int
    place: ir.Place
    call: Moment


def passed(analysis: Analysis, number: int, mine: ir.Lock, other: ir.Lock) -> Moment | None:
    """The call, through any number of functions, that gives a function what makes its lock `mine` the `other` one.

    `mine` is known by a parameter, `other` by a variable that lives as long as the program. None where no call does.
    """
    root, way = mine.place.root, mine.place.way
    if mine.owner != other.owner or not isinstance(root, int) or root >= analysis.program.parameters(number):
        return None
    for slot, place, call in analysis.once_of(number, _variables):
        if slot == root and ir.Place(place.root, place.way + way) == other.place:
            return call
    return None


def _variables(analysis: Analysis, number: int) -> tuple[_Passed, ...]:
    """What a function is given by calls that name a variable, whoever hands it on."""
    found = list[_Passed]()
    waiting = [(number, slot, ir.Place(slot)) for slot in range(analysis.program.parameters(number))]
    seen = set(waiting)
    while waiting and len(seen) <= _MOST:
        callee, slot, mine = waiting.pop(0)
        for call in analysis.calls_of(callee):
            there = _given(call, mine) if not analysis.of_tests(call.function) else None
            if there is None:
                continue
            if isinstance(there.root, tuple):
                found.append(_Passed(slot, there, call))
            elif there.root < analysis.program.parameters(call.function):
                step = (call.function, slot, there)
                waiting += [step] if step not in seen else []
                seen.add(step)
    return tuple(found)


def _given(call: Moment, mine: ir.Place) -> ir.Place | None:
    """What a place of a callee's parameter is for its caller; None where that has no name for it."""
    event = call.event
    if not isinstance(event, ir.Invoke) or not event.certain or not isinstance(mine.root, int):
        return None
    base = event.paths[mine.root] if mine.root < len(event.paths) else None
    return bare(ir.Place(base.root, base.way + mine.way)) if base is not None else None
