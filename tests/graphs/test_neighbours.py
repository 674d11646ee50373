"""What overlapping groups say of a group, against a slow count by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from graphs import neighbours as module
from graphs.neighbours import NAMES, neighbours
from graphs.ties import Groups


def _groups(members: Sequence[set[int]]) -> Groups:
    group = np.repeat(np.arange(len(members)), [len(m) for m in members])
    return Groups.from_arrays(group, np.array([a for m in members for a in sorted(m)]), len(members))


def _slowly(members: Sequence[set[int]], asked: int, bits: Sequence[float]) -> dict[str, float]:
    """The same, group by group."""
    mine, p = members[asked], [1 / (1 + 2.0**-b) for b in bits]
    found: dict[str, list[int]] = {relation: [] for relation in module.RELATIONS}
    touched = []
    for other, theirs in enumerate(members):
        common = len(mine & theirs)
        if other == asked or not common:
            continue
        jaccard = common / len(mine | theirs)
        touched.append((other, jaccard))
        if common >= 0.8 * len(mine) and len(theirs) > len(mine):
            found["around"].append(other)
        if common >= 0.8 * len(theirs) and len(theirs) <= len(mine):
            found["within"].append(other)
        if jaccard >= 0.6:
            found["alike"].append(other)
        if 0.1 < jaccard < 0.6:
            found["beside"].append(other)
    said = {}
    for relation, others in found.items():
        some = bool(others)
        said[f"{relation}_best"] = max(p[o] for o in others) if some else np.nan
        said[f"{relation}_mean"] = float(np.mean([p[o] for o in others])) if some else np.nan
        said[f"{relation}_bits"] = float(np.mean([bits[o] for o in others])) if some else np.nan
    said["overlap_best"] = max((p[o] * j for o, j in touched), default=np.nan)
    weight = sum(j for _, j in touched)
    said["overlap_bits"] = sum(j * bits[o] for o, j in touched) / weight if touched else np.nan
    holding = [[p[o] for o, theirs in enumerate(members) if a in theirs] for a in mine]
    said["members_best"] = float(np.mean([max(h) for h in holding]))
    said["members_mean"] = float(np.mean([np.mean(h) for h in holding]))
    return said


@pytest.mark.parametrize("seed", range(6))
def test_as_counted_by_hand(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_ROWS_PER_BLOCK", 7)
    dice = np.random.default_rng(seed)
    members = [set(dice.choice(30, size=int(dice.integers(1, 14)), replace=False).tolist()) for _ in range(40)]
    members += [set(range(100, 105)), set(range(5)), set(range(5))]  # one that overlaps with nothing, two alike
    bits = dice.normal(-2.0, 4.0, size=len(members))
    asked = np.flatnonzero(dice.random(len(members)) < 0.6)
    found = neighbours(_groups(members), asked, bits)
    for row, group in enumerate(asked.tolist()):
        slow = _slowly(members, group, bits.tolist())
        assert found[row].tolist() == pytest.approx([slow[name] for name in NAMES], nan_ok=True, abs=1e-8), group


def test_a_part_of_a_likely_ring_hears_of_it() -> None:
    """Ten accounts and six of them: the six lie within a likely group, the ten hold an unlikely one."""
    ten, six = set(range(10)), set(range(6))
    found = neighbours(_groups([ten, six]), np.array([0, 1]), np.array([5.0, -3.0]))
    of = [dict(zip(NAMES, row, strict=True)) for row in found.tolist()]
    assert (of[1]["around_bits"], of[0]["within_bits"]) == (5.0, -3.0)
    assert np.isnan([of[0]["around_bits"], of[1]["within_bits"]]).all()
    assert of[1]["members_best"] == pytest.approx(1 / (1 + 2.0**-5))


def test_nothing_asked() -> None:
    assert neighbours(_groups([{1, 2}]), np.zeros(0, dtype=np.int64), np.zeros(1)).shape == (0, len(NAMES))
