from __future__ import annotations

import json
from typing import Any

import pytest
from fakes import finding, span
from msgspec.structs import replace

from lockcheck.finding import Edit, Finding, Fix, LockRef, Note, Problem
from lockcheck.report import FORMATS, Report, Style, render
from lockcheck.report.fingerprint import fingerprints
from lockcheck.report.show import ShownCall, ShownFunction, ShownHeld, ShownMoment, document, text
from lockcheck.report.text import Paint, safe
from lockcheck.source import Source

CATALOG = Source(
    "src/catalog.rs",
    b"""\
impl Catalog {
    fn get(&self, key: u8) -> u8 {
        if let Some(value) = self.load.read().unwrap().get(&key) {
            return *value;
        } else {
            // nobody knows this one yet
            self.load.write().unwrap().insert(key, 1);
        }
    }
}
""",
)
INIT = Source("src/init.rs", b"fn init(c: &C) {\n    c.load.write();\n}\n")


def report(*findings: Finding, sources: tuple[Source, ...] = (CATALOG, INIT), **more: Any) -> Report:
    return Report(findings, files=3, sources={source.path: source for source in sources}, **more)


def outage(**more: Any) -> Finding:
    values: dict[str, Any] = {
        "lock": LockRef("self.load", "Catalog.load", "std::sync::RwLock", "write"),
        "label": "waits for that guard for ever",
        "help": "bind what you need before the `if let`",
        "notes": (
            Note(span(CATALOG, "self.load.read()"), "read guard taken here", "read guard taken here"),
            Note(span(CATALOG, "else"), "an `if let` head lives through `else` up to edition 2021", "still held here"),
        ),
    }
    return replace(finding(CATALOG, "self.load.write()", **values), **more)


def full(*findings: Finding, style: Style | None = None, sources: tuple[Source, ...] = (CATALOG, INIT)) -> str:
    return render("full", report(*findings, sources=sources), style or Style())


def test_full_draws_several_labels_in_one_snippet() -> None:
    assert full(outage()) == (
        """\
error[LCK202]: write lock taken under a read guard
 --> src/catalog.rs:7:13
  |
3 |         if let Some(value) = self.load.read().unwrap().get(&key) {
  |                              ---------------- read guard taken here
4 |             return *value;
5 |         } else {
  |           ---- still held here
6 |             // nobody knows this one yet
7 |             self.load.write().unwrap().insert(key, 1);
  |             ^^^^^^^^^^^^^^^^^ waits for that guard for ever
  |
  = note: an `if let` head lives through `else` up to edition 2021
  = help: bind what you need before the `if let`

1 error found in 3 files
for the page of a rule: lockcheck explain LCK202
"""
    )


def test_full_puts_dots_for_a_gap_and_a_snippet_for_each_file() -> None:
    notes = (Note(span(CATALOG, "fn get"), "here"), Note(span(INIT, "c.load.write()"), "called from there"))
    assert full(outage(notes=notes, help="")).startswith(
        """\
error[LCK202]: write lock taken under a read guard
 --> src/catalog.rs:7:13
  |
2 |     fn get(&self, key: u8) -> u8 {
  |     ------ here
...
7 |             self.load.write().unwrap().insert(key, 1);
  |             ^^^^^^^^^^^^^^^^^ waits for that guard for ever
  |
 ::: src/init.rs:2:5
  |
2 |     c.load.write();
  |     -------------- called from there
  |
"""
    )


def drawn(code: str, primary: str, *notes: tuple[str, int, str], label: str = "twice") -> list[str]:
    source = Source("a.rs", code.encode())
    said = tuple(Note(span(source, words, number), message) for words, number, message in notes)
    text = full(finding(source, primary, code.count(primary) - 1, label=label, notes=said), sources=(source,))
    return [line.rstrip() for line in text.split("\n  |\n")[1].split("\n")]


def test_full_hangs_labels_that_share_a_line() -> None:
    assert drawn("a.lock().x(b.lock(), a.lock());\n", "a.lock()", ("a.lock()", 0, "first"), ("b.lock()", 0, "b")) == [
        "1 | a.lock().x(b.lock(), a.lock());",
        "  | --------   --------  ^^^^^^^^ twice",
        "  | |          |",
        "  | |          b",
        "  | first",
    ]
    assert drawn("a.b(a.c()).d();\n", "a.c()", ("a.b(a.c()).d()", 0, "all of it")) == [
        "1 | a.b(a.c()).d();",
        "  | ----^^^^^-----",
        "  | |   |",
        "  | |   twice",
        "  | all of it",
    ]


def test_full_says_the_same_at_one_place_once() -> None:
    again = ("a.lock()", 0, "twice")
    assert drawn("a.lock();\n", "a.lock()", again, again) == ["1 | a.lock();", "  | ^^^^^^^^ twice"]


