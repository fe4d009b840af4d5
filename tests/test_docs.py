"""Every example in the documentation is run, every setting read, every pipeline checked against its schema.

A block in a page is one of the languages below, or the test fails. `console` blocks are commands behind `$ ` and what
they print; three dots stand for anything, alone on a line for any number of lines. They run in a copy of the tree that
the last `<!-- tree: … -->` before them names, which the blocks share.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from test_adoption import commit
from test_pipelines import clean_environment, valid

from lockcheck import cli, engine
from lockcheck.config import ConfigError, settle
from lockcheck.report import FORMATS
from lockcheck.source import Source

TOP = Path(__file__).parent.parent
PAGES = [TOP / "README.md", *sorted(path for path in (TOP / "docs").glob("*.md") if path.name != "rules.md")]
BLOCK = re.compile(
    r"<!-- tree: (?P<tree>[^>]*) -->|^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)


def blocks(page: Path) -> list[tuple[str, str, str]]:
    """(language, text, tree) of every block."""
    found, tree = [], ""
    for match in BLOCK.finditer(page.read_text()):
        if match["tree"]:
            tree = f"{match['tree']}#{match.start()}"
        else:
            found.append((match["language"], match["text"], tree))
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_block_is_one_that_a_test_reads(page: Path) -> None:
    assert {language for language, _, _ in blocks(page)} <= {"console", "toml", "yaml", "rust", "python", "json"}


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)):
        if "://" not in target:
            assert (page.parent / target).exists(), target


# --------------------------------------------------------------------------------------------------------- commands


def plant(top: Path, tree: str) -> Path:
    """A copy of the tree; `X, committed without Y` is a repository to which the file Y is new."""
    name, _, without = tree.partition("#")[0].partition(", committed without ")
    work = top / re.sub(r"\W", "_", tree)
    if not work.exists():
        shutil.copytree(TOP / name, work)
        if without:
            kept = (work / without).read_bytes()
            (work / without).unlink()
            commit(work, {})
            (work / without).write_bytes(kept)
    return work


def fits(expected: str, printed: str) -> bool:
    """Whether the output is what the page says."""
    pieces = []
    for line in expected.rstrip("\n").split("\n"):
        if line.strip() == "...":
            pieces.append(r"(?:.*\n)*?")
        else:
            pieces.append(".*".join(map(re.escape, line.rstrip().split("..."))) + r"[ ]*\n")
    return re.fullmatch("".join(pieces), printed.rstrip("\n") + "\n") is not None


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_command_prints_what_the_page_says(page: Path, tmp_path: Path) -> None:
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    for name in ("lockcheck", "flake8"):
        (bin_ / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" -m {name} "$@"\n')
        (bin_ / name).chmod(0o755)
    environment = clean_environment(
        GIT_AUTHOR_NAME="t",
        GIT_AUTHOR_EMAIL="t@example.org",
        GIT_COMMITTER_NAME="t",
        GIT_COMMITTER_EMAIL="t@example.org",
    )
    environment["PATH"] = f"{bin_}:{environment['PATH']}"
    for language, text, tree in blocks(page):
        if language != "console":
            continue
        work = plant(tmp_path, tree)
        for command, expected in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", text, re.MULTILINE):
            done = subprocess.run(
                ["bash", "-c", command], cwd=work, env=environment, text=True, timeout=60,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            )  # fmt: skip
            assert fits(expected or "\n", done.stdout or "\n"), f"$ {command}\n{done.stdout}"


# ---------------------------------------------------------------------------------------------------------- settings


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_setting_can_be_read(page: Path) -> None:
    for language, text, _ in blocks(page):
        if language == "toml":
            name = re.match(r"# (\S+\.toml)\n", text)
            settings = settle([(name[1] if name else "lockcheck.toml", text)])
            assert settings.origin, "nothing in it is ours"
            engine.validated(settings)


def test_a_setting_that_cannot_be_read_would_be_found() -> None:
    with pytest.raises(ConfigError):
        settle([("lockcheck.toml", "persna = 1")])


# --------------------------------------------------------------------------------------------------- code, pipelines


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_piece_of_code_can_be_read(page: Path) -> None:
    suffixes = {"rust": ".rs", "python": ".py"}
    for language, text, _ in blocks(page):
        if language in suffixes:
            assert not engine.flaws(Source(f"a{suffixes[language]}", text.encode()))
        if language == "json":
            json.loads(text)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_pipeline_is_valid(page: Path, tmp_path: Path) -> None:
    yaml = pytest.importorskip("yaml", reason="pip install -e '.[dev]' to read pipelines")
    for number, (language, text, _) in enumerate(blocks(page)):
        if language != "yaml":
            continue
        path = tmp_path / f"{number}.yml"
        path.write_text(text)
        document: Any = yaml.safe_load(text)
        if "repos" in document:
            pytest.importorskip("pre_commit", reason="pre-commit is not installed: pip install -e '.[dev]'")
            command = [sys.executable, "-m", "pre_commit", "validate-config", str(path)]
            done = subprocess.run(command, capture_output=True, text=True, timeout=60)
            assert done.returncode == 0, done.stdout
            ours = {one["id"] for one in yaml.safe_load((TOP / ".pre-commit-hooks.yaml").read_text())}
            assert {hook["id"] for repo in document["repos"] for hook in repo["hooks"]} <= ours
        elif "jobs" in document:
            valid("vendor.github-workflows", path)
            known = set(yaml.safe_load((TOP / "action.yml").read_text())["inputs"])
            for step in document["jobs"]["lockcheck"]["steps"]:
                if step["uses"].startswith("example/lockcheck@"):
                    assert set(step.get("with", {})) <= known
        else:
            valid("vendor.gitlab-ci", path)


# ----------------------------------------------------------------------------------------------- nothing is left out


def test_every_command_and_every_format_has_its_line() -> None:
    commands = (TOP / "docs/commands.md").read_text()
    assert set(re.findall(r"^    lockcheck (\S+)", commands, re.MULTILINE)) == set(cli.command_names())
    formats = (TOP / "docs/formats.md").read_text()
    assert sorted(re.findall(r"^\| `(\w+)` \|", formats, re.MULTILINE)) == sorted(FORMATS)


OPTION = re.compile(r"(?<![\w-])(--?[a-z][\w-]*)")


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_option_in_a_line_of_a_page_exists(page: Path) -> None:
    """In lines that are shown, not run: other programs' commands, summaries."""
    for line in re.findall(r"^    (?:.*&& \S*)?lockcheck ([a-z].*)$", page.read_text(), re.MULTILINE):
        words = line.split(" | ")[0].split("   ")[0].split()
        assert words[0] in cli.command_names(), line
        known = options_of(words[0])
        assert {word for word in words[1:] if OPTION.fullmatch(word)} <= known, line


def options_of(command: str) -> set[str]:
    """All options of a command, and of those below it."""
    done = subprocess.run(
        [sys.executable, "-m", "lockcheck", command, "--help"], capture_output=True, text=True, timeout=60
    )
    return set(OPTION.findall(done.stdout))


def test_every_input_of_the_action_is_told() -> None:
    yaml = pytest.importorskip("yaml", reason="pip install -e '.[dev]' to read the action")
    table = re.findall(r"^\| `(\w+)` \|", (TOP / "docs/github.md").read_text(), re.MULTILINE)
    assert table == list(yaml.safe_load((TOP / "action.yml").read_text())["inputs"])


def test_the_readme_is_one_screen() -> None:
    assert len((TOP / "README.md").read_text().splitlines()) <= 70
