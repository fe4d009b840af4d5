"""Shapes of Rust code in semgrep's patterns: what is held, and what happens meanwhile.

In: `Words`, expressions to look for.  Out: parts of a rule's body.
Never: which rule they are for.

What semgrep can do, measured with 1.182 and easy to break:

- `<... E ...>;` as a statement looks into nested blocks, arms and conditions, and into closures of one expression, but
  not into closures with a block nor into `async` blocks: what runs later is left out by itself.
- A statement list `let …; ...; <... E ...>;` ends with its block and tells shadowed names apart.
- A field's name counts as the local variable of the same name: after `let jobs = self.jobs.lock();` the text
  `self.jobs` no longer equals `$L`. So fields are also compared as text.
- A condition speaks only of what is bound in the same list of `patterns` or inside it.
- In `metavariable-pattern` two patterns for expressions never hold together, so that nothing here uses it: what must
  be true of an initialiser or a head is said by a second pattern of the same place and a regular expression.
- `focus-metavariable` must come before `pattern-not-inside` for the latter to speak of the focus.
- The call of a field, `(self.f)(x)`, is that of a method to its parser: a `pattern-regex` around the name tells them.
- The last expression of a block is a `return` to it: a statement that leaves is told by its text.
- The `else` of `let … else` is thrown away by its parser (the `let` is left), macros are opaque, arms with `if` cannot
  be written.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from lockcheck.export.words import Words, one_of

Part = dict[str, Any]

_OPERATORS = ("+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "&", "|", "^")


def deep(expression: str) -> str:
    """The expression anywhere below."""
    return f"<... {expression} ...>"


def regex(name: str, pattern: str) -> Part:
    """The text of a metavariable begins with what the regular expression says."""
    return {"metavariable-regex": {"metavariable": f"${name}", "regex": pattern}}


def named(name: str, words: Iterable[str]) -> Part:
    """A metavariable is one of the words."""
    return regex(name, f"^({one_of(words)})$")


def called(name: str, words: Iterable[str]) -> Part:
    """A metavariable for what is called is one of the words, whatever stands before it."""
    return regex(name, rf"(?s)^(.*(::|\.)\s*)?({one_of(words)})$")


def either(patterns: Iterable[str | Part]) -> Part:
    """Any of the patterns."""
    return {"pattern-either": [one if isinstance(one, dict) else {"pattern": one} for one in patterns]}


def both(*parts: str | Part) -> Part:
    """All of the parts, each a pattern or a condition."""
    return {"patterns": [one if isinstance(one, dict) else {"pattern": one} for one in parts]}


class Held(Struct, frozen=True):
    """An acquisition whose guard is held: its pattern, and what the method `$A` of it is called, or is written there.

    `awaited`: the acquisition may be awaited. `arguments`: the method may take some. `function`: it is no method.
    """

    pattern: str
    names: tuple[str, ...]
    awaited: bool = True
    arguments: bool = False
    function: bool = False

    @property
    def text(self) -> str:
        """A regular expression for the last part of its text."""
        inside = r"\([^()]*(\([^()]*\)[^()]*)*\)" if self.arguments else r"\(\)"
        before = r"(^|::)" if self.function else r"\."
        return rf"{before}\s*({one_of(self.names)})\s*{inside}"

    @property
    def named(self) -> list[Part]:
        """What the method may be called, where the pattern leaves that open."""
        if "$A" not in self.pattern:
            return []
        return [called("A", self.names) if self.function else named("A", self.names)]


class Event(Struct, frozen=True):
    """What happens meanwhile: its pattern, what else must be true of it, and where it is reported."""

    pattern: str
    conditions: tuple[Part, ...]
    focus: str

    def where(self, *parts: str | Part) -> Part:
        """Parts with the event in them, reported at the event."""
        return both(*parts, *self.conditions, {"focus-metavariable": self.focus})


def taken(names: Sequence[str], awaited: bool = True) -> Held:
    """A lock `$L` taken by one of the methods."""
    return Held("$L.$A()", tuple(names), awaited)


def again(names: Sequence[str]) -> Event:
    """The same lock taken by one of the methods."""
    return Event("$L.$B()", (named("B", names),), "$B")


def is_lock(words: Words, name: str, waits: str = "") -> list[Part]:
    """A metavariable is no field that is known to be something else, where a project's locks are known."""
    fields = words.fields(waits)
    return [regex(name, rf"(?s)^(?!.*\.\s*(?!({one_of(fields)})$)[A-Za-z_]\w*$)")] if fields else []


