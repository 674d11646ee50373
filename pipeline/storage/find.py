"""Finds the input tables by their stem: a Parquet, CSV or JSONL file, or a folder of them (flat or hive).

Names come from strangers: a link that leads out of the input folder is refused, never followed.
"""

from __future__ import annotations

from pathlib import Path

from pipeline.errors import InputError, Place, quoted
from pipeline.schemas.inputs import INPUTS
from pipeline.storage.places import Folder, folder, store_errors
from pipeline.workbench import FileFormat, Inputs, InputTable

ENDINGS: dict[str, FileFormat] = {
    ".parquet": "parquet", ".csv": "csv", ".csv.gz": "csv", ".jsonl": "jsonl", ".jsonl.gz": "jsonl",
    ".ndjson": "jsonl", ".ndjson.gz": "jsonl",
}  # fmt: skip
_FORMS = "a Parquet file or folder, CSV(.gz) or JSONL(.gz)"


def find_inputs(uri: str | Path) -> Inputs:
    """All input tables in a folder. Raises InputError where the folder or `events` is missing or a table is unclear."""
    place = folder(uri)
    if not place.exists():
        raise InputError(
            "there is no such input", place=Place(str(uri)), expected="a folder with the table events",
            mend="Check the path; `ringtrace simulate small --to world` writes an input to try.",
        )  # fmt: skip
    if place.local and not place.path.is_dir():
        raise InputError(
            "the input is a file", place=Place(str(uri)), expected="the folder that holds events, payments and so on",
            mend="Name the folder that the file lies in.",
        )  # fmt: skip
    names = place.names()
    tables = {name: found for name in INPUTS if (found := _find(place, name, names)) is not None}
    if "events" not in tables:
        raise InputError(
            "the table events is missing", place=Place(str(uri)),
            found=", ".join(quoted(n) for n in names[:8]) or "an empty folder",
            expected=f"events as {_FORMS}", mend="Put the request log there as events, or name another folder.",
        )  # fmt: skip
    return Inputs(str(uri), tables)


def find_table(uri: str | Path, name: str) -> InputTable:
    """One table that lies at a place of its own: the file itself, or a folder that holds it by its stem."""
    place = folder(uri)
    if not place.exists():
        raise InputError(f"there is no table {name}", place=Place(str(uri)), mend="Check the path.")
    if ending(place.root) is not None or (place.local and not place.path.is_dir()):
        return _table(name, [place], [place.uri.rsplit("/", 1)[-1]], str(uri))
    found = _find(place, name, place.names())
    if found is not None:
        return found
    files = _inside(place)
    return _table(name, [f for f, _ in files], [shown for _, shown in files], str(uri))


def ending(name: str) -> FileFormat | None:
    """The format that a file's name tells, or None."""
    low = name.lower()
    for tail, form in ENDINGS.items():
        if low.endswith(tail):
            return form
    return None


def _stem(name: str) -> str:
    low = name.lower()
    for tail in sorted(ENDINGS, key=len, reverse=True):
        if low.endswith(tail):
            return name[: -len(tail)]
    return name


def _find(place: Folder, name: str, names: list[str]) -> InputTable | None:
    """The table of that stem among the entries of a folder."""
    matching = [n for n in names if _stem(n) == name and (n == name or ending(n) is not None)]
    if not matching:
        return None
    if len(matching) > 1:
        raise InputError(
            f"the table {name} is there more than once", place=Place(place.uri), found=", ".join(matching),
            expected="one of them", mend="Remove or rename the others: reading both would count requests twice.",
        )  # fmt: skip
    entry = place.below(matching[0])
    if _is_folder(entry):
        files = _inside(entry)
        shown = [f"{matching[0]}/{inner}" for _, inner in files]
        return _table(name, [f for f, _ in files], shown, f"{place.uri}/{matching[0]}")
    _inside_only(entry, place)
    return _table(name, [entry], [matching[0]], place.uri)


def _is_folder(entry: Folder) -> bool:
    with store_errors(entry.uri, "look at it"):
        return entry.path.is_dir() if entry.filesystem is None else bool(entry.filesystem.isdir(entry.root))


def _inside(place: Folder) -> list[tuple[Folder, str]]:
    """The data files inside a folder, at any depth, with their names below it, sorted by these."""
    with store_errors(place.uri, "list it"):
        if place.filesystem is None:
            base = place.path
            names = [str(p.relative_to(base)) for p in base.rglob("*") if p.is_file() or p.is_symlink()]
        else:
            base_length = len(place.root) + 1
            names = [str(p)[base_length:] for p in place.filesystem.find(place.root)]
    kept = sorted(n for n in names if not any(part.startswith((".", "_")) for part in n.split("/")) and ending(n))
    files = [(place.below(n), n) for n in kept]
    for entry, _ in files:
        _inside_only(entry, place)
    return files


def _inside_only(entry: Folder, place: Folder) -> None:
    """Refuse an entry that a symbolic link leads out of the folder."""
    if not entry.local:
        return
    real, base = entry.path.resolve(), place.path.resolve()
    if not real.is_relative_to(base):
        raise InputError(
            "a link leads out of the input folder", place=Place(entry.uri),
            mend="Put the file itself there; links to other places are not followed.",
        )  # fmt: skip
    if not real.is_file():
        raise InputError("this is no ordinary file", place=Place(entry.uri), expected=_FORMS, mend="Remove it.")


def _table(name: str, files: list[Folder], shown: list[str], where: str) -> InputTable:
    forms = {ending(f.root) for f in files}
    if not files or None in forms:
        raise InputError(
            f"the table {name} has no file that can be read", place=Place(where), expected=_FORMS,
            mend="Write it in one of these forms.",
        )  # fmt: skip
    if len(forms) > 1:
        raise InputError(
            f"the files of {name} are of different kinds", place=Place(where),
            found=", ".join(sorted(str(f) for f in forms)), expected="one kind", mend="Keep one kind of file a table.",
        )  # fmt: skip
    form = forms.pop()
    assert form is not None
    urls = tuple(f.root if f.local else f.filesystem.unstrip_protocol(f.root) for f in files)  # type: ignore[union-attr]
    return InputTable(name, form, urls, tuple(shown), {}, tuple(_partitions(s) for s in shown))


def _partitions(shown: str) -> dict[str, str]:
    """What hive folders (`date=2026-05-01`) say of a file."""
    from urllib.parse import unquote

    pairs = (part.split("=", 1) for part in shown.split("/")[:-1] if "=" in part)
    return {key: unquote(value) for key, value in pairs}
