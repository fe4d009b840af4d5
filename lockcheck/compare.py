"""A report against what was there before: a baseline file, a revision, the files that somebody asks about.

In: a report of the tree as it is.  Out: the report in which only what is new, or concerns those files, counts.
Never: prints, judges a lock.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

from msgspec.structs import replace

from lockcheck import baseline, discover, engine, suppress
from lockcheck.baseline import Known
from lockcheck.config import ConfigError, Settings
from lockcheck.finding import Finding, Problem, paths_of
from lockcheck.frontends import SUFFIXES
from lockcheck.report import Hidden, Report

if TYPE_CHECKING:
    from lockcheck.history import Repository

Check = Callable[[Sequence[str]], Report]
"""Analyses paths (relative to the current folder) with the settings at hand."""


def against_file(report: Report, path: str, settings: Settings) -> Report:
    """The report in which what the baseline file holds does not count; what is stale in it is told.

    Raises ConfigError where the file cannot be read or is no baseline.
    """
    content = discover.text_of(path)
    if isinstance(content, Problem):
        cure = f": write it with `lockcheck baseline -o {path}`" if content.message == "does not exist" else ""
        raise ConfigError(f"{path}: {content.message}{cure}")
    folder = os.path.dirname(path)
    held = tuple(
        replace(one, path=discover.relative(os.path.join(folder, one.path))) for one in baseline.read(path, content)
    )
    gone = _gone(report)
    compared, left = baseline.compare(report, Known(held, "baseline", path), gone)
    ran = {rule.code for rule in engine.chosen(settings)} | {code for code, _ in suppress.OWN}
    stale = tuple(one for one in left if one.code in ran and (one.path in report.analysed or gone(one.path)))
    return replace(compared, stale=stale)


def as_baseline(report: Report, path: str) -> str:
    """The text of a baseline file at `path` that holds every finding of the report."""
    folder = os.path.dirname(path) or "."
    held = [
        replace(one, path=os.path.relpath(one.path, folder).replace(os.sep, "/"))
        for one in baseline.entries(report.findings, report.sources)
    ]
    return baseline.text(held)


def since(report: Report, revision: str, paths: Sequence[str], check: Check) -> Report:
    """The report in which what was there at `revision` does not count: that tree is analysed, too.

    Where the work at hand and `revision` have parted, what counts is where they did, as in `git diff REVISION...`.
    Raises ConfigError where there is no such revision, no repository, no git.
    """
    from lockcheck.history import repository

    repo = repository(".")
    commit = repo.fork(revision)
    if not report.findings:
        return replace(report, since=revision)
    same = [discover.relative(path) for path in paths]
    with _tree(repo, commit) as folder, _inside(folder):
        before = check(same)
    lines = {
        _from_top(repo, path): source.lines
        for path, source in report.sources.items()
        if not _from_top(repo, path).startswith("..")
    }
    inside = os.path.relpath(repo.top, os.path.realpath("."))
    touched = frozenset(
        (discover.relative(os.path.join(inside, path)), line) for path, line in repo.touched(commit, lines)
    )

    def fresh(finding: Finding) -> bool:
        spans = (finding.span, *(note.span for note in finding.notes))
        return any((span.path, report.sources[span.path].position(span.start).line) in touched for span in spans)

    held = baseline.entries(before.findings, before.sources)
    compared, _ = baseline.compare(report, Known(held, "base", revision), _gone(report), fresh)
    return replace(compared, touched=touched)


def concerning(report: Report, paths: Sequence[str]) -> Report:
    """The report in which only findings count that one of the files and folders `paths` has to do with.

    A finding belongs to one file: to the first on its way that has changed, and to that of its primary place where
    none has. So each is reported once, whatever share of the changed files a run is given: pre-commit splits long
    lists. Outside of a repository, a finding belongs to every file on its way.
    """
    asked = [discover.relative(path) for path in paths]
    known_to_git = cache(_changed)  # (three runs of git, hardly ever needed)

    def named(path: str) -> bool:
        return any(path == one or one == "." or path.startswith(one + "/") for one in asked)

    def counts(finding: Finding) -> bool:
        way = paths_of(finding)
        ours = set(map(named, way))
        if len(ours) == 1:
            return ours.pop()
        changed = known_to_git()
        if changed is None:
            return True
        normal = all(path in changed for path in asked)
        owner = next((path for path in way if path in changed), way[0]) if normal else way[0]
        return named(owner)

    elsewhere = [Hidden(one, "elsewhere") for one in report.findings if not counts(one)]
    return replace(
        report,
        findings=tuple(filter(counts, report.findings)),
        hidden=(*(one for one in report.hidden if counts(one.finding)), *elsewhere),
        problems=tuple(one for one in report.problems if named(one.path)),
        stale=(),
    )


def _changed() -> frozenset[str] | None:
    """What has changed, relative to the current folder: in the push that pre-commit looks at, or since HEAD."""
    from lockcheck.history import repository

    try:
        repo = repository(".")
        found = repo.changed(os.environ.get("PRE_COMMIT_FROM_REF", ""), os.environ.get("PRE_COMMIT_TO_REF", ""))
    except ConfigError:
        return None
    inside = os.path.relpath(repo.top, os.path.realpath("."))
    return frozenset(discover.relative(os.path.join(inside, path)) for path in found)


def _gone(report: Report) -> Callable[[str], bool]:
    return lambda path: path not in report.analysed and not os.path.exists(path)


def _from_top(repo: Repository, path: str) -> str:
    return os.path.relpath(os.path.realpath(path), os.path.realpath(repo.top)).replace(os.sep, "/")


@contextmanager
def _tree(repo: Repository, commit: str) -> Iterator[str]:
    """A folder with the commit's sources and manifests; its place is that of the current folder in the repository."""
    wanted = tuple(SUFFIXES)
    with tempfile.TemporaryDirectory(prefix="lockcheck-") as top:
        discover.plant(top, repo.files(commit, lambda path: discover.concerns(path, wanted)))
        folder = os.path.join(top, _from_top(repo, "."))
        os.makedirs(folder, exist_ok=True)
        yield folder


@contextmanager
def _inside(folder: str) -> Iterator[None]:
    """Work in this folder for a while."""
    before = os.getcwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
