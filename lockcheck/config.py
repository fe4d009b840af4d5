"""What the user wants: settings from a file's text and from the command line, checked, each with where it came from.

In: the texts of the configuration files nearest to the analysed code.  Out: `Settings`.  Raises `ConfigError`.
Never: opens a file, knows which rules exist (the engine says so).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, TypeAlias, cast

from msgspec import Struct, field
from msgspec.structs import fields, replace

from lockcheck.advisories import Advisory, advisory
from lockcheck.finding import CONFIDENCES, SEVERITIES, Confidence, Severity
from lockcheck.rule import PERSONAS, Persona

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

EDITIONS = ("2015", "2018", "2021", "2024")

FILES = ("lockcheck.toml", "pyproject.toml", "Cargo.toml")
"""Names of the files that may hold settings, in the order in which they are asked within one folder."""


class ConfigError(Exception):
    """The user asked for something that cannot be; the message names the file (or option) and the key."""


class Settings(Struct, frozen=True):
    """What the user wants.

    `select` empty means every rule that the persona sees. `edition` empty means what each crate's manifest says.
    `exclude` and the keys of `per_file_ignores` are .gitignore patterns relative to `folder`. `lock_order` names
    locks in the order in which they may be taken, `bounded` those that need a time limit, `closure_only` those that
    must be taken through a closure; a named guard may live for `longest_section` lines (0: any number).
    `data_plane` names functions where input from outside comes in, `probes` those that a watchdog calls,
    `blocking_deny` those that must not be called under a lock, `blocking_allow` those that may be though they wait.
    `advisories` are the project's own. `baseline` is a file relative to `folder`. `origin` tells for each
    setting that is not the default the file or option it came from.
    """

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    persona: Persona = "regular"
    min_confidence: Confidence = "likely"
    edition: str = ""
    exclude: tuple[str, ...] = ()
    per_file_ignores: tuple[tuple[str, tuple[str, ...]], ...] = ()
    severity: tuple[tuple[str, Severity], ...] = ()
    lock_order: tuple[str, ...] = ()
    bounded: tuple[str, ...] = ()
    closure_only: tuple[str, ...] = ()
    longest_section: int = 0
    data_plane: tuple[str, ...] = ()
    probes: tuple[str, ...] = ()
    blocking_deny: tuple[str, ...] = ()
    blocking_allow: tuple[str, ...] = ()
    advisories: tuple[Advisory, ...] = ()
    baseline: str = ""
    guard_types: tuple[str, ...] = ()
    refcell: bool = False
    folder: str = "."
    origin: Mapping[str, str] = field(default_factory=dict)

    def override(self, option: str, **values: object) -> Settings:
        """The same settings with some values replaced by what `option` (such as `--select`) says."""
        origin = {**self.origin, **dict.fromkeys(values, option)}
        return replace(self, **cast("dict[str, Any]", values), origin=origin)


def rows(settings: Settings) -> list[tuple[str, object, str]]:
    """For people: (key as written in a file, value, where it came from), in the order of the documentation."""
    values = {name: getattr(settings, name) for name in _attributes()}
    return [(_key(name), value, settings.origin.get(name, "default")) for name, value in values.items()]


def settle(texts: Iterable[tuple[str, str]]) -> Settings:
    """Settings from the first of the texts that holds any.

    `texts` are (path of the file, its text), nearest first. Raises ConfigError where a file that speaks of
    lockcheck is no TOML or says something that means nothing.
    """
    for path, text in texts:
        table = _table(path, text)
        if table is not None:
            return _settings(path, table)
    return Settings()


def check_selectors(selectors: Iterable[tuple[str, Iterable[str]]], known: Collection[tuple[str, str]]) -> None:
    """Refuse a selector that names no rule. `selectors` are (where they stand, the words); `known` (code, slug)."""
    for place, words in selectors:
        for word in words:
            if not any(matches(word, code, slug) for code, slug in known):
                names = [name for pair in known for name in pair]
                raise ConfigError(f"{place}: no rule is called {word!r}{did_you_mean(word, names)}")


def matches(selector: str, code: str, slug: str) -> bool:
    """Whether a selector (a code, the beginning of a code, a slug, or ALL) speaks of this rule."""
    word = selector.upper()
    return selector.lower() == slug or word == "ALL" or (len(word) >= 3 and code.startswith(word))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A clause that suggests the nearest known name, or nothing."""
    import difflib

    folded = {name.lower(): name for name in known}
    near = difflib.get_close_matches(word.lower(), folded, n=1, cutoff=0.6)
    return f"; did you mean {folded[near[0]]!r}?" if near else ""


