"""The picture of a ring: accounts and shared things at their stored places. No layout is computed here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.link_types import BUILT_IN
from pipeline.review import say

if TYPE_CHECKING:
    from pipeline.review.web import Visit

MOST_POINTS, MOST_LINES, SVG_POINTS, LABELLED = 2000, 6000, 400, 12
ALL_LABELS = 60
_SLOTS = {t.name: t.slot for t in BUILT_IN}


@dataclass(frozen=True)
class Picture:
    """Points, lines and what share of the ring is drawn. Places are in -1..1, y upward."""

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


def picture(v: Visit, ring_id: str, most: int = MOST_POINTS) -> Picture:
    """Points and lines of a ring within the limits; the surest members and the strongest things first."""
    run, ring = v.run, v.ring(ring_id)
    found = run.rows(
        """
        SELECT l.vertex_type, l.vertex, l.x, l.y, m.membership, e.bits, e.n_accounts_in_ring AS n
        FROM layout l
        LEFT JOIN members m ON l.vertex_type = 'account' AND m.account_id = l.vertex AND m.ring_id = l.ring_id
        LEFT JOIN evidence e ON e.ring_id = l.ring_id AND e.entity_type = l.vertex_type AND e.entity = l.vertex
        WHERE l.ring_id = ?
        ORDER BY l.vertex_type = 'account', abs(e.bits) DESC NULLS LAST, m.membership DESC NULLS LAST, l.vertex
        """,
        [ring_id],
        needs="layout",
    )[:most]
    index = {(r["vertex_type"], r["vertex"]): k for k, r in enumerate(found)}
    ties = run.rows(
        "SELECT account_id, entity_type, entity FROM incidence WHERE ring_id = ? ORDER BY bits DESC, 1, 2, 3",
        [ring_id],
        needs="incidence",
    )
    lines = []
    for tie in ties:
        a, b = index.get(("account", tie["account_id"])), index.get((tie["entity_type"], tie["entity"]))
        if a is not None and b is not None:
            lines.append((a, b))
    drawn = sum(r["vertex_type"] == "account" for r in found)
    everything = len(found) <= ALL_LABELS
    points = [_point(v, r, k, everything or k < LABELLED) for k, r in enumerate(found)]
    return Picture(points, lines[:MOST_LINES], drawn, int(ring["size"]), len(lines))


def _point(v: Visit, row: dict[str, Any], number: int, labelled: bool) -> dict[str, Any]:
    account = row["vertex_type"] == "account"
    if account:
        words = say.visible(say.cut(row["vertex"], 20)) if v.person.may("ids") else v.desk.seal.pseudonym(row["vertex"])
        radius, link = 3.0, v.account_link(row["vertex"])
    else:
        words = f"{say.type_word(row['vertex_type'])} {say.masked(row['vertex_type'], row['vertex'])}"
        radius, link = 4.0 + min(abs(row["bits"] or 0.0), 12.0) / 2, v.entity_link(row["vertex_type"], row["vertex"])
    return {
        "x": round(row["x"], 4),
        "y": round(row["y"], 4),
        "r": round(radius, 1),
        "slot": slot_of(row["vertex_type"]),
        "core": not account or (row["membership"] or 0) >= 0.5,
        "words": words,
        "link": link,
        "label": words
        if (labelled and not account) or (labelled and number < ALL_LABELS and account and len(words) < 16)
        else "",
        "n": row["n"],
    }
