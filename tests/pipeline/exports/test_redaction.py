"""Copies for others: nothing of the run is found in them, nothing small can be computed, nothing can be joined."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linprog

from pipeline.cli import main
from pipeline.exports.brief import redacted
from pipeline.exports.pseudonyms import Pseudonyms
from pipeline.exports.redaction import RULES, Redacted, network, slot_shape
from pipeline.exports.tables import DESCRIBED, RunTables
from tests.pipeline.exports.attack import readable
from tests.pipeline.exports.conftest import SMALL_CELL, tables_of

KEY = "a secret of more than sixteen bytes"
K = SMALL_CELL
RINGS = ("R-0001",)


@pytest.fixture(scope="module")
def copies(run: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Briefings and exchange files of one run for two partners and for the public."""
    place = tmp_path_factory.mktemp("copies")
    (place / "key").write_text(KEY)
    made = {}
    for name, audience, recipient in (
        ("one", "partner", "Partner One"),
        ("two", "partner", "Partner Two"),
        ("public", "public", ""),
    ):
        target = place / name
        approval = {
            "approved_by": "Head of Trust",
            "run_id": run.name,
            "audience": audience,
            "approved_at": "2026-06-07",
            "recipient": recipient,
        }
        (place / f"{name}.json").write_text(json.dumps(approval))
        words = [
            "--audience",
            audience,
            "--recipient",
            recipient,
            "--key-file",
            str(place / "key"),
            "--approval",
            str(place / f"{name}.json"),
        ]
        asked = [w for ring in RINGS for w in ("--ring", ring)]
        assert main(["brief", str(run), "--to", str(target), *words, *asked]) == 0
        for form in ("stix", "misp", "csv"):
            assert main(["export", str(run), "--format", form, "--to", str(target / f"x.{form}"), *words]) == 0
        made[name] = target
    return made


def secrets(run: Path) -> dict[str, set[bytes]]:
    """Everything of a run that must never leave, by kind."""
    tables = tables_of(run)
    members, incidence = tables.table("members"), tables.table("incidence")
    templates = tables.table("templates")["text"].dropna()
    words = {w for text in templates for w in re.findall(r"[A-Za-z][a-z]+(?: [a-z]+){3,}", text)}
    return {
        "account": {a.encode() for a in set(members["account_id"]) | set(incidence["account_id"])},
        "thing": {e.encode() for e in set(incidence["entity"]) | set(tables.table("evidence")["entity"])},
        "ring": {r.encode() for r in tables.table("rings")["ring_id"]},
        "prompt": {w.encode() for w in words},
        "hypothesis": {b"R-9999"},
    }


def test_nothing_of_the_run_is_found_in_any_byte(run: Path, copies: dict[str, Path]) -> None:
    kinds = secrets(run)
    assert all(len(found) >= 1 for found in kinds.values())
    everything = {
        kind: re.compile(b"|".join(re.escape(s) for s in sorted(found, key=len, reverse=True)))
        for kind, found in kinds.items()
    }
    for folder in copies.values():
        for name, data in readable(folder):
            for kind, pattern in everything.items():
                met = pattern.search(data)
                assert met is None, f"{kind} in {name}: {met.group(0)!r}"


def test_the_same_search_finds_them_in_an_internal_copy(run: Path) -> None:
    """The search itself is no fraud: it finds what stands in the tables."""
    data = (run / "members.parquet").read_bytes()
    assert any(secret in data for secret in secrets(run)["account"])


def test_two_recipients_cannot_join(copies: dict[str, Path]) -> None:
    found = {}
    for name, folder in copies.items():
        text = b" ".join(data for _, data in readable(folder)).decode("utf-8", "replace")
        found[name] = set(re.findall(r"\b(?:Q|account|thing)-[A-Z2-7]{8}\b|\bUNATTRIBUTED-[A-Z2-7]{8}\b", text))
        assert found[name]
    assert not found["one"] & found["two"]
    assert not (found["one"] | found["two"]) & found["public"]
    assert not any(f.startswith("account-") for f in found["public"])


def test_only_the_approved_rings_are_told_of(run: Path, copies: dict[str, Path], partner: Redacted) -> None:
    rings = tables_of(run).table("rings")
    others = [r for r in rings.loc[rings["flagged"], "ring_id"] if r not in RINGS]
    briefing = b" ".join(data for name, data in readable(copies["one"]) if not name.startswith("x."))
    assert partner.names.ring(RINGS[0]).encode() in briefing
    assert others and not any(partner.names.ring(r).encode() in briefing for r in others)


