from __future__ import annotations

import io
import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from fakes import fake_rules, said, write_tree

from lockcheck import __version__, cli, engine
from lockcheck.cli import console, outputs
from lockcheck.cli.options import CHOICES
from lockcheck.config import EDITIONS
from lockcheck.finding import CONFIDENCES, Problem
from lockcheck.report import FORMATS, for_people
from lockcheck.report.graph import FORMS
from lockcheck.report.show import ShownFunction
from lockcheck.rule import PERSONAS

__all__ = ["fake_rules"]

BAD = "fn f() {\n    BAD;\n}\n"


class Run:
    """What a command left behind."""

    def __init__(self, status: int, out: str, err: str) -> None:
        self.status, self.out, self.err = status, out, err

    @property
    def places(self) -> list[str]:
        """`path:line code` of every finding of a JSON report."""
        return [f"{one['path']}:{one['line']} {one['code']}" for one in json.loads(self.out)["findings"]]


@pytest.fixture
def run(fake_rules: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> Any:
    def command(*arguments: str) -> Run:
        status = cli.main(arguments)
        out, err = capfdbinary.readouterr()
        return Run(status, out.decode(), err.decode())

    return command


def in_process(*arguments: str, cwd: Path | None = None, **more: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "lockcheck", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=60, **more)


# ----------------------------------------------------------------------------------------------------- exit status


def test_findings_mean_one(run: Any, fake_rules: Path) -> None:
    write_tree(fake_rules, {"a.rs": BAD, "b.rs": "fn g() {}\n"})
    assert run("check").status == 1
    assert run("check", "b.rs").status == 0
    assert run("check", "--exit-zero").status == 0


def test_nothing_to_analyse_is_said_and_means_two(run: Any, fake_rules: Path) -> None:
    write_tree(fake_rules, {"sub/readme.txt": "x"})
    done = run("check", "sub")
    assert (done.status, done.err) == (2, "lockcheck: no Rust or Python files in sub\n")
    assert run("check", "--exit-zero").status == 2


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["check", "--select", "LCK99X"], "no rule is called 'LCK99X'"),
        (["check", "--ignore", "very-bat"], "did you mean 'very-bad'"),
        (["check", "--output", "jsno"], "did you mean 'json'"),
        (["check", "--output", "json:"], "the name of the file is missing"),
        (["check", "--output", "json", "--output", "full"], "only one report"),
        (["check", "--output", "json:no/such/place.json"], "cannot write no/such/place.json: no such file"),
        (["check", "--config", "gone.toml"], "gone.toml: does not exist"),
        (["check", "-"], "--stdin-filename"),
        (["explain", "very-bat"], "no rule is called 'very-bat'"),
        (["show", "a.rs", "--function", "nosuch"], "no function 'nosuch'"),
    ],
)
def test_what_cannot_be_means_two_and_is_explained(
    run: Any, fake_rules: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], word: str
) -> None:
    monkeypatch.setattr(engine, "show", lambda source, crates, settings: ([ShownFunction("f", "a.rs", 1, ())], []))
    write_tree(fake_rules, {"a.rs": BAD})
    done = run(*arguments)
    assert done.status == 2
    assert word in done.err
    assert "Traceback" not in done.err


def test_a_wrong_option_means_two(run: Any) -> None:
    for arguments in (["check", "--persona", "nobody"], ["check", "--edition", "2019"], ["check", "--jobs", "0"], []):
        with pytest.raises(SystemExit) as caught:
            run(*arguments)
        assert caught.value.code == 2


def test_strict_turns_problems_into_two(run: Any, fake_rules: Path) -> None:
    write_tree(fake_rules, {"a.rs": "fn f() {}", "b.rs": b"\xff"})
    done = run("check", "--output", "json")
    assert done.status == 0
    assert done.err == "lockcheck: b.rs:1: is not UTF-8 (byte 0xff at offset 0)\n"
    report = json.loads(done.out)
    assert report["problems"] == [{"path": "b.rs", "line": 1, "message": "is not UTF-8 (byte 0xff at offset 0)"}]
    assert (report["files"], report["skipped"]) == (1, 1)
    assert run("check", "--strict").status == 2


