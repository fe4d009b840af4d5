"""What a value is where every value is a reference: by what made it, what is kept in it, and what is asked of it.

In: a place.  Out: its one name, its type.
Never: what a call does.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from lockcheck import ir
from lockcheck.effects import Effects
from lockcheck.linker.objects.callables import Callables
from lockcheck.linker.objects.made import CLASS, EACH, HANDED, way_to
from lockcheck.linker.objects.uses import guessed, is_guess
from lockcheck.linker.places import EMPTY_OPTION, OF_METHOD, oldest, owner_of_static, plain, slot_of
from lockcheck.linker.rounds import Every
from lockcheck.linker.types import SAYS_NOTHING, Context

_ALIASES = 8
_ROOT = ("[root]",)


class Values(Callables):
    """The places and types of a language of objects."""

    def canon(self, place: ir.Place | None) -> ir.Place | None:
        if place is None:
            return None
        place = self.absolute(oldest(place, self.alias))
        for _ in range(4):
            other = self.same_as(place)
            if other is None or other == place:
                break
            place = self.absolute(oldest(other, self.alias))
        return plain(place)

    def absolute(self, place: ir.Place) -> ir.Place:
        """The place from its static, if it is in one; a field that all instances share is one."""
        names = self.program.names
        if isinstance(place.root, tuple):
            if place.root[0].startswith("["):
                return place
            root, way = names.resolve(self.context.module, place.root), place.way
            while way and root not in names.statics:
                below = names.resolve(root, (*_ROOT, *root, way[0]))
                if not names.is_item(below):
                    break
                root, way = below, way[1:]
            if root in names.types and way:
                root, way = self.shared_root(ir.Type(root), way[0]) or (*root, way[0]), way[1:]
            return ir.Place(root, way)
        if place.way and (kind := self.slot_type(place.root)) is not None:
            shared = self.shared_root(kind, place.way[0])
            if shared is not None:
                return ir.Place(shared, place.way[1:])
        return place

    def asked(self, place: ir.Place | None, depth: int = 0) -> ir.Place | None:
        """The same for variables of modules and classes too: what they are is known up to the next assignment."""
        return (self.static_asked(place) if place is not None else None) or super().asked(place, depth)

    def static_asked(self, place: ir.Place) -> ir.Place | None:
        """What a question about a variable of a module, or of a class by the class's name, is about."""
        if isinstance(place.root, int):
            if place.root or not place.way or not self.program.functions[self.number][1].of_type:
                return None
            owner = self.context.owner.path if self.context.owner is not None else ()
            path, names = (*owner, *place.way), self.program.names
        elif place.root[0].startswith("["):
            return None
        else:
            known, names = self.absolute(place), self.program.names
            assert isinstance(known.root, tuple)
            path = (*known.root, *known.way)
        decl = names.types.get(path[:-1])
        if decl is not None and path[-1] in decl.values:  # (that is one thing for good)
            return None
        of_class = decl is not None and any(one.name == path[-1] for one in decl.fields)
        return ir.Place(ir.STATIC, path) if path in names.statics or of_class else None

    def written_value(self, place: ir.Place) -> ir.Place | None:
        """The same; a value of a class is spelled as a part of it."""
        if isinstance(place.root, tuple) and place.way and not place.root[0].startswith("["):
            place = ir.Place((*place.root, *place.way))
        return super().written_value(place)

    def as_object(self, kind: ir.Type) -> ir.Place:
        """What is known of the truth of an object: it is there, and true where its class has no say in that."""
        return ir.YES if self.program.types.made.is_always_true(kind, self.effects) else ir.MADE

    def shared_root(self, kind: ir.Type, name: str) -> ir.Path | None:
        """The full name of a field that all instances of a class have in common."""
        found = next(self.program.types.declared(kind, name, self.effects), None)
        if found is None or not found[0].shared:
            return None
        own = found[0].type.path == ("None",) and self.program.types.made.is_given_to_objects(name)
        return (*found[1].module, found[1].name, name) if not own else None

    def put_there(self, place: ir.Place) -> ir.Type | None:
        """The type, as written, of what is put into a field or into a variable of a module or class."""
        if place.way:
            kind = self.type_of(ir.Place(place.root, place.way[:-1]))
            return self.declared(kind, place.way[-1]) if kind is not None else None
        if isinstance(place.root, int):
            return None
        static = self.program.names.statics.get(place.root)
        if (static is None or static.type is None) and place.root[:-1] in self.program.names.types:
            return self.declared(ir.Type(place.root[:-1]), place.root[-1])
        return static.type if static is not None else None

    def has_size(self, place: ir.Place | None) -> bool:
        known = self.canon(place)
        if known is None:
            return False
        if not known.way and known.root in self.sized:
            return True
        given = self.made_with(known)
        return given is not None and _is_sized(given, self.effects.size)

    def is_endless(self, place: ir.Place | None) -> bool:
        """Whether a field, or a variable of a module, is known to be made without a size."""
        known = self.canon(place)
        given = self.made_with(known) if known is not None else None
        return given is not None and not _is_sized(given, self.effects.size)

    def made_with(self, place: ir.Place) -> tuple[ir.Type, ...] | None:
        """What the value of a field, or of a variable of a module, is made with; None where that is not told."""
        made = self.put_there(place)
        return made.args[1:] if made is not None and made.path == ("[made]",) else None

    def same_as(self, place: ir.Place) -> ir.Place | None:
        """The lock that a lock is another name of: `Condition(self._lock)`, or plain `self._lock`, put into a field."""
        owner = ir.Place(place.root, place.way[:-1]) if place.way else None
        made = self.put_there(place)
        plainly = made is not None and made.path[0] == "[at]"
        if made is None or not (plainly or (made.path == ("[made]",) and len(made.args) > 1)):
            return None
        resolved = self.type_of(place)
        lock = self.program.types.lock_type(resolved, self.effects) if resolved is not None else None
        if lock is not None and plainly:
            return self.named_as(place, owner, made.path[1:])
        if lock is None or not lock.shares:
            return None
        given = next((g.path for g in made.args[1:] if g.path[1:2] == ("lock=",)), made.args[1].path)
        path = given[2:] if given[1:2] == ("lock=",) else given[1:]
        if given[0] != "[at]" or not path or path[0].endswith("="):
            return None
        if path[0] in ("self", "cls"):
            return ir.Place(owner.root, owner.way + path[1:]) if owner is not None else None
        if owner is None and isinstance(place.root, tuple):
            return ir.Place((*place.root[:-1], path[0]), path[1:])
        return None

    def named_as(self, place: ir.Place, owner: ir.Place | None, path: ir.Path) -> ir.Place | None:
        """The field of the same object, or the variable, that is assigned to a field or a variable by its name."""
        names = self.program.names
        if path[0] in ("self", "cls"):
            return ir.Place(owner.root, owner.way + path[1:]) if owner is not None and path[1:] else None
        if owner is not None or not isinstance(place.root, tuple):
            return None
        static = names.statics.get(place.root)
        if static is None:
            return ir.Place((*place.root[:-1], path[0]), path[1:])
        root = names.resolve(static.module, path)
        return ir.Place(root) if root in names.statics else None

    def declared(self, kind: ir.Type, name: str) -> ir.Type | None:
        """The type of a field as written, or how its value is made."""
        found = self.field_of(kind, name)
        return found[0].made or found[0].type if found is not None else None

    def field_of(self, kind: ir.Type, name: str) -> tuple[ir.Field, ir.Path] | None:
        """A field as declared, with the module of its class: the first that says what it is."""
        found = [(one, decl.module) for one, decl in self.program.types.declared(kind, name, self.effects)]
        return next((one for one in found if one[0].type.path not in SAYS_NOTHING), found[0] if found else None)

    def goes_home(self, place: ir.Place | None) -> None:
        """Remember which parts of the value at a place are other names of something in the object that keeps it."""
        if place is None or isinstance(place.root, tuple) or not (place.way or place.root in self.likes):
            return
        if place.way[-1:] == (OF_METHOD,):
            self.listens(place, self.like(ir.Place(place.root, place.way[:-1])))
            return
        kept = self.like(place)
        if kept is None or not kept.way or isinstance(kept.root, tuple):
            return
        each = kept.way[-1].startswith("[")
        owner = ir.Place(kept.root, kept.way[: -2 if each else -1])
        name = kept.way[-2:][0] if each else kept.way[-1]
        kind = self.type_of(owner) if len(kept.way) > each and not name.startswith("[") else None
        field = self.field_of(kind, name) if kind is not None else None
        if field is None:
            return
        at = Context(field[1], kind)
        ways = [self.program.types.made.homes(raw, at, self.effects) for raw in _ways_made(field[0], each)]
        for part, way in ways[0].items() if ways else ():
            if all(other.get(part) == way for other in ways):
                self.home[ir.Place(place.root, (*place.way, part))] = ir.Place(owner.root, owner.way + way)
                holder = ir.Place(owner.root, owner.way + way[:-1])
                self.home[ir.Place(place.root, (*place.way, part, OF_METHOD))] = holder

    def listens(self, receiver: ir.Place, kept: ir.Place | None) -> None:
        """Who gave a method of its own to an object, by a field of its own, has that object there."""
        kind = self.type_of(kept) if kept is not None and kept.way else None
        field = (
            self.program.types.made.keeper(kind, self.effects) if kind is not None and kind.path == (HANDED,) else ""
        )
        if kept is None or kind is None or not field:
            return
        owner = ir.Place(kept.root, kept.way[: -2 if kept.way[-1].startswith("[") else -1])
        whose = self.type_of(owner)
        if whose is not None and self.program.types.made.is_built_on(whose.path, kind.args[0].path, self.effects):
            self.home[ir.Place(receiver.root, (*receiver.way, field))] = owner

    def takes_after(self, dst: int, said: ir.Type, word: str, container: ir.Place | None) -> None:
        """A call gives elements of a container, or one of them (called so by the table): where they stand in it."""
        known, way = self.canon(container), way_to(said, word)
        if known is not None and way is not None:
            self.likes[dst] = way, ir.Place(known.root, (*known.way, EACH))

    def every(self, one: ir.Place) -> Every | None:
        """The same through copies of the whole: `for row in list(self.rows.values())`."""
        element, of = one, one
        for _ in range(_ALIASES):
            holder = self.canon(ir.Place(of.root, of.way[:-1]))
            if holder in self.thinned:
                return None
            way, known = self.likes.get(slot_of(holder), ((), None))
            if known is None or way[:1] != (EACH,) or known.way[-1:] != (EACH,):
                break
            element, of = ir.Place(one.root, element.way + way[1:]), known
        return Every(element, ir.Place(of.root, (*of.way[:-1], ir.ALL))) if of != one else super().every(one)

    def names_part(self, dst: int, way: ir.Path, known: ir.Place | None) -> None:
        if way[0] != EACH:
            super().names_part(dst, way, known)
        elif known is not None:
            self.likes[dst] = way, known

    def consists_of(self, place: ir.Place | None, element: ir.Place | None) -> None:
        """An element goes into a container: the others in it came from where it did, or nothing is known of them."""
        container, known = slot_of(self.canon(place)), self.like(self.canon(element))
        before = self.likes.get(container)
        self.thinned.add(ir.Place(container))  # (what goes in one by one may be chosen)
        if known is not None and (before is None or _of_any(before[1]) == _of_any(known)):
            self.likes[container] = (EACH,), known
        else:
            self.likes.pop(container, None)

    def like(self, place: ir.Place | None) -> ir.Place | None:
        """The element that the value at a place is, of what kept it before: `for row in list(self.rows)`."""
        known = place
        for _ in range(_ALIASES):
            if known is None or (not known.way and known.root not in self.likes):
                break
            if ir.SLICE in known.way:
                known = ir.Place(known.root, tuple(part for part in known.way if part != ir.SLICE))
            said = self.likes.get(known.root) if isinstance(known.root, int) else None
            if said is None or len(said[0]) > len(known.way) or not all(map(_is_part, said[0], known.way)):
                break
            known = self.canon(ir.Place(said[1].root, said[1].way + known.way[len(said[0]) :]))
        return known

    def others(self, place: ir.Place | None) -> tuple[ir.Region, ...]:
        """The bodies of the threads that the value at a place stands for: of a field, by what the class puts there."""
        return super().others(place) or self.kept_tasks(place)

    def kept_tasks(self, place: ir.Place | None) -> tuple[ir.Region, ...]:
        known = self.like(self.canon(place))
        if known is None or known in self.stopped:
            return ()
        owner, made, module = self.kept_as(known)
        given = (way for raw in made for way in _run_by(raw, self.effects))
        places = (self.run_at(owner, way, module) for way in dict.fromkeys(given))
        bodies = (self.body_of(one, self.now) for one in places if one is not None)
        return tuple(body for body in bodies if body is not None) or self.run_on(known)

    def run_on(self, known: ir.Place) -> tuple[ir.Region, ...]:
        """What the methods of a class give to a field's value to run beside: each of it may run still."""
        owner = ir.Place(known.root, known.way[:-1])
        kind = self.type_of(known) if known.way else None
        whose = self.type_of(owner) if kind is not None and kind.path[-1] in self.effects.pools else None
        field = self.field_of(whose, known.way[-1]) if whose is not None else None
        places = (self.run_at(owner, one.path[1:], ()) for one in (field[0].put if field is not None else ()))
        bodies = (self.body_of(one, self.now) for one in places if one is not None)
        return tuple(perhaps(body) for body in bodies if body is not None)

    def kept_as(self, known: ir.Place) -> tuple[ir.Place | None, list[ir.Type], ir.Path]:
        """Of a field, or a variable of a module: whose it is, how its value may be made, and in which module."""
        if not known.way:
            static = self.program.names.statics.get(known.root) if isinstance(known.root, tuple) else None
            if static is None or static.type is None:
                return None, [], ()
            return None, [static.type], static.module
        each = known.way[-1].startswith("[")
        owner = ir.Place(known.root, known.way[: -2 if each else -1])
        name = known.way[-2:][0] if each else known.way[-1]
        kind = self.type_of(owner) if len(known.way) > each and not name.startswith("[") else None
        field = self.field_of(kind, name) if kind is not None else None
        return (owner, _ways_made(field[0], each), field[1]) if field is not None else (None, [], ())

    def run_at(self, owner: ir.Place | None, way: ir.Path, module: ir.Path) -> ir.Place | None:
        """The place of what a thread runs: a part of the object that keeps it, or a function of the module."""
        if way[0] in ("self", "cls"):
            return ir.Place(owner.root, owner.way + way[1:]) if owner is not None and way[1:] else None
        found = self.program.names.resolve(module, way)
        return ir.Place(found) if found in self.program.names.functions else None

    def type_of(self, place: ir.Place | None) -> ir.Type | None:
        """The type of the value at a place; guessed by what is asked of it where nothing else says so."""
        if place is None:
            return None
        kind = self.told_type(place)
        return kind if kind not in (None, EMPTY_OPTION) else self.guessed_type(place) or kind

    def told_type(self, place: ir.Place) -> ir.Type | None:
        """The type that what makes the value says that it has."""
        place = self.typed(place)
        if isinstance(place.root, tuple):
            place = self.absolute(place)
            kind = self.static_type(place.root)
        else:
            kind = self.slot_type(place.root)
        for part in place.way:
            kind = self.part_type(kind, part) if kind is not None else None
        return kind

    def guessed_type(self, place: ir.Place) -> ir.Type | None:
        """The type by what is asked of the variables that the value, or what it is a part of, is in."""
        for _ in range(_ALIASES):
            root = place.root
            if not isinstance(root, int):
                return None
            slot = self.body.slots[root]
            kind = self.program.types.uses.fitting(self.asked_of(root), self.effects) if slot.name else None
            kind = kind or self.type_as_own(root)
            if kind is not None and self.slot_type(root) in (None, EMPTY_OPTION):
                for part in place.way:
                    kind = self.part_type(kind, part) if kind is not None else None
                return kind
            known = self.alias.get(ir.Place(root))
            if known is None or known.root == root:
                return None
            place = ir.Place(known.root, known.way + place.way)
        return None

    def type_as_own(self, root: int) -> ir.Type | None:
        """The class of the method's object, for a parameter that is asked for nothing but what the object is asked for.

        So is another object of that class, `with self.lock, other.lock`; a guess.
        """
        function = self.program.functions[self.number][1]
        is_other = function.takes_self and not function.of_type and 0 < root < self.program.parameters(self.number)
        names = self.asked_of(root) if is_other else frozenset()
        return guessed(self.context.owner) if names and names <= self.asked_of(0) else None

    def asked_of(self, slot: int) -> frozenset[str]:
        """The names that the function asks the value of a variable for."""
        if self.asks is None:
            found: dict[int, set[str]] = {}
            for step in ir.steps_of(self.body.root):
                name, place = "", None
                if isinstance(step, ir.Get):
                    name, place = step.place.way[0], ir.Place(step.place.root)
                elif isinstance(step, ir.Call) and isinstance(step.callee, ir.Method):
                    name, place = step.callee.name, step.operands[0].place
                if place is not None and isinstance(place.root, int):
                    found.setdefault(place.root, set()).add(place.way[0] if place.way else name)
            self.asks = {root: frozenset(n for n in names if n[0] != "[") for root, names in found.items()}
        return self.asks.get(slot, frozenset())

    def slot_type(self, slot: int) -> ir.Type | None:
        if slot not in self.types and slot < self.program.parameters(self.number):
            declared = self.body.slots[slot]
            if declared.type is None and self.program.functions[self.number][1].wraps and not slot:
                self.types[slot] = self.program.wrapped_owner(self.number)
            elif declared.type is None:
                kind = self.program.types.made.parameter(self.number, declared.name, self.effects)
                self.types[slot] = kind if kind is None or kind.path != (HANDED,) else None
        return super().slot_type(slot)

    def part_type(self, kind: ir.Type, part: str) -> ir.Type | None:
        if part == ir.SLICE:
            return kind
        if part == self.effects.own_class:
            return ir.Type((CLASS,), (kind,)) if kind.path in self.program.names.types else None
        made = self.program.types.made
        found = made.part(kind, part, self.effects)
        if found is None and (way := made.hands_on(kind, self.effects)):
            found = made.follow(kind, (*way, part), self.effects)
        return guessed(found) if is_guess(kind) else found

    def static_type(self, root: ir.Path | int) -> ir.Type | None:
        assert isinstance(root, tuple)
        static = self.program.names.statics.get(root)
        if static is not None:
            return self.program.types.resolve(static.type, Context(static.module), self.effects)
        if root[:-1] in self.program.names.types:
            return self.part_type(ir.Type(root[:-1]), root[-1])
        return ir.Type((CLASS,), (ir.Type(root),)) if root in self.program.names.types else None

    def name(self, dst: ir.Place, src: ir.Place | None) -> None:
        if src in (ir.NONE, ir.YES, ir.NO):  # (what is set to nothing meanwhile is the same thing again later)
            return
        is_field = dst.way != () and dst.way[-1].isidentifier()
        if src is None or (is_field and slot_of(oldest(src, self.alias)) in self.empty):
            return  # (`rows, self.rows = self.rows, []`)
        if isinstance(dst.root, int) and not dst.way:
            self.names_element(dst.root, src)
        super().name(dst, src)

    def names_element(self, slot: int, src: ir.Place) -> None:
        """A variable that stands for an element already, as that of several loops does, is given another one."""
        known, is_element = self.alias.get(ir.Place(slot)), any(part.startswith("[") for part in src.way)
        if known is not None and known != src and (is_element or src.root in self.likes):
            one, other = self.like(self.canon(known)), self.like(self.canon(src))
            if other is not None and _of_any(one) == _of_any(other):
                self.likes[slot] = (), other

    def hand_on(self, dst: int, src: ir.Place) -> None:
        super().hand_on(dst, src)
        if isinstance(src.root, int) and not src.way and src.root in self.contexts:
            self.contexts[dst] = self.contexts[src.root]
        if isinstance(src.root, int) and not src.way and src.root in self.bound:
            self.bound[dst] = self.bound[src.root]
        if isinstance(src.root, int) and not src.way and src.root in self.picked:
            self.picked[dst] = self.picked[src.root]

    def is_inside(self, place: ir.Place | None, kind: ir.Type | None) -> bool:
        """Whether this is a method of a lock's own class, in the library that has it."""
        owner = self.context.owner
        return place == ir.Place(0) and kind is not None and owner is not None and kind.path == owner.path

    def owner_of(self, place: ir.Place) -> str:
        known = self.canon(place)
        if known is not None and isinstance(known.root, tuple) and (static := owner_of_static(known)):
            cut = len(known.root) - 1
            joined = "::".join(known.root[:cut])
            return f"{joined}.{known.root[cut]}" if known.root[:cut] in self.program.names.types else static
        return super().owner_of(known or place) or self.owner_through(known or place)

    def owner_through(self, place: ir.Place) -> str:
        """Of a part of a value whose type is not known: the field that keeps the value, and the way on from there."""
        for cut in range(1, len(place.way)):
            base = ir.Place(place.root, place.way[:cut])
            if self.type_of(base) is None:
                _, owner = self.program.types.field(self.type_of(ir.Place(place.root, place.way[: cut - 1])),
                                                    place.way[cut - 1], self.effects)  # fmt: skip
                named = owner and not any(part.startswith("[") for part in place.way[cut - 1 :])
                return f"{owner}.{'.'.join(place.way[cut - 1 :])}" if named else ""
        return ""


