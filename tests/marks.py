"""The marks in a fixture: what must be said about the line below each of them.

    // ruleid: slug             lockcheck and the exported semgrep rule must both report the next line
    // todoruleid: slug         lockcheck must, the export cannot see it
    // ok: slug                 neither may
    // todook: slug             lockcheck must not, the export does (its known false alarm)
    // missed: slug — why       lockcheck does not see it, and that is asserted
    // false alarm: slug — why  lockcheck reports it wrongly, and that is asserted

Several slugs are separated by commas. What is not marked must be quiet.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MARK = re.compile(
    r"^\s*(?://|#)\s*(ruleid|todoruleid|ok|todook|missed|false alarm):\s*([a-z0-9-]+(?:\s*,\s*[a-z0-9-]+)*)\s*(?:—\s*(.*))?$"
)
LOOKS_LIKE_ONE = re.compile(r"^\s*(?://|#)\s*(?:\w+ )?(?:todo)?(?:ruleid|ok|missed|alarm)\b")
REPORTED = frozenset({"ruleid", "todoruleid", "false alarm"})
EXPORT_REPORTED = frozenset({"ruleid", "todook"})


@dataclass(frozen=True, slots=True)
class Mark:
    line: int
    """The line that is judged: the one below the mark."""
    kind: str
    slug: str
    why: str = ""

    @property
    def reported(self) -> bool:
        return self.kind in REPORTED

    @property
    def export_reported(self) -> bool:
        return self.kind in EXPORT_REPORTED


def marks(text: str) -> Iterator[Mark]:
    """Every mark of a text; a line that was meant as one and is not is refused."""
    for number, line in enumerate(text.splitlines(), 1):
        said = MARK.match(line)
        if said is None:
            if LOOKS_LIKE_ONE.match(line):
                raise ValueError(f"line {number} looks like a mark and is none: {line.strip()}")
            continue
        kind, slugs, why = said.groups()
        if kind in ("missed", "false alarm") and not why:
            raise ValueError(f"line {number}: a known limit needs its reason after a dash: {line.strip()}")
        for slug in slugs.split(","):
            yield Mark(number + 1, kind, slug.strip(), why or "")


def read(path: Path) -> list[Mark]:
    return list(marks(path.read_text(encoding="utf-8")))


def expected(found: list[Mark], slugs: frozenset[str] | None = None) -> set[tuple[int, str]]:
    """The (line, slug) pairs that lockcheck must report, and no others."""
    return {(mark.line, mark.slug) for mark in found if mark.reported and (slugs is None or mark.slug in slugs)}


def edition(path: Path) -> str:
    """`x.2024.rs` is written in edition 2024, `x.rs` in 2021."""
    return "2024" if path.name.endswith(".2024.rs") else "2021"


def slug(path: Path) -> str:
    return path.name.split(".", 1)[0]
