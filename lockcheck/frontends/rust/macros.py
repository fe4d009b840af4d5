"""Expressions inside macros: the tokens are parsed again, at the places where they stand.

In: a macro invocation.  Out: steps, as if the arguments had been written in a call.
Never: expands a macro from outside the tree; what does not parse as expressions is left alone.

A macro that the tree defines itself is expanded, and the expansion lowered as if it had been written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

import tree_sitter as ts

from lockcheck import ir
from lockcheck.frontends.rust import expand, syntax, together
from lockcheck.frontends.rust.printed import METHOD, TRAITS, printed

if TYPE_CHECKING:
    from lockcheck.frontends.rust.frame import Frame

_OWN_STATEMENT = {
    "println", "print", "eprintln", "eprint", "format", "panic", "assert", "assert_eq", "assert_ne", "debug_assert",
    "debug_assert_eq", "debug_assert_ne", "format_args", "todo", "unimplemented", "unreachable", "info", "warn",
    "error", "debug", "trace", "log", "bail", "ensure", "anyhow", "event", "span",
}  # fmt: skip
"""Macros that expand to a block or a statement of their own: the temporaries of the arguments end with them."""

_ASKED = {"assert": 1, "debug_assert": 1} | dict.fromkeys(
    ("assert_eq", "assert_ne", "debug_assert_eq", "debug_assert_ne"), 2
)
"""So many arguments are computed: what follows is a pattern, or a message that only a failed assertion needs."""
_MATCHES = "matches"
_WAITED = {"join", "try_join"}
_WORTH = re.compile(rb"[(?]|\b(?:await|return|break|continue)\b")
_FIELD = re.compile(rb"^(\s*(?:target|parent|name)\s*:|\s*[A-Za-z_][\w.]*\s*=(?![=>])|\s*[%?])[\s%?]*")
_NAME = re.compile(r"\b[a-z_]\w*\b")


_NEVER = {"panic", "unreachable", "todo", "unimplemented", "bail"}
"""Macros that do not come back."""
_SPELLED = {"stringify", "concat", "cfg", "line", "column", "file", "module_path", "env", "option_env", "include_str",
            "include_bytes", "macro_rules"}  # fmt: skip
"""Macros of which nothing is left to run: what stands in them is only spelled."""
_WAITING = ("select", "pin")
"""Macros whose arguments may be nothing but names of what is waited for."""


def lower(to: Frame, node: ts.Node, own: list[int] | None, extend: list[int] | None,
          waited: bool = False) -> ir.Place | None:  # fmt: skip
    """Write the steps of a macro's arguments; the value is that of `vec!`, `pin!`, `dbg!` and the like, if any."""
    spelled = syntax.path(node.child_by_field_name("macro"))
    name = spelled[-1] if spelled else ""
    tree = next((c for c in node.named_children if c.type == "token_tree"), None)
    data = (tree.text or b"")[1:-1] if tree is not None else b""
    if name in _NEVER:
        if tree is not None:
            with to.region(node, scope="temps", why="macro"):
                _arguments(to, tree, name, False)
        to.put(ir.Leave(to.leave_function))
        return None
    if tree is not None and not _is_known(name):
        said = _expansion(to, node, tree, name)
        if said is not None and (done := _as_value(to, said, own, extend, waited)):
            return done[0]
    if tree is None or name in _SPELLED:
        return None
    if not (name in _WAITING or _WORTH.search(data)):
        _print(to, tree, name, {})
        return None
    if name == "select":
        return together.selected(to, tree)
    if name in _OWN_STATEMENT:
        with to.region(node, scope="temps", why="macro"):
            _arguments(to, tree, name, False)
        return None
    if name == _MATCHES:
        return _matched(to, tree)
    if name in _WAITED:
        return together.joined(to, node, _pieces(tree))
    if name == "pin":
        return _whole(to, syntax.expression(data), tree.start_byte + 1, extend, extend)
    listed = syntax.expression(b"[" + data + b"]") if name == "vec" else None
    return (
        _whole(to, listed, tree.start_byte, own, extend) if listed is not None else _arguments(to, tree, name, waited)
    )


# -------------------------------------------------------------------------------------------- macros of the tree

_MOST = 1 << 20
"""Bytes of expansions for one function."""


def _is_known(name: str) -> bool:
    """Macros whose meaning is known, whoever defines them."""
    listed = name in _OWN_STATEMENT or name in _NEVER or name in _WAITED or name in _SPELLED or name in _WAITING
    return listed or name == _MATCHES or _LOGS.fullmatch(name) is not None


_LOGS = re.compile(r"(?:s?log|trace|debug|info|warn|error|crit)(?:_(?!if|unless|when)\w+)?")
"""Macros that write to a log, by custom: how they do it concerns nobody who holds a lock. `error_if!` asks."""


