"""Each format against what reads it: its schema, its parser, its limits."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import urllib.parse
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from fakes import fake_rules, finding, span, write_tree
from msgspec.structs import replace
from test_report import INIT, outage, report

from lockcheck import cli
from lockcheck.finding import Edit, Finding, Fix, Note, Problem, Reached
from lockcheck.report import FORMATS, Hidden, Page, Report, Style, render
from lockcheck.report.linehash import line_hashes
from lockcheck.report.steps import steps
from lockcheck.source import Source

__all__ = ["fake_rules"]

PAGE = Page("LCK202", "read-then-write", "Write under read", "Write under read\n\nA writer waits.\n", "error")
EVIL = "`a|b` <b>%25::error::\r\n]];[x](y) \x1b[31m\u202e"


def whole(**more: Any) -> Report:
    """A finding over two files, an allowed one, one of the baseline, and a file that could not be read."""
    new = outage(notes=(*outage().notes, Note(span(INIT, "c.load.write()"), "calls on there", "calls on")))
    allowed = Hidden(finding(INIT, "c.load.write()"), "allowed", "only at start", span(INIT, "fn init"))
    known = Hidden(finding(INIT, "c.load.write()", code="LCK201", slug="lock-taken-twice"), "baseline", "base.json")
    pages = (Page("LCK201", "lock-taken-twice", "Twice", "Twice\n", "error"), PAGE)
    values = {"hidden": (allowed, known), "since": "base.json", "pages": pages, "problems": (Problem("b.rs", 2, "no"),)}
    return report(new, **{**values, **more})


def shown(name: str, report: Report, style: Style | None = None) -> str:
    return render(name, report, style or Style())


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_holds_what_is_evil_and_what_is_nothing(name: str) -> None:
    shown(name, Report(files=1))
    source = Source("src/\x1b x,:;]|%.rs", b"a.lock();\n")
    bad = finding(source, "a.lock()", message=EVIL, help=EVIL, notes=(Note(span(source, "a"), EVIL, EVIL),))
    text = shown(name, report(bad, sources=(source,)))
    assert text == shown(name, report(bad, sources=(source,)))
    assert text.endswith("\n")
    text.encode("utf-8")


# ----------------------------------------------------------------------------------------------------------- sarif


def sarif(report: Report, style: Style | None = None) -> Any:
    jsonschema = pytest.importorskip("jsonschema", reason="pip install -e '.[dev]' to check against the schema")
    log = json.loads(shown("sarif", report, style))
    jsonschema.validate(log, json.loads((Path(__file__).parent / "schemas/sarif-2.1.0.json").read_text()))
    (run,) = log["runs"]
    return run


def test_sarif_points_at_one_line_and_links_the_way() -> None:
    run = sarif(whole())
    result = run["results"][0]
    region = result["locations"][0]["physicalLocation"]["region"]
    assert region == {"startLine": 7, "startColumn": 13, "endLine": 7, "endColumn": 30}
    related = {one["id"]: one for one in result["relatedLocations"]}
    links = re.findall(r"\[([^\]]+)\]\((\d+)\)", result["message"]["text"])
    assert [int(number) for _, number in links] == sorted(related) == [1, 2, 3]
    assert links[2][0] == "calls on"
    flow = result["codeFlows"][0]["threadFlows"][0]["locations"]
    lines = [one["location"]["physicalLocation"]["region"]["startLine"] for one in flow]
    assert lines == [3, 5, 2, 7], "execution order, the primary place last unless the rule says otherwise"
    assert run["columnKind"] == "unicodeCodePoints"
    assert "security-severity" not in json.dumps(run)


def test_the_primary_place_stands_where_the_rule_says() -> None:
    one = whole().findings[0]
    assert [note.span for note in steps(replace(one, notes_before=1))][1] == one.span


def test_sarif_keeps_what_is_hidden() -> None:
    new, *hidden = sarif(whole())["results"]
    assert (new["baselineState"], "suppressions" in new) == ("new", False)
    by_kind = {one["suppressions"][0]["kind"]: one for one in hidden}
    assert by_kind["inSource"]["suppressions"][0]["justification"] == "only at start"
    assert "baselineState" not in by_kind["inSource"]
    assert by_kind["external"]["baselineState"] == "unchanged"
    assert "baselineState" not in sarif(report(outage()))["results"][0], "compared with nothing, nothing is new"
    before = Hidden(outage(), "base", "main")
    (old,) = sarif(report(hidden=(before,), since="main"))["results"]
    assert (old["baselineState"], "suppressions" in old) == ("unchanged", False)
    assert sarif(report(hidden=(Hidden(outage(), "elsewhere"),)))["results"] == []


def test_sarif_names_the_rules_and_the_problems() -> None:
    run = sarif(whole())
    rules = run["tool"]["driver"]["rules"]
    assert [one["id"] for one in rules] == ["LCK201", "LCK202"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
    assert rules[1]["fullDescription"]["text"] == "A writer waits."
    assert rules[1]["properties"]["problem.severity"] == "error"
    (problem,) = run["invocations"][0]["toolExecutionNotifications"]
    assert problem["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "b.rs"


def test_sarif_writes_fixes_as_bytes_and_paths_as_uris() -> None:
    source = Source("a b/\u00e9#.rs", "\u00e9 a.lock()".encode())
    fix = Fix("name it", "unsafe", (Edit(span(source, "a.lock()"), "b"),))
    (result,) = sarif(report(finding(source, "a.lock()", fixes=(fix,)), sources=(source,)), Style(below="crates/x"))[
        "results"
    ]
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert urllib.parse.unquote(uri) == "crates/x/a b/\u00e9#.rs"
    assert "#" not in uri
    change = result["fixes"][0]["artifactChanges"][0]["replacements"][0]
    assert change["deletedRegion"] == {"byteOffset": 3, "byteLength": 8}


def test_sarif_passes_the_validator_with_the_rules_of_github(tmp_path: Path) -> None:
    """npm's `@microsoft/sarif-multitool` in the path, or its program named by LOCKCHECK_SARIF_MULTITOOL."""
    tool = os.environ.get("LOCKCHECK_SARIF_MULTITOOL") or shutil.which("sarif-multitool")
    if not tool:
        pytest.skip("no sarif-multitool in the path: npm install -g @microsoft/sarif-multitool")
    (tmp_path / "a.sarif").write_text(shown("sarif", whole()))
    done = subprocess.run(
        [tool, "validate", "a.sarif", "--rule-kind", "Sarif;Ghas", "--level", "Error;Warning"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1"},
        timeout=120,
    )
    assert "successfully" in done.stdout
    assert not re.search(r": error |: warning GH", done.stdout), done.stdout


def test_line_hashes_are_those_of_github() -> None:
    """What the CodeQL action's own program printed for these texts."""
    code = 'fn f() {\r\n\tlet \u00e9 = "\u65e5\u672c \U0001f600";\r\n}\n\n\nfn f() {\r\n\tlet \u00e9 = "\u65e5\u672c \U0001f600";\r\n}\n'
    source = Source("a.rs", code.encode())
    assert line_hashes(source, frozenset({1, 2, 6, 8})) == {
        1: "e1637864806573e1:1",
        2: "6b849456a6cee1f1:1",
        6: "9e6bd34b2d288738:1",
        8: "32dce9ccfdbc9d3e:1",
    }
    repeated = Source("b.rs", b"  x.lock();\n" * 130)
    assert line_hashes(repeated, frozenset({1, 30, 130})) == {
        1: "f28bf26ef8fdd31a:1",
        30: "f28bf26ef8fdd31a:30",
        130: "909079a23269b1b0:1",
    }


# ---------------------------------------------------------------------------------------------------------- github


def commands(text: str) -> list[tuple[str, dict[str, str], str]]:
    """As GitHub's runner reads a command: name, properties, data, unescaped."""
    found = []
    for line in text.splitlines():
        match = re.fullmatch(r"::(\w+) (.*?)::(.*)", line)
        if match:
            pairs = dict(pair.split("=", 1) for pair in match[2].split(","))
            for escape, character in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
                pairs = {key: value.replace(escape, character) for key, value in pairs.items()}
            data = match[3].replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")
            found.append((match[1], pairs, data))
    return found


def test_github_tells_the_whole_way_in_one_annotation() -> None:
    ((kind, where, data),) = commands(shown("github", whole(), Style(below="crates/x")))
    assert kind == "error"
    assert where == {
        "title": "LCK202 read-then-write", "file": "crates/x/src/catalog.rs",
        "line": "7", "endLine": "7", "col": "13", "endColumn": "30",
    }  # fmt: skip
    assert data.split("\n")[0] == "write lock taken under a read guard"
    assert "src/init.rs:2: calls on there" in data
    assert data.endswith("help: bind what you need before the `if let`")


def test_github_cannot_be_commanded() -> None:
    source = Source("a::error,b:c%2C.rs", b"a.lock();\n")
    text = shown("github", report(finding(source, "a.lock()", message="x\r\n::error::y %0A"), sources=(source,)))
    assert len(text.splitlines()) == 1
    ((_, where, data),) = commands(text)
    assert where["file"] == "a::error,b:c%2C.rs"
    assert data == "x\r\n::error::y %0A"


def many(number: int, **more: Any) -> tuple[tuple[Finding, ...], Source]:
    source = Source("a.rs", b"BAD\n" * number)
    return tuple(finding(source, "BAD", at, message=f"number {at}", **more) for at in range(number)), source


def test_github_annotates_the_ten_most_important_of_a_kind_and_counts_the_rest() -> None:
    errors, source = many(12)
    warnings = tuple(replace(one, severity="warning") for one in errors)
    text = shown("github", report(*warnings, *errors, sources=(source,)))
    kinds = [kind for kind, _, _ in commands(text)]
    assert kinds == ["error"] * 10 + ["warning"] * 10
    assert text.endswith("lockcheck: 2 errors, 2 warnings more, not annotated: the job's summary has them all\n")


def test_what_input_from_outside_can_set_off_comes_first_among_its_kind() -> None:
    errors, source = many(12)
    last = replace(errors[11], reached_from=Reached("handle_update", ()))
    found = commands(shown("github", report(*errors[:11], last, sources=(source,))))
    assert found[0][2] == "number 11"


def test_a_review_is_shown_the_step_on_a_changed_line() -> None:
    cause = whole(touched=frozenset({("src/init.rs", 2)}))
    ((_, where, _),) = commands(shown("github", cause))
    assert (where["file"], where["line"]) == ("src/init.rs", "2")
    result = sarif(cause)["results"][0]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "src/init.rs"
    assert any(
        one["physicalLocation"]["artifactLocation"]["uri"] == "src/catalog.rs"
        and one["physicalLocation"]["region"]["startLine"] == 7
        for one in result["relatedLocations"]
    )
    at_home = whole(touched=frozenset({("src/init.rs", 2), ("src/catalog.rs", 7)}))
    assert commands(shown("github", at_home))[0][1]["line"] == "7", "the primary place where it has changed itself"


def test_github_gets_a_summary(fake_rules: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: Any) -> None:
    write_tree(fake_rules, {"repo/sub/a.rs": "BAD\n", "summary.md": "before\n"})
    monkeypatch.chdir(fake_rules / "repo/sub")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(fake_rules / "summary.md"))
    monkeypatch.setenv("GITHUB_WORKSPACE", str(fake_rules / "repo"))
    assert cli.main(["check", "--output", "github"]) == 1
    out, _ = capfdbinary.readouterr()
    ((_, where, _),) = commands(out.decode())
    assert where["file"] == "sub/a.rs"
    summary = (fake_rules / "summary.md").read_text()
    assert summary.startswith("before\n### lockcheck: 1 error found in 1 file\n")
    assert "| error | LCK901 very-bad | `sub/a.rs:1` | very-bad seen |" in summary
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(fake_rules / "no/such/place"))
    assert cli.main(["check", "--output", "github"]) == 1
    assert b"cannot write" in capfdbinary.readouterr()[1]


