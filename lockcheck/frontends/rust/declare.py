"""What a file declares: types, functions, statics, imports. Bodies are left for `lower`.

In: a `Source`, the module that the file is and its crate.  Out: `ir.Unit`.
Never: looks into a function's body, except for items that are written there, and for whether it is a future's.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

import tree_sitter as ts
from msgspec import Struct, field
from msgspec.structs import replace

from lockcheck import ir
from lockcheck.frontends.rust import expand, futures, items, mended, syntax
from lockcheck.source import Crate, Source

_ITEM_WORD = re.compile(rb"\b(?:fn|struct|enum|use|impl|mod|static|trait|macro_rules)\b")
_TESTS = re.compile(r"#\[\s*(?:cfg\s*\(\s*(?:all\s*\(\s*)?\w*test\b|(?:\w+\s*::\s*)*(?:\w*test|bench)\b)")
"""What marks a module or a function of tests; for whole files Cargo's folders do."""
_DERIVED = re.compile(r"\b(Clone|Debug|Default|PartialEq|PartialOrd|Ord|Hash|Serialize)\b")
"""Traits that are derived by asking each part for the same."""
_MUTABLE = re.compile(rb"&\s*(?:'\w+\s+)?mut\b")
_FORCED = re.compile(
    rb"\b(?:Lazy\w*\s*::\s*force|lazy_static\s*::\s*initialize)\s*\(\s*&\s*(?:\w+\s*::\s*)*([A-Z]\w*)\s*\)"
)
"""A lazy static that is made for its own sake, by its name."""
_STATIC_REF = re.compile(rb"(?<=static) +ref\b")
_ITEMS = ("_item", "_declaration", "_invocation", "_definition")
_REMAINDER = ("line_comment", "block_comment")


def module_of(path: str, crate: Crate | None) -> ir.Path:
    """The module that a file is, its crate first. A file outside any crate is a crate of its own."""
    if crate is None:
        return (path,)
    root = _source_root(crate)
    inside = posixpath.relpath(path, root)
    if inside.startswith(("bin/", "../")):
        return _target_of(posixpath.relpath(path, crate.folder), crate)
    parts = inside.removesuffix(".rs").split("/")
    if parts[-1] == "mod" or path in crate.roots or parts in (["lib"], ["main"]):
        parts.pop()
    return (crate.name.replace("-", "_"), *parts)


def _source_root(crate: Crate) -> str:
    """The folder of the library's (or else the main binary's) first file."""
    for name in ("src/lib.rs", "src/main.rs"):
        if posixpath.normpath(posixpath.join(crate.folder, name)) in crate.roots:
            return posixpath.normpath(posixpath.join(crate.folder, "src"))
    named = [root for root in crate.roots if posixpath.basename(root) in ("lib.rs", "main.rs", f"{crate.name}.rs")]
    first = next(iter(named or crate.roots), posixpath.join(crate.folder, "src/lib.rs"))
    return posixpath.normpath(posixpath.dirname(first))


def _target_of(inside: str, crate: Crate) -> ir.Path:
    """Tests, examples, benches and further binaries are crates of their own, one for each file on their top level."""
    parts = inside.removesuffix(".rs").split("/")
    depth = 3 if inside.startswith("src/bin/") else 2
    root, below = "/".join(parts[:depth]), parts[depth:]
    if below and below[-1] in ("mod", "main"):
        below.pop()
    return (f"{crate.name.replace('-', '_')}@{root}", *below)


class _Scope(Struct):
    """Where an item stands."""

    module: ir.Path
    owner: ir.Type | None = None
    trait: ir.Type | None = None
    generics: ir.Path = ()
    bounds: tuple[tuple[str, ir.Type], ...] = ()
    within: ir.Range | None = None
    lent: bool = False
    """What is implemented here is for references, so that `self` is one whatever is written."""
    own: tuple[tuple[str, ir.Type], ...] = ()
    """The types that an `impl` says under names of its own: `type Item = u32;` for `Self::Item`."""

    def meant(self, kind: ir.Type | None) -> ir.Type | None:
        """A type with the names that the `impl` gives types replaced by these."""
        if kind is None or not self.own:
            return kind
        if kind.path[0] == "Self" and len(kind.path) == 2:
            return next((one for name, one in self.own if name == kind.path[1]), kind)
        return ir.Type(kind.path, tuple(self.meant(one) or one for one in kind.args)) if kind.args else kind


