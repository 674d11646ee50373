"""The log of decisions: laws that hold without a database. Tests on both databases are in review/test_log.py."""

from __future__ import annotations

from dataclasses import replace

import duckdb
import hypothesis.strategies as st
from hypothesis import given

from pipeline.decisions import (
    MEMBERS_DIGEST_SQL,
    Decision,
    allowlist,
    as_arrow,
    holding,
    members_digest,
    moment,
    standing,
)
from pipeline.schemas import INPUTS
from pipeline.standing import standing as standing_of_a_run

IDS = st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8), min_size=1, max_size=8)


def row(number: int, conclusion: str = "confirmed", supersedes: int | None = None, **more: str) -> Decision:
    """A row of the log."""
    name = f"d{number}"
    corrected = f"d{supersedes}" if supersedes is not None else None
    return Decision(name, name, conclusion, "a reason for it", "ana", seq=number, supersedes=corrected, **more)


@given(IDS)
def test_digest_is_one_of_sets_and_the_same_in_duckdb(ids: list[str]) -> None:
    assert members_digest(ids) == members_digest([*reversed(ids), ids[0]])
    connection = duckdb.connect()
    connection.execute("CREATE TABLE m AS SELECT unnest(?::VARCHAR[]) AS account_id", [sorted(set(ids))])
    found = connection.execute(f"SELECT {MEMBERS_DIGEST_SQL} FROM m").fetchone()
    assert found == (members_digest(ids),)


@given(IDS, IDS)
def test_digests_of_other_sets_differ(one: list[str], other: list[str]) -> None:
    assert (members_digest(one) == members_digest(other)) == (set(one) == set(other))


def test_digest_keeps_joined_names_apart() -> None:
    assert members_digest(["a,1:b"]) != members_digest(["a", "b"])


def test_what_a_withdrawn_row_had_corrected_stands_again() -> None:
    log = [row(1), row(2, "dismissed", supersedes=1), row(4, "unsure")]
    assert [d.decision_id for d in standing(log)] == ["d2", "d4"]
    log.append(row(5, "withdrawn", supersedes=2))
    assert [d.decision_id for d in standing(log)] == ["d1", "d4"]
    assert [d.decision_id for d in standing(reversed(log))] == ["d1", "d4"]
    assert [d.decision_id for d in holding(log)] == ["d1", "d4", "d5"]


CONCLUSIONS = st.sampled_from(["confirmed", "dismissed", "withdrawn", "unsure"])


@given(st.lists(st.tuples(st.integers(1, 6), CONCLUSIONS, st.sampled_from(["R", "S"])), max_size=8))
def test_the_log_and_a_run_read_the_same(named: list[tuple[int, str, str]]) -> None:
    """The workspace and the line agree on what counts, whatever was written."""
    log = [
        replace(row(k, what, supersedes=s if s < k else None, ring_id=ring), decided_at=moment(k))
        for k, (s, what, ring) in enumerate(named, 1)
    ]
    in_a_run = standing_of_a_run(as_arrow(log).to_pandas())
    assert [d.decision_id for d in standing(log)] == list(in_a_run["decision_id"])
    held = {d.supersedes for d in holding(log)}
    assert not any(d.decision_id in held for d in standing(log))


def test_rows_leave_as_the_input_of_later_runs() -> None:
    table = as_arrow([row(1, ring_id="R-1"), row(2, "unsure")])
    described = INPUTS["decisions"]
    assert table.column_names == [*described.names, "act"]
    assert table["ring_id"].to_pylist() == ["R-1", None]
    assert table["decided_at"].to_pylist() == [moment(0), moment(0)]


def test_only_standing_allowances_are_allowed_and_each_once() -> None:
    log = [
        row(1, "entity_allowed", entity_type="device", entity="x"),
        row(2, "entity_allowed", entity_type="device", entity="y"),
        row(3, "withdrawn", supersedes=1),
        row(4, "entity_allowed", entity_type="device", entity="y"),
    ]
    assert allowlist(log).to_pylist() == [{"entity_type": "device", "value": "y", "reason": "a reason for it"}]
