"""What processes tell each other is what they found out, or nothing."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from msgspec import msgpack

from lockcheck import discover, engine
from lockcheck.analysis.summaries import Summary
from lockcheck.config import Settings
from lockcheck.source import Source

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere processes do not share the tree")
FIXTURES = Path(__file__).parent.parent / "fixtures"


@pytest.fixture
def board() -> Iterator[object]:
    from lockcheck.board import Board

    with closing(Board({})) as made:
        yield made


def in_another_process(work: Callable[[], None]) -> int:
    """Do something in a fork; how that ended."""
    child = os.fork()
    if not child:
        try:
            work()
        except BaseException:
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_who_was_forked_reads_what_others_wrote_and_is_read(board) -> None:  # type: ignore[no-untyped-def]
    assert board.read(1) is None
    board.write((1, 7), b"both")

    def child() -> None:
        assert board.read(7) == b"both"
        board.write((2,), b"")
        board.write((3,), b"long" * 1_000_000)

    assert in_another_process(child) == 0
    assert (board.read(1), board.read(2), board.read(3), board.read(4)) == (b"both", b"", b"long" * 1_000_000, None)


@pytest.mark.parametrize("left", [3, 14, 25])
def test_behind_a_note_that_was_cut_off_nothing_is_believed(board, left: int) -> None:  # type: ignore[no-untyped-def]
    board.write((1,), b"whole note")
    size = os.fstat(board._file).st_size
    board.write((2,), b"whole note")
    os.ftruncate(board._file, size + left)
    board.write((3,), b"another whole note")
    assert (board.read(1), board.read(2)) == (b"whole note", None)
    assert board.read(3) in (None, b"another whole note")


def test_what_a_call_does_survives_being_told() -> None:
    found = discover.walk([str(FIXTURES)], (".rs", ".py"), discover.patterns(".", ()))
    sources = [one for one in map(discover.read, found.files) if isinstance(one, Source)]
    analysis, _ = engine.analyse(sources, (), Settings())
    known = {number: analysis.summary(number) for number in range(0, len(analysis.program.functions), 3)}
    assert sum(not one.says_nothing for one in known.values()) > 200
    assert msgpack.decode(msgpack.encode(known), type=dict[int, Summary]) == known
