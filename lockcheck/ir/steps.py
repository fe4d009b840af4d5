"""What happens in a function: steps as written, the structure around them, and what calls mean once they are linked.

In: places.  Out: the steps' values, one union of them all (`Step`), and walks over them.
Never: what is declared.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, TypeAlias, Union

from msgspec import Struct

from lockcheck.ir.places import SHIFTED, Path, Place, Range, Type

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
