"""A settings file (TOML) made into one frozen Settings: every key known, every value of its kind and in bounds."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import Field, asdict, fields, replace
from pathlib import Path
from typing import Any, get_args

from pipeline.errors import Place, SettingsError, quoted
from pipeline.link_types import BUILT_IN, MEANING, Form, LinkType
from pipeline.schemas.inputs import INPUTS
from pipeline.settings import SECTIONS, InputSettings, Settings, default_of

_NAME = re.compile(r"^[a-z][a-z0-9_]{0,40}$")
_TABLES = ("events", "payments", "accounts")
_NEVER_LINK = ("account_id", "timestamp", "prompt", "request_id", "created_at")
_LARGEST = 1 << 20


def read_settings(path: str | Path | None) -> Settings:
    """Settings from a file, or the defaults where none is named. SettingsError names file, key and mend."""
    if path is None:
        return Settings()
    file = Path(path)
    try:
        content = file.read_bytes()
        if len(content) > _LARGEST:
            raise SettingsError("the settings file is too large", place=Place(str(path)), mend="Name the right file.")
        values = tomllib.loads(content.decode("utf-8"))
    except OSError as fault:
        raise SettingsError(
            "the settings file cannot be read", place=Place(str(path)), found=fault.strerror or "",
            mend="Check the path.",
        ) from fault  # fmt: skip
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise SettingsError(
            "the settings file is no TOML", place=Place(str(path)), found=str(fault)[:120],
            mend="Mend that line; strings stand in quotes, sections in [brackets].",
        ) from fault  # fmt: skip
    return settings_from(values, shown=str(path))


def settings_from(values: Mapping[str, Any], *, shown: str = "settings") -> Settings:
    """Settings from plain values, as a settings file or a manifest holds them."""
    _known(values, (*SECTIONS, "link_types"), shown, "")
    declared = _link_types(values.get("link_types", {}), shown)
    sections = {
        f.name: _section(f.default_factory, values.get(f.name, {}), f.name, shown, declared)  # type: ignore[arg-type]
        for f in fields(Settings) if f.name != "link_types"
    }  # fmt: skip
    made = Settings(**sections, link_types=declared)
    _check_together(made, shown)
    return replace(made, link_types=(*declared, MEANING)) if made.templates.semantic else made


def _fault(shown: str, key: str, message: str, *, found: str = "", expected: str = "", mend: str = "") -> SettingsError:
    place = Place(f"{shown}, key {key}" if key else shown)
    return SettingsError(message, place=place, found=found, expected=expected, mend=mend)


def _known(values: Any, names: Iterable[str], shown: str, prefix: str) -> None:
    """Refuse anything but a table with known keys; the nearest known key is named."""
    known = list(names)
    if not isinstance(values, Mapping):
        raise _fault(shown, prefix.rstrip("."), "this is no section", found=_kind(values), expected="a section")
    for name in values:
        if name in known:
            continue
        near = difflib.get_close_matches(str(name), known, n=1, cutoff=0.5)
        hint = f"Did you mean {prefix}{near[0]}?" if near else f"Known here are: {', '.join(known)}."
        raise _fault(shown, f"{prefix}{name}"[:80], "the key is unknown", mend=hint)


def _section(
    kind: Callable[[], Any], values: Any, name: str, shown: str, declared: tuple[LinkType, ...]
) -> Any:
    """One section: keys known, kinds right, values in bounds."""
    keys: dict[str, Field[Any]] = {f.name: f for f in fields(kind())}
    if name == "input":
        values = _columns_folded(values, shown, declared)
    _known(values, keys, shown, f"{name}.")
    return type(kind())(**{k: _value(keys[k], v, f"{name}.{k}", shown) for k, v in values.items()})


def _columns_folded(values: Any, shown: str, declared: tuple[LinkType, ...]) -> dict[str, Any]:
    """`[input.events.columns]` brought to `input.columns["events"]`, as the settings keep it."""
    if not isinstance(values, Mapping):
        raise _fault(shown, "input", "this is no section", found=_kind(values), expected="a section with keys")
    _known(values, [*(f.name for f in fields(InputSettings)), *INPUTS], shown, "input.")
    out = {k: v for k, v in values.items() if k not in INPUTS}
    given = out.pop("columns", {})
    _known(given, INPUTS, shown, "input.columns.")
    columns: dict[str, Any] = dict(given)
    for table in INPUTS:
        inner = values.get(table)
        if inner is None:
            continue
        _known(inner, ("columns",), shown, f"input.{table}.")
        columns[table] = inner.get("columns", {})
    for table, mapping in columns.items():
        extra = [t.column for t in declared if t.table == table]
        _known(mapping, [*INPUTS[table].names, *extra], shown, f"input.{table}.columns.")
        _mapping(mapping, f"input.{table}.columns", shown)
    return {**out, "columns": columns} if columns else out


def _mapping(mapping: Mapping[str, Any], key: str, shown: str) -> None:
    taken: dict[str, str] = {}
    for ours, theirs in mapping.items():
        if not isinstance(theirs, str) or not theirs:
            raise _fault(shown, f"{key}.{ours}", "this is no column name", found=_kind(theirs), expected="text")
        if theirs in taken:
            raise _fault(
                shown, f"{key}.{ours}", f"the column {quoted(theirs)} is named for {taken[theirs]} too",
                expected="a column of the file for one column of ours", mend="Remove one of the two lines.",
            )  # fmt: skip
        taken[theirs] = ours


def _value(field: Field[Any], value: Any, key: str, shown: str) -> Any:
    """A value of the kind its default has, within its bounds."""
    default, meta = default_of(field), field.metadata
    if isinstance(default, dict):
        return {str(k): dict(v) for k, v in value.items()}
    if isinstance(default, tuple):
        if not isinstance(value, (list, tuple)) or not value:
            raise _fault(shown, key, "the value is of the wrong kind", found=_kind(value), expected="a list of numbers")
        return tuple(_number(v, float, meta, key, shown) for v in value)
    if isinstance(default, bool):
        if not isinstance(value, bool):
            raise _fault(shown, key, "the value is of the wrong kind", found=_kind(value), expected="true or false")
        return value
    if isinstance(default, (int, float)):
        return _number(value, type(default), meta, key, shown)
    if not isinstance(value, str):
        raise _fault(shown, key, "the value is of the wrong kind", found=_kind(value), expected="text")
    if meta["choices"] and value not in meta["choices"]:
        raise _fault(
            shown, key, "the value is not one of those allowed", found=quoted(value),
            expected=" or ".join(meta["choices"]),
        )  # fmt: skip
    return value


def _number(value: Any, kind: type, meta: Mapping[str, Any], key: str, shown: str) -> Any:
    low, high = meta["low"], meta["high"]
    words = "a whole number" if kind is int else "a number"
    bounds = "".join([f" from {low:g}" if low is not None else "", f" to {high:g}" if high is not None else ""])
    right = isinstance(value, int) if kind is int else isinstance(value, (int, float))
    if isinstance(value, bool) or not right or value != value:
        raise _fault(shown, key, "the value is of the wrong kind", found=_kind(value), expected=words + bounds)
    if (low is not None and value < low) or (high is not None and value > high):
        raise _fault(shown, key, "the value is out of bounds", found=f"{value:g}", expected=words + bounds)
    return kind(value)


def _kind(value: Any) -> str:
    words = {bool: "true or false", int: "a whole number", float: "a number", str: "text", list: "a list",
             dict: "a section"}  # fmt: skip
    return words.get(type(value), type(value).__name__)


def _link_types(values: Any, shown: str) -> tuple[LinkType, ...]:
    """Declared link types, from `[link_types.NAME]` sections or from a manifest's list."""
    if isinstance(values, (list, tuple)):
        own = asdict(MEANING)  # not declared, but there by another setting
        values = {str(v.get("name")): {k: x for k, x in v.items() if k != "name"} for v in values if v != own}
    if not isinstance(values, Mapping):
        raise _fault(shown, "link_types", "this is no section", expected="[link_types.NAME] sections")
    made = tuple(_link_type(name, inner, shown) for name, inner in sorted(values.items()))
    seen: dict[tuple[str, str], str] = {(t.table, t.column): t.name for t in BUILT_IN}
    for kind in made:
        place = (kind.table, kind.column)
        if place in seen:
            raise _fault(
                shown, f"link_types.{kind.name}", f"the link type {seen[place]} is read from this column already",
                found=f"{kind.table}.{kind.column}", mend="Declare each column once.",
            )  # fmt: skip
        seen[place] = kind.name
    return made


