"""Types of values that nobody declares: by what makes them, and by what classes are built on.

In: `[made]`, `[at]` and `[any]` types as front ends write them.  Out: resolved types; the bases of a class.
Never: looks at bodies itself; what a function returns is asked of `returned`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from lockcheck import ir
from lockcheck.effects import Effects
from lockcheck.effects.shapes import LIST, MAP
from lockcheck.linker.objects.uses import guessed, is_guess
from lockcheck.linker.written import UNKNOWN

if TYPE_CHECKING:
    from lockcheck.linker.types import Context, Types

_DEPTH = 8
_TRIES = 4
"""So often the type of a value is asked for anew within one question, while answers need it that are underway."""
CLASS = "[class]"
"""The type of a class that is kept as a value; its argument is the type of what calling it makes."""
BOUND = ir.Type(("[bound]",))
"""The last argument of the type of such a class where some of what its maker gets is given beforehand."""
SETTER = ".setter"
"""Behind a field's name, in that of the method that runs where the field is given a value, as front ends name it."""
CALLABLE = ir.Type(("[fn]",))
HANDED = "[handed]"
"""The type of what a method is given to call later; its arguments are the method's class, and which parameter it is."""
EACH = "[]"
"""In a way: any element."""
_ITSELF = ("[at]", "self")
_OWN_CLASS = ("cls",)
_RETURNED, _PASSED = "@", "$"
_GIVEN = _RETURNED + _PASSED
"""In the table: what a closure that is passed returns, what is passed first. Digits behind are its arguments."""
_NOTHING: Mapping[str, ir.Type | None] = {}


def _is_name(kind: ir.Type) -> bool:
    """Whether it says of a value only that it is what a name means."""
    return kind.path[0] == "[at]" and len(kind.path) > 1


