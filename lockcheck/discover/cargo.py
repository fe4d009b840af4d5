"""What Cargo's manifests and lock files say: how the files of crates belong together.

In: names of files, those without a manifest too.  Out: `Crate`, `LockFile`, and a `Problem` for a manifest that
means nothing.
Never: runs Cargo.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias, cast

from msgspec import Struct
from msgspec.structs import replace

from lockcheck.discover.paths import join, relative, upwards
from lockcheck.discover.projects import import_folders
from lockcheck.discover.reading import IMPORTED, read, text_of
from lockcheck.finding import Problem
from lockcheck.source import Crate, LockFile, Package, Source, Span

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_PACKAGE = re.compile(
    rb'^\[\[package\]\]\r?\nname = "(?P<name>[^"\n]+)"\r?\nversion = "(?P<version>[^"\n]+)"'
    rb"(?P<rest>(?:\r?\n(?!\[).*)*)",
    re.M,
)
_NEED = re.compile(rb'^ *"(\S+)(?: ([^\s"]+))?(?: [^"]*)?",?\r?$', re.M)
Table: TypeAlias = Mapping[str, object]
_NOTHING: Table = {}


def crates(
    files: Iterable[str], tables: dict[bytes, Any] | None = None
) -> tuple[tuple[Crate, ...], tuple[Problem, ...]]:
    """The crates that the files belong to, sorted by folder, and the crates next to them that those depend on.

    A manifest that cannot be understood is a Problem; the files below its folder count as edition 2021. `tables` are
    what texts say, by their digests, as far as that is known; then what the texts say that were read now.
    """
    manifests = _Manifests(tables or {})
    folders = set()
    listed = tuple(files)
    imports = import_folders({os.path.dirname(path) or "." for path in listed if path.endswith(IMPORTED)})
    for folder in {os.path.dirname(path) or "." for path in listed if not path.endswith(IMPORTED)}:
        near = manifests.nearest(folder)
        if near is not None:
            folders.add(near)
    found: dict[str, Crate] = {}
    waiting = sorted(folders)
    while waiting:
        folder = waiting.pop()
        crate = None if folder in found else manifests.crate(folder)
        if crate is not None:
            found[folder] = crate
            waiting.extend(at for _, at in crate.dependencies)
    if tables is not None:
        tables.clear()
        tables.update(manifests.used)
    packages = _packages_at([path for path in listed if path.endswith(IMPORTED)], imports) if found else frozenset()
    return (*(_apart(found[folder], packages) for folder in sorted(found)), *imports), manifests.problems()


def _packages_at(files: Sequence[str], imports: Iterable[Crate]) -> frozenset[str]:
    """The names that imports of files begin with."""
    tops = {crate.folder for crate in imports}
    first: dict[str, str] = {}  # (by the folder of files, the name at the top that it stands below)
    for folder in sorted({os.path.dirname(path) or "." for path in files}):
        if folder not in tops:
            above = os.path.dirname(folder) or "."
            first[folder] = first.get(above, os.path.basename(folder))
    alone = (os.path.basename(path).partition(".")[0] for path in files if (os.path.dirname(path) or ".") in tops)
    return frozenset((*first.values(), *alone))


def _apart(crate: Crate, packages: Collection[str]) -> Crate:
    """A crate that is called like a package of another language has a name of its own, beside what all call it."""
    if crate.name not in packages:
        return crate
    return replace(crate, name=f"{crate.name}__", dependencies=(*crate.dependencies, (crate.name, crate.folder)))


def lock_files(folders: Iterable[str]) -> tuple[LockFile, ...]:
    """What Cargo.lock says about the crates in these folders: the nearest one above each; none where none is there.

    A file that cannot be read says nothing.
    """
    found: dict[str, Source | None] = {}
    for folder in sorted(set(folders)):
        for one in upwards(folder):
            if one not in found:
                text = read(join(one, "Cargo.lock"))
                found[one] = text if isinstance(text, Source) else None
            if found[one] is not None:
                break
    return tuple(LockFile(source, tuple(_packages(source))) for source in found.values() if source is not None)


def _packages(source: Source) -> Iterator[Package]:
    for block in _PACKAGE.finditer(source.data):
        listed = block["rest"].partition(b"dependencies = [")[2].partition(b"]")[0]
        needs = tuple((one[1].decode(), (one[2] or b"").decode()) for one in _NEED.finditer(listed))
        name, spelled, at = block["name"].decode(), block["version"].decode(), Span(source.path, *block.span("version"))
        yield Package(name, spelled, at, needs)


class _Manifests(Struct, frozen=True):
    """Cargo.toml by folder: a table, None where there is none, a Problem where it means nothing. Read once.

    `tables` are by digests of the texts, `used` those of the texts that were read.
    """

    tables: Mapping[bytes, Any]
    used: dict[bytes, Any] = {}
    known: dict[str, Table | Problem | None] = {}
    near: dict[str, str | None] = {}

    def problems(self) -> tuple[Problem, ...]:
        return tuple(sorted(one for one in self.known.values() if isinstance(one, Problem)))

    def at(self, folder: str) -> Table | Problem | None:
        """The manifest in this folder itself."""
        if folder not in self.known:
            self.known[folder] = self._read(relative(os.path.join(folder, "Cargo.toml")))
        return self.known[folder]

    def _read(self, path: str) -> Table | Problem | None:
        text = text_of(path)
        if isinstance(text, Problem):
            return None if text.message == "does not exist" else text
        digest = hashlib.blake2b(text.encode(), digest_size=16).digest()
        try:
            self.used[digest] = self.tables[digest] if digest in self.tables else tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            return Problem(path, 1, f"is not valid TOML: {error}")
        except RecursionError:
            return Problem(path, 1, "is not valid TOML: nested too deep")
        return cast("Table", self.used[digest])

    def nearest(self, folder: str) -> str | None:
        """The nearest folder, from this one upwards, with a manifest."""
        passed = []
        for one in upwards(folder):
            if one not in self.near and self.at(one) is None:
                passed.append(one)
                continue
            found = self.near.setdefault(one, one)
            break
        else:
            found = None
        self.near.update(dict.fromkeys(passed, found))
        return found

    def crate(self, folder: str) -> Crate | None:
        """The crate that the manifest in this folder declares; None for a bare workspace or no manifest at all."""
        manifest = self.at(folder)
        name = os.path.basename(os.path.abspath(folder))
        if manifest is None:
            return None
        if isinstance(manifest, Problem):
            return Crate(_as_code(name), folder, "2021")
        package = _inner(manifest, "package", "project")
        if not package:
            return None
        name = _text(_inner(manifest, "lib").get("name")) or _text(package.get("name")) or name
        workspace = self._workspace(folder, package)
        edition = _inherited(package, "edition", _inner(workspace[1], "package"))
        return Crate(
            _as_code(name),
            folder,
            _text(edition) or "2015",
            tuple(_roots(folder, manifest)),
            tuple(sorted(set(_dependencies(folder, manifest, *workspace)))),
        )

    def _workspace(self, folder: str, package: Table) -> tuple[str, Table]:
        """The folder and the [workspace] table of the workspace that a package is in; an empty one if in none."""
        pointer = _text(package.get("workspace"))
        around = [relative(os.path.join(folder, pointer))] if pointer else upwards(folder)
        for one in around:
            manifest = self.at(one)
            if isinstance(manifest, Mapping) and isinstance(manifest.get("workspace"), dict):
                return one, _inner(manifest, "workspace")
        return folder, _NOTHING


def _inner(table: Table, *names: str) -> Table:
    """The first of the named tables within a table; an empty one where there is none."""
    for name in names:
        value = table.get(name)
        if isinstance(value, dict):
            return cast("Table", value)
    return _NOTHING


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _as_code(name: str) -> str:
    """A package's name as code spells it."""
    return name.replace("-", "_")


