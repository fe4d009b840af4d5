"""reviewdog's diagnostic format: columns count bytes of UTF-8, from 1.

(github.com/reviewdog/reviewdog, `proto/rdf`.)
"""

from __future__ import annotations

import json
from typing import Any

from lockcheck.finding import Finding
from lockcheck.report import Report, Style
from lockcheck.report.steps import ranked, spot
from lockcheck.source import Span

_GRADES = {"error": "ERROR", "warning": "WARNING", "note": "INFO"}


def render(report: Report, style: Style) -> str:
    """One JSON document."""
    document = {
        "source": {"name": "lockcheck"},
        "diagnostics": [_diagnostic(report, style, finding) for finding in ranked(report)],
    }
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _diagnostic(report: Report, style: Style, finding: Finding) -> dict[str, Any]:
    there = spot(report, finding)
    help_ = f"\n\n{finding.help}" if finding.help else ""
    found: dict[str, Any] = {
        "message": finding.message + help_,
        "location": _location(report, style, there),
        "severity": _GRADES[finding.severity],
        "code": {"value": finding.code},
        "related_locations": [
            {"message": note.message, "location": _location(report, style, note.span)} for note in finding.notes
        ],
    }
    if there != finding.span:
        found["related_locations"].append(
            {"message": finding.label or finding.message, "location": _location(report, style, finding.span)}
        )
    suggestions = [
        {"range": _range(report, edit.span), "text": edit.text}
        for fix in finding.fixes[:1]
        if all(edit.span.path == there.path for edit in fix.edits)
        for edit in fix.edits
    ]
    return found | ({"suggestions": suggestions} if suggestions else {})


def _location(report: Report, style: Style, span: Span) -> dict[str, Any]:
    return {"path": style.path(span.path), "range": _range(report, span)}


def _range(report: Report, span: Span) -> dict[str, Any]:
    return {"start": _position(report, span.path, span.start), "end": _position(report, span.path, span.end)}


def _position(report: Report, path: str, offset: int) -> dict[str, int]:
    source = report.sources[path]
    line_start = source.data.rfind(b"\n", 0, offset) + 1
    return {"line": source.position(offset).line, "column": offset - line_start + 1}
