"""What `lockcheck check` writes into the sources when it is asked to: fixes, and allowances with a reason."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from lockcheck.cli.console import CLEAN, FINDINGS, UsageError, complain, write

if TYPE_CHECKING:
    from lockcheck.report import Report

ROUNDS = 10
"""A fix may make room for another one; so many times they are looked for."""


def fix(report: Report, unsafe: bool, again: Callable[[], Report]) -> Report:
    """Apply the fixes, as long as there are any; returns the report of what is left."""
    from lockcheck import amend
    from lockcheck.report.text import counted

    total = 0
    for _ in range(ROUNDS):
        new, number = amend.fixed(report.findings, report.sources, unsafe)
        if not number:
            break
        _replace(report, new)
        total += number
        report = again()
    if total:
        print(f"{counted(total, 'finding')} fixed", file=sys.stderr)
    return report


def show(report: Report, unsafe: bool) -> int:
    """Print the fixes as a patch; the status says whether there are any."""
    from lockcheck import amend

    new, number = amend.fixed(report.findings, report.sources, unsafe)
    write("".join(amend.difference(report.sources[path], data) for path, data in sorted(new.items())))
    return FINDINGS if number else CLEAN


def allow(report: Report, reason: str) -> int:
    """Write an allowance with this reason at each finding; the status says whether that could be done for all."""
    from lockcheck import amend
    from lockcheck.report.text import counted

    words = " ".join(reason.split())
    if not words or not words.isprintable():
        raise UsageError("--add-allow needs a reason: a few words that hold in a year")
    new: dict[str, bytes] = {}
    left = []
    for path in dict.fromkeys(one.span.path for one in report.findings):
        here = [one for one in report.findings if one.span.path == path]
        data, missing = amend.allowed(report.sources[path], here, words)
        left += missing
        if data != report.sources[path].data:
            new[path] = data
    _replace(report, new)
    print(f"{counted(len(report.findings) - len(left), 'finding')} allowed in {counted(len(new), 'file')}")
    for one in left:
        line = report.sources[one.span.path].position(one.span.start).line
        complain(f"{one.span.path}:{line}: no allowance of {one.slug} can be written here")
    return FINDINGS if left else CLEAN


def _replace(report: Report, new: Mapping[str, bytes]) -> None:
    """Write the files: all or none, and none that has changed since it was read."""
    from lockcheck import discover

    for path in new:
        if discover.read(path) != report.sources[path]:
            raise UsageError(f"{path} has changed meanwhile: nothing was written")
    try:
        discover.write_all(new)
    except OSError as error:
        raise UsageError(f"nothing was written: {(error.strerror or str(error)).lower()}") from None
