"""The flake8 plugin: what lockcheck says of a project, shown file by file.

In: what flake8 hands to its plugins.  Out: (line from 1, column from 0, text, class) for each finding of the file.
Never: analyses; the engine does. Imports nothing of lockcheck before a file speaks of locks.

flake8 asks for each file by itself, and in several processes. The project is looked at once, in the process that
reads the options, before the others are forked; where the system starts them anew, each looks for itself. Run on one
file, or on an editor's buffer, it is looked at only if that file speaks of locks.
"""

from __future__ import annotations

import argparse
import ast
import multiprocessing
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from lockcheck import __version__

if TYPE_CHECKING:
    from lockcheck.config import Settings
    from lockcheck.report import Report

SUFFIXES = (".py", ".pyi")

_SPEAKS_OF_LOCKS = re.compile(
    r"lock|mutex|acquire|semaphore|cond|guard|latch|thread|\bawait\b|signal\.signal|__del__|weakref", re.IGNORECASE
)
"""A single file without any of this is not worth a look at the project around it."""

_NAMES_A_LOCK = tuple(
    map(
        re.compile,
        (
            b"Lock", rb"lock(?<![a-z]lock)", b"LOCK", b"Mutex", b"mutex", b"Semaphore", b"semaphore", b"Limiter",
            rb"Condition\b(?<!\wCondition)", rb"\.acquire", rb"acquire\w*\s*\(",
            rb"ondition\.(?:wait|notify|acquire|release)", rb"cond\.(?:wait|notify|acquire|release)",
            rb"sem\.(?:wait|notify|acquire|release)",
            rb"with\b(?<!\wwith)[^\n]*(?:[Cc]ondition|cond|sem)\s*[:,)]",
        ),
    )
)  # fmt: skip
"""The names of locks and of what takes them: a project without any is not worth a look.

A condition is also what a question has, in code and in prose: in small letters it counts where it is waited for. Each
begins with plain letters, and is looked for by itself: `re` finds such a beginning thirty times as fast as it tries one
choice after the other at each byte.
"""

Place = tuple[int, int, str]
"""A finding as flake8 wants it: line from 1, column from 0, code and text."""


class Project:
    """What is looked at as one when flake8 is asked for the files and folders `given` (`-` is a buffer)."""

    def __init__(self, given: Sequence[str], options: argparse.Namespace) -> None:
        self._given = [path for path in given if path != "-"]
        self._options = options
        self._found: Mapping[str, Sequence[Place]] = {}

    def look(self) -> None:
        """Analyse all of it, for `of_file`. Raises flake8's ExecutionError where a configuration is wrong."""
        from lockcheck.discover import names_any

        if names_any(_around(self._given, self._options.lockcheck_project), SUFFIXES, _NAMES_A_LOCK):
            self._found = self._findings(self._given, None)

    def of_file(self, path: str) -> Sequence[Place]:
        """The findings in one file as it was on disk."""
        from lockcheck.discover import relative

        return self._found.get(relative(path), ())

    def of_buffer(self, path: str, text: str) -> Sequence[Place]:
        """The findings in a text that stands for the file at `path`, in the project around that."""
        from lockcheck.discover import relative

        path = path if path.endswith(SUFFIXES) else f"{path}.py"
        return self._findings([path], (path, text.encode())).get(relative(path), ())

    def _findings(self, given: Sequence[str], buffer: tuple[str, bytes] | None) -> Mapping[str, Sequence[Place]]:
        from flake8.exceptions import ExecutionError

        from lockcheck import engine
        from lockcheck.config import ConfigError
        from lockcheck.executors import Work

        paths = _around(given, self._options.lockcheck_project)
        if buffer is not None:
            paths.remove(buffer[0])
        try:
            settings = self._settings(given)
            work = Work(_jobs(self._options), cached=True)
            report = engine.check(paths, settings, work, None, buffer, SUFFIXES, noqa=False)
        except ConfigError as error:
            raise ExecutionError(f"lockcheck: {error}") from None
        return _by_file(report)

    def _settings(self, around: Sequence[str]) -> Settings:
        """What lockcheck's own configuration says, with what flake8's says instead. Raises ConfigError."""
        from lockcheck import engine

        options = self._options
        settings = engine.configure(around, options.lockcheck_config)
        if options.lockcheck_persona:
            settings = settings.override("--lockcheck-persona", persona=options.lockcheck_persona)
        if options.lockcheck_min_confidence:
            settings = settings.override("--lockcheck-min-confidence", min_confidence=options.lockcheck_min_confidence)
        named = [word for word in _selected(options) if any(word == code for code, _ in engine.KNOWN)]
        if named:
            settings = settings.override("--select", select=(*(settings.select or ("ALL",)), *named))
        return engine.validated(settings)


