"""Lists of patterns leave out what git leaves out: git itself is asked."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from fakes import write_tree

from lockcheck import discover

PIECES = [
    *("a", "a", "b", "b", "ab", ".rs", "x.rs", "*", "*", "**", "**/", "/**", "/", "/", "?", "!", "#", " ", "\\", "\\ ", "[", "]"),
    *("[ab]", "[!a]", "[^b]", "[]a]", "[b-a]", "[a-]", "[--b]", "[\\]b]", "[[:alpha:]]", "[![:lower:]]", "[[:no:]a]", "[!1]", "1"),
]  # fmt: skip
NAMES = ("ab", "1", "a", "b", "x", "#", "!", " ", "]", "\\", "-", "[", "B")
FOLDERS = ("", "a/", "b/", "ab/", "a/b/", "b/a/", "a/a/b/", "b/b/b/", " /", "c/ab/")
FILES = [f"{folder}{name}.rs" for folder in FOLDERS for name in NAMES]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    if not shutil.which("git"):
        pytest.skip("git is not installed: nobody to compare with")
    write_tree(tmp_path, dict.fromkeys(FILES, "x"))
    monkeypatch.chdir(tmp_path)
    subprocess.run(["git", "init", "-q"], check=True)
    return tmp_path


def left(*words: str) -> list[str]:
    """The files that git shows."""
    command = ["git", "-c", "core.excludesFile=", "ls-files", "-z", "--others", "--exclude-standard", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return sorted(name for name in done.stdout.split("\0") if name.endswith(".rs"))


def lines(dice: random.Random) -> list[str]:
    """Random lines. What `a**` is depends on git's version: up to 2.41 it compared two pointers that have nothing in common."""
    some = ("".join(dice.choices(PIECES, k=dice.randint(1, 5))) for _ in range(dice.randint(1, 4)))
    return [line for line in some if not re.search(r"[^/*]\*\*|\*\*\\", line)]


def written(folder: Path, some: Sequence[str]) -> Sequence[str]:
    (folder / ".gitignore").write_text("\n".join(some))
    return some


@pytest.mark.parametrize("seed", range(3))
def test_a_walk_leaves_out_what_git_does(seed: int, here: Path) -> None:
    dice = random.Random(seed)
    for _ in range(40):
        said = written(here, lines(dice)), written(here / "b", lines(dice))
        assert list(discover.walk(["."], (".rs",)).files) == left(), said


def test_a_list_of_ones_own_counts_for_whoever_is_named(here: Path) -> None:
    dice = random.Random(0)
    (here / ".gitignore").unlink(missing_ok=True)
    for _ in range(40):
        (here / ".git/info/exclude").write_text("\n".join(said := lines(dice)))
        own = discover.patterns(".", said)
        assert [path for path in sorted(FILES) if not discover.ignored(path, own)] == left(), said


@pytest.mark.parametrize(
    ("line", "inside", "outside"),
    [
        ("build/", ["build/a.rs", "x/build/a.rs"], ["build"]),
        ("/build", ["build", "build/a.rs"], ["x/build"]),
        ("src/*.rs", ["src/a.rs"], ["src/x/a.rs", "x/src/a.rs"]),
        ("src/**/a.rs", ["src/a.rs", "src/x/y/a.rs"], ["a.rs"]),
        ("**/gen", ["gen/a.rs", "x/gen"], ["agen"]),
        ("gen/**", ["gen/a.rs", "gen/x/a.rs"], ["gen"]),
        ("a?[!b].rs", ["axc.rs"], ["axb.rs", "a/c.rs"]),
        ("\\!a.rs  ", ["!a.rs"], ["a.rs"]),
        ("a.rs\r", ["a.rs"], []),
        ("# a.rs", [], ["# a.rs", "a.rs"]),
        ("a[.rs", [], ["a[.rs"]),
    ],
)
def test_each_form_of_the_manual(line: str, inside: list[str], outside: list[str]) -> None:
    own = discover.patterns(".", [line])
    assert [path for path in [*inside, *outside] if discover.ignored(path, own)] == inside
