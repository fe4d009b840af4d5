"""`lockcheck rules`."""

from __future__ import annotations

import argparse

from lockcheck.cli.console import CLEAN, style, write

HELP = "list all rules"


def add(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument("--output", choices=("text", "markdown"), default="text", help="markdown: with their pages")


def run(options: argparse.Namespace) -> int:
    """Its work."""
    from lockcheck.report.text import link
    from lockcheck.rule import book
    from lockcheck.rules import RULES
    from lockcheck.suppress import OWN, PAGES

    if options.output == "markdown":
        write(book(RULES, [(code, slug, PAGES[code]) for code, slug in OWN]))
        return CLEAN
    rows = [(rule.code, rule.slug, ", ".join(rule.meta.languages), rule.meta.persona, rule.title) for rule in RULES]
    rows += [(code, slug, "python, rust", "regular", PAGES[code].partition("\n")[0]) for code, slug in OWN]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    pages = style().pages
    for row in sorted(rows):
        line = "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        print(link(row[0], pages.get(row[1], "")) + line[len(row[0]) :])
    return CLEAN