class _Declarer(Struct):
    source: Source
    crate: str
    file_module: ir.Path
    imports: list[ir.Import] = field(default_factory=list)
    types: list[ir.TypeDecl] = field(default_factory=list)
    statics: list[ir.Static] = field(default_factory=list)
    functions: list[ir.Function] = field(default_factory=list)
    derefs: list[ir.Deref] = field(default_factory=list)
    problems: list[tuple[int, str]] = field(default_factory=list)
    macros: list[ir.Macro] = field(default_factory=list)
    shift: int = 0
    exported: bool = False
    derived: ir.Path = ()
    tests: bool = False
    named: futures.Named = {}
    made: items.Made | None = None
    """What a macro of the file makes, while it is read."""
    depth: int = 0

    def at(self, node: ts.Node) -> ir.Range:
        start, end = node.start_byte + self.shift, node.end_byte + self.shift
        return (start, end) if self.made is None else self.made.at(start, end)

    def function(self, function: ir.Function, node: ts.Node) -> bool:
        """A function is declared; of those that a macro makes, one whose text is the macro's but for plain names."""
        if self.made is not None:
            given = self.made.given(node.start_byte + self.shift)
            text, _ = items.with_given(self.source.data[slice(*function.at)], function.at[0], given)
            if text != node.text:
                return False
            function = replace(function, given=given)
        self.functions.append(function)
        return True

    # ---------------------------------------------------------------------------------------------------- items

    def items(self, nodes: list[ts.Node], scope: _Scope) -> None:
        file_named, self.exported, self.derived = "", False, ()
        around, tests = self.tests, False
        for node in nodes:
            kind = node.type
            if kind == "attribute_item":
                said = syntax.text(node)
                tests = tests or _TESTS.match(said) is not None
                file_named = _path_attribute(node) or file_named
                self.exported = self.exported or "macro_export" in said
                if "derive" in said:
                    self.derived += tuple(_DERIVED.findall(said))
                continue
            if kind in _REMAINDER:
                continue
            handler = getattr(self, f"_{kind}", None)
            if handler is not None:
                self.tests = around or tests
                handler(node, scope)
                self.tests = around
            if kind == "mod_item" and node.child_by_field_name("body") is None:
                self._outside_module(node, scope, file_named)
            file_named, self.exported, self.derived, tests = "", False, (), False

    def _outside_module(self, node: ts.Node, scope: _Scope, file_named: str) -> None:
        """`mod m;`: where the file is not where the module tree says, the name is an import of where it is."""
        name = syntax.text(node.child_by_field_name("name") or node)
        here = self.file_module
        if file_named:
            folder = posixpath.dirname(self.source.path)
            inside = posixpath.normpath(posixpath.join(folder, file_named)).removesuffix(".rs").removesuffix("/mod")
            steps = posixpath.relpath(inside, folder).split("/")
            base = here if posixpath.basename(self.source.path) in ("mod.rs", "lib.rs", "main.rs") else here[:-1]
            while steps and steps[0] == "..":
                steps, base = steps[1:], base[:-1]
            self.imports.append(ir.Import(scope.module, name, (*base, *steps)))
        elif "@" in here[0] and len(here) == 1:
            self.imports.append(ir.Import(scope.module, name, (f"{posixpath.dirname(here[0])}/{name}",)))

    def _mod_item(self, node: ts.Node, scope: _Scope) -> None:
        body = node.child_by_field_name("body")
        if body is not None:
            name = syntax.text(node.child_by_field_name("name") or node)
            self.items(body.named_children, _Scope((*scope.module, name)))

    def _extern_crate_declaration(self, node: ts.Node, scope: _Scope) -> None:
        alias, name = node.child_by_field_name("alias"), node.child_by_field_name("name")
        if name is not None:
            self.imports.append(ir.Import(scope.module, syntax.text(alias or name), ("::", syntax.text(name))))

    def _use_declaration(self, node: ts.Node, scope: _Scope) -> None:
        argument = node.child_by_field_name("argument")
        if argument is not None:
            for name, target in _uses(argument, ()):
                self.imports.append(ir.Import(scope.module, name, target))

    def _struct_item(self, node: ts.Node, scope: _Scope) -> None:
        self._type(node, scope, "struct", tuple(self._fields(node.child_by_field_name("body"))))

    _union_item = _struct_item

    def _enum_item(self, node: ts.Node, scope: _Scope) -> None:
        body = node.child_by_field_name("body")
        fields, values = list[ir.Field](), list[str]()
        for variant in body.named_children if body else ():
            if variant.type == "enum_variant":
                name = syntax.text(variant.child_by_field_name("name") or variant)
                values.append(name)
                fields += self._fields(variant.child_by_field_name("body"), f"{name}.")
        self._type(node, scope, "enum", tuple(fields), tuple(values))

    def _type_item(self, node: ts.Node, scope: _Scope) -> None:
        meaning = syntax.type_of(node.child_by_field_name("type"))
        name = syntax.text(node.child_by_field_name("name") or node)
        if meaning is None:
            return
        if scope.owner is not None:
            if name == "Target" and syntax.name_of(scope.trait) == "Deref":
                self.derefs.append(ir.Deref(scope.module, scope.owner, meaning))
            return
        self._type(node, scope, "alias", (ir.Field("=", meaning, self.at(node)),))

    def _type(
        self, node: ts.Node, scope: _Scope, kind: str, fields: tuple[ir.Field, ...], values: ir.Path = ()
    ) -> None:
        name = syntax.text(node.child_by_field_name("name") or node)
        generics, _ = _generics(node)
        bases = tuple(_bounds(node.child_by_field_name("bounds")))
        self.types.append(
            ir.TypeDecl(
                scope.module,
                name,
                kind,
                generics,
                fields,
                bases,
                self.at(node),
                values,
                copied="Clone" in self.derived,
                derived=self.derived,
            )
        )

    def _fields(self, body: ts.Node | None, prefix: str = "") -> Iterator[ir.Field]:
        if body is None:
            return
        if body.type == "field_declaration_list":
            for child in body.named_children:
                kind = syntax.exactly(child.child_by_field_name("type"))
                name = child.child_by_field_name("name")
                if kind is not None and name is not None:
                    yield ir.Field(prefix + syntax.text(name), kind, self.at(name))
            return
        for number, child in enumerate(body.children_by_field_name("type")):
            yield ir.Field(f"{prefix}{number}", syntax.exactly(child) or ir.Type(("_",)), self.at(child))

    def _static_item(self, node: ts.Node, scope: _Scope) -> None:
        name = node.child_by_field_name("name")
        if name is not None and scope.owner is None:
            kind = syntax.type_of(node.child_by_field_name("type"))
            by_ref = kind is not None and self._is_by_ref(node, name)
            if by_ref and kind is not None:
                kind = ir.Type(("Lazy",), (kind,))
            value = node.child_by_field_name("value")
            listed = tuple(syntax.listed(value)) if value is not None else ()
            self.statics.append(ir.Static(scope.module, syntax.text(name), kind, self.at(name), listed))
            if value is not None and kind is not None and (by_ref or syntax.made_by(value) is not None):
                self._initialiser(node, name, value, scope)

    def _is_by_ref(self, node: ts.Node, name: ts.Node) -> bool:
        """Whether it is written `static ref NAME`, as macros do for what is made when it is first used."""
        return b"ref" in self.source.data[self.at(node)[0] : self.at(name)[0]].split()

    def _initialiser(self, node: ts.Node, name: ts.Node, value: ts.Node, scope: _Scope) -> None:
        """What makes a lazy static is a function of its own, which runs while others wait for the static."""
        title = syntax.text(name)
        made = ir.Function(
            scope.module,
            title,
            None,
            None,
            (),
            (),
            (),
            False,
            None,
            False,
            self.at(node),
            self.at(name),
            self.at(value),
            made_once=title,
        )
        self.function(made, node)

    _const_item = _static_item

    # ------------------------------------------------------------------------------------------- impls, functions

    def _impl_item(self, node: ts.Node, scope: _Scope) -> None:
        body = node.child_by_field_name("body")
        owner = syntax.type_of(node.child_by_field_name("type"))
        if body is None or owner is None:
            return
        generics, bounds = _generics(node)
        trait = syntax.type_of(node.child_by_field_name("trait"))
        lent = syntax.is_reference(node.child_by_field_name("type"))
        named = [child for child in body.named_children if child.type == "type_item"]
        said = ((one.child_by_field_name("name"), syntax.exactly(one.child_by_field_name("type"))) for one in named)
        own = tuple((syntax.text(name), kind) for name, kind in said if name is not None and kind is not None)
        self.items(body.named_children, _Scope(scope.module, owner, trait, generics, bounds, lent=lent, own=own))

    def _trait_item(self, node: ts.Node, scope: _Scope) -> None:
        self._type(node, scope, "trait", ())
        body = node.child_by_field_name("body")
        generics, bounds = _generics(node)
        trait = ir.Type((syntax.text(node.child_by_field_name("name") or node),))
        if body is not None:
            self.items(
                body.named_children, _Scope(scope.module, ir.Type(("[dyn]",), (trait,)), trait, generics, bounds)
            )

    def _function_item(self, node: ts.Node, scope: _Scope) -> None:
        name = node.child_by_field_name("name")
        if name is None:
            return
        generics, bounds = _generics(node)
        params, takes_self = self._params(node.child_by_field_name("parameters"), scope)
        body = node.child_by_field_name("body")
        returns = scope.meant(syntax.exactly(node.child_by_field_name("return_type")))
        modifiers = next((c for c in node.children if c.type == "function_modifiers"), None)
        waits = modifiers is not None and b"async" in (modifiers.text or b"")
        if not waits and futures.is_made(node, body, self.named):
            waits, returns = True, scope.meant(futures.output(node, self.named))
        function = ir.Function(
            scope.module, syntax.text(name), scope.owner, scope.trait, scope.generics + generics, scope.bounds + bounds,
            params, takes_self, returns, waits, self.at(node), self.at(name), self.at(body) if body else None,
            of_tests=self.tests, inner=not (scope.trait or any(c.type == "visibility_modifier" for c in node.children)),
        )  # fmt: skip
        if self.function(function, node) and body is not None and _ITEM_WORD.search(body.text or b""):
            inner = replace(
                scope, module=(*scope.module, f"{{{function.name}}}"), owner=None, trait=None, within=self.at(body)
            )
            self._written_inside(body, inner)

    _function_signature_item = _function_item

    def _written_inside(self, node: ts.Node, scope: _Scope) -> None:
        """Items between the statements of a function are declared in a module of the function's own."""
        others = ("use_declaration", "macro_definition")
        items = [c for c in node.named_children if c.type.endswith("_item") or c.type in others]
        if items:
            self.items(items, scope)
        for child in node.named_children:
            if not child.type.endswith("_item") and child.named_child_count and _ITEM_WORD.search(child.text or b""):
                self._written_inside(child, scope)

    def _params(self, node: ts.Node | None, scope: _Scope) -> tuple[tuple[ir.Param, ...], bool]:
        """The parameters, and whether `self` is one."""
        params, takes_self, lent = [], False, scope.lent
        for child in node.named_children if node else ():
            if child.type == "self_parameter":
                takes_self = True
                by_value = not (child.text or b"").startswith(b"&")
                params.append(ir.Param("self", syntax.SELF, by_value, alone=not lent and (by_value or _changes(child))))
            elif child.type == "parameter":
                pattern, kind = child.child_by_field_name("pattern"), child.child_by_field_name("type")
                name = syntax.text(pattern) if pattern is not None else ""
                takes_self = takes_self or name == "self"
                by_value = kind is not None and kind.type != "reference_type"
                inner = kind.child_by_field_name("type") if kind is not None and _changes(kind) else kind
                alone = kind is not None and not syntax.is_reference(inner) and not (lent and name == "self")
                params.append(ir.Param(name, scope.meant(syntax.type_of(kind)), by_value, alone=alone))
        return tuple(params), takes_self

    # --------------------------------------------------------------------------------------------------- macros

    def _macro_definition(self, node: ts.Node, scope: _Scope) -> None:
        name, arms = node.child_by_field_name("name"), []
        if self.made is not None:
            return
        for rule in node.named_children:
            takes, gives = rule.child_by_field_name("left"), rule.child_by_field_name("right")
            if takes is None or gives is None:
                continue
            (before, _), (after, _) = self.at(takes), self.at(gives)
            arms.append(ir.MacroArm((takes.text or b"")[1:-1], before + 1, (gives.text or b"")[1:-1], after + 1))
        if name is not None and arms:
            seen = self.exported, scope.within
            self.macros.append(
                ir.Macro(self.source.path, scope.module, syntax.text(name), tuple(arms), *seen, self.at(node))
            )

    def _macro_invocation(self, node: ts.Node, scope: _Scope) -> None:
        """Items inside a macro (`cfg_rt! { … }`, `lazy_static! { … }`, `cfg_if! { … }`) are items."""
        for tree in node.named_children:
            if tree.type == "token_tree":
                self._token_items(tree, scope)
                self._made_items(node, tree, scope)

    def _made_items(self, node: ts.Node, tree: ts.Node, scope: _Scope) -> None:
        """The items that a macro of this file makes."""
        spelled = syntax.path(node.child_by_field_name("macro"))
        known = [macro for macro in self.macros if spelled and macro.name == spelled[-1]]
        made = items.make(known[-1], (tree.text or b"")[1:-1]) if known and self.depth < expand.DEEPEST else None
        if made is None or not made.pieces:
            return
        before = self.made, self.shift
        self.made, self.shift, self.depth = made, 0, self.depth + 1
        root = syntax.parse(made.text)
        self.items([n for n in root.named_children if n.type.endswith(_ITEMS)], scope)
        (self.made, self.shift), self.depth = before, self.depth - 1

    def _expression_statement(self, node: ts.Node, scope: _Scope) -> None:
        for child in node.named_children:
            if child.type == "macro_invocation":
                self._macro_invocation(child, scope)

    def _token_items(self, tree: ts.Node, scope: _Scope) -> None:
        data = (tree.text or b"")[1:-1]
        if not _ITEM_WORD.search(data):
            return
        groups = [c for c in tree.children if c.type == "token_tree" and (c.text or b"").startswith(b"{")]
        words = {syntax.text(c) for c in tree.children if c.type == "identifier"} | {c.type for c in tree.children}
        if groups and "if" in words and "fn" not in words:
            for group in groups:
                self._token_items(group, scope)
            return
        root = syntax.parse(syntax.blank(data, _STATIC_REF))
        before, self.shift = self.shift, self.shift + tree.start_byte + 1
        self.items([n for n in root.named_children if n.type.endswith(_ITEMS)], scope)
        self.shift = before


