"""Weigh every explanation of every candidate group, choose the groups that stand, and score them.

Rows in: candidate groups with their measures, what chance makes. Rows out: the chosen groups with score, q_value and
best explanation, their members, the parts of each score and the rival explanations. Chosen groups do not overlap,
save that a reseller's pool may hold rings.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from graphs.selection import Chosen, pools
from graphs.ties import Groups
from pipeline.chance import Standing, q_values
from pipeline.judging import choose_groups
from pipeline.leanings import Leanings
from pipeline.measures.catalogue import BEYOND, ELSEWHERE, MEASURES, OVERLAP, UPHELD, WHOLE, Measure
from pipeline.recalibration import Learned, learned, shifts
from pipeline.scoring_model import ScoringModel, read_model
from pipeline.settings import Settings

Floats = npt.NDArray[np.float64]

_POOL_SIZE = 3  # accounts that a pool must have beside its rings
_DOUBT = 1.25  # times that coordination must be likelier than the best innocent explanation, to be the best itself
_INSIDE_POOL = 0.8  # share of a ring that must lie in a pool
_FAMILY_BITS = ("network_bits", "payment_bits", "text_bits", "declared_bits")


@dataclass(frozen=True)
class Scores:
    """What the stage writes."""

    candidates: pd.DataFrame
    candidate_cores: pd.DataFrame
    candidate_parts: pd.DataFrame
    candidate_explanations: pd.DataFrame
    counts: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class _Judged:
    """Every candidate group, judged: one value a community."""

    x: Floats
    alone: Floats  # bits of the group on its own
    upheld: Floats  # share of other groups
    start: Floats
    parts: Floats  # bits by measure
    further: dict[Measure, tuple[Floats, Floats]]  # parts that are no measures: value and bits
    explanations: dict[str, Floats]
    kind: npt.NDArray[np.object_]
    decided: Floats | None = None  # bits by which standing decisions shift it

    def bits(self) -> Floats:
        """All parts together, those of decisions aside."""
        further = np.sum([bits for _, bits in self.further.values()], axis=0)
        return np.asarray(self.start + self.parts.sum(axis=1) + further, dtype=np.float64)


def make(
    communities: pd.DataFrame,
    candidate_groups: pd.DataFrame,
    behaviour: pd.DataFrame,
    null_scores: pd.DataFrame,
    null_members: pd.DataFrame,
    incidence_bits: pd.DataFrame,
    clean_decisions: pd.DataFrame,
    previous_ring_registry: pd.DataFrame | None = None,
    *,
    settings: Settings,
) -> Scores:
    """Judge, choose, score; then shift the scores by what analysts' standing decisions on earlier rings teach."""
    if candidate_groups.empty:
        return _nothing(read_model(settings.scores.model))
    model = read_model(settings.scores.model)
    found = candidate_groups.sort_values("community", ignore_index=True)
    rows = communities.sort_values(["community", "account_id"], ignore_index=True)
    number = np.unique(rows["account_id"].to_numpy(object).astype(str), return_inverse=True)[1]
    groups = Groups(len(found), rows["community"].to_numpy(np.int64), number.astype(np.int64))
    judged, chosen = _judge(behaviour, found, groups, model)
    q_value = np.ones(len(found))
    by_chance = null_scores.assign(score_bits=_as_in_this_run(null_scores, model.leanings, judged))
    q_value[chosen.group] = q_values(_standing(chosen, judged, rows, settings), by_chance, null_members)
    reported = _reported(groups, chosen, judged, settings.scores.report_floor)
    known = learned(clean_decisions, previous_ring_registry)
    judged = _shifted(judged, reported, rows, incidence_bits, known, model)
    made = _tables(reported, judged, q_value, found, rows, behaviour, model)
    return replace(made, counts={**made.counts, "decisions": known.digest})


def _shifted(
    judged: _Judged,
    reported: list[_Reported],
    rows: pd.DataFrame,
    incidence: pd.DataFrame,
    known: Learned,
    model: ScoringModel,
) -> _Judged:
    """The groups judged again with the decided bits; which groups stand is settled before and stays as it is."""
    names = rows["account_id"].to_numpy()
    groups = [pd.DataFrame({"group": r.group, "account_id": names[r.rows]}) for r in reported]
    found = shifts(pd.concat(groups, ignore_index=True), incidence, known) if groups else {}
    if not any(found.values()):
        return judged
    decided = np.zeros(judged.alone.size)
    decided[list(found)] = list(found.values())
    explanations, kind = _explained(judged.x, judged.bits() + decided, model)
    return replace(judged, explanations=explanations, kind=kind, decided=decided)


