#!/usr/bin/env python3
"""Hold lockcheck's idea of what is held where against what compiled programs did.

    python tests/facts/oracle.py [--edition 2021|2024] [--verbose]

Every row's body becomes one function of a generated file; `lockcheck show` says what it believes is held at each call of `ev`.
exact  = at every event of the log exactly the guards of the log are (possibly) held
sound  = nothing called certain is absent from the log, nothing in the log is absent from the possible
"""

from __future__ import annotations

import argparse
import csv
import json
import pathlib
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass

HERE = pathlib.Path(__file__).resolve().parent
EDITIONS = ("2021", "2024")
NAMED = re.compile(r'"([a-z0-9_]+)"')


def logged(log: str) -> list[tuple[str, frozenset[str]]]:
    """The events of a log, each with the guards held when it happened (a name held twice counts once)."""
    held: list[str] = []
    events = []
    for word in log.split():
        if word.startswith("+"):
            held.append(word[1:])
        elif word.startswith("~"):
            if word[1:] in held:
                held.remove(word[1:])
        else:
            events.append((word, frozenset(held)))
    return events


def usable(row: dict[str, str], edition: str) -> bool:
    log = row[f"log_{edition}"]
    words = [w for w in log.split() if w[0] not in "+~"]
    return (
        not re.search(r"not allowed|DEADLOCK|SUSPEND|mapping|in-", log)
        and bool(words)
        and all(f'"{w}"' in row["program"] for w in words)
    )


Believed = tuple[frozenset[str], frozenset[str]]
"""The guards that are possibly held somewhere, and those that certainly are."""


def believed(rows: list[dict[str, str]], edition: str) -> dict[int, dict[str, list[Believed]]]:
    """For each row, for each event word, what is believed at every place where the word is spoken."""
    source = (HERE / "drop_prelude.rs").read_text(encoding="utf-8")
    source += "".join(f"\nfn case_{n}() {{ {row['program']} ; }}" for n, row in enumerate(rows))
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        (folder / "cases.rs").write_text(source, encoding="utf-8")
        (folder / "lockcheck.toml").write_text('[rust]\nguard-types = ["G", "GS"]\n', encoding="utf-8")
        command = [sys.executable, "-m", "lockcheck", "show", "cases.rs", "--edition", edition, "--output", "json"]
        run = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, encoding="utf-8", timeout=120, check=False
        )
    try:
        report = json.loads(run.stdout)
    except ValueError:
        raise RuntimeError(f"lockcheck show: exit {run.returncode}: {run.stderr.strip()[-400:]}") from None
    lines = source.splitlines()

    def at(place: dict[str, int]) -> str:
        return lines[place["line"] - 1][place["column"] - 1 :]

    def guard(place: dict[str, int]) -> str:
        text = at(place)
        said = NAMED.search(text[: text.find(")") + 1])
        return said[1] if said else "g"

    places: dict[int, dict[str, list[Believed]]] = {}
    for function in report["functions"]:
        for moment in function["moments"]:
            case = re.match(r"fn case_(\d+)\(", lines[moment["line"] - 1])
            spoken = re.match(r'(?:crate::)?evb?\("([a-z0-9-]+)"\)', at(moment))
            if not case or not spoken or moment["event"] != "call":
                continue
            possible = frozenset(guard(held) for held in moment["held"])
            certain = frozenset(guard(held) for held in moment["held"] if held["certain"])
            places.setdefault(int(case[1]), {}).setdefault(spoken[1], []).append((possible, certain))
    return places


@dataclass(frozen=True)
class Verdict:
    row: dict[str, str]
    exact: bool
    sound: bool
    believed: dict[str, list[Believed]]

    def __str__(self) -> str:
        said = {word: [sorted(possible) for possible, _ in held] for word, held in self.believed.items()}
        return f"{self.row['id']}: believed {said}"


def verdicts(edition: str, facts: pathlib.Path = HERE / "rust_drop_scopes.tsv") -> list[Verdict]:
    with facts.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if usable(row, edition)]
    places = believed(rows, edition)
    said = []
    for number, row in enumerate(rows):
        here = places.get(number, {})
        events = logged(row[f"log_{edition}"])
        exact = all(any(possible == held for possible, _ in here.get(word, ())) for word, held in events)
        sound = all(
            any(certain <= held <= possible for possible, certain in here.get(word, ())) for word, held in events
        )
        said.append(Verdict(row, exact, sound, here))
    return said


def main() -> int:
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("--edition", choices=EDITIONS, action="append")
    parse.add_argument("--verbose", action="store_true")
    said = parse.parse_args()
    for edition in said.edition or EDITIONS:
        results = verdicts(edition)
        for verdict in results:
            if said.verbose and not verdict.exact:
                print(f"{edition} {verdict} | log {verdict.row[f'log_{edition}']}")
        print(
            f"edition {edition}: exact {sum(v.exact for v in results)}/{len(results)} sound {sum(v.sound for v in results)}/{len(results)}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
