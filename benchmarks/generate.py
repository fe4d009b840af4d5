#!/usr/bin/env python3
"""Write a Rust workspace of any size, for measuring how time and memory grow.

    python benchmarks/generate.py FOLDER --crates 20 --depth 8 --fan-out 4 --locks 16

Each crate has a type with so many locks, and chains of calls of that depth: a critical section calls a method, which
calls that many others, and so on; the last ones take a lock. `--knot N` adds N functions that all call each other,
`--dispatch N` a trait with N implementations that one critical section calls.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path


def write(folder: Path, crates: int, depth: int, fan_out: int, locks: int, knot: int = 0, dispatch: int = 0) -> None:
    """A workspace below `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    members = "".join(f'"c{number}", ' for number in range(crates))
    (folder / "Cargo.toml").write_text(f"[workspace]\nmembers = [{members}]\n", encoding="utf-8")
    for number in range(crates):
        top = folder / f"c{number}"
        (top / "src").mkdir(parents=True, exist_ok=True)
        below = f'c{number - 1} = {{ path = "../c{number - 1}" }}\n' if number else ""
        manifest = f'[package]\nname = "c{number}"\nedition = "2021"\n[dependencies]\n{below}'
        (top / "Cargo.toml").write_text(manifest, encoding="utf-8")
        (top / "src" / "lib.rs").write_text("pub mod store;\npub mod chain;\n", encoding="utf-8")
        (top / "src" / "store.rs").write_text("\n".join(_store(number, locks)), encoding="utf-8")
        (top / "src" / "chain.rs").write_text("\n".join(_chain(depth, fan_out, locks)), encoding="utf-8")
    extra = [*_knot(knot), *_dispatch(dispatch)]
    if extra:
        path = folder / "c0" / "src" / "chain.rs"
        path.write_text(path.read_text(encoding="utf-8") + "\n".join(extra), encoding="utf-8")


def _store(number: int, locks: int) -> Iterator[str]:
    yield "use std::sync::{Mutex, RwLock};\n#[derive(Default)]\npub struct Store {"
    for lock in range(locks):
        yield f"    pub l{lock}: {'Mutex' if lock % 2 else 'RwLock'}<Vec<u64>>,"
    yield "}\nimpl Store {"
    for lock in range(locks):
        take = "lock" if lock % 2 else "write"
        yield f"    pub fn add{lock}(&self, one: u64) {{\n        self.l{lock}.{take}().unwrap().push(one);\n    }}"
        yield f"    pub fn len{lock}(&self) -> usize {{"
        yield f"        let held = self.l{lock}.{take if lock % 2 else 'read'}().unwrap();\n        held.len()\n    }}"
    if number:
        yield f"    pub fn below(&self, other: &c{number - 1}::store::Store) {{"
        yield "        let held = self.l0.write().unwrap();\n        other.add0(held.len() as u64);\n    }"
    yield "}\n"


def _chain(depth: int, fan_out: int, locks: int) -> Iterator[str]:
    yield "use crate::store::Store;\nimpl Store {"
    yield "    pub fn work(&self) -> u64 {\n        let held = self.l0.read().unwrap();"
    yield "        held.len() as u64 + self.s0_0(1)\n    }"
    for level in range(depth):
        for way in range(fan_out):
            calls = "".join(f"\n        sum += self.s{level + 1}_{after}(sum);" for after in range(fan_out))
            yield f"    fn s{level}_{way}(&self, one: u64) -> u64 {{\n        let mut sum = one;{calls}"
            yield f"        if sum > {way} {{\n            sum -= 1;\n        }}\n        sum\n    }}"
    for way in range(fan_out):
        end = f"self.add{1 + way % (locks - 1)}(one);"
        yield f"    fn s{depth}_{way}(&self, one: u64) -> u64 {{\n        {end}\n        one\n    }}"
    yield "}\n"


def _knot(size: int) -> Iterator[str]:
    if size:
        yield "impl Store {\n    pub fn knot(&self) {"
        yield "        let _held = self.l0.read().unwrap();\n        self.k0(9);\n    }"
    for one in range(size):
        calls = "".join(f" self.k{other}(n - 1);" for other in range(size) if other != one)
        yield f"    fn k{one}(&self, n: u64) {{\n        if n == 0 {{ self.add1(n); return; }}\n       {calls}\n    }}"
    yield "}\n" if size else ""


def _dispatch(size: int) -> Iterator[str]:
    if size:
        yield "pub trait Act {\n    fn act(&self, store: &Store);\n}"
        yield "pub fn dispatched(act: &dyn Act, store: &Store) {\n    let _held = store.l0.read().unwrap();"
        yield "    act.act(store);\n}"
    for one in range(size):
        yield f"pub struct A{one};\nimpl Act for A{one} {{"
        yield f"    fn act(&self, store: &Store) {{ store.add1({one}); }}\n}}"


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    for name, number in (("crates", 10), ("depth", 8), ("fan-out", 4), ("locks", 16), ("knot", 0), ("dispatch", 0)):
        parser.add_argument(f"--{name}", type=int, default=number)
    options = vars(parser.parse_args())
    write(options.pop("folder"), **{name.replace("-", "_"): number for name, number in options.items()})


if __name__ == "__main__":
    main()
