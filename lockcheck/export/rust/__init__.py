"""Templates for Rust: the file of a rule is found by its name; files that begin with `_` are shapes they share."""

LEFT_OUT = {
    "callback-while-locked": (
        "semgrep takes the call of a field for one of a method, so every method called under a lock would be reported"
    ),
}
"""Rules that reach no further than a function and have no template all the same, by slug, and why."""
