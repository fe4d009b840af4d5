"""What every language lowers to: declarations, and for each function a tree of steps.

In: nothing.  Out: the values that front ends make, the linker resolves and the analysis walks.
Never: a word of syntax, a language's name, a position other than byte offsets into the unit's file.

Two laws carry everything above:

*A region owns its slots.* Whatever a slot still holds when its region ends is given back there. `with lock:`,
`{ let g = m.lock(); … }` and the temporary in `if let Some(x) = m.read().get(k) {…} else {…}` are all regions;
where a region ends is the language's drop rule and is decided by the front end alone.

*Guards travel with values.* `Move` carries what the source holds to the destination; a call's result slot holds
what the callee hands out; a slot that is read by reference keeps what it holds.

Front ends write `Call`; they do not know what it means. The linker replaces each by what it means
(`Acquire`, `Release`, `Invoke`, `Suspend`, `Block`, `Move`) and leaves the structure as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal, TypeAlias, Union

from msgspec import Struct

Range: TypeAlias = tuple[int, int]
"""Byte offsets (0-based, half open) into the file of the unit that the value belongs to."""

Path: TypeAlias = tuple[str, ...]
"""A dotted name as written or resolved: ("std", "sync", "Mutex")."""


def holds(outer: Range, offset: int) -> bool:
    """Whether an offset lies in a range."""
    return outer[0] <= offset < outer[1]


def within(inner: Range, outer: Range) -> bool:
    """Whether a range lies in another one, or is it."""
    return outer[0] <= inner[0] and inner[1] <= outer[1]


class Type(Struct, frozen=True, gc=False, array_like=True):
    """A type as far as locks need it: a name and its arguments. Lifetimes are left out, and so are references, but for
    what fields, results and arguments of types are: `[ref]` (somebody else owns its argument).

    Names in brackets are structural: `[tuple]`, `[list]` (arrays and slices), `[dyn]` (any of its arguments'
    implementations), `[fn]` (a callable: what it takes, where that is told, and last what it returns), `[self]` (the
    enclosing owner), `[super]` (what the enclosing owner is built on). Where a value's type is not declared but made:
    `[made]` is what a call of the first argument gives (the rest is what it is given), `[at]` what the path behind it
    is a name of, `[parameter]` what a method (its name comes first) of the owner gets as a parameter, `[any]` one of
    its arguments, `[way]` what is found from its argument on by names, `()` for a call and `[]` for an element;
    `[class]` is the type of a class that is kept as a value.
    """

    path: Path
    args: tuple[Type, ...] = ()


def substitute(kind: Type | None, given: Mapping[str, Type]) -> Type | None:
    """The type with others for its parameters, by their names."""
    if kind is None or not given:
        return kind
    if len(kind.path) == 1 and kind.path[0] in given:
        return given[kind.path[0]]
    return Type(kind.path, tuple(substitute(one, given) or one for one in kind.args)) if kind.args else kind


ONE = Type(("1",))
"""The type of the number that is written as one, among what something is made with."""
NOUGHT = Type(("0",))
"""The same of nought, and of a number below it."""


class Place(Struct, frozen=True, gc=False, array_like=True):
    """Where a value lives: a root and the way from it.

    The root is a slot's number, or the name of a static. The way is fields (`load`), indices (`[i]`, the text
    between the brackets) and calls of unknown getters (`inner()`).
    """

    root: int | Path
    way: Path = ()


OTHER = ("[any]",)
"""The way to any other value: a variable that is given what comes from there is not what it was before."""

KEYED = "[="
"""How the part of a way begins that is the element of a container for a key: the key's place stands behind it."""


SLICE = "[:]"
"""The part of a way that is a container with some of the elements of another one."""


def captured(slot: int | Path) -> str:
    """The part of a closure that is what it has taken along of a slot."""
    return f"captured {slot}"


def given_by(call: str, kinds: tuple[Type, ...]) -> str:
    """The part of a way that is what an unknown getter gives: one that is asked for types gives another for each."""
    return f"{call}::<{', '.join(map(_spelled, kinds))}>()" if kinds else f"{call}()"


def _spelled(kind: Type) -> str:
    inner = f"<{', '.join(map(_spelled, kind.args))}>" if kind.args else ""
    return "::".join(kind.path) + inner


def element_for(key: Place) -> str:
    """The part of a way that is the element of a container for the value at a place, which nothing changes."""
    return f"{KEYED}{'.'.join((str(key.root), *key.way))}]"


def key_of(part: str) -> Place | None:
    """The place of the key in a part of a way that `element_for` gave; None for any other part."""
    if not part.startswith(KEYED):
        return None
    root, *way = part[len(KEYED) : -1].split(".")
    return Place(int(root), tuple(way))


