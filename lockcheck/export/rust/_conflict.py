"""The four rules about one lock taken under its own guard, for the tools' languages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from lockcheck.effects import Mode
from lockcheck.export.known import Reached
from lockcheck.export.rust import _ast_grep as ag
from lockcheck.export.rust import _project as project
from lockcheck.export.rust import _semgrep as sg
from lockcheck.export.words import Words, in_modes


class Conflict(Struct, frozen=True):
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
        shapes: dict[tuple[sg.Held, str], project.Table] = {}
        for one in project.near(words):
            for way, event in self._pairs(words, one):
                shape = (replace(way.held, names=()), event.pattern)
                rows = shapes.setdefault(shape, {}).setdefault(way.lock, {}).setdefault(event.place, [])
                rows.append({**way.row, **event.row})
        named = [one for (held, pattern), table in shapes.items() for one in _named(words, held, pattern, table)]
        unnamed = [_unnamed(words, held, pattern, table) for (held, pattern), table in shapes.items()]
        if named:
            yield "project", sg.both(sg.either([sg.both(sg.either(named), *sg.gone(words)), *unnamed]))

    def _pairs(self, words: Words, one: Reached) -> Iterator[tuple[project.Way, project.Then]]:
        """What is held, and what then waits for it: one of both goes through a function."""
        takes, waits = self.takes(words), self.waits(words)
        calls, ways = list(self._calls(one)), list(project.spellings(words, one))
        used = tuple(take for take in takes if take in words.used)
        direct = [project.Way(project.TAKEN, lock, {**row, "A": used}) for lock, row in ways if used]
        again = [project.Then("$K.$B(...)", lock, {**row, "B": waits}) for lock, row in ways]
        given = list(project.handed_out(words, one, *self.held))
        yield from ((way, call) for way in direct for call in calls)
        yield from ((direct[n], again[m]) for n in range(len(direct)) for m in range(len(ways)) if n != m)
        yield from ((way, then) for way in given for then in (*again, *calls))

    def _calls(self, one: Reached) -> Iterator[project.Then]:
        """The calls that come to take the lock."""
        methods = in_modes(one.methods, *self.wanted, recursive=self.recursive)
        functions = in_modes(one.functions, *self.wanted, recursive=self.recursive)
        if methods:
            yield project.Then("$K.$B(...)", "$O", {"B": methods})
        if functions and one.static:
            yield project.Then("$B(...)", "", {"B": functions})
        elif functions:
            yield from (project.Then("$B(..., $K, ...)", place, {"B": functions}) for place in ("$O", "&$O"))


def _event(pattern: str, table: project.Table) -> sg.Event:
    return sg.Event(pattern, (project.one_of_many("B", project.named(table, "B")),), "$B")


def _named(words: Words, held: sg.Held, pattern: str, table: project.Table) -> Iterator[sg.Part]:
    """A guard with a name, whatever became of it, and one event, for all locks.

    A pattern for each method: of a long function semgrep would keep every pair of a call in a `let` and a later call.
    """
    for name in project.named(table, "A"):
        one = project.only(table, "A", name)
        made = replace(held, pattern=held.pattern.replace("$A", name), names=(name,))
        yield sg.both(*sg.bound(words, made, _event(pattern, one)), project.related(one))


def _unnamed(words: Words, held: sg.Held, pattern: str, table: project.Table) -> sg.Part:
    """The same of guards without a name."""
    made, event = replace(held, names=project.named(table, "A")), _event(pattern, table)
    found = (sg.under_heads(words, made, event), sg.in_one_statement(made, event))
    return sg.both(sg.either(found), project.related(table))
