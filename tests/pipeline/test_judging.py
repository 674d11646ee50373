"""Which of overlapping groups stand."""

from __future__ import annotations

import numpy as np

from graphs.ties import Groups
from pipeline.judging import choose_groups


def _stand(sizes: list[int], whole: list[float], bits: list[float]) -> list[int]:
    """Groups that stand, of which each begins with the same account."""
    group = np.repeat(np.arange(len(sizes)), sizes)
    account = np.concatenate([np.arange(n) for n in sizes])
    groups = Groups.from_arrays(group, account, len(sizes))
    return sorted(choose_groups(groups, np.array(whole), np.array(bits)).group.tolist())


def test_a_crowd_does_not_swallow_a_ring_by_its_size() -> None:
    """What is expected of thousands is never quite nothing: the ring inside stands, and the crowd with the rest."""
    assert 1 in _stand([6189, 7], [0.084, 0.404], [-3.0, 0.0])


def test_of_two_as_whole_the_larger_stands() -> None:
    assert _stand([14, 9], [0.8, 0.8], [4.0, 4.0]) == [0]


def test_what_is_no_ring_by_itself_gives_way_to_the_ring_inside() -> None:
    """A ring with as many others overlaps with the ring, but nobody could be accused from it."""
    assert _stand([60, 30], [0.5, 0.5], [-6.0, 4.0]) == [1]
