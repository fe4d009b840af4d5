"""Which declaration a written path means: modules, imports, re-exports.

In: the units' declarations.  Out: `Names.resolve`, from a path as written in a module to an absolute one.
Never: types of values, bodies.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from lockcheck import ir

_DEPTH = 24
_RELATIVE = frozenset(("crate", "self", "super", "::"))
"""What an import begins with that says itself where it begins."""


class Names:
    """All declared names of the tree. Absolute paths begin with a crate (of the tree or outside)."""

    def __init__(
        self, units: Iterable[ir.Unit], aliases: Mapping[tuple[str, str], str], rooted: Collection[str] = ()
    ) -> None:
        """`aliases`: the name by which a crate (first) calls another (second) to that one's own name.

        `rooted`: the crates whose absolute paths, those of imports among them, begin at their own root.
        """
        self.types: dict[ir.Path, ir.TypeDecl] = {}
        self.statics: dict[ir.Path, ir.Static] = {}
        self.functions: dict[ir.Path, list[int]] = defaultdict(list)
        self._modules: set[ir.Path] = set()
        self._languages: dict[str, set[str]] = defaultdict(set)
        self._imports: dict[ir.Path, dict[str, list[ir.Path]]] = defaultdict(lambda: defaultdict(list))
        self._globs: dict[ir.Path, list[ir.Path]] = defaultdict(list)
        self._aliases = aliases
        self._rooted = frozenset(rooted)
        self._cache: dict[tuple[ir.Path, ir.Path], ir.Path] = {}
        self._members: dict[tuple[ir.Path, str], ir.Path | None] = {}
        self._open: set[tuple[ir.Path, str]] = set()
        self._cut = False
        """Whether a name was given up because it was being looked for: what follows from that holds only there."""
        self._bases: dict[ir.Path, tuple[ir.Path, ...]] = {}
        self._passing: dict[ir.Path, tuple[ir.Path, ...]] = {}
        """What modules bring in by globs, as far as it is known while that of another is being looked for."""
        self._opening: dict[ir.Path, list[ir.Path]] = {}
        self._reached: dict[ir.Path, tuple[ir.Path, ...]] = {}
        self._outside: dict[ir.Path, list[ir.Path]] = {}
        self._brought: dict[ir.Path, set[str]] = defaultdict(set)
        """What the imports of each module, and of its functions, are called."""
        number = 0
        for unit in units:
            for decl in unit.types:
                self._declare(decl.module, unit.language)
                self.types[decl.module + (decl.name,)] = decl
            for static in unit.statics:
                self._declare(static.module, unit.language)
                self.statics[static.module + (static.name,)] = static
            for function in unit.functions:
                self._declare(function.module, unit.language)
                if function.owner is None:
                    self.functions[function.module + (function.name,)].append(number)
                number += 1
            for line in unit.imports:
                self._declare(line.module, unit.language)
                if line.name == "*":
                    self._globs[line.module].append(line.target)
                else:
                    self._imports[line.module][line.name].append(line.target)

    def _declare(self, module: ir.Path, language: str) -> None:
        self._languages[module[0] if module else ""].add(language)
        while module and module not in self._modules:
            self._modules.add(module)
            module = module[:-1]

    def is_item(self, path: ir.Path) -> bool:
        """Whether an absolute path names a declaration or a module of the tree."""
        return path in self.types or path in self.functions or path in self.statics or path in self._modules

    def imports(self, module: ir.Path, name: str) -> bool:
        """Whether the file of a module imports something by a name, wherever in it, or all that something has."""
        if not self._brought:
            for scope, names in self._imports.items():
                self._brought[_named(scope)].update(names)
            for scope in self._globs:
                self._brought[_named(scope)].add("*")
        return not self._brought[_named(module)].isdisjoint((name, "*"))

    def is_inside(self, path: ir.Path) -> bool:
        """Whether a path begins in a crate of the tree."""
        return path[:1] in self._modules

    def resolve(self, module: ir.Path, path: ir.Path) -> ir.Path:
        """The absolute path that `path`, written in `module`, means; as written where nothing says more."""
        key = (module, path)
        known = self._cache.get(key)
        if known is None:
            known = self._cache[key] = self._resolve(module, path, 0)
        return known

    def _resolve(self, module: ir.Path, path: ir.Path, depth: int) -> ir.Path:
        if depth > _DEPTH or not path:
            return path
        first, rest = path[0], path[1:]
        if first == "crate" or first.startswith("$"):
            return self._below(module[:1], rest, depth)
        if first == "self":
            return self._below(_named(module), rest, depth)
        if first == "super":
            above = _named(module)[:-1]
            while rest[:1] == ("super",):
                above, rest = above[:-1], rest[1:]
            return self._below(above, rest, depth)
        if first == "::":
            return self._crate(module, rest, depth)
        if first == "[root]":
            return self._below(rest[:1], rest[1:], depth)
        scope = module
        while True:
            found = self._member(scope, first, depth)
            if found is not None:
                return self._below(found, rest, depth)
            if not scope or not scope[-1].startswith("{"):
                break
            scope = scope[:-1]
        return self._crate(module, path, depth)

    def _crate(self, module: ir.Path, path: ir.Path, depth: int) -> ir.Path:
        if not path:
            return path
        if self._rooted and module and module[0] in self._rooted:
            own = self._member(module[:1], path[0], depth + 1)
            if own is not None:
                return self._below(own, path[1:], depth)
        name = self._aliases.get((module[0] if module else "", path[0]), path[0])
        other = module[:1] != (name,) or name != path[0]
        if other and (name,) in self._modules and self._same_language(module, name):
            return self._below((name,), path[1:], depth)
        return path

    def _same_language(self, module: ir.Path, crate: str) -> bool:
        """Whether a crate has code of the module's language: what is called the same in another is something else."""
        return not self._languages[module[0] if module else ""].isdisjoint(self._languages[crate])

    def _below(self, base: ir.Path, rest: ir.Path, depth: int) -> ir.Path:
        """Follow `rest` from the absolute path `base`."""
        for number, name in enumerate(rest):
            found = self._member(base, name, depth + 1)
            if found is None:
                if base not in self._modules and base not in self.types:
                    return base + rest[number:]
                found = (*base, name)
            base = found
        return base

    def _member(self, module: ir.Path, name: str, depth: int) -> ir.Path | None:
        """What `name` is in a module: declared there, imported, or brought in by a glob."""
        key = (module, name)
        if key in self._members:
            return self._members[key]
        if key in self._open:  # a name that needs itself is nothing
            self._cut = True
            return None
        before, self._cut = self._cut, False
        self._open.add(key)
        found = self._look(module, name, depth)
        self._open.discard(key)
        whole = not self._open and not self._opening
        if found is not None or not self._cut or whole:
            self._members[key] = found
        self._cut = before or (self._cut and found is None and not whole)
        return found

    def _look(self, module: ir.Path, name: str, depth: int) -> ir.Path | None:
        if depth > _DEPTH:
            self._cut = True
            return None
        for scope in self.seen_from(module):
            if self.is_item((*scope, name)):
                return (*scope, name)
            for target in self._imports[scope].get(name, ()) if scope in self._imports else ():
                if target[:1] == (name,):
                    found = self._crate(scope, target, depth)
                else:
                    found = self._imported(scope, target, depth + 1)
                if found:
                    return found
        return None

    def beside(self, item: ir.Path) -> ir.Path | None:
        """What an import of an item's module gives its name to as well: which of both it means, the build decides."""
        module, name = item[:-1], item[-1]
        targets = self._imports[module].get(name, ()) if module in self._imports else ()
        found = (self._imported(module, target, 1) for target in targets if target[:1] != (name,))
        return next((one for one in found if one != item), None)

    def _imported(self, module: ir.Path, path: ir.Path, depth: int) -> ir.Path:
        """The absolute path that an import of a module means."""
        if module and module[0] in self._rooted and path and path[0] not in _RELATIVE and path[0][0] != "$":
            return self._crate(module, path, depth)
        return self._resolve(module, path, depth)

    def seen_from(self, module: ir.Path) -> tuple[ir.Path, ...]:
        """A module and those that its globs bring in, each once, however they bring in each other."""
        if module not in self._globs:
            return (module,)
        known = self._reached.get(module)
        if known is not None:
            return known
        found: dict[ir.Path, None] = {}
        waiting = [module]
        while waiting:
            scope = waiting.pop()
            if scope not in found:
                found[scope] = None
                waiting += reversed(self._brought_in(scope))
        if not self._opening:
            self._reached[module] = tuple(found)
        return tuple(found)

    def _brought_in(self, module: ir.Path) -> tuple[ir.Path, ...]:
        """The modules and types of the tree that a module's globs name; while that is being found out, some of them."""
        if module not in self._globs or module in self._bases:
            return self._bases.get(module, ())
        if module in self._opening or module in self._passing:
            self._cut = True
            return self._passing[module] if module in self._passing else tuple(self._opening[module])
        found = self._opening[module] = []
        for target in self._globs[module]:
            base = self._imported(module, target, 1)
            if base != module and (base in self._modules or base in self.types):
                found.append(base)
        del self._opening[module]
        if self._opening:
            self._passing[module] = tuple(found)
        else:
            self._bases[module] = tuple(found)
            self._passing.clear()
        return tuple(found)

    def outside_globs(self, module: ir.Path) -> list[ir.Path]:
        """The globs of a module (and of the functions' scopes around it) that reach out of the tree."""
        known = self._outside.get(module)
        if known is None:
            known = self._outside[module] = self._outside_globs(module)
        return known

    def _outside_globs(self, module: ir.Path) -> list[ir.Path]:
        found, scope = [], module
        while True:
            for target in self._globs.get(scope, ()):
                base = self._imported(scope, target, 1)
                if not self.is_inside(base):
                    found.append(base)
                else:
                    found += [self._imported(base, t, 1) for t in self._globs.get(base, ())]
            if not scope or not scope[-1].startswith("{"):
                return [f for f in found if f and not self.is_inside(f)]
            scope = scope[:-1]


def _named(module: ir.Path) -> ir.Path:
    """The innermost real module around a function's own scope."""
    while module and module[-1].startswith("{"):
        module = module[:-1]
    return module
