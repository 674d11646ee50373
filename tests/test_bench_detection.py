"""The methods and the sums of the detection bench, on cases whose answer is known."""

from __future__ import annotations

import itertools
import json
from dataclasses import asdict, replace
from pathlib import Path
from unittest import mock

import numpy as np
import pandas as pd
import pytest

from graphs.forest import Forest
from pipeline.evaluate import against_truth
from pipeline.scoring_model import read_model
from tests.benchmarks import digest
from tests.benchmarks.detection.__main__ import asked, plan
from tests.benchmarks.detection.attributable import attributable
from tests.benchmarks.detection.baselines.communities import against_rewired, barber, modularity, rare_in_two
from tests.benchmarks.detection.baselines.linking import additive_points, weakly_connected
from tests.benchmarks.detection.baselines.peeling import dense_blocks, densest_block
from tests.benchmarks.detection.baselines.similarity import (
    central_nodes,
    cosine,
    shared_addresses,
    synchronous,
    tf_idf,
)
from tests.benchmarks.detection.cells import Bench, innocent_rings, true_operators, tune
from tests.benchmarks.detection.found import Found
from tests.benchmarks.detection.ground import Ground
from tests.benchmarks.detection.methods import METHODS
from tests.benchmarks.detection.ours import ABLATIONS, VARIANTS, _Muted, without_classes, without_time
from tests.benchmarks.detection.points import SCALES, SHIFT, Point, base_world, reported_points, tuning_points
from tests.benchmarks.detection.pooled import added, calibration, error_by_chance, rows
from tests.benchmarks.detection.price import PRICES, cost_an_account, price_list
from tests.benchmarks.detection.report import page
from tests.benchmarks.real_data import fast_pairs
from tests.benchmarks.training_worlds import (
    calibration_worlds,
    crowded_worlds,
    full_worlds,
    platform_worlds,
    training_worlds,
    wide_worlds,
)

CARD, ADDRESS, FRAME = ("payment", "payment"), ("ip", "network"), ("template", "text")


def ground(n: int, *things: tuple[tuple[str, str], tuple[int, ...]], **more: object) -> Ground:
    """A ground of n accounts and things, each with the accounts that have it."""
    table = pd.DataFrame(
        {
            "entity_type": [t[0] for t, _ in things], "entity": [f"e{i}" for i in range(len(things))],
            "family": [t[1] for t, _ in things], "kind": more.get("kind", [None] * len(things)),
            "class": more.get("class", ["network"] * len(things)), "n_accounts": [len(a) for _, a in things],
            "left_out_because": [None] * len(things),
        }
    )  # fmt: skip
    edges = pd.DataFrame(
        [(a, e, 10, 3, 0, 9) for e, (_, accounts) in enumerate(things) for a in accounts],
        columns=["account", "entity", "n_events", "n_days", "first_day", "last_day"],
    )
    accounts = pd.DataFrame({"created_at": more.get("created", [pd.NaT] * n), "client": more.get("client", [None] * n)})
    names = np.array([f"a{i:03d}" for i in range(n)], dtype=object)
    return Ground(names, edges.sort_values(["account", "entity"], ignore_index=True), table, accounts)


def groups(found: Found) -> list[tuple[int, ...]]:
    return sorted(tuple(np.flatnonzero(found.group == g).tolist()) for g in np.unique(found.group[found.group >= 0]))


def crowd(n: int, size: int, seed: int = 0) -> list[tuple[tuple[str, str], tuple[int, ...]]]:
    """Things shared by strangers: pairs drawn at random among the accounts from `size` on."""
    draw = np.random.default_rng(seed)
    picks = [tuple(sorted(draw.choice(np.arange(size, n), 2, replace=False).tolist())) for _ in range(n)]
    return [(ADDRESS, p) for p in picks]


def ring(*accounts: int) -> list[tuple[tuple[str, str], tuple[int, ...]]]:
    """A tight ring: three addresses, a card and two frames that all of it has."""
    return [(ADDRESS, accounts)] * 3 + [(CARD, accounts)] + [(FRAME, accounts)] * 2


# what is found, and how it is judged


