"""Whether an object can be of all the classes whose methods a way calls on it.

In: a moment and an acquisition that it comes to.  Out: whether the way there leaves the object's class.
Never: words for people, syntax.
"""

from __future__ import annotations

from lockcheck import ir
from lockcheck.analysis import Analysis, Moment, Reach, Site


def leaves_class(analysis: Analysis, moment: Moment, reach: Reach) -> bool:
    """Whether a base's method comes to what another class puts in the place of a method, which the object is not.

    A base that calls a method of its own object comes to those of all classes below it; the object that was given to
    the base is of one of them only.
    """
    event = moment.event
    if not (isinstance(event, ir.Invoke) and event.paths and event.paths[0] is not None):
        return False
    kind, exact = _class_of(analysis, moment.function, event.paths[0])
    if kind is None:
        return False
    made, effects = analysis.program.types.made, analysis.effects(moment.function)
    for depth, site in enumerate((*reach.trace[1:], reach.site)):
        owner = analysis.program.types.context(site.function).owner
        if owner is None or not analysis.program.functions[site.function][1].takes_self:
            return False
        own = made.is_built_on(kind, owner.path, effects)
        exact = exact and (own or depth > 0)  # (what a class has only below it is called on something below it)
        if not (own if exact else made.in_one_object(kind, owner.path, effects)):
            return True
        if not _is_on_itself(analysis, site):
            return False
    return False


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


def _is_on_itself(analysis: Analysis, site: Site) -> bool:
    """Whether what stands at a place in a method is a call of a method of the same object."""
    events = (moment.event for moment in analysis.moments(site.function))
    return any(isinstance(one, ir.Invoke) and one.at == site.at and one.paths[:1] == (ir.Place(0),) for one in events)
