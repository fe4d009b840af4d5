"""One finding, one line: for editors, for `grep`, for people in a hurry."""

from __future__ import annotations

from collections.abc import Iterator

from lockcheck.finding import Finding
from lockcheck.report import Report, Style
from lockcheck.report.text import Paint, contagious_first, link, place, reached, safe

FOR_PEOPLE = True


def render(report: Report, style: Style) -> str:
    """A line for each finding: `path:line:column: CODE message (held since line N; calls f at path:line)`."""
    paint = Paint(style.color)
    return "".join(line + "\n" for line in _lines(report, style, paint))


def _lines(report: Report, style: Style, paint: Paint) -> Iterator[str]:
    for finding in contagious_first(report.findings):
        code = paint(link(finding.code, style.pages.get(finding.slug, "")), finding.severity)
        yield f"{place(report, finding.span)}: {code} {sentence(report, finding)}"


def sentence(report: Report, finding: Finding) -> str:
    """What is wrong and the way there, in one line."""
    way = "; ".join(_way(report, finding))
    return f"{safe(finding.message)}{f' ({way})' if way else ''}"


def _way(report: Report, finding: Finding) -> Iterator[str]:
    """The witness in a few words: where the guard is from, then every further step."""
    for number, note in enumerate(finding.notes):
        line = report.sources[note.span.path].position(note.span.start).line
        at = f"{safe(note.span.path)}:{line}"
        if number == 0 and note.label.endswith("taken here"):
            yield f"held since {f'line {line}' if note.span.path == finding.span.path else at}"
        else:
            yield f"{safe(note.label or note.message)} at {at}"
    if finding.reached_from:
        yield f"reached from {safe(reached(report, finding.reached_from))}"
