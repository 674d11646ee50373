"""Prompts, read again from the input row by row beside the checked events; kept nowhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline import rows
from pipeline.workbench import FILES

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from pipeline.settings import Settings
    from pipeline.workbench import InputTable


def has_prompts(events: InputTable, settings: Settings) -> bool:
    """Whether the first file of the events holds prompts; a Parquet column of nulls counts as none."""
    column = settings.input.columns.get("events", {}).get("prompt", "prompt")
    if not events.files or column not in rows.column_names(events, 0):
        return False
    if events.format != "parquet":
        return True
    import pyarrow.parquet as pq

    with rows.open_file(events, 0, unpack=False) as file:
        meta = pq.read_metadata(file)
    if column not in meta.schema.names:  # nested: whatever it is, it is not nothing
        return True
    place = meta.schema.names.index(column)
    return any(meta.row_group(g).column(place).total_uncompressed_size > meta.row_group(g).num_rows
               for g in range(meta.num_row_groups))  # fmt: skip


@dataclass(frozen=True)
class Prompts:
    """The prompts of the input. `column` is the name they have there; it pickles, so tasks may carry it."""

    table: InputTable
    column: str = "prompt"

    def batches(self, part: str) -> Iterator[pa.Array]:
        """Prompts of a clean_events part, in its order and of its length; null where there is none.

        The part keeps the order of the input: its rows go up within a file, and its files follow one another.
        """
        import numpy as np
        import pyarrow.parquet as pq

        places = pq.read_table(part, columns=["source", "row"])
        source, row = places["source"].to_numpy(), places["row"].to_numpy()
        files = (pq.read_schema(part).metadata or {}).get(FILES)
        if files is not None:
            numbers = {name: number for number, name in enumerate(self.table.shown)}
            source = np.array([numbers[name] for name in json.loads(files)], np.int64)[source]
        ends = [*np.flatnonzero(np.diff(source)), len(source) - 1] if len(source) else []
        start = 0
        for end in ends:
            yield from self._of_file(int(source[start]), row[start : end + 1])
            start = int(end) + 1

    def _of_file(self, source: int, wanted: np.ndarray) -> Iterator[pa.Array]:
        """Prompts of the wanted rows (ascending) of one file."""
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc

        first, groups = self._groups(source, wanted)
        taken = 0
        for batch in rows.batches(self.table, source, [self.column], row_groups=groups):
            stop = int(np.searchsorted(wanted, first + batch.num_rows))
            if stop > taken:
                picked = batch.column(0).take(pa.array(wanted[taken:stop] - first))
                yield pc.cast(picked, pa.large_string())
            first, taken = first + batch.num_rows, stop
            if taken == len(wanted):
                return

    def _groups(self, source: int, wanted: np.ndarray) -> tuple[int, list[int] | None]:
        """Number of the first row read, and the row groups of a Parquet file that hold the wanted rows."""
        if self.table.format != "parquet":
            return 0, None
        import numpy as np
        import pyarrow.parquet as pq

        with rows.open_file(self.table, source, unpack=False) as file:
            meta = pq.read_metadata(file)
        starts = np.cumsum([0, *(meta.row_group(i).num_rows for i in range(meta.num_row_groups))])
        low = int(np.searchsorted(starts, wanted[0], side="right")) - 1
        high = int(np.searchsorted(starts, wanted[-1], side="right")) - 1
        return int(starts[low]), list(range(low, high + 1))
