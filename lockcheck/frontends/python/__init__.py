"""Python: the only room that knows libcst, which is imported when the first function is lowered.

In: a `Source` and the folder that its imports begin at.  Out: `ir.Unit` (what it declares) and `ir.Body` (one
function's steps).
Never: says what is a lock, resolves a name, raises on broken code.
"""

from lockcheck.frontends.python.declare import declare

__all__ = ["declare"]
