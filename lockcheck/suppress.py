"""What the code's own comments allow: `// lockcheck: allow(slug): reason`, `# lockcheck: allow(slug): reason`.

In: sources and findings.  Out: the findings that no comment allows, and findings about the comments themselves.
Never: parses more of a language than its comments and strings.

An allowance speaks for the line it ends, or, alone on a line, for the next line that is no comment. In Python
`# noqa` counts as it does for flake8: for the whole logical line, `# flake8: noqa` for the whole file. Where an
attribute allows a lint of another linter that is about the same matter (`Finding.lints`), the finding is allowed too.
"""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Collection, Iterable, Iterator, Sequence

from msgspec import Struct

from lockcheck.finding import Edit, Finding, Fix
from lockcheck.source import Source, Span

WITHOUT_REASON = ("LCK001", "allow-without-reason")
UNUSED = ("LCK002", "allow-unused")
OWN = (WITHOUT_REASON, UNUSED)
"""(code, slug) of what this room itself reports."""

PAGES = {
    "LCK001": """\
An allowance gives no reason

Whoever reads `lockcheck: allow(...)` in a year must be able to tell whether it still holds.
Write the reason behind it: `// lockcheck: allow(await-while-locked): single-threaded runtime`.
""",
    "LCK002": """\
An allowance allows nothing

No finding of the named rule is on the line that the comment speaks for, or no rule has that name.
Remove the comment: it would hide the next bug there.
""",
}

_RUST = re.compile(
    rb"""(?P<comment>//[^\n]*) | /\*.*?(?:\*/|\Z)
    | [bc]?r(?P<hashes>\#*)".*?(?:"(?P=hashes)|\Z) | [bc]?"(?:[^"\\]|\\.)*(?:"|\Z)
    | b?'(?:[^'\\\n\x80-\xff]|[\x80-\xff]{2,4}|\\[^\n]{1,10}?)'""",
    re.VERBOSE | re.DOTALL,
)
_PYTHON = re.compile(
    rb"""(?P<comment>\#[^\n]*)
    | \"{3}(?:[^\\]|\\.)*?(?:\"{3}|\Z) | '{3}(?:[^\\]|\\.)*?(?:'{3}|\Z)
    | "(?:[^"\\\n]|\\.)*" | '(?:[^'\\\n]|\\.)*'""",
    re.VERBOSE | re.DOTALL,
)
_LEXERS = {"rs": _RUST, "py": _PYTHON, "pyi": _PYTHON}
"""By suffix: what finds comments, and strings so that nothing in them counts."""

_ALLOW = re.compile(r"lockcheck:\s*allow\(([^()]*)\)\s*(?::\s*(.*?))?\s*$")
_NOQA = re.compile(r"# noqa(?::\s?((?:[A-Z]+\d+[,\s]*)+))?", re.IGNORECASE)
_NOQA_FILE = re.compile(rb"^\s*# flake8[:=]\s*noqa\s*$", re.IGNORECASE | re.MULTILINE)


class Allowance(Struct, frozen=True):
    """A comment that allows the rules `names` (codes or slugs) on line `line`; `span` is the comment.

    `owed` tells whether it is one of ours, which must have a reason and be used; the names of another's are
    beginnings of codes, and the empty one begins them all.
    """

    path: str
    line: int
    names: tuple[str, ...]
    reason: str
    span: Span
    owed: bool = True

    def allows(self, code: str, slug: str) -> bool:
        """Whether one of its names is this rule."""
        if not self.owed:
            return code.startswith(tuple(name.upper() for name in self.names))
        return any(name.upper() == code or name.lower() == slug for name in self.names)


