"""What library types and calls mean, as data: one file per language beside this one.

In: a language's name and the options that switch parts on.  Out: `Effects`.
Never: code that knows one library; a new library is a line in the data.
"""

from __future__ import annotations

import pkgutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Literal

from lockcheck import ir

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Mode = Literal["exclusive", "write", "read", "upgradable"]


@dataclass(frozen=True, slots=True)
class Taking:
    """How a method takes a lock. `moment`: it is given back before the call returns; `sync`: not when awaited.

    `opens`: the call only makes what a block is opened with to take it. `hand`: it is held until it is given back by
    name; `gives`: it gives it back so; `asks`: the arguments say whether the call waits and how long; `raises`: an
    error says that it did not get it; `closes`: a block that is opened with the result gives it back at its end.
    """

    mode: Mode
    fallible: bool = False
    bounded: bool = False
    recursive: bool = False
    moment: bool = False
    sync: bool = False
    hand: bool = False
    gives: bool = False
    asks: bool = False
    opens: bool = False
    raises: bool = False
    closes: bool = False


@dataclass(frozen=True, slots=True)
class LockType:
    """A library's lock. `wraps`: an acquisition's result must be unwrapped before it is the guard.

    `shares`: made with another lock, it is another name of that one. `views` are fields that are other names of it,
    each the lock as it is taken by that name. `by_name`: two objects that are made with the same name (of a file, of
    a key) are one lock. `tells`: who has it and wants it again does not wait, but gets an error. `by_hand`: it is a
    class of the tree.
    """

    kind: str
    family: str
    waits: Literal["thread", "task"]
    wraps: bool
    methods: Mapping[str, Taking]
    shares: bool = False
    by_name: bool = False
    tells: bool = False
    views: Mapping[str, LockType] = field(default_factory=dict)
    by_hand: bool = False


@dataclass(frozen=True, slots=True)
class Acting:
    """What a method does to values of some types that takes no lock. `telling`: its name alone is enough."""

    what: str
    types: frozenset[str]
    telling: bool
    variables: frozenset[str] = frozenset()
    """Names (in small letters, no underscores around) of variables that are taken to have one of the types."""
    heeds: frozenset[str] = frozenset()
    """Names of arguments by which whoever acts tells those whom the act runs what to do: they are known to it."""


@dataclass(frozen=True, slots=True)
class Signalling:
    """What a method does by which threads tell each other to go on: `wait` for a signal, or give one (`wake`).

    `of` is what is waited for where that is more than one thing (a message, room for one); empty for a condition
    variable. `held`: the lock must be held; `checked`: it looks itself at what it waits for; `limit` is the number of
    the argument (the receiver is 0) that says how long it waits at most, 0 for none; `bounded`: it never waits for
    ever; `awaited`: it waits only where a task does; `ask`: the first argument may say that it does not wait.
    """

    does: Literal["wait", "wake"]
    of: str = ""
    held: bool = False
    checked: bool = False
    bounded: bool = False
    awaited: bool = False
    ask: bool = False
    limit: int = 0


