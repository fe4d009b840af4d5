"""Whether an object can be of all the classes whose methods a way calls on it.

In: a moment and what it comes to: an acquisition, a wait, a call of what somebody keeps.
Out: whether the way there leaves the object's class.
Never: words for people, syntax.
"""

from __future__ import annotations

from lockcheck import ir
from lockcheck.analysis import Analysis, Moment, Reach, Site
from lockcheck.analysis.summaries import Wait


def leaves_class(analysis: Analysis, moment: Moment, end: Reach | Wait) -> bool:
    """Whether a base's method comes to what another class puts in the place of a method, which the object is not.

    A base that calls a method of its own object comes to those of all classes below it; the object that was given to
    the base is of one of them only. So is each object that the way goes on to.
    """
    kind, exact = _class_called(analysis, moment)
    made, effects = analysis.program.types.made, analysis.effects(moment.function)
    sites = (*end.trace[1:], end.site)
    for depth, (site, after) in enumerate(zip(sites, (*sites[1:], None), strict=True)):
        owner = _owner(analysis, site.function)
        if owner is not None and kind is not None:
            own = made.is_built_on(kind, owner, effects)
            exact = exact and (own or depth > 0)  # (what a class has only below it is called on something below it)
            if not (own if exact else made.in_one_object(kind, owner, effects)):
                return True
        if after is None or owner is None or not _is_on_itself(analysis, site, after.function):
            kind, exact = None, False
        elif kind is None or not (exact or made.is_built_on(kind, owner, effects)):
            kind = owner
    return False


def _owner(analysis: Analysis, number: int) -> ir.Path | None:
    """The class of the object whose method a function is."""
    owner = analysis.program.types.context(number).owner
    return owner.path if owner is not None and analysis.program.functions[number][1].takes_self else None


def _class_called(analysis: Analysis, moment: Moment) -> tuple[ir.Path | None, bool]:
    """The class of the object whose method the moment calls, as `_class_of` gives it; None where nothing is known."""
    event = moment.event
    place = event.paths[0] if isinstance(event, ir.Invoke) and event.paths else None
    return _class_of(analysis, moment.function, place) if place is not None else (None, False)


def _class_of(analysis: Analysis, number: int, place: ir.Place) -> tuple[ir.Path | None, bool]:
    """The class of what is at a place, and whether it is no other one below that: the function has made the object."""
    types, effects, context = analysis.program.types, analysis.effects(number), analysis.program.types.context(number)
    if place == ir.Place(0) and analysis.program.functions[number][1].takes_self and context.owner is not None:
        return context.owner.path, False
    body = analysis.program.body(number) if effects.objects and not place.way else None
    for step in ir.steps_of(body.root) if body is not None else ():
        if isinstance(step, ir.Call) and step.dst == place.root and isinstance(step.callee, ir.Named):
            kind = types.resolve(ir.Type(step.callee.path), context, effects)
            return (kind.path, True) if kind is not None and kind.path in types.names.types else (None, False)
    return None, False


def _is_on_itself(analysis: Analysis, site: Site, callee: int) -> bool:
    """Whether what stands at a place in a method calls `callee`, as a method of the same object."""
    events = (moment.event for moment in analysis.moments(site.function))
    calls = (one for one in events if isinstance(one, ir.Invoke) and one.at == site.at and callee in one.targets)
    return any(one.paths[:1] == (ir.Place(0),) for one in calls)
