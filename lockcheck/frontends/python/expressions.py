"""Expressions: what is called with what, in the order of evaluation, and where each value is.

In: libcst's expression nodes.  Out: steps, and the place of the value.
Never: what a call means.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import libcst as cst

from lockcheck import ir
from lockcheck.frontends.python import syntax
from lockcheck.frontends.python.frame import Frame
from lockcheck.frontends.python.values import CONSTANTS

UNKNOWN = ir.Place(("[unknown]",))
OPERATORS = frozenset(
    {"__getitem__", "__setitem__", "__delitem__", "__contains__", "__iter__", "__str__", "__bool__", "__eq__", "__ne__",
     "__hash__"}
)  # fmt: skip
"""The methods by which values answer to operators."""


_NUMBERS = {"0": ir.NO, "1": ir.YES}
"""Numbers that are given for a truth value, as in `acquire(0)`."""
_SAME: dict[type[cst.BaseCompOp], str] = {
    cst.Is: "is", cst.Equal: "is", cst.In: "is", cst.IsNot: "is not", cst.NotEqual: "is not", cst.NotIn: "is not",
}  # fmt: skip
"""The operators that ask whether two values are one, as `ir.Compute` has them."""


def _text_like(node: cst.BaseExpression) -> ir.Place | None:
    """What stands for a text of which is known how it begins and ends."""
    begins, ends = syntax.begins_and_ends(node)
    return ir.Place((ir.LIKE, begins, ends)) if begins else None


class Expressions(Frame):
    """The expressions of a function."""

    def value(self, node: cst.CSTNode) -> ir.Place | None:
        match node:
            case cst.Name(value=name):
                return CONSTANTS.get(name) or self.named(node)
            case cst.Attribute():
                return self.attribute(node)
            case cst.UnaryOperation() | cst.Comparison() | cst.Call() if syntax.asks_truth(node) is not None:
                return self.answer(node)
            case cst.Call():
                return self.call(node)
            case cst.Await(expression=inner):
                return self.awaited(node, inner)
            case cst.Lambda():
                return ir.Place(self.closure(node))
            case cst.NamedExpr(target=target, value=inner):
                found = self.value(inner)
                self.bind(target, found)
                return self.value(target) if isinstance(target, cst.Name) else found
            case cst.IfExp():
                return self.chosen(node)
            case cst.BooleanOperation():
                return self.boolean(node)
            case cst.Subscript():
                return self.subscript(node)
            case cst.Yield():
                waited = self.waited_for(node)
                return self.yielded(node) if waited is None else self.awaited(node, waited)
            case cst.Tuple(elements=elements) | cst.List(elements=elements):
                return self.display(node, elements)
            case cst.Set(elements=elements):
                for element in elements:
                    self.key(element.value)
                return self.made()
            case cst.Dict(elements=pairs):
                values = [[self.value(part) for part in syntax.parts(pair)][-1] for pair in pairs]
                kept = tuple((str(n), ir.Operand(place)) for n, place in enumerate(values))
                self.put(ir.New(self.slot(), ("[tuple]",), kept))
                return self.made()
            case cst.ListComp() | cst.SetComp() | cst.DictComp():
                return self.comprehension(node, self.at_once(node.for_in.iter))
            case cst.GeneratorExp():
                return ir.Place(self.closure(node, self.at_once(node.for_in.iter)))
            case cst.Comparison():
                return self.comparison(node)
            case cst.BinaryOperation(left=cst.SimpleString(), operator=cst.Modulo(), right=right):
                self.spelled(right)
                return _text_like(node)
            case cst.BinaryOperation(operator=cst.Add()) | cst.FormattedString():
                for part in syntax.parts(node):
                    self.value(part)
                return _text_like(node)
            case cst.FormattedStringExpression(expression=inner):
                self.operate("__str__", self.value(inner), inner)
                return None
            case cst.SimpleString() | cst.Integer() | cst.Float() | cst.Imaginary() | cst.Ellipsis():
                return None
            case _:
                for part in syntax.parts(node):
                    self.value(part)
                return None

    def at_once(self, node: cst.BaseExpression) -> ir.Place | None:
        """The value of an expression that somebody goes through on the spot: a generator's body runs here."""
        if isinstance(node, cst.GeneratorExp):
            return self.comprehension(node, self.at_once(node.for_in.iter))
        return self.value(node)

    def named(self, node: cst.Name) -> ir.Place:
        place = self.place_of(node.value)
        if isinstance(place.root, int):
            self.uses.setdefault(place.root, []).append(self.at(node)[0])
        return place

    def attribute(self, node: cst.Attribute) -> ir.Place | None:
        instance = syntax.instance_of(node.value)
        base = self.value(instance or node.value)
        if base is None:
            return None
        place = ir.Place(base.root, (*base.way, node.attr.value))
        if isinstance(place.root, int) and instance is None:  # (a class gives its property, and runs nothing)
            self.put(ir.Get(self.slot(), place, self.at(node), self.at(node.attr)))
        return place

    def subscript(self, node: cst.Subscript, operator: str = "__getitem__") -> ir.Place | None:
        gathered = node.value.value if self.wraps and isinstance(node.value, cst.Name) else ""
        first = self.lookup(f"{gathered}{self.text_of(node)}") if gathered else None
        if first is not None:
            return ir.Place(first)
        base = self.value(node.value)
        for element in node.slice:
            if isinstance(element.slice, cst.Index):
                self.key(element.slice.value)
            else:
                self.value(element)
        if base is None:
            return None
        self.operate(operator, base, node, 2 if operator == "__setitem__" else 1)
        return ir.Place(base.root, (*base.way, self.part_for(node)))

    def part_for(self, node: cst.Subscript) -> str:
        """The part of a way that is the element: by its key's value where that never changes, else by its text."""
        if isinstance(node.slice[0].slice, cst.Slice):
            return ir.SLICE
        key = node.slice[0].slice.value if isinstance(node.slice[0].slice, cst.Index) and len(node.slice) == 1 else None
        path = syntax.dotted(key) if key is not None else ()
        slot = self.lookup(path[0]) if path else None
        if slot is not None and self.slots[slot].fixed:
            return ir.element_for(ir.Place(slot, path[1:]))
        return self.text_of(node)

    def text_of(self, node: cst.Subscript) -> str:
        """What is written in the brackets, with them."""
        text = cst.Module([]).code_for_node(node).partition("[")[2].rpartition("]")[0]
        return f"[{''.join(text.split())}]"

    def comparison(self, node: cst.Comparison) -> ir.Place | None:
        """`a < b`, `a in b`. The answer has a place where it says whether two values are one."""
        left = first = self.value(node.left)
        for one in node.comparisons:
            place = self.at_once(one.comparator)
            if isinstance(one.operator, (cst.In, cst.NotIn)):
                self.operate("__hash__", left, node.left)
                self.operate("__contains__", place, one.comparator, 1)
            else:
                self.compared(one.operator, left, node)
            left = place
        sign = _SAME.get(type(node.comparisons[0].operator))
        if sign is None or len(node.comparisons) > 1 or first is None or left is None:
            return None
        dst = self.slot()
        self.put(ir.Compute(dst, sign, (ir.Operand(first), ir.Operand(left)), self.at(node)))
        return ir.Place(dst)

    def compared(self, operator: cst.BaseCompOp, left: ir.Place | None, node: cst.CSTNode) -> None:
        """`a == b` asks `a`; a constant has nothing to say."""
        name = "__eq__" if isinstance(operator, cst.Equal) else "__ne__" if isinstance(operator, cst.NotEqual) else ""
        if name:
            self.operate(name, left, node, 1)

    def spelled(self, node: cst.BaseExpression) -> None:
        """`"%s" % value`, `"%s %s" % (one, other)`."""
        for one in [part.value for part in node.elements] if isinstance(node, cst.Tuple) else [node]:
            self.operate("__str__", self.value(one), one)

    def key(self, node: cst.BaseExpression) -> None:
        """A value by which something is found."""
        self.operate("__hash__", self.value(node), node)

    def truth(self, node: cst.BaseExpression) -> ir.Place | None:
        """The value of an expression that is asked whether it is true."""
        place = self.value(node)
        if isinstance(node, (cst.Name, cst.Attribute)):
            self.operate("__bool__", place, node)
        return place

    def operate(self, name: str, place: ir.Place | None, node: cst.CSTNode, more: int = 0) -> None:
        """An operator asks a value for something, by the method that classes define for it; so many operands follow."""
        if place is not None and place.root != UNKNOWN.root:
            at, operands = self.at(node), (ir.Operand(place), *[ir.Operand()] * more)
            self.put(ir.Call(self.slot(at=at), ir.Method(name), operands, at, at, False, self.handler()))

    def display(self, node: cst.CSTNode, elements: Sequence[cst.BaseElement]) -> ir.Place:
        """Several values as one. What a call gives has no other name: it is the tuple's."""
        dst, one_by_one = self.slot(), isinstance(node, cst.Tuple)
        found = [
            (str(n), ir.Operand(self.value(element.value), one_by_one and isinstance(element.value, cst.Call)))
            for n, element in enumerate(elements)
        ]
        self.put(ir.New(dst, ("[tuple]",) if one_by_one else ("[list]",), tuple(found)))
        return ir.Place(dst)

    def made(self) -> ir.Place:
        """A new value of which nothing is known but that it is there."""
        dst = self.slot()
        self.put(ir.New(dst, (), ()))
        return ir.Place(dst)

    # ------------------------------------------------------------------------------------------------------- calls

    def call(self, node: cst.Call, awaited: bool = False) -> ir.Place:
        if self.wraps and syntax.dotted(node.func) == (self.wraps,) and self.lookup(self.wraps) is None:
            for argument in node.args:
                self.value(argument.value)
            at, dst = self.at(node), self.slot()
            self.put(ir.Yield(dst, None, at, self.at(node.func), self.handler(True)))
            return ir.Place(dst)
        asked = syntax.part_asked(node) if self.wraps else ""
        slot = self.lookup(ir.part_called(asked)) if asked else None
        if slot is not None:
            return ir.Place(slot)
        part = self.part_by_name(node)
        if part is not None and (base := self.value(part[0])) is not None:
            place = ir.Place(base.root, (*base.way, part[1]))
            self.put(ir.Get(self.slot(), place, self.at(node), self.at(node.args[1])))
            return place
        callee, first, name = self.callee(node.func)
        operands = [*first, *(self.operand(argument) for argument in node.args)]
        for number, says in syntax.in_words(node):
            self.operate(says, operands[len(first) + number].place, node.args[number].value)
        dst = self.slot(at=self.at(node))
        self.put(ir.Call(dst, callee, tuple(operands), self.at(node), self.at(name), awaited, self.handler()))
        return ir.Place(dst)

    def callee(self, node: cst.BaseExpression) -> tuple[ir.Callee, list[ir.Operand], cst.CSTNode]:
        """What is called, the operands that come before the written ones, and the name that stands for it."""
        path = syntax.dotted(node)
        name: cst.CSTNode = node.attr if isinstance(node, cst.Attribute) else node
        if path and self.lookup(path[0]) is None:
            return ir.Named(path), [], name
        if len(path) == 1:
            return ir.Indirect(self.place_of(path[0])), [], name
        if isinstance(node, cst.Attribute):
            inner = node.value
            if isinstance(inner, cst.Call) and syntax.dotted(inner.func) == ("super",) and self.method_of is not None:
                self.uses.setdefault(self.method_of, []).append(self.at(inner)[0])
                above = ir.Named((node.attr.value,), owner=ir.Type(("[super]",)))
                return above, [ir.Operand(ir.Place(self.method_of))], name
            return ir.Method(node.attr.value), [ir.Operand(self.value(inner))], name
        part = self.part_by_name(node)
        if part is not None and isinstance(node, cst.Call):
            return ir.Method(part[1]), [ir.Operand(self.value(part[0]))], node.args[1]
        place = self.value(node)
        return ir.Indirect(place or UNKNOWN), [], name

    def part_by_name(self, node: cst.BaseExpression) -> tuple[cst.BaseExpression, str] | None:
        """`getattr(value, "name")`: the value and the name, where it can be nothing else but, perhaps, missing."""
        if not (isinstance(node, cst.Call) and isinstance(node.func, cst.Name) and node.func.value == "getattr"):
            return None
        if len(node.args) not in (2, 3):
            return None
        value, name, *otherwise = (argument.value for argument in node.args)
        if not isinstance(name, cst.SimpleString) or any(syntax.dotted(one) != ("None",) for one in otherwise):
            return None
        said = syntax.written(name)
        return (value, said) if said.isidentifier() and self.lookup("getattr") is None else None

    def operand(self, argument: cst.Arg) -> ir.Operand:
        number = argument.value.value if isinstance(argument.value, cst.Integer) else ""
        place = _NUMBERS[number] if number in _NUMBERS else self.at_once(argument.value)
        if argument.keyword is not None and argument.keyword.value == "timeout" and syntax.is_minus_one(argument.value):
            place = ir.NONE
        name = argument.keyword.value if argument.keyword else "**" if argument.star == "**" else ""
        return ir.Operand(place, name=name, spread=argument.star != "")

    def waited_for(self, node: cst.BaseExpression) -> cst.BaseExpression | None:
        """What an expression waits for: `await task`, and `yield task` or `yield from task` as tasks were written."""
        match node:
            case cst.Await(expression=inner):
                return inner
            case cst.Yield(value=cst.From(item=inner)) | cst.Yield(value=cst.BaseExpression() as inner) if self.waits:
                return inner
            case _:
                return None

    def awaited(self, node: cst.CSTNode, inner: cst.BaseExpression) -> ir.Place:
        place = self.call(inner, True) if isinstance(inner, cst.Call) else self.value(inner)
        dst = self.slot()
        at = self.at(node)
        self.put(ir.Await(dst, place or UNKNOWN, at, (at[0], at[0] + 5), self.handler(True)))
        return ir.Place(dst)

    def yielded(self, node: cst.Yield) -> ir.Place:
        inner = node.value
        place = (self.at_once(inner.item) if isinstance(inner, cst.From) else self.value(inner)) if inner else None
        dst = self.slot()
        at = self.at(node)
        if isinstance(inner, cst.From) and place is not None:
            place = ir.Place(place.root, (*place.way, f"[each {dst}]"))
        if self.lent >= 0 and place is not None:
            self.put(ir.Ref(self.lent, place))
        if not self.lends:
            self.put(ir.Yield(dst, place, at, (at[0], at[0] + 5), self.handler(True)))
        return ir.Place(dst)

    # -------------------------------------------------------------------------------------------------- conditions

    def chosen(self, node: cst.IfExp) -> ir.Place:
        dst = self.slot()

        def give(part: cst.BaseExpression) -> Callable[[], None]:
            return lambda: self.take(dst, self.value(part))

        self.decide(node, node.test, give(node.body), give(node.orelse))
        return ir.Place(dst)

    def boolean(self, node: cst.BooleanOperation) -> ir.Place:
        """`a and b` as a value: that of the last operand which is evaluated. What the first one is says which."""
        dst, goes_on = self.slot(), isinstance(node.operator, cst.And)
        left = self.truth(node.left)

        def first() -> None:
            self.refine(left, not goes_on)
            self.take(dst, left)

        def last() -> None:
            self.refine(left, goes_on)
            self.take(dst, self.value(node.right))

        self.put(ir.Branch((self.arm(self.at(node.right), last), self.arm(self.at(node), first))))
        return ir.Place(dst)

    def refine(self, place: ir.Place | None, present: bool) -> None:
        if place is not None:
            self.put(ir.Refine(place, present))

    def answer(self, node: cst.BaseExpression) -> ir.Place:
        """A test as a value: true or false."""
        dst, at = ir.Place(self.slot()), self.at(node)
        end, yes, no = self.label(), self.label(), self.label()
        with self.region(at, label=end):
            with self.region(at, label=no):
                with self.region(at, label=yes):
                    self.test(node, yes, no)
                self.put(ir.Move(dst, ir.YES))
                self.put(ir.Leave(end))
            self.put(ir.Move(dst, ir.NO))
        return dst

    def take(self, dst: int, place: ir.Place | None) -> None:
        if place is not None:
            self.put(ir.Move(ir.Place(dst), place))

    def decide(self, node: cst.CSTNode, test: cst.BaseExpression, then: Callable[[], None],
               other: Callable[[], None]) -> None:  # fmt: skip
        """Steps of which those of `then` run where the test holds and those of `other` where it does not."""
        end, otherwise, inside = self.label(), self.label(), self.label()

        def both() -> None:
            with self.region(self.at(test), label=otherwise):
                with self.region(self.at(test), label=inside):
                    self.test(test, inside, otherwise)
                then()
                self.put(ir.Leave(end))
            other()

        self.put(ir.Branch((ir.Arm(self.filled(self.at(node), both, (), end), "test"),)))

    def test(self, node: cst.BaseExpression, yes: int, no: int) -> None:
        """Leave to `yes` where the expression is true and to `no` where it is not."""
        asked = syntax.asks_truth(node)
        match node:
            case cst.UnaryOperation() | cst.Comparison() | cst.Call() if asked is not None:
                self.test(asked[0], *((yes, no) if asked[1] else (no, yes)))
            case cst.BooleanOperation(left=left, operator=cst.And(), right=right):
                self.either(left, right, yes, no, True)
            case cst.BooleanOperation(left=left, right=right):
                self.either(left, right, yes, no, False)
            case cst.Name(value="True") | cst.Integer(value="1"):
                self.put(ir.Leave(yes))
            case cst.Name(value="False") | cst.Integer(value="0"):
                self.put(ir.Leave(no))
            case _:
                self.fork(node, yes, no)

    def either(self, left: cst.BaseExpression, right: cst.BaseExpression, yes: int, no: int, both: bool) -> None:
        more = self.label()
        with self.region(self.at(left), label=more):
            self.test(left, more if both else yes, no if both else more)
        self.test(right, yes, no)

    def fork(self, node: cst.BaseExpression, yes: int, no: int) -> None:
        """A test that is no combination: what it asks about is there or is not."""
        tested, positive = node, True
        value: ir.Path = ()
        nothing = False
        if isinstance(node, cst.Comparison) and len(node.comparisons) == 1:
            only = node.comparisons[0]
            word = syntax.dotted(only.comparator)
            if isinstance(only.operator, (cst.Is, cst.IsNot, cst.Equal, cst.NotEqual)) and word:
                same = isinstance(only.operator, (cst.Is, cst.Equal))
                if word == ("None",):
                    tested, positive, nothing = node.left, not same, True
                elif self.lookup(word[0]) is None:
                    self.value(only.comparator)
                    tested, positive, value = node.left, same, word
        place = self.truth(tested) if tested is node else self.value(tested)
        at = self.at(node)
        if value and isinstance(node, cst.Comparison):
            self.compared(node.comparisons[0].operator, place, node)
        if place is None:
            arms = tuple(ir.Arm(ir.Region((ir.Leave(label),), (), at)) for label in (yes, no))
        else:
            there, missing = (yes, no) if positive else (no, yes)
            arms = tuple(
                ir.Arm(ir.Region((*self.told(place, is_there, value, nothing), ir.Leave(label)), (), at))
                for is_there, label in ((True, there), (False, missing))
            )
        self.put(ir.Branch(arms))

    def told(self, place: ir.Place, is_there: bool, value: ir.Path, nothing: bool) -> Iterator[ir.Step]:
        """What one side of a test says. `nothing`: that was asked, and what is not nothing may still be empty."""
        if nothing:
            yield ir.Refine(place, not is_there, False, ir.NOTHING)
        else:
            yield ir.Refine(place, is_there, False, value)

    # ---------------------------------------------------------------------------------------------- comprehensions

    def comprehension(self, node: cst.BaseComp, source: ir.Place | None) -> ir.Place:
        """A loop in one expression, through the elements of the value at a place."""
        self.names.append({})
        self.outside.append(set())
        dst = self.slot()
        self.rounds(node, node.for_in, source, dst)
        self.names.pop()
        self.outside.pop()
        return ir.Place(dst)

    def rounds(self, node: cst.BaseComp, each: cst.CompFor, source: ir.Place | None, dst: int) -> None:
        if each.asynchronous is None:
            self.operate("__iter__", source, each.iter)
        done, again, mark = self.label(), self.label(), self.slot()
        for name in syntax.names_bound(each.target):
            self.names[-1][name] = self.slot(name, "local")

        def run() -> None:
            if each.asynchronous is not None:
                at = self.at(each)
                name_at = (at[0], at[0] + len("async"))
                self.put(ir.Await(self.slot(), source or UNKNOWN, at, name_at, self.handler(True)))
            self.element(each.target, source, mark)
            for test in each.ifs:
                self.value(test.test)
            if each.inner_for_in is not None:
                self.rounds(node, each.inner_for_in, self.at_once(each.inner_for_in.iter), dst)
            else:
                made = [self.value(part) for name in ("elt", "key", "value") if (part := getattr(node, name, None))]
                if not isinstance(node, cst.DictComp):
                    self.put(ir.New(dst, ("[list]",), (("0", ir.Operand(made[0])),)))

        def stop() -> None:
            self.put(ir.Leave(done))

        at = self.at(node)
        with self.region(at, label=done):
            body = self.filled(at, lambda: self.put(ir.Branch((self.arm(at, run), self.arm(at, stop)))), (mark,))
            self.put(ir.Loop(body, again))

    def element(self, target: cst.CSTNode, source: ir.Place | None, mark: int) -> None:
        """One of the values of a loop becomes the value of its target."""
        self.bind(target, ir.Place(source.root, (*source.way, f"[each {mark}]")) if source is not None else None)
