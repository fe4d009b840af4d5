"""Names across files and crates, asked of the whole check: what is found must not depend on what stands beside."""

from __future__ import annotations

from pathlib import Path

import pytest
from fakes import write_tree

from lockcheck import engine
from lockcheck.config import Settings
from lockcheck.executors import Work

TABLE = "use std::sync::Mutex;\npub struct Table {\n    pub rows: Mutex<u32>,\n}\n"
TWICE = "    let rows = table.rows.lock().unwrap();\n    let again = table.rows.lock().unwrap();\n"


def found(folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int, str, str]]:
    """Path, line and code of each finding, and how sure it is that it is about a lock."""
    monkeypatch.chdir(folder)
    report = engine.check(["."], Settings(), Work())
    lines = [report.sources[one.span.path].position(one.span.start).line for one in report.findings]
    return [(one.span.path, line, one.code, one.evidence) for one, line in zip(report.findings, lines, strict=True)]


@pytest.mark.parametrize("beside", [{}, {"setup.py": "print(1)\n"}], ids=["alone", "a script beside the manifest"])
def test_crates_are_told_from_packages_of_another_language(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, beside: dict[str, str]
) -> None:
    write_tree(
        tmp_path,
        {
            "Cargo.toml": '[package]\nname = "top"\nversion = "1.0.0"\nedition = "2021"\n',
            "src/lib.rs": "mod table;\npub use table::Table;\n",
            "src/table.rs": TABLE,
            "inner/Cargo.toml": '[package]\nname = "inner"\nversion = "1.0.0"\nedition = "2021"\n'
            '[dependencies]\ntop = { path = ".." }\n',
            "inner/src/lib.rs": "use top::Table;\nfn twice(table: &Table) {\n" + TWICE + "}\n",
            **beside,
        },
    )
    assert found(tmp_path, monkeypatch) == [("inner/src/lib.rs", 4, "LCK201", "declared")]


def test_names_are_found_through_modules_that_bring_in_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first question must not spoil the answer to the second."""
    write_tree(
        tmp_path,
        {
            "Cargo.toml": '[package]\nname = "top"\nversion = "1.0.0"\nedition = "2021"\n',
            "src/lib.rs": "mod a;\nmod b;\nmod c;\n"
            "fn one(table: &a::Table) {\n" + TWICE + "}\n"
            "fn two(table: &b::Table) {\n" + TWICE + "}\n",
            "src/a.rs": "pub use super::b::*;\npub use super::c::*;\n",
            "src/b.rs": "pub use super::a::*;\n",
            "src/c.rs": TABLE,
        },
    )
    assert found(tmp_path, monkeypatch) == [
        ("src/lib.rs", 6, "LCK201", "declared"),
        ("src/lib.rs", 10, "LCK201", "declared"),
    ]


OF_OLD = """pub fn again(table: &::table::Table) {
    let rows = table.rows.lock().unwrap();
    table.all();
}
mod inner {
    use table::{self, Table};
    fn twice(table: &Table) {
        let rows = table.rows.lock().unwrap();
        table::all_of(table);
    }
}
"""


STAND_IN = """pub struct Mutex<T> { inner: RefCell<T> }
impl<T> Mutex<T> {
    pub fn lock(&self) -> Result<RefMut<T>, ()> { Ok(self.inner.borrow_mut()) }
}
"""
HAS_EITHER = """pub struct Table { rows: Mutex<u32> }
impl Table {
    pub fn all(&self) -> u32 { *self.rows.lock().unwrap() }
    pub fn again(&self) -> u32 {
        let rows = self.rows.lock().unwrap();
        self.all() + *rows
    }
}
"""


@pytest.mark.parametrize(
    ("edition", "path"), [("", "sync::Mutex"), ('edition = "2021"\n', "crate::sync::Mutex")], ids=["2015", "2021"]
)
def test_a_lock_for_which_a_type_of_the_tree_stands_in_at_times_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, edition: str, path: str
) -> None:
    """Crates that can do without the standard library have a type of their own in place of its lock."""
    modules = 'mod sync { pub use ::std::sync::{Mutex, MutexGuard}; }\n#[cfg(not(feature = "std"))]\nmod sync;\n'
    write_tree(
        tmp_path,
        {
            "Cargo.toml": '[package]\nname = "top"\nversion = "1.0.0"\n' + edition,
            "src/lib.rs": '#[cfg(feature = "std")]\n' + modules + "mod table;\n",
            "src/sync.rs": STAND_IN,
            "src/table.rs": f"use {path};\n" + HAS_EITHER,
        },
    )
    assert found(tmp_path, monkeypatch) == [("src/table.rs", 7, "LCK201", "declared")]


@pytest.mark.parametrize("name", ["FxDashMap", "DashMap", "HashMap"])
def test_a_concurrent_map_is_known_by_its_name_where_its_crate_is_not_at_hand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A crate of the same project hands it on, by its own name or with another hasher."""
    code = f"""use shared::{name};
pub struct Cache {{
    map: {name}<u32, String>,
}}
impl Cache {{
    pub fn bad(&self) {{
        if let Some(one) = self.map.get(&1) {{
            self.map.insert(1, one.clone());
        }}
    }}
}}
"""
    write_tree(tmp_path, {"Cargo.toml": '[package]\nname = "top"\nversion = "1.0.0"\n', "src/lib.rs": code})
    expected = [] if name == "HashMap" else [("src/lib.rs", 8, "LCK202", "inferred")]
    assert found(tmp_path, monkeypatch) == expected


