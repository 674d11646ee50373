"""Measures of time: how even the day is, for groups and single accounts; whether their clocks agree; weekends; common
starts and silences."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp

from graphs.ties import Groups
from pipeline.workbench import Workbench

Floats = npt.NDArray[np.float64]

_LEAST_HOURS = 8  # active hours an account needs before its rhythm says anything
_MOST_LIKE = 1.5  # few hours can make two accounts look more alike than each is to itself


@dataclass(frozen=True)
class _Task:
    part: str
    wanted: str
    memory: int


@dataclass(frozen=True, eq=False)
class Hours:
    """Who was active in which hour: `active` accounts x hours (0/1), `platform` active accounts an hour, `weekday` and
    `hour` of each column."""

    active: sp.csr_array
    platform: Floats
    weekday: npt.NDArray[np.int64]
    hour: npt.NDArray[np.int64]


def load(parts: list[str], accounts: npt.NDArray[np.object_], bench: Workbench) -> Hours | None:
    """Active hours of the given accounts and of the platform; None where nobody was active."""
    wanted = Path(bench.scratch) / "wanted.parquet"
    pd.DataFrame({"account_id": accounts, "number": np.arange(len(accounts))}).to_parquet(wanted, index=False)
    found = bench.map(_read, [_Task(p, str(wanted), bench.memory) for p in parts], what="behaviour: hours")
    platform: dict[int, int] = {}
    for _, _, hours, counts in found:
        for hour, count in zip(hours.tolist(), counts.tolist(), strict=True):
            platform[hour] = platform.get(hour, 0) + count
    if not platform:
        return None
    first, last = min(platform), max(platform)
    size = last - first + 1
    everybody = np.zeros(size)
    everybody[np.array(list(platform)) - first] = list(platform.values())
    account = np.concatenate([f[0] for f in found])
    hour = np.concatenate([f[1] for f in found]) - first
    shape = (len(accounts), size)
    active = sp.csr_array((np.ones(account.size, dtype=np.float32), (account, hour)), shape=shape)
    number = np.arange(first, last + 1)
    # 1 January 1970 was a Thursday; Monday is 0.
    return Hours(active, everybody, (number // 24 + 3) % 7, number % 24)


def _read(task: _Task) -> tuple[npt.NDArray[np.int64], ...]:
    """Hours (since 1970) of the wanted accounts in one part, and counts of all accounts by hour."""
    import duckdb

    with duckdb.connect(config={"threads": 1, "memory_limit": f"{max(task.memory >> 20, 256)}MB"}) as db:
        hour = "(epoch_us(hour) // 3600000000)::BIGINT"
        mine = db.execute(
            f"""SELECT w.number AS account, {hour} AS hour FROM read_parquet('{task.part}') h
                JOIN read_parquet('{task.wanted}') w USING (account_id) WHERE h.n_events > 0 ORDER BY ALL"""
        ).fetchnumpy()
        all_ = db.execute(
            f"""SELECT {hour} AS hour, count(*) AS n FROM read_parquet('{task.part}')
                WHERE n_events > 0 GROUP BY 1 ORDER BY 1"""
        ).fetchnumpy()
    return tuple(np.asarray(x, dtype=np.int64) for x in (mine["account"], mine["hour"], all_["hour"], all_["n"]))


def measures(hours: Hours, groups: Groups) -> dict[str, Floats]:
    """All measures of time, one value a group, nan where there is too little activity."""
    by_hour = sp.csr_array(
        (np.ones(hours.hour.size, dtype=np.float32), (np.arange(hours.hour.size), hours.hour)),
        shape=(hours.hour.size, 24),
    )
    clock = np.asarray((hours.active @ by_hour).todense(), dtype=np.float64)
    member = sp.csr_array(
        (np.ones(groups.account.size, dtype=np.float32), (groups.group, groups.account)),
        shape=(groups.n, hours.active.shape[0]),
    )
    swing, weekend = _by_blocks(hours, member)
    usual = np.bincount(hours.hour, weights=hours.platform, minlength=24).astype(np.float64)
    group_clock = np.asarray(member @ clock, dtype=np.float64)
    single = _evenness(clock, correct=True)
    total = clock.sum(axis=1)
    rows_ok = np.isfinite(single) & (total >= _LEAST_HOURS)
    values = np.where(rows_ok, single, 0.0)
    n = np.asarray(member @ rows_ok.astype(np.float64)).ravel()
    no_rhythm = np.where(n >= 2, np.asarray(member @ values).ravel() / np.maximum(n, 1), np.nan)
    platform_even = _evenness(usual[None, :])[0]
    return {
        "flat_day": _evenness(group_clock) - platform_even,
        "no_rhythm": no_rhythm - (float(single[rows_ok].mean()) if rows_ok.any() else 0.0),
        "same_clock": _likeness(clock, member) - _likeness(clock, np.ones((1, len(clock))))[0],
        "weekend": weekend,
        "synchrony": swing,
    }


def _likeness(clock: Floats, member: sp.csr_array | Floats) -> Floats:
    """Likeness of the hours of the day of two accounts, over that of an account with itself: 1 where all keep the same
    hours, less where each keeps his own. One value a row of `member` (groups x accounts), nan for fewer than three.

    Both are products of shares, taken over pairs of different active hours, so that few hours give no other mean.
    """
    total = clock.sum(axis=1)
    known = (total >= _LEAST_HOURS).astype(np.float64)
    n = np.maximum(total, 2.0)
    share = clock / n[:, None] * known[:, None]
    alone = (clock * (clock - 1.0)).sum(axis=1) / (n * (n - 1.0)) * known
    k = np.asarray(member @ known).ravel()
    together = np.asarray(member @ share)
    pairs = (together**2).sum(axis=1) - np.asarray(member @ (share**2).sum(axis=1)).ravel()
    own = np.asarray(member @ alone).ravel()
    with np.errstate(divide="ignore", invalid="ignore"):
        likeness = pairs / (k * (k - 1.0)) / (own / k)
    return np.asarray(np.where((k >= 3) & (own > 0), np.clip(likeness, 0.0, _MOST_LIKE), np.nan), dtype=np.float64)


def _evenness(counts: Floats, *, correct: bool = False) -> Floats:
    """One less the length of the mean direction on the 24-hour clock: 1 is even, 0 always the same hour.

    With `correct` the length that chance alone would give at that number of hours is taken out.
    """
    angle = 2 * np.pi * np.arange(24) / 24
    total = counts.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        length2 = ((counts @ np.cos(angle)) ** 2 + (counts @ np.sin(angle)) ** 2) / total**2
        if correct:
            length2 = (length2 - 1.0 / total) / (1.0 - 1.0 / total)
    return np.asarray(np.where(total >= _LEAST_HOURS, 1.0 - np.sqrt(np.clip(length2, 0.0, 1.0)), np.nan))


def _by_blocks(hours: Hours, member: sp.csr_array, block: int = 512) -> tuple[Floats, Floats]:
    """Common swing and weekend measure, in blocks of groups so that memory stays bounded."""
    swings, weekends = [], []
    for begin in range(0, member.shape[0], block):
        counts = np.asarray((member[begin : begin + block] @ hours.active).todense(), dtype=np.float64)
        sizes = np.asarray(member[begin : begin + block].sum(axis=1), dtype=np.float64).ravel()
        swings.append(_swing(counts, hours, sizes))
        weekends.append(_weekend(counts, hours))
    none = np.zeros(0)
    return (np.concatenate(swings), np.concatenate(weekends)) if swings else (none, none)


def _weekend(counts: Floats, hours: Hours) -> Floats:
    """Log2 of weekend against weekday activity, less the same of the platform."""
    rest = hours.weekday >= 5
    if rest.sum() < 24 or (~rest).sum() < 24:
        return np.full(counts.shape[0], np.nan)

    def ratio(x: Floats) -> Floats:
        total = x.sum(axis=-1)
        value = np.log2((x[..., rest].mean(axis=-1) + 1e-9) / (x[..., ~rest].mean(axis=-1) + 1e-9))
        return np.asarray(np.where(total >= 30, np.clip(value, -5, 3), np.nan))

    return np.asarray(ratio(counts) - ratio(hours.platform[None, :])[0])


def _swing(counts: Floats, hours: Hours, sizes: Floats) -> Floats:
    """Relative size of the swings that a group's accounts make together, beyond hour, weekend and platform rhythm.

    Under independence the active members of an hour vary like a binomial count around their mean; what they vary more,
    over the squared mean, is the variance of a common factor. Its square root is returned, 0 where there is none. The
    rhythm of the platform is that of all others, so that a group is not excused by itself.
    """
    kind = hours.hour + 24 * (hours.weekday >= 5)
    n_kind = np.maximum(np.bincount(kind, minlength=48).astype(float), 1.0)
    one = np.zeros((kind.size, 48))
    one[np.arange(kind.size), kind] = 1.0
    others = np.maximum(hours.platform[None, :] - counts, 0.0)
    usual = (others @ one) / n_kind
    surge = np.clip((others + 0.5) / (usual[:, kind] + 0.5), 0.05, 20.0)
    norm = (surge @ one) / n_kind
    mean = ((counts @ one) / n_kind)[:, kind] * (surge / np.maximum(norm[:, kind], 1e-9))
    chance = mean * np.clip(1.0 - mean / np.maximum(sizes, 1.0)[:, None], 0.0, 1.0)
    enough = counts.sum(axis=1) >= 50
    excess = ((counts - mean) ** 2 - chance).sum(axis=1)
    scale = (mean**2).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(enough, np.sqrt(np.clip(excess / scale, 0.0, 25.0)), np.nan))
