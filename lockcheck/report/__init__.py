"""From findings to text for people and for programs.

In: a `Report`, all that a format may know, and a `Style`.  Out: the text.
Never: what is behind a finding; a file, a terminal.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import ModuleType

from lockcheck.finding import Finding, Problem
from lockcheck.report import formats
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


FORMATS = ("full", *sorted({module.name for module in pkgutil.iter_modules(formats.__path__)} - {"full"}))
"""The names of all formats, the default first."""


def render(name: str, report: Report, style: Style) -> str:
    """The report in the format `name`, which is one of `FORMATS`."""
    return str(_format(name).render(report, style))


def for_people(name: str) -> bool:
    """Whether a format may be printed in colour and beside other words."""
    return bool(getattr(_format(name), "FOR_PEOPLE", False))


def _format(name: str) -> ModuleType:
    return importlib.import_module(f"{formats.__name__}.{name}")
