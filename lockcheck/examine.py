"""What the rules say of a tree: function by function, by many processes, and anew only where something changed.

In: a `Tree`, rules, who works and what is remembered.  Out: findings and problems.
Never: sifts, prints, knows a rule by its name.

Rules are asked of one function at a time, with all that it calls in reach. So each function has an `Outcome` of its
own, wherever it is computed, and it holds as long as what other files can see of each other is the same
(`units.interface`) and the files whose bodies were read for it are. Rules that must see functions together
(`Meta.sees`) are asked at the end, of the functions that can matter to them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import msgspec

from lockcheck import ir, witness
from lockcheck.analysis.conflict import conflicts
from lockcheck.analysis.cycles import every_edge, knotted
from lockcheck.analysis.order import components
from lockcheck.cache import Store
from lockcheck.executors import Processes, shares_memory
from lockcheck.finding import Finding, Problem
from lockcheck.rule import Rule
from lockcheck.tree import Tree

_WORTH = 300
"""So many functions take longer than the start of another process."""

_TASKS = 8
"""Tasks for each process: the last to end should not keep the others waiting for long."""


class Outcome(msgspec.Struct, frozen=True, array_like=True):
    """What came of one function.

    `lends`: it runs a callback under a guard of its own; `hangs`: it waits for a lock that it holds. `edges` are
    pairs of lock owners, held and wanted; `written` are the locks that it takes for writing. `files` has a bit for
    each unit whose functions were read for it, by number, as little-endian bytes.
    """

    function: int
    findings: tuple[Finding, ...]
    lends: bool
    hangs: bool
    edges: tuple[tuple[str, str], ...]
    written: tuple[str | ir.Place, ...]
    files: bytes


class State(msgspec.Struct, frozen=True, array_like=True):
    """A whole run: what each file held (digests, in order), what came of each function, what went wrong."""

    contents: tuple[bytes, ...]
    outcomes: tuple[Outcome, ...]
    problems: tuple[Problem, ...]


def examine(
    tree: Tree, rules: Sequence[Rule], jobs: int, store: Store, key: bytes | None
) -> tuple[list[Finding], list[Problem]]:
    """Everything that the rules say of the tree, in an order that does not depend on who works, and the problems.

    `key` tells under what the run may be remembered; None where it must not be.
    """
    alone = [rule for rule in rules if rule.meta.sees == "function"]
    outcomes = {one.function: one for one in _remembered(tree, store, key)}
    lenders: frozenset[int] = frozenset()
    with Crew(tree, alone, jobs) as crew:
        while True:
            numbers = tree.frontier.functions(lenders)
            for one in crew.outcomes([number for number in numbers if number not in outcomes]):
                outcomes[one.function] = one
            before, lenders = lenders, frozenset(number for number, one in outcomes.items() if one.lends)
            if lenders <= before:
                break
    ordered = [outcomes[number] for number in sorted(outcomes)]
    findings = [finding for one in ordered for finding in one.findings]
    findings += _together(tree, [rule for rule in rules if rule.meta.sees != "function"], ordered)
    tree.analysis.look_at(None)
    findings = [replace(one, reached_from=witness.reached(tree.analysis, one)) for one in findings]
    problems = sorted(set(tree.problems))
    if key is not None:
        state = State(tuple(tree.contents), tuple(ordered), tuple(problems))
        store.save({key: msgspec.msgpack.encode(state)})
    return findings, problems


def said(rule: Rule, tree: Tree) -> Iterator[Finding]:
    """What a rule says of what the analysis looks at. That another package's rule fails is a problem; others go on."""
    try:
        for finding in rule.check(tree.analysis):
            yield replace(finding, production=rule.production)
    except Exception as error:
        if rule.check.__module__.startswith("lockcheck."):
            raise
        message = f"{rule.slug}: {type(error).__name__}: {error}"
        tree.problems.append(Problem(rule.check.__code__.co_filename, 1, message))


