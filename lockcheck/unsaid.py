"""Which methods of traits may take a lock that run though nobody calls them, as far as texts say.

In: the declarations, what finds a lock being taken in a function's text.  Out: `Locking`.
Never: lowers or links a function. Most trees have no such method, and then nobody looks for where one runs.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property

from msgspec import Struct

from lockcheck import ir
from lockcheck.linker import Locking, Program
from lockcheck.linker.written import mentions

_CALLED = re.compile(
    rb"(?:\b(?P<self>self)\s*\.\s*|(?P<dot>\.)\s*|\b(?P<path>\w+)(?:::\s*<[^;()]*>)?\s*::\s*)?"
    rb"\b(?P<name>[a-z_]\w*)\s*(?:::\s*<[^;()]*>\s*)?\("
)
_DEEPEST = 3
"""So many calls may lie between such a method and the lock."""
_POPULAR = 4
"""A method's name that so many types have says nothing of what is called."""


class Unsaid(Struct, frozen=True):
    """What was found, the functions that were looked into for it, a digest of their texts, and for each one of all that
    was looked for in its text.
    """

    locking: Locking
    looked_at: tuple[int, ...]
    texts: bytes
    words: tuple[bytes, ...]


def words_in(text: bytes) -> bytes:
    """A digest of the words of calls in a function's text."""
    return hashlib.blake2b(repr(_calls_in(text)).encode(), digest_size=8).digest()


def _calls_in(text: bytes) -> list[tuple[bytes | None, ...]]:
    """What is called in a text, each once, in order: behind `self`, a dot or a path; the name."""
    return list(dict.fromkeys(one.group("self", "dot", "path", "name") for one in _CALLED.finditer(text)))


class Texts:
    """What the functions of a tree may lead to, by the words in them."""

    def __init__(self, program: Program, takes: Callable[[int], bool], text: Callable[[int], bytes]) -> None:
        """`takes` says whether a function's text takes a lock, `text` gives it."""
        self._program, self._takes, self._text = program, takes, text
        self._known: dict[int, tuple[bool, int]] = {}

    @property
    def looked_at(self) -> tuple[int, ...]:
        """The functions whose texts were looked into, ascending."""
        return tuple(sorted(self._known))

    def words(self, functions: Iterable[int]) -> tuple[bytes, ...]:
        """For each of some functions a digest of what is looked for in its text."""
        return tuple(b"takes" if self._takes(number) else words_in(self._text(number)) for number in functions)

    @cached_property
    def _named(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = defaultdict(list)
        for number, (_, function) in enumerate(self._program.functions):
            if function.body_at is not None:
                found[function.name].append(number)
        return found

    def leads(self, number: int, depth: int = _DEEPEST) -> bool:
        """Whether a function, or one that it calls, may take a lock."""
        known = self._known.get(number)
        if known is None or not (known[0] or known[1] >= depth):
            self._known[number] = (False, depth)  # (while it is looked at)
            found = self._takes(number) or (depth > 0 and any(self.leads(n, depth - 1) for n in self._called(number)))
            known = self._known[number] = (found, depth)
        return known[0]

    def _called(self, number: int) -> Iterator[int]:
        """The functions that the words of a function's text may mean."""
        types, functions = self._program.types, self._program.functions
        owner, effects, own = types.context(number).owner, types.effects(number), functions[number][1].name
        for found in _calls_in(self._text(number)):
            of_self, dot, path, name = (part.decode() if part is not None else "" for part in found)
            if owner is not None and (of_self or path == "Self"):
                yield from types.methods(owner, name, effects)
            elif path or not dot:
                yield from (n for n in self._named.get(name, ()) if _is_in(functions[n][1], path))
            elif name not in effects.common and name != own and name not in effects.implied_inside:
                methods = [n for n in self._named.get(name, ()) if functions[n][1].takes_self]
                yield from methods if len(methods) <= _POPULAR else ()


def _is_in(function: ir.Function, path: str) -> bool:
    """Whether a function is called behind a name of its type or its module; without one, it is no method."""
    if function.owner is not None:
        return function.owner.path[-1] == path
    return not path or function.module[-1] == path


def locking(program: Program, texts: Texts) -> Locking:
    """The methods of traits that run without a call and may take a lock, or ask a part that may."""
    waiting: dict[str, dict[int, ir.Path]] = defaultdict(dict)
    for number, (_, function) in enumerate(program.functions):
        if function.trait is not None and function.body_at is not None:
            method = f"{function.trait.path[-1]}::{function.name}"
            told = method in program.types.effects(number).implied
            owner = program.types.context(number).owner if told else None
            if owner is not None and owner.path in program.names.types:
                waiting[method][number] = owner.path
    functions, owners = set[int](), dict[str, frozenset[ir.Path]]()
    for method, found in sorted(waiting.items()):
        taking = frozenset(owner for number, owner in found.items() if texts.leads(number))
        if taking:
            owners[method] = _asking(program, method.partition("::")[0], taking, found)
            functions.update(number for number, owner in found.items() if owner in owners[method])
    return Locking(frozenset(functions), owners)


def _asking(
    program: Program, trait: str, taking: frozenset[ir.Path], found: Mapping[int, ir.Path]
) -> frozenset[ir.Path]:
    """The types whose method of a trait may take a lock: those that are told, and those that may ask a part's."""
    effects = program.types.effects(next(iter(found)))
    implementing, types = set(found.values()), program.names.types
    left = [path for path, decl in types.items() if trait in decl.derived or path in implementing]
    more = taking
    while more:
        names, told = frozenset(path[-1] for path in taking), taking
        near = ((path, one) for path in left if path not in told for one in types[path].fields)
        kinds = ((path, program.types.field(ir.Type(path), one.name, effects)[0])
                 for path, one in near if mentions(one.type, names))  # fmt: skip
        more = frozenset(path for path, kind in kinds if kind is not None and _has(kind, told))
        taking |= more
    return taking


def _has(kind: ir.Type, paths: frozenset[ir.Path]) -> bool:
    return kind.path in paths or any(_has(one, paths) for one in kind.args)
