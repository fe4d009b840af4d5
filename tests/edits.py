"""Whether a run with the cache prints what a run without it prints, after random changes of real trees.

    python tests/edits.py TREE [TREE ...] [--seed N] [--edits N] [--jobs N] [--persona auditor]

Each tree is copied. A step changes one to three places of the copy: a statement is written into a function or taken
out, a function gets another name or parameter, is there twice or no longer, a type, a static or an `impl` is there or
not, something is imported or not, a lock is taken once more, a line is put above all. Then the tree is checked with the
cache of the step before and without a cache, and both reports are compared byte for byte: what they hide and the
problems included. Printed are both times of processors of each step, and how what differs differs; the status is 1 if
anything does.
"""

from __future__ import annotations

import argparse
import difflib
import os
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

from lockcheck import ir
from lockcheck.frontends import SUFFIXES, declare
from lockcheck.source import Source

LINE = re.compile(rb"^(?P<indent>[ \t]*)(?P<text>[^\s/#].*[;:{}\w)])$", re.MULTILINE)
"""A line that may be a statement, or begin a block."""
TAKES = re.compile(rb"[A-Za-z_][\w.]*\.(?:lock|read|write|acquire)\(\)")
"""Something that looks like a lock being taken."""

Edit = Callable[[random.Random, bytes, ir.Function, bool], bytes]
"""Changes a function in a file's bytes; the last argument tells whether it is Python."""


def _statement(pick: random.Random, python: bool) -> bytes:
    number = pick.randrange(10**9)
    return b"_ = %d" % number if python else b"let _ = %d;" % number


def _places(data: bytes, function: ir.Function, python: bool) -> list[tuple[int, bytes]]:
    """Where a statement can be written before another, with its indent."""
    begin, end = function.body_at or (0, 0)
    found, before = [], b"{"
    for line in LINE.finditer(data, data.find(b"\n", begin) + 1 or end, end):
        starts = before.endswith((b";", b"{", b"}")) if not python else not before.endswith((b",", b"(", b"\\"))
        if starts and not line["text"].startswith((b".", b"else", b"elif", b"except", b"finally", b"}", b")", b"=>")):
            found.append((line.start(), line["indent"]))
        before = line["text"]
    return found


def _written(pick: random.Random, data: bytes, function: ir.Function, python: bool, text: bytes) -> bytes:
    places = _places(data, function, python)
    if not places:
        return data
    at, indent = pick.choice(places)
    return data[:at] + indent + text + b"\n" + data[at:]


def insert(pick: random.Random, data: bytes, function: ir.Function, python: bool) -> bytes:
    """A statement more."""
    return _written(pick, data, function, python, _statement(pick, python))


def take(pick: random.Random, data: bytes, function: ir.Function, python: bool) -> bytes:
    """A lock is taken that this file takes somewhere."""
    every = TAKES.findall(data) or [b"self.lock.acquire()" if python else b"self.lock.lock()"]
    taken = pick.choice(every)
    return _written(pick, data, function, python, taken if python else b"let _taken = " + taken + b";")


def delete(pick: random.Random, data: bytes, function: ir.Function, python: bool) -> bytes:
    """A statement less."""
    places = _places(data, function, python)
    for at, indent in pick.sample(places, len(places)):
        end = data.find(b"\n", at)
        text = data[at:end]
        whole = not text.endswith(b":") if python else text.endswith(b";")
        if whole and all(text.count(one[:1]) == text.count(one[1:]) for one in (b"()", b"[]", b"{}")):
            return data[:at] + (indent + b"pass" if python else b"") + data[end:]
    return data


def rename(pick: random.Random, data: bytes, function: ir.Function, python: bool) -> bytes:
    """The function is called otherwise, by its own file too half of the time."""
    begin, end = function.name_at
    name, new = data[begin:end], data[begin:end] + b"_%d" % pick.randrange(100)
    if pick.random() < 0.5:
        return re.sub(rb"\b" + re.escape(name) + rb"\b", new, data)
    return data[:begin] + new + data[end:]


