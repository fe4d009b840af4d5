"""Operators and functions that a value answers to by a method of its class: `key in self`, `len(queue)`.

In: a call of such a method.  Out: the call of the tree's method, if the value's class has one.
Never: an operator that the language defines for its own types.
"""

from __future__ import annotations

from abc import abstractmethod

from msgspec.structs import replace

from lockcheck import ir
from lockcheck.linker.objects.made import CLASS
from lockcheck.linker.objects.values import Values

_ANYTHING = ("Any", "object", "_")
"""Types that say nothing of a value's class."""
_PLAIN = ir.Type(("str",))


class Operators(Values):
    """What operators mean in a language of objects."""

    @abstractmethod
    def method(self, call: ir.Call, name: str) -> None:
        """A method of the value that the first operand names."""

    def operator(self, call: ir.Call, name: str) -> bool:
        """The first operand answers by the method, or by the one that stands in for it; False where it has none."""
        named = self.program.types.named
        names = [one for one in (name, *self.effects.operators[name]) if one in named]
        kind = self.type_of(call.operands[0].place) if names else None
        if kind is None or kind.path == (CLASS,):
            return False
        for one in names:
            if self.program.types.made.methods(kind, one, self.effects):
                operands = call.operands if one == name else call.operands[:1]
                self.method(replace(call, callee=ir.Method(one), operands=operands), one)
                return True
        return False

    def asked_by_function(self, call: ir.Call, spelled: str) -> None:
        """`len(value)` asks the value itself; what is put into words, each one."""
        name = self.effects.operating.get(spelled, "")
        spells = name in self.effects.spelling
        for operand in call.operands if spells else call.operands[:1] if name else ():
            known = operand.place is not None and not operand.name
            if known and not self.operator(replace(call, operands=(operand,)), name) and spells:
                self.spells(call, self.canon(operand.place))

    def spells(self, call: ir.Call, place: ir.Place | None) -> None:
        """A value of no known class, that the function was given, says itself in words: it may log meanwhile.

        That matters where the tree itself listens to what is logged.
        """
        own = self.program.functions[self.number][1].takes_self
        root = place.root if place is not None and isinstance(place.root, int) else -1
        kind = self.type_of(place) if own <= root < self.program.parameters(self.number) else _PLAIN
        if (kind is None or kind.path[-1] in _ANYTHING) and self.program.listeners("logs"):
            self.did(call, "spells", None)
