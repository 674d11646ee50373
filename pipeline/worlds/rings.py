"""The rings of a synthetic world: operators with tactics of their own, each with one or more rings of accounts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pipeline.worlds.crowd import Columns
from pipeline.worlds.dice import Dice, Floats, Ints
from pipeline.worlds.frames import Style
from pipeline.worlds.houses import reseller_exits
from pipeline.worlds.net import COUNTRIES
from pipeline.worlds.stage import POPULATION_NAMES, Relay, Stage
from pipeline.worlds.text import LANGUAGES, N_TOPICS
from pipeline.worlds.world import OperatorPlan

_CODENAMES = """
    Alder Birch Cedar Dogwood Elm Fir Ginkgo Hazel Ironwood Juniper Katsura Larch Maple Nutmeg Oak Poplar Quince
    Rowan Spruce Teak Umbrella Viburnum Willow Yew Zelkova Acacia Beech Cherry Damson Elder Fig Gorse Holly Ivy
    Jasmine Kauri Lime Myrtle Nettle Olive
"""
CODENAMES = tuple(_CODENAMES.split())


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
class Ring:
    """A ring as planted: what truth and the price list of evasion need to know."""

    operator: int
    members: Ints
    exits: str
    cards: str
    schedule: str
    care: float
    paraphrase: float
    mixed: float
    n_exits: int
    pool_ids: list[int]
    card_words: list[int]
    families: list[int]
    mail: int = -1
    bought: bool = False
    bait: bool = False


@dataclass
class Underworld:
    operators: list[Operator] = field(default_factory=list)
    rings: list[Ring] = field(default_factory=list)


def plant(stage: Stage, dice: Dice) -> Underworld:
    """Add all rings of the world to the stage."""
    world, under = stage.world, Underworld()
    vendor = [int(w) for w in dice.words(max(6, int(world.n_accounts * max(world.prevalence, 0.002) / 12)))]
    if world.operators:
        for plan in world.operators:
            operator = _operator(stage, plan.codename, dice.child(plan.codename))
            under.operators.append(operator)
            for i, size in enumerate(_sizes(plan.accounts, world.ring_size, 1.0, dice)):
                _ring(stage, under, len(under.operators) - 1, size, vendor, dice.child(plan.codename, i), plan)
        return under
    n = round(world.n_accounts * world.prevalence)
    sizes = _sizes(n, world.ring_size, world.largest_ring_share, dice)
    n_operators = max(1, round(len(sizes) / world.rings_per_operator)) if sizes else 0
    for i in range(n_operators):
        name = CODENAMES[i % len(CODENAMES)] + (f"-{i // len(CODENAMES) + 1}" if i >= len(CODENAMES) else "")
        under.operators.append(_operator(stage, name, dice.child("operator", i)))
    for i, size in enumerate(sizes):
        chosen = i if i < n_operators else int(dice.rng.integers(n_operators))
        _ring(stage, under, chosen, size, vendor, dice.child("ring", i), None)
    return under


def _sizes(n: int, between: tuple[float, float], largest: float, dice: Dice) -> list[int]:
    """Heavy-tailed sizes that sum to n; no ring has more than the largest share, none fewer than three accounts."""
    low, high = between[0], max(between[0] + 1, min(between[1], n * largest))
    sizes: list[int] = []
    while sum(sizes) < n:
        u = dice.rng.random()
        size = int(low / (1 - u * (1 - low / high)))  # density falls with the square of the size
        sizes.append(min(max(3, size), n - sum(sizes)))
    if len(sizes) > 1 and sizes[-1] < 3:
        last = sizes.pop()
        sizes[-1] += last
    return sizes


def _operator(stage: Stage, name: str, dice: Dice) -> Operator:
    world = stage.world
    care = min(1.0, max(0.0, dice.between(*world.evasion)))
    language = dice.weighted(range(len(LANGUAGES)), [0.62, 0.12, 0.09, 0.06, 0.05, 0.05, 0.03])
    wording = care * dice.share(0.2, 0.9) if world.paraphrase is None else world.paraphrase
    families = [
        stage.frames.private(
            dice,
            language if dice.chance(0.8) else 0,
            dice.index(N_TOPICS),
            Style(
                paraphrase=wording,
                reasoning=dice.chance(0.5),
                long=dice.chance(0.7),
                slot_first=dice.chance(0.25),
                talk=dice.chance(0.25),
            ),
        )
        for _ in range(dice.whole(2, 7))
    ]
    client = dice.pick([0, 0, 0, 1, 1, 2, 3, 4, 13, 14, 15])
    return Operator(name, care, families, language, client, dice.index(4), vendor=dice.chance(0.25))


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


def _tactics(stage: Stage, care: float, dice: Dice) -> tuple[str, str, str]:
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


def _ring(
    stage: Stage,
    under: Underworld,
    operator_index: int,
    size: int,
    vendor: list[int],
    dice: Dice,
    plan: OperatorPlan | None,
) -> None:
    world, operator = stage.world, under.operators[operator_index]
    care = min(1.0, max(0.0, operator.care + dice.between(-0.1, 0.1)))
    exits, cards, schedule = _tactics(stage, care, dice)
    columns = stage.people(size, dice)
    pool_row = dice.index(len(stage.pools)) if exits == "pool" and stage.pools else -1
    pool, n_exits = _place(stage, operator, exits, pool_row, columns, size, dice)
    fingerprints = _pay(stage, operator, cards, pool_row, columns, size, vendor, dice)
    bought = _lives(stage, care, columns, size, dice, plan)
    mixed = min(0.9, 0.05 + care * dice.share(0.1, 0.9)) if world.mixed_traffic is None else world.mixed_traffic
    low, high = (6.0, 45.0) if care < 0.35 else (3.0, 20.0)
    rate = dice.log_between(low, high) * world.ring_volume
    if plan:
        alive = np.clip(
            np.minimum(columns["dead"], plan.last_day)
            - np.maximum(columns["born"], np.maximum(columns["active_from"], plan.first_day)),
            0,
            None,
        )
        rate = plan.requests * (size / plan.accounts) / max(1.0, float(alive.sum()))
    own = operator.families if dice.chance(0.6) else operator.families[: max(1, len(operator.families) // 2)]
    if len(operator.rings) and dice.chance(0.35):  # a satellite with prompts of its own
        wording = care * 0.5 if world.paraphrase is None else world.paraphrase
        own = stage.private(
            dice, dice.whole(1, 3), lambda: Style(paraphrase=wording, reasoning=dice.chance(0.5)), operator.language
        )
    bait = dice.chance(world.bait)
    if bait:
        _bait(stage, columns, size, dice)
    uniform = dice.rng.random(size) < 1 - 0.7 * care
    columns["client"][uniform] = operator.client
    columns["lag"][uniform] = operator.lag
    machines = dice.weighted(["own", "shared", "none"], [0.4 + care, 1.1 - care, 0.4])
    if machines == "none":
        columns["device"][:] = 0
    elif machines == "shared":
        farm = dice.words(max(1, size // dice.whole(3, 12)))
        columns["device"][:, 0] = farm[dice.rng.integers(len(farm), size=size)]
    if dice.chance(0.25 * (1 - care)):
        columns["mail"][:] = stage.domain(dice)
    if dice.chance(0.25):  # claims to be a firm
        columns["organization"] = stage.organization(stage.frames.library.name())
    human = schedule == "human"
    if human:
        _human(columns, size, own, operator, rate, mixed, dice)
    else:
        columns["rate"] = np.exp(dice.rng.normal(0.5, 0.7, size=size))
        columns["activity"] = np.clip(dice.rng.beta(1.0, 2.5, size=size), 0.02, 0.6) * (0.3 + care)
    rows = stage.cast.add(
        size,
        **{
            **columns,
            "population": POPULATION_NAMES.index("ring"),
            "ring": len(under.rings),
            "pool": pool_row,
            "group": stage.group(),
            "scheduled": not human,
        },
    )
    if not human:
        _relay(stage, rows, schedule, rate, care, mixed, own, operator, dice)
    operator.rings.append(len(under.rings))
    wording = care * 0.5 if world.paraphrase is None else world.paraphrase
    under.rings.append(
        Ring(
            operator_index,
            rows,
            exits,
            cards,
            schedule,
            care,
            wording,
            mixed,
            n_exits,
            [pool],
            fingerprints,
            list(own),
            int(columns["mail"][0]),
            bought,
            bait,
        )
    )


def _place(
    stage: Stage, operator: Operator, kind: str, pool_row: int, columns: Columns, size: int, dice: Dice
) -> tuple[int, int]:
    if pool_row >= 0:
        rows = np.flatnonzero(stage.cast.peek("pool") == pool_row)
        pool = int(stage.cast.peek("net")[rows[0], 0])
        n_exits = stage.networks.size_of(pool)
        columns["client"][:, 0] = stage.cast.peek("client")[rows[0], 0]
    else:
        pool, n_exits = _exits(stage, operator, kind, size, dice)
    share = np.clip(dice.rng.normal(dice.share(0.7, 0.99), 0.08, size=size), 0.3, 1)
    columns["net"][:, 2] = pool
    columns["net_weight"] = np.stack([(1 - share) * 0.7, (1 - share) * 0.3, share], axis=1)
    if kind in ("few", "ipv6_48") and dice.chance(0.4):  # accounts leave through exits together
        slots = dice.words(max(1, n_exits))
        columns["net_key"][:, 2] = slots[dice.rng.integers(len(slots), size=size)]
    if kind == "proxy_own":  # every account keeps one home of its own
        chosen = dice.rng.integers(len(stage.homes), size=size)
        columns["net"][:, 2] = [stage.homes[i][0] for i in chosen]
        columns["net_key"][:, 2] = np.array([stage.homes[i][1] for i in chosen], dtype=np.uint64)
        n_exits = size
    return pool, n_exits


def _pay(
    stage: Stage,
    operator: Operator,
    kind: str,
    pool_row: int,
    columns: Columns,
    size: int,
    vendor: list[int],
    dice: Dice,
) -> list[int]:
    """Give the ring's accounts their cards; returns the fingerprints that several may share."""
    if pool_row >= 0 and dice.chance(0.5):
        rows = np.flatnonzero(stage.cast.peek("pool") == pool_row)
        known = stage.cast.peek("card")[rows, 0]
        known = known[known > 0]
        if len(known):
            columns["card"][:, 0] = known[dice.rng.integers(len(known), size=size)]
            columns["plan"] = np.full(size, 1)
            return []
    if kind == "none":
        columns["card"][:] = 0
        columns["plan"] = np.zeros(size, dtype=np.int64)
        return []
    columns["plan"] = dice.rng.choice([1, 2], size=size, p=[0.7, 0.3])
    if kind in ("own", "virtual"):
        columns["card"][:, 0] = dice.words(size)
        columns["card_fresh"] = (kind == "virtual") & (dice.rng.random(size) < dice.share(0.2, 0.9))
        _unpaid(columns, size, dice)
        return []
    per_card = dice.between(3, 8)
    n = max(1, round(size / per_card))
    cards = [dice.pick(vendor) if operator.vendor and dice.chance(0.4) else int(dice.words(1)[0]) for _ in range(n)]
    columns["card"][:, 0] = np.array(cards, dtype=np.uint64)[dice.rng.integers(n, size=size)]
    _unpaid(columns, size, dice)
    return cards


