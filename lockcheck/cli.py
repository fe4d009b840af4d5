"""The command line: the only room that prints.

In: arguments.  Out: text on standard output and standard error, files that were asked for, an exit status.
Exit status: 0 nothing found, 1 findings, 2 wrong usage or configuration, or nothing could be analysed.
Everything heavy is imported by the command that needs it, so that `--version` and `--help` come at once.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TextIO

from lockcheck import __version__

if TYPE_CHECKING:
    from lockcheck.config import Settings
    from lockcheck.finding import Problem
    from lockcheck.report import Report, Style

CLEAN, FINDINGS, FAILED, INTERRUPTED = 0, 1, 2, 130

CHOICES = {
    "persona": ("regular", "pedantic", "auditor"),
    "confidence": ("possible", "likely", "certain"),
    "edition": ("2015", "2018", "2021", "2024"),
    "format": ("full", "concise", "json", "jsonl"),
    "graph": ("dot", "mermaid", "json"),
}
"""What options may say; the rooms that own these words are too heavy to import for `--help` (a test compares)."""


class UsageError(Exception):
    """The arguments do not fit together."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with these arguments (those of the process by default); returns the exit status."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    options = _parser().parse_args(arguments)
    try:
        status = _run(options)
        sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # noqa: TID251  (no reader is left)
        return FINDINGS


def _run(options: argparse.Namespace) -> int:
    from lockcheck.config import ConfigError

    try:
        command: Callable[[argparse.Namespace], int] = options.run
        return command(options)
    except (ConfigError, UsageError) as error:
        _complain(str(error))
        return FAILED


