"""Looking only where the words of locks are finds the same as looking everywhere."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from fakes import write_tree
from msgspec.structs import replace

from lockcheck import effects, engine, ir
from lockcheck.analysis import Analysis
from lockcheck.analysis.held import Walk
from lockcheck.config import Settings
from lockcheck.executors import Work
from lockcheck.frontends import finder
from lockcheck.frontends.forms import filled
from lockcheck.frontier import Frontier
from lockcheck.report import Report

FIXTURES = Path(__file__).parent.parent / "fixtures"
PROGRAMS = sorted(path for path in (FIXTURES / "programs").iterdir() if path.is_dir())
REAL = [Path(one) for one in os.environ.get("LOCKCHECK_TREES", "").split(os.pathsep) if one]
"""Checkouts of real projects: `LOCKCHECK_TREES=a:b pytest tests/test_frontier.py`."""


def findings(folder: Path, monkeypatch: pytest.MonkeyPatch, everywhere: bool) -> Report:
    monkeypatch.chdir(folder)
    settings = replace(engine.configure(["."]), min_confidence="possible", persona="auditor")
    with monkeypatch.context() as patched:
        if everywhere:
            patched.setattr(Frontier, "_numbers", lambda self, *_, **__: range(len(self._program.functions)))
        return engine.check(["."], settings, Work())


@pytest.mark.parametrize("program", PROGRAMS + REAL, ids=lambda path: path.name)
def test_looking_everywhere_finds_nothing_more(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = findings(program, monkeypatch, everywhere=False)
    every = findings(program, monkeypatch, everywhere=True)
    assert chosen.findings == every.findings


@pytest.mark.parametrize("language", ["rust", "python"])
def test_looking_everywhere_finds_nothing_more_in_fixtures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    shutil.copytree(FIXTURES / language, tmp_path / language)
    chosen = findings(tmp_path, monkeypatch, everywhere=False)
    every = findings(tmp_path, monkeypatch, everywhere=True)
    assert chosen.findings == every.findings
    assert len(chosen.findings) > 100


SHAPES = {
    "a comment and line ends within the call": "self.m . // here\n lock /* now */ ( /* nothing */ )",
    "by the path of the type": "Mutex :: lock(&self.m)",
    "by the path of the type with its arguments and a comment": "Mutex::<u8> /* of */ :: lock(&self.m)",
    "by the path of the type in brackets": "<Mutex<u8>>::lock(&self.m)",
    "a method that the tree has for it": "self.guard::<u8>(1)",
    "a function that the tree has for it": "take (&self.m)",
    "a macro of the tree": "grab !(self)",
}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
def test_however_the_call_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shape: str) -> None:
    code = f"""
use std::sync::{{Mutex, MutexGuard}};
macro_rules! grab {{ ($of:ident) => {{ $of.m.lock() }} }}
fn take(m: &Mutex<u8>) -> MutexGuard<'_, u8> {{ m.lock().unwrap() }}
struct S {{ m: Mutex<u8> }}
impl S {{
    fn guard<T>(&self, _: T) -> MutexGuard<'_, u8> {{ self.m.lock().unwrap() }}
    fn twice(&self) {{
        let one = {shape};
        let two = {shape};
    }}
}}
"""
    write_tree(tmp_path, {"a.rs": code})
    monkeypatch.chdir(tmp_path)
    report = engine.check(["."], Settings(), Work())
    assert [finding.slug for finding in report.findings] == ["lock-taken-twice"]


LENDERS = {
    "a method": "self.lend(CLOSURE)",
    "a method by its path": "S::lend(self, CLOSURE)",
    "a type's own function": "S :: under(&self.m, CLOSURE)",
    "a type's own function with a comment": "Self:: /* here */ under (&self.m, CLOSURE)",
    "a type's own function, the type in brackets": "<S>::under(&self.m, CLOSURE)",
    "a function": "under_it(&self.m, CLOSURE)",
    "a function by its path": "crate::under_it(&self.m, CLOSURE)",
}


@pytest.mark.parametrize("shape", LENDERS.values(), ids=LENDERS.keys())
@pytest.mark.parametrize("closure", ["|| self.count()", "later"])
def test_however_a_closure_is_lent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shape: str, closure: str) -> None:
    """No word of a lock stands in the function: that it calls a lender must be enough."""
    code = f"""
use std::sync::Mutex;
struct S {{ m: Mutex<u8> }}
fn under_it<R>(m: &Mutex<u8>, run: impl FnOnce() -> R) -> R {{ let _guard = m.lock().unwrap(); run() }}
impl S {{
    fn under<R>(m: &Mutex<u8>, run: impl FnOnce() -> R) -> R {{ let _guard = m.lock().unwrap(); run() }}
    fn lend<R>(&self, run: impl FnOnce() -> R) -> R {{ let _guard = self.m.lock().unwrap(); run() }}
    fn count(&self) -> u8 {{ *self.m.lock().unwrap() }}
    fn twice(&self) {{
        {"let later = || self.count();" if closure == "later" else ""}
        {shape.replace("CLOSURE", closure)};
    }}
}}
"""
    write_tree(tmp_path, {"Cargo.toml": '[package]\nname = "a"\nedition = "2021"\n', "src/lib.rs": code})
    monkeypatch.chdir(tmp_path)
    report = engine.check(["."], Settings(), Work())
    assert [finding.slug for finding in report.findings] == ["lock-taken-twice"]


OPENERS = {
    "a field of a class that takes a lock where a block begins": "self.entry",
    "a class of its own": "Entry()",
    "a function that takes one in a block of its own": "entered()",
    "a function that opens a block with such a function": "through()",
    "a field that is computed": "self.guard",
    "a field with another one before it": "self.nothing as _, self.guard",
    "a variable of a condition's name": "cv",
    "a variable of the function": "own",
    "a parameter that is a lock": "given",
}


@pytest.mark.parametrize("opener", OPENERS.values(), ids=OPENERS.keys())
def test_whatever_a_block_is_opened_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, opener: str) -> None:
    code = f"""
