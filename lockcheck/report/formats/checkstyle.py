"""Checkstyle's XML, which Jenkins, reviewdog and many others read."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from xml.sax.saxutils import quoteattr

from lockcheck.report import Report, Style
from lockcheck.report.steps import region, told
from lockcheck.report.text import safe

_GRADES = {"error": "error", "warning": "warning", "note": "info"}


def render(report: Report, style: Style) -> str:
    """One XML document; findings stand below their files."""
    return "".join(line + "\n" for line in _lines(report, style))


def _lines(report: Report, style: Style) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield '<checkstyle version="4.3">'
    for path, findings in itertools.groupby(report.findings, key=lambda finding: finding.span.path):
        yield f"  <file name={_quoted(style.path(path))}>"
        for finding in findings:
            at = region(report, finding.span)
            yield (
                f'    <error line="{at.line}" column="{at.column}" severity="{_GRADES[finding.severity]}"'
                f' message={_quoted("; ".join(told(report, finding)))} source="lockcheck.{finding.code}"/>'
            )
        yield "  </file>"
    yield "</checkstyle>"


def _quoted(text: str) -> str:
    """A value with its quotes; what XML cannot hold at all is written as an escape."""
    return quoteattr(safe(text))
