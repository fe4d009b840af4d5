"""What input from outside can reach, what a probe touches, and how both are asked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import Said, lockcheck
from fakes import write_tree

CODE = """\
use std::sync::{Mutex, RwLock};
pub struct Catalog { load: RwLock<u32>, log: Mutex<u32>, idle: Mutex<u32> }
impl Catalog {
    fn alone(&self) -> u32 {
        let log = self.log.lock().unwrap();
        *self.log.lock().unwrap() + *log
    }
    fn get(&self) {
        let load = self.load.read().unwrap();
        *self.load.write().unwrap() = *load;
    }
    fn quiet(&self) { *self.idle.lock().unwrap() = 1; }
}
pub struct Proxy { catalog: Catalog }
impl Proxy {
    pub fn handle_update(&self) { self.route(); }
    fn route(&self) {
        self.catalog.get();
        std::thread::spawn(|| later());
    }
}
pub fn later() { }
pub struct Repl { catalog: Catalog }
impl Repl {
    pub fn ping(&self) -> u32 { *self.catalog.log.lock().unwrap() }
    // lockcheck: probe
    pub fn pong(&self) -> u32 { 1 }
}
"""
SETTINGS = 'data-plane = ["*::handle_update"]\nprobes = ["Repl.ping"]\n'


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    write_tree(tmp_path, {"src/lib.rs": CODE, "Cargo.toml": '[package]\nname = "proxy"\nedition = "2021"\n'})
    return tmp_path


def run(tree: Path, *arguments: str, settings: str = SETTINGS) -> Said:
    (tree / "lockcheck.toml").write_text(settings)
    return lockcheck(tree, *arguments)


def test_a_finding_says_from_where_it_is_reached_and_comes_first(tree: Path) -> None:
    found = json.loads(run(tree, "check", "--select", "LCK2", "--output", "json").stdout)["findings"]
    alone, reached = found
    assert (alone["code"], alone["reached_from"]) == ("LCK201", None)
    assert reached["reached_from"]["entry"] == "Proxy::handle_update"
    assert [note["line"] for note in reached["reached_from"]["path"]] == [16, 16, 18]
    text = run(tree, "check", "--select", "LCK2").stdout
    assert text.index("LCK202") < text.index("LCK201")
    assert (
        "reached from: Proxy::handle_update at src/lib.rs:16, through the calls at src/lib.rs:16, src/lib.rs:18" in text
    )
    assert "in production: Deadlock." in text


def test_without_an_entry_nothing_is_reached(tree: Path) -> None:
    report = run(tree, "check", "--select", "LCK2", "--output", "json", settings="").stdout
    assert [one["reached_from"] for one in json.loads(report)["findings"]] == [None, None]


def test_a_comment_marks_an_entry(tree: Path) -> None:
    marked = CODE.replace("    fn get(&self)", "    // lockcheck: data-plane\n    #[inline]\n    fn get(&self)")
    write_tree(tree, {"src/lib.rs": marked})
    report = run(tree, "check", "--select", "LCK202", "--output", "json", settings="").stdout
    (found,) = json.loads(report)["findings"]
    assert found["reached_from"]["entry"] == "Catalog::get"


def test_a_probe_is_told_what_it_does_not_touch(tree: Path) -> None:
    said = run(tree, "check", "--select", "LCK701", "--output", "concise").stdout.splitlines()
    assert [line.partition(": LCK701 ")[2] for line in said] == [
        "the probe `Repl::ping` touches none of the locks that can wedge the process; it misses `Catalog.load`",
        "the probe `Repl::pong` touches none of the locks that can wedge the process; it misses `Catalog.load`",
    ]
    said = run(tree, "check", "--select", "LCK701", "--output", "concise", settings='probes = ["*::ping"]').stdout
    assert (
        "touches not all of the locks (1 of 3) that can wedge the process; it misses `Catalog.idle`, `Catalog.load`"
        in said
    )


def test_a_pattern_that_names_no_function_is_a_problem(tree: Path) -> None:
    done = run(tree, "check", "--select", "LCK2", settings='data-plane = ["Proxy::handle"]')
    assert "lockcheck.toml:1: data-plane: no function here is called 'Proxy::handle'" in done.stderr


def test_locks_answers_what_an_entry_reaches_and_what_it_does_not(tree: Path) -> None:
    done = run(tree, "locks", "--reached-from", "handle_update")
    assert done.stdout.splitlines() == [
        "from Proxy::handle_update  src/lib.rs:16",
        "  Catalog.load  read  src/lib.rs:9",
        "      Proxy::handle_update  src/lib.rs:16",
        "      Proxy::handle_update  src/lib.rs:16",
        "      Proxy::route  src/lib.rs:18",
        "never touched",
        "  Catalog.idle  std::sync::Mutex  src/lib.rs:2",
        "  Catalog.log  std::sync::Mutex  src/lib.rs:2",
        "1 lock reached, 2 not",
    ]
    told = json.loads(run(tree, "locks", "--reached-from", "Repl::*", "--output", "json").stdout)
    assert [entry["function"] for entry in told["entries"]] == ["Repl::ping", "Repl::pong"]
    assert [lock["owner"] for lock in told["reached"]] == ["proxy::Catalog.log"]


def test_a_pattern_of_nobody_is_refused(tree: Path) -> None:
    done = run(tree, "locks", "--reached-from", "nobody")
    assert (done.returncode, done.stderr) == (2, "lockcheck: --reached-from: no function here is called 'nobody'\n")


def test_what_runs_elsewhere_is_reached_apart(tree: Path) -> None:
    spawned = CODE.replace(
        "pub fn later() { }", "static LAST: Mutex<u32> = Mutex::new(0);\npub fn later() { *LAST.lock().unwrap() = 1; }"
    )
    write_tree(tree, {"src/lib.rs": spawned})
    told = json.loads(run(tree, "locks", "--reached-from", "handle_update", "--output", "json").stdout)
    assert {lock["name"]: lock["apart"] for lock in told["reached"]} == {"Catalog.load": False, "LAST": True}
