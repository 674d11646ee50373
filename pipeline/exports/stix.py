"""STIX 2.1: flagged rings as campaigns, their operators, what they share as indicators; and bundles back as indicators.

Ids are UUIDs of version 5 from what an object is about, so that the same ring has the same id in every run; no clock.
Nobody is named below the naming level: such operators are intrusion sets under their UNATTRIBUTED name.
"""

from __future__ import annotations

import ipaddress
import re
import uuid
from collections.abc import Iterable
from typing import Any

import pandas as pd
import stix2

from pipeline.exports.figures.choose import flagged_rings
from pipeline.exports.figures.things import things
from pipeline.exports.frames import each, rows_of
from pipeline.exports.tables import INTERNAL, Tables, by_ring, frame_of
from pipeline.exports.trace import name_of, safe
from pipeline.link_types import ADDRESS_TYPES

NAMESPACE = uuid.UUID("6e1c1b5e-7d0f-5a57-9d64-52494e475452")
START = pd.Timestamp("2026-01-01", tz="UTC")
MARKS = {"internal": stix2.TLP_AMBER, "partner": stix2.TLP_AMBER, "public": stix2.TLP_WHITE}
LEVELS = {"low": 15, "moderate": 50, "high": 85}  # the None / Low / Med / High scale of STIX 2.1, appendix A
# the WEP scale of STIX 2.1, appendix A: lower bound of the probability, confidence
WORDS_SCALE = ((0.995, 100), (0.80, 90), (0.60, 70), (0.40, 50), (0.20, 30), (0.005, 10), (0.0, 0))
MOST_OBSERVED = 1000  # accounts a ring; `number_observed` tells of all


def stix_id(kind: str, *about: str) -> str:
    """The lasting id of an object of a kind about something."""
    return f"{kind}--{uuid.uuid5(NAMESPACE, '|'.join((kind, *about)))}"


def on_words_scale(probability: float) -> int:
    """A probability on the scale of words of estimative probability."""
    return next(confidence for low, confidence in WORDS_SCALE if probability >= low)


class _Bundle:
    """Objects of one bundle with what they all carry."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.frame = frame_of(tables)
        self.now = self.frame.until.to_pydatetime()
        self.mark = MARKS[tables.level]
        self.objects: dict[str, Any] = {}
        self.evidence: dict[str, pd.DataFrame] = {}
        self.members: dict[str, pd.DataFrame] = {}
        first = tables.table("ring_registry")
        self.first_day = {
            r.ring_id: pd.Timestamp(str(r.first_run)[:10], tz="UTC")
            for r in rows_of(first)
            if re.match(r"\d{4}-\d\d-\d\d", str(r.first_run))
        }
        self.author = self.add(
            stix2.Identity(
                id=stix_id("identity", "platform"),
                name="Platform trust and safety",
                identity_class="organization",
                created=START.to_pydatetime(),
                modified=START.to_pydatetime(),
            )
        )

    def add(self, made: Any) -> str:
        self.objects.setdefault(made.id, made)
        return str(made.id)

    def born(self, ring_ids: Iterable[str]) -> Any:
        """When a lasting object about these rings was first told: the end of their first window."""
        days = [self.first_day[r] for r in ring_ids if r in self.first_day]
        return min([*days, self.frame.until]).to_pydatetime()

    def common(self, created: Any) -> dict[str, Any]:
        return {
            "created": created,
            "modified": max(created, self.now),
            "created_by_ref": self.author,
            "object_marking_refs": [self.mark],
        }

    def tie(self, source: str, kind: str, target: str, created: Any, confidence: int | None = None) -> None:
        extra = {} if confidence is None else {"confidence": confidence}
        self.add(
            stix2.Relationship(
                id=stix_id("relationship", source, kind, target),
                relationship_type=kind,
                source_ref=source,
                target_ref=target,
                **extra,
                **self.common(created),
            )
        )


def bundle(tables: Tables, most: int | None = None) -> Any:
    """The STIX bundle of a run's flagged rings, strongest first; `most` bounds them, and the grouping says so."""
    made = _Bundle(tables)
    every = flagged_rings(tables)
    rings = every if most is None else every.head(most)
    ids = rings["ring_id"].astype(str).tolist()
    made.evidence = by_ring(tables, "evidence", ids)
    if tables.level == INTERNAL:
        made.members = by_ring(tables, "members", ids)
    operators = _operators(made, rings)
    for ring in each(rings):
        _ring(made, ring, operators.get(str(ring.operator_id)))
    members = [i for i in made.objects if not i.startswith(("marking-definition", "identity"))]
    if members:
        made.add(
            stix2.Grouping(
                id=stix_id("grouping", made.frame.run_id),
                name=f"Flagged rings of run {made.frame.run_id}",
                context="suspicious-activity",
                description=f"{len(rings):,} of {len(every):,} flagged rings, strongest first.",
                object_refs=sorted(members),
                **made.common(made.now),
            )
        )
    order = [made.mark, *(made.objects[i] for i in sorted(made.objects))]
    return stix2.Bundle(objects=order, id=stix_id("bundle", made.frame.run_id, tables.level))