@pytest.mark.parametrize("edition", ["", 'edition = "2018"\n'], ids=["2015", "2018"])
def test_paths_of_imports_begin_at_the_root_of_a_crate_up_to_2015(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, edition: str
) -> None:
    """From 2018 on the same paths begin with a crate, which is not at hand here."""
    write_tree(
        tmp_path,
        {
            "Cargo.toml": '[package]\nname = "top"\nversion = "1.0.0"\n' + edition,
            "src/lib.rs": "extern crate log;\nmod table;\nmod users;\n",
            "src/table.rs": TABLE.replace("sync::Mutex", "sync::{self, Mutex}") + "impl Table {\n"
            "    pub fn all(&self) -> u32 { *self.rows.lock().unwrap() }\n}\n"
            "pub fn all_of(table: &Table) -> u32 { table.all() }\n",
            "src/users.rs": OF_OLD,
        },
    )
    hangs = [("src/users.rs", 3, "LCK201", "declared"), ("src/users.rs", 9, "LCK201", "declared")]
    assert found(tmp_path, monkeypatch) == ([] if edition else hangs)


SERVICE = """use std::sync::{Arc, RwLock};
use std::thread::{self, JoinHandle};
struct Inner { handle: Option<JoinHandle<()>>, active: bool }
struct Service(Arc<RwLock<Inner>>);
impl Service {
    fn run(&self) {
        let mine = self.0.clone();
        let thread = thread::spawn(move || while mine.read().unwrap().active {});
        self.0.write().unwrap().handle = Some(thread);
    }
    fn join(&self) {
        self.0.write().unwrap().handle.take().map(JoinHandle::join);
    }
    fn join_later(&self) {
        let handle = self.0.write().unwrap().handle.take();
        handle.map(JoinHandle::join);
    }
}
"""
ENDS = """use tokio::sync::watch;
struct Cache { sends: watch::Sender<u32>, shows: watch::Receiver<u32> }
impl Cache {
    fn new() -> Self {
        let (sends, shows) = watch::channel(0);
        Self { sends, shows }
    }
    fn clear(&self) {
        let shown = self.shows.borrow();
        self.sends.send(*shown);
    }
    fn renew(&self) {
        let shown = *self.shows.borrow();
        self.sends.send(shown);
    }
}
"""
KEPT = """use std::sync::{Arc, Mutex};
fn kept(jobs: Arc<Mutex<u32>>, server: elsewhere::Server) {
    let held = jobs.lock().unwrap();
    let mine = jobs.clone();
    server.on_request(move || *mine.lock().unwrap());
    server.on_request(|| *jobs.lock().unwrap());
    drop(held);
}
"""


