"""`lockcheck graph`."""

from __future__ import annotations

import argparse

from lockcheck.cli import options as shared
from lockcheck.cli.console import looked, progress, tell, write

HELP = "draw which lock is taken under which"


def add(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    shared.tree(parser)
    parser.add_argument("--format", choices=shared.CHOICES["graph"], default="dot")


def run(options: argparse.Namespace) -> int:
    """Its work."""
    from lockcheck import engine
    from lockcheck.report import graph

    paths = options.paths or ["."]
    found, problems, files = engine.order(paths, shared.settings(options, paths), progress())
    tell(problems)
    write(graph.render(options.format, found))
    return looked(paths, problems, files)
