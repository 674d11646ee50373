"""Innocent people of a synthetic world who act alone: at home, on the phone, behind a VPN, with agents, courses, odd
cards.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pipeline.worlds.dice import Dice, Ints
from pipeline.worlds.frames import Style
from pipeline.worlds.stage import CLIENTS, POPULATION_NAMES, Stage

Columns = dict[str, Any]


def enter(stage: Stage, population: str, n: int, columns: Columns, **fixed: Any) -> Ints:
    """Add n accounts of a population; `fixed` overrides columns."""
    return stage.cast.add(n, **{**columns, "population": POPULATION_NAMES.index(population), **fixed})


def in_groups(n: int, low: float, high: float, dice: Dice, least: int = 1) -> list[int]:
    """Sizes of groups, log-uniform between low and high, that sum to n."""
    sizes: list[int] = []
    left = n
    while left > 0:
        size = min(left, max(least, int(dice.log_between(low, high + 0.999))))
        sizes.append(size)
        left -= size
    return sizes


def residential(stage: Stage, n: int, dice: Dice) -> None:
    """People at home, each behind an address that changes now and then."""
    enter(stage, "residential", n, stage.people(n, dice))


def mobile(stage: Stage, n: int, dice: Dice) -> None:
    """Mostly on the phone: thousands behind the few addresses of a carrier."""
    columns = stage.people(n, dice)
    share = dice.rng.beta(5, 1.5, size=n)
    columns["net_weight"] = np.stack([1 - share, share, np.zeros(n)], axis=1)
    enter(stage, "mobile", n, columns)


def vpn_user(stage: Stage, n: int, dice: Dice) -> None:
    """Behind exits shared by hundreds; some travel from exit to exit, some services change the exit often."""
    columns = stage.people(n, dice)
    share = dice.rng.beta(4, 1.5, size=n)
    columns["net"][:, 2] = dice.rng.choice(stage.vpns, size=n)
    columns["net_weight"] = np.stack([(1 - share) * 0.7, (1 - share) * 0.3, share], axis=1)
    enter(stage, "vpn_user", n, columns)


def agent_user(stage: Stage, n: int, dice: Dice) -> None:
    """Developers who work through one of three agents: its default text heads most of their requests."""
    columns = stage.people(n, dice)
    rng = dice.rng
    columns["rate"] = np.exp(rng.normal(2.85, 0.9, size=n))
    columns["session"] = np.exp(rng.normal(2.2, 0.5, size=n)) + 2
    columns["gap"] = np.exp(rng.normal(3.0, 0.7, size=n))
    columns["frame"][:, 1] = rng.choice(stage.frames.agents, size=n, p=[0.5, 0.3, 0.2])
    columns["frame_weight"][:, 1] = rng.gamma(3.0, 1.0, size=n) + 1
    columns["free"] = rng.beta(1, 6, size=n)
    columns["client"][:, 0] = rng.choice([5, 6, 7, 0, 1], size=n)
    enter(stage, "agent_user", n, columns)


def prompt_course(stage: Stage, n: int, dice: Dice) -> None:
    """People who follow one course on the web and send its prompts; many join in the week that it starts."""
    for size in in_groups(n, 20, 250, dice):
        columns = stage.people(size, dice)
        families = stage.private(
            dice, dice.whole(2, 8), lambda: Style(long=dice.chance(0.4), reasoning=dice.chance(0.3))
        )
        spare = columns["frame"][:, :3].copy(), columns["frame_weight"][:, :3].copy()
        taken = dice.rng.integers(1, 5, size=size)
        for i in range(size):
            chosen = dice.rng.choice(families, size=min(int(taken[i]), len(families)), replace=False)
            columns["frame"][i, 3 : 3 + len(chosen)] = chosen
            columns["frame_weight"][i, 3 : 3 + len(chosen)] = dice.rng.gamma(1, 1, size=len(chosen)) + 0.05
        columns["frame"][:, :3], columns["frame_weight"][:, :3] = spare
        columns["free"] = dice.rng.beta(2, 2, size=size)
        start = dice.between(-150, stage.world.days * 0.8)
        joined = dice.rng.random(size) < dice.share(0.2, 0.7)
        columns["born"] = np.where(joined, start + dice.rng.exponential(4, size=size), columns["born"])
        enter(stage, "prompt_course", size, columns, group=stage.group())


def virtual_card(stage: Stage, n: int, dice: Dice) -> None:
    """A new card number for every charge."""
    columns = stage.people(n, dice)
    columns["card"][:, 0] = dice.words(n)
    enter(stage, "virtual_card", n, columns, card_fresh=True, plan=1)


def wallet(stage: Stage, n: int, dice: Dice) -> None:
    """Cards behind a wallet: another fingerprint when the phone changes."""
    columns = stage.people(n, dice)
    columns["card"][:, 0] = dice.words(n)
    enter(stage, "wallet", n, columns, plan=1, card_switch=dice.rng.random(n) * stage.world.days * 2)


def ci_bot(stage: Stage, n: int, dice: Dice) -> None:
    """Machines that build and test: from the shared addresses of a cloud, at any hour, with an agent's or an own
    frame.
    """
    for size in in_groups(n, 1, 5, dice):
        columns = stage.people(size, dice, stage.country(dice))
        columns["rate"] = np.exp(dice.rng.normal(dice.between(2.2, 4.0), 0.6, size=size))
        families = (
            [dice.pick(stage.frames.agents)]
            if dice.chance(0.6)
            else stage.private(dice, dice.whole(1, 3), lambda: Style(long=True))
        )
        grouped(columns, size, families, (0.0, 0.1), dice)
        cloud = dice.pick(stage.clouds)
        enter(
            stage,
            "ci_bot",
            size,
            columns,
            group=stage.group(),
            profile=stage.profile(dice.pick(["flat", "flat", "office"]), dice),
            net=[[cloud] * 3],
            net_weight=[[1, 0, 0]],
            activity=dice.share(0.5, 1.0),
            session=dice.log_between(2, 12),
            gap=dice.log_between(3, 60),
            device=0,
            client=dice.pick([0, 1, 2, 4, 5]),
            card=[[int(dice.words(1)[0]), 0]],
            plan=2,
            second_client=0.0,
        )


def household(stage: Stage, n: int, dice: Dice) -> None:
    """Two to five people in one home: one changing address, one or two cards, sometimes one machine."""
    for size in in_groups(n, 2, 5, dice, least=2):
        columns = stage.people(size, dice, stage.country(dice))
        columns["net"][:] = columns["net"][0]
        columns["net_key"][:, 0] = columns["net_key"][0, 0]
        if dice.chance(0.6):
            columns["card"][:, 0] = columns["card"][0, 0]
        if dice.chance(0.25):
            columns["device"][:, 1] = columns["device"][0, 0]
        enter(stage, "household", size, columns, group=stage.group())


def family_card(stage: Stage, n: int, dice: Dice) -> None:
    """Relatives who pay with one card and live apart."""
    for size in in_groups(n, 2, 5, dice, least=2):
        columns = stage.people(size, dice)
        columns["card"][:] = [int(dice.words(1)[0]), 0]
        enter(stage, "family_card", size, columns, group=stage.group(), plan=1)


def coworking(stage: Stage, n: int, dice: Dice) -> None:
    """Strangers who share the few addresses of a house by day."""
    for size in in_groups(n, 12, 70, dice):
        country = stage.country(dice)
        columns = stage.people(size, dice, country)
        house = stage.networks.few(
            stage.networks.choose("residential", country), dice.whole(1, 3), dice.log_between(24, 500)
        )
        share = dice.rng.beta(3, 2, size=size)
        columns["net"][:, 2] = house
        columns["net_weight"] = np.stack([(1 - share) * 0.7, (1 - share) * 0.3, share], axis=1)
        columns["profile"] = np.where(dice.rng.random(size) < 0.7, stage.profile("office", dice), columns["profile"])
        enter(stage, "coworking", size, columns, group=stage.group())


def grouped(columns: Columns, n: int, families: list[int], free: tuple[float, float], dice: Dice) -> None:
    """Give every account of a group some of the group's frames, in shares of its own."""
    columns["frame"][:], columns["frame_weight"][:] = -1, 0.0
    width = columns["frame"].shape[1]
    for i in range(n):
        k = min(len(families), int(dice.rng.integers(1, width + 1)))
        columns["frame"][i, :k] = dice.rng.choice(families, size=k, replace=False)
        columns["frame_weight"][i, :k] = dice.rng.gamma(0.8, 1.0, size=k) + 0.02
    columns["free"] = dice.rng.uniform(*free, size=n)


ALONE: dict[str, Callable[[Stage, int, Dice], None]] = {
    f.__name__: f
    for f in (
        residential,
        mobile,
        vpn_user,
        agent_user,
        prompt_course,
        virtual_card,
        wallet,
        ci_bot,
        household,
        family_card,
        coworking,
    )
}

__all__ = ["ALONE", "CLIENTS", "Columns", "enter", "grouped", "in_groups"]
