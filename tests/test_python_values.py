"""What a value is where nobody declares types: elements, results, classes and functions kept as values."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import lockcheck
from fakes import write_tree

HEAD = """\
import functools, random, threading
class Part:
    flavour = None
    def __init__(self, store):
        self.lock = threading.Lock()
        self.store = store
    @classmethod
    def of(cls, store):
        part = cls(store)
        return part
    def close(self):
        with self.lock:
            self.store.closed(self)
    def open(self):
        raise NotImplementedError
class Small(Part):
    def open(self):
        self.close()
    def shut(self):
        self.close()
class Store:
    kind = Part
    def __init__(self, kind=None):
        self._lock = threading.Lock()
        self._parts = {}
        self._row = []
        self._kind = kind or Part
    def closed(self, part):
        with self._lock:
            self._parts.pop(part, None)
    def add(self, name):
        part = Part(self)
        self._parts[name] = part
        self._row.append(part)
    def find(self, name):
        if name is None:
            return None
        part = self._parts[name]
        return part
    def every(self):
        for name in ("a", "b"):
            yield Part(self)
"""


def codes(folder: Path, body: str) -> list[str]:
    write_tree(folder, {"store.py": HEAD + "".join(f"    {line}\n" for line in body.splitlines())})
    report = json.loads(lockcheck(folder, "check", ".", "--output", "json", "--no-cache").stdout)
    assert report["problems"] == []
    return [one["code"] for one in report["findings"]]


KNOWN = {
    "the values of a dictionary": "for part in self._parts.values():\n    part.close()",
    "pairs of a dictionary, in order": "for name, part in sorted(self._parts.items()):\n    part.close()",
    "an element by its key": "self._parts['a'].close()",
    "an element that is asked for": "self._parts.get('a').close()",
    "an element that is taken out": "part = self._row.pop()\npart.close()",
    "a copy of a list": "for part in list(self._row):\n    part.close()",
    "a counted list": "for number, part in enumerate(self._row):\n    part.close()",
    "a comprehension": "for part in [one for one in self._row if one]:\n    part.close()",
    "one by chance": "random.choice(self._row).close()",
    "a list of its own": "mine = []\nmine.append(Part(self))\nfor one in mine:\n    one.close()",
    "what a method returns": "self.find('a').close()",
    "what a generator yields": "for part in self.every():\n    part.close()",
    "a class that a class keeps": "self.kind(self).close()",
    "a class that was given or not": "self._kind(self).close()",
    "a class in a variable": "kind = Part\nkind(self).close()",
    "a class that makes itself": "self.kind.of(self).close()",
    "a method in a variable": "part = Part(self)\nclose = part.close\nclose()",
    "a method with arguments bound to it": "close = functools.partial(Part.close, Part(self))\nclose()",
    "a method that only classes below have": "Part(self).shut()",
    "a method that only raises": "Part(self).open()",
}


MADE_BY_THE_HOLDER = frozenset(
    {
        "the values of a dictionary",
        "pairs of a dictionary, in order",
        "an element by its key",
        "an element that is asked for",
        "an element that is taken out",
        "a copy of a list",
        "a counted list",
        "a comprehension",
        "one by chance",
        "what a method returns",
        "a class that a class keeps",
        "a class that was given or not",
        "a class in a variable",
        "a class that makes itself",
        "a method in a variable",
        "a method with arguments bound to it",
        "a method that only classes below have",
        "a method that only raises",
    }
)
"""Of these it is known that they were made with the very object whose lock is held."""


@pytest.mark.parametrize("name", KNOWN)
def test_the_locks_of_a_value_that_nobody_declares(name: str, tmp_path: Path) -> None:
    under = "def f(self):\n    with self._lock:\n" + "".join(f"        {line}\n" for line in KNOWN[name].splitlines())
    assert codes(tmp_path, under) == ["LCK201" if name in MADE_BY_THE_HOLDER else "LCK301"]
    assert codes(tmp_path, under.replace("self._lock", "self._other")) == []


def test_a_default_that_is_written_is_known(tmp_path: Path) -> None:
    body = (
        "def stop(self, now=False):\n    if now:\n        with self._lock:\n            pass\n"
        "def f(self):\n    with self._lock:\n        self.stop({})\n"
    )
    assert codes(tmp_path, body.format("")) == []
    assert codes(tmp_path, body.format("True")) == ["LCK201"]
    assert codes(tmp_path, body.format("*self.how")) == ["LCK201"]


def test_a_wait_on_one_of_many_conditions_gives_that_one_back(tmp_path: Path) -> None:
    body = (
        "def ask(self, name):\n    self._waits[name] = threading.Condition()\n    ready = self._waits[name]\n"
        "    ready.acquire()\n    while name not in self._row:\n        ready.wait()\n    ready.release()\n"
        "def tell(self):\n    for name in self._waits:\n        with self._waits[name]:\n"
        "            self._waits[name].notify()\ndef make(self):\n    self._waits = {}\n"
    )
    assert codes(tmp_path, body) == []


def possible(folder: Path, body: str, *more: str) -> list[tuple[str, str]]:
    return said_of(folder, HEAD + "".join(f"    {line}\n" for line in body.splitlines()), *more)


def said_of(folder: Path, text: str, *more: str) -> list[tuple[str, str]]:
    write_tree(folder, {"store.py": text})
    said = lockcheck(folder, "check", ".", "--output", "json", "--no-cache", "--min-confidence", "possible", *more)
    return [(one["code"], one["confidence"]) for one in json.loads(said.stdout)["findings"]]


ASKED = (
    "def f(self, what):\n    if what.store and what.flavour:\n        with self._lock:\n            what.close()\n",
    "def f(self, what):\n    if what.store:\n        with self._lock:\n            what.close()\n",
)


def test_a_parameter_is_possibly_of_the_one_class_that_has_all_that_is_asked_of_it(tmp_path: Path) -> None:
    enough, too_little = ASKED
    assert codes(tmp_path, enough) == []
    assert possible(tmp_path, enough) == [("LCK301", "possible")]
    assert possible(tmp_path, too_little) == []
    assert possible(tmp_path, enough.replace("what.flavour", "what.colour")) == []


KEPT = (
    "def listen(self, action):\n    self._actions.append(action)\n"
    "def tell(self):\n    for action in self._actions:\n        action()\n"
    "def f(self):\n    with self._lock:\n        self.tell()\ndef make(self):\n    self._actions = []\n"
)


def test_what_is_kept_is_possibly_called_under_the_lock_of_a_caller(tmp_path: Path) -> None:
    assert possible(tmp_path, KEPT, "--persona", "pedantic", "--select", "LCK404") == [("LCK404", "possible")]
    assert codes(tmp_path, KEPT) == []


WAITS = (
    "class A(Part):\n    def wait(self): time.sleep(1)\nclass B(Part):\n    def wait(self): time.sleep(2)\n"
    "import time\nclass User:\n    def __init__(self):\n        self._lock = threading.Lock()\n"
    "    def f(self, part: Part):\n        with self._lock:\n            part.wait()\n"
)


def test_a_call_that_means_one_of_several_functions_possibly_blocks(tmp_path: Path) -> None:
    write_tree(tmp_path, {"a.py": HEAD + WAITS})
    options = ("--select", "LCK402", "--persona", "pedantic", "--output", "json", "--no-cache")
    said = lockcheck(tmp_path, "check", ".", "--min-confidence", "possible", *options).stdout
    assert [(one["code"], one["confidence"]) for one in json.loads(said)["findings"]] == [("LCK402", "possible")]
    assert json.loads(lockcheck(tmp_path, "check", ".", *options).stdout)["findings"] == []


TURNS = (
    "def wait(self):\n    self._lock.acquire()\n"
    "def get(self):\n    while True:\n        self.wait()\n        if self._row:\n            return self._row\n"
)
TOLD = "def put(self, row):\n    self._row = row\n    {}\n"


def test_a_lock_by_which_a_loop_waits_for_others_is_possibly_taken_twice(tmp_path: Path) -> None:
    told = TURNS + TOLD.format("self._lock.release()")
    assert possible(tmp_path, told) == [("LCK201", "possible")]
    assert codes(tmp_path, told) == []
    assert codes(tmp_path, TURNS + TOLD.format("return self._row")) == ["LCK201"]


ENDS = "def free(self):\n    return None\ndef close(self):\n    with {}:\n        pass\ndef __del__(self):\n    self.close()\n"


def test_a_finalizer_possibly_takes_a_lock_of_which_nobody_says_whose_it_is(tmp_path: Path) -> None:
    assert possible(tmp_path, ENDS.format("self.free() or self._lock")) == [("LCK406", "possible")]
    assert codes(tmp_path, ENDS.format("self.free() or self._lock")) == []
    assert codes(tmp_path, "shared = threading.Lock()\n" + ENDS.format("self.shared")) == ["LCK406"]


LISTENS = """\
import logging, threading
log = logging.getLogger(__name__)
class Store:
    def __init__(self):
        self._lock = threading.Lock()
        self._other = threading.Lock()
    def add(self, row):
        with self._lock:
            pass
    def flush(self):
        with self._lock:
            log.debug("x")
