"""Every rule's page is tried, and a rule of another package is as good as one of ours."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from command import lockcheck
from fakes import write_tree

from lockcheck.config import Settings
from lockcheck.engine import check
from lockcheck.executors import Work
from lockcheck.harness import judge, trial
from lockcheck.rule import Rule, examples
from lockcheck.rules import RULES

ROOT = Path(__file__).resolve().parent.parent

MINE = """\
r'''
Locks are not for Fridays

Nobody is there on Saturday to unlock them. Use them from Monday on.

## Bad
```rust
fn friday(m: &std::sync::Mutex<u32>) {
    // ruleid: no-friday
    m.lock().unwrap();
}
```
## Good
```rust
fn monday(m: &std::sync::Mutex<u32>) {
    m.lock().unwrap();
}
```
## In production
Hazard. A long weekend.
'''
from lockcheck import ir, witness
from lockcheck.rule import Meta, slug

META = Meta(code="MINE001", severity="warning", languages=("rust",), reach="function")


def check(analysis):
    for moment in analysis:
        event = moment.event
        if isinstance(event, ir.Acquire) and "friday" in analysis.title(moment.function):
            yield witness.of_taken(analysis, slug(__name__), META, moment, event, "`{lock}` on a Friday", "go home")
"""
LIBRARY = """\
use std::sync::Mutex;
pub fn friday_evening(m: &Mutex<u32>) -> u32 {
    *m.lock().unwrap()
}
"""


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.slug)
def test_a_page_reports_exactly_what_it_marks(rule: Rule) -> None:
    texts, complaints = trial(rule)
    assert complaints == []
    assert texts >= 2


def test_ours_are_called_lck() -> None:
    assert [rule.code for rule in RULES if not rule.code.startswith("LCK")] == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.slug)
def test_a_page_says_what_production_shows(rule: Rule) -> None:
    assert rule.production.startswith(("Deadlock. ", "Contention. ", "Contention, ", "Hazard. "))


def test_the_page_of_all_rules_is_not_stale() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "lockcheck", "rules", "--output", "markdown"],
        capture_output=True,
        timeout=60,
        check=True,
    )
    written = (ROOT / "docs" / "rules.md").read_bytes()
    assert done.stdout == written, "run `lockcheck rules --output markdown > docs/rules.md`"


def test_an_example_that_lies_is_found() -> None:
    rule = next(rule for rule in RULES if rule.slug == "read-then-write")
    bad = next(one.text for one in examples(rule) if (one.section, one.language) == ("Bad", "rust"))
    unmarked = "".join(line for line in bad.splitlines(True) if "ruleid" not in line)
    assert [said.partition(": ")[2].partition(":")[0] for said in judge(rule, unmarked, "x.rs", "x")] == [
        "reported and should not be"
    ]
    quiet = bad.replace(".write()", ".try_write()")
    assert [said.partition(": ")[2].partition(":")[0] for said in judge(rule, quiet, "x.rs", "x")] == ["not reported"]


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A folder with an installed package that brings a rule, and a project to check."""
    write_tree(
        tmp_path,
        {
            "site/mine/__init__.py": "",
            "site/mine/no_friday.py": MINE,
            "site/mine-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n",
            "site/mine-1.0.dist-info/entry_points.txt": "[lockcheck.rules]\nmine = mine\n",
            "project/lib.rs": LIBRARY,
            "project/fixtures/no-friday.rs": LIBRARY.replace("    *m", "    // ruleid: no-friday\n    *m"),
        },
    )
    return tmp_path


def command(package: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lockcheck", *arguments], cwd=package / "project", capture_output=True, text=True,
        timeout=60, check=False, env={"PYTHONPATH": f"{package / 'site'}:{ROOT}", "PATH": ""},
    )  # fmt: skip


def test_a_rule_of_another_package_works_like_ours(package: Path) -> None:
    done = command(package, "check", "lib.rs", "--output", "concise")
    assert done.stdout == "lib.rs:3:8: MINE001 `m` on a Friday\n"
    assert command(package, "check", "lib.rs", "--ignore", "no-friday").returncode == 0
    assert "Nobody is there" in command(package, "explain", "MINE001").stdout
    assert "in production: Hazard. A long weekend." in command(package, "check", "lib.rs").stdout
    allowed = LIBRARY.replace("    *m", "    // lockcheck: allow(no-friday): we like it here\n    *m")
    (package / "project" / "lib.rs").write_text(allowed)
    assert command(package, "check", "lib.rs").returncode == 0


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.slug)
def test_our_rules_pass_their_own_trial(rule: Rule) -> None:
    done = lockcheck(ROOT, "test", rule.slug)
    assert (done.returncode, done.stdout.split()[:1]) == (0, ["ok"]), done.stdout


def test_a_rule_of_another_package_is_tried_like_ours(package: Path) -> None:
    done = command(package, "test", "no-friday")
    assert (done.stdout, done.returncode) == ("ok      MINE001  no-friday  3 texts\n", 0)
    (package / "site/mine/no_friday.py").write_text(MINE.replace("// ruleid: no-friday", "// the weekend"))
    done = command(package, "test", "../site/mine/no_friday.py")
    assert done.returncode == 1
    assert "example 1 (Bad, rust):3: reported and should not be" in done.stdout
    assert "example 1 (Bad, rust): marks nothing" in done.stdout


def test_a_rule_that_fails_is_named_and_the_others_go_on(package: Path) -> None:
    (package / "site/mine/no_friday.py").write_text(MINE.replace("for moment in analysis:", "for moment in nothing:"))
    (package / "project" / "lib.rs").write_text(LIBRARY.replace("    *m", "    let g = m.lock().unwrap();\n    *m"))
    done = command(package, "check", "lib.rs", "--output", "concise")
    assert "LCK201" in done.stdout
    assert "no_friday.py:1: no-friday: NameError" in done.stderr


