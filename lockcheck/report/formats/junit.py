"""JUnit's XML, for whatever shows test results: a file is a suite, a finding a case that failed.

What a comment allows or a baseline holds is a case that was skipped, with the reason.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from lockcheck.finding import Finding
from lockcheck.report import Hidden, Report, Style
from lockcheck.report.steps import old, region, told
from lockcheck.report.text import safe


def render(report: Report, style: Style) -> str:
    """One XML document; a run that found nothing is one case that passed."""
    return "".join(line + "\n" for line in _lines(report, style))


def _lines(report: Report, style: Style) -> Iterator[str]:
    hidden = old(report)
    failed = len(report.findings)
    cases: list[Finding | Hidden] = sorted([*report.findings, *hidden], key=_place)
    totals = f'tests="{max(len(cases), 1)}" failures="{failed}" errors="0"'
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield f'<testsuites name="lockcheck" {totals}>'
    if not cases:
        yield '  <testsuite name="lockcheck" tests="1" failures="0" errors="0" skipped="0">'
        yield '    <testcase name="nothing found" classname="lockcheck"/>'
        yield "  </testsuite>"
    for path, group in itertools.groupby(cases, key=lambda one: _place(one)[0]):
        some = list(group)
        quiet = sum(isinstance(one, Hidden) for one in some)
        name = quoteattr(safe(style.path(path)))
        numbers = f'tests="{len(some)}" failures="{len(some) - quiet}" errors="0" skipped="{quiet}"'
        yield f"  <testsuite name={name} {numbers}>"
        for one in some:
            yield from _case(report, one, name)
        yield "  </testsuite>"
    yield "</testsuites>"


def _case(report: Report, one: Finding | Hidden, name: str) -> Iterator[str]:
    finding = one.finding if isinstance(one, Hidden) else one
    at = region(report, finding.span)
    title = quoteattr(safe(f"{finding.code} {finding.slug} {at.line}:{at.column}"))
    yield f"    <testcase name={title} classname={name}>"
    if isinstance(one, Hidden):
        yield f"      <skipped message={quoteattr(safe(f'{one.why}: {one.reason}'))}/>"
    else:
        lines = [f"{at.path}:{at.line}:{at.column}: {finding.code}", *told(report, finding)]
        body = escape("\n".join(map(safe, lines)))
        yield f'      <failure type="{finding.severity}" message={quoteattr(safe(finding.message))}>{body}</failure>'
    yield "    </testcase>"


def _place(one: Finding | Hidden) -> tuple[str, int, str, str]:
    finding = one.finding if isinstance(one, Hidden) else one
    return finding.span.path, finding.span.start, finding.code, finding.message
