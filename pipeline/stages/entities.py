"""Settle, before anything is linked, what each shared value can prove.

Rows in: sightings (by day), account_traits, address ranges, allowlist, decisions. Rows out: one an entity
that two or more accounts were seen with, its class, its family and the bits of sharing it. What one account alone has
ties nothing and is left out. Every entity that links nothing says why.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from graphs import sharing_bits
from pipeline.engine import connect
from pipeline.link_types import LinkType, link_types
from pipeline.organisations import organisation_of
from pipeline.ranges import RangeTable, networks
from pipeline.settings import Settings
from pipeline.stages._entity_classes import ClassRules, classify
from pipeline.standing import standing
from pipeline.workbench import Workbench

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Entities:
    """What the stage writes."""

    entities: pd.DataFrame
    left_out: dict[str, int]


@dataclass(frozen=True)
class _Part:
    """One task: a part of the sightings, where its counts go, what the task may use."""

    sightings: str
    traits: str
    shared: str
    target: str
    scratch: str
    memory: int


def make(
    sightings: list[str],
    account_traits: pd.DataFrame,
    clean_ip_ranges: pd.DataFrame,
    clean_allowlist: pd.DataFrame,
    clean_decisions: pd.DataFrame,
    *,
    settings: Settings,
    bench: Workbench,
) -> Entities:
    """Class and bits of every entity that two or more accounts share."""
    types = {t.name: t for t in link_types(settings.link_types)}
    table, population = _counts(sightings, account_traits, bench)
    if table.empty:
        return Entities(_empty(), {})
    table = table.sort_values(["entity_type", "entity"], ignore_index=True)
    _place(table, types, clean_ip_ranges)
    rules = ClassRules(settings.entities.public_share, settings.entities.public_accounts, len(account_traits))
    table["same_users"] = _same_users(table, types, rules.many, sightings, bench)
    table["class"], table["class_probability"], factor = classify(table, types, rules)
    table["family"] = table["entity_type"].map({n: t.family for n, t in types.items()})
    table["counts"] = np.round(factor, 9)
    table["bits"] = _bits(table, types, population, factor)
    table["left_out_because"] = _left_out(table, types, clean_allowlist, clean_decisions)
    reasons = table["left_out_because"].dropna().value_counts()
    return Entities(table[list(_empty().columns)], {str(k): int(v) for k, v in sorted(reasons.items())})


def _empty() -> pd.DataFrame:
    columns = (
        "entity_type entity class class_probability network asn family n_accounts n_events first_seen last_seen bits "
        "counts left_out_because"
    ).split()
    return pd.DataFrame({c: [] for c in columns})


def _counts(parts: list[str], traits: pd.DataFrame, bench: Workbench) -> tuple[pd.DataFrame, dict[str, int]]:
    """Counts of every shared entity, and how many accounts have any entity of each type.

    Two passes, so that what a single account has (nearly everything behind rotating proxies) never reaches the second.
    """
    scratch = Path(bench.scratch)
    organisations = str(scratch / "organisations.parquet")
    _organisations(traits).to_parquet(organisations, index=False)
    items = [
        _Part(
            part, organisations, str(scratch / "shared.parquet"), str(scratch / f"count-{i:05d}.parquet"),
            bench.scratch, bench.memory,
        )
        for i, part in enumerate(parts)
    ]
    per_type = bench.map(_count_accounts, items, what="entities: accounts")
    population: dict[str, int] = {}
    for counted in per_type:
        for name, n in counted.items():
            population[name] = population.get(name, 0) + n
    if not population:
        return pd.DataFrame(), {}
    threads = max(1, bench.workers)
    with connect(bench.scratch, bench.memory * threads, threads=threads) as db:
        targets = [i.target for i in items]
        db.execute(
            f"""COPY (SELECT entity_type, entity, sum(n)::BIGINT AS n_accounts FROM read_parquet({targets!r})
                GROUP BY ALL HAVING n_accounts >= 2) TO '{items[0].shared}' (FORMAT parquet)"""
        )
        seconds = [_second(i) for i in items]
        bench.map(_count_shared, items, what="entities: shared values")
        combined = db.sql(_COMBINE.format(days=[s[0] for s in seconds], whole=[s[1] for s in seconds]))
        table = combined.to_arrow_table().to_pandas()  # the engine's own way to a frame uses what pandas gives up
    return table, population


_COMBINE = """
WITH by_day AS (
    SELECT entity_type, entity, day, sum(n)::BIGINT AS n FROM read_parquet({days}) GROUP BY ALL
), days AS (
    SELECT entity_type, entity, sum(n * n)::BIGINT AS squares, sum(n)::BIGINT AS account_days, count(*) AS n_days
    FROM by_day GROUP BY ALL
), organised AS (
    SELECT entity_type, entity, max(n)::BIGINT AS in_top_organisation FROM (
        SELECT entity_type, entity, organisation, sum(n_accounts)::BIGINT AS n FROM read_parquet({whole})
        WHERE organisation IS NOT NULL GROUP BY ALL) GROUP BY ALL
), whole AS (
    SELECT entity_type, entity, sum(n_accounts)::BIGINT AS n_accounts, sum(n_events)::BIGINT AS n_events,
           sum(sticky)::BIGINT AS sticky, min(first_seen) AS first_seen, max(last_seen) AS last_seen
    FROM read_parquet({whole}) GROUP BY ALL
)
SELECT whole.*, squares, account_days, n_days, coalesce(in_top_organisation, 0) AS in_top_organisation
FROM whole JOIN days USING (entity_type, entity) LEFT JOIN organised USING (entity_type, entity)
"""


def _organisations(traits: pd.DataFrame) -> pd.DataFrame:
    """Accounts with the organisation each shows, or null."""
    shown = organisation_of(traits)
    return pd.DataFrame({"account_id": traits["account_id"], "organisation": shown.astype("str").where(shown.notna())})


def _second(item: _Part) -> tuple[str, str]:
    return item.target.replace("count-", "days-"), item.target.replace("count-", "whole-")


def _count_accounts(item: _Part) -> dict[str, int]:
    """First pass over a part: accounts an entity, and accounts a type. Parts hold whole accounts."""
    with connect(item.scratch, item.memory) as db:
        db.execute(
            f"""COPY (SELECT entity_type, entity, count(DISTINCT account_id) AS n
                FROM read_parquet('{item.sightings}') GROUP BY ALL) TO '{item.target}' (FORMAT parquet)"""
        )
        rows = db.execute(
            f"""SELECT entity_type, count(DISTINCT account_id) FROM read_parquet('{item.sightings}')
                GROUP BY 1 ORDER BY 1"""
        ).fetchall()
    return {str(name): int(n) for name, n in rows}


def _count_shared(item: _Part) -> None:
    """Second pass, over what is shared: accounts a day, events, how much of an account's use falls on the entity."""
    days, whole = _second(item)
    with connect(item.scratch, item.memory) as db:
        db.execute(
            f"""CREATE TEMP TABLE mine AS
                SELECT s.account_id, s.entity_type, s.entity, s.day, s.n_events, s.first_seen, s.last_seen
                FROM read_parquet('{item.sightings}') s
                SEMI JOIN read_parquet('{item.shared}') k ON s.entity_type = k.entity_type AND s.entity = k.entity"""
        )
        db.execute(
            f"""COPY (SELECT entity_type, entity, day, count(*) AS n FROM mine GROUP BY ALL)
                TO '{days}' (FORMAT parquet)"""
        )
        db.execute(
            f"""COPY (
                WITH used AS (SELECT account_id, entity_type, sum(greatest(n_events, 1))::BIGINT AS total
                              FROM read_parquet('{item.sightings}') GROUP BY ALL),
                pairs AS (SELECT account_id, entity_type, entity, sum(n_events)::BIGINT AS n,
                                 min(first_seen) AS first_seen, max(last_seen) AS last_seen FROM mine GROUP BY ALL)
                SELECT entity_type, entity, organisation, count(*) AS n_accounts, sum(n)::BIGINT AS n_events,
                       sum((1000 * greatest(n, 1)) // total)::BIGINT AS sticky,
                       min(first_seen) AS first_seen, max(last_seen) AS last_seen
                FROM pairs JOIN used USING (account_id, entity_type)
                LEFT JOIN read_parquet('{item.traits}') USING (account_id)
                GROUP BY ALL) TO '{whole}' (FORMAT parquet)"""
        )


