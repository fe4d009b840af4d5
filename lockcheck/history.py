"""What git knows: the files of a revision, and what has changed since.

In: a folder in a repository, revisions as people name them.  Out: paths and bytes. Raises ConfigError where git says
no, in its words.
Never: changes the repository or its work tree, needs a network, opens a file itself.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping

from msgspec import Struct

from lockcheck.config import ConfigError

_QUIET = {
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_PAGER": "cat",
    "LC_ALL": "C",
}
_FILE = (b"100644", b"100755")
_HUNK = re.compile(rb"^@@ -\S+ \+(\d+)(?:,(\d+))? @@", re.MULTILINE)
_DIFF = ("diff", "--no-ext-diff", "--no-textconv", "--no-color")


class Repository(Struct, frozen=True):
    """A repository: `top` is the absolute path of its work tree."""

    top: str

    def fork(self, revision: str) -> str:
        """The commit at which the work at hand left `revision`; its own where they have none in common.

        Raises ConfigError where there is no such revision.
        """
        name = f"{revision}^{{commit}}"
        try:
            commit = self._git("rev-parse", "--verify", "--quiet", "--end-of-options", name).strip().decode()
        except ConfigError:
            known = "; this clone is shallow: fetch it first" if self._shallow() else ""
            raise ConfigError(f"{revision}: no such revision here{known}") from None
        try:
            return self._git("merge-base", commit, "HEAD").strip().decode()
        except ConfigError:
            return commit

    def _shallow(self) -> bool:
        return self._git("rev-parse", "--is-shallow-repository").strip() == b"true"

    def files(self, commit: str, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
        """(path from the top, bytes) of every file of the commit whose path is wanted; links and submodules are not."""
        listing = self._git("ls-tree", "-r", "-z", "--full-tree", commit)
        blobs = []
        for row in filter(None, listing.split(b"\0")):
            mode, kind, name = row.split(b"\t", 1)[0].split()
            path = os.fsdecode(row.split(b"\t", 1)[1])
            if kind == b"blob" and mode in _FILE and wanted(path):
                blobs.append((path, name))
        answer = self._git("cat-file", "--batch", given=b"".join(name + b"\n" for _, name in blobs))
        at = 0
        for path, _ in blobs:
            end = answer.index(b"\n", at)
            head = answer[at:end].split()
            if head[1:2] != [b"blob"]:
                raise ConfigError(f"{path} of {commit} is not in this clone: fetch it first")
            size = int(head[2])
            yield path, answer[end + 1 : end + 1 + size]
            at = end + 1 + size + 1

    def changed(self, first: str = "", last: str = "") -> frozenset[str]:
        """Paths from the top of files that differ from HEAD, new ones too; or that `last` changed since `first`."""
        if first and last:
            return self._names(*_DIFF, "--name-only", "-z", f"{first}...{last}", "--")
        new = self._names("ls-files", "-z", "--others", "--exclude-standard", "--full-name")
        try:
            return new | self._names(*_DIFF, "--name-only", "-z", "HEAD", "--")
        except ConfigError:
            return new | self._names("ls-files", "-z", "--full-name")

    def _names(self, *arguments: str) -> frozenset[str]:
        return frozenset(os.fsdecode(path) for path in self._git(*arguments).split(b"\0") if path)

    def touched(self, commit: str, lines: Mapping[str, int]) -> Iterator[tuple[str, int]]:
        """(path, line) of every line that is not as it was in the commit. `lines`: how many each file has.

        Where lines are only gone, those around the gap count. In a file that git does not know every line does.
        """
        tracked = self._names("ls-files", "-z", "--full-name")
        changed = self._names(*_DIFF, "--name-only", "--no-renames", "-z", commit, "--")
        for path, number in lines.items():
            if path not in tracked:
                yield from ((path, line) for line in range(1, number + 1))
            if path not in changed:
                continue
            difference = self._git(*_DIFF, "--unified=0", "--no-renames", commit, "--", f":(top,literal){path}")
            for hunk in _HUNK.finditer(difference):
                first, count = int(hunk[1]), int(hunk[2] or b"1")
                yield from ((path, line) for line in (range(first, first + count) if count else (first, first + 1)))

    def _git(self, *arguments: str, given: bytes = b"") -> bytes:
        return _run(self.top, arguments, given)


def repository(folder: str) -> Repository:
    """The repository around a folder. Raises ConfigError where there is none, or no git."""
    return Repository(os.fsdecode(_run(folder, ("rev-parse", "--show-toplevel"))).rstrip("\n"))


def _run(folder: str, arguments: tuple[str, ...], given: bytes = b"") -> bytes:
    command = ["git", "-C", folder, "-c", "core.fsmonitor=false", *arguments]
    try:
        done = subprocess.run(command, input=given, capture_output=True, env={**os.environ, **_QUIET}, check=False)
    except OSError as error:
        raise ConfigError(f"cannot run git: {(error.strerror or str(error)).lower()}") from None
    if done.returncode:
        words = done.stderr.decode("utf-8", "replace").strip().splitlines() or [f"exit status {done.returncode}"]
        raise ConfigError(f"git {arguments[0]}: {words[-1].removeprefix('fatal: ')}")
    return done.stdout
