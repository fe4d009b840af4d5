from __future__ import annotations

import pytest
from fakes import finding
from msgspec.structs import replace

from lockcheck.engine import RULES
from lockcheck.finding import Finding, Note
from lockcheck.frontends.rust.lints import allowed
from lockcheck.source import Source, Span
from lockcheck.suppress import Allowance, sift

LINT = "clippy::await_holding_lock"


def stretches(text: str) -> list[str]:
    data = text.encode()
    return [data[one.begins : one.ends].decode() for one in allowed(Source("a.rs", data), LINT)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("#[allow(LINT)] fn f<A, B>() { g(); } fn h() {}", "#[allow(LINT)] fn f<A, B>() { g(); }"),
        ('#[expect(LINT, reason = "a ) } ; b")] let a = m[1]; h();', None),
        ("{ #[allow(LINT)] let a = if x { 1 } else { 2 }; h(); }", "#[allow(LINT)] let a = if x { 1 } else { 2 };"),
        ("{ #[allow(LINT)] if x { 1 } else { 2 } h() }", "#[allow(LINT)] if x { 1 } else { 2 }"),
        ("{ #[allow(LINT)] match x { _ => 1 }.await; h() }", "#[allow(LINT)] match x { _ => 1 }.await;"),
        ("{ #[allow(LINT)] f().await }", "#[allow(LINT)] f().await "),
        ("match x { #[allow(LINT)] 1 => f(2, 3), _ => g() }", "#[allow(LINT)] 1 => f(2, 3)"),
        ("#[allow(a, LINT)] #[test] async fn f() {} fn g() {}", "#[allow(a, LINT)] #[test] async fn f() {}"),
        ("#[cfg_attr(test, allow(LINT))] mod m { fn f() {} } fn g() {}", None),
        ("mod m { #![allow(LINT)] fn f() {} } fn g() {}", "{ #![allow(LINT)] fn f() {} }"),
        ("#![allow(LINT)]\nfn f() {} fn g() {}", "#![allow(LINT)]\nfn f() {} fn g() {}"),
    ],
)
def test_an_attribute_speaks_for_what_stands_behind_it_or_for_the_block_around(text: str, expected: str | None) -> None:
    found = stretches(text.replace("LINT", LINT))
    wanted = expected.replace("LINT", LINT) if expected is not None else None
    assert len(found) == 1
    assert wanted is None or found[0].rstrip("; ,") == wanted.rstrip("; ,")
    assert wanted is not None or ("fn g" not in found[0] and "h()" not in found[0])


@pytest.mark.parametrize(
    "text",
    [
        "#[deny(LINT)] fn f() {}",
        "#[allow(other)] fn f() { LINT }",
        "// #[allow(LINT)]\nfn f() {}",
        'fn f() { "#[allow(LINT)]"; }',
        "#[allow(LINT_too)] fn f() {}",
        "#[allow(LINT) fn f() {}",
    ],
)
def test_what_is_no_allowance(text: str) -> None:
    assert stretches(text.replace("LINT", LINT)) == []


def kept(text: str, lints: tuple[str, ...], first: str = "") -> tuple[list[Finding], list[Allowance]]:
    source = Source("a.rs", text.encode())
    found = replace(finding(source, "BAD", 0), lints=lints)
    if first:
        at = text.index(first)
        found = replace(found, notes=(Note(Span("a.rs", at, at + len(first)), "guard taken here"),))
    left, hidden = sift([source], [found], [], ())
    return left, [by for _, by in hidden]


def test_a_finding_is_allowed_by_the_lint_that_is_about_the_same_matter_and_by_no_other() -> None:
    text = f"#[allow({LINT})]\nfn f() {{ BAD; }}"
    left, by = kept(text, (LINT,))
    assert (left, [one.reason for one in by], [one.line for one in by]) == ([], [f"`{LINT}` is allowed here"], [1])
    assert kept(text, ())[1] == kept(text, ("clippy::other",))[1] == []


def test_it_is_allowed_where_the_guard_is_taken_too() -> None:
    text = f"fn f() {{ #[allow({LINT})] let g = take(); BAD; }}"
    assert kept(text, (LINT,))[1] == []
    assert len(kept(text, (LINT,), "take()")[1]) == 1


def test_no_rule_that_shows_a_deadlock_has_lints() -> None:
    assert {rule.code for rule in RULES if rule.meta.lints} == {"LCK101", "LCK102", "LCK103", "LCK401"}
    assert all(rule.meta.severity != "error" for rule in RULES if rule.meta.lints)
