"""What a file declares: classes with their fields, functions, module variables, imports. Bodies are left for `lower`.

In: a `Source` and the folder that its imports begin at.  Out: `ir.Unit`.
Never: a full parse; a value is parsed where its type is not plain from its first words.
"""

from __future__ import annotations

import posixpath
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct, field, structs
from msgspec.structs import replace

from lockcheck import ir
from lockcheck.frontends.python import handed, own_locks, values
from lockcheck.frontends.python.scan import AROUND, MODULE, Line, Outline, outline, own_statements, trimmed
from lockcheck.source import Crate, Source


def _apart(words: Iterable[bytes]) -> bytes:
    """What finds one of some names that is no part of a way or of a longer name's end.

    The names come first: what begins with bytes that are told is looked for many times as fast as what looks back.
    """
    return b"(?:" + b"|".join(rb"%b(?<![\w.]%b)" % (one, one) for one in map(re.escape, words)) + b")"


SELF = ir.Type(("Self",))
_OWNER = _apart([b"self", b"cls"])
_DEF = re.compile(rb"(async\s+)?def\s+(\w+)\s*")
_CLASS = re.compile(rb"class\s+(\w+)\s*")
_IMPORT = re.compile(rb"(?:import|from)\b")
_NAME = re.compile(rb"(\w+)\s*(:|=(?!=))")
_NAMES = re.compile(rb"\w+(?:[ \t]*,[ \t]*\w+)+[ \t]*=(?!=)|\w+[ \t]*=(?!=)[ \t]*\w+[ \t]*=(?!=)")
"""Several names are given values in one statement."""
_SELF_FIELD = re.compile(rb"(" + _OWNER + rb")\.(\w+)\s*(?::[^=\n]*)?=(?!=)")
_BINDS = re.compile(
    rb"^[ \t]*(?!(?:else|try|finally)\b)([^\W\d]\w*)[ \t]*:[^=\n]*=(?!=)|(?<![\w.])([^\W\d]\w*)\s*=(?!=)"
    rb"|(?<!\w)for\s+(\w+(?:\s*,\s*\w+)*)\s+in\b",
    re.MULTILINE,
)
"""A name is given a value, or each of several."""
_SELF_CHAIN = re.compile(rb"[ \t]*((?:self|cls)\.\w+)[ \t]*=(?!=)")
"""What is assigned to a field is assigned to another one as well."""
_SELF_SEVERAL = re.compile(rb"self(?<![\w.,]self)(?:\.\w+[ \t]*,[ \t]*self)+\.\w+[ \t]*=(?!=)")
_ASKED = re.compile(_apart([b"self"]) + rb"\.(\w+)\.(\w+)")
_PUTS = rb"(?:\.(?:append|appendleft|add|insert|put|put_nowait|setdefault)\s*(?=\()|\s*\[[^\[\]\n]*\]\s*=(?!=))"
_PUT_IN = re.compile(_OWNER + rb"\.(\w+)" + _PUTS)
_RUN_ON = re.compile(_OWNER + rb"\.(\w+)\.(?:submit|apply_async)\s*\(\s*((?:self|cls)\.\w+)\s*[,)]")
"""A field's value is given a method to run beside."""
_COMPUTED = frozenset({"property", "cached_property", "abstractproperty", "lazy_property", "memoized_property"})
_ASSIGNED = frozenset({"setter", "deleter"})
_COROUTINES = frozenset({"coroutine", "inlineCallbacks"})
"""Decorators that make a generator a task that waits where it yields: as it was written before `async def`."""
_OF_TYPE = frozenset({"__new__", "__init_subclass__", "__class_getitem__"})
_BY_HAND = re.compile(
    rb"\.(?:(?:acquire|release)(?:_?\w+)?\b|(?:r|w|read|write)\w*_?(?:[aA]cquire|[rR]elease)\b"
    rb"|(?:(?:r|w|read_?|write_?)?(?:un)?lock(?:For\w+|_\w+)?|tryLock\w*)\(|__a?(?:enter|exit)__\b)"
)
_MAKING = re.compile(rb"(?<![\w.])(?:(?:\w+\.)*[A-Z]\w*|cls)\(")
_CALLING = re.compile(
    rb"[(,=]\s*(?!(?:str|int|len|float|bool|list|dict|set|tuple|repr|range|max|min|sorted|bytes|getattr|super)\b)"
    rb"(?:\w+\.)*\w+\("
)
"""Something is called where an argument stands that may give an object of the tree."""
_LOCAL_MADE = re.compile(rb"^[ \t]+(\w+)[ \t]*=[ \t]*(?=(?:\w+\.)*\w+\()", re.MULTILINE)
_WORD = re.compile(rb"\w+")
_RETURN = re.compile(rb"return(?<!\wreturn)[ \t]+[^\s#]")
_YIELD = re.compile(rb"yield(?<!\wyield)\b(?:[ \t]+(?!from\b))?[^#]")
_HANDS_ON = re.compile(rb"return(?<!\wreturn)\s+getattr\(\s*(\w+)((?:\.\w+)+)\s*,\s*(\w+)\s*\)")
"""`return getattr(self.row, name)`"""
_BARE = re.compile(
    rb"\s*(?:[rRuU]?[\"'](?=(_*))\1\s*)?(?:raise\s+(?:\w+\.)*NotImplemented\w*(?:\s*\([^()]*\))?|pass|\.\.\.|return(?:\s+None)?)?\s*"
)
_PATCH = re.compile(
    rb"\((?<!getattr\()\s*([A-Za-z_]\w*(?:\.\w+)*)\s*,\s*[\"'](\w+)[\"']\s*,\s*(?!None\b|True\b|False\b)"
    rb"([A-Za-z_]\w*(?:\.\w+)*)\s*\)"
)
_LOCKED = re.compile(rb"^[ \t]*(?:async[ \t]+)?with\b|\.acquire\b", re.MULTILINE)
_MARK = re.compile(rb"^[ \t]+@(?:\w+\.)*(\w+)", re.MULTILINE)
_OWN = re.compile(rb"^[ \t]+(\w+)\s*(?::[^=\n]*)?=(?!=)", re.MULTILINE)
_PART_ASKED = re.compile(_apart([b"getattr"]) + rb"\(\s*\w+\s*,\s*(\w+)\s*\)")
"""A part of a value is asked for by the name that a variable has."""
_GLOBAL = re.compile(rb"^[ \t]+global[ \t]+([\w \t,]+)\r?$", re.MULTILINE)
_REFERRING = (("weakref", "ref"), ("weakref", "proxy"))
_OWN_NAMES = (("self",), ("cls",))
_ANYTHING = (("object",), ("Any",))
_VALUES = 8
"""So many values that a variable is given are looked at."""
_UNSAID = ir.Type(("_",))
_MADE_BY_CALL = frozenset({"[made]", "[way]", "[any]"})
_MAY_BE_CLASS = frozenset({"[at]", "[any]", "[parameter]"})
_UNTOLD = frozenset({"_", "None", "[parameter]", "[any]"})
_EMPTY = (ir.Type(("list",)), ir.Type(("dict",)))
_OWN_CLASS_BOUND = re.compile(rb"\bcls\s*=[^=]|\bfor\b[^:\n]*\bcls\b[^:\n]*\bin\b")
"""A variable of the function has the name by which a class method knows its class."""
_ENUMS = frozenset({"Enum", "IntEnum", "StrEnum"})
"""Classes whose values are each one of a class's own: https://docs.python.org/3/library/enum.html."""
_KEYWORDS = frozenset({"else", "try", "finally", "lambda", "match", "case"})
_PLAIN = _COMPUTED | AROUND | _ASSIGNED | _COROUTINES
_PLAIN |= {"staticmethod", "classmethod", "abstractmethod", "override", "final"}


