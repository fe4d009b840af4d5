"""From paths to sources: the walk, the reading, and the manifests that say how the files belong together.

In: paths as the user gave them.  Out: names of files, `Source`, `Crate`, texts of configuration files, and a
`Problem` for everything that cannot be read.
Never: a syntax, a setting, an exception for what a file system may hold. The only room that opens files.
"""

from __future__ import annotations

import os
import re
import stat
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, cast

from pathspec import GitIgnoreSpec

from lockcheck.finding import Problem
from lockcheck.source import Crate, LockFile, Package, Source, Span

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

LARGEST = 8 * 1024 * 1024
"""Files of more bytes than this are named, not read: nobody wrote them by hand."""

IGNORE_FILE = ".gitignore"
PRIVATE = frozenset({".git", ".hg", ".svn", ".jj", ".bzr", ".pijul"})
"""Folders of version control systems."""
PROJECT_FILES = ("pyproject.toml", "setup.py", "setup.cfg", "lockcheck.toml")
"""Files that stand at the top of a Python project."""
MANIFESTS = frozenset({IGNORE_FILE, "Cargo.toml", "Cargo.lock", *PROJECT_FILES})
"""Names of files that are no sources, but tell how sources belong together."""

Ignores: TypeAlias = tuple[tuple[str, GitIgnoreSpec], ...]
"""Lists of .gitignore patterns, each with the folder that they are relative to; the last one to speak decides."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a walk found: files (sorted, each once, relative to the current folder), problems, and how many of the
    files that were asked for by name are left out because `exclude` says so.
    """

    files: tuple[str, ...]
    problems: tuple[Problem, ...]
    excluded: int = 0


def relative(path: str) -> str:
    """A path as reports show it: relative to the current folder, with `/`; absolute on another drive."""
    try:
        path = os.path.relpath(path)
    except ValueError:
        path = os.path.abspath(path)
    return path.replace(os.sep, "/")


def patterns(folder: str, lines: Iterable[str]) -> Ignores:
    """Patterns of a .gitignore, relative to `folder`. A line that is no pattern is left out, as git does."""
    good = []
    for line in lines:
        try:
            GitIgnoreSpec.from_lines([line])
        except ValueError:
            continue
        good.append(line)
    return ((relative(folder), GitIgnoreSpec.from_lines(good)),) if good else ()


def ignored(path: str, ignores: Ignores, folder: bool = False) -> bool:
    """Whether the lists leave out this path (relative to the current folder)."""
    for base, spec in reversed(ignores):
        inside = _below(path, base)
        if inside is not None:
            said = spec.check_file(inside + "/" if folder else inside).include
            if said is not None:
                return said
    return False


# -------------------------------------------------------------------------------------------------------- the walk


def walk(paths: Sequence[str], suffixes: Sequence[str], exclude: Ignores = ()) -> Found:
    """The files below `paths` whose names end in one of `suffixes`.

    Folders are searched, honouring every .gitignore from the top of the repository down; symbolic links to
    folders are not followed. A file that is named itself is taken whatever .gitignore says; `exclude` still counts.
    """
    files: set[str] = set()
    problems: set[Problem] = set()
    excluded = 0
    for path in map(relative, paths):
        if os.path.isdir(path):
            _Walk(tuple(suffixes), exclude, files, problems).search(path)
        elif ignored(path, exclude):
            excluded += 1
        else:
            why = _no_file(path)
            if not why and not path.endswith(tuple(suffixes)):
                why = f"is in no language that lockcheck reads ({', '.join(suffixes)})"
            if why:
                problems.add(Problem(path, 1, why))
            else:
                files.add(path)
    return Found(tuple(sorted(_without_twins(files))), tuple(sorted(problems)), excluded)


def names_any(paths: Sequence[str], suffixes: Sequence[str], names: re.Pattern[bytes]) -> bool:
    """Whether one of the files below `paths` has one of the names; what cannot be read has none."""
    found = map(read, walk(paths, suffixes).files)
    return any(names.search(one.data) is not None for one in found if isinstance(one, Source))


