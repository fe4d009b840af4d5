"""How far the exported rules and lockcheck agree on trees, rule by rule.

    python tests/agreement.py TREE[=NAME] [TREE[=NAME] ...] [--rules FOLDER] [--all] [--ast-grep] [--keep FOLDER] [--write]

For each rule: places that both report, only lockcheck, only the tool. By default only those of lockcheck's findings count
that stay inside one function (no note of another function on the way); `--all` counts the others instead, for rules that
`lockcheck export semgrep --project` made. `--ast-grep` asks that tool, with the rules in `ast-grep/`. A place is the same when the lines of both overlap; of several lines that
semgrep reports for one guard, each that lockcheck does not report is listed for somebody to judge.

semgrep takes minutes for a big tree, and says on standard error which files it gave up. It is given the files that name something which the patterns could match, and
`--keep` leaves what both tools said in a folder, from which later runs take it. `--write` puts the table into
docs/semgrep.md; the judgement of its last column is written there by hand.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import exported
import tools

from lockcheck import effects
from lockcheck.export import templates
from lockcheck.export.words import Words

ELSEWHERE = re.compile(r"^`[^`]+` (calls on|waits for|lets go|blocks)\b")
"""A note of lockcheck's that stands in another function than the finding."""
SUFFIXES = {suffix: language for language, suffix in exported.SUFFIXES.items()}
BEGIN, END = "<!-- measured by tests/agreement.py -->", "<!-- end of measured -->"

Place = tuple[str, int, int, str]


def own(tree: Path) -> list[dict[str, Any]]:
    """lockcheck's findings, those that it is least sure of included."""
    done = tools.lockcheck(
        tree, "check", ".", "--persona", "auditor", "--min-confidence", "possible", "--output", "json", "--no-cache",
        "--exit-zero",
    )  # fmt: skip
    found: list[dict[str, Any]] = json.loads(done.stdout)["findings"]
    return found


def names(language: str) -> re.Pattern[str]:
    """What stands in every place that a pattern of the language could match."""
    words = Words(language, effects.load(language))
    methods = {*words.takes(), *words.takes(bounded=True), *words.wakes}
    kinds = {lock.kind.rpartition(".")[2] for lock in words.effects.locks.values()} if language == "python" else set()
    return re.compile(rf"\.\s*({'|'.join(sorted(methods))})\s*\(|\b({'|'.join(sorted(kinds) or ['$'])})\(")


def other(tree: Path, rules: Path, every: bool) -> list[Place]:
    """semgrep's places. `every`: of all files, since rules that know a project follow names of its own."""
    paths = [path for path in sorted(tree.rglob("*")) if path.suffix in SUFFIXES and path.is_file()]
    wanted = {suffix: names(language) for suffix, language in SUFFIXES.items()}
    chosen = [
        path.relative_to(tree) for path in paths
        if "target" not in path.relative_to(tree).parts
        and (every or wanted[path.suffix].search(path.read_text("utf-8", errors="replace")))
    ]  # fmt: skip
    options = ("--jobs", "1", "--timeout", "60", "--max-target-bytes", "5000000", "--x-ignore-semgrepignore-files")
    gave_up: list[str] = []
    found = tools.scan(rules, chosen, *options, gave_up=gave_up, cwd=tree) if chosen else []
    print(*sorted(gave_up), sep="\n", file=sys.stderr)
    return [(Path(path).as_posix(), *rest) for path, *rest in found]


def grepped(tree: Path) -> list[Place]:
    """ast-grep's places."""
    found = tools.ast_grep(tools.ROOT / "ast-grep", [tree])
    return [(Path(path).relative_to(tree).as_posix(), *rest) for path, *rest in found]


def kept(folder: Path | None, name: str, make: Callable[[], Any]) -> Any:
    """What an earlier run left in the folder, or what is made now and left there."""
    if folder is None:
        return make()
    path = folder / f"{name}.json"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(make()), encoding="utf-8")
    return json.loads(path.read_text(encoding="utf-8"))


def compare(mine: list[dict[str, Any]], theirs: list[Place], through: bool) -> dict[str, dict[str, list[str]]]:
    """By rule, the places that both report, only lockcheck, only semgrep. `through`: of those that follow calls."""
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: {"both": [], "lockcheck": [], "other": []})
    met = set()
    for one in mine:
        same = [
            place for place in theirs
            if (place[0], place[3].partition("--")[0]) == (one["path"], one["slug"])
            and place[1] <= one["end_line"] + 1 and one["line"] <= place[2] + 1
        ]  # fmt: skip
        met.update(same)
        if any(ELSEWHERE.match(note["message"]) for note in one["notes"]) == through:
            found[one["slug"]]["both" if same else "lockcheck"].append(
                f"{one['path']}:{one['line']} {one['confidence']}"
            )
    for path, line, _, slug in sorted(set(theirs) - met):
        found[slug.partition("--")[0]]["other"].append(f"{path}:{line}")
    return dict(sorted(found.items()))


def main() -> None:
    """Print the table and every place that only one of them reports."""
    parser = argparse.ArgumentParser()
    parser.add_argument("trees", nargs="+", help="a folder, and =NAME if it is called otherwise in the table")
    parser.add_argument("--rules", type=Path, default=tools.ROOT / "rules")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--ast-grep", action="store_true")
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    tool = "ast_grep" if options.ast_grep else "semgrep"
    known = (one for one in templates() if tool == "semgrep" or one.ast_grep is not None)
    codes = {template.rule.slug: template.rule.code for template in known}
    table = [f"| tree | rule | both | only lockcheck | only {tool.replace('_', '-')} |", "|---|---|--:|--:|--:|"]
    places = []
    for path, _, name in (given.partition("=") for given in options.trees):
        tree = Path(path).resolve()
        mine = kept(options.keep, f"{tree.name}.lockcheck", lambda tree=tree: own(tree))
        theirs = kept(
            options.keep, f"{tree.name}.{tool}",
            lambda tree=tree: (
                grepped(tree) if options.ast_grep else other(tree, options.rules.resolve(), options.all)
            ),
        )  # fmt: skip
        mine = [one for one in mine if one["slug"] in codes]
        for slug, said in compare(mine, [tuple(place) for place in theirs], options.all).items():
            counts = " | ".join(str(len(said[who])) for who in said)
            table.append(f"| {name or tree.name} | {codes[slug]} {slug} | {counts} |")
            for who in ("lockcheck", "other"):
                places += [f"{tree.name}: {slug}: only {tool if who == 'other' else who}: {one}" for one in said[who]]
    print("\n".join([*table, "", *places]))
    if options.write:
        before, _, rest = exported.PAGE.read_text(encoding="utf-8").partition(BEGIN)
        after = rest.partition(END)[2]
        text = f"{before}{BEGIN}\n\n" + "\n".join(table) + f"\n\n{END}{after}"
        exported.PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
