"""What the pages of operators show: rings by `operator_id`, the things that two or more of them share, the rivals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.review.web import Visit

_RINGS, _THINGS = 60, 16


def operators(v: Visit) -> list[dict[str, Any]]:
    """Operators with their rings and accounts, most accounts first."""
    held: dict[str, list[dict[str, Any]]] = {}
    for ring in v.run.rings.values():
        if ring["operator_id"] is not None:
            held.setdefault(ring["operator_id"], []).append(ring)
    made = [
        {"operator_id": k, "link": f"/operator/{v.desk.seal.name('operator', k)}", **_span(rings)}
        for k, rings in held.items()
    ]
    return sorted(made, key=lambda o: (-o["n_accounts"], o["operator_id"]))


def _span(rings: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "n_rings": len(rings),
        "n_accounts": sum(r["size"] for r in rings),
        "n_flagged": sum(r["flagged"] for r in rings),
        "first_seen": min((r["first_seen"] for r in rings if r["first_seen"]), default=None),
        "last_seen": max((r["last_seen"] for r in rings if r["last_seen"]), default=None),
        "named": next((r["operator"] for r in rings if r["operator"]), None),
        "probability": max((r["operator_probability"] or 0.0 for r in rings), default=0.0),
    }


def operator_page(v: Visit, operator_id: str) -> dict[str, Any] | None:
    """All parts of an operator's page, or None where no ring is of that operator."""
    rings = sorted(
        (r for r in v.run.rings.values() if r["operator_id"] == operator_id),
        key=lambda r: (r["first_seen"], r["ring_id"]),
    )
    if not rings:
        return None
    ids = [r["ring_id"] for r in rings]
    shared = v.run.rows(
        """
        SELECT entity_type, entity, count(*) AS n_rings, sum(n_accounts_in_ring) AS n_accounts, max(bits) AS bits,
               list(ring_id) AS ring_ids
        FROM evidence WHERE ring_id IN (SELECT unnest(?)) GROUP BY 1, 2 HAVING count(*) >= 2
        ORDER BY n_rings DESC, bits DESC, entity LIMIT ?
        """,
        [ids, _THINGS],
    )
    for row in shared:
        row["ring_ids"], row["link"] = set(row["ring_ids"]), v.entity_link(row["entity_type"], row["entity"])
    rivals = v.run.rows(
        """
        SELECT operator, avg(probability) AS probability, max(bits) AS most, min(bits) AS least, count(*) AS n_rings
        FROM attribution WHERE ring_id IN (SELECT unnest(?)) GROUP BY 1 ORDER BY probability DESC, operator
        """,
        [ids],
    )
    history = v.run.rows(
        "SELECT * FROM ring_history WHERE ring_id IN (SELECT unnest(?)) ORDER BY ring_id, previous_ring_id", [ids]
    )
    span = (v.run.until - v.run.since).total_seconds() or 1.0
    lines = [
        {
            "ring": r,
            "x": round(1000 * (r["first_seen"] - v.run.since).total_seconds() / span, 1),
            "width": max(2.0, round(1000 * (r["last_seen"] - r["first_seen"]).total_seconds() / span, 1)),
        }
        for r in rings[:_RINGS]
        if r["first_seen"] and r["last_seen"]
    ]
    unknown = next((r["probability"] for r in rivals if r["operator"] == "unknown"), 0.0)
    return {
        "rings": rings[:_RINGS],
        "n_rings": len(rings),
        "shared": shared,
        "rivals": rivals,
        "history": history,
        "lines": lines,
        "unknown": unknown,
        **{k: x for k, x in _span(rings).items() if k != "n_rings"},
    }