class Slot(Struct, frozen=True, gc=False, array_like=True):
    """A variable, a parameter or a temporary of one function. `name` is empty for temporaries.

    `why` says for people how long it lives (a key into the language's table of reasons: "local", "if-let", …).
    `fixed`: nothing can change what it is once it has its value, so what is known of it stays true.
    """

    name: str = ""
    type: Type | None = None
    why: str = ""
    at: Range = (0, 0)
    """Where a variable is named; nowhere where a parameter is taken apart at once."""
    fixed: bool = False


# ---------------------------------------------------------------------------------------------------------- steps


class Move(Struct, frozen=True, gc=False, array_like=True, tag=True):
    """`dst` takes the value of `src`, with everything that it holds.

    `wrapped`: one of them may be missing and the other is the value inside, so that whether the one is there (or true)
    says nothing of the other.
    """

    dst: Place
    src: Place
    wrapped: bool = False


class Ref(Struct, frozen=True, gc=False, array_like=True, tag=True):
    """`dst` becomes another name of `src`; what `src` holds stays there."""

    dst: int
    src: Place


class Operand(Struct, frozen=True, gc=False, array_like=True):
    """An argument: where its value is (None: nothing that matters) and whether the value itself goes over."""

    place: Place | None = None
    moved: bool = False
    name: str = ""
    """The parameter that it is for, where the call names it."""
    spread: bool = False
    """It stands for any number of arguments (`*rest`), or of named ones (its name is `**` then)."""


class Named(Struct, frozen=True, gc=False, array_like=True, tag=True):
    """A function by its path as written, with the type arguments of its last part."""

    path: Path
    generics: tuple[Type, ...] = ()
    owner: Type | None = None
    """The type before the last part where it is more than a name: `<T as Trait>::f`, `Vec<T>::new`."""


class Method(Struct, frozen=True, gc=False, array_like=True, tag=True):
    """A method of the value that the call's first operand names."""

    name: str
    generics: tuple[Type, ...] = ()


class Indirect(Struct, frozen=True, gc=False, array_like=True, tag=True):
    """A value that is called: a closure in a slot, a function in a field."""

    place: Place


Callee: TypeAlias = Union[Named, Method, Indirect]


class Call(Struct, frozen=True, gc=False, array_like=True, tag=True):
    """A call as written. `at` is the whole expression, `name_at` the callee's name in it.

    `awaited`: the result is waited for on the spot (a callee that runs when awaited runs here).
    `closures` are slots with closure bodies that are written among the operands.
    `throws` is the label to which an exception of the callee leaves; none below 0 save `RAISED`.
    """

    dst: int
    callee: Callee
    operands: tuple[Operand, ...]
    at: Range
    name_at: Range
    awaited: bool = False
    throws: int = -1

    @property
    def kinds(self) -> tuple[Type, ...]:
        """The types that the callee is asked for in so many words: `data::<Rows>()`."""
        return () if isinstance(self.callee, Indirect) else self.callee.generics

    @property
    def word(self) -> str:
        """The callee's last name; empty where a value is called."""
        match self.callee:
            case Method(name):
                return name
            case Named(path):
                return path[-1]
            case _:
                return ""


class New(Struct, frozen=True, gc=False, array_like=True, tag=True):
    """A value put together of parts, each moved into a field of `dst`; `path` is the type as written, if any."""

    dst: int
    path: Path
    parts: tuple[tuple[str, Operand], ...]


class Lambda(Struct, frozen=True, gc=False, array_like=True, tag=True):
    """A closure (or a block that runs when awaited) becomes the value of `dst`. Its body does not run here.

    `takes` are the slots whose values move into it.
    """

    dst: int
    params: tuple[int, ...]
    body: Region
    result: int
    takes: tuple[int, ...] = ()
    deferred: bool = False
    """True for a block that runs when its value is awaited."""
    owns: bool = False
    """It takes along all that it uses, so that it can be kept for later."""


class Await(Struct, frozen=True, gc=False, array_like=True, tag=True):
    """The function lets go of its thread until `src` is ready; `dst` gets the result.

    `at` is the whole expression, `name_at` the word that waits, `throws` the label to which it leaves when the
    function is cancelled while it waits (see `Call`).
    """

    dst: int
    src: Place
    at: Range
    name_at: Range
    throws: int = -1


class Implied(Struct, frozen=True, gc=False, array_like=True, tag=True):
    """A method of a trait runs for the first of some values though nobody calls it: they are compared, added, printed.

    Which function that is, their types say. `at` is the whole expression, `name_at` the sign or the value's name.
    """

    trait: str
    name: str
    places: tuple[Place | None, ...]
    at: Range
    name_at: Range


