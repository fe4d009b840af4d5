"""The exported rules are what the checked-in files say, valid, and agree with the marks, by the real semgrep."""

from __future__ import annotations

import json
import re
import textwrap
from pathlib import Path
from typing import Any

import exported
import marks
import pytest
import tools
import yaml

from lockcheck.export import left_out, message, templates
from lockcheck.rules import RULES

ROOT = exported.ROOT
RULES_FOLDER = ROOT / "rules"
LANGUAGES = sorted({template.language for template in templates()})
SLUGS = {language: {t.rule.slug for t in templates() if t.language == language} for language in LANGUAGES}


def tree(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text("utf-8") for path in folder.rglob("*") if path.is_file()
    }


def rule_of(path: Path) -> dict[str, Any]:
    (rule,) = yaml.safe_load(path.read_text(encoding="utf-8"))["rules"]
    return dict(rule)


@pytest.mark.parametrize(("tool", "folder"), [("semgrep", "rules"), ("ast-grep", "ast-grep")])
def test_checked_in_rules_are_not_stale(tool: str, folder: str, tmp_path: Path) -> None:
    done = tools.lockcheck(tmp_path, "export", tool, "-o", "out")
    assert done.returncode == 0, done.stderr
    assert tree(tmp_path / "out") == tree(ROOT / folder), f"run `lockcheck export {tool}` and commit {folder}/"


def test_page_of_the_export_is_not_stale() -> None:
    assert exported.page() == exported.PAGE.read_text("utf-8"), "run `python tests/exported.py`"


