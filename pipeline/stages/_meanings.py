"""Writes beside each templated request what its frame means, where the settings ask for it (extra `semantic`).

Only wordings of frames are looked at by the model, one a frame and so many at the most; they are kept nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.link_types import MEANING
from pipeline.text.meaning import meanings, representatives
from pipeline.text.sentences import Embedder
from pipeline.workbench import Workbench

MOST_FRAMES = 4096  # that are compared: those with the most prompts
MOST_ACCOUNTS = 400  # of a frame: what more use ties nobody
_AT_ONCE = 64  # wordings a task

Sampled = Mapping[str, Sequence[str]]  # a template's id, prompts of it


def with_meanings(
    results: Sequence[str], templates: Any, sampled: Sampled, bench: Workbench, embed: Embedder
) -> list[str]:
    """Parts of template_events with the column `meaning_id`, null where a frame is like no other; returns their paths.

    `templates` has template_id, n_accounts and n_events; `sampled` prompts of each mined template.
    """
    meant = settle(_chosen(templates, sampled), sampled, bench, embed)
    folder = Path(bench.scratch) / "meant"
    folder.mkdir(parents=True, exist_ok=True)
    work = [(path, str(folder / Path(path).name), meant) for path in results]
    return bench.map(_write, work, what="write meanings")


def settle(names: Sequence[str], sampled: Sampled, bench: Workbench, embed: Embedder) -> dict[str, str]:
    """The meaning of each named template that has a like one."""
    batches = [names[first : first + _AT_ONCE] for first in range(0, len(names), _AT_ONCE)]
    work = [(batch, [sampled[name] for name in batch], embed) for batch in batches]
    done = bench.map(_vectors, work, what="read meanings")
    ids = [name for kept, _ in done for name in kept]
    if not ids:
        return {}
    found = meanings(ids, np.concatenate([vectors for kept, vectors in done if kept]))
    return {name: meaning_name(first) for name, first in found.items()}


def meaning_name(template_id: str) -> str:
    """Write the id of a meaning, from that of its first template."""
    return f"like-{template_id}"


def _chosen(templates: Any, sampled: Sampled) -> list[str]:
    """Ids of the templates that are compared, sorted."""
    names, accounts, prompts = (templates[name].to_pylist() for name in ("template_id", "n_accounts", "n_events"))
    rows = zip(prompts, names, accounts, strict=True)
    fit = [(-n, name) for n, name, users in rows if name in sampled and users <= MOST_ACCOUNTS]
    return sorted(name for _, name in sorted(fit)[:MOST_FRAMES])


def _vectors(work: tuple[Sequence[str], Sequence[Sequence[str]], Embedder]) -> tuple[list[str], Any]:
    names, texts, embed = work
    found = representatives(texts)
    kept = [(name, text) for name, text in zip(names, found, strict=True) if text is not None]
    return [name for name, _ in kept], embed([text for _, text in kept])


def _write(work: tuple[str, str, dict[str, str]]) -> str:
    """One part with the column more; requests keep their order."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    path, target, meant = work
    table = pq.read_table(path)
    names = sorted(meant)
    place = pc.index_in(table["template_id"], pa.array(names, pa.string()))
    column = pa.array([meant[name] for name in names], pa.string()).take(place.combine_chunks())
    pq.write_table(table.append_column(MEANING.column, column), target, compression="zstd")
    return target
