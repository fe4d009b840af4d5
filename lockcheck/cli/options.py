"""Arguments that several commands take, and the settings that come of them."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lockcheck.config import Settings
    from lockcheck.executors import Work

CHOICES = {
    "persona": ("regular", "pedantic", "auditor"),
    "confidence": ("possible", "likely", "certain"),
    "edition": ("2015", "2018", "2021", "2024"),
    "graph": ("dot", "mermaid", "json"),
}
"""What options may say; the rooms that own these words are too heavy to import for `--help` (a test compares)."""


def edition(parser: argparse.ArgumentParser) -> None:
    """`--edition`."""
    parser.add_argument("--edition", choices=CHOICES["edition"], help="of Rust, instead of what Cargo.toml says")


def config(parser: argparse.ArgumentParser) -> None:
    """`--config`."""
    parser.add_argument("--config", metavar="FILE", default="", help="read the settings from this file only")


def exclude(parser: argparse.ArgumentParser) -> None:
    """`--exclude`."""
    parser.add_argument("--exclude", metavar="PATTERN", action="append", help=".gitignore pattern of what to leave out")


def selection(parser: argparse.ArgumentParser) -> None:
    """What every command takes that reports findings."""
    add = parser.add_argument
    add("--select", metavar="RULES", action="append", help="codes, their beginnings, or slugs, with commas")
    add("--ignore", metavar="RULES", action="append", help="the same: what not to report")
    add("--persona", choices=CHOICES["persona"], help="how much noise you want")
    add("--min-confidence", choices=CHOICES["confidence"], help="report nothing less sure (default: likely)")
    exclude(parser)
    edition(parser)
    config(parser)
    add("--jobs", type=positive, default=os.cpu_count() or 1, metavar="N", help="processes at once")
    add("--no-cache", action="store_true", help="analyse everything anew, and remember nothing")
    add("--executor", metavar="dask=ADDRESS", default="", help="read files on the workers of a Dask cluster")


def baseline_file(settings: Settings) -> str:
    """The baseline file that the settings name, relative to the current folder; empty where there is none."""
    from lockcheck.discover import relative

    return relative(f"{settings.folder}/{settings.baseline}") if settings.baseline else ""


def tree(parser: argparse.ArgumentParser) -> None:
    """What every command takes that looks at a whole tree."""
    parser.add_argument("paths", nargs="*", metavar="PATH", help="files and folders (default: the current folder)")
    exclude(parser)
    edition(parser)
    config(parser)


def positive(word: str) -> int:
    """A number from 1. Raises ValueError."""
    number = int(word)
    if number < 1:
        raise ValueError(word)
    return number


def work(options: argparse.Namespace) -> Work:
    """Who is to do the work. Raises ConfigError where that cannot be had."""
    from lockcheck.executors import Work

    return Work(options.jobs, not options.no_cache, options.executor)


def settings(options: argparse.Namespace, paths: Sequence[str]) -> Settings:
    """The settings of the files at `paths` with what the command line says instead."""
    from lockcheck import engine

    found = engine.configure(paths, options.config)
    for name in ("select", "ignore", "persona", "min_confidence", "edition", "exclude"):
        value = getattr(options, name, None)
        if value is None:
            continue
        if name in ("select", "ignore"):
            value = tuple(word.strip() for one in value for word in one.split(",") if word.strip())
        elif name == "exclude":
            value = tuple(value)
        found = found.override("--" + name.replace("_", "-"), **{name: value})
    return engine.validated(found)