def _link_type(name: str, values: Any, shown: str) -> LinkType:
    key = f"link_types.{name}"[:80]
    keys: dict[str, Field[Any]] = {f.name: f for f in fields(LinkType) if f.name != "name"}
    if not _NAME.match(name):
        raise _fault(shown, key, "the name is not allowed", expected="small letters, digits and _, first a letter")
    if name in {t.name for t in (*BUILT_IN, MEANING)}:
        raise _fault(shown, key, "a built-in link type has this name", mend="Choose another name.")
    _known(values, keys, shown, f"{key}.")
    for needed in ("table", "column"):
        if needed not in values:
            raise _fault(shown, key, f"the key {needed} is missing", mend=f'Add {needed} = "...".')
    texts = {k: values[k] for k in ("table", "column", "family", "form") if k in values}
    for inner, value in texts.items():
        if not isinstance(value, str) or not value:
            raise _fault(shown, f"{key}.{inner}", "the value is of the wrong kind", found=_kind(value), expected="text")
    _one_of(texts["table"], _TABLES, f"{key}.table", shown)
    _one_of(texts.get("form", "text"), get_args(Form), f"{key}.form", shown)
    if texts["column"] in _NEVER_LINK:
        raise _fault(
            shown, f"{key}.column", "this column cannot tie accounts", found=quoted(texts["column"]),
            expected=f"any other than {', '.join(_NEVER_LINK)}", mend="Name the column that accounts may share.",
        )  # fmt: skip
    bounds = {"match_probability": (float, 0.001, 1), "cap_bits": (float, 0, 40), "slot": (int, 1, 8)}  # fmt: skip
    numbers = {
        k: _number(values[k], kind, {"low": low, "high": high}, f"{key}.{k}", shown)
        for k, (kind, low, high) in bounds.items() if k in values
    }  # fmt: skip
    return LinkType(name, **{**texts, "family": texts.get("family", name)}, **numbers)


def _one_of(value: str, allowed: Iterable[str], key: str, shown: str) -> None:
    choices = list(allowed)
    if value not in choices:
        raise _fault(
            shown, key, "the value is not one of those allowed", found=quoted(value), expected=" or ".join(choices),
        )  # fmt: skip


def _check_together(settings: Settings, shown: str) -> None:
    """Values that are right alone and wrong together."""
    scores = settings.scores
    if scores.report_floor > scores.threshold:
        raise _fault(
            shown, "scores.report_floor", "rings would be flagged that are not reported",
            found=f"{scores.report_floor:g} above the threshold {scores.threshold:g}",
            expected="a report floor at or below scores.threshold", mend="Lower it.",
        )  # fmt: skip
