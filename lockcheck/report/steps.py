"""What formats for programs share: the order of importance, the steps of a witness, the one line to point at."""

from __future__ import annotations

from msgspec import Struct

from lockcheck.finding import Finding, Note
from lockcheck.report import Hidden, Report
from lockcheck.source import Span

_GRADES = ("error", "warning", "note")


class Region(Struct, frozen=True):
    """Where something is for programs: from 1, `end_column` is the first one behind it. Never more than one line."""

    path: str
    line: int
    column: int
    end_column: int


def rank(finding: Finding) -> tuple[int, bool, str, int, str]:
    """What to sort by where there is no room for all: errors, and first of those what input from outside sets off."""
    place = finding.span
    contagious = finding.reached_from is not None
    return _GRADES.index(finding.severity), not contagious, place.path, place.start, finding.code


def ranked(report: Report) -> list[Finding]:
    """What counts, the most important first; where older findings are shown, they come behind."""
    return sorted(report.findings, key=rank)


def old(report: Report) -> list[Hidden]:
    """What does not count but is there, the most important first: allowed, in a baseline, or older than the change."""
    return sorted((one for one in report.hidden if one.why != "elsewhere"), key=lambda one: rank(one.finding))


def steps(finding: Finding) -> list[Note]:
    """The witness in execution order, the primary place among it."""
    notes = list(finding.notes)
    if all(note.span != finding.span for note in notes):
        at = len(notes) if finding.notes_before is None else finding.notes_before
        notes.insert(at, Note(finding.span, finding.label or finding.message))
    return notes


def spot(report: Report, finding: Finding) -> Span:
    """Where to point at: the primary place, unless only another step of the witness is on a line that has changed.

    Reviews show what stands on changed lines; the cause of a new finding may be far from the place that hangs.
    """
    places = [finding.span, *(note.span for note in finding.notes)]
    changed = (one for one in places if (one.path, region(report, one).line) in report.touched)
    return next(changed, finding.span)


def region(report: Report, span: Span) -> Region:
    """The span as lines and columns count, in characters; of several lines the first."""
    source = report.sources[span.path]
    start, end = source.position(span.start), source.position(span.end)
    if end.line == start.line:
        return Region(span.path, start.line, start.column, end.column)
    return Region(span.path, start.line, start.column, max(len(source.line(start.line)) + 1, start.column))


def told(report: Report, finding: Finding) -> list[str]:
    """The whole finding in plain lines: the message, every other step with its place, and what to do."""
    lines = [finding.message]
    for note in finding.notes:
        at = region(report, note.span)
        lines.append(f"{at.path}:{at.line}: {note.message}")
    if finding.help:
        lines.append(f"help: {finding.help}")
    return lines
