"""Worlds that the scoring model is trained and calibrated on, apart from all that figures are reported on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice, zip_longest

import numpy as np

from pipeline.worlds import WORLDS, World
from pipeline.worlds.followers import FOLLOWERS
from pipeline.worlds.world import POPULATIONS, OperatorPlan

# Which innocent explanation a population of a world is an example of.
KIND_OF = {
    "company": "organization", "remote_company": "organization", "agency": "organization", "campus": "organization",
    "startup": "organization", "evaluation_team": "organization", "ci_bot": "organization",
    "reseller": "reseller_pool", "hobby_pool": "reseller_pool", "residential": "shared_network",
    "mobile": "shared_network", "coworking": "shared_network", "vpn_user": "shared_network",
    "household": "shared_network", "family_card": "shared_network",
}  # fmt: skip

_REPORTED = ((-0.05, 0.05), (0.25, 0.4))  # shifts of settings around those of the worlds that figures are reported on


def training_worlds(n: int, prompts: bool) -> Iterator[tuple[World, int, tuple[str, ...]]]:
    """Worlds to fit on: variants of `mixed` and `confounders`, seed, and the tables left out of the input."""
    draw = np.random.default_rng(2026)
    for i in range(n):
        low = float(draw.uniform(0.0, 0.6))
        base = WORLDS["confounders"] if i % 4 == 3 else WORLDS["mixed"]
        yield (
            replace(
                base,
                n_accounts=int(draw.integers(3_000, 7_000)),
                prevalence=float(draw.uniform(0.03, 0.10)),
                evasion=(low, min(1.0, low + float(draw.uniform(0.2, 0.5)))),
                settings_shift=float(draw.uniform(-0.35, 0.1)),
                volume=float(draw.uniform(0.3, 0.7)),
                ring_volume=float(draw.uniform(0.5, 1.5)),
                ring_size=(5.0, float(draw.choice([40, 120, 400]))),
                days=int(draw.integers(18, 36)),
                prompts=prompts and i % 5 != 2,
                start=f"2025-{int(draw.integers(1, 12)):02d}-0{int(draw.integers(1, 9))}",
            ),
            1_000 + i,
            (("payments",), ("accounts",), ("ip_ranges",), ("payments", "accounts"))[i % 4] if i % 5 == 4 else (),
        )


def full_worlds(n: int) -> Iterator[tuple[World, int, tuple[str, ...]]]:
    """Worlds of the size and the days of a real window; most are innocent throughout, and must not be accused."""
    draw = np.random.default_rng(7310)
    for i in range(n):
        innocent = i % 3 != 2
        yield (
            replace(
                WORLDS["confounders" if innocent else "mixed"],
                n_accounts=int(draw.integers(8_000, 14_000)),
                prevalence=0.0 if innocent else float(draw.choice([0.02, 0.04])),
                settings_shift=float(draw.uniform(-0.3, 0.15)),
                volume=float(draw.uniform(0.7, 1.1)),
            ),
            3_000 + i,
            (),
        )


def wide_worlds(n: int) -> Iterator[tuple[World, int, tuple[str, ...]]]:
    """Worlds whose settings lie far out on both sides, so that what is learned holds on platforms of other habits."""
    draw = np.random.default_rng(1191)
    for i in range(n):
        far = float(draw.uniform(0.4, 0.8))
        yield (
            replace(
                WORLDS["confounders" if i % 4 == 3 else "mixed"],
                n_accounts=int(draw.integers(5_000, 9_000)),
                prevalence=0.0 if i % 4 == 3 else float(draw.choice([0.02, 0.04, 0.06])),
                settings_shift=-far if i % 3 == 2 else far,
                volume=float(draw.uniform(0.5, 0.9)),
                ring_volume=float(draw.uniform(0.6, 1.2)),
                ring_size=(5.0, float(draw.choice([60, 200, 400]))),
            ),
            4_000 + i,
            (),
        )


def calibration_worlds(n: int, prompts: bool) -> Iterator[tuple[World, int, tuple[str, ...]]]:
    """Worlds to calibrate on: other seeds, settings shifted the other way, prevalence as on real platforms or above."""
    draw = np.random.default_rng(4052)
    for i in range(n):
        low = float(draw.uniform(0.0, 0.7))
        yield (
            replace(
                WORLDS["mixed"],
                n_accounts=int(draw.integers(6_000, 10_000)),
                prevalence=float(draw.choice([0.01, 0.02, 0.04])),
                evasion=(low, min(1.0, low + 0.3)),
                settings_shift=float(draw.uniform(0.05, 0.25)),
                volume=float(draw.uniform(0.35, 0.6)),
                ring_size=(5.0, 200.0),
                prompts=prompts,
            ),
            5_000 + i,
            (),
        )


def platform_worlds(n: int) -> Iterator[tuple[World, int, tuple[str, ...]]]:
    """Worlds as whole platforms are, each with a crowd and operators of its own habits.

    Settings near those of the worlds that figures are reported on are left out, so fewer than `n` are made.
    """
    draw = np.random.default_rng(8861)
    for i in range(n):
        low = float(draw.uniform(0.0, 0.5))
        crowd = {name: share * float(np.exp(draw.normal(0.0, 0.7))) for name, share in POPULATIONS.items() if share}
        world = replace(
            WORLDS["mixed"],
            n_accounts=int(draw.integers(8_000, 18_000)),
            prevalence=float(draw.choice([0.005, 0.01, 0.02, 0.02, 0.04])),
            shares=crowd,
            evasion=(low, min(1.0, low + float(draw.uniform(0.2, 0.6)))),
            settings_shift=float(draw.uniform(-0.4, 0.4)),
            volume=float(draw.uniform(0.5, 1.0)),
            ring_volume=float(draw.uniform(0.5, 1.2)),
            ring_size=(5.0, float(draw.choice([60, 200, 800]))),
            rings_per_operator=float(draw.uniform(1.0, 4.0)),
            bait=float(draw.uniform(0.0, 0.3)),
            bleed=float(draw.choice([0.0, 0.0, 0.1])),
            resold_homes=int(draw.integers(1_000, 6_000)),
            days=int(draw.integers(26, 36)),
        )
        if not any(low <= world.settings_shift <= high for low, high in _REPORTED):
            yield world, 6_000 + i, ()


def crowded_worlds(n: int) -> Iterator[tuple[World, int, tuple[str, ...]]]:
    """Worlds where many are guilty and an operator's accounts may all be one ring, as campaigns are reported to be.

    A frame that hundreds share ties no pair of them closely; what such a ring does shows in the group alone.
    """
    draw = np.random.default_rng(5519)
    for i in range(n):
        low, side = float(draw.uniform(0.1, 0.6)), float(draw.choice([-1.0, 1.0]))
        world = replace(
            WORLDS["mixed"],
            n_accounts=int(draw.integers(4_000, 7_000)),
            prevalence=float(draw.uniform(0.05, 0.2)),
            evasion=(low, min(1.0, low + float(draw.uniform(0.1, 0.4)))),
            settings_shift=side * float(draw.uniform(0.06, 0.24)),
            volume=float(draw.uniform(0.4, 1.0)),
            ring_volume=float(draw.uniform(0.5, 1.2)),
            ring_size=(float(draw.choice([10, 20, 40])), float(draw.choice([300, 800]))),
            largest_ring_share=float(draw.choice([0.5, 1.0])),
            rings_per_operator=float(draw.uniform(1.0, 4.0)),
            resold_homes=int(draw.integers(500, 4_000)),
            days=int(draw.integers(24, 46)),
        )
        yield world, 7_000 + i, ()


def follower_worlds(n: int) -> Iterator[tuple[World, int, tuple[str, ...]]]:
    """Worlds full of strangers who send the same private prompts; a third of them hold nobody guilty."""
    draw = np.random.default_rng(3307)
    for i in range(n):
        low = float(draw.uniform(0.0, 0.6))
        crowd = {name: share * float(np.exp(draw.normal(0.0, 0.6))) for name, share in POPULATIONS.items()}
        crowd |= {name: float(draw.choice([0.0, 0.5, 1.0])) * float(draw.uniform(0.02, 0.1)) for name in FOLLOWERS}
        world = replace(
            WORLDS["mixed"],
            n_accounts=int(draw.integers(2_000, 6_000)),
            prevalence=0.0 if i % 3 == 0 else float(draw.choice([0.01, 0.02, 0.04])),
            shares=crowd,
            evasion=(low, min(1.0, low + float(draw.uniform(0.2, 0.5)))),
            settings_shift=float(draw.uniform(-0.35, 0.2)),
            volume=float(draw.uniform(0.4, 1.2)),
            ring_volume=float(draw.uniform(0.5, 1.3)),
            ring_size=(5.0, float(draw.choice([30, 60, 200]))),
            rings_per_operator=float(draw.uniform(1.0, 3.0)),
            bait=float(draw.uniform(0.0, 0.2)),
            resold_homes=int(draw.integers(300, 2_000)),
            days=int(draw.integers(10, 36)),
            start=f"2025-{int(draw.integers(1, 12)):02d}-0{int(draw.integers(1, 9))}",
        )
        yield world, 9_000_000 + i, ()


def campaign_worlds(n: int) -> Iterator[tuple[World, int, tuple[str, ...]]]:
    """Worlds with operators of hundreds to thousands of accounts, as reported campaigns have, on small platforms."""
    draw = np.random.default_rng(6620)
    for i in range(n):
        low, days = float(draw.uniform(0.1, 0.5)), int(draw.integers(18, 36))
        plans = []
        for name in ("Aspen", "Beech", "Chestnut")[: int(draw.integers(1, 4))]:
            accounts = int(np.exp(draw.uniform(np.log(80), np.log(1_800))))
            requests = int(accounts * days * draw.uniform(5, 22))
            plans.append(OperatorPlan(name, accounts, requests, float(draw.uniform(0, 4)), float(days)))
        world = replace(
            WORLDS["mixed"],
            n_accounts=int(draw.integers(6_000, 14_000)),
            operators=tuple(plans),
            evasion=(low, min(1.0, low + float(draw.uniform(0.1, 0.4)))),
            settings_shift=float(draw.choice([-1.0, 1.0])) * float(draw.uniform(0.06, 0.24)),
            volume=float(draw.uniform(0.25, 0.6)),
            largest_ring_share=1.0,
            ring_size=(40.0, 2_000.0),
            resold_homes=int(draw.integers(1_000, 6_000)),
            days=days,
        )
        yield world, 9_500_000 + i, ()


def operator_worlds(n: int) -> Iterator[tuple[World, int, tuple[str, ...]]]:
    """Worlds with operators of one in a hundred to one in four of a platform's accounts, in rings of all sizes."""
    draw = np.random.default_rng(4471)
    for i in range(n):
        low, days = float(draw.uniform(0.05, 0.5)), int(draw.integers(15, 36))
        n_accounts, plans = int(draw.integers(6_000, 18_000)), []
        for name in ("Hazel", "Juniper", "Laurel", "Myrtle")[: int(draw.integers(2, 5))]:
            accounts = int(n_accounts * np.exp(draw.uniform(np.log(0.01), np.log(0.25))))
            requests = int(accounts * days * draw.uniform(5, 25))
            first, last = float(draw.uniform(0, 8)), days - float(draw.choice([0, 0, 3]))
            plans.append(OperatorPlan(name, accounts, requests, first, last))
        world = replace(
            WORLDS["mixed"],
            n_accounts=n_accounts,
            operators=tuple(plans),
            evasion=(low, min(1.0, low + float(draw.uniform(0.1, 0.5)))),
            settings_shift=float(draw.choice([-1.0, 1.0])) * float(draw.uniform(0.06, 0.24)),
            volume=float(draw.uniform(0.25, 0.6)),
            largest_ring_share=float(draw.choice([0.3, 0.6, 1.0])),
            ring_size=(float(draw.choice([10, 40])), float(draw.choice([400, 1_200, 4_000]))),
            resold_homes=int(draw.integers(1_000, 6_000)),
            prompts=i % 2 == 0,
            days=days,
        )
        yield world, 9_700_000 + i, ()


def belonging_worlds(n: int) -> Iterator[tuple[World, int, tuple[str, ...]]]:
    """Worlds to learn on who belongs to a ring that a finished model found: settings as in training, other seeds."""
    kinds = (
        platform_worlds(n), calibration_worlds(n, True), (w for w in wide_worlds(n) if w[0].prevalence > 0),
        crowded_worlds(n // 4), (w for w in training_worlds(n, True) if w[0].prompts and not w[2]),
    )  # fmt: skip
    in_turn = (given for group in zip_longest(*kinds) for given in group if given is not None)
    for world, seed, without in islice(in_turn, n):
        yield world, seed + 80_000, without


def fresh_worlds(n: int) -> Iterator[tuple[World, int, tuple[str, ...]]]:
    """Worlds to calibrate a finished model on: settings as in training, seeds that no training saw."""
    platforms = list(platform_worlds(60))[: n + 1]
    for world, seed, without in (*calibration_worlds(n, True), *full_worlds(max(1, n // 3 + 1)), *platforms):
        yield world, seed + 50_000, without
