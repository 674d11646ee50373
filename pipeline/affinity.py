"""What two accounts share and how alike they are, and from it the log odds that one operator has both.

The search works on these pairs beside the bare evidence: a pair that shares a crowded proxy and nothing else falls
away, one whose members opened on one day, write from one client and follow one template stands out. The score of a
group never rests on a single pair.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from graphs.affinity import Affinity, FamilyPairs, family_pairs
from graphs.forest import Forest
from pipeline.graph_tables import GraphTables
from pipeline.settings import CommunitiesSettings

Floats = npt.NDArray[np.float64]

_FAMILIES = ("network", "payment", "text")
_DATES = {"created": "created_at", "begun": "first_seen", "ended": "last_seen", "paid": "first_paid"}
_COUNTS = {
    "requests": "n_events", "days": "n_days", "addresses": "n_addresses", "cards": "n_cards",
    "templates": "n_templates", "tokens_in": "mean_input_tokens", "tokens_out": "mean_output_tokens",
}  # fmt: skip
_SHARES = {
    "top_template": "top_template_share", "templated": "templated_share", "distinct_slots": "distinct_slots_share",
    "reasoning": "reasoning_share", "client": "client_share", "night": "night_share", "weekend": "weekend_share",
}  # fmt: skip
_SAME = {"client": "client", "template": "top_template", "domain": "email_domain"}
LABELS = tuple(_SAME.values())
TRAITS = (*_DATES.values(), *_COUNTS.values(), *_SHARES.values(), *LABELS)  # columns that `told_of` gives
_MOST_PAIRS = 3_000_000  # the strongest are weighed; it bounds time and memory in crowded graphs
_PAIRS_PER_BLOCK = 200_000
_LEAST_IN_FAMILY = 2.0  # bits; weaker ties are too many and say next to nothing
_LEAST_KEPT = -6.0  # bits; weaker pairs tie nobody
_HOPELESS = -9.0  # bits after a quarter of the trees; such a pair hardly ever comes to be kept


def _catalogue() -> Iterator[tuple[str, int]]:
    for family in _FAMILIES:
        yield f"{family}_bits", +1
        yield f"{family}_shared", 0
    for name in _DATES:
        yield f"{name}_apart", 0
    yield "younger_days", 0
    for name in (*_COUNTS, *_SHARES):
        yield f"{name}_apart", 0
        yield f"{name}_least", 0
    for name in _SAME:
        yield f"same_{name}", +1


SIGNS: dict[str, int] = dict(_catalogue())  # features of a pair: +1 can only speak for one operator


@dataclass(frozen=True, eq=False)
class AffinityModel:
    """Trees over the features of a pair, which they name; their score is the log odds in bits."""

    features: tuple[str, ...]
    forest: Forest


def pairs_of(tables: GraphTables, settings: CommunitiesSettings) -> FamilyPairs:
    """The pairs of a graph that share something."""
    return family_pairs(
        tables.graph, family=tables.about.family, n_families=len(tables.families),
        max_degree=settings.pair_max_degree, min_bits=_LEAST_IN_FAMILY, min_together=settings.affinity_min_bits,
        most=_MOST_PAIRS,
    )  # fmt: skip


def affinity_of(
    tables: GraphTables, traits: pd.DataFrame, model: AffinityModel, settings: CommunitiesSettings
) -> Affinity:
    """Affinity of the pairs of a graph; what is shared in families of declared link types adds its own bits."""
    pairs = pairs_of(tables, settings)
    told = told_of(traits, tables.accounts)
    declared = [i for i, f in enumerate(tables.families) if f not in _FAMILIES]
    bits = np.zeros(pairs.a.size)
    for start in range(0, pairs.a.size, _PAIRS_PER_BLOCK):
        part = slice(start, start + _PAIRS_PER_BLOCK)
        found = _features(pairs, tables.families, told, part)
        missing = np.full(found["network_bits"].size, np.nan)
        x = np.column_stack([found.get(name, missing) for name in model.features])
        bits[part] = model.forest.total_bits(x, leave_below=_HOPELESS) + pairs.bits[part][:, declared].sum(axis=1)
    keep = bits >= _LEAST_KEPT
    return Affinity(pairs.n_accounts, pairs.a[keep], pairs.b[keep], np.round(bits[keep], 9))


def read_affinity(affinities: pd.DataFrame, accounts: npt.NDArray[np.object_]) -> Affinity:
    """Affinity from the table of pairs; accounts are numbered as in `accounts`."""
    place = pd.Index(accounts)
    one, other = (place.get_indexer(pd.Index(affinities[c].to_numpy(object))) for c in ("account_id", "other_id"))
    return Affinity.from_arrays(one, other, affinities["bits"].to_numpy(float), n_accounts=place.size)


def features_of(tables: GraphTables, traits: pd.DataFrame, pairs: FamilyPairs) -> pd.DataFrame:
    """One row a pair, one column a feature, in the order of `SIGNS`; nan where unknown."""
    found = _features(pairs, tables.families, told_of(traits, tables.accounts), slice(0, pairs.a.size))
    return pd.DataFrame(found)[list(SIGNS)]


def told_of(traits: pd.DataFrame, accounts: npt.NDArray[np.object_]) -> dict[str, Floats]:
    """What is known of each account, as numbers by column; labels as codes from 0, nan where unknown."""
    mine = traits.set_index("account_id").reindex(accounts)
    told: dict[str, Floats] = {}
    for column in _DATES.values():
        days = pd.to_datetime(mine[column], utc=True) - pd.Timestamp("2000-01-01", tz="UTC")
        told[column] = np.asarray(days / pd.Timedelta(days=1), dtype=np.float64)
    for column in _COUNTS.values():
        told[column] = np.log2(1.0 + mine[column].to_numpy(float, na_value=np.nan))
    for column in _SHARES.values():
        told[column] = mine[column].to_numpy(float, na_value=np.nan)
    for column in _SAME.values():
        code = pd.factorize(mine[column])[0]
        told[column] = np.where(code < 0, np.nan, code)
    return told


def _features(pairs: FamilyPairs, families: tuple[str, ...], told: dict[str, Floats], part: slice) -> dict[str, Floats]:
    a, b = pairs.a[part], pairs.b[part]
    out: dict[str, Floats] = {}
    for family in _FAMILIES:
        place = families.index(family)
        out[f"{family}_bits"] = pairs.bits[part, place]
        out[f"{family}_shared"] = pairs.shared[part, place]
    for name, column in _DATES.items():
        out[f"{name}_apart"] = np.abs(told[column][a] - told[column][b])
    opened = told["created_at"]
    newest = float(np.nanmax(opened)) if np.isfinite(opened).any() else np.nan
    out["younger_days"] = newest - np.fmax(opened[a], opened[b])
    for name, column in (_COUNTS | _SHARES).items():
        out[f"{name}_apart"] = np.abs(told[column][a] - told[column][b])
        out[f"{name}_least"] = np.fmin(told[column][a], told[column][b])
    for name, column in _SAME.items():
        out[f"same_{name}"] = (told[column][a] == told[column][b]).astype(np.float64)
    return out
