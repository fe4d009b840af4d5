"""What functions' results are other names of, as far as that is known without their steps.

In: functions that are linked, or were; what other processes tell.  Out: `Result`s.
Never: links a function.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias

from msgspec import msgpack

from lockcheck import ir
from lockcheck.linker.link import Linked

if TYPE_CHECKING:
    from lockcheck.board import Notes

Result: TypeAlias = tuple[ir.Place | None, Mapping[ir.Path, ir.Place]]
"""What a function's result is another name of, and what its fields are, by the way to each."""

NO_RESULT: Result = None, {}

_ENCODER, _DECODER = msgpack.Encoder(), msgpack.Decoder(tuple[ir.Place | None, dict[ir.Path, ir.Place]])


def result_in(note: bytes) -> Result:
    """What a note says."""
    return _DECODER.decode(note)


class Results:
    """The results of functions whose steps are not kept here."""

    def __init__(self) -> None:
        """Nothing is known yet."""
        self._known: dict[int, Result] = {}
        self._callees: dict[int, tuple[int, ...]] = {}
        self._notes: Notes | None = None

    def share(self, notes: Notes) -> None:
        """Note what is found from now on, and take what is noted."""
        self._notes = notes

    def keep(self, number: int, linked: Linked, result: Result) -> None:
        """A function's steps are let go."""
        self._known.setdefault(number, result)
        self._callees[number] = linked.callees

    def tell(self, number: int, result: Result) -> None:
        """What a function's result is, whoever asks."""
        self._known[number] = result
        if self._notes is not None:
            self._notes.write((number,), _ENCODER.encode(result))

    def of(self, number: int) -> Result | None:
        """What is known of a function's result."""
        if number not in self._known and self._notes is not None:
            said = self._notes.read(number)
            if said is not None:
                self._known[number] = result_in(said)
        return self._known.get(number)

    def callees(self, number: int) -> tuple[int, ...]:
        """The functions that one may call whose steps were let go here."""
        return self._callees.get(number, ())
