"""ast-grep: a template's body with what ast-grep asks of a rule around it, as YAML, and the file that names the folder.

In: a `Template`, words.  Out: the text of one rule file.
Never: patterns of a language.

Facts about the tool, measured with 0.51: it is some twenty times as fast as semgrep and sees `let … else` and let
chains; two metavariables are the same where their text is, and one of the outer rule is the same in `inside` and `has`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lockcheck.export.semgrep import dump

if TYPE_CHECKING:
    from lockcheck.export import Template
    from lockcheck.export.words import Words

HEAD = "# Written by `lockcheck export ast-grep`; what is changed here is lost.\n"
_SEVERITY = {"error": "error", "warning": "warning", "note": "info"}


def path(template: Template) -> str:
    """Where the rule's file goes."""
    return f"rules/{template.language}/{template.rule.slug}.yml"


def extra() -> list[tuple[str, str]]:
    """Further files: where the rules are."""
    return [("sgconfig.yml", HEAD + dump({"ruleDirs": ["rules"]}))]


def text(template: Template, message: str, words: Words) -> str:
    """The file of one rule; empty where the template has nothing for ast-grep."""
    if template.ast_grep is None:
        return ""
    rule = template.rule
    made: dict[str, Any] = {
        "id": rule.slug,
        "language": template.language,
        "severity": _SEVERITY[rule.meta.severity],
        "message": rule.title,
        "note": message,
        "metadata": {"code": rule.code, "coverage": template.coverage},
        **template.ast_grep(words),
    }
    return HEAD + dump(made)
