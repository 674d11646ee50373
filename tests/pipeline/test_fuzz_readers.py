"""Readers under attack: whatever the bytes of a table, it is read, its rows are refused, or its fault is told.

`RINGTRACE_FUZZ_CASES` says how many mutilated files are tried (the long checks try 100,000).
"""

from __future__ import annotations

import gzip
import os
import random
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import InputError
from pipeline.settings import Settings
from pipeline.stages.intake.checks import checked
from pipeline.stages.intake.plans import chunks_of, reading_of
from pipeline.workbench import InputTable
from tests.support.tables import FORMATS, write_table

CASES = int(os.environ.get("RINGTRACE_FUZZ_CASES", "200"))
ROWS = [
    {"timestamp": "2026-05-01T10:00:00Z", "account_id": "a", "ip": "10.0.0.1", "prompt": 'say "x",\nplease',
     "model": "m", "input_tokens": 5},
    {"timestamp": "2026-05-01 10:00:01", "account_id": "bé谢", "ip": "2001:db8::1", "prompt": None, "model": None,
     "input_tokens": None},
]  # fmt: skip
JUNK = (b"\0", b"\xff", b"\n", b'"', b",", b"\r", b"{", b"}", b"[", b"\\u", b"\xed\xa0\x80", b"9" * 400,
        b"\x1b[2J")  # fmt: skip


def _table(path: Path, name: str = "events") -> InputTable:
    form = "parquet" if ".parquet" in path.name else "csv" if ".csv" in path.name else "jsonl"
    return InputTable(name, form, (str(path),), (path.name,))  # type: ignore[arg-type]


def read_to_the_end(table: InputTable) -> tuple[int, int] | None:
    """(rows, refused rows), or None where the table was refused as a whole. Anything else is a failure."""
    try:
        reading = reading_of(table, Settings())
        n_rows = n_refused = 0
        for chunk in chunks_of(table, 1000):
            for batch in checked(reading, chunk, extras=True):
                n_rows += batch.table.num_rows
                n_refused += batch.rejected.num_rows
                assert (batch.codes != 0).sum() == batch.rejected.num_rows
                assert len(batch.source) == len(batch.row) == len(batch.codes) == batch.table.num_rows
                good = batch.table.filter(pa.array(batch.codes == 0))
                assert good.column("timestamp").null_count == good.column("account_id").null_count == 0
                good.validate(full=True)
        return n_rows, n_refused
    except InputError as fault:
        assert str(fault).strip() and "\x1b" not in str(fault) and "\0" not in str(fault)
        return None


def _mutilated(content: bytes, dice: random.Random) -> bytes:
    made = bytearray(content)
    for _ in range(dice.choice((1, 1, 2, 5, 20))):
        at = dice.randrange(len(made) + 1)
        kind = dice.randrange(6)
        if kind == 0 and made:
            made[at % len(made)] = dice.randrange(256)
        elif kind == 1:
            made[at:at] = dice.choice(JUNK)
        elif kind == 2:
            del made[at : at + dice.randrange(1, 9)]
        elif kind == 3:
            del made[at:]
        elif kind == 4:
            made += made[at : at + dice.randrange(200)]
        elif made:
            made[at % len(made)] ^= 1 << dice.randrange(8)
    return bytes(made)


