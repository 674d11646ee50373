"""Sketches of prompts: fingerprints and measures, no words; and the sample of them that frames are settled from.

A sketch depends on its clean_events part alone, so it can be kept from run to run. Which prompts are in the sample
depends on their text and their account alone: at most so many different prompts an account, those with the smallest
digests. So no account outweighs the others, however much it sends, and memory is bounded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.text.counting import Counts, Piece, count, likely, n_likely, no_counts
from pipeline.text.frames import Shared, share
from pipeline.text.groups import rank_within
from pipeline.text.hashing import mix
from pipeline.text.short import Lines, ShortFrames, line_hashes, lines_of, settle_short
from pipeline.text.sketches import sketch
from pipeline.text.tokens import word_digests
from pipeline.workbench import PromptSource, Workbench

FORMAT = 3  # of the sketches; a kept one of another format is made anew
KEY = 0x6A09E667F3BCC908  # of the digests that are compared inside one installation
SAMPLE_AN_ACCOUNT = 64  # different prompts
SAMPLE_PRINTS = 36_000_000  # fingerprints in all, of which
SHARED_PRINTS = 12_000_000  # may be shared by several prompts
STEPS = np.array([1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, SAMPLE_AN_ACCOUNT])  # prompts an account, as many as fit
SURVEYED = 6_000_000  # prompts from which the sample is chosen: beyond, those with the smallest digests
LINES = 1_500_000  # short prompts from which short templates are found, likewise
USES_AN_ACCOUNT = 4  # of a short template, on average


@dataclass(frozen=True)
class Part:
    """One clean_events part, what of it is read, and where its sketch and its result go."""

    events: str
    prompts: PromptSource
    sketch: str
    result: str
    bound: int


def write_sketch(part: Part) -> None:
    """Sketch the prompts of a part, batch by batch."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    events = pq.ParquetFile(part.events)
    columns = [name for name in ("account_id", "template_id") if name in events.schema_arrow.names]
    owners = events.read(columns=columns)
    first = 0
    written: Any = None
    with pa.OSFile(part.sketch + ".new", "wb") as sink:
        for batch in part.prompts.batches(part.events):
            table = _sketch_batch(batch, owners.slice(first, len(batch)), part.bound)
            first += len(batch)
            written = written or _new_file(sink, table.schema)
            written.write(table)
        if written is None:
            table = _sketch_batch(pa.array([], pa.large_string()), owners.slice(0, 0), part.bound)
            written = _new_file(sink, table.schema)
        written.close()
    if first != events.metadata.num_rows:
        raise ValueError(f"{first} prompts were read beside {events.metadata.num_rows} events of a part")
    Path(part.sketch + ".new").replace(part.sketch)


def _sketch_batch(prompts: Any, owners: Any, bound: int) -> Any:
    """Sketch one batch of prompts: a row for each."""
    import pyarrow as pa

    given = np.zeros(len(prompts), np.bool_)
    if "template_id" in owners.column_names:
        given = np.asarray(owners["template_id"].combine_chunks().is_valid())
    made = sketch(prompts, bound=bound)
    lines = lines_of(prompts)
    lists = pa.LargeListArray.from_arrays(pa.array(made.offsets), pa.array(made.prints))
    return pa.record_batch(
        {
            "prints": lists,
            "n_prints": pa.array(np.diff(made.offsets)),
            "account": pa.array(account_hashes(owners["account_id"])),
            "given": pa.array(given),
            "parted": pa.array(made.parted),
            "digest": pa.array(made.digests),
            "n_chars": pa.array(made.n_chars),
            "asks_reasoning": pa.array(made.asks_reasoning),
            "language": pa.array(made.languages),
            "line": pa.array(np.where(given, np.uint64(0), line_hashes(lines))),
            "line_words": pa.LargeListArray.from_arrays(pa.array(lines.offsets), pa.array(lines.words)),
        }
    )


def account_hashes(accounts: Any) -> Any:
    """Hash each account id of an Arrow string column."""
    import pyarrow as pa

    names = accounts.combine_chunks() if isinstance(accounts, pa.ChunkedArray) else accounts
    coded = names.cast(pa.large_string()).dictionary_encode()
    return word_digests(coded.dictionary)[np.asarray(coded.indices, dtype=np.int64)]


