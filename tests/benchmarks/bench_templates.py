"""What the template stage finds, what it joins by accident, and what it costs, each as one command.

    python -m tests.benchmarks.bench_templates planted
    python -m tests.benchmarks.bench_templates unrelated --prompts 2000000
    python -m tests.benchmarks.bench_templates speed --prompts 2000000
    python -m tests.benchmarks.bench_templates logs          (RINGTRACE_LOGHUB names the folder with lines.parquet)

Sentences come from the small grammar of the tests, or, one a line, from the file that RINGTRACE_SENTENCES names. The
peers of `speed` (rensa, drain3) are timed where they can be imported.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.settings import Settings
from pipeline.stages.templates import make
from pipeline.text.short import line_hashes, lines_of, settle_short
from pipeline.text.sketches import sketch
from tests.benchmarks.loghub import RULES_FIXED_ON, grouping_accuracy
from tests.pipeline.text.mining import mine
from tests.pipeline.text.planted import order, pairwise, plant, sentence

KINDS = ("end", "start", "middle", "paraphrase", "wrapped", "chinese", "mixed")
ROUNDS = 5
PEER_PROMPTS = 60_000  # that the peers are timed on: they slow down as what they keep grows
BATCH = 65_536


class Bench:
    """One task after the other, in this process: what one core does."""

    def __init__(self, scratch: str) -> None:
        self.scratch = scratch
        self.workers = 1
        self.memory = 1 << 30
        self.seconds: dict[str, float] = {}

    def map(self, function: Callable[[Any], Any], items: Any, *, what: str) -> list[Any]:
        before = time.process_time()
        done = [function(item) for item in items]
        self.seconds[what] = self.seconds.get(what, 0.0) + time.process_time() - before
        return done


class Prompts:
    """Prompts beside their events, in the same files."""

    def batches(self, part: str) -> Iterator[pa.Array]:
        for batch in pq.ParquetFile(part).iter_batches(BATCH, columns=["prompt"], use_threads=False):
            yield batch.column(0)


def sentences(count: int, seed: int) -> list[str]:
    """Sentences to make free text of."""
    named = os.environ.get("RINGTRACE_SENTENCES")
    dice = random.Random(seed)
    if named:
        known = Path(named).read_text(encoding="utf-8").split("\n")
        dice.shuffle(known)
        return known[:count]
    return [sentence(dice) for _ in range(count)]


def planted() -> dict[str, Any]:
    """Pairwise precision, recall and F1 on planted frames, by kind, three seeds each."""
    found: dict[str, Any] = {}
    for kind in KINDS:
        rows = []
        for seed in (1, 2, 3):
            plan = plant(kind, seed=seed, n_frames=40)
            rows.append(pairwise(plan.frame, mine(plan.texts, plan.accounts).private))
        found[kind] = [round(float(value), 4) for value in np.mean(rows, axis=0)]
    return found


def unrelated_texts(count: int, seed: int) -> Iterator[tuple[list[str], list[str]]]:
    """Yield batches of prompts of strangers, and who sent them.

    40 % stand in one of five wrappers; half hold one of 300 stock sentences, some of which thousands use and most of
    which few do, in the middle, in front or behind; subjects recur, because the sentences do.
    """
    dice = random.Random(seed)
    pool = sentences(120_000, seed)
    stock, free = pool[:300], pool[300:]
    wrappers = [" ".join(order(dice) for _ in range(dice.randint(15, 30))) for _ in range(5)]
    weights = [1.0 / (1 + rank) for rank in range(len(stock))]
    for first in range(0, count, BATCH):
        texts = []
        for _ in range(min(BATCH, count - first)):
            parts = dice.choices(free, k=dice.randint(2, 9))
            if dice.random() < 0.5:
                place = dice.choice([0, len(parts), *[dice.randint(1, len(parts) - 1)] * 3])
                parts.insert(place, dice.choices(stock, weights)[0])
            text = " ".join(parts)
            texts.append(dice.choice(wrappers) + "\n\n" + text if dice.random() < 0.4 else text)
        yield texts, [f"account {dice.randrange(max(1, count // 12))}" for _ in texts]


def write(folder: str, batches: Iterable[Sequence[Any]]) -> list[str]:
    """Write parts that are events and prompts at once, from (prompts, accounts, ...)."""
    paths = []
    for number, (texts, accounts, *_) in enumerate(batches):
        path = str(Path(folder) / f"part-{number:05d}.parquet")
        when = pa.array([datetime(2026, 5, 1, tzinfo=UTC)] * len(texts), pa.timestamp("us", "UTC"))
        table = {"account_id": pa.array(accounts), "timestamp": when, "prompt": pa.array(texts)}
        pq.write_table(pa.table(table), path, compression="zstd")
        paths.append(path)
    return paths


def unrelated(count: int) -> dict[str, Any]:
    """How many unrelated prompts are joined, by templates that are not popular and by those that are."""
    with tempfile.TemporaryDirectory() as folder:
        paths = write(folder, unrelated_texts(count, 1))
        before = time.process_time()
        result = make(paths, Prompts(), settings=Settings(), bench=Bench(folder))
        seconds = time.process_time() - before
        table = pa.concat_tables([pq.read_table(path) for path in result.template_events])
        n_accounts = len(pc.unique(table["account_id"]))
    popular = max(50, 0.01 * n_accounts)
    rows = result.templates.to_pylist()
    private = [row for row in rows if row["n_accounts"] < popular]
    return {
        "prompts": count,
        "accounts": n_accounts,
        "in_a_wrapper": pc.sum(table["wrapper_id"].is_valid()).as_py(),
        "private_templates": len(private),
        "joined_by_private": sum(row["n_events"] for row in private),
        "popular_templates": len(rows) - len(private),
        "joined_by_popular": sum(row["n_events"] for row in rows) - sum(row["n_events"] for row in private),
        "cpu_seconds": round(seconds, 1),
        "peak_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, 2),
        "examples": [
            (row["n_events"], row["n_accounts"], row["text"]) for row in private[:: max(1, len(private) // 8)]
        ],
    }


N_FRAMES = 2000
_SYLLABLES = "ba ke lo mi nu ra se ti vo za pre stra con men der ung lis tor qua shi".split()


def vocabulary(dice: np.random.Generator, size: int = 30_000) -> pa.Array:
    """Different words of one to four syllables, shorter ones first."""
    words: dict[str, None] = {}
    for length in (1, 2, 3, 4):
        for _ in range(size if length == 4 else 12 * 12**length):
            words.setdefault("".join(dice.choice(_SYLLABLES, length)))
    return pa.array(list(words)[:size])


def speed_texts(count: int, seed: int) -> Iterator[tuple[pa.Array, pa.Array, npt.NDArray[np.int64]]]:
    """Yield batches of prompts of 300 to 800 characters, who sent them, and the frame of each (-1: none).

    Two in five are filled into one of 2,000 frames of some forty words, before or behind the filling. Words are drawn
    by Zipf's law from 30,000, so that people share what they share by chance.
    """
    dice = np.random.default_rng(seed)
    words = vocabulary(dice)
    odds = 1.0 / (np.arange(len(words)) + 2.7)
    steps = np.cumsum(odds / odds.sum())

    def text_of(n_words: npt.NDArray[np.int64]) -> pa.Array:
        drawn = np.minimum(np.searchsorted(steps, dice.random(int(n_words.sum()))), len(words) - 1)
        lists = pa.ListArray.from_arrays(np.concatenate([[0], np.cumsum(n_words)]).astype(np.int32), words.take(drawn))
        return pc.binary_join(lists, " ")

    frames = text_of(dice.integers(36, 46, N_FRAMES))
    sizes = np.append(np.asarray(pc.utf8_length(frames)), 0)
    for first in range(0, count, BATCH):
        n = min(BATCH, count - first)
        frame = np.where(dice.random(n) < 0.4, dice.integers(0, N_FRAMES, n), -1)
        free = text_of(np.maximum(8, (dice.integers(300, 780, n) - sizes[frame]) * 2 // 13))
        fixed = frames.take(pa.array(frame, mask=frame < 0))
        ahead = pa.array(dice.random(n) < 0.5)
        both = pc.if_else(
            ahead, pc.binary_join_element_wise(fixed, free, " "), pc.binary_join_element_wise(free, fixed, " ")
        )
        member, someone = dice.integers(0, 8, n), dice.integers(0, max(1, count // 10), n)
        names = [f"ring {f} {m}" if f >= 0 else f"{s}" for f, m, s in zip(frame, member, someone, strict=True)]
        yield pc.utf8_slice_codeunits(pc.coalesce(both, free), 0, 800), pa.array(names), frame


def speed(count: int) -> dict[str, Any]:
    """CPU seconds of reading, fingerprinting and the whole stage: medians over alternating rounds, and ratios.

    Fingerprinting is timed without the reading; the stage reads the prompts twice, once for the wording.
    """
    rounds: dict[str, list[float]] = {"read": [], "fingerprint": [], "stage": []}
    with tempfile.TemporaryDirectory() as folder:
        paths, frames = [], []
        for number, batch in enumerate(speed_texts(count, 1)):
            (Path(folder) / f"{number:05d}").mkdir()
            paths += write(str(Path(folder) / f"{number:05d}"), [batch])
            frames.append(batch[2])
        make(paths[:1], Prompts(), settings=Settings(), bench=Bench(folder))  # compiles what is to be compiled
        for _ in range(ROUNDS):
            before = time.process_time()
            for path in paths:
                for _ in Prompts().batches(path):
                    pass
            rounds["read"].append(time.process_time() - before)
            spent = 0.0
            for path in paths:
                for batch in Prompts().batches(path):
                    before = time.process_time()
                    sketch(batch, compiled=True)
                    spent += time.process_time() - before
            rounds["fingerprint"].append(spent)
            bench = Bench(folder)
            before = time.process_time()
            made = make(paths, Prompts(), settings=Settings(), bench=bench)
            rounds["stage"].append(time.process_time() - before)
        given = pa.concat_tables([pq.read_table(path, columns=["template_id"]) for path in made.template_events])
        few = [text for batch in Prompts().batches(paths[0]) for text in batch.to_pylist()][:PEER_PROMPTS]
    coded = given["template_id"].combine_chunks().dictionary_encode().indices
    quality = pairwise(np.concatenate(frames), np.asarray(pc.fill_null(coded.cast(pa.int64()), -1)))
    per_round = {name: np.array(values) / np.array(rounds["read"]) for name, values in rounds.items()}
    ours = {name: float(np.median(rounds[name])) / count for name in ("fingerprint", "stage")}
    return {
        "prompts": count,
        "median_cpu_seconds": {name: round(float(np.median(values)), 2) for name, values in rounds.items()},
        "ratio_to_reading": {name: round(float(np.median(values)), 2) for name, values in per_round.items()},
        "ratio_by_round": {name: [round(float(v), 2) for v in values] for name, values in per_round.items()},
        "steps": {name: round(value, 2) for name, value in bench.seconds.items()},
        "prompts_a_second": {name: round(1 / seconds) for name, seconds in ours.items()},
        "precision_recall_f1": [round(value, 4) for value in quality],
        "times_as_fast_as": {
            peer: {name: round(seconds / len(few) / mine, 1) for name, mine in ours.items()}
            for peer, seconds in peers(few).items()
        },
        "peak_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, 2),
    }


def peers(texts: list[str]) -> dict[str, float]:
    """CPU seconds that rensa (shingles of five words, 128 values, an index) and drain3 take for some prompts."""
    found = {}
    try:
        from rensa import RMinHash, RMinHashLSH
    except ImportError:
        pass
    else:
        before = time.process_time()
        index = RMinHashLSH(threshold=0.5, num_perm=128, num_bands=32)
        for number, text in enumerate(texts):
            words = text.split()
            made = RMinHash(num_perm=128, seed=1)
            made.update([" ".join(words[place : place + 5]) for place in range(len(words) - 4)])
            index.insert(number, made)
            index.query(made)
        found["rensa"] = time.process_time() - before
    try:
        from drain3 import TemplateMiner
    except ImportError:
        return found
    before = time.process_time()
    miner = TemplateMiner()
    for text in texts:
        miner.add_log_message(text)
    found["drain3"] = time.process_time() - before
    return found


def logs() -> dict[str, Any]:
    """Grouping accuracy on the sixteen sets of Loghub-2k, by the short templates of the stage."""
    table = pq.read_table(Path(os.environ["RINGTRACE_LOGHUB"]) / "lines.parquet")
    found = {}
    for name in sorted(set(table["dataset"].to_pylist())):
        mine_ = table.filter(pc.equal(table["dataset"], name))
        lines = lines_of(mine_["text"].combine_chunks())
        groups = settle_short(lines).find(line_hashes(lines))
        found[name] = round(grouping_accuracy(mine_["template_id"].to_pylist(), groups.tolist()), 3)
    first = [value for name, value in found.items() if name in RULES_FIXED_ON]
    other = [value for name, value in found.items() if name not in RULES_FIXED_ON]
    means = {"rules_fixed_on": np.mean(first), "other": np.mean(other), "all": np.mean(first + other)}
    return found | {name: round(float(value), 4) for name, value in means.items()}


def main() -> None:
    """Run one of the measurements and print it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["planted", "unrelated", "speed", "logs"])
    parser.add_argument("--prompts", type=int, default=200_000)
    asked = parser.parse_args()
    sized: dict[str, Callable[[int], dict[str, Any]]] = {"unrelated": unrelated, "speed": speed}
    result = (
        sized[asked.what](asked.prompts) if asked.what in sized else (planted() if asked.what == "planted" else logs())
    )
    print(json.dumps(result, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
