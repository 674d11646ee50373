"""What comes in. Names are the contract's; real logs with other names are mapped in the settings."""

from pipeline.schemas.model import Column, Table

KINDS_OF_RANGE = ("hosting", "vpn", "proxy", "residential", "mobile", "corporate", "education")
CONCLUSIONS = (
    "confirmed", "dismissed", "unsure", "split", "merged", "account_dropped", "account_kept", "entity_allowed",
    "pinned", "withdrawn",
)  # fmt: skip
INDICATOR_TYPES = ("ip", "cidr", "asn", "payment", "template", "account", "email_domain", "user_agent")
RESERVED_OPERATORS = ("unknown", "shared_vendor", "false_flag")
RESERVED_PREFIX = "UNATTRIBUTED-"


def _c(name: str, kind: str, meaning: str, *flags: str, choices: tuple[str, ...] = ()) -> Column:
    return Column(
        name, kind, meaning, nullable="not null" not in flags, required="optional" not in flags,  # type: ignore[arg-type]
        sensitive="sensitive" in flags, choices=choices,
    )  # fmt: skip


events = Table(
    "events", "one request to the API", ("request_id",),
    (
        _c("timestamp", "timestamp", "when the request was made, UTC", "not null"),
        _c("account_id", "string", "the account or key owner that made it", "not null", "sensitive"),
        _c("ip", "string", "IPv4 or IPv6 source address, any valid spelling", "sensitive"),
        _c("prompt", "string", "raw request text", "sensitive", "optional"),
        _c("template_id", "string", "template already assigned upstream; used as it is", "optional"),
        _c("request_id", "string", "de-duplication key; logs are delivered at least once", "optional", "sensitive"),
        _c("model", "string", "requested model", "optional"),
        _c("user_agent", "string", "client string", "optional", "sensitive"),
        _c("input_tokens", "int64", "tokens in", "optional"),
        _c("output_tokens", "int64", "tokens out", "optional"),
    ),
    audience="restricted", wide=True,
    warning="Prompts are sensitive and may be written by attackers.",
)  # fmt: skip

payments = Table(
    "payments", "a payment instrument of an account, at the time it was added or charged", (),
    (
        _c("account_id", "string", "the account", "not null", "sensitive"),
        _c("payment_fingerprint", "string", "stable hash of card, account or wallet", "not null", "sensitive"),
        _c("timestamp", "timestamp", "when it was added or charged, UTC", "optional"),
    ),
    audience="restricted",
)  # fmt: skip

accounts = Table(
    "accounts", "one account", ("account_id",),
    (
        _c("account_id", "string", "the account", "not null", "sensitive"),
        _c("created_at", "timestamp", "when it was opened, UTC"),
        _c("status", "string", "active, suspended, closed ...", "optional"),
        _c("plan", "string", "plan", "optional"),
        _c("country", "string", "country of the account", "optional"),
        _c("email_domain", "string", "domain of its mail address", "optional"),
        _c("organization", "string", "organisation it says it belongs to", "optional"),
    ),
    audience="restricted",
)  # fmt: skip

indicators = Table(
    "indicators", "a piece of outside intelligence that points at an operator", (),
    (
        _c("operator", "string", "who the intelligence points at", "not null"),
        _c("entity_type", "string", "kind of thing named", "not null", choices=INDICATOR_TYPES),
        _c("value", "string", "the thing; for template: an id, or text to be matched", "not null", "sensitive"),
        _c("confidence", "float64", "how far the source is trusted, 0 to 1", "not null"),
        _c("source", "string", "who said so", "optional"),
        _c("valid_from", "timestamp", "from when it holds, UTC", "optional"),
        _c("valid_until", "timestamp", "until when it holds, UTC", "optional"),
    ),
    warning="Indicators may be wrong or planted.",
)  # fmt: skip

ip_ranges = Table(
    "ip_ranges", "a range of addresses and what is known of it", ("cidr",),
    (
        _c("cidr", "string", "range of addresses", "not null"),
        _c("asn", "string", "autonomous system number", "optional"),
        _c("organization", "string", "who holds it", "optional"),
        _c("kind", "string", "what it is used for", "optional", choices=KINDS_OF_RANGE),
    ),
)  # fmt: skip

allowlist = Table(
    "allowlist", "an entity known to be shared innocently", ("entity_type", "value"),
    (
        _c("entity_type", "string", "link type, or ip for a range", "not null"),
        _c("value", "string", "the entity; for ip also a range", "not null", "sensitive"),
        _c("reason", "string", "why it is innocent"),
    ),
)  # fmt: skip

decisions = Table(
    "decisions", "what an analyst concluded", ("decision_id",),
    (
        _c("decision_id", "string", "key of the decision", "not null"),
        _c("conclusion", "string", "what was concluded", "not null", choices=CONCLUSIONS),
        _c("reason", "string", "why", "not null"),
        _c("analyst", "string", "who", "not null"),
        _c("decided_at", "timestamp", "when, UTC", "not null"),
        _c("ring_id", "string", "the ring it is about", "optional"),
        _c("account_id", "string", "the account it is about", "optional", "sensitive"),
        _c("other_ring_id", "string", "the other ring of a merger", "optional"),
        _c("part", "string", "the part of a split an account goes to", "optional"),
        _c("entity_type", "string", "type of the entity it is about", "optional"),
        _c("entity", "string", "the entity it is about", "optional", "sensitive"),
        _c("explanation", "string", "the innocent explanation chosen", "optional"),
        _c("supersedes", "string", "the decision that it corrects", "optional"),
        _c("run_id", "string", "the run judged", "optional"),
        _c("members_digest", "string", "digest of the members judged", "optional"),
    ),
)  # fmt: skip

INPUTS: dict[str, Table] = {
    t.name: t for t in (events, payments, accounts, indicators, ip_ranges, allowlist, decisions)
}
