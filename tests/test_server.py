"""The language server, spoken to as an editor does."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes import fake_rules, write_tree
from test_adoption import CARGO, LOUD_NOTE, QUIET, QUIET_NOTE
from test_cli import Run, run

__all__ = ["Run", "fake_rules", "run"]

BOTH = "use std::sync::Mutex;\nfn f(m: &Mutex<u8>) {\n    /* \U0001f600 */ let a = m.lock(); let b = m.lock();\n}\n"


class Editor:
    """A client: requests and notifications out, answers and notifications in."""

    def __init__(self, top: Path, *arguments: str) -> None:
        self.top, self.number = top, 0
        self.process = subprocess.Popen(
            [sys.executable, "-m", "lockcheck", "server", *arguments],
            cwd=top.parent, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env={**os.environ, "XDG_CACHE_HOME": str(top.parent / "cache")},
        )  # fmt: skip
        self.messages: queue.Queue[Any] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()
        self.ask("initialize", {"processId": None, "rootUri": top.as_uri(), "capabilities": {}})
        self.tell("initialized", {})

    def _listen(self) -> None:
        assert self.process.stdout is not None
        while head := self.process.stdout.readline():
            size = int(head.split(b":")[1])
            while self.process.stdout.readline().strip():
                pass
            self.messages.put(json.loads(self.process.stdout.read(size)))

    def tell(self, method: str, params: Any, **more: Any) -> None:
        body = json.dumps({"jsonrpc": "2.0", "method": method, "params": params, **more}).encode()
        assert self.process.stdin is not None
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self.process.stdin.flush()

    def ask(self, method: str, params: Any) -> Any:
        self.number += 1
        self.tell(method, params, id=self.number)
        while True:
            message = self.messages.get(timeout=60)
            if message.get("id") == self.number:
                return message["result"]

    def hear(self, method: str) -> Any:
        while (message := self.messages.get(timeout=60)).get("method") != method:
            pass
        return message["params"]

    def open(self, path: str, text: str) -> None:
        document = {"uri": self.uri(path), "languageId": "rust", "version": 1, "text": text}
        self.tell("textDocument/didOpen", {"textDocument": document})

    def change(self, path: str, text: str) -> None:
        document = {"uri": self.uri(path), "version": 2}
        self.tell("textDocument/didChange", {"textDocument": document, "contentChanges": [{"text": text}]})

    def uri(self, path: str) -> str:
        return (self.top / path).as_uri()


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Any]:
    pytest.importorskip("pygls", reason="pygls is not installed: pip install -e '.[dev]'")
    editors = []

    def start(files: dict[str, str | bytes], *arguments: str) -> Editor:
        write_tree(tmp_path / "project", files)
        editors.append(Editor(tmp_path / "project", *arguments))
        return editors[-1]

    yield start
    for editor in editors:
        editor.process.kill()
        editor.process.communicate()


def test_a_buffer_makes_another_file_hang(project: Any) -> None:
    editor = project({"Cargo.toml": CARGO, "src/lib.rs": QUIET, "src/note.rs": QUIET_NOTE})
    editor.open("src/note.rs", QUIET_NOTE)
    editor.change("src/note.rs", LOUD_NOTE)
    told = editor.hear("textDocument/publishDiagnostics")
    assert told["uri"] == editor.uri("src/lib.rs")
    (diagnostic,) = told["diagnostics"]
    assert (diagnostic["code"], diagnostic["severity"], diagnostic["source"]) == ("LCK202", 1, "lockcheck")
    assert diagnostic["range"]["start"] == {"line": 4, "character": 13}
    related = [one["location"]["uri"] for one in diagnostic["relatedInformation"]]
    assert related == [editor.uri("src/lib.rs"), editor.uri("src/note.rs")]
    assert all(one["message"] for one in diagnostic["relatedInformation"])
    editor.change("src/note.rs", QUIET_NOTE)
    told = editor.hear("textDocument/publishDiagnostics")
    assert (told["uri"], told["diagnostics"]) == (editor.uri("src/lib.rs"), [])


def test_actions_and_what_is_held(project: Any) -> None:
    editor = project({"a.rs": BOTH})
    editor.open("a.rs", BOTH)
    (diagnostic,) = editor.hear("textDocument/publishDiagnostics")["diagnostics"]
    line = BOTH.splitlines()[2]
    begin = len(line[: line.rindex("lock()")].encode("utf-16-le")) // 2
    assert diagnostic["range"]["start"] == {"line": 2, "character": begin}, "editors count in UTF-16"
    where = {"textDocument": {"uri": editor.uri("a.rs")}}
    context = {"diagnostics": []}
    (action,) = editor.ask("textDocument/codeAction", {**where, "range": diagnostic["range"], "context": context})
    (edit,) = action["edit"]["changes"][editor.uri("a.rs")]
    assert edit["range"]["start"] == edit["range"]["end"]
    assert edit["newText"].strip() == "// lockcheck: allow(lock-taken-twice):"
    nowhere = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}}
    assert editor.ask("textDocument/codeAction", {**where, "range": nowhere, "context": context}) == []
    hover = editor.ask("textDocument/hover", {**where, "position": {"line": 2, "character": begin}})
    assert hover["contents"]["value"] == "holds `m` (exclusive) since 3:21"
    assert editor.ask("textDocument/hover", {**where, "position": {"line": 0, "character": 0}}) is None


def test_a_fix_is_an_action(project: Any) -> None:
    code = "use std::sync::Mutex;\nfn f(m: &Mutex<u8>) {\n    let _ = m.lock();\n    g();\n}\n"
    editor = project({"a.rs": code})
    editor.open("a.rs", code)
    (diagnostic,) = editor.hear("textDocument/publishDiagnostics")["diagnostics"]
    params = {"textDocument": {"uri": editor.uri("a.rs")}, "range": diagnostic["range"], "context": {"diagnostics": []}}
    fix, _ = editor.ask("textDocument/codeAction", params)
    (edit,) = fix["edit"]["changes"][editor.uri("a.rs")]
    assert (edit["newText"], edit["range"]["start"]) == ("_guard", {"line": 2, "character": 8})


def test_a_mistake_in_the_settings_is_shown(project: Any) -> None:
    editor = project({"a.rs": BOTH, "lockcheck.toml": "persna = 1\n"})
    editor.open("a.rs", BOTH)
    assert "did you mean 'persona'" in editor.hear("window/showMessage")["message"]
    (editor.top / "lockcheck.toml").unlink()
    editor.tell("textDocument/didSave", {"textDocument": {"uri": editor.uri("a.rs")}})
    assert editor.hear("textDocument/publishDiagnostics")["diagnostics"]


def test_the_server_says_what_it_needs(run: Any, fake_rules: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lockcheck.integrations.lsp", None)
    done = run("server")
    assert done.status == 2
    assert "pip install 'lockcheck-lint[lsp]'" in done.err
