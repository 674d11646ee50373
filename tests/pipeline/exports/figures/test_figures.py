"""Every figure at every size: nothing overlaps, the words say what they should, the same bytes twice."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.exports.figures import (
    A4,
    DARK,
    LIGHT,
    SLIDE,
    Sheet,
    draw,
    evasion,
    funnel,
    operator_map,
    replacement,
    ring_groups,
    ring_picture,
    scores,
    synchrony,
    synchrony_few,
    timeline,
    volume,
    waterfall,
)
from pipeline.exports.figures.paper import LabelCollisionError, darkened, write_bytes
from pipeline.exports.linter import check
from pipeline.exports.trace import Source, plain
from tests.pipeline.exports.figures.rings import Ring, frame, many

DAYS = frame().days()
DAILY = pd.DataFrame({"day": [d.date() for d in DAYS], "group": "other", "n_events": 2_000_000, "n_accounts": 90_000})


def picture(size: int, things: int = 9, seed: int = 0) -> Sheet:
    """F1 as a picture."""
    ring = Ring(size, things=things, seed=seed)
    return ring_picture.sheet(ring.row, ring.members, ring.evidence, ring.incidence, ring.layout, frame())


def matrix(size: int, things: int = 9, seed: int = 0) -> Sheet:
    """F1 as a matrix."""
    ring = Ring(size, things=things, seed=seed)
    return ring_groups.sheet(ring.row, ring.groups, ring.evidence, frame())


def operators(n: int) -> Sheet:
    """F2 of n rings that share cards."""
    rings, hours = many(n)
    rings = rings.assign(operator_id="UNATTRIBUTED-7F3A")
    shared = pd.concat(
        [Ring(30, seed=i % 5).evidence.assign(ring_id=r) for i, r in enumerate(rings.ring_id.head(40))],
        ignore_index=True,
    )
    return operator_map.sheet("UNATTRIBUTED-7F3A", rings, shared, hours, frame())


def daily(size: int, days: int = 45) -> Sheet:
    """F3 of one ring."""
    ring = Ring(size, days=days)
    table = pd.DataFrame(
        {"day": [d.date() for d in frame(days).days()], "group": "other", "n_events": 2_000_000, "n_accounts": 9}
    )
    return volume.sheet("f3", "R-1042", ring.row.to_frame().T, ring.hours, table, frame(days))


def hours(size: int, days: int = 45) -> Sheet:
    """F4 of one ring beside an office."""
    ring, office = Ring(size, days=days), Ring(max(size // 2, 3), seed=3, days=days)
    other = office.row.copy()
    other["ring_id"], other["kind"] = "R-2000", "organization"
    both = pd.concat([ring.hours, office.hours.assign(ring_id="R-2000")], ignore_index=True)
    return synchrony.sheet(ring.row, other, both, frame(days))


def strokes(size: int) -> Sheet:
    """F4 of a ring too small for shares."""
    ring = Ring(size)
    some = [(a, h) for i, a in enumerate(ring.accounts) for j, h in enumerate(ring.hours.hour) if (i + j) % 3]
    activity = pd.DataFrame(some, columns=["account_id", "hour"]).assign(ring_id="R-1042", n_events=3)
    return synchrony_few.sheet(ring.row, activity, frame())


def waterfall_of(parts: int) -> Sheet:
    """F5 with a number of parts."""
    ring = Ring(30)
    extra = pd.DataFrame(
        {
            "ring_id": "R-1042",
            "part": [f"measure_{i}" for i in range(parts)],
            "family": "time",
            "value": 0.5,
            "unit": "share",
            "reference": 0.25,
            "bits": [(-1) ** i * (0.3 + 0.2 * i) for i in range(parts)],
        }
    )
    rings, _ = many(200)
    return waterfall.sheet(ring.row, pd.concat([ring.parts, extra], ignore_index=True), rings, frame())


def judged(n: int) -> Sheet:
    """F6 with n judged rings."""
    rings, _ = many(max(n, 3))
    held = pd.DataFrame({"score": rings.score, "held": np.arange(len(rings)) % 3 > 0}).head(n)
    return scores.sheet(rings, 0.7, frame(), held, "decisions")


def steps(*counts: int) -> Sheet:
    """F7 with these counts."""
    words = ("accounts in the window", "share something that counts", "in reported rings", "accused: in flagged rings")
    made = [(w, n, Source("count", "members")) for w, n in zip(words, counts, strict=True)]
    return funnel.sheet(made, frame(), [("decided", 3, Source("count", "decisions"))])


def bench(levels: int, methods: int) -> Sheet:
    """F9 of a bench."""
    names = ["ringtrace", "chance", *(f"method {i}" for i in range(methods))]
    rows = [
        (m, lv, 3.0**lv, r := max(0.02, 0.98 - 0.1 * i - 0.2 * lv), max(r - 0.05, 0), min(r + 0.05, 1), 5)
        for i, m in enumerate(names)
        for lv in range(levels)
    ]
    results = pd.DataFrame(rows, columns=["method", "level", "cost", "recall", "low", "high", "seeds"])
    return evasion.sheet(results, "ringtrace", frame(), {1.0: "cards shared", 27.0: "a card for every account"})


SHEETS: dict[str, Callable[[], Sheet]] = {
    "picture-3": lambda: picture(3),
    "picture-30": lambda: picture(30),
    "picture-60": lambda: picture(60, 24),
    "matrix-61": lambda: matrix(61),
    "matrix-453": lambda: matrix(453, 14),
    "matrix-25000": lambda: matrix(25_000, 6),
    "map-2": lambda: operators(2),
    "map-30": lambda: operators(30),
    "map-3000": lambda: operators(3000),
    "volume-2d": lambda: daily(30, 2),
    "volume": lambda: daily(453),
    "volume-200d": lambda: daily(453, 200),
    "hours-8": lambda: strokes(8),
    "hours-12": lambda: hours(12),
    "hours": lambda: hours(25_000),
    "hours-90d": lambda: hours(100, 90),
    "waterfall": lambda: waterfall_of(0),
    "waterfall-30": lambda: waterfall_of(30),
    "scores-1": lambda: judged(1),
    "scores-3000": lambda: judged(3000),
    "funnel": lambda: steps(2_104_331, 46_020, 26_911, 26_000),
    "funnel-0": lambda: steps(2_104_331, 46_020, 0, 0),
    "came": lambda: replacement.sheet("f8", "R-1042", Ring(453).members, frame(), [(DAYS[20], "list approved")]),
    "came-200d": lambda: replacement.sheet("f8", "R-1042", Ring(453, days=200).members, frame(200)),
    "came-8": lambda: replacement.sheet("f8", "R-1042", Ring(8).members, frame()),
    "evasion": lambda: bench(4, 3),
    "evasion-30": lambda: bench(5, 30),
    "campaigns-1": lambda: timeline.sheet(*many(6), frame()),
    "campaigns-3000": lambda: timeline.sheet(*many(3000), frame()),
}


@pytest.fixture(scope="module", params=list(SHEETS))
def sheet(request: pytest.FixtureRequest) -> Sheet:
    """Each sheet once."""
    made = SHEETS[request.param]()
    assert made.drawn, plain(made.title)
    return made


def test_nothing_overlaps_on_paper(sheet: Sheet) -> None:
    figure = draw(sheet, A4, LIGHT, alone=True)
    assert figure.get_size_inches()[0] * 25.4 == pytest.approx(170)
    assert figure.get_size_inches()[1] * 25.4 < 245


def test_nothing_overlaps_on_slides(sheet: Sheet) -> None:
    """A slide either holds the figure at 12 points or more, or says that it does not fit."""
    try:
        figure = draw(sheet, SLIDE, DARK, alone=True)
    except LabelCollisionError as fault:
        assert "too many rows for a slide" in str(fault)
        return
    assert figure.get_size_inches()[0] * 25.4 == pytest.approx(308)
    assert figure.get_size_inches()[1] * 25.4 <= 190.51
    said = " ".join(t.get_text() for t in figure.texts)
    assert plain(sheet.title) in said and frame().run_id in said
    assert min(t.get_fontsize() for t in figure.texts) >= 11.9


def test_a_long_title_takes_its_room_from_the_figure(sheet: Sheet) -> None:
    """Title, figure and foot together never grow out of the slide."""
    try:
        figure = draw(replace(sheet, title="7 rings " + "and as many words more " * 16), SLIDE, alone=True)
    except LabelCollisionError as fault:
        assert "too many rows for a slide" in str(fault)
        return
    assert figure.get_size_inches()[1] * 25.4 <= 190.51


def test_words(sheet: Sheet) -> None:
    title, alt = plain(sheet.title), plain(sheet.alt)
    assert len(title.split()) <= 14
    assert re.search(r"\d|No ", title)
    assert len(plain(sheet.see).split()) <= 30
    assert len(plain(sheet.sure).split()) <= 20
    assert 8 <= len(alt.split()) <= 60
    assert alt not in sheet.caption()
    assert "Numbers: " in alt
    for text in (sheet.see, sheet.sure, alt):
        assert check(text, free=True) == []
    assert frame().run_id in sheet.caption()


def test_same_bytes_twice_and_dark_is_the_same_picture(sheet: Sheet) -> None:
    first, second, dark = (write_bytes(draw(sheet, A4, theme), "svg") for theme in (LIGHT, LIGHT, DARK))
    assert first == second
    assert b"<dc:date>" not in first
    assert b"<text" not in first  # letters are outlines
    assert named(darkened(first)) == named(dark)


@pytest.mark.parametrize("form", ["png", "pdf"])
@pytest.mark.parametrize("which", ["picture-30", "funnel"])
def test_other_formats_have_no_date_and_the_same_bytes(which: str, form: str) -> None:
    one, two = (write_bytes(draw(SHEETS[which](), A4, LIGHT), form) for _ in range(2))
    assert one == two
    assert b"Matplotlib" not in one
    assert b"CreationDate" not in one


def named(svg: bytes) -> bytes:
    """A picture without the names of its inner parts, which are digests that know the colours."""
    return re.sub(rb"\b[a-z][0-9a-f]{10}\b", b"part", svg)


def test_picture_draws_every_account_and_matrix_counts_every_account() -> None:
    assert (picture(30).marks["mark"] == "account").sum() == 30
    assert matrix(25_000, 6).marks["n_accounts"].sum() == 25_000
    assert matrix(453, 14).marks["n_accounts"].sum() == 453


def test_the_foot_of_a_waterfall_is_read_along_the_line_of_log_odds() -> None:
    """Two rings far apart suffice: all probabilities between theirs stand where the calibration puts them."""
    bits = np.array([-6.0, 9.0])
    known = pd.DataFrame({"score_bits": bits, "score": 1 / (1 + 2.0 ** -(0.8 * bits + 0.4))})
    ring = Ring(30)
    found = waterfall.sheet(ring.row, ring.parts, known, frame()).asides["chances"]
    assert [chance for chance, _ in found] == [0.05, 0.2, 0.5, 0.8, 0.95, 0.99]
    assert [1 / (1 + 2.0 ** -(0.8 * at + 0.4)) for _, at in found] == pytest.approx([c for c, _ in found])


def test_waterfall_adds_up() -> None:
    for parts in (0, 7, 8, 30):
        marks = waterfall_of(parts).marks
        assert len(marks) <= 12
        assert marks["to_bits"].iloc[-1] == pytest.approx(marks["bits"].sum())
        assert marks["from_bits"].iloc[0] == 0
    assert "more, together" in waterfall_of(30).marks["part"].iloc[-1]


def test_operator_map_and_timeline_count_what_they_leave_out() -> None:
    rings, hours_ = many(3000)
    assert operators(3000).marks["n_accounts"].sum() == rings["size"].sum()
    made = timeline.sheet(rings, hours_, frame())
    flagged = rings[rings.flagged]
    assert made.marks["n_events"].sum() == hours_[hours_.ring_id.isin(flagged.ring_id)]["n_events"].sum()
    assert sum(made.asides["accounts"].values()) == flagged["size"].sum()


def test_volume_sums_and_marks_part_days() -> None:
    made = daily(453)
    assert made.marks["n_events"].sum() == Ring(453).hours["n_events"].sum()
    assert (made.marks["n_events"] + made.marks["n_events_others"] == 2_000_000).all()
    cut = frame()
    cut = type(cut)(cut.run_id, cut.since + pd.Timedelta(6, "h"), cut.until, types=cut.types)
    ring = Ring(30)
    assert volume.sheet("f3", "R", ring.row.to_frame().T, ring.hours, DAILY, cut).marks["part_day"].tolist()[0]


def test_calibration_is_not_shown_for_few() -> None:
    assert set(judged(29).marks["panel"]) == {"scores"}
    curve = judged(300).marks
    curve = curve[curve["panel"] == "calibration"]
    assert curve["n"].min() >= 10
    assert ((curve["held_low"] <= curve["held"]) & (curve["held"] <= curve["held_high"])).all()


def test_wilson_against_scipy() -> None:
    from scipy.stats import binomtest

    for held, n in ((0, 10), (58, 61), (10, 10), (3, 7)):
        low, high = scores.wilson(held, n)
        referee = binomtest(held, n).proportion_ci(0.95, "wilson")
        assert (low, high) == pytest.approx((referee.low, referee.high), abs=1e-9)


def test_too_little_to_draw_is_a_sentence() -> None:
    few = Ring(2, things=0)
    nothing = few.evidence.iloc[:0]
    made = [
        picture(1),
        ring_groups.sheet(few.row, few.groups.iloc[:0], nothing, frame()),
        daily(30, 1),
        timeline.sheet(many(4)[0].assign(flagged=False), many(4)[1], frame()),
        scores.sheet(many(3)[0].iloc[:0], 0.7, frame()),
        bench(1, 2),
        operators(1),
    ]
    for one in made:
        assert not one.drawn, one.name
        assert plain(one.title)
        with pytest.raises(ValueError, match="sentence"):
            draw(one)


def test_push_apart_leaves_marks_clear() -> None:
    dice = np.random.default_rng(1)
    points = np.repeat(dice.uniform(20, 70, (6, 2)), 10, axis=0)
    placed = ring_picture.push_apart(points, np.full(60, 1.0), 1.5, 7, 85)
    far = np.sqrt(((placed[:, None] - placed[None]) ** 2).sum(-1)) + 1e9 * np.eye(60)
    assert far.min() >= 3.2
    assert placed.min() >= 7 and placed.max() <= 85


@settings(max_examples=12)
@given(size=st.integers(2, 60), things=st.integers(1, 20), seed=st.integers(0, 10_000))
def test_pictures_of_any_ring_can_be_drawn(size: int, things: int, seed: int) -> None:
    made = picture(size, things, seed)
    if made.drawn:
        assert draw(made, A4).texts


@settings(max_examples=12)
@given(size=st.integers(61, 3000), things=st.integers(1, 14), seed=st.integers(0, 10_000))
def test_matrices_of_any_ring_can_be_drawn(size: int, things: int, seed: int) -> None:
    made = matrix(size, things, seed)
    assert made.marks["n_accounts"].sum() == size
    assert draw(made, A4).texts
