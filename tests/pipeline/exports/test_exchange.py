"""Exchange files: read strictly by their own libraries, equal after a round trip, safe in a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
import uuid
from pathlib import Path

import igraph
import networkx as nx
import pandas as pd
import pytest
import stix2
from hypothesis import given
from hypothesis import strategies as st

from pipeline.cli import main
from pipeline.exports import graph_files, misp, stix
from pipeline.exports.enforcement import accused
from pipeline.exports.safe_csv import cell, csv_bytes
from pipeline.exports.tables import RunTables
from pipeline.schemas.inputs import INPUTS
from tests.pipeline.exports.conftest import tables_of
from tests.support.hostile import PAYLOADS


@pytest.fixture(scope="module")
def bundle(made: Path) -> stix2.Bundle:
    """The bundle of a hostile run, read strictly."""
    return stix2.parse((made / "stix.json").read_text(), allow_custom=False)


def test_bundle_survives_a_round_trip(made: Path, bundle: stix2.Bundle) -> None:
    again = stix2.parse(bundle.serialize(), allow_custom=False)
    assert {o.id: o.serialize(sort_keys=True) for o in again.objects} == {
        o.id: o.serialize(sort_keys=True) for o in bundle.objects
    }
    assert (made / "stix.json").read_bytes() == stix.bundle_bytes(tables_of(made), 60)


def test_bundle_holds_what_it_should(made: Path, bundle: stix2.Bundle) -> None:
    rings = tables_of(made).table("rings")
    flagged = rings[rings["flagged"]]
    kinds = pd.Series([o.type for o in bundle.objects]).value_counts()
    assert kinds["campaign"] == len(flagged)
    for kind in (
        "identity",
        "grouping",
        "infrastructure",
        "intrusion-set",
        "indicator",
        "sighting",
        "observed-data",
        "relationship",
    ):
        assert kinds[kind] >= 1, kind
    ids = {o.id for o in bundle.objects}
    for one in bundle.objects:
        for name in ("source_ref", "target_ref", "sighting_of_ref", "created_by_ref"):
            assert one.get(name, None) is None or one[name] in ids
        if one.type not in ("marking-definition", "identity", "user-account"):
            assert one.object_marking_refs == [stix2.TLP_AMBER.id]
            assert uuid.UUID(one.id.split("--")[1]).version == 5


def test_nobody_is_named_below_the_level(made: Path, bundle: stix2.Bundle) -> None:
    rings = tables_of(made).table("rings")
    named = rings.loc[rings["flagged"] & rings["operator"].notna(), "operator"]
    actors = [o.name for o in bundle.objects if o.type == "threat-actor"]
    assert len(actors) == named.nunique()
    sets = [o.name for o in bundle.objects if o.type == "intrusion-set"]
    assert all(s.startswith("UNATTRIBUTED-") for s in sets)


def test_ids_last_over_runs(made: Path) -> None:
    assert stix.stix_id("campaign", "R-0001") == stix.stix_id("campaign", "R-0001")
    assert stix.stix_id("campaign", "R-0001") != stix.stix_id("campaign", "R-0002")


@pytest.mark.parametrize(
    ("p", "scale"), [(1.0, 100), (0.97, 90), (0.8, 90), (0.7, 70), (0.5, 50), (0.3, 30), (0.1, 10), (0.0, 0)]
)
def test_confidence_is_on_the_normative_scale(p: float, scale: int) -> None:
    assert stix.on_words_scale(p) == scale


def test_bundle_comes_back_as_indicators(run: Path, tmp_path: Path) -> None:
    assert main(["export", str(run), "--format", "stix", "--to", str(tmp_path / "b.json")]) == 0
    assert (
        main(["export", str(tmp_path / "b.json"), "--format", "indicators", "--to", str(tmp_path / "indicators.csv")])
        == 0
    )
    back = pd.read_csv(tmp_path / "indicators.csv")
    assert set(back.columns) == set(INPUTS["indicators"].names)
    rings = tables_of(run).table("rings")
    assert set(back["operator"]) == set(rings.loc[rings["flagged"], "operator"].dropna())
    evidence = tables_of(run).table("evidence")
    assert set(back["value"]) <= set(evidence["entity"])
    assert back["confidence"].between(0, 1).all()


def test_what_is_no_bundle_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.json").write_text('{"type": "nothing"}')
    assert main(["export", str(tmp_path / "x.json"), "--format", "indicators", "--to", str(tmp_path / "o.csv")]) == 2
    assert "no STIX 2.1 bundle" in capsys.readouterr().err
    assert not (tmp_path / "o.csv").exists()


@given(st.text(min_size=1, max_size=40))
def test_any_value_makes_a_pattern_that_stix_accepts(value: str) -> None:
    for kind in ("ip", "payment", "device id/x"):
        pattern = stix.pattern_of(kind, value)
        assert pattern is None or stix2.Indicator(
            pattern=pattern, pattern_type="stix", valid_from="2026-01-01T00:00:00Z"
        )


def test_gexf_reopens_with_places(made: Path) -> None:
    graph = graph_files.graph_of(tables_of(made))
    again = nx.read_gexf(made / "graph.gexf")
    assert set(again.nodes) == set(graph.nodes) and len(again) > 100
    assert {frozenset(e) for e in again.edges} == {frozenset(e) for e in graph.edges}
    for name, about in again.nodes(data=True):
        place = about["viz"]["position"]
        assert (place["x"], place["y"]) == (graph.nodes[name]["x"], graph.nodes[name]["y"])
        assert about["viz"]["color"]["r"] == int(graph.nodes[name]["color"][1:3], 16)
        assert (about["kind"], about["label"], about["ring_id"]) == tuple(
            graph.nodes[name][k] for k in ("kind", "label", "ring_id")
        )
    assert b"lastmodifieddate" not in (made / "graph.gexf").read_bytes()


def test_graphml_reopens_in_networkx_and_igraph(made: Path, tmp_path: Path) -> None:
    graph = graph_files.graph_of(tables_of(made))
    path = tmp_path / "g.graphml"
    path.write_bytes(graph_files.graphml(graph))
    again, other = nx.read_graphml(path), igraph.Graph.Read_GraphML(str(path))
    assert dict(again.nodes(data=True)) == dict(graph.nodes(data=True))
    assert {frozenset(e) for e in again.edges} == {frozenset(e) for e in graph.edges}
    assert (other.vcount(), other.ecount()) == (len(graph), graph.number_of_edges())
    # igraph's reader hands an ampersand back as its character reference
    ids, labels = ([v.replace("&#38;", "&") for v in other.vs[name]] for name in ("id", "label"))
    assert dict(zip(ids, other.vs["x"], strict=True)) == {n: a["x"] for n, a in graph.nodes(data=True)}
    assert dict(zip(ids, labels, strict=True)) == {n: a["label"] for n, a in graph.nodes(data=True)}


def test_misp_event_has_the_core_form(made: Path) -> None:
    event = json.loads(misp.event_bytes(tables_of(made)))["Event"]
    assert {
        "uuid",
        "info",
        "date",
        "timestamp",
        "threat_level_id",
        "analysis",
        "distribution",
        "Attribute",
        "Tag",
    } <= set(event)
    assert event["Tag"] == [{"name": "tlp:amber+strict"}]
    ids = [uuid.UUID(a["uuid"]) for a in event["Attribute"]]
    assert len(set(ids)) == len(ids) > 5
    assert {a["type"] for a in event["Attribute"]} <= {"ip-src", "other"}
    assert misp.event_bytes(tables_of(made)) == misp.event_bytes(tables_of(made))


def test_accused_accounts_are_those_of_the_contract(tables: RunTables, run: Path, tmp_path: Path) -> None:
    members, rings = tables.table("members"), tables.table("rings")
    expected = members[members["ring_id"].isin(rings.loc[rings["flagged"], "ring_id"]) & (members["membership"] >= 0.5)]
    assert set(accused(tables)["account_id"]) == set(expected["account_id"])
    assert main(["export", str(run), "--format", "csv", "--to", str(tmp_path / "a.csv")]) == 0
    assert len(pd.read_csv(tmp_path / "a.csv")) == len(expected)
    assert main(["export", str(run), "--format", "csv", "--table", "nothing", "--to", str(tmp_path / "b.csv")]) == 2


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_cell_is_a_formula(payload: str) -> None:
    made = str(cell(payload))
    assert made[:1] not in ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")
    assert made.isprintable()


@given(st.lists(st.text(max_size=20), min_size=1, max_size=5))
def test_csv_reads_back_cell_by_cell(values: list[str]) -> None:
    data = csv_bytes(pd.DataFrame({"a": values, "n": range(len(values))}))
    rows = list(csv.reader(io.StringIO(data.decode(), newline="")))
    assert [r[0] for r in rows[1:]] == [cell(v) for v in values]
    assert [r[1] for r in rows[1:]] == [str(i) for i in range(len(values))]
    assert not any(r[0].lstrip().startswith(("=", "+", "-", "@")) for r in rows[1:])
