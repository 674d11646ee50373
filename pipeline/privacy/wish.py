"""What is to be forgotten: some accounts, or everything before a moment."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import datetime

MARK = "forgotten-"  # what stands in records for an account begins like this


@dataclass(frozen=True)
class Wish:
    """`accounts` are forgotten wholly; of what is dated, all before `before` (UTC) is."""

    accounts: frozenset[str] = frozenset()
    before: datetime | None = None

    def digest(self, secret: bytes) -> str:
        """Keyed digest of the wish, 64 hex digits: the same wish has the same, and nobody can try account ids on it."""
        said = json.dumps([sorted(self.accounts), self.before.isoformat() if self.before else None])
        return hmac.new(secret, b"wish\0" + said.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def stand_in(account_id: str, secret: bytes) -> str:
    """What stands for a forgotten account in decisions and audit rows: a keyed digest, the same each time."""
    made = hmac.new(secret, b"account\0" + account_id.encode("utf-8", "surrogatepass"), hashlib.sha256)
    return f"{MARK}{made.hexdigest()[:32]}"
