"""Which files a list of patterns leaves out: .gitignore files, and settings that are written like them.

In: a folder and lines, as gitignore(5) describes them.  Out: `Patterns`, and whether they leave a path out.
Never: opens a file.  Why it is not left to a library: the best kept one took a sixth of the time of all imports.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from msgspec import Struct

from lockcheck.discover.paths import relative, seen_from

_ENDING_SPACES = re.compile(r"(?<!\\)((?:\\\\)*) +$")
_TOKEN = re.compile(
    r"(?P<deep>(?:(?<=/)|^)\*{2,}(?:/|$))|(?P<any>\*+)|(?P<one>\?)|(?P<set>\[[!^]?\]?(?:\[:\w+:\]|\\.|[^\]\\])*\])|\\?(?P<plain>.)",
    re.DOTALL,
)
_MEMBER = re.compile(r"\[:(?P<kind>\w+):\]|\\?(?P<first>.)(?:-\\?(?P<last>[^\]]))?", re.DOTALL)
_KINDS = {
    "alnum": "a-zA-Z0-9",
    "alpha": "a-zA-Z",
    "blank": r" \t",
    "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\s",
    "upper": "A-Z",
    "xdigit": "a-fA-F0-9",
}
"""What stands for a POSIX class of characters in a set of `re`."""


class Patterns(Struct, frozen=True):
    """The lines of one list, relative to a folder. `runs` are neighbours that say the same: (left out, which paths).

    They expect a NUL behind a folder's name.
    """

    folder: str
    runs: tuple[tuple[bool, re.Pattern[str]], ...]

    def say(self, inside: str, folder: bool) -> bool | None:
        """Whether the last line about this path, as seen from the folder, leaves it out; None where no line is."""
        asked = inside + "\x00" if folder else inside
        return next((out for out, paths in reversed(self.runs) if paths.fullmatch(asked)), None)


def patterns(folder: str, lines: Iterable[str]) -> Patterns:
    """The patterns of a list in `folder`. A line that is no pattern is left out, as git does."""
    rules = [rule for line in lines for rule in _rules(line)]
    runs = [
        (out, re.compile("|".join(paths for _, paths in run), re.DOTALL))
        for out, run in groupby(rules, key=lambda rule: rule[0])
    ]
    return Patterns(relative(folder), tuple(runs))


def leaves_out(lists: Sequence[Patterns], path: str, folder: bool = False) -> bool:
    """Whether lists leave a path out, whose folders they do not; the last one to speak decides."""
    for one in reversed(lists):
        inside = seen_from(path, one.folder)
        said = None if inside is None else one.say(inside, folder)
        if said is not None:
            return said
    return False


def ignored(path: str, by: Patterns, folder: bool = False) -> bool:
    """Whether a list leaves out this path (relative to the current folder), or a folder above it."""
    inside = seen_from(path, by.folder) if by.runs else None
    if inside is None:
        return False
    above = any(by.say(inside[: at.start()], folder=True) for at in re.finditer("/", inside))
    return above or bool(by.say(inside, folder))


def _rules(line: str) -> Iterator[tuple[bool, str]]:
    """(left out, regular expression) of a line; nothing where it is a remark, or can match no path."""
    line = _ENDING_SPACES.sub(r"\1", line.removesuffix("\r"))
    if line.startswith("#"):
        return
    out = not line.startswith("!")
    line = line if out else line[1:]
    end = r"\x00" if line.endswith("/") else r"\x00?"
    line = line.removesuffix("/")
    whole = "/" in line
    written = _expression(line.removeprefix("/"))
    if written:
        yield out, (written if whole else f"(?:.*/)?{written}") + end


def _expression(glob: str) -> str:
    """The regular expression of a pattern without its marks; empty where it can match nothing."""
    written = []
    at = 0
    while at < len(glob):
        token = _TOKEN.match(glob, at)
        if token is None or glob[at:] == "\\" or token["plain"] == "[" == glob[at]:
            return ""
        at = token.end()
        if token["deep"]:
            written.append("(?:.*/)?" if token["deep"].endswith("/") else ".+")
        elif token["any"]:
            written.append(r"[^/\x00]*")
        elif token["one"]:
            written.append(r"[^/\x00]")
        elif token["set"]:
            written.append(_set(token["set"]))
        else:
            written.append(re.escape(token["plain"]))
    return "".join(written)


def _set(text: str) -> str:
    """The set of characters that `[…]` is, for `re`; none of them is `/`."""
    without = text[1] in "!^"
    members = []
    for member in _MEMBER.finditer(text[1 + without : -1]):
        first, last = member["first"], member["last"]
        if member["kind"]:
            if member["kind"] not in _KINDS:
                return "(?!)"
            members.append(_KINDS[member["kind"]])
        elif last is None or last < first:
            members.append(re.escape(first))
        else:
            members.append(f"{re.escape(first)}-{re.escape(last)}")
    inner = "".join(members)
    if without:
        return rf"[^/\x00{inner}]"
    return rf"(?![/\x00])[{inner}]" if inner else "(?!)"
