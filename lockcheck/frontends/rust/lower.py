"""Where every temporary and every binding of a Rust function ends: the drop rules, by edition.

In: a function of a `Unit`, its source and the edition.  Out: `ir.Body`, in which each value that could be a guard
has a slot and each slot stands in the region at whose end the language drops it.
Never: asks what is a lock. That is the linker's question.

The rules are those of the Rust Reference, chapter Destructors (drop scopes, temporary scopes, temporary lifetime
extension) and the 2024 edition guide (`if let` rescope, tail expression temporaries); `tests/facts` holds them
against what compiled programs printed.
"""

from __future__ import annotations

from collections.abc import Callable

import tree_sitter as ts

from lockcheck import ir
from lockcheck.frontends.rust import expand, items, mended, syntax
from lockcheck.frontends.rust.blocks import Blocks
from lockcheck.frontends.rust.expressions import Expressions
from lockcheck.frontends.rust.flow import Flow


class Lowering(Expressions, Blocks, Flow):
    """One function being lowered: each kind of node by the room that knows it."""

    def value(
        self, node: ts.Node | None, own: list[int] | None = None, extend: list[int] | None = None
    ) -> ir.Place | None:
        """Lower an expression and say where its value is; None where the value cannot matter.

        `own`: the slots that a fresh value joins (the temporaries of the surroundings where None).
        `extend`: the slots that a temporary joins whose lifetime is extended (`&temporary()` here or in a part of
        the expression that the Reference calls extending).
        """
        if node is None:
            return None
        lower = _EXPRESSIONS.get(node.type)
        if lower is not None:
            return lower(self, node, own, extend)
        for child in node.named_children:
            self.value(child)
        return None


_EXPRESSIONS: dict[str, Callable[[Lowering, ts.Node, list[int] | None, list[int] | None], ir.Place | None]] = {
    "identifier": Lowering.identifier,
    "self": Lowering.identifier,
    "scoped_identifier": Lowering.scoped,
    "parenthesized_expression": Lowering.inner,
    "type_cast_expression": Lowering.cast,
    "unary_expression": Lowering.unary,
    "reference_expression": Lowering.reference,
    "field_expression": Lowering.field,
    "index_expression": Lowering.index,
    "tuple_expression": Lowering.tuple_,
    "array_expression": Lowering.array,
    "struct_expression": Lowering.struct,
    "binary_expression": Lowering.binary,
    "range_expression": Lowering.range_,
    "call_expression": Lowering.call,
    "try_expression": Lowering.try_,
    "await_expression": Lowering.await_,
    "macro_invocation": Lowering.macro,
    "closure_expression": Lowering.closure,
    "async_block": Lowering.async_block,
    "block": Lowering.block,
    "unsafe_block": Lowering.nested_block,
    "const_block": Lowering.nested_block,
    "try_block": Lowering.nested_block,
    "assignment_expression": Lowering.assignment,
    "compound_assignment_expr": Lowering.compound,
    "if_expression": Lowering.if_,
    "match_expression": Lowering.match,
    "while_expression": Lowering.while_,
    "loop_expression": Lowering.loop,
    "for_expression": Lowering.for_,
    "return_expression": Lowering.return_,
    "break_expression": Lowering.break_,
    "continue_expression": Lowering.continue_,
    "integer_literal": Lowering.nothing,
    "string_literal": Lowering.nothing,
    "boolean_literal": Lowering.truth,
    "float_literal": Lowering.nothing,
    "char_literal": Lowering.nothing,
    "raw_string_literal": Lowering.nothing,
    "unit_expression": Lowering.nothing,
    "line_comment": Lowering.nothing,
    "block_comment": Lowering.nothing,
    "function_item": Lowering.nothing,
    "let_declaration": lambda self, node, own, extend: self.let(node),
    "expression_statement": lambda self, node, own, extend: self.statement(node),
}


