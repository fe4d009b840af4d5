"""Locks of libraries: what is said of each, and, where the library is installed, what really happens.

Each source has a `bad()` whose line marked `# here` is reported, and a `good()` that is not. `bad` hangs, or is told
by the library that it would; `good` ends.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from fakes import write_tree

LIMIT = 2.5
"""Seconds after which what still runs is taken to hang; what starts processes or loops needs most of one."""


class Kind(NamedTuple):
    """`libraries` must be there to run it; `outcome` of `bad` is `hangs`, `raises`, or empty where it is not run."""

    libraries: tuple[str, ...]
    code: str
    outcome: str
    source: str


def blocks(make: str, first: str, second: str, imports: str) -> str:
    return f"""\
{imports}
class Store:
    def __init__(self):
        {make}
    def bad(self):
        with {first}:
            with {second}:  # here
                return 1
    def good(self):
        with {first}:
            pass
        with {second}:
            return 1
def bad(): Store().bad()
def good(): Store().good()
"""


def tasks(make: str, first: str, second: str, run: str, imports: str) -> str:
    return f"""\
{imports}
class Store:
    def __init__(self):
        {make}
    async def bad(self):
        async with {first}:
            async with {second}:  # here
                return 1
    async def good(self):
        async with {first}:
            pass
        async with {second}:
            return 1
def bad(): {run}(call, "bad")
def good(): {run}(call, "good")
async def call(name):
    return await getattr(Store(), name)()
"""


FILE = "os.path.join(tempfile.mkdtemp(), 'x')"
KINDS = {
    "trio": Kind(("trio",), "LCK201", "raises",
                 tasks("self.lock = trio.Lock()", "self.lock", "self.lock", "trio.run", "import trio")),
    "anyio": Kind(("anyio",), "LCK201", "raises",
                  tasks("self.lock = anyio.Lock()", "self.lock", "self.lock", "anyio.run", "import anyio")),
    "anyio condition": Kind(("anyio",), "LCK405", "raises", """\
import anyio
class Store:
    def __init__(self):
        self.full = anyio.Condition()
    async def bad(self):
        self.full.notify_all()  # here
    async def good(self):
        async with self.full:
            self.full.notify_all()
def bad(): anyio.run(call, "bad")
def good(): anyio.run(call, "good")
async def call(name):
    return await getattr(Store(), name)()
"""),
    "gevent": Kind(("gevent",), "LCK105", "hangs", """\
import gevent.lock
class Store:
    def __init__(self):
        self.free = gevent.lock.BoundedSemaphore(1)
    def bad(self, text="x"):
        self.free.acquire()  # here
        number = read(text)
        self.free.release()
        return number
    def good(self, text="x"):
        self.free.acquire()
        try:
            return read(text)
        finally:
            self.free.release()
def read(text):
    return int(text)
def twice(run):
    for _ in range(2):
        try:
            run()
        except ValueError:
            pass
def bad():
    store = Store()
    with gevent.Timeout(3600):
        twice(store.bad)
def good(): twice(Store().good)
"""),
    "filelock": Kind(("filelock",), "LCK105", "raises", f"""\
import filelock, os, tempfile
class Store:
    def __init__(self):
        self.path = {FILE}
        self.lock = filelock.FileLock(self.path)
    def bad(self, text="x"):
        self.lock.acquire(timeout=1)  # here
        number = read(text)
        self.lock.release()
        return number
    def good(self, text="1"):
        self.lock.acquire(timeout=1)
        try:
            return read(text)
        finally:
            self.lock.release()
    def again(self):
        with self.lock:
            with self.lock.acquire(timeout=1):
                return 1
def read(text):
    return int(text)
def bad(): Store().bad()
def good(): Store().good(), Store().again()
"""),
    "fasteners": Kind(("fasteners",), "LCK301", "", f"""\
import fasteners, os, tempfile
class Store:
    def __init__(self):
        self.rows = fasteners.InterProcessLock({FILE})
        self.table = fasteners.ReaderWriterLock()
    def bad(self):
        with self.rows:
            with self.table.write_lock():  # here
                return 1
    def other(self):
        self.table.acquire_write_lock()
        try:
            with self.rows:
                return 1
        finally:
            self.table.release_write_lock()
    def good(self):
        with self.table.write_lock():
            with self.table.read_lock():
                return 1
