"""Small graphs with planted rings and known truth, for tests and benchmarks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphs.arrays import IntArray, require
from graphs.bipartite import BipartiteGraph


@dataclass(frozen=True, eq=False)
class Planted:
    """A graph with its truth: the ring of each account (-1 for none), the type (family) of each entity."""

    graph: BipartiteGraph
    ring: IntArray
    entity_type: IntArray


def planted_rings(
    *,
    n_rings: int,
    ring_size: int,
    n_others: int,
    entities_per_ring: int = 6,
    entities_per_member: int = 3,
    common_entities: int = 50,
    common_per_account: int = 2,
    n_types: int = 3,
    seed: int = 0,
) -> Planted:
    """Plant rings whose members share a few entities of their own, among accounts that share common ones.

    Each member has `entities_per_member` of its ring's `entities_per_ring` entities, one more of its own, and, like
    everyone, `common_per_account` of `common_entities` entities with heavy-tailed popularity. Bits are log2 of the
    number of accounts over the number that have the entity. Accounts are mixed, so that no number tells a ring.
    """
    require(1 <= entities_per_member <= entities_per_ring, "entities_per_member must lie in 1 .. entities_per_ring")
    require(0 <= common_per_account <= common_entities, "common_per_account must lie in 0 .. common_entities")
    generator = np.random.default_rng(seed)
    n_members, n_accounts = n_rings * ring_size, n_rings * ring_size + n_others
    number = generator.permutation(n_accounts)
    ring_of = np.repeat(np.arange(n_rings), ring_size)
    chosen = generator.random((n_members, entities_per_ring)).argsort(axis=1)[:, :entities_per_member]
    shared = ring_of[:, None] * entities_per_ring + chosen
    popularity = 1.0 / np.arange(1, common_entities + 1)
    draw = np.log(generator.random((n_accounts, common_entities))) / popularity
    common = np.argsort(-draw, axis=1)[:, :common_per_account]
    first_common = n_rings * entities_per_ring
    first_own = first_common + common_entities
    account = np.concatenate(
        (
            np.repeat(number[:n_members], entities_per_member),
            np.repeat(number, common_per_account),
            number,
        )
    )
    entity = np.concatenate((shared.ravel(), first_common + common.ravel(), first_own + np.arange(n_accounts)))
    n_entities = first_own + n_accounts
    degree = np.bincount(entity, minlength=n_entities)
    bits = np.log2(n_accounts / degree[entity])
    ring = np.full(n_accounts, -1, dtype=np.int64)
    ring[number[:n_members]] = ring_of
    graph = BipartiteGraph.from_arrays(account, entity, bits, n_accounts=n_accounts, n_entities=n_entities)
    return Planted(graph, ring, np.arange(n_entities, dtype=np.int64) % n_types)
