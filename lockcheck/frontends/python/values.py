"""What pieces of source say without a parse: the type that a value will have, annotations, parameters, imports.

In: pieces of a file's text (strings and comments blanked out where it says so).  Out: `ir` values.
Never: an error; what is not plain is None.

Types of values stand for what is found out when the whole tree is known: `[made]` is what a call of its first
argument gives (the others are what is passed), `[at]` is the type of what a dotted name means, `[any]` is one of its
arguments, `[way]` what is found on the way from its argument.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from lockcheck import ir

CONSTANTS = {"None": ir.NONE, "True": ir.YES, "False": ir.NO}
"""Values that are known wherever they are written."""

_DOTTED = re.compile(r"[^\W\d]\w*(?:\s*\.\s*[^\W\d]\w*)*")
_NEW = re.compile(r"\s*([^\W\d]\w*(?:\.\w+)*)\s*\(")
"""A call of something by its name."""
_SIGN = re.compile(r"[()\[\]{},]|\b(?:or|if|else|lambda|for|async)\b|:=?|=(?!=)|(?<==)=|\|")
_ROUND = re.compile(r"(\w+)\s+in\b")
"""What follows `for`, or `async for`: a name, and what it goes through."""
_LITERALS = {"None": "None", "True": "bool", "False": "bool", "...": "ellipsis"}
_ONE_OF = frozenset({"Optional", "Union"})
_TYPES = re.compile(rb"\s*(?:\w+\s*\.\s*)*(?:Callable|Optional|Union)\s*\[")
_SAME = frozenset({"Final", "ClassVar", "Annotated", "Required", "NotRequired", "ReadOnly", "InitVar", "Type"})
_OWN_EACH = re.compile(rb"(?:[\w.]*\.)?(?:field|ib|attrib|attr|Factory|Field|PrivateAttr)\s*\(")
_DECORATOR = re.compile(rb"^[ \t]*@\s*([\w.]+)", re.MULTILINE)
_PROXY = re.compile(r"(?:weakref\.)?proxy\(\s*([\w.]+)\s*\)")
"""What stands for its argument in all that is asked of it."""
_WITH_DEFAULT = frozenset({"get", "pop"})
"""What is asked for by a key, with what it is where there is none."""
_FOUND = frozenset({"[made]", "[at]"})
_ATTRIBUTES = frozenset({"ib", "attrib"})
"""What says of a class's attribute how it is made, by `factory=`, and of what `type=` it is: attrs."""
_MAKERS = frozenset({"factory", "default_factory"})
_FACTORY = re.compile(r"(?:attrs?\.)?Factory\(\s*(\w+(?:\.\w+)*)\s*\)")
_NOUGHT = re.compile(r"0|-\d+")
_REMARK = re.compile(r"""#[^\n]*|("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')""")


def text_of(data: bytes) -> str:
    """Bytes as text; the files are UTF-8, a piece of one may not be."""
    return data.decode("utf-8", "replace").strip()


def path_of(text: str) -> ir.Path:
    """A dotted name as a path; empty where the text is no such name."""
    if text.isidentifier():
        return (text,)
    found = _DOTTED.fullmatch(text)
    return tuple(part.strip() for part in text.split(".")) if found else ()


def pieces(text: str, words: frozenset[str]) -> list[str]:
    """The text cut at each of the words (and signs) that stands outside of brackets."""
    if not any(word in text for word in words):
        return [text.strip()]
    depth, begin, out = 0, 0, []
    for sign in _SIGN.finditer(text):
        word = sign[0]
        if word in "([{":
            depth += 1
        elif word in ")]}":
            depth -= 1
        elif not depth and word in words:
            out.append(text[begin : sign.start()].strip())
            begin = sign.end()
    out.append(text[begin:].strip())
    return out


_COMMA, _OR, _IF, _FOR, _COLON, _EQUAL, _BAR = (
    frozenset(words.split()) for words in (",", "or", "if else", "for async", ":", "=", "|")
)

# --------------------------------------------------------------------------------------------------------- values


def value_type(data: bytes) -> ir.Type | None:
    """The type of a value, by its text with strings and comments blanked out."""
    return _value(text_of(data), 0)


def value_types(data: bytes) -> list[ir.Type | None]:
    """The types of the values that commas part."""
    return [_value(part, 0) for part in pieces(text_of(data), _COMMA)]


