"""GitLab's code quality report: what the merge request's widget and the changes view show.

(docs.gitlab.com, "Code Quality report format".) The widget shows descriptions only, so the code is in them. Findings
of equal fingerprint are shown once, so ours are counted. GitLab compares the report with that of the target branch
itself: what was there before must be in it, or it would be told as cured.
"""

from __future__ import annotations

import json
from typing import Any

from lockcheck.finding import Finding
from lockcheck.report import Report, Style
from lockcheck.report.fingerprint import names
from lockcheck.report.steps import region, spot, told

_GRADES = {"error": "critical", "warning": "major", "note": "info"}


def render(report: Report, style: Style) -> str:
    """A JSON list with an issue for each finding."""
    fingerprints = names(report)
    findings = [*report.findings, *(one.finding for one in report.hidden if one.why == "base")]
    findings.sort(key=lambda one: (one.span.path, one.span.start, one.code))
    issues = [_issue(report, style, finding, fingerprints[finding]) for finding in findings]
    return json.dumps(issues, ensure_ascii=False, indent=2) + "\n"


def _issue(report: Report, style: Style, finding: Finding, fingerprint: str) -> dict[str, Any]:
    at = region(report, spot(report, finding))
    return {
        "type": "issue",
        "check_name": finding.slug,
        "description": f"{finding.code}: {finding.message}",
        "content": {"body": "\n\n".join(told(report, finding))},
        "categories": ["Bug Risk"],
        "severity": _GRADES[finding.severity],
        "fingerprint": fingerprint,
        "location": {
            "path": style.path(at.path),
            "lines": {"begin": at.line, "end": at.line},
        },
    }
