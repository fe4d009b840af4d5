"""Where the rooms meet: paths in, a `Report` out.

Never: prints, knows a syntax, judges a lock.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Literal, TypeVar

import msgspec
from msgspec.structs import replace

from lockcheck import discover, ir, recall, suppress
from lockcheck.cache import Store
from lockcheck.config import FILES, ConfigError, Settings, check_selectors, matches, settle
from lockcheck.finding import CONFIDENCES, Finding, Problem, paths_of
from lockcheck.frontends import SUFFIXES, declare
from lockcheck.recall import Memory
from lockcheck.report import Hidden, Page, Report
from lockcheck.rule import PERSONAS, Persona, Rule
from lockcheck.rules import RULES
from lockcheck.source import Crate, LockFile, Source

if TYPE_CHECKING:
    from lockcheck.analysis import Analysis
    from lockcheck.executors import Work
    from lockcheck.export.known import Known
    from lockcheck.lasting import Keys
    from lockcheck.report.graph import OrderGraph
    from lockcheck.report.inventory import Inventory
    from lockcheck.report.reached import Touched
    from lockcheck.report.show import ShownCall, ShownFunction
    from lockcheck.tree import Tree

T = TypeVar("T")

KNOWN = tuple((rule.code, rule.slug) for rule in RULES) + suppress.OWN
"""(code, slug) of everything that can be reported."""

Progress = Callable[[int, int], None]
"""Told (files done, files in all) now and then."""


def configure(paths: Sequence[str], file: str = "") -> Settings:
    """The settings for code at `paths`: those of `file`, or of the nearest file that holds any.

    Raises ConfigError where the file cannot be read or says something that means nothing.
    """
    if file:
        path = discover.relative(file)
        texts: Iterable[tuple[str, str | Problem]] = [(path, discover.text_of(path))]
    else:
        texts = discover.configurations(paths, FILES)
    return validated(settle(_readable(texts)))


def _readable(texts: Iterable[tuple[str, str | Problem]]) -> Iterator[tuple[str, str]]:
    for path, text in texts:
        if isinstance(text, Problem):
            raise ConfigError(f"{path}: {text.message}")
        yield path, text


def validated(settings: Settings) -> Settings:
    """The settings themselves, if every rule that they speak of exists. Raises ConfigError."""
    place = settings.origin.get
    words = [
        (place("select", ""), settings.select),
        (place("ignore", ""), settings.ignore),
        *((f"{place('per_file_ignores', '')}: {glob}", rules) for glob, rules in settings.per_file_ignores),
        (f"{place('severity', '')}: severity", [rule for rule, _ in settings.severity]),
    ]
    check_selectors(words, KNOWN)
    return settings


def check(
    paths: Sequence[str],
    settings: Settings,
    work: Work,
    on_progress: Progress | None = None,
    stdin: tuple[str, bytes] | None = None,
    suffixes: Sequence[str] = tuple(SUFFIXES),
    noqa: bool = True,
) -> Report:
    """Analyse the files below `paths`, and `stdin` (the name that it goes by, its bytes) if given.

    `stdin` stands for the file of its name. Only files that end in one of `suffixes` are looked for. `noqa`:
    honour `# noqa` comments. The report does not depend on who does the `work`, nor on what is remembered.
    Never raises for what is in the files: that is in the report's `problems`.
    """
    found = discover.walk(paths, suffixes, _excluded(settings))
    over = discover.source(discover.relative(stdin[0]), stdin[1]) if stdin is not None else None
    listed = sorted({*found.files, *([over.path] if over is not None else ())})
    memory = _memory(listed, over, settings, work)
    settled = memory.settled if memory is not None else {}
    read = _read([path for path in listed if path not in settled], on_progress, over)
    unread = sorted({*(one for one in read if isinstance(one, Problem)), *filter(None, settled.values())})
    readable = sorted({*listed} - {one.path for one in unread})
    crates, manifests = discover.crates(readable, memory.tables if memory is not None else None)
    locked = discover.lock_files(crate.folder for crate in crates)
    around = _around(crates, locked)
    index = memory.renewed(read, around, crates) if memory is not None else None
    if index is not None:
        findings, broken = list(index.findings), list(index.problems)
        wanted = {path for one in findings for path in paths_of(one)} | {e.path for e in index.entries if e.speaks}
        read += _read([path for path, problem in settled.items() if problem is None and path in wanted], None)
    else:
        read += _read([path for path, problem in settled.items() if problem is None], None)
    sources = sorted((one for one in read if isinstance(one, Source)), key=lambda one: one.path)
    if index is None:
        findings, broken = examine(sources, crates, settings, locked, work, memory, unread)
    known = {source.path: source for source in (*sources, *(one.source for one in locked))}
    recoded = {source.path for source in sources if source.recoded}
    sifted, hidden = sift(findings, known, settings, noqa)
    sifted = [_as_in_file(one, recoded) for one in sifted]
    mentioned = {path for one in (*sifted, *(two.finding for two in hidden)) for path in paths_of(one)}
    return Report(
        tuple(sifted),
        tuple(sorted({*found.problems, *unread, *manifests, *broken})),
        files=len(readable),
        skipped=len(found.problems) + len(unread) + found.excluded,
        hidden=tuple(hidden),
        analysed=frozenset(readable),
        sources={path: source for path, source in known.items() if path in mentioned},
        pages=pages({one.code for one in (*sifted, *(two.finding for two in hidden))}),
    )


def _as_in_file(finding: Finding, recoded: Collection[str]) -> Finding:
    """The finding without changes of files whose bytes are others than those that were analysed."""
    edited = recoded and any(edit.span.path in recoded for fix in finding.fixes for edit in fix.edits)
    return replace(finding, fixes=()) if edited else finding


def _memory(listed: Sequence[str], over: Source | Problem | None, settings: Settings, work: Work) -> Memory | None:
    """What the last run of the same project found out; None where nothing is to be remembered."""
    rules = chosen(settings)
    if not work.cached or not all(rule.check.__module__.startswith("lockcheck.") for rule in rules):
        return None
    asked = repr((settings, [rule.slug for rule in rules]))
    unsaved = over.path if over is not None else ""
    return Memory(Store(), asked, {path: discover.stamp(path) if path != unsaved else () for path in listed})


def _around(crates: Sequence[Crate], locked: Sequence[LockFile]) -> bytes:
    """A digest of what the sources and the settings do not say."""
    return recall.content(
        repr((crates, [(one.source.path, recall.content(one.source.data)) for one in locked])).encode()
    )


def examine(
    sources: Sequence[Source],
    crates: Sequence[Crate],
    settings: Settings,
    locked: Sequence[LockFile],
    work: Work,
    memory: Memory | None = None,
    unread: Sequence[Problem] = (),
) -> tuple[list[Finding], list[Problem]]:
    """What the chosen rules say of the sources, and what could not be understood on the way.

    `memory` is left what this run found out; `unread` are the files beside the sources that could not be read.
    """
    rules, around = chosen(settings), _around(crates, locked)
    store = Store(memory is not None)
    asked = repr((settings, [rule.slug for rule in rules]))
    contents = {one.path: recall.content(one.data) for one in sources} if memory is not None else {}
    parts = (part for pair in contents.items() for part in pair)
    whole = store.key("run", asked, around, *parts) if memory is not None else None
    same = recall.decoded(store.load([whole]).get(whole), recall.Index) if whole is not None else None
    if memory is not None and same is not None:
        memory.keep(same, unread)
        return list(same.findings), list(same.problems)
    from lockcheck import executors, units
    from lockcheck.examine import examine as anew
    from lockcheck.tree import Tree

    executor = executors.chosen(work)
    words = frozenset(word for rule in rules for word in rule.meta.words)
    with _nothing_collected():
        declare = partial(units.declared, store=store, executor=executor, contents=contents)
        before = memory.entries(around) if memory is not None else None
        kept = recall.Kept(store, asked, around) if whole is not None else None
        tree = Tree(sources, crates, settings, locked, words, declare, contents, before, kept)
        keys = _keys(store, tree, (asked, around), contents) if whole is not None else None
        findings, broken, bystanders = anew(tree, rules, work.jobs, store, keys)
        if memory is not None and whole is not None:
            known = {source.path: source for source in (*sources, *(one.source for one in locked))}
            made = recall.index(around, tree.entries, findings, broken, bystanders, known)
            store.save({whole: msgspec.msgpack.encode(made)})
            memory.keep(made, unread)
    return findings, broken


def _keys(store: Store, tree: Tree, base: Sequence[bytes | str], paths: Iterable[str]) -> Keys:
    """Under which this run of a tree is kept; `paths` are those of its files, `base` is what else it depends on."""
    from lockcheck.lasting import Keys

    wishes, program = tree.analysis.asked, tree.program
    named = [program.full_name(number) if number >= 0 else "" for number in (*wishes.data_plane, -1, *wishes.probes)]
    macros = sorted(tree.frontier.macros)
    told = repr((tree.frontier.families, macros, tree.unsaid, program.types.own.digest, named))
    faces = (one.face for one in tree.entries)
    return Keys(store.key("state", *base, told, *faces), store.key("latest", *base, told, *paths))


@contextmanager
def _nothing_collected() -> Iterator[None]:
    """The collector of cycles rests: what an analysis makes lives as long as it, and looking through it takes time."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


