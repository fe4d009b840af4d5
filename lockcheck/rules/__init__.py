"""The rules: every file in this folder is one, and nothing lists them; other packages bring theirs.

A package names its own in the entry points of the group `lockcheck.rules`, each a rule's file (`mine.no_such_lock`)
or a package of such files.

Out: `RULES`, by code.  Never: syntax, files, formatting.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator
from types import ModuleType

from lockcheck.installed import may_name, modules
from lockcheck.rule import Rule, RuleError, load, validate

GROUP = "lockcheck.rules"
"""The group of entry points in which a package names its rules."""


def _own() -> Iterator[Rule]:
    for name in _files(__path__):
        yield load(importlib.import_module(f"{__name__}.{name}"))


def _others() -> Iterator[Rule]:
    """The rules of other packages. Raises RuleError."""
    if not may_name(GROUP):
        return
    from importlib import metadata

    for point in sorted(metadata.entry_points(group=GROUP), key=lambda point: (point.value, point.name)):
        try:
            yield from map(load, _modules(point.load()))
        except Exception as error:  # whatever somebody else's file does
            raise RuleError(f"rules of {point.value!r}: {type(error).__name__}: {error}") from error


def _modules(module: ModuleType) -> Iterator[ModuleType]:
    if not hasattr(module, "__path__"):
        yield module
        return
    for name in _files(module.__path__):
        yield importlib.import_module(f"{module.__name__}.{name}")


def _files(folders: Iterable[str]) -> Iterator[str]:
    return (name for name in modules(folders) if not name.startswith("_"))


def _all() -> tuple[Rule, ...]:
    own = list(_own())
    others = list(_others())
    try:
        validate([*own, *others])
    except ValueError as error:
        raise RuleError(str(error)) from None
    return tuple(sorted([*own, *others], key=lambda rule: rule.code))


RULES: tuple[Rule, ...] = _all()
