"""Logging commands for Azure Pipelines: an issue in the log and in the run's overview for each finding.

(learn.microsoft.com, "Logging commands": only errors and warnings, one line each.)
"""

from __future__ import annotations

from lockcheck.finding import Finding
from lockcheck.report import Report, Style
from lockcheck.report.steps import ranked, region, spot, told


def render(report: Report, style: Style) -> str:
    """A line for each finding, the most important first."""
    return "".join(_line(report, style, finding) for finding in ranked(report))


def _line(report: Report, style: Style, finding: Finding) -> str:
    at = region(report, spot(report, finding))
    where = {
        "type": "error" if finding.severity == "error" else "warning",
        "sourcepath": style.path(at.path),
        "linenumber": at.line,
        "columnnumber": at.column,
        "code": finding.code,
    }
    properties = "".join(f"{key}={_property(str(value))};" for key, value in where.items())
    return f"##vso[task.logissue {properties}]{_data('; '.join(told(report, finding)))}\n"


def _data(text: str) -> str:
    return text.replace("%", "%AZP25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(";", "%3B").replace("]", "%5D")
