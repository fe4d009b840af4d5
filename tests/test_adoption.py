"""What is known already does not count: baselines, revisions, files that nobody asked about, allowances, fixes."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from fakes import fake_rules, write_tree
from test_cli import Run, run

from lockcheck import amend, discover, history
from lockcheck.finding import Edit, Finding, Fix
from lockcheck.source import Source, Span

__all__ = ["Run", "fake_rules", "run"]

IDENTITY = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}


def git(top: Path, *arguments: str) -> str:
    command = ["git", "-C", str(top), "-c", "user.name=t", "-c", "user.email=t@example.org", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def commit(top: Path, files: dict[str, str | bytes], *gone: str) -> str:
    """Write and commit; returns the commit."""
    top.mkdir(exist_ok=True)
    if not (top / ".git").exists():
        git(top, "init", "-q", "-b", "main")
    write_tree(top, files)
    for path in gone:
        (top / path).unlink()
    git(top, "add", "-A")
    git(top, "commit", "-q", "--allow-empty", "-m", "more")
    return git(top, "rev-parse", "HEAD")


CALLER = "mod note;use std::sync::RwLock; pub struct C { load: RwLock<u8> }\nimpl C {\n    fn get(&self) {\n        let g = self.load.read().unwrap();\n        self.note();\n    }\n"
QUIET = CALLER + "}\n"
LOUD_NOTE = "use crate::C;\nimpl C { fn note(&self) { *self.load.write().unwrap() = 1; } }\n"
QUIET_NOTE = "use crate::C;\nimpl C { fn note(&self) {} }\n"
CARGO = '[package]\nname = "c"\nedition = "2021"\n'


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of one's own for the real rules."""
    monkeypatch.chdir(tmp_path)
    for name in ("PRE_COMMIT_FROM_REF", "PRE_COMMIT_TO_REF", "GIT_DIR", "GIT_INDEX_FILE", "CI", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in IDENTITY.items():
        monkeypatch.setenv(name, value)
    return tmp_path


@pytest.fixture
def check(tree: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> Any:
    from lockcheck import cli

    def command(*arguments: str) -> Run:
        status = cli.main(["check", "--output", "json", *arguments])
        out, err = capfdbinary.readouterr()
        return Run(status, out.decode(), err.decode())

    return command


# ------------------------------------------------------------------------------------------------------- baselines


def write_baseline(run: Any, *arguments: str) -> None:
    done = run("baseline", *arguments)
    assert done.status == 0, done.err


def test_a_baseline_hides_exactly_what_it_holds(run: Any, fake_rules: Path) -> None:
    write_tree(fake_rules, {"a.rs": "fn f() {\n    BAD;\n}\n", "sub/b.rs": "BAD\n"})
    done = run("baseline")
    assert (done.status, done.out) == (0, "2 findings written to lockcheck-baseline.json\n")
    held = json.loads((fake_rules / "lockcheck-baseline.json").read_text())
    assert [(one["path"], one["code"], one["count"]) for one in held["findings"]] == [
        ("a.rs", "LCK901", 1), ("sub/b.rs", "LCK901", 1),
    ]  # fmt: skip
    known = ("check", "--baseline", "lockcheck-baseline.json", "--output", "json")
    done = run(*known)
    assert (done.status, done.places, done.err) == (0, [], "")
    assert [one["why"] for one in json.loads(done.out)["hidden"]] == ["baseline", "baseline"]
    write_tree(fake_rules, {"c.rs": "BAD\n", "sub/b.rs": "BAD\nBAD\n"})
    assert run(*known).places == ["c.rs:1 LCK901", "sub/b.rs:2 LCK901"]


def test_a_baseline_outlives_moves_renames_and_layout(run: Any, fake_rules: Path) -> None:
    write_tree(fake_rules, {"a.rs": "BAD\n", "b.rs": "BAD\n"})
    write_baseline(run)
    (fake_rules / "b.rs").unlink()
    write_tree(fake_rules, {"a.rs": "\n\n  \tBAD  ;\n", "sub/renamed.rs": "// more\nBAD\n"})
    done = run("check", "--baseline", "lockcheck-baseline.json")
    assert (done.status, done.err) == (0, "")


def test_an_entry_whose_file_is_there_hides_nothing_elsewhere(run: Any, fake_rules: Path) -> None:
    write_tree(fake_rules, {"a.rs": "BAD\n"})
    write_baseline(run)
    write_tree(fake_rules, {"a.rs": "fine\n", "b.rs": "BAD\n"})
    done = run("check", "--baseline", "lockcheck-baseline.json", "--output", "json")
    assert done.places == ["b.rs:1 LCK901"]
    assert done.err == (
        "lockcheck: a.rs: stale: LCK901 in `Catalog::get` is no longer found; `lockcheck baseline` forgets it\n"
    )
    assert [one["path"] for one in json.loads(done.out)["stale"]] == ["a.rs"]


def test_what_is_stale_is_only_told_by_a_run_that_could_have_found_it(run: Any, fake_rules: Path) -> None:
    write_tree(fake_rules, {"a.rs": "BAD\nBAD\n", "b.rs": "x\n"})
    write_baseline(run)
    write_tree(fake_rules, {"a.rs": "x\n"})
    known = ("check", "--baseline", "lockcheck-baseline.json")
    assert "(2 of them)" in run(*known).err
    assert run(*known, "b.rs").err == ""
    assert run(*known, "--select", "slightly-odd").err == ""
    (fake_rules / "a.rs").unlink()
    assert "a.rs: stale" in run(*known).err


def test_the_settings_name_the_baseline(run: Any, fake_rules: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_tree(fake_rules, {"lockcheck.toml": "baseline = 'ci/known.json'", "ci/x": "", "sub/a.rs": "BAD\n"})
    assert "written to ci/known.json" in run("baseline").out
    assert run("check").status == 0
    assert run("check", "--baseline", "").status == 1
    monkeypatch.chdir(fake_rules / "sub")
    assert run("check").status == 0, "paths in the file are relative to it"


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (None, "gone.json: does not exist: write it with `lockcheck baseline -o gone.json`"),
        ("{", "is no baseline"),
        ('{"schema": 2, "findings": []}', "schema 2"),
        ('{"schema": 1, "findings": [{}]}', "is no baseline"),
        ("[]", "is no baseline"),
        (
            '{"schema": 1, "findings": [{"code":"","path":"","function":"","message":"","fingerprint":"","count":"x"}]}',
            "is no baseline",
        ),
    ],
)
def test_a_bad_baseline_is_named(run: Any, fake_rules: Path, content: str | None, word: str) -> None:
    write_tree(fake_rules, {"a.rs": "BAD\n"} | ({"gone.json": content} if content is not None else {}))
    done = run("check", "--baseline", "gone.json")
    assert done.status == 2
    assert word in done.err


# ------------------------------------------------------------------------------------------------------- revisions


def test_only_what_is_new_since_a_revision_counts(run: Any, fake_rules: Path) -> None:
    first = commit(fake_rules, {"a.rs": "BAD\n", "sub/b.rs": "BAD\n"})
    write_tree(fake_rules, {"a.rs": "BAD\n\nBAD\n", "c.rs": "BAD\n"})
    done = run("check", "--base", first, "--output", "json")
    assert done.places == ["a.rs:3 LCK901", "c.rs:1 LCK901"]
    assert json.loads(done.out)["since"] == first
    assert run("check", "--base", "HEAD", "sub").status == 0
    assert git(fake_rules, "status", "--porcelain").splitlines() == ["M a.rs", "?? c.rs"], "nothing else is changed"


def test_no_path_of_a_revision_leads_out_of_its_folder(tmp_path: Path) -> None:
    (tmp_path / "top").mkdir()
    files = [("../out.rs", b"x"), ("a/../../out.rs", b"x"), (".git/config", b"x"), ("/out.rs", b"x"), ("a/in.rs", b"x")]
    discover.plant(str(tmp_path / "top"), files)
    found = [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()]
    assert found == ["top/a/in.rs"]


def test_a_tree_without_findings_is_not_analysed_twice(
    run: Any, fake_rules: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(fake_rules, {"a.rs": "BAD\n"})
    write_tree(fake_rules, {"a.rs": "fine\n"})
    monkeypatch.setattr(discover, "plant", None)
    done = run("check", "--base", "HEAD", "--output", "json")
    assert (done.status, json.loads(done.out)["since"]) == (0, "HEAD")
    assert run("check", "--base", "nosuch").status == 2


def test_of_twins_the_one_on_a_changed_line_is_new(run: Any, fake_rules: Path) -> None:
    commit(fake_rules, {"a.rs": "x\nBAD\n"})
    write_tree(fake_rules, {"a.rs": "BAD\nx\nBAD\n"})
    assert run("check", "--base", "HEAD", "--output", "json").places == ["a.rs:1 LCK901"]


def test_the_cause_may_be_in_a_file_and_the_finding_in_another_that_nobody_touched(tree: Path, check: Any) -> None:
    commit(tree, {"Cargo.toml": CARGO, "src/lib.rs": QUIET, "src/note.rs": QUIET_NOTE})
    write_tree(tree, {"src/note.rs": LOUD_NOTE})
    assert check("--base", "HEAD").places == ["src/lib.rs:5 LCK202"]
    commit(tree, {})
    assert check("--base", "HEAD").places == []
    assert check("--base", "HEAD~1").places == ["src/lib.rs:5 LCK202"]


def test_what_counts_is_where_the_work_left_the_revision(run: Any, fake_rules: Path) -> None:
    """What was cured on the main line meanwhile is not this change's doing."""
    commit(fake_rules, {"a.rs": "BAD\n"})
    git(fake_rules, "checkout", "-q", "-b", "work")
    commit(fake_rules, {"b.rs": "x\n"})
    git(fake_rules, "checkout", "-q", "main")
    commit(fake_rules, {"a.rs": "cured\n"})
    git(fake_rules, "checkout", "-q", "work")
    assert run("check", "--base", "main").status == 0


def test_a_renamed_file_brings_in_nothing(run: Any, fake_rules: Path) -> None:
    commit(fake_rules, {"a.rs": "BAD\n"})
    commit(fake_rules, {"b.rs": "// moved\nBAD\n"}, "a.rs")
    assert run("check", "--base", "HEAD~1").status == 0


def test_a_function_that_moves_to_another_file_brings_in_nothing(tree: Path, check: Any) -> None:
    twice = "use std::sync::Mutex;\npub fn twice(m: &Mutex<u8>) { let a = m.lock(); let b = m.lock(); }\n"
    commit(tree, {"a.rs": twice, "b.rs": "pub fn f() {}\n"})
    write_tree(tree, {"a.rs": "pub fn g() {}\n", "b.rs": twice})
    assert check("--base", "HEAD").places == []
    write_tree(tree, {"a.rs": twice})
    assert check("--base", "HEAD").places == ["b.rs:2 LCK201"], "a copy is new"


def test_a_subfolder_is_compared_with_itself(run: Any, fake_rules: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit(fake_rules, {"a.rs": "BAD\n", "sub/b.rs": "BAD\n", "other/.gitignore": "", "lockcheck.toml": ""})
    write_tree(fake_rules, {"sub/b.rs": "BAD\nBAD\n", "a.rs": "BAD\nBAD\n"})
    monkeypatch.chdir(fake_rules / "sub")
    assert run("check", "--base", "HEAD", "--output", "json").places == ["b.rs:2 LCK901"]
    assert run("check", "--base", "HEAD", "--output", "json", str(fake_rules)).places == [
        "../a.rs:2 LCK901", "b.rs:2 LCK901",
    ]  # fmt: skip


def test_links_and_strange_names_in_a_revision_do_no_harm(run: Any, fake_rules: Path) -> None:
    (fake_rules / "link.rs").symlink_to("/etc/passwd")
    commit(fake_rules, {"a b\n\u00e9.rs": "BAD\n", "c.rs": "x"})
    write_tree(fake_rules, {"c.rs": "BAD\n"})
    assert run("check", "--base", "HEAD", "--output", "json").places == ["c.rs:1 LCK901"]


@pytest.mark.parametrize("revision", ["nosuch", "--help", "HEAD:a.rs"])
def test_a_revision_that_is_not_there_is_named(run: Any, fake_rules: Path, revision: str) -> None:
    commit(fake_rules, {"a.rs": "BAD\n"})
    done = run("check", f"--base={revision}")
    assert (done.status, done.err) == (2, f"lockcheck: {revision}: no such revision here\n")


def test_without_a_repository_there_is_no_revision(run: Any, fake_rules: Path) -> None:
    write_tree(fake_rules, {"a.rs": "BAD\n"})
    done = run("check", "--base", "HEAD")
    assert done.status == 2
    assert "not a git repository" in done.err


# --------------------------------------------------------------------------------------------------- what concerns


def test_the_rest_of_the_project_is_context(tree: Path, check: Any) -> None:
    commit(tree, {"Cargo.toml": CARGO, "src/lib.rs": QUIET, "src/note.rs": QUIET_NOTE, "src/old.rs": "fn f() {}\n"})
    assert check("--context", ".", "src/lib.rs").status == 0
    write_tree(tree, {"src/note.rs": LOUD_NOTE})
    assert check("src/note.rs").places == [], "alone it is harmless"
    assert check("--context", ".", "src/note.rs").places == ["src/lib.rs:5 LCK202"], "it is the cause"
    assert check("--context", ".", "src/old.rs").places == []
    commit(tree, {})
    assert check("--context", ".", "src/lib.rs").places == ["src/lib.rs:5 LCK202"], "nothing has changed: where it is"
    assert check("--context", ".", "src/note.rs").places == []


def test_git_is_asked_only_where_a_finding_leaves_the_files(
    tree: Path, check: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is three runs of git, in each commit."""
    write_tree(tree, {"Cargo.toml": CARGO, "src/lib.rs": QUIET, "src/note.rs": LOUD_NOTE, "src/old.rs": "fn f() {}\n"})
    monkeypatch.setattr(history, "repository", lambda _: pytest.fail("git was asked"))
    assert check("--context", ".", "src/old.rs").places == []
    assert check("--context", ".", "src").places == ["src/lib.rs:5 LCK202"]


def test_each_finding_is_reported_by_one_share_of_the_files(tree: Path, check: Any) -> None:
    commit(tree, {"Cargo.toml": CARGO, "src/lib.rs": QUIET, "src/note.rs": QUIET_NOTE})
    write_tree(tree, {"src/note.rs": LOUD_NOTE, "src/lib.rs": QUIET + "// changed too\n"})
    shares = [check("--context", ".", path).places for path in ("src/note.rs", "src/lib.rs")]
    assert sorted(shares) == [[], ["src/lib.rs:5 LCK202"]]
    git(tree, "add", "-A")
    assert [check("--context", ".", path).places for path in ("src/note.rs", "src/lib.rs")] == shares


def test_a_push_names_its_revisions(tree: Path, check: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    first = commit(tree, {"Cargo.toml": CARGO, "src/lib.rs": QUIET, "src/note.rs": QUIET_NOTE})
    last = commit(tree, {"src/note.rs": LOUD_NOTE})
    monkeypatch.setenv("PRE_COMMIT_FROM_REF", first)
    monkeypatch.setenv("PRE_COMMIT_TO_REF", last)
    assert check("--context", ".", "src/note.rs").places == ["src/lib.rs:5 LCK202"]


def test_what_is_in_another_language_concerns_nobody(tree: Path, check: Any) -> None:
    """pre-commit calls scripts without an ending Python, too."""
    commit(tree, {"Cargo.toml": CARGO, "src/lib.rs": QUIET, "src/note.rs": QUIET_NOTE, "run": "#!/usr/bin/python3\n"})
    done = check("--context", ".", "run", "src/lib.rs")
    assert (done.status, done.err) == (0, "")
    assert check("run").status == 2


def test_outside_of_a_repository_every_file_on_the_way_counts(tree: Path, check: Any) -> None:
    write_tree(tree, {"Cargo.toml": CARGO, "src/lib.rs": QUIET, "src/note.rs": LOUD_NOTE, "src/b.rs": b"\xff"})
    for path in ("src/lib.rs", "src/note.rs"):
        done = check("--context", ".", path)
        assert done.places == ["src/lib.rs:5 LCK202"]
        assert done.err == "", "problems of files that nobody asked about are not told"
    assert check("--context", ".", "--strict", "src/b.rs").status == 2


# ------------------------------------------------------------------------------------------------------ allowances


def test_allowances_are_written_with_a_reason(run: Any, fake_rules: Path) -> None:
    write_tree(fake_rules, {"a.rs": "fn f() {\n    BAD;\n}\n", "b.rs": "\tBAD; BAD\r\nfine\r\n", "c.rs": "fine\n"})
    before = (fake_rules / "c.rs").stat().st_mtime_ns
    done = run("check", "--add-allow", "  only  at start ")
    assert (done.status, done.out, done.err) == (0, "3 findings allowed in 2 files\n", "")
    allow = "// lockcheck: allow(very-bad): only at start"
    assert (fake_rules / "a.rs").read_text() == f"fn f() {{\n    {allow}\n    BAD;\n}}\n"
    assert (fake_rules / "b.rs").read_bytes() == f"\t{allow}\r\n\tBAD; BAD\r\nfine\r\n".encode()
    assert (fake_rules / "c.rs").stat().st_mtime_ns == before
    assert run("check").status == 0


def test_an_allowance_is_never_written_where_it_would_be_none() -> None:
    inside = Source("a.rs", b'f("\nx" + BAD);\n')
    data, left = amend.allowed(inside, [_at(inside, "BAD")], "why")
    assert (data, left) == (b'f("\nx" + BAD);  // lockcheck: allow(very-bad): why\n', [])
    hopeless = Source("a.rs", b'f("\nx" + BAD + "\n");\n')
    one = _at(hopeless, "BAD")
    assert amend.allowed(hopeless, [one], "why") == (hopeless.data, [one])
    continued = Source("a.py", b"a = b + \\\n    BAD\n")
    assert amend.allowed(continued, [_at(continued, "BAD")], "why")[0] == (
        b"a = b + \\\n    BAD  # lockcheck: allow(very-bad): why\n"
    )
    between = Source("a.py", b"a = b + \\\n    BAD + \\\n    c\n")
    one = _at(between, "BAD")
    assert amend.allowed(between, [one], "why") == (between.data, [one])


def _at(source: Source, word: str, code: str = "LCK901", slug: str = "very-bad") -> Finding:
    start = source.data.index(word.encode())
    return Finding(code, slug, "error", "certain", "declared", Span(source.path, start, start + len(word)), "m", "f")


def test_what_has_no_place_for_an_allowance_is_named(run: Any, fake_rules: Path) -> None:
    write_tree(fake_rules, {"a.rs": 'f("\nx" + BAD + "\n");\n'})
    done = run("check", "--add-allow", "why")
    assert (done.status, done.out) == (1, "0 findings allowed in 0 files\n")
    assert done.err == "lockcheck: a.rs:2: no allowance of very-bad can be written here\n"


@pytest.mark.parametrize("reason", ["", "  ", "\x1b[2J"])
def test_an_allowance_needs_a_reason(run: Any, fake_rules: Path, reason: str) -> None:
    write_tree(fake_rules, {"a.rs": "BAD\n"})
    done = run("check", "--add-allow", reason)
    assert done.status == 2
    assert (fake_rules / "a.rs").read_text() == "BAD\n"


def test_only_what_is_new_is_allowed(run: Any, fake_rules: Path) -> None:
    commit(fake_rules, {"a.rs": "BAD\n"})
    write_tree(fake_rules, {"b.rs": "BAD\n"})
    assert run("check", "--base", "HEAD", "--add-allow", "why").out == "1 finding allowed in 1 file\n"
    assert (fake_rules / "a.rs").read_text() == "BAD\n"


def test_several_files_are_written_or_none(tmp_path: Path) -> None:
    write_tree(tmp_path, {"a": "old", "b": "old"})
    with pytest.raises(OSError, match="No such file"):
        discover.write_all({str(tmp_path / "a"): b"new", str(tmp_path / "no/b"): b"new"})
    assert (tmp_path / "a").read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]
    discover.write_all({str(tmp_path / "a"): b"new", str(tmp_path / "b"): b"new"})
    assert {(tmp_path / name).read_text() for name in "ab"} == {"new"}


# ----------------------------------------------------------------------------------------------------------- fixes


UNUSED = (
    "fn f() {\n    // lockcheck: allow(very-bad): gone\n    fine; // lockcheck: allow(very-bad, LCK902): gone too\n}\n"
)


def test_safe_fixes_are_applied_until_none_is_left(run: Any, fake_rules: Path) -> None:
    write_tree(fake_rules, {"a.rs": UNUSED})
    done = run("check", "--fix", "--persona", "pedantic")
    assert (done.status, done.out) == (0, "nothing found in 1 file\n")
    assert done.err == "3 findings fixed\n"
    assert (fake_rules / "a.rs").read_text() == "fn f() {\n    fine;\n}\n"


def test_a_patch_changes_nothing_and_can_be_applied(run: Any, fake_rules: Path) -> None:
    write_tree(fake_rules, {"sub/a.rs": UNUSED + "// lockcheck: allow(very-bad): no line end"})
    commit(fake_rules, {})
    done = run("check", "--diff")
    assert done.status == 1
    assert git(fake_rules, "status", "--porcelain") == ""
    (fake_rules / "p.patch").write_text(done.out)
    git(fake_rules, "apply", "p.patch")
    assert (fake_rules / "sub/a.rs").read_text() == "fn f() {\n    fine; // lockcheck: allow(LCK902): gone too\n}\n"
    assert run("check", "--diff").out == ""
    assert run("check", "--diff").status == 0


RUST = "use std::sync::Mutex; struct S { m: Mutex<u8> }\nimpl S {\n    fn f(&self) {\n        let _ = self.m.lock();\n        work();\n    }\n}\n"


def test_a_fix_that_changes_what_the_program_does_is_asked_for(tree: Path, check: Any) -> None:
    write_tree(tree, {"src/lib.rs": RUST})
    assert check("--fix").places == ["src/lib.rs:4 LCK104"]
    (one,) = json.loads(check().out)["findings"]
    (fix,) = one["fixes"]
    assert (fix["safety"], fix["edits"][0]["text"]) == ("unsafe", "_guard")
    assert (tree / "src/lib.rs").read_text() == RUST
    assert check("--fix", "--unsafe-fixes").places == []
    assert (tree / "src/lib.rs").read_text() == RUST.replace("let _ =", "let _guard =")


def test_an_assignment_to_nothing_is_not_given_a_name(tree: Path, check: Any) -> None:
    write_tree(tree, {"src/lib.rs": RUST.replace("let _ =", "_ =")})
    assert check("--fix", "--unsafe-fixes", "--min-confidence", "possible").places == ["src/lib.rs:4 LCK104"]


def test_fixes_that_touch_each_other_or_break_the_file_are_left_out() -> None:
    source = Source("a.rs", b"fn f() { a(b); }\n")

    def one(start: int, end: int, text: str) -> Finding:
        fix = Fix("x", "safe", (Edit(Span("a.rs", start, end), text),))
        return Finding("LCK1", "x", "error", "certain", "declared", Span("a.rs", start, end), "m", "f", fixes=(fix,))

    sources = {"a.rs": source}
    assert amend.fixed([one(9, 13, "c()"), one(11, 12, "d")], sources, False) == ({"a.rs": b"fn f() { c(); }\n"}, 1)
    assert amend.fixed([one(9, 13, "c(")], sources, False) == ({}, 0)


# ---------------------------------------------------------------------------------------------------- saved reports


def test_a_saved_report_is_rendered_as_if_it_were_new(run: Any, fake_rules: Path) -> None:
    write_tree(fake_rules, {"a.rs": "\u00e9 BAD\n// lockcheck: allow(very-bad): why\nBAD\n", "b.rs": b"\xff"})
    commit(fake_rules, {"old.rs": "BAD\n"})
    write_tree(fake_rules, {"c.rs": "BAD\n"})
    run("check", "--base", "HEAD", "--output", "json:r.json")
    for name in ("full", "concise", "json", "sarif", "gitlab", "rdjson", "junit", "checkstyle", "markdown", "azure"):
        assert run("report", "r.json", "--output", name).out == run("check", "--base", "HEAD", "--output", name).out
    assert run("report", "r.json").status == 1
    assert run("report", "r.json", "--exit-zero").status == 0


def test_a_saved_report_outlives_its_files(run: Any, fake_rules: Path) -> None:
    write_tree(fake_rules, {"a.rs": "\n\nBAD\n", "r.txt": "{}"})
    run("check", "--output", "json:r.json")
    (fake_rules / "a.rs").unlink()
    done = run("report", "r.json", "--output", "concise")
    assert done.out == "a.rs:3:1: LCK901 very-bad seen\n"
    assert done.err == "lockcheck: a.rs: is not there as it was: its lines are left blank\n"
    for file, word in (("r.txt", "is no report"), ("gone", "does not exist")):
        done = run("report", file)
        assert done.status == 2
        assert word in done.err
