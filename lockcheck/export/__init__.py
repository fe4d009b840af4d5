"""Rules for pattern tools, made of lockcheck's own tables: what another tool can see of our rules, in its own words.

In: the name of a tool, and what is known of a project, if anything.  Out: `File`s.
Never: writes a file, runs a tool, lists rules.

The template of a rule is a file `<language>/<slug>.py` beside this one, found by its name; a rule without one is not
exported. Rules themselves know no syntax, so a template stands here and not in the rule's file: what it says is about
one tool's way of matching one language, and most of it is put together of shapes that many rules share.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any, Literal

from msgspec import Struct

from lockcheck import effects
from lockcheck.export.known import NOTHING, Known
from lockcheck.export.words import Words
from lockcheck.installed import modules
from lockcheck.rule import Rule
from lockcheck.rules import RULES

Coverage = Literal["exact", "approximate", "hint"]
COVERAGES: tuple[Coverage, ...] = ("exact", "approximate", "hint")
TOOLS = ("ast-grep", "semgrep")


class Template(Struct, frozen=True):
    """What one file of a language's folder says of the rule that it is named after.

    `coverage`: *exact* agrees with what lockcheck finds inside a function, *approximate* misses or adds some of it,
    *hint* only points at code to look at. `loses` says for people what the patterns cannot see.
    `semgrep` makes the body of the rule of the language's words, `semgrep_project` those of further rules (name, body)
    that speak of what is known of a project. `ast_grep` makes the body for that tool, where there is one.
    """

    rule: Rule
    language: str
    coverage: Coverage
    confidence: Literal["HIGH", "MEDIUM", "LOW"]
    cwe: str
    references: tuple[str, ...]
    loses: str
    semgrep: Callable[[Words], dict[str, Any]]
    semgrep_project: Callable[[Words], Iterator[tuple[str, dict[str, Any]]]]
    ast_grep: Callable[[Words], dict[str, Any]] | None


class File(Struct, frozen=True):
    """A file to be written: its path below the folder that was asked for, with `/`, and its text."""

    path: str
    text: str


def languages() -> list[str]:
    """The languages that have a folder of templates."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if module.ispkg)


def left_out(language: str) -> dict[str, str]:
    """By slug, why a rule that reaches no further than a function has no template."""
    return dict(importlib.import_module(f"{__name__}.{language}").LEFT_OUT)


def templates() -> Iterator[Template]:
    """Every template, by language and code. Raises ValueError where a file speaks of no rule or of nothing known."""
    for language in languages():
        folder = importlib.import_module(f"{__name__}.{language}")
        slugs = {name.replace("_", "-") for name in modules(folder.__path__) if not name.startswith("_")}
        rules = {rule.slug: rule for rule in RULES if language in rule.meta.languages}
        if strangers := slugs - set(rules):
            raise ValueError(f"export/{language}: no rule is called {', '.join(sorted(strangers))}")
        for slug, rule in rules.items():
            if slug in slugs:
                yield _template(rule, language, importlib.import_module(f"{folder.__name__}.{slug.replace('-', '_')}"))


def _template(rule: Rule, language: str, module: ModuleType) -> Template:
    if module.COVERAGE not in COVERAGES:
        raise ValueError(f"{module.__name__}: COVERAGE is none of {', '.join(COVERAGES)}")
    return Template(
        rule, language, module.COVERAGE, module.CONFIDENCE, module.CWE, module.REFERENCES, module.LOSES,
        module.semgrep, getattr(module, "semgrep_project", _nothing),
        getattr(module, "ast_grep", None),
    )  # fmt: skip


def _nothing(words: Words) -> Iterator[tuple[str, dict[str, Any]]]:
    del words
    return iter(())


def export(tool: str, known: Known = NOTHING) -> list[File]:
    """The files of one tool, one for each template. Raises ValueError for a tool that is not known."""
    if tool not in TOOLS:
        raise ValueError(f"no tool is called {tool!r}")
    maker = importlib.import_module(f"{__name__}.{tool.replace('-', '_')}")
    files = []
    for template in templates():
        words = Words(template.language, effects.load(template.language), known)
        text = maker.text(template, message(template.rule), words)
        if text:
            files.append(File(maker.path(template), text))
    return [*files, *(File(*one) for one in maker.extra())]


def message(rule: Rule) -> str:
    """What is wrong, why, and what to do instead, of the rule's page."""
    parts = re.split(r"^## (\w[\w ]*)\n", rule.page, flags=re.MULTILINE)
    why = " ".join(parts[0].partition("\n")[2].split())
    sections = dict(zip(parts[1::2], parts[2::2], strict=True))
    instead = " ".join(sections.get("Good", "").partition("```")[0].split())
    return f"{rule.title}. {why} {instead}".strip()
