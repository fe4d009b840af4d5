"""Runs Python fixtures for their truth: what is said to hang must hang, every cure must end.

What is run in a file:

    def bad_x() / def good_x()              free, or a method of a class that can be made without arguments; `async` too
    def hangs_x() / def ends_x()            a driver of its own, for what needs arguments, threads or another order

A `bad_` function must hang when it holds a mark of a rule of `HANGS` and end otherwise, a `good_` one must end.
`# run: hangs`, `# run: ends` or `# run: raises` on the line above a function overrules that.
How a function is run depends on what its fixture is about (`HOW`): a lock that was not given back is missed by the
second thread that comes, a class with a method `contend` has it called over and over beside the function.

Each function runs in a process of its own, forked from one that has read the fixture, in its main thread. "Hangs"
means: no thread of it wanted the processor for more than half a second (where the system does not say so: it still
ran after two seconds). This file is also the program that such a process runs.
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
import importlib
import inspect
import json
import os
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from driven import run_by

HANGS = frozenset(
    {
        "lock-taken-twice",
        "read-then-write",
        "write-then-read",
        "nested-read",
        "lock-order-cycle",
        "wait-for-lock-holder",
        "acquire-without-release",
        "await-while-locked",
        "yield-while-locked",
        "finalizer-takes-lock",
        "signal-handler-takes-lock",
    }
)
GLANCE = 0.05
GLANCES = 12
BLIND_LIMIT = 2.0
LIMIT = 30.0
ROUNDS = 40
KINDS = ("bad", "good", "hangs", "ends")


@dataclass(frozen=True, slots=True)
class Entry:
    """One function of a fixture that is run by itself; `outcome` is `hangs`, `ends` or `raises`."""

    name: str
    owner: str
    outcome: str


def entries(text: str, claims: frozenset[int]) -> list[Entry]:
    """What of a file is run; `claims` are the lines that are said to hang. A function that nothing runs is refused."""
    lines, found, unrun = text.splitlines(), list[Entry](), dict[str, int]()
    for function, owner in _functions(ast.parse(text)):
        kind, _, rest = function.name.partition("_")
        if kind not in KINDS or not rest:
            continue
        first = min([function.lineno, *(one.lineno for one in function.decorator_list)])
        above = lines[first - 2].strip() if first > 1 else ""
        claimed = kind == "bad" and any(first <= line <= (function.end_lineno or 0) for line in claims)
        outcome = "hangs" if kind == "hangs" or claimed else "ends"
        if above.startswith("# run: "):
            outcome = above.removeprefix("# run: ")
        wants = function.args.posonlyargs + function.args.args
        if len(wants) - len(function.args.defaults) > bool(owner):
            unrun[rest] = function.lineno
        else:
            found.append(Entry(function.name, owner, outcome))
    run = run_by([entry.name for entry in found], unrun)
    return [entry for entry in found if entry.name in run]


def _functions(tree: ast.Module) -> Iterator[tuple[ast.FunctionDef | ast.AsyncFunctionDef, str]]:
    for one in tree.body:
        if isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield one, ""
        elif isinstance(one, ast.ClassDef):
            for inner in one.body:
                if isinstance(inner, (ast.FunctionDef, ast.AsyncFunctionDef)):
                    yield inner, one.name


def judge(folder: Path, module: str, wanted: list[Entry], how: str) -> list[str]:
    """What of a module's functions did not do as it should; `how` is the slug of the rule that the module is about."""
    if not wanted:
        return [f"{module}: nothing to run"]
    said = subprocess.run(
        [sys.executable, "-W", "ignore", str(Path(__file__).resolve()), str(folder), module, how],
        input=json.dumps([[entry.name, entry.owner, entry.outcome] for entry in wanted]),
        capture_output=True,
        text=True,
        check=False,
    )
    return json.loads(said.stdout) if said.returncode == 0 else [f"{module}: {said.stderr[-3000:]}"]


# ----------------------------------------------------------------------------------- inside the process that is made


def _plain(run: Callable[[], Any], owner: Any) -> None:
    """Run it once; where its class has a `contend`, over and over beside that."""
    contend = getattr(owner, "contend", None)
    if contend is None:
        _finish(run())
        return
    ready, done = threading.Event(), threading.Event()

    def beside() -> None:
        while not done.is_set():
            _finish(contend())
            ready.set()
            time.sleep(0.001)

    threading.Thread(target=beside, daemon=True).start()
    ready.wait()
    for _ in range(ROUNDS):
        _finish(run())
    done.set()


def _finish(value: Any) -> Any:
    """A coroutine is run to its end."""
    return asyncio.run(value) if inspect.iscoroutine(value) else value


