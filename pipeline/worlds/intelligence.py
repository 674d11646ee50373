"""What outsiders say about a synthetic world: network ranges, an allowlist, and indicators that are partial and
partly wrong.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from pipeline.worlds.cast import Cast
from pipeline.worlds.dice import Dice
from pipeline.worlds.money import fingerprints
from pipeline.worlds.net import LISTED, V6_ROTATING, ipv4
from pipeline.worlds.stage import N_VERSIONS, Stage, client_version
from pipeline.worlds.tactics import Plot, Underworld
from pipeline.worlds.text import N_TOPICS

_SOURCES = ("partner desk", "open report", "shared list", "own case", "payment processor")


def ip_ranges(stage: Stage, dice: Dice) -> pa.Table:
    """Most networks with their kind; one in ten is missing, a few are labelled wrongly."""
    kinds = ("hosting", "vpn", "proxy", "residential", "mobile", "corporate", "education")
    rows: list[tuple[str, str, str, str]] = []
    for p in stage.networks.providers:
        kind = dice.pick(kinds) if dice.chance(0.04) else p.kind
        if dice.chance(0.1):
            continue
        rows += [(f"{ipv4(block)}/16", p.asn, p.name, kind) for block in p.blocks]
        rows.append((f"{p.v6 >> 48:x}:{p.v6 >> 32 & 0xFFFF:x}::/32", p.asn, p.name, kind))
    return pa.table(
        {
            name: pa.array([r[i] for r in sorted(rows)], type=pa.string())
            for i, name in enumerate(("cidr", "asn", "organization", "kind"))
        }
    )


def allowlist(stage: Stage, cast: Cast, dice: Dice) -> pa.Table:
    """A few things known to be shared innocently."""
    rows = []
    for carriers in stage.carriers[:6]:
        address = stage.networks.explicit(carriers[0])[0]
        rows.append(("ip", f"{ipv4(address & 0xFFFFFF00)}/24", "carrier gateway"))
    rows.append(("ip", ipv4(stage.networks.explicit(stage.vpns[0])[0]), "well-known VPN exit"))
    rows = [r for r in rows if dice.chance(0.7)] or rows[:1]
    return pa.table(
        {
            name: pa.array([r[i] for r in rows], type=pa.string())
            for i, name in enumerate(("entity_type", "value", "reason"))
        }
    )


class Informer:
    """Collects indicators: for most operators some correct ones, among every ten correct ones about one wrong or
    planted.
    """

    def __init__(self, stage: Stage, cast: Cast, ids: list[str], baited: list[int], dice: Dice) -> None:
        self.stage, self.cast, self.ids, self.baited, self.dice = stage, cast, ids, baited, dice
        self.rows: list[dict[str, Any]] = []

    def say(self, operator: str, entity_type: str, value: str, confidence: float) -> None:
        self.rows.append(
            {
                "operator": operator,
                "entity_type": entity_type,
                "value": value,
                "confidence": round(min(0.99, max(0.05, confidence)), 2),
                "source": self.dice.pick(_SOURCES),
            }
        )

    def right(self, operator: str, ring: Plot, kind: str) -> None:
        """Say one true thing about a ring, if there is one of that kind."""
        dice, stage = self.dice, self.stage
        confidence = dice.between(0.5, 0.95) if dice.chance(0.8) else dice.between(0.2, 0.5)
        pool = ring.pool
        if kind == "account":
            self.say(operator, kind, self.ids[int(dice.pick(ring.members.tolist()))], confidence)
        elif kind == "payment" and ring.card_words:
            card = np.array([dice.pick(ring.card_words)], dtype=np.uint64)
            self.say(operator, kind, fingerprints(card)[0].as_py(), confidence)
        elif kind == "template":
            self.say(operator, kind, self._text(dice.pick(ring.families)), confidence)
        elif kind == "email_domain" and ring.mail >= 10:
            self.say(operator, kind, stage.mails[ring.mail], confidence)
        elif kind == "user_agent":
            client = int(self.cast["client"][ring.members[0], 0])
            middle = stage.world.days // 10 + 2 - int(self.cast["lag"][ring.members[0]])
            version = min(N_VERSIONS - 1, max(0, middle))
            self.say(operator, kind, client_version(client, version), confidence * 0.5)
        elif kind in ("ip", "cidr", "asn") and ring.exits in ("few", "ipv6_48", "pool"):
            self._network(operator, pool, kind, confidence)

    def _network(self, operator: str, pool: int, kind: str, confidence: float) -> None:
        net, dice = self.stage.networks, self.dice
        if net.kind_of(pool) == LISTED:
            address = dice.pick(net.explicit(pool))
            owner = next(p for p in net.providers if (address & 0xFFFF0000) in p.blocks)
            value = {"ip": ipv4(address), "cidr": f"{ipv4(address & 0xFFFFFF00)}/24", "asn": owner.asn}[kind]
            self.say(operator, kind, value, confidence * (0.5 if kind == "asn" else 1.0))
        elif net.kind_of(pool) == V6_ROTATING:
            upper = net.upper_of(pool)
            self.say(
                operator, "cidr", f"{upper >> 48:x}:{upper >> 32 & 0xFFFF:x}:{upper >> 16 & 0xFFFF:x}::/48", confidence
            )

    def _text(self, family: int) -> str:
        """A filled example of a frame, as a report would quote it."""
        frames = self.stage.frames
        one, seed = np.array([frames.start[family]]), self.dice.words(1)
        text = frames.library.render(one, seed, seed, np.array([self.dice.index(N_TOPICS)]), np.array([0]))
        return str(text[0]).strip()

    def wrong(self, operator: str) -> None:
        """Something that is not the operator's: an innocent's card, address, account or mail domain."""
        dice, cast = self.dice, self.cast
        if self.baited and dice.chance(0.4):  # planted by a ring that borrowed this one's card or home
            row = dice.pick(self.baited)
        else:
            innocent = np.flatnonzero(cast["ring"] < 0)
            if len(innocent) == 0:
                return
            row = int(innocent[dice.index(len(innocent))])
        confidence = dice.between(0.3, 0.9)
        kind = dice.pick(["payment", "ip", "account", "email_domain"])
        net, pool = self.stage.networks, int(cast["net"][row, 2])
        if kind == "payment" and cast["card"][row, 0]:
            self.say(operator, kind, fingerprints(cast["card"][row, :1])[0].as_py(), confidence)
        elif kind == "ip" and net.kind_of(pool) == LISTED:
            self.say(operator, kind, ipv4(dice.pick(net.explicit(pool))), confidence)
        elif kind == "email_domain" and cast["mail"][row] >= 10:
            self.say(operator, kind, self.stage.mails[int(cast["mail"][row])], confidence)
        else:
            self.say(operator, "account", self.ids[row], confidence)


def indicators(stage: Stage, cast: Cast, ids: list[str], under: Underworld, dice: Dice) -> pa.Table:
    """The table of indicators; rows of accounts in `under` are those of the sealed cast."""
    world = stage.world
    informer = Informer(stage, cast, ids, [row for ring in under.rings for row in ring.baited], dice)
    kinds = ("ip", "cidr", "asn", "payment", "template", "email_domain", "account", "user_agent")
    for operator in under.operators:
        if dice.chance(world.blind_operators):
            continue
        for number in operator.rings:
            ring = under.rings[number]
            if dice.chance(0.8):  # two families that always exist, well founded
                informer.say(operator.name, "template", informer._text(ring.families[0]), dice.between(0.6, 0.95))
                informer.say(
                    operator.name, "account", ids[int(dice.pick(ring.members.tolist()))], dice.between(0.6, 0.95)
                )
            for _ in range(dice.whole(0, 5)):
                informer.right(operator.name, ring, dice.pick(kinds))
    names = [o.name for o in under.operators]
    right = len(informer.rows)
    for _ in range(int(np.ceil(right * world.wrong_indicators))):
        informer.wrong(dice.pick(names))
    once = {(r["operator"], r["entity_type"], r["value"]): r for r in informer.rows}
    rows = [once[key] for key in sorted(once)]
    columns = {
        name: pa.array([r[name] for r in rows], type=pa.string()) for name in ("operator", "entity_type", "value")
    }
    begin = int(np.datetime64(world.start, "us").astype(np.int64))
    day = 86_400_000_000
    stamps = pa.timestamp("us", tz="UTC")
    return pa.table(
        {
            **columns,
            "confidence": pa.array([float(r["confidence"]) for r in rows], type=pa.float64()),
            "source": pa.array([r["source"] for r in rows], type=pa.string()),
            "valid_from": pa.array([begin - day * 60] * len(rows), type=stamps),
            "valid_until": pa.array(
                [None if dice.chance(0.8) else begin + day * (world.days + 30) for _ in rows], type=stamps
            ),
        }
    )
