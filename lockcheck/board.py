"""What is noted of a tree while it is worked on, for later runs and for other processes.

In: bytes, with the numbers that they speak of.  Out: the same bytes, from a `Board` in every process that was forked
afterwards.
Never: knows what the bytes mean, waits for anybody. Who has not been told yet works it out.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Mapping, Sequence

_HEAD = struct.Struct("<III")
"""How many numbers a note speaks of, how many bytes it has beside them, and a check sum of both."""

_AT_ONCE = 1 << 20
"""So many bytes are read at once."""


class Notes:
    """Notes of this process alone."""

    def __init__(self, known: Mapping[int, bytes]) -> None:
        """`known` are notes that hold already, by the numbers that they speak of."""
        self._known = dict(known)

    def write(self, numbers: Sequence[int], said: bytes) -> None:
        """Note something of these numbers."""
        self._known.update(dict.fromkeys(numbers, said))

    def write_all(self, known: Mapping[int, bytes]) -> None:
        """Note something of each of these numbers, for this process alone."""
        self._known.update(known)

    def read(self, number: int) -> bytes | None:
        """What is noted of a number; None where nothing is."""
        return self._known.get(number)

    def every(self) -> Mapping[int, bytes]:
        """All that is noted, by number."""
        return self._known


class Board(Notes):
    """A file in memory that all processes append to, one note at once."""

    def __init__(self, known: Mapping[int, bytes]) -> None:
        """Needs Linux. Raises OSError where the system has no room for one."""
        import fcntl

        super().__init__(known)
        self._file = os.memfd_create("lockcheck")
        fcntl.fcntl(self._file, fcntl.F_SETFL, os.O_APPEND)
        self._read = 0
        self._left = b""
        self._broken = False

    def close(self) -> None:
        """Nothing is written or read any more."""
        os.close(self._file)

    def write(self, numbers: Sequence[int], said: bytes) -> None:
        """The same for all, as far as there is room."""
        if self._broken:
            return
        rest = struct.pack(f"<{len(numbers)}I", *numbers) + said
        note = _HEAD.pack(len(numbers), len(said), zlib.crc32(rest)) + rest
        try:
            self._broken = os.write(self._file, note) < len(note)
        except OSError:
            self._broken = True

    def read(self, number: int) -> bytes | None:
        """What anybody noted of a number; None where nobody did."""
        while number not in self._known and not self._broken and (data := self._more()):
            self._take(self._left + data)
        return self._known.get(number)

    def every(self) -> Mapping[int, bytes]:
        """All that anybody noted up to now."""
        while not self._broken and (data := self._more()):
            self._take(self._left + data)
        return self._known

    def _more(self) -> bytes:
        data = os.pread(self._file, _AT_ONCE, self._read)
        self._read += len(data)
        return data

    def _take(self, data: bytes) -> None:
        """Remember what is written; a note that was cut off, since its writer was killed, is the last one."""
        start = 0
        while start + _HEAD.size <= len(data):
            count, size, check_sum = _HEAD.unpack_from(data, start)
            rest = data[start + _HEAD.size : start + _HEAD.size + 4 * count + size]
            if len(rest) < 4 * count + size:
                break
            if zlib.crc32(rest) != check_sum:
                self._broken = True
                break
            self._known.update(dict.fromkeys(struct.unpack_from(f"<{count}I", rest), rest[4 * count :]))
            start += _HEAD.size + len(rest)
        self._left = data[start:]