def bundle_bytes(tables: Tables, most: int | None = None) -> bytes:
    """The bundle as JSON, the same bytes every time."""
    text: str = bundle(tables, most).serialize(sort_keys=True, indent=1, ensure_ascii=False)
    return (text + "\n").encode()


def _operators(made: _Bundle, rings: pd.DataFrame) -> dict[str, str]:
    found = {}
    for operator, group in rings[rings["operator_id"].notna()].groupby("operator_id"):
        name, ids = name_of(operator), group["ring_id"].tolist()
        about = {
            "name": name,
            "first_seen": _time(group["first_seen"].min()),
            "last_seen": _time(group["last_seen"].max()),
        }
        if group["operator"].notna().all():
            object_ = stix2.ThreatActor(
                id=stix_id("threat-actor", str(operator)), **about, **made.common(made.born(ids))
            )
        else:
            object_ = stix2.IntrusionSet(
                id=stix_id("intrusion-set", str(operator)), **about, **made.common(made.born(ids))
            )
        found[str(operator)] = made.add(object_)
    return found


def _time(at: pd.Timestamp) -> Any:
    return at.to_pydatetime()


def _ring(made: _Bundle, ring: pd.Series, operator: str | None) -> None:
    ring_id = str(ring.ring_id)
    created = made.born([ring_id])
    campaign = made.add(
        stix2.Campaign(
            id=stix_id("campaign", ring_id),
            name=ring_id,
            first_seen=_time(ring.first_seen),
            last_seen=_time(ring.last_seen),
            description=(
                f"{int(ring['size']):,} accounts, {int(ring.n_events):,} requests, {made.frame.window}, "
                f"UTC. Score {ring.score:.2f}."
            ),
            confidence=LEVELS.get(str(ring.confidence), 15),
            **made.common(created),
        )
    )
    if operator is not None:
        sure = (
            on_words_scale(float(ring.operator_probability))
            if pd.notna(ring.operator)
            else LEVELS.get(str(ring.confidence), 15)
        )
        made.tie(campaign, "attributed-to", operator, created, sure)
    evidence = made.evidence[ring_id]
    named = things(evidence, made.frame)
    spans = {(r.entity_type, r.entity): (r.first_seen, r.last_seen) for r in rows_of(evidence)}
    for thing in rows_of(named):
        _indicator(made, ring, campaign, operator, thing, spans[(thing.entity_type, thing.entity)])
    if made.tables.level == INTERNAL:
        _observed(made, ring, campaign)


def _indicator(
    made: _Bundle, ring: pd.Series, campaign: str, operator: str | None, thing: Any, span: tuple[Any, Any]
) -> None:
    created = made.born([str(ring.ring_id)])
    first = span[0] if pd.notna(span[0]) else ring.first_seen
    last = span[1] if pd.notna(span[1]) else ring.last_seen
    pattern = pattern_of(str(thing.entity_type), str(thing.entity if thing.cidr is None else thing.cidr))
    if pattern is None:
        return
    indicator = made.add(
        stix2.Indicator(
            id=stix_id("indicator", str(ring.ring_id), str(thing.entity_type), str(thing.entity)),
            name=f"{thing.label} of {ring.ring_id}",
            pattern=pattern,
            pattern_type="stix",
            valid_from=_time(first),
            indicator_types=["malicious-activity"],
            confidence=LEVELS.get(str(ring.confidence), 15),
            **made.common(created),
        )
    )
    made.tie(indicator, "indicates", campaign, created)
    if operator is not None:
        made.tie(indicator, "indicates", operator, created, LEVELS.get(str(ring.confidence), 15))
    if not thing.withheld:
        made.add(
            stix2.Sighting(
                id=stix_id("sighting", indicator),
                sighting_of_ref=indicator,
                where_sighted_refs=[made.author],
                count=int(thing.n_in_ring),
                first_seen=_time(first),
                last_seen=_time(max(last, first)),
                **made.common(created),
            )
        )
    if thing.entity_type in ADDRESS_TYPES:
        infrastructure = made.add(
            stix2.Infrastructure(
                id=stix_id("infrastructure", str(thing.entity_type), str(thing.entity)),
                name=f"Address {safe(thing.shown)}",
                infrastructure_types=[
                    "anonymization" if "proxy" in str(thing.sort) or "vpn" in str(thing.sort) else "unknown"
                ],
                **made.common(made.now),
            )
        )
        made.tie(campaign, "uses", infrastructure, created)


