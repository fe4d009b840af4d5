"""Settings that help whoever writes them, completions, watching."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from fakes import fake_rules, write_tree
from test_cli import Run, run

from lockcheck import cli, config
from lockcheck.config import ConfigError, settle

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["Run", "fake_rules", "run"]

TOP = Path(__file__).parent.parent

GOOD = """
select = ["LCK2"]
edition = 2021
per-file-ignores = { "tests/**" = ["LCK401"] }
severity = { LCK102 = "note" }
lock-order = ["A.x", "B.*"]
longest-section = 40
baseline = "known.json"
rust = { guard-types = ["G"], refcell = true }
[[advisories]]
id = "X-1"
package = "p"
affected = ["<1"]
what = "hangs"
cure = "1.0"
source = "a page"
"""


def accepted(text: str) -> bool:
    try:
        settle([("lockcheck.toml", text)])
    except ConfigError:
        return False
    return True


@pytest.mark.parametrize(
    "text",
    [
        GOOD, "", "selct = []", "select = 'LCK2'", "persona = 'nobody'", "edition = 2019", "severity = {LCK1 = 'bad'}",
        "longest-section = -1", "longest-section = true", "baseline = 3", "rust.refcell = 1", "rust.no = 1", "rust = 1",
        "per-file-ignores = {a = 'LCK1'}", "lock-order = ['a', 'a']", "advisories = [{id = 'x'}]", "advisories = {}",
        "edition = '2024'", "exclude = [1]", "min-confidence = 'sure'",
    ],
)  # fmt: skip
def test_the_schema_accepts_what_is_accepted_and_nothing_else(text: str) -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="pip install -e '.[dev]' to check against the schema")
    validator = jsonschema.Draft7Validator(config.schema())
    assert validator.is_valid(tomllib.loads(text)) == accepted(text)


def test_every_key_is_in_the_schema_and_says_what_it_is_for(run: Any, fake_rules: Path) -> None:
    document: Any = config.schema()
    keys = {
        **{name: one for name, one in document["properties"].items() if name != "rust"},
        **{f"rust.{name}": one for name, one in document["properties"]["rust"]["properties"].items()},
    }
    assert set(keys) == {line.split(" = ")[0] for line in run("config").out.splitlines()}
    assert all(one["description"].endswith(".") for one in keys.values())


def test_the_schema_in_the_documentation_is_that_of_this_version(run: Any) -> None:
    written = (TOP / "docs/lockcheck.schema.json").read_text()
    assert written == run("config", "--schema").out, "lockcheck config --schema > docs/lockcheck.schema.json"


def test_a_key_that_does_not_exist_is_told_with_what_does(run: Any, fake_rules: Path) -> None:
    for text, word in (
        ("persna = 'x'", "unknown key 'persna'; did you mean 'persona'?"),
        ("rust.guardtypes = []", "unknown key 'rust.guardtypes'; did you mean 'rust.guard-types'?"),
        ("zzz = 1", "unknown key 'zzz'; there are select, ignore, persona,"),
    ):
        write_tree(fake_rules, {"lockcheck.toml": text, "a.rs": "x"})
        done = run("check")
        assert done.status == 2
        assert done.err.startswith(f"lockcheck: lockcheck.toml: {word}")


def test_config_names_the_file_of_each_value(run: Any, fake_rules: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_tree(
        fake_rules,
        {
            "Cargo.toml": "[workspace.metadata.lockcheck]\npersona = 'pedantic'\n",
            "sub/lockcheck.toml": "severity = {LCK9 = 'note'}\n",
        },
    )
    assert 'persona = "pedantic"  # Cargo.toml' in run("config").out
    lines = run("config", "sub").out.splitlines()
    assert 'severity = {"LCK9": "note"}  # sub/lockcheck.toml' in lines
    assert 'persona = "regular"  # default' in lines, "the nearest file counts alone"
    monkeypatch.chdir(fake_rules / "sub")
    assert 'severity = {"LCK9": "note"}  # lockcheck.toml' in run("config").out


# ----------------------------------------------------------------------------------------------------- completions


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_completions_know_every_command(run: Any, shell: str) -> None:
    done = run("completions", shell)
    assert done.status == 0
    assert all(name in done.out for name in cli.command_names())


def test_bash_completes(run: Any, tmp_path: Path) -> None:
    bash = shutil.which("bash")
    if not bash:
        pytest.skip("no bash")
    (tmp_path / "lockcheck.bash").write_text(run("completions", "bash").out)
    script = """
    source lockcheck.bash
    function=$(complete -p lockcheck | sed 's/.*-F \\([^ ]*\\).*/\\1/')
    for words in "lockcheck ba" "lockcheck check --ba" "lockcheck check --persona p"; do
        COMP_WORDS=($words); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); COMPREPLY=()
        $function
        echo "${COMPREPLY[@]}"
    done
    """
    done = subprocess.run([bash, "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    found = [line.split() for line in done.stdout.splitlines()]
    assert found == [["baseline"], ["--baseline", "--base"], ["pedantic"]], done.stderr


# -------------------------------------------------------------------------------------------------------- watching


def test_watching_does_it_again_after_a_change(tmp_path: Path) -> None:
    pytest.importorskip("watchfiles", reason="watchfiles is not installed: pip install -e '.[dev]'")
    write_tree(tmp_path, {"a.rs": "fn f() {}\n"})
    environment = {key: value for key, value in os.environ.items() if key != "FORCE_COLOR"}
    environment["WATCHFILES_FORCE_POLLING"] = "true"
    process = subprocess.Popen(
        [sys.executable, "-m", "lockcheck", "check", "--watch", "--output", "concise"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background jobs ignore it
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    guard = threading.Timer(240, process.kill)
    guard.start()

    def until(word: str) -> None:
        assert process.stderr is not None
        while word not in (line := process.stderr.readline()):
            assert line, "it ended"

    try:
        until("waiting")
        write_tree(tmp_path, {"lockcheck.toml": "nosuch = 1\n"})
        until("unknown key 'nosuch'")
        until("waiting")
        code = "use std::sync::Mutex;\nfn f(m: &Mutex<u8>) { let a = m.lock(); let b = m.lock(); }\n"
        (tmp_path / "lockcheck.toml").unlink()
        write_tree(tmp_path, {"a.rs": code})
        assert "a.rs:2" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        process.wait(60)
        assert process.returncode == 130
    finally:
        guard.cancel()
        process.kill()
        process.communicate()


def test_watching_says_what_it_needs(run: Any, fake_rules: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "watchfiles", None)
    done = run("check", "--watch")
    assert done.status == 2
    assert "pip install 'lockcheck-lint[watch]'" in done.err


def test_nothing_of_this_is_loaded_by_a_check(tmp_path: Path) -> None:
    write_tree(tmp_path, {"a.rs": "fn f() {}\n"})
    code = "import sys; from lockcheck import cli; cli.main(['check', '.']); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert not loaded & {
        "shtab",
        "watchfiles",
        "pygls",
        "jsonschema",
        "lockcheck.history",
        "lockcheck.report.formats.sarif",
    }
    assert json.dumps(sorted(name for name in loaded if name.startswith("lockcheck.cli.commands."))) == (
        '["lockcheck.cli.commands.check"]'
    )
