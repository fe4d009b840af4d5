"""Rules on trial: what a rule says about its page's examples and its fixtures is what their marks say.

In: a rule, and texts with marks.  Out: complaints, in words for people.
Never: prints; knows which rules there are.

The comments at the top of a text may hold settings (`// bounded = ["Catalog.*"]`) and what a lock file says
(`// Cargo.lock: parking_lot 0.12.3`).
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Iterator, Sequence

from lockcheck import discover, engine, suppress
from lockcheck.config import ConfigError, Settings, did_you_mean, settle
from lockcheck.finding import Finding, Problem
from lockcheck.frontends import SUFFIXES
from lockcheck.harness import marks
from lockcheck.rule import Rule, examples, load, validate
from lockcheck.rules import RULES
from lockcheck.source import Crate, LockFile, Package, Source, Span

LANGUAGES = {language: suffix for suffix, language in SUFFIXES.items()}
"""The file ending of each language."""


def rules(names: Sequence[str]) -> list[Rule]:
    """The rules that are called so: by code, by slug, or by the path of a rule's file; all known rules for no name.

    Running a rule's file is running code: name only files that you trust. Raises ConfigError.
    """
    found = list(RULES) if not names else []
    for name in names:
        if name.endswith(".py"):
            found.append(_of_file(name))
            continue
        known = [rule for rule in RULES if name.upper() == rule.code or name.lower() == rule.slug]
        if not known:
            every = [word for rule in RULES for word in (rule.code, rule.slug)]
            raise ConfigError(f"no rule is called {name!r}{did_you_mean(name, every)}")
        found += known
    return found


def _of_file(path: str) -> Rule:
    name = path.replace("\\", "/").rpartition("/")[2].removesuffix(".py")
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ConfigError(f"{path}: is no Python file")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        return load(module)
    except Exception as error:  # whatever a file that is just being written does
        raise ConfigError(f"{path}: {type(error).__name__}: {error}") from None


def trial(rule: Rule, files: Iterable[str] = ()) -> tuple[int, list[str]]:
    """How many texts a rule was tried on, and what is wrong with it.

    The texts are its page's examples and those of the files that are named as fixtures for it.
    """
    complaints: list[str] = []
    try:
        validate([rule])
    except ValueError as error:
        complaints.append(str(error))
    judged = [example for example in examples(rule) if example.language in LANGUAGES]
    for number, example in enumerate(judged, 1):
        title = f"example {number} ({example.section}, {example.language})"
        complaints += judge(rule, example.text, f"example{LANGUAGES[example.language]}", title)
        if example.section == "Bad" and not any(m.reported and m.slug == rule.slug for m in _marks(example.text)):
            complaints.append(f"{title}: marks nothing")
    endings = tuple(LANGUAGES[language] for language in rule.meta.languages if language in LANGUAGES)
    own = [path for path in files if marks.slug(_base(path)) == rule.slug and path.endswith(endings)]
    for path in own:
        read = discover.read(path)
        if isinstance(read, Problem):
            complaints.append(f"{path}: {read.message}")
        else:
            complaints += judge(rule, read.data.decode(), _base(path), path)
    return len(judged) + len(own), complaints


def _base(path: str) -> str:
    return path.rpartition("/")[2]


def _marks(text: str) -> list[marks.Mark]:
    try:
        return list(marks.marks(text))
    except ValueError:
        return []


def judge(rule: Rule, text: str, name: str, title: str) -> Iterator[str]:
    """What the rule says of a text and its marks do not, and the other way round.

    `name` is the file's name, which tells the language and the edition; `title` is what the complaints call it.
    """
    try:
        wanted = marks.expected(marks.marks(text), frozenset([rule.slug]))
        found = _lines(rule, text, name)
    except (ValueError, ConfigError) as error:
        yield f"{title}: {error}"
        return
    lines = text.splitlines()
    for line in sorted({line for line, _ in wanted} - set(found)):
        yield f"{title}:{line}: not reported: {lines[line - 1].strip()}"
    for line in sorted(set(found) - {line for line, _ in wanted}):
        yield f"{title}:{line}: reported and should not be: {lines[line - 1].strip()}"
    for line in sorted({line for line in found if found.count(line) > 1}):
        yield f"{title}:{line}: reported more than once: {lines[line - 1].strip()}"


def _lines(rule: Rule, text: str, name: str) -> list[int]:
    """The lines that the rule reports in a text of its own."""
    source = Source(name, text.encode())
    said, versions = marks.head(text)
    settings = settle([("lockcheck.toml", said)]) if said else Settings()
    crate = Crate("example", ".", marks.edition(name))
    analysis, problems = engine.analyse([source], [crate], settings, _locked(versions), rule.meta.words)
    found = [finding for finding in dict.fromkeys(rule.check(analysis)) if finding.span.path == name]
    if problems:
        raise ValueError(f"line {problems[0].line}: {problems[0].message}")
    return [source.position(one.span.start).line for one in _sifted(rule, source, found)]


def _sifted(rule: Rule, source: Source, found: list[Finding]) -> list[Finding]:
    kept, _ = suppress.sift([source], found, [(rule.code, rule.slug)], [])
    return [finding for finding in kept if finding.code == rule.code]


def _locked(versions: tuple[tuple[str, str], ...]) -> tuple[LockFile, ...]:
    if not versions:
        return ()
    source = Source("Cargo.lock", b"example")
    return (LockFile(source, tuple(Package(name, spelled, Span(source.path, 0, 1)) for name, spelled in versions)),)