class Handler(logging.Handler):
    def __init__(self, store: Store):
        self.store = store
    def emit(self, record):
        self.store.add(record)
"""

SPELLS = LISTENS.replace("def flush(self)", "def flush(self, row)").replace('log.debug("x")', "text = repr(row)")
"""A value of any class says itself in words under the lock; its own code may log."""

COMES_BACK = {
    "a handler": LISTENS,
    "a value says itself in words": SPELLS,
    "and in a callee": SPELLS.replace("repr(row)", "said(row)") + "def said(value):\n    return str(value)\n",
    "in a callee": LISTENS.replace('log.debug("x")', "self.tell()") + "\ndef tell():\n    pass\n"
    "class More(Store):\n    def tell(self):\n        logging.warning('x')\n",
    "a method of the library that was replaced": LISTENS.partition("class Handler")[0]
    + "store = Store()\ndef make(record):\n    store.add(record)\nwrap(logging.Logger, 'makeRecord', make)\n",
}
NOT_BACK = {
    "another lock": LISTENS.replace("with self._lock:\n            log", "with self._other:\n            log"),
    "a lock that lets its holder in again": LISTENS.replace(
        "self._lock = threading.Lock", "self._lock = threading.RLock"
    ),
    "the record tells whoever listens": LISTENS.replace('log.debug("x")', 'log.debug("x", extra={"inside": True})'),
    "nobody listens": LISTENS.replace("(logging.Handler)", ""),
    "a value of a known class": SPELLS.replace("flush(self, row)", "flush(self, row: int)"),
    "a value of its own": SPELLS.replace("repr(row)", "repr([])"),
    "in words, and nobody listens": SPELLS.replace("(logging.Handler)", ""),
    "who is let in once by each thread": LISTENS.replace(
        "        with self._lock:\n            pass",
        "        if getattr(self._mine, 'busy', 0):\n            return\n        with self._lock:\n            pass",
    ).replace("self._other =", "self._mine = threading.local()\n        self._other ="),
    "a name that is no log": LISTENS.replace("log = logging.getLogger(__name__)", "log = Store()"),
}


def logged(folder: Path, text: str) -> list[tuple[str, str]]:
    return said_of(folder, text, "--select", "LCK404", "--persona", "pedantic")


@pytest.mark.parametrize("text", COMES_BACK.values(), ids=list(COMES_BACK))
def test_what_listens_to_the_log_comes_back_for_the_lock(text: str, tmp_path: Path) -> None:
    assert logged(tmp_path, text) == [("LCK404", "possible")]


@pytest.mark.parametrize("text", NOT_BACK.values(), ids=list(NOT_BACK))
def test_what_is_logged_comes_back_for_no_lock(text: str, tmp_path: Path) -> None:
    assert logged(tmp_path, text) == []


WRAPPED = """\
import functools, threading
def synchronized(how):
    def decorate(method):
        @functools.wraps(method)
        def locked(self, *args):
            {before}
            with self._lock:
                return method(self, *args)
        return locked
    return decorate
