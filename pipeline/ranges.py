"""Which range an address lies in: longest-prefix match, vectorised over distinct addresses.

Addresses are held as pairs of unsigned 64-bit halves; IPv4 lies in the mapped block, so that one code serves both.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Halves = npt.NDArray[np.uint64]
_FULL = 0xFFFFFFFFFFFFFFFF


def _bytes_of(spelling: str) -> bytes | None:
    """Sixteen bytes of an address, or of the first address of a network; None where it is neither."""
    address = spelling.partition("/")[0]
    try:
        if ":" in address:
            return socket.inet_pton(socket.AF_INET6, address)
        return b"\0" * 10 + b"\xff\xff" + socket.inet_pton(socket.AF_INET, address)
    except OSError:
        return None


def halves(addresses: Sequence[str]) -> tuple[Halves, npt.NDArray[np.bool_]]:
    """Addresses in normal form -> array of shape (n, 2), high and low half, and which of them could be read."""
    packed = [_bytes_of(a) for a in addresses]
    valid = np.array([p is not None for p in packed], dtype=bool)
    raw = b"".join(p if p is not None else b"\0" * 16 for p in packed)
    pairs = np.frombuffer(raw, dtype=">u8").reshape(-1, 2).astype(np.uint64)
    return pairs, valid


def _masks(length: int) -> tuple[np.uint64, np.uint64]:
    high = (_FULL << (64 - length)) & _FULL if 0 < length <= 64 else (0 if length == 0 else _FULL)
    low = (_FULL << (128 - length)) & _FULL if length > 64 else 0
    return np.uint64(high), np.uint64(low)


def networks(addresses: Sequence[str]) -> list[str | None]:
    """The network an address lies in: /24 for IPv4, /48 for IPv6; None where the address cannot be read."""
    pairs, valid = halves(addresses)
    out: list[str | None] = []
    for address, (high, low), good in zip(addresses, pairs.tolist(), valid.tolist(), strict=True):
        if not good:
            out.append(None)
        elif ":" not in address:
            out.append(f"{(low >> 24) & 255}.{(low >> 16) & 255}.{(low >> 8) & 255}.0/24")
        else:
            block = (high >> 16) << 16
            out.append(socket.inet_ntop(socket.AF_INET6, block.to_bytes(8, "big") + b"\0" * 8) + "/48")
    return out


@dataclass(frozen=True)
class RangeTable:
    """Ranges by prefix length, longest first; `rows` point back into the table they were made from."""

    by_length: tuple[tuple[int, Halves, npt.NDArray[np.int64]], ...]

    @staticmethod
    def from_cidrs(cidrs: Sequence[str]) -> RangeTable:
        """Ranges in CIDR spelling; of equal ranges the first stands. Unreadable ones match nothing."""
        groups: dict[int, dict[tuple[int, int], int]] = {}
        for row, cidr in enumerate(cidrs):
            base, _, length_text = cidr.partition("/")
            packed = _bytes_of(base)
            if packed is None:
                continue
            v4 = ":" not in base
            length = int(length_text) if length_text.isdigit() else (32 if v4 else 128)
            length += 96 if v4 else 0
            if length > 128:
                continue
            high_mask, low_mask = _masks(length)
            high = int.from_bytes(packed[:8], "big") & int(high_mask)
            low = int.from_bytes(packed[8:], "big") & int(low_mask)
            groups.setdefault(length, {}).setdefault((high, low), row)
        made = []
        for length in sorted(groups, reverse=True):
            entries = sorted(groups[length].items())
            keys = np.array([k for k, _ in entries], dtype=np.uint64).reshape(-1, 2)
            made.append((length, keys, np.array([r for _, r in entries], dtype=np.int64)))
        return RangeTable(tuple(made))

    def find(self, addresses: Sequence[str]) -> npt.NDArray[np.int64]:
        """Row of the longest range each address lies in, shape (n,); -1 where none holds it."""
        pairs, valid = halves(addresses)
        found = np.full(len(addresses), -1, dtype=np.int64)
        is_v4 = (pairs[:, 0] == 0) & (pairs[:, 1] >> np.uint64(32) == np.uint64(0xFFFF))
        for length, keys, rows in self.by_length:
            # A prefix shorter than the mapped block is an IPv6 range and holds no IPv4 address.
            open_ = np.flatnonzero((found < 0) & valid & ((length >= 96) | ~is_v4))
            if open_.size == 0:
                continue
            high_mask, low_mask = _masks(length)
            masked = np.column_stack([pairs[open_, 0] & high_mask, pairs[open_, 1] & low_mask])
            both = _keys(np.concatenate([keys, masked]))
            sorted_keys, wanted = both[: len(keys)], both[len(keys) :]
            at = np.minimum(np.searchsorted(sorted_keys, wanted), len(sorted_keys) - 1)
            hit = sorted_keys[at] == wanted
            found[open_[hit]] = rows[at[hit]]
        return found


def _keys(pairs: Halves) -> npt.NDArray[np.uint64] | npt.NDArray[np.void]:
    """One sortable key an address; a single half where the other tells nothing apart, for speed."""
    for half, other in ((0, 1), (1, 0)):
        if pairs.size and (pairs[:, other] == pairs[0, other]).all() and pairs[0, other] == 0:
            return pairs[:, half]
    return np.ascontiguousarray(pairs.astype(">u8")).view([("high", ">u8"), ("low", ">u8")]).ravel()
