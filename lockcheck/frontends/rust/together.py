"""Several futures that are waited for at once: `join!`, `select!`.

In: the macro's arguments.  Out: steps in which each future runs by itself: none under what another has taken along.
Never: says what is a future.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import tree_sitter as ts

from lockcheck import ir
from lockcheck.frontends.rust import syntax

if TYPE_CHECKING:
    from lockcheck.frontends.rust.frame import Frame


_Arm = tuple[tuple[int, bytes], tuple[int, bytes], tuple[int, bytes]]
"""Where it begins and its bytes: the pattern, the future, the handler."""


class _Future(NamedTuple):
    """A future: what spells it, the shift of its offsets, and where it is if it was made before all are waited for."""

    node: ts.Node | None
    shift: int
    place: ir.Place | None


def joined(to: Frame, node: ts.Node, pieces: list[tuple[int, bytes]]) -> ir.Place | None:
    """`join!(a(), b())`: all are waited for here."""
    futures = [_made(to, start, data) for start, data in pieces]

    def run(future: _Future) -> None:
        _wait(to, node, future, futures)

    arms = [to.arm(node, "", (0, 0), False, lambda f=f: run(f)) for f in futures]  # type: ignore[misc]
    if arms:
        to.put(ir.Branch(tuple(arms)))
        _end(to, node, futures)
    dst = to.slot(to.temps)
    to.put(ir.Await(dst, ir.Place(("[unknown]",)), to.at(node), to.at(node)))
    return None


def selected(to: Frame, tree: ts.Node) -> ir.Place | None:
    """`select! { pattern = future, if condition => handler, … }`: all futures are made, then one handler runs."""
    if any(child.type == "->" for child in tree.children):
        _operated(to, tree)
        return None
    branches = _branches(tree)
    with to.region(tree, scope="temps", why="macro"):
        futures = [_made(to, *future) for _, future, _ in branches]

        def run(number: int) -> None:
            found = to.slot(to.locals)
            with to.region(tree, scope="temps"):
                to.give(found, _wait(to, tree, futures[number], futures))
            _end(to, tree, futures)
            _handler(to, found, branches[number][0], *branches[number][2])

        arms = [to.arm(tree, "", (0, 0), False, lambda n=n: run(n)) for n in range(len(branches))]  # type: ignore[misc]
        if arms:
            to.put(ir.Branch(tuple(arms)))
    return None


def _operated(to: Frame, tree: ts.Node) -> None:
    """`select! { recv(r) -> message => handler, default => … }`: a choice among channels, in which no task waits."""
    branches = _branches(tree)

    def run(number: int) -> None:
        _handler(to, to.slot(to.locals), (0, b"_"), *branches[number][2])

    arms = [to.arm(tree, "", (0, 0), False, lambda n=n: run(n)) for n in range(len(branches))]  # type: ignore[misc]
    if arms:
        to.put(ir.Branch(tuple(arms)))


def _made(to: Frame, start: int, data: bytes) -> _Future:
    """A block is made where it stands; a call runs in its own branch, as if it were waited for on the spot."""
    inner, shift = syntax.expression(data), to.shift + start - len(syntax.BEFORE)
    if inner is None or inner.type in ("call_expression", "macro_invocation"):
        return _Future(inner, shift, None)
    before, to.shift = to.shift, shift
    place = to.value(inner)
    to.shift = before
    return _Future(inner, shift, place)


def _wait(to: Frame, node: ts.Node, future: _Future, futures: list[_Future]) -> ir.Place | None:
    """Wait for one future, without what the others have taken along."""
    _end(to, node, [other for other in futures if other is not future])
    place = future.place
    if place is None and future.node is not None:
        before, to.shift = to.shift, future.shift
        place = to.waiting(future.node)
        to.shift = before
    dst = to.slot(to.temps)
    to.put(ir.Await(dst, place or ir.Place(("[unknown]",)), to.at(node), to.at(node.children[0])))
    return ir.Place(dst)


def _end(to: Frame, node: ts.Node, futures: list[_Future]) -> None:
    """What the futures have taken along is theirs, and ends with them."""
    for future in futures:
        if future.place is not None and future.node is not None and future.node.type == "async_block":
            to.put(ir.Release(future.place, to.at(node)))


def _handler(to: Frame, found: int, pattern: tuple[int, bytes], start: int, data: bytes) -> None:
    """What runs with the value of the future that was ready first."""
    before = b"fn f(){let "
    parsed = syntax.parse(before + pattern[1] + b"= x else {};}")
    body = parsed.named_children[0].child_by_field_name("body") if not parsed.has_error else None
    let = body.named_children[0] if body is not None and body.named_children else None
    shift, to.shift = to.shift, to.shift + pattern[0] - len(before)
    shape = let.child_by_field_name("pattern") if let is not None else None
    to.fits(ir.Place(found), shape)
    to.bind(shape, ir.Place(found), fixed=False)
    to.shift = shift + start - len(syntax.BEFORE)
    inner = syntax.expression(data)
    if inner is not None:
        to.value(inner)
    to.shift = shift


def _branches(tree: ts.Node) -> list[_Arm]:
    """The branches of a `select!`: the pattern, the future and the handler, with where each begins."""
    data, base = tree.text or b"", tree.start_byte
    tokens = tree.children[1:-1]
    branches, at = [], 0
    while at < len(tokens):
        arrow = next((n for n in range(at, len(tokens)) if tokens[n].type == "=>"), None)
        if arrow is None:
            break
        equal = next((n for n in range(at, arrow) if tokens[n].type == "="), None)
        comma = next((n for n in range(equal or at, arrow) if tokens[n].type == ","), arrow)
        begin = tokens[at].start_byte
        pattern = data[begin - base : tokens[equal].start_byte - base] if equal is not None else b""
        first = tokens[equal].end_byte if equal is not None else tokens[arrow].start_byte
        future = (first, data[first - base : tokens[comma].start_byte - base])
        end = arrow + 1
        if end < len(tokens) and (tokens[end].text or b"").startswith(b"{"):
            stop = end + 1
        else:
            stop = next((n for n in range(end, len(tokens)) if tokens[n].type == ","), len(tokens))
        start = tokens[arrow].end_byte
        last = tokens[stop - 1].end_byte if stop > end else start
        branches.append(((begin, pattern), future, (start, data[start - base : last - base])))
        at = stop + 1 if stop < len(tokens) and tokens[stop].type == "," else stop
    return branches
