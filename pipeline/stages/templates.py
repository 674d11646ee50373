"""Find the frames that prompts were filled into. The last stage that sees prompts; it writes ids and measures, no text.

Three passes. Every part is sketched: fingerprints and measures of each prompt, no words. The frames are settled from
the sketches of the whole window, so that a frame depends on nothing but how often its fingerprints occur. Then every
part is written, and prompts of a sample are read again for the wording of the templates. A sketch depends on its part
alone and can be kept from run to run; a run with kept sketches is the same run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.settings import Settings, TemplatesSettings
from pipeline.text.fingerprints import fingerprint, flags_of_first
from pipeline.text.frames import FrameRules, Labels, Shared, label
from pipeline.text.hashing import mix
from pipeline.text.tokens import tokenise
from pipeline.text.traits import asks_reasoning, conversations, language_names, languages
from pipeline.text.wording import wording
from pipeline.workbench import PromptSource, Workbench

if TYPE_CHECKING:
    import pyarrow as pa

SAMPLE = 24  # prompts of a template that are read again for its wording
KEY = 0x6A09E667F3BCC908  # of the digests that are compared inside one installation


@dataclass(frozen=True)
class Templates:
    """What the stage gives: a template_events part for each clean_events part, and the templates, sorted by id."""

    template_events: list[str]
    templates: pa.Table


@dataclass(frozen=True)
class _Part:
    """One clean_events part, what of it is read, and where its sketch and its result go."""

    events: str
    prompts: PromptSource
    sketch: str
    result: str
    bound: int


def make(
    clean_events: Sequence[str],
    prompts: PromptSource,
    *,
    settings: Settings,
    bench: Workbench,
    sketches: Mapping[str, str] | None = None,
) -> Templates:
    """Mine the templates of a window.

    `clean_events` are Parquet parts with `account_id`, `timestamp` and, where they have them, `request_id` and
    `template_id` (an id given upstream is used as it is). `sketches` names kept sketches by part; the others are made.
    """
    folder = Path(bench.scratch)
    (folder / "sketches").mkdir(parents=True, exist_ok=True)
    (folder / "template_events").mkdir(parents=True, exist_ok=True)
    kept = sketches or {}
    parts = [
        _Part(
            events=path,
            prompts=prompts,
            sketch=kept.get(path, str(folder / "sketches" / f"part-{number:05d}.arrow")),
            result=str(folder / "template_events" / f"part-{number:05d}.parquet"),
            bound=settings.templates.max_chars,
        )
        for number, path in enumerate(clean_events)
    ]
    bench.map(_sketch, [part for part in parts if part.events not in kept], what="sketch prompts")
    window = _Window.read(parts)
    labels = label(window.shared, FrameRules(min_events=settings.templates.min_prompts))
    writes = [(part, *window.of_part(number, labels), labels.ids, labels.family) for number, part in enumerate(parts)]
    bench.map(_write, writes, what="write template events")
    texts = _wordings(parts, window, labels, settings.templates, bench)
    return Templates([part.result for part in parts], _table(parts, window, labels, texts))


def sketch(events: str, prompts: PromptSource, to: str, *, settings: TemplatesSettings) -> str:
    """Write the sketch of one clean_events part to `to`: fingerprints and measures of each prompt, no words."""
    _sketch(_Part(events, prompts, to, "", settings.max_chars))
    return to


def _sketch(part: _Part) -> None:
    import pyarrow as pa

    written: Any = None
    with pa.OSFile(part.sketch + ".new", "wb") as sink:
        for batch in part.prompts.batches(part.events):
            table = _sketch_batch(batch, part.bound)
            written = written or pa.ipc.new_file(sink, table.schema)
            written.write(table)
        if written is None:
            table = _sketch_batch(pa.array([], pa.large_string()), part.bound)
            written = pa.ipc.new_file(sink, table.schema)
        written.close()
    Path(part.sketch + ".new").replace(part.sketch)


def _sketch_batch(prompts: Any, bound: int) -> Any:
    """Sketch one batch of prompts: a row for each."""
    import pyarrow as pa

    tokens = tokenise(prompts, bound)
    prints = fingerprint(tokens)
    lists = pa.LargeListArray.from_arrays(pa.array(prints.offsets), pa.array(prints.values))
    return pa.record_batch(
        {
            "prints": lists,
            "digest": pa.array(tokens.digests),
            "n_chars": pa.array(tokens.n_chars),
            "conversation": pa.array(conversations(tokens, KEY)),
            "asks_reasoning": pa.array(asks_reasoning(tokens)),
            "language": pa.array(languages(tokens)),
        }
    )


@dataclass(frozen=True)
class _Window:
    """The supported fingerprints of a whole window, and where each part begins among its rows."""

    shared: Shared
    starts: Any  # first row of each part, and one more entry
    digests: Any
    n_chars: Any
    accounts: list[str]

    @classmethod
    def read(cls, parts: Sequence[_Part], min_events: int = 3) -> _Window:
        import pyarrow as pa
        import pyarrow.parquet as pq

        rows, values, places, starts, digests, n_chars, n_in_row, owners = [], [], [], [0], [], [], [], []
        for part in parts:
            table = _read_sketch(part)
            events = pq.read_table(part.events, columns=["account_id"])
            lists = table["prints"].combine_chunks()
            offsets = np.asarray(lists.offsets)
            flat = np.asarray(lists.values)[offsets[0] : offsets[-1]]
            row_of = np.repeat(np.arange(len(table)), np.diff(offsets))
            given = _given(part)
            keep = flags_of_first(row_of, flat) & ~given[row_of]
            rows.append(row_of[keep] + starts[-1])
            values.append(flat[keep])
            places.append(_rank_within(row_of[keep]))
            n_in_row.append(np.bincount(row_of[keep], minlength=len(table)))
            digests.append(np.asarray(table["digest"]))
            n_chars.append(np.asarray(table["n_chars"]))
            owners.append(events["account_id"])
            starts.append(starts[-1] + len(table))
        chunks = [chunk.cast(pa.large_string()) for owner in owners for chunk in owner.chunks]
        names = pa.chunked_array(chunks, pa.large_string()).combine_chunks().dictionary_encode()
        accounts = names.dictionary.to_pylist() if len(names) else []
        codes = np.asarray(names.indices, dtype=np.int64) if len(names) else np.zeros(0, np.int64)
        flat_rows = np.concatenate(rows) if rows else np.zeros(0, np.int64)
        flat_values = np.concatenate(values) if values else np.zeros(0, np.uint64)
        distinct, inverse, times = np.unique(flat_values, return_inverse=True, return_counts=True)
        enough = times >= min_events
        number = np.cumsum(enough) - 1
        keep = enough[inverse]
        shared = Shared(
            rows=flat_rows[keep],
            ids=number[inverse[keep]],
            places=_flat(places, np.int64)[keep],
            n_in_row=np.concatenate(n_in_row) if n_in_row else np.zeros(0, np.int64),
            accounts=codes,
            values=distinct[enough],
            n_events=times[enough],
        )
        return cls(shared, np.array(starts), _flat(digests, np.uint64), _flat(n_chars, np.int32), accounts)

    def of_part(self, number: int, labels: Labels) -> tuple[Any, Any, Any]:
        """Return frame and wrapper of each row of a part and the share of its fingerprints that are in the slots."""
        span = slice(self.starts[number], self.starts[number + 1])
        total = np.maximum(1, self.shared.n_in_row[span])
        return labels.frame[span], labels.wrapper[span], 1.0 - labels.present[span] / total


def _flat(arrays: list[Any], dtype: type[np.generic]) -> Any:
    return np.concatenate(arrays) if arrays else np.zeros(0, dtype)


def _read_sketch(part: _Part) -> Any:
    import pyarrow as pa

    with pa.memory_map(part.sketch) as source:
        return pa.ipc.open_file(source).read_all()


def _given(part: _Part) -> Any:
    """Return which rows have a template id from upstream."""
    import pyarrow.parquet as pq

    file = pq.ParquetFile(part.events)
    if "template_id" not in file.schema_arrow.names:
        return np.zeros(file.metadata.num_rows, np.bool_)
    return np.asarray(file.read(columns=["template_id"])["template_id"].is_valid())


def template_name(value: int) -> str:
    """Write the id of a template."""
    return f"tpl-{value:016x}"


def family_name(value: int) -> str:
    """Write the id of a family of templates."""
    return f"fam-{value:016x}"


def _write(work: tuple[_Part, Any, Any, Any, Any, Any]) -> None:
    """Write the template_events part beside a clean_events part."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    part, frame, wrapper, open_share, ids, family = work
    events = pq.read_table(part.events)
    table = _read_sketch(part)
    names = pa.array([template_name(int(value)) for value in ids], pa.string())
    family_names = pa.array([family_name(int(value)) for value in family], pa.string())
    numbers = pa.array(frame, mask=frame < 0)
    template = names.take(numbers)
    if "template_id" in events.column_names:
        template = pc.coalesce(events["template_id"].combine_chunks().cast(pa.string()), template)
    n_chars = np.asarray(table["n_chars"])
    missing = n_chars < 0
    framed = frame >= 0
    digest = np.asarray(table["digest"])
    slots = mix(digest ^ np.uint64(KEY))
    languages_of = pa.array(language_names(), pa.string())
    code = np.asarray(table["language"])
    unknown = pa.nulls(len(frame), pa.string())
    result = pa.table(
        {
            "request_id": events["request_id"] if "request_id" in events.column_names else unknown,
            "account_id": events["account_id"],
            "timestamp": events["timestamp"],
            "template_id": template,
            "family_id": family_names.take(numbers),
            "conversation": pa.array(np.asarray(table["conversation"]), mask=missing),
            "slot_digest": pa.array(slots, mask=~framed),
            "slot_chars": pa.array(np.rint(n_chars * open_share).astype(np.int32), mask=~framed),
            "n_chars": pa.array(n_chars, mask=missing),
            "asks_reasoning": pa.array(np.asarray(table["asks_reasoning"]), mask=missing),
            "wrapper_id": names.take(pa.array(wrapper, mask=wrapper < 0)),
            "language": languages_of.take(pa.array(code, mask=missing | (code < 0))),
        }
    )
    pq.write_table(result, part.result, compression="zstd")


