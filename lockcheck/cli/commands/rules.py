"""`lockcheck rules`."""

from __future__ import annotations

import argparse

from lockcheck.cli.console import CLEAN

HELP = "list all rules"


def add(parser: argparse.ArgumentParser) -> None:
    """Its arguments: none."""
    del parser


def run(options: argparse.Namespace) -> int:
    """Its work."""
    del options
    from lockcheck.rules import RULES
    from lockcheck.suppress import OWN, PAGES

    rows = [(rule.code, rule.slug, ", ".join(rule.meta.languages), rule.meta.persona, rule.title) for rule in RULES]
    rows += [(code, slug, "python, rust", "regular", PAGES[code].partition("\n")[0]) for code, slug in OWN]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in sorted(rows):
        print("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())
    return CLEAN