def good(): Store().good(), Store().other()
"""),
    "readerwriterlock": Kind(("readerwriterlock",), "LCK202", "hangs", blocks(
        "self.table = rwlock.RWLockFair()", "self.table.gen_rlock()", "self.table.gen_wlock()",
        "from readerwriterlock import rwlock")),
    "readerwriterlock by hand": Kind(("readerwriterlock",), "LCK202", "hangs", """\
from readerwriterlock import rwlock
class Store:
    def __init__(self):
        self.table = rwlock.RWLockWrite()
    def bad(self):
        reader, writer = self.table.gen_rlock(), self.table.gen_wlock()
        reader.acquire()
        try:
            with writer:  # here
                return 1
        finally:
            reader.release()
    def good(self):
        reader = self.table.gen_rlock()
        reader.acquire()
        reader.release()
        with self.table.gen_wlock():
            return 1
def bad(): Store().bad()
def good(): Store().good()
"""),
    "aiorwlock": Kind(("aiorwlock",), "LCK301", "", """\
import aiorwlock, asyncio
class Store:
    def __init__(self):
        self.table = aiorwlock.RWLock()
        self.other = asyncio.Lock()
    async def bad(self):
        async with self.table.reader_lock:
            async with self.other:  # here
                return 1
    async def back(self):
        async with self.other:
            async with self.table.writer_lock:
                return 1
    async def good(self):
        async with self.table.writer_lock:
            async with self.table.reader_lock:
                return 1
def good(): asyncio.run(call("good"))
async def call(name):
    return await getattr(Store(), name)()
"""),
    "qt": Kind(("PyQt5",), "LCK105", "hangs", """\
from PyQt5.QtCore import QMutex
class Store:
    def __init__(self):
        self.mutex = QMutex()
    def bad(self, text="x"):
        self.mutex.lock()  # here
        if text == "x":
            return
        self.mutex.unlock()
    def good(self, text="x"):
        self.mutex.lock()
        try:
            return text
        finally:
            self.mutex.unlock()
def bad():
    store = Store()
    store.bad()
    store.bad()
def good():
    store = Store()
    store.good()
    store.good()
"""),
    "qt for readers": Kind(("PyQt5",), "LCK105", "hangs", """\
from PyQt5 import QtCore
class Lockable(QtCore.QObject):
    def __init__(self):
        super().__init__()
        self._lock = QtCore.QReadWriteLock()
    def lock_for_read(self):
        self._lock.lockForRead()
    def lock_for_write(self):
        self._lock.lockForWrite()
    def unlock(self):
        self._lock.unlock()
class Store(Lockable):
    def bad(self, text="x"):
        self.lock_for_read()  # here
        if text == "x":
            return
        self.unlock()
    def good(self, text="x"):
        self.lock_for_write()
        try:
            return text
        finally:
            self.unlock()
def bad():
    store = Store()
    store.bad()
    store.good()
def good():
    store = Store()
    store.good()
    store.good()
"""),
    "qt's locker": Kind(("PyQt5",), "LCK303", "", """\
import threading
from PyQt5.QtCore import QMutex, QMutexLocker
class Store:
    def __init__(self):
        self.mutex = QMutex()
        self.worker = threading.Thread(target=self.work)
    def work(self):
        with QMutexLocker(self.mutex):
            pass
    def bad(self):
        with QMutexLocker(self.mutex):
            self.worker.join()  # here
    def good(self):
        with QMutexLocker(self.mutex):
            worker = self.worker
        worker.join()
"""),
    "twisted": Kind(("twisted",), "LCK201", "", """\
from twisted.internet import defer
class Store:
    def __init__(self):
        self.lock = defer.DeferredLock()
    @defer.inlineCallbacks
    def add(self, row):
        yield self.lock.acquire()
        try:
            yield row
        finally:
            self.lock.release()
    @defer.inlineCallbacks
    def bad(self, row):
        yield self.lock.acquire()
        try:
            yield self.add(row)  # here
        finally:
            self.lock.release()
    @defer.inlineCallbacks
    def good(self, row):
        yield self.add(row)
        yield self.add(row)
"""),
    "redis": Kind((), "LCK201", "", blocks(
        "self.client = redis.Redis(); self.lock = self.client.lock('rows')", "self.lock", "self.lock",
        "import redis")),
    "manager": Kind((), "LCK201", "hangs", blocks(
        "self.manager = multiprocessing.Manager(); self.lock = self.manager.Lock()", "self.lock", "self.lock",
        "import multiprocessing")),
    "context of processes": Kind((), "LCK201", "hangs", blocks(
        "self.ways = multiprocessing.get_context('spawn'); self.lock = self.ways.Lock()", "self.lock", "self.lock",
        "import multiprocessing")),
    "attrs": Kind(("attr",), "LCK201", "hangs", """\
