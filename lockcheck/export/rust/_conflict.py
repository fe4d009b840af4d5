"""The four rules about one lock taken under its own guard, for the tools' languages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
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
        """The same through the functions of the project that take its locks or hand them out."""
        shapes: dict[tuple[sg.Held, sg.Event], list[project.Row]] = {}
        for one in project.near(words):
            for way, event, row in self._pairs(words, one):
                bare = replace(way.held, names=())
                shapes.setdefault((bare, event), []).append({**way.row, **row})
        found = [part for (held, event), rows in shapes.items() for part in self._shape(words, held, event, rows)]
        if found:
            yield "project", sg.both(sg.either(found))

    def _shape(self, words: Words, held: sg.Held, event: sg.Event, rows: list[project.Row]) -> Iterator[sg.Part]:
        """One guard and one event for all locks that are spelled so."""
        names = sorted({name for row in rows for name in row["A"]})
        said = project.united(rows, "CALL") if "$CALL" in event.pattern else rows
        under = sg.under(words, replace(held, names=tuple(names)), event)
        yield sg.both(sg.either(under), project.table(said))

    def _pairs(self, words: Words, one: Reached) -> Iterator[tuple[project.Way, sg.Event, project.Row]]:
        """What is held, and what then waits for it: one of both goes through a function."""
        takes, waits = self.takes(words), self.waits(words)
        calls, ways = list(self._calls(one)), list(project.spellings(words, one))
        direct = [project.Way(sg.Held(f"{lock}.$A()", takes), {**row, "A": takes}) for lock, row in ways]
        again = [(sg.Event(f"{lock}.$B()", (), "$B"), {**row, "B": waits}) for lock, row in ways]
        given = list(project.handed_out(words, one, *self.held))
        yield from ((way, event, row) for way in direct for event, row in calls)
        yield from ((direct[n], *again[m]) for n in range(len(ways)) for m in range(len(ways)) if n != m)
        yield from ((way, event, row) for way in given for event, row in (*again, *calls))

    def _calls(self, one: Reached) -> Iterator[tuple[sg.Event, project.Row]]:
        """The calls that come to take the lock."""
        methods = in_modes(one.methods, *self.wanted, recursive=self.recursive)
        functions = in_modes(one.functions, *self.wanted, recursive=self.recursive)
        if methods:
            yield sg.Event("$O.$CALL(...)", (), "$CALL"), {"CALL": methods}
        if functions:
            for pattern in ["$CALL(...)"] if one.static else ["$CALL(..., $O, ...)", "$CALL(..., &$O, ...)"]:
                yield sg.Event(pattern, (), "$CALL"), {"CALL": functions}