def _expansion(to: Frame, node: ts.Node, tree: ts.Node, name: str) -> tuple[bytes, expand.Origin] | None:
    """What an invocation of a macro of the tree stands for, and where it comes from."""
    if to.known is None or name not in to.known.macros or (to.origin is not None and to.origin.depth >= expand.DEEPEST):
        return None
    macros = to.known.find(name, to.at(node)[0]) if to.expanded <= _MOST else []
    tried = (expand.expand(macro, (tree.text or b"")[1:-1], to.known.crate) for macro in macros)
    made = next((one for one in tried if one is not None), None)
    if made is None or not _WORTH.search(made.text):
        return None
    to.expanded += len(made.text)
    whole = (node.start_byte + to.shift, node.end_byte + to.shift)
    depth = to.origin.depth + 1 if to.origin is not None else 1
    return made.text, expand.Origin(made.pieces, tree.start_byte + 1 + to.shift, whole, to.origin, depth)


def _as_value(to: Frame, said: tuple[bytes, expand.Origin], own: list[int] | None, extend: list[int] | None,
              waited: bool) -> tuple[ir.Place | None] | None:  # fmt: skip
    """Lower an expansion as an expression, or as a block where it is statements; None where it is neither."""
    text, origin = said
    inner = syntax.expression(text.rstrip().removesuffix(b";"))
    if inner is not None:
        with to.inside_expansion(origin, -len(syntax.BEFORE)):
            return (to.waiting(inner) if waited else to.value(inner, own, extend),)
    body = _block(text)
    if body is None:
        return None
    with to.inside_expansion(origin, -len(_OPENED)):
        return (to.value(body, own, extend),)


def statement(to: Frame, node: ts.Node) -> bool:
    """Lower a macro of the tree that stands as a statement: its statements join those around; False if it is none.

    Names that the macro's own text binds are not seen outside of it, but their values live on to the end of the block.
    """
    if node.type == "expression_statement" and node.named_children:
        node = node.named_children[0]
    if node.type != "macro_invocation" or to.known is None:
        return False
    spelled = syntax.path(node.child_by_field_name("macro"))
    tree = next((c for c in node.named_children if c.type == "token_tree"), None)
    if not spelled or tree is None or _is_known(spelled[-1]):
        return False
    said = _expansion(to, node, tree, spelled[-1])
    body = _block(said[0]) if said is not None else None
    if said is None or body is None:
        return False
    names = dict(to.names[-1])
    with to.inside_expansion(said[1], -len(_OPENED)):
        for child in body.named_children:
            to.statement(child)
    given = set(_NAME.findall(syntax.text(tree)))
    to.names[-1] = names | {name: slot for name, slot in to.names[-1].items() if name in given}
    return True


_OPENED = b"fn f(){"


def _block(text: bytes) -> ts.Node | None:
    """The block whose statements the bytes spell, or None. Its offsets are shifted by the length of `_OPENED`."""
    root = syntax.parse(_OPENED + text + b"}")
    if root.has_error or not root.named_children:
        return None
    return root.named_children[0].child_by_field_name("body")


# ------------------------------------------------------------------------------------------ arguments of any macro


def _arguments(to: Frame, tree: ts.Node, name: str, waited: bool) -> ir.Place | None:
    """Each argument as an expression; a body in braces as statements."""
    if (tree.text or b"").startswith(b"{") and _statements(to, tree):
        return None
    pieces = _pieces(tree)
    if _LOGS.fullmatch(name):
        pieces = _values_last_first(tree, pieces)
    places = {start: _piece(to, start, data, waited) for start, data in pieces[: _ASKED.get(name, len(pieces))]}
    _print(to, tree, name, places)
    return next(iter(places.values())) if len(pieces) == 1 else None


_WRITE = {"write", "writeln"}
_SAYS = _WRITE | {"dbg"}
"""Macros that print, besides those that are statements of their own and those that log."""
_COMPARE = {"assert_eq", "assert_ne", "debug_assert_eq", "debug_assert_ne"}


