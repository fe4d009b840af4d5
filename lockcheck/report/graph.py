"""The lock-order graph as a drawing for Graphviz and Mermaid, and for programs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping

from msgspec import Struct, to_builtins

from lockcheck.report.text import safe

SCHEMA = 1

MOST = 3
"""A drawn edge is labelled with at most so many places."""


class EdgePlace(Struct, frozen=True, order=True):
    """Where a lock is asked for under another one, which was taken at `held_line` of the same file."""

    path: str
    line: int
    column: int
    function: str
    held_line: int
    held_mode: str
    wanted_mode: str
    certain: bool


class OrderEdge(Struct, frozen=True):
    """`wanted` is waited for under `held`, both in full; `in_cycle`: on a cycle that can hang."""

    held: str
    wanted: str
    in_cycle: bool
    places: tuple[EdgePlace, ...]


class Box(Struct, frozen=True):
    """Cycles that have locks in common: all their locks, and each cycle's locks in order."""

    locks: tuple[str, ...]
    cycles: tuple[tuple[str, ...], ...]


class OrderGraph(Struct, frozen=True):
    """The graph: `locks` pairs each lock in full with its name for people; no lock is in two boxes."""

    locks: tuple[tuple[str, str], ...]
    edges: tuple[OrderEdge, ...]
    boxes: tuple[Box, ...]


def render(form: str, graph: OrderGraph) -> str:
    """The graph as `dot`, `mermaid` or `json`. Raises KeyError for any other form."""
    return _FORMS[form](graph)


def document(graph: OrderGraph) -> str:
    """One JSON document; lines and columns count from 1."""
    found = {
        "schema": SCHEMA,
        "locks": [{"owner": owner, "name": name} for owner, name in graph.locks],
        "edges": [to_builtins(edge) for edge in graph.edges],
        "boxes": [to_builtins(box) for box in graph.boxes],
    }
    return json.dumps(found, ensure_ascii=False, indent=2) + "\n"


def dot(graph: OrderGraph) -> str:
    """The graph for Graphviz; a box is a cluster."""
    return "".join(f"{line}\n" for line in _dot(graph))


def mermaid(graph: OrderGraph) -> str:
    """The graph for Mermaid; a box is a subgraph."""
    return "".join(f"{line}\n" for line in _mermaid(graph))


_FORMS: Mapping[str, Callable[[OrderGraph], str]] = {"dot": dot, "mermaid": mermaid, "json": document}

FORMS = tuple(_FORMS)
"""The names of all forms, the default first."""


def _dot(graph: OrderGraph) -> Iterator[str]:
    numbers = _numbers(graph)
    yield 'digraph "lock order" {'
    yield "  rankdir=LR;"
    yield "  node [shape=box];"
    for number, box in enumerate(graph.boxes):
        yield f"  subgraph cluster_{number} {{"
        yield f'    label="{_quoted(_title(graph, box))}";'
        yield "    color=red;"
        yield from (f'    {numbers[lock]} [label="{_quoted(_name(graph, lock))}"];' for lock in box.locks)
        yield "  }"
    yield from (f'  {numbers[lock]} [label="{_quoted(_name(graph, lock))}"];' for lock in _unboxed(graph))
    for edge in graph.edges:
        label = r"\n".join(map(_quoted, _label(edge)))
        color = ", color=red" if edge.in_cycle else ""
        yield f'  {numbers[edge.held]} -> {numbers[edge.wanted]} [label="{label}"{color}];'
    yield "}"


def _mermaid(graph: OrderGraph) -> Iterator[str]:
    numbers = _numbers(graph)
    yield "flowchart LR"
    for number, box in enumerate(graph.boxes):
        yield f'  subgraph box{number}["{_entities(_title(graph, box))}"]'
        yield from (f'    {numbers[lock]}["{_entities(_name(graph, lock))}"]' for lock in box.locks)
        yield "  end"
    yield from (f'  {numbers[lock]}["{_entities(_name(graph, lock))}"]' for lock in _unboxed(graph))
    for edge in graph.edges:
        label = "<br/>".join(map(_entities, _label(edge)))
        yield f'  {numbers[edge.held]} -->|"{label}"| {numbers[edge.wanted]}'
    red = [str(number) for number, edge in enumerate(graph.edges) if edge.in_cycle]
    if red:
        yield f"  linkStyle {','.join(red)} stroke:red"


def _numbers(graph: OrderGraph) -> dict[str, str]:
    return {owner: f"n{number}" for number, (owner, _) in enumerate(graph.locks)}


def _name(graph: OrderGraph, lock: str) -> str:
    return next(name for owner, name in graph.locks if owner == lock)


def _unboxed(graph: OrderGraph) -> Iterator[str]:
    boxed = {lock for box in graph.boxes for lock in box.locks}
    return (owner for owner, _ in graph.locks if owner not in boxed)


def _title(graph: OrderGraph, box: Box) -> str:
    if len(box.cycles) > 1:
        return f"{len(box.cycles)} cycles"
    names = [_name(graph, lock) for lock in box.cycles[0]]
    return "cycle: " + " -> ".join([*names, names[0]])


def _label(edge: OrderEdge) -> list[str]:
    """The places of an edge, each once, for people."""
    places = list(dict.fromkeys(f"{one.path}:{one.line}" for one in edge.places))
    more = [f"and {len(places) - MOST} more"] if len(places) > MOST else []
    return [*places[:MOST], *more]


def _quoted(text: str) -> str:
    """The text inside a quoted string of Graphviz."""
    return safe(text).replace("\\", "\\\\").replace('"', '\\"')


def _entities(text: str) -> str:
    """The text inside a quoted string of Mermaid: whatever could end or mark it up as a numbered entity."""
    return "".join(f"#{ord(one)};" if one in '#"&<>`\\' else one for one in safe(text))
