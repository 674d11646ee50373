"""The words in which likelihood and confidence are said: one place for all who write sentences.

Likelihood follows the first row of terms of ICD 203 (Analytic Standards, Office of the Director of National
Intelligence, 2015), each with its number. Confidence speaks of the basis and stands in a sentence of its own: the two
are never joined in one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

BANDS: tuple[tuple[float, str], ...] = (
    (0.95, "almost certain"),
    (0.80, "very likely"),
    (0.55, "likely"),
    (0.45, "roughly even chance"),
    (0.20, "unlikely"),
    (0.05, "very unlikely"),
    (0.0, "almost no chance"),
)
LOWEST, HIGHEST = 0.01, 0.99
COUNTED_BITS = 3.0  # bits a family must count before it speaks for itself

KIND_WORDS = {
    "coordinated": "one coordinated operation",
    "reseller_pool": "a reseller pool",
    "organization": "an organisation",
    "shared_network": "a shared network",
    "unclear": "a group whose nature is unclear",
}


def _checked(probability: float) -> float:
    if not 0.0 <= probability <= 1.0:
        raise ValueError(f"a probability lies in [0, 1], found {probability}")
    return probability


def term(probability: float) -> str:
    """The likelihood term of a probability in [0, 1]; lower bounds belong to the term."""
    value = _checked(probability)
    return next(word for bound, word in BANDS if value >= bound)


def number(probability: float) -> str:
    """A probability as it is printed: two places, cut and not rounded, so that it never leaves its term's band."""
    value = _checked(probability)
    if value < LOWEST:
        return "below 0.01"
    if value > HIGHEST:
        return "above 0.99"
    # a hair is added first: 0.29 * 100 falls short of 29 in binary
    return f"{math.floor(value * 100 + 1e-9) / 100:.2f}"


def likelihood(probability: float) -> str:
    """Term and number together, as in "likely (0.71)"."""
    return f"{term(probability)} ({number(probability)})"


def it_is(probability: float, claim: str) -> str:
    """A sentence about one claim: "It is likely (0.71) that ...". A roughly even chance takes another verb."""
    word = term(probability)
    if word in ("roughly even chance", "almost no chance"):
        article = "a " if word.startswith("roughly") else ""
        return f"There is {article}{word} ({number(probability)}) that {claim}."
    return f"It is {word} ({number(probability)}) that {claim}."


@dataclass(frozen=True)
class Confidence:
    """How far the data allow a likelihood to be trusted: `level` and, as a sentence of its own, `sentence`."""

    level: str
    sentence: str


def confidence(family_bits: Iterable[float], stability: float, q_value: float) -> Confidence:
    """Confidence of a ring from the counted bits of its families of evidence, its stability and its q_value.

    High: two families of 3 counted bits or more, stability 0.9, q_value 0.01. Moderate: two families, 0.7, 0.05.
    Else low, and the sentence says which of them falls short.
    """
    families = sum(1 for bits in family_bits if bits >= COUNTED_BITS)
    if families >= 2 and stability >= 0.9 and q_value <= 0.01:
        return Confidence("high", f"Confidence is high: {families} kinds of evidence agree and the group is stable.")
    if families >= 2 and stability >= 0.7 and q_value <= 0.05:
        return Confidence("moderate", f"Confidence is moderate: {families} kinds of evidence agree.")
    lacks = []
    if families < 2:
        lacks.append("only one kind of evidence stands out" if families else "no kind of evidence stands out")
    if stability < 0.7:
        lacks.append(f"the group changes with the search (stability {stability:.2f})")
    if q_value > 0.05:
        lacks.append(f"chance makes groups like it (q {q_value:.2f})")
    return Confidence("low", f"Confidence is low: {' and '.join(lacks)}.")


def counted(n: int, one: str, many: str = "") -> str:
    """A count with its noun: "1 account", "1,234 accounts"."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def listed(things: list[str]) -> str:
    """Things in a row: "a", "a and b", "a, b and c"; empty text for none."""
    if len(things) < 2:
        return "".join(things)
    return f"{', '.join(things[:-1])} and {things[-1]}"


# What a shared thing is called in a sentence, by its class.
THING_WORDS = {
    "household": "a household address",
    "office": "an office address",
    "campus": "a campus address",
    "shared site": "an address",
    "dynamic address": "a dynamic address",
    "carrier NAT": "a carrier gateway",
    "VPN exit": "a VPN exit",
    "proxy exit": "a proxy exit",
    "hosting": "a hosting address",
    "network": "a network",
    "personal card": "a card",
    "company card": "a company card",
    "shared card": "a shared card",
    "private template": "a private template",
    "shared template": "a template",
    "circle's template": "a template that one circle uses",
    "public template": "a public template",
    "like meaning": "templates of like meaning",
    "agent default template": "an agent's default prompt",
}

# What accounts do, by the part of the score that says so.
PART_WORDS = {
    "handoffs": "continue each other's conversations",
    "one_client": "use one client",
    "synchrony": "swing up and down together",
    "flat_day": "are active round the clock",
    "no_rhythm": "keep no daily rhythm",
    "same_frames": "follow the same templates",
    "frame_share": "use templates that hardly anybody else has",
    "reasoning": "ask for the steps of reasoning",
    "distinct_slots": "fill their templates anew each time",
    "templated": "work by templates",
    "volume_spread": "are equally busy",
    "answer_spread": "get answers of like length",
    "question_spread": "send requests of like length",
    "days_spread": "are active on as many days",
    "weekend": "work through weekends",
    "arrivals": "were first seen together",
    "creation_burst": "were opened together",
    "young": "were opened not long before",
    "suspended": "were suspended in part",
    "cover": "come through hosting and proxies",
    "payer_days": "have not paid for long",
}
