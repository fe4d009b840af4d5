"""What a condition says of the values that it asks about.

In: a condition's node and whether it was true.  Out: `ir.Refine`s.
Never: evaluates the condition, says whether a value can change meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import tree_sitter as ts

from lockcheck import ir
from lockcheck.frontends.rust import patterns, syntax

Lookup = Callable[[str], "int | None"]
"""The slot of a name that is in scope."""

_ASKS = {"is_some": True, "is_ok": True, "is_none": False, "is_err": False}
_FINDS = frozenset({"contains", "intersects"})
"""True of nothing that is empty."""


def says(node: ts.Node | None, truth: bool, lookup: Lookup) -> Iterator[ir.Refine]:
    """What is known where the condition was true, or false."""
    kind = node.type if node is not None else ""
    if node is None:
        return
    if kind == "parenthesized_expression" and node.named_children:
        yield from says(node.named_children[-1], truth, lookup)
    elif kind == "unary_expression" and node.children[0].type == "!":
        yield from says(node.named_children[-1], not truth, lookup)
    elif kind == "binary_expression":
        yield from _compared(node, truth, lookup)
    elif kind == "macro_invocation":
        yield from _matches(node, truth, lookup)
    elif kind == "call_expression":
        yield from _called(node, truth, lookup)
    elif (place := _named(node, lookup)) is not None:
        yield ir.Refine(place, truth, True)


def _compared(node: ts.Node, truth: bool, lookup: Lookup) -> Iterator[ir.Refine]:
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    operator = node.child_by_field_name("operator")
    word = operator.type if operator is not None else ""
    if word == ("&&" if truth else "||"):
        yield from says(left, truth, lookup)
        yield from says(right, truth, lookup)
    elif word in ("==", "!="):
        for one, other in ((left, right), (right, left)):
            place = _named(one, lookup)
            claim = patterns.only_claim(other) if place is not None else None
            if place is not None and claim is not None:
                same = truth == (word == "==")
                yield ir.Refine(place, claim.present == same, not claim.value, claim.value)


def _called(node: ts.Node, truth: bool, lookup: Lookup) -> Iterator[ir.Refine]:
    """`x.is_some()` and the like."""
    function = node.child_by_field_name("function")
    name = function.child_by_field_name("field") if function is not None else None
    place = _named(function.child_by_field_name("value"), lookup) if function is not None and name is not None else None
    word = syntax.text(name) if name is not None else ""
    if place is not None and word in _ASKS:
        yield ir.Refine(place, _ASKS[word] == truth, True)
    elif place is not None and truth and word in _FINDS:
        yield ir.Refine(place, True)


def _matches(node: ts.Node, truth: bool, lookup: Lookup) -> Iterator[ir.Refine]:
    """`matches!(x, Pattern)`."""
    if syntax.path(node.child_by_field_name("macro"))[-1:] != ("matches",):
        return
    tree = next((c for c in node.named_children if c.type == "token_tree"), None)
    value, comma, pattern = (tree.text or b"")[1:-1].partition(b",") if tree is not None else (b"", b"", b"")
    if not comma or b" if " in pattern:
        return
    parsed = syntax.parse(b"fn f(){let " + pattern.strip().rstrip(b",") + b" = " + value + b" else {};}")
    body = parsed.named_children[0].child_by_field_name("body") if not parsed.has_error else None
    let = body.named_children[0] if body is not None and body.named_children else None
    if let is None:
        return
    place, shape = _named(let.child_by_field_name("value"), lookup), let.child_by_field_name("pattern")
    only = patterns.only_claim(shape)
    for claim in patterns.claims(shape) if truth else [only] if only is not None else []:
        if place is not None:
            part = ir.Place(place.root, place.way + claim.way)
            yield ir.Refine(part, claim.present == truth, True, claim.value)


def _named(node: ts.Node | None, lookup: Lookup) -> ir.Place | None:
    """The place of a variable or of a field of one; no step is needed to look at it."""
    if node is None:
        return None
    if node.type in ("identifier", "self"):
        slot = lookup(syntax.text(node).removeprefix("r#"))
        return ir.Place(slot) if slot is not None else None
    if node.type == "field_expression":
        base, field = _named(node.child_by_field_name("value"), lookup), node.child_by_field_name("field")
        if base is None or field is None:
            return None
        return ir.Place(base.root, (*base.way, syntax.text(field).removeprefix("r#")))
    stands_for = node.type in ("parenthesized_expression", "reference_expression") or (
        node.type == "unary_expression" and node.children[0].type == "*"
    )
    return _named(node.named_children[-1], lookup) if stands_for and node.named_children else None
