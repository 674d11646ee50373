"""Longest-prefix match against the standard library's own arithmetic."""

import ipaddress

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ranges import RangeTable, networks

_V4 = st.integers(0, 2**32 - 1).map(lambda n: str(ipaddress.IPv4Address(n)))
_V6 = st.integers(0, 2**128 - 1).map(lambda n: str(ipaddress.IPv6Address(n)))


@st.composite
def _near(draw: st.DrawFn) -> tuple[list[str], list[str]]:
    """Ranges, and addresses of which many lie in or near them."""
    addresses = draw(st.lists(st.one_of(_V4, _V6), min_size=1, max_size=12))
    ranges = []
    for address in draw(st.lists(st.sampled_from(addresses), max_size=8)):
        longest = 32 if "." in address else 128
        length = draw(st.integers(0, longest))
        ranges.append(str(ipaddress.ip_network((address, length), strict=False)))
    return ranges, addresses


@given(_near())
def test_longest_range_wins(case: tuple[list[str], list[str]]) -> None:
    ranges, addresses = case
    found = RangeTable.from_cidrs(ranges).find(addresses)
    for address, row in zip(addresses, found.tolist(), strict=True):
        parsed = ipaddress.ip_address(address)
        holding = [n for n in map(ipaddress.ip_network, ranges) if n.version == parsed.version and parsed in n]
        if not holding:
            assert row == -1
        else:
            assert ipaddress.ip_network(ranges[row]) == max(holding, key=lambda n: n.prefixlen)


def test_networks_of_both_kinds_and_of_what_is_no_address() -> None:
    assert networks(["203.0.113.9", "2001:db8:1:2::5", "nonsense"]) == ["203.0.113.0/24", "2001:db8:1::/48", None]


def test_unreadable_ranges_and_addresses_match_nothing() -> None:
    table = RangeTable.from_cidrs(["x/8", "10.0.0.0/99", "10.0.0.0/8"])
    np.testing.assert_array_equal(table.find(["10.1.2.3", "?"]), [2, -1])
