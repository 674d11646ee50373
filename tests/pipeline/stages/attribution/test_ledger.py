"""Laws of the ledger, whatever the indicators."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.schemas.inputs import RESERVED_OPERATORS
from pipeline.stages.attribution.ledger import Priors, hypotheses, weigh

PRIORS = Priors(named=0.02, false_flag=0.02)
LINES = st.lists(
    st.tuples(
        st.sampled_from(["R-1", "R-2", "R-3"]),
        st.sampled_from(["Alder", "Birch", "Cedar", "Dogwood"]),
        st.sampled_from(["network", "payment", "text", "account"]),
        st.floats(0, 6),
        st.floats(0, 6),
        st.floats(0, 6),
    ),
    max_size=30,
)


def table(lines: list[tuple[str, str, str, float, float, float]]) -> pd.DataFrame:
    return pd.DataFrame(lines, columns=["ring_id", "operator", "family", "named", "vendor", "planted"])


@settings(max_examples=20)
@given(LINES)
def test_probabilities_sum_to_one_and_unknown_is_always_there(
    lines: list[tuple[str, str, str, float, float, float]],
) -> None:
    rings = ["R-1", "R-2", "R-3"]
    ledger = hypotheses(table(lines), rings, PRIORS)
    sums = ledger.groupby("ring_id")["probability"].sum()
    assert sums.tolist() == pytest.approx([1.0] * 3)
    assert ledger.loc[ledger["operator"] == "unknown", "ring_id"].tolist() == rings
    assert not ledger.duplicated(["ring_id", "operator"]).any()
    for _, part in ledger.groupby("ring_id"):
        assert part["rank"].tolist() == list(range(1, len(part) + 1))
        assert part["probability"].is_monotonic_decreasing


@settings(max_examples=20)
@given(LINES, st.sampled_from(["network", "payment", "text"]), st.floats(0, 6))
def test_more_evidence_for_an_operator_never_makes_it_less_probable(
    lines: list[tuple[str, str, str, float, float, float]], family: str, bits: float
) -> None:
    def probability(rows: list[tuple[str, str, str, float, float, float]]) -> float:
        ledger = hypotheses(table(rows), ["R-1"], PRIORS)
        return float(ledger.loc[(ledger["ring_id"] == "R-1") & (ledger["operator"] == "Alder"), "probability"].iloc[0])

    before = [*[r for r in lines if r[0] == "R-1"], ("R-1", "Alder", "text", 0.0, 0.0, 0.0)]
    assert probability([*before, ("R-1", "Alder", family, bits, 0.0, 0.0)]) >= probability(before) - 1e-12


@settings(max_examples=20)
@given(st.lists(st.floats(0, 6), min_size=1, max_size=5))
def test_lines_of_one_family_count_once(bits: list[float]) -> None:
    many = hypotheses(table([("R-1", "Alder", "text", b, 0.0, 0.0) for b in bits]), ["R-1"], PRIORS)
    one = hypotheses(table([("R-1", "Alder", "text", max(bits), 0.0, 0.0)]), ["R-1"], PRIORS)
    pd.testing.assert_frame_equal(many, one)


@settings(max_examples=20)
@given(st.integers(3, 400), st.integers(1, 400), st.integers(0, 5_000), st.floats(0, 1), st.floats(0.01, 1))
def test_bits_of_a_touch_are_bounded(size: int, n: int, elsewhere: int, confidence: float, membership: float) -> None:
    n = min(n, size)
    members = pd.DataFrame({"ring_id": "R-1", "account_id": [f"a{i}" for i in range(size)], "membership": membership})
    touched = members.head(n)[["ring_id", "account_id"]].assign(
        indicator=0, operator="Alder", family="payment", confidence=confidence
    )
    line = weigh(touched, members, pd.Series({0: n + elsewhere}), size + 10_000).iloc[0]
    assert 0.0 <= line["named"] <= 7.0 + 1e-9
    assert 0.0 <= line["planted"] <= 7.0 + 1e-9
    single = hypotheses(pd.DataFrame([line]), ["R-1"], PRIORS)
    named = single[~single["operator"].isin(RESERVED_OPERATORS)]
    assert (named["probability"] < 0.8).all()


def test_many_rivals_leave_unknown_its_half_of_the_prior() -> None:
    lines = [("R-1", f"operator-{i:03d}", "text", 0.0, 0.0, 0.0) for i in range(200)]
    ledger = hypotheses(table(lines), ["R-1"], PRIORS)
    assert ledger.iloc[0]["operator"] == "unknown"
    assert ledger.iloc[0]["probability"] == pytest.approx(0.5)
