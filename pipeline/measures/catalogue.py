"""The measures, one line each: name, family of evidence, unit, which way it speaks, what it says.

The sign is fixed here and not learned: +1 where more of it can only speak for one coordinated operation, -1 where it
can only speak against, 0 where it may do either. The volume of single accounts is left out on purpose: a campaign's
accounts are as quiet as anybody's, and a score that leans on volume would learn who is busy.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.part_words import OF_THE_RUN


@dataclass(frozen=True)
class Measure:
    """One measure of a group."""

    name: str
    family: str
    unit: str
    sign: int
    says: str


MEASURES: tuple[Measure, ...] = (
    Measure("network_bits", "network", "bits", 0, "mean evidence an account from shared addresses and networks"),
    Measure("payment_bits", "payment", "bits", 0, "mean evidence an account from shared payment instruments"),
    Measure("text_bits", "text", "bits", 0, "mean evidence an account from shared private templates"),
    Measure("declared_bits", "declared", "bits", +1, "mean evidence an account from declared link types"),
    Measure("tie_bits", "links", "bits", 0, "mean evidence an account from all families, less what it lacks"),
    Measure("affinity_best", "links", "probability", +1, "affinity of an account to the member closest to it"),
    Measure("affinity_bound", "links", "share", +1, "accounts as likely as not of one operator with a member"),
    Measure("affinity_mean", "links", "probability", +1, "mean affinity of two members"),
    Measure("affinity_pairs", "links", "accounts, log2", 0, "expected members of one operator with an account"),
    Measure("affinity_closed", "links", "share", +1, "of the affinity of members that to other members"),
    Measure("two_families", "links", "share", +1, "accounts tied in two families of evidence or more"),
    Measure("top_card", "payment", "share", 0, "accounts with a card that pay with the group's most shared one"),
    Measure("accounts_a_card", "payment", "accounts, log2", 0, "accounts of the group behind a member's card"),
    Measure("accounts_an_address", "network", "accounts, log2", 0, "accounts of the group behind a member's address"),
    Measure("cards_an_account", "payment", "cards, log2", 0, "cards an account has, against the platform's"),
    Measure("cards_spread", "payment", "log2, times the platform's", 0, "spread of the number of cards over accounts"),
    Measure("paying", "payment", "share", 0, "accounts that ever paid, above the platform's"),
    Measure("paid_spread", "payment", "log2, times the platform's", 0, "spread of the days of first payment"),
    Measure("payment_closed", "payment", "share", 0, "of the accounts behind a member's card those in the group"),
    Measure("payment_open", "payment", "accounts, log2", 0, "outsiders an account touches by shared cards"),
    Measure("network_closed", "network", "share", 0, "of the accounts behind a member's address those in the group"),
    Measure("network_open", "network", "accounts, log2", 0, "outsiders an account touches by shared addresses"),
    Measure("network_reach", "network", "share", 0, "accounts of the group that a request's address reaches"),
    Measure("addresses_an_account", "network", "addresses, log2", 0, "addresses of an account, against the platform's"),
    Measure("addresses_spread", "network", "log2, times the platform's", 0, "spread of the number of addresses"),
    Measure("site", "network", "share", -1, "accounts tied by an office, campus or household address"),
    Measure("cover", "network", "share", 0, "accounts tied by hosting, proxy or unclassed addresses"),
    Measure("organisation", "identity", "share", -1, "accounts that show the same organisation or private mail domain"),
    Measure("frame_share", "text", "share", 0, "requests in templates used mostly within the group"),
    Measure("frame_share_middle", "text", "share", 0, "the same share for the middle account"),
    Measure("frame_share_spread", "text", "share", 0, "spread of that share over the accounts"),
    Measure("shared_frames", "text", "share", 0, "requests in templates that several accounts anywhere use"),
    Measure("frame_reach", "text", "share", 0, "accounts of the group that a request's template reaches"),
    Measure("text_closed", "text", "share", 0, "of the accounts behind a member's template those in the group"),
    Measure("text_open", "text", "accounts, log2", 0, "outsiders an account touches by shared templates"),
    Measure("frames", "text", "templates, log2", 0, "effective number of templates in the group"),
    Measure("templates_an_account", "text", "templates, log2", 0, "templates of an account, against the platform's"),
    Measure("template_rate", "text", "log2", 0, "templates of an account for its requests, against the platform's"),
    Measure("top_template", "text", "share", 0, "an account's requests in its first template, above the platform's"),
    Measure("top_template_spread", "text", "log2, times the platform's", 0, "spread of that share over accounts"),
    Measure("templated_spread", "text", "log2, times the platform's", 0, "spread of the templated share over accounts"),
    Measure("frames_an_account", "text", "templates, log2", 0, "effective number of the group's templates, an account"),
    Measure("same_frames", "text", "share", 0, "chance that two members' templated requests follow one template"),
    Measure("reasoning", "text", "share", +1, "prompts that ask for the steps of reasoning, above the platform's"),
    Measure("distinct_slots", "text", "share", 0, "distinct fillings among templated requests, above the platform's"),
    Measure("templated", "text", "share", 0, "requests that follow any template, above the platform's"),
    Measure(
        "volume_spread", "volume", "log2, times the platform's", -1, "spread of requests an active day over accounts"
    ),
    Measure(
        "answer_spread",
        "volume",
        "log2, times the platform's",
        -1,
        "spread of the mean length of answers over accounts",
    ),
    Measure(
        "question_spread",
        "volume",
        "log2, times the platform's",
        -1,
        "spread of the mean length of requests over accounts",
    ),
    Measure("days_spread", "volume", "log2, times the platform's", -1, "spread of the share of days active"),
    Measure("presence", "time", "share", 0, "days active between an account's first and last, above the platform's"),
    Measure("same_clock", "time", "share", 0, "likeness of the accounts' hours of the day, above the platform's"),
    Measure("flat_day", "time", "share", 0, "evenness of the group's activity over the hours of the day"),
    Measure("no_rhythm", "time", "share", +1, "evenness of single accounts' days, above the platform's"),
    Measure("weekend", "time", "share", +1, "activity on weekends against weekdays, above the platform's"),
    Measure("synchrony", "time", "share", +1, "common swing of activity beyond daily, weekly and platform rhythm"),
    Measure("arrivals", "time", "share", 0, "members first seen within the same three days, past the window's start"),
    Measure(
        "creation_burst", "identity", "share", +1, "accounts opened within the same seven days, above the platform's"
    ),
    Measure("age_spread", "identity", "log2, times the platform's", 0, "spread of the days on which accounts opened"),
    Measure("young", "identity", "share", 0, "accounts younger than 60 days when last seen, above the platform's"),
    Measure("suspended", "identity", "share", +1, "accounts already suspended, above the platform's"),
    Measure("payer_days", "identity", "days, log2", -1, "median days since first payment"),
    Measure("one_client", "client", "share", +1, "accounts with the group's most used client, above the platform's"),
    Measure("client_steady", "client", "share", 0, "an account's requests with its first client, above the platform's"),
    Measure("handoffs", "text", "share", +1, "accounts that continue a conversation begun on another member"),
    Measure("group_size", "size", "accounts, log2", 0, "accounts in the group"),
)

NAMES: tuple[str, ...] = tuple(m.name for m in MEASURES)

# Parts of a score that are no measures of the group alone.
WHOLE = Measure("whole", "links", "share", +1, "expected overlap with one ring: 1 is all of it and no more")
ELSEWHERE = Measure("elsewhere", OF_THE_RUN, "share", +1, "expected coordinated groups among the run's other groups")
OVERLAP = Measure("overlap", OF_THE_RUN, "bits", 0, "how likely the groups are that were found around and inside it")
BEYOND = Measure("beyond", OF_THE_RUN, "bits", -1, "what trees say, in bits; what is not believed of it is taken back")
UPHELD = Measure("upheld", OF_THE_RUN, "share", +1, "of other groups that trees call rings, those that leanings uphold")
