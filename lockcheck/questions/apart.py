"""Whether the locks of two edges, though of one owner, are those of two objects.

In: `Edge`s.  Out: the objects that their locks are in, and what the types of these were made with.
Never: words for people, syntax.
"""

from __future__ import annotations

from collections.abc import Sequence

from lockcheck import ir
from lockcheck.analysis import Analysis
from lockcheck.linker import parts_of_owner
from lockcheck.linker.written import UNKNOWN, mentions
from lockcheck.questions.edges import Edge


def objects(analysis: Analysis, edge: Edge) -> tuple[ir.Path, ir.Path]:
    """The fields in which the objects stand whose locks are held and wanted, each by its full name.

    Empty where nobody knows, and where the lock is the own one of the object whose method it is.
    """
    number = edge.moment.function
    owner, function = analysis.program.types.context(number).owner, analysis.program.functions[number][1]

    def of(place: ir.Place) -> ir.Path:
        way = tuple(part for part in place.way[:-1] if part not in ("*", "&"))
        known = owner is not None and function.takes_self and place.root == 0 and all(p.isidentifier() for p in way)
        return (*owner.path, *way) if known and owner is not None and way else ()

    return of(edge.hold.taken.lock.place), of(edge.reach.lock.place)


def are_apart(analysis: Analysis, edges: Sequence[Edge]) -> bool:
    """Whether one waits for a lock of an object, and the next holds that of another, which stands beside it.

    What stands in two fields of one object are two, and so are their locks; of a generic type those of other arguments.
    """
    them = [objects(analysis, edge) for edge in edges]
    pairs = ((a[1], b[0]) for a, b in zip(them, them[1:] + them[:1], strict=True))
    if any(one != other and one[:-1] == other[:-1] for one, other in pairs if one and other):
        return True
    made_with = [arguments(analysis, edge) for edge in edges]
    known = [edge.known for edge in edges]
    following = zip(made_with, made_with[1:] + made_with[:1], known, known[1:] + known[:1], strict=True)
    return any(a[1] and b[0] and a[1] != b[0] for a, b, one, other in following if one[1] == other[0])


def arguments(analysis: Analysis, edge: Edge) -> tuple[tuple[ir.Type, ...], tuple[ir.Type, ...]]:
    """What the types of the objects were made with whose locks are held and wanted; empty where not told."""
    number = edge.moment.function
    return _made_with(analysis, number, edge.hold.taken.lock), _made_with(analysis, number, edge.reach.lock)


def _made_with(analysis: Analysis, number: int, lock: ir.Lock) -> tuple[ir.Type, ...]:
    """The arguments of the type that declares a lock's field, of an object that a parameter of a function leads to."""
    types, (path, _), root = analysis.program.types, parts_of_owner(lock.owner), lock.place.root
    decl, params = types.names.types.get(path), analysis.program.functions[number][1].params
    if decl is None or not decl.generics or not isinstance(root, int) or root >= len(params):
        return ()
    effects, context = types.effects(number), types.context(number)
    kind = types.resolve(params[root].type, context, effects)
    for part in lock.place.way[:-1]:
        kind = types.field(kind, part, effects)[0] if part not in ("*", "&") else kind
    args = next((outer.args for outer in types.behind(kind, effects) if outer.path == path), ())
    told = args and not any(mentions(one, (*context.generics, "_")) or one == UNKNOWN for one in args)
    return args if told else ()