@pytest.mark.parametrize("form", FORMATS)
def test_mutilated_files(form: str, tmp_path: Path) -> None:
    write_table(tmp_path / "whole", "events", ROWS * 4, form)
    content = (tmp_path / "whole" / f"events.{form}").read_bytes()
    path = tmp_path / f"events.{form}"
    dice = random.Random(form)
    n_read = 0
    for _ in range(CASES // len(FORMATS)):
        packed = form.endswith(".gz") and dice.random() < 0.7
        made = gzip.compress(_mutilated(gzip.decompress(content), dice)) if packed else _mutilated(content, dice)
        path.write_bytes(made)
        n_read += read_to_the_end(_table(path)) is not None
    assert n_read > 0


ANY_ARRAY: list[Callable[[], pa.Array]] = [
    lambda: pa.array([1, None]), lambda: pa.array([1.5, float("nan")]), lambda: pa.array([True, None]),
    lambda: pa.array(["x", None]), lambda: pa.array([b"\xff", b"a"]), lambda: pa.array([[1], None]),
    lambda: pa.array([{"a": 1}, None]), lambda: pa.nulls(2), lambda: pa.array([2**63, 0], pa.uint64()),
    lambda: pa.array([datetime(2026, 5, 1, tzinfo=UTC), None]), lambda: pa.array([datetime(2026, 5, 1).date(), None]),
    lambda: pa.array([2**61, -(2**61)]).cast(pa.timestamp("ms")), lambda: pa.array([1, 2]).cast(pa.time64("us")),
    lambda: pa.array([1, 2]).cast(pa.duration("s")), lambda: pa.array(["a", "a"]).dictionary_encode(),
    lambda: pa.array([1, 1]).dictionary_encode(), lambda: pa.array(["1", "2"]).cast(pa.decimal128(5, 2)),
    lambda: pa.array(["2026-05-01", "10.0.0.1"], pa.large_string()),
    lambda: pa.array([b"1" * 16, b"2" * 16], pa.binary(16)),
    lambda: pa.array(["", "\0"], pa.string_view()), lambda: pa.array([0.5, 1.0], pa.float16()),
    lambda: pa.array([datetime(2026, 5, 1), None], pa.timestamp("ns")), lambda: pa.array([1, 2]).cast(pa.date64()),
]  # fmt: skip


@settings(max_examples=max(40, CASES // 4))
@given(
    columns=st.dictionaries(
        st.sampled_from(["timestamp", "account_id", "ip", "prompt", "request_id", "input_tokens", "model", "x\n\x1b"]),
        st.integers(0, len(ANY_ARRAY) - 1),
    )
)
def test_columns_of_any_type(columns: dict[str, int], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("types") / "events.parquet"
    plain = {"timestamp": pa.array(["2026-05-01", "2026-05-02"]), "account_id": pa.array(["a", "b"]),
             "ip": pa.array(["10.0.0.1", None]), "prompt": pa.array(["p", None])}  # fmt: skip
    pq.write_table(pa.table({**plain, **{n: ANY_ARRAY[i]() for n, i in columns.items()}}), path)
    read_to_the_end(_table(path))


SMALL = {
    "payments": ("account_id", "payment_fingerprint", "timestamp"), "accounts": ("account_id", "created_at", "status"),
    "indicators": ("operator", "entity_type", "value", "confidence", "valid_from"),
    "ip_ranges": ("cidr", "asn", "organization", "kind"), "allowlist": ("entity_type", "value", "reason"),
    "decisions": ("decision_id", "conclusion", "reason", "analyst", "decided_at"),
}  # fmt: skip
TRICKY = st.one_of(
    st.none(), st.text(max_size=12), st.sampled_from([
        "ip", "cidr", "payment", "unknown", "UNATTRIBUTED-1", "0.5", "nan", "-1", "1e999", "10.0.0.0/8", "::/0",
        "2026-05-01", "0000-00-00", "hosting", "dismissed", "a" * 9000, "‮evil", "=cmd()", "\ufeff", "１",
    ]),
)  # fmt: skip


@settings(max_examples=max(30, CASES // 8))
@given(data=st.data(), name=st.sampled_from(sorted(SMALL)), form=st.sampled_from(["csv", "jsonl", "parquet"]))
def test_small_tables_of_any_values(
    data: st.DataObject, name: str, form: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    row = st.fixed_dictionaries(dict.fromkeys(SMALL[name], TRICKY))
    rows: list[dict[str, Any]] = data.draw(st.lists(row, min_size=1, max_size=5))
    folder = tmp_path_factory.mktemp("small")
    write_table(folder, name, rows, form)
    table = _table(folder / f"{name}.{form}", name)
    try:
        reading = reading_of(table, Settings())
        for chunk in chunks_of(table, 1000):
            for batch in checked(reading, chunk):
                assert (batch.codes != 0).sum() == batch.rejected.num_rows
    except InputError as fault:
        assert str(fault)


def test_a_packed_bomb_is_read_piece_by_piece(tmp_path: Path) -> None:
    """A gigabyte-like line in a few packed bytes: refused or read, in bounded time, and never as an address."""
    path = tmp_path / "events.csv.gz"
    with gzip.open(path, "wb", compresslevel=9) as file:
        file.write(b"timestamp,account_id,ip,prompt\n2026-05-01,a,10.0.0.1,")
        for _ in range(16):
            file.write(b"A" * (1 << 20))
        file.write(b"\n2026-05-01,b,10.0.0.1,p\n")
    read = read_to_the_end(_table(path))
    assert read is None or read == (2, 0)


def test_deep_and_huge_json(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    good = '{"timestamp":"2026-05-01","account_id":"a","ip":null,"prompt":"p"}'
    deep = '{"timestamp":' + "[" * 50_000 + "]" * 50_000 + "}"
    number = '{"timestamp":"2026-05-01","account_id":' + "9" * 5_000 + ',"ip":null,"prompt":null}'
    twice = '{"timestamp":"2026-05-01","account_id":"a","account_id":"b","ip":null,"prompt":"\\ud800"}'
    path.write_text("\n".join([good, deep, number, twice, "null", "[]", '"x"', "{}", "NaN", good]) + "\n")
    read = read_to_the_end(_table(path))
    assert read is not None
    assert read[0] == 10 and read[1] >= 5


def test_what_no_terminal_should_see_is_shown_escaped(tmp_path: Path) -> None:
    path = tmp_path / "events.parquet"
    pq.write_table(pa.table({"time\x1b]0;owned\x07stamp": [1], "\u202eaccount": [2]}), path)
    with pytest.raises(InputError) as fault:
        reading_of(_table(path), Settings())
    assert not any(bad in str(fault.value) for bad in ("\x1b", "\x07", "\u202e"))
