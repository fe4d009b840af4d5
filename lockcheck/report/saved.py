"""A saved JSON report, to be rendered again.

In: the document, and the sources that it speaks of as far as they are at hand.  Out: a `Report`.
Raises ValueError for what is no report of ours.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from lockcheck.finding import Edit, Finding, Fix, LockRef, Note, Problem, Reached
from lockcheck.report import Entry, Hidden, Page, Report
from lockcheck.report.document import SCHEMA
from lockcheck.source import Source, Span

Row = Mapping[str, Any]


def restore(
    text: str, source: Callable[[str], Source | None], pages: Callable[[set[str]], tuple[Page, ...]]
) -> tuple[Report, list[str]]:
    """The report that `--output json` wrote, and the files that are not as they were then, or not there.

    `source` reads a file; where it has none, blank lines stand for it.
    """
    try:
        document = json.loads(text)
        if document["schema"] != SCHEMA or document["tool"]["name"] != "lockcheck":
            raise ValueError(f"schema {document['schema']!r}; this version reads {SCHEMA}")
        places = list(_places(document))
        sources = {}
        for path in dict.fromkeys(one["path"] for one in places):
            here = [one for one in places if one["path"] == path]
            found = source(path)
            sources[path] = found if found is not None and _fits(found, here) else _blank(path, here)
        absent = [path for path, one in sources.items() if not one.data.strip()]
        reader = _Reader(sources)
        findings = tuple(map(reader.finding, document["findings"]))
        hidden = tuple(map(reader.hidden, document.get("hidden", ())))
        return Report(
            findings=findings,
            problems=tuple(Problem(one["path"], one["line"], one["message"]) for one in document["problems"]),
            files=document["files"],
            skipped=document["skipped"],
            hidden=hidden,
            since=document.get("since", ""),
            stale=tuple(Entry(**one) for one in document.get("stale", ())),
            sources=sources,
            pages=pages({one.code for one in (*findings, *(two.finding for two in hidden))}),
        ), absent
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from None


def _places(document: Row) -> Iterator[Row]:
    for row in (*document["findings"], *(one["finding"] for one in document.get("hidden", ()))):
        yield row
        yield from row["notes"]
        yield from (row.get("reached_from") or {}).get("path", ())
    yield from (one["at"] for one in document.get("hidden", ()) if one["at"])


def _fits(source: Source, places: list[Row]) -> bool:
    """Whether all places are in the text: a shorter one has changed since."""
    return all(
        one["end_line"] <= source.lines and one["end_column"] <= len(source.line(one["end_line"])) + 1 for one in places
    )


def _blank(path: str, places: list[Row]) -> Source:
    """A text of blanks that is large enough for these places."""
    width = max(max(one["column"], one["end_column"]) for one in places)
    return Source(path, (" " * width + "\n").encode() * max(one["end_line"] for one in places))


class _Reader(Struct, frozen=True):
    """Rows as `document` wrote them, read back."""

    sources: Mapping[str, Source]

    def span(self, row: Row) -> Span:
        source = self.sources[row["path"]]
        start = source.offset(row["line"], row["column"])
        return Span(row["path"], start, source.offset(row["end_line"], row["end_column"]))

    def note(self, row: Row) -> Note:
        return Note(self.span(row), row["message"], row.get("label", ""))

    def finding(self, row: Row) -> Finding:
        reached = row.get("reached_from")
        return Finding(
            code=row["code"],
            slug=row["slug"],
            severity=row["severity"],
            confidence=row["confidence"],
            evidence=row["evidence"],
            span=self.span(row),
            message=row["message"],
            function=row["function"],
            lock=LockRef(**row["lock"]) if row["lock"] else None,
            label=row.get("label", ""),
            help=row.get("help", ""),
            notes=tuple(map(self.note, row["notes"])),
            fixes=tuple(map(self.fix, row["fixes"])),
            reached_from=Reached(reached["entry"], tuple(map(self.note, reached["path"]))) if reached else None,
            production=row.get("production", ""),
            notes_before=row.get("notes_before"),
        )

    def fix(self, row: Row) -> Fix:
        edits = tuple(Edit(Span(one["path"], one["start"], one["end"]), one["text"]) for one in row["edits"])
        return Fix(row["message"], row["safety"], edits)

    def hidden(self, row: Row) -> Hidden:
        return Hidden(
            self.finding(row["finding"]), row["why"], row["reason"], self.span(row["at"]) if row["at"] else None
        )
