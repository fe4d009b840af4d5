"""Whether other tasks run where a task waits: a function of the tree that waits for nothing goes on at once.

In: an `Analysis`, a function, a place in it that waits.  Out: yes or no.
Never: what is held.
"""

from __future__ import annotations

from lockcheck import ir
from lockcheck.analysis import Analysis


def lets_others_run(analysis: Analysis, number: int, wait: ir.Suspend) -> bool:
    """Whether the task may stop at one of a function's waits; not where all that it waits for goes on at once."""
    return _stops(analysis, number, wait, set())


def _stops(analysis: Analysis, number: int, wait: ir.Suspend, asked: set[int]) -> bool:
    linked = analysis.program.linked(number)
    if linked is None or wait.call == (0, 0):
        return True
    calls = (one for one in ir.steps_of(linked.root) if isinstance(one, ir.Invoke) and one.at == wait.call)
    found = [(one.certain, target) for one in calls for target in one.targets]
    return not found or not all(sure and _goes_on(analysis, target, asked) for sure, target in found)


def _goes_on(analysis: Analysis, number: int, asked: set[int]) -> bool:
    """Whether a function that is waited for comes to its end without a stop.

    What stands for a trait's method does not say what others that stand for it do.
    """
    if number in asked:
        return True
    asked.add(number)
    function, linked = analysis.program.functions[number][1], analysis.program.linked(number)
    if (
        linked is None
        or function.trait is not None
        or function.bare
        or function.around
        or not function.runs_when_awaited
    ):
        return False
    waits = [one for one in ir.steps_of(linked.root, closures=False) if isinstance(one, ir.Suspend)]
    taken = (one for one in ir.steps_of(linked.root, closures=False) if isinstance(one, ir.Acquire))
    if any(one.lock.waits == "task" for one in taken):
        return False
    return not any(_stops(analysis, number, one, asked) for one in waits)
