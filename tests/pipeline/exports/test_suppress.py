"""Small counts cannot be computed back from what is shown: attacked by linear programming."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog

from pipeline.exports.suppress import Shown, protect, recoverable, split_rest, telling

THINGS = ("card", "mail", "net", "text")
groups_of = st.dictionaries(
    st.frozensets(st.sampled_from(THINGS), min_size=1).map(lambda s: tuple(sorted(s))), st.integers(1, 40), max_size=12
).map(lambda d: sorted(d.items()))


def totals_of(groups: list[tuple[tuple[str, ...], int]]) -> dict[str, int]:
    """Accounts by thing."""
    return {t: sum(n for c, n in groups if t in c) for t in THINGS if any(t in c for c, _ in groups)}


def attack(shown: Shown, groups: list[tuple[tuple[str, ...], int]], size: int) -> list[float]:
    """For each hidden group the room that is left for its count, for a reader who knows which groups exist."""
    open_groups = dict(shown.groups)
    hidden = [c for c, _ in groups if c not in open_groups]
    if not hidden:
        return []
    rows, values = [np.ones(len(hidden))], [float(size - sum(open_groups.values()))]
    for thing, total in shown.totals.items():
        if total is not None:
            rows.append(np.array([float(thing in c) for c in hidden]))
            values.append(float(total - sum(n for c, n in open_groups.items() if thing in c)))
    room = []
    for at in range(len(hidden)):
        aim = np.eye(len(hidden))[at]
        low, high = (linprog(sign * aim, A_eq=np.array(rows), b_eq=values, bounds=(0, None)) for sign in (1, -1))
        assert low.success and high.success
        room.append(-high.fun - low.fun)
    return room


@given(groups=groups_of, k=st.integers(2, 10), most=st.integers(1, 8))
def test_no_small_count_follows_from_what_is_shown(
    groups: list[tuple[tuple[str, ...], int]], k: int, most: int
) -> None:
    size = sum(n for _, n in groups)
    shown = protect(groups, 0, totals_of(groups), k, most)
    assert all(n >= k for _, n in shown.groups)
    assert sum(n for _, n in shown.groups) + shown.rest == size
    hidden = {c: n for c, n in groups if c not in dict(shown.groups)}
    for (_, n), room in zip(sorted(hidden.items()), attack(shown, groups, size), strict=True):
        # a ring below the smallest cell is never shown at all, so its only group cannot be protected here
        assert not telling(n, k) or room >= 1.0 or size < k or len(hidden) == 1


@given(groups=groups_of, k=st.integers(2, 10))
def test_totals_never_tell_of_few(groups: list[tuple[tuple[str, ...], int]], k: int) -> None:
    size = sum(n for _, n in groups)
    shown = protect(groups, 0, totals_of(groups), k, 5)
    for thing, total in shown.totals.items():
        if total is not None:
            inside = total - sum(n for c, n in shown.groups if thing in c)
            assert not any(telling(m, k) for m in (total, size - total, inside, shown.rest - inside))


def test_a_single_small_group_takes_another_with_it() -> None:
    shown, hidden = split_rest([(("card",), 30), (("net",), 20), (("text",), 2)], 0, 5, 8)
    assert [n for _, n in shown] == [30]
    assert [n for _, n in hidden] == [2, 20]


def test_a_hidden_count_that_follows_is_found() -> None:
    hidden = [(("card",), 2), (("net",), 20)]
    assert recoverable([], hidden, 0, {"card": 2, "net": 20}, 5) == [("card",)]
    assert recoverable([], hidden, 0, {"card": None, "net": None}, 5) == []
    assert recoverable([], hidden, 9, {"card": 5}, 5) == []


def test_mixed_accounts_belong_to_the_rest() -> None:
    shown = protect([(("card",), 30)], 12, {"card": 35}, 5, 8)
    assert shown.rest == 12
    assert shown.totals == {"card": 35}
    assert protect([(("card",), 30)], 12, {"card": 33}, 5, 8).totals == {"card": None}
