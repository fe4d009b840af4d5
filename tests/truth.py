"""Runs fixtures for their truth: what is said to hang must hang, every cure must end.

What is run in a file:

    fn bad_x() / fn good_x()                free, or in an `impl` of a type that has `Default`; `async` too
    fn hangs_x() / fn ends_x()              a driver of its own, for what needs arguments, threads or another order

A `bad_` function must hang when it holds a mark of a rule that claims a deadlock and end otherwise, a `good_` one must end.
`// run: hangs` or `// run: ends` on the line above a function overrules that.
A type (or the file) with a method `contend` has it called over and over by a second thread, while the function is called over and over
and interrupted: a nested read hangs only when a writer comes between (fixtures/stubs/contention.rs).
In `await-while-locked` every async function runs twice at once on one thread (or next to an async `contend`).

Each run is a process of its own. "Hangs" means: said that it starts, and then no thread of it wanted the processor for more than half a second
(where the system does not say so: was still running after two seconds).
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import marks
from driven import run_by

ROOT = Path(__file__).resolve().parent.parent
FIXTURES = ROOT / "fixtures"
STUBS = sorted((FIXTURES / "stubs").glob("*.rs"))
DEADLOCKS = frozenset(
    {
        "lock-taken-twice",
        "read-then-write",
        "write-then-read",
        "nested-read",
        "lock-order-cycle",
        "wait-for-lock-holder",
    }
)
GLANCE = 0.05
GLANCES = 12
BLIND_LIMIT = 2.0
LIMIT = 30.0
AT_ONCE = 24

IMPL = re.compile(r"^impl(?:<[^>]*>)?\s+(?:[\w:]+(?:<[^>]*>)?\s+for\s+)?(\w+)(<[^{]*>)?\s*(?:where[^{]*)?\{")
FUNCTION = re.compile(r"^( {4})?(?:pub(?:\([^)]*\))? )?(async )?fn (bad|good|hangs|ends)_(\w+)(?:<[^>]*>)?\(([^)]*)\)")
CONTEND = re.compile(r"^( {4})?(?:pub )?(async )?fn contend\((&self)?\)")
RUN = re.compile(r"^\s*// run: (hangs|ends)$")
RECEIVERS = ("&self", "&mut self", "self", "mut self", "self: &Arc<Self>", "self: Arc<Self>")


@dataclass(frozen=True, slots=True)
class Entry:
    """One function of a fixture that is run by itself."""

    name: str
    owner: str | None
    receiver: str
    is_async: bool
    hangs: bool
    line: int


def functions(text: str, slug: str) -> Iterator[tuple[re.Match[str], str | None, bool, int]]:
    """Each candidate of a file: how it is written, the type it belongs to, whether it is said to hang, its line."""
    lines = text.splitlines()
    claims = {
        mark.line
        for mark in marks.marks(text)
        if mark.kind in ("ruleid", "todoruleid", "missed") and mark.slug in DEADLOCKS | {"await-while-locked"}
    }
    owner: str | None = None
    for number, line in enumerate(lines, 1):
        if opened := IMPL.match(line):
            owner = opened[1] + (opened[2] or "").replace("<'_>", "")
        elif line and not line.startswith((" ", "/", "#")):
            owner = None
        said = FUNCTION.match(line)
        if said is None or (said[1] is not None and owner is None):
            continue
        indent = said[1] or ""
        end = next((n for n in range(number, len(lines) + 1) if lines[n - 1].startswith(indent + "}")), len(lines))
        above = RUN.match(lines[number - 2]) if number > 1 else None
        hangs = (
            above[1] == "hangs"
            if above
            else said[3] == "hangs" or (said[3] == "bad" and any(number <= n <= end for n in claims))
        )
        yield said, owner if indent else None, hangs, number


def entries(text: str, slug: str) -> list[Entry]:
    """What of a file is run; a `bad_` or `good_` function that nothing runs is refused."""
    found: list[Entry] = []
    unrun: dict[str, int] = {}
    for said, owner, hangs, line in functions(text, slug):
        receiver, rest = said[5].strip().rstrip(","), ""
        if "," in receiver:
            receiver, rest = (part.strip() for part in receiver.split(",", 1))
        plain = not rest and (receiver in RECEIVERS and "<" not in owner if owner else not receiver)
        if plain:
            found.append(Entry(f"{said[3]}_{said[4]}", owner, receiver, bool(said[2]), hangs, line))
        else:
            unrun[said[4]] = line
    run = run_by([entry.name for entry in found], unrun)
    return [entry for entry in found if entry.name in run]


def main_of(text: str, slug: str) -> str:
    """The `main` that is put under a fixture: it runs the entry it is given."""
    contended: dict[str | None, bool] = {}
    owner = None
    for line in text.splitlines():
        if opened := IMPL.match(line):
            owner = opened[1]
        if said := CONTEND.match(line):
            contended[owner if said[1] else None] = bool(said[2])
    arms = []
    for entry in entries(text, slug):
        make, call = "", f"{entry.name}()"
        if entry.owner:
            call = f"it.{entry.name}()"
            make = f"let it = std::sync::Arc::new(<{entry.owner}>::default());"
            if entry.receiver == "&mut self":
                make = f"let mut it = <{entry.owner}>::default();"
            elif entry.receiver in ("self", "mut self"):
                make = f"let it = <{entry.owner}>::default();"
            elif entry.receiver == "self: Arc<Self>":
                call = f"it.clone().{entry.name}()"
        has_contend = entry.owner in contended and entry.receiver in ("&self", "self: &Arc<Self>", "")
        contend = "it.contend()" if entry.owner else "contend()"
        if entry.name.startswith(("hangs", "ends")):
            has_contend = False
        if entry.is_async and slug == "await-while-locked":
            other = contend if has_contend else call
            body = f"block_on(async {{ tokio::join!({call}, {other}); }});"
        else:
            run = f"block_on({call})" if entry.is_async else call
            body = f"let _ = {run};"
            if has_contend:
                write = f"block_on({contend})" if contended[entry.owner] else contend
                body = f"contention::contended(|| {{ {body} }}, || {{ {write}; }});"
        arms.append(f'        "{entry.name}" => {{ {make} {body} }}')
    return """
