"""Python through the same linker and the same analysis: what is found, on which way, and at what cost."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from command import lockcheck
from fakes import write_tree


def checked(folder: Path, *arguments: str) -> dict[str, Any]:
    done = lockcheck(folder, "check", *arguments, "--output", "json", "--no-cache")
    assert done.returncode in (0, 1), done.stderr
    return dict(json.loads(done.stdout))


def found(folder: Path, *arguments: str) -> list[tuple[str, str, int]]:
    report = checked(folder, ".", *arguments)
    assert report["problems"] == []
    return [(one["code"], one["path"], one["line"]) for one in report["findings"]]


@pytest.mark.parametrize("module", [queue, threading])
def test_the_library_itself_is_a_tree_like_others(tmp_path: Path, module: ModuleType) -> None:
    """`queue.Queue` is a lock that others know; in its own file its conditions are what that file makes them."""
    place = Path(str(module.__file__))
    write_tree(tmp_path, {place.name: place.read_text()})
    assert found(tmp_path, "--min-confidence", "possible") == []


HEAD = """\
import asyncio, threading
from contextlib import contextmanager
class Store:
    def __init__(self):
        self._lock = threading.Lock()
        self._other = threading.RLock()
        self._ready = threading.Condition(self._lock)
    def locked(self):
        with self._lock:
            return 1
    @property
    def size(self):
        with self._lock:
            return 1
    @contextmanager
    def open(self):
        with self._lock:
            yield self
"""


def line_of(body: str, word: str) -> int:
    return next(n for n, line in enumerate((HEAD + body).splitlines(), 1) if word in line)


def judged(folder: Path, body: str) -> list[tuple[str, int]]:
    """The findings of methods of `Store`."""
    write_tree(folder, {"store.py": HEAD + "".join(f"    {line}\n" for line in body.splitlines())})
    return [(code, line) for code, _, line in found(folder)]


TAKEN_AGAIN = {
    "through a call": "def f(self):\n    with self._lock:\n        self.locked()  # here",
    "through a property": "def f(self):\n    with self._lock:\n        return self.size  # here",
    "through a condition that shares it": "def f(self):\n    with self._lock:\n        with self._ready:  # here\n            pass",
    "by hand": "def f(self):\n    self._lock.acquire()\n    self._lock.acquire()  # here",
    "in a block that another function opened": "def f(self):\n    with self.open():\n        self.locked()  # here",
    "in an arm": "def f(self, x):\n    with self._lock:\n        if x:\n            return self.locked()  # here",
    "in a handler": (
        "def f(self):\n    with self._lock:\n        try:\n            print()\n"
        "        except ValueError:\n            self.locked()  # here"
    ),
    "through an alias": "def f(self):\n    lock = self._lock\n    with lock:\n        self.locked()  # here",
    "through a function that a field was given": (
        "def start(self):\n    self.callback = self.locked\n"
        "def f(self):\n    with self._lock:\n        self.callback()  # here"
    ),
    "in a callee that calls what it is given": (
        "def f(self):\n    with self._lock:\n        self.each(self.locked)  # here\n"
        "def each(self, action):\n    action()"
    ),
    "after a callee took it": "def take(self):\n    self._lock.acquire()\ndef f(self):\n    self.take()\n    self.locked()  # here",
    "where a try succeeded": (
        "def take(self):\n    return self._lock.acquire(False)\n"
        "def f(self):\n    if self.take():\n        self.locked()  # here"
    ),
    "in a function within": (
        "def f(self):\n    def inner():\n        self.locked()\n    with self._lock:\n        inner()  # here"
    ),
}  # fmt: skip


@pytest.mark.parametrize("body", TAKEN_AGAIN.values(), ids=list(TAKEN_AGAIN))
def test_taken_again(body: str, tmp_path: Path) -> None:
    (finding,) = judged(tmp_path, body)
    assert finding[0] == "LCK201"


WAITED_FOR = {
    "a thread that a field keeps": (
        "def start(self):\n    self._thread = threading.Thread(target=self.locked)\n"
        "def f(self):\n    with self._lock:\n        self._thread.join()  # here"
    ),
    "a thread of this function": (
        "def f(self):\n    thread = threading.Thread(target=self.locked)\n    thread.start()\n"
        "    with self._lock:\n        thread.join()  # here"
    ),
}  # fmt: skip


@pytest.mark.parametrize("body", WAITED_FOR.values(), ids=list(WAITED_FOR))
def test_a_thread_that_needs_the_lock_is_waited_for(body: str, tmp_path: Path) -> None:
    assert judged(tmp_path, body) == [("LCK303", line_of(body, "# here"))]
    assert judged(tmp_path, body.replace("join()", "join(5)")) == []


MODULE = """\
import signal, threading
LOCK = threading.Lock()
def helper():
    with LOCK:
        return 1
def left():
    LOCK.acquire()
