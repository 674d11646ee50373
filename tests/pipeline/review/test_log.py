"""The log and the store on both databases: order, conflict, once only, never changed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from pipeline.decisions import Decision, DecisionLog, MeanwhileError, read_decisions
from pipeline.errors import StoreError
from pipeline.review.store import APPEND_ONLY, METADATA, open_store
from tests.pipeline.review.conftest import Clock


def row(name: str, ring_id: str = "R-1", reason: str = "three cards in common", **more: str) -> Decision:
    """A row not yet written."""
    return Decision(name, name, "confirmed", reason, "ana", ring_id=ring_id, **more)


def test_rows_come_back_as_they_were_written(engine: Engine, clock: Clock, store: str) -> None:
    log = DecisionLog(engine, clock)
    hostile = "<b>=1+1\u202e</b>\nline"
    written = log.append([row("d1", reason=hostile, account_id="a é 😀", part="A", run_id="r")], seen=0)[0]
    assert (written.reason, written.account_id, written.decided_at) == (hostile, "a é 😀", clock.now)
    assert log.rows(ring_id="R-1") == [written]
    assert read_decisions(store)["reason"].to_pylist() == [hostile]


def test_somebody_was_faster(engine: Engine, clock: Clock) -> None:
    log = DecisionLog(engine, clock)
    first = log.append([row("d1")], seen=0)[0]
    with pytest.raises(MeanwhileError) as told:
        log.append([row("d2")], seen=0)
    assert told.value.latest == first
    assert log.append([row("d3", ring_id="R-2")], seen=0), "another ring is another matter"
    assert log.append([row("d2")], seen=first.seq), "whoever has read the first may write the second"


def test_an_act_sent_twice_is_written_once(engine: Engine, clock: Clock) -> None:
    log = DecisionLog(engine, clock)
    assert log.append([row("d1")], seen=0) == log.append([row("d1")], seen=0)
    assert len(log.after(0)) == 1


def test_an_act_is_written_whole_or_not_at_all(engine: Engine, clock: Clock) -> None:
    log = DecisionLog(engine, clock)

    def breaks(_: object) -> None:
        raise RuntimeError("the disk is gone")

    with pytest.raises(RuntimeError):
        log.append([row("d1")], also=breaks)
    assert log.after(0) == []
    assert log.append([row("d1")]), "nothing of the first try is in the way"


def test_time_runs_forward_even_where_clocks_do_not(engine: Engine, clock: Clock) -> None:
    log = DecisionLog(engine, clock)
    first = log.append([row("d1")])[0]
    clock.passes(hours=-2)
    second = log.append([row("d2")])[0]
    assert second.decided_at > first.decided_at


@pytest.mark.parametrize("verb", ["UPDATE {} SET seq = 7", "DELETE FROM {}"])
def test_the_database_itself_refuses_to_change_rows(engine: Engine, clock: Clock, verb: str) -> None:
    DecisionLog(engine, clock).append([row("d1")])
    with pytest.raises(DBAPIError, match="append-only"), engine.begin() as connection:
        connection.execute(text(verb.format("decisions")))
    assert len(DecisionLog(engine, clock).after(0)) == 1


def test_tables_written_once_all_have_their_guard(engine: Engine) -> None:
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            found = connection.execute(text("SELECT DISTINCT tbl_name FROM sqlite_master WHERE type = 'trigger'"))
        else:
            found = connection.execute(text("SELECT DISTINCT event_object_table FROM information_schema.triggers"))
        assert {r[0] for r in found} == set(APPEND_ONLY)


def test_migrations_make_exactly_the_described_tables(engine: Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []


def test_two_open_a_new_store_at_once(store: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        engines = list(pool.map(open_store, [store] * 4))
    with engines[0].connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM alembic_version")).scalar() == 1
    for engine in engines:
        engine.dispose()


def test_twenty_analysts_write_fifty_decisions_each_at_once(engine: Engine) -> None:
    log = DecisionLog(engine, lambda: datetime.fromisoformat("2026-06-08T09:00:00+00:00"))

    def work(analyst: int) -> int:
        for k in range(50):
            name = f"a{analyst:02d}-{k:02d}"
            log.append(
                [Decision(name, name, "unsure", "cannot tell from this", f"analyst {analyst}", ring_id=f"R-{k}")]
            )
        return analyst

    with ThreadPoolExecutor(20) as pool:
        assert list(pool.map(work, range(20))) == list(range(20))
    rows = log.after(0)
    assert len(rows) == len({d.decision_id for d in rows}) == 1000
    assert [d.decided_at for d in rows] == sorted({d.decided_at for d in rows}), "in order, no two at one time"
    for analyst in range(20):
        own = [d.decision_id for d in rows if d.analyst == f"analyst {analyst}"]
        assert own == sorted(own), "each one's own order is kept"


def test_on_one_ring_at_once_only_who_knew_the_last_row_writes(engine: Engine, clock: Clock) -> None:
    log = DecisionLog(engine, clock)

    def work(analyst: int) -> bool:
        try:
            log.append([row(f"d{analyst}")], seen=0)
        except MeanwhileError:
            return False
        return True

    with ThreadPoolExecutor(12) as pool:
        assert sum(pool.map(work, range(12))) == 1
    assert len(log.after(0)) == 1


def test_a_store_that_cannot_be_reached_is_said_without_its_password() -> None:
    with pytest.raises(StoreError) as told:
        open_store("postgresql://somebody:geheim@127.0.0.1:1/none")
    assert "geheim" not in str(told.value)
    with pytest.raises(StoreError) as told:
        read_decisions("postgresql://somebody:geheim@127.0.0.1:1/none")
    assert "geheim" not in str(told.value)
