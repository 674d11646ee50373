"""What holds: inputs found, tables read and written, runs published whole, tasks carried out."""

from pipeline.storage.find import find_inputs, find_table
from pipeline.storage.lock import locked
from pipeline.storage.places import Folder, folder, store_errors
from pipeline.storage.runs import (
    FinishedRun,
    latest_run,
    list_runs,
    open_run,
    previous_run,
    publish,
    refresh_latest,
)

__all__ = [
    "FinishedRun", "Folder", "find_inputs", "find_table", "folder", "latest_run", "list_runs", "locked", "open_run",
    "previous_run", "publish", "refresh_latest", "store_errors",
]  # fmt: skip
