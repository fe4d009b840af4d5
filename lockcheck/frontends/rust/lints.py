"""Where the code allows what another linter would find: `#[allow(clippy::await_holding_lock)]`.

In: a source and the name of a lint.  Out: the attributes that allow it, each with the stretch that it speaks for.
Never: knows what a lint means.

An attribute speaks for what stands behind it, one with `!` for what it stands in
(https://doc.rust-lang.org/reference/attributes.html).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import tree_sitter as ts

from lockcheck.frontends.rust import syntax
from lockcheck.source import Source


class Allowed(NamedTuple):
    """The attribute from byte `start` to `end` allows a lint between the bytes `begins` and `ends` of its file."""

    start: int
    end: int
    begins: int
    ends: int


@lru_cache(maxsize=16)
def allowed(source: Source, lint: str) -> tuple[Allowed, ...]:
    """The attributes of a Rust file that allow a lint, as it is written (`clippy::await_holding_lock`), in order."""
    said = re.compile(rb"\b(?:allow|expect)\s*\([^()]*(?<![\w:])" + re.escape(lint.encode()) + rb"\b")
    found = (node for node in _attributes(syntax.parse(source.data)) if said.search(node.text or b""))
    return tuple(_allowed(node, _about(node)) for node in found if not node.has_error)


def _allowed(node: ts.Node, about: ts.Node) -> Allowed:
    return Allowed(node.start_byte, node.end_byte, min(node.start_byte, about.start_byte), about.end_byte)


def _attributes(root: ts.Node) -> Iterator[ts.Node]:
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node.type in ("attribute_item", "inner_attribute_item"):
            yield node
        else:
            waiting += reversed(node.named_children)


def _about(attribute: ts.Node) -> ts.Node:
    """What an attribute speaks for."""
    around = attribute.parent or attribute
    if attribute.type == "inner_attribute_item" or around.type == "match_arm":
        return around
    behind = attribute.next_named_sibling
    while behind is not None and (behind.type == "attribute_item" or behind.type.endswith("comment")):
        behind = behind.next_named_sibling
    return behind or attribute
