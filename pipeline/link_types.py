"""The open list of link types: where each is read, how its values are brought to normal form, which family it is in.

Three are built in; more are declared in the settings (`[link_types.NAME]`) and go through every stage by this list
alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Source = Literal["events", "payments", "accounts", "template_events"]
Form = Literal["text", "address"]


@dataclass(frozen=True)
class LinkType:
    """A kind of entity that may tie accounts.

    `match_probability` (m) is how often two accounts of one operator are expected to share an entity of this type;
    `cap_bits` bounds what one shared entity can prove.
    """

    name: str
    table: Source
    column: str
    family: str
    form: Form = "text"
    match_probability: float = 0.2
    cap_bits: float = 14.0
    slot: int = 4  # colour and mark in pictures


BUILT_IN: tuple[LinkType, ...] = (
    LinkType("ip", "events", "ip", "network", form="address", match_probability=0.2, cap_bits=12.0, slot=1),
    LinkType("payment", "payments", "payment_fingerprint", "payment", match_probability=0.2, cap_bits=14.0, slot=2),
    LinkType("template", "template_events", "template_id", "text", match_probability=0.5, cap_bits=12.0, slot=3),
)

# Frames of like meaning: read only where `templates.semantic` is set. Likeness joins every tutor with every other, so
# that it proves little; in the family of templates it never counts beside a shared one.
MEANING = LinkType(
    "meaning", "template_events", "meaning_id", "text", match_probability=0.2, cap_bits=1.5, slot=4
)  # fmt: skip


def link_types(declared: tuple[LinkType, ...] = ()) -> tuple[LinkType, ...]:
    """Built-in link types and the declared ones, in the order of their names within each."""
    return (*BUILT_IN, *sorted(declared, key=lambda t: t.name))


ADDRESS_TYPES = tuple(t.name for t in BUILT_IN if t.form == "address")
PAYMENT_TYPE = "payment"
TEMPLATE_TYPE = "template"