HANDED_ON = """
use std::sync::{Arc, Mutex};
struct Mock { server: outside::Server }
impl Mock {
    fn respond_with<F: Fn() -> u32 + 'static>(self, func: F) -> Mock {
        Mock { server: self.server.route().respond_with(func) }
    }
}
fn answers(mock: Mock, lock: Arc<Mutex<u32>>) {
    let mine = lock.lock().unwrap();
    let theirs = lock.clone();
    mock.respond_with(move || *theirs.lock().unwrap());
    drop(mine);
}
"""


PINNED = """
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::watch;
struct Service { rx: watch::Receiver<Option<u32>>, tx: watch::Sender<Option<u32>> }
impl Service {
    fn new() -> Self {
        let (tx, rx) = watch::channel(None);
        Service { rx, tx }
    }
}
impl std::future::Future for Service {
    type Output = ();
    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        loop {
            if let Some(id) = &*this.rx.borrow() && *id == 1 {
                let _ = this.tx.send(None);
            }
        }
    }
}
"""


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (PINNED, [(18, "LCK202")]),
        (SERVICE, [(12, "LCK303")]),
        (ENDS, [(10, "LCK202")]),
        (KEPT, [(6, "LCK201")]),
        (HANDED_ON, []),
    ],
)
def test_who_is_on_the_other_side(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, wanted: list[tuple[int, str]]
) -> None:
    """A thread by its handle, a channel's other end, closures that are kept where one that borrows cannot be."""
    write_tree(tmp_path, {"lib.rs": text})
    assert [(line, code) for _, line, code, _ in found(tmp_path, monkeypatch)] == wanted


