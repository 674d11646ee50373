"""The bipartite graph: what is shared goes in once, what may not link stays out, too much is refused by name."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import RunError
from pipeline.schemas import TABLES, arrow_schema
from pipeline.settings import IncidenceSettings, Settings
from pipeline.stages import incidence
from tests.support.tables import bench

DAY = datetime(2026, 5, 1, 9, tzinfo=UTC)


def _sightings(folder: Path) -> list[str]:
    rows = [
        ("a", "ip", "1", 1, 2), ("a", "ip", "1", 2, 3), ("a", "ip", "2", 1, 1), ("a", "payment", "c", 1, 0),
        ("b", "ip", "1", 1, 1), ("b", "ip", "3", 1, 7), ("c", "payment", "c", 3, 0), ("c", "ip", "4", 3, 9),
    ]  # fmt: skip
    schema = arrow_schema(TABLES["sightings"])
    paths = []
    for accounts in ("ab", "c"):
        mine = [
            {"account_id": a, "entity_type": t, "entity": e, "day": date(2026, 5, d), "n_events": n, "active_hours": 1,
             "first_seen": DAY.replace(day=d), "last_seen": DAY.replace(day=d, hour=10)}
            for a, t, e, d, n in rows if a in accounts
        ]  # fmt: skip
        paths.append(str(folder / f"{accounts}.parquet"))
        pq.write_table(pa.Table.from_pylist(mine, schema=schema), paths[-1])
    return paths


ENTITIES = pd.DataFrame(
    {
        "entity_type": ["ip", "ip", "ip", "ip", "payment"],
        "entity": ["1", "2", "3", "4", "c"],
        "bits": [5.0, 9.0, 4.0, 0.1, 7.0],
        "n_accounts": [2, 1, 2, 2, 2],
        "left_out_because": [None, None, "on the allowlist", None, None],
    }
)


def test_shared_and_allowed_entities_make_the_graph(tmp_path: Path) -> None:
    made = incidence.make(_sightings(tmp_path), ENTITIES, settings=Settings(), bench=bench(tmp_path / "scratch"))
    assert made.incidence_bits.schema == arrow_schema(TABLES["incidence_bits"])
    rows = {(r["account_id"], r["entity_type"], r["entity"]): r for r in made.incidence_bits.to_pylist()}
    assert sorted(rows) == [("a", "ip", "1"), ("a", "payment", "c"), ("b", "ip", "1"), ("c", "payment", "c")]
    first = rows["a", "ip", "1"]
    assert (first["bits"], first["n_events"], first["n_days"]) == (5.0, 5, 2)
    assert (first["first_seen"], first["last_seen"]) == (DAY, DAY.replace(day=2, hour=10))
    assert made.left_out == {"entity of too few bits": 1, "entity of one account": 1}


def test_order_and_workers_say_nothing(tmp_path: Path) -> None:
    parts = _sightings(tmp_path)
    plain = incidence.make(parts, ENTITIES, settings=Settings(), bench=bench(tmp_path / "one"))
    other = incidence.make(
        parts, ENTITIES.iloc[::-1], settings=Settings(), bench=bench(tmp_path / "two", "threads", 2)
    )
    assert plain.incidence_bits.equals(other.incidence_bits)


def test_too_large_a_graph_is_refused_and_names_the_largest(tmp_path: Path) -> None:
    many = ENTITIES.assign(n_accounts=[900, 1, 2, 2, 800])
    small = Settings(incidence=IncidenceSettings(max_rows=1000))
    with pytest.raises(RunError, match=r"1700 rows.*ip [0-9a-f]{12} with 900 accounts; payment [0-9a-f]{12} with 800"):
        incidence.make(_sightings(tmp_path), many, settings=small, bench=bench(tmp_path / "scratch"))


def test_nothing_shared(tmp_path: Path) -> None:
    made = incidence.make(
        _sightings(tmp_path), ENTITIES.iloc[:0], settings=Settings(), bench=bench(tmp_path / "scratch")
    )
    assert made.incidence_bits.num_rows == 0