#[allow(unused)]
fn main() {
    fn block_on<F: std::future::Future>(future: F) -> F::Output {
        tokio::runtime::Runtime::new().unwrap().block_on(future)
    }
    println!("start");
    match std::env::args().nth(1).unwrap().as_str() {
%s
        other => panic!("no entry {other}"),
    }
    println!("end");
}
""" % "\n".join(arms)


@cache
def rustc() -> str | None:
    """The compiler, if this machine has one that works."""
    path = shutil.which("rustc")
    if path is None:
        return None
    said = subprocess.run([path, "-vV"], capture_output=True, text=True, check=False)
    return path if said.returncode == 0 else None


@cache
def version() -> str:
    compiler = rustc()
    assert compiler is not None
    return subprocess.run([compiler, "-vV"], capture_output=True, text=True, check=True).stdout


def digest(*parts: str | bytes) -> str:
    total = hashlib.sha256()
    for part in parts:
        total.update(part.encode() if isinstance(part, str) else part)
        total.update(b"\0")
    return total.hexdigest()[:20]


class CompileError(Exception):
    pass


def compile_one(
    source: Path, output: Path, *, edition: str, name: str, kind: str, externs: Mapping[str, Path], folder: Path
) -> None:
    compiler = rustc()
    assert compiler is not None
    command = [
        compiler,
        str(source),
        "--edition",
        edition,
        "--crate-name",
        name,
        "--crate-type",
        kind,
        "--cap-lints",
        "allow",
    ]
    command += ["-C", "debuginfo=0", "-C", "opt-level=0", "-o", str(output), "-L", str(folder)]
    for extern, path in externs.items():
        command += ["--extern", f"{extern}={path}", "-L", str(path.parent)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode:
        raise CompileError(f"{source.name} does not compile in edition {edition}:\n{run.stderr[-6000:]}")


def stubs(build: Path) -> dict[str, Path]:
    """The stand-in crates, compiled once."""
    key = digest(version(), *(stub.read_bytes() for stub in STUBS))
    folder = build / f"stubs-{key}"
    ready = {stub.stem: folder / f"lib{stub.stem}.rlib" for stub in STUBS}
    if not (folder / "done").exists():
        folder.mkdir(parents=True, exist_ok=True)
        for stub in STUBS:
            compile_one(stub, ready[stub.stem], edition="2021", name=stub.stem, kind="rlib", externs={}, folder=folder)
        (folder / "done").touch()
    return ready


def asleep(process: subprocess.Popen[str]) -> bool | None:
    """Whether every thread of a process waits for something; None where the system does not say."""
    tasks = Path(f"/proc/{process.pid}/task")
    if not tasks.is_dir():
        return None
    try:
        return all((task / "stat").read_text().rpartition(")")[2].split()[0] == "S" for task in tasks.iterdir())
    except OSError:
        return False


def hung(process: subprocess.Popen[str]) -> bool:
    """Whether a process hangs; false when it ends."""
    start = time.monotonic()
    quiet = 0
    while process.poll() is None and time.monotonic() - start < LIMIT:
        time.sleep(GLANCE)
        sleeping = asleep(process)
        quiet = quiet + 1 if sleeping else 0
        if quiet >= GLANCES or (sleeping is None and time.monotonic() - start > BLIND_LIMIT and process.poll() is None):
            return True
    return False


def run_one(binary: Path, name: str, hangs: bool) -> str:
    """What became of one entry: nothing when it did as it should."""
    process = subprocess.Popen(
        [binary, name], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        if process.stdout.readline().strip() != "start":
            return f"{name}: did not start"
        if hangs:
            return "" if hung(process) else f"{name}: should hang and did not"
        try:
            _, complaint = process.communicate(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            return f"{name}: should end and was still running after {LIMIT:.0f} s"
        return (
            f"{name}: ended with status {process.returncode}: {complaint.strip()[-300:]}" if process.returncode else ""
        )
    finally:
        process.kill()
        process.communicate()


def run_all(binary: Path, wanted: Mapping[str, bool]) -> list[str]:
    """The entries that did not do as they should (a hang costs time, not work, so many run at once)."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        said = pool.map(lambda item: run_one(binary, *item), sorted(wanted.items(), key=lambda item: not item[1]))
        return [complaint for complaint in said if complaint]


