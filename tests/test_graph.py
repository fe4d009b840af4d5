from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from fakes import write_tree

from lockcheck import cli
from lockcheck.config import Settings
from lockcheck.engine import order
from lockcheck.report.graph import Box, EdgePlace, OrderEdge, OrderGraph, dot, mermaid, render

PROGRAMS = Path(__file__).resolve().parent.parent / "fixtures" / "programs"

KNOT = """\
use std::sync::Mutex;
struct T { a: Mutex<u8>, b: Mutex<u8>, c: Mutex<u8>, d: Mutex<u8>, e: Mutex<u8> }
impl T {
    fn ab(&self) { let a = self.a.lock().unwrap(); *self.b.lock().unwrap() += *a; }
    fn ba(&self) { let b = self.b.lock().unwrap(); *self.a.lock().unwrap() += *b; }
    fn bc(&self) { let b = self.b.lock().unwrap(); *self.c.lock().unwrap() += *b; }
    fn cb(&self) { let c = self.c.lock().unwrap(); *self.b.lock().unwrap() += *c; }
    fn cd(&self) { let c = self.c.lock().unwrap(); *self.d.lock().unwrap() += *c; }
    fn de(&self) { let d = self.d.lock().unwrap(); self.takes_e(); }
    fn takes_e(&self) { *self.e.lock().unwrap() += 1; }
}
"""


def of(monkeypatch: pytest.MonkeyPatch, folder: Path) -> OrderGraph:
    monkeypatch.chdir(folder)
    found, problems, files = order(["."], Settings())
    assert problems == []
    assert files
    return found


def names(graph: OrderGraph, locks: tuple[str, ...]) -> list[str]:
    return [dict(graph.locks)[lock] for lock in locks]


def arrows(graph: OrderGraph) -> dict[tuple[str, str], bool]:
    short = dict(graph.locks)
    return {(short[edge.held], short[edge.wanted]): edge.in_cycle for edge in graph.edges}


