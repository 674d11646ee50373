"""Planted graphs are what they say."""

import numpy as np
import pytest

import graphs


def test_rings_share_and_others_do_not():
    planted = graphs.planted_rings(n_rings=4, ring_size=10, n_others=100, seed=5)
    assert (np.bincount(planted.ring + 1) == [100, 10, 10, 10, 10]).all()
    assert planted.entity_type.size == planted.graph.n_entities
    ring_edges = planted.graph.entity < 4 * 6
    assert (planted.ring[planted.graph.account[ring_edges]] == planted.graph.entity[ring_edges] // 6).all()
    assert (planted.graph.restrict(edges=ring_edges).account_degrees()[planted.ring >= 0] == 3).all()


def test_the_seed_decides():
    one, same, other = (graphs.planted_rings(n_rings=2, ring_size=5, n_others=20, seed=s) for s in (1, 1, 2))
    assert (one.ring == same.ring).all() and (one.graph.entity == same.graph.entity).all()
    assert not (one.ring == other.ring).all()


def test_impossible_plants_are_refused():
    with pytest.raises(ValueError, match="entities_per_member"):
        graphs.planted_rings(n_rings=1, ring_size=3, n_others=3, entities_per_ring=2)
