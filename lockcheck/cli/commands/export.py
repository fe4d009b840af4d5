"""`lockcheck export`."""

from __future__ import annotations

import argparse

from lockcheck.cli import options as shared
from lockcheck.cli.console import CLEAN, FAILED, UsageError, looked, progress, save, tell

HELP = "write the rules for another tool: semgrep or ast-grep"
FOLDERS = {"semgrep": "rules", "ast-grep": "ast-grep"}


def add(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument("tool", choices=sorted(FOLDERS), help="whose rules to write")
    parser.add_argument(
        "--project", metavar="PATH", action="append",
        help="analyse this tree and write rules that also know its locks, wrappers and calls; repeatable",
    )  # fmt: skip
    parser.add_argument("-o", "--out", metavar="FOLDER", help="where to (default: rules, or ast-grep)")
    shared.exclude(parser)
    shared.edition(parser)
    shared.config(parser)


def run(options: argparse.Namespace) -> int:
    """Its work."""
    from lockcheck import engine
    from lockcheck.export import export
    from lockcheck.export.known import NOTHING

    if options.project and options.tool != "semgrep":
        raise UsageError(f"--project: rules for {options.tool} can hold nothing of a project, see docs/semgrep.md")
    known = NOTHING
    if options.project:
        known, problems, files = engine.known(options.project, shared.settings(options, options.project), progress())
        tell(problems)
        if looked(options.project, problems, files) != CLEAN:
            return FAILED
    folder = (options.out or FOLDERS[options.tool]).rstrip("/")
    for file in export(options.tool, known):
        save("--out", f"{folder}/{file.path}", file.text, folders=True)
    return CLEAN
