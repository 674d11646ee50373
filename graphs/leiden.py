"""Leiden communities on the bipartite graph and on pairs of accounts, seeded and numbered canonically.

Every objective here is one form, "weight inside a community minus a penalty for its size", and so one call of igraph:

    sum over communities of  (bits inside) - resolution * (out-weights inside) * (in-weights inside)

- "barber" (bipartite modularity; Barber, Physical Review E 76, 2007): the weights of accounts and entities are their
  strengths, one side divided by the total bits. It compares with a random graph of the same strengths.
- "cpm" (constant Potts model; Traag, Van Dooren and Nesterov, Physical Review E 84, 2011): all weights are 1, so
  `resolution` is the bits an account-entity pair must have on average. It does not depend on the rest of the graph.
- "modularity" on pairs (Newman and Girvan, Physical Review E 69, 2004): weights are strengths.

The algorithm is that of Traag, Waltman and van Eck (Scientific Reports 9, 2019) as igraph runs it.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from graphs.arrays import (
    FloatArray,
    IntArray,
    connected,
    frozen,
    number_by_first,
    require,
    run_lengths,
    run_starts,
    sum_by,
)
from graphs.bipartite import BipartiteGraph
from graphs.projection import PairGraph

BipartiteObjective = Literal["barber", "cpm"]
PairObjective = Literal["modularity", "cpm"]
Scope = Literal["graph", "component"]

# igraph draws from one generator for the whole process, and calls back into Python for it
_IGRAPH_GENERATOR = threading.Lock()
# components with at least so many edges are clustered one by one, the rest together
_LARGE_COMPONENT = 5_000


@dataclass(frozen=True)
class PartitionParameters:
    """What a partition was made with. `resolution`: see the module; `scope`: over what strengths are normed."""

    objective: str
    resolution: float
    seed: int
    n_iterations: int
    scope: Scope


@dataclass(frozen=True, eq=False)
class Partition:
    """Communities of one Leiden run.

    `accounts`, `entities`: the community of each vertex, numbered by the smallest account in it; communities of
    entities alone come last; of a pair graph `entities` is empty. `quality`: the objective, divided by the total
    bits (0 where there are none). `n_communities` counts single vertices as well.
    """

    accounts: IntArray
    entities: IntArray
    quality: float
    n_communities: int
    parameters: PartitionParameters


@dataclass(frozen=True, eq=False)
class _Problem:
    """One graph to cluster: edges, and what each vertex weighs in the penalty (out on one side, in on the other)."""

    source: IntArray
    target: IntArray
    bits: FloatArray
    out_weight: FloatArray
    in_weight: FloatArray
    directed: bool

    @property
    def n_vertices(self) -> int:
        return int(self.out_weight.size)


def partition(
    graph: BipartiteGraph,
    *,
    objective: BipartiteObjective = "barber",
    resolution: float = 1.0,
    seed: int = 0,
    n_iterations: int = 2,
    scope: Scope = "graph",
) -> Partition:
    """Cluster accounts and entities together.

    `resolution` above 0 (for "cpm" in bits an account-entity pair); `n_iterations` below 0 means until nothing
    improves. With `scope="component"` Barber's null model is taken within each connected component, so that a
    component's communities do not depend on how much else there is. Edges of 0 bits tie nothing. The same graph, in
    whatever order its edges were given, and the same parameters give the same partition.
    Raises ValueError for a resolution that is not positive or an unknown objective.
    """
    return sweep(
        graph, (resolution,), objective=objective, seed=seed, n_iterations=n_iterations, scope=scope
    )[0]  # fmt: skip


def sweep(
    graph: BipartiteGraph,
    resolutions: Sequence[float],
    *,
    objective: BipartiteObjective = "barber",
    seed: int = 0,
    n_iterations: int = 2,
    scope: Scope = "graph",
) -> list[Partition]:
    """`partition` at each resolution; the graph is made ready once for all."""
    known = [_parameters(objective, ("barber", "cpm"), r, seed, n_iterations, scope) for r in resolutions]
    return _partitions(_bipartite_problem(graph, objective, scope), graph.n_accounts, known)


def partition_pairs(
    pairs: PairGraph,
    *,
    objective: PairObjective = "modularity",
    resolution: float = 1.0,
    seed: int = 0,
    n_iterations: int = 2,
    scope: Scope = "graph",
) -> Partition:
    """Cluster accounts over pairs; as `partition`, with `entities` empty.

    Modularity over the whole graph merges small rings as the graph grows; with `scope="component"` it does not, but
    then it splits a ring that is a component of its own. For "cpm" the resolution is the bits a pair of accounts must
    have on average, and neither happens.
    """
    return sweep_pairs(
        pairs, (resolution,), objective=objective, seed=seed, n_iterations=n_iterations, scope=scope
    )[0]  # fmt: skip


def sweep_pairs(
    pairs: PairGraph,
    resolutions: Sequence[float],
    *,
    objective: PairObjective = "modularity",
    seed: int = 0,
    n_iterations: int = 2,
    scope: Scope = "graph",
) -> list[Partition]:
    """`partition_pairs` at each resolution; the graph is made ready once for all."""
    known = [_parameters(objective, ("modularity", "cpm"), r, seed, n_iterations, scope) for r in resolutions]
    return _partitions(_pair_problem(pairs, objective, scope), pairs.n_accounts, known)


def bipartite_quality(
    graph: BipartiteGraph,
    accounts: IntArray,
    entities: IntArray,
    *,
    objective: BipartiteObjective = "barber",
    resolution: float = 1.0,
    scope: Scope = "graph",
) -> float:
    """The objective of any grouping of accounts and entities, divided by the total bits; 0 for a graph without."""
    problem = _bipartite_problem(graph, objective, scope)
    return _quality(problem, np.concatenate((accounts, entities)), resolution)


def pair_quality(
    pairs: PairGraph,
    accounts: IntArray,
    *,
    objective: PairObjective = "modularity",
    resolution: float = 1.0,
    scope: Scope = "graph",
) -> float:
    """The objective of any grouping of accounts over pairs, divided by the total bits; 0 for a graph without."""
    return _quality(_pair_problem(pairs, objective, scope), accounts, resolution)


def _parameters(
    objective: str, known: tuple[str, ...], resolution: float, seed: int, n_iterations: int, scope: Scope
) -> PartitionParameters:
    require(objective in known, f"objective must be one of {', '.join(known)}, found {objective!r}")
    require(scope in ("graph", "component"), f"scope must be graph or component, found {scope!r}")
    require(bool(np.isfinite(resolution)) and resolution > 0, f"resolution must be above 0, found {resolution}")
    require(n_iterations != 0, "n_iterations must not be 0")
    return PartitionParameters(objective, float(resolution), seed, n_iterations, scope)


def _bipartite_problem(graph: BipartiteGraph, objective: str, scope: Scope) -> _Problem:
    n, m = graph.n_accounts, graph.n_entities
    source, target = graph.account, graph.entity + n
    if objective == "cpm":
        out_weight, in_weight = np.ones(n), np.ones(m)
    else:
        total = _totals(source, target, graph.bits, n + m, scope)
        out_weight, in_weight = graph.account_strengths() / total[:n], graph.entity_strengths()
    return _Problem(
        source=source,
        target=target,
        bits=graph.bits,
        out_weight=np.concatenate((out_weight, np.zeros(m))),
        in_weight=np.concatenate((np.zeros(n), in_weight)),
        directed=True,
    )


def _pair_problem(pairs: PairGraph, objective: str, scope: Scope) -> _Problem:
    n = pairs.n_accounts
    if objective == "cpm":
        weight = np.ones(n)
    else:
        strength = sum_by(pairs.a, pairs.bits, n) + sum_by(pairs.b, pairs.bits, n)
        weight = strength / np.sqrt(2.0 * _totals(pairs.a, pairs.b, pairs.bits, n, scope))
    return _Problem(pairs.a, pairs.b, pairs.bits, out_weight=weight, in_weight=weight, directed=False)


def _totals(source: IntArray, target: IntArray, bits: FloatArray, n_vertices: int, scope: Scope) -> FloatArray:
    """For each vertex the total bits that its strength is normed by; 1 where there are none."""
    if scope == "graph":
        total = np.full(n_vertices, bits.sum())
    else:
        label = connected(source, target, n_vertices)
        total = sum_by(label[source], bits, n_vertices)[label]
    return np.where(total > 0, total, 1.0)


def _partitions(problem: _Problem, n_accounts: int, known: Sequence[PartitionParameters]) -> list[Partition]:
    """Communities with each of the parameters, which differ in their resolution alone; accounts come first."""
    if not known:
        return []
    found = _cluster(problem, [p.resolution for p in known], known[0].seed, known[0].n_iterations)
    numbered = [number_by_first(labels) for labels in found]
    return [
        _result(labels[:n_accounts], labels[n_accounts:], labels, problem, p)
        for labels, p in zip(numbered, known, strict=True)
    ]


def _cluster(problem: _Problem, resolutions: Sequence[float], seed: int, n_iterations: int) -> list[IntArray]:
    """Labels of vertices at each resolution.

    Large components go one by one, so that neither speed nor result depends on the others.
    """
    labels = [np.arange(problem.n_vertices, dtype=np.int64) for _ in resolutions]
    for edges in _batches(problem):
        vertices, part = _part(problem, edges)
        graph = _graph_of(part)
        for labels_here, resolution in zip(labels, resolutions, strict=True):
            # a community is called by its smallest vertex, whose number no other community can have
            found = _run_igraph(graph, part, resolution, seed, n_iterations)
            smallest = np.full(vertices.size, problem.n_vertices, dtype=np.int64)
            np.minimum.at(smallest, found, vertices)
            labels_here[vertices] = smallest[found]
    return labels


def _batches(problem: _Problem) -> list[IntArray]:
    """Edges that are clustered together: those of all small components, which come first, and of each large one."""
    strong = np.flatnonzero(problem.bits > 0)
    if strong.size == 0:
        return []
    source = problem.source[strong]
    label = connected(source, problem.target[strong], problem.n_vertices)[source]
    batch = np.where(np.bincount(label)[label] >= _LARGE_COMPONENT, label + 1, 0)
    order = np.argsort(batch, kind="stable")
    return np.split(strong[order], run_starts(batch[order])[1:])


def _part(problem: _Problem, edges: IntArray) -> tuple[IntArray, _Problem]:
    """The vertices of some edges, and the problem of these alone with its vertices numbered anew, in their order."""
    source, target = problem.source[edges], problem.target[edges]
    used = np.zeros(problem.n_vertices, dtype=bool)
    used[source] = True
    used[target] = True
    vertices, number = np.flatnonzero(used), np.cumsum(used) - 1
    return vertices, _Problem(
        source=number[source],
        target=number[target],
        bits=problem.bits[edges],
        out_weight=problem.out_weight[vertices],
        in_weight=problem.in_weight[vertices],
        directed=problem.directed,
    )


def _graph_of(problem: _Problem) -> Any:
    import igraph  # costs more than a second: it imports matplotlib

    graph = igraph.Graph(problem.n_vertices, directed=problem.directed)
    # an empty graph and add_edges: the constructor is several times slower on an array
    graph.add_edges(np.stack((problem.source, problem.target), axis=1))
    return graph


def _run_igraph(graph: Any, problem: _Problem, resolution: float, seed: int, n_iterations: int) -> IntArray:
    import igraph

    sides = {"node_in_weights": problem.in_weight} if problem.directed else {}
    with _IGRAPH_GENERATOR:
        igraph.set_random_number_generator(random.Random(seed))
        try:
            found = graph.community_leiden(
                objective_function="CPM",
                weights=problem.bits,
                resolution=resolution,
                node_weights=problem.out_weight,
                n_iterations=n_iterations,
                **sides,
            )
        finally:
            igraph.set_random_number_generator(random)
    return np.asarray(found.membership, dtype=np.int64)


def _quality(problem: _Problem, labels: IntArray, resolution: float) -> float:
    total = float(problem.bits.sum())
    if total == 0:
        return 0.0
    groups = np.unique(labels, return_inverse=True)[1]
    same = groups[problem.source] == groups[problem.target]
    inside = float(problem.bits[same].sum())
    out_sum = np.bincount(groups, weights=problem.out_weight)
    in_sum = np.bincount(groups, weights=problem.in_weight)
    # an undirected pair is counted once in the bits, and twice in the product of the two sums
    share = 1.0 if problem.directed else 0.5
    return (inside - resolution * share * float((out_sum * in_sum).sum())) / total


def _result(
    accounts: IntArray, entities: IntArray, labels: IntArray, problem: _Problem, parameters: PartitionParameters
) -> Partition:
    frozen(accounts)
    frozen(entities)
    quality = _quality(problem, labels, parameters.resolution)
    count = int(labels.max()) + 1 if labels.size else 0
    return Partition(accounts, entities, quality, count, parameters)


def stability(
    candidate: npt.ArrayLike, account: npt.ArrayLike, runs: npt.ArrayLike, *, n_candidates: int | None = None
) -> FloatArray:
    """How well each candidate group is found again: the mean over runs of its best Jaccard with a community.

    `candidate`, `account`: one row a membership, each once; `runs`: communities of all accounts, shape (runs,
    accounts). Returns one value in [0, 1] a candidate, 0 for one without members.
    """
    members, groups = np.asarray(account, dtype=np.int64), np.asarray(candidate, dtype=np.int64)
    labels = np.atleast_2d(np.asarray(runs, dtype=np.int64))
    require(members.size == groups.size, "candidate and account must have the same length")
    n = n_candidates if n_candidates is not None else (int(groups.max()) + 1 if groups.size else 0)
    size = np.bincount(groups, minlength=n)
    total = np.zeros(n)
    for run in labels:
        total += _best_jaccard(groups, members, size, run)
    return np.asarray(total / max(labels.shape[0], 1), dtype=np.float64)


def _best_jaccard(groups: IntArray, members: IntArray, size: npt.NDArray[np.intp], run: IntArray) -> FloatArray:
    best = np.zeros(size.size)
    community = np.unique(run, return_inverse=True)[1]
    community_size = np.bincount(community)
    found = community[members]
    order = np.lexsort((found, groups))
    starts = run_starts(groups[order], found[order])
    shared = run_lengths(starts, order.size)
    group, label = groups[order][starts], found[order][starts]
    np.maximum.at(best, group, shared / (size[group] + community_size[label] - shared))
    return best