def allowances(source: Source) -> Iterator[Allowance]:
    """The allowances written in a source, in order."""
    lexer = _LEXERS.get(source.path.rpartition(".")[2])
    if lexer is None or not (b"lockcheck:" in source.data or (lexer is _PYTHON and b"noqa" in source.data.lower())):
        return
    for found in lexer.finditer(source.data):
        comment = (found["comment"] or b"").decode("utf-8").rstrip()
        span = Span(source.path, found.start(), found.start() + len(comment.encode()))
        ours, noqa = _ALLOW.search(comment), _NOQA.search(comment)
        if ours:
            names = tuple(filter(None, re.split(r"[,\s]+", ours[1])))
            yield Allowance(source.path, _target(source, span.start), names, ours[2] or "", span)
        elif noqa and lexer is _PYTHON:
            line = source.position(span.start).line
            names = tuple(re.findall(r"[A-Za-z]+\d+", noqa[1] or "")) or ("",)
            yield Allowance(source.path, line, names, "", span, owed=False)


_MARKED = re.compile(r"lockcheck:\s*(data-plane|probe)\s*$")


def marked(source: Source) -> Iterator[tuple[str, int]]:
    """The comments that mark the function below: (`data-plane` or `probe`, the offset behind the comment), in order."""
    lexer = _LEXERS.get(source.path.rpartition(".")[2])
    if lexer is None or b"lockcheck:" not in source.data:
        return
    for found in lexer.finditer(source.data):
        said = _MARKED.search((found["comment"] or b"").decode("utf-8").rstrip())
        if said:
            yield said[1], found.end()


def _target(source: Source, start: int) -> int:
    """The line that the comment beginning at byte `start` speaks for: its own, or the next that is no comment."""
    line = source.position(start).line
    mark = "#" if source.data[start : start + 1] == b"#" else "//"
    while line < source.lines and source.line(line).lstrip().startswith(mark):
        line += 1
    return line


def _logical_lines(source: Source) -> dict[int, range]:
    """The lines of the logical line around each line, for logical lines of several."""
    found: dict[int, range] = {}
    first = 0
    try:
        for token in tokenize.tokenize(io.BytesIO(source.data).readline):
            if token.type == tokenize.NEWLINE:
                found.update(dict.fromkeys(range(first, token.end[0] + 1), range(first, token.end[0] + 1)))
                first = 0
            elif not first and token.type not in _BETWEEN:
                first = token.start[0]
    except (tokenize.TokenError, SyntaxError):
        pass
    return found


_BETWEEN = {tokenize.ENCODING, tokenize.NL, tokenize.COMMENT, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}


def sift(
    sources: Iterable[Source],
    findings: Sequence[Finding],
    known: Collection[tuple[str, str]],
    ran: Collection[str],
    noqa: bool = True,
) -> tuple[list[Finding], list[tuple[Finding, Allowance]]]:
    """The findings to report: those that no comment allows, and one for each allowance without a reason or a use.

    Beside them, the findings that are allowed, each with the first allowance that does so.

    `known` are (code, slug) of all rules; `ran` the codes of those that had their say: an allowance of another one
    may be of use in another run and is left alone. `noqa`: `# noqa` counts (flake8 sees to that itself).
    """
    said = [one for source in sources for one in allowances(source) if noqa or one.owed]
    starts = {source.path: source for source in sources}
    if noqa:
        quiet = {path for path in {f.span.path for f in findings} if _whole_file(starts.get(path))}
        findings = [finding for finding in findings if finding.span.path not in quiet]
    concerned = {one.path for one in said if not one.owed} & {finding.span.path for finding in findings}
    logical = {path: _logical_lines(starts[path]) for path in concerned}
    at: dict[tuple[str, int], list[Allowance]] = {}
    for one in said:
        alone = range(one.line, one.line + 1)
        for line in alone if one.owed else logical.get(one.path, {}).get(one.line, alone):
            at.setdefault((one.path, line), []).append(one)
    used: set[tuple[Allowance, str]] = set()
    kept, hidden = [], []
    for finding in findings:
        source = starts.get(finding.span.path)
        line = source.position(finding.span.start).line if source else 0
        here = [one for one in at.get((finding.span.path, line), ()) if one.allows(finding.code, finding.slug)]
        used.update((one, finding.code) for one in here)
        by = here[0] if here else _by_lint(finding, source)
        if by is not None:
            hidden.append((finding, by))
        else:
            kept.append(finding)
    complaints = [
        complaint for one in said if one.owed for complaint in _complaints(one, starts[one.path], used, known, ran)
    ]
    return kept + complaints, hidden


