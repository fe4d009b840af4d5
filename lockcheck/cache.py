"""What earlier runs found out, kept between runs: a table from digests to bytes.

In: keys made of everything that a value depends on.  Out: `Store`, which gives back what was saved under a key.
Never: fails a run. Whatever is wrong with the file (corrupted, full, read-only, in use), the run goes on without it.

The file is an sqlite database in the cache folder of the platform, or in `LOCKCHECK_CACHE_DIR`; several runs may use
it at once, and one that is killed leaves it whole. Values are msgpack, checked as they are read, and nothing in them
is ever executed. What was not used for the longest time goes first once the file is larger than `LARGEST`.
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing, suppress
from functools import cache
from typing import TYPE_CHECKING

from lockcheck import __version__

if TYPE_CHECKING:
    import sqlite3

LARGEST = 256 << 20
"""Bytes that the values may have together, about; there is one file for each user."""

_DAY = 86400 * 10**9
"""Nanoseconds."""
_AT_ONCE = 500
"""Keys in one query: sqlite allows 999 parameters."""

_TABLE = """
create table if not exists entry (key blob primary key, value blob not null, check_sum blob not null, used integer)
without rowid
"""


def folder() -> str:
    """Where the cache is kept: `LOCKCHECK_CACHE_DIR`, or `lockcheck` in the user's cache folder of the platform."""
    given = os.environ.get("LOCKCHECK_CACHE_DIR", "")
    if given:
        return given
    if sys.platform == "win32":
        return os.path.join(os.environ.get("LOCALAPPDATA") or os.path.expanduser("~"), "lockcheck", "cache")
    if sys.platform == "darwin":
        return os.path.expanduser("~/Library/Caches/lockcheck")
    base = os.environ.get("XDG_CACHE_HOME", "")
    return os.path.join(base if os.path.isabs(base) else os.path.expanduser("~/.cache"), "lockcheck")


def clean() -> int:
    """Remove the cache's file; how many bytes that freed. Raises OSError where it cannot be removed."""
    freed = 0
    for name in (_file(), *(_file() + end for end in ("-wal", "-shm", "-journal"))):
        try:
            size = os.path.getsize(name)
            os.unlink(name)
        except FileNotFoundError:
            continue
        freed += size
    return freed


class Store:
    """The cache of one run; without a file where `on` is False."""

    def __init__(self, on: bool = True) -> None:
        """Opens nothing yet."""
        self._on = on

    def key(self, *parts: bytes | str) -> bytes:
        """The digest under which a value is kept that depends on `parts`, and on lockcheck itself."""
        made = hashlib.blake2b(_tool(), digest_size=20)
        for part in parts:
            data = part.encode("utf-8", "surrogateescape") if isinstance(part, str) else part
            made.update(len(data).to_bytes(8, "little"))
            made.update(data)
        return made.digest()

    def load(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """The values of those keys that have one."""
        found: dict[bytes, bytes] = {}
        self._use(lambda database: _read(database, keys, found))
        return found

    def save(self, values: Mapping[bytes, bytes]) -> None:
        """Keep these values; what is too much is removed, what was not used for the longest time first."""
        if values:
            self._use(lambda database: _write(database, values))

    def _use(self, work: Callable[[sqlite3.Connection], None]) -> None:
        """Do something with the database, as far as there is one."""
        if not self._on:
            return
        import sqlite3

        try:
            with closing(_connected()) as database:
                work(database)
        except (sqlite3.OperationalError, OSError):  # full, read-only, locked for too long: this run does without
            self._on = False
        except sqlite3.DatabaseError:  # no database at all: the next one begins anew
            with suppress(OSError):
                clean()


def _read(database: sqlite3.Connection, keys: Sequence[bytes], found: dict[bytes, bytes]) -> None:
    stale, now = [], time.time_ns()
    for start in range(0, len(keys), _AT_ONCE):
        some = keys[start : start + _AT_ONCE]
        marks = ",".join("?" * len(some))
        query = f"select key, value, check_sum, used from entry where key in ({marks})"
        for key, value, check_sum, used in database.execute(query, some):
            if _check_sum(value) == check_sum:
                found[key] = value
                if used < now - _DAY:
                    stale.append((now, key))
    if stale:
        with database:
            database.executemany("update entry set used = ? where key = ?", stale)


def _write(database: sqlite3.Connection, values: Mapping[bytes, bytes]) -> None:
    now = time.time_ns()
    rows = [(key, value, _check_sum(value), now) for key, value in values.items()]
    with database:
        database.executemany("insert or replace into entry values (?, ?, ?, ?)", rows)
    _shrink(database)


def _connected() -> sqlite3.Connection:
    import sqlite3

    os.makedirs(folder(), mode=0o700, exist_ok=True)
    database = sqlite3.connect(_file(), timeout=2.0)
    try:
        database.execute("pragma journal_mode = wal")
        database.execute("pragma synchronous = off")
        database.execute(_TABLE)
    except BaseException:
        database.close()
        raise
    return database


def _shrink(database: sqlite3.Connection) -> None:
    """Remove what was not used for the longest time while there is too much."""
    pages, free, size = (
        database.execute(f"pragma {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
    )
    surplus = (pages - free) * size - LARGEST
    if surplus <= 0:
        return
    surplus += LARGEST // 4  # so that this is not done each time
    gone = []
    for key, length in database.execute("select key, length(value) from entry order by used, key"):
        gone.append((key,))
        surplus -= length
        if surplus <= 0:
            break
    with database:
        database.executemany("delete from entry where key = ?", gone)


def _file() -> str:
    return os.path.join(folder(), "cache-1.db")


def _check_sum(value: bytes) -> bytes:
    return hashlib.blake2b(value, digest_size=8).digest()


@cache
def _tool() -> bytes:
    """What tells this lockcheck from every other: its version, its files, and the Python that runs it."""
    made = hashlib.blake2b(f"{__version__} {sys.version}".encode(), digest_size=20)
    for path, size, changed in sorted(_own_files(os.path.dirname(os.path.abspath(__file__)))):
        made.update(f"{path}\0{size}\0{changed}\0".encode("utf-8", "surrogateescape"))
    return made.digest()


def _own_files(top: str) -> Iterable[tuple[str, int, int]]:
    """(path, size, time of change) of every file of lockcheck that means something."""
    waiting = [top]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    if entry.name != "__pycache__":
                        waiting.append(entry.path)
                elif entry.name.endswith((".py", ".toml")):
                    known = entry.stat()
                    yield os.path.relpath(entry.path, top), known.st_size, known.st_mtime_ns