@dataclass(frozen=True, slots=True)
class Effects:
    """The table of one language. Names are joined as the language spells them; see the data files for meanings."""

    locks: Mapping[tuple[str, str], LockType]
    locks_in_full: Mapping[ir.Path, LockType]
    lock_names: Mapping[str, LockType]
    free: frozenset[str]
    asks: str
    """The method of a lock that tells whether somebody holds it."""
    lazy: frozenset[str]
    guards: Mapping[str, Mode]
    guard_crates: frozenset[str]
    own_guards: frozenset[str]
    wrappers: Mapping[str, int]
    flow: Mapping[str, Mapping[str, ir.Type]]
    flow_names: Mapping[str, str]
    makes: Mapping[str, ir.Type]
    """What calls of library functions, and of methods of what they give, give, by the full name as spelled."""
    views: frozenset[str]
    """The names of fields that are other names of locks."""
    same_methods: frozenset[str]
    insists: frozenset[str]
    """Methods that come back only where the value is there."""
    claims: Mapping[str, bool]
    """Methods that come back only where their first argument is true, or is not."""
    same_functions: frozenset[str]
    binds: frozenset[str]
    """Functions that return another name of their first argument, to be called with what else they are given."""
    own_thread: frozenset[str]
    """Types, in full, of what has a value for each thread."""
    limit_parameters: frozenset[str]
    """Names of parameters that say how long a function waits at most."""
    there: Mapping[str, bool]
    carries: frozenset[str]
    owned: frozenset[str]
    guard_releases: frozenset[str]
    guard_consumes: frozenset[str]
    guard_unlocks: frozenset[str]
    guard_modes: Mapping[str, Mode]
    end_trait: str
    end_method: str
    end_owners: frozenset[str]
    """Types that own what their argument stands for."""
    end_shared: frozenset[str]
    """Types that share what their argument stands for with others."""
    end_gives: Mapping[str, frozenset[str]]
    """Methods of containers whose result belongs to whoever calls, by the container's shape."""
    end_replaces: Mapping[str, frozenset[str]]
    """The same where something was replaced."""
    end_empties: Mapping[str, frozenset[str]]
    """Methods of containers in which elements end."""
    drops: frozenset[str]
    leaks: frozenset[str]
    alternatives: frozenset[str]
    replaces: frozenset[str]
    keeps: frozenset[str]
    empties: frozenset[str]
    waits: frozenset[str]
    waits_types: frozenset[str]
    starts: frozenset[str]
    """Methods by which a thread that was made before begins to run."""
    waits_signalled: bool
    """Who waits for a condition goes on when somebody says so, never without cause."""
    threads: frozenset[str]
    task_sets: frozenset[str]
    """Types that keep the handles of what is spawned on them."""
    stops: frozenset[str]
    """Methods that tell a thread or task to stop."""
    limits: frozenset[str]
    """Those of `threads` that wait for what they are given, but only for a while."""
    channels: Mapping[str, ir.Type]
    scoped: frozenset[str]
    here: frozenset[str]
    same_object: frozenset[str]
    """Functions that tell whether two values are one and the same."""
    goes_over: frozenset[str]
    """Methods that run a closure for every element."""
    lazily: frozenset[str]
    """Functions that run what they are given when somebody goes through what they return."""
    operators: Mapping[str, tuple[str, ...]]
    """Methods by which values answer to operators, with those that stand in for them."""
    operating: Mapping[str, str]
    """Functions that ask their argument by such a method."""
    spelling: frozenset[str]
    """Those of the methods that say a value in words, which is anybody's code where nobody knows the value's class."""
    blocks: Mapping[str, str]
    awaits: Mapping[str, str]
    """What waits for the world outside where a task awaits what it gives."""
    works: Mapping[str, str]
    works_methods: Mapping[str, str]
    blocks_methods: Mapping[str, str]
    blocks_unknown: Mapping[str, str]
    blocks_names: Mapping[str, str]
    acts: Mapping[str, Acting]
    listeners: Mapping[ir.Path, tuple[str, frozenset[str]]]
    """By library class: what acts run those of its methods (the names) that the tree has put others in place of."""
    pending: frozenset[str]
    named: Mapping[str, Taking]
    known: frozenset[str]
    prelude: frozenset[str]
    common: frozenset[str]
    familiar: frozenset[str]
    """Names of calls that are taken to run the closures they are given, whatever they are called on."""
    reasons: Mapping[str, str]
    signals: Mapping[tuple[str, str], Mapping[str, tuple[Signalling, ...]]]
    steady: frozenset[str]
    """Names of library functions and methods whose exceptions nobody reckons with; of those that wait, full names."""
    separator: str
    objects: bool
    """Every value is a reference, and a class is called to make one."""
    hooks: Mapping[str, tuple[str, int, bool]]
    """Functions that are given something to run at a time of its own: when, by which argument (from 0), and whether
    what stands behind that is handed over to it."""
    threads_when: Mapping[str, str]
    """When what `threads` are given runs, where that is not on another thread."""
    maker: str
    """The method that runs when a class is called."""
    stacks: Mapping[str, str]
    """Methods that open what they are given for as long as the receiver's own block is open, and by which method."""
    enters: frozenset[str]
    """The methods that a block is opened by."""

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

    @property
    def lock_methods(self) -> frozenset[str]:
        """The methods by which locks are taken and given back, and the ends of blocks."""
        return frozenset(n for lock in self.locks.values() for n in lock.methods) | {"__exit__", "__aexit__"}

    @property
    def takes_by_hand(self) -> frozenset[str]:
        """The methods by which locks are taken until they are given back by name."""
        return frozenset(n for lock in self.locks.values() for n, taking in lock.methods.items() if taking.hand)

    @property
    def signal_methods(self) -> frozenset[str]:
        """The methods of condition variables."""
        return frozenset(name for name, how in self._signals if not how.of)

    @property
    def gives_others(self) -> frozenset[str]:
        """The methods by which what others wait for is given, condition variables left out."""
        return frozenset(name for name, how in self._signals if how.of and how.does == "wake")

    @property
    def _signals(self) -> Iterator[tuple[str, Signalling]]:
        return ((name, how) for one in self.signals.values() for name, hows in one.items() for how in hows)

    @property
    def gives_back(self) -> frozenset[str]:
        """The methods by which locks are given back by name."""
        return frozenset(n for lock in self.locks.values() for n, taking in lock.methods.items() if taking.gives)

    @property
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
            methods = {name for name, how in listed if not (name.startswith("__") or how.moment or how.gives)}
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


