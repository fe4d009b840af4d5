"""`lockcheck explain`."""

from __future__ import annotations

import argparse

from lockcheck.cli.console import CLEAN

HELP = "print the page of a rule"


def add(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument("rule", metavar="RULE", help="a code or a slug")


def run(options: argparse.Namespace) -> int:
    """Its work."""
    from lockcheck.config import ConfigError, did_you_mean
    from lockcheck.rules import RULES
    from lockcheck.suppress import OWN, PAGES

    pages = {(rule.code, rule.slug): rule.page for rule in RULES}
    pages |= {names: PAGES[names[0]] for names in OWN}
    for (code, slug), page in pages.items():
        if options.rule.upper() == code or options.rule.lower() == slug:
            print(f"{code} {slug}\n\n{page.rstrip()}")
            return CLEAN
    names = [name for pair in pages for name in pair]
    raise ConfigError(f"no rule is called {options.rule!r}{did_you_mean(options.rule, names)}")
