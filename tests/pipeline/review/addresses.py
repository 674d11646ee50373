"""One real address for every route, so that tests made from the routes leave none out."""

from __future__ import annotations

import re
from typing import Any

from pipeline.decisions import Decision
from tests.support.workspace import Workspace

REASON = "Three cards in common and the same hours."


class Addresses:
    """Fills the parameters of routes with things that exist in a workspace, and forms with what they need."""

    def __init__(self, workspace: Workspace) -> None:
        run = workspace.desk.shelf.read()
        seal = workspace.desk.seal
        evidence = run.rows(
            "SELECT e.* FROM evidence e JOIN provenance p USING (ring_id, entity_type, entity) "
            "WHERE ring_id = 'R-0001' "
            "ORDER BY e.bits DESC, entity LIMIT 1"
        )[0]
        self.account = run.members_of("R-0001")[0]
        self.account_name = seal.name("account", self.account)
        self.entity_name = seal.name("entity", evidence["entity_type"], evidence["entity"])
        operator = run.rings["R-0001"]["operator_id"]
        self.operator_name = seal.name("operator", operator)
        if not workspace.desk.log.rows(act="0123456789abcdef"):
            row = Decision(
                "0123456789abcdef",
                "0123456789abcdef",
                "confirmed",
                REASON,
                "somebody",
                ring_id="R-0003",
                run_id=run.run_id,
                members_digest=run.notes["R-0003"].digest,
            )
            workspace.desk.log.append([row])
        self.list_id = "L-00000000"

    def fill(self, path: str) -> str:
        """The address of a route."""
        values = {
            "ring_id": "R-0001",
            "rank": "1",
            "verb": "confirm",
            "act": "0123456789abcdef",
            "list_id": self.list_id,
        }
        values["name"] = {
            "/account": self.account_name,
            "/entity": self.entity_name,
            "/operator": self.operator_name,
        }.get("/" + path.split("/")[1], self.entity_name)
        return re.sub(r"{(\w+)}", lambda m: values[m[1]], path)

    def form(self, path: str) -> dict[str, Any]:
        """What a route's form sends."""
        return {
            "reason": REASON,
            "text": "R-0001",
            "ring": ["R-0002"],
            "group": ["1"],
            "do": "confirm",
            "name": "a name",
            "query": "/queue",
            "at": "0.5",
            "action": "suspend",
            "scope": ["read"],
            "person": "somebody",
            "role": "viewer",
            "number": "1",
            "outcome": "refused",
            "keys": "on",
        }
