"""Days in a row with decisions between them, through the whole line: what stands counts, what is withdrawn does not."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pandas as pd
import pytest

from pipeline.period import instant
from pipeline.run import Request, carry_out
from pipeline.settings import (
    CommunitiesSettings,
    ExportsSettings,
    NullSettings,
    RunSettings,
    ScoresSettings,
    Settings,
    WindowSettings,
)
from pipeline.storage import open_run
from tests.benchmarks.daily import same_tables
from tests.support.days import write_days
from tests.support.models import hand_made
from tests.support.tiny import tiny_world


def _model() -> str:
    """A model made by hand: these tests are of names, and the tiny world must have rings."""
    place = Path(tempfile.mkdtemp()) / "model.json"
    return hand_made(place, coordinated="two_families", whole="payment_closed", offset=6.0)


# the tiny world is too small for chance to be ruled out: here every ring above the threshold may be flagged
RULES = Settings(
    window=WindowSettings(days=10), exports=ExportsSettings(make=False), run=RunSettings(scheduler="sync", workers=1),
    communities=CommunitiesSettings(seeds=1, cpm_resolutions=(0.3,), barber_resolutions=(8.0,)),
    null=NullSettings(rewirings=1), scores=ScoresSettings(max_q=1.0, model=_model()),
)  # fmt: skip
DAYS = ("2026-05-10", "2026-05-11", "2026-05-12", "2026-05-13")


class Line:
    """Runs of one input, day after day."""

    def __init__(self, place: Path) -> None:
        world = tiny_world(rings=3)
        self.place = place
        self.source = write_days(world.events, world, place / "in")

    def run(self, day: str, previous: str, *decisions: tuple[str, str, str, str | None, str | None]) -> str:
        """A run of the day after an earlier run; decisions are (id, conclusion, day, ring or `type:entity`,
        superseded)."""
        rows = [
            {"decision_id": i, "conclusion": what, "reason": "seen", "analyst": "ana", "decided_at": f"{at}T12:00:00Z",
             "ring_id": ring, "supersedes": gone, "entity_type": None, "entity": None}
            | ({"ring_id": None, "entity_type": ring.split(":")[0], "entity": ring.split(":")[1]}
               if ring and ":" in ring else {})
            for i, what, at, ring, gone in decisions
        ]  # fmt: skip
        log = self.place / f"log-{day}-{'-'.join(r['decision_id'] for r in rows)}" / "decisions.jsonl"
        log.parent.mkdir(exist_ok=True)
        pd.DataFrame(rows).to_json(log, orient="records", lines=True)
        request = Request(
            str(self.source), str(self.place / "out"), RULES, until=instant(day), previous=previous,
            decisions=str(log) if rows else None,
        )  # fmt: skip
        return carry_out(request).place

    @staticmethod
    def rings(run: str) -> pd.DataFrame:
        """The rings of a run by id."""
        return pd.read_parquet(f"{run}/rings.parquet").set_index("ring_id")


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Line:
    """The line on the tiny world with three rings, two of which fall apart into siblings at one set of addresses."""
    return Line(tmp_path_factory.mktemp("days"))


@pytest.fixture(scope="module")
def first(line: Line) -> str:
    """The run of the first day."""
    return line.run(DAYS[0], "none")


@pytest.fixture(scope="module")
def plain(line: Line, first: str) -> str:
    """The run of the second day, nothing decided."""
    return line.run(DAYS[1], first)


def siblings(run: str) -> tuple[str, str]:
    """Two rings that share an address, with different accounts."""
    evidence = pd.read_parquet(f"{run}/evidence.parquet")
    held = evidence.groupby("entity")["ring_id"].agg(lambda r: tuple(sorted(set(r))))
    pairs = sorted(p for p in held if len(p) == 2)
    assert pairs, "the world has no siblings"
    return pairs[0]


def test_rings_keep_their_ids_from_day_to_day(line: Line, first: str, plain: str) -> None:
    before, after = line.rings(first), line.rings(plain)
    strong = before[before["score"] > 0.5]
    assert len(strong) and set(strong.index) <= set(after.index)
    registry = pd.read_parquet(f"{plain}/ring_registry.parquet")
    assert registry["ring_id"].is_unique


def test_confirmed_rings_raise_their_sibling_and_a_withdrawal_leaves_no_trace(
    line: Line, first: str, plain: str
) -> None:
    ring, sibling = siblings(first)
    other = next(r for r in line.rings(first).index if r not in (ring, sibling))
    said = [("c1", "confirmed", DAYS[0], ring, None), ("c2", "confirmed", DAYS[0], other, None)]
    raised = line.run(DAYS[1], first, *said)
    before, after = line.rings(plain), line.rings(raised)
    assert after.at[sibling, "score"] > before.at[sibling, "score"]
    parts = pd.read_parquet(f"{raised}/score_parts.parquet")
    decided = parts[(parts["part"] == "decisions") & (parts["ring_id"] == sibling)]
    assert decided["bits"].item() > 0
    sums = parts.groupby("ring_id")["bits"].sum()
    pd.testing.assert_series_equal(sums, after["score_bits"].loc[sums.index], check_names=False, atol=1e-6)
    counts = open_run(raised).manifest["stages"]["scores"]["counts"]
    assert counts["decisions"] and not open_run(plain).manifest["stages"]["scores"]["counts"]["decisions"]

    gone = [(f"w{i}", "withdrawn", DAYS[0], None, d[0]) for i, d in enumerate(said)]
    back = line.rings(line.run(DAYS[1], first, *said, *gone))
    columns = ["score", "score_bits", "kind", "flagged", "operator", "suppressed_by"]
    pd.testing.assert_frame_equal(back[columns], before[columns])


def test_a_dismissed_ring_stays_dismissed_until_it_is_withdrawn(line: Line, first: str) -> None:
    rings = line.rings(first)
    ring = rings["size"].idxmax()  # the fullest: nothing new can join it, which would lift the dismissal
    said = ("d1", "dismissed", DAYS[0], ring, None)
    run = first
    for day in DAYS[1:3]:
        run = line.run(day, run, said)
        assert line.rings(run).at[ring, "suppressed_by"] == "d1"
        assert not line.rings(run).at[ring, "flagged"]
    freed = line.rings(line.run(DAYS[3], run, said, ("w1", "withdrawn", DAYS[2], ring, None)))
    assert pd.isna(freed.at[ring, "suppressed_by"])
    assert freed.at[ring, "flagged"] == (freed.at[ring, "score"] >= ScoresSettings().threshold)


def test_an_allowed_entity_ties_nothing(line: Line, first: str, plain: str) -> None:
    evidence = pd.read_parquet(f"{first}/evidence.parquet")
    entity = evidence[evidence["entity_type"] == "ip"].sort_values(["bits", "entity"])["entity"].iloc[-1]
    said = ("e1", "entity_allowed", DAYS[0], f"ip:{entity}", None)
    allowed = pd.read_parquet(f"{line.run(DAYS[1], first, said)}/evidence.parquet")
    assert entity not in set(allowed["entity"])
    assert entity in set(pd.read_parquet(f"{plain}/evidence.parquet")["entity"])


def test_day_after_day_and_one_run_end_in_the_same_tables(line: Line, plain: str) -> None:
    once = line.run(DAYS[1], "none")
    found = same_tables(Path(plain), Path(once))
    assert all(found.values()), found
