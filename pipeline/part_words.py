"""Parts of a score as people read them: a short name for a picture or a table, and values as percents where they are
shares. What a measure is exactly stands in the catalogue of measures; here are only words.
"""

from __future__ import annotations

import math

MINUS = "−"
FEWEST_FOR_PERCENT = 20  # below, a percent would be less than one account
START = "start"
OF_THE_RUN = "run"  # family of the parts that tell of the rest of the run, no evidence of the group itself

TITLES = {
    START: "Start: any group of this run",
    "network_bits": "Shared networks",
    "payment_bits": "Shared cards",
    "text_bits": "Shared templates",
    "declared_bits": "Other shared things",
    "tie_bits": "All ties together",
    "affinity_best": "Closest member",
    "affinity_bound": "Accounts with a close member",
    "affinity_mean": "Closeness of two members",
    "affinity_pairs": "Close members an account",
    "affinity_closed": "Closeness kept within",
    "whole": "A whole ring, not a part",
    "elsewhere": "Coordinated groups elsewhere",
    "overlap": "Groups that overlap with it",
    "beyond": "More than is believed",
    "upheld": "Rings upheld elsewhere",
    "two_families": "Tied in two ways",
    "top_card": "Most shared card",
    "accounts_a_card": "Accounts behind a card",
    "accounts_an_address": "Accounts behind an address",
    "cards_an_account": "Cards an account",
    "cards_spread": "Spread of cards",
    "paying": "Paying accounts",
    "paid_spread": "Spread of first payments",
    "payment_closed": "Cards of no outsider",
    "payment_open": "Outsiders by cards",
    "network_closed": "Addresses of no outsider",
    "network_open": "Outsiders by addresses",
    "network_reach": "Reach of an address",
    "addresses_an_account": "Addresses an account",
    "addresses_spread": "Spread of addresses",
    "site": "Office, campus or home",
    "cover": "Hosting or proxy",
    "organisation": "Same organisation",
    "frame_share": "Templates of their own",
    "frame_share_middle": "The same, middle account",
    "frame_share_spread": "The same, spread",
    "shared_frames": "Templates of several",
    "frame_reach": "Reach of a template",
    "text_closed": "Templates of no outsider",
    "text_open": "Outsiders by templates",
    "frames": "Number of templates",
    "templates_an_account": "Templates an account",
    "template_rate": "Templates for its requests",
    "top_template": "First template",
    "top_template_spread": "First template, spread",
    "templated_spread": "Work by templates, spread",
    "frames_an_account": "Own templates an account",
    "same_frames": "Same templates",
    "reasoning": "Steps of reasoning asked",
    "distinct_slots": "Slots filled anew",
    "templated": "Work by templates",
    "volume_spread": "Equally busy",
    "answer_spread": "Answers of like length",
    "question_spread": "Requests of like length",
    "days_spread": "Active on as many days",
    "presence": "Days without a break",
    "same_clock": "Hours in common",
    "flat_day": "Round the clock",
    "no_rhythm": "No daily rhythm",
    "weekend": "Weekends worked through",
    "synchrony": "Up and down together",
    "arrivals": "First seen together",
    "creation_burst": "Opened together",
    "age_spread": "Spread of opening days",
    "young": "Young accounts",
    "suspended": "Already suspended",
    "payer_days": "Days since first payment",
    "one_client": "One client",
    "client_steady": "Steady client",
    "handoffs": "Conversations passed on",
    "group_size": "Group size",
}
# shares of which the platform's has been taken away: they are read in points, with a sign; the first are of accounts
ACCOUNTS_EXCESS = frozenset(("paying", "creation_burst", "young", "suspended", "one_client"))
EXCESS = ACCOUNTS_EXCESS | {
    "top_template", "reasoning", "distinct_slots", "templated", "client_steady", "presence", "same_clock",
}  # fmt: skip


def title(part: str) -> str:
    """The short name of a part; one that has none goes by its own, without underscores."""
    if part in TITLES:
        return TITLES[part]
    read = part.replace("_", " ").replace(":", ": ")
    return read[:1].upper() + read[1:]


def reading(part: str, value: float, unit: str, accounts: int) -> str:
    """A value of a part in words: `89%` of a share, `+21 points` of one above the platform's, else three figures.

    `accounts` is the size of the group: of fewer than 20 nothing is said in percent.
    """
    if unit != "share" or accounts < FEWEST_FOR_PERCENT:
        return figures(value)
    if part in EXCESS:
        points = math.floor(abs(value) * 100 + 0.5)
        return f"{'' if not points else '+' if value > 0 else MINUS}{points} {'point' if points == 1 else 'points'}"
    if not 0 <= value <= 1 or part in ("weekend", "synchrony", "flat_day", "no_rhythm"):
        return figures(value)
    if 0 < value < 0.01:
        return "below 1%"
    if 0.99 < value < 1:
        return "above 99%"
    return f"{math.floor(value * 100 + 0.5)}%"


def figures(value: float) -> str:
    """A measured value of any size with three figures and a true minus."""
    if value == 0:
        return "0"
    if abs(value) >= 1000:
        return f"{value:,.0f}".replace("-", MINUS)
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{value:.{min(digits, 3)}f}".replace("-", MINUS)
    return text.rstrip("0").rstrip(".") if "." in text else text