class Store:
    def __init__(self):
        self._lock = threading.Lock()
    @synchronized("now")
    def add(self, row):
        pass
    @synchronized("now")
    def add_two(self):
        self.add(1)  # here
"""


def test_what_a_decorator_takes_is_held_round_the_body(tmp_path: Path) -> None:
    write_tree(tmp_path, {"a.py": WRAPPED.replace("{before}", "pass")})
    (one,) = json.loads(lockcheck(tmp_path, "check", ".", "--output", "json", "--no-cache").stdout)["findings"]
    assert (one["code"], one["line"], one["function"]) == ("LCK201", 19, "Store.add_two")


def test_a_decorator_that_does_not_call_changes_nothing(tmp_path: Path) -> None:
    text = WRAPPED.replace("{before}", "pass").replace("return method(self, *args)", "self.last = method")
    write_tree(tmp_path, {"a.py": text})
    assert json.loads(lockcheck(tmp_path, "check", ".", "--output", "json", "--no-cache").stdout)["findings"] == []


def test_a_name_that_means_no_module_is_no_log(tmp_path: Path) -> None:
    text = "import threading\nclass A:\n    _lock = threading.Lock()\n    def f(self):\n        with self._lock:\n"
    write_tree(tmp_path, {"a.py": text + "            return super(A, self).log(1) or super(A).log or crate(1)\n"})
    report = json.loads(lockcheck(tmp_path, "check", ".", "--output", "json", "--no-cache").stdout)
    assert (report["findings"], report["problems"]) == ([], [])


FIELDS = """\
import threading
from typing import Iterable
import attr
LOCK = threading.Lock()
class Part:
    def sweep_all(self):
        with LOCK:
            pass
    def tidy_all(self):
        return 1
    def name_all(self):
        return 2
