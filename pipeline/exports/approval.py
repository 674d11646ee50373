"""The approval on record without which nothing goes to a partner or to the public."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import Place, UsageError, quoted

FIELDS = ("approved_by", "run_id", "audience", "approved_at")


@dataclass(frozen=True)
class Approval:
    """Who approved which run for which audience (and recipient), and when; perhaps only some rings."""

    approved_by: str
    run_id: str
    audience: str
    approved_at: str
    recipient: str = ""
    rings: tuple[str, ...] = ()

    def rows(self) -> tuple[tuple[str, str], ...]:
        """What the briefing says of it."""
        said = (("approved by", self.approved_by), ("approved for", self.audience), ("approved at", self.approved_at))
        return said + ((("recipient", self.recipient),) if self.recipient else ())


def read_approval(
    path: str | Path | None, *, run_id: str, audience: str, recipient: str, rings: tuple[str, ...]
) -> Approval:
    """The approval in a JSON file, if it fits what is asked for. Raises UsageError."""
    if path is None:
        raise UsageError(
            f"a briefing for the audience {audience} needs an approval on record",
            expected=f"a JSON file with {', '.join(FIELDS)}",
            mend="Give it with --approval.",
        )
    place = Place(str(path))
    try:
        found: Any = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as fault:
        raise UsageError(
            "the approval cannot be read", place=place, expected="a JSON object", mend="Mend the file."
        ) from fault
    if not isinstance(found, dict) or not all(isinstance(found.get(f), str) and found[f].strip() for f in FIELDS):
        raise UsageError(
            "the approval is not complete",
            place=place,
            expected=f"texts for {', '.join(FIELDS)}",
            mend="Add what is missing.",
        )
    made = Approval(
        approved_by=found["approved_by"],
        run_id=found["run_id"],
        audience=found["audience"],
        approved_at=found["approved_at"],
        recipient=str(found.get("recipient", "")),
        rings=tuple(map(str, found.get("rings", ()))),
    )
    for what, given, wanted in (
        ("run", made.run_id, run_id),
        ("audience", made.audience, audience),
        ("recipient", made.recipient, recipient),
    ):
        if given != wanted:
            raise UsageError(
                f"the approval is for another {what}",
                place=place,
                found=quoted(given),
                expected=quoted(wanted),
                mend="Ask for an approval of this briefing.",
            )
    if made.rings and not (rings and set(rings) <= set(made.rings)):
        raise UsageError(
            "the approval covers some rings only",
            place=place,
            found=f"{len(rings) or 'all'} asked for",
            expected=f"among {len(made.rings)} approved",
            mend="Name the approved rings with --ring.",
        )
    return made
