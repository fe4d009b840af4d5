"""Shapes of Rust code in ast-grep's rules: what is held, and what happens meanwhile.

In: `Words`.  Out: parts of a rule's body.
Never: which rule they are for.

A rule matches the node that is reported; what is held around it is said by `inside` and `follows`. `scope` ends every
search upwards and downwards: what stands in a closure, an `async` block or an inner function runs elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from lockcheck.export.words import Words, one_of

Rule = dict[str, Any]

STOP: Rule = {"matches": "scope"}
ACQUIRE: Rule = {"matches": "acquire"}


def scope(words: Words) -> Rule:
    """What runs elsewhere, or later: closures too, unless a method or a known function is given them to run them."""
    other = {"not": {"regex": f"^({one_of(words.effects.threads)})$"}}
    method = {"has": {"field": "function", "kind": "field_expression", "has": {"field": "field", **other}}}
    here = {"has": {"field": "function", "regex": f"(^|::)({one_of(words.effects.here)})$"}}
    runs = {"inside": {"kind": "arguments", "inside": {"kind": "call_expression", "any": [method, here]}}}
    return {"any": [{"kind": "async_block"}, {"kind": "function_item"}, {"kind": "closure_expression", "not": runs}]}


def call(names: Iterable[str], lock: str = "$L", arguments: bool = False) -> Rule:
    """A method of the lock, called without arguments unless it may have some."""
    field = [{"has": {"field": "field", "regex": f"^({one_of(names)})$"}}]
    field += [{"has": {"field": "value", "pattern": lock}}] if lock else []
    function = {"has": {"field": "function", "kind": "field_expression", "all": field}}
    return {"kind": "call_expression", "all": [function, *([] if arguments else [_EMPTY])]}


_EMPTY: Rule = {"has": {"field": "arguments", "regex": r"^\(\s*\)$"}}


def below(rule: Rule) -> Rule:
    """The node itself, or one below it that runs with it."""
    return {"any": [rule, {"has": {"stopBy": STOP, **rule}}]}


def utils(words: Words, take: Sequence[str], awaited: bool = True) -> dict[str, Rule]:
    """The parts that the shapes speak of: an acquisition by one of the methods, and what hands its guard on."""
    acquire = call(take)
    if not awaited:
        acquire = {**acquire, "not": {"inside": {"kind": "await_expression"}}}
    waits = {"all": [ACQUIRE, {"not": call(words.fallible)}]}
    consumed = {"inside": {"inside": call(words.consumes, "", arguments=True)}}
    head = {"matches": "head"}
    return {
        "scope": scope(words),
        "acquire": acquire,
        "guard-1": {"any": [ACQUIRE, *_handed_on(words, ACQUIRE)]},
        "guard-2": {"any": [_MAPPED, {"matches": "guard-1"}, *_handed_on(words, {"matches": "guard-1"})]},
        "guard": {"any": [{"matches": "guard-2"}, _LENT]},
        "head": {"all": [ACQUIRE, {"not": consumed}]},
        "in-head": below(head),
        "let-head": {"kind": "let_condition", "has": {"field": "value", "matches": "in-head"}},
        "let-wait": {"kind": "let_condition", "has": {"field": "value", **below({"all": [head, waits]})}},
        "if-head": {"any": [{"matches": "let-head"}, {"kind": "let_chain", "has": {"matches": "let-head"}}]},
    }


def _handed_on(words: Words, rule: Rule) -> list[Rule]:
    """What passes the guard on that a node gives."""
    method = call(words.carries, "", arguments=True)
    method["all"].append({"has": {"field": "function", "has": {"field": "value", **rule}}})
    return [{"any": [{"kind": "await_expression"}, {"kind": "try_expression"}], "has": rule}, method]


_MAPPED: Rule = {"kind": "call_expression", "all": [
    {"has": {"field": "function", "regex": r"Guard(::<.*>)?::(try_)?map$"}},
    {"has": {"field": "arguments", "has": ACQUIRE}},
]}  # fmt: skip
_LENT: Rule = {"kind": "reference_expression", "has": {"field": "value", "any": [
    {"matches": "guard-2"},
    {"kind": "unary_expression", "has": {"matches": "guard-2"}},
    {"kind": "field_expression", "has": {"field": "value", "matches": "guard-2"}},
]}}  # fmt: skip
_OPENED: Rule = {"kind": "tuple_struct_pattern", "has": {"kind": "identifier", "pattern": "$G", "nthChild": 2}}
_SPAWN: Rule = {"kind": "call_expression", "has": {"field": "function", "regex": r"(^|::)spawn$"}}
_GIVEN: Rule = {
    "kind": "call_expression",
    "has": {"field": "arguments", "has": {"kind": "identifier", "pattern": "$G"}},
}


def held(words: Words) -> Rule:
    """A node that runs while a guard is held."""
    named = {"kind": "let_declaration", "all": [
        {"has": {"field": "pattern", "kind": "identifier", "pattern": "$G"}},
        {"has": {"field": "value", "matches": "guard"}},
    ]}  # fmt: skip
    opened = {"kind": "let_declaration", "all": [
        {"has": {"field": "pattern", **_OPENED}},
        {"has": {"field": "value", **ACQUIRE}},
    ]}  # fmt: skip
    after = {"inside": {"stopBy": STOP, "follows": {"stopBy": "end", "any": [named, opened]}}}
    dropped = [{"pattern": f"{drop}($ANY)"} for drop in words.drops]
    freed = {
        "inside": {
            "stopBy": STOP,
            "follows": {"stopBy": "end", "kind": "expression_statement", "has": {"any": dropped}},
        }
    }
    spawned = {"inside": {"stopBy": STOP, "kind": "arguments", "inside": _SPAWN}}
    alive = {"all": [{"any": heads()}, {"not": freed}]}
    return {"any": [{"all": [after, {"not": {"any": [gone(words), {"has": _GIVEN}, spawned]}}]}, alive, *sibling()]}


def alive(words: Words, kind: str, waits: Rule, same: Rule) -> list[Rule]:
    """Around an acquisition in the head of a statement: something waits, not for the same lock, where it is alive.

    Arms and bodies that use names which the head found are left alone, unless its value borrows nothing.
    """
    stop = {"any": [STOP, {"kind": "block"}]}
    arm = {"all": [waits, {"not": same}]}
    if kind == "if":
        otherwise = {"kind": "if_expression", "has": {"field": "alternative", **arm}}
        return [{"inside": {"stopBy": stop, "kind": "let_condition", "inside": otherwise}}]
    names = {"not": {"has": {"stopBy": "end", "kind": "identifier", "regex": "^[a-z]"}}}
    no_name = {"all": [names, {"not": {"kind": "identifier", "regex": "^[a-z]"}}]}
    field = {"has": {"field": "field", "regex": f"^({one_of(words.effects.owned)})$"}}
    method = {"has": {"field": "function", "any": [field, {"kind": "generic_function", "has": field}]}}
    moved = {"has": {"field": "function", "regex": "(^|::)(take|replace|swap)$"}}
    made = {"kind": "call_expression", "any": [method, moved]}
    owned = {"any": [made, {"kind": "binary_expression"}, {"kind": "range_expression"}]}
    if kind == "match":
        arms = {"field": "body", "has": {"kind": "match_arm", "has": {"field": "value", **arm}}}
        quiet = {"field": "body", "has": {"kind": "match_arm", "all": [
            {"has": {"field": "value", **arm}}, {"has": {"field": "pattern", **no_name}},
        ]}}  # fmt: skip
        ways: list[list[Rule]] = [[{"has": quiet}], [{"has": arms}, {"has": {"field": "value", **owned}}]]
        return [{"inside": {"stopBy": stop, "kind": "match_expression", "field": "value", "all": way}} for way in ways]
    if kind == "for":
        ways = [[{"has": {"field": "pattern", **no_name}}], [{"has": {"field": "value", **owned}}]]
        body = {"has": {"field": "body", **arm}}
        return [
            {"inside": {"stopBy": stop, "kind": "for_expression", "field": "value", "all": [body, *way]}}
            for way in ways
        ]
    head = {"any": [{"has": {"field": "pattern", **no_name}}, {"has": {"field": "value", **owned}}]}
    loop = {"kind": "while_expression", "has": {"field": "body", **arm}}
    return [{"inside": {"stopBy": stop, "kind": "let_condition", "all": [head, {"inside": loop}]}}]


def gone(words: Words) -> Rule:
    """The guard `$G` was given back or given away before, in this block or one around it."""
    ends = [{"pattern": f"{drop}($G)"} for drop in words.drops]
    statement = {"any": [
        {"kind": "expression_statement", "has": {"any": [*ends, _GIVEN]}},
        {"kind": "let_declaration", "has": {"field": "value", **below(_GIVEN)}},
    ]}  # fmt: skip
    return {"inside": {"stopBy": "end", "follows": {"stopBy": "end", **statement}}}


def heads() -> list[Rule]:
    """In what a head's guard lives through."""
    found = [
        {"kind": "if_expression", "field": "consequence", "has": {"field": "condition", "matches": "if-head"}},
        {"kind": "if_expression", "field": "alternative", "has": {"field": "condition", "matches": "let-wait"}},
        {"kind": "while_expression", "field": "body", "has": {"field": "condition", "matches": "if-head"}},
        {"kind": "for_expression", "field": "body", "has": {"field": "value", "matches": "in-head"}},
        {"kind": "match_expression", "field": "body", "has": {"field": "value", "matches": "in-head"}},
    ]
    return [{"inside": {"stopBy": STOP, **one}} for one in found]


def sibling() -> list[Rule]:
    """Later in the same statement, where operands are all evaluated; or in a later condition of a chain."""
    kinds = ("arguments", "call_expression", "tuple_expression", "array_expression", "field_initializer_list")
    eager = {"kind": "binary_expression", "not": {"has": {"field": "operator", "regex": r"^(&&|\|\|)$"}}}
    within = {"inside": {"any": [*({"kind": kind} for kind in kinds), eager]}}
    stop = {"any": [STOP, {"kind": "block"}, {"kind": "match_arm"}]}
    earlier = {"follows": {"stopBy": "end", "matches": "in-head"}}
    chain = {"follows": {"stopBy": "end", "matches": "let-head"}, "inside": {"kind": "let_chain"}}
    written = {"any": [{"kind": "assignment_expression"}, {"kind": "compound_assignment_expr"}]}
    left = {"field": "left", **written, "has": {"field": "right", "matches": "in-head"}}
    return [{"inside": {"stopBy": stop, **one}} for one in ({"all": [earlier, within]}, chain, left)]
