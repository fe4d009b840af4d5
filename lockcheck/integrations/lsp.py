"""The language server: what lockcheck says of a project, in an editor.

In: what an editor sends (LSP over standard input and output).  Out: diagnostics with every step of the way, fixes and
allowances as code actions, what is held at the cursor as a hover.
Never: analyses; the engine does. The only room that knows pygls.

The whole project is looked at; the buffer that changed last stands for its file, the others are read from the disk.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from lsprotocol import types
from msgspec import Struct, field
from pygls import uris
from pygls.lsp.server import LanguageServer

from lockcheck import __version__, amend, engine
from lockcheck.config import ConfigError, Settings
from lockcheck.discover import read, relative
from lockcheck.executors import Work
from lockcheck.finding import Edit, Finding
from lockcheck.report import Report
from lockcheck.source import Source, Span

DELAY = 0.3
"""Seconds of peace after a change before the project is looked at."""

_SEVERITIES = {
    "error": types.DiagnosticSeverity.Error,
    "warning": types.DiagnosticSeverity.Warning,
    "note": types.DiagnosticSeverity.Information,
}

Configure = Callable[[Sequence[str]], Settings]
"""The settings for code at some paths, read anew. Raises ConfigError."""


def serve(configure: Configure, work: Work) -> None:
    """Serve an editor on standard input and output until it says good-bye."""
    server = LanguageServer("lockcheck", __version__)
    session = _Session(server, configure, work)

    @server.feature(types.INITIALIZED)
    async def begin(_: types.InitializedParams) -> None:
        top = server.workspace.root_path
        if top and os.path.isdir(top):
            os.chdir(top)
        await session.look()

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    async def opened(params: types.DidOpenTextDocumentParams) -> None:
        await session.look(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    async def changed(params: types.DidChangeTextDocumentParams) -> None:
        await session.look(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    async def saved(params: types.DidSaveTextDocumentParams) -> None:
        await session.look(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    async def closed(_: types.DidCloseTextDocumentParams) -> None:
        await session.look()

    kinds = types.CodeActionOptions(code_action_kinds=[types.CodeActionKind.QuickFix])

    @server.feature(types.TEXT_DOCUMENT_CODE_ACTION, kinds)
    def actions(params: types.CodeActionParams) -> list[types.CodeAction]:
        return list(session.actions(params.text_document.uri, params.range))

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    def hover(params: types.HoverParams) -> types.Hover | None:
        return session.held(params.text_document.uri, params.position)

    server.start_io()


class _Session(Struct):
    """What the server knows: the last report, and for which files it has sent diagnostics."""

    server: LanguageServer
    configure: Configure
    work: Work
    report: Report = field(default_factory=Report)
    told: set[str] = field(default_factory=set)
    turn: int = 0
    pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))

    async def look(self, uri: str = "") -> None:
        """Look at the project when there has been peace for a while; the buffer `uri` stands for its file."""
        self.turn += 1
        turn = self.turn
        await asyncio.sleep(DELAY)
        if turn != self.turn:
            return
        buffer = (self.path(uri), self.server.workspace.get_text_document(uri).source.encode()) if uri else None
        try:
            report = await asyncio.get_running_loop().run_in_executor(self.pool, self._check, buffer)
        except ConfigError as error:
            self.server.window_show_message(types.ShowMessageParams(types.MessageType.Error, f"lockcheck: {error}"))
            return
        if turn == self.turn:
            self.report = report
            self.publish()

    def _check(self, buffer: tuple[str, bytes] | None) -> Report:
        return engine.check(["."], self.configure(["."]), self.work, None, buffer)

    def publish(self) -> None:
        """Send the diagnostics of every file that has some, and of those that had."""
        found: dict[str, list[types.Diagnostic]] = {path: [] for path in self.told}
        for finding in self.report.findings:
            found.setdefault(finding.span.path, []).append(self.diagnostic(finding))
        for path, diagnostics in sorted(found.items()):
            message = types.PublishDiagnosticsParams(self.uri(path), diagnostics)
            self.server.text_document_publish_diagnostics(message)
        self.told = {path for path, diagnostics in found.items() if diagnostics}

    def diagnostic(self, finding: Finding) -> types.Diagnostic:
        """The finding in the editor's words."""
        related = [
            types.DiagnosticRelatedInformation(
                types.Location(self.uri(one.span.path), self.range(one.span)), one.message
            )
            for one in finding.notes
        ]
        help_ = f"\n{finding.help}" if finding.help else ""
        return types.Diagnostic(
            range=self.range(finding.span),
            message=finding.message + help_,
            severity=_SEVERITIES[finding.severity],
            code=finding.code,
            source="lockcheck",
            related_information=related,
        )

    def actions(self, uri: str, where: types.Range) -> Iterator[types.CodeAction]:
        """Fixes and an allowance for each finding in the range, while the buffer is what was looked at."""
        path = self.path(uri)
        source = self.report.sources.get(path)
        if source is None or source.data != self.server.workspace.get_text_document(uri).source.encode():
            return
        for finding in self.report.findings:
            here = self.range(finding.span)
            if finding.span.path != path or here.end < where.start or where.end < here.start:
                continue
            diagnostic = self.diagnostic(finding)
            for fix in finding.fixes:
                yield self._action(fix.message, diagnostic, fix.edits)
            data, left = amend.allowed(source, [finding], "")
            if not left:
                title = f"allow {finding.slug} here (write the reason behind it)"
                yield self._action(title, diagnostic, [_difference(source, data)])

    def _action(self, title: str, diagnostic: types.Diagnostic, edits: Sequence[Edit]) -> types.CodeAction:
        changes: dict[str, list[types.TextEdit]] = {}
        for edit in edits:
            changes.setdefault(self.uri(edit.span.path), []).append(types.TextEdit(self.range(edit.span), edit.text))
        return types.CodeAction(
            title=title,
            kind=types.CodeActionKind.QuickFix,
            diagnostics=[diagnostic],
            edit=types.WorkspaceEdit(changes=changes),
        )

    def held(self, uri: str, at: types.Position) -> types.Hover | None:
        """What is held at the last event of the line up to the cursor, in a file that is saved."""
        document = self.server.workspace.get_text_document(uri)
        path = self.path(uri)
        try:
            if read(path) != Source(path, document.source.encode()):
                return None
            functions, _ = engine.look(path, self.configure([path]))
        except ConfigError:
            return None
        column = self.server.workspace.position_codec.position_from_client_units(document.lines, at).character + 1
        here = [one for function in functions for one in function.moments if one.line == at.line + 1 and one.held]
        before = [one for one in here if one.column <= column] or here[:1]
        if not before:
            return None
        lines = [
            f"{'holds' if one.certain else 'may hold'} `{one.lock}` ({one.mode}) since {one.line}:{one.column}"
            for one in max(before, key=lambda one: one.column).held
        ]
        return types.Hover(types.MarkupContent(types.MarkupKind.Markdown, "\n\n".join(lines)))

    def range(self, span: Span) -> types.Range:
        """A span in the units that the editor counts in."""
        source = self.report.sources[span.path]
        start, end = source.position(span.start), source.position(span.end)
        lines = [source.line(number) for number in range(1, end.line + 1)]
        return self.server.workspace.position_codec.range_to_client_units(
            lines,
            types.Range(
                types.Position(start.line - 1, start.column - 1),
                types.Position(end.line - 1, end.column - 1),
            ),
        )

    def uri(self, path: str) -> str:
        """The editor's name for a file."""
        return uris.from_fs_path(os.path.abspath(path)) or path

    def path(self, uri: str) -> str:
        """Our name for a file of the editor."""
        return relative(uris.to_fs_path(uri) or uri)


def _difference(source: Source, data: bytes) -> Edit:
    """The one insertion, of a line or at the end of one, that makes these bytes of the source."""
    old, more = source.data, len(data) - len(source.data)
    start = next((n for n, byte in enumerate(old) if byte != data[n]), len(old))
    if b"\n" in data[start : start + more]:
        start = old.rfind(b"\n", 0, start) + 1
    return Edit(Span(source.path, start, start), data[start : start + more].decode())
