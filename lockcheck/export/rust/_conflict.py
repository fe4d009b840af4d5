"""The four rules about one lock taken under its own guard, for the tools' languages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lockcheck.export.rust import _semgrep as sg
from lockcheck.export.words import Words


def semgrep(words: Words, held: Sequence[str], wanted: Sequence[str]) -> dict[str, Any]:
    """A lock taken by one of the methods `wanted` under its own guard made by one of `held`."""
    found = [
        sg.binding(words, held, sg.AGAIN, "$B"),
        sg.under_heads(words, held, sg.AGAIN, "$B"),
        sg.in_one_statement(held, sg.AGAIN, "$B"),
    ]
    return sg.both(sg.either(found), sg.named("B", wanted))
