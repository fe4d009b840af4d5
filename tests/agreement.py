"""How far the exported rules and lockcheck agree on a tree, rule by rule.

    python tests/agreement.py TREE [TREE ...] [--rules FOLDER] [--all]

For each rule: places that both report, only lockcheck, only semgrep. By default only those of lockcheck's findings count
that stay inside one function (no note of another function on the way); `--all` counts the others too, for rules that
`lockcheck export semgrep --project` made. A place is the same when the lines of both overlap; of several lines that
semgrep reports for one guard, each that lockcheck does not report is listed for somebody to judge.
"""

from __future__ import annotations

import argparse
import json
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import tools

ELSEWHERE = re.compile(r"^`[^`]+` (calls on|waits for|lets go|blocks)\b")
"""A note of lockcheck's that stands in another function than the finding."""


def own(tree: Path, everything: bool) -> list[dict[str, Any]]:
    """lockcheck's findings, those that it is least sure of included."""
    done = tools.lockcheck(
        tree, "check", ".", "--persona", "auditor", "--min-confidence", "possible", "--output", "json", "--no-cache",
        "--exit-zero",
    )  # fmt: skip
    found: list[dict[str, Any]] = json.loads(done.stdout)["findings"]
    return [one for one in found if everything or not any(ELSEWHERE.match(note["message"]) for note in one["notes"])]


def other(tree: Path, rules: Path) -> list[tuple[str, int, int, str]]:
    """semgrep's: (path, first line, last line, slug)."""
    options = ("--timeout", "60", "--max-target-bytes", "5000000", "--exclude", "target")
    found = tools.scan(rules, [tree], *options, "--x-ignore-semgrepignore-files")
    return [(Path(path).relative_to(tree).as_posix(), *rest) for path, *rest in found]


def compare(tree: Path, rules: Path, everything: bool) -> dict[str, dict[str, list[str]]]:
    """By rule, the places that both report, only lockcheck, only semgrep."""
    exported = {path.stem for path in rules.rglob("*.yaml")}
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: {"both": [], "lockcheck": [], "semgrep": []})
    theirs = other(tree, rules)
    met = set()
    for one in own(tree, everything):
        if one["slug"] not in exported:
            continue
        same = [
            place for place in theirs
            if (place[0], place[3]) == (one["path"], one["slug"])
            and place[1] <= one["end_line"] + 1 and one["line"] <= place[2] + 1
        ]  # fmt: skip
        met.update(same)
        found[one["slug"]]["both" if same else "lockcheck"].append(f"{one['path']}:{one['line']} {one['confidence']}")
    for path, line, _, slug in sorted(set(theirs) - met):
        found[slug]["semgrep"].append(f"{path}:{line}")
    return dict(sorted(found.items()))


def main() -> None:
    """Print the table and every place that only one of them reports."""
    parser = argparse.ArgumentParser()
    parser.add_argument("trees", nargs="+", type=Path)
    parser.add_argument("--rules", type=Path, default=tools.ROOT / "rules")
    parser.add_argument("--all", action="store_true")
    options = parser.parse_args()
    print("| tree | rule | both | only lockcheck | only semgrep |\n|---|---|--:|--:|--:|")
    places = []
    for tree in options.trees:
        for slug, said in compare(tree.resolve(), options.rules.resolve(), options.all).items():
            print(f"| {tree.name} | {slug} | " + " | ".join(str(len(said[who])) for who in said) + " |", flush=True)
            places += [
                f"{tree.name}: {slug}: only {who}: {one}" for who in ("lockcheck", "semgrep") for one in said[who]
            ]
    print("\n" + "\n".join(places))


if __name__ == "__main__":
    main()
