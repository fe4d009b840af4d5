"""`lockcheck test`."""

from __future__ import annotations

import argparse

from lockcheck.cli.console import CLEAN, FINDINGS

HELP = "try rules on their pages' examples and on their fixtures"


def add(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument("rules", nargs="*", metavar="RULE", help="codes, slugs, or files of rules (default: all rules)")
    parser.add_argument("--fixtures", metavar="FOLDER", default="fixtures", help="where SLUG.* is looked for")


def run(options: argparse.Namespace) -> int:
    """Its work."""
    import os

    from lockcheck import discover, harness
    from lockcheck.frontends import SUFFIXES
    from lockcheck.report.text import counted, safe

    folder = [options.fixtures] if os.path.isdir(options.fixtures) else []
    files = discover.walk(folder, tuple(SUFFIXES)).files
    failed = False
    for rule in harness.rules(options.rules):
        texts, complaints = harness.trial(rule, files)
        failed = failed or bool(complaints)
        print(f"{'FAILED' if complaints else 'ok':<6}  {rule.code}  {rule.slug}  {counted(texts, 'text')}")
        for complaint in complaints:
            print(f"        {safe(complaint)}")
    return FINDINGS if failed else CLEAN