"""


def test_the_type_of_an_attrs_field_is_what_it_says(tmp_path: Path) -> None:
    store = (
        "@attr.s\nclass Store:\n    parts = attr.ib(repr=False, type=Iterable[Part])\n    def f(self):\n"
        "        with LOCK:\n            for part in self.parts:\n                part.sweep_all()\n"
    )
    write_tree(tmp_path, {"store.py": FIELDS + store})
    said = json.loads(lockcheck(tmp_path, "check", ".", "--output", "json", "--no-cache").stdout)
    assert [one["code"] for one in said["findings"]] == ["LCK201"]


def test_a_field_is_possibly_of_the_one_class_that_has_all_that_its_class_asks_of_it(tmp_path: Path) -> None:
    store = (
        "class Store:\n    def __init__(self, part):\n        self.part = part\n    def g(self):\n"
        "        return self.part.tidy_all() + self.part.name_all()\n"
        "    def f(self):\n        with LOCK:\n            self.part.sweep_all()\n"
    )
    write_tree(tmp_path, {"store.py": FIELDS + store})
    possible = ("check", ".", "--output", "json", "--no-cache", "--min-confidence", "possible")
    said = json.loads(lockcheck(tmp_path, *possible).stdout)
    assert [(one["code"], one["confidence"]) for one in said["findings"]] == [("LCK201", "possible")]


CELLAR = """\
import contextlib, threading
class Cursor:
    def __init__(self, kept):
        self.kept = kept