def test_a_callee_that_runs_a_future_to_its_end_may_await(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether anybody else needs the thread cannot be told from here: said only to those who want what is possible."""
    source = (
        "use std::sync::Mutex;\nstruct S { m: Mutex<u32>, rt: tokio::runtime::Runtime }\nimpl S {\n"
        "    async fn fetch(&self) -> u32 { tick().await }\n"
        "    fn load(&self) -> u32 { self.rt.block_on(self.fetch()) }\n"
        "    fn value(&self) -> u32 { 1 }\n"
        "    fn held(&self) -> u32 { let g = self.m.lock().unwrap(); let new = self.load(); *g + new }\n"
        "    fn free(&self) -> u32 { let new = self.load(); let g = self.m.lock().unwrap(); *g + new }\n"
        "    fn plain(&self) -> u32 { let g = self.m.lock().unwrap(); let new = self.value(); *g + new }\n}\n"
    )
    write_tree(tmp_path, {"a.rs": source})
    monkeypatch.chdir(tmp_path)
    found = engine.check(["."], Settings(select=("LCK401",), min_confidence="possible"), Work()).findings
    assert [(one.function, one.confidence) for one in found] == [("S::held", "possible")]
    assert not engine.check(["."], Settings(select=("LCK401",)), Work()).findings


def test_a_variable_may_be_made_of_what_it_was_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its names then go round in a ring, which has no end to look for a type at."""
    write_tree(
        tmp_path,
        {
            "a.rs": "use std::sync::Mutex;\n"
            "fn first(m: &Mutex<u32>, all: &Vec<u32>) -> u32 { *m.lock().unwrap() + all[0] }\n"
            "fn turned(m: &Mutex<u32>, back: bool) -> u32 {\n"
            "    let mut found = vec![1, 2];\n"
            "    if back { found = found.into_iter().rev().collect(); }\n"
            "    first(m, &found)\n"
            "}\n"
            "fn twice(m: &Mutex<u32>) {\n"
            "    let held = m.lock().unwrap();\n"
            "    turned(m, true);\n"
            "}\n"
        },
    )
    assert [(line, code) for _, line, code, _ in found(tmp_path, monkeypatch)] == [(10, "LCK201")]


def test_a_library_type_answers_before_a_trait_of_the_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A map's own `get` is meant, whatever a trait that the tree implements for maps calls the same."""
    source = (
        "use std::collections::HashMap;\nuse std::sync::{Arc, Mutex};\n"
        "pub trait Rows { fn get(&self, key: &u32) -> Option<u32>; }\n"
        "impl Rows for HashMap<u8, u32> {\n    fn get(&self, _: &u32) -> Option<u32> { None }\n}\n"
        "pub struct Shelf { rows: HashMap<u32, Arc<Mutex<u32>>>, ledger: Mutex<u32> }\n"
        "impl Shelf {\n"
        "    fn row(&self, key: u32) -> Arc<Mutex<u32>> { self.rows.get(&key).unwrap().clone() }\n"
        "    fn one(&self) {\n        let row = self.row(1);\n        let first = row.lock().unwrap();\n"
        "        let then = self.ledger.lock().unwrap();\n    }\n"
        "    fn two(&self) {\n        let row = self.row(1);\n        let first = self.ledger.lock().unwrap();\n"
        "        let then = row.lock().unwrap();\n    }\n}\n"
    )
    write_tree(tmp_path, {"src/lib.rs": source})
    assert [(line, code) for _, line, code, _ in found(tmp_path, monkeypatch)] == [(13, "LCK301")]


def test_a_method_of_a_base_trait_is_that_of_who_has_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = (
        "use std::sync::RwLock;\n"
        "pub trait Named { fn name(&self) -> u32; }\n"
        "pub trait Kept: Named { fn keep(&self) -> u32; }\n"
        "pub struct Plain;\nimpl Named for Plain { fn name(&self) -> u32 { 1 } }\n"
        "impl Kept for Plain { fn keep(&self) -> u32 { 2 } }\n"
        "pub struct Locked { pub shelf: RwLock<u32> }\n"
        "impl Named for Locked { fn name(&self) -> u32 { *self.shelf.read().unwrap() } }\n"
        "pub struct Hall { shelf: RwLock<u32>, locked: Locked }\n"
        "impl Hall {\n"
        "    fn one(&self, with: &dyn Kept, mine: &RwLock<u32>) -> u32 {\n"
        "        let _guard = self.locked.shelf.write().unwrap();\n        with.name()\n    }\n"
        "    fn two(&self) -> u32 {\n"
        "        let _guard = self.locked.shelf.write().unwrap();\n        self.any(&self.locked)\n    }\n"
        "    fn any(&self, with: &dyn Named) -> u32 { with.name() }\n"
        "    fn three(&self) -> u32 {\n"
        "        let _guard = self.locked.shelf.write().unwrap();\n        self.both(&self.locked)\n    }\n"
        "    fn both(&self, with: &impl Kept) -> u32 { with.name() }\n}\n"
    )
    write_tree(tmp_path, {"src/lib.rs": source})
    assert [(line, code) for _, line, code, _ in found(tmp_path, monkeypatch)] == [(17, "LCK203")]


GIVEN = {
    "a part of an object": ("&Mutex<u8>", "&self.m", "", True),
    "a part of an object, if there is one": ("Option<&Mutex<u8>>", "Some(&self.m)", ".unwrap()", True),
    "a part of an object or nothing that went wrong": ("Result<&Mutex<u8>, ()>", "Ok(&self.m)", ".unwrap()", True),
    "nothing and a part of an object": ("((), &Mutex<u8>)", "((), &self.m)", ".1", True),
    "nothing": ("Result<(), u8>", "Ok(())", ".map(|_| &self.n).unwrap()", False),
}


@pytest.mark.parametrize(("kind", "value", "then", "hangs"), GIVEN.values(), ids=GIVEN.keys())
def test_what_a_function_returns_may_be_a_lock_by_another_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, value: str, then: str, hangs: bool
) -> None:
    code = f"""
use std::sync::Mutex;
struct S {{ m: Mutex<u8>, n: Mutex<u8> }}
impl S {{
    fn part(&self) -> {kind} {{ {value} }}
    fn twice(&self) {{
        let one = self.m.lock().unwrap();
        let two = self.part(){then}.lock().unwrap();
    }}
}}
"""
    write_tree(tmp_path, {"a.rs": code})
    monkeypatch.chdir(tmp_path)
    report = engine.check(["."], Settings(), Work())
    assert [finding.slug for finding in report.findings] == ["lock-taken-twice"] * hangs


