"""The whole line on small inputs: the contract holds, the same bytes come out whatever the input looks like."""

from __future__ import annotations

import dataclasses
import json
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from pipeline.link_types import LinkType
from pipeline.run import Request, carry_out
from pipeline.settings import ExportsSettings, InputSettings, RunSettings, ScoresSettings, Settings
from pipeline.storage.tables import file_digest
from tests.support.contract import faults
from tests.support.models import hand_made
from tests.support.tiny import Tiny, write_tiny

# On a platform of a hundred accounts nothing is rare and the shipped model takes its rings for nothing; how the line
# carries rings is asked with one that reports them.
MODEL = hand_made(Path(tempfile.mkdtemp()) / "model.json", coordinated="two_families", whole="text_closed", offset=6.0)
PLAIN = Settings(
    exports=ExportsSettings(make=False), run=RunSettings(scheduler="threads", workers=1),
    scores=ScoresSettings(model=MODEL),
)  # fmt: skip


def whole(source: Path, output: Path, settings: Settings = PLAIN, **more: Any) -> Path:
    """A run of the whole line; its folder."""
    return Path(carry_out(Request(str(source), str(output), settings, **more)).place)


def tables_of(run: Path) -> dict[str, str]:
    """Digest of every output table of a run."""
    return {p.name: file_digest(p) for p in sorted(run.glob("*.parquet"))}


