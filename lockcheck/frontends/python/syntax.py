"""One function as libcst reads it, with byte positions, and small questions about its nodes.

In: the bytes of a function, or of a module's own statements.  Out: its tree and where each node of it is.
Never: what a node means.

libcst's own position provider fails on files of the standard library and copies the tree first; here the tree is
written out once into a counter.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from string import Formatter
from typing import Any, cast

import libcst as cst
from msgspec import Struct, field

from lockcheck import ir
from lockcheck.frontends.python import older, scan
from lockcheck.source import UnreadableError

_LAYOUT = frozenset({"lpar", "rpar", "comma", "equal", "colon", "semicolon", "leading_lines", "header", "footer",
                     "lines_after_decorators", "whitespace", "annotation", "asname", "lbracket", "rbracket",
                     "lbrace", "rbrace", "dot", "operator", "asynchronous", "type_parameters", "returns"})  # fmt: skip


class _Counter(Struct):
    """What libcst writes a tree out into: keeps no text, only the number of bytes so far."""

    default_indent: str
    default_newline: str
    at: int
    provider: object = None
    indent: list[int] = field(default_factory=list)
    spans: dict[int, ir.Range] = field(default_factory=dict)
    begun: list[int] = field(default_factory=list)

    def increase_indent(self, value: str) -> None:
        self.indent.append(len(value))

    def decrease_indent(self) -> None:
        self.indent.pop()

    def add_indent_tokens(self) -> None:
        self.at += sum(self.indent)

    def add_token(self, value: str) -> None:
        self.at += len(value) if value.isascii() else len(value.encode())

    def before_codegen(self, node: cst.CSTNode) -> None:
        self.begun.append(self.at)

    def after_codegen(self, node: cst.CSTNode) -> None:
        begun = self.begun.pop()
        self.spans.setdefault(id(node), (begun, self.at))

    def pop_trailing_newline(self) -> None:
        """The last line end is not written; nobody asks for what comes after."""

    def record_syntactic_position(
        self, node: cst.CSTNode, *, start_node: cst.CSTNode | None = None, end_node: cst.CSTNode | None = None
    ) -> _Inner:
        """The node without the blank space and brackets around it."""
        return _Inner(self, node, start_node, end_node)


class _Inner:
    """While a node is written out; a generator in its place costs a twentieth of a run."""

    __slots__ = ("_begun", "_counter", "_end", "_node", "_start")

    def __init__(
        self, counter: _Counter, node: cst.CSTNode, start: cst.CSTNode | None, end: cst.CSTNode | None
    ) -> None:
        self._counter, self._node, self._start, self._end = counter, node, start, end

    def __enter__(self) -> None:
        self._begun = self._counter.at

    def __exit__(self, failed: object, *_: object) -> None:
        if failed is None:
            spans = self._counter.spans
            start = spans.get(id(self._start), (self._begun, 0))[0] if self._start is not None else self._begun
            end = spans.get(id(self._end), (0, self._counter.at))[1] if self._end is not None else self._counter.at
            spans[id(self._node)] = (start, end)


class Parsed(Struct, frozen=True):
    """A function's tree, or a module's, and the byte ranges of its nodes, in the file, by the nodes' ids."""

    node: cst.FunctionDef | cst.Module
    spans: dict[int, ir.Range]
    shift: int

    def at(self, node: cst.CSTNode) -> ir.Range:
        """Where a node of the tree is."""
        start, end = self.spans.get(id(node), (0, 0))
        return start + self.shift, end + self.shift


def parse(data: bytes, at: ir.Range) -> Parsed:
    """The function that stands at a range of a file's bytes.

    Raises UnreadableError, or RecursionError where it is nested too deep.
    """
    begin = data.rfind(b"\n", 0, at[0]) + 1
    begin = max(begin, data.rfind(b"\f", begin, at[0]) + 1)
    _refuse_deep(data[begin : at[1]])
    wrapped = data[begin : begin + 1] in b" \t\f"
    head = b"if 1:\n" if wrapped else b""
    module = _module(head + data[begin : at[1]], int(wrapped))
    counter = _Counter(module.default_indent, module.default_newline, 0)
    found: Any = module.body[0]
    found._codegen(cast("Any", counter))
    found = found.body.body[0] if wrapped else found
    if not isinstance(found, cst.FunctionDef):
        raise UnreadableError(1, "syntax error")
    return Parsed(found, counter.spans, begin - len(head))