def _as_in_this_run(null_scores: pd.DataFrame, leanings: Leanings, judged: _Judged) -> Floats:
    """Scores of rewired groups as if they stood in the run: trees are believed as far as there."""
    trees, first, size = (null_scores[c].to_numpy(float) for c in ("trees_bits", "first_bits", "size"))
    return leanings.total_of(trees, first, np.full(trees.size, float(judged.upheld.max(initial=0.0))), size)


def _standing(chosen: Chosen, judged: _Judged, rows: pd.DataFrame, settings: Settings) -> Standing:
    """The chosen groups as chance is told from them."""
    likely = (judged.kind == "coordinated") & (judged.explanations["coordinated"] >= settings.scores.threshold)
    accounts = rows["account_id"].to_numpy(object)[np.concatenate([*chosen.rows, np.zeros(0, dtype=np.int64)])]
    place = np.repeat(np.arange(len(chosen.rows)), [r.size for r in chosen.rows])
    return Standing(judged.bits()[chosen.group], likely[chosen.group], accounts, place.astype(np.int64))


@dataclass(frozen=True, eq=False)
class _Reported:
    """A group that is reported: its number among the candidates, its rows, the pool it lies in (a number, or None)."""

    group: int
    rows: npt.NDArray[np.int64]
    pool: int | None


def _reported(groups: Groups, chosen: Chosen, judged: _Judged, floor: float) -> list[_Reported]:
    """The chosen groups and the resellers' pools around them, above the report floor, by their smallest account."""
    score = judged.explanations["coordinated"]
    above = score >= floor
    keep = [i for i, g in enumerate(chosen.group.tolist()) if above[g]]
    kept = Chosen(chosen.group[keep], tuple(chosen.rows[i] for i in keep))
    left = np.setdiff1d(np.flatnonzero(above & (judged.kind == "reseller_pool")), kept.group)
    largest_first = left[np.argsort(-groups.sizes[left], kind="stable")]
    around = pools(groups, kept, largest_first, min_size=_POOL_SIZE, inside=_INSIDE_POOL)
    pool_of = {place: pool.group for pool in around for place in pool.inner}
    made = [_Reported(g, kept.rows[i], pool_of.get(i)) for i, g in enumerate(kept.group.tolist())]
    made += [_Reported(pool.group, pool.rows, None) for pool in around]
    return sorted(made, key=lambda r: (int(groups.account[r.rows].min()), r.group))


def _judge(
    behaviour: pd.DataFrame, found: pd.DataFrame, groups: Groups, model: ScoringModel
) -> tuple[_Judged, Chosen]:
    """Every group on its own, those that stand, and then these in the light of the whole run."""
    wide = behaviour.pivot(index="community", columns="measure", values="value").reindex(found["community"])
    x = wide.reindex(columns=list(model.measures)).to_numpy(float)
    alone, own_whole = model.score_bits(x), model.wholeness(x)
    whole = model.whole_among(groups, x, alone, own_whole)
    chosen = choose_groups(groups, whole, alone)
    stands = chosen.group
    placed = model.context.place(groups, stands, x, alone, whole)

    def placed_on(own: Floats, more: Floats | float) -> Floats:
        """What a group has on its own, and for those that stand what their place in the run adds."""
        out = own.astype(np.float64)
        out[stands] += more
        return out

    nothing, elsewhere = np.zeros(alone.size), np.full(alone.size, np.nan)
    elsewhere[stands] = placed.share_elsewhere
    trees = placed_on(alone, placed.total())
    upheld = _upheld(model.leanings, trees, x, stands)
    left = model.leanings.parts(trees, x, upheld)
    start = placed_on(np.full(alone.size, model.coordinated.bias), placed.start)
    measured = placed_on(np.round(model.coordinated.parts(x), 9), placed.measures)
    judged = _Judged(
        x, alone, upheld,
        start=left.trees * start + left.start,
        parts=left.trees[:, None] * measured + left.lines,
        further={
            WHOLE: (whole, left.trees * placed_on(np.round(model.whole_bits(own_whole), 9), placed.whole)),
            ELSEWHERE: (elsewhere, left.trees * placed_on(nothing, placed.elsewhere)),
            OVERLAP: (np.full(alone.size, np.nan), left.trees * placed_on(nothing, placed.overlap)),
            BEYOND: (np.round(trees, 9), left.beyond),
            UPHELD: (upheld, left.upheld),
        },
        explanations={}, kind=np.zeros(0, dtype=object),
    )  # fmt: skip
    explanations, kind = _explained(x, judged.bits(), model)
    return replace(judged, explanations=explanations, kind=kind), chosen


def _upheld(leanings: Leanings, trees: Floats, x: Floats, stands: npt.NDArray[np.int64]) -> Floats:
    """What other groups that stand uphold: one value a group, whether it stands or not."""
    first = leanings.first(trees[stands], x[stands])
    out = np.full(trees.size, leanings.upheld_by(trees[stands], first))
    out[stands] = leanings.upheld(trees[stands], first)
    return out


