"""The walk: from the paths that a user gave to the files below them.

In: paths, endings of names, patterns to leave out.  Out: names of files, each once.
Never: reads a source.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from itertools import pairwise

from msgspec import Struct

from lockcheck.discover.ignoring import Patterns, ignored, leaves_out, patterns
from lockcheck.discover.paths import join, relative
from lockcheck.discover.reading import LARGEST, no_file, read, reason
from lockcheck.finding import Problem
from lockcheck.source import Source

IGNORE_FILE = ".gitignore"
PRIVATE = frozenset({".git", ".hg", ".svn", ".jj", ".bzr", ".pijul"})
"""Folders of version control systems."""
NOTHING = patterns(".", ())
"""A list that leaves nothing out."""


class Found(Struct, frozen=True):
    """What a walk found: files (sorted, each once, relative to the current folder), problems, and how many of the
    files that were asked for by name are left out because `exclude` says so.
    """

    files: tuple[str, ...]
    problems: tuple[Problem, ...]
    excluded: int = 0


def walk(paths: Sequence[str], suffixes: Sequence[str], exclude: Patterns = NOTHING) -> Found:
    """The files below `paths` whose names end in one of `suffixes`.

    Folders are searched, honouring every .gitignore from the top of the repository down; symbolic links to
    folders are not followed. A file that is named itself is taken whatever .gitignore says; `exclude` still counts.
    """
    files: set[str] = set()
    problems: set[Problem] = set()
    excluded = 0
    for path in map(relative, paths):
        if os.path.isdir(path):
            _Walk(tuple(suffixes), exclude, files, problems).search(path)
        elif ignored(path, exclude):
            excluded += 1
        else:
            why = no_file(path)
            if not why and not path.endswith(tuple(suffixes)):
                why = f"is in no language that lockcheck reads ({', '.join(suffixes)})"
            if why:
                problems.add(Problem(path, 1, why))
            else:
                files.add(path)
    return Found(tuple(sorted(_without_twins(files))), tuple(sorted(problems)), excluded)


def names_any(paths: Sequence[str], suffixes: Sequence[str], names: Sequence[re.Pattern[bytes]]) -> bool:
    """Whether one of the files below `paths` has one of the names; what cannot be read has none."""
    found = map(read, walk(paths, suffixes).files)
    return any(one.search(source.data) for source in found if isinstance(source, Source) for one in names)


class _Walk(Struct, frozen=True):
    """One search: what is wanted, what is left out, and where the finds go."""

    suffixes: tuple[str, ...]
    exclude: Patterns
    files: set[str]
    problems: set[Problem]

    def search(self, top: str) -> None:
        """Search a folder that the user named: it is searched even where a list above leaves it out."""
        stack = [(top, _lists_above(top))]
        while stack:
            folder, lists = stack.pop()
            try:
                with os.scandir(folder) as scan:
                    entries = sorted(scan, key=lambda entry: entry.name)
            except OSError as error:
                self.problems.add(Problem(folder, 1, reason(error)))
                continue
            if any(entry.name == IGNORE_FILE for entry in entries):
                lists += _ignore_file(folder)
            for entry in entries:
                path = join(folder, entry.name)
                if self._take(entry, path, lists):
                    stack.append((path, lists))

    def _take(self, entry: os.DirEntry[str], path: str, lists: Sequence[Patterns]) -> bool:
        """Note a file that is wanted; True for a folder to go into."""
        folder = entry.is_dir(follow_symlinks=False)
        wanted = entry.name.endswith(self.suffixes)
        if not (folder or wanted) or entry.name in PRIVATE:
            return False
        if leaves_out(lists, path, folder) or ignored(path, self.exclude, folder):
            return False
        why = no_file(path) if wanted and not entry.is_file(follow_symlinks=False) else ""
        if why:
            self.problems.add(Problem(path, 1, why))
        elif not folder:
            self.files.add(path)
        return folder


def _without_twins(files: set[str]) -> set[str]:
    """Leave out links to files that are there themselves."""
    links = {path for path in files if os.path.islink(path)}
    if not links:
        return files
    real = {os.path.realpath(path) for path in files - links}
    kept = set(files - links)
    for path in sorted(links):
        target = os.path.realpath(path)
        if target not in real:
            real.add(target)
            kept.add(path)
    return kept


def _lists_above(top: str) -> tuple[Patterns, ...]:
    """The lists in force at `top`: of its parents, from the top of its repository down; none outside of one, and none
    where they leave out `top` or a folder above it.
    """
    chain = [os.path.abspath(top)]
    while not os.path.exists(os.path.join(chain[-1], ".git")):
        above = os.path.dirname(chain[-1])
        if above == chain[-1]:
            return ()
        chain.append(above)
    found = _ignore_file(chain[-1], os.path.join(".git", "info", "exclude"))
    for above, folder in pairwise(reversed(chain)):
        found += _ignore_file(above)
        if leaves_out(found, relative(folder), folder=True):
            return ()
    return found


def _ignore_file(folder: str, name: str = IGNORE_FILE) -> tuple[Patterns, ...]:
    try:
        with open(os.path.join(folder, name), encoding="utf-8-sig", errors="replace") as file:
            return (patterns(folder, file.read(LARGEST).split("\n")),)
    except OSError:
        return ()
