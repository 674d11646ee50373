"""The search for groups: several graphs, objectives, resolutions and seeds; all that they find are candidates.

The same code runs on the real graph and on rewired ones. What a candidate is worth is decided elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from graphs.affinity import Affinity, affinity_partitions
from graphs.arrays import FloatArray, IntArray, as_index, connected
from graphs.bipartite import BipartiteGraph
from graphs.leiden import Partition, stability, sweep, sweep_pairs
from graphs.projection import PairGraph, rare_pairs
from graphs.ties import Entities, Groups, Ties, trim

_CUTS = (-4.0, -3.0, -1.5, 0.0, 1.5, 3.0)  # bits of affinity from which a pair connects
_RESOLUTIONS = (0.05, 0.1, 0.2, 0.35, 0.5)  # probability that a pair inside must have on average
_LEAST_BITS_ALONE = 4.0  # a tie in one family alone joins from here on, if the rule for pairs asks no less


@dataclass(frozen=True)
class SearchRules:
    """How the search goes: see the settings of the same names."""

    pair_min_bits: float
    max_degree: int
    cpm_resolutions: tuple[float, ...]
    barber_resolutions: tuple[float, ...]
    seeds: tuple[int, ...]
    min_size: int
    even_bits: float
    max_share: float = 0.5


@dataclass(frozen=True)
class Run:
    """One clustering run, for the record."""

    graph: str
    objective: str
    resolution: float
    seed: int
    quality: float
    n_communities: int


@dataclass(frozen=True, eq=False)
class Found:
    """Candidate groups after trimming, with their ties, the source of each and its stability over the runs."""

    groups: Groups
    ties: Ties
    source: tuple[str, ...]
    stability: FloatArray
    runs: tuple[Run, ...]
    labels: tuple[IntArray, ...]


def search(
    graph: BipartiteGraph, entities: Entities, star: npt.ArrayLike, rules: SearchRules, affinity: Affinity | None = None
) -> Found:
    """Find candidate groups.

    `star`: truth values, one an entity; the accounts of such an entity are a candidate by themselves (a frame, a card).
    Candidates come from connected components and CPM communities of the pair graph, from Barber communities of the
    bipartite graph, from pairs of one family alone and of two or more, from pairs by their affinity, and from stars.
    Each is trimmed to the accounts that belong; equal ones stand once.
    """
    pairs = rare_pairs(graph, family=entities.family, max_degree=rules.max_degree, min_bits=rules.pair_min_bits)
    runs, labels = _partitions(graph, pairs, rules)
    raw = [_groups_of(label, rules.min_size) for label in labels]
    raw.append(_groups_of(connected(pairs.a, pairs.b, pairs.n_accounts), rules.min_size))
    apart = _apart(graph, entities, pairs, rules)
    raw += apart
    alike = _alike(affinity, rules)
    raw += alike
    raw.append(_stars(graph, as_index(np.flatnonzero(np.asarray(star)), "star", graph.n_entities), rules.min_size))
    names = [f"{r.graph} {r.objective} {r.resolution:g}" for r in runs] + ["pairs components"]
    names += ["part of the evidence"] * len(apart) + ["affinity"] * len(alike) + ["star"]
    groups, source = _together(raw, names)
    groups, source = _unlike(groups, source, rules, graph.n_accounts)
    groups, found = trim(graph, groups, entities, even_bits=rules.even_bits)
    keep = _distinct(groups, rules, graph.n_accounts)
    groups, found, source = _renumber(groups, found, source, keep)
    steady = stability(groups.group, groups.account, np.array(labels), n_candidates=groups.n)
    return Found(groups, found, tuple(source), steady, tuple(runs), tuple(labels))


def _partitions(graph: BipartiteGraph, pairs: PairGraph, rules: SearchRules) -> tuple[list[Run], list[IntArray]]:
    runs, labels = [], []
    for seed in rules.seeds:
        by_pairs = sweep_pairs(pairs, rules.cpm_resolutions, objective="cpm", seed=seed)
        by_both = sweep(graph, rules.barber_resolutions, objective="barber", seed=seed)
        runs += [_run("pairs", part, rules.min_size) for part in by_pairs]
        runs += [_run("bipartite", part, rules.min_size) for part in by_both]
        labels += [part.accounts for part in (*by_pairs, *by_both)]
    return runs, labels


def _apart(graph: BipartiteGraph, entities: Entities, pairs: PairGraph, rules: SearchRules) -> list[Groups]:
    """Communities by each family of evidence alone, and by pairs that are tied in two families or more.

    A ring behind a crowded proxy is glued to strangers by its addresses; its frames alone, or cards, show its edge.
    """
    labels = _labels_of(pairs.restrict(pairs.n_families >= 2), rules)
    for family in np.unique(entities.family).tolist():
        of_family = graph.restrict(entities=entities.family == family)
        min_bits = min(rules.pair_min_bits, _LEAST_BITS_ALONE)
        part = rare_pairs(of_family, family=entities.family, max_degree=rules.max_degree, min_bits=min_bits)
        labels += _labels_of(part, rules)
    return [_groups_of(label, rules.min_size) for label in labels]


def _labels_of(pairs: PairGraph, rules: SearchRules) -> list[IntArray]:
    """Connected components and CPM communities of some pairs."""
    if pairs.n_pairs == 0:
        return []
    found = sweep_pairs(pairs, rules.cpm_resolutions, objective="cpm", seed=rules.seeds[0])
    return [connected(pairs.a, pairs.b, pairs.n_accounts), *(p.accounts for p in found)]


def _alike(affinity: Affinity | None, rules: SearchRules) -> list[Groups]:
    """Groups that hang together by affinity, from loose to tight."""
    if affinity is None:
        return []
    labels = affinity_partitions(affinity, cuts=_CUTS, resolutions=_RESOLUTIONS, seed=rules.seeds[0])
    return [_groups_of(label, rules.min_size) for label in labels]


def _run(graph: str, part: Partition, min_size: int) -> Run:
    sizes = np.bincount(part.accounts) if part.accounts.size else np.zeros(0)
    of = part.parameters
    return Run(graph, of.objective, of.resolution, of.seed, part.quality, int((sizes >= min_size).sum()))


def _groups_of(labels: IntArray, min_size: int) -> Groups:
    """The communities of a partition that have at least `min_size` accounts."""
    sizes = np.bincount(labels) if labels.size else np.zeros(0, dtype=np.int64)
    large = np.flatnonzero(sizes >= min_size)
    number = np.full(sizes.size, -1, dtype=np.int64)
    number[large] = np.arange(large.size)
    rows = np.flatnonzero(number[labels] >= 0) if labels.size else np.zeros(0, dtype=np.int64)
    return Groups.from_arrays(number[labels[rows]] if rows.size else rows, rows, large.size)


def _stars(graph: BipartiteGraph, star: IntArray, min_size: int) -> Groups:
    degree = graph.entity_degrees()
    chosen = star[degree[star] >= min_size]
    number = np.full(graph.n_entities, -1, dtype=np.int64)
    number[chosen] = np.arange(chosen.size)
    rows = number[graph.entity] >= 0
    return Groups.from_arrays(number[graph.entity[rows]], graph.account[rows], chosen.size)


def _together(raw: list[Groups], names: list[str]) -> tuple[Groups, list[str]]:
    offset, group, account, source = 0, [], [], []
    for groups, name in zip(raw, names, strict=True):
        group.append(groups.group + offset)
        account.append(groups.account)
        source += [name] * groups.n
        offset += groups.n
    return Groups(offset, np.concatenate(group), np.concatenate(account)), source


def _digests(groups: Groups) -> npt.NDArray[np.uint64]:
    """A number that is equal for groups with equal members (a sum of mixed account numbers)."""
    x = groups.account.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        x = (x ^ (x >> np.uint64(shift))) * np.uint64(factor)
    out = np.zeros(groups.n, dtype=np.uint64)
    np.add.at(out, groups.group, x ^ (x >> np.uint64(31)))
    return out


def _unlike(groups: Groups, source: list[str], rules: SearchRules, n_accounts: int) -> tuple[Groups, list[str]]:
    """Each set of accounts once, too small and too large ones left out, before the costly work."""
    keep = _distinct(groups, rules, n_accounts)
    number = np.full(groups.n, -1, dtype=np.int64)
    number[keep] = np.arange(keep.size)
    rows = number[groups.group] >= 0
    return Groups(keep.size, number[groups.group[rows]], groups.account[rows]), [source[i] for i in keep]


def _distinct(groups: Groups, rules: SearchRules, n_accounts: int) -> IntArray:
    """Numbers of the groups to keep: the first of each set of equal ones, of permitted size."""
    sizes = groups.sizes
    _, first = np.unique(_digests(groups), return_index=True)
    first = np.sort(first)
    # In a very small input everything may be one ring; the share bounds only what is large.
    fits = (sizes[first] >= rules.min_size) & (sizes[first] <= max(rules.max_share * n_accounts, 200))
    return np.asarray(first[fits], dtype=np.int64)


def _renumber(groups: Groups, found: Ties, source: list[str], keep: IntArray) -> tuple[Groups, Ties, list[str]]:
    """Number the kept groups by their smallest account, then size, so that the order of finding leaves no trace."""
    first = np.full(groups.n, np.iinfo(np.int64).max)
    np.minimum.at(first, groups.group, groups.account)
    order = keep[np.lexsort((_digests(groups)[keep], groups.sizes[keep], first[keep]))]
    number = np.full(groups.n, -1, dtype=np.int64)
    number[order] = np.arange(order.size)
    rows = np.flatnonzero(number[groups.group] >= 0)
    new = number[groups.group[rows]]
    sort = np.lexsort((groups.account[rows], new))
    rows = rows[sort]
    return (
        Groups(order.size, new[sort], groups.account[rows]),
        Ties(found.bits[rows], found.coverage[order], found.total[rows]),
        [source[i] for i in order],
    )
