"""From findings to text for people and for programs.

In: a `Report`, all that a format may know, and a `Style`.  Out: the text.
Never: what is behind a finding; a file, a terminal.
"""

from __future__ import annotations

import importlib
import posixpath
from collections.abc import Mapping
from types import ModuleType
from typing import Literal

from msgspec import Struct, field

from lockcheck.finding import Finding, Problem, Severity
from lockcheck.installed import modules
from lockcheck.report import formats
from lockcheck.source import Source, Span


class Hidden(Struct, frozen=True):
    """A finding that does not count, and why.

    "allowed": a comment at `span` says so, `reason` are its words. "baseline": the baseline file `reason` holds it.
    "base": it was there before the change, in the revision `reason`. "elsewhere": none of the files that were asked
    about has to do with it.
    """

    finding: Finding
    why: Literal["allowed", "baseline", "base", "elsewhere"]
    reason: str = ""
    span: Span | None = None


class Page(Struct, frozen=True):
    """What is to be said of a rule: its title, its whole page in Markdown, and how bad its findings are at worst."""

    code: str
    slug: str
    title: str
    text: str
    severity: Severity


class Entry(Struct, frozen=True):
    """`count` findings that a baseline holds: `fingerprint` is their identity, the words are for people."""

    code: str
    path: str
    function: str
    message: str
    fingerprint: str
    count: int


class Report(Struct, frozen=True):
    """The outcome of a check.

    `findings` are what counts, sorted by path, line, column and code; `hidden` in the same order what does not.
    `since` names the baseline or the revision that the findings were compared with: then they are new. `stale` are
    the entries of the baseline without a finding. `touched` holds (path, line) of every line that has changed since,
    where that is known. `analysed` are the paths of the `files` that were, `skipped` counts what was found or asked for
    but was not. `sources` holds every file that a finding or one of its notes is in, `pages` the rules of all findings.
    """

    findings: tuple[Finding, ...] = ()
    problems: tuple[Problem, ...] = ()
    files: int = 0
    skipped: int = 0
    hidden: tuple[Hidden, ...] = ()
    since: str = ""
    stale: tuple[Entry, ...] = ()
    touched: frozenset[tuple[str, int]] = frozenset()
    analysed: frozenset[str] = frozenset()
    sources: Mapping[str, Source] = field(default_factory=dict)
    pages: tuple[Page, ...] = ()


class Style(Struct, frozen=True):
    """How a report may look: in colour and with links to the rules' pages (slug to URI), which is for people.

    `below` is where the current folder is below the folder that a program wants paths to be relative to (`crates/app`).
    """

    color: bool = False
    pages: Mapping[str, str] = field(default_factory=dict)
    below: str = ""

    def path(self, path: str) -> str:
        """A finding's path as a program wants it."""
        return posixpath.normpath(posixpath.join(self.below, path))


FORMATS = ("full", *(name for name in modules(formats.__path__) if name != "full"))
"""The names of all formats, the default first."""


def render(name: str, report: Report, style: Style) -> str:
    """The report in the format `name`, which is one of `FORMATS`."""
    return str(_format(name).render(report, style))


def for_people(name: str) -> bool:
    """Whether a format may be printed in colour and beside other words."""
    return bool(getattr(_format(name), "FOR_PEOPLE", False))


def beside(name: str) -> tuple[str, str] | None:
    """(variable, format): which file of the environment wants this report too, and in which format."""
    found: tuple[str, str] | None = getattr(_format(name), "SUMMARY", None)
    return found


def _format(name: str) -> ModuleType:
    return importlib.import_module(f"{formats.__name__}.{name}")
