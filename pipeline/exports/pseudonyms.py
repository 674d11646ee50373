"""Names that stand for accounts, rings and things: the same within one recipient, unrelated between two.

A pseudonym is a keyed digest (HMAC-SHA256) under a key derived for the recipient; without the secret nobody can tell
which value it stands for, and two recipients cannot join theirs.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.errors import Place, UsageError

SHORTEST_KEY = 16  # bytes


@dataclass(frozen=True)
class Pseudonyms:
    """Pseudonyms for one recipient under one secret."""

    secret: bytes = field(repr=False)
    recipient: str

    def digest(self, kind: str, value: str) -> str:
        """Eight letters and digits (40 bits) for a value of a kind."""
        own = hmac.new(self.secret, f"recipient\0{self.recipient}".encode(), hashlib.sha256).digest()
        made = hmac.new(own, f"{kind}\0{value}".encode(), hashlib.sha256).digest()
        return base64.b32encode(made[:5]).decode()

    def ring(self, ring_id: str) -> str:
        """Pseudonym of a ring."""
        return f"Q-{self.digest('ring', ring_id)}"

    def operator(self, operator_id: str) -> str:
        """Pseudonym of an operator that is not named."""
        return f"UNATTRIBUTED-{self.digest('operator', operator_id)}"

    def account(self, account_id: str) -> str:
        """Pseudonym of an account."""
        return f"account-{self.digest('account', account_id)}"

    def thing(self, entity_type: str, entity: str) -> str:
        """Pseudonym of a shared thing."""
        return f"thing-{self.digest('thing ' + entity_type, entity)}"


def read_key(path: str | Path) -> bytes:
    """The secret from a file: at least 16 bytes besides white space. Raises UsageError."""
    place = Path(path)
    try:
        secret = place.read_bytes().strip()
    except OSError as fault:
        raise UsageError(
            "the key file cannot be read", place=Place(str(place)), mend="Name a file that holds a secret."
        ) from fault
    if len(secret) < SHORTEST_KEY:
        raise UsageError(
            "the key is too short",
            place=Place(str(place)),
            found=f"{len(secret)} bytes",
            expected=f"{SHORTEST_KEY} bytes or more",
            mend="Make one with `head -c 32 /dev/urandom | base64 > key`.",
        )
    return secret