def lower(data: bytes, function: ir.Function, edition: int, known: expand.Known | None = None) -> ir.Body:
    """The body of a function. `data` is the whole file; only the function's bytes are parsed.

    `known` are the macros that its file sees.

    Raises RecursionError where the code is nested deeper than the stack allows.
    """
    start, end = function.at
    lowering = Lowering(edition, start, known)
    text = data[start:end]
    if function.given:
        text, lowering.origin = items.with_given(text, start, function.given)
        lowering.shift = 0
    root = mended.parse(text)
    if function.made_once:
        return _initialiser(root, function, lowering)
    node = next((n for n in root.named_children if n.type == "function_item"), None)
    outer: list[ir.Step] = []
    params = node.child_by_field_name("parameters") if node is not None else None
    body = node.child_by_field_name("body") if node is not None else None
    lowering.result = -1
    if node is None or body is None:
        return ir.Body((), ir.Region((), (), function.at, ir.RETURN), -1)
    with lowering.region(node, label=ir.RETURN, into=outer):
        _parameters(lowering, function, params)
        lowering.result = lowering.slot([], "", function.returns, "result")
        with lowering.region(body, scope="locals"):
            lowering.inside(body, lowering.result)
        result = _waited(lowering, function, node, body) if function.runs_when_awaited else lowering.result
    region = outer[0]
    assert isinstance(region, ir.Region)
    return ir.Body(tuple(lowering.slots), region, result, _uses(lowering))


def _waited(lowering: Lowering, function: ir.Function, node: ts.Node, body: ts.Node) -> int:
    """What a function gives when it is awaited: of one that makes a future, what that gives, with all others over."""
    modifiers = next((c for c in node.children if c.type == "function_modifiers"), None)
    if modifiers is not None and any(child.type == "async" for child in modifiers.children):
        return lowering.result
    made = lowering.slot([], "", function.returns, "result")
    at = lowering.at(body.named_children[-1])
    lowering.put(ir.Await(made, ir.Place(lowering.result), at, at))
    return made


def _initialiser(root: ts.Node, function: ir.Function, lowering: Lowering) -> ir.Body:
    """`static X: LazyLock<T> = LazyLock::new(|| …)`: the closure's body, run while the static is being made."""
    outer = list[ir.Step]()
    item = next((node for node in root.named_children if node.type in ("static_item", "const_item")), root)
    value = item.child_by_field_name("value")
    by_ref = any(child.type == "ref" for child in item.children)
    body = value if value is None or by_ref else syntax.made_by(value)
    with lowering.region(item, label=ir.RETURN, into=outer):
        if body is not None:
            made = lowering.slot(lowering.locals, "", None, "static")
            name = (function.name_at[0], function.name_at[1])
            at = lowering.at(body)
            lowering.put(ir.Call(made, ir.Method(ir.MAKE), (ir.Operand(ir.Place((function.made_once,))),), at, name))
            with lowering.region(body):
                place = lowering.value(body)
                if body.type in syntax.NAMES and place is not None and isinstance(place.root, tuple):
                    dst = lowering.slot(lowering.temps)
                    lowering.put(ir.Call(dst, ir.Named(place.root), (), at, at))
    region = outer[0]
    assert isinstance(region, ir.Region)
    return ir.Body(tuple(lowering.slots), region, -1, _uses(lowering))


def _uses(lowering: Lowering) -> tuple[tuple[int, tuple[int, ...]], ...]:
    return tuple((slot, tuple(places)) for slot, places in lowering.uses.items())


def _parameters(lowering: Lowering, function: ir.Function, params: ts.Node | None) -> None:
    """The first slots are the parameters; what is behind a reference is not theirs to drop."""
    nodes = [c for c in (params.named_children if params else ()) if c.type in ("self_parameter", "parameter")]
    bound = []
    for param, node in zip(function.params, nodes, strict=False):
        owner = lowering.locals if param.by_value else []
        pattern = node.child_by_field_name("pattern") if node.type == "parameter" else None
        plain = pattern is None or pattern.type in ("identifier", "self")
        at = lowering.at(pattern or node) if plain else (0, 0)
        number = lowering.slot(owner, param.name, param.type, "param", at, fixed=syntax.stays(node))
        if plain:
            lowering.names[-1][param.name.removeprefix("r#")] = number
        elif pattern is not None:
            bound.append((pattern, number))
    for pattern, number in bound:
        lowering.bind(pattern, ir.Place(number), borrowed=True)
