"""What tests of the workspace share: made-up runs, both stores, workspaces that listen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from pipeline.review.store import open_store
from tests.support.finished_run import write_run
from tests.support.postgres import Server, server
from tests.support.workspace import Workspace, config_for, listening


class Clock:
    """A clock that stands still until told otherwise."""

    def __init__(self) -> None:
        self.now = datetime(2026, 6, 8, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def passes(self, **span: float) -> None:
        """Let time pass."""
        self.now += timedelta(**span)


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still."""
    return Clock()


@pytest.fixture(scope="session")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An output with the runs of two days."""
    place = tmp_path_factory.mktemp("runs")
    write_run(place)
    write_run(place, grown=True)
    return place


@pytest.fixture(scope="session")
def hostile_output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An output whose run was written by people who wish us ill."""
    place = tmp_path_factory.mktemp("hostile")
    write_run(place, hostile=True)
    return place


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL server."""
    with server() as running:
        yield running


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Address of an empty store, once of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/store.sqlite"
    running: Server = request.getfixturevalue("postgres")
    return running.database()


@pytest.fixture
def engine(store: str) -> Iterator[Engine]:
    """An opened store, once of each kind."""
    opened = open_store(store)
    yield opened
    opened.dispose()


@pytest.fixture
def workspace(output: Path, tmp_path: Path) -> Iterator[Workspace]:
    """A workspace over two runs and an empty SQLite store."""
    with listening(config_for(output, f"sqlite:///{tmp_path}/store.sqlite")) as running:
        yield running


@pytest.fixture(scope="module")
def quiet_workspace(output: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A workspace for tests that only look: one for all tests of a file."""
    with listening(config_for(output, f"sqlite:///{tmp_path_factory.mktemp('store')}/store.sqlite")) as running:
        yield running


@pytest.fixture(scope="module")
def hostile_workspace(hostile_output: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A workspace over the hostile run."""
    place = tmp_path_factory.mktemp("hostile-store")
    with listening(config_for(hostile_output, f"sqlite:///{place}/store.sqlite")) as running:
        yield running


@pytest.fixture
def made_workspace(output: Path, tmp_path: Path) -> Iterator[Callable[..., Workspace]]:
    """Makes workspaces with other configurations."""
    from contextlib import ExitStack

    with ExitStack() as held:

        def make(clock: Callable[[], datetime] | None = None, store: str = "", **changes: object) -> Workspace:
            config = config_for(output, store or f"sqlite:///{tmp_path}/made.sqlite", **changes)
            return held.enter_context(listening(config, **({"clock": clock} if clock else {})))

        yield make