class Yield(Struct, frozen=True, gc=False, array_like=True, tag=True):
    """The function hands `src` to whoever runs it and stands still until it is asked to go on, which may be never.

    What the asker does meanwhile runs under the guards held here, on any thread. `at` is the whole expression,
    `name_at` the word. In a function that runs `around` its caller's block, the block runs here. `throws`: see `Call`.
    """

    dst: int
    src: Place | None
    at: Range
    name_at: Range
    throws: int = -1


class Get(Struct, frozen=True, gc=False, array_like=True, tag=True):
    """The field that the place's last part names is read: where the tree computes it, a function runs here."""

    dst: int
    place: Place
    at: Range
    name_at: Range


class Set(Struct, frozen=True, gc=False, array_like=True, tag=True):
    """The field that the place's last part names is given the value at `src` (None: nothing is known of that value).

    Where the tree computes the field, a function runs here. A `Move` behind it says what the field is then.
    """

    place: Place
    src: Place | None
    at: Range
    name_at: Range


class Escape(Struct, frozen=True, gc=False, array_like=True, tag=True):
    """From here an exception may leave to the region with this label (`RAISED`: out of the function).

    `at` is what raises. Guards that the raising call took itself are not held on that way.
    `rarely`: it only waits for a lock, so nothing raises but what interrupts a thread that waits.
    `caught`: what leaves is none of these errors, by the last parts of their names.
    """

    label: int
    at: Range
    rarely: bool = False
    caught: Path = ()


class Refine(Struct, frozen=True, gc=False, array_like=True, tag=True):
    """From here on the value at `place` is known to be there (`present`) or known to be missing.

    `sure`: a missing value holds nothing at all (an empty option), so whatever seemed to be held there is not.
    Of a truth value, `present` says whether it is true. `value`: it is known to be, or not to be, this named value
    (as spelled); nothing is said of its presence.
    """

    place: Place
    present: bool
    sure: bool = False
    value: Path = ()


HANDED = ("[handed]",)
"""The root of what a closure is given for good by who calls it; the way is the number of its parameter."""
YES = Place(("[true]",))
"""The value that is written as true."""
NO = Place(("[false]",))
"""The value that is written as false."""
NOTHING: Path = ("[none]",)
NONE = Place(NOTHING)
"""The value that is written as missing."""
MADE = Place(("[made]",))
"""A value that was made just before: it is there, but nobody says whether it is true (a list may be empty)."""


LIKE = "[like]"
"""Begins the root of the place of a text of which is known how it begins and ends, and nothing else."""
LOCKED = "[locked]"
"""At the end of the way to a lock that a question is about: it is whether somebody holds it."""
GATHERED = "[gathered]"
"""Begins the way of what a function passes on of what it gathers: which one (its number), its name, and what the callee
takes in its place where nobody gives it (`?`: that is not told)."""
NOT = "[not]"
"""At the end of the way to a value that a question is about: it is about the opposite."""
STATIC = ("[static]",)
"""The root of what a question about a variable of a module or of a class is about; the way is its full name."""
ONESELF = ("[oneself]",)
"""The root of what is asked about where who runs, a thread or a task, is asked for: is it a certain one? The way is the
question's own."""
MAKE = "[make]"
"""The method by which what makes a lazy static holds it until it is made."""
NEXT = "[next]"
"""The method by which a loop asks for its next element."""
USE = "[use]"
"""The method by which a static is asked for what it stands for: a lazy one is made then, if it is not yet."""


class Discard(Struct, frozen=True, gc=False, array_like=True, tag=True):
    """The value of `src` is thrown away by name (`let _ = …`); at `name_at` a name may stand instead, if anywhere."""

    src: Place
    at: Range
    name_at: Range | None = None


class End(Struct, frozen=True, gc=False, array_like=True, tag=True):
    """The value at `place` is overwritten and comes to its end; `sure`: by nothing, so that there was one."""

    place: Place
    at: Range
    sure: bool = False


class Shift(Struct, frozen=True, gc=False, array_like=True, tag=True):
    """What was in a container is there no more: the element that is this `part`, or where it is empty any of them.

    Who still has such an element knows it by another part of the way, which the `mark` tells from others.
    """

    container: Place
    part: str
    mark: str

    def of(self, place: Place) -> Place:
        """A place by its name behind the step."""
        begin = self.container.way
        number = len(begin)
        if place.root != self.container.root or len(place.way) <= number or place.way[:number] != begin:
            return place
        part = place.way[number]
        if not part.startswith("[") or self.part not in ("", part):
            return place
        return Place(place.root, (*begin, f"{SHIFTED}{self.mark}{part}]", *place.way[number + 1 :]))


