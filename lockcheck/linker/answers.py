"""What a function's answer depends on, where all that it does is answer a question about one part of its object.

In: a lowered function.  Out: the part.
Never: what a call means.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from lockcheck import ir


def part_asked(function: ir.Function, body: ir.Body, operators: Collection[str]) -> ir.Place | None:
    """The part of its object on which alone a method's answer depends, and behind it the method's name in parentheses.

    So `self.conn` for `return self.conn is not None and self.conn.state == OPEN`. None where the method does anything
    else, is answered by anybody else (`operators`, by which values are compared, are nobody), or by several parts.
    """
    if not function.takes_self or body.result < 0:
        return None
    parts = set[str]()
    for step in ir.steps_of(body.root):
        if not _only_asks(step, operators):
            return None
        for place in _asked_by(step):
            if isinstance(place.root, int) and place.root < len(function.params):
                if place.root or not place.way:
                    return None
                parts.add(place.way[0])
    return ir.Place(0, (parts.pop(), f"({function.name})")) if len(parts) == 1 else None


def _only_asks(step: ir.Step, operators: Collection[str]) -> bool:
    match step:
        case ir.Region() | ir.Branch() | ir.Leave() | ir.Get() | ir.Compute() | ir.Refine():
            return True
        case ir.Move(dst):
            return not dst.way
        case ir.Call(callee=ir.Method(name)):
            return name in operators
        case _:
            return False


def _asked_by(step: ir.Step) -> Iterator[ir.Place]:
    match step:
        case ir.Get(place=place) | ir.Refine(place):
            yield place
        case ir.Compute(operands=operands):
            yield from (one.place for one in operands if one.place is not None)
        case _:
            yield from ir.used_by(step)