def _wordings(
    parts: Sequence[_Part], window: _Window, labels: Labels, settings: TemplatesSettings, bench: Workbench
) -> dict[int, str]:
    """Read a sample of prompts again and return the wording of each frame that has one."""
    sample = _sample(window, labels)
    work = []
    for number, part in enumerate(parts):
        first, last = window.starts[number], window.starts[number + 1]
        rows = sample[(sample >= first) & (sample < last)] - first
        if len(rows):
            work.append((part, rows))
    read = bench.map(_read_rows, work, what="read sampled prompts")
    texts = [text for found in read for text in found]
    by_frame: dict[int, list[tuple[str, str]]] = {}
    for row, text in zip(np.sort(sample).tolist(), texts, strict=True):
        owner = window.accounts[int(window.shared.accounts[row])]
        by_frame.setdefault(int(labels.frame[row]), []).append((text, owner))
    jobs = [(frame, sorted(found), settings.min_accounts_text) for frame, found in sorted(by_frame.items())]
    worded = bench.map(_word, jobs, what="word templates")
    return {frame: text for frame, text in worded if text is not None}


def _word(job: tuple[int, list[tuple[str, str]], int]) -> tuple[int, str | None]:
    frame, found, k = job
    return frame, wording([text for text, _ in found], [owner for _, owner in found], k=k)


