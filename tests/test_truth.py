"""Every fixture is run: what claims a deadlock hangs, every cure ends."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
import truth

FILES = sorted((truth.FIXTURES / "rust").glob("*.rs"))
PROGRAMS = sorted(path for path in (truth.FIXTURES / "programs").glob("*") if any(path.rglob("Cargo.toml")))

pytestmark = pytest.mark.skipif(
    truth.rustc() is None, reason="rustc is not here: fixtures are judged, but not run for their truth"
)


@pytest.fixture(scope="session")
def runs(request: pytest.FixtureRequest) -> Iterator[dict[Path, Future[list[str]]]]:
    """Two compilers at work on whatever this session selected, while the tests wait for theirs."""
    build = Path(request.config.cache.mkdir("truth"))
    truth.stubs(build)
    chosen = [
        item.callspec.params["path"]
        for item in request.session.items
        if isinstance(item, pytest.Function) and "runs" in item.fixturenames
    ]
    with ThreadPoolExecutor(2) as pool:
        yield {
            path: pool.submit(truth.judge if path.is_file() else truth.judge_program, path, build)
            for path in chosen
            if isinstance(path, Path)
        }


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_fixture_does_what_it_says(path: Path, runs: dict[Path, Future[list[str]]]) -> None:
    assert runs[path].result() == []


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.name)
def test_program_does_what_it_says(path: Path, runs: dict[Path, Future[list[str]]]) -> None:
    assert runs[path].result() == []