@dataclass(frozen=True, slots=True)
class _Walk:
    """One search: what is wanted, what is left out, and where the finds go."""

    suffixes: tuple[str, ...]
    exclude: Ignores
    files: set[str]
    problems: set[Problem]

    def search(self, top: str) -> None:
        """Search a folder that the user named: it is searched even where a list above leaves it out."""
        above = _ignores_above(top)
        outer = () if ignored(top, above, folder=True) else above
        stack: list[tuple[str, Ignores]] = [(top, outer)]
        while stack:
            folder, ignores = stack.pop()
            try:
                with os.scandir(folder) as scan:
                    entries = sorted(scan, key=lambda entry: entry.name)
            except OSError as error:
                self.problems.add(Problem(folder, 1, _reason(error)))
                continue
            if any(entry.name == IGNORE_FILE for entry in entries):
                ignores += _ignore_file(folder)
            for entry in entries:
                path = _join(folder, entry.name)
                if self._take(entry, path, ignores):
                    stack.append((path, ignores))

    def _take(self, entry: os.DirEntry[str], path: str, ignores: Ignores) -> bool:
        """Note a file that is wanted; True for a folder to go into."""
        folder = entry.is_dir(follow_symlinks=False)
        wanted = entry.name.endswith(self.suffixes)
        if not (folder or wanted) or entry.name in PRIVATE:
            return False
        if ignored(path, ignores, folder) or ignored(path, self.exclude, folder):
            return False
        why = _no_file(path) if wanted else ""
        if why:
            self.problems.add(Problem(path, 1, why))
        elif not folder:
            self.files.add(path)
        return folder


def _join(folder: str, name: str) -> str:
    """A name in a folder, as `relative` would give it."""
    if folder == ".":
        return name
    return relative(f"{folder}/{name}") if folder.startswith("..") else f"{folder}/{name}"


def _without_twins(files: set[str]) -> set[str]:
    """Leave out links to files that are there themselves."""
    links = {path for path in files if os.path.islink(path)}
    if not links:
        return files
    real = {os.path.realpath(path) for path in files - links}
    kept = set(files - links)
    for path in sorted(links):
        target = os.path.realpath(path)
        if target not in real:
            real.add(target)
            kept.add(path)
    return kept


def _no_file(path: str) -> str:
    """Why a path cannot be read as a file; empty where it can be tried."""
    try:
        mode = os.stat(path).st_mode
    except OSError as error:
        broken = os.path.islink(path) and isinstance(error, FileNotFoundError)
        return "is a broken link" if broken else _reason(error)
    if stat.S_ISDIR(mode):
        return "is a folder with the name of a file"
    return "" if stat.S_ISREG(mode) else "is no regular file"


def _ignores_above(top: str) -> Ignores:
    """The lists in force at `top`: of its parents, from the top of its repository down; none outside of one."""
    chain = []
    folder = os.path.abspath(top)
    while not os.path.exists(os.path.join(folder, ".git")):
        above = os.path.dirname(folder)
        if above == folder:
            return ()
        folder = above
        chain.append(folder)
    found = _ignore_file(folder, os.path.join(".git", "info", "exclude"))
    for one in reversed(chain):
        found += _ignore_file(one)
    return found


def _ignore_file(folder: str, name: str = IGNORE_FILE) -> Ignores:
    try:
        with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as file:
            return patterns(folder, file.read(LARGEST).splitlines())
    except OSError:
        return ()


def _below(path: str, base: str) -> str | None:
    """`path` as seen from `base`, both relative to the current folder; None where it is not below."""
    if base == ".":
        return None if path == "." or path.startswith("..") else path
    if path.startswith(base + "/"):
        return path[len(base) + 1 :]
    if set(base.split("/")) == {".."}:
        inside = os.path.relpath(path, base).replace(os.sep, "/")
        return None if inside.startswith("..") or inside == "." else inside
    return None


# ----------------------------------------------------------------------------------------------------- the reading


def read(path: str, largest: int = LARGEST) -> Source | Problem:
    """The text of a file, or why there is none. Never reads more than `largest` bytes, never waits."""
    why = _no_file(path)
    if why:
        return Problem(path, 1, why)
    try:
        with open(path, "rb") as file:
            data = file.read(largest + 1)
    except OSError as error:
        return Problem(path, 1, _reason(error))
    return source(path, data, largest)


def source(path: str, data: bytes, largest: int = LARGEST) -> Source | Problem:
    """The bytes as a `Source`, or why they cannot be one: too many, none, or no UTF-8."""
    if len(data) > largest:
        return Problem(path, 1, f"is larger than {largest // 1024 // 1024} MiB: not analysed")
    if not data and not path.endswith(_IMPORTED):
        return Problem(path, 1, "is empty")
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return Problem(path, line, f"is not UTF-8 (byte 0x{data[error.start]:02x} at offset {error.start})")
    return Source(path, data)