"""
IMPORTED = {
    "in a block": ("with LOCK:\n    x = helper()\n", ("LCK201", 9)),
    "by hand": ("LOCK.acquire()\nhelper()\nLOCK.release()\n", ("LCK201", 9)),
    "around definitions": (
        "try:\n    @decorated\n    def f(): pass\n    with LOCK:\n        class A:\n            def g(self): pass\n"
        "        helper()\nfinally:\n    pass\n",
        ("LCK201", 14),
    ),
    "where it is run": ("if __name__ == '__main__':\n    left()\n    with LOCK:\n        pass\n", ("LCK201", 10)),
}


@pytest.mark.parametrize(("text", "expected"), IMPORTED.values(), ids=list(IMPORTED))
def test_what_a_module_does_as_it_is_imported(text: str, expected: tuple[str, int], tmp_path: Path) -> None:
    write_tree(tmp_path, {"module.py": MODULE + text})
    (finding,) = checked(tmp_path, ".")["findings"]
    assert (finding["code"], finding["line"]) == expected
    assert finding["function"].endswith("<module>")
    write_tree(tmp_path, {"module.py": MODULE + "def held():\n    return LOCK\n" + text.replace("LOCK", "OTHER")})
    assert found(tmp_path) == []


HANDED_ON = """\
from elsewhere import compat, util
class Store:
    def __init__(self):
        self._lock = util.{kind}()
    def locked(self):
        with self._lock:
            return 1
    def f(self):
        with self._lock:
            self.locked()
"""


@pytest.mark.parametrize(
    ("kind", "codes"), [("threading.Lock", ["LCK201"]), ("threading.RLock", []), ("made.Lock", [])]
)
def test_a_module_that_another_one_hands_on_is_known_by_its_name(kind: str, codes: list[str], tmp_path: Path) -> None:
    write_tree(tmp_path, {"store.py": HANDED_ON.format(kind=kind)})
    assert [code for code, _, _ in found(tmp_path)] == codes


MADE_OF = """\
import threading
import wrapt
from elsewhere import aio
class Kept(wrapt.ObjectProxy):
    def __init__(self, kind):
        super().__init__(kind())
def Lock():
    return Kept(threading.Lock)
class Store:
    class Row:
        def __init__(self):
            self.lock = threading.Lock()
        def read(self):
            with self.lock:
                return 1
    def __init__(self):
        self._kept = Lock()
        self._lock = threading.Lock()
        self._row = self.Row()
    def kept(self):
        with self._kept:
            return 1
    def locked(self):
        with self._lock:
            return 1
"""
MADE = {
    "a proxy": ("with self._kept:\n            self.kept()", ["LCK201"]),
    "what opens a block with a lock": ("with aio.held(self._lock):\n            self.locked()", ["LCK201"]),
    "what lets go of a lock for a block": ("with aio.unlocked(self._lock):\n            self.locked()", []),
    "what is given more than a lock": ("with aio.held(self._lock, 1):\n            self.locked()", []),
    "a class within the class": ("with self._row.lock:\n            self._row.read()", ["LCK201"]),
}


@pytest.mark.parametrize(("body", "codes"), MADE.values(), ids=list(MADE))
def test_what_a_lock_is_made_into(body: str, codes: list[str], tmp_path: Path) -> None:
    write_tree(tmp_path, {"store.py": f"{MADE_OF}    def f(self):\n        {body}\n"})
    assert [code for code, _, _ in found(tmp_path, "--min-confidence", "possible")] == codes


TASKS = """\
import asyncio
import trio
class Work:
    def __init__(self):
        self.lock = asyncio.Lock()
        self.other = trio.Lock()
    async def one(self):
        async with self.lock:
            pass
    async def two(self):
        async with self.other:
            pass
