"""Blocks, their statements, and bodies that run later.

In: nodes of blocks, statements, closures.  Out: steps; which slot stands in which region.
Never: which arm runs.
"""

from __future__ import annotations

import re

import tree_sitter as ts

from lockcheck import ir
from lockcheck.frontends.rust import macros, patterns, syntax
from lockcheck.frontends.rust.frame import Frame, Jump


class Blocks(Frame):
    """`{ … }`, `let`, closures and `async` blocks."""

    def block(self, node: ts.Node, own: list[int] | None, extend: list[int] | None) -> ir.Place | None:
        """`{ … }` as a value. Up to 2021 the tail's temporaries join those around the block; later they end in it."""
        dst = self.slot(self.temps if own is None else own)
        label = self.block_label(node, dst)
        with self.region(node, scope="locals", label=label):
            self.inside(node, dst, extend)
        if label >= 0:
            self.jumps.pop()
        return ir.Place(dst)

    def block_label(self, node: ts.Node, dst: int) -> int:
        name = next((syntax.text(c) for c in node.children if c.type == "label"), "")
        if not name:
            return -1
        label = self.label()
        self.jumps.append(Jump(name, label, -1, dst))
        return label

    def inside(self, node: ts.Node, dst: int, extend: list[int] | None = None) -> None:
        """The statements of a block and its tail, whose value goes to `dst`."""
        children = _of_one_configuration(node.named_children)
        for number, child in enumerate(children):
            self.followed = any(_does_something(after) for after in children[number + 1 :])
            if number == len(children) - 1 and (tail := syntax.tail(child)) is not None:
                self.tail(tail, dst, extend)
            else:
                self.statement(child)

    def tail(self, node: ts.Node, dst: int, extend: list[int] | None) -> None:
        if self.rescoped:
            with self.region(node, scope="temps", why="tail-2024"):
                self.give(dst, self.value(node, None, extend))
        else:
            head, self.head = self.head, "tail" if self.head == "temporary" else self.head
            self.give(dst, self.value(node, None, extend))
            self.head = head

    def statement(self, node: ts.Node) -> None:
        kind = node.type
        if kind == "let_declaration":
            self.let(node)
        elif macros.statement(self, node):
            return
        elif kind == "expression_statement":
            with self.region(node, scope="temps"):
                self.value(node.named_children[0] if node.named_children else None)
        elif not kind.endswith("_item") and kind not in ("use_declaration", "attribute_item", "empty_statement"):
            with self.region(node, scope="temps"):
                self.value(node)

    def nested_block(self, node: ts.Node, own: list[int] | None, extend: list[int] | None) -> ir.Place | None:
        """`unsafe { … }`, `const { … }`, `try { … }`."""
        block = next((c for c in node.named_children if c.type == "block"), None)
        return self.block(block, own, extend) if block is not None else None

    def let(self, node: ts.Node) -> None:
        pattern, init = node.child_by_field_name("pattern"), node.child_by_field_name("value")
        kind, otherwise = syntax.exactly(node.child_by_field_name("type")), node.child_by_field_name("alternative")
        if pattern is None:
            return
        if init is None:
            self.bind(pattern, None, kind, fixed=False)
            return
        if otherwise is not None:
            self.let_else(node, pattern, init, otherwise, kind)
            return
        names: dict[str, int] = {}
        with self.region(node, scope="temps"):
            self.initialised(pattern, init, kind, syntax.stays(node) and syntax.stays(init))
            names = self.names[-1]
        self.names[-1].update(names)

    def initialised(self, pattern: ts.Node, init: ts.Node, kind: ir.Type | None, fixed: bool) -> None:
        """`let pattern = init`: the lifetime of temporaries that a reference is made to is extended."""
        by_ref = b"ref " in (pattern.text or b"")
        below = len(self.slots)
        place = self.value(init, self.locals if by_ref else None, self.locals)
        for number in range(below, len(self.slots)):
            if number in self.locals and not self.slots[number].name:
                self.slots[number] = ir.Slot("", self.slots[number].type, "extended")
        if pattern.type == "_" or syntax.text(pattern) == "_":
            if place is not None and init.type not in _PLACES and self.followed:
                self.put(ir.Discard(place, self.at(pattern), self.at(pattern)))
            return
        halves = init.type == "tuple_expression" and patterns.names_in(pattern)
        for way in patterns.wildcards(pattern) if halves else ():
            assert place is not None  # a tuple that is written has a place
            self.put(ir.Discard(ir.Place(place.root, place.way + way), self.at(pattern)))
        self.bind(pattern, place, kind, borrowed=init.type == "reference_expression", fixed=fixed)

    def let_else(
        self, node: ts.Node, pattern: ts.Node, init: ts.Node, otherwise: ts.Node, kind: ir.Type | None
    ) -> None:
        label, names = self.label(), dict[str, int]()
        owner = self.locals
        with self.region(node, scope="temps", label=label):
            outer = self.locals
            with self.region(init, scope="temps"):
                self.locals = outer
                by_ref = b"ref " in (pattern.text or b"")
                place = self.value(init, self.locals if by_ref else None, self.locals)

                def bound() -> None:
                    self.locals = owner
                    self.fits(place, pattern)
                    self.bind(pattern, place, kind, borrowed=init.type == "reference_expression")
                    names.update(self.names[-1])
                    self.put(ir.Leave(label))

                def missed() -> None:
                    self.misses(place, pattern)

                fits = self.arm(init, "", (0, 0), False, bound)
                self.put(ir.Branch((fits, self.arm(init, "", (0, 0), False, missed))))
            self.value(otherwise)
            self.put(ir.Leave(self.leave_function))
        self.names[-1].update(names)

    # --------------------------------------------------------------------------------------------------- closures

    def closure(self, node: ts.Node, own: list[int] | None, extend: list[int] | None) -> ir.Place | None:
        body = node.child_by_field_name("body")
        listed = node.child_by_field_name("parameters")
        every = (p for p in (listed.children if listed else ()) if p.is_named or p.type == "_")
        params = [p for p in every if not p.type.endswith("comment")]
        moves = any(c.type == "move" for c in node.children)
        return self.deferred(node, body, params, moves, own, waits=any(c.type == "async" for c in node.children))

    def async_block(self, node: ts.Node, own: list[int] | None, extend: list[int] | None) -> ir.Place | None:
        block = node.named_children[-1] if node.named_children else None
        return self.deferred(node, block, [], any(c.type == "move" for c in node.children), own, waits=True)

    def deferred(
        self,
        node: ts.Node,
        body: ts.Node | None,
        params: list[ts.Node],
        moves: bool,
        own: list[int] | None,
        waits: bool,
    ) -> ir.Place:
        """A body that runs when somebody calls it or waits for it."""
        dst = self.slot(self.temps if own is None else own)
        jumps, leave, outer_result, below = self.jumps, self.leave_function, self.result, len(self.slots)
        label, out = self.label(), list[ir.Step]()
        self.jumps, self.leave_function = [], label
        self.result = self.slot([])
        result, numbers = self.result, []
        with self.region(node, label=label, into=out):
            for param in params:
                pattern = param.child_by_field_name("pattern") if param.type == "parameter" else param
                kind = syntax.type_of(param.child_by_field_name("type")) if param.type == "parameter" else None
                numbers.append(self.slot(self.locals, syntax.text(pattern) if pattern else "", kind, "param"))
                self.bind(pattern, ir.Place(numbers[-1]), kind, fixed=syntax.stays(param))
            if body is not None:
                self.give(result, self.value(body))
        self.jumps, self.leave_function, self.result = jumps, leave, outer_result
        region = out[0]
        assert isinstance(region, ir.Region)
        takes = tuple(sorted(_captured(region, below) if moves else _moved(region, below)))
        self.put(ir.Lambda(dst, tuple(numbers), region, result, takes, waits, moves))
        return ir.Place(dst)