SHIFTED = "[? "
"""Begins the part of a way that is a former element: its mark follows, and what it was."""


def before_shift(part: str) -> str:
    """What a part of a way was before its container was changed; the part itself where it was not."""
    return part[part.index("[", 1) : -1] if part.startswith(SHIFTED) else part


class Compute(Struct, frozen=True, gc=False, array_like=True, tag=True):
    """`dst` becomes a number made of named constants: `sign` is the operator (`|`, `&`, `!`, `-`).

    Or the answer whether two values are one, or one is among what the other holds (`is`), or not (`is not`).
    """

    dst: int
    sign: str
    operands: tuple[Operand, ...]
    at: Range


# ------------------------------------------------------------------------------------------------------ structure


class Region(Struct, frozen=True, gc=False, array_like=True, tag=True):
    """Steps in order; at the end, on whatever way out, the slots (last declared first) give back what they hold.

    A region with a `label` can be left early by `Leave(label)`.
    """

    steps: tuple[Step, ...]
    slots: tuple[int, ...]
    at: Range
    label: int = -1


class Arm(Struct, frozen=True, gc=False, array_like=True):
    """One way through a branch. `role` is `then`, `else`, `arm`, `body`, `test` (both sides of a test), `handler` (it
    catches an exception) or empty.

    `head` are the numbers (from, below) of the slots made while the branch was decided: what they hold and still
    hold in the arm is alive for the head's sake. `needs`: the arm uses names that the head found.
    """

    body: Region
    role: str = ""
    head: tuple[int, int] = (0, 0)
    needs: bool = False


class Branch(Struct, frozen=True, gc=False, array_like=True, tag=True):
    """Exactly one of the arms runs."""

    arms: tuple[Arm, ...]


class Loop(Struct, frozen=True, gc=False, array_like=True, tag=True):
    """The body runs again and again until something leaves; `Leave(label)` in it goes to the next round."""

    body: Region
    label: int


class Leave(Struct, frozen=True, gc=False, array_like=True, tag=True):
    """Go to the end of the region (or the next round of the loop) with this label.

    `RETURN` leaves the function, `RAISED` leaves it by an exception. `at` is the statement, where one is written.
    """

    label: int
    at: Range = (0, 0)


RETURN = 0
"""The label of a function's own body."""

RAISED = -2
"""The label of the way out that nobody in the function catches."""


# ----------------------------------------------------------------------------------- what calls mean (linker made)


SOME_LOCK = "a lock"
"""The kind of a lock of whose type nothing is known."""


class Lock(Struct, frozen=True, gc=False, array_like=True):
    """A lock as one function sees it.

    `place` is where it is; `owner` the full name of the type that declares its field and the field ("" where
    unknown), which is how locks of different instances are compared; `kind` the resolved type for people; `waits`
    is "thread" or "task"; `family` names the conflict rules ("mutex", "rwlock", "reentrant", "refcell", "map",
    "watch", "once", "semaphore"). `thin`: it is all that the type of the receiver has, so that callers know it by
    the field that the receiver stands in. `single`: of a semaphore's permits there is one.
    """

    place: Place
    owner: str
    kind: str
    waits: Literal["thread", "task"]
    family: str
    evidence: Literal["named", "inferred", "declared"]
    thin: bool = False
    single: bool = False


class Acquire(Struct, frozen=True, gc=False, array_like=True, tag=True):
    """A lock is taken. The guard goes to `holder`; None means it is held until released by hand.

    `fallible`: the call does not wait (or not for ever) and may come back without the guard; `bounded`: it waits
    for a time; `recursive`: it never waits for a queued writer; `optional`: what it returns may hold no guard.
    `by_hand`: it is held until somebody releases the lock by name, whatever becomes of `holder`; `fresh`: the lock
    was made in this function.
    """

    lock: Lock
    mode: Literal["exclusive", "write", "read", "upgradable"]
    holder: Place | None
    at: Range
    name_at: Range
    name: str
    fallible: bool = False
    bounded: bool = False
    recursive: bool = False
    optional: bool = False
    by_hand: bool = False
    fresh: bool = False

    @property
    def waits(self) -> bool:
        """Whether the call waits for the lock, if only for a time."""
        return self.bounded or not self.fallible


class Release(Struct, frozen=True, gc=False, array_like=True, tag=True):
    """What `src` holds is given back; with `lock`, a guard of that lock, whoever holds it.

    An empty range as `at` says that nobody wrote it.
    """

    src: Place
    at: Range
    lock: Lock | None = None


