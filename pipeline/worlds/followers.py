"""Innocent strangers of a synthetic world who send the same private prompts: customers of a plugin, pupils of a course,
guests of a hackathon, paid raters, buyers of a prompt pack.

Nobody steers them together, though one hand wrote what they send. How much of their requests that is, how alike they
are and when they joined is drawn widely for each group, since no two such groups look the same.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pipeline.worlds.crowd import Columns, enter, in_groups
from pipeline.worlds.dice import Dice
from pipeline.worlds.frames import Style
from pipeline.worlds.stage import Stage


def plugin_user(stage: Stage, n: int, dice: Dice) -> None:
    """Customers of somebody's plugin or app who enter a key of their own: its frames, often its client, their homes."""
    for size in in_groups(n, 8, 160, dice):
        columns = stage.people(size, dice)
        _taught(stage, columns, size, dice, frames=dice.whole(1, 8), free=(0.02, 0.9))
        _volumes(columns, size, dice, rate=(1.5, 15), width=(0.5, 1.4))
        _joined(stage, columns, size, dice, often=0.4)
        through = dice.rng.random(size) < dice.share(0.1, 1.2)
        columns["client"][through, 0] = dice.pick([0, 1, 2, 3, 8, 9, 15])
        columns["second_client"] = np.where(through, dice.share(0.0, 0.5), 0.2)
        if dice.chance(0.25):  # the plugin's server calls for them
            _behind(stage, columns, size, dice, kind="hosting", share=(0.2, 0.9))
        _alike(stage, columns, size, dice)
        enter(stage, "plugin_user", size, columns, group=stage.group())


def online_course(stage: Stage, n: int, dice: Dice) -> None:
    """Pupils of one teacher on the web, from home: the same exercises, most of them from the week it began."""
    for size in in_groups(n, 8, 90, dice):
        country = stage.country(dice) if dice.chance(0.5) else None
        columns = stage.people(size, dice, country)
        _taught(stage, columns, size, dice, frames=dice.whole(2, 14), free=(0.05, 0.8))
        _volumes(columns, size, dice, rate=(1, 10), width=(0.3, 1.0))
        _joined(stage, columns, size, dice, often=0.8)
        if dice.chance(0.5):
            hours = stage.profile(dice.pick(["evening", "student", "office", "day"]), dice)
            columns["profile"] = np.where(dice.rng.random(size) < dice.share(0.3, 1.0), hours, columns["profile"])
        if dice.chance(0.3):
            given = dice.rng.random(size) < dice.share(0.4, 1.2)
            columns["mail"] = np.where(given, stage.domain(dice), columns["mail"])
        if dice.chance(0.5):  # the course pays, or the free plan is enough
            columns["card"][dice.rng.random(size) < dice.share(0.3, 1.2), 0] = 0
        columns["burst"] = np.full(size, dice.log_between(0.3, 3))
        _alike(stage, columns, size, dice)
        enter(stage, "online_course", size, columns, group=stage.group())


def hackathon(stage: Stage, n: int, dice: Dice) -> None:
    """Teams of a weekend in one hall: its few addresses, new accounts, starter prompts, and own ones team by team."""
    for size in in_groups(n, 12, 120, dice):
        rng, country = dice.rng, stage.country(dice)
        columns = stage.people(size, dice, country)
        starters = stage.private(dice, dice.whole(1, 6), lambda: Style(long=dice.chance(0.5), brief=dice.chance(0.3)))
        _give(columns, np.arange(size), starters, dice, first=3)
        columns["free"] = rng.beta(1.5, 1.5, size=size)
        team = np.arange(size) // dice.whole(2, 6)
        for number in range(int(team[-1]) + 1):
            rows = np.flatnonzero(team == number)
            own = stage.private(
                dice, dice.whole(1, 3), lambda: Style(reasoning=dice.chance(0.3), brief=dice.chance(0.3))
            )
            _give(columns, rows, own, dice, first=6)
            if dice.chance(0.3):
                columns["card"][rows, 0] = columns["card"][rows[0], 0]
        _volumes(columns, size, dice, rate=(3, 30), width=(0.4, 1.1))
        _joined(stage, columns, size, dice, often=0.9, within=(0.05, 2))
        hall = dice.pick(["corporate", "education", "residential"])
        _behind(stage, columns, size, dice, kind=hall, share=(0.3, 0.98))
        columns["card"][rng.random(size) < dice.share(0.2, 1.0), 0] = 0
        columns["activity"] = rng.beta(1.2, 4.0, size=size)
        _alike(stage, columns, size, dice)
        enter(stage, "hackathon", size, columns, group=stage.group(), burst=dice.log_between(0.2, 1.0))