@pytest.mark.parametrize("path", sorted(RULES_FOLDER.rglob("*.yaml")), ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_a_rule_says_what_the_registry_asks(path: Path) -> None:
    rule = rule_of(path)
    ours = next(one for one in RULES if one.slug == path.stem)
    assert rule["id"] == path.stem and rule["languages"] == [path.parent.name]
    assert "fix" not in rule and "fix-regex" not in rule
    assert rule["message"] == message(ours) and ours.title in rule["message"] and len(rule["message"].split()) > 20
    said = rule["metadata"]
    assert said["category"] == "correctness" and said["technology"] and said["references"]
    assert all(one.startswith("https://") for one in said["references"])
    assert all(one.startswith("CWE-") for one in said["cwe"])
    assert said["confidence"] in ("HIGH", "MEDIUM", "LOW")
    assert said["lockcheck"]["code"] == ours.code
    assert said["lockcheck"]["coverage"] in ("exact", "approximate", "hint") and said["lockcheck"]["loses"]


def test_rules_are_valid_by_the_schema_of_semgrep() -> None:
    schema = tools.schema()
    code = textwrap.dedent("""
        import json, sys, jsonschema
        schema, rules = json.load(sys.stdin)
        for path, rule in rules.items():
            for error in jsonschema.Draft7Validator(schema).iter_errors(rule):
                print(path, error.message[:200])
    """)
    rules = {path.as_posix(): yaml.safe_load(path.read_text("utf-8")) for path in RULES_FOLDER.rglob("*.yaml")}
    assert tools.python(code, json.dumps([schema, rules])) == ""


@pytest.fixture(scope="module")
def reported() -> dict[str, set[tuple[int, str]]]:
    """(line, slug) of all that the exported rules report, by fixture; one start of semgrep for each language."""
    found: dict[str, set[tuple[int, str]]] = {}
    for language in LANGUAGES:
        paths = exported.fixtures(language)
        found |= {path.name: set() for path in paths}
        for path, line, _, slug in tools.scan(RULES_FOLDER / language, paths):
            found[Path(path).name].add((line, slug))
    return found


@pytest.mark.parametrize(
    "path", [p for language in LANGUAGES for p in exported.fixtures(language)], ids=lambda p: p.name
)
def test_semgrep_reports_what_the_marks_say(path: Path, reported: dict[str, set[tuple[int, str]]]) -> None:
    judged = SLUGS[path.parent.name] & {marks.slug(path), *exported.DEADLOCKS}
    said = [mark for mark in marks.read(path) if mark.slug in judged]
    open_ = {(mark.line, mark.slug) for mark in said if mark.kind in ("missed", "false alarm")}
    wanted = {(mark.line, mark.slug) for mark in said if mark.export_reported}
    found = {(line, slug) for line, slug in reported[path.name] if slug in judged} - open_
    lines = path.read_text(encoding="utf-8").splitlines()
    wrong = [
        f"{n}: {slug} is marked as seen by semgrep and is not: {lines[n - 1].strip()}" for n, slug in wanted - found
    ]
    wrong += [f"{n}: {slug} is seen by semgrep and not marked so: {lines[n - 1].strip()}" for n, slug in found - wanted]
    assert not wrong, "\n" + "\n".join(sorted(wrong))


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_stays_inside_a_function_is_exported_or_says_why_not(language: str) -> None:
    inside = {rule.slug for rule in RULES if language in rule.meta.languages and rule.meta.reach == "function"}
    reasons = left_out(language)
    assert inside - SLUGS[language] == set(reasons) and all(len(why.split()) > 5 for why in reasons.values())


@pytest.mark.parametrize("language", LANGUAGES)
def test_rules_that_are_not_exported_are_marked_so(language: str) -> None:
    for path in exported.fixtures(language):
        strangers = [mark for mark in marks.read(path) if mark.export_reported and mark.slug not in SLUGS[language]]
        assert not strangers, f"{path.name}: {strangers[0].slug} is not exported: `todoruleid` or `ok`"


@pytest.mark.parametrize("language", LANGUAGES)
def test_semgrep_own_test_passes(language: str, tmp_path: Path) -> None:
    """Each fixture is tested with the rules that it has marks of; of what lockcheck misses nothing is asked.

    Where all that a file says of a rule is that it is to see something some day, semgrep calls the file wrong: the mark
    is taken out.
    """
    judged: dict[str, set[str]] = {}
    for path in exported.fixtures(language):
        said = {mark.slug for mark in marks.read(path) if mark.kind != "todoruleid"}
        judged.setdefault(marks.slug(path), set()).update(said)
        text = re.sub(r"(//|#) (?:missed|false alarm): (.*?) —.*", r"\1 todook: \2", path.read_text(encoding="utf-8"))
        for alone in {mark.slug for mark in marks.read(path)} - said:
            text = re.sub(rf"(//|#) todoruleid: {alone}$", r"\1", text, flags=re.MULTILINE)
        (tmp_path / path.name).write_text(text, encoding="utf-8")
    for fixture, slugs in judged.items():
        rules = [rule_of(RULES_FOLDER / language / f"{slug}.yaml") for slug in sorted(slugs & SLUGS[language])]
        (tmp_path / f"{fixture}.yaml").write_text(yaml.safe_dump({"rules": rules}), encoding="utf-8")
    done = tools.semgrep("--test", "--json", str(tmp_path))
    assert done.stdout, done.stderr[-2000:]
    wrong = []
    for config in json.loads(done.stdout)["results"].values():
        for slug, said in config["checks"].items():
            for file, lines in said["matches"].items() if not said["passed"] else ():
                odd = sorted(set(lines["expected_lines"]) ^ set(lines["reported_lines"]))
                wrong += [f"{Path(file).name}:{line}: {slug}" for line in odd]
    assert done.returncode == 0 and not wrong, "\n".join(wrong) or done.stderr[-2000:]


CLOSED = re.compile("format!|(?://|#) closed to patterns")
"""Lines of programs that no pattern of semgrep can speak of: in a macro, or as the comment there says."""


@pytest.mark.parametrize("name", ["outage_2021", "wrappers", "recursion", "getters", "py_one_lock", "py_bases"])
def test_an_export_that_knows_the_project_follows_its_calls(name: str, tmp_path: Path) -> None:
    """Plain semgrep finds the write four calls down; what stands in a macro stays closed to it."""
    program = ROOT / "fixtures" / "programs" / name
    done = tools.lockcheck(program, "export", "semgrep", "--project", ".", "-o", str(tmp_path / "rules"))
    assert done.returncode == 0, done.stderr
    paths = sorted(path for suffix in exported.SUFFIXES.values() for path in program.rglob(f"*{suffix}"))
    wanted = {
        (path.as_posix(), mark.line, mark.slug)
        for path in paths
        for mark in marks.read(path)
        if mark.reported and not CLOSED.search(path.read_text(encoding="utf-8").splitlines()[mark.line - 1])
    }
    assert wanted
    judged = json.loads((program / "expect.json").read_text(encoding="utf-8"))["select"]
    found = {(path, line, slug.partition("--")[0]) for path, line, _, slug in tools.scan(tmp_path / "rules", [program])}
    assert {one for one in found if one[2] in judged} == wanted


@pytest.fixture(scope="module")
def grepped() -> dict[str, set[tuple[int, str]]]:
    """(line, slug) of all that the rules for ast-grep report, by fixture."""
    found: dict[str, set[tuple[int, str]]] = {}
    for path, line, _, slug in tools.ast_grep(ROOT / "ast-grep", exported.fixtures("rust")):
        found.setdefault(Path(path).name, set()).add((line, slug))
    return found


GREPPED = sorted(path.stem for path in (ROOT / "ast-grep").rglob("rust/*.yml"))


@pytest.mark.parametrize("slug", GREPPED)
def test_ast_grep_agrees_with_the_marks(slug: str, grepped: dict[str, set[tuple[int, str]]]) -> None:
    """Where semgrep and ast-grep differ, both are right about something; of ten places they agree on nine."""
    wanted, found = set(), set()
    for path in exported.fixtures("rust"):
        if marks.slug(path) == slug or slug in exported.DEADLOCKS:
            said = [mark for mark in marks.read(path) if mark.slug == slug]
            wanted |= {(path.name, mark.line) for mark in said if mark.export_reported}
            found |= {(path.name, line) for line, one in grepped.get(path.name, ()) if one == slug}
            found -= {(path.name, mark.line) for mark in said if mark.kind == "missed"}
    assert wanted and len(wanted & found) / len(wanted | found) > 0.85, sorted(wanted ^ found)


def test_ast_grep_sees_let_else(grepped: dict[str, set[tuple[int, str]]]) -> None:
    """Semgrep's parser throws it away."""
    (path,) = [path for path in exported.fixtures("rust") if path.name == "lock-taken-twice.rs"]
    function, seen = "", set()
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        function = line.split("fn ")[1].split("(")[0] if "fn " in line else function
        seen |= {function} if (number, "lock-taken-twice") in grepped[path.name] else set()
    assert "bad_let_else_guard" in seen and "good_let_else" not in seen
