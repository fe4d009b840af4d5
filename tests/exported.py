"""What the exported rules see of what lockcheck sees, counted by the marks of the fixtures.

`python tests/exported.py` writes the table into docs/semgrep.md; a test fails when it is stale.
The marks themselves are held against the real semgrep in test_export.py, so that nothing here runs it.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import marks

from lockcheck.export import Template, left_out, templates
from lockcheck.rules import RULES

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "semgrep.md"
BEGIN, END = "<!-- counted by tests/exported.py -->", "<!-- end of counted -->"
SUFFIXES = {"rust": ".rs", "python": ".py"}
DEADLOCKS = ("lock-taken-twice", "read-then-write", "write-then-read", "nested-read")


def fixtures(language: str) -> list[Path]:
    """The files of a language."""
    return sorted((ROOT / "fixtures" / language).glob(f"*{SUFFIXES[language]}"))


def counts(language: str) -> dict[str, Counter[str]]:
    """By slug, how often each kind of mark stands in the fixtures."""
    found: dict[str, Counter[str]] = {}
    for path in fixtures(language):
        for mark in marks.read(path):
            found.setdefault(mark.slug, Counter())[mark.kind] += 1
    return found


def row(template: Template, kinds: Counter[str]) -> str:
    """One line of the table."""
    both, ours = kinds["ruleid"], kinds["ruleid"] + kinds["todoruleid"]
    cells = [
        f"{template.rule.code} {template.rule.slug}", template.language, template.coverage,
        f"{ours} of {ours + kinds['missed']}", f"{both} of {ours + kinds['missed']}", str(kinds["todook"]),
        template.loses,
    ]  # fmt: skip
    return f"| {' | '.join(cells)} |"


def table() -> str:
    """The whole table, and the rules that are not exported."""
    known = list(templates())
    lines = ["| rule | language | coverage | lockcheck sees | the export sees | wrongly | what it cannot see |"]
    lines.append("|---|---|---|--:|--:|--:|---|")
    for language in SUFFIXES:
        found = counts(language)
        lines += [row(one, found.get(one.rule.slug, Counter())) for one in known if one.language == language]
    have = {(one.rule.slug, one.language) for one in known}
    for language in SUFFIXES:
        without = [rule for rule in RULES if language in rule.meta.languages and (rule.slug, language) not in have]
        why = left_out(language)
        further = [f"{rule.code} {rule.slug}" for rule in without if rule.slug not in why]
        lines += [
            "",
            f"Not exported for {language.capitalize()}, as they need the whole program: {', '.join(further)}.",
        ]
        lines += [f"Not exported either: {r.code} {r.slug}; {why[r.slug]}." for r in without if r.slug in why]
    return "\n".join(lines)


def page() -> str:
    """The page with the table in its place."""
    before, begin, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    assert begin and end, f"{PAGE} has no place for the table"
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
