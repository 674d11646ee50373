"""What a written world looks like: tables, types, order, identifiers, formats, bytes."""

from __future__ import annotations

import hashlib
import ipaddress
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from pipeline.worlds import WORLDS, World, build, simulate
from pipeline.worlds.followers import FOLLOWERS
from pipeline.worlds.world import POPULATIONS

TEXT = ("request_id", "account_id", "ip", "prompt", "model", "user_agent", "device_id")
EVENT_TYPES = {
    **dict.fromkeys(TEXT, "string"),
    "timestamp": "timestamp[us, tz=UTC]",
    "input_tokens": "int64",
    "output_tokens": "int64",
}


def digest(folder: Path) -> str:
    """One digest over every file of a world."""
    whole = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            whole.update(str(path.relative_to(folder)).encode() + path.read_bytes())
    return whole.hexdigest()


def events(folder: Path) -> pd.DataFrame:
    return pd.concat([pd.read_parquet(p) for p in sorted(folder.glob("events/*/part-0.parquet"))], ignore_index=True)


def test_events_have_the_columns_and_types_of_the_contract(tiny_world: Path) -> None:
    days = sorted(tiny_world.glob("events/date=*/part-0.parquet"))
    assert days[0].parent.name == "date=2026-03-02"
    assert len(days) == 6
    for path in days:
        with pq.ParquetFile(path) as file:
            assert {f.name: str(f.type) for f in file.schema_arrow} == EVENT_TYPES
        table = pd.read_parquet(path)
        assert table.timestamp.is_monotonic_increasing
        assert set(table.timestamp.dt.strftime("date=%Y-%m-%d")) == {path.parent.name}


def test_other_tables_have_the_columns_of_the_contract(tiny_world: Path) -> None:
    expected = {
        "payments": ["account_id", "payment_fingerprint", "timestamp"],
        "accounts": ["account_id", "created_at", "status", "plan", "country", "email_domain", "organization"],
        "indicators": ["operator", "entity_type", "value", "confidence", "source", "valid_from", "valid_until"],
        "ip_ranges": ["cidr", "asn", "organization", "kind"],
        "allowlist": ["entity_type", "value", "reason"],
        "truth": ["account_id", "ring_id", "operator", "population", "pool"],
    }
    for name, columns in expected.items():
        assert list(pq.read_schema(tiny_world / f"{name}.parquet").names) == columns, name
    assert set(pd.read_parquet(tiny_world / "indicators.parquet").confidence.between(0, 1)) == {True}
    for cidr in pd.read_parquet(tiny_world / "ip_ranges.parquet").cidr:
        ipaddress.ip_network(cidr)


def test_world_json_tells_the_knobs_and_the_counts(tiny_world: Path) -> None:
    note = json.loads((tiny_world / "world.json").read_text())
    truth = pd.read_parquet(tiny_world / "truth.parquet")
    assert note["knobs"]["prevalence"] == 0.08
    assert note["summary"]["n_fraudulent"] == int(truth.ring_id.notna().sum()) == 56
    assert note["summary"]["n_events"] == len(events(tiny_world))


def test_duplicates_are_whole_rows_and_few(tiny_world: Path) -> None:
    table = events(tiny_world)
    repeated = table[table.request_id.duplicated(keep=False)]
    assert 0 < len(repeated) < 0.006 * len(table)
    assert repeated.drop_duplicates().request_id.is_unique


def test_every_account_is_known_and_addresses_are_public(tiny_world: Path) -> None:
    table, accounts = events(tiny_world), pd.read_parquet(tiny_world / "accounts.parquet")
    assert set(table.account_id) <= set(accounts.account_id)
    assert set(pd.read_parquet(tiny_world / "payments.parquet").account_id) <= set(accounts.account_id)
    addresses = [ipaddress.ip_address(a) for a in table.ip.unique()]
    assert all(a.is_global for a in addresses if a.version == 4)
    assert {a.version for a in addresses} == {4, 6}


def test_nobody_is_active_before_birth_or_after_the_end(tiny_world: Path) -> None:
    seen = events(tiny_world).groupby("account_id").timestamp.agg(["min", "max"])
    accounts = pd.read_parquet(tiny_world / "accounts.parquet").set_index("account_id").loc[seen.index]
    assert (accounts.created_at <= seen["min"]).all()
    last = pd.Timestamp("2026-03-08", tz="UTC")
    assert ((accounts.status == "active") | (seen["max"] < last)).all()


def test_every_account_begins_within_the_log_and_every_ring_acts(tmp_path: Path, tiny_settings: World) -> None:
    """Also where ranges are moved so far that many are drawn to begin later."""
    world = replace(tiny_settings, settings_shift=0.5, prompts=False)
    build(world, tmp_path, seed=5)
    accounts = pd.read_parquet(tmp_path / "accounts.parquet")
    end = pd.Timestamp(world.start, tz="UTC") + pd.Timedelta(days=world.days)
    assert (accounts.created_at < end).all()
    truth = pd.read_parquet(tmp_path / "truth.parquet").dropna(subset=["ring_id"])
    acting = truth[truth.account_id.isin(events(tmp_path).account_id)]
    assert set(acting.ring_id) == set(truth.ring_id)


def test_ids_and_order_tell_nothing(tiny_world: Path) -> None:
    truth = pd.read_parquet(tiny_world / "truth.parquet")
    assert truth.account_id.is_monotonic_increasing
    assert truth.account_id.is_unique
    guilty = np.flatnonzero(truth.ring_id.notna())
    # the mean place of 56 random accounts out of 700 lies within four standard errors of the middle
    assert abs(guilty.mean() - 349.5) < 4 * 700 / np.sqrt(12 * len(guilty))
    assert set(truth.account_id.str.len()) == {17}


