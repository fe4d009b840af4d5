"""Which argument of a call is for which parameter, and what a function passes on of what it gathers itself.

In: the operands of a call, and the parameters of its target and of the function that it stands in.
Out: operands in the order of the parameters, and places for questions.
Never: what a call means.
"""

from __future__ import annotations

from collections.abc import Callable

from lockcheck import ir

REST = "**"
"""The name of an operand that stands for any number of named arguments."""

_Places = Callable[[ir.Place | None], ir.Place | None]


def fitted(operands: tuple[ir.Operand, ...], params: tuple[ir.Param, ...], alone: bool) -> tuple[ir.Operand, ...]:
    """The operands in the order of the parameters that they are for. What is left out is what the one callee says."""
    whole = alone and not any(operand.spread for operand in operands)
    given = _slots(operands, params)
    return tuple(
        ir.Operand(given[slot].place if slot in given else param.default if whole else None)
        for slot, param in enumerate(params)
    )


def passed_on(
    operands: tuple[ir.Operand, ...], params: tuple[ir.Param, ...], own: tuple[ir.Param, ...]
) -> dict[int, ir.Place]:
    """What a question about each parameter is about that only what the function gathers itself can give."""
    root, first = _spread(operands, own)
    if root < 0:
        return {}
    given, found = _slots(operands, params), {}
    for slot, param in enumerate(params):
        if slot not in given and not param.gathers:
            number = str(slot - first) if slot >= first else "-"
            otherwise = param.default.root[0] if param.default is not None else "?"  # type: ignore[index]
            found[slot] = ir.Place(root, (ir.GATHERED, number, param.name, otherwise if param.optional else "?"))
    return found


def gathered(
    operands: tuple[ir.Operand, ...], params: tuple[ir.Param, ...], own: tuple[ir.Param, ...], asked: _Places
) -> tuple[tuple[str, ir.Place | None], ...]:
    """What a call gives to the parameters that gather: see `ir.Invoke.gathered`."""
    begin = next((slot for slot, param in enumerate(params) if param.gathers), -1)
    if begin < 0:
        return ()
    names, found = {param.name for param in params}, list[tuple[str, ir.Place | None]]()
    for number, one in enumerate(operands):
        if one.spread:
            root, first = _spread(operands, own)
            return (*found, ("*", ir.Place(root) if root >= 0 and first in (begin, len(operands)) else None))
        if one.name and one.name not in names:
            found.append((one.name, asked(one.place)))
        elif not one.name and number >= begin:
            found.append((str(number - begin), asked(one.place)))
    return tuple(found)


def _spread(operands: tuple[ir.Operand, ...], own: tuple[ir.Param, ...]) -> tuple[int, int]:
    """The last of a function's own gathering parameters that a call passes on as they are, and for the how manieth
    argument the first of what stands in order is. Nothing (-1) where something else is passed on.
    """
    spread = [(number, one) for number, one in enumerate(operands) if one.spread]
    slots = [one.place.root for _, one in spread if one.place is not None and not one.place.way]
    mine = [slot for slot in slots if isinstance(slot, int) and slot < len(own) and own[slot].gathers]
    if not spread or len(mine) < len(spread):
        return -1, 0
    return mine[-1], next((number for number, one in spread if one.name != REST), len(operands))


def _slots(operands: tuple[ir.Operand, ...], params: tuple[ir.Param, ...]) -> dict[int, ir.Operand]:
    """The operand of each parameter that one is sure to be for."""
    names = {param.name: slot for slot, param in enumerate(params) if not param.gathers}
    last = next((slot for slot, param in enumerate(params) if param.gathers), len(params))
    last = min([last, *(number for number, one in enumerate(operands) if one.spread)])
    found = {}
    for number, one in enumerate(operands):
        slot = names.get(one.name, -1) if one.name else number if number < last else -1
        if slot >= 0 and not one.spread:
            found[slot] = ir.Operand(one.place)
    return found
