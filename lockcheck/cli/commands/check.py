"""`lockcheck check`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, TextIO

from lockcheck.cli import changes, outputs
from lockcheck.cli import options as shared
from lockcheck.cli.console import (
    CLEAN,
    FAILED,
    FINDINGS,
    UsageError,
    complain,
    progress,
    tell,
)

if TYPE_CHECKING:
    from lockcheck.report import Report

HELP = "analyse files and report what is wrong"


def add(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    names = ", ".join(outputs.formats())
    add = parser.add_argument
    add("paths", nargs="*", metavar="PATH", help="files and folders, or - (default: the current folder)")
    shared.selection(parser)
    add("--output", metavar="FORMAT[:FILE]", action="append", help=f"{names} (default: full); repeatable")
    add("--baseline", metavar="FILE", help="leave out what this file holds (written by `lockcheck baseline`)")
    add("--base", metavar="REV", help="leave out what was there at this revision of git, too")
    add("--context", metavar="PATH", action="append", help="analyse this too; report what the other PATHs bring in")
    add("--fix", action="store_true", help="change the sources where a fix is safe")
    add("--unsafe-fixes", action="store_true", help="with --fix or --diff: where it changes what the program does, too")
    add("--diff", action="store_true", help="print the fixes as a patch, change nothing")
    add("--add-allow", metavar="REASON", help="write an allowance with this reason at each finding, into the sources")
    add("--exit-zero", action="store_true", help="exit with 0 even if there are findings")
    add("--statistics", action="store_true", help="count the findings of each rule")
    add("--strict", action="store_true", help="exit with 2 if anything could not be analysed")
    add("--watch", action="store_true", help="do it again whenever a file changes")
    add("--stdin-filename", metavar="FILE", help="the name that standard input goes by")


def run(options: argparse.Namespace) -> int:
    """Its work."""
    wanted = outputs.wanted(options.output or ["full"])
    if options.watch and "-" not in options.paths:
        from lockcheck.cli import watch

        return watch.again([*(options.context or []), *(options.paths or ["."])], lambda: _once(options, wanted))
    return _once(options, wanted)


def _once(options: argparse.Namespace, wanted: Sequence[tuple[str, str]]) -> int:
    if "-" in options.paths and (options.fix or options.diff or options.add_allow is not None):
        raise UsageError("standard input cannot be changed: name a file")
    report = _report(options)
    tell(report.problems)
    _tell_stale(report)
    if options.add_allow is not None:
        return changes.allow(report, options.add_allow)
    if options.diff:
        return changes.show(report, options.unsafe_fixes)
    if options.fix:
        report = changes.fix(report, options.unsafe_fixes, partial(_report, options))
    outputs.deliver(report, wanted)
    if options.statistics:
        _statistics(report, sys.stderr if outputs.spoils(wanted) else sys.stdout)
    return _status(options, report)


def _report(options: argparse.Namespace) -> Report:
    """What was found, less what is known, and less what the user did not ask about."""
    from lockcheck import engine
    from lockcheck.frontends import SUFFIXES

    stdin = _standard_input(options) if "-" in options.paths else None
    asked = [path for path in options.paths if path != "-"] or ([] if stdin else ["."])
    if options.context:  # what is asked about beside it may be in any language
        ours = [path for path in asked if os.path.isdir(path) or path.endswith(tuple(SUFFIXES))]
        paths = [*options.context, *ours]
    else:
        paths = asked
    settings = shared.settings(options, [*paths, stdin[0]] if stdin else paths)
    work = shared.work(options)
    report = engine.check(paths, settings, work, progress(), stdin)
    known = shared.baseline_file(settings) if options.baseline is None else options.baseline
    if not (options.base or known or options.context):
        return report
    from lockcheck import compare

    if options.base:
        check = partial(engine.check, settings=settings, work=work)
        report = compare.since(report, options.base, paths, check)
    if known:
        report = compare.against_file(report, known, settings)
    if options.context:
        report = compare.concerning(report, [*asked, *([stdin[0]] if stdin else [])])
    return report


def _tell_stale(report: Report) -> None:
    """Name what the baseline holds and nobody finds any more."""
    for entry in report.stale:
        times = f" ({entry.count} of them)" if entry.count > 1 else ""
        words = f"stale: {entry.code} in `{entry.function}` is no longer found{times}"
        complain(f"{entry.path}: {words}; `lockcheck baseline` forgets it")


def _status(options: argparse.Namespace, report: Report) -> int:
    if not report.files:
        if not report.problems:
            complain(f"no Rust or Python files in {', '.join(options.paths) or 'the current folder'}")
        return FAILED
    if options.strict and report.problems:
        return FAILED
    return FINDINGS if report.findings and not options.exit_zero else CLEAN


def _standard_input(options: argparse.Namespace) -> tuple[str, bytes]:
    if not options.stdin_filename:
        raise UsageError("- needs --stdin-filename FILE, which tells the language and the crate")
    from lockcheck.discover import LARGEST

    return options.stdin_filename, sys.stdin.buffer.read(LARGEST + 1)


def _statistics(report: Report, stream: TextIO) -> None:
    from collections import Counter

    counts = Counter((finding.code, finding.slug) for finding in report.findings)
    for (code, slug), number in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        print(f"{number:>6}  {code}  {slug}", file=stream)
