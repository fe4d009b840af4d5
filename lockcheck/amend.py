"""Changes of the sources: fixes that findings carry, and allowances with a reason.

In: findings and the sources they are in.  Out: the new bytes of files.
Never: writes a file, makes a change that a file could not be read with afterwards.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping, Sequence

from lockcheck import engine, suppress
from lockcheck.finding import Edit, Finding, Fix
from lockcheck.source import Source

# ----------------------------------------------------------------------------------------------------------- fixes


def fixable(finding: Finding, unsafe: bool) -> Fix | None:
    """The first of a finding's fixes that may be applied."""
    return next((fix for fix in finding.fixes if unsafe or fix.safety == "safe"), None)


def fixed(findings: Iterable[Finding], sources: Mapping[str, Source], unsafe: bool) -> tuple[dict[str, bytes], int]:
    """The new bytes of the files in which something could be fixed, and how many findings were.

    Of two fixes that touch the same bytes the first is taken. A file that could not be understood afterwards as well
    as before is left alone.
    """
    groups: list[tuple[Edit, ...]] = []
    for finding in findings:
        fix = fixable(finding, unsafe)
        if fix is not None and not any(_clash(edit, other) for edit in fix.edits for one in groups for other in one):
            groups.append(fix.edits)
    while True:
        new = _edited(groups, sources)
        broken = {path for path, data in new.items() if not _sound(sources[path], data)}
        if not broken:
            return new, len(groups)
        groups = [edits for edits in groups if not broken & {edit.span.path for edit in edits}]


def _clash(one: Edit, other: Edit) -> bool:
    a, b = one.span, other.span
    return a.path == b.path and ((a.start < b.end and b.start < a.end) or a == b)


def _edited(groups: Iterable[tuple[Edit, ...]], sources: Mapping[str, Source]) -> dict[str, bytes]:
    """The bytes of each file with its edits, from the last one to the first."""
    new: dict[str, bytes] = {}
    edits = sorted((edit for group in groups for edit in group), key=lambda edit: edit.span, reverse=True)
    for edit in edits:
        path, start, end = edit.span.path, edit.span.start, edit.span.end
        data = new.get(path, sources[path].data)
        new[path] = data[:start] + edit.text.encode() + data[end:]
    return new


def _sound(source: Source, data: bytes) -> bool:
    """Whether as much of a file can be understood with these bytes as before."""
    return not source.recoded and len(engine.flaws(Source(source.path, data))) <= len(engine.flaws(source))


def difference(source: Source, data: bytes) -> str:
    """A unified diff from the source to these bytes, as `patch` and `git apply` read it."""
    before, after = (text.decode("utf-8").splitlines(keepends=True) for text in (source.data, data))
    lines = difflib.unified_diff(before, after, f"a/{source.path}", f"b/{source.path}")
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


# ------------------------------------------------------------------------------------------------------ allowances


def allowed(source: Source, findings: Sequence[Finding], reason: str) -> tuple[bytes, list[Finding]]:
    """The file with an allowance for each of these findings in it, and the findings for which none could be written.

    `reason` is one line. A comment stands alone above the line; at its end where it would not be one above (in a
    string, behind a backslash). Whatever is written was read back as what it is meant to be. In a file of another
    encoding nothing is written.
    """
    mark = suppress.comment_mark(source.path) if not source.recoded else ""
    at: dict[int, list[Finding]] = {}
    for finding in findings:
        at.setdefault(source.position(finding.span.start).line, []).append(finding)
    left: list[Finding] = []
    for line in sorted(at, reverse=True):
        slugs = dict.fromkeys(one.slug for one in at[line] if (one.code, one.slug) not in suppress.OWN)
        comment = f"{mark} lockcheck: allow({', '.join(slugs)}): {reason}"
        written = None
        if mark and slugs:
            written = _above(source, line, comment, slugs) or _behind(source, line, comment, slugs)
        left += [one for one in at[line] if written is None or one.slug not in slugs]
        source = written or source
    return source.data, left


def _above(source: Source, line: int, comment: str, slugs: Collection[str]) -> Source | None:
    text = source.line(line)
    if line > 1 and source.line(line - 1).endswith("\\"):
        return None
    indent = text[: len(text) - len(text.lstrip())]
    begin, _ = source.bounds(line)
    new = f"{indent}{comment}{_line_end(source, line)}".encode()
    return _checked(Source(source.path, source.data[:begin] + new + source.data[begin:]), line + 1, line, slugs)


def _behind(source: Source, line: int, comment: str, slugs: Collection[str]) -> Source | None:
    begin, end = source.bounds(line)
    ending = source.data[begin:end].rstrip(b"\r\n")
    if ending.endswith(b"\\"):
        return None
    new = source.data[: begin + len(ending)] + f"  {comment}".encode() + source.data[begin + len(ending) :]
    return _checked(Source(source.path, new), line, line, slugs)


def _line_end(source: Source, line: int) -> str:
    begin, end = source.bounds(line)
    return "\r\n" if source.data[begin:end].endswith(b"\r\n") else "\n"


def _checked(source: Source, target: int, written: int, slugs: Collection[str]) -> Source | None:
    """The source, if the comment on line `written` is an allowance of these slugs on line `target`."""
    for one in suppress.allowances(source):
        if one.line == target and source.position(one.span.start).line == written and list(one.names) == list(slugs):
            return source
    return None
