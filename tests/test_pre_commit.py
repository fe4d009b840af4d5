"""The hooks, run by the real pre-commit on repositories made here. No network: the environment is the tests' own."""

from __future__ import annotations

import collections
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from fakes import write_tree
from test_adoption import CARGO, LOUD_NOTE, QUIET, QUIET_NOTE, commit, git

TOP = Path(__file__).parent.parent

pytest.importorskip("pre_commit", reason="pre-commit is not installed: pip install -e '.[dev]'")
pytestmark = pytest.mark.skipif(not shutil.which("git"), reason="no git")


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PRE_COMMIT_HOME", str(tmp_path / "pre-commit-home"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    for name in ("GIT_DIR", "GIT_INDEX_FILE", "PRE_COMMIT_FROM_REF", "PRE_COMMIT_TO_REF", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "gitconfig").write_text('[user]\nname = t\nemail = t@example.org\n[protocol "file"]\nallow = always\n')


def pre_commit(top: Path, *arguments: str, status: int = 0) -> str:
    command = [sys.executable, "-m", "pre_commit", *arguments]
    done = subprocess.run(command, cwd=top, capture_output=True, text=True, timeout=280)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def hooks(tmp_path: Path) -> Path:
    """A repository with our hooks that uses the lockcheck at hand, where pre-commit would install one."""
    manifest = (TOP / ".pre-commit-hooks.yaml").read_text().replace("language: python", "language: system")
    commit(tmp_path / "hooks", {".pre-commit-hooks.yaml": manifest})
    return tmp_path / "hooks"


def project(top: Path, hooks: Path, files: dict[str, str | bytes], hook: str = "lockcheck") -> Path:
    revision = git(hooks, "rev-parse", "HEAD")
    settings = f"repos:\n- repo: {hooks}\n  rev: {revision}\n  hooks:\n  - id: {hook}\n"
    commit(top, {".pre-commit-config.yaml": settings, **files})
    return top


def test_the_manifest_is_valid() -> None:
    pre_commit(TOP, "validate-manifest", ".pre-commit-hooks.yaml")


def test_a_commit_is_blocked_by_what_it_does_to_an_untouched_file(tmp_path: Path, hooks: Path) -> None:
    files = {"Cargo.toml": CARGO, "src/lib.rs": QUIET, "src/note.rs": QUIET_NOTE, "src/old.rs": "fn f() {}\n"}
    top = project(tmp_path / "project", hooks, files)
    pre_commit(top, "install")
    write_tree(top, {"src/old.rs": "fn g() {}\n"})
    git(top, "commit", "-qam", "harmless")
    write_tree(top, {"src/note.rs": LOUD_NOTE})
    git(top, "add", "-A")
    done = subprocess.run(["git", "commit", "-m", "x"], cwd=top, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "src/lib.rs:5:" in done.stderr + done.stdout
    assert git(top, "log", "--format=%s", "-1") == "harmless"


def test_what_is_not_staged_does_not_count(tmp_path: Path, hooks: Path) -> None:
    top = project(tmp_path / "project", hooks, {"Cargo.toml": CARGO, "src/lib.rs": QUIET, "src/note.rs": QUIET_NOTE})
    write_tree(top, {"src/lib.rs": QUIET + "// more\n"})
    git(top, "add", "-A")
    write_tree(top, {"src/note.rs": LOUD_NOTE})
    pre_commit(top, "run")
    git(top, "add", "-A")
    pre_commit(top, "run", status=1)


def test_each_of_three_thousand_files_is_reported_once(tmp_path: Path, hooks: Path) -> None:
    """The list of names is longer than pre-commit gives to one process, `require_serial` or not."""
    code = "use std::sync::Mutex;\npub struct S { m: Mutex<u8> }\nimpl S { pub fn f(&self) { let _ = self.m.lock(); g(); } }\n"
    folder = "a_folder_with_a_rather_long_name_so_that_the_list_grows/and_another_one_below"
    files: dict[str, str | bytes] = {f"src/{folder}/file_number_{number}.rs": code for number in range(3000)}
    files |= {"src/lib.rs": QUIET, "src/note.rs": LOUD_NOTE, "Cargo.toml": CARGO}
    top = project(tmp_path / "project", hooks, files)
    out = pre_commit(top, "run", "--all-files", "--verbose", status=1)
    assert out.count(" found in ") >= 2, "one process was enough: the test shows nothing"
    places = collections.Counter(re.findall(r"^ *--> (\S+?):\d+:\d+$", out, re.MULTILINE))
    assert len(places) == 3001
    assert set(places.values()) == {1}


def test_the_whole_project_is_checked_where_no_file_is_named(tmp_path: Path, hooks: Path) -> None:
    files = {"Cargo.toml": CARGO, "src/lib.rs": QUIET, "src/note.rs": LOUD_NOTE, "src/old.rs": "fn f() {}\n"}
    top = project(tmp_path / "project", hooks, files, "lockcheck-full")
    write_tree(top, {"src/old.rs": "fn g() {}\n"})
    git(top, "add", "-A")
    assert "src/lib.rs:5:" in pre_commit(top, "run", "--hook-stage", "manual", status=1)
    assert "src/lib.rs" not in pre_commit(top, "run"), "it is not for every commit"


def test_a_push_is_judged_by_what_it_brings(tmp_path: Path, hooks: Path) -> None:
    top = project(tmp_path / "project", hooks, {"Cargo.toml": CARGO, "src/lib.rs": QUIET, "src/note.rs": QUIET_NOTE})
    first = git(top, "rev-parse", "HEAD")
    commit(top, {"src/note.rs": LOUD_NOTE})
    out = pre_commit(top, "run", "--from-ref", first, "--to-ref", "HEAD", status=1)
    assert "src/lib.rs:5:" in out


def test_the_hooks_can_be_tried_without_a_network(tmp_path: Path, hooks: Path) -> None:
    top = tmp_path / "project"
    commit(top, {"Cargo.toml": CARGO, "src/lib.rs": QUIET, "src/note.rs": LOUD_NOTE})
    for hook in ("lockcheck", "lockcheck-full"):
        out = pre_commit(top, "try-repo", str(hooks), hook, "--all-files", "--hook-stage", "manual", status=1)
        assert out.count("src/lib.rs:5:") == 1


def test_our_own_repository_can_be_tried(tmp_path: Path) -> None:
    """With an environment that pre-commit makes and installs us in, where packages can be had."""
    probe = [sys.executable, "-m", "pip", "download", "--no-deps", "-q", "-d", str(tmp_path / "x"), "hatchling"]
    if subprocess.run(probe, capture_output=True, timeout=60).returncode:
        pytest.skip("no package index can be reached: pre-commit cannot install us")
    source = tmp_path / "lockcheck"
    names = ("lockcheck", "pyproject.toml", "README.md", "LICENSE", ".pre-commit-hooks.yaml")
    for name in names:
        copy = shutil.copytree if (TOP / name).is_dir() else shutil.copy
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        copy(TOP / name, source / name)
    commit(source, {})
    top = tmp_path / "project"
    commit(top, {"Cargo.toml": CARGO, "src/lib.rs": QUIET, "src/note.rs": LOUD_NOTE})
    assert "src/lib.rs:5:" in pre_commit(top, "try-repo", str(source), "lockcheck", "--all-files", status=1)
