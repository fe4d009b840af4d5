"""Functions that are not `async` and still only make what runs when it is awaited: `Box::pin(async move { … })`.

In: a function's node.  Out: whether a call of it runs nothing but what cannot wait, and the type of what comes of it.
Never: resolves a name. What does something before its future begins is as it is written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeAlias

import tree_sitter as ts

from lockcheck import ir
from lockcheck.frontends.rust import syntax

_BOXED = ("BoxFuture", "LocalBoxFuture")
_PLAIN = re.compile(
    r"(?:clone|cloned|copied|downgrade|new|now|caller|pin|boxed|boxed_local|(?:as|to|into|from)(?:_\w+)?)\Z"
)
"""What makes another name or a copy, by Rust's rules for names: https://rust-lang.github.io/api-guidelines/naming.html."""

Named: TypeAlias = "Mapping[str, tuple[ir.Path, ir.Type]]"
"""The types that a file has names for, by these: the parameters of each, and what it is."""


def is_made(node: ts.Node, body: ts.Node | None, named: Named) -> bool:
    """Whether a function only makes a future: it ends with one, and what stands before it copies and names values."""
    returns = node.child_by_field_name("return_type")
    if body is None or returns is None or not body.named_children:
        return False
    *before, last = [child for child in body.named_children if not child.type.endswith("_comment")] or [body]
    tail = syntax.tail(last)
    told = _output(syntax.type_of(returns), named) is not None
    return tail is not None and _makes_only(tail, told) and all(_is_plain(child) for child in before)


def output(node: ts.Node, named: Named) -> ir.Type | None:
    """What awaiting the result of such a function gives, where its type says so."""
    return _output(syntax.type_of(node.child_by_field_name("return_type")), named)


def _output(kind: ir.Type | None, named: Named) -> ir.Type | None:
    """The type of what a future of a type gives; None where it is none by its name."""
    if kind is None:
        return None
    if kind.path == ("[dyn]",) or kind.path[-1] in ("Pin", "Box"):
        return _output(kind.args[0], named) if kind.args else None
    if kind.path[-1] == "Future" or kind.path[-1] in _BOXED:
        return kind.args[-1] if kind.args else syntax.UNIT
    if len(kind.path) == 1 and kind.path[0] in named:
        parameters, meaning = named[kind.path[0]]
        return ir.substitute(_output(meaning, {}), dict(zip(parameters, kind.args, strict=False)))
    return None


def _makes_only(tail: ts.Node, told: bool) -> bool:
    """Whether an expression only makes a future: a block that runs when it is awaited, in what makes one that can be
    kept; or (where a type told that it is one) another function's, who gets what has a name already.

    `self.room.write().come()` does more: the guard is gone when anybody awaits what `come` gave.
    """
    inner = _wrapped(tail)
    if inner.type == "call_expression":
        given = inner.child_by_field_name("arguments")
        rest = (one for one in inner.named_children if one != given)
        asked = (one for one in (given.named_children if given is not None else ()) if not _asks_plainly(one))
        return told and all(_calls_plainly(child) for child in (*rest, *asked))
    return inner.type == "async_block" or (told and _calls_plainly(inner, choices=True))


def _wrapped(node: ts.Node) -> ts.Node:
    """What is in calls that only wrap it: `Box::pin(…)`, `….boxed()`."""
    while node.type in ("call_expression", "field_expression", "parenthesized_expression"):
        inside = node.child_by_field_name("arguments") if node.type == "call_expression" else None
        given = [child for child in (inside or node).named_children if not child.type.endswith("_comment")]
        called = node.child_by_field_name("function")
        if called is not None and not _PLAIN.match(_word(called)):
            return node
        if inside is not None and not given and called is not None and called.type == "field_expression":
            node = called.named_children[0]
        elif len(given) == 1 or node.type == "field_expression":
            node = given[0]
        else:
            return node
    return node


def _word(called: ts.Node) -> str:
    """The last part of what is called."""
    name = called.child_by_field_name("field") or called.child_by_field_name("name")
    return syntax.text(name if name is not None else called)


def _is_plain(node: ts.Node) -> bool:
    """Whether a statement before the future only names, copies or logs something."""
    if node.type in ("use_declaration", "attribute_item", "macro_invocation", "empty_statement"):
        return True
    if node.type == "expression_statement":
        return all(child.type == "macro_invocation" for child in node.named_children)
    return node.type == "let_declaration" and _calls_plainly(node)


def _asks_plainly(node: ts.Node) -> bool:
    """Whether an expression asks one value for something: what is to be waited for is made so (`self.rows.read()`)."""
    called = node.child_by_field_name("function") if node.type == "call_expression" else None
    given = node.child_by_field_name("arguments")
    plain = called is not None and called.type == "field_expression" and given is not None and not given.named_children
    return plain and called is not None and _calls_plainly(called)


def _calls_plainly(node: ts.Node, choices: bool = False) -> bool:
    """Whether all calls in an expression are of what makes another name or a copy.

    `choices`: it may choose, and what runs when it is awaited may be in it.
    """
    if node.type in ("closure_expression", "async_block", "match_expression", "if_expression") and not choices:
        return False
    if node.type in ("macro_invocation", "async_block"):
        return node.type == "async_block"
    called = node.child_by_field_name("function") if node.type == "call_expression" else None
    if called is not None and not _PLAIN.match(_word(called)):
        return False
    return all(_calls_plainly(child, choices) for child in node.named_children)
