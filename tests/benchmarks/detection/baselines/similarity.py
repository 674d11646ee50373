"""Groups by how alike pairs of accounts are: shared counts, cosine, Jaccard over actions; all quadratic at heart."""

from __future__ import annotations

import random

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp

from tests.benchmarks.detection.baselines.linking import allowed, degrees, family
from tests.benchmarks.detection.found import Found, group_sizes
from tests.benchmarks.detection.ground import Ground

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

PAIR_CAP = 600  # entities and buckets of more accounts make no pairs: their square would not end


def incidence(edges: pd.DataFrame, n_accounts: int, *, values: npt.ArrayLike | None = None) -> sp.csr_array:
    """Accounts by things, things renumbered from 0."""
    things, column = np.unique(edges["entity"].to_numpy(), return_inverse=True)
    data = np.ones(len(edges)) if values is None else np.asarray(values, dtype=np.float64)
    return sp.csr_array((data, (edges["account"].to_numpy(), column)), shape=(n_accounts, things.size))


def _pairs(matrix: sp.csr_array) -> sp.coo_array:
    """Upper triangle of rows times rows."""
    return sp.triu((matrix @ matrix.T).tocsr(), k=1).tocoo()


def _joined(n: int, a: Ints, b: Ints) -> Ints:
    graph = sp.coo_array((np.ones(a.size, dtype=np.int8), (a, b)), shape=(n, n))
    return sp.csgraph.connected_components(graph, directed=False)[1].astype(np.int64)


def _groups(n: int, a: Ints, b: Ints, *, min_size: int, labels: Ints | None = None) -> Found:
    """Groups of the accounts that have any pair; score by the pairs each has."""
    tied = np.bincount(np.concatenate((a, b)), minlength=n) if a.size else np.zeros(n, dtype=np.int64)
    labels = _joined(n, a, b) if labels is None else labels
    return Found.of(labels, accused=tied > 0, min_size=min_size, score=group_sizes(labels))


def shared_addresses(ground: Ground, *, shared: int, ranges: str = "unused", seed: int = 0) -> Found:
    """EvilCohort: accounts that share at least `shared` addresses, Louvain over the counts, groups from 3 on."""
    import igraph

    keep = allowed(ground, ranges) & family(ground, "network") & (degrees(ground) <= PAIR_CAP)
    pairs = _pairs(incidence(ground.only(keep), ground.n))
    strong = pairs.data >= shared
    a, b = pairs.row[strong].astype(np.int64), pairs.col[strong].astype(np.int64)
    graph = igraph.Graph(ground.n)
    graph.add_edges(np.column_stack((a, b)))
    igraph.set_random_number_generator(random.Random(seed))
    try:
        labels = graph.community_multilevel(weights=pairs.data[strong].tolist() or None).membership
    finally:
        igraph.set_random_number_generator(random)
    return _groups(ground.n, a, b, min_size=3, labels=np.asarray(labels, dtype=np.int64))


def tf_idf(ground: Ground, edges: pd.DataFrame) -> sp.csr_array:
    """Rows of accounts over things, counts times log(N / accounts), each row of length 1."""
    idf = np.log(ground.n / degrees(ground)[edges["entity"].to_numpy()])
    matrix = incidence(edges, ground.n, values=np.maximum(edges["n_events"].to_numpy(float), 1.0) * idf)
    norm = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    return sp.csr_array(sp.diags_array(1.0 / np.maximum(norm, 1e-12)) @ matrix)


def cosine(ground: Ground, *, level: float, repeated: int, ranges: str = "unused") -> Found:
    """Pacheco and others: TF-IDF cosine of accounts with `repeated` shared things or more, pairs from `level` on."""
    edges = ground.only(allowed(ground, ranges) & (degrees(ground) <= PAIR_CAP))
    many = np.bincount(edges["account"], minlength=ground.n) >= repeated
    pairs = _pairs(tf_idf(ground, edges[many[edges["account"].to_numpy()]]))
    strong = pairs.data >= level
    return _groups(ground.n, pairs.row[strong].astype(np.int64), pairs.col[strong].astype(np.int64), min_size=3)


def central_nodes(ground: Ground, *, keep: float, level: float, ranges: str = "unused") -> Found:
    """Luceri and others: cosine networks by family summed, the share `keep` of nodes that are most central stays."""
    total = sp.csr_array((ground.n, ground.n))
    for name in ("network", "payment", "text"):
        chosen = allowed(ground, ranges) & family(ground, name) & (degrees(ground) <= PAIR_CAP)
        rows = tf_idf(ground, ground.only(chosen))
        total = total + (rows @ rows.T).tocsr()
    total.setdiag(0)
    total.eliminate_zeros()
    central = _centrality(total)
    known = central[central > 0]
    least = np.quantile(known, 1.0 - keep) if known.size else np.inf
    pairs = sp.triu(total, k=1).tocoo()
    stays = central >= max(least, 1e-300)
    strong = (pairs.data >= level) & stays[pairs.row] & stays[pairs.col]
    return _groups(ground.n, pairs.row[strong].astype(np.int64), pairs.col[strong].astype(np.int64), min_size=3)


def _centrality(graph: sp.csr_array, rounds: int = 60) -> Floats:
    """Eigenvector centrality by power iteration; the shift by the vector itself keeps it from swinging."""
    x = np.full(graph.shape[0], 1.0)
    for _ in range(rounds):
        x = graph @ x + x
        x /= max(float(np.linalg.norm(x)), 1e-12)
    return np.asarray(np.where(np.asarray(graph.sum(axis=1)).ravel() > 0, x, 0.0), dtype=np.float64)


def synchronous(ground: Ground, *, tau: float, width: int, ranges: str = "unused") -> Found:
    """SynchroTrap: actions are (thing, bucket of `width` hours); pairs by Jaccard over actions from `tau` on.

    The original matches within a tolerance on either side; buckets lose pairs that straddle a border, alike for all.
    """
    chosen = allowed(ground, ranges)
    rows = ground.hours[chosen[ground.hours["entity"].to_numpy()]]
    bucket = rows["hour"].to_numpy() // width
    actions = pd.DataFrame({
        "account": rows["account"].to_numpy(),
        "entity": rows["entity"].to_numpy() * np.int64(1 << 24) + bucket,
    }).drop_duplicates()  # fmt: skip
    n_actions = np.bincount(actions["account"], minlength=ground.n)
    size = actions.groupby("entity")["account"].transform("size")
    pairs = _pairs(incidence(actions[(size >= 2) & (size <= PAIR_CAP)], ground.n))
    either = n_actions[pairs.row] + n_actions[pairs.col] - pairs.data
    strong = (pairs.data >= tau * either) & (pairs.data >= 3)
    return _groups(ground.n, pairs.row[strong].astype(np.int64), pairs.col[strong].astype(np.int64), min_size=3)