def _path_attribute(node: ts.Node) -> str:
    said = re.match(r'#\[\s*path\s*=\s*"([^"]+)"', syntax.text(node))
    return said[1] if said else ""


def _uses(node: ts.Node, prefix: ir.Path) -> Iterator[tuple[str, ir.Path]]:
    """The names that a use tree brings in, with their full paths as written."""
    kind = node.type
    if kind == "scoped_use_list":
        below = prefix + syntax.path(node.child_by_field_name("path"))
        listed = node.child_by_field_name("list")
        for child in listed.named_children if listed else ():
            yield from _uses(child, below)
    elif kind == "use_list":
        for child in node.named_children:
            yield from _uses(child, prefix)
    elif kind == "use_as_clause":
        alias = node.child_by_field_name("alias")
        target = prefix + syntax.path(node.child_by_field_name("path"))
        if alias is not None:
            yield syntax.text(alias), target[:-1] if target[-1:] == ("self",) and len(target) > 1 else target
    elif kind == "use_wildcard":
        yield "*", prefix + (syntax.path(node.named_children[0]) if node.named_children else ())
    elif kind == "self":
        if prefix:
            yield prefix[-1], prefix
    elif kind in ("identifier", "scoped_identifier", "crate", "super", "metavariable"):
        target = prefix + syntax.path(node)
        if target:
            yield target[-1], target