def _unpaid(columns: Columns, size: int, dice: Dice) -> None:
    """Some accounts of a paying ring still live on the trial."""
    free = dice.rng.random(size) < dice.share(0.0, 0.5)
    columns["card"][free, 0] = 0
    columns["plan"] = np.where(free, 0, columns["plan"])


def _lives(stage: Stage, care: float, columns: Columns, size: int, dice: Dice, plan: OperatorPlan | None) -> bool:
    """When the ring's accounts were made, began to work and were banned; returns whether they were bought with an
    age.
    """
    world, rng = stage.world, dice.rng
    first = max(world.fraud_from_day, plan.first_day if plan else -40.0 + dice.between(0, 40 + world.days * 0.4))
    if world.fraud_from_day == 0 and not plan:
        first = dice.between(-120, world.days * 0.4)
    elif world.fraud_from_day > 0:
        first = world.fraud_from_day + dice.between(0, 3)
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


def _bait(stage: Stage, columns: Columns, size: int, dice: Dice) -> None:
    """Use an innocent's card and an innocent's network for some accounts, so that a careless rule accuses the
    innocent.
    """
    population, card = stage.cast.peek("population"), stage.cast.peek("card")
    paying = np.flatnonzero((card[:, 0] > 0) & (population != POPULATION_NAMES.index("ring")))
    for _ in range(dice.whole(1, 3)):
        victim, row = int(paying[dice.rng.integers(len(paying))]), int(dice.rng.integers(size))
        columns["card"][row, 0] = card[victim, 0]
    nets, keys = stage.cast.peek("net"), stage.cast.peek("net_key")
    victim = int(dice.rng.integers(len(nets)))
    some = dice.rng.random(size) < 0.3
    columns["net"][some, 0] = nets[victim, 0]
    columns["net_key"][some, 0] = keys[victim, 0]


