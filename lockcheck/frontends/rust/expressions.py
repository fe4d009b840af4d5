"""Expressions: where the value of each is, and the call that it makes.

In: nodes of expressions.  Out: steps; the place of the value.
Never: control flow, statements.
"""

from __future__ import annotations

import re

import tree_sitter as ts

from lockcheck import ir
from lockcheck.frontends.rust import macros, syntax
from lockcheck.frontends.rust.frame import Frame

_CHANGED = "'"
"""What an element's name has behind the key for each time that the key was assigned before."""

_NUMBERS = ("primitive_type", "pointer_type")
"""Types as which a value is seen that keeps nothing of it."""


class Expressions(Frame):
    """Names, parts, operators, values put together, calls, waits."""

    def identifier(self, node: ts.Node, own: list[int] | None, extend: list[int] | None) -> ir.Place | None:
        name = syntax.text(node).removeprefix("r#")
        found = self.lookup(name)
        if found is None:
            return ir.NONE if name == "None" else ir.Place((name,))
        self.uses.setdefault(found, []).append(self.at(node)[0])
        return ir.Place(found)

    def scoped(self, node: ts.Node, own: list[int] | None, extend: list[int] | None) -> ir.Place | None:
        spelled = syntax.path(node)
        return ir.Place(spelled) if spelled else None

    def inner(self, node: ts.Node, own: list[int] | None, extend: list[int] | None) -> ir.Place | None:
        """Parentheses, casts and the like: the value of the first part."""
        return self.value(node.named_children[0], own, extend) if node.named_children else None

    def cast(self, node: ts.Node, own: list[int] | None, extend: list[int] | None) -> ir.Place | None:
        """A number becomes another one; what is seen as another type (`x as Box<dyn Read>`, `x as _`) goes on."""
        place = self.value(node.child_by_field_name("value"), None, extend)
        kind = node.child_by_field_name("type")
        return place if kind is not None and kind.type not in _NUMBERS else None

    def unary(self, node: ts.Node, own: list[int] | None, extend: list[int] | None) -> ir.Place | None:
        place = self.value(node.named_children[-1] if node.named_children else None, own)
        sign = node.children[0].type if node.children else ""
        self.implied(_ALONE.get(sign), node, place)
        return _through(self.used(place, node)) if sign == "*" else self.number(node, sign, place)

    def used(self, place: ir.Place | None, node: ts.Node) -> ir.Place | None:
        """What stands for another value is asked for it: a static that is made when it is first used is made then."""
        if place is not None and _is_constant(place) and not place.way:
            at = self.at(node)
            self.put(ir.Call(self.slot(self.temps), ir.Method(ir.USE), (ir.Operand(place),), at, at))
        return place

    def number(self, node: ts.Node, sign: str, *places: ir.Place | None) -> ir.Place | None:
        """A number of which a part is a named constant, or such a number; what is not so; None otherwise."""
        known = (place is not None and (_is_constant(place) or place.root in self.numbers) for place in places)
        if not (any(known) or (sign == "!" and places[0] is not None)):
            return None
        dst = self.slot(self.temps)
        self.numbers.add(dst)
        self.put(ir.Compute(dst, sign, tuple(ir.Operand(place) for place in places), self.at(node)))
        return ir.Place(dst)

    def reference(self, node: ts.Node, own: list[int] | None, extend: list[int] | None) -> ir.Place | None:
        return _through(self.value(node.child_by_field_name("value"), extend, extend))

    def field(self, node: ts.Node, own: list[int] | None, extend: list[int] | None) -> ir.Place | None:
        base = self.used(self.value(node.child_by_field_name("value"), own), node)
        name = node.child_by_field_name("field")
        if base is None or name is None:
            return None
        return ir.Place(base.root, (*base.way, syntax.text(name).removeprefix("r#")))

    def index(self, node: ts.Node, own: list[int] | None, extend: list[int] | None) -> ir.Place | None:
        parts = node.named_children
        base = self.used(self.value(parts[0], own), node) if parts else None
        at = [self.value(part) for part in parts[1:]]
        self.implied(("Index", "index"), node, base, *at)
        if base is None:
            return None
        if len(parts) < 2:
            return ir.Place(base.root, (*base.way, "[]"))
        return ir.Place(base.root, (*base.way, self.element(parts[-1])))

    def element(self, written: ts.Node) -> str:
        """The part of a way that is the element: by its key's value where that never changes, else by its text."""
        lent = written.type == "reference_expression" and written.named_children
        key = written.named_children[-1] if lent else written
        slot = self.lookup(syntax.text(key)) if key.type == "identifier" else None
        if slot is not None and self.slots[slot].fixed:
            return ir.element_for(ir.Place(slot))
        spelled = "".join(syntax.text(written).split())
        times = sum(self.assigned[one] for one in _named_in(spelled)) if self.assigned else 0
        return f"[{spelled}{times * _CHANGED}]"

    def assigns(self, left: ts.Node | None) -> None:
        """A variable or a field is another value from here on: so is an element that is asked for by it."""
        if left is not None and left.type in ("identifier", "field_expression"):
            self.assigned["".join(syntax.text(left).split())] += 1

    def operand(self, node: ts.Node, extend: list[int] | None = None) -> ir.Operand:
        """An argument or a part of a value: goes over by value unless a reference is written."""
        place = self.value(node, None, extend)
        while node.type in ("parenthesized_expression", "type_cast_expression") and node.named_children:
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
            sides = self.value(left), self.value(right)
            self.implied(_BETWEEN.get(operator.type) if operator is not None else None, node, *sides)
            return self.number(node, operator.type, *sides) if operator is not None and operator.type in _BITS else None
        self.condition(left)
        if right is not None:
            goes_on = operator.type == "&&"

            def on() -> None:
                self.given(left, goes_on)
                self.condition(right)

            some = self.arm(right, "", (0, 0), False, on)
            self.put(ir.Branch((some, self.arm(right, "", (0, 0), False, lambda: self.given(left, not goes_on)))))
        return None

    def range_(self, node: ts.Node, own: list[int] | None, extend: list[int] | None) -> ir.Place | None:
        for child in node.named_children:
            self.value(child)
        return None

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
        if dst is not None and left.type in ("field_expression", "unary_expression", "index_expression"):
            self.put(ir.End(dst, self.at(left), src == ir.NONE))
        if dst is not None and left.type in ("identifier", "field_expression"):
            self.put(ir.Release(dst, self.at(node)))
        self.assigns(left)
        if dst is not None and src is not None and left.type in ("identifier", "field_expression", "unary_expression"):
            self.put(ir.Move(dst, src))
        return None

    def compound(self, node: ts.Node, own: list[int] | None, extend: list[int] | None) -> ir.Place | None:
        """`left += right`: right first for numbers, left first where the operator is a method (strings)."""
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        order = (left, right) if right is not None and _is_textual(right) else (right, left)
        places = {part: self.value(part) for part in order}
        place = places.get(left)
        if place is not None:
            self.put(ir.Move(place, place))
        self.assigns(left)
        sign = node.child_by_field_name("operator")
        self.implied(_INTO.get(sign.type) if sign is not None else None, node, place, places.get(right))
        return None

    def truth(self, node: ts.Node, own: list[int] | None, extend: list[int] | None) -> ir.Place | None:
        return ir.YES if syntax.text(node) == "true" else ir.NO

    def nothing(self, node: ts.Node, own: list[int] | None, extend: list[int] | None) -> ir.Place | None:
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