def _bounds(node: ts.Node | None) -> Iterator[ir.Type]:
    for child in node.named_children if node else ():
        kind = syntax.type_of(child)
        if kind is not None and child.type != "lifetime":
            yield kind


def _generics(node: ts.Node) -> tuple[ir.Path, tuple[tuple[str, ir.Type], ...]]:
    """The type parameters of an item, and what they must implement."""
    names: list[str] = []
    bounds: list[tuple[str, ir.Type]] = []
    listed = node.child_by_field_name("type_parameters")
    for child in listed.named_children if listed else ():
        name = child.child_by_field_name("name")
        if child.type == "type_parameter" and name is not None:
            names.append(syntax.text(name))
            bounds += [(names[-1], b) for b in _bounds(child.child_by_field_name("bounds"))]
    where = next((c for c in node.children if c.type == "where_clause"), None)
    for child in where.named_children if where else ():
        left = child.child_by_field_name("left")
        if left is not None and left.type == "type_identifier":
            bounds += [(syntax.text(left), b) for b in _bounds(child.child_by_field_name("bounds"))]
    return tuple(names), tuple(bounds)


def _named(root: ts.Node) -> Iterator[tuple[str, tuple[ir.Path, ir.Type]]]:
    """The names that a file has for futures: `type Later<T> = Pin<Box<dyn Future<Output = T>>>;`."""
    for node in root.named_children:
        if node.type == "type_item" and b"Future" in (node.text or b""):
            name, meaning = node.child_by_field_name("name"), syntax.type_of(node.child_by_field_name("type"))
            if name is not None and meaning is not None:
                yield syntax.text(name), (_generics(node)[0], meaning)


