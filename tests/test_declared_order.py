from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from fakes import write_tree

from lockcheck.config import Settings
from lockcheck.engine import check
from lockcheck.executors import Work
from lockcheck.finding import Finding
from lockcheck.rules.declared_order_broken import rank
from lockcheck.tree import Tree

BANK = """\
use std::sync::{Mutex, RwLock};
struct Bank { gold: Mutex<u32>, paper: RwLock<u32>, dust: Mutex<u32> }
impl Bank {
    fn one(&self) {
        let paper = self.paper.read().unwrap();
        *self.gold.lock().unwrap() += *paper;
        *self.gold.lock().unwrap() += 1;
    }
    fn two(&self) {
        let paper = self.paper.read().unwrap();
        self.deep();
    }
    fn deep(&self) {
        *self.gold.lock().unwrap() += 1;
    }
    fn unnamed(&self) {
        let dust = self.dust.lock().unwrap();
        *self.gold.lock().unwrap() += 1;
    }
    fn tries(&self) {
        let paper = self.paper.read().unwrap();
        let gold = self.gold.try_lock();
    }
}
fn guessed(it: &Unknown, bank: &Bank) {
    let paper = bank.paper.read().unwrap();
    it.gold.lock();
}
"""


@pytest.fixture
def bank(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_tree(tmp_path, {"src/bank.rs": BANK})
    return tmp_path


def said(*order: str) -> list[Finding]:
    settings = Settings(lock_order=order, min_confidence="possible", select=("LCK302",))
    return list(check(["."], settings, Work()).findings)


def lines(*order: str) -> list[int]:
    return [BANK[: finding.span.start].count("\n") + 1 for finding in said(*order)]


def test_every_place_that_breaks_the_order_is_reported_once(bank: Path) -> None:
    assert lines("Bank.gold", "Bank.paper") == [6, 7, 11]


def test_the_other_order_is_kept(bank: Path) -> None:
    assert lines("Bank.paper", "Bank.gold") == []


def test_without_a_declaration_nothing_is_said(bank: Path) -> None:
    assert lines() == []
    assert lines("Bank.gold") == [], "the other locks have no rank"


@pytest.mark.parametrize(
    ("order", "found"),
    [
        (("*.gold", "*"), [6, 7, 11, 18]),
        (("Bank.*",), []),
        (("*", "Bank.paper"), []),
        (("Bank.g?ld", "Bank.p*"), [6, 7, 11]),
        (("bank.gold", "Bank.paper"), []),
        (("*::Bank.gold", "Bank.paper"), [6, 7, 11]),
    ],
)
def test_patterns(bank: Path, order: tuple[str, ...], found: list[int]) -> None:
    assert lines(*order) == found


def test_a_rank_is_that_of_the_first_pattern_that_fits() -> None:
    order = ["Catalog.load", "Peers.*", "*"]
    assert rank(order, "app::catalog::Catalog.load") == 0
    assert rank(order, "app::Peers.table") == 1
    assert rank(order, "app::LOG") == 2
    assert rank(order[:2], "app::LOG") is None
    assert rank(order[:1], "app::Catalog.loads") is None
    assert rank(["load"], "app::Catalog.load") is None
    for pattern in ("LOG", "app.LOG", "app::LOG", "app.inner.LOG", "inner.LOG"):
        assert rank([pattern], "app::inner::LOG") == (None if pattern in ("app.LOG", "app::LOG") else 0)


def test_a_finding_says_what_was_declared_and_shows_the_way(bank: Path) -> None:
    direct, _, through = said("Bank.gold", "Bank.paper")
    assert (direct.code, direct.severity, direct.confidence) == ("LCK302", "warning", "certain")
    assert (
        direct.message
        == "declared lock order broken: `Bank.gold` comes before `Bank.paper`, and is waited for under it"
    )
    assert through.message.endswith("is waited for under it through `deep`")
    assert [BANK[: note.span.start].count("\n") + 1 for note in through.notes] == [10, 14]
    assert through.lock is not None
    assert (through.lock.owner, through.lock.mode) == ("Bank.gold", "exclusive")


def test_the_order_comes_from_the_settings_and_cannot_be_set(bank: Path) -> None:
    analysis = Tree([], [], Settings(lock_order=("A.a", "B.b"))).analysis
    assert analysis.asked.lock_order == ("A.a", "B.b")
    with pytest.raises(AttributeError):
        analysis.asked.lock_order = ()  # type: ignore[misc]


def test_without_its_declaration_the_fixture_is_quiet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = Path(__file__).resolve().parent.parent / "fixtures" / "programs" / "declared_order"
    shutil.copytree(program, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    assert said() == []
    assert len(said("Harbour.berths", "Crew.*", "LOG")) == 2
