"""Templates for Python: the file of a rule is found by its name; files that begin with `_` are shapes they share."""
