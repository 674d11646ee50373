"""Groups by plain linking: components over shared things, with caps, points or texts alone."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp

from tests.benchmarks.detection.found import Found, group_sizes
from tests.benchmarks.detection.ground import SHARED_KINDS, Ground

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


def allowed(ground: Ground, ranges: str) -> Bools:
    """Entities that may link. `ranges` = `used` drops addresses in ranges where strangers meet; `unused` keeps all."""
    if ranges == "unused":
        return np.ones(len(ground.things), dtype=bool)
    return ~ground.things["kind"].isin(SHARED_KINDS).to_numpy(bool)


def family(ground: Ground, *names: str) -> Bools:
    """Entities of the named families."""
    return ground.things["family"].isin(names).to_numpy(bool)


def degrees(ground: Ground) -> Ints:
    """Accounts of each entity."""
    return ground.things["n_accounts"].to_numpy(np.int64)


def components(n_accounts: int, n_entities: int, edges: pd.DataFrame) -> Ints:
    """Connected components over accounts and entities: one label an account."""
    rows, columns = edges["account"].to_numpy(), edges["entity"].to_numpy() + n_accounts
    size = n_accounts + n_entities
    graph = sp.coo_array((np.ones(rows.size, dtype=np.int8), (rows, columns)), shape=(size, size))
    return sp.csgraph.connected_components(graph, directed=False)[1][:n_accounts].astype(np.int64)


def weakly_connected(
    ground: Ground, *, cap: int, min_size: int, ranges: str = "unused", families: tuple[str, ...] = ()
) -> Found:
    """Components over entities of 2 to `cap` accounts (0 for no cap); flagged from `min_size` accounts on."""
    keep = allowed(ground, ranges)
    keep &= family(ground, *families) if families else True
    if cap:
        keep &= degrees(ground) <= cap
    labels = components(ground.n, len(ground.things), ground.only(keep))
    return Found.of(labels, accused=np.ones(ground.n), min_size=min_size, score=group_sizes(labels))


def additive_points(ground: Ground, *, cap: int, band: int, ranges: str = "unused") -> Found:
    """The rule of an open provider's account scan: keys of more than `cap` accounts form no edge; points a component.

    30 for a shared card (in the place of the mail root), 25 for an address, 30 for an address with the same client,
    15 more for two types, 2 a member up to 30, 12 where all were opened within a day. Flagged from `band` on.
    """
    keep = allowed(ground, ranges) & (degrees(ground) <= cap) & family(ground, "network", "payment")
    edges = ground.only(keep)
    labels = components(ground.n, len(ground.things), edges)
    size = group_sizes(labels)
    card = _ties(edges, labels, family(ground, "payment"), ground.n)
    address = _ties(edges, labels, family(ground, "network"), ground.n)
    client = ground.accounts["client"].to_numpy(object)
    named = np.array([isinstance(c, str) for c in client])
    both = edges[family(ground, "network")[edges["entity"].to_numpy()] & named[edges["account"].to_numpy()]]
    key = pd.MultiIndex.from_arrays([both["entity"], client[both["account"].to_numpy()].astype(str)])
    same_client = np.zeros(ground.n, dtype=bool)
    doubled = key.duplicated(keep=False)
    same_client[np.isin(labels, labels[both["account"].to_numpy()[doubled]])] = True
    burst = _opened_together(ground.accounts["created_at"], labels)
    points = 30.0 * card + 25.0 * address + 30.0 * same_client + 15.0 * (card & address)
    points += np.minimum(2.0 * size, 30.0) + 12.0 * burst
    return Found.of(labels, accused=points >= band, min_size=3, score=points)


def _opened_together(created: pd.Series, labels: Ints) -> Bools:
    """Accounts whose whole component was opened within a day, as far as is known of it."""
    when = pd.to_datetime(created, utc=True)
    known = when.notna().to_numpy(bool)
    hours = when.to_numpy("datetime64[s]").astype(np.int64)[known] / 3600.0
    number = np.unique(labels, return_inverse=True)[1]
    first, last = np.full(number.max() + 1, np.inf), np.full(number.max() + 1, -np.inf)
    np.minimum.at(first, number[known], hours)
    np.maximum.at(last, number[known], hours)
    return np.asarray(known & (last - first <= 24.0)[number], dtype=bool)


def _ties(edges: pd.DataFrame, labels: Ints, chosen: Bools, n: int) -> Bools:
    """Accounts in a component that some chosen entity ties: one that two or more of its accounts have."""
    mine = edges[chosen[edges["entity"].to_numpy()]]
    tied = mine[mine["entity"].duplicated(keep=False)]
    return np.isin(labels, labels[tied["account"].to_numpy()]) if len(tied) else np.zeros(n, dtype=bool)