class Convert(Struct, frozen=True, gc=False, array_like=True, tag=True):
    """The guard that `src` holds becomes one of another mode, held by `dst`; to become stronger, it waits."""

    dst: Place
    src: Place
    mode: Literal["exclusive", "write", "read", "upgradable"]
    at: Range
    name_at: Range
    name: str


class Invoke(Struct, frozen=True, gc=False, array_like=True, tag=True):
    """A call of functions of the tree; `certain` is False where the name alone speaks for it.

    `operands` fit the parameters of the targets in order (the receiver first), `paths` say which places of the
    caller they are; `lambdas` are closure bodies passed, by operand number, and whether they were boxed to be kept; by
    ``~number`` what runs when the closure's result is waited for. `guard` stands for the acquisition that the declared
    return type promises, should the targets' bodies not show it.
    `targets` empty: a call that could not be resolved.
    """

    dst: int
    targets: tuple[int, ...]
    certain: bool
    operands: tuple[Operand, ...]
    paths: tuple[Place | None, ...]
    at: Range
    name_at: Range
    name: str
    lambdas: tuple[tuple[int, Region, bool], ...] = ()
    guard: Acquire | None = None
    owners: tuple[str, ...] = ()
    """The owners of the places of the receiver and of what is given to parameters that are locks, as of a lock's."""
    locks: tuple[Lock | None, ...] = ()
    """What is given to parameters with names of locks whose types nobody says, where the caller knows it as a lock."""
    asked: tuple[Place | None, ...] = ()
    """What each operand is for a question (see `Assume`); a written value by its name."""
    gathered: tuple[tuple[str, Place | None], ...] = ()
    """The same of what a parameter of the target gathers, by its number there or its name; `*`: there may be more."""
    implicit: bool = False
    """Nobody wrote the call: a value's end makes it."""
    hands_out: bool = False
    """The declared type says that the result may hold a guard."""
    once: bool = False
    """Only the first one to come here runs it."""


class Assume(Struct, frozen=True, gc=False, array_like=True, tag=True):
    """From here on the value at `place` is (`truth`) or is not `value`: a named value, or where empty: there, true.

    The place is one whose value nothing changes, or a written value.
    """

    place: Place
    value: Path
    truth: bool


class Callback(Struct, frozen=True, gc=False, array_like=True, tag=True):
    """The function calls what was passed to it as the parameter in `slot`, with what is at the places `given`.

    With the slot ``~n`` it waits for what calling the parameter in slot n gave. `moved` are those of the places whose
    values go over for good, each behind the number of the callee's parameter.
    """

    slot: int
    at: Range
    name_at: Range
    given: tuple[Place, ...] = ()
    moved: tuple[tuple[int, Place], ...] = ()


class Suspend(Struct, frozen=True, gc=False, array_like=True, tag=True):
    """The thread may run other tasks here before this one goes on. `name_at` is the word that waits.

    `others` are the bodies that must come to their end before, where they are known: that of an awaited task. `why` is
    for people, where the task waits for the world outside ("connects over the network"). `call` is the call of a
    function of the tree that is awaited: what that gives is not there before. `on` is the owner of the field that keeps
    the handle of the task (see `Block`).
    """

    at: Range
    name_at: Range
    others: tuple[Region, ...] = ()
    why: str = ""
    call: Range = (0, 0)
    on: str = ""


class Block(Struct, frozen=True, gc=False, array_like=True, tag=True):
    """The thread waits here for something that is no lock: `why` is for people ("joins a thread").

    `others` are the bodies that must come to their end before, where they are known: those of a joined thread.
    `brief`: it does work that takes a while (reads a file) rather than wait for somebody. No `why`: the project has
    nothing against it under a lock. `bounded`: it gives up after a time.
    """

    at: Range
    name_at: Range
    name: str
    why: str
    others: tuple[Region, ...] = ()
    brief: bool = False
    on: str = ""
    """The owner, as of a lock, of the field whose value says whom it waits for."""
    bounded: bool = False


class Register(Struct, frozen=True, gc=False, array_like=True, tag=True):
    """What is passed runs at a time of its own, not under what is held here.

    `when`: "finalizer" (when a value ends, on whatever thread that happens, in the middle of whatever it does),
    "signal" (in the middle of whatever the main thread does), "exit" (when the program ends), "thread" (on another
    thread), "later" (when the thread has nothing else to do). `bodies` are what runs.
    """

    when: str
    bodies: tuple[Region, ...]
    at: Range
    name_at: Range
    name: str