def flaws(source: Source) -> Sequence[tuple[int, str]]:
    """(line, why) of the places in a file that cannot be understood."""
    return declare(source, None).problems


def pages(codes: Collection[str]) -> tuple[Page, ...]:
    """What is to be said of the rules with these codes, by code."""
    found = [Page(one.code, one.slug, one.title, one.page, one.meta.severity) for one in RULES if one.code in codes]
    for code, slug in suppress.OWN:
        if code in codes:
            text = suppress.PAGES[code]
            found.append(Page(code, slug, text.partition("\n")[0], text, "warning"))
    return tuple(sorted(found, key=lambda page: page.code))


def _excluded(settings: Settings) -> discover.Patterns:
    """`exclude` is relative to the file it stands in, or to the current folder if it is from the command line."""
    from_file = not settings.origin.get("exclude", "").startswith("--")
    return discover.patterns(settings.folder if from_file else ".", settings.exclude)


def _read(
    files: Sequence[str], on_progress: Progress | None, over: Source | Problem | None = None
) -> list[Source | Problem]:
    """What is in the files; `over` stands for the file of its path."""
    read = []
    for number, path in enumerate(files):
        if on_progress is not None and number % 64 == 0:
            on_progress(number, len(files))
        read.append(over if over is not None and over.path == path else discover.read(path))
    if on_progress is not None:
        on_progress(len(files), len(files))
    return read


