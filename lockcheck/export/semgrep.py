"""semgrep: a template's body with what semgrep and its registry ask of a rule around it, as YAML.

In: a `Template`, words.  Out: the text of one rule file.
Never: patterns of a language.

Facts about the tool, measured with 1.182 (Community Edition): `fix:` corrupts blocks of Rust, so there is none;
`severity` in its old words is read by every version; a rule's id is what `semgrep --test` compares marks with.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from lockcheck.export import Template
    from lockcheck.export.words import Words

_SEVERITY = {"error": "ERROR", "warning": "WARNING", "note": "INFO"}
HEAD = "# Written by `lockcheck export semgrep`; what is changed here is lost.\n"


def path(template: Template) -> str:
    """Where the rule's file goes."""
    return f"{template.language}/{template.rule.slug}.yaml"


def extra() -> list[tuple[str, str]]:
    """No further files."""
    return []


def text(template: Template, message: str, words: Words) -> str:
    """The file of one rule; what is known of a project gives further ones, their names behind the slug's."""
    rule = template.rule
    found = [_rule(template, rule.slug, message, template.semgrep(words))]
    for name, body in template.semgrep_project(words):
        found.append(_rule(template, f"{rule.slug}--{name}", message, body))
    return HEAD + dump({"rules": found})


def _rule(template: Template, name: str, message: str, body: dict[str, Any]) -> dict[str, Any]:
    rule = template.rule
    return {
        "id": name,
        "languages": [template.language],
        "severity": _SEVERITY[rule.meta.severity],
        "message": message,
        "metadata": {
            "category": "correctness",
            "technology": [template.language],
            "cwe": [template.cwe],
            "confidence": template.confidence,
            "references": list(template.references),
            "lockcheck": {"code": rule.code, "coverage": template.coverage, "loses": template.loses},
        },
        **body,
    }


class _Dumper(yaml.SafeDumper):
    """Blocks for what has lines, and no aliases: every pattern stands where it is read."""

    def ignore_aliases(self, data: object) -> bool:
        """None of them."""
        del data
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Items of a list stand below their key, indented."""
        del indentless
        super().increase_indent(flow, False)


def _string(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    if "\n" in value:
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|")
    if len(value) > 90 and ": " not in value[:1] and " " in value and not value.startswith(("(", "^")):
        return dumper.represent_scalar("tag:yaml.org,2002:str", textwrap.fill(value, 10**6), style=">")
    return dumper.represent_scalar("tag:yaml.org,2002:str", value)


_Dumper.add_representer(str, _string)


def dump(value: object) -> str:
    """A value of dictionaries, lists and strings as YAML."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, width=110, allow_unicode=True, default_flow_style=False)
