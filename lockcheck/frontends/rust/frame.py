"""What every part of a lowering shares: slots, regions, names and the steps being written.

In: nodes.  Out: `Frame`, the state of one function that is being lowered.
Never: knows one kind of expression from another.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import NamedTuple

import tree_sitter as ts

from lockcheck import ir
from lockcheck.frontends.rust import conditions, expand, patterns


class Jump(NamedTuple):
    """A loop or labelled block that `break` and `continue` may name."""

    name: str
    leave: int
    again: int
    result: int


class Frame(ABC):
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
        self.jumps: list[Jump] = []
        self.labels = ir.RETURN
        self.leave_function = ir.RETURN
        self.result = -1
        self.head = "temporary"
        self.followed = True
        self.uses: dict[int, list[int]] = {}
        self.numbers: set[int] = set()
        self.assigned: Counter[str] = Counter()
        self.implying = known.implying if known is not None else frozenset[str]()

    @abstractmethod
    def value(
        self, node: ts.Node | None, own: list[int] | None = None, extend: list[int] | None = None
    ) -> ir.Place | None:
        """Lower an expression and say where its value is; None where the value cannot matter.

        `own`: the slots that a fresh value joins (the temporaries of the surroundings where None).
        `extend`: the slots that a temporary joins whose lifetime is extended (`&temporary()` here or in a part of
        the expression that the Reference calls extending).
        """

    @abstractmethod
    def waiting(self, node: ts.Node | None) -> ir.Place | None:
        """The value of something that is waited for on the spot."""

    @abstractmethod
    def statement(self, node: ts.Node) -> None:
        """One statement of a block."""

    @abstractmethod
    def inside(self, node: ts.Node, dst: int, extend: list[int] | None = None) -> None:
        """The statements of a block and its tail, whose value goes to `dst`."""

    # ------------------------------------------------------------------------------------------------- small parts

    def at(self, node: ts.Node) -> ir.Range:
        """Where a node stands in the file: offsets are into what was parsed, which may be a macro's expansion."""
        return self.range(node.start_byte, node.end_byte)

    def range(self, start: int, end: int) -> ir.Range:
        """The same of bytes of what was parsed."""
        start, end = start + self.shift, end + self.shift
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
        self,
        owner: list[int],
        name: str = "",
        kind: ir.Type | None = None,
        why: str = "",
        at: ir.Range = (0, 0),
        fixed: bool = False,
    ) -> int:
        number = len(self.slots)
        self.slots.append(ir.Slot(name, kind, why or self.head, at, fixed))
        owner.append(number)
        return number

    def label(self) -> int:
        self.labels += 1
        return self.labels

    def put(self, step: ir.Step) -> None:
        self.steps.append(step)

    def implied(self, method: tuple[str, str] | None, node: ts.Node, *places: ir.Place | None) -> None:
        """A sign or a word runs a method of a trait for the first of some values, where a type of the tree has one."""
        if method is not None and method[0] in self.implying and places[0] is not None:
            self.put(ir.Implied(*method, places, self.at(node), self.at(node)))

    def lookup(self, name: str) -> int | None:
        for scope in reversed(self.names):
            if name in scope:
                return scope[name]
        return None

    def region(
        self, node: ts.Node, *, scope: str = "both", label: int = -1, into: list[ir.Step] | None = None, why: str = ""
    ) -> AbstractContextManager[list[int]]:
        """Steps written inside become one region, put at the end into the steps outside (or `into`).

        `scope` says what the region owns: "temps", "locals", or "both".
        """
        return _Inside(self, node, scope, label, into, why)

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

    def fits(self, place: ir.Place | None, pattern: ts.Node | None) -> None:
        """From here on the value at the place is known to fit the pattern."""
        for claim in patterns.claims(pattern) if place is not None else ():
            self.claim(place, claim, True)

    def misses(self, place: ir.Place | None, pattern: ts.Node | None) -> None:
        """From here on the value at the place is known not to fit the pattern."""
        claim = patterns.only_claim(pattern) if place is not None else None
        if claim is not None:
            self.claim(place, claim, False)

    def claim(self, place: ir.Place | None, claim: patterns.Claim, holds: bool, sure: bool = False) -> None:
        """What a claim about the value at the place says, or its opposite."""
        if place is not None:
            part = ir.Place(place.root, place.way + claim.way)
            self.put(ir.Refine(part, claim.present == holds, sure, claim.value))

    def given(self, condition: ts.Node | None, truth: bool) -> None:
        """From here on the condition is known to have been true, or false."""
        self.steps += conditions.says(condition, truth, self.lookup)

    def bind(
        self,
        pattern: ts.Node | None,
        place: ir.Place | None,
        kind: ir.Type | None = None,
        borrowed: bool = False,
        fixed: bool = True,
    ) -> bool:
        """Give the pattern's names their slots (in the locals) and their values. Says whether it binds any.

        `fixed`: nothing changes what they are, but for those that the pattern itself declares to change.
        """
        found = list(patterns.bindings(pattern)) if pattern is not None else []
        made = []
        for name, way, by_ref, node, stays in found:
            own = kind if not way else None
            number = self.slot(self.locals, name, own, "local", self.at(node), fixed=fixed and stays)
            made.append((name, number))
            if place is not None:
                src = ir.Place(place.root, place.way + way)
                is_ref = by_ref or borrowed
                self.put(ir.Ref(number, src) if is_ref else ir.Move(ir.Place(number), src))
        self.names[-1].update(made)
        return bool(found)

    def condition(self, node: ts.Node | None) -> None:
        """An expression whose temporaries end with it: conditions, operands of `&&` and `||`."""
        if node is not None:
            with self.region(node, scope="temps", why="condition"):
                self.value(node)


class _Inside:
    """A region that is being written. (A generator would do, and takes three times as long; there are many.)"""

    def __init__(
        self, frame: Frame, node: ts.Node, scope: str, label: int, into: list[ir.Step] | None, why: str
    ) -> None:
        self.frame, self.node, self.scope, self.label, self.into, self.why = frame, node, scope, label, into, why
        self.owned: list[int] = []

    def __enter__(self) -> list[int]:
        frame = self.frame
        self.before = frame.steps, frame.temps, frame.locals, frame.head
        frame.steps = []
        if self.scope != "locals":
            frame.temps, frame.head = self.owned, self.why or "temporary"
        if self.scope != "temps":
            frame.locals = self.owned
        frame.names.append({})
        return self.owned

    def __exit__(self, *_: object) -> None:
        frame = self.frame
        frame.names.pop()
        done = ir.Region(tuple(frame.steps), tuple(self.owned), frame.at(self.node), self.label)
        frame.steps, frame.temps, frame.locals, frame.head = self.before
        (frame.steps if self.into is None else self.into).append(done)
