"""The four rules about one lock taken under its own guard, for the tools' languages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lockcheck.export.rust import _semgrep as sg
from lockcheck.export.words import Words


def semgrep(words: Words, held: Sequence[str], wanted: Sequence[str]) -> dict[str, Any]:
    """A lock taken by one of the methods `wanted` under its own guard made by one of `held`."""
    return sg.both(sg.either(sg.under(words, sg.taken(held), sg.again(wanted))))
