"""Innocent groups of a synthetic world that work together, and so look most like rings: companies, campuses,
agencies, pools.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pipeline.worlds.crowd import enter, grouped, in_groups
from pipeline.worlds.dice import Dice
from pipeline.worlds.frames import Style
from pipeline.worlds.stage import Relay, Stage


def _style(dice: Dice) -> Callable[[], Style]:
    """How one house words its internal prompts; some ask for the steps, some paraphrase by hand."""
    wording, steps, talk = dice.share(0.0, 0.35), dice.share(0.0, 0.6), dice.share(0.0, 0.5)
    return lambda: Style(
        paraphrase=wording,
        reasoning=dice.chance(steps),
        brief=dice.chance(0.3),
        long=dice.chance(0.6),
        slot_first=dice.chance(0.2),
        talk=dice.chance(talk),
    )


def company(stage: Stage, n: int, dice: Dice) -> None:
    """Behind a few addresses with one to three cards, internal prompts, office hours; sometimes a batch job among the
    people.
    """
    for size in in_groups(n, 3, 120, dice):
        _house(
            stage,
            "company",
            size,
            dice,
            office=dice.share(0.45, 0.98),
            cards=dice.whole(1, 3),
            frames=dice.whole(1, 10),
            free=(0.05, 0.95),
        )


def remote_company(stage: Stage, n: int, dice: Dice) -> None:
    """No office: shared card and prompts, everybody at home."""
    for size in in_groups(n, 4, 80, dice):
        _house(
            stage,
            "remote_company",
            size,
            dice,
            office=0.0,
            cards=dice.whole(1, 3),
            frames=dice.whole(1, 8),
            free=(0.05, 0.9),
        )


def agency(stage: Stage, n: int, dice: Dice) -> None:
    """One office, one or two cards, private prompts with long slots used by all: of all innocents the most like a
    ring.
    """
    for size in in_groups(n, 5, 45, dice):
        _house(
            stage,
            "agency",
            size,
            dice,
            office=dice.share(0.6, 0.98),
            cards=dice.whole(1, 2),
            frames=dice.whole(3, 8),
            free=(0.0, 0.45),
        )


def _house(
    stage: Stage,
    population: str,
    size: int,
    dice: Dice,
    *,
    office: float,
    cards: int,
    frames: int,
    free: tuple[float, float],
) -> None:
    rng, net = dice.rng, stage.networks
    country = stage.country(dice)
    columns = stage.people(size, dice, country if office else None)
    kind = dice.weighted(["corporate", "residential", "hosting"], [0.6, 0.3, 0.1])
    place = net.few(net.choose(kind, country), dice.whole(1, 6), dice.log_between(4, 600))
    shares = np.clip(rng.normal(office, 0.15, size=size), 0.02, 1) if office else np.zeros(size)
    columns["net"][:, 2] = place
    columns["net_weight"] = np.stack([(1 - shares) * 0.8, (1 - shares) * 0.2, shares], axis=1)
    language = stage.language_of(country, dice)
    grouped(columns, size, stage.private(dice, frames, _style(dice), language), free, dice)
    spare = rng.random(size) < dice.share(0.1, 0.9)
    columns["frame"][spare, 7] = dice.pick(stage.frames.agents)
    columns["frame_weight"][spare, 7] = (
        columns["frame_weight"][spare, :7].sum(axis=1) * rng.gamma(1.5, 1, size=int(spare.sum())) + 0.1
    )
    hours = stage.profile("office" if dice.chance(0.8) else "day", dice)
    columns["profile"] = np.where(rng.random(size) < dice.share(0.6, 1.0), hours, columns["profile"])
    columns["rate"] = np.exp(rng.normal(np.log(dice.log_between(3, 12)), dice.between(0.6, 1.2), size=size))
    columns["activity"] = np.clip(rng.beta(2.2, 1.6, size=size), 0.05, 1)
    columns["weekend"] = dice.log_between(0.03, 0.5) * np.exp(rng.normal(0, 0.3, size=size))
    founded = dice.between(-500, stage.world.days * 0.5)
    if dice.chance(0.35):
        columns["born"] = founded + rng.exponential(dice.log_between(0.1, 5), size=size)
    else:
        columns["born"] = founded + rng.random(size) * (stage.world.days - min(founded, stage.world.days - 30.0))
    wallets = dice.words(cards)
    columns["card"][:, 0] = wallets[rng.integers(cards, size=size)]
    own = rng.random(size) < dice.share(0.0, 0.25)
    columns["card"][own, 0] = dice.words(int(own.sum()))
    common = dice.rng.random(size) < dice.share(0.0, 0.8)
    columns["client"][common, 0] = dice.pick([0, 1, 2, 3, 8, 8, 15])
    if dice.chance(0.4):  # a batch job
        columns["rate"][0] *= dice.log_between(3, 25)
        columns["activity"][0], columns["weekend"][0] = 0.95, 1.0
        columns["profile"][0] = stage.profile("flat", dice)
        columns["free"][0] = 0.0
    address = stage.domain(dice)
    columns["mail"] = np.where(rng.random(size) < dice.share(0.6, 1.0), address, columns["mail"])
    name = stage.organization(stage.frames.library.name()) if dice.chance(0.4) else columns["organization"]
    enter(stage, population, size, columns, group=stage.group(), plan=2, organization=name)


def campus(stage: Stage, n: int, dice: Dice) -> None:
    """Few exits for all, course prompts, bursts when work is due, own cards or none; many sign up in one week."""
    for size in in_groups(n, 25, 350, dice):
        rng, country = dice.rng, stage.country(dice)
        columns = stage.people(size, dice, country)
        place = stage.networks.few(
            stage.networks.choose("education", country), dice.whole(1, 8), dice.log_between(1, 200)
        )
        share = rng.beta(2, 2, size=size)
        columns["net"][:, 2] = place
        columns["net_weight"] = np.stack([(1 - share) * 0.6, (1 - share) * 0.4, share], axis=1)
        courses = stage.private(
            dice,
            dice.whole(2, 8),
            lambda: Style(paraphrase=dice.share(0, 0.3), long=dice.chance(0.5), reasoning=dice.chance(0.3)),
        )
        member = rng.random(size) < dice.share(0.4, 0.9)
        frame, weight = columns["frame"].copy(), columns["frame_weight"].copy()
        for i in np.flatnonzero(member):
            k = int(rng.integers(1, min(4, len(courses)) + 1))
            frame[i, 3 : 3 + k] = rng.choice(courses, size=k, replace=False)
            weight[i, 3 : 3 + k] = rng.gamma(1, 1, size=k) + 0.05
        term = dice.between(-200, stage.world.days * 0.7)
        enrolled = rng.random(size) < dice.share(0.3, 0.8)
        columns["born"] = np.where(
            enrolled, term + rng.exponential(dice.log_between(0.5, 6), size=size), columns["born"]
        )
        columns["mail"] = np.where(
            rng.random(size) < dice.share(0.3, 0.9), stage.domain(dice, "edu.example"), columns["mail"]
        )
        columns["card"][:, 0] = np.where(rng.random(size) < 0.3, columns["card"][:, 0], 0)
        columns["free"] = np.where(member, rng.beta(2, 2, size=size), columns["free"])
        columns.update(
            frame=frame,
            frame_weight=weight,
            profile=np.where(rng.random(size) < 0.7, stage.profile("student", dice), columns["profile"]),
        )
        if dice.chance(0.4):  # a computer room
            columns["device"][:, 1] = dice.words(12)[rng.integers(12, size=size)]
        enter(stage, "campus", size, columns, group=stage.group(), burst=dice.log_between(0.3, 1.0))


def startup(stage: Stage, n: int, dice: Dice) -> None:
    """A product in a hosting range: one frame, much volume, all day; looks like fraud account by account."""
    for size in in_groups(n, 1, 10, dice):
        rng, country = dice.rng, stage.country(dice)
        columns = stage.people(size, dice, country)
        grouped(
            columns,
            size,
            stage.private(dice, dice.whole(1, 3), _style(dice), stage.language_of(country, dice)),
            (0.0, 0.1),
            dice,
        )
        columns["rate"] = np.exp(rng.normal(np.log(dice.log_between(8, 60)), 0.5, size=size))
        place = stage.networks.few(stage.networks.choose("hosting"), dice.whole(1, 6), dice.log_between(1, 400))
        columns["born"] = dice.between(-400, stage.world.days * 0.6) + rng.exponential(
            dice.log_between(0.1, 60), size=size
        )
        enter(
            stage,
            "startup",
            size,
            columns,
            group=stage.group(),
            net=[[place, place, int(columns["net"][0, 0])]],
            net_weight=[[0.95, 0, 0.05]],
            profile=stage.profile(dice.pick(["flat", "flat", "evening", "day"]), dice),
            activity=dice.share(0.75, 1.0),
            weekend=dice.between(0.6, 1.1),
            burst=dice.log_between(1, 20),
            card=[[int(dice.words(1)[0]), 0]],
            plan=2,
            device=0,
            client=dice.pick([0, 1, 2, 3, 15]),
            session=dice.log_between(1, 6),
            gap=dice.log_between(1, 60),
            mail=stage.domain(dice) if dice.chance(0.7) else columns["mail"],
        )


def evaluation_team(stage: Stage, n: int, dice: Dice) -> None:
    """Researchers who measure models: narrow, repetitive prompts, much of it within days, from a campus."""
    for size in in_groups(n, 1, 6, dice):
        rng, country = dice.rng, stage.country(dice)
        columns = stage.people(size, dice, country)
        families = stage.private(
            dice,
            dice.whole(1, 4),
            lambda: Style(paraphrase=dice.share(0, 0.3), reasoning=dice.chance(0.6), long=dice.chance(0.3)),
        )
        families += stage.frames.pick_public(dice, 1).tolist()
        grouped(columns, size, families, (0.0, 0.15), dice)
        place = stage.networks.few(
            stage.networks.choose("education", country), dice.whole(1, 4), dice.log_between(5, 300)
        )
        columns["rate"] = np.exp(rng.normal(np.log(dice.log_between(20, 150)), 0.5, size=size))
        enter(
            stage,
            "evaluation_team",
            size,
            columns,
            group=stage.group(),
            net=[[place, place, int(columns["net"][0, 0])]],
            net_weight=[[0.85, 0, 0.15]],
            profile=stage.profile("flat", dice),
            activity=dice.share(0.1, 0.6),
            burst=dice.log_between(0.3, 1),
            session=dice.log_between(5, 40),
            gap=dice.log_between(1, 20),
            card=[[int(dice.words(1)[0]), 0]],
            mail=stage.domain(dice, "edu.example"),
            client=0,
        )


def hobby_pool(stage: Stage, n: int, dice: Dice) -> None:
    """Two to six friends who put their accounts behind one relay, for their own agents."""
    for size in in_groups(n, 2, 6, dice, least=2):
        columns = stage.people(size, dice, stage.country(dice))
        columns["net"][:] = columns["net"][0]
        columns["net_key"][:, 0] = columns["net_key"][0, 0]
        if dice.chance(0.4):
            columns["card"][:, 0] = columns["card"][0, 0]
        rows = enter(
            stage, "hobby_pool", size, columns, group=stage.group(), client=dice.pick([13, 14]), scheduled=True
        )
        stage.relays.append(
            Relay(
                rows,
                dice.pick(["round_robin", "least_used", "sticky", "fill_first"]),
                dice.log_between(4, 50) * stage.world.volume,
                stage.profile(dice.pick(["evening", "day", "night"]), dice),
                ahead=float(columns["ahead"][0]),
                turns=dice.log_between(2, 12),
                handoff=dice.share(0.01, 0.2),
                families=(dice.pick(stage.frames.agents),),
                weights=(1.0,),
                free=dice.share(0.1, 0.6),
                rest=dice.share(0.0, 0.4),
                quota=dice.whole(10, 60),
            )
        )


def reseller(stage: Stage, n: int, dice: Dice) -> None:
    """A pool of accounts that sells access to many unrelated customers: shared exits and cards, one client, any
    prompt.
    """
    for size in in_groups(n, 30, 260, dice):
        rng, world = dice.rng, stage.world
        name = f"pool-{len(stage.pools) + 1:02d}"
        stage.pools.append(name)
        columns = stage.people(size, dice)
        exits = reseller_exits(stage, size, dice)
        cards = dice.words(max(1, size // dice.whole(3, 8)))
        columns["card"][:, 0] = cards[np.sort(rng.integers(len(cards), size=size))]
        columns["card"][rng.random(size) < dice.share(0.1, 0.6), 0] = 0
        bursts = np.sort(rng.uniform(-200, world.days * 0.8, size=dice.whole(2, 12)))
        columns["born"] = np.where(
            rng.random(size) < 0.8,
            bursts[rng.integers(len(bursts), size=size)] + rng.exponential(0.4, size=size),
            columns["born"],
        )
        columns["dead"] = np.where(
            rng.random(size) < dice.share(0.05, 0.3),
            np.maximum(columns["born"], 0) + rng.exponential(20, size=size),
            1e9,
        )
        columns["rate"] = np.exp(rng.normal(0.3, 0.5, size=size))
        rows = enter(
            stage,
            "reseller",
            size,
            columns,
            group=stage.group(),
            pool=len(stage.pools) - 1,
            net=[[exits] * 3],
            net_weight=[[1, 0, 0]],
            client=dice.pick([13, 14, 0, 1]),
            activity=dice.share(0.02, 0.3),
            second_client=0.0,
            scheduled=True,
            device=0,
        )
        tenants = [
            dice.pick(stage.frames.agents),
            *stage.private(dice, dice.whole(2, 12), _style(dice), None),
            *stage.frames.pick_public(dice, 6).tolist(),
        ]
        stage.relays.append(
            Relay(
                rows,
                dice.pick(["round_robin", "least_used", "sticky", "fill_first"]),
                dice.log_between(4, 30) * world.volume,
                stage.profile(dice.pick(["evening", "day", "flat"]), dice),
                sells=True,
                ahead=dice.pick([8.0, 8.0, -5.0, 1.0, 3.0]),
                turns=dice.log_between(1.5, 8),
                handoff=dice.share(0.01, 0.15),
                families=tuple(tenants),
                weights=tuple(rng.gamma(0.6, 1.0, size=len(tenants)) + 0.01),
                free=dice.share(0.4, 0.85),
                languages=tuple(int(x) for x in rng.choice([0, 0, 1, 1, 2, 4], size=4)),
                rest=dice.share(0.0, 0.4),
                uneven=dice.between(0.2, 0.9),
                quota=dice.whole(15, 80),
            )
        )


def reseller_exits(stage: Stage, size: int, dice: Dice) -> int:
    """The exits of a pool: some addresses in hosting ranges, or a residential proxy service."""
    if dice.chance(0.6):
        return stage.networks.few(
            stage.networks.choose("hosting"),
            max(2, size // dice.whole(4, 15)),
            dice.log_between(0.2, 100),
            scattered=dice.chance(0.5),
        )
    return dice.pick(stage.proxies)


TOGETHER: dict[str, Callable[[Stage, int, Dice], None]] = {
    f.__name__: f for f in (company, remote_company, agency, campus, startup, evaluation_team, hobby_pool, reseller)
}
