"""Classes that are called to make objects: their makers run, and the class of the class where that has a say.

In: a call of a class, or of what stands behind a reference.  Out: the calls of functions that make the object.
Never: what is held.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from msgspec.structs import replace

from lockcheck import ir
from lockcheck.linker.objects.handles import Handles
from lockcheck.linker.objects.made import BOUND, CLASS
from lockcheck.linker.objects.uses import is_guess

if TYPE_CHECKING:
    from lockcheck.linker.types import Types

_CALLED = "__call__"


class Constructions(Handles):
    """What runs where an object is made."""

    def construct(self, call: ir.Call, path: ir.Path) -> None:
        """A class is called: what its own class puts round that runs, or what makes its objects at once."""
        kind = ir.Type(path)
        around = self.program.types.made.calls_of_class(kind, self.effects)
        if not around:
            self.make(call, kind)
            return
        before, self.out = self.out, []
        self.make(call, kind)
        body, self.out = ir.Region(tuple(self.out), (), call.at), before
        self.invoke(_of_class(call, kind, _CALLED), around, True, kind)
        last = self.out[-1] if self.out else None
        if isinstance(last, ir.Invoke) and last.at == call.at:
            self.out[-1] = replace(last, lambdas=(*last.lambdas, (0, body, True)))

    def referred(self, call: ir.Call, place: ir.Place) -> bool:
        """An object of the tree whose class has no such method is called: it stands behind a reference to it."""
        kind = self.type_of(place) if not call.operands else None
        if kind is None or kind.path not in self.program.names.types or is_guess(kind):
            return False
        if self.program.types.made.methods(kind, "__call__", self.effects):
            return False
        self.learn(call.dst, kind)
        self.name(ir.Place(call.dst), place)
        return True

    def class_called(self, call: ir.Call, place: ir.Place) -> bool:
        """A class that a variable or a field holds is called to make an object; so is the receiver of its methods."""
        function = self.program.functions[self.number][1]
        if function.of_type and self.canon(place) == ir.Place(0) and self.context.owner is not None:
            self.construct(call, self.context.owner.path)
            return True
        kind = self.type_of(place)
        if kind is None or kind.path != (CLASS,):
            return False
        given = call if kind.args[-1] != BOUND else replace(call, operands=(ir.Operand(spread=True),))
        self.construct(given, kind.args[0].path)
        return True

    def makes_object(self, call: ir.Call, name: str) -> bool:
        """`super().__call__(…)` of a class of classes: the class that it was called for makes an object."""
        function = self.program.functions[self.number][1]
        if name != _CALLED or function.name != _CALLED or function.of_type:
            return False
        bases = self.program.types.behind(self.context.owner, self.effects)
        if not any(base.path[-1] in self.effects.of_classes for base in bases):
            return False
        self.out.append(ir.Callback(0, call.at, call.name_at))
        return True

    def make(self, call: ir.Call, kind: ir.Type) -> None:
        """What a class's own methods do to make an object: one before it is there, and one with the new object."""
        made = self.program.types.made
        lock = self.program.types.lock_type(kind, self.effects)
        single = lock is not None and lock.counts and all(one.place == ir.YES for one in call.operands)
        self.learn(call.dst, ir.Type(kind.path, (ir.ONE,)) if single else kind)
        by_name = self.effects.size
        sizes = [o.place for n, o in enumerate(call.operands) if o.name == by_name or not (n or o.name)]
        if sizes and sizes[0] not in (ir.NO, ir.NONE) and not call.operands[0].spread:
            self.sized.add(call.dst)
        if lock is not None and lock.shares:
            own = [o.place for n, o in enumerate(call.operands) if o.name == "lock" or (not n and not o.name)]
            self.name(ir.Place(call.dst), own[0] if own and own[0] != ir.NONE else None)
        first, targets = (made.methods(kind, name, self.effects) for name in (self.effects.allots, self.effects.maker))
        if lock is not None and not lock.by_name and self.canon(ir.Place(call.dst)) == ir.Place(call.dst):
            self.fresh.add(call.dst)
        self.alone.add(call.dst)
        self.written[call.dst] = self.as_object(kind)
        if first and lock is None:
            self.invoke(_of_class(call, kind, self.effects.allots), first, True, kind)
        if targets and (lock is None or lock.by_hand):
            operands = (ir.Operand(ir.Place(call.dst)), *call.operands)
            self.keeps_given(call, kind)
            self.invoke(replace(call, callee=ir.Method(self.effects.maker), operands=operands), targets, True, kind)
        elif not first:
            self.closures(call, None)

    def keeps_given(self, call: ir.Call, kind: ir.Type) -> None:
        """The new object's fields that always are what its maker is given are other names of that."""
        for field, (name, slot) in self.program.types.made.kept(kind.path, self.effects).items():
            named = (operand for operand in call.operands if operand.name == name)
            placed = (one for number, one in enumerate(call.operands) if number == slot and not one.name)
            given = next(named, None) or next(placed, None)
            if given is not None and not any(operand.spread for operand in call.operands):
                self.name(ir.Place(call.dst, (field,)), given.place)


def called_by_class(types: Types) -> dict[int, set[str]]:
    """The names of the classes that are called by calling a function of the class of theirs, by that function."""
    found: dict[int, set[str]] = defaultdict(set)
    decls = types.names.types
    for path in decls if any(decl.of is not None for decl in decls.values()) else ():
        for table in types.tables if decls[path].kind == "class" else ():
            for number in types.made.calls_of_class(ir.Type(path), table):
                found[number].add(path[-1])
    return found


def _of_class(call: ir.Call, kind: ir.Type, name: str) -> ir.Call:
    """A call of a method by what a class is called with, the class first."""
    return replace(call, callee=ir.Method(name), operands=(ir.Operand(ir.Place(kind.path)), *call.operands))
