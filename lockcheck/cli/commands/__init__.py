"""A command is a file here: `HELP`, `add(parser)`, `run(options)`. Its name is what people type."""
