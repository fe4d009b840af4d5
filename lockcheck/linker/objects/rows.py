"""Locks on the rows of a database: known by the class of the rows, and kept until the transaction's block ends.

In: a field that is the set of a class's rows, a lock of such a set, a block.  Out: its type, the lock, its holder.
Never: which row is meant; what the database does.
"""

from __future__ import annotations

from lockcheck import ir
from lockcheck.effects import LockType, Taking
from lockcheck.linker.objects.lock_methods import OPENS, LockMethods


class Rows(LockMethods):
    """What locks rows where the class of the rows is plain."""

    def static_type(self, root: ir.Path | int) -> ir.Type | None:
        if isinstance(root, tuple) and root[-1] in self.effects.row_managers and self.has_rows(root[:-1]):
            kind = ir.Type(tuple(min(self.effects.row_sets).split(self.effects.separator)), (ir.Type(root[:-1]),))
            return super().static_type(root) or kind
        return super().static_type(root)

    def has_rows(self, path: ir.Path) -> bool:
        """Whether the objects of a class of the tree are rows."""
        bases = self.program.types.made.bases(ir.Type(path), self.effects) if path in self.program.names.types else ()
        return any(self.effects.separator.join(base.path) in self.effects.row_classes for base in bases)

    def is_set(self, kind: ir.Type | None) -> bool:
        return kind is not None and self.effects.separator.join(kind.path) in self.effects.row_sets

    def opened(self, call: ir.Call, name: str, place: ir.Place) -> bool:
        kind = self.type_of(place) if name in OPENS and self.effects.transactions else None
        if kind is not None and self.effects.separator.join(kind.path) in self.effects.transactions:
            self.transactions.append(call.dst)
        return super().opened(call, name, place)

    def take(self, call: ir.Call, lock: LockType, taking: Taking, place: ir.Place | None, evidence: str) -> None:
        """The rows stay taken until the outermost block of a transaction ends; where none is here, the function."""
        kind = self.type_of(place)
        if kind is None or not self.is_set(kind):
            super().take(call, lock, taking, place, evidence)
            return
        self.learn(call.dst, kind)
        tries = any(one.name in self.effects.row_tries and one.place != ir.NO for one in call.operands)
        if not kind.args or tries or self.program.runs_when_awaited(self.number):
            return
        rows = kind.args[0].path
        held = ir.Lock(ir.Place(rows), "::".join(rows), lock.kind, lock.waits, lock.family, "inferred")
        holder = ir.Place(self.transactions[0] if self.transactions else call.dst, (f"[entered {call.dst}]",))
        self.out.append(ir.Acquire(held, taking.mode, holder, call.at, call.name_at, call.word))
