"""Versions as Cargo compares them, and what is said about a lock file."""

from __future__ import annotations

from pathlib import Path

import pytest
from fakes import write_tree

from lockcheck.advisories import advisory, known, matches, version
from lockcheck.config import ConfigError, Settings, settle
from lockcheck.engine import check
from lockcheck.executors import Work
from lockcheck.finding import Finding


@pytest.mark.parametrize(
    ("requirement", "inside", "outside"),
    [
        ("1.2.3", "1.2.3 1.9.0", "1.2.2 2.0.0"),
        ("^0.2.3", "0.2.3 0.2.9", "0.2.2 0.3.0"),
        ("^0.0.3", "0.0.3", "0.0.4 0.0.2"),
        ("^0.0", "0.0.0 0.0.9", "0.1.0"),
        ("^0", "0.0.1 0.9.9", "1.0.0"),
        ("~1.2.3", "1.2.3 1.2.9", "1.3.0"),
        ("~1.2", "1.2.0 1.2.9", "1.3.0"),
        ("~1", "1.0.0 1.9.9", "2.0.0"),
        ("*", "0.0.1 9.9.9", "1.0.0-rc.1"),
        ("1.*", "1.0.0 1.9.0", "2.0.0 0.9.0"),
        ("1.2.*", "1.2.0 1.2.9", "1.3.0"),
        (">=0.8, <0.12.4", "0.8.0 0.12.3", "0.12.4 0.7.9 0.12.4-rc.1"),
        (">1.2", "1.3.0", "1.2.9 1.2.0"),
        ("<=1.2", "1.2.9", "1.3.0"),
        ("=1.2", "1.2.0 1.2.9", "1.3.0"),
        ("=1.2.3", "1.2.3 1.2.3+build.5", "1.2.4"),
        (">=1.0.0-rc.2", "1.0.0-rc.2 1.0.0-rc.10 1.0.0 2.0.0", "1.0.0-rc.1 1.0.0-beta 1.0.1-rc.3"),
        ("^1.0.0-alpha", "1.0.0-alpha.1 1.0.0 1.5.0", "2.0.0 2.0.0-alpha"),
    ],
)
def test_a_requirement_takes_what_cargo_takes(requirement: str, inside: str, outside: str) -> None:
    assert [one for one in inside.split() if not matches(requirement, version(one))] == []
    assert [one for one in outside.split() if matches(requirement, version(one))] == []


@pytest.mark.parametrize("text", ["", "1.x.3", "one", ">=", "^*", "1.2.3.4"])
def test_what_is_no_requirement_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="requirement"):
        matches(text, version("1.0.0"))


def test_every_advisory_names_its_page_and_takes_some_version() -> None:
    assert all(one.source.startswith("https://") and one.affected for one in known())
    assert len({one.id for one in known()}) == len(known())


LOCK = """\
version = 4

[[package]]
name = "shop"
version = "0.1.0"
dependencies = [
 "parking_lot%s",
 "rustls",
]

[[package]]
name = "parking_lot"
version = "0.11.2"
source = "registry+https://github.com/rust-lang/crates.io-index"

[[package]]
name = "parking_lot"
version = "0.12.5"

[[package]]
name = "rustls"
version = "0.23.5"
"""
CODE = """\
pub struct Shop { open: parking_lot::RwLock<u32>, std: std::sync::RwLock<u32> }
impl Shop {
    pub fn close(&self) {
        if let Some(mut open) = self.open.try_write_for(LIMIT) { *open = 1; }
        *self.open.write() = 1;
    }
}
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_tree(tmp_path, {"Cargo.toml": '[package]\nname = "shop"\nedition = "2021"\n', "src/lib.rs": CODE})
    return tmp_path


def said(lock: str, top: Path, **more: object) -> list[Finding]:
    write_tree(top, {"Cargo.lock": lock})
    return list(check(["."], Settings(select=("LCK602",)).override("test", **more), Work()).findings)


def places(findings: list[Finding]) -> list[tuple[str, str]]:
    return [(one.span.path, one.message.partition(":")[0]) for one in findings]


def test_the_call_is_reported_where_the_code_makes_it_and_the_version_where_it_does_not(shop: Path) -> None:
    found = said(LOCK % " 0.11.2", shop)
    assert places(found) == [
        ("Cargo.lock", "parking_lot 0.11.2"),
        ("Cargo.lock", "rustls 0.23.5"),
        ("src/lib.rs", "parking_lot 0.11.2"),
    ]
    bump, rustls, call = found
    assert bump.message.endswith("no call of `bump` was seen here")
    assert (bump.severity, rustls.severity, call.severity) == ("note", "warning", "warning")
    assert [note.span.path for note in call.notes] == ["Cargo.lock"]


def test_of_two_versions_the_one_that_the_crate_uses_counts(shop: Path) -> None:
    assert ("src/lib.rs", "parking_lot 0.11.2") not in places(said(LOCK % " 0.12.5", shop))


def test_a_good_version_is_quiet(shop: Path) -> None:
    assert said('version = 4\n\n[[package]]\nname = "parking_lot"\nversion = "0.12.5"\n', shop) == []


def test_a_project_adds_its_own(shop: Path) -> None:
    own = {"id": "OURS-1", "package": "parking_lot", "affected": ["=0.12.5"], "what": "w", "cure": "c", "source": "s"}
    found = said('[[package]]\nname = "parking_lot"\nversion = "0.12.5"\n', shop, advisories=(advisory(own),))
    assert [one.message for one in found] == ["parking_lot 0.12.5: w (OURS-1)"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('[[advisories]]\nid = "X"\n', "an advisory needs 'package'"),
        ('[[advisories]]\nnumber = "X"\n', "an advisory has no 'number'"),
        ('[[advisories]]\nid="X"\npackage="p"\nwhat="w"\ncure="c"\nsource="s"\naffected=["newer"]\n', "requirement"),
        ("advisories = 1\n", "must be tables"),
        ("longest-section = -1\n", "must be a number that is not negative"),
    ],
)
def test_a_mistake_in_an_own_advisory_is_named(text: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        settle([("lockcheck.toml", text)])
