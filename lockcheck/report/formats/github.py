"""Workflow commands for GitHub Actions: an annotation for each finding.

GitHub shows at most ten annotations of a kind for each step, the first ones; so the most important come first, and
the rest is counted in one line. (docs.github.com, "Workflow commands for GitHub Actions".)
"""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.report import Report, Style
from lockcheck.report.steps import ranked, region, spot, told
from lockcheck.report.text import counted

SUMMARY = ("GITHUB_STEP_SUMMARY", "markdown")
"""The file that this variable of the environment names wants the report in this format, too."""

LIMIT = 10
_KINDS = {"error": "error", "warning": "warning", "note": "notice"}


def render(report: Report, style: Style) -> str:
    """A line for each annotation, and one for those that there is no room for."""
    return "".join(line + "\n" for line in _lines(report, style))


def _lines(report: Report, style: Style) -> Iterator[str]:
    told_of = dict.fromkeys(_KINDS, 0)
    more = dict.fromkeys(_KINDS, 0)
    for finding in ranked(report):
        if told_of[finding.severity] == LIMIT:
            more[finding.severity] += 1
            continue
        told_of[finding.severity] += 1
        at = region(report, spot(report, finding))
        where = {
            "title": f"{finding.code} {finding.slug}",
            "file": style.path(at.path),
            "line": at.line,
            "endLine": at.line,
            "col": at.column,
            "endColumn": at.end_column,
        }
        properties = ",".join(f"{key}={_property(str(value))}" for key, value in where.items())
        yield f"::{_KINDS[finding.severity]} {properties}::{_data(chr(10).join(told(report, finding)))}"
    rest = [counted(number, severity) for severity, number in more.items() if number]
    if rest:
        yield f"lockcheck: {', '.join(rest)} more, not annotated: the job's summary has them all"


def _data(text: str) -> str:
    """The characters that end a command, escaped."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
