"""Leiden: the quality is the formula's, planted rings are found, and no order or seed of others changes a result."""

import random

import igraph
import leidenalg
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import graphs
from graphs import BipartiteGraph, PairGraph, partition, partition_pairs
from tests.graphs.shapes import bipartite_graphs


def hand_quality(graph, accounts, entities, objective, resolution):
    """The objective by its definition: a plain sum over all account-entity pairs of one community."""
    bits = {(a, e): w for a, e, w in zip(graph.account, graph.entity, graph.bits, strict=True)}
    total = sum(bits.values())
    if total == 0:
        return 0.0
    of_account, of_entity = graph.account_strengths(), graph.entity_strengths()
    value = 0.0
    for a in range(graph.n_accounts):
        for e in range(graph.n_entities):
            if accounts[a] == entities[e]:
                null = of_account[a] * of_entity[e] / total if objective == "barber" else 1.0
                value += bits.get((a, e), 0.0) - resolution * null
    return value / total


@given(bipartite_graphs(), st.sampled_from(["barber", "cpm"]), st.sampled_from([0.1, 1.0, 3.0]))
@settings(max_examples=60, deadline=None)
def test_quality_is_the_hand_sum_and_no_worse_than_single_vertices(graph, objective, resolution):
    found = partition(graph, objective=objective, resolution=resolution, seed=1)
    expected = hand_quality(graph, found.accounts, found.entities, objective, resolution)
    assert found.quality == pytest.approx(expected, abs=1e-12)
    assert found.quality >= -1e-12


def test_quality_agrees_with_leidenalg_on_three_layers():
    weighted = graphs.planted_rings(n_rings=6, ring_size=8, n_others=60, seed=3).graph
    graph = BipartiteGraph.from_arrays(weighted.account, weighted.entity)
    n, gamma = graph.n_accounts, 2.0
    found = partition(graph, resolution=gamma, seed=0)
    referee = igraph.Graph(n + graph.n_entities)
    referee.add_edges(np.stack((graph.account, graph.entity + n), axis=1))
    referee.vs["side"] = [0] * n + [1] * graph.n_entities
    layers = leidenalg.CPMVertexPartition.Bipartite(
        referee, resolution_parameter_01=gamma / graph.n_edges, degree_as_node_size=True, types="side"
    )
    ours = referee_quality(layers, np.concatenate((found.accounts, found.entities)).tolist())
    assert found.quality == pytest.approx(ours / (2 * graph.n_edges), abs=1e-9)
    optimiser = leidenalg.Optimiser()
    optimiser.set_rng_seed(0)
    optimiser.optimise_partition_multiplex(list(layers), layer_weights=[1, -1, -1], n_iterations=5)
    theirs = np.array(layers[0].membership)
    expected = referee_quality(layers, theirs.tolist())
    assert ours >= 0.99 * expected
    again = graphs.bipartite_quality(graph, theirs[:n], theirs[n:], resolution=gamma)
    assert again == pytest.approx(expected / (2 * graph.n_edges), abs=1e-9)


def referee_quality(layers, membership):
    for layer in layers:
        layer.set_membership(membership)
    return layers[0].quality() - layers[1].quality() - layers[2].quality()


@pytest.mark.parametrize(("objective", "resolution"), [("barber", 5.0), ("cpm", 0.5)])
def test_planted_rings_are_found(objective, resolution):
    planted = graphs.planted_rings(n_rings=30, ring_size=10, n_others=600, seed=1)
    found = partition(planted.graph, objective=objective, resolution=resolution, seed=0)
    inside = planted.ring >= 0
    assert graphs.adjusted_rand(found.accounts, planted.ring, of_interest=inside) > 0.9


@pytest.mark.parametrize(("objective", "resolution"), [("modularity", 2.0), ("cpm", 2.0)])
def test_planted_rings_are_found_on_pairs(objective, resolution):
    planted = graphs.planted_rings(n_rings=30, ring_size=10, n_others=600, seed=1)
    pairs = graphs.rare_pairs(planted.graph, family=planted.entity_type, max_degree=50, min_entities=2)
    found = partition_pairs(pairs, objective=objective, resolution=resolution, seed=0)
    inside = planted.ring >= 0
    assert graphs.adjusted_rand(found.accounts, planted.ring, of_interest=inside) > 0.9
    assert found.entities.size == 0


@given(st.integers(0, 2**32))
@settings(max_examples=20, deadline=None)
def test_pair_quality_is_igraphs_modularity(seed):
    generator = np.random.default_rng(seed)
    n = 12
    upper = np.argwhere(np.triu(generator.random((n, n)) < 0.3, k=1))
    bits = generator.random(len(upper)) + 0.1
    pairs = PairGraph.from_arrays(upper[:, 0], upper[:, 1], bits, n_accounts=n)
    labels = generator.integers(0, 3, n)
    graph = igraph.Graph(n)
    graph.add_edges(upper)
    expected = graph.modularity(labels.tolist(), weights=bits, resolution=1.7) if len(upper) else 0.0
    found = graphs.pair_quality(pairs, labels, resolution=1.7, scope="graph")
    assert found == pytest.approx(expected, abs=1e-12)


