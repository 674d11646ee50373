"""Two little worlds that many tests look at, written once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.worlds import WORLDS, World, build

TINY = replace(
    WORLDS["mixed"],
    name="tiny",
    n_accounts=700,
    prevalence=0.08,
    days=6,
    volume=0.5,
    resold_homes=200,
    ring_size=(6.0, 20.0),
)


@pytest.fixture(scope="session")
def tiny_settings() -> World:
    """The knobs of the little world."""
    return TINY


@pytest.fixture(scope="session")
def tiny_world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """700 accounts over six days, 56 of them in rings."""
    folder = tmp_path_factory.mktemp("worlds") / "tiny"
    build(TINY, folder, seed=5)
    return folder
