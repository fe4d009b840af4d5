"""LCK104 in Rust."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lockcheck.export.rust import _ast_grep as ag
from lockcheck.export.rust import _semgrep as sg
from lockcheck.export.words import Words

COVERAGE = "approximate"
CONFIDENCE = "MEDIUM"
CWE = "CWE-667: Improper Locking"
REFERENCES = ("https://doc.rust-lang.org/rustc/lints/listing/deny-by-default.html#let-underscore-lock",)
LOSES = "helpers that return guards, parts of tuples, whether it is a lock at all"


_ANYTHING = r"[a-z_]\w*\s*\.\s*(read|write)\s*\(\)$"
"""A local variable is read or written: such names mean a lock only of fields, statics, and where it is unwrapped."""


def semgrep(words: Words) -> dict[str, Any]:
    """`let _ =` of an acquisition with something after it."""
    bounded = sg.Held("$L.$A(...)", words.takes(bounded=True), arguments=True)
    kinds = (sg.taken(words.takes()), bounded)
    return sg.both(sg.either(_thrown_away(words, held, *sg.is_lock(words, "L")) for held in kinds))


def semgrep_project(words: Words) -> Iterator[tuple[str, dict[str, Any]]]:
    """The same of what a function of the project handed out."""
    if words.givers():
        yield "handed-out", _thrown_away(words, sg.Held("$L.$A(...)", words.givers(), arguments=True))


def _thrown_away(words: Words, held: sg.Held, *more: sg.Part) -> dict[str, Any]:
    ways = ("let _ = %s;", "_ = %s;")
    return sg.both(
        sg.either(f"{way % sg.deep(held.pattern)}\n...\n$NEXT;" for way in ways),
        sg.either({"pattern-inside": f"{way % '$HELD'}\n..."} for way in ways),
        sg.regex("HELD", sg.guard_text(words, held)),
        sg.regex("HELD", rf"^(?!&|.*\bstd(in|out|err)\(\)|{_ANYTHING})"),
        *held.named,
        *more,
        {"focus-metavariable": "$L"},
    )


def ast_grep(words: Words) -> dict[str, Any]:
    """The same."""
    take = (*words.takes(), *words.takes(bounded=True))
    bound = {"kind": "let_declaration", "all": [
        {"has": {"field": "pattern", "regex": "^_$"}}, {"has": {"field": "value", "matches": "guard-2"}},
    ]}  # fmt: skip
    assigned = {"kind": "expression_statement", "has": {"kind": "assignment_expression", "all": [
        {"has": {"field": "left", "regex": "^_$"}}, {"has": {"field": "right", "matches": "guard-2"}},
    ]}}  # fmt: skip
    last = {"nthChild": {"position": 1, "reverse": True}}
    stream = {"regex": r"\bstd(in|out|err)\(\)"}
    rule = {"all": [{"any": [bound, assigned]}, {"not": {"any": [last, stream]}}]}
    acquire = {"any": [ag.call(words.takes()), ag.call(words.takes(bounded=True), arguments=True)]}
    return {"rule": rule, "utils": {**ag.utils(words, take), "acquire": acquire}}