"""
GROUPS = {
    "asyncio": "async with self.lock:\n            async with asyncio.TaskGroup() as tasks:\n"
    "                tasks.create_task(self.one())",
    "trio": "async with self.other:\n            async with trio.open_nursery() as nursery:\n"
    "                nursery.start_soon(self.two)",
    "a list": "tasks = [asyncio.create_task(self.one())]\n        async with self.lock:\n"
    "            await asyncio.gather(*tasks)",
}


@pytest.mark.parametrize("body", GROUPS.values(), ids=list(GROUPS))
def test_a_group_of_tasks_is_waited_for_at_the_end_of_its_block(body: str, tmp_path: Path) -> None:
    write_tree(tmp_path, {"work.py": f"{TASKS}    async def f(self):\n        {body}\n"})
    ((code, _, _),) = found(tmp_path)
    assert code == "LCK303"
    other = {"self.one": "self.two", "self.two": "self.one"}
    for name, instead in other.items():
        if name in body:
            body = body.replace(name, instead)
            break
    write_tree(tmp_path, {"work.py": f"{TASKS}    async def f(self):\n        {body}\n"})
    assert found(tmp_path) == []


QUIET = {
    "a try under the own lock takes nothing": (
        "def f(self):\n    with self._lock:\n        check(self._lock.acquire(False))\n    return self.locked()"
    ),
    "a task's wait that is handed on": (
        "async def f(self, full: asyncio.Condition):\n    async with full:\n        await asyncio.wait_for(full.wait(), 1)"
    ),
    "another lock": "def f(self):\n    with self._other:\n        self.locked()",
    "a lock that may be taken again": "def f(self):\n    with self._other:\n        with self._other:\n            pass",
    "given back in a finally": (
        "def f(self):\n    self._lock.acquire()\n    try:\n        print()\n    finally:\n"
        "        self._lock.release()\n    self.locked()"
    ),
    "a callee that gives it back meanwhile": (
        "def pause(self):\n    self._lock.release()\n    self.locked()\n    self._lock.acquire()\n"
        "def f(self):\n    with self._lock:\n        self.pause()"
    ),
    "a callee gave it back": (
        "def take(self):\n    self._lock.acquire()\ndef give(self):\n    self._lock.release()\n"
        "def f(self):\n    self.take()\n    self.give()\n    self.locked()"
    ),
    "returned out of two blocks": (
        "def f(self):\n    try:\n        with self._lock:\n            return 1\n    finally:\n        self.locked()"
    ),
    "given back under the condition of its acquisition": (
        "def f(self, x):\n    if x:\n        self._lock.acquire()\n    try:\n        print()\n"
        "    finally:\n        if self.flag:\n            self._lock.release()"
    ),
    "handed on to be called later": (
        "def f(self):\n    with self._lock:\n        self.later(self.locked)\n"
        "def later(self, action):\n    self.actions.append(action)"
    ),
    "an asynchronous block that ended": (
        "def make(self):\n    self._tasks = asyncio.Lock()\nasync def f(self):\n    async with self._tasks:\n"
        "        pass\n    async with self._tasks:\n        pass"
    ),
    "taken in a test that cannot fail": (
        "def f(self):\n    if self._lock.acquire():\n        try:\n            print(1)\n        finally:\n"
        "            self._lock.release()\n    return 1"
    ),
    "a property that hands out a condition": (
        "@property\ndef ready(self):\n    return self._ready\n"
        "def f(self):\n    with self.ready:\n        self.ready.notify()"
    ),
    "a name that is emptied": (
        "def f(self):\n    try:\n        with self._ready:\n            self._ready.notify()\n    finally:\n        self = None"
    ),
    "a lock as a signal": (
        "def f(self):\n    waiter = threading.Lock()\n    waiter.acquire()\n    self.waiters.append(waiter)\n"
        "    waiter.acquire()"
    ),
    "after an early return": "def f(self, x):\n    with self._lock:\n        if x:\n            return\n    self.locked()",
    "a try that failed": "def f(self):\n    if not self._lock.acquire(False):\n        self.locked()",
    "a function that is only defined": "def f(self):\n    with self._lock:\n        def inner():\n            self.locked()\n        self.callback = inner",
    "another instance": "def f(self, other):\n    with self._lock:\n        other.locked()",
}  # fmt: skip


@pytest.mark.parametrize("body", QUIET.values(), ids=list(QUIET))
def test_quiet(body: str, tmp_path: Path) -> None:
    assert judged(tmp_path, body) == []


def test_inside_a_locks_own_class_its_methods_are_code(tmp_path: Path) -> None:
    write_tree(
        tmp_path,
        {
            "lib/setup.py": "",
            "lib/threading.py": "class Condition:\n    def notify(self, n=1):\n        pass\n"
            "    def notify_all(self):\n        self.notify(2)\n",
        },
    )
    assert found(tmp_path) == []


def test_readers_and_writers(tmp_path: Path) -> None:
    write_tree(
        tmp_path,
        {
            "a.py": "from readerwriterlock import rwlock\nclass S:\n    def __init__(self):\n"
            "        self._rw = rwlock.RWLockFair()\n    def read(self):\n        with self._rw.gen_rlock():\n"
            "            return 1\n    def upgrade(self):\n        with self._rw.gen_rlock():\n"
            "            with self._rw.gen_wlock():\n                pass\n    def write(self):\n"
            "        writer = self._rw.gen_wlock()\n        with writer:\n            self.read()\n        self.read()\n"
        },
    )
    assert [(code, line) for code, _, line in found(tmp_path)] == [("LCK202", 10), ("LCK203", 15)]


def test_across_modules_bases_and_aliases(tmp_path: Path) -> None:
    write_tree(
        tmp_path,
        {
            "pkg/__init__.py": "from .store import Store\n",
            "pkg/base.py": "from threading import Lock as L\n"
            "class Base:\n    def __init__(self):\n        self._lock = L()\n"
            "    def locked(self):\n        with self._lock:\n            pass\n",
            "pkg/store.py": "from pkg import base as b, helpers\n"
            "class Store(b.Base):\n    def get(self):\n        with self._lock:\n            helpers.help(self)\n",
            "pkg/helpers.py": "from .store import Store\ndef help(store: 'Store'):\n    store.locked()\n",
        },
    )
    report = checked(tmp_path, ".")
    (one,) = report["findings"]
    assert (one["code"], one["path"], one["line"], one["confidence"]) == ("LCK201", "pkg/store.py", 5, "certain")
    assert [(note["path"], note["line"]) for note in one["notes"]][-1] == ("pkg/base.py", 6)


LOOKED_AT_OUTSIDE = (
    "def f(self):\n    while not self.rows:\n        with self._ready:\n            self._ready.wait()  # here"
)


def test_a_wait_whose_test_stands_outside_of_the_lock(tmp_path: Path) -> None:
    assert judged(tmp_path, LOOKED_AT_OUTSIDE) == [("LCK405", line_of(LOOKED_AT_OUTSIDE, "# here"))]


QUIET_WAITS = {
    "for a time": LOOKED_AT_OUTSIDE.replace("wait()", "wait(1)"),
    "looked at again": LOOKED_AT_OUTSIDE.replace("self._ready.wait()", "if not self.rows: self._ready.wait()"),
    "something is called first": LOOKED_AT_OUTSIDE.replace("self._ready.wait()", "self.look(); self._ready.wait()")
    + "\ndef look(self):\n    raise ValueError",
    "the lock is held around the loop": (
        "def g(self):\n    with self._own:\n        while not self.rows:\n            with self._own:\n"
        "                self._own.wait()\ndef make(self):\n    self._own = threading.Condition()"
    ),
    "tasks, which take a free lock without a pause": (
        "def make(self):\n    self._own = asyncio.Condition()\n"
        "async def g(self):\n    while not self.rows:\n        async with self._own:\n            await self._own.wait()"
    ),
    "a test of nothing": LOOKED_AT_OUTSIDE.replace("not self.rows", "True"),
}


@pytest.mark.parametrize("body", QUIET_WAITS.values(), ids=list(QUIET_WAITS))
def test_waits_that_look_with_the_lock_held(body: str, tmp_path: Path) -> None:
    assert [code for code, _ in judged(tmp_path, body)] == []


def test_an_await_under_the_lock_of_threads(tmp_path: Path) -> None:
    body = "async def f(self):\n    with self._lock:\n        await g()"
    assert judged(tmp_path, body) == [("LCK401", line_of("", "yield") + 3)]


def test_a_broken_function_is_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    write_tree(
        tmp_path,
        {
            "a.py": "import threading\nlock = threading.Lock()\ndef bad():\n    with lock: 1 +\n"
            "def f():\n    with lock:\n        with lock:\n            pass\n"
        },
    )
    report = checked(tmp_path, ".")
    assert [(one["code"], one["line"]) for one in report["findings"]] == [("LCK201", 7)]
    assert [one["line"] for one in report["problems"]] == [4]


def test_what_a_generator_wrote_is_left_out_and_named(tmp_path: Path) -> None:
    opened = "import threading\nlock = threading.Lock()\ndef f(x):\n    with lock:\n        return x"
    rest = "\ndef g():\n    with lock:\n        with lock:\n            pass\n"
    write_tree(
        tmp_path,
        {
            "chain.py": opened + ".b()" * 5000 + rest,
            "sum.py": opened + "+x" * 5000 + rest,
            "brackets.py": opened + "[" * 3000 + "1" + "]" * 3000 + rest,
            "table.py": opened + "[\n" + "1,\n" * 100_000 + "]" + rest,
        },
    )
    report = checked(tmp_path, ".")
    assert {one["path"] for one in report["problems"]} == {"chain.py", "sum.py", "brackets.py", "table.py"}
    assert [one["code"] for one in report["findings"]] == ["LCK201"] * 4


def test_what_stands_in_brackets_does_not_end_a_block(tmp_path: Path) -> None:
    body = "def f(self):\n    with self._lock:\n        x = (\n1,\n)\n        self.locked()  # here"
    assert judged(tmp_path, body) == [("LCK201", line_of(body, "# here"))]


def test_a_parameter_is_what_the_class_is_made_with(tmp_path: Path) -> None:
    write_tree(
        tmp_path,
        {
            "a.py": "import threading, b\nclass Client:\n    def __init__(self):\n        self._lock = threading.Lock()\n"
            "        self.pool = b.Pool(self)\n    def ping(self):\n        with self._lock:\n            pass\n"
            "    def poll(self):\n        with self._lock:\n            self.pool.tick()\n",
            "b.py": "import threading\nclass Base:\n    def __init__(self, client):\n        self._client = client\n"
            "        self._lock = threading.Lock()\nclass Pool(Base):\n    def tick(self):\n        with self._lock:\n"
            "            pass\n    def other(self):\n        with self._lock:\n            self._client.ping()\n",
        },
    )
    assert [code for code, _, _ in found(tmp_path)] == ["LCK301"]


def imported(folder: Path) -> set[str]:
    """What a run of `lockcheck check` imports."""
    code = "import sys; from lockcheck.cli import main; main(['check', '.', '--no-cache']); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=120)
    return set(done.stdout.split())


def test_libcst_is_imported_for_python_with_locks_only(tmp_path: Path) -> None:
    write_tree(
        tmp_path,
        {
            "r/a.rs": "fn f() {}\n",
            "p/a.py": "def f():\n    return 1\n",
            "l/a.py": "def f(lock):\n    with lock:\n        pass\n",
        },
    )
    assert "libcst" not in imported(tmp_path / "r")
    assert "libcst" not in imported(tmp_path / "p")
    assert "tree_sitter" not in imported(tmp_path / "l")
    assert "libcst" in imported(tmp_path / "l")


def test_a_lock_known_by_its_name_is_no_new_lock(tmp_path: Path) -> None:
    """Two objects for one file exclude each other: a lock of a file may be made where it is taken."""
    taken = "    with {}:\n        print(1)\n"
    made = ["filelock.FileLock(path)", "filelock.FileLock(path).acquire(timeout=1)", "fasteners.InterProcessLock(path)"]
    bodies = [f"def take_{n}(path):\n{taken.format(one)}" for n, one in enumerate([*made, "threading.Lock()"])]
    write_tree(tmp_path, {"app.py": "import fasteners, filelock, threading\n" + "".join(bodies)})
    assert found(tmp_path) == [("LCK104", "app.py", 12)]


HANDSHAKE = """\
import threading
class Task:
    def __init__(self):
        self.done = threading.Lock()
    def finish(self):
        self.done.release()
    def wait(self):
        self.done.acquire()
        self.done.acquire()
