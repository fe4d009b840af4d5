"""What is true as it is said, but hardly ever a bug, is `possible`: hidden unless somebody asks for it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import lockcheck

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
DOWN = "for one in inner.some.iter() { down(one); }"
UP = "*inner.array.upgrade().unwrap().inner.lock().unwrap() = Parts::new();"


@pytest.mark.parametrize(
    ("text", "hidden", "said"),
    [
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
