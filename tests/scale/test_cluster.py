"""A cluster gives the bytes of one machine: tasks over tcp and TLS, workers with memory limits, workers killed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.plan import STAGES
from pipeline.run import Request, carry_out
from tests.scale.cluster import Killer, cluster
from tests.scale.worlds import credulous, settings, small_buckets, tables_of, twice_delivered

# a worker that is killed leaves sockets and files behind in the process that talked to it
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
WIDE = [s.name for s in STAGES if s.wide]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The input."""
    return twice_delivered(tmp_path_factory.mktemp("world") / "input")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A model by which the small world has rings: without them not every wide stage has work."""
    return credulous(tmp_path_factory.mktemp("model") / "model.json")


@pytest.fixture(scope="module")
def quiet(world: Path, model: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Tables of a run on this machine."""
    output = tmp_path_factory.mktemp("quiet")
    carry_out(Request(str(world), str(output), settings(model=model), keep_working=True))
    return tables_of(output)


@pytest.fixture(scope="module")
def two_workers() -> Iterator[Any]:
    """A cluster of two workers with 1.5 GB each."""
    with cluster() as made:
        yield made


def run_on(made: Any, world: Path, model: str, output: Path, watch: Any = None) -> dict[str, str]:
    """Tables of a run on a cluster."""
    request = Request(
        str(world), str(output), settings(model=model), keep_working=True, scheduler=made.scheduler_address
    )
    with pytest.MonkeyPatch.context() as patch:
        small_buckets(patch)  # so that every wide stage has several tasks
        carry_out(request, watch=watch)
    return tables_of(output)


def test_a_cluster_gives_the_same_bytes_and_bears_a_killed_worker(
    two_workers: Any, world: Path, model: str, quiet: dict[str, str], tmp_path: Path
) -> None:
    killer = Killer(two_workers, {"intake"})
    assert run_on(two_workers, world, model, tmp_path / "out", killer) == quiet
    assert killer.killed == ["intake"]


@pytest.mark.slow
@pytest.mark.parametrize("stage", [*WIDE, "all"])
def test_a_worker_killed_in_a_wide_stage_shows_nowhere(
    stage: str, two_workers: Any, world: Path, model: str, quiet: dict[str, str], tmp_path: Path
) -> None:
    killer = Killer(two_workers, set(WIDE) if stage == "all" else {stage})
    assert run_on(two_workers, world, model, tmp_path / "out", killer) == quiet
    assert set(killer.killed) == killer.stages


@pytest.mark.slow
def test_a_cluster_over_tls(world: Path, model: str, quiet: dict[str, str], tmp_path: Path) -> None:
    import dask.config
    from distributed.security import Security

    keys = Security.temporary()  # type: ignore[no-untyped-call]
    said = keys.get_tls_config_for_role("client")
    mine = {"ca-file": said["ca_file"], "client": {"cert": said["cert"], "key": said["key"]}}
    tls = {**dask.config.get("distributed.comm.tls"), **mine}
    with cluster(security=keys, protocol="tls://") as made, dask.config.set({"distributed.comm.tls": tls}):
        assert made.scheduler_address.startswith("tls://")
        assert run_on(made, world, model, tmp_path / "out") == quiet