"""
LOCAL_HANDSHAKE = """\
import threading
def wait(start):
    done = threading.Lock()
    def finish():
        done.release()
    done.acquire()
    start(finish)
    with done:
        pass
"""
TWICE = {
    "another method gives it back": (HANDSHAKE, "possible"),
    "a function inside gives it back": (LOCAL_HANDSHAKE, "possible"),
    "nobody else gives it back": (HANDSHAKE.replace("self.done.release()", "pass"), "certain"),
    "who gives it back has taken it": (
        HANDSHAKE.replace("self.done.release()", "self.done.acquire()\n        self.done.release()"),
        "certain",
    ),
    "a block waits for it": (
        HANDSHAKE.replace("self.done.acquire()\n        self", "with self.done:\n            self"),
        "certain",
    ),
}


@pytest.mark.parametrize("name", TWICE)
def test_a_lock_that_others_give_back_is_perhaps_how_threads_wait_for_each_other(name: str, tmp_path: Path) -> None:
    text, confidence = TWICE[name]
    write_tree(tmp_path, {"a.py": text})
    options = ("--select", "LCK201", "--min-confidence", "possible", "--output", "json", "--no-cache")
    said = json.loads(lockcheck(tmp_path, "check", ".", *options).stdout)
    assert [(one["code"], one["confidence"]) for one in said["findings"]] == [("LCK201", confidence)]


NEXT = """\
import asyncio
class Feed:
    def __init__(self):
        self.changed = asyncio.Condition()
        self.rows = []
    async def next(self):
        async with self.changed:
            await self.changed.wait()
            return self.rows
