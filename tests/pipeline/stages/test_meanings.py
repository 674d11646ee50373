"""Meanings beside templates: off they are nowhere, on they are one column more, and no order of things shows."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import SettingsError
from pipeline.link_types import MEANING, LinkType, link_types
from pipeline.run.begin import Request, Silent, begin
from pipeline.settings import Settings, TemplatesSettings
from pipeline.settings_reader import settings_from
from pipeline.stages import _meanings
from pipeline.stages._entity_classes import ClassRules, classify
from pipeline.stages._meanings import settle, with_meanings
from pipeline.stages.templates import Templates, make
from pipeline.text import sentences
from pipeline.text.sentences import Floats
from tests.pipeline.stages.test_templates import write_parts
from tests.pipeline.text.planted import Planted
from tests.support.frames import PlainBench

# Two ways to say one thing, and one thing else; each filled in by accounts of its own.
FRAMES = (
    "Please review the code that you find below and list every bug with the line and a fix for it: {}",
    "Please review the source which I paste here and tell me of each defect where it sits and how to mend it: {}",
    "Write a story of the sea that begins with this sentence and ends in a way that nobody would have guessed: {}",
)
ON = Settings(templates=TemplatesSettings(semantic=True))


def by_first_words(texts: Sequence[str]) -> Floats:
    """A stand-in for the model: texts that begin with the same two words mean the same."""
    rows = np.zeros((len(texts), 64), np.float32)
    for row, text in enumerate(texts):
        digest = hashlib.sha256(" ".join(text.split()[:2]).encode()).digest()
        rows[row, digest[0] % 64] = 1
    return rows


def filled(n: int = 30) -> Planted:
    """Prompts of the three frames, in turn."""
    words = "amber birch cedar delta ember fjord grove heath islet jetty".split()
    texts = [FRAMES[row % 3].format(f"{words[row % 10]} {words[row // 10 % 10]} number{row}") for row in range(3 * n)]
    return Planted(texts, np.arange(3 * n) % 3, [f"a{row % 3}{row % 4}" for row in range(3 * n)])


def mined(folder: Path, settings: Settings, cuts: list[int], *, backwards: bool = False) -> Templates:
    folder.mkdir()
    paths, prompts = write_parts(folder / "in", filled(), cuts)
    bench = PlainBench(str(folder), backwards=backwards)
    return make(paths, prompts, settings=settings, bench=bench, meaning=by_first_words)


def rows_of(made: Templates) -> list[dict[str, Any]]:
    return [row for path in made.template_events for row in pq.read_table(path).to_pylist()]


def test_frames_of_like_meaning_share_one(tmp_path: Path) -> None:
    rows = rows_of(mined(tmp_path / "on", ON, [40]))
    ids = [{row["template_id"] for row in rows[n::3]} for n in range(3)]
    assert all(len(found) == 1 for found in ids) and len(set.union(*ids)) == 3
    meant = [{row[MEANING.column] for row in rows[n::3]} for n in range(3)]
    assert meant[0] == meant[1] == {f"like-{min(ids[0] | ids[1])}"} and meant[2] == {None}


def test_nothing_else_changes_and_off_nothing_does(tmp_path: Path) -> None:
    off, on = (mined(tmp_path / name, settings, [40]) for name, settings in (("off", Settings()), ("on", ON)))
    assert on.templates.equals(off.templates)
    for plain, more in zip(off.template_events, on.template_events, strict=True):
        assert MEANING.column not in pq.read_schema(plain).names
        assert pq.read_table(more).drop_columns([MEANING.column]).equals(pq.read_table(plain))


@pytest.mark.parametrize(("cuts", "backwards"), [([], False), ([7, 50, 51], True)])
def test_meanings_do_not_depend_on_parts_and_order(tmp_path: Path, cuts: list[int], backwards: bool) -> None:
    plain = rows_of(mined(tmp_path / "plain", ON, [40]))
    assert rows_of(mined(tmp_path / "other", ON, cuts, backwards=backwards)) == plain


def test_no_wording_leaves_the_stage(tmp_path: Path) -> None:
    """What the model reads is found in no file that the stage leaves, but for words that enough accounts share."""
    made = mined(tmp_path / "on", ON, [40])
    left = [path for path in (tmp_path / "on").rglob("*") if path.is_file() and "in" not in path.parts]
    kept = b"".join(path.read_bytes() for path in left)
    assert b"review the" not in kept and b"nobody would" not in kept
    assert made.templates.column_names == mined(tmp_path / "off", Settings(), [40]).templates.column_names


def test_so_many_frames_are_compared_at_the_most(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = pa.table({"template_id": ["a", "b", "c", "d"], "n_accounts": [2, 2, 2, 900], "n_events": [5, 9, 9, 99]})
    monkeypatch.setattr(_meanings, "MOST_FRAMES", 2)
    path = str(tmp_path / "part-00000.parquet")
    pq.write_table(pa.table({"template_id": pa.array(["a", "b", "c", None, "d"])}), path)
    sampled = {name: [FRAMES[0].format("x"), FRAMES[0].format("y")] for name in "abcd"}
    parts = with_meanings([path], table, sampled, PlainBench(str(tmp_path)), by_first_words)
    assert pq.read_table(parts[0])[MEANING.column].to_pylist() == [None, "like-b", "like-b", None, None]
    assert pq.read_table(path).column_names == ["template_id"]


def test_no_frame_no_meaning(tmp_path: Path) -> None:
    assert settle([], {}, PlainBench(str(tmp_path)), by_first_words) == {}
    assert settle(["a"], {"a": ["short"]}, PlainBench(str(tmp_path)), by_first_words) == {}


def test_the_switch_brings_the_link_type_and_the_manifest_keeps_it() -> None:
    on = settings_from({"templates": {"semantic": True}, "link_types": {"device": {"table": "events", "column": "d"}}})
    assert [t.name for t in link_types(on.link_types)][3:] == ["device", "meaning"]
    assert settings_from(on.as_dict()) == on
    off = replace(on, templates=TemplatesSettings())
    assert MEANING not in settings_from(off.as_dict()).link_types
    with pytest.raises(SettingsError, match="built-in"):
        settings_from({"link_types": {"meaning": {"table": "events", "column": "d"}}})


def test_off_the_switch_is_in_no_digest() -> None:
    off, on = Settings(), ON
    assert "semantic" not in off.telling()["templates"] and off.as_dict()["templates"]["semantic"] is False
    assert on.telling()["templates"]["semantic"] is True and on.digest() != off.digest()


def test_a_meaning_is_weak_and_has_a_class_of_its_own() -> None:
    assert MEANING.cap_bits <= 1.5 and MEANING.family == next(t.family for t in link_types() if t.name == "template")
    table = pd.DataFrame(
        {
            "entity_type": ["meaning", "template", "meaning"], "n_accounts": [4, 4, 500], "squares": [4, 4, 500],
            "account_days": [4, 4, 500], "n_days": 1, "sticky": [4000, 4000, 5000], "in_top_organisation": 0,
            "same_users": 0.0, "kind": None,
        }
    )  # fmt: skip
    types: dict[str, LinkType] = {t.name: t for t in link_types((MEANING,))}
    found, _, counts = classify(table, types, ClassRules(0.01, 60, 1000))
    assert found.tolist() == ["like meaning", "private template", "public template"] and counts.tolist() == [1, 1, 0]


def test_without_the_extra_one_sentence_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sentences, "PACKAGE", "a_package_that_is_not_there")
    with pytest.raises(SettingsError, match="pip install") as fault:
        begin(Request(str(tmp_path), str(tmp_path / "out"), ON), watch=Silent(), version="0")
    assert fault.value.exit_code == 2 and list(tmp_path.iterdir()) == []
