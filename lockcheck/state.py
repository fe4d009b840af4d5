"""All that is kept of a run for the next one.

In: what came of functions and rules, what was read for it.  Out: `State`; the same where functions have other numbers.
Never: judges whether any of it still holds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain

import msgspec
from msgspec.structs import replace

from lockcheck import ir
from lockcheck.analysis import Consulted
from lockcheck.analysis.walked import renumbered_in
from lockcheck.finding import Finding, Problem
from lockcheck.linker import Reading, Shared
from lockcheck.recall import Entry

NOTHING_ASKED = Consulted((), ())

_VARIABLE = re.compile(r"(?<=#)\d+(?=\.)")
"""The number of the function whose variable a lock is, in the lock's name."""


class Outcome(msgspec.Struct, frozen=True, array_like=True):
    """What came of one function.

    `lends`: see `Analysis.lends`; `hangs`: it waits for a lock that it holds; `waits`: it waits under a lock for what
    others must give, who may be anywhere in the tree where it is `far`. `edges` are pairs of lock owners, held and
    wanted; `written` are the locks that it takes for writing. `topics` are the numbers of those that it has an event
    of, `reads` the functions that rules and analysis looked at for it.
    """

    function: int
    findings: tuple[Finding, ...]
    lends: bool
    hangs: bool
    waits: bool
    far: bool
    edges: tuple[tuple[str, str], ...]
    written: tuple[str | ir.Place, ...]
    topics: tuple[int, ...]
    reads: Consulted


class Together(msgspec.Struct, frozen=True, array_like=True):
    """What a rule said that sees functions together, `given` what (a digest), having looked at which functions.

    `names` are those by which it looked for functions: whoever says one has a say.
    """

    given: bytes
    findings: tuple[Finding, ...]
    reads: Consulted
    names: tuple[str, ...]


class State(msgspec.Struct, frozen=True, array_like=True):
    """A whole run: what each file held, what came of each function and of each rule that sees them together (None where
    that cannot be told again), what went wrong.

    `reads` has for each function that was linked, or walked, what was read for that; `told` has for those that were
    asked for it the owners of locks that are one, as far as they make it so. `openers`: see `Frontier`; where they are
    others, everything is looked through, and what came of functions still holds. `results` and `summaries` are notes of
    what calls of functions mean (see `Analysis.share`): who calls one need not have it linked again.
    """

    entries: tuple[Entry, ...]
    outcomes: tuple[Outcome, ...]
    together: tuple[Together | None, ...]
    reads: dict[int, Reading]
    told: dict[int, tuple[Shared, ...]]
    problems: tuple[Problem, ...]
    openers: str
    results: Mapping[int, bytes]
    summaries: tuple[tuple[tuple[int, ...], bytes], ...]


NOTHING = State((), (), (), {}, {}, (), "", {}, ())


def looked_at(state: State) -> Iterator[int]:
    """The functions that a run came to, and the numbers of sets of them (below 0), some more than once.

    Whom a function may only call (`Reading.named`) nobody came to for that.
    """
    asked = [one.reads for one in (*state.outcomes, *state.together) if one is not None]
    yield from (one.function for one in state.outcomes)
    yield from (number for one in asked for number in (*one.steps, *one.summaries))
    yield from (number for reading in state.reads.values() for number in reading.read)
    yield from chain(state.reads, state.told, state.results, *(some for some, _ in state.summaries))


def gathered(notes: Mapping[int, bytes]) -> tuple[tuple[tuple[int, ...], bytes], ...]:
    """Each note once, with the functions that it speaks of."""
    found: dict[bytes, list[int]] = {}
    for number, said in sorted(notes.items()):
        found.setdefault(said, []).append(number)
    return tuple((tuple(some), said) for said, some in found.items())


def by_name(said: str, name: Callable[[int], str]) -> str:
    """A text in which locks that are variables go by the names of their functions, not the numbers."""
    return _VARIABLE.sub(lambda found: name(int(found[0])), said)


def renumbered(state: State, numbers: Sequence[int]) -> State:
    """The same of a tree in which functions have other numbers, below 0 those that it has no longer."""

    def now(number: int) -> int:
        return numbers[number] if number >= 0 else number

    def some(them: Sequence[int]) -> tuple[int, ...]:
        return tuple(map(now, them))

    def named(name: str) -> str:
        return _VARIABLE.sub(lambda found: str(now(int(found[0]))), name) if "#" in name else name

    def asked(reads: Consulted) -> Consulted:
        return Consulted(some(reads.steps), some(reads.summaries))

    def outcome(one: Outcome) -> Outcome:
        edges = tuple(sorted((named(held), named(wanted)) for held, wanted in one.edges))
        return replace(one, function=now(one.function), edges=edges, reads=asked(one.reads))

    def shared(one: Shared) -> Shared:
        return one._replace(owner=named(one.owner), source=named(one.source), function=now(one.function))

    def reading(one: Reading) -> Reading:
        return Reading(some(one.steps), some(one.results), some(one.calls), some(one.named))

    return replace(
        state,
        outcomes=tuple(outcome(one) for one in state.outcomes if now(one.function) >= 0),
        together=tuple(one and replace(one, reads=asked(one.reads)) for one in state.together),
        reads={now(n): reading(one) for n, one in state.reads.items() if now(n) >= 0},
        told={now(n): tuple(map(shared, them)) for n, them in state.told.items() if now(n) >= 0},
        results={now(n): said for n, said in state.results.items() if now(n) >= 0},
        summaries=tuple((some(them), renumbered_in(said, now)) for them, said in state.summaries),
    )