def judge(fixture: Path, build: Path) -> list[str]:
    """Compile one fixture, run every entry, and say what was not as claimed."""
    text = fixture.read_text(encoding="utf-8")
    slug, edition = marks.slug(fixture), marks.edition(fixture)
    crates = stubs(build)
    source = text + main_of(text, slug)
    wanted = {entry.name: entry.hangs for entry in entries(text, slug)}
    folder = (
        build / f"{fixture.stem}-{digest(version(), source, json.dumps(wanted), *map(str, crates.values()), edition)}"
    )
    if (folder / "true").exists():
        return []
    folder.mkdir(parents=True, exist_ok=True)
    path, binary = folder / "fixture.rs", folder / "fixture"
    path.write_text(source, encoding="utf-8")
    compile_one(path, binary, edition=edition, name="fixture", kind="bin", externs=crates, folder=folder)
    complaints = run_all(binary, wanted)
    binary.unlink()
    if not complaints:
        (folder / "true").touch()
    return complaints


def crate_of(manifest: Path) -> tuple[str, str, list[Path]]:
    """The name, the edition and the path dependencies of a Cargo.toml; only what the programs here write."""
    text = manifest.read_text(encoding="utf-8")
    name = re.search(r'^name\s*=\s*"([^"]+)"', text, re.M)
    edition = re.search(r'^edition\s*=\s*"([^"]+)"', text, re.M)
    if edition is None and re.search(r"^edition\.workspace\s*=\s*true|^edition\s*=\s*\{\s*workspace", text, re.M):
        for folder in manifest.parent.parents:
            if (folder / "Cargo.toml").exists():
                edition = re.search(
                    r'^edition\s*=\s*"([^"]+)"', (folder / "Cargo.toml").read_text(encoding="utf-8"), re.M
                )
                break
    assert name is not None, manifest
    return (
        name[1],
        edition[1] if edition else "2015",
        [
            (manifest.parent / path).resolve()
            for path in re.findall(r'path\s*=\s*"([^"]+)"', text)
            if not path.endswith(".rs")
        ],
    )


def judge_program(program: Path, build: Path) -> list[str]:
    """Compile the crates of a program in the order of their dependencies; run every `hangs_` and `ends_` of each."""
    manifests = [
        path for path in sorted(program.rglob("Cargo.toml")) if "[package]" in path.read_text(encoding="utf-8")
    ]
    every = b"".join(path.read_bytes() for path in sorted(program.rglob("*")) if path.suffix in (".rs", ".toml"))
    externs = stubs(build)
    folder = (
        build / f"{program.name}-{digest(version(), every, *map(str, externs.values()), Path(__file__).read_bytes())}"
    )
    if (folder / "true").exists():
        return []
    folder.mkdir(parents=True, exist_ok=True)
    todo = {manifest.parent.resolve(): crate_of(manifest) for manifest in manifests}
    built: dict[Path, tuple[str, str]] = {}
    complaints: list[str] = []
    while todo:
        where = next((path for path, (_, _, needs) in todo.items() if all(need in built for need in needs)), None)
        assert where is not None, f"the crates of {program.name} depend on each other in a circle"
        name, edition, needs = todo.pop(where)
        crate = name.replace("-", "_")
        rlib = folder / f"lib{crate}.rlib"
        near = {built[need][0]: folder / f"lib{built[need][0]}.rlib" for need in needs}
        compile_one(
            where / "src" / "lib.rs",
            rlib,
            edition=edition,
            name=crate,
            kind="rlib",
            externs={**externs, **near},
            folder=folder,
        )
        built[where] = (crate, edition)
        text = (where / "src" / "lib.rs").read_text(encoding="utf-8")
        wanted = {
            name: name.startswith("hangs") for name in re.findall(r"^pub fn ((?:hangs|ends)_\w+)\(\)", text, re.M)
        }
        if wanted:
            arms = "\n".join(f'        "{name}" => drop({crate}::{name}()),' for name in wanted)
            source = folder / f"run_{crate}.rs"
            source.write_text(
                f'fn main() {{\n    println!("start");\n    match std::env::args().nth(1).unwrap().as_str() {{\n{arms}\n        _ => panic!(),\n    }}\n}}\n',
                encoding="utf-8",
            )
            binary = folder / f"run_{crate}"
            compile_one(
                source,
                binary,
                edition="2021",
                name=f"run_{crate}",
                kind="bin",
                externs={**externs, crate: rlib},
                folder=folder,
            )
            complaints += run_all(binary, wanted)
    if not complaints:
        (folder / "true").touch()
    return complaints
