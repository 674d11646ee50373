"""Sealed names: accounts and entities stand in addresses only sealed, so that no log, history or link carries a value.

Deterministic authenticated encryption (AES-SIV, RFC 5297) under the workspace's secret: the same value has the same
name, nobody without the secret can read or make one, and no list of all accounts is needed to find the value again.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

_BLOCK = 24  # names are padded to blocks, so that their length says little about the value


class Seal:
    """Seals and opens names; also keyed digests, for what need never be opened."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._cipher = AESSIV(hashlib.sha512(b"names" + secret).digest())

    def name(self, kind: str, *parts: str) -> str:
        """A sealed name of some text; `kind` keeps names of accounts and of entities apart."""
        plain = json.dumps(parts, ensure_ascii=False).encode("utf-8", "surrogatepass")
        plain += b" " * (-len(plain) % _BLOCK)
        sealed = self._cipher.encrypt(plain, [kind.encode()])
        return base64.urlsafe_b64encode(sealed).decode().rstrip("=")

    def open(self, kind: str, name: str) -> tuple[str, ...] | None:
        """The text of a sealed name, or None where this secret and kind did not seal it."""
        try:
            sealed = base64.urlsafe_b64decode(name + "=" * (-len(name) % 4))
            plain = self._cipher.decrypt(sealed, [kind.encode()])
        except (InvalidTag, ValueError):
            return None
        return tuple(json.loads(plain.decode("utf-8", "surrogatepass")))

    def digest(self, purpose: str, *parts: str) -> str:
        """Keyed digest of some text, 64 hex digits; other purposes give other digests."""
        message = json.dumps([purpose, *parts]).encode()
        return hmac.new(self._secret, message, hashlib.sha256).hexdigest()

    def unit(self, purpose: str, *parts: str) -> float:
        """A number in [0, 1) that depends on the secret and the text alone."""
        return int(self.digest(purpose, *parts)[:13], 16) / 16**13

    def pseudonym(self, account_id: str) -> str:
        """What stands for an account before those who may not see its id."""
        return f"account {self.digest('pseudonym', account_id)[:8]}"
