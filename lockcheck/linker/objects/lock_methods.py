"""Methods of locks where every value is a reference: by name, by a block, by what only opens one.

In: a call of such a method and what its receiver is.  Out: `Acquire`, `Release`, or what a later call makes of them.
Never: which function of the tree a call means.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

from msgspec.structs import replace

from lockcheck import ir
from lockcheck.effects import LockType, Taking
from lockcheck.linker.objects.operators import Operators
from lockcheck.linker.objects.uses import is_guess
from lockcheck.linker.places import oldest

OPENS = frozenset({"__enter__", "__aenter__"})
CLOSES = frozenset({"__exit__", "__aexit__"})
BLOCK = OPENS | CLOSES
"""The methods by which a block is opened with a value, and closed."""
_BY_HAND = ir.Place(("[by hand]",))
"""What is given back where a lock is named and no guard is."""


class LockMethods(Operators):
    """What the methods of locks do in a language of objects."""

    def opened(self, call: ir.Call, name: str, place: ir.Place) -> bool:
        """A block opened with what a function of the tree made: the function runs here, up to its yield."""
        known = place if place.root in self.contexts else oldest(place, self.alias)
        root = known.root
        waiting = self.contexts.get(root) if isinstance(root, int) and not known.way else None
        if isinstance(waiting, ir.Acquire) and name in ("acquire", "release"):
            self.by_hand(call, name, waiting)
            return True
        if isinstance(root, int) and root in self.closing and name in CLOSES:
            self.out.append(ir.Release(_BY_HAND, call.at, self.closing[root]))
            return True
        if waiting is None or name not in BLOCK:
            return False
        if name in OPENS:
            if isinstance(waiting, ir.Acquire):
                made_here = ir.within(waiting.at, call.at)
                here = waiting if made_here else replace(waiting, at=call.at, name_at=call.name_at)
                self.out.append(replace(here, holder=ir.Place(call.dst)))
            else:
                self.out.append(replace(waiting, dst=call.dst))
                kind = self.type_of(ir.Place(waiting.dst))
                given = self.part_type(kind, "[each]") if kind is not None else None
                self.learn(call.dst, given)
                if given is not None and self.always_yields(waiting.targets):
                    self.written[call.dst] = self.as_object(given)
                super().names_result(call.dst, list(waiting.targets), waiting.paths, waiting.certain)
        return True

    def always_yields(self, targets: Sequence[int]) -> bool:
        """Whether functions that run around a block have something for it, wherever they come to it."""
        bodies = [self.program.body(number) for number in targets]
        steps = [step for body in bodies if body is not None for step in ir.steps_of(body.root, closures=False)]
        given = [step.src for step in steps if isinstance(step, ir.Yield)]
        return bool(given) and all(src is not None and isinstance(src.root, int) for src in given)

    def names_result(
        self,
        dst: int,
        targets: list[int],
        paths: tuple[ir.Place | None, ...],
        certain: bool,
        asked: tuple[ir.Place | None, ...] = (),
    ) -> None:
        """What runs around a block names something for the block; what the block is opened with is no such name."""
        if not self.program.functions[targets[0]][1].around:
            super().names_result(dst, targets, paths, certain, asked)

    def wraps_lock(self, call: ir.Call, found: ir.Path) -> None:
        """What nobody here declares is given a lock and nothing else: its block most likely takes the lock."""
        place = call.operands[0].place if len(call.operands) == 1 and not call.operands[0].name else None
        frees = self.effects.named_as_letting_go
        known = place is None or not found or found[0] in self.effects.known or frees.search(found[-1])
        if not known and place is not None and self.lock_of(place) is not None:
            self.wrapped[call.dst] = place

    def lock_of(self, place: ir.Place) -> LockType | None:
        """The lock that the value at a place is, by its type."""
        kind = self.type_of(place)
        return self.program.types.lock_type(kind, self.effects) if kind is not None else None

    def opens_wrapped(self, call: ir.Call, name: str, place: ir.Place) -> bool:
        """A block is opened or closed with what was made of a lock at a place."""
        lock = self.lock_of(place)
        return lock is not None and name in BLOCK and self.on_lock(call, name, lock, place, "named")

    def by_hand(self, call: ir.Call, name: str, handle: ir.Acquire) -> None:
        """What a block could be opened with to take a lock is told to take it, or to give it back."""
        if name == "release":
            self.out.append(ir.Release(_BY_HAND, call.at, handle.lock))
            return
        taking = Taking(handle.mode, recursive=handle.recursive, hand=True, asks=True)
        tries, bounded, maybe = _asked(call, taking)
        taken = replace(handle, holder=ir.Place(call.dst), at=call.at, name_at=call.name_at, name=name, by_hand=True)
        self.out.append(replace(taken, fallible=tries or bounded, bounded=bounded, optional=maybe or bounded))

    def on_lock(self, call: ir.Call, name: str, lock: LockType, place: ir.Place | None, evidence: str) -> bool:
        """A method of a lock; False where the lock's table does not know it and it may be one of the tree's own."""
        taking = lock.methods.get(name)
        if name in CLOSES:
            again = self.lock_at(call, lock, place, evidence)
            spelled = _is_spelled(call)
            if spelled or again.place in self.by_name:
                self.out.append(ir.Release(_BY_HAND, call.at if spelled else (call.at[1], call.at[1]), again))
            return True
        if taking is None:
            if name == self.effects.asks and place is not None:
                known = self.lock_at(call, lock, place, evidence).place
                self.asks_lock[call.dst] = ir.Place(known.root, (*known.way, ir.LOCKED))
            return name in self.effects.free
        if taking.gives:
            self.out.append(ir.Release(_BY_HAND, call.at, self.lock_at(call, lock, place, evidence)))
        else:
            self.take(call, lock, taking, place, evidence)
        return True

    def lock_at(self, call: ir.Call, lock: LockType, place: ir.Place | None, evidence: str) -> ir.Lock:
        """The lock at a place, by the place's oldest name and owner."""
        known = self.canon(place) or ir.Place(call.dst)
        actual = self.type_of(known)
        other = self.program.types.lock_type(actual, self.effects) if actual is not None else None
        family = "reentrant" if actual is not None and self.is_own_kind(actual, lock) else (other or lock).family
        owner, thin = (self.owner_of(place), self.is_thin(place)) if place else ("", False)
        evidence = "named" if is_guess(actual) else evidence
        single = (other or lock).single
        return ir.Lock(known, owner, lock.kind or ir.SOME_LOCK, lock.waits, family, evidence, thin, single)  # type: ignore[arg-type]

    def given_lock(self, call: ir.Call, place: ir.Place | None) -> ir.Lock | None:
        """The lock that an argument is; None where it is none, or nobody knows."""
        lock = self.lock_of(place) if place is not None else None
        return self.lock_at(call, lock, place, "declared") if lock is not None else None

    def is_own_kind(self, kind: ir.Type, lock: LockType) -> bool:
        """Whether a class built on a listed lock has ways of its own to take it: whom they let in nobody knows."""
        if lock.by_hand:
            return False
        types, takes = self.program.types, [name for name, taking in lock.methods.items() if not taking.gives]
        above = takewhile(lambda outer: self.effects.lock(outer.path) is None, types.behind(kind, self.effects))
        return any(types.methods(outer, name, self.effects) for outer in above for name in takes)

    def is_thin(self, place: ir.Place) -> bool:
        """Whether the lock is a field of a class that is a lock itself, by its name: `class FairLock`."""
        kind = self.type_of(ir.Place(0)) if place.root == 0 and len(place.way) == 1 else None
        return kind is not None and self.effects.named_as_lock_class.search(kind.path[-1]) is not None

    def take(self, call: ir.Call, lock: LockType, taking: Taking, place: ir.Place | None, evidence: str) -> None:
        """A lock is taken at once, or when what the call makes is awaited or opened."""
        named = self.lock_at(call, lock, place, evidence)
        tries, bounded, maybe = _asked(call, taking)
        later = lock.waits == "task" and not call.awaited and not tries
        if taking.opens:
            self.contexts[call.dst] = ir.Acquire(
                named, taking.mode, None, call.at, call.name_at, call.word, recursive=taking.recursive
            )
            return
        hand = taking.hand or (call.word in OPENS and _is_spelled(call))
        if taking.closes:
            self.closing[call.dst] = named
        holder = None if taking.moment else ir.Place(call.dst)
        fresh = named.place.root in self.fresh and not named.place.way
        if fresh and taking.moment:  # (whoever runs in the middle of that has not made it)
            return
        step = ir.Acquire(named, taking.mode, holder, call.at, call.name_at, call.word, tries or bounded,
                          bounded and not taking.raises, taking.recursive, (maybe or bounded) and not taking.raises,
                          by_hand=hand, fresh=fresh)  # fmt: skip
        if hand:
            self.by_name.add(named.place)
            self.has_lock(place)
        about = self.asked(_said_to_wait(call)) if taking.asks and not bounded else None
        if later:
            self.pending[call.dst] = step
        elif about is not None and isinstance(about.root, int):
            self.out.append(_either(about, step))
        else:
            self.out.append(step)

    def has_lock(self, place: ir.Place | None) -> None:
        """The variable whose lock is taken has something that has a lock: it is not nothing (`row.lock.acquire()`)."""
        if place is None or len(place.way) != 1 or not isinstance(place.root, int):
            return
        if place.root >= self.program.parameters(self.number):
            self.insisted(ir.Place(place.root))