def parse_module(data: bytes, at: ir.Range) -> Parsed:
    """The statements at a range of a file's bytes that are a module's own; of definitions nothing is read.

    Raises UnreadableError, or RecursionError where it is nested too deep.
    """
    own = data[slice(*at)]
    text = scan.without_definitions(own, scan.outline(own))
    _refuse_deep(text)
    module = _module(text)
    counter = _Counter(module.default_indent, module.default_newline, 0)
    for part in (*module.header, *module.body):
        part._codegen(cast("Any", counter))
    return Parsed(module, counter.spans, at[0])


def _module(text: bytes, before: int = 0) -> cst.Module:
    """The tree of a module's text, of Python 2 too.

    Raises UnreadableError with a line that leaves out so many at the beginning.
    """
    try:
        return _read(text)
    except cst.ParserSyntaxError as error:
        line = max(error.raw_line - before, 1)
    try:
        return _read(older.respelled(text, scan.mask(text)))
    except cst.ParserSyntaxError:
        raise UnreadableError(line, "syntax error") from None


def _read(text: bytes) -> cst.Module:
    """What libcst's parser reads, without its check of each node, which is meant for those that somebody makes by hand:
    it takes an eighth of the time, and refuses `assert(a if b else c)` for its spaces.
    """
    every: Any = cst.CSTNode
    check, every.__post_init__ = every.__post_init__, lambda _: None
    try:
        return cst.parse_module(text.decode("utf-8", "replace") + "\n")
    finally:
        every.__post_init__ = check


_SHORT, _LARGEST = 2_000, 200_000
_DEEPEST, _LONGEST = 60, 300
_SIGN = re.compile(rb"(?P<open>[(\[{])|(?P<close>[)\]}])|(?P<chain>[-+*/%|&^.]|\b(?:and|or|if|not)\b)|(?P<cut>,)|\n")


def _refuse_deep(text: bytes) -> None:
    """Raise UnreadableError for what nobody wrote by hand: too large, nested too deep, too long a chain of operators.

    libcst needs a time that is quadratic in the length of a chain, and a depth of the stack that is linear.
    """
    if len(text) < _SHORT:
        return
    if len(text) > _LARGEST:
        raise UnreadableError(1, f"it is larger than {_LARGEST // 1000} kB")
    masked = scan.mask(text)
    chains = [0]
    for sign in _SIGN.finditer(masked):
        kind = sign.lastgroup
        if kind == "open":
            chains.append(0)
        elif kind == "close":
            chains = chains[:-1] or [0]
        elif kind == "chain":
            chains[-1] += 1
        elif kind == "cut" or len(chains) == 1:
            chains[-1] = 0
        if len(chains) > _DEEPEST or chains[-1] > _LONGEST:
            raise UnreadableError(masked.count(b"\n", 0, sign.start()) + 1, "an expression is nested too deep")


