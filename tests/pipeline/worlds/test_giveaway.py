"""Worlds do not give the answer away: what can be measured on one account alone does not tell who is guilty."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.worlds import WORLDS, build
from tests.pipeline.worlds.account_features import auc, features, learned_auc

MIXED = replace(WORLDS["mixed"], n_accounts=5_000, prevalence=0.03, days=14, volume=0.4, ring_volume=0.4)


@pytest.fixture(scope="module")
def two_seeds(tmp_path_factory: pytest.TempPathFactory) -> list[tuple]:  # type: ignore[type-arg]
    """Features of two scaled-down worlds of the kind `mixed`."""
    measured = []
    for seed in (1, 2):
        folder: Path = tmp_path_factory.mktemp("mixed") / str(seed)
        build(MIXED, folder, seed=seed)
        measured.append(features(folder))
    return measured


def test_no_single_feature_tells(two_seeds: list[tuple]) -> None:  # type: ignore[type-arg]
    for table, guilty in two_seeds:
        assert guilty.sum() > 100
        areas = {name: auc(table[name].to_numpy(), guilty) for name in table}
        assert max(areas.values()) <= 0.85, max(areas, key=lambda name: areas[name])


def test_all_features_together_do_not_tell_on_another_seed(two_seeds: list[tuple]) -> None:  # type: ignore[type-arg]
    first, second = two_seeds
    assert learned_auc(first, second) <= 0.90
    assert learned_auc(second, first) <= 0.90


def test_ids_and_places_tell_nothing(two_seeds: list[tuple]) -> None:  # type: ignore[type-arg]
    for table, guilty in two_seeds:
        assert auc(table["id_letter"].to_numpy(), guilty) < 0.58
        assert auc(table["place"].to_numpy(), guilty) < 0.58
