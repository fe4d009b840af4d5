"""From paths to sources: the walk, the reading, and the manifests that say how the files belong together.

In: paths as the user gave them.  Out: names of files, `Source`, `Crate`, texts of configuration files, and a
`Problem` for everything that cannot be read.
Never: a syntax, a setting, an exception for what a file system may hold. The only room that opens files.
"""

from __future__ import annotations

from lockcheck.discover.cargo import crates, lock_files
from lockcheck.discover.ignoring import Patterns, ignored, patterns
from lockcheck.discover.paths import below, relative
from lockcheck.discover.projects import concerns, configurations, project
from lockcheck.discover.reading import LARGEST, read, source, stamp, text_of
from lockcheck.discover.walking import Found, names_any, walk
from lockcheck.discover.writing import append, make_folder, plant, write, write_all

__all__ = [
    "LARGEST", "Found", "Patterns", "append", "below", "concerns", "configurations", "crates", "ignored", "lock_files",
    "make_folder", "names_any", "patterns", "plant", "project", "read", "relative", "source", "stamp", "text_of",
    "walk", "write", "write_all",
]  # fmt: skip