import threading
import attr
@attr.s
class Store:
    lock = attr.ib(factory=threading.Lock)
    again = attr.ib(factory=threading.RLock)
    def bad(self):
        with self.lock:
            with self.lock:  # here
                return 1
    def good(self):
        with self.again:
            with self.again:
                return self.beside(Store())
    def beside(self, other: "Store"):
        with self.lock:
            with other.lock:
                return 1
def bad(): Store().bad()
def good(): Store().good()
"""),
    "mutex of a queue": Kind((), "LCK201", "hangs", """\
import queue
class Store:
    def __init__(self):
        self.rows = queue.Queue()
    def bad(self):
        with self.rows.mutex:
            self.rows.put(1)  # here
    def good(self):
        with self.rows.mutex:
            self.rows.queue.clear()
        self.rows.put(1)
        with self.rows.all_tasks_done:
            return self.rows.unfinished_tasks
def bad(): Store().bad()
def good(): Store().good()
"""),
}  # fmt: skip


@pytest.mark.parametrize("name", KINDS)
def test_what_is_said_of_it(name: str, tmp_path: Path) -> None:
    kind = KINDS[name]
    write_tree(tmp_path, {"store.py": kind.source})
    command = [sys.executable, "-m", "lockcheck", "check", ".", "--output", "json", "--no-cache"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    findings = json.loads(done.stdout)["findings"]
    found = [(one["code"], one["line"]) for one in findings]
    here = next(number for number, line in enumerate(kind.source.splitlines(), 1) if "# here" in line)
    assert found == [(kind.code, here)]
    if kind.code == "LCK201":
        assert findings[0]["message"].endswith("it raises" if kind.outcome == "raises" else "it waits for itself")


@pytest.mark.parametrize("name", KINDS)
def test_what_really_happens(name: str, tmp_path: Path) -> None:
    kind = KINDS[name]
    missing = [one for one in (*kind.libraries, *(["redis"] if name == "redis" else [])) if not _is_there(one)]
    if missing or name == "redis":
        pytest.skip(f"not run: {missing or 'a server'} is not there")
    write_tree(tmp_path, {"store.py": kind.source})
    assert _outcome(tmp_path, "good") == "ends"
    if kind.outcome:
        assert _outcome(tmp_path, "bad") == kind.outcome


def _is_there(library: str) -> bool:
    return importlib.util.find_spec(library) is not None


def _outcome(folder: Path, name: str) -> str:
    """What becomes of one function in a session of its own: what hangs goes with all the processes that it started."""
    code = f"import store\nif __name__ == '__main__': store.{name}()"
    (folder / f"run_{name}.py").write_text(code, encoding="utf-8")
    command = [sys.executable, "-W", "ignore", f"run_{name}.py"]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, cwd=folder, stdout=quiet, stderr=quiet, start_new_session=True) as process:
        try:
            return "raises" if process.wait(LIMIT if name == "bad" else 30) else "ends"
        except subprocess.TimeoutExpired:
            return "hangs"
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


OWN_LOCK = """\
pub struct Mutex<T>(std::sync::Mutex<T>);
impl<T> Mutex<T> {
    pub fn lock(&self) -> std::sync::MutexGuard<'_, T> { self.0.lock().unwrap() }
}
"""
OWN_USE = """\
use crate::inner::Mutex;
pub struct Notes { rows: Mutex<Vec<u32>> }
impl Notes {
    fn add(&self) { self.rows.lock().push(1); }
    fn bad(&self) {
        let rows = self.rows.lock();
        self.add();
        drop(rows);
    }
}
"""


def test_a_crate_that_has_a_listed_lock_may_have_others_of_that_name(tmp_path: Path) -> None:
    """tokio's own code uses a `Mutex` that is not `tokio::sync::Mutex`, and waits as a thread does."""
    files = {
        "Cargo.toml": '[package]\nname = "tokio"\nversion = "1.0.0"\nedition = "2021"\n',
        "src/lib.rs": "mod inner;\nmod notes;\n",
        "src/inner.rs": OWN_LOCK,
        "src/notes.rs": OWN_USE,
    }
    write_tree(tmp_path, files)
    command = [sys.executable, "-m", "lockcheck", "check", ".", "--no-cache", "--exit-zero", "--output", "json"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    found = [(one["code"], one["line"]) for one in json.loads(run.stdout)["findings"]]
    assert found == [("LCK201", 7)]
