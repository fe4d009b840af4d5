"""The least that an analyser of Rust in Python can do: parse every .rs file below a folder, and nothing else."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import tree_sitter_rust
from tree_sitter import Language, Parser


def sources(tree: str) -> Iterator[bytes]:
    """What the .rs files of a tree hold; links to files are followed, broken ones are left out."""
    for folder, _, names in os.walk(tree):
        for name in names:
            path = os.path.join(folder, name)
            if name.endswith(".rs") and os.path.isfile(path):
                with open(path, "rb") as file:
                    yield file.read()


def main(tree: str) -> None:
    """Parse the tree and say how many files it has."""
    parser = Parser(Language(tree_sitter_rust.language()))
    files = 0
    for source in sources(tree):
        parser.parse(source)
        files += 1
    print(files)


if __name__ == "__main__":
    main(sys.argv[1])