def module_of(path: str, crate: Crate | None) -> ir.Path:
    """The module that a file is, as imports spell it."""
    inside = posixpath.relpath(path, crate.folder) if crate is not None else posixpath.basename(path)
    parts = [part for part in inside.rpartition(".")[0].split("/") if part != ".."]
    if parts[-1:] == ["__init__"] and len(parts) > 1:
        parts.pop()
    return tuple(parts)


class _Scope(Struct, frozen=True):
    """Where a statement stands: the module, the class around it, and whether it is inside a function."""

    module: ir.Path
    owner: ir.Path = ()
    local: bool = False


class _Declarer(Struct):
    data: bytes
    text: Outline
    package: bool
    tests: bool = False
    runs: bool = False
    """Something may be given to others to run."""
    marks: frozenset[bytes] = frozenset()
    """What stands before definitions (`@name`), by its last name."""
    imports: list[ir.Import] = field(default_factory=list)
    types: list[ir.TypeDecl] = field(default_factory=list)
    statics: list[ir.Static] = field(default_factory=list)
    functions: list[ir.Function] = field(default_factory=list)
    makings: list[ir.Making] = field(default_factory=list)
    handings: list[ir.Handing] = field(default_factory=list)
    showings: list[ir.Showing] = field(default_factory=list)
    bound: dict[ir.Range, dict[bytes, list[re.Match[bytes]]]] = field(default_factory=dict)
    """The bindings of the functions that were looked into."""
    objects: dict[bytes, None] = field(default_factory=dict)
    """The variables of the module that objects of a class are put into, of so many of all as were looked at."""
    looked_at: int = 0

    def patches(self, module: ir.Path) -> Iterator[ir.Patch]:
        """Where a function is given together with a name and what has it: `wrap(logging.Logger, "handle", own)`."""
        for said in _PATCH.finditer(self.data):
            if self.text.masked[said.start() : said.start() + 1] == b"(":
                of, name, by = (part.decode() for part in said.groups())
                yield ir.Patch(module, tuple(of.split(".")), name, tuple(by.split(".")))

    # ------------------------------------------------------------------------------------------------- statements

    def block(self, start: int, end: int, scope: _Scope) -> list[ir.Field]:
        """Declare what the block from `start` to `end` does; returns the fields that it gives a class."""
        fields: list[ir.Field] = []
        skip = start
        decorated = -1
        for line in self.text.inside(start, end):
            if line.start < skip:
                continue
            first = self.text.masked[line.start : line.start + 1]
            if first == b"@":
                decorated = line.start if decorated < 0 else decorated
                skip = self.text.statement_end(line.start)
                continue
            done = self.definition(line, scope, decorated if decorated >= 0 else line.start)
            decorated = -1
            if done:
                skip = done
            elif first in b"if" and _IMPORT.match(self.text.masked, line.start):
                skip = self.text.statement_end(line.start)
                self.import_line(line.start, skip, scope)
            elif not scope.local and _NAMES.match(self.text.masked, line.start) is not None:
                skip = self.text.statement_end(line.start)
                self.several(line.start, skip, scope, fields)
            elif not scope.local and (said := _NAME.match(self.text.masked, line.start)) is not None:
                skip = self.text.statement_end(line.start)
                self.variable(line, said, skip, scope, fields)
        return fields

    def definition(self, line: Line, scope: _Scope, begin: int) -> int:
        """Declare the function or class that a line begins; returns where it ends, 0 where it begins none."""
        masked = self.text.masked
        if masked[line.start] in b"da" and (said := _DEF.match(masked, line.start)) is not None:
            line = replace(line, end=self.text.block_end(line))
            self.function(line, said, scope, begin)
            return line.end
        if masked[line.start] == ord("c") and (said := _CLASS.match(masked, line.start)) is not None:
            line = replace(line, end=self.text.block_end(line))
            self.class_(line, said, scope)
            return line.end
        return 0

    def class_(self, line: Line, said: re.Match[bytes], scope: _Scope) -> None:
        name = said[1].decode()
        after = said.end()
        bases: tuple[ir.Type, ...] = ()
        of: ir.Type | None = None
        if self.text.masked[after : after + 1] == b"[":
            after = self.text.closing(after) + 1
        if self.text.masked[after : after + 1] == b"(":
            end = self.text.closing(after)
            bases = tuple(values.bases(self.data[after + 1 : end]))
            of = values.metaclass(self.data[after + 1 : end])
        body = self.text.header_end(after)
        inner = _Scope(scope.module, (*scope.owner, name))
        at = len(self.types)
        first = len(self.functions)
        fields = self.block(body, line.end, inner)
        methods = [one for one in self.functions[first:] if one.owner is not None and one.owner.path == inner.owner]
        own = [*self.own_fields(body, line.end, methods), *self.several_own(body, line.end, methods)]
        merged = _merged(fields, own, self.put_in(body, line.end, methods), self.asked(body, line.end))
        lock = own_locks.told(name, self.data, (body, line.end), [one.body_at or one.at for one in methods])
        module = (*scope.module, *scope.owner)
        enum = any(base.path[-1] in _ENUMS for base in bases)
        each = tuple(one.name for one in fields if not one.name.startswith("_")) if enum else ()
        decl = ir.TypeDecl(module, name, "class", (), merged, bases, said.span(1), each, of=of, **lock._asdict())
        self.types.insert(at, decl)
        parts = {one.name for one in methods if not one.computed} | {one.name for one in merged if one.put}
        for one in handed.arguments(self.text.masked, body, line.end, parts):
            self.handings.append(ir.Handing(scope.module, ir.Type(inner.owner), *one))
        self.showings += self.shown(body, line.end, methods, inner)

    def shown(self, start: int, end: int, methods: list[ir.Function], scope: _Scope) -> Iterator[ir.Showing]:
        """What the methods of a class show of their object to others, and of what others are to their own methods."""
        begins = [method.at[0] for method in methods]
        open_ = {one.name for one in methods if len(one.params) > 1 and one.params[1].type is None}
        names = {one.name for one in methods if not one.computed}
        for one in handed.shown(self.text.masked, start, end, names, open_):
            number = bisect_right(begins, one.at) - 1
            said = [ir.Type(("[at]", *name.split("."))) for name in (one.to, one.shown)]
            to, kind = (self.local_type(each, methods[number], one.at) if number >= 0 else None for each in said)
            told = all(
                each is not None and (each.path[0] != "[at]" or each.path[1:2] in _OWN_NAMES) for each in (to, kind)
            )
            if told and to is not None and kind is not None:
                yield ir.Showing(scope.module, ir.Type(scope.owner), to, *one[2:5], kind)

    def own_fields(self, start: int, end: int, methods: list[ir.Function]) -> Iterator[ir.Field]:
        """What the methods of a class assign to `self` and `cls`."""
        begins = [method.at[0] for method in methods]
        for said in _SELF_FIELD.finditer(self.text.masked, start, end):
            if self.text.masked[said.start() - 2 : said.start()].rstrip() == b",":
                continue  # (one of several, see `several_own`)
            name, until = said[2].decode(), self.text.statement_end(said.end())
            goes_on = _SELF_CHAIN.match(self.text.masked, said.end())
            value = goes_on[1] if goes_on is not None else self.text.masked[said.end() : until]
            kind = self.referred(values.value_type(value))
            colon, made = self.text.masked.find(b":", said.end(2), said.end() - 1), None
            if colon >= 0:
                told = values.annotation(self.data[colon + 1 : said.end() - 1])
                made = kind if _is_made_of(kind, told) else None
                kind = _surer(told, kind)
            number = bisect_right(begins, said.start()) - 1
            method = methods[number] if number >= 0 else None
            given = self.given(kind, method) if method is not None else ""
            kind = self.local_type(kind, method) if method is not None else kind
            yield ir.Field(name, kind or _UNSAID, said.span(2), said[1] == b"cls", given=given, made=made)

    def several_own(self, start: int, end: int, methods: list[ir.Function]) -> Iterator[ir.Field]:
        """What the methods of a class assign to several fields in one statement: `self.a, self.b = one, other`."""
        begins = [method.at[0] for method in methods]
        for said in _SELF_SEVERAL.finditer(self.text.masked, start, end):
            names = [name.strip()[len(b"self.") :].decode() for name in said[0][:-1].split(b",")]
            made = values.value_types(self.text.masked[said.end() : self.text.statement_end(said.end())])
            number = bisect_right(begins, said.start()) - 1
            for name, kind in zip(names, made, strict=False) if len(made) == len(names) and number >= 0 else ():
                known = self.local_type(self.referred(kind), methods[number])
                if known is not None:
                    at = said.start() + said[0].index(f"self.{name}".encode()) + len("self.")
                    yield ir.Field(name, known, (at, at + len(name)), given=self.given(kind, methods[number]))

    def given(self, kind: ir.Type | None, method: ir.Function) -> str:
        """The parameter of a class's maker that a value is, by name; empty where it is something else."""
        name = kind.path[1] if kind is not None and kind.path[0] == "[at]" and len(kind.path) == 2 else ""
        if method.name != "__init__" or all(one.name != name for one in method.params[1:]):
            return ""
        return name if self.assigned(name, method.body_at or (0, 0)) is None else ""

    def referred(self, kind: ir.Type | None) -> ir.Type | None:
        """What a reference is made for that does not keep it, `weakref.ref(pool)`; anything else as it is."""
        if kind is None or kind.path != ("[made]",) or len(kind.args) < 2:
            return kind
        path = kind.args[0].path
        said = next((one.target[1:] for one in self.imports if (one.name,) == path), path)
        return kind.args[1] if said in _REFERRING else kind

    def put_in(
        self, start: int, end: int, methods: list[ir.Function], puts: re.Pattern[bytes] = _PUT_IN
    ) -> dict[str, list[ir.Type]]:
        """What functions, the methods of a class, put into the containers that its fields hold, by field."""
        found: dict[str, list[ir.Type]] = {}
        begins = [method.at[0] for method in methods]
        for said in puts.finditer(self.text.masked, start, end):
            at = said.end()
            if self.text.masked[at : at + 1] == b"(":
                kind = values.last_argument(self.text.masked[at + 1 : self.text.closing(at)])
            else:
                kind = values.value_type(self.text.masked[at : self.text.statement_end(at)])
            number = bisect_right(begins, said.start()) - 1
            kind = self.local_type(self.referred(kind), methods[number], said.start()) if number >= 0 else kind
            if kind is not None and kind.path != ("None",) and kind not in found.setdefault(said[1].decode(), []):
                found[said[1].decode()].append(kind)
        for said in _RUN_ON.finditer(self.text.masked, start, end) if puts is _PUT_IN and self.runs else ():
            kind = ir.Type(("[at]", *said[2].decode().split(".")))
            if kind not in found.setdefault(said[1].decode(), []):
                found[said[1].decode()].append(kind)
        return found

    def asked(self, start: int, end: int) -> dict[str, set[str]]:
        """What the methods of a class ask the values of its fields for, by field."""
        found: dict[str, set[str]] = {}
        for said in _ASKED.finditer(self.text.masked, start, end):
            found.setdefault(said[1].decode(), set()).add(said[2].decode())
        return found

    def local_type(self, kind: ir.Type | None, method: ir.Function, before: int = -1) -> ir.Type | None:
        """The type of a value that may be named by a parameter or a variable of the method that it stands in.

        `before`: it is what the variable was last said to be before that place, not what it is first.
        """
        if kind is not None and kind.path[0] in ("[way]", "[any]"):
            args = tuple(self.local_type(one, method) or ir.Type(("_",)) for one in kind.args)
            return ir.Type(kind.path, args)
        if kind is not None and kind.path == ("[made]",):
            known = self.made_by_variable(kind, method)
            return known if known is not None or self.is_of_other_class(kind, method.body_at or (0, 0)) else kind
        if kind is None or kind.path[0] != "[at]" or kind.path[1] in ("self", "cls"):
            return kind
        name, rest = kind.path[1], kind.path[2:]
        param = next((one for one in method.params if one.name == name), None)
        if param is not None and param.type is not None:
            return ir.Type(("[way]", *rest), (param.type,)) if rest else param.type
        if param is not None:
            passed = ir.Type(("[parameter]", method.name, name, *rest))
            made = self.assigned(name, method.body_at or (0, 0))
            if made is None or made.path != ("[made]",):
                return passed
            return ir.Type(("[any]",), (ir.Type(("[way]", *rest), (made,)) if rest else made, passed))
        found = self.assigned(name, method.body_at or (0, 0), before) if before >= 0 else None
        found = found or self.told(name, method.body_at or (0, 0))
        if found is None or found.path[0] == "[at]":
            return kind
        return ir.Type(("[way]", *rest), (found,)) if rest else found

    def made_by_variable(self, made: ir.Type, method: ir.Function) -> ir.Type | None:
        """What is made by calling a parameter or a variable of a method that stands for a class: `make_lock()`."""
        name = made.args[0].path[0]
        if len(made.args[0].path) > 1 or (name == "cls" and method.of_type):
            return None
        if all(one.name != name for one in method.params):
            called = self.told(name, method.body_at or (0, 0))
        else:
            called = self.local_type(ir.Type(("[at]", name)), method)
        return ir.Type(("[way]", "()"), (called,)) if called is not None and called.path[0] in _MAY_BE_CLASS else None

    def is_of_other_class(self, kind: ir.Type, body: ir.Range) -> bool:
        """Whether a value is made by calling `cls` where that is a variable of the function, and not its own class."""
        by_cls = kind.path == ("[made]",) and kind.args[0].path[:1] == ("cls",)
        return by_cls and _OWN_CLASS_BOUND.search(self.text.masked, *body) is not None

    def assigned(self, name: str, body: ir.Range, before: int = -1) -> ir.Type | None:
        """What a function first says that a variable is, or last before a place."""
        found = self.bound_in(body).get(name.encode(), [])
        found = [said for said in found if said.start() < before] if before >= 0 else found
        return self.bound_to(name, found[0 if before < 0 else -1]) if found else None

    def told(self, name: str, body: ir.Range) -> ir.Type | None:
        """What a function says that a variable is: of several values those that calls make, or else the first.

        `row = rows.get(key)` may be nothing, and `row = Row()` says what it is then.
        """
        bound = self.bound_in(body).get(name.encode(), [])[:_VALUES]
        kinds = dict.fromkeys(self.bound_to(name, said) for said in bound)
        made = [kind for kind in kinds if kind is not None and kind.path[0] in _MADE_BY_CALL]
        if len(made) < 2:
            return made[0] if made else next(iter(kinds), None)
        return ir.Type(("[any]",), tuple(made))

    def bound_to(self, name: str, said: re.Match[bytes]) -> ir.Type | None:
        """What one place that gives a value to a variable says that it is."""
        if said[3] is None:
            at = said.end()
            return values.value_type(self.text.masked[at : self.text.statement_end(at)])
        each = values.value_type(self.text.masked[said.end() : self.text.header_end(said.end()) - 1])
        names = [one.strip() for one in said[3].split(b",")]
        part = (str(names.index(name.encode())),) if len(names) > 1 else ()
        return ir.Type(("[way]", "[]", *part), (each,)) if each is not None else None

    def bound_in(self, body: ir.Range) -> dict[bytes, list[re.Match[bytes]]]:
        """Where a function gives values to which names, in the order of the text."""
        if body not in self.bound:
            found: dict[bytes, list[re.Match[bytes]]] = {}
            for said in _BINDS.finditer(self.text.masked, *body):
                for name in (said[1] or said[2] or said[3]).split(b","):
                    found.setdefault(name.strip(), []).append(said)
            self.bound[body] = found
        return self.bound[body]

    def makes(self, start: int, end: int, scope: _Scope) -> None:
        """Calls of classes that are given `self`, a part of it, or what the function or the module has made."""
        calls = [(said.start(), said.end() - 1) for said in _MAKING.finditer(self.text.masked, start, end)]
        made = self.made_here(start, end) if calls and not self.tests else {}
        for begin, opening in calls:
            given = self.text.masked[opening : self.text.closing(opening) + 1]
            inline = not self.tests and _CALLING.search(given) is not None
            if inline or b"self" in given or not made.keys().isdisjoint(_WORD.findall(given)):
                kind = values.value_type(self.text.masked[begin:opening] + given)
                if kind is not None and kind.path == ("[made]",):
                    args = tuple(_told(one, made) for one in kind.args)
                    self.makings.append(ir.Making(scope.module, ir.Type(scope.owner), replace(kind, args=args)))

    def made_here(self, start: int, end: int) -> dict[bytes, ir.Type | None]:
        """The variables of a function that objects of a class are put into, with their types; None: the module's."""
        for one in self.statics[self.looked_at :]:
            if _is_object(one.type):
                self.objects[one.name.encode()] = None
        self.looked_at = len(self.statics)
        found: dict[bytes, ir.Type | None] = dict(self.objects)
        for said in _LOCAL_MADE.finditer(self.text.masked, start, end):
            at = said.end(1)
            kind = values.value_type(self.text.masked[said.end() : self.text.statement_end(at)])
            found[said[1]] = kind if kind is not None and kind.path == ("[made]",) else None
        return found

    def returned(self, start: int, end: int, waits: bool) -> ir.Type | None:
        """What a function returns, or each value that it yields unless it waits for it, where that is said plainly."""
        found: dict[ir.Type, None] = {}
        yields = not waits and _YIELD.search(self.text.masked, start, end) is not None
        for said in (_YIELD if yields else _RETURN).finditer(self.text.masked, start, end):
            at = said.end() - 1
            text = self.text.masked[at : self.text.statement_end(at)].strip()
            kind = values.value_type(text.removeprefix(b"from "))
            if text.startswith(b"from ") and kind is not None:
                kind = ir.Type(("[way]", "[]"), (kind,))
            if kind is not None and kind.path[0] == "[at]" and len(kind.path) == 2 and kind.path[1:] not in _OWN_NAMES:
                kind = self.told(kind.path[1], (start, end))
            if kind is not None and self.is_of_other_class(kind, (start, end)):
                continue
            if kind is not None and (kind.args or (kind.path[0] == "[at]" and kind.path[1:2] in _OWN_NAMES)):
                found[kind] = None
        one = ir.Type(("[any]",), tuple(found)) if len(found) > 1 else next(iter(found), None)
        return ir.Type(("list",), (one,)) if one is not None and yields else one

    def several(self, start: int, end: int, scope: _Scope, fields: list[ir.Field]) -> None:
        """`one = other = value`, where the last name has the value and the others are names of it; `a, b = c, d`."""
        targets, made = values.assigned(self.text.masked[start:end])
        for (name, at), kind in zip(targets, made, strict=True):
            where = (start + at, start + at + len(name))
            if scope.owner:
                fields.append(ir.Field(name, kind or ir.Type(("_",)), where, shared=True))
            else:
                self.statics.append(ir.Static(scope.module, name, kind, where))

    def variable(self, line: Line, said: re.Match[bytes], end: int, scope: _Scope, fields: list[ir.Field]) -> None:
        """`name = value`, `name: type = value` of a module or a class."""
        name, kind, value = said[1].decode(), None, said.end()
        if name in _KEYWORDS:
            return
        if said[2] == b":":
            equal = self.text.masked.find(b"=", said.end(), end)
            kind = values.annotation(self.data[said.end() : equal if equal >= 0 else end])
            value = equal + 1 if equal >= 0 else end
        said_value = self.text.masked[value:end].strip()
        if not scope.owner and (meaning := values.alias(kind, self.data[value:end])) is not None:
            self.types.append(ir.TypeDecl(scope.module, name, "alias", (), (ir.Field("=", meaning, said.span(1)),), (),
                                          said.span(1)))  # fmt: skip
            return
        kind = _surer(kind, values.value_type(said_value))
        if scope.owner:
            each = values.each_has_its_own(said_value) or (said[2] == b":" and not said_value)
            fields.append(ir.Field(name, kind or ir.Type(("_",)), said.span(1), shared=not each))
        else:
            self.statics.append(ir.Static(scope.module, name, kind, said.span(1)))

    def made_later(self, module: ir.Path) -> None:
        """Variables of the module that its functions give a value: `global lock`, and then `lock = Lock()`."""
        known = {one.name: number for number, one in enumerate(self.statics)}
        for said in _GLOBAL.finditer(self.text.masked):
            names = frozenset(re.findall(rb"\w+", said[1]))
            for one in _OWN.finditer(self.text.masked, said.end(), self.text.suite_end(said.start(1))):
                kind = None
                if one[1] in names:
                    kind = values.value_type(self.text.masked[one.end() : self.text.statement_end(one.end())])
                if kind is None or kind.path[0] in ("None", "[at]"):
                    continue
                name = one[1].decode()
                number = known.setdefault(name, len(self.statics))
                if number == len(self.statics):
                    self.statics.append(ir.Static(module, name, kind, one.span(1)))
                elif self.statics[number].type in (None, ir.Type(("None",))):
                    self.statics[number] = structs.replace(self.statics[number], type=kind)

    def filled(self) -> None:
        """Objects of a class that functions put into an empty container of the module say what is in it."""
        empty = {one.name: number for number, one in enumerate(self.statics) if one.type in _EMPTY}
        if not empty:
            return
        puts = re.compile(b"(" + _apart(name.encode() for name in empty) + b")" + _PUTS)
        functions = sorted(self.functions, key=lambda one: one.at)
        for name, put in self.put_in(0, len(self.data), functions, puts).items():
            made = [kind for kind in put if kind.path == ("[made]",) and kind.args[0].path[-1][:1].isupper()]
            one = self.statics[empty[name]]
            if made and one.type is not None:
                args = (made[0],) if one.type == _EMPTY[0] else (ir.Type(("_",)), made[0])
                self.statics[empty[name]] = structs.replace(one, type=ir.Type(one.type.path, args))

    # -------------------------------------------------------------------------------------------------- functions

    def handed_on(self, name: str, params: Sequence[ir.Param], body: ir.Range) -> ir.Path:
        """The part of its object that a class's last resort asks for what it is asked for itself."""
        said = _HANDS_ON.search(self.text.masked, *body) if name == "__getattr__" and len(params) == 2 else None
        if said is None or [params[0].name, params[1].name] != [said[1].decode(), said[3].decode()]:
            return ()
        return tuple(said[2].decode().split(".")[1:])

    def function(self, line: Line, said: re.Match[bytes], scope: _Scope, begin: int) -> None:
        name = said[2].decode()
        masked = self.text.masked
        after = said.end(2)
        typed = masked[after : after + 1] == b"["
        opening = masked.find(b"(", self.text.closing(after) if typed else after)
        closing = self.text.closing(opening)
        body = self.text.header_end(closing)
        arrow = masked.find(b"->", closing, body)
        returns = values.annotation(self.data[arrow + 2 : body - 1].strip()) if arrow >= 0 else None
        decorators = tuple(values.decorators(self.data[begin : line.start]))
        marks = frozenset(one.path[-1] for one in decorators)
        waits = said[1] is not None or not marks.isdisjoint(_COROUTINES)
        if arrow < 0 and not scope.local:
            returns = self.returned(body, line.end, said[1] is None and waits)
        if not scope.local:
            self.makes(body, line.end, scope)
        takes_self = bool(scope.owner) and "staticmethod" not in marks
        params = tuple(values.params(self.data[opening + 1 : closing], takes_self))
        owner = ir.Type(scope.owner) if scope.owner else None
        end = trimmed(masked, (line.start, line.end))[1]
        inner = scope if scope.local else _Scope((*scope.module, f"{{{name}}}"), (), True)
        if not scope.local and "overload" not in marks:
            if marks & _ASSIGNED:
                name = f"{name}.{min(marks & _ASSIGNED)}"
            made = ir.Function(
                scope.module, name, owner, None, (), (), params, takes_self, returns, waits,
                (line.start, end), said.span(2), (body, end),
                hook="finalizer" if name == "__del__" else "",
                by_hand=_BY_HAND.search(masked, body, end) is not None,
                of_type="classmethod" in marks or name in _OF_TYPE,
                computed=not marks.isdisjoint(_COMPUTED),
                around=not marks.isdisjoint(AROUND),
                bare=_BARE.fullmatch(masked, body, end) is not None,
                wrapped_by=tuple(one for one in decorators if one.path[-1] not in _PLAIN),
                of_tests=self.tests,
                hands_on=self.handed_on(name, params, (body, end)),
                passes_on=self.passed_on(params, (body, line.end)) if not scope.owner else (),
            )  # fmt: skip
            self.functions.append(made)
        if not scope.local and (not scope.owner or name == "__call__" or name.encode() in self.marks):
            own = params if not scope.owner else tuple(values.params(self.data[opening + 1 : closing], False))
            if name == "__call__" and own:
                own = (structs.replace(own[0], type=owner), *own[1:])
            self.functions += self.wrappers(scope, name, own, (body, line.end))
        if _INSIDE.search(masked, body, line.end):
            self.block(body, line.end, inner)

    def statements(self, module: ir.Path) -> None:
        """What a module does itself when it is imported, as a function that nobody calls."""
        at = own_statements(self.text)
        if at is not None:
            by_hand = _BY_HAND.search(self.text.masked, *at) is not None
            self.functions.append(
                ir.Function(
                    module, MODULE, None, None, (), (), (), False, None, False, at, (at[0], at[0]), at,
                    by_hand=by_hand, of_tests=self.tests,
                )
            )  # fmt: skip

    def wrappers(
        self, scope: _Scope, name: str, params: tuple[ir.Param, ...], within: ir.Range
    ) -> Iterator[ir.Function]:
        """The function within a function that takes a lock and calls what the outer one was given, if there is one."""
        masked, own = self.text.masked, [param.name for param in params]
        inner = [one for one in self.text.inside(*within) if _DEF.match(masked, one.start)]
        for number, line in enumerate(inner):
            said = _DEF.match(masked, line.start)
            opening = masked.find(b"(", line.start)
            closing, end = self.text.closing(opening), trimmed(masked, (line.start, self.text.block_end(line)))[1]
            given = tuple(values.params(self.data[opening + 1 : closing], False))
            body = self.text.header_end(closing)
            given = (*self.first_of(given, body, end), *given)
            called = _calling(own).search(masked, body, end) if own else None
            last = number + 1 == len(inner) or inner[number + 1].start >= end
            if said is not None and called is not None and last and _takes_only(masked[body : called.start()]):
                others = {*own, *(one.decode() for one in _OWN.findall(masked[within[0] : line.start]))}
                around = (called[1].decode(), *sorted(others - {called[1].decode()}))
                own_names = {around[0], *(one.name for one in given)}
                closed = tuple(one for one in params if not one.gathers and one.name not in own_names)
                parts = {one.decode() for one in _PART_ASKED.findall(masked, body, end)}
                closed += tuple(ir.Param(ir.part_called(one.name), None, False) for one in closed if one.name in parts)
                yield ir.Function(
                    scope.module, ".".join((*scope.owner, f"{name}()")), None, None, (), (), (*given, *closed), False,
                    None, said[1] is not None,
                    (line.start, end), said.span(2), (body, end), by_hand=True, around=True, wraps=around,
                    closed=len(closed),
                )  # fmt: skip
                return
            own += [param.name for param in given]

    def passed_on(self, params: tuple[ir.Param, ...], within: ir.Range) -> ir.Path:
        """The calls to which the function within a function gives the one parameter, where nothing calls that at once.

        What a function within that one calls, it calls when that runs: `def work(): function()`, `Thread(target=work)`.
        """
        masked = self.text.masked
        inner = [one for one in self.text.inside(*within) if _DEF.match(masked, one.start)] if len(params) == 1 else []
        if not inner or inner[0].end < inner[-1].start or _WAITS.search(masked, *within):
            return ()
        blocks = [(line, self.text.block_end(line)) for line in inner]
        calls = list(_calling([params[0].name]).finditer(masked, inner[0].start, blocks[0][1]))
        names = {params[0].name.encode()}
        for call in calls:
            line = next((one for one, end in reversed(blocks[1:]) if one.start < call.start() < end), None)
            said = _DEF.match(masked, line.start) if line is not None else None
            if said is None and b"lambda" not in masked[masked.rfind(b"\n", 0, call.start()) : call.start()]:
                return ()
            names |= {said[2]} if said is not None else set()
        given = re.compile(_apart(sorted(names)) + rb"(?!\s*=)")
        found = [
            one[1].decode()
            for one in _CALL.finditer(masked, inner[0].start, blocks[0][1])
            if one[1] not in names and not _DEF.match(masked, masked.rfind(b"\n", 0, one.start()) + 1)
            and given.search(masked, one.end(), self.text.closing(one.end() - 1))
        ]  # fmt: skip
        return tuple(dict.fromkeys(found))

    def first_of(self, given: tuple[ir.Param, ...], body: int, end: int) -> tuple[ir.Param, ...]:
        """The first of the arguments that a function gathers, where its text asks for just that: `args[0]`."""
        first = f"{given[0].name}[0]" if given and given[0].gathers else ""
        return (ir.Param(first, None, False),) if first and first.encode() in self.text.masked[body:end] else ()

    # --------------------------------------------------------------------------------------------- import lines

    def import_line(self, start: int, end: int, scope: _Scope) -> None:
        text = re.sub(rb"\\\r?\n|[()\r\n]|#[^\n]*", b" ", self.text.masked[start:end]).decode()
        for name, target in values.imports(text, scope.module, self.package):
            self.imports.append(ir.Import(scope.module, name, target))


