"""What a method can be to a lock, a condition, a value; each in the few words by which the data says it.

In: those words.  Out: values.
Never: which library has such methods.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, cast

from msgspec import Struct, field
from msgspec.structs import replace

Mode = Literal["exclusive", "write", "read", "upgradable"]


class Taking(Struct, frozen=True):
    """How a method takes a lock. `moment`: it is given back before the call returns; `sync`: not when awaited.

    `opens`: the call only makes what a block is opened with to take it. `hand`: it is held until it is given back by
    name; `gives`: it gives it back so; `asks`: the arguments say whether the call waits and how long; `raises`: an
    error says that it did not get it; `closes`: a block that is opened with the result gives it back at its end;
    `maybe`: where it finds nothing it gives no guard; `each`: it gives an iterator, which keeps the lock while it
    lasts, and so does each of its elements.
    """

    mode: Mode
    fallible: bool = False
    bounded: bool = False
    recursive: bool = False
    moment: bool = False
    sync: bool = False
    hand: bool = False
    gives: bool = False
    asks: bool = False
    opens: bool = False
    raises: bool = False
    closes: bool = False
    maybe: bool = False
    each: bool = False


class LockType(Struct, frozen=True):
    """A library's lock. `wraps`: an acquisition's result must be unwrapped before it is the guard.

    `shares`: made with another lock, it is another name of that one. `views` are fields that are other names of it,
    each the lock as it is taken by that name. `by_name`: two objects that are made with the same name (of a file, of
    a key) are one lock. `tells`: who has it and wants it again does not wait, but gets an error. `counts`: it is made
    with a number of permits, one where that is left out; `single`: with one. `by_hand`: it is a class of the tree.
    `content`: which of its type's arguments it guards, the last one where that is left out (a map's is its hasher).
    """

    kind: str
    family: str
    waits: Literal["thread", "task"]
    wraps: bool
    methods: Mapping[str, Taking]
    shares: bool = False
    by_name: bool = False
    tells: bool = False
    counts: bool = False
    single: bool = False
    views: Mapping[str, LockType] = field(default_factory=dict)
    by_hand: bool = False
    content: int = -1

    def around(self, inner: LockType | None) -> LockType:
        """The same, made with a lock that has no other name, where it shares it: that one lets in whom it lets in."""
        return self if inner is None or not self.shares else replace(self, family=inner.family)

    def of_one(self) -> LockType:
        """The same, made with one permit."""
        return replace(self, single=self.counts)


class Acting(Struct, frozen=True):
    """What a method does to values of some types that takes no lock. `telling`: its name alone is enough."""

    what: str
    types: frozenset[str]
    telling: bool
    variables: frozenset[str] = frozenset()
    """Names (in small letters, no underscores around) of variables that are taken to have one of the types."""
    heeds: frozenset[str] = frozenset()
    """Names of arguments by which whoever acts tells those whom the act runs what to do: they are known to it."""


class Signalling(Struct, frozen=True):
    """What a method does by which threads tell each other to go on: `wait` for a signal, or give one (`wake`).

    `of` is what is waited for where that is more than one thing (a message, room for one); empty for a condition
    variable. `held`: the lock must be held; `checked`: it looks itself at what it waits for; `limit` is the number of
    the argument (the receiver is 0) that says how long it waits at most, 0 for none; `bounded`: it never waits for
    ever; `awaited`: it waits only where a task does; `ask` is the number of the argument that may say that it does not
    wait, 0 for none; `sized`: it waits only where what it is a method of was made with a size.
    """

    does: Literal["wait", "wake"]
    of: str = ""
    held: bool = False
    checked: bool = False
    bounded: bool = False
    awaited: bool = False
    sized: bool = False
    ask: int = 0
    limit: int = 0


def taking(said: str) -> Taking:
    """`write try hand`: the mode, then what else is true of it."""
    words = said.split()
    mode: Any = words[0]
    flags = ("try", "bounded", "recursive", "moment", "sync", "hand", "free", "ask", "opens", "raises", "closes")
    return Taking(mode, *(flag in words for flag in (*flags, "maybe", "each")))


def signalling(said: str) -> tuple[Signalling, ...]:
    """`wait message, wake room`: for each clause what the method does."""
    found = []
    for does, *words in (clause.split() for clause in said.split(",")):
        flags = ("held", "checked", "bounded", "awaited", "sized")
        of = next((word for word in words if word not in flags and not word.startswith(("limit", "ask"))), "")
        ask, limit, kind = _number("ask", words), _number("limit", words), cast("Literal['wait', 'wake']", does)
        found.append(Signalling(kind, of, ask=ask, limit=limit, **{flag: flag in words for flag in flags}))
    return tuple(found)


def _number(name: str, words: list[str]) -> int:
    """`limit2`: the number of the argument that a clause speaks of; 0 where it speaks of none."""
    return next((int(word.removeprefix(name)) for word in words if word.startswith(name)), 0)


def view(lock: LockType, mode: Mode) -> LockType:
    """The lock as it is taken by another name, for reading or for writing."""
    takes, by_hand = Taking(mode), Taking(mode, hand=True, asks=lock.waits == "thread")
    enters = "__aenter__" if lock.waits == "task" else "__enter__"
    return replace(lock, methods={enters: takes, "acquire": by_hand, "release": Taking(mode, gives=True)})


def made_by_hand(kind: str, waits: Literal["thread", "task"], by_name: bool) -> LockType:
    """The lock that a class of the tree, `kind` in full, is by its name. Nobody knows whom it lets in again."""
    takes, by_hand = Taking("exclusive"), Taking("exclusive", hand=True, asks=waits == "thread")
    methods = {"__aenter__" if waits == "task" else "__enter__": takes, "acquire": by_hand}
    family = "semaphore" if kind.endswith("Semaphore") else "reentrant"
    methods["release"] = Taking("exclusive", gives=True)
    return LockType(kind, family, waits, False, methods, by_name=by_name, by_hand=True)


def read_write_by_hand(
    kind: str, waits: Literal["thread", "task"], methods: Mapping[str, Taking], again: bool
) -> LockType:
    """The same for one of readers and writers. `again`: it may let in who has it."""
    return LockType(kind, "reentrant" if again else "rwlock", waits, False, methods, by_hand=True)
