"""What it means for an earlier run that files declare other functions, or import other names, than they did.

In: a `Tree`, what its changed files declared before.  Out: `Redeclared`: the number that each function has now, and
the functions that may see the difference.
Never: looks into a function beyond the words of its text; opens a file.

A name means another thing only where it is written. So of a function that is new or gone those may know whose text has
its name, or a name under which something hands it on; of an import, those whose text has it within that module. Whoever
asked which functions a module or a type has at all, or whether there is one value of a type only, is noted with what he
read (`linker.number_of_all`). What else changes in declarations (macros, imports of everything, types that others are
made of) may be seen from anywhere, and so may functions that run without being named: nothing is said of those.

In a language of objects anything may be called by another name, which its callers' texts do not say. There only
functions are told apart whose names stand nowhere in the tree but in texts that are other than before themselves.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from itertools import chain

import msgspec
from msgspec.structs import replace

from lockcheck import ir
from lockcheck.effects import Effects
from lockcheck.linker import SINGLE, number_of_all
from lockcheck.linker.types import Context
from lockcheck.linker.written import mentions
from lockcheck.recall import Entry, digest_of, first_of_each
from lockcheck.tree import Tree
from lockcheck.units import interface, nowhere, signature
from lockcheck.wording import Wording, pattern

_GONE = -(1 << 60)
"""A function that is gone goes by a number below that."""

_ENCODER = msgspec.msgpack.Encoder()

_MANY = 2
"""Where so many other types implement a trait, one more or less changes nothing: see `Types`."""
Named = Mapping[tuple[ir.Path, str], Sequence[object]]
"""What names are declared or imported as, by module and name."""


class Redeclared(msgspec.Struct, frozen=True):
    """`numbers` are those of the earlier run's functions as they are now, below 0 where they are gone.

    `seeing` are the functions that may see what is other, and the numbers of sets (see `linker.number_of_all`). Among
    them are those that are new, that are gone, and that have another text.
    """

    numbers: tuple[int, ...]
    seeing: frozenset[int]


def redeclared(tree: Tree, entries: Sequence[Entry], before: Mapping[int, ir.Unit | None]) -> Redeclared | None:
    """What became of the functions of an earlier run, of which these are the entries; None where all may be other.

    `before` has what those of its files declared that declare something else now, by their number in the tree; None
    where that is not known any more.
    """
    if not before:
        same = range(tree.first_of_unit[-1])
        return Redeclared(tuple(same), _with_sets(tree, _rewritten(tree, entries, same)))
    changes, firsts = _Changes(tree), first_of_each(entries)
    numbers = [
        n + tree.first_of_unit[unit] - firsts[unit] for unit in range(len(entries)) for n in _between(firsts, unit)
    ]
    for unit, old in before.items():
        kept = changes.note(old, tree.program.units[unit]) if old is not None else None
        if kept is None:
            return None
        gone = set(_between(firsts, unit)) - {firsts[unit] + one for one in kept}
        for one in gone:
            numbers[one] = _GONE - one
        for one, now in kept.items():
            numbers[firsts[unit] + one] = tree.first_of_unit[unit] + now
    other = set(range(len(tree.program.functions))).difference(numbers)
    other.update(_rewritten(tree, entries, numbers))
    seeing = changes.seeing(other)
    if seeing is None:
        return None
    return Redeclared(tuple(numbers), _with_sets(tree, seeing.union(other, (one for one in numbers if one < 0))))


def _with_sets(tree: Tree, seeing: Iterable[int]) -> frozenset[int]:
    """Some functions, and the numbers of the sets in which their new texts may put them."""
    found = frozenset(seeing)
    return found.union(*(tree.program.sets_with(number) for number in found if number >= 0))


def _rewritten(tree: Tree, entries: Sequence[Entry], numbers: Sequence[int]) -> Iterator[int]:
    """The functions that have another text than in the run of these entries, where they had these `numbers`."""
    firsts = first_of_each(entries)
    for unit, (old, new) in enumerate(zip(entries, tree.entries, strict=True)):
        if old.content != new.content:
            for before, place in enumerate(_between(firsts, unit)):
                now = numbers[place]
                if now >= 0 and digest_of(old, before) != digest_of(new, now - tree.first_of_unit[unit]):
                    yield now


def _between(firsts: Sequence[int], unit: int) -> range:
    return range(firsts[unit], firsts[unit + 1])


class _Changes:
    """What is other in the files noted so far: names of functions, other names, and which sets they belong to."""

    def __init__(self, tree: Tree) -> None:
        self._tree, self._names, self._types = tree, tree.program.names, tree.program.types
        self._wording = Wording(tree)
        self._words = set[str]()
        self._methods = set[str]()
        self._of_types: dict[str, set[ir.Path]] = defaultdict(set)
        self._implementing: dict[ir.Path, set[ir.Type | None]] = defaultdict(set)
        self._others: dict[str, set[ir.Path]] = defaultdict(set)
        self._sets = set[int]()
        self._added: dict[str, set[int]] = {}
        self._alone = set[str]()

    def note(self, old: ir.Unit, new: ir.Unit) -> dict[int, int] | None:
        """The numbers of functions in the file before, with those of the same functions now.

        None where more is other than can be told.
        """
        table = self._tree.tables[new.language]
        if _beside(old) != _beside(new) or _modules(old) != _modules(new):
            return None
        kept = dict(_matched([*map(_encoded, old.functions)], [*map(_encoded, new.functions)]))
        lost = [one for n, one in enumerate(old.functions) if n not in kept]
        self._added[new.path] = set(range(len(new.functions))).difference(kept.values())
        added = [new.functions[n] for n in sorted(self._added[new.path])]
        if table.objects:
            functions = interface(replace(old, functions=())) == interface(replace(new, functions=()))
            return kept if functions and self._note_unnamed([*lost, *added], table) else None
        imports, types = _other(_imports(old), _imports(new)), _other(_types(old), _types(new))
        names = {name for _, name in imports}
        if "*" in names or any(one.owner is not None and one.owner.path[0] in names for one in lost):
            return None  # (nobody knows any more which type the latter were functions of)
        if imports and any(key in types for key in _types(old)):
            return None  # (nor what they were made of)
        for one in (*lost, *added):
            if not self._note_one(one, types, table):
                return None
        statics = _other(_statics(old), _statics(new))
        for module, name in (*imports, *types, *statics):
            self._others[name].add(module)
        for unit in (old, new):
            self._note_parts([one for one in unit.types if (one.module, one.name) in types], table)
            variables = [one for one in unit.statics if (one.module, one.name) in statics]
            self._note_single([self._types.resolve(var.type, Context(var.module), table) for var in variables])
        return kept

    def _note_unnamed(self, functions: Sequence[ir.Function], table: Effects) -> bool:
        """Functions are new or gone where anything may be called by another name; whether nobody else may know.

        That is so where a function runs only if it is named (see `seeing`), and its name means nothing to the language.
        """
        known = repr(table).encode()
        for one in functions:
            unnamed = one.name.startswith("__") or not one.name.isascii() or _serves_others(one) or one.made_once
            if unnamed or one.wrapped_by or one.computed or pattern([one.name]).search(known):
                return False
            owner = self._types.resolve(one.owner, _context(one), table) if one.owner is not None else None
            self._sets.update(number_of_all(path) for path in (one.module, owner.path if owner else ()) if path)
            self._alone.add(one.name)
        return True

    def _note_one(self, one: ir.Function, types: Collection[tuple[ir.Path, str]], table: Effects) -> bool:
        """A function is new or gone, beside some types; whether it can be told who may know."""
        owner = self._types.resolve(one.owner, _context(one), table) if one.owner is not None else None
        self._sets.update(number_of_all(path) for path in (one.module, owner.path if owner else ()) if path)
        whole = owner is not None and (owner.path[:-1], owner.path[-1]) in types
        if not (whole or _is_named(one, table)) or not self._note_trait(one, table):
            return False
        if owner is None:
            self._words.update(filter(None, (one.name, one.made_once)))
        elif one.takes_self or one.trait is not None:
            self._methods.add(one.name)
        else:
            self._of_types[one.name].add(owner.path)
        return True

    def _note_trait(self, one: ir.Function, table: Effects) -> bool:
        """A trait may have one more type that implements it, or less: which has all that the trait declares, then.

        Not told where nobody knows which trait it is.
        """
        if one.trait is None:
            return True
        trait = self._types.resolve(one.trait, _context(one), table)
        if trait is None or one.owner is None:
            return False
        waiting = [trait.path]
        while waiting:
            path = waiting.pop()
            self._methods.update(self._types.method_names(("[dyn]", *path)))
            decl = self._names.types.get(path)
            bases = decl.bases if decl is not None else ()
            found = (self._types.resolve(base, Context(path[:-1]), table) for base in bases)
            waiting += (base.path for base in found if base is not None and base.path != path)
        if one.owner.path != ("[dyn]",):
            self._implementing[trait.path].add(self._types.resolve(one.owner, _context(one), table))
        return True

    def _may_stand_alone(self, trait: ir.Path, owners: Set[ir.Type | None]) -> bool:
        """Whether a parameter may stand, or have stood, for one of some owners: nobody else implements a trait."""
        return len(self._types.implementing([trait]) - owners) < _MANY and self._is_bound(trait[-1])

    def _is_bound(self, trait: str) -> bool:
        """Whether a type parameter of an `impl` stands for what implements a trait."""
        functions = (function for _, function in self._tree.program.functions if function.bounds)
        return any(mentions(bound, (trait,)) for one in functions for _, bound in one.bounds if one.owner is not None)

    def _note_parts(self, types: Iterable[ir.TypeDecl], table: Effects) -> None:
        """Some types are new or gone: of what is in them there may be one value only, or no longer."""
        for decl in types:
            own = ir.Type((*decl.module, decl.name))
            at = Context(decl.module, own, decl.generics)
            self._note_single([own, *(self._types.resolve(field.type, at, table) for field in decl.fields)])

    def _note_single(self, waiting: list[ir.Type | None]) -> None:
        """Of what is in these types there may be one value only, or no longer."""
        while waiting:
            one = waiting.pop()
            if one is not None:
                self._sets.add(number_of_all((SINGLE, *one.path)))
                waiting += one.args

    def seeing(self, other: Set[int]) -> set[int] | None:
        """The functions whose text has a name that may mean another thing, and the sets; None where all may.

        `other` are the functions that are new or have another text than before.
        """
        self._hand_on()
        if self._alone and self._wording.stand_outside(self._alone, other):
            return None
        if any(self._may_stand_alone(trait, owners) for trait, owners in self._implementing.items()):
            return None
        if any(self._declares_by(unit) for unit in self._tree.program.units):
            return None
        return self._sets.union(self._saying(), self._saying_of_types(), self._saying_in_modules())

    def _hand_on(self) -> None:
        """Add the names under which imports, macros and statics hand on what is called by one of the words."""
        units, before = self._tree.program.units, -1
        while before < len(self._words):
            before, names = len(self._words), self._words.union(self._methods, self._of_types)
            for unit in units if names else ():
                self._words.update(line.name for line in unit.imports if not self._words.isdisjoint(line.target[-1:]))
                lists = ((one.name, path) for one in unit.statics for path in one.lists)
                self._words.update(name for name, path in lists if path[-1] in names)
            said = pattern(names)
            macros = (one for unit in units for one in unit.macros)
            self._words.update(one.name for one in macros if any(said.search(arm.gives) for arm in one.arms))
        self._words.discard("*")

    def _declares_by(self, unit: ir.Unit) -> bool:
        """Whether a file declares anything by a name that means, where it stands, something else than it did."""
        if not self._others or not any(name.encode() in self._tree.data(unit.path) for name in self._others):
            return False
        said = pattern(self._others)
        if any(said.search(arm.gives) for one in unit.macros for arm in one.arms):
            return True
        return any(self._means(module, path) for module, path in _written(self._before(unit)))

    def _before(self, unit: ir.Unit) -> ir.Unit:
        """A file without the functions, types and statics that are new in it."""
        new = self._added.get(unit.path, ())
        return replace(
            unit,
            functions=tuple(one for n, one in enumerate(unit.functions) if n not in new),
            types=tuple(one for one in unit.types if one.module not in self._others.get(one.name, ())),
            statics=tuple(one for one in unit.statics if one.module not in self._others.get(one.name, ())),
        )

    def _means(self, module: ir.Path, path: ir.Path) -> bool:
        """Whether a path that is written in a module goes through a name that means another thing there."""
        return any(
            not self._others[name].isdisjoint(self._seen(module, path[:place]))
            for place, name in enumerate(path)
            if name in self._others
        )

    def _seen(self, module: ir.Path, before: ir.Path) -> Iterator[ir.Path]:
        """The modules in which a name is looked up that stands in a module, behind a path."""
        if before:
            yield from self._names.seen_from(self._names.resolve(module, before))
            return
        yield from self._names.seen_from(module)
        while module and module[-1].startswith("{"):
            module = module[:-1]
            yield from self._names.seen_from(module)

    def _saying(self) -> Iterator[int]:
        """The functions in whose text one of the words stands, or the name of one of the methods behind a value."""
        yield from self._wording.saying(self._words)
        yield from (number for number, _, _ in self._wording.paths(self._methods, inside=True))

    def _saying_of_types(self) -> Iterator[int]:
        """The functions in whose text one of the names stands behind that of a type which may have it."""
        for number, before, name in self._wording.paths(self._of_types, inside=True):
            context = self._types.context(number)
            owner = self._types.resolve(ir.Type(before), context, self._types.effects(number)) if before else None
            if owner is None or owner.path in self._of_types[name]:
                yield number

    def _saying_in_modules(self) -> Iterator[int]:
        """The functions in whose text a path goes through a name that means another thing there."""
        for number, before, name in self._wording.paths(self._others):
            if self._means(self._types.context(number).module, (*before, name)):
                yield number


def _is_named(function: ir.Function, table: Effects) -> bool:
    """Whether a function runs only where its name is written, of the types that its `impl` names.

    What printing, comparing and the like run counts only if it takes a lock: which do is told before (`Tree.unsaid`).
    """
    unnamed = {table.copies}
    if function.trait is not None:
        converts = (one.partition("::")[2] for one in table.converts.values())
        unnamed.update((table.end_method, table.iterators_method, table.stands_method), converts)
    for_any = function.owner is not None and function.owner.path[0] in function.generics
    return not (function.name in unnamed or for_any or _serves_others(function))


def _serves_others(function: ir.Function) -> bool:
    """Whether a function runs where nobody names it, or what it does is a matter of those that it decorates."""
    return bool(function.hook or function.wraps or function.passes_on)


def _beside(unit: ir.Unit) -> bytes:
    """A digest of what a file declares beside functions, types, statics and imports."""
    return interface(replace(unit, functions=(), types=(), statics=(), imports=()))


def _modules(unit: ir.Unit) -> set[ir.Path]:
    """The modules in which a file declares anything."""
    declared: Iterable[ir.TypeDecl | ir.Static | ir.Function | ir.Import]
    declared = chain(unit.types, unit.statics, unit.functions, unit.imports)
    every = (one.module for one in declared)
    return {one for one in every if not one[-1:] or not one[-1].startswith("{")}


def _context(function: ir.Function) -> Context:
    return Context(function.module, None, function.generics, function.bounds)


def _encoded(function: ir.Function) -> bytes:
    return _ENCODER.encode(signature(function))


def _matched(old: Sequence[bytes], new: Sequence[bytes]) -> Iterator[tuple[int, int]]:
    """The places in both of what is in both, in order."""
    from difflib import SequenceMatcher

    for one in SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks():
        yield from zip(range(one.a, one.a + one.size), range(one.b, one.b + one.size), strict=True)


def _imports(unit: ir.Unit) -> Named:
    return _named((line.module, line.name, line.target) for line in unit.imports)


def _types(unit: ir.Unit) -> Named:
    return _named((one.module, one.name, one) for one in nowhere(unit).types)


def _statics(unit: ir.Unit) -> Named:
    return _named((one.module, one.name, one) for one in nowhere(unit).statics)


def _named(every: Iterable[tuple[ir.Path, str, object]]) -> Named:
    found: dict[tuple[ir.Path, str], list[object]] = defaultdict(list)
    for module, name, one in every:
        found[module, name].append(one)
    return found


def _other(old: Named, new: Named) -> set[tuple[ir.Path, str]]:
    """The names, with their modules, by which something else is called than before."""
    return {key for key in (*old, *new) if old.get(key) != new.get(key)}


def _written(unit: ir.Unit) -> Iterator[tuple[ir.Path, ir.Path]]:
    """The paths that stand in what a file declares, each with its module."""
    for line in unit.imports:
        yield line.module, line.target
    for module, kind in _kinds(unit):
        waiting = [kind]
        while waiting:
            one = waiting.pop()
            yield module, one.path
            waiting += one.args


def _kinds(unit: ir.Unit) -> Iterator[tuple[ir.Path, ir.Type]]:
    """The types that stand in what a file declares, each with its module."""
    for function in unit.functions:
        found = (function.owner, function.trait, function.returns, *(one.type for one in function.params))
        for kind in (*found, *(bound for _, bound in function.bounds)):
            if kind is not None:
                yield function.module, kind
    for decl in unit.types:
        for kind in (*decl.bases, *(one.type for one in decl.fields)):
            yield decl.module, kind
    for static in unit.statics:
        if static.type is not None:
            yield static.module, static.type
    for deref in unit.derefs:
        yield deref.module, deref.owner
        yield deref.module, deref.target
