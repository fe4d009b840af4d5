"""The tools that hold the house together, run as the developers run them."""

from __future__ import annotations

import ast
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).parent.parent
MODULES = sorted((TOP / "lockcheck").rglob("*.py"))


def tool(module: str, *arguments: str, code: str = "") -> None:
    """Run a tool in the repository; its output is the failure's message."""
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"{module} is not installed: pip install -e '.[dev]'")
    command = [sys.executable, "-c", code] if code else [sys.executable, "-m", module]
    environment = {key: value for key, value in os.environ.items() if key not in ("FORCE_COLOR", "CI")}
    done = subprocess.run([*command, *arguments], cwd=TOP, capture_output=True, text=True, env=environment, timeout=280)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_room_imports_what_it_must_not() -> None:
    tool("importlinter", code="import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports())")


def test_types_are_strict() -> None:
    tool("mypy", "--strict", "lockcheck")


def test_ruff_has_nothing_to_say() -> None:
    tool("ruff", "check", "--no-cache", "lockcheck", "tests")
    tool("ruff", "format", "--check", "--no-cache", "lockcheck", "tests")


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(TOP)))
def test_only_discover_opens_files(module: Path) -> None:
    """Ruff knows the functions by name; this one knows the methods and the call as such."""
    if module.parent.name == "discover" or module.name in ("cache.py", "installed.py"):
        return
    calls = [node for node in ast.walk(ast.parse(module.read_bytes())) if isinstance(node, ast.Call)]
    names = {node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "") for node in calls}
    assert not names & {"read_bytes", "write_bytes", "write_text", "scandir", "iterdir", "rglob"}
    assert not any(isinstance(node.func, ast.Name) and node.func.id == "open" for node in calls)


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(TOP)))
def test_every_room_has_a_sign_on_its_door(module: Path) -> None:
    assert ast.get_docstring(ast.parse(module.read_bytes()))
