"""The contract of a rule: one file whose name is its slug, whose docstring is its page.

In: a module of `lockcheck.rules` (or of a user's package).  Out: `Rule`, checked by `validate`.
Never: knows which rules exist.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from lockcheck.finding import Finding, Severity

if TYPE_CHECKING:
    from lockcheck.analysis import Analysis, Topic

Persona = Literal["regular", "pedantic", "auditor"]
PERSONAS: tuple[Persona, ...] = ("regular", "pedantic", "auditor")


class Meta(Struct, frozen=True):
    """What a rule file says of itself in one literal named `META`.

    `languages` are the languages the rule speaks; `reach` is how far it must see ("function" rules can be
    exported to pattern tools); `persona` is the least noise-tolerant persona that sees it. `asked_by` is the key
    of the settings by which a project asks for the rule: what is asked for is seen by every persona. `words` are
    names of calls that the rule is about even where no lock is near.

    `sees` is how much of the tree the rule is shown at once. Most judge each function by itself, with all that it
    calls in reach: they are asked of one function after the other, in several processes, and only where something
    changed. "waits": the functions that wait for a lock which they hold, or under a lock for what others give,
    together and at the end. "knots": those, and those that take locks in orders that meet. "tree": everything that may
    hold a guard, walked in one process as soon as it is asked for.

    `lints` are those of another linter that are about the very same matter, each behind the family of locks that it
    looks at (empty: all): where the code allows such a lint, its author knows, and the finding is allowed as well.
    Rules that show a deadlock have none.
    """

    code: str
    severity: Severity
    languages: tuple[str, ...]
    reach: Literal["function", "program"]
    persona: Persona = "regular"
    since: str = "0.1.0"
    asked_by: str = ""
    words: tuple[str, ...] = ()
    sees: Literal["function", "waits", "knots", "tree"] = "function"
    lints: tuple[tuple[str, str], ...] = ()

    def lints_of(self, family: str) -> tuple[str, ...]:
        """The lints about locks of a family."""
        return tuple(lint for locks, lint in self.lints if locks in ("", family))


_PRODUCTION: Mapping[Severity, str] = {
    "error": "Deadlock. Threads wait for ever.",
    "warning": "Contention or hazard. Threads wait long, or something may go wrong one day.",
    "note": "Hazard. Nothing goes wrong because of this alone.",
}
"""What a severity means where a rule's page does not say more."""


class Rule(Struct, frozen=True):
    """A rule as the engine sees it.

    `topics` are the events that it looks for all over the tree (`TOPICS` of its file): functions that have one are
    found by whoever works the functions out, so that only those are looked at again when the rule is asked.
    """

    slug: str
    meta: Meta
    page: str
    check: Callable[[Analysis], Iterator[Finding]]
    topics: tuple[Topic, ...] = ()

    @property
    def code(self) -> str:
        """The code for reports and flake8, for example LCK202."""
        return self.meta.code

    @property
    def production(self) -> str:
        """What a person would see in production, in one line: deadlock, contention or hazard, and how it shows."""
        found = re.search(r"^## In production\n(.*?)(?=^## |\Z)", self.page, re.MULTILINE | re.DOTALL)
        return " ".join(found[1].split()) if found else _PRODUCTION[self.meta.severity]

    @property
    def title(self) -> str:
        """The first line of the page."""
        return self.page.partition("\n")[0]


class Example(Struct, frozen=True):
    """A code block of a page: which section it stands in ("Bad", "Good", "Not seen"), its language, its text."""

    section: str
    language: str
    text: str


def slug(module: str) -> str:
    """The slug of a rule file by its module's name: `lockcheck.rules.nested_read` is `nested-read`."""
    return module.rpartition(".")[2].replace("_", "-")


def load(module: ModuleType) -> Rule:
    """Make a `Rule` of a rule file. Raises ValueError where the file is no proper rule."""
    meta = getattr(module, "META", None)
    check = getattr(module, "check", None)
    if not isinstance(meta, Meta) or check is None:
        raise ValueError(f"{module.__name__}: a rule file needs META and check()")
    topics = tuple(getattr(module, "TOPICS", ()))
    return Rule(slug(module.__name__), meta, (module.__doc__ or "").strip(), check, topics)


class RuleError(Exception):
    """A rule cannot be used; the message names it, or the entry point that it comes from."""


def book(rules: Iterable[Rule], others: Iterable[tuple[str, str, str]] = ()) -> str:
    """All pages as one document in Markdown, by code; `others` are (code, slug, page) of what is no rule."""
    pages = [(rule.code, rule.slug, rule.page, _about(rule)) for rule in rules]
    pages += [(code, slug, page, ("rust, python", "warning", "regular")) for code, slug, page in others]
    lines = [
        "# Rules",
        "",
        "Written by `lockcheck rules --output markdown`: change the rules' files, not this one.",
        "",
        "| code | name | languages | severity | persona | what |",
        "|---|---|---|---|---|---|",
    ]
    for code, slug, page, about in sorted(pages):
        lines.append(f"| {code} | [{slug}](#{slug}) | {' | '.join(about)} | {page.partition(chr(10))[0]} |")
    for code, slug, page, about in sorted(pages):
        title, _, text = page.rstrip().partition("\n")
        lines += ["", f"## {slug}", "", f"**{code}: {title}.** For {about[0]}; {about[1]}; persona {about[2]}.", ""]
        lines.append(re.sub(r"^## ", "### ", text.strip(), flags=re.MULTILINE))
    return "\n".join(lines) + "\n"


def _about(rule: Rule) -> tuple[str, str, str]:
    meta = rule.meta
    asked = f"{meta.persona}, or where `{meta.asked_by}` is set" if meta.asked_by else meta.persona
    return ", ".join(meta.languages), meta.severity, asked


_FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SECTION = re.compile(r"^## (.+)$", re.MULTILINE)


def examples(rule: Rule) -> list[Example]:
    """The code blocks of the rule's page, in order, each with the section it stands in."""
    heads = [(m.start(), m[1].strip()) for m in _SECTION.finditer(rule.page)]
    found = []
    for fence in _FENCE.finditer(rule.page):
        section = next((name for at, name in reversed(heads) if at < fence.start()), "")
        found.append(Example(section, fence[1], fence[2]))
    return found


def validate(rules: Iterable[Rule]) -> None:
    """Refuse a rule without a page, without Bad and Good for each of its languages, or with a duplicate code.

    Raises ValueError naming the rule and what is missing.
    """
    seen: dict[str, str] = {}
    for rule in rules:
        if not re.fullmatch(r"[A-Z]{2,6}\d{3}", rule.code):
            raise ValueError(f"{rule.slug}: code {rule.code!r} is not some capital letters (LCK) and three digits")
        if rule.code in seen:
            raise ValueError(f"{rule.slug}: code {rule.code} is taken by {seen[rule.code]}")
        seen[rule.code] = rule.slug
        if not rule.title or rule.title.endswith("."):
            raise ValueError(f"{rule.slug}: the page must begin with a title without full stop")
        if rule.page.count("```") % 2:
            raise ValueError(f"{rule.slug}: a code block of the page is left open")
        have = {(e.section, e.language) for e in examples(rule)}
        for language in rule.meta.languages:
            for section in ("Bad", "Good"):
                if (section, language) not in have:
                    raise ValueError(f"{rule.slug}: the page has no {section} example in {language}")
