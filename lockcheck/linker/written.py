"""What types say by the way they are written, before anybody asks what their names mean.

In: types, names.  Out: answers.
Never: a declaration.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import lru_cache

from lockcheck import ir

UNKNOWN = ir.Type(("_",))
GUARD = "[guard]"
"""The path of the type of a guard, whatever the library calls it."""
NOTHING = ir.Type(("[tuple]",))
"""The type of a value that says nothing, `()`."""
REF = ("[ref]",)
"""The path of the type of a reference: its value belongs to somebody else."""


def mentions(kind: ir.Type, names: Iterable[str]) -> bool:
    """Whether a type as written has one of the names as the last part of a path."""
    return not _last_parts(kind).isdisjoint(names)


def have_in_common(one: ir.Type, other: ir.Type) -> bool:
    """Whether two types as written have the last part of a path in common."""
    return not _last_parts(one).isdisjoint(_last_parts(other))


@lru_cache(maxsize=1 << 13)
def _last_parts(kind: ir.Type) -> frozenset[str]:
    """The last parts of all paths in a type; most fields and results are of some few types."""
    return frozenset(kind.path[-1:]).union(*map(_last_parts, kind.args))


def has_trait(kind: ir.Type | None, traits: Collection[str]) -> bool:
    """Whether a type is or contains some value of which only one of the traits is told."""
    if kind is None or kind.path == ("[fn]",):
        return False
    if kind.path == ("[dyn]",):
        return any(trait.path[-1] in traits for trait in kind.args)
    return any(has_trait(inner, traits) for inner in kind.args)
