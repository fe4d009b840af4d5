"""Where every temporary and every binding of a Rust function ends: the drop rules, by edition.

In: a function of a `Unit`, its source and the edition.  Out: `ir.Body`, in which each value that could be a guard
has a slot and each slot stands in the region at whose end the language drops it.
Never: asks what is a lock. That is the linker's question.

The rules are those of the Rust Reference, chapter Destructors (drop scopes, temporary scopes, temporary lifetime
extension) and the 2024 edition guide (`if let` rescope, tail expression temporaries); `tests/facts` holds them
against what compiled programs printed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import tree_sitter as ts

from lockcheck import ir
from lockcheck.frontends.rust import expand, macros, patterns, syntax


class _Jump(NamedTuple):
    """A loop or labelled block that `break` and `continue` may name."""

    name: str
    leave: int
    again: int
    result: int


class Lowering:
    """One function being lowered. The only state of the front end: it lives as long as `lower` runs."""

    def __init__(self, edition: int, shift: int, known: expand.Known | None = None) -> None:
        self.rescoped = edition >= 2024
        self.shift = shift
        self.known = known
        self.origin: expand.Origin | None = None
        self.expanded = 0
        self.slots: list[ir.Slot] = []
        self.steps: list[ir.Step] = []
        self.temps: list[int] = []
        self.locals: list[int] = []
        self.names: list[dict[str, int]] = [{}]
        self.jumps: list[_Jump] = []
        self.labels = ir.RETURN
        self.leave_function = ir.RETURN
        self.result = -1
        self.head = "temporary"
        self.followed = True

    # ------------------------------------------------------------------------------------------------- small parts

    def at(self, node: ts.Node) -> ir.Range:
        """Where a node stands in the file: offsets are into what was parsed, which may be a macro's expansion."""
        start, end = node.start_byte + self.shift, node.end_byte + self.shift
        return (start, end) if self.origin is None else self.origin.at(start, end)

    @contextmanager
    def inside_expansion(self, origin: expand.Origin, shift: int) -> Iterator[None]:
        """What is lowered inside was parsed from the expansion that `origin` tells of."""
        before = self.origin, self.shift
        self.origin, self.shift = origin, shift
        try:
            yield
        finally:
            self.origin, self.shift = before

    def slot(
        self, owner: list[int], name: str = "", kind: ir.Type | None = None, why: str = "", at: ir.Range = (0, 0)
    ) -> int:
        number = len(self.slots)
        self.slots.append(ir.Slot(name, kind, why or self.head, at))
        owner.append(number)
        return number

    def label(self) -> int:
        self.labels += 1
        return self.labels

    def put(self, step: ir.Step) -> None:
        self.steps.append(step)

    def lookup(self, name: str) -> int | None:
        for scope in reversed(self.names):
            if name in scope:
                return scope[name]
        return None

    @contextmanager
    def region(
        self, node: ts.Node, *, scope: str = "both", label: int = -1, into: list[ir.Step] | None = None, why: str = ""
    ) -> Iterator[list[int]]:
        """Steps written inside become one region, put at the end into the steps outside (or `into`).

        `scope` says what the region owns: "temps", "locals", or "both".
        """
        steps, temps, local, head = self.steps, self.temps, self.locals, self.head
        owned: list[int] = []
        self.steps = []
        if scope in ("temps", "both"):
            self.temps = owned
            self.head = why or "temporary"
        if scope in ("locals", "both"):
            self.locals = owned
        self.names.append({})
        try:
            yield owned
        finally:
            self.names.pop()
            done = ir.Region(tuple(self.steps), tuple(owned), self.at(node), label)
            self.steps, self.temps, self.locals, self.head = steps, temps, local, head
            (self.steps if into is None else into).append(done)

    def arm(self, node: ts.Node, role: str, head: tuple[int, int], needs: bool, fill: Callable[[], None]) -> ir.Arm:
        """A branch's arm whose region `fill` writes."""
        out: list[ir.Step] = []
        with self.region(node, into=out):
            fill()
        body = out[0]
        assert isinstance(body, ir.Region)
        return ir.Arm(body, role, head, needs)

    def give(self, dst: int, place: ir.Place | None) -> None:
        """`dst` takes the value of `place`."""
        if place is not None and dst >= 0 and place != ir.Place(dst):
            self.put(ir.Move(ir.Place(dst), place))

    # ------------------------------------------------------------------------------------------------- expressions

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

    def identifier(self, node: ts.Node, own: list[int] | None, extend: list[int] | None) -> ir.Place | None:
        name = syntax.text(node).removeprefix("r#")
        found = self.lookup(name)
        return ir.Place(found) if found is not None else ir.Place((name,))

    def scoped(self, node: ts.Node, own: list[int] | None, extend: list[int] | None) -> ir.Place | None:
        spelled = syntax.path(node)
        return ir.Place(spelled) if spelled else None

    def inner(self, node: ts.Node, own: list[int] | None, extend: list[int] | None) -> ir.Place | None:
        """Parentheses, casts and the like: the value of the first part."""
        return self.value(node.named_children[0], own, extend) if node.named_children else None

    def cast(self, node: ts.Node, own: list[int] | None, extend: list[int] | None) -> ir.Place | None:
        self.value(node.child_by_field_name("value"), None, extend)
        return None

    def unary(self, node: ts.Node, own: list[int] | None, extend: list[int] | None) -> ir.Place | None:
        place = self.value(node.named_children[-1] if node.named_children else None, own)
        return _through(place) if node.children and node.children[0].type == "*" else None

    def reference(self, node: ts.Node, own: list[int] | None, extend: list[int] | None) -> ir.Place | None:
        return _through(self.value(node.child_by_field_name("value"), extend, extend))

    def field(self, node: ts.Node, own: list[int] | None, extend: list[int] | None) -> ir.Place | None:
        base = self.value(node.child_by_field_name("value"), own)
        name = node.child_by_field_name("field")
        if base is None or name is None:
            return None
        return ir.Place(base.root, (*base.way, syntax.text(name).removeprefix("r#")))

    def index(self, node: ts.Node, own: list[int] | None, extend: list[int] | None) -> ir.Place | None:
        parts = node.named_children
        base = self.value(parts[0], own) if parts else None
        for part in parts[1:]:
            self.value(part)
        if base is None:
            return None
        spelled = "".join(syntax.text(parts[-1]).split()) if len(parts) > 1 else ""
        return ir.Place(base.root, (*base.way, f"[{spelled}]"))

    def operand(self, node: ts.Node, extend: list[int] | None = None) -> ir.Operand:
        """An argument or a part of a value: goes over by value unless a reference is written."""
        place = self.value(node, None, extend)
        while node.type == "parenthesized_expression" and node.named_children:
            node = node.named_children[0]
        borrowed = node.type == "reference_expression" or (node.type == "unary_expression" and place is not None)
        return ir.Operand(place, place is not None and not borrowed)

    def parts(
        self, node: ts.Node, own: list[int] | None, extend: list[int] | None, name: str, nodes: list[ts.Node]
    ) -> ir.Place | None:
        """A tuple or an array."""
        held = [(str(n) if name == "[tuple]" else "[_]", self.operand(part, extend)) for n, part in enumerate(nodes)]
        return self.made((name,), [(f, o) for f, o in held if o.place is not None], own)

    def made(self, path: ir.Path, held: list[tuple[str, ir.Operand]], own: list[int] | None) -> ir.Place | None:
        dst = self.slot(self.temps if own is None else own)
        self.put(ir.New(dst, path, tuple(held)))
        return ir.Place(dst)

    def tuple_(self, node: ts.Node, own: list[int] | None, extend: list[int] | None) -> ir.Place | None:
        return self.parts(node, own, extend, "[tuple]", node.named_children)

    def array(self, node: ts.Node, own: list[int] | None, extend: list[int] | None) -> ir.Place | None:
        return self.parts(node, own, extend, "[list]", node.named_children)

    def struct(self, node: ts.Node, own: list[int] | None, extend: list[int] | None) -> ir.Place | None:
        held: list[tuple[str, ir.Operand]] = []
        body = node.child_by_field_name("body")
        for part in body.named_children if body else ():
            if part.type == "shorthand_field_initializer":
                name = part.named_children[-1]
                held.append((syntax.text(name), ir.Operand(self.identifier(name, None, None), True)))
            elif part.type == "field_initializer":
                field, value = part.child_by_field_name("field"), part.child_by_field_name("value")
                if field is not None and value is not None:
                    held.append((syntax.text(field), self.operand(value, extend)))
            elif part.type == "base_field_initializer":
                self.value(part.named_children[0] if part.named_children else None)
        return self.made(syntax.path(node.child_by_field_name("name")), held, own)

    def binary(self, node: ts.Node, own: list[int] | None, extend: list[int] | None) -> ir.Place | None:
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        operator = node.child_by_field_name("operator")
        if operator is None or operator.type not in ("&&", "||"):
            self.value(left)
            self.value(right)
            return None
        self.condition(left)
        if right is not None:
            some = self.arm(right, "", (0, 0), False, lambda: self.condition(right))
            self.put(ir.Branch((some, self.arm(right, "", (0, 0), False, lambda: None))))
        return None

    def condition(self, node: ts.Node | None) -> None:
        """An expression whose temporaries end with it: conditions, operands of `&&` and `||`."""
        if node is not None:
            with self.region(node, scope="temps", why="condition"):
                self.value(node)

    def range_(self, node: ts.Node, own: list[int] | None, extend: list[int] | None) -> ir.Place | None:
        for child in node.named_children:
            self.value(child)
        return None

    # ------------------------------------------------------------------------------------------------------- calls

    def call(
        self, node: ts.Node, own: list[int] | None, extend: list[int] | None, awaited: bool = False
    ) -> ir.Place | None:
        function = node.child_by_field_name("function")
        listed = node.child_by_field_name("arguments")
        given = [n for n in listed.named_children if not n.type.endswith("comment")] if listed else []
        if function is None:
            return None
        generics: tuple[ir.Type, ...] = ()
        if function.type == "generic_function":
            generics = syntax.arguments(function.child_by_field_name("type_arguments"))
            function = function.child_by_field_name("function") or function
        if function.type == "field_expression":
            return self.method(node, function, generics, given, own, awaited)
        callee = self.callee(function, generics)
        is_value = isinstance(callee, ir.Named) and callee.path[-1:] and callee.path[-1][:1].isupper()
        operands = tuple(self.operand(g, extend if is_value else None) for g in given)
        name = function.child_by_field_name("name") or function
        return self.called(node, callee, operands, name, own, awaited)

    def callee(self, function: ts.Node, generics: tuple[ir.Type, ...]) -> ir.Callee:
        spelled = syntax.path(function) if function.type in ("identifier", "scoped_identifier") else ()
        if len(spelled) == 1:
            local = self.lookup(spelled[0])
            if local is not None:
                return ir.Indirect(ir.Place(local))
        if spelled:
            owner = None
            before = function.child_by_field_name("path")
            if before is not None and before.type in ("generic_type", "bracketed_type"):
                owner = syntax.type_of(before)
            return ir.Named(spelled, generics, owner)
        place = self.value(function)
        return ir.Indirect(place if place is not None else ir.Place(("[unknown]",)))

    def method(
        self,
        node: ts.Node,
        function: ts.Node,
        generics: tuple[ir.Type, ...],
        given: list[ts.Node],
        own: list[int] | None,
        awaited: bool,
    ) -> ir.Place | None:
        receiver, name = function.child_by_field_name("value"), function.child_by_field_name("field")
        place = self.value(receiver)
        operands = (ir.Operand(place), *(self.operand(g) for g in given))
        assert name is not None
        return self.called(
            node, ir.Method(syntax.text(name).removeprefix("r#"), generics), operands, name, own, awaited
        )

    def called(
        self,
        node: ts.Node,
        callee: ir.Callee,
        operands: tuple[ir.Operand, ...],
        name: ts.Node,
        own: list[int] | None,
        awaited: bool,
    ) -> ir.Place:
        dst = self.slot(self.temps if own is None else own)
        self.put(ir.Call(dst, callee, operands, self.at(node), self.at(name), awaited))
        return ir.Place(dst)

    def try_(self, node: ts.Node, own: list[int] | None, extend: list[int] | None) -> ir.Place | None:
        """`x?` hands on what is in `x`; the way out gives back everything, as every way out does."""
        place = self.value(node.named_children[0] if node.named_children else None)
        if place is None:
            return None
        dst = self.slot(self.temps if own is None else own)
        end = self.at(node)[1]
        self.put(ir.Call(dst, ir.Method("?"), (ir.Operand(place),), self.at(node), (end - 1, end)))
        return ir.Place(dst)

    def await_(self, node: ts.Node, own: list[int] | None, extend: list[int] | None) -> ir.Place | None:
        inner = node.named_children[0] if node.named_children else None
        word = next((c for c in node.children if c.type == "await"), node)
        place = self.waiting(inner)
        dst = self.slot(self.temps if own is None else own)
        self.put(ir.Await(dst, place or ir.Place(("[unknown]",)), self.at(node), self.at(word)))
        return ir.Place(dst)

    def waiting(self, node: ts.Node | None) -> ir.Place | None:
        """The value of something that is waited for on the spot."""
        if node is not None and node.type == "call_expression":
            return self.call(node, None, None, awaited=True)
        if node is not None and node.type == "macro_invocation":
            return macros.lower(self, node, None, None, waited=True)
        return self.value(node)

    def macro(self, node: ts.Node, own: list[int] | None, extend: list[int] | None) -> ir.Place | None:
        return macros.lower(self, node, own, extend)

    # --------------------------------------------------------------------------------------------------- closures

    def closure(self, node: ts.Node, own: list[int] | None, extend: list[int] | None) -> ir.Place | None:
        body = node.child_by_field_name("body")
        listed = node.child_by_field_name("parameters")
        params = [p for p in (listed.named_children if listed else ()) if not p.type.endswith("comment")]
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
                self.bind(pattern, ir.Place(numbers[-1]), kind)
            if body is not None:
                self.give(result, self.value(body))
        self.jumps, self.leave_function, self.result = jumps, leave, outer_result
        region = out[0]
        assert isinstance(region, ir.Region)
        takes = tuple(sorted(_captured(region, below))) if moves else ()
        self.put(ir.Lambda(dst, tuple(numbers), region, result, takes, waits))
        return ir.Place(dst)

    # ------------------------------------------------------------------------------------------- blocks, statements

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
        self.jumps.append(_Jump(name, label, -1, dst))
        return label

    def inside(self, node: ts.Node, dst: int, extend: list[int] | None = None) -> None:
        """The statements of a block and its tail, whose value goes to `dst`."""
        children = _of_one_configuration(node.named_children)
        for number, child in enumerate(children):
            self.followed = any(_does_something(after) for after in children[number + 1 :])
            if number == len(children) - 1 and (tail := _tail(child)) is not None:
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
        kind, otherwise = syntax.type_of(node.child_by_field_name("type")), node.child_by_field_name("alternative")
        if pattern is None:
            return
        if init is None:
            self.bind(pattern, None, kind)
            return
        if otherwise is not None:
            self.let_else(node, pattern, init, otherwise, kind)
            return
        names: dict[str, int] = {}
        with self.region(node, scope="temps"):
            self.initialised(pattern, init, kind)
            names = self.names[-1]
        self.names[-1].update(names)

    def initialised(self, pattern: ts.Node, init: ts.Node, kind: ir.Type | None) -> None:
        """`let pattern = init`: the lifetime of temporaries that a reference is made to is extended."""
        by_ref = b"ref " in (pattern.text or b"")
        below = len(self.slots)
        place = self.value(init, self.locals if by_ref else None, self.locals)
        for number in range(below, len(self.slots)):
            if number in self.locals and not self.slots[number].name:
                self.slots[number] = ir.Slot("", self.slots[number].type, "extended")
        if pattern.type == "_" or syntax.text(pattern) == "_":
            if place is not None and init.type not in _PLACES and self.followed:
                self.put(ir.Discard(place, self.at(pattern)))
            return
        halves = init.type == "tuple_expression" and patterns.names_in(pattern)
        for way in patterns.wildcards(pattern) if halves else ():
            assert place is not None  # a tuple that is written has a place
            self.put(ir.Discard(ir.Place(place.root, place.way + way), self.at(pattern)))
        self.bind(pattern, place, kind, borrowed=init.type == "reference_expression")

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
                    self.refine(place, patterns.verdict(pattern))
                    self.bind(pattern, place, kind, borrowed=init.type == "reference_expression")
                    names.update(self.names[-1])
                    self.put(ir.Leave(label))

                def missed() -> None:
                    self.refine(place, _opposite(patterns.verdict(pattern)))

                fits = self.arm(init, "", (0, 0), False, bound)
                self.put(ir.Branch((fits, self.arm(init, "", (0, 0), False, missed))))
            self.value(otherwise)
            self.put(ir.Leave(self.leave_function))
        self.names[-1].update(names)

    def refine(self, place: ir.Place | None, present: bool | None, sure: bool = False) -> None:
        if place is not None and present is not None:
            self.put(ir.Refine(place, present, sure))

    def bind(
        self, pattern: ts.Node | None, place: ir.Place | None, kind: ir.Type | None = None, borrowed: bool = False
    ) -> bool:
        """Give the pattern's names their slots (in the locals) and their values. Says whether it binds any."""
        found = list(patterns.bindings(pattern)) if pattern is not None else []
        made = []
        for name, way, by_ref, node in found:
            number = self.slot(self.locals, name, kind if not way else None, "local", self.at(node))
            made.append((name, number))
            if place is not None:
                src = ir.Place(place.root, place.way + way)
                is_ref = by_ref or borrowed
                self.put(ir.Ref(number, src) if is_ref else ir.Move(ir.Place(number), src))
        self.names[-1].update(made)
        return bool(found)

    def assignment(self, node: ts.Node, own: list[int] | None, extend: list[int] | None) -> ir.Place | None:
        """`left = right`: the right side first; the old value is dropped after the new one is made."""
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        src = self.value(right)
        if left is None or left.type == "_" or syntax.text(left) == "_":
            if src is not None and not isinstance(src.root, tuple):
                self.put(ir.Discard(src, self.at(left or node)))
                if right is not None and right.type in ("identifier", "field_expression"):
                    return None
            return None
        dst = self.value(left)
        if dst is not None and left.type in ("identifier", "field_expression"):
            self.put(ir.Release(dst, self.at(node)))
            if src is not None:
                self.put(ir.Move(dst, src))
        return None

    def compound(self, node: ts.Node, own: list[int] | None, extend: list[int] | None) -> ir.Place | None:
        """`left += right`: right first for numbers, left first where the operator is a method (strings)."""
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        order = (left, right) if right is not None and _is_textual(right) else (right, left)
        for part in order:
            self.value(part)
        return None

    # ------------------------------------------------------------------------------------------------ control flow

    def if_(self, node: ts.Node, own: list[int] | None, extend: list[int] | None) -> ir.Place | None:
        condition = node.child_by_field_name("condition")
        then = node.child_by_field_name("consequence")
        clause = node.child_by_field_name("alternative")
        otherwise = clause.named_children[-1] if clause is not None and clause.named_children else None
        if condition is None or then is None:
            return None
        dst = self.slot(self.temps if own is None else own)
        if condition.type == "let_condition" and not self.rescoped:
            self.if_let_2021(condition, then, otherwise, dst, extend)
        elif condition.type in ("let_condition", "let_chain"):
            self.if_let_2024(node, condition, then, otherwise, dst, extend)
        else:
            self.plain_if(condition, then, otherwise, dst, extend)
        return ir.Place(dst)

    def plain_if(
        self, condition: ts.Node, then: ts.Node, otherwise: ts.Node | None, dst: int, extend: list[int] | None
    ) -> None:
        self.condition(condition)
        parts = _conjuncts(condition)
        known = [self.asked(part) for part in parts]

        def fits() -> None:
            for place, says in known:
                self.refine(place, says, True)
            self.inside(then, dst, extend)

        def misses() -> None:
            if len(known) == 1:
                self.refine(known[0][0], _opposite(known[0][1]), True)
            self.otherwise(otherwise, dst, extend)

        arms = (self.arm(then, "", (0, 0), False, fits), self.arm(otherwise or then, "", (0, 0), False, misses))
        self.put(ir.Branch(arms))

    def asked(self, condition: ts.Node) -> tuple[ir.Place | None, bool | None]:
        """`x.is_some()`, `!x.is_none()` of a variable: the place, and whether the condition means that it is there."""
        positive = True
        while condition.type in ("parenthesized_expression", "unary_expression") and condition.named_children:
            positive ^= condition.children[0].type == "!"
            condition = condition.named_children[0]
        function = condition.child_by_field_name("function") if condition.type == "call_expression" else None
        receiver = function.child_by_field_name("value") if function is not None else None
        name = function.child_by_field_name("field") if function is not None else None
        if receiver is None or name is None or receiver.type != "identifier":
            return None, None
        says = {"is_some": True, "is_ok": True, "is_none": False, "is_err": False}.get(syntax.text(name))
        found = self.lookup(syntax.text(receiver))
        if says is None or found is None:
            return None, None
        return ir.Place(found), says == positive

    def otherwise(self, node: ts.Node | None, dst: int, extend: list[int] | None) -> None:
        if node is not None and node.type == "block":
            self.inside(node, dst, extend)
        elif node is not None:
            self.give(dst, self.value(node, None, extend))

    def scrutinee(self, node: ts.Node | None, why: str) -> tuple[ir.Place | None, tuple[int, int]]:
        """The value that patterns are held against, and the numbers of the slots that were made for it."""
        head, self.head, below = self.head, why, len(self.slots)
        place = self.value(node)
        self.head = head
        return place, (below, len(self.slots))

    def if_let_2021(
        self, condition: ts.Node, then: ts.Node, otherwise: ts.Node | None, dst: int, extend: list[int] | None
    ) -> None:
        """The head's temporaries join those of the statement around: they are alive in every arm."""
        pattern = condition.child_by_field_name("pattern")
        place, head = self.scrutinee(condition.child_by_field_name("value"), "if-let-2021")
        says = patterns.verdict(pattern)

        def fits() -> None:
            self.refine(place, says)
            self.bind(pattern, place)
            self.inside(then, dst, extend)

        def misses() -> None:
            self.refine(place, _opposite(says))
            self.otherwise(otherwise, dst, extend)

        needs = _borrows(condition.child_by_field_name("value")) and pattern is not None and patterns.names_in(pattern)
        arms = (self.arm(then, "then", head, needs, fits), self.arm(otherwise or then, "else", head, False, misses))
        self.put(ir.Branch(arms))

    def if_let_2024(
        self,
        node: ts.Node,
        condition: ts.Node,
        then: ts.Node,
        otherwise: ts.Node | None,
        dst: int,
        extend: list[int] | None,
    ) -> None:
        """The head's temporaries and bindings end before `else` runs."""
        label = self.label()
        with self.region(node, scope="temps", label=label):
            with self.region(condition, why="if-let-2024"):
                self.chain(_conditions(condition), then, dst, extend, label, len(self.slots))
            with self.region(otherwise or node):
                self.otherwise(otherwise, dst, extend)

    def chain(
        self, conditions: list[ts.Node], then: ts.Node, dst: int, extend: list[int] | None, label: int, below: int
    ) -> None:
        """Conditions of a chain in order: each `let` and its temporaries live through those after it and the body."""
        if not conditions:
            head = (below, len(self.slots))

            def run() -> None:
                self.inside(then, dst, extend)
                self.put(ir.Leave(label))

            self.put(ir.Branch((self.arm(then, "then", head, True, run),)))
            return
        first, rest = conditions[0], conditions[1:]
        if first.type != "let_condition":
            self.condition(first)
            taken = self.arm(first, "", (0, 0), False, lambda: self.chain(rest, then, dst, extend, label, below))
            self.put(ir.Branch((taken, self.arm(first, "", (0, 0), False, lambda: None))))
            return
        pattern = first.child_by_field_name("pattern")
        place = self.value(first.child_by_field_name("value"))
        says = patterns.verdict(pattern)

        def fits() -> None:
            self.head = "if-let-2024"
            self.refine(place, says)
            self.bind(pattern, place)
            self.chain(rest, then, dst, extend, label, below)

        misses = self.arm(first, "", (0, 0), False, lambda: self.refine(place, _opposite(says)))
        self.put(ir.Branch((self.arm(first, "", (0, 0), False, fits), misses)))

    def match(self, node: ts.Node, own: list[int] | None, extend: list[int] | None) -> ir.Place | None:
        dst = self.slot(self.temps if own is None else own)
        place, head = self.scrutinee(node.child_by_field_name("value"), "match")
        body = node.child_by_field_name("body")
        arms, absent, borrows = [], False, _borrows(node.child_by_field_name("value"))
        for arm in body.named_children if body else ():
            if arm.type != "match_arm":
                continue
            pattern, value = arm.child_by_field_name("pattern"), arm.child_by_field_name("value")
            says = patterns.verdict(pattern)
            if says is None and absent and patterns.is_open(pattern):
                says = False
            absent = absent or (says is True and patterns.is_open(pattern))
            needs = borrows and pattern is not None and patterns.names_in(pattern)
            arms.append(self.match_arm(arm, pattern, value, place, head, needs, says, dst, extend))
        if arms:
            self.put(ir.Branch(tuple(arms)))
        return ir.Place(dst)

    def match_arm(
        self,
        node: ts.Node,
        pattern: ts.Node | None,
        value: ts.Node | None,
        place: ir.Place | None,
        head: tuple[int, int],
        needs: bool,
        says: bool | None,
        dst: int,
        extend: list[int] | None,
    ) -> ir.Arm:
        guard = pattern.child_by_field_name("condition") if pattern is not None else None

        def fill() -> None:
            self.refine(place, says)
            self.bind(pattern, place)
            for condition in _conditions(guard) if guard is not None else ():
                if condition.type == "let_condition":
                    found = self.value(condition.child_by_field_name("value"))
                    self.bind(condition.child_by_field_name("pattern"), found)
                else:
                    self.condition(condition)
            if value is not None and value.type == "block":
                self.inside(value, dst, extend)
            else:
                self.give(dst, self.value(value, None, extend))

        return self.arm(value or node, "arm", head, needs, fill)

    def while_(self, node: ts.Node, own: list[int] | None, extend: list[int] | None) -> ir.Place | None:
        condition, body = node.child_by_field_name("condition"), node.child_by_field_name("body")
        leave, again = self.label(), self.label()
        name = next((syntax.text(c) for c in node.children if c.type == "label"), "")
        if condition is None or body is None:
            return None
        self.jumps.append(_Jump(name, leave, again, -1))
        with self.region(node, scope="temps", label=leave):
            out: list[ir.Step] = []
            with self.region(node, into=out, why="while-let"):
                if condition.type in ("let_condition", "let_chain"):
                    value = condition.child_by_field_name("value")
                    self.while_let(_conditions(condition), body, again, len(self.slots), _borrows(value))
                    self.put(ir.Leave(leave))
                else:
                    self.condition(condition)
                    runs = self.arm(body, "", (0, 0), False, lambda: self.inside(body, -1))
                    self.put(ir.Branch((runs, self.arm(body, "", (0, 0), False, lambda: self.put(ir.Leave(leave))))))
            round_ = out[0]
            assert isinstance(round_, ir.Region)
            self.put(ir.Loop(round_, again))
        self.jumps.pop()
        return None

    def while_let(self, conditions: list[ts.Node], body: ts.Node, again: int, below: int, needs: bool) -> None:
        """The head's temporaries live through one round and are dropped before the next."""
        if not conditions:
            head = (below, len(self.slots))

            def run() -> None:
                self.inside(body, -1)
                self.put(ir.Leave(again))

            self.put(ir.Branch((self.arm(body, "body", head, needs, run),)))
            return
        first, rest = conditions[0], conditions[1:]
        if first.type != "let_condition":
            self.condition(first)
            runs = self.arm(first, "", (0, 0), False, lambda: self.while_let(rest, body, again, below, needs))
            self.put(ir.Branch((runs, self.arm(first, "", (0, 0), False, lambda: None))))
            return
        pattern = first.child_by_field_name("pattern")
        place = self.value(first.child_by_field_name("value"))
        says = patterns.verdict(pattern)

        def fits() -> None:
            self.head = "while-let"
            self.refine(place, says)
            self.bind(pattern, place)
            self.while_let(rest, body, again, below, needs)

        misses = self.arm(first, "", (0, 0), False, lambda: self.refine(place, _opposite(says)))
        self.put(ir.Branch((self.arm(first, "", (0, 0), False, fits), misses)))

    def loop(self, node: ts.Node, own: list[int] | None, extend: list[int] | None) -> ir.Place | None:
        body = node.child_by_field_name("body")
        dst = self.slot(self.temps if own is None else own)
        leave, again = self.label(), self.label()
        name = next((syntax.text(c) for c in node.children if c.type == "label"), "")
        if body is None:
            return None
        self.jumps.append(_Jump(name, leave, again, dst))
        with self.region(node, scope="temps", label=leave):
            out: list[ir.Step] = []
            with self.region(body, into=out):
                self.inside(body, -1)
                self.put(ir.Leave(again))
            round_ = out[0]
            assert isinstance(round_, ir.Region)
            self.put(ir.Loop(round_, again))
        self.jumps.pop()
        return ir.Place(dst)

    def for_(self, node: ts.Node, own: list[int] | None, extend: list[int] | None) -> ir.Place | None:
        """The head is a `match` scrutinee: its temporaries live through the whole loop."""
        pattern, body = node.child_by_field_name("pattern"), node.child_by_field_name("body")
        place, head = self.scrutinee(node.child_by_field_name("value"), "for")
        leave, again = self.label(), self.label()
        name = next((syntax.text(c) for c in node.children if c.type == "label"), "")
        if body is None:
            return None
        self.jumps.append(_Jump(name, leave, again, -1))
        with self.region(node, scope="temps", label=leave):
            out: list[ir.Step] = []
            with self.region(body, into=out):

                def run() -> None:
                    element = ir.Place(place.root, (*place.way, f"[each {len(self.slots)}]")) if place else None
                    self.bind(pattern, element, borrowed=True)
                    self.inside(body, -1)

                done = self.arm(body, "", (0, 0), False, lambda: self.put(ir.Leave(leave)))
                needs = _borrows(node.child_by_field_name("value"))
                self.put(ir.Branch((self.arm(body, "body", head, needs, run), done)))
            round_ = out[0]
            assert isinstance(round_, ir.Region)
            self.put(ir.Loop(round_, again))
        self.jumps.pop()
        return None

    def return_(self, node: ts.Node, own: list[int] | None, extend: list[int] | None) -> ir.Place | None:
        with self.region(node, scope="temps"):
            self.give(self.result, self.value(node.named_children[0] if node.named_children else None))
        self.put(ir.Leave(self.leave_function))
        return None

    def break_(self, node: ts.Node, own: list[int] | None, extend: list[int] | None) -> ir.Place | None:
        jump = self.jump(node)
        given = [c for c in node.named_children if c.type != "label"]
        if given:
            with self.region(node, scope="temps"):
                place = self.value(given[0])
                if jump is not None:
                    self.give(jump.result, place)
        if jump is not None:
            self.put(ir.Leave(jump.leave))
        return None

    def continue_(self, node: ts.Node, own: list[int] | None, extend: list[int] | None) -> ir.Place | None:
        jump = self.jump(node)
        if jump is not None and jump.again >= 0:
            self.put(ir.Leave(jump.again))
        return None

    def jump(self, node: ts.Node) -> _Jump | None:
        name = next((syntax.text(c) for c in node.children if c.type == "label"), "")
        fits = (j for j in reversed(self.jumps) if (j.name == name if name else j.again >= 0))
        return next(fits, None)

    def nothing(self, node: ts.Node, own: list[int] | None, extend: list[int] | None) -> ir.Place | None:
        return None


