"""The state of lowering one function: slots, steps, names, labels, and what is around the place being lowered.

In: the function's tree.  Out: slots and regions, filled by `expressions` and `flow`.
Never: which node means what.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import libcst as cst
from msgspec import Struct

from lockcheck import ir
from lockcheck.frontends.python.syntax import Parsed


class Around(Struct, frozen=True):
    """What stands around a place and is met on the way out of it.

    `handler` is the label to which exceptions go, `stops` says which of them end there: "all", or all but a
    cancellation ("ordinary"). `final` are the steps that run on every other way out.
    """

    handler: int
    stops: str = "all"
    final: ir.Region | None = None


class Frame(ABC):
    """The function being lowered."""

    def __init__(self, parsed: Parsed) -> None:
        self.parsed = parsed
        self.slots: list[ir.Slot] = []
        self.steps: list[ir.Step] = []
        self.names: list[dict[str, int]] = []
        self.outside: list[set[str]] = []
        self.labels = ir.RETURN
        self.around: list[Around] = []
        self.loops: list[tuple[int, int, int]] = []
        self.leave_function = ir.RETURN
        self.result = -1
        self.uses: dict[int, list[int]] = {}
        self.unseen: set[int] = set()
        self.method_of: int | None = None
        self.lends = False
        """A function within the function is lowered that its callers' blocks run around."""
        self.lent = -1
        """What becomes another name of what the function yields to the blocks of its callers; none below 0."""
        self.waits = False
        """The function waits for what it yields."""
        self.wraps = ""
        """The name by which a decorator's function calls what it stands round."""

    def at(self, node: cst.CSTNode) -> ir.Range:
        return self.parsed.at(node)

    def put(self, step: ir.Step) -> None:
        self.steps.append(step)

    def slot(
        self, name: str = "", why: str = "", at: ir.Range = (0, 0), kind: ir.Type | None = None, fixed: bool = False
    ) -> int:
        """A new slot, which no region owns yet."""
        self.slots.append(ir.Slot(name, kind, why, at, fixed))
        return len(self.slots) - 1

    def label(self) -> int:
        self.labels += 1
        return self.labels

    # ------------------------------------------------------------------------------------------------------- names

    def lookup(self, name: str) -> int | None:
        """The slot of a name of the function or of one around it; None for a name of the module."""
        for scope, outside in zip(reversed(self.names), reversed(self.outside), strict=True):
            if name in scope:
                return scope[name]
            if name in outside:
                return None
        return None

    def place_of(self, name: str) -> ir.Place:
        slot = self.lookup(name)
        return ir.Place(slot) if slot is not None else ir.Place((name,))

    # ----------------------------------------------------------------------------------------------------- regions

    @contextmanager
    def region(self, at: ir.Range, owned: tuple[int, ...] = (), label: int = -1) -> Iterator[None]:
        """Steps written inside become one region, put at the end into the steps outside."""
        steps, self.steps = self.steps, []
        try:
            yield
        finally:
            done = ir.Region(tuple(self.steps), owned, at, label)
            self.steps = steps
            self.put(done)

    def filled(self, at: ir.Range, fill: Callable[[], None], owned: tuple[int, ...] = (), label: int = -1) -> ir.Region:
        """The region that `fill` writes; it is put nowhere."""
        steps, self.steps = self.steps, []
        try:
            fill()
            return ir.Region(tuple(self.steps), owned, at, label)
        finally:
            self.steps = steps

    def arm(self, at: ir.Range, fill: Callable[[], None], role: str = "") -> ir.Arm:
        return ir.Arm(self.filled(at, fill), role)

    # ------------------------------------------------------------------------------------------------------ leaving

    def handler(self, cancelled: bool = False) -> int:
        """The label to which an exception of this place goes.

        One that a closure does not catch ends it; where it goes on is for the call of the closure to say.
        """
        for one in reversed(self.around):
            if one.handler >= 0 and (one.stops == "all" or not cancelled):
                return one.handler
        return ir.RAISED if self.leave_function == ir.RETURN else self.leave_function

    def leave(self, label: int, depth: int, at: ir.Range) -> None:
        """Leave to a label that stands outside of all but `depth` of what is around: their last steps run first."""
        kept = self.around
        for number in range(len(kept) - 1, depth - 1, -1):
            final = kept[number].final
            if final is not None:
                self.put(final)
        self.put(ir.Leave(label, at))

    @abstractmethod
    def value(self, node: cst.CSTNode) -> ir.Place | None:
        """Lower an expression and say where its value is; None where the value cannot matter."""

    @abstractmethod
    def block(self, node: cst.BaseSuite | cst.Module) -> None:
        """Lower statements."""

    @abstractmethod
    def bind(self, target: cst.CSTNode, value: ir.Place | None) -> None:
        """Lower an assignment of a value to a target."""

    @abstractmethod
    def closure(self, node: cst.FunctionDef | cst.Lambda | cst.GeneratorExp, source: ir.Place | None = None) -> int:
        """Lower a function within the function; returns the slot that has it as its value.

        A generator's body goes through the elements of `source` when somebody asks for its own.
        """
