"""Normal forms of values: one spelling for one address, one instant for one moment, null for what is empty.

Everything works on whole Arrow arrays. A function that converts returns an array of the same length in which a value
that could not be read is null; the caller tells faults by comparing the nulls before and after.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

# Moments outside these years are taken for broken clocks, not for time.
EARLIEST_US = 631_152_000_000_000  # 1990-01-01
LATEST_US = 4_102_444_800_000_000  # 2100-01-01
# names of what bare numbers may count since 1970, in microseconds
EPOCHS = {"epoch_s": 1_000_000, "epoch_ms": 1_000, "epoch_us": 1}
_QUAD = r"^(?:(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])\.){3}(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])$"
_OPEN = threading.local()
_MAPPED = b"\0" * 10 + b"\xff\xff"


def address(text: str) -> str | None:
    """The one spelling of an address: dotted IPv4 (IPv4-mapped IPv6 too), lower-case shortest IPv6 without its zone.

    None where the text is no address. The zone of a scoped address names a wire of one machine and says nothing here.
    """
    bare = text.strip()
    if not bare or len(bare) > 100 or "\0" in bare:
        return None
    try:
        if ":" not in bare:
            return socket.inet_ntop(socket.AF_INET, socket.inet_pton(socket.AF_INET, bare))
        packed = socket.inet_pton(socket.AF_INET6, bare.partition("%")[0])
    except (OSError, UnicodeEncodeError):
        return None
    if packed[:12] == _MAPPED:
        return socket.inet_ntop(socket.AF_INET, packed[12:])
    return socket.inet_ntop(socket.AF_INET6, packed)


def network(text: str) -> str | None:
    """The one spelling of a range of addresses: base address and length; a plain address is a range of one.

    Bits beyond the length are cleared. An IPv4-mapped range is written as IPv4. None where the text is no range.
    """
    base_text, slash, length_text = text.strip().partition("/")
    base = address(base_text)
    if base is None:
        return None
    width = 128 if ":" in base else 32
    length = width
    if slash:
        if not (length_text.isascii() and length_text.isdigit() and len(length_text) <= 3):
            return None
        length = int(length_text)
        if width == 32 and ":" in base_text:
            length -= 96
        if not 0 <= length <= width:
            return None
    family = socket.AF_INET if width == 32 else socket.AF_INET6
    number = int.from_bytes(socket.inet_pton(family, base), "big") >> (width - length) << (width - length)
    return f"{socket.inet_ntop(family, number.to_bytes(width // 8, 'big'))}/{length}"


def address_entity(normal: str) -> str:
    """The entity an address stands for: itself for IPv4; for IPv6 its /64, since one host moves freely within it."""
    if ":" not in normal or "/" in normal:
        return normal
    packed = socket.inet_pton(socket.AF_INET6, normal)
    return socket.inet_ntop(socket.AF_INET6, packed[:8] + b"\0" * 8) + "/64"


def _over_distinct(values: pa.Array, function: Any) -> pa.Array:
    """Apply a plain function of text to the distinct values of a string array, shape and nulls kept."""
    import pyarrow as pa

    coded = values if pa.types.is_dictionary(values.type) else values.dictionary_encode()
    made = pa.array([None if v is None else function(v) for v in coded.dictionary.to_pylist()], pa.string())
    return made.take(coded.indices)


def addresses(values: pa.Array) -> pa.Array:
    """Normal forms of an array of addresses; null where null or no address. Plain dotted quads pass as they are."""
    import pyarrow as pa
    import pyarrow.compute as pc

    coded = values if pa.types.is_dictionary(values.type) else values.dictionary_encode()
    distinct = coded.dictionary.cast(pa.string())
    plain = pc.fill_null(pc.match_substring_regex(distinct, _QUAD), True)
    if not pc.all(plain, min_count=0).as_py():
        odd = pc.filter(distinct, pc.invert(plain))
        mended = pa.array([address(v) for v in odd.to_pylist()], pa.string())
        distinct = pc.replace_with_mask(distinct, pc.invert(plain), mended)
    return distinct.take(coded.indices)


def address_entities(values: pa.Array) -> pa.Array:
    """The entity of each address in normal form, as `address_entity` says."""
    import pyarrow.compute as pc

    if not pc.any(pc.match_substring(values, ":"), min_count=0).as_py():
        return values
    return _over_distinct(values, address_entity)


def networks(values: pa.Array) -> pa.Array:
    """Normal forms of an array of ranges; null where null or no range."""
    return _over_distinct(values, network)


def text(values: pa.Array) -> pa.Array:
    """Opaque strings: whole numbers become their digits, empty strings null; nothing is stripped or folded.

    Bytes that are no UTF-8 become null. TypeError for a type that no text can be made of without loss.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = values.type
    if pa.types.is_dictionary(kind):
        values = values.cast(kind.value_type)
        kind = values.type
    if pa.types.is_null(kind) or pa.types.is_integer(kind):
        return values.cast(pa.string())
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_string(kind) or (
        pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    ):  # fmt: skip
        made = _valid_utf8(values)
        empty = pc.equal(pc.binary_length(made), 0)
        return pc.if_else(empty, pa.scalar(None, pa.string()), made) if pc.any(empty, min_count=0).as_py() else made
    raise TypeError(str(kind))


def _valid_utf8(values: pa.Array) -> pa.Array:
    """The values as a string array; null where the bytes are no UTF-8."""
    import pyarrow as pa

    try:
        made = values.cast(pa.string())
        made.validate(full=True)
        return made
    except pa.ArrowInvalid:
        raw = values.cast(pa.large_binary()).to_pylist()
        return pa.array([None if v is None else _decoded(v) for v in raw], pa.string())


