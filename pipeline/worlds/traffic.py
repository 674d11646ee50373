"""The requests of a synthetic world, day by day: what people send of themselves and what relays send through their
accounts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.worlds.cast import Cast
from pipeline.worlds.dice import Dice, Floats, Hashes, Ints, mix, standard_normal, unit
from pipeline.worlds.stage import Relay, Stage
from pipeline.worlds.world import surge, weekend

DAY = 86400.0
_MOST = 4000  # requests of one account on one day


@dataclass
class Requests:
    """Requests as parallel arrays: account row, seconds since the world's start, conversation, its turn, frame,
    topic.
    """

    account: Ints
    second: Floats
    conversation: Hashes
    turn: Ints
    frame: Ints
    topic: Ints

    def where(self, rows: Ints) -> Requests:
        return Requests(
            self.account[rows],
            self.second[rows],
            self.conversation[rows],
            self.turn[rows],
            self.frame[rows],
            self.topic[rows],
        )

    def __len__(self) -> int:
        return len(self.account)


def join(parts: list[Requests]) -> Requests:
    """Requests of several sources in one."""
    names = ("account", "second", "conversation", "turn", "frame", "topic")
    return Requests(*(np.concatenate([getattr(p, name) for p in parts]) for name in names))


class Traffic:
    """Makes the requests of a day. `cast` is sealed; `relays` name its rows."""

    def __init__(self, stage: Stage, cast: Cast, relays: list[Relay], dice: Dice) -> None:
        self.stage, self.cast, self.relays, self.dice = stage, cast, relays, dice
        self.world = stage.world
        self.seed = int(dice.rng.integers(2**62))
        self.outages = [
            (float(t), float(t + dice.log_between(0.01, 0.15)))
            for t in dice.rng.uniform(0, self.world.days, size=self.world.outages)
        ]
        self.begin = np.maximum(cast["born"], cast["active_from"])
        self.cumulative = np.cumsum(cast["frame_weight"], axis=1)
        self.late: list[Requests] = []
        self._relay_count = np.zeros(len(relays), dtype=np.int64)

    def day(self, day: int) -> Requests:
        """All requests of a day in the order of time, less those that an outage swallowed."""
        dice = self.dice.child("day", day)
        parts = [*self.late, self._people(day, dice)]
        parts += [self._relay(i, relay, day, dice) for i, relay in enumerate(self.relays)]
        whole = join(parts)
        end = (day + 1) * DAY
        self.late = [whole.where(np.flatnonzero(whole.second >= end))]
        kept = (whole.second >= day * DAY) & (whole.second < end)
        kept &= (whole.second >= self.begin[whole.account] * DAY) & (
            whole.second < self.cast["dead"][whole.account] * DAY
        )
        for start, stop in self.outages:
            kept &= (whole.second < start * DAY) | (whole.second > stop * DAY) | (dice.rng.random(len(whole)) < 0.03)
        rows = np.flatnonzero(kept)
        return whole.where(rows[np.lexsort((whole.conversation[rows], whole.second[rows]))])

    def _people(self, day: int, dice: Dice) -> Requests:
        cast, rng = self.cast, dice.rng
        alive = np.clip(np.minimum(cast["dead"], day + 1) - np.maximum(self.begin, day), 0, 1)
        mean = (
            self.world.volume * cast["rate"] * rng.gamma(cast["burst"]) / cast["burst"] * alive * surge(self.world, day)
        )
        if weekend(self.world, day):
            mean = mean * cast["weekend"]
        together = 0.6 + 0.8 * unit(mix(cast["group"], day, 77))
        mean = np.where(cast["group"] >= 0, mean * together, mean)
        n = np.minimum(rng.poisson(mean), _MOST)
        n[rng.random(cast.n) >= cast["activity"]] = 0
        account = np.repeat(np.arange(cast.n), n)
        n_sessions = np.maximum(1, np.ceil(n / cast["session"]).astype(np.int64))
        first = np.cumsum(n_sessions) - n_sessions
        session = np.sort(first[account] + (rng.random(len(account)) * n_sessions[account]).astype(np.int64))
        account = np.repeat(np.arange(cast.n), n_sessions)[session]
        conversation = mix(account, session, self.seed, day)
        u = unit(mix(conversation, 1))
        hour = (
            self.stage.quantiles[cast["profile"][account], (u * 512).astype(np.int64)]
            + unit(mix(conversation, 2)) * 0.25
        )
        start = day * DAY + ((hour - cast["ahead"][account]) % 24) * 3600
        turn, offset = _sessions(session, rng.exponential(size=len(session)) * cast["gap"][account])
        frame = self._frames(account, conversation, turn)
        topic = cast["topic"][account, (unit(mix(conversation, 3)) ** 1.5 * 3).astype(np.int64)].astype(np.int64)
        return Requests(account, start + offset, conversation, turn, frame, topic)

    def _frames(self, account: Ints, conversation: Hashes, turn: Ints) -> Ints:
        cast, frames = self.cast, self.stage.frames
        request = mix(conversation, turn, 4)
        chosen = np.where(unit(mix(request, 5)) < 0.8, conversation, request)
        language = cast["language"][account].astype(np.int64)
        free = unit(mix(chosen, 6)) < cast["free"][account]
        free |= self.cumulative[account, -1] <= 0
        follow = free & (turn > 0) & (unit(mix(request, 7)) < 0.3)
        family = np.where(follow, np.array(frames.follow_ups)[language], np.array(frames.free)[language])
        own = np.flatnonzero(~free)
        reach = unit(mix(chosen[own], 8)) * self.cumulative[account[own], -1]
        column = np.minimum((self.cumulative[account[own]] <= reach[:, None]).sum(axis=1), self.cumulative.shape[1] - 1)
        family[own] = cast["frame"][account[own], column]
        return self._instance(family, language, np.where(free, request, conversation))

    def _instance(self, family: Ints, language: Ints, seed: Hashes) -> Ints:
        frames = self.stage.frames
        step = np.where(frames.spoken[family], language, (unit(mix(seed, 9)) * frames.n[family]).astype(np.int64))
        return np.asarray(frames.start[family] + step, dtype=np.int64)

    def _relay(self, number: int, relay: Relay, day: int, dice: Dice) -> Requests:
        rng, rows = dice.rng, relay.members
        here = rows[(self.begin[rows] < day + 1) & (self.cast["dead"][rows] > day)]
        here = here[rng.random(len(here)) >= relay.rest]
        mean = relay.rate * len(here) * surge(self.world, day) * float(np.exp(rng.normal(0, relay.noise)))
        n = int(rng.poisson(mean * (relay.weekend if weekend(self.world, day) else 1.0) / relay.turns))
        if n == 0 or len(here) == 0:
            return _nothing()
        conversation = mix(np.arange(n), number, self.seed, day)
        hour = self.stage.quantiles[relay.profile, rng.integers(512, size=n)] + rng.random(n) * 0.25
        start = day * DAY + ((hour - relay.ahead) % 24) * 3600
        start = np.sort(start)
        length = rng.geometric(1 / max(relay.turns, 1.0), size=n)
        talk = np.repeat(np.arange(n), length)
        turn, offset = _sessions(talk, rng.exponential(relay.gap, size=len(talk)))
        second = start[talk] + offset
        account = self._assign(relay, here, talk, turn, second, rng)
        family, language = self._relay_families(relay, n, rng)
        topic = rng.integers(18, size=n)
        if relay.topics:
            at = (
                (self._relay_count[number] + np.arange(n)) // 25
                if relay.systematic
                else rng.integers(len(relay.topics), size=n)
            )
            topic = np.array(relay.topics)[at % len(relay.topics)]
        self._relay_count[number] += n
        frame = self._instance(family, language, conversation)[talk]
        whole = Requests(account, second, conversation[talk], turn, frame, topic[talk].astype(np.int64))
        for begin, stop in relay.silences:
            whole = whole.where(np.flatnonzero((whole.second < begin * DAY) | (whole.second > stop * DAY)))
        return whole

    def _relay_families(self, relay: Relay, n: int, rng: np.random.Generator) -> tuple[Ints, Ints]:
        language = rng.choice(np.array(relay.languages), size=n)
        family = np.array(self.stage.frames.free)[language]
        if relay.families:
            weights = np.array(relay.weights) / sum(relay.weights)
            own = rng.random(n) >= relay.free
            family[own] = rng.choice(np.array(relay.families), size=int(own.sum()), p=weights)
        return family, language

    def _assign(
        self, relay: Relay, here: Ints, talk: Ints, turn: Ints, second: Floats, rng: np.random.Generator
    ) -> Ints:
        """Which account sends each request, by the relay's policy."""
        if relay.keep_talk and relay.schedule != "sticky":
            first = np.flatnonzero(turn == 0)
            account = self._share_out(relay, here, talk[first], turn[first], second[first], rng)[talk]
            moved = np.flatnonzero((turn > 0) & (rng.random(len(talk)) < relay.handoff))
            account[moved] = here[rng.integers(len(here), size=len(moved))]
            return account
        return self._share_out(relay, here, talk, turn, second, rng)

    def _share_out(
        self, relay: Relay, here: Ints, talk: Ints, turn: Ints, second: Floats, rng: np.random.Generator
    ) -> Ints:
        k, n = len(here), len(talk)
        order = np.argsort(second, kind="stable")
        place = np.empty(n, dtype=np.int64)
        place[order] = np.arange(n)
        if relay.schedule == "round_robin":
            return here[(place + int(rng.integers(k))) % k]
        if relay.schedule == "least_used":  # everyone once in each round, in an order of its own
            rounds = place // k
            shuffle = np.lexsort((rng.random(n), rounds))
            rank = np.empty(n, dtype=np.int64)
            rank[shuffle] = np.arange(n) - rounds[shuffle] * k
            return np.asarray(here[rng.permutation(k)[rank % k]])
        if relay.schedule == "fill_first":  # one account after the other, up to a quota in a window of five hours
            window = (second // (5 * 3600)).astype(np.int64)
            first = np.searchsorted(second[order], np.unique(window) * 5 * 3600.0)
            within = place - first[np.searchsorted(np.unique(window), window)]
            return np.asarray(here[(within // relay.quota) % k])
        weights = np.exp(relay.uneven * standard_normal(here, self.seed))
        kept = rng.choice(k, size=int(talk.max()) + 1, p=weights / weights.sum())[talk]
        moved = np.flatnonzero((turn > 0) & (rng.random(n) < relay.handoff))
        kept[moved] = rng.integers(k, size=len(moved))
        return np.asarray(here[kept])


def _sessions(session: Ints, gap: Floats) -> tuple[Ints, Floats]:
    """The turn of each request in its session (sorted by session) and the seconds since the session began."""
    n = len(session)
    if n == 0:
        return session, gap
    first = np.concatenate([[True], session[1:] != session[:-1]])
    start = np.maximum.accumulate(np.where(first, np.arange(n), 0))
    gap = np.where(first, 0.0, gap)
    total = np.cumsum(gap)
    return np.arange(n) - start, total - total[start]


def _nothing() -> Requests:
    whole = np.zeros(0, dtype=np.int64)
    return Requests(whole, np.zeros(0), np.zeros(0, dtype=np.uint64), whole, whole, whole)
