"""The whole of it, on a scripted history: old findings, a baseline, and a request that hangs a file it never touched.

Everything happens here: git, pre-commit, the action's own script and the validators, no network.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fakes import write_tree
from test_adoption import commit, git
from test_formats import commands
from test_pipelines import clean_environment

pre_commit = pytest.importorskip("pre_commit", reason="pre-commit is not installed: pip install -e '.[dev]'")
yaml = pytest.importorskip("yaml", reason="pip install -e '.[dev]' to read the action")
pytestmark = pytest.mark.skipif(not (shutil.which("git") and shutil.which("bash")), reason="no git or no bash")

TOP = Path(__file__).parent.parent


@dataclass(frozen=True)
class History:
    """A project with an old finding, and a change of one file that makes another one, which nobody touches, hang."""

    project: dict[str, str]
    old: str
    change: dict[str, str]
    hangs: str
    cause: str


RUST = History(
    project={
        "Cargo.toml": '[package]\nname = "proxy"\nedition = "2021"\n',
        "src/lib.rs": "mod catalog;\nmod legacy;\nmod loading;\n",
        "src/catalog.rs": """\
use std::collections::HashMap;
use std::sync::RwLock;

pub struct Catalog {
    pub load: RwLock<HashMap<String, u32>>,
}

impl Catalog {
    pub fn lookup(&self, name: &str) -> u32 {
        if let Some(load) = self.load.read().unwrap().get(name) {
            *load
        } else {
            self.init_for(name)
        }
    }
}
""",
        "src/loading.rs": """\
use crate::catalog::Catalog;

impl Catalog {
    pub fn init_for(&self, name: &str) -> u32 {
        name.len() as u32
    }
}
""",
        "src/legacy.rs": """\
use std::sync::Mutex;

pub fn twice(count: &Mutex<u32>) {
    let first = count.lock().unwrap();
    let second = count.lock().unwrap();
    drop((first, second));
}
""",
    },
    old="src/legacy.rs:5",
    change={
        "src/loading.rs": """\
use crate::catalog::Catalog;

impl Catalog {
    pub fn init_for(&self, name: &str) -> u32 {
        self.remember(name, name.len() as u32)
    }

    fn remember(&self, name: &str, load: u32) -> u32 {
        self.load.write().unwrap().insert(name.to_string(), load);
        load
    }
}
""",
    },
    hangs="src/catalog.rs:13",
    cause="src/loading.rs",
)

PYTHON = History(
    project={
        "proxy/__init__.py": "",
        "proxy/catalog.py": """\
import threading

from proxy import loading


class Catalog:
    def __init__(self):
        self.lock = threading.Lock()
        self.load = {}

    def lookup(self, name):
        with self.lock:
            if name not in self.load:
                loading.init_for(self, name)
            return self.load[name]
""",
        "proxy/loading.py": """\
from proxy.catalog import Catalog


def init_for(catalog: Catalog, name: str) -> None:
    catalog.load[name] = len(name)
""",
        "proxy/legacy.py": """\
import threading

gate = threading.Lock()


def twice():
    with gate:
        with gate:
            pass
""",
    },
    old="proxy/legacy.py:8",
    change={
        "proxy/loading.py": """\
from proxy.catalog import Catalog


def init_for(catalog: Catalog, name: str) -> None:
    remember(catalog, name, len(name))


def remember(catalog: Catalog, name: str, load: int) -> None:
    with catalog.lock:
        catalog.load[name] = load