def _reason(error: OSError) -> str:
    """An operating system's error in words."""
    match error:
        case FileNotFoundError() | NotADirectoryError():
            return "does not exist"
        case PermissionError():
            return "cannot be read: permission denied"
        case _:
            return f"cannot be read: {(error.strerror or str(error)).lower()}"


def configurations(paths: Sequence[str], names: Sequence[str]) -> Iterator[tuple[str, str | Problem]]:
    """Texts of the files called `names`, each with its path, from the folder around all `paths` upwards."""
    tops = [os.path.abspath(path) for path in paths] or [os.getcwd()]
    try:
        folder = os.path.commonpath(tops)
    except ValueError:
        folder = os.getcwd()
    if not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    for one in _upwards(folder):
        for name in names:
            path = _join(one, name)
            if os.path.isfile(path):
                yield path, text_of(path)


def project(path: str) -> str | None:
    """The nearest folder above a file (which need not exist) that holds a project; None where there is none."""
    for folder in _upwards(os.path.dirname(os.path.abspath(path))):
        if any(os.path.exists(os.path.join(folder, name)) for name in (*PROJECT_FILES, *sorted(PRIVATE))):
            return folder
    return None


def text_of(path: str, largest: int = LARGEST) -> str | Problem:
    """The text of a file such as a manifest or a configuration; a Problem where it cannot be read."""
    found = read(path, largest)
    if isinstance(found, Source):
        return found.data.decode("utf-8")
    empty = found.message == "is empty"
    return "" if empty else found


def make_folder(path: str) -> None:
    """Make a folder and those above it, where they are missing. Raises OSError."""
    os.makedirs(path or ".", exist_ok=True)


def write(path: str, data: bytes) -> None:
    """Write a whole file or nothing of it. Raises OSError; an old file then is as it was."""
    if os.path.exists(path) and not os.path.isfile(path):  # a pipe or a device has no other name to write under
        with open(path, "wb") as file:
            file.write(data)
        return
    write_all({path: data})


def _scratch(path: str, data: bytes) -> str:
    """A file beside `path` with these bytes and its rights: what is to become it."""
    folder, name = os.path.split(path)
    handle, scratch = tempfile.mkstemp(prefix=f".{name}.", dir=folder or ".")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(scratch, os.stat(path).st_mode if os.path.exists(path) else 0o666 & ~_umask())
    except BaseException:
        os.unlink(scratch)
        raise
    return scratch


def write_all(files: Mapping[str, bytes]) -> None:
    """Write several files: all of them, or, where one cannot be written, none. Raises OSError."""
    ready: list[tuple[str, str]] = []
    try:
        for path, data in files.items():
            ready.append((_scratch(path, data), path))
        while ready:
            os.replace(*ready[-1])
            ready.pop()
    finally:
        for scratch, _ in ready:
            os.unlink(scratch)


def plant(top: str, files: Iterable[tuple[str, bytes]]) -> None:
    """Write files below an empty folder, which then counts as the top of a repository. Raises OSError."""
    os.mkdir(os.path.join(top, ".git"))
    for path, data in files:
        parts = path.split("/")
        if ".." in parts or ".git" in parts or not all(parts):
            continue
        os.makedirs(os.path.join(top, *parts[:-1]), exist_ok=True)
        with open(os.path.join(top, *parts), "wb") as file:
            file.write(data)


def concerns(path: str, suffixes: Sequence[str]) -> bool:
    """Whether an analysis needs a file of this name: a source, or one that says how sources belong together."""
    return path.endswith(tuple(suffixes)) or path.rpartition("/")[2] in MANIFESTS


def append(path: str, data: bytes) -> None:
    """Write at the end of a file that another program collects. Raises OSError."""
    with open(path, "ab") as file:
        file.write(data)


def below(top: str) -> str:
    """Where the current folder is below `top`, with `/`; empty where it is `top` itself or not below it."""
    try:
        inside = os.path.relpath(os.path.realpath("."), os.path.realpath(top)).replace(os.sep, "/")
    except ValueError:
        return ""
    return "" if inside == "." or inside.startswith("..") else inside


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


