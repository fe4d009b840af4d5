"""A format is a file here, and nothing lists them: its name is what `--output` takes.

Each has `render(report, style) -> str`. A format whose `FOR_PEOPLE` is true may be printed among other words and in
colour; any other is the whole of what is written, in UTF-8.
"""
