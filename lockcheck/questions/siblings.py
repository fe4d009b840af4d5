"""Two objects whose locks are taken in the order in which the caller gives them, or in an order of their own.

In: an `Analysis`.  Out: the `Edge`s of such places; whether an edge is one of an order of their own.
Never: words for people, syntax.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from lockcheck import ir
from lockcheck.analysis import Analysis, Moment, Reach
from lockcheck.analysis.orders import is_unordered
from lockcheck.questions.conflict import kind_of
from lockcheck.questions.edges import Edge


def pairs(analysis: Analysis) -> list[Edge]:
    """The first place of each function where the lock of an object is waited for while that of another is held.

    Both objects are of one type and given by the caller, whose order decides; another caller's may be the other. It is
    left alone where the function asks whether both are one, or takes them the other way round elsewhere, as what
    decides the order itself does.
    """
    return analysis.once(_pairs)


def _pairs(analysis: Analysis) -> list[Edge]:
    found: dict[int, dict[tuple[str, int, int], Edge]] = defaultdict(dict)
    for moment in analysis:
        if not any(moment.ways) or isinstance(moment.event, ir.Register) or len(_given_at(analysis, moment)) < 2:
            continue
        for reach, held in moment.met(analysis.reaches(moment)):
            for hold, sure in held:
                taken, lock = hold.taken, reach.lock
                order = _of_callers(analysis, moment, taken.lock, reach)
                if order is not None and kind_of(taken.mode, reach.mode, lock, reach.recursive) is not None:
                    edge = Edge(lock.owner, lock.owner, moment, hold, sure, reach, frozenset())
                    found[moment.function].setdefault((lock.owner, *order), edge)
    return [
        next(iter(some.values()))
        for number, some in found.items()
        if not any((owner, b, a) in some for owner, a, b in some) and not analysis.compares(number)
    ]


def _given_at(analysis: Analysis, moment: Moment) -> set[int]:
    """The parameters that what is held at a moment, and what its event is about, are in."""
    match moment.event:
        case ir.Acquire(lock):
            places = [lock.place]
        case ir.Invoke(paths=paths):
            places = [place for place in paths if place is not None]
        case _:
            return set()
    places += [hold.taken.lock.place for way in moment.ways for hold in way]
    last = analysis.program.parameters(moment.function)
    return {place.root for place in places if isinstance(place.root, int) and place.root < last}


def _of_callers(analysis: Analysis, moment: Moment, held: ir.Lock, reach: Reach) -> tuple[int, int] | None:
    """The parameters that two locks of one owner are in, by the same way, where it is known what is called."""
    wanted = reach.lock
    mine, other = held.place, wanted.place
    if not held.owner or held.owner != wanted.owner or mine.way != other.way or is_unordered(wanted):
        return None
    if reach.spread or not (reach.certain or isinstance(moment.event, ir.Acquire)):
        return None
    last = analysis.program.parameters(moment.function)
    if not isinstance(mine.root, int) or not isinstance(other.root, int) or max(mine.root, other.root) >= last:
        return None
    return (mine.root, other.root) if mine.root != other.root else None


def in_own_order(analysis: Analysis, edge: Edge) -> bool:
    """Whether a function takes the locks of two objects in both orders, one in each of two arms of a question that it
    asks of neither alone: so it finds out which one is to come first.

    A condition that is known to be true or false in its arms has nothing to do with the two.
    """
    held, wanted, number = edge.hold.taken.lock.place, edge.reach.lock.place, edge.moment.function
    two = isinstance(held.root, int) and isinstance(wanted.root, int) and held.root != wanted.root
    linked = analysis.linked(number) if two and edge.within < 0 else None
    if linked is None:
        return False
    mine, turned = analysis.site(edge.moment).at, analysis.once(_Orders).of(number).get((wanted, held), ())
    questions = [one.arms for one in ir.steps_of(linked.root) if isinstance(one, ir.Branch)] if turned else []
    found = ((_arm_at(arms, mine), _arm_at(arms, other)) for arms in questions for other in turned)
    return any(one is not None and other is not None and one is not other for one, other in found)


class _Orders:
    """In which orders functions take the locks of two of their values: found out once for each function.

    There are as many edges as there are such places, and each asks for those of the other order.
    """

    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis
        self._known: dict[int, dict[tuple[ir.Place, ir.Place], dict[ir.Range, None]]] = {}

    def of(self, number: int) -> Mapping[tuple[ir.Place, ir.Place], Iterable[ir.Range]]:
        """By the place held and the place wanted, where a function takes locks of two of its values so."""
        if number not in self._known:
            analysis = self._analysis
            found = self._known[number] = defaultdict(dict)
            for moment in analysis.moments(number):
                at = analysis.site(moment).at
                for reach, some in moment.met(analysis.reaches(moment)) if any(moment.ways) else ():
                    for hold, _ in some:
                        held, wanted = hold.taken.lock.place, reach.lock.place
                        if isinstance(held.root, int) and isinstance(wanted.root, int) and held.root != wanted.root:
                            found[held, wanted][at] = None
        return self._known[number]


def _arm_at(arms: tuple[ir.Arm, ...], at: ir.Range) -> ir.Arm | None:
    """The arm that a place is in, if nothing is said of a value to come there."""
    arm = next((arm for arm in arms if ir.within(at, arm.body.at)), None)
    said = arm is not None and isinstance(next(iter(arm.body.steps), None), (ir.Refine, ir.Assume))
    return None if said else arm