class Act(Struct, frozen=True, gc=False, array_like=True, tag=True):
    """Something done to a value that takes no lock and that rules ask about.

    `what` is a key of the language's table (`wakes`, `adds`, `bits`, …), `calls` for a callable that is stored, or
    `tells` for one who seems to listen. `place` is what it is done to, by its oldest name, `owner` as of a lock.
    `names` are the constants in what is given, in full, and `signs` the operators and methods that put them together;
    `given` are the arguments' places.
    """

    what: str
    place: Place | None
    owner: str
    name: str
    at: Range
    name_at: Range
    names: tuple[str, ...] = ()
    signs: tuple[str, ...] = ()
    given: tuple[Place, ...] = ()


class Wait(Struct, frozen=True, gc=False):
    """The thread waits until somebody signals `on`; the lock that guards what it waits for is free meanwhile.

    `guard` is where the guard of that lock is, if it is passed on; otherwise `lock` is that lock. `bounded`: it gives
    up after a time; `checked`: it looks itself at what it waits for. `empty`: that lock guards no value, so what is
    waited for is kept elsewhere.
    """

    on: Lock
    at: Range
    name_at: Range
    name: str
    lock: Lock | None = None
    guard: Place | None = None
    bounded: bool = False
    checked: bool = False
    of: str = ""
    empty: bool = False


class Signal(Struct, frozen=True, gc=False):
    """Whoever waits for `on` goes on. `lock` must be held for it; None: none need be. `of`: see `Wait`."""

    on: Lock
    at: Range
    name_at: Range
    name: str
    lock: Lock | None = None
    of: str = ""


Step: TypeAlias = Union[
    Move, Ref, Call, Implied, New, Lambda, Await, Yield, Get, Set, Escape, Refine, Discard, End, Shift, Compute, Region,
    Branch, Loop, Leave, Acquire, Release, Convert, Invoke, Assume, Callback, Suspend, Block, Register, Act, Wait,
    Signal,
]  # fmt: skip


# ---------------------------------------------------------------------------------------------------------- walks


_WITH_STEPS = frozenset((Region, Branch, Loop, Lambda))


def steps_of(region: Region, closures: bool = True) -> Iterator[Step]:
    """A region and all steps in it, in the order of the text; `closures`: those of the closures in it too."""
    waiting: list[Step] = [region]
    while waiting:
        step = waiting.pop()
        yield step
        if type(step) not in _WITH_STEPS:
            continue
        match step:
            case Region(steps):
                waiting += reversed(steps)
            case Branch(arms):
                waiting += (arm.body for arm in reversed(arms))
            case Loop(body=body):
                waiting.append(body)
            case Lambda(body=body) if closures:
                waiting.append(body)
            case _:
                pass


def used_by(step: Step) -> Iterator[Place]:
    """The places whose values a step as written uses, hands on, or gives another name."""
    match step:
        case Call(operands=operands):
            yield from (one.place for one in operands if one.place is not None)
        case Move(_, src) | Ref(_, src):
            yield src
        case New(_, _, parts):
            yield from (one.place for _, one in parts if one.place is not None)
        case Lambda(takes=takes):
            yield from map(Place, takes)
        case _:
            pass


def moved_by(step: Step) -> Iterator[int]:
    """The slots whose whole value a step as written moves somewhere else."""
    match step:
        case Move(_, src):
            places = [src]
        case Call(operands=operands):
            places = [one.place for one in operands if one.moved and one.place is not None]
        case New(_, _, parts):
            places = [one.place for _, one in parts if one.moved and one.place is not None]
        case Lambda(takes=takes):
            places = [Place(slot) for slot in takes]
        case _:
            return
    yield from (place.root for place in places if isinstance(place.root, int) and not place.way)


# --------------------------------------------------------------------------------------------------- declarations


class Import(Struct, frozen=True, gc=False, array_like=True):
    """`name` in `module` means `target` (as written); the name `*` brings in everything of the target."""

    module: Path
    name: str
    target: Path


class Field(Struct, frozen=True, gc=False, array_like=True):
    """A field of a type, with where it is declared."""

    name: str
    type: Type
    at: Range
    shared: bool = False
    """All instances have the same one."""
    put: tuple[Type, ...] = ()
    """What is put into it, where it is a container that does not say itself what its elements are."""
    given: str = ""
    """The parameter of what makes the object that it always is, by name."""
    asked: Path = ()
    """What the methods of the type ask its value for, by name, where its type is not written; sorted."""
    made: Type | None = None
    """How its value is made, where its type is written and says what is in it."""


