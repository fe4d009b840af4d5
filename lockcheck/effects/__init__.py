"""What library types and calls mean, as data: one file per language beside this one.

In: a language's name and the options that switch parts on.  Out: `Effects`.
Never: code that knows one library; a new library is a line in the data.
"""

from __future__ import annotations

import pkgutil
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache, cached_property

from msgspec import Struct

from lockcheck import ir
from lockcheck.effects import reading
from lockcheck.effects.kinds import Acting, LockType, Mode, Signalling, Taking, made_by_hand, read_write_by_hand
from lockcheck.effects.reading import flag, names, pattern, read, sets, table, word

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = [
    "Acting",
    "Effects",
    "LockType",
    "Mode",
    "Own",
    "Signalling",
    "Taking",
    "load",
    "made_by_hand",
    "of",
    "read_write_by_hand",
]


class Own(Struct, frozen=True):
    """What a project says of its own code, and of what it calls.

    `guards` are types that are guards. `denied` are patterns of functions that wait, whatever they do, `may_block` of
    those that may be called under a lock although they wait.
    """

    guards: frozenset[str] = frozenset()
    denied: tuple[str, ...] = ()
    may_block: tuple[str, ...] = ()


_NOTHING = Own()


@dataclass(frozen=True)
class Effects:
    """The table of one language. Names are joined as the language spells them; see the data files for meanings."""

    locks: Mapping[tuple[str, str], LockType]
    locks_in_full: Mapping[ir.Path, LockType]
    lock_names: Mapping[str, LockType]
    own: Own
    free: frozenset[str] = names("free.methods")
    asks: str = word("free.asks")
    """The method of a lock that tells whether somebody holds it."""
    lazy: frozenset[str] = names("lazy.types")
    lazy_asks: frozenset[str] = names("lazy.asks")
    lazy_forces: frozenset[str] = names("lazy.forces")
    guards: Mapping[str, Mode] = read(reading.guards)
    guard_crates: frozenset[str] = names("guards.crates")
    guards_in_full: Mapping[ir.Path, tuple[Taking, LockType]] = read(reading.guards_in_full)
    """Types of guards that only their whole path tells from others: how each has its lock, and that lock."""
    guard_traits: frozenset[str] = names("guards.traits")
    """What is returned as something of these traits may be a guard."""
    stands_method: str = word("stands-for.method")
    """A value of a type of the tree stands for what this method of it gives."""
    wrappers: Mapping[str, int] = table("wrappers")
    flow: Mapping[str, Mapping[str, ir.Type]] = read(reading.flow)
    flow_names: Mapping[str, str] = table("flow-names")
    by_key: frozenset[str] = names("by-key.methods")
    """Methods of containers that give the element for the key that they are given first."""
    makes: Mapping[str, ir.Type] = read(reading.makes)
    """What calls of library functions, and of methods of what they give, give, by the full name as spelled."""
    by_type: Mapping[str, ir.Type] = read(reading.by_type)
    """What methods give that are told the type of it in so many words; `$` is that type."""
    same_methods: frozenset[str] = names("same.methods")
    texts: frozenset[str] = names("same.texts")
    """Methods that give a copy of what a value says, as good a key as the value."""
    insists: frozenset[str] = names("same.insists")
    """Methods that come back only where the value is there."""
    hands_back: frozenset[str] = names("same.hands-back")
    """Those of them that leave the function where it is not."""
    answers_anew: frozenset[str] = names("same.anew")
    """Methods whose result may be there, or true, whether the value is or not."""
    claims: Mapping[str, bool] = table("claims")
    """Methods that come back only where their first argument is true, or is not."""
    same_functions: frozenset[str] = names("same.functions")
    weakens: Mapping[str, str] = table("same.weakens")
    """Those of them whose result is a reference of another type than the argument is, with that type."""
    binds: frozenset[str] = names("same.binds")
    """Functions that return another name of their first argument, to be called with what else they are given."""
    picks: frozenset[str] = names("same.picks")
    """Functions that give a part of their first argument, by a name that may be made when the program runs."""
    own_thread: frozenset[str] = names("own-thread.types")
    """Types, in full, of what has a value for each thread."""
    oneself: frozenset[str] = names("oneself.functions")
    """Functions, in full, that tell which thread or task it is that runs."""
    limit_parameters: frozenset[str] = names("limits.parameters")
    """Names of parameters that say how long a function waits at most."""
    there: Mapping[str, bool] = table("there")
    missing: Mapping[str, frozenset[str]] = sets("missing")
    """By type: the variants in which an acquisition's result holds no guard."""
    empty: frozenset[str] = names("empty.functions")
    """Functions of types, called with nothing, that make what has nothing in it."""
    carries: frozenset[str] = names("same.carries")
    gathers: frozenset[str] = names("same.gathers")
    owned: frozenset[str] = names("same.owned")
    guard_releases: frozenset[str] = names("guard-calls.releases")
    guard_consumes: frozenset[str] = names("guard-calls.consumes")
    guard_unlocks: frozenset[str] = names("guard-calls.unlocks")
    guard_modes: Mapping[str, Mode] = table("guard-calls.modes")
    end_trait: str = word("end.trait")
    cells: frozenset[str] = names("end.cells")
    """Types that keep what many may change at once: who has one sees to it that they do not."""
    end_method: str = word("end.method")
    end_owners: frozenset[str] = names("end.owners")
    """Types that own what their argument stands for."""
    iterators_trait: str = word("iterators.trait")
    iterators_method: str = word("iterators.method")
    """Who wants an element calls this method of this trait."""
    iterators_around: frozenset[str] = names("iterators.around")
    """Methods whose result is an iterator that asks the receiver for its elements."""
    iterators_end: frozenset[str] = names("iterators.end")
    """Methods that ask the receiver for elements at once."""
    iterators_borrowed: frozenset[str] = names("iterators.end-borrowed")
    """Of those, which leave the receiver as it was; the others use it up."""
    implied: frozenset[str] = names("implied.traits")
    """Methods of traits that run though nobody calls them, each behind its trait's name."""
    implied_by: Mapping[str, str] = table("implied.methods")
    """Methods of a library that run such a method for what they are called on."""
    implied_for: Mapping[str, str] = table("implied.functions")
    """Functions that do so for what they are given first."""
    converts: Mapping[str, str] = table("implied.converts")
    """Methods that make another value of the receiver, with what the other's type has for that."""
    implied_inside: Mapping[str, str] = table("implied.inside")
    """Methods that do so for what they are given last, where such a method itself calls them."""
    implied_through: frozenset[str] = names("implied.through")
    """Types that do so for what their argument stands for."""
    copies: str = word("end.copies")
    """The method that makes a value from another one, with which it may share what is in it."""
    end_shared: frozenset[str] = names("end.shared")
    """Types that share what their argument stands for with others."""
    end_gives: Mapping[str, frozenset[str]] = sets("end.gives")
    """Methods of containers whose result belongs to whoever calls, by the container's shape."""
    end_replaces: Mapping[str, frozenset[str]] = sets("end.replaces")
    """The same where something was replaced."""
    end_passes: Mapping[str, frozenset[str]] = sets("end.passes")
    """Methods into which the whole value goes, by its shape."""
    end_empties: Mapping[str, frozenset[str]] = sets("end.empties")
    """Methods of containers in which elements end."""
    drops: frozenset[str] = names("drops.functions")
    leaks: frozenset[str] = names("drops.leaks")
    alternatives: frozenset[str] = names("drops.alternatives")
    entries: Mapping[str, frozenset[str]] = sets("entries")
    """By what a map's entry is (`*`: any), the methods that use it up and give its guard on; `-`: that end it."""
    replaces: frozenset[str] = names("drops.replaces")
    keeps: frozenset[str] = names("drops.keeps")
    empties: frozenset[str] = names("drops.empties")
    shifts: frozenset[str] = names("drops.shifts")
    """Methods behind which a container has something else for the same key or number."""
    waits: frozenset[str] = names("waits.methods")
    waits_types: frozenset[str] = names("waits.types")
    starts: frozenset[str] = names("threads.starts")
    """Methods by which a thread that was made before begins to run."""
    waits_signalled: bool = flag("waits.signalled")
    """Who waits for a condition goes on when somebody says so, never without cause."""
    threads: frozenset[str] = names("threads.functions", "threads.limits")
    task_sets: frozenset[str] = names("threads.sets")
    """Types that keep the handles of what is spawned on them."""
    stops: frozenset[str] = names("threads.stops")
    """Methods that tell a thread or task to stop."""
    task_handles: frozenset[str] = names("threads.handles")
    """Types of tasks' handles, by the last name: who awaits one waits for the task."""
    futures: Mapping[str, str] = table("threads.futures")
    """Those of `threads` that return what is waited for by name: the type of that, in full."""
    pools: frozenset[str] = names("threads.pools")
    """Types, by the last name, whose values run on threads what they are given, and can be waited for."""
    joins: Mapping[str, str] = table("threads.joins")
    """Types of groups, by the last name: what the end of their block waits for."""
    together: frozenset[str] = names("threads.together")
    """Functions, in full, that wait for all that they are given."""
    ends: frozenset[str] = names("threads.ends")
    """Methods of types, by the last name, that run on threads what they are given, and wait for it."""
    limits: frozenset[str] = names("threads.limits")
    """Those of `threads` that wait for what they are given, but only for a while."""
    channels: Mapping[str, ir.Type] = read(reading.channels)
    scoped: frozenset[str] = names("threads.scoped")
    here: frozenset[str] = names("here.functions")
    same_object: frozenset[str] = names("same.object")
    """Functions that tell whether two values are one and the same."""
    refers: frozenset[str] = names("same.refers")
    """Functions whose result stands for their first argument, or is called to get it."""
    fewer: frozenset[str] = names("same.fewer")
    """What leaves some elements out, of what it gives or of what it is called on."""
    closers: Mapping[str, str] = table("same.closers")
    """Functions by whose result a block ends with a method of their first argument."""
    proxies: frozenset[str] = names("same.proxies")
    """Classes, by the last name, whose objects do all that what they keep does."""
    goes_over: frozenset[str] = names("here.over")
    """Methods that run a closure for every element."""
    lazily: frozenset[str] = names("here.lazy")
    """Functions that run what they are given when somebody goes through what they return."""
    operators: Mapping[str, tuple[str, ...]] = read(reading.operators)
    """Methods by which values answer to operators, with those that stand in for them."""
    operating: Mapping[str, str] = table("operators.functions")
    """Functions that ask their argument by such a method."""
    says: str = word("operators.says")
    """The method by which a value is put into a message."""
    spelling: frozenset[str] = names("operators.spelling")
    """Those of the methods that say a value in words, which is anybody's code where nobody knows the value's class."""
    blocks: Mapping[str, str] = table("blocks")
    awaits: Mapping[str, str] = table("awaits")
    """What waits for the world outside where a task awaits what it gives."""
    works: Mapping[str, str] = table("works")
    works_methods: Mapping[str, str] = table("works-methods")
    blocks_methods: Mapping[str, str] = table("blocks-methods")
    by_threads: frozenset[str] = names("by-threads.waits")
    """What of that only other threads of the program bring to an end."""
    blocks_unknown: Mapping[str, str] = table("blocks-unknown")
    blocks_names: Mapping[str, str] = read(reading.blocks_names)
    acts: Mapping[str, Acting] = read(reading.acts)
    listeners: Mapping[ir.Path, tuple[str, frozenset[str]]] = read(reading.listeners)
    """By library class: what acts run those of its methods (the names) that the tree has put others in place of."""
    pending: frozenset[str] = names("poll.pending")
    named: Mapping[str, Taking] = read(reading.named)
    known: frozenset[str] = names("known.crates")
    prelude: frozenset[str] = names("known.prelude")
    common: frozenset[str] = names("known.common")
    familiar: frozenset[str] = read(reading.familiar)
    """Names of calls that are taken to run the closures they are given, whatever they are called on."""
    reasons: Mapping[str, str] = table("reasons")
    signals: Mapping[tuple[str, str], Mapping[str, tuple[Signalling, ...]]] = read(reading.signals)
    steady: frozenset[str] = names("steady.names")
    """Names of library functions and methods whose exceptions nobody reckons with; full names of those that wait, and
    of those whose last name others have too.
    """
    steady_given: Mapping[str, int] = table("steady.given")
    """The same for names of calls that are given so many arguments, the receiver counted."""
    steady_of: Mapping[str, Mapping[str, int]] = table("steady.of")
    """By methods, or functions of a value: types of which nothing is raised to reckon with, given at most so many."""
    steady_endless: Mapping[str, Mapping[str, int]] = table("steady.endless")
    """The same for values that were made without a size."""
    steady_asked: Mapping[str, Sequence[str]] = table("steady.asked")
    """By methods that raise where something is not in their object: those by which that is asked before."""
    steady_but: Mapping[str, tuple[str, ...]] = table("steady.but")
    """By functions and methods: the errors, any one of which a handler names that reckons with what they raise."""
    makers: frozenset[str] = names("steady.makers")
    """Functions that give a new value."""
    may_be_empty: frozenset[str] = names("truth.empty")
    """Types of values of which those that are there are not all true, by their last name."""
    truths: frozenset[str] = names("truth.methods")
    """Methods by which an object says whether it is true; one whose class has none of them is."""
    separator: str = word("language.separator")
    begins: str = word("language.begins")
    """The function that a program begins with: nobody else runs yet when it does."""
    size: str = word("waits.size")
    """The name of the argument by which something is made to hold so many things at most."""
    trials: frozenset[str] = names("language.trials")
    """The folders of programs that are there to show or to try a crate."""
    library: str = word("language.library")
    """The file, without its ending, that shows a crate's functions to others; empty: any may be shown."""
    objects: bool = flag("language.objects")
    """Every value is a reference, and a class is called to make one."""
    hooks: Mapping[str, tuple[str, int, bool]] = read(reading.hooks)
    """Functions that are given something to run at a time of its own: when, by which argument (from 0), and whether
    what stands behind that is handed over to it."""
    threads_when: Mapping[str, str] = read(reading.threads_when)
    """When what `threads` are given runs, where that is not on another thread."""
    maker: str = word("language.maker")
    """The method that runs when a class is called."""
    allots: str = word("language.allots")
    """The method that runs before it, and returns the object."""
    own_class: str = word("language.own-class")
    """The part of an object that is its class."""
    own_class_of: frozenset[str] = names("language.own-class-of")
    """Functions that give it."""
    of_classes: frozenset[str] = names("language.of-classes")
    """What classes are built on whose objects are classes, by the last name."""
    row_sets: frozenset[str] = names("rows.sets")
    """Types of sets of rows, in full; a lock of one is that of the class of its rows."""
    row_classes: frozenset[str] = names("rows.of")
    """What classes are built on whose objects are rows."""
    row_managers: frozenset[str] = names("rows.managers")
    """Fields of such a class that are the set of all its rows."""
    row_tries: frozenset[str] = names("rows.tries")
    """Arguments by which a set of rows is not waited for."""
    transactions: frozenset[str] = names("rows.transactions")
    """What blocks are opened with at whose end rows are free again."""
    stacks: Mapping[str, str] = table("language.stacks")
    """Methods that open what they are given for as long as the receiver's own block is open, and by which method."""
    stack_calls: frozenset[str] = names("language.stack-calls")
    """Methods that call what they are given when that block is closed."""
    enters: frozenset[str] = names("language.enters")
    """The methods that a block is opened by."""
    properties: Mapping[str, Sequence[str]] = table("language.properties")
    """What gives a class a field that functions stand for: its parameters for who reads it and who gives it a value."""
    named_as_lock: re.Pattern[str] = pattern("names.lock")
    """Finds that a variable is called as locks are; `_class`: that a class is."""
    named_as_lock_class: re.Pattern[str] = pattern("names.lock-class")
    named_to_share: Mapping[str, re.Pattern[str]] = read(reading.sharing)
    """What finds the methods of a lock of readers and writers: `shared` or `alone`, `-takes`, `-gives` or `-opens`."""
    named_as_locking: re.Pattern[str] = pattern("names.locking")
    """Finds that a function is called as those that take a lock for their caller's block, whatever it is made of."""
    named_as_letting_go: re.Pattern[str] = pattern("names.letting-go")
    named_as_listener: re.Pattern[str] = pattern("names.listener")
    named_as_telling: re.Pattern[str] = pattern("names.telling")
    """Finds that a method is called as those by which listeners are told."""

    def lock(self, path: ir.Path) -> LockType | None:
        """The lock that a resolved type path names, by its crate and its last part.

        Names that many types of a crate have (`Sender`) are told apart by the part before.
        """
        in_full = self.locks_in_full.get(path)
        if in_full is not None:
            return in_full
        found = self.locks.get((path[0], path[-1])) if len(path) > 1 else None
        if found is None or found.family != "watch" or path[-2] == "watch":
            return found
        return None

    def shape(self, kind: ir.Type) -> str:
        """The shape that the table describes a type by (see `shapes`); its own name where that is one, or has none."""
        return self.flow_names.get(kind.path[-1], kind.path[-1])

    @cached_property
    def given_by_signals(self) -> Mapping[tuple[str, str], frozenset[str]]:
        """What can be given by a value of each type of `signals`, condition variables left out."""
        told = {kind: [how for hows in listed.values() for how in hows] for kind, listed in self.signals.items()}
        return {
            kind: frozenset(how.of for how in hows if how.does == "wake")
            for kind, hows in told.items()
            if any(how.of for how in hows)
        }

    @cached_property
    def views(self) -> frozenset[str]:
        """The names of fields that are other names of locks."""
        return frozenset(name for lock in self.locks.values() for name in lock.views)

    @cached_property
    def lock_methods(self) -> frozenset[str]:
        """The methods by which locks are taken and given back, and the ends of blocks."""
        return frozenset(n for lock in self.locks.values() for n in lock.methods) | {"__exit__", "__aexit__"}

    @cached_property
    def takes_by_hand(self) -> frozenset[str]:
        """The methods by which locks are taken until they are given back by name."""
        return frozenset(n for lock in self.locks.values() for n, taking in lock.methods.items() if taking.hand)

    @cached_property
    def signal_methods(self) -> frozenset[str]:
        """The methods of condition variables."""
        return frozenset(name for name, how in self._signals if not how.of)

    @cached_property
    def gives_others(self) -> frozenset[str]:
        """The methods by which what others wait for is given, condition variables left out."""
        return frozenset(name for name, how in self._signals if how.of and how.does == "wake")

    def is_maker(self, path: ir.Path) -> bool:
        """Whether a function that is no function of the tree gives a new value: a class, by the way it is spelled."""
        return bool(path) and (path[-1] in self.makers or path[-1][:1].isupper())

    @cached_property
    def tellers(self) -> Mapping[str, frozenset[str]]:
        """By methods that give what others wait for: the types that have them, in small letters."""
        found: dict[str, frozenset[str]] = {}
        for (_, kind), methods in self.signals.items():
            for name in (name for name, hows in methods.items() if any(how.does == "wake" for how in hows)):
                found[name] = found.get(name, frozenset()) | {kind.lower()}
        return found

    @property
    def _signals(self) -> Iterator[tuple[str, Signalling]]:
        return ((name, how) for one in self.signals.values() for name, hows in one.items() for how in hows)

    @cached_property
    def gives_back(self) -> frozenset[str]:
        """The methods by which locks are given back by name."""
        return frozenset(n for lock in self.locks.values() for n, taking in lock.methods.items() if taking.gives)

    @cached_property
    def hook_calls(self) -> frozenset[str]:
        """The names by which hooks are called; of what hangs on an object of a module, with the object's before it."""
        parts = (name.split(self.separator) for name in self.hooks)
        return frozenset("::".join(path[-2:]) if len(path) > 2 else path[-1] for path in parts)

    def words(self, families: frozenset[str]) -> ir.Words:
        """The methods that can take a lock; those of maps and watches only where `families` has them.

        Those of mutexes take no argument, unless they give up after a time or at once: `read(buffer)` is no lock.
        """
        if self.objects:
            listed = ((name, how) for lock in self.locks.values() for name, how in lock.methods.items())
            methods = {name for name, how in listed if not (how.moment or how.gives)}
            methods |= self.signal_methods | self.stacks.keys()
            made = frozenset(path[-1] for path, lock in self.locks_in_full.items() if not lock.views)
            return ir.Words(self.views, frozenset(methods), frozenset(self.hooks), made=made)
        quiet = {"map", "watch"} - families
        alone, whatever = set(self.named), set[str]()
        for lock in self.locks.values():
            for name, taking in lock.methods.items() if lock.family not in quiet else ():
                strict = lock.family in ("mutex", "rwlock") and not (taking.bounded or taking.fallible)
                (alone if strict else whatever).add(name)
        return ir.Words(frozenset(alone - whatever), frozenset(whatever))


@cache
def load(language: str, options: frozenset[str] = frozenset(), own: Own = _NOTHING) -> Effects:
    """The table of a language. `options` switch on what the data calls optional; `own` is what a project adds."""
    text = (pkgutil.get_data(__name__, f"{language}.toml") or b"").decode()
    return of(tomllib.loads(text), options, own)


def of(data: reading.Data, options: frozenset[str] = frozenset(), own: Own = _NOTHING) -> Effects:
    """The table that a parsed data file says."""
    told = {one.name: one.metadata["read"](data) for one in fields(Effects) if one.metadata}
    return Effects(*reading.locks(data, options), own=own, **told)
