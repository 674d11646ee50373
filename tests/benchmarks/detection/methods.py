"""The methods of others: how each is called, its knobs and the values tried, and what does not run here and why."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tests.benchmarks.detection.baselines.communities import against_rewired, barber, modularity, rare_in_two
from tests.benchmarks.detection.baselines.linking import additive_points, weakly_connected
from tests.benchmarks.detection.baselines.peeling import dense_blocks
from tests.benchmarks.detection.baselines.similarity import central_nodes, cosine, shared_addresses, synchronous
from tests.benchmarks.detection.found import Found
from tests.benchmarks.detection.ground import Ground

QUADRATIC = 10_000  # accounts up to which methods over pairs are asked

_RANGES = ("unused", "used")


@dataclass(frozen=True)
class Method:
    """A method, the values of its knobs that are tried, and the largest world it is asked for."""

    name: str
    says: str
    run: Callable[..., Found]
    knobs: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    fixed: Mapping[str, Any] = field(default_factory=dict)
    max_accounts: int = 1_000_000

    def __call__(self, ground: Ground, knobs: Mapping[str, Any]) -> Found:
        """What it finds with these knobs."""
        return self.run(ground, **self.fixed, **knobs)

    def choices(self) -> Iterator[dict[str, Any]]:
        """Every combination of the knobs, in a fixed order."""
        names = sorted(self.knobs)
        for values in itertools.product(*(self.knobs[n] for n in names)):
            yield dict(zip(names, values, strict=True))


def by_chance(ground: Ground, *, share: float) -> Found:
    """Accounts drawn at random, in one group."""
    drawn = np.random.default_rng(5).random(ground.n) < share
    return Found.of(np.zeros(ground.n, dtype=np.int64), accused=drawn, min_size=1, score=drawn)


METHODS = {
    m.name: m
    for m in (
        Method(
            "F1", "components over shared things", weakly_connected,
            {"min_size": (3, 5, 10), "ranges": _RANGES}, {"cap": 0},
        ),
        Method(
            "F2", "an open provider's account scan: union of rare keys, additive points", additive_points,
            {"cap": (5, 15, 40), "band": (30, 55, 85, 100, 115), "ranges": _RANGES},
        ),
        Method(
            "F3", "components over things of few accounts", weakly_connected,
            {"cap": (3, 5, 10, 30), "min_size": (3, 6, 12), "ranges": _RANGES},
        ),
        Method(
            "F4", "EvilCohort: shared addresses, Louvain", shared_addresses,
            {"shared": (2, 3, 4, 6, 10), "ranges": _RANGES}, max_accounts=QUADRATIC,
        ),
        Method(
            "F5", "TF-IDF cosine of accounts, components", cosine,
            {"level": (0.5, 0.7, 0.9), "repeated": (2, 3), "ranges": _RANGES}, max_accounts=QUADRATIC,
        ),
        Method(
            "F6", "summed cosine networks, central nodes", central_nodes,
            {"keep": (0.02, 0.05, 0.2), "level": (0.3, 0.9), "ranges": _RANGES}, max_accounts=QUADRATIC,
        ),
        Method(
            "F8", "SynchroTrap: Jaccard over (thing, hours)", synchronous,
            {"tau": (0.1, 0.3, 0.5), "width": (1, 6, 24), "ranges": ("used",)}, max_accounts=QUADRATIC,
        ),
        Method(
            "F10", "FRAUDAR: dense blocks by peeling", dense_blocks, {"blocks": (4, 12), "ranges": _RANGES},
            max_accounts=QUADRATIC,
        ),
        Method("F12", "Leiden modularity on the raw graph", modularity, {"min_size": (5, 10), "ranges": _RANGES}),
        Method(
            "F13", "Barber's modularity, no scoring", barber,
            {"gamma": (1.0, 4.0, 16.0), "ranges": _RANGES}, {"min_size": 5},
        ),
        Method(
            "F14", "F13 against rewired graphs", against_rewired,
            {"gamma": (1.0, 4.0), "ranges": _RANGES}, {"rewirings": 5},
        ),
        Method(
            "F15", "F13 on rare things, tied in two families", rare_in_two,
            {"cap": (5, 15, 50, 150), "classes": ("none", "ours"), "ranges": _RANGES},
            {"gamma": 1.0, "weighted": False},
        ),
        Method(
            "F15g", "F15 weighted, at gamma 20", rare_in_two,
            {"cap": (5, 15, 50, 150), "classes": ("none", "ours")}, {"gamma": 20.0, "weighted": True},
        ),
        Method(
            "F17", "components over rare templates alone", weakly_connected,
            {"cap": (10, 30, 100), "min_size": (3, 5)}, {"families": ("text",)},
        ),
        Method("chance", "accounts drawn at random, as many as are guilty", by_chance, fixed={"share": 0.02}),
    )
}  # fmt: skip

NOT_RUN = {
    "F7": "the toolkit is a package of its own with a Twitter client; as co-link on infrastructure its authors' "
          "windows of seconds find nothing, and F8 stands for the same idea at windows of hours",
    "F9": "maximum-entropy validation of all pairs: quadratic, minutes for 8,000 accounts",
    "F11": "a record-linkage package; blocking on shared entities with a cap gives the components of F3",
    "F16": "the same objective as F13 by another library, 16 times slower, equal quality",
    "F18": "needs an embedding model",
    "F19": "the authors' Java program",
}  # fmt: skip
