"""What is remembered changes how long a run takes, and nothing else."""

from __future__ import annotations

import multiprocessing
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import edits
import pytest
from fakes import write_tree
from msgspec.structs import replace

from lockcheck import cache, engine, examine, units
from lockcheck.cli import main
from lockcheck.config import Settings
from lockcheck.executors import Work
from lockcheck.finding import Finding
from lockcheck.frontends import SUFFIXES
from lockcheck.report import Report
from lockcheck.rule import Rule
from lockcheck.source import Source
from lockcheck.tree import Tree

FIXTURES = Path(__file__).parent.parent / "fixtures"
PROGRAMS = sorted(path for path in (FIXTURES / "programs").iterdir() if path.is_dir())

TWICE = """
use std::sync::Mutex;
pub struct Bank { gold: Mutex<u32> }
impl Bank {
    pub fn melt(&self) {
        let gold = self.gold.lock().unwrap();
        crate::mint::strike(self);
    }
    pub fn weigh(&self) -> u32 { *self.gold.lock().unwrap() }
}
"""
STRIKE = """
use crate::bank::Bank;
pub fn strike(bank: &Bank) { BODY }
"""
MANIFEST = '[package]\nname = "bank"\nedition = "2021"\n'


def bank(top: Path, body: str) -> None:
    write_tree(
        top,
        {
            "Cargo.toml": MANIFEST,
            "src/lib.rs": "mod bank;\nmod mint;\n",
            "src/bank.rs": TWICE,
            "src/mint.rs": STRIKE.replace("BODY", body),
        },
    )


def checked(**more: Any) -> Report:
    settings = replace(engine.configure(["."]), min_confidence="possible", persona="auditor")
    return engine.check(["."], settings, Work(**more))


def slugs(report: Report) -> list[str]:
    return [finding.slug for finding in report.findings]


