"""The evidence in the terminal: complete, and harmless whatever strangers wrote."""

from __future__ import annotations

import json
import unicodedata
from functools import cache
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.cli import main
from pipeline.commands.explain import _families
from pipeline.errors import UsageError
from pipeline.explain import as_lines, explain, shown, waterfall
from pipeline.storage import open_run
from pipeline.storage.tables import to_frame
from tests.support.finished_run import write_run


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "hostile"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("runs"), rings=6, hostile=request.param)


@cache
def table(run: Path, name: str) -> pd.DataFrame:
    """A table of a run, read once; nothing here changes it."""
    return to_frame(open_run(run).read(name))


def said(run: Path, name: str) -> list[str]:
    return as_lines(explain(name, lambda t: table(run, t), _families(open_run(run).manifest)))


def test_every_ring_and_its_members_can_be_explained(run: Path) -> None:
    members = table(run, "members")
    for ring in table(run, "rings")["ring_id"]:
        lines = said(run, ring)
        assert lines[0].startswith(f"{ring}: ")
        assert any("chance" in line or "likely" in line or "certain" in line for line in lines)
        assert any(line.startswith("Confidence is ") for line in lines)
        account = members.loc[members["ring_id"] == ring, "account_id"].iloc[0]
        assert ring in said(run, account)[0]


def test_a_ring_that_is_not_flagged_says_why(run: Path) -> None:
    """Whatever holds it back is said with its figures; a flagged one says that it is flagged."""
    rings = table(run, "rings")
    reasons = set()
    for ring in rings.itertuples():
        (line,) = [line for line in said(run, ring.ring_id) if line.startswith("The ring is ")]
        if ring.flagged:
            assert line == "The ring is flagged."
        elif isinstance(ring.suppressed_by, str):
            assert "a dismissal stands" in line
        elif ring.kind != "coordinated":
            assert "the best explanation is " in line or "in doubt that is held to be so" in line
        else:
            assert f"a false discovery rate of {ring.q_value:.3f} is not what the settings ask for" in line
        reasons.add(line.split(":")[0])
    assert len(reasons) == 2


def test_likelihood_and_confidence_never_stand_in_one_sentence(run: Path) -> None:
    for line in said(run, table(run, "rings")["ring_id"].iloc[0]):
        for sentence in line.split(". "):
            assert not ("onfidence" in sentence and "likely" in sentence)


def test_nothing_that_acts_reaches_the_terminal(run: Path) -> None:
    names = [*table(run, "rings")["ring_id"], *table(run, "members")["account_id"].head(20), "\x1b[2Jnobody\u202e"]
    for name in names:
        for line in said(run, name):
            bad = [c for c in line if unicodedata.category(c) in ("Cc", "Cf", "Co", "Cs", "Zl", "Zp")]
            assert bad == [], f"{bad!r} in {line!r}"


def test_an_account_in_no_ring_and_an_unknown_one(run: Path) -> None:
    incidence = table(run, "incidence")
    outside = incidence.loc[incidence["ring_id"].isna(), "account_id"]
    for account in [*outside.head(1), "nobody-at-all"]:
        assert "is in no ring of this run" in said(run, account)[0]
    with pytest.raises(UsageError, match="no such ring"):
        said(run, "R-NEVER")


def test_the_command_speaks_json(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ring = table(run, "rings")["ring_id"].iloc[0]
    assert main(["explain", str(run), ring, "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["ring_id"] == ring
    assert facts["parts"][0].keys() >= {"part", "bits", "value", "reference"}
    assert main(["explain", str(run), "R-NEVER"]) == 2
    assert "no such ring" in capsys.readouterr().err


@given(st.text(max_size=600))
def test_whatever_is_shown_is_one_short_harmless_line(value: str) -> None:
    line = shown(value)
    assert len(line) <= 48
    assert all(unicodedata.category(c) not in ("Cc", "Cf", "Co", "Cs", "Zl", "Zp") for c in line)


def test_what_is_missing_is_a_dash() -> None:
    assert [shown(None), shown(float("nan")), shown("")] == ["-", "-", ""]


def test_the_waterfall_starts_at_the_start_and_hides_nothing() -> None:
    parts = [
        {"part": "cards", "bits": 6.0, "value": 3.0, "reference": 0.2, "unit": "cards"},
        {"part": "start", "bits": -9.0, "value": None, "reference": None, "unit": None},
        {"part": "old accounts", "bits": -2.0, "value": 30.0, "reference": None, "unit": "days"},
    ]
    lines = waterfall(parts)
    assert [line.split()[0] for line in lines] == ["start", "cards", "old"]
    assert lines[0].count("/") == 24
    assert lines[1].count("#") == 16
    assert "(3 / 0.2 cards)" in lines[1]
    assert waterfall([]) == []
    idle = [
        {"part": f"idle {i}", "bits": b, "value": None, "reference": None, "unit": None}
        for i, b in enumerate((0.05, -0.09, 0.0))
    ]
    more = waterfall(parts + idle)
    assert more[:3] == lines
    assert more[3].strip() == "3 parts of less than 0.1 bits, together -0.0"
