"""The reading of one file: its text, or why there is none.

In: paths.  Out: `Source`, or a `Problem` for what cannot be read.
Never: an exception for what a file system may hold.
"""

from __future__ import annotations

import os
import re
import stat
import time

from lockcheck.finding import Problem
from lockcheck.source import Source

LARGEST = 8 * 1024 * 1024
"""Files of more bytes than this are named, not read: nobody wrote them by hand."""
IMPORTED = ".py"
"""How the names of files end that other files import by their place in folders, without a manifest."""


def no_file(path: str) -> str:
    """Why a path cannot be read as a file; empty where it can be tried."""
    try:
        mode = os.stat(path).st_mode
    except OSError as error:
        broken = os.path.islink(path) and isinstance(error, FileNotFoundError)
        return "is a broken link" if broken else reason(error)
    if stat.S_ISDIR(mode):
        return "is a folder with the name of a file"
    return "" if stat.S_ISREG(mode) else "is no regular file"


def read(path: str, largest: int = LARGEST) -> Source | Problem:
    """The text of a file, or why there is none. Never reads more than `largest` bytes, never waits."""
    why = no_file(path)
    if why:
        return Problem(path, 1, why)
    try:
        with open(path, "rb") as file:
            data = file.read(largest + 1)
    except OSError as error:
        return Problem(path, 1, reason(error))
    return source(path, data, largest)


def stamp(path: str) -> tuple[int, ...]:
    """By what a file is known to be as it was: size, times of change, number. Empty where that would not tell.

    A file that changed just now may change again without another time. A copy may bring its old time of change along,
    but not that of its entry (`st_ctime`), which git's index looks at too.
    """
    try:
        known = os.stat(path)
    except OSError:
        return ()
    recent = known.st_mtime_ns > time.time_ns() - _RECENT
    return () if recent else (known.st_size, known.st_mtime_ns, known.st_ctime_ns, known.st_ino)


_RECENT = 2 * 10**9
"""Nanoseconds: the coarsest clock of a file system that is in use ticks every two seconds."""


def source(path: str, data: bytes, largest: int = LARGEST) -> Source | Problem:
    """The bytes as a `Source`, or why they cannot be one: too many, none, or not in their encoding."""
    if len(data) > largest:
        return Problem(path, 1, f"is larger than {largest // 1024 // 1024} MiB: not analysed")
    if not data and not path.endswith(IMPORTED):
        return Problem(path, 1, "is empty")
    try:
        if not data.isascii():
            data.decode("utf-8")
    except UnicodeDecodeError as error:
        said = _recoded(data) if path.endswith(IMPORTED) else None
        if said is not None:
            return Source(path, said, recoded=True)
        line = data.count(b"\n", 0, error.start) + 1
        return Problem(path, line, f"is not UTF-8 (byte 0x{data[error.start]:02x} at offset {error.start})")
    if b"\r" in data and path.endswith(IMPORTED) and _OLD_LINE_END.search(data):
        return Source(path, _OLD_LINE_END.sub(b"\n", data), recoded=True)
    return Source(path, data)


_CODING = re.compile(rb"(?:[ \t\f]*(?:#[^\n]*)?\n)?[ \t\f]*#[^\n]*?coding[:=][ \t]*([-\w.]+)")
"""What a file says of its own encoding, https://docs.python.org/3/reference/lexical_analysis.html#encoding-declarations"""
_OLD_LINE_END = re.compile(rb"\r(?!\n)")


def _recoded(data: bytes) -> bytes | None:
    """The text in UTF-8 by what its first two lines say of its encoding; None where they say nothing that fits."""
    said = _CODING.match(data)
    try:
        return data.decode(said[1].decode()).encode() if said is not None else None
    except (LookupError, ValueError):
        return None


def reason(error: OSError) -> str:
    """An operating system's error in words."""
    match error:
        case FileNotFoundError() | NotADirectoryError():
            return "does not exist"
        case PermissionError():
            return "cannot be read: permission denied"
        case _:
            return f"cannot be read: {(error.strerror or str(error)).lower()}"


def text_of(path: str, largest: int = LARGEST) -> str | Problem:
    """The text of a file such as a manifest or a configuration; a Problem where it cannot be read."""
    found = read(path, largest)
    if isinstance(found, Source):
        return found.data.decode("utf-8")
    empty = found.message == "is empty"
    return "" if empty else found
