"""Rust that the grammar does not know, blanked out where that is all that keeps a file from being read.

In: bytes of Rust.  Out: a tree with the offsets of these bytes.
Never: touches what the grammar can read, lock logic.
"""

from __future__ import annotations

import re
from bisect import bisect_left

import tree_sitter as ts

from lockcheck.frontends.rust import syntax

_ATTRIBUTE = rb"#\[[^\]\[]{0,300}(?:\[[^\]]{0,300}\][^\]\[]{0,300}){0,4}\]"
_ITEM = rb"(?:pub|fn|struct|enum|union|trait|impl|mod|use|const|static|type|unsafe|async|extern|macro_rules)\b"
_FORMS = (
    # `Row { id, #[cfg(test)] note, .. }`, `f(a, #[cfg(unix)] b)`, `{ #[allow(unused)] value }`; not of an item
    re.compile(_ATTRIBUTE + rb"(?=(?:\s|//[^\n]{0,300}\n|" + _ATTRIBUTE + rb"){0,300}(?![\s#/]|" + _ITEM + rb"))"),
    # `Row::<T> { id }` as a pattern, `HashMap::<K, V>` as a type
    re.compile(rb"::<[^<>;{}]{0,300}(?:<[^<>;{}]{0,300}>[^<>;{}]{0,300}){0,8}>(?=\s*\{)"),
    re.compile(rb"::(?=<)"),
    # `|a, b,| a + b`
    re.compile(rb",(?=\s*\|)"),
    # `box` patterns, unstable
    re.compile(rb"\bbox\b(?=\s+[\w(])"),
    # `dyn 'a + Trait`
    re.compile(rb"(?<=dyn )\s*'\w+\s*\+"),
    # `type Kind: Bound = Default;` within a trait, unstable
    re.compile(rb"(?<=\w):[^:;={}][^;={}]{0,300}(?==[^;{}]{0,300};)"),
)
"""What is blanked, one form after the other, in the lines of broken places and beside them.

Each looks only so far ahead: however a broken text is made, going through it takes time in proportion to its length.
"""

_BESIDE = 2
"""So many lines before a broken place belong to it: the parser stumbles over what follows what it does not know."""

_ROUNDS = 4
"""A broken place may hide others behind it: the text is gone through so often."""


def parse(data: bytes) -> ts.Node:
    """The root node of the tree of `data`, or of what it is with forms that the grammar lacks blanked out.

    A form is blanked only if that leaves less of the text broken.
    """
    root = syntax.parse(data)
    errors = _errors(root)
    ends = [found.start() for found in re.finditer(rb"\n", data)] if errors else []
    for _ in range(_ROUNDS):
        before = data
        for form in _FORMS if errors else ():
            tried = _blanked(data, ends, errors, form)
            other = syntax.parse(tried) if tried != data else root
            left = _errors(other)
            if _extent(left) < _extent(errors):
                data, root, errors = tried, other, left
        if data == before:
            break
    return root


def _errors(root: ts.Node) -> list[ts.Node]:
    """The broken places."""
    found, waiting = list[ts.Node](), [root] if root.has_error else []
    while waiting:
        node = waiting.pop()
        if node.is_error or node.is_missing:
            found.append(node)
        else:
            waiting += (child for child in node.children if child.has_error or child.is_missing)
    return found


def _extent(errors: list[ts.Node]) -> tuple[int, int]:
    """How much of a text is broken: bytes, and places."""
    return sum(node.end_byte - node.start_byte for node in errors), len(errors)


def _blanked(data: bytes, ends: list[int], errors: list[ts.Node], form: re.Pattern[bytes]) -> bytes:
    """The text with a form blanked out in the lines of its broken places and those just before them; line ends stay.

    `ends`: where these are.
    """
    lines = set[int]()
    for node in errors:
        lines.update(range(node.start_point[0] - _BESIDE, node.end_point[0] + _BESIDE))

    def spaces(found: re.Match[bytes]) -> bytes:
        return re.sub(rb"\S", b" ", found[0]) if bisect_left(ends, found.start()) in lines else found[0]

    return form.sub(spaces, data)
