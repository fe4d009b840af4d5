"""semgrep and ast-grep for the tests: their own environment, made once, since semgrep pins what others must not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from filelock import FileLock

PINS = ("semgrep==1.182.0", "ast-grep-cli==0.51.1", "jsonschema>=4.20")
"""The versions that the marks in the fixtures were made with."""
ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".cache" / "pattern-tools"
_SECONDS = "60"
"""What semgrep may take for one rule on one file; of its own accord five, which a busy machine needs for a fixture."""


def tool(name: str) -> str:
    """The path of a tool's command; the environment is made if need be. Skips where it cannot be had."""
    stamp, wanted = HOME / "pins", " ".join(PINS)
    HOME.parent.mkdir(exist_ok=True)
    with FileLock(HOME.with_suffix(".lock")):  # (tests run in several processes)
        if not stamp.exists() or stamp.read_text(encoding="utf-8") != wanted:
            venv.create(HOME, with_pip=True, clear=True)
            pip = (str(HOME / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
            done = subprocess.run([*pip, *PINS], capture_output=True, text=True, check=False)
            if done.returncode:
                pytest.skip(f"{name} could not be installed into {HOME}: {done.stderr.strip().splitlines()[-1:]}")
            stamp.write_text(wanted, encoding="utf-8")
    return str(HOME / "bin" / name)


def semgrep(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run semgrep without network: no metrics, no check for a newer version."""
    options = ("--metrics=off", "--disable-version-check", "--timeout", _SECONDS)
    command = [tool("semgrep"), "scan", *options, *arguments]
    environment = {**os.environ, "SEMGREP_SEND_METRICS": "off", "SEMGREP_ENABLE_VERSION_CHECK": "0"}
    environment["PATH"] = str(HOME / "bin") + os.pathsep + environment.get("PATH", "")
    return subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, encoding="utf-8", check=False
    )


def scan(
    rules: Path, targets: Sequence[Path], *options: str, gave_up: list[str] | None = None, cwd: Path | None = None
) -> list[tuple[str, int, int, str]]:
    """(path, first line, last line, slug) of all that the rules report in the targets.

    From `cwd`, relative targets are what the rules' own paths to leave out speak of. `gave_up` takes what semgrep says of files that it did not get to the end of, for want of time or syntax.
    """
    done = semgrep(
        "--config",
        str(rules),
        "--json",
        "--quiet",
        "--no-git-ignore",
        *options,
        *map(str, targets),
        cwd=cwd,
    )
    said: dict[str, Any] = json.loads(done.stdout)
    errors = [error["message"] for error in said["errors"] if error["level"] == "error"]
    assert not errors, errors
    if gave_up is not None:
        gave_up += [one["message"].strip().replace("\n", " ")[:200] for one in said["errors"]]
    return sorted(
        {(one["path"], one["start"]["line"], one["end"]["line"], one["check_id"].rpartition(".")[2]) for one in said["results"]}
    )  # fmt: skip


def schema() -> dict[str, Any]:
    """semgrep's own schema of rule files."""
    code = "import semgrep, pathlib; print(pathlib.Path(semgrep.__file__).parent)"
    path = Path(python(code, "").strip()) / "semgrep_interfaces" / "rule_schema_v1.yaml"
    return dict(yaml.safe_load(path.read_text(encoding="utf-8")))


def lockcheck(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run lockcheck in a folder."""
    command = [sys.executable, "-m", "lockcheck", *arguments]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, encoding="utf-8", check=False, timeout=280
    )


def python(code: str, text: str) -> str:
    """What a program prints that runs in the tools' environment with this standard input."""
    tool("semgrep")
    command = [str(HOME / "bin" / "python"), "-c", code]
    return subprocess.run(command, input=text, capture_output=True, text=True, encoding="utf-8", check=True).stdout


def ast_grep(folder: Path, targets: Sequence[Path]) -> list[tuple[str, int, int, str]]:
    """(path, first line, last line, rule) of all that a folder with `sgconfig.yml` reports in the targets."""
    command = [tool("ast-grep"), "scan", "--config", "sgconfig.yml", "--json=stream", *map(str, targets)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, encoding="utf-8", check=False)
    said = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode in (0, 1), done.stderr
    ends = ("start", "end")
    return [(one["file"], *(one["range"][end]["line"] + 1 for end in ends), one["ruleId"]) for one in said]
