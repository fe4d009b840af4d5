"""The report as a compiler would draw it: the source with labelled spans, notes, help."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from msgspec import Struct

from lockcheck.finding import Finding
from lockcheck.report import Report, Style
from lockcheck.report.text import Paint, contagious_first, counted, link, place, reached, safe, shown, summary, width
from lockcheck.source import Source, Span

FOR_PEOPLE = True
TAB = 4
WIDEST = 160
"""Lines of source that take more columns are cut on both sides of what is marked."""
MARGIN = 40
TALLEST = 4
"""Of a span over more lines than this, the first and the last are drawn."""


def render(report: Report, style: Style) -> str:
    """Every finding as a block, then one line that counts and one that says where to read more."""
    paint = Paint(style.color)
    blocks = [_block(report, finding, style, paint) for finding in contagious_first(report.findings)]
    ending = summary(report.findings, report.files) + "\n"
    if report.findings:
        codes = sorted({finding.code for finding in report.findings})
        ending += f"for the page of a rule: lockcheck explain {codes[0]}"
        ending += f" (also {', '.join(codes[1:])})\n" if codes[1:] else "\n"
        ending += _fixable(report)
    return "\n".join([*blocks, ending])


def _fixable(report: Report) -> str:
    """A line that says how many findings can be fixed, if any can."""
    safe_ones = sum(any(fix.safety == "safe" for fix in one.fixes) for one in report.findings)
    rest = sum(bool(one.fixes) for one in report.findings) - safe_ones
    options = [(safe_ones, "--fix"), (rest, "--fix --unsafe-fixes")]
    said = [f"{counted(number, 'finding')} with `{option}`" for number, option in options if number]
    return f"can be fixed: {', '.join(said)}\n" if said else ""


def _block(report: Report, finding: Finding, style: Style, paint: Paint) -> str:
    head = link(f"{finding.severity}[{finding.code}]", style.pages.get(finding.slug, ""))
    lines = [f"{paint(head, finding.severity)}{paint(': ' + safe(finding.message), 'strong')}"]
    labels = _labels(finding)
    paths = list(dict.fromkeys(one.span.path for one in labels))
    margin = max(len(str(report.sources[one.span.path].position(one.span.end).line)) for one in labels)
    for path in paths:
        here = [one for one in labels if one.span.path == path]
        arrow = "-->" if path == finding.span.path else ":::"
        lines.append(f"{' ' * margin}{paint(arrow, 'frame')} {place(report, here[0].span)}")
        lines += _snippet(report.sources[path], here, margin, paint)
    frame = f"{' ' * margin} {paint('=', 'frame')} "
    lines += [f"{frame}{paint('note', 'strong')}: {safe(note)}" for note in _remarks(finding)]
    if finding.reached_from:
        lines.append(f"{frame}{paint('reached from', 'strong')}: {safe(reached(report, finding.reached_from))}")
    if finding.production:
        lines.append(f"{frame}{paint('in production', 'strong')}: {safe(finding.production)}")
    if finding.help:
        lines.append(f"{frame}{paint('help', 'help')}: {safe(finding.help)}")
    return "".join(line + "\n" for line in lines)


def _remarks(finding: Finding) -> Iterator[str]:
    """What the drawing does not already say."""
    for note in finding.notes:
        if note.label and note.message != note.label:
            yield note.message
    if finding.lock is not None and (finding.confidence != "certain" or finding.evidence == "named"):
        ground = {"declared": "is declared", "inferred": "is inferred", "named": "is guessed from the method's name"}
        yield f"{finding.confidence}: the lock's type {ground[finding.evidence]}"


class _Label(Struct, frozen=True):
    """A span, the words beside it, and how it is drawn."""

    span: Span
    text: str
    mark: str
    style: str


class _Piece(Struct, frozen=True):
    """The part of a label on one line: columns (in characters, from 0, half open)."""

    start: int
    end: int
    label: _Label
    last: bool


def _labels(finding: Finding) -> list[_Label]:
    """What is drawn beside the source; the same words at the same place once."""
    primary = _Label(finding.span, finding.label, "^", finding.severity)
    notes = [_Label(note.span, note.label or note.message, "-", "secondary") for note in finding.notes]
    said: dict[tuple[Span, str], _Label] = {}
    for one in (primary, *notes):
        said.setdefault((one.span, one.text), one)
    return list(said.values())


def _snippet(source: Source, labels: Sequence[_Label], margin: int, paint: Paint) -> Iterator[str]:
    """The marked lines of one file, with `...` for what is between them."""
    pieces: dict[int, list[_Piece]] = {}
    for label in labels:
        for line, piece in _pieces(source, label):
            pieces.setdefault(line, []).append(piece)
    empty = f"{' ' * margin} {paint('|', 'frame')}"
    yield empty
    before = 0
    for line in sorted(pieces):
        if before and line == before + 2:
            yield paint(f"{before + 1:>{margin}} |", "frame") + f" {_draw(source.line(before + 1), []).text}".rstrip()
        elif before and line > before + 2:
            yield paint("...", "frame")
        drawn = _draw(source.line(line), pieces[line])
        yield paint(f"{line:>{margin}} |", "frame") + f" {drawn.text}".rstrip()
        for row in _rows(drawn, pieces[line], paint):
            yield f"{empty} {row}"
        before = line
    yield empty


def _pieces(source: Source, label: _Label) -> Iterator[tuple[int, _Piece]]:
    """The lines that a span covers, each with the columns it takes there, indentation left out."""
    start, end = source.position(label.span.start), source.position(max(label.span.end, label.span.start))
    lines = range(start.line, end.line + 1)
    if len(lines) > TALLEST:
        lines = range(start.line, end.line + 1, end.line - start.line)
    for line in lines:
        text = source.line(line)
        first = start.column - 1 if line == start.line else len(text) - len(text.lstrip())
        last = end.column - 1 if line == end.line else len(text.rstrip())
        yield line, _Piece(first, max(last, first + 1), label, line == end.line)


class _Drawn(Struct, frozen=True):
    """A line of source as printed; `columns` tells where the characters from number `low` on then begin."""

    text: str
    low: int
    columns: tuple[int, ...]

    def span(self, piece: _Piece) -> tuple[int, int]:
        """The printed columns of a piece (from 0, half open, never empty)."""
        start, end = self._at(piece.start), self._at(piece.end)
        return start, max(end, start + 1)

    def _at(self, column: int) -> int:
        return self.columns[max(0, min(column - self.low, len(self.columns) - 1))]


def _draw(line: str, pieces: Sequence[_Piece]) -> _Drawn:
    """Expand tabs, escape what is not printable, and cut a very long line on both sides of what is marked."""
    low, high = 0, len(line)
    if len(line) > WIDEST:
        first = min((piece.start for piece in pieces), default=0)
        last = max((piece.end for piece in pieces), default=0)
        low, high = max(0, first - MARGIN), min(len(line), max(last, first + WIDEST) + MARGIN, first + 2 * WIDEST)
    text = "... " if low else ""
    at = len(text)
    columns = [at]
    for character in line[low:high]:
        piece = " " * (TAB - at % TAB) if character == "\t" else shown(character)
        text += piece
        at += width(piece) if len(piece) == 1 else len(piece)
        columns.append(at)
    return _Drawn(text + (" ..." if high < len(line) else ""), low, tuple(columns))


def _rows(drawn: _Drawn, pieces: Sequence[_Piece], paint: Paint) -> Iterator[str]:
    """The marks below a line, the rightmost label beside them, the other labels hung below."""
    marks = _Row([])
    for piece in sorted(pieces, key=lambda piece: piece.label.mark == "^"):
        start, end = drawn.span(piece)
        marks.put(start, piece.label.mark * (end - start), piece.label.style)
    hung = sorted((one for one in pieces if one.last and one.label.text), key=drawn.span)
    if hung and drawn.span(hung[-1])[1] == len(marks.cells):
        label = hung.pop().label
        marks.put(len(marks.cells) + 1, safe(label.text), label.style)
    yield marks.text(paint)
    if hung:
        yield _hooks(drawn, hung).text(paint)
    while hung:
        piece = hung.pop()
        row = _hooks(drawn, hung)
        row.put(drawn.span(piece)[0], safe(piece.label.text), piece.label.style)
        yield row.text(paint)


def _hooks(drawn: _Drawn, pieces: Sequence[_Piece]) -> _Row:
    row = _Row([])
    for piece in pieces:
        row.put(drawn.span(piece)[0], "|", piece.label.style)
    return row


class _Row(Struct, frozen=True):
    """A line under construction: (character, style) for each column."""

    cells: list[tuple[str, str]]

    def put(self, at: int, text: str, style: str) -> None:
        """Write over what is there, from column `at` on."""
        self.cells.extend([(" ", "")] * (at + len(text) - len(self.cells)))
        self.cells[at : at + len(text)] = [(character, style) for character in text]

    def text(self, paint: Paint) -> str:
        """The row with its styles."""
        groups = itertools.groupby(self.cells, key=lambda cell: cell[1])
        return "".join(paint("".join(character for character, _ in run), style) for style, run in groups)