# -------------------------------------------------------------------------------------------------- reading a file


_TABLES: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "pyproject.toml": (("tool", "lockcheck"),),
    "Cargo.toml": (("package", "metadata", "lockcheck"), ("workspace", "metadata", "lockcheck")),
}
"""Where lockcheck's part is in files that belong to others; any other file is lockcheck's altogether."""


def _table(path: str, text: str) -> Mapping[str, object] | None:
    """The part of a file that is about lockcheck; None where there is none."""
    name = path.rpartition("/")[2]
    places = _TABLES.get(name, ((),))
    if () not in places and "lockcheck" not in text:
        return None
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from None
    for place in places:
        found: object = document
        for key in place:
            found = found.get(key) if isinstance(found, dict) else None
        if isinstance(found, dict):
            return found
        if found is not None:
            raise ConfigError(f"{path}: [{'.'.join(place)}] must be a table")
    return None


def _settings(path: str, table: Mapping[str, object]) -> Settings:
    """Check every key of the table and make settings of it."""
    flat: dict[str, object] = {}
    for key, value in table.items():
        if key == "rust" and isinstance(value, dict):
            flat.update((f"rust.{inner}", one) for inner, one in value.items())
        else:
            flat[key] = value
    values: dict[str, object] = {}
    for key, value in flat.items():
        if key not in _KEYS:
            raise ConfigError(f"{path}: unknown key {key!r}{did_you_mean(key, _KEYS) or _all_keys()}")
        try:
            values[_attribute(key)] = _KEYS[key].read(value)
        except ValueError as error:
            raise ConfigError(f"{path}: {key}: {error}") from None
    origin = dict.fromkeys(values, path)
    folder = path.rpartition("/")[0] or "."
    return Settings(**cast("dict[str, Any]", values), folder=folder, origin=origin)


def _all_keys() -> str:
    return f"; there are {', '.join(_KEYS)}"


def _words(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise ValueError(f"must be a list of strings, not {value!r}")
    return tuple(value)


def _ordered(value: object) -> tuple[str, ...]:
    words = _words(value)
    twice = next((word for number, word in enumerate(words) if word in words[:number]), None)
    if twice is not None:
        raise ValueError(f"names {twice!r} twice")
    return words


def _one_of(choices: Collection[str]) -> Callable[[object], str]:
    def read(value: object) -> str:
        if value not in choices:
            near = did_you_mean(value, choices) if isinstance(value, str) else ""
            raise ValueError(f"must be one of {', '.join(choices)}, not {value!r}{near}")
        return cast(str, value)

    return read


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"must be a string, not {value!r}")
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"must be true or false, not {value!r}")
    return value


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"must be a number that is not negative, not {value!r}")
    return value


def _advisories(value: object) -> tuple[Advisory, ...]:
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise ValueError(f"must be tables ([[advisories]]), not {value!r}")
    return tuple(advisory(one) for one in value)


def _edition(value: object) -> str:
    return _one_of(EDITIONS)(str(value) if isinstance(value, int) else value)


def _pairs(read: Callable[[object], object]) -> Callable[[object], tuple[tuple[str, object], ...]]:
    def pairs(value: object) -> tuple[tuple[str, object], ...]:
        if not isinstance(value, dict):
            raise ValueError(f"must be a table, not {value!r}")
        return tuple((key, read(one)) for key, one in value.items())

    return pairs


Shape: TypeAlias = Mapping[str, object]
"""What may stand for a value, as JSON Schema says it."""

_STRING: Shape = {"type": "string"}
_STRINGS: Shape = {"type": "array", "items": _STRING}


def _table_of(shape: Shape) -> Shape:
    return {"type": "object", "additionalProperties": shape}


_ADVISORY: Shape = {
    "type": "object",
    "additionalProperties": False,
    "required": ["id", "package", "affected", "what", "cure", "source"],
    "properties": {
        **dict.fromkeys(("id", "package", "what", "cure", "source"), _STRING),
        **dict.fromkeys(("affected", "calls"), _STRINGS),
    },
}


