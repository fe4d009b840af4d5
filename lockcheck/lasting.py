"""What an earlier run found out, function by function, and what of it still holds where functions' texts changed.

In: a `Tree`, the bytes that were kept of the run before.  Out: the `State` that still holds.
Never: asks a rule, opens a file.

A function whose text changed is linked anew. Others read of it what its result is another name of, or what a call of it
does; where that is as it was, but for the places in files that changed, whoever read no more stays as it was too. So
functions are judged callees first, and only what follows from a change is worked out: notes of all that may depend on
one are not believed before.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import chain
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from lockcheck.analysis import Consulted
from lockcheck.analysis.alike import alike
from lockcheck.analysis.order import components
from lockcheck.analysis.walked import is_of_summaries, named_in, summaries_in
from lockcheck.board import Notes
from lockcheck.cache import Store
from lockcheck.finding import Finding, Problem, paths_of
from lockcheck.linker import Reading
from lockcheck.linker.results import result_in
from lockcheck.redeclared import redeclared
from lockcheck.state import NOTHING, State, Together, gathered, renumbered
from lockcheck.tree import Tree
from lockcheck.units import recalled

_MOST = 700
"""So many functions are compared with what they were; where a change reaches more, they are taken to have changed."""

_ALL = -1
"""Stands for all functions that may be another thing now: no function and no set of them has this number."""
_NO_READING = Reading((), (), (), ())


class Keys(NamedTuple):
    """Under which a run is kept: `exact` as long as files declare the same, `latest` as long as they are the same."""

    exact: bytes
    latest: bytes


def keep(state: State, store: Store, keys: Keys) -> None:
    """Keep a run for the next one."""
    store.save({keys.exact: msgspec.msgpack.encode(state), keys.latest: keys.exact})


def _kept(store: Store, keys: Keys) -> State | None:
    """The run before, or the last one in which files declared something else."""
    found = store.load([keys.exact, keys.latest])
    data, exact = found.get(keys.exact), found.get(keys.latest)
    if data is None and exact is not None:
        data = store.load([exact]).get(exact)
    try:
        return msgspec.msgpack.decode(data, type=State) if data is not None else None
    except msgspec.DecodeError:
        return None


def remembered(tree: Tree, store: Store, keys: Keys | None) -> State:
    """What an earlier run found out that still holds; the tree is told what changed since.

    Of the run's problems those are left out that would be found again, if they are still there.
    """
    state = _kept(store, keys) if keys is not None else None
    if state is None:
        return NOTHING
    changed = [
        n for n, (old, new) in enumerate(zip(state.entries, tree.entries, strict=True)) if old.content != new.content
    ]
    others = [n for n in changed if state.entries[n].face != tree.entries[n].face]
    known = [state.entries[n] for n in others]
    before = {n: recalled(one.path, one.content, tree.homes, store) for n, one in zip(others, known, strict=True)}
    news = redeclared(tree, state.entries, before)
    if news is None:
        return NOTHING
    state = renumbered(state, news.numbers) if others else state
    paths = {tree.program.units[number].path for number in changed}
    if state.openers == tree.frontier.openers:
        lenders = [one.function for one in state.outcomes if one.lends]
        tree.frontier.since(paths, [one.function for one in state.outcomes], lenders)
    broken = {one.path for one in state.problems} & paths
    new = Changes(tree, state, news.seeing.union(*map(tree.functions_of, broken)), paths)

    def hold(reads: Consulted, findings: Iterable[Finding]) -> bool:
        return new.spare(reads) and not any(paths.intersection(paths_of(one)) for one in findings)

    def holds(one: Together | None) -> bool:
        return (
            one is not None
            and hold(one.reads, one.findings)
            and not any(_says(tree, new.linked, name) for name in one.names)
        )

    kept = (one for one in state.outcomes if one.function not in new.walked)
    return replace(
        state,
        outcomes=tuple(one for one in kept if hold(one.reads, one.findings)),
        together=tuple(one if holds(one) else None for one in state.together),
        reads={number: some for number, some in state.reads.items() if number not in new.linked},
        told={number: some for number, some in state.told.items() if number not in new.linked},
        problems=tuple(one for one in state.problems if not _is_found_again(tree, one, paths, new.walked)),
        results=new.known_results.every(),
        summaries=gathered(new.known_summaries.every()),
    )


def _is_found_again(tree: Tree, problem: Problem, changed: Collection[str], walked: Collection[int]) -> bool:
    """Whether a problem is one of a file that changed, or of a function that is walked anew."""
    return problem.path in changed or not set(functions_at(tree, problem)).isdisjoint(walked)


def functions_at(tree: Tree, problem: Problem) -> Iterator[int]:
    """The functions at a problem's place; none where it is not about one."""
    for number in tree.functions_of(problem.path):
        first, last = (tree.position(problem.path, at).line for at in tree.program.functions[number][1].at)
        if first <= problem.line <= last:
            yield number


def still_asked_for(state: State, tree: Tree) -> Iterator[Problem]:
    """The problems of a run that are in functions which anybody still asks about."""
    if not state.problems:
        return
    asked = [(one.function, one.reads) for one in state.outcomes]
    asked += [(-1, one.reads) for one in state.together if one is not None]
    steps = {n for number, reads in asked for n in (number, *reads.steps)}.union(state.told)
    called = {n for number in steps for n in _called(state.reads.get(number, _NO_READING))}
    summaries = _reached(state, called.union(*(reads.summaries for _, reads in asked)), _called)
    every = _reached(state, steps | summaries, lambda one: (*one.read, *one.named))
    for problem in state.problems:
        about = set(functions_at(tree, problem))
        if not about or not about.isdisjoint(summaries if is_of_summaries(problem.message) else every):
            yield problem


