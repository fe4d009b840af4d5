"""The four rules about one lock taken under its own guard, for the tools' languages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lockcheck.effects import Mode
from lockcheck.export.known import Reached
from lockcheck.export.rust import _ast_grep as ag
from lockcheck.export.rust import _project as project
from lockcheck.export.rust import _semgrep as sg
from lockcheck.export.words import Words, in_modes


@dataclass(frozen=True, slots=True)
class Conflict:
    """A lock held in one of the modes, and taken in one of the others; `recursive`: also past waiting writers."""

    held: tuple[Mode, ...]
    wanted: tuple[Mode, ...]
    recursive: bool = True

    def takes(self, words: Words) -> tuple[str, ...]:
        """The methods that the guard is made by."""
        return words.takes(*self.held)

    def waits(self, words: Words) -> tuple[str, ...]:
        """The methods that wait for it."""
        return words.takes(*self.wanted, fallible=False, recursive=self.recursive)

    def semgrep(self, words: Words) -> dict[str, Any]:
        """The lock taken by one of its methods under its own guard."""
        return sg.both(sg.either(sg.under(words, sg.taken(self.takes(words)), sg.again(self.waits(words)))))

    def ast_grep(self, words: Words) -> dict[str, Any]:
        """The same."""
        again = {**ag.call(self.waits(words)), "any": [ag.held(words)]}
        return {"rule": again, "utils": ag.utils(words, self.takes(words))}

    def semgrep_project(self, words: Words) -> Iterator[tuple[str, dict[str, Any]]]:
        """For each lock of the project that functions take or hand out, the same through them."""
        for one in words.reached:
            found = [part for held, event in self._pairs(words, one) for part in sg.under(words, held, event)]
            if found:
                yield project.name(one), sg.both(sg.either(found))

    def _pairs(self, words: Words, one: Reached) -> Iterator[tuple[sg.Held, sg.Event]]:
        """What is held, and what then waits for it: one of both goes through a function."""
        calls, ways = list(self._calls(one)), project.spellings(words, one)
        direct = [sg.Held(f"{lock}.$A()", self.takes(words)) for lock in ways]
        again = [sg.Event(f"{lock}.$B()", (sg.named("B", self.waits(words)),), "$B") for lock in ways]
        yield from ((held, event) for held in direct for event in calls)
        pairs = ((one, two) for one in range(len(ways)) for two in range(len(ways)) if one != two)
        yield from ((direct[one], again[two]) for one, two in pairs)
        handed_out = project.handed_out(words, one, *self.held)
        yield from ((held, event) for held in handed_out for event in (*again, *calls))

    def _calls(self, one: Reached) -> Iterator[sg.Event]:
        """The calls that come to take the lock."""
        methods = in_modes(one.methods, *self.wanted, recursive=self.recursive)
        functions = in_modes(one.functions, *self.wanted, recursive=self.recursive)
        if methods:
            yield sg.Event("$O.$CALL(...)", (sg.named("CALL", methods),), "$CALL")
        if functions:
            for pattern in ["$CALL(...)"] if one.static else ["$CALL(..., $O, ...)", "$CALL(..., &$O, ...)"]:
                yield sg.Event(pattern, (sg.called("CALL", functions),), "$CALL")