"""
WAITS = {
    "a task waits for whatever comes next": (NEXT, "possible"),
    "a task looks first": (NEXT.replace("            await", "            if not self.rows:\n                await")
                               .replace("return self.rows", "return self.rows.pop()"), "certain"),
    "a thread": (NEXT.replace("asyncio", "threading").replace("async ", "").replace("await ", ""), "certain"),
}  # fmt: skip


@pytest.mark.parametrize("name", WAITS)
def test_a_task_may_wait_for_whatever_comes_next(name: str, tmp_path: Path) -> None:
    text, confidence = WAITS[name]
    write_tree(tmp_path, {"a.py": text})
    options = ("--select", "LCK405", "--min-confidence", "possible", "--output", "json", "--no-cache")
    said = json.loads(lockcheck(tmp_path, "check", ".", *options).stdout)
    assert [one["confidence"] for one in said["findings"]] == [confidence]


LEFT = """\
import threading
GATE = threading.Lock()
def test_it(server):
    GATE.acquire()
    server.check()
    GATE.release()
"""


def test_a_lock_that_a_failing_test_leaves_taken_is_no_default(tmp_path: Path) -> None:
    write_tree(tmp_path, {"tests/test_a.py": LEFT, "a.py": LEFT.replace("test_it", "run")})
    options = ("--select", "LCK105", "--min-confidence", "possible", "--output", "json", "--no-cache")
    said = json.loads(lockcheck(tmp_path, "check", ".", *options).stdout)
    found = {one["path"]: one["confidence"] for one in said["findings"]}
    assert found == {"a.py": "likely", "tests/test_a.py": "possible"}


MILD = """\
import threading
from row import Log, Row
GATE = threading.Lock()
def run(event_queue, server_log: Log, pool):
    GATE.acquire()
    CALL
    GATE.release()
"""
ROW = """\
class Row:
    def __init__(self, size):
        if size < 0:
            raise ValueError("size")
        self.size = size
    def __getitem__(self, number):
        raise LookupError(number)
class Log:
    def debug(self, text):
        self.out.write(text)
    def __getitem__(self, number):
        return self.out.at(number)
