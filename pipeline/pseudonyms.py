"""Keyed pseudonyms at intake: what the line sees of accounts, addresses and cards where that was asked for.

* An account's name is sealed (a synthetic IV of HMAC-SHA256 over the padded name, then its stream): the same account
  has the same token under one key, and the key alone turns it back.
* Addresses keep what they share: two addresses in one /24, or in one range, have tokens in one /24 and in one range
  (each bit is flipped by a keyed function of the bits before it). Ranges, indicators and allowances go the same way,
  so that everything that is matched by range, network or /24 matches as before.
* Everything else has a keyed digest, of each kind its own.

Sources: RFC 5297 for synthetic IVs; Xu et al., "Prefix-preserving IP address anonymization", ICNP 2002, for addresses.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
import socket
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from pipeline.errors import Place, SettingsError
from pipeline.settings import Settings

KEY = "RINGTRACE_PSEUDONYM_KEY"
SHORTEST = 32  # characters of a key
_BLOCK = 16
_TOKEN = re.compile(r"^p([0-9a-f]{6})_([a-z2-7]+)$")


@dataclass(frozen=True)
class Pseudonyms:
    """Tokens under one key. It pickles, so that tasks can carry it; it never shows its key."""

    secret: bytes = field(repr=False)

    @cached_property
    def mark(self) -> str:
        """What tells this key from others: 6 hex digits that say nothing of it."""
        return self._mac("mark", b"").hex()[:6]

    def _mac(self, purpose: str, message: bytes) -> bytes:
        own = hmac.digest(self.secret, purpose.encode(), "sha256")
        return hmac.digest(own, message, "sha256")

    def account(self, name: str) -> str:
        """The token of an account's name; `reveal` turns it back."""
        plain = name.encode("utf-8", "surrogatepass")
        plain = len(plain).to_bytes(4, "big") + plain
        plain += b"\0" * (-len(plain) % _BLOCK)
        begin = self._mac("seal", plain)[:16]
        sealed = begin + self._streamed(begin, plain)
        return f"p{self.mark}_{base64.b32encode(sealed).decode().rstrip('=').lower()}"

    def _streamed(self, begin: bytes, text: bytes) -> bytes:
        """Text with a key stream laid over it; doing it twice gives the text back."""
        n_blocks = -(-len(text) // 32)
        stream = b"".join(self._mac("stream", begin + n.to_bytes(4, "big")) for n in range(n_blocks))
        return bytes(a ^ b for a, b in zip(text, stream, strict=False))

    def reveal(self, token: str) -> str | None:
        """The name behind a token of this key, or None where it is none."""
        found = _TOKEN.match(token)
        if found is None or found[1] != self.mark:
            return None
        try:
            sealed = base64.b32decode(found[2].upper() + "=" * (-len(found[2]) % 8))
        except ValueError:
            return None
        begin, plain = sealed[:16], self._streamed(sealed[:16], sealed[16:])
        if not hmac.compare_digest(begin, self._mac("seal", plain)[:16]):
            return None
        return plain[4 : 4 + int.from_bytes(plain[:4], "big")].decode("utf-8", "surrogatepass")

    def token(self, kind: str, value: str) -> str:
        """A keyed digest of a value of some kind: 32 letters and digits (160 bits)."""
        made = self._mac(f"token {kind}", value.encode("utf-8", "surrogatepass"))
        return base64.b32encode(made[:20]).decode().lower()

    def place(self, spelling: str) -> str:
        """The token of an address or a range in normal form: another address or range, in normal form."""
        base, slash, length = spelling.partition("/")
        family = socket.AF_INET6 if ":" in base else socket.AF_INET
        packed = socket.inet_pton(family, base)
        # of IPv6 the line knows the /64: what stands behind it stays, and is 0 but in ranges smaller than that
        wide = 32 if family == socket.AF_INET else 64
        kept = min(int(length), wide) if slash else wide
        number = int.from_bytes(packed[: wide // 8], "big")
        made = self._moved(number >> (wide - kept), kept, wide) << (wide - kept)
        return socket.inet_ntop(family, made.to_bytes(wide // 8, "big") + packed[wide // 8 :]) + slash + length

    def _moved(self, bits: int, n: int, wide: int) -> int:
        """The first n bits of an address, each flipped or not by what stands before it."""
        made, key = 0, self._address_key
        for i in range(n):
            before = bits >> (n - i)
            told = hashlib.blake2b(before.to_bytes(8, "big") + bytes((i, wide)), key=key, digest_size=1).digest()
            made = made << 1 | ((bits >> (n - 1 - i)) & 1) ^ (told[0] & 1)
        return made

    @cached_property
    def _address_key(self) -> bytes:
        return self._mac("address", b"")


def pseudonyms_of(settings: Settings) -> Pseudonyms | None:
    """The pseudonyms that the settings ask for, None where they ask for none. SettingsError where there is no key."""
    if not settings.privacy.pseudonyms:
        return None
    return Pseudonyms(read_secret(settings.privacy.key_file))


def read_secret(key_file: str) -> bytes:
    """The key from a file where one is named, else from the environment. SettingsError where it is too short."""
    mend = "Make one with `openssl rand -hex 32`, readable by this user alone."
    if key_file:
        try:
            told = Path(key_file).read_bytes().strip()
        except OSError as fault:
            raise SettingsError(
                "the key of the pseudonyms cannot be read", place=Place(key_file), found=fault.strerror or "", mend=mend
            ) from fault
    else:
        told = os.environ.get(KEY, "").encode()
    if len(told) < SHORTEST:
        raise SettingsError(
            "pseudonyms need a key", place=Place(key_file or f"environment, {KEY}"), found=f"{len(told)} characters",
            expected=f"{SHORTEST} or more", mend=mend,
        )  # fmt: skip
    return told