def _new_file(sink: Any, schema: Any) -> Any:
    """An Arrow file whose buffers are compressed: prompts filled into one frame share most of their fingerprints."""
    import pyarrow as pa

    return pa.ipc.new_file(sink, schema, options=pa.ipc.IpcWriteOptions(compression="zstd"))


def _reader(source: Any, columns: Sequence[str]) -> Any:
    """A reader of some columns of a sketch: the others are not even unpacked."""
    import pyarrow as pa

    schema = pa.ipc.open_file(source).schema
    places = [schema.get_field_index(name) for name in columns]
    return pa.ipc.open_file(source, options=pa.ipc.IpcReadOptions(included_fields=places))


def read_sketch(part: Part, columns: Sequence[str]) -> Any:
    """Read some columns of the sketch of a part, as a table."""
    import pyarrow as pa

    with pa.memory_map(part.sketch) as source:
        return _reader(source, columns).read_all().select(list(columns))


def batches_of(part: Part, column: str) -> Iterator[tuple[Any, Any]]:
    """Yield offsets and values of a list column of a sketch batch by batch; no more than one is in memory."""
    import pyarrow as pa

    with pa.memory_map(part.sketch) as source:
        reader = _reader(source, [column])
        for number in range(reader.num_record_batches):
            lists = reader.get_batch(number).column(0)
            local = np.asarray(lists.offsets)
            yield local - local[0], np.asarray(lists.values)[local[0] : local[-1]]


def lists_of(part: Part, column: str) -> tuple[Any, Any]:
    """Return offsets and values of a list column of a sketch as a whole."""
    offsets, values = [np.zeros(1, np.int64)], []
    reached = 0
    for local, inside in batches_of(part, column):
        values.append(inside)
        offsets.append(local[1:] + reached)
        reached += len(inside)
    return np.concatenate(offsets), np.concatenate(values) if values else np.zeros(0, np.uint64)


@dataclass(frozen=True)
class Survey:
    """The prompts from which the frames of a window are settled: rows by part, the other arrays for all in order."""

    parts: Sequence[Part]
    rows: list[Any]  # per part: rows of its sketch, ascending
    account: Any
    n_prints: Any
    parted: Any
    language: Any
    turn: Any  # which of its account's prompts each is, 0 first

    def some(self, kept: Any) -> Survey:
        """The survey of some of its prompts, given by place, ascending."""
        starts = np.concatenate([np.zeros(1, np.int64), np.cumsum([len(rows) for rows in self.rows])])
        cuts = np.searchsorted(kept, starts)
        by_part = zip(self.rows, starts, pairwise(cuts), strict=False)
        return Survey(
            self.parts,
            [rows[kept[low:high] - start] for rows, start, (low, high) in by_part],
            *(values[kept] for values in (self.account, self.n_prints, self.parted, self.language, self.turn)),
        )

    @property
    def work(self) -> list[tuple[Part, Any]]:
        """Each part with its rows."""
        return list(zip(self.parts, self.rows, strict=True))


def survey(parts: Sequence[Part], bench: Workbench) -> Survey:
    """Choose the prompts from which the frames of a window are settled."""
    limit = share_of(SURVEYED, parts)
    heads = bench.map(_head, [(part, limit) for part in parts], what="survey sketches")
    account, digest, n_prints, parted, language = (
        joined([getattr(head, name) for head in heads], kind) for name, kind in _HEAD.items() if name != "row"
    )
    order, turn = turns(account, digest)
    chosen, turn = within(SAMPLE_PRINTS, n_prints, account, order, turn)
    every = Survey(parts, [head.row for head in heads], account, n_prints, parted, language, np.zeros(len(account)))
    return replace(every.some(chosen), turn=turn)


def sample(surveyed: Survey, bench: Workbench, min_events: int) -> Shared:
    """Return the fingerprints that the prompts of a survey share, of as many of them as memory allows."""
    counts = no_counts(int(surveyed.n_prints.sum()))
    for part, rows in surveyed.work:
        for piece in _pieces(part, rows):
            count(piece, counts)
    jobs = [(*job, counts, min_events) for job in surveyed.work]
    n_shared = joined(bench.map(_n_shared, jobs, what="count the sample"), np.int64)
    kept, _ = within(SHARED_PRINTS, n_shared, surveyed.account, np.arange(len(n_shared)), surveyed.turn)
    drawn = surveyed.some(kept)
    firsts = np.concatenate([np.zeros(1, np.int64), np.cumsum([len(rows) for rows in drawn.rows])])
    sizes = [n_shared[kept[low:high]] for low, high in pairwise(firsts.tolist())]
    jobs_of = zip(drawn.work, sizes, strict=True)
    read = bench.map(_read_shared, [(*job, n, counts, min_events) for job, n in jobs_of], what="read the sample")
    return shared_of(drawn, drawn.n_prints, read, firsts, min_events)


