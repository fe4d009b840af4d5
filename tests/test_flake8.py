"""The flake8 plugin, run by flake8 itself, says what `lockcheck check` says."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from fakes import write_tree

DEADLOCK = """\
import threading

from pkg.pool import Pool


class Cluster:
    def __init__(self):
        self.lock = threading.Lock()
        self.pool = Pool(self)

    def close(self):
        with self.lock:
            self.open = False

    def connect(self):
        with self.lock:
            self.close(){noqa}
"""
TREE = {
    "pkg/__init__.py": "",
    "pkg/cluster.py": DEADLOCK.format(noqa=""),
    "pkg/pool.py": """\
import threading


class Pool:
    def __init__(self, cluster):
        self.lock = threading.Lock()
        self.rows = []

    def size(self):
        with self.lock:
            return len(self.rows)

    async def wait(self):
        with self.lock:
            await self.dial()
""",
    "pkg/child.py": """\
from pkg.pool import Pool


class Child(Pool):
    def grow(self):
        with self.lock:
            self.rows.append(self.size())
""",
    "pkg/plain.py": "def double(x):\n    return 2 * x\n",
    "setup.cfg": "[metadata]\nname = pkg\n",
}


def flake8(folder: Path, *arguments: str, stdin: str | None = None, status: int = 1) -> list[str]:
    """What flake8 prints, with our plugin alone."""
    done = subprocess.run(
        [sys.executable, "-m", "flake8", "--isolated", "--select", "LCK", *arguments],
        cwd=folder, input=stdin, capture_output=True, text=True, encoding="utf-8", timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == status, done.stdout + done.stderr
    return sorted(done.stdout.splitlines())


def lockcheck(folder: Path, *arguments: str) -> list[str]:
    """The same in the words of `lockcheck check`."""
    done = subprocess.run(
        [sys.executable, "-m", "lockcheck", "check", "--no-cache", "--output", "concise", *arguments],
        cwd=folder, capture_output=True, text=True, encoding="utf-8", timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stderr
    return sorted(done.stdout.splitlines())


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    write_tree(tmp_path, dict(TREE))
    return tmp_path


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree that nobody changes."""
    top = tmp_path_factory.mktemp("still")
    write_tree(top, dict(TREE))
    return top


@pytest.fixture(scope="module")
def said(still: Path) -> list[str]:
    return lockcheck(still, "pkg")


def heads(lines: list[str]) -> list[str]:
    """Where and which: `pkg/cluster.py:17:18: LCK201`."""
    found = [re.match(r"(?:\./)?(.+?:\d+:\d+: LCK\d+)", line) for line in lines]
    return [one[1] for one in found if one]


def test_it_says_what_the_command_says(still: Path, said: list[str]) -> None:
    assert heads(said) == ["pkg/child.py:7:35: LCK201", "pkg/cluster.py:17:18: LCK201", "pkg/pool.py:15:13: LCK401"]
    assert flake8(still, "pkg") == said


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_the_number_of_processes_changes_nothing(still: Path, said: list[str], jobs: str) -> None:
    assert flake8(still, "--jobs", jobs, "pkg") == said


def test_a_message_shows_the_way(said: list[str]) -> None:
    (line,) = [one for one in said if "cluster" in one]
    assert "(held since line 16; taken via Cluster.close at pkg/cluster.py:12)" in line


def test_one_file_is_seen_in_its_project(still: Path, said: list[str]) -> None:
    assert flake8(still, "pkg/child.py") == [one for one in said if "child" in one]


def test_one_file_without_a_project_stands_for_itself(tmp_path: Path) -> None:
    write_tree(tmp_path, {"alone.py": DEADLOCK.format(noqa="")})
    assert heads(flake8(tmp_path, "alone.py")) == ["alone.py:17:18: LCK201"]


def test_a_buffer_stands_for_its_file(still: Path) -> None:
    changed = TREE["pkg/child.py"].replace("self.rows.append(self.size())", "self.rows.append(1)")
    assert flake8(still, "--stdin-display-name", "pkg/child.py", "-", stdin=changed, status=0) == []
    longer = "\n\n" + TREE["pkg/child.py"]
    said = flake8(still, "--stdin-display-name", "pkg/child.py", "-", stdin=longer)
    assert heads(said) == ["pkg/child.py:9:35: LCK201"]


def test_a_buffer_without_a_name_stands_for_itself(tmp_path: Path) -> None:
    assert heads(flake8(tmp_path, "-", stdin=DEADLOCK.format(noqa=""))) == ["stdin:17:18: LCK201"]