def _signalling(said: str) -> tuple[Signalling, ...]:
    """`wait message, wake room`."""
    found = []
    for does, *words in (clause.split() for clause in said.split(",")):
        limit = next((int(word[5:]) for word in words if word.startswith("limit")), 0)
        flags = ("held", "checked", "bounded", "awaited", "ask")
        of = next((word for word in words if word not in flags and not word.startswith("limit")), "")
        kind: Any = does
        found.append(Signalling(kind, of, limit=limit, **{flag: flag in words for flag in flags}))
    return tuple(found)


def made_by_hand(kind: str, waits: Literal["thread", "task"], by_name: bool) -> LockType:
    """The lock that a class of the tree, `kind` in full, is by its name. Nobody knows whom it lets in again."""
    takes, by_hand = Taking("exclusive"), Taking("exclusive", hand=True, asks=waits == "thread")
    methods = {"__aenter__" if waits == "task" else "__enter__": takes, "acquire": by_hand}
    family = "semaphore" if kind.endswith("Semaphore") else "reentrant"
    methods["release"] = Taking("exclusive", gives=True)
    return LockType(kind, family, waits, False, methods, by_name=by_name, by_hand=True)


def _taking(said: str) -> Taking:
    words = said.split()
    mode: Any = words[0]
    flags = ("try", "bounded", "recursive", "moment", "sync", "hand", "free", "ask", "opens", "raises", "closes")
    return Taking(mode, *(flag in words for flag in flags))


def _view(lock: LockType, mode: Mode) -> LockType:
    """The lock as it is taken by another name, for reading or for writing."""
    takes, by_hand = Taking(mode), Taking(mode, hand=True, asks=lock.waits == "thread")
    enters = "__aenter__" if lock.waits == "task" else "__enter__"
    return replace(lock, methods={enters: takes, "acquire": by_hand, "release": Taking(mode, gives=True)})


def _hook(when: str, number: str, rest: str = "") -> tuple[str, int, bool]:
    return when, int(number), rest == "rest"


def _type(said: str) -> ir.Type:
    """`Option<[tuple]<0,1>>` as a type."""
    head, bracket, rest = said.partition("<")
    if not bracket:
        return ir.Type((said.strip(),))
    parts, depth, part = [], 0, ""
    for sign in rest[:-1]:
        if sign == "," and not depth:
            parts.append(part)
            part = ""
            continue
        depth += (sign == "<") - (sign == ">")
        part += sign
    return ir.Type((head.strip(),), tuple(_type(p) for p in [*parts, part]))


