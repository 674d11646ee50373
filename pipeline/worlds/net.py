"""Addresses for synthetic worlds: providers with ranges, and pools that say which address a key has at a given
moment.

Nothing is stored by account and day: the address of a key in a pool is a hash of the key and of the lease that the
moment falls into. A proxy leaves through somebody's home, so its address at any moment is the address that this home
has then.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from pipeline.worlds.dice import Dice, Hashes, Ints, below, mix

RANGE, LISTED, V6_HOME, V6_ROTATING, PROXY = range(5)
_RESERVED = {0, 10, 100, 127, 169, 172, 192, 198, 203}


@dataclass(frozen=True)
class Country:
    """Where accounts are: hours ahead of UTC, share of the population, index into the languages' order, share of
    carrier NAT.
    """

    code: str
    ahead: int
    share: float
    language: str


COUNTRIES = (
    Country("US", -6, 0.26, "en"),
    Country("GB", 0, 0.07, "en"),
    Country("IN", 5, 0.13, "en"),
    Country("DE", 1, 0.07, "de"),
    Country("ES", 1, 0.04, "es"),
    Country("MX", -6, 0.05, "es"),
    Country("BR", -3, 0.07, "pt"),
    Country("JP", 9, 0.06, "ja"),
    Country("CN", 8, 0.08, "zh"),
    Country("SG", 8, 0.03, "zh"),
    Country("EG", 2, 0.03, "ar"),
    Country("NG", 1, 0.04, "en"),
    Country("CA", -5, 0.04, "en"),
    Country("PL", 1, 0.03, "en"),
)


@dataclass
class Provider:
    """A network: its /16 blocks, and how much of the last one is given out."""

    kind: str
    country: int
    asn: str
    name: str
    blocks: list[int] = field(default_factory=list)
    used: int = 65536
    v6: int = 0


class Networks:
    """All providers and pools of a world. A pool is an index; `locate` turns (pool, key, moment) into addresses."""

    def __init__(self, dice: Dice) -> None:
        self.dice = dice
        self.providers: list[Provider] = []
        self._taken: set[int] = set()
        self._listed: list[int] = []
        self._kind: list[int] = []
        self._base: list[int] = []
        self._size: list[int] = []
        self._lease: list[float] = []
        self._homes: list[tuple[int, int]] = []
        for kind, n in (("residential", 3), ("mobile", 2)):
            for country in range(len(COUNTRIES)):
                for _ in range(n):
                    self._provider(kind, country)
        for kind, n in (("hosting", 9), ("vpn", 4), ("corporate", 6), ("education", 5)):
            for _ in range(n):
                self._provider(kind, int(dice.rng.integers(len(COUNTRIES))))

    def _provider(self, kind: str, country: int) -> Provider:
        number = 60000 + len(self.providers) * 7 + int(self.dice.rng.integers(7))
        provider = Provider(kind, country, f"AS{number}", f"Network {number}")
        provider.v6 = (0x2A00 << 48) | (int(self.dice.rng.integers(1, 0xFFFF)) << 32)
        self.providers.append(provider)
        return provider

    def choose(self, kind: str, country: int = -1) -> Provider:
        """A provider of that kind, of that country where there is one."""
        some = [p for p in self.providers if p.kind == kind and p.country == country] or [
            p for p in self.providers if p.kind == kind
        ]
        return self.dice.pick(some)

    def block(self, provider: Provider, bits: int) -> int:
        """The first address of a fresh block of 2**(32 - bits) addresses."""
        size = 1 << (32 - bits)
        provider.used = -(-provider.used // size) * size
        if provider.used + size > 65536:
            while True:
                start = int(self.dice.rng.integers(1, 224)) << 24 | int(self.dice.rng.integers(256)) << 16
                if start >> 24 not in _RESERVED and start not in self._taken:
                    break
            self._taken.add(start)
            provider.blocks.append(start)
            provider.used = 0
        provider.used += size
        return provider.blocks[-1] + provider.used - size

    def _pool(self, kind: int, base: int, size: int, lease_hours: float) -> int:
        self._kind.append(kind)
        self._base.append(base)
        self._size.append(size)
        self._lease.append(lease_hours * 3600.0)
        return len(self._kind) - 1

    def area(self, provider: Provider, bits: int, lease_hours: float) -> int:
        """A neighbourhood with dynamic addresses: each key holds one address of the block for a lease."""
        return self._pool(RANGE, self.block(provider, bits), 1 << (32 - bits), lease_hours)

    def few(self, provider: Provider, n: int, lease_hours: float, scattered: bool = False) -> int:
        """A pool of n fixed addresses in one block (or scattered over several); a key moves to another one after each
        lease.
        """
        start = len(self._listed)
        if scattered:
            self._listed.extend(self.block(provider, 24) + int(self.dice.rng.integers(2, 250)) for _ in range(n))
        else:
            base = self.block(provider, 24 if n < 200 else 20)
            self._listed.extend(
                int(base + x)
                for x in np.sort(self.dice.rng.choice(250 if n < 200 else 4000, size=n, replace=False)) + 2
            )
        return self._pool(LISTED, start, n, lease_hours)

    def ipv6_home(self, provider: Provider, lease_hours: float) -> int:
        """A home with IPv6: its own /64 under the provider, the lower half changing with the lease."""
        return self._pool(V6_HOME, provider.v6, 1 << 24, lease_hours)

    def ipv6_rotating(self, provider: Provider, lease_hours: float, n_64: int) -> int:
        """One customer's /48 of which n_64 subnets are rotated through, the lower half fresh with each lease."""
        upper = provider.v6 | (int(self.dice.rng.integers(1, 0xFFFF)) << 16)
        return self._pool(V6_ROTATING, upper, n_64, lease_hours)

    def proxy(self, homes: list[tuple[int, int]], lease_hours: float) -> int:
        """A proxy service that leaves through the given homes, each a (pool, key); a key changes its exit after each
        lease.
        """
        start = len(self._homes)
        self._homes.extend(homes)
        return self._pool(PROXY, start, len(homes), lease_hours)

    def seal(self) -> None:
        """Turn what was built into arrays."""
        self.kind = np.array(self._kind, dtype=np.int8)
        self.base = np.array(self._base, dtype=np.uint64)
        self.size = np.array(self._size, dtype=np.int64)
        self.lease = np.array(self._lease)
        self.listed = np.array(self._listed or [0], dtype=np.uint64)
        self.home_pool = np.array([h[0] for h in self._homes] or [0], dtype=np.int64)
        self.home_key = np.array([h[1] for h in self._homes] or [0], dtype=np.uint64)

    def locate(
        self, pool: Ints, key: Hashes, seconds: np.ndarray[tuple[int], np.dtype[np.float64]]
    ) -> tuple[Hashes, Hashes]:
        """(upper 64 bits, lower bits) of the address of each key in its pool at each moment; upper 0 means IPv4."""
        lease = np.floor(seconds / self.lease[pool] + below(mix(key, pool, 5), 1 << 20) / float(1 << 20)).astype(
            np.int64
        )
        draw = mix(key, pool, lease)
        place = below(draw, self.size[pool]).astype(np.uint64)
        kind = self.kind[pool]
        base = self.base[pool]
        upper = np.zeros(len(pool), dtype=np.uint64)
        lower = base + place
        at = kind == LISTED
        lower[at] = self.listed[(base[at] + place[at]).astype(np.int64)]
        at = kind == V6_HOME
        upper[at] = base[at] | (mix(key[at], 11) & np.uint64(0xFFFFFF)) << np.uint64(8)
        lower[at] = draw[at] | np.uint64(1)
        at = kind == V6_ROTATING
        upper[at] = base[at] | place[at]
        lower[at] = mix(draw[at], 3) | np.uint64(1)
        at = kind == PROXY
        if at.any():
            home = (base[at] + place[at]).astype(np.int64)
            upper[at], lower[at] = self.locate(self.home_pool[home], self.home_key[home], seconds[at])
        return upper, lower

    def explicit(self, pool: int) -> list[int]:
        """The fixed addresses of a pool made by `few`."""
        return self._listed[self._base[pool] : self._base[pool] + self._size[pool]]

    def kind_of(self, pool: int) -> int:
        return self._kind[pool]

    def size_of(self, pool: int) -> int:
        return self._size[pool]

    def upper_of(self, pool: int) -> int:
        return self._base[pool]


def ipv4(address: int) -> str:
    """Dotted spelling of an IPv4 address."""
    return f"{address >> 24}.{address >> 16 & 255}.{address >> 8 & 255}.{address & 255}"