def _observed(made: _Bundle, ring: pd.Series, campaign: str) -> None:
    """The member accounts as observed data, surest first, as many as `MOST_OBSERVED`."""
    members = made.members[str(ring.ring_id)].sort_values(["membership", "account_id"], ascending=[False, True])
    refs = [
        made.add(stix2.UserAccount(user_id=safe(a, longest=200), account_type="platform"))
        for a in members["account_id"].head(MOST_OBSERVED)
    ]
    made.add(
        stix2.ObservedData(
            id=stix_id("observed-data", str(ring.ring_id)),
            first_observed=_time(ring.first_seen),
            last_observed=_time(ring.last_seen),
            number_observed=min(max(int(ring.n_events), 1), 999_999_999),
            object_refs=sorted(refs),
            **made.common(made.born([str(ring.ring_id)])),
        )
    )


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return True


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "thing"


def pattern_of(entity_type: str, value: str) -> str | None:
    """The STIX pattern of a shared thing; None where nothing can be matched."""
    text = safe(value, longest=500)
    if entity_type in ADDRESS_TYPES and _is_address(text):
        kind = "ipv6-addr" if ":" in text else "ipv4-addr"
        return f"[{kind}:value {'ISSUBSET' if '/' in text else '='} {_quoted(text)}]"
    return f"[x-ringtrace-{_slug(entity_type)}:value = {_quoted(text)}]"


_COMPARISON = re.compile(r"^\[\s*([a-z0-9-]+):([a-z0-9_.'-]+)\s*(=|ISSUBSET)\s*'((?:[^'\\]|\\.)*)'\s*\]$")


def indicators_of(data: bytes) -> pd.DataFrame:
    """The indicators of a bundle that point at a threat actor, as the input table `indicators`.

    Only single comparisons are read; whatever else a pattern says is left aside and counted in `attrs["left_aside"]`.
    """
    parsed = stix2.parse(data.decode(), allow_custom=False)
    objects = {o.id: o for o in getattr(parsed, "objects", [parsed])}
    actors = {i: o.name for i, o in objects.items() if i.startswith("threat-actor--")}
    rows, aside = [], 0
    for relation in (objects[i] for i in sorted(objects) if i.startswith("relationship--")):
        source = objects.get(relation.source_ref)
        if relation.relationship_type != "indicates" or relation.target_ref not in actors or source is None:
            continue
        found = _COMPARISON.match(source.pattern)
        kind = _entity_type(found.group(1), found.group(2), found.group(4)) if found else None
        if found is None or kind is None:
            aside += 1
            continue
        sure = relation.get("confidence", source.get("confidence", 50))
        rows.append(
            {
                "operator": actors[relation.target_ref],
                "entity_type": kind,
                "value": re.sub(r"\\(.)", r"\1", found.group(4)),
                "confidence": sure / 100,
                "source": str(source.get("created_by_ref", "")),
                "valid_from": pd.Timestamp(source.valid_from),
                "valid_until": pd.Timestamp(source["valid_until"]) if "valid_until" in source else pd.NaT,
            }
        )
    columns = ["operator", "entity_type", "value", "confidence", "source", "valid_from", "valid_until"]
    frame = pd.DataFrame(rows, columns=columns).sort_values(["operator", "entity_type", "value"], ignore_index=True)
    frame.attrs["left_aside"] = aside
    return frame


def _entity_type(kind: str, prop: str, value: str) -> str | None:
    """Our entity type for a STIX comparison."""
    from pipeline.schemas.inputs import INDICATOR_TYPES

    if kind in ("ipv4-addr", "ipv6-addr") and prop == "value":
        return "cidr" if "/" in value else ADDRESS_TYPES[0]
    plain = {
        ("autonomous-system", "number"): "asn",
        ("user-account", "user_id"): "account",
        ("domain-name", "value"): "email_domain",
    }
    if (kind, prop) in plain:
        return plain[(kind, prop)]
    slug = {f"x-ringtrace-{_slug(t)}": t for t in INDICATOR_TYPES}
    return slug.get(kind)