def perhaps(body: ir.Region) -> ir.Region:
    """A body whose calls are not certain to be made."""
    steps = (replace(step, certain=False) if isinstance(step, ir.Invoke) else step for step in body.steps)
    return replace(body, steps=tuple(steps))


def _is_sized(given: tuple[ir.Type, ...], name: str) -> bool:
    """Whether what is made with this has a size: more than nought, in the first place or by its `name`."""
    first = given[0] if given and not "".join(given[0].path[1:2]).endswith("=") else None
    said = next((one for one in given if one.path[1:2] == (f"{name}=",)), first)
    return said is not None and said.path not in (ir.NOUGHT.path, ("[at]", "None"))


def _is_part(said: str, part: str) -> bool:
    """Whether a part of a way is the one that a way says, or any element where it says that."""
    return part == said or (said == EACH and part.startswith("["))


def _of_any(place: ir.Place | None) -> ir.Place | None:
    """The place of any element, for that of a certain one."""
    if place is None or not place.way or not place.way[-1].startswith("["):
        return place
    return ir.Place(place.root, (*place.way[:-1], EACH))


def _ways_made(field: ir.Field, each: bool) -> list[ir.Type]:
    """How the value of a field, or each of its elements, may be made; only that it may be missing is left out."""
    found: list[ir.Type] = []
    listed = field.type.args if each and field.type.path == ("list",) else ()
    waiting = [*field.put, *listed] if each else [field.type]
    while waiting:
        one = waiting.pop()
        if one.path == ("[any]",):
            waiting += one.args
        elif one.path not in SAYS_NOTHING:
            found.append(one)
    return found


def _run_by(raw: ir.Type, effects: Effects) -> Iterator[ir.Path]:
    """What a value is made to run beside, as written: `Thread(target=self._run)`, `create_task(self._run())`."""
    for one in raw.args[1:] if raw.path == ("[made]",) and raw.args[0].path[-1] in effects.threads else ():
        path = one.path[1:] if one.path[0] == "[at]" else one.args[0].path if one.path == ("[made]",) else ()
        way = path[1:] if path and path[0].endswith("=") else path
        if way:
            yield way