def _print(to: Frame, tree: ts.Node, name: str, places: Mapping[int, ir.Place | None]) -> None:
    """What a macro prints is asked for it, what it writes to writes, and what it compares is compared; `places` are its
    arguments by where they begin.
    """
    prints = name in _SAYS or (name in _OWN_STATEMENT and name not in _ASKED) or _LOGS.fullmatch(name) is not None
    writes, compares = name in _WRITE and _WRITTEN[0][0] in to.implying, name in _COMPARE and _EQUAL[0] in to.implying
    if not (prints and not TRAITS.isdisjoint(to.implying)) and not writes and not compares:
        return
    pieces = _pieces(tree)
    fields = [(_FIELD.match(data) or _NO_FIELD)[0] for _, data in pieces]
    values = [places[start] if start in places else _named(to, data[len(field) :])
              for (start, data), field in zip(pieces, fields, strict=True)]  # fmt: skip
    if name in _COMPARE:
        one, two = (*values, None, None)[:2]
        if one is not None:
            at = to.at(tree)
            to.put(ir.Implied(*_EQUAL, (one, two), at, at))
        return
    for said in printed(name, pieces, fields):
        place = values[said.what] if isinstance(said.what, int) else _named(to, said.what)
        if place is not None and said.trait in to.implying:
            at = to.range(said.start, said.end)
            to.put(ir.Implied(said.trait, METHOD, (place,), at, at))
    for method in _WRITTEN if writes and values[0] is not None else ():
        at = to.range(pieces[0][0], pieces[0][0] + len(pieces[0][1]))
        to.put(ir.Implied(*method, (values[0],), at, at))


_WRITTEN = (("Write", "write"), ("Write", "write_str"))
_EQUAL = ("PartialEq", "eq")
_NO_FIELD = (b"",)
_VARIABLE = re.compile(rb"\s*&?\s*([A-Za-z_]\w*)((?:\s*\.\s*\w+)*)\s*\Z")


def _named(to: Frame, data: bytes) -> ir.Place | None:
    """The place that a variable, or a field of one, is."""
    said = _VARIABLE.match(data)
    slot = to.lookup(said[1].decode()) if said is not None else None
    if said is None or slot is None:
        return None
    return ir.Place(slot, tuple(part.strip() for part in said[2].decode().split(".")[1:]))


def _values_last_first(tree: ts.Node, pieces: list[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
    """`info!(log, "text"; "key" => value, …)`: slog puts its values together from the last to the first."""
    begin = next((c.end_byte for c in tree.children if c.type == ";"), tree.end_byte)
    values = [piece for piece in pieces if piece[0] >= begin]
    keyed = any(c.type == "=>" for c in tree.children)
    return [piece for piece in pieces if piece[0] < begin] + (values[::-1] if keyed else values)


def _piece(to: Frame, start: int, data: bytes, waited: bool) -> ir.Place | None:
    if not data.strip():
        return None
    said = _FIELD.match(data)
    if said:
        start, data = start + said.end(), data[said.end() :]
    inner = syntax.expression(data)
    if inner is None:
        return None
    shift, to.shift = to.shift, to.shift + start - len(syntax.BEFORE)
    place = to.waiting(inner) if waited else to.value(inner)
    to.shift = shift
    return place


def _whole(
    to: Frame, inner: ts.Node | None, begin: int, own: list[int] | None, extend: list[int] | None
) -> ir.Place | None:
    """The value of what a macro's tokens spell as one expression, from byte `begin` of the function's text on."""
    shift, to.shift = to.shift, to.shift + begin - len(syntax.BEFORE)
    place = to.value(inner, own, extend)
    to.shift = shift
    return place


_CONDITION = re.compile(rb"\bif\b")
_MATCH = b"match "


def _matched(to: Frame, tree: ts.Node) -> ir.Place | None:
    """`matches!(x, Pattern if …)` is a `match`, of which only what is looked at and the condition can do anything."""
    (start, data), *patterns = _pieces(tree) or [(0, b"")]
    if len(patterns) == 1 and _CONDITION.search(patterns[0][1]):
        between = patterns[0][0] - start - len(data)
        node = syntax.expression(_MATCH + data + b"{".ljust(between) + patterns[0][1] + b"=>{}_=>{}}")
        if node is not None:
            _whole(to, node, start - len(_MATCH), None, None)
            return None
    _piece(to, start, data, False)
    return None


def _pieces(tree: ts.Node) -> list[tuple[int, bytes]]:
    """The arguments between commas (or `vec![x; n]`, `"key" => x`): where each begins and its bytes."""
    data = tree.text or b""
    cuts = [(c.start_byte, c.end_byte) for c in tree.children if c.type in (",", ";", "=>")]
    begin, pieces = tree.start_byte + 1, []
    for cut, end in [*cuts, (tree.end_byte - 1, tree.end_byte)]:
        pieces.append((begin, data[begin - tree.start_byte : cut - tree.start_byte]))
        begin = end
    return [piece for piece in pieces if piece[1].strip()]


def _statements(to: Frame, tree: ts.Node) -> bool:
    """Lower a body in braces as a block; False where it does not parse as one."""
    before = b"fn f()"
    root = syntax.parse(before + (tree.text or b""))
    body = root.named_children[0].child_by_field_name("body") if root.named_children else None
    if root.has_error or body is None:
        return False
    shift, to.shift = to.shift, to.shift + tree.start_byte - len(before)
    to.value(body)
    to.shift = shift
    return True