# ---------------------------------------------------------------------------------------------------------- others


def test_gitlab_has_what_its_parser_requires() -> None:
    issues = json.loads(shown("gitlab", whole(), Style(below="crates/x")))
    (issue,) = issues
    for key in ("description", "fingerprint", "severity", "location", "check_name"):
        assert key in issue
    assert issue["severity"] in ("info", "minor", "major", "critical", "blocker")
    assert issue["location"] == {"path": "crates/x/src/catalog.rs", "lines": {"begin": 7, "end": 7}}
    assert issue["description"].startswith("LCK202: ")
    before = (Hidden(outage(), "base", "main"), Hidden(finding(INIT, "c.load.write()"), "baseline", "b.json"))
    told = json.loads(shown("gitlab", report(hidden=before)))
    assert [one["location"]["path"] for one in told] == ["src/catalog.rs"], "GitLab itself knows what is new"
    findings, source = many(3)
    twins = [replace(one, message="the same") for one in findings]
    prints = [one["fingerprint"] for one in json.loads(shown("gitlab", report(*twins, sources=(source,))))]
    assert len(set(prints)) == 3, "equal fingerprints would be swallowed"


def test_rdjson_counts_bytes() -> None:
    source = Source("a.rs", "\u65e5\u672c a.lock()\n".encode())
    fix = Fix("name it", "unsafe", (Edit(span(source, "a"), "b"),))
    notes = (Note(span(source, "\u672c"), "there"),)
    one = finding(source, "a.lock()", fixes=(fix,), notes=notes, help="do")
    document = json.loads(shown("rdjson", report(one, sources=(source,))))
    (diagnostic,) = document["diagnostics"]
    place = {"path": "a.rs", "range": {"start": {"line": 1, "column": 8}, "end": {"line": 1, "column": 16}}}
    assert document["source"] == {"name": "lockcheck"}
    assert diagnostic["location"] == place
    assert diagnostic["severity"] == "ERROR"
    assert diagnostic["code"] == {"value": "LCK202"}
    assert diagnostic["related_locations"][0]["location"]["range"]["start"] == {"line": 1, "column": 4}
    assert diagnostic["suggestions"] == [
        {"range": {"start": {"line": 1, "column": 8}, "end": {"line": 1, "column": 9}}, "text": "b"}
    ]


