"""Versions of packages that have a known deadlock or busy loop, as data: `known.toml` beside this file.

In: the data, what a project adds to it, versions as lock files spell them.  Out: `Advisory`, and what it affects.
Never: opens a file of the project.
"""

from __future__ import annotations

import pkgutil
import re
import sys
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from msgspec import Struct

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


class Version(NamedTuple):
    """A version by the rules of Semantic Versioning 2.0.0; build metadata is left out, as it has no rank.

    `pre` has a pair for each part of a pre-release: (0, number, "") or (1, 0, text). It is empty for a release.
    """

    major: int
    minor: int
    patch: int
    pre: tuple[tuple[int, int, str], ...] = ()

    @property
    def rank(self) -> tuple[object, ...]:
        """What versions are ordered by: a pre-release comes before its release."""
        return (self.major, self.minor, self.patch, not self.pre, self.pre)


_VERSION = re.compile(r"(\d+)(?:\.(\d+|[*xX]))?(?:\.(\d+|[*xX]))?(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?$")
_COMPARATOR = re.compile(r"(\^|~|=|<=|<|>=|>)?\s*(\S+)$")


def version(text: str) -> Version:
    """The version that a text spells. Raises ValueError where it has not three numbers."""
    found = _VERSION.match(text.strip())
    if found is None or not (found[2] or "").isdigit() or not (found[3] or "").isdigit():
        raise ValueError(f"{text!r} is no version")
    return Version(int(found[1]), int(found[2]), int(found[3]), _pre(found[4]))


def _pre(text: str | None) -> tuple[tuple[int, int, str], ...]:
    parts = text.split(".") if text else []
    return tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts)


def matches(requirement: str, found: Version) -> bool:
    """Whether a version fits a requirement as Cargo reads it (`^` where no operator stands, commas mean and).

    A pre-release fits only where a comparator names a pre-release of the same three numbers.
    Source: https://doc.rust-lang.org/cargo/reference/specifying-dependencies.html. Raises ValueError.
    """
    parts = [_comparator(part) for part in requirement.split(",")]
    if found.pre:
        same = (c.low for c in parts if c is not None and c.low.pre)
        if not any(low[:3] == found[:3] for low in same):
            return False
    return all(part is None or part.fits(found) for part in parts)


class _Comparator(NamedTuple):
    """One comparator: its operator, its version with zeros for what is not said, and how many numbers are said."""

    sign: str
    low: Version
    said: int

    @property
    def above(self) -> Version:
        """The first version behind all that begin with the numbers said."""
        numbers = [*self.low[:3]]
        numbers[self.said - 1] += 1
        return _numbered(numbers[: self.said])

    @property
    def compatible(self) -> Version:
        """The first version that a caret no longer takes: the leftmost number that is not zero goes up."""
        numbers = self.low[:3]
        first = next((n for n in range(self.said) if numbers[n]), self.said - 1)
        return _numbered([*numbers[:first], numbers[first] + 1])

    def fits(self, found: Version) -> bool:
        """Whether the version is one of those that the comparator takes."""
        at = found.rank
        match self.sign:
            case "<":
                return at < self.low.rank
            case ">=":
                return at >= self.low.rank
            case ">":
                return at > self.low.rank if self.said == 3 else at >= self.above.rank
            case "<=":
                return at <= self.low.rank if self.said == 3 else at < self.above.rank
            case "=":
                return at == self.low.rank if self.said == 3 else self.low.rank <= at < self.above.rank
            case "~":
                end = self._replace(said=min(self.said, 2)).above
            case "*":
                end = self.above
            case _:
                end = self.compatible
        return self.low.rank <= at and found[:3] < end[:3]


def _numbered(numbers: list[int]) -> Version:
    """The release with these first numbers; the others are zero."""
    major, minor, patch, *_ = [*numbers, 0, 0]
    return Version(major, minor, patch)


def _comparator(text: str) -> _Comparator | None:
    """None for `*`, which takes everything."""
    text = text.strip()
    if text in ("*", "x", "X"):
        return None
    said = _COMPARATOR.match(text)
    found = _VERSION.match(said[2]) if said else None
    if said is None or found is None:
        raise ValueError(f"{text!r} is no version requirement")
    numbers = [n for n in (found[1], found[2], found[3]) if n is not None]
    wild = next((n for n, one in enumerate(numbers) if not one.isdigit()), None)
    if wild is not None and (found[4] or said[1] or any(one.isdigit() for one in numbers[wild:])):
        raise ValueError(f"{text!r} is no version requirement")
    numbers = numbers[:wild] if wild is not None else numbers
    low = _numbered([int(one) for one in numbers])._replace(pre=_pre(found[4]))
    return _Comparator("*" if wild is not None else said[1] or "^", low, len(numbers))


class Advisory(Struct, frozen=True):
    """A known fault of some versions of a package.

    `affected` are version requirements, one of which must fit. `calls` are the methods and functions that come to
    the fault; empty where any use may. `what` says what happens, `cure` what to do, `source` is a page about it.
    """

    id: str
    package: str
    affected: tuple[str, ...]
    what: str
    cure: str
    source: str
    calls: tuple[str, ...] = ()

    def affects(self, package: str, spelled: str) -> bool:
        """Whether a version of a package, as a lock file spells it, has the fault."""
        if package != self.package:
            return False
        try:
            found = version(spelled)
        except ValueError:
            return False
        return any(matches(one, found) for one in self.affected)


def advisory(table: Mapping[str, object]) -> Advisory:
    """An advisory from a table of the data or of a project's settings. Raises ValueError saying what is wrong."""
    texts = ("id", "package", "what", "cure", "source")
    lists = ("affected", "calls")
    for key in table:
        if key not in (*texts, *lists):
            raise ValueError(f"an advisory has no {key!r}")
    for key in (*texts, "affected"):
        if key not in table:
            raise ValueError(f"an advisory needs {key!r}")
    values: dict[str, str] = {}
    for key in texts:
        value = table[key]
        if not isinstance(value, str):
            raise ValueError(f"{key} must be a string, not {value!r}")
        values[key] = value
    affected, calls = (_strings(key, table.get(key, [])) for key in lists)
    for one in affected:
        matches(one, Version(0, 0, 0))
    return Advisory(**values, affected=affected, calls=calls)


def _strings(key: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ValueError(f"{key} must be a list of strings, not {value!r}")
    return tuple(value)


@cache
def known() -> tuple[Advisory, ...]:
    """The advisories that come with lockcheck, in the order of the data."""
    text = (pkgutil.get_data(__name__, "known.toml") or b"").decode()
    return tuple(advisory(one) for one in tomllib.loads(text)["advisory"])
