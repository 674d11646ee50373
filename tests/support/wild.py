"""Wild worlds: tiny inputs of up to 60 accounts, drawn from a seed, full of values that somebody chose to do harm.

They are no likely worlds. Every table may be missing, empty, contradictory or absurd; what must hold all the same is
that a run ends whole with the contract kept, or is refused with one clear sentence.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pipeline.link_types import LinkType
from pipeline.settings import ExportsSettings, InputSettings, NullSettings, RunSettings, ScoresSettings, Settings
from tests.support.hostile import PAYLOADS
from tests.support.tables import write_table
from tests.support.tiny import tiny_world

Row = dict[str, Any]
START = datetime(2026, 5, 1, tzinfo=UTC)
ODD_TEXT = (
    *PAYLOADS, "", " ", "null", "None", "nan", "NaN", "1e5", "0", "-0", "true", "<*>", "<*> <*>", "a:b", "ip:10.0.0.1",
    "é", "e\u0301", "ＡＢＣ", "\U0001f600" * 40, "x" * 8000, "\u0000a", "..", "../../etc/passwd", "a\tb", "A", "a",
    "unknown", "UNATTRIBUTED-1", "false_flag", "R-1", "start", "account", "\ufdfa" * 30, "0" * 60, "%s%n", "\\N",
)  # fmt: skip
ADDRESSES = (
    "203.0.113.1", "203.0.113.1", "::ffff:203.0.113.1", "203.0.113.001", "2001:db8::1", "2001:DB8:0::0001",
    "fe80::1%eth0", "::1", "0.0.0.0", "255.255.255.255", "198.51.100.7", "198.51.100.8", "192.0.2.300", "1.2.3", "::",
    "::ffff:0:0", "10.0.0.1/8", " 203.0.113.1 ", "localhost", "2001:db8:0:0:ffff:ffff:ffff:ffff", "１.2.3.4", "", None,
)  # fmt: skip
TIMES: tuple[Callable[[random.Random], Any], ...] = (
    lambda d: START + timedelta(seconds=d.randrange(12 * 86_400)),
    lambda d: START + timedelta(days=d.randrange(12)),
    lambda d: START,
    lambda d: START + timedelta(microseconds=d.randrange(3)),
    lambda d: START - timedelta(days=d.randrange(400)),
    lambda d: datetime(2099, 12, 31, 23, 59, 59, tzinfo=UTC),
    lambda d: datetime(1970, 1, 1, tzinfo=UTC),
)
FRAMES = ("Grade the answers about {} below: {}", "You are {}. Work by steps: {}", "{}{}", "<*> {} <*> {}", "x {} {}")
OPERATORS = ("Alder", "Birch", "unknown", "false_flag", "UNATTRIBUTED-9", "<b>x</b>", "", "shared_vendor")
CONCLUSIONS = (
    "confirmed", "dismissed", "unsure", "split", "merged", "account_dropped", "account_kept", "entity_allowed",
    "pinned", "withdrawn", "burn it",
)  # fmt: skip
KINDS = ("hosting", "vpn", "proxy", "residential", "mobile", "corporate", "education", "moon", None)


@dataclass(frozen=True)
class Wild:
    """A wild input: its tables as rows, the form they are written in, the settings it is read with."""

    tables: dict[str, list[Row]]
    form: str
    settings: Settings

    def write(self, to: Path) -> Path:
        """Write the tables; `events` always, the others where there is a row."""
        for name, rows in self.tables.items():
            if rows or name == "events":
                plain = [_plain(r) for r in rows] if self.form != "parquet" else rows
                write_table(to, name, plain or [dict.fromkeys(("timestamp", "account_id", "ip", "prompt"))], self.form)
        return to


def wild(seed: int) -> Wild:
    """The wild world of a seed: the same seed, the same world."""
    dice = random.Random(f"wild {seed}")
    pools = {kind: _pool(dice, kind) for kind in ("ip", "card", "device")}
    if seed % 2:
        accounts, events, payments, about = _spoiled(dice)
    else:
        accounts = _accounts(dice)
        events = _events(dice, accounts, pools)
        payments, about = _payments(dice, accounts, pools["card"]), _about(dice, accounts)
    tables = {
        "events": events, "payments": payments, "accounts": about,
        "indicators": _indicators(dice, accounts, pools), "ip_ranges": _ranges(dice),
        "allowlist": _allowed(dice, pools), "decisions": _decisions(dice, accounts, pools),
    }  # fmt: skip
    for name, good in GOOD.items():
        if tables[name] and dice.random() < 0.9:
            tables[name].append({k: v for k, v in good.items() if k != "prompt" or "prompt" in tables[name][0]})
    declared = (LinkType("device_id", "events", "device_id", "device"),) if dice.random() < 0.4 and events else ()
    settings = Settings(
        exports=ExportsSettings(make=False), null=NullSettings(rewirings=1), link_types=declared,
        input=InputSettings(max_rejected_share=1.0, chunk_rows=dice.choice((1000, 4_000_000))),
        scores=ScoresSettings(report_floor=dice.choice((0.0, 0.0, 0.05)), threshold=dice.choice((0.0, 0.7))),
        run=RunSettings(scheduler="sync", workers=1, seed=dice.randrange(1 << 31)),
    )  # fmt: skip
    return Wild(tables, dice.choice(("parquet", "parquet", "csv", "jsonl")), settings)


def _spoiled(dice: random.Random) -> tuple[list[str], list[Row], list[Row], list[Row]]:
    """Accounts, events, payments and accounts table of a tiny world with rings, some of its values spoiled."""
    world = tiny_world(dice.randrange(1 << 20), rings=1, ring_size=dice.randint(3, 10), lone=dice.randint(0, 7))
    known = sorted(set(world.accounts.account_id))
    odd = dict(zip(dice.sample(known, dice.randint(0, 12)), dice.sample(ODD_TEXT, 12), strict=False))
    much = dice.choice((0.0, 0.0, 0.02, 0.3))
    spoilt = {"prompt": ODD_TEXT, "ip": ADDRESSES, "payment_fingerprint": ODD_TEXT, "user_agent": ODD_TEXT}
    told: list[list[Row]] = []
    for frame in (world.events, world.payments, world.accounts):
        rows: list[Row] = []
        for row in frame.astype(object).to_dict("records"):
            made: Row = {str(k): v.to_pydatetime() if hasattr(v, "to_pydatetime") else v for k, v in row.items()}
            made["account_id"] = odd.get(made["account_id"], made["account_id"])
            for column in sorted(spoilt.keys() & made.keys()):
                if dice.random() < much:
                    made[column] = dice.choice(spoilt[column])
            rows.append(made)
        told.append(rows)
    return [odd.get(a, a) for a in known], told[0], _maybe(dice, told[1]), _maybe(dice, told[2])


def _accounts(dice: random.Random) -> list[str]:
    n = dice.choice((1, 2, 3, 8, 20, 40, 60))
    odd = dice.random() * 0.5
    made = [dice.choice(ODD_TEXT) if dice.random() < odd else f"acct-{dice.getrandbits(40):010x}" for _ in range(n)]
    return sorted(set(made)) or ["a"]


def _pool(dice: random.Random, kind: str) -> list[Any]:
    """Values that accounts share: from one hub for all to one each."""
    if kind == "ip" and dice.random() < 0.5:
        return list(dice.sample(ADDRESSES, dice.randint(1, 8)))
    many = dice.choice((1, 2, 5, 60))
    if kind == "ip":
        return [f"203.0.{dice.randrange(4)}.{dice.randrange(256)}" for _ in range(many)]
    return [dice.choice(ODD_TEXT) if dice.random() < 0.2 else f"{kind}-{dice.getrandbits(24):x}" for _ in range(many)]


def _prompt(dice: random.Random, style: int) -> str | None:
    if style == 0:
        return None
    if style == 1:
        return dice.choice(ODD_TEXT)
    words = " ".join(dice.choice(("river", "stone", "copper", "ladder", dice.choice(ODD_TEXT)[:50])) for _ in range(8))
    return dice.choice(FRAMES[: style - 1 or 1]).format(dice.choice(("algebra", "law", "history")), words)


def _events(dice: random.Random, accounts: list[str], pools: dict[str, list[Any]]) -> list[Row]:
    """Requests: some tables are empty, some hold one moment, some repeat and contradict each other."""
    n = dice.choice((0, 1, 10, 100, 400))
    time = dice.sample(TIMES, dice.randint(1, len(TIMES))) if dice.random() < 0.3 else [TIMES[0]]
    style, named = dice.randrange(6), dice.random() < 0.7
    rows: list[Row] = []
    for number in range(n):
        row: Row = {
            "timestamp": dice.choice(time)(dice), "account_id": dice.choice(accounts), "ip": dice.choice(pools["ip"]),
            "prompt": _prompt(dice, style), "device_id": dice.choice(pools["device"]),
            "model": dice.choice(("m", None, dice.choice(ODD_TEXT))), "user_agent": dice.choice(("cli/1", *ODD_TEXT)),
            "input_tokens": dice.choice((0, 5, 10**6, 7, 9, -3, None)), "output_tokens": dice.choice((1, 500, None)),
        }  # fmt: skip
        if named:
            row["request_id"] = dice.choice((f"r{number}", f"r{number}", f"r{number}", "r0", None))
        rows.append(row)
        if dice.random() < 0.05:
            rows.append({**row, "ip": dice.choice(pools["ip"])})
    if style == 0 and rows and dice.random() < 0.7:
        for row in rows:
            del row["prompt"]
            row["template_id"] = dice.choice(("t1", "t2", dice.choice(ODD_TEXT), None))
    return rows


GOOD: dict[str, Row] = {  # a table of which every row is refused ends a run: most have one good row
    "events": {"timestamp": START, "account_id": "acct-good", "ip": "192.0.2.1", "prompt": "a good word"},
    "indicators": {"operator": "Alder", "entity_type": "cidr", "value": "203.0.113.0/24", "confidence": 0.9},
    "ip_ranges": {"cidr": "198.51.100.0/24", "asn": "64501", "kind": "mobile"},
    "allowlist": {"entity_type": "ip", "value": "192.0.2.9", "reason": "ours"},
    "decisions": {"decision_id": "good", "conclusion": "unsure", "reason": "why not", "analyst": "kim",
                  "decided_at": START},
}  # fmt: skip


def _maybe(dice: random.Random, rows: list[Row]) -> list[Row]:
    return rows if dice.random() < 0.7 else []


def _payments(dice: random.Random, accounts: list[str], cards: list[Any]) -> list[Row]:
    who = [*accounts, "payer-only", *dice.sample(ODD_TEXT, 2)]
    return _maybe(dice, [
        {"account_id": dice.choice(who), "payment_fingerprint": dice.choice(cards),
         "timestamp": dice.choice((None, dice.choice(TIMES)(dice)))} for _ in range(dice.randrange(120))
    ])  # fmt: skip


def _about(dice: random.Random, accounts: list[str]) -> list[Row]:
    return _maybe(dice, [
        {"account_id": a, "created_at": dice.choice(TIMES)(dice), "status": dice.choice(("active", *ODD_TEXT)),
         "email_domain": dice.choice(("mail.example", dice.choice(ODD_TEXT))), "country": dice.choice(("XA", None)),
         "organization": dice.choice((None, "School", dice.choice(ODD_TEXT)))}
        for a in (*accounts, *accounts[:2]) if dice.random() < 0.9
    ])  # fmt: skip


def _indicators(dice: random.Random, accounts: list[str], pools: dict[str, list[Any]]) -> list[Row]:
    values = {
        "ip": pools["ip"], "cidr": ["203.0.0.0/16", "::/0", "0.0.0.0/0", "203.0.113.1/33", "2001:db8::/32"],
        "asn": ["64500", "AS64500", "x"], "payment": pools["card"], "template": ["t1", "Grade the answers", "<*>"],
        "account": accounts, "email_domain": ["mail.example"], "user_agent": ["cli/1"], "rumour": ["x"],
    }  # fmt: skip
    kinds = [dice.choice(list(values)) for _ in range(dice.randrange(20))]
    return _maybe(dice, [
        {"operator": dice.choice(OPERATORS), "entity_type": k, "value": dice.choice(values[k]),
         "confidence": dice.choice((0.0, 0.5, 0.9, 1.0, -1.0, 2.0)), "source": dice.choice(("peer", None, *ODD_TEXT)),
         "valid_from": dice.choice((None, START)), "valid_until": dice.choice((None, START + timedelta(days=5)))}
        for k in kinds
    ])  # fmt: skip


def _ranges(dice: random.Random) -> list[Row]:
    cidrs = ("203.0.0.0/8", "203.0.113.0/24", "203.0.113.0/25", "0.0.0.0/0", "::/0", "2001::/9", "x", "10.0.0.0/33")
    return _maybe(dice, [
        {"cidr": dice.choice(cidrs), "asn": dice.choice(("64500", "AS1", None)), "organization": dice.choice(ODD_TEXT),
         "kind": dice.choice(KINDS)} for _ in range(dice.randrange(8))
    ])  # fmt: skip


def _allowed(dice: random.Random, pools: dict[str, list[Any]]) -> list[Row]:
    values = {"ip": [*pools["ip"], "203.0.0.0/16", "::/0"], "payment": pools["card"], "template": ["t1"], "x": ["y"]}
    kinds = [dice.choice(list(values)) for _ in range(dice.randrange(4))]
    return _maybe(dice, [{"entity_type": k, "value": dice.choice(values[k]), "reason": "ours"} for k in kinds])


def _decisions(dice: random.Random, accounts: list[str], pools: dict[str, list[Any]]) -> list[Row]:
    """Decisions on rings that may not be there, correcting each other in circles."""
    n = dice.randrange(10)
    return _maybe(dice, [
        {"decision_id": f"d{dice.randrange(n + 1)}", "conclusion": dice.choice(CONCLUSIONS),
         "reason": dice.choice(ODD_TEXT), "analyst": "kim", "decided_at": dice.choice(TIMES)(dice),
         "ring_id": dice.choice(("R-1", "R-2", None, "no such")), "account_id": dice.choice((None, *accounts)),
         "other_ring_id": dice.choice((None, "R-1")), "part": dice.choice((None, "A", "B", *ODD_TEXT)),
         "entity_type": dice.choice((None, "ip", "payment", "template")),
         "entity": dice.choice((None, *pools["ip"], *pools["card"])),
         "explanation": dice.choice((None, "household", "x")),
         "supersedes": dice.choice((None, f"d{dice.randrange(n + 1)}"))}
        for _ in range(n)
    ])  # fmt: skip


def _plain(row: Row) -> Row:
    """A row as CSV and JSON lines can hold it."""
    return {k: v.isoformat() if isinstance(v, datetime) else v for k, v in row.items()}
