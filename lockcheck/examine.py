"""What the rules say of a tree: function by function, by many processes, and anew only where something changed.

In: a `Tree`, rules, who works and what is remembered.  Out: findings and problems.
Never: sifts, prints, knows a rule by its name.

Rules are asked of one function at a time, with all that it calls in reach. So each function has an `Outcome` of its
own, wherever it is computed, and it holds as long as what other files can see of each other is the same
(`units.interface`) and the files whose bodies were read for it are. Rules that must see functions together
(`Meta.sees`) are asked at the end, of the functions that can matter to them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from typing import Generic, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from lockcheck import ir, witness
from lockcheck.analysis import Consulted, Topic
from lockcheck.board import Board, Notes
from lockcheck.bystanders import Bystanders
from lockcheck.cache import Store
from lockcheck.effects import Effects
from lockcheck.executors import Processes, shares_memory
from lockcheck.finding import Finding, Problem
from lockcheck.lasting import Keys, keep, remembered, still_asked_for
from lockcheck.linker import Program, Reading, Shared
from lockcheck.questions.conflict import conflicts
from lockcheck.questions.cycles import knotted
from lockcheck.questions.edges import orders
from lockcheck.questions.sharing import named_once
from lockcheck.questions.siblings import pairs
from lockcheck.questions.signals import waits_under_lock
from lockcheck.rule import Rule
from lockcheck.state import NOTHING_ASKED, Outcome, State, Together, by_name, gathered, looked_at
from lockcheck.tree import Tree

T = TypeVar("T")
R = TypeVar("R")

_WORTH = 300
"""So many functions take longer than the start of another process."""

_TASKS = 96
"""Tasks for each process: the last to end should not keep the others waiting for long."""


def examine(
    tree: Tree,
    rules: Sequence[Rule],
    jobs: int,
    store: Store,
    keys: Keys | None,
) -> tuple[list[Finding], list[Problem], Bystanders | None]:
    """Everything that the rules say of the tree, in an order that does not depend on who works, and the problems.

    `keys` tell under what the run may be remembered; None where it must not be: then nobody is told who stood by.
    """
    bystanders = None
    topics = tuple(dict.fromkeys(topic for rule in rules for topic in rule.topics))
    before = remembered(tree, store, keys)
    outcomes = {one.function: one for one in before.outcomes}
    lenders: frozenset[int] = frozenset()
    with Crew(Errand(tree, rules, topics, keys is not None), jobs, before) as crew:
        others, late = _callers(tree, topics, late=False, settled=True), False
        while True:
            numbers = sorted({*others, *tree.frontier.functions(lenders)})
            for one in crew.outcomes([number for number in numbers if number not in outcomes]):
                outcomes[one.function] = one
            known, lenders = lenders, frozenset(number for number in numbers if outcomes[number].lends)
            if not late and any(outcomes[number].far for number in numbers):
                late, before_too = True, any(one.far for one in before.outcomes)
                others |= _callers(tree, topics, late=True, settled=before_too)
            elif lenders <= known:
                break
        ordered = [outcomes[number] for number in numbers]
        findings = list(_each_once(tree, ordered))
        together = _together(crew, [n for n, rule in enumerate(rules) if rule.meta.sees != "function"], ordered, before)
        findings += [finding for one in together for finding in one.findings]
        tree.analysis.look_at(None)
        findings = [replace(one, reached_from=witness.reached(tree.analysis, one)) for one in findings]
        if keys is not None:
            kept = tuple(one if one.given else None for one in together)
            told = tree.analysis.told
            results, summaries = crew.results.every(), gathered(crew.summaries.every())
            found = tuple(tree.entries), tuple(ordered), kept, crew.readings(), told
            state = State(*found, before.problems, tree.frontier.openers, results, summaries)
            state = replace(state, problems=tuple(sorted({*tree.problems, *still_asked_for(state, tree)})))
            tree.problems[:] = state.problems
            keep(state, store, keys)
            names = frozenset(name for one in together for name in one.names)
            known_by = looked_at(state), tree.looked_through
            bystanders = tree.frontier.bystanders(*known_by, lenders, crew.sought(), names)
    return findings, sorted(set(tree.problems)), bystanders


def _each_once(tree: Tree, outcomes: Sequence[Outcome]) -> Iterator[Finding]:
    """What is said of each function by itself; of those that a macro makes of one text, what the first has will do."""
    said = set[object]()
    for one in outcomes:
        unit, function = tree.program.functions[one.function]
        made = [(unit.path, function.at, finding.code, finding.span) for finding in one.findings if function.given]
        yield from (found for n, found in enumerate(one.findings) if not made or made[n] not in said)
        said.update(made)


def _callers(tree: Tree, topics: Iterable[Topic], late: bool, settled: bool) -> set[int]:
    """The functions that may have an event of one of the topics that are late, or are not (see `Frontier.calling`)."""
    found = set[int]()
    for constants in (False, True):
        some = [one for one in topics if (one.late, one.constants) == (late, constants)]

        def names(table: Effects, some: Sequence[Topic] = some) -> frozenset[str]:
            return frozenset[str]().union(*(one.names(tree.analysis, table) for one in some))

        found.update(tree.frontier.calling(names, constants, settled))
    return found


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


def _together(crew: Crew, rules: Sequence[int], outcomes: Sequence[Outcome], before: State) -> list[Together]:
    """What each rule says that looks at more than one function; what an earlier run heard, where nothing is new."""
    edges = {one.function: one.edges for one in outcomes if one.edges}
    shared = crew.shared({owner for some in edges.values() for edge in some for owner in edge})
    one = named_once(shared)
    edges = {n: tuple((one.get(held, held), one.get(to, to)) for held, to in some) for n, some in edges.items()}
    owners = knotted(edge for some in edges.values() for edge in some)
    knots = {n for n, some in edges.items() if any(owners.get(held, -1) == owners.get(to) for held, to in some)}
    waits = {one.function for one in outcomes if one.hangs or one.waits}
    written = sorted({lock for one in outcomes for lock in one.written}, key=repr)
    about = [tuple(one.function for one in outcomes if n in one.topics) for n in range(crew.topics)]
    asked = tuple(sorted(waits)), tuple(sorted(knots | waits)), tuple(written), about, shared, tuple(owners.items())
    given = _digest(crew.program, *asked)
    told = zip(rules, before.together or [None] * len(rules), strict=True)
    known = {rule: one for rule, one in told if one is not None and one.given == given}
    asked_now = [rule for rule in rules if rule not in known]
    for rule, answer in zip(asked_now, crew.hear([Question(rule, *asked) for rule in asked_now]), strict=True):
        lasts = given if answer.seen is not None else b""
        known[rule] = Together(lasts, tuple(answer.findings), answer.seen or NOTHING_ASKED, answer.names)
    return [known[rule] for rule in rules]


def _digest(program: Program, waits: Sequence[int], knots: Sequence[int], written: object,
            about: Sequence[Sequence[int]], shared: Iterable[Shared], owners: object) -> bytes:  # fmt: skip
    """A digest of what rules are asked, in which functions go by their names: numbers may be others in the next run."""

    def name(number: int) -> str:
        return f"{program.functions[number][0].path} {program.full_name(number)}"

    functions = [[name(number) for number in some] for some in (waits, knots, *about)]
    one = [(each.owner, each.source, name(each.function), each.given) for each in shared]
    said = by_name(repr((functions, written, one, owners)), name)
    return hashlib.blake2b(said.encode(), digest_size=16).digest()


# --------------------------------------------------------------------------------------------------------- working


class Crew:
    """Those who work out outcomes: this process, or copies of it that know the tree as it was when they began."""

    def __init__(self, errand: Errand, jobs: int, before: State) -> None:
        """At most `jobs` processes, where another process can begin with what this one knows.

        `before` is what is known of functions that are not linked again.
        """
        self._mine = errand
        self._jobs = jobs if shares_memory() else 1
        self._others: Processes | None = None
        self._leaving = ExitStack()
        self._reads = dict(before.reads)
        self.results = Notes(before.results)
        self.summaries = Notes({number: said for some, said in before.summaries for number in some})
        self._told = before.told
        self._sought = set[tuple[str, str]]()

    def __enter__(self) -> Crew:
        _SHARED.append(self._mine)
        self._mine.tree.analysis.told.update(self._told)
        if self._mine.remembered:
            self._mine.tree.analysis.share(self.results, self.summaries)
        return self

    def __exit__(self, *_: object) -> None:
        _SHARED.pop()
        self._leaving.close()

    def shared(self, owners: Collection[str]) -> tuple[Shared, ...]:
        """Which of these owners of locks are one."""
        self._mine.tree.analysis.look_at(())
        return self._mine.tree.analysis.shared(lambda: owners)

    @property
    def program(self) -> Program:
        """What the tree links to."""
        return self._mine.tree.program

    @property
    def topics(self) -> int:
        """How many topics there are."""
        return len(self._mine.topics)

    def outcomes(self, numbers: Sequence[int]) -> Iterator[Outcome]:
        """What comes of these functions, in no order."""
        if self._jobs > 1 and len(numbers) >= _WORTH and self._others is None:
            self._share()
            self._others = self._leaving.enter_context(Processes(self._jobs))
        size = -(-len(numbers) // (self._jobs * _TASKS)) or 1
        tasks = [numbers[start : start + size] for start in range(0, len(numbers), size)]
        for done in self._done(_work, tasks):
            yield from done

    def _share(self) -> None:
        """The processes that begin from now on tell each other what they find out of functions that are called."""
        with suppress(OSError):
            self.results = self._leaving.enter_context(closing(Board(self.results.every())))
            self.summaries = self._leaving.enter_context(closing(Board(self.summaries.every())))
            self._mine.tree.analysis.share(self.results, self.summaries)

    def hear(self, questions: Sequence[Question]) -> Iterator[Answer]:
        """What each rule says."""
        return self._done(_answered, questions)

    def _done(self, work: Callable[[T], Done[R]], tasks: Sequence[T]) -> Iterator[R]:
        """The results of tasks, in order, by those who know the most already."""
        for done in self._others.map(work, tasks) if self._others is not None else map(work, tasks):
            if self._others is not None:
                self._mine.tree.problems += done.problems
            self._learn(done.reads)
            self._sought.update(done.sought)
            yield done.result

    def readings(self) -> dict[int, Reading]:
        """For each function that was linked or walked, by anybody, what was read for that."""
        self._learn(self._mine.readings())
        return dict(sorted(self._reads.items()))

    def sought(self) -> Collection[tuple[str, str]]:
        """By language the names whose callers anybody looked for."""
        return self._sought.union(self._mine.tree.frontier.sought())

    def _learn(self, reads: Mapping[int, Reading]) -> None:
        for number, some in reads.items():
            self._reads[number] = some.beside(self._reads[number]) if number in self._reads else some


class Errand(Struct):
    """What there is to do: rules to be asked of functions, topics to be looked for in them."""

    tree: Tree
    rules: Sequence[Rule]
    topics: Sequence[Topic]
    remembered: bool
    """Whether what was read for it is kept with what comes of it."""

    def readings(self) -> dict[int, Reading]:
        """What was read to link each function, as far as it was not told before."""
        return self.tree.program.readings() if self.remembered else {}


_SHARED: list[Errand] = []
"""What copies of this process find when they begin."""


class Done(Struct, Generic[R], frozen=True):
    """What came of a task, what went wrong meanwhile, what was read that was not told before, and whose callers were
    looked for (see `Frontier.sought`).
    """

    result: R
    problems: list[Problem]
    reads: dict[int, Reading]
    sought: Collection[tuple[str, str]]


class Question(Struct, frozen=True):
    """A rule (by number) is asked of functions together: of those that wait, of those in knots too, or of all.

    `written` are the locks that the tree takes for writing, `about` the functions of each topic, `shared` the owners
    of locks that are one, `owners` those on cycles of the lock order, each with the number of its knot.
    """

    rule: int
    waits: tuple[int, ...]
    knots: tuple[int, ...]
    written: tuple[str | ir.Place, ...]
    about: Sequence[tuple[int, ...]]
    shared: tuple[Shared, ...]
    owners: tuple[tuple[str, int], ...]


def _work(numbers: Sequence[int]) -> Done[list[Outcome]]:
    return _told(lambda errand: _worked_out(errand, numbers))


class Answer(Struct, frozen=True):
    """What a rule said, what was asked about for it (None where that was every one), and the names by
    which it looked for functions.
    """

    findings: list[Finding]
    seen: Consulted | None
    names: tuple[str, ...]


def _answered(asked: Question) -> Done[Answer]:
    return _told(lambda errand: _heard(errand, asked))


def _told(work: Callable[[Errand], R]) -> Done[R]:
    errand = _SHARED[-1]
    before = len(errand.tree.problems)
    result = work(errand)
    return Done(result, errand.tree.problems[before:], errand.readings(), errand.tree.frontier.sought())


def _heard(errand: Errand, asked: Question) -> Answer:
    rule, analysis = errand.rules[asked.rule], errand.tree.analysis
    about = dict(zip(errand.topics, asked.about, strict=True))
    looked_at = {"tree": None, "knots": asked.knots, "waits": asked.waits}[rule.meta.sees]
    knots = dict(asked.owners) if rule.meta.sees == "knots" else None
    analysis.look_at(looked_at, frozenset(asked.written), about, asked.shared, knots)
    return Answer(list(said(rule, errand.tree)), analysis.consulted(), analysis.names_asked())


def _worked_out(errand: Errand, numbers: Iterable[int]) -> list[Outcome]:
    tree, analysis, outcomes = errand.tree, errand.tree.analysis, []
    names = {language: [one.names(analysis, table) for one in errand.topics] for language, table in tree.tables.items()}
    alone = [rule for rule in errand.rules if rule.meta.sees == "function"]
    for number in numbers:
        analysis.look_at((number,))
        called = names[tree.program.functions[number][0].language]
        findings = tuple(finding for rule in alone for finding in said(rule, tree))
        edges = tuple(sorted({*orders(analysis), *((edge.held, edge.wanted) for edge in pairs(analysis))}))
        written = tuple(sorted(analysis.written, key=repr))
        lends, hangs, (waits, far) = analysis.lends(number), bool(conflicts(analysis)), waits_under_lock(analysis)
        events = [moment.event for moment in analysis.moments(number)]
        topics = tuple(
            n
            for n, topic in enumerate(errand.topics)
            if any(map(topic.matters, events))
            and (
                tree.frontier.may_call(number, called[n], topic.constants)
                or any(topic.also(analysis, event) for event in events)
            )
        )
        reads = analysis.consulted() or NOTHING_ASKED
        outcomes.append(Outcome(number, findings, lends, hangs, waits, far, edges, written, topics, reads))
        if not (hangs or waits or topics):
            analysis.let_go(number)
    return outcomes