def test_small_groups_go_free_and_judging_counts_what_is_left() -> None:
    found = Found.of([7, 7, 7, 2, 2, 5], accused=[1, 1, 1, 1, 1, 0], min_size=3, score=[3, 3, 3, 9, 9, 1])
    assert found.group.tolist() == [0, 0, 0, -1, -1, -1]
    names = np.array(list("abcdef"), dtype=object)
    truth = pd.DataFrame({"account_id": list("abcdef"), "ring_id": ["r", "r", None, "r", None, None], "operator": "o"})
    figures = against_truth(found.tables(names), truth)
    assert figures["accounts"]["precision"]["hits"] == 2 and figures["accounts"]["precision"]["of"] == 3
    assert figures["accounts"]["recall"]["of"] == 3 and figures["attribution"]["named"] == 0
    assert innocent_rings(found.tables(names), truth) == 0
    nobody = against_truth(Found.nobody(6).tables(names), truth)
    assert nobody["accounts"]["accused"] == 0 and nobody["accounts"]["recall"]["hits"] == 0


def test_an_innocent_ring_is_one_made_of_innocents_by_more_than_half() -> None:
    found = Found.of([0, 0, 0, 1, 1, 1], accused=np.ones(6), min_size=3, score=np.ones(6))
    names = np.array(list("abcdef"), dtype=object)
    truth = pd.DataFrame({"account_id": list("abcdef"), "ring_id": ["r", None, None, "r", "r", None], "operator": "o"})
    assert innocent_rings(found.tables(names), truth) == 1


# baselines


def test_components_stop_at_the_cap() -> None:
    g = ground(40, (CARD, (0, 1, 2)), (ADDRESS, (2, 3)), (ADDRESS, tuple(range(2, 40))))
    assert groups(weakly_connected(g, cap=5, min_size=3)) == [(0, 1, 2, 3)]
    assert groups(weakly_connected(g, cap=0, min_size=3)) == [tuple(range(40))]
    assert groups(weakly_connected(g, cap=5, min_size=3, families=("network",))) == []


def test_ranges_where_strangers_meet_tie_nothing_when_used() -> None:
    g = ground(6, (ADDRESS, (0, 1, 2)), (ADDRESS, (3, 4, 5)), kind=["mobile", "hosting"])
    assert groups(weakly_connected(g, cap=0, min_size=3, ranges="used")) == [(3, 4, 5)]
    assert len(groups(weakly_connected(g, cap=0, min_size=3))) == 2


def test_points_add_up_as_the_rule_says() -> None:
    day = pd.Timestamp("2026-03-02", tz="UTC")
    created = [day, day, day + pd.Timedelta(hours=3), day, day + pd.Timedelta(days=9), day, day, day]
    g = ground(
        8, (CARD, (0, 1, 2)), (ADDRESS, (0, 1)), (ADDRESS, (3, 4, 5)), (FRAME, (5, 6, 7)),
        created=created, client=["x", "x", "y", "p", "q", "r", "p", "p"],
    )  # fmt: skip
    found = additive_points(g, cap=5, band=0)
    assert groups(found) == [(0, 1, 2), (3, 4, 5)]
    assert found.score[:3].tolist() == [30 + 25 + 30 + 15 + 6 + 12] * 3
    assert found.score[3:6].tolist() == [25 + 6] * 3
    assert groups(additive_points(g, cap=5, band=55)) == [(0, 1, 2)]
    assert groups(additive_points(g, cap=2, band=55)) == []


def test_similarity_finds_twins_and_lets_strangers_go() -> None:
    g = ground(60, *ring(0, 1, 2, 3), *crowd(60, 4))
    assert groups(cosine(g, level=0.9, repeated=3)) == [(0, 1, 2, 3)]
    assert (0, 1, 2, 3) in groups(shared_addresses(g, shared=3))
    assert groups(shared_addresses(g, shared=4)) == []
    assert (0, 1, 2, 3) in groups(central_nodes(g, keep=0.1, level=0.3))
    norms = np.sqrt((tf_idf(g, g.edges).toarray() ** 2).sum(axis=1))
    assert norms == pytest.approx(np.where(np.bincount(g.edges["account"], minlength=60) > 0, 1.0, 0.0))