def test_full_knows_tabs_and_wide_characters() -> None:
    assert drawn('\tlet \u00e9 = "\u65e5\u672c"; x\ta.lock();\n', "a.lock()") == [
        '1 |     let \u00e9 = "\u65e5\u672c"; x   a.lock();',
        "  |                         ^^^^^^^^ twice",
    ]
    assert drawn("e\u0301 a.lock();\n", "a.lock()")[1] == "  |   ^^^^^^^^ twice"


def test_full_marks_each_line_of_a_short_chain() -> None:
    assert drawn("let g = self.a\n    .b()\n    .lock();\n", "self.a\n    .b()\n    .lock()") == [
        "1 | let g = self.a",
        "  |         ^^^^^^",
        "2 |     .b()",
        "  |     ^^^^",
        "3 |     .lock();",
        "  |     ^^^^^^^ twice",
    ]


def test_full_cuts_a_very_long_line() -> None:
    line, marks = drawn("x" * 5000 + " a.lock(); " + "y" * 5000 + "\n", "a.lock()")
    assert line.startswith("1 | ... xxx")
    assert line.endswith("yyy ...")
    assert len(line) < 400
    assert line[marks.index("^") : marks.rindex("^") + 1] == "a.lock()"


def test_nothing_in_the_source_can_command_the_terminal_or_turn_the_line_round() -> None:
    code = "/*\x1b[2J\u202e\u2066\x9b\r\x07*/ a.lock();\n"
    source = Source("\x1b[31mx\n.rs", code.encode())
    bad = finding(source, "a.lock()", message="`\x1b]0;x\x07` \u202eboo\nerror", function="\x1b", help="\x1b")
    for name in ("full", "concise"):
        text = render(name, report(bad, sources=(source,)), Style())
        assert not set("\x1b\x07\x9b\r\u202e\u2066") & set(text)
        assert "\\x1b[31mx\\x0a.rs:1:" in text
    assert "^^^^^^^^" in full(bad, sources=(source,))
    assert safe("caf\u00e9 \u65e5 \U0001f980 \udcff") == "caf\u00e9 \u65e5 \U0001f980 \\u{dcff}"


def test_colours_and_links_only_where_asked() -> None:
    assert "\x1b" not in full(outage())
    style = Style(True, {"read-then-write": "file:///rules/read_then_write.py"})
    text = full(outage(), style=style)
    assert "\x1b]8;;file:///rules/read_then_write.py\x1b\\error[LCK202]\x1b]8;;\x1b\\" in text
    assert "\x1b[1;31m^^^^^^^^^^^^^^^^^\x1b[0m \x1b[1;31mwaits" in text
    assert "\x1b[" in render("concise", report(outage()), Style(True))


def test_full_says_what_makes_it_less_than_certain() -> None:
    text = full(outage(confidence="likely", evidence="named"))
    assert "  = note: likely: the lock's type is guessed from the method's name\n" in text


def test_full_says_what_can_be_fixed() -> None:
    safe_one, unsafe = (Fix("x", safety, ()) for safety in ("safe", "unsafe"))
    text = full(outage(fixes=(safe_one,)), outage(fixes=(unsafe,)), outage(fixes=(unsafe, safe_one)), outage())
    assert text.endswith("\ncan be fixed: 2 findings with `--fix`, 1 finding with `--fix --unsafe-fixes`\n")


def test_full_without_findings() -> None:
    assert full() == "nothing found in 3 files\n"


def test_concise_names_the_way_in_one_line() -> None:
    notes = (*outage().notes[:1], Note(span(INIT, "c.load.write()"), "calls `init`"))
    assert render("concise", report(outage(notes=notes)), Style()) == (
        "src/catalog.rs:7:13: LCK202 write lock taken under a read guard "
        "(held since line 3; calls `init` at src/init.rs:2)\n"
    )


def test_json_is_the_contract() -> None:
    fixes = (Fix("end the guard first", "unsafe", (Edit(span(CATALOG, "else"), "{}"),)),)
    notes = (Note(span(INIT, "c.load.write()"), "write guard"),)
    text = render(
        "json", report(outage(fixes=fixes, notes=notes), problems=(Problem("b.rs", 2, "no"),), skipped=1), Style()
    )
    data = json.loads(text)
    fingerprint = data["findings"][0].pop("fingerprint")
    assert len(fingerprint) == 32
    assert data == {
        "schema": 1,
        "tool": {"name": "lockcheck", "version": "0.1.0"},
        "findings": [
            {
                "code": "LCK202", "slug": "read-then-write", "severity": "error", "confidence": "certain",
                "evidence": "declared", "message": "write lock taken under a read guard",
                "label": "waits for that guard for ever", "help": "bind what you need before the `if let`",
                "path": "src/catalog.rs", "line": 7, "column": 13, "end_line": 7, "end_column": 30,
                "function": "Catalog::get",
                "lock": {"name": "self.load", "owner": "Catalog.load", "kind": "std::sync::RwLock", "mode": "write"},
                "notes": [
                    {"path": "src/init.rs", "line": 2, "column": 5, "end_line": 2, "end_column": 19,
                     "message": "write guard", "label": ""},
                ],
                "notes_before": None,
                "fixes": [
                    {"message": "end the guard first", "safety": "unsafe",
                     "edits": [{"path": "src/catalog.rs", "start": CATALOG.data.index(b"else"), "end": CATALOG.data.index(b"else") + 4, "text": "{}"}]},
                ],
                "production": "", "reached_from": None,
            }
        ],
        "problems": [{"path": "b.rs", "line": 2, "message": "no"}],
        "files": 3,
        "skipped": 1,
        "since": "",
        "hidden": [],
        "stale": [],
    }  # fmt: skip


