"""What is had all around a function: the locks that its callers hold, and the one object that it is given.

In: edges of the lock order.  Out: whether two who are at work have one thing then, which one of them has for himself.
Never: words for people, syntax, which edges make a cycle.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from lockcheck import ir
from lockcheck.analysis import Analysis, Moment
from lockcheck.analysis.hands import is_mark
from lockcheck.analysis.summaries import is_parameter
from lockcheck.analysis.ways import Taken
from lockcheck.effects import Effects
from lockcheck.effects.shapes import OPTION, RESULT
from lockcheck.linker.types import Types
from lockcheck.linker.written import REF
from lockcheck.questions.conflict import ALONE
from lockcheck.questions.edges import Edge

_DEEPEST = 4
"""Callers of callers are asked so often what they have."""

_MOST = 20
"""Where more functions than this speak of one, its callers are not looked for."""


Had = Mapping[str, bool]
"""Locks by owner, and objects by type: whether somebody has each for himself, or only like others."""


def excluded(analysis: Analysis, edges: Iterable[Edge]) -> bool:
    """Whether two who are at work would have one thing, that one of them has for himself: they take turns then."""
    found: list[Had] = []
    for edge in edges:
        mine = _around(analysis, edge)
        if any(mine[name] or other[name] for other in found for name in mine.keys() & other.keys()):
            return True
        found += [mine] if mine else []
    return False


def _around(analysis: Analysis, edge: Edge) -> Had:
    """What is had where an edge is, beside the locks that its own function holds."""
    if edge.given or edge.within >= 0:
        return {}
    return {**_had(analysis, edge.moment, 0), **dict(_behind_guards(analysis, edge.moment))}


class _Known:
    """What was found out so far: what is had around a function, as far as its callers were asked when it was wanted
    first, and which types have one value that is in a lock.
    """

    def __init__(self, _: Analysis) -> None:
        self.had: dict[int, Had] = {}
        self.kept: dict[ir.Path, bool] = {}


def _had(analysis: Analysis, moment: Moment, depth: int) -> Had:
    """What is had around a function, at a moment in it; nothing in what may run when it has ended, or beside it."""
    number, known = moment.function, analysis.once(_Known).had
    linked, at = analysis.linked(number), analysis.site(moment).at
    if linked is None or linked.threads or any(ir.within(at, body.at) for body in linked.elsewhere):
        return {}
    if number not in known:
        found = dict(_given(analysis, number))
        if depth < _DEEPEST and (not found or analysis.program.functions[number][1].inner):
            known[number] = found  # (who calls itself has what the others have)
            found = {**_by_all(analysis, number, depth), **found}
        known[number] = found
    return known[number]


def _by_all(analysis: Analysis, number: int, depth: int) -> Had:
    """What all who call a function have then."""
    common: Had | None = None
    for one in _calls(analysis, number):
        if one is None or common == {}:
            return {}
        mine = {**_had(analysis, one, depth + 1), **_held(analysis, number, one), **dict(_behind_guards(analysis, one))}
        if analysis.program.functions[one.function][1].name == analysis.effects(one.function).begins:
            mine.update(_makes(analysis, number))
        common = mine if common is None else {name: common[name] and mine[name] for name in common.keys() & mine.keys()}
    return common or {}


def _held(analysis: Analysis, number: int, call: Moment) -> Had:
    """The locks that are held at a call: only of a function that none but its own module can call we know all calls."""
    if not analysis.program.functions[number][1].inner:
        return {}
    held = _surely_held(call)
    return {one.lock.owner: one.mode in ALONE for one in held if one.lock.owner}


def _behind_guards(analysis: Analysis, moment: Moment) -> Iterator[tuple[str, bool]]:
    """The objects, each the only one of its type, in locks that are held at a moment."""
    types, number = analysis.program.types, moment.function
    params, effects = analysis.program.functions[number][1].params, analysis.effects(number)
    for taken in _surely_held(moment):
        root = taken.lock.place.root
        if isinstance(root, int) and root < len(params):
            kind = types.resolve(params[root].type, types.context(number), effects)
            for part in taken.lock.place.way:
                kind = types.field(kind, part, effects)[0] if part not in ("*", "&") else kind
            locks = (one for one in types.behind(kind, effects) if one.args and _is_lock(types, one, effects))
            inner = (one.args[-1] for one in locks)
            yield from (("::".join(one.path), taken.mode in ALONE) for one in inner if _is_only(analysis, one))


def _surely_held(moment: Moment) -> Iterator[Taken]:
    return (hold.taken for hold, sure in moment.held() if sure and not is_mark(hold) and not is_parameter(hold.taken))


def _calls(analysis: Analysis, number: int) -> Iterator[Moment | None]:
    """All calls of a function that are not its own; None where some may not be seen."""
    name = analysis.program.functions[number][1].name
    for one in sorted(_speaking(analysis, number)):
        if one != number and not analysis.of_tests(one):
            calls = [moment for moment in analysis.moments(one) if _is_call(moment.event, number)]
            if not calls and name in names_spoken(analysis, one):
                yield None
            yield from calls


def _is_call(event: ir.Step, number: int) -> bool:
    return isinstance(event, ir.Invoke) and number in event.targets


def _speaking(analysis: Analysis, number: int) -> frozenset[int]:
    """The functions in whose text a function's name stands; none where others may call it, or too many seem to.

    One that is no method is called by its type's name, or by its own type's functions.
    """
    function = analysis.program.functions[number][1]
    of_type = function.owner is not None and not function.takes_self
    named = analysis.naming(function.owner.path[-1] if of_type and function.owner is not None else function.name)
    if named is not None and of_type:
        named |= frozenset(one for one in analysis.program.siblings(number) if _is_of(analysis, one, function))
    return named if named is not None and len(named) <= _MOST else frozenset()


def _is_of(analysis: Analysis, number: int, function: ir.Function) -> bool:
    return analysis.program.functions[number][1].owner == function.owner


def names_spoken(analysis: Analysis, number: int) -> frozenset[str]:
    """The last names of the paths that a function speaks of, otherwise than to call: others may later."""
    return analysis.once_of(number, _names_spoken)


def _names_spoken(analysis: Analysis, number: int) -> frozenset[str]:
    body = analysis.program.body(number)
    places = (place for step in ir.steps_of(body.root) for place in ir.used_by(step)) if body is not None else ()
    return frozenset(place.root[-1] for place in places if isinstance(place.root, tuple))


def _makes(analysis: Analysis, number: int) -> Iterator[tuple[str, bool]]:
    """The object, the only one of its type, that a function makes: where the program begins nobody else has it yet."""
    types = analysis.program.types
    made = types.resolve(analysis.program.functions[number][1].returns, types.context(number), types.effects(number))
    inner = made.args[0] if made is not None and made.path[-1] in (OPTION, RESULT) and made.args else made
    if _is_only(analysis, inner) and inner is not None:
        yield "::".join(inner.path), True


def _given(analysis: Analysis, number: int) -> Iterator[tuple[str, bool]]:
    """The objects that a function is given, each the only one of its type; who may change one has it for himself."""
    types = analysis.program.types
    context, effects = types.context(number), types.effects(number)
    for param in analysis.program.functions[number][1].params if not effects.objects else ():
        kind = types.resolve(param.type, context, effects)
        kind = kind.args[0] if kind is not None and kind.path == REF and kind.args else kind
        if _is_only(analysis, kind) and kind is not None:
            yield "::".join(kind.path), param.alone


def _is_only(analysis: Analysis, kind: ir.Type | None) -> bool:
    """Whether the program seems to have one value of a type, which it keeps in a lock: no copies, no lists of them."""
    decl = analysis.program.names.types.get(kind.path) if kind is not None else None
    if decl is None or kind is None or decl.copied or not analysis.program.is_single(f"{'::'.join(kind.path)}."):
        return False
    known = analysis.once(_Known).kept
    if kind.path not in known:
        named = analysis.naming(kind.path[-1]) or frozenset()
        known[kind.path] = any(_takes_lock_of(analysis, one, kind.path) for one in sorted(named))
    return known[kind.path]


def _takes_lock_of(analysis: Analysis, number: int, path: ir.Path) -> bool:
    """Whether a function is given a lock that keeps a value of a type."""
    types, effects = analysis.program.types, analysis.effects(number)
    params = analysis.program.functions[number][1].params
    kinds = [types.resolve(param.type, types.context(number), effects) for param in params]
    while kinds:
        kind = kinds.pop()
        if kind is not None and kind.args:
            if kind.args[-1].path == path and _is_lock(types, kind, effects):
                return True
            kinds += kind.args
    return False


def _is_lock(types: Types, kind: ir.Type, effects: Effects) -> bool:
    lock = types.lock_type(kind, effects)
    return lock is not None and lock.family in ("mutex", "rwlock")