"""
MILDLY = {
    "a row that looks at its size": ("Row(1)", "possible"),
    "a queue by its name": ("event_queue.put(Row(1))", "possible"),
    "a queue that may be full": ("event_queue.put(1, False)", "likely"),
    "a log of the tree": ("server_log.debug('taken')", "possible"),
    "anything": ("pool.put(1)", "likely"),
    "an element of a row's": ("server_log[1]", "possible"),
    "an element that the tree refuses": ("Row(1)[1]", "likely"),
    "a list that was asked for it": ("1 in pool and pool.remove(1)", "possible"),
    "a list that another was asked for": ("1 in event_queue and pool.remove(1)", "likely"),
    "a list that is asked for it afterwards": ("pool.remove(1) or 1 in pool", "likely"),
}


@pytest.mark.parametrize("name", MILDLY)
def test_errors_that_nobody_reckons_with_are_no_default(name: str, tmp_path: Path) -> None:
    call, confidence = MILDLY[name]
    write_tree(tmp_path, {"a.py": MILD.replace("CALL", call), "row.py": ROW})
    assert confidences(tmp_path, "LCK105") == {"a.py": confidence}


ONE_AT_A_TIME = """\
import threading
class Runner:
    def __init__(self):
        self.first = threading.Lock()
        self.free = threading.Condition()
        self.rows = None
    def run(self):
        with self.first:
            return self._run()
    def _run(self):
        with self.free:
            if self.rows is not None:
                self.free.wait()
                assert self.rows is None
        self.rows = []
        return self.rows
    def done(self):
        with self.free:
            self.rows = None
            self.free.notify()
"""


def test_who_waits_alone_needs_no_loop(tmp_path: Path) -> None:
    again = "    def again(self):\n        return self._run()\n"
    write_tree(tmp_path, {"one.py": ONE_AT_A_TIME, "many.py": ONE_AT_A_TIME + again})
    assert confidences(tmp_path, "LCK405") == {"one.py": "possible", "many.py": "certain"}


LEAVES = """\
import threading
LOCK = threading.Lock()
def run(path, rows):
    LOCK.acquire()
    BODY
"""
WAYS_OUT = {
    "an error comes out of a block": (
        "with open(path) as file:\n        file.write(rows)\n    LOCK.release()",
        "an error that comes out of here leaves the lock taken",
    ),
    "one that no handler names": (
        "try:\n        rows.load()\n    except KeyError:\n        pass\n    LOCK.release()",
        "an error that comes out of here leaves the lock taken",
    ),
    "an error": ("rows.load()\n    LOCK.release()", "an error here leaves the lock taken"),
    "the end": (
        "if rows:\n        LOCK.release()\n        return",
        "the end of the function is reached with the lock taken",
    ),
    "a way out": ("if not rows:\n        return\n    LOCK.release()", "here the function is left with the lock taken"),
}


@pytest.mark.parametrize("name", WAYS_OUT)
def test_a_way_out_says_what_leaves_the_lock_taken(name: str, tmp_path: Path) -> None:
    body, said = WAYS_OUT[name]
    write_tree(tmp_path, {"a.py": LEAVES.replace("BODY", body)})
    (one,) = checked(tmp_path, ".", "--select", "LCK105")["findings"]
    assert [note["message"] for note in one["notes"]] == [said]
    assert ("an error" in one["message"]) == ("error" in said)


BY_KEY = """\
import threading
class Shelf:
    def __init__(self):
        self.lock = threading.Lock()
class Book:
    shelves: dict[str, Shelf] = {}
    shelf = threading.Lock()
    def __init__(self, name):
        self.name = name
    def __del__(self):
        with KEPT:
            pass
"""
FIXTURE = """\
import threading
LOCK = threading.Lock()
def rows():
    with LOCK:
        yield 1
"""


def test_which_of_many_locks_a_finalizer_takes_nobody_says(tmp_path: Path) -> None:
    one, many = BY_KEY.replace("KEPT", "Book.shelf"), BY_KEY.replace("KEPT", "self.shelves[self.name].lock")
    write_tree(tmp_path, {"one.py": one, "many.py": many})
    assert confidences(tmp_path, "LCK406") == {"one.py": "likely", "many.py": "possible"}


def test_what_prepares_a_test_may_yield_under_a_lock(tmp_path: Path) -> None:
    write_tree(tmp_path, {"rows.py": FIXTURE, "tests/conftest.py": FIXTURE})
    assert confidences(tmp_path, "LCK403") == {"rows.py": "certain", "tests/conftest.py": "possible"}


ITS_OWN = """\
import threading
def test_it_lets_nobody_in():
    lock = threading.Lock()
    lock.acquire()
    assert not lock.acquire(False)
"""


def test_a_test_may_make_a_lock_to_try_it(tmp_path: Path) -> None:
    write_tree(tmp_path, {"locks.py": ITS_OWN.replace("test_it", "it"), "tests/test_locks.py": ITS_OWN})
    assert confidences(tmp_path, "LCK104") == {"locks.py": "certain", "tests/test_locks.py": "possible"}


REPLACED = """\
import threading
class Handler:
    def __init__(self, context):
        self.context = context
        self.waiting = []
        self.lock = threading.Lock()
    def open(self):
        with self.lock:
            PUT
            for row in self.waiting:
                self.send(row)
    def send(self, row):
        with self.lock:
            self.waiting.append(row)
