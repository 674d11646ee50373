"""The bipartite graph: which account shares which entity, and how many bits that is worth. The last large table.

Rows in: sightings by day, entities with their bits. Rows out: one an account and an entity that at least two accounts
share and that is not left out. Where that would be more rows than the settings allow, the stage refuses and names the
largest entities by type, digest and degree.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.engine import connect, text_literal
from pipeline.errors import RunError
from pipeline.schemas import TABLES, arrow_schema
from pipeline.settings import Settings
from pipeline.workbench import Workbench

_NAMED = 5


@dataclass(frozen=True)
class Incidence:
    """What the stage writes; `left_out` counts entities by why they are not in the graph."""

    incidence_bits: pa.Table
    left_out: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class _Part:
    sightings: str
    entities: str
    scratch: str
    memory: int


def make(sightings: Sequence[str], entities: pd.DataFrame, *, settings: Settings, bench: Workbench) -> Incidence:
    """Join the sightings with the entities that may link. RunError where the graph would be too large."""
    links = entities["left_out_because"].isna() & (entities["n_accounts"] >= 2)
    light = links & (entities["bits"] < settings.incidence.min_bits)
    kept = entities.loc[links & ~light, ["entity_type", "entity", "bits", "n_accounts"]]
    _refuse_above(kept, settings.incidence.max_rows)
    path = str(Path(bench.scratch) / "linking.parquet")
    # Sorted, so that the file and every join on it are the same whatever order the entities came in.
    frame = kept.drop(columns="n_accounts").sort_values(["entity_type", "entity"])
    pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), path)
    tasks = [_Part(part, path, bench.scratch, bench.memory) for part in sightings]
    made = bench.map(_join, tasks, what="make the graph")
    schema = arrow_schema(TABLES["incidence_bits"])
    table = pa.concat_tables([schema.empty_table(), *made])
    counts = {
        "entity of too few bits": int(light.sum()),
        "entity of one account": int((entities["left_out_because"].isna() & (entities["n_accounts"] < 2)).sum()),
    }
    return Incidence(table, {reason: n for reason, n in counts.items() if n})


def _refuse_above(kept: pd.DataFrame, max_rows: int) -> None:
    """An entity's degree is its rows in the graph, so the size is known before anything is joined."""
    rows = int(kept["n_accounts"].sum())
    if rows <= max_rows:
        return
    largest = kept.sort_values(["n_accounts", "entity_type", "entity"], ascending=[False, True, True]).head(_NAMED)
    named = "; ".join(
        f"{t} {hashlib.sha256(e.encode()).hexdigest()[:12]} with {n} accounts"
        for t, e, n in zip(largest["entity_type"], largest["entity"], largest["n_accounts"], strict=True)
    )
    raise RunError(
        f"the graph of accounts and shared things would have {rows} rows", found=f"as its largest entities {named}",
        expected=f"at most {max_rows} (incidence.max_rows)",
        mend="Put the largest on the allowlist, raise incidence.min_bits, or raise incidence.max_rows.",
    )  # fmt: skip


def _join(task: _Part) -> pa.Table:
    """One part of the sightings with the entities that link."""
    seen, links = text_literal(task.sightings), text_literal(task.entities)
    with connect(task.scratch, task.memory) as db:
        made = db.sql(
            "select account_id, entity_type, entity, any_value(bits) as bits, sum(n_events)::bigint as n_events, "
            "count(*) as n_days, min(first_seen) as first_seen, max(last_seen) as last_seen "
            f"from read_parquet({seen}) as seen join read_parquet({links}) as links using (entity_type, entity) "
            "group by account_id, entity_type, entity order by account_id, entity_type, entity"
        ).to_arrow_table()
    schema = arrow_schema(TABLES["incidence_bits"])
    return made.select(schema.names).cast(schema)
