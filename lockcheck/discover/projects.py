"""What lies around the sources: where a project begins, its configurations, where its imports begin.

In: paths.  Out: folders, texts of configuration files.
Never: the meaning of a setting.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence

from lockcheck.discover.paths import join, seen_from, upwards
from lockcheck.discover.reading import IMPORTED, text_of
from lockcheck.discover.walking import IGNORE_FILE, PRIVATE
from lockcheck.finding import Problem
from lockcheck.source import Crate

PROJECT_FILES = ("pyproject.toml", "setup.py", "setup.cfg", "lockcheck.toml")
"""Files that stand at the top of a Python project."""
MANIFESTS = frozenset({IGNORE_FILE, "Cargo.toml", "Cargo.lock", *PROJECT_FILES})
"""Names of files that are no sources, but tell how sources belong together."""
_PROJECT = ("pyproject.toml", "setup.py", "setup.cfg")


def configurations(paths: Sequence[str], names: Sequence[str]) -> Iterator[tuple[str, str | Problem]]:
    """Texts of the files called `names`, each with its path, from the folder around all `paths` upwards."""
    tops = [os.path.abspath(path) for path in paths] or [os.getcwd()]
    try:
        folder = os.path.commonpath(tops)
    except ValueError:
        folder = os.getcwd()
    if not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    for one in upwards(folder):
        for name in names:
            path = join(one, name)
            if os.path.isfile(path):
                yield path, text_of(path)


def project(path: str) -> str | None:
    """The nearest folder above a file (which need not exist) that holds a project; None where there is none."""
    for folder in upwards(os.path.dirname(os.path.abspath(path))):
        if any(os.path.exists(os.path.join(folder, name)) for name in (*PROJECT_FILES, *sorted(PRIVATE))):
            return folder
    return None


def concerns(path: str, suffixes: Sequence[str]) -> bool:
    """Whether an analysis needs a file of this name: a source, or one that says how sources belong together."""
    return path.endswith(tuple(suffixes)) or path.rpartition("/")[2] in MANIFESTS


def import_folders(folders: Iterable[str]) -> tuple[Crate, ...]:
    """The folders that absolute imports begin at, for files in `folders`, sorted.

    Above a package (a folder with `__init__.py`) that is the one around the outermost package. A file outside of any
    package is imported from its project's top, or from its `src`; without a project from the current folder.
    """
    found = {_import_folder(folder) for folder in folders}
    return tuple(Crate("", folder, "0", suffix=IMPORTED) for folder in sorted(found))


def _import_folder(folder: str) -> str:
    top = folder
    for one in upwards(folder):
        if not os.path.isfile(join(one, "__init__.py")):
            top = one
            break
    if top != folder:
        return top
    for one in upwards(folder):
        if any(os.path.isfile(join(one, name)) for name in _PROJECT):
            inside = seen_from(folder, one) or ""
            return join(one, "src") if inside.split("/")[0] == "src" else one
    return folder if folder.startswith("..") else "."