def above(pick: random.Random, data: bytes, function: ir.Function, python: bool) -> bytes:
    """All of the file is a line further down."""
    return (b"#" if python else b"//") + b" %d\n" % pick.randrange(10**9) + data


def more(pick: random.Random, data: bytes, function: ir.Function, python: bool) -> bytes:
    """The function stands there twice, the second time under another name; half of the time that one calls itself."""
    begin, end = function.at
    start = data.rfind(b"\n", 0, begin) + 1
    name, new = data[slice(*function.name_at)], data[slice(*function.name_at)] + b"_%d" % pick.randrange(100)
    if data[start:begin].strip():  # (something else stands in its line)
        return data
    first = data[start : function.name_at[0]] + new + data[function.name_at[1] : end]
    twin = first if pick.random() < 0.5 else re.sub(rb"\b" + re.escape(name) + rb"\b", new, data[start:end])
    return data[:start] + twin + b"\n\n" + data[start:]


def less(pick: random.Random, data: bytes, function: ir.Function, python: bool) -> bytes:
    """The function is gone."""
    begin, end = function.at
    return data[:begin] + (b"pass" if python else b"") + data[end:]


def given(pick: random.Random, data: bytes, function: ir.Function, python: bool) -> bytes:
    """The function has another parameter, of a type that stands somewhere in the file."""
    begin, end = function.name_at[0], (function.body_at or function.at)[0]
    close = data.rfind(b")", begin, end)
    kinds = re.findall(rb"\b[A-Z]\w+(?:<\w+>)?", data)
    if close < 0 or not kinds:
        return data
    named = b"more_%d: %s" % (pick.randrange(100), pick.choice(kinds))
    comma = b"" if data[:close].rstrip().endswith((b"(", b",")) else b", "
    return data[:close] + comma + named + data[close:]


def imports(pick: random.Random, data: bytes, function: ir.Function, python: bool) -> bytes:
    """A line of imports less, once more under another name, or one of what is somewhere else."""
    lines = list(re.finditer(rb"^(?:pub )?(?:use|from|import) [^\n(){}*]*\n", data, re.MULTILINE))
    if not lines:
        return data
    line, way = pick.choice(lines), pick.randrange(3)
    if way == 0:
        return data[: line.start()] + data[line.end() :]
    text = line[0].rstrip(b";\n")
    if b" as " in text or (python and not text.startswith(b"from ")):
        return data
    name = re.split(rb"\W", text)[-1]
    used = pick.choice(re.findall(rb"\b[A-Za-z_]\w+\b", data)) if way == 1 else name + b"_%d" % pick.randrange(100)
    return data[: line.end()] + text + b" as " + used + (b"\n" if python else b";\n") + data[line.end() :]


KINDS = (
    b"struct NEW { first: KIND, second: Mutex<u32> }\nimpl NEW { fn NAME(&self) { let _taken = self.second.lock(); } }",
    b"static NEW: Mutex<KIND> = Mutex::new(KIND::new());",
    b"struct NEW(Mutex<KIND>);\nimpl Drop for NEW { fn drop(&mut self) { let _taken = self.0.lock(); } }",
    b"enum NEW { First(KIND), Second }\nimpl KIND { fn made(one: NEW) -> NEW { one.NAME(); NEW::Second } }",
    b'impl Display for KIND { fn fmt(&self, to: &mut Formatter) -> Result { self.NAME(); to.write_str("") } }',
    b"trait NEW { fn NAME(&self); }\nimpl NEW for KIND { fn NAME(&self) { self.NAME(); } }",
    b"impl Default for KIND { fn default() -> Self { KIND::NAME() } }",
)
"""What may be declared; the words in capitals stand for a new name, one of a type, and that of a function."""