class TypeDecl(Struct, frozen=True, gc=False, array_like=True):
    """A type of the tree. `kind`: struct, enum, trait, alias. An alias has its meaning as the one field ``=``.

    `values` are the names of which a value of an enum is exactly one.
    """

    module: Path
    name: str
    kind: str
    generics: Path
    fields: tuple[Field, ...]
    bases: tuple[Type, ...]
    at: Range
    values: Path = ()
    waits: bool = False
    """It is called a lock, and its methods wait themselves for what no library's lock stands for."""
    copied: bool = False
    """It says that values of it are made from each other: two of them may share what is in them."""
    derived: Path = ()
    """The traits that it implements by asking each of its parts to do the same."""
    of: Type | None = None
    """The class that it is a value of itself, where it says so: calling the type calls that one's method."""
    asks_who: bool = False
    """It is called a lock, and its methods ask which thread or task runs."""
    queues: bool = False
    """It is called a lock, and counts who waits to write: who reads may wait for them too."""
    keeps: bool = False
    """It is called a lock, and a method of it leaves something taken, or has it for somebody's block."""


class Static(Struct, frozen=True, gc=False, array_like=True):
    """A variable that lives as long as the program."""

    module: Path
    name: str
    type: Type | None
    at: Range
    lists: tuple[Path, ...] = ()
    """What is named as functions are, if it is such a name or a table of them."""


class Param(Struct, frozen=True, gc=False, array_like=True):
    """A parameter; `by_value` where the callee becomes the owner.

    `optional`: a call may leave it out, and it is `default` then (true, false, nothing, or not told); `gathers`: it
    takes all arguments that are left.
    """

    name: str
    type: Type | None
    by_value: bool
    optional: bool = False
    gathers: bool = False
    default: Place | None = None
    alone: bool = False
    """While the function runs, nobody else can do anything with the value."""
    otherwise: Type | None = None
    """The type of what it is where a call leaves it out."""


TEXT = ("[text]",)
"""How a path begins that is not the name of something but a text."""


def part_called(name: str) -> str:
    """The name of the parameter that is the part of a value whose name a parameter is."""
    return f"{name}_of_lock"


CALLED = ".__call__()"
"""How the name of a function ends that a decorator puts round another one where the decorator is a class."""


class Decorator(Struct, frozen=True, gc=False, array_like=True):
    """What gets a function, by the name as written, and the names that it is called with before: each for which of its
    parameters (empty: for the next one), and the name as written (empty for anything else).
    """

    path: Path
    given: tuple[tuple[str, Path], ...] = ()

    def named(self, wrapper: Function) -> Iterator[tuple[str, Place]]:
        """What it is called with by name, for which parameter of what it puts round the function.

        A text is the name of a part of the function's first argument.
        """
        closed = [param.name for param in (wrapper.closed_params if wrapper.wraps else wrapper.params)]
        for position, (name, said) in enumerate(self.given):
            name = name or (closed[position] if position < len(closed) else "")
            part = part_called(name) if said[:1] == TEXT else name
            if said and part in closed:
                yield part, Place(0, said[1:]) if said[:1] == TEXT else Place(said)


class Function(Struct, frozen=True, gc=False, array_like=True):
    """A function as declared; its body is lowered when somebody needs it.

    `owner` is the type that it is a method of, `trait` the trait that it implements or is declared in.
    `bounds` say of the type parameters what they implement. `runs_when_awaited`: calling it only makes a value.
    """

    module: Path
    name: str
    owner: Type | None
    trait: Type | None
    generics: Path
    bounds: tuple[tuple[str, Type], ...]
    params: tuple[Param, ...]
    takes_self: bool
    returns: Type | None
    runs_when_awaited: bool
    at: Range
    name_at: Range
    body_at: Range | None
    made_once: str = ""
    """The static that this function makes, while all who want it wait."""
    of_type: bool = False
    """Its receiver is the type itself."""
    hook: str = ""
    """Nobody calls it: it runs when a value ends ("finalizer"), wherever that happens (see `Register`)."""
    by_hand: bool = False
    """It may leave a lock taken, or give back one that its caller took."""
    computed: bool = False
    """It looks like a field of its owner: reading the field runs it."""
    around: bool = False
    """A call makes a value; a block that is opened with it runs where the function yields."""
    wraps: Path = ()
    """It is what a decorator puts round a function: the name that it calls the function by, where it yields, and the
    other names that are the decorator's own. Its name is the decorator's with brackets."""
    closed: int = 0
    """So many of its last parameters are not its own: they are what its decorator is called with."""
    bare: bool = False
    """Its body does nothing but say that others are to do it."""
    wrapped_by: tuple[Decorator, ...] = ()
    """What (outermost first) got this one and put what it returned in its place."""
    of_tests: bool = False
    """It is there to try other code: nobody waits for it in production."""
    inner: bool = False
    """Only its own module can call it."""
    hands_on: Path = ()
    """The part of its object that it asks for what the object has not itself."""
    given: tuple[tuple[str, bytes], ...] = ()
    """It stands in a macro, whose names stand for this."""

    @property
    def own_params(self) -> tuple[Param, ...]:
        """The parameters but for those that are its decorator's."""
        return self.params[: len(self.params) - self.closed]

    @property
    def closed_params(self) -> tuple[Param, ...]:
        """The parameters that are its decorator's."""
        return self.params[len(self.params) - self.closed :]