def test_a_package_whose_rules_cannot_be_read_is_named(package: Path) -> None:
    (package / "site/mine/no_friday.py").write_text("META = 1\n")
    done = command(package, "check", "lib.rs")
    assert done.returncode == 2
    assert done.stderr == "lockcheck: rules of 'mine': ValueError: mine.no_friday: a rule file needs META and check()\n"


SLOW = {
    "rs": "struct S { m: std::sync::Mutex<u32> }\nimpl S { fn f(&self) { let g = self.m.lock(); std::thread::sleep(T); "
    "drop(g); } }\n",
    "py": "import threading, time\nlock = threading.Lock()\ndef f():\n    with lock:\n        time.sleep(1)\n",
}


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("src/lib.rs", True),
        ("src/contests.rs", True),
        ("tests/it.rs", False),
        ("benches/fast/main.rs", False),
        ("src/cache/tests.rs", False),
        ("shop/cart.py", True),
        ("shop/attest.py", True),
        ("shop/tests/slow.py", False),
        ("shop/test_cart.py", False),
        ("conftest.py", False),
    ],
)
def test_nobody_waits_long_in_a_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, said: bool) -> None:
    monkeypatch.chdir(tmp_path)
    write_tree(tmp_path, {path: SLOW[path.rpartition(".")[2]]})
    found = check(["."], Settings(select=("LCK402",)), Work()).findings
    assert [finding.span.path for finding in found] == [path] * said


ORDERS = {
    "shop/cart.py": "import threading\n\n\nclass Cart:\n    def __init__(self):\n"
    "        self.a = threading.Lock()\n        self.b = threading.Lock()\n\n"
    "    def one(self):\n        with self.a, self.b:\n            pass\n",
    "shop/other.py": "from shop.cart import Cart\n\n\ndef other(cart: Cart):\n    with cart.b, cart.a:\n        pass\n",
}


@pytest.mark.parametrize(("path", "said"), [("shop/other.py", 1), ("shop/test_cart.py", 0), ("tests/other.py", 0)])
def test_the_order_of_a_test_counts_against_tests_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, said: int
) -> None:
    monkeypatch.chdir(tmp_path)
    write_tree(tmp_path, {"shop/cart.py": ORDERS["shop/cart.py"], path: ORDERS["shop/other.py"]})
    assert len(check(["."], Settings(select=("LCK301",)), Work()).findings) == said


INTERVALS = """\
use parking_lot::{Mutex, RwLock, RwLockWriteGuard};
struct S { m: Mutex<Vec<u32>>, l: RwLock<Vec<u32>> }
impl S {
    fn lets_go_first(&self) -> bool {
        let mut g = self.m.lock();
        if g.is_empty() {
            drop(g);
            return false;
        }
        g.push(1);
        true
    }
    fn hands_on(&self) -> usize {
        let mut g = self.l.write();
        g.push(1);
        let r = RwLockWriteGuard::downgrade(g);
        self.lets_go_first();
        r.len()
    }
}
"""


def test_an_interval_is_told_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_tree(tmp_path, {"src/lib.rs": INTERVALS})
    found = check(["."], Settings(select=("LCK501",)), Work()).findings
    assert [finding.message for finding in found] == [
        "`g` holds `self.m` from line 5 to 12, last used on 10: it ends by `drop`",
        "`g` holds `self.l` from line 14 to 16, last used on 15: it is handed on",
    ]


DOWNGRADED = """\
use tokio::sync::{RwLock, RwLockWriteGuard};
struct S { m: RwLock<Vec<u32>> }
impl S {
    async fn again(&self) -> usize {
        let w = self.m.write().await;
        let r = %s;
        let again = self.m.%s().await;
        r.len() + again.len()
    }
}
"""


@pytest.mark.parametrize(
    "how",
    [
        "RwLockWriteGuard::downgrade(w)",
        "RwLockWriteGuard::downgrade_map(w, |rows| rows)",
        "RwLockWriteGuard::try_downgrade_map(w, |rows| Some(rows)).unwrap()",
    ],
)
def test_a_guard_to_write_becomes_one_to_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    monkeypatch.chdir(tmp_path)
    for wanted, code in (("read", "LCK204"), ("write", "LCK202")):
        write_tree(tmp_path, {"src/lib.rs": DOWNGRADED % (how, wanted)})
        found = check(["."], Settings(select=("LCK201", "LCK202", "LCK203", "LCK204")), Work()).findings
        assert [finding.code for finding in found] == [code]


CLIENTS = """\
use std::sync::Mutex;
struct Client { n: u32 }
impl Client { fn execute(&self, _text: &str) {} }
struct S { m: Mutex<u32>, own: Client, kept: Mutex<postgres::Client> }
impl S {
    fn blocks(&self, c: &mut postgres::Client) { let g = self.m.lock().unwrap(); c.execute("x", &[]); drop(g); }
    fn own(&self) { let g = self.m.lock().unwrap(); self.own.execute("x"); drop(g); }
    fn guarded(&self) { self.kept.lock().unwrap().execute("x", &[]); }
    async fn awaited(&self, c: &tokio_postgres::Client) {
        let g = self.m.lock().unwrap(); let _ = c.execute("x", &[]).await; drop(g);
    }
}
"""


def test_a_client_blocks_unless_it_is_ours_or_guarded_or_awaited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_tree(tmp_path, {"src/lib.rs": CLIENTS})
    found = check(["."], Settings(select=("LCK402",)), Work()).findings
    assert [finding.function for finding in found] == ["S::blocks"]
