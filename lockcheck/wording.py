"""Where names stand in the texts of functions.

In: a `Tree`, names.  Out: the functions whose text has one, with the path that stands before it.
Never: resolves a name. A text is read as words, `::` and `.` between them, and type arguments in `<>`: paths as all
languages write them in which types are declared.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from functools import cached_property

from lockcheck import ir
from lockcheck.tree import Tree

_JOINS = re.compile(rb"[.:]\s*\$")
"""A part of a macro's arm: a name that it is given stands behind something."""

_FAR = 200
"""Bytes in which the path before a name is looked for."""
_WORD = re.compile(rb"\w+$")


class Wording:
    """The texts of a tree's functions."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree

    def saying(self, words: Collection[str]) -> Iterator[int]:
        """The functions in whose text one of some words stands, their own names aside."""
        said = pattern(words)
        return (number for number, text in self._of(words) if said.search(text))

    def paths(self, names: Collection[str], inside: bool = False) -> Iterator[tuple[int, ir.Path, str]]:
        """Where in the text of a function one of the names stands, with the path before it; each once.

        `inside`: not alone, but where a macro may put it behind something.
        """
        said = pattern(names)
        for number, text in self._of(names):
            places = [(one["name"], *_before(text, one.start())) for one in said.finditer(text)]
            alone = not inside or self._joining.search(text) is not None
            for name, before, is_behind in dict.fromkeys(places):
                if is_behind or alone:
                    yield number, before, name.decode()

    def stand_outside(self, words: Collection[str], functions: Collection[int]) -> bool:
        """Whether one of some words stands anywhere in the tree's files but in some of the functions."""
        said, program = pattern(words), self._tree.program
        for unit in program.units:
            data = self._tree.data(unit.path)
            if any(word.encode() in data for word in words):
                within = [program.functions[n][1].at for n in self._tree.functions_of(unit.path) if n in functions]
                places = (found.start() for found in said.finditer(data))
                if not all(any(start <= place < end for start, end in within) for place in places):
                    return True
        return False

    @cached_property
    def _joining(self) -> re.Pattern[bytes]:
        """What finds a macro that puts a name which it is given behind a value or a path."""
        macros = (one for unit in self._tree.program.units for one in unit.macros)
        return pattern({one.name for one in macros if any(_JOINS.search(arm.gives) for arm in one.arms)})

    def _of(self, words: Collection[str]) -> Iterator[tuple[int, bytes]]:
        """The functions of the files in which one of the words stands, with their texts but for their own names."""
        near: dict[str, bytes] = {}
        for unit in self._tree.program.units if words else ():
            data = self._tree.data(unit.path)
            if any(word.encode() in data for word in words):
                near[unit.path] = data
        for number, (unit, function) in enumerate(self._tree.program.functions):
            if unit.path in near:
                (start, end), (before, behind) = function.at, function.name_at
                given = b"".join(b" " + text for _, text in function.given)
                yield number, near[unit.path][start:before] + b" " + near[unit.path][behind:end] + given


def pattern(words: Iterable[str]) -> re.Pattern[bytes]:
    """What finds one of the words, as a whole."""
    spelled = b"|".join(re.escape(one.encode()) for one in sorted(words))
    return re.compile(rb"\b(?P<name>" + (spelled or rb"(?!)") + rb")\b")


def _before(text: bytes, at: int) -> tuple[ir.Path, bool]:
    """The path before a name at an offset, without type arguments, and whether the name stands behind anything."""
    rest = text[max(0, at - _FAR) : at].rstrip()
    is_behind, path = rest.endswith((b"::", b".")), list[str]()
    while rest.endswith(b"::"):
        rest = _without_arguments(rest[:-2].rstrip())
        word = _WORD.search(rest)
        if word is None:
            return (), True
        path.append(word[0].decode("utf-8", "replace"))
        rest = rest[: word.start()].rstrip()
    return tuple(reversed(path)), is_behind


def _without_arguments(text: bytes) -> bytes:
    """A text that ends with a path, without the type arguments at its end."""
    depth = 0
    for place in range(len(text) - 1, -1, -1) if text.endswith(b">") else ():
        depth += {b">": 1, b"<": -1}.get(text[place : place + 1], 0)
        if depth == 0:
            return text[:place].rstrip().removesuffix(b"::").rstrip()
    return text
