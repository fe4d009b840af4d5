"""`lockcheck baseline`."""

from __future__ import annotations

import argparse
import posixpath

from lockcheck.cli import options as shared
from lockcheck.cli.console import CLEAN, FAILED, complain, progress, save, tell

HELP = "write down what is there, so that `check --baseline` reports only what is new"

USUAL = "lockcheck-baseline.json"


def add(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument("paths", nargs="*", metavar="PATH", help="files and folders (default: the current folder)")
    parser.add_argument("-o", "--output", metavar="FILE", help=f"default: what the settings name, or {USUAL}")
    shared.selection(parser)


def run(options: argparse.Namespace) -> int:
    """Its work."""
    from lockcheck import compare, engine
    from lockcheck.report.text import counted

    paths = options.paths or ["."]
    settings = shared.settings(options, paths)
    report = engine.check(paths, settings, shared.work(options), progress())
    tell(report.problems)
    if not report.files:
        complain(f"no Rust or Python files in {', '.join(paths)}")
        return FAILED
    file = options.output or shared.baseline_file(settings) or posixpath.normpath(f"{settings.folder}/{USUAL}")
    save("--output", file, compare.as_baseline(report, file))
    print(f"{counted(len(report.findings), 'finding')} written to {file}")
    return CLEAN