# ---------------------------------------------------------------------------------------------------------- crates


def crates(files: Iterable[str]) -> tuple[tuple[Crate, ...], tuple[Problem, ...]]:
    """The crates that the files belong to, sorted by folder, and the crates next to them that those depend on.

    A manifest that cannot be understood is a Problem; the files below its folder count as edition 2021.
    """
    manifests = _Manifests({})
    folders = set()
    listed = tuple(files)
    imports = _import_folders({os.path.dirname(path) or "." for path in listed if path.endswith(_IMPORTED)})
    for folder in {os.path.dirname(path) or "." for path in listed if not path.endswith(_IMPORTED)}:
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
    return (*(found[folder] for folder in sorted(found)), *imports), manifests.problems()


_IMPORTED = ".py"
_PROJECT = ("pyproject.toml", "setup.py", "setup.cfg")


def _import_folders(folders: Iterable[str]) -> tuple[Crate, ...]:
    """The folders that absolute imports begin at, for files in `folders`, sorted.

    Above a package (a folder with `__init__.py`) that is the one around the outermost package. A file outside of any
    package is imported from its project's top, or from its `src`; without a project from the current folder.
    """
    found = {_import_folder(folder) for folder in folders}
    return tuple(Crate("", folder, "0", suffix=_IMPORTED) for folder in sorted(found))


def _import_folder(folder: str) -> str:
    top = folder
    for one in _upwards(folder):
        if not os.path.isfile(_join(one, "__init__.py")):
            top = one
            break
    if top != folder:
        return top
    for one in _upwards(folder):
        if any(os.path.isfile(_join(one, name)) for name in _PROJECT):
            inside = _below(folder, one) or ""
            return _join(one, "src") if inside.split("/")[0] == "src" else one
    return folder if folder.startswith("..") else "."


_PACKAGE = re.compile(
    rb'^\[\[package\]\]\r?\nname = "(?P<name>[^"\n]+)"\r?\nversion = "(?P<version>[^"\n]+)"'
    rb"(?P<rest>(?:\r?\n(?!\[).*)*)",
    re.M,
)
_NEED = re.compile(rb'^ *"(\S+)(?: ([^\s"]+))?(?: [^"]*)?",?\r?$', re.M)


def lock_files(folders: Iterable[str]) -> tuple[LockFile, ...]:
    """What Cargo.lock says about the crates in these folders: the nearest one above each; none where none is there.

    A file that cannot be read says nothing.
    """
    found: dict[str, Source | None] = {}
    for folder in sorted(set(folders)):
        for one in _upwards(folder):
            if one not in found:
                text = read(_join(one, "Cargo.lock"))
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


Table: TypeAlias = Mapping[str, object]
_NOTHING: Table = {}


@dataclass(frozen=True, slots=True)
class _Manifests:
    """Cargo.toml by folder: a table, None where there is none, a Problem where it means nothing. Read once."""

    known: dict[str, Table | Problem | None]

    def problems(self) -> tuple[Problem, ...]:
        return tuple(sorted(one for one in self.known.values() if isinstance(one, Problem)))

    def at(self, folder: str) -> Table | Problem | None:
        """The manifest in this folder itself."""
        if folder not in self.known:
            self.known[folder] = _manifest(relative(os.path.join(folder, "Cargo.toml")))
        return self.known[folder]

    def nearest(self, folder: str) -> str | None:
        """The nearest folder, from this one upwards, with a manifest."""
        return next((one for one in _upwards(folder) if self.at(one) is not None), None)

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
        around = [relative(os.path.join(folder, pointer))] if pointer else _upwards(folder)
        for one in around:
            manifest = self.at(one)
            if isinstance(manifest, Mapping) and isinstance(manifest.get("workspace"), dict):
                return one, _inner(manifest, "workspace")
        return folder, _NOTHING


def _manifest(path: str) -> Table | Problem | None:
    text = text_of(path)
    if isinstance(text, Problem):
        return None if text.message == "does not exist" else text
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return Problem(path, 1, f"is not valid TOML: {error}")
    except RecursionError:
        return Problem(path, 1, "is not valid TOML: nested too deep")


def _upwards(folder: str) -> Iterator[str]:
    """A folder and all above it, relative to the current one."""
    at = os.path.abspath(folder)
    while True:
        yield relative(at)
        above = os.path.dirname(at)
        if above == at:
            return
        at = above


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
