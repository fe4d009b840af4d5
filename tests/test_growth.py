"""No shape of code makes a run take more than its share."""

from __future__ import annotations

import importlib.util
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from fakes import write_tree

from lockcheck import engine
from lockcheck.config import Settings
from lockcheck.executors import Work
from lockcheck.report import Report


def generator() -> ModuleType:
    place = Path(__file__).parent.parent / "benchmarks" / "generate.py"
    spec = importlib.util.spec_from_file_location("generate", place)
    assert spec is not None and spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def checked(top: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[float, Report]:
    """Seconds of the processor for a tree, and what was reported."""
    monkeypatch.chdir(top)
    begun = time.process_time()
    report = engine.check(["."], Settings(), Work())
    return time.process_time() - begun, report


def measured(top: Path, monkeypatch: pytest.MonkeyPatch, **shape: int) -> tuple[float, Report]:
    """Seconds of the processor for a generated tree, and what was reported."""
    usual = {"crates": 1, "depth": 4, "fan_out": 2, "locks": 6}
    generator().write(top, **{**usual, **shape})
    return checked(top, monkeypatch)


SHAPES = {
    "crates": ({"crates": 4}, {"crates": 40}, 10),
    "a deep chain of calls": ({"depth": 100, "fan_out": 1}, {"depth": 1000, "fan_out": 1}, 10),
    "many locks in one type": ({"locks": 30}, {"locks": 300}, 10),
    "functions that all call each other, calls counted": ({"knot": 20}, {"knot": 60}, 9),
    "a call with a thousand targets": ({"dispatch": 100}, {"dispatch": 1000}, 10),
}


@pytest.mark.parametrize(("small", "large", "times"), SHAPES.values(), ids=SHAPES.keys())
def test_time_grows_with_the_tree(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small: dict[str, int], large: dict[str, int], times: int
) -> None:
    """With room for a busy machine: what is quadratic takes ten times as much as this."""
    measured(tmp_path / "warm", monkeypatch)
    first, _ = measured(tmp_path / "small", monkeypatch, **small)
    second, report = measured(tmp_path / "large", monkeypatch, **large)
    assert report.problems == ()
    assert second < first * times * 2.5


def test_the_end_of_a_deep_chain_is_reached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generator().write(tmp_path, crates=1, depth=400, fan_out=1, locks=2)
    chain = tmp_path / "c0" / "src" / "chain.rs"
    chain.write_text(chain.read_text().replace("self.add1(one)", "self.add0(one)"))
    monkeypatch.chdir(tmp_path)
    report = engine.check(["."], Settings(), Work())
    assert [finding.slug for finding in report.findings] == ["read-then-write"]
    assert len(report.findings[0].notes) > 400


def test_closures_that_call_each_other_are_followed_up_to_a_limit_that_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Thirty closures, each calling the one before three times: three to the thirtieth bodies."""
    lines = ["import threading", "lock = threading.Lock()", "def outer():"]
    lines += ["    def f0():", "        with lock:", "            pass"]
    for number in range(1, 30):
        lines += [f"    def f{number}():", *[f"        f{number - 1}()"] * 3]
    (tmp_path / "a.py").write_text("\n".join([*lines, "    f29()", ""]), "utf-8")
    monkeypatch.chdir(tmp_path)
    report = engine.check(["."], Settings(), Work())
    assert [(one.path, "closures" in one.message) for one in report.problems] == [("a.py", True)]


@pytest.mark.parametrize(("locks", "told"), [(4, False), (5, True)])
def test_more_ways_than_are_told_apart_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, locks: int, told: bool
) -> None:
    """Each lock may be taken or not: two ways, and for so many locks two to that power."""
    names = [f"m{number}" for number in range(locks)]
    fields = ", ".join(f"{name}: Mutex<u32>, b{name}: bool" for name in names)
    lines = [
        f"let g{name} = if self.b{name} {{ Some(self.{name}.lock().unwrap()) }} else {{ None }};" for name in names
    ]
    body = f"impl S {{ fn f(&self) {{ {' '.join(lines)} self.g(); }} fn g(&self) {{}} }}"
    (tmp_path / "a.rs").write_text(f"use std::sync::Mutex;\nstruct S {{ {fields} }}\n{body}\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    report = engine.check(["."], Settings(), Work())
    assert [one.path for one in report.problems if "taken together" in one.message] == ["a.rs"] * told


def test_modules_that_all_bring_in_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each way through them is no question of its own."""

    def seconds(modules: int) -> float:
        names = [f"m{number}" for number in range(modules)]
        files = {
            f"{name}.rs": "".join(f"use {other}::*;\n" for other in names if other != name)
            + f"pub struct S{name} {{ a: Mutex<u32> }}\nimpl Known for S{name} {{\n    fn f(&self) {{}}\n}}\n"
            for name in names
        }
        top = tmp_path / str(modules)
        write_tree(top, {"lib.rs": "".join(f"mod {name};\n" for name in names), **files})
        return checked(top, monkeypatch)[0]

    seconds(2)
    assert min(seconds(10) for _ in range(3)) < seconds(5) * 4 * 5


def test_classes_that_hand_on_what_they_are_made_with_far_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a class is given its parts are asked of all that is built on it, each of which asks all that is above."""
    names, made = [f"Step{number}" for number in range(17)], ""
    for above, name in zip(("object", *names), names, strict=False):
        init = f"        super().__init__({'' if above == 'object' else 'lock, room'})\n        self.lock, self.room = lock, room\n"
        made += f"class {name}({above}):\n    def __init__(self, lock, room):\n{init}"
        made += "".join(
            f"class {name}Side{n}({name}):\n    def __init__(self, lock, room):\n        super().__init__(lock, room)\n"
            for n in range(12)
        )
    use = "def use(step):\n    with step.lock:\n        step.room.enter()\n"
    write_tree(tmp_path, {"steps.py": f"import threading\n\n{made}\n{use}"})
    seconds, report = checked(tmp_path, monkeypatch)
    assert report.problems == ()
    assert seconds < 10


def test_classes_that_make_each_other_of_what_they_were_made_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a field is hangs on what all makers are given, and that on all fields: a way for each order of the classes."""
    names = [f"Cell{number}" for number in range(10)]
    makes = "".join(f"        {name}(self.seed)\n" for name in names)
    init = "    def __init__(self, seed):\n        self.seed = seed\n"
    grow = f"    def grow(self):\n        with LOCK:\n            self.seed.sprout()\n{makes}"
    classes = "\n".join(f"class {name}:\n{init}\n{grow}" for name in names)
    write_tree(tmp_path, {"cells.py": f"import threading\n\nLOCK = threading.Lock()\n\n{classes}"})
    seconds, report = checked(tmp_path, monkeypatch)
    assert report.problems == ()
    assert seconds < 10


def _newborn(orders: int) -> str:
    """One function that takes the locks of an object of its own so often; another takes them the other way round."""
    takes = "    { let a = pair.a.lock().unwrap(); let b = pair.b.lock().unwrap(); drop((a, b)); }\n" * orders
    return (
        "use std::sync::Mutex;\npub struct Pair { pub a: Mutex<u32>, pub b: Mutex<u32> }\n"
        "impl Pair {\n    pub fn new() -> Self { Pair { a: Mutex::new(1), b: Mutex::new(2) } }\n"
        "    pub fn back(&self) { let b = self.b.lock().unwrap(); let a = self.a.lock().unwrap(); drop((b, a)); }\n}\n"
        f"pub fn grow() {{\n    let pair = Pair::new();\n{takes}}}\n"
    )


def _given(calls: int) -> str:
    """One function that calls so often what takes the locks of one object, under the lock of another; one turns it."""
    names = [f"m{number}" for number in range(12)]
    takes = "".join(f"        *self.{name}.lock().unwrap() += 1;\n" for name in names)
    touched = "    row.touch();\n" * calls
    turned = "".join(
        f"    {{ let b = row.{name}.lock().unwrap(); let a = top.a.lock().unwrap(); drop((b, a)); }}\n"
        for name in names
    )
    return (
        "use std::sync::Mutex;\npub struct Top { pub a: Mutex<u32> }\n"
        f"pub struct Row {{ {', '.join(f'pub {name}: Mutex<u32>' for name in names)} }}\n"
        f"impl Row {{\n    pub fn touch(&self) {{\n{takes}    }}\n}}\n"
        f"pub fn turned(top: &Top, row: &Row) {{\n{turned}}}\n"
        f"pub fn grow(top: &Top, row: &Row) {{\n    let a = top.a.lock().unwrap();\n{touched}    drop(a);\n}}\n"
    )


def _cycles(count: int) -> str:
    """So many types, each with a cycle of its own two locks."""
    one = (
        "pub struct S{n} {{ a: Mutex<u32>, b: Mutex<u32> }}\nimpl S{n} {{\n"
        "    pub fn to(&self) {{ let a = self.a.lock().unwrap(); let b = self.b.lock().unwrap(); drop((a, b)); }}\n"
        "    pub fn back(&self) {{ let b = self.b.lock().unwrap(); let a = self.a.lock().unwrap(); drop((b, a)); }}\n}}\n"
    )
    return "use std::sync::Mutex;\n" + "".join(one.format(n=number) for number in range(count))


@pytest.mark.parametrize(
    ("text", "few", "many", "found"), [(_newborn, 40, 240, 0), (_given, 40, 400, 12), (_cycles, 40, 400, 400)]
)
def test_time_grows_with_the_orders_of_locks(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    text: Callable[[int], str],
    few: int,
    many: int,
    found: int,
) -> None:
    """No function is read, and no order gone through, anew for each order or each cycle."""

    def seconds(count: int) -> tuple[float, Report]:
        top = tmp_path / str(count)
        write_tree(top, {"lib.rs": text(count)})
        return checked(top, monkeypatch)

    seconds(2)
    first, _ = seconds(few)
    second, report = seconds(many)
    assert len([one for one in report.findings if one.slug == "lock-order-cycle"]) == found
    assert second < first * (many // few) * 2.5


def _hall(functions: int) -> str:
    """So many methods that all call each other; one of them wakes others without the lock that this takes."""
    every = range(functions)
    calls = {one: "".join(f"        self.step_{other}()\n" for other in every if other != one) for one in every}
    methods = "".join(f"    def step_{one}(self):\n{calls[one]}" for one in every)
    made = "    def __init__(self):\n        self.bell = threading.Condition()\n"
    return f"import threading\n\nclass Hall:\n{made}{methods}        self.bell.notify()\n"


def test_time_grows_with_the_calls_around_a_signal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever calls is asked once for what it holds, not once for each way to it: there are more ways than seconds."""

    def seconds(functions: int) -> tuple[float, Report]:
        top = tmp_path / str(functions)
        write_tree(top, {"hall.py": _hall(functions)})
        return checked(top, monkeypatch)

    seconds(2)
    first, _ = seconds(10)
    second, report = seconds(30)
    assert [one.code for one in report.findings] == ["LCK405"]
    assert second < first * 9 * 2.5


def _handed_up(levels: int) -> str:
    """Two functions on each level hand a guard down to both of the next; the last waits with it."""
    guard = "MutexGuard<'a, u32>"
    last = f"    fn down_0_0<'a>(&'a self, row: {guard}) -> {guard} {{ self.bell.wait(row).unwrap() }}\n"
    calls = [" ".join(f"row = self.down_{level}_{one}(row);" for one in range(2 if level else 1))
             for level in range(levels)]  # fmt: skip
    down = "".join(
        f"    fn down_{level + 1}_{one}<'a>(&'a self, mut row: {guard}) -> {guard} {{ {calls[level]} row }}\n"
        for level in range(levels)
        for one in range(2)
    )
    top = f"    pub fn begin(&self) {{ let _row = self.down_{levels}_0(self.rows.lock().unwrap()); }}\n"
    ring = "    pub fn ring(&self) { *self.rows.lock().unwrap() += 1; self.bell.notify_all(); }\n"
    head = "use std::sync::{Condvar, Mutex, MutexGuard};\npub struct Hall { rows: Mutex<u32>, bell: Condvar }\n"
    return f"{head}impl Hall {{\n{last}{down}{top}{ring}}}\n"


def test_time_grows_with_the_callers_that_hand_on_a_guard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever hands a guard on to one who waits is asked once, not once for each way to the wait."""

    def seconds(levels: int) -> tuple[float, Report]:
        top = tmp_path / str(levels)
        write_tree(top, {"src/lib.rs": _handed_up(levels)})
        return checked(top, monkeypatch)

    seconds(2)
    first, _ = seconds(8)
    second, report = seconds(16)
    assert [one.code for one in report.findings] == ["LCK405"]
    assert second < first * 2 * 2.5


def _handled(calls: int) -> str:
    """Three functions below each other, with so many calls in each, under a lock that a handler leaves taken."""
    hand = "    def {}(self, row):\n".format
    below = zip(("top", "middle", "low"), ("self.middle(row)", "self.low(row)", "int(row)"), strict=True)
    functions = "".join(hand(name) + f"        {call}\n" * calls for name, call in below)
    taken = "        self._lock.acquire()\n        try:\n            self.top(row)\n        except ValueError:\n"
    gives = "            return None\n        self._lock.release()\n"
    made = "    def __init__(self):\n        self._lock = threading.Lock()\n"
    return f"import threading\n\nclass Desk:\n{made}{hand('go')}{taken}{gives}{functions}"


def test_time_grows_with_the_calls_that_may_raise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a function may raise is looked for once, not once for each call of it."""

    def seconds(calls: int) -> tuple[float, Report]:
        top = tmp_path / str(calls)
        write_tree(top, {"desk.py": _handled(calls)})
        return checked(top, monkeypatch)

    seconds(2)
    first, _ = seconds(20)
    second, report = seconds(60)
    assert [one.code for one in report.findings] == ["LCK105"]
    assert second < first * 3 * 2.5


def _waits(rounds: int) -> str:
    """One function that waits so often, and does not look again after each wait, and takes a lock that may be late."""
    made = "    def __init__(self):\n        self._bell, self._late, self.rows = Condition(), Lock(), []\n"
    wait = "        with self._bell:\n            if not self.rows:\n                self._bell.wait()\n            self.rows.pop()\n"
    late = "        self._late.acquire(timeout=1)\n        self._late.release()\n"
    ring = "    def ring(self):\n        with self._bell:\n            self.rows.append(1)\n            self._bell.notify()\n"
    head = "from threading import Condition, Lock\n\nclass Hall:\n"
    return f"{head}{made}{ring}    def go(self):\n{(wait + late) * rounds}"


def test_time_grows_with_the_findings_of_one_function(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a function says is read once for all that is said of it."""

    def seconds(rounds: int) -> tuple[float, Report]:
        top = tmp_path / str(rounds)
        write_tree(top, {"hall.py": _waits(rounds)})
        return checked(top, monkeypatch)

    seconds(2)
    first, _ = seconds(20)
    second, report = seconds(100)
    assert Counter(one.code for one in report.findings) == {"LCK405": 100, "LCK503": 100}
    assert second < first * 5 * 2.5


def test_time_grows_with_a_text_that_cannot_be_parsed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the grammar does not know is looked for around broken places: each look ahead has an end."""

    def seconds(attributes: int) -> float:
        top = tmp_path / str(attributes)
        write_tree(top, {"lib.rs": "use std::sync::Mutex;\nfn f(m: &Mutex<u32>) { ) " + "#[a] " * attributes + "fn"})
        spent, report = checked(top, monkeypatch)
        assert len(report.problems) == 1
        return spent

    seconds(10)
    assert seconds(12_000) < seconds(3_000) * 4 * 2.5


def test_time_grows_with_the_elements_by_what_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An element is asked for the names in its key, not for each of those that were assigned before."""

    def seconds(variables: int) -> float:
        top = tmp_path / str(variables)
        taken = "".join(
            f"    let mut k{n} = 0; k{n} += 1; let g{n} = rows[k{n}].lock().unwrap(); drop(g{n});\n"
            for n in range(variables)
        )
        text = f"use std::sync::Mutex;\npub fn each(rows: &[Mutex<u32>]) {{\n{taken}}}\n"
        write_tree(top, {"lib.rs": text})
        return checked(top, monkeypatch)[0]

    seconds(10)
    assert seconds(1_600) < seconds(400) * 4 * 2.5


DEEP = """\
use std::sync::mpsc::{Receiver, Sender};
use std::sync::Mutex;
pub struct Desk { rows: Mutex<u8>, tell: Sender<u8>, told: Mutex<Receiver<u8>> }
impl Desk {
    pub fn waits(&self) -> u8 {
        let rows = self.rows.lock().unwrap();
        self.told.lock().unwrap().recv().unwrap() + *rows
    }
    pub fn begins(&self) { self.goes_0(); }
"""
LINK = "    fn goes_%d(&self) { loop { if self.more() { self.goes_%d(); } else { break; } } }\n"
LAST = "    fn goes_300(&self) { *self.rows.lock().unwrap() = 1; self.tell.send(1).unwrap(); }\n}\n"


def test_how_far_down_a_signal_is_given_takes_no_stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    links = "".join(LINK % (one, one + 1) for one in range(300))
    write_tree(tmp_path, {"src/lib.rs": DEEP + links + LAST})
    monkeypatch.chdir(tmp_path)
    assert engine.check(["."], Settings(), Work(jobs=1)).problems == ()
