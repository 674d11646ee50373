"""What may leave the building, by audience: one table that people can read, and the code that carries it out."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.exports.briefing.model import Table

AUDIENCES = ("internal", "partner", "public")


@dataclass(frozen=True)
class Rule:
    """One kind of thing and what each audience sees of it."""

    what: str
    internal: str
    partner: str
    public: str


RULES: tuple[Rule, ...] = (
    Rule("account ids", "as they are, in files only", "pseudonym of this recipient", "never"),
    Rule("ring and operator ids", "as they are", "pseudonym of this recipient", "pseudonym of this publication"),
    Rule("names of operators", "at the naming level", "at the naming level", "at the naming level"),
    Rule("addresses", "as they are", "network and kind", "kind only"),
    Rule("payment fingerprints", "as they are", "pseudonym of this recipient", "never"),
    Rule("prompt templates", "id", "shape of slots", "shape of slots"),
    Rule("declared link types", "as they are", "pseudonym of this recipient", "never"),
    Rule("requests, prompts", "never", "never", "never"),
    Rule("counts of accounts", "as they are", "from the smallest cell on", "from the smallest cell on"),
    Rule("counts of requests", "as they are", "where the cell is large enough", "where the cell is large enough"),
    Rule("pictures of single accounts", "up to 60 accounts", "never: groups only", "never: groups only"),
)


def rules_table() -> Table:
    """The rules as a table of the briefing."""
    rows = tuple((r.what, r.internal, r.partner, r.public) for r in RULES)
    return Table("What each audience sees", ("what", "internal", "partner", "public"), rows, free=True)
