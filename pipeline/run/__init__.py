"""The main job: from an input and settings to a finished run, by the plan."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

from pipeline.errors import RingtraceError, UsageError
from pipeline.run.begin import Beginning, Request, Silent, Watch, begin
from pipeline.run.unfinished import open_unfinished, workshop
from pipeline.run.walk import Walk, stage_named
from pipeline.settings_reader import settings_from
from pipeline.storage import Folder, folder, locked, open_run, refresh_latest
from pipeline.storage.runs import remove_folder

__all__ = ["Request", "Result", "Silent", "Watch", "carry_out", "one_stage"]

PUBLISH = "publish"  # the step after the last stage: exports, manifest, rename


@dataclass(frozen=True)
class Result:
    """A run that was asked for. `already` where it had been whole before; `whole` False where it only began."""

    run_id: str
    place: str
    already: bool = False
    whole: bool = True


def version() -> str:
    """Version of the program."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        return installed("ringtrace")
    except PackageNotFoundError:
        return "0.1.0"


def carry_out(
    request: Request, *, watch: Watch | None = None, only_begin: bool = False,
    find: Callable[[str], Callable[..., Any]] | None = None,
) -> Result:  # fmt: skip
    """Carry out a run from beginning to end (or only begin it, for a scheduler that goes on stage by stage)."""
    watch = watch or Silent()
    output = folder(request.output)
    made_here = output.local and not output.path.exists()
    with locked(workshop(output)), _nothing_where_refused(output, made_here):
        refresh_latest(output)
        beginning: Beginning = begin(request, watch=watch, version=version())
        place = output.below(beginning.run_id).uri
        if beginning.unfinished is None:
            return Result(beginning.run_id, place, already=True)
        if only_begin:
            return Result(beginning.run_id, place, whole=False)
        walk = Walk(beginning.unfinished, output, request.settings, watch, request.scheduler, find)
        walk.all_stages()
        walk.finish()
        return Result(beginning.run_id, place)


@contextlib.contextmanager
def _nothing_where_refused(output: Folder, made_here: bool) -> Iterator[None]:
    """An input that is refused leaves nothing behind: an output folder that was made for it goes away again."""
    try:
        yield
    except RingtraceError as fault:
        if made_here and fault.exit_code == UsageError.exit_code:
            remove_folder(output.path)
        raise


def one_stage(
    name: str, run_id: str, *, output: str, scheduler: str | None = None, watch: Watch | None = None,
    gates: bool = False, let_through: Collection[str] = (),
) -> Result:  # fmt: skip
    """Carry out one stage of a run under way, or `publish` it. With `gates`, stop where one does not open."""
    place = folder(output)
    with locked(workshop(place)):
        target = place.below(run_id)
        if target.below("manifest.json").exists():
            return Result(open_run(target.uri).run_id, target.uri, already=True)
        run = open_unfinished(place, run_id)
        settings = settings_from(run.record["settings"])
        walk = Walk(run, place, settings, watch or Silent(), scheduler, gates=gates, let_through=let_through)
        if name == PUBLISH:
            walk.finish()
            return Result(run_id, target.uri)
        walk.one_stage(stage_named(name))
        return Result(run_id, target.uri, whole=False)
