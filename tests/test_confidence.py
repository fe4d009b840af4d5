"""What is true as it is said, but hardly ever a bug, is `possible`: hidden unless somebody asks for it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import lockcheck
from fakes import write_tree

WARMED = """
use std::sync::{Mutex, MutexGuard};
struct Cache { rows: Mutex<Vec<u32>> }
impl Cache {
    fn rows(&self) -> MutexGuard<'_, Vec<u32>> {
        let mut rows = self.rows.lock().unwrap();
        %s
        rows
    }
    fn warm(&self) {
        let _ = self.rows();
        run();
    }
}
"""
NODES = """
use std::sync::{Arc, Mutex, Weak};
struct Array { inner: Mutex<Parts> }
struct Object { inner: Mutex<Parts> }
struct Parts { some: Vec<Value>, array: Weak<Array> }
enum Value { A(Arc<Array>), O(Arc<Object>) }
fn down(value: &Value) {
    match value {
        Value::A(array) => {
            let inner = array.inner.lock().unwrap();
            for one in inner.some.iter() { down(one); }
        }
        Value::O(object) => {
            let inner = object.inner.lock().unwrap();
            %s
        }
    }
}
"""
BOOK = """
use std::sync::Mutex;
struct Book { rows: Mutex<u32>, pages: Mutex<u32> }
impl Book {
    fn one(&self) { let rows = self.rows.lock().unwrap(); *self.pages.lock().unwrap() += *rows; }
}
%s
fn other(book: &Book) { let pages = book.pages.lock().unwrap(); *book.rows.lock().unwrap() += *pages; }
%s
fn another(book: &Book) { let rows = book.rows.lock().unwrap(); *book.pages.lock().unwrap() += *rows; }
"""
SINKS = """
use std::sync::Mutex;
%s
static STATE: Mutex<State> = Mutex::new(State { sinks: Vec::new() });
struct State { sinks: Vec<Box<dyn Sink + Send>> }
struct Front;
impl Sink for Front { fn put(&self, row: u32) { STATE.lock().unwrap().put(row) } }
impl Sink for State { fn put(&self, row: u32) { for one in self.sinks.iter() { one.put(row) } } }
"""
TABLE = """
use std::sync::RwLock;
pub struct Table { rows: RwLock<Vec<u32>> }
impl Table {
    pub fn twice(&self) -> usize {
        let rows = self.rows.read().unwrap();
        rows.len() + self.rows.read().unwrap().len()
    }
    %s
}
"""
VERSIONS = """
use versions::%s;
struct Table { rows: Map<u32, u32> }
impl Table {
    fn both(&self) {
        let old = self.rows.read();
        self.rows.write().fill(&old);
    }
}
"""
FLAGS = """
use std::sync::Mutex;
use syscall::CallFlags;
static TABLE: Mutex<Vec<usize>> = Mutex::new(Vec::new());
fn call(flags: CallFlags) -> usize {
    if !flags.contains(CallFlags::TABLE) { return 0; }
    TABLE.lock().unwrap().len()
}
fn both(more: CallFlags) {
    let table = TABLE.lock().unwrap();
    %s
    drop(table);
}
"""
ANY = """
use std::sync::Mutex;
%s
static STATE: Mutex<u32> = Mutex::new(0);
struct Front;
impl Made for Front { fn made() -> Self { *STATE.lock().unwrap() += 1; Front } }
fn gather<T: Made>() -> (u32, T) {
    let state = STATE.lock().unwrap();
    (*state, T::made())
}
"""
KEPT = "trait Kept { fn kept(&self); } impl Kept for Front { fn kept(&self) {} }"
JUDGE = """
import threading
class Judge:
    def __init__(self):
        self._grading = threading.Lock()
    def begin(self):
        self._grading.acquire()
        worker = threading.Thread(target=self._work)
        worker.start()
        worker.join()
    def _work(self):
        self._grading.%s()
"""
TESTER = """
from judge import Judge
class Tester:
    def __init__(self):
        self.judge = Judge()
    def run(self, cases):
        for case in cases:
            self.judge.begin()
"""
POOL = """
import threading
class Worker:
    def __init__(self, pool%s):
        self.pool = pool
    def run(self):
        pool = self.pool
        pool._wait_for_task(self)
        pool._to_worker.release()
        with pool._lock:
            pool._to_pool.notify_all()
class Pool:
    def __init__(self):
        self._to_worker = threading.Lock()
        self._lock = threading.Lock()
        self._to_pool = threading.Condition(self._to_worker)
    def _wait_for_task(self, worker):
        pass