@pytest.mark.parametrize("comment", ["  # noqa", "  # noqa: LCK201", "  # noqa: LCK2,E501"])
def test_noqa_is_honoured_by_both(tree: Path, comment: str) -> None:
    write_tree(tree, {"pkg/cluster.py": DEADLOCK.format(noqa=comment)})
    said = lockcheck(tree, "pkg")
    assert not any("cluster" in line for line in said)
    assert flake8(tree, "pkg") == said
    assert "pkg/cluster.py:17:18: LCK201" in heads(flake8(tree, "--disable-noqa", "pkg")), "flake8 alone decides"


def test_options_come_from_flake8s_own_configuration(tree: Path) -> None:
    said = lockcheck(tree, "pkg", "--min-confidence", "certain")
    write_tree(
        tree, {".flake8": "[flake8]\nselect = LCK\nlockcheck-min-confidence = certain\nextend-ignore = LCK401\n"}
    )
    done = subprocess.run(
        [sys.executable, "-m", "flake8", "pkg"], cwd=tree, capture_output=True, text=True, timeout=120, check=False
    )
    assert sorted(done.stdout.splitlines()) == [line for line in said if "LCK401" not in line]


def test_lockchecks_own_configuration_counts(tree: Path) -> None:
    write_tree(tree, {"lockcheck.toml": 'ignore = ["LCK201"]\n'})
    assert heads(flake8(tree, "pkg")) == ["pkg/pool.py:15:13: LCK401"]
    assert heads(flake8(tree, "pkg/pool.py")) == ["pkg/pool.py:15:13: LCK401"]


def test_a_wrong_configuration_is_told_as_flake8_tells_its_own(tree: Path) -> None:
    write_tree(tree, {"lockcheck.toml": 'persona = "loud"\n'})
    (line,) = [line for line in flake8(tree, "pkg") if "lockcheck" in line]
    assert line.startswith("lockcheck: lockcheck.toml: persona: must be one of")


def test_the_project_can_be_declared(tree: Path) -> None:
    write_tree(tree, {"apart/child.py": TREE["pkg/child.py"]})
    assert flake8(tree, "apart", status=0) == []
    assert heads(flake8(tree, "--lockcheck-project", "pkg", "apart")) == ["apart/child.py:7:35: LCK201"]


def test_noisy_rules_are_off_until_somebody_asks(tree: Path) -> None:
    sleeps = "import threading\nimport time\n\nLOCK = threading.Lock()\n\n\ndef nap():\n    with LOCK:\n        time.sleep(9)\n"
    write_tree(tree, {"naps/nap.py": sleeps})
    assert flake8(tree, "naps", status=0) == []
    wanted = heads(lockcheck(tree, "naps", "--persona", "pedantic"))
    assert wanted == ["naps/nap.py:9:14: LCK402"]
    assert heads(flake8(tree, "--lockcheck-persona", "pedantic", "naps")) == wanted
    assert heads(flake8(tree, "--extend-select", "LCK402", "naps")) == wanted


def test_a_file_without_a_lock_imports_no_parser(still: Path) -> None:
    program = (
        "import json, sys\nfrom flake8.main.cli import main\n"
        "main(['--isolated', '--select', 'LCK', *sys.argv[1:]])\n"
        "print(json.dumps([name for name in ('libcst', 'tree_sitter', 'lockcheck.engine') if name in sys.modules]))\n"
    )

    def imported(path: str) -> list[str]:
        done = subprocess.run(
            [sys.executable, "-c", program, "--jobs", "1", path],
            cwd=still, capture_output=True, text=True, timeout=120, check=True,
        )  # fmt: skip
        return list(json.loads(done.stdout.splitlines()[-1]))

    asks = '"""What meets the condition, unconditionally."""\n\n\ndef where(join_condition):\n    return join_condition.left\n'
    waits = "class Job(Base):\n    def result(self, limit):\n        self._condition.wait(limit)\n"
    write_tree(still, {"words/query.py": asks, "jobs/job.py": waits})
    assert imported("pkg/plain.py") == []
    assert imported("words") == []
    assert "lockcheck.engine" in imported("jobs")
    assert "libcst" in imported("pkg/pool.py")


def test_a_file_that_cannot_be_parsed_stops_nothing(tree: Path) -> None:
    write_tree(tree, {"pkg/broken.py": "def f(:\n", "pkg/odd.py": b"# \xff\n"})
    assert flake8(tree, "pkg") == [line for line in lockcheck(tree, "pkg") if line]
