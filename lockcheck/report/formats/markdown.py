"""Markdown for a comment or a job's summary: a table, then each finding with its steps."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from lockcheck.finding import Finding
from lockcheck.report import Report, Style
from lockcheck.report.steps import ranked, region
from lockcheck.report.text import counted, safe, summary

ROWS = 200
"""Beyond so many findings they are only counted: GitHub refuses summaries of more than a mebibyte."""


def render(report: Report, style: Style) -> str:
    """The most important findings first."""
    return "".join(line + "\n" for line in _lines(report, style))


def _lines(report: Report, style: Style) -> Iterator[str]:
    since = f" since {code(report.since)}" if report.since else ""
    yield f"### lockcheck: {summary(report.findings, report.files)}{since}"
    yield ""
    hidden = [one for one in report.hidden if one.why in ("baseline", "base")]
    if hidden:
        yield f"{counted(len(hidden), 'older finding')} not shown."
        yield ""
    findings = ranked(report)
    if not findings:
        return
    yield "| | rule | where | what |"
    yield "|---|---|---|---|"
    for finding in findings[:ROWS]:
        where = _where(report, style, finding)
        yield f"| {finding.severity} | {finding.code} {finding.slug} | {where} | {_text(finding.message)} |"
    if len(findings) > ROWS:
        yield f"| | | | and {len(findings) - ROWS} more |"
    yield ""
    for finding in findings[:ROWS]:
        yield from _details(report, style, finding)


def _details(report: Report, style: Style, finding: Finding) -> Iterator[str]:
    if not finding.notes and not finding.help:
        return
    yield f"<details><summary>{finding.code} {_where(report, style, finding, tag=True)}</summary>"
    yield ""
    for number, note in enumerate(finding.notes, 1):
        at = region(report, note.span)
        yield f"{number}. {code(f'{style.path(at.path)}:{at.line}')} {_text(note.message)}"
    if finding.help:
        yield ""
        yield f"**help**: {_text(finding.help)}"
    yield ""
    yield "</details>"
    yield ""


def _where(report: Report, style: Style, finding: Finding, tag: bool = False) -> str:
    at = region(report, finding.span)
    place = f"{style.path(at.path)}:{at.line}"
    return f"<code>{html.escape(safe(place))}</code>" if tag else code(place)


def code(text: str) -> str:
    """Words as code, whatever they hold."""
    return f"<code>{html.escape(safe(text)).replace('|', '&#124;')}</code>" if _ODD.search(text) else f"`{safe(text)}`"


_ODD = re.compile(r"[`|\\<>&]")
_CODE = re.compile(r"`([^`]+)`")
_SPECIAL = re.compile(r"([\\*_\[\]#~])")


def _text(text: str) -> str:
    """A sentence whose words between backticks are code; nothing else in it means anything to Markdown."""
    parts = _CODE.split(safe(text))
    return "".join(code(part) if number % 2 else _plain(part) for number, part in enumerate(parts))


def _plain(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", html.escape(text, quote=False)).replace("|", "&#124;").replace("`", "&#96;")