def _then_another(run: Callable[[], Any], _: Any) -> None:
    """Run it, whatever it raises, then let another thread do the same: it hangs on what the first did not give back."""

    def quietly() -> None:
        with contextlib.suppress(Exception):
            kept.append(_started(run()))

    kept: list[Any] = []
    quietly()
    second = threading.Thread(target=quietly, daemon=True)
    second.start()
    second.join()


def _started(value: Any) -> Any:
    """A generator is run to its first yield and kept, a context manager is entered and left, a coroutine is run."""
    if inspect.isgenerator(value):
        next(value)
    elif inspect.isasyncgen(value):
        step = value.__anext__()
        with contextlib.suppress(StopIteration):
            step.send(None)
    elif hasattr(value, "__enter__"):
        with value:
            pass
    return _finish(value)


def _twice_at_once(run: Callable[[], Any], owner: Any) -> None:
    """Run two of it as tasks of one loop, on one thread (beside an async `contend`, if there is one)."""
    other = getattr(owner, "contend", run)

    async def both() -> None:
        await asyncio.gather(*(one for one in (run(), other()) if inspect.isawaitable(one)))

    asyncio.run(both())


def _side_by_side(run: Callable[[], Any], _: Any) -> None:
    """Run it in two threads at once; raises what one of them raised."""
    with ThreadPoolExecutor(2) as pool:
        for one in [pool.submit(lambda: _finish(run())) for _ in range(2)]:
            one.result()


HOW: dict[str, Callable[[Callable[[], Any], Any], None]] = {
    "acquire-without-release": _then_another,
    "yield-while-locked": _then_another,
    "await-while-locked": _twice_at_once,
    "guard-dropped-at-once": _side_by_side,
}


def _run(module: ModuleType, name: str, owner: str, how: str) -> None:
    holder = getattr(module, owner)() if owner else module
    run = getattr(holder, name)
    by = _plain if name.startswith(("hangs_", "ends_")) else HOW.get(how, _plain)
    by(run, holder if not name.startswith(("hangs_", "ends_")) else None)


class Child:
    """A forked process that runs one entry."""

    def __init__(self, module: ModuleType, name: str, owner: str, outcome: str, how: str) -> None:
        self.name, self.outcome, self.quiet, self.start = name, outcome, 0, time.monotonic()
        ours, theirs = os.pipe()
        self.pid, self.said = os.fork(), ours
        if self.pid:
            os.close(theirs)
            return
        status = 0
        try:
            _run(module, name, owner, how)
        except BaseException as error:
            status = 3 if isinstance(error, Exception) else 4
            with contextlib.suppress(OSError):
                os.write(theirs, traceback.format_exc()[-900:].encode())
        finally:
            os._exit(status)

    def look(self) -> str | None:
        """Nothing while it is not clear; then what is to be complained of, if anything."""
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid:
            return self._ended(os.waitstatus_to_exitcode(status))
        sleeping, age = self._asleep(), time.monotonic() - self.start
        self.quiet = self.quiet + 1 if sleeping else 0
        hangs = self.quiet >= GLANCES or (sleeping is None and age > BLIND_LIMIT)
        if (hangs and self.outcome == "hangs") or age > LIMIT:
            os.kill(self.pid, 9)
            os.waitpid(self.pid, 0)
            return "" if hangs and self.outcome == "hangs" else f"{self.name}: still ran after {LIMIT:.0f} s"
        return None

    def _ended(self, status: int) -> str:
        if (status == 0 and self.outcome == "ends") or (status == 3 and self.outcome == "raises"):
            return ""
        said = os.read(self.said, 1000).decode(errors="replace")
        return f"{self.name}: {self.outcome} was claimed, and it ended with status {status}: {said}"

    def _asleep(self) -> bool | None:
        """Whether every thread of it waits for something; None where the system does not say."""
        tasks = Path(f"/proc/{self.pid}/task")
        if not tasks.is_dir():
            return None
        try:
            return all((task / "stat").read_text().rpartition(")")[2].split()[0] == "S" for task in tasks.iterdir())
        except OSError:
            return False


def main(folder: str, name: str, how: str) -> None:
    """Run the entries on standard input; print the complaints."""
    sys.path.insert(0, folder)
    sys.dont_write_bytecode = True
    module = importlib.import_module(name)
    children = [Child(module, *entry, how) for entry in json.load(sys.stdin)]
    complaints = []
    while children:
        time.sleep(GLANCE)
        for child in list(children):
            said = child.look()
            if said is not None:
                children.remove(child)
                complaints += [said] if said else []
    print(json.dumps(sorted(complaints)))


if __name__ == "__main__":
    main(*sys.argv[1:])
