"""Sketches kept from run to run: a part that says what it was made from has its sketch under that name.

A part without any prompt (its ids come from upstream) depends on no frame: its result is kept as well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from pipeline.stages._template_sketches import FORMAT, Part, read_sketch, write_sketch
from pipeline.workbench import MADE_FROM, Shelf, Workbench, link_or_copy

T = TypeVar("T")
F = TypeVar("F")

KIND, FILE = "sketches", "sketch.arrow"
BARE, RESULT = "bare", "result.parquet"


def sketched(parts: Sequence[Part], shelf: Shelf | None, bench: Workbench) -> list[Part]:
    """The parts with their sketches made, or found where an earlier run kept them."""
    return bench.map(_sketched, [(part, shelf) for part in parts], what="sketch prompts")


def _sketched(work: tuple[Part, Shelf | None]) -> Part:
    """One part: its sketch found, or written and kept."""
    part, shelf = work
    key = _key(part)
    if shelf is None or key is None:
        write_sketch(part)
        return part
    found = shelf.find(KIND, key)
    if found is None:
        made = shelf.new()
        fresh = replace(part, sketch=str(Path(made) / FILE))
        write_sketch(fresh)
        if _without_prompts(fresh):
            (Path(made) / BARE).touch()
        found = shelf.keep(KIND, key, made)
    return replace(part, sketch=str(Path(found) / FILE))


def _key(part: Part) -> str | None:
    """What a sketch was made from; None where the part does not say."""
    import pyarrow.parquet as pq

    made_from = (pq.read_schema(part.events).metadata or {}).get(MADE_FROM)
    return None if made_from is None else f"{made_from.decode()}-{part.bound}-{FORMAT}"


def _without_prompts(part: Part) -> bool:
    """Whether no row of a part has a prompt."""
    import pyarrow.compute as pc

    return not pc.any(pc.greater_equal(read_sketch(part, ["n_chars"])["n_chars"], 0)).as_py()


def written(
    write: Callable[[tuple[Part, F]], T], nothing: T, parts: Sequence[Part], found: F, shelf: Shelf | None,
    bench: Workbench,
) -> list[T]:  # fmt: skip
    """What `write` gives for each part; of parts without prompts the result is kept, and `nothing` stands for it."""
    work = [(write, nothing, part, found, shelf) for part in parts]
    return bench.map(_written, work, what="write template events")


def _written(work: tuple[Callable[[tuple[Part, F]], T], T, Part, F, Shelf | None]) -> T:
    write, nothing, part, found, shelf = work
    key = _key(part) if shelf is not None and Path(part.sketch).with_name(BARE).exists() else None
    if shelf is None or key is None:
        return write((part, found))
    kept = shelf.find(BARE, key)
    if kept is None:
        made = shelf.new()
        write((replace(part, result=str(Path(made) / RESULT)), found))
        kept = shelf.keep(BARE, key, made)
    Path(part.result).unlink(missing_ok=True)  # of a try before, whose worker died
    link_or_copy(Path(kept) / RESULT, part.result)
    return nothing
