"""Our own line from the graph on, whole or with one thing taken out.

What is taken out is taken out of the tables or of the model's sum, and nothing is trained anew: an ablation says what
the shipped judgement loses without a thing, not what another one would make of the rest.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from unittest import mock

import numpy as np
import numpy.typing as npt
import pandas as pd

from graphs.weights import sharing_bits
from pipeline.accused import innermost, is_flagged
from pipeline.link_types import BUILT_IN
from pipeline.measures import MEASURES
from pipeline.plan import BY_NAME, STAGES
from pipeline.run.begin import Silent
from pipeline.run.unfinished import Unfinished
from pipeline.run.walk import Walk
from pipeline.scoring_model import ScoringModel, read_model
from pipeline.settings import ScoresSettings, Settings
from pipeline.stages import null_scores, scores
from pipeline.stages._entity_classes import COUNTS
from pipeline.storage import folder
from tests.benchmarks.detection.attributable import touched
from tests.benchmarks.detection.ground import LAST, RULES, line_of

Floats = npt.NDArray[np.float64]

GROUPING = ("communities", "null_scores", "behaviour", "scores", "membership")
AFTER = ("registry", "evidence", "attribution", "operators", "rings")

_DOINGS = ("volume", "time", "client")
_MORE_DOINGS = (
    "creation_burst", "young", "suspended", "payer_days", "reasoning", "distinct_slots", "templated", "handoffs",
)  # fmt: skip
_CLASSED = ("site", "cover")
_OF_TYPE = {"template": ("text",), "payment": ("payment",), "ip": ("network",)}


@dataclass(frozen=True)
class Variant:
    """What is taken out: link types, parts of the score, the classes or times of entities; `again` runs anew."""

    name: str
    says: str
    drop: str = ""
    silent: tuple[str, ...] = ()
    entities: str = ""
    again: tuple[str, ...] = GROUPING
    settings: Settings = field(default_factory=lambda: RULES)


def _measures(*families: str) -> tuple[str, ...]:
    return tuple(m.name for m in MEASURES if m.family in families)


def _without(link_type: str, says: str) -> Variant:
    return Variant(f"without {says}", f"no {says}", drop=link_type, silent=_measures(*_OF_TYPE[link_type]))


OURS = Variant("ours", "the whole line", again=(*GROUPING, *AFTER))
ABLATIONS = (
    Variant(
        "without null", "no bound on the false discovery rate", again=("scores", "membership"),
        settings=replace(RULES, scores=ScoresSettings(max_q=1.0)),
    ),
    Variant(
        "without behaviour", "parts on volume, time, clients, tenure and doings add nothing",
        silent=(*_measures(*_DOINGS), *_MORE_DOINGS), again=("null_scores", "scores", "membership"),
    ),
    Variant(
        "without classes", "every address, card and frame counts alike", silent=_CLASSED, entities="no classes",
        again=("incidence", *GROUPING),
    ),
    Variant(
        "without time", "sharing in other months counts as in the same hours; parts on time add nothing",
        silent=_measures("time"), entities="no time", again=("incidence", *GROUPING),
    ),
    _without("template", "templates"),
    _without("payment", "payments"),
    _without("ip", "addresses"),
)  # fmt: skip
VARIANTS = {v.name: v for v in (OURS, *ABLATIONS)}


@dataclass(frozen=True, eq=False)
class Answer:
    """Tables of a run as evaluation reads them, seconds and peak memory (bytes) of the stages that ran."""

    tables: dict[str, pd.DataFrame]
    seconds: float
    peak_memory: int


def answer(kept: Path, variant: Variant, scratch: Path) -> Answer:
    """Carry a prepared world on as a variant says. A variant that runs few stages anew starts from ours in `scratch`,
    which is made first where it is missing."""
    base = scratch / "ours"
    if variant is not OURS and variant.again[0] not in ("communities", "incidence") and not base.exists():
        answer(kept, OURS, scratch)
    begin_at = base if variant is not OURS and base.exists() else line_of(kept).folder
    place = base if variant is OURS else scratch / "variant"
    run = _copy(begin_at, place)
    _alter(run, variant)
    walk = Walk(run, folder(str(scratch)), variant.settings, Silent())
    with _quiet(variant.silent):
        for name in variant.again:
            run.stages.pop(name, None)
            walk.one_stage(BY_NAME[name])
    noted = [run.stages[name] for name in (s.name for s in STAGES) if name in variant.again or name in GROUPING]
    tables = _whole(run, scratch) if variant is OURS else _short(run, variant.settings)
    seconds, peak = sum(n["seconds"] for n in noted), max(n["peak_memory"] for n in noted)
    if variant is not OURS:
        shutil.rmtree(place)
    return Answer(tables, seconds, peak)


def _copy(source: Path, target: Path) -> Unfinished:
    """A folder of a run that shares its files with another; what is written is written beside."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target, copy_function=os.link)
    record = target / "progress.json"
    content = record.read_bytes()
    record.unlink()
    record.write_bytes(content)
    found = Unfinished.open(target)
    if found is None:
        raise FileNotFoundError(record)
    return found