def kinds(pick: random.Random, data: bytes, function: ir.Function, python: bool) -> bytes:
    """One of `KINDS` more, or a line less that begins one; of names that stand in the file."""
    found = re.findall(rb"\b[A-Z]\w+\b", data)
    lines = list(re.finditer(rb"^(?:pub )?(?:struct|static|enum|type|trait|impl)\b.*\n", data, re.MULTILINE))
    if python or not found:
        return data
    if lines and pick.random() < 0.3:
        line = pick.choice(lines)
        return data[: line.start()] + data[line.end() :]
    new = pick.choice(found) if pick.random() < 0.2 else b"New%d" % pick.randrange(100)
    said = pick.choice(KINDS).replace(b"NEW", new).replace(b"KIND", pick.choice(found))
    return data + b"\n" + said.replace(b"NAME", data[slice(*function.name_at)]) + b"\n"


EDITS: Sequence[Edit] = (
    kinds,
    kinds,
    kinds,
    insert,
    insert,
    delete,
    take,
    take,
    rename,
    above,
    more,
    more,
    less,
    given,
    imports,
)


def change(pick: random.Random, files: Sequence[Path], only: str = "") -> str:
    """Change something (by one kind of change `only`) in one of the files; what and where."""
    edits = [one for one in EDITS if only in ("", one.__name__)]
    while True:
        file = pick.choice(files)
        data = file.read_bytes()
        functions = [one for one in declare(Source(str(file), data), None).functions if one.body_at is not None]
        if not functions:
            continue
        edit, function = pick.choice(edits), pick.choice(functions)
        new = edit(pick, data, function, file.suffix == ".py")
        if new != data:
            file.write_bytes(new)
            return f"{edit.__name__} {file.name}:{function.name}"


def run(folder: Path, options: argparse.Namespace, *more: str) -> tuple[bytes, float]:
    """What a run prints, problems included, and the seconds of processors that it took."""
    command = [sys.executable, "-m", "lockcheck", "check", ".", "--exit-zero", "--output", "json"]
    command += ["--persona", options.persona, "--min-confidence", "possible", "--jobs", str(options.jobs), *more]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return done.stdout, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def holds(tree: Path, options: argparse.Namespace) -> bool:
    """Whether all steps on a tree print the same with the cache and without."""
    pick, same, warm, cold = random.Random(options.seed), True, list[float](), list[float]()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "tree"
        shutil.copytree(tree, folder, symlinks=True)
        os.environ["LOCKCHECK_CACHE_DIR"] = str(Path(scratch) / "cache")
        files = sorted(path for end in SUFFIXES for path in folder.rglob(f"*{end}") if path.is_file())
        run(folder, options)
        for step in range(options.edits):
            what = [change(pick, files, options.only) for _ in range(pick.choice((1, 1, 1, 2, 3)))]
            said, seconds = run(folder, options)
            anew, whole = run(folder, options, "--no-cache")
            warm.append(seconds)
            cold.append(whole)
            print(f"{tree.name} {step}: {seconds:.2f} s, anew {whole:.2f} s: {'; '.join(what)}", flush=True)
            if said != anew:
                same = False
                lines = difflib.unified_diff(anew.decode().splitlines(), said.decode().splitlines(), "anew", "cached")
                print("\n".join(line[:300] for line in lines), flush=True)
    print(
        f"{tree.name}: {'the same' if same else 'DIFFERENT'}; medians {median(warm):.2f} s, anew {median(cold):.2f} s"
    )
    return same


def main() -> int:
    """Read the arguments and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trees", nargs="+", type=Path, metavar="TREE")
    parser.add_argument("--seed", type=int, default=6)
    parser.add_argument("--edits", type=int, default=20)
    parser.add_argument("--only", default="", help="the name of one kind of change")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--persona", default="auditor")
    options = parser.parse_args()
    same = [holds(tree.resolve(), options) for tree in options.trees]
    return 0 if all(same) else 1


if __name__ == "__main__":
    sys.exit(main())
