"""`--output FORMAT[:FILE]`: which reports go where."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import lockcheck
from lockcheck.cli.console import UsageError, add_to, machine_style, save, style, write
from lockcheck.installed import modules

if TYPE_CHECKING:
    from lockcheck.report import Report


def formats() -> list[str]:
    """The names of all formats, the default first, for `--help`: without importing what a report is made of."""
    folder = os.path.join(os.path.dirname(lockcheck.__file__), "report", "formats")
    return ["full", *(name for name in modules([folder]) if name != "full")]


def wanted(words: Sequence[str]) -> list[tuple[str, str]]:
    """(format, file) of each `--output`; no file means standard output. Raises UsageError."""
    from lockcheck.config import did_you_mean
    from lockcheck.report import FORMATS

    found = []
    for word in words:
        name, colon, file = word.partition(":")
        if name not in FORMATS:
            near = did_you_mean(name, FORMATS) or f"; there are {', '.join(FORMATS)}"
            raise UsageError(f"--output: no format is called {name!r}{near}")
        if colon and not file:
            raise UsageError(f"--output {word}: the name of the file is missing")
        found.append((name, file))
    if [file for _, file in found].count("") > 1:
        raise UsageError("--output: only one report can go to standard output; give the others a FILE")
    return found


def spoils(outputs: Sequence[tuple[str, str]]) -> bool:
    """Whether other words on standard output would spoil a report for programs."""
    from lockcheck.report import for_people

    return any(not file and not for_people(name) for name, file in outputs)


def deliver(report: Report, outputs: Sequence[tuple[str, str]]) -> None:
    """Write every report. Raises UsageError where a file cannot be written."""
    from lockcheck.report import beside, for_people, render

    for name, file in outputs:
        if file:
            save("--output", file, render(name, report, machine_style()))
        elif for_people(name):
            sys.stdout.write(render(name, report, style()))
        else:
            write(render(name, report, machine_style()))
        summary = beside(name)
        if summary and os.environ.get(summary[0]):
            add_to(os.environ[summary[0]], render(summary[1], report, machine_style()))