def parts(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """The nodes inside a node in the order of its text, without layout."""
    for name in _fields_of(type(node)):
        value = getattr(node, name)
        if isinstance(value, (tuple, list)):
            yield from (one for one in value if hasattr(one, "_codegen_impl"))
        elif hasattr(value, "_codegen_impl"):  # an isinstance of libcst's abstract classes costs ten times as much
            yield value


@cache
def _fields_of(kind: type[cst.CSTNode]) -> tuple[str, ...]:
    """The fields of a kind of node that can hold what matters."""
    return tuple(
        name for name in kind.__dataclass_fields__ if name not in _LAYOUT and not name.startswith("whitespace")
    )


def dotted(node: cst.CSTNode) -> ir.Path:
    """`a.b.c` as a path; empty where the node is anything else."""
    found: list[str] = []
    while isinstance(node, cst.Attribute):
        found.append(node.attr.value)
        node = node.value
    return (node.value, *reversed(found)) if isinstance(node, cst.Name) else ()


def instance_of(node: cst.CSTNode) -> cst.BaseExpression | None:
    """The value whose class an expression is: `type(self)`, `self.__class__`."""
    match node:
        case cst.Call(func=cst.Name(value="type"), args=[cst.Arg(value=inner, keyword=None, star="")]):
            return inner
        case cst.Attribute(value=inner, attr=cst.Name(value="__class__")):
            return inner
        case _:
            return None


def part_asked(node: cst.Call) -> str:
    """The variable that says which part of a value is asked for: `getattr(self, name)`; empty for any other call."""
    match node:
        case cst.Call(func=cst.Name(value="getattr"), args=[_, cst.Arg(value=cst.Name(value=name), star="")]):
            return name
        case _:
            return ""


def asks_truth(node: cst.CSTNode) -> tuple[cst.BaseExpression, bool] | None:
    """What an expression asks about that only says whether that is true, and whether it says so or the opposite.

    `not x`, `bool(x)`, `x is True`, `False == x`.
    """
    match node:
        case cst.UnaryOperation(operator=cst.Not(), expression=inner):
            return inner, False
        case cst.Call(func=cst.Name(value="bool"), args=[cst.Arg(value=inner, keyword=None, star="")]):
            return inner, True
        case cst.Comparison(left=left, comparisons=[cst.ComparisonTarget(operator=sign, comparator=right)]):
            for asked, said in ((left, right), (right, left)):
                if isinstance(said, cst.Name) and said.value in _TRUTHS and isinstance(sign, _EQUALS):
                    return asked, _TRUTHS[said.value] == isinstance(sign, (cst.Is, cst.Equal))
        case _:
            pass
    return None


_TRUTHS = {"True": True, "False": False}
_EQUALS = (cst.Is, cst.Equal, cst.IsNot, cst.NotEqual)


def is_minus_one(node: cst.CSTNode) -> bool:
    """Whether an expression is the number that stands for no limit of a time."""
    match node:
        case cst.UnaryOperation(operator=cst.Minus(), expression=cst.Integer(value="1")):
            return True
        case _:
            return False


def runs_around(node: cst.FunctionDef) -> bool:
    """Whether the callers' blocks run where the function yields."""
    return any(dotted(mark.decorator)[-1:] and dotted(mark.decorator)[-1] in scan.AROUND for mark in node.decorators)


def names_bound(node: cst.CSTNode) -> Iterator[str]:
    """The names that a target binds."""
    match node:
        case cst.Name(value=name):
            yield name
        case cst.Tuple(elements=elements) | cst.List(elements=elements):
            for element in elements:
                yield from names_bound(element.value)
        case cst.StarredElement(value=value):
            yield from names_bound(value)
        case _:
            pass


def imported(node: cst.Import | cst.ImportFrom) -> Iterator[str]:
    """The names that an import binds, as far as they are written."""
    for one in node.names if not isinstance(node.names, cst.ImportStar) else ():
        yield from names_bound(one.asname.name) if one.asname is not None else dotted(one.name)[:1]


def assigned(body: cst.CSTNode) -> tuple[set[str], set[str]]:
    """The names that a function's body binds itself, and those that it says are the module's."""
    bound: set[str] = set()
    outside: set[str] = set()
    around: set[str] = set()
    waiting: list[cst.CSTNode] = [body]
    while waiting:
        node = waiting.pop()
        binds = _BINDS.get(type(node))
        if type(node) is cst.Nonlocal:  # (see `parts`)
            _from_outside(node, bound, around)
        elif binds is None:
            waiting += parts(node)
        elif binds(node, bound, outside):
            waiting += _inside(node)
    return bound - outside - around, outside


def _named(node: Any, bound: set[str], outside: set[str]) -> bool:
    bound.add(node.name.value)
    return False


def _comprehended(node: Any, bound: set[str], outside: set[str]) -> bool:
    bound.update(_walrus(node))
    return False


def _from_outside(node: Any, bound: set[str], outside: set[str]) -> bool:
    outside.update(item.name.value for item in node.names)
    return False


def _targeted(node: Any, bound: set[str], outside: set[str]) -> bool:
    bound.update(names_bound(node.target))
    return True


def _renamed(node: Any, bound: set[str], outside: set[str]) -> bool:
    bound.update(names_bound(node.name))
    return False


def _renames(node: Any, bound: set[str], outside: set[str]) -> bool:
    return True


def _matched(node: Any, bound: set[str], outside: set[str]) -> bool:
    if isinstance(node.name, cst.Name):
        bound.add(node.name.value)
    return True


def _imported(node: Any, bound: set[str], outside: set[str]) -> bool:
    return False


_BINDS: dict[type[cst.CSTNode], Callable[[Any, set[str], set[str]], bool]] = {
    cst.FunctionDef: _named, cst.ClassDef: _named, cst.Lambda: _comprehended, cst.GeneratorExp: _comprehended,
    cst.ListComp: _comprehended, cst.SetComp: _comprehended, cst.DictComp: _comprehended, cst.Global: _from_outside,
    cst.AssignTarget: _targeted, cst.AnnAssign: _targeted, cst.AugAssign: _targeted,
    cst.For: _targeted, cst.NamedExpr: _targeted, cst.AsName: _renamed, cst.Import: _imported,
    cst.ImportFrom: _imported, cst.MatchAs: _matched, cst.MatchStar: _matched, cst.WithItem: _renames,
    cst.ExceptHandler: _renames, cst.ExceptStarHandler: _renames,
}  # fmt: skip
"""What each kind of node binds, written into the sets; whether to look inside it."""


def _inside(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    yield from parts(node)
    name = getattr(node, "asname", None)
    if isinstance(name, cst.CSTNode):
        yield name


def names_in(node: cst.CSTNode) -> Iterator[str]:
    """The names that stand anywhere in a node."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one, cst.Name):
            yield one.value
        waiting += parts(one)


def _walrus(node: cst.CSTNode) -> Iterator[str]:
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one, cst.NamedExpr):
            yield from names_bound(one.target)
        waiting += parts(one)


def begins_and_ends(node: cst.BaseExpression) -> tuple[str, str]:
    """How a text begins and ends that is put together when the program runs, where it begins as a name does.

    `"do_" + name`, `"do_%s" % name`, `f"do_{name}_now"`; empty where it is not known to begin so.
    """
    match node:
        case cst.BinaryOperation(left=left, operator=cst.Add(), right=right):
            begins, ends = begins_and_ends(left)[0] or written(left), written(right)
        case cst.BinaryOperation(left=cst.SimpleString() as said, operator=cst.Modulo()):
            begins, _, ends = written(said).partition("%s")
        case cst.FormattedString(parts=[cst.FormattedStringText(value=begins), *rest]):
            ends = rest[-1].value if rest and isinstance(rest[-1], cst.FormattedStringText) else ""
        case _:
            return "", ""
    return (begins, ends if ends.isidentifier() else "") if begins.isidentifier() and begins.endswith("_") else ("", "")


def written(node: cst.BaseExpression) -> str:
    r"""What is written; empty where it is no text, or one that no Python reads (`"\u{80}"`, of another language)."""
    try:
        said = node.evaluated_value if isinstance(node, cst.SimpleString) else ""
    except (SyntaxError, ValueError):
        return ""
    return said if isinstance(said, str) else ""


def in_words(node: cst.Call) -> Iterator[tuple[int, str]]:
    """The numbers of what `"{} {1!r}".format(one, other)` puts into words, each with the method that says it."""
    said = written(node.func.value) if isinstance(node.func, cst.Attribute) and node.func.attr.value == "format" else ""
    given = sum(1 for one in node.args if one.keyword is None and not one.star)
    try:
        fields = [(name, how) for _, name, _, how in Formatter().parse(said) if name is not None]
    except ValueError:
        return
    for number, (name, how) in enumerate(fields):
        index = int(name) if name.isdecimal() else -1 if name else number
        if 0 <= index < given == len(node.args):
            yield index, "__repr__" if how == "r" else "__str__"
