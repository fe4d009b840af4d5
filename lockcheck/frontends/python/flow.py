"""Statements: which way control takes, and where what a block opened is closed.

In: libcst's statement nodes.  Out: regions, branches, loops and the ways out of them.
Never: what a call means.

An exception leaves to the label of the handler around it (`Call.throws`). A `finally` stands at the end of each way
out of its block. `with` makes two calls, `__enter__` and `__exit__`; a guard that `__enter__` hands out is
held by a slot of the block's region: it is given back on every way out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import libcst as cst
from msgspec.structs import replace

from lockcheck import ir
from lockcheck.frontends.python import syntax
from lockcheck.frontends.python.expressions import OPERATORS, UNKNOWN, Expressions
from lockcheck.frontends.python.frame import Around

_EVERYTHING = frozenset({"BaseException", "CancelledError", "Cancelled", "GeneratorExit"})
_ORDINARY = frozenset({"Exception"})


class Flow(Expressions):
    """The statements of a function."""

    def block(self, node: cst.BaseSuite | cst.Module) -> None:
        for statement in node.body:
            self.statement(statement)

    def statement(self, node: cst.CSTNode) -> None:
        match node:
            case cst.SimpleStatementLine(body=small):
                for one in small:
                    self.small(one)
            case cst.If():
                self.decide(node, node.test, lambda: self.block(node.body), lambda: self.otherwise(node.orelse))
            case cst.While():
                self.while_(node)
            case cst.For():
                self.for_(node)
            case cst.With():
                self.with_(node, list(node.items))
            case cst.Try() | cst.TryStar():
                self.try_(node)
            case cst.FunctionDef():
                self.bind(node.name, ir.Place(self.closure(node)))
            case cst.Match():
                self.match_(node)
            case cst.ClassDef(name=name):
                self.shown(node)
                self.untold([name.value])
            case cst.BaseSmallStatement():
                self.small(node)
            case _:
                pass

    def otherwise(self, node: cst.CSTNode | None) -> None:
        if isinstance(node, cst.Else):
            self.block(node.body)
        elif node is not None:
            self.statement(node)

    # ------------------------------------------------------------------------------------------- simple statements

    def small(self, node: cst.BaseSmallStatement) -> None:
        match node:
            case cst.Expr(value=value):
                self.value(value)
            case cst.Assign(targets=targets, value=value):
                place = self.value(value)
                for target in sorted(targets, key=lambda one: isinstance(one.target, cst.Name)):
                    self.bind(target.target, place)
            case cst.AnnAssign(target=target, value=value):
                if value is not None:
                    self.bind(target, self.value(value))
            case cst.AugAssign(target=target, value=value):
                if isinstance(target, cst.Attribute):
                    self.value(target)
                self.value(value)
                self.bind(target, None)
            case cst.Return(value=value):
                place = self.value(value) if value is not None else None
                if place is not None and self.result >= 0:
                    self.put(ir.Move(ir.Place(self.result), place))
                self.leave(self.leave_function, 0, self.at(node))
            case cst.Raise():
                self.raise_(node)
            case cst.Break():
                if self.loops:
                    self.leave(self.loops[-1][0], self.loops[-1][2], self.at(node))
            case cst.Continue():
                if self.loops:
                    self.leave(self.loops[-1][1], self.loops[-1][2], self.at(node))
            case cst.Del(target=target):
                for one in target.elements if isinstance(target, cst.Tuple) else (target,):
                    self.deleted(one.value if isinstance(one, cst.Element) else one)
            case cst.Assert(test=test):
                self.claimed(test)
            case cst.Import() | cst.ImportFrom():
                self.untold(syntax.imported(node))
            case _:
                pass

    def deleted(self, target: cst.CSTNode) -> None:
        if isinstance(target, cst.Subscript):
            place = self.subscript(target, "__delitem__")
            if place is not None:
                self.put(ir.Move(place, UNKNOWN))
        else:
            self.bind(target, None)

    def claimed(self, test: cst.BaseExpression) -> None:
        """What comes after it runs only where the expression is true."""
        denied = isinstance(test, cst.UnaryOperation) and isinstance(test.operator, cst.Not)
        place = self.value(test.expression if isinstance(test, cst.UnaryOperation) and denied else test)
        if place is not None:
            self.put(ir.Refine(place, not denied))

    def raise_(self, node: cst.Raise) -> None:
        if node.exc is not None:
            self.value(node.exc)
        self.put(ir.Leave(self.handler(), self.at(node)))

    def bind(self, target: cst.CSTNode, value: ir.Place | None) -> None:
        match target:
            case cst.Name(value=name):
                slot = self.lookup(name)
                if slot is not None and value is not None:
                    self.put(ir.Move(ir.Place(slot), value))
                elif slot is not None:
                    self.unseen.add(slot)
                else:
                    self.put(ir.Move(ir.Place((name,)), value or UNKNOWN))
            case cst.Tuple(elements=elements) | cst.List(elements=elements):
                for number, element in enumerate(elements):
                    part = ir.Place(value.root, (*value.way, str(number))) if value is not None else None
                    self.bind(element.value, None if isinstance(element, cst.StarredElement) else part)
            case cst.Attribute(value=inner, attr=attr):
                base = self.value(inner)
                if base is not None and isinstance(base.root, int):
                    given = ir.Place(base.root, (*base.way, attr.value))
                    self.put(ir.Set(given, value, self.at(target), self.at(attr)))
                if base is not None and (value is not None or isinstance(base.root, tuple)):
                    self.put(ir.Move(ir.Place(base.root, (*base.way, attr.value)), value or UNKNOWN))
            case cst.Subscript():
                place = self.subscript(target, "__setitem__")
                if place is not None and value is not None:
                    self.put(ir.Move(place, value))
            case _:
                pass

    def untold(self, names: Iterable[str]) -> None:
        """Names are bound to values of which no step says anything."""
        self.unseen.update(slot for name in names if (slot := self.lookup(name)) is not None)

    def shown(self, node: cst.ClassDef) -> None:
        """A class within the function has the variables that it names, whoever calls its methods."""
        slots = {slot for name in syntax.names_in(node) if (slot := self.lookup(name)) is not None}
        parts = tuple((ir.captured(slot), ir.Operand(ir.Place(slot))) for slot in sorted(slots))
        if parts:
            self.put(ir.New(self.slot(), (), parts))

    # ------------------------------------------------------------------------------------------------------- loops

    def while_(self, node: cst.While) -> None:
        done, again, end, inside = self.label(), self.label(), self.label(), self.label()
        at = self.at(node)

        def one_round() -> None:
            with self.region(at, label=end):
                with self.region(at, label=inside):
                    self.test(node.test, inside, end)
                self.loops.append((done, again, len(self.around)))
                self.block(node.body)
                self.loops.pop()
                self.put(ir.Leave(again))
            self.otherwise(node.orelse)
            self.put(ir.Leave(done))

        with self.region(at, label=done):
            self.put(ir.Loop(self.filled(at, one_round), again))

    def for_(self, node: cst.For) -> None:
        source = self.at_once(node.iter)
        if node.asynchronous is None:
            self.operate("__iter__", source, node.iter)
        done, again, mark = self.label(), self.label(), self.slot()
        at = self.at(node)

        def one_round() -> None:
            if node.asynchronous is not None:
                name_at = (at[0], at[0] + len("async"))
                self.put(ir.Await(self.slot(), source or UNKNOWN, at, name_at, self.handler(True)))
            self.element(node.target, source, mark)
            self.loops.append((done, again, len(self.around)))
            self.block(node.body)
            self.loops.pop()

        def stop() -> None:
            self.otherwise(node.orelse)
            self.put(ir.Leave(done))

        with self.region(at, label=done):
            arms = ir.Branch((self.arm(at, one_round, "body"), self.arm(at, stop)))
            self.put(ir.Loop(ir.Region((arms,), (mark,), at), again))

    # -------------------------------------------------------------------------------------------------------- with

    def with_(self, node: cst.With, items: Sequence[cst.WithItem]) -> None:
        if not items:
            self.block(node.body)
            return
        item, rest = items[0], items[1:]
        opened = self.turn(item.item)
        waits = node.asynchronous is not None or opened is not item.item
        at, name_at = self.at(item.item), self.at(item.item)
        guard = self.slot("", "with", at)
        enters, leaves = (ir.Method(f"__a{name}__" if waits else f"__{name}__") for name in ("enter", "exit"))
        one_of = ir.Place(self.slot()) if isinstance(item.item, cst.IfExp) else None
        operand = (ir.Operand(one_of or self.value(opened) or UNKNOWN),)
        ends = self.slot()

        def open_(part: cst.BaseExpression, chosen: ir.Place) -> None:
            place = self.value(part) or UNKNOWN
            self.put(ir.Move(chosen, place))
            self.put(ir.Call(guard, enters, (ir.Operand(place),), at, name_at, waits, self.handler()))

        def close() -> None:
            self.put(ir.Call(ends, leaves, operand, at, name_at, waits, self.handler()))
            self.put(ir.Release(ir.Place(guard), (at[1], at[1])))

        with self.region(self.at(node), (guard,)):
            if isinstance(item.item, cst.IfExp) and one_of is not None:
                either = (lambda part=part: open_(part, one_of) for part in (item.item.body, item.item.orelse))
                self.decide(node, item.item.test, *either)
            else:
                self.put(ir.Call(guard, enters, operand, at, name_at, waits, self.handler()))
            if waits:
                self.put(ir.Await(guard, ir.Place(guard), at, name_at, self.handler(True)))
            if item.asname is not None and isinstance(item.asname.name, cst.BaseExpression):
                got = self.slot()
                self.put(ir.Ref(got, ir.Place(guard)))
                self.bind(item.asname.name, ir.Place(got))
            final = self.filled(at, close)
            self.guarded(at, lambda: self.with_(node, rest), final)

    def turn(self, node: cst.BaseExpression) -> cst.BaseExpression:
        """What a block is opened with: `with (yield from lock)`, `with (await lock.acquire())` wait for the lock."""
        inner = self.waited_for(node)
        if isinstance(inner, cst.Call) and not inner.args and isinstance(inner.func, cst.Attribute):
            return inner.func.value if inner.func.attr.value == "acquire" else node
        return inner if isinstance(inner, (cst.Name, cst.Attribute)) else node

    def guarded(self, at: ir.Range, body: Callable[[], None], final: ir.Region, ends: ir.Range | None = None) -> None:
        """Steps after which, on whatever way out, those of `final` run; an error goes on from there, at `ends`."""
        failed, end = self.label(), self.label()
        outside = self.handler()
        with self.region(at, label=end):
            self.around.append(Around(failed, "all", final))
            with self.region(at, label=failed):
                body()
                self.put(final)
                self.put(ir.Leave(end))
            self.around.pop()
            self.put(final)
            self.put(ir.Leave(outside, ends or at))

    # --------------------------------------------------------------------------------------------------------- try

    def try_(self, node: cst.Try | cst.TryStar) -> None:
        if node.finalbody is None:
            self.handled(node)
            return
        last = node.finalbody.body
        at, ends, outside = self.at(node), self.at(node.finalbody), self.handler()
        final = self.filled(ends, lambda: self.block(last))
        if not node.handlers:
            self.guarded(at, lambda: self.block(node.body), final, ends)
            return

        def run() -> None:
            late, done = self.label(), self.label()
            with self.region(at, label=done):
                with self.region(at, label=late):
                    self.handled(node, late)
                    self.put(ir.Leave(done))
                self.put(final)
                self.put(ir.Leave(outside, ends))

        self.guarded(at, run, final)

    def handled(self, node: cst.Try | cst.TryStar, late: int = -1) -> None:
        """The body of a `try` with its handlers and its `else`; what goes wrong in these goes to the label `late`.

        So who looks at where an error leaves can tell it from a cancellation that the handlers let pass.
        """
        failed, end, outside = self.label(), self.label(), late if late >= 0 else self.handler()
        caught = [self.catches(handler) for handler in node.handlers]
        ordinary = "ordinary" in caught and "all" not in caught
        at, tried = self.at(node), self.at(node.body)
        with self.region(at, label=end):
            with self.region(tried, label=failed):
                self.around.append(Around(failed, "ordinary" if "all" not in caught else "all"))
                self.block(node.body)
                self.around.pop()
                self.failing(failed, tried)
                self.around.append(Around(late))
                self.otherwise(node.orelse)
                self.put(ir.Leave(end))
            arms = [self.handling(handler) for handler in node.handlers]
            self.around.pop()
            if "all" not in caught and not ordinary:
                named = tuple(dict.fromkeys(name for one in node.handlers for name in _errors(one)))
                passes = (ir.Escape(outside, tried, caught=named), ir.Leave(outside))  # (none that a handler names)
                arms.append(ir.Arm(ir.Region(passes, (), at)))
            self.put(ir.Branch(tuple(arms)))

    def failing(self, label: int, at: ir.Range) -> None:
        """What is tried calls nothing: reading a name or an element is what may raise."""
        tried = ir.Region(tuple(self.steps), (), at)
        steps = [step for step in ir.steps_of(tried, closures=False) if isinstance(step, (ir.Call, ir.Escape))]
        if all(isinstance(step, ir.Call) and step.word in OPERATORS for step in steps):
            self.steps.insert(0, ir.Escape(label, at))

    def handling(self, handler: cst.ExceptHandler | cst.ExceptStarHandler) -> ir.Arm:
        self.untold(syntax.names_bound(handler.name.name) if handler.name is not None else ())
        return self.arm(self.at(handler), lambda: self.block(handler.body), "handler")

    def catches(self, handler: cst.ExceptHandler | cst.ExceptStarHandler) -> str:
        """How much a handler stops: "all", all but a cancellation ("ordinary"), or "some"."""
        if handler.type is None:
            return "all"
        names = frozenset(_errors(handler))
        if names & _EVERYTHING:
            return "all"
        return "ordinary" if names & _ORDINARY else "some"

    # ------------------------------------------------------------------------------------------------------- match

    def match_(self, node: cst.Match) -> None:
        subject = self.value(node.subject)
        arms, before = [], list[ir.Step]()
        for case in node.cases:
            self.untold(syntax.assigned(case.pattern)[0])
            said = self.said_by(case, subject)

            def run(case: cst.MatchCase = case, known: tuple[ir.Step, ...] = (*before, *said)) -> None:
                self.steps += known
                if isinstance(case.pattern, cst.MatchAs) and case.pattern.pattern is None and case.pattern.name:
                    self.bind(case.pattern.name, subject)
                if case.guard is not None:
                    self.value(case.guard)
                self.block(case.body)

            arms.append(self.arm(self.at(case), run, "arm"))
            if case.guard is None:
                before += [replace(step, present=not step.present) for step in said]
        last = node.cases[-1].pattern if node.cases else None
        if not (isinstance(last, cst.MatchAs) and last.pattern is None):
            arms.append(ir.Arm(ir.Region(tuple(before), (), self.at(node))))
        self.put(ir.Branch(tuple(arms)))

    def said_by(self, case: cst.MatchCase, subject: ir.Place | None) -> tuple[ir.Refine, ...]:
        """What a case that is a written truth value says of the subject where it fits."""
        word = case.pattern.value.value if isinstance(case.pattern, cst.MatchSingleton) else ""
        return (ir.Refine(subject, word == "True"),) if subject is not None and word in ("True", "False") else ()


def _errors(handler: cst.ExceptHandler | cst.ExceptStarHandler) -> list[str]:
    """The last names of the errors that a handler stops; none where it stops all."""
    if handler.type is None:
        return []
    kinds = [e.value for e in handler.type.elements] if isinstance(handler.type, cst.Tuple) else [handler.type]
    return [names[-1] for kind in kinds if (names := syntax.dotted(kind))]