"""
QUERY = """
import asyncio, threading
class Query:
    def __init__(self):
        self._lock = threading.RLock()
        self._loop = None
        self._task = None
    def start(self):
        with self._lock:
            self._loop = make_loop()
            %s = self._loop.create_task(fetch())
    def run(self):
        with self._lock:
            if self._loop is None:
                self.start()
            async def fetched():
                return await self.fetch()
            return asyncio.run_coroutine_threadsafe(fetched(), self._loop).result()
    async def fetch(self):
        if not self._task:
            self.start()
"""
CALL = """
import logging, threading
LOG = logging.getLogger(__name__)
class Bridge:
    def __init__(self, peer):
        self.lock = threading.Lock()
        self.peer = peer
    def call(self):
        self.lock.acquire()
        LOG.debug("called %%s", self.peer.%s)
        try:
            return self.peer.ask()
        finally:
            self.lock.release()
"""
STORE = """
import threading
class Store:
    def __init__(self):
        self.lock = threading.Lock()
        self.task = None
    def add(self):
        with self.lock:
            self.task = make_task()
            self.count()
    def count(self):
        if %s:
            with self.lock:
                return 1
        %s
    def further(self):
        self.furthest()
    def furthest(self):
        with self.lock:
            return 1
"""
FEED = """
import threading
class Feed:
    def __init__(self):
        self.lock = threading.Lock()
        self.link = None
        self.count = 0
    def is_open(self):
        return self.link is not None and self.link.state == 1
    def ensure(self):
        if %s:
            with self.lock:
                if %s:
                    self.open()
    def open(self):
        %s
        self.send()
    def send(self):
        self.ensure()
"""
TURN = """
import threading, trio
class Turn:
    def __init__(self):
        self.free = %s.Lock()
        self.rows = []
    def take(self):
        self.free.%s
        self.rows.append(1)
        self.free.release()