AWAIT = Event("$W.await", (), "$W")
OUTSIDE_TESTS: list[Part] = [{"pattern-not-inside": f"mod {name} {{ ... }}"} for name in ("tests", "test")]
OF_TESTS = "**/tests/**"
"""What only tries other code: a pattern, and the path of a file. Attributes inside a module are lost to semgrep."""
SPAWNS = ("$T::spawn(|| $E)", "spawn(|| $E)")
"""Closures of one expression that run elsewhere."""


def spelled_alike(event: Event) -> Event | None:
    """The event for two fields of one text, where it is about the same lock."""
    if "$L." not in event.pattern:
        return None
    alike = {"metavariable-comparison": {"comparison": "str($L) == str($K)"}}
    conditions = (*event.conditions, alike, regex("K", r"(?s).*\."))
    return replace(event, pattern=event.pattern.replace("$L.", "$K."), conditions=conditions)


def under(words: Words, held: Held, event: Event) -> list[Part]:
    """Every shape in which the guard is alive at the event."""
    return [binding(words, held, event), under_heads(words, held, event), in_one_statement(held, event)]


# ------------------------------------------------------------------------------------------------- guards by a name


def guard_text(words: Words, held: Held) -> str:
    """A regular expression for the text of an initialiser that gives a guard, or a borrow that extends one."""
    inside = r"\s*\(([^()]|\([^()]*\))*\)\s*"
    hands_on = rf"\?\s*|\.\s*({one_of(words.carries)}){inside}" + (r"|\.\s*await\s*" if held.awaited else "")
    whole = rf"(?s)^(?![&*]).*{held.text}\s*({hands_on})*$"
    lent = rf"(?s)^&\s*(mut\s+)?\*?.*{held.text}\s*({hands_on})*(\.\s*\w+\s*|\[[^\]]*\]\s*)*$"
    return f"{whole}|{lent}"


NAME = regex("G", r"^(mut\s+)?_?[A-Za-z]\w*(\s*:.*)?$")


def binding(words: Words, held: Held, event: Event) -> Part:
    """A guard with a name, and the event later in its block, unless the guard is gone by then."""
    found, *unlocked = bound(words, held, event)
    return both(found, *gone(words), *unlocked)


def bound(words: Words, held: Held, event: Event) -> list[Part]:
    """A guard with a name, and the event later in its block, whatever became of the guard by then."""
    alike = spelled_alike(event)
    found = [one.where(*_named(words, held, one)) for one in (event, alike) if one is not None]
    unlocked = [{"pattern-not-inside": f"$GUARD::{name}(...)"} for name in sorted(words.effects.guard_unlocks)]
    unlocked += [{"pattern-not-inside": f"{name}({event.pattern})"} for name in ("spawn", "$T::spawn")]
    return [either(found), *unlocked]


def _named(words: Words, held: Held, event: Event) -> tuple[Part, ...]:
    """A guard with a name, and the event later in its block."""
    block, condition = bodies(event)
    later = [f"{condition};", f"match $V {{ $N => {block} }}"]
    later_on = [*(f"let $C = |{names}| {condition};" for names in ("", "$X")), "async { ... }"]
    initialised = [
        both(
            either(f"let {to} = {deep(held.pattern)};\n...\n{last}" for last in later),
            {"pattern-inside": f"let {to} = $HELD;\n..."},
            *({"pattern-not": f"let {to} = $HELD;\n...\n{one}"} for one in later_on),
            regex("HELD", guard_text(words, held)),
        )
        for to in ("$G", "$OK($G)")  # the second of `let … else`
    ]
    names = [f"let $G = $GUARD::{name}({held.pattern}, ...)" for name in ("map", "try_map")]
    mapped = [f"{name};\n...\n{last}" for name in names for last in later]
    return either([*initialised, *mapped]), NAME, *held.named


def gone(words: Words) -> list[Part]:
    """What comes after the guard `$G` was given back or given away."""
    ends = [f"{drop}($G);" for drop in words.drops]
    ends += [f"$GUARD::{name}($G);" for name in ("unlock", "unlock_fair", "force_unlock")]
    call = "$F(..., $G, ...)"
    moves = [f"let $X = {deep(call)};", f"{call};", f"{call}.await;", f"$X = {call};"]
    drop = "... drop($G); ..."
    ends += [f"if $C {{ {drop} }} else {{ {drop} }}", f"if $C {{ {drop} }} else {{ ... return ...; }}"]
    return [{"pattern-not-inside": f"{end}\n..."} for end in (*ends, *moves)]


# ------------------------------------------------------------------------------------------------ guards of a head


def bodies(event: Event) -> tuple[str, str]:
    """A block with the event in it, and the event as a condition."""
    return f"{{ ... {deep(event.pattern)}; ... }}", deep(event.pattern)


