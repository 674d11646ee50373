"""What all tests share: the tiny world on disk."""

from __future__ import annotations

from pathlib import Path

import hypothesis
import pytest

from tests.support.tiny import Tiny, tiny_world, write_tiny

# the same cases every time, however busy the machine is
hypothesis.settings.register_profile(
    "house", deadline=None, derandomize=True, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("house")


@pytest.fixture(scope="session")
def tiny() -> Tiny:
    """The tiny world as frames."""
    return tiny_world()


@pytest.fixture(scope="session")
def tiny_input(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny world as an input folder; tests only read it."""
    return write_tiny(tiny, tmp_path_factory.mktemp("tiny") / "input")