# ------------------------------------------------------------------------------------------------------- the sieve


def chosen(settings: Settings) -> list[Rule]:
    """The rules that run, by code: those that the persona sees, and those that the project asks for."""
    return [rule for rule in RULES if wanted(settings, rule.code, rule.slug, _persona(rule, settings))]


def _persona(rule: Rule, settings: Settings) -> Persona:
    """Who sees a rule's findings, or at least those that the project asks for."""
    asked = rule.meta.asked_by and getattr(settings, rule.meta.asked_by.replace("-", "_"))
    return "regular" if asked else rule.meta.persona


def wanted(settings: Settings, code: str, slug: str, persona: Persona = "regular") -> bool:
    """Whether the user wants a rule.

    What `ignore` names never is; what `select` names by its whole code or slug always is, whatever the persona.
    """
    if any(matches(word, code, slug) for word in settings.ignore):
        return False
    if any(word.upper() == code or word.lower() == slug for word in settings.select):
        return True
    selected = not settings.select or any(matches(word, code, slug) for word in settings.select)
    return selected and PERSONAS.index(persona) <= PERSONAS.index(settings.persona)


def sift(
    findings: Iterable[Finding], sources: Mapping[str, Source], settings: Settings, noqa: bool = True
) -> tuple[list[Finding], list[Hidden]]:
    """The findings to report and those that a comment allows, sorted by path, line, column and code, each once.

    `sources` are all that were analysed, by path: allowances are looked for in each; `noqa`: `# noqa` is one too.
    """
    ran = {rule.code for rule in chosen(settings)}
    seen = {rule.code for rule in RULES if wanted(settings, rule.code, rule.slug, rule.meta.persona)}
    asked = [finding for finding in dict.fromkeys(findings) if finding.asked or finding.code in seen]
    said, allowed = suppress.sift(sources.values(), asked, KNOWN, ran, noqa)
    least = CONFIDENCES.index(settings.min_confidence)

    def counts(finding: Finding) -> bool:
        return (
            CONFIDENCES.index(finding.confidence) >= least
            and (finding.code in ran or wanted(settings, finding.code, finding.slug))
            and not _ignored_here(finding, settings)
        )

    kept = [_graded(finding, settings) for finding in said if counts(finding)]
    hidden = [Hidden(_graded(one, settings), "allowed", by.reason, by.span) for one, by in allowed if counts(one)]
    return sorted(kept, key=_place), sorted(hidden, key=lambda one: _place(one.finding))


