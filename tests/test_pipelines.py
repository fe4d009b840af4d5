"""The action and the job as the pipelines run them: their event files, their environment, their shells. No network."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from fakes import write_tree
from test_adoption import CARGO, LOUD_NOTE, QUIET, QUIET_NOTE, commit, git
from test_formats import commands

TOP = Path(__file__).parent.parent
yaml = pytest.importorskip("yaml", reason="pip install -e '.[dev]' to read the action")
pytestmark = pytest.mark.skipif(not (shutil.which("git") and shutil.which("bash")), reason="no git or no bash")

OLD = QUIET.replace("fn get", "fn old(&self) { let g = self.load.read().unwrap(); self.load.write(); }\n    fn get")


def clean_environment(**more: str) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if key in ("PATH", "HOME", "LANG")}
    return {**kept, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null", **more}


def valid(schema: str, path: Path) -> None:
    """Against the schemas that check-jsonschema brings along."""
    pytest.importorskip("check_jsonschema", reason="pip install -e '.[dev]' to check against the schemas")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


class Runner:
    """A GitHub runner: a clone of depth one of what a pull request would be merged to, and the files around it."""

    def __init__(self, top: Path) -> None:
        self.top, self.origin, self.work, self.temp = top, top / "origin", top / "work", top / "temp"
        self.base = commit(self.origin, {"Cargo.toml": CARGO, "src/lib.rs": OLD, "src/note.rs": QUIET_NOTE})
        git(self.origin, "checkout", "-q", "-b", "request")
        self.head = commit(self.origin, {"src/note.rs": LOUD_NOTE})
        git(self.origin, "checkout", "-q", "main")
        self.newer = commit(self.origin, {"src/other.rs": "fn f() {}\n"})
        git(self.origin, "checkout", "-q", "-b", "merged")
        git(self.origin, "merge", "-q", "--no-ff", "-m", "merge", "request")
        self.merged = git(self.origin, "rev-parse", "HEAD")
        git(self.origin, "update-ref", "refs/pull/7/merge", self.merged)
        git(self.origin, "checkout", "-q", "main")
        git(self.origin, "config", "uploadpack.allowAnySHA1InWant", "true")
        (self.temp / "lockcheck/bin").mkdir(parents=True)
        python = self.temp / "lockcheck/bin/python"
        python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
        python.chmod(0o755)

    def clone(self, revision: str) -> None:
        self.work.mkdir()
        git(self.work, "init", "-q")
        git(self.work, "remote", "add", "origin", f"file://{self.origin}")
        git(self.work, "fetch", "-q", "--depth=1", "origin", revision)
        git(self.work, "checkout", "-q", "FETCH_HEAD")

    def run(self, event: dict[str, Any], name: str, ref: str, sha: str, **inputs: str) -> Any:
        write_tree(self.top, {"event.json": json.dumps(event), "output": "", "summary.md": ""})
        action = yaml.safe_load((TOP / "action.yml").read_text())
        given = {key: inputs.get(key, one["default"]) for key, one in action["inputs"].items()}
        step = next(one for one in action["runs"]["steps"] if one.get("id") == "check")
        assert step["shell"] == "bash"
        named = {key: value.removeprefix("${{ inputs.").removesuffix(" }}") for key, value in step["env"].items()}
        environment = clean_environment(
            GITHUB_ACTIONS="true", CI="true", GITHUB_WORKSPACE=str(self.work), RUNNER_TEMP=str(self.temp),
            GITHUB_EVENT_PATH=str(self.top / "event.json"), GITHUB_EVENT_NAME=name, GITHUB_REF=ref, GITHUB_SHA=sha,
            GITHUB_OUTPUT=str(self.top / "output"), GITHUB_STEP_SUMMARY=str(self.top / "summary.md"),
            **{key: given[value] for key, value in named.items()},
        )  # fmt: skip
        script = self.top / "script.sh"
        script.write_text(step["run"])
        command = ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", str(script)]
        return subprocess.run(command, cwd=self.work, env=environment, capture_output=True, text=True, timeout=120)


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner(tmp_path)


def request(base: str) -> dict[str, Any]:
    return {"action": "opened", "number": 7, "pull_request": {"number": 7, "base": {"ref": "main", "sha": base}}}


def test_a_pull_request_is_annotated_with_what_it_brings_in(runner: Runner) -> None:
    runner.clone("refs/pull/7/merge")
    done = runner.run(request(runner.base), "pull_request", "refs/pull/7/merge", runner.merged, sarif="l.sarif")
    assert done.returncode == 1, done.stderr
    ((kind, where, data),) = commands(done.stdout)
    assert (kind, where["title"]) == ("error", "LCK202 read-then-write")
    assert (where["file"], where["line"]) == ("src/note.rs", "2"), "the step that the request wrote"
    assert "through `note`" in data
    assert " --> src/lib.rs:" in done.stdout, "the log has the whole drawing"
    summary = (runner.top / "summary.md").read_text()
    assert summary.startswith("### lockcheck: 1 error found in 3 files since `")
    assert "1 older finding not shown." in summary
    report = dict(line.split("=") for line in (runner.top / "output").read_text().splitlines())["report"]
    assert [one["why"] for one in json.loads(Path(report).read_text())["hidden"]] == ["base"]
    states = [one["baselineState"] for one in json.loads((runner.work / "l.sarif").read_text())["runs"][0]["results"]]
    assert states == ["new", "unchanged"]


def test_the_head_of_a_request_is_compared_with_what_the_event_says(runner: Runner) -> None:
    runner.clone(runner.head)
    done = runner.run(request(runner.base), "pull_request", "refs/pull/7/merge", runner.merged)
    assert (done.returncode, len(commands(done.stdout))) == (1, 1), done.stderr


def test_a_merge_group_has_a_base_too(runner: Runner) -> None:
    runner.clone("refs/pull/7/merge")
    event = {"merge_group": {"base_sha": runner.newer, "head_sha": runner.merged}}
    done = runner.run(event, "merge_group", "refs/heads/gh-readonly-queue/main/pr-7", runner.merged)
    assert (done.returncode, len(commands(done.stdout))) == (1, 1), done.stderr


def test_a_request_that_brings_in_nothing_passes(runner: Runner) -> None:
    runner.clone(runner.newer)
    done = runner.run(request(runner.base), "pull_request", "refs/pull/8/merge", runner.newer)
    assert (done.returncode, commands(done.stdout)) == (0, []), done.stderr


def test_a_push_reports_everything(runner: Runner) -> None:
    runner.clone(runner.merged)
    done = runner.run({"before": runner.base}, "push", "refs/heads/main", runner.merged)
    assert (done.returncode, len(commands(done.stdout))) == (1, 2), done.stderr
    done = runner.run(request(runner.base), "pull_request", "refs/pull/7/merge", runner.merged, base="none")
    assert len(commands(done.stdout)) == 2


def test_arguments_and_paths_are_passed_on(runner: Runner) -> None:
    runner.clone(runner.merged)
    more = {"arguments": "--ignore LCK202 --exit-zero", "paths": "src/lib.rs\nsrc/note.rs"}
    done = runner.run({}, "push", "refs/heads/main", runner.merged, **more)
    assert done.returncode == 0
    assert "found in 2 files" in done.stdout
    done = runner.run({}, "push", "refs/heads/main", runner.merged, arguments="--persona nobody")
    assert done.returncode == 2


def test_the_action_is_valid() -> None:
    valid("vendor.github-actions", TOP / "action.yml")
    steps = yaml.safe_load((TOP / "action.yml").read_text())["runs"]["steps"]
    for step in steps:
        assert "${{" not in step["run"], "an input that is pasted into a script can be a command"


def gitlab_job() -> dict[str, Any]:
    text = (TOP / "docs/gitlab.md").read_text().split("```yaml\n", 1)[1].split("```", 1)[0]
    job: dict[str, Any] = yaml.safe_load(text)
    return job


def test_the_job_for_gitlab_is_valid(tmp_path: Path) -> None:
    write_tree(tmp_path, {".gitlab-ci.yml": yaml.safe_dump(gitlab_job())})
    valid("vendor.gitlab-ci", tmp_path / ".gitlab-ci.yml")


@pytest.mark.parametrize(("request_", "status", "told"), [(True, 1, 1), (False, 1, 2)])
def test_the_job_for_gitlab(runner: Runner, request_: bool, status: int, told: int) -> None:
    runner.clone(runner.merged)
    git(runner.work, "fetch", "-q", "--depth=1", "origin", runner.base)
    job = gitlab_job()["lockcheck"]
    lines = [line for line in job["script"] if not line.startswith("pip install")]
    assert len(lines) < len(job["script"])
    bin_ = runner.top / "bin"
    write_tree(bin_, {"lockcheck": f'#!/bin/sh\nexec "{sys.executable}" -m lockcheck "$@"\n'})
    (bin_ / "lockcheck").chmod(0o755)
    more = {"CI_MERGE_REQUEST_DIFF_BASE_SHA": runner.base} if request_ else {}
    environment = clean_environment(CI="true", GITLAB_CI="true", CI_PROJECT_DIR=str(runner.work), **more)
    environment["PATH"] = f"{bin_}{os.pathsep}{environment['PATH']}"
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", "\n".join(lines)], cwd=runner.work, env=environment,
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == status, done.stderr
    assert done.stdout.count("error[LCK202]") == told
    report = runner.work / job["artifacts"]["reports"]["codequality"]
    issues = json.loads(report.read_text())
    assert [one["location"]["path"] for one in issues] == ["src/lib.rs", "src/note.rs" if request_ else "src/lib.rs"]
    assert job["artifacts"]["when"] == "always"
