"""`lockcheck config`."""

from __future__ import annotations

import argparse

from lockcheck.cli import options as shared
from lockcheck.cli.console import CLEAN, write

HELP = "print the settings in force and where each is from"


def add(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument("paths", nargs="*", metavar="PATH", help="whose settings (default: the current folder)")
    parser.add_argument("--schema", action="store_true", help="print what the settings may be, as JSON Schema")
    shared.config(parser)


def run(options: argparse.Namespace) -> int:
    """Its work."""
    import json

    from msgspec import to_builtins

    from lockcheck.config import rows, schema

    if options.schema:
        write(json.dumps(schema(), indent=2) + "\n")
        return CLEAN
    for key, value, place in rows(shared.settings(options, options.paths or ["."])):
        shown = dict(value) if key in ("per-file-ignores", "severity") and isinstance(value, tuple) else value
        print(f"{key} = {json.dumps(shown, ensure_ascii=False, default=to_builtins)}  # {place}")
    return CLEAN