def _place(finding: Finding) -> tuple[object, ...]:
    """What findings are sorted by: the order in which they were found does not show."""
    notes = tuple((note.span, note.message) for note in finding.notes)
    return finding.span.path, finding.span.start, finding.code, finding.message, finding.span.end, notes


def _graded(finding: Finding, settings: Settings) -> Finding:
    """The finding with the severity that the user wants it to have; the last one to speak decides."""
    for word, severity in settings.severity:
        if matches(word, finding.code, finding.slug):
            finding = replace(finding, severity=severity)
    return finding


def _ignored_here(finding: Finding, settings: Settings) -> bool:
    return any(
        any(matches(word, finding.code, finding.slug) for word in words)
        and discover.ignored(finding.span.path, discover.patterns(settings.folder, [glob]))
        for glob, words in settings.per_file_ignores
    )


# -------------------------------------------------------------------------------------------------------- analysis


def look(path: str, settings: Settings, calls: bool = False) -> tuple[list[ShownFunction], list[Problem]]:
    """What is held at every event of the file's functions, in the order of the file.

    `calls`: read the file's crate and those that it depends on too, to tell which calls cannot be resolved.
    """
    read = discover.read(discover.relative(path))
    if isinstance(read, Problem):
        return [], [read]
    if not read.path.endswith(tuple(SUFFIXES)):
        return [], [Problem(read.path, 1, f"is in no language that lockcheck reads ({', '.join(SUFFIXES)})")]
    crates, manifests = discover.crates([read.path])
    beside = (_beside(read, crates, settings),) if calls else ()
    functions, broken = show(read, crates, settings, *beside)
    return functions, sorted({*manifests, *broken})


def locks(
    paths: Sequence[str], settings: Settings, on_progress: Progress | None = None
) -> tuple[Inventory, list[Problem], int]:
    """The locks of the files below `paths`, what could not be understood, and how many files were read."""
    from lockcheck.inventory import inventory

    return _survey(paths, settings, on_progress, lambda tree: inventory(tree.analysis, tree.tables, tree.position))


def reached(
    paths: Sequence[str], settings: Settings, pattern: str, on_progress: Progress | None = None
) -> tuple[Touched, list[Problem], int]:
    """Which locks the functions that a pattern names come to, what could not be understood, how many files were read.

    Raises ConfigError where no function has such a name.
    """
    from lockcheck.inventory import touched

    found, problems, files = _survey(
        paths, settings, on_progress, lambda tree: touched(tree.analysis, tree.tables, tree.position, pattern)
    )
    if files and not found.entries:
        raise ConfigError(f"--reached-from: no function here is called {pattern!r}")
    return found, problems, files


def known(
    paths: Sequence[str], settings: Settings, on_progress: Progress | None = None
) -> tuple[Known, list[Problem], int]:
    """What an export can say of the files below `paths`, what could not be understood, how many files were read."""
    from lockcheck.export.known import known

    return _survey(paths, settings, on_progress, lambda tree: known(tree.analysis))


