"""Single functions of the line beside what a user would call instead, as ratios.

    python -m tests.benchmarks.scale_goals [--rounds 5] [--events 3000000] [--json FILE] [--only graph,groupby,start]

Rounds alternate in one process; a figure is the median over rounds of the ratio of processor times (of start-up: of
wall times). The timed function is the one that `ringtrace run` calls. Both sides must give the same answer, else the
bench fails.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from graphs import BipartiteGraph, adjusted_rand
from graphs.leiden import pair_quality, partition_pairs
from graphs.projection import PairGraph, rare_pairs
from tests.benchmarks.scale_measure import machine

Pair = tuple[Callable[[], Any], Callable[[], Any]]


def ratio(peer: Callable[[], Any], ours: Callable[[], Any], rounds: int) -> tuple[float, Any, Any]:
    """Median of peer's processor time over ours, and what both made."""
    found, a, b = [], None, None
    for _ in range(rounds):
        start = time.process_time()
        a = peer()
        middle = time.process_time()
        b = ours()
        found.append((middle - start) / max(time.process_time() - middle, 1e-9))
    return statistics.median(found), a, b


def shared_addresses(accounts: int = 20_000, rings: int = 20, seed: int = 1) -> tuple[BipartiteGraph, np.ndarray]:
    """Accounts with addresses of their own, of small groups and of crowds, and rings of 250 that share pools."""
    dice = np.random.default_rng(seed)
    small, large = 60_000, 200
    rows = [(np.repeat(np.arange(accounts), 12), dice.integers(0, small, 12 * accounts))]
    rows.append((np.repeat(np.arange(accounts), 2), small + dice.integers(0, large, 2 * accounts)))
    truth = np.full(accounts, -1)
    for ring in range(rings):
        members = np.arange(ring * 250, (ring + 1) * 250)
        truth[members] = ring
        pool = small + large + ring * 120 + np.arange(120)
        rows.append((np.repeat(members, 8), dice.choice(pool, 8 * members.size)))
    account, entity = (np.concatenate(column) for column in zip(*rows, strict=True))
    distinct = np.unique(np.stack((account, entity), axis=1), axis=0)
    degree = np.bincount(distinct[:, 1])
    bits = np.log2(accounts / degree[distinct[:, 1]]) * 0.5
    return BipartiteGraph.from_arrays(distinct[:, 0], distinct[:, 1], bits, n_accounts=accounts), truth


def by_pandas(graph: BipartiteGraph, cap: int, min_bits: float) -> pd.DataFrame:
    """Pairs by a merge of the edges with themselves: strongest shared entity, weak pairs dropped at the end."""
    edges = pd.DataFrame({"account": graph.account, "entity": graph.entity, "bits": graph.bits})
    degree = edges.entity.map(edges.entity.value_counts())
    edges = edges[(degree >= 2) & (degree <= cap)]
    both = edges.merge(edges, on="entity")
    both = both[both.account_x < both.account_y]
    both["bits"] = both[["bits_x", "bits_y"]].min(axis=1)
    pairs = both.groupby(["account_x", "account_y"])["bits"].max()
    return pairs[pairs >= min_bits].reset_index()


def by_igraph(pairs: PairGraph, resolution: float) -> np.ndarray:
    """The whole graph at once, as the library's manual has it."""
    import igraph

    graph = igraph.Graph(n=pairs.n_accounts, edges=np.stack((pairs.a, pairs.b), axis=1))
    found = graph.community_leiden(objective_function="CPM", weights=pairs.bits, resolution=resolution, n_iterations=2)
    return np.asarray(found.membership)


def by_leidenalg(pairs: PairGraph, resolution: float) -> np.ndarray:
    """The reference implementation."""
    import igraph
    import leidenalg

    graph = igraph.Graph(n=pairs.n_accounts, edges=np.stack((pairs.a, pairs.b), axis=1))
    found = leidenalg.find_partition(
        graph, leidenalg.CPMVertexPartition, weights=pairs.bits.tolist(), resolution_parameter=resolution,
        n_iterations=2, seed=1,
    )  # fmt: skip
    return np.asarray(found.membership)


