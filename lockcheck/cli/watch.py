"""`lockcheck check --watch`: the same again whenever a file changes that it depends on."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Sequence

from lockcheck.cli.console import CLEAN, UsageError, complain


def again(paths: Sequence[str], work: Callable[[], int]) -> int:
    """Do the work now and after every change below the paths; ends by an interrupt only."""
    try:
        from watchfiles import DefaultFilter, watch
    except ImportError:
        raise UsageError("--watch needs the package watchfiles: pip install 'lockcheck-lint[watch]'") from None
    from lockcheck import discover
    from lockcheck.config import FILES, ConfigError
    from lockcheck.frontends import SUFFIXES

    class Ours(DefaultFilter):
        """What an analysis may depend on, without the folders that nobody writes sources in."""

        def __call__(self, change: object, path: str) -> bool:
            name = path.replace("\\", "/")
            ours = discover.concerns(name, tuple(SUFFIXES)) or name.rpartition("/")[2] in FILES
            return ours and super().__call__(change, path)  # type: ignore[arg-type]

    def once() -> None:
        try:
            work()
        except (ConfigError, UsageError) as error:  # the next change may mend it
            complain(str(error))
        sys.stdout.flush()
        complain("waiting for changes")

    gc.enable()  # this process stays
    first = True  # only when the watching has begun: what changes meanwhile is then seen
    for changes in watch(*paths, watch_filter=Ours(), rust_timeout=200, yield_on_timeout=True):
        if changes or first:
            once()
        first = False
    return CLEAN
