"""The other side of a wait: the thread behind a handle, the two ends of one channel.

In: moves of handles and of ends, waits.  Out: the bodies that are waited for, one place for both ends.
Never: whether the other side needs what is held here.
"""

from __future__ import annotations

from lockcheck import ir
from lockcheck.linker.closures import Closures


class Sides(Closures):
    """Handles of threads and ends of channels."""

    def wait(self, call: ir.Call, name: str, why: str, place: ir.Place | None, brief: bool = False) -> ir.Block:
        """A wait for whoever is behind the value at a place."""
        return ir.Block(call.at, call.name_at, name, why, self.others(place), brief, self.waited_for(place))

    def others(self, place: ir.Place | None) -> tuple[ir.Region, ...]:
        """The body of the thread whose handle is at a place."""
        if place is None:
            return ()
        root = place.root if place.root in self.threads else getattr(self.canon(place), "root", None)
        closure = self.threads.get(root) if isinstance(root, int) else None
        if closure is None:
            return ()
        return (self.thread_body(closure),)

    def thread_body(self, closure: ir.Lambda) -> ir.Region:
        """What a closure does, wherever it runs besides."""
        placed = closure.dst in self.placed
        body = self.closure_body(closure)
        if not placed:
            self.placed.discard(closure.dst)
        return body

    def keeps_handle(self, dst: ir.Place, src: ir.Place) -> None:
        """A thread's handle goes into a field: whoever finds it there can wait for the thread."""
        if isinstance(src.root, int) and not src.way and src.root in self.threads and (dst.way or dst.root != src.root):
            owner = self.owner_of(dst)
            if owner:
                self.starts.append((owner, self.threads[src.root]))

    def waited_for(self, place: ir.Place | None) -> str:
        """The owner of the field that a handle was found in."""
        known = self.canon(place)
        if known is None or (isinstance(known.root, int) and not known.way):
            return ""
        owner = self.owner_of(known)
        self.beside.update(self.program.around(owner))
        return owner

    # ------------------------------------------------------------------------------------------------------ channels

    def keeps_ends(self, dst: int, parts: tuple[tuple[str, ir.Operand], ...]) -> None:
        """Both ends of one channel go into the fields of one value."""
        ends: dict[int, list[str]] = {}
        for name, operand in parts:
            known = self.canon(operand.place)
            if known is not None and known.root in self.channels and known.way in (("0",), ("1",)):
                assert isinstance(known.root, int)
                ends.setdefault(known.root, []).append(name)
        for names in ends.values():
            owners = [self.owner_of(ir.Place(dst, (name,))) for name in sorted(names)]
            if len(owners) == 2 and all(owners):
                self.halves[owners[1]] = owners[0]

    def one_end(self, place: ir.Place) -> ir.Place:
        """Both ends of a channel are one place: that of the first by name."""
        if place.root in self.channels and place.way[:1] in (("0",), ("1",)):
            return ir.Place(place.root, place.way[1:])
        kind = self.type_of(ir.Place(place.root, place.way[:-1])) if place.way else None
        if kind is None:
            return place
        other = self.program.other_end(self.owner_of(place))
        return ir.Place(place.root, (*place.way[:-1], other.rpartition(".")[2])) if other else place