"""
ASKED = """\
import threading
GATE = threading.Lock()
def run(note):
    got = GATE.acquire(False)
    ASKS
        return
    GATE.release()
"""


def test_what_an_object_puts_in_place_of_its_method_is_perhaps_what_is_called(tmp_path: Path) -> None:
    mine = REPLACED.replace("PUT", "self.send = self.context.send")
    write_tree(tmp_path, {"one.py": mine, "other.py": REPLACED.replace("PUT", "self.sent = self.context.send")})
    assert confidences(tmp_path, "LCK201") == {"one.py": "possible", "other.py": "certain"}


def test_who_is_given_the_answer_of_a_try_may_be_the_one_who_asks(tmp_path: Path) -> None:
    asked = {"note.py": "if note(got):", "here.py": "note(got)\n    if not got or note():"}
    write_tree(tmp_path, {name: ASKED.replace("ASKS", text) for name, text in asked.items()})
    assert confidences(tmp_path, "LCK105") == {"note.py": "possible", "here.py": "certain"}


PACED = """\
import threading
def run(ready: threading.Semaphore):
    ready.acquire(timeout=1)
    print("now")
"""


def test_a_permit_that_is_never_given_back_may_be_a_wait(tmp_path: Path) -> None:
    write_tree(tmp_path, {"one.py": PACED, "other.py": f"{PACED}    ready.release()\n"})
    assert confidences(tmp_path, "LCK503") == {"one.py": "possible", "other.py": "certain"}


def confidences(top: Path, code: str) -> dict[str, str]:
    """How sure the one finding of a rule in each file is."""
    options = ("--select", code, "--min-confidence", "possible", "--output", "json", "--no-cache")
    said = json.loads(lockcheck(top, "check", ".", *options).stdout)
    return {one["path"]: one["confidence"] for one in said["findings"]}


WRITTEN = (
    "import threading\nclass Kasse:\n    def __init__(self):\n        self._lock = threading.Lock()\n"
    "    def f(self):\n        with self._lock:\n            x = 'é'; self.g('ü')\n"
    "    def g(self, a):\n        with self._lock:\n            pass\n"
)


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (("# -*- coding: latin-1 -*-\n" + WRITTEN).encode("latin-1"), (8, 27)),
        (("#!/usr/bin/python\n# vim: fileencoding=cp1252 :\n" + WRITTEN).encode("cp1252"), (9, 27)),
        (("# coding: shift_jis\n" + WRITTEN.replace("é", "漢字").replace("ü", "ソ")).encode("shift_jis"), (8, 28)),
        (b"\xef\xbb\xbf" + WRITTEN.encode(), (7, 27)),
        (WRITTEN.replace("\n", "\r\n").encode(), (7, 27)),
        (WRITTEN.replace("\n", "\r").encode(), (7, 27)),
        (WRITTEN.replace("    ", "\t").encode(), (7, 18)),
        (WRITTEN.replace("    def g", "\f\n    def g").encode(), (7, 27)),
        (WRITTEN.replace("    def g", "\f    def g").replace("class", "\fclass").encode(), (7, 27)),
        (WRITTEN.replace("'é'; ", "\\\n  'é'; ").encode(), (8, 13)),
        (WRITTEN.replace("'é'", "'\u2028\x0b\x1c😀'").encode(), (7, 30)),
    ],
    ids=["latin-1", "cp1252", "shift_jis", "BOM", "CRLF", "CR", "tabs", "form feed", "fed", "behind \\", "separators"],
)
def test_a_file_is_read_as_python_reads_it(tmp_path: Path, data: bytes, place: tuple[int, int]) -> None:
    (tmp_path / "kasse.py").write_bytes(data)
    compile(data, "kasse.py", "exec")
    report = checked(tmp_path, ".")
    assert report["problems"] == []
    assert [(one["line"], one["column"]) for one in report["findings"]] == [place]


def test_nothing_is_written_into_a_file_of_another_encoding(tmp_path: Path) -> None:
    data = (
        "# coding: latin-1\n" + WRITTEN.replace("x =", "# lockcheck: allow(nested-read): nein\n            x =")
    ).encode("latin-1")
    (tmp_path / "kasse.py").write_bytes(data)
    report = checked(tmp_path, ".", "--unsafe-fixes", "--fix")
    assert {one["code"] for one in report["findings"]} >= {"LCK201"}
    assert all(one["fixes"] == [] for one in report["findings"])
    assert (tmp_path / "kasse.py").read_bytes() == data


@pytest.mark.parametrize(
    "head",
    ["def f[T: (int, str) = int](self, a: T)", "def f[**P](self, *a: P.args)", "async def f[*Ts](self, a)"],
)
def test_parameters_behind_those_of_types(tmp_path: Path, head: str) -> None:
    assert judged(tmp_path, f"{head}:\n    with self._lock:\n        self.locked()  # here") == [
        ("LCK201", line_of(f"{head}:\n    with self._lock:\n        self.locked()  # here", "# here"))
    ]
    assert "self._lock" in checked(tmp_path, ".")["findings"][0]["message"]


PYTHON_2 = {
    "what is printed": 'print "size: %s" % self.locked()  # here',
    "what goes to a file": "print >>f, 'a', self.locked()  # here",
    "a handler": "try:\n        go()\n    except (IOError, OSError), e:\n        self.locked()  # here",
    "an error's parts": 'raise f("(a, b)", self.locked()), None, n  # here',
    "an error that is kept": "self.locked()  # here\n    if go: raise n[0], n[1], n[2]",
    "run": 'exec "f()" in {}\n    self.locked()  # here',
    "numbers and texts": "f(0755, 10L, 0xFFl, ur'a, b', `n`, 1 <> 2)\n    self.locked()  # here",
    "a name of today's grammar": "f(async=self.locked())  # here",
    "one line": "if go: print 'a', self.locked()  # here",
}


@pytest.mark.parametrize("name", PYTHON_2)
def test_python_2_is_read(name: str, tmp_path: Path) -> None:
    body = f"def run(self, f, go, n):\n  with self._lock:\n    {PYTHON_2[name]}"
    assert judged(tmp_path, body) == [("LCK201", line_of(body, "here"))]


@pytest.mark.parametrize(
    "said", ["assert(go if n else f)", "if(go if n else f):\n      pass", "return(f() if n else.5)"]
)
def test_what_libcst_would_not_write_itself_is_read(said: str, tmp_path: Path) -> None:
    body = f"def run(self, f, go, n):\n  with self._lock:\n    self.locked()  # here\n    {said}"
    assert judged(tmp_path, body) == [("LCK201", line_of(body, "here"))]


OLD_TASKS = """\
import asyncio
from tornado import gen, locks
class Queue:
    def __init__(self):
        self._turn = {made}
    @{mark}
    def put(self):
        with ({word} {lock}):
            return 1
    @{mark}
    def work(self):
        with ({word} {lock}):
            {word} self.put()
