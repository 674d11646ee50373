"""Sightings against a plain count in Python, whatever the cut into parts and workers; traits by hand."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.link_types import LinkType
from pipeline.period import Period
from pipeline.schemas import TABLES, arrow_schema
from pipeline.settings import Settings
from pipeline.stages import sightings
from pipeline.stages.sightings import Sightings
from pipeline.stages.sightings.count import MOST_TALKERS
from tests.support.tables import bench

START = datetime(2026, 5, 1, tzinfo=UTC)
PERIOD = Period(START, START + timedelta(days=40))
DECLARED = Settings(
    link_types=(
        LinkType("device_id", "events", "device_id", "device"),
        LinkType("email_domain", "accounts", "email_domain", "mail"),
        LinkType("badge", "payments", "badge", "badge"),
    )
)
Row = dict[str, Any]


def _requests(n: int = 300, seed: int = 1) -> list[Row]:
    dice = random.Random(seed)
    return [
        {
            "timestamp": START + timedelta(hours=dice.randrange(400), seconds=dice.randrange(3600)),
            "account_id": f"a{dice.randrange(12)}",
            "ip": dice.choice(["10.0.0.1", "10.0.0.2", "2001:db8::/64", None]),
            "device_id": dice.choice(["d1", "d2", None]),
            "model": dice.choice(["m-20260101", "m", None]), "user_agent": dice.choice(["u1", "u2", None]),
            "input_tokens": dice.choice([dice.randrange(100), None]), "output_tokens": dice.randrange(50),
            "template_id": dice.choice(["T1", "T2", None]), "conversation": dice.choice([None, dice.randrange(40)]),
            "slot_digest": dice.randrange(30), "n_chars": dice.choice([0, 5]), "asks_reasoning": dice.random() < 0.3,
        }
        for _ in range(n)
    ]  # fmt: skip


def _parts(folder: Path, rows: list[Row], n_parts: int) -> tuple[list[str], list[str]]:
    """Parts of clean_events and of template_events, row by row beside each other."""
    folder.mkdir(parents=True)
    paths: tuple[list[str], list[str]] = ([], [])
    for i in range(n_parts):
        mine = rows[i::n_parts]
        for name, listed in zip(("clean_events", "template_events"), paths, strict=True):
            extra = {"device_id": "string"} if name == "clean_events" else {}
            schema = arrow_schema(TABLES[name], extra)  # type: ignore[arg-type]
            filled = [{"source": 0, "row": i, **r} for r in mine]
            table = pa.Table.from_pylist([{n: r.get(n) for n in schema.names} for r in filled], schema=schema)
            path = folder / f"{name}-{i}.parquet"
            pq.write_table(table, path, row_group_size=50)
            listed.append(str(path))
    return paths


PAYMENTS = [
    {"account_id": "a1", "payment_fingerprint": "c1", "timestamp": START, "badge": "b1"},
    {"account_id": "a1", "payment_fingerprint": "c1", "timestamp": START + timedelta(days=1), "badge": None},
    {"account_id": "a2", "payment_fingerprint": "c1", "timestamp": None, "badge": "b1"},
    {"account_id": "only-paid", "payment_fingerprint": "c2", "timestamp": None, "badge": None},
    {"account_id": "paid-early", "payment_fingerprint": "c2", "timestamp": START - timedelta(days=90), "badge": None},
    {"account_id": "stranger", "payment_fingerprint": "c3", "timestamp": None, "badge": None},
]
ACCOUNTS = [
    {"account_id": "a1", "created_at": START - timedelta(days=3), "status": "active", "email_domain": "x.example"},
    {"account_id": "a3", "created_at": None, "status": "closed", "email_domain": "x.example"},
    {"account_id": "only-paid", "created_at": START - timedelta(days=9), "email_domain": "y.example"},
    {"account_id": "idle", "created_at": START, "email_domain": "x.example"},
]


def _frame(name: str, rows: list[Row], *extra: str) -> pd.DataFrame:
    schema = arrow_schema(TABLES[name], dict.fromkeys(extra, "string"))  # type: ignore[arg-type]
    return pa.Table.from_pylist([{n: r.get(n) for n in schema.names} for r in rows], schema=schema).to_pandas()


def _make(folder: Path, rows: list[Row], n_parts: int = 3, workers: int = 1) -> Sightings:
    events, templates = _parts(folder / "parts", rows, n_parts)
    return sightings.make(
        events, _frame("clean_payments", PAYMENTS, "badge"), _frame("clean_accounts", ACCOUNTS), templates,
        settings=DECLARED, period=PERIOD, bench=bench(folder / "scratch", "threads", workers),
    )  # fmt: skip


def _rows(parts: list[str]) -> list[Row]:
    return pa.concat_tables([pq.read_table(p) for p in parts]).to_pylist()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Sightings:
    return _make(tmp_path_factory.mktemp("made"), _requests())


def test_every_sighting_against_a_plain_count(made: Sightings) -> None:
    expected: dict[tuple[str, str, str, Any], Row] = {}
    for row in _requests():
        for kind, column in (("ip", "ip"), ("device_id", "device_id"), ("template", "template_id")):
            if row[column] is None:
                continue
            key = (row["account_id"], kind, row[column], row["timestamp"].date())
            seen = expected.setdefault(
                key, {"n": 0, "mask": 0, "first": row["timestamp"], "last": row["timestamp"]}
            )
            seen["n"] += 1
            seen["mask"] |= 1 << row["timestamp"].hour
            seen["first"], seen["last"] = min(seen["first"], row["timestamp"]), max(seen["last"], row["timestamp"])
    found = {
        (r["account_id"], r["entity_type"], r["entity"], r["day"]): {
            "n": r["n_events"], "mask": r["active_hours"], "first": r["first_seen"], "last": r["last_seen"],
        }
        for r in _rows(made.sightings)
        if r["n_events"]
    }  # fmt: skip
    assert found == expected


def test_small_tables_link_too(made: Sightings) -> None:
    seen = {
        (r["account_id"], r["entity_type"], r["entity"], r["day"].isoformat())
        for r in _rows(made.sightings)
        if r["n_events"] == 0
    }
    first = {
        a: min(r["timestamp"] for r in _requests() if r["account_id"] == a).date().isoformat() for a in ("a2", "a3")
    }
    assert seen == {
        ("a1", "payment", "c1", "2026-05-01"), ("a1", "payment", "c1", "2026-05-02"),
        ("a2", "payment", "c1", first["a2"]), ("a1", "badge", "b1", "2026-05-01"), ("a2", "badge", "b1", first["a2"]),
        ("only-paid", "payment", "c2", "2026-04-22"), ("paid-early", "payment", "c2", "2026-01-31"),
        ("stranger", "payment", "c3", "2026-05-01"),
        ("a1", "email_domain", "x.example", "2026-04-28"), ("a3", "email_domain", "x.example", first["a3"]),
        ("only-paid", "email_domain", "y.example", "2026-04-22"),
    }  # fmt: skip
    assert made.left_out == {"accounts without event or payment": 1}


@pytest.mark.parametrize("n_buckets", [2, 3, 5, 7])
def test_an_account_lies_in_one_part_and_parts_say_nothing(
    n_buckets: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: Sightings
) -> None:
    """Up to four buckets scan all parts; more are cut into files before."""
    monkeypatch.setattr(sightings, "ROWS_A_BUCKET", -(-300 // n_buckets))
    many = _make(tmp_path, _requests(), workers=2)
    assert len(many.sightings) == n_buckets
    homes: dict[str, set[int]] = defaultdict(set)
    for number, part in enumerate(many.sightings):
        keys = [(r["account_id"], r["entity_type"], r["entity"], r["day"]) for r in _rows([part])]
        assert len(keys) == len(set(keys))
        for key in keys:
            homes[key[0]].add(number)
    assert all(len(numbers) == 1 for numbers in homes.values())
    _same(many, made)


@pytest.mark.parametrize(("n_parts", "workers", "shuffle"), [(1, 1, 0), (5, 2, 1), (2, 3, 2)])
def test_cut_order_and_workers_say_nothing(
    n_parts: int, workers: int, shuffle: int, tmp_path: Path, made: Sightings
) -> None:
    rows = _requests()
    random.Random(shuffle).shuffle(rows)
    _same(_make(tmp_path, rows, n_parts, workers), made)


def _same(one: Sightings, other: Sightings) -> None:
    """Equal but for the order of rows."""
    for mine, theirs in ((one.sightings, other.sightings), (one.account_hours, other.account_hours)):
        assert sorted(_rows(mine), key=repr) == sorted(_rows(theirs), key=repr)
    for name in ("account_traits", "conversations"):
        assert sorted(getattr(one, name).to_pylist(), key=repr) == sorted(getattr(other, name).to_pylist(), key=repr)


def test_hours_add_up_to_the_events(made: Sightings) -> None:
    hours = _rows(made.account_hours)
    assert sum(r["n_events"] for r in hours) == 300
    expected = Counter((r["account_id"], r["timestamp"].replace(minute=0, second=0)) for r in _requests())
    assert {(r["account_id"], r["hour"]): r["n_events"] for r in hours} == dict(expected)


def test_conversations_of_two_accounts_or_more(made: Sightings) -> None:
    talkers: dict[int, set[str]] = defaultdict(set)
    for row in _requests():
        if row["conversation"] is not None:
            talkers[row["conversation"]].add(row["account_id"])
    expected = {(c, a) for c, accounts in talkers.items() if len(accounts) > 1 for a in accounts}
    assert {(r["conversation"], r["account_id"]) for r in made.conversations.to_pylist()} == expected


def test_a_greeting_of_everybody_is_no_hand_off(tmp_path: Path) -> None:
    rows = [{**_requests(1)[0], "account_id": f"a{i}", "conversation": 7} for i in range(MOST_TALKERS + 1)]
    made = _make(tmp_path, rows)
    assert made.conversations.num_rows == 0
    assert made.left_out["conversation beginnings of too many accounts"] == 1


def test_traits_by_a_plain_count(made: Sightings) -> None:
    traits = {r["account_id"]: r for r in made.account_traits.to_pylist()}
    assert sorted(traits) == sorted({r["account_id"] for r in _requests()} | {"only-paid", "paid-early", "stranger"})
    by_hour = Counter(r["timestamp"].hour for r in _requests())
    quiet = set(sorted(range(24), key=lambda h: (by_hour[h], h))[:6])
    for account in ("a1", "a2", "a3"):
        mine = [r for r in _requests() if r["account_id"] == account]
        told = traits[account]
        assert told["n_events"] == len(mine)
        assert told["n_days"] == len({r["timestamp"].date() for r in mine})
        assert told["first_seen"] == min(r["timestamp"] for r in mine)
        assert told["last_seen"] == max(r["timestamp"] for r in mine)
        assert told["n_addresses"] == len({r["ip"] for r in mine} - {None})
        templates = Counter(r["template_id"] for r in mine if r["template_id"])
        best = min(templates, key=lambda t: (-templates[t], t))
        assert (told["top_template"], told["n_templates"]) == (best, len(templates))
        assert told["top_template_share"] == templates[best] / templates.total()
        prompted = sum(r["n_chars"] > 0 or r["template_id"] is not None for r in mine)
        assert told["templated_share"] == templates.total() / prompted
        assert told["reasoning_share"] == sum(r["asks_reasoning"] for r in mine) / prompted
        slots = {r["slot_digest"] for r in mine if r["template_id"]}
        assert told["distinct_slots_share"] == len(slots) / templates.total()
        clients = Counter((r["user_agent"], r["model"] and "m") for r in mine)
        assert told["client_share"] in {n / len(mine) for n in clients.values() if n == max(clients.values())}
        tokens = [r["input_tokens"] for r in mine if r["input_tokens"] is not None]
        assert told["mean_input_tokens"] == sum(tokens) / len(tokens)
        assert told["night_share"] == sum(r["timestamp"].hour in quiet for r in mine) / len(mine)
        assert told["weekend_share"] == sum(r["timestamp"].weekday() >= 5 for r in mine) / len(mine)


def test_accounts_that_only_paid(made: Sightings) -> None:
    traits = {r["account_id"]: r for r in made.account_traits.to_pylist()}
    paid, early, stranger = traits["only-paid"], traits["paid-early"], traits["stranger"]
    assert (paid["n_events"], paid["n_days"], paid["n_cards"], paid["client"]) == (0, 0, 1, None)
    assert paid["first_seen"] == paid["last_seen"] == paid["created_at"] == START - timedelta(days=9)
    assert early["first_seen"] == early["first_paid"] == START - timedelta(days=90)
    assert stranger["first_seen"] is None and stranger["night_share"] is None
    assert (traits["a1"]["first_paid"], traits["a1"]["n_cards"], traits["a1"]["status"]) == (START, 1, "active")


def test_no_event_at_all(tmp_path: Path) -> None:
    made = _make(tmp_path, [], 1)
    there = {r["account_id"] for r in made.account_traits.to_pylist()}
    assert there == {"a1", "a2", "only-paid", "paid-early", "stranger"}
    kinds = {f.name: f.type for f in pq.read_schema(made.sightings[0])}
    assert kinds == {f.name: f.type for f in arrow_schema(TABLES["sightings"])}
    assert _rows(made.account_hours) == []


def test_values_that_would_break_a_query_are_only_values(tmp_path: Path) -> None:
    nasty = "'; drop table seen; --\"\\"
    rows = [{**r, "ip": nasty, "device_id": nasty, "account_id": nasty, "user_agent": nasty} for r in _requests(5)]
    made = _make(tmp_path, rows)
    assert {r["entity"] for r in _rows(made.sightings) if r["entity_type"] == "ip"} == {nasty}