def _captured(region: ir.Region, below: int) -> set[int]:
    """The slots of the surroundings (numbered under `below`) that the steps of a closure speak of."""
    found: set[int] = set()

    def place(at: ir.Place | None) -> None:
        if at is not None and isinstance(at.root, int) and at.root < below:
            found.add(at.root)

    for step in ir.steps_of(region):
        match step:
            case ir.Move(_, src) | ir.Ref(_, src) | ir.Await(_, src):
                place(src)
            case ir.Call(_, callee, operands):
                for operand in operands:
                    place(operand.place)
                if isinstance(callee, ir.Indirect):
                    place(callee.place)
            case ir.New(_, _, parts):
                for _, operand in parts:
                    place(operand.place)
            case _:
                pass
    return found


def _moved(region: ir.Region, below: int) -> set[int]:
    """The slots of the surroundings (numbered under `below`) whose whole value a closure's steps move elsewhere."""
    steps = ir.steps_of(region, closures=False)
    return {slot for step in steps for slot in ir.moved_by(step) if slot < below}


_FOR_TESTS = re.compile(r"(?:all\()?test\b")
_CFG = re.compile(r"#\[\s*cfg\s*\((.*)\)\s*\]$", re.DOTALL)


def _of_one_configuration(nodes: list[ts.Node]) -> list[ts.Node]:
    """The statements of a block without those that are compiled for tests only, or only where an earlier one is not.

    So are two under different conditions, one right behind the other, that give the same name a value.
    """
    kept: list[ts.Node] = []
    seen: set[str] = set()
    condition, named = "", ""
    for node in nodes:
        if node.type in ("label", "line_comment", "block_comment"):
            continue
        if node.type == "attribute_item":
            said = _CFG.match(syntax.text(node))
            condition = "".join(said[1].split()) if said else condition
            continue
        opposite = condition[4:-1] if condition.startswith("not(") else f"not({condition})"
        before, named = named, _named_by(node) if condition else ""
        another = bool(named) and named == before and condition not in seen
        if not _FOR_TESTS.match(condition) and (not condition or not (another or opposite in seen)):
            kept.append(node)
            seen.add(condition)
        condition = ""
    return kept


def _named_by(node: ts.Node) -> str:
    """The pattern of a `let` that names something."""
    pattern = node.child_by_field_name("pattern") if node.type == "let_declaration" else None
    return syntax.text(pattern) if pattern is not None and patterns.names_in(pattern) else ""


def _does_something(node: ts.Node) -> bool:
    """Whether a statement that follows could need a lock: it calls something, or is more than a plain value."""
    words = (node.text or b"").replace(b"Ok(())", b"")
    return b"(" in words or b"=" in words or b"{" in words


_PLACES = (
    "identifier",
    "scoped_identifier",
    "field_expression",
    "index_expression",
    "reference_expression",
    "self",
    "unary_expression",
)
"""Expressions that name a value where it is: `_` does not move it."""
