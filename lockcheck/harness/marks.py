"""The marks in a fixture or an example: what must be said about the line below each of them.

In: a text.  Out: `Mark`s, and what a fixture's name says of it.
Never: opens a file, judges.

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
from collections.abc import Iterable, Iterator

from msgspec import Struct

MARK = re.compile(
    r"^\s*(?://|#)\s*(ruleid|todoruleid|ok|todook|missed|false alarm):"
    r"\s*([a-z0-9-]+(?:\s*,\s*[a-z0-9-]+)*)\s*(?:—\s*(.*))?$"
)
LOOKS_LIKE_ONE = re.compile(r"^\s*(?://|#)\s*(?:\w+ )?(?:todo)?(?:ruleid|ok|missed|alarm)\b")
REPORTED = frozenset({"ruleid", "todoruleid", "false alarm"})
EXPORT_REPORTED = frozenset({"ruleid", "todook"})


class Mark(Struct, frozen=True):
    """One mark: the line that is judged (the one below it, from 1), its kind, the rule, and why, where it must say."""

    line: int
    kind: str
    slug: str
    why: str = ""

    @property
    def reported(self) -> bool:
        """Whether lockcheck must report the line."""
        return self.kind in REPORTED

    @property
    def export_reported(self) -> bool:
        """Whether the exported pattern must report the line."""
        return self.kind in EXPORT_REPORTED


def marks(text: str) -> Iterator[Mark]:
    """Every mark of a text. Raises ValueError for a line that was meant as one and is none."""
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


def expected(found: Iterable[Mark], slugs: frozenset[str] | None = None) -> set[tuple[int, str]]:
    """The (line, slug) pairs that lockcheck must report, and no others."""
    return {(mark.line, mark.slug) for mark in found if mark.reported and (slugs is None or mark.slug in slugs)}


def edition(name: str) -> str:
    """`x.2024.rs` is written in edition 2024, `x.rs` in 2021."""
    return "2024" if name.endswith(".2024.rs") else "2021"


def slug(name: str) -> str:
    """The rule that a fixture is for: `read-then-write` of `read-then-write.2024.rs`."""
    return name.split(".", 1)[0]


_SETTING = re.compile(r"^(?://|#) ([a-z-]+ = .+)$")
_VERSION = re.compile(r"^(?://|#) Cargo\.lock: (\S+) (\S+)$")


def head(text: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """What the comments at the top of a text say: settings as TOML, and (package, version) of a lock file."""
    settings, versions = [], []
    for line in text.splitlines():
        if not line.startswith(("//", "#")):
            break
        if said := _SETTING.match(line):
            settings.append(said[1])
        elif found := _VERSION.match(line):
            versions.append((found[1], found[2]))
    return "\n".join(settings), tuple(versions)