def _calling(names: list[str]) -> re.Pattern[bytes]:
    """Finds a call of one of the names."""
    return re.compile(b"(" + _apart(name.encode() for name in names) + rb")\s*\(")


def _takes_only(text: bytes) -> bool:
    """Whether a lock may be taken in the text, and none be given back that the caller took."""
    return _LOCKED.search(text) is not None and b".release" not in text


_CALL = re.compile(rb"(\w+)\s*\(")
_WAITS = re.compile(rb"\.\s*(?:join|result|wait|get)\s*\(|\bawait\b|\byield\b")
"""Where a function may wait for what it had begun."""
_INSIDE = re.compile(rb"^[ \t]+(?:class\s|import\s|from\s)", re.MULTILINE)


def _is_making(kind: ir.Type, said: ir.Type) -> bool:
    """Whether a value is made by calling the class that an annotation names."""
    return kind.path == ("[made]",) and bool(kind.args) and not said.args and kind.args[0].path[-1:] == said.path[-1:]


def _is_made_of(kind: ir.Type | None, said: ir.Type | None) -> bool:
    """The same where the annotation says what is in it too, and something is given to the class."""
    if said is None or kind is None or not said.args or len(kind.args) < 2:
        return False
    return _is_making(kind, ir.Type(said.path))


