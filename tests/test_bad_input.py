"""What a tree may hold: every bad file is named with the reason, the rest is analysed, nothing blows up."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from fakes import write_tree

GOOD = "use std::sync::Mutex;\nfn good(m: &Mutex<u8>) { let g = m.lock().unwrap(); let h = m.lock().unwrap(); }\n"
MEMORY = 2 * 1024**3


def check(folder: Path, *arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "lockcheck", "check", *arguments, "--output", "json"]
    limit = lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))  # noqa: E731
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, preexec_fn=limit, **more)


def problems(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode in (0, 1, 2)
    return {one["path"]: one["message"] for one in json.loads(done.stdout)["problems"]}


def test_a_tree_of_bad_files(tmp_path: Path) -> None:
    write_tree(
        tmp_path,
        {
            "good.rs": GOOD,
            "latin.rs": b"fn f() { /* \xe9 */ }",
            "utf16.rs": "fn f() {}".encode("utf-16"),
            "binary.rs": bytes(range(256)) * 64,
            "empty.rs": b"",
            "huge.rs": b"fn f() {}\n" * (2 * 1024 * 1024),
            "dir.rs/inner.rs": "fn f() {}",
            "truncated.rs": GOOD[: GOOD.index("let h") + 12],
        },
    )
    (tmp_path / "broken.rs").symlink_to("nowhere")
    (tmp_path / "loop.rs").symlink_to("loop.rs")
    (tmp_path / "circle").symlink_to(".")
    os.mkfifo(tmp_path / "pipe.rs")
    done = check(tmp_path)
    named = problems(done)
    for path, word in {
        "latin.rs": "not UTF-8",
        "utf16.rs": "not UTF-8",
        "binary.rs": "not UTF-8",
        "empty.rs": "empty",
        "huge.rs": "larger than",
        "dir.rs": "folder",
        "truncated.rs": "",
        "broken.rs": "broken link",
        "loop.rs": "cannot be read",
        "pipe.rs": "no regular file",
    }.items():
        assert path in named
        assert word in named[path]
        assert f"lockcheck: {path}:" in done.stderr
    assert "good.rs" not in named
    report = json.loads(done.stdout)
    assert {"good.rs"} <= {one["path"] for one in report["findings"]} <= {"good.rs", "truncated.rs"}
    assert done.returncode == 1


@pytest.mark.parametrize(
    "text",
    [
        "fn f() " + "{" * 50_000 + "}" * 50_000,
        "fn f() { let x = " + "(" * 50_000 + "1" + ")" * 50_000 + "; }",
        "fn f() { let x = " + "[" * 50_000 + "; }",
        "fn f() { x" + ".a()" * 50_000 + "; }",
        "fn f() { let x = " + "1+" * 50_000 + "1; }",
        "fn f() { " + "if a { b } else " * 20_000 + "{ c } }",
        "fn f() { m!" + "(" * 50_000 + ")" * 50_000 + "; }",
        "fn f(x: " + "Vec<" * 50_000 + "u8" + ">" * 50_000 + ") {}",
        "mod a { " * 20_000 + "}" * 20_000,
    ],
    ids=["blocks", "brackets", "open", "chain", "sum", "else-if", "macro", "types", "modules"],
)
def test_deep_nesting_is_survived_and_the_rest_is_analysed(tmp_path: Path, text: str) -> None:
    write_tree(tmp_path, {"deep.rs": text, "good.rs": GOOD})
    done = check(tmp_path)
    assert set(problems(done)) <= {"deep.rs"}
    assert {one["path"] for one in json.loads(done.stdout)["findings"]} == {"good.rs"}


@pytest.mark.parametrize("pair", ["{}", "()"])
def test_a_lock_50000_levels_deep_is_named_as_out_of_reach(tmp_path: Path, pair: str) -> None:
    deep = pair[0] * 50_000 + "m.lock()" + pair[1] * 50_000
    write_tree(tmp_path, {"deep.rs": f"fn f(m: &std::sync::Mutex<u8>) {{ {deep}; }}"})
    assert "too deep" in problems(check(tmp_path))["deep.rs"]


def test_code_around_a_syntax_error_is_analysed(tmp_path: Path) -> None:
    write_tree(tmp_path, {"a.rs": "fn broken( { let = ; }\n" + GOOD + "fn f() {}\n"})
    done = check(tmp_path)
    assert list(problems(done)) == ["a.rs"]
    assert [one["line"] for one in json.loads(done.stdout)["findings"]] == [3]


def test_a_file_that_vanishes_between_walk_and_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lockcheck import discover, engine
    from lockcheck.config import Settings
    from lockcheck.executors import Work

    write_tree(tmp_path, {"a.rs": GOOD, "b.rs": GOOD})
    monkeypatch.chdir(tmp_path)
    walk = discover.walk

    def vanish(*arguments: Any) -> Any:
        found = walk(*arguments)
        os.unlink("b.rs")
        return found

    monkeypatch.setattr(discover, "walk", vanish)
    report = engine.check(["."], Settings(), Work())
    assert [(one.path, one.message) for one in report.problems] == [("b.rs", "does not exist")]
    assert (report.files, report.skipped) == (1, 1)


@pytest.mark.parametrize(
    "line", ["use *;", "use ::*;", "use {};", "pub use crate;", "use self;", "extern crate self as x;"]
)
def test_imports_of_nothing_in_particular(line: str, tmp_path: Path) -> None:
    giver = "fn give(m: &Mutex<u8>) -> std::sync::MutexGuard<u8> { m.lock().unwrap() }\n"
    write_tree(tmp_path, {"good.rs": f"{line}\n{GOOD}{giver}"})
    done = check(tmp_path)
    assert problems(done) == {} and len(json.loads(done.stdout)["findings"]) == 1


def test_a_module_in_the_tree_is_not_imported(tmp_path: Path) -> None:
    """`python -m` looks for modules in the current folder first, which is what is read."""
    trap = "open('imported', 'w')\nraise SystemExit(9)\n"
    names = ("subprocess", "msgspec", "libcst", "typing_extensions", "queue", "re")
    write_tree(
        tmp_path, {**{f"{name}.py": trap for name in names}, "a.py": "import threading\nlock = threading.Lock()\n"}
    )
    write_tree(
        tmp_path, {"b.py": "from a import lock\ndef f():\n    with lock:\n        with lock:\n            pass\n"}
    )
    command = [sys.executable, "-m", "lockcheck", "check", ".", "--no-cache"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert not (tmp_path / "imported").exists(), done.stderr
    assert (done.returncode, "1 error found" in done.stdout) == (1, True), done.stdout + done.stderr


def test_a_text_that_no_python_reads_is_passed_over(tmp_path: Path) -> None:
    """A script of another language in a text, with escapes of its own: `\\u{80}` is a syntax error here."""
    begins = "import threading\nlock = threading.Lock()\ndef page(show):\n    with lock:\n        with lock:\n"
    write_tree(tmp_path, {"page.py": begins + '            show("a\\u{80} %s" % "b", "\\u{80}".format(1))\n'})
    done = check(tmp_path)
    assert [one["line"] for one in json.loads(done.stdout)["findings"]] == [5]


def test_a_class_by_the_name_of_a_variable_for_type_checkers(tmp_path: Path) -> None:
    """For them the name means one of several types; what runs is the class, whose methods are its own."""
    source = """
    import threading
    from ipaddress import IPv4Address, IPv6Address
    from typing import TYPE_CHECKING
    from typing_extensions import TypeAlias
    Either: TypeAlias = "IPv4Address | IPv6Address"
    if TYPE_CHECKING:
        Address = Either
    else:
        class Address:
            def __init__(self):
                self.lock = threading.Lock()
            def show(self):
                with self.lock:
                    self.tell()
            def tell(self):
                with self.lock:
                    pass
    """
    write_tree(tmp_path, {"page.py": textwrap.dedent(source)})
    done = check(tmp_path)
    assert [one["slug"] for one in json.loads(done.stdout)["findings"]] == ["lock-taken-twice"]