def _familiar(data: Mapping[str, Any]) -> Iterator[str]:
    known, calls, drops = data["known"], data["guard-calls"], data["drops"]
    yield from (*known["common"], *known.get("runs", ()), *data["same"]["methods"], *data["same"]["carries"])
    yield from (*drops["keeps"], *drops["alternatives"], *calls["consumes"])
    yield from (*data["here"]["functions"], *data["threads"]["scoped"])
    for methods in data["flow"].values():
        yield from methods


def _by_shape(data: Mapping[str, Any], key: str) -> Mapping[str, frozenset[str]]:
    return {shape: frozenset(names) for shape, names in data.get(key, {}).items()}


@cache
def load(language: str, options: frozenset[str] = frozenset(), own_guards: frozenset[str] = frozenset()) -> Effects:
    """The table of a language. `options` switch on what the data calls optional; `own_guards` are a project's."""
    text = (pkgutil.get_data(__name__, f"{language}.toml") or b"").decode()
    data = tomllib.loads(text)
    separator, objects = data["language"]["separator"], data["language"]["objects"]
    locks: dict[tuple[str, str], LockType] = {}
    names: dict[str, LockType] = {}
    in_full: dict[ir.Path, LockType] = {}
    for entry in data["lock"]:
        if entry.get("optional") and entry["optional"] not in options:
            continue
        methods = {name: _taking(said) for name, said in entry["methods"].items()}
        for kind in entry["types"]:
            parts = kind.split(separator)
            wraps, shares = entry.get("wraps", False), entry.get("shares", False)
            by_name = entry.get("by-name", False)
            tells = entry.get("tells", False)
            lock = LockType(kind, entry["family"], entry["waits"], wraps, methods, shares, by_name, tells)
            lock = replace(lock, views={name: _view(lock, mode) for name, mode in entry.get("views", {}).items()})
            locks.setdefault((parts[0], parts[-1]), lock)
            if objects:
                in_full[tuple(parts)] = lock
            if lock.family in ("mutex", "rwlock") and not objects:
                merged = {**methods, **(names[parts[-1]].methods if parts[-1] in names else {})}
                names[parts[-1]] = LockType(parts[-1], entry["family"], "thread", False, merged)
    signals = {
        (kind.split(separator)[0], kind.split(separator)[-1]): {m: _signalling(s) for m, s in one["methods"].items()}
        for one in data["signal"]
        for kind in one["types"]
    }
    guards = data["guards"]
    modes: dict[str, Mode] = dict.fromkeys(guards["types"], "exclusive")
    for mode in ("read", "write", "upgradable"):
        modes.update(dict.fromkeys(guards[mode], mode))
    calls, drops = data["guard-calls"], data["drops"]
    return Effects(
        locks=locks,
        locks_in_full=in_full,
        lock_names=names,
        free=frozenset(data["free"]["methods"]),
        asks=data["free"].get("asks", ""),
        lazy=frozenset(data["lazy"]["types"]),
        guards=modes,
        guard_crates=frozenset(guards["crates"]),
        own_guards=own_guards,
        wrappers=data["wrappers"],
        flow={k: {m: _type(r) for m, r in v.items()} for k, v in data["flow"].items()},
        flow_names=data["flow-names"],
        makes={name: ir.Type(tuple(kind.split(separator))) for name, kind in data.get("makes", {}).items()},
        views=frozenset(name for lock in locks.values() for name in lock.views),
        same_methods=frozenset(data["same"]["methods"]),
        insists=frozenset(data["same"].get("insists", ())),
        claims=data.get("claims", {}),
        same_functions=frozenset(data["same"]["functions"]),
        binds=frozenset(data["same"].get("binds", ())),
        own_thread=frozenset(data.get("own-thread", {}).get("types", ())),
        limit_parameters=frozenset(data.get("limits", {}).get("parameters", ())),
        there=data["there"],
        carries=frozenset(data["same"]["carries"]),
        owned=frozenset(data["same"].get("owned", ())),
        guard_releases=frozenset(calls["releases"]),
        guard_consumes=frozenset(calls["consumes"]),
        guard_unlocks=frozenset(calls["unlocks"]),
        guard_modes=calls["modes"],
        end_trait=data["end"]["trait"],
        end_method=data["end"]["method"],
        end_owners=frozenset(data["end"].get("owners", ())),
        end_shared=frozenset(data["end"].get("shared", ())),
        end_gives=_by_shape(data["end"], "gives"),
        end_replaces=_by_shape(data["end"], "replaces"),
        end_empties=_by_shape(data["end"], "empties"),
        drops=frozenset(drops["functions"]),
        leaks=frozenset(drops["leaks"]),
        alternatives=frozenset(drops["alternatives"]),
        replaces=frozenset(drops["replaces"]),
        keeps=frozenset(drops["keeps"]),
        empties=frozenset(drops["empties"]),
        waits=frozenset(data["waits"]["methods"]),
        waits_types=frozenset(data["waits"]["types"]),
        starts=frozenset(data["threads"].get("starts", ())),
        waits_signalled=data["waits"].get("signalled", False),
        threads=frozenset((*data["threads"]["functions"], *data["threads"].get("limits", ()))),
        task_sets=frozenset(data["threads"].get("sets", ())),
        stops=frozenset(data["threads"].get("stops", ())),
        limits=frozenset(data["threads"].get("limits", ())),
        channels={
            name: ir.Type(("[tuple]",), tuple(ir.Type(tuple(end.split("::"))) for end in ends))
            for name, ends in data["threads"].get("channels", {}).items()
        },
        scoped=frozenset(data["threads"]["scoped"]),
        here=frozenset(data["here"]["functions"]),
        same_object=frozenset(data["same"].get("object", ())),
        goes_over=frozenset(data["here"].get("over", ())),
        lazily=frozenset(data["here"].get("lazy", ())),
        operators={name: tuple(more) for name, more in data.get("operators", {}).get("methods", {}).items()},
        operating=data.get("operators", {}).get("functions", {}),
        spelling=frozenset(data.get("operators", {}).get("spelling", ())),
        blocks=data["blocks"],
        awaits=data.get("awaits", {}),
        works=data.get("works", {}),
        works_methods=data.get("works-methods", {}),
        blocks_methods=data["blocks-methods"],
        blocks_unknown=data["blocks-unknown"],
        blocks_names=dict.fromkeys(data["blocks-functions"]["names"], data["blocks-functions"]["why"]),
        listeners={
            tuple(kind.split(separator)): (act, frozenset(names))
            for kind, (act, *names) in data.get("listeners", {}).items()
        },
        acts={
            name: Acting(
                one["what"],
                frozenset(one["types"]),
                name in one["telling"],
                frozenset(one.get("variables", ())),
                frozenset(one.get("heeds", ())),
            )
            for one in data.get("act", ())
            for name in one["methods"]
        },
        pending=frozenset(data.get("poll", {}).get("pending", ())),
        named={name: _taking(said) for name, said in data["named"].items()},
        known=frozenset(data["known"]["crates"]),
        prelude=frozenset(data["known"]["prelude"]),
        common=frozenset(data["known"]["common"]),
        familiar=frozenset(_familiar(data)),
        reasons=data["reasons"],
        signals=signals,
        steady=frozenset(data["steady"]["names"]),
        separator=separator,
        objects=objects,
        hooks={name: _hook(*said.split()) for name, said in data.get("hooks", {}).items()},
        threads_when=dict.fromkeys(data["threads"].get("later", ()), "later"),
        maker=data["language"].get("maker", ""),
        stacks=data["language"].get("stacks", {}),
        enters=frozenset(data["language"].get("enters", ())),
    )
