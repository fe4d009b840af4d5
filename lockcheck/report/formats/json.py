"""The report for programs, as one JSON document: the contract is in `lockcheck.report.document`."""

from __future__ import annotations

import json

from lockcheck.report import Report, Style
from lockcheck.report.document import document


def render(report: Report, style: Style) -> str:
    """The whole report."""
    del style
    return json.dumps(document(report), ensure_ascii=False, indent=2) + "\n"