def assigned(data: bytes) -> tuple[list[tuple[str, int]], list[ir.Type | None]]:
    """The plain names that a statement gives values to, with their offsets in bytes, and of what types those are.

    Of `one = other = value` the last name has the value, and the others are names of it.
    """
    text = data.decode("latin-1")
    *heads, value = pieces(text, _EQUAL)
    whole = [value_type(value.encode("latin-1"))]
    names: list[tuple[str, int]] = []
    kinds: list[ir.Type | None] = []
    at = 0
    last = [head for head in heads if head.isidentifier()][-1:]
    for head in heads:
        parts = pieces(head, _COMMA)
        each = pieces(value, _COMMA) if len(parts) > 1 else []
        fits = len(each) == len(parts) and not head.startswith("*")
        for number, part in enumerate(parts):
            at = text.index(part, at)
            if part.isidentifier():
                names.append((part, at))
                own = value_type(each[number].encode("latin-1")) if fits else None
                plain = whole[0] if [part] == last else ir.Type(("[at]", *last))
                kinds.append(own if len(parts) > 1 else plain)
            at += len(part)
    return names, kinds


def last_argument(data: bytes) -> ir.Type | None:
    """The type of the last of a call's arguments: what is put in, behind the key or the place."""
    return _value(pieces(text_of(data), _COMMA)[-1], 0)


def _value(text: str, depth: int) -> ir.Type | None:
    if not text or depth > 6 or len(text) > 20_000:
        return None
    if text in _LITERALS:
        return ir.Type((_LITERALS[text],))
    if text[0] in "\"'":
        return ir.Type(("str",))
    if text[0].isdigit() or text[0] == "-":
        return ir.Type(("int",))
    if (path := path_of(text)) != ():
        return ir.Type(("[at]", *path))
    if text.startswith("await "):
        return _value(text[6:].strip(), depth + 1)
    if text.startswith("lambda"):
        return ir.Type(("[fn]",))
    for words in (_EQUAL, _OR):
        parts = pieces(text, words)
        if len(parts) > 1:
            return _value(parts[-1], depth + 1) if words is _EQUAL else _one_of(parts, depth)
    parts = pieces(text, _IF)
    if len(parts) == 3:
        return _one_of([parts[0], parts[2]], depth)
    return _bracketed(text, depth) if text[0] in "([{" else _called(text, depth)


def _one_of(parts: list[str], depth: int) -> ir.Type | None:
    found = [kind for part in parts if (kind := _value(part, depth + 1)) is not None]
    return ir.Type(("[any]",), tuple(found)) if found else None


def _bracketed(text: str, depth: int) -> ir.Type | None:
    inner = text[1:-1].strip()
    if text[0] == "(" and len(pieces(inner, _COMMA)) == 1:
        return _value(inner, depth + 1) if text[-1:] == ")" else None
    first, *rounds = pieces(inner, _FOR)
    if text[0] != "{" and len(rounds) == 1 and (one := _ROUND.match(rounds[0])) is not None and one[1] == first:
        source = _value(pieces(rounds[0][one.end() :], _IF)[0], depth + 1)
        return ir.Type(("list",), (ir.Type(("[way]", "[]"), (source,)),) if source is not None else ())
    each = pieces(first, _COMMA)
    if text[0] != "{":
        element = _element(each, depth)
        return ir.Type(("list",), (element,) if element is not None else ())
    if len(pieces(each[0], _COLON)) < 2:
        return ir.Type(("dict",)) if not inner else ir.Type(("set",))
    element = _element((pieces(one, _COLON)[-1] for one in each), depth)
    return ir.Type(("dict",), (ir.Type(("_",)), element) if element is not None else ())


def _element(each: Iterable[str], depth: int) -> ir.Type | None:
    """What an element is, by the first; of what an object keeps of its own, each may be another method."""
    waiting = iter(each)
    spelled = next(waiting)
    first = _value(spelled, depth + 1)
    if first is None or first.path[:2] not in (("[at]", "self"), ("[at]", "cls")):
        return first
    others = list(dict.fromkeys((spelled, *filter(None, waiting))))
    return _one_of(others, depth) if len(others) > 1 else first


def _called(text: str, depth: int) -> ir.Type | None:
    """`path(arguments)`, and what is asked of its result: `path(arguments).name`, `path[key].call()`."""
    head = _DOTTED.match(text)
    if head is None or head[0] == "super":
        return None
    path, at = path_of(head[0].strip()), head.end()
    while text[at : at + 1] == " ":
        at += 1
    if text[at : at + 1] == "(":
        end = _closing(text, at)
        kind = _made(path, text[at + 1 : end])
        at = end + 1
    else:
        kind = ir.Type(("[at]", *path))
    way = _way(text, at)
    if kind is None or way is None:
        return None
    return ir.Type(("[way]", *way), (kind,)) if way else kind


