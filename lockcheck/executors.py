"""Who does the work: this process, others on this machine, or a cluster that is already there.

In: how many processes, and an address where one was given.  Out: `Executor`, whose `map` keeps the order.
Never: knows what the work is. A worker that dies takes nothing with it: what it left is done here.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar

from msgspec import Struct

from lockcheck.config import ConfigError

if TYPE_CHECKING:
    from concurrent import futures

PATIENCE = "10s"
"""How long to wait for an answer of a scheduler."""

T = TypeVar("T")
R = TypeVar("R")


class Work(Struct, frozen=True):
    """How work is to be done: `jobs` processes at most, with what earlier runs remember or without, on which cluster.

    `cluster` is `dask=ADDRESS`, or empty.
    """

    jobs: int = 1
    cached: bool = False
    cluster: str = ""


class Executor(Protocol):
    """Maps a function over tasks, in order; the function and the tasks must survive being pickled."""

    def map(self, function: Callable[[T], R], tasks: Sequence[T]) -> Iterator[R]:
        """The results in the order of the tasks."""


class Here:
    """This process."""

    def map(self, function: Callable[[T], R], tasks: Sequence[T]) -> Iterator[R]:
        """One after the other."""
        return map(function, tasks)


class Processes:
    """This process and others on this machine, started when there is work and ended when it is done.

    As a context, the same ones do all that is asked for in it, and keep what they know. This one begins with the last
    task, the others with the first: so tasks that stand near each other are mostly done by the same one.
    """

    def __init__(self, jobs: int) -> None:
        """At most `jobs` processes at once, this one included."""
        self._jobs = jobs
        self._kept: futures.Executor | None = None

    def __enter__(self) -> Processes:
        self._kept = self._pool(self._jobs)
        return self

    def __exit__(self, *_: object) -> None:
        if self._kept is not None:
            self._kept.shutdown(cancel_futures=True)

    def map(self, function: Callable[[T], R], tasks: Sequence[T]) -> Iterator[R]:
        """By as many processes as there are tasks."""
        if self._kept is not None:
            yield from _gathered(self._kept, function, tasks, helped=True)
            return
        with self._pool(min(self._jobs, len(tasks))) as pool:
            yield from _gathered(pool, function, tasks, helped=True)

    def _pool(self, size: int) -> futures.Executor:
        import multiprocessing
        from concurrent import futures

        context = multiprocessing.get_context("fork" if shares_memory() else None)
        return futures.ProcessPoolExecutor(max(size - 1, 1), context, _end_with_parent)


class Dask:
    """The workers of a Dask cluster that runs somewhere. They must have the same lockcheck installed."""

    def __init__(self, address: str) -> None:
        """`address` is that of the scheduler, which is asked when there is work."""
        self._address = address

    def map(self, function: Callable[[T], R], tasks: Sequence[T]) -> Iterator[R]:
        """By the cluster's workers; a task whose worker died goes to another one.

        Raises ConfigError where no scheduler answers, or Dask is not installed.
        """
        import importlib

        try:
            dask = importlib.import_module("distributed")
        except ImportError:
            raise ConfigError("--executor dask=ADDRESS needs `pip install lockcheck-lint[dask]`") from None
        try:
            client = dask.Client(self._address, timeout=PATIENCE, set_as_default=False)
        except (OSError, ValueError) as error:
            raise ConfigError(f"no Dask scheduler answers at {self._address}: {error}") from error
        with client:
            yield from _gathered(client.get_executor(pure=False, retries=2), function, tasks)


def _end_with_parent() -> None:
    """This worker ends when who started it does: of one that was killed it would wait for work for ever."""
    import os
    import threading
    from multiprocessing import connection, parent_process

    def watch() -> None:
        parent = parent_process()
        if parent is not None and connection.wait([parent.sentinel]):
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _gathered(
    pool: futures.Executor, function: Callable[[T], R], tasks: Sequence[T], helped: bool = False
) -> Iterator[R]:
    """The results in order; what the pool could not do, because its workers died, is done here.

    `helped`: so is, from the last task on, what the pool has not begun.
    """
    waiting = [_submitted(pool, function, task) for task in tasks]
    own: list[R] = []
    for one, task in zip(reversed(waiting), reversed(tasks), strict=True) if helped else ():
        if not one.cancel():
            break
        own.append(function(task))
    for one, task in zip(waiting, tasks, strict=True):
        if one.cancelled():
            break
        try:
            done = one.result()
        except Exception:
            done = function(task)  # an error of the work itself comes again, here
        yield done
    yield from reversed(own)


def _submitted(pool: futures.Executor, function: Callable[[T], R], task: T) -> futures.Future[R]:
    """What will be the result; it fails where the pool has no workers any more."""
    from concurrent import futures

    try:
        return pool.submit(function, task)
    except futures.BrokenExecutor as error:
        failed: futures.Future[R] = futures.Future()
        failed.set_exception(error)
        return failed


def chosen(work: Work) -> Executor:
    """The executor for the work. Raises ConfigError for a cluster of an unknown kind."""
    if work.cluster:
        kind, _, address = work.cluster.partition("=")
        if kind != "dask" or not address:
            raise ConfigError(f"--executor is dask=ADDRESS, not {work.cluster}")
        return Dask(address)
    return Processes(work.jobs) if work.jobs > 1 else Here()


def shares_memory() -> bool:
    """Whether another process can begin with all that this one knows."""
    return sys.platform == "linux"
