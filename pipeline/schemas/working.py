"""What passes between stages. Kept in the run's unfinished folder; in the finished run only on request."""

from dataclasses import replace

from pipeline.schemas.inputs import INPUTS
from pipeline.schemas.model import Audience, Column, Table
from pipeline.schemas.outputs import _table


def _working(
    name: str, grain: str, key: str, *columns: str, audience: Audience = "pipeline", wide: bool = False
) -> Table:
    return replace(_table(name, grain, key, *columns, audience=audience), wide=wide)


def _clean(name: str) -> Table:
    """A checked input table: the same columns, all of them present."""
    table = INPUTS[name]
    return replace(table, name=f"clean_{name}", grain=f"{table.grain}, checked", audience="pipeline", wide=False)


def _rejected(name: str) -> Table:
    return _working(
        f"rejected_{name}", f"a refused row of {name}", "row",
        "file s! file it stands in",
        "row i! row within the file, from 1",
        "column s column at fault",
        "found s what was found: kind and length where the column is sensitive",
        "digest s keyed digest of the sensitive value, so that equal faults can be counted",
        "reason s! why it was refused",
        audience="restricted",
    )  # fmt: skip


WORKING: tuple[Table, ...] = (
    Table(
        "clean_events", "a request, once", ("source", "row"),
        (
            *(c for c in INPUTS["events"].columns if c.name != "prompt"),
            Column("source", "int32", "number of the input file it came from", nullable=False),
            Column("row", "int64", "its row in that file, from 0: where its prompt is read again", nullable=False),
            Column("<declared>", "dynamic", "one string column a link type declared on events"),
        ),
        audience="pipeline", wide=True,
        warning="No prompt: prompts stay in the input and are read again by the templates stage alone.",
    ),
    _clean("payments"), _clean("accounts"), _clean("indicators"), _clean("ip_ranges"), _clean("allowlist"),
    _clean("decisions"),
    *(_rejected(name) for name in INPUTS),
    _working(
        "template_events", "a request with its template, row by row beside clean_events", "account_id timestamp",
        "request_id s de-duplication key where there is one",
        "account_id s! the account",
        "timestamp t! when, UTC",
        "template_id s the frame the prompt was filled into, null where none",
        "family_id s family of that frame",
        "conversation u keyed digest of the beginning of the conversation",
        "slot_digest u digest of what fills the slots",
        "slot_chars i characters that fill the slots",
        "n_chars i characters of the prompt",
        "asks_reasoning b the prompt asks for the steps of reasoning",
        "wrapper_id s the agent's default prompt that stood around the request",
        "language s code of the script or language",
        wide=True,
    ),
    _working(
        "sightings", "an account seen with an entity on a day", "account_id entity_type entity day",
        "account_id s! the account",
        "entity_type s! link type",
        "entity s! the shared value",
        "day d! day, UTC",
        "n_events i! how often (0 for tables without events)",
        "active_hours i! bit mask of the 24 hours, UTC",
        "first_seen t first sighting of the day",
        "last_seen t last sighting of the day",
        audience="analysts", wide=True,
    ),
    _working(
        "account_hours", "an hour in which an account was active", "account_id hour",
        "account_id s! the account",
        "hour t! beginning of the hour, UTC",
        "n_events i! requests in the hour",
        audience="analysts", wide=True,
    ),
    _working(
        "conversations", "a beginning of a conversation that two or more accounts continued",
        "conversation account_id",
        "conversation u! digest of the beginning",
        "account_id s! the account",
        "n_events i! requests",
        "first_seen t first, UTC",
        "last_seen t last, UTC",
    ),
    _working(
        "account_traits", "an account and what it did in the window", "account_id",
        "account_id s! the account",
        "n_events i! requests",
        "n_days i! active days",
        "first_seen t first activity in the window, UTC",
        "last_seen t last activity in the window, UTC",
        "created_at t when it was opened, or null",
        "status s status, or null",
        "email_domain s domain of its mail address, or null",
        "organization s organisation it names, or null",
        "first_paid t first payment known, or null",
        "n_cards i! distinct payment instruments",
        "n_addresses i! distinct addresses",
        "n_templates i! distinct templates",
        "top_template s its most used template, or null",
        "top_template_share f share of its templated requests in that template",
        "templated_share f share of its prompted requests that follow any template",
        "distinct_slots_share f distinct fillings among its templated requests",
        "reasoning_share f share of its prompts that ask for the steps of reasoning",
        "client s digest of its most used client and model tuple, or null",
        "client_share f share of its requests with that tuple",
        "mean_input_tokens f mean tokens in",
        "mean_output_tokens f mean tokens out",
        "night_share f share of requests in its six quietest platform hours",
        "weekend_share f share of requests on Saturday and Sunday, UTC",
    ),
    _working(
        "entities", "an entity that accounts can share", "entity_type entity",
        "entity_type s! link type",
        "entity s! the value",
        "class s! what sort of entity it is",
        "class_probability f! how sure the class is, 0 to 1",
        "network s for addresses the network they lie in (/24 or /48), else null",
        "asn s for addresses the autonomous system, else null",
        "family s! family of evidence it belongs to",
        "n_accounts i! accounts seen with it",
        "n_events i! sightings",
        "first_seen t first sighting, UTC",
        "last_seen t last sighting, UTC",
        "bits f! global weight of sharing it, before leave-group-out",
        "counts f! share of its rarity that counts, by class and time of use, 0 to 1",
        "left_out_because s why it links nothing, or null",
        audience="analysts", wide=False,
    ),
    _working(
        "incidence_bits", "an account and an entity it shares", "account_id entity_type entity",
        "account_id s! the account",
        "entity_type s! link type",
        "entity s! the value",
        "bits f! global weight used for grouping",
        "n_events i! sightings",
        "n_days i! days on which it was seen",
        "first_seen t first sighting, UTC",
        "last_seen t last sighting, UTC",
        audience="analysts",
    ),
    _working(
        "affinities", "a pair of accounts", "account_id other_id",
        "account_id s! the first account",
        "other_id s! the second, later in order",
        "bits f! log odds that one operator has both",
        audience="analysts",
    ),
    _working(
        "communities", "a community and an account in it", "community account_id",
        "community i! number of the candidate group",
        "account_id s! the account",
        "support f! share of the runs in which the account was with the group",
    ),
    _working(
        "community_runs", "one clustering run", "run",
        "run i! number",
        "graph s! bipartite or pairs",
        "objective s! objective",
        "resolution f! resolution",
        "seed i! seed",
        "quality f! value of the objective",
        "n_communities i! communities of three or more accounts",
        audience="analysts",
    ),
    _working(
        "candidate_groups", "a community and what its links alone say", "community",
        "community i! number of the candidate group",
        "size i! accounts",
        "stability f! mean agreement over runs, 0 to 1",
        "link_bits f! mean bits of shared things an account, leave-group-out, maximum within families",
        "source s! graph and objective that found it",
    ),
    _working(
        "null_scores", "a community of a rewired graph", "rewiring community",
        "rewiring i! number of the rewiring",
        "community i! number",
        "size i! accounts",
        "link_bits f! mean bits of shared things an account",
        "score_bits f! score in bits, judged like a real group",
    ),
    _working(
        "null_members", "a member of a community of a rewired graph that reaches the report floor",
        "rewiring community account_id",
        "rewiring i! number of the rewiring",
        "community i! number",
        "account_id s! account",
    ),
    _working(
        "behaviour", "a candidate and a measure", "community measure",
        "community i! number of the candidate group",
        "measure s! name of the measure",
        "family s! family of evidence",
        "value f the measure, null where it could not be taken",
        "unit s! its unit",
        "reference f the same among matched innocent groups",
        audience="analysts",
    ),
    _working(
        "candidates", "a selected group", "candidate",
        "candidate i! number",
        "parent i the pool it lies in, or null",
        "score f! calibrated probability",
        "score_bits f! log odds before calibration",
        "kind s! best explanation",
        "q_value f! false discovery rate",
        "stability f! agreement over runs",
        "n_families i! families of evidence with three counted bits or more",
    ),
    _working(
        "candidate_members", "a candidate and an account", "candidate account_id",
        "candidate i! number",
        "account_id s! the account",
        "membership f! how surely it belongs, 0 to 1",
    ),
    _working(
        "candidate_parts", "a part of a candidate's score", "candidate part",
        "candidate i! number",
        "part s! name",
        "family s! family of evidence",
        "value f the measure",
        "unit s its unit",
        "reference f among matched innocent groups",
        "bits f! what it adds",
    ),
    _working(
        "candidate_explanations", "a rival explanation of a candidate", "candidate kind",
        "candidate i! number",
        "kind s! the explanation",
        "probability f! its probability",
    ),
    _working(
        "ring_ids", "a candidate and its lasting name", "candidate",
        "candidate i! number",
        "ring_id s! lasting name",
        "suppressed_by s standing dismissal, or null",
        "joined_since i accounts that joined since it was dismissed, null where it never was",
        "new_types l link types that tie it now and did not when it was dismissed",
    ),
    _working(
        "operator_ids", "a ring and its operator's lasting name", "ring_id",
        "ring_id s! the ring",
        "operator_id s the named operator or an UNATTRIBUTED-...",
    ),
)  # fmt: skip