"""


@pytest.mark.parametrize(
    ("made", "mark", "word", "lock"),
    [
        ("asyncio.Lock()", "asyncio.coroutine", "yield from", "self._turn"),
        ("asyncio.Lock()", "asyncio.coroutine", "yield from", "self._turn.acquire()"),
        ("locks.Lock()", "gen.coroutine", "yield", "self._turn.acquire()"),
    ],
)
def test_tasks_as_they_were_written_before_async_def(
    made: str, mark: str, word: str, lock: str, tmp_path: Path
) -> None:
    write_tree(tmp_path, {"store.py": OLD_TASKS.format(made=made, mark=mark, word=word, lock=lock)})
    assert found(tmp_path) == [("LCK201", "store.py", 13)]


def test_the_lock_of_a_block_may_be_waited_for_in_its_head(tmp_path: Path) -> None:
    text = OLD_TASKS.format(made="asyncio.Lock()", mark="decorated", word="await", lock="self._turn")
    write_tree(
        tmp_path, {"store.py": text.replace("    def ", "    async def ").replace("async def __init__", "def __init__")}
    )
    assert found(tmp_path) == [("LCK201", "store.py", 13)]


@pytest.mark.parametrize(
    ("body", "said", "note"),
    [
        (
            "    def run(self):\n        while self.rows:\n            self.lock.acquire()\n            if self.rows.pop():\n"
            "                continue\n            self.lock.release()\n",
            "`self.lock` is taken again while this thread still holds it: it waits for itself",
            "guard of `self.lock` taken here in the round before, which does not give it back",
        ),
        (
            "    async def run(self):\n        async with self.turn:\n            async with self.turn:\n                pass\n",
            "`self.turn` is taken again while this task still holds it: it waits for itself",
            "guard of `self.turn` taken here; a `with` block holds it to its end",
        ),
        (
            "    def run(self):\n        self.news.notify()\n",
            "`notify` without its lock, `self.lock`: it raises",
            "",
        ),
    ],
    ids=["in the next round", "a task", "a condition around another lock"],
)
def test_what_hangs_is_said_as_it_is(body: str, said: str, note: str, tmp_path: Path) -> None:
    made = "self.lock, self.turn = threading.Lock(), asyncio.Lock()"
    head = (
        f"import asyncio, threading\nclass Store:\n    def __init__(self):\n        {made}\n        self.rows = [1]\n"
    )
    (tmp_path / "store.py").write_text(
        f"{head}        self.news = threading.Condition(self.lock)\n{body}", encoding="utf-8"
    )
    found = [one for one in checked(tmp_path, ".")["findings"] if one["code"] in ("LCK201", "LCK405")]
    assert [one["message"] for one in found] == [said]
    assert [one["message"] for one in found[0]["notes"]] == [note] * bool(note)