def _made(path: ir.Path, arguments: str) -> ir.Type | None:
    """What a call of a path gives, with what it is given by name or place."""
    if path[-1] == "defaultdict" and (element := _each(pieces(arguments, _COMMA)[0])) is not None:
        return ir.Type(("dict",), (ir.Type(("_",)), element))
    if path[-1] in _WITH_DEFAULT and len(path) > 1 and len(pieces(arguments, _COMMA)) == 2:
        return _one_of([f"{'.'.join(path)}()", pieces(arguments, _COMMA)[1]], 1)
    given = []
    for part in filter(None, pieces(arguments, _COMMA)):
        name, equal, value = part.partition("=")
        given_by = _PROXY.sub(r"\1", value.strip() if equal else part)
        spelled = path_of(given_by)
        if equal and name.strip() in _MAKERS and spelled:
            return ir.Type(("[made]",), (ir.Type(spelled),))
        if equal and name.strip() in _MAKERS and value.strip().startswith("lambda:"):
            return _value(value.strip()[7:].strip(), 1)
        if equal and name.strip() == "default" and (maker := _FACTORY.fullmatch(value.strip())) is not None:
            return ir.Type(("[made]",), (ir.Type(path_of(maker[1])),))
        if equal and name.strip() == "type" and path[-1] in _ATTRIBUTES and (said := _annotated(value, 1)) is not None:
            return said
        at = ("[at]", *((name.strip() + "=",) if equal else ()), *spelled) if spelled else ("_",)
        if given_by.strip() == "1" or _NOUGHT.fullmatch(given_by.strip()):
            at = (ir.ONE if given_by.strip() == "1" else ir.NOUGHT).path
        made = _new(given_by)
        if made is not None and equal:
            given.append(ir.Type(("[at]", name.strip() + "="), (made,)))
        else:
            given.append(made or ir.Type(at))
    return ir.Type(("[made]",), (ir.Type(path), *given))


def _new(text: str) -> ir.Type | None:
    """What is made on the spot, by calling something; what that is given is left out."""
    said = _NEW.match(text)
    whole = said is not None and _closing(text, said.end() - 1) == len(text.rstrip()) - 1
    return ir.Type(("[made]",), (ir.Type(path_of(said[1])),)) if said is not None and whole else None


def _each(maker: str) -> ir.Type | None:
    """What an element is that is made where it is missing: by a class or function, or by what is written."""
    if maker.startswith("lambda:"):
        return _value(maker[7:].strip(), 1)
    path = path_of(maker)
    return ir.Type(("[made]",), (ir.Type(path),)) if path else None


def _way(text: str, at: int) -> ir.Path | None:
    """What follows a value: names, `()` for a call, `[]` for one of its elements; None where it is something else."""
    found: list[str] = []
    while at < len(text):
        sign = text[at]
        if sign == "." and (name := _DOTTED.match(text, at + 1)) is not None:
            found += path_of(name[0].strip())
            at = name.end()
        elif sign in "([":
            at = _closing(text, at) + 1
            if sign == "[" or (found and found[-1] not in ("()", "[]")):
                found.append("[]" if sign == "[" else "()")
            else:
                return None
        elif sign.isspace():
            at += 1
        else:
            return None
    return tuple(found)


def _closing(text: str, opening: int) -> int:
    """Where the bracket at `opening` is closed, or the end of the text."""
    depth = 0
    for number in range(opening, len(text)):
        depth += (text[number] in "([{") - (text[number] in ")]}")
        if not depth:
            return number
    return len(text)


def each_has_its_own(data: bytes) -> bool:
    """Whether a value in a class body says what each instance gets (`field(default_factory=…)`)."""
    return _OWN_EACH.match(data) is not None


# ---------------------------------------------------------------------------------------------------- annotations


def annotation(data: bytes) -> ir.Type | None:
    """The type that an annotation says, what may be missing taken to be there."""
    return _annotated(text_of(data).strip("\"' "), 0)


def alias(said: ir.Type | None, value: bytes) -> ir.Type | None:
    """What a name of a module means that is given to a type: `Done = Callable[[int], None]`, or said to be one."""
    if said is not None and said.path[-1:] == ("TypeAlias",):
        return annotation(value)
    return annotation(value) if said is None and _TYPES.match(value) is not None else None


