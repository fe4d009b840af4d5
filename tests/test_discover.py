from __future__ import annotations

import os
from pathlib import Path

import pytest
from fakes import write_tree

from lockcheck import discover
from lockcheck.discover import reading
from lockcheck.finding import Problem
from lockcheck.source import Crate, Source, home


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def found(*paths: str) -> list[str]:
    return list(discover.walk(paths or ["."], (".rs",)).files)


def test_the_walk_is_sorted_and_takes_only_the_wanted(here: Path) -> None:
    write_tree(here, {"b.rs": "x", "a/z.rs": "x", "a/b.py": "x", "a.txt": "x", ".hidden/h.rs": "x"})
    assert found() == [".hidden/h.rs", "a/z.rs", "b.rs"]
    assert found("a", "b.rs", "./a/../b.rs") == ["a/z.rs", "b.rs"]
    assert list(discover.walk(["."], (".rs", ".py")).files) == [".hidden/h.rs", "a/b.py", "a/z.rs", "b.rs"]


def test_gitignore_files_are_honoured_the_deeper_one_last(here: Path) -> None:
    write_tree(
        here,
        {
            ".gitignore": "target/\n*.gen.rs\n/only_top.rs\n",
            "target/a.rs": "x",
            "sub/target/b.rs": "x",
            "sub/x.gen.rs": "x",
            "sub/only_top.rs": "x",
            "only_top.rs": "x",
            "sub/.gitignore": "!keep.gen.rs\nlocal.rs\n",
            "sub/keep.gen.rs": "x",
            "sub/local.rs": "x",
            "local.rs": "x",
        },
    )
    assert found() == ["local.rs", "sub/keep.gen.rs", "sub/only_top.rs"]


