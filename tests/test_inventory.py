from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fakes import write_tree

from lockcheck import cli
from lockcheck.config import Settings
from lockcheck.engine import locks
from lockcheck.report.inventory import Inventory, LockEntry, Section, Seen, Spot, document, text
from lockcheck.report.text import Paint

STORE = """\
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, RwLock};

pub static TOTAL: Mutex<u32> = Mutex::new(0);
static MANY: [Mutex<u32>; 2] = [Mutex::new(0), Mutex::new(1)];
static LATE: OnceLock<RwLock<u32>> = OnceLock::new();

struct Plain { x: u32 }

struct Store<K> {
    load: RwLock<HashMap<K, u32>>,
    shards: Vec<Arc<Mutex<u32>>>,
    idle: Mutex<u8>,
    guard: Option<MutexGuard<'static, Mutex<u8>>>,
    plain: Plain,
}

impl Store<u8> {
    fn get(&self) -> usize {
        let load = self.load.read().unwrap();
        let one = *self.shards[0].lock().unwrap();
        self.note(one);
        load.len()
    }

    fn put(&self) {
        self.load.write().unwrap().insert(1, 2);
    }

    fn note(&self, by: u32) {
        *crate::TOTAL.lock().unwrap() += by;
    }
}
"""
OTHER = """\
use super::TOTAL;

fn many(at: usize) {
    let own = std::sync::Mutex::new(1);
    let mine = own.lock().unwrap();
    let total = TOTAL.lock().unwrap();
    crate::MANY[at].try_lock().unwrap();
    crate::helper::<u8>();
}

struct Room { seats: tokio::sync::Mutex<u8>, door: parking_lot::RwLock<u8> }

async fn sit(room: &Room) {
    let seats = room.seats.lock().await;
    tick().await;
    drop(seats);
}

fn close(room: &Room) {
    let door = room.door.upgradable_read();
    let shut = parking_lot::RwLockUpgradableReadGuard::upgrade(door);
    slam();
}
"""
TREE = {
    "Cargo.toml": '[package]\nname = "shop"\nversion = "0.1.0"\nedition = "2021"\n',
    "src/lib.rs": "mod other;\n" + STORE,
    "src/other.rs": OTHER,
}


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_tree(tmp_path, TREE)
    return tmp_path


def line(path: str, piece: str) -> int:
    """The line of a piece of text that stands once in its file."""
    found = [number for number, one in enumerate(TREE[path].splitlines(), 1) if piece in one]
    assert len(found) == 1, piece
    return found[0]


def entries(*paths: str) -> dict[str, LockEntry]:
    found, problems, files = locks(paths or (".",), Settings())
    assert problems == []
    assert files
    return {one.name: one for one in found.locks}


def where(seen: tuple[Seen, ...]) -> dict[str, list[tuple[str, int]]]:
    return {one.name: [(spot.path, spot.line) for spot in one.places] for one in seen}


def test_every_declared_lock_is_there_and_nothing_else(tree: Path) -> None:
    found = entries()
    assert {name: one.kind for name, one in found.items()} == {
        "TOTAL": "std::sync::Mutex",
        "MANY": "std::sync::Mutex",
        "LATE": "std::sync::RwLock",
        "Store.load": "std::sync::RwLock",
        "Store.shards": "std::sync::Mutex",
        "Store.idle": "std::sync::Mutex",
        "Room.seats": "tokio::sync::Mutex",
        "Room.door": "parking_lot::RwLock",
    }
    declared = {name: (one.declared.path, one.declared.line) for name, one in found.items() if one.declared}
    assert declared["Store.shards"] == ("src/lib.rs", line("src/lib.rs", "shards: Vec"))
    assert declared["TOTAL"] == ("src/lib.rs", line("src/lib.rs", "static TOTAL"))
    assert set(declared) == set(found)