def test_pseudonyms_are_lasting_and_keyed() -> None:
    one, again, other = Pseudonyms(b"k" * 32, "P"), Pseudonyms(b"k" * 32, "P"), Pseudonyms(b"j" * 32, "P")
    assert one.account("a-1") == again.account("a-1") != other.account("a-1")
    assert len({one.ring(f"R-{i}") for i in range(5000)}) == 5000
    assert one.thing("ip", "x") != one.thing("payment", "x")


@pytest.fixture(scope="module")
def partner(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Redacted:
    """The tables as a partner sees them."""
    key = tmp_path_factory.mktemp("key") / "key"
    key.write_text(KEY)
    return redacted(tables_of(run), "partner", "Partner One", str(key))


def test_tables_of_single_accounts_are_empty(partner: Redacted) -> None:
    for name in ("incidence", "layout", "links", "activity", "provenance", "templates"):
        assert partner.table(name).empty
    for name in DESCRIBED:
        assert isinstance(partner.table(name), pd.DataFrame)


def test_small_rings_are_nowhere(run: Path, partner: Redacted) -> None:
    sizes = tables_of(run).table("rings")["size"]
    assert partner.table("rings")["size"].min() >= K
    assert len(partner.table("rings")) == (sizes >= K).sum()
    assert (partner.table("evidence")["n_accounts_in_ring"] >= K).all()
    assert (partner.table("ring_groups")["n_accounts"] >= K).all()


def test_suppressed_cells_cannot_be_recovered(run: Path, copies: dict[str, Path], partner: Redacted) -> None:
    """From the files alone: rows of the matrix, its rest, the counts of things, the size of the ring."""
    inner = tables_of(run)
    attacked = 0
    for real in RINGS:
        shown = pd.read_csv(copies["one"] / "figures" / f"f1-ring-{partner.names.ring(real)}.csv")
        exact = inner.table("ring_groups", [real])
        size = int(inner.table("rings").set_index("ring_id").loc[real, "size"])
        assert shown["n_accounts"].sum() == size
        counts = told_counts(partner, real)
        small = exact[(exact["n_accounts"] < K) & (exact["entities"].map(len) > 0)]
        open_rows = shown[shown["group"] != "other combinations"]
        for _, row in small.iterrows():
            attacked += 1
            assert room(open_rows, counts, exact, row, partner, size) >= 1
    assert attacked >= 3


def told_counts(partner: Redacted, real: str) -> dict[str, int]:
    """Counts by thing (pseudonym) that the partner reads."""
    rows = partner.table("evidence", [partner.names.ring(real)])
    rows = rows[~rows["withheld"]]
    return dict(zip(rows["entity_type"] + ":" + rows["entity"], rows["n_accounts_in_ring"], strict=True))


def room(
    open_rows: pd.DataFrame,
    counts: dict[str, int],
    exact: pd.DataFrame,
    target: pd.Series,
    partner: Redacted,
    size: int,
) -> float:
    """How far the count of one hidden group can move for a reader who even knows which groups exist."""

    def names(entities: list[str]) -> frozenset[str]:
        return frozenset(f"{e.split(':', 1)[0]}:{partner.names.thing(*e.split(':', 1))}" for e in entities)

    groups = [(names(list(r.entities)), int(r.n_accounts)) for r in exact.itertuples() if len(r.entities)]
    mixed = size - sum(n for _, n in groups)
    visible = sorted(open_rows["n_accounts"], reverse=True)
    hidden = sorted(groups, key=lambda g: -g[1])[len(visible) :]
    rows = [np.ones(len(hidden) + 1)]
    values = [float(size - sum(visible))]
    for thing, total in counts.items():
        if any(thing in g for g, _ in groups):
            inside = sum(n for g, n in sorted(groups, key=lambda g: -g[1])[: len(visible)] if thing in g)
            rows.append(np.array([float(thing in g) for g, _ in hidden] + [0.0]))
            values.append(float(total - inside))
    at = next(i for i, (g, _) in enumerate(hidden) if g == names(list(target["entities"])))
    matrix = np.array(rows)
    if mixed:  # accounts of unknown combinations may have any thing
        matrix = np.hstack([matrix, np.vstack([np.zeros(len(rows) - 1), np.eye(len(rows) - 1)])])
    aim = np.eye(matrix.shape[1])[at]
    low, high = (linprog(sign * aim, A_eq=matrix, b_eq=values, bounds=(0, None)) for sign in (1, -1))
    assert low.success and high.status in (0, 3)
    return float("inf") if high.status == 3 else float(-high.fun - low.fun)


def test_days_of_few_accounts_are_hidden_with_another(run: Path, tmp_path: Path) -> None:
    """The requests of a hidden day do not follow from the ring's total."""
    view = RunTablesOf(tables_of(run))
    hours = view.table("ring_hours")
    ring = "R-0001"
    day = hours.loc[hours["ring_id"] == ring, "hour"].dt.floor("D").min()
    few = (hours["ring_id"] == ring) & (hours["hour"].dt.floor("D") == day)
    hours.loc[few, "n_accounts"] = 2
    made = Redacted(view, "partner", Pseudonyms(b"k" * 32, "P"), k=K)
    shown = made.table("ring_hours", [made.names.ring(ring)])
    hidden = shown.loc[shown["hidden"], "hour"].dt.floor("D").nunique()
    assert hidden == 2
    assert shown.loc[shown["hidden"], "n_events"].sum() == 0
    assert shown.loc[~shown["hidden"] & (shown["n_accounts"] > 0), "n_accounts"].min() >= K


def test_shares_of_accounts_less_the_platforms_stay_in_the_house(run: Path) -> None:
    """Of 40 accounts a share is a count, and two rings side by side give away what was subtracted."""
    view = RunTablesOf(tables_of(run))
    parts = view.table("score_parts")
    at = parts.index[(parts["ring_id"] == "R-0001") & (parts["part"] != "start")][:2]
    parts.loc[at, ["part", "unit", "value", "reference"]] = [
        ["suspended", "share", 0.106, 0.01],
        ["handoffs", "share", 0.5, 0.01],
    ]
    shown = Redacted(view, "partner", Pseudonyms(b"k" * 32, "P"), k=K).table("score_parts").set_index("part")
    assert shown.loc[["suspended"], ["value", "reference"]].isna().all(axis=None)
    assert shown.loc["handoffs", "value"] == 0.5


class RunTablesOf:
    """The tables of a run held in memory, to be changed by a test."""

    level, k = "internal", 1

    def __init__(self, inner: RunTables) -> None:
        self.manifest = inner.manifest
        self._tables = {name: inner.table(name).copy() for name in DESCRIBED}

    def table(self, name: str, rings: list[str] | None = None) -> pd.DataFrame:
        """A table."""
        frame = self._tables[name]
        return frame if rings is None else frame[frame["ring_id"].isin(rings)]


def test_networks_never_hold_an_address() -> None:
    assert network("203.0.113.77") == "203.0.113.x"
    assert network("2001:db8:1:2::5") == "2001:db8:1:x"
    assert network("no address") == "a network"


def test_shapes_hold_no_word() -> None:
    assert slot_shape("Solve <*> step by step, then rate <*>.") == "1 word, slot, 5 words, slot, 1 word"
    assert slot_shape("<*>") == "slot"


def test_the_rules_cover_every_audience() -> None:
    assert len({r.what for r in RULES}) == len(RULES)
    assert all(r.internal and r.partner and r.public for r in RULES)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--audience", "partner"], "needs an approval"),
        (["--audience", "public", "--approval", "{wrong}"], "another run"),
        (["--audience", "partner", "--recipient", "P", "--approval", "{right}"], "need a secret"),
        (["--audience", "partner", "--recipient", "Q", "--approval", "{right}"], "another recipient"),
        (["--audience", "partner", "--recipient", "P", "--approval", "{right}", "--key-file", "{short}"], "too short"),
        (["--ring", "R-none"], "no such ring"),
        (["--to", "{inside}"], "outside the run"),
    ],
)
def test_what_is_refused(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    record = {
        "approved_by": "A",
        "run_id": run.name,
        "audience": "partner",
        "approved_at": "2026-06-07",
        "recipient": "P",
    }
    (tmp_path / "right").write_text(json.dumps(record))
    (tmp_path / "wrong").write_text(
        json.dumps(record | {"run_id": "2020-01-01-00000000", "audience": "public", "recipient": ""})
    )
    (tmp_path / "short").write_text("short")
    places = {n: str(tmp_path / n) for n in ("right", "wrong", "short")} | {"inside": str(run / "briefing")}
    filled = [w.format(**places) for w in words]
    to = [] if "--to" in filled else ["--to", str(tmp_path / "out")]
    assert main(["brief", str(run), *to, *filled]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    assert not (run / "briefing").exists()
