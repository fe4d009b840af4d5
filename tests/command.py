"""The command, run in this process: a test that asks for findings need not pay for an interpreter each time."""

from __future__ import annotations

import contextlib
import io
import os
from pathlib import Path
from typing import NamedTuple

from lockcheck import cli


class Said(NamedTuple):
    """What a run of the command gave back."""

    returncode: int
    stdout: str
    stderr: str


def lockcheck(folder: Path, *arguments: str) -> Said:
    """`lockcheck ARGUMENTS` in a folder. What only a process of its own can show is not for this: start-up, signals."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    before = os.getcwd()
    os.chdir(folder)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = cli.main(arguments)
    finally:
        os.chdir(before)
    return Said(status, *(_text(stream) for stream in (out, err)))


def _text(stream: io.TextIOWrapper) -> str:
    stream.flush()
    stream.seek(0)
    return stream.read()