_NAMED = {"+": "add", "-": "sub", "*": "mul", "/": "div", "%": "rem", "&": "bitand", "|": "bitor", "^": "bitxor",
          "<<": "shl", ">>": "shr"}  # fmt: skip
_TRAITS = {"bitand": "BitAnd", "bitor": "BitOr", "bitxor": "BitXor"}
_BETWEEN = {sign: (_TRAITS.get(name, name.capitalize()), name) for sign, name in _NAMED.items()}
_BETWEEN |= dict.fromkeys(("==", "!="), ("PartialEq", "eq"))
_BETWEEN |= dict.fromkeys(("<", ">", "<=", ">="), ("PartialOrd", "partial_cmp"))
"""The traits, and their methods, that a sign between two values stands for."""
_INTO = {
    f"{sign}=": (f"{_TRAITS.get(name, name.capitalize())}Assign", f"{name}_assign") for sign, name in _NAMED.items()
}
"""The same where the result stays in the first."""
_ALONE = {"-": ("Neg", "neg"), "!": ("Not", "not"), "*": ("Deref", "deref")}
"""The same of signs before a value."""
_BITS = ("|", "&", "^", "+", "-")
"""Operators by which words are put together of named bits."""


def _is_constant(place: ir.Place) -> bool:
    """Whether a place is a constant, by the way its name is spelled."""
    return isinstance(place.root, tuple) and not place.way and place.root[-1].isupper()


def _through(place: ir.Place | None) -> ir.Place | None:
    """The place behind or in front of a reference: the same for locks, but moving it does not move the original."""
    return ir.Place(place.root, (*place.way, "&")) if place is not None else None


def _is_textual(node: ts.Node) -> bool:
    """Whether the right side of `+=` looks like no number: then the operator is a method of the left side."""
    if node.type in ("string_literal", "raw_string_literal", "reference_expression"):
        return True
    return node.type == "block" and bool(node.named_children) and _is_textual(node.named_children[-1])


def _named_in(spelled: str) -> set[str]:
    """What a text without blanks may name: from where a name or a bracket begins to where a name ends (`row.at`)."""
    begins, ends = ([one.start() for one in found.finditer(spelled)] for found in (_BEGINS, _ENDS))
    return {spelled[begin:end] for begin in begins for end in ends if end > begin}


_BEGINS, _ENDS = re.compile(r"(?<![\w.])[\w(]"), re.compile(r"(?<=\w)(?!\w)")