def _decoded(raw: bytes) -> str | None:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _try_cast(values: pa.Array, sql: str) -> pa.Array:
    """Run one SQL expression over a string column `v` in a private engine; null where it cannot be cast."""
    import duckdb
    import pyarrow as pa

    engine = getattr(_OPEN, "engine", None)
    if engine is None:  # one a thread: opening one costs more than most of what it is asked
        engine = _OPEN.engine = duckdb.connect(config={"threads": 1})
        engine.execute("set TimeZone = 'UTC'")  # else a time without zone would be that of this machine
    engine.register("given", pa.table({"v": values}))
    try:
        made = engine.sql(f"select {sql} as v from given").to_arrow_table().column("v")
    finally:
        engine.unregister("given")
    return made.combine_chunks() if made.num_chunks != 1 else made.chunk(0)


def timestamps(values: pa.Array, form: str = "") -> pa.Array:
    """Moments as timestamp[us, UTC]; naive ones are UTC; finer digits are cut off.

    Text is what the strptime `form` says, or ISO 8601; a bare number has no unit unless `form` is one of `EPOCHS`.
    TypeError for a type that is no time. Null where a value is no time or lies outside the years 1990 to 2100.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = values.type
    utc = pa.timestamp("us", tz="UTC")
    if pa.types.is_dictionary(kind):
        values = values.cast(kind.value_type)
        kind = values.type
    if pa.types.is_null(kind):
        return values.cast(utc)
    if pa.types.is_timestamp(kind):
        made = values.cast(pa.timestamp("us", tz=kind.tz), safe=False).cast(pa.int64())
    elif pa.types.is_date(kind):
        made = values.cast(pa.timestamp("us")).cast(pa.int64())
    elif form in EPOCHS and (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        made = _since_1970(values, EPOCHS[form])
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        made = _moments(text(values), form)
    else:
        raise TypeError(str(kind))
    sane = pc.and_(pc.greater_equal(made, EARLIEST_US), pc.less(made, LATEST_US))
    return pc.if_else(sane, made, pa.scalar(None, pa.int64())).cast(utc)


def _since_1970(values: pa.Array, unit_us: int) -> pa.Array:
    """Microseconds since 1970 of numbers, or text of numbers, in a unit of so many microseconds; finer is cut off."""
    import pyarrow as pa
    import pyarrow.compute as pc

    whole = integers(values)
    if whole.null_count == values.null_count:
        fits = pc.less(pc.abs(whole), LATEST_US // unit_us)
        return pc.multiply(pc.if_else(fits, whole, pa.scalar(None, pa.int64())), unit_us)
    made = pc.floor(pc.multiply(numbers(values), float(unit_us)))
    return pc.if_else(pc.less(pc.abs(made), float(LATEST_US)), made, pa.scalar(None, pa.float64())).cast(pa.int64())


def _moments(values: pa.Array, form: str) -> pa.Array:
    """Microseconds since 1970 of text, in the form that is said, else ISO 8601; null where it is no time."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if form:
        quoted = form.replace("'", "''")
        said = (
            _since_1970(values, EPOCHS[form]) if form in EPOCHS
            else _try_cast(values, f"epoch_us(try_strptime(v, '{quoted}'))")
        )  # fmt: skip
        return said if said.null_count == values.null_count else pc.coalesce(said, _moments(values, ""))
    for zone in ("UTC", None):  # the usual spellings, each in one compiled pass
        with contextlib.suppress(pa.ArrowInvalid):
            return values.cast(pa.timestamp("us", tz=zone)).cast(pa.int64())
    looks = r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.,]\d{1,9})?)? ?(Z|z|[+-]\d{2}(:?\d{2})?)?)?"
    cast = "epoch_us(try_cast(replace(v, ',', '.') as timestamptz))"
    return _try_cast(values, f"case when regexp_full_match(v, '{looks}') then {cast} end")


def integers(values: pa.Array) -> pa.Array:
    """Whole numbers as int64; numbers with a fraction and text that is no number become null. TypeError otherwise."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = values.type
    if pa.types.is_null(kind) or pa.types.is_signed_integer(kind):
        return values.cast(pa.int64())
    if pa.types.is_unsigned_integer(kind):
        fits = pc.less_equal(values.cast(pa.uint64()), pa.scalar(2**63 - 1, pa.uint64()))
        return pc.if_else(fits, values.cast(pa.uint64()), pa.scalar(None, pa.uint64())).cast(pa.int64())
    if pa.types.is_floating(kind):
        wide = values.cast(pa.float64())
        whole = pc.and_(pc.equal(pc.floor(wide), wide), pc.less(pc.abs(wide), 2.0**53))
        return pc.if_else(pc.fill_null(whole, False), wide, pa.scalar(None, pa.float64())).cast(pa.int64())
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        looks = r"[+-]?\d{1,18}(\.0*)?"
        cut = r"\..*$"
        told = text(values)
        if pc.all(pc.match_substring_regex(told, r"^-?[0-9]{1,18}$"), min_count=0).as_py():
            return told.cast(pa.int64())
        return _try_cast(
            told, f"case when regexp_full_match(v, '{looks}') then "
            f"try_cast(regexp_replace(v, '{cut}', '') as bigint) end",
        )  # fmt: skip
    raise TypeError(str(kind))


def numbers(values: pa.Array) -> pa.Array:
    """Numbers as float64; text that is no finite number becomes null. TypeError for other types."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = values.type
    if pa.types.is_null(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind):
        made = values.cast(pa.float64(), safe=False)
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        made = _try_cast(text(values), "try_cast(v as double)")
    else:
        raise TypeError(str(kind))
    return pc.if_else(pc.fill_null(pc.is_finite(made), False), made, pa.scalar(None, pa.float64()))
