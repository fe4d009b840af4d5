"""The writing of files: a whole file or nothing of it.

In: paths and bytes.  Out: files.  Raises OSError, and then an old file is as it was.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping


def make_folder(path: str) -> None:
    """Make a folder and those above it, where they are missing. Raises OSError."""
    os.makedirs(path or ".", exist_ok=True)


def write(path: str, data: bytes) -> None:
    """Write a whole file or nothing of it. Raises OSError; an old file then is as it was."""
    if os.path.exists(path) and not os.path.isfile(path):  # a pipe or a device has no other name to write under
        with open(path, "wb") as file:
            file.write(data)
        return
    write_all({path: data})


def _scratch(path: str, data: bytes) -> str:
    """A file beside `path` with these bytes and its rights: what is to become it."""
    import tempfile

    folder, name = os.path.split(path)
    handle, scratch = tempfile.mkstemp(prefix=f".{name}.", dir=folder or ".")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(scratch, os.stat(path).st_mode if os.path.exists(path) else 0o666 & ~_umask())
    except BaseException:
        os.unlink(scratch)
        raise
    return scratch


def write_all(files: Mapping[str, bytes]) -> None:
    """Write several files: all of them, or, where one cannot be written, none. Raises OSError."""
    ready: list[tuple[str, str]] = []
    try:
        for path, data in files.items():
            ready.append((_scratch(path, data), path))
        while ready:
            os.replace(*ready[-1])
            ready.pop()
    finally:
        for scratch, _ in ready:
            os.unlink(scratch)


def plant(top: str, files: Iterable[tuple[str, bytes]]) -> None:
    """Write files below an empty folder, which then counts as the top of a repository. Raises OSError."""
    os.mkdir(os.path.join(top, ".git"))
    for path, data in files:
        parts = path.split("/")
        if ".." in parts or ".git" in parts or not all(parts):
            continue
        os.makedirs(os.path.join(top, *parts[:-1]), exist_ok=True)
        with open(os.path.join(top, *parts), "wb") as file:
            file.write(data)


def append(path: str, data: bytes) -> None:
    """Write at the end of a file that another program collects. Raises OSError."""
    with open(path, "ab") as file:
        file.write(data)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
