"""`lockcheck export`."""

from __future__ import annotations

import argparse

from lockcheck.cli.console import CLEAN, save

HELP = "write the rules for another tool: semgrep"
FOLDERS = {"semgrep": "rules"}


def add(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument("tool", choices=sorted(FOLDERS), help="whose rules to write")
    parser.add_argument("-o", "--out", metavar="FOLDER", help="where to (default: rules)")


def run(options: argparse.Namespace) -> int:
    """Its work."""
    from lockcheck.export import export

    folder = (options.out or FOLDERS[options.tool]).rstrip("/")
    for file in export(options.tool):
        save("--out", f"{folder}/{file.path}", file.text, folders=True)
    return CLEAN
