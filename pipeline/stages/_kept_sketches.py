"""Sketches kept from run to run: a part that says what it was made from has its sketch under that name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pipeline.stages._template_sketches import FORMAT, Part, write_sketch
from pipeline.workbench import MADE_FROM, Shelf, Workbench

KIND, FILE = "sketches", "sketch.arrow"


def sketched(parts: Sequence[Part], shelf: Shelf | None, bench: Workbench) -> list[Part]:
    """The parts with their sketches made, or found where an earlier run kept them."""
    return bench.map(_sketched, [(part, shelf) for part in parts], what="sketch prompts")


def _sketched(work: tuple[Part, Shelf | None]) -> Part:
    """One part: its sketch found, or written and kept."""
    import pyarrow.parquet as pq

    part, shelf = work
    made_from = (pq.read_schema(part.events).metadata or {}).get(MADE_FROM)
    if shelf is None or made_from is None:
        write_sketch(part)
        return part
    key = f"{made_from.decode()}-{part.bound}-{FORMAT}"
    found = shelf.find(KIND, key)
    if found is None:
        made = shelf.new()
        write_sketch(replace(part, sketch=str(Path(made) / FILE)))
        found = shelf.keep(KIND, key, made)
    return replace(part, sketch=str(Path(found) / FILE))
