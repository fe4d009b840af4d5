"""The command line: the only room that prints.

In: arguments.  Out: text on standard output and standard error, files that were asked for, an exit status.
Exit status: 0 nothing found, 1 findings, 2 wrong usage or configuration, or nothing could be analysed.

A command is a file in `commands/`: nothing lists them. Only the file of the command that was asked for is imported,
and everything heavy only when it runs, so that `--version` and `--help` come at once.
"""

from __future__ import annotations

import gc
import sys

from lockcheck import __version__

TYPE_CHECKING = False  # `typing` itself takes longer than all that `--version` needs
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence
    from types import ModuleType


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with these arguments; returns the exit status.

    Without arguments those of the process are meant, which is taken to end after this: nothing is collected then,
    since looking through all that a run has made takes a quarter of its time.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    if arguments is not None:
        return _main(list(arguments))
    gc.disable()
    try:
        return _main(sys.argv[1:])
    finally:
        gc.freeze()


def _main(words: list[str]) -> int:
    if words == ["--version"]:
        print(f"lockcheck {__version__}")
        return 0
    import os

    from lockcheck.cli.console import FINDINGS, INTERRUPTED

    options = _parsed(words)
    try:
        status = _run(options)
        sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # noqa: TID251  (no reader is left)
        return FINDINGS


def command_names() -> tuple[str, ...]:
    """The names of all commands."""
    from lockcheck.cli import commands
    from lockcheck.installed import modules

    return tuple(name.replace("_", "-") for name in modules(commands.__path__))


def _parsed(words: list[str]) -> argparse.Namespace:
    """What the arguments say. Options may stand among a command's paths, unless it has commands of its own."""
    import argparse

    if not words or words[0] not in command_names():
        return parser().parse_args(words)
    command = _command(words[0])
    about = f"{command.HELP[0].upper()}{command.HELP[1:]}."
    alone = argparse.ArgumentParser(f"lockcheck {words[0]}", description=about)
    command.add(alone)
    alone.set_defaults(run=command.run)
    nested = any(isinstance(action.choices, dict) for action in alone._actions)
    return alone.parse_args(words[1:]) if nested else alone.parse_intermixed_args(words[1:])


def _run(options: argparse.Namespace) -> int:
    from lockcheck.cli.console import FAILED, UsageError, complain
    from lockcheck.config import ConfigError
    from lockcheck.rule import RuleError

    try:
        command: Callable[[argparse.Namespace], int] = options.run
        return command(options)
    except (ConfigError, UsageError, RuleError) as error:
        complain(str(error))
        return FAILED


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    import argparse

    top = argparse.ArgumentParser("lockcheck", description="Find lock-scope bugs in Rust and Python sources.")
    top.add_argument("--version", action="version", version=f"lockcheck {__version__}")
    choices = top.add_subparsers(required=True, metavar="COMMAND")
    for name in command_names():
        command = _command(name)
        one = choices.add_parser(name, help=command.HELP)
        command.add(one)
        one.set_defaults(run=command.run)
    return top


def _command(name: str) -> ModuleType:
    """The file of a command: `HELP` is its line of help, `add(parser)` its arguments, `run(options)` its work."""
    import importlib

    return importlib.import_module(f"lockcheck.cli.commands.{name.replace('-', '_')}")
