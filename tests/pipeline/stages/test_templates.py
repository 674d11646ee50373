"""The stage from parts to tables: aligned row by row, ids that last, no text, nothing hidden in the order of things."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise as pairwise_of
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from pipeline.schemas import TABLES
from pipeline.settings import Settings
from pipeline.stages import _template_sketches
from pipeline.stages._template_sketches import FORMAT, within
from pipeline.stages.templates import Templates, make, sketch
from tests.pipeline.text.planted import Planted, order, pairwise, plant, sentence
from tests.support.frames import PlainBench

START = datetime(2026, 5, 1, tzinfo=UTC)


@dataclass
class Prompts:
    """Prompts in memory, and how often a part was read."""

    columns: dict[str, pa.Array]
    size: int = 700
    reads: dict[str, int] = field(default_factory=dict)

    def batches(self, part: str) -> Iterator[pa.Array]:
        self.reads[part] = self.reads.get(part, 0) + 1
        column = self.columns[part]
        for first in range(0, len(column), self.size):
            yield column.slice(first, self.size)


def write_parts(folder: Path, planted: Planted, cuts: list[int], **more: Any) -> tuple[list[str], Prompts]:
    """Write clean_events parts of some prompts, and give their prompts."""
    paths, columns = [], {}
    edges = [0, *cuts, len(planted.texts)]
    folder.mkdir(exist_ok=True)
    for number, (first, last) in enumerate(pairwise_of(edges)):
        path = str(folder / f"part-{number}.parquet")
        when = [START + timedelta(minutes=row) for row in range(first, last)]
        table = {
            "request_id": pa.array([f"r{row}" for row in range(first, last)]),
            "account_id": pa.array(planted.accounts[first:last], pa.string()),
            "timestamp": pa.array(when, pa.timestamp("us", "UTC")),
        } | {name: pa.array(values[first:last], pa.string()) for name, values in more.items()}
        pq.write_table(pa.table(table), path)
        paths.append(path)
        columns[path] = pa.array(planted.texts[first:last], pa.string())
    return paths, Prompts(columns)


def run(folder: Path, planted: Planted, cuts: list[int], *, backwards: bool = False, **more: Any) -> Templates:
    """Write the parts and run the stage on them."""
    paths, prompts = write_parts(folder / "in", planted, cuts, **more)
    (folder / "out").mkdir()
    return make(paths, prompts, settings=Settings(), bench=PlainBench(str(folder / "out"), backwards=backwards))


def events(result: Templates) -> pa.Table:
    return pa.concat_tables([pq.read_table(path) for path in result.template_events])


def labels(table: pa.Table) -> np.ndarray[Any, np.dtype[np.int64]]:
    coded = table["template_id"].combine_chunks().dictionary_encode()
    return np.asarray(pc.fill_null(coded.indices.cast(pa.int64()), -1))


@pytest.fixture(scope="module")
def planted() -> Planted:
    return plant("mixed", n_frames=10, n_other=400)


@pytest.fixture(scope="module")
def whole(planted: Planted, tmp_path_factory: pytest.TempPathFactory) -> Templates:
    return run(tmp_path_factory.mktemp("whole"), planted, [300, 300, 550])


def test_rows_stay_beside_their_events(planted: Planted, whole: Templates) -> None:
    table = events(whole)
    assert table["request_id"].to_pylist() == [f"r{row}" for row in range(len(planted.texts))]
    assert table["account_id"].to_pylist() == planted.accounts
    assert [pq.read_metadata(path).num_rows for path in whole.template_events] == [
        300,
        0,
        250,
        len(planted.texts) - 550,
    ]


def test_planted_frames_are_found(planted: Planted, whole: Templates) -> None:
    assert pairwise(planted.frame, labels(events(whole)))[2] >= 0.98


def test_tables_have_the_columns_of_their_schemas(whole: Templates) -> None:
    assert events(whole).column_names == TABLES["template_events"].names
    assert sorted(whole.templates.column_names) == sorted(TABLES["templates"].names)


def test_templates_add_up(whole: Templates) -> None:
    table = events(whole)
    counts = (
        table.filter(table["template_id"].is_valid())
        .group_by("template_id")
        .aggregate([("account_id", "count"), ("account_id", "count_distinct")])
        .sort_by("template_id")
    )
    assert whole.templates["template_id"].to_pylist() == counts["template_id"].to_pylist()
    assert whole.templates["n_events"].to_pylist() == counts["account_id_count"].to_pylist()
    assert whole.templates["n_accounts"].to_pylist() == counts["account_id_count_distinct"].to_pylist()


def test_only_words_that_enough_accounts_share_are_shown(tmp_path: Path) -> None:
    base = plant("end", n_frames=4, n_other=100)
    pairs = zip(base.frame, base.accounts, strict=True)
    accounts = ["the only one" if frame == 0 else account for frame, account in pairs]
    letters = str.maketrans("0123456789 ", "abcdefghijk")
    secret = [f"my secretword{name.translate(letters)} is safe with you" for name in accounts]
    texts = [text + " " + tail for text, tail in zip(base.texts, secret, strict=True)]
    result = run(tmp_path, Planted(texts, base.frame, accounts), [])
    shown = [text for text in result.templates["text"].to_pylist() if text]
    assert shown and not any("secretword" in text for text in shown)
    assert any("<*>" in text for text in shown)
    lone = events(result).filter(pc.equal(events(result)["account_id"], "the only one"))
    private = set(lone["template_id"].drop_null().to_pylist())
    rows = {row["template_id"]: row["text"] for row in result.templates.to_pylist()}
    assert private and all(rows[name] is None for name in private if name in rows)


@pytest.mark.parametrize("backwards", [False, True])
def test_partition_and_order_of_work_change_nothing(
    planted: Planted, whole: Templates, tmp_path: Path, backwards: bool
) -> None:
    other = run(tmp_path, planted, [77, 500], backwards=backwards)
    assert events(other).equals(events(whole))
    assert other.templates.equals(whole.templates)


def test_order_of_rows_changes_nothing(planted: Planted, whole: Templates, tmp_path: Path) -> None:
    order = np.random.default_rng(2).permutation(len(planted.texts))
    mixed = Planted([planted.texts[i] for i in order], planted.frame[order], [planted.accounts[i] for i in order])
    other = run(tmp_path, mixed, [200])
    assert other.templates.equals(whole.templates)
    assert events(other)["template_id"].to_pylist() == events(whole)["template_id"].take(pa.array(order)).to_pylist()


def test_a_day_more_or_less_leaves_ids_alone(planted: Planted, whole: Templates, tmp_path: Path) -> None:
    less = len(planted.texts) - 80
    short = Planted(planted.texts[:less], planted.frame[:less], planted.accounts[:less])
    before = events(run(tmp_path, short, [300]))["template_id"].to_pylist()
    after = events(whole)["template_id"].to_pylist()[:less]
    pairs = [(one, other) for one, other in zip(before, after, strict=True) if one and other]
    assert np.mean([one == other for one, other in pairs]) > 0.97


def test_kept_sketches_give_the_same_run(planted: Planted, whole: Templates, tmp_path: Path) -> None:
    paths, prompts = write_parts(tmp_path / "in", planted, [300, 300, 550])
    (tmp_path / "kept").mkdir()
    (tmp_path / "out").mkdir()
    kept = {
        path: sketch(path, prompts, str(tmp_path / "kept" / f"{number}"), settings=Settings().templates)
        for number, path in enumerate(paths[:2])
    }
    prompts.reads.clear()
    result = make(paths, prompts, settings=Settings(), bench=PlainBench(str(tmp_path / "out")), sketches=kept)
    assert result.templates.equals(whole.templates)
    assert events(result).equals(events(whole))
    assert prompts.reads.get(paths[0], 0) <= 1  # for the wording only


def test_the_format_of_kept_sketches_is_this_one(tmp_path: Path) -> None:
    """Whoever changes what is in a sketch meets this test, and numbers the format anew."""
    texts = [
        "Summarise the quiet harbour in 3 lines.\n\nThink step by step, «please».",
        None,
        "请一步一步解释",
        "ja und nicht",
    ]
    paths, prompts = write_parts(tmp_path / "in", Planted(texts, np.zeros(4, np.int64), ["a", "b", "c", "d"]), [])  # type: ignore[arg-type]
    path = sketch(paths[0], prompts, str(tmp_path / "kept"), settings=Settings().templates)
    rows = pa.ipc.open_file(path).read_all().to_pylist()
    assert (FORMAT, hashlib.sha256(repr(rows).encode()).hexdigest()[:16]) == (3, "2bb1c3fa2b969af5")


def test_sketches_hold_no_text(planted: Planted, tmp_path: Path) -> None:
    paths, prompts = write_parts(tmp_path / "in", planted, [])
    rows = pa.ipc.open_file(sketch(paths[0], prompts, str(tmp_path / "kept"), settings=Settings().templates)).read_all()
    buffers = [held for column in rows.columns for chunk in column.chunks for held in chunk.buffers() if held]
    kept = b"\n".join(held.to_pybytes() for held in buffers)  # as it lies unpacked: the file is compressed
    words = {word for text in planted.texts[:50] for word in text.split() if len(word) > 7}
    assert words and not any(word.encode() in kept for word in words)


def test_a_sketch_of_one_frame_is_a_fraction_of_what_it_holds(tmp_path: Path) -> None:
    """Prompts filled into one frame share most fingerprints; kept unpacked, months of them would fill the disk."""
    frame = "Compare how the {} of a river town changed between two censuses, step by step, and name every source used."
    filled = Planted([frame.format(f"trade{n}") for n in range(2_000)], np.zeros(2_000, np.int64), ["a"] * 2_000)
    paths, prompts = write_parts(tmp_path / "in", filled, [])
    path = sketch(paths[0], prompts, str(tmp_path / "kept"), settings=Settings().templates)
    assert 2 * Path(path).stat().st_size < pa.ipc.open_file(path).read_all().nbytes


def test_ids_from_upstream_are_used_as_they_are(planted: Planted, tmp_path: Path) -> None:
    given = ["theirs" if row % 5 == 0 else None for row in range(len(planted.texts))]
    result = run(tmp_path, planted, [400], template_id=given)
    found = events(result)["template_id"].to_pylist()
    assert all((name == "theirs") == (row % 5 == 0) for row, name in enumerate(found))
    row = result.templates.filter(pc.equal(result.templates["template_id"], "theirs")).to_pylist()[0]
    assert row["text"] is None and row["n_events"] == sum(name is not None for name in given)


def test_no_prompts_at_all(tmp_path: Path) -> None:
    nothing = Planted([], np.zeros(0, np.int64), [])
    result = run(tmp_path, nothing, [])
    assert len(events(result)) == len(result.templates) == 0


def test_null_and_empty_prompts_have_no_template(tmp_path: Path) -> None:
    base = plant("end", n_frames=2, n_other=20)
    texts: list[Any] = [None, "", " \n ", *base.texts]
    result = run(tmp_path, Planted(texts, np.concatenate([[-1] * 3, base.frame]), ["a", "b", "c", *base.accounts]), [])
    first = events(result).slice(0, 3)
    assert first["template_id"].null_count == 3
    assert first["n_chars"].to_pylist() == [None, 0, 3]


def test_short_templates_of_few_words(tmp_path: Path) -> None:
    texts = [
        f"session opened for user {name} by uid={row}" for row, name in enumerate("ann bob cid dee eve fay".split() * 4)
    ]
    texts += [f"what is {word}" for word in ("love", "time", "rust", "jazz")]
    accounts = ["the machine"] * 24 + [f"someone {row}" for row in range(4)]
    found = events(run(tmp_path, Planted(texts, np.zeros(28, np.int64), accounts), [10]))["template_id"].to_pylist()
    assert len(set(found[:24])) == 1 and found[0] is not None
    assert found[24:] == [None] * 4


def test_a_conversation_is_known_by_its_own_words_only(tmp_path: Path) -> None:
    base = plant("end", n_frames=3, n_other=60)
    talk = " ".join(text for text, frame in zip(base.texts, base.frame, strict=True) if frame < 0)[:600]
    texts = [talk + " And so on.", talk + " But why?", "thanks", *base.texts]
    frame = np.concatenate([[-1] * 3, base.frame])
    table = events(run(tmp_path, Planted(texts, frame, ["ann", "bob", "cid", *base.accounts]), []))
    conversation = table["conversation"].to_pylist()
    assert conversation[0] == conversation[1] is not None and conversation[2] is None
    framed = [row for row in np.flatnonzero(frame >= 0) if conversation[row] is not None]
    assert len({conversation[row] for row in framed}) == len(framed) > 20


def test_a_conversation_goes_on_inside_a_frame(tmp_path: Path) -> None:
    base = plant("end", n_frames=2, n_other=60)
    first = [int(row) for row in np.flatnonzero(base.frame == 0)[:8]]
    texts = [*base.texts, *[base.texts[row] + " Now tell me more about the second part of that." for row in first]]
    frame = np.concatenate([base.frame, [0] * len(first)])
    table = events(run(tmp_path, Planted(texts, frame, [*base.accounts, *["another"] * len(first)]), []))
    conversation = table["conversation"].to_pylist()
    pairs = [(conversation[row], conversation[len(base.texts) + turn]) for turn, row in enumerate(first)]
    known = [one == other for one, other in pairs if one is not None]
    assert len(known) >= 4 and all(known)


@pytest.mark.parametrize(
    ("most", "fewest", "most_of_all"),
    [(100, 1, 2), (1000, 1, 2), (1900, 1, 2), (2100, 2, 2), (3500, 3, 3), (4200, 4, 4)],
)
def test_accounts_have_the_same_turns_but_where_one_is_all_that_fits(most: int, fewest: int, most_of_all: int) -> None:
    dice = np.random.default_rng(1)
    account, turn = dice.permutation(np.repeat(np.arange(100, dtype=np.uint64), 40)), np.zeros(4000, np.int64)
    for name in range(100):
        turn[account == name] = np.arange(40)
    sizes = np.full(4000, 10)
    kept, kept_turn = within(most, sizes, account, np.arange(4000), turn)
    assert (np.diff(kept) > 0).all() and np.array_equal(kept_turn, turn[kept])
    n_kept = np.bincount(account[kept].astype(int))
    assert n_kept.min() == fewest and n_kept.max() == most_of_all  # nobody is left out
    assert 10 * len(kept) <= max(most, 1000) + most // 8
    other = dice.permutation(4000)
    again, _ = within(most, sizes, account, other, turn[other])
    assert np.array_equal(kept, again)


def test_a_wrapper_is_known_where_one_prompt_of_each_account_fits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dice = random.Random(5)
    agent = " ".join(order(dice) for _ in range(8))
    asked = [" ".join(sentence(dice) for _ in range(3)) for _ in range(4000)]
    texts = [f"{agent}\n\n{text}" if dice.random() < 0.1 else text for text in asked]
    planted = Planted(texts, np.zeros(4000, np.int64), [f"account {n % 1000}" for n in range(4000)])
    monkeypatch.setattr(_template_sketches, "SAMPLE_PRINTS", 1000 * 25)
    found = events(run(tmp_path, planted, [1700]))
    wrapped = np.array([text.startswith(agent) for text in texts])
    assert np.asarray(found["wrapper_id"].is_valid())[wrapped].mean() > 0.98
    assert np.asarray(found["template_id"].is_null())[wrapped].mean() > 0.98
