"""The worlds of the bench: a base point, and points that differ from it in one thing.

Seeds from 8000 are for tuning knobs, from 9000 for reporting; the generator's settings are shifted from those of the
training worlds. A scale says how large all of it is; the figures of one scale are never mixed with another's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

from pipeline.worlds import WORLDS, World

SHIFT = 0.3  # of the settings of the generator; worlds for training lie at 0.25 or below, or above 0.4
FIRST_TUNING, FIRST_TEST = 8000, 9000


@dataclass(frozen=True)
class Scale:
    """How large the bench is: accounts at the base point, requests, seeds, points."""

    name: str
    accounts: int
    volume: float
    base_seeds: int
    other_seeds: int
    tuning_accounts: int
    tuning_seeds: int = 2
    factors: tuple[str, ...] = ("prevalence", "evasion", "attacker", "world", "size", "settings", "followers")
    sizes: tuple[int, ...] = ()
    prevalence: float = 0.02


SCALES = {
    s.name: s
    for s in (
        Scale("full", 20_000, 0.75, 5, 2, 10_000, tuning_seeds=1, sizes=(5_000, 50_000, 200_000)),
        Scale("middle", 6_000, 0.4, 5, 2, 5_000, sizes=(3_000, 12_000)),
        Scale("quick", 2_500, 0.35, 2, 1, 2_500, tuning_seeds=1, factors=("evasion",), prevalence=0.04),
    )
}


@dataclass(frozen=True)
class Point:
    """One world of one seed: which factor it varies, at which level."""

    factor: str
    level: str
    world: World
    seed: int

    @property
    def mark(self) -> str:
        """Digest of the world and its seed."""
        return hashlib.sha256(f"{self.world}|{self.seed}".encode()).hexdigest()[:16]


def base_world(scale: Scale) -> World:
    """`mixed` as it is (operators of every care), of the scale's size and prevalence, with shifted settings."""
    small = scale.accounts < WORLDS["mixed"].n_accounts
    return replace(
        WORLDS["mixed"], n_accounts=scale.accounts, prevalence=scale.prevalence, settings_shift=SHIFT,
        volume=scale.volume, ring_volume=scale.volume, resold_homes=1_000 if small else 3_000,
        ring_size=(5.0, 200.0) if small else (5.0, 800.0),
    )  # fmt: skip


def tuning_points(scale: Scale) -> list[Point]:
    """Worlds on which knobs are chosen: the base world with other seeds, smaller."""
    world = replace(base_world(scale), n_accounts=scale.tuning_accounts)
    return [Point("tuning", "base", world, FIRST_TUNING + i) for i in range(scale.tuning_seeds)]


def reported_points(scale: Scale) -> list[Point]:
    """All points of a scale, base first."""
    base = base_world(scale)
    points = [Point("base", "mixed", base, FIRST_TEST + i) for i in range(scale.base_seeds)]
    for place, (factor, level, world) in enumerate(_variants(scale, base)):
        n = scale.base_seeds if factor == "settings" else scale.other_seeds
        first = FIRST_TEST + 100 + 10 * place
        points += [Point(factor, level, world, seed) for seed in range(first, first + n)]
    return points


def _variants(scale: Scale, base: World) -> Iterator[tuple[str, str, World]]:
    chosen: dict[str, list[tuple[str, World]]] = {
        "evasion": [(f"{care:.2f}", replace(base, evasion=(care, care))) for care in (0.0, 0.25, 0.5, 0.75, 1.0)],
        "attacker": [
            ("no shared cards", replace(base, cards=("own", "virtual", "none"))),
            ("residential proxies only", replace(base, exits=("proxy", "proxy_own"))),
            (
                "both, paraphrased",
                replace(base, cards=("own", "virtual", "none"), exits=("proxy", "proxy_own"), paraphrase=1.0),
            ),
        ],
        "prevalence": [(f"{100 * p:g} %", replace(base, prevalence=p)) for p in (0.001, 0.01, 0.1)],
        "world": [
            ("calm", replace(base, prevalence=0.0)),
            (
                "confounders",
                replace(base, prevalence=0.0, shares=WORLDS["confounders"].shares),
            ),
        ],
        "size": [
            (f"{n:,}", replace(base, n_accounts=n, prompts=n <= 50_000))
            for n in scale.sizes
        ],
        "settings": [("as shipped", replace(base, settings_shift=0.0))],
        "followers": [("strangers with the same prompts", replace(base, shares=WORLDS["followers"].shares))],
    }  # fmt: skip
    for factor in ("evasion", "attacker", "prevalence", "world", "size", "settings", "followers"):
        if factor in scale.factors:
            yield from ((factor, level, world) for level, world in chosen[factor])
