"""How the data of a language is read: what stands at `table.key`, and the tables whose entries say more than one thing.

In: the data as it was parsed.  Out: the values of `Effects`.
Never: a name of a library; a table that the data lacks is empty.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import field
from typing import Any, TypeAlias

from msgspec.structs import replace

from lockcheck import ir
from lockcheck.effects.kinds import Acting, LockType, Mode, Signalling, Taking, signalling, taking, view

Data: TypeAlias = Mapping[str, Any]
"""A language's data file, parsed."""


def at(data: Data, way: str, nothing: Any) -> Any:
    """What stands at `table.key`, or at `table`; `nothing` where the data has none."""
    for part in way.split("."):
        data = data.get(part, {})
    return data or nothing


def names(*ways: str) -> Any:
    """A field of names: those that stand at any of some places."""
    return read(lambda data: frozenset(name for way in ways for name in at(data, way, ())))


def table(way: str) -> Any:
    """A field of what stands there by name, as it is."""
    return read(lambda data: at(data, way, {}))


def sets(way: str) -> Any:
    """A field of sets of names, by name."""
    return read(lambda data: {key: frozenset(said) for key, said in at(data, way, {}).items()})


def word(way: str) -> Any:
    """A field of one word."""
    return read(lambda data: at(data, way, ""))


def pattern(way: str) -> Any:
    """A field of a regular expression, to be searched; one that finds nothing where the data has none."""
    return read(lambda data: re.compile(at(data, way, "(?!)")))


def flag(way: str) -> Any:
    """A field that is true or not."""
    return read(lambda data: at(data, way, False))


def read(how: Callable[[Data], Any]) -> Any:
    """A field that a function reads."""
    return field(metadata={"read": how})


def _type(said: str) -> ir.Type:
    """`Option<[tuple]<0,1>>` as a type."""
    head, bracket, rest = said.partition("<")
    if not bracket:
        return ir.Type((said.strip(),))
    parts, depth, part = [], 0, ""
    for sign in rest[:-1]:
        if sign == "," and not depth:
            parts.append(part)
            part = ""
            continue
        depth += (sign == "<") - (sign == ">")
        part += sign
    return ir.Type((head.strip(),), tuple(_type(p) for p in [*parts, part]))


def familiar(data: Data) -> frozenset[str]:
    """See `Effects.familiar`."""
    return frozenset(_familiar(data)).difference(at(data, "known.kept", ()))


def _familiar(data: Data) -> Iterator[str]:
    ways = "known.common known.runs same.methods same.carries drops.keeps drops.alternatives guard-calls.consumes"
    for way in (*ways.split(), "here.functions", "threads.scoped"):
        yield from at(data, way, ())
    for methods in at(data, "flow", {}).values():
        yield from methods


def locks(
    data: Data, options: Collection[str]
) -> tuple[dict[tuple[str, str], LockType], dict[ir.Path, LockType], dict[str, LockType]]:
    """The locks by crate and name, those of a language of objects by their full names too, and by name alone.

    `options` switch on those that are optional.
    """
    by_crate: dict[tuple[str, str], LockType] = {}
    in_full: dict[ir.Path, LockType] = {}
    by_name: dict[str, LockType] = {}
    objects = data["language"]["objects"]
    for entry in data["lock"]:
        for parts, lock in _locks(data, entry) if entry.get("optional", "") in ("", *options) else ():
            by_crate.setdefault((parts[0], parts[-1]), lock)
            if objects:
                in_full[parts] = lock
            elif lock.family in ("mutex", "rwlock", "map"):
                for name in (parts[-1], *entry.get("called", ())):
                    known = by_name[name].methods if name in by_name else {}
                    by_name[name] = LockType(name, lock.family, "thread", False, {**lock.methods, **known})
    return by_crate, in_full, by_name


def _locks(data: Data, entry: Data) -> Iterator[tuple[ir.Path, LockType]]:
    """The locks of one entry, each with its full path."""
    methods = {name: taking(said) for name, said in entry["methods"].items()}
    more = {key.replace("-", "_"): entry.get(key, False) for key in ("shares", "by-name", "tells", "counts")}
    for kind in entry["types"]:
        content = entry.get("content", {}).get(kind, -1)
        lock = LockType(
            kind, entry["family"], entry["waits"], entry.get("wraps", False), methods, **more, content=content
        )
        views = {name: view(lock, mode) for name, mode in entry.get("views", {}).items()}
        yield _path(data, kind), replace(lock, views=views)


