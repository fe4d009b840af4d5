"""SARIF 2.1.0, as GitHub's code scanning wants it.

A finding points at one line, so that a review shows it when that line has changed; the witness is a code flow, its
steps are related locations that the message links to. What is allowed or known is there, suppressed or unchanged:
a result that goes missing would close its alert. No `security-severity`, which would make a security alert of it.
(docs.oasis-open.org/sarif; docs.github.com, "SARIF support for code scanning".)
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from msgspec import Struct

from lockcheck import __version__
from lockcheck.finding import Finding, Fix, Note, Problem
from lockcheck.report import Hidden, Page, Report, Style
from lockcheck.report.fingerprint import names
from lockcheck.report.linehash import line_hashes
from lockcheck.report.steps import old, ranked, region, spot, steps
from lockcheck.source import Span

LIMIT = 25_000
"""GitHub refuses a run with more results."""
_LONGEST = 1024
_ROOT = "SRCROOT"
_GRADES = {"error": "error", "warning": "warning", "note": "recommendation"}
_HIDDEN = {"baseline": "external", "allowed": "inSource"}


def render(report: Report, style: Style) -> str:
    """One log with one run, the most important results first."""
    shown: list[Finding | Hidden] = list(ranked(report))
    shown.extend(old(report))
    del shown[LIMIT:]
    writer = _Writer(report, style, names(report), _hashes(report, shown))
    rules = sorted(report.pages, key=lambda page: page.code)
    run = {
        "tool": {
            "driver": {
                "name": "lockcheck",
                "version": __version__,
                "semanticVersion": __version__,
                "rules": [_rule(page) for page in rules],
            }
        },
        "automationDetails": {"id": "lockcheck/"},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {_ROOT: {"description": {"text": "The top of the repository."}}},
        "invocations": [
            {
                "executionSuccessful": bool(report.files),
                "toolExecutionNotifications": [writer.problem(one) for one in report.problems],
            }
        ],
        "results": [writer.result(one, [page.code for page in rules]) for one in shown],
    }
    log = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    return json.dumps(log, ensure_ascii=False, indent=2) + "\n"


def _rule(page: Page) -> dict[str, Any]:
    return {
        "id": page.code,
        "name": "".join(word.capitalize() for word in page.slug.split("-")),
        "shortDescription": {"text": f"{page.title}."},
        "fullDescription": {"text": _paragraph(page)},
        "help": {"text": page.text, "markdown": f"# {page.text}"},
        "defaultConfiguration": {"level": page.severity},
        "properties": {
            "precision": "high",
            "problem.severity": _GRADES[page.severity],
            "tags": ["concurrency", "correctness"],
        },
    }


def _paragraph(page: Page) -> str:
    """The first paragraph below the title."""
    paragraphs = [" ".join(one.split()) for one in page.text.split("\n\n")[1:]]
    text = next((one for one in paragraphs if one and not one.startswith(("#", "```"))), f"{page.title}.")
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _hashes(report: Report, shown: list[Finding | Hidden]) -> dict[tuple[str, int], str]:
    """GitHub's fingerprint of every line that a result points at."""
    lines: dict[str, set[int]] = {}
    for one in shown:
        at = region(report, spot(report, _finding(one)))
        lines.setdefault(at.path, set()).add(at.line)
    return {
        (path, line): found
        for path, some in lines.items()
        for line, found in line_hashes(report.sources[path], frozenset(some)).items()
    }


def _finding(one: Finding | Hidden) -> Finding:
    return one.finding if isinstance(one, Hidden) else one


