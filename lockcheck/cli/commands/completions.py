"""`lockcheck completions`."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from lockcheck.cli.console import CLEAN, write

HELP = "print a script that lets your shell complete commands and options"

_FILES = {"PATH", "FILE"}


def add(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument("shell", choices=("bash", "zsh", "tcsh"))


def run(options: argparse.Namespace) -> int:
    """Its work."""
    import shtab

    from lockcheck import cli

    whole = cli.parser()
    for action in _actions(whole):
        if action.metavar in _FILES:
            action.complete = shtab.FILE  # type: ignore[attr-defined]  # what shtab reads
    write(shtab.complete(whole, options.shell) + "\n")
    return CLEAN


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """The arguments of a parser and of all that are below it."""
    for action in parser._actions:
        yield action
        if isinstance(action.choices, dict):
            for one in action.choices.values():
                yield from _actions(one)