"""
DOWN = "for one in inner.some.iter() { down(one); }"
UP = "*inner.array.upgrade().unwrap().inner.lock().unwrap() = Parts::new();"


FLASH = """
use embassy_sync::{blocking_mutex::raw::NoopRawMutex, mutex::Mutex};
struct Flash<D> { disk: Mutex<NoopRawMutex, D> }
impl<D: Disk> Flash<D> {
    async fn load(&self) -> u32 {
        match self.disk.lock().await.load().await {
            Ok(found) => found,
            Err(_) => { self.disk.%s.await.store(0).await; 0 }
        }
    }
}
trait Disk { async fn load(&self) -> Result<u32, ()>; async fn store(&self, row: u32); }
"""


@pytest.mark.parametrize(
    ("text", "hidden", "said"),
    [
        (FLASH % "lock()", "", "LCK201"),
        (WARMED % "", "", "LCK104"),
        (WARMED % "rows.push(fetched());", "LCK104", ""),
        (WARMED.replace("    fn warm", "    #[test]\n    fn warm") % "", "LCK104", ""),
        (NODES % UP, "", "LCK301"),
        (NODES % DOWN, "LCK301", ""),
        (BOOK % ("", ""), "", "LCK301"),
        (BOOK % ("#[cfg(test)]", ""), "", ""),
        ((BOOK % ("#[cfg(test)]", "#[cfg(test)]")).replace("self.pages", "self.none"), "LCK301", ""),
        (SINKS % "trait Sink { fn put(&self, row: u32); }", "", "LCK201"),
        (SINKS % "use sinks::Sink;", "LCK201", ""),
        (ANY % "trait Made { fn made() -> Self; }", "", "LCK201"),
        (ANY % "use makers::Made;", "LCK201", ""),
        ((ANY % f"use makers::Made; {KEPT}").replace("T: Made", "T: Made + Kept"), "LCK201", ""),
        (TABLE % "pub fn clear(&mut self) { self.rows.get_mut().unwrap().clear() }", "LCK204", ""),
        (TABLE % "pub fn clear(&self) { self.rows.write().unwrap().clear() }", "", "LCK204"),
        (TABLE % "pub fn rows(&self) -> &RwLock<Vec<u32>> { &self.rows }", "", "LCK204"),
        (TABLE % "pub fn clear(&self) { clear(&self.rows) }", "", "LCK204"),
        ((TABLE % "").replace("rows: RwLock<Vec<u32>>", "rows: std::sync::Arc<RwLock<Vec<u32>>>"), "", "LCK204"),
        (VERSIONS % "Map", "LCK202", ""),
        (VERSIONS % "*", "", "LCK202"),
        (FLAGS % "call(CallFlags::empty());", "", ""),
        (FLAGS % "call(CallFlags::TABLE);", "", "LCK201"),
        (FLAGS % "call(CallFlags::empty() | more);", "", "LCK201"),
        (FLAGS % "let mut some = CallFlags::empty(); some.insert(more); call(some);", "", "LCK201"),
    ],
    ids=[
        "a lock of embedded tasks",
        "lock thrown away",
        "cache warmed",
        "thrown away in a test",
        "way back up",
        "tree",
        "two orders",
        "order of a test",
        "orders of tests",
        "any of the tree's",
        "any of a library's",
        "any of the tree's, by its type",
        "any of a library's, by its type",
        "any of a library's, whatever else it is",
        "read by all",
        "written as well",
        "handed out",
        "handed on",
        "one lock of many",
        "of a type that is called no lock",
        "of an unknown type",
        "nothing in it",
        "something in it",
        "something more",
        "something put in",
    ],
)
def test_hidden_and_said(tmp_path: Path, text: str, hidden: str, said: str) -> None:
    (tmp_path / "lib.rs").write_text(text, encoding="utf-8")
    found = {
        grade: [one["code"] for one in json.loads(lockcheck(tmp_path, *_asked(grade)).stdout)["findings"]]
        for grade in ("likely", "possible")
    }
    assert found["likely"] == ([said] if said else [])
    assert (hidden or said) in [*found["possible"], ""]


def _asked(grade: str) -> tuple[str, ...]:
    return "check", "lib.rs", "--no-cache", "--output", "json", "--min-confidence", grade


@pytest.mark.parametrize(
    ("files", "hidden", "said"),
    [
        ({"judge.py": JUDGE % "release", "tester.py": TESTER}, "LCK201", ""),
        ({"judge.py": JUDGE % "locked", "tester.py": TESTER}, "", "LCK201"),
        ({"pool.py": POOL % ""}, "LCK405", ""),
        ({"pool.py": POOL % ": Pool"}, "", "LCK405"),
        ({"query.py": QUERY % "self._task"}, "LCK303", ""),
        ({"query.py": QUERY % "task"}, "", "LCK303"),
        ({"store.py": STORE % ("not self.task", "return 0")}, "LCK201", ""),
        ({"store.py": STORE % ("not self.task", "self.further()")}, "", "LCK201"),
        ({"store.py": STORE % ("self.task", "return 0")}, "", "LCK201"),
        ({"feed.py": FEED % ("self.link is None", "self.link is None", "self.link = make()")}, "LCK201", ""),
        ({"feed.py": FEED % ("not self.is_open()", "not self.is_open()", "self.link = make()")}, "LCK201", ""),
        ({"feed.py": FEED % ("not self.is_open()", "not self.is_open()", "self.count += 1")}, "", "LCK201"),
        ({"feed.py": FEED % ("not self.is_open()", "self.is_open()", "self.count += 1")}, "", ""),
        ({"turn.py": TURN % ("trio", "acquire_nowait()")}, "", ""),
        ({"turn.py": TURN % ("threading", "acquire(blocking=False)")}, "", "LCK503"),
        ({"call.py": CALL % "get_name()"}, "LCK105", ""),
        ({"call.py": CALL % "parse(self.row)"}, "", "LCK105"),
    ],
    ids=[
        "given back by a thread that who takes it starts",
        "given back by nobody",
        "a condition of what is guessed",
        "a condition of what is known",
        "a field that was given a value decides",
        "a field of which nothing is known decides",
        "a field that decides on the only way",
        "a field that decides on one of two ways",
        "a field that is there by then",
        "a field that a callee has given a value decides",
        "an answer decides that hangs on such a field",
        "an answer decides that hangs on a field as it was",
        "an answer that cannot be",
        "a try that raises",
        "a try that nobody looks at",
        "what a log entry asks for",
        "what a log entry is made of",
    ],
)
def test_hidden_and_said_of_objects(tmp_path: Path, files: dict[str, str], hidden: str, said: str) -> None:
    write_tree(tmp_path, files)
    for grade, wanted in (("likely", said), ("possible", said or hidden)):
        command = "check", ".", "--no-cache", "--output", "json", "--min-confidence", grade
        found = json.loads(lockcheck(tmp_path, *command).stdout)["findings"]
        assert [one["code"] for one in found] == ([wanted] if wanted else [])


def test_sure_is_what_hangs_on_no_field(tmp_path: Path) -> None:
    text = """
import threading
class Store:
    def __init__(self, alive):
        self.lock = threading.Lock()
        self.alive = alive
    def add(self):
        with self.lock:
            self.count()
    def count(self):
        if self.alive:
            with self.lock:
                return 1
"""
    for body, grade in ((text, "likely"), (text.replace("if self.alive", "if True"), "certain")):
        write_tree(tmp_path, {"store.py": body})
        report = lockcheck(tmp_path, "check", ".", "--no-cache", "--output", "json")
        assert [one["confidence"] for one in json.loads(report.stdout)["findings"]] == [grade]
