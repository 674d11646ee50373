"""Groups of like meaning: planted ones are found, a chain joins nothing, and no order shows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import AgglomerativeClustering

from pipeline.text.meaning import like, meanings, representatives
from pipeline.text.sentences import Floats


def directions(n_groups: int, n_each: int, noise: float, seed: int = 1) -> Floats:
    """Vectors of length one around some directions, group by group."""
    dice = np.random.default_rng(seed)
    middle = np.repeat(dice.normal(size=(n_groups, 48)), n_each, axis=0)
    rows = middle + noise * dice.normal(size=middle.shape)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def test_planted_groups_are_found() -> None:
    found = like(directions(12, 5, 0.5))
    assert found.tolist() == np.repeat(np.arange(0, 60, 5), 5).tolist()


def test_a_chain_from_one_meaning_to_another_joins_nothing_far_apart() -> None:
    angles = np.linspace(0, np.pi / 2, 12)
    rows = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    found = like(rows, 0.9)
    assert found[0] != found[-1]
    for group in np.unique(found):
        mine = rows[found == group]
        assert (mine @ mine.T).mean() >= 0.9


@given(seed=st.integers(0, 10_000), n=st.integers(1, 40), least=st.floats(0.2, 0.9))
@settings(max_examples=40, deadline=None)
def test_it_is_average_linkage(seed: int, n: int, least: float) -> None:
    """Cut into pieces first or not, the groups are those that another library finds on the whole."""
    rows = directions(max(1, n // 3), 3, 1.2, seed)
    found = like(rows, least)
    assert found[found].tolist() == found.tolist() and (found <= np.arange(len(rows))).all()
    apart = np.maximum(0, 1 - np.round(rows.astype(float) @ rows.T.astype(float), 6))
    other = AgglomerativeClustering(None, metric="precomputed", linkage="average", distance_threshold=1 - least)
    if len(rows) > 1:
        labels = other.fit_predict(apart)
        assert ((labels[:, None] == labels) == (found[:, None] == found)).all()


def test_no_order_shows_and_the_first_id_names_the_group() -> None:
    rows = directions(6, 3, 0.4)
    ids = [f"tpl-{number:02d}" for number in range(18)]
    found = meanings(ids, rows)
    assert found == {name: f"tpl-{int(name[4:]) // 3 * 3:02d}" for name in ids}
    turned = np.random.default_rng(3).permutation(18)
    assert meanings([ids[row] for row in turned], rows[turned]) == found


def test_what_is_like_nothing_has_no_meaning() -> None:
    assert meanings(["a", "b", "c"], directions(3, 1, 0.1)) == {}
    assert meanings([], np.zeros((0, 48), np.float32)) == {}


@pytest.mark.parametrize("least", [0.55, 0.9])
def test_equal_wordings_mean_the_same(least: float) -> None:
    assert like(np.repeat(directions(1, 1, 0.1), 4, axis=0), least).tolist() == [0, 0, 0, 0]


def test_a_representative_has_the_words_of_the_frame_and_not_what_fills_it() -> None:
    frame = "Please write a short summary of the text for my {} and name the {} of it."
    fillers = [("teacher", "author"), ("lawyer", "theme"), ("sister", "length"), ("boss", "place")]
    short = [f"write the {word}" for word in "poem song list note".split()]
    german = ["Bitte schreibe mir für die Schule eine Zusammenfassung von dem Text und nicht zu lang"] * 4
    found = representatives([[frame.format(*words) for words in fillers], short, german, []])
    assert found[1:] == [None, None, None] and found[0] is not None
    assert "short summary of the text" in found[0]
    assert not set(found[0].split()) & {word for words in fillers for word in words}