@given(bipartite_graphs(), st.integers(0, 10))
@settings(max_examples=40, deadline=None)
def test_numbers_are_canonical_and_lone_vertices_stay_alone(graph, seed):
    found = partition(graph, resolution=1.0, seed=seed)
    labels = np.concatenate((found.accounts, found.entities))
    first = np.unique(labels, return_index=True)[1]
    assert (np.diff(first) > 0).all()
    assert found.n_communities == first.size
    strengths = np.concatenate((graph.account_strengths(), graph.entity_strengths()))
    sizes = np.bincount(labels, minlength=found.n_communities)
    assert (sizes[labels[strengths == 0]] == 1).all()


def test_a_sweep_is_its_single_runs():
    planted = graphs.planted_rings(n_rings=5, ring_size=8, n_others=100, seed=2)
    together = graphs.sweep(planted.graph, (0.5, 1.0, 2.0), seed=3)
    for resolution, found in zip((0.5, 1.0, 2.0), together, strict=True):
        alone = partition(planted.graph, resolution=resolution, seed=3)
        assert (found.accounts == alone.accounts).all() and (found.entities == alone.entities).all()
        assert found.quality == alone.quality and found.parameters == alone.parameters
    dice = np.random.default_rng(4)
    a, b = dice.integers(0, 60, 300), dice.integers(60, 120, 300)
    keys = np.unique(a * 120 + b)
    pairs = PairGraph.from_arrays(keys // 120, keys % 120, dice.random(keys.size) + 0.1, n_accounts=120)
    for resolution, found in zip((0.1, 0.4), graphs.sweep_pairs(pairs, (0.1, 0.4), objective="cpm"), strict=True):
        alone = partition_pairs(pairs, objective="cpm", resolution=resolution)
        assert (found.accounts == alone.accounts).all() and found.quality == alone.quality
    assert graphs.sweep(planted.graph, ()) == []


def test_same_seed_same_result_and_the_process_generator_is_given_back():
    planted = graphs.planted_rings(n_rings=5, ring_size=8, n_others=100, seed=2)
    random.seed(7)
    expected = random.random()
    random.seed(7)
    first = partition(planted.graph, seed=5)
    assert random.random() == expected
    second = partition(planted.graph, seed=5)
    assert (first.accounts == second.accounts).all() and first.quality == second.quality
    random.seed(1)
    one = igraph.Graph.Erdos_Renyi(20, m=40).get_edgelist()
    random.seed(1)
    assert igraph.Graph.Erdos_Renyi(20, m=40).get_edgelist() == one


def test_component_scope_does_not_feel_other_components(monkeypatch):
    monkeypatch.setattr("graphs.leiden._LARGE_COMPONENT", 1)
    planted = graphs.planted_rings(n_rings=4, ring_size=6, n_others=40, seed=2)
    alone = planted.graph
    twice = BipartiteGraph.from_arrays(
        np.concatenate((alone.account, alone.account + alone.n_accounts)),
        np.concatenate((alone.entity, alone.entity + alone.n_entities)),
        np.concatenate((alone.bits, alone.bits * 3.0)),
        n_accounts=2 * alone.n_accounts,
        n_entities=2 * alone.n_entities,
    )
    one = partition(alone, scope="component", resolution=2.0, seed=0)
    two = partition(twice, scope="component", resolution=2.0, seed=0)
    assert (two.accounts[: alone.n_accounts] == one.accounts).all()


def test_communities_are_connected():
    planted = graphs.planted_rings(n_rings=10, ring_size=6, n_others=300, seed=4)
    graph = planted.graph
    found = partition(graph, objective="cpm", resolution=0.3, seed=0)
    inside = found.accounts[graph.account] == found.entities[graph.entity]
    components = graph.restrict(edges=inside).components()
    assert components.n == found.n_communities


@pytest.mark.parametrize(
    "wrong", [{"objective": "other"}, {"resolution": 0.0}, {"resolution": np.nan}, {"n_iterations": 0}, {"scope": "x"}]
)
def test_wrong_parameters_are_refused(wrong):
    graph = BipartiteGraph.from_arrays([0], [0])
    with pytest.raises(ValueError, match="must"):
        partition(graph, **wrong)


def test_an_empty_graph_has_an_empty_partition():
    found = partition(BipartiteGraph.from_arrays([], [], n_accounts=0, n_entities=0))
    assert found.n_communities == 0 and found.quality == 0.0


def test_stability_by_hand():
    runs = [[0, 0, 0, 1], [0, 0, 1, 1]]
    candidate, account = [0, 0, 0, 1], [0, 1, 2, 3]
    # group {0,1,2}: 1 in the first run, 2/3 in the second; group {3}: 1, then 1/2; a third group is empty
    assert graphs.stability(candidate, account, runs, n_candidates=3) == pytest.approx([5 / 6, 3 / 4, 0])