def test_checkstyle_groups_by_file() -> None:
    tree = ET.fromstring(shown("checkstyle", whole()))
    (file,) = tree.findall("file")
    (error,) = file.findall("error")
    assert (tree.tag, file.get("name")) == ("checkstyle", "src/catalog.rs")
    assert (error.get("line"), error.get("column"), error.get("severity")) == ("7", "13", "error")
    assert error.get("source") == "lockcheck.LCK202"
    assert "src/init.rs:2: calls on there" in str(error.get("message"))
    assert ET.fromstring(shown("checkstyle", Report(files=1))).findall("file") == []


def test_junit_counts_what_failed_and_what_was_skipped() -> None:
    tree = ET.fromstring(shown("junit", whole()))
    assert (tree.get("tests"), tree.get("failures"), tree.get("errors")) == ("3", "1", "0")
    numbers = {suite.get("name"): (suite.get("tests"), suite.get("failures"), suite.get("skipped")) for suite in tree}
    assert numbers == {"src/catalog.rs": ("1", "1", "0"), "src/init.rs": ("2", "0", "2")}
    (failure,) = tree.iter("failure")
    assert str(failure.text).startswith("src/catalog.rs:7:13: LCK202\nwrite lock taken under a read guard\n")
    reasons = [one.get("message") for one in tree.iter("skipped")]
    assert sorted(map(str, reasons)) == ["allowed: only at start", "baseline: base.json"]
    allowed = {"name", "classname"}
    assert all(set(case.attrib) == allowed for case in tree.iter("testcase")), "Jenkins refuses others"