def crowd_worker(stage: Stage, n: int, dice: Dice) -> None:
    """Raters and annotators paid by the piece, at home: one task's frames, working hours, much the same volumes."""
    for size in in_groups(n, 8, 120, dice):
        country = stage.country(dice) if dice.chance(0.5) else None
        columns = stage.people(size, dice, country)
        _taught(stage, columns, size, dice, frames=dice.whole(1, 5), free=(0.0, 0.5))
        _volumes(columns, size, dice, rate=(4, 40), width=(0.2, 0.9))
        _joined(stage, columns, size, dice, often=0.6, within=(0.2, 15))
        hours = stage.profile(dice.pick(["office", "day", "evening"]), dice)
        columns["profile"] = np.where(dice.rng.random(size) < dice.share(0.3, 1.0), hours, columns["profile"])
        columns["activity"] = np.clip(dice.rng.beta(3, 2, size=size), 0.05, 1)
        if dice.chance(0.5):
            columns["client"][:, 0] = dice.pick([8, 9, 10, 0])
        if dice.chance(0.4):
            columns["card"][dice.rng.random(size) < dice.share(0.3, 1.2), 0] = 0
        _alike(stage, columns, size, dice)
        enter(stage, "crowd_worker", size, columns, group=stage.group())


def prompt_pack(stage: Stage, n: int, dice: Dice) -> None:
    """Buyers of a pack of prompts, each fond of a few, over many weeks."""
    for size in in_groups(n, 8, 120, dice):
        columns = stage.people(size, dice)
        _taught(stage, columns, size, dice, frames=dice.whole(6, 30), free=(0.2, 0.95))
        _joined(stage, columns, size, dice, often=0.2)
        _alike(stage, columns, size, dice)
        enter(stage, "prompt_pack", size, columns, group=stage.group())


def _taught(
    stage: Stage, columns: Columns, size: int, dice: Dice, *, frames: int, free: tuple[float, float]
) -> None:
    """Give everybody some of the group's frames; `free` bounds the group's mean share of other requests."""
    language = int(columns["language"][0]) if dice.chance(0.3) else None
    families = stage.private(
        dice,
        frames,
        lambda: Style(
            reasoning=dice.chance(0.3),
            long=dice.chance(0.6),
            slot_first=dice.chance(0.2),
            talk=dice.chance(0.2),
            brief=dice.chance(0.25),
        ),
        language,
    )
    _give(columns, np.arange(size), families, dice, first=3)
    mean = min(0.97, max(0.02, dice.between(*free)))
    alike = dice.log_between(1.5, 20)
    columns["free"] = dice.rng.beta(mean * alike, (1.0 - mean) * alike, size=size)


def _give(columns: Columns, rows: np.ndarray, families: list[int], dice: Dice, *, first: int) -> None:
    """Fill the frames of some accounts from column `first` on, in shares of their own, alike or not."""
    width = min(columns["frame"].shape[1] - first, len(families))
    most = min(dice.whole(1, width), width)  # a shift of settings moves it beyond its range
    alike = dice.log_between(0.5, 8)
    for row in rows:
        k = int(dice.rng.integers(1, most + 1)) if dice.chance(0.7) else most
        chosen = dice.rng.choice(families, size=k, replace=False)
        columns["frame"][row, first : first + k] = chosen
        columns["frame_weight"][row, first : first + k] = dice.rng.gamma(alike, 1.0, size=k) / alike + 0.02


