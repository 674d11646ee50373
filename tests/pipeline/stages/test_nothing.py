"""A run without rings, on an input without events, is a run: every table is there, empty, with its types."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.link_types import link_types
from pipeline.period import Period
from pipeline.plan import BY_NAME
from pipeline.run.walk import find_make
from pipeline.schemas import TABLES, arrow_schema
from pipeline.settings import Settings
from pipeline.storage.tables import conform
from tests.support.frames import PlainBench, frame

UNTIL = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.mark.parametrize("indicated", [False, True])
@pytest.mark.parametrize("stage", ["registry", "evidence", "attribution", "operators", "rings"])
def test_nothing_in_nothing_out(stage: str, indicated: bool, tmp_path: Path) -> None:
    given: dict[str, Any] = {}
    for name in BY_NAME[stage].reads:
        if TABLES[name].wide:
            path = tmp_path / f"{name}.parquet"
            pq.write_table(pa.Table.from_batches([], schema=arrow_schema(TABLES[name])), path)
            given[name] = [str(path)]
        else:
            given[name] = frame(name)
    if indicated and "clean_indicators" in given:
        row = {"operator": "Alder", "entity_type": "cidr", "value": "198.51.100.0/24", "confidence": 0.9}
        given["clean_indicators"] = frame("clean_indicators", [row])
    if indicated and "clean_decisions" in given:
        row = {
            "decision_id": "d",
            "conclusion": "dismissed",
            "reason": "-",
            "analyst": "B",
            "decided_at": UNTIL,
            "ring_id": "R",
        }
        given["clean_decisions"] = frame("clean_decisions", [row])
    more = {
        "settings": Settings(),
        "period": Period(UNTIL - timedelta(days=45), UNTIL),
        "bench": PlainBench(str(tmp_path)),
        "run_id": "2026-06-01-00000000",
    }
    given |= {f"previous_{name}": frame(name) if indicated else None for name in BY_NAME[stage].previous}
    make = find_make(stage)
    wanted = make.__code__.co_varnames[: make.__code__.co_argcount + make.__code__.co_kwonlyargcount]
    made = make(**{name: value for name, value in {**given, **more}.items() if name in wanted})
    for name in BY_NAME[stage].writes:
        assert conform(name, getattr(made, name), link_types()).num_rows == 0, name