IF, WHILE, FOR, MATCH = "if let $P = %s", "while let $P = %s", "for $P in %s", "match %s"
CONTAINERS = {
    "if": IF % "$HEAD" + " { ... }", "while": WHILE % "$HEAD" + " { ... }", "for": FOR % "$HEAD" + " { ... }",
    "match": MATCH % "$HEAD" + " { $Q => $R }",
}  # fmt: skip
"""For each kind of head the pattern of all that its guard lives through."""


def then(held: Held, event: Event) -> dict[str, list[str]]:
    """For each kind of head, where the event is in what the head decides about."""
    block, condition = bodies(event)
    take = deep(held.pattern)
    arms = [
        condition, block, f"match $V {{ $N => {condition} }}", f"match $V {{ $N => {block} }}", f"if $V {block}",
        f"if let $N = $V {block}",
    ]  # fmt: skip
    return {
        "if": [f"{IF % take} {block}"],
        "while": [f"{WHILE % take} {block}"],
        "for": [f"{FOR % take} {block}"],
        "match": [f"{MATCH % take} {{ $P => {arm} }}" for arm in arms],
    }


def otherwise(held: Held, event: Event) -> list[str]:
    """The event in what comes after the `then` block of an `if let`."""
    block, condition = bodies(event)
    last = [
        f"else {block}",
        f"else if $C {block}",
        f"else if {condition} {{ ... }}",
        f"else if let $Q = $C {block}",
        f"else if let $Q = {condition} {{ ... }}",
    ]
    later = [f"else if {head} {{ ... }} {one}" for head in ("$C", "let $Q = $C") for one in last]
    return [f"{IF % deep(held.pattern)} {{ ... }} {one}" for one in (*last, *later)]


def chains(held: Held, event: Event) -> list[str]:
    """Let chains: the event in the block, or in a later condition."""
    block, condition = bodies(event)
    lets = "let $P = " + deep(held.pattern)
    heads = [f"if {lets} && $C", f"if {lets} && let $Q = $C", f"if $C && {lets}", f"if let $Q = $C && {lets}"]
    heads += [f"if $C && {lets} && $D", f"if $C && {lets} && let $Q = $D"]
    heads += [f"while {lets} && $C", f"while {lets} && let $Q = $C"]
    later = [f"if {lets} && {condition} {{ ... }}", f"if {lets} && let $Q = {condition} {{ ... }}"]
    return [*(f"{head} {block}" for head in heads), *later]


def head_text(words: Words, held: Held) -> str:
    """A regular expression for a head's text: it takes a lock and does not end the guard at once in a closure."""
    unless = rf"\s*\.\s*({one_of(words.consumes)})\s*\("
    unless += "" if held.awaited else r"|\s*\.\s*await"
    return rf"(?s)^.*{held.text}(?!{unless})"


def under_heads(words: Words, held: Held, event: Event) -> Part:
    """The guard of a head, and the event while it is alive."""
    found = []
    waiting = replace(held, names=tuple(sorted(set(held.names) - set(words.fallible))))
    alike = spelled_alike(event)
    for kind, container in CONTAINERS.items():
        conditions = (container, regex("HEAD", head_text(words, held)))
        sure = waiting if kind == "match" else held
        for one in (event, alike):
            if one is not None and sure.names:
                found.append(one.where(either(then(held, one)[kind]), *sure.named, *conditions))
        if kind == "if" and waiting.names:
            found.append(event.where(either(otherwise(held, event)), *waiting.named, *conditions))
    found.append(event.where(either(chains(held, event)), *held.named))
    # a guard that the head's pattern names may be dropped by that name
    return both(either(found), *({"pattern-not-inside": f"{drop}($ANY);\n..."} for drop in words.drops))


# ----------------------------------------------------------------------------------------- guards of one statement


def in_one_statement(held: Held, event: Event) -> Part:
    """A guard that lives to the end of its statement, and the event later in the same one."""
    first, last = deep(held.pattern), deep(event.pattern)
    found = [
        f"$F(..., {first}, ..., {last}, ...)",
        f"{held.pattern}. ... .$F(..., {last}, ...)",
        f"{first}.$F(..., {last}, ...)",
        f"(..., {first}, ..., {last}, ...)",
        f"[..., {first}, ..., {last}, ...]",
        f"{last} = {first}", f"{last} += {first}",
    ]  # fmt: skip
    found += [f"{first} {sign} {last}" for sign in _OPERATORS]
    found += [f"{held.pattern}. ... .$F(..., |{names}| {{ ... {last}; ... }}, ...)" for names in ("", "$X", "$X, $Y")]
    for size in range(2, 5):
        for one in range(size):
            for two in range(one + 1, size):
                parts = [f"$F{n}: {first if n == one else last if n == two else f'$V{n}'}" for n in range(size)]
                found.append("$S { " + ", ".join(parts) + " }")
    return event.where(either(found), *held.named)
