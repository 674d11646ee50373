"""Cells of several seeds put together: counts are added up, so that intervals speak of all accounts and rings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from graphs import reliability
from pipeline.evaluate import share

Cell = Mapping[str, Any]
Row = dict[str, Any]

_DRAWS = 400


def added(shares: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Shares of several worlds as one, with Wilson's interval over all."""
    known = list(shares)
    return share(sum(int(s["hits"]) for s in known), sum(int(s["of"]) for s in known))


def mean(values: Iterable[float | None]) -> float | None:
    """Mean of what is known; None of nothing."""
    known = [v for v in values if v is not None]
    return float(np.mean(known)) if known else None


def pool(cells: Sequence[Cell]) -> Row:
    """One row of the table: a method at a level over its seeds."""
    figures = [c["figures"] for c in cells]
    accounts = [f["accounts"] for f in figures]
    precision, recall = added(a["precision"] for a in accounts), added(a["recall"] for a in accounts)
    total = precision["of"] + recall["of"]
    return {
        "method": cells[0]["method"], "factor": cells[0]["factor"], "level": cells[0]["level"], "seeds": len(cells),
        "precision": precision, "recall": recall, "f1": 2 * precision["hits"] / total if total else None,
        "mean_precision": mean(a["precision"]["share"] for a in accounts),
        "mean_recall": mean(a["recall"]["share"] for a in accounts),
        "at_guilty": mean(_at_guilty(f) for f in figures),
        "b_cubed": mean(f["grouping"]["b_cubed"]["f1"] for f in figures if f["accounts"]["guilty"]),
        "rings_05": added(f["grouping"]["recovered"]["0.5"] for f in figures),
        "rings_08": added(f["grouping"]["recovered"]["0.8"] for f in figures),
        "innocent_rings": sum(c["innocent_rings"] for c in cells),
        "named_wrongly": added(f["attribution"]["false"] for f in figures),
        "named": added(f["attribution"]["covered"] for f in figures),
        "attributable": added(c["attributable"] for c in cells if "attributable" in c),
        "joined_right": added(f["attribution"]["operator_ids"]["joined_right"] for f in figures),
        "joined_found": added(f["attribution"]["operator_ids"]["found"] for f in figures),
        "seconds": mean(c["seconds"] for c in cells), "peak_memory": max(c["peak_memory"] for c in cells),
    }  # fmt: skip


def _at_guilty(figures: Mapping[str, Any]) -> float | None:
    """Precision among as many accounts as are guilty."""
    wanted = figures["accounts"]["guilty"]
    return next((row["precision"] for row in figures["precision_at"] if row["k"] == wanted), None)


def calibration(cells: Iterable[Cell], what: str) -> Row | None:
    """How far claims can be believed, over all cells: those between 0.05 and 0.95, in bins of equal mass.

    `what`: `ring_claims` or `name_claims`. None where no cell has any.
    """
    claims = [pair for cell in cells for pair in cell.get(what, ())]
    if not claims:
        return None
    said, holds = np.array([p for p, _ in claims], dtype=float), np.array([h for _, h in claims], dtype=bool)
    middle = (said > 0.05) & (said < 0.95)
    found = reliability(said[middle], holds[middle])
    whole = reliability(said, holds)
    bins = [
        {"said": float(s), **share(int(k), int(n))}
        for s, n, k in zip(found.stated, found.n, found.n_true, strict=True)
    ]
    return {"n": len(claims), "middle": int(middle.sum()), "error": found.expected_error, "skill": found.skill,
            "error_by_chance": error_by_chance(said[middle]),
            "error_all": whole.expected_error, "skill_all": whole.skill, "bins": bins}  # fmt: skip


def error_by_chance(said: npt.NDArray[np.float64]) -> float:
    """Mean expected error of as many claims, if each held exactly as often as it says: no bar below it can be met."""
    dice = np.random.default_rng(0)
    drawn = [reliability(said, dice.random(said.size) < said).expected_error for _ in range(_DRAWS)]
    return float(np.mean(drawn))


def rows(cells: Iterable[Cell]) -> list[Row]:
    """A row for each method and level, in the order in which they first come."""
    groups: dict[tuple[str, str, str], list[Cell]] = defaultdict(list)
    for cell in cells:
        groups[(cell["factor"], cell["level"], cell["method"])].append(cell)
    return [pool(group) for group in groups.values()]


def populations(cells: Iterable[Cell]) -> dict[tuple[str, str], dict[str, Any]]:
    """(method, innocent sub-population) -> share of its accounts that is accused, over all cells."""
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
    for cell in cells:
        for row in cell["figures"]["populations"]:
            if not row["guilty"]:
                groups[(cell["method"], row["population"])].append(row["wrong"])
    return {key: added(shares) for key, shares in sorted(groups.items())}


def countries(cells: Iterable[Cell]) -> dict[tuple[str, str], dict[str, Any]]:
    """(method, country) -> share of its innocent accounts that is accused."""
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
    for cell in cells:
        for row in cell["countries"]:
            groups[(cell["method"], row["country"])].append(row["wrong"])
    return {key: added(shares) for key, shares in sorted(groups.items())}