class Making(Struct, frozen=True, gc=False):
    """A value is made with parts of the object whose method does it, or with what a function has made: what its
    parameters get can be learned here. `owner` has no path where no method does it; a variable of the function has its
    type for an argument.
    """

    module: Path
    owner: Type
    made: Type


class Handing(Struct, frozen=True, gc=False, array_like=True):
    """A method of `owner` gives a method or a field of its object, `name`, to what is `called` (the last of its names).

    It is the argument number `slot` (from 0), or the one named `keyword`; `to` is whose method is called, as written.
    """

    module: Path
    owner: Type
    called: str
    slot: int
    keyword: str
    name: str
    to: Path = ()


class Showing(Struct, frozen=True, gc=False, array_like=True):
    """A method of `owner` gives a value of the type `shown` to what a value of the type `to` does when it is `called`.

    It is the argument number `slot` (from 0), or the one named `keyword`; or a field called so is given it (-1).
    """

    module: Path
    owner: Type
    to: Type
    called: str
    slot: int
    keyword: str
    shown: Type


class Patch(Struct, frozen=True, gc=False, array_like=True):
    """The function that `by` names is put in place of a method, `name`, of what `of` names (paths as written)."""

    module: Path
    of: Path
    name: str
    by: Path


class Deref(Struct, frozen=True, gc=False, array_like=True):
    """Values of `owner` stand for values of `target` (a smart pointer of the tree)."""

    module: Path
    owner: Type
    target: Type


class MacroArm(Struct, frozen=True, gc=False, array_like=True):
    """One way to write a macro: the source of what it takes and of what it gives, and where each begins."""

    takes: bytes
    takes_at: int
    gives: bytes
    gives_at: int


class Macro(Struct, frozen=True, gc=False, array_like=True):
    """A macro that the tree defines by patterns. `path` is its file; `exported`: other crates see it.

    `within`: the function's body outside of which it is not seen.
    """

    path: str
    module: Path
    name: str
    arms: tuple[MacroArm, ...]
    exported: bool
    within: Range | None
    at: Range


Macros: TypeAlias = Mapping[str, "tuple[Macro, ...]"]
"""The macros of the tree, by name."""


class Words(Struct, frozen=True, gc=False, array_like=True):
    """The names of what takes locks, for a front end to look for in bytes before it parses them.

    `alone`: methods that are called with nothing but their receiver; `any`: methods called with whatever;
    `functions`: free functions, called by name or path, or a path of two parts, called by just that; `paths`: functions
    of a type, called by its path only; `lenders`: called in any of these ways (by a path only where they begin with
    `::`), and run a closure that they are given, leave a lock taken, or only give one back; `macros`: of the tree,
    whose expansion takes a lock; `spoken`: named in any way at all; `made`: types, called for a variable of the
    function to be a lock.
    """

    alone: frozenset[str] = frozenset()
    any: frozenset[str] = frozenset()
    functions: frozenset[str] = frozenset()
    paths: frozenset[str] = frozenset()
    lenders: frozenset[str] = frozenset()
    macros: frozenset[str] = frozenset()
    spoken: frozenset[str] = frozenset()
    made: frozenset[str] = frozenset()


class Body(Struct, frozen=True, gc=False, array_like=True):
    """A lowered function: its slots (parameters first, in order), its steps, and the slot of what it returns.

    `uses` pairs each variable's slot with the places where it is named after it was made, in order. `unseen` are the
    variables that are given values somewhere of which no step says anything.
    """

    slots: tuple[Slot, ...]
    root: Region
    result: int
    uses: tuple[tuple[int, tuple[int, ...]], ...] = ()
    unseen: tuple[int, ...] = ()


class Unit(Struct, frozen=True, gc=False, array_like=True):
    """One file's declarations. `crate` names the compilation unit, for paths that begin at its root."""

    path: str
    language: str
    crate: str
    imports: tuple[Import, ...]
    types: tuple[TypeDecl, ...]
    statics: tuple[Static, ...]
    functions: tuple[Function, ...]
    derefs: tuple[Deref, ...]
    problems: tuple[tuple[int, str], ...]
    macros: tuple[Macro, ...] = ()
    makings: tuple[Making, ...] = ()
    patches: tuple[Patch, ...] = ()
    handings: tuple[Handing, ...] = ()
    showings: tuple[Showing, ...] = ()
    forced: Path = ()
    """The names of lazy statics that the file's code makes by asking for just that."""
