"""What may leave the building, by audience: one table that people can read, and the code that carries it out."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from pipeline.exports.briefing.model import Table
from pipeline.exports.figures.ring_groups import MOST_ROWS
from pipeline.exports.frames import rows_of
from pipeline.exports.pseudonyms import Pseudonyms
from pipeline.exports.suppress import Shown, protect, telling
from pipeline.exports.tables import INTERNAL, Tables, empty
from pipeline.link_types import ADDRESS_TYPES, TEMPLATE_TYPE
from pipeline.part_words import ACCOUNTS_EXCESS

PARTNER, PUBLIC = "partner", "public"
AUDIENCES = (INTERNAL, PARTNER, PUBLIC)
SMALLEST = 5


def smallest_cell(manifest: Mapping[str, Any]) -> int:
    """The smallest count of accounts that a run's settings let out of the house; never below 2."""
    return max(int(manifest.get("settings", {}).get("exports", {}).get("small_cell", SMALLEST)), 2)


@dataclass(frozen=True)
class Rule:
    """One kind of thing and what each audience sees of it."""

    what: str
    internal: str
    partner: str
    public: str


RULES: tuple[Rule, ...] = (
    Rule("account ids", "in files for inside use", "pseudonym of this recipient, in files", "never"),
    Rule("ring ids, unnamed operators", "as they are", "pseudonym of this recipient", "pseudonym of this publication"),
    Rule("names of operators", "from the naming level", "from the naming level", "from the naming level"),
    Rule("addresses", "as they are", "network and kind", "kind"),
    Rule("cards and other payments", "fingerprint", "pseudonym of this recipient", "never"),
    Rule("prompt templates", "id", "shape of words and slots", "shape of words and slots"),
    Rule("declared kinds of thing", "as they are", "pseudonym of this recipient", "never"),
    Rule("requests and prompts", "never", "never", "never"),
    Rule("rings below the smallest cell", "shown", "left out of all totals", "left out of all totals"),
    Rule("counts of accounts", "exact", "from the smallest cell on", "from the smallest cell on"),
    Rule("shares of accounts", "as they are", "where no small count follows", "where no small count follows"),
    Rule("requests by day", "exact", "days of enough accounts", "days of enough accounts"),
    Rule("pictures of single accounts", "rings of 60 accounts or fewer", "never: groups only", "never: groups only"),
)


def rules_table(k: int) -> Table:
    """The rules as a table of the briefing; `k` is the smallest cell of what leaves the house."""
    rows = tuple((r.what, r.internal, r.partner, r.public) for r in RULES)
    head = ("what", *AUDIENCES)
    return Table(
        f"What each audience sees; the smallest cell for partners and the public is {k} accounts",
        head,
        rows,
        free=True,
    )


