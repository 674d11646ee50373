"""Payments of a synthetic world: monthly charges and top-ups, so that tenure shows."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from pipeline.worlds.cast import Cast, opaque
from pipeline.worlds.dice import Dice, mix

_MONTH = 30.4


def payments(cast: Cast, ids: pa.Array, days: int, start_us: int, dice: Dice) -> pa.Table:
    """Charges of all accounts up to the end of the world, at most 14 months back."""
    rng = dice.rng
    first = np.maximum(cast["born"], -14 * _MONTH) + rng.exponential(0.15, size=cast.n)
    last = np.minimum(cast["dead"], days)
    paying = np.flatnonzero((cast["card"][:, 0] > 0) & (first < last))
    n = 1 + np.floor((last - first)[paying] / _MONTH).astype(np.int64)
    top_ups = rng.poisson(
        np.clip((last - np.maximum(first, 0))[paying] * cast["rate"][paying] * cast["activity"][paying] / 600, 0, 20)
    )
    top_ups[cast["plan"][paying] == 1] = 0
    account = np.concatenate([np.repeat(paying, n), np.repeat(paying, top_ups)])
    month = np.arange(n.sum()) - np.repeat(np.cumsum(n) - n, n)
    monthly = first[np.repeat(paying, n)] + month * _MONTH + rng.normal(0, 0.05, size=int(n.sum())) * (month > 0)
    extra = np.repeat(paying, top_ups)
    begin = np.maximum(first, 0)[extra]
    when = np.concatenate([monthly, begin + rng.random(len(extra)) * (last[extra] - begin)])
    which = (when >= cast["card_switch"][account]).astype(np.int64)
    card = cast["card"][account, which]
    card = np.where(card == 0, cast["card"][account, 0], card)
    fresh = cast["card_fresh"][account] & (which == 0)
    word = np.where(fresh, mix(card, np.floor(when / _MONTH).astype(np.int64)), card)
    kept = np.flatnonzero(when < days)
    order = kept[np.lexsort((account[kept], when[kept]))]
    stamp = start_us + (when[order] * 86400e6).astype(np.int64)
    return pa.table(
        {
            "account_id": ids.take(pa.array(account[order])),
            "payment_fingerprint": fingerprints(word[order]),
            "timestamp": pa.array(stamp, type=pa.timestamp("us", tz="UTC")),
        }
    )


def fingerprints(words: np.ndarray[tuple[int], np.dtype[np.uint64]]) -> pa.Array:
    """The processor's stable hash of each card."""
    return pa.array(opaque(mix(words, 404), "pm_", 12), type=pa.string())
