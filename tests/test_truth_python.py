"""Every Python fixture is run: what claims to hang hangs (or loses its lock), every cure ends."""

from __future__ import annotations

import os
from pathlib import Path

import marks
import pytest
import truth_python

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"
FILES = sorted((FIXTURES / "python").glob("*.py"))
PROGRAMS = sorted(path.parent for path in (FIXTURES / "programs").glob("*/run.py"))

pytestmark = pytest.mark.skipif(
    not hasattr(os, "fork"), reason="this system has no fork: fixtures are judged, but not run for their truth"
)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_fixture_does_what_it_says(path: Path, tmp_path: Path) -> None:
    text, slug = path.read_text(encoding="utf-8"), marks.slug(path)
    claims = frozenset(
        mark.line
        for mark in marks.read(path)
        if mark.kind in ("ruleid", "todoruleid", "missed") and mark.slug in truth_python.HANGS
    )
    wanted = truth_python.entries(text, claims)
    module = "fixture_" + slug.replace("-", "_")
    (tmp_path / f"{module}.py").write_text(text, encoding="utf-8")
    complaints = truth_python.judge(tmp_path, module, wanted, slug)
    assert not complaints, "\n" + "\n".join(complaints)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.name)
def test_program_does_what_it_says(program: Path) -> None:
    wanted = truth_python.entries((program / "run.py").read_text(encoding="utf-8"), frozenset())
    complaints = truth_python.judge(program, "run", wanted, "")
    assert not complaints, "\n" + "\n".join(complaints)