def shared_of(
    drawn: Survey, n_in_row: Any, read: Sequence[tuple[Any, Any, Any]], firsts: Any, min_events: int
) -> Shared:
    """Put together what was read of each part of a survey: row within the part, place within the row, fingerprint."""
    return share(
        rows=joined([rows + first for (rows, _, _), first in zip(read, firsts[:-1], strict=True)], np.int64),
        places=joined([places for _, places, _ in read], np.int64),
        values=joined([values for _, _, values in read], np.uint64),
        n_in_row=n_in_row,
        accounts=np.unique(drawn.account, return_inverse=True)[1].astype(np.int64),
        parted=drawn.parted,
        languages=drawn.language,
        min_events=min_events,
    )


def within(most: int, sizes: Any, account: Any, rows: Any, turn: Any) -> tuple[Any, Any]:
    """Keep the rows of the first turns of each account, as many turns as `most` allows; return them sorted, and turns.

    `sizes` and `account` are by row; one turn is always kept. Where that is all that fits, what is left, an eighth of
    `most` at least, goes to the second turn of some accounts, drawn by their names: by one prompt of each account
    nobody could tell what people do now and then from what they always do. Where more turns fit all accounts have
    the same, since frames are told by how often each account has them.
    """
    total = np.cumsum(np.bincount(turn, weights=sizes[rows], minlength=SAMPLE_AN_ACCOUNT))
    steps = STEPS[total[STEPS - 1] <= most]
    kept = turn < (steps[-1] if len(steps) else 1)
    if len(steps) <= 1:
        second = np.flatnonzero(turn == 1)
        drawn = mix(account[rows[second]])
        order = np.argsort(drawn, kind="stable")
        reached = np.cumsum(sizes[rows[second[order]]])
        over = order[reached > max(most - total[0], most // 8)]
        kept[second] = drawn < drawn[over[0]] if len(over) else True
    kept = np.flatnonzero(kept)
    kept = kept[np.argsort(rows[kept], kind="stable")]
    return rows[kept], turn[kept]


def turns(account: Any, digest: Any) -> tuple[Any, Any]:
    """Return rows with different prompts of an account, and the turn of each: 0 for its smallest keyed digest.

    Digests are told apart by their upper forty bits.
    """
    import pyarrow as pa

    owner = np.asarray(pa.array(account).dictionary_encode().indices).astype(np.uint64)
    key = (owner << np.uint64(40)) | (mix(digest ^ np.uint64(KEY)) >> np.uint64(24))
    order = np.argsort(key)
    key = key[order]
    fresh = np.ones(len(order), np.bool_)
    fresh[1:] = key[1:] != key[:-1]
    return order[fresh], rank_within(owner[order][fresh])


def joined(arrays: list[Any], dtype: Any) -> Any:
    """Lay arrays end to end; none at all make an empty one of that kind."""
    return np.concatenate(arrays) if arrays else np.zeros(0, dtype)


def share_of(most: int, parts: Sequence[Part]) -> int:
    """Return the largest keyed digest at which about `most` of a window's prompts are left."""
    import pyarrow.parquet as pq

    total = sum(pq.read_metadata(part.events).num_rows for part in parts)
    return (1 << 64) - 1 if total <= most else int((1 << 64) * (most / total))


@dataclass(frozen=True)
class _Head:
    """What is known of some rows of a part beside their fingerprints."""

    account: Any
    digest: Any
    n_prints: Any
    row: Any
    parted: Any
    language: Any


_HEAD: dict[str, Any] = {
    "account": np.uint64, "digest": np.uint64, "n_prints": np.int64, "row": np.int64, "parted": np.bool_,
    "language": np.int8,
}  # fmt: skip


def _head(work: tuple[Part, int]) -> _Head:
    """Return what is known of the rows of a part whose digest is small enough.

    Rows with an id from upstream or without words are none of them.
    """
    part, limit = work
    table = read_sketch(part, ["account", "given", "parted", "digest", "language", "n_prints"])
    n_prints = np.asarray(table["n_prints"])
    digest = np.asarray(table["digest"])
    rows = np.flatnonzero(
        (n_prints > 0) & ~np.asarray(table["given"]) & (mix(digest ^ np.uint64(KEY)) <= np.uint64(limit))
    )
    account, parted, language = (np.asarray(table[name])[rows] for name in ("account", "parted", "language"))
    return _Head(account, digest[rows], n_prints[rows], rows, parted, language)


def _pieces(part: Part, rows: Any) -> Iterator[Piece]:
    """Yield the fingerprints of some rows of a part, sorted, batch by batch as they lie in the file."""
    first = 0
    for offsets, prints in batches_of(part, "prints"):
        last = first + len(offsets) - 1
        low, high = np.searchsorted(rows, (first, last))
        yield Piece(offsets, prints, rows[low:high] - first)
        first = last


def _n_shared(work: tuple[Part, Any, Counts, int]) -> Any:
    """Count for each row the fingerprints that may be shared."""
    part, rows, counts, least = work
    return joined([n_likely(piece, counts, least) for piece in _pieces(part, rows)], np.int64)


def _read_shared(work: tuple[Part, Any, Any, Counts, int]) -> tuple[Any, Any, Any]:
    """Return row, place and value of the fingerprints that may be shared."""
    part, rows, n_shared, counts, least = work
    found = []
    first = 0
    for piece in _pieces(part, rows):
        last = first + len(piece.rows)
        owners, places, values = likely(piece, counts, least, int(n_shared[first:last].sum()))
        found.append((owners + first, places, values))
        first = last
    kinds = (np.int64, np.int64, np.uint64)
    owners, places, values = (joined([f[place] for f in found], kind) for place, kind in enumerate(kinds))
    return owners, places, values


def short_frames(parts: Sequence[Part], bench: Workbench) -> ShortFrames:
    """Find the templates of the short prompts of a window.

    What strangers type is often the same by chance where it is short; a short template is one that its accounts use
    again and again.
    """
    limit = share_of(LINES, parts)
    seen = bench.map(_lines, [(part, limit) for part in parts], what="survey short prompts")
    counts = joined([np.diff(lines.offsets) for lines, _, _, _ in seen], np.int64)
    heads = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
    every = Lines(heads, joined([lines.words for lines, _, _, _ in seen], np.uint64))
    found = settle_short(every)
    line, account, times = (joined([entry[place] for entry in seen], np.uint64) for place in (1, 2, 3))
    ids = found.find(line)
    order = np.lexsort((account, ids))
    ids, account, times = ids[order], account[order], times[order].astype(np.int64)
    distinct, number = np.unique(ids, return_inverse=True)
    fresh = np.ones(len(ids), np.bool_)
    fresh[1:] = (ids[1:] != ids[:-1]) | (account[1:] != account[:-1])
    n_events = np.bincount(number, weights=times, minlength=len(distinct))
    n_accounts = np.bincount(number, weights=fresh, minlength=len(distinct))
    habit = (n_events >= 2 + USES_AN_ACCOUNT * (n_accounts - 1)) & (distinct != 0)
    kept = np.isin(found.ids, distinct[habit])
    return ShortFrames(found.lines[kept], found.ids[kept])


def _lines(work: tuple[Part, int]) -> tuple[Lines, Any, Any, Any]:
    """Return the distinct short lines of a part, and by line and account how often each occurs."""
    part, limit = work
    table = read_sketch(part, ["line", "account"])
    line = np.asarray(table["line"])
    offsets, words = lists_of(part, "line_words")
    rows = np.flatnonzero((line != 0) & (mix(line) <= np.uint64(limit)))
    _, first = np.unique(line[rows], return_index=True)
    rows_of = np.sort(rows[first])
    counts = offsets[rows_of + 1] - offsets[rows_of]
    heads = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
    chosen = words[np.repeat(offsets[rows_of] - heads[:-1], counts) + np.arange(heads[-1])]
    account = np.asarray(table["account"])[rows]
    order = np.lexsort((account, line[rows]))
    by_line, by_account = line[rows][order], account[order]
    fresh = np.ones(len(order), np.bool_)
    fresh[1:] = (by_line[1:] != by_line[:-1]) | (by_account[1:] != by_account[:-1])
    starts = np.flatnonzero(fresh)
    times = np.diff(np.append(starts, len(order))).astype(np.uint64)
    return Lines(heads, chosen), by_line[starts], by_account[starts], times
