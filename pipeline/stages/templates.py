"""Find the frames that prompts were filled into. The last stage that sees prompts; it writes ids and measures, no text.

Three passes. Every part is sketched: fingerprints and measures of each prompt, no words. The frames are settled from
the sketches of the whole window, so that a frame depends on nothing but how often its fingerprints occur. Then every
part is written, and prompts of a sample are read again for the wording of the templates. A sketch depends on its part
alone and can be kept from run to run; a run with kept sketches is the same run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.settings import Settings, TemplatesSettings
from pipeline.stages._combined_sample import combined_sample
from pipeline.stages._kept_sketches import sketched, written
from pipeline.stages._meanings import with_meanings
from pipeline.stages._template_sketches import (
    KEY,
    Part,
    batches_of,
    read_sketch,
    sample,
    short_frames,
    survey,
    write_sketch,
)
from pipeline.text.combined import assign_both, combined_rules, longer_of
from pipeline.text.frames import FrameRules, settle
from pipeline.text.groups import rank_within
from pipeline.text.hashing import mix
from pipeline.text.labels import Frames, Labels, assign
from pipeline.text.sentences import Embedder, embed
from pipeline.text.short import ShortFrames
from pipeline.text.traits import language_names
from pipeline.text.wording import wordings
from pipeline.workbench import PromptSource, Shelf, Workbench

if TYPE_CHECKING:
    import pyarrow as pa

ROWS = 16_384  # prompts labelled at a time
SAMPLE = 10  # prompts of a template that are read again for its wording


@dataclass(frozen=True)
class Templates:
    """What the stage gives: a template_events part for each clean_events part, and the templates, sorted by id."""

    template_events: list[str]
    templates: pa.Table


def make(
    clean_events: Sequence[str],
    prompts: PromptSource,
    *,
    settings: Settings,
    bench: Workbench,
    sketches: Mapping[str, str] | None = None,
    shelf: Shelf | None = None,
    meaning: Embedder = embed,
) -> Templates:
    """Mine the templates of a window.

    `clean_events` are Parquet parts with `account_id`, `timestamp` and, where they have them, `request_id` and
    `template_id` (an id given upstream is used as it is). `sketches` names sketches made before, by part; the others
    are found on the shelf, or made and kept there. `meaning` gives vectors of wordings, where the settings ask for it.
    """
    rules = FrameRules(min_events=settings.templates.min_prompts)
    given = sketches or {}
    parts = _parts(clean_events, prompts, settings.templates, bench.scratch, given)
    made = iter(sketched([p for p in parts if p.events not in given], shelf, bench))
    parts = [part if part.events in given else next(made) for part in parts]
    found = _found(parts, rules, bench)
    firsts = written(_write, _First.none(), parts, found, shelf, bench)
    again = _read_again(parts, firsts, bench)
    table = _table(parts, found, _wordings(again, settings.templates, bench))
    results = [part.result for part in parts]
    if settings.templates.semantic:
        sampled = {template_name(int(found.ids[n])): sorted(text for text, _ in told) for n, told in again.items()}
        results = with_meanings(results, table, sampled, bench, meaning)
    return Templates(results, table)


def _found(parts: Sequence[Part], rules: FrameRules, bench: Workbench) -> _Found:
    surveyed = survey(parts, bench)
    frames = settle(sample(surveyed, bench, rules.min_events), rules)
    combined = settle(combined_sample(surveyed, frames, bench, rules.min_events), combined_rules(rules))
    return _Found(frames, combined, short_frames(parts, bench))


def sketch(events: str, prompts: PromptSource, to: str, *, settings: TemplatesSettings) -> str:
    """Write the sketch of one clean_events part to `to`: fingerprints and measures of each prompt, no words."""
    write_sketch(Part(events, prompts, to, "", settings.max_chars))
    return to


def _parts(
    clean_events: Sequence[str],
    prompts: PromptSource,
    settings: TemplatesSettings,
    scratch: str,
    kept: Mapping[str, str],
) -> list[Part]:
    folder = Path(scratch)
    (folder / "sketches").mkdir(parents=True, exist_ok=True)
    (folder / "template_events").mkdir(parents=True, exist_ok=True)
    return [
        Part(
            events=path,
            prompts=prompts,
            sketch=kept.get(path, str(folder / "sketches" / f"part-{number:05d}.arrow")),
            result=str(folder / "template_events" / f"part-{number:05d}.parquet"),
            bound=settings.max_chars,
        )
        for number, path in enumerate(clean_events)
    ]


def template_name(value: int) -> str:
    """Write the id of a template."""
    return f"tpl-{value:016x}"


def family_name(value: int) -> str:
    """Write the id of a family of templates."""
    return f"fam-{value:016x}"


@dataclass(frozen=True)
class _Found:
    """All templates: frames first, those of combined fingerprints next, short ones last.

    A template's number is its place in `ids`.
    """

    frames: Frames
    combined: Frames
    short: ShortFrames

    @cached_property
    def short_ids(self) -> Any:
        """Ids of short templates, sorted."""
        return np.unique(self.short.ids)

    @property
    def n_long(self) -> int:
        """How many templates are not short ones."""
        return len(self.frames.ids) + len(self.combined.ids)

    @property
    def ids(self) -> Any:
        """Ids of all templates by number."""
        return np.concatenate([self.frames.ids, self.combined.ids, self.short_ids])

    @property
    def family(self) -> Any:
        """Families of all templates by number; a short one is its own."""
        return np.concatenate([self.frames.family, self.combined.family, self.short_ids])

    def numbers(self, frame: Any, line: Any) -> Any:
        """Return the template of each row: the short one where its frame has only brief prompts, or there is none."""
        ids = self.short.find(line)
        brief = np.concatenate([self.frames.brief, self.combined.brief, np.ones(1, np.bool_)])[frame]
        number = self.n_long + np.searchsorted(self.short_ids, ids)
        return np.where((ids != 0) & brief, number, frame)


@dataclass(frozen=True)
class _First:
    """Candidates of a part for the wording of each frame: few rows a frame, of different accounts."""

    frame: Any
    account: Any
    rank: Any
    row: Any

    @classmethod
    def none(cls) -> _First:
        """No candidate at all."""
        return cls(*(np.zeros(0, dtype) for dtype in (np.int64, np.uint64, np.uint64, np.int64)))


def _write(work: tuple[Part, _Found]) -> _First:
    """Write the template_events part beside a clean_events part; return rows to read again for the wording."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    part, found = work
    present = pq.ParquetFile(part.events).schema_arrow.names
    wanted = [name for name in ("request_id", "account_id", "timestamp", "template_id") if name in present]
    events = pq.read_table(part.events, columns=wanted)
    table = read_sketch(
        part, ["account", "given", "digest", "n_chars", "asks_reasoning", "language", "line", "n_prints"]
    )
    n_prints = np.asarray(table["n_prints"])
    labels = _labels(part, longer_of(np.asarray(table["language"])), n_prints, found)
    given = np.asarray(table["given"])
    frame = np.where(given, -1, found.numbers(labels.frame, np.asarray(table["line"])))
    short = frame >= found.n_long
    wrapper = np.where(given, -1, labels.wrapper)
    names = pa.array([template_name(int(value)) for value in found.ids], pa.string())
    families = pa.array([family_name(int(value)) for value in found.family], pa.string())
    template = names.take(pa.array(frame, mask=frame < 0))
    unknown = pa.nulls(len(frame), pa.string())
    if "template_id" in present:
        template = pc.coalesce(events["template_id"].combine_chunks().cast(pa.string()), template)
    n_chars, code = np.asarray(table["n_chars"]), np.asarray(table["language"])
    missing, framed = n_chars < 0, frame >= 0
    open_share = 1.0 - labels.present / np.maximum(1, n_prints)
    digest = np.asarray(table["digest"])
    result = pa.table(
        {
            "request_id": events["request_id"].cast(pa.string()) if "request_id" in present else unknown,
            "account_id": events["account_id"].cast(pa.string()),
            "timestamp": events["timestamp"],
            "template_id": template,
            "family_id": families.take(pa.array(frame, mask=frame < 0)),
            "conversation": pa.array(mix(labels.beginning ^ np.uint64(KEY)), mask=labels.beginning == 0),
            "slot_digest": pa.array(mix(digest ^ np.uint64(KEY)), mask=~framed),
            "slot_chars": pa.array(np.rint(n_chars * open_share).astype(np.int64), mask=~framed | short),
            "n_chars": pa.array(n_chars.astype(np.int64), mask=missing),
            "asks_reasoning": pa.array(np.asarray(table["asks_reasoning"]), mask=missing),
            "wrapper_id": names.take(pa.array(wrapper, mask=wrapper < 0)),
            "language": pa.array(language_names(), pa.string()).take(pa.array(code, mask=missing | (code < 0))),
        }
    )
    pq.write_table(result, part.result, compression="zstd")
    rows = np.flatnonzero(framed)
    return _few(_First(frame[rows], np.asarray(table["account"])[rows], mix(digest[rows]), rows))


