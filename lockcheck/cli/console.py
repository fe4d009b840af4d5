"""What commands share when they speak: statuses, standard output and error, colours, links, progress."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from lockcheck.finding import Problem
    from lockcheck.report import Style

CLEAN, FINDINGS, FAILED, INTERRUPTED = 0, 1, 2, 130
"""Exit statuses."""


class UsageError(Exception):
    """The arguments do not fit together."""


def write(text: str) -> None:
    """Write text for programs to standard output: UTF-8, whatever the locale."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace"))
    sys.stdout.buffer.flush()


TOPS = ("GITHUB_WORKSPACE", "CI_PROJECT_DIR", "BUILD_SOURCESDIRECTORY")
"""Variables in which GitHub, GitLab and Azure say where the repository is: they want paths relative to it."""


def machine_style() -> Style:
    """How reports for programs look."""
    from lockcheck import discover
    from lockcheck.report import Style

    top = next((os.environ[name] for name in TOPS if os.environ.get(name)), "")
    return Style(below=discover.below(top) if top else "")


def save(option: str, file: str, text: str, folders: bool = False) -> None:
    """Write a file that an option asked for, and its `folders` where they are missing.

    Raises UsageError where that cannot be.
    """
    from lockcheck import discover

    try:
        if folders:
            discover.make_folder(file.rpartition("/")[0])
        discover.write(file, text.encode("utf-8", "backslashreplace"))
    except OSError as error:
        raise UsageError(f"{option}: cannot write {file}: {(error.strerror or str(error)).lower()}") from None


def add_to(file: str, text: str) -> None:
    """Write at the end of a file that a pipeline collects; that it cannot be is said, and no more."""
    from lockcheck import discover

    try:
        discover.append(file, text.encode("utf-8", "backslashreplace"))
    except OSError as error:
        complain(f"cannot write {file}: {(error.strerror or str(error)).lower()}")


ALIKE = 3
"""As many functions, or files, at which the analysis came to the same limit are named, the others are counted."""


def tell(problems: Sequence[Problem]) -> None:
    """Name every problem on standard error, of one limit of the analysis the first few.

    That is one of a function (``"`f`: why"``) or of a file of which all else was analysed: generated files often have a
    syntax that only their macros know. What was left out is always named: somebody has to look at it.
    """
    seen: Counter[tuple[str, str]] = Counter()
    for problem in problems:
        limit = _limit(problem.message)
        seen[limit] += 1
        if not limit[0] or seen[limit] <= ALIKE:
            complain(f"{problem.path}:{problem.line}: {problem.message}")
    for (what, why), times in seen.items():
        if what and times > ALIKE:
            complain(f"{times - ALIKE} more {what}: {why} (`--output json` names them in `problems`)")


def _limit(message: str) -> tuple[str, str]:
    """Of what a problem is a limit of the analysis ("functions", "files"), and which; of nothing where it is none."""
    subject, limit, why = message.partition("`: ")
    if limit and subject.startswith("`"):
        return "functions", why
    return ("files" if message.endswith("was analysed") else ""), message


def complain(message: str) -> None:
    """Say something on standard error."""
    from lockcheck.report.text import safe

    print(f"lockcheck: {safe(message)}", file=sys.stderr)


def looked(paths: Sequence[str], problems: Sequence[Problem], files: int) -> int:
    """The exit status of a command that only looks: whether there was anything to look at."""
    if not files and not problems:
        complain(f"no Rust or Python files in {', '.join(paths)}")
    return CLEAN if files else FAILED


def style() -> Style:
    """How text for people may look on standard output."""
    from lockcheck.report import Style

    return Style(colorful(sys.stdout), _pages() if sys.stdout.isatty() and colorful(sys.stdout) else {})


def _pages() -> Mapping[str, str]:
    """Where a terminal's links lead: to the rule's file, whose docstring is its page."""
    from urllib.request import pathname2url

    from lockcheck.rules import RULES

    return {rule.slug: "file://" + pathname2url(rule.check.__code__.co_filename) for rule in RULES}


def colorful(stream: TextIO) -> bool:
    """Whether to write in colour."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR", "0") != "0":
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def progress() -> Callable[[int, int], None] | None:
    """What draws the progress: only on a terminal, and never where a program watches."""
    if not sys.stderr.isatty() or os.environ.get("CI") or os.environ.get("PRE_COMMIT"):
        return None

    def draw(done: int, total: int) -> None:
        sys.stderr.write("\r\x1b[K" if done == total else f"\r{done}/{total} files")
        sys.stderr.flush()

    return draw