def _surer(said: ir.Type | None, kind: ir.Type | None) -> ir.Type | None:
    """The type of a value: what an annotation says, or, where it is made on the spot, how it is made."""
    made = said is not None and kind is not None and (_is_making(kind, said) or said.path[-1:] in _ANYTHING)
    return kind if made else said or kind


def _is_object(kind: ir.Type | None) -> bool:
    """Whether a variable is said to hold what a class makes, by the name of what is called."""
    return kind is not None and kind.path == ("[made]",) and kind.args[0].path[-1][:1].isupper()


def _told(given: ir.Type, made: dict[bytes, ir.Type | None]) -> ir.Type:
    """What a class is given, with the type of the variable that it is, where that is known."""
    way = given.path[1:] if given.path[0] == "[at]" else ()
    way = way[1:] if way and way[0].endswith("=") else way
    kind = made.get(way[0].encode()) if len(way) == 1 else None
    return replace(given, args=(kind,)) if kind is not None else given


def _is_new(kind: ir.Type) -> bool:
    """Whether a value is made of nothing: `Lock()`."""
    return kind.path == ("[made]",) and len(kind.args) == 1


def _merged(
    fields: list[ir.Field], own: list[ir.Field], put: dict[str, list[ir.Type]], asked: dict[str, set[str]]
) -> tuple[ir.Field, ...]:
    """One field for each name: the first that says of what type it is, with what is put into it.

    What an instance sets (`own`) is its own. That it makes the value itself says more than the class's name alone.
    """
    found: dict[str, ir.Field] = {}
    given: dict[str, set[str]] = {}
    for one in (*fields, *own):
        known = found.get(one.name)
        if known is None or known.type.path in (("_",), ("None",)) or _is_making(one.type, known.type):
            found[one.name] = one
    for one in own:
        if one.type.path != ("None",):
            given.setdefault(one.name, set()).add(one.given)
    for other in own:
        one = found[other.name]
        if other.type.path == ("None",) or other.type in (one.type, *one.type.args):
            continue
        if one.type.path[0] == "[at]":  # (it is the other one only at times)
            found[one.name] = structs.replace(one, type=ir.Type(("[any]",), (one.type,)))
        elif _is_new(one.type) and _is_new(other.type):
            found[one.name] = structs.replace(one, type=ir.Type(("[any]",), (one.type, other.type)))
    always = {name: min(params) for name, params in given.items() if len(params) == 1}
    return tuple(
        ir.Field(
            one.name, one.type, one.at, one.shared, tuple(put.get(one.name, ())), always.get(one.name, ""),
            tuple(sorted(asked.get(one.name, ()))) if one.type.path[0] in _UNTOLD else (), one.made,
        )
        for one in found.values()
    )  # fmt: skip