class Made:
    """What is known of values and classes where types are not written."""

    WORDS: ClassVar = frozenset({"[made]", "[at]", "[any]", "[parameter]", "[way]"})

    def __init__(self, types: Types) -> None:
        self._types = types
        self._names = types.names
        self._known: dict[tuple[ir.Type, ir.Path, ir.Type | None], ir.Type | None] = {}
        self._open: set[tuple[ir.Type, ir.Path, ir.Type | None]] = set()
        self._tried: dict[tuple[ir.Type, ir.Path, ir.Type | None], tuple[int, ir.Type | None]] = {}
        self._cut = False
        self._bases: dict[ir.Path, tuple[ir.Type, ...]] = {}
        self._kept: dict[ir.Path, Mapping[str, tuple[str, int]]] = {}
        self._parameters: dict[tuple[int, str], ir.Type | None] = {}
        self._made_of: dict[ir.Path, list[tuple[Context, tuple[ir.Type, ...]]]] | None = None
        self._read: set[tuple[str, int]] = set()
        self._kept_as: dict[str, dict[ir.Path, ir.Type]] | None = None
        self.makings: Sequence[ir.Making] = ()
        self.handings: Sequence[ir.Handing] = ()
        self._handed: dict[str, list[ir.Handing]] | None = None
        self.showings: Sequence[ir.Showing] = ()
        self._owned_by: dict[tuple[ir.Path, ir.Path], Mapping[str, ir.Path]] = {}
        self._shown: dict[str, list[ir.Showing]] | None = None
        self._below: dict[ir.Path, list[ir.Path]] | None = None
        self.returned: Callable[[int, ir.Type | None], ir.Type | None] = lambda *_: None

    # ------------------------------------------------------------------------------------------------------ values

    def type_of(self, kind: ir.Type, at: Context, effects: Effects, depth: int) -> ir.Type | None:
        """The type that a value made as `kind` says has; None where it needs itself."""
        key = (kind, at.module, at.owner)
        if key in self._known:
            return self._known[key]
        times, found = self._tried.get(key, (0, None))
        if key in self._open or times >= _TRIES:
            self._cut = True
            return found if key not in self._open else None
        before, self._cut = self._cut, False
        self._open.add(key)
        found = self._made(kind, at, effects, depth)
        self._open.discard(key)
        if self.settled:
            self._known[key] = found
        elif self._open:
            self._tried[key] = (times + 1, found)
        if not self._open:
            self._tried.clear()
        self._cut = before or not self.settled
        return found

    @property
    def settled(self) -> bool:
        """Whether what was just found holds wherever it is asked: nothing was left out since it is underway."""
        return not self._cut or not self._open

    def _made(self, kind: ir.Type, at: Context, effects: Effects, depth: int) -> ir.Type | None:
        if depth > _DEPTH:
            return None
        match kind.path[0]:
            case "[any]":
                return self._best([self._types.resolve(one, at, effects, depth + 1) for one in kind.args], effects)
            case "[at]":
                return self._value_at(kind.path[1:], at, effects, depth)
            case "[parameter]":
                targets = self.methods(at.owner, kind.path[1], effects) if at.owner is not None else []
                found = self.parameter(targets[0], kind.path[2], effects, depth) if targets else None
                return self.follow(found, kind.path[3:], effects)
            case "[way]":
                first = self._meant(kind.args[0], at, effects, depth)
                return self.follow(first, kind.path[1:], effects)
            case _:
                special = self._bound(kind, at, effects, depth) or self._proxied(kind, at, effects)
                special = special or self._of_elements(kind, at, effects, depth)
                return special or self._around(kind, self._call(kind.args[0].path, at, effects), at, effects)

    def _bound(self, kind: ir.Type, at: Context, effects: Effects, depth: int) -> ir.Type | None:
        """`partial(Class, …)`: the class, to be called with some of what its maker gets."""
        given = kind.args[1] if len(kind.args) > 1 and kind.args[1].path[0] == "[at]" else None
        if given is None or effects.separator.join(self.meaning(at.module, kind.args[0].path)) not in effects.binds:
            return None
        found = self._types.resolve(given, at, effects, depth + 1)
        return ir.Type((CLASS,), (found.args[0], BOUND)) if found is not None and found.path == (CLASS,) else None

    def _of_elements(self, kind: ir.Type, at: Context, effects: Effects, depth: int) -> ir.Type | None:
        """`list(self.rows)`: what hands on the elements of something whose elements are known."""
        known = effects.flow.get("[call]", {}) if len(kind.args) > 1 else {}
        word = effects.separator.join(self.meaning(at.module, kind.args[0].path)) if known else ""
        slot = 2 if word in effects.lazily else 1  # (what is run for each of them comes first)
        raw = kind.args[slot] if word in known and len(kind.args) > slot else None
        given = self._types.resolve(raw, at, effects, depth + 1) if raw is not None else None
        element = self._types.field(given, EACH, effects)[0] if given is not None else None
        return flowed(known[word], ir.Type((LIST,), (element,))) if element is not None else None

    def _around(self, kind: ir.Type, made: ir.Type | None, at: Context, effects: Effects) -> ir.Type | None:
        """`Condition(Lock())`: what shares the lock that it is made with says which one, where that has no name.

        `Semaphore()`: what counts says where there is one permit.
        """
        lock = effects.lock(made.path) if made is not None else None
        if made is not None and lock is not None and lock.counts and kind.args[1:] in ((), (ir.ONE,)):
            return ir.Type(made.path, (ir.ONE,))
        given = kind.args[1] if len(kind.args) > 1 else None
        given = given.args[0] if given is not None and given.path == ("[at]", "lock=") and given.args else given
        given = given if given is not None and given.path == ("[made]",) else None
        shares = given is not None and lock is not None and lock.shares
        inner = self._types.resolve(given, at, effects) if shares else None
        known = inner is not None and effects.lock(inner.path) is not None
        return ir.Type(made.path, (inner,)) if made is not None and inner is not None and known else made

    def _proxied(self, kind: ir.Type, at: Context, effects: Effects) -> ir.Type | None:
        """`Proxy(threading.Lock)`, of a class that does all that what it keeps does: the lock that it is made with."""
        given = kind.args[1].path if len(kind.args) > 1 and kind.args[1].path[0] == "[at]" else ()
        decl = self._names.types.get(self.meaning(at.module, kind.args[0].path)) if given else None
        if decl is None or not any(base.path[-1] in effects.proxies for base in decl.bases):
            return None
        return self._listed(at.module, given[1:], effects)

    def _listed(self, module: ir.Path, path: ir.Path, effects: Effects) -> ir.Type | None:
        """The class of a library that a name means, if the table lists it as a lock or as something to wait for."""
        found = self.meaning(module, path)
        return ir.Type(found) if effects.lock(found) is not None or (found[0], found[-1]) in effects.signals else None

    def _meant(self, raw: ir.Type, at: Context, effects: Effects, depth: int) -> ir.Type | None:
        """The type of a value, which may be a listed class of a library that is kept as a value."""
        found = self._types.resolve(raw, at, effects, depth + 1)
        listed = self._listed(at.module, raw.path[1:], effects) if found is None and _is_name(raw) else None
        return ir.Type((CLASS,), (listed,)) if listed is not None else found

    def with_put(self, kind: ir.Type | None, field: ir.Field, at: Context, effects: Effects) -> ir.Type | None:
        """The type of a field, with what the methods of its class put into it as the type of its elements."""
        if kind is None or not field.put or not self._is_open(kind, effects):
            return kind
        put = [self._types.resolve(one, at, effects) for one in field.put]
        return self.filled(kind, self._best(put, effects), effects)

    def _is_open(self, kind: ir.Type, effects: Effects) -> bool:
        """Whether it is a container that does not say what is in it."""
        shape = effects.shape(kind)
        return shape in (MAP, LIST) and not any(len(one.path) > 1 for one in kind.args)

    def filled(self, kind: ir.Type, element: ir.Type | None, effects: Effects) -> ir.Type:
        """The type of a container that does not say itself what is in it, with the type of its elements."""
        if element is None or not self._is_open(kind, effects):
            return kind
        pair = effects.shape(kind) == MAP
        return ir.Type(kind.path, (ir.Type(("_",)), element) if pair else (element,))

    def _best(self, found: Sequence[ir.Type | None], effects: Effects) -> ir.Type | None:
        """Of several types a value may have, the one that matters most: a lock, a class of the tree, any.

        Where some of the locks let their holder in again and others do not, which of them it is stays a guess.
        """
        known = [kind for kind in found if kind is not None and kind.path != ("None",)]
        families = [(kind, lock.family) for kind in known if (lock := self._types.lock_type(kind, effects)) is not None]
        plain = next((kind for kind, family in families if family != "reentrant"), None)
        if families:
            doubtful = plain is not None and any(family == "reentrant" for _, family in families)
            return guessed(plain) if doubtful else families[0][0]
        told = [kind for kind in known if kind.path in self._names.types or kind.args]
        return told[0] if told else known[0] if known else None

    def _value_at(self, path: ir.Path, at: Context, effects: Effects, depth: int) -> ir.Type | None:
        if path[0] in ("self", "cls"):
            return self.follow(at.owner, path[1:], effects)
        found = self._names.resolve(at.module, path)
        for cut in range(len(found), 0, -1):
            static = self._names.statics.get(found[:cut])
            if static is not None:
                from lockcheck.linker.types import Context

                kind = self._types.resolve(static.type, Context(static.module), effects, depth + 1)
                return self.follow(kind, found[cut:], effects)
        for cut in range(len(found), 0, -1):
            if found[:cut] in self._names.types:
                made = ir.Type(found[:cut])
                return ir.Type((CLASS,), (made,)) if cut == len(found) else self.follow(made, found[cut:], effects)
        return None

    def parameter(self, number: int, name: str, effects: Effects, depth: int = 0) -> ir.Type | None:
        """The type of a parameter: as declared, or what a class is given wherever objects of it are made.

        Asked again and again for classes that hand their parameters on to those that they are built on.
        """
        if depth > _DEPTH:
            self._cut = True
            return None
        key = number, name
        if key in self._parameters:
            return self._parameters[key]
        before, self._cut = self._cut, False
        found = self._parameter(number, name, effects, depth)
        if self.settled:
            self._parameters[key] = found
        self._cut = before or not self.settled
        return found

    def _parameter(self, number: int, name: str, effects: Effects, depth: int) -> ir.Type | None:
        function = self._types.functions[number][1]
        slot = next((n for n, one in enumerate(function.params) if one.name == name), -1)
        context = self._types.context(number)
        if slot < 0:
            return None
        said = function.params[slot]
        if said.type is not None:
            return self._types.resolve(said.type, context, effects)
        found = self._given_type(number, slot, name, effects, depth)
        found = found if found != UNKNOWN else None  # (an element of something unknown)
        if found is None and said.otherwise is not None:
            found = guessed(self._meant(said.otherwise, context, effects, depth))
        return found

    def _given_type(self, number: int, slot: int, name: str, effects: Effects, depth: int) -> ir.Type | None:
        """The type of a parameter by what the tree says that calls give it."""
        function, context = self._types.functions[number][1], self._types.context(number)
        if context.owner is None:
            return None
        if function.name != effects.maker:
            return self._handed_type(context.owner, function.name, slot - 1, name, effects)
        found: dict[ir.Path, ir.Type] = {}
        for path in (context.owner.path, *self.below(context.owner.path, effects)):
            for kind in self._given(path, number, slot, name, effects, depth):
                found[kind.path] = kind
        return next(iter(found.values())) if len(found) == 1 else None

    def _given(
        self, path: ir.Path, number: int, slot: int, name: str, effects: Effects, depth: int
    ) -> Iterator[ir.Type]:
        """The types that a parameter of a class's maker gets, of the class itself or of one that is built on it."""
        makers = self.methods(ir.Type(path), effects.maker, effects)
        if makers and makers[0] != number:  # (its own maker hands its parameter on, most often by the same name)
            kind = self.parameter(makers[0], name, effects, depth + 1)
            if kind is not None:
                yield kind
            return
        for at, given in self._makings(effects).get(path, ()):
            for place, one in enumerate(given, 1):
                named = one.path[1].removesuffix("=") if one.path[1:2] and one.path[1].endswith("=") else ""
                if (named or place) == (name if named else slot) and one.path[0] in ("[at]", "[made]"):
                    way = one.path[2:] if named else one.path[1:]
                    raw = one if one.path == ("[made]",) else one.args[0] if one.args else ir.Type(("[at]", *way))
                    kind = self._types.resolve(raw, at, effects, depth + 1) if way or raw.args else None
                    if kind is not None:
                        yield kind

    def is_new(self, kind: ir.Type, name: str, effects: Effects) -> bool:
        """Whether all that is known of a maker's parameter, of which no type is said, is that it is made on the spot.

        Who made it has no name for it then, and nobody else has it.
        """
        makers = self.methods(kind, effects.maker, effects)
        params = self._types.functions[makers[0]][1].params if makers else ()
        slot = next((n for n, one in enumerate(params) if one.name == name and one.type is None), 0)
        if not slot:
            return False
        found: list[ir.Type] = []
        for path in (kind.path, *self.below(kind.path, effects)):
            for _, given in self._makings(effects).get(path, ()):
                named = [one for one in given if one.path[1:2] == (f"{name}=",)]
                found += named or given[slot - 1 : slot]
        return bool(found) and all(one.path == ("[made]",) or (one.path[2:] == () and one.args) for one in found)

    def _handed_type(self, owner: ir.Type, method: str, slot: int, name: str, effects: Effects) -> ir.Type | None:
        """What a method's parameter is: a container of its object, or one of the methods that are handed to it."""
        for one in self._given_to(method, slot, name):
            if self.methods(self._owner_of(one, effects), one.name, effects):
                return ir.Type((HANDED,), (owner, ir.Type((method, str(slot), name))))
            if one.owner.path == owner.path[-len(one.owner.path) :]:
                return self.part(owner, one.name, effects)
        return self._shown_type(owner, method, slot, name, effects)

    def _shown_type(self, owner: ir.Type, called: str, slot: int, name: str, effects: Effects) -> ir.Type | None:
        """The one type of all that methods show to what objects of a class do, or to a field of them (slot -1)."""
        found = {kind.path: kind for _, kind in self.shown_to(owner, called, slot, name, effects)}
        return next(iter(found.values())) if len(found) == 1 else None

    def is_given_to_objects(self, name: str) -> bool:
        """Whether methods give a field called so a value in objects of other classes."""
        return name in self._fields_shown

    @cached_property
    def _fields_shown(self) -> Mapping[str, None]:
        """The names of all fields that methods give a value in other objects."""
        return dict.fromkeys(one.called for one in self.showings if one.slot < 0)

    def _shown_as(self, called: str) -> Sequence[ir.Showing]:
        """What methods show to what is called so."""
        if self._shown is None:
            self._shown = defaultdict(list)
            for one in self.showings:
                self._shown[one.called].append(one)
        return self._shown.get(called, ())

    def _owner_at(self, one: ir.Showing, effects: Effects) -> ir.Type:
        """The class whose methods show something."""
        from lockcheck.linker.types import Context

        return self._types.resolve(one.owner, Context(one.module), effects) or one.owner

    def shown_to(
        self, owner: ir.Type, called: str, slot: int, name: str, effects: Effects
    ) -> Iterator[tuple[ir.Showing, ir.Type]]:
        """What is shown to objects of a class, and of what type it is."""
        from lockcheck.linker.types import Context

        for one in self._shown_as(called):
            if (one.keyword != name) if one.keyword else (one.slot != slot):
                continue
            at = Context(one.module, self._owner_at(one, effects))
            to = self._types.resolve(one.to, at, effects)
            if to is None or not any(base.path == owner.path for base in (to, *self.bases(to, effects))):
                continue
            kind = at.owner if one.shown.path == _ITSELF else self._types.resolve(one.shown, at, effects)
            if kind is None and at.owner is not None and one.shown.path[:2] == _ITSELF:
                kind = CALLABLE if self.methods(at.owner, one.shown.path[-1], effects) else None
            if kind is not None:
                yield one, kind

    def handed(self, kind: ir.Type | None, effects: Effects) -> list[int]:
        """The methods that a value of the type `[handed]` may be."""
        if kind is None or kind.path != (HANDED,):
            return []
        method, slot, name = kind.args[1].path
        found: dict[int, None] = {}
        for one in self._given_to(method, int(slot), name):
            found.update(dict.fromkeys(self.methods(self._owner_of(one, effects), one.name, effects)))
        return [number for number in found if not self._types.functions[number][1].computed]

    def keeper(self, kind: ir.Type, effects: Effects) -> str:
        """The field of all whose methods a value of the type `[handed]` may be that is whom they were handed to."""
        method, slot, name = kind.args[1].path
        found = {self._field_named(one, effects) for one in self._given_to(method, int(slot), name)}
        return next(iter(found)) if len(found) == 1 else ""

    def _field_named(self, one: ir.Handing, effects: Effects) -> str:
        """The field that the receiver's name stands for: `self.bus`, or `bus` where that is kept as such."""
        if len(one.to) == 2 and one.to[0] == "self":
            return one.to[1]
        decl = self._names.types.get(self._owner_of(one, effects).path)
        fields = decl.fields if decl is not None and len(one.to) == 1 and one.to[0] else ()
        return next((field.name for field in fields if field.given == one.to[0]), "")

    def _given_to(self, method: str, slot: int, name: str) -> list[ir.Handing]:
        if self._handed is None:
            self._handed = defaultdict(list)
            for one in self.handings:
                self._handed[one.called].append(one)
        found = self._handed.get(method, ())
        return [one for one in found if (one.keyword == name if one.keyword else one.slot == slot)]

    def set_for(self, kind: ir.Type, name: str, effects: Effects) -> list[int]:
        """The methods that objects of a class, or of one built on it, are made with as the argument called `name`."""
        found: dict[int, None] = {}
        for path in (kind.path, *self.below(kind.path, effects)):
            for one in self._given_to(path[-1], -1, name):
                if one.keyword:
                    found.update(dict.fromkeys(self.methods(self._owner_of(one, effects), one.name, effects)))
        return [number for number in found if not self._types.functions[number][1].computed]

    def _owner_of(self, one: ir.Handing, effects: Effects) -> ir.Type:
        from lockcheck.linker.types import Context

        return self._types.resolve(one.owner, Context(one.module), effects) or one.owner

    def kept(self, path: ir.Path, effects: Effects) -> Mapping[str, tuple[str, int]]:
        """The fields of a class that always are a parameter of its maker: its name, and its place from 0."""
        if path not in self._kept:
            makers = self.methods(ir.Type(path), effects.maker, effects)
            params = self._types.functions[makers[0]][1].params[1:] if makers else ()
            owner = self._types.context(makers[0]).owner if makers else None
            decl = self._names.types.get(owner.path) if owner is not None else None
            slots = {param.name: (param.name, slot) for slot, param in enumerate(params) if not param.gathers}
            fields = decl.fields if decl is not None else ()
            self._kept[path] = {one.name: slots[one.given] for one in fields if one.given in slots}
        return self._kept[path]

    def passed(self, kind: ir.Type, name: str, effects: Effects) -> Sequence[int]:
        """The methods one of which a field is, by what objects of its class are made with in the tree."""
        found: dict[int, None] = {}
        for outer in (kind, *self.bases(kind, effects)):
            for owner, way in self.given_by(kind.path, outer.path, name, effects):
                if len(way) == 1:
                    found.update(dict.fromkeys(self.methods(owner, way[0], effects)))
        for one, _ in self.shown_to(kind, name, -1, "", effects):
            for method in one.shown.path[2:3] if one.shown.path[:2] == _ITSELF else ():
                found.update(dict.fromkeys(self.methods(self._owner_at(one, effects), method, effects)))
        return [number for number in found if not self._types.functions[number][1].computed]

    def given_by(
        self, path: ir.Path, declared: ir.Path, name: str, effects: Effects
    ) -> Iterator[tuple[ir.Type, ir.Path]]:
        """What a field of a class (`declared`: it, or a base) is given where the tree makes one: parts of what."""
        param, slot = self.kept(declared, effects).get(name, ("", -1))
        for at, given in self._makings(effects).get(path, ()) if param else ():
            way = _passed_as(given, param, slot)
            if at.owner is not None and way[:1] == ("self",) and len(way) > 1:
                yield at.owner, way[1:]

    def homes(self, raw: ir.Type, at: Context, effects: Effects) -> Mapping[str, ir.Path]:
        """Of a value made as `raw` in a method: its fields that are the method's object (an empty way) or parts."""
        if raw.path != ("[made]",) or not raw.args:
            return {}
        found: dict[str, ir.Path] = {}
        made = self.meaning(at.module, raw.args[0].path)
        for field, (name, slot) in self.kept(made, effects).items():
            way = _passed_as(raw.args[1:], name, slot)
            if way[:1] == ("self",):
                found[field] = way[1:]
        if at.owner is not None and made in self._names.types:
            found = {**self._owned(ir.Type(made), at.owner, effects), **found}
        return found

    def _owned(self, kind: ir.Type, owner: ir.Type, effects: Effects) -> Mapping[str, ir.Path]:
        """The fields of a class that only methods of `owner` give a value: their own object, or which part of it."""
        key = kind.path, owner.path
        if key not in self._owned_by:
            self._owned_by[key] = dict(self._given_only_by(kind, owner, effects))
        return self._owned_by[key]

    def _given_only_by(self, kind: ir.Type, owner: ir.Type, effects: Effects) -> Iterator[tuple[str, ir.Path]]:
        decl, above = self._names.types[kind.path], {owner.path, *(base.path for base in self.bases(owner, effects))}
        told = {one.name: one for one in decl.fields}
        for name in dict.fromkeys((*told, *self._fields_shown)):
            raw = told[name].type if name in told else ir.Type(("None",))
            method, slot, parameter = name, -1, ""
            if raw.path[0] == "[parameter]" and len(raw.path) == 3:
                targets = self.methods(kind, raw.path[1], effects)
                params = [one.name for one in self._types.functions[targets[0]][1].params[1:]] if targets else []
                method, parameter = raw.path[1:]
                slot = params.index(parameter) if parameter in params else -1
            elif raw.path not in (("None",), ("_",)):
                continue
            shown = list(self.shown_to(kind, method, slot, parameter, effects))
            mine = all(one.shown.path[:2] == _ITSELF and self._owner_at(one, effects).path in above for one, _ in shown)
            own = {one.shown.path[2:] for one, _ in shown}
            if mine and len(own) == 1:
                yield name, next(iter(own))

    def _makings(self, effects: Effects) -> Mapping[ir.Path, list[tuple[Context, tuple[ir.Type, ...]]]]:
        """Where objects of each class are made, and with what."""
        if self._made_of is None:
            from lockcheck.linker.types import Context

            self._made_of = defaultdict(list)
            for line in self.makings:
                at = Context(line.module)
                if line.owner.path:
                    at = Context(line.module, self._types.resolve(line.owner, at, effects))
                made = line.made.args[0].path
                own = at.owner if made == _OWN_CLASS else None
                found = own.path if own is not None else self.meaning(line.module, made)
                self._made_of[found].append((at, line.made.args[1:]))
        return self._made_of

    def follow(self, kind: ir.Type | None, way: ir.Path, effects: Effects) -> ir.Type | None:
        """The type at the end of a way: fields and properties by name, `()` for a call, `[]` for an element."""
        for number, part in enumerate(way):
            if kind is None:
                return None
            if part == "[]":
                kind, _ = self._types.field(kind, "[]", effects)
            elif part == "()" and not number:  # (what is called is no part of anything)
                kind = self._of_class(kind)
            elif way[number + 1 : number + 2] == ("()",):
                kind = self.result_of(kind, part, effects)
            elif part != "()":
                kind = self.part(kind, part, effects)
        return kind

    def _of_class(self, kind: ir.Type) -> ir.Type | None:
        """What calling a value makes that is a class; as doubtful as which class it is."""
        made = kind.args[0] if kind.path == (CLASS,) else None
        return guessed(made) if is_guess(kind) else made

    def part(self, kind: ir.Type, name: str, effects: Effects) -> ir.Type | None:
        """The type of a field, or of what a property gives."""
        kind = kind.args[0] if kind.path == (CLASS,) else kind
        found, _ = self._types.field(kind, name, effects)
        if found is None or found.path == ("None",):
            found = self._shown_type(kind, name, -1, "", effects) or found
        if found is None and not name.startswith("["):
            targets = self.methods(kind, name, effects)
            if targets and self.is_computed(targets[0], name):
                return self.returned(targets[0], kind)
            return None if targets else self._listed_as(kind, name, effects) or self._fitting(kind, name, effects)
        return found

    def _listed_as(self, kind: ir.Type, name: str, effects: Effects) -> ir.Type | None:
        """A library's class that a class keeps by a name of its own: `Lock = threading.Lock`.

        Where another class keeps another one by that name, an object may be of either, whatever is known of it.
        """
        if self._kept_as is None:
            self._kept_as = defaultdict(dict)
            for path, decl in self._names.types.items():
                for one in decl.fields:
                    known = self._listed(decl.module, one.type.path[1:], effects) if _is_name(one.type) else None
                    if known is not None:
                        self._kept_as[one.name][path] = known
        kept = self._kept_as.get(name, {})
        found = next((kept[outer.path] for outer in (kind, *self.bases(kind, effects)) if outer.path in kept), None)
        return ir.Type((CLASS,), (found,)) if found is not None and len(set(kept.values())) == 1 else None

    def _fitting(self, kind: ir.Type, name: str, effects: Effects) -> ir.Type | None:
        """The type of a field by what the methods of the class that has it ask its value for: a guess."""
        for outer in (kind, *self.bases(kind, effects)):
            decl = self._names.types.get(outer.path)
            field = next((one for one in decl.fields if one.name == name), None) if decl is not None else None
            if field is not None and field.asked:
                return self._types.uses.fitting(field.asked, effects)
        return None

    def result_of(self, kind: ir.Type, name: str, effects: Effects) -> ir.Type | None:
        """What a method gives: one of the tree's, one that hands out elements, or a class that a field holds."""
        owner = kind.args[0] if kind.path == (CLASS,) else kind
        targets = self.methods(owner, name, effects)
        if targets:
            return self.returned(targets[0], owner)
        shape = effects.flow.get(effects.shape(kind), {})
        if name in shape:
            return flowed(shape[name], kind)
        made = effects.makes.get(effects.separator.join((*kind.path, name)))
        if made is not None:
            return made
        if name in effects.futures and kind.path[-1] in effects.joins:
            return ir.Type(tuple(effects.futures[name].split(effects.separator)))
        for outer in (owner, *self.bases(owner, effects)):
            if (*outer.path, name) in self._names.types:
                return ir.Type((*outer.path, name))
        held = self.part(owner, name, effects)
        return held.args[0] if held is not None and held.path == (CLASS,) else None

    def _call(self, path: ir.Path, at: Context, effects: Effects) -> ir.Type | None:
        """What calling the thing at a path gives."""
        if path == ("cls",):
            return at.owner
        if path[0] in ("self", "cls"):
            owner = self.follow(at.owner, path[1:-1], effects)
            return self.result_of(owner, path[-1], effects) if owner is not None and len(path) > 1 else None
        found = self.meaning(at.module, path, effects)
        if found in self._names.types or effects.lock(found) is not None:
            return ir.Type(found)
        if found in self._names.functions:
            return self.returned(self._names.functions[found][0], None)
        if found[:-1] in self._names.types:
            return self.result_of(ir.Type(found[:-1]), found[-1], effects)
        made = effects.makes.get(effects.separator.join(found))
        if made is not None or self._names.is_inside(found):
            return made
        of_value = found == path and len(path) > 1 and not self._names.imports(at.module, path[0])
        return None if of_value else ir.Type(found)  # (a variable's method may give anything)

    def meaning(self, module: ir.Path, path: ir.Path, effects: Effects | None = None) -> ir.Path:
        """What a path names, variables that are other names of it followed (`Lock = threading.Lock`).

        With `effects`, a lock that all the names of a library are imported with is found too.
        """
        found = self._names.resolve(module, path)
        for _ in range(_DEPTH):
            static = self._names.statics.get(found)
            if static is None or static.type is None or not _is_name(static.type):
                break
            found = self._names.resolve(static.module, static.type.path[1:])
        if found == path and len(path) == 1 and effects is not None:
            whole = ((*base, *path) for base in self._names.outside_globs(module))
            found = next((one for one in whole if effects.lock(one) is not None), found)
        return found

    # ----------------------------------------------------------------------------------------------------- classes

    def bases(self, kind: ir.Type, effects: Effects) -> tuple[ir.Type, ...]:
        """What a class is built on, the nearest first, each once."""
        if kind.path not in self._bases:
            self._bases[kind.path] = ()
            self._bases[kind.path] = tuple(self._all_bases(kind, effects))
        return self._bases[kind.path]

    def is_always_true(self, kind: ir.Type, effects: Effects) -> bool:
        """Whether all objects of a class of the tree are true: neither it nor what it is built on has a say in that."""
        classes = (kind, *self.bases(kind, effects))
        known = all(one.path in self._names.types or one.path == ("object",) for one in classes)
        return known and not any(self.methods(kind, name, effects) for name in effects.truths)

    def shares_unnamed(self, owner: ir.Path, name: str, effects: Effects) -> bool:
        """Whether a field of a class is always made with something that is no field of its object: a parameter."""
        kinds = [field.type for field, _ in self._types.declared(ir.Type(owner), name, effects)]
        given = [kind.args[1] if kind.path == ("[made]",) and len(kind.args) > 1 else None for kind in kinds]
        return bool(given) and all(one is not None and _is_foreign(one.path) for one in given)

    def is_given(self, owner: ir.Path, name: str, effects: Effects) -> bool:
        """Whether a class never makes the value of its field: somebody else hands it over."""
        kinds = [field.type for field, _ in self._types.declared(ir.Type(owner), name, effects)]
        return bool(kinds) and not any(("[made]",) in (kind.path, *(one.path for one in kind.args)) for kind in kinds)

    def is_built_on(self, path: ir.Path, other: ir.Path, effects: Effects) -> bool:
        """Whether a class is another one, or built on it; so may be one that has bases of which nobody knows."""
        decl = self._names.types.get(path)
        known = decl is not None and decl.kind == "class"
        return not known or path == other or other in self._classes_of(path, effects)

    def in_one_object(self, one: ir.Path, other: ir.Path, effects: Effects) -> bool:
        """Whether an object can be of both classes: one of them, or another class of the tree, is built on the other.

        True where either is no class of the tree.
        """
        known = [self._names.types.get(path) for path in (one, other)]
        if one == other or any(decl is None or decl.kind != "class" for decl in known):
            return True
        above = self._classes_of(one, effects), self._classes_of(other, effects)
        if other in above[0] or one in above[1]:
            return True
        classes = (path for path, decl in self._names.types.items() if decl.kind == "class" and len(decl.bases) > 1)
        return any({one, other} <= self._classes_of(path, effects) for path in classes)

    def _classes_of(self, path: ir.Path, effects: Effects) -> frozenset[ir.Path]:
        return frozenset(base.path for base in self.bases(ir.Type(path), effects))

    def _all_bases(self, kind: ir.Type, effects: Effects) -> list[ir.Type]:
        from lockcheck.linker.types import Context

        decl = self._names.types.get(kind.path)
        if decl is None or decl.kind != "class":
            return []
        found: dict[ir.Path, ir.Type] = {}
        direct = [self._types.resolve(base, Context(decl.module), effects) for base in decl.bases]
        for base in direct:
            if base is not None and base.path != kind.path:
                found.setdefault(base.path, base)
                for above in self.bases(base, effects):
                    found.pop(above.path, None)
                    found[above.path] = above
        return list(found.values())

    def methods(self, kind: ir.Type, name: str, effects: Effects) -> list[int]:
        """The functions that a method of a class is: its own or the nearest inherited one."""
        for outer in (kind, *self.bases(kind, effects)):
            found = self._types.methods(outer, name, effects)
            if found:
                return found
        return []

    def hands_on(self, kind: ir.Type, effects: Effects) -> ir.Path:
        """The part of an object that is asked for what the object has not itself; empty where there is none."""
        if not self._any_hands_on:
            return ()
        found = (self._types.functions[number][1] for number in self.methods(kind, "__getattr__", effects))
        return next((one.hands_on for one in found), ())

    @cached_property
    def _any_hands_on(self) -> bool:
        """Whether any class of the tree does: it is asked for every part that is read."""
        return any(function.hands_on for _, function in self._types.functions)

    def second_names(self, methods: dict[ir.Path, dict[str, list[int]]]) -> None:
        """Add the names that a class gives its own methods besides: `__enter__ = acquire`, `size = property(_size)`."""
        properties = {(name,): by for table in self._types.tables for name, by in table.properties.items()}
        for path, own in methods.items():
            decl = self._names.types.get(path)
            for one in decl.fields if decl is not None else ():
                word = one.type.path[1] if one.shared and one.type.path[0] == "[at]" and len(one.type.path) == 2 else ""
                if word in own and one.name not in own:
                    own[one.name] = own[word]
                elif one.shared and one.type.path == ("[made]",) and one.type.args[0].path in properties:
                    self._computed_by(one.type.args[1:], properties[one.type.args[0].path], one.name, own)

    def _computed_by(
        self, given: tuple[ir.Type, ...], params: Sequence[str], name: str, own: dict[str, list[int]]
    ) -> None:
        """Add the methods of a class that run where a field is read and where it is given a value."""
        for number, (keyword, second) in enumerate(zip(params, (name, name + SETTER), strict=True)):
            word = _passed_as(given, keyword, number)
            if len(word) == 1 and word[0] in own and second not in own:
                own[second] = own[word[0]]
                if number:
                    self._types.note(second, own[second])
                else:
                    self._read |= {(name, one) for one in own[second]}

    def is_computed(self, number: int, name: str) -> bool:
        """Whether reading the field `name` runs a function, instead of giving it."""
        return self._types.functions[number][1].computed or (name, number) in self._read

    def calls_of_class(self, kind: ir.Type, effects: Effects) -> list[int]:
        """What runs where a class is called instead of what makes its objects: the method of its own class."""
        from lockcheck.linker.types import Context

        for outer in (kind, *self.bases(kind, effects)):
            decl = self._names.types.get(outer.path)
            if decl is not None and decl.of is not None:
                found = self._types.resolve(decl.of, Context(decl.module), effects)
                return self.methods(found, "__call__", effects) if found is not None else []
        return []

    def below(self, path: ir.Path, effects: Effects) -> list[ir.Path]:
        """The classes of the tree that are built on a class, directly or not, in the order of the tree."""
        if self._below is None:
            self._below = defaultdict(list)
            for known, decl in self._names.types.items():
                for base in self.bases(ir.Type(known), effects) if decl.kind == "class" else ():
                    self._below[base.path].append(known)
        return self._below.get(path, [])


