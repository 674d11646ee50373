"""How likely chance makes a group: groups of rewired graphs, searched and judged alike, against those that stand.

A rewired graph leaves each account what it does by itself, so members of a ring who do the same may be found together
again there. Such a group is no work of chance; what is found again in this way does not speak against the ring.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from graphs import empirical_q, gumbel_p
from pipeline.settings import NullSettings

Floats = npt.NDArray[np.float64]

_FOUND_AGAIN = 0.5  # share of a rewired group that lies in real groups, from which it is these again
_SURER = 2.0  # bits by which a part of a doubtful group may score above the whole: few are more alike than many
_LEAST_MAXIMA = 3  # best groups that their law can be told from
_MAXIMA = 7  # as many are wanted; where there are fewer rewired graphs, these are cut into blocks
_LEAST_IN_BLOCK = 100  # rewired groups in a block, so that its best follows the law of the best of many


@dataclass(frozen=True, eq=False)
class Standing:
    """Groups that stand: score of each in bits, and whether it is likely enough to be accused, chance aside; accounts
    with the place of the group they are in (no two groups)."""

    bits: Floats
    likely: npt.NDArray[np.bool_]
    account_id: npt.NDArray[np.object_]
    place: npt.NDArray[np.int64]


def rewirings_of(settings: NullSettings, n_accounts: int) -> int:
    """Rewired graphs to make of a graph of so many accounts: a large one tells as much of chance as several small."""
    return max(1, min(settings.rewirings, -(-settings.enough_accounts // max(n_accounts, 1))))


def q_values(real: Standing, null_scores: pd.DataFrame, null_members: pd.DataFrame) -> Floats:
    """False discovery rate of groups that stand: how many score as high in rewired graphs, searched and judged alike.

    Counting cannot say less than one group in all rewired graphs. Where there are three or more of these, or large
    ones, the law of their best groups goes on from there: how likely one more would hold any group as high.
    `null_members` holds the accounts of rewired groups, at least of those that score as high as any real one.
    """
    if null_scores.empty:
        return empirical_q(real.bits, [np.zeros(0)])
    by_chance = ~found_again(real, null_scores, null_members)
    bits = null_scores["score_bits"].to_numpy(float)
    rewiring = null_scores["rewiring"].to_numpy()
    chance = [bits[by_chance & (rewiring == one)] for one in np.unique(rewiring)]
    counted = empirical_q(real.bits, chance)
    blocks = _blocks_of(chance)
    best = [float(scores[i::blocks].max()) for scores in chance for i in range(blocks) if scores[i::blocks].size]
    if len(best) < _LEAST_MAXIMA:
        return counted
    with np.errstate(divide="ignore"):  # certainty stays certainty
        # the best of a graph is the best of all its blocks
        by_law = -np.expm1(blocks * np.log1p(-gumbel_p(real.bits, best)))
    return np.asarray(np.minimum(counted, by_law), dtype=np.float64)


def _blocks_of(chance: list[Floats]) -> int:
    """Blocks that each rewired graph's groups are cut into: one, unless rewired graphs are few and large."""
    smallest = min(scores.size for scores in chance)
    return max(1, min(_MAXIMA // len(chance), smallest // _LEAST_IN_BLOCK))


def found_again(real: Standing, null_scores: pd.DataFrame, null_members: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Which rewired groups lie by half in real groups that are likely, or score about as high: one value each.

    A part of a likely ring that comes together again accuses nobody but its members, however high it scores.
    """
    key = ["rewiring", "community"]
    known = pd.Series(real.place, index=real.account_id)
    place = null_members["account_id"].map(known)
    together = null_members[key].assign(place=place).dropna().groupby([*key, "place"]).size().rename("together")
    pairs = together.reset_index().merge(null_scores[[*key, "score_bits"]], on=key)
    place_of = pairs["place"].to_numpy(np.int64)
    as_high = real.bits[place_of] + _SURER >= pairs["score_bits"].to_numpy(float)
    lies_in = pairs[as_high | real.likely[place_of]].groupby(key)["together"].sum()
    size = null_members.groupby(key).size()
    again = size.index[lies_in.reindex(size.index, fill_value=0) >= _FOUND_AGAIN * size]
    return np.asarray(pd.MultiIndex.from_frame(null_scores[key]).isin(again), dtype=np.bool_)
