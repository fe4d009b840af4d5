"""What may come out of a function as an error, where that can be told: by what it calls, and what it raises itself.

In: an `Analysis`.  Out: the names by which handlers may name each error; None where it may be any.
Never: words for people.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from lockcheck import ir
from lockcheck.analysis import Analysis

Errors = frozenset[frozenset[str]]
"""What may be raised: of each, the names by which a handler may name it."""

_DEEPEST = 3
"""Through how many functions it is looked for what is raised."""


class _Calls(NamedTuple):
    """Of a function, by place: the functions of the tree that it calls there, and the words that are written there.

    `tried` is from where an error may go on.
    """

    made: Mapping[ir.Range, Sequence[ir.Invoke]]
    words: Mapping[ir.Range, frozenset[str]]
    tried: Sequence[ir.Escape]


class Raised:
    """The errors of a program's functions, each looked for once."""

    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis
        self._errors: dict[tuple[int, int], Errors | None] = {}

    def tried(self, number: int) -> Sequence[ir.Escape]:
        """From where in a function an error may go on."""
        calls = self._analysis.once_of(number, _calls)
        return calls.tried if calls is not None else ()

    def at(self, number: int, at: ir.Range, deeper: int = _DEEPEST) -> Errors | None:
        """What may be raised by what a function calls at a place; None where that may be anything."""
        calls = self._analysis.once_of(number, _calls)
        if calls is None:
            return None
        made = calls.made.get(at, ())
        if deeper and made and all(step.targets for step in made):
            return _together(self._of(target, deeper - 1) for step in made for target in step.targets)
        but, words = self._analysis.effects(number).steady_but, calls.words.get(at)
        return frozenset(frozenset(but[word]) for word in words) if words and words <= but.keys() else None

    def _of(self, number: int, deeper: int) -> Errors | None:
        """What may come out of a function."""
        if (number, deeper) not in self._errors:
            self._errors[number, deeper] = _together(self._parts(number, deeper))
        return self._errors[number, deeper]

    def _parts(self, number: int, deeper: int) -> Iterator[Errors | None]:
        """What a function raises itself, then what each of its calls may; None where that may be anything."""
        linked, body = self._analysis.program.linked(number), self._analysis.program.body(number)
        if linked is None or body is None:
            yield None
            return
        written, steps = list(ir.steps_of(body.root)), list(ir.steps_of(linked.root))
        if any(isinstance(step, (ir.Await, ir.Yield)) for step in written):
            yield None
        calls = [step for step in written if isinstance(step, ir.Call) and isinstance(step.callee, ir.Named)]
        leaving = [step.at for step in steps if isinstance(step, ir.Leave) and step.label == ir.RAISED]
        raised = [at for at in leaving if at != (0, 0)]
        for at in raised:
            made = next((one for one in calls if ir.within(one.at, at)), None)
            yield frozenset({frozenset(_named(made)[-1:])}) if made is not None else None
        passing = [step.at for step in steps if isinstance(step, ir.Escape) and step.label == ir.RAISED]
        for at in dict.fromkeys(passing):
            if not any(ir.within(at, other) for other in raised):
                yield self.at(number, at, deeper)


def _calls(analysis: Analysis, number: int) -> _Calls | None:
    linked, body = analysis.program.linked(number), analysis.program.body(number)
    if linked is None or body is None:
        return None
    made: dict[ir.Range, list[ir.Invoke]] = defaultdict(list)
    words: dict[ir.Range, frozenset[str]] = defaultdict(frozenset)
    tried = []
    for step in ir.steps_of(linked.root):
        if isinstance(step, ir.Invoke):
            made[step.at].append(step)
        elif isinstance(step, ir.Escape):
            tried.append(step)
    for written in ir.steps_of(body.root):
        if isinstance(written, ir.Call):
            words[written.at] |= {written.word}
    return _Calls(made, words, tried)


def _named(call: ir.Call) -> ir.Path:
    return call.callee.path if isinstance(call.callee, ir.Named) else ()


def _together(several: Iterable[Errors | None]) -> Errors | None:
    """All of them; None where one may be anything."""
    found: Errors = frozenset()
    for one in several:
        if one is None:
            return None
        found |= one
    return found
