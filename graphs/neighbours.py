"""What the groups that overlap with a group say of it: larger ones around it, parts of it, near copies, others beside.

A true ring is found again and again in slightly different shapes; a group that only its own search likes is not.
"""

from __future__ import annotations

import numpy as np

from graphs.additive import bits_to_probability
from graphs.arrays import FloatArray, IntArray, as_index, as_values, count_by, sum_by
from graphs.ties import Groups

RELATIONS = ("around", "within", "alike", "beside")
NAMES: tuple[str, ...] = (
    *(f"{relation}_{what}" for relation in RELATIONS for what in ("best", "mean", "bits")),
    "overlap_best", "overlap_bits", "members_best", "members_mean",
)  # fmt: skip

_MOST_OF_IT = 0.8  # share of the smaller group from which one lies in the other
_ALIKE, _BESIDE = 0.6, 0.1  # Jaccard indices
_ROWS_PER_BLOCK = 500  # groups asked about at a time; it bounds memory


def neighbours(groups: Groups, asked: IntArray, bits: FloatArray) -> FloatArray:
    """One row a group asked about, one column a name of `NAMES`; nan where no other group stands so to it.

    `asked`: numbers of groups; `bits`: log odds of every group, in bits. For each relation the best and the mean
    probability of the others and their mean bits. `overlap_best`: the best probability times Jaccard index of any
    other; `overlap_bits`: mean bits of the others by Jaccard index; `members_best`, `members_mean`: the best and the
    mean probability of the groups that hold a member, mean over members.
    """
    import scipy.sparse as sp

    wanted, odds = as_index(asked, "asked", groups.n), as_values(bits, "bits", groups.n)
    probability, sizes = bits_to_probability(odds), groups.sizes
    n_accounts = int(groups.account.max()) + 1 if groups.account.size else 0
    shape = (groups.n, n_accounts)
    member = sp.csr_array((np.ones(groups.account.size), (groups.group, groups.account)), shape=shape)
    per_account = count_by(groups.account, n_accounts)
    best = np.zeros(n_accounts)
    np.maximum.at(best, groups.account, probability[groups.group])
    mean = sum_by(groups.account, probability[groups.group], n_accounts) / np.maximum(per_account, 1)
    found = np.full((wanted.size, len(NAMES)), np.nan)
    for start in range(0, wanted.size, _ROWS_PER_BLOCK):
        block = wanted[start : start + _ROWS_PER_BLOCK]
        shared = (member[block] @ member.T).tocoo()
        row, other, common = shared.row.astype(np.int64), shared.col.astype(np.int64), shared.data
        order = np.lexsort((other, row))
        order = order[other[order] != block[row[order]]]
        row, other, common = row[order], other[order], common[order]
        of_mine, of_other = common / sizes[block[row]], common / sizes[other]
        jaccard = common / (sizes[block[row]] + sizes[other] - common)
        larger = sizes[other] > sizes[block[row]]
        stands = {
            "around": (of_mine >= _MOST_OF_IT) & larger, "within": (of_other >= _MOST_OF_IT) & ~larger,
            "alike": jaccard >= _ALIKE, "beside": (jaccard > _BESIDE) & (jaccard < _ALIKE),
        }  # fmt: skip
        part = found[start : start + block.size]
        for place, relation in enumerate(RELATIONS):
            kept = stands[relation]
            at, p, b = row[kept], probability[other[kept]], odds[other[kept]]
            n = count_by(at, block.size)
            part[:, 3 * place] = _highest(at, p, block.size)
            part[:, 3 * place + 1] = _mean(sum_by(at, p, block.size), n)
            part[:, 3 * place + 2] = _mean(sum_by(at, b, block.size), n)
        after = 3 * len(RELATIONS)
        part[:, after] = _highest(row, probability[other] * jaccard, block.size)
        part[:, after + 1] = _mean(sum_by(row, jaccard * odds[other], block.size), sum_by(row, jaccard, block.size))
        mine = member[block]
        part[:, after + 2] = np.asarray(mine @ best) / sizes[block]
        part[:, after + 3] = np.asarray(mine @ mean) / sizes[block]
    return np.round(found, 9)


def _highest(row: IntArray, values: FloatArray, size: int) -> FloatArray:
    out = np.full(size, -np.inf)
    np.maximum.at(out, row, values)
    return np.where(np.isfinite(out), out, np.nan)


def _mean(total: FloatArray, weight: FloatArray | IntArray) -> FloatArray:
    return np.where(weight > 0, total / np.where(weight > 0, weight, 1), np.nan)
