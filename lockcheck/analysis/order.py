"""Orders over graphs: which functions must be known before which.

In: a node and its successors.  Out: strongly connected components, callees first; the nodes of one, so far
as one comes before another at all.
Never: locks.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import TypeVar

N = TypeVar("N")


def components(start: N, successors: Callable[[N], Iterable[N]]) -> Iterator[tuple[N, ...]]:
    """The strongly connected components that can be reached from `start`, successors before predecessors.

    Tarjan's algorithm (SIAM J. Comput. 1, 1972) without recursion, so that depth costs memory only.
    """
    index: dict[N, int] = {}
    low: dict[N, int] = {}
    stack: list[N] = []
    on_stack: set[N] = set()
    work: list[tuple[N, Iterator[N]]] = []

    def enter(node: N) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        on_stack.add(node)
        work.append((node, iter(successors(node))))

    enter(start)
    while work:
        node, rest = work[-1]
        following = next(rest, None)
        if following is not None:
            if following not in index:
                enter(following)
            elif following in on_stack:
                low[node] = min(low[node], index[following])
            continue
        work.pop()
        if work:
            low[work[-1][0]] = min(low[work[-1][0]], low[node])
        if low[node] == index[node]:
            cut = len(stack) - 1
            while stack[cut] != node:
                cut -= 1
            group = tuple(stack[cut:])
            del stack[cut:]
            on_stack.difference_update(group)
            yield group


def callees_first(group: Collection[N], first: N, successors: Callable[[N], Iterable[N]]) -> list[N]:
    """The nodes of a strongly connected component, each behind its successors but for those by which a circle closes.

    What is handed on along the edges so comes round every circle in two rounds, however long it is.
    """
    found, seen, work = list[N](), {first}, [(first, iter(successors(first)))]
    while work:
        following = next((one for one in work[-1][1] if one in group and one not in seen), None)
        if following is None:
            found.append(work.pop()[0])
        else:
            seen.add(following)
            work.append((following, iter(successors(following))))
    return found