def test_how_often_a_lock_is_taken_in_each_mode(tree: Path) -> None:
    found = entries()
    assert where(found["Store.load"].taken) == {
        "read": [("src/lib.rs", line("src/lib.rs", "load.read()"))],
        "write": [("src/lib.rs", line("src/lib.rs", "load.write()"))],
    }
    assert found["Store.idle"].taken == ()
    assert found["Store.idle"].longest is None
    assert {one.name: one.count for one in found["Room.door"].taken} == {"upgradable": 1, "write": 1}


def test_a_static_is_one_lock_however_it_is_spelled(tree: Path) -> None:
    taken = where(entries()["TOTAL"].taken)["exclusive"]
    assert taken == [
        ("src/lib.rs", line("src/lib.rs", "crate::TOTAL")),
        ("src/other.rs", line("src/other.rs", "TOTAL.lock()")),
    ]
    assert [one.count for one in entries()["MANY"].taken] == [1]


def test_what_happens_under_a_lock(tree: Path) -> None:
    found = entries()
    load = found["Store.load"]
    at = ("src/lib.rs", line("src/lib.rs", "self.note(one)"))
    assert where(load.acquired) == {
        "Store.shards": [("src/lib.rs", line("src/lib.rs", "self.shards[0]"))],
        "TOTAL": [at],
    }, "through the call, too"
    assert where(load.called)["Store::note"] == [at]
    assert where(found["TOTAL"].acquired) == {"MANY": [("src/other.rs", line("src/other.rs", "try_lock"))]}
    assert where(found["Store.shards"].called) == {}, "the guard was a temporary"


def test_the_wait_for_the_lock_itself_is_not_under_it(tree: Path) -> None:
    seats = entries()["Room.seats"]
    assert where(seats.awaited) == {"sit": [("src/other.rs", line("src/other.rs", "tick().await"))]}
    assert seats.acquired == ()


def test_a_guard_that_changes_its_mode_acquires_nothing_under_itself(tree: Path) -> None:
    door = entries()["Room.door"]
    assert door.acquired == ()
    assert where(door.called)["slam"] == [("src/other.rs", line("src/other.rs", "slam()"))]


def test_the_longest_section_ends_with_the_last_event_under_it(tree: Path) -> None:
    first, last = line("src/lib.rs", "load.read()"), line("src/lib.rs", "load.len()")
    section = Section(last - first + 1, "Store::get", "src/lib.rs", first, last)
    assert entries()["Store.load"].longest == section


def test_the_parts_of_a_tuple_are_locks_of_their_own(tree: Path) -> None:
    pair = "use std::sync::{Arc, Condvar, Mutex};\npub struct Bell { pair: Arc<(Mutex<u8>, Condvar)> }\n"
    rings = "impl Bell { pub fn ring(&self) { let (lock, _) = &*self.pair; drop(lock.lock()); } }\n"
    write_tree(tree, {"src/bell.rs": pair + rings, "src/lib.rs": "mod bell;\n"})
    found, _, _ = locks(["."], Settings())
    [bell] = [one for one in found.locks if one.owner.startswith("shop::bell::")]
    assert (bell.name, where(bell.taken)) == ("Bell.pair.0", {"exclusive": [("src/bell.rs", 3)]})


def test_locks_of_the_same_name_are_told_apart_and_locals_are_counted(tree: Path) -> None:
    write_tree(tree, {"src/twin.rs": "struct Store { load: std::sync::Mutex<u8> }\n"})
    found, _, _ = locks(["."], Settings())
    names = [one.name for one in found.locks]
    assert "shop::Store.load" in names
    assert "twin::Store.load" in names, "no more of the way than tells them apart"
    assert "Store.idle" in names
    assert found.others == 1


