"""What a project's settings say of calls: that one must not be made under a lock, or that one may.

In: a call and the steps that it became.  Out: the same steps, with a wait, or with waits that say nothing to people.
Never: what is held.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from msgspec.structs import replace

from lockcheck import ir
from lockcheck.linker.places import Places

_DENIED = "calls what the settings deny under a lock"


def names_function(pattern: str, full: str) -> bool:
    """Whether a pattern (`*::handle_update`, `Repl.ping`) names a function, in full or by its last two parts or one.

    A dot counts as `::`. `full` is module, owner and name, joined by `::`.
    """
    word, whole = pattern.replace(".", "::"), full.replace(".", "::")
    parts = whole.split("::")
    names = (whole, "::".join(parts[-2:]), parts[-1])
    return any(fnmatchcase(name, word) for name in names)


class Judged(Places):
    """Calls by the lists of a project's settings."""

    def judge(self, call: ir.Call, before: int) -> None:
        """Change the steps from the number `before` on, which the call became."""
        steps = self.out[before:]
        names = set(self._names(call, steps))
        if self._lists(self.effects.own.may_block, names):
            self.out[before:] = [replace(one, why="") if isinstance(one, ir.Block) else one for one in steps]
        elif self._lists(self.effects.own.denied, names):
            self.out.insert(before, ir.Block(call.at, call.name_at, call.word, _DENIED))

    def _lists(self, patterns: Sequence[str], names: set[str]) -> bool:
        return any(names_function(pattern, name) for pattern in patterns for name in names)

    def _names(self, call: ir.Call, steps: Sequence[ir.Step]) -> Iterator[str]:
        """In full: what the call says, what its receiver's types call it, and the functions of the tree it means."""
        match call.callee:
            case ir.Named(path):
                yield "::".join(self.program.names.resolve(self.context.module, path))
            case ir.Method(name):
                kind = self.type_of(call.operands[0].place)
                yield name
                yield from ("::".join((*outer.path, name)) for outer in self.program.types.behind(kind, self.effects))
            case _:
                pass
        for step in steps:
            if isinstance(step, ir.Invoke):
                yield from map(self.program.full_name, step.targets)
