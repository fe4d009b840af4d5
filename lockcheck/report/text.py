"""What all formats for people share: text that cannot play tricks on a terminal, colours, links, counts."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from msgspec import Struct

from lockcheck.finding import Finding, Reached
from lockcheck.report import Report
from lockcheck.source import Span

_COLORS = {
    "error": "1;31",
    "warning": "1;33",
    "note": "1;36",
    "strong": "1",
    "frame": "1;34",
    "secondary": "1;34",
    "help": "1;32",
}


class Paint(Struct, frozen=True):
    """Colours and links, or none of them."""

    color: bool = False

    def __call__(self, text: str, style: str) -> str:
        """The text in a style ("error", "frame", ...; an empty one changes nothing)."""
        if not self.color or style not in _COLORS or not text:
            return text
        return f"\x1b[{_COLORS[style]}m{text}\x1b[0m"


def link(text: str, uri: str) -> str:
    """The text as a terminal hyperlink (OSC 8); the text itself where there is no address."""
    return f"\x1b]8;;{uri}\x1b\\{text}\x1b]8;;\x1b\\" if uri else text


def safe(text: str) -> str:
    """The text with every character that would command a terminal or reorder the line written as an escape."""
    return "".join(map(shown, text))


def shown(character: str) -> str:
    """One character as it may be printed."""
    if " " <= character <= "~":
        return character
    if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") and character not in _JOINERS:
        code = ord(character)
        return f"\\x{code:02x}" if code < 0x80 else f"\\u{{{code:x}}}"
    return character


_JOINERS = "\u200c\u200d"
"""Format characters that ordinary words of some scripts, and emoji, are written with."""


def width(character: str) -> int:
    """How many columns a printable character takes."""
    if " " <= character <= "~":
        return 1
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


def place(report: Report, span: Span) -> str:
    """`path:line:column` of where a span begins."""
    at = report.sources[span.path].position(span.start)
    return f"{safe(span.path)}:{at.line}:{at.column}"


def contagious_first(findings: Iterable[Finding]) -> list[Finding]:
    """The findings that input from outside can set off, then the rest; else in the order given."""
    return sorted(findings, key=lambda finding: finding.reached_from is None)


def reached(report: Report, way: Reached) -> str:
    """How input from outside gets there: `Proxy::handle_update at src/a.rs:3, calls at src/a.rs:7, src/b.rs:12`."""
    spots = [f"{note.span.path}:{report.sources[note.span.path].position(note.span.start).line}" for note in way.notes]
    calls = f", through the calls at {', '.join(spots[1:])}" if len(spots) > 1 else ""
    return f"{way.entry} at {spots[0]}{calls}"


def counted(number: int, noun: str) -> str:
    """`1 error`, `2 errors`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def summary(findings: Iterable[Finding], files: int) -> str:
    """One line: how many findings of each severity, in how many files."""
    found = [finding.severity for finding in findings]
    parts = [counted(found.count(one), one) for one in ("error", "warning", "note") if one in found]
    return f"{', '.join(parts) or 'nothing'} found in {counted(files, 'file')}"