def flowed(said: ir.Type, receiver: ir.Type, given: Mapping[str, ir.Type | None] = _NOTHING) -> ir.Type | None:
    """The result type that the table says of a method of a container, with the receiver's arguments put in.

    `given` says what the table's other words stand for: what is passed, what a closure that is passed returns. None
    where one of them is not known.
    """
    word = said.path[0]
    if word == "R":
        return receiver
    if word[0] in _GIVEN or word.isdigit():
        kind = given.get(word[0]) if word[0] in _GIVEN else receiver
        for number in word.lstrip(_GIVEN):
            while kind is not None and kind.path == ("[ref]",) and kind.args:
                kind = kind.args[0]
            kind = kind.args[int(number)] if kind is not None and int(number) < len(kind.args) else None
        return kind
    parts = [flowed(a, receiver, given) for a in said.args]
    if any(part is None and one.path[0][0] in _GIVEN for part, one in zip(parts, said.args, strict=True)):
        return None
    return ir.Type(said.path, tuple(part or ir.Type(("_",)) for part in parts))


def way_to(said: ir.Type, word: str) -> ir.Path | None:
    """Where in a result that the table describes the thing stands that it calls by a word; `[]` for any element."""
    if said.path == (word,):
        return ()
    for number, part in enumerate(said.args):
        way = way_to(part, word)
        if way is not None:
            return (str(number) if said.path == ("[tuple]",) else EACH, *way)
    return (EACH,) if said.path == ("R",) else None


def _is_foreign(given: ir.Path) -> bool:
    """Whether what a value is made with is named in the function that makes it, and is no part of its object."""
    path = given[1:] if given[:1] == ("[at]",) else ()
    path = path[1:] if path and path[0].endswith("=") else path
    return bool(path) and path[0] not in ("self", "cls")


def _passed_as(given: tuple[ir.Type, ...], name: str, slot: int) -> ir.Path:
    """The dotted name that a maker is given for its parameter; empty where it is given something else."""
    named = (one.path[2:] for one in given if one.path[1:2] == (f"{name}=",))
    placed = (one.path[1:] for number, one in enumerate(given) if number == slot)
    return next(named, None) or next(placed, ())
