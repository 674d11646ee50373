"""What the pages of accounts and of entities show: stored rows and counts of them, two steps around at most."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.link_types import ADDRESS_TYPES, PAYMENT_TYPE, TEMPLATE_TYPE
from pipeline.review import drawings, say
from pipeline.words import counted, likelihood, listed, number

if TYPE_CHECKING:
    from pipeline.review.web import Visit

_LIST = 100
_SHARED = """
WITH own AS (SELECT * FROM incidence WHERE account_id = ?),
around AS (
    SELECT i.entity_type, i.entity, count(*) - 1 AS others,
           count(*) FILTER (i.ring_id IS NOT NULL AND i.ring_id = own.ring_id) - 1 AS in_ring,
           count(*) FILTER (
               i.ring_id IN (SELECT ring_id FROM rings WHERE flagged) AND i.account_id <> own.account_id
           ) AS in_flagged
    FROM incidence i JOIN own ON i.entity_type = own.entity_type AND i.entity = own.entity
    GROUP BY 1, 2
)
SELECT own.*, around.others, around.in_ring, around.in_flagged
FROM own JOIN around USING (entity_type, entity) ORDER BY own.bits DESC, own.entity_type, own.entity LIMIT 200
"""


def account_page(v: Visit, account_id: str) -> dict[str, Any] | None:
    """All parts of an account's page, or None where the run does not know the account."""
    run = v.run
    member = next(iter(run.rows("SELECT * FROM members WHERE account_id = ?", [account_id])), None)
    shared = run.rows(_SHARED, [account_id])
    if member is None and not shared:
        return None
    behind = _behind(v, account_id) if member else set()
    for row in shared:
        row["link"] = v.entity_link(row["entity_type"], row["entity"])
        row["requests"] = (row["entity_type"], row["entity"]) in behind
    ring = run.rings[member["ring_id"]] if member else None
    hours = run.rows(
        "SELECT hour, n_events AS n_accounts, n_events FROM activity WHERE account_id = ? ORDER BY hour", [account_id]
    )
    most = max((r["n_accounts"] for r in hours), default=0)
    links = _links(v, account_id, member["ring_id"]) if member else []
    return {
        "member": member,
        "ring": ring,
        "shared": shared,
        "sentence": tied(shared),
        "hours": drawings.hour_map(hours, run.since, run.until, most, alone=True) if hours else None,
        "links": links,
        "touched": _touched(v, account_id, member["ring_id"] if member else None),
        "decisions": [(d, v.office.mirror.stands(d)) for d in reversed(v.office.mirror.by_account.get(account_id, []))],
        "judgement": v.office.mirror.judgement(member["ring_id"]) if member else None,
    }


def _behind(v: Visit, account_id: str) -> set[tuple[str, str]]:
    """Shared things of the account whose requests the run keeps."""
    if "provenance" not in v.run.tables:
        return set()
    rows = v.run.rows("SELECT DISTINCT entity_type, entity FROM provenance WHERE account_id = ?", [account_id])
    return {(r["entity_type"], r["entity"]) for r in rows}


def _links(v: Visit, account_id: str, ring_id: str) -> list[dict[str, Any]]:
    rows = v.run.rows(
        "SELECT * FROM links WHERE ring_id = ? AND (account_a = ? OR account_b = ?) "
        "ORDER BY bits DESC, account_a, account_b LIMIT 20",
        [ring_id, account_id, account_id],
    )
    made = []
    for row in rows:
        other = row["account_b"] if row["account_a"] == account_id else row["account_a"]
        parts = [f"{say.type_word(c[5:])} {say.bits(row[c])}" for c in sorted(row) if c.startswith("bits_") and row[c]]
        made.append(
            {"shown": v.shown_account(other), "link": v.account_link(other), "bits": row["bits"], "parts": parts}
        )
    return made


def _touched(v: Visit, account_id: str, ring_id: str | None) -> list[dict[str, Any]]:
    return v.run.rows(
        "SELECT e.ring_id, count(*) AS n FROM evidence e JOIN incidence i USING (entity_type, entity) "
        "WHERE i.account_id = ? AND e.ring_id IS DISTINCT FROM ? GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 20",
        [account_id, ring_id],
    )


def tied(shared: list[dict[str, Any]]) -> str:
    """One sentence on what ties an account: `Tied to 3 cards that 9, 14 and 22 other accounts use; ...`."""
    if not shared:
        return "It shares nothing with another account."
    by_type: dict[str, list[dict[str, Any]]] = {}
    for row in shared:
        by_type.setdefault(row["entity_type"], []).append(row)
    parts = []
    for kind, rows in by_type.items():
        numbers = listed([f"{n:,}" for n in sorted(r["others"] for r in rows)[:6]]) + (
            " and more" if len(rows) > 6 else ""
        )
        word = say.type_word(kind)
        many = word + ("es" if word.endswith("s") else "s")
        parts.append(f"{counted(len(rows), word, many)} that {numbers} other accounts use")
    ties = sum(r["others"] for r in shared)
    flagged = sum(r["in_flagged"] for r in shared)
    return f"Tied to {listed(parts)}; {flagged:,} of these {ties:,} ties lead into flagged rings."


