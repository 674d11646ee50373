"""Matching groups over time: heirs, splits, merges and ban waves, against brute force."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphs import Holdings, match_groups

NOTHING = Holdings.from_arrays([], [], n=0)


def holdings(groups, n=None):
    """From a list of lists: what each group holds."""
    rows = [(g, item) for g, items in enumerate(groups) for item in items]
    group, item = zip(*rows, strict=True) if rows else ((), ())
    return Holdings.from_arrays(group, item, n=len(groups) if n is None else n)


def match(old, new, old_entities=None, new_entities=None, **more):
    old_entities = old_entities or [[] for _ in old]
    new_entities = new_entities or [[] for _ in new]
    return match_groups(holdings(old), holdings(new), holdings(old_entities), holdings(new_entities), **more)


def heirs(overlaps):
    return {
        (int(o), int(n)) for o, n in zip(overlaps.old[overlaps.matched], overlaps.new[overlaps.matched], strict=True)
    }


def test_the_same_groups_under_other_numbers():
    found = match([[1, 2], [3, 4, 5]], [[3, 4, 5], [1, 2]])
    assert heirs(found) == {(0, 1), (1, 0)}
    assert found.jaccard.tolist() == [1.0, 1.0]


def test_a_split_shows_in_the_shares():
    found = match([[1, 2, 3, 4, 5, 6]], [[1, 2, 3, 4], [5, 6]])
    assert heirs(found) == {(0, 0)}
    assert found.of_old == pytest.approx([4 / 6, 2 / 6])
    assert found.of_new == pytest.approx([1.0, 1.0])


def test_a_merger_shows_in_the_shares():
    found = match([[1, 2, 3, 4], [5, 6]], [[1, 2, 3, 4, 5, 6]])
    assert heirs(found) == {(0, 0)}
    assert found.of_old == pytest.approx([1.0, 1.0])
    assert found.of_new == pytest.approx([4 / 6, 2 / 6])


def test_after_a_ban_wave_the_cards_tell():
    found = match([[1, 2, 3]], [[7, 8, 9]], [[100, 101]], [[100, 101, 102]])
    assert heirs(found) == {(0, 0)}
    # members share nothing, entities two of three
    assert (found.jaccard[0], found.of_old[0], found.of_new[0]) == pytest.approx((2 / 6, 1 / 2, 2 / 6))
    assert match([[1, 2, 3]], [[7, 8, 9]], [[100]], [[100]], entity_share=0.0).old.size == 0


def test_the_best_assignment_is_not_the_greedy_one():
    # 0-0 is the best single pair, but 0-1 with 1-0 is better in all
    old = [[1, 2, 3, 4, 5], [6, 7, 8, 9]]
    new = [[3, 4, 5, 6, 7, 8, 9], [1, 2]]
    found = match(old, new)
    assert heirs(found) == {(0, 1), (1, 0)}


def test_weak_overlaps_can_be_left_out_and_nothing_matches_nothing():
    assert match([[1, 2, 3, 4]], [[4, 5, 6, 7]], min_overlap=0.5).old.size == 0
    empty = match_groups(NOTHING, NOTHING, NOTHING, NOTHING)
    assert empty.old.size == 0 and empty.matched.size == 0
    assert match([[1]], [[2]]).old.size == 0


def test_what_weighs_nothing_ties_nothing():
    old, new = (Holdings.from_arrays([0, 0], [item, 9], [1.0, 0.0]) for item in (1, 2))
    nothing = Holdings.from_arrays([], [], n=1)
    assert match_groups(old, new, nothing, nothing).old.size == 0


def test_an_item_of_everybody_ties_nobody():
    groups = [[1000 + g] for g in range(60)]
    found = match(groups, groups, [[7]] * 60, [[7]] * 60)
    assert (found.old == found.new).all() and found.old.size == 60


groupings = st.lists(st.lists(st.integers(0, 7), max_size=5, unique=True), min_size=1, max_size=4)


@given(groupings, groupings)
@settings(max_examples=80, deadline=None)
def test_the_assignment_is_the_best_of_all(old, new):
    found = match(old, new)
    value = np.zeros((4, 4))
    value[found.old, found.new] = found.jaccard
    best = max(sum(value[i, p[i]] for i in range(4)) for p in permutations(range(4)))
    assert found.jaccard[found.matched].sum() == pytest.approx(best)
    for side in (found.old, found.new):
        assert len(set(side[found.matched].tolist())) == found.matched.sum()
    for j, a, b in zip(found.jaccard, found.old, found.new, strict=True):
        one, other = set(old[a]), set(new[b])
        assert j == pytest.approx(len(one & other) / len(one | other))


@given(groupings, groupings)
@settings(max_examples=30, deadline=None)
def test_turning_time_round_swaps_the_sides(old, new):
    there, back = match(old, new), match(new, old)
    assert {(o, n, round(j, 9)) for o, n, j in zip(there.old, there.new, there.jaccard, strict=True)} == {
        (o, n, round(j, 9)) for n, o, j in zip(back.old, back.new, back.jaccard, strict=True)
    }


def test_faded_weights_count_less():
    old = Holdings.from_arrays([0, 0], [1, 2], [1.0, 0.25])
    new = holdings([[1], [2]])
    nothing_old, nothing_new = Holdings.from_arrays([], [], n=1), Holdings.from_arrays([], [], n=2)
    found = match_groups(old, new, nothing_old, nothing_new)
    assert found.of_old == pytest.approx([0.8, 0.2])


@pytest.mark.parametrize(
    "call",
    [
        lambda: Holdings.from_arrays([0, 0], [1, 1]),
        lambda: Holdings.from_arrays([0], [1], [-1.0]),
        lambda: Holdings.from_arrays([0], [1, 2]),
        lambda: match([[1]], [[1]], entity_share=2.0),
        lambda: match_groups(holdings([[1]]), NOTHING, NOTHING, NOTHING),
    ],
)
def test_nonsense_is_refused(call):
    with pytest.raises(ValueError, match="must"):
        call()
