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
- The `else` of `let … else` is thrown away by its parser, macros are opaque, arms with `if` cannot be written.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from lockcheck.export.words import Words, one_of

Part = dict[str, Any]

TAKE = "$L.$A()"
"""The acquisition of the guard that is held."""
AGAIN = "$L.$B()"
"""Another acquisition of the same lock."""
SPELLED = "$K.$B()"
"""Another acquisition of a lock that is spelled alike: see `SPELLED_ALIKE`."""
OTHER = "$M.$B()"
"""Any acquisition."""
AWAIT = "$W.await"
SPAWNS = ("$T::spawn(|| $E)", "spawn(|| $E)")
"""Closures of one expression that run elsewhere."""

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


def either(patterns: Iterable[str | Part]) -> Part:
    """Any of the patterns."""
    return {"pattern-either": [one if isinstance(one, dict) else {"pattern": one} for one in patterns]}


def both(*parts: str | Part) -> Part:
    """All of the parts, each a pattern or a condition."""
    return {"patterns": [one if isinstance(one, dict) else {"pattern": one} for one in parts]}


# ------------------------------------------------------------------------------------------------- guards by a name


def guard_text(words: Words, take: Iterable[str], awaited: bool = True) -> str:
    """A regular expression for the text of an initialiser that gives a guard, or a borrow that extends one.

    `awaited`: the acquisition may be awaited.
    """
    inside = r"\s*\(([^()]|\([^()]*\))*\)\s*"
    hands_on = rf"\?\s*|\.\s*({one_of(words.carries)}){inside}" + (r"|\.\s*await\s*" if awaited else "")
    whole = rf"(?s)^[^&*].*\.\s*({one_of(take)})\s*\(\)\s*({hands_on})*$"
    lent = rf"(?s)^&\s*(mut\s+)?\*?.*\.\s*({one_of(take)})\s*\(\)\s*({hands_on})*(\.\s*\w+\s*|\[[^\]]*\]\s*)*$"
    return f"{whole}|{lent}"


SPELLED_ALIKE = ({"metavariable-comparison": {"comparison": "str($L) == str($K)"}}, regex("K", r"(?s).*\."))
"""Two fields of one text."""

NAME = regex("G", r"^(mut\s+)?_?[A-Za-z]\w*(\s*:.*)?$")


def binding(words: Words, take: Sequence[str], event: str, focus: str, awaited: bool = True) -> Part:
    """A guard with a name, and the event later in its block, unless the guard is gone by then."""
    found = [_named(words, take, event, awaited)]
    if event == AGAIN:
        found.append(both(_named(words, take, SPELLED, awaited), *SPELLED_ALIKE))
    unlocked = [{"pattern-not-inside": f"$GUARD::{name}(...)"} for name in sorted(words.effects.guard_unlocks)]
    return both(both(either(found), {"focus-metavariable": focus}), *gone(words), *unlocked)


def _named(words: Words, take: Sequence[str], event: str, awaited: bool) -> Part:
    """A guard with a name, and the event later in its block."""
    block, _ = bodies(event)
    later = [f"{deep(event)};", f"match $V {{ $N => {block} }}"]
    closures = [f"let $G = $HELD;\n...\nlet $C = |{names}| {deep(event)};" for names in ("", "$X")]
    initialised = both(
        either(f"let $G = {deep(TAKE)};\n...\n{last}" for last in later),
        {"pattern-inside": "let $G = $HELD;\n..."},
        *({"pattern-not": closure} for closure in closures),
        regex("HELD", guard_text(words, take, awaited)),
    )
    mapped = [f"let $G = $GUARD::{name}({TAKE}, ...);\n...\n{last}" for name in ("map", "try_map") for last in later]
    return both(either([initialised, *mapped]), NAME, named("A", take))


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


def bodies(event: str) -> tuple[str, str]:
    """A block with the event in it, and the event as a condition."""
    return f"{{ ... {deep(event)}; ... }}", deep(event)


def otherwise(head: str, event: str) -> list[str]:
    """The event in what comes after the `then` block of an `if` with this head."""
    block, condition = bodies(event)
    chain = [
        f"else {block}",
        f"else if $C {block}",
        f"else if {condition} {{ ... }}",
        f"else if let $Q = $C {block}",
        f"else if let $Q = {condition} {{ ... }}",
    ]
    later = [f"else if $C {{ ... }} {last}" for last in (*chain,)]
    later += [f"else if let $Q = $C {{ ... }} {last}" for last in (*chain,)]
    return [f"{head} {{ ... }} {last}" for last in (*chain, *later)]


IF, WHILE, FOR, MATCH = "if let $P = %s", "while let $P = %s", "for $P in %s", "match %s"