def _explained(x: Floats, bits: Floats, model: ScoringModel) -> tuple[dict[str, Floats], npt.NDArray[np.object_]]:
    """Probability of each explanation of each group, and the best: the likeliest, in doubt an innocent one."""
    explanations = model.explanations(x, model.calibrated(bits))
    kinds = sorted(explanations)
    weighed = [explanations[k] / (_DOUBT if k == "coordinated" else 1.0) for k in kinds]
    return explanations, np.array(kinds, dtype=object)[np.argmax(weighed, axis=0)]


def _tables(
    reported: list[_Reported],
    judged: _Judged,
    q_value: Floats,
    found: pd.DataFrame,
    rows: pd.DataFrame,
    behaviour: pd.DataFrame,
    model: ScoringModel,
) -> Scores:
    if not reported:
        return _nothing(model)
    group = np.array([r.group for r in reported])
    place = {r.group: i for i, r in enumerate(reported)}
    families = judged.x[:, [model.measures.index(m) for m in _FAMILY_BITS if m in model.measures]]
    candidates = pd.DataFrame(
        {
            "candidate": np.arange(group.size),
            "parent": pd.array([None if r.pool is None else place[r.pool] for r in reported], dtype="Int64"),
            "score": np.round(judged.explanations["coordinated"][group], 9),
            "score_bits": 0.0,
            "kind": judged.kind[group],
            "q_value": np.round(q_value[group], 9),
            "stability": found["stability"].to_numpy()[group],
            "n_families": (np.nan_to_num(families) >= 3.0).sum(axis=1)[group],
        }
    )
    parts = _parts(group, judged, behaviour, model)
    candidates["score_bits"] = parts.groupby("candidate")["bits"].sum().to_numpy()
    members = pd.concat(
        [
            pd.DataFrame(
                {
                    "candidate": i,
                    "account_id": rows["account_id"].to_numpy()[r.rows],
                    "membership": rows["support"].to_numpy()[r.rows],
                }
            )
            for i, r in enumerate(reported)
        ],
        ignore_index=True,
    )
    explanations = pd.concat(
        [
            pd.DataFrame({"candidate": np.arange(group.size), "kind": kind, "probability": p[group]})
            for kind, p in sorted(judged.explanations.items())
        ],
        ignore_index=True,
    )
    return Scores(candidates, members, parts, explanations, {"model": model.digest})


def _parts(group: npt.NDArray[np.int64], judged: _Judged, behaviour: pd.DataFrame, model: ScoringModel) -> pd.DataFrame:
    """The parts of each chosen group's score: the start, then one a measure in the order of the catalogue."""
    about = {m.name: m for m in MEASURES}
    reference = behaviour.pivot(index="community", columns="measure", values="reference")
    frames = [
        pd.DataFrame(
            {"candidate": np.arange(group.size), "part": "start", "family": "start", "value": np.nan, "unit": "",
             "reference": np.nan, "bits": judged.start[group]}
        )
    ]  # fmt: skip
    for column, name in enumerate(model.measures):
        if name not in about:  # a measure that is no longer taken adds nothing
            continue
        frames.append(
            pd.DataFrame(
                {
                    "candidate": np.arange(group.size),
                    "part": name,
                    "family": about[name].family,
                    "value": judged.x[group, column],
                    "unit": about[name].unit,
                    "reference": reference[name].reindex(group).to_numpy(float),
                    "bits": np.round(judged.parts[group, column], 9),
                }
            )
        )
    for part, (value, bits) in judged.further.items():
        usual = model.context.usual.share if part is ELSEWHERE else np.nan
        frames.append(
            pd.DataFrame(
                {"candidate": np.arange(group.size), "part": part.name, "family": part.family, "value": value[group],
                 "unit": part.unit, "reference": usual, "bits": np.round(bits[group], 9)}
            )
        )  # fmt: skip
    if judged.decided is not None:
        frames.append(
            pd.DataFrame(
                {"candidate": np.arange(group.size), "part": "decisions", "family": "decisions", "value": np.nan,
                 "unit": "", "reference": np.nan, "bits": judged.decided[group]}
            )
        )  # fmt: skip
    return pd.concat(frames, ignore_index=True)


def _nothing(model: ScoringModel) -> Scores:
    def none(columns: str) -> pd.DataFrame:
        return pd.DataFrame({c: [] for c in columns.split()})

    return Scores(
        none("candidate parent score score_bits kind q_value stability n_families"),
        none("candidate account_id membership"),
        none("candidate part family value unit reference bits"),
        none("candidate kind probability"),
        {"model": model.digest},
    )
