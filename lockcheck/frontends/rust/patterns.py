"""What patterns bind and what they say of the value.

In: a pattern's node and the place that it is held against.  Out: the names it binds with their places.
Never: allocates slots, writes steps.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import tree_sitter as ts

from lockcheck import ir
from lockcheck.frontends.rust import syntax

PRESENT = ("Some", "Ok")
ABSENT = ("None", "Err")


class Binding(NamedTuple):
    """`name` (written at `node`) becomes the value at `way` below the matched place.

    `by_ref`: another name of it.
    """

    name: str
    way: ir.Path
    by_ref: bool
    node: ts.Node


def bindings(node: ts.Node, way: ir.Path = (), by_ref: bool = False) -> Iterator[Binding]:
    """The names that a pattern binds. Of alternatives (`A(x) | B(x)`) the first speaks for all."""
    kind = node.type
    if kind == "identifier":
        name = syntax.text(node)
        if not _is_constant(name):
            yield Binding(name.removeprefix("r#"), way, by_ref, node)
    elif kind == "shorthand_field_identifier":
        yield Binding(syntax.text(node), way, by_ref, node)
    elif kind == "self":
        yield Binding("self", way, by_ref, node)
    elif kind == "ref_pattern":
        for child in node.named_children:
            yield from bindings(child, way, True)
    elif kind in ("mut_pattern", "reference_pattern", "parenthesized_pattern"):
        for child in node.named_children:
            if child.type != "mutable_specifier":
                yield from bindings(child, way, by_ref)
    elif kind == "match_pattern":
        if node.named_children:
            yield from bindings(node.named_children[0], way, by_ref)
    elif kind == "captured_pattern":
        for child in node.named_children:
            yield from bindings(child, way, by_ref)
    elif kind == "or_pattern":
        if node.named_children:
            yield from bindings(node.named_children[0], way, by_ref)
    elif kind == "tuple_pattern":
        parts = [c for c in node.children if c.type not in ("(", ")", ",") and not c.type.endswith("comment")]
        yield from _numbered(parts, way, "", by_ref)
    elif kind == "tuple_struct_pattern":
        head = syntax.path(node.child_by_field_name("type"))
        parts = [c for c in node.children if c.type not in ("(", ")", ",") and not c.type.endswith("comment")][1:]
        yield from _numbered(parts, way, _variant(head), by_ref)
    elif kind == "slice_pattern":
        for child in _parts(node):
            yield from bindings(child, (*way, "[_]"), by_ref)
    elif kind == "struct_pattern":
        yield from _struct(node, way, by_ref)


def wildcards(node: ts.Node, way: ir.Path = ()) -> Iterator[ir.Path]:
    """The parts of a tuple pattern that are `_`: what is there is not moved out."""
    if node.type == "tuple_pattern":
        parts = [c for c in node.children if c.type not in ("(", ")", ",")]
        for number, part in enumerate(parts):
            if part.type == "remaining_field_pattern":
                return
            if part.type == "_":
                yield (*way, str(number))
            else:
                yield from wildcards(part, (*way, str(number)))


def _parts(node: ts.Node) -> list[ts.Node]:
    return [c for c in node.named_children if not c.type.endswith("comment")]


def _numbered(parts: list[ts.Node], way: ir.Path, variant: str, by_ref: bool) -> Iterator[Binding]:
    for number, part in enumerate(parts):
        if part.type == "remaining_field_pattern":
            return
        yield from bindings(part, (*way, f"{variant}{number}"), by_ref)


def _struct(node: ts.Node, way: ir.Path, by_ref: bool) -> Iterator[Binding]:
    head = syntax.path(node.child_by_field_name("type"))
    variant = _variant(head) if len(head) > 1 else ""
    for child in node.named_children:
        if child.type != "field_pattern":
            continue
        name, inner = child.child_by_field_name("name"), child.child_by_field_name("pattern")
        is_ref = by_ref or any(c.type == "ref" for c in child.children)
        if name is None:
            continue
        below = (*way, variant + syntax.text(name))
        if inner is not None:
            yield from bindings(inner, below, is_ref)
        else:
            yield Binding(syntax.text(name), below, is_ref, name)


def _variant(head: ir.Path) -> str:
    """The prefix of the fields of a variant: `Load::Local(x)` binds the field `Local.0`."""
    return f"{head[-1]}." if head and head[-1] != "Self" else ""


def _is_constant(name: str) -> bool:
    return name[:1].isupper()


def verdict(node: ts.Node | None) -> bool | None:
    """True: the pattern fits only a value that is there (`Some`, `Ok`); False: only one that is missing; else None."""
    if node is None:
        return None
    if node.type == "match_pattern":
        return verdict(node.named_children[0] if node.named_children else None)
    if node.type in ("tuple_struct_pattern", "identifier"):
        head = syntax.path(node.child_by_field_name("type") if node.type != "identifier" else node)
        name = head[-1] if head else ""
        return True if name in PRESENT else False if name in ABSENT else None
    if node.type in ("reference_pattern", "ref_pattern", "parenthesized_pattern") and node.named_children:
        return verdict(node.named_children[-1])
    return None


def is_open(node: ts.Node | None) -> bool:
    """Whether the pattern fits whatever is inside: `Some(x)`, `Ok(_)`, `x`, `_`."""
    if node is None:
        return False
    if node.type == "match_pattern":
        return node.child_by_field_name("condition") is None and bool(node.children) and is_open(node.children[0])
    if node.type == "tuple_struct_pattern":
        return all(is_open(c) for c in _parts(node)[1:])
    if node.type in ("mut_pattern", "ref_pattern", "reference_pattern"):
        return bool(node.named_children) and is_open(node.named_children[-1])
    return node.type == "_" or (node.type == "identifier" and not _is_constant(syntax.text(node)))


def names_in(node: ts.Node) -> bool:
    """Whether the pattern binds anything."""
    return next(bindings(node), None) is not None


def opposite(says: bool | None) -> bool | None:
    """The verdict of the ways on which a pattern does not fit."""
    return None if says is None else not says
