"""All elements of a container: what is done to each of them is done to the one that somebody holds.

In: what `rounds` found in a loop or a closure.  Out: for each step of it the place that stands for every element.
Never: what is held.
"""

from __future__ import annotations

from collections.abc import Mapping

from lockcheck import ir
from lockcheck.effects.shapes import LIST, MAP
from lockcheck.linker.places import Places
from lockcheck.linker.rounds import Every
from lockcheck.linker.written import REF


class Elements(Places):
    """Containers that are gone over."""

    def for_all(self, found: Mapping[ir.Range, ir.Place]) -> None:
        """A loop or a closure does something to every element of what it goes over (see `rounds`)."""
        for at, one in found.items():
            every = self.every(one)
            if every is not None:
                self.of_all[at] = every

    def every(self, one: ir.Place) -> Every | None:
        """An element's place and what stands for all, as who asks a map for one by its key names it: without the pair's
        key, and without the method that gives all values of the map. None where some are left out.
        """
        holder = ir.Place(one.root, one.way[:-1])
        if self.canon(holder) in self.thinned:
            return None
        if self.is_map(holder):
            return Every(ir.Place(one.root, (*one.way, "1")), ir.Place(one.root, (*holder.way, ir.ALL)))
        of = ir.Place(one.root, holder.way[:-1])
        if holder.way and self.gives_values(holder.way[-1]) and self.is_map(of):
            holder = of
        return Every(one, ir.Place(one.root, (*holder.way, ir.ALL)))

    def leaves_out(self, call: ir.Call) -> None:
        """A call that leaves some elements out, of what it gives or of what it is called on."""
        if call.word in self.effects.fewer:
            self.thinned.add(ir.Place(call.dst))
            place = self.canon(call.operands[0].place) if call.operands else None
            if place is not None and isinstance(call.callee, ir.Method):
                self.thinned.add(place)

    def is_map(self, place: ir.Place) -> bool:
        """Whether the value at a place is a map, whatever refers to it."""
        every = self.program.types.behind(self.type_of(place), self.effects)
        return any(self.effects.shape(one) == MAP for one in every)

    def gives_values(self, part: str) -> bool:
        """Whether a part of a way is what a method of maps gives that leaves the keys out."""
        said = self.effects.flow.get(MAP, {}).get(part.removesuffix("()"))
        one = said.args[0] if said is not None and said.path == (LIST,) and said.args else None
        return one is not None and (one.args[0] if one.path == REF else one) == ir.Type(("1",))
