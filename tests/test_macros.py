"""Macros of the tree: which arm fits, what it expands to, and where the parts of the expansion come from."""

from __future__ import annotations

import pytest

from lockcheck import ir
from lockcheck.frontends.rust import expand


def macro(*arms: tuple[str, str], crate: str = "own", exported: bool = True) -> ir.Macro:
    made = tuple(ir.MacroArm(takes.encode(), 0, gives.encode(), 0) for takes, gives in arms)
    return ir.Macro("src/lib.rs", (crate,), "m", made, exported, None, (0, 0))


def expanded(given: str, *arms: tuple[str, str]) -> str | None:
    made = expand.expand(macro(*arms), given.encode(), "own")
    return None if made is None else "".join(made.text.decode().split())


@pytest.mark.parametrize(
    ("takes", "gives", "given", "wanted"),
    [
        ("$m:expr", "$m.lock().unwrap()", "self.slots", "self.slots.lock().unwrap()"),
        ("$m:expr", "$m.lock()", "&self.slots", "(&self.slots).lock()"),
        ("$m:expr", "f($m)", "&self.slots", "f(&self.slots)"),
        ("$m:expr, $g:ident => $($b:tt)*", "{ let $g = $m; $($b)* }", "x, g => { g.push(1); }", "{letg=x;{g.push(1);}}"),
        ("$($x:expr),* $(,)?", "[$($x),*]", "a, f(b, c),", "[a,f(b,c)]"),
        ("$($x:expr),+", "$x", "a", None),
        ("$($x:expr),+", "[$($x);+]", "", None),
        ("$($k:ident: $t:ty),*", "$($k = <$t>::new();)*", "a: Map<u8, u8>, b: u8", "a=<Map<u8,u8>>::new();b=<u8>::new();"),
        ("$f:expr, $x:expr", "$f($x)", "|a, b| a, c", "(|a,b|a)(c)"),
        ("$p:path", "$p()", "a::b::<C, D>::e", "a::b::<C,D>::e()"),
        ("$p:pat => $b:block", "if let $p = x $b", "Some(y) => { y }", "ifletSome(y)=x{y}"),
        ("$l:literal $a:lifetime", "$l", "-1 'a", "-1"),
        ("$x:expr", "$crate::f($x)", "1", "crate::f(1)"),
        ("$x:expr", "$y", "1", None),
        ("$x:item", "$x", "fn f() {}", None),
    ],
)  # fmt: skip
def test_an_arm_and_what_it_gives(takes: str, gives: str, given: str, wanted: str | None) -> None:
    assert expanded(given, (takes, gives)) == wanted


def test_the_first_arm_that_fits() -> None:
    arms = (("read $m:expr", "$m.read()"), ("$m:ident", "$m.lock()"), ("$m:expr", "$m.write()"))
    assert [expanded(given, *arms) for given in ("read x", "x", "x.y", "")] == [
        "x.read()",
        "x.lock()",
        "x.y.write()",
        None,
    ]


def test_arguments_keep_their_place_and_the_rest_is_the_invocation() -> None:
    made = expand.expand(macro(("$m:expr, $($b:tt)*", "let g = $m.lock(); $($b)*")), b"self.m, a .b();", "own")
    assert made is not None
    origin = expand.Origin(made.pieces, 100, (90, 120), None, 1)

    def at(text: bytes) -> ir.Range:
        return origin.at(made.text.index(text), made.text.index(text) + len(text))

    assert at(b"self.m") == (100, 106)
    assert at(b"a .b()") == (108, 114)
    assert at(b".lock") == (90, 120)
    nested = expand.Origin((expand.Piece(0, 4, 0),), made.text.index(b"a .b"), (0, 1), origin, 2)
    assert nested.at(0, 4) == (108, 112)
    assert nested.at(5, 6) == (90, 120)


def test_a_macro_of_another_crate_must_be_exported() -> None:
    hidden, shown = macro(("", "1"), crate="a", exported=False), macro(("", "2"), crate="b")
    known = expand.Known({"m": (hidden, shown)}, "src/x.rs", "own")
    assert known.find("m", 0)[0] is shown
    assert expand.Known({"m": (hidden, shown)}, "src/x.rs", "a").find("m", 0)[0] is hidden