def test_the_same_hours_count_and_other_hours_do_not() -> None:
    g = ground(7, (ADDRESS, tuple(range(7))))
    hours = [(a, 0, h) for a in (0, 1, 2) for h in (5, 6, 7, 30)] + [(a, 0, 100 + 10 * a) for a in (3, 4, 5, 6)]
    g.__dict__["hours"] = pd.DataFrame(hours, columns=["account", "entity", "hour"])
    assert groups(synchronous(g, tau=0.5, width=1)) == [(0, 1, 2)]
    assert groups(synchronous(g, tau=0.5, width=1000)) == []  # one action each is too few


def test_peeling_finds_the_block_and_is_never_below_half_of_the_best() -> None:
    g = ground(80, *ring(0, 1, 2, 3, 4, 5), *crowd(80, 6))
    assert (0, 1, 2, 3, 4, 5) in groups(dense_blocks(g, blocks=1))
    draw = np.random.default_rng(3)
    for _ in range(15):
        edges = np.array(sorted({(int(draw.integers(5)), int(draw.integers(4))) for _ in range(9)}))
        account, entity = edges[:, 0], edges[:, 1]
        weight = (1.0 / np.log(np.bincount(entity, minlength=4) + 5.0))[entity]

        def value(a: set[int], e: set[int], edges: np.ndarray = edges, weight: np.ndarray = weight) -> float:
            inside = [w for (x, y), w in zip(edges.tolist(), weight, strict=True) if x in a and y in e]
            return sum(inside) / (len(a) + len(e))

        sides = [[set(c) for k in range(1, n + 1) for c in itertools.combinations(range(n), k)] for n in (5, 4)]
        best = max(value(a, e) for a in sides[0] for e in sides[1])
        got_a, got_e = densest_block(account, entity, 5, 4)
        assert value(set(np.flatnonzero(got_a)), set(np.flatnonzero(got_e))) >= best / 2


def test_communities_find_planted_rings() -> None:
    rings = [tuple(range(8 * i, 8 * i + 8)) for i in range(3)]
    g = ground(150, *(t for r in rings for t in ring(*r)), *crowd(150, 24, seed=2))
    assert set(rings) <= set(groups(barber(g, gamma=1.0, min_size=5)))
    assert set(rings) <= set(groups(modularity(g, min_size=5)))
    assert groups(against_rewired(g, gamma=1.0, rewirings=3)) == rings
    assert groups(rare_in_two(g, gamma=1.0, cap=50, weighted=False, classes="none")) == rings
    assert groups(rare_in_two(g, gamma=1.0, cap=7, weighted=False, classes="none")) == []


def test_one_family_is_not_enough_and_our_classes_leave_strangers_out() -> None:
    five = (0, 1, 2, 3, 4)
    g = ground(30, *[(ADDRESS, five)] * 4, *crowd(30, 5))
    assert groups(rare_in_two(g, gamma=1.0, cap=50, weighted=False, classes="none")) == []
    things = [(ADDRESS, five), (FRAME, five), *crowd(30, 5)]
    kinds = {"class": ["carrier NAT", "private template", *["network"] * 30]}
    g = ground(30, *things, **kinds)
    assert groups(rare_in_two(g, gamma=1.0, cap=50, weighted=True, classes="none")) == [five]
    assert groups(rare_in_two(g, gamma=1.0, cap=50, weighted=True, classes="ours")) == []


# ours with something taken out


def things_of(**columns: list[object]) -> pd.DataFrame:
    base = {
        "entity_type": ["ip", "template", "payment"], "entity": ["1", "2", "3"], "n_accounts": [20, 400, 3],
        "class": ["carrier NAT", "public template", "personal card"], "counts": [0.25 * 0.4, 0.0, 1.0],
        "bits": [0.6, 0.0, 9.0], "left_out_because": [None, "public", None],
    }  # fmt: skip
    return pd.DataFrame(base | columns)


def test_without_classes_only_the_time_of_use_is_left() -> None:
    found = without_classes(things_of(), 1000)
    assert found["counts"].tolist() == pytest.approx([0.4, 1.0, 1.0])
    assert found["bits"].iloc[0] == pytest.approx(0.6 / 0.25) and found["bits"].iloc[2] == 9.0
    assert found["left_out_because"].isna().all() and found["bits"].iloc[1] >= 0