@pytest.fixture
def spied(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of the functions that are worked out, in this process."""
    seen: list[int] = []
    real = examine._worked_out
    monkeypatch.setattr(examine, "_worked_out", lambda errand, numbers: seen.extend(numbers) or real(errand, numbers))
    return seen


# ------------------------------------------------------------------------------------------------ the same findings


def test_a_second_run_says_the_same_and_works_nothing_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spied: list[int]
) -> None:
    bank(tmp_path, "bank.weigh();")
    monkeypatch.chdir(tmp_path)
    first = checked(cached=True)
    assert slugs(first) == ["lock-taken-twice"]
    assert spied
    spied.clear()
    assert checked(cached=True) == first
    assert spied == []


def test_a_changed_callee_changes_what_is_said_of_its_caller(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spied: list[int]
) -> None:
    monkeypatch.chdir(tmp_path)
    bank(tmp_path, "bank.weigh();")
    assert slugs(checked(cached=True)) == ["lock-taken-twice"]
    spied.clear()
    bank(tmp_path, "let _ = bank;")
    assert slugs(checked(cached=True)) == []
    assert len(spied) == 1, "only the caller is worked out again: `weigh` reads nothing that changed"
    bank(tmp_path, "// a line more\n bank.weigh();")
    assert slugs(checked(cached=True)) == ["lock-taken-twice"]


def test_a_file_that_is_written_anew_costs_only_what_reads_a_changed_function(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spied: list[int]
) -> None:
    monkeypatch.chdir(tmp_path)
    bank(tmp_path, "let _ = bank;")
    source = tmp_path / "src/bank.rs"
    checked(cached=True)
    spied.clear()
    source.write_text("// a line more\n" + TWICE)
    assert slugs(checked(cached=True)) == []
    assert spied == [], "the same functions at another place, and nothing was said of them"
    source.write_text(TWICE.replace("*self.gold.lock().unwrap()", '*self.gold.lock().expect("sound")'))
    checked(cached=True)
    assert len(spied) == 1


STEP = """
use crate::bank::Bank;
use std::sync::MutexGuard;
pub fn strike(bank: &Bank) { inner(bank); }
fn inner(bank: &Bank) { BODY }
"""


def test_callers_of_a_function_that_does_what_it_did_are_not_worked_out_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spied: list[int]
) -> None:
    monkeypatch.chdir(tmp_path)
    bank(tmp_path, "")
    inner = tmp_path / "src/mint.rs"
    inner.write_text(STEP.replace("BODY", "let _ = bank;"))
    assert slugs(checked(cached=True)) == []
    spied.clear()
    inner.write_text(STEP.replace("BODY", "let _ = bank; let more = 1;"))
    assert slugs(checked(cached=True)) == []
    assert spied == [], "a call of `inner` does what it did"
    inner.write_text(STEP.replace("BODY", "let more = 1; bank.weigh();"))
    assert slugs(checked(cached=True)) == ["lock-taken-twice"], "two calls away"
    inner.write_text(STEP.replace("BODY", "bank.weigh(); let more = 1;"))
    assert checked(cached=True) == checked(), "at another place"


def test_what_a_call_does_that_nobody_asked_costs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spied: list[int]
) -> None:
    """Where nothing is held nobody asks."""
    monkeypatch.chdir(tmp_path)
    bank(tmp_path, "let _ = bank;")
    source = tmp_path / "src/bank.rs"
    calm = TWICE.replace("let gold = self.gold.lock().unwrap();", "")
    calm = calm.replace("(self);", "(self); *self.gold.lock().unwrap() += 1;")
    source.write_text(calm)
    checked(cached=True)
    spied.clear()
    bank(tmp_path, "let _ = bank; let more = 1;")
    source.write_text(calm)
    assert slugs(checked(cached=True)) == []
    assert spied == []


POST = """
use std::sync::mpsc::{channel, Receiver, Sender};
use std::sync::Mutex;
pub struct Post { held: Mutex<u32>, tx: Sender<u32>, rx: Receiver<u32> }
fn ends() -> (Sender<u32>, Receiver<u32>) { unimplemented!() }
impl Post {
    pub fn new() -> Post { let (tx, rx) = MADE; Post { held: Mutex::new(0), tx, rx } }
    pub fn most() -> usize { MOST }
    pub fn wait(&self) {
        let held = self.held.lock().unwrap();
        let got = self.rx.recv();
    }
    pub fn give(&self) {
        let mut held = self.held.lock().unwrap();
        *held += 1;
        self.tx.send(1);
    }
}
"""


def test_what_makes_no_channel_does_not_matter_to_who_waits_at_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spied: list[int]
) -> None:
    """Of a type's functions those are read that may make one; which these are is asked again once one more may."""
    monkeypatch.chdir(tmp_path)
    source = tmp_path / "post.rs"
    source.write_text(POST.replace("MADE", "ends()").replace("MOST", "3"))
    assert slugs(checked(cached=True)) == ["block-while-locked"]
    spied.clear()
    source.write_text(POST.replace("MADE", "ends()").replace("MOST", "{ let most = 3; most }"))
    assert slugs(checked(cached=True)) == ["block-while-locked"]
    assert len(spied) == 1, "`wait`, of which something is told in the changed file; not `give`"
    source.write_text(POST.replace("MADE", "channel()").replace("MOST", "3"))
    assert slugs(checked(cached=True)) == ["wait-for-lock-holder", "block-while-locked"]
    assert checked(cached=True) == checked()


HUB = """
use std::sync::{Arc, Mutex};
pub struct Hub { load: Mutex<u32>, name: String, size: u32 }
pub struct Room { hub: Arc<Hub>, name: String, size: u32 }
pub struct Desk { room: Room, name: String, size: u32 }
impl Desk { fn file(&self) { *self.room.hub.load.lock().unwrap() += 1; } }
impl Hub {
    pub fn open(&self, desk: &Desk) {
        let load = self.load.lock().unwrap();
        desk.file();
    }
}
"""


@pytest.mark.parametrize(
    ("one", "many"),
    [
        ("pub fn nothing() {}", "pub fn nothing() {}\nstruct Fleet { hubs: Vec<crate::Hub> }"),
        (
            "static ONE: crate::Hub = crate::new();",
            "static ONE: crate::Hub = crate::new();\nstatic TWO: crate::Hub = crate::new();",
        ),
    ],
    ids=["a list", "variables"],
)
def test_what_keeps_many_of_a_type_is_told_to_who_took_it_for_single(
    one: str, many: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_tree(tmp_path, {"Cargo.toml": MANIFEST, "src/lib.rs": "mod fleet;\n" + HUB, "src/fleet.rs": ""})
    first, fleet = checked(cached=True), tmp_path / "src/fleet.rs"
    fleet.write_text(one + "\n")
    assert checked(cached=True) == checked()
    fleet.write_text(many + "\n")
    more = checked(cached=True)
    assert slugs(first) != slugs(more), "two hubs may be two"
    assert more == checked()


MORE = {
    "a type": lambda text: text + "pub struct Purse { coins: Mutex<u32> }\nimpl Purse { fn peek(&self) {} }\n",
    "a trait": lambda text: text + "impl std::fmt::Display for Bank { fn fmt(&self, to: &mut Formatter) {} }\n",
    "a static": lambda text: text + "pub static COINS: Mutex<u32> = Mutex::new(0);\n",
    "a function": lambda text: "pub fn more() -> u32 { 7 }\n" + text,
    "a method": lambda text: text.replace(
        "impl Bank {", "impl Bank {\n    pub fn sieve(&self, grain: u32) -> u32 { grain }"
    ),
    "an import": lambda text: "use std::collections::HashMap;\n" + text,
    "one with what it needs": lambda text: f"use std::rc::Rc;\npub fn more(one: Rc<u32>) -> u32 {{ *one }}\n{text}",
}


@pytest.mark.parametrize("edit", MORE.values(), ids=MORE)
def test_what_is_declared_beside_costs_only_what_names_it(
    edit: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spied: list[int]
) -> None:
    monkeypatch.chdir(tmp_path)
    bank(tmp_path, "bank.weigh();")
    first, source = checked(cached=True), tmp_path / "src/bank.rs"
    spied.clear()
    source.write_text(edit(TWICE))
    more = checked(cached=True)
    titles = {Tree([Source("src/bank.rs", edit(TWICE).encode())], [], Settings()).program.title(n) for n in spied}
    assert titles <= {"Bank::melt"}, "that one has a finding in the file, so its place is another one now"
    assert slugs(more) == slugs(first) == ["lock-taken-twice"]
    assert more == checked()
    spied.clear()
    source.write_text(TWICE)
    assert checked(cached=True) == first
    assert spied == [], "as it was before"


HEAVY = """
pub fn heavy(bank: &Bank) { bank.weigh(); }
impl Bank { pub fn polish(&self) {} }
macro_rules! call { ($a:ident, $b:ident) => { $a.polish(); $a.$b() } }
"""


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("bank.weigh();", "pub fn weigh(bank: &Bank) { bank.weigh(); }", ["lock-taken-twice"]),
        ("weigh(bank);", "pub fn weigh(bank: &Bank) { bank.weigh(); }", ["lock-taken-twice"]),
        ("weigh(bank);", "use crate::bank::heavy as weigh;", ["lock-taken-twice"]),
        ("call!(bank, lift);", "impl Bank { pub fn lift(&self) { self.weigh(); } }", ["lock-taken-twice"]),
        (
            "Till::lift(bank);",
            "struct Till; impl Till { fn lift(bank: &Bank) { bank.weigh(); } }",
            ["lock-taken-twice"],
        ),
        (
            "bank.lift();",
            "trait Lift { fn lift(&self); }\nimpl Lift for Bank { fn lift(&self) { self.weigh(); } }",
            ["lock-taken-twice"],
        ),
        ("bank.lift();", "impl Lift for Bank { fn lift(&self) { self.weigh(); } }", ["lock-taken-twice"]),
        ("Purse::weigh(bank);", "type Purse = Bank;", ["lock-taken-twice"]),
        ("SAFE.lift();", "static SAFE: Bank = Bank::new();\nimpl Bank { fn lift(&self) {} }", []),
        ("Bank::lift(bank);", "impl Bank { pub fn lift(bank: &Bank) { bank.weigh(); } }", ["lock-taken-twice"]),
    ],
    ids=[
        "beside",
        "a function",
        "an import",
        "a macro",
        "a type",
        "a trait",
        "an impl",
        "an alias",
        "a static",
        "a type's own",
    ],
)
def test_who_names_what_is_declared_now_sees_it(
    before: str, after: str, said: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Called before it was declared, from another file; and no longer once it is gone."""
    monkeypatch.chdir(tmp_path)
    bank(tmp_path, before)
    (tmp_path / "src/bank.rs").write_text(TWICE + HEAVY)
    first, source = checked(cached=True), tmp_path / "src/mint.rs"
    text = source.read_text()
    assert slugs(first) == (["lock-taken-twice"] if before == "bank.weigh();" else [])
    source.write_text(after + "\n" + text)
    assert slugs(checked(cached=True)) == said
    assert checked(cached=True) == checked()
    source.write_text(text)
    assert checked(cached=True) == first


VAULT = """
import threading

class Vault:
    def __init__(self):
        self.gold = threading.Lock()
        self.hoist = self.raised

    def melt(self):
        with self.gold:
            BODY

    def weigh(self):
        with self.gold:
            return 1
"""


def vault(top: Path, body: str, more: str = "") -> None:
    write_tree(top, {"vault.py": VAULT.replace("BODY", body) + more})


@pytest.mark.parametrize(
    "more", ["    def sieve(self):\n        return 7\n", "def sieve():\n    return Vault().weigh()\n"]
)
def test_a_function_of_python_by_a_name_of_its_own_costs_only_itself(
    more: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spied: list[int]
) -> None:
    monkeypatch.chdir(tmp_path)
    vault(tmp_path, "pass")
    first = checked(cached=True)
    spied.clear()
    vault(tmp_path, "pass", more)
    then, functions = checked(cached=True), Tree([Source("vault.py", (VAULT + more).encode())], [], Settings()).program
    assert {functions.title(number).rpartition(".")[2] for number in spied} <= {"sieve"}
    assert then == checked()
    vault(tmp_path, "pass")
    assert checked(cached=True) == first


@pytest.mark.parametrize(
    ("body", "more"),
    [
        ("self.lift()", "    def lift(self):\n        self.weigh()\n"),
        ("self.hoist()", "    def raised(self):\n        self.weigh()\n"),
        ("getattr(self, 'lift')()", "    def lift(self):\n        self.weigh()\n"),
        ("self.lift", "    @property\n    def lift(self):\n        self.weigh()\n"),
        ("self()", "    def __call__(self):\n        self.weigh()\n"),
    ],
    ids=["its name", "another name", "a text", "a property", "the language's"],
)
def test_who_may_run_a_function_of_python_that_is_new_sees_it(
    body: str, more: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    vault(tmp_path, body)
    first = checked(cached=True)
    vault(tmp_path, body, more)
    then = checked(cached=True)
    assert slugs(then) == ["lock-taken-twice"]
    assert then == checked()
    vault(tmp_path, body)
    assert checked(cached=True) == first


TRIED = """
use std::sync::Mutex;
pub struct Till { coins: Mutex<u32> }
impl Till {
    pub async fn count(&self) {
        if let Ok(coins) = self.coins.try_lock() {
            tokio::time::sleep(*coins).await;
        }
    }
}
"""


def test_who_asked_which_functions_a_module_has_is_told_of_another_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nobody in the module waits for the lock, an await under it stops nobody."""
    monkeypatch.chdir(tmp_path)
    write_tree(tmp_path, {"Cargo.toml": MANIFEST, "src/lib.rs": TRIED})
    assert slugs(checked(cached=True)) == []
    (tmp_path / "src/lib.rs").write_text(TRIED + "impl Till { fn add(&self) { *self.coins.lock().unwrap() += 1; } }\n")
    assert slugs(checked(cached=True)) == slugs(checked()) == ["await-while-locked"]
    (tmp_path / "src/lib.rs").write_text(TRIED)
    assert slugs(checked(cached=True)) == []


def test_what_went_wrong_beside_functions_is_said_where_it_is_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    bank(tmp_path, "")
    source = tmp_path / "src/mint.rs"
    source.write_text("struct Broken { ( }\n" + source.read_text())
    assert checked(cached=True).problems
    source.write_text("\n\n" + source.read_text())
    assert checked(cached=True) == checked()


def test_what_went_wrong_is_no_longer_said_once_nobody_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`every` takes more locks than callers are told of; after the change nobody calls it."""
    locks = "".join(f"static L{n}: Mutex<u32> = Mutex::new(0);\n" for n in range(100))
    takes = "".join(f"    drop(L{n}.lock());\n" for n in range(100))
    calls = (
        "use std::sync::Mutex;\nstatic M: Mutex<u32> = Mutex::new(0);\npub fn go() { let m = M.lock(); BODY; drop(m); }"
    )
    write_tree(
        tmp_path,
        {
            "Cargo.toml": MANIFEST,
            "src/lib.rs": "mod all;\nmod go;\n",
            "src/all.rs": f"use std::sync::Mutex;\n{locks}pub fn every() {{\n{takes}}}\n",
            "src/go.rs": calls.replace("BODY", "crate::all::every()"),
        },
    )
    monkeypatch.chdir(tmp_path)
    assert any("acquisitions" in problem.message for problem in checked(cached=True).problems)
    (tmp_path / "src/go.rs").write_text(calls.replace("BODY", "let _ = 1"))
    assert checked(cached=True) == checked()


OPENER = """
import threading
import contextlib

LOCK = threading.Lock()

@contextlib.contextmanager
def held():
    BODY
"""
OPENED = """
import opener

def twice():
    with opener.held():
        with opener.held():
            pass
"""


def test_what_comes_to_open_a_block_with_a_lock_is_looked_for_everywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody took a lock in the other file before; its functions were not looked at."""
    write_tree(tmp_path, {"opener.py": OPENER.replace("BODY", "yield"), "opened.py": OPENED})
    monkeypatch.chdir(tmp_path)
    assert slugs(checked(cached=True)) == []
    (tmp_path / "opener.py").write_text(OPENER.replace("BODY", "with LOCK:\n        yield"))
    assert slugs(checked(cached=True)) == ["lock-taken-twice"]
    assert checked(cached=True) == checked()


def test_callers_are_looked_for_once_a_function_only_gives_a_lock_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gate.py").write_text(GATE)
    (tmp_path / "visit.py").write_text(VISIT)
    assert slugs(checked(cached=True)) == []
    (tmp_path / "gate.py").write_text(GATE.replace("    greet()", "    # in silence"))
    assert slugs(checked(cached=True)) == ["acquire-without-release"]
    (tmp_path / "gate.py").write_text(GATE)
    assert slugs(checked(cached=True)) == []


def test_who_calls_a_function_that_leaves_a_lock_taken_now_holds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a call does is asked only where something is held, or where the callee may leave something held."""
    monkeypatch.chdir(tmp_path)
    for bow in ("greet()", "self.lock.acquire()", "greet()"):
        (tmp_path / "guest.py").write_text(GUEST.replace("BOW", bow))
        assert ("block-while-locked" in slugs(checked(cached=True))) == (bow != "greet()")
        assert checked(cached=True) == checked()


def test_a_lock_taken_by_name_somewhere_costs_only_what_comes_to_that_function(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spied: list[int]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gate.py").write_text(GATE)
    (tmp_path / "visit.py").write_text(VISIT)
    assert slugs(checked(cached=True)) == []
    spied.clear()
    (tmp_path / "gate.py").write_text(GATE.replace('print("good bye")', "BELL.acquire(); BELL.release()"))
    assert slugs(checked(cached=True)) == ["guard-should-be-closure"]
    assert set(spied) == {0, 3, 4}, "`greet`, who calls it and who calls that, but not `open`"


GATE = """
import threading

BELL = threading.Lock()


def greet():
    print("good bye")


class Gate:
    def __init__(self):
        self.lock = threading.Lock()

    def open(self):
        self.lock.acquire()

    def close(self):
        greet()
        self.lock.release()
"""
VISIT = """
from gate import Gate


class Visit(Gate):
    def stay(self, long):
        self.open()
        if long:
            return None
        self.close()
        return long
"""
GUEST = """
import signal
import time

class Guest:
    def enter(self):
        self.bow()
        signal.signal(signal.SIGINT, print)
        time.sleep(1)

    def bow(self):
        BOW
"""


def test_a_rule_that_looked_at_nothing_that_changed_is_not_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the rules that see functions together, each is told again by itself."""
    bank(tmp_path, "bank.weigh();")
    monkeypatch.chdir(tmp_path)
    checked(cached=True)
    asked, said = list[str](), examine.said

    def noted(rule: Rule, tree: Tree) -> Iterator[Finding]:
        asked.append(rule.slug)
        return said(rule, tree)

    monkeypatch.setattr(examine, "said", noted)
    (tmp_path / "src/mint.rs").write_text(STRIKE.replace("BODY", "let heavy = bank.weigh();"))
    assert slugs(checked(cached=True)) == ["lock-taken-twice"]
    assert "lock-taken-twice" in asked, "the finding names a place in the changed file"
    assert "lock-order-cycle" not in asked, "a call of the changed function does what it did"
    (tmp_path / "src/mint.rs").write_text(STRIKE.replace("BODY", "std::thread::park(); bank.weigh();"))
    assert "lock-taken-twice" in slugs(checked(cached=True))
    assert "lock-order-cycle" in asked, "what hangs calls the changed function"
    assert "acquire-without-release" not in asked, "nobody here takes a lock by name"


def test_only_files_that_changed_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spied: list[int]) -> None:
    monkeypatch.chdir(tmp_path)
    bank(tmp_path, "bank.weigh();")

    def aged(seconds: int) -> None:
        for path in tmp_path.rglob("*.rs"):
            os.utime(path, (path.stat().st_mtime - seconds,) * 2)

    aged(60)
    first = checked(cached=True)
    spied.clear()
    read: list[str] = []
    real = engine.discover.read
    monkeypatch.setattr(engine.discover, "read", lambda path: read.append(path) or real(path))
    assert checked(cached=True) == first
    assert read == ["src/bank.rs", "src/mint.rs"], "those that a finding speaks of, to show their lines"
    (tmp_path / "src/lib.rs").write_text("mod bank;\nmod mint;\n// no more\n")
    read.clear()
    assert checked(cached=True) == first
    assert sorted(read) == ["src/bank.rs", "src/lib.rs", "src/mint.rs"]
    assert spied == []
    before = (tmp_path / "src/mint.rs").stat()
    (tmp_path / "src/mint.rs").write_text(STRIKE.replace("BODY", "bank.wei_h();"))
    os.utime(tmp_path / "src/mint.rs", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert slugs(checked(cached=True)) == [], "as large as before, with the old time of change put back"


CROWD = """
pub struct Ledger { pages: Vec<u32> }
impl Ledger {
    pub fn sum(&self) -> u32 { BODY }
    pub fn new() -> Self { Self { pages: Vec::new() } }
}
"""


@pytest.mark.parametrize(
    ("body", "looks"),
    [
        ("let all = 7; all + self.pages.iter().sum::<u32>()", False),
        ('println!("{}", self.pages.len()); 0', False),
        ("let bank: &crate::bank::Bank = todo!(); *bank.gold.lock().unwrap()", True),
        ("let lost = bank.read(); 0", True),
        ("self.pages.iter().sum::<u32>() + 'a' as u32 } pub fn more(&self) -> u32 { 0", True),
    ],
    ids=["arithmetic", "a macro", "a lock is taken", "a word of locks", "a function more"],
)
def test_nobody_looks_at_a_tree_for_a_function_that_nobody_looks_at(
    body: str, looks: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    bank(tmp_path, "bank.weigh();")
    (tmp_path / "src/lib.rs").write_text("mod bank;\nmod mint;\nmod ledger;\n")
    (tmp_path / "src/ledger.rs").write_text(CROWD.replace("BODY", "self.pages.iter().sum()"))
    first = checked(cached=True)
    made: list[Tree] = []
    real = Tree.__init__
    monkeypatch.setattr(Tree, "__init__", lambda tree, *known: made.append(tree) or real(tree, *known))
    (tmp_path / "src/ledger.rs").write_text(CROWD.replace("BODY", body))
    second = checked(cached=True)
    assert bool(made) == looks
    assert second == checked()
    assert slugs(second) == slugs(first) == ["lock-taken-twice"]


HASHED = """
use std::collections::HashSet;
use std::hash::{Hash, Hasher};
pub struct Key { name: String, seen: std::sync::Mutex<u32> }
impl PartialEq for Key { fn eq(&self, other: &Self) -> bool { self.name == other.name } }
impl Eq for Key {}
impl Hash for Key { fn hash<H: Hasher>(&self, state: &mut H) { BODY } }
impl Key { fn note(&self) { *self.seen.lock().unwrap() += 1; } fn plain(&self) -> usize { self.name.len() } }
pub fn hashed(keys: &HashSet<Key>, key: &Key) -> bool { keys.contains(key) }
"""


@pytest.mark.parametrize(("body", "looks"), [("let n = 1; self.name.hash(state)", False), ("self.note()", True)])
def test_what_may_run_unsaid_is_looked_at_once_it_calls_something_else(
    body: str, looks: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_tree(tmp_path, {"Cargo.toml": MANIFEST, "src/lib.rs": HASHED.replace("BODY", "self.name.hash(state)")})
    checked(cached=True)
    made: list[Tree] = []
    real = Tree.__init__
    monkeypatch.setattr(Tree, "__init__", lambda tree, *known: made.append(tree) or real(tree, *known))
    (tmp_path / "src/lib.rs").write_text(HASHED.replace("BODY", body))
    assert checked(cached=True) == checked(cached=False)
    assert (len(made) > 1) == looks, "the run without a cache makes one"


def test_what_was_said_of_a_file_is_said_where_it_stands_now(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A function that nobody looks at changed: below what was said, or above it, so that it moved."""
    monkeypatch.chdir(tmp_path)
    bank(tmp_path, "bank.weigh();")
    free = "pub fn free() -> u32 { 1 }\n"
    for text in (free + TWICE + free, free + TWICE + free.replace("1", "2"), free.replace("1", "10") + TWICE + free):
        (tmp_path / "src/bank.rs").write_text(text)
        found = checked(cached=True)
        assert slugs(found) == ["lock-taken-twice"]
        assert found == checked()


EDITS = {
    "a line above": lambda text: "// moved\n\n" + text,
    "another body": lambda text: text.replace(".unwrap()", '.expect("sound")', 1),
    "no lock any more": lambda text: text.replace(".lock()", ".len()"),
    "one function less": lambda text: text.replace("fn ", "fn other_", 1),
    "as it was": lambda text: text,
}


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.name)
def test_after_each_edit_the_cache_says_what_a_new_run_says(
    program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    top = tmp_path / "tree"
    shutil.copytree(program, top)
    monkeypatch.chdir(top)
    checked(cached=True)
    for path in sorted(top.rglob("*.rs")):
        text = path.read_text(encoding="utf-8")
        for edit in EDITS.values():
            path.write_text(edit(text), encoding="utf-8")
            assert checked(cached=True) == checked()


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.name)
def test_after_random_edits_too(program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`python tests/edits.py TREE` does the same on real trees."""
    top = tmp_path / "tree"
    shutil.copytree(program, top)
    monkeypatch.chdir(top)
    checked(cached=True)
    pick = random.Random(program.name)
    files = sorted(path for end in SUFFIXES for path in top.rglob(f"*{end}"))
    for _ in range(4):
        edits.change(pick, files)
        assert checked(cached=True) == checked()


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.name)
def test_the_number_of_processes_changes_nothing(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(program)
    alone = checked()
    for module, name in ((units, "_WORTH"), (units, "_BATCH"), (examine, "_WORTH")):
        monkeypatch.setattr(module, name, 1)
    assert checked(jobs=3) == alone


def test_a_small_input_starts_no_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bank(tmp_path, "bank.weigh();")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(multiprocessing, "get_context", lambda *_: pytest.fail("a process was started"))
    assert slugs(checked(jobs=8)) == ["lock-taken-twice"]


def test_rules_that_see_one_function_say_the_same_when_they_see_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The contract of `Meta.sees`: otherwise such a rule would say less in a run than on its own page."""
    shutil.copytree(FIXTURES / "rust", tmp_path / "rust")
    monkeypatch.chdir(tmp_path)
    apart = checked()
    at_once = tuple(replace(rule, meta=replace(rule.meta, sees="tree")) for rule in engine.RULES)
    monkeypatch.setattr(engine, "RULES", at_once)
    together = checked()
    assert apart.findings == together.findings


# ------------------------------------------------------------------------------------- what may happen to the file


def _file(folder: Path) -> Path:
    return next(folder.glob("*.db"))


POOL = """
import threading

class Pool:
    def __init__(self):
        self.lock = threading.Lock()
        self.done = threading.Event()

    def work(self):
        with self.lock:
            self.rows.clear()
        self.done.set()

    def pause(self):
        threading.Thread(target=self.work).start()
WAITS
"""
LOOSE = "        self.done.wait()"
UNDER = "        with self.lock:\n            self.done.wait()"
HELPER = """
from pool import Pool

def wake(pool: Pool):
    pool.done.set()
"""


def test_who_gives_signals_is_looked_for_everywhere_once_somebody_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waited under a lock before, so the other file's function was not looked at; now it tells."""
    write_tree(tmp_path, {"pool.py": POOL.replace("WAITS", LOOSE), "helper.py": HELPER})
    monkeypatch.chdir(tmp_path)
    assert not _hangs(checked(cached=True))
    (tmp_path / "pool.py").write_text(POOL.replace("WAITS", UNDER))
    assert not _hangs(checked(cached=True))
    (tmp_path / "helper.py").unlink()
    assert _hangs(checked(cached=True)), "nobody else sets the event: it must be found, or this test shows nothing"


FRONT = """
mod helper;
use std::sync::{mpsc, Mutex};

pub struct Front {
    rows: Mutex<Vec<u32>>,
    tell: mpsc::Sender<u32>,
    told: mpsc::Receiver<u32>,
}

impl Front {
    pub fn new() -> Front {
        let (tell, told) = mpsc::channel();
        Front { rows: Mutex::default(), tell, told }
    }

    pub fn work(&self) {
        let rows = self.rows.lock().unwrap();
        self.tell.send(1).unwrap();
        drop(rows);
    }

    pub fn wait(&self) {
        let rows = self.rows.lock().unwrap();
        self.told.recv().unwrap();
        drop(rows);
    }
}
"""
WAKES = """
impl crate::Front {
    pub fn wake(&self) {
        give(&self.tell);
    }
}

fn give(end: &std::sync::mpsc::Sender<u32>) {
    let _ = end.send(1);
}
"""


def test_who_names_what_somebody_waits_for_is_looked_at_wherever_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another file's method lends its end of the channel to a function that sends: it could end the wait."""
    quiet = WAKES.replace("&self.tell", "&made()")
    write_tree(tmp_path, {"Cargo.toml": MANIFEST, "src/lib.rs": FRONT, "src/helper.rs": quiet})
    monkeypatch.chdir(tmp_path)
    assert _hangs(checked(cached=True)), "nobody else sends: it must be found, or this test shows nothing"
    (tmp_path / "src/helper.rs").write_text(WAKES)
    assert not _hangs(checked(cached=True))


def test_who_comes_to_name_it_is_looked_at_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody sent by this channel before, so nothing was said; the text of one function in another file changes that."""
    work = FRONT[FRONT.index("    pub fn work") : FRONT.index("    pub fn wait")]
    wakes = f"use std::sync::mpsc::Sender;\nfn made() -> Sender<u32> {{ todo!() }}\nimpl crate::Front {{\n{work}}}\n"
    quiet = wakes.replace("self.tell", "made()")
    write_tree(tmp_path, {"Cargo.toml": MANIFEST, "src/lib.rs": FRONT.replace(work, ""), "src/helper.rs": quiet})
    monkeypatch.chdir(tmp_path)
    assert not _hangs(checked(cached=True))
    (tmp_path / "src/helper.rs").write_text(wakes)
    assert _hangs(checked(cached=True))


def _hangs(report: Report) -> bool:
    return any(finding.slug == "wait-for-lock-holder" for finding in report.findings)


def test_a_corrupted_file_is_replaced(tmp_path: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bank(tmp_path, "bank.weigh();")
    monkeypatch.chdir(tmp_path)
    first = checked(cached=True)
    for rubbish in (b"no database at all" * 1000, _file(own_cache).read_bytes()[:5000], b""):
        for old in own_cache.iterdir():
            old.unlink()
        (own_cache / "cache-1.db").write_bytes(rubbish)
        assert checked(cached=True) == first
        assert checked(cached=True) == first


def test_a_value_that_was_changed_is_not_believed(
    tmp_path: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank(tmp_path, "bank.weigh();")
    monkeypatch.chdir(tmp_path)
    first = checked(cached=True)
    database = sqlite3.connect(_file(own_cache))
    with database:
        database.execute("update entry set value = x'90'")
    database.close()
    assert checked(cached=True) == first


@pytest.mark.skipif(os.name != "posix" or os.getuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written(tmp_path: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bank(tmp_path, "bank.weigh();")
    monkeypatch.chdir(tmp_path)
    own_cache.chmod(0o500)
    assert slugs(checked(cached=True)) == ["lock-taken-twice"]


@pytest.mark.parametrize("place", ["/dev/null/cache", "/proc/cache"])
def test_a_folder_that_cannot_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    bank(tmp_path, "bank.weigh();")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOCKCHECK_CACHE_DIR", place)
    assert slugs(checked(cached=True)) == ["lock-taken-twice"]


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bank(tmp_path, "bank.weigh();")
    monkeypatch.chdir(tmp_path)
    real = cache._connected

    def full() -> sqlite3.Connection:
        database = real()
        database.execute("pragma max_page_count = 4")
        return database

    monkeypatch.setattr(cache, "_connected", full)
    assert slugs(checked(cached=True)) == slugs(checked(cached=True)) == ["lock-taken-twice"]


def test_a_reader_that_holds_the_file(tmp_path: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bank(tmp_path, "bank.weigh();")
    monkeypatch.chdir(tmp_path)
    first = checked(cached=True)
    other = sqlite3.connect(_file(own_cache))
    other.execute("begin exclusive")
    bank(tmp_path, "\n bank.weigh();")
    assert slugs(checked(cached=True)) == slugs(first)
    other.rollback()
    other.close()


def test_it_stays_bounded(monkeypatch: pytest.MonkeyPatch, own_cache: Path) -> None:
    monkeypatch.setattr(cache, "LARGEST", 1 << 20)
    store = cache.Store()
    for number in range(40):
        store.save({store.key(str(number)): os.urandom(100_000)})
    assert sum(path.stat().st_size for path in own_cache.iterdir()) < 4 << 20
    assert store.load([store.key("39")])
    assert not store.load([store.key("0")])


COMMAND = [sys.executable, "-m", "lockcheck", "check", ".", "--exit-zero", "--output", "json"]


def test_runs_share_it_and_may_be_killed(tmp_path: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(FIXTURES / "rust", tmp_path / "rust")
    monkeypatch.chdir(tmp_path)
    expected = subprocess.run([*COMMAND, "--no-cache"], capture_output=True, check=True).stdout
    for wait in (0.1, 0.2, 0.4, 0.8):
        killed = subprocess.Popen(COMMAND, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(wait)
        killed.send_signal(signal.SIGKILL)
        killed.wait()
    both = [subprocess.Popen(COMMAND, stdout=subprocess.PIPE) for _ in range(2)]
    assert [one.communicate()[0] for one in both] == [expected, expected]
    assert subprocess.run(COMMAND, capture_output=True, check=True).stdout == expected


def test_clean_removes_it(tmp_path: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: Any) -> None:
    bank(tmp_path, "bank.weigh();")
    monkeypatch.chdir(tmp_path)
    checked(cached=True)
    assert list(own_cache.iterdir())
    assert main(["clean"]) == 0
    assert not list(own_cache.iterdir())
    assert main(["clean"]) == 0
    assert capfdbinary.readouterr().out.endswith(b"0.0 MB removed\n")


def test_no_cache_leaves_nothing_behind(tmp_path: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bank(tmp_path, "bank.weigh();")
    monkeypatch.chdir(tmp_path)
    assert main(["check", "--no-cache", "--exit-zero"]) == 0
    assert not list(own_cache.iterdir())


def test_other_settings_are_another_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bank(tmp_path, "bank.weigh();")
    monkeypatch.chdir(tmp_path)
    assert slugs(checked(cached=True)) == ["lock-taken-twice"]
    settings = replace(engine.configure(["."]), ignore=("LCK201",))
    assert slugs(engine.check(["."], settings, Work(cached=True))) == []