def _path(data: Data, said: str) -> ir.Path:
    return tuple(said.split(data["language"]["separator"]))


def guards(data: Data) -> Mapping[str, Mode]:
    """Types of guards, and how each has its lock."""
    modes: tuple[Mode, ...] = ("read", "write", "upgradable")
    known: dict[str, Mode] = dict.fromkeys(at(data, "guards.types", ()), "exclusive")
    return known | {name: mode for mode in modes for name in at(data, f"guards.{mode}", ())}


def guards_in_full(data: Data) -> Mapping[ir.Path, tuple[Taking, LockType]]:
    """See `Effects.guards_in_full`."""
    listed = ((next(_locks(data, one))[1], one["guards"]) for one in data["lock"] if "guards" in one)
    return {_path(data, kind): (taking(how), lock) for lock, given in listed for kind, how in given.items()}


def signals(data: Data) -> Mapping[tuple[str, str], Mapping[str, tuple[Signalling, ...]]]:
    """By crate and name of a type: what its methods wait for and give."""
    listed = ((_path(data, kind), one["methods"]) for one in data["signal"] for kind in one["types"])
    return {(path[0], path[-1]): {name: signalling(said) for name, said in how.items()} for path, how in listed}


def flow(data: Data) -> Mapping[str, Mapping[str, ir.Type]]:
    """By the name of a type: what its methods give."""
    return {kind: _types(how) for kind, how in at(data, "flow", {}).items()}


def by_type(data: Data) -> Mapping[str, ir.Type]:
    """See `Effects.by_type`."""
    return _types(at(data, "by-type", {}))


def _types(how: Mapping[str, str]) -> Mapping[str, ir.Type]:
    """The types that names are told to give."""
    return {name: _type(said) for name, said in how.items()}


def makes(data: Data) -> Mapping[str, ir.Type]:
    """See `Effects.makes`."""
    return {name: ir.Type(_path(data, kind)) for name, kind in at(data, "makes", {}).items()}


def channels(data: Data) -> Mapping[str, ir.Type]:
    """By the name of a function: the pair of ends that it makes."""
    listed = at(data, "threads.channels", {}).items()
    return {name: ir.Type(("[tuple]",), tuple(ir.Type(_path(data, end)) for end in ends)) for name, ends in listed}


def operators(data: Data) -> Mapping[str, tuple[str, ...]]:
    """See `Effects.operators`."""
    return {name: tuple(others) for name, others in at(data, "operators.methods", {}).items()}


def blocks_names(data: Data) -> Mapping[str, str]:
    """By the name of a function alone: why it waits."""
    return dict.fromkeys(at(data, "blocks-functions.names", ()), at(data, "blocks-functions.why", ""))


def listeners(data: Data) -> Mapping[ir.Path, tuple[str, frozenset[str]]]:
    """See `Effects.listeners`."""
    listed = at(data, "listeners", {}).items()
    return {_path(data, kind): (act, frozenset(methods)) for kind, (act, *methods) in listed}


def acts(data: Data) -> Mapping[str, Acting]:
    """By the name of a method: what it does."""
    return {
        name: Acting(
            one["what"],
            frozenset(one["types"]),
            name in one.get("telling", ()),
            frozenset(one.get("variables", ())),
            frozenset(one.get("heeds", ())),
        )
        for one in data.get("act", ())
        for name in one["methods"]
    }


def named(data: Data) -> Mapping[str, Taking]:
    """By the name of a method alone: how it takes what is a lock by that."""
    return {name: taking(said) for name, said in at(data, "named", {}).items()}


def hooks(data: Data) -> Mapping[str, tuple[str, int, bool]]:
    """See `Effects.hooks`; said as `when number` or `when number rest`."""
    listed = ((name, said.split()) for name, said in at(data, "hooks", {}).items())
    return {name: (when, int(number), rest == ["rest"]) for name, (when, number, *rest) in listed}


def threads_when(data: Data) -> Mapping[str, str]:
    """See `Effects.threads_when`."""
    return dict.fromkeys(at(data, "threads.later", ()), "later")


def sharing(data: Data) -> Mapping[str, re.Pattern[str]]:
    """See `Effects.named_to_share`."""
    ways = (f"{mode}-{does}" for mode in ("shared", "alone") for does in ("takes", "gives", "opens"))
    return {way: re.compile(said) for way in ways if (said := at(data, f"names.{way}", ""))}
