"""`lockcheck locks`."""

from __future__ import annotations

import argparse
import sys
from functools import partial

from lockcheck.cli import options as shared
from lockcheck.cli.console import colorful, looked, progress, tell, write

HELP = "list every lock: where it is declared, taken, and what for"


def add(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    shared.tree(parser)
    parser.add_argument("--reached-from", metavar="PATTERN", help="only what functions like `Repl::ping` come to")
    parser.add_argument("--output", choices=("text", "json"), default="text")


def run(options: argparse.Namespace) -> int:
    """Its work."""
    from lockcheck import engine
    from lockcheck.report import inventory, reached
    from lockcheck.report.text import Paint

    paths = options.paths or ["."]
    if options.reached_from:
        touched, problems, files = engine.reached(
            paths, shared.settings(options, paths), options.reached_from, progress()
        )
        document, text = partial(reached.document, touched), partial(reached.text, touched)
    else:
        found, problems, files = engine.locks(paths, shared.settings(options, paths), progress())
        document, text = partial(inventory.document, found), partial(inventory.text, found)
    tell(problems)
    if options.output == "json":
        write(document())
    elif files:
        sys.stdout.write(text(Paint(colorful(sys.stdout))))
    return looked(paths, problems, files)
