"""What a rule has to say: one primary place, the way there as notes, and what to do.

In: nothing.  Out: `Finding`, `Note`, `LockRef`, `Problem`, the values that rules make and reports print.
Never: syntax, analysis, formatting.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from lockcheck.source import Span

Severity = Literal["error", "warning", "note"]
Confidence = Literal["possible", "likely", "certain"]
Evidence = Literal["named", "inferred", "declared"]

SEVERITIES: tuple[Severity, ...] = ("note", "warning", "error")
CONFIDENCES: tuple[Confidence, ...] = ("possible", "likely", "certain")
EVIDENCES: tuple[Evidence, ...] = ("named", "inferred", "declared")


def graded(evidence: Evidence, sure: bool = True) -> Confidence:
    """How sure a finding about a lock is: as sure as it is a lock; at most likely where the rest is not `sure`."""
    grade = CONFIDENCES[EVIDENCES.index(evidence)]
    return grade if sure or grade == "possible" else "likely"


class Note(Struct, frozen=True):
    """One step of the witness: an acquisition or a call, in execution order.

    `label` is the few words drawn beside the source ("guard taken here"); `message` is the full sentence.
    """

    span: Span
    message: str
    label: str = ""


class LockRef(Struct, frozen=True):
    """The lock of a finding as people name it: `self.load`, of `Catalog.load`, a `std::sync::RwLock`, mode `write`."""

    name: str
    owner: str
    kind: str
    mode: str


class Edit(Struct, frozen=True):
    """Replace the bytes of `span` by `text`."""

    span: Span
    text: str


class Fix(Struct, frozen=True):
    """A cure as edits; `message` is a verb phrase, alternatives exclude each other."""

    message: str
    safety: Literal["safe", "unsafe"]
    edits: tuple[Edit, ...]


class Reached(Struct, frozen=True):
    """How input that comes from outside gets to a finding: the entry point, and the calls on the way to it."""

    entry: str
    notes: tuple[Note, ...]


class Finding(Struct, frozen=True):
    """One bug or hazard. `label` is drawn beside the primary span, `help` says what to do instead.

    `asked`: the project's settings ask for it, whatever the persona. `reached_from` is there where a declared entry
    of the data plane leads to it: such a finding ranks above the rest. `production` says what a person would see.
    The first `notes_before` of the notes come before the primary place in execution order; all of them where None.
    `lints` are those of another linter that are about the very same matter: who allows one of them there, or where the
    first note is (the guard is taken there), knows of it.
    """

    code: str
    slug: str
    severity: Severity
    confidence: Confidence
    evidence: Evidence
    span: Span
    message: str
    function: str
    lock: LockRef | None = None
    label: str = ""
    help: str = ""
    notes: tuple[Note, ...] = ()
    fixes: tuple[Fix, ...] = ()
    asked: bool = False
    reached_from: Reached | None = None
    production: str = ""
    notes_before: int | None = None
    lints: tuple[str, ...] = ()


def paths_of(finding: Finding) -> list[str]:
    """The files that a finding is in: that of its primary place first, then those of its notes in order, each once."""
    way = finding.reached_from.notes if finding.reached_from else ()
    return list(dict.fromkeys((finding.span.path, *(note.span.path for note in (*finding.notes, *way)))))


def spans_of(finding: Finding) -> Iterator[Span]:
    """All places that a finding speaks of, those that its fixes would change included."""
    way = finding.reached_from.notes if finding.reached_from else ()
    edits = (edit for fix in finding.fixes for edit in fix.edits)
    yield finding.span
    yield from (note.span for note in (*finding.notes, *way))
    yield from (edit.span for edit in edits)


class Problem(Struct, frozen=True, order=True):
    """Something that could not be read or understood: the rest of the work went on. `line` counts from 1."""

    path: str
    line: int
    message: str
