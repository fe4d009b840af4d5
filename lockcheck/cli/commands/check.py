"""`lockcheck check`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, TextIO

from lockcheck.cli import options as shared
from lockcheck.cli.console import (
    CLEAN,
    FAILED,
    FINDINGS,
    UsageError,
    add_to,
    complain,
    machine_style,
    progress,
    save,
    style,
    tell,
    write,
)

if TYPE_CHECKING:
    from lockcheck.report import Report

HELP = "analyse files and report what is wrong"


def add(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    add = parser.add_argument
    add("paths", nargs="*", metavar="PATH", help="files and folders, or - (default: the current folder)")
    add("--select", metavar="RULES", action="append", help="codes, their beginnings, or slugs, with commas")
    add("--ignore", metavar="RULES", action="append", help="the same: what not to report")
    add("--persona", choices=shared.CHOICES["persona"], help="how much noise you want")
    add("--min-confidence", choices=shared.CHOICES["confidence"], help="report nothing less sure (default: likely)")
    shared.exclude(parser)
    add(
        "--output", metavar="FORMAT[:FILE]", action="append", help="how to report and where (default: full); repeatable"
    )
    add("--exit-zero", action="store_true", help="exit with 0 even if there are findings")
    add("--statistics", action="store_true", help="count the findings of each rule")
    add("--strict", action="store_true", help="exit with 2 if anything could not be analysed")
    add("--stdin-filename", metavar="FILE", help="the name that standard input goes by")
    add("--jobs", type=shared.positive, default=os.cpu_count() or 1, metavar="N", help="processes at once")
    add("--no-cache", action="store_true", help="analyse everything anew")
    shared.edition(parser)
    shared.config(parser)


def run(options: argparse.Namespace) -> int:
    """Its work."""
    from lockcheck import engine

    outputs = _outputs(options.output or ["full"])
    paths = options.paths or ["."]
    stdin = _standard_input(options) if "-" in paths else None
    paths = [path for path in paths if path != "-"]
    around = [*paths, stdin[0]] if stdin else paths
    report = engine.check(paths, shared.settings(options, around), options.jobs, progress(), stdin)
    tell(report.problems)
    for name, file in outputs:
        _deliver(name, file, report)
    if options.statistics:
        from lockcheck.report import for_people

        machine = any(not file and not for_people(name) for name, file in outputs)
        _statistics(report, sys.stderr if machine else sys.stdout)
    return _status(options, report)


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


def _outputs(words: Sequence[str]) -> list[tuple[str, str]]:
    """(format, file) of each `--output`; no file means standard output."""
    from lockcheck.config import did_you_mean
    from lockcheck.report import FORMATS

    outputs = []
    for word in words:
        name, colon, file = word.partition(":")
        if name not in FORMATS:
            near = did_you_mean(name, FORMATS) or f"; there are {', '.join(FORMATS)}"
            raise UsageError(f"--output: no format is called {name!r}{near}")
        if colon and not file:
            raise UsageError(f"--output {word}: the name of the file is missing")
        outputs.append((name, file))
    if [file for _, file in outputs].count("") > 1:
        raise UsageError("--output: only one report can go to standard output; give the others a FILE")
    return outputs


def _deliver(name: str, file: str, report: Report) -> None:
    from lockcheck.report import beside, for_people, render

    if file:
        save("--output", file, render(name, report, machine_style()))
    elif for_people(name):
        sys.stdout.write(render(name, report, style()))
    else:
        write(render(name, report, machine_style()))
    summary = beside(name)
    if summary and os.environ.get(summary[0]):
        add_to(os.environ[summary[0]], render(summary[1], report, machine_style()))


def _statistics(report: Report, stream: TextIO) -> None:
    from collections import Counter

    counts = Counter((finding.code, finding.slug) for finding in report.findings)
    for (code, slug), number in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        print(f"{number:>6}  {code}  {slug}", file=stream)
