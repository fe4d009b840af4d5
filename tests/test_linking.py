"""Names across files and crates, asked of the whole check: what is found must not depend on what stands beside."""

from __future__ import annotations

from pathlib import Path

import pytest
from fakes import write_tree

from lockcheck import engine
from lockcheck.config import Settings
from lockcheck.executors import Work

TABLE = "use std::sync::Mutex;\npub struct Table {\n    pub rows: Mutex<u32>,\n}\n"
TWICE = "    let rows = table.rows.lock().unwrap();\n    let again = table.rows.lock().unwrap();\n"


def found(folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int, str, str]]:
    """Path, line and code of each finding, and how sure it is that it is about a lock."""
    monkeypatch.chdir(folder)
    report = engine.check(["."], Settings(), Work())
    lines = [report.sources[one.span.path].position(one.span.start).line for one in report.findings]
    return [(one.span.path, line, one.code, one.evidence) for one, line in zip(report.findings, lines, strict=True)]


@pytest.mark.parametrize("beside", [{}, {"setup.py": "print(1)\n"}], ids=["alone", "a script beside the manifest"])
def test_crates_are_told_from_packages_of_another_language(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, beside: dict[str, str]
) -> None:
    write_tree(
        tmp_path,
        {
            "Cargo.toml": '[package]\nname = "top"\nversion = "1.0.0"\nedition = "2021"\n',
            "src/lib.rs": "mod table;\npub use table::Table;\n",
            "src/table.rs": TABLE,
            "inner/Cargo.toml": '[package]\nname = "inner"\nversion = "1.0.0"\nedition = "2021"\n'
            '[dependencies]\ntop = { path = ".." }\n',
            "inner/src/lib.rs": "use top::Table;\nfn twice(table: &Table) {\n" + TWICE + "}\n",
            **beside,
        },
    )
    assert found(tmp_path, monkeypatch) == [("inner/src/lib.rs", 4, "LCK201", "declared")]


def test_names_are_found_through_modules_that_bring_in_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first question must not spoil the answer to the second."""
    write_tree(
        tmp_path,
        {
            "Cargo.toml": '[package]\nname = "top"\nversion = "1.0.0"\nedition = "2021"\n',
            "src/lib.rs": "mod a;\nmod b;\nmod c;\n"
            "fn one(table: &a::Table) {\n" + TWICE + "}\n"
            "fn two(table: &b::Table) {\n" + TWICE + "}\n",
            "src/a.rs": "pub use super::b::*;\npub use super::c::*;\n",
            "src/b.rs": "pub use super::a::*;\n",
            "src/c.rs": TABLE,
        },
    )
    assert found(tmp_path, monkeypatch) == [
        ("src/lib.rs", 6, "LCK201", "declared"),
        ("src/lib.rs", 10, "LCK201", "declared"),
    ]