def test_a_cycle_of_three_is_one_box_with_places(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = of(monkeypatch, PROGRAMS / "three")
    (box,) = graph.boxes
    assert names(graph, box.locks) == ["Relay.inbox", "Relay.outbox", "Relay.retry"]
    assert [names(graph, way) for way in box.cycles] == [["Relay.inbox", "Relay.outbox", "Relay.retry"]]
    assert arrows(graph) == {
        ("Relay.inbox", "Relay.outbox"): True,
        ("Relay.outbox", "Relay.retry"): True,
        ("Relay.retry", "Relay.inbox"): True,
    }
    place = graph.edges[-1].places[0]
    assert (place.path, place.line, place.function, place.held_line) == ("src/retry.rs", 8, "Relay::again", 6)
    assert (place.held_mode, place.wanted_mode, place.certain) == ("exclusive", "exclusive", True)


def test_what_cannot_hang_is_in_no_box(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = of(monkeypatch, PROGRAMS / "gate")
    hang = [["Archive.covers", "Archive.labels"], ["Call.manager", "Call.pending"], ["Vault.inner", "Vault.outer"]]
    assert sorted(names(graph, box.locks) for box in graph.boxes) == hang
    assert arrows(graph)["Vault.gold", "Vault.silver"] is False
    assert arrows(graph)["Vault.silver", "Vault.gold"] is False


def test_cycles_with_a_lock_in_common_share_a_box(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "a.rs").write_text(KNOT)
    graph = of(monkeypatch, tmp_path)
    (box,) = graph.boxes
    assert names(graph, box.locks) == ["T.a", "T.b", "T.c"]
    assert [names(graph, way) for way in box.cycles] == [["T.a", "T.b"], ["T.b", "T.c"]]
    assert arrows(graph)["T.c", "T.d"] is False
    assert arrows(graph)["T.d", "T.e"] is False, "an edge through a call"


def test_a_static_is_one_lock_however_it_is_spelled(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    text = "use std::sync::Mutex;\npub static A: Mutex<u8> = Mutex::new(0);\npub static B: Mutex<u8> = Mutex::new(0);\n"
    (tmp_path / "lib.rs").write_text(
        text + "mod far;\nfn f() { let a = A.lock().unwrap(); *B.lock().unwrap() += *a; }\n"
    )
    (tmp_path / "far.rs").write_text("fn g() { let b = crate::B.lock().unwrap(); *super::A.lock().unwrap() += *b; }\n")
    (tmp_path / "Cargo.toml").write_text('[package]\nname = "x"\nedition = "2021"\n[lib]\npath = "lib.rs"\n')
    graph = of(monkeypatch, tmp_path)
    assert arrows(graph) == {("A", "B"): True, ("B", "A"): True}
    assert len(graph.boxes) == 1


PLACES = tuple(EdgePlace(f'a"{number}.rs', 3, 1, "f", 2, "read", "write", True) for number in range(5))
DRAWN = OrderGraph(
    (("x::A.a", "A.a"), ("x::B.b", 'B"b\\'), ("x::C.c", "C.c")),
    (OrderEdge("x::A.a", "x::B.b", True, PLACES), OrderEdge("x::B.b", "x::C.c", False, PLACES[:1])),
    (Box(("x::A.a", "x::B.b"), (("x::A.a", "x::B.b"),)),),
)


def test_dot() -> None:
    assert dot(DRAWN) == (
        r"""digraph "lock order" {
  rankdir=LR;
  node [shape=box];
  subgraph cluster_0 {
    label="cycle: A.a -> B\"b\\ -> A.a";
    color=red;
    n0 [label="A.a"];
    n1 [label="B\"b\\"];
  }
  n2 [label="C.c"];
  n0 -> n1 [label="a\"0.rs:3\na\"1.rs:3\na\"2.rs:3\nand 2 more", color=red];
  n1 -> n2 [label="a\"0.rs:3"];
}
"""
    )


def test_mermaid() -> None:
    assert mermaid(DRAWN) == (
        """flowchart LR
  subgraph box0["cycle: A.a -#62; B#34;b#92; -#62; A.a"]
    n0["A.a"]
    n1["B#34;b#92;"]
  end
  n2["C.c"]
  n0 -->|"a#34;0.rs:3<br/>a#34;1.rs:3<br/>a#34;2.rs:3<br/>and 2 more"| n1
  n1 -->|"a#34;0.rs:3"| n2
  linkStyle 0 stroke:red
"""
    )


def test_a_box_of_several_cycles_counts_them() -> None:
    several = OrderGraph(
        DRAWN.locks, DRAWN.edges, (Box(("x::A.a", "x::B.b", "x::C.c"), (("x::A.a", "x::B.b"), ("x::B.b", "x::C.c"))),)
    )
    assert 'label="2 cycles";' in dot(several)
    assert 'subgraph box0["2 cycles"]' in mermaid(several)


def test_json() -> None:
    found = json.loads(render("json", DRAWN))
    assert found["schema"] == 1
    assert found["locks"][0] == {"owner": "x::A.a", "name": "A.a"}
    assert [(edge["held"], edge["wanted"], edge["in_cycle"]) for edge in found["edges"]] == [
        ("x::A.a", "x::B.b", True),
        ("x::B.b", "x::C.c", False),
    ]
    assert len(found["edges"][0]["places"]) == 5, "for programs, all of them"
    assert found["boxes"] == [{"locks": ["x::A.a", "x::B.b"], "cycles": [["x::A.a", "x::B.b"]]}]


def test_no_locks_make_an_empty_drawing() -> None:
    empty = OrderGraph((), (), ())
    assert dot(empty) == 'digraph "lock order" {\n  rankdir=LR;\n  node [shape=box];\n}\n'
    assert mermaid(empty) == "flowchart LR\n"


ONE = "import threading\nfrom shop import two\n_lock = threading.Lock()\ndef both():\n    with _lock:\n        two.own()\n"
TWO = "import threading\nfrom shop import one\n_lock = threading.Lock()\ndef both():\n    with _lock:\n        one.own()\n"
OWN = "def own():\n    with _lock:\n        pass\n"


def test_locks_of_one_name_are_told_apart(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    write_tree(tmp_path, {"shop/__init__.py": "", "shop/one.py": ONE + OWN, "shop/two.py": TWO + OWN})
    cli.main(["check", str(tmp_path), "--no-cache", "--output", "json"])
    (found,) = json.loads(capfdbinary.readouterr().out)["findings"]
    assert "`one._lock` -> `two._lock` -> `one._lock`" in found["message"]


def test_the_command(monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    monkeypatch.chdir(PROGRAMS / "abba")
    assert cli.main(["graph"]) == 0
    drawn = capfdbinary.readouterr().out.decode()
    assert re.findall(r"label=\"(\S+\.rs:\d+)\", color=red", drawn) == [
        "crates/catalog/src/lib.rs:17", "crates/app/src/lib.rs:20",
    ]  # fmt: skip
    assert cli.main(["graph", "--format", "mermaid", "crates"]) == 0
    assert capfdbinary.readouterr().out.startswith(b"flowchart LR\n")
    assert cli.main(["graph", "--format", "json", "--exclude", "app/"]) == 0
    assert json.loads(capfdbinary.readouterr().out)["boxes"] == []