def declare(source: Source, crate: Crate | None) -> ir.Unit:
    """The declarations of a file. Never raises: what is broken is a problem (line, why) of the unit."""
    module = module_of(source.path, crate)
    root = mended.parse(source.data)
    named = dict(_named(root)) if b"Future" in source.data else {}
    declarer = _Declarer(source, module[0], module, tests=_is_tests(source.path), named=named)
    try:
        declarer.items(root.named_children, _Scope(module))
    except RecursionError:
        declarer.problems.append((1, "nested too deep to be read; what stands before it was analysed"))
    if root.has_error:
        declarer.problems.append((_first_error(root), "cannot be parsed here; the rest of the file was analysed"))
    return ir.Unit(
        source.path, "rust", module[0], tuple(declarer.imports), tuple(declarer.types), tuple(declarer.statics),
        tuple(declarer.functions), tuple(declarer.derefs), tuple(declarer.problems), tuple(declarer.macros),
        forced=tuple(sorted({name.decode() for name in _FORCED.findall(source.data)})),
    )  # fmt: skip


def _changes(node: ts.Node) -> bool:
    """Whether a parameter is a reference by which the value can be changed: `&mut self`, `rows: &'a mut Rows`."""
    return _MUTABLE.match(node.text or b"") is not None


def _is_tests(path: str) -> bool:
    """Whether a file holds nothing but tests, as Cargo and people lay them out: `tests/it.rs`, `src/cache/tests.rs`."""
    *folders, name = path.split("/")
    return not {"tests", "benches"}.isdisjoint(folders) or name in ("tests.rs", "test.rs")


def _first_error(root: ts.Node) -> int:
    """The line (from 1) of the first broken place."""
    node = root
    while True:
        broken = next((c for c in node.children if c.has_error or c.is_missing or c.is_error), None)
        if broken is None or node.is_error:
            return node.start_point[0] + 1
        node = broken
