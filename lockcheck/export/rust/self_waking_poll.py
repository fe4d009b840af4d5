"""LCK603 in Rust."""

from __future__ import annotations

from typing import Any

from lockcheck.export.rust import _semgrep as sg
from lockcheck.export.words import Words

COVERAGE = "hint"
CONFIDENCE = "LOW"
CWE = "CWE-835: Loop with Unreachable Exit Condition ('Infinite Loop')"
REFERENCES = ("https://doc.rust-lang.org/std/future/trait.Future.html#tymethod.poll",)
LOSES = "changes that a call makes, wakers with a name, `poll_read` that is ready without progress"


def semgrep(words: Words) -> dict[str, Any]:
    """The context's own waker is woken, and then the poll says that it waits; nothing is set in the same block."""
    wakes = [f"$CX.waker(){way}.$WAKE()" for way in ("", ".clone()")]
    pending = [f"{before}{path}{name}" for name in sorted(words.effects.pending) for path in ("Poll::", "")
               for before in ("", "return ")]  # fmt: skip
    found = [f"{wake};\n...\n{one}" for wake in wakes for one in pending]
    # of a bare name only these: `$X = $V` is `let` too
    sets = [f"$S.$F {sign} $V;" for sign in ("=", "+=", "-=", "|=", "&=")] + ["$X = true;", "$X = false;"]
    changes = [f"{one}\n..." for one in sets]
    later = [f"{wake};\n...\n{one}\n..." for wake in wakes for one in sets]
    return sg.both(
        sg.either(found),
        sg.named("WAKE", words.wakes),
        *({"pattern-not-inside": one} for one in changes),
        *({"pattern-not": one} for one in later),
        {"focus-metavariable": "$CX"},
    )
