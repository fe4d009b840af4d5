"""The languages: which front end reads which file. Each is imported when its first file comes.

In: a `Source`.  Out: its `ir.Unit`; for a function of it, its `ir.Body`.
Never: more of a language than its name and its file endings.
"""

from __future__ import annotations

from lockcheck import ir
from lockcheck.source import Crate, Source

SUFFIXES = {".rs": "rust"}


def declare(source: Source, crate: Crate | None) -> ir.Unit:
    """What a file declares. The file's ending must be one of `SUFFIXES`."""
    from lockcheck.frontends import rust

    return rust.declare(source, crate)


def lower(unit: ir.Unit, source: Source, function: ir.Function, edition: int) -> ir.Body:
    """The steps of a function. Raises RecursionError where the code is nested too deep."""
    from lockcheck.frontends import rust

    return rust.lower(source.data, function, edition)
