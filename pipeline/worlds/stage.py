"""What every group of a synthetic world is built with: networks, prompts, hours of the day, mail domains, and
ordinary people.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pipeline.worlds.cast import N_FRAMES, Cast, account_ids, opaque
from pipeline.worlds.dice import Dice, Floats, Ints
from pipeline.worlds.frames import Frames, Style
from pipeline.worlds.net import COUNTRIES, Networks
from pipeline.worlds.text import LANGUAGES, N_TOPICS, Library
from pipeline.worlds.world import POPULATIONS, World

POPULATION_NAMES = (*POPULATIONS, "ring")
MAILS = tuple(f"mail-{c}.example" for c in "abcdefghij")
_HOURS = {  # peaks: (hour, width, weight)
    "evening": ((20, 2.5, 0.6), (13, 3.0, 0.4)),
    "day": ((11, 3.0, 0.5), (16, 3.0, 0.4), (21, 2.0, 0.2)),
    "office": ((10, 1.5, 0.5), (15, 1.8, 0.5)),
    "night": ((23, 3.0, 0.8), (3, 2.0, 0.3)),
    "student": ((15, 4.0, 0.6), (22, 2.5, 0.5)),
    "flat": ((12, 40.0, 1.0),),
}
CLIENTS = (
    "python-client",
    "node-client",
    "go-client",
    "java-client",
    "curl",
    "quillcode-cli",
    "harborpilot",
    "lanternloop",
    "web-chrome",
    "web-firefox",
    "web-safari",
    "ios-app",
    "android-app",
    "relay-gate",
    "relay-hub",
    "dotnet-client",
)


def _to_one(values: list[float]) -> Floats:
    p = np.array(values)
    return np.asarray(p / p.sum())


_COUNTRY_SHARES = _to_one([c.share for c in COUNTRIES])
_MAIL_SHARES = _to_one([1.0 / (i + 1) for i in range(len(MAILS))])
_CLIENT_SHARES = _to_one(
    [0.22, 0.13, 0.03, 0.03, 0.04, 0.1, 0.06, 0.03, 0.12, 0.04, 0.05, 0.05, 0.04, 0.02, 0.02, 0.04]
)
MODELS = ("sable-3", "sable-3-mini", "sable-4", "sable-4-mini", "sable-3-vision")
N_VERSIONS = 8
_SYSTEMS = ("linux", "mac", "windows", "cloud")


def client_version(client: int, version: int) -> str:
    """The client string that a request carries."""
    return f"{CLIENTS[client]}/{1 + version // 4}.{version % 4} ({_SYSTEMS[(client + version // 5) % 4]})"


@dataclass(frozen=True)
class Relay:
    """Software that spreads a stream of conversations over the accounts of a pool, a ring or a hobby team.

    `rate` is requests an account and day; `uneven` the log-normal width of the accounts' weights under `sticky`; `rest`
    the share of accounts that stay silent on a day; `handoff` the chance that a conversation goes on with another
    account; `keep_talk` leaves a conversation with one account otherwise; `systematic` walks through the topics in
    order; `sells` marks a pool that takes tenants. `families` and `weights` are its frames, the rest is free text.
    """

    members: Ints
    schedule: str
    rate: float
    profile: int
    ahead: float = 0.0
    weekend: float = 1.0
    uneven: float = 0.3
    rest: float = 0.0
    turns: float = 1.0
    gap: float = 40.0
    handoff: float = 0.02
    families: tuple[int, ...] = ()
    weights: tuple[float, ...] = ()
    free: float = 0.0
    languages: tuple[int, ...] = (0,)
    systematic: bool = False
    topics: tuple[int, ...] = ()
    silences: tuple[tuple[float, float], ...] = ()
    quota: int = 40
    noise: float = 0.2
    keep_talk: bool = False
    sells: bool = False


@dataclass
class Stage:
    """The world under construction."""

    world: World
    dice: Dice
    cast: Cast = field(default_factory=Cast)
    relays: list[Relay] = field(default_factory=list)
    mails: list[str] = field(default_factory=lambda: list(MAILS))
    organizations: list[str] = field(default_factory=list)
    pools: list[str] = field(default_factory=list)
    homes: list[tuple[int, int]] = field(default_factory=list)
    groups: int = 0

    def __post_init__(self) -> None:
        self.networks = Networks(self.dice.child("networks"))
        self.frames = Frames(Library(self.dice.child("library")), self.dice.child("frames"))
        self.profiles: dict[str, list[int]] = {}
        self.quantiles = self._make_profiles(self.dice.child("hours"))
        self._make_areas(self.dice.child("areas"))
        self.proxies = self._make_proxies(self.dice.child("proxies"))

    def _make_profiles(self, dice: Dice) -> Floats:
        tables: list[Floats] = []
        grid = np.arange(0, 24, 0.25) + 0.125
        for kind, peaks in _HOURS.items():
            self.profiles[kind] = []
            for _ in range(10):
                density = np.full(len(grid), dice.between(0.004, 0.05))
                for hour, width, weight in peaks:
                    at, w = hour + dice.rng.normal(0, 1.2), width * dice.between(0.7, 1.4)
                    away = np.minimum(np.abs(grid - at) % 24, 24 - np.abs(grid - at) % 24)
                    density += weight * dice.between(0.6, 1.4) * np.exp(-0.5 * (away / w) ** 2) / w
                if kind == "flat":
                    density = 1.0 + dice.between(0, 0.25) * np.cos((grid - dice.between(0, 24)) / 24 * 2 * np.pi)
                cumulative = np.concatenate([[0.0], np.cumsum(density)])
                self.profiles[kind].append(len(tables))
                tables.append(np.interp(np.linspace(0, cumulative[-1], 513), cumulative, np.arange(0, 24.25, 0.25)))
        return np.array(tables)

    def _make_areas(self, dice: Dice) -> None:
        """Neighbourhoods and carriers of each country; their number follows the population, carriers' exits do not."""
        net, n = self.networks, self.world.n_accounts
        self.areas: list[list[int]] = []
        self.carriers: list[list[int]] = []
        self.vpns = [net.few(net.choose("vpn"), dice.whole(6, 40), dice.log_between(2, 40)) for _ in range(6)]
        self.clouds = [
            net.few(net.choose("hosting"), dice.whole(200, 900), dice.log_between(0.1, 2.0)) for _ in range(3)
        ]
        for i, country in enumerate(COUNTRIES):
            n_areas = max(2, int(n * country.share / dice.between(25, 90)))
            self.areas.append([])
            for _ in range(n_areas):
                provider = net.choose("residential", i)
                if dice.chance(0.33):
                    self.areas[i].append(net.ipv6_home(provider, dice.log_between(4, 24 * 20)))
                else:
                    self.areas[i].append(net.area(provider, dice.whole(20, 24), dice.log_between(12, 24 * 30)))
            self.carriers.append(
                [net.few(net.choose("mobile", i), dice.whole(2, 14), dice.log_between(0.5, 8)) for _ in range(2)]
            )

    def _make_proxies(self, dice: Dice) -> list[int]:
        """Residential proxy services: many homes each, some sold by several of them; innocents live in most of these
        homes.
        """
        homes = []
        for _ in range(self.world.resold_homes):
            country = self.country(dice)
            homes.append((dice.pick(self.areas[country]), int(dice.words(1)[0])))
        self.homes = homes
        services = []
        for _ in range(4):
            size = int(len(homes) * dice.share(0.25, 0.7))
            chosen = dice.rng.choice(len(homes), size=size, replace=False)
            services.append(self.networks.proxy([homes[i] for i in chosen], dice.log_between(2, 300)))
        return services

    # ---- small things -----------------------------------------------------------------------------------------------

    def profile(self, kind: str, dice: Dice) -> int:
        return dice.pick(self.profiles[kind])

    def mail(self, domain: str) -> int:
        self.mails.append(domain)
        return len(self.mails) - 1

    def organization(self, name: str) -> int:
        self.organizations.append(name)
        return len(self.organizations) - 1

    def domain(self, dice: Dice, ending: str = "example") -> int:
        return self.mail(f"{self.frames.library.name().lower()}{dice.whole(1, 99)}.{ending}")

    def group(self) -> int:
        self.groups += 1
        return self.groups

    def country(self, dice: Dice) -> int:
        return dice.weighted(range(len(COUNTRIES)), [c.share for c in COUNTRIES])

    def language_of(self, country: int, dice: Dice) -> int:
        return LANGUAGES.index(COUNTRIES[country].language) if dice.chance(0.75) else 0

    def births(self, n: int, dice: Dice, fresh: float = 0.3) -> Floats:
        """Days of creation: a share within the world's days, the others up to two years before."""
        rng = dice.rng
        old = -np.minimum(rng.exponential(220.0, size=n), 720.0)
        return np.where(rng.random(n) < fresh, rng.random(n) * self.world.days, old)

    def deaths(self, n: int, dice: Dice, share: float = 0.06) -> Floats:
        rng = dice.rng
        return np.where(rng.random(n) < share, rng.random(n) * self.world.days * 1.05, 1e9)

    def people(self, n: int, dice: Dice, country: int | None = None) -> dict[str, Any]:
        """Columns of n ordinary people: each draws home, hours, volume, devices, card and habits of its own."""
        rng = dice.rng
        countries = rng.choice(len(COUNTRIES), size=n, p=_COUNTRY_SHARES) if country is None else np.full(n, country)
        home = np.array([self.areas[c][int(rng.integers(len(self.areas[c])))] for c in countries], dtype=np.int64)
        phone = np.array([self.carriers[c][int(rng.integers(2))] for c in countries], dtype=np.int64)
        second = np.where(rng.random(n) < 0.45, rng.beta(1.2, 4.0, size=n), 0.0)
        keys = dice.words(3 * n).reshape(n, 3)
        for i in np.flatnonzero(rng.random(n) < 0.08):  # somebody whose home is resold by a proxy service
            home[i], keys[i, 0] = self.homes[int(rng.integers(len(self.homes)))]
        own = np.array([LANGUAGES.index(COUNTRIES[c].language) for c in countries])
        kinds = rng.choice(["evening", "day", "office", "night", "student"], size=n, p=[0.34, 0.3, 0.16, 0.1, 0.1])
        paid = rng.random(n) < 0.6
        language = np.where(rng.random(n) < 0.75, own, 0)
        frame, weight, free = self._habits(n, language, dice)
        columns = {
            "country": countries,
            "language": language,
            "ahead": np.array([COUNTRIES[c].ahead for c in countries]) + rng.normal(0, 0.8, size=n),
            "born": self.births(n, dice),
            "dead": self.deaths(n, dice),
            "plan": np.where(paid, rng.choice([1, 2], size=n, p=[0.7, 0.3]), 0),
            "mail": rng.choice(len(MAILS), size=n, p=_MAIL_SHARES),
            "rate": np.exp(rng.normal(1.2, 1.0, size=n)),
            "activity": np.clip(rng.beta(1.1, 1.6, size=n), 0.03, 1.0),
            "weekend": np.exp(rng.normal(-0.1, 0.4, size=n)),
            "burst": np.exp(rng.normal(0.6, 0.7, size=n)),
            "profile": np.array([self.profiles[k][int(rng.integers(10))] for k in kinds]),
            "session": np.exp(rng.normal(1.2, 0.5, size=n)) + 1,
            "gap": np.exp(rng.normal(4.4, 0.7, size=n)),
            "net": np.stack([home, phone, home], axis=1),
            "net_weight": np.stack([1 - second, second, np.zeros(n)], axis=1),
            "net_key": keys,
            "device": np.where(
                rng.random((n, 1)) < 0.3,
                0,
                np.stack([dice.words(n), np.where(rng.random(n) < 0.35, dice.words(n), 0)], axis=1),
            ).astype(np.uint64),
            "client": rng.choice(len(CLIENTS), size=(n, 2), p=_CLIENT_SHARES),
            "lag": rng.choice(4, size=n, p=[0.45, 0.3, 0.15, 0.1]),
            "model": rng.choice(len(MODELS), size=n, p=[0.4, 0.3, 0.1, 0.12, 0.08]),
            "card": np.stack([np.where(paid, dice.words(n), 0), dice.words(n)], axis=1),
            "card_switch": np.where(rng.random(n) < 0.22, rng.uniform(-300, self.world.days, size=n), 1e9),
            "frame": frame,
            "frame_weight": weight,
            "free": free,
            "topic": rng.integers(N_TOPICS, size=(n, 3)),
            "organization": np.full(n, -1, dtype=np.int64),
            "answer": np.exp(rng.normal(5.7, 0.7, size=n)),
        }
        self._builders(columns, np.flatnonzero(rng.random(n) < 0.38), dice)
        return columns

    def _builders(self, columns: dict[str, Any], rows: Ints, dice: Dice) -> None:
        """People whose account serves a little program of their own: private prompts, odd hours, addresses of a
        cloud.
        """
        rng, n = dice.rng, len(rows)
        columns["frame"][rows], columns["frame_weight"][rows] = -1, 0.0
        for row in rows:
            style = Style(
                reasoning=dice.chance(0.4),
                long=dice.chance(0.6),
                slot_first=dice.chance(0.2),
                talk=dice.chance(0.25),
                brief=dice.chance(0.35),
            )
            language = int(columns["language"][row])
            for k in range(int(rng.choice([1, 2, 3, 5], p=[0.5, 0.25, 0.15, 0.1]))):
                columns["frame"][row, 3 + k] = self.frames.private(dice, language, dice.index(N_TOPICS), style)
                columns["frame_weight"][row, 3 + k] = float(rng.gamma(0.8)) + 0.05
        agents = rows[rng.random(n) < 0.45]
        columns["frame"][agents, 1] = rng.choice(self.frames.agents, size=len(agents), p=[0.5, 0.3, 0.2])
        columns["frame_weight"][agents, 1] = rng.gamma(2.0, 1.2, size=len(agents))
        columns["free"][rows] = rng.beta(0.6, 2.5, size=n)
        columns["rate"][rows] = np.exp(rng.normal(2.1, 0.9, size=n))
        columns["activity"][rows] = rng.beta(1.3, 0.9, size=n)
        columns["weekend"][rows] = np.exp(rng.normal(-0.05, 0.2, size=n))
        flat = rows[rng.random(n) < 0.6]
        columns["profile"][flat] = rng.choice(self.profiles["flat"], size=len(flat))
        columns["session"][rows] = np.where(rng.random(n) < 0.5, 1.0, np.exp(rng.normal(0.8, 0.6, size=n)) + 1)
        columns["gap"][rows] = np.exp(rng.normal(3.2, 1.0, size=n))
        columns["device"][rows[rng.random(n) < 0.6]] = 0
        for row in rows[rng.random(n) < 0.25]:
            columns["organization"][row] = self.organization(self.frames.library.name())
        programs, often = [0, 1, 2, 3, 4, 15, 14], [0.45, 0.25, 0.08, 0.07, 0.05, 0.04, 0.06]
        columns["client"][rows] = rng.choice(programs, size=(n, 1), p=often)
        clouded = rows[rng.random(n) < 0.4]
        columns["net"][clouded, 2] = rng.choice(self.clouds, size=len(clouded))
        columns["net_weight"][clouded, 2] = rng.gamma(2.0, 2.0, size=len(clouded))

    def _habits(self, n: int, language: Ints, dice: Dice) -> tuple[Ints, Floats, Floats]:
        """What ordinary people send beside free text: an own habit, an agent, a public prompt."""
        rng, frames = dice.rng, self.frames
        family = np.full((n, N_FRAMES), -1, dtype=np.int64)
        weight = np.zeros((n, N_FRAMES))
        has = rng.random((n, 3)) < np.array([0.3, 0.6, 0.2])
        for i in np.flatnonzero(has[:, 0]):
            family[i, 0] = frames.personal(dice, int(language[i]))
        family[:, 1] = rng.choice(frames.agents, size=n, p=[0.5, 0.3, 0.2])
        family[:, 2] = frames.pick_public(dice, n)
        weight[:, :3] = has * rng.gamma(1.2, 1.0, size=(n, 3)) * np.array([1.0, 3.0, 1.0])
        free = 1.0 / (1.0 + weight.sum(axis=1) * rng.gamma(1.5, 0.7, size=n))
        return np.where(weight > 0, family, -1), weight, free

    def private(self, dice: Dice, n: int, style: Any, language: int | None = None) -> list[int]:
        """n families of frames that nobody else has."""
        return [
            self.frames.private(dice, 0 if language is None else language, dice.index(N_TOPICS), style())
            for _ in range(n)
        ]


__all__ = ["CLIENTS", "MODELS", "N_VERSIONS", "POPULATION_NAMES", "Relay", "Stage", "account_ids", "opaque"]
