from __future__ import annotations

import pytest

from lockcheck.advisories import Advisory
from lockcheck.config import ConfigError, Settings, check_selectors, matches, rows, settle


def test_defaults_without_any_file() -> None:
    assert settle([]) == Settings()
    assert Settings().min_confidence == "likely"


def test_every_key_is_read_from_lockcheck_toml() -> None:
    text = """
    select = ["LCK2", "guard-held-in-else"]
    ignore = ["LCK204"]
    persona = "pedantic"
    min-confidence = "possible"
    edition = "2024"
    exclude = ["vendor/"]
    lock-order = ["Catalog.load", "Peers.*"]
    baseline = "known.json"
    bounded = ["Catalog.*"]
    closure-only = ["Peers.*"]
    longest-section = 40
    data-plane = ["*::handle_update"]
    probes = ["Repl::ping"]
    [[advisories]]
    id = "OURS-1"
    package = "our-lock"
    affected = ["<1.4"]
    what = "hangs"
    cure = "update"
    source = "https://example.com"
    [per-file-ignores]
    "tests/**" = ["LCK401"]
    [severity]
    LCK102 = "note"
    [rust]
    guard-types = ["G", "GS"]
    refcell = true
    """
    assert settle([("sub/lockcheck.toml", text)]) == Settings(
        select=("LCK2", "guard-held-in-else"),
        ignore=("LCK204",),
        persona="pedantic",
        min_confidence="possible",
        edition="2024",
        exclude=("vendor/",),
        per_file_ignores=(("tests/**", ("LCK401",)),),
        severity=(("LCK102", "note"),),
        lock_order=("Catalog.load", "Peers.*"),
        bounded=("Catalog.*",),
        closure_only=("Peers.*",),
        longest_section=40,
        data_plane=("*::handle_update",),
        probes=("Repl::ping",),
        advisories=(Advisory("OURS-1", "our-lock", ("<1.4",), "hangs", "update", "https://example.com"),),
        baseline="known.json",
        guard_types=("G", "GS"),
        refcell=True,
        folder="sub",
        origin=dict.fromkeys(
            [
                "select", "ignore", "persona", "min_confidence", "edition", "exclude", "per_file_ignores", "severity", "lock_order",
                "bounded", "closure_only", "longest_section", "data_plane", "probes", "advisories", "baseline", "guard_types", "refcell",
            ],
            "sub/lockcheck.toml",
        ),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("path", "head"),
    [
        ("lockcheck.toml", ""),
        ("pyproject.toml", "[tool.lockcheck]\n"),
        ("Cargo.toml", "[package.metadata.lockcheck]\n"),
        ("Cargo.toml", "[workspace.metadata.lockcheck]\n"),
    ],
)
def test_the_places_where_settings_may_stand(path: str, head: str) -> None:
    assert settle([(path, head + 'persona = "auditor"\n')]).persona == "auditor"


def test_the_nearest_file_with_settings_wins_whole() -> None:
    texts = [
        ("a/b/pyproject.toml", "[tool.other]\nx = 1\n"),
        ("a/Cargo.toml", '[package.metadata.lockcheck]\npersona = "pedantic"\n'),
        ("lockcheck.toml", 'persona = "auditor"\nignore = ["LCK204"]\n'),
    ]
    settings = settle(texts)
    assert (settings.persona, settings.ignore, settings.folder) == ("pedantic", (), "a")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("persna = 1", ["lockcheck.toml", "unknown key 'persna'", "did you mean 'persona'"]),
        ('persona = "pedantik"', ["lockcheck.toml", "persona", "did you mean 'pedantic'"]),
        ('[rust]\nguard-type = ["G"]', ["unknown key 'rust.guard-type'", "did you mean 'rust.guard-types'"]),
        ('rust = "x"', ["unknown key 'rust'"]),
        ("select = 'LCK2'", ["select", "list of strings"]),
        ("select = [1]", ["select", "list of strings"]),
        ("lock-order = 'Catalog.load'", ["lock-order", "list of strings"]),
        ("lock-order = ['A.a', 'B.b', 'A.a']", ["lock-order", "names 'A.a' twice"]),
        ("edition = 2019", ["edition", "2015, 2018, 2021, 2024"]),
        ("[rust]\nrefcell = 1", ["rust.refcell", "true or false"]),
        ("per-file-ignores = 3", ["per-file-ignores", "table"]),
        ("severity = {LCK1 = 'fatal'}", ["severity", "note, warning, error"]),
        ("x = ", ["lockcheck.toml", "not valid TOML"]),
        ("x = " + "[" * 5000, ["lockcheck.toml", "not valid TOML"]),
    ],
)
def test_a_mistake_is_named_with_its_file_and_key(text: str, words: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        settle([("lockcheck.toml", text)])
    for word in words:
        assert word in str(caught.value)


def test_a_broken_manifest_that_is_not_about_us_is_passed_over() -> None:
    assert settle([("Cargo.toml", "[package\n")]) == Settings()
    with pytest.raises(ConfigError, match=r"pyproject\.toml"):
        settle([("pyproject.toml", "[tool.lockcheck\n")])


def test_rows_say_where_each_value_is_from() -> None:
    settings = settle([("lockcheck.toml", 'persona = "pedantic"')]).override("--edition", edition="2024")
    found = {key: (value, place) for key, value, place in rows(settings)}
    assert found["persona"] == ("pedantic", "lockcheck.toml")
    assert found["edition"] == ("2024", "--edition")
    assert found["rust.guard-types"] == ((), "default")


@pytest.mark.parametrize(
    ("selector", "fits"),
    [
        ("LCK202", True),
        ("lck202", True),
        ("LCK2", True),
        ("LCK", True),
        ("ALL", True),
        ("read-then-write", True),
        ("LCK3", False),
        ("read", False),
        ("", False),
    ],
)
def test_what_a_selector_speaks_of(selector: str, fits: bool) -> None:
    assert matches(selector, "LCK202", "read-then-write") is fits


def test_a_selector_that_names_no_rule_is_refused() -> None:
    known = [("LCK202", "read-then-write")]
    check_selectors([("--select", ["LCK2"])], known)
    with pytest.raises(
        ConfigError, match="--ignore: no rule is called 'read-then-rite'; did you mean 'read-then-write'"
    ):
        check_selectors([("--ignore", ["read-then-rite"])], known)
