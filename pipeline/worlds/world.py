"""What a synthetic world is: every knob, and the named worlds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from types import MappingProxyType

POPULATIONS: Mapping[str, float] = MappingProxyType(
    {
        "residential": 0.27,
        "mobile": 0.12,
        "household": 0.06,
        "company": 0.12,
        "remote_company": 0.035,
        "campus": 0.085,
        "vpn_user": 0.05,
        "agency": 0.03,
        "reseller": 0.035,
        "hobby_pool": 0.008,
        "startup": 0.025,
        "coworking": 0.015,
        "evaluation_team": 0.006,
        "ci_bot": 0.02,
        "agent_user": 0.085,
        "prompt_course": 0.03,
        "virtual_card": 0.03,
        "wallet": 0.025,
        "family_card": 0.015,
        "plugin_user": 0.0,
        "online_course": 0.0,
        "hackathon": 0.0,
        "crowd_worker": 0.0,
        "prompt_pack": 0.0,
    }
)
"""Share of each innocent sub-population; scaled to sum to one. Those with 0 live in the world `followers` only."""

EXITS = ("few", "vpn", "proxy", "proxy_own", "ipv6_48", "ipv6_many", "mobile", "pool")
CARDS = ("shared", "own", "virtual", "none")
SCHEDULES = ("round_robin", "least_used", "sticky", "fill_first", "human")


@dataclass(frozen=True)
class OperatorPlan:
    """An operator with a size that is given: accounts, requests in all, first and last day (counted from the world's
    start).
    """

    codename: str
    accounts: int
    requests: int
    first_day: float
    last_day: float


@dataclass(frozen=True)
class World:
    """All knobs of a synthetic world. Make variants with `dataclasses.replace`.

    Shares and probabilities are in [0, 1], times in days, rates in requests per active day. `evasion` is the range
    from which every operator draws how careful it is. `exits`, `cards` and `schedules` are what rings may use (leave
    some out to hold tactics out); `paraphrase` and `mixed_traffic` override what evasion would give. `settings_shift`
    moves every drawn range by that share of its width; `volume` multiplies all innocent rates, `ring_volume` those of
    rings without a plan. `bait` is the share of rings that use innocents' cards and homes on purpose, `bleed` the
    share of resellers' pools that carry an operator's requests through innocent accounts, `resold_homes` how many
    homes residential proxy services leave through.
    """

    name: str = "mixed"
    about: str = ""
    n_accounts: int = 20_000
    prevalence: float = 0.02
    start: str = "2026-03-02"
    days: int = 30
    shares: Mapping[str, float] = field(default_factory=lambda: {n: s for n, s in POPULATIONS.items() if s})
    volume: float = 1.0
    ring_volume: float = 1.0
    evasion: tuple[float, float] = (0.1, 0.7)
    exits: tuple[str, ...] = EXITS
    cards: tuple[str, ...] = CARDS
    schedules: tuple[str, ...] = SCHEDULES
    paraphrase: float | None = None
    mixed_traffic: float | None = None
    bait: float = 0.15
    bleed: float = 0.0
    ring_size: tuple[float, float] = (5.0, 800.0)
    largest_ring_share: float = 0.25
    rings_per_operator: float = 2.0
    fraud_from_day: float = 0.0
    ban_waves: tuple[float, ...] = ()
    release_day: float | None = 12.0
    outages: int = 3
    wrong_indicators: float = 0.1
    blind_operators: float = 0.15
    settings_shift: float = 0.0
    resold_homes: int = 3000
    operators: tuple[OperatorPlan, ...] = ()
    prompts: bool = True
    duplicates: float = 0.001


def surge(world: World, day: int) -> float:
    """Everybody asks more when a model is released: the factor on the requests of a day."""
    if world.release_day is None:
        return 1.0
    return {0: 1.6, 1: 1.4, 2: 1.2, 3: 1.1}.get(day - int(world.release_day), 1.0)


def weekend(world: World, day: int) -> bool:
    """Whether a day of the world is a Saturday or a Sunday."""
    return (date.fromisoformat(world.start).weekday() + day) % 7 >= 5


@dataclass(frozen=True)
class Summary:
    """What `simulate` wrote."""

    world: str
    seed: int
    n_events: int
    n_accounts: int
    n_fraudulent: int
    n_rings: int
    n_operators: int
    n_by_population: Mapping[str, int] = field(default_factory=dict)


_MIXED = World(
    name="mixed",
    about="20,000 accounts of every population over 30 days, 2 % of them in rings of every kind.",
    volume=0.75,
    ring_volume=0.75,
)
_CONFOUNDING = {
    "residential": 0.08,
    "mobile": 0.14,
    "household": 0.05,
    "company": 0.14,
    "remote_company": 0.08,
    "campus": 0.12,
    "vpn_user": 0.06,
    "agency": 0.10,
    "reseller": 0.08,
    "hobby_pool": 0.03,
    "startup": 0.06,
    "coworking": 0.03,
    "evaluation_team": 0.02,
    "ci_bot": 0.03,
    "agent_user": 0.04,
    "prompt_course": 0.04,
    "virtual_card": 0.02,
    "wallet": 0.02,
    "family_card": 0.03,
}

_FOLLOWING = {"plugin_user": 0.05, "online_course": 0.04, "hackathon": 0.03, "crowd_worker": 0.03, "prompt_pack": 0.03}

WORLDS: Mapping[str, World] = MappingProxyType(
    {
        w.name: w
        for w in (
            replace(
                _MIXED,
                name="small",
                about="2,000 accounts over 30 days with a handful of rings; ready in seconds.",
                n_accounts=2_000,
                prevalence=0.05,
                volume=0.35,
                ring_volume=0.6,
                ring_size=(6.0, 60.0),
                resold_homes=400,
            ),
            _MIXED,
            replace(_MIXED, name="calm", about="The world `mixed` without any fraud.", prevalence=0.0),
            replace(
                _MIXED,
                name="confounders",
                about="Everything innocent that looks like a ring, over-represented; no fraud.",
                prevalence=0.0,
                shares=dict(_CONFOUNDING),
            ),
            replace(
                _MIXED,
                name="followers",
                about="`mixed`, and strangers who send the same private prompts: plugins, courses, hackathons, raters.",
                shares={**POPULATIONS, **_FOLLOWING},
            ),
            replace(
                _MIXED,
                name="evasion",
                about="As `mixed`; every operator as careful as the knob says (0 careless, 1 very careful).",
                evasion=(0.5, 0.5),
            ),
            replace(
                _MIXED,
                name="onset",
                about="45 days; fraud from day 20; two waves of bans replace all accounts, cards and templates stay.",
                days=45,
                fraud_from_day=20.0,
                ban_waves=(29.0, 37.0),
            ),
            replace(
                _MIXED,
                name="campaign-2026",
                about="Four operators of reported sizes among 300,000 legitimate accounts with 70 million requests.",
                n_accounts=300_000,
                start="2026-04-22",
                days=45,
                volume=0.98,
                ring_volume=1.0,
                evasion=(0.3, 0.7),
                resold_homes=20_000,
                largest_ring_share=1.0,
                ring_size=(40.0, 6000.0),
                release_day=20.0,
                operators=(
                    OperatorPlan("Alder", 450, 150_000, 2, 40),
                    OperatorPlan("Birch", 5_500, 3_400_000, 0, 45),
                    OperatorPlan("Cedar", 18_000, 13_000_000, 0, 45),
                    OperatorPlan("Dogwood", 25_000, 28_800_000, 0, 45),
                ),
            ),
        )
    }
)