def graph_goals(rounds: int) -> list[dict[str, Any]]:
    """Projection and communities."""
    graph, truth = shared_addresses()
    family = np.zeros(graph.n_entities, dtype=np.int64)
    cap, least = 1000, 5.0

    def pruned() -> PairGraph:
        return rare_pairs(graph, family=family, max_degree=cap, min_bits=least)

    def full() -> PairGraph:
        return rare_pairs(graph, family=family, max_degree=cap)

    def cluster(pairs: PairGraph, resolution: float = 0.3) -> np.ndarray:
        return partition_pairs(pairs, objective="cpm", resolution=resolution, seed=1).accounts

    merged, theirs, mine = ratio(lambda: by_pandas(graph, cap, least), pruned, rounds)
    same = np.array_equal(theirs.account_x, mine.a) and np.array_equal(theirs.account_y, mine.b)
    assert same and np.allclose(theirs.bits, mine.bits), "the merge and the kernel found other pairs"
    whole, all_labels, few_labels = ratio(lambda: cluster(full()), lambda: cluster(pruned()), max(1, rounds // 2))
    rings = truth >= 0
    agree = [round(float(adjusted_rand(truth[rings], labels[rings])), 3) for labels in (all_labels, few_labels)]
    at_once, one, two = ratio(lambda: by_igraph(mine, 0.3), lambda: cluster(mine), rounds)
    reference, three, _ = ratio(lambda: by_leidenalg(mine, 0.3), lambda: cluster(mine), rounds)
    quality = [round(pair_quality(mine, x, objective="cpm", resolution=0.3), 4) for x in (one, two, three)]
    size = f"{graph.n_edges:,} edges, {mine.n_pairs:,} pairs left"
    return [
        {"goal": 5, "what": "pandas self-merge / rare_pairs", "ratio": merged, "note": size},
        {"goal": 6, "what": "all pairs + Leiden / pruned + Leiden", "ratio": whole,
         "note": f"adjusted Rand index on the rings {agree[0]} and {agree[1]}"},
        {"goal": 7, "what": "partition_pairs / igraph on the whole graph", "ratio": 1 / at_once,
         "note": f"quality {quality[1]} and {quality[0]}"},
        {"goal": 8, "what": "leidenalg / partition_pairs", "ratio": reference,
         "note": f"quality {quality[2]} and {quality[1]}"},
    ]  # fmt: skip


def naive(paths: list[str]) -> int:
    """Dask's own dataframe group-by, without the hours of the day."""
    import dask
    import dask.dataframe as dd

    with dask.config.set(scheduler="threads", num_workers=2):
        log = dd.read_parquet(paths, columns=["account_id", "ip", "timestamp"])
        log = log.assign(day=log.timestamp.dt.floor("D"))
        counted = log.groupby(["account_id", "ip", "day"]).timestamp.agg(["count", "min", "max"], split_out=4)
        return len(counted.compute())


def groupby_goals(rounds: int, events: int) -> list[dict[str, Any]]:
    """Sightings of one link type beside Dask's dataframe, over the same files."""
    from pipeline.storage.tasks import DaskBench
    from tests.benchmarks.bench_wide import one_type, write_log

    with tempfile.TemporaryDirectory(prefix="ringtrace-bench-") as folder:
        write_log(Path(folder), events, "shared")
        paths = sorted(str(p) for p in (Path(folder) / "events").glob("*.parquet"))
        bench = DaskBench(folder, 2, int(3e9))
        found, a, b = ratio(lambda: naive(paths), lambda: one_type(paths, bench), rounds)
    assert a == b, f"{a} and {b} rows"
    note = f"{events:,} events, {b:,} rows"
    return [{"goal": 4, "what": "dask.dataframe group-by / sightings", "ratio": found, "note": note}]


def start_goals(rounds: int) -> list[dict[str, Any]]:
    """`--help` beside an interpreter that imports numpy, wall time."""
    found = []
    for _ in range(rounds):
        took = []
        for words in (["-c", "import numpy"], ["-m", "pipeline", "--help"]):
            start = time.perf_counter()
            subprocess.run([sys.executable, *words], check=True, capture_output=True)
            took.append(time.perf_counter() - start)
        found.append(took[1] / took[0])
    what = "--help / interpreter + numpy"
    return [{"goal": 13, "what": what, "ratio": statistics.median(found), "note": "wall time"}]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--events", type=int, default=3_000_000)
    parser.add_argument("--only", default="start,graph,groupby")
    parser.add_argument("--json", metavar="FILE")
    args = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for part in args.only.split(","):
        if part == "start":
            rows += start_goals(args.rounds)
        elif part == "graph":
            rows += graph_goals(args.rounds)
        else:
            rows += groupby_goals(args.rounds, args.events)
    if args.json:
        Path(args.json).write_text(json.dumps({"machine": machine(), "rows": rows}, indent=1) + "\n")
    print("| goal | what | ratio | |\n|---|---|---|---|")
    for row in sorted(rows, key=lambda r: r["goal"]):
        print(f"| {row['goal']} | {row['what']} | {row['ratio']:.2f} | {row['note']} |")


if __name__ == "__main__":
    main()
