"""Groups by Leiden communities: modularity, Barber's modularity, against rewired graphs, with rare things only."""

from __future__ import annotations

import random

import numpy as np
import numpy.typing as npt
import pandas as pd

from graphs import BipartiteGraph, partition, rewire
from tests.benchmarks.detection.baselines.linking import allowed, degrees
from tests.benchmarks.detection.found import Found, group_sizes
from tests.benchmarks.detection.ground import Ground

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_STRANGERS = ("carrier NAT", "VPN exit", "campus", "public template", "agent default template")


def graph_of(ground: Ground, edges: pd.DataFrame, weights: Floats | None = None) -> BipartiteGraph:
    """The bipartite graph of some edges, each of weight 1 or of its entity's."""
    entity = edges["entity"].to_numpy()
    bits = np.ones(entity.size) if weights is None else weights[entity]
    return BipartiteGraph.from_arrays(
        edges["account"].to_numpy(), entity, bits, n_accounts=ground.n, n_entities=len(ground.things)
    )


def rarity(ground: Ground) -> Floats:
    """ln(N / accounts) of each entity."""
    return np.log(max(ground.n, 2) / degrees(ground).astype(float))


def modularity(ground: Ground, *, min_size: int, ranges: str = "unused", seed: int = 0) -> Found:
    """Leiden modularity on the raw bipartite graph; every community from `min_size` accounts on is flagged."""
    import igraph

    edges = ground.only(allowed(ground, ranges))
    graph = igraph.Graph(ground.n + len(ground.things))
    graph.add_edges(np.column_stack((edges["account"].to_numpy(), edges["entity"].to_numpy() + ground.n)))
    igraph.set_random_number_generator(random.Random(seed))
    try:
        labels = np.asarray(graph.community_leiden("modularity", n_iterations=2).membership)[: ground.n]
    finally:
        igraph.set_random_number_generator(random)
    return Found.of(labels, accused=np.ones(ground.n), min_size=min_size, score=group_sizes(labels))


def barber(ground: Ground, *, gamma: float, min_size: int, ranges: str = "unused", seed: int = 0) -> Found:
    """Barber's modularity on the bipartite graph, no scoring."""
    graph = graph_of(ground, ground.only(allowed(ground, ranges)))
    labels = partition(graph, resolution=gamma, seed=seed).accounts
    return Found.of(labels, accused=np.ones(ground.n), min_size=min_size, score=group_sizes(labels))


def against_rewired(ground: Ground, *, gamma: float, rewirings: int, ranges: str = "unused", seed: int = 0) -> Found:
    """Barber communities whose rarity an account is above the best of as many rewired graphs, from 5 accounts on."""
    graph = graph_of(ground, ground.only(allowed(ground, ranges)))
    kind = np.unique(ground.things["family"].to_numpy(str), return_inverse=True)[1]
    labels, score = _scored(ground, graph, gamma, seed)
    best = 0.0
    for number in range(rewirings):
        _, chance = _scored(ground, rewire(graph, kind, seed=seed + 1 + number), gamma, seed)
        best = max(best, float(chance.max(initial=0.0)))
    return Found.of(labels, accused=score > best, min_size=5, score=score)


def _scored(ground: Ground, graph: BipartiteGraph, gamma: float, seed: int) -> tuple[Ints, Floats]:
    """Barber communities and, for each account, the mean rarity an account of its community of what it shares."""
    labels = partition(graph, resolution=gamma, seed=seed).accounts
    inside = _inside(graph, labels)
    value = np.where(inside >= 2, rarity(ground)[graph.entity], 0.0)
    total = np.bincount(labels[graph.account], weights=value, minlength=labels.max(initial=0) + 1)
    size = np.bincount(labels, minlength=total.size)
    mean = np.where(size >= 5, total / np.maximum(size, 1), 0.0)
    return labels, mean[labels]


def _inside(graph: BipartiteGraph, labels: Ints) -> Ints:
    """For each edge how many accounts of its account's community have its entity."""
    key = labels[graph.account] * np.int64(max(graph.n_entities, 1)) + graph.entity
    return group_sizes(key)


def rare_in_two(
    ground: Ground, *, gamma: float, cap: int, weighted: bool, classes: str, ranges: str = "unused", seed: int = 0
) -> Found:
    """Barber communities over things of at most `cap` accounts; accounts tied in two families, from 5 on.

    `classes` = `ours` leaves out what our own line classes as shared by strangers or public; `none` does not.
    """
    keep = allowed(ground, ranges) & (degrees(ground) <= cap)
    if classes == "ours":
        keep &= ~ground.things["class"].isin(_STRANGERS).to_numpy(bool)
        keep &= ground.things["left_out_because"].isna().to_numpy(bool)
    graph = graph_of(ground, ground.only(keep), rarity(ground) if weighted else None)
    labels = partition(graph, resolution=gamma, seed=seed).accounts
    shared = _inside(graph, labels) >= 2
    families, number = np.unique(ground.things["family"].to_numpy(str), return_inverse=True)
    has = np.zeros((ground.n, families.size), dtype=bool)
    has[graph.account[shared], number[graph.entity[shared]]] = True
    value = np.bincount(
        graph.account[shared], weights=rarity(ground)[graph.entity[shared]], minlength=ground.n
    )  # fmt: skip
    return Found.of(labels, accused=has.sum(axis=1) >= 2, min_size=5, score=value)