# ------------------------------------------------------------------------------------------------- what is reported


def test_findings_are_sorted_and_each_is_there_once(
    run: Any, fake_rules: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tree(fake_rules, {"b.rs": BAD, "a.rs": "x\n" + BAD + BAD, "c/d.rs": "ODD BAD\nODD"})
    monkeypatch.setattr(engine, "examine", lambda sources, *_: (said([*reversed(sources), *sources]), []))
    done = run("check", "--output", "json", "--persona", "pedantic", "--min-confidence", "possible")
    assert done.places == [
        "a.rs:3 LCK901", "a.rs:6 LCK901", "b.rs:2 LCK901", "c/d.rs:1 LCK902", "c/d.rs:1 LCK901", "c/d.rs:2 LCK902",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "codes"),
    [
        ([], ["LCK901"]),
        (["--persona", "pedantic"], ["LCK901"]),
        (["--persona", "pedantic", "--min-confidence", "possible"], ["LCK901", "LCK902"]),
        (["--min-confidence", "possible"], ["LCK901"]),
        (["--min-confidence", "possible", "--select", "slightly-odd"], ["LCK902"]),
        (["--min-confidence", "possible", "--select", "LCK9"], ["LCK901"]),
        (["--min-confidence", "possible", "--select", "LCK902,very-bad"], ["LCK901", "LCK902"]),
        (["--min-confidence", "possible", "--select", "LCK902", "--select", "LCK901"], ["LCK901", "LCK902"]),
        (["--ignore", "very-bad"], []),
        (["--ignore", "LCK9"], []),
        (["--select", "LCK901", "--ignore", "ALL"], []),
    ],
)
def test_what_is_selected(run: Any, fake_rules: Path, arguments: list[str], codes: list[str]) -> None:
    write_tree(fake_rules, {"a.rs": "BAD ODD"})
    assert [place.split()[1] for place in run("check", "--output", "json", *arguments).places] == codes


def test_settings_of_a_file_count_and_the_command_line_wins(run: Any, fake_rules: Path) -> None:
    write_tree(
        fake_rules,
        {
            "lockcheck.toml": "exclude = ['gen/']\nper-file-ignores = {'tests/' = ['LCK901']}\n"
            "severity = {LCK9 = 'note', very-bad = 'warning'}\n",
            "a.rs": BAD,
            "gen/b.rs": BAD,
            "tests/c.rs": BAD,
        },
    )
    done = run("check", "--output", "json")
    assert done.places == ["a.rs:2 LCK901"]
    assert json.loads(done.out)["findings"][0]["severity"] == "warning"
    assert run("check", "--output", "json", "--exclude", "a.rs").places == ["gen/b.rs:2 LCK901"]
    write_tree(fake_rules, {"other.toml": "ignore = ['ALL']"})
    assert run("check", "--config", "other.toml", "--output", "json").places == []


