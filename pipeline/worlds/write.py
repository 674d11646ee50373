"""From requests to rows: identifiers, addresses, clients, prompts and tokens, and the files of a synthetic world."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipeline.worlds.cast import Cast, opaque
from pipeline.worlds.dice import Dice, Floats, Hashes, Ints, mix, standard_normal, unit
from pipeline.worlds.net import ipv4
from pipeline.worlds.stage import CLIENTS, MODELS, N_VERSIONS, Stage, client_version
from pipeline.worlds.traffic import Requests

_BATCH = 60_000
_DICTIONARY = ["account_id", "ip", "model", "user_agent", "device_id", "template_id"]
FORMATS = ("parquet", "csv", "jsonl")


class Rows:
    """Turns requests into the table of events. Everything is drawn from hashes of the request, so rows can be made in
    batches.
    """

    def __init__(self, stage: Stage, cast: Cast, ids: pa.Array, start_us: int, seed: int) -> None:
        self.stage, self.cast, self.ids, self.start_us, self.seed = stage, cast, ids, start_us, seed
        self.clients = pa.array([client_version(c, v) for c in range(len(CLIENTS)) for v in range(N_VERSIONS)])
        self.models = pa.array(MODELS)
        codes = Dice("template ids", seed).words(int(stage.frames.library.codes.max(initial=-1)) + 1)
        self.templates = pa.array(opaque(codes, "tpl_", 10), type=pa.string())

    def table(self, r: Requests, day: int) -> pa.Table:
        """Events of one day (or part of one) in the order given."""
        cast, world = self.cast, self.stage.world
        request = mix(r.conversation, r.turn, r.account, 31)
        columns: dict[str, Any] = {
            "request_id": hexadecimal(mix(request, self.seed), "req_"),
            "timestamp": pa.array(self.start_us + (r.second * 1e6).astype(np.int64), type=pa.timestamp("us", tz="UTC")),
            "account_id": self.ids.take(pa.array(r.account)),
            "ip": self._addresses(r),
        }
        if world.prompts:
            prompt = self.stage.frames.library.render(r.frame, request, r.conversation, r.topic, r.turn)
            columns["prompt"] = prompt
            length = np.diff(np.frombuffer(prompt.buffers()[1], dtype=np.int32)[: len(r) + 1]) / 4.2
        else:
            code = self.stage.frames.library.codes[r.frame]
            columns["template_id"] = self.templates.take(pa.array(code, mask=code < 0))
            length = np.exp(4.5 + 1.1 * (unit(mix(request, 41)) * 4 - 2))
        second = (unit(mix(r.conversation, r.account, 33)) < cast["second_client"][r.account]).astype(np.int64)
        columns["model"] = self.models.take(pa.array(self._model(r, day)))
        client = cast["client"][r.account, second].astype(np.int64)
        version = np.clip(day // 5 + 2 - cast["lag"][r.account], 0, N_VERSIONS - 1)
        columns["user_agent"] = self.clients.take(pa.array(client * N_VERSIONS + version))
        # tools and history that the log leaves out
        unlogged = np.exp(3.8 + 1.2 * standard_normal(r.account, self.seed))
        tokens = 8 + unlogged + length * (0.9 + 0.2 * unit(mix(request, 42))) + r.turn * 12
        columns["input_tokens"] = pa.array(tokens.astype(np.int64))
        answer = cast["answer"][r.account] * np.exp(1.6 * (unit(mix(request, 43)) + unit(mix(request, 44)) - 1))
        columns["output_tokens"] = pa.array(np.clip(answer, 1, 16000).astype(np.int64))
        columns["device_id"] = self._devices(cast["device"][r.account, second], cast["device"][r.account, 0])
        return pa.table(columns)

    def _addresses(self, r: Requests) -> pa.Array:
        cast = self.cast
        weight = cast["net_weight"][r.account]
        reach = unit(mix(r.conversation, r.account, 51)) * weight.sum(axis=1)
        slot = np.minimum((np.cumsum(weight, axis=1) <= reach[:, None]).sum(axis=1), weight.shape[1] - 1)
        upper, lower = self.stage.networks.locate(
            cast["net"][r.account, slot], cast["net_key"][r.account, slot], r.second
        )
        _, first, place = np.unique(mix(upper, lower), return_index=True, return_inverse=True)
        spelled = [_spell(u, v) for u, v in zip(upper[first].tolist(), lower[first].tolist(), strict=True)]
        return pa.array(spelled, type=pa.string()).take(pa.array(place))

    def _devices(self, chosen: Hashes, first: Hashes) -> pa.Array:
        word = np.where(chosen == 0, first, chosen)
        known, place = np.unique(word, return_inverse=True)
        names = pa.array(
            [None if w == 0 else n for w, n in zip(known, opaque(mix(known, 61), "dev_", 12), strict=True)],
            type=pa.string(),
        )
        return names.take(pa.array(place))

    def _model(self, r: Requests, day: int) -> Ints:
        model = self.cast["model"][r.account].astype(np.int64)
        release = self.stage.world.release_day
        if release is None:
            return np.where((model == 2) | (model == 3), model - 2, model)
        group = self.cast["group"][r.account]
        late = unit(mix(np.where(group < 0, r.account, group), 71)) * 20 * unit(mix(r.account, 72))
        eager = (self.cast["ring"][r.account] >= 0) & (unit(mix(group, 74)) < 0.5)  # moves at once, as a whole
        old = r.second / 86400 < release + np.where(eager, late / 20, late)
        old |= unit(mix(r.account, 73)) < 0.25
        return np.where(old & ((model == 2) | (model == 3)), model - 2, np.where(~old & (model < 2), model + 2, model))


def _spell(upper: int, lower: int) -> str:
    if upper == 0:
        return ipv4(lower)
    text = (
        ":".join(f"{upper >> s & 0xFFFF:x}" for s in (48, 32, 16, 0))
        + ":"
        + ":".join(f"{lower >> s & 0xFFFF:x}" for s in (48, 32, 16, 0))
    )
    return text.upper() if lower % 53 == 0 else text


def hexadecimal(words: Hashes, prefix: str) -> pa.StringArray:
    """Each word as 16 hexadecimal digits behind a prefix."""
    digits = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)
    body = np.empty((len(words), len(prefix) + 16), dtype=np.uint8)
    body[:, : len(prefix)] = np.frombuffer(prefix.encode(), dtype=np.uint8)
    for i in range(16):
        body[:, len(prefix) + i] = digits[((words >> np.uint64(60 - 4 * i)) & np.uint64(15)).astype(np.int64)]
    ends = np.arange(len(words) + 1, dtype=np.int32) * body.shape[1]
    return pa.StringArray.from_buffers(len(words), pa.py_buffer(ends), pa.py_buffer(body.ravel()))


class Files:
    """Writes the tables of a world in one of three formats; events day by day."""

    def __init__(self, to: Path, form: str) -> None:
        if form not in FORMATS:
            raise ValueError(f"format {form!r}: expected one of {', '.join(FORMATS)}")
        self.to, self.form = to, form
        to.mkdir(parents=True, exist_ok=True)
        if any(to.iterdir()):
            raise FileExistsError(f"{to}: expected an empty or new directory; name another one or empty it")

    def table(self, name: str, table: pa.Table) -> None:
        """Write a whole table."""
        self._write(self.to / f"{name}.{self.form}", [table], append=False)

    def day(self, date: str, batches: list[pa.Table]) -> None:
        """Write (Parquet) or append (CSV, JSONL) the events of a day."""
        if self.form == "parquet":
            folder = self.to / "events" / f"date={date}"
            folder.mkdir(parents=True)
            self._write(folder / "part-0.parquet", batches, append=False)
        else:
            self._write(self.to / f"events.{self.form}", batches, append=True)

    def note(self, what: dict[str, Any]) -> None:
        """Write world.json, the knobs."""
        (self.to / "world.json").write_text(
            json.dumps(what, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8"
        )

    def _write(self, path: Path, tables: list[pa.Table], append: bool) -> None:
        if self.form == "parquet":
            schema = tables[0].schema
            with pq.ParquetWriter(
                path,
                schema,
                compression="zstd",
                compression_level=1,
                write_statistics=["timestamp"],
                use_dictionary=[c for c in _DICTIONARY if c in schema.names],
            ) as writer:
                for table in tables:
                    writer.write_table(table)
            return
        fresh = not (append and path.exists())
        with path.open("ab" if append else "wb") as sink:
            for i, table in enumerate(tables):
                if self.form == "csv":
                    pa_csv.write_csv(_spelled(table), sink, pa_csv.WriteOptions(include_header=fresh and i == 0))
                else:
                    for row in _spelled(table).to_pylist():
                        sink.write((json.dumps(row, ensure_ascii=False) + "\n").encode())


def _spelled(table: pa.Table) -> pa.Table:
    """Timestamps as ISO 8601 in UTC, for formats without a type for them."""
    import pyarrow.compute as pc

    for i, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type):
            text = pc.strftime(table.column(i).cast(pa.timestamp("us")), format="%Y-%m-%dT%H:%M:%SZ")
            table = table.set_column(i, field.name, text)
    return table


def batches(rows: Rows, requests: Requests, day: int, duplicates: float, dice: Dice) -> list[pa.Table]:
    """The events of a day, some of them delivered twice."""
    twice = np.flatnonzero(dice.rng.random(len(requests)) < duplicates)
    order: NDArray[np.int64] = np.sort(np.concatenate([np.arange(len(requests)), twice]))
    pieces = [order[i : i + _BATCH] for i in range(0, len(order), _BATCH)] or [order]
    return [rows.table(requests.where(piece), day) for piece in pieces]


__all__ = ["Files", "Floats", "Rows", "batches", "hexadecimal"]
