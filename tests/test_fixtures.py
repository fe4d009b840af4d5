"""What lockcheck says about every fixture is what its marks say, no more and no less."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import marks
import pytest
from command import lockcheck

ROOT = Path(__file__).resolve().parent.parent
RUST = sorted((ROOT / "fixtures" / "rust").glob("*.rs"))
PYTHON = sorted((ROOT / "fixtures" / "python").glob("*.py"))
FILES = [*RUST, *PYTHON]
PROGRAMS = sorted(path.parent for path in (ROOT / "fixtures" / "programs").glob("*/expect.json"))
DEADLOCKS = ("lock-taken-twice", "read-then-write", "write-then-read", "nested-read")


def names(path: Path) -> str:
    return path.name


def run(folder: Path, *arguments: str) -> str:
    """The JSON report of `lockcheck check`, with everything it can be made to say."""
    everything = ("--persona", "auditor", "--min-confidence", "possible", "--output", "json", "--no-cache")
    done = lockcheck(folder, "check", *arguments, *everything)
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


def findings(report: str) -> list[dict[str, Any]]:
    read = json.loads(report)
    assert read["problems"] == []
    return list(read["findings"])


def selection(slug: str) -> tuple[str, ...]:
    """A fixture judges its own rule, and the deadlocks are one family that is always judged: one bug is one finding."""
    return DEADLOCKS if slug in DEADLOCKS else (slug, *DEADLOCKS)


def judge(folder: Path, text: str, path: Path) -> list[tuple[int, str]]:
    (folder / path.name).write_text(text, encoding="utf-8")
    settings, versions = marks.head(text)
    (folder / "lockcheck.toml").write_text(settings, encoding="utf-8")
    if versions:
        packages = [f'[[package]]\nname = "{name}"\nversion = "{version}"\n' for name, version in versions]
        (folder / "Cargo.lock").write_text("\n".join(packages), encoding="utf-8")
        (folder / "Cargo.toml").write_text('[package]\nname = "fixture"\nedition = "2021"\n', encoding="utf-8")
    said = findings(
        run(folder, path.name, "--edition", marks.edition(path), "--select", ",".join(selection(marks.slug(path))))
    )
    return [(finding["line"], finding["slug"]) for finding in said if finding["path"] == path.name]


def compare(places: list[tuple[int, str]], wanted: set[tuple[int, str]], text: str) -> None:
    lines = text.splitlines()
    found = set(places)
    complaints = [
        f"{line}: {slug} is reported more than once: {lines[line - 1].strip()}"
        for line, slug in sorted(found)
        if places.count((line, slug)) > 1
    ]
    complaints += [
        f"{line}: {slug} is not reported: {lines[line - 1].strip()}" for line, slug in sorted(wanted - found)
    ]
    complaints += [
        f"{line}: {slug} is reported and should not be: {lines[line - 1].strip()}"
        for line, slug in sorted(found - wanted)
    ]
    assert not complaints, "\n" + "\n".join(complaints)


@pytest.mark.parametrize("path", FILES, ids=names)
def test_every_mark_and_nothing_else(path: Path, tmp_path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    compare(judge(tmp_path, text, path), marks.expected(marks.read(path), frozenset(selection(marks.slug(path)))), text)


@pytest.mark.parametrize("path", FILES, ids=names)
def test_marks_of_a_fixture_are_of_rules_it_judges(path: Path) -> None:
    found = marks.read(path)
    assert {mark.slug for mark in found} <= set(selection(marks.slug(path)))
    lines = path.read_text(encoding="utf-8").splitlines()
    for mark in found:
        assert lines[mark.line - 1].strip() and not lines[mark.line - 1].strip().startswith(("//", "#")), (
            f"the mark above line {mark.line} marks nothing"
        )


@pytest.mark.parametrize(("slug", "suffix"), sorted({(marks.slug(path), path.suffix) for path in FILES}))
def test_every_rule_has_four_bad_and_four_good_shapes(slug: str, suffix: str) -> None:
    paths = [path for path in FILES if marks.slug(path) == slug and path.suffix == suffix]
    found = [mark for path in paths for mark in marks.read(path) if mark.slug == slug]
    assert sum(mark.kind in ("ruleid", "todoruleid") for mark in found) >= 4
    assert sum(mark.kind in ("ok", "todook") for mark in found) >= 4


def renamed_python(text: str) -> tuple[str, set[str]]:
    """The same for Python: names that functions bind and that are nothing else anywhere."""
    tree = ast.parse(text)
    functions = [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    inside = [node for function in functions for node in ast.walk(function)]
    bound = {node.id for node in inside if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    of_classes = [one for node in ast.walk(tree) if isinstance(node, ast.ClassDef) for one in node.body]
    outside = [node for one in (*tree.body, *of_classes) if one not in functions for node in ast.walk(one)]
    elsewhere = {node.id for node in outside if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    for node in ast.walk(tree):
        words = (getattr(node, name, None) for name in ("attr", "arg", "name", "asname"))
        elsewhere |= {word for word in words if isinstance(word, str)}
        if isinstance(node, (ast.Global, ast.Nonlocal)):
            elsewhere |= set(node.names)
    safe = {name for name in bound - elsewhere if not re.search(rf"[\"'#][^\n]*\b{name}\b", text)}
    pattern = "|".join(sorted(safe)) or "(?!)"
    return re.sub(rf"\b(?:{pattern})\b", lambda word: f"{word[0]}_by_another_name", text), safe


def renamed(text: str) -> tuple[str, set[str]]:
    """The text with its local variables renamed, those whose name means nothing else anywhere in it."""
    local = set(re.findall(r"\blet (?:mut )?([a-z]\w*)\b", text))
    code = re.sub(r"//[^\n]*", "", text)
    elsewhere = set(re.findall(r"(?:\.|::|\bfn |\bmod |\bmacro_rules! |'|\$)([a-z]\w*)", code))
    elsewhere |= set(re.findall(r"\b([a-z]\w*)\s*(?::|!|\()", code))
    elsewhere |= set(re.findall(r"\b([a-z]\w*)\b", " ".join(re.findall(r'"[^"\n]*"', code))))
    for fields in re.findall(r"\b[A-Z]\w* \{([^{}]*)\}", code):
        elsewhere |= set(re.findall(r"\w+", fields))
    safe = local - elsewhere - {"ref", "mut"}
    return re.sub(
        r"\b[a-z]\w*\b", lambda word: f"{word[0]}_by_another_name" if word[0] in safe else word[0], text
    ), safe


@pytest.mark.parametrize("path", FILES, ids=names)
def test_names_of_local_variables_mean_nothing(path: Path, tmp_path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    other, names = renamed(text) if path.suffix == ".rs" else renamed_python(text)
    if not names:
        pytest.skip("every local name is also something else here")
    assert marks.expected(list(marks.marks(other))) == marks.expected(list(marks.marks(text)))
    assert judge(tmp_path, other, path) == judge(tmp_path, text, path)


def test_order_of_files_and_number_of_jobs_change_nothing(tmp_path: Path) -> None:
    files = [path.name for path in FILES]
    for path in FILES:
        shutil.copy(path, tmp_path)
    first = run(tmp_path, *files)
    assert run(tmp_path, *reversed(files)) == first
    assert run(tmp_path, *files, "--jobs", "1") == first
    assert run(tmp_path, *files, "--jobs", "2") == first


EITHER = """\
use std::sync::RwLock;

