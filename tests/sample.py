"""Which findings of real trees are to be read and judged, and what the judged ones come to.

    python tests/sample.py TREE=REPORT.json [TREE=REPORT.json ...] [--seed N] [--each N] [--judged PAGE.md]

In: JSON reports with the persona auditor. Out: one line for each finding to judge, with its fingerprint: everything that
the default persona sees, and of each other rule the same number, drawn by the seed and the fingerprint alone. So the
sample hardly moves when the code does. With `--judged`, a page with a table whose rows hold `fingerprint`s and
verdicts: only what is not judged yet is printed, then what is judged and no longer reported, then the count.
"""

from __future__ import annotations

import argparse
import json
import re
from collections import Counter, defaultdict
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from lockcheck.rules import RULES
from lockcheck.suppress import OWN

SHORT = 10
"""So many signs of a fingerprint are written down."""
ROW = re.compile(
    rf"^\| *(?P<tree>[^|]*?) *\| *(?P<code>LCK\d+) *\| *`(?P<mark>\w{{{SHORT}}})` *\|[^|]*\| *(?P<said>[^|]*?) *\|"
)
PERSONA = {rule.code: rule.meta.persona for rule in RULES} | dict.fromkeys((code for code, _ in OWN), "regular")


class Drawn(NamedTuple):
    """A finding that is to be judged."""

    tree: str
    code: str
    mark: str
    place: str
    message: str


def found(reports: list[str]) -> list[Drawn]:
    """Every finding of every report."""
    listed = []
    for one in reports:
        tree, _, path = one.partition("=")
        read: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
        for finding in read["findings"]:
            place = f"{finding['path']}:{finding['line']}"
            mark = finding["fingerprint"][:SHORT]
            listed.append(Drawn(tree, finding["code"], mark, place, finding["message"]))
    return listed


def draw(listed: list[Drawn], seed: int, each: int) -> list[Drawn]:
    """All that the default persona sees, and `each` findings of every other rule."""
    rules: dict[str, list[Drawn]] = defaultdict(list)
    for one in listed:
        rules[one.code].append(one)
    chosen = []
    for code, of_rule in sorted(rules.items()):
        of_rule.sort(key=lambda one: sha256(f"{seed} {one.tree} {one.mark}".encode()).digest())
        chosen += of_rule if PERSONA[code] == "regular" else of_rule[:each]
    return sorted(chosen)


def judged(page: Path) -> dict[tuple[str, str], tuple[str, str]]:
    """The rule and the verdict of each row, by tree and fingerprint."""
    rows = (ROW.match(line) for line in page.read_text(encoding="utf-8").splitlines())
    return {(row["tree"], row["mark"]): (row["code"], row["said"]) for row in rows if row}


def main() -> None:
    """Print the sample, or what is left of it."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("reports", nargs="+", metavar="TREE=REPORT.json")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--each", type=int, default=15)
    options.add_argument("--judged", type=Path)
    given = options.parse_args()
    listed = found(given.reports)
    chosen = draw(listed, given.seed, given.each)
    known = judged(given.judged) if given.judged else {}
    for one in chosen:
        if (one.tree, one.mark) not in known:
            print(f"{one.mark}\t{one.code}\t{one.tree}\t{one.place}\t{one.message}")
    if given.judged is None:
        return
    there = {(one.tree, one.mark) for one in listed}
    counted: Counter[tuple[str, str, str]] = Counter()
    for key, (code, said) in known.items():
        if key in there:
            counted[PERSONA[code], code, said] += 1
        else:
            print(f"gone: {key[1]} {code} {key[0]} ({said})")
    for (persona, code, said), number in sorted(counted.items()):
        print(f"{number:4} {persona} {code} {said}")


if __name__ == "__main__":
    main()
