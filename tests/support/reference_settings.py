"""Reference pages of settings, link types and environment variables."""

from __future__ import annotations

import inspect
import json
from dataclasses import Field, fields
from typing import Any, get_args

from pipeline.link_types import BUILT_IN, MEANING, Form, LinkType
from pipeline.plan import STAGES
from pipeline.settings import Settings, default_of
from tests.support.reference_text import cell, code, sentence, table

# what the environment may say; `test_docs` holds this against every RINGTRACE_ name in the source
VARIABLES = {
    "RINGTRACE_DEBUG": "shows the trace of an unforeseen fault; it may hold values of the input",
    "RINGTRACE_LOG": "file for JSON lines with run and stage; `-` is standard error",
    "RINGTRACE_METRICS": "file for Prometheus' text-file collector",
    "RINGTRACE_LINEAGE": "folder for OpenLineage events, one JSON a line",
    "RINGTRACE_REVIEW_SECRET": "secret of the workspace's sessions, the same on every server",
    "RINGTRACE_PSEUDONYM_KEY": "key of the pseudonyms, 32 characters or more, where `privacy.key_file` names no file",
    "RINGTRACE_OIDC_CLIENT_SECRET": "client secret at the OpenID Connect provider",
    "RINGTRACE_PYTHON": "DAGs: interpreter of the environment that has ringtrace",
    "RINGTRACE_INPUT": "DAGs: folder or URI of the input",
    "RINGTRACE_OUTPUT": "DAGs: folder or URI of finished runs",
    "RINGTRACE_SETTINGS": "DAGs: settings file",
    "RINGTRACE_DECISIONS": "DAGs: where analysts' decisions lie, if not in the input",
    "RINGTRACE_MARKER": "DAGs: marker of a complete day",
    "RINGTRACE_SCHEDULE": "DAGs: cron line",
    "RINGTRACE_START": "DAGs: first date",
    "RINGTRACE_NOTIFY": "DAGs: program called for each task that failed for good",
    "RINGTRACE_RETRIES": "DAGs: how often a task is tried again",
    "RINGTRACE_RETRY_SECONDS": "DAGs: seconds between two tries",
    "RINGTRACE_WAIT_RETRIES": "DAGs: how often a day that is incomplete is looked at again",
}


def settings() -> str:
    """Every key with its default, bounds and meaning."""
    head = """# Settings

A settings file is TOML and is named with `--settings`. Every key has a default, so an empty file is a good one; an
unknown key, a value of the wrong kind or out of bounds ends the command with exit code 2 before anything is written.
All values enter the name of the run, except those of `[gates]` and those that only say how the work is carried out
(`[run]` without its seed, `input.chunk_rows`).

```toml
[window]
days = 30

[scores]
threshold = 0.8

[link_types.device_id]
table = "events"
column = "device_id"
```

Link types have a [page of their own](link-types.md)."""
    parts = [head]
    for section in fields(Settings):
        if section.name == "link_types":
            continue
        kind: Any = section.default_factory
        rows = [(code(f.name), code(_shown(f)), _bounds(f), cell(f.metadata["help"])) for f in fields(kind)]
        users = [code(s.name) for s in STAGES if section.name in s.settings]
        given = f" Given to {', '.join(users)}." if users else ""
        body = table(("key", "default", "allowed", "meaning"), rows)
        parts.append(f"## {section.name}\n\n{sentence(inspect.getdoc(kind) or '')}{given}\n\n{body}")
    return "\n\n".join(parts)


def _shown(key: Field[Any]) -> str:
    default = default_of(key)
    if isinstance(default, tuple):
        default = list(default)
    return json.dumps(default) if default != {} else "{}"


def _bounds(key: Field[Any]) -> str:
    meta = key.metadata
    if meta["choices"]:
        return ", ".join(code(c) for c in meta["choices"])
    low, high = meta["low"], meta["high"]
    said = [f"from {low:,g}" if low is not None else "", f"to {high:,g}" if high is not None else ""]
    kind = {bool: "true or false", int: "whole number", float: "number", tuple: "list of numbers", str: "text",
            dict: "sections"}[type(default_of(key))]  # fmt: skip
    return " ".join([kind, *(s for s in said if s)])


KEYS_OF_A_LINK_TYPE = {
    "table": "table that has the column: `events`, `payments` or `accounts`",
    "column": "the column, as it stands in the file",
    "family": "family of evidence: within a family only the strongest thing counts; the type's own name if not given",
    "form": "normal form of its values: " + ", ".join(code(f) for f in get_args(Form)),
    "match_probability": "how often two accounts of one operator are expected to share such a thing, 0.001 to 1",
    "cap_bits": "the most bits that one shared thing can prove, 0 to 40",
    "slot": "colour and mark in pictures, 1 to 8",
}


def link_types() -> str:
    """The link types and the keys of a declared one."""
    head = """# Link types

A link type is a kind of thing that accounts may share. Three are built in; any further column of `events`, `payments`
or `accounts` becomes one by a section `[link_types.NAME]` in the settings, and goes through every stage, the pictures
and the exports like the others. How to choose the values: [declare a link type](../how-to/declare-a-link-type.md)."""
    head_built = ("name", "column", "family", "form", "match probability", "cap, bits")
    built = table(head_built, map(_built_in, (*BUILT_IN, MEANING)))
    rows = [
        (code(f.name), _default_of_link(f), KEYS_OF_A_LINK_TYPE[f.name]) for f in fields(LinkType) if f.name != "name"
    ]
    keys = table(("key", "default", "meaning"), rows)
    built += "\n\n`meaning` is read only where `templates.semantic` is set."
    return f"{head}\n\n## Built in\n\n{built}\n\n## Keys of a declared one\n\n{keys}"


def _built_in(t: LinkType) -> tuple[str, ...]:
    column = code(f"{t.table}.{t.column}")
    return code(t.name), column, t.family, t.form, f"{t.match_probability:g}", f"{t.cap_bits:g}"


def _default_of_link(key: Field[Any]) -> str:
    if key.name in ("table", "column"):
        return "needed"
    return "its name" if key.name == "family" else code(json.dumps(key.default))


def environment() -> str:
    """Environment variables."""
    head = """# Environment

Nothing here changes a result. Secrets are read from the environment or from files, never from the command line."""
    rows = [(code(name), cell(sentence(says))) for name, says in VARIABLES.items()]
    return f"{head}\n\n{table(('variable', 'meaning'), rows)}"