def test_what_hangs_in_a_test_is_hidden_by_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tests = "#[cfg(test)]\nmod tests {\n    #[test]\n    fn twice(table: &super::Table) {\n" + TWICE + "    }\n}\n"
    write_tree(tmp_path, {"src/lib.rs": TABLE + "fn twice(table: &Table) {\n" + TWICE + "}\n" + tests})
    assert found(tmp_path, monkeypatch) == [("src/lib.rs", 7, "LCK201", "declared")]
    report = engine.check(["."], Settings(min_confidence="possible"), Work())
    assert [one.confidence for one in report.findings] == ["certain", "possible"]


@pytest.mark.parametrize(
    "parameter",
    [
        "State(state): axum::extract::State<Arc<Site>>",
        "axum::Extension(state): axum::Extension<Arc<Site>>",
        "state: tauri::State<'_, Site>",
        "state: web::Data<Site>",
        "state: Res<Site>",
    ],
)
def test_what_a_framework_hands_to_a_handler_stands_for_what_is_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, parameter: str
) -> None:
    write_tree(
        tmp_path,
        {
            "lib.rs": "use actix_web::web;\nuse axum::extract::State;\nuse bevy_ecs::prelude::Res;\n"
            "use std::sync::{Arc, Mutex};\npub struct Site {\n    users: Mutex<Vec<u32>>,\n}\nimpl Site {\n"
            "    fn count(&self) -> usize {\n        self.users.lock().unwrap().len()\n    }\n}\n"
            f"fn page({parameter}) -> usize {{\n    let users = state.users.lock().unwrap();\n"
            "    users.len() + state.count()\n}\n"
        },
    )
    assert found(tmp_path, monkeypatch) == [("lib.rs", 15, "LCK201", "declared")]
    report = engine.check(["."], Settings(), Work())
    assert "`state.users`" in report.findings[0].message


def test_a_crate_and_a_package_of_one_name_are_two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_tree(
        tmp_path,
        {
            "Cargo.toml": '[package]\nname = "top"\nversion = "1.0.0"\nedition = "2021"\n',
            "src/lib.rs": "pub mod schema;\n",
            "src/schema.rs": TABLE + "pub struct Kind;\npub struct Small;\nimpl TryFrom<Kind> for Small {\n"
            f"    fn try_from(kind: Kind, table: &crate::schema::Table) {{\n{TWICE}    }}\n}}\n",
            "src/main.rs": f"use top::schema::Table;\nfn twice(table: &Table) {{\n{TWICE}}}\n",
            "user/Cargo.toml": '[package]\nname = "user"\nversion = "1.0.0"\nedition = "2021"\n'
            '[dependencies]\ntop = { path = ".." }\n',
            "user/src/lib.rs": f"use top::schema::Table;\nfn twice(table: &Table) {{\n{TWICE}}}\n",
            "pyproject.toml": "",
            "top/__init__.py": "",
            "top/schema.py": "from typing import Union\nKind = Union[int, str]\nTable = Union[bytes, str]\n",
        },
    )
    assert found(tmp_path, monkeypatch) == [
        ("src/main.rs", 4, "LCK201", "declared"),
        ("src/schema.rs", 10, "LCK201", "declared"),
        ("user/src/lib.rs", 4, "LCK201", "declared"),
    ]