def declare(source: Source, crate: Crate | None) -> ir.Unit:
    """The declarations of a file. Never raises for what is in it."""
    module = module_of(source.path, crate)
    text = outline(source.data)
    package, marks = posixpath.basename(source.path) == "__init__.py", frozenset(_MARK.findall(text.masked))
    runs = b".submit" in source.data or b".apply_async" in source.data
    declarer = _Declarer(source.data, text, package, _is_tests(source.path), runs, marks)
    declarer.block(0, len(source.data), _Scope(module))
    declarer.made_later(module)
    declarer.filled()
    declarer.statements(module)
    return ir.Unit(
        source.path, "python", module[0], tuple(declarer.imports), tuple(declarer.types), tuple(declarer.statics),
        tuple(declarer.functions), (), (), (), tuple(declarer.makings),
        tuple(declarer.patches(module)), tuple(dict.fromkeys(declarer.handings)),
        showings=tuple(dict.fromkeys(declarer.showings)),
    )  # fmt: skip


def _is_tests(path: str) -> bool:
    """Whether a file holds tests, by the names that pytest and unittest look for."""
    *folders, name = path.split("/")
    named = name.startswith("test_") or name.endswith("_test.py") or name == "conftest.py"
    return named or not {"tests", "test"}.isdisjoint(folders)