def _remembered(tree: Tree, store: Store, key: bytes | None) -> Iterable[Outcome]:
    """What an earlier run found out that still holds; the tree is told what changed since."""
    data = store.load([key]).get(key) if key is not None else None
    if data is None:
        return ()
    try:
        state = msgspec.msgpack.decode(data, type=State)
    except msgspec.DecodeError:
        return ()
    changed = [n for n, (old, new) in enumerate(zip(state.contents, tree.contents, strict=True)) if old != new]
    mask = sum(1 << number for number in changed)
    paths = {tree.program.units[number].path for number in changed}
    lenders = [one.function for one in state.outcomes if one.lends]
    tree.frontier.since(paths, [one.function for one in state.outcomes], lenders)
    tree.problems += [one for one in state.problems if one.path not in paths]
    return [one for one in state.outcomes if not int.from_bytes(one.files, "little") & mask]


def _together(tree: Tree, rules: Sequence[Rule], outcomes: Sequence[Outcome]) -> Iterator[Finding]:
    """What the rules say that look at more than one function."""
    if not rules:
        return
    edges = {one.function: one.edges for one in outcomes if one.edges}
    owners = knotted(edge for some in edges.values() for edge in some)
    knots = {n for n, some in edges.items() if any(owners.get(held, -1) == owners.get(to) for held, to in some)}
    knots.update(one.function for one in outcomes if one.hangs)
    written = frozenset(lock for one in outcomes for lock in one.written)
    for rule in rules:
        tree.analysis.look_at(None if rule.meta.sees == "tree" else sorted(knots), written)
        yield from said(rule, tree)


# --------------------------------------------------------------------------------------------------------- working


class Crew:
    """Those who work out outcomes: this process, or copies of it that know the tree as it was when they began."""

    def __init__(self, tree: Tree, rules: Sequence[Rule], jobs: int) -> None:
        """At most `jobs` processes, where another process can begin with what this one knows."""
        self._mine = (tree, rules)
        self._jobs = jobs if shares_memory() else 1

    def __enter__(self) -> Crew:
        _SHARED.append(self._mine)
        return self

    def __exit__(self, *_: object) -> None:
        _SHARED.pop()

    def outcomes(self, numbers: Sequence[int]) -> Iterator[Outcome]:
        """What comes of these functions, in no order."""
        if self._jobs == 1 or len(numbers) < _WORTH:
            yield from _worked_out(*self._mine, numbers)
            return
        size = -(-len(numbers) // (self._jobs * _TASKS))
        tasks = [numbers[start : start + size] for start in range(0, len(numbers), size)]
        for done, problems in Processes(self._jobs).map(_work, tasks):
            self._mine[0].problems += problems
            yield from done


_SHARED: list[tuple[Tree, Sequence[Rule]]] = []
"""What copies of this process find when they begin."""


def _work(numbers: Sequence[int]) -> tuple[list[Outcome], list[Problem]]:
    tree, rules = _SHARED[-1]
    before = len(tree.problems)
    return _worked_out(tree, rules, numbers), tree.problems[before:]


def _worked_out(tree: Tree, rules: Sequence[Rule], numbers: Iterable[int]) -> list[Outcome]:
    analysis, outcomes, read = tree.analysis, [], dict[int, frozenset[int]]()
    for number in numbers:
        analysis.look_at((number,))
        findings = tuple(finding for rule in rules for finding in said(rule, tree))
        edges = sorted({(edge.held, edge.wanted) for edge in every_edge(analysis)})
        read[number] = analysis.consulted()
        written = sorted(analysis.written, key=repr)
        hangs = bool(conflicts(analysis))
        outcomes.append(Outcome(number, findings, analysis.lends(number), hangs, tuple(edges), tuple(written), b""))
    files = _files(tree, read)
    return [msgspec.structs.replace(one, files=files[one.function]) for one in outcomes]


def _files(tree: Tree, read: Mapping[int, frozenset[int]]) -> dict[int, bytes]:
    """For each function, the units that it and what was read for it are in, with all that those read."""
    program = tree.program
    unit_of = tree.unit_numbers
    masks: dict[int, int] = {}

    def successors(number: int) -> list[int]:
        return [one for one in program.consulted(number) if one not in masks]

    found: dict[int, bytes] = {}
    for number, others in read.items():
        mask = 0
        for one in (number, *others):
            for group in components(one, successors) if one not in masks else ():
                whole = 0
                for member in group:
                    whole |= 1 << unit_of[member]
                    for after in program.consulted(member):
                        whole |= masks.get(after, 0)
                masks.update(dict.fromkeys(group, whole))
            mask |= masks[one]
        found[number] = mask.to_bytes((mask.bit_length() + 7) // 8, "little")
    return found
