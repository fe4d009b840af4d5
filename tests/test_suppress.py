from __future__ import annotations

import pytest
from fakes import finding

from lockcheck.finding import Finding
from lockcheck.source import Source
from lockcheck.suppress import allowances, sift

KNOWN = [("LCK202", "read-then-write"), ("LCK401", "await-while-locked"), ("LCK001", "x"), ("LCK002", "y")]


def left(text: str, path: str = "a.rs", word: str = "BAD", ran: tuple[str, ...] = ("LCK202",)) -> list[Finding]:
    source = Source(path, text.encode())
    found = [finding(source, word, number) for number in range(text.count(word))]
    return sift([source], found, KNOWN, ran)[0]


def codes(text: str, path: str = "a.rs") -> list[str]:
    return [one.code for one in left(text, path)]


@pytest.mark.parametrize(
    "text",
    [
        "BAD; // lockcheck: allow(read-then-write): startup only\n",
        "BAD; // lockcheck: allow(LCK202): startup only",
        "// lockcheck: allow(lck202, await-while-locked): startup only\nBAD;\n",
        "  // lockcheck: allow(read-then-write): startup only\n  // and more words\n  BAD;\n",
        "let c = '\"'; BAD; // lockcheck:allow(read-then-write):startup\n",
        "fn f<'a>(x: &'a str) { BAD; } // lockcheck: allow(read-then-write): \u00e9\u65e5\n",
    ],
)
def test_an_allowance_silences_its_line(text: str) -> None:
    assert codes(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "// lockcheck: allow(read-then-write): no\n\nBAD;\n",
        "// lockcheck: allow(read-then-write): no\nfine();\nBAD;\n",
        "fine(); // lockcheck: allow(read-then-write): no\nBAD;\n",
        "BAD;\n// lockcheck: allow(read-then-write): no\n",
    ],
)
def test_it_reaches_no_further_and_is_then_unused(text: str) -> None:
    assert codes(text) == ["LCK202", "LCK002"]


@pytest.mark.parametrize(
    "text",
    [
        'let s = "// lockcheck: allow(read-then-write): no"; BAD;\n',
        'let s = r#" " // lockcheck: allow(read-then-write): no"#; BAD;\n',
        'let s = "\\n \\" // lockcheck: allow(read-then-write): no"; BAD;\n',
        "/* // lockcheck: allow(read-then-write): no */ BAD;\n",
        'let s = "\n// lockcheck: allow(read-then-write): no\n"; BAD;\n',
    ],
)
def test_what_stands_in_a_string_is_no_comment(text: str) -> None:
    assert codes(text) == ["LCK202"]


def test_python_comments_strings_and_noqa() -> None:
    assert codes("BAD  # lockcheck: allow(read-then-write): reason\n", "a.py") == []
    assert codes("# lockcheck: allow(LCK202): reason\nBAD\n", "a.pyi") == []
    assert codes("'''\n# lockcheck: allow(LCK202): reason\n'''\nBAD\n", "a.py") == ["LCK202"]
    assert codes("x = '# noqa: LCK202'; BAD\n", "a.py") == ["LCK202"]
    assert codes("BAD  # noqa: E501,LCK202\n", "a.py") == []
    assert codes("BAD  # noqa: E501\n", "a.py") == ["LCK202"]
    assert codes("fine()  # noqa: LCK202\n", "a.py") == [], "an unused noqa is flake8's affair"
    assert codes("BAD // # noqa: LCK202\n", "a.rs") == ["LCK202"]


@pytest.mark.parametrize(
    "text",
    [
        "BAD  # noqa\n",
        "BAD  # NOQA:lck2\n",
        "BAD  # noqa: E501, LCK202\n",
        "f(\n    BAD,\n)  # noqa: LCK202\n",
        'f(BAD,  # noqa: LCK202\n  """\n  """)\n',
        "# flake8: noqa\n\nBAD\n",
    ],
)
def test_noqa_counts_as_it_does_for_flake8(text: str) -> None:
    assert codes(text, "a.py") == []
    source = Source("a.py", text.encode())
    kept, _ = sift([source], [finding(source, "BAD")], KNOWN, ["LCK202"], noqa=False)
    assert [one.code for one in kept] == ["LCK202"]


@pytest.mark.parametrize(
    "text",
    [
        "f(\n    x,\n)  # noqa: LCK202\nBAD\n",
        "# noqa\nBAD\n",
        "BAD  # flake8: noqa for now\n",
        "BAD  # noqa: LCK201\n",
        "if x:  # noqa\n    BAD\n",
    ],
)
def test_noqa_reaches_no_further_than_its_logical_line(text: str) -> None:
    assert codes(text, "a.py") == ["LCK202"]


def test_a_reason_is_required() -> None:
    for text in ("BAD; // lockcheck: allow(read-then-write)\n", "BAD; // lockcheck: allow(read-then-write):  \n"):
        (complaint,) = left(text)
        assert (complaint.code, complaint.slug, complaint.severity) == ("LCK001", "allow-without-reason", "warning")
        assert text[complaint.span.start : complaint.span.end] == text[5:].rstrip()


def test_an_unused_allowance_is_reported_if_its_rule_ran() -> None:
    text = "// lockcheck: allow(await-while-locked): reason\nfine();\n"
    assert left(text) == []
    (complaint,) = left(text, ran=("LCK202", "LCK401"))
    assert (complaint.code, complaint.slug) == ("LCK002", "allow-unused")
    assert "await-while-locked" in complaint.message


def test_an_allowance_of_two_rules_is_judged_for_each() -> None:
    text = "BAD; // lockcheck: allow(read-then-write, await-while-locked): reason\n"
    (complaint,) = left(text, ran=("LCK202", "LCK401"))
    assert "await-while-locked" in complaint.message


def test_an_allowance_of_a_rule_that_does_not_exist_is_reported() -> None:
    assert [one.message for one in left("x; // lockcheck: allow(read-then-rite): r\n")] == [
        "no rule is called `read-then-rite`"
    ]
    assert codes("x; // lockcheck: allow(): r\n") == ["LCK002"]


def test_the_span_is_counted_in_bytes() -> None:
    source = Source("a.rs", "\u65e5 // lockcheck: allow(a): \u65e5".encode())
    (one,) = allowances(source)
    assert source.text(one.span.start, one.span.end) == "// lockcheck: allow(a): \u65e5"


def test_odd_text_neither_crashes_nor_takes_for_ever() -> None:
    for text in ('"' * 9999, "/*" * 50_000, "'" * 9999, 'r#"' * 20_000, '"\\' * 20_000, "'''" * 30_001):
        for path in ("a.rs", "a.py"):
            list(allowances(Source(path, (text + "lockcheck: allow(a").encode())))