def test_junit_of_nothing_is_a_case_that_passed() -> None:
    tree = ET.fromstring(shown("junit", Report(files=1)))
    assert (tree.get("tests"), tree.get("failures")) == ("1", "0")
    (case,) = tree.iter("testcase")
    assert list(case) == []


def test_junit_can_be_read_by_a_library() -> None:
    junitparser = pytest.importorskip("junitparser", reason="pip install junitparser")
    suites = junitparser.JUnitXml.fromstring(shown("junit", whole()).encode())
    assert (suites.tests, suites.failures) == (3, 1)


def test_azure_escapes_what_ends_a_command() -> None:
    source = Source("a;b].rs", b"a.lock();\n")
    line = shown("azure", report(finding(source, "a.lock()", message="100%\nx"), sources=(source,)))
    assert line == (
        "##vso[task.logissue type=error;sourcepath=a%3Bb%5D.rs;linenumber=1;columnnumber=1;code=LCK202;]100%AZP25%0Ax\n"
    )


def test_markdown_is_a_table_and_the_way_of_each() -> None:
    text = shown("markdown", whole())
    assert text.startswith("### lockcheck: 1 error found in 3 files since `base.json`\n\n1 older finding not shown.\n")
    assert "| error | LCK202 read-then-write | `src/catalog.rs:7` | write lock taken under a read guard |\n" in text
    assert "3. `src/init.rs:2` calls on there\n" in text
    assert shown("markdown", Report(files=1)) == "### lockcheck: nothing found in 1 file\n\n"


def test_markdown_cannot_be_broken_out_of() -> None:
    source = Source("a.rs", b"a.lock();\n")
    evil = "`a|<b>` x|y <script> [x](y) *z*"
    text = shown("markdown", report(finding(source, "a.lock()", message=evil), sources=(source,)))
    row = next(line for line in text.splitlines() if line.startswith("| error"))
    assert row.count("|") == 5
    assert "<script>" not in row
    assert r"\[x\](y) \*z\*" in row
    assert "<code>a&#124;&lt;b&gt;</code>" in row