@dataclass
class Redacted:
    """The tables of a run as one audience may see them. Tables that hold single accounts are empty."""

    inner: Tables
    level: str
    names: Pseudonyms
    k: int = SMALLEST
    only: frozenset[str] = frozenset()  # flagged rings that may be told of; none: all
    _kept: dict[str, pd.DataFrame] = field(default_factory=dict, repr=False)
    _groups: dict[str, Shown] | None = field(default=None, repr=False)

    @property
    def manifest(self) -> dict[str, Any]:
        """The manifest; its inputs and stages tell nothing of single accounts."""
        return self.inner.manifest

    def table(self, name: str, rings: list[str] | None = None) -> pd.DataFrame:
        """A redacted table; `rings` are pseudonyms."""
        if name not in self._kept:
            made = _MAKERS[name](self) if name in _MAKERS else empty(name)
            self._kept[name] = made.sort_values(_order(made), kind="stable", ignore_index=True) if len(made) else made
        frame = self._kept[name]
        return frame if rings is None else frame[frame["ring_id"].isin(rings)].reset_index(drop=True)

    def sizes(self) -> dict[str, int]:
        """Accounts of every ring that is large enough to be told of, by its real id."""
        rings = self.inner.table("rings")
        told = ~rings["flagged"] | rings["ring_id"].isin(self.only) if self.only else rings["flagged"].notna()
        enough = rings[(rings["size"] >= self.k) & told]
        return {str(r): int(n) for r, n in zip(enough["ring_id"], enough["size"], strict=True)}

    def of_rings(self, name: str) -> pd.DataFrame:
        """A table without the rings that are too small, still under real ids."""
        frame = self.inner.table(name)
        return frame[frame["ring_id"].isin(self.sizes())].copy()

    def renamed(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The same with pseudonyms for rings."""
        frame["ring_id"] = [self.names.ring(str(r)) for r in frame["ring_id"]]
        return frame


def _order(frame: pd.DataFrame) -> list[str]:
    return [
        c
        for c in ("ring_id", "rank", "part", "kind", "entity_type", "entity", "hour", "day", "group", "account_id")
        if c in frame.columns
    ]


def _rings(view: Redacted) -> pd.DataFrame:
    frame = view.of_rings("rings")
    sizes = view.sizes()
    frame["parent_ring_id"] = [view.names.ring(str(p)) if p in sizes else None for p in frame["parent_ring_id"]]
    named = frame["operator"].notna()
    frame["operator_id"] = [
        o if keep or pd.isna(o) else view.names.operator(str(o))
        for o, keep in zip(frame["operator_id"], named, strict=True)
    ]
    frame["suppressed_by"] = None
    frame["reason"] = ""
    frame["first_seen"] = frame["first_seen"].dt.floor("D")
    frame["last_seen"] = frame["last_seen"].dt.floor("D")
    return view.renamed(frame)


def _members(view: Redacted) -> pd.DataFrame:
    """Accounts under pseudonyms for a partner's files; nothing for the public."""
    if view.level == PUBLIC:
        return empty("members")
    frame = view.of_rings("members")
    frame["account_id"] = [view.names.account(str(a)) for a in frame["account_id"]]
    for column in ("first_seen", "last_seen", "created_at"):
        frame[column] = frame[column].dt.floor("D")
    frame["payer_days"] = None
    return view.renamed(frame)


def _evidence(view: Redacted) -> pd.DataFrame:
    """Things of enough accounts; `shown` is what may be read of them, `withheld` whether the count may."""
    frame = view.of_rings("evidence")
    sizes = view.sizes()
    frame = frame[frame["n_accounts_in_ring"] >= view.k]
    inside, size = frame["n_accounts_in_ring"], frame["ring_id"].map(sizes)
    told = {(r, t) for r, shown in _protected(view).items() for t, total in shown.totals.items() if total is None}
    keys = list(zip(frame["ring_id"], frame["entity_type"] + ":" + frame["entity"], strict=True))
    frame["withheld"] = [
        telling(int(s - n), view.k) or key in told for s, n, key in zip(size, inside, keys, strict=True)
    ]
    outside = frame["n_accounts_total"] - inside
    frame["total_withheld"] = outside.between(1, view.k - 1) | frame["withheld"]
    shapes = _shapes(view)
    frame["cidr"] = _networks(view, frame) if view.level == PARTNER else None
    frame["shown"] = [
        _shown(view, t, e, c, shapes)
        for t, e, c in zip(frame["entity_type"], frame["entity"], frame["class"], strict=True)
    ]
    frame["entity"] = [
        view.names.thing(str(t), str(e)) for t, e in zip(frame["entity_type"], frame["entity"], strict=True)
    ]
    for column in ("first_seen", "last_seen"):
        frame[column] = frame[column].dt.floor("D")
    return view.renamed(frame)


def _protected(view: Redacted) -> dict[str, Shown]:
    """By real ring id: the groups, the rest and the totals that may be shown together."""
    if view._groups is None:
        view._groups = _protect_all(view)
    return view._groups


def _protect_all(view: Redacted) -> dict[str, Shown]:
    evidence = view.of_rings("evidence")
    evidence = evidence[evidence["n_accounts_in_ring"] >= view.k]
    counted: dict[str, dict[str, int]] = {}
    for row in rows_of(evidence):
        counted.setdefault(str(row.ring_id), {})[f"{row.entity_type}:{row.entity}"] = int(row.n_accounts_in_ring)
    made = {}
    for ring_id, part in view.of_rings("ring_groups").groupby("ring_id"):
        totals = counted.get(str(ring_id), {})
        exact: dict[tuple[str, ...], int] = {}
        mixed = 0
        for row in rows_of(part):
            things = tuple(sorted(e for e in map(str, row.entities) if e in totals))
            if things:
                exact[things] = exact.get(things, 0) + int(row.n_accounts)
            else:
                mixed += int(row.n_accounts)
        used = {t for c in exact for t in c}
        made[str(ring_id)] = protect(list(exact.items()), mixed, {t: totals[t] for t in used}, view.k, MOST_ROWS - 1)
    return made


def _shown(view: Redacted, kind: str, value: str, sort: Any, shapes: dict[str, str]) -> str:
    sort_words = str(sort) if isinstance(sort, str) and sort else "unknown kind"
    if kind in ADDRESS_TYPES:
        return f"{network(value)}, {sort_words}" if view.level == PARTNER else sort_words
    if kind == TEMPLATE_TYPE:
        return shapes.get(value, "shape not known")
    return view.names.thing(kind, value) if view.level == PARTNER else "not told"


def network(address: str) -> str:
    """The network of an address, written so that it never contains an address: `203.0.113.x`, `2001:db8:1:x`."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "a network"
    if parsed.version == 4:
        return ".".join(str(parsed).split(".")[:3]) + ".x"
    return ":".join(f"{int(g, 16):x}" for g in parsed.exploded.split(":")[:3]) + ":x"


def _networks(view: Redacted, evidence: pd.DataFrame) -> list[str | None]:
    """The network of each address as a range, unless its written form would hold an address of the run."""
    ranges = [
        _range(str(e)) if t in ADDRESS_TYPES else None
        for t, e in zip(evidence["entity_type"], evidence["entity"], strict=True)
    ]
    first = {r.split("/")[0] for r in ranges if r}
    known = set(view.inner.table("incidence")["entity"]) | set(view.inner.table("evidence")["entity"])
    met = {a for a in first if a in known}
    return [None if r is None or r.split("/")[0] in met else r for r in ranges]


def _range(address: str) -> str | None:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return None
    return str(ipaddress.ip_network(f"{parsed}/{24 if parsed.version == 4 else 48}", strict=False))


def _shapes(view: Redacted) -> dict[str, str]:
    templates = view.inner.table("templates")
    return {str(r.template_id): slot_shape(r.text) for r in rows_of(templates) if isinstance(r.text, str)}


def slot_shape(text: str) -> str:
    """How many words stand between the slots of a template, and no word of it: `12 words, slot, 3 words`."""
    parts = [len(piece.split()) for piece in text.split("<*>")]
    said = []
    for at, n in enumerate(parts):
        if at:
            said.append("slot")
        if n:
            said.append(f"{n} {'word' if n == 1 else 'words'}")
    return ", ".join(said[:9]) + (", ..." if len(said) > 9 else "")


def _ring_groups(view: Redacted) -> pd.DataFrame:
    """Groups of enough accounts under pseudonyms, all others in the rest; who is of the core is not told."""
    made = []
    for ring_id, shown in sorted(_protected(view).items()):
        groups = [*shown.groups, *([((), shown.rest)] if shown.rest else [])]
        for rank, (things, n) in enumerate(groups, start=1):
            entities = [_group_name(view, t) for t in things]
            made.append({"ring_id": ring_id, "rank": rank, "entities": entities, "n_accounts": n, "n_core": None})
    return view.renamed(pd.DataFrame(made, columns=["ring_id", "rank", "entities", "n_accounts", "n_core"]))


def _group_name(view: Redacted, entity: str) -> str:
    kind, _, value = entity.partition(":")
    return f"{kind}:{view.names.thing(kind, value)}"


def _ring_hours(view: Redacted) -> pd.DataFrame:
    """Hours of enough accounts; days of too few are hidden, and with them the smallest other day of the ring.

    Without the second day the requests of the first would follow from the ring's total.
    """
    frame = view.of_rings("ring_hours")
    day = frame["hour"].dt.floor("D")
    most = frame.groupby(["ring_id", day])["n_accounts"].max().reset_index(name="most")
    hide: set[tuple[str, pd.Timestamp]] = set()
    for ring_id, part in most.groupby("ring_id"):
        small = part[part["most"] < view.k]
        if small.empty:
            continue
        enough = part[part["most"] >= view.k].sort_values(["most", "hour"])
        hide |= {(str(ring_id), d) for d in small["hour"]} | {(str(ring_id), d) for d in enough["hour"].head(1)}
    frame["hidden"] = [(str(r), d) in hide for r, d in zip(frame["ring_id"], day, strict=True)]
    frame.loc[frame["hidden"], ["n_events", "n_accounts"]] = 0
    frame.loc[frame["n_accounts"] < view.k, "n_accounts"] = 0
    return view.renamed(frame)


def _score_parts(view: Redacted) -> pd.DataFrame:
    frame = view.of_rings("score_parts")
    unit = frame["unit"].fillna("")
    # a share of a known number of accounts is a count of them
    few = frame["value"] * frame["ring_id"].map(view.sizes())
    rest = (1 - frame["value"]) * frame["ring_id"].map(view.sizes())
    telling_share = unit.str.startswith("share") & (
        few.between(0.01, view.k - 0.01) | rest.between(0.01, view.k - 0.01)
    )
    # with the platform's share taken away it still is one: a few rings side by side give the platform's share away
    excess = frame["part"].isin(ACCOUNTS_EXCESS)
    frame.loc[unit.str.contains("account") | telling_share | excess, ["value", "reference"]] = None
    return view.renamed(frame)


def _plain(name: str) -> Any:
    return lambda view: view.renamed(view.of_rings(name))


def _attribution(view: Redacted) -> pd.DataFrame:
    """Names only where the ring is attributed; every other hypothesis is left out."""
    frame = view.of_rings("attribution")
    named = view.inner.table("rings").dropna(subset=["operator"])
    pairs = set(zip(named["ring_id"], named["operator"], strict=True))
    keep = [(r, o) in pairs or o == "unknown" for r, o in zip(frame["ring_id"], frame["operator"], strict=True)]
    return view.renamed(frame[keep].copy())


def _ring_registry(view: Redacted) -> pd.DataFrame:
    frame = view.of_rings("ring_registry")
    for column in ("pinned_name", "accounts", "entities"):
        frame[column] = None
    return view.renamed(frame)


def _ring_history(view: Redacted) -> pd.DataFrame:
    frame = view.of_rings("ring_history")
    frame["previous_ring_id"] = [None if pd.isna(p) else view.names.ring(str(p)) for p in frame["previous_ring_id"]]
    frame["jaccard"] = None
    return view.renamed(frame)


_MAKERS: dict[str, Any] = {
    "rings": _rings, "members": _members, "evidence": _evidence, "ring_groups": _ring_groups, "ring_hours": _ring_hours,
    "score_parts": _score_parts, "explanations": _plain("explanations"), "attribution": _attribution,
    "ring_registry": _ring_registry,
    "ring_history": _ring_history, "daily": lambda view: view.inner.table("daily"),
}  # fmt: skip
