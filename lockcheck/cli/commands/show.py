"""`lockcheck show`."""

from __future__ import annotations

import argparse
import re
import sys

from lockcheck.cli import options as shared
from lockcheck.cli.console import CLEAN, FAILED, UsageError, colorful, tell, write

HELP = "print what is held at every event of a file"


def add(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument("file", metavar="FILE")
    parser.add_argument("--function", metavar="NAME", help="only this function: `get`, `Catalog::get`, `Catalog.get`")
    parser.add_argument("--calls", action="store_true", help="read the whole crate and list the calls not resolved")
    parser.add_argument("--output", choices=("text", "json"), default="text")
    shared.edition(parser)
    shared.config(parser)


def run(options: argparse.Namespace) -> int:
    """Its work."""
    from lockcheck import engine
    from lockcheck.config import did_you_mean
    from lockcheck.report import show
    from lockcheck.report.text import Paint

    functions, problems = engine.look(options.file, shared.settings(options, [options.file]), options.calls)
    tell(problems)
    wanted = options.function
    chosen = [one for one in functions if not wanted or wanted in (one.name, *re.split(r"::|\.", one.name)[-1:])]
    if wanted and not chosen:
        raise UsageError(f"no function {wanted!r} in {options.file}{did_you_mean(wanted, (f.name for f in functions))}")
    if options.output == "json":
        write(show.document(chosen, options.calls))
    else:
        sys.stdout.write(show.text(chosen, Paint(colorful(sys.stdout)), options.calls))
    return FAILED if problems and not functions else CLEAN
