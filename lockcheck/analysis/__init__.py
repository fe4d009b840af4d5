"""What is held at every event of every function, and what the calls made there come to.

In: a linked `Program`.  Out: `Analysis`, all that rules read.
Never: syntax, a language's name, files.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeVar, cast

import msgspec
from msgspec.structs import replace

from lockcheck import ir
from lockcheck.analysis import orders
from lockcheck.analysis.asked import Asked
from lockcheck.analysis.given import Given, given_to, object_of, of_object, whole_of
from lockcheck.analysis.hands import freed
from lockcheck.analysis.joins import awaited, reached_by
from lockcheck.analysis.moments import Moment
from lockcheck.analysis.summaries import Order, Reach, Summary, Wait, discharged, freed_for, instantiate, is_told, met
from lockcheck.analysis.walked import Walked, in_one_object, is_of_another_class
from lockcheck.analysis.ways import STARTED, Hold, Site, Taken, agreeing, below, moved_to
from lockcheck.effects import Effects
from lockcheck.linker import Linked, Program, Shared, parts_of_owner
from lockcheck.linker.shared import by_makers, suspects
from lockcheck.source import Span

if TYPE_CHECKING:
    from lockcheck.board import Notes

__all__ = ["Analysis", "Consulted", "Hold", "Moment", "Reach", "Site", "Summary", "Taken"]

T = TypeVar("T")


def called_by(names: Iterable[str]) -> frozenset[str]:
    """By what functions call the names that a table lists: a path by its last two parts, else the last one."""
    return frozenset("::".join(name.split("::")[-2:]) if "::" in name else name.split(".")[-1] for name in names)


class Topic(NamedTuple):
    """Events that a rule wants to see wherever they are: those that `matters` picks, in callers of some names.

    `names` says which, given what was asked and a language's table: by them functions are found in bytes before
    anything is parsed. `also`: an event by which a function is one of them whatever the names that it calls.
    `constants`: the event speaks of a constant, so a name in capitals stands in the function too. `late`: it is asked
    for only where some function waits, under a lock, for what others give by what a field or a static keeps.
    """

    names: Callable[[Analysis, Effects], frozenset[str]]
    matters: Callable[[ir.Step], bool]
    constants: bool = False
    late: bool = False
    also: Callable[[Analysis, ir.Step], bool] = lambda *_: False


class Consulted(msgspec.Struct, frozen=True, array_like=True):
    """The functions that somebody asked about: for their steps or moments, and for what a call of them does."""

    steps: tuple[int, ...]
    summaries: tuple[int, ...]


class Analysis:
    """The moments of the whole tree, each function walked when somebody asks."""

    def __init__(
        self,
        program: Program,
        wanted: Callable[[Collection[int]], Sequence[int]],
        asked: Asked | None = None,
        give_up: Callable[[int, str], None] | None = None,
        line: Callable[[str, int], int] | None = None,
        calling: Callable[[Callable[[Effects], frozenset[str]], bool], Sequence[int]] | None = None,
        naming: Callable[[str], frozenset[int] | None] | None = None,
        speaking: Callable[[Collection[tuple[str, str]]], Sequence[int]] | None = None,
    ) -> None:
        """All that rules read of a program.

        `wanted`: which functions may hold a guard, ascending, given the functions that are known to run a callback
        under a guard of theirs; only those are walked for their own sake.
        `asked`: what the project's settings ask of its code. `give_up` is told of each function
        that cannot be walked to its end, and why. `line` counts the lines of a file up to an offset, from 1.
        `calling` finds the functions that may call something of the names that it gives for their language's table,
        all or those with a constant in them;
        `naming` those in whose text a name stands, None where something else may stand for it;
        `speaking` those that speak of both types of one of some pairs.
        """
        self.program = program
        self._asked = asked or Asked()
        self._wanted = wanted
        self._walked = Walked(program, wanted, give_up)
        self._line = line
        self._calling, self._naming = calling, naming
        self._speaking = speaking
        self.told: dict[int, tuple[Shared, ...]] = {}
        """Of functions that were asked for it: the owners that are one lock, as far as they make it so."""
        self._known_shared: tuple[Shared, ...] | None = None
        self.knots: Mapping[str, int] | None = None
        """The number of its knot for each owner on a cycle of the lock order, by its first name; None: not known."""
        self._made: dict[Callable[[Analysis], object], object] = {}
        self._made_of: dict[tuple[Callable[[Analysis, int], object], int], object] = {}
        self._looked_at: Mapping[int, list[Moment]] | None = None
        self._saw_all = False
        self._about: Mapping[Topic, Sequence[int]] = {}
        self._named_by: dict[str, frozenset[int] | None] = {}
        self._given_to: dict[str, tuple[Given, ...]] = {}
        self._running: dict[tuple[int, int], tuple[bool, frozenset[int]]] = {}
        self._known_written: frozenset[str | ir.Place] | None = None

    # ------------------------------------------------------------------------------------------------ what rules ask

    @property
    def functions(self) -> Mapping[int, list[Moment]]:
        """The moments of the functions that are looked at, in the order of the tree: all that may hold a guard."""
        if self._looked_at is None:
            self._saw_all = True
            self._looked_at = self._all()
        return self._looked_at

    def _all(self) -> Mapping[int, list[Moment]]:
        lenders: frozenset[int] = frozenset()
        while True:
            found = {number: self.moments(number) for number in self._wanted(lenders)}
            known, lenders = lenders, frozenset(number for number in found if self.lends(number))
            if lenders <= known:
                return found

    def look_at(
        self,
        numbers: Sequence[int] | None,
        written: frozenset[str | ir.Place] | None = None,
        about: Mapping[Topic, Sequence[int]] | None = None,
        shared: tuple[Shared, ...] | None = None,
        knots: Mapping[str, int] | None = None,
    ) -> None:
        """Let rules see these functions only, with all that they call in reach; None: all that may hold a guard.

        `written` are the locks that the whole tree takes for writing, `about` the functions of some topics, `shared`
        the owners that are one lock, and `knots` the number of its knot for each owner on a
        cycle of the lock order, if that is known already.
        """
        self._made.clear()
        self._made_of.clear()
        self._known_written, self._about, self._known_shared, self.knots = written, about or {}, shared, knots
        self._saw_all = False
        self._walked.consulted.clear()
        self.program.asked.clear()
        self._named_by.clear()
        self._given_to.clear()
        self._looked_at = {number: self.moments(number) for number in numbers} if numbers is not None else None

    @property
    def written(self) -> frozenset[str | ir.Place]:
        """The locks that anything in the tree takes for writing, by owner, or by place where that is a static's."""
        return self.once(_written) if self._known_written is None else self._known_written

    def shared(self, owners: Callable[[], Collection[str]]) -> tuple[Shared, ...]:
        """Which of some owners are one lock, by what puts one value into the fields of several types; in order.

        The owners are only asked for where it is not known already.
        """
        if self._known_shared is not None:
            return self._known_shared
        every = set(owners())
        found = set(by_makers(self.program, every))
        asked = set[tuple[str, str]]()
        while (pairs := suspects(self.program, every) - asked) and self._speaking is not None:
            asked |= pairs
            for number in self._speaking(pairs):
                if number not in self.told and not self.of_tests(number):
                    self.told[number] = self.program.shared(number)
                found.update(self.told.get(number, ()))
            every |= {one.source for one in found if not one.source.startswith("#")}
        return tuple(sorted(found))

    def consulted(self) -> Consulted | None:
        """The functions that were asked about since `look_at`; None: all that may hold a guard."""
        if self._saw_all:
            return None
        return Consulted(tuple(sorted(self.program.asked)), tuple(sorted(self._walked.consulted)))

    def lends(self, number: int) -> bool:
        """Whether a function calls what it was given under a guard of its own, leaves a lock taken, takes locks that it
        was given in an order, or does nothing but give a lock back.
        """
        if self.only_releases(number):
            return True
        if self.program.functions[number][1].by_hand and (self.summary(number).keeps or self.summary(number).returns):
            return True
        if orders.may_tell(self.program, number, self.moments(number)) and self.summary(number).orders:
            return True
        return any(self._calls_back(number, moment) for moment in self.moments(number))

    def only_releases(self, number: int) -> bool:
        """Whether a function does nothing but give a lock back that it did not take."""
        if not self.program.functions[number][1].by_hand or not self.summary(number).gives:
            return False
        linked = self.linked(number)
        steps = ir.steps_of(linked.root) if linked is not None else ()
        return not any(isinstance(step, (ir.Acquire, ir.Invoke, ir.Block)) for step in steps)

    def _calls_back(self, number: int, moment: Moment) -> bool:
        """Whether what the function was given runs there under a guard of its own, or of the function it goes on to."""
        event = moment.event
        if isinstance(event, ir.Callback):
            return any(moment.ways)
        if not isinstance(event, ir.Invoke) or event.implicit:
            return False
        passed = [n for n, place in enumerate(event.paths) if self._is_callable(number, place)]
        running = [target for target in event.targets if any(self._runs(target, n) for n in passed)]
        called = [dict(self.summary(target).callbacks) for target in running]
        return any(n in one and (any(moment.ways) or one[n]) for one in called for n in passed)

    def _runs(self, number: int, parameter: int) -> bool:
        """Whether a function calls a parameter, or passes it on to one that does: found without a summary."""
        key = number, parameter
        if key not in self._running:
            seen: set[tuple[int, int] | None] = {key}
            through = set[int]()
            waiting = [key]
            while waiting and None not in seen:
                function, slot = waiting.pop()
                through.add(function)
                linked = self.program.linked(function)
                new = _goes_on(linked.root, slot) - seen if linked is not None else set()
                waiting += (one for one in new if one is not None)
                seen |= new
            self._running[key] = None in seen, frozenset(through)
        runs, through_others = self._running[key]
        self.program.asked.update(through_others)
        return runs

    def _is_callable(self, number: int, place: ir.Place | None) -> bool:
        """Whether a place is a function's parameter that may be called: one of which nothing else is told."""
        params, types = self.program.functions[number][1].params, self.program.types
        if place is None or place.way or not isinstance(place.root, int) or place.root >= len(params):
            return False
        kind = types.resolve(params[place.root].type, types.context(number), self.effects(number))
        found = types.behind(kind, self.effects(number))
        return kind is None or any(outer.path == ("[fn]",) for outer in found)

    def about(self, topic: Topic) -> Iterator[Moment]:
        """The moments of all functions of the tree that have an event of the topic, locks or not."""
        for number in self._about[topic] if topic in self._about else self._concerned(topic):
            moments = self.moments(number)
            if any(topic.matters(moment.event) for moment in moments):
                yield from moments

    def naming(self, name: str) -> frozenset[int] | None:
        """The functions in whose text a name stands; None where something else may stand for it."""
        if name not in self._named_by:
            self._named_by[name] = self._naming(name) if self._naming is not None else None
            self.program.asked.update(self._named_by[name] or ())
        return self._named_by[name]

    def names_asked(self) -> tuple[str, ...]:
        """The names by which functions were looked for since `look_at`: whoever says one after a change has a say."""
        return tuple(sorted(name for name, found in self._named_by.items() if found is not None))

    def calls_of(self, number: int) -> Iterator[Moment]:
        """The calls of a function, whether or not who calls it takes a lock."""
        name = frozenset([self.program.functions[number][1].name])

        def calls(event: ir.Step) -> bool:
            return isinstance(event, ir.Invoke) and number in event.targets

        callers = self._named(Topic(lambda *_: name, calls))
        return (moment for caller in callers for moment in self.moments(caller) if calls(moment.event))

    def _concerned(self, topic: Topic) -> Sequence[int]:
        """The functions that a topic may be about, where nobody has looked for them before."""
        named = self._named(topic)
        callers = self._wanted(frozenset(number for number in named if self.lends(number)))
        events = ((number, moment.event) for number in callers for moment in self.moments(number))
        return sorted({*named, *(number for number, event in events if topic.also(self, event))})

    def _named(self, topic: Topic) -> Sequence[int]:
        self._saw_all = True  # whoever calls such a name after a change has a say too
        return self._calling(partial(topic.names, self), topic.constants) if self._calling is not None else ()

    def __iter__(self) -> Iterator[Moment]:
        for moments in self.functions.values():
            yield from moments

    def once(self, make: Callable[[Analysis], T]) -> T:
        """What `make` says of this analysis, computed when it is first asked for."""
        if make not in self._made:
            self._made[make] = make(self)
        return cast("T", self._made[make])

    def once_of(self, number: int, make: Callable[[Analysis, int], T]) -> T:
        """What `make` says of one function, computed when it is first asked for."""
        if (make, number) not in self._made_of:
            self._made_of[make, number] = make(self, number)
        return cast("T", self._made_of[make, number])

    def moments(self, number: int) -> list[Moment]:
        """The events of one function with what is held just before each, in order of execution."""
        return self._walked.moments(number)

    def summary(self, number: int) -> Summary:
        """What a call of the function does."""
        return self._walked.summary(number)

    def share(self, results: Notes, summaries: Notes) -> None:
        """Note what is found out of functions from now on, and take what is noted."""
        self.program.results.share(results)
        self._walked.share(summaries)

    def let_go(self, number: int) -> None:
        """Nobody is likely to ask for a function's moments again; if somebody does, it is walked anew."""
        self._walked.let_go(number)

    def of_tests(self, number: int) -> bool:
        """Whether a function is there to try other code: who waits there for a lock is nobody's trouble."""
        return self.program.functions[number][1].of_tests

    def compares(self, number: int) -> bool:
        """Whether a function asks whether two values are one and the same."""
        names = self.effects(number).same_object
        calls = (moment.event for moment in self.moments(number) if isinstance(moment.event, ir.Invoke))
        return any(call.name in names or call.name.endswith(tuple(f"::{name}" for name in names)) for call in calls)

    def callee(self, moment: Moment) -> int | None:
        """The one function that the moment's event calls for certain."""
        event = moment.event
        plain = isinstance(event, ir.Invoke) and event.certain and len(event.targets) == 1
        return event.targets[0] if plain and isinstance(event, ir.Invoke) else None

    def reaches(self, moment: Moment, joins: bool = False) -> list[Reach]:
        """The acquisitions the event comes to, as its function sees them; `joins`: threads its callee waits for."""
        event = moment.event
        if isinstance(event, ir.Acquire):
            if event.fallible:
                return []
            site, certain = Site(moment.function, event.at), event.lock.evidence != "named"
            return [Reach(event.lock, event.mode, event.recursive, (), site, frozenset(), certain)]
        if isinstance(event, ir.Convert):
            site, own = (
                Site(moment.function, event.at),
                {h for way in moment.ways for h in way if below(h.holder, event.src)},
            )
            return [Reach(h.taken.lock, event.mode, False, (), site, frozenset(), True) for h in sorted(own, key=repr)]
        if isinstance(event, (ir.Block, ir.Suspend)):
            if not any(moment.ways):
                return []
            return self._others(moment, event.others) or list(self._started(moment, event.on))
        if isinstance(event, ir.Act):
            calls = event.what == "calls" and event.owner and not self.effects(moment.function).objects
            return self._kept(moment, event) if calls and any(moment.ways) else []
        if isinstance(event, ir.Register):
            return self._others(moment, event.bodies)
        if not isinstance(event, ir.Invoke):
            return []
        here, caller = Site(moment.function, event.at), self.program.linked(moment.function)
        found: list[Reach] = []
        if caller is None:
            return found
        already = freed(moment.ways)
        for target in event.targets:
            for reach in self.summary(target).joins if joins else self.summary(target).reaches:
                when = discharged(reach.when, event)
                if when is None or not agreeing(moment.ways, when) or is_told(reach.heard, event, caller):
                    continue
                lock, free = instantiate(reach.lock, event, caller), freed_for(reach, event, caller, already)
                mine = reach.through(event, here, lock, when, free, reach.beside)
                if not (mine.spread and is_of_another_class(self.program, moment.function, lock)):
                    found.append(mine)
        if not joins:
            return [*found, *self._kept_there(moment, event)]
        return [*found, *self._started_for(moment), *self._given_to_threads(moment, event)]

    def _given_to_threads(self, moment: Moment, event: ir.Invoke) -> Iterator[Reach]:
        """What bodies come to that a callee has run by threads and waits for: a guess where it may call them too."""
        for target in event.targets if event.lambdas else ():
            summary = self.summary(target)
            called = dict(summary.callbacks)
            for number, body in awaited(event, summary):
                for reach in self._others(moment, (body,)):
                    yield reach._replace(certain=reach.certain and event.certain and number not in called)

    def orders(self, moment: Moment) -> list[Order]:
        """The orders in which what the moment calls takes locks that it is given, as the function itself sees them."""
        linked = self.program.linked(moment.function) if isinstance(moment.event, ir.Invoke) else None
        return list(orders.of_call(self.program, moment, linked, self.summary)) if linked is not None else []

    def in_one_object(self, number: int, one: str, other: str) -> bool:
        """Whether two fields, by their owners in full, can be of one object; asked where a function's language says."""
        return in_one_object(self.program, number, one, other)

    def family_of_own(self, number: int, place: ir.Place) -> str:
        """The family of the lock that a field of the function's own object is; empty where it is none, or unknown."""
        owner, types = self.program.types.context(number).owner, self.program.types
        if place.root != 0 or len(place.way) != 1 or owner is None or not self.program.functions[number][1].takes_self:
            return ""
        kind, _ = types.field(owner, place.way[0], self.effects(number))
        lock = types.lock_type(kind, self.effects(number)) if kind is not None else None
        return lock.family if lock is not None else ""

    def shares_unnamed(self, number: int, owner: str) -> bool:
        """Whether a field, by its owner in full, is made around a lock that has no name in its object."""
        of, name = parts_of_owner(owner)
        return self.program.types.made.shares_unnamed(of, name, self.effects(number))

    def is_given(self, number: int, owner: str) -> bool:
        """Whether what a field keeps, by its owner in full, comes from outside of its object."""
        of, name = parts_of_owner(owner)
        return self.program.types.made.is_given(of, name, self.effects(number))

    def waits(self, moment: Moment, how: Literal["suspends", "blocks", "calls"]) -> list[Wait]:
        """The places at which what the moment calls lets go, blocks, or calls a callable that is kept somewhere.

        The caller's own call leads the way. Where the call may mean several functions, or is resolved by its name
        alone, they are not certain.
        """
        event = moment.event
        if not isinstance(event, ir.Invoke):
            return []
        here, plain = self.site(moment), self.callee(moment) is not None
        found = []
        for target in event.targets:
            summary = self.summary(target)
            known = {"suspends": summary.suspends, "blocks": summary.blocks, "calls": summary.calls}[how]
            found += [
                wait._replace(trace=(here, *wait.trace), certain=wait.certain and plain)
                for wait, _ in met(known, event, moment.ways)
            ]
        return found

    @property
    def asked(self) -> Asked:
        """What the project's settings ask of its code."""
        return self._asked

    def _others(self, moment: Moment, bodies: tuple[ir.Region, ...]) -> list[Reach]:
        """What bodies come to that run at their own time, under their own guards."""
        linked, number = self.program.linked(moment.function), moment.function
        if linked is None or not bodies:
            return []
        parameters, found = self.program.parameters(number), list[Reach]()
        for body in bodies:
            found += reached_by(number, linked, parameters, body, self.summary)
        here = Site(number, getattr(moment.event, "at", (0, 0)))
        return [reach._replace(trace=(here, *reach.trace)) for reach in found]

    def _started_for(self, moment: Moment) -> Iterator[Reach]:
        """The same of threads that a callee waits for by what a field keeps. Which of several it is, is a guess."""
        for wait in (*self.waits(moment, "blocks"), *self.waits(moment, "suspends")):
            found = list(self._started(moment, wait.on)) if wait.on else []
            certain = wait.certain and len({reach.trace[1:2] or reach.site for reach in found}) == 1
            for reach in found:
                trace = (*wait.trace, wait.site, *reach.trace[1:])
                yield reach._replace(trace=trace, certain=reach.certain and certain)

    def _started(self, moment: Moment, owner: str) -> Iterator[Reach]:
        """What the threads come to whose handles the functions around put into the owner's field."""
        here, around = self.site(moment), self._around(owner)
        for number, _, reach in self._kept_by(around, owner):
            mine, trace = number == moment.function, (here, *reach.trace)
            for lock in [reach.lock] if mine else self._as_kept(number, reach.lock, around):
                known = lock if mine else moved_to(lock, ir.Place(STARTED))
                yield reach._replace(lock=known, trace=trace, spread=reach.spread + 1, when=frozenset())

    def _kept(self, moment: Moment, event: ir.Act) -> list[Reach]:
        """What the closures come to that a field keeps which is called: the locks of the same object.

        The functions around put them there, or are given them to do so. Which of several it is, is a guess.
        """
        owner, here = event.owner, self.site(moment)
        around, (of, field) = self._around(owner), parts_of_owner(owner)
        found = list(self._given(owner, (here,), object_of(event.place, field), ""))
        for number, root, reach in self._kept_by(around, owner):
            same = reach.lock.place.root == root or not reach.lock.owner
            for lock in self._as_kept(number, reach.lock) if same else ():
                if parts_of_owner(lock.owner)[0] == of:
                    known, trace = moved_to(lock, ir.Place(STARTED)), (here, *reach.trace)
                    found.append(reach._replace(lock=known, trace=trace, spread=1, when=frozenset()))
        sure = len({reach.site for reach in found}) == 1
        return found if sure else [reach._replace(certain=False) for reach in found]

    def _around(self, owner: str) -> list[tuple[int, Linked]]:
        """The functions that can fill the owner's field, with their steps."""
        return [(n, linked) for n in self.program.around(owner) if (linked := self.program.linked(n)) is not None]

    def _kept_by(self, functions: Iterable[tuple[int, Linked]], owner: str) -> Iterator[tuple[int, int, Reach]]:
        """What the bodies come to that some functions put into the owner's field, each with its function, and with the
        root of the place that it is put into.
        """
        for number, linked in functions:
            for body, root in ((body, root) for kept, body, root in linked.starts if kept == owner):
                for reach in reached_by(number, linked, self.program.parameters(number), body, self.summary):
                    yield number, root, reach

    def _given(self, owner: str, trace: tuple[Site, ...], mine: ir.Place | None, kept_in: str) -> Iterator[Reach]:
        """What the closures come to that callers gave to the object at `mine`, which keeps them in its field."""
        if owner not in self._given_to:
            around = self._around(owner)
            self._given_to[owner] = tuple(given_to(self.program, around, owner, self.naming, self.summary))
        for given in self._given_to[owner]:
            lock = of_object(given, mine, kept_in, parts_of_owner(owner)[0])
            if lock is not None:
                way = (*trace, *given.reach.trace)
                yield given.reach._replace(lock=lock, trace=way, spread=1, when=frozenset())

    def _kept_there(self, moment: Moment, event: ir.Invoke) -> Iterator[Reach]:
        """The same of an object whose method calls what it keeps."""
        one = len(event.targets) == 1 and event.certain and not self.effects(moment.function).objects
        if not one or not any(moment.ways):
            return
        for wait, _ in met(self.summary(event.targets[0]).calls, event, moment.ways):
            linked = self.program.linked(wait.site.function) if wait.why == "calls" and not wait.trace else None
            for act in ir.steps_of(linked.root) if linked is not None else ():
                if isinstance(act, ir.Act) and act.at == wait.site.at and act.owner:
                    its = object_of(act.place, parts_of_owner(act.owner)[1])
                    mine, kept_in = whole_of(event, its) if its is not None else (None, "")
                    if mine is not None:
                        yield from self._given(act.owner, (self.site(moment), wait.site), mine, kept_in)

    def _as_kept(self, number: int, lock: ir.Lock, callers: Sequence[tuple[int, Linked]] = ()) -> Iterator[ir.Lock]:
        """A function's lock by the fields that keep it: of what the function makes, or of who gives it the lock."""
        root = lock.place.root
        if lock.owner or not isinstance(root, int):
            yield lock
        elif root < self.program.parameters(number):
            for caller, linked in callers:
                for step in ir.steps_of(linked.root):
                    if isinstance(step, ir.Invoke) and number in step.targets:
                        yield from self._as_kept(caller, instantiate(lock, step, linked))
        else:
            sign = ".".join((f"#{number}", str(root), *lock.place.way))
            yield from (replace(lock, owner=one.owner) for one in self.program.shared(number) if one.source == sign)

    def linked(self, number: int) -> Linked | None:
        """A function's steps with their meanings, for rules that look at those themselves."""
        return self.program.linked(number)

    def is_maker(self, number: int) -> bool:
        """Whether a function makes an object of its class."""
        return self.program.functions[number][1].name.rpartition(".")[2] == self.effects(number).maker

    def makers(self, owner: str) -> Sequence[int]:
        """The functions that make values of the type that declares an owner's field, as far as its methods do."""
        return self.program.makers(parts_of_owner(owner)[0])

    def gives_signals(self, number: int, parameter: int) -> bool:
        """Whether a function's parameter is known to be something that signals are given by."""
        context, effects = self.program.types.context(number), self.effects(number)
        params = self.program.functions[number][1].params
        kind = params[parameter].type if parameter < len(params) else None
        found = self.program.types.behind(self.program.types.resolve(kind, context, effects), effects)
        return any((outer.path[0], outer.path[-1]) in effects.signals for outer in found)

    def bodies(self, number: int) -> tuple[ir.Region, ...]:
        """The steps of a function, and those of the closures in it that run elsewhere."""
        linked = self.program.linked(number)
        return (linked.root, *linked.elsewhere) if linked is not None else ()

    def line(self, number: int, offset: int) -> int:
        """The line of the function's file that a byte offset is on, from 1; 0 where nobody counts lines."""
        return self._line(self.program.functions[number][0].path, offset) if self._line is not None else 0

    def bases(self, number: int, path: ir.Path) -> tuple[ir.Path, ...]:
        """What a class of the function's language is built on, the nearest first."""
        return tuple(one.path for one in self.program.types.made.bases(ir.Type(path), self.effects(number)))

    def runs_around(self, number: int) -> bool:
        """Whether a function's callers run their blocks where it yields."""
        return self.program.functions[number][1].around

    def site(self, moment: Moment) -> Site:
        """Where the moment's event is."""
        at: ir.Range = getattr(moment.event, "at", (0, 0))
        return Site(moment.function, at)

    def title(self, number: int) -> str:
        """The function's name for people, as its language spells it: `Catalog::get`, `Catalog.get`."""
        return self.program.title(number).replace("::", self.effects(number).separator)

    def span(self, site: Site) -> Span:
        """The place in its file."""
        return Span(self.program.functions[site.function][0].path, *site.at)

    def effects(self, number: int) -> Effects:
        """The table of the function's language."""
        return self.program.types.effects(number)

    def reason(self, moment: Moment, hold: Hold) -> str:
        """Why the guard is still alive, for people; empty where it was taken by hand."""
        root = hold.holder.root
        linked = self.program.linked(moment.function)
        if not isinstance(root, int) or linked is None or root >= len(linked.slots):
            return ""
        slot = linked.slots[root]
        return self.effects(moment.function).reasons.get(slot.why, "")

    def guard_name(self, moment: Moment, hold: Hold) -> str:
        """The variable that holds the guard; empty for a temporary."""
        root = hold.holder.root
        linked = self.program.linked(moment.function)
        return (
            linked.slots[root].name if isinstance(root, int) and linked is not None and root < len(linked.slots) else ""
        )

    def lock_name(self, number: int, lock: ir.Lock) -> str:
        """The lock as the function's text names it: `self.load`."""
        place = lock.place
        if isinstance(place.root, tuple):
            short = lock.owner.rpartition("::")[2]
            parts = [short or "a lock" if place.root[0].startswith("[") else place.root[-1]]
            if place.root == ("[parameter]",):
                parts = [self.program.functions[number][1].params[int(place.way[0])].name]
        else:
            linked = self.program.linked(number)
            slot = linked.slots[place.root] if linked is not None and place.root < len(linked.slots) else ir.Slot()
            if not slot.name and lock.owner:
                return lock.owner.rpartition("::")[2]
            taken_apart = not slot.name.isidentifier()
            if taken_apart and linked is not None and (other := linked.also_called(place)) is not None:
                place = other
                slot = linked.slots[other.root] if isinstance(other.root, int) else slot
            alone = not set(place.way) - {"*", "&"}
            parts = [slot.name or (alone and lock.kind.rpartition("::")[2]) or "…"]
        text = parts[0]
        for part in place.way if not (isinstance(place.root, tuple) and place.root[0].startswith("[")) else ():
            if part in ("*", "&"):
                continue
            text += self._element_name(number, part) if part.startswith("[") else f".{part}"
        return text

    def _element_name(self, number: int, part: str) -> str:
        """An element of a container as a function's text names it, by the variable that is its key."""
        before = ir.before_shift(part)
        if before != part:
            return self._element_name(number, before)
        if part.startswith(("[each", "[?")):
            return "[_]"
        key, linked = ir.key_of(part), self.program.linked(number)
        if key is None:
            return part
        slots = linked.slots if linked is not None else ()
        name = slots[key.root].name if isinstance(key.root, int) and key.root < len(slots) else ""
        return f"[{'.'.join((name, *key.way))}]" if name else "[_]"


def _goes_on(body: ir.Region, parameter: int) -> set[tuple[int, int] | None]:
    """The functions that a parameter is passed on to, each with its own parameter; None where it is called itself."""
    found: set[tuple[int, int] | None] = set()
    for step in ir.steps_of(body):
        if isinstance(step, ir.Callback) and step.slot == parameter:
            found.add(None)
        if isinstance(step, ir.Invoke):
            slots = [n for n, place in enumerate(step.paths) if place is not None and place.root == parameter]
            found.update((target, n) for target in step.targets for n in slots)
            found = found.union(*(_goes_on(inner, parameter) for _, inner, _ in step.lambdas))
    return found


def _written(analysis: Analysis) -> frozenset[str | ir.Place]:
    taken = (moment.event for moment in analysis if isinstance(moment.event, ir.Acquire))
    return frozenset(event.lock.owner or event.lock.place for event in taken if event.mode == "write" and event.waits)