class _Writer(Struct, frozen=True):
    """Results in SARIF's words."""

    report: Report
    style: Style
    fingerprints: Mapping[Finding, str]
    hashes: Mapping[tuple[str, int], str]

    def result(self, one: Finding | Hidden, codes: list[str]) -> dict[str, Any]:
        finding = _finding(one)
        there = spot(self.report, finding)
        line = region(self.report, there).line
        related = self._related(finding, there)
        found: dict[str, Any] = {
            "ruleId": finding.code,
            "level": finding.severity,
            "message": {"text": _message(finding, related)},
            "locations": [self._location(there, function=finding.function)],
            "partialFingerprints": {
                "primaryLocationLineHash": self.hashes[there.path, line],
                "lockcheck/v1": self.fingerprints[finding],
            },
            "properties": {"confidence": finding.confidence, "evidence": finding.evidence},
        }
        if finding.code in codes:
            found["ruleIndex"] = codes.index(finding.code)
        if related:
            found["relatedLocations"] = [
                {"id": number, **self._location(note.span, note.message)} for number, note in enumerate(related, 1)
            ]
            found["codeFlows"] = [{"threadFlows": [{"locations": list(self._flow(finding))}]}]
        if finding.fixes:
            found["fixes"] = [self._fix(fix) for fix in finding.fixes]
        return found | self._state(one)

    def _state(self, one: Finding | Hidden) -> dict[str, Any]:
        if not isinstance(one, Hidden):
            return {"baselineState": "new"} if self.report.since else {}
        state: dict[str, Any] = {"baselineState": "unchanged"} if one.why in ("baseline", "base") else {}
        if one.why in _HIDDEN:
            said: dict[str, Any] = {"kind": _HIDDEN[one.why], "justification": one.reason or "no reason given"}
            if one.span is not None:
                said["location"] = self._location(one.span)
            state["suppressions"] = [said]
        return state

    def _related(self, finding: Finding, there: Span) -> list[Note]:
        """The steps beside the one pointed at."""
        return [note for note in steps(finding) if note.span != there]

    def _flow(self, finding: Finding) -> Iterator[dict[str, Any]]:
        for number, note in enumerate(steps(finding), 1):
            text = finding.message if note.span == finding.span and note not in finding.notes else note.message
            yield {"location": self._location(note.span, text), "executionOrder": number}

    def _location(self, span: Span, message: str = "", function: str = "") -> dict[str, Any]:
        at = region(self.report, span)
        found: dict[str, Any] = {
            "physicalLocation": {
                "artifactLocation": self._artifact(span.path),
                "region": {
                    "startLine": at.line,
                    "startColumn": at.column,
                    "endLine": at.line,
                    "endColumn": at.end_column,
                },
            }
        }
        if message:
            found["message"] = {"text": message}
        if function:
            found["logicalLocations"] = [{"fullyQualifiedName": function, "kind": "function"}]
        return found

    def _artifact(self, path: str) -> dict[str, str]:
        uri = quote(self.style.path(path).encode("utf-8", "surrogateescape"))
        return {"uri": uri, "uriBaseId": _ROOT} if not uri.startswith(("/", "..")) else {"uri": uri}

    def _fix(self, fix: Fix) -> dict[str, Any]:
        paths = dict.fromkeys(edit.span.path for edit in fix.edits)
        return {
            "description": {"text": fix.message},
            "artifactChanges": [
                {
                    "artifactLocation": self._artifact(path),
                    "replacements": [
                        {
                            "deletedRegion": {
                                "byteOffset": edit.span.start,
                                "byteLength": edit.span.end - edit.span.start,
                            },
                            "insertedContent": {"text": edit.text},
                        }
                        for edit in fix.edits
                        if edit.span.path == path
                    ],
                }
                for path in paths
            ],
        }

    def problem(self, problem: Problem) -> dict[str, Any]:
        """A file that could not be read or understood."""
        physical = {"artifactLocation": self._artifact(problem.path), "region": {"startLine": max(problem.line, 1)}}
        return {
            "level": "warning",
            "message": {"text": problem.message},
            "locations": [{"physicalLocation": physical}],
        }


_LINKS = re.compile(r"([\\\[\]])")


def _message(finding: Finding, related: list[Note]) -> str:
    """The message, the steps of the witness as links to the related locations, and what to do."""
    parts = [_LINKS.sub(r"\\\1", finding.message).rstrip(".") + "."]
    for number, note in enumerate(related, 1):
        words = _LINKS.sub(r"\\\1", note.label or note.message)
        parts.append(f"[{words}]({number})" + ("," if number < len(related) else "."))
    if finding.help:
        parts.append(_LINKS.sub(r"\\\1", finding.help).rstrip(".") + ".")
    return " ".join(parts)
