"""Normal forms against Python's own ipaddress and datetime as referees, and the traps by hand."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta, timezone

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import normal
from pipeline.ranges import halves

V4 = st.integers(0, 2**32 - 1).map(ipaddress.IPv4Address)
V6 = st.integers(0, 2**128 - 1).map(ipaddress.IPv6Address)
TRICKY = st.text(st.sampled_from("0123456789abcdefABCDEF.:%/[] \t\n\0x"), max_size=45)


def _referee(text: str) -> str | None:
    """The same by the standard library; its IPv6 parser takes the zone apart by itself."""
    try:
        value = ipaddress.ip_address(text.strip().partition("%")[0] if ":" in text else text.strip())
    except ValueError:
        return None
    mapped = getattr(value, "ipv4_mapped", None)
    return str(mapped or value)


@given(V4)
def test_ipv4_stays_as_it_is(value: ipaddress.IPv4Address) -> None:
    assert normal.address(str(value)) == str(value)
    assert normal.address(f"::ffff:{value}") == str(value)
    assert normal.address(f"::FFFF:{value}") == str(value)


@given(V6)
def test_every_spelling_of_ipv6_is_one(value: ipaddress.IPv6Address) -> None:
    spellings = {value.exploded, value.compressed, value.exploded.upper(), f"{value}%eth0", f" {value} "}
    made = {normal.address(s) for s in spellings}
    assert len(made) == 1
    (one,) = made
    assert one is not None
    known = ipaddress.ip_address(one)
    assert known == value or known == value.ipv4_mapped


@given(TRICKY)
def test_what_is_no_address_is_refused(text: str) -> None:
    made = normal.address(text)
    expected = _referee(text) if "\0" not in text else None
    assert (made is None) == (expected is None), text
    if made is not None and expected is not None:
        assert ipaddress.ip_address(made) == ipaddress.ip_address(expected)


@given(st.lists(st.one_of(st.none(), V4.map(str), V6.map(str), TRICKY), max_size=30))
def test_arrays_of_addresses_are_the_same_as_single_ones(values: list[str | None]) -> None:
    made = normal.addresses(pa.array(values, pa.string())).to_pylist()
    assert made == [None if v is None else normal.address(v) for v in values]
    assert normal.addresses(pa.array(made, pa.string())).to_pylist() == made


@given(st.one_of(V4, V6), st.integers(0, 128))
def test_networks_against_the_standard_library(base: ipaddress.IPv4Address | ipaddress.IPv6Address, bits: int) -> None:
    length = min(bits, base.max_prefixlen)
    if isinstance(base, ipaddress.IPv6Address) and base.ipv4_mapped is not None:
        return
    expected = ipaddress.ip_network(f"{base}/{length}", strict=False)
    made = normal.network(f"{base}/{length}")
    assert made is not None
    assert ipaddress.ip_network(made) == expected
    assert normal.network(made) == made


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10.1.2.3", "10.1.2.3/32"), ("::ffff:10.0.0.0/104", "10.0.0.0/8"), ("10.0.0.0/33", None), ("10.0.0.0/", None),
        ("10.0.0.0/-1", None), ("10.0.0.0/٣", None), ("2001:db8::1/64", "2001:db8::/64"), ("::ffff:1.2.3.4/64", None),
        ("", None), ("10.0.0.0/0008", None),
    ],
)  # fmt: skip
def test_networks_by_hand(text: str, expected: str | None) -> None:
    assert normal.network(text) == expected


def test_an_ipv6_host_stands_for_its_network() -> None:
    same = {normal.address_entity(f"2001:db8:1:2::{i:x}") for i in (1, 2, 0xFFFF)}
    assert same == {"2001:db8:1:2::/64"}
    assert normal.address_entity("10.0.0.1") == "10.0.0.1"
    assert normal.address_entity("2001:db8::/64") == "2001:db8::/64"
    made = normal.address_entities(pa.array(["10.0.0.1", None, "2001:db8:1:2::7"]))
    assert made.to_pylist() == ["10.0.0.1", None, "2001:db8:1:2::/64"]


def test_ranges_know_the_entity_of_an_ipv6_host() -> None:
    pairs, valid = halves(["2001:db8:1:2::/64", "2001:db8:1:2::"])
    assert valid.tolist() == [True, True]
    assert pairs[0].tolist() == pairs[1].tolist()


MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2099, 12, 31), timezones=st.just(UTC))


@settings(max_examples=30)
@given(MOMENTS, st.integers(-14, 14))
def test_moments_in_every_spelling_are_one(moment: datetime, zone: int) -> None:
    elsewhere = moment.astimezone(timezone(timedelta(hours=zone)))
    spellings = [
        moment.isoformat(), elsewhere.isoformat(), elsewhere.isoformat(sep=" "),
        moment.isoformat().replace("+00:00", "Z"), moment.replace(tzinfo=None).isoformat(),
    ]  # fmt: skip
    together = normal.timestamps(pa.array(spellings)).to_pylist()
    alone = [normal.timestamps(pa.array([s])).to_pylist()[0] for s in spellings]
    assert together == alone == [moment] * len(spellings)


@pytest.mark.parametrize(
    "text",
    ["", "junk", "infinity", "epoch", "now", "today", "2026-13-01", "0001-01-01", "9999-12-31", "1746057600", "12:00",
     "2026-05-01T25:00:00", "-2026-05-01", "2026-05-01T12:00:00 Europe/Berlin", "２０２６-05-01"],
)  # fmt: skip
def test_what_is_no_moment_is_null(text: str) -> None:
    assert normal.timestamps(pa.array([text, "2026-05-01"])).to_pylist() == [None, datetime(2026, 5, 1, tzinfo=UTC)]


def test_moments_of_every_arrow_type() -> None:
    moment = datetime(2026, 5, 1, 12, 30, tzinfo=UTC)
    for unit in ("s", "ms", "us", "ns"):
        for zone in (None, "UTC", "Asia/Tokyo"):
            given = pa.array([moment], pa.timestamp("us", "UTC")).cast(pa.timestamp(unit, "UTC"))
            given = given.cast(pa.int64()).cast(pa.timestamp(unit, zone))
            assert normal.timestamps(given).to_pylist() == [moment]
    assert normal.timestamps(pa.array([moment.date()])).to_pylist() == [datetime(2026, 5, 1, tzinfo=UTC)]
    assert normal.timestamps(pa.array(["01.05.2026 12:30"]), "%d.%m.%Y %H:%M").to_pylist() == [moment]
    huge = pa.array([2**62, -(2**62)]).cast(pa.timestamp("s"))
    assert normal.timestamps(huge).to_pylist() == [None, None]
    with pytest.raises(TypeError):
        normal.timestamps(pa.array([1746057600]))


def test_bare_numbers_have_the_unit_that_was_said() -> None:
    moment = datetime(2026, 5, 1, 12, 30, 0, 250_000, tzinfo=UTC)
    micros = int(moment.timestamp() * 1_000_000)
    for form, number in (("epoch_us", micros), ("epoch_ms", micros // 1000), ("epoch_s", micros / 1_000_000)):
        for values in ([number, None], [str(number), None]):
            assert normal.timestamps(pa.array(values), form).to_pylist() == [moment, None]
    for wrong in (2**62, -(2**62), "1e300", "x", float("inf")):
        assert normal.timestamps(pa.array([wrong]), "epoch_ms").to_pylist() == [None]
    assert normal.timestamps(pa.array([0]), "epoch_s").to_pylist() == [None]
    mixed = pa.array(["2026-05-01T12:30:00.25Z", str(micros // 1000), "x"])
    assert normal.timestamps(mixed, "epoch_ms").to_pylist() == [moment, moment, None]


def test_numbers_lose_nothing_silently() -> None:
    given = pa.array(["1", "2.0", "-3", "x", "1e3", "99999999999999999999", None, "", "1.5"])
    assert normal.integers(given).to_pylist() == [1, 2, -3, None, None, None, None, None, None]
    assert normal.integers(pa.array([1.0, 1.5, float("nan"), None, 1e300])).to_pylist() == [1, None, None, None, None]
    assert normal.integers(pa.array([2**64 - 1, 5], pa.uint64())).to_pylist() == [None, 5]
    for kind in (pa.float16(), pa.float32(), pa.float64()):
        assert normal.integers(pa.array([2.0, 0.5, None], kind)).to_pylist() == [2, None, None]
        assert normal.numbers(pa.array([2.0, 0.5, None], kind)).to_pylist() == [2.0, 0.5, None]
    assert normal.numbers(pa.array(["0.5", "inf", "nan", "x", None])).to_pylist() == [0.5, None, None, None, None]
    for wrong in (pa.array([True]), pa.array([[1]])):
        with pytest.raises(TypeError):
            normal.integers(wrong)


def test_text_is_opaque() -> None:
    assert normal.text(pa.array(["007", " a ", "", None, "Ａ", "a\0b"])).to_pylist() == [
        "007", " a ", None, None, "Ａ", "a\0b",
    ]  # fmt: skip
    assert normal.text(pa.array([b"ok", b"\xff\xfe", None])).to_pylist() == ["ok", None, None]
    assert normal.text(pa.array([7, None])).to_pylist() == ["7", None]
    assert normal.text(pa.array(["a", "a"]).dictionary_encode()).to_pylist() == ["a", "a"]
    for wrong in (pa.array([1.5]), pa.array([True]), pa.array([["a"]]), pa.array([datetime(2026, 1, 1)])):
        with pytest.raises(TypeError):
            normal.text(wrong)
