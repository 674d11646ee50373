"""The picture of a ring: accounts and shared things at their stored places. No layout is computed here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pipeline.link_types import BUILT_IN
from pipeline.review import say

if TYPE_CHECKING:
    from pipeline.review.web import Visit

MOST_POINTS, MOST_ACCOUNTS, MOST_LINES, SVG_POINTS, LABELLED = 2000, 1500, 6000, 400, 12
ALL_LABELS = 60
_SLOTS = {t.name: t.slot for t in BUILT_IN}
_PLACES = """
SELECT l.vertex_type, l.vertex, l.x, l.y, m.membership, e.bits, e.n_accounts_in_ring AS n
FROM layout l
LEFT JOIN members m ON l.vertex_type = 'account' AND m.account_id = l.vertex AND m.ring_id = l.ring_id
LEFT JOIN evidence e ON e.ring_id = l.ring_id AND e.entity_type = l.vertex_type AND e.entity = l.vertex
WHERE l.ring_id = ? AND (l.vertex_type = 'account') = ? AND (NOT ? OR l.vertex IN (SELECT unnest(?)))
ORDER BY abs(e.bits) DESC NULLS LAST, m.membership DESC NULLS LAST, l.vertex
LIMIT ?
"""
_TIES = """
SELECT i.account_id, i.entity_type, i.entity, count(*) OVER () AS n_lines
FROM incidence i JOIN layout l ON l.ring_id = i.ring_id AND l.vertex_type = i.entity_type AND l.vertex = i.entity
WHERE i.ring_id = ? AND i.account_id IN (SELECT unnest(?)) ORDER BY i.bits DESC, 1, 2, 3 LIMIT ?
"""


@dataclass(frozen=True)
class Picture:
    """Points and lines, and what share of what was asked for is drawn. Places are in -1..1, y upward."""

    points: list[dict[str, Any]]
    lines: list[tuple[int, int]]
    drawn: int
    total: int
    n_lines: int

    @property
    def words(self) -> str:
        """What is drawn of what there is."""
        lines = f"; {len(self.lines):,} of {self.n_lines:,} lines" if len(self.lines) < self.n_lines else ""
        if self.drawn == self.total:
            return f"all {self.total:,} accounts drawn{lines}"
        return f"{self.drawn:,} of {self.total:,} accounts drawn, chosen by membership{lines}"


def slot_of(entity_type: str) -> int:
    """Colour and mark of a link type: 0 for accounts, 1-3 built in, 4 for declared ones."""
    return 0 if entity_type == "account" else _SLOTS.get(entity_type, 4)


def picture(v: Visit, ring_id: str, accounts: list[str] | None = None) -> Picture:
    """Points and lines of a ring, or of some of its accounts and what they share, within the limits.

    The surest members and the strongest things come first.
    """
    run, ring, some = v.run, v.ring(ring_id), accounts is not None
    people = run.rows(_PLACES, [ring_id, True, some, accounts or [], MOST_ACCOUNTS], needs="layout")
    things = run.rows(_PLACES, [ring_id, False, False, [], MOST_POINTS - len(people)], needs="layout")
    ties = run.rows(_TIES, [ring_id, [p["vertex"] for p in people], MOST_LINES], needs="incidence")
    if some:
        held = {(t["entity_type"], t["entity"]) for t in ties}
        things = [t for t in things if (t["vertex_type"], t["vertex"]) in held]
    found = things + people
    index = {(r["vertex_type"], r["vertex"]): k for k, r in enumerate(found)}
    ends = ((index["account", t["account_id"]], index.get((t["entity_type"], t["entity"]))) for t in ties)
    lines = [(a, b) for a, b in ends if b is not None]
    everything = len(found) <= ALL_LABELS
    points = [_point(v, ring_id, r, everything or k < LABELLED) for k, r in enumerate(found)]
    total = int(ring["size"]) if accounts is None else len(accounts)
    return Picture(points, lines, len(people), total, ties[0]["n_lines"] if ties else 0)


def around(v: Visit, ring_id: str, name: str) -> tuple[str, str, list[str]] | None:
    """The shared thing of a sealed name and the ring's accounts that have it; None where it is no thing of ours."""
    opened = v.desk.seal.open("entity", name) if name else None
    if opened is None or len(opened) != 2:
        return None
    rows = v.run.rows(
        "SELECT DISTINCT account_id FROM incidence WHERE ring_id = ? AND entity_type = ? AND entity = ? ORDER BY 1",
        [ring_id, *opened],
        needs="incidence",
    )
    return (opened[0], opened[1], [r["account_id"] for r in rows]) if rows else None


def _point(v: Visit, ring_id: str, row: dict[str, Any], labelled: bool) -> dict[str, Any]:
    account = row["vertex_type"] == "account"
    if account:
        words = say.visible(say.cut(row["vertex"], 20)) if v.person.may("ids") else v.desk.seal.pseudonym(row["vertex"])
        radius, link, open_ = 3.0, v.account_link(row["vertex"]), ""
        labelled = labelled and len(words) < 16
    else:
        words = f"{say.type_word(row['vertex_type'])} {say.masked(row['vertex_type'], row['vertex'])}"
        radius, link = 4.0 + min(abs(row["bits"] or 0.0), 12.0) / 2, v.entity_link(row["vertex_type"], row["vertex"])
        open_ = f"/ring/{quote(ring_id)}?show=picture&around={link.rsplit('/', 1)[1]}#groups"
    return {
        "x": round(row["x"], 4),
        "y": round(row["y"], 4),
        "r": round(radius, 1),
        "slot": slot_of(row["vertex_type"]),
        "core": not account or (row["membership"] or 0) >= 0.5,
        "words": words,
        "link": link,
        "open": open_,
        "label": words if labelled else "",
        "n": row["n"],
    }