def _through(place: ir.Place | None) -> ir.Place | None:
    """The place behind or in front of a reference: the same for locks, but moving it does not move the original."""
    return ir.Place(place.root, (*place.way, "&")) if place is not None else None


_OWNED = {
    "clone",
    "cloned",
    "copied",
    "pop",
    "pop_front",
    "pop_back",
    "take",
    "remove",
    "len",
    "is_empty",
    "to_vec",
    "to_owned",
    "to_string",
    "insert",
    "recv",
    "try_recv",
    "contains_key",
    "contains",
    "collect",
    "is_some",
    "is_none",
    "unwrap_or_default",
    "replace",
    "count",
    "sum",
    "drain_all",
    "swap_remove",
    "load",
    "is_ok",
    "is_err",
    "pop_first",
    "pop_last",
    "range_len",
}
"""Methods whose result borrows nothing: what follows does not need the guard that they were called through."""


def _borrows(node: ts.Node | None) -> bool:
    """Whether a head's value may borrow from its temporaries."""
    while node is not None and node.type in ("parenthesized_expression", "try_expression", "await_expression"):
        node = node.named_children[0] if node.named_children else None
    if node is None or node.type in ("range_expression", "binary_expression"):
        return False
    if node.type == "block":
        return _borrows(_tail(node.named_children[-1])) if node.named_children else False
    if node.type == "call_expression":
        function = node.child_by_field_name("function")
        if function is not None and function.type == "scoped_identifier":
            return syntax.path(function)[-1] not in ("take", "replace", "swap")
        if function is not None and function.type == "generic_function":
            function = function.child_by_field_name("function")
        name = function.child_by_field_name("field") if function is not None else None
        if name is None or function is None:
            return True
        spelled = syntax.text(name)
        if spelled in ("unwrap", "expect", "ok", "unwrap_or"):
            return _borrows(function.child_by_field_name("value"))
        return spelled not in _OWNED
    return True


