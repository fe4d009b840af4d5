"""What is believed to be held, against what compiled programs really did (tests/facts)."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent / "facts"))

import oracle

WANTED = 0.97


@pytest.mark.parametrize("edition", oracle.EDITIONS)
def test_drop_scopes_are_those_of_the_compiler(edition: str) -> None:
    verdicts = oracle.verdicts(edition)
    inexact = [verdict for verdict in verdicts if not verdict.exact]
    for verdict in inexact:
        print(f"{verdict} | the log says {verdict.row[f'log_{edition}']}")
    exact = len(verdicts) - len(inexact)
    assert exact / len(verdicts) >= WANTED, f"{exact} of {len(verdicts)}: " + ", ".join(
        verdict.row["id"] for verdict in inexact
    )


def test_a_log_reads_as_what_is_held() -> None:
    assert oracle.logged("+g then ~g after") == [("then", frozenset({"g"})), ("after", frozenset())]