def test_the_lists_above_count_up_to_the_top_of_the_repository(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_tree(
        here,
        {
            ".gitignore": "*.rs\n",
            "repo/.git/info/exclude": "private.rs\n",
            "repo/.git/hook.rs": "x",
            "repo/.gitignore": "/sub/gen/\nb.rs\n",
            "repo/sub/a.rs": "x",
            "repo/sub/b.rs": "x",
            "repo/sub/private.rs": "x",
            "repo/sub/gen/c.rs": "x",
        },
    )
    monkeypatch.chdir(here / "repo" / "sub")
    assert found() == ["a.rs"]
    assert found("gen") == ["gen/c.rs"], "a folder that is named itself is searched"
    assert found("b.rs") == ["b.rs"], "a file that is named itself is taken"
    assert found("..", ".") == ["a.rs"], "one file has one name"


def test_exclude_counts_for_named_files_too(here: Path) -> None:
    write_tree(here, {"vendor/a.rs": "x", "b.rs": "x"})
    exclude = discover.patterns(".", ["vendor/"])
    assert discover.walk(["."], (".rs",), exclude).files == ("b.rs",)
    assert discover.walk(["vendor/a.rs", "b.rs"], (".rs",), exclude) == discover.Found(("b.rs",), (), 1)


def test_what_cannot_be_read_is_named_and_the_rest_goes_on(here: Path) -> None:
    write_tree(here, {"good.rs": "fn f() {}", "dir.rs/inner.rs": "x", "a.txt": "x"})
    (here / "broken.rs").symlink_to("nowhere.rs")
    (here / "loop.rs").symlink_to("loop.rs")
    (here / "circle").symlink_to(".")
    os.mkfifo(here / "pipe.rs")
    walked = discover.walk([".", "gone.rs", "a.txt"], (".rs",))
    assert walked.files == ("dir.rs/inner.rs", "good.rs")
    reasons = {problem.path: problem.message for problem in walked.problems}
    assert reasons.pop("loop.rs").startswith("cannot be read: ")
    assert reasons == {
        "a.txt": "is in no language that lockcheck reads (.rs)",
        "broken.rs": "is a broken link",
        "dir.rs": "is a folder with the name of a file",
        "gone.rs": "does not exist",
        "pipe.rs": "is no regular file",
    }


def test_a_link_to_a_file_that_is_there_anyway_is_not_taken_twice(here: Path) -> None:
    write_tree(here, {"src/a.rs": "x", "elsewhere/b.txt": "x"})
    (here / "src" / "same.rs").symlink_to("a.rs")
    (here / "src" / "other.rs").symlink_to("../elsewhere/b.txt")
    assert found("src") == ["src/a.rs", "src/other.rs"]


def test_an_unreadable_file_and_folder(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str, *rest: object) -> None:
        raise PermissionError(13, "Permission denied", path)

    write_tree(here, {"secret.rs": "x"})
    monkeypatch.setattr(reading, "open", refuse, raising=False)  # chmod does not stop root
    assert discover.read("secret.rs") == Problem("secret.rs", 1, "cannot be read: permission denied")
    monkeypatch.setattr(os, "scandir", refuse)
    assert discover.walk(["."], (".rs",)).problems == (Problem(".", 1, "cannot be read: permission denied"),)


def test_reading_bad_files(here: Path) -> None:
    write_tree(
        here,
        {
            "latin.rs": "fn f() {}\n// caf\u00e9\n".encode("latin-1"),
            "empty.rs": "",
            "huge.rs": b" " * (20 * 1024 * 1024),
            "good.rs": "fn f() {} // \u65e5",
        },
    )
    assert discover.read("latin.rs") == Problem("latin.rs", 2, "is not UTF-8 (byte 0xe9 at offset 16)")
    assert discover.read("empty.rs") == Problem("empty.rs", 1, "is empty")
    assert discover.read("huge.rs") == Problem("huge.rs", 1, "is larger than 8 MiB: not analysed")
    assert discover.read("vanished.rs") == Problem("vanished.rs", 1, "does not exist")
    assert discover.read("good.rs") == Source("good.rs", "fn f() {} // \u65e5".encode())


def crate(name: str, folder: str, edition: str, *roots: str, **dependencies: str) -> Crate:
    return Crate(name, folder, edition, roots, tuple(sorted(dependencies.items())))


def test_editions_with_and_without_workspace_inheritance(here: Path) -> None:
    write_tree(
        here,
        {
            "Cargo.toml": "[workspace]\nmembers=['*']\n[workspace.package]\nedition = '2024'\n"
            "[workspace.dependencies]\nshared-lib = {path = 'shared'}\n",
            "plain/Cargo.toml": "[package]\nname = 'plain'\n",
            "plain/src/lib.rs": "x",
            "own/Cargo.toml": "[package]\nname='own-name'\nedition='2018'\n[dependencies]\nplain = {path='../plain'}\n"
            "short = {package='plain', path='../plain'}\nserde='1'\n[dev-dependencies]\nshared-lib.workspace=true\n",
            "own/src/main.rs": "x",
            "own/src/deep/er.rs": "x",
            "dotted/Cargo.toml": "[package]\nname='dotted'\nedition.workspace = true\n[lib]\nname='dot'\npath='lib.rs'\n",
            "dotted/lib.rs": "x",
            "inline/Cargo.toml": "[package]\nname='inline'\nedition = {workspace = true}\n[[bin]]\nname='b'\npath='b.rs'\n",
            "inline/b.rs": "x",
            "inline/src/bin/tool/main.rs": "x",
            "inline/src/bin/one.rs": "x",
            "inline/tests/t.rs": "x",
            "shared/Cargo.toml": "[package]\nname='shared-lib'\nedition='2021'\n",
        },
    )
    crates, problems = discover.crates(found())
    assert problems == ()
    assert crates == (
        crate("dot", "dotted", "2024", "dotted/lib.rs"),
        crate("inline", "inline", "2024", "inline/b.rs", "inline/src/bin/one.rs", "inline/src/bin/tool/main.rs",
              "inline/tests/t.rs"),
        crate("own_name", "own", "2018", "own/src/main.rs", plain="plain", short="plain", shared_lib="shared"),
        crate("plain", "plain", "2015", "plain/src/lib.rs"),
        crate("shared_lib", "shared", "2021"),
    )  # fmt: skip
    assert getattr(home("own/src/deep/er.rs", crates), "folder", None) == "own"
    assert home("elsewhere/x.rs", crates) is None


def test_a_crate_above_the_current_folder_is_found(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_tree(here, {"Cargo.toml": "[package]\nname='top'\nedition='2018'\n", "src/deep/a.rs": "x"})
    monkeypatch.chdir(here / "src" / "deep")
    crates, _ = discover.crates(["a.rs"])
    assert [(one.name, one.folder, one.edition) for one in crates] == [("top", "../..", "2018")]
    assert home("a.rs", crates) == crates[0]
    assert home("../b.rs", crates) == crates[0]
    assert home("../../../elsewhere.rs", crates) is None


def test_the_nearest_crate_is_home() -> None:
    outer, inner, above = Crate("o", ".", "2015"), Crate("i", "in", "2018"), Crate("a", "..", "2021")
    assert home("in/x.rs", [outer, inner, above]) == inner
    assert home("inner/x.rs", [outer, inner, above]) == outer
    assert home("../x.rs", [outer, inner, above]) == above


def test_a_malformed_manifest_is_a_problem_and_its_files_count_as_2021(here: Path) -> None:
    write_tree(here, {"bad/Cargo.toml": "[package\n", "bad/src/lib.rs": "x", "deep/Cargo.toml": "x = " + "[" * 5000,
                      "deep/src/lib.rs": "x", "Cargo.toml": "[package]\nname='top'\n"})  # fmt: skip
    crates, problems = discover.crates(found())
    assert [(one.folder, one.edition) for one in crates] == [("bad", "2021"), ("deep", "2021")]
    assert [problem.path for problem in problems] == ["bad/Cargo.toml", "deep/Cargo.toml"]
    assert all("is not valid TOML" in problem.message for problem in problems)


def test_manifests_with_nonsense_in_them_do_no_harm(here: Path) -> None:
    write_tree(here, {"Cargo.toml": "[package]\nname=3\nedition=['x']\nworkspace=1\nlib=4\nbin=5\ntarget=6\n"
                                    "[dependencies]\na=1\nb={path=2}\nc.workspace=true\n", "src/lib.rs": "x"})  # fmt: skip
    crates, problems = discover.crates(found())
    assert problems == ()
    assert [(one.edition, one.roots, one.dependencies) for one in crates] == [("2015", ("src/lib.rs",), ())]


def test_configurations_come_nearest_first(here: Path) -> None:
    write_tree(
        here, {"lockcheck.toml": "1", "a/Cargo.toml": "2", "a/lockcheck.toml": "3", "a/b/x.rs": "x", "c.rs": "x"}
    )
    names = ("lockcheck.toml", "Cargo.toml")
    assert list(discover.configurations(["a/b/x.rs"], names))[:3] == [
        ("a/lockcheck.toml", "3"), ("a/Cargo.toml", "2"), ("lockcheck.toml", "1"),
    ]  # fmt: skip
    assert next(iter(discover.configurations(["a/b/x.rs", "c.rs"], names))) == ("lockcheck.toml", "1")


def test_a_file_is_written_whole_or_not_at_all(here: Path) -> None:
    write_tree(here, {"out.json": "old"})
    discover.write("out.json", b"new")
    assert (here / "out.json").read_bytes() == b"new"
    with pytest.raises(OSError):
        discover.write("no/such/folder.json", b"new")
    with pytest.raises(TypeError):
        discover.write("out.json", None)  # type: ignore[arg-type]
    assert sorted(os.listdir(here)) == ["out.json"]
    assert (here / "out.json").read_bytes() == b"new"
