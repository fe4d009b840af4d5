"""The shapes that the tables describe types by, whatever a language calls them: a table maps its own names to these.

In: nothing.  Out: names.
"""

from __future__ import annotations

from collections.abc import Mapping

OPTION = "Option"
"""A value that may be missing: its argument."""

RESULT = "Result"
"""A value, its first argument, or an error instead."""

MAP = "Map"
"""Values by keys: of its two arguments the first is the keys'."""

LIST = "[list]"
"""Any number of its argument."""

PRESENT: Mapping[str, str] = {OPTION: "Some.0", RESULT: "Ok.0"}
"""What may be missing, with the part at which it is where it is there."""

MAKERS: Mapping[str, str] = {"Some": OPTION, "Ok": RESULT, "Err": ""}
"""What is put together by name around a value; empty: the value is no part that matters."""