def _same_users(
    table: pd.DataFrame, types: dict[str, LinkType], many: float, parts: list[str], bench: Workbench
) -> Floats:
    """Share of its users that a popular template has in common with another one: of the larger's, with the likest.

    0 for everything else.
    """
    text = table["entity_type"].map({n: t.family == "text" for n, t in types.items()}).to_numpy(bool)
    popular = np.flatnonzero(text & (table["n_accounts"].to_numpy() >= many))
    out = np.zeros(len(table))
    if popular.size < 2:
        return out
    named = str(Path(bench.scratch) / "popular.parquet")
    table.iloc[popular][["entity_type", "entity"]].assign(place=popular).to_parquet(named, index=False)
    pairs = pd.concat(bench.map(_users_of_two, [(p, named, bench.scratch, bench.memory) for p in parts],
                                what="entities: popular templates"))  # fmt: skip
    both = pairs.groupby(["a", "b"], as_index=False)["n"].sum()
    n = table["n_accounts"].to_numpy(float)
    share = both["n"].to_numpy() / np.maximum(n[both["a"]], n[both["b"]])
    for end in ("a", "b"):
        np.maximum.at(out, both[end].to_numpy(), share)
    return out


def _users_of_two(task: tuple[str, str, str, int]) -> pd.DataFrame:
    """Accounts of a part that use both of two popular templates of one kind, by pair. Parts hold whole accounts."""
    sightings, named, scratch, memory = task
    with connect(scratch, memory) as db:
        db.execute(
            f"""CREATE TEMP TABLE used AS SELECT DISTINCT account_id, entity_type, place
                FROM read_parquet('{sightings}') AS seen
                JOIN read_parquet('{named}') AS popular USING (entity_type, entity)"""
        )
        found = db.sql(
            """SELECT x.place AS a, y.place AS b, count(*) AS n FROM used x JOIN used y
               ON x.account_id = y.account_id AND x.entity_type = y.entity_type AND x.place < y.place GROUP BY ALL"""
        ).to_arrow_table()
    made: pd.DataFrame = found.to_pandas()
    return made