def _sample(window: _Window, labels: Labels) -> Any:
    """Choose the rows to read again: of each frame those with the smallest digests, one an account first."""
    rows = np.flatnonzero(labels.frame >= 0)
    frame, owner = labels.frame[rows], window.shared.accounts[rows]
    rank = mix(window.digests[rows])
    order = np.lexsort((rank, owner, frame))
    frame, owner, rank, rows = frame[order], owner[order], rank[order], rows[order]
    turn = _rank_within(frame * (len(window.accounts) + 1) + owner)
    order = np.lexsort((rank, turn, frame))
    return np.sort(rows[order][_rank_within(frame[order]) < SAMPLE])


def _rank_within(groups: Any) -> Any:
    """Number the entries of each run of equal groups from 0."""
    place = np.arange(len(groups))
    fresh = np.ones(len(groups), np.bool_)
    fresh[1:] = groups[1:] != groups[:-1]
    return place - np.maximum.accumulate(np.where(fresh, place, 0)) if len(groups) else place


def _read_rows(work: tuple[_Part, Any]) -> list[str]:
    part, rows = work
    found: list[str] = []
    first = 0
    for batch in part.prompts.batches(part.events):
        low, high = np.searchsorted(rows, (first, first + len(batch)))
        found.extend(str(batch[int(row - first)].as_py() or "")[: part.bound] for row in rows[low:high])
        first += len(batch)
    return found


def _table(parts: Sequence[_Part], window: _Window, labels: Labels, texts: Mapping[int, str]) -> Any:
    """Gather what is known of each template, from the parts as they were written."""
    import duckdb
    import pyarrow as pa

    by_id = {template_name(int(value)): number for number, value in enumerate(labels.ids)}
    with duckdb.connect() as connection:
        measured = connection.sql(
            """
            with fillings as (
                select template_id, max(family_id) as family_id, slot_digest, count(*) as n,
                       sum(slot_chars) as chars
                from read_parquet($files) where template_id is not null group by template_id, slot_digest
            ), owners as (
                select template_id, count(distinct account_id) as n_accounts
                from read_parquet($files) where template_id is not null group by template_id
            )
            select template_id, sum(n)::bigint as n_events, max(n_accounts) as n_accounts,
                   max(family_id) as family_id,
                   count(slot_digest) as n_distinct_fillers,
                   round(log2(sum(n)) - sum(n * log2(n) order by n) / sum(n), 9) as slot_entropy,
                   sum(chars) / sum(n) as mean_slot_chars
            from fillings join owners using (template_id) group by template_id order by template_id
            """,
            params={"files": [part.result for part in parts]},
        ).to_arrow_table()
    names = measured["template_id"].to_pylist()
    mined = [by_id.get(name, -1) for name in names]
    text = pa.array([texts.get(number) for number in mined], pa.string())
    return measured.add_column(1, "text", text)
