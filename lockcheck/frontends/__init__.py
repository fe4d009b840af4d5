"""The languages: which front end reads which file. Each is imported when its first file comes.

In: a `Source`.  Out: its `ir.Unit`; for a function of it, its `ir.Body`.
Never: more of a language than its name and its file endings.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

from msgspec import structs

from lockcheck import ir
from lockcheck.frontends.forms import Form
from lockcheck.source import Crate, Source

SUFFIXES = {".rs": "rust", ".py": "python"}


def declare(source: Source, crate: Crate | None) -> ir.Unit:
    """What a file declares. The file's ending must be one of `SUFFIXES`."""
    if source.path.endswith(".py"):
        from lockcheck.frontends import python

        return python.declare(source, crate)
    from lockcheck.frontends import rust

    return rust.declare(source, crate)


def lower(
    unit: ir.Unit, source: Source, function: ir.Function, edition: int, macros: ir.Macros, implying: frozenset[str]
) -> ir.Body:
    """The steps of a function; `macros` are those of the tree, `implying` the traits whose methods matter unsaid.

    Raises RecursionError where the code is nested too deep, UnreadableError where it cannot be parsed.
    """
    if unit.language == "python":
        from lockcheck.frontends.python import lower as python

        return python.lower(source.data, function)
    from lockcheck.frontends import rust

    return rust.lower(source.data, function, edition, rust.Known(macros, unit.path, unit.crate, implying))


def macros_of(units: Sequence[ir.Unit]) -> ir.Macros:
    """The macros that the tree defines, by name; by another name too where an import gives them one."""
    table: dict[str, tuple[ir.Macro, ...]] = {}
    for unit in units:
        for macro in unit.macros:
            table[macro.name] = (*table.get(macro.name, ()), macro)
    own = dict(table)
    for unit in units:
        for line in unit.imports:
            if line.target and line.name != line.target[-1] and line.target[-1] in own:
                table[line.name] = (*table.get(line.name, ()), *own[line.target[-1]])
    return table


_DECIDES = re.compile(rb"(?:^|[;{}])\s*(?:return|break|continue)\b[^;]*;?[\s})]*$|\b(?:if|while)\s+(?:[!(]\s*)*\$\w")


def macros_deciding(macros: ir.Macros) -> frozenset[str]:
    """The macros that may end with leaving the function or the loop around (`bail!` by another name), or that ask.

    What is asked (`if $cond`) is over before what is done then, so an argument's guards are not alive in the others.
    """
    told = (name for name, some in macros.items() if any(_DECIDES.search(arm.gives) for m in some for arm in m.arms))
    return frozenset(told)


_FEW = 16
"""So many marks are looked for before the form is."""


class Finder(NamedTuple):
    """Finds where one of some words may be called. One of the `marks` stands wherever one of the `forms` fits.

    Looking for a mark takes a thirtieth of the time that the forms take, and most functions have none. A form may have
    a hint, which is found fast and fits within the same bytes (see `Form`); it is looked for once for forms in a row
    that have the same.
    """

    marks: tuple[bytes, ...]
    forms: tuple[Form, ...]

    def finds(self, data: bytes, start: int = 0, end: int = sys.maxsize) -> bool:
        """Whether a word may be called in these bytes, or in a part of them."""
        if len(self.marks) <= _FEW:
            for mark in self.marks:
                if data.find(mark, start, end) >= 0:
                    break
            else:
                return False
        asked, hinted = "", True
        for one in self.forms:
            if one.of_hint != asked:
                asked, hinted = one.of_hint, one.hint is None or one.hint.search(data, start, end) is not None
            if hinted and one.form.search(data, start, end):
                return True
        return False


def finder(language: str, words: ir.Words) -> Finder:
    """What a function's bytes must contain for one of the words to be called in it."""
    if language == "python":
        from lockcheck.frontends.python import words as python

        return Finder(_marks(words, python.ALWAYS), python.forms(words))
    from lockcheck.frontends.rust import words as rust

    return Finder(_marks(words), rust.forms(words))


def _marks(words: ir.Words, *more: str) -> tuple[bytes, ...]:
    """The longest parts of the words and some more; none that contains another one."""
    spelled = {max(name.split("::"), key=len) for names in structs.astuple(words) for name in names}
    kept: list[str] = []
    for name in sorted(spelled.union(more), key=lambda name: (len(name), name)):
        if not any(one in name for one in kept):
            kept.append(name)
    return tuple(one.encode() for one in kept)


def macros_with(macros: ir.Macros, words: Finder) -> frozenset[str]:
    """The names of the macros in whose expansions one of the words may be called."""
    return _using(macros, words.finds)


def macros_calling(macros: ir.Macros, names: Collection[bytes]) -> frozenset[str]:
    """The names of the macros in whose expansions a function of one of the names may be called."""
    return _using(macros, lambda text: any(found[1] in names for found in _CALLED.finditer(text)))


_CALLED = re.compile(rb"(\w+)\s*\(")


def _using(macros: ir.Macros, does: Callable[[bytes], bool]) -> frozenset[str]:
    """The names of the macros whose text does something, and of those that use one of them."""
    left = {name: b"\n".join(arm.gives for macro in same for arm in macro.arms) for name, same in macros.items()}
    found: set[str] = set()
    new = {name for name, text in left.items() if does(text)}
    while new:
        found |= new
        uses = re.compile(rb"\b(?:" + b"|".join(map(re.escape, sorted(name.encode() for name in new))) + rb")\s*!")
        new = {name for name, text in left.items() if name not in found and uses.search(text)}
    return frozenset(found)
