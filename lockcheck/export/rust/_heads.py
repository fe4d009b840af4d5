"""The three rules about guards that live for a head's sake, for the tools' languages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from msgspec import Struct

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


def _unless(rows: list[project.Row]) -> list[sg.Part]:
    """Calls that take the guard's own lock are left out: that is a deadlock."""
    said = [row for row in project.united(rows, "CALL") if row.get("CALL")]
    return [project.unless(said)] if said else []


Places = Callable[[sg.Held, sg.Event], dict[str, list[str]]]
"""By kind of head, the patterns with an event where the guard is alive for nothing."""


class Head(Struct, frozen=True):
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
        return sg.both(sg.either(found), *self._without(held), *held.named, {"focus-metavariable": "$L"})

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
        """A function of the project that takes locks is called there, or one handed the guard out."""
        methods = words.takes(fallible=False)
        takers = sg.Event("$CALL(...)", (project.one_of_many("CALL", words.takers),), "")
        other = sg.Event("$M.$B()", (sg.named("B", methods), *sg.is_lock(words, "M")), "")
        direct, given = list(self._own(words)), list(self._own_given(words))
        givers = tuple(sorted({name for row in given for name in row["A"]}))
        giver = sg.Held("$L.$A(...)", givers, arguments=True)
        found = []
        if words.takers:
            conditions = (*sg.is_lock(words, "L"), *_unless(direct))
            found.append(self._through(words, sg.taken(methods), takers, *conditions))
        if words.takers and givers:
            found.append(self._through(words, giver, takers, *_unless(given)))
        if givers:
            found.append(self._through(words, giver, other))
        if found:
            yield "project", sg.both(sg.either(found))

    def _own(self, words: Words) -> Iterator[project.Row]:
        """The calls that take the lock itself, by its last name."""
        for one in project.near(words):
            if one.way and (names := project.takers(one)):
                yield {"L": one.way[-1:], "CALL": names}

    def _own_given(self, words: Words) -> Iterator[project.Row]:
        """The same, by what hands its guard out."""
        for one in project.near(words):
            for way in project.handed_out(words, one):
                if way.held is project.TAKEN:
                    yield {"A": way.row["A"], "CALL": project.takers(one)}

    def _through(self, words: Words, held: sg.Held, event: sg.Event, *more: sg.Part) -> sg.Part:
        found = sg.either(self._alive(words, held, event))
        return sg.both(found, *self._without(held), *held.named, *more, {"focus-metavariable": "$A"})

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
