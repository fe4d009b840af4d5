"""Branches and loops: how long what a head makes is alive, and in which arms.

In: nodes of `if`, `match`, loops and jumps.  Out: `Branch`, `Loop`, `Leave`.
Never: how a single expression is lowered.
"""

from __future__ import annotations

import tree_sitter as ts

from lockcheck import effects, ir
from lockcheck.frontends.rust import patterns, syntax
from lockcheck.frontends.rust.frame import Frame, Jump

_MANY_ARMS = 64
"""Behind so many arms, one that names a value says this alone: no more, that it is none of the others."""


class Flow(Frame):
    """`if`, `if let`, `match`, `while`, `loop`, `for` and the ways out of them."""

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

        def fits() -> None:
            self.given(condition, True)
            self.inside(then, dst, extend)

        def misses() -> None:
            self.given(condition, False)
            self.otherwise(otherwise, dst, extend)

        arms = (self.arm(then, "", (0, 0), False, fits), self.arm(otherwise or then, "", (0, 0), False, misses))
        self.put(ir.Branch(arms))

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

        def fits() -> None:
            self.fits(place, pattern)
            self.bind(pattern, place)
            self.inside(then, dst, extend)

        def misses() -> None:
            self.misses(place, pattern)
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

            def goes_on() -> None:
                self.given(first, True)
                self.chain(rest, then, dst, extend, label, below)

            taken = self.arm(first, "", (0, 0), False, goes_on)
            self.put(ir.Branch((taken, self.arm(first, "", (0, 0), False, lambda: None))))
            return
        pattern = first.child_by_field_name("pattern")
        place = self.value(first.child_by_field_name("value"))

        def fits() -> None:
            self.head = "if-let-2024"
            self.fits(place, pattern)
            self.bind(pattern, place)
            self.chain(rest, then, dst, extend, label, below)

        misses = self.arm(first, "", (0, 0), False, lambda: self.misses(place, pattern))
        self.put(ir.Branch((self.arm(first, "", (0, 0), False, fits), misses)))

    def match(self, node: ts.Node, own: list[int] | None, extend: list[int] | None) -> ir.Place | None:
        dst = self.slot(self.temps if own is None else own)
        place, head = self.scrutinee(node.child_by_field_name("value"), "match")
        body = node.child_by_field_name("body")
        arms, others, borrows = list[ir.Arm](), list[patterns.Claim](), _borrows(node.child_by_field_name("value"))
        for arm in body.named_children if body else ():
            if arm.type != "match_arm":
                continue
            pattern, value = arm.child_by_field_name("pattern"), arm.child_by_field_name("value")
            needs = borrows and pattern is not None and patterns.names_in(pattern)
            arms.append(self.match_arm(arm, pattern, value, place, head, needs, others, dst, extend))
            others += [only] if (only := patterns.only_claim(pattern)) is not None else []
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
        others: list[patterns.Claim],
        dst: int,
        extend: list[int] | None,
    ) -> ir.Arm:
        guard = pattern.child_by_field_name("condition") if pattern is not None else None
        told = len(others) <= _MANY_ARMS or not any(claim.value for claim in patterns.claims(pattern))

        def fill() -> None:
            for other in others if told else ():
                self.claim(place, other, False)
            self.fits(place, pattern)
            self.bind(pattern, place)
            for condition in _conditions(guard) if guard is not None else ():
                if condition.type == "let_condition":
                    found = self.value(condition.child_by_field_name("value"))
                    self.bind(condition.child_by_field_name("pattern"), found)
                else:
                    self.condition(condition)
                    self.given(condition, True)
            if value is not None and value.type == "block":
                self.inside(value, dst, extend)
            else:
                self.give(dst, self.value(value, None, extend))

        return self.arm(value or node, "arm", head, needs, fill)

    # ------------------------------------------------------------------------------------------------ loops, jumps

    def while_(self, node: ts.Node, own: list[int] | None, extend: list[int] | None) -> ir.Place | None:
        condition, body = node.child_by_field_name("condition"), node.child_by_field_name("body")
        leave, again = self.label(), self.label()
        name = next((syntax.text(c) for c in node.children if c.type == "label"), "")
        if condition is None or body is None:
            return None
        self.jumps.append(Jump(name, leave, again, -1))
        with self.region(node, scope="temps", label=leave):
            out: list[ir.Step] = []
            with self.region(node, into=out, why="while-let"):
                if condition.type in ("let_condition", "let_chain"):
                    value = condition.child_by_field_name("value")
                    self.while_let(_conditions(condition), body, again, len(self.slots), _borrows(value))
                    self.put(ir.Leave(leave))
                else:
                    self.condition(condition)

                    def runs() -> None:
                        self.given(condition, True)
                        self.inside(body, -1)

                    def ends() -> None:
                        self.given(condition, False)
                        self.put(ir.Leave(leave))

                    arms = (self.arm(body, "", (0, 0), False, runs), self.arm(body, "", (0, 0), False, ends))
                    self.put(ir.Branch(arms))
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

        def fits() -> None:
            self.head = "while-let"
            self.fits(place, pattern)
            self.bind(pattern, place)
            self.while_let(rest, body, again, below, needs)

        misses = self.arm(first, "", (0, 0), False, lambda: self.misses(place, pattern))
        self.put(ir.Branch((self.arm(first, "", (0, 0), False, fits), misses)))

    def loop(self, node: ts.Node, own: list[int] | None, extend: list[int] | None) -> ir.Place | None:
        body = node.child_by_field_name("body")
        dst = self.slot(self.temps if own is None else own)
        leave, again = self.label(), self.label()
        name = next((syntax.text(c) for c in node.children if c.type == "label"), "")
        if body is None:
            return None
        self.jumps.append(Jump(name, leave, again, dst))
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
        self.implied(("IntoIterator", "into_iter"), node.child_by_field_name("value") or node, place)
        leave, again = self.label(), self.label()
        name = next((syntax.text(c) for c in node.children if c.type == "label"), "")
        if body is None:
            return None
        self.jumps.append(Jump(name, leave, again, -1))
        with self.region(node, scope="temps", label=leave):
            out: list[ir.Step] = []
            with self.region(body, into=out):
                at = self.at(node.child_by_field_name("value") or node)
                if place is not None:
                    self.put(ir.Call(self.slot(self.temps), ir.Method(ir.NEXT), (ir.Operand(place),), at, at))

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
        self.put(ir.Leave(self.leave_function, self.at(node)))
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
            self.put(ir.Leave(jump.leave, self.at(node)))
        return None

    def continue_(self, node: ts.Node, own: list[int] | None, extend: list[int] | None) -> ir.Place | None:
        jump = self.jump(node)
        if jump is not None and jump.again >= 0:
            self.put(ir.Leave(jump.again, self.at(node)))
        return None

    def jump(self, node: ts.Node) -> Jump | None:
        name = next((syntax.text(c) for c in node.children if c.type == "label"), "")
        fits = (j for j in reversed(self.jumps) if (j.name == name if name else j.again >= 0))
        return next(fits, None)


def _borrows(node: ts.Node | None) -> bool:
    """Whether a head's value may borrow from its temporaries."""
    while node is not None and node.type in ("parenthesized_expression", "try_expression", "await_expression"):
        node = node.named_children[0] if node.named_children else None
    if node is None or node.type in ("range_expression", "binary_expression"):
        return False
    if node.type == "block":
        return _borrows(syntax.tail(node.named_children[-1])) if node.named_children else False
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
        return spelled not in effects.load("rust").owned
    return True


def _conditions(node: ts.Node) -> list[ts.Node]:
    return list(node.named_children) if node.type == "let_chain" else [node]
