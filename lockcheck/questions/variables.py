"""Locks that are variables of one function: their names, and which of its threads wait for each other.

In: edges of the lock order that stand in one function, or in what it calls.  Out: whether they run beside each other.
Never: which edges make a cycle, words for people.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from lockcheck import ir
from lockcheck.analysis import Analysis
from lockcheck.analysis.ways import Site


def name_of(analysis: Analysis, number: int, lock: ir.Lock) -> str:
    """The name of a lock by its owner, or else by the function whose variable it is; empty where it has none."""
    place = lock.place
    if lock.owner or not isinstance(place.root, int) or not all(p.isidentifier() or p.isdigit() for p in place.way):
        return lock.owner
    _, function = analysis.program.functions[number]
    return "::".join((*function.module, f"{function.name}()#{number}.{place.root}", analysis.lock_name(number, lock)))


class Strand(NamedTuple):
    """A body that may run beside others: `at` is where it stands, from where on it may run.

    `own`: it is known to run on a thread of its own, or as a task.
    """

    at: ir.Range
    own: bool


def beside(analysis: Analysis, number: int, one: Site, other: Site, aside: tuple[str, str]) -> bool | None:
    """Whether what stands at two places of a function can run at the same time; None where nobody says so for certain.

    `aside`: what is called there does it on another thread (see `Order`).
    """
    linked = analysis.program.linked(number)
    if linked is None:
        return False
    own = {at: Strand(at, True) for at in linked.threads}
    every = [*own.values(), *(Strand(body.at, False) for body in linked.elsewhere if body.at not in own)]
    first, second = (
        Strand(site.at, alone == "thread") if alone else _strand(every, site)
        for site, alone in zip((one, other), aside, strict=True)
    )
    loops = [step.body.at for step in ir.steps_of(linked.root) if isinstance(step, ir.Loop)]
    sure = all(strand is None or strand.own for strand in (first, second))
    if first == second:
        repeated = first is not None and any(ir.within(first.at, loop) for loop in loops)
        return (sure or None) if repeated else False
    (early, early_at), (late, late_at) = sorted(
        ((first, one.at), (second, other.at)), key=lambda pair: pair[0].at if pair[0] else pair[1]
    )
    if early is None:  # (nobody runs beside the function before it starts him)
        again = late is not None and any(ir.within(late.at, loop) and ir.within(early_at, loop) for loop in loops)
        return (sure or None) if again else False
    begins = late.at if late is not None else late_at
    waited = any(early.at[1] <= at[0] < begins[0] for at in _joins(linked.root, early.at))
    return False if waited else (sure or None)


def _strand(every: Sequence[Strand], site: Site) -> Strand | None:
    inside = [strand for strand in every if ir.holds(strand.at, site.at[0])]
    return min(inside, key=lambda strand: strand.at[1] - strand.at[0], default=None)


def _joins(root: ir.Region, thread: ir.Range) -> Iterator[ir.Range]:
    """Where the function waits for a thread, or for one that is not known."""
    for step in ir.steps_of(root):
        if isinstance(step, (ir.Block, ir.Suspend)) and (
            any(body.at == thread for body in step.others) or (isinstance(step, ir.Block) and not step.others)
        ):
            yield step.at
