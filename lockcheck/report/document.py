"""The report as plain values for programs. Its shape is a contract: keys are added, never renamed.

Lines and columns count from 1, columns in characters; edits are byte offsets.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import structs, to_builtins

from lockcheck import __version__
from lockcheck.finding import Finding, Fix, Note, Problem, Reached
from lockcheck.report import Report
from lockcheck.report.fingerprint import names
from lockcheck.source import Span

SCHEMA = 1
HEAD = {"schema": SCHEMA, "tool": {"name": "lockcheck", "version": __version__}}


def document(report: Report) -> dict[str, Any]:
    """The whole report, as `--output json` writes it."""
    return {
        **HEAD,
        "findings": list(finding_rows(report)),
        "problems": [problem_row(one) for one in report.problems],
        "files": report.files,
        "skipped": report.skipped,
        "since": report.since,
        "hidden": list(_hidden(report)),
        "stale": [to_builtins(one) for one in report.stale],
    }


def _hidden(report: Report) -> Iterator[dict[str, Any]]:
    """What does not count: `why` and `reason`, the place of the comment that allows it, then the finding itself."""
    fingerprints = names(report)
    for one in report.hidden:
        if one.why != "elsewhere":
            at = _where(report, one.span) if one.span else None
            row = {**_finding(report, one.finding), "fingerprint": fingerprints[one.finding]}
            yield {"why": one.why, "reason": one.reason, "at": at, "finding": row}


def finding_rows(report: Report) -> Iterator[dict[str, Any]]:
    """Every finding as the contract shows it."""
    fingerprints = names(report)
    for finding in report.findings:
        yield {**_finding(report, finding), "fingerprint": fingerprints[finding]}


def _finding(report: Report, finding: Finding) -> dict[str, Any]:
    return {
        "code": finding.code,
        "slug": finding.slug,
        "severity": finding.severity,
        "confidence": finding.confidence,
        "evidence": finding.evidence,
        "message": finding.message,
        "label": finding.label,
        "help": finding.help,
        **_where(report, finding.span),
        "function": finding.function,
        "lock": to_builtins(finding.lock) if finding.lock else None,
        "notes": [_note(report, note) for note in finding.notes],
        "notes_before": finding.notes_before,
        "fixes": [_fix(fix) for fix in finding.fixes],
        "production": finding.production,
        "reached_from": _reached(report, finding.reached_from) if finding.reached_from else None,
    }


def _reached(report: Report, reached: Reached) -> dict[str, Any]:
    return {"entry": reached.entry, "path": [_note(report, note) for note in reached.notes]}


def _where(report: Report, span: Span) -> dict[str, Any]:
    source = report.sources[span.path]
    start, end = source.position(span.start), source.position(span.end)
    return {
        "path": span.path,
        "line": start.line,
        "column": start.column,
        "end_line": end.line,
        "end_column": end.column,
    }


def _note(report: Report, note: Note) -> dict[str, Any]:
    return {**_where(report, note.span), "message": note.message, "label": note.label}


def _fix(fix: Fix) -> dict[str, Any]:
    edits = [{"path": e.span.path, "start": e.span.start, "end": e.span.end, "text": e.text} for e in fix.edits]
    return {"message": fix.message, "safety": fix.safety, "edits": edits}


def problem_row(problem: Problem) -> dict[str, Any]:
    """A problem as the contract shows it."""
    return structs.asdict(problem)
