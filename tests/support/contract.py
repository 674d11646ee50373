"""The promises of a finished run, as a list of faults: which tables, columns, types, keys, sums and references.

The tables and columns are written out here once more, on purpose: this is the contract with whoever reads a run, and
it must not follow the schemas when they change by mistake.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

# s text, t time, i whole number, f number, b yes or no, l list; ! never null; the key stands before the bar
PROMISED = {
    "rings": "ring_id | ring_id:s! parent_ring_id:s size:i! n_events:i! first_seen:t last_seen:t score:f! score_bits:f!"
    " flagged:b! kind:s! q_value:f! stability:f! operator:s operator_probability:f operator_id:s suppressed_by:s"
    " confidence:s! reason:s!",
    "members": "account_id | ring_id:s! account_id:s! membership:f! n_events:i! first_seen:t last_seen:t created_at:t"
    " status:s payer_days:f",
    "evidence": "ring_id entity_type entity | ring_id:s! entity_type:s! entity:s! class:s n_accounts_in_ring:i!"
    " n_accounts_total:i! bits:f! bits_counted:f! first_seen:t last_seen:t",
    "score_parts": "ring_id part | ring_id:s! part:s! family:s value:f unit:s reference:f bits:f!",
    "explanations": "ring_id kind | ring_id:s! kind:s! probability:f!",
    "attribution": "ring_id operator | ring_id:s! operator:s! probability:f! bits:f rank:i!",
    "incidence": "account_id entity_type entity | account_id:s! entity_type:s! entity:s! bits:f! n_events:i!"
    " first_seen:t last_seen:t ring_id:s",
    "links": "ring_id account_a account_b | ring_id:s! account_a:s! account_b:s! bits:f!",
    "activity": "ring_id account_id hour | ring_id:s! account_id:s! hour:t! n_events:i!",
    "ring_hours": "ring_id hour | ring_id:s! hour:t! n_accounts:i! n_events:i!",
    "ring_groups": "ring_id rank | ring_id:s! rank:i! entities:l n_accounts:i! n_core:i!",
    "daily": "day group | day:t! group:s! n_events:i! n_accounts:i!",
    "provenance": "ring_id account_id entity_type entity day | ring_id:s! account_id:s! entity_type:s! entity:s! day:t!"
    " n_events:i! request_ids:l",
    "layout": "ring_id vertex_type vertex | ring_id:s! vertex_type:s! vertex:s! x:f! y:f!",
    "templates": "template_id | template_id:s! text:s n_events:i! n_accounts:i!",
    "ring_history": "ring_id previous_ring_id | ring_id:s! previous_ring_id:s change:s! jaccard:f",
    "ring_registry": "ring_id | ring_id:s! first_run:s! last_run:s! state:s!",
}
IN_MANIFEST = ("run_id", "version", "settings", "seed", "since", "until", "previous_run", "inputs", "stages", "model")
KINDS = {"coordinated", "reseller_pool", "organization", "shared_network", "unclear"}
CHANGES = {"born", "continued", "grew", "shrank", "merged", "split", "gone", "revived"}
EVERY_RING = (
    "evidence", "score_parts", "explanations", "attribution", "ring_history", "ring_registry", "ring_groups", "layout",
)  # fmt: skip
FLOOR = 0.05


def faults(run: Path, *, exports: bool = False) -> list[str]:
    """Every broken promise of a finished run, in words; empty where all are kept."""
    found: list[str] = []
    tables: dict[str, pd.DataFrame] = {}
    for name, promise in PROMISED.items():
        path = run / f"{name}.parquet"
        if not path.is_file():
            found.append(f"{name}: missing")
            continue
        wrong = list(_columns(name, promise, pq.read_schema(path)))
        found += wrong
        if not wrong:
            tables[name] = pd.read_parquet(path)
            found += _rows(name, promise, tables[name])
    found += _manifest(run)
    if len(tables) == len(PROMISED):
        for check in (_rings, _members, _pools, _sums, _references, _operators, _links):
            found += check(tables)
    return found + (_exports(run) if exports else [])


def _columns(name: str, promise: str, schema: pa.Schema) -> Iterator[str]:
    tests = {
        "s": lambda t: pa.types.is_string(t) or pa.types.is_large_string(t),
        "t": lambda t: pa.types.is_date(t) or (pa.types.is_timestamp(t) and t.tz == "UTC"),
        "i": pa.types.is_integer, "f": pa.types.is_floating, "b": pa.types.is_boolean, "l": pa.types.is_list,
    }  # fmt: skip
    for item in promise.split("|")[1].split():
        column, kind = item.split(":")
        if column not in schema.names:
            yield f"{name}: the column {column} is missing"
        elif not tests[kind[0]](schema.field(column).type):
            yield f"{name}: {column} is {schema.field(column).type}"


def _rows(name: str, promise: str, table: pd.DataFrame) -> Iterator[str]:
    key, columns = (part.split() for part in promise.split("|"))
    for item in columns:
        column, kind = item.split(":")
        if kind.endswith("!") and table[column].isna().any():
            yield f"{name}: {column} is null somewhere"
    if table.duplicated(key).any():
        yield f"{name}: a key stands twice"
    sortable = table[key].astype(object).where(table[key].notna(), "\uffff")
    rows = [tuple(r) for r in sortable.itertuples(index=False)]
    if rows != sorted(rows, key=lambda r: tuple((str(type(v)), v) for v in r)) and table[key].notna().all(axis=None):
        yield f"{name}: not sorted by its key"
    for column in ("n_events", "n_accounts"):
        if column in table and (table[column] < 0).any():
            yield f"{name}: {column} below 0"


def _manifest(run: Path) -> Iterator[str]:
    path = run / "manifest.json"
    if not path.is_file():
        yield "manifest.json: missing"
        return
    manifest = json.loads(path.read_text())
    for key in IN_MANIFEST:
        if key not in manifest:
            yield f"manifest.json: lacks {key}"
    if manifest.get("run_id") != run.resolve().name:
        yield "manifest.json: run_id is not the name of the folder"


def _rings(t: dict[str, pd.DataFrame]) -> Iterator[str]:
    rings = t["rings"]
    for column in ("score", "q_value", "stability", "operator_probability"):
        if not rings[column].dropna().between(0, 1).all():
            yield f"rings: {column} outside 0 to 1"
    if (rings.score < FLOOR).any():
        yield "rings: a ring below the report floor"
    if not set(rings.kind) <= KINDS or not set(rings.confidence) <= {"high", "moderate", "low"}:
        yield "rings: an unknown kind or confidence"
    inner = rings[rings.kind.ne("reseller_pool")]
    if (inner["size"] < 3).any():
        yield "rings: fewer than three accounts"
    if (rings.first_seen > rings.last_seen).any():
        yield "rings: first_seen after last_seen"
    if (rings.reason.str.len() < 20).any():
        yield "rings: a reason that is no sentence"
    may = rings.kind.eq("coordinated") & rings.q_value.le(0.05) & rings.suppressed_by.isna()
    if (rings.flagged & ~may).any():
        yield "rings: flagged though something forbids it"
    if (may & rings.flagged).any() and (may & ~rings.flagged).any():
        lowest, highest = rings[may & rings.flagged].score.min(), rings[may & ~rings.flagged].score.max()
        if highest > lowest + 1e-12:
            yield "rings: one is flagged and a stronger one is not"


def _members(t: dict[str, pd.DataFrame]) -> Iterator[str]:
    rings, members = t["rings"].set_index("ring_id"), t["members"]
    if not members.membership.between(0, 1).all():
        yield "members: membership outside 0 to 1"
    if not set(members.ring_id) <= set(rings.index):
        yield "members: of a ring that is not there"
    counted = members.groupby("ring_id").agg(size=("account_id", "size"), n_events=("n_events", "sum"))
    counted = counted.reindex(rings.index, fill_value=0)
    for column in ("size", "n_events"):
        if not (counted[column] == rings[column]).all():
            yield f"rings: {column} is not that of the members"
    outer = set(rings.parent_ring_id.dropna())
    if set(rings.index) - set(members.ring_id) - outer:
        yield "rings: one without members"


def _pools(t: dict[str, pd.DataFrame]) -> Iterator[str]:
    rings = t["rings"].set_index("ring_id")
    pools = set(rings.index[rings.kind.eq("reseller_pool")])
    if not set(rings.parent_ring_id.dropna()) <= pools:
        yield "rings: parent_ring_id names no pool"
    if set(rings.index[rings.parent_ring_id.notna()]) & pools:
        yield "rings: a pool within a pool"


def _sums(t: dict[str, pd.DataFrame]) -> Iterator[str]:
    rings = t["rings"].set_index("ring_id")
    off = t["score_parts"].groupby("ring_id").bits.sum().reindex(rings.index).sub(rings.score_bits).abs()
    if not (off.fillna(math.inf) < 1e-6).all():
        yield "score_parts: do not sum to score_bits"
    for name in ("explanations", "attribution"):
        sums = t[name].groupby("ring_id").probability.sum()
        if not sums.sub(1).abs().lt(1e-3).all():
            yield f"{name}: do not sum to 1"
    if (t["incidence"].bits < 0).any():
        yield "incidence: negative bits"
    evidence = t["evidence"]
    if not (evidence.n_accounts_in_ring.gt(0) & evidence.n_accounts_in_ring.le(evidence.n_accounts_total)).all():
        yield "evidence: more accounts in the ring than there are, or none"


def _references(t: dict[str, pd.DataFrame]) -> Iterator[str]:
    ids = set(t["rings"].ring_id)
    for name, table in t.items():
        # a registry remembers rings that are gone, a history tells of them
        remembers = "ring_id" not in table or name in ("ring_history", "ring_registry")
        if not remembers and not set(table.ring_id.dropna()) <= ids:
            yield f"{name}: of a ring that is not there"
    for name in EVERY_RING:
        if not ids <= set(t[name].ring_id):
            yield f"{name}: a ring without a row"
    if not set(t["ring_history"].change) <= CHANGES:
        yield "ring_history: an unknown change"
    seen = set(zip(t["incidence"].entity_type, t["incidence"].entity, strict=True))
    if not set(zip(t["evidence"].entity_type, t["evidence"].entity, strict=True)) <= seen:
        yield "evidence: of an entity that incidence lacks"
    pairs = set(zip(t["members"].ring_id, t["members"].account_id, strict=True))
    for name in ("activity", "provenance"):
        if not set(zip(t[name].ring_id, t[name].account_id, strict=True)) <= pairs:
            yield f"{name}: of an account that is no member"
    if not t["layout"][["x", "y"]].abs().le(1.000001).all(axis=None):
        yield "layout: outside -1 to 1"


def _operators(t: dict[str, pd.DataFrame]) -> Iterator[str]:
    rings, hypotheses = t["rings"], t["attribution"]
    if not (rings.operator_id.notna() == rings.kind.eq("coordinated")).all():
        yield "rings: operator_id is for coordinated rings and for them alone"
    if set(hypotheses.ring_id) != set(hypotheses[hypotheses.operator.eq("unknown")].ring_id):
        yield "attribution: a ring without the rival unknown"
    first = hypotheses[hypotheses["rank"].eq(1)].set_index("ring_id").operator
    named = rings[rings.operator.notna()].set_index("ring_id").operator
    if not first.reindex(named.index).eq(named).all():
        yield "rings: the operator is not the first hypothesis"


def _links(t: dict[str, pd.DataFrame]) -> Iterator[str]:
    links = t["links"]
    if not (links.account_a < links.account_b).all():
        yield "links: the ends are not in order"
    if not any(c.startswith("bits_") for c in links):
        yield "links: no column a link type"
    pairs = set(zip(t["members"].ring_id, t["members"].account_id, strict=True))
    for end in ("account_a", "account_b"):
        if not set(zip(links.ring_id, links[end], strict=True)) <= pairs:
            yield "links: an end that is no member"


def _exports(run: Path) -> list[str]:
    names = ("briefing.pdf", "briefing.html", "stix.json", "graph.gexf")
    found = [f"{n}: missing or empty" for n in names if not (run / n).is_file() or not (run / n).stat().st_size]
    for kind in ("svg", "png"):
        if not list((run / "figures").glob(f"*.{kind}")):
            found.append(f"figures: no {kind}")
    return found