def _by_lint(finding: Finding, source: Source | None) -> Allowance | None:
    """The attribute that allows another linter to find what this finding says, there or where the guard is taken."""
    lints = [one for one in finding.lints if source is not None and one.encode() in source.data]
    if source is None or not (lints and source.path.endswith(".rs")):
        return None
    from lockcheck.frontends.rust.lints import allowed  # (a parser: only where somebody says such a thing)

    spans = [span for span in (finding.span, *(note.span for note in finding.notes[:1])) if span.path == source.path]
    for lint in lints:
        for one in allowed(source, lint):
            if any(one.begins <= span.start < one.ends for span in spans):
                line = source.position(one.start).line
                said = f"`{lint}` is allowed here"
                return Allowance(source.path, line, (lint,), said, Span(source.path, one.start, one.end), owed=False)
    return None


def _whole_file(source: Source | None) -> bool:
    """Whether a line of a Python file says that flake8 is to say nothing of it."""
    python = source is not None and _LEXERS.get(source.path.rpartition(".")[2]) is _PYTHON
    return python and source is not None and _NOQA_FILE.search(source.data) is not None


def _complaints(
    one: Allowance,
    source: Source,
    used: Collection[tuple[Allowance, str]],
    known: Collection[tuple[str, str]],
    ran: Collection[str],
) -> Iterator[Finding]:
    """What is wrong with an allowance."""
    if not one.reason:
        yield _finding(WITHOUT_REASON, one, "allowance without a reason", "write `: ` and the reason behind `allow(…)`")
    if not one.names:
        yield _finding(UNUSED, one, "allowance that names no rule", "remove the comment")
    for name in one.names:
        codes = [code for code, slug in known if name.upper() == code or name.lower() == slug]
        if not codes:
            why = f"no rule is called `{name}`"
            yield _finding(UNUSED, one, why, "see `lockcheck rules` for the names")
        elif codes[0] in ran and (one, codes[0]) not in used:
            why = f"unused allowance of `{name}`"
            fix = Fix(f"remove the allowance of `{name}`", "safe", (_removal(one, name, source),))
            yield _finding(UNUSED, one, why, "remove it: it would hide the next bug here", (fix,))


def _removal(one: Allowance, name: str, source: Source) -> Edit:
    """Take a name off the allowance; the last one with the whole comment, and the line if nothing else is on it."""
    left = [other for other in one.names if other != name]
    if left:
        comment = source.text(one.span.start, one.span.end)
        begin, end = comment.index("("), comment.index(")")
        return Edit(one.span, f"{comment[: begin + 1]}{', '.join(left)}{comment[end:]}")
    start, end = one.span.start, one.span.end
    while start and source.data[start - 1 : start] in (b" ", b"\t"):
        start -= 1
    alone = not start or source.data[start - 1 : start] == b"\n"
    if alone:
        end = source.data.find(b"\n", end) + 1 or len(source.data)
    return Edit(Span(one.path, start, end), "")


def comment_mark(path: str) -> str:
    """What begins a comment in a file of this name; empty where that is not known."""
    lexer = _LEXERS.get(path.rpartition(".")[2])
    return {id(_RUST): "//", id(_PYTHON): "#"}.get(id(lexer), "")


def _finding(rule: tuple[str, str], one: Allowance, message: str, cure: str, fixes: tuple[Fix, ...] = ()) -> Finding:
    return Finding(*rule, "warning", "certain", "declared", one.span, message, "", help=cure, fixes=fixes)
