"""Who does the work changes nothing: processes here, or a Dask cluster of which a worker is killed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lockcheck import engine, executors, units
from lockcheck.config import ConfigError, Settings
from lockcheck.executors import Work

FIXTURES = Path(__file__).parent.parent / "fixtures"
PATIENCE = 60


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tree of some size: the fixtures, each several times."""
    for number in range(2):
        shutil.copytree(FIXTURES / "rust", tmp_path / f"copy{number}")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(units, "_WORTH", 1)
    monkeypatch.setattr(units, "_BATCH", 1)
    return tmp_path


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A scheduler and two workers, processes of their own on loopback; the scheduler's address and the workers."""
    pytest.importorskip("distributed", reason="pip install lockcheck-lint[dask]")
    folder = tmp_path_factory.mktemp("dask")
    told = folder / "scheduler.json"
    command = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0"]
    started = [subprocess.Popen([*command, "--no-dashboard", "--scheduler-file", str(told)], cwd=folder)]
    try:
        address = ""
        until = time.monotonic() + PATIENCE
        while not address and time.monotonic() < until:
            time.sleep(0.1)
            address = json.loads(told.read_text())["address"] if told.exists() and told.read_text() else ""
        assert address, "the scheduler did not start"
        for _ in range(2):
            command = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--no-nanny", "--nthreads", "1"]
            started.append(subprocess.Popen([*command, "--no-dashboard", "--local-directory", str(folder)], cwd=folder))
        yield address, started[1:]
    finally:
        for one in started:
            one.kill()
            one.wait()


def test_a_cluster_whose_worker_is_killed_says_the_same(
    tree: Path, cluster: tuple[str, list[subprocess.Popen[bytes]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, workers = cluster
    alone = engine.check(["."], Settings(), Work())
    assert alone.findings
    distributed = pytest.importorskip("distributed")
    with distributed.Client(address, set_as_default=False) as client:
        client.wait_for_workers(2, timeout=PATIENCE)
        assert engine.check(["."], Settings(), Work(cluster=f"dask={address}")) == alone
        done: list[object] = []
        pairs = threading.Thread(target=lambda: done.append(_kill_one_at_work(client, workers)))
        pairs.start()
        assert engine.check(["."], Settings(), Work(cluster=f"dask={address}")) == alone
        pairs.join(PATIENCE)
        assert done == [True], "the worker was to be killed while it had work"


def _kill_one_at_work(client: object, workers: list[subprocess.Popen[bytes]]) -> bool:
    """Kill the first worker as soon as it has something to do."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if any(client.processing().values()):  # type: ignore[attr-defined]
            workers[0].send_signal(signal.SIGKILL)
            return True
        time.sleep(0.001)
    return False


@pytest.mark.parametrize("word", ["dask", "dask=", "slurm=here"])
def test_an_executor_that_is_none(word: str) -> None:
    with pytest.raises(ConfigError, match="--executor is dask=ADDRESS"):
        executors.chosen(Work(cluster=word))


def test_a_scheduler_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr(executors, "PATIENCE", "1s")
    cluster = executors.chosen(Work(cluster="dask=tcp://127.0.0.1:1"))
    with pytest.raises(ConfigError, match="no Dask scheduler answers at tcp"):
        list(cluster.map(_dies, [1]))


def _dies(number: int) -> int:
    if number == 0 and os.getpid() != _MAIN:
        os.kill(os.getpid(), signal.SIGKILL)
    return number * number


_MAIN = os.getpid()


def test_what_a_process_left_that_died_is_done_here() -> None:
    assert list(executors.Processes(2).map(_dies, range(8))) == [number * number for number in range(8)]


def _who(number: int) -> tuple[int, int]:
    time.sleep(0.05)
    return number, os.getpid()


def test_this_process_works_too_and_begins_with_the_last() -> None:
    done = list(executors.Processes(2).map(_who, range(12)))
    assert [number for number, _ in done] == list(range(12))
    here = [number for number, worker in done if worker == _MAIN]
    assert here and here == list(range(here[0], 12)) and here[0] > 0
    assert len({worker for _, worker in done}) == 2, "two processes, this one included"


ENDLESS = """
import os, time
from lockcheck.executors import Processes

def work(number):
    if os.getpid() != MAIN:
        os.write(1, b"%d\\n" % os.getpid())
    time.sleep(600)

MAIN = os.getpid()
list(Processes(3).map(work, range(8)))
"""


@pytest.mark.skipif(not executors.shares_memory(), reason="workers begin as copies of this process on Linux only")
def test_who_works_for_a_process_that_is_killed_ends_too() -> None:
    command = [sys.executable, "-c", ENDLESS]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        try:
            workers = [int(run.stdout.readline()) for _ in range(2)]
        finally:
            run.kill()
    until = time.monotonic() + PATIENCE
    while (left := [one for one in workers if _is_there(one)]) and time.monotonic() < until:
        time.sleep(0.05)
    assert not left


def _is_there(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
