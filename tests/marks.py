"""The marks of the fixture files here; what a mark is, the harness says."""

from __future__ import annotations

from pathlib import Path

from lockcheck.harness import marks as known
from lockcheck.harness.marks import Mark, expected, head, marks

__all__ = ["Mark", "edition", "expected", "head", "marks", "read", "slug"]


def read(path: Path) -> list[Mark]:
    return list(marks(path.read_text(encoding="utf-8")))


def edition(path: Path) -> str:
    return known.edition(path.name)


def slug(path: Path) -> str:
    return known.slug(path.name)