def _inherited(table: Table, key: str, workspace: Table) -> object:
    """A value of a package that may say `key.workspace = true`."""
    value = table.get(key)
    if isinstance(value, dict) and value.get("workspace") is True:
        return workspace.get(key)
    return value


def _roots(folder: str, manifest: Table) -> Iterator[str]:
    """The files at which compilation of a crate begins: the declared ones and those that Cargo looks for."""
    declared = [_inner(manifest, "lib"), _inner(manifest, "package")]
    for kind in ("bin", "example", "test", "bench"):
        several = manifest.get(kind)
        declared += [one for one in several if isinstance(one, dict)] if isinstance(several, list) else []
    usual = ["src/lib.rs", "src/main.rs", "build.rs"]
    for place in ("src/bin", "examples", "tests", "benches"):
        for name in _names(f"{folder}/{place}"):
            usual.append(f"{place}/{name}" if name.endswith(".rs") else f"{place}/{name}/main.rs")
    said = [_text(one.get("build" if one is declared[1] else "path")) for one in declared]
    paths = {relative(os.path.join(folder, one)) for one in [*filter(None, said), *usual]}
    return (path for path in sorted(paths) if os.path.isfile(path))


def _names(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def _dependencies(folder: str, manifest: Table, top: str, workspace: Table) -> Iterator[tuple[str, str]]:
    """(name in code, folder) of the crates that this one depends on by path, directly or through its workspace."""
    tables = [manifest, *(one for one in _inner(manifest, "target").values() if isinstance(one, dict))]
    shared = _inner(workspace, "dependencies")
    for table in tables:
        for kind in ("dependencies", "dev-dependencies", "build-dependencies"):
            for name, one in _inner(table, kind).items():
                base = folder
                if isinstance(one, dict) and one.get("workspace") is True:
                    base, one = top, shared.get(name)
                path = _text(one.get("path")) if isinstance(one, dict) else ""
                if path:
                    yield _as_code(name), relative(os.path.join(base, path))