class Sheaf(Cursor):
    def __len__(self):
        return self.kept
class Cellar:
    def __init__(self):
        self.lock = threading.Lock()
    @contextlib.contextmanager
    def opened(self):
        with self.lock:
            cursor = Cursor(1)
            yield cursor
    @contextlib.contextmanager
    def again(self, cursor: Cursor):
        yield cursor
    def count(self, cursor=None):
        with self.again(cursor) if cursor else self.opened() as mine:
            return mine.kept
    def run(self, cursor=None):
"""


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("with self.opened() as mine: return self.count(mine)", []),
        ("with self.again(cursor) if cursor else self.opened() as cursor: return self.count(cursor=cursor)", []),
        ("with self.lock: return self.count(Cursor(2))", []),
        ("with self.opened() as mine: return self.count()", ["LCK201"]),
        ("with self.opened() as mine: return self.count(cursor)", ["LCK201"]),
        ("with self.lock: return self.count(Sheaf(0))", ["LCK201"]),
    ],
    ids=["what the block gives", "one or another", "what is made", "nothing", "what may be none", "what may be false"],
)
def test_who_is_given_an_object_does_without_what_it_does_for_none(body: str, said: list[str], tmp_path: Path) -> None:
    write_tree(tmp_path, {"cellar.py": f"{CELLAR}        {body}\n"})
    found = json.loads(lockcheck(tmp_path, "check", ".", "--no-cache", "--output", "json").stdout)["findings"]
    assert [one["code"] for one in found] == said


LINES = """\
import threading
import weakref

class Line:
    def __init__(self):
        self.lock = threading.Lock()
        self.in_flight = 0
        self.orphans = set()

    def defunct(self):
        with self.lock:
            self.in_flight = 0

class Pool:
    def __init__(self, session):
        self.lock = threading.Lock()
        self.lines = {}
        first = session.maker.line()
        self.lines[first.number] = first
        self.trash = set()

    def give_back(self, line):
        with line.lock:
            if line.in_flight == len(line.orphans):
                with self.lock:
                    self.trash.remove(line)

    def renew(self):
        with self.lock:
            line = Line()
            self.trash.add(line)

    def use(self, line: Line):
        with self.lock:
            line.defunct()

    def all(self):
        for one in list(self.lines.values()):
            self.give_back(one)

class Beat(threading.Thread):
    def __init__(self, pool):
        super().__init__()
        self.pool = pool

    def run(self):
        with self.pool.lock:
            self.pool.renew()

def beat(pool: Pool):
    return Beat(weakref.proxy(pool))
"""


def test_what_a_variables_method_gives_hides_nothing_that_is_known_otherwise(tmp_path: Path) -> None:
    """It may be anything: so what is asked of the parameter says what it is, as if nobody gave it that."""
    assert "LCK301" in [code for code, _ in said_of(tmp_path, LINES)]


def test_a_proxy_that_is_made_on_the_spot_is_what_it_stands_for(tmp_path: Path) -> None:
    assert "LCK201" in [code for code, _ in said_of(tmp_path, LINES)]


UNDER_A_WORD = (
    "def pay(shop):\n    shop['till_lock'].acquire()\n    shop.sum = int(shop.paid)\n    shop['till_lock'].release()\n"
)


def test_what_stands_under_a_word_that_says_so_is_possibly_a_lock(tmp_path: Path) -> None:
    write_tree(tmp_path, {"a.py": UNDER_A_WORD, "b.py": UNDER_A_WORD.replace("till_lock", "till")})
    options = ("--select", "LCK105", "--output", "json", "--no-cache")
    said = json.loads(lockcheck(tmp_path, "check", ".", "--min-confidence", "possible", *options).stdout)
    assert [(one["path"], one["confidence"]) for one in said["findings"]] == [("a.py", "possible")]
    assert json.loads(lockcheck(tmp_path, "check", ".", *options).stdout)["findings"] == []
