"""Calls into libraries: where the value goes on, and what closures they run.

In: a call of no function of the tree.  Out: moves, names, types, the closures that run meanwhile.
Never: locks.
"""

from __future__ import annotations

from lockcheck import ir
from lockcheck.effects.shapes import LIST, MAKERS, MAP, OPTION, RESULT
from lockcheck.linker.iterators import Iterators
from lockcheck.linker.places import BEHIND, is_settled, oldest, plain, slot_of
from lockcheck.linker.written import REF


class Library(Iterators):
    """What the language's table says of library calls."""

    def goes_along(self, call: ir.Call, name: str, place: ir.Place) -> None:
        """What a value holds is in the result; an iterator of the tree that is used up ends with what it holds."""
        used_up = name in self.effects.gathers and name in self.effects.iterators_end and self.next_of(place)
        anew = name in self.effects.answers_anew
        self.out.append(ir.Release(place, call.at) if used_up else ir.Move(ir.Place(call.dst), place, anew))

    def goes_by(self, call: ir.Call, name: str, kind: ir.Type | None, place: ir.Place) -> None:
        """What a method gives is known by the value that it is called on: as that, as an element, or as its own."""
        if name in self.effects.answers_anew:
            self.anew.add(call.dst)
        keyed = name in self.effects.by_key and kind is not None and self.effects.shape(kind) == MAP
        whole = name == "get_mut" and kind is not None and kind.path[-1] in self.effects.wrappers
        if keyed or (name in ("get", "get_mut", "first", "last", "next", "pop") and not whole):
            self.name(ir.Place(call.dst), ir.Place(place.root, (*place.way, self.element_of(call, kind))))
        elif name in self.effects.same_methods or name in ("take", "get_mut"):
            self.name(ir.Place(call.dst), place)
            self.hand_on(call.dst, place)
        elif len(call.operands) == 1:
            self.name(ir.Place(call.dst), ir.Place(place.root, (*place.way, ir.given_by(name, call.kinds))))
        else:
            self.drawn[call.dst] = place

    def library(
        self, call: ir.Call, name: str, kind: ir.Type | None, carries: bool = True, unknown: bool = False
    ) -> None:
        """A method that is known or means nothing: the value goes on where the table says so.

        `carries`: it is called on the value itself, not through a guard. `unknown`: nothing is known of it.
        """
        place = call.operands[0].place
        if place is not None:
            if carries and self.keeps_on(call, name, place):
                self.goes_along(call, name, plain(place))
            self.goes_by(call, name, kind, place)
            if name in self.effects.insists and carries:
                self.insisted(place)
            self.emptied(call, name, place, carries)
        if place is not None and (self.entry(call, name, place) or self.alternative(call, name, place, kind)):
            return
        if not self.puts_off(call, name, kind, unknown):
            self.closures(call, place if name not in self.effects.carries else None, unknown)
        if place is not None:
            self.used_up(call, name, place)
        if name in self.effects.keeps and slot_of(place) >= 0:
            self.hand_on(slot_of(place), ir.Place(call.dst))
        self.hands_all(call.operands[1:])
        self.keeps_by_key(call, name, kind)
        for operand in call.operands[1:]:
            if place is not None and operand.place is not None:
                self.keeps_one(place, operand.place)
                self.takes_in(name, place, operand)
            if operand.moved and operand.place is not None and place is not None and name in self.effects.keeps:
                self.goes_into(place, operand.place, call)
            elif operand.moved and operand.place is not None and name in ("or", "or_else", "unwrap_or"):
                self.out.append(ir.Move(ir.Place(call.dst), plain(operand.place)))
        self.consume(call, skip=1)

    def emptied(self, call: ir.Call, name: str, place: ir.Place, carries: bool) -> None:
        """A call leaves nothing in a value."""
        if carries and name in self.effects.empties and not self.is_behind_guard(place):
            self.out.append(ir.Release(plain(place), call.at))

    def takes_in(self, name: str, place: ir.Place, given: ir.Operand) -> None:
        """Something goes into the list at a place: itself, which may be called later, or the elements that it gives."""
        if name not in self.effects.keeps:
            return
        self.runs_late(given.place)
        if given.place is not None:
            self.put_in.append((place, given.place))
            self.keeps_handle(ir.Place(place.root, (*place.way, BEHIND)), given.place)
        list_ = slot_of(self.canon(place))
        if list_ >= 0:
            self.put_in_list(list_, given)

    def keeps_by_key(self, call: ir.Call, name: str, kind: ir.Type | None) -> None:
        """What is made here goes into a map: who is given it gets the element for that key."""
        place, given = call.operands[0].place, call.operands[2].place if len(call.operands) == 3 else None
        if given is None or place is None or name not in self.effects.keeps:
            return
        made, element = oldest(given, self.alias), self.element_of(call, kind)
        if slot_of(made) >= self.program.parameters(self.number) and element.startswith(ir.KEYED):
            self.put_by_key[made] = ir.Place(place.root, (*place.way, element))

    def keeps_one(self, place: ir.Place, given: ir.Place) -> None:
        """A thread's handle goes into what is at a place, or one that has a part of it does."""
        if not (isinstance(given.root, int) and isinstance(place.root, int) and given.root in self.threads):
            return
        for root in {place.root, slot_of(self.canon(place))} - {-1}:
            self.threads[root] = self.threads[given.root]
        self.keeps_handle(place, given)

    def element_of(self, call: ir.Call, kind: ir.Type | None) -> str:
        """The part of a way that is the element which a container is asked for: the same one for the same key."""
        shape = self.effects.shape(kind) if kind is not None else ""
        key = self.asked(call.operands[1].place) if len(call.operands) > 1 and shape in (MAP, LIST) else None
        told = key is not None and is_settled(key, self.body.slots)
        return ir.element_for(key) if key is not None and told else f"[each {call.dst}]"

    def insisted(self, place: ir.Place) -> None:
        """What comes after it runs only where the value was there."""
        about = self.asked(place)
        if about is not None and isinstance(about.root, int) and self.body.slots[about.root].name:
            self.out.append(ir.Assume(about, (), True))

    def plain_result(self, call: ir.Call, name: str, lock: ir.Type, kind: ir.Type | None) -> None:
        """`get_mut`, `into_inner`: the way to the data that takes no lock.

        `kind` is the receiver's type, behind which the `lock` is: of a handle it is the handle that is cloned.
        """
        if lock.args and name in ("get_mut", "into_inner", "get"):
            self.learn(call.dst, lock.args[-1])
        elif name == "clone":
            self.learn(call.dst, kind.args[-1] if kind is not None and kind.path == REF and kind.args else kind)
        self.library(call, name, lock)

    def passed_to(self, call: ir.Call) -> dict[str, ir.Type | None]:
        """What is passed to a call first, and what a closure among its arguments returns: see `flowed`."""
        if len(call.operands) < 2:
            return {}
        found = {"$": self.type_of(call.operands[1].place)}
        for operand in call.operands[1:]:
            if self.is_lambda(operand):
                assert operand.place is not None and isinstance(operand.place.root, int)
                found["@"] = self.type_of(ir.Place(self.lambdas[operand.place.root].result))
        return found

    def of_entry(self, place: ir.Place) -> tuple[str, ir.Place | None]:
        """The part of an entry of a map that a place is another name of, and the whole entry; None where it is none."""
        way = oldest(place, self.alias).way
        part = next((part for part in way[-1:] if part in self.effects.entries), "")
        if not part or way[: len(way) - (part != "*")][-1:] != ("*",):
            return "", None
        named: ir.Place | None = place
        while part != "*" and named is not None and named.way[-1:] != (part,):
            named = self.alias.get(named)
        if named is None:
            return "", None
        return part, named if part == "*" else ir.Place(named.root, named.way[:-1])

    def entry(self, call: ir.Call, name: str, place: ir.Place) -> bool:
        """A method that uses up an entry of a map: the guard that it was goes on to the result, or ends."""
        part, whole = self.of_entry(place)
        if whole is None:
            return False
        gives, ends = name in self.effects.entries[part], part != "*" and name in self.effects.entries.get("-", ())
        if gives:
            self.closures(call, None)
            self.name(ir.Place(call.dst), whole)
            self.out.append(ir.Move(ir.Place(call.dst), plain(whole)))
        elif ends:
            self.out.append(ir.Release(plain(whole), call.at))
        return gives or ends

    def _is_of_nothing(self, call: ir.Call, kind: ir.Type | None) -> bool:
        """Whether a closure for what is not there gets nothing: an error, which a result has, could hold a guard."""
        shape = kind.path[-1] if kind is not None else ""
        first = next((slot_of(one.place) for one in call.operands[1:] if self.is_lambda(one)), -1)
        return shape == OPTION or (shape == RESULT and first in self.lambdas and not self.lambdas[first].params)

    def alternative(self, call: ir.Call, name: str, place: ir.Place, kind: ir.Type | None) -> bool:
        """`option.unwrap_or_else(|| …)`: the closure runs where nothing is there."""
        if name not in self.effects.alternatives or not self._is_of_nothing(call, kind):
            return False
        before, self.out = self.out, []
        self.refine(ir.Refine(place, False, True))
        self.out.append(ir.Refine(ir.Place(call.dst), False, True))
        self.closures(call, None)
        missing, self.out = self.out, []
        self.refine(ir.Refine(place, True))
        there, self.out = self.out, before
        arms = (ir.Arm(ir.Region(tuple(steps), (), call.at)) for steps in (missing, there))
        self.out.append(ir.Branch(tuple(arms)))
        return True

    # ---------------------------------------------------------------------------------------------------- functions

    def outside(self, call: ir.Call, path: ir.Path, spelled: str, short: str, kind: ir.Type | None) -> None:
        """A function of no file here."""
        effects, word = self.effects, path[-1]
        resolved = "::".join(self.program.names.resolve(self.context.module, path))
        same = spelled in effects.same_functions or short in effects.same_functions
        first = call.operands[0] if call.operands else ir.Operand()
        if word in effects.threads:
            self.closures(call, None)
            self.consume(call)
            return
        self.written_by(call, path, same)
        if same and first.place is not None:
            self.learn(call.dst, self.constructed(word, short, self.type_of(first.place)))
            self.name(ir.Place(call.dst), first.place)
            self.hand_on(call.dst, first.place)
            if call.dst in self.lambdas and len(path) > 1:
                self.boxed.add(self.lambdas[call.dst].dst)
            if first.moved:
                self.out.append(ir.Move(ir.Place(call.dst), plain(first.place), word in MAKERS))
                self.taken(call.dst, first.place)
            return
        self.hands_all(call.operands)
        if word[:1].isupper():
            self.variant(call, path)
            return
        self.closures(call, None, unknown=True)
        if ends := effects.channels.get(resolved) or effects.channels.get(short):
            self.channels.add(call.dst)
            self.learn(call.dst, ends)
        asks = word in effects.same_object or short in effects.same_object
        if not self.waits_or_works(call, resolved, spelled) and (
            kind is None or kind.path[0] not in effects.known or asks
        ):
            self.unknown(call, spelled)
        carried = len(path) > 1 and path[-2][:1].isupper()
        for operand in call.operands if carried else ():
            if operand.moved and operand.place is not None:
                self.goes_into(ir.Place(call.dst), operand.place, call)
        self.consume(call, skip=len(call.operands) if carried else 0)
        if path[0] in ("std", "core", "io"):
            self.learn(
                call.dst, ir.Type((*path[:-1], word + "()")) if path[0] != "io" else ir.Type(("std", "io", word))
            )
        elif resolved.split("::")[0] in effects.known and kind is None:
            self.learn(call.dst, ir.Type((*self.program.names.resolve(self.context.module, path),)))
        elif not call.operands and not carried:
            self.name(ir.Place(call.dst), ir.Place((ir.given_by(spelled, call.kinds),)))

    def written_by(self, call: ir.Call, path: ir.Path, same: bool) -> None:
        """A value that is written out: whether it is there, or that it has nothing in it."""
        if path[-1] in self.effects.empty and path[-2:-1] and path[-2][:1].isupper() and not call.operands:
            self.written[call.dst] = ir.NONE
        if path[-1] in self.effects.there and same:
            self.written[call.dst] = ir.YES if self.effects.there[path[-1]] else ir.NO

    def waits_or_works(self, call: ir.Call, resolved: str, spelled: str) -> bool:
        """A library function that waits for somebody or does work that takes a while."""
        effects = self.effects
        waits = effects.blocks.get(resolved) or effects.blocks.get(spelled) or effects.blocks_names.get(call.word)
        why = waits or effects.works.get(resolved) or effects.works.get(spelled)
        if why is None or call.awaited:
            return False
        self.out.append(ir.Block(call.at, call.name_at, call.word, why, brief=waits is None))
        return True

    def constructed(self, word: str, short: str, inner: ir.Type | None) -> ir.Type | None:
        """The type of what such a function makes of a value."""
        if inner is None:
            return None
        weak = self.effects.weakens.get(short)
        if weak is not None:
            behind = self.program.types.behind(inner, self.effects)
            strong = (one for one in behind if one.path[-1] in self.effects.end_shared)
            return next((ir.Type((weak,), one.args) for one in strong), inner)
        wrap = MAKERS.get(word)
        if wrap is not None:
            return ir.Type((wrap,), (inner,)) if wrap else None
        if short.endswith(("::new", "::from", "::pin")):
            return ir.Type((short.partition("::")[0],), (inner,))
        return inner

    def variant(self, call: ir.Call, path: ir.Path) -> None:
        """`Variant(x)`, `Wrapper(x)`: a value put together."""
        kind = self.program.types.resolve(ir.Type(path), self.context, self.effects)
        if named := self.named_value(path):
            self.written[call.dst] = ir.Place(named)
        if kind is not None and kind.path not in self.program.names.types:
            kind = self.program.types.resolve(ir.Type(path[:-1]), self.context, self.effects) if len(path) > 1 else None
        self.learn(call.dst, kind)
        for number, operand in enumerate(call.operands):
            if operand.place is None:
                continue
            part = ir.Place(call.dst, (str(number),))
            self.name(part, operand.place)
            if operand.moved:
                self.out.append(ir.Move(part, plain(operand.place)))

    def replaced(self, call: ir.Call) -> None:
        """`mem::replace(&mut a, b)`: the result is the old value, `a` becomes `b`.

        A guard that nothing is put in place of stays: what is taken is the value that it guards, which has a default.
        """
        first = call.operands[0].place if call.operands else None
        held = self.type_of(first) if len(call.operands) == 1 else None
        if first is not None:
            self.drawn[call.dst] = first
        if held is not None and self.program.types.is_guard(held, self.effects):
            self.learn(call.dst, held.args[-1] if held.args else None)
            return
        if first is not None:
            first = ir.Place(first.root, first.way[:-1]) if first.way[-1:] == ("&",) else first
            self.out.append(ir.Move(ir.Place(call.dst), plain(first)))
            self.learn(call.dst, self.type_of(first))
            if len(call.operands) > 1 and call.operands[1].place is not None:
                self.out.append(ir.Move(plain(first), plain(call.operands[1].place)))