# ------------------------------------------------------------------------------------------------------- arguments


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("lockcheck", description="Find lock-scope bugs in Rust and Python sources.")
    parser.add_argument("--version", action="version", version=f"lockcheck {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _check_parser(commands.add_parser("check", help="analyse files and report what is wrong"))
    _show_parser(commands.add_parser("show", help="print what is held at every event of a file"))
    _locks_parser(commands.add_parser("locks", help="list every lock: where it is declared, taken, and what for"))
    _graph_parser(commands.add_parser("graph", help="draw which lock is taken under which"))
    explain = commands.add_parser("explain", help="print the page of a rule")
    explain.add_argument("rule", metavar="RULE", help="a code or a slug")
    explain.set_defaults(run=explain_command)
    rules = commands.add_parser("rules", help="list all rules")
    rules.set_defaults(run=rules_command)
    config = commands.add_parser("config", help="print the settings in force and where each is from")
    config.add_argument("paths", nargs="*", metavar="PATH", help="whose settings (default: the current folder)")
    _config_option(config)
    config.set_defaults(run=config_command)
    return parser


def _check_parser(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("paths", nargs="*", metavar="PATH", help="files and folders, or - (default: the current folder)")
    add("--select", metavar="RULES", action="append", help="codes, their beginnings, or slugs, with commas")
    add("--ignore", metavar="RULES", action="append", help="the same: what not to report")
    add("--persona", choices=CHOICES["persona"], help="how much noise you want")
    add("--min-confidence", choices=CHOICES["confidence"], help="report nothing less sure (default: likely)")
    add("--exclude", metavar="PATTERN", action="append", help=".gitignore pattern of files to leave out")
    add("--output", metavar="FORMAT[:FILE]", action="append", help=f"{', '.join(CHOICES['format'])}; repeatable")
    add("--exit-zero", action="store_true", help="exit with 0 even if there are findings")
    add("--statistics", action="store_true", help="count the findings of each rule")
    add("--strict", action="store_true", help="exit with 2 if anything could not be analysed")
    add("--stdin-filename", metavar="FILE", help="the name that standard input goes by")
    add("--jobs", type=_positive, default=os.cpu_count() or 1, metavar="N", help="processes at once")
    add("--no-cache", action="store_true", help="analyse everything anew")
    _edition_option(parser)
    _config_option(parser)
    parser.set_defaults(run=check_command)


def _show_parser(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE")
    parser.add_argument("--function", metavar="NAME", help="only this function: `get` or `Catalog::get`")
    parser.add_argument("--calls", action="store_true", help="read the whole crate and list the calls not resolved")
    parser.add_argument("--output", choices=("text", "json"), default="text")
    _edition_option(parser)
    _config_option(parser)
    parser.set_defaults(run=show_command)


def _locks_parser(parser: argparse.ArgumentParser) -> None:
    _tree_options(parser)
    parser.add_argument("--output", choices=("text", "json"), default="text")
    parser.set_defaults(run=locks_command)


def _graph_parser(parser: argparse.ArgumentParser) -> None:
    _tree_options(parser)
    parser.add_argument("--format", choices=CHOICES["graph"], default="dot")
    parser.set_defaults(run=graph_command)


def _tree_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("paths", nargs="*", metavar="PATH", help="files and folders (default: the current folder)")
    add("--exclude", metavar="PATTERN", action="append", help=".gitignore pattern of files to leave out")
    _edition_option(parser)
    _config_option(parser)


def _edition_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--edition", choices=CHOICES["edition"], help="of Rust, instead of what Cargo.toml says")


def _config_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", metavar="FILE", default="", help="read the settings from this file only")


def _positive(word: str) -> int:
    number = int(word)
    if number < 1:
        raise ValueError(word)
    return number


def _settings(options: argparse.Namespace, paths: Sequence[str]) -> Settings:
    """The settings of the files at `paths` with what the command line says instead."""
    from lockcheck import engine

    settings = engine.configure(paths, options.config)
    for name in ("select", "ignore", "persona", "min_confidence", "edition", "exclude"):
        value = getattr(options, name, None)
        if value is None:
            continue
        if name in ("select", "ignore"):
            value = tuple(word.strip() for one in value for word in one.split(",") if word.strip())
        elif name == "exclude":
            value = tuple(value)
        settings = settings.override("--" + name.replace("_", "-"), **{name: value})
    return engine.validated(settings)


# -------------------------------------------------------------------------------------------------------- commands


def check_command(options: argparse.Namespace) -> int:
    """`lockcheck check`."""
    from lockcheck import engine

    outputs = _outputs(options.output or ["full"])
    paths = options.paths or ["."]
    stdin = _standard_input(options) if "-" in paths else None
    paths = [path for path in paths if path != "-"]
    around = [*paths, stdin[0]] if stdin else paths
    report = engine.check(paths, _settings(options, around), options.jobs, _progress(), stdin)
    _tell(report.problems)
    for name, file in outputs:
        _deliver(name, file, report)
    if options.statistics:
        machine = any(not file and name not in ("full", "concise") for name, file in outputs)
        _statistics(report, sys.stderr if machine else sys.stdout)
    return _status(options, report)


def _status(options: argparse.Namespace, report: Report) -> int:
    if not report.files:
        if not report.problems:
            _complain(f"no Rust or Python files in {', '.join(options.paths) or 'the current folder'}")
        return FAILED
    if options.strict and report.problems:
        return FAILED
    return FINDINGS if report.findings and not options.exit_zero else CLEAN


def _standard_input(options: argparse.Namespace) -> tuple[str, bytes]:
    if not options.stdin_filename:
        raise UsageError("- needs --stdin-filename FILE, which tells the language and the crate")
    from lockcheck.discover import LARGEST

    return options.stdin_filename, sys.stdin.buffer.read(LARGEST + 1)


def show_command(options: argparse.Namespace) -> int:
    """`lockcheck show`."""
    from lockcheck import engine
    from lockcheck.config import did_you_mean
    from lockcheck.report import show
    from lockcheck.report.text import Paint

    functions, problems = engine.look(options.file, _settings(options, [options.file]), options.calls)
    _tell(problems)
    wanted = options.function
    chosen = [one for one in functions if not wanted or wanted in (one.name, one.name.rpartition("::")[2])]
    if wanted and not chosen:
        raise UsageError(f"no function {wanted!r} in {options.file}{did_you_mean(wanted, (f.name for f in functions))}")
    if options.output == "json":
        _write(show.document(chosen, options.calls))
    else:
        sys.stdout.write(show.text(chosen, Paint(_colorful(sys.stdout)), options.calls))
    return FAILED if problems and not functions else CLEAN


def locks_command(options: argparse.Namespace) -> int:
    """`lockcheck locks`."""
    from lockcheck import engine
    from lockcheck.report import inventory
    from lockcheck.report.text import Paint

    paths = options.paths or ["."]
    found, problems, files = engine.locks(paths, _settings(options, paths), _progress())
    _tell(problems)
    if options.output == "json":
        _write(inventory.document(found))
    elif files:
        sys.stdout.write(inventory.text(found, Paint(_colorful(sys.stdout))))
    return _looked(paths, problems, files)


def graph_command(options: argparse.Namespace) -> int:
    """`lockcheck graph`."""
    from lockcheck import engine
    from lockcheck.report import graph

    paths = options.paths or ["."]
    found, problems, files = engine.order(paths, _settings(options, paths), _progress())
    _tell(problems)
    _write(graph.render(options.format, found))
    return _looked(paths, problems, files)


def _looked(paths: Sequence[str], problems: Sequence[Problem], files: int) -> int:
    """The exit status of a command that only looks: whether there was anything to look at."""
    if not files and not problems:
        _complain(f"no Rust or Python files in {', '.join(paths)}")
    return CLEAN if files else FAILED


def explain_command(options: argparse.Namespace) -> int:
    """`lockcheck explain`."""
    from lockcheck.config import ConfigError, did_you_mean
    from lockcheck.rules import RULES
    from lockcheck.suppress import OWN, PAGES

    pages = {(rule.code, rule.slug): rule.page for rule in RULES}
    pages |= {names: PAGES[names[0]] for names in OWN}
    for (code, slug), page in pages.items():
        if options.rule.upper() == code or options.rule.lower() == slug:
            print(f"{code} {slug}\n\n{page.rstrip()}")
            return CLEAN
    names = [name for pair in pages for name in pair]
    raise ConfigError(f"no rule is called {options.rule!r}{did_you_mean(options.rule, names)}")


def rules_command(options: argparse.Namespace) -> int:
    """`lockcheck rules`."""
    del options
    from lockcheck.rules import RULES
    from lockcheck.suppress import OWN, PAGES

    rows = [(rule.code, rule.slug, ", ".join(rule.meta.languages), rule.meta.persona, rule.title) for rule in RULES]
    rows += [(code, slug, "python, rust", "regular", PAGES[code].partition("\n")[0]) for code, slug in OWN]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in sorted(rows):
        print("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())
    return CLEAN


def config_command(options: argparse.Namespace) -> int:
    """`lockcheck config`."""
    import json

    from lockcheck.config import rows

    for key, value, place in rows(_settings(options, options.paths or ["."])):
        shown = dict(value) if key in ("per-file-ignores", "severity") and isinstance(value, tuple) else value
        print(f"{key} = {json.dumps(shown, ensure_ascii=False)}  # {place}")
    return CLEAN


# -------------------------------------------------------------------------------------------------------- printing


def _outputs(words: Sequence[str]) -> list[tuple[str, str]]:
    """(format, file) of each `--output`; no file means standard output."""
    from lockcheck.config import did_you_mean

    outputs = []
    for word in words:
        name, colon, file = word.partition(":")
        if name not in CHOICES["format"]:
            raise UsageError(f"--output: no format is called {name!r}{did_you_mean(name, CHOICES['format'])}")
        if colon and not file:
            raise UsageError(f"--output {word}: the name of the file is missing")
        outputs.append((name, file))
    if [file for _, file in outputs].count("") > 1:
        raise UsageError("--output: only one report can go to standard output; give the others a FILE")
    return outputs


def _deliver(name: str, file: str, report: Report) -> None:
    from lockcheck import discover
    from lockcheck.report import FOR_PEOPLE, Style, render

    style = Style() if file else _style()
    text = render(name, report, style)
    if file:
        try:
            discover.write(file, text.encode("utf-8", "backslashreplace"))
        except OSError as error:
            raise UsageError(f"--output: cannot write {file}: {(error.strerror or str(error)).lower()}") from None
    elif name in FOR_PEOPLE:
        sys.stdout.write(text)
    else:
        _write(text)


def _write(text: str) -> None:
    """Write text for programs to standard output: UTF-8, whatever the locale."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace"))
    sys.stdout.buffer.flush()


def _style() -> Style:
    from lockcheck.report import Style

    return Style(_colorful(sys.stdout), _pages() if sys.stdout.isatty() and _colorful(sys.stdout) else {})


def _pages() -> Mapping[str, str]:
    """Where a terminal's links lead: to the rule's file, whose docstring is its page."""
    from urllib.request import pathname2url

    from lockcheck.rules import RULES

    return {rule.slug: "file://" + pathname2url(rule.check.__code__.co_filename) for rule in RULES}


def _colorful(stream: TextIO) -> bool:
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR", "0") != "0":
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def _statistics(report: Report, stream: TextIO) -> None:
    from collections import Counter

    counts = Counter((finding.code, finding.slug) for finding in report.findings)
    for (code, slug), number in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        print(f"{number:>6}  {code}  {slug}", file=stream)


def _tell(problems: Sequence[Problem]) -> None:
    for problem in problems:
        _complain(f"{problem.path}:{problem.line}: {problem.message}")


def _complain(message: str) -> None:
    from lockcheck.report.text import safe

    print(f"lockcheck: {safe(message)}", file=sys.stderr)


def _progress() -> Callable[[int, int], None] | None:
    """What draws the progress: only on a terminal, and never where a program watches."""
    if not sys.stderr.isatty() or os.environ.get("CI") or os.environ.get("PRE_COMMIT"):
        return None

    def draw(done: int, total: int) -> None:
        sys.stderr.write("\r\x1b[K" if done == total else f"\r{done}/{total} files")
        sys.stderr.flush()

    return draw
