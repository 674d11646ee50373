"""A MISP event of the flagged rings: shared things as attributes, grouped by ring; deterministic ids, no clock."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pandas as pd

from pipeline.exports.figures.choose import flagged_rings
from pipeline.exports.figures.things import things
from pipeline.exports.frames import each, rows_of
from pipeline.exports.tables import INTERNAL, Tables, by_ring, frame_of
from pipeline.exports.trace import name_of, safe
from pipeline.link_types import ADDRESS_TYPES

NAMESPACE = uuid.UUID("3c5a90b0-0a4f-5a0e-8b52-52494e475452")
TAGS = {INTERNAL: "tlp:amber+strict", "partner": "tlp:amber", "public": "tlp:clear"}


def event(tables: Tables) -> dict[str, Any]:
    """The event as MISP's core format has it."""
    frame = frame_of(tables)
    stamp = str(int(frame.until.timestamp()))
    attributes = []
    rings = flagged_rings(tables)
    evidence = by_ring(tables, "evidence", rings["ring_id"].astype(str).tolist())
    for ring in each(rings):
        attributes += _attributes(tables, ring, things(evidence[str(ring.ring_id)], frame), stamp)
    return {
        "Event": {
            "uuid": _uuid("event", frame.run_id, tables.level),
            "info": f"Flagged rings of run {frame.run_id}, {frame.window}",
            "date": frame.until.strftime("%Y-%m-%d"),
            "timestamp": stamp,
            "threat_level_id": "4",  # undefined: a score is not a level of threat
            "analysis": "1",  # ongoing: people decide
            "distribution": "0",  # this organisation only
            "published": False,
            "Tag": [{"name": TAGS[tables.level]}],
            "Attribute": attributes,
        }
    }


def _uuid(*about: str) -> str:
    return str(uuid.uuid5(NAMESPACE, "|".join(about)))


def _attributes(tables: Tables, ring: pd.Series, named: pd.DataFrame, stamp: str) -> list[dict[str, Any]]:
    tags = [{"name": f'ringtrace:ring="{safe(ring.ring_id)}"'}]
    if pd.notna(ring.operator):
        tags.append({"name": f'ringtrace:operator="{name_of(ring.operator)}"'})
    made = []
    for thing in rows_of(named):
        kind = "ip-src" if thing.entity_type in ADDRESS_TYPES and tables.level == INTERNAL else "other"
        made.append(
            {
                "uuid": _uuid("attribute", str(ring.ring_id), str(thing.entity_type), str(thing.entity)),
                "type": kind,
                "category": "Network activity" if kind == "ip-src" else "Other",
                "value": safe(thing.shown, longest=500),
                "comment": f"{thing.label} of {safe(ring.ring_id)}: {safe(thing.sort)}",
                "to_ids": False,
                "timestamp": stamp,
                "distribution": "5",  # as the event
                "Tag": tags,
            }
        )
    return made


def event_bytes(tables: Tables) -> bytes:
    """The event as JSON, the same bytes every time."""
    return (json.dumps(event(tables), indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()
