"""Rings assembled: who is flagged, who is named, and the reason in one plain sentence."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.accused import innermost, is_flagged, with_pools
from pipeline.schemas import TABLES
from pipeline.settings import ScoresSettings, Settings
from pipeline.stages.rings import make, reason
from tests.support.frames import frame

GOOD = {"score": 0.9, "q_value": 0.01, "stability": 0.95, "kind": "coordinated", "score_bits": 3.0}


def rings(
    candidates: list[dict[str, Any]],
    named: dict[int, float] | None = None,
    ids: dict[int, dict[str, Any]] | None = None,
) -> pd.DataFrame:
    """The rings of candidates 0, 1 ...; `named`: candidate -> probability of Alder; `ids`: more columns of ring_ids."""
    numbers = range(len(candidates))
    name = [f"R-{i}" for i in numbers]
    attribution = []
    for i in numbers:
        p = (named or {}).get(i, 0.0)
        rows = [("Alder", p), ("unknown", 1 - p)] if p else [("unknown", 1.0)]
        rows.sort(key=lambda r: -r[1])
        attribution += [
            {"ring_id": name[i], "operator": o, "probability": q, "rank": k + 1} for k, (o, q) in enumerate(rows)
        ]
    coordinated = [i for i in numbers if candidates[i].get("kind", "coordinated") == "coordinated"]
    made = make(
        frame("ring_ids", [{"candidate": i, "ring_id": name[i], **(ids or {}).get(i, {})} for i in numbers]),
        frame("candidates", [{"candidate": i, **GOOD, **c} for i, c in enumerate(candidates)]),
        frame(
            "members",
            [
                {"ring_id": name[i], "account_id": f"{i}-{k}", "n_events": 5, "membership": 0.9}
                for i in numbers
                for k in range(4)
            ],
        ),
        frame(
            "evidence",
            [
                {
                    "ring_id": n,
                    "entity_type": t,
                    "entity": f"<script>{t}",
                    "class": c,
                    "n_accounts_in_ring": 4,
                    "n_accounts_total": 5,
                    "bits": 6.0,
                    "bits_counted": 6.0,
                }
                for n in name
                for t, c in (("ip", "hosting"), ("payment", "shared card"))
            ],
        ),
        frame(
            "score_parts",
            [{"ring_id": n, "part": p, "family": "time", "bits": 2.0} for n in name for p in ("start", "handoffs")],
        ),
        frame("attribution", attribution),
        frame("operator_ids", [{"ring_id": name[i], "operator_id": "UNATTRIBUTED-AB12"} for i in coordinated]),
        settings=Settings(),
    )
    return made.rings.set_index("ring_id")


def test_the_columns_are_those_of_the_contract() -> None:
    table = rings([{}]).reset_index()
    assert table.columns.tolist() == TABLES["rings"].names
    assert table.loc[0, ["size", "n_events", "flagged", "confidence"]].tolist() == [4, 20, True, "high"]


@pytest.mark.parametrize(
    ("change", "flagged"),
    [
        ({}, True),
        ({"score": 0.49}, False),
        ({"score": 0.50}, True),
        ({"q_value": 0.0501}, False),
        ({"kind": "organization"}, False),
        ({"kind": "reseller_pool"}, False),
    ],
)
def test_who_is_flagged(change: dict[str, Any], flagged: bool) -> None:
    assert bool(rings([change])["flagged"].iloc[0]) is flagged


def test_a_standing_dismissal_forbids_the_flag_and_is_told() -> None:
    table = rings(
        [{}, {}],
        ids={0: {"suppressed_by": "d1", "joined_since": 0}, 1: {"joined_since": 7, "new_types": ["device_id"]}},
    )
    assert table["flagged"].tolist() == [False, True]
    assert "dismissed by an analyst and not changed since" in table["reason"].iloc[0]
    assert "dismissed before, but since then 7 accounts joined and device id came to tie it" in table["reason"].iloc[1]


def test_a_name_needs_its_level_and_a_coordinated_ring() -> None:
    table = rings([{}, {}, {"kind": "organization"}, {}], named={0: 0.80, 1: 0.79, 2: 0.95})
    assert table["operator"].iloc[0] == "Alder"
    assert table["operator"].iloc[1:].isna().all()
    assert table["operator_probability"].tolist()[:3] == [0.80, 0.79, 0.95]
    assert pd.isna(table["operator_probability"].iloc[3])
    assert table["operator_id"].notna().tolist() == [True, True, False, True]


def test_a_pool_names_its_inner_rings() -> None:
    table = rings([{"kind": "reseller_pool"}, {"parent": 0}])
    assert pd.isna(table["parent_ring_id"].iloc[0])
    assert table["parent_ring_id"].iloc[1] == "R-0"


def test_no_rings_at_all() -> None:
    assert rings([]).empty


def test_the_reason_is_one_sentence_with_exact_counts_and_no_value_of_strangers() -> None:
    said = rings([{}])["reason"].iloc[0]
    assert said == (
        "Of 4 accounts, all share a hosting address and all a shared card; they continue each other's conversations; "
        "best explained as one coordinated operation."
    )
    assert "script" not in said


def test_a_pool_says_whose_accounts_it_counts() -> None:
    thing = {"entity_type": "payment", "entity": "card", "class": "shared card", "bits_counted": 1.0}
    ring = {"size": 3, "kind": "reseller_pool", "joined_since": None, "suppressed_by": None, "new_types": []}
    both = ((9, "Of 3 accounts and those of the rings within, 9 share a shared card; "), (3, "Of 3 accounts, all "))
    for n, said in both:
        evidence = pd.DataFrame([thing | {"n_accounts_in_ring": n}])
        assert reason(ring, evidence, None).startswith(said)


@settings(max_examples=15)
@given(
    st.lists(st.tuples(st.text(max_size=20), st.text(max_size=20), st.integers(1, 30)), max_size=6),
    st.text(max_size=20),
    st.integers(0, 40),
)
def test_a_reason_is_always_one_harmless_sentence(things: list[tuple[str, str, int]], kind: str, size: int) -> None:
    rows = [
        {"entity_type": t, "entity": f"{i}", "class": c, "n_accounts_in_ring": n, "bits_counted": 1.0}
        for i, (t, c, n) in enumerate(things)
    ]
    columns = ["entity_type", "entity", "class", "n_accounts_in_ring", "bits_counted"]
    ring = {"size": size, "kind": kind, "joined_since": None, "suppressed_by": None, "new_types": []}
    said = reason(ring, pd.DataFrame(rows, columns=columns), None)
    assert len(said) >= 20
    assert said.endswith(".")
    assert "<" not in said
    assert said.isprintable()


def test_the_innermost_ring_holds_the_account() -> None:
    candidates = frame("candidates", [{"candidate": 0}, {"candidate": 1, "parent": 0}, {"candidate": 2}])
    rows = [(0, "a", 0.9), (1, "a", 0.6), (0, "b", 0.9), (2, "c", 0.5), (1, "c", 0.7)]
    members = frame("candidate_members", [{"candidate": c, "account_id": a, "membership": m} for c, a, m in rows])
    once = innermost(members, candidates)
    assert once[["candidate", "account_id"]].values.tolist() == [[0, "b"], [1, "a"], [1, "c"]]
    lifted = with_pools(once, candidates)
    assert lifted[["candidate", "account_id"]].values.tolist() == [[0, "a"], [0, "b"], [0, "c"], [1, "a"], [1, "c"]]


@settings(max_examples=15)
@given(
    st.lists(
        st.tuples(st.floats(0, 1), st.floats(0, 0.2), st.sampled_from(["coordinated", "unclear"]), st.booleans()),
        min_size=1,
        max_size=20,
    )
)
def test_among_rings_that_may_be_flagged_the_score_alone_decides(rows: list[tuple[float, float, str, bool]]) -> None:
    table = pd.DataFrame(rows, columns=["score", "q_value", "kind", "dismissed"])
    table["suppressed_by"] = pd.Series(["d" if d else None for d in table["dismissed"]], dtype="str")
    flagged = is_flagged(table, ScoresSettings())
    free = (table["kind"] == "coordinated") & (table["q_value"] <= 0.05) & ~table["dismissed"]
    assert not (flagged & ~free).any()
    if flagged.any() and (free & ~flagged).any():
        assert table.loc[free & ~flagged, "score"].max() < table.loc[flagged, "score"].min()