""",
    },
    hangs="proxy/catalog.py:14",
    cause="proxy/loading.py",
)


class Project:
    """The repository, and the command as people call it."""

    def __init__(self, top: Path, history: History) -> None:
        self.top = top / "project"
        self.environment = clean_environment(
            GIT_CONFIG_GLOBAL=str(top / "gitconfig"), PRE_COMMIT_HOME=str(top / "pre-commit-home")
        )
        self.environment["PATH"] = f"{Path(sys.executable).parent}:{self.environment['PATH']}"
        (top / "gitconfig").write_text('[user]\nname = t\nemail = t@example.org\n[protocol "file"]\nallow = always\n')
        commit(self.top, {"lockcheck.toml": "baseline = 'known.json'\n", **history.project})

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=self.top, env=self.environment, capture_output=True, text=True, timeout=120
        )  # fmt: skip

    def lockcheck(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run(sys.executable, "-m", "lockcheck", *arguments)

    def places(self, *arguments: str) -> list[str]:
        done = self.lockcheck("check", *arguments, "--output", "concise")
        return [":".join(line.split(":")[:2]) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("history", [RUST, PYTHON], ids=["rust", "python"])
def test_a_harmless_looking_function_hangs_an_untouched_file(tmp_path: Path, history: History) -> None:
    project = Project(tmp_path, history)

    # The project is adopted: what is there is written down, and the run is quiet about it from then on.
    assert project.places("--baseline", "") == [history.old]
    done = project.lockcheck("baseline")
    assert (done.returncode, done.stdout) == (0, "1 finding written to known.json\n")
    assert project.places() == []

    # pre-commit lets a harmless change pass.
    hooks = tmp_path / "hooks"
    manifest = (TOP / ".pre-commit-hooks.yaml").read_text().replace("language: python", "language: system")
    revision = commit(hooks, {".pre-commit-hooks.yaml": manifest})
    settings = f"repos:\n- repo: {hooks}\n  rev: {revision}\n  hooks:\n  - id: lockcheck\n"
    commit(tmp_path / "project", {".pre-commit-config.yaml": settings})
    base = git(project.top, "rev-parse", "HEAD")
    assert project.run(sys.executable, "-m", "pre_commit", "install").returncode == 0
    git(project.top, "checkout", "-q", "-b", "request")
    write_tree(project.top, {history.cause: "\n" + history.project[history.cause]})
    assert project.run("git", "commit", "-qam", "a blank line").returncode == 0

    # The change that hangs the other file is blocked, at that file.
    write_tree(project.top, dict(history.change))
    done = project.run("git", "commit", "-qam", "remember what was loaded")
    assert done.returncode == 1
    assert history.hangs in done.stderr + done.stdout
    assert history.old not in done.stderr + done.stdout

    # Somebody commits it all the same; the pull request's run reports it and nothing else.
    assert project.run("git", "commit", "-qanm", "remember what was loaded").returncode == 0
    assert git(project.top, "diff", "--name-only", base, "HEAD") == history.cause
    assert project.places("--base", base, "--baseline", "") == [history.hangs]
    done = pull_request(tmp_path, project, base)
    assert done.returncode == 1, done.stderr
    ((kind, where, data),) = commands(done.stdout)
    assert (kind, where["file"]) == ("error", history.cause), "the annotation is where the request changed something"
    assert "while this thread still holds" in data

    # The upload to code scanning is valid; the old finding is in it, and does not count.
    log = json.loads((project.top / "lockcheck.sarif").read_text())
    results = log["runs"][0]["results"]
    assert [one["baselineState"] for one in results] == ["new", "unchanged"]
    assert history.old.split(":")[0] in json.dumps(results[1]["locations"])
    valid_sarif(log)

    # The baseline run tells the new finding alone, wherever lines and files have moved to.
    assert project.places() == [history.hangs]
    old = history.old.split(":")[0]
    moved = f"{old[: old.rindex('/')]}/ancient{old[old.rindex('.') :]}"
    git(project.top, "mv", old, moved)
    write_tree(project.top, {moved: "\n\n" + history.project[old]})
    assert project.places() == [history.hangs]
    assert project.lockcheck("check").stderr == ""

    # The change is taken back: nothing is left to say.
    git(project.top, "checkout", "-q", base, "--", history.cause)
    assert project.places() == []


def pull_request(tmp_path: Path, project: Project, base: str) -> subprocess.CompletedProcess[str]:
    """The action's own script on the head of the request, with the event that GitHub sends."""
    step = next(
        one for one in yaml.safe_load((TOP / "action.yml").read_text())["runs"]["steps"] if one.get("id") == "check"
    )
    temp = tmp_path / "temp"
    write_tree(temp, {"lockcheck/bin/python": f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', "output": "", "s.md": ""})
    (temp / "lockcheck/bin/python").chmod(0o755)
    event: dict[str, Any] = {"pull_request": {"base": {"sha": base}}}
    write_tree(temp, {"event.json": json.dumps(event)})
    environment = project.environment | {
        "GITHUB_EVENT_PATH": str(temp / "event.json"), "GITHUB_EVENT_NAME": "pull_request", "GITHUB_SHA": "0" * 40,
        "GITHUB_REF": "refs/pull/1/merge", "GITHUB_WORKSPACE": str(project.top), "GITHUB_OUTPUT": str(temp / "output"),
        "GITHUB_STEP_SUMMARY": str(temp / "s.md"), "RUNNER_TEMP": str(temp), "CI": "true",
        "LOCKCHECK_PATHS": ".", "LOCKCHECK_ARGUMENTS": "", "LOCKCHECK_BASE": "", "LOCKCHECK_SARIF": "lockcheck.sarif",
    }  # fmt: skip
    return subprocess.run(
        ["bash", "-e", "-c", step["run"]], cwd=project.top, env=environment, capture_output=True, text=True, timeout=120
    )


def valid_sarif(log: Any) -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="pip install -e '.[dev]' to check against the schema")
    jsonschema.validate(log, json.loads((TOP / "tests/schemas/sarif-2.1.0.json").read_text()))
