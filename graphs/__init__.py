"""Mathematics on arrays: graphs of accounts and shared entities, groups in them, and how far to trust the result.

Nothing here knows table names, account ids, files or the time of day. igraph is imported only where it runs.
"""

from graphs.agreement import (
    Rates,
    Recovery,
    adjusted_rand,
    auc,
    b_cubed,
    pairwise,
    precision_at,
    precision_recall,
    ring_recovery,
    wilson_interval,
)
from graphs.bipartite import BipartiteGraph, Components
from graphs.leiden import (
    Partition,
    PartitionParameters,
    bipartite_quality,
    pair_quality,
    partition,
    partition_pairs,
    stability,
)
from graphs.null import empirical_q, gumbel_p, rewire, shuffle_hours
from graphs.planted import Planted, planted_rings
from graphs.projection import PairGraph, PairRule, combine_ties, rare_pairs
from graphs.weights import (
    damped_sum,
    decay,
    family_carriers,
    family_maximum,
    group_bits,
    leave_group_out,
    rate_bits,
    sharing_bits,
)

__all__ = [
    "BipartiteGraph",
    "Components",
    "PairGraph",
    "PairRule",
    "Partition",
    "PartitionParameters",
    "Planted",
    "Rates",
    "Recovery",
    "adjusted_rand",
    "auc",
    "b_cubed",
    "bipartite_quality",
    "combine_ties",
    "damped_sum",
    "decay",
    "empirical_q",
    "family_carriers",
    "family_maximum",
    "group_bits",
    "gumbel_p",
    "leave_group_out",
    "pair_quality",
    "pairwise",
    "partition",
    "partition_pairs",
    "planted_rings",
    "precision_at",
    "precision_recall",
    "rare_pairs",
    "rate_bits",
    "rewire",
    "ring_recovery",
    "sharing_bits",
    "shuffle_hours",
    "stability",
    "wilson_interval",
]
