"""Which functions of a fixture are run, whatever its language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def run_by(names: Sequence[str], unrun: Mapping[str, int]) -> frozenset[str]:
    """The names that run: a `hangs_x` or `ends_x` runs for the `bad_x` and `good_x` beside it.

    `names` can be run as they are; `unrun` are the rest of the names (`x`) of those that cannot, with their lines
    (1-based). Raises ValueError for a name given twice, and for a function that nothing runs.
    """
    driven = {name.split("_", 1)[1] for name in names if name.startswith(("hangs_", "ends_"))}
    run = [name for name in names if name.startswith(("hangs_", "ends_")) or name.split("_", 1)[1] not in driven]
    if twice := {name for name in run if run.count(name) > 1}:
        raise ValueError(f"named twice: {sorted(twice)}")
    for name, line in unrun.items():
        if name not in driven:
            raise ValueError(f"line {line}: nothing runs {name}: give it a hangs_{name}() or ends_{name}()")
    return frozenset(run)
