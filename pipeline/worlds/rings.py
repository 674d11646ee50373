"""The rings of a synthetic world: operators with tactics of their own, each with one or more rings of accounts."""

from __future__ import annotations

from dataclasses import replace

from pipeline.worlds.dice import Dice
from pipeline.worlds.frames import Style
from pipeline.worlds.stage import POPULATION_NAMES, Stage
from pipeline.worlds.tactics import (
    Operator,
    Plot,
    Underworld,
    bait,
    by_relay,
    dress,
    fit_to_plan,
    like_people,
    lives,
    pay,
    place,
    tactics,
)
from pipeline.worlds.text import LANGUAGES, N_TOPICS
from pipeline.worlds.world import OperatorPlan

_CODENAMES = """
    Alder Birch Cedar Dogwood Elm Fir Ginkgo Hazel Ironwood Juniper Katsura Larch Maple Nutmeg Oak Poplar Quince
    Rowan Spruce Teak Umbrella Viburnum Willow Yew Zelkova Acacia Beech Cherry Damson Elder Fig Gorse Holly Ivy
    Jasmine Kauri Lime Myrtle Nettle Olive
"""
CODENAMES = tuple(_CODENAMES.split())


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
        _bleed(stage, under, dice.child("bleed"))
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
    _bleed(stage, under, dice.child("bleed"))
    return under


def _bleed(stage: Stage, under: Underworld, dice: Dice) -> None:
    """Let some resellers' pools carry an operator's requests among those of their other customers."""
    for i, relay in enumerate(stage.relays):
        if relay.sells and under.operators and dice.chance(stage.world.bleed):
            family = dice.pick(dice.pick(under.operators).families)
            weight = sum(relay.weights) * dice.share(0.02, 0.2)
            stage.relays[i] = replace(relay, families=(*relay.families, family), weights=(*relay.weights, weight))


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
    language = dice.weighted(range(len(LANGUAGES)), [0.66, 0.1, 0.08, 0.06, 0.05, 0.05, 0.03])
    wording = care * dice.share(0.2, 0.9) if world.paraphrase is None else world.paraphrase
    brief = dice.share(0.0, 0.9)
    families = [
        stage.frames.private(
            dice,
            language if dice.chance(0.8) else 0,
            dice.index(N_TOPICS),
            Style(
                paraphrase=wording,
                reasoning=dice.chance(0.4),
                long=dice.chance(0.55),
                brief=dice.chance(brief),
                slot_first=dice.chance(0.25),
                talk=dice.chance(0.25),
            ),
        )
        for _ in range(dice.whole(2, 7))
    ]
    client = dice.pick([0, 0, 0, 1, 1, 2, 3, 4, 13, 14, 15])
    return Operator(name, care, families, language, client, dice.index(4), vendor=dice.chance(0.25))


def _ring(
    stage: Stage, under: Underworld, number: int, size: int, vendor: list[int], dice: Dice, plan: OperatorPlan | None
) -> None:
    """Plan a ring of an operator, add its accounts and what drives them."""
    world, operator = stage.world, under.operators[number]
    care = min(1.0, max(0.0, operator.care + dice.between(-0.1, 0.1)))
    ring = Plot(number, size, care, *tactics(stage, care, dice), operator.language)
    columns = stage.people(size, dice)
    place(stage, operator, ring, columns, dice)
    pay(stage, operator, ring, columns, vendor, dice)
    ring.bought = lives(stage, care, columns, size, dice, plan)
    ring.mixed = min(0.9, 0.05 + care * dice.share(0.1, 0.9)) if world.mixed_traffic is None else world.mixed_traffic
    ring.rate = dice.log_between(*((6.0, 45.0) if care < 0.35 else (3.0, 20.0))) * world.ring_volume
    ring.families = operator.families if dice.chance(0.6) else operator.families[: max(1, len(operator.families) // 2)]
    ring.paraphrase = care * 0.5 if world.paraphrase is None else world.paraphrase
    if operator.rings and dice.chance(0.35):  # a satellite with prompts of its own
        style = Style(paraphrase=ring.paraphrase, reasoning=dice.chance(0.5))
        ring.families = stage.private(dice, dice.whole(1, 3), lambda: style, operator.language)
    if dice.chance(world.bait):
        ring.baited = bait(stage, columns, size, dice)
    dress(stage, operator, ring, columns, dice)
    relay = None
    if ring.schedule == "human":
        like_people(stage, ring, columns, dice)
    else:
        relay = by_relay(stage, ring, columns, dice)
    if plan:
        relay = fit_to_plan(stage, plan, size, columns, relay)
    own = {"population": POPULATION_NAMES.index("ring"), "ring": len(under.rings), "pool": ring.pool_row}
    ring.members = stage.cast.add(size, **{**columns, **own, "group": stage.group(), "scheduled": relay is not None})
    if relay:
        stage.relays.append(replace(relay, members=ring.members))
    operator.rings.append(len(under.rings))
    under.rings.append(ring)
