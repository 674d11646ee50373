"""What a method says of a world, in one form for all of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Found:
    """Accused accounts: one value an account. `group` is -1 where it is not accused; `score` orders the accused."""

    group: Ints
    score: Floats

    @classmethod
    def of(cls, labels: npt.ArrayLike, *, accused: npt.ArrayLike, min_size: int, score: npt.ArrayLike) -> Found:
        """Groups of the accused accounts that have at least `min_size` of them; all others go free."""
        label = np.where(np.asarray(accused, dtype=bool), np.asarray(labels, dtype=np.int64), -1)
        names, place, count = np.unique(label, return_inverse=True, return_counts=True)
        small = (count < min_size) | (names < 0)
        kept = ~small[place]
        group = np.full(label.size, -1, dtype=np.int64)
        group[kept] = np.unique(label[kept], return_inverse=True)[1]
        return cls(group, np.where(kept, np.asarray(score, dtype=np.float64), 0.0))

    @classmethod
    def nobody(cls, n: int) -> Found:
        """No account is accused."""
        return cls(np.full(n, -1, dtype=np.int64), np.zeros(n))

    def tables(self, names: npt.NDArray[np.object_]) -> dict[str, pd.DataFrame]:
        """As the tables of a run, so that all methods are judged by the same code: every group a flagged ring."""
        inside = np.flatnonzero(self.group >= 0)
        ring = np.char.add("g", self.group[inside].astype(str)) if inside.size else np.zeros(0, dtype=str)
        members = pd.DataFrame({"ring_id": ring, "account_id": names[inside].astype(str), "membership": 1.0})
        top = max(float(self.score.max(initial=0.0)), 1e-12)
        scores = pd.Series(self.score[inside] / top).groupby(pd.Series(ring, dtype="str")).mean()
        rings = pd.DataFrame({"ring_id": scores.index.astype("str"), "score": scores.to_numpy(float)})
        rings["flagged"] = True
        rings["operator"] = pd.Series([None] * len(rings), dtype="object")
        rings["operator_id"] = pd.Series([None] * len(rings), dtype="object")
        attribution = pd.DataFrame({c: pd.Series(dtype="object") for c in ("ring_id", "operator")})
        attribution = attribution.assign(probability=pd.Series(dtype="float64"), rank=pd.Series(dtype="int64"))
        return {"rings": rings, "members": members, "attribution": attribution}


def group_sizes(labels: Ints) -> Ints:
    """For each account how many have its label."""
    _, place, count = np.unique(labels, return_inverse=True, return_counts=True)
    return count[place].astype(np.int64)
