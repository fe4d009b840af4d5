from __future__ import annotations

from pathlib import Path

import pytest
from fakes import write_tree

from lockcheck.config import Settings
from lockcheck.engine import check
from lockcheck.executors import Work

PYTHON = """\
import threading
import time
import corp.rpc
from corp.rpc import call as send

LOCK = threading.Lock()

class Client:
    def fetch(self):
        return 1

def named():
    with LOCK:
        corp.rpc.call()
def renamed():
    with LOCK:
        send()
def of_the_tree(client: Client):
    with LOCK:
        client.fetch()
def deeper(client: Client):
    with LOCK:
        ask(client)
def ask(client: Client):
    client.fetch()
def sleeps():
    with LOCK:
        time.sleep(1)
def naps():
    with LOCK:
        rest()
def rest():
    time.sleep(1)
"""

RUST = """\
use std::sync::Mutex;
struct Store { rows: Mutex<u32>, client: Client }
struct Client;
impl Client {
    fn fetch(&self) -> u32 { 1 }
}
impl Store {
    fn of_the_tree(&self) {
        let mut rows = self.rows.lock().unwrap();
        *rows = self.client.fetch();
    }
    fn outside(&self) {
        let mut rows = self.rows.lock().unwrap();
        *rows = corp::rpc::call();
    }
    fn sleeps(&self) {
        let mut rows = self.rows.lock().unwrap();
        std::thread::sleep(PAUSE);
    }
}
"""


@pytest.fixture(autouse=True)
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_tree(tmp_path, {"app.py": PYTHON, "src/store.rs": RUST})


def blocked(path: str, deny: tuple[str, ...] = (), allow: tuple[str, ...] = ()) -> set[str]:
    settings = Settings(blocking_deny=deny, blocking_allow=allow, select=("LCK402",))
    return {one.function.rpartition("::")[2] for one in check([path], settings, Work()).findings}


def test_what_the_project_denies_is_reported_under_a_lock_however_it_is_spelled() -> None:
    assert blocked("app.py") == {"sleeps", "naps"}
    assert blocked("app.py", ("corp.rpc.*",)) == {"sleeps", "naps", "named", "renamed"}
    assert blocked("app.py", ("Client.fetch",)) == {"sleeps", "naps", "of_the_tree", "deeper"}
    assert blocked("src", ("corp::rpc::call", "Client::fetch")) == {"sleeps", "of_the_tree", "outside"}


def test_what_the_project_allows_is_not_reported_nor_what_comes_by_it() -> None:
    assert blocked("app.py", allow=("time.sleep",)) == set()
    assert blocked("app.py", allow=("rest",)) == {"sleeps"}
    assert blocked("src", allow=("std::thread::sleep",)) == set()


def test_the_lists_count_though_the_files_are_as_they_were(tmp_path: Path) -> None:
    def found(**lists: tuple[str, ...]) -> int:
        settings = Settings(select=("LCK402",), **lists)  # type: ignore[arg-type]
        return len(check(["app.py"], settings, Work(cached=True)).findings)

    assert [found(), found(blocking_allow=("time.sleep",)), found()] == [2, 0, 2]