def test_without_time_only_the_class_is_left() -> None:
    found = without_time(things_of(), 1000)
    assert found["counts"].tolist() == [0.25, 0.0, 1.0]
    assert found["bits"].tolist() == pytest.approx([0.6 / 0.4, 0.0, 9.0])
    assert found["left_out_because"].tolist()[1] == "public"


def test_muted_measures_add_nothing_and_the_rest_adds_up() -> None:
    model = read_model()
    forest = model.coordinated
    assert isinstance(forest, Forest)
    x = np.random.default_rng(1).normal(size=(40, forest.n_features))
    none = _Muted(forest, np.zeros(forest.n_features, dtype=bool))
    assert none.score_bits(x) == pytest.approx(forest.score_bits(x))
    muted = _Muted(forest, np.arange(forest.n_features) == 2)
    assert (muted.parts(x)[:, 2] == 0).all()
    assert muted.score_bits(x) == pytest.approx(forest.score_bits(x) - forest.parts(x)[:, 2])


def test_ablations_name_measures_that_there_are() -> None:
    from pipeline.measures import NAMES

    for variant in ABLATIONS:
        assert set(variant.silent) <= set(NAMES), variant.name
    assert len(VARIANTS) == len(ABLATIONS) + 1


# worlds, plans, sums


def test_points_differ_from_the_base_in_one_thing_and_seeds_never_meet() -> None:
    may_differ = {
        "base": set(), "prevalence": {"prevalence"}, "evasion": {"evasion"}, "size": {"n_accounts", "prompts"},
        "attacker": {"cards", "exits", "paraphrase"}, "world": {"prevalence", "shares"},
        "settings": {"settings_shift"}, "followers": {"shares"},
    }  # fmt: skip
    for scale in SCALES.values():
        base = asdict(base_world(scale))
        points = reported_points(scale)
        for point in points:
            world = asdict(point.world)
            assert {k for k in world if world[k] != base[k]} <= may_differ[point.factor], point.level
            assert point.seed >= 9000
        assert {p.seed for p in points}.isdisjoint({p.seed for p in tuning_points(scale)})
        assert len({p.mark for p in points}) == len(points)


def test_nothing_is_learned_from_worlds_near_those_reported_on() -> None:
    given = [
        *training_worlds(80, True), *full_worlds(16), *wide_worlds(16), *calibration_worlds(26, True),
        *platform_worlds(80), *crowded_worlds(20),
    ]  # fmt: skip
    reported = [p for scale in SCALES.values() for p in reported_points(scale)]
    seeds = {seed for _, seed, _ in given}
    assert len(seeds) == len(given)
    assert seeds.isdisjoint(p.seed for p in reported)
    assert all(abs(world.settings_shift - SHIFT) >= 0.05 for world, _, _ in given)
    assert not {str(world) for world, _, _ in given} & {str(p.world) for p in reported}


def test_every_method_is_asked_where_it_can_be() -> None:
    scale = SCALES["full"]
    planned = plan(scale, [])
    assert planned[0][0].factor == "base" and planned[0][1][0] == "ours" and "without time" in planned[0][1]
    assert "F4" not in planned[0][1], "quadratic methods are asked up to 10,000 accounts"
    large = next(names for point, names in planned if point.world.n_accounts == 200_000)
    assert large == ["ours", "F2", "F15"]
    assert {tuple(names) for _, names in plan(scale, ["F2", "base"])} == {("F2",)}
    assert len(plan(scale, ["F2", "base"], seeds=3)) == 3
    assert "without null" not in asked(planned[4][0], 5)


def test_shares_of_several_worlds_are_counted_together() -> None:
    both = added([{"hits": 9, "of": 10}, {"hits": 1, "of": 30}])
    assert (both["hits"], both["of"], both["share"]) == (10, 40, 0.25)
    assert both["low"] < 0.25 < both["high"]


