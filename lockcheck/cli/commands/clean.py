"""`lockcheck clean`."""

from __future__ import annotations

import argparse

from lockcheck.cli.console import UsageError, write

HELP = "remove what earlier runs remembered"


def add(parser: argparse.ArgumentParser) -> None:
    """It has no arguments."""
    del parser


def run(options: argparse.Namespace) -> int:
    """Its work."""
    del options
    from lockcheck import cache

    try:
        freed = cache.clean()
    except OSError as error:
        raise UsageError(f"{cache.folder()}: {error.strerror}") from error
    write(f"{cache.folder()}: {freed / (1 << 20):.1f} MB removed\n")
    return 0