def _place(table: pd.DataFrame, types: dict[str, LinkType], ranges: pd.DataFrame) -> None:
    """Add network, autonomous system and kind of range to the addresses of the table."""
    for column in ("network", "asn", "kind"):
        table[column] = pd.Series([None] * len(table), dtype="object")
    is_address = table["entity_type"].map({n: t.form == "address" for n, t in types.items()}).to_numpy(dtype=bool)
    if not is_address.any():
        return
    addresses = table.loc[is_address, "entity"].tolist()
    table.loc[is_address, "network"] = np.array(networks(addresses), dtype=object)
    if ranges.empty:
        return
    ordered = ranges.sort_values(["cidr", "asn", "kind"], ignore_index=True)
    row = RangeTable.from_cidrs(ordered["cidr"].tolist()).find(addresses)
    for column in ("asn", "kind"):
        known = ordered[column].astype("object").where(ordered[column].notna(), None).tolist()
        values = np.array([*known, None], dtype=object)
        table.loc[is_address, column] = values[row]


def _bits(
    table: pd.DataFrame, types: dict[str, LinkType], population: dict[str, int], factor: Floats
) -> Floats:
    """Global bits: rarity, bounded by type, times what the class and the time of use leave of it; never negative."""
    match = table["entity_type"].map({n: t.match_probability for n, t in types.items()}).to_numpy(float)
    cap = table["entity_type"].map({n: t.cap_bits for n, t in types.items()}).to_numpy(float)
    bits = np.zeros(len(table))
    for name, n in population.items():
        mine = (table["entity_type"] == name).to_numpy()
        if mine.any():
            spread = table.loc[mine, "n_accounts"].to_numpy(float)
            bits[mine] = sharing_bits(spread, n, match_probability=match[mine], cap=cap[mine])
    return np.asarray(np.round(np.maximum(bits, 0.0) * factor, 9), dtype=np.float64)


def _left_out(
    table: pd.DataFrame,
    types: dict[str, LinkType],
    allowlist: pd.DataFrame,
    decisions: pd.DataFrame,
) -> pd.Series:
    """Why an entity links nothing, or null."""
    reason = pd.Series([None] * len(table), dtype="object")
    reason[table["bits"] <= 0] = "so common that sharing it proves nothing"
    reason[table["class"] == "public template"] = "public"
    allowed = _allowed(table, types, allowlist)
    reason[allowed] = "on the allowlist"
    stand = standing(decisions)
    live = stand[stand["conclusion"].eq("entity_allowed")] if not stand.empty else stand
    if not live.empty:
        reason[_among(table, live["entity_type"], live["entity"])] = "allowed by an analyst"
    return reason


def _among(table: pd.DataFrame, entity_type: pd.Series, entity: pd.Series) -> npt.NDArray[np.bool_]:
    """Which rows of the table are among the named entities."""
    named = pd.MultiIndex.from_arrays([entity_type.astype(str), entity.astype(str)])
    mine = pd.MultiIndex.from_arrays([table["entity_type"].astype(str), table["entity"].astype(str)])
    return np.asarray(mine.isin(named), dtype=bool)


def _allowed(table: pd.DataFrame, types: dict[str, LinkType], allowlist: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Which entities the allowlist names, one by one or by range."""
    if allowlist.empty:
        return np.zeros(len(table), dtype=bool)
    out = _among(table, allowlist["entity_type"], allowlist["value"])
    for name, link_type in types.items():
        named = allowlist.loc[allowlist["entity_type"].isin([name, "cidr"]), "value"].astype(str)
        cidrs = named[named.str.contains("/", regex=False)].tolist()
        mine = np.flatnonzero((table["entity_type"] == name).to_numpy())
        if link_type.form == "address" and cidrs and mine.size:
            out[mine] |= RangeTable.from_cidrs(cidrs).find(table["entity"].iloc[mine].tolist()) >= 0
    return out
