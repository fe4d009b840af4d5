"""Rust: the only room that knows tree-sitter.

In: a `Source` and its crate.  Out: `ir.Unit` (what it declares) and `ir.Body` (one function's steps).
Never: says what is a lock, resolves a name, raises on broken code.
"""

from lockcheck.frontends.rust.declare import declare
from lockcheck.frontends.rust.expand import Known
from lockcheck.frontends.rust.lower import lower

SUFFIXES = (".rs",)

__all__ = ["SUFFIXES", "Known", "declare", "lower"]
