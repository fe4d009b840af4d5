"""`lockcheck server`."""

from __future__ import annotations

import argparse
import gc

from lockcheck.cli import options as shared
from lockcheck.cli.console import CLEAN, UsageError

HELP = "serve an editor: the language server, on standard input and output"


def add(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    shared.selection(parser)


def run(options: argparse.Namespace) -> int:
    """Its work."""
    try:
        from lockcheck.integrations import lsp
    except ImportError:
        raise UsageError("the server needs the package pygls: pip install 'lockcheck-lint[lsp]'") from None
    gc.enable()  # this process stays
    lsp.serve(lambda paths: shared.settings(options, paths), shared.work(options))
    return CLEAN