def test_patterns_are_relative_to_the_settings_file(
    run: Any, fake_rules: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tree(fake_rules, {"lockcheck.toml": "exclude = ['/sub/gen/']", "sub/gen/a.rs": BAD, "sub/gen2/b.rs": BAD})
    monkeypatch.chdir(fake_rules / "sub")
    assert run("check", "--output", "json").places == ["gen2/b.rs:2 LCK901"]
    done = run("check", "--output", "json", "--exclude", "/gen2/")
    assert done.places == ["gen/a.rs:2 LCK901"], "those of the command line are relative to the current folder"


def test_a_mistake_in_the_settings_is_named(run: Any, fake_rules: Path) -> None:
    write_tree(fake_rules, {"a.rs": BAD, "lockcheck.toml": "ignore = ['very-bat']"})
    done = run("check")
    assert done.status == 2
    assert done.err == "lockcheck: lockcheck.toml: no rule is called 'very-bat'; did you mean 'very-bad'?\n"
    write_tree(fake_rules, {"lockcheck.toml": b"\xff"})
    assert run("check").err == "lockcheck: lockcheck.toml: is not UTF-8 (byte 0xff at offset 0)\n"


def test_allowances(run: Any, fake_rules: Path) -> None:
    write_tree(
        fake_rules,
        {
            "a.rs": "// lockcheck: allow(very-bad): a reason\nBAD\n",
            "b.rs": "BAD // lockcheck: allow(very-bad)\n",
            "c.rs": "fine // lockcheck: allow(very-bad): a reason\n",
        },
    )
    assert run("check", "--output", "json").places == ["b.rs:1 LCK001", "c.rs:1 LCK002"]
    assert run("check", "--output", "json", "--ignore", "allow-unused").places == ["b.rs:1 LCK001"]
    assert run("check", "--output", "json", "--select", "very-bad").places == []


def test_the_report_is_relative_to_the_current_folder(
    run: Any, fake_rules: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tree(fake_rules, {"x/a.rs": BAD, "y/b.rs": BAD})
    monkeypatch.chdir(fake_rules / "y")
    assert run("check", str(fake_rules), "--output", "json").places == ["../x/a.rs:2 LCK901", "b.rs:2 LCK901"]


def test_standard_input(run: Any, fake_rules: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(BAD.encode())))
    done = run("check", "-", "--stdin-filename", "src/new.rs", "--output", "concise")
    assert (done.status, done.out) == (1, "src/new.rs:2:5: LCK901 very-bad seen\n")


# --------------------------------------------------------------------------------------------------------- outputs


def test_several_outputs_in_one_run(run: Any, fake_rules: Path) -> None:
    write_tree(fake_rules, {"a.rs": BAD, "out/keep": ""})
    done = run("check", "--output", "concise", "--output", "json:out/r.json", "--output", "jsonl:out/r.jsonl")
    assert done.out == "a.rs:2:5: LCK901 very-bad seen\n"
    assert json.loads((fake_rules / "out/r.json").read_text())["findings"][0]["code"] == "LCK901"
    assert len((fake_rules / "out/r.jsonl").read_text().splitlines()) == 2
    assert sorted(os.listdir(fake_rules / "out")) == ["keep", "r.json", "r.jsonl"]
    assert run("check", "--output", "json:out/r.json").out == ""


def test_options_may_stand_among_the_paths(run: Any, fake_rules: Path) -> None:
    write_tree(fake_rules, {"a/a.rs": BAD, "b/b.rs": BAD, "c.rs": BAD})
    assert run("check", "a", "--output", "json", "b").places == ["a/a.rs:2 LCK901", "b/b.rs:2 LCK901"]


def test_full_is_the_default_and_names_the_page(run: Any, fake_rules: Path) -> None:
    write_tree(fake_rules, {"a.rs": BAD})
    out = run("check").out
    assert out.startswith("error[LCK901]: very-bad seen\n --> a.rs:2:5\n")
    assert out.endswith("1 error found in 1 file\nfor the page of a rule: lockcheck explain LCK901\n")


def test_statistics_never_spoil_a_report_for_programs(run: Any, fake_rules: Path) -> None:
    write_tree(fake_rules, {"a.rs": BAD + BAD})
    assert run("check", "--statistics").out.endswith("     2  LCK901  very-bad\n")
    done = run("check", "--statistics", "--output", "json")
    assert len(done.places) == 2
    assert done.err == "     2  LCK901  very-bad\n"


def test_colours_follow_the_environment(run: Any, fake_rules: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_tree(fake_rules, {"a.rs": BAD})
    assert "\x1b" not in run("check").out
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[1;31m" in run("check").out
    assert "\x1b]8" not in run("check").out, "links are for terminals"
    assert "\x1b" not in run("check", "--output", "json").out
    run("check", "--output", "full:report.txt")
    assert "\x1b" not in (fake_rules / "report.txt").read_text()
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in run("check").out


def test_progress_only_on_a_terminal_and_never_under_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    assert console.progress() is None
    above, below = pty.openpty()
    with os.fdopen(below, "w") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        for name in ("CI", "PRE_COMMIT"):
            monkeypatch.delenv(name, raising=False)
        draw = console.progress()
        assert draw is not None
        draw(64, 100)
        assert os.read(above, 100) == b"\r64/100 files"
        monkeypatch.setenv("PRE_COMMIT", "1")
        assert console.progress() is None
    os.close(above)


def test_a_limit_that_many_functions_meet_is_told_once_and_what_is_unreadable_always(capsys: Any) -> None:
    limit, broken = "comes to more than 96 acquisitions", "syntax error"
    partly = "cannot be parsed here; the rest of the file was analysed"
    console.tell(
        [
            *(Problem("a.rs", line, f"`f{line}`: {limit}") for line in range(1, 8)),
            *(Problem(f"{name}.py", 1, broken) for name in "bcdefgh"),
            *(Problem(f"{name}.rs", 1, partly) for name in "bcdefgh"),
        ]
    )
    told = capsys.readouterr().err.splitlines()
    assert sum(line.endswith(broken) for line in told) == 7
    assert [line.partition(": ")[2] for line in told if partly in line] == [
        f"b.rs:1: {partly}",
        f"c.rs:1: {partly}",
        f"d.rs:1: {partly}",
        f"4 more files: {partly} (`--output json` names them in `problems`)",
    ]
    assert [line.partition(": ")[2] for line in told if "acquisitions" in line] == [
        f"a.rs:1: `f1`: {limit}",
        f"a.rs:2: `f2`: {limit}",
        f"a.rs:3: `f3`: {limit}",
        f"4 more functions: {limit} (`--output json` names them in `problems`)",
    ]


def test_a_file_name_that_is_no_utf8_does_not_stop_the_report(run: Any, fake_rules: Path) -> None:
    with open(os.fsencode(fake_rules) + b"/\xff.rs", "w") as file:
        file.write(BAD)
    done = run("check", "--output", "json")
    assert done.places == ["\udcff.rs:2 LCK901"]
    assert run("check").status == 1


# -------------------------------------------------------------------------------------------------- other commands


def test_version_and_help_need_nothing_heavy() -> None:
    done = in_process("--version")
    assert done.stdout == f"lockcheck {__version__}\n"
    code = "import sys; from lockcheck import cli; cli.parser(); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"tree_sitter", "libcst", "msgspec", "lockcheck.engine"} & set(loaded)


@pytest.mark.skipif(not hasattr(os, "wait4"), reason="the system does not say how long a process worked")
def test_version_takes_less_than_three_starts_of_python() -> None:
    def least(*words: str) -> float:
        times = []
        for _ in range(7):
            process = subprocess.Popen([sys.executable, *words], stdout=subprocess.DEVNULL)
            _, _, used = os.wait4(process.pid, 0)
            process.returncode = 0
            times.append(used.ru_utime + used.ru_stime)
        return min(times)

    assert least("-m", "lockcheck", "--version") < 3 * least("-c", "pass")


def test_the_words_of_the_options_are_those_of_the_rooms() -> None:
    assert CHOICES["persona"] == PERSONAS
    assert CHOICES["confidence"] == CONFIDENCES
    assert CHOICES["edition"] == EDITIONS
    assert CHOICES["graph"] == FORMS
    assert tuple(outputs.formats()) == FORMATS
    assert FORMATS[0] == "full"
    assert [name for name in FORMATS if for_people(name)] == ["full", "concise"]


def test_every_option_of_the_contract_is_there() -> None:
    text = re.sub(r"\s+", " ", in_process("check", "--help").stdout)
    for option in (
        "--select --ignore --persona --min-confidence --output --exit-zero --statistics --jobs --no-cache "
        "--config --edition --strict --stdin-filename --exclude"
    ).split():
        assert option in text


def test_rules_lists_every_rule_with_a_page(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["rules"]) == 0
    listed = [line.split()[:2] for line in capsys.readouterr().out.splitlines()]
    assert listed == sorted(map(list, engine.KNOWN))
    for code, slug in listed:
        assert cli.main(["explain", code]) == 0
        by_code = capsys.readouterr().out
        assert cli.main(["explain", slug]) == 0
        assert capsys.readouterr().out == by_code
        assert by_code.startswith(f"{code} {slug}\n\n")


def test_config_says_what_is_in_force_and_why(run: Any, fake_rules: Path) -> None:
    write_tree(
        fake_rules, {"pyproject.toml": "[tool.lockcheck]\nignore = ['very-bad']\n[tool.lockcheck.rust]\nrefcell=true"}
    )
    assert run("config").out.splitlines() == [
        "select = []  # default",
        'ignore = ["very-bad"]  # pyproject.toml',
        'persona = "regular"  # default',
        'min-confidence = "likely"  # default',
        'edition = ""  # default',
        "exclude = []  # default",
        "per-file-ignores = {}  # default",
        "severity = {}  # default",
        "lock-order = []  # default",
        "bounded = []  # default",
        "closure-only = []  # default",
        "longest-section = 0  # default",
        "data-plane = []  # default",
        "probes = []  # default",
        "blocking-deny = []  # default",
        "blocking-allow = []  # default",
        "advisories = []  # default",
        'baseline = ""  # default',
        "rust.guard-types = []  # default",
        "rust.refcell = true  # pyproject.toml",
    ]


def test_show_prints_functions_by_name(run: Any, fake_rules: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    functions = [ShownFunction("Catalog::get", "a.rs", 1, ()), ShownFunction("free", "a.rs", 9, ())]
    seen = []

    def show(source: Any, crates: Any, settings: Any) -> Any:
        seen.append(settings.edition)
        return functions, []

    monkeypatch.setattr(engine, "show", show)
    write_tree(fake_rules, {"a.rs": "x"})
    names = [
        one["name"] for one in json.loads(run("show", "a.rs", "--output", "json", "--edition", "2015").out)["functions"]
    ]
    assert names == ["Catalog::get", "free"]
    assert seen == ["2015"]
    assert run("show", "a.rs", "--function", "get").out == "Catalog::get  a.rs:1\n"
    assert run("show", "a.rs", "--function", "Catalog::get").out == "Catalog::get  a.rs:1\n"


def test_show_calls_reads_the_crate_and_lists_what_it_cannot_resolve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    write_tree(
        tmp_path,
        {
            "app/Cargo.toml": '[package]\nname = "app"\nedition = "2021"\n[dependencies]\nlib = { path = "../lib" }\n',
            "app/src/lib.rs": "mod other;\nfn f(x: &Unknown) {\n    other::here();\n    lib::there();\n    x.nobody();\n}\n",
            "app/src/other.rs": "pub fn here() { x.elsewhere() }\n",
            "lib/Cargo.toml": '[package]\nname = "lib"\nedition = "2021"\n',
            "lib/src/lib.rs": "pub fn there() {}\n",
        },
    )
    monkeypatch.chdir(tmp_path)
    assert cli.main(["show", "app/src/lib.rs", "--calls", "--output", "json"]) == 0
    (shown,) = json.loads(capfdbinary.readouterr().out)["functions"]
    assert [one["name"] for one in shown["moments"]] == ["here", "there", "nobody"]
    assert shown["unresolved"] == [{"name": "nobody", "line": 5, "column": 7}]
    assert cli.main(["show", "app/src/lib.rs", "--calls"]) == 0
    assert capfdbinary.readouterr().out.endswith(b"       5:7  unknown  nobody\n")
    assert cli.main(["show", "app/src/lib.rs"]) == 0
    assert b"unknown" not in capfdbinary.readouterr().out


def test_show_of_what_cannot_be_read(run: Any, fake_rules: Path) -> None:
    done = run("show", "gone.rs")
    assert (done.status, done.err) == (2, "lockcheck: gone.rs:1: does not exist\n")
    write_tree(fake_rules, {"a.txt": "x"})
    assert run("show", "a.txt").status == 2


# ------------------------------------------------------------------------------------------------------ being cut off


def test_a_closed_pipe_is_no_accident() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "lockcheck", "explain", "LCK001"], stdout=writer, stderr=subprocess.PIPE, timeout=60
        )
    finally:
        os.close(writer)
    assert done.stderr == b""


def test_an_interrupt_leaves_no_traceback(run: Any, fake_rules: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*rest: Any) -> None:
        raise KeyboardInterrupt

    write_tree(fake_rules, {"a.rs": BAD})
    monkeypatch.setattr(engine, "examine", interrupted)
    done = run("check")
    assert (done.status, done.out, done.err) == (130, "", "")
