"""The rules: every file in this folder is one, and nothing lists them.

Out: `RULES`, by code.  Never: syntax, files, formatting.
"""

from __future__ import annotations

import importlib
import pkgutil

from lockcheck.rule import Rule, load, validate


def _all() -> tuple[Rule, ...]:
    names = sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))
    rules = (load(importlib.import_module(f"{__name__}.{name}")) for name in names)
    return tuple(sorted(rules, key=lambda rule: rule.code))


RULES: tuple[Rule, ...] = _all()
validate(RULES)
