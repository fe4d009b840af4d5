"""Templates for Rust: the file of a rule is found by its name; files that begin with `_` are shapes they share."""

LEFT_OUT: dict[str, str] = {}
"""Rules that reach no further than a function and have no template all the same, by slug, and why."""
