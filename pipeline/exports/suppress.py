"""Small counts kept back so that they cannot be computed from what is shown.

Groups below `k` go into one rest with as many others as it takes; a column total is kept back where, with the rows,
it would tell of fewer than `k` accounts in the rest; and linear programming checks that no hidden count is left with
only one possible value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Group = tuple[tuple[str, ...], int]  # a combination of things, and how many accounts have exactly it


@dataclass(frozen=True)
class Shown:
    """What may be shown of a ring: combinations with their counts, the rest, and totals by thing (None: kept back)."""

    groups: tuple[Group, ...]
    rest: int
    totals: dict[str, int | None]


def telling(n: int, k: int) -> bool:
    """Whether a count speaks of too few: between one and `k - 1`."""
    return 0 < n < k


def split_rest(groups: Sequence[Group], mixed: int, k: int, most: int) -> tuple[list[Group], list[Group]]:
    """Groups that are shown (at most `most`, largest first) and those that go into the rest, beside `mixed` accounts.

    The rest is empty, or holds at least `k` accounts and never a single small group alone.
    """
    order = sorted(groups, key=lambda g: (-g[1], g[0]))
    shown = [g for g in order[:most] if g[1] >= k]
    hidden = order[len(shown) :]

    def too_few() -> bool:
        alone = len(hidden) == 1 and not mixed and hidden[0][1] < k
        return telling(mixed + sum(n for _, n in hidden), k) or alone

    while shown and too_few():
        hidden.append(shown.pop())
    return shown, hidden


def protect(groups: Sequence[Group], mixed: int, totals: Mapping[str, int], k: int, most: int) -> Shown:
    """What may be shown of exact groups and totals by thing.

    `groups` are disjoint: each account has exactly one combination of things. `mixed` further accounts have unknown
    combinations. `totals` counts the accounts of each thing, `mixed` ones among them.
    """
    shown, hidden = split_rest(groups, mixed, k, most)
    rest = mixed + sum(n for _, n in hidden)
    size = mixed + sum(n for _, n in groups)
    kept: dict[str, int | None] = {}
    for thing, total in sorted(totals.items()):
        inside = total - sum(n for c, n in shown if thing in c)
        told = any(telling(n, k) for n in (total, size - total, inside, rest - inside))
        kept[thing] = None if told else total
    if recoverable(shown, hidden, mixed, kept, k):
        kept = dict.fromkeys(kept)
    return Shown(tuple(shown), rest, kept)


def recoverable(
    shown: Sequence[Group], hidden: Sequence[Group], mixed: int, totals: Mapping[str, int | None], k: int
) -> list[tuple[str, ...]]:
    """Hidden combinations below `k` whose count follows from what is shown, by linear programming.

    The reader is given more than is published: which combinations exist among the hidden ones.
    """
    small = [i for i, (_, n) in enumerate(hidden) if telling(n, k)]
    if not small:
        return []
    told = {t: n for t, n in totals.items() if n is not None}
    # variables: the hidden groups, the mixed accounts, and for each thing how many of the mixed have it
    wide = len(hidden) + 1 + len(told)
    rows = [np.r_[np.ones(len(hidden) + 1), np.zeros(len(told))]]
    values = [float(mixed + sum(n for _, n in hidden))]
    for at, (thing, total) in enumerate(told.items()):
        row = np.zeros(wide)
        row[: len(hidden)] = [thing in c for c, _ in hidden]
        row[len(hidden) + 1 + at] = 1.0
        rows.append(row)
        values.append(float(total - sum(n for c, n in shown if thing in c)))
    bounds = [(0.0, None)] * len(hidden) + [(0.0, None if mixed else 0.0)] * (1 + len(told))
    return [hidden[i][0] for i in small if room(np.array(rows), np.array(values), bounds, i) < 1.0]


def room(
    rows: npt.NDArray[np.float64], values: npt.NDArray[np.float64], bounds: list[tuple[float, float | None]], at: int
) -> float:
    """How far one hidden count can move while all that is shown stays true (0 where it follows)."""
    from scipy.optimize import linprog

    aim = np.zeros(rows.shape[1])
    aim[at] = 1.0
    low = linprog(aim, A_eq=rows, b_eq=values, bounds=bounds)
    high = linprog(-aim, A_eq=rows, b_eq=values, bounds=bounds)
    if high.status == 3:  # without bound
        return float("inf")
    if not (low.success and high.success):
        return 0.0
    return -float(high.fun or 0.0) - float(low.fun or 0.0)