def _selected(options: argparse.Namespace) -> list[str]:
    """The codes that flake8 was asked for by name."""
    listed = (options.select, options.extend_select)
    return [code for codes in listed if codes for code in codes]


def _jobs(options: argparse.Namespace) -> int:
    """How many processes may work on the project; a process of flake8's own pool may start none."""
    if multiprocessing.current_process().daemon:
        return 1
    return int(options.jobs.n_jobs) if not options.jobs.is_auto else os.cpu_count() or 1


def _around(given: Sequence[str], declared: Sequence[str]) -> list[str]:
    """What to look at when flake8 is asked for `given`: `declared` or the project around them, and they themselves."""
    if declared or any(not path.endswith(SUFFIXES) for path in given):
        return [*declared, *given]
    from lockcheck.discover import project

    top = project(given[0])
    return [*([top] if top else []), *given]


def _by_file(report: Report) -> dict[str, list[Place]]:
    from lockcheck.report.formats.concise import sentence

    found: dict[str, list[Place]] = {}
    for finding in report.findings:
        at = report.sources[finding.span.path].position(finding.span.start)
        text = f"{finding.code} {sentence(report, finding)}"
        found.setdefault(finding.span.path, []).append((at.line, at.column - 1, text))
    return found


class Plugin:
    """What flake8 makes for each file."""

    name = "lockcheck"
    version = __version__
    _project: ClassVar[Project]
    _alone: ClassVar[bool]

    def __init__(self, tree: ast.AST, filename: str, lines: Sequence[str]) -> None:
        """`tree` marks a plugin that is asked once for each file; what we need of it is `lines`."""
        del tree
        self._path = filename
        self._lines = lines

    @classmethod
    def add_options(cls, manager: Any) -> None:
        """Our options in flake8's own configuration and command line."""
        manager.add_option(
            "--lockcheck-project",
            metavar="PATHS",
            default="",
            comma_separated_list=True,
            normalize_paths=True,
            parse_from_config=True,
            help="what lockcheck looks at as a whole (default: the folders given, or the project around a single file)",
        )
        manager.add_option(
            "--lockcheck-persona",
            choices=("regular", "pedantic", "auditor"),
            parse_from_config=True,
            help="how much noise you want of lockcheck",
        )
        manager.add_option(
            "--lockcheck-min-confidence",
            choices=("possible", "likely", "certain"),
            parse_from_config=True,
            help="lockcheck reports nothing less sure",
        )
        manager.add_option(
            "--lockcheck-config",
            metavar="FILE",
            default="",
            normalize_paths=True,
            parse_from_config=True,
            help="read lockcheck's settings from this file only",
        )

    @classmethod
    def parse_options(cls, options: argparse.Namespace) -> None:
        """Settle what the project is; look at it now if several files will be asked for."""
        given = options.filenames or ["."]
        cls._alone = len(given) == 1 and (given[0] == "-" or given[0].endswith(SUFFIXES))
        cls._project = Project(given, options)
        if not cls._alone:
            cls._project.look()

    def run(self) -> Iterator[tuple[int, int, str, type]]:
        """The findings of the file."""
        if self._alone:
            text = "".join(self._lines)
            found = self._project.of_buffer(self._path, text) if _SPEAKS_OF_LOCKS.search(text) else ()
        else:
            found = self._project.of_file(self._path)
        for line, column, said in found:
            yield line, column, said, type(self)