def _annotated(text: str, depth: int) -> ir.Type | None:
    text = text.strip().strip("\"'")
    if not text or depth > 6:
        return None
    parts = [part for part in pieces(text, _BAR) if part not in ("None", "")]
    if len(parts) > 1:
        found = [kind for part in parts if (kind := _annotated(part, depth + 1)) is not None]
        return ir.Type(("[any]",), tuple(found)) if found else None
    if not parts or (parts[0] != text and len(pieces(text, _BAR)) > 1):
        return _annotated(parts[0], depth + 1) if parts else None
    if (path := path_of(text)) != ():
        return ir.Type(path)
    head, bracket, rest = text.partition("[")
    path = path_of(head.strip())
    if not path or not bracket or not rest.endswith("]"):
        return None
    inner = pieces(rest[:-1], _COMMA)
    if path[-1] in _ONE_OF:
        return _annotated(" | ".join(inner), depth + 1)
    if path[-1] in _SAME:
        return _annotated(inner[0], depth + 1)
    if path[-1] == "Callable":
        returned = _annotated(inner[-1], depth + 1) if len(inner) > 1 else None
        return ir.Type(("[fn]",), (returned,) if returned is not None else ())
    return ir.Type(path, tuple(_annotated(part, depth + 1) or ir.Type(("_",)) for part in inner))


def bases(data: bytes) -> Iterator[ir.Type]:
    """The base classes between a class's brackets."""
    for part in pieces(text_of(data), _COMMA):
        kind = _annotated(part, 0) if "=" not in part else None
        if kind is not None and kind.path != ("object",):
            yield kind


def metaclass(data: bytes) -> ir.Type | None:
    """The class of a class, between its brackets: `metaclass=Meta`."""
    parts = (part.partition("=") for part in pieces(text_of(data), _COMMA))
    said = (path_of(value.strip()) for name, _, value in parts if name.strip() == "metaclass")
    return next((ir.Type(path) for path in said if path), None)


def params(data: bytes, takes_self: bool) -> Iterator[ir.Param]:
    """The parameters between a function's brackets, in order; a bare `*` or `/` is left out."""
    first = takes_self
    for part in pieces(_REMARK.sub(r"\1", text_of(data)), _COMMA):
        declared, *default = pieces(part, _EQUAL)
        name, *said = pieces(declared, _COLON)
        if name in ("", "*", "/"):
            continue
        kind = _annotated(said[0], 0) if said else None
        kind = ir.Type(("list",), (kind,)) if kind is not None and name[:1] == "*" != name[1:2] else kind
        found = _value(default[0], 1) if default and kind is None else None
        otherwise = found if found is not None and found.path[0] in _FOUND else None
        yield ir.Param(name.lstrip("* "), ir.Type(("Self",)) if first else kind, False,
                       optional=bool(default), gathers=name[0] == "*",
                       default=CONSTANTS.get(default[0]) if default else None,
                       otherwise=otherwise)  # fmt: skip
        first = False


def decorators(data: bytes) -> Iterator[ir.Decorator]:
    """The decorators in the lines before a definition, in order."""
    for said in _DECORATOR.finditer(data):
        text = text_of(data[said.end(1) :])
        arguments = pieces(text[1 : _closing(text, 0)], _COMMA) if text[:1] == "(" else []
        parts = (part.rpartition("=") for part in arguments)
        given = tuple((name.strip(), _said(value.strip())) for name, _, value in parts)
        yield ir.Decorator(tuple(text_of(said[1]).split(".")), given)


def _said(text: str) -> ir.Path:
    """What a decorator is given, by its name; the text that it is, where it is one word."""
    word = text[1:-1] if text[:1] in ("'", '"') and text[-1:] == text[:1] else ""
    return (*ir.TEXT, word) if word.isidentifier() else path_of(text)


# ------------------------------------------------------------------------------------------ what imports bring in


def imports(text: str, module: ir.Path, package: bool) -> Iterator[tuple[str, ir.Path]]:
    """The names that an import statement brings in, each with what it means from the top of all modules."""
    words = text.split()
    if words[:1] == ["import"]:
        for part in text.partition("import")[2].split(","):
            said = part.split()
            path = tuple(said[0].split(".")) if said else ()
            if path and all(path):
                renamed = said[1:2] == ["as"] and bool(said[2:])
                yield (said[2], ("[root]", *path)) if renamed else (path[0], ("[root]", path[0]))
        return
    head, _, names = text.partition(" import ")
    source = head.partition("from")[2].replace(" ", "")
    dots = len(source) - len(source.lstrip("."))
    around = _enclosing(module)
    base = around[: len(around) - dots + package] if dots else ()
    path = (*base, *(part for part in source[dots:].split(".") if part))
    for part in names.split(","):
        said = part.split()
        if said[:1] == ["*"]:
            yield "*", ("[root]", *path)
        elif said:
            yield said[2] if said[1:2] == ["as"] and said[2:] else said[0], ("[root]", *path, said[0])


def _enclosing(module: ir.Path) -> ir.Path:
    """The module of a file, without the functions around an import."""
    return tuple(part for part in module if not part.startswith("{"))