def _captured(region: ir.Region, below: int) -> set[int]:
    """The slots of the surroundings (numbered under `below`) that the steps of a closure speak of."""
    found: set[int] = set()

    def place(at: ir.Place | None) -> None:
        if at is not None and isinstance(at.root, int) and at.root < below:
            found.add(at.root)

    def walk(steps: tuple[ir.Step, ...]) -> None:
        for step in steps:
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
                case ir.Lambda(body=body) | ir.Loop(body=body):
                    walk(body.steps)
                case ir.Region(steps=inner):
                    walk(inner)
                case ir.Branch(arms):
                    for arm in arms:
                        walk(arm.body.steps)
                case _:
                    pass

    walk(region.steps)
    return found


_CFG = re.compile(r"#\[\s*cfg\s*\((.*)\)\s*\]$", re.DOTALL)


def _of_one_configuration(nodes: list[ts.Node]) -> list[ts.Node]:
    """The statements of a block without those that are compiled only where an earlier one is not."""
    kept: list[ts.Node] = []
    seen: set[str] = set()
    condition = ""
    for node in nodes:
        if node.type in ("label", "line_comment", "block_comment"):
            continue
        if node.type == "attribute_item":
            said = _CFG.match(syntax.text(node))
            condition = "".join(said[1].split()) if said else condition
            continue
        opposite = condition[4:-1] if condition.startswith("not(") else f"not({condition})"
        if not condition or opposite not in seen:
            kept.append(node)
            seen.add(condition)
        condition = ""
    return kept


