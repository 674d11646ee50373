"""What a ring does: where it leaves from, how it pays, when its accounts live, how it spreads its requests."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from pipeline.worlds.crowd import Columns
from pipeline.worlds.dice import Dice, Floats, Ints
from pipeline.worlds.houses import reseller_exits
from pipeline.worlds.net import COUNTRIES
from pipeline.worlds.stage import POPULATION_NAMES, Relay, Stage
from pipeline.worlds.text import N_TOPICS
from pipeline.worlds.world import OperatorPlan, surge, weekend


@dataclass
class Operator:
    """Who runs rings: how careful (0 careless .. 1 very careful), with which prompts, clients and suppliers."""

    name: str
    care: float
    families: list[int]
    language: int
    client: int
    lag: int
    exits: dict[str, int] = field(default_factory=dict)
    vendor: bool = False
    rings: list[int] = field(default_factory=list)


@dataclass
class Plot:
    """A ring as planted: what its tactics decide, and what truth and the price list of evasion need to know of it."""

    operator: int
    size: int
    care: float
    exits: str
    cards: str
    schedule: str
    language: int
    families: list[int] = field(default_factory=list)
    paraphrase: float = 0.0
    mixed: float = 0.0
    rate: float = 1.0
    pool: int = 0
    pool_row: int = -1
    n_exits: int = 0
    card_words: list[int] = field(default_factory=list)
    mail: int = -1
    bought: bool = False
    baited: list[int] = field(default_factory=list)
    members: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))


@dataclass
class Underworld:
    """All operators of a world and their rings."""

    operators: list[Operator] = field(default_factory=list)
    rings: list[Plot] = field(default_factory=list)


def _exits(stage: Stage, operator: Operator, kind: str, size: int, dice: Dice) -> tuple[int, int]:
    """A pool of exits of that kind and how many addresses it has at a time."""
    net = stage.networks
    if kind in operator.exits and dice.chance(0.4):  # satellites on the same infrastructure
        pool = operator.exits[kind]
    elif kind == "few":
        pool = net.few(
            net.choose("hosting" if dice.chance(0.6) else "residential"),
            max(1, min(60, size // dice.whole(4, 25))),
            dice.log_between(0.3, 200),
            scattered=dice.chance(0.5),
        )
    elif kind == "vpn":
        pool = dice.pick(stage.vpns)
    elif kind in ("proxy", "proxy_own"):
        pool = dice.pick(stage.proxies)
    elif kind == "ipv6_48":
        pool = net.ipv6_rotating(net.choose("hosting"), dice.log_between(0.3, 200), dice.whole(1, 4))
    elif kind == "ipv6_many":
        pool = net.ipv6_rotating(net.choose("hosting"), dice.log_between(1, 300), 65535)
    elif kind == "mobile":
        pool = dice.pick(stage.carriers[dice.index(len(COUNTRIES))])
    else:
        pool = reseller_exits(stage, size, dice)
    operator.exits.setdefault(kind, pool)
    return pool, net.size_of(pool)


def tactics(stage: Stage, care: float, dice: Dice) -> tuple[str, str, str]:
    """Draw a way out, a way to pay and a schedule: the more careful the operator, the less they have in common."""
    world = stage.world
    weight = {
        "few": (1 - care) ** 1.5,
        "vpn": 0.4 * (1 - care),
        "proxy": 0.25 + 0.6 * care,
        "proxy_own": care * care,
        "ipv6_48": 0.15,
        "ipv6_many": 0.08 + 0.12 * care,
        "mobile": 0.1 + 0.25 * care,
        "pool": 0.3 if stage.pools else 0.0,
        "shared": 1.2 - care,
        "own": 0.5 * care,
        "virtual": 0.5 * care,
        "none": 0.18,
        "round_robin": 1 - care,
        "least_used": 0.9,
        "sticky": 0.9,
        "fill_first": 0.7,
        "human": 0.25 + 1.3 * care,
    }
    return (
        dice.weighted(world.exits, [weight[k] + 1e-9 for k in world.exits]),
        dice.weighted(world.cards, [weight[k] + 1e-9 for k in world.cards]),
        dice.weighted(world.schedules, [weight[k] for k in world.schedules]),
    )


def dress(stage: Stage, operator: Operator, ring: Plot, columns: Columns, dice: Dice) -> None:
    """Clients, machines, mail domain and firm of the ring's accounts."""
    size, care = ring.size, ring.care
    uniform = dice.rng.random(size) < 1 - 0.7 * care
    columns["client"][uniform] = operator.client
    columns["lag"][uniform] = operator.lag
    machines = dice.weighted(["own", "shared", "none"], [0.4 + care, 1.1 - care, 1.0])
    if machines == "none":
        columns["device"][:] = 0
    elif machines == "shared":
        farm = dice.words(max(1, size // dice.whole(3, 12)))
        columns["device"][:, 0] = farm[dice.rng.integers(len(farm), size=size)]
    if dice.chance(0.25 * (1 - care)):
        columns["mail"][:] = stage.domain(dice)
    if dice.chance(0.12):  # claims to be a firm
        columns["organization"] = stage.organization(stage.frames.library.name())
    ring.mail = int(columns["mail"][0])


def place(stage: Stage, operator: Operator, ring: Plot, columns: Columns, dice: Dice) -> None:
    """Where the ring's accounts leave from, most of the time."""
    kind, size = ring.exits, ring.size
    if kind == "pool" and stage.pools:
        ring.pool_row = dice.index(len(stage.pools))
        rows = np.flatnonzero(stage.cast.peek("pool") == ring.pool_row)
        ring.pool = int(stage.cast.peek("net")[rows[0], 0])
        ring.n_exits = stage.networks.size_of(ring.pool)
        columns["client"][:, 0] = stage.cast.peek("client")[rows[0], 0]
    else:
        ring.pool, ring.n_exits = _exits(stage, operator, kind, size, dice)
    share = np.clip(dice.rng.normal(dice.share(0.7, 0.99), 0.08, size=size), 0.3, 1)
    columns["net"][:, 2] = ring.pool
    columns["net_weight"] = np.stack([(1 - share) * 0.7, (1 - share) * 0.3, share], axis=1)
    if kind in ("few", "ipv6_48") and dice.chance(0.4):  # accounts leave through exits together
        slots = dice.words(max(1, ring.n_exits))
        columns["net_key"][:, 2] = slots[dice.rng.integers(len(slots), size=size)]
    if kind == "proxy_own":  # every account keeps one home of its own
        chosen = dice.rng.integers(len(stage.homes), size=size)
        columns["net"][:, 2] = [stage.homes[i][0] for i in chosen]
        columns["net_key"][:, 2] = np.array([stage.homes[i][1] for i in chosen], dtype=np.uint64)
        ring.n_exits = size


def pay(stage: Stage, operator: Operator, ring: Plot, columns: Columns, vendor: list[int], dice: Dice) -> None:
    """Give the ring's accounts their cards, and note the fingerprints that several share."""
    kind, size = ring.cards, ring.size
    if ring.pool_row >= 0 and dice.chance(0.5):
        rows = np.flatnonzero(stage.cast.peek("pool") == ring.pool_row)
        known = stage.cast.peek("card")[rows, 0]
        known = known[known > 0]
        if len(known):
            columns["card"][:, 0] = known[dice.rng.integers(len(known), size=size)]
            columns["plan"] = np.full(size, 1)
            return
    if kind == "none":
        columns["card"][:] = 0
        columns["plan"] = np.zeros(size, dtype=np.int64)
        return
    columns["plan"] = dice.rng.choice([1, 2], size=size, p=[0.55, 0.45])
    if kind in ("own", "virtual"):
        columns["card"][:, 0] = dice.words(size)
        columns["card_fresh"] = (kind == "virtual") & (dice.rng.random(size) < dice.share(0.2, 0.9))
    else:
        n = max(1, round(size / dice.between(3, 8)))
        cards = [dice.pick(vendor) if operator.vendor and dice.chance(0.4) else int(dice.words(1)[0]) for _ in range(n)]
        columns["card"][:, 0] = np.array(cards, dtype=np.uint64)[dice.rng.integers(n, size=size)]
        ring.card_words = cards
    _unpaid(columns, size, dice)


def _unpaid(columns: Columns, size: int, dice: Dice) -> None:
    """Some accounts of a paying ring still live on the trial."""
    free = dice.rng.random(size) < dice.share(0.0, 0.5)
    columns["card"][free, 0] = 0
    columns["plan"] = np.where(free, 0, columns["plan"])


def lives(stage: Stage, care: float, columns: Columns, size: int, dice: Dice, plan: OperatorPlan | None) -> bool:
    """When the ring's accounts were made, began to work and were banned; returns whether they were bought with an
    age.
    """
    world, rng = stage.world, dice.rng
    first = max(world.fraud_from_day, plan.first_day if plan else -40.0 + dice.between(0, 40 + world.days * 0.4))
    if world.fraud_from_day == 0 and not plan:
        first = dice.between(-120, world.days * 0.4)
    elif world.fraud_from_day > 0:
        first = world.fraud_from_day + dice.between(0, 3)
    if not plan:
        first = min(first, 0.6 * world.days)  # a ring that has not begun is none of this world's
    how = dice.weighted(["burst", "staggered", "bought"], [1 - care, 0.5, 0.3 + 0.7 * care])
    spread = dice.log_between(0.1, 3) if how == "burst" else dice.between(10, 60)
    start = (
        first + rng.exponential(spread, size=size)
        if how != "bought"
        else np.full(size, first) + rng.exponential(4, size=size)
    )
    if plan:
        start = np.minimum(start, plan.last_day - 3)
    dead: Floats = np.full(size, 1e9)
    if world.ban_waves:
        edges = [first, *world.ban_waves, 1e9]
        wave = rng.integers(len(edges) - 1, size=size)
        start = np.array([max(edges[w], first) for w in wave]) + rng.exponential(dice.log_between(0.1, 2), size=size)
        dead = np.array([edges[w + 1] for w in wave]) + rng.random(size) * 0.3
    else:
        _replace(
            start,
            dead,
            dice.share(0.0, 0.5) * (1 - 0.6 * care),
            max(first, 0.0),
            plan.last_day if plan else float(world.days),
            dice,
        )
    if plan:
        dead = np.minimum(dead, plan.last_day)
    columns["dead"], columns["active_from"] = dead, start
    columns["born"] = start - rng.exponential(dice.log_between(0.05, 12), size=size)
    if how == "bought":
        columns["born"] = start - 5 - np.minimum(rng.exponential(200, size=size), 700)
        bought = rng.random(size) < 0.5
        columns["card"][bought, 1] = columns["card"][bought, 0]
        columns["card"][bought, 0] = dice.words(int(bought.sum()))
        columns["card_switch"] = np.where(bought, start, 1e9)
    return how == "bought"


def _replace(start: Floats, dead: Floats, banned: float, begin: float, end: float, dice: Dice) -> None:
    """Ban a share of the accounts; for each banned one another account of the ring begins after a lag."""
    n = len(start)
    k = int(n * banned / (1 + banned))
    order = dice.rng.permutation(n)
    lag = dice.log_between(0.2, 6)
    for old, new in zip(order[:k], order[k : 2 * k], strict=False):
        if end - max(begin, start[old]) > 2:
            dead[old] = dice.rng.uniform(max(begin, start[old]) + 1, end)
            start[new] = dead[old] + dice.rng.exponential(lag)


def bait(stage: Stage, columns: Columns, size: int, dice: Dice) -> list[int]:
    """Use innocents' cards and an innocent's network for some accounts, so that a careless rule accuses them.

    Returns the rows of these innocents (as added).
    """
    population, card = stage.cast.peek("population"), stage.cast.peek("card")
    paying = np.flatnonzero((card[:, 0] > 0) & (population != POPULATION_NAMES.index("ring")))
    if len(paying) == 0:
        return []
    victims = [int(paying[dice.rng.integers(len(paying))]) for _ in range(dice.whole(1, 3))]
    for victim in victims:
        columns["card"][int(dice.rng.integers(size)), 0] = card[victim, 0]
    nets, keys = stage.cast.peek("net"), stage.cast.peek("net_key")
    victim = int(dice.pick(np.flatnonzero(population != POPULATION_NAMES.index("ring")).tolist()))
    some = dice.rng.random(size) < 0.3
    columns["net"][some, 0] = nets[victim, 0]
    columns["net_key"][some, 0] = keys[victim, 0]
    return [*victims, victim]


def like_people(stage: Stage, ring: Plot, columns: Columns, dice: Dice) -> None:
    """Every account has hours and volume of its own, like a person; only what it sends is the ring's."""
    rng, size = dice.rng, ring.size
    columns["rate"] = ring.rate * np.exp(rng.normal(-0.2, dice.between(0.4, 1.0), size=size))
    columns["activity"] = np.clip(rng.beta(2.0, 1.3, size=size), 0.1, 1)
    columns["frame"][:], columns["frame_weight"][:] = -1, 0.0
    own = ring.families
    for i in range(size):
        k = min(len(own), 7, int(rng.integers(1, len(own) + 1)))
        columns["frame"][i, :k] = rng.choice(own, size=k, replace=False)
        columns["frame_weight"][i, :k] = rng.gamma(1.5, 1.0, size=k) + 0.05
    if dice.chance(0.6):
        columns["frame"][:, 7] = dice.pick(stage.frames.agents)
        columns["frame_weight"][:, 7] = dice.log_between(0.1, 4) * rng.gamma(0.6, 1.0, size=size)
    columns["free"] = np.clip(rng.normal(ring.mixed, 0.1, size=size), 0, 0.95)
    if dice.chance(0.5):
        columns["language"][:] = ring.language


def by_relay(stage: Stage, ring: Plot, columns: Columns, dice: Dice) -> Relay:
    """A relay for the ring, its members set later; the accounts themselves send little, and nothing of the ring's."""
    care = ring.care
    columns["rate"] = np.exp(dice.rng.normal(0.5, 0.7, size=ring.size))
    columns["activity"] = np.clip(dice.rng.beta(1.0, 2.5, size=ring.size), 0.02, 0.6) * (0.3 + care)
    hours = [1.0 - care, 0.3 + care, 0.2 + 0.5 * care, 0.3 + 0.5 * care]
    kind = dice.weighted(["flat", "day", "office", "evening"], hours)
    starts = dice.rng.uniform(0, stage.world.days, size=dice.whole(0, 4))
    wrapped = dice.pick([0.0, dice.share(0.02, 0.3), dice.share(0.3, 0.85)])  # what it harvests through an agent
    agents = len(ring.families) * wrapped / (1 - wrapped)
    n_topics = min(N_TOPICS, dice.whole(2, N_TOPICS))
    return Relay(
        np.zeros(0, dtype=np.int64),
        ring.schedule,
        ring.rate,
        stage.profile(kind, dice),
        ahead=dice.pick([8.0, 8.0, 0.0, -6.0, 1.0, 3.0]),
        weekend=dice.share(0.5, 1.0) if care > 0.3 else 1.0,
        uneven=dice.between(0.15, 0.3 + care),
        rest=min(0.85, 0.1 + care * dice.share(0.0, 0.9)),
        turns=max(1.0, dice.log_between(1, 9)),
        keep_talk=dice.chance(0.65),
        gap=dice.log_between(5, 80),
        handoff=dice.share(0.0, 0.2),
        families=(*ring.families, dice.pick(stage.frames.agents)),
        weights=(*(dice.rng.gamma(1.0, 1.0, size=len(ring.families)) + 0.05), agents),
        free=ring.mixed,
        languages=(ring.language, 0),
        systematic=dice.chance(0.5),
        topics=tuple(int(t) for t in dice.rng.choice(N_TOPICS, size=n_topics, replace=False)),
        silences=tuple((float(t), float(t + dice.log_between(0.02, 0.4))) for t in starts),
        quota=dice.whole(8, 60),
        noise=dice.between(0.05, 0.5),
    )


def fit_to_plan(stage: Stage, plan: OperatorPlan, size: int, columns: Columns, relay: Relay | None) -> Relay | None:
    """Scale what a ring sends to its share of the operator's requests, by the days its accounts live and work."""
    world = stage.world
    share = plan.requests * size / plan.accounts
    begin = np.maximum(columns["born"], np.maximum(columns["active_from"], plan.first_day))
    end = np.minimum(columns["dead"], plan.last_day)
    days = np.arange(world.days)
    lived = np.clip(np.minimum(end[:, None], days + 1) - np.maximum(begin[:, None], days), 0, 1)
    busy = np.array([surge(world, int(d)) for d in days])
    quiet = np.array([weekend(world, int(d)) for d in days])
    if relay is None:
        sent = (lived * busy * np.where(quiet, columns["weekend"][:, None], 1.0)).sum(axis=1)
        expected = float((sent * columns["rate"] * columns["activity"]).sum()) * world.volume
        columns["rate"] = columns["rate"] * (share / max(1.0, expected))
        return None
    columns["rate"] = columns["rate"] * 0.1
    # an account counts on every day that it lives in part, for its requests before birth and after death are lost
    sent = float((lived * busy * np.where(quiet, relay.weekend, 1.0)).sum())
    expected = sent * (1 - relay.rest) * float(np.exp(relay.noise**2 / 2))
    return replace(relay, rate=share / max(1.0, expected))