def _labels(part: Part, longer: Any, n_prints: Any, found: _Found) -> Labels:
    """Assign the rows of a sketch, some at a time."""
    pieces, row = [], 0
    for offsets, values in batches_of(part, "prints"):
        for first in range(0, len(offsets) - 1, ROWS):
            some = offsets[first : first + ROWS + 1]
            rows = slice(row, row + len(some) - 1)
            row += len(some) - 1
            inside = values[some[0] : some[-1]]
            start = some - some[0]
            pieces.append(assign_both(inside, start, n_prints[rows], longer[rows], found.frames, found.combined))
    pieces = pieces or [assign(np.zeros(0, np.uint64), np.zeros(1, np.int64), n_prints, found.frames)]
    return Labels(**{f.name: np.concatenate([getattr(piece, f.name) for piece in pieces]) for f in fields(Labels)})


def _few(found: _First) -> _First:
    """Keep of each frame SAMPLE rows: those with the smallest digests, one an account first.

    Upper bits stand for the account (16) and the digest (28), so that one number sorts them.
    """
    frame = found.frame.astype(np.uint64) << np.uint64(44)
    rank = found.rank >> np.uint64(36)
    key = frame | (mix(found.account) >> np.uint64(48) << np.uint64(28)) | rank
    order = np.argsort(key, kind="stable")
    turn = np.minimum(rank_within(key[order] >> np.uint64(28)), 65_535).astype(np.uint64)
    order = order[np.argsort(frame[order] | (turn << np.uint64(28)) | rank[order], kind="stable")]
    order = order[rank_within(found.frame[order]) < SAMPLE]
    return _First(found.frame[order], found.account[order], found.rank[order], found.row[order])


