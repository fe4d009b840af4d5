"""Declarations of many files: from the cache where they are known, by many processes where that pays.

In: sources and the crates that they belong to.  Out: their `ir.Unit`s, in order; digests that say what changed.
Never: resolves a name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, cast

import msgspec
from msgspec import structs

from lockcheck import __version__, ir
from lockcheck.cache import Store
from lockcheck.executors import Executor, Here
from lockcheck.frontends import declare
from lockcheck.source import Crate, Source

T = TypeVar("T")

_DECODER = msgspec.msgpack.Decoder(ir.Unit)
_ENCODER = msgspec.msgpack.Encoder()

_WORTH = 3 << 20
"""So many bytes to be parsed take longer than the start of another process."""

_BATCH = 1 << 18
"""One task for another process: so many bytes, or one larger file. The last one should not keep the others waiting."""

_FEW, _LARGE = 20, 6 << 20
"""After a change of so few files little is worked out: declarations of fewer bytes than that are not worth sharing."""

_NONE = Store(on=False)
_HERE = Here()

Batch = tuple[str, Sequence["tuple[Source, Crate | None]"]]
"""A version of lockcheck, which has to be that of the worker, and what to declare."""


def declared(
    sources: Sequence[Source],
    homes: Mapping[str, Crate | None],
    store: Store = _NONE,
    executor: Executor = _HERE,
    contents: Mapping[str, bytes] | None = None,
) -> list[ir.Unit]:
    """What each source declares; `contents` are digests of their bytes by path, as far as they are known."""
    said = {home: repr(home) for home in set(homes.values())}
    digests = contents or {}
    keys = [store.key("unit", one.path, digests.get(one.path, one.data), said[homes[one.path]]) for one in sources]
    known = store.load(keys)
    missing = [number for number, key in enumerate(keys) if key not in known]
    batches = _batches(sources, missing) if sum(len(sources[n].data) for n in missing) >= _WORTH else [missing]
    work = [
        (__version__, [(sources[number], homes[sources[number].path]) for number in batch])
        for batch in batches
        if batch
    ]
    fresh: dict[bytes, bytes] = {}
    done = executor.map(declare_all, work) if len(work) > 1 else map(declare_all, work)
    for batch, encoded in zip((batch for batch in batches if batch), done, strict=True):
        fresh.update((keys[number], unit) for number, unit in zip(batch, encoded, strict=True))
    store.save(fresh)
    both = {**known, **fresh}
    made = (_decoded(both[key], source, homes) for key, source in zip(keys, sources, strict=True))
    if len(missing) <= _FEW and sum(map(len, known.values())) < _LARGE:
        return list(made)
    shared = Shared()
    return [shared.unit(unit) for unit in made]


def declare_all(batch: Batch) -> list[bytes]:
    """The encoded units of a batch: what another process or another machine is asked to do.

    Raises ValueError on a machine where lockcheck has another version.
    """
    version, sources = batch
    if version != __version__:
        raise ValueError(f"this is lockcheck {__version__}, not {version}")
    return [_ENCODER.encode(declare(source, crate)) for source, crate in sources]


def recalled(path: str, content: bytes, homes: Mapping[str, Crate | None], store: Store) -> ir.Unit | None:
    """What a file declared when `content` was the digest of its bytes; None where that is not known any more."""
    key = store.key("unit", path, content, repr(homes[path]))
    data = store.load([key]).get(key)
    try:
        return _DECODER.decode(data) if data is not None else None
    except (msgspec.DecodeError, RecursionError):
        return None


def _decoded(data: bytes, source: Source, homes: Mapping[str, Crate | None]) -> ir.Unit:
    try:
        return _DECODER.decode(data)
    except (msgspec.DecodeError, RecursionError):  # the cache was tampered with, or the types are nested too deep
        return declare(source, homes[source.path])


class Shared:
    """Values that many declarations have are kept once: that halves the memory of a large tree's."""

    def __init__(self) -> None:
        self._known: dict[Any, Any] = {}

    def _one(self, value: T) -> T:
        return cast("T", self._known.setdefault(value, value))

    def unit(self, unit: ir.Unit) -> ir.Unit:
        """The unit, its parts replaced by equal ones that others have."""
        one, put = self._one, structs.force_setattr
        for function in unit.functions:
            put(function, "module", one(function.module))
            put(function, "owner", one(function.owner))
            put(function, "trait", one(function.trait))
            put(function, "returns", one(function.returns))
            put(function, "bounds", one(function.bounds))
            put(function, "params", tuple(map(one, function.params)))
        for line in unit.imports:
            put(line, "module", one(line.module))
            put(line, "target", tuple(map(one, line.target)))
            put(line, "name", one(line.name))
        for decl in unit.types:
            put(decl, "module", one(decl.module))
            for part in decl.fields:
                put(part, "type", one(part.type))
        return unit


def _batches(sources: Sequence[Source], numbers: Sequence[int]) -> list[list[int]]:
    batches: list[list[int]] = [[]]
    size = 0
    for number in numbers:
        batches[-1].append(number)
        size += len(sources[number].data)
        if size >= _BATCH:
            batches.append([])
            size = 0
    return batches


# -------------------------------------------------------------------------------------------------------- digests


def signature(function: ir.Function) -> ir.Function:
    """All that a function declares: everything but places and its body, and what one word of the body says."""
    nowhere = (0, 0)
    return structs.replace(function, at=nowhere, name_at=nowhere, body_at=function.body_at and nowhere, by_hand=False)


def interface(unit: ir.Unit) -> bytes:
    """A digest of all that a unit declares: everything but places and bodies, and what one word of a body says."""
    return hashlib.blake2b(_ENCODER.encode(nowhere(unit)), digest_size=16).digest()


def nowhere(unit: ir.Unit) -> ir.Unit:
    """The same without places and bodies, and what one word of a body says."""
    at = (0, 0)
    types = [
        structs.replace(one, at=at, fields=tuple(structs.replace(field, at=at) for field in one.fields))
        for one in unit.types
    ]
    macros = [
        structs.replace(
            one,
            at=at,
            within=one.within and at,
            arms=tuple(structs.replace(arm, takes_at=0, gives_at=0) for arm in one.arms),
        )
        for one in unit.macros
    ]
    return structs.replace(
        unit,
        functions=tuple(map(signature, unit.functions)),
        types=tuple(types),
        macros=tuple(macros),
        statics=tuple(structs.replace(one, at=at) for one in unit.statics),
        problems=(),
    )
