"""What a finished run holds. These names are the contract's: columns may be added, none renamed or dropped."""

from pipeline.schemas.model import Audience, Column, Table, Type

KINDS = ("coordinated", "reseller_pool", "organization", "shared_network", "unclear")
CONFIDENCE = ("high", "moderate", "low")
CHANGES = ("born", "continued", "grew", "shrank", "merged", "split", "gone", "revived")

_TYPES: dict[str, Type] = {
    "s": "string", "t": "timestamp", "i": "int64", "f": "float64", "b": "bool", "d": "date", "l": "list<string>",
    "x": "dynamic", "u": "uint64",
}  # fmt: skip


def _table(
    name: str, grain: str, key: str, *columns: str, audience: Audience = "analysts", warning: str = ""
) -> Table:
    """A table from lines 'name type[!] meaning'; ! says never null."""
    made = []
    for line in columns:
        column, kind, meaning = line.split(" ", 2)
        made.append(Column(column, _TYPES[kind[0]], meaning, nullable=not kind.endswith("!")))
    return Table(name, grain, tuple(key.split()), tuple(made), audience, warning)


OUTPUTS: tuple[Table, ...] = (
    _table(
        "rings", "a selected group of three or more accounts, scored", "ring_id",
        "ring_id s! lasting name of the ring",
        "parent_ring_id s the pool it lies in, or null",
        "size i! number of member accounts",
        "n_events i! requests of its members in the window",
        "first_seen t first activity of a member, UTC",
        "last_seen t last activity of a member, UTC",
        "score f! calibrated probability, 0 to 1, that the group is one coordinated fraudulent operation",
        "score_bits f! the same before calibration: log odds, base 2",
        "flagged b! score at the threshold or above, q_value at most 0.05, kind coordinated, no standing dismissal",
        "kind s! best explanation: coordinated, reseller_pool, organization, shared_network, unclear",
        "q_value f! false discovery rate under the null model, 0 to 1",
        "stability f! mean agreement over resolutions and seeds, 0 to 1",
        "operator s named operator, or null where nobody can be named at the naming level",
        "operator_probability f probability of the best named hypothesis, 0 to 1",
        "operator_id s the named operator or a stable UNATTRIBUTED-...; null unless kind is coordinated",
        "suppressed_by s decision_id of a standing dismissal, or null",
        "confidence s! how far the data allow the likelihood to be trusted: high, moderate, low",
        "reason s! one plain sentence",
        warning="A score is a probability, not a finding of guilt; flagged rings are proposals to analysts.",
    ),
    _table(
        "members", "an account in its innermost ring", "account_id",
        "ring_id s! the ring",
        "account_id s! the account",
        "membership f! how surely it belongs, 0 to 1; accused from 0.5 in a flagged ring",
        "n_events i! its requests in the window",
        "first_seen t first activity in the window, UTC",
        "last_seen t last activity in the window, UTC",
        "created_at t when the account was opened, UTC, or null",
        "status s status of the account, or null",
        "payer_days f days since its first payment at the end of the window, or null",
    ),
    _table(
        "evidence", "an entity that ties a ring together", "ring_id entity_type entity",
        "ring_id s! the ring",
        "entity_type s! link type",
        "entity s! the shared value",
        "class s what sort of entity it is: household, office, carrier NAT, private template ...",
        "n_accounts_in_ring i! accounts of the ring that have it",
        "n_accounts_total i! accounts that have it anywhere",
        "bits f! base-2 log likelihood ratio, rarity measured outside the ring; negative speaks against",
        "bits_counted f! what of it counts after the maximum within its family",
        "first_seen t first use within the ring, UTC",
        "last_seen t last use within the ring, UTC",
    ),
    _table(
        "score_parts", "a part of a ring's score", "ring_id part",
        "ring_id s! the ring",
        "part s! name of the part; `start` is where every group starts",
        "family s! family of evidence it belongs to",
        "value f the measure, in its unit; null where it could not be measured",
        "unit s unit of the measure",
        "reference f the same measure among matched innocent groups",
        "bits f! what it adds to score_bits; the parts of a ring sum to it",
    ),
    _table(
        "explanations", "a rival explanation of a ring", "ring_id kind",
        "ring_id s! the ring",
        "kind s! the explanation",
        "probability f! its probability; those of a ring sum to 1",
    ),
    _table(
        "attribution", "a hypothesis on who operates a ring", "ring_id operator",
        "ring_id s! the ring",
        "operator s! a named operator, unknown, shared_vendor, false_flag or an UNATTRIBUTED-...",
        "probability f! its probability; those of a ring sum to 1",
        "bits f evidence for it against unknown, base-2 log likelihood ratio",
        "rank i! 1 is the most probable",
        warning="A hypothesis, not a fact.",
    ),
    _table(
        "incidence", "an account and an entity it shares, kept in the bipartite graph",
        "account_id entity_type entity",
        "account_id s! the account",
        "entity_type s! link type",
        "entity s! the shared value",
        "bits f! global weight used for grouping, never negative",
        "n_events i! sightings of the account with the entity",
        "first_seen t first sighting, UTC",
        "last_seen t last sighting, UTC",
        "ring_id s innermost ring of the account, null outside rings",
        audience="restricted",
    ),
    _table(
        "links", "a pair of accounts inside one ring, at most the 20 strongest an account",
        "ring_id account_a account_b",
        "ring_id s! the ring",
        "account_a s! the account that sorts first",
        "account_b s! the account that sorts second",
        "bits f! evidence of the pair: maximum within families, summed across",
        "bits_<type> x one column a link type: bits of what the pair shares of that type",
    ),
    _table(
        "activity", "an hour of an account in a ring", "ring_id account_id hour",
        "ring_id s! the ring",
        "account_id s! the account",
        "hour t! beginning of the hour, UTC",
        "n_events i! requests in the hour",
    ),
    _table(
        "ring_hours", "an hour of a ring", "ring_id hour",
        "ring_id s! the ring",
        "hour t! beginning of the hour, UTC",
        "n_accounts i! members active in the hour",
        "n_events i! their requests",
    ),
    _table(
        "ring_groups", "accounts of a ring with the same set of its 12 strongest shared things", "ring_id rank",
        "ring_id s! the ring",
        "rank i! 1 is the largest group; the last may stand for all other combinations",
        "entities l! the shared things as type:value; empty where none or where the row stands for the rest",
        "n_accounts i! accounts in the group",
        "n_core i! of these with membership of 0.5 or more",
    ),
    _table(
        "daily", "a day of the whole platform by group", "day group",
        "day d! day, UTC",
        "group s! flagged (accused accounts) or other",
        "n_events i! requests",
        "n_accounts i! active accounts",
    ),
    _table(
        "provenance", "the requests behind a tie in a ring", "ring_id account_id entity_type entity day",
        "ring_id s! the ring",
        "account_id s! the account",
        "entity_type s! link type",
        "entity s! the shared value",
        "day d! day, UTC",
        "n_events i! requests of that day",
        "request_ids l! at most 20 of them, in order",
        audience="restricted",
    ),
    _table(
        "layout", "a vertex of a ring's picture", "ring_id vertex_type vertex",
        "ring_id s! the ring",
        "vertex_type s! account, or a link type",
        "vertex s! account id or entity",
        "x f! place, -1 to 1",
        "y f! place, -1 to 1",
        warning="Nearness in the picture means nothing more than shared ties.",
    ),
    _table(
        "templates", "a mined prompt template", "template_id",
        "template_id s! lasting id, a function of the frame itself",
        "text s fixed words with slots as <*>; null where fewer than k accounts share it or the id came from upstream",
        "n_events i! requests that follow it",
        "n_accounts i! accounts that use it",
        "family_id s variants and light paraphrase of one frame",
        "n_distinct_fillers i distinct fillings of its slots",
        "slot_entropy f entropy of the fillings, bits",
        "mean_slot_chars f mean length of what fills the slots, characters",
        warning="Written by strangers: escape it wherever it is shown.",
    ),
    _table(
        "ring_history", "what became of a ring since the previous run", "ring_id previous_ring_id",
        "ring_id s! the ring (for `gone` the ring that is no more)",
        "previous_ring_id s the ring of the previous run, null for births",
        "change s! born, continued, grew, shrank, merged, split, gone, revived",
        "jaccard f overlap of members with the previous ring, 0 to 1",
    ),
    _table(
        "ring_registry", "a ring id ever given", "ring_id",
        "ring_id s! the ring",
        "first_run s! run that gave the id",
        "last_run s! last run that had the ring",
        "state s! active, gone, merged",
        "pinned_name s name that an analyst pinned, or null",
        "accounts l! member accounts when last seen, at most 5,000, for knowing it again",
        "entities l! its rarest shared entities when last seen as type:value, at most 200, for knowing it again",
        "dismissed_by s the dismissal that stands, or null",
        "dismissed_accounts l member accounts when it was dismissed, or null",
        "dismissed_types l link types that tied it when it was dismissed, or null",
        audience="restricted",
    ),
)  # fmt: skip