def test_what_is_taken_like_a_lock_is_listed_with_its_declaration(tree: Path) -> None:
    text = "struct Odd { far: Elsewhere, idle: Elsewhere }\nfn f(it: &Odd) {\n    let far = it.far.lock();\n    it.g();\n}\n"
    write_tree(tree, {"src/other.rs": text})
    found = entries()
    assert found["Odd.far"].declared == Spot("src/other.rs", 1, 14)
    assert where(found["Odd.far"].called) == {"g": [("src/other.rs", 4)]}
    assert "Odd.idle" not in found


def test_the_count_goes_on_where_the_places_end(tree: Path) -> None:
    body = "".join(f"    drop(TOTAL.lock());  // {number}\n" for number in range(5))
    write_tree(tree, {"src/other.rs": f"use super::TOTAL;\nfn often() {{\n{body}}}\n"})
    (taken,) = entries()["TOTAL"].taken
    assert (taken.count, len(taken.places)) == (6, 3)


ENTRY = LockEntry(
    "A.m", "a::A.m", "std::sync::Mutex", Spot("a.rs", 2, 5),
    (Seen("exclusive", 4, (Spot("a.rs", 7, 1), Spot("a.rs", 7, 9), Spot("b.rs", 1, 1))),),
    Section(1, "f", "a.rs", 7, 7), (Seen("\x1b[31m", 1, (Spot("a.rs", 7, 1),)),), (),
    tuple(Seen(f"f{number}", 1, (Spot("a.rs", 9, 1),)) for number in range(10)),
)  # fmt: skip


def test_text_for_people() -> None:
    lines = text(Inventory((ENTRY,), 2), Paint()).splitlines()
    assert lines[:4] == [
        "A.m  std::sync::Mutex  a.rs:2",
        "  exclusive     4  a.rs:7, b.rs:1 and 1 more",
        "  longest       1  line in f: a.rs:7-7",
        "  acquires      1  \\x1b[31m: a.rs:7",
    ]
    assert lines[-3:] == [
        "  calls            and 2 more",
        "",
        "1 lock; 2 acquisitions of locks that are no field and no static",
    ]
    never = LockEntry("B.m", "b::B.m", "spin::Mutex", None, (), None, (), (), ())
    assert (
        text(Inventory((never,)), Paint())
        == "B.m  spin::Mutex  not declared here\n  not taken by this name\n\n1 lock\n"
    )


def test_json_for_programs() -> None:
    found = json.loads(document(Inventory((ENTRY,), 2)))
    assert (found["schema"], found["others"]) == (1, 2)
    assert found["locks"][0]["declared"] == {"path": "a.rs", "line": 2, "column": 5}
    assert found["locks"][0]["taken"][0]["count"] == 4
    assert len(found["locks"][0]["called"]) == 10


def test_the_command(tree: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert cli.main(["locks", "--output", "json", "--exclude", "other.rs"]) == 0
    found: dict[str, Any] = json.loads(capfdbinary.readouterr().out)
    assert [one["name"] for one in found["locks"]] == [
        "LATE", "MANY", "Store.idle", "Store.load", "Store.shards", "TOTAL",
    ]  # fmt: skip
    assert cli.main(["locks", "src"]) == 0
    assert capfdbinary.readouterr().out.startswith(
        b"LATE  std::sync::RwLock  src/lib.rs:7\n  not taken by this name\n\nMANY  "
    )


def test_nothing_to_read_means_two(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.chdir(tmp_path)
    for command in ("locks", "graph"):
        assert cli.main([command]) == 2
        assert capfdbinary.readouterr().err == b"lockcheck: no Rust or Python files in .\n"
    assert cli.main(["locks", "gone.rs"]) == 2
    assert b"gone.rs:1: does not exist" in capfdbinary.readouterr().err


def test_problems_are_told_and_the_rest_is_listed(tree: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    write_tree(tree, {"src/bad.rs": b"\xff"})
    assert cli.main(["locks"]) == 0
    out, err = capfdbinary.readouterr()
    assert b"src/bad.rs:1: is not UTF-8" in err
    assert b"Store.load" in out
