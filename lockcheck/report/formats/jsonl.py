"""The report as a stream: one JSON document a line, each with its `kind`."""

from __future__ import annotations

import json
from typing import Any

from lockcheck.report import Report, Style
from lockcheck.report.document import HEAD, finding_rows, problem_row


def render(report: Report, style: Style) -> str:
    """Every `finding`, every `problem`, at last the `summary`."""
    del style
    documents: list[dict[str, Any]] = [
        *({"kind": "finding", **one} for one in finding_rows(report)),
        *({"kind": "problem", **problem_row(one)} for one in report.problems),
        {"kind": "summary", **HEAD, "files": report.files, "skipped": report.skipped},
    ]
    return "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in documents)
