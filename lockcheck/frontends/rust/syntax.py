"""The parser, and names and types as the syntax tree spells them.

In: bytes of Rust.  Out: trees; `ir.Path` and `ir.Type` of nodes.
Never: lock logic.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import tree_sitter as ts
import tree_sitter_rust

from lockcheck import ir

_LANGUAGE = ts.Language(tree_sitter_rust.language())
_PARSER = ts.Parser(_LANGUAGE)

SELF = ir.Type(("Self",))
UNIT = ir.Type(("[tuple]",))


def parse(data: bytes) -> ts.Node:
    """The root node of the tree of `data`; broken places are ERROR nodes, nothing is raised."""
    return _PARSER.parse(data).root_node


def text(node: ts.Node) -> str:
    """The source of a node."""
    return (node.text or b"").decode("utf-8", "replace")


def path(node: ts.Node | None) -> ir.Path:
    """The path that a node spells, without type arguments: `a::B::<T>::c` is ("a", "B", "c")."""
    if node is None:
        return ()
    kind = node.type
    if kind in ("scoped_identifier", "scoped_type_identifier"):
        name = node.child_by_field_name("name")
        return path(node.child_by_field_name("path")) + ((text(name),) if name else ())
    if kind in ("generic_type", "generic_type_with_turbofish"):
        return path(node.child_by_field_name("type"))
    if kind == "generic_function":
        return path(node.child_by_field_name("function"))
    if kind == "bracketed_type":
        inner = node.named_children[0] if node.named_children else None
        return path(inner.child_by_field_name("type") if inner and inner.type == "qualified_type" else inner)
    if node.named_child_count and kind not in ("identifier", "type_identifier", "self", "super", "crate"):
        return ()
    return (text(node).removeprefix("r#"),)


def arguments(node: ts.Node | None) -> tuple[ir.Type, ...]:
    """The types of a `type_arguments` node; of `Item = T` it is `T`; lifetimes are left out, unknown types are `_`."""
    if node is None:
        return ()
    kept = (n for n in node.named_children if n.type not in ("lifetime", "line_comment"))
    return tuple(
        exactly(n.child_by_field_name("type") if n.type == "type_binding" else n) or ir.Type(("_",)) for n in kept
    )


def exactly(node: ts.Node | None) -> ir.Type | None:
    """The type that a node spells, with the reference that it may be."""
    kind = type_of(node)
    return ir.Type(("[ref]",), (kind,)) if kind is not None and is_reference(node) else kind


def is_reference(node: ts.Node | None) -> bool:
    """Whether a type is one of references or pointers."""
    return node is not None and node.type in _REFERENCES


_REFERENCES = ("reference_type", "pointer_type")


def type_of(node: ts.Node | None) -> ir.Type | None:
    """The type that a node spells, behind a reference that it may be; None where it says nothing about locks."""
    if node is None:
        return None
    kind = node.type
    if kind in ("type_identifier", "primitive_type", "identifier", "scoped_type_identifier", "scoped_identifier"):
        return ir.Type(path(node))
    if kind in ("generic_type", "generic_type_with_turbofish"):
        return ir.Type(path(node), arguments(node.child_by_field_name("type_arguments")))
    if kind in _REFERENCES:
        return type_of(node.child_by_field_name("type"))
    if kind == "tuple_type":
        return ir.Type(("[tuple]",), tuple(exactly(n) or ir.Type(("_",)) for n in node.named_children))
    if kind == "unit_type":
        return UNIT
    if kind == "array_type":
        return ir.Type(("[list]",), (exactly(node.child_by_field_name("element")) or ir.Type(("_",)),))
    if kind in ("dynamic_type", "abstract_type"):
        inner = type_of(node.child_by_field_name("trait"))
        return inner if inner is None or inner.path == ("[fn]",) else ir.Type(("[dyn]",), (inner,))
    if kind == "function_type":
        return ir.Type(("[fn]",), (*_taken(node), type_of(node.child_by_field_name("return_type")) or UNIT))
    if kind == "bounded_type":
        bounds = [n for n in node.named_children if n.type not in ("lifetime",)]
        return type_of(bounds[0]) if bounds else None
    if kind in ("parenthesized_type", "higher_ranked_trait_bound"):
        return type_of(node.named_children[-1] if node.named_children else None)
    if kind == "bracketed_type":
        return ir.Type(path(node))
    return None


def _taken(node: ts.Node) -> Iterator[ir.Type]:
    """The types of what a callable takes, by its type."""
    listed = node.child_by_field_name("parameters")
    for child in listed.named_children if listed else ():
        if child.type not in ("attribute_item", "variadic_parameter", "line_comment", "block_comment"):
            kind = exactly(child.child_by_field_name("type") if child.type == "parameter" else child)
            yield kind or ir.Type(("_",))


def name_of(kind: ir.Type | None) -> str:
    """The last part of a type's name, for people."""
    return kind.path[-1] if kind and kind.path else ""