@pytest.fixture(scope="module")
def plain_run(tiny_input: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the tiny world that the others are held against."""
    return whole(tiny_input, tmp_path_factory.mktemp("plain"))


def test_the_contract_holds_and_the_rings_are_found(plain_run: Path, tiny: Tiny) -> None:
    assert faults(plain_run) == []
    members = pd.read_parquet(plain_run / "members.parquet").merge(tiny.truth, on="account_id", suffixes=("", "_true"))
    found = members[members.membership.ge(0.5)].groupby("ring_id_true").ring_id.agg(lambda r: r.value_counts().iloc[0])
    assert sorted(found.index) == ["ring-0", "ring-1"]


def test_intake_adds_up(plain_run: Path) -> None:
    counts = json.loads((plain_run / "manifest.json").read_text())["stages"]["intake"]["counts"]
    for name, told in counts.items():
        assert told["in"] == sum(n for k, n in told.items() if k != "in"), name
    assert counts["events"]["in"] > 1000


SHAPES = {
    "shuffled": {"shuffle": 1},
    "csv": {"form": "csv"},
    "jsonl in three files, shuffled": {"form": "jsonl", "files": 3, "shuffle": 2},
    "five Parquet files": {"files": 5},
}


@pytest.mark.parametrize("shape", SHAPES)
def test_the_shape_of_the_input_changes_nothing(shape: str, plain_run: Path, tiny: Tiny, tmp_path: Path) -> None:
    run = whole(write_tiny(tiny, tmp_path / "in", **SHAPES[shape]), tmp_path / "out")  # type: ignore[arg-type]
    assert run.name == plain_run.name
    assert tables_of(run) == tables_of(plain_run)


WAYS = {
    "two threads": RunSettings(scheduler="threads", workers=2),
    "two processes": RunSettings(scheduler="processes", workers=2),
    "little memory": RunSettings(scheduler="sync", workers=1, memory_gb=0.5),
}


@pytest.mark.parametrize("way", WAYS)
def test_the_way_of_working_changes_nothing(way: str, plain_run: Path, tiny_input: Path, tmp_path: Path) -> None:
    pieces = InputSettings(chunk_rows=1000)
    run = whole(tiny_input, tmp_path / "out", dataclasses.replace(PLAIN, run=WAYS[way], input=pieces))
    assert run.name == plain_run.name
    assert tables_of(run) == tables_of(plain_run)


def cut(tiny: Tiny, to: Path, **tables: pd.DataFrame) -> Path:
    """An input of some tables alone."""
    to.mkdir(parents=True)
    for name, frame in tables.items():
        frame.to_parquet(to / f"{name}.parquet", index=False)
    return to


def test_an_empty_input_is_a_run(tiny: Tiny, tmp_path: Path) -> None:
    run = whole(cut(tiny, tmp_path / "in", events=tiny.events.head(0)), tmp_path / "out")
    assert faults(run) == [] and run.name.startswith("1970-01-01-")


def test_one_account_is_a_run(tiny: Tiny, tmp_path: Path) -> None:
    one = tiny.events[tiny.events.account_id == tiny.events.account_id[0]]
    run = whole(cut(tiny, tmp_path / "in", events=one), tmp_path / "out")
    assert faults(run) == [] and len(pd.read_parquet(run / "rings.parquet")) == 0


def test_events_alone_are_a_run(tiny: Tiny, tmp_path: Path) -> None:
    run = whole(cut(tiny, tmp_path / "in", events=tiny.events), tmp_path / "out")
    assert faults(run) == []


def test_only_template_ids_are_a_run(tiny: Tiny, tmp_path: Path) -> None:
    events = tiny.events.drop(columns="prompt").assign(template_id=lambda e: "t-" + e.user_agent)
    run = whole(cut(tiny, tmp_path / "in", events=events), tmp_path / "out")
    assert faults(run) == []


def test_rows_that_link_nothing_are_events(tiny: Tiny, tmp_path: Path) -> None:
    events = tiny.events.assign(ip=None, prompt=None)
    run = whole(cut(tiny, tmp_path / "in", events=events), tmp_path / "out")
    assert faults(run) == []
    noted = json.loads((run / "manifest.json").read_text())["stages"]["intake"]["counts"]["events"]
    assert noted["out"] == len(events)


def test_payers_without_a_request_are_accounts(tiny: Tiny, tmp_path: Path) -> None:
    payers = tiny.payments.head(6).assign(account_id=[f"payer-{i}" for i in range(6)], payment_fingerprint="one-card")
    source = cut(tiny, tmp_path / "in", events=tiny.events, payments=pd.concat([tiny.payments, payers]))
    run = whole(source, tmp_path / "out")
    assert faults(run) == []
    incidence = pd.read_parquet(run / "incidence.parquet")
    assert incidence[incidence.entity == "one-card"].account_id.str.startswith("payer-").sum() == 6


def test_declared_link_types_reach_the_evidence(tiny: Tiny, tmp_path: Path) -> None:
    ring = tiny.truth[tiny.truth.ring_id == "ring-0"].account_id
    events = tiny.events.assign(device_id=[
        "dev-shared" if a in set(ring) else f"dev-{a}" for a in tiny.events.account_id
    ])  # fmt: skip
    accounts = tiny.accounts.assign(email_domain=[
        "mail.example" if a in set(ring) else f"d{i}.example" for i, a in enumerate(tiny.accounts.account_id)
    ])  # fmt: skip
    kinds = (
        LinkType("device_id", "events", "device_id", "device"),
        LinkType("email_domain", "accounts", "email_domain", "email_domain"),
    )
    source = cut(tiny, tmp_path / "in", events=events, payments=tiny.payments, accounts=accounts)
    run = whole(source, tmp_path / "out", dataclasses.replace(PLAIN, link_types=kinds))
    assert faults(run) == []
    evidence = pd.read_parquet(run / "evidence.parquet")
    assert {"device_id", "email_domain"} <= set(evidence.entity_type)
    assert {"bits_device_id", "bits_email_domain"} <= set(pd.read_parquet(run / "links.parquet").columns)


def test_columns_of_real_logs_are_mapped(plain_run: Path, tiny: Tiny, tmp_path: Path) -> None:
    events = tiny.events.rename(columns={"ip": "client_address", "prompt": "body"})
    source = write_tiny(dataclasses.replace(tiny, events=events), tmp_path / "in")
    mapped = InputSettings(columns={"events": {"ip": "client_address", "prompt": "body"}})
    run = whole(source, tmp_path / "out", dataclasses.replace(PLAIN, input=mapped))
    same = {n: d for n, d in tables_of(run).items() if n != "ring_registry.parquet"}  # it names the run
    assert same == {n: d for n, d in tables_of(plain_run).items() if n != "ring_registry.parquet"}


def test_a_second_day_follows_the_first(tiny_input: Path, tmp_path: Path) -> None:
    from pipeline.period import instant

    first = whole(tiny_input, tmp_path / "out", until=instant("2026-05-12"))
    second = whole(tiny_input, tmp_path / "out", until=instant("2026-05-13"))
    assert faults(first) == [] and faults(second) == []
    history = pd.read_parquet(second / "ring_history.parquet")
    assert set(history.change) & {"continued", "grew", "shrank"}
    assert json.loads((second / "manifest.json").read_text())["previous_run"] == first.name


def test_exports_are_made_before_the_run_is_whole(tiny_input: Path, tmp_path: Path) -> None:
    pytest.importorskip("pipeline.exports")
    run = whole(tiny_input, tmp_path / "out", dataclasses.replace(PLAIN, exports=ExportsSettings(max_rings_drawn=1)))
    assert faults(run, exports=True) == []


def test_no_prompt_is_anywhere_in_the_output(tiny: Tiny, tmp_path: Path) -> None:
    events = tiny.events.copy()
    events.loc[events.index[::7], "prompt"] = "CANARY-8c1f the quick canary sings alone " + events.account_id[::7]
    source = write_tiny(dataclasses.replace(tiny, events=events), tmp_path / "in")
    run = whole(source, tmp_path / "out", keep_working=True)
    for path in run.rglob("*"):
        if path.is_file() and path.suffix == ".parquet":
            text = pd.read_parquet(path).to_csv()
            assert "CANARY-8c1f" not in text, path
        elif path.is_file():
            assert b"CANARY-8c1f" not in path.read_bytes(), path
