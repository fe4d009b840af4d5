"""What a package has, and what the packages that are installed beside this one declare.

In: the folders of a package, the name of a group of entry points.  Out: names of modules, whether a package may name
any in the group.  Never: imports what is there or declared.
The standard library knows both, at a price that each run would pay.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress

DECLARATIONS = "entry_points.txt"
"""Where a package's folder of metadata names its entry points (PyPA, "Entry points specification")."""


def modules(folders: Iterable[str]) -> list[str]:
    """The names of the modules and packages in folders, sorted.

    `pkgutil` knows, but has `inspect` imported, which takes 15 ms.
    """
    return sorted(
        name.removesuffix(".py")
        for folder in folders
        for name in os.listdir(folder)
        if (name.endswith(".py") and name != "__init__.py") or os.path.isfile(os.path.join(folder, name, "__init__.py"))
    )


def may_name(group: str) -> bool:
    """Whether a package on the path may name entry points in `group`: only then is it worth asking for them.

    `importlib.metadata` knows, but importing it takes 30 ms, an eighth of what a small run takes. An archive on the
    path, which only it can look into, may always.
    """
    word = group.encode()
    return any(os.path.isfile(place) for place in sys.path) or any(word in text for text in _declarations())


def _declarations() -> Iterator[bytes]:
    for place in sys.path:
        with suppress(OSError):
            for name in os.listdir(place or "."):
                if name.endswith((".dist-info", ".egg-info")):
                    with suppress(OSError), open(os.path.join(place, name, DECLARATIONS), "rb") as file:
                        yield file.read()
