"""Measured precision: intervals against a second library, checks alone, weights; thresholds are plain counts."""

from __future__ import annotations

import re
from collections.abc import Callable

import hypothesis.strategies as st
import pytest
from hypothesis import given
from scipy.stats import binomtest

from pipeline.decisions import Decision
from pipeline.review.measure import agreement, cases, tally, wilson
from pipeline.review.queue import BANDS, band, is_check
from pipeline.review.seal import Seal
from tests.support.workspace import Workspace


@given(st.integers(1, 400), st.data())
def test_interval_is_that_of_a_second_library(n: int, data: st.DataObject) -> None:
    k = data.draw(st.integers(0, n))
    expected = binomtest(k, n).proportion_ci(method="wilson")
    assert wilson(k, n) == pytest.approx((expected.low, expected.high), abs=1e-6)


def case(conclusion: str, rate: float = 0.1) -> dict[str, object]:
    """A judged ring."""
    return {"conclusion": conclusion, "rate": rate}


def test_unsure_is_shown_and_counted_as_neither() -> None:
    found = tally([case("confirmed")] * 12 + [case("dismissed")] * 4 + [case("unsure")] * 9)
    assert (found["confirmed"], found["decided"], found["unsure"]) == (12, 16, 9)
    assert found["share"] == 0.75 and found["enough"]
    assert (found["low"], found["high"]) == pytest.approx(wilson(12, 16))


def test_rarely_drawn_rings_count_for_more() -> None:
    found = tally([case("confirmed", 0.5)] * 10 + [case("dismissed", 0.1)] * 10)
    assert found["share"] == pytest.approx(20 / 120)
    assert found["high"] - found["low"] > wilson(20 / 6, 20)[1] - wilson(20 / 6, 20)[0], "unequal draws say less"


def test_fewer_than_ten_say_nothing() -> None:
    assert not tally([case("confirmed")] * 9)["enough"] and tally([case("confirmed")] * 10)["enough"]


@given(st.floats(0.05, 1.0))
def test_every_score_lies_in_one_band(score: float) -> None:
    low, high = BANDS[band(score)]
    assert low <= score < high


def test_checks_are_drawn_at_the_rate_whatever_the_ring() -> None:
    seal = Seal(b"s" * 32)
    drawn = sum(is_check(seal, 0.1, "run", f"R-{k}") for k in range(10_000))
    assert 880 <= drawn <= 1120
    again = [is_check(seal, 0.1, "run", f"R-{k}") for k in range(100)]
    assert again == [is_check(seal, 0.1, "run", f"R-{k}") for k in range(100)]
    other = [is_check(Seal(b"t" * 32), 0.1, "run", f"R-{k}") for k in range(1000)]
    assert other != [is_check(seal, 0.1, "run", f"R-{k}") for k in range(1000)], "nobody without the secret can tell"


def test_only_checks_that_stand_are_counted(made_workspace: Callable[..., Workspace]) -> None:
    workspace = made_workspace(check_rate=0.5)
    client = workspace.client("ana", "analyst")
    run = workspace.desk.shelf.read()
    checks = {r for r in run.rings if is_check(workspace.desk.seal, 0.5, run.run_id, r)}
    assert checks and checks != set(run.rings)
    for ring_id in run.rings:
        client.decide(ring_id, "confirm")
    one = min(checks)
    client.decide(one, "dismiss", explanation="household")
    page = client.get("/precision").text
    assert f"{len(checks)} checks decided; {len(checks) - 1} of {len(checks)} confirmed" in page

    class Stand:
        desk, office = workspace.desk, workspace.office

    assert {c["ring_id"] for c in cases(Stand())} == checks  # type: ignore[arg-type]
    assert len(cases(Stand(), checks_only=False)) == len(run.rings)  # type: ignore[arg-type]


def test_a_row_does_not_say_that_it_is_a_check(made_workspace: Callable[..., Workspace]) -> None:
    workspace = made_workspace(check_rate=0.999)
    page = workspace.client("ana", "analyst").get("/queue").text
    assert ">13 wait" in page, "all rings are drawn"
    assert "check" not in page.replace('type="checkbox"', "")


def test_agreement_of_pairs() -> None:
    def row(ring: str, who: str, said: str, seq: int) -> Decision:
        return Decision(f"d{seq}", f"d{seq}", said, "some reason here", who, ring_id=ring, run_id="r", seq=seq)

    told = [("1", "ana", "confirmed"), ("1", "bo", "confirmed"), ("2", "ana", "confirmed"), ("2", "bo", "dismissed")]
    rows = [row(*judged, seq) for seq, judged in enumerate([*told, ("3", "bo", "dismissed")], 1)]
    assert agreement(rows) == [{"pair": ("ana", "bo"), "n": 2, "same": 1}]


def test_thresholds_are_plain_counts_and_proposals_keep_their_reason(workspace: Workspace) -> None:
    client = workspace.client("lea", "lead")
    rings = workspace.desk.shelf.read().rings.values()
    fit = [r for r in rings if r["kind"] == "coordinated" and r["q_value"] <= 0.05 and r["score"] >= 0.5]
    page = client.get("/threshold?at=0.50").text
    assert f"From 0.50: {len(fit)} rings, {sum(r['size'] for r in fit):,} accounts" in page
    assert client.form("/threshold", {"at": "0.5", "reason": "short"}).status_code == 422
    assert client.form("/threshold", {"at": "7", "reason": "a long enough reason"}).status_code == 422
    assert client.form("/threshold", {"at": "x", "reason": "a long enough reason"}).status_code == 422
    assert (
        "More of us than before" in client.form("/threshold", {"at": "0.5", "reason": "More of us than before."}).text
    )


def test_thresholds_count_by_the_false_discovery_rate_of_the_run(quiet_workspace: Workspace) -> None:
    ana = quiet_workspace.client("ana", "analyst")
    run = quiet_workspace.desk.shelf.read()
    fit = [r for r in run.rings.values() if r["kind"] == "coordinated" and r["suppressed_by"] is None]
    held = run.max_q
    try:
        for run.max_q in (0.0, 1.0):
            wanted = sum(r["q_value"] <= run.max_q and r["score"] >= 0.5 for r in fit)
            assert f"From 0.50: {wanted} rings" in ana.get("/threshold?at=0.50").text
    finally:
        run.max_q = held


def test_every_threshold_has_one_scale_of_digits_a_column(workspace: Workspace) -> None:
    client = workspace.client("lea", "lead")
    client.decide("R-0001", "confirm")  # a pace, so that days of work are given
    rows = re.findall(r"<tr><td.*?</tr>", client.get("/threshold").text)
    cells = [re.findall(r"<td[^>]*>(?:<a[^>]*>)?([^<]*)", row) for row in rows]
    assert len(cells) > 10
    for row in cells:
        assert re.fullmatch(r"\d+\.\d\d", row[3]) and re.fullmatch(r"\d+\.\d", row[4]), row
