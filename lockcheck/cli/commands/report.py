"""`lockcheck report`."""

from __future__ import annotations

import argparse

from lockcheck.cli import outputs
from lockcheck.cli.console import CLEAN, FINDINGS, UsageError, complain

HELP = "render a saved JSON report in other formats"

LARGEST = 1024 * 1024 * 1024
"""Bytes of a report: the witnesses of a large tree need more room than a source."""


def add(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument("file", metavar="FILE", help="what `check --output json:FILE` wrote")
    parser.add_argument("--output", metavar="FORMAT[:FILE]", action="append", help="as for `check`; repeatable")
    parser.add_argument("--exit-zero", action="store_true", help="exit with 0 even if there are findings")


def run(options: argparse.Namespace) -> int:
    """Its work."""
    from lockcheck import discover, engine
    from lockcheck.finding import Problem
    from lockcheck.report.saved import restore
    from lockcheck.source import Source

    wanted = outputs.wanted(options.output or ["full"])
    text = discover.text_of(options.file, LARGEST)
    if isinstance(text, Problem):
        raise UsageError(f"{options.file}: {text.message}")

    def source(path: str) -> Source | None:
        found = discover.read(path)
        return found if isinstance(found, Source) else None

    try:
        report, absent = restore(text, source, engine.pages)
    except ValueError as error:
        raise UsageError(f"{options.file}: is no report as `--output json` writes it: {error}") from None
    for path in absent:
        complain(f"{path}: is not there as it was: its lines are left blank")
    outputs.deliver(report, wanted)
    return FINDINGS if report.findings and not options.exit_zero else CLEAN