def _does_something(node: ts.Node) -> bool:
    """Whether a statement that follows could need a lock: it calls something, or is more than a plain value."""
    words = (node.text or b"").replace(b"Ok(())", b"")
    return b"(" in words or b"=" in words or b"{" in words


def _conjuncts(node: ts.Node) -> list[ts.Node]:
    """The operands of a chain of `&&`."""
    operator = node.child_by_field_name("operator") if node.type == "binary_expression" else None
    if operator is None or operator.type != "&&":
        return [node]
    sides = (node.child_by_field_name("left"), node.child_by_field_name("right"))
    return [part for side in sides if side is not None for part in _conjuncts(side)]


def _opposite(says: bool | None) -> bool | None:
    return None if says is None else not says


def _conditions(node: ts.Node) -> list[ts.Node]:
    return list(node.named_children) if node.type == "let_chain" else [node]


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


def _tail(node: ts.Node) -> ts.Node | None:
    """The expression that is a block's value, if its last part is one."""
    kind = node.type
    if kind == "expression_statement":
        inner = node.named_children[0] if node.named_children else None
        ended = node.children and node.children[-1].type == ";"
        return inner if inner is not None and not ended and inner.type in _WITH_BLOCK else None
    if kind.endswith(("_item", "_declaration", "_definition")) or kind in ("empty_statement", "attribute_item"):
        return None
    return node


