"""What every method is given of a world: who was seen with what and when, after the same allowlist.

A world is made, carried through our own line up to the graph (so that template ids and normal forms are the same for
all), and kept. `load` gives the sightings as index arrays, whatever a method makes of them.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipeline.link_types import ADDRESS_TYPES, PAYMENT_TYPE
from pipeline.plan import STAGES
from pipeline.ranges import RangeTable
from pipeline.run import Request, carry_out, one_stage
from pipeline.run.measure import measured
from pipeline.run.unfinished import Unfinished
from pipeline.settings import ExportsSettings, RunSettings, Settings
from pipeline.worlds import build
from tests.benchmarks.detection.points import Point

Ints = npt.NDArray[np.int64]

RULES = Settings(exports=ExportsSettings(make=False), run=RunSettings(workers=1, scheduler="sync"))
LAST = "incidence"  # the stage up to which all methods share the work
SHARED_KINDS = ("mobile", "vpn", "education")  # ranges behind which strangers are expected


def prepare(point: Point, cache: Path) -> Path:
    """Folder of a point's world, made where it is not there yet: truth, and the line's run up to the graph."""
    kept = cache / "worlds" / point.mark
    if (kept / "done").exists():
        return kept
    shutil.rmtree(kept, ignore_errors=True)
    place, output = kept / "world", kept / "output"
    with measured() as cost:
        build(point.world, place, seed=point.seed)
        begun = carry_out(Request(str(place), output=str(output), settings=RULES, previous="none"), only_begin=True)
        for stage in STAGES[: [s.name for s in STAGES].index(LAST) + 1]:
            one_stage(stage.name, begun.run_id, output=str(output))
    (output / ".unfinished" / begun.run_id).rename(kept / "line")
    for name in ("truth.parquet", "truth_rings.parquet", "ip_ranges.parquet", "accounts.parquet"):
        if (place / name).exists():
            shutil.move(place / name, kept)
    shutil.rmtree(place)
    shutil.rmtree(output)
    (kept / "done").write_text(f"{cost.seconds}\n")
    return kept


def line_of(kept: Path) -> Unfinished:
    """The line's run up to the graph."""
    found = Unfinished.open(kept / "line")
    if found is None:
        raise FileNotFoundError(kept / "line")
    return found


@dataclass(frozen=True, eq=False)
class Ground:
    """A world as methods see it.

    `names`: account ids, sorted; `edges`: one row an account and a thing it shares with others, with the columns
    account, entity (numbers), n_events, n_days, first_day, last_day; `things`: one row an entity in the order of
    its number: family (`network`, `payment`, `text`), kind of its address range or None, our class, n_accounts.
    """

    names: npt.NDArray[np.object_]
    edges: pd.DataFrame
    things: pd.DataFrame
    accounts: pd.DataFrame  # created_at, client, in the order of names
    parts: tuple[str, ...] = ()

    @property
    def n(self) -> int:
        """Accounts."""
        return int(self.names.size)

    @cached_property
    def hours(self) -> pd.DataFrame:
        """One row an account, an address and an hour in which it was seen there: account, entity, hour."""
        return _hours(self)

    def only(self, entities: npt.NDArray[np.bool_]) -> pd.DataFrame:
        """Edges to the entities of a mask, one truth value an entity."""
        return self.edges[entities[self.edges["entity"].to_numpy()]]


def load(kept: Path) -> Ground:
    """The ground of a prepared world."""
    import duckdb

    line = line_of(kept)
    truth = pd.read_parquet(kept / "truth.parquet", columns=["account_id"])
    names = np.sort(truth["account_id"].to_numpy(object).astype(str)).astype(object)
    entities = pd.read_parquet(line.path("entities"))
    allowed = entities["left_out_because"].eq("on the allowlist")
    things = entities[~allowed & (entities["n_accounts"] >= 2)].sort_values(["entity_type", "entity"])
    things = things.reset_index(drop=True)
    things["number"] = np.arange(len(things))
    things["kind"] = _kinds(things, kept)
    known = things[["entity_type", "entity", "number"]]
    ids = pd.DataFrame({"account_id": names.astype(str), "account": np.arange(names.size)})
    with duckdb.connect(config={"threads": 1}) as db:
        db.register("known", known)
        db.register("ids", ids)
        edges = db.sql(
            f"""SELECT account, number AS entity, sum(n_events)::BIGINT AS n_events, count(*)::BIGINT AS n_days,
                       date_diff('day', DATE '2000-01-01', min(day)) AS first_day,
                       date_diff('day', DATE '2000-01-01', max(day)) AS last_day
                FROM read_parquet({line.parts("sightings")!r}) JOIN known USING (entity_type, entity)
                JOIN ids USING (account_id) GROUP BY ALL ORDER BY account, entity"""
        ).to_arrow_table().to_pandas()  # fmt: skip
    traits = pd.read_parquet(line.path("account_traits"), columns=["account_id", "created_at", "client"])
    accounts = traits.set_index("account_id").reindex(names.astype(str)).reset_index(drop=True)
    return Ground(
        names, edges, things[["entity_type", "entity", "family", "kind", "class", "n_accounts", "left_out_because"]],
        accounts, tuple(line.parts("sightings")),
    )  # fmt: skip


def _kinds(things: pd.DataFrame, kept: Path) -> npt.NDArray[np.object_]:
    """Kind of the range each address lies in, as the table of ranges says; None elsewhere."""
    found = np.full(len(things), None, dtype=object)
    ranges = kept / "ip_ranges.parquet"
    mine = np.flatnonzero(things["entity_type"].isin(ADDRESS_TYPES))
    if not ranges.exists() or not mine.size:
        return found
    table = pd.read_parquet(ranges).sort_values(["cidr", "asn", "kind"], ignore_index=True)
    row = RangeTable.from_cidrs(table["cidr"].tolist()).find(things["entity"].iloc[mine].tolist())
    kinds = np.array([*table["kind"].astype("object").where(table["kind"].notna(), None), None], dtype=object)
    found[mine] = kinds[row]
    return found


def _hours(ground: Ground) -> pd.DataFrame:
    import duckdb

    known = ground.things[["entity_type", "entity"]].assign(number=np.arange(len(ground.things)))
    known = known[known["entity_type"] != PAYMENT_TYPE]  # a payment has no hour of use
    ids = pd.DataFrame({"account_id": ground.names.astype(str), "account": np.arange(ground.n)})
    with duckdb.connect(config={"threads": 1}) as db:
        db.register("known", known)
        db.register("ids", ids)
        return db.sql(
            f"""SELECT account, number AS entity,
                       (24 * date_diff('day', DATE '2000-01-01', day) + h)::BIGINT AS hour
                FROM read_parquet({list(ground.parts)!r}) JOIN known USING (entity_type, entity)
                JOIN ids USING (account_id), range(24) AS hours(h)
                WHERE (active_hours >> h::INTEGER) & 1 = 1 ORDER BY account, entity, hour"""
        ).to_arrow_table().to_pandas()  # fmt: skip
