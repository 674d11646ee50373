"""Intake: counts add up, the same content in any form is the same, duplicates, faults of tables and of rows."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.errors import FaultList, InputError
from pipeline.link_types import LinkType
from pipeline.period import Period
from pipeline.schemas import TABLES, arrow_schema
from pipeline.settings import InputSettings, Settings
from pipeline.stages import intake
from pipeline.storage.find import find_inputs
from pipeline.storage.prompts import Prompts
from tests.support.tables import FORMATS, bench, bring_in, clean_rows, write_table

START = datetime(2026, 5, 1, tzinfo=UTC)


def _events(n: int = 40, seed: int = 0) -> list[dict[str, Any]]:
    """Requests with every column, some null, all different."""
    dice = random.Random(seed)
    addresses = ["10.0.0.1", "2001:DB8::1", "::ffff:10.0.0.2", "fe80::1%eth0", None]
    return [
        {
            "timestamp": (START + timedelta(seconds=dice.randrange(864_000), microseconds=i)).isoformat(),
            "account_id": f"00{dice.randrange(9)}",
            "ip": dice.choice(addresses),
            "prompt": dice.choice([f'say "{i}", please\nand 谢谢', None]),
            "request_id": dice.choice([f"r{i}", None]),
            "model": dice.choice(["m-1", None]),
            "user_agent": dice.choice(["a,b", "=1+1"]),
            "input_tokens": dice.choice([i, None]),
            "output_tokens": i,
            "device_id": dice.choice(["d1", "d2", None]),
        }
        for i in range(n)
    ]


DECLARED = Settings(link_types=(LinkType("device_id", "events", "device_id", "device"),))


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[dict[str, Any]], str]:
    """Rows and digest of the same events from one Parquet file in their own order."""
    folder = tmp_path_factory.mktemp("reference")
    write_table(folder / "in", "events", _events())
    made = bring_in(folder / "in", folder / "scratch", DECLARED)
    seen = intake.survey(find_inputs(folder / "in"), DECLARED, bench(folder / "survey"))
    return clean_rows(made), seen.digests["events"]


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("files", [1, 3])
def test_form_order_and_partition_say_nothing(
    form: str, files: int, tmp_path: Path, reference: tuple[list[dict[str, Any]], str]
) -> None:
    rows = _events()
    random.Random(files).shuffle(rows)
    write_table(tmp_path / "in", "events", rows, form, files)
    made = bring_in(tmp_path / "in", tmp_path / "scratch", DECLARED)
    assert clean_rows(made) == reference[0]
    assert made.counts["events"] == {"in": 40, "out": 40, "rejected": 0, "duplicates": 0, "outside_window": 0}
    seen = intake.survey(find_inputs(tmp_path / "in"), DECLARED, bench(tmp_path / "survey"))
    assert seen.digests["events"] == reference[1]
    assert seen.rows == {"events": 40}


@pytest.mark.parametrize(("scheduler", "workers"), [("sync", 1), ("threads", 2)])
def test_workers_say_nothing(
    scheduler: str, workers: int, tmp_path: Path, reference: tuple[list[dict[str, Any]], str]
) -> None:
    small = Settings(input=InputSettings(chunk_rows=10), link_types=DECLARED.link_types)
    write_table(tmp_path / "in", "events", _events() + _events()[:7])
    made = bring_in(tmp_path / "in", tmp_path / "scratch", small, scheduler=scheduler, workers=workers)
    assert len(made.clean_events) > 3
    assert clean_rows(made) == reference[0]
    assert made.counts["events"]["duplicates"] == 7


def test_values_are_in_normal_form(reference: tuple[list[dict[str, Any]], str]) -> None:
    rows = reference[0]
    assert {r["ip"] for r in rows} <= {"10.0.0.1", "10.0.0.2", "2001:db8::/64", "fe80::/64", None}
    assert all(r["account_id"].startswith("00") for r in rows)
    assert "prompt" not in rows[0]
    assert {r["device_id"] for r in rows} == {"d1", "d2", None}


def test_a_digest_tells_contents_apart(tmp_path: Path, reference: tuple[list[dict[str, Any]], str]) -> None:
    changes: list[Callable[[dict[str, Any]], None]] = [
        lambda r: r.update(prompt="another"), lambda r: r.update(account_id="x"), lambda r: r.update(device_id="d9"),
        lambda r: r.update(output_tokens=10_000), lambda r: r.update(timestamp="2026-05-01T00:00:00Z"),
    ]  # fmt: skip
    digests = {reference[1]}
    for i, change in enumerate(changes):
        rows = _events()
        change(rows[3])
        write_table(tmp_path / str(i), "events", rows)
        digests.add(intake.survey(find_inputs(tmp_path / str(i)), DECLARED, bench(tmp_path / "s")).digests["events"])
    assert len(digests) == len(changes) + 1


def _row(**more: Any) -> dict[str, Any]:
    plain = {"timestamp": "2026-05-01T10:00:00Z", "account_id": "a", "ip": "10.0.0.1", "prompt": "p", "request_id": "r"}
    return {**plain, **more}


@pytest.mark.parametrize("shuffle", range(4))
def test_of_contradicting_rows_the_earliest_stays(shuffle: int, tmp_path: Path) -> None:
    rows = [
        _row(request_id="one", timestamp="2026-05-01T10:00:02Z", account_id="late"),
        _row(request_id="one", timestamp="2026-05-01T10:00:01Z", account_id="early"),
        _row(request_id="one", timestamp="2026-05-01T10:00:03Z", account_id="later"),
        _row(request_id="two", account_id="b"), _row(request_id="two", account_id="c"),
        _row(request_id="three"), _row(request_id="three"), _row(request_id="three"),
        _row(request_id="four", prompt="x"), _row(request_id="four", prompt="y"),
    ]  # fmt: skip
    random.Random(shuffle).shuffle(rows)
    write_table(tmp_path / "in", "events", rows, files=2)
    made = bring_in(tmp_path / "in", tmp_path / "scratch")
    kept = {r["request_id"]: r["account_id"] for r in clean_rows(made)}
    assert kept["one"] == "early"
    assert sorted(kept) == ["four", "one", "three", "two"]
    assert made.counts["events"] == {"in": 10, "out": 4, "rejected": 0, "duplicates": 6, "outside_window": 0}
    assert (kept["two"], _prompt_of(tmp_path, made, "four")) == _settled_once(tmp_path)


_SETTLED: list[tuple[str, str]] = []


def _settled_once(tmp_path: Path) -> tuple[str, str]:
    """What the first of the shuffles settled on; every other must settle on the same."""
    if not _SETTLED:
        made = bring_in(tmp_path / "in", tmp_path / "again")
        kept = {r["request_id"]: r["account_id"] for r in clean_rows(made)}
        _SETTLED.append((kept["two"], _prompt_of(tmp_path, made, "four")))
    return _SETTLED[0]


def _prompt_of(tmp_path: Path, made: intake.Intake, request: str) -> str:
    prompts = Prompts(find_inputs(tmp_path / "in").tables["events"])
    for part in made.clean_events:
        texts = [t for batch in prompts.batches(part) for t in batch.to_pylist()]
        ids = pq.read_table(part).column("request_id").to_pylist()
        if request in ids:
            return str(texts[ids.index(request)])
    raise AssertionError("the request is gone")


def test_without_a_name_rows_equal_in_every_column_are_one(tmp_path: Path) -> None:
    plain = _row(request_id=None)
    rows = [
        plain, dict(plain), {**plain, "prompt": "q"}, {**plain, "ip": "10.0.0.2"}, {**plain, "latency": 5},
        {**plain, "ip": "2001:db8::1"}, {**plain, "ip": "2001:db8::2"},
        {**plain, "timestamp": "2026-05-01 10:00:00+00:00"},
    ]  # fmt: skip
    write_table(tmp_path / "in", "events", rows)
    made = bring_in(tmp_path / "in", tmp_path / "scratch")
    assert made.counts["events"]["duplicates"] == 2  # the second, and the last, which spells the moment differently
    assert made.counts["events"]["out"] == 6


VALUES = st.sampled_from(["10.0.0.1", "999.1.1.1", "", None, "::1", "x" * 20])
TIMES = st.sampled_from(
    ["2026-05-01T10:00:00Z", "2026-05-02", "nonsense", None, "2020-01-01", "2031-01-01", "1066-01-01", "9999-12-31"]
)
ROWS = st.lists(
    st.fixed_dictionaries(
        {"timestamp": TIMES, "account_id": st.sampled_from(["a", "b", "", None]), "ip": VALUES,
         "prompt": st.sampled_from(["p", None]), "request_id": st.sampled_from(["r1", "r2", "r3", None]),
         "input_tokens": st.sampled_from([None, "5", "-5", "five", "9999999999"])}
    ),
    max_size=9,
)  # fmt: skip


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS, form=st.sampled_from(["csv", "jsonl"]))
def test_intake_adds_up(rows: list[dict[str, Any]], form: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("adds")
    good = [_row(request_id=f"good{i}") for i in range(3)]
    write_table(folder / "in", "events", good + rows, form)
    period = Period(datetime(2026, 4, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC))
    bearing = Settings(input=InputSettings(max_rejected_share=1.0))
    made = bring_in(folder / "in", folder / "scratch", bearing, period=period)
    count = made.counts["events"]
    assert count["in"] == len(rows) + 3
    assert count["in"] == count["out"] + count["rejected"] + count["duplicates"] + count["outside_window"]
    assert count["out"] == len(clean_rows(made)) >= 3
    assert count["rejected"] == made.rejected_events.num_rows
    assert all(period.since <= r["timestamp"] < period.until for r in clean_rows(made))
    assert made.rejected_events.column("reason").null_count == 0


def test_a_refused_row_says_why_and_shows_nothing_sensitive(tmp_path: Path) -> None:
    rows = [_row(request_id=f"r{i}") for i in range(20)]
    rows[4]["ip"] = "canary-address"
    rows[5]["ip"] = "canary-address"
    rows[7]["timestamp"] = "yester\x1b[31mday"
    rows[9]["account_id"] = None
    rows[11]["account_id"] = "c" * 9000
    write_table(tmp_path / "in", "events", rows)
    made = bring_in(tmp_path / "in", tmp_path / "scratch")
    refused = made.rejected_events.to_pylist()
    assert [(r["row"], r["column"], r["reason"]) for r in refused] == [
        (5, "ip", "the value cannot be read"), (6, "ip", "the value cannot be read"),
        (8, "timestamp", "the value cannot be read"), (10, "account_id", "the value is missing"),
        (12, "account_id", "the value is too long"),
    ]  # fmt: skip
    assert "canary" not in repr(refused) and "cccc" not in repr(refused) and "\x1b" not in repr(refused)
    assert refused[0]["found"] == "a str of 14 characters"
    assert refused[0]["digest"] == refused[1]["digest"] != refused[4]["digest"]
    assert refused[2]["digest"] is None
    assert {r["file"] for r in refused} == {"events.parquet"}


def test_a_broken_line_costs_one_row(tmp_path: Path) -> None:
    write_table(tmp_path / "in", "events", [_row(request_id=f"r{i}") for i in range(12)], "csv")
    path = tmp_path / "in" / "events.csv"
    lines = path.read_text().splitlines()
    lines[3] += ",too,many"
    lines[5] = "too few"
    path.write_text("\n".join(lines) + "\n")
    made = bring_in(tmp_path / "in", tmp_path / "scratch")
    assert made.counts["events"]["rejected"] == 2
    assert made.rejected_events.column("row").to_pylist() == [3, 5]
    assert set(made.rejected_events.column("reason").to_pylist()) == {"the line cannot be read"}


def test_too_many_refused_rows_end_the_run(tmp_path: Path) -> None:
    rows = [_row(request_id=f"r{i}", ip="no address" if i % 3 == 0 else "10.0.0.1") for i in range(60)]
    write_table(tmp_path / "in", "events", rows)
    with pytest.raises(InputError, match=r"20 of 60 rows of events are refused.*max_rejected_share"):
        bring_in(tmp_path / "in", tmp_path / "scratch")
    write_table(tmp_path / "all", "events", [_row(timestamp="never")])
    with pytest.raises(InputError, match="1 of 1 rows"):
        bring_in(tmp_path / "all", tmp_path / "scratch")


def test_the_end_of_a_run_says_what_was_expected_and_how_to_mend_it(tmp_path: Path) -> None:
    """Of a moment: a sort of moment, and what to do about numbers without a unit; of an address: mend the table."""
    write_table(tmp_path / "times", "events", [_row(timestamp="never", request_id=f"r{i}") for i in range(3)])
    with pytest.raises(InputError) as told:
        bring_in(tmp_path / "times", tmp_path / "scratch")
    said = str(told.value)
    assert "moments in UTC, as ISO 8601 text or a timestamp" in said
    assert "A bare number has no unit" in said and "Or mend the table" in said
    write_table(tmp_path / "places", "events", [_row(ip="no address", request_id=f"r{i}") for i in range(3)])
    with pytest.raises(InputError) as told:
        bring_in(tmp_path / "places", tmp_path / "scratch")
    assert "expected IPv4 or IPv6 source address, any valid spelling. Mend the table" in str(told.value)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"account_id": ["a"], "ip": ["1.1.1.1"], "prompt": ["p"]}, "column timestamp is missing"),
        ({"timestamp": ["2026-05-01"], "account_id": ["a"], "ip": ["1.1.1.1"]}, "prompt or template_id"),
        ({"timestamp": [1], "account_id": ["a"], "ip": ["1.1.1.1"], "prompt": ["p"]}, "wrong type.*no unit"),
        ({"timestamp": ["2026-05-01"], "account_id": [1.5], "ip": ["1.1.1.1"], "prompt": ["p"]}, "wrong type"),
        ({"timestamp": ["2026-05-01"], "account_id": ["a"], "ip": [[1]], "prompt": ["p"]}, "wrong type"),
        ({"timestamp": ["2026-05-01"], "accountid": ["a"], "ip": ["1.1.1.1"], "prompt": ["p"]}, "If it is.*accountid"),
    ],
)  # fmt: skip
def test_a_broken_table_ends_the_run(table: dict[str, list[Any]], words: str, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    pq.write_table(pa.table(table), tmp_path / "in" / "events.parquet")
    with pytest.raises(InputError, match=words) as fault:
        bring_in(tmp_path / "in", tmp_path / "scratch")
    assert "events.parquet" in str(fault.value)
    assert fault.value.exit_code == 2


def test_all_missing_columns_are_named_at_once(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    pq.write_table(pa.table({"a": [1]}), tmp_path / "in" / "events.parquet")
    with pytest.raises(FaultList) as fault:
        bring_in(tmp_path / "in", tmp_path / "scratch")
    assert all(name in str(fault.value) for name in ("timestamp", "account_id", "ip", "prompt"))


def test_other_names_are_mapped_and_folders_tell_columns(tmp_path: Path) -> None:
    folder = tmp_path / "in" / "events" / "tenant=acme"
    folder.mkdir(parents=True)
    rows = [{"ts": "2026-05-01", "user": "a", "addr": "10.0.0.1", "text": "p"}]
    write_table(folder, "part", rows)
    mapping = {"timestamp": "ts", "account_id": "user", "ip": "addr", "prompt": "text", "model": "tenant"}
    made = bring_in(tmp_path / "in", tmp_path / "s", Settings(input=InputSettings(columns={"events": mapping})))
    assert [(r["account_id"], r["model"]) for r in clean_rows(made)] == [("a", "acme")]


def test_a_declared_column_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    write_table(tmp_path / "in", "events", [_row()])
    with pytest.raises(InputError, match="device_id is missing"):
        bring_in(tmp_path / "in", tmp_path / "scratch", DECLARED)


def test_small_tables(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    write_table(folder, "events", [_row()])
    write_table(folder, "payments", [
        {"account_id": "a", "payment_fingerprint": "c", "timestamp": "2026-05-01"},
        {"account_id": "a", "payment_fingerprint": "c", "timestamp": "2026-05-01T00:00:00Z"},
        {"account_id": "a", "payment_fingerprint": "c", "timestamp": None},
        {"account_id": "b", "payment_fingerprint": None, "timestamp": None},
        {"account_id": "a", "payment_fingerprint": "d", "timestamp": "2027-01-01"},
    ], "csv")  # fmt: skip
    write_table(folder, "accounts", [
        {"account_id": "a", "created_at": "2026-02-01", "status": "late", "badge": "x"},
        {"account_id": "a", "created_at": "2026-01-01", "status": "early", "badge": "y"},
        {"account_id": "b", "created_at": None, "status": "none", "badge": None},
    ])  # fmt: skip
    write_table(folder, "indicators", [
        {"operator": "Alder", "entity_type": "ip", "value": "::FFFF:10.0.0.1", "confidence": 0.9},
        {"operator": "Alder", "entity_type": "ip", "value": "2001:db8::77", "confidence": 0.9},
        {"operator": "Alder", "entity_type": "cidr", "value": "10.1.2.3/8", "confidence": 1},
        {"operator": "Unknown ", "entity_type": "ip", "value": "10.0.0.1", "confidence": 0.9},
        {"operator": "unattributed-17", "entity_type": "ip", "value": "10.0.0.1", "confidence": 0.9},
        {"operator": "Birch", "entity_type": "shoe", "value": "x", "confidence": 0.9},
        {"operator": "Birch", "entity_type": "payment", "value": "x", "confidence": 1.5},
        {"operator": "Birch", "entity_type": "ip", "value": "ten", "confidence": 0.5},
        {"operator": "Birch", "entity_type": "template", "value": "Write <*> of <*>", "confidence": 0.5},
    ], "jsonl")  # fmt: skip
    write_table(folder, "ip_ranges", [
        {"cidr": "10.0.0.7/8", "asn": "AS1", "kind": "hosting"},
        {"cidr": "10.0.0.0/8", "asn": "AS1", "kind": "hosting"},
        {"cidr": "nowhere", "asn": "AS1", "kind": None}, {"cidr": "10.2.0.0/16", "asn": "AS2", "kind": "spaceship"},
    ])  # fmt: skip
    write_table(folder, "allowlist", [
        {"entity_type": "ip", "value": "10.9.0.0/16", "reason": "office"},
        {"entity_type": "ip", "value": "2001:db8::5", "reason": "office"},
        {"entity_type": "payment", "value": "c9", "reason": "ours"},
    ])  # fmt: skip
    decision = {"conclusion": "dismissed", "reason": "r", "analyst": "n"}
    write_table(folder, "decisions", [
        {"decision_id": "1", **decision, "decided_at": "2026-05-01"},
        {"decision_id": "2", **decision, "decided_at": "2026-07-01"},
        {"decision_id": "3", **decision, "conclusion": "guessed", "decided_at": "2026-05-01"},
    ])  # fmt: skip
    declared = Settings(link_types=(LinkType("badge", "accounts", "badge", "badge"),))
    period = Period(datetime(2026, 4, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC))
    made = bring_in(folder, tmp_path / "scratch", declared, period=period)
    for name, count in made.counts.items():
        assert count["in"] == count["out"] + count["rejected"] + count["duplicates"] + count["outside_window"], name
    assert made.counts["payments"] == {"in": 5, "out": 2, "rejected": 1, "duplicates": 1, "outside_window": 1}
    assert made.clean_accounts.select(["account_id", "status", "badge"]).to_pylist() == [
        {"account_id": "a", "status": "early", "badge": "y"}, {"account_id": "b", "status": "none", "badge": None},
    ]  # fmt: skip
    assert made.clean_indicators.column("value").to_pylist() == [
        "10.0.0.1", "2001:db8::/64", "10.0.0.0/8", "Write <*> of <*>",
    ]  # fmt: skip
    assert made.counts["indicators"]["rejected"] == 5
    assert made.clean_ip_ranges.column("cidr").to_pylist() == ["10.0.0.0/8"]
    assert made.clean_allowlist.column("value").to_pylist() == ["10.9.0.0/16", "2001:db8::/64", "c9"]
    assert made.clean_decisions.column("decision_id").to_pylist() == ["1"]
    assert made.counts["decisions"]["outside_window"] == 1


def test_only_events_and_an_empty_log(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    empty = pa.table({"timestamp": pa.array([], pa.timestamp("us")), "account_id": pa.array([], pa.string()),
                      "ip": pa.array([], pa.string()), "prompt": pa.array([], pa.string())})  # fmt: skip
    pq.write_table(empty, tmp_path / "in" / "events.parquet")
    made = bring_in(tmp_path / "in", tmp_path / "scratch")
    assert [pq.read_metadata(p).num_rows for p in made.clean_events] == [0]
    assert pq.read_schema(made.clean_events[0]) == arrow_schema(TABLES["clean_events"])
    assert made.clean_payments.num_rows == 0
    seen = intake.survey(find_inputs(tmp_path / "in"), Settings(), bench(tmp_path / "survey"))
    assert (seen.first, seen.last, seen.rows) == (None, None, {"events": 0})


def test_the_survey_sees_first_and_last(tmp_path: Path) -> None:
    moments = ("2026-05-03", "2026-05-01T01:00:00Z", "2026-05-09T23:00:00+02:00")
    rows = [_row(timestamp=t, request_id=t) for t in moments]
    write_table(tmp_path / "in", "events", rows)
    seen = intake.survey(find_inputs(tmp_path / "in"), Settings(), bench(tmp_path / "survey"))
    assert seen.first == datetime(2026, 5, 1, 1, tzinfo=UTC)
    assert seen.last == datetime(2026, 5, 9, 21, tzinfo=UTC)


def test_prompts_are_found_again_beside_their_rows(tmp_path: Path) -> None:
    rows = [_row(request_id=f"r{i}", prompt=f"text {i}") for i in range(50)] + [_row(request_id="r3", prompt="text 3")]
    rows[10]["ip"] = "broken"
    write_table(tmp_path / "in", "events", rows, files=3)
    made = bring_in(tmp_path / "in", tmp_path / "scratch", Settings(input=InputSettings(chunk_rows=1000)))
    prompts = Prompts(find_inputs(tmp_path / "in").tables["events"])
    found = {}
    for part in made.clean_events:
        ids = pq.read_table(part).column("request_id").to_pylist()
        texts = [t for batch in prompts.batches(part) for t in batch.to_pylist()]
        found.update(zip(ids, texts, strict=True))
    assert found == {f"r{i}": f"text {i}" for i in range(50) if i != 10}


def test_many_duplicates_in_many_buckets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.stages.intake.duplicates.KEYS_A_BUCKET", 37)
    dice = np.random.default_rng(5)
    numbers = dice.integers(0, 120, 400)
    rows = [_row(request_id=f"r{n}" if n % 2 else None, account_id=f"a{n}") for n in numbers.tolist()]
    write_table(tmp_path / "in", "events", rows, files=4)
    made = bring_in(tmp_path / "in", tmp_path / "scratch", Settings(input=InputSettings(chunk_rows=60)))
    assert made.counts["events"]["out"] == len(set(numbers.tolist()))
    assert sorted(r["account_id"] for r in clean_rows(made)) == sorted({f"a{n}" for n in numbers.tolist()})