class _Key(Struct, frozen=True):
    """A key of the settings: what reads its value (raising ValueError), its shape, and what it is for."""

    read: Callable[[object], object]
    shape: Shape
    about: str


_KEYS: Mapping[str, _Key] = {
    "select": _Key(_words, _STRINGS, "Rules to run: codes, their beginnings, slugs, or ALL. Default: by persona."),
    "ignore": _Key(_words, _STRINGS, "Rules not to run: codes, their beginnings, slugs, or ALL."),
    "persona": _Key(_one_of(PERSONAS), {"enum": [*PERSONAS]}, "How much noise you want."),
    "min-confidence": _Key(_one_of(CONFIDENCES), {"enum": [*CONFIDENCES]}, "Report nothing less sure."),
    "edition": _Key(
        _edition,
        {"enum": [*EDITIONS, *map(int, EDITIONS)]},
        "The edition of all Rust code, instead of what each Cargo.toml says.",
    ),
    "exclude": _Key(_words, _STRINGS, "Files to leave out: patterns as in .gitignore, relative to this file."),
    "per-file-ignores": _Key(_pairs(_words), _table_of(_STRINGS), "Patterns of files, and the rules to ignore there."),
    "severity": _Key(
        _pairs(_one_of(SEVERITIES)), _table_of({"enum": [*SEVERITIES]}), "Rules, and how bad their findings are here."
    ),
    "lock-order": _Key(
        _ordered,
        {**_STRINGS, "uniqueItems": True},
        "Locks (`Catalog.load`, `Peers.*`) in the order in which they may be taken (LCK302).",
    ),
    "bounded": _Key(_words, _STRINGS, "Locks whose write guards must be taken with a time limit (LCK502)."),
    "closure-only": _Key(_words, _STRINGS, "Locks that must be taken through a closure (LCK501)."),
    "longest-section": _Key(
        _count, {"type": "integer", "minimum": 0}, "For how many lines a named guard may live (LCK501); 0: any number."
    ),
    "data-plane": _Key(
        _words, _STRINGS, "Functions (`*::handle_update`) where input from outside comes in: their findings come first."
    ),
    "probes": _Key(_words, _STRINGS, "Functions (`Repl::ping`) by which a watchdog asks whether all is well (LCK701)."),
    "blocking-deny": _Key(
        _words, _STRINGS, "Functions (`Client.fetch`, `corp.rpc.*`) that must not be called under a lock (LCK402)."
    ),
    "blocking-allow": _Key(
        _words, _STRINGS, "Functions (`time.sleep`, `Store.flush`) that may be, although they wait (LCK402)."
    ),
    "advisories": _Key(
        _advisories, {"type": "array", "items": _ADVISORY}, "Your own advisories about versions of packages (LCK602)."
    ),
    "baseline": _Key(_text, _STRING, "The baseline file, relative to this file: what it holds is not reported."),
    "rust.guard-types": _Key(_words, _STRINGS, "Your own guard types: who returns one takes a lock."),
    "rust.refcell": _Key(_flag, {"type": "boolean"}, "Treat RefCell as a lock: its second borrow panics."),
}


def schema() -> dict[str, object]:
    """What a `lockcheck.toml` may hold, as JSON Schema (draft 7), for editors."""
    shapes: dict[str, object] = {}
    inner: dict[str, dict[str, object]] = {}
    for name, key in _KEYS.items():
        table, _, last = name.rpartition(".")
        place = inner.setdefault(table, {}) if table else shapes
        place[last] = {"description": key.about, **key.shape}
    for table, keys in inner.items():
        shapes[table] = {"type": "object", "additionalProperties": False, "properties": keys}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "lockcheck.toml",
        "description": "Settings of lockcheck; the same as [tool.lockcheck] in pyproject.toml.",
        "type": "object",
        "additionalProperties": False,
        "properties": shapes,
    }


def _attribute(key: str) -> str:
    return key.removeprefix("rust.").replace("-", "_")


def _attributes() -> list[str]:
    return [one.name for one in fields(Settings) if one.name not in ("folder", "origin")]


def _key(attribute: str) -> str:
    return next(key for key in _KEYS if _attribute(key) == attribute)
