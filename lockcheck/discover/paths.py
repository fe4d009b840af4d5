"""Paths as reports show them: relative to the current folder, with `/`.

In: paths.  Out: paths.  Never: opens a file.
"""

from __future__ import annotations

import os
from collections.abc import Iterator


def relative(path: str) -> str:
    """A path as reports show it: relative to the current folder, with `/`; absolute on another drive."""
    if _is_plain(path):
        return path
    try:
        path = os.path.relpath(path)
    except ValueError:
        path = os.path.abspath(path)
    return path.replace(os.sep, "/")


def _is_plain(path: str) -> bool:
    """Whether a path is one already as reports show it, and below the current folder."""
    return os.sep == "/" and not {"", ".", ".."}.intersection(path.split("/"))


def join(folder: str, name: str) -> str:
    """A name in a folder, as `relative` would give it."""
    if folder == ".":
        return name
    return relative(f"{folder}/{name}") if folder.startswith("..") else f"{folder}/{name}"


def seen_from(path: str, base: str) -> str | None:
    """`path` as seen from `base`, both relative to the current folder; None where it is not below."""
    if base == ".":
        return None if path == "." or path.startswith("..") else path
    if path.startswith(base + "/"):
        return path[len(base) + 1 :]
    if set(base.split("/")) == {".."}:
        inside = os.path.relpath(path, base).replace(os.sep, "/")
        return None if inside.startswith("..") or inside == "." else inside
    return None


def below(top: str) -> str:
    """Where the current folder is below `top`, with `/`; empty where it is `top` itself or not below it."""
    try:
        inside = os.path.relpath(os.path.realpath("."), os.path.realpath(top)).replace(os.sep, "/")
    except ValueError:
        return ""
    return "" if inside == "." or inside.startswith("..") else inside


def upwards(folder: str) -> Iterator[str]:
    """A folder and all above it, relative to the current one."""
    while _is_plain(folder):
        yield folder
        folder = os.path.dirname(folder) or "."
    at = os.path.abspath(folder)
    while True:
        yield relative(at)
        above = os.path.dirname(at)
        if above == at:
            return
        at = above