def blank(data: bytes, pattern: re.Pattern[bytes]) -> bytes:
    """`data` with every match of `pattern` overwritten by spaces: offsets stay as they are."""
    return pattern.sub(lambda m: b" " * len(m[0]), data)


NAMES = ("identifier", "scoped_identifier")
"""Kinds of nodes that only name something."""


def made_by(value: ts.Node) -> ts.Node | None:
    """What a lazy value is made by: the body of the closure that is all it is given, or a function's name."""
    listed = value.child_by_field_name("arguments") if value.type == "call_expression" else None
    given = listed.named_children if listed is not None else []
    if len(given) != 1:
        return None
    return given[0].child_by_field_name("body") if given[0].type == "closure_expression" else _named(given[0])


def listed(value: ts.Node) -> Iterator[ir.Path]:
    """What is named as functions are, by itself or in an array, or in the tuples and structs in it."""
    if value.type in NAMES:
        yield from (one for one in (path(value),) if one and one[-1][:1].islower())
    elif value.type in _TABLES:
        for part in value.named_children:
            yield from listed(part)


_TABLES = (
    "array_expression",
    "tuple_expression",
    "reference_expression",
    "struct_expression",
    "field_initializer_list",
    "field_initializer",
    "parenthesized_expression",
    "type_cast_expression",
)


def _named(node: ts.Node) -> ts.Node | None:
    """A name, unless it is spelled as a constant's."""
    return node if node.type in NAMES and not path(node)[-1].isupper() else None


_WITH_BLOCK = (
    "if_expression",
    "match_expression",
    "block",
    "unsafe_block",
    "loop_expression",
    "while_expression",
    "for_expression",
    "async_block",
    "const_block",
    "try_block",
    "gen_block",
)


def tail(node: ts.Node) -> ts.Node | None:
    """The expression that is a block's value, if its last part is one."""
    kind = node.type
    if kind == "expression_statement":
        inner = node.named_children[0] if node.named_children else None
        ended = node.children and node.children[-1].type == ";"
        return inner if inner is not None and not ended and inner.type in _WITH_BLOCK else None
    if kind.endswith(("_item", "_declaration", "_definition")) or kind in ("empty_statement", "attribute_item"):
        return None
    return node


def stays(node: ts.Node) -> bool:
    """Whether a declaration or an expression gives no leave to change the value: no `mut x`, no `&mut`."""
    for child in node.children:
        if child.type == "mutable_specifier":
            return False
        if child.type in ("reference_type", "reference_expression") and not stays(child):
            return False
    return True


BEFORE = b"fn f(){("
"""What stands before an expression that is parsed by itself."""


def expression(data: bytes) -> ts.Node | None:
    """The expression that the bytes spell, or None. Its offsets are shifted by the length of `BEFORE`."""
    root = parse(BEFORE + data + b")}")
    if root.has_error or not root.named_children:
        return None
    body = root.named_children[0].child_by_field_name("body")
    paren = body.named_children[0] if body is not None and body.named_children else None
    if paren is not None and paren.type == "expression_statement":
        paren = paren.named_children[0]
    if paren is None or paren.type not in ("parenthesized_expression", "tuple_expression") or not paren.named_children:
        return None
    return paren.named_children[0] if len(paren.named_children) == 1 else paren