def test_same_seed_same_bytes_whatever_the_hash_seed(tmp_path: Path, tiny_settings: World) -> None:
    little = replace(tiny_settings, n_accounts=200, days=2)
    build(little, tmp_path / "a", seed=3)
    code = (
        "import sys; from dataclasses import replace; from pipeline.worlds import build; "
        "from tests.pipeline.worlds.conftest import TINY; "
        "build(replace(TINY, n_accounts=200, days=2), sys.argv[1], seed=3)"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "77"}
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "b")], check=True, env=environment, timeout=120)
    build(little, tmp_path / "c", seed=4)
    assert digest(tmp_path / "a") == digest(tmp_path / "b")
    assert digest(tmp_path / "a") != digest(tmp_path / "c")


def test_csv_and_jsonl_hold_the_same_rows(tmp_path: Path, tiny_settings: World) -> None:
    little = replace(tiny_settings, n_accounts=150, days=2)
    for form in ("parquet", "csv", "jsonl"):
        build(little, tmp_path / form, seed=1, format=form)
    expected = events(tmp_path / "parquet").drop(columns="timestamp")
    csv = pd.read_csv(tmp_path / "csv" / "events.csv", dtype={"device_id": "str"})
    lines = pd.read_json(tmp_path / "jsonl" / "events.jsonl", lines=True, dtype=False)
    for other in (csv, lines):
        assert list(other.columns[:2]) == ["request_id", "timestamp"]
        assert other.timestamp.astype(str).iloc[0].startswith("2026-03-0")
        for column in expected.columns:
            assert (other[column].fillna("") == expected[column].fillna("")).all(), column


def test_without_prompts_there_are_template_ids(tmp_path: Path, tiny_settings: World) -> None:
    build(replace(tiny_settings, n_accounts=200, days=2, prompts=False), tmp_path / "w", seed=1)
    table = events(tmp_path / "w")
    assert "prompt" not in table
    assert 0.2 < table.template_id.isna().mean() < 0.9
    assert table.template_id.dropna().str.match(r"tpl_[a-z2-9]{10}$").all()


@pytest.mark.parametrize(("n_accounts", "prevalence"), [(1, 0.0), (3, 0.95), (12, 0.5), (400, 0.002)])
def test_worlds_of_odd_sizes_can_be_written(
    tmp_path: Path, tiny_settings: World, n_accounts: int, prevalence: float
) -> None:
    odd = replace(tiny_settings, n_accounts=n_accounts, prevalence=prevalence, days=2, prompts=False)
    summary = build(odd, tmp_path / "w", seed=2)
    truth = pd.read_parquet(tmp_path / "w" / "truth.parquet")
    assert summary.n_accounts == len(truth) == n_accounts
    assert truth.ring_id.notna().sum() == summary.n_fraudulent == round(n_accounts * prevalence)


def test_every_population_is_there(tiny_world: Path) -> None:
    truth = pd.read_parquet(tiny_world / "truth.parquet")
    assert set(truth.population) == {*(name for name, share in POPULATIONS.items() if share), "ring"}
    assert (truth.ring_id.notna() == (truth.population == "ring")).all()
    assert (truth.operator.notna() == truth.ring_id.notna()).all()


def test_followers_send_the_same_frames_from_homes_of_their_own(tmp_path: Path) -> None:
    shares = dict.fromkeys(FOLLOWERS, 0.2)
    world = replace(WORLDS["followers"], n_accounts=400, days=6, prompts=False, prevalence=0.0, shares=shares)
    build(world, tmp_path, seed=4)
    truth = pd.read_parquet(tmp_path / "truth.parquet").set_index("account_id")
    assert set(FOLLOWERS) == set(truth["population"]) and truth["ring_id"].isna().all()
    events = pd.concat(pd.read_parquet(p) for p in sorted((tmp_path / "events").rglob("*.parquet")))
    events["population"] = events["account_id"].map(truth["population"])
    for name in FOLLOWERS:
        mine = events[events["population"] == name]
        users = mine.groupby("template_id")["account_id"].agg(lambda a: frozenset(a))
        assert max(len(u) for u in users) >= 3, f"{name} shares no frame"
        if name != "hackathon":  # its hall is one place
            behind = mine.groupby("ip")["account_id"].nunique()
            assert behind.median() == 1, f"{name} shares addresses"


def test_worlds_without_fraud_have_none(tmp_path: Path) -> None:
    for name in ("calm", "confounders"):
        summary = simulate(name, tmp_path / name, scale=0.02, seed=1)
        assert (summary.n_fraudulent, summary.n_rings, summary.n_operators) == (0, 0, 0)
        assert pd.read_parquet(tmp_path / name / "truth.parquet").ring_id.isna().all()
        assert len(pd.read_parquet(tmp_path / name / "indicators.parquet")) == 0


def test_wrong_use_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="no world called 'nowhere'"):
        simulate("nowhere", tmp_path / "a")
    with pytest.raises(ValueError, match="above 0"):
        simulate("small", tmp_path / "a", scale=0)
    with pytest.raises(ValueError, match="expected one of"):
        simulate("small", tmp_path / "a", format="xml")  # type: ignore[arg-type]
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "note.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="empty"):
        simulate("small", tmp_path / "full")
    with pytest.raises(KeyError, match="no such populations"):
        build(replace(WORLDS["small"], shares={"martian": 1.0}), tmp_path / "b")


def test_a_query_over_the_dataset_reads_the_hive_dates(tiny_world: Path) -> None:
    with duckdb.connect() as connection:
        days = connection.sql(
            f"select distinct date from read_parquet('{tiny_world}/events/*/*.parquet', hive_partitioning = true)"
        ).fetchall()
    assert len(days) == 6