def test_json_columns_count_characters() -> None:
    source = Source("a.rs", "\u65e5\u672c a.lock()".encode())
    (one,) = json.loads(render("json", report(finding(source, "a.lock()"), sources=(source,)), Style()))["findings"]
    assert (one["column"], one["end_column"], one["lock"]) == (4, 12, None)


def test_jsonl_has_a_document_a_line() -> None:
    problems = (Problem("b.rs", 2, "no"),)
    lines = [json.loads(line) for line in render("jsonl", report(outage(), problems=problems), Style()).splitlines()]
    assert [line["kind"] for line in lines] == ["finding", "problem", "summary"]
    assert (
        lines[0]["fingerprint"] == json.loads(render("json", report(outage()), Style()))["findings"][0]["fingerprint"]
    )
    assert lines[2]["schema"] == 1


def named(one: Finding, source: Source = CATALOG) -> list[str]:
    return fingerprints([one], {source.path: source})


def test_fingerprints_outlive_moves_renames_layout_and_other_words() -> None:
    """Other words: a message may be put better in a later version; the names in it are what it is about."""
    before = named(outage(message="`self.load` is held since line 3"))
    moved = Source(CATALOG.path, b"// one more line\n\n" + CATALOG.data)
    renamed = Source("src/other.rs", CATALOG.data)
    laid_out = Source(CATALOG.path, CATALOG.data.replace(b"self.load.write()", b"self\n    .load\n    .write()"))
    words = "self\n    .load\n    .write()"
    assert (
        named(outage(span=span(moved, "self.load.write()"), message="`self.load` is held on line 5"), moved) == before
    )
    assert named(outage(span=span(renamed, "self.load.write()"), message="`self.load` hangs"), renamed) == before
    assert named(outage(span=span(laid_out, words), message="`self . load` hangs"), laid_out) == before
    assert named(outage(message="`self.load` hangs", function="other")) != before
    assert named(outage(message="`self.load` hangs", lock=None)) != before
    assert named(outage(message="`self.load` hangs through `init`")) != before


def test_fingerprints_tell_twins_apart() -> None:
    three = fingerprints([outage(), outage(), outage()], {CATALOG.path: CATALOG})
    assert len(set(three)) == 3
    assert three[:1] == named(outage())


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_the_same_twice(name: str) -> None:
    assert render(name, report(outage()), Style()) == render(name, report(outage()), Style())


SHOWN = [
    ShownFunction(
        "Catalog::get",
        "a.rs",
        2,
        (
            ShownMoment("acquire", "self.load.read", 3, 5, ()),
            ShownMoment("call", "init_for", 4, 9, (ShownHeld("self.load", "g", "read", False, 3, 5),)),
            ShownMoment("suspend", "await", 5, 9, (ShownHeld("self.load", "", "read", True, 3, 5),)),
        ),
    ),
    ShownFunction("empty", "a.rs", 9, ()),
]


def test_show_as_json_is_the_contract() -> None:
    data = json.loads(document(SHOWN[:1]))
    held = {"lock": "self.load", "guard": "g", "mode": "read", "certain": False, "line": 3, "column": 5}
    assert list(data) == ["schema", "functions"]
    assert {**data["functions"][0], "moments": None} == {
        "name": "Catalog::get",
        "path": "a.rs",
        "line": 2,
        "moments": None,
    }
    assert data["functions"][0]["moments"][1] == {
        "event": "call", "name": "init_for", "line": 4, "column": 9, "held": [held],
    }  # fmt: skip


def test_show_as_text() -> None:
    assert text(SHOWN, Paint()) == (
        """\
Catalog::get  a.rs:2
       3:5  acquire  self.load.read
       4:9  call     init_for
            may hold self.load (read) as `g` since 3:5
       5:9  suspend  await
            holds self.load (read) since 3:5

empty  a.rs:9
"""
    )


def test_show_lists_unresolved_calls_only_where_asked() -> None:
    shown = ShownFunction("f", "a.rs", 1, (ShownMoment("call", "g", 2, 5, ()),), (ShownCall("g\x1b", 2, 5),))
    assert "unresolved" not in json.loads(document([shown]))["functions"][0]
    assert json.loads(document([shown], True))["functions"][0]["unresolved"] == [
        {"name": "g\x1b", "line": 2, "column": 5}
    ]
    assert text([shown], Paint()) == "f  a.rs:1\n       2:5  call     g\n"
    assert text([shown], Paint(), True) == "f  a.rs:1\n       2:5  call     g\n       2:5  unknown  g\\x1b\n"