@pytest.mark.parametrize("early", [False, True])
def test_a_static_that_is_made_early_is_made_when_it_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, early: bool
) -> None:
    write_tree(
        tmp_path,
        {
            "Cargo.toml": '[package]\nname = "top"\nversion = "1.0.0"\nedition = "2021"\n',
            "src/lib.rs": "use std::sync::{LazyLock, Mutex};\nstatic ROWS: Mutex<u32> = Mutex::new(1);\n"
            "static SUM: LazyLock<u32> = LazyLock::new(|| *ROWS.lock().unwrap());\n"
            "fn use_it() -> u32 {\n    let rows = ROWS.lock().unwrap();\n    *SUM + *rows\n}\n",
            "src/main.rs": "use top::SUM;\nfn main() {\n    std::sync::LazyLock::force(&SUM);\n}\n" if early else "",
        },
    )
    assert found(tmp_path, monkeypatch) == ([] if early else [("src/lib.rs", 6, "LCK201", "declared")])


OF_ANY_TYPE = """\
use std::sync::Mutex;
static LIST: Mutex<Vec<u32>> = Mutex::new(Vec::new());
pub trait Flavour { fn enter(); }
pub trait Quiet { fn enter_quietly(); }
pub struct Loud;
impl Flavour for Loud { fn enter() { LIST.lock().unwrap().clear(); } }
pub struct Gate<F: Flavour> { flavour: F }
impl<F: Flavour> Gate<F> { pub fn pass(&self) { F::enter(); } }
pub fn pass<F: Flavour>(gate: &Gate<F>) -> usize { let list = LIST.lock().unwrap(); gate.pass(); list.len() }
"""


@pytest.mark.parametrize(
    ("more", "said"),
    [("", "certain"), ("impl<Q: Quiet> Flavour for Q { fn enter() { Q::enter_quietly(); } }\n", "likely")],
    ids=["one type alone", "and any that does something else"],
)
def test_a_trait_that_any_type_may_implement_has_no_only_implementation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: str, said: str
) -> None:
    write_tree(tmp_path, {"lib.rs": OF_ANY_TYPE + more})
    monkeypatch.chdir(tmp_path)
    findings = engine.check(["."], Settings(), Work()).findings
    assert [(one.code, one.confidence) for one in findings] == [("LCK201", said)]


def test_a_closure_that_is_called_for_several_locks_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One text, one finding: it names the first of the locks."""
    closure = "let twice = |one: &Mutex<u32>| {\n let held = one.lock().unwrap();\n *held + *one.lock().unwrap()\n };\n"
    fields = "use std::sync::Mutex;\nstruct Rows { a: Mutex<u32>, b: Mutex<u32> }\n"
    text = f"{fields}impl Rows {{ fn sum(&self) -> u32 {{\n{closure} twice(&self.a) + twice(&self.b) }} }}\n"
    write_tree(tmp_path, {"lib.rs": text})
    assert found(tmp_path, monkeypatch) == [("lib.rs", 6, "LCK201", "declared")]


def test_what_parallel_iterators_give_is_what_others_give(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Five types have a method of that name, so that it is known by the type of the element alone."""
    kinds = "".join(f"pub struct K{n};\nimpl K{n} {{ fn size(&self, _: &Shop) -> u32 {{ {n} }} }}\n" for n in range(4))
    ways = (
        "desks.par_iter()",
        "desks.par_iter_mut()",
        "map.par_iter().map(|(_, desk)| desk)",
        "desks.iter().par_bridge()",
    )
    functions = "".join(
        f"fn f{n}(shop: &Shop, desks: &mut Vec<Desk>, map: &HashMap<u32, Desk>) -> u32 {{\n"
        f"    let rows = shop.rows.write().unwrap();\n    {way}.map(|desk| desk.size(shop)).sum()\n}}\n"
        for n, way in enumerate(ways)
    )
    shop = "pub struct Shop { rows: RwLock<u32> }\npub struct Desk;\n"
    desk = "impl Desk { fn size(&self, shop: &Shop) -> u32 { *shop.rows.read().unwrap() } }\n"
    text = "use std::collections::HashMap;\nuse std::sync::RwLock;\n" + shop + desk + kinds + functions
    write_tree(tmp_path, {"lib.rs": text})
    assert [code for _, _, code, _ in found(tmp_path, monkeypatch)] == ["LCK203"] * len(ways)