def test_cells_are_kept_and_only_ours_follow_the_model(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    point = Point("base", "mixed", base_world(SCALES["quick"]), 9000)
    before = [bench.place(point, name, {}) for name in ("ours", "without null", "F2")]
    other = tmp_path / "model.json"
    other.write_text("{}")
    with mock.patch.object(digest, "shipped_model", lambda: other):
        after = [bench.place(point, name, {}) for name in ("ours", "without null", "F2")]
    assert [a == b for a, b in zip(before, after, strict=True)] == [False, False, True]
    assert bench.place(point, "F2", {"cap": 8}) != before[2]
    made = {"figures": {"accounts": {"f1": 0.5}}}
    before[2].write_text(json.dumps(made))
    assert bench.cell(point, "F2") == made


def test_tuning_takes_the_best_mean(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    points = tuning_points(SCALES["full"])
    for knobs in METHODS["F13"].choices():
        for i, point in enumerate(points):
            f1 = 0.9 if knobs == {"gamma": 4.0, "ranges": "used"} else 0.1 + 0.3 * i
            cell = {"figures": {"accounts": {"f1": f1}}}
            bench.place(point, "F13", knobs).write_text(json.dumps(cell))
    assert tune(bench, points, "F13") == {"gamma": 4.0, "ranges": "used"}


def test_the_true_operator_runs_half_of_the_sure_members() -> None:
    rows = [("x", "a", 1.0), ("x", "b", 1.0), ("x", "c", 0.2), ("y", "d", 1.0), ("y", "e", 1.0), ("y", "f", 1.0)]
    members = pd.DataFrame(rows, columns=["ring_id", "account_id", "membership"])
    operators = ["Elm", None, "Fir", "Fir", None, None]
    truth = pd.DataFrame({"account_id": list("abcdef"), "ring_id": operators, "operator": operators})
    assert true_operators(members, truth).values.tolist() == [["x", "Elm"]]


def test_claims_of_all_worlds_are_weighed_together() -> None:
    claims = [[0.8, True]] * 8 + [[0.8, False]] * 2 + [[0.2, True]] * 2 + [[0.2, False]] * 8 + [[0.99, True]] * 5
    found = calibration([{"ring_claims": claims[:13]}, {"ring_claims": claims[13:]}, {}], "ring_claims")
    assert found is not None and (found["n"], found["middle"]) == (25, 20)
    assert found["error"] == pytest.approx(0.0) and found["skill"] == pytest.approx(0.36)
    assert calibration([{}], "name_claims") is None


def test_few_claims_err_by_chance_alone() -> None:
    """One claim at one half errs by one half whatever holds; of many claims the error by chance falls as their root."""
    assert error_by_chance(np.array([0.5])) == pytest.approx(0.5)
    few, many = (error_by_chance(np.random.default_rng(1).uniform(0.05, 0.95, n)) for n in (150, 15_000))
    assert 0.05 < few < 0.12
    assert few / many == pytest.approx(10.0, rel=0.15)


def test_what_an_account_costs() -> None:
    rings = pd.DataFrame(
        {
            "size": [10, 30], "exits": ["few", "proxy"], "cards": ["shared", "own"], "n_exits": [5, 999],
            "shared_cards": [2, 30], "paraphrase": [0.0, 0.5], "mixed": [0.0, 0.5], "bought": [False, True],
        }
    )  # fmt: skip
    careless = PRICES["account"] + PRICES["exit of one's own"] * 0.5 + PRICES["card"] * 0.2
    careful = PRICES["aged account"] + PRICES["metered proxy"] + PRICES["card"] + 0.5 * PRICES["paraphrase"] + 1.0
    assert cost_an_account(rings.iloc[:1]) == pytest.approx(careless)
    assert cost_an_account(rings) == pytest.approx((10 * careless + 30 * careful) / 40)


def test_the_price_list_has_the_columns_that_the_figure_reads() -> None:
    recall = {"hits": 8, "of": 10, "share": 0.8, "low": 0.5, "high": 0.9}
    made = [
        {"method": m, "factor": f, "level": level, "recall": recall, "seeds": 2}
        for m in ("ours", "F2") for f, level in (("evasion", "0.00"), ("evasion", "1.00"), ("base", "mixed"))
    ]  # fmt: skip
    table = price_list(made, {"0.00": 2.0, "1.00": 5.0})
    assert table.columns.tolist()[:7] == ["method", "level", "cost", "recall", "low", "high", "seeds"]
    assert table["cost"].tolist() == [1.0, 2.5] * 2 and set(table["method"]) == {"ringtrace", "F2"}


def test_rows_stand_by_level_and_method() -> None:
    part = {"hits": 1, "of": 2, "share": 0.5}
    figures = {
        "accounts": {"precision": part, "recall": part, "f1": 0.5, "guilty": 2},
        "grouping": {"b_cubed": {"f1": 0.4}, "recovered": {"0.5": part, "0.8": part}}, "precision_at": [],
        "attribution": {"false": part, "covered": part, "operator_ids": {"joined_right": part, "found": part}},
    }  # fmt: skip
    cell = {"method": "F2", "factor": "base", "level": "mixed", "figures": figures, "innocent_rings": 1,
            "seconds": 2.0, "peak_memory": 5}  # fmt: skip
    (row,) = rows([cell, cell])
    assert row["seeds"] == 2 and row["precision"]["hits"] == 2 and row["f1"] == pytest.approx(0.5)
    assert row["innocent_rings"] == 2 and row["at_guilty"] is None


def test_fast_repeaters_share_twice_within_seconds() -> None:
    rows = [("a", "x", 0), ("b", "x", 9), ("a", "y", 100), ("b", "y", 105), ("c", "x", 5), ("c", "y", 300)]
    rows += [("d", "z", 0), ("d", "z", 1), ("e", None, 0)]
    events = pd.DataFrame(rows, columns=["account_id", "template_id", "s"])
    events["timestamp"] = pd.to_datetime(events["s"], unit="s", utc=True).astype("datetime64[us, UTC]")
    assert fast_pairs(events) == {"a", "b"}
    assert fast_pairs(events, times=1) == {"a", "b", "c"}
    assert fast_pairs(events, within=4.0) == set()


# all of it, on a tiny world


def test_a_tiny_world_goes_through_the_bench(tmp_path: Path) -> None:
    world = replace(
        base_world(SCALES["quick"]), n_accounts=260, prevalence=0.1, days=8, volume=0.2, ring_volume=0.6,
        resold_homes=60, prompts=False,
    )  # fmt: skip
    point, bench = Point("base", "mixed", world, 9000), Bench(tmp_path)
    cells = [bench.cell(point, name) for name in ("ours", "without null", "without classes")]
    cells += [bench.cell(point, "F2", {"cap": 15, "band": 30, "ranges": "used"}), bench.cell(point, "F8", {
        "tau": 0.1, "width": 6, "ranges": "used"})]  # fmt: skip
    for cell in cells:
        accounts = cell["figures"]["accounts"]
        assert accounts["n"] == 260 and accounts["guilty"] == accounts["recall"]["of"] == 26
        wrong = sum(c["wrong"]["hits"] for c in cell["countries"])
        assert wrong == accounts["accused"] - accounts["precision"]["hits"]
    before = {f: f.stat().st_mtime_ns for f in (tmp_path / "worlds").rglob("*") if f.is_file()}
    assert bench.cell(point, "ours") == cells[0]
    bench.cell(point, "without payments")
    after = {f: f.stat().st_mtime_ns for f in (tmp_path / "worlds").rglob("*") if f.is_file()}
    assert before == after, "what a variant writes never reaches the shared world"
    text = page(cells, {"F2": {"cap": 15}}, SCALES["quick"])
    assert "| F2 |" in text and "without classes" in text and text.startswith("---\nmade: ")


# names


def test_a_ring_is_attributable_by_two_families_of_sure_indicators_of_its_own_operator() -> None:
    columns = ["ring_id", "indicator", "operator", "family", "confidence"]
    told = pd.DataFrame([
        ("two", 0, "Cedar", "text", 0.5), ("two", 1, "Cedar", "payment", 0.9),
        ("one family", 2, "Cedar", "text", 0.9), ("one family", 3, "Cedar", "text", 0.9),
        ("unsure", 0, "Cedar", "text", 0.9), ("unsure", 4, "Cedar", "payment", 0.4),
        ("of another", 0, "Cedar", "text", 0.9), ("of another", 5, "Birch", "payment", 0.9),
    ], columns=columns)  # fmt: skip
    rings = pd.DataFrame({"ring_id": ["none", "of another", "one family", "two", "unsure"], "true_operator": "Cedar"})
    assert attributable(told, rings).tolist() == [False, False, False, True, False]
