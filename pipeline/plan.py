"""The main path: the stages in order, what each reads and what it writes. Data only; imports nothing heavy.

The command line, the scheduler's DAG, `--resume` and the drawing in the docs all read this list.
A name in `reads` is a table that an earlier stage writes; `inputs` come from outside; `previous` are tables of the
previous finished run, the only way through which the past enters.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Stage:
    """One stage: its module in `pipeline.stages`, its tables in and out. `settings` names the sections it is given."""

    name: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    settings: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    previous: tuple[str, ...] = ()
    wide: bool = False  # given a workbench that spreads work as Dask tasks
    says: str = ""  # one line for people


STAGES: tuple[Stage, ...] = (
    Stage(
        "intake",
        reads=(),
        inputs=("events", "payments", "accounts", "indicators", "ip_ranges", "allowlist", "decisions"),
        writes=(
            "clean_events", "clean_payments", "clean_accounts", "clean_indicators", "clean_ip_ranges",
            "clean_allowlist", "clean_decisions",
            "rejected_events", "rejected_payments", "rejected_accounts", "rejected_indicators",
            "rejected_ip_ranges", "rejected_allowlist", "rejected_decisions",
        ),
        settings=("input", "link_types"), wide=True,
        says="checks every row, brings values to normal form, drops duplicates",
    ),
    Stage(
        "templates",
        reads=("clean_events",), inputs=("prompts",), writes=("template_events", "templates"),
        settings=("templates",), wide=True,
        says="finds the frames that prompts were filled into",
    ),
    Stage(
        "sightings",
        reads=("clean_events", "clean_payments", "clean_accounts", "template_events"),
        writes=("sightings", "account_hours", "conversations", "account_traits"),
        settings=("link_types",), wide=True,
        says="counts who was seen with what, when",
    ),
    Stage(
        "entities",
        reads=("sightings", "account_traits", "clean_ip_ranges", "clean_allowlist", "clean_decisions"),
        writes=("entities",), settings=("entities", "link_types"), wide=True,
        says="settles what each shared value can prove",
    ),
    Stage(
        "incidence",
        reads=("sightings", "entities"), writes=("incidence_bits",),
        settings=("incidence",), wide=True,
        says="makes the bipartite graph of accounts and shared entities",
    ),
    Stage(
        "communities",
        reads=("incidence_bits", "entities", "account_traits"),
        writes=("affinities", "communities", "community_runs", "candidate_groups"),
        settings=("communities", "link_types", "run", "scores"),
        says="searches the graph for groups, at several resolutions and seeds",
    ),
    Stage(
        "null_scores",
        reads=("incidence_bits", "entities", "account_traits", "account_hours", "conversations"),
        writes=("null_scores", "null_members"),
        settings=("communities", "null", "scores", "link_types", "run"), wide=True,
        says="searches rewired graphs in the same way, to know what chance makes",
    ),
    Stage(
        "behaviour",
        reads=(
            "communities", "candidate_groups", "incidence_bits", "entities", "affinities", "account_traits",
            "account_hours", "conversations",
        ),
        writes=("behaviour",), settings=("link_types", "run"), wide=True,
        says="measures each group against groups like it",
    ),
    Stage(
        "scores",
        reads=(
            "communities", "candidate_groups", "behaviour", "null_scores", "null_members", "incidence_bits",
            "clean_decisions",
        ),
        previous=("ring_registry",),
        writes=("candidates", "candidate_cores", "candidate_parts", "candidate_explanations"),
        settings=("scores",),
        says="weighs every explanation, selects the groups and scores them",
    ),
    Stage(
        "membership",
        reads=(
            "candidates", "candidate_cores", "incidence_bits", "entities", "account_traits", "conversations",
        ),
        writes=("candidate_members",), settings=("scores", "link_types"),
        says="settles who belongs to each ring, and how surely",
    ),
    Stage(
        "registry",
        reads=("candidates", "candidate_members", "incidence_bits", "clean_decisions"),
        previous=("ring_registry", "members", "evidence"),
        writes=("ring_ids", "ring_history", "ring_registry"), settings=("registry",),
        says="gives each group the name it had before, or a new one",
    ),
    Stage(
        "evidence",
        reads=(
            "ring_ids", "candidates", "candidate_members", "candidate_parts", "candidate_explanations",
            "incidence_bits", "entities", "sightings", "account_hours", "account_traits", "clean_events",
            "template_events",
        ),
        writes=(
            "members", "evidence", "score_parts", "explanations", "incidence", "links", "activity", "ring_hours",
            "ring_groups", "daily", "provenance", "layout",
        ),
        settings=("evidence", "scores", "link_types"), wide=True,
        says="lays out what ties each ring together",
    ),
    Stage(
        "attribution",
        reads=(
            "members", "evidence", "sightings", "clean_events", "account_traits", "templates", "clean_ip_ranges",
            "clean_indicators",
        ),
        writes=("attribution",), settings=("attribution", "link_types"), wide=True,
        says="weighs who operates each ring",
    ),
    Stage(
        "operators",
        reads=("attribution", "incidence", "members", "candidates", "ring_ids", "entities"),
        previous=("rings",), writes=("operator_ids",), settings=("attribution", "operators", "link_types"),
        says="finds the rings of one operator",
    ),
    Stage(
        "rings",
        reads=("ring_ids", "candidates", "members", "evidence", "score_parts", "attribution", "operator_ids"),
        writes=("rings",), settings=("scores", "attribution", "link_types"),
        says="assembles the rings and says why in one sentence",
    ),
)  # fmt: skip

BY_NAME: dict[str, Stage] = {stage.name: stage for stage in STAGES}


def writer_of(table: str) -> Stage:
    """The one stage that writes a table; KeyError where none does."""
    for stage in STAGES:
        if table in stage.writes:
            return stage
    raise KeyError(f"no stage writes {table}")
