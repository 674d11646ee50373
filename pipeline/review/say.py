"""How values are written on pages: numbers and times as in the figures, strangers' text as quoted matter, masks."""

from __future__ import annotations

import ipaddress
import math
import unicodedata
from datetime import datetime, timedelta
from typing import Any

from markupsafe import Markup, escape

from pipeline import part_words
from pipeline.link_types import ADDRESS_TYPES, PAYMENT_TYPE, TEMPLATE_TYPE
from pipeline.words import term

MINUS, DASH, ELLIPSIS = "−", "–", "…"
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_SHOWN = 40
TYPE_WORDS = {ADDRESS_TYPES[0]: "address", PAYMENT_TYPE: "card", TEMPLATE_TYPE: "template"}
KIND_SHORT = {
    "coordinated": "coordinated operation",
    "reseller_pool": "reseller pool",
    "organization": "organisation",
    "shared_network": "shared network",
    "unclear": "unclear",
}
EXPLANATIONS = (
    ("organization", "an office, a school or an agency"),
    ("shared_network", "a shared network"),
    ("reseller_customers", "customers of one reseller"),
    ("household", "a household or friends"),
    ("other", "something else, said in the reason"),
)
CONCLUSION_WORDS = {
    "confirmed": "confirmed",
    "dismissed": "dismissed",
    "unsure": "is not sure about",
    "split": "split",
    "merged": "merged",
    "account_dropped": "dropped an account from",
    "account_kept": "kept an account in",
    "entity_allowed": "allowed an entity",
    "pinned": "pinned a name to",
    "withdrawn": "withdrew a decision on",
}


def count(n: float | None) -> str:
    """A count: `25,104`, from ten million `28.8 million`; a dash where nothing is known."""
    if n is None:
        return DASH
    return f"{n / 1e6:,.1f} million" if abs(n) >= 10_000_000 else f"{int(n):,}"


def bits(value: float | None) -> str:
    """Bits with sign and one decimal, a true minus."""
    if value is None:
        return DASH
    if abs(value) < 0.05:
        return "0.0"
    return f"+{value:.1f}" if value > 0 else f"{MINUS}{-value:.1f}"


def measure(value: float | None) -> str:
    """A measured value with three figures; a dash where it was not measured."""
    if value is None or math.isnan(value):
        return DASH
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}".replace("-", MINUS)
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:.{min(digits, 3)}f}".replace("-", MINUS)


def reading(value: float, part: dict[str, Any], accounts: int) -> str:
    """A value of a part of the score in a group of so many accounts: a share in percent, else three figures."""
    return part_words.reading(str(part["part"]), float(value), str(part["unit"] or ""), accounts)


def day(at: datetime | None) -> str:
    """A day: `22 Apr 2026`."""
    return f"{at.day} {_MONTHS[at.month - 1]} {at.year}" if at else DASH


def short_day(at: datetime | None) -> str:
    """A day whose year stands elsewhere: `22 Apr`."""
    return f"{at.day} {_MONTHS[at.month - 1]}" if at else DASH


def clock(at: datetime | None) -> str:
    """A time: `5 Jun 2026 09:41 UTC`."""
    return f"{day(at)} {at:%H:%M} UTC" if at else DASH


def window(since: datetime, until: datetime) -> str:
    """The days of `[since, until)`, both included."""
    last = until - timedelta(microseconds=1)
    first = short_day(since) if since.year == last.year else day(since)
    return f"{first}{DASH}{day(last)}"


def likely(probability: float) -> str:
    """The likelihood term alone, as `very likely`."""
    return term(probability)


def acts(character: str) -> bool:
    """Whether a character can act on its surroundings instead of being seen: controls, marks of direction, blanks."""
    return unicodedata.category(character) in ("Cc", "Cf", "Co", "Cs", "Zl", "Zp")


def cut(value: str, shown: int = _SHOWN) -> str:
    """A value cut in the middle."""
    if len(value) <= shown:
        return value
    head = (shown - 1) * 2 // 3
    return f"{value[:head]}{ELLIPSIS}{value[len(value) - (shown - 1 - head) :]}"


def quoted(value: object, shown: int = _SHOWN) -> Markup:
    """A stranger's value as quoted matter: cut, isolated, characters that act shown as chips."""
    if value is None:
        return Markup(DASH)
    text = cut(str(value), shown)
    parts = [Markup('<span class="chip-char">U+{:04X}</span>').format(ord(c)) if acts(c) else escape(c) for c in text]
    return Markup('<bdi class="q">{}</bdi>').format(Markup("").join(parts))


def visible(value: object) -> str:
    """The same as plain text, for copies, drawings and files."""
    return "".join(f"<U+{ord(c):04X}>" if acts(c) else c for c in str(value))


_RESERVED = {
    "unknown": "nobody known (unknown)",
    "shared_vendor": "customers of one vendor",
    "false_flag": "planted traces (false flag)",
}


def rival(operator: str) -> Markup:
    """A hypothesis on an operator: reserved words in plain English, names as quoted matter."""
    return escape(_RESERVED[operator]) if operator in _RESERVED else quoted(operator)


def slots(text: str | None) -> Markup:
    """Template text with its slots marked."""
    if text is None:
        return Markup(DASH)
    mark = Markup('<span class="slot" aria-label="slot">▢</span>')
    return mark.join(quoted(part, 600) if part else Markup("") for part in text.split("<*>"))


def slot_shape(text: str | None) -> str:
    """Template text for those who may not read it: how many words stand between the slots."""
    if text is None:
        return DASH
    return " ▢ ".join(f"[{len(part.split())} words]" for part in text.split("<*>"))


def type_word(entity_type: str) -> str:
    """The everyday word of a link type; a declared type speaks for itself."""
    return TYPE_WORDS.get(entity_type, entity_type.replace("_", " "))


def masked(entity_type: str, value: str) -> str:
    """What of an entity everyone may see: the network of an address, the last two characters of anything else."""
    if entity_type in ADDRESS_TYPES:
        try:
            address = ipaddress.ip_address(value)
        except ValueError:
            return "address " + ELLIPSIS
        network = ipaddress.ip_network((address, 24 if address.version == 4 else 48), strict=False)
        return f"{network}"
    if entity_type == TEMPLATE_TYPE:
        return visible(cut(value, 12))
    return f"•••{visible(value[-2:])}"


def csv_cell(value: object) -> str:
    """A cell that no spreadsheet takes for a formula and no terminal obeys."""
    text = visible("" if value is None else value)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r", "|", "%") else text
