"""A tree to write, and a rule that needs no analysis: it reports every `BAD` in the text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from lockcheck import engine
from lockcheck.finding import Finding, LockRef, Note
from lockcheck.rule import Meta, Rule
from lockcheck.source import Source, Span


def write_tree(top: Path, files: dict[str, str | bytes]) -> None:
    for name, content in files.items():
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def span(source: Source, text: str, number: int = 0) -> Span:
    """Where `text` stands in the source for the time `number` (from 0)."""
    at = -1
    for _ in range(number + 1):
        at = source.data.index(text.encode(), at + 1)
    return Span(source.path, at, at + len(text.encode()))


def finding(source: Source, text: str, number: int = 0, **more: Any) -> Finding:
    values: dict[str, Any] = {
        "code": "LCK202",
        "slug": "read-then-write",
        "severity": "error",
        "confidence": "certain",
        "evidence": "declared",
        "message": "write lock taken under a read guard",
        "function": "Catalog::get",
    }
    return Finding(span=span(source, text, number), **{**values, **more})


def _said(word: bytes, code: str, slug: str, **more: Any) -> Any:
    def check(sources: Sequence[Source]) -> Iterator[Finding]:
        for source in sources:
            for number, _ in enumerate(re.findall(re.escape(word), source.data)):
                yield finding(source, word.decode(), number, code=code, slug=slug, message=f"{slug} seen", **more)

    return check


RULES = (
    Rule("very-bad", Meta("LCK901", "error", ("rust",), "function"), "Very bad\n", _said(b"BAD", "LCK901", "very-bad")),
    Rule(
        "slightly-odd",
        Meta("LCK902", "note", ("rust",), "function", "pedantic"),
        "Slightly odd\n",
        _said(b"ODD", "LCK902", "slightly-odd", severity="note", confidence="possible"),
    ),
)


def said(sources: Sequence[Source]) -> list[Finding]:
    """What the two rules say."""
    return [finding for rule in RULES for finding in rule.check(sources)]


@pytest.fixture
def fake_rules(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The two rules above instead of the real ones, and an empty current folder."""
    monkeypatch.setattr(engine, "RULES", RULES)
    monkeypatch.setattr(engine, "KNOWN", (("LCK901", "very-bad"), ("LCK902", "slightly-odd"), *engine.suppress.OWN))
    monkeypatch.setattr(engine, "examine", lambda sources, *_: (said(sources), []))
    monkeypatch.chdir(tmp_path)
    for name in ("NO_COLOR", "FORCE_COLOR", "CI", "PRE_COMMIT"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


__all__ = ["LockRef", "Note", "fake_rules", "finding", "span", "write_tree"]
