"""Which owners of locks are one, by where their locks come from.

In: `Shared`, whose lock is that of which source.  Out: one name for all owners of a lock, and how it came to two.
Never: which owners are waited for.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Mapping

from lockcheck.linker import Shared


def named_once(shared: Iterable[Shared]) -> Mapping[str, str]:
    """The first name of each owner whose lock is that of others: it comes from the same places as theirs."""
    first: dict[frozenset[str], str] = {}
    ways = _sources(shared)
    owners = {owner: frozenset(_origins(ways, owner)) for owner in sorted(ways.keys() | _all(ways))}
    for owner, origins in owners.items():
        first.setdefault(origins, owner)
    return {owner: first[origins] for owner, origins in owners.items()}


def _sources(shared: Iterable[Shared]) -> Mapping[str, Mapping[str, Shared]]:
    """For each owner from where its lock is, and who makes it so."""
    found: dict[str, dict[str, Shared]] = defaultdict(dict)
    for one in shared:
        found[one.owner].setdefault(one.source, one)
    return found


def _all(ways: Mapping[str, Mapping[str, Shared]]) -> Collection[str]:
    return {source for some in ways.values() for source in some if not source.startswith("#")}


def _origins(ways: Mapping[str, Mapping[str, Shared]], owner: str) -> Mapping[str, tuple[Shared, ...]]:
    """Where an owner's lock is from in the end, each with the way from there to it."""
    reached: dict[str, tuple[Shared, ...]] = {owner: ()}
    waiting = deque([owner])
    while waiting:
        node = waiting.popleft()
        for source, one in ways.get(node, {}).items():
            if source not in reached:
                reached[source] = (*reached[node], one)
                waiting.append(source)
    ends = {source: way for source, way in reached.items() if source not in ways}
    return ends or {min(reached): reached[min(reached)]}


def told(shared: Iterable[Shared], held: str, wanted: str) -> list[Shared]:
    """By what two different owners are one lock: how it comes from one place to both."""
    ways = _sources(shared)
    to_held, to_wanted = _origins(ways, held), _origins(ways, wanted)
    common = sorted(to_held.keys() & to_wanted.keys())
    return [*to_held[common[0]], *to_wanted[common[0]]] if common else []
