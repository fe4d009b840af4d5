"""The data files of the languages are read wholly: what nobody reads would be a word that means nothing."""

from __future__ import annotations

import copy
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lockcheck import effects

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def data_of(language: str) -> dict[str, Any]:
    path = Path(effects.__file__).with_name(f"{language}.toml")
    return tomllib.loads(path.read_text(encoding="utf-8"))


def keys_of(data: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The keys of each table, and of the first entry of each list of tables."""
    for table, said in data.items():
        for key in said if isinstance(said, dict) else said[0]:
            yield table, key


@pytest.mark.parametrize("language", ["rust", "python"])
def test_every_word_of_the_data_means_something(language: str) -> None:
    data = data_of(language)
    whole, unread = effects.of(data), []
    for table, key in keys_of(data):
        less = copy.deepcopy(data)
        del (less[table] if isinstance(less[table], dict) else less[table][0])[key]
        try:
            same = effects.of(less) == whole
        except KeyError:
            continue
        if same:
            unread.append(f"{table}.{key}")
    assert unread == []
