"""What the page of one group of a large ring shows: its accounts, their hours, a picture of the surest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.review import drawings, record
from pipeline.review.picture import picture
from pipeline.review.ring import MEMBERS, part

if TYPE_CHECKING:
    from pipeline.review.web import Visit


def group_page(v: Visit, ring_id: str, rank: int, after: int) -> dict[str, Any] | None:
    """All parts of a group's page, or None where the ring has no such group."""
    chosen = next((g for g in v.run.of_ring("ring_groups", ring_id, "rank") if g["rank"] == rank), None)
    if chosen is None:
        return None
    accounts = record.group_accounts(v, ring_id, rank)
    return {
        "group": chosen,
        "things": [tuple(t.split(":", 1)) for t in chosen["entities"] or []],
        "members": _members(v, accounts, after),
        "after": after,
        "hours": part(lambda: _hours(v, ring_id, accounts)),
        "picture": part(lambda: picture(v, ring_id, accounts)),
    }


def _members(v: Visit, accounts: list[str], after: int) -> dict[str, Any]:
    """A page of the group's members, surest first."""
    rows = v.run.rows(
        "SELECT * FROM members WHERE account_id IN (SELECT unnest(?)) "
        "ORDER BY membership DESC, account_id LIMIT ? OFFSET ?",
        [accounts, MEMBERS, after],
    )
    for row in rows:
        row["link"], row["shown"] = v.account_link(row["account_id"]), v.shown_account(row["account_id"])
    return {"rows": rows, "total": len(accounts), "following": after + MEMBERS}


def _hours(v: Visit, ring_id: str, accounts: list[str]) -> drawings.HourMap:
    """Hours by days of the group's accounts alone, counted from the hours of each."""
    rows = v.run.rows(
        "SELECT hour, count(*) AS n_accounts, sum(n_events)::BIGINT AS n_events FROM activity "
        "WHERE ring_id = ? AND account_id IN (SELECT unnest(?)) GROUP BY hour ORDER BY hour",
        [ring_id, accounts],
        needs="activity",
    )
    return drawings.hour_map(rows, v.run.since, v.run.until, len(accounts))
