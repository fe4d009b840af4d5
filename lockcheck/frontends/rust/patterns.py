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

    `by_ref`: another name of it. `fixed`: it is not declared to change.
    """

    name: str
    way: ir.Path
    by_ref: bool
    node: ts.Node
    fixed: bool = True


class Claim(NamedTuple):
    """The part at `way` of a matched value is (`present`) or is not `value`: a named value; empty: there, or true."""

    way: ir.Path
    value: ir.Path
    present: bool


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
    elif kind in ("mut_pattern", "ref_pattern", "reference_pattern", "parenthesized_pattern"):
        changes = kind == "mut_pattern" or any(c.type == "mutable_specifier" for c in node.children)
        for child in node.named_children:
            if child.type != "mutable_specifier":
                for found in bindings(child, way, by_ref or kind == "ref_pattern"):
                    yield found._replace(fixed=found.fixed and not changes)
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
        yield from _numbered(_listed(node), way, "", by_ref)
    elif kind == "tuple_struct_pattern":
        head = syntax.path(node.child_by_field_name("type"))
        yield from _numbered(_listed(node)[1:], way, _variant(head), by_ref)
    elif kind == "slice_pattern":
        for child in _parts(node):
            yield from bindings(child, (*way, "[_]"), by_ref)
    elif kind == "struct_pattern":
        yield from _struct(node, way, by_ref)


def wildcards(node: ts.Node, way: ir.Path = ()) -> Iterator[ir.Path]:
    """The parts of a tuple pattern that are `_`: what is there is not moved out."""
    if node.type == "tuple_pattern":
        for number, part in enumerate(_listed(node)):
            if part.type == "remaining_field_pattern":
                return
            if part.type == "_":
                yield (*way, str(number))
            else:
                yield from wildcards(part, (*way, str(number)))


def _listed(node: ts.Node) -> list[ts.Node]:
    """All parts in order, `_` among them."""
    return [c for c in node.children if c.type not in ("(", ")", ",") and not c.type.endswith("comment")]


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
            changes = any(c.type == "mutable_specifier" for c in child.children)
            yield Binding(syntax.text(name), below, is_ref, name, not changes)


def _variant(head: ir.Path) -> str:
    """The prefix of the fields of a variant: `Load::Local(x)` binds the field `Local.0`."""
    return f"{head[-1]}." if head and head[-1] != "Self" else ""


def _is_constant(name: str) -> bool:
    return name[:1].isupper()


def claims(node: ts.Node | None, way: ir.Path = ()) -> Iterator[Claim]:
    """What is true of a value that a pattern fits."""
    kind = node.type if node is not None else ""
    if node is None or kind not in _CLAIMING:
        return
    if kind == "boolean_literal":
        yield Claim(way, (), syntax.text(node) == "true")
    elif kind == "tuple_pattern":
        for number, part in enumerate(_listed(node)):
            if part.type == "remaining_field_pattern":
                return
            yield from claims(part, (*way, str(number)))
    elif kind in ("identifier", "scoped_identifier"):
        yield from _named(syntax.path(node), way)
    elif kind in ("tuple_struct_pattern", "struct_pattern"):
        yield from _named(syntax.path(node.child_by_field_name("type")), way)
    elif node.named_children:
        yield from claims(node.named_children[0 if kind == "match_pattern" else -1], way)


_CLAIMING = (
    "boolean_literal",
    "tuple_pattern",
    "identifier",
    "scoped_identifier",
    "tuple_struct_pattern",
    "struct_pattern",
    "match_pattern",
    "reference_pattern",
    "ref_pattern",
    "parenthesized_pattern",
)


def _named(head: ir.Path, way: ir.Path) -> Iterator[Claim]:
    """What a constructor's name says: `Some`, `Err`, `Mode::Fast`."""
    if not head or not _is_constant(head[-1]):
        return
    if head[-1] in PRESENT + ABSENT and (len(head) == 1 or head[-2] in ("Option", "Result")):
        yield Claim(way, (), head[-1] in PRESENT)
    else:
        yield Claim(way, head, True)


def only_claim(node: ts.Node | None) -> Claim | None:
    """The claim that is false of every value that the pattern does not fit, if one alone decides whether it does."""
    if node is None or not _decided(node):
        return None
    found = list(claims(node))
    return found[0] if len(found) == 1 else None


def _decided(node: ts.Node) -> bool:
    """Whether a constructor fits whatever is inside."""
    if node.type == "match_pattern":
        return node.child_by_field_name("condition") is None and bool(node.children) and _decided(node.children[0])
    if node.type in ("reference_pattern", "ref_pattern", "parenthesized_pattern"):
        return bool(node.named_children) and _decided(node.named_children[-1])
    if node.type == "tuple_struct_pattern":
        return all(is_open(part) for part in _parts(node)[1:])
    if node.type == "struct_pattern":
        return _open_fields(node)
    return node.type in ("identifier", "scoped_identifier", "boolean_literal")


def is_open(node: ts.Node | None) -> bool:
    """Whether the pattern fits every value: `x`, `_`, `(a, _)`."""
    if node is None:
        return False
    if node.type == "match_pattern":
        return node.child_by_field_name("condition") is None and bool(node.children) and is_open(node.children[0])
    if node.type in ("mut_pattern", "ref_pattern", "reference_pattern", "parenthesized_pattern"):
        return bool(node.named_children) and is_open(node.named_children[-1])
    if node.type == "tuple_pattern":
        return all(is_open(part) for part in _parts(node))
    if node.type == "struct_pattern":
        return len(syntax.path(node.child_by_field_name("type"))) == 1 and _open_fields(node)
    if node.type == "captured_pattern":
        return bool(node.named_children) and is_open(node.named_children[-1])
    is_name = node.type == "identifier" and not _is_constant(syntax.text(node))
    return is_name or node.type in ("_", "remaining_field_pattern")


def _open_fields(node: ts.Node) -> bool:
    parts = (child.child_by_field_name("pattern") for child in node.named_children if child.type == "field_pattern")
    return all(part is None or is_open(part) for part in parts)


def names_in(node: ts.Node) -> bool:
    """Whether the pattern binds anything."""
    return next(bindings(node), None) is not None
