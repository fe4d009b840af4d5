"""Closures that callers give to a function which puts them into a field, for who calls what the field keeps.

In: the functions that fill a field, who says their names.  Out: what these closures come to, and on whose object.
Never: whether what they come to is held where they are called.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from lockcheck import ir
from lockcheck.analysis.joins import reached_by
from lockcheck.analysis.ways import STARTED, below, moved_to
from lockcheck.linker import parts_of_owner
from lockcheck.linker.places import BEHIND, bare

if TYPE_CHECKING:
    from lockcheck.analysis.summaries import Reach, Summary
    from lockcheck.linker import Linked, Program

_MOST_NAMING = 60
"""So many functions may say the name of one that is given closures to keep; a name that more say is not looked for."""


class Given(NamedTuple):
    """What a closure comes to that was given to the object at `whole`, which is kept in the field `kept_in`, if any."""

    whole: ir.Place
    kept_in: str
    reach: Reach


def given_to(
    program: Program,
    around: Iterable[tuple[int, Linked]],
    owner: str,
    naming: Callable[[str], frozenset[int] | None],
    summarize: Callable[[int], Summary],
) -> Iterator[Given]:
    """What the closures come to that others give to the functions `around`, which put them into the owner's field.

    Tests are left out: what they try is called nowhere else.
    """
    filled = [(number, one) for number, linked in around for one in linked.fills if one.owner == owner]
    for number, fill in filled:
        named = naming(program.functions[number][1].name) or frozenset()
        callers = sorted(named) if len(named) <= _MOST_NAMING else []
        for caller in (n for n in callers if not program.functions[n][1].of_tests):
            linked = program.linked(caller)
            for step in ir.steps_of(linked.root) if linked is not None else ():
                if linked is None or not isinstance(step, ir.Invoke) or number not in step.targets:
                    continue
                whole, kept_in = whole_of(step, fill.whole)
                for body in (body for n, body, _ in step.lambdas if n == fill.parameter):
                    for reach in reached_by(caller, linked, program.parameters(caller), body, summarize):
                        if whole is not None:
                            yield Given(whole, kept_in, reach)


def whole_of(step: ir.Invoke, place: ir.Place) -> tuple[ir.Place | None, str]:
    """A callee's place as its caller sees it, and the field that it is there."""
    root = place.root if isinstance(place.root, int) else -1
    known = step.paths[root] if 0 <= root < len(step.paths) else None
    if known is None:
        return None, ""
    kept_in = step.owners[root] if not place.way and root < len(step.owners) else ""
    return bare(ir.Place(known.root, known.way + place.way)), kept_in


def of_object(given: Given, mine: ir.Place | None, kept_in: str, declared_by: ir.Path) -> ir.Lock | None:
    """The lock that a closure takes, of the object at `mine` that keeps it, or of who keeps that object in a field.

    `declared_by`: the type of the object. None: whose lock it is cannot be told.
    """
    lock, place = given.reach.lock, bare(given.reach.lock.place)
    if below(place, given.whole):
        way = place.way[len(given.whole.way) :]
        known = ir.Place(mine.root, mine.way + way) if mine is not None else ir.Place(STARTED)
        return moved_to(lock, known) if parts_of_owner(lock.owner)[0] == declared_by else None
    around, mine_around = _around(given.whole), _around(mine) if mine is not None else None
    if around is None or mine_around is None or not kept_in or kept_in != given.kept_in or not below(place, around):
        return None
    way = place.way[len(around.way) :]
    same = parts_of_owner(lock.owner)[0] == parts_of_owner(kept_in)[0]
    return moved_to(lock, ir.Place(mine_around.root, mine_around.way + way)) if same else None


def _around(place: ir.Place) -> ir.Place | None:
    """What has the value at a place in a field; None for the value of a variable."""
    way = place.way
    while way[-1:] == ("*",):
        way = way[:-1]
    return ir.Place(place.root, way[:-1]) if way else None


def object_of(place: ir.Place | None, field: str) -> ir.Place | None:
    """The object by whose field a place goes, the nearest to its end; None where the field is not on the way."""
    known, name = bare(place) if place is not None else None, field.removesuffix(BEHIND)
    if known is None or name not in known.way:
        return None
    return ir.Place(known.root, known.way[: len(known.way) - 1 - known.way[::-1].index(name)])