def _is_spelled(call: ir.Call) -> bool:
    """Whether a text names the method that is called: those that open and close a block it does not."""
    return call.at != call.name_at


def _asked(call: ir.Call, taking: Taking) -> tuple[bool, bool, bool]:
    """Whether a call that takes a lock does not wait, waits for a time, may come back without it."""
    tries, bounded, maybe = taking.fallible, taking.bounded, taking.fallible
    for number, operand in enumerate(call.operands[1:]) if taking.asks else ():
        timed = operand.name in ("timeout", "blocking_timeout") or (number == 1 and not operand.name)
        if _says_whether(number, operand) and operand.place != ir.YES:
            tries, maybe = tries or operand.place == ir.NO, True
        bounded = bounded or (timed and operand.place != ir.NONE)
    return tries, bounded, maybe


def _says_whether(number: int, operand: ir.Operand) -> bool:
    """Whether an argument of a call that takes a lock says if it waits."""
    return operand.name in ("blocking", "block") or (not number and not operand.name)


def _said_to_wait(call: ir.Call) -> ir.Place | None:
    """The value that says whether a call that takes a lock waits."""
    return next((one.place for number, one in enumerate(call.operands[1:]) if _says_whether(number, one)), None)


def _either(about: ir.Place, step: ir.Acquire) -> ir.Branch:
    """A lock is waited for where the value of a variable is true, and only tried where it is not."""
    at = step.at
    waits = ir.Region((ir.Assume(about, (), True), step), (), at)
    tries = ir.Region((ir.Assume(about, (), False), replace(step, fallible=True)), (), at)
    return ir.Branch((ir.Arm(waits), ir.Arm(tries)))