def _volumes(
    columns: Columns, size: int, dice: Dice, *, rate: tuple[float, float], width: tuple[float, float]
) -> None:
    middle = np.log(dice.log_between(*rate))
    columns["rate"] = np.exp(dice.rng.normal(middle, dice.between(*width), size=size))


def _alike(stage: Stage, columns: Columns, size: int, dice: Dice) -> None:
    """Half of the groups are much of a kind: opened for this one purpose in the same days, with the same prompts in the
    same shares, the same volumes, hours, answers and sessions. Only their addresses and cards are their own.
    """
    if not dice.chance(0.5):
        return
    rng, width = dice.rng, dice.log_between(0.03, 0.5)

    def near(value: float) -> np.ndarray:
        return value * np.exp(rng.normal(0.0, width, size=size))

    group = columns["frame"][0].copy(), columns["frame_weight"][0].copy()
    columns["frame"][:], columns["frame_weight"][:] = group
    columns["frame"][:, :2], columns["frame_weight"][:, :2] = -1, 0.0  # no habits and agents of their own
    columns["frame_weight"] *= np.exp(rng.normal(0.0, width, size=columns["frame_weight"].shape))
    columns["free"] = np.clip(near(float(min(0.95, rng.beta(1.0, 2.5) + 0.02))), 0.0, 0.97)
    columns["rate"] = near(dice.log_between(1.5, 25))
    columns["activity"] = np.clip(near(dice.share(0.1, 0.9)), 0.05, 1.0)
    columns["weekend"] = near(dice.log_between(0.05, 1.2))
    columns["burst"] = np.full(size, dice.log_between(0.4, 8))
    columns["session"], columns["gap"] = near(dice.log_between(1.5, 12)), near(dice.log_between(10, 200))
    columns["answer"] = near(dice.log_between(80, 1200))
    columns["language"] = np.full(size, columns["language"][0])
    columns["topic"] = np.tile(columns["topic"][0], (size, 1))
    columns["model"] = np.full(size, columns["model"][0])
    if dice.chance(0.7):
        columns["profile"] = np.full(size, stage.profile(dice.pick(["evening", "day", "office", "student"]), dice))
        columns["ahead"] = columns["ahead"][0] + rng.normal(0, 0.8, size=size)
    if dice.chance(0.7):
        begin = dice.between(-40, stage.world.days * 0.6)
        columns["born"] = begin + rng.exponential(dice.log_between(0.1, 8), size=size)
    if dice.chance(0.5):
        columns["client"] = np.tile(columns["client"][0], (size, 1))
    paid = bool(columns["card"][0, 0] > 0)
    columns["plan"] = np.full(size, 1 if paid else 0)
    own = np.where(columns["card"][:, 0] > 0, columns["card"][:, 0], dice.words(size))
    columns["card"][:, 0] = own if paid else 0


def _joined(
    stage: Stage, columns: Columns, size: int, dice: Dice, *, often: float, within: tuple[float, float] = (0.3, 12)
) -> None:
    """With the chance `often` most accounts were made within days of one beginning."""
    if dice.chance(often):
        begin = dice.between(-60, stage.world.days * 0.7)
        new = dice.rng.random(size) < dice.share(0.4, 1.2)
        born = begin + dice.rng.exponential(dice.log_between(*within), size=size)
        columns["born"] = np.where(new, born, columns["born"])


def _behind(
    stage: Stage, columns: Columns, size: int, dice: Dice, *, kind: str, share: tuple[float, float]
) -> None:
    """Put a share of their requests behind the few addresses of one place."""
    country = int(columns["country"][0]) if kind != "hosting" else -1
    place = stage.networks.few(stage.networks.choose(kind, country), dice.whole(1, 8), dice.log_between(4, 500))
    here = np.clip(dice.rng.normal(dice.share(*share), 0.15, size=size), 0.02, 1.0)
    columns["net"][:, 2] = place
    columns["net_weight"] = np.stack([(1 - here) * 0.8, (1 - here) * 0.2, here], axis=1)


FOLLOWERS: dict[str, Callable[[Stage, int, Dice], None]] = {
    f.__name__: f for f in (plugin_user, online_course, hackathon, crowd_worker, prompt_pack)
}
