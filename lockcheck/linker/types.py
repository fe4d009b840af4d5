"""What type a value has, as far as locks and methods need it.

In: names, declarations and the language's table.  Out: resolved types, fields' types, the functions behind a method.
Never: guesses: what is not known is None.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from lockcheck import ir
from lockcheck.effects import Effects, LockType, Mode, made_by_hand
from lockcheck.effects.shapes import LIST, MAP, OPTION, PRESENT, RESULT
from lockcheck.linker.names import Names
from lockcheck.linker.objects.made import Made
from lockcheck.linker.objects.read_write import read_write_lock
from lockcheck.linker.objects.uses import Uses
from lockcheck.linker.own_locks import OwnLocks, holders
from lockcheck.linker.written import GUARD, REF, UNKNOWN, has_trait

SAYS_NOTHING = (("_",), ("None",))
"""Types as written of fields whose value is not told, or missing at first."""
LOCKS = ("Lock", "Mutex", "Semaphore")
"""How the names of classes end that are locks made by hand."""
_DEPTH = 12
_PARTS = 64
"""An error of more types than that may have anything in it."""


class Context(Struct, frozen=True):
    """Where a type is written: the module, what `Self` is, and what is known of the type parameters."""

    module: ir.Path
    owner: ir.Type | None = None
    generics: ir.Path = ()
    bounds: tuple[tuple[str, ir.Type], ...] = ()


_Meanings: TypeAlias = dict[tuple[str, ir.Path, ir.Type], ir.Type | None]
"""What types mean that were looked up, by language, module, and how they are written there."""


class Types:
    """The types of the tree."""

    def __init__(self, names: Names, functions: Sequence[tuple[ir.Unit, ir.Function]], effects: Mapping[str, Effects],
                 derefs: Sequence[tuple[ir.Unit, ir.Deref]]) -> None:  # fmt: skip
        self.names = names
        self.functions = functions
        self._effects = effects
        self._owners: dict[int, ir.Type | None] = {}
        self._methods: dict[ir.Path, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
        self._implementors: dict[ir.Path, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
        self._contexts: dict[int, Context] = {}
        self._found: dict[tuple[ir.Path, tuple[ir.Type, ...], str], list[int]] = {}
        self._named: dict[str, list[int]] = defaultdict(list)
        self._locks_given: dict[int, frozenset[int]] = {}
        self._blanket: dict[str, list[int]] = defaultdict(list)
        self.made = Made(self)
        self.uses = Uses(self)
        self.own = OwnLocks(self)
        self._listed: dict[ir.Path, bool] = {}
        self._by_hand: dict[ir.Path, LockType | None] = {}
        self._fields: dict[tuple[ir.Type, str], tuple[ir.Type | None, str]] = {}
        meanings: _Meanings = {}
        for number, (unit, function) in enumerate(functions):
            if function.owner is not None:
                self._index(number, unit, function, meanings)
        self.made.second_names(self._methods)
        self.holders = holders(self)
        self.derefs: dict[ir.Path, tuple[ir.Type, ir.Type]] = {}
        """By the path of a type that stands for another: itself as written there, and that one."""
        for unit, deref in derefs:
            context = Context(deref.module, None, ())
            owner = self.resolve(deref.owner, context, effects[unit.language])
            if owner is not None:
                target = self.resolve(deref.target, Context(deref.module, owner), effects[unit.language])
                if target is not None:
                    self.derefs[owner.path] = (owner, target)
        self.own.find()
        self._fields.clear()  # (what types stand for was not known yet)

    def _index(self, number: int, unit: ir.Unit, function: ir.Function, meanings: _Meanings) -> None:
        """Note whose method a function is, and the `meanings` of its owner and its trait."""
        assert function.owner is not None
        self._named[function.name].append(number)
        trait = self._meaning(function.trait, function, unit.language, meanings)
        if function.owner.path == ("[dyn]",):
            if trait is not None:
                self._methods[("[dyn]",) + trait.path][function.name].append(number)
            return
        if function.owner.path[0] in function.generics:
            self._blanket[function.name].append(number)
            if trait is not None:
                self._implementors[trait.path][function.name].append(number)
            return
        mine = self.names.types.get((*function.module, *function.owner.path))
        known = mine is not None and mine.kind != "alias" and not mine.generics  # (whatever else may have its name)
        owner = ir.Type((*function.module, *function.owner.path)) if known else None
        owner = owner or self._meaning(function.owner, function, unit.language, meanings)
        self._owners[number] = owner
        if owner is not None:
            self._methods[owner.path][function.name].append(number)
        if trait is not None:
            self._implementors[trait.path][function.name].append(number)

    def _meaning(self, kind: ir.Type | None, at: ir.Function, language: str, meanings: _Meanings) -> ir.Type | None:
        """A type as written beside a function, outside of all that has parameters; found out once."""
        if kind is None:
            return None
        key = (language, at.module, kind)
        if key not in meanings:
            meanings[key] = self.resolve(kind, Context(at.module), self._effects[language])
        return meanings[key]

    @property
    def tables(self) -> Iterable[Effects]:
        """The tables of the tree's languages."""
        return self._effects.values()

    def table(self, language: str) -> Effects:
        """The table of a language."""
        return self._effects[language]

    def effects(self, number: int) -> Effects:
        """The table of the language of a function."""
        return self._effects[self.functions[number][0].language]

    def context(self, number: int) -> Context:
        """Where the names of a function's body are looked up."""
        known = self._contexts.get(number)
        if known is None:
            known = self._contexts[number] = self._context(number)
        return known

    def _context(self, number: int) -> Context:
        function = self.functions[number][1]
        inside = (*function.module, f"{{{function.name}}}")
        module = inside if self.names.is_item(inside) else function.module  # (where it declares and imports nothing)
        owner = self._owners.get(number)
        base = Context(function.module, None, function.generics, function.bounds)
        if owner is None and function.owner is not None:
            owner = self.resolve(function.owner, base, self.effects(number))
        elif owner is not None and owner.args and function.bounds:
            owner = ir.Type(owner.path, tuple(self._only(one, base, self.effects(number)) for one in owner.args))
        return Context(module, owner, function.generics, function.bounds)

    def _only(self, kind: ir.Type, at: Context, effects: Effects) -> ir.Type:
        """A parameter of a type, as the one type of the tree that its bounds allow; else itself.

        What only tests implement counts for nothing. Were all meant where there are many, each would be a guess.
        """
        if len(kind.path) > 1 or kind.path[0] not in at.generics:
            return kind
        bound = self._parameter(kind.path[0], at, effects, 0)
        if bound is None or bound.path != ("[dyn]",):
            return kind
        owners = self.implementing(one.path for one in bound.args)
        return bound if len(owners) == 1 and None not in owners else kind

    def implementing(self, traits: Iterable[ir.Path]) -> set[ir.Type | None]:
        """The types that implement one of some traits by functions, but for what only tests do; None for any type."""
        listed = (self._implementors[trait].values() for trait in traits if trait in self._implementors)
        functions = (number for methods in listed for numbers in methods for number in numbers)
        return {self._owners.get(number) for number in functions if not self.functions[number][1].of_tests}

    # ------------------------------------------------------------------------------------------------- resolving

    def resolve(self, kind: ir.Type | None, at: Context, effects: Effects, depth: int = 0) -> ir.Type | None:
        """A type as written in a context, with absolute names; aliases are replaced by their meaning."""
        if kind is None or depth > _DEPTH or not kind.path or kind.path == ("_",):
            return None
        path = kind.path
        if path == ("Self",):
            return at.owner
        if len(path) == 1 and path[0] in at.generics:
            return self._parameter(path[0], at, effects, depth)
        if path[0] == "Self" or path[0] in at.generics:
            return None
        if path[0] in self.made.WORDS:
            return self.made.type_of(kind, at, effects, depth)
        args = tuple(self.resolve(a, at, effects, depth + 1) or UNKNOWN for a in kind.args)
        if path[0].startswith("["):
            return ir.Type(path, args) if path != REF or args != (UNKNOWN,) else None
        found = self.made.meaning(at.module, path) if effects.objects else self.names.resolve(at.module, path)
        decl = self.names.types.get(found)
        if decl is not None and decl.kind == "alias":
            inner = Context(decl.module, None, ())
            meaning = self.resolve(decl.fields[0].type, inner, effects, depth + 1)
            return ir.substitute(meaning, dict(zip(decl.generics, args, strict=False)))
        if decl is not None and not effects.objects:
            found = self._listed_beside(found, effects) or found
        if len(found) == 1 and decl is None:
            for glob in self.names.outside_globs(at.module):
                if effects.lock((*glob, found[0])) is not None:
                    return ir.Type((*glob, found[0]), args)
        if found[:1] in (("core",), ("alloc",)):
            found = ("std", *found[1:])
        return ir.Type(found, args)

    def _listed_beside(self, item: ir.Path, effects: Effects) -> ir.Path | None:
        """The listed lock, or guard of one, that a type of the tree stands in for where a build has no such thing."""
        other = self.names.beside(item)
        if other is None:
            return None
        guard = other[-1] in effects.guards and other[0] in effects.guard_crates
        return other if guard or effects.lock(other) is not None else None

    def _parameter(self, name: str, at: Context, effects: Effects, depth: int) -> ir.Type | None:
        """A type parameter is any type that its bounds allow; without bounds it stands for itself."""
        plain = Context(at.module, at.owner)
        bounds = [self.resolve(b, plain, effects, depth + 1) for n, b in at.bounds if n == name]
        kept = tuple(b for b in bounds if b is not None)
        called = next((b for b in kept if b.path == ("[fn]",)), None)
        return called or (ir.Type(("[dyn]",), kept) if kept else ir.Type((name,)))

    # ---------------------------------------------------------------------------------------------- looking inside

    def lock_type(self, kind: ir.Type, effects: Effects) -> LockType | None:
        """The lock that a type is: listed, of a lock's name where nothing in the tree declares it, or made by hand."""
        listed = effects.lock(kind.path)
        if listed is not None and (effects.objects or self._is_listed(kind.path, listed.kind.split(effects.separator))):
            if kind.args == (ir.ONE,):
                return listed.of_one()
            return listed.around(effects.lock(kind.args[0].path) if kind.args else None)
        if effects.objects and kind.path in self.names.types:
            if kind.path not in self._by_hand:
                self._by_hand[kind.path] = None
                self._by_hand[kind.path] = self._made_by_hand(kind, effects)
            return self._by_hand[kind.path]
        if kind.path in self.own.locks:
            return self.own.locks[kind.path]
        unknown = kind.path not in self.names.types and kind.path[0] not in effects.known
        if unknown and effects.objects and len(kind.path) > 2:  # (a module that others hand on keeps its name)
            return effects.lock(kind.path[-2:])
        return effects.lock_names.get(kind.path[-1]) if unknown else None

    def _made_by_hand(self, kind: ir.Type, effects: Effects) -> LockType | None:
        """A class that is called a lock, can be taken and given back, and waits itself, built on no listed lock.

        What keeps another lock, other than one to wait on, stands for that one. What keeps several is of their kind.
        """
        shared = read_write_lock(self, kind, effects)
        if shared is not None:
            return shared
        above = (kind, *self.made.bases(kind, effects))
        decls = [self.names.types[one.path] for one in above if one.path in self.names.types]
        takes, gives = (self.made.methods(kind, name, effects) for name in ("acquire", "release"))
        if not (takes and gives and decls[0].name.endswith(LOCKS)) or any(effects.lock(one.path) for one in above):
            return None
        if any(not (param.optional or param.gathers) for param in self.functions[takes[0]][1].params[1:]):
            return None  # (it is told which lock to take)
        several = None
        for decl in decls:
            for field in decl.fields:
                made = self.resolve(field.type, Context(decl.module, kind), effects)
                if made is not None and made.path not in self.names.types and self._keeps(made, effects):
                    return None
                shape = effects.shape(made) if made is not None else ""
                part = self.element(made, "[]", effects) if made is not None and shape == LIST else None
                several = several or (effects.lock(part.path) if part is not None else None)
        if several is None and not any(decl.waits for decl in decls):
            return None
        waits = self.functions[takes[0]][1].runs_when_awaited
        makers = self.made.methods(kind, effects.maker, effects)
        named = bool(makers) and len(self.functions[makers[0]][1].params) > 1
        own = made_by_hand(effects.separator.join(kind.path), "task" if waits else "thread", named)
        return own if several is None else replace(own, family=several.family)

    def _keeps(self, kind: ir.Type, effects: Effects) -> bool:
        """Whether a lock's value is one that cannot be waited on for a signal."""
        lock = self.lock_type(kind, effects)
        return lock is not None and (kind.path[0], kind.path[-1]) not in effects.signals

    def _is_listed(self, path: ir.Path, public: Sequence[str]) -> bool:
        """Whether a type is what a listed lock's public name means: its own crate may have others of that last name."""
        if path not in self.names.types:
            return True
        if path not in self._listed:
            self._listed[path] = self.names.resolve(path[:1], ("crate", *public[1:])) == path
        return self._listed[path]

    def guard_mode(self, kind: ir.Type | None, effects: Effects) -> str | None:
        """The mode of the guard that a type is or contains (in Option, Result, tuples …); None where it holds none."""
        if kind is None:
            return None
        itself = self._mode(kind, effects)
        if itself is not None:
            return itself
        if kind.path in self.holders:
            return self.holders[kind.path]
        if kind.path == ("[dyn]",) or kind.path == ("[fn]",) or self.lock_type(kind, effects) is not None:
            return None
        return next((m for m in (self.guard_mode(a, effects) for a in kind.args) if m), None)

    def may_hold(self, kind: ir.Type | None, effects: Effects) -> bool:
        """Whether a value of the type may hold a guard: it has one, or only a trait of what may be one is told."""
        told = self.guard_mode(kind, effects) is not None or has_trait(kind, effects.guard_traits)
        return told or (kind is not None and self._gives_guards(kind, effects))

    def each_holds(self, kind: ir.Type | None, effects: Effects) -> bool | None:
        """Whether what comes out of an iterator that may hold a lock does so too; None where it is no such iterator."""
        if kind is not None and kind.path == (LIST,):
            return True if any(self.is_guard(one, effects) for one in kind.args) else None
        may = kind is not None and has_trait(kind, (effects.iterators_trait,))
        return self._gives_guards(kind, effects) if kind is not None and may else None

    def as_iterator(self, kind: ir.Type | None, effects: Effects) -> ir.Type | None:
        """The type by which an iterator is followed whose type is listed as a guard: one of guards."""
        how, _ = effects.guards_in_full.get(kind.path, (None, None)) if kind is not None else (None, None)
        return ir.Type((LIST,), (ir.Type((GUARD,)),)) if how is not None and how.each else kind

    def _gives_guards(self, kind: ir.Type, effects: Effects) -> bool:
        """Whether of a type, or of some value in it, only this is told: that guards come out of it one by one."""
        if kind.path == ("[fn]",):
            return False
        if kind.path != ("[dyn]",):
            return any(self._gives_guards(inner, effects) for inner in kind.args)
        given = (inner for one in kind.args if one.path[-1] == effects.iterators_trait for inner in one.args)
        return any(self.guard_mode(inner, effects) is not None for inner in given)

    def waits_for(self, guard: ir.Type | None, effects: Effects) -> Literal["thread", "task"]:
        """How the lock of a guard waits, as far as its type says; as tasks do where nothing is known."""
        if guard is None or len(guard.path) < 2:
            return "task"
        in_full = effects.guards_in_full.get(guard.path)
        listed = in_full[1] if in_full is not None else effects.lock((guard.path[0], "Mutex"))
        return listed.waits if listed is not None else "task"

    def guard_in(self, kind: ir.Type | None, effects: Effects) -> ir.Type | None:
        """The guard that a type is or contains."""
        if kind is None or self.is_guard(kind, effects):
            return kind
        return next((g for g in (self.guard_in(a, effects) for a in kind.args) if g is not None), None)

    def is_plain(self, kind: ir.Type | None, effects: Effects) -> bool:
        """Whether a value of the type certainly has no guard in it."""
        seen, waiting = set[ir.Type](), [kind]
        while waiting:
            one = waiting.pop()
            if one is None or one == UNKNOWN or len(seen) > _PARTS or self.guard_mode(one, effects) is not None:
                return False
            if one in seen:
                continue
            seen.add(one)
            decl = self.names.types.get(one.path)
            waiting += one.args
            waiting += [self.field(one, part.name, effects)[0] for part in decl.fields] if decl is not None else ()
        return True

    def locks_given(self, number: int) -> frozenset[int]:
        """The parameters of a function that are declared to be locks, by what they stand for."""
        if number not in self._locks_given:
            at, effects = self.context(number), self.effects(number)
            kinds = (self.resolve(one.type, at, effects) for one in self.functions[number][1].params)
            found = (any(self.lock_type(one, effects) for one in self.behind(kind, effects)) for kind in kinds)
            self._locks_given[number] = frozenset(slot for slot, is_lock in enumerate(found) if is_lock)
        return self._locks_given[number]

    def is_guard(self, kind: ir.Type | None, effects: Effects) -> bool:
        """Whether the type itself is a guard."""
        return kind is not None and self._mode(kind, effects) is not None

    def _mode(self, kind: ir.Type, effects: Effects) -> Mode | None:
        """The mode of the guard that the type itself is."""
        name = kind.path[-1]
        if name == GUARD or name in effects.own.guards:
            return "exclusive"
        if name in effects.guards and (kind.path[0] in effects.guard_crates or kind.path not in self.names.types):
            return effects.guards[name]
        if kind.path in effects.guards_in_full:
            return effects.guards_in_full[kind.path][0].mode
        return self.own.guards.get(kind.path)

    def behind(self, kind: ir.Type | None, effects: Effects) -> Iterator[ir.Type]:
        """The type, and the types that it stands for, outermost first."""
        seen = 0
        while kind is not None and kind != UNKNOWN and seen < _DEPTH:
            yield kind
            seen += 1
            name = kind.path[-1]
            if kind.path == REF or (self.is_guard(kind, effects) and kind.path not in self.derefs):
                kind = kind.args[-1] if kind.args else None
            elif kind.path in self.derefs:
                owner, target = self.derefs[kind.path]
                bound = {a.path[0]: b for a, b in zip(owner.args, kind.args, strict=False) if len(a.path) == 1}
                kind = ir.substitute(target, bound)
            elif name == RESULT and kind.args and self.is_guard(kind.args[0], effects):
                kind = kind.args[0]
            elif self._wraps(kind, effects):
                kind = kind.args[min(effects.wrappers[name], len(kind.args) - 1)]
            elif kind.path == ("[dyn]",):
                kind = next((a for a in kind.args if a.args and a.path[-1] in effects.flow_names), None)
            else:
                yield from self.made.bases(kind, effects)
                return

    def _wraps(self, kind: ir.Type, effects: Effects) -> bool:
        """Whether a type is a library's that stands for one of its arguments."""
        return kind.path[-1] in effects.wrappers and bool(kind.args) and kind.path not in self.names.types

    def field(self, kind: ir.Type | None, name: str, effects: Effects) -> tuple[ir.Type | None, str]:
        """The type of a field (or index, or variant's part) and the full name of the type that declares it."""
        if kind is None or effects.objects or name.startswith("["):
            return self._field(kind, name, effects)
        if (kind, name) not in self._fields:
            self._fields[kind, name] = self._field(kind, name, effects)
        return self._fields[kind, name]

    def _field(self, kind: ir.Type | None, name: str, effects: Effects) -> tuple[ir.Type | None, str]:
        """The same, found out anew."""
        least: tuple[ir.Type | None, str] = (None, "")
        for outer in self.behind(kind, effects):
            if name.startswith("["):
                element = self.element(outer, name, effects)
                if element is not None:
                    return element, ""
                continue
            if name in PRESENT.values():
                if outer.path[-1] in PRESENT and outer.args:
                    return outer.args[0], ""
                continue
            if outer.path == ("[tuple]",):
                number = int(name) if name.isdigit() else len(outer.args)
                return (outer.args[number] if number < len(outer.args) else None), ""
            if name == f"{outer.path[-1]}.0" and self._wraps(outer, effects):
                return outer.args[0], ""
            decl = self.names.types.get(outer.path)
            if decl is None:
                continue
            declared = next((f for f in decl.fields if f.name == name), None)
            if declared is None and "." in name:
                declared = next((f for f in decl.fields if f.name == name.partition(".")[2]), None)
            if declared is not None and effects.objects and declared.type.path in SAYS_NOTHING and not declared.put:
                untold = None if declared.type == UNKNOWN else declared.type
                least = least if least[1] else (untold, "::".join(outer.path))
            elif declared is not None:
                at = Context(decl.module, outer)
                found = self.made.with_put(self.resolve(declared.type, at, effects), declared, at, effects)
                return ir.substitute(found, dict(zip(decl.generics, outer.args, strict=False))), "::".join(outer.path)
        return least

    def is_own_part(self, kind: ir.Type | None, way: ir.Path, effects: Effects) -> bool:
        """Whether what a way leads to is in a value of a type itself: who has the value alone has that alone."""
        for part in ("", *way):
            kind = self.field(kind, part, effects)[0] if part else kind
            if kind is None or any(self._leads_on(outer, effects) for outer in self.behind(kind, effects)):
                return False
        return True

    def _leads_on(self, kind: ir.Type, effects: Effects) -> bool:
        """Whether values of a type only lead to what others may lead to as well."""
        return kind.path == REF or kind.path[-1] in effects.end_shared or self.is_guard(kind, effects)

    def in_variant(self, kind: ir.Type | None, name: str, effects: Effects) -> tuple[str, str]:
        """The full name of a type that has such a part in one of its variants, and that part's name in it.

        Both are empty where several variants have one: a value is one of them only.
        """
        for outer in self.behind(kind, effects):
            decl = self.names.types.get(outer.path)
            found = [one.name for one in decl.fields if one.name.partition(".")[2] == name] if decl is not None else []
            if len(found) == 1:
                return "::".join(outer.path), found[0]
        return "", ""

    def declared(self, kind: ir.Type | None, name: str, effects: Effects) -> Iterator[tuple[ir.Field, ir.TypeDecl]]:
        """A field as each of the types that a type stands for, or is built on, declares it, the nearest first."""
        for outer in self.behind(kind, effects):
            decl = self.names.types.get(outer.path)
            for field in decl.fields if decl is not None else ():
                if decl is not None and field.name == name:
                    yield field, decl
                    break

    def element(self, kind: ir.Type, name: str, effects: Effects) -> ir.Type | None:
        """What `x[i]`, or each of a loop over `x`, is."""
        shape = effects.shape(kind)
        if shape == LIST and kind.args:
            return kind.args[0]
        if shape == OPTION and kind.args:
            return kind.args[0]
        if shape == MAP and len(kind.args) > 1:
            one = kind.args[0] if effects.objects else ir.Type(("[tuple]",), kind.args[:2])
            return one if name.startswith("[each") else kind.args[1]
        lock = self.lock_type(kind, effects)
        if lock is not None and lock.family == "map" and len(kind.args) > 1:
            return ir.Type(("[tuple]",), kind.args[:2])
        return None

    def filled(self, kind: ir.Type, made: ir.Type, effects: Effects) -> ir.Type:
        """A container's type as written, `Vec<_>`, with what is put into it where nothing is written."""
        shape = effects.shape(kind)
        given = made.args
        if shape == MAP and effects.shape(made) == LIST and given:
            given = given[0].args if given[0].path == ("[tuple]",) else ()
        elif shape != effects.shape(made):
            return kind
        found = (one if one != UNKNOWN else other for one, other in zip(kind.args, given, strict=False))
        return ir.Type(kind.path, (*found, *kind.args[len(given) :]))

    # ------------------------------------------------------------------------------------------------------ methods

    def methods(self, kind: ir.Type, name: str, effects: Effects) -> list[int]:
        """The functions of the tree that a method of exactly this type can be."""
        key = (kind.path, kind.args, name)
        if key not in self._found:
            self._found[key] = self._look_up(kind, name, effects)
        return self._found[key]

    def _look_up(self, kind: ir.Type, name: str, effects: Effects) -> list[int]:
        if kind.path == ("[dyn]",):
            found: list[int] = []
            for trait in kind.args:
                found += self._implementors[trait.path][name] if trait.path in self._implementors else []
                found += self.declared_methods(("[dyn]", *trait.path), name)
                decl = self.names.types.get(trait.path)
                for base in decl.bases if decl is not None and not found else ():
                    above = self.resolve(base, Context(decl.module), effects) if decl else None
                    if above is not None and above.path != trait.path:
                        found += self._of_both(trait, self.methods(ir.Type(("[dyn]",), (above,)), name, effects))
            met = [number for number in found if not self.functions[number][1].of_tests]
            return list(dict.fromkeys(met or found))  # (what only tests implement, nobody else meets)
        own = self.declared_methods(kind.path, name)
        if own:
            fitting = [n for n in own if _fits(self._owners.get(n), kind)]
            return fitting or (own if kind.path in self.names.types else [])
        return self._defaults(kind, name)

    def _of_both(self, trait: ir.Type, inherited: Iterable[int]) -> list[int]:
        """Of the methods of what a trait is built on, those of types that implement the trait itself.

        An `impl` without functions says nothing, so where no other is known, all may be meant.
        """
        listed = self._implementors.get(trait.path, {}).values()
        owners = {owner.path for numbers in listed for n in numbers if (owner := self._owners.get(n)) is not None}
        of = ((number, self._owners.get(number)) for number in inherited)
        return [number for number, owner in of if not owners or owner is None or owner.path in owners]

    def declared_methods(self, path: ir.Path, name: str) -> list[int]:
        """The methods of a name that a type declares itself."""
        return self._methods[path][name] if path in self._methods and name in self._methods[path] else []

    def _defaults(self, kind: ir.Type, name: str) -> list[int]:
        """Default bodies of the traits that the type implements, and methods that every type has."""
        found = list(self._blanket.get(name, ())) if kind.path in self.names.types else []
        if kind.path not in self._methods:
            return found
        for listed in self._methods[kind.path].values():
            for number in listed:
                trait = self.functions[number][1].trait
                if trait is None:
                    continue
                resolved = self.names.resolve(self.functions[number][1].module, trait.path)
                found += self.declared_methods(("[dyn]", *resolved), name)
        return list(dict.fromkeys(found))

    def guarded(self, kind: ir.Type, effects: Effects) -> ir.Type:
        """What a lock of the type guards; the type itself where it is no lock."""
        found = next(
            (outer for outer in self.behind(kind, effects) if self.lock_type(outer, effects) is not None), None
        )
        return found.args[-1] if found is not None and found.args else kind

    def makers(self, path: ir.Path) -> list[int]:
        """The functions of a type that are no methods of its values: its constructors are among them."""
        every = (number for numbers in self._methods.get(path, {}).values() for number in numbers)
        return [number for number in every if not self.functions[number][1].takes_self]

    def called(self, names: Iterable[str]) -> set[int]:
        """The methods that some class has by one of the names."""
        own = [methods for methods in self._methods.values() if not methods.keys().isdisjoint(names)]
        return {number for methods in own for name in names for number in methods.get(name, ())}

    def method_names(self, path: ir.Path) -> Collection[str]:
        """The names of the methods that a type declares itself."""
        return self._methods.get(path, ())

    @property
    def named(self) -> Collection[str]:
        """The names of all methods and functions of the tree."""
        return self._named

    def note(self, name: str, numbers: Iterable[int]) -> None:
        """Remember that methods have a name besides their own."""
        self._named[name] += numbers

    def by_name(self, name: str, effects: Effects) -> list[int]:
        """All methods with a name in the files of the table's language, whatever their type."""
        return [number for number in self._named.get(name, ()) if self.effects(number) is effects]


def _fits(owner: ir.Type | None, kind: ir.Type) -> bool:
    """Whether an `impl` for `owner` can be for `kind`: known arguments must not contradict each other."""
    if owner is None or len(owner.args) != len(kind.args):
        return True
    for mine, theirs in zip(owner.args, kind.args, strict=True):
        known = len(mine.path) > 1 and len(theirs.path) > 1
        if known and mine.path != theirs.path:
            return False
    return True