def account_copy(v: Visit, account_id: str) -> str:
    """Why this account: three sentences without values of others."""
    page = account_page(v, account_id)
    if page is None:
        return "This account is in no ring of this run and shares nothing."
    ring, member = page["ring"], page["member"]
    if ring is None or member is None:
        return f"Account {account_id} is in no ring of run {v.run.run_id}. {page['sentence']}"
    judged = page["judgement"]
    said = (
        f" The ring was {judged.conclusion} by {judged.analyst} on {say.day(judged.decided_at)}."
        if judged
        else " Nobody has decided on the ring yet."
    )
    return (
        f"Account {account_id} belongs to {ring['ring_id']} with {number(member['membership'])}; the ring's "
        f"{ring['size']:,} accounts are {likelihood(ring['score'])} to be one coordinated operation "
        f"(run {v.run.run_id}). "
        f"{page['sentence']}{said}"
    )


def entity_page(v: Visit, entity_type: str, entity: str, after: int) -> dict[str, Any] | None:
    """All parts of an entity's page, or None where the run does not know it."""
    run = v.run
    rings = run.rows(
        "SELECT * FROM evidence WHERE entity_type = ? AND entity = ? ORDER BY n_accounts_in_ring DESC, ring_id",
        [entity_type, entity],
    )
    total = run.count("incidence", "entity_type = ? AND entity = ?", [entity_type, entity])
    if not rings and not total:
        return None
    accounts = run.rows(
        "SELECT account_id, ring_id, n_events, first_seen, last_seen FROM incidence "
        "WHERE entity_type = ? AND entity = ? "
        "ORDER BY ring_id NULLS LAST, account_id LIMIT ? OFFSET ?",
        [entity_type, entity, _LIST, after],
    )
    for row in accounts:
        row["link"], row["shown"] = v.account_link(row["account_id"]), v.shown_account(row["account_id"])
    text = None
    if entity_type == TEMPLATE_TYPE:
        found = run.rows("SELECT text FROM templates WHERE template_id = ? AND n_accounts >= 5", [entity])
        text = found[0]["text"] if found else None
    everywhere = rings[0]["n_accounts_total"] if rings else total
    return {
        "rings": [{**r, "would": would_go(v, r)} for r in rings],
        "accounts": accounts,
        "total": total,
        "after": after,
        "everywhere": everywhere,
        "rarer": _rarer(v, entity_type, everywhere),
        "text": text,
        "class": rings[0]["class"] if rings else None,
        "first_seen": min((r["first_seen"] for r in rings if r["first_seen"]), default=None),
        "last_seen": max((r["last_seen"] for r in rings if r["last_seen"]), default=None),
        "decisions": [(d, v.office.mirror.stands(d)) for d in reversed(v.desk.log.about_entity(entity_type, entity))],
    }


def would_go(v: Visit, row: dict[str, Any]) -> dict[str, Any]:
    """What a ring would lose at most if the entity were allowed: counted bits of it and of the whole ring."""
    whole = v.run.rows(
        "SELECT sum(bits_counted) AS whole, max(bits_counted) FILTER (entity_type = ? AND entity <> ?) AS next "
        "FROM evidence WHERE ring_id = ?",
        [row["entity_type"], row["entity"], row["ring_id"]],
    )[0]
    return {"bits": max(row["bits_counted"], 0.0), "whole": whole["whole"] or 0.0, "next": whole["next"]}


def _rarer(v: Visit, entity_type: str, everywhere: int) -> float | None:
    """Share of the rings' shared things of the type that more accounts have."""
    found = v.run.rows(
        "SELECT count(*) AS n, count(*) FILTER (n_accounts_total > ?) AS more FROM "
        "(SELECT DISTINCT entity, n_accounts_total FROM evidence WHERE entity_type = ?)",
        [everywhere, entity_type],
    )[0]
    return found["more"] / found["n"] if found["n"] >= 20 else None


def find(v: Visit, text: str) -> str | None:
    """Address of what a search means, or None: a ring, an account, an address, card, template, or operator."""
    wanted = text.strip()
    if wanted in v.run.rings:
        return f"/ring/{wanted}"
    upper = next((r for r in v.run.rings if r.lower() == wanted.lower()), None)
    if upper:
        return f"/ring/{upper}"
    if v.run.rows("SELECT 1 FROM members WHERE account_id = ? LIMIT 1", [wanted]) or v.run.rows(
        "SELECT 1 FROM incidence WHERE account_id = ? LIMIT 1", [wanted]
    ):
        return v.account_link(wanted)
    operator = next(
        (r["operator_id"] for r in v.run.rings.values() if (r["operator_id"] or "").lower() == wanted.lower()), None
    )
    if operator:
        return f"/operator/{v.desk.seal.name('operator', operator)}"
    found = v.run.rows("SELECT DISTINCT entity_type FROM incidence WHERE entity = ? ORDER BY 1", [_normal(wanted)])
    order = {t: k for k, t in enumerate((*ADDRESS_TYPES, PAYMENT_TYPE, TEMPLATE_TYPE))}
    kinds = sorted((r["entity_type"] for r in found), key=lambda t: order.get(t, 9))
    return v.entity_link(kinds[0], _normal(wanted)) if kinds else None


def _normal(text: str) -> str:
    import ipaddress

    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return text