struct Grid { pages: RwLock<Vec<u32>> }
struct Log { pages: RwLock<Vec<u32>> }
enum Store { Grid(Grid), Log(Log) }

impl Grid {
    fn each(&self, mut show: impl FnMut(u32)) {
        let pages = self.pages.read().unwrap();
        pages.iter().for_each(|page| show(*page));
    }
}
impl Log {
    fn each(&self, mut show: impl FnMut(u32)) {
        let pages = self.pages.read().unwrap();
        pages.iter().for_each(|page| show(*page));
    }
}
impl Store {
    fn each(&self, show: impl FnMut(u32)) {
        match self {
            Store::Grid(grid) => grid.each(show),
            Store::Log(log) => log.each(show),
        }
    }
}
fn show_slowly(store: &Store) {
    store.each(|_| std::thread::sleep(std::time::Duration::from_secs(1)));
}
"""


_SHELF = """\
struct Shelf{n} {{ rows: Mutex<u32> }}
impl Rows for Shelf{n} {{ fn open(&self) -> MutexGuard<'_, u32> {{ self.rows.lock().unwrap() }} }}
"""
MANY = f"""\
use std::ops::Deref;
use std::sync::{{Mutex, MutexGuard}};
trait Rows {{ fn open(&self) -> MutexGuard<'_, u32>; }}
{"".join(_SHELF.format(n=n) for n in range(10))}
fn opened(rows: &dyn Rows) -> impl Deref<Target = u32> + '_ {{ rows.open() }}
fn show_slowly(rows: &dyn Rows) {{
    let _rows = opened(rows);
    std::thread::sleep(std::time::Duration::from_secs(1));
}}
"""


@pytest.mark.parametrize("source", [EITHER, MANY], ids=["either", "many"])
def test_in_which_order_a_process_keeps_its_sets_changes_nothing(source: str, tmp_path: Path) -> None:
    (tmp_path / "one.rs").write_text(source)
    command = [sys.executable, "-m", "lockcheck", "check", ".", "--persona", "auditor", "--min-confidence", "possible"]
    said = {
        subprocess.run(
            [*command, "--output", "json", "--no-cache", "--jobs", "1"],
            cwd=tmp_path, env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=False,
        ).stdout
        for seed in "123456"
    }  # fmt: skip
    assert len(said) == 1 and b"block-while-locked" in said.pop()


def places_of(program: Path, steps: list[list[str]]) -> list[tuple[str, int]]:
    """Where the steps of a way are: each is a path and a piece of text that stands on one line of it."""
    found = []
    for path, piece in steps:
        lines = [
            number
            for number, line in enumerate((program / path).read_text(encoding="utf-8").splitlines(), 1)
            if piece in line
        ]
        assert len(lines) == 1, f"{piece!r} stands {len(lines)} times in {path}"
        found.append((path, lines[0]))
    return found


def goes_through(notes: list[tuple[str, int]], steps: list[tuple[str, int]]) -> bool:
    left = iter(notes)
    return all(step in left for step in steps)


def judge_program(program: Path, folder: Path, slugs: list[str]) -> list[dict[str, Any]]:
    """What is said about a copy of a program, checked as a whole."""
    known = lockcheck(folder, "rules").stdout
    if missing := [slug for slug in slugs if slug not in known]:
        pytest.skip(f"there is no rule {missing[0]} yet")
    shutil.copytree(program, folder / program.name)
    return findings(run(folder / program.name, ".", "--select", ",".join(slugs)))


@pytest.mark.parametrize("program", PROGRAMS, ids=names)
def test_program_every_mark_and_nothing_else(program: Path, tmp_path: Path) -> None:
    expect = json.loads((program / "expect.json").read_text(encoding="utf-8"))
    said = judge_program(program, tmp_path, expect["select"])
    found = [f"{finding['path']}:{finding['line']}: {finding['slug']}" for finding in said]
    wanted = {
        f"{path.relative_to(program).as_posix()}:{line}: {slug}"
        for path in (*program.rglob("*.rs"), *program.rglob("*.py"))
        for line, slug in marks.expected(marks.read(path), frozenset(expect["select"]))
    }
    complaints = [f"{place} is not reported" for place in sorted(wanted - set(found))]
    complaints += [f"{place} is reported and should not be" for place in sorted(set(found) - wanted)]
    complaints += [f"{place} is reported more than once" for place in sorted(set(found)) if found.count(place) > 1]
    assert not complaints, "\n" + "\n".join(complaints)


@pytest.mark.parametrize("program", PROGRAMS, ids=names)
def test_program_notes_show_the_way(program: Path, tmp_path: Path) -> None:
    expect = json.loads((program / "expect.json").read_text(encoding="utf-8"))
    said = judge_program(program, tmp_path, expect["select"])
    for wanted in expect["ways"]:
        ((path, line),) = places_of(program, [wanted["at"]])
        here = [
            finding
            for finding in said
            if (finding["path"], finding["line"], finding["slug"]) == (path, line, wanted["slug"])
        ]
        assert len(here) == 1, f"{wanted['slug']} at {path}:{line} is said {len(here)} times"
        notes = [(note["path"], note["line"]) for note in here[0]["notes"]]
        steps = places_of(program, wanted["steps"])
        assert goes_through(notes, steps), f"{wanted['slug']} at {path}:{line}: {steps} is not the way of {notes}"


GUESSES = (
    ("programs/own_lock", "nested-read", "Log::reads"),
    ("programs/drop_glue", "lock-taken-twice", "Clerk::count_weakly"),
    ("programs/graphs", "read-then-write", "Part::relink"),
    ("programs/gate", "lock-order-cycle", "Call::proceed"),
    ("programs/pairs", "lock-order-cycle", "Post::tie"),
    ("programs/turns", "lock-order-cycle", "Office::write"),
    ("programs/turns", "lock-order-cycle", "hang_up_keys"),
    ("programs/threads", "lock-order-cycle", "Bakery::bake"),
    ("programs/newborn", "lock-order-cycle", "Pool::take"),
    ("programs/newborn", "lock-order-cycle", "Desk::read"),
    ("programs/newborn", "lock-order-cycle", "Exchange::open"),
    ("python/lock-order-cycle.py", "lock-order-cycle", "Booth.cord"),
    ("rust/bit-cleared-by-add.rs", "bit-cleared-by-add", "Word::good_given_back_at_the_end"),
    ("python/lock-taken-twice.objects.py", "lock-taken-twice", "Chosen.sizes"),
    ("python/acquire-without-release.py", "acquire-without-release", "Asks.good_says_what_went_wrong"),
    ("python/acquire-without-release.py", "acquire-without-release", "Calm.good_takes_what_is_there"),
    ("python/lock-taken-twice.objects.py", "lock-taken-twice", "ChosenAtOnce.sizes"),
    ("rust/bit-cleared-by-add.rs", "bit-cleared-by-add", "Word::good_locked_alone"),
    ("rust/guard-dropped-at-once.rs", "guard-dropped-at-once", "good_waits_for_the_thread"),
)


@pytest.mark.parametrize(("path", "slug", "function"), GUESSES)
def test_a_guess_is_hidden(path: str, slug: str, function: str, tmp_path: Path) -> None:
    fixture = ROOT / "fixtures" / path
    if fixture.is_dir():
        shutil.copytree(fixture, tmp_path / "tree")
    else:
        (tmp_path / "tree").mkdir()
        shutil.copy(fixture, tmp_path / "tree")
    said = findings(run(tmp_path / "tree", ".", "--select", slug))
    assert {one["confidence"] for one in said if one["function"] == function} == {"possible"}