import threading
from contextlib import contextmanager, nullcontext

gate = threading.Lock()
cv = threading.Lock()

class Entry:
    def __enter__(self):
        gate.acquire()
    def __exit__(self, *_):
        gate.release()

@contextmanager
def entered():
    with gate:
        yield

@contextmanager
def through():
    with entered():
        yield

class Office:
    def __init__(self):
        self.entry = Entry()
        self.nothing = nullcontext()
        self._gate = threading.Lock()
    @property
    def guard(self):
        return self._gate
    def twice(self, given: threading.Lock):
        own = threading.Lock()
        with {opener}:
            with {opener}:
                pass
"""
    write_tree(tmp_path, {"a.py": code})
    monkeypatch.chdir(tmp_path)
    report = engine.check(["."], Settings(min_confidence="possible"), Work())
    assert "lock-taken-twice" in [finding.slug for finding in report.findings]


@pytest.mark.parametrize("language", ["rust", "python"])
def test_a_mark_stands_wherever_a_word_is_found(language: str) -> None:
    """Marks and hints are looked for before the forms are: a place that has none would be overlooked."""
    table = effects.load(language, frozenset(["refcell"]))
    calls = ir.Words(any=table.hook_calls | table.leaks, functions=table.hook_calls | table.leaks)
    lenders = ir.Words(lenders=frozenset(["map", "with_rows", "init_for"]))
    finders = [finder(language, words) for words in (table.words(frozenset()), calls, lenders)]
    found = 0
    for path in (FIXTURES / language).rglob("*"):
        data = path.read_bytes() if path.is_file() else b""
        for one in finders:
            for hint, form in ((each.hint, each.form) for each in one.forms):
                texts = [match[0] for match in form.finditer(data)]
                assert all(any(mark in text for mark in one.marks) for text in texts)
                assert all(hint is None or hint.search(data, *match.span()) for match in form.finditer(data))
                found += len(texts)
    assert found > 100


@pytest.mark.parametrize("language", ["rust", "python"])
def test_asking_every_callee_finds_nothing_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, language: str) -> None:
    """Who only gives back a value is not asked for under what it runs, nor who never calls what it is given."""
    shutil.copytree(FIXTURES / language, tmp_path / language)
    shutil.copytree(FIXTURES / "programs", tmp_path / "programs")
    chosen = findings(tmp_path, monkeypatch, everywhere=False)
    monkeypatch.setattr(Walk, "does_something", lambda *_: True)
    monkeypatch.setattr(Analysis, "_runs", lambda *_: True)
    assert chosen.findings == findings(tmp_path, monkeypatch, everywhere=False).findings


def test_words_that_begin_alike_are_all_found() -> None:
    """What several begin with is looked for once: the longest that stands there is found, as if each stood alone."""
    words = ["lock", "lock_arc", "lo", "read", "a::lock", "a::lock_all", "re"]
    (form,) = filled([("", r"\b(?:{})\b", words)], r"\s*::\s*")
    text = b"lock lock_arc lo read re a :: lock a::lock_all locks rea a::b"
    found = [match[0].replace(b" ", b"").decode() for match in form.form.finditer(text)]
    assert found == ["lock", "lock_arc", "lo", "read", "re", "a::lock", "a::lock_all"]
    (long,) = filled([("", "{}", ["a" * size for size in range(1, 2000)])], "")
    match = long.form.match(b"a" * 1500)
    assert match is not None and match.end() == 1500


HANDED = {
    "called under a lock at the far end": ("run(&self.m, f)", True),
    "called by a closure there": ("run(&self.m, || f())", True),
    "only given back": ("keep(&self.m, f)", False),
}


@pytest.mark.parametrize(("call", "hangs"), HANDED.values(), ids=HANDED.keys())
def test_what_becomes_of_a_closure_that_is_passed_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, hangs: bool
) -> None:
    code = f"""
use std::sync::Mutex;
struct S {{ m: Mutex<u8> }}
fn run<F: Fn() -> u8>(m: &Mutex<u8>, f: F) -> u8 {{ let guard = m.lock().unwrap(); f() + *guard }}
fn keep<F: Fn() -> u8>(m: &Mutex<u8>, f: F) -> F {{ let guard = m.lock().unwrap(); drop(guard); f }}
impl S {{
    fn through<F: Fn() -> u8>(&self, f: F) {{ {call}; }}
    fn count(&self) -> u8 {{ *self.m.lock().unwrap() }}
    fn starts(&self) {{ self.through(|| self.count()); }}
    fn starts_nothing(&self) {{ self.through(|| 1); }}
}}
"""
    write_tree(tmp_path, {"Cargo.toml": '[package]\nname = "a"\nedition = "2021"\n', "src/lib.rs": code})
    monkeypatch.chdir(tmp_path)
    report = engine.check(["."], Settings(), Work())
    assert [finding.slug for finding in report.findings] == ["lock-taken-twice"] * hangs