WRAPPED = """
use std::sync::{Arc, Mutex};
struct Clock { time: Mutex<u8> }
struct Bell { tone: Mutex<u8>, clock: Arc<Clock> }
trait Begin { fn begin(&self); }
impl Begin for Arc<Clock> {
    fn begin(&self) { *self.time.lock().unwrap() += 1; }
}
impl Bell {
    fn begin(&self) { *self.tone.lock().unwrap() += 1; }
}
impl Clock {
    fn tick(&self, bell: &Arc<Bell>) {
        let time = self.time.lock().unwrap();
        bell.begin();
        drop(time);
        let tone = bell.tone.lock().unwrap();
        bell.begin();
    }
}
"""


def test_what_a_wrapper_of_one_type_does_that_of_another_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`impl Begin for Arc<Clock>` says nothing of an `Arc<Bell>`."""
    write_tree(tmp_path, {"a.rs": WRAPPED})
    line = 1 + WRAPPED.splitlines().index("        bell.begin();", WRAPPED.splitlines().index("        drop(time);"))
    assert found(tmp_path, monkeypatch) == [("a.rs", line, "LCK201", "declared")]


@pytest.mark.parametrize(("call", "hangs"), [("stream.process", False), ("stream.modify", True)])
def test_what_an_unknown_listener_is_given_is_for_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, hangs: bool
) -> None:
    code = f"""
use std::sync::{{Arc, Mutex}};
fn open(stream: &mut sound::Stream, queue: &Arc<Mutex<u8>>) {{
    let ready = queue.lock().unwrap();
    let mine = queue.clone();
    {call}(move |part| *mine.lock().unwrap() += part);
    drop(ready);
}}
"""
    write_tree(tmp_path, {"a.rs": code})
    assert [code for _, _, code, _ in found(tmp_path, monkeypatch)] == ["LCK201"] * hangs


KEPT = """use std::sync::Mutex;
fn weigh(scale: &Mutex<u32>, empty: bool) -> u32 {
    let again = |why: &str| {
        let twice = |plus: usize| *scale.lock().unwrap() + plus as u32;
        twice(why.len())
    };
    if empty {
        return again("nothing there");
    }
    let read = scale.lock().unwrap();
    if *read > 3 {
        return again("too much");
    }
    [1, 2].iter().map(|one| one + *read).sum()
}
"""


STARTED = KEPT.replace("-> u32 {\n    let again", "{ std::thread::spawn(move || {\n    let again").replace(
    "    [1, 2].iter().map(|one| one + *read).sum()\n}", "    *read\n}); }"
)


@pytest.mark.parametrize("code", [KEPT, STARTED], ids=["here", "in a thread"])
def test_the_witness_names_the_calls_of_closures_on_the_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    """Outermost first, and only the calls that come to it under the guard."""
    write_tree(tmp_path, {"a.rs": code})
    monkeypatch.chdir(tmp_path)
    (one,) = engine.check(["."], Settings(), Work()).findings
    lines = [code.encode()[: note.span.start].count(b"\n") + 1 for note in one.notes]
    assert (code.encode()[: one.span.start].count(b"\n") + 1, lines) == (4, [10, 12, 5])
    assert [note.label for note in one.notes[1:]] == ["the closure is called here"] * 2
    assert one.notes_before in (None, 3)
