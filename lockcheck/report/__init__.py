"""From findings to text for people and for programs.

In: a `Report`, all that a format may know, and a `Style`.  Out: the text.
Never: what is behind a finding; a file, a terminal.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from lockcheck.finding import Finding, Problem
from lockcheck.source import Source


@dataclass(frozen=True)
class Report:
    """The outcome of a check.

    `findings` are sorted by path, line, column and code. `files` counts what was analysed, `skipped` what was
    found or asked for but was not. `sources` holds every file that a finding or one of its notes is in.
    """

    findings: tuple[Finding, ...] = ()
    problems: tuple[Problem, ...] = ()
    files: int = 0
    skipped: int = 0
    sources: Mapping[str, Source] = field(default_factory=dict)


@dataclass(frozen=True)
class Style:
    """How text for people may look: in colour, and with links to the rules' pages (slug to URI)."""

    color: bool = False
    pages: Mapping[str, str] = field(default_factory=dict)


_WRITERS = {
    "full": ("full", "render"),
    "concise": ("concise", "render"),
    "json": ("json", "render"),
    "jsonl": ("json", "lines"),
}

FORMATS = tuple(_WRITERS)
"""The names of all formats, the default first."""

FOR_PEOPLE = ("full", "concise")
"""The formats beside which other words do no harm."""


def render(name: str, report: Report, style: Style) -> str:
    """The report in the format `name`, which is one of `FORMATS`."""
    module, function = _WRITERS[name]
    writer = getattr(importlib.import_module(f"{__name__}.{module}"), function)
    return str(writer(report, style))
