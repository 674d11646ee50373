"""Which accounts each indicator touches: who was seen with the thing that it names, while it was valid."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.engine import connect, text_literal
from pipeline.link_types import PAYMENT_TYPE, TEMPLATE_TYPE, LinkType
from pipeline.nulls import texts
from pipeline.ranges import RangeTable
from pipeline.stages.attribution.texts import matching_templates
from pipeline.workbench import Workbench

EARLIEST, LATEST = pd.Timestamp("1900-01-01", tz="UTC"), pd.Timestamp("2200-01-01", tz="UTC")
WANTED = pa.schema(
    [("indicator", pa.int64()), ("entity_type", pa.string()), ("entity", pa.string()), ("since", pa.date32()),
     ("until", pa.date32())]
)  # fmt: skip
PAIRS = pa.schema([("indicator", pa.int64()), ("account_id", pa.string())])


@dataclass(frozen=True)
class Platform:
    """Where things were seen: sightings and events by part, traits, templates, ranges of addresses."""

    sightings: list[str]
    clean_events: list[str]
    account_traits: pd.DataFrame
    templates: pd.DataFrame
    clean_ip_ranges: pd.DataFrame
    types: tuple[LinkType, ...]


@dataclass(frozen=True)
class Touches:
    """`pairs`: (indicator, account_id) for members of rings. `n_accounts`: accounts touched anywhere, by indicator."""

    pairs: pd.DataFrame
    n_accounts: pd.Series


@dataclass(frozen=True)
class _Task:
    part: str
    wanted: str
    members: str
    networks: tuple[str, ...]
    types: tuple[str, ...]
    scratch: str
    memory: int


def numbered(indicators: pd.DataFrame) -> pd.DataFrame:
    """Indicators in a fixed order, numbered from 0 by their index, with open ends of validity filled."""
    table = indicators.sort_values(["operator", "entity_type", "value", "confidence"], ignore_index=True)
    since = pd.to_datetime(table["valid_from"], utc=True).fillna(EARLIEST)
    until = pd.to_datetime(table["valid_until"], utc=True).fillna(LATEST)
    return table.assign(valid_from=since, valid_until=until)


def touches(indicators: pd.DataFrame, members: pd.DataFrame, platform: Platform, bench: Workbench) -> Touches:
    """Accounts touched by each indicator (numbered as by `numbered`)."""
    folder = Path(bench.scratch)
    path = str(folder / "members.parquet")
    pq.write_table(pa.Table.from_pandas(members[["account_id"]], preserve_index=False), path)
    found = [_by_account(indicators, platform.account_traits)]
    inside = set(members["account_id"])
    seen, n_seen = _by_sightings(indicators, path, platform, bench)
    agents = _by_user_agent(indicators, platform, bench)
    found.append(agents)
    whole = pd.concat(found, ignore_index=True)
    n_accounts = whole.groupby("indicator").size().add(n_seen, fill_value=0)
    pairs = pd.concat([whole[whole["account_id"].isin(inside)], seen], ignore_index=True)
    pairs = pairs.sort_values(["indicator", "account_id"], ignore_index=True)
    return Touches(pairs, n_accounts.reindex(indicators.index, fill_value=0).astype("int64"))


def _no_pairs() -> pd.DataFrame:
    return pd.DataFrame({"indicator": pd.Series(dtype="int64"), "account_id": pd.Series(dtype="str")})


def _by_account(indicators: pd.DataFrame, traits: pd.DataFrame) -> pd.DataFrame:
    """Accounts named themselves, and accounts with a mail domain that is named."""
    made = []
    for kind, column in (("account", "account_id"), ("email_domain", "email_domain")):
        rows = indicators[indicators["entity_type"] == kind]
        if rows.empty:
            continue
        value = rows["value"].str.strip().str.lower() if kind == "email_domain" else rows["value"]
        named = pd.DataFrame({"indicator": rows.index, "key": value, "a": rows["valid_from"], "b": rows["valid_until"]})
        about = traits[["account_id", "first_seen", "last_seen", "created_at"]]
        own = traits[column].str.lower() if kind == "email_domain" else traits[column]
        both = named.merge(about.assign(key=own), on="key")
        first = both["first_seen"].fillna(both["created_at"]).fillna(EARLIEST)
        last = both["last_seen"].fillna(both["created_at"]).fillna(LATEST)
        made.append(both[(first < both["b"]) & (last >= both["a"])][["indicator", "account_id"]])
    return pd.concat(made, ignore_index=True) if made else _no_pairs()


def _by_sightings(
    indicators: pd.DataFrame, members: str, platform: Platform, bench: Workbench
) -> tuple[pd.DataFrame, pd.Series]:
    """Members seen with a named entity on a day on which the indicator was valid, and how many accounts in all."""
    wanted = pa.concat_tables([_exact(indicators, platform), _in_ranges(indicators, platform, bench)])
    if not wanted.num_rows:
        return _no_pairs(), pd.Series(dtype="int64")
    path = str(Path(bench.scratch) / "wanted.parquet")
    pq.write_table(wanted, path)
    tasks = [_Task(part, path, members, (), (), bench.scratch, bench.memory) for part in platform.sightings]
    results = bench.map(_touched_in_part, tasks, what="indicators against the sightings")
    pairs = pa.concat_tables([PAIRS.empty_table(), *(r[0] for r in results)]).to_pandas()
    counts = pd.concat([pd.Series(dtype="int64"), *(r[1] for r in results)])
    return pairs, counts.groupby(level=0).sum()


def _exact(indicators: pd.DataFrame, platform: Platform) -> pa.Table:
    """Indicators that name an entity: an address, a card, a template or a text that follows one, a declared value."""
    rows: list[tuple[int, str, str]] = []
    addresses = [t.name for t in platform.types if t.form == "address"]
    for i, kind, value in zip(indicators.index, indicators["entity_type"], indicators["value"], strict=True):
        if kind == TEMPLATE_TYPE:
            continue
        if kind in addresses:
            rows += [(i, name, value) for name in addresses]
        elif kind == PAYMENT_TYPE:
            rows.append((i, kind, value))
        elif kind not in ("account", "cidr", "asn"):
            rows += [(i, t.name, value) for t in platform.types if t.name == kind or t.column == kind]
    rows += [(i, TEMPLATE_TYPE, template) for i, template in _templates(indicators, platform.templates)]
    return _wanted(rows, indicators)


def _templates(indicators: pd.DataFrame, templates: pd.DataFrame) -> list[tuple[int, str]]:
    """Templates that an indicator names by id, or whose words it quotes; with a template go those of its family."""
    rows = indicators[indicators["entity_type"] == TEMPLATE_TYPE]
    if rows.empty or templates.empty:
        return []
    ids = templates["template_id"].tolist()
    place = {name: j for j, name in enumerate(ids)}
    frames = texts(templates["text"])
    quoted = rows[~rows["value"].isin(place)]
    numbers = quoted.index.tolist()
    found = [(int(i), place[value]) for i, value in zip(rows.index, rows["value"], strict=True) if value in place]
    found += [(int(numbers[i]), j) for i, j in matching_templates(quoted["value"].tolist(), frames)]
    by_family: dict[str, list[int]] = {}
    families = texts(templates["family_id"])
    for j, family in enumerate(families):
        if family is not None:
            by_family.setdefault(family, []).append(j)
    wider = {(i, k) for i, j in found for k in by_family.get(families[j] or "", [j])}
    return sorted((i, ids[k]) for i, k in wider)


def _in_ranges(indicators: pd.DataFrame, platform: Platform, bench: Workbench) -> pa.Table:
    """Addresses that were seen and lie in a range, or a system of ranges, that an indicator names."""
    ranges = _ranges(indicators, platform.clean_ip_ranges)
    types = tuple(t.name for t in platform.types if t.form == "address")
    if not ranges or not types:
        return WANTED.empty_table()
    networks = tuple(sorted({cidr for _, cidr in ranges}))
    tasks = [_Task(part, "", "", networks, types, bench.scratch, bench.memory) for part in platform.sightings]
    matched = {row for found in bench.map(_addresses_of_part, tasks, what="addresses in named ranges") for row in found}
    of_network: dict[str, list[int]] = {}
    for i, cidr in ranges:
        of_network.setdefault(cidr, []).append(i)
    rows = [(i, kind, address) for kind, address, cidr in matched for i in of_network[cidr]]
    return _wanted(sorted(set(rows)), indicators)


def _ranges(indicators: pd.DataFrame, known: pd.DataFrame) -> list[tuple[int, str]]:
    """(indicator, range) for ranges named themselves and for those of a named autonomous system."""
    found = []
    by_asn = {_asn(asn): part["cidr"].tolist() for asn, part in known.dropna(subset=["asn"]).groupby("asn")}
    for i, kind, value in zip(indicators.index, indicators["entity_type"], indicators["value"], strict=True):
        if kind == "asn":
            found += [(int(i), str(cidr)) for cidr in by_asn.get(_asn(value), [])]
        elif "/" in value and kind not in (TEMPLATE_TYPE, "user_agent", PAYMENT_TYPE, "account", "email_domain"):
            found.append((int(i), str(value)))
    return found


def _asn(value: object) -> str:
    """An autonomous system as its number alone: AS64500, as64500 and 64500 are one."""
    return str(value).strip().upper().removeprefix("AS")


def _wanted(rows: list[tuple[int, str, str]], indicators: pd.DataFrame) -> pa.Table:
    numbers = [r[0] for r in rows]
    since = indicators["valid_from"].dt.date.reindex(numbers).tolist()
    until = indicators["valid_until"].dt.date.reindex(numbers).tolist()
    columns = [numbers, [r[1] for r in rows], [r[2] for r in rows], since, until]
    return pa.table([pa.array(c, type=f.type) for c, f in zip(columns, WANTED, strict=True)], schema=WANTED)


def _addresses_of_part(task: _Task) -> list[tuple[str, str, str]]:
    """(link type, address, range) for the distinct addresses of a part that lie in one of the ranges."""
    kinds = ", ".join(text_literal(t) for t in task.types)
    query = f"select distinct entity_type, entity from read_parquet($part) where entity_type in ({kinds}) order by all"
    with connect(task.scratch, task.memory) as engine:
        seen = engine.sql(query, params={"part": task.part}).to_arrow_table()
    kind, address = seen.column(0).to_pylist(), seen.column(1).to_pylist()
    found: list[tuple[str, str, str]] = []
    by_length: dict[str, list[str]] = {}
    for cidr in task.networks:
        by_length.setdefault(cidr.rpartition("/")[2] + ":" * (":" in cidr), []).append(cidr)
    # ranges of one length do not overlap, so the longest match within them is the only one
    for _, cidrs in sorted(by_length.items()):
        row = RangeTable.from_cidrs(cidrs).find(address)
        found += [(kind[j], address[j], cidrs[row[j]]) for j in np.flatnonzero(row >= 0).tolist()]
    return found


_SQL_TOUCHED = """
select distinct w.indicator, s.account_id
from read_parquet($part) s join read_parquet($wanted) w using (entity_type, entity)
where s.day >= w.since and s.day <= w.until
"""
_SQL_INSIDE = """
select indicator, account_id from touched semi join read_parquet($members) using (account_id) order by all
"""


def _touched_in_part(task: _Task) -> tuple[pa.Table, pd.Series]:
    with connect(task.scratch, task.memory) as engine:
        engine.execute(f"create temp table touched as {_SQL_TOUCHED}", {"part": task.part, "wanted": task.wanted})
        pairs = engine.sql(_SQL_INSIDE, params={"members": task.members}).to_arrow_table()
        rows = engine.execute("select indicator, count(*) from touched group by 1 order by 1").fetchall()
    counts = pd.Series([int(n) for _, n in rows], index=[int(i) for i, _ in rows], dtype="int64")
    return pairs.cast(PAIRS), counts


def _by_user_agent(indicators: pd.DataFrame, platform: Platform, bench: Workbench) -> pd.DataFrame:
    """Accounts that called with a client string that is named."""
    rows = indicators[indicators["entity_type"] == "user_agent"]
    none = _no_pairs()
    if rows.empty:
        return none
    path = str(Path(bench.scratch) / "agents.parquet")
    named = [(i, "", v) for i, v in zip(rows.index.tolist(), rows["value"].tolist(), strict=True)]
    pq.write_table(_wanted(named, indicators), path)
    tasks = [_Task(part, path, "", (), (), bench.scratch, bench.memory) for part in platform.clean_events]
    found = [t.to_pandas() for t in bench.map(_agents_of_part, tasks, what="indicators against client strings")]
    whole: pd.DataFrame = pd.concat([none, *found], ignore_index=True)
    return whole.drop_duplicates(ignore_index=True)


_SQL_AGENTS = """
select distinct w.indicator, e.account_id
from read_parquet($part) e join read_parquet($wanted) w on e.user_agent = w.entity
where (e.timestamp at time zone 'UTC')::date between w.since and w.until order by all
"""


def _agents_of_part(task: _Task) -> pa.Table:
    if "user_agent" not in pq.read_schema(task.part).names:
        return PAIRS.empty_table()
    with connect(task.scratch, task.memory) as engine:
        return engine.sql(_SQL_AGENTS, params={"part": task.part, "wanted": task.wanted}).to_arrow_table().cast(PAIRS)