def order(
    paths: Sequence[str], settings: Settings, on_progress: Progress | None = None
) -> tuple[OrderGraph, list[Problem], int]:
    """The lock-order graph of the files below `paths`, what could not be understood, how many files were read."""
    from lockcheck.inventory import order

    return _survey(paths, settings, on_progress, lambda tree: order(tree.analysis, tree.position))


def _survey(
    paths: Sequence[str], settings: Settings, on_progress: Progress | None, ask: Callable[[Tree], T]
) -> tuple[T, list[Problem], int]:
    found = discover.walk(paths, tuple(SUFFIXES), _excluded(settings))
    read = _read(found.files, on_progress)
    sources = [one for one in read if isinstance(one, Source)]
    unread = [one for one in read if isinstance(one, Problem)]
    crates, manifests = discover.crates(source.path for source in sources)
    from lockcheck.tree import Tree

    tree = Tree(sources, crates, settings)
    said = ask(tree)
    return said, sorted({*found.problems, *unread, *manifests, *tree.problems}), len(sources)


def analyse(
    sources: Sequence[Source],
    crates: Sequence[Crate],
    settings: Settings,
    locked: Sequence[LockFile] = (),
    words: Collection[str] = (),
) -> tuple[Analysis, list[Problem]]:
    """What is held at every event of every function, and what could not be understood on the way.

    `locked` says which versions of packages are in use, `words` which calls rules ask about beside those of locks.
    The problems grow while rules ask: read them after.
    """
    from lockcheck.tree import Tree

    tree = Tree(sources, crates, settings, locked, words)
    return tree.analysis, tree.problems


def _beside(source: Source, crates: Sequence[Crate], settings: Settings) -> list[Source]:
    """The other files of the crates that can be read."""
    found = discover.walk([crate.folder for crate in crates], tuple(SUFFIXES), _excluded(settings)) if crates else None
    read = _read([path for path in found.files if path != source.path], None) if found is not None else []
    return [one for one in read if isinstance(one, Source)]


def show(
    source: Source, crates: Sequence[Crate], settings: Settings, beside: Sequence[Source] = ()
) -> tuple[list[ShownFunction], Sequence[Problem]]:
    """The moments of one file's functions; what they call may be in the files `beside` it."""
    from lockcheck.tree import Tree

    tree = Tree([source, *beside], crates, settings)
    shown = [_shown(tree, source, number) for number in tree.functions_of(source.path)]
    shown.sort(key=lambda function: function.line)
    return shown, [problem for problem in tree.problems if problem.path == source.path]


_EVENTS: dict[type, Literal["acquire", "release", "call", "suspend", "block"]] = {
    ir.Acquire: "acquire", ir.Release: "release", ir.Invoke: "call", ir.Callback: "call", ir.Suspend: "suspend",
    ir.Block: "block",
}  # fmt: skip


def _shown(tree: Tree, source: Source, number: int) -> ShownFunction:
    from lockcheck.report.show import ShownFunction, ShownHeld, ShownMoment

    moments = []
    for moment in tree.analysis.moments(number):
        event = moment.event
        kind = _EVENTS.get(type(event))
        if kind is None:
            continue
        held = []
        for hold, certain in moment.held():
            at = source.position(hold.taken.site.at[0])
            name = tree.analysis.lock_name(number, hold.taken.lock)
            held.append(
                ShownHeld(name, tree.analysis.guard_name(moment, hold), hold.taken.mode, certain, at.line, at.column)
            )
        begin = getattr(event, "name_at" if kind == "call" else "at")[0]
        place = source.position(begin)
        moments.append(ShownMoment(kind, getattr(event, "name", ""), place.line, place.column, tuple(held)))
    at = source.position(tree.program.functions[number][1].name_at[0])
    calls = tuple(_unresolved(tree, source, number))
    return ShownFunction(tree.analysis.title(number), source.path, at.line, tuple(moments), calls)


def _unresolved(tree: Tree, source: Source, number: int) -> Iterator[ShownCall]:
    from lockcheck.report.show import ShownCall

    linked = tree.program.linked(number)
    found = {(at[0], name) for name, at in linked.unresolved} if linked is not None else set()
    for start, name in sorted(found):
        place = source.position(start)
        yield ShownCall(name, place.line, place.column)