def _human(
    columns: Columns, size: int, own: list[int], operator: Operator, rate: float, mixed: float, dice: Dice
) -> None:
    """Every account has hours and volume of its own, like a person; only what it sends is the ring's."""
    rng = dice.rng
    columns["rate"] = rate * np.exp(rng.normal(-0.2, dice.between(0.4, 1.0), size=size))
    columns["activity"] = np.clip(rng.beta(2.0, 1.3, size=size), 0.1, 1)
    columns["frame"][:], columns["frame_weight"][:] = -1, 0.0
    for i in range(size):
        k = min(len(own), 8, int(rng.integers(1, len(own) + 1)))
        columns["frame"][i, :k] = rng.choice(own, size=k, replace=False)
        columns["frame_weight"][i, :k] = rng.gamma(1.5, 1.0, size=k) + 0.05
    columns["free"] = np.clip(rng.normal(mixed, 0.1, size=size), 0, 0.95)
    if dice.chance(0.5):
        columns["language"][:] = operator.language


def _relay(
    stage: Stage,
    rows: Ints,
    schedule: str,
    rate: float,
    care: float,
    mixed: float,
    own: list[int],
    operator: Operator,
    dice: Dice,
) -> None:
    kind = dice.weighted(
        ["flat", "day", "office", "evening"], [1.0 - care, 0.3 + care, 0.2 + 0.5 * care, 0.3 + 0.5 * care]
    )
    quiet: Any = [
        (float(t), float(t + dice.log_between(0.02, 0.4)))
        for t in dice.rng.uniform(0, stage.world.days, size=dice.whole(0, 4))
    ]
    stage.relays.append(
        Relay(
            rows,
            schedule,
            rate,
            stage.profile(kind, dice),
            ahead=dice.pick([8.0, 8.0, 0.0, -6.0, 1.0, 3.0]),
            weekend=dice.share(0.5, 1.0) if care > 0.3 else 1.0,
            uneven=dice.between(0.15, 0.3 + care),
            rest=min(0.85, 0.1 + care * dice.share(0.0, 0.9)),
            turns=dice.log_between(1, 9),
            keep_talk=dice.chance(0.65),
            gap=dice.log_between(5, 80),
            handoff=dice.share(0.0, 0.2),
            families=tuple(own),
            weights=tuple(dice.rng.gamma(1.0, 1.0, size=len(own)) + 0.05),
            free=mixed,
            languages=(operator.language, 0),
            systematic=dice.chance(0.5),
            topics=tuple(int(t) for t in dice.rng.choice(N_TOPICS, size=min(N_TOPICS, dice.whole(2, N_TOPICS)), replace=False)),
            silences=tuple(quiet),
            quota=dice.whole(8, 60),
            noise=dice.between(0.05, 0.5),
        )
    )
