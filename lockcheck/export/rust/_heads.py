"""The three rules about guards that live for a head's sake, for the tools' languages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from lockcheck.export.known import Reached
from lockcheck.export.rust import _ast_grep as ag
from lockcheck.export.rust import _project as project
from lockcheck.export.rust import _semgrep as sg
from lockcheck.export.words import Words, one_of

NO_NAME = r"^(?!.*(?<![\w:])(?!(true|false|ref|mut|_)\b)[a-z]\w*(?!\s*[:({]|::))"
"""The text of a pattern that gives nothing a name."""


def borrows_nothing(words: Words, head: str = "HEAD") -> dict[str, Any]:
    """The head's value is not a borrow of what is behind the guard, by the last method that made it."""
    unwrapped = r"(\.\s*(unwrap|expect|ok|unwrap_or)\s*\([^()]*\)\s*)*\??"
    last = rf"\.\s*({one_of(words.effects.owned)})(::<.*>)?\s*\(([^()]|\([^()]*\))*\)\s*{unwrapped}$"
    taken = r"(take|replace|swap)\s*\(.*\)$"
    compared = r"^[^(]*(\.\.|\s([-+*/%<>]=?|==|!=)\s)|^[^{|]*\)\s+([-+*/%<>]=?|==|!=)\s[^{|]*$"
    return sg.regex(head, rf"(?s)^.*{last}|^([\w:]*::)?{taken}|{compared}")


def needless(words: Words) -> tuple[sg.Part, sg.Part]:
    """Conditions of which one makes an arm do without the guard."""
    return sg.regex("P", NO_NAME), borrows_nothing(words)


Places = Callable[[sg.Held, sg.Event], dict[str, list[str]]]
"""By kind of head, the patterns with an event where the guard is alive for nothing."""


@dataclass(frozen=True, slots=True)
class Head:
    """A guard of a head, and something that waits while it is alive. `needed`: arms that use it are left alone."""

    places: Places
    kinds: tuple[str, ...]
    needed: bool = False

    def semgrep(self, words: Words) -> dict[str, Any]:
        """What waits is told by the names of methods and functions."""
        held = sg.taken(words.takes(fallible=False))
        awaited = sg.regex("HEAD", rf"(?s)^.*{held.text}\s*\.\s*await")
        wanted = (sg.named("B", (*words.takes(fallible=False), *words.blocks_methods)), *sg.is_lock(words, "M"))
        found = [*self._alive(words, held, sg.Event("$M.$B()", wanted, ""))]
        found += [part for name in words.blocks for part in self._alive(words, held, sg.Event(f"{name}(...)", (), ""))]
        found += self._alive(words, held, sg.Event(sg.AWAIT.pattern, (awaited,), ""))
        return sg.both(sg.either(found), *self._without(held), held.named, {"focus-metavariable": "$L"})

    def ast_grep(self, words: Words) -> dict[str, Any]:
        """The acquisition in the head, and what waits while its guard is alive."""
        held = words.takes(fallible=False)
        wanted = [
            ag.call((*held, *words.blocks_methods), "$M"),
            *({"pattern": f"{name}($$$)"} for name in words.blocks),
        ]
        waits = ag.below({"any": wanted})
        same = ag.below(ag.call(words.takes(), "$L"))
        found = [one for kind in self.kinds for one in ag.alive(words, kind, waits, same)]
        return {"rule": {"all": [{"matches": "head"}, {"any": found}]}, "utils": ag.utils(words, held)}

    def semgrep_project(self, words: Words) -> Iterator[tuple[str, dict[str, Any]]]:
        """For each lock of the project: a function that takes others is called there, or handed the guard out."""
        wanted = (sg.named("B", words.takes(fallible=False)), *sg.is_lock(words, "M"))
        other = sg.Event("$M.$B()", wanted, "")
        for one in words.reached:
            methods = words.takes(fallible=False)
            direct = [sg.Held(f"{lock}.$A()", methods) for lock in project.spellings(words, one)]
            given = list(project.handed_out(words, one))
            pairs = [(held, other) for held in given]
            pairs += [(held, event) for held in (*direct, *given) for event in self._called(words, one)]
            found = [
                sg.both(sg.either(alive), *self._without(held), held.named, {"focus-metavariable": "$A"})
                for held, event in pairs
                if (alive := list(self._alive(words, held, event)))
            ]
            if found:
                yield project.name(one), sg.both(sg.either(found))

    def _called(self, words: Words, one: Reached) -> list[sg.Event]:
        """Calls that take a lock, but not this one: that is a deadlock."""
        own = {name for names in (one.methods, one.functions) for some in names.values() for name in some}
        others = sorted(set(words.takers) - own)
        return [sg.Event("$CALL(...)", (sg.called("CALL", others),), "")] if others else []

    def _alive(self, words: Words, held: sg.Held, event: sg.Event) -> Iterator[sg.Part]:
        for kind, patterns in self.places(held, event).items():
            head = (sg.CONTAINERS[kind], sg.regex("HEAD", sg.head_text(words, held)))
            for condition in needless(words) if self.needed else ({},):
                yield sg.both(sg.either(patterns), *event.conditions, *head, *([condition] if condition else []))

    def _without(self, held: sg.Held) -> list[sg.Part]:
        """Deadlocks are the business of others, and what is spawned runs elsewhere."""
        deadlock = sg.Event(held.pattern.replace("$A", "$SAME"), (), "")
        kinds = self.places(held, deadlock)
        found = [pattern for kind in kinds for pattern in (*kinds[kind], *sg.then(held, deadlock)[kind])]
        for name in sg.SPAWNS:
            found += [pattern for ones in self.places(held, sg.Event(name, (), "")).values() for pattern in ones]
        return [{"pattern-not": pattern} for pattern in dict.fromkeys(found)]
