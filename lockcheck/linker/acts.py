"""What calls do that takes no lock and that rules ask about: wake a task, change bits of a word, call what is stored.

In: calls and numbers.  Out: `ir.Act`s.
Never: decides whether that is wrong.
"""

from __future__ import annotations

from lockcheck import ir
from lockcheck.linker.places import Places, plain

UNTOLD = (("_",), ("None",))
"""Types that say nothing of a value: nobody knows it, or it is missing at first."""


class Acts(Places):
    """Acts by the language's table, and the named constants that numbers are made of."""

    def act(self, call: ir.Call, name: str, place: ir.Place | None, kind: ir.Type | None) -> None:
        """A method that the table lists for the receiver's type; a telling name is enough where that is unknown."""
        entry = self.effects.acts.get(name)
        if entry is None:
            self.sum(call.dst, name, tuple(o.place for o in call.operands))
            return
        last = None
        for last in self.program.types.behind(kind, self.effects):
            if last.path[-1] in entry.types or self.effects.separator.join(last.path) in entry.types:
                break
        else:
            if last is not None or not entry.telling:
                return
        names, signs = self.parts(tuple(o.place for o in call.operands[1:2]))
        self.did(call, entry.what, place, names, signs)

    def stored_call(self, call: ir.Call, place: ir.Place, kind: ir.Type | None) -> None:
        """A call of a callable that is not a parameter: one that is kept in a field or an element."""
        known = self.canon(place)
        callable_ = any(outer.path == ("[fn]",) for outer in self.program.types.behind(kind, self.effects))
        untold = kind is None or kind.path in UNTOLD or kind.path[0] in self.context.generics
        if known is not None and (callable_ or (known.way and untold)) and known.root != ("[unknown]",):
            self.did(call, "calls", place)

    def tells_one(self, call: ir.Call, kind: ir.Type, targets: list[int]) -> None:
        """Whoever may be in a list is told something, and nothing comes back: so listeners are."""
        known = self.canon(call.operands[0].place) if kind.path == ("[dyn]",) else None
        listed = known is not None and any(part.startswith("[each") for part in known.way)
        if listed and all(self.program.functions[target][1].returns is None for target in targets):
            self.did(call, "tells", known)

    def did(
        self, call: ir.Call, what: str, place: ir.Place | None, names: tuple[str, ...] = (), signs: tuple[str, ...] = ()
    ) -> None:
        """Write the act down."""
        named = self.owner_of if self.effects.objects else self.owner_by_any_name
        owner = named(place) if place is not None else ""
        name = call.callee.name if isinstance(call.callee, ir.Method) else ""
        own = 1 if isinstance(call.callee, ir.Method) else 0
        given = tuple(plain(o.place) for o in call.operands[own:] if o.place is not None)
        self.out.append(ir.Act(what, self.canon(place), owner, name, call.at, call.name_at, names, signs, given))

    def compute(self, step: ir.Compute) -> None:
        """A number is made of constants; an operator that tests or turns bits over is an act of its own."""
        if step.sign in ("is", "is not"):
            if any(self.is_oneself(operand.place) for operand in step.operands):
                self.asks_self[step.dst] = self.oneself(str(step.dst)), step.sign == "is"
            return
        self.sum(step.dst, step.sign, tuple(o.place for o in step.operands))
        if step.dst not in self.sums:
            self.denied[step.dst] = step.operands[0].place
        elif step.sign in ("&", "!", "^"):
            names, signs = self.sums[step.dst]
            self.out.append(ir.Act("bits", None, "", step.sign, step.at, step.at, names, signs))

    def is_oneself(self, place: ir.Place | None) -> bool:
        """Whether the value at a place, or what it is a part of, says which thread or task it is that runs."""
        if place is None or not isinstance(place.root, int) or not self.effects.oneself:
            return False
        kind = self.type_of(ir.Place(place.root))
        return kind is not None and self.effects.separator.join(kind.path) in self.effects.oneself

    def oneself(self, *question: str) -> ir.Place:
        """What a question of this function is about that is asked of who runs."""
        return ir.Place(ir.ONESELF, (str(self.number), *question))

    def sum(self, dst: int, sign: str, places: tuple[ir.Place | None, ...]) -> None:
        """Remember what constants a number is made of, if any."""
        names, signs = self.parts(places)
        if names:
            self.sums[dst] = names, (*signs, sign)

    def parts(self, places: tuple[ir.Place | None, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The constants in the values at some places, and how they are put together."""
        names: list[str] = []
        signs: list[str] = []
        for place in places:
            if place is None:
                continue
            if isinstance(place.root, tuple) and not place.way and place.root[-1].isupper():
                names.append("::".join(self.program.names.resolve(self.context.module, place.root)))
            elif isinstance(place.root, int) and not place.way and place.root in self.sums:
                known = self.sums[place.root]
                names += known[0]
                signs += known[1]
        return tuple(names), tuple(signs)