def heads(event: str) -> dict[str, list[str]]:
    """For each kind of head, by the pattern of its container, where the event is while the head's guard is alive."""
    block, condition = bodies(event)
    take = deep(TAKE)
    return {
        IF % "$HEAD" + " { ... }": [IF % take + f" {block}", *otherwise(IF % take, event)],
        WHILE % "$HEAD" + " { ... }": [WHILE % take + f" {block}"],
        FOR % "$HEAD" + " { ... }": [FOR % take + f" {block}"],
        MATCH % "$HEAD" + " { $Q => $R }": [
            MATCH % take + f" {{ $P => {condition} }}",
            MATCH % take + f" {{ $P => {block} }}",
            MATCH % take + f" {{ $P => match $V {{ $N => {condition} }} }}",
            MATCH % take + f" {{ $P => match $V {{ $N => {block} }} }}",
            MATCH % take + f" {{ $P => if $V {block} }}",
            MATCH % take + f" {{ $P => if let $N = $V {block} }}",
        ],
    }


def chains(event: str) -> list[str]:
    """Let chains: the event in the block, or in a later condition."""
    block, condition = bodies(event)
    lets = "let $P = " + deep(TAKE)
    heads = [f"if {lets} && $C", f"if {lets} && let $Q = $C", f"if $C && {lets}", f"if let $Q = $C && {lets}"]
    heads += [f"if $C && {lets} && $D", f"if $C && {lets} && let $Q = $D"]
    heads += [f"while {lets} && $C", f"while {lets} && let $Q = $C"]
    later = [f"if {lets} && {condition} {{ ... }}", f"if {lets} && let $Q = {condition} {{ ... }}"]
    return [*(f"{head} {block}" for head in heads), *later]


def head_text(words: Words, take: Iterable[str], awaited: bool = True) -> str:
    """A regular expression for a head's text: it takes a lock and does not end the guard at once in a closure."""
    unless = rf"\s*\.\s*({one_of(words.consumes)})\s*\("
    unless += "" if awaited else r"|\s*\.\s*await"
    return rf"(?s)^.*\.\s*({one_of(take)})\s*\(\)(?!{unless})"


def under_heads(words: Words, take: Sequence[str], event: str, focus: str, awaited: bool = True) -> Part:
    """The guard of a head, and the event while it is alive."""
    found = []
    waiting = sorted(set(take) & set(words.takes(fallible=False)))
    for container, patterns in heads(event).items():
        then, late = patterns[:1] if container.startswith("if") else patterns, patterns[1:]
        conditions = (container, regex("HEAD", head_text(words, take, awaited)), {"focus-metavariable": focus})
        found.append(both(either(then), named("A", take), *conditions))
        if container.startswith("if"):
            found.append(both(either(late), named("A", waiting), *conditions))
        if event == AGAIN:
            spelled = [pattern.replace(AGAIN, SPELLED) for pattern in then]
            found.append(both(either(spelled), named("A", take), *SPELLED_ALIKE, *conditions))
    found.append(both(either(chains(event)), named("A", take), {"focus-metavariable": focus}))
    return both(either(found), *dropped_in_the_arm(words))


def dropped_in_the_arm(words: Words) -> list[Part]:
    """A guard that the head's pattern names may be dropped by that name."""
    return [{"pattern-not-inside": f"{drop}($ANY);\n..."} for drop in words.drops]


# ----------------------------------------------------------------------------------------- guards of one statement


def in_one_statement(take: Sequence[str], event: str, focus: str) -> Part:
    """A guard that lives to the end of its statement, and the event later in the same one."""
    first, then = deep(TAKE), deep(event)
    found = [
        f"$F(..., {first}, ..., {then}, ...)",
        f"{TAKE}. ... .$F(..., {then}, ...)",
        f"({first}, {then})", f"(..., {first}, ..., {then}, ...)",
        f"[..., {first}, ..., {then}, ...]",
        f"{then} = {first}", f"{then} += {first}",
    ]  # fmt: skip
    found += [f"{first} {sign} {then}" for sign in _OPERATORS]
    found += [f"{TAKE}. ... .$F(..., |{names}| {{ ... {then}; ... }}, ...)" for names in ("", "$X", "$X, $Y")]
    found += [f"{first}.$F(..., {then}, ...)"]
    for size in range(2, 5):
        for one in range(size):
            for two in range(one + 1, size):
                parts = [f"$F{n}: {first if n == one else then if n == two else f'$V{n}'}" for n in range(size)]
                found.append("$S { " + ", ".join(parts) + " }")
    return both(either(found), named("A", take), {"focus-metavariable": focus})