def _is_textual(node: ts.Node) -> bool:
    """Whether the right side of `+=` looks like no number: then the operator is a method of the left side."""
    if node.type in ("string_literal", "raw_string_literal", "reference_expression"):
        return True
    return node.type == "block" and bool(node.named_children) and _is_textual(node.named_children[-1])


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
    "boolean_literal": Lowering.nothing,
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


ONCE = "[make]"
"""The name of the call by which an initialiser holds the static that it makes."""


def lower(data: bytes, function: ir.Function, edition: int, known: expand.Known | None = None) -> ir.Body:
    """The body of a function. `data` is the whole file; only the function's bytes are parsed.

    `known` are the macros that its file sees.

    Raises RecursionError where the code is nested deeper than the stack allows.
    """
    start, end = function.at
    root = syntax.parse(data[start:end])
    if function.made_once:
        return _initialiser(root, function, edition, known)
    node = next((n for n in root.named_children if n.type == "function_item"), None)
    lowering = Lowering(edition, start, known)
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
    region = outer[0]
    assert isinstance(region, ir.Region)
    return ir.Body(tuple(lowering.slots), region, lowering.result)


def _initialiser(root: ts.Node, function: ir.Function, edition: int, known: expand.Known | None) -> ir.Body:
    """`static X: LazyLock<T> = LazyLock::new(|| …)`: the closure's body, run while the static is being made."""
    lowering, outer = Lowering(edition, function.at[0], known), list[ir.Step]()
    item = root.named_children[0] if root.named_children else root
    value = item.child_by_field_name("value")
    listed = value.child_by_field_name("arguments") if value is not None and value.type == "call_expression" else None
    closure = next((n for n in listed.named_children if n.type == "closure_expression"), None) if listed else None
    body = closure.child_by_field_name("body") if closure is not None else None
    with lowering.region(item, label=ir.RETURN, into=outer):
        if body is not None:
            made = lowering.slot(lowering.locals, "", None, "static")
            name = (function.name_at[0], function.name_at[1])
            at = lowering.at(body)
            lowering.put(ir.Call(made, ir.Method(ONCE), (ir.Operand(ir.Place((function.made_once,))),), at, name))
            with lowering.region(body):
                lowering.value(body)
    region = outer[0]
    assert isinstance(region, ir.Region)
    return ir.Body(tuple(lowering.slots), region, -1)


def _parameters(lowering: Lowering, function: ir.Function, params: ts.Node | None) -> None:
    """The first slots are the parameters; what is behind a reference is not theirs to drop."""
    nodes = [c for c in (params.named_children if params else ()) if c.type in ("self_parameter", "parameter")]
    bound = []
    for param, node in zip(function.params, nodes, strict=False):
        owner = lowering.locals if param.by_value else []
        number = lowering.slot(owner, param.name, param.type, "param")
        pattern = node.child_by_field_name("pattern") if node.type == "parameter" else None
        if pattern is None or pattern.type in ("identifier", "self"):
            lowering.names[-1][param.name.removeprefix("r#")] = number
        else:
            bound.append((pattern, number))
    for pattern, number in bound:
        lowering.bind(pattern, ir.Place(number), borrowed=True)
