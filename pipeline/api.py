"""For notebooks: a finished run in two lines.

    import pipeline
    run = pipeline.load_run("output/latest")

`run.rings`, `run.members`, `run.evidence` are DataFrames; `run["R-1A2B3C"].plot()` draws, `.explain()` tells.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from pipeline.errors import UsageError, quoted
from pipeline.exports.figures import A4, THEMES, choose, draw
from pipeline.exports.figures.paper import write_bytes
from pipeline.exports.figures.sheet import Sheet
from pipeline.exports.tables import RunTables, frame_of, types_of
from pipeline.storage import open_run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PICTURES = ("ring", "volume", "synchrony", "waterfall", "replacement")


@dataclass(frozen=True)
class Drawing:
    """A figure that a notebook shows by itself. `figure` is matplotlib's, `numbers` the marks drawn, `alt` its text."""

    sheet: Sheet
    figure: Figure

    @property
    def numbers(self) -> pd.DataFrame:
        """Exactly the marks drawn."""
        return self.sheet.marks

    @property
    def alt(self) -> str:
        """What the figure shows, in words."""
        return self.sheet.alt

    def save(self, path: str | Path) -> None:
        """Write it as .svg, .png or .pdf, by the ending of the name."""
        place = Path(path)
        form = place.suffix.lstrip(".").lower()
        if form not in ("svg", "png", "pdf"):
            raise UsageError(
                "a figure is written as SVG, PNG or PDF", found=quoted(place.name), expected=".svg, .png or .pdf"
            )
        place.write_bytes(write_bytes(self.figure, form))

    def _repr_svg_(self) -> str:
        return write_bytes(self.figure, "svg").decode()


@dataclass(frozen=True)
class Ring:
    """One ring of a run; `row` is its row of `rings`."""

    run: Run
    row: pd.Series

    @property
    def ring_id(self) -> str:
        """Its lasting name."""
        return str(self.row["ring_id"])

    @property
    def members(self) -> pd.DataFrame:
        """Its member accounts."""
        return self.run.tables.table("members", [self.ring_id])

    @property
    def evidence(self) -> pd.DataFrame:
        """What ties it together."""
        return self.run.tables.table("evidence", [self.ring_id])

    def plot(self, picture: str = "ring", *, theme: str = "light") -> Drawing:
        """One of its figures: `ring`, `volume`, `synchrony`, `waterfall`, `replacement`.

        Raises UsageError for another name, and where there is too little to draw (the message says what there is).
        """
        if picture not in PICTURES or theme not in THEMES:
            raise UsageError("there is no such figure", found=quoted(picture), expected=", ".join(PICTURES))
        sheet: Sheet = getattr(choose.operation(self.run.tables, self.row, frame_of(self.run.tables)), picture)
        if not sheet.drawn:
            from pipeline.exports.trace import plain

            raise UsageError("there is too little to draw", found=plain(sheet.title), expected="more accounts or days")
        return Drawing(sheet, draw(sheet, A4, THEMES[theme], alone=True))

    def explain(self) -> str:
        """The evidence as text, as `ringtrace explain` tells it."""
        from pipeline.explain import as_lines, explain

        families = {t.name: t.family for t in types_of(self.run.tables.manifest)}
        return "\n".join(as_lines(explain(self.ring_id, self.run.table, families)))

    def __repr__(self) -> str:
        return f"<ring {self.ring_id}: {int(self.row['size']):,} accounts, score {float(self.row['score']):.2f}>"


@dataclass(frozen=True)
class Run:
    """A finished run. `run[ring_id]` gives a ring; iterating gives all rings, strongest first."""

    tables: RunTables

    @property
    def run_id(self) -> str:
        """Its name."""
        return str(self.tables.manifest["run_id"])

    def table(self, name: str) -> pd.DataFrame:
        """Any table of the run by its name."""
        return self.tables.table(name)

    @property
    def rings(self) -> pd.DataFrame:
        """Scored groups."""
        return self.table("rings")

    @property
    def members(self) -> pd.DataFrame:
        """Accounts in rings."""
        return self.table("members")

    @property
    def evidence(self) -> pd.DataFrame:
        """Entities that tie rings together."""
        return self.table("evidence")

    def __getitem__(self, ring_id: str) -> Ring:
        found = self.rings[self.rings["ring_id"] == ring_id]
        if found.empty:
            raise KeyError(ring_id)
        return Ring(self, found.iloc[0])

    def __iter__(self) -> Iterator[Ring]:
        order = self.rings.sort_values(["score_bits", "ring_id"], ascending=[False, True])
        return (Ring(self, order.iloc[i]) for i in range(len(order)))

    def __len__(self) -> int:
        return len(self.rings)

    def __repr__(self) -> str:
        return f"<run {self.run_id}: {len(self.rings):,} rings, {int(self.rings['flagged'].sum()):,} flagged>"


def load_run(path: str | Path) -> Run:
    """A finished run by its folder, such as `output/latest`. Raises UsageError where there is none."""
    return Run(RunTables.of(open_run(path)))