def _alter(run: Unfinished, variant: Variant) -> None:
    """Take out of the tables what the variant does without."""
    for name in variant.again:  # what will be written again must not be written into shared files
        for table in BY_NAME[name].writes:
            path = run.path(table)
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    if variant.drop:
        edges = pd.read_parquet(run.path("incidence_bits"))
        _write(edges[edges["entity_type"] != variant.drop], run.path("incidence_bits"))
    if variant.entities:
        things = pd.read_parquet(run.path("entities"))
        n_accounts = len(pd.read_parquet(run.path("account_traits"), columns=["account_id"]))
        change = without_classes if variant.entities == "no classes" else without_time
        _write(change(things, n_accounts), run.path("entities"))


def _write(table: pd.DataFrame, path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pq.read_schema(path)
    path.unlink()
    pq.write_table(pa.Table.from_pandas(table, schema=schema, preserve_index=False), path)


def without_classes(things: pd.DataFrame, n_accounts: int) -> pd.DataFrame:
    """Entities with nothing known of their sort: rarity counts in full, save for the time of use."""
    share = things["class"].map(COUNTS).to_numpy(float)
    time = np.where(share > 0, things["counts"] / np.where(share > 0, share, 1.0), 1.0)
    public = things["left_out_because"].eq("public")
    return things.assign(
        **{"class": "network"}, counts=np.round(time, 9), bits=np.round(_rarity(things, n_accounts) * time, 9),
        left_out_because=things["left_out_because"].astype("object").where(~public, None),
    )  # fmt: skip


def without_time(things: pd.DataFrame, n_accounts: int) -> pd.DataFrame:
    """Entities whose rarity counts by class alone, whenever they were used."""
    share = things["class"].map(COUNTS).to_numpy(float)
    return things.assign(counts=share, bits=np.round(_rarity(things, n_accounts) * share, 9))


def _rarity(things: pd.DataFrame, n_accounts: int) -> Floats:
    """Bits of sharing each entity before class and time; from `bits` itself where these leave anything."""
    about = {t.name: t for t in BUILT_IN}
    match, cap = (
        things["entity_type"].map({n: getattr(t, what) for n, t in about.items()}).to_numpy(float)
        for what in ("match_probability", "cap_bits")
    )
    counts = things["counts"].to_numpy(float)
    afresh = np.maximum(
        sharing_bits(things["n_accounts"].to_numpy(float), n_accounts, match_probability=match, cap=cap), 0.0
    )
    return np.where(counts > 0, things["bits"].to_numpy(float) / np.where(counts > 0, counts, 1.0), afresh)


@dataclass(frozen=True, eq=False)
class _Muted:
    """A forest some of whose measures add nothing."""

    forest: object
    silent: npt.NDArray[np.bool_]

    @property
    def bias(self) -> float:
        return self.forest.bias  # type: ignore[attr-defined, no-any-return]

    def parts(self, x: Floats) -> Floats:
        """Bits of each measure, the muted ones 0."""
        return np.where(self.silent[None, :], 0.0, self.forest.parts(x))  # type: ignore[attr-defined]

    def score_bits(self, x: Floats) -> Floats:
        """The start and the parts that are left."""
        return self.bias + self.parts(x).sum(axis=1)


@contextmanager
def _quiet(measures: tuple[str, ...]) -> Iterator[None]:
    """While this lasts the stages read a model in which some measures add nothing."""
    if not measures:
        yield
        return

    def muted(path: str = "") -> ScoringModel:
        model = read_model(path)
        silent = np.isin(np.array(model.measures), measures)
        return replace(model, coordinated=_Muted(model.coordinated, silent))  # type: ignore[arg-type]

    with ExitStack() as stack:
        for module in (scores, null_scores):
            stack.enter_context(mock.patch.object(module, "read_model", muted))
        yield


def _whole(run: Unfinished, scratch: Path) -> dict[str, pd.DataFrame]:
    tables = {name: pd.read_parquet(run.path(name)) for name in ("rings", "members", "attribution")}
    return {**tables, "touched": touched(run, scratch)}


def _short(run: Unfinished, settings: Settings) -> dict[str, pd.DataFrame]:
    """Rings and members from the scores alone, without names and operators."""
    candidates = pd.read_parquet(run.path("candidates"))
    members = innermost(pd.read_parquet(run.path("candidate_members")), candidates)
    rings = candidates.assign(ring_id=candidates["candidate"].astype("str"), suppressed_by=None)
    nobody = pd.Series([None] * len(rings), dtype="object")
    rings = rings.assign(flagged=is_flagged(rings, settings.scores), operator=nobody, operator_id=nobody)
    attribution = pd.DataFrame({c: pd.Series(dtype="object") for c in ("ring_id", "operator")})
    attribution = attribution.assign(probability=pd.Series(dtype="float64"), rank=pd.Series(dtype="int64"))
    return {
        "rings": rings[["ring_id", "score", "flagged", "operator", "operator_id", "kind"]],
        "members": members.assign(ring_id=members["candidate"].astype("str"))[["ring_id", "account_id", "membership"]],
        "attribution": attribution,
    }


__all__ = ["ABLATIONS", "LAST", "OURS", "VARIANTS", "Answer", "Variant", "answer", "without_classes", "without_time"]