def _called(one: Reading) -> Iterable[int]:
    return (*one.calls, *one.named)


def _reached(state: State, start: set[int], on: Callable[[Reading], Iterable[int]]) -> set[int]:
    """Some functions, and all that were read for them, and for these."""
    found, waiting = set(start), list(start)
    while waiting:
        new = set(on(state.reads.get(waiting.pop(), _NO_READING))) - found
        found |= new
        waiting += new
    return found


class Changes:
    """What of a run is another thing now: judged as it is made.

    `linked` are the functions whose steps may be others, `walked` these and those in which something else may happen,
    `results` and `summaries` those of which others are told something else.
    """

    def __init__(self, tree: Tree, state: State, texts: Collection[int], files: Iterable[str]) -> None:
        """`texts` are the functions whose text is another one, `files` the paths of the files that changed."""
        self._tree, self._reads = tree, state.reads
        self._texts = self._with_callers(texts)
        self._moved = {*chain.from_iterable(map(tree.functions_of, files)), *(number for number in texts if number < 0)}
        self._results = state.results
        self._summaries = {number: said for some, said in state.summaries for number in some}
        self._movable = {said: not self._moved.isdisjoint(named_in(said)) for _, said in state.summaries}
        self._left = _MOST
        self.linked, self.walked = set[int](), set[int]()
        self.results, self.summaries = set[int](), set[int]()
        suspects = self._suspects() if self._texts else set[int]()
        self.known_results = Notes({n: said for n, said in state.results.items() if n not in suspects})
        fitting = ((n, said) for n, said in self._summaries.items() if n not in suspects and not self._movable[said])
        self.known_summaries = Notes(dict(fitting))
        if suspects:
            tree.analysis.share(self.known_results, self.known_summaries)
            self._judge(suspects, state)

    def spare(self, reads: Consulted) -> bool:
        """Whether nothing that was asked about is another thing now."""
        return self.walked.isdisjoint(reads.steps) and self.summaries.isdisjoint(reads.summaries)

    def _with_callers(self, texts: Collection[int]) -> set[int]:
        """These functions, and who calls one that takes or gives locks by name, which perhaps it did not do before."""
        functions = self._tree.program.functions
        by_hand = {number for number in texts if number >= 0 and functions[number][1].by_hand}
        reads = self._reads.items() if by_hand else ()
        return {*texts, *(number for number, one in reads if not by_hand.isdisjoint(_called(one)))}

    def _suspects(self) -> set[int]:
        """The functions whose text is another one, and all that depend on them, by whatever way."""
        readers: dict[int, list[int]] = defaultdict(list)
        for number, reading in self._reads.items():
            for one in reading.read:
                readers[one].append(number)
        found, waiting = set(self._texts), list(self._texts)
        while waiting:
            new = set(readers.get(waiting.pop(), ())) - found
            found |= new
            waiting += new
        return found

    def _judge(self, suspects: set[int], state: State) -> None:
        """First what is linked, then what calls do: linking never asks for that, so a circle by calls links nothing.

        Those that a function depends on come before it, those that depend on each other at once.
        """
        asked = {n for number in suspects for n in self._of(number).calls}
        asked.update(chain.from_iterable(one.reads.summaries for one in state.outcomes))
        asked.update(n for one in state.together if one is not None for n in one.reads.summaries)
        named = {n for number in suspects for n in self._of(number).results}
        for group in _in_order(suspects, lambda number: self._of(number).linking):
            if any(self._is_linked_anew(number) for number in group):
                self.linked.update(group)
            else:
                self.known_results.write_all({n: self._results[n] for n in group if n in self._results})
            self.results.update(n for n in group if n in self.linked and n in named and not self._keeps_result(n))
        for group in _in_order(suspects, lambda number: self._of(number).calls):
            if not self.linked.isdisjoint(group) or any(self._is_walked_anew(number) for number in group):
                self.walked.update(group)
            else:
                said = {n: self._summaries[n] for n in group if n in self._summaries}
                self.known_summaries.write_all({n: one for n, one in said.items() if not self._movable[one]})
            self.summaries.update(n for n in group if n in self.walked and n in asked and not self._keeps_summary(n))

    def _of(self, number: int) -> Reading:
        return self._reads.get(number, _NO_READING)

    def _is_linked_anew(self, number: int) -> bool:
        read = self._of(number)
        return number in self._texts or not (
            self.linked.isdisjoint(read.steps) and self.results.isdisjoint(read.results)
        )

    def _is_walked_anew(self, number: int) -> bool:
        return not self.summaries.isdisjoint(self._of(number).calls)

    def _keeps_result(self, number: int) -> bool:
        """Whether a function's result is another name of what it was."""
        if number < 0 or number not in self._results or not self._may_compare():
            return False
        return self._tree.program.result_of(number) == result_in(self._results[number])

    def _keeps_summary(self, number: int) -> bool:
        """Whether a call of the function does what it did."""
        if number < 0 or number not in self._summaries or not self._may_compare():
            return False
        before = summaries_in(self._summaries[number])[number]
        return alike(self._tree.analysis.summary(number), before, self._moved)

    def _may_compare(self) -> bool:
        self._left -= 1
        return self._left >= 0


def _in_order(numbers: set[int], needs: Callable[[int], Iterable[int]]) -> Iterator[Sequence[int]]:
    """Some functions in groups that need each other, those that a group needs before it."""

    def depends(number: int) -> Iterable[int]:
        return numbers if number == _ALL else (n for n in needs(number) if n in numbers)

    return (group for group in components(_ALL, depends) if group[0] != _ALL)


def _says(tree: Tree, functions: Collection[int], name: str) -> bool:
    """Whether a name may stand in the text of one of the functions."""
    saying = tree.frontier.naming(name)
    return saying is None or not saying.isdisjoint(functions)