def _read_again(
    parts: Sequence[Part], firsts: Sequence[_First], bench: Workbench
) -> dict[int, list[tuple[str, str]]]:
    """Read a sample of prompts again: those of each frame, each with who sent it."""
    owner_part = np.repeat(np.arange(len(firsts)), [len(first.row) for first in firsts])
    every = [np.concatenate([getattr(first, name) for first in firsts]) for name in ("frame", "account", "rank", "row")]
    chosen = _few(_First(every[0], every[1], every[2], np.arange(len(owner_part)))).row if len(owner_part) else []
    work, order = [], []
    for number, part in enumerate(parts):
        mine = np.array([entry for entry in chosen if owner_part[entry] == number], np.int64)
        mine = mine[np.argsort(every[3][mine])] if len(mine) else mine
        if len(mine):
            work.append((part, every[3][mine]))
            order.append(mine)
    read = bench.map(_read_rows, work, what="read sampled prompts")
    by_frame: dict[int, list[tuple[str, str]]] = {}
    for entries, texts in zip(order, read, strict=True):
        for entry, text in zip(entries, texts, strict=True):
            by_frame.setdefault(int(every[0][entry]), []).append((text, str(every[1][entry])))
    return by_frame


def _wordings(
    again: Mapping[int, list[tuple[str, str]]], settings: TemplatesSettings, bench: Workbench
) -> dict[int, str]:
    """Return the wording of each frame that has one."""
    jobs = [(frame, sorted(found), settings.min_accounts_text) for frame, found in sorted(again.items())]
    batches = [jobs[first : first + 200] for first in range(0, len(jobs), 200)]
    worded = bench.map(_word, batches, what="word templates")
    return {frame: text for batch in worded for frame, text in batch if text is not None}


def _word(jobs: list[tuple[int, list[tuple[str, str]], int]]) -> list[tuple[int, str | None]]:
    groups = [([text for text, _ in found], [owner for _, owner in found]) for _, found, _ in jobs]
    return list(zip([frame for frame, _, _ in jobs], wordings(groups, k=jobs[0][2]), strict=True))


def _read_rows(work: tuple[Part, Any]) -> list[str]:
    part, rows = work
    found: list[str] = []
    first = 0
    for batch in part.prompts.batches(part.events):
        low, high = np.searchsorted(rows, (first, first + len(batch)))
        found.extend(str(batch[int(row - first)].as_py() or "")[: part.bound] for row in rows[low:high])
        first += len(batch)
    return found


def _table(parts: Sequence[Part], found: _Found, texts: Mapping[int, str]) -> Any:
    """Gather what is known of each template, from the parts as they were written."""
    import duckdb
    import pyarrow as pa

    by_id = {template_name(int(value)): number for number, value in enumerate(found.ids)}
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
                   sum(chars) / sum(n) filter (chars is not null) as mean_slot_chars
            from fillings join owners using (template_id) group by template_id order by template_id
            """,
            params={"files": [part.result for part in parts]},
        ).to_arrow_table()
    names = measured["template_id"].to_pylist()
    mined = [by_id.get(name, -1) for name in names]
    text = pa.array([texts.get(number) for number in mined], pa.string())
    return measured.add_column(1, "text", text)
