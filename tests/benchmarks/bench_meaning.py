"""What the extra `semantic` adds: frames said in other words, joined with it and without it.

    python -m tests.benchmarks.bench_meaning            frames worded anew by hand, through the templates stage
    python -m tests.benchmarks.bench_meaning world      rings of a synthetic world that word their frames anew

Frames worded by hand are in `rewordings.csv`: 24 tasks in six fields, each in four wordings. Needs the extra.
"""

from __future__ import annotations

import argparse
import csv
import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow.parquet as pq

from pipeline.settings import Settings, TemplatesSettings
from pipeline.stages.templates import make
from pipeline.text.meaning import LIKE, like
from pipeline.text.sentences import embed
from pipeline.worlds import WORLDS, build
from tests.benchmarks.bench_templates import Prompts
from tests.pipeline.stages.test_templates import write_parts
from tests.pipeline.text.planted import Planted, sentence
from tests.support.frames import PlainBench

REWORDINGS = Path(__file__).with_name("rewordings.csv")
LEASTS = (0.45, 0.5, 0.55, 0.6, 0.65, 0.7)
_EACH = 24  # prompts a wording, of six accounts of its own


def rewordings() -> list[dict[str, str]]:
    """Rows of topic, frame and wording; `{x}` is where a wording is filled in."""
    with REWORDINGS.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def planted(seed: int = 1) -> Planted:
    """Prompts of every wording, filled with sentences of a small grammar, and who sent them; the frame is its row."""
    dice = Random(seed)
    rows = [(n, k, row["wording"]) for n, row in enumerate(rewordings()) for k in range(_EACH)]
    dice.shuffle(rows)
    texts = [wording.format(x=" ".join(sentence(dice) for _ in range(dice.randint(2, 5)))) for _, _, wording in rows]
    return Planted(texts, np.array([n for n, _, _ in rows]), [f"a{n:03d}-{k % 6}" for n, k, _ in rows])


def joined(group: npt.NDArray[Any], frame: npt.NDArray[Any], topic: npt.NDArray[Any]) -> dict[str, float]:
    """Pairs of wordings that share a group: of one frame (a share), of one topic and of others (counts)."""
    upper = np.triu_indices(len(group), 1)
    together = (group[:, None] == group)[upper]
    same, field = (frame[:, None] == frame)[upper], (topic[:, None] == topic)[upper]
    found = {
        "recall": round(float(together[same].mean()), 3), "wrong_in_topic": int(together[field & ~same].sum()),
        "wrong_elsewhere": int(together[~field].sum()), "pairs": int(same.sum()), "other_pairs": int((~same).sum()),
    }  # fmt: skip
    return found | {"precision": round(float(together[same].sum() / max(1, together.sum())), 3)}


def by_threshold() -> dict[str, Any]:
    """The wordings themselves, grouped at several thresholds."""
    rows = rewordings()
    frame, topic = (np.array([row[name] for row in rows]) for name in ("frame", "topic"))
    vectors = embed([row["wording"].replace("{x}", "").strip() for row in rows])
    return {f"{least:.2f}": joined(like(vectors, least), frame, topic) for least in LEASTS}


def through_the_stage() -> dict[str, Any]:
    """Prompts made of the wordings, mined; wordings joined by template, by family and by meaning."""
    prompts, rows = planted(), rewordings()
    with tempfile.TemporaryDirectory() as folder:
        paths, source = write_parts(Path(folder) / "in", prompts, [len(prompts.texts) // 2])
        seconds = {}
        for name in ("without", "with"):
            started = time.process_time()
            settings = Settings(templates=TemplatesSettings(semantic=name == "with"))
            made = make(paths, source, settings=settings, bench=PlainBench(folder))
            seconds[name] = round(time.process_time() - started, 1)
        table = {name: _column(made.template_events, name) for name in ("template_id", "family_id", "meaning_id")}
    frame, topic = (np.array([row[name] for row in rows]) for name in ("frame", "topic"))
    found: dict[str, Any] = {"templates": len(set(table["template_id"]) - {None}), "cpu_seconds": seconds}
    for name, values in table.items():
        most = [_most(values, prompts.frame == number) for number in range(len(rows))]
        group = np.array([value or f"alone {number}" for number, value in enumerate(most)], dtype=object)
        found[name] = joined(group, frame, topic)
    return found


def _column(parts: Sequence[str], name: str) -> npt.NDArray[Any]:
    return np.array([value for part in parts for value in pq.read_table(part)[name].to_pylist()], dtype=object)


def _most(values: npt.NDArray[Any], rows: npt.NDArray[np.bool_]) -> str | None:
    """The value that most of some rows have; None where most have none."""
    mine = [value or "" for value in values[rows]]
    return max(sorted(set(mine)), key=mine.count) or None


def in_a_world() -> dict[str, Any]:
    """A small world whose rings always word their frames anew: pairs of accounts that share a template or a meaning."""
    world = replace(WORLDS["mixed"], n_accounts=1_500, days=8, prevalence=0.1, paraphrase=1.0)
    with tempfile.TemporaryDirectory() as folder:
        build(world, f"{folder}/world", seed=5)
        days = sorted(str(path) for path in Path(f"{folder}/world/events").rglob("*.parquet"))
        truth = pq.read_table(next(Path(f"{folder}/world").rglob("truth.parquet"))).to_pandas()
        n_accounts, truth = len(truth), truth.dropna(subset=["ring_id"])
        ring = dict(zip(truth["account_id"], truth["ring_id"], strict=True))
        semantic = Settings(templates=TemplatesSettings(semantic=True))
        made = make(days, Prompts(), settings=semantic, bench=PlainBench(folder))
        table = pd.concat(
            pq.read_table(path, columns=["account_id", "template_id", "meaning_id"]).to_pandas()
            for path in made.template_events
        )
    found: dict[str, Any] = {"accounts": n_accounts, "templates": int(table["template_id"].nunique())}
    for name in ("template_id", "meaning_id"):
        rows = table[["account_id", name]].dropna().drop_duplicates()
        users = rows.groupby(name)["account_id"].apply(lambda names: [ring.get(one) for one in names])
        private = users[users.map(len).between(2, 60)]
        found[name] = {
            "things shared by 2 to 60 accounts": len(private),
            "of which all accounts are of one ring": sum(len(set(of)) == 1 and of[0] is not None for of in private),
            "of which no account is of a ring": sum(set(of) == {None} for of in private),
            "things shared by more": int((users.map(len) > 60).sum()),
        }
    return found


def main(words: Sequence[str] | None = None) -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("what", nargs="?", choices=("hand", "world"), default="hand")
    if parser.parse_args(words).what == "world":
        print(json.dumps(in_a_world(), indent=1))
    else:
        print(json.dumps({"threshold": LIKE, "wordings": by_threshold(), "stage": through_the_stage()}, indent=1))


if __name__ == "__main__":
    main()
