"""The walk along the plan: read, check, call the stage, check, write, note; then the exports; then the rename."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline import gates, observe
from pipeline.errors import RunError, UsageError
from pipeline.link_types import link_types
from pipeline.period import Period, instant
from pipeline.plan import BY_NAME, STAGES, Stage
from pipeline.pseudonyms import Pseudonyms, pseudonyms_of
from pipeline.run.begin import Watch, call, file_marks, gather_inputs, make_bench, only_listed, shelf_of
from pipeline.run.code import stage_digest
from pipeline.run.look import Looking, look_after
from pipeline.run.measure import measured
from pipeline.run.unfinished import Unfinished, digest_of
from pipeline.schemas import TABLES
from pipeline.settings import Settings
from pipeline.storage import FinishedRun, Folder, open_run, publish
from pipeline.storage.places import engine_errors, private_folder, store_errors, write_whole
from pipeline.storage.prompts import Prompts
from pipeline.storage.runs import MANIFEST, manifest_bytes, remove_folder
from pipeline.storage.tables import conform, merge_parts, read_parquet, to_frame, write_parquet
from pipeline.workbench import Inputs

Make = Callable[..., Any]


@dataclass
class Walk:
    """One run on its way along the plan. `find` gives the `make` of a stage; tests give another."""

    run: Unfinished
    output: Folder
    settings: Settings
    watch: Watch
    address: str | None = None
    find: Callable[[str], Make] | None = None
    gates: bool = False  # whether a gate that does not open stops the walk
    let_through: Collection[str] = ()

    @property
    def period(self) -> Period:
        """The window of the run."""
        return Period(instant(self.run.record["since"]), instant(self.run.record["until"]))

    def inputs(self) -> Inputs:
        """The input tables as they were when the run began; RunError where their files are no longer the same."""
        everything = gather_inputs(self.run.record["input"], self.run.record["decisions"])
        found = only_listed(everything, self.run.record["listed"])
        if file_marks(found) != self.run.record["files"]:
            raise RunError(
                "the input changed while the run was under way", found="other files than when it began",
                mend="Begin a new run, or bring the files back.",
            )  # fmt: skip
        return found

    def all_stages(self) -> None:
        """Every stage of the plan, in order; those already done with the same inputs, settings and code are kept."""
        for number, stage in enumerate(STAGES, start=1):
            self.watch.stage(stage.name, number, len(STAGES), stage.says)
            self.one_stage(stage)

    def one_stage(self, stage: Stage) -> None:
        """One stage, unless it is done already."""
        key = self._key(stage)
        if self._is_done(stage, key):
            noted = self.run.stages[stage.name]
            self.watch.done(stage.name, sum(noted["rows_out"].values()), noted["seconds"], kept=True)
            observe.tell("kept", run_id=self.run.run_id, stage=stage.name)
            self._gates(stage)
            return
        self.run.stages.pop(stage.name, None)
        self.run.save()
        named = {"run_id": self.run.run_id, "stage": stage.name}
        observe.tell("start", **named, reads=stage.reads, writes=stage.writes)
        scratch = self.run.scratch(stage.name)
        remove_folder(scratch)
        try:
            with measured() as cost, engine_errors(scratch, stage.name):
                made = self._make(stage, scratch)
                tables = {table: self._keep(table, getattr(made, table)) for table in stage.writes}
        except BaseException as fault:
            observe.tell("failed", **named, reads=stage.reads, writes=stage.writes, kind=type(fault).__name__)
            raise
        finally:
            remove_folder(scratch)
        rows_out = {t: int(n["rows"]) for t, n in tables.items()}
        self.run.stages[stage.name] = {
            "key": key, "tables": tables, "rows_in": {t: int(self.run.noted(t)["rows"]) for t in stage.reads},
            "rows_out": rows_out, "left_out": dict(getattr(made, "left_out", None) or {}),
            "counts": dict(getattr(made, "counts", None) or {}), "seconds": cost.seconds,
            "peak_memory": cost.peak_memory,
        }  # fmt: skip
        self._look(stage, scratch)
        self.run.save()
        self.watch.done(stage.name, sum(rows_out.values()), cost.seconds, kept=False)
        observe.tell(
            "done", **named, reads=stage.reads, writes=stage.writes, rows_out=rows_out, seconds=cost.seconds,
            peak_memory=cost.peak_memory,
        )  # fmt: skip
        self._gates(stage)

    def _look(self, stage: Stage, scratch: Path) -> None:
        """Note what the gates and the drift watch find after a stage."""
        looking = Looking(self.run, self.settings, self._past(), scratch, int(self.settings.run.memory_gb * 1e9))
        found = look_after(stage.name, looking)
        remove_folder(scratch)
        if found is not None:
            self.run.record.setdefault("looks", {})[stage.name] = found

    def _gates(self, stage: Stage) -> None:
        """Stop where a gate of this stage is shut, if this walk stops at gates."""
        noted = self.run.record.get("looks", {}).get(stage.name, {}).get("gates", [])
        if self.gates:
            gates.stop_at([gates.Gate(**g) for g in noted], self.let_through)

    def _key(self, stage: Stage) -> str:
        """Digest of all that a stage's result depends on."""
        values = self.settings.as_dict()
        used = {s: values[s] for s in stage.settings}
        if "run" in used:
            used["run"] = {"seed": used["run"]["seed"]}
        past = self._past() if stage.previous else None
        return digest_of({
            "stage": stage.name, "code": stage_digest(stage.name), "settings": used,
            "tables": {t: self.run.noted(t)["digests"] for t in stage.reads},
            "inputs": [self.run.record["inputs"], self.run.record["files"]] if stage.inputs else None,
            "run_id": self.run.run_id if stage.previous else None,
            "previous": past.manifest.get("tables", past.run_id) if past else None,
            "window": self.period.as_dict(), "version": self.run.record["version"],
            "model": self.run.record["settings_digest"] if "scores" in stage.settings else None,
            **({"pseudonyms": mark} if stage.inputs and (mark := self.run.record.get("pseudonyms")) else {}),
        })  # fmt: skip

    def _is_done(self, stage: Stage, key: str) -> bool:
        """Whether the stage was done with this key and its tables lie there as they were written."""
        noted = self.run.stages.get(stage.name)
        if noted is None or noted["key"] != key:
            return False
        return all(self.run.digests(t) == noted["tables"][t]["digests"] for t in stage.writes)

    def _past(self) -> FinishedRun | None:
        place = self.run.record["previous_place"]
        return open_run(place) if place else None

    def _make(self, stage: Stage, scratch: Path) -> Any:
        """Call the stage with what its plan entry declares, by parameter name."""
        offered: dict[str, Any] = {
            "settings": self.settings, "period": self.period, "run_id": self.run.run_id,
            "shelf": shelf_of(self.output, stage.name),
            "bench": make_bench(self.settings, scratch, address=self.address, watch=self.watch),
        }  # fmt: skip
        make = (self.find or find_make)(stage.name)
        for table in stage.reads:
            offered[table] = self._read(table)
        past = self._past() if stage.previous else None
        for table in stage.previous:
            offered[f"previous_{table}"] = to_frame(past.read(table)) if past and past.has(table) else None
        if stage.inputs:
            inputs = self.inputs()
            if "prompts" in stage.inputs:
                columns = self.settings.input.columns.get("events", {})
                offered["prompts"] = Prompts(inputs.tables["events"], columns.get("prompt", "prompt"))
            if "events" in stage.inputs:
                offered |= {"inputs": inputs, "pseudonyms": self._pseudonyms()}
        made = call(make, **offered)
        missing = [t for t in stage.writes if not hasattr(made, t)]
        if missing:
            raise RunError(f"the stage {stage.name} did not make {', '.join(missing)}")
        return made

    def _pseudonyms(self) -> Pseudonyms | None:
        """The pseudonyms that the run began with; RunError where the key is another now."""
        names = pseudonyms_of(self.settings)
        if names is not None and names.mark != self.run.record.get("pseudonyms"):
            raise RunError(
                "the key of the pseudonyms is another than when the run began", mend="Give the same key, or begin anew."
            )
        return names

    def _read(self, table: str) -> Any:
        if TABLES[table].wide:
            return self.run.parts(table)
        return to_frame(read_parquet(self.run.path(table)))

    def _keep(self, table: str, made: Any) -> dict[str, Any]:
        """Check what a stage made, put it into its place, and say what lies there now."""
        path = self.run.path(table)
        if TABLES[table].wide:
            self._keep_parts(table, path, made)
        else:
            checked = conform(table, made, link_types(self.settings.link_types))
            write_parquet(checked, private_folder(path.parent) / path.name)
        return {"rows": self.run.rows(table), "digests": self.run.digests(table)}

    def _keep_parts(self, table: str, path: Path, parts: list[str]) -> None:
        """Move the parts of a wide table from scratch into place, in their order."""
        remove_folder(path)
        with store_errors(path, "keep the parts"):
            private_folder(path)
            for number, part in enumerate(parts):
                Path(part).rename(path / f"part-{number:05d}.parquet")

    def finish(self, *, exports: bool = True) -> str:
        """Exports, manifest, rename: the run becomes whole. Returns its name."""
        missing = [s.name for s in STAGES if not self._is_done(s, self._key(s))]
        if missing:
            raise UsageError(
                "the run is not complete", found=f"not done: {', '.join(missing)}",
                mend="Run these stages, or `ringtrace run ... --resume`.",
            )  # fmt: skip
        manifest = self.manifest()
        whole = self.run.whole
        with store_errors(whole, "write the manifest"):
            write_whole(whole / MANIFEST, manifest_bytes(manifest))
        if exports and self.settings.exports.make:
            self._exports(whole, manifest)
        if self.run.record["keep_working"]:
            self._keep_working()
        publish(whole, self.output, self.run.run_id)
        observe.tell("published", run_id=self.run.run_id, stage="publish")
        observe.tell_metrics(manifest)
        remove_folder(self.run.folder)
        shelf_of(self.output, "intake").tidy()
        return self.run.run_id

    def _exports(self, whole: Path, manifest: dict[str, Any]) -> None:
        """Pictures, briefing and exchange files for inside use."""
        try:
            from pipeline.exports import make_all
        except ImportError:
            return
        self.watch.stage("exports", len(STAGES), len(STAGES), "draws the pictures and writes the files for others")
        with measured() as cost:
            make_all(whole, self.settings, manifest)
        self.watch.done("exports", 0, cost.seconds, kept=False)

    def _keep_working(self) -> None:
        """Leave the working tables in the finished run, each as one file."""
        target = private_folder(self.run.whole / "working")
        scratch = private_folder(self.run.scratch("working"))
        memory = int(self.settings.run.memory_gb * 1e9)
        for stage in STAGES:
            for table in stage.writes:
                source = self.run.path(table)
                if TABLES[table].wide:
                    parts = [Path(p) for p in self.run.parts(table)]
                    merge_parts(parts, target / f"{table}.parquet", scratch=scratch, memory=memory)
                elif source.is_relative_to(self.run.working):
                    write_parquet(read_parquet(source), target / source.name)

    def manifest(self) -> dict[str, Any]:
        """What the finished run says of itself."""
        record, stages = self.run.record, self.run.stages
        names = ("run_id", "schema_version", "version", "settings", "settings_digest", "since", "until",
                 "previous_run", "inputs")  # fmt: skip
        tables = {
            t: stages[s.name]["tables"][t]
            for s in STAGES for t in s.writes if self.run.path(t).is_relative_to(self.run.whole)
        }  # fmt: skip
        looks = [record.get("looks", {}).get(s.name, {}) for s in STAGES]
        return {
            **{n: record[n] for n in names}, "seed": self.settings.run.seed, "tables": tables,
            "pseudonyms": record.get("pseudonyms"),
            "gates": [g for found in looks for g in found.get("gates", ())],
            "drift": {
                "warnings": [w for found in looks for w in found.get("warnings", ())],
                **{n: found[n] for found in looks for n in ("newest", "scores") if n in found},
            },
            "stages": {s.name: _shown(s, stages[s.name]) for s in STAGES},
            "model": stages["scores"]["counts"].get("model") or stage_digest("scores"),
        }  # fmt: skip


def _shown(stage: Stage, noted: Mapping[str, Any]) -> dict[str, Any]:
    """A stage as the manifest shows it."""
    kept = ("rows_in", "rows_out", "left_out", "counts", "seconds", "peak_memory")
    return {n: noted[n] for n in kept} | {"code": stage_digest(stage.name)}


def find_make(stage: str) -> Make:
    """The `make` of a stage's module."""
    return importlib.import_module(f"pipeline.stages.{stage}").make  # type: ignore[no-any-return]


def stage_named(name: str) -> Stage:
    """The stage of that name; UsageError where the plan has none."""
    try:
        return BY_NAME[name]
    except KeyError:
        raise UsageError("the plan has no such stage", found=name, expected=", ".join(BY_NAME)) from None
